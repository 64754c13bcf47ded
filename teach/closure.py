"""What code a module depends on, found by reading imports, and a hash of it: how a stale result is known.

The lists are not kept by hand, so that no module can be forgotten.
"""

from __future__ import annotations

import ast
import hashlib
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import a2d
import teach

# The packages that are followed, by the folder that each lies in.
ROOTS = {"a2d": Path(a2d.__file__).parent.parent, "teach": Path(teach.__file__).parent.parent}
ROOTS["results"] = ROOTS["teach"]
_NAME = re.compile(rf"({'|'.join(ROOTS)})([.:]\w+)+")


def file_of(name: str) -> Path | None:
    """The file of a module such as ``a2d.vae``; None for what is no module of ours."""
    top = name.partition(".")[0]
    if top not in ROOTS:
        return None
    path = ROOTS[top].joinpath(*name.split("."))
    return next((one for one in (path.with_suffix(".py"), path / "__init__.py") if one.is_file()), None)


def closure(*modules: str) -> dict[str, Path]:
    """The modules of ours that ``modules`` need, themselves among them: name and file, sorted by name.

    Imports count wherever they stand, but for those for type checkers; so does a module named in a string of its own
    (``"a2d.vae.kl_divergence"``), as registries and exercises have them.
    """
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = file_of(name)
        if path is None:
            parent = name.rpartition(".")[0]
            waiting += [parent] if parent else []
        elif name not in found:
            found[name] = path
            waiting += _named(path)
    return dict(sorted(found.items()))


def code_hash(*modules: str, apart: Sequence[str] = (), extra: Sequence[Path] = (), text: str = "") -> str:
    """SHA-256 of the code of a :func:`closure`, without its docstrings, comments and blank lines.

    ``apart`` names modules, with all that lies in them, that do not matter; ``extra`` files and a ``text`` do as well.
    """
    found = hashlib.sha256(text.encode())
    for name, path in closure(*modules).items():
        if any(f"{name}.".startswith(f"{one}.") for one in apart):
            continue
        found.update(f"{name}\n{_bare(path)}\n".encode())
    for path in extra:
        found.update(path.read_bytes())
    return found.hexdigest()


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _named(path: Path) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_walk(_tree(path))))


def _walk(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        for other in node.orelse:
            yield from _walk(other)
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _NAME.fullmatch(node.value):
        yield node.value.replace(":", ".")
    for child in ast.iter_child_nodes(node):
        yield from _walk(child)


@cache
def _bare(path: Path) -> str:
    """The lines of a file that do something."""
    tree = _tree(path)
    idle: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                idle.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    text = path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        # A comment that has its line to itself; a line of a long string may begin with "#" too.
        if token.type == tokenize.COMMENT and not token.line[: token.start[1]].strip():
            idle.add(token.start[0])
    kept = (line.rstrip() for number, line in enumerate(text.splitlines(), 1) if number not in idle)
    return "\n".join(line for line in kept if line)
