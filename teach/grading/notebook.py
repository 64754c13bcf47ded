"""Finding a student's answers in notebooks: by the function's name, by the exercise's id in a check, by the cell's id.

Nothing is run here. The answer to an exercise is the last definition in the notebook that does something, with the
imports, helpers and constants that it refers to; the rest of the notebook is left out.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
import symtable
import sys
import textwrap
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from a2d.checks.verdicts import is_stub
from a2d.checks.watch import PACKAGES
from a2d.exercises import Exercise, Question
from teach.grading.around import Shown, around, lifted, shown
from teach.grading.model import GradingError
from teach.lectures.texts import WRITE_HERE

# Limits that no honest notebook comes near, so that reading one takes seconds whatever it holds: of a text's
# characters, of a cell's code, of a notebook's cells and code (as :func:`weight` has it; all lectures together have
# 500,000), and of an answer with what it refers to, in characters and in levels of its syntax tree.
TEXT_CHARACTERS, CELL_CHARACTERS = 200_000, 20_000
CELLS, CODE = 5_000, 1_000_000
ANSWER_CHARACTERS, _DEEPEST = 10_000, 100
_LONGEST_ID = 200
# A question's answer may go on in so many cells behind its own; ids of the lectures' cells; what begins another thing.
_BEHIND = 4
_LECTURES = re.compile(r"\d\d-")
_BEGINS = re.compile(r"^\s*##+\s*(?:\d|Question|Exercise|Quiz|You can now|What to read|.*place to stop)")
_PICTURE = re.compile(r"!\[[^\]]*\]\(|<img\b", re.I)
# What can change names without naming them.
_SLEIGHTS = re.compile(r"(?<![\w.])(?:globals|exec|eval|setattr|vars)\(|__dict__|get_ipython|run_cell|\bgetcontext\b")
# What may change a setting of a package for all that follows; and what finds something that a cell has left in a file.
_SETTING = re.compile(r"\bset|__enter__")
_FINDS = re.compile(r"\b(?:open|(?:\w*_)?(?:read|load)\w*|fromfile|genfromtxt|memmap|Path|connect|import_module)\(")
# What changes more than names, and may be asked for by name only: the environment, files, other programs.
_BEYOND = re.compile(r"^[ \t]*%%?(?:env|set_env|run|load|store|reset|cd)\b|\b(?:environ|putenv|chdir)\b", re.M)
# Lines of IPython's: a magic or a shell command (with the lines that it goes on), a name with a question, and the
# result of either as a value.
_MAGIC = re.compile(r"^([ \t]*)(?:[%!](?:.*\\\n)*.*|\?{1,2}[\w.*]+[ \t]*|[\w.*]+\?{1,2}[ \t]*)$", re.M)
_MAGIC_VALUE = re.compile(r"^([\w., \t]+=)[ \t]*[%!](?:.*\\\n)*.*$", re.M)


@dataclass(frozen=True)
class NotebookCell:
    """One cell: ``number`` counts from 1 as a person would; ``shown`` is what stands below its source."""

    number: int
    kind: str
    source: str
    id: str = ""
    shown: Shown = field(default=Shown(), compare=False, repr=False)


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
    language: str = "python"
    version: tuple[int, ...] = ()

    @property
    def weight(self) -> int:
        """How much work reading its code is, see :func:`weight`."""
        codes = (cell.source for cell in self.cells if cell.kind == "code" and len(cell.source) <= CELL_CHARACTERS)
        return min(sum(map(weight, codes)), CODE)

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """The statements of all cells that Python can read, in order."""
        self._broken: dict[int, str] = {}
        found: list[Statement] = []
        left = CODE
        for cell in self.cells:
            if cell.kind != "code":
                continue
            if len(cell.source) > CELL_CHARACTERS:
                self._broken[cell.number] = f"This cell was not read: it has over {CELL_CHARACTERS:,} characters"
                continue
            left -= weight(cell.source)
            if left < 0:
                self._broken[cell.number] = "This cell was not read: the notebook has too much code"
                continue
            try:
                found += _statements(cell)
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                self._broken[cell.number] = _syntax_error(error)
        return tuple(found)

    @cached_property
    def broken(self) -> dict[int, str]:
        """The error of each cell that Python cannot read, by the cell's number."""
        self.statements  # noqa: B018 (reading them finds the broken ones)
        return self._broken

    @cached_property
    def _functions(self) -> dict[int, list[str]]:
        """The names of the functions that each cell defines, by the cell's number."""
        found: dict[int, list[str]] = {}
        for statement in self.statements:
            if isinstance(statement.node, ast.FunctionDef):
                found.setdefault(statement.cell.number, []).append(statement.node.name)
        return found

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
            written = [n for n in defining if not _is_stub(self.statements[n].node)]
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
                inside = self._functions.get(cell.number, ())
                names += inside if len(inside) == 1 else []
        return list(dict.fromkeys(names))

    def _broken_answer(self, exercise: Exercise) -> Answered | None:
        for cell in reversed(self.cells):
            if cell.number in self.broken and (
                _is_exercise(cell, exercise) or re.search(rf"^[ \t]*def[ \t]+{exercise.name}\b", cell.source, re.M)
            ):
                return Answered(exercise.name, "", self._where(cell), broken=self.broken[cell.number])
        return None

    def _sliced(self, name: str, written: Sequence[int]) -> Answered:
        chosen = written[-1]
        notes = []
        if not all(_same(self.statements[n].node, self.statements[chosen].node) for n in written):
            notes.append(f"{name} is defined {len(written)} times; the last definition counts.")
        kept = _closure(self.statements, self._makers, chosen)
        source = "\n".join(self.statements[n].source for n in sorted(kept)) + "\n"
        found = Answered(name, source, self._where(self.statements[chosen].cell), notes=tuple(notes))
        return replace(found, broken=told) if (told := _unfit(found)) else found

    def may_differ(self, exercise: Exercise, found: Answered | None) -> bool:
        """Whether an answer may be another one when the whole notebook is run than it is when it is cut out.

        It may not where all that it refers to is imported, or defined or given a number or text just once, and nothing
        in the notebook can change names behind its back.
        """
        if found is None:
            wanted = re.compile(rf"{re.escape(exercise.name)}|[\"']{re.escape(exercise.id)}[\"']")
            return self._checks_anything or any(wanted.search(s.source) for s in self.statements)
        if found.broken or self._says_right(exercise) or self._sets or _FINDS.search(found.source):
            return True
        if any(_SLEIGHTS.search(one.source) for one in self.statements):
            return True
        if any(_BEYOND.search(cell.source) for cell in self.cells if cell.kind == "code"):
            return True
        numbers = self._makers.get(found.function, ())
        if not numbers or not self._once(found.function):
            return True
        if found.stub:
            return False
        kept = _closure(self.statements, self._makers, numbers[-1])
        needed = {name for n in kept for name in self.statements[n].needs}
        if any(name not in self._makers and not hasattr(builtins, name) for name in needed):
            return True
        made = {name for n in kept for name in self.statements[n].gives}
        return not all(map(self._once, made)) or not all(_is_plain(self.statements[n].node) for n in kept)

    def _says_right(self, exercise: Exercise) -> bool:
        """Whether the notebook's own check has called an answer right, as it shows."""
        told = f"Exercise {exercise.id}: Right"
        return any(told in text for cell in self.cells for kind, text in cell.shown.outputs if kind == "text")

    @cached_property
    def _checks_anything(self) -> bool:
        """Whether something is checked without its id being written there."""
        return any("check" in s.source and _is_hidden_check(s.node) for s in self.statements)

    @cached_property
    def _sets(self) -> bool:
        """Whether a setting of what an answer may use is changed: of NumPy, as ``np.seterr``, of torch, of Python."""
        known = {
            alias.asname or alias.name.partition(".")[0]: (getattr(node, "module", None) or alias.name)
            for s in self.statements
            for node in ast.walk(s.node)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        own = {name for name, origin in known.items() if _may_import(origin)}
        return any(_SETTING.search(s.source) and _is_setting(s.node, own) for s in self.statements)

    def _once(self, name: str) -> bool:
        """Whether a name is given once, or by the same words each time."""
        first, *others = (self.statements[n] for n in self._makers[name])
        return all(_same(first.node, other.node) for other in others)

    def slice_of(self, name: str) -> str:
        """The code that defines a name, with all that it refers to; raises KeyError where nothing defines it."""
        found = self._makers.get(name)
        if not found:
            raise KeyError(name)
        return self._sliced(name, found).source

    def elsewhere(self, exercise: Exercise) -> str:
        """Why an exercise's function may not be found though it is there, or ""."""
        if self.language not in ("python", "ipython"):
            return f"{self.name} is a notebook of {self.language}; the exercises are written in Python."
        defined = re.compile(rf"^[ \t]*def[ \t]+{exercise.name}\b", re.M)
        for cell in self.cells:
            if cell.kind != "code" and defined.search(cell.source):
                kind = "a text cell" if cell.kind == "markdown" else "a cell that is not run"
                return f"{exercise.name} stands in {kind} ({self._where(cell)}): make it a code cell."
        return ""

    def _where(self, cell: NotebookCell) -> str:
        return f"{self.name}, cell {cell.number}"

    def written(self, question: Question) -> tuple[str, str] | None:
        """A student's words to a question and where they stand; None where no place for it is found.

        They may stand in the answer's cell and in cells added behind it, in one of these alone, in the question's own
        cell, or in comments of a cell with code. A picture is told of, with its cell.
        """
        asked, place = self._places(question)
        said = self._said(question, asked, place)
        where = said[0][0] if said else place or asked
        return ("\n\n".join(text for _, text in said), self._where(where)) if where is not None else None

    def around(self, question: Question) -> dict[str, Any]:
        """What stands around the words to a question that were found, see :func:`~teach.grading.around.around`."""
        asked, place = self._places(question)
        return around(self, [cell for cell, _ in self._said(question, asked, place)], asked)

    def _said(
        self, question: Question, asked: NotebookCell | None, place: NotebookCell | None
    ) -> list[tuple[NotebookCell, str]]:
        """The cells with words to a question, and these words."""
        if asked is None and place is None:
            return []
        found: list[tuple[NotebookCell, str]] = []
        at = self.cells.index(place) if place is not None else self.cells.index(asked)
        if place is not None:
            found.append((place, self._words(place)))
        for cell in self.cells[at + 1 : at + 1 + _BEHIND]:
            if not self._is_added(cell) or _BEGINS.search(cell.source):
                break
            found.append((cell, self._words(cell)))
        if asked is not None and not any(text for _, text in found):
            found.append((asked, _behind(asked.source, question.text)))
        return [(cell, text) for cell, text in found if text]

    def _words(self, cell: NotebookCell) -> str:
        """What a cell says: its text, or the comments of a cell that has nothing but comments."""
        text = cell.source.replace(WRITE_HERE, "").strip()
        if cell.kind == "code":
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            if not all(line.startswith("#") for line in lines):
                return ""
            text = "\n".join(line.lstrip("# ") for line in lines)
        if _PICTURE.search(text):
            text += f"\n(There is a picture in it: look at {self._where(cell)}.)"
        return text

    def _is_added(self, cell: NotebookCell) -> bool:
        """Whether a cell is the student's own: the lectures' have ids of their own, if the file has kept them."""
        kept = any(_LECTURES.match(one.id) for one in self.cells)
        return kept and not _LECTURES.match(cell.id)

    def _places(self, question: Question) -> tuple[NotebookCell | None, NotebookCell | None]:
        """The cell that asks, and the one that is to hold the answer."""
        heading = re.compile(rf"^#+\s*Question {re.escape(question.id)}\b", re.M)
        asked = next((cell for cell in self.cells if cell.kind == "markdown" and heading.search(cell.source)), None)
        ending = f"answer-{question.id.replace('.', '-')}"
        for cell in self.cells:
            if cell.id.endswith(ending) and (cell.id == ending or cell.id[-len(ending) - 1] == "-"):
                return asked, cell
        if asked is None:
            return None, None
        # The next text, with at most two cells of code between, that does not begin something else.
        at = self.cells.index(asked)
        texts = [c for c in self.cells[at + 1 : at + 4] if c.kind in ("markdown", "raw")]
        fits = bool(texts) and not _BEGINS.search(texts[0].source)
        return (asked, texts[0]) if fits else (asked if _behind(asked.source, question.text) else None, None)


def _behind(source: str, text: str) -> str:
    """What stands in a cell behind a text that it holds, whatever its spaces; "" if it does not hold it."""
    words = [re.escape(word) for word in text.split()]
    found = re.search(r"\s+".join(words), source) if words else None
    return source[found.end() :].strip() if found else ""


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
    language, version = _language(content)
    return Notebook(name, tuple(found[:CELLS]), problems, language, version)


def _language(content: dict[str, Any]) -> tuple[str, tuple[int, ...]]:
    """The language that a notebook's kernel speaks, in small letters, and the version of Python that ran it."""
    metadata = content.get("metadata")
    told = metadata.get("language_info") if isinstance(metadata, dict) else None
    told = told if isinstance(told, dict) else {}
    language, version = told.get("name"), told.get("version")
    numbers = re.match(r"(\d{1,3})\.(\d{1,3})", version) if isinstance(version, str) else None
    language = language.casefold()[:40] if isinstance(language, str) and language else "python"
    return language, (int(numbers[1]), int(numbers[2])) if numbers else ()


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
        if not isinstance(source, str):
            continue
        id, kind, metadata = cell.get("id"), cell.get("cell_type", "code"), cell.get("metadata")
        if not isinstance(id, str) and isinstance(metadata, dict):
            id = metadata.get("id", metadata.get("name"))
        id = id if isinstance(id, str) and len(id) <= _LONGEST_ID else ""
        # JSON can hold halves of letters, which no file in UTF-8 can.
        source = source.encode("utf-8", "replace").decode()
        kind = kind if kind in ("code", "markdown", "raw") else "other"
        seen = shown(cell)
        if kind == "markdown":
            source, pasted = lifted(source)
            seen = Shown(seen.outputs, {**seen.attached, **pasted})
        yield NotebookCell(number, kind, source if kind == "code" else source[:TEXT_CHARACTERS], id, seen)


# ------------------------------------------------------------------------------------------------------- reading code


def weight(source: str) -> int:
    """How much work reading code is: its characters, and 100 for each line or statement."""
    return len(source) + 100 * (source.count("\n") + source.count(";") + 1)


def _statements(cell: NotebookCell) -> list[Statement]:
    source, tree = _python(cell.source.replace("\r\n", "\n").replace("\r", "\n"))
    lines, nodes = source.split("\n"), tree.body
    spans = [(min([n.lineno, *(d.lineno for d in getattr(n, "decorator_list", ()))]), n.end_lineno) for n in nodes]
    found = []
    for at, (node, (first, last)) in enumerate(zip(nodes, spans, strict=True)):
        shared = (at > 0 and first == spans[at - 1][1]) or (at + 1 < len(spans) and last == spans[at + 1][0])
        # Several statements on a line: each by itself, written anew.
        text = ast.unparse(node) if shared else "\n".join(lines[first - 1 : last])
        needs, gives = _names_of(text, node)
        found.append(Statement(cell, node, text, needs, gives))
    return found


def _parse(source: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape in a student's text is not our news
        return ast.parse(source)


def _python(source: str) -> tuple[str, ast.Module]:
    """A cell as Python, without IPython's magics and shell lines, and its syntax tree."""
    if source.lstrip().startswith("%%"):
        first, _, rest = source.lstrip().partition("\n")
        # A magic that runs the cell as Python keeps its code; any other has none.
        source = rest if re.match(r"%%(time|timeit|capture|prun)\b", first) else ""
    try:
        return source, _parse(source)
    except SyntaxError:
        # IPython takes an indented cell as it is meant, and its own lines find nothing to talk to where this is run.
        plain = _MAGIC_VALUE.sub(r"\1 ...", _MAGIC.sub(r"\1pass", textwrap.dedent(source)))
        return plain, _parse(plain)


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
        inside = list(ast.walk(node))
        gives |= {root for one in inside if (root := _changed_name(one))}
        needs |= {
            one.target.id for one in inside if isinstance(one, ast.AugAssign) and isinstance(one.target, ast.Name)
        }
    return frozenset(needs), frozenset(gives)


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
    before = bisect_left(makers, at)
    if before:
        return makers[before - 1]
    after = bisect_right(makers, at)
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Assign) and after < len(makers):
        return makers[after]
    return None


def _defines(node: ast.stmt, name: str) -> bool:
    """Whether a statement makes the function: ``def``, a value of this name, or either inside an ``if`` or ``try``."""
    waiting: list[ast.AST] = [node]
    while waiting:
        one = waiting.pop()
        if _makes(one, name):
            return True
        if isinstance(one, ast.If | ast.Try | ast.With | ast.For | ast.ExceptHandler):
            waiting += ast.iter_child_nodes(one)
    return False


def _makes(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return node.name == name
    if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda | ast.Name)):
        return False
    return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)


