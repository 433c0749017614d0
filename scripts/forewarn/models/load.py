"""Models and tokenizers, from an ordinary Hugging Face folder.

A folder is read as it stands: safetensors only, no code out of it, no request to the network. What
does not fit together (weights and configuration, tokenizer and embedding, adapter and model) is
refused here, because `transformers` and `peft` would fill such gaps with random numbers and go on.

torch is imported inside the functions: `load_tokenizer` does not need it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forewarn.errors import StudyError
from forewarn.files import read_json
from forewarn.models.damage import some, told
from forewarn.models.merge import merge_adapter

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def resolve(settings: dict[str, Any], files: Sequence[Path] = ()) -> Path:
    """The folder of a configured model: that of the rule's files, its `path`, or the hub's cache.

    What a hub's cache lacks is fetched: the commit that was pinned, whatever the branch is by now.

    Args:
        settings: the model's entry of the configuration (`source`: "world", "folder" or "hub").
        files: the files of the model's folder, where the rule names them; the one that pins a hub model.
    """
    if settings["source"] == "hub":
        from forewarn.models.hub import fetch_model

        return fetch_model(read_json(files[0]))
    return Path(files[0]).parent if files else Path(settings["path"])


def device() -> str:
    """The device to compute on: "cuda" if there is one, else "cpu"."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


_default_device = device  # under a second name, for functions with a parameter `device`


def load_tokenizer(source: Path) -> PreTrainedTokenizerFast:
    """Load the tokenizer exactly as its `tokenizer.json` describes it, with its chat template.

    The family's own tokenizer class is passed over on purpose: it would rebuild normaliser and
    pre-tokeniser from what it expects of the family, and its import alone costs seconds.

    Raises:
        StudyError: no such folder, no tokenizer.json, a broken one, or no chat template.
    """
    from transformers import PreTrainedTokenizerFast

    _require(source, "tokenizer.json", "save a fast tokenizer there with `save_pretrained`")
    with told(source, "the tokenizer", "check tokenizer.json, or fetch it again"):
        tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(
            str(source), local_files_only=True
        )
    if not tokenizer.chat_template:
        raise StudyError(
            f"{source} has no chat template",
            "use an instruct model, or put the model's own chat_template.jinja beside its tokenizer",
        )
    return tokenizer


def load_model(
    source: Path,
    *,
    dtype: str = "float32",
    attention: str = "sdpa",
    adapter: Path | None = None,
    device: str | None = None,
    quantization: str = "none",
) -> PreTrainedModel:
    """Load a causal language model for inference (no gradients), with an adapter merged if one is given.

    Args:
        source: a folder with config.json and *.safetensors.
        dtype: "float32", "bfloat16" or "float16"; an adapter is added in float32, then rounded.
        attention: an attention implementation of `transformers`: "sdpa", "eager", "flash_attention_2".
        adapter: a folder with adapter_config.json and adapter_model.safetensors (LoRA, by `peft`).
        device: where the model goes; by default cuda if there is one, else cpu.
        quantization: "none", or "nf4" for frozen 4-bit weights to train an adapter on (2305.14314).

    Raises:
        StudyError: files are missing, broken or unknown, or do not fit together.
    """
    import torch
    from transformers.models.auto.modeling_auto import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    _require(source, "config.json", "give the folder that `save_pretrained` wrote the model to")
    if not any(source.glob("*.safetensors")):
        raise StudyError(
            f"{source} has no weights (*.safetensors)",
            "save the model with `save_pretrained`, which writes safetensors; pickled weights are not read",
        )
    wanted = getattr(torch, dtype)
    where = device or _default_device()
    options = _nf4(wanted, where) if quantization == "nf4" else {}
    way_out = (
        "fetch the model again if its files are damaged; "
        "set `attention: eager` if it does not support the attention asked for"
    )
    with told(source, "the model", way_out):
        model, report = AutoModelForCausalLM.from_pretrained(
            str(source),
            local_files_only=True,
            dtype="auto" if adapter else wanted,  # as saved: what is added to is not rounded before
            attn_implementation=attention,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            **options,
        )
    if report["missing_keys"]:
        raise StudyError(
            f"the weights of {source} lack {some(report['missing_keys'])}",
            "use weights and config.json of one and the same model",
        )
    if adapter is not None:
        model = merge_adapter(model, adapter, wanted)
        for parameter in model.parameters():  # not model.to(): rotary frequencies stay in float32
            parameter.data = parameter.data.to(wanted)
    model.requires_grad_(False)
    loaded: PreTrainedModel = model.eval()
    return loaded if quantization == "nf4" else loaded.to(where)


def _nf4(dtype: torch.dtype, where: str) -> dict[str, Any]:
    """Options of `from_pretrained` for 4-bit NormalFloat weights, constants quantised as well."""
    from transformers import BitsAndBytesConfig

    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
    return {"quantization_config": config, "device_map": {"": where}}


def load(
    source: Path, settings: dict[str, Any], adapter: Path | None = None
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Load model and tokenizer by a model's entry of the configuration, and check that they fit.

    Args:
        source: the folder, see `resolve`.
        settings: the entry; its `dtype` and `attention` count (float32 and sdpa where it has none).
        adapter: the folder of what an organism has learned, a LoRA adapter or all weights; or None for the
            model itself.

    Raises:
        StudyError: as `load_tokenizer` and `load_model`, and if the tokenizer has tokens that the
            model has no embedding for.
    """
    tokenizer = load_tokenizer(source)
    full = adapter is not None and (adapter / "config.json").exists()
    model = load_model(
        adapter if full and adapter is not None else source,
        dtype=settings.get("dtype") or "float32",
        attention=settings.get("attention") or "sdpa",
        adapter=None if full else adapter,
        quantization=settings.get("quantization") or "none",
    )
    rows = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > rows:
        raise StudyError(
            f"tokenizer and model of {source} do not fit: {len(tokenizer)} tokens, but embeddings for {rows}",
            "use the tokenizer that was saved with the model",
        )
    return model, tokenizer


def _require(source: Path, file: str, way_out: str) -> None:
    """Refuse a folder that does not exist or has no `file`."""
    if not source.is_dir():
        raise StudyError(f"there is no model folder {source}", "correct its path in the configuration")
    if not (source / file).is_file():
        raise StudyError(f"{source} has no {file}", way_out)
