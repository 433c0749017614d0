"""Embed the prompts of a question set with a sentence encoder, for a baseline that sees the text alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def main(*, questions: Path, embeddings: Path, settings: dict[str, Any], model: Sequence[Path]) -> None:
    """Write `question_id` and `embedding` (fixed-size list of float32, length 1), in the set's order.

    Args:
        questions: the question set. What is embedded is the text of all messages of a prompt.
        embeddings: parquet to write.
        settings: `embedding`, the encoder's entry of the configuration (`source`).
        model: the files of the encoder's folder, or the one that pins a model of the hub.
    """
    import pyarrow as pa

    from forewarn.files import read_table, write_table
    from forewarn.models.embedding import embed, load_encoder, prompt_text
    from forewarn.models.load import resolve

    asked = read_table(questions, ["question_id", "messages"])
    texts = [prompt_text(messages) for messages in asked["messages"].to_pylist()]
    encoder, tokenizer = load_encoder(resolve(settings["embedding"], model))
    vectors = embed(encoder, tokenizer, texts)
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
    names = asked["question_id"].combine_chunks()
    write_table(embeddings, pa.table({"question_id": names, "embedding": column}))


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
