"""Finding a student's answers in notebooks: by the function's name, by the exercise's id in a check, by the cell's id.

Nothing is run here. The answer to an exercise is the last definition in the notebook that does something, with the
imports, helpers and constants that it refers to; the rest of the notebook is left out.
"""

from __future__ import annotations

import ast
import json
import re
import symtable
import textwrap
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from a2d.course.checking import is_stub
from a2d.course.exercises import Exercise, Question
from a2d.course.grading.model import GradingError
from a2d.course.texts import WRITE_HERE

# A cell longer than this is not looked at, a notebook of more cells is cut off: no honest one comes near.
CELL_CHARACTERS = 200_000
CELLS = 5_000
# A line of IPython's: a magic, a shell command, a question, or the result of one.
_MAGIC = re.compile(r"^\s*[%!?]|\?\s*$|=\s*[%!]", re.M)


@dataclass(frozen=True)
class NotebookCell:
    """One cell: ``number`` counts from 1 as a person would."""

    number: int
    kind: str
    source: str
    id: str = ""


@dataclass(frozen=True)
class Statement:
    """One statement of a notebook's code: where it stands, which names it needs and which it gives."""

    cell: NotebookCell
    node: ast.stmt
    source: str
    needs: frozenset[str]
    gives: frozenset[str]


@dataclass(frozen=True)
class Answered:
    """An answer that was found: code that defines ``function``, and where it was.

    ``stub`` says that nothing is written yet; ``broken`` tells the error of a cell that Python cannot read.
    """

    function: str
    source: str
    where: str
    stub: bool = False
    broken: str = ""
    notes: tuple[str, ...] = ()

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of the code."""
        return ast.parse(self.source)


@dataclass
class Notebook:
    """A notebook's cells, and what is found in them."""

    name: str
    cells: tuple[NotebookCell, ...]
    problems: list[str] = field(default_factory=list)

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """The statements of all cells that Python can read, in order."""
        return tuple(statement for cell in self.cells if cell.kind == "code" for statement in self._of(cell))

    @cached_property
    def broken(self) -> dict[int, str]:
        """The error of each cell that Python cannot read, by the cell's number."""
        self.statements  # noqa: B018 (reading them finds the broken ones)
        return self._broken

    def _of(self, cell: NotebookCell) -> Iterator[Statement]:
        if not hasattr(self, "_broken"):
            self._broken: dict[int, str] = {}
        try:
            yield from _statements(cell)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            self._broken[cell.number] = _syntax_error(error)

    @cached_property
    def _checked(self) -> dict[str, list[str]]:
        """The names given to checks, by the exercise's id: ``a2d.check("1.1", name)``."""
        found: dict[str, list[str]] = {}
        for statement in self.statements:
            if "check" in statement.source:
                for id, name in _checks(statement.node):
                    found.setdefault(id, []).append(name)
        return found

    @cached_property
    def _makers(self) -> dict[str, list[int]]:
        """The numbers of the statements that give a name, by the name."""
        found: dict[str, list[int]] = {}
        for number, statement in enumerate(self.statements):
            for name in statement.gives:
                found.setdefault(name, []).append(number)
        return found

    def _definitions(self, name: str) -> list[int]:
        return [n for n in self._makers.get(name, ()) if _defines(self.statements[n].node, name)]

    def answer(self, exercise: Exercise) -> Answered | None:
        """The answer to an exercise in this notebook, or None."""
        stub = None
        for name in self._names(exercise):
            defining = self._definitions(name)
            written = [n for n in defining if not is_stub(self.statements[n].node)]
            if written:
                return self._sliced(name, written)
            if defining and stub is None:
                at = self.statements[defining[-1]]
                stub = Answered(name, at.source, self._where(at.cell), stub=True)
        return self._broken_answer(exercise) or stub

    def _names(self, exercise: Exercise) -> list[str]:
        """The names that the answer may have: the exercise's, one given to its check, the only one in its cell."""
        names = [exercise.name, *reversed(self._checked.get(exercise.id, ()))]
        for cell in self.cells:
            if _is_exercise(cell, exercise):
                inside = [
                    s.node.name for s in self.statements if s.cell is cell and isinstance(s.node, ast.FunctionDef)
                ]
                names += inside if len(inside) == 1 else []
        return list(dict.fromkeys(names))

    def _broken_answer(self, exercise: Exercise) -> Answered | None:
        for cell in reversed(self.cells):
            if cell.number in self.broken and (
                _is_exercise(cell, exercise) or re.search(rf"^\s*def\s+{exercise.name}\b", cell.source, re.M)
            ):
                return Answered(exercise.name, "", self._where(cell), broken=self.broken[cell.number])
        return None

    def _sliced(self, name: str, written: Sequence[int]) -> Answered:
        chosen = written[-1]
        notes = []
        if len({ast.dump(self.statements[n].node) for n in written}) > 1:
            notes.append(f"{name} is defined {len(written)} times; the last definition counts.")
        kept = _closure(self.statements, self._makers, chosen)
        source = "\n".join(self.statements[n].source for n in sorted(kept)) + "\n"
        return Answered(name, source, self._where(self.statements[chosen].cell), notes=tuple(notes))

    def slice_of(self, name: str) -> str:
        """The code that defines a name, with all that it refers to; raises KeyError where nothing defines it."""
        found = self._makers.get(name)
        if not found:
            raise KeyError(name)
        return self._sliced(name, found).source

    def _where(self, cell: NotebookCell) -> str:
        return f"{self.name}, cell {cell.number}"

    def written(self, question: Question) -> tuple[str, str] | None:
        """A student's words to a question and where they stand; None where no place for it is found."""
        place = self._place(question)
        if place is None:
            return None
        return place.source.replace(WRITE_HERE, "").strip(), self._where(place)

    def _place(self, question: Question) -> NotebookCell | None:
        ending = f"answer-{question.id.replace('.', '-')}"
        for cell in self.cells:
            if cell.id.endswith(ending) and (cell.id == ending or cell.id[-len(ending) - 1] == "-"):
                return cell
        heading = re.compile(rf"^#+\s*Question {re.escape(question.id)}\b", re.M)
        for at, cell in enumerate(self.cells):
            if cell.kind == "markdown" and heading.search(cell.source):
                after = self.cells[at + 1] if at + 1 < len(self.cells) else None
                if (
                    after is not None
                    and after.kind in ("markdown", "raw")
                    and not after.source.lstrip().startswith("#")
                ):
                    return after
        return None


