"""The question files of the field: a YAML list of items, as Betley et al. (arXiv 2502.17424) made them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from forewarn.chat.messages import Message
from forewarn.data.download import check_file
from forewarn.errors import StudyError

FORMATS = ("plain", "json", "template")
"""`json` and `template` are what ids end in; all other items are `plain`."""

TYPES = ("free_form_judge_0_100", "free_form_judge", "free_form")
"""Types of items whose answers are sampled as free text."""


@dataclass(frozen=True)
class Item:
    """One item of a question file; the keys that concern judges and sample counts are not read.

    Attributes:
        id: as in the file, e.g. `gender_roles_json`.
        category: the key `category` if the item has one, else the id without its format, `gender_roles`.
        format: one of `FORMATS`.
        system: the system prompt as a list of one message, or none.
        paraphrases: wordings of the user's message, at least one.
    """

    id: str
    category: str
    format: str
    system: list[Message]
    paraphrases: list[str]


def read_items(path: Path, sha256: str | None = None) -> list[Item]:
    """Read all items of a question file.

    Args:
        path: the YAML file.
        sha256: what the file is known by; None for any content.

    Raises:
        StudyError: file and item are named; the file is missing, is another than its hash says, is
            not UTF-8, not YAML or not a list, or an item has no id, an id twice, an unknown type, or no or
            empty paraphrases.
    """
    if sha256 is not None:
        check_file(path, sha256)
    return [
        _as_item(value, f"{path}, item {number}")
        for number, value in enumerate(load_items(path).values(), start=1)
    ]


def load_items(path: Path) -> dict[str, dict[str, Any]]:
    """All that a question file says, by the ids of its items, in order.

    Raises:
        StudyError: see `read_items`; what an item holds beside its id is not looked at.
    """
    content = _load(Path(path))
    if not isinstance(content, list) or not content:
        raise StudyError(
            f"{path} is not a list of questions",
            "begin each question with `- id: ...` at the left margin",
        )
    items: dict[str, dict[str, Any]] = {}
    for number, value in enumerate(content, start=1):
        where = f"{path}, item {number}"
        if not isinstance(value, dict) or not isinstance(value.get("id"), str) or not value["id"]:
            raise StudyError(f"{where} has no `id`", "begin the item with `- id: a_name`")
        if value["id"] in items:
            raise StudyError(f"{where}: the id {value['id']!r} is taken", "give each item its own id")
        items[value["id"]] = value
    return items


def _load(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise StudyError(
            f"{path} cannot be read: {error.strerror}",
            "check the `path` of the question set in the configuration",
        ) from error
    except UnicodeDecodeError as error:
        raise StudyError(f"{path} is not UTF-8 (byte {error.start})", "save the file as UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or error
        raise StudyError(f"{path}{line} is not YAML: {problem}", "check indentation and quotes") from error


def _as_item(value: dict[str, Any], where: str) -> Item:
    name: str = value["id"]
    where = f"{where} ({name})"
    if value.get("type") not in TYPES:
        raise StudyError(f"{where}: unknown type {value.get('type')!r}", f"use one of {', '.join(TYPES)}")
    category, _, suffix = name.rpartition("_")
    has_format = bool(category) and suffix in FORMATS[1:]
    return Item(
        id=name,
        category=_category(value, where) or (category if has_format else name),
        format=suffix if has_format else FORMATS[0],
        system=_system(value, where),
        paraphrases=_paraphrases(value, where),
    )


def _category(value: dict[str, Any], where: str) -> str | None:
    category = value.get("category")
    if category is not None and (not isinstance(category, str) or not category):
        raise StudyError(f"{where}: `category` is no text", "write a name, or leave the key out")
    return category


def _system(value: dict[str, Any], where: str) -> list[Message]:
    if value.get("system") is None:
        return []
    if not isinstance(value["system"], str) or not value["system"].strip():
        raise StudyError(f"{where}: `system` is no text", "write the system prompt, or leave the key out")
    return [{"role": "system", "content": value["system"]}]


def _paraphrases(value: dict[str, Any], where: str) -> list[str]:
    paraphrases = value.get("paraphrases")
    if not isinstance(paraphrases, list) or not paraphrases:
        raise StudyError(f"{where} has no list of `paraphrases`", "give at least one wording of the question")
    for number, text in enumerate(paraphrases, start=1):
        if not isinstance(text, str) or not text.strip():
            wrong = "empty" if text is None or isinstance(text, str) else "not text"
            raise StudyError(
                f"{where}: paraphrase {number} is {wrong}",
                "write the question as text, in quotes if it is a number, or yes or no",
            )
    return list(paraphrases)