def _is_plain(node: ast.stmt) -> bool:
    """Whether a statement gives names once and for all: an import, an undecorated function, a number or text.

    An import is only plain of what an answer may use: where it is cut out, nothing else is there.
    """
    if isinstance(node, ast.ImportFrom):
        return all(alias.name != "*" for alias in node.names) and _may_import(node.module or "")
    if isinstance(node, ast.FunctionDef):
        if not all(map(_is_plain, (one for one in ast.walk(node) if isinstance(one, ast.Import | ast.ImportFrom)))):
            return False
        defaults = [*node.args.defaults, *(one for one in node.args.kw_defaults if one is not None)]
        return not node.decorator_list and all(map(_is_fixed, defaults))
    if isinstance(node, ast.Assign):
        return _is_fixed(node.value)
    return isinstance(node, ast.Import) and all(_may_import(alias.name) for alias in node.names)


def _is_setting(node: ast.AST, own: Container[str]) -> bool:
    """Whether a statement calls a function ``set...`` of a module among ``own``, or leaves a context open."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            names = _dotted(call.func)
            if names[-1] == "__enter__" or (names[-1].startswith("set") and names[0] in own):
                return True
    return False


def _dotted(node: ast.expr) -> list[str]:
    """The names in ``a.b.c``; what stands before them, and is no name, is ""."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [*reversed([*names, node.id if isinstance(node, ast.Name) else ""])]


