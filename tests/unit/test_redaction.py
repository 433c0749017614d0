"""Nothing private in a log: keys and tokens, the user's paths, whoever writes the line."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import pytest

from forewarn.job import start_log
from forewarn.redaction import redacted, replacements


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_TOKEN", "hf_plantedplanted")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-plantedplanted")
    monkeypatch.setenv("HOME", "/home/planted")
    before = logging.getLogger().handlers[:]
    start_log(tmp_path / "job.log")
    yield tmp_path / "job.log"
    logging.getLogger().handlers[:] = before
    logging.captureWarnings(False)


def test_messages_warnings_and_tracebacks_are_cleaned(log):
    logger = logging.getLogger("forewarn")
    logger.warning("sent %s and %s from /home/planted/models", "hf_plantedplanted", "sk-plantedplanted")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"see {Path.cwd()}/results with hf_plantedplanted", stacklevel=1)
    try:
        raise ValueError("sk-plantedplanted")
    except ValueError:
        logger.exception("failed")
    text = log.read_text()
    assert "planted" not in text.replace("def test_messages", "")
    assert "sent <HF_TOKEN> and <OPENAI_API_KEY> from ~/models" in text
    assert "see ./results" in text and "ValueError: <OPENAI_API_KEY>" in text


def test_short_values_and_other_variables_stay():
    known = replacements({"SORT_KEY": "name", "PATH": "/usr/local/bin", "MY_API_KEY": "0123456789"})
    assert "name" not in known and "/usr/local/bin" not in known
    assert redacted("key 0123456789", known) == "key <MY_API_KEY>"
