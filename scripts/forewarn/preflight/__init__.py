"""What a study of a published model needs of this machine, found out before anything is computed.

Access to the hub, room on the disk, memory for the largest step, the judge's key: each is a line of the
preflight's table. What would end the study hours later is told at once, all of it together.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from forewarn.config.model import Configuration, FolderModel, GivenModel, HubModel, Study, WorldModel
from forewarn.errors import StudyError
from forewarn.files import read_json
from forewarn.models.memory import Shape, generation_bytes, reading_bytes, training_bytes, weights_bytes
from forewarn.preflight.finding import Finding, refuse_problems
from forewarn.preflight.judging import answers_to, judges

__all__ = ["Finding", "device_memory", "preflight", "refuse_problems"]

PROMPT_TOKENS = 150
"""Tokens of a long question with its template."""
ROW_TOKENS = 512
"""Tokens of a long row of the published datasets of text; longer ones halve the batch."""
CONTEXT = 1.0e9
"""What a GPU's driver and libraries take for themselves."""


STAGES = ("judge", "train", "generate", "read", "steer")
"""What of a study makes demands on a machine."""


def preflight(configuration: Configuration, model: str, stages: Collection[str] = STAGES) -> list[Finding]:
    """Look at everything that the study of a model will need; nothing is downloaded but config.json.

    Args:
        configuration: with a study of the model.
        model: its name.
        stages: what is to be done; a report is drawn without the GPU that its numbers took.

    Raises:
        StudyError: there is no study of that model.
    """
    if model not in configuration.studies:
        known = ", ".join(configuration.studies)
        raise StudyError(f"there is no study of a model named {model!r}", f"ask for one of {known}")
    study, source = configuration.studies[model], configuration.models[model]
    findings = judges(configuration, study) if "judge" in stages else []
    if isinstance(source, WorldModel):
        return [Finding("model", "ok", f"{model} is grown here and needs no GPU"), *findings]
    if isinstance(source, GivenModel):
        return [Finding("model", "ok", f"{model} is not here; files of others stand for it"), *findings]
    if not set(STAGES[1:]) & set(stages):
        return findings
    try:
        config, missing = _config_and_download(source, Path("results", model, "model.json"))
    except StudyError as error:
        return [Finding("model", "problem", error.what, error.way_out), *findings]
    shape = Shape.of(config)
    where = source.name if isinstance(source, HubModel) else source.path
    says = f"{where}, {shape.parameters / 1e9:.2f} billion weights in {shape.layers} layers"
    if missing is None:
        findings.insert(0, Finding("model", "ok", f"{says}, in the hub's cache or a folder"))
    else:
        findings.insert(0, Finding("model", "ok", f"{says}, {missing / 1e9:.1f} GB to download"))
        findings.append(_cache_room(missing))
    findings.append(_results_room(shape, configuration, study, source.dtype))
    memory, device = device_memory()
    if device == "CPU":
        findings.append(
            Finding("device", "warning", f"no GPU; {memory / 1e9:.0f} GB of memory are free", "expect days")
        )
    else:
        findings.append(Finding("device", "ok", f"{device}, {memory / 1e9:.0f} GB"))
    return [*findings, *_memory(shape, configuration, study, source, memory, device)]


def device_memory() -> tuple[float, str]:
    """Bytes of memory of the (smallest visible) GPU and its name; without one, free memory and `CPU`."""
    command = ["nvidia-smi", "--query-gpu=memory.total,name", "--format=csv,noheader,nounits"]
    if os.environ.get("CUDA_VISIBLE_DEVICES") not in ("", "-1"):
        try:
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            lines = [line.split(", ", 1) for line in told.splitlines() if ", " in line]
            if lines:
                smallest, name = min(lines, key=lambda line: float(line[0]))
                return float(smallest) * 2**20, name
        except (OSError, subprocess.CalledProcessError, ValueError):
            pass  # no driver: no GPU
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return float(line.split()[1]) * 1024, "CPU"
    return 0.0, "CPU"


def _config_and_download(source: FolderModel | HubModel, pinned: Path) -> tuple[dict[str, Any], float | None]:
    """The content of config.json, and bytes to download: None if all files are here."""
    if isinstance(source, FolderModel):
        try:
            return read_json(Path(source.path) / "config.json"), None
        except (OSError, ValueError) as error:
            raise StudyError(
                f"{source.path}/config.json cannot be read: {error}", "correct the model's `path`"
            ) from error
    from forewarn.models.hub import bytes_missing, model_config, pin_model

    found = read_json(pinned) if pinned.is_file() else pin_model(source.name, source.revision)
    return model_config(found), float(bytes_missing(found)) or None


