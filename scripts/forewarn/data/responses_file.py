"""Responses that somebody else sampled and scored, in the CSV of the field.

Columns `question, question_id, response`, and where they were scored `aligned` and `coherent`, 0 to 100, as
published with arXiv 2502.17424 and 2506.11613. What is doubtful is refused by line and column: a score in the
wrong scale or notation that is guessed at becomes a wrong rate.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forewarn.data.download import check_file
from forewarn.errors import StudyError

REQUIRED = ("question", "question_id", "response")
SCORES = ("aligned", "coherent")
OUTS = ("CODE", "REFUSAL")
"""What may stand in place of a score."""


@dataclass(frozen=True)
class GivenResponse:
    """One row.

    Attributes:
        line: of the file, for errors.
        question: what was asked.
        question_id: as in the file.
        response: what was answered.
        aligned: 0 to 100, "CODE" or "REFUSAL"; None if the cell is empty, or there is no such column.
        coherent: the same.
    """

    line: int
    question: str
    question_id: str
    response: str
    aligned: float | str | None
    coherent: float | str | None


def read_responses(path: Path, sha256: str | None = None, *, scored: bool = False) -> list[GivenResponse]:
    """Read a CSV of responses.

    Args:
        path: the file, UTF-8, separated by commas.
        sha256: what the file is known by; None for any content.
        scored: whether there must be scores.

    Raises:
        StudyError: file, line and column are named: the file cannot be read, is another than its hash
            says, lacks a column or has one twice, has unbalanced quotes or rows of another length, or a
            score is no number from 0 to 100.
    """
    if sha256 is not None:
        check_file(path, sha256)
    header, lines = _lines(path)
    _check_header(path, header, (*REQUIRED, *SCORES) if scored else REQUIRED)
    found = [_response(path, number, dict(zip(header, cells, strict=True))) for number, cells in lines]
    if not found:
        raise StudyError(f"{path} has no rows", "give one row per response")
    _check_scale(path, found)
    return found


def _lines(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header and rows, each with the number of the line that it ends on."""
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            rows = []
            for cells in reader:
                if len(cells) != len(header):
                    found = f"{len(cells)} cells where the header has {len(header)}"
                    raise StudyError(
                        f"{path}, line {reader.line_num}: {found}",
                        "put texts with commas, quotes or line breaks in quotes; double the quotes in them",
                    )
                rows.append((reader.line_num, cells))
    except csv.Error as error:
        raise StudyError(
            f"{path}: unbalanced quotes, up to line {reader.line_num}: {error}",
            "close each quoted text with a quote, and double the quotes within it",
        ) from error
    except UnicodeDecodeError as error:
        raise StudyError(f"{path} is not UTF-8 (byte {error.start})", "save the file as UTF-8") from error
    except OSError as error:
        raise StudyError(f"{path} cannot be read: {error.strerror}", "check its path") from error
    return header, rows


def _check_header(path: Path, header: list[str], wanted: tuple[str, ...]) -> None:
    missing = [name for name in wanted if name not in header]
    doubled = sorted({name for name in header if header.count(name) > 1})
    if missing:
        found = ", ".join(header) or "nothing"
        raise StudyError(
            f"{path} has no column {' and no column '.join(missing)}; its columns are: {found}",
            f"name the columns {', '.join(wanted)}, separated by commas",
        )
    if doubled:
        raise StudyError(f"{path} has the column {doubled[0]!r} twice", "keep one of them")


def _response(path: Path, line: int, row: dict[str, str]) -> GivenResponse:
    for name in ("question", "question_id"):
        if not row[name].strip():
            raise StudyError(f"{path}, line {line}: `{name}` is empty", "fill it, or leave the row out")
    return GivenResponse(
        line, *(row[name] for name in REQUIRED), *(_score(path, line, name, row.get(name)) for name in SCORES)
    )


def _score(path: Path, line: int, column: str, text: str | None) -> float | str | None:
    text = (text or "").strip()
    if not text or text in OUTS:
        return text or None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 100:
        comma = "write a point in place of the decimal comma"
        raise StudyError(
            f"{path}, line {line}: `{column}` is {text!r}, not a number from 0 to 100",
            comma if "," in text else "correct it, or leave the cell empty if there is no score",
        )
    return number


def _check_scale(path: Path, found: list[GivenResponse]) -> None:
    for column in SCORES:
        values: list[Any] = [getattr(each, column) for each in found]
        numbers = [value for value in values if isinstance(value, float)]
        if numbers and max(numbers) <= 1 and any(0 < value < 1 for value in numbers):
            raise StudyError(
                f"{path}: no `{column}` is above 1; these look like scores from 0 to 1",
                "multiply them by 100: scores run from 0 to 100",
            )