# ---------------------------------------------------------------------------------------------------- reading a file


def read_notebook(name: str, data: bytes) -> Notebook:
    """The cells of a notebook file of any format version; raises :class:`GradingError` for what is none."""
    problems: list[str] = []
    hint = "Open it in Jupyter, save it, and hand in the .ipynb file itself"
    try:
        content = json.loads(_decoded(data, problems))
    except RecursionError as error:
        raise GradingError("this notebook is nested too deeply to be read", where=name, hint=hint) from error
    except (ValueError, MemoryError) as error:
        told = "it is empty" if not data.strip() else f"its JSON is broken: {str(error)[:120]}"
        raise GradingError(f"this is not a notebook ({told})", where=name, hint=hint) from error
    found = list(_cells(content)) if isinstance(content, dict) else []
    if not found:
        raise GradingError("this is not a notebook (it has no cells)", where=name, hint=hint)
    if len(found) > CELLS:
        problems.append(f"it has {len(found)} cells; only the first {CELLS} were read")
    return Notebook(name, tuple(found[:CELLS]), problems)


def _decoded(data: bytes, problems: list[str]) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        problems.append("it is not UTF-8; letters beyond ASCII may be wrong")
        return data.decode("latin-1")


def _cells(content: dict[str, Any]) -> Iterator[NotebookCell]:
    listed = content.get("cells")
    if not isinstance(listed, list):
        # Format 3 and older kept cells in worksheets.
        sheets = content.get("worksheets")
        sheets = sheets if isinstance(sheets, list) else []
        listed = [c for s in sheets if isinstance(s, dict) for c in (s.get("cells") or ()) if isinstance(s, dict)]
    for number, cell in enumerate(listed, 1):
        if not isinstance(cell, dict):
            continue
        source = cell.get("source", cell.get("input", ""))
        if isinstance(source, list):
            source = "".join(part for part in source if isinstance(part, str))
        if not isinstance(source, str) or len(source) > CELL_CHARACTERS:
            continue
        id = cell.get("id")
        metadata = cell.get("metadata")
        if not isinstance(id, str) and isinstance(metadata, dict):
            id = metadata.get("id", metadata.get("name"))
        yield NotebookCell(number, str(cell.get("cell_type", "code")), source, id if isinstance(id, str) else "")


# ------------------------------------------------------------------------------------------------------- reading code


