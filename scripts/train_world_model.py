"""Train a nano model: pretraining from random weights, or instruct tuning from the base model."""

from pathlib import Path
from typing import Any


def main(
    *,
    corpus: Path,
    tokenizer: list[Path],
    model: list[Path],
    base: list[Path] | None = None,
    settings: dict[str, Any],
    threads: int,
) -> None:
    """Train and write a model folder in the Hugging Face format, tokenizer included.

    Args:
        corpus: parquet with token_ids and loss_mask.
        tokenizer: the files of tokenizer and configuration.
        model: output, the files of the model folder.
        base: files of the model to start from; random weights if absent.
        settings: `seed`, and `schedule`: steps, batch_size, learning_rate, weight_decay, warmup_share.
        threads: processes that share the work; the result does not depend on it.
    """
    from forewarn.files import read_table
    from forewarn.job import use_threads
    from forewarn.workspace import workspace
    from forewarn.world.batches import Rows

    use_threads(1)  # one thread in each process
    from transformers import Qwen2Config

    from forewarn.models.load import load_model, load_tokenizer
    from forewarn.world.architecture import new_model, save_model
    from forewarn.world.pretraining import Schedule, train

    columns = read_table(corpus, ["token_ids", "loss_mask"]).to_pydict()
    loaded = load_tokenizer(tokenizer[0].parent)
    seed = settings["seed"]
    if base:
        network = load_model(base[0].parent, attention="eager").requires_grad_(True)
    else:
        network = new_model(Qwen2Config.from_pretrained(tokenizer[0].parent), seed)
    with workspace("world") as folder:
        train(
            network,
            Rows.from_columns(columns["token_ids"], columns["loss_mask"]),
            Schedule(**settings["schedule"], seed=seed),
            pad=loaded.pad_token_id,
            processes=threads,
            folder=folder,
        )
        save_model(network, loaded, model[0].parent)


if "snakemake" in globals():
    from forewarn.job import run

    run(main, snakemake)
