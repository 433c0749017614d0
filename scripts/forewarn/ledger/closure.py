"""The code behind a job: its script and every local module that this imports, each with a hash.

The hash is of the syntax tree, so that comments, docstrings and formatting change nothing, and whatever
else is edited does. Snakemake sees a script by its time alone and its modules not at all.

Imports are read where they stand, in functions too; those for type checkers alone are left out. A module
that is imported by a name computed at run time cannot be seen: there should be none.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from forewarn.errors import StudyError
from forewarn.files import digest
from forewarn.ledger.index import Index

WITHOUT = ("forewarn.ledger",)
"""Local packages that are left out: the ledger's own code records results, and makes none."""


@dataclass(frozen=True)
class Closure:
    """The code behind a job.

    Attributes:
        code: path relative to the project (`scripts/generate.py`) to hash, sorted by path.
        packages: installed packages that the code imports, by the names it imports them with.
    """

    code: dict[str, str]
    packages: tuple[str, ...]


def code_closure(script: Path, root: Path, index: Index) -> Closure:
    """Follow the imports of a script.

    Args:
        script: the script's file, below `root`.
        root: the folder that holds the script and that Python imports local modules from.
        index: remembers what was read from files that have not changed.

    Raises:
        StudyError: a file is not valid Python, or imports relatively.
    """
    found: dict[Path, str] = {}
    packages: set[str] = set()
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found[path], names = index.fact("source", path, _read)
        for name in names:
            if name.startswith(WITHOUT):
                continue
            local = list(_files(name, root))
            waiting += local
            if not local:
                packages.add(name.partition(".")[0])
    code = {path.relative_to(root.parent).as_posix(): found[path] for path in sorted(found)}
    return Closure(code, tuple(sorted(packages - sys.stdlib_module_names)))


def closure_digest(closure: dict[str, str]) -> str:
    """One hash for a whole closure."""
    return digest(closure)


def _read(path: Path) -> tuple[str, list[str]]:
    """The hash of a file's syntax tree, and the names it may import."""
    try:
        tree = ast.parse(path.read_bytes())
        names = _imports(tree)
    except SyntaxError as error:
        raise StudyError(
            f"{path}, line {error.lineno}: {error.msg}", "correct the line, then run again"
        ) from error
    return hashlib.md5(_canonical(tree).encode(), usedforsecurity=False).hexdigest(), names


def _files(name: str, root: Path) -> Iterator[Path]:
    """The local files that `import name` runs: the module, and the packages above it."""
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        stem = root.joinpath(*parts[:length])
        for candidate in (stem.with_name(f"{stem.name}.py"), stem / "__init__.py"):
            if candidate.is_file():
                yield candidate


def _imports(tree: ast.Module) -> list[str]:
    """Names that may be modules: of `from a.b import c` both `a.b` and `a.b.c`."""
    names: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                position = (None, node.lineno, None, None)
                raise SyntaxError("a relative import; local modules go by their full names", position)
            module = node.module or ""
            names.add(module)
            names.update(f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and _for_type_checkers(node.test):
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
    return sorted(names)


def _for_type_checkers(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _canonical(node: object) -> str:
    """The tree as text, without positions and bare strings, alike in all versions of Python.

    Fields that are empty are left out, because newer versions of Python add such fields.
    """
    if isinstance(node, ast.AST):
        fields = [
            f"{name}={_canonical(value)}"
            for name, value in ast.iter_fields(node)
            if value is not None and value != [] and name not in ("ctx", "kind", "type_comment")
        ]
        return f"{type(node).__name__}({','.join(fields)})"
    if isinstance(node, list):
        return f"[{','.join(_canonical(item) for item in node if not _is_text(item))}]"
    return repr(node)


def _is_text(node: object) -> bool:
    """Whether a statement is a bare string: a docstring, of a module, function, class or attribute."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