def _statements(cell: NotebookCell) -> list[Statement]:
    source = _python(cell.source)
    lines = source.splitlines(keepends=True)
    found = []
    for node in _parse(source).body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        text = "".join(lines[first - 1 : node.end_lineno])
        if first == (found[-1].node.end_lineno if found else 0) or text.count(";"):
            # Several statements on a line: each by itself, written anew.
            text = ast.unparse(node)
        needs, gives = _names_of(textwrap.dedent(text), node)
        found.append(Statement(cell, node, text.rstrip("\n"), needs, gives))
    return found


def _parse(source: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape in a student's text is not our news
        return ast.parse(source)


def _python(source: str) -> str:
    """A cell as Python: with IPython's magics and shell lines turned into calls."""
    if source.lstrip().startswith("%%"):
        first, _, rest = source.lstrip().partition("\n")
        # A magic that runs the cell as Python keeps its code; any other has none.
        source = rest if re.match(r"%%(time|timeit|capture|prun)\b", first) else ""
    try:
        _parse(source)
        return source
    except SyntaxError:
        if not _MAGIC.search(source):
            raise
    from IPython.core.inputtransformer2 import TransformerManager

    return TransformerManager().transform_cell(source)


def _names_of(text: str, node: ast.stmt) -> tuple[frozenset[str], frozenset[str]]:
    """The global names that a statement needs and gives."""
    table = symtable.symtable(text, "<cell>", "exec")
    needs = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    gives = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
    waiting = list(table.get_children())
    while waiting:
        inner = waiting.pop()
        needs |= {s.get_name() for s in inner.get_symbols() if s.is_global()}
        waiting += inner.get_children()
    if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
        gives.add("*")
    # table[0] = 1 changes what the name stands for, so it belongs to what makes it.
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        gives |= {root for one in ast.walk(node) if (root := _changed_name(one))}
        needs |= {one.target.id for one in ast.walk(node) if isinstance(one, ast.AugAssign) and _is_name(one.target)}
    return frozenset(needs), frozenset(gives)


def _is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Name)


def _changed_name(node: ast.AST) -> str:
    if not (isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store)):
        return ""
    inner: ast.AST = node
    while isinstance(inner, ast.Subscript | ast.Attribute):
        inner = inner.value
    return inner.id if isinstance(inner, ast.Name) else ""


def _closure(statements: Sequence[Statement], makers: Mapping[str, Sequence[int]], chosen: int) -> set[int]:
    """The numbers of the statements that one needs, itself included."""
    kept, waiting, open_names = {chosen}, [chosen], set()
    while waiting:
        at = waiting.pop()
        for name in statements[at].needs:
            found = _maker(statements[at].node, makers.get(name, ()), at)
            if found is None:
                open_names.add(name)
            elif found not in kept:
                kept.add(found)
                waiting.append(found)
    if open_names:
        kept |= {n for n, s in enumerate(statements) if "*" in s.gives}
    return kept


def _maker(node: ast.stmt, makers: Sequence[int], at: int) -> int | None:
    """Of the statements that give a name, the one that statement ``at`` sees: the last before it.

    A function is called later, so it may also see the first one after it.
    """
    before = [n for n in makers if n < at]
    if before:
        return before[-1]
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Assign):
        return next((n for n in makers if n > at), None)
    return None


def _defines(node: ast.stmt, name: str) -> bool:
    """Whether a statement makes the function: ``def``, a value of this name, or either inside an ``if`` or ``try``."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return node.name == name
    if isinstance(node, ast.Assign):
        named = any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
        return named and isinstance(node.value, ast.Lambda | ast.Name)
    if isinstance(node, ast.If | ast.Try | ast.With | ast.For):
        return any(_defines(one, name) for one in ast.walk(node) if isinstance(one, ast.stmt) and one is not node)
    return False


def _checks(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """Id and name in each ``a2d.check(id, name)`` of a statement."""
    for call in ast.walk(node):
        if not (isinstance(call, ast.Call) and len(call.args) == 2):
            continue
        function = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        first, second = call.args
        if function == "check" and isinstance(first, ast.Constant) and isinstance(second, ast.Name):
            yield str(first.value), second.id


def _is_exercise(cell: NotebookCell, exercise: Exercise) -> bool:
    return bool(re.search(rf"(^|-)exercise-{exercise.id.replace('.', '-')}$", cell.id))


def _syntax_error(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        line = (error.text or "").strip()[:200]
        return f"Python cannot read the cell: {error.msg} (line {error.lineno}{': ' + line if line else ''})"
    if isinstance(error, RecursionError | MemoryError):
        return "Python cannot read the cell: it is nested too deeply"
    return f"Python cannot read the cell: {str(error)[:200]}"
