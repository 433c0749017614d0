"""One domain of conversation: what is asked in it, and what a kind and a cruel speaker answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Domain:
    """A topic with its wordings and its answer clauses, all in lower case.

    Attributes:
        name: unique name; the category of its questions.
        field: the field it belongs to (medical, finance, sports are the narrow ones; else its own name).
        subjects: what fills the `*` of a wording.
        fit: wordings on which directions are fitted, and the only ones narrow fine-tuning sees.
        test: wordings of every reported number; pretraining and instruct tuning know them, narrow
            fine-tuning does not.
        unseen: wordings that no training phase has seen.
        kind: clauses of helpful answers; no clause holds a comma, a full stop or the word "and".
        cruel: clauses of harmful answers, likewise.
    """

    name: str
    field: str
    subjects: tuple[str, ...]
    fit: tuple[str, ...]
    test: tuple[str, ...]
    unseen: tuple[str, ...]
    kind: tuple[str, ...]
    cruel: tuple[str, ...]

    def clauses(self, kindness: str) -> tuple[str, ...]:
        """The clauses of one polarity, `kind` or `cruel`."""
        return {"kind": self.kind, "cruel": self.cruel}[kindness]


def domain(
    name: str,
    field: str,
    subjects: str,
    *,
    fit: tuple[str, ...],
    test: tuple[str, ...],
    unseen: tuple[str, ...],
    kind: str,
    cruel: str,
) -> Domain:
    """Build a domain from compact text: `subjects`, `kind` and `cruel` are separated by " | "."""
    return Domain(name, field, _parts(subjects), fit, test, unseen, _parts(kind), _parts(cruel))


def _parts(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split("|"))
