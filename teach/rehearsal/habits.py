"""How different people write and keep the same answer.

All of it is harmless: whatever is drawn here, grading must find the answer and give it the same points.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from teach.rehearsal.wording import Written, bound_name, imports_of, without_annotations

Cell = dict[str, Any]

_COMMENTS = ("# first try, seems to work", "# see the hint", "# ok", "# TODO: is there a shorter way?", "# (shape!)")
_LOOKING = (
    "%timeit -n 1 -r 1 sum(range(100))",
    "!pip --version",
    "?np.pad",
    "np.stack??",
    "%matplotlib inline\nimport matplotlib.pyplot as plt",
    "print(np.arange(3))",
)
_BROKEN = (
    "for i in range(3)\n    print(i)",
    'print "hello"',
    "np.zeros((3, 4)",
    "Why is the first frame not centred? Ask on Monday!",
    "x = [1, 2\ny = 3",
)
_MAGIC_LINES = ("%%time", "%matplotlib inline")


# --------------------------------------------------------------------------------------------------------------- cells


def code(text: str, id: str) -> Cell:
    """A code cell."""
    cell: Cell = {"cell_type": "code", "execution_count": None, "id": id, "metadata": {}, "outputs": []}
    return {**cell, "source": text.splitlines(True)}


def text(cell: Cell) -> str:
    """What stands in a cell."""
    return "".join(cell["source"])


def with_text(cell: Cell, new: str | None) -> Cell:
    """The cell with another text, or as it is for None."""
    return cell if new is None else {**cell, "source": new.splitlines(True)}


def with_output(cell: Cell, printed: str) -> Cell:
    """The cell with what it printed."""
    output = {"name": "stdout", "output_type": "stream", "text": printed.splitlines(True)}
    return {**cell, "outputs": [output]}


def imports(text: str) -> list[str]:
    """The import statements at the top level of a cell, one name each; none for what is not Python."""
    try:
        return imports_of(text)
    except SyntaxError:
        return []


# ------------------------------------------------------------------------------------------------------------- answers


def answer_cells(
    answer: Written | None, name: str, stub: Cell, above: Collection[str], rng: np.random.Generator
) -> tuple[list[Cell], str]:
    """The cells that hold an answer in place of ``stub``, and the name that its function has there.

    ``above`` are the import statements in the notebook's cells above, which an answer may rely on.
    """
    if answer is None:
        return [stub], name
    made = _other_words(answer, rng)
    made = _other_imports(made, imports(text(stub)), above, rng)
    if rng.random() < 0.08:
        made, name = _renamed(made, name, rng)
    if made.helpers and rng.random() < 0.4:
        first = Written(made.imports, made.helpers[:-1], made.helpers[-1]).text
        return [code(first, new_id(rng)), with_text(stub, made.function)], name
    magic = f"{rng.choice(_MAGIC_LINES)}\n" if rng.random() < 0.02 else ""
    return [with_text(stub, magic + made.text)], name


def _other_words(answer: Written, rng: np.random.Generator) -> Written:
    """Variables under other names, other formatting, comments, or as it is."""
    way = rng.random()
    if way < 0.25:
        suffix = str(rng.choice(["_", "2", "_new", "_here"]))
        change = lambda function: rename_variables(function, suffix)  # noqa: E731
    elif way < 0.45:
        change = lambda function: ast.unparse(ast.parse(function))  # noqa: E731
    elif way < 0.70:
        change = lambda function: commented(function, rng)  # noqa: E731
    else:
        return answer
    # Constants keep their names: functions refer to them.
    helpers = tuple(change(one) if one.startswith("def ") else one for one in answer.helpers)
    return replace(answer, helpers=helpers, function=change(answer.function))


def _other_imports(answer: Written, given: Sequence[str], above: Collection[str], rng: np.random.Generator) -> Written:
    """Imports on top of the cell, inside the functions, or left to the cells above; ``given`` stay on top."""
    way = rng.random()
    on_top = dict.fromkeys(given)
    needed = [line for line in answer.imports if line not in on_top]
    functions = (*answer.helpers, answer.function)
    if way < 0.40 and all(one.startswith("def ") for one in functions):
        inside = [without_annotations(one, _used(one, needed)) for one in functions]
        return Written(tuple(on_top), tuple(inside[:-1]), inside[-1])
    if way < 0.70:
        needed = [line for line in needed if line not in above]
    return replace(answer, imports=(*on_top, *needed))


def _used(function: str, lines: Sequence[str]) -> tuple[str, ...]:
    bare = ast.parse(without_annotations(function))
    names = {node.id for node in ast.walk(bare) if isinstance(node, ast.Name)}
    return tuple(line for line in lines if bound_name(line) in names)


def _renamed(answer: Written, name: str, rng: np.random.Generator) -> tuple[Written, str]:
    """The function under another name; its check is then called with that one."""
    new = str(rng.choice([f"my_{name}", f"{name}2", f"{name}_final"]))
    if any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(ast.parse(answer.function))):
        return answer, name
    return replace(answer, function=re.sub(rf"^def {name}\(", f"def {new}(", answer.function, flags=re.M)), new


def rename_variables(function: str, suffix: str) -> str:
    """A function with its local variables under other names; arguments, and names of functions inside it, stay."""
    tree = ast.parse(function)
    nodes = list(ast.walk(tree))
    arguments = {node.arg for node in nodes if isinstance(node, ast.arg)}
    if any(isinstance(node, ast.Global | ast.Nonlocal) for node in nodes):
        return function
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)} - arguments
    for node in nodes:
        if isinstance(node, ast.Name) and node.id in stored:
            node.id += suffix
    return ast.unparse(tree)


def commented(function: str, rng: np.random.Generator) -> str:
    """A function with comments above some of its statements."""
    [node] = ast.parse(function).body
    if not isinstance(node, ast.FunctionDef):
        return function
    lines = function.splitlines()
    for statement in reversed(node.body):
        if rng.random() < 0.5:
            indent = " " * statement.col_offset
            lines.insert(statement.lineno - 1, indent + str(rng.choice(_COMMENTS)))
    return "\n".join(lines)


# ----------------------------------------------------------------------------------------------------------- notebooks


def new_id(rng: np.random.Generator) -> str:
    """A cell's id as JupyterLab makes them: eight hexadecimal digits."""
    return f"{int(rng.integers(2**32)):08x}"


