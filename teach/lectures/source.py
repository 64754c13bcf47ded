"""Reading a lecture's source: cells, solutions between their markers, and the two versions of a cell.

The convention is that of :mod:`teach.lectures.build`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from a2d.errors import CourseError
from teach import settings

BEGIN, END, STUB = "# SOLUTION BEGIN", "# SOLUTION END", "# STUB"


@dataclass(frozen=True)
class Cell:
    """One cell of a source: ``line`` is the number of its first line in the file, from 1; ``name`` its id, if given."""

    kind: str
    source: str
    line: int
    tags: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class Block:
    """One solution: the lines of the file with its markers (from 1), what was cut out, and the stub's lines."""

    first: int
    last: int
    solution: tuple[str, ...]
    stub: tuple[str, ...]


@dataclass(frozen=True)
class Lecture:
    """One lecture's source and where its notebooks belong."""

    path: Path
    cells: tuple[Cell, ...]

    @property
    def slug(self) -> str:
        """``NN_slug``."""
        return self.path.stem

    @property
    def student(self) -> Path:
        """The notebook without solutions."""
        return self.path.parent.parent / f"{self.slug}.ipynb"

    @property
    def solution(self) -> Path:
        """The executed notebook with solutions."""
        return self.path.parent.parent / "solutions" / f"{self.slug}.ipynb"


def find_sources(root: Path = settings.ROOT, names: Sequence[str] = ()) -> list[Path]:
    """The lectures' sources in order; ``names`` are numbers (``00``) or whole slugs, none means all."""
    folder = root / "notebooks" / "src"
    found = sorted(folder.glob("[0-9][0-9]_*.py"))
    if not found:
        raise CourseError("there are no lectures here", where=folder, hint="Run this in a clone of the repository")
    chosen = [path for path in found if not names or path.stem in names or path.stem[:2] in names]
    for name in names:
        if not any(name in (path.stem, path.stem[:2]) for path in found):
            known = ", ".join(path.stem for path in found)
            raise CourseError("there is no such lecture", where=name, hint=f"Use a number or a name of {known}")
    return chosen


def read_lecture(path: Path) -> Lecture:
    """Read a source; raises :class:`CourseError` for one that is not percent-format Python in UTF-8."""
    import jupytext

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"cannot read this source ({error})", where=path, hint="Save it as UTF-8") from error
    starts = [n for n, line in enumerate(text.splitlines(), 1) if re.match(r"# %%(\s|$)", line)]
    if not starts or text.splitlines()[0].strip() != text.splitlines()[starts[0] - 1].strip():
        raise CourseError("a source begins with a cell", where=f"{path}:1", hint="Begin with `# %% [markdown]`")
    nodes = jupytext.reads(text, fmt="py:percent").cells
    if len(nodes) != len(starts):
        hint = "Keep `# %%` out of strings"
        raise CourseError(f"{len(starts)} cell marks give {len(nodes)} cells", where=f"{path}:1", hint=hint)
    lines = text.splitlines()
    cells = []
    for node, start in zip(nodes, starts, strict=True):
        first = start + 1
        while node.source and first <= len(lines) and not lines[first - 1].strip():
            first += 1
        meta = node.metadata
        cells.append(Cell(node.cell_type, node.source, first, tuple(meta.get("tags", ())), meta.get("id", "")))
    return Lecture(path, tuple(cells))


def fail(path: Path, line: int, what: str, hint: str) -> CourseError:
    return CourseError(what, where=f"{path}:{line}", hint=hint)


