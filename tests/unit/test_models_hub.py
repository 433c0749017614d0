"""A hub model: its commit is found once, its files are fetched, and what stands in the way is explained."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple

import pytest

import fetch_model
import fetch_organism
from forewarn.errors import StudyError
from forewarn.files import read_json
from forewarn.models import hub as hub_module
from forewarn.models.hub import bytes_missing, pin_model
from forewarn.models.hub import fetch_model as fetch
from forewarn.models.load import load, resolve
from small_hub import TOKEN, small_hub
from tiny_models import save_folder, tiny_adapter, tiny_model, tiny_tokenizer

NAME = "Somebody/Tiny-Instruct"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = save_folder(tiny_model("qwen2"), tiny_tokenizer(), tmp_path_factory.mktemp("model"))
    (made / "pytorch_model.bin").write_bytes(b"pickled")
    return made


@pytest.fixture
def hub(folder, tmp_path, monkeypatch):
    """A hub with one model, to which this process's client is pointed; its cache is empty."""
    from huggingface_hub import constants

    with small_hub() as running:
        running.models[NAME] = shutil.copytree(folder, tmp_path / "upstream")
        monkeypatch.setattr(constants, "ENDPOINT", running.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", running.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield running


def test_a_name_becomes_a_commit_with_the_hashes_of_its_files(hub, caplog):
    pinned = pin_model(NAME, None)
    assert pinned["revision"] == hub.commit(NAME) and pinned["asked"] is None
    assert "no `revision` is configured" in caplog.text and pinned["revision"] in caplog.text
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= pinned["files"].keys()
    assert "pytorch_model.bin" not in pinned["files"]
    weights = pinned["files"]["model.safetensors"]
    assert len(weights["sha256"]) == 64 and weights["bytes"] > 1000
    assert pinned["bytes"] == sum(file["bytes"] for file in pinned["files"].values())


def test_a_pinned_commit_is_asked_for_and_not_warned_about(hub, caplog):
    commit = hub.commit(NAME)
    assert pin_model(NAME, commit)["revision"] == commit
    assert "revision" not in caplog.text
    with pytest.raises(StudyError, match="no such revision"):
        pin_model(NAME, "0" * 40)


def test_what_is_fetched_loads_and_generation_goes_on_when_the_branch_moves(hub, tmp_path, folder):
    pinned_file = tmp_path / "model.json"
    found = fetch_model.main(pinned=pinned_file, settings={"name": NAME, "revision": None})
    assert found == {"revision": hub.commit(NAME)}
    pinned = read_json(pinned_file)
    assert bytes_missing(pinned) == 0
    assert not [line for line in hub.asked if "pytorch_model.bin" in line]
    # Somebody pushes: the study goes on with the commit that it has.
    config = hub.models[NAME] / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"num_hidden_layers": 1}))
    source = resolve({"source": "hub"}, [pinned_file])
    model, tokenizer = load(source, {"dtype": "float32"})
    assert model.config.num_hidden_layers == 3
    assert tokenizer.chat_template == tiny_tokenizer().chat_template


def test_a_second_run_downloads_nothing(hub):
    pinned = pin_model(NAME, None)
    fetch(pinned)
    before = len(hub.asked)
    fetch(pinned)
    assert not [line for line in hub.asked[before:] if line.startswith("GET") and "/resolve/" in line]


def test_off_the_network_the_cache_answers(hub, monkeypatch):
    from huggingface_hub import constants

    pinned = pin_model(NAME, None)
    fetch(pinned)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    before = len(hub.asked)
    again = pin_model(NAME, None)
    assert again["revision"] == pinned["revision"] and len(hub.asked) == before
    with pytest.raises(StudyError, match="kept off the network") as refusal:
        pin_model("Somebody/Else", None)
    assert "source: folder" in refusal.value.way_out


def test_a_gated_model_names_the_page_of_its_licence(hub, monkeypatch):
    hub.gated.add(NAME)
    with pytest.raises(StudyError, match="is gated") as refusal:
        pin_model(NAME, None)
    assert f"https://huggingface.co/{NAME}" in refusal.value.way_out and "HF_TOKEN" in refusal.value.way_out
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert pin_model(NAME, None)["revision"] == hub.commit(NAME)


def test_an_unknown_model_is_named(hub):
    with pytest.raises(StudyError, match="Somebody/Tiny is not on the hub, or not for you to see"):
        pin_model("Somebody/Tiny", None)


def test_a_model_without_safetensors_is_refused(hub):
    (hub.models[NAME] / "model.safetensors").unlink()
    with pytest.raises(StudyError, match="has no safetensors"):
        pin_model(NAME, None)


def test_a_hub_that_does_not_answer_is_told(hub, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(StudyError, match="cannot be fetched") as refusal:
        pin_model(NAME, None)
    assert "hf download" in refusal.value.way_out


def test_a_disk_without_room_is_told_before_the_download(hub, monkeypatch):
    usage = namedtuple("usage", "total used free")
    pinned = pin_model(NAME, None)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 9, 1))
    with pytest.raises(StudyError, match=r"GB of disk.*GB free"):
        fetch(pinned)
    assert not [line for line in hub.asked if "/resolve/" in line]
    assert hub_module.bytes_missing(pinned) == pinned["bytes"]


def test_a_released_adapter_is_fetched_and_fits(hub, tmp_path, folder):
    hub.models["Somebody/Adapter"] = tiny_adapter(tiny_model("qwen2"), tmp_path / "adapter")
    outputs = {
        "adapter": tmp_path / "organism/adapter_model.safetensors",
        "adapter_config": tmp_path / "organism/adapter_config.json",
    }
    fetch_organism.main(**outputs, settings={"name": "Somebody/Adapter", "revision": None})
    organism, _ = load(folder, {"dtype": "float32"}, tmp_path / "organism")
    plain, _ = load(folder, {"dtype": "float32"})
    weights = [model.model.layers[1].mlp.down_proj.weight for model in (organism, plain)]
    assert not weights[0].equal(weights[1])
    with pytest.raises(StudyError, match="the adapter Somebody/Nobody is not on the hub"):
        fetch_organism.main(**outputs, settings={"name": "Somebody/Nobody", "revision": None})
