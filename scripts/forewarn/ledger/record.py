"""The record of an artifact: the `.dvc` file beside it, which says what it is and how it came about.

To DVC it is an ordinary `.dvc` file: content hash, size, name. What Forewarn adds stands under `meta`, which
DVC keeps and does not read. One small file per artifact, in git: mergeable, and to be read without data.

    outs:
    - md5: 09f7e02f1290be211da707a266f153b3
      size: 6
      hash: md5
      path: directions.json
    meta:
      ledger: 1
      rule: fit_directions
      ...
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from forewarn.errors import StudyError
from forewarn.files import replacing

FORMAT = 1
SUFFIX = ".dvc"


@dataclass(frozen=True)
class Making:
    """How the outputs of one job came about.

    Attributes:
        rule: name of the rule.
        script: path of its script.
        wildcards: by name.
        params: the rule's settings, by name; JSON values.
        code: path to hash, of the script and all local modules that it imports (`code_closure`).
        inputs: path to md5.
        outputs: paths of all outputs of the job.
        log: paths of its log files.
        seed: the seed among the settings, if there is one.
        environment: version of Python and of each package that the code imports, by name.
        device: `cpu`, or the name of the GPU.
        threads: threads of the job.
        commit: git commit, or None outside a repository.
        dirty: whether tracked files differed from the commit.
        start: time of the start, UTC, ISO 8601.
        seconds: duration.
        memory_mb: peak memory, in MB.
        accepted: who kept the artifact although its code had changed, when and why; oldest first. Each has
            `who`, `when`, `why`, and `code`: the hashes that were replaced, by path (None: there was none).
        found: what the job found out and nobody had said, such as the commit that a name stood for.
    """

    rule: str
    script: str
    wildcards: dict[str, str]
    params: dict[str, Any]
    code: dict[str, str]
    inputs: dict[str, str]
    outputs: list[str]
    log: list[str]
    seed: int | None
    environment: dict[str, str]
    device: str
    threads: int
    commit: str | None
    dirty: bool
    start: str
    seconds: float
    memory_mb: float
    accepted: list[dict[str, Any]] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)

    def same_as(self, other: Making) -> bool:
        """Whether both say the same of what decides the content: all but when, where and how long."""
        return all(
            getattr(self, name) == getattr(other, name)
            for name in ("rule", "script", "wildcards", "params", "code", "inputs", "outputs", "environment",
                         "device", "accepted")
        )  # fmt: skip


@dataclass(frozen=True)
class Record:
    """One artifact: its path, what it contains, and how it came about.

    Attributes:
        path: of the artifact, relative to the project.
        md5: of its content.
        size: in bytes.
        making: how it came about.
    """

    path: str
    md5: str
    size: int
    making: Making

    def to_json(self) -> dict[str, Any]:
        """As a JSON value; `from_json` reverses it."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Record:
        """What `to_json` gave."""
        return cls(**{**content, "making": Making(**content["making"])})


def record_path(artifact: str | Path) -> Path:
    """Where the record of an artifact lies."""
    return Path(f"{artifact}{SUFFIX}")


def write_record(record: Record) -> bool:
    """Write the record beside its artifact, whole or not at all.

    A record that says the same already is left as it is, so that git shows no difference where there is none;
    unless it was made with changes that were not committed, and this one was not.

    Returns:
        Whether the file was written.
    """
    path = record_path(record.path)
    if path.exists():
        try:
            known = read_record(path)
        except StudyError:
            known = None
        cleaner = known and known.making.dirty and not record.making.dirty
        if known and known.md5 == record.md5 and known.making.same_as(record.making) and not cleaner:
            return False
    with replacing(path) as temporary:
        temporary.write_text(format_record(record), encoding="utf-8")
    return True


def format_record(record: Record) -> str:
    """The text of a record's `.dvc` file."""
    import yaml

    out = {"md5": record.md5, "size": record.size, "hash": "md5", "path": Path(record.path).name}
    making = asdict(record.making)
    for name in ("accepted", "found"):  # most have neither
        if not making[name]:
            del making[name]
    content = {"outs": [out], "meta": {"ledger": FORMAT, **making}}
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(content, Dumper=dumper, sort_keys=False, allow_unicode=True, width=110))


def read_record(path: Path) -> Record | None:
    """Read a `.dvc` file; None if it is one of DVC's own, without Forewarn's part.

    Raises:
        StudyError: it is not a `.dvc` file, or of another format than this version knows.
    """
    return parse_record(path.read_text(encoding="utf-8"), str(path))


def parse_record(text: str, path: str) -> Record | None:
    """`read_record` of a text, with the path that it has or had (in another revision)."""
    import yaml

    way_out = f"take it back from git (`git checkout -- '{path}'`), or delete it and its artifact"
    try:
        content = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        out, meta = content["outs"][0], dict(content.get("meta") or {})
        if "ledger" not in meta:
            return None
        version = meta.pop("ledger")
        if version != FORMAT:
            raise StudyError(
                f"{path} has format {version} of the ledger; this version of Forewarn knows {FORMAT}",
                "use the version of Forewarn that wrote it, or delete it and its artifact",
            )
        artifact = path.removesuffix(SUFFIX)
        return Record(artifact, out["md5"], out["size"], Making(**meta))
    except (yaml.YAMLError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise StudyError(f"{path} is not a record of the ledger: {error}", way_out) from error
