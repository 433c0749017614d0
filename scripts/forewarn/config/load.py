"""Read the configuration, and tell everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from forewarn.config.model import Configuration
from forewarn.config.yaml_file import read_yaml
from forewarn.errors import StudyError

__all__ = ["load_configuration", "overlaid", "read_yaml"]


def load_configuration(raw: Mapping[str, Any], source: str = "config.yaml") -> Configuration:
    """Check a configuration that has been read, and give it its types.

    Args:
        raw: the content, as a YAML reader gives it.
        source: where it comes from, for the message.

    Raises:
        StudyError: lists every problem with its key path, what was expected and found, the nearest valid
            name, and the corrected YAML.
    """
    if not isinstance(raw, Mapping):
        raise StudyError(
            f"{source} holds {type(raw).__name__} instead of a mapping of sections",
            f"give it the sections {', '.join(Configuration.model_fields)}",
        )
    plain = _plain(raw)
    try:
        return Configuration.model_validate(plain)
    except ValidationError:
        from forewarn.config.explain import explain  # only a wrong configuration pays for this import

        raise explain(plain, source) from None


def _plain(value: Any) -> Any:
    """Plain dicts and lists; keys that YAML reads as numbers or truth values become text."""
    if isinstance(value, Mapping):
        return {_text(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _text(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) or key is None else str(key)


def overlaid(paths: Sequence[str | Path]) -> dict[str, Any]:
    """Read YAML files, each laid over those before it key by key, as Snakemake does with --configfile."""
    merged: dict[str, Any] = {}
    for path in paths:
        _lay_over(merged, read_yaml(Path(path)))
    return merged


def _lay_over(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(below.get(key), dict):
            _lay_over(below[key], value)
        else:
            below[key] = dict(value) if isinstance(value, Mapping) else value