def _cache_room(missing: float) -> Finding:
    from huggingface_hub import constants

    from forewarn.models.hub import check_room

    try:
        check_room(Path(constants.HF_HUB_CACHE), int(missing), "the model")
    except StudyError as error:
        return Finding("disk, hub's cache", "problem", error.what, error.way_out)
    return Finding("disk, hub's cache", "ok", f"room for {missing / 1e9:.1f} GB")


def _results_room(shape: Shape, configuration: Configuration, study: Study, dtype: str) -> Finding:
    """Activations are most of what a study leaves: a vector per layer and answer, read by two models."""
    answers = sum(answers_to(configuration, name) for name in (study.questions.evaluation,))
    layers = shape.layers if study.activations.layers == "all" else len(study.activations.layers)
    organisms = study.organism_references()
    needed = answers * layers * shape.hidden_size * 4.0 * 2 * len(organisms)
    for organism in organisms:
        adapter = configuration.adapters[organism.adapter]
        if adapter.method == "full":
            needed += weights_bytes(shape, dtype) + 2 * 3 * weights_bytes(shape, "float32")
        else:
            steps = adapter.steps or 400 * (adapter.epochs or 1)
            kept = 2 + steps / adapter.trajectory_every
            needed += shape.adapter_parameters(adapter.model_dump()) * 4.0 * kept
    needed *= 2  # once in results, once in the cache of DVC, where the file system cannot share them
    free = shutil.disk_usage(".").free
    says = f"about {needed / 1e9:.0f} GB of {free / 1e9:.0f} GB free"
    if needed < free:
        return Finding("disk, results", "ok", says)
    way_out = "free some, record fewer `activations.layers`, or keep fewer steps (`trajectory_every`)"
    return Finding("disk, results", "problem", says, way_out)


def _memory(
    shape: Shape,
    configuration: Configuration,
    study: Study,
    source: FolderModel | HubModel,
    memory: float,
    device: str,
) -> list[Finding]:
    gpu = device != "CPU"
    room = memory - (CONTEXT if gpu else 0)
    dtype = source.dtype
    findings = []
    for name in dict.fromkeys(organism.adapter for organism in study.organism_references()):
        adapter = configuration.adapters[name]
        recipe = adapter.model_dump()
        tokens = min(adapter.max_length, ROW_TOKENS)
        rows = min(adapter.batch_size, source.batch.train)
        needs = {
            count: training_bytes(shape, dtype if gpu else "float32", recipe, count, tokens, gpu=gpu)
            for count in (rows, 1)
        }
        findings.append(_fits(f"train {name}", needs, room, rows, "halves", "quantization: nf4"))
    tokens = PROMPT_TOKENS + study.sampling.max_new_tokens
    rows = study.sampling.batch_rows or source.batch.generate
    needs = {count: generation_bytes(shape, dtype, count, tokens) for count in (rows, 1)}
    findings.append(_fits("generate", needs, room, rows, "sampling.batch_rows", "a smaller model"))
    rows = study.activations.batch_rows or source.batch.read
    needs = {count: reading_bytes(shape, dtype, count, tokens) for count in (rows, 1)}
    findings.append(_fits("read activations", needs, room, rows, "activations.batch_rows", "a smaller model"))
    return findings


def _fits(what: str, needs: Mapping[int, float], room: float, rows: int, key: str, instead: str) -> Finding:
    """Compare the memory for `rows` rows, and for one, with what there is."""
    says = f"about {needs[rows] / 1e9:.1f} GB for {rows} rows at once"
    if needs[rows] <= room:
        return Finding(what, "ok", says)
    if needs[1] > room:
        says = f"{needs[1] / 1e9:.1f} GB for a single row, and {room / 1e9:.1f} GB are there"
        return Finding(what, "problem", says, f"use a GPU with more memory, or {instead}")
    each = (needs[rows] - needs[1]) / (rows - 1)
    fitting = max(1, int((room - needs[1]) // each))
    if key == "halves":
        return Finding(what, "warning", f"{says}: the batch will be halved until it fits")
    return Finding(what, "problem", f"{says}, and {room / 1e9:.1f} GB are there", f"set {key} to {fitting}")
