"""Take responses that somebody else sampled into a study."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def main(
    *,
    responses: Path,
    questions: Path,
    generations: Path,
    settings: dict[str, Any],
    tokenizer: Sequence[Path] | Path = (),
) -> None:
    """Write them as generations.

    Args:
        responses: CSV with the columns question, question_id, response.
        questions: the question set that was asked, formatted for the model.
        generations: parquet to write.
        settings: `sha256` of the file, and `model`, its entry of the configuration.
        tokenizer: files of the model's tokenizer; none for a model that is not here.
    """
    from forewarn.data.responses_file import read_responses
    from forewarn.files import read_table, write_table
    from forewarn.judges.given import generations_of

    tokenize = None
    if tokenizer:
        from forewarn.models.load import load_tokenizer, resolve

        files = [tokenizer] if isinstance(tokenizer, Path) else tokenizer
        loaded = load_tokenizer(resolve(settings["model"], files))

        def tokenize(text: str) -> list[int]:
            return list(loaded(text, add_special_tokens=False)["input_ids"])

    given = read_responses(responses, settings["sha256"])
    write_table(generations, generations_of(given, read_table(questions), responses, tokenize))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
