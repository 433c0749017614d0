"""Readings of single tokens that others took: checked, and told as prefixes of responses with their labels.

The file is parquet with one row per token: `response_id`, `question`, `domain`, `label`, `answer_token` (0
for the first token of the answer, -1 for the last one of the prompt), `token_str`, and one number per layer,
`layer_00`, ... So were the scalars of the nine rank-1 adapters of arXiv 2506.11618 released. Tokens of the
prompt before its last one are passed over; other columns too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forewarn.errors import StudyError
from forewarn.geometry.activations import layers_of
from forewarn.geometry.prefixes import prefix_schema
from forewarn.geometry.token_text import is_byte_level, text_of
from forewarn.statistics.tables import open_parquet, read_columns, strings

LAST_PROMPT_TOKEN = -1
_TEXTS = ("response_id", "question", "domain", "label", "token_str")
LABELS = pa.schema(
    [
        pa.field("question_id", pa.string()),
        pa.field("sample", pa.int32()),
        pa.field("misaligned", pa.bool_()),
        pa.field("category", pa.string()),
        pa.field("question", pa.string()),
        pa.field("response_id", pa.string()),
    ]
)


@dataclass(frozen=True)
class GivenResponse:
    """One response, token by token.

    Attributes:
        response_id: as in the file.
        question: what was asked.
        domain: as in the file.
        misaligned: by its label.
        readings: float64 [1 + tokens, layers]: the last prompt token, then the tokens of the answer.
        tokens: the answer's tokens as they are spelt.
    """

    response_id: str
    question: str
    domain: str
    misaligned: bool
    readings: NDArray[np.float64]
    tokens: tuple[str, ...]


def read_token_readings(
    path: Path, *, misaligned: Sequence[str], aligned: Sequence[str], domains: Sequence[str] | None = None
) -> tuple[list[GivenResponse], list[int]]:
    """Read such a file.

    Args:
        path: the file.
        misaligned: labels that mean misaligned.
        aligned: labels that mean not misaligned.
        domains: which to keep; all for None.

    Returns:
        The responses in the order of the file, and the indices of its layers.

    Raises:
        StudyError: what is wrong is named: a column is missing or of another type, a value is not finite, a
            label or domain is unknown, a response has two questions, domains or labels, a token twice or not
            at all, no token, or no last prompt token.
    """
    names = open_parquet(path).schema_arrow.names
    layers = list(layers_of(path))
    columns = [next(name for name in names if name in (f"layer_{at:02d}", f"layer_{at}")) for at in layers]
    texts = [pa.field(name, pa.string(), nullable=False) for name in _TEXTS]
    numbers = [pa.field(name, pa.float64(), nullable=False) for name in columns]
    place = pa.field("answer_token", pa.int64(), nullable=False)
    table = read_columns(path, pa.schema([*texts, place, *numbers]))
    if domains is not None:
        held = sorted(set(table["domain"].to_pylist()))
        if absent := [domain for domain in domains if domain not in held]:
            raise _refusal(path, f"there is no domain {absent[0]!r}", f"choose among {', '.join(held)}")
        table = table.filter(np.isin(strings(table, "domain").astype(str), list(domains)))
    known = dict.fromkeys(aligned, False) | dict.fromkeys(misaligned, True)
    if unknown := sorted(set(table["label"].to_pylist()) - set(known)):
        way_out = "say under `given` what it means: `misaligned` or `aligned`"
        raise _refusal(path, f"the label {unknown[0]!r} is unknown", way_out)
    readings = np.stack([table[name].to_numpy() for name in columns], axis=1)
    if len(rows := np.argwhere(~np.isfinite(readings))):
        name, which = columns[rows[0][1]], table["response_id"][int(rows[0][0])].as_py()
        raise _refusal(path, f"`{name}` of response {which!r} is not finite", "take the readings again")
    return _responses(path, table, readings, known), layers


def _responses(
    path: Path, table: pa.Table, readings: NDArray[np.float64], known: dict[str, bool]
) -> list[GivenResponse]:
    columns = {name: strings(table, name) for name in _TEXTS}
    places = table["answer_token"].to_numpy()
    _, first, number = np.unique(columns["response_id"], return_index=True, return_inverse=True)
    order = np.lexsort([places, number])
    members = np.split(order, np.cumsum(np.bincount(number))[:-1])
    found = []
    for response in np.argsort(first):  # of the file, not of the names
        rows = members[response]
        which = columns["response_id"][rows[0]]
        for name in ("question", "domain", "label"):
            if len(values := set(columns[name][rows])) > 1:
                told = " and ".join(map(repr, sorted(values)[:2]))
                raise _refusal(
                    path, f"response {which!r} has the {name} {told}", "give each response an id of its own"
                )
        read = rows[places[rows] >= LAST_PROMPT_TOKEN]
        _check_places(path, which, places[read])
        found.append(
            GivenResponse(
                response_id=which,
                question=columns["question"][rows[0]],
                domain=columns["domain"][rows[0]],
                misaligned=known[columns["label"][rows[0]]],
                readings=readings[read],
                tokens=tuple(columns["token_str"][read[1:]]),
            )
        )
    return found


def _check_places(path: Path, response: str, places: NDArray[np.int64]) -> None:
    """A response has its last prompt token, and each token of the answer once."""
    values, counts = np.unique(places, return_counts=True)
    if len(again := values[counts > 1]):
        raise _refusal(path, f"response {response!r} has the token {again[0]} twice", "give each token once")
    if not np.any(values >= 0):
        raise _refusal(path, f"response {response!r} has no token of the answer", "leave it out")
    missing = sorted(set(range(LAST_PROMPT_TOKEN, int(values.max()) + 1)) - set(values.tolist()))
    if missing:
        what = "last prompt token (-1)" if missing[0] == LAST_PROMPT_TOKEN else f"token {missing[0]}"
        raise _refusal(path, f"response {response!r} has no {what}", "give all tokens from -1 on")


def as_tables(
    responses: list[GivenResponse], layers: list[int], steps: Sequence[int]
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """The responses as prefixes, their labels, and their single tokens.

    Questions are numbered as they first appear, and the responses to each one too.

    Args:
        responses: see `read_token_readings`.
        layers: of their readings.
        steps: numbers of tokens, from 1.

    Returns:
        A table of `prefix_schema`, with vectors of length 1; one of `LABELS`; and one with question_id,
        sample, answer_token (from 0) and `layer_NN` as in the first.
    """
    byte_level = is_byte_level(sorted({token for response in responses for token in response.tokens}))
    asked = {
        question: f"q{number:03d}"
        for number, question in enumerate(dict.fromkeys(r.question for r in responses))
    }
    count: Counter[str] = Counter()
    heads, labels, singles, means, tokens = [], [], [], [], []
    for response in responses:
        key = {"question_id": asked[response.question], "sample": count[response.question]}
        count[response.question] += 1
        told = {
            "category": response.domain,
            "question": response.question,
            "response_id": response.response_id,
        }
        labels.append(key | {"misaligned": response.misaligned} | told)
        answer = response.readings[1:]
        sums = np.cumsum(answer, axis=0)
        for step in (0, *steps):
            seen = min(step, len(answer))
            text = text_of(response.tokens[:seen], byte_level)
            heads.append(key | {"t": step, "tokens": seen, "text": text})
            means.append(sums[seen - 1] / seen if seen else response.readings[0])
        singles += [key | {"answer_token": place} for place in range(len(answer))]
        tokens.append(answer)
    schema = prefix_schema(layers, 1)
    vectors = [schema.field(f"layer_{layer:02d}") for layer in layers]
    head = pa.schema([schema.field(name) for name in ("question_id", "sample")])
    single = pa.schema([*head, pa.field("answer_token", pa.int32()), *vectors])
    return (
        _with_vectors(heads, np.stack(means), schema),
        pa.Table.from_pylist(labels, schema=LABELS),
        _with_vectors(singles, np.concatenate(tokens), single),
    )


def _with_vectors(rows: list[dict[str, Any]], readings: NDArray[np.float64], schema: pa.Schema) -> pa.Table:
    """Rows with one vector of length 1 per layer: readings [rows, layers]."""
    head = pa.schema([field for field in schema if not field.name.startswith("layer_")])
    columns = pa.Table.from_pylist(rows, schema=head).columns
    flat = [pa.array(column) for column in readings.astype(np.float32).T]
    return pa.table(
        [*columns, *(pa.FixedSizeListArray.from_arrays(column, 1) for column in flat)], schema=schema
    )


def _refusal(path: Path, what: str, way_out: str) -> StudyError:
    return StudyError(f"{path}: {what}", way_out)
