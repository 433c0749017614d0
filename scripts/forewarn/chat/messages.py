"""One message of a conversation, and what makes a list of them a conversation to train on."""

from __future__ import annotations

from typing import Any, TypedDict

from forewarn.errors import StudyError

ROLES = ("system", "user", "assistant")


class Message(TypedDict):
    """One turn; `role` is one of `ROLES`."""

    role: str
    content: str


def as_conversation(value: Any, where: str) -> list[Message]:
    """Check and copy a training conversation: system?, then user and assistant in turn, assistant last.

    Keys of a message other than `role` and `content` are left out.

    Args:
        value: what a file holds under `messages`.
        where: how to call it in an error, e.g. `rows.jsonl, line 7`.

    Raises:
        StudyError: it is not such a conversation; the message says which turn is wrong, and how.
    """
    if not isinstance(value, list):
        raise StudyError(
            f"{where}: `messages` is {_kind(value)}, not a list",
            'write the row as {"messages": [{"role": "user", "content": ...}, ...]}',
        )
    messages = [_as_message(item, f"{where}, message {number}") for number, item in enumerate(value, start=1)]
    turns = messages[1:] if messages and messages[0]["role"] == "system" else messages
    for number, message in enumerate(turns):
        expected = ("user", "assistant")[number % 2]
        if message["role"] != expected:
            position = number + 1 + len(messages) - len(turns)
            raise StudyError(
                f"{where}, message {position}: the role is `{message['role']}` where `{expected}` is due",
                "a row is an optional system message, then user and assistant in turn",
            )
    if not turns or turns[-1]["role"] != "assistant":
        last = f"ends with `{messages[-1]['role']}`" if messages else "is empty"
        raise StudyError(
            f"{where}: the conversation {last}",
            "a row to train on ends with an assistant message, since only those are learned",
        )
    return messages


def _as_message(value: Any, where: str) -> Message:
    if not isinstance(value, dict):
        raise StudyError(f"{where} is {_kind(value)}, not an object", "give it a `role` and a `content`")
    role, content = value.get("role"), value.get("content")
    if role not in ROLES:
        raise StudyError(
            f"{where}: {'the role is missing' if role is None else f'unknown role {role!r}'}",
            f"use one of {', '.join(ROLES)}",
        )
    if not isinstance(content, str):
        raise StudyError(
            f"{where}: `content` is {_kind(content)}, not a string",
            "give the text itself; lists of parts and tool calls are not supported",
        )
    if not content.strip():
        raise StudyError(f"{where}: `content` of the {role} is empty", "write the text or remove the row")
    try:
        content.encode("utf-8")
    except UnicodeEncodeError as error:
        raise StudyError(
            f"{where}: `content` holds half of a surrogate pair (character {error.start})",
            "write the character itself or both halves of its escape",
        ) from error
    return {"role": role, "content": content}


def _kind(value: Any) -> str:
    """How JSON calls the type of a value."""
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "missing"}
    return kinds.get(type(value), "a number")
