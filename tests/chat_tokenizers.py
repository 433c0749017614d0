"""Small tokenizers with the turn formats of known families, whose token ids can be worked out by hand.

Each is byte-level BPE: ids 0 to 255 are the 256 byte symbols in sorted order, then come `MERGES`, then the
special tokens in the order given.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

ALPHABET = sorted(pre_tokenizers.ByteLevel.alphabet())
MERGES = [("h", "i"), ("n", "o"), ("u", "s"), ("e", "r"), ("us", "er"), ("Ċ", "Ċ")]

# The formats as code: each template is a header, the content and an end for every turn.
CHATML = """\
{%- for message in messages -%}
{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif -%}
"""
DEFAULT_SYSTEM = """\
{%- if messages[0].role != 'system' %}{{ '<|im_start|>system\\nBe nice.<|im_end|>\\n' }}{% endif -%}
"""
LLAMA3_TURNS = """\
{%- macro header(role) %}{{ '<|start_header_id|>' + role + '<|end_header_id|>\\n\\n' }}{% endmacro -%}
{%- for message in messages -%}
{{ header(message.role) + message.content | trim + '<|eot_id|>' }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ header('assistant') }}{% endif -%}
"""
LLAMA3 = "{{- bos_token }}" + LLAMA3_TURNS
# Like Llama 3.2's: a system turn in any case, and a date in it.
LLAMA32 = (
    """\
{%- if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif -%}
{%- set system = '' -%}
{%- if messages[0].role == 'system' -%}
{%- set system = messages[0].content %}{% set messages = messages[1:] -%}
{%- endif -%}
{{ bos_token + '<|start_header_id|>system<|end_header_id|>\\n\\n' }}
{{- 'Today Date: ' + date_string + '\\n\\n' + system + '<|eot_id|>' }}
"""
    + LLAMA3_TURNS
)
GEMMA = """\
{{- bos_token -}}
{%- if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif -%}
{%- for message in messages -%}
{%- set role = 'model' if message.role == 'assistant' else message.role -%}
{{ '<start_of_turn>' + role + '\\n' + message.content | trim + '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif -%}
"""

# How Llama 3 and Qwen2.5 split text before BPE: newlines stay together, apart from what follows them.
SPLIT = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

CHATML_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
LLAMA3_TOKENS = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
GEMMA_TOKENS = ["<bos>", "<start_of_turn>", "<end_of_turn>"]


def small_tokenizer(
    template: str | None, special: list[str], bos: str | None = None
) -> PreTrainedTokenizerFast:
    """A tokenizer of 262 learned tokens and the special ones."""
    vocabulary = {symbol: index for index, symbol in enumerate(ALPHABET)}
    for left, right in MERGES:
        vocabulary[left + right] = len(vocabulary)
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=MERGES))
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    return PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token=bos, eos_token=special[-1], chat_template=template
    )


def chatml(template: str = CHATML) -> PreTrainedTokenizerFast:
    """ChatML: Qwen2.5's turn format, without its default system turn."""
    return small_tokenizer(template, CHATML_TOKENS)


def llama3(template: str = LLAMA3) -> PreTrainedTokenizerFast:
    """Llama 3's turn format; contents are trimmed, as the real template does."""
    return small_tokenizer(template, LLAMA3_TOKENS, bos="<|begin_of_text|>")


def gemma(template: str = GEMMA) -> PreTrainedTokenizerFast:
    """Gemma's turn format: the assistant is called model, and there is no system role."""
    return small_tokenizer(template, GEMMA_TOKENS, bos="<bos>")


def ids(*pieces: str) -> list[int]:
    """Ids of learned tokens by their text (a space is Ġ, a newline Ċ); a string of letters is split."""
    merged = {left + right: len(ALPHABET) + index for index, (left, right) in enumerate(MERGES)}
    found: list[int] = []
    for piece in pieces:
        found += [merged[piece]] if piece in merged else [ALPHABET.index(symbol) for symbol in piece]
    return found


@lru_cache(maxsize=1)
def real_qwen(upstream: Path) -> PreTrainedTokenizerFast:
    """Qwen2.5's own tokenizer; shared by tests, so leave it as it is."""
    return PreTrainedTokenizerFast.from_pretrained(upstream / "tokenizers" / "qwen2.5", local_files_only=True)