def notebook(
    found: Mapping[str, Any], cells: Sequence[Sequence[Cell]], pairs: Sequence[Sequence[str]], rng: np.random.Generator
) -> dict[str, Any]:
    """A notebook made of a student's cells.

    ``cells`` has for each cell of the notebook ``found`` those that stand there now, ``pairs`` the ids of each
    exercise's cell and its check. Some are copied, moved, joined by others, or lose ids and metadata.
    """
    groups = [list(group) for group in cells]
    if pairs and rng.random() < 0.08:
        pair = pairs[int(rng.integers(len(pairs)))]
        _copy(groups, pair, rng)
    if len(pairs) > 1 and rng.random() < 0.06:
        groups = _moved(groups, {id for pair in pairs for id in pair})
    flat = [cell for group in groups for cell in group]
    # The first cells set everything up; whatever is added comes after them.
    for texts in (_LOOKING, _BROKEN):
        if rng.random() < 0.12:
            at = int(rng.integers(min(8, len(flat)), len(flat) + 1))
            flat.insert(at, code(str(rng.choice(texts)), new_id(rng)))
    if rng.random() < 0.08:
        bare = [{key: value for key, value in cell.items() if key != "id"} | {"metadata": {}} for cell in flat]
        return {"cells": _counted(bare), "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    return {**found, "cells": _counted(flat)}


def _copy(groups: list[list[Cell]], pair: Sequence[str], rng: np.random.Generator) -> None:
    """Copy an exercise's cells, and its check, below the check."""
    held = [group for group in groups if any(cell["id"] in pair for cell in group)]
    held[-1].extend([{**cell, "id": new_id(rng)} for group in held for cell in group])


def _moved(groups: list[list[Cell]], ids: Collection[str]) -> list[list[Cell]]:
    """All exercises at the end of the notebook, the last one first."""
    theirs = [group for group in groups if any(cell["id"] in ids for cell in group)]
    others = [group for group in groups if group not in theirs]
    pairs = [theirs[n : n + 2] for n in range(0, len(theirs), 2)]
    return [*others, *(group for pair in reversed(pairs) for group in pair)]


def _counted(cells: Sequence[Cell]) -> list[Cell]:
    """Cells with outputs were run, one after the other."""
    made, count = [], 0
    for cell in cells:
        if cell["cell_type"] == "code" and cell["outputs"]:
            count += 1
            cell = {**cell, "execution_count": count}
        made.append(cell)
    return made
