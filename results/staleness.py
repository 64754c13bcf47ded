"""Is a results file still what today's code would give? Each carries a hash of the code that made it.

``python -m results.staleness`` names those whose code has changed since. That need not change a number; a step of
``python -m results.reproduce`` measures it again.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from results.tables import RESULTS, ROOT
from teach.closure import code_hash

# By results file: the step of results.reproduce, or the benchmark, that writes it.
MADE_BY = {
    "adapting": "adapting",
    "beta": "beta",
    "choice": "choice",
    "ears": "ears",
    "evaluators": "evaluator",
    "finetuning": "finetuned",
    "hands": "hands",
    "hearing": "hearing",
    "likelihood": "beta",
    "objectives": "objectives",
    "protocol": "protocol",
    "report-evaluation": "pictures",
    "spread": "spread",
    "targets": "targets",
}
# Speed and memory are of a machine and a day; no code makes them stale.
MEASURED = ("bench", "grading", "lectures")
_REPRODUCE = Path(__file__).with_name("reproduce.py")
# How numbers are shown, and how data come here, changes none: data sets are known by the hash of what is in them.
_APART = ("a2d.figures", "a2d.io.fetching", "a2d.io.folders", "a2d.io.manifest", "results.tables", "results.staleness")


@cache
def _module() -> ast.Module:
    return ast.parse(_REPRODUCE.read_text(encoding="utf-8"))


def _imported() -> dict[str, str]:
    """What the names that results.reproduce imports stand for."""
    found: dict[str, str] = {}
    for node in _module().body:
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _functions() -> dict[str, str]:
    """By step of results.reproduce, the name of its function."""
    tables = [
        node.value
        for node in _module().body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("STEPS", "EXTRA")
    ]
    return {
        key.value: value.id
        for table in tables
        if isinstance(table, ast.Dict)
        for key, value in zip(table.keys, table.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and isinstance(value, ast.Name)
    }


def _used(step: str) -> Iterator[ast.stmt]:
    """The statements of results.reproduce that a step runs through: its function, and what that names, and so on."""
    by_name: dict[str, ast.stmt] = {}
    for node in _module().body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            by_name[node.name] = node
        elif isinstance(node, ast.Assign):
            by_name |= {
                name.id: node for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)
            }
    waiting, seen = [_functions().get(step, step)], set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in by_name:
            continue
        seen.add(name)
        yield by_name[name]
        waiting += _loaded(by_name[name])


def _loaded(statement: ast.stmt) -> set[str]:
    """The names that a statement takes from around it: those that it does not bind itself."""
    names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
    return {node.id for node in names} - {node.id for node in names if isinstance(node.ctx, ast.Store)}


def _without_docstrings(node: ast.stmt) -> str:
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(inner, clean=False) is not None:
            inner.body = inner.body[1:] or [ast.Pass()]
    return ast.unparse(node)


@cache
def code_of(step: str) -> str:
    """A hash of the code that a step of results.reproduce depends on: its own functions, modules, and recipes."""
    statements = list(_used(step))
    if not statements:
        raise KeyError(step)
    imported = _imported()
    names = {name for statement in statements for name in _loaded(statement)}
    modules = sorted(imported[name] for name in names & imported.keys())
    own = sorted(_without_docstrings(statement) for statement in statements)
    recipes = sorted((ROOT / "a2d" / "recipes").glob("*.toml"))
    return code_hash(*modules, apart=_APART, extra=recipes, text="\n".join(own))


def stale() -> dict[str, str]:
    """The results files that today's code may not give, each with the reason."""
    found = {}
    for name, step in MADE_BY.items():
        head = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
        if "code" not in head:
            found[name] = "it was written before results carried a hash of their code"
        elif head["code"] != code_of(step):
            found[name] = f"its code has changed since {head['commit'][:7]}"
    return found


def main() -> int:
    """Name the stale files; 0 all the same, for a stale number is not yet a wrong one."""
    found = stale()
    for name, why in found.items():
        print(
            f"results/{name}.json may be stale: {why}. Measure it with `python -m results.reproduce {MADE_BY[name]}`."
        )
    print(f"{len(MADE_BY) - len(found)} of {len(MADE_BY)} results files are of today's code.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
