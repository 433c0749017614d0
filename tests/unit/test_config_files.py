"""Reading YAML files, and the files that are generated from the typed sections."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from forewarn.config import load_configuration, read_yaml
from forewarn.config.default import DEFAULT
from forewarn.config.emit import to_yaml
from forewarn.config.generate import COMMAND, SCHEMA, configuration_yaml, drift, files, main
from forewarn.errors import StudyError


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "study.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("content", "where", "advice"),
    [
        ("models:\n  nano: [1, 2\ndatasets: 1\n", "line 3, column 9", "brackets"),
        ("models:\n\tnano: 1\n", "line 2, column 1", "spaces"),
        ("models: a: b\n", "line 1, column 10", "quotes"),
        ("models: 1\nb: 2\nmodels: 3\n", "line 3, column 1: the key models stands here again", "leave one"),
        ("models:\n  a: {x: 1, x: 2}\n", "line 2, column 13: the key x stands here again", "leave one"),
        ("models: 'x\n", "line 2, column 1", "quotes"),
        ("a: 1\n--- \nb: 2\n", "line 2, column 1", "correct that line"),
        ("a: &x\n  b: *x\n", "line 1, column 4", "correct that line"),
        ("a: *nobody\n", "line 1, column 4", "correct that line"),
        ("a: !!python/object:os.system {}\n", "line 1, column 4", "correct that line"),
        ("a: 1\nb: \x07\n", "line 2, column 4", "control character"),
        (b"models: caf\xe9\n", "line 1: the byte 0xe9 is not UTF-8", "encoding UTF-8"),
        ("", "holds nothing", "start it with a key"),
        ("- a\n", "holds a list", "start it with a key"),
        ("nano\n", "holds a single value", "start it with a key"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_mapping_is_refused(
    tmp_path: Path, content: str | bytes, where: str, advice: str
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(StudyError) as caught:
        read_yaml(path)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert where in text
    assert advice in text
    assert "Traceback" not in text


def test_the_line_is_shown_with_a_mark(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"\n    models: a: b\n             \^\n"):
        read_yaml(written(tmp_path, "models: a: b\n"))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"nowhere\.yaml does not exist"):
        read_yaml(tmp_path / "nowhere.yaml")
    with pytest.raises(StudyError, match="cannot be read"):
        read_yaml(tmp_path)


def test_ordinary_yaml_is_read(tmp_path: Path) -> None:
    content = "\ufeffa: &shared {x: 1, y: é}\nb:\n  <<: *shared\n  x: 2\nc: [*shared, 1]\n"
    shared = {"x": 1, "y": "é"}
    assert read_yaml(written(tmp_path, content)) == {"a": shared, "b": {"x": 2, "y": "é"}, "c": [shared, 1]}


@pytest.mark.parametrize(
    "value",
    [
        {"a": {"b": [1, 2.5, None, True], "c": "x: y"}, "d": {}, "e": [], "1": "007"},
        {"organisms": [{"dataset": "a", "seeds": [0, 1]}], "null": "null", "long": ["word " * 9] * 4},
    ],
)
def test_emitted_yaml_reads_back(value: dict[str, Any]) -> None:
    comments = {("a",): "above", ("a", "b"): "beside # it", ("organisms",): "above", ("long",): "above"}
    assert yaml.safe_load(to_yaml(value)) == value
    assert yaml.safe_load(to_yaml(value, comments=comments)) == value
    assert yaml.safe_load(to_yaml(value, comments=comments, one_line=frozenset({("a",)}))) == value


def test_the_generated_files_are_up_to_date(repository: Path) -> None:
    difference = drift(repository)
    assert not difference, (
        f"config.yaml or {SCHEMA} is not what the typed sections and default.py give:\n{difference}\n"
        f"To generate them again:\n  {COMMAND}"
    )


def test_drift_is_shown_as_a_diff(tmp_path: Path) -> None:
    for name, content in files().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content.replace("seed: 7 ", "seed: 8 "), encoding="utf-8")
    difference = drift(tmp_path)
    assert "-    seed: 8 " in difference
    assert "+    seed: 7 " in difference
    assert "+++ config.yaml (generated)" in difference


def test_the_check_says_how_to_generate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("forewarn.config.generate.REPOSITORY", tmp_path)
    (tmp_path / SCHEMA).parent.mkdir(parents=True)
    assert main(["--check"]) == 1
    assert COMMAND in capsys.readouterr().err
    assert not (tmp_path / "config.yaml").exists()
    assert main([]) == 0
    assert main(["--check"]) == 0
    assert capsys.readouterr().err == ""


def test_the_generated_configuration_is_the_default_and_fits_on_a_screen() -> None:
    text = configuration_yaml()
    assert text.startswith(f"# yaml-language-server: $schema={SCHEMA}\n")
    assert yaml.safe_load(text) == DEFAULT
    assert load_configuration(yaml.safe_load(text)) == load_configuration(DEFAULT)
    assert max(len(line) for line in text.splitlines() if "://" not in line) <= 100


def test_every_key_of_the_schema_is_described() -> None:
    schema = json.loads(files()[SCHEMA])
    sections = [schema, *schema["$defs"].values()]
    keys = [
        (section["title"], key, field) for section in sections for key, field in section["properties"].items()
    ]
    assert len(keys) > 100
    assert [
        f"{section}.{key}" for section, key, field in keys if not field.get("description", "").endswith(".")
    ] == []
    assert all(section["additionalProperties"] is False for section in sections)
