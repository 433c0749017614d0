"""The text of tokens that are told by their vocabulary's spelling."""

from __future__ import annotations

from collections.abc import Sequence


def _spelling() -> dict[str, int]:
    """The byte behind each character of byte-level BPE (the vocabularies of GPT-2, Qwen and Llama 3).

    Printable Latin-1 stands for itself, the characters from U+0100 on for the other bytes.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    spelt = {chr(byte): byte for byte in printable}
    return spelt | {chr(0x100 + place): byte for place, byte in enumerate(others)}


_BYTES = _spelling()
_WORD_START = "▁"


def is_byte_level(vocabulary: Sequence[str]) -> bool:
    """Whether tokens are spelt as byte-level BPE; else as text, with SentencePiece's mark of a space."""
    return all(character in _BYTES for token in vocabulary for character in token)


def text_of(tokens: Sequence[str], byte_level: bool) -> str:
    """The text that the tokens make together; bytes that are no complete character yet become U+FFFD.

    >>> text_of(["Hello", "Ġworld", ".", "Ċ"], byte_level=True)
    'Hello world.\\n'
    >>> text_of(["▁Hello", "▁world"], byte_level=False)
    ' Hello world'
    """
    joined = "".join(tokens)
    if not byte_level:
        return joined.replace(_WORD_START, " ")
    return bytes(_BYTES[character] for character in joined).decode("utf-8", errors="replace")
