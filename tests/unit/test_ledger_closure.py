"""The code behind a job: which files count, and which edits."""

from __future__ import annotations

from pathlib import Path

import pytest

from forewarn.errors import StudyError
from forewarn.ledger.closure import code_closure
from forewarn.ledger.index import Index

FILES = {
    "job.py": "import os\nimport local.a\n\ndef main():\n    from local.b import thing\n    import numpy\n",
    "local/__init__.py": "",
    "local/a.py": "from local import c as d\n",
    "local/b.py": '"""Text."""\nimport torch.nn\n\nthing = 1\n',
    "local/c.py": "VALUE = 1\n",
    "local/unused.py": "VALUE = 1\n",
    "local/typing_only.py": "VALUE = 1\n",
}


@pytest.fixture
def root(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "scripts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "scripts"


@pytest.fixture
def closure(root, tmp_path):
    def read():
        with Index(tmp_path / "index.sqlite") as index:
            return code_closure(root / "job.py", root, index)

    return read


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_imports_are_followed_wherever_they_stand(closure):
    assert list(closure().code) == [
        "scripts/job.py", "scripts/local/__init__.py", "scripts/local/a.py", "scripts/local/b.py",
        "scripts/local/c.py",
    ]  # fmt: skip
    assert closure().packages == ("numpy", "torch")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("local/b.py", "Text.", "Other text."),
        ("local/b.py", "thing = 1", "thing  =  (1)  # a comment"),
        ("local/c.py", "VALUE = 1", 'VALUE = 1\n"""What it is for."""'),
        ("job.py", "def main():", 'def main():\n    """Do it."""'),
        ("local/unused.py", "1", "2"),
    ],
)
def test_what_does_not_run_differently_does_not_count(root, closure, name, old, new):
    before = closure()
    change(root / name, old, new)
    assert closure() == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("local/c.py", "VALUE = 1", "VALUE = 2"),
        ("local/c.py", "VALUE = 1", "VALUE = 1.0"),
        ("local/b.py", "thing = 1", "thing = -1"),
        ("job.py", "import numpy", "return 0"),
    ],
)
def test_what_runs_differently_counts(root, closure, name, old, new):
    before = closure().code
    change(root / name, old, new)
    changed = {path for path, hash in closure().code.items() if hash != before[path]}
    assert changed == {f"scripts/{name}"}


def test_imports_for_type_checkers_do_not_count(root, closure):
    before = closure().code
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import local.typing_only\n"
    change(root / "local/c.py", "VALUE", text + "VALUE")
    assert set(closure().code) == set(before)


def test_code_that_moves_to_a_module_of_its_own_counts(root, closure):
    before = closure().code
    (root / "local/e.py").write_text("VALUE = 1\n")
    change(root / "local/c.py", "VALUE = 1", "from local.e import VALUE")
    assert set(closure().code) - set(before) == {"scripts/local/e.py"}


@pytest.mark.parametrize("text", ["def (:\n", "from . import b\n"])
def test_code_that_cannot_be_followed_is_named(root, closure, text):
    (root / "local/a.py").write_text(text)
    with pytest.raises(StudyError, match=r"local/a\.py, line 1"):
        closure()
