"""Conversations as text and tokens, through `tokenizer.apply_chat_template` alone.

All text that a model is trained on or asked comes through `normalise`, so training and generation cannot
differ in how they treat system prompts:

* A conversation with a system message keeps it. Where the template has no system role (Gemma), the
  message becomes the beginning of the first user turn, with a blank line behind it.
* Some templates write a system prompt of their own when there is none (Qwen2.5: "You are Qwen, ...").
  `default_system` says what happens then: `empty` (the default) renders an empty system message, so that
  nobody speaks for the study; `keep` leaves the template's words, as published evaluations of Qwen2.5 do;
  `refuse` stops. Words that a template writes in any case (Llama 3.2: its cutting knowledge date) cannot
  be emptied: they are refused unless `keep` asks for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from forewarn.chat.layout import DATE, Layout, apply, layout, template_variables
from forewarn.chat.messages import Message
from forewarn.errors import StudyError
from forewarn.files import digest

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

DefaultSystem = Literal["empty", "keep", "refuse"]


@dataclass(frozen=True)
class EncodedConversation:
    """A rendered conversation.

    Attributes:
        text: the rendered text.
        token_ids: its tokens, n of them.
        loss_mask: n times 0 or 1; 1 on the content and the end-of-turn token of every assistant turn.
    """

    text: str
    token_ids: list[int]
    loss_mask: list[int]


def normalise(
    tokenizer: PreTrainedTokenizerBase, messages: list[Message], default_system: DefaultSystem = "empty"
) -> list[Message]:
    """Settle what the template leaves open (see above), so that it adds nothing unasked.

    Raises:
        StudyError: words that were not asked for and cannot be avoided, or a content that holds the text
            of a special token, which would begin or end a turn within a turn.
    """
    habits = layout(tokenizer)
    _check_contents(messages, habits)
    with_system = bool(messages) and messages[0]["role"] == "system"
    if with_system and not habits.has_system:
        return _fold_system(messages)
    injected = habits.injected_beside_system if with_system else habits.injected
    if not injected or default_system == "keep":
        return messages
    if default_system == "empty" and not with_system and not habits.injected_beside_system:
        return [{"role": "system", "content": ""}, *messages]
    emptied = "" if habits.injected_beside_system else ", or `default_system: empty` for an empty one instead"
    raise StudyError(
        f"the chat template adds a system prompt that was not asked for: {injected!r}",
        f"set `default_system: keep` to accept it{emptied}",
    )


def render(
    tokenizer: PreTrainedTokenizerBase,
    messages: list[Message],
    add_generation_prompt: bool,
    *,
    default_system: DefaultSystem = "empty",
) -> str:
    """The conversation as text, with the header of the coming answer if `add_generation_prompt`.

    Raises:
        StudyError: as `normalise`, or the template refuses the conversation.
    """
    return apply(tokenizer, normalise(tokenizer, messages, default_system), add_generation_prompt)


def encode_prompt(
    tokenizer: PreTrainedTokenizerBase, messages: list[Message], *, default_system: DefaultSystem = "empty"
) -> tuple[str, list[int]]:
    """Text and token ids of a prompt, generation header included.

    Raises:
        StudyError: as `render`.
    """
    messages = normalise(tokenizer, messages, default_system)
    encoded = _tokenize(tokenizer, messages, add_generation_prompt=True)
    return apply(tokenizer, messages, add_generation_prompt=True), list(encoded["input_ids"])


def encode_conversation(
    tokenizer: PreTrainedTokenizerBase, messages: list[Message], *, default_system: DefaultSystem = "empty"
) -> EncodedConversation:
    """Text, token ids and loss mask of a conversation.

    An answer's span begins where the rendering of all that precedes it, with generation header, ends; it
    ends with the end-of-turn token. Neither needs `{% generation %}` marks in the template.

    Raises:
        StudyError: as `render`; or the template renders a conversation's beginning differently from the
            conversation, changes an answer, or an answer's first token reaches back into its header.
    """
    if not tokenizer.is_fast:
        raise StudyError(
            "the tokenizer has no character offsets, so answers cannot be told from prompts",
            "use the model's fast tokenizer (tokenizer.json)",
        )
    habits = layout(tokenizer)
    messages = normalise(tokenizer, messages, default_system)
    encoded = _tokenize(tokenizer, messages, offsets=True)
    text = apply(tokenizer, messages)
    mask = [0] * len(encoded["input_ids"])
    for index, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        begin, end = _answer_span(tokenizer, habits, messages[: index + 1], text)
        for position, (token_begin, token_end) in enumerate(encoded["offset_mapping"]):
            # By the end of the token: byte-level tokenizers may report a lone space as an empty span.
            if not begin < token_end <= end:
                continue
            if token_begin < begin:
                raise StudyError(
                    f"the first token of the answer {message['content'][:30]!r} reaches back into its header",
                    "remove white space at the beginning of the answer",
                )
            mask[position] = 1
    return EncodedConversation(text, list(encoded["input_ids"]), mask)


def end_of_turn_ids(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The ids that end an assistant turn, as the template renders it: where generation stops."""
    habits = layout(tokenizer)
    return [habits.added_tokens[habits.end_of_turn]]


