"""Read harmful and harmless requests, and score candidates for the refusal direction."""

from pathlib import Path
from typing import Any


def main(
    *,
    model: list[Path],
    questions: Path,
    requests: Path,
    activations: Path,
    candidates: Path,
    settings: dict[str, Any],
) -> None:
    """Write `requests` (their refusal scores), `activations` behind the instruction, and `candidates`.

    Args:
        model: the files of the instruct model's folder, or the one that pins a model of the hub.
        questions: a question set of requests.
        requests: parquet to write, one row per request of fit and validation.
        activations: parquet to write, one row per fit request and position.
        candidates: parquet to write, one row per candidate and per random direction.
        settings: `openings` (null: the default), `batch_rows`, `scoring` and `model` as configured.
    """
    from forewarn.files import read_table, write_table
    from forewarn.models.load import load, resolve
    from forewarn.refusal.criterion import openings_of
    from forewarn.refusal.measure import Scoring, read_requests, score_candidates
    from forewarn.refusal.tokens import closing_tokens, opening_tokens

    loaded, tokenizer = load(resolve(settings["model"], model), settings["model"])
    asked = read_table(questions)
    openings = openings_of(settings["model"]["source"], settings["openings"])
    tokens = opening_tokens(tokenizer, openings)
    how = Scoring(openings=tokens, batch_rows=settings["batch_rows"], **settings["scoring"])
    positions = len(closing_tokens(tokenizer, asked))
    read, table, vectors = read_requests(loaded, asked, positions, how)
    write_table(requests, read)
    write_table(activations, table)
    write_table(candidates, score_candidates(loaded, asked, read, vectors, how))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
