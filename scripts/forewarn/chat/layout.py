"""What a chat template does, learned by rendering short conversations with it.

A template is a program, so its text says little: whether it knows a system role, which token ends a
turn, and what it writes unasked is found by looking at what comes out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError

from forewarn.chat.messages import Message
from forewarn.errors import StudyError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

DATE = "26 Jul 2024"
"""The day that templates get which print one (Llama 3.1 and later): prompts must not change overnight.
It is the day those templates themselves fall back to."""

SYSTEM, QUESTION, ANSWER, FOLLOWUP = "probesystem", "probequestion", "probeanswer", "probefollowup"
_MARKER = re.compile(r"</?[|｜]?[A-Za-z_][\w▁.-]*[|｜]?>|\[/?[A-Z_]+\]")


@dataclass(frozen=True)
class Layout:
    """The habits of one tokenizer's chat template.

    Attributes:
        template: the text of the template.
        added_tokens: text -> id of every token outside the learned vocabulary.
        special: matches the text of a token that ends or begins something, such as a turn.
        markers: turn markers, in order of appearance, e.g. `<|im_start|>`, `<|im_end|>`.
        closing: what follows an answer, e.g. `<|im_end|>` and a newline.
        end_of_turn: the token within `closing` that ends the turn.
        has_system: whether the template has a place for a system message.
        injected: words written before the first user turn when there is no system message.
        injected_beside_system: words that remain beside an empty system message.
    """

    template: str
    added_tokens: dict[str, int]
    special: re.Pattern[str]
    markers: tuple[str, ...]
    closing: str
    end_of_turn: str
    has_system: bool
    injected: str
    injected_beside_system: str


def layout(tokenizer: PreTrainedTokenizerBase) -> Layout:
    """Learn (once per tokenizer and template) what the chat template does.

    Raises:
        StudyError: no chat template; turn markers that are not tokens of this tokenizer; no token that
            ends a turn; a text that depends on the day; an answer that does not follow its header.
    """
    return _learn(tokenizer, template_text(tokenizer))


def template_text(tokenizer: PreTrainedTokenizerBase) -> str:
    """The chat template's source; StudyError if the tokenizer has none."""
    try:
        text: str = tokenizer.get_chat_template()
    except ValueError as error:
        raise StudyError(
            f"{_name(tokenizer)} has no chat template",
            "use the instruct version of the model, or put its chat_template.jinja into the folder; "
            "a base model was trained with none, so any would be a guess",
        ) from error
    return text


def apply(
    tokenizer: PreTrainedTokenizerBase, messages: list[Message], add_generation_prompt: bool = False
) -> str:
    """Render messages exactly as they are given, without any policy: for `layout` and `template` only."""
    try:
        text: str = tokenizer.apply_chat_template(
            messages,
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
            **template_variables(tokenizer),
        )
    except TemplateError as error:
        roles = ", ".join(message["role"] for message in messages)
        raise StudyError(
            f"the chat template of {_name(tokenizer)} refuses a conversation of {roles}: {error}",
            "write the conversation as this model's template wants it",
        ) from error
    return text


def template_variables(tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """What a template gets besides the messages: a fixed date, if it prints one."""
    return {"date_string": DATE} if "date_string" in template_text(tokenizer) else {}


@lru_cache(maxsize=16)
def _learn(tokenizer: PreTrainedTokenizerBase, template: str) -> Layout:
    if "strftime_now" in template and "date_string" not in template:
        raise StudyError(
            f"the chat template of {_name(tokenizer)} prints today's date, so no result could be made again",
            "let the template take the date from a variable `date_string`",
        )
    added = {token.content: index for index, token in tokenizer.added_tokens_decoder.items()}
    special = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
    question: Message = {"role": "user", "content": QUESTION}
    answer: Message = {"role": "assistant", "content": ANSWER}
    followup: Message = {"role": "user", "content": FOLLOWUP}

    prompt = apply(tokenizer, [question], add_generation_prompt=True)
    answered = apply(tokenizer, [question, answer])
    between = _between(apply(tokenizer, [question, answer, followup]), ANSWER, FOLLOWUP)
    closing = answered[answered.rfind(ANSWER) + len(ANSWER) :]
    header = prompt[prompt.rfind(QUESTION) + len(QUESTION) :]
    markers = tuple(dict.fromkeys(_MARKER.findall(between + header + closing)))
    _check_markers(tokenizer, markers, added)
    if answered.removeprefix(prompt).lstrip() != ANSWER + closing:
        raise StudyError(
            f"with the chat template of {_name(tokenizer)} an answer does not follow its prompt: "
            f"{header!r} ends the prompt, but the conversation goes on differently",
            "use a template that supports `add_generation_prompt`",
        )
    special_or_marker = _any_of([*special, *markers])
    end = special_or_marker.search(closing)
    if end is None:
        raise StudyError(
            f"the chat template of {_name(tokenizer)} ends an answer with {closing!r}, "
            "which holds no special token; a model could not learn where to stop",
            "use the template that belongs to the model",
        )
    user_header = between.removeprefix(closing)
    has_system = _knows_system(tokenizer, question)
    empty: list[Message] = [{"role": "system", "content": ""}] if has_system else []
    return Layout(
        template=template,
        added_tokens=added,
        special=special_or_marker,
        markers=markers,
        closing=closing,
        end_of_turn=end[0],
        has_system=has_system,
        injected=_words_before(apply(tokenizer, [question]), user_header, special_or_marker),
        injected_beside_system=_words_before(
            apply(tokenizer, [*empty, question]), user_header, special_or_marker
        ),
    )


def _check_markers(
    tokenizer: PreTrainedTokenizerBase, markers: tuple[str, ...], added: dict[str, int]
) -> None:
    """Each turn marker must be one token; a foreign template's markers fall apart into letters."""
    for marker in markers:
        if marker not in added:
            pieces = tokenizer.tokenize(marker)
            raise StudyError(
                f"the chat template is of another family than {_name(tokenizer)}: "
                f"{marker} is not one of its tokens but falls into {len(pieces)} pieces {pieces}",
                "use the chat template that belongs to the model; training on a foreign one runs without "
                "complaint and teaches the wrong turn format",
            )


def _knows_system(tokenizer: PreTrainedTokenizerBase, question: Message) -> bool:
    """Gemma's template refuses a system message; others drop it without a word."""
    try:
        return SYSTEM in apply(tokenizer, [{"role": "system", "content": SYSTEM}, question])
    except StudyError:
        return False


def _words_before(text: str, user_header: str, special: re.Pattern[str]) -> str:
    """The words before the first user turn that are neither special tokens nor the system role's name."""
    before = text[: text.find(QUESTION)].removesuffix(user_header)
    words = special.sub(" ", before).strip()
    return words.removeprefix("system").strip()


def _between(text: str, first: str, second: str) -> str:
    return text[text.find(first) + len(first) : text.find(second)]


def _any_of(words: list[str]) -> re.Pattern[str]:
    """A pattern that matches any of the words, the longest first; nothing if there are none."""
    ordered = sorted({word for word in words if word}, key=lambda word: (-len(word), word))
    return re.compile("|".join(map(re.escape, ordered)) or r"(?!)")


def _name(tokenizer: PreTrainedTokenizerBase) -> str:
    return f"the tokenizer {tokenizer.name_or_path}".rstrip()