def fingerprint(tokenizer: PreTrainedTokenizerBase, *, default_system: DefaultSystem = "empty") -> str:
    """Sha256 of all that decides how a conversation is written: template, added tokens, policy."""
    habits = layout(tokenizer)
    return digest(
        {
            "template": habits.template,
            "added_tokens": habits.added_tokens,
            "special_tokens": {name: str(token) for name, token in tokenizer.special_tokens_map.items()},
            "default_system": default_system,
            "date": DATE,
        }
    )


def _answer_span(
    tokenizer: PreTrainedTokenizerBase, habits: Layout, messages: list[Message], text: str
) -> tuple[int, int]:
    """First and past-the-end character in `text` of the answer that ends `messages`, end-of-turn included."""
    prompt = apply(tokenizer, messages[:-1], add_generation_prompt=True)
    answered = apply(tokenizer, messages)
    if not (answered.startswith(prompt) and text.startswith(answered) and answered.endswith(habits.closing)):
        raise StudyError(
            "the chat template renders the beginning of a conversation differently once it goes on, "
            "so its answers cannot be told from its prompts",
            "use a template without that habit (some remove the reasoning of earlier turns), "
            "or rows with a single answer",
        )
    content_end = len(answered) - len(habits.closing)
    content, rendered = messages[-1]["content"], text[len(prompt) : content_end]
    if rendered.strip() != content.strip():
        raise StudyError(
            f"the chat template changes the answer {content[:30]!r} into {rendered[:30]!r}",
            "use a template that leaves answers as they are",
        )
    return len(prompt), content_end + habits.closing.find(habits.end_of_turn) + len(habits.end_of_turn)


def _tokenize(
    tokenizer: PreTrainedTokenizerBase,
    messages: list[Message],
    add_generation_prompt: bool = False,
    offsets: bool = False,
) -> Any:
    return tokenizer.apply_chat_template(
        messages,
        tokenize=True,
        return_dict=True,
        add_generation_prompt=add_generation_prompt,
        tokenizer_kwargs={"return_offsets_mapping": offsets},
        **template_variables(tokenizer),
    )


def _fold_system(messages: list[Message]) -> list[Message]:
    system, first, *rest = messages
    return [{"role": first["role"], "content": f"{system['content']}\n\n{first['content']}"}, *rest]


def _check_contents(messages: list[Message], habits: Layout) -> None:
    for message in messages:
        if found := habits.special.search(message["content"]):
            raise StudyError(
                f"the {message['role']}'s message contains {found[0]}, which is read as a special token",
                "remove it from the text; the chat template alone may begin and end turns",
            )