def find_blocks(path: Path, cell: Cell) -> list[Block]:
    """The solutions in a cell; raises :class:`CourseError` for markers that are misspelt, unbalanced or nested."""
    blocks: list[Block] = []
    lines = cell.source.splitlines()
    begin: int | None = None
    index = 0
    while index < len(lines):
        text, number = lines[index].strip(), cell.line + index
        if text in (BEGIN, END) and cell.kind != "code":
            raise fail(path, number, "a solution's marker stands in a text cell", "Move it to a code cell")
        if text == BEGIN:
            if begin is not None:
                raise fail(path, number, "a solution begins inside another", f"End the first with `{END}`")
            begin = index
        elif text == END:
            if begin is None:
                raise fail(path, number, "a solution ends that has not begun", f"Begin it with `{BEGIN}`")
            stub = _stub(lines, index + 1, lines[begin])
            inner = tuple(lines[begin + 1 : index])
            blocks.append(Block(cell.line + begin, number + len(stub), inner, tuple(stub)))
            begin, index = None, index + len(stub)
        elif re.search(r"\bSOLUTION\s+(BEGIN|END)\b", text, re.I) and text.startswith("#"):
            raise fail(path, number, "this marker is misspelt", f"Write `{BEGIN}` or `{END}`, alone on its line")
        elif cell.kind == "code" and begin is None and re.match(r"#\s*STUB\b", text):
            hint = f"Put it directly below `{END}`, indented like it"
            raise fail(path, number, "this stub belongs to no solution", hint)
        index += 1
    if begin is not None:
        raise fail(path, cell.line + begin, "this solution does not end in its cell", f"End it with `{END}`")
    return blocks


def _stub(lines: list[str], start: int, marker: str) -> list[str]:
    """The lines that stand in for a solution, without their comment signs, indented like the marker."""
    indent = marker[: len(marker) - len(marker.lstrip())]
    stub = []
    for line in lines[start:]:
        if not re.match(rf"{indent}{STUB}( |$)", line):
            break
        stub.append((indent + line[len(indent) + len(STUB) + 1 :]).rstrip())
    return stub


def versions(path: Path, cell: Cell) -> tuple[str, str]:
    """A cell as in the solution notebook, and as the student finds it."""
    blocks = find_blocks(path, cell)
    lines = cell.source.splitlines()
    ours: list[str] = []
    theirs: list[str] = []
    at = 0
    for block in blocks:
        first, last = block.first - cell.line, block.last - cell.line + 1
        marker = lines[first]
        indent = marker[: len(marker) - len(marker.lstrip())]
        ours += lines[at:first] + list(block.solution)
        theirs += [*lines[at:first], f"{indent}# YOUR CODE HERE", *(block.stub or [f"{indent}..."])]
        at = last
    solution, student = "\n".join(ours + lines[at:]), "\n".join(theirs + lines[at:])
    for block in blocks:
        _check_function(path, cell, block)
    if blocks:
        _check_signatures(path, blocks[0].first, solution, student)
    return solution, student


def _parse(path: Path, line: int, text: str, whose: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        hint = "Mend the lines between the markers, or the stub"
        raise fail(path, line, f"{whose} version of this cell is not Python ({error.msg})", hint) from error


def _check_function(path: Path, cell: Cell, block: Block) -> None:
    """A solution stands in the body of one function, whose signature the student keeps."""
    tree = _parse(path, block.first, cell.source, "the solution's")
    used = [block.first + 1 + n - cell.line + 1 for n, line in enumerate(block.solution) if line.strip()]
    if not used:
        raise fail(path, block.first, "there is nothing between the markers", "Write the solution there")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            begins, ends = node.body[0].lineno, node.end_lineno or 0
            if node.lineno < used[0] and begins <= used[0] and used[-1] <= ends:
                return
    hint = "Put the markers inside its body, below the signature and the docstring"
    raise fail(path, block.first, "this solution does not stand in a function", hint)


def _signatures(tree: ast.Module) -> dict[str, str]:
    """What a cell defines: functions with their parameters, classes with their bases; helpers inside are left out."""
    found: dict[str, str] = {}

    def visit(nodes: Sequence[ast.stmt], prefix: str) -> None:
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                returns = ast.unparse(node.returns) if node.returns else ""
                found[prefix + node.name] = f"({ast.unparse(node.args)}) -> {returns}"
            elif isinstance(node, ast.ClassDef):
                found[prefix + node.name] = ", ".join(map(ast.unparse, node.bases))
                visit(node.body, f"{prefix}{node.name}.")

    visit(tree.body, "")
    return found


def _check_signatures(path: Path, line: int, solution: str, student: str) -> None:
    ours = _signatures(_parse(path, line, solution, "the solution's"))
    theirs = _signatures(_parse(path, line, student, "the student's"))
    if ours != theirs:
        names = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
        hint = "Let both versions define the same functions, with the same parameters"
        raise fail(path, line, f"the stub does not fit the solution's signature of {', '.join(names)}", hint)