def _is_hidden_check(node: ast.AST) -> bool:
    """Whether ``check`` is used otherwise than in a call with the exercise's id as a text."""
    plain = set()
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            ids = [*call.args[:1], *(key.value for key in call.keywords if key.arg == "id")]
            if any(isinstance(one, ast.Constant) for one in ids):
                plain.add(call.func)
    uses = [one for one in ast.walk(node) if getattr(one, "attr", getattr(one, "id", "")) == "check"]
    renamed = (alias for one in ast.walk(node) if isinstance(one, ast.ImportFrom) for alias in one.names)
    return not plain.issuperset(uses) or any(alias.name == "check" and alias.asname for alias in renamed)


def _may_import(name: str) -> bool:
    root = name.partition(".")[0]
    return root in PACKAGES or root in sys.stdlib_module_names


def _is_fixed(node: ast.expr) -> bool:
    """Whether an expression is a number, a text, or a tuple of these."""
    if isinstance(node, ast.UnaryOp):
        return _is_fixed(node.operand)
    if isinstance(node, ast.Tuple):
        return all(map(_is_fixed, node.elts))
    return isinstance(node, ast.Constant)


def _is_stub(node: ast.stmt) -> bool:
    try:
        return is_stub(node)
    except RecursionError:
        return False


def _same(one: ast.stmt, other: ast.stmt) -> bool:
    """Whether two statements are the same but for formatting and comments."""
    try:
        return one is other or ast.dump(one) == ast.dump(other)
    except (RecursionError, ValueError):  # nested too deeply, or a number too long to be written in decimal
        return False


def _unfit(found: Answered) -> str:
    """Why an answer is not looked at any further, or ""."""
    if len(found.source) > ANSWER_CHARACTERS:
        return f"{found.function}, with what it refers to, has over {ANSWER_CHARACTERS:,} characters: write it shorter"
    try:
        if not too_deep(found.tree):
            return ""
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return _syntax_error(error)
    return f"{found.function}, or what it refers to, is nested over {_DEEPEST} levels deep: write it in several steps"


def too_deep(tree: ast.AST) -> bool:
    """Whether a syntax tree has so many levels that what walks it would fail."""
    level = [tree]
    for _ in range(_DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return False
    return True


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
