"""From one source per lecture to its two notebooks.

``notebooks/src/NN_slug.py`` (jupytext percent, with the solutions) becomes

- ``notebooks/NN_slug.ipynb``: what a student opens; no solutions, no outputs;
- ``notebooks/solutions/NN_slug.ipynb``: with solutions, executed, with outputs.

The convention of an exercise: its solution stands inside a function, between two marker lines::

    def pick(recordings: Sequence[Recording], digit: int) -> Recording:
        '''What goes in and out.'''
        # SOLUTION BEGIN
        return next(r for r in recordings if r.digit == digit)
        # SOLUTION END
        # STUB return None

The ``# STUB`` lines directly below the end, with the same indentation, are what the student finds in place of the
solution, under the comment ``# YOUR CODE HERE``; without any, that is ``...``. The function's signature stays.
The line ``{badges}`` in the first cell is replaced by the badges (see :mod:`a2d.course.settings`). A cell may be named,
``# %% id="pick"``; others are named by a hash of what they hold, so that a cell keeps its id when others move.

The same source gives the same bytes, and the same outputs give the same solution notebook.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from a2d.course import settings
from a2d.course.settings import CourseError
from a2d.files import write_text

if TYPE_CHECKING:
    from nbformat import NotebookNode

BEGIN, END, STUB = "# SOLUTION BEGIN", "# SOLUTION END", "# STUB"
BADGES = "{badges}"
# The sections that every lecture has, in this order; the first and the last but two hold the same list.
SECTIONS = (
    "You will be able to",
    "Before you start",
    "Where we are",
    "Set-up",
    "Quiz",
    "You can now",
    "What to read",
    "What comes next",
)
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}


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


# --------------------------------------------------------------------------------------------------- reading a source


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


def _fail(path: Path, line: int, what: str, hint: str) -> CourseError:
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
            raise _fail(path, number, "a solution's marker stands in a text cell", "Move it to a code cell")
        if text == BEGIN:
            if begin is not None:
                raise _fail(path, number, "a solution begins inside another", f"End the first with `{END}`")
            begin = index
        elif text == END:
            if begin is None:
                raise _fail(path, number, "a solution ends that has not begun", f"Begin it with `{BEGIN}`")
            stub = _stub(lines, index + 1, lines[begin])
            inner = tuple(lines[begin + 1 : index])
            blocks.append(Block(cell.line + begin, number + len(stub), inner, tuple(stub)))
            begin, index = None, index + len(stub)
        elif re.search(r"\bSOLUTION\s+(BEGIN|END)\b", text, re.I) and text.startswith("#"):
            raise _fail(path, number, "this marker is misspelt", f"Write `{BEGIN}` or `{END}`, alone on its line")
        elif cell.kind == "code" and begin is None and re.match(r"#\s*STUB\b", text):
            hint = f"Put it directly below `{END}`, indented like it"
            raise _fail(path, number, "this stub belongs to no solution", hint)
        index += 1
    if begin is not None:
        raise _fail(path, cell.line + begin, "this solution does not end in its cell", f"End it with `{END}`")
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
    solution, student, at = [], [], 0
    for block in blocks:
        first, last = block.first - cell.line, block.last - cell.line + 1
        marker = lines[first]
        indent = marker[: len(marker) - len(marker.lstrip())]
        solution += lines[at:first] + list(block.solution)
        student += [*lines[at:first], f"{indent}# YOUR CODE HERE", *(block.stub or [f"{indent}..."])]
        at = last
    solution, student = "\n".join(solution + lines[at:]), "\n".join(student + lines[at:])
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
        raise _fail(path, line, f"{whose} version of this cell is not Python ({error.msg})", hint) from error


def _check_function(path: Path, cell: Cell, block: Block) -> None:
    """A solution stands in the body of one function, whose signature the student keeps."""
    tree = _parse(path, block.first, cell.source, "the solution's")
    used = [block.first + 1 + n - cell.line + 1 for n, line in enumerate(block.solution) if line.strip()]
    if not used:
        raise _fail(path, block.first, "there is nothing between the markers", "Write the solution there")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            begins, ends = node.body[0].lineno, node.end_lineno or 0
            if node.lineno < used[0] and begins <= used[0] and used[-1] <= ends:
                return
    hint = "Put the markers inside its body, below the signature and the docstring"
    raise _fail(path, block.first, "this solution does not stand in a function", hint)


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
        raise _fail(path, line, f"the stub does not fit the solution's signature of {', '.join(names)}", hint)


# ---------------------------------------------------------------------------------------------------- checking a source


def check_lecture(lecture: Lecture) -> None:
    """Raise :class:`CourseError` for the first thing that is wrong with a source, naming file and line."""
    path = lecture.path
    for cell in lecture.cells:
        solution, _ = versions(path, cell)
        if not cell.source.strip():
            raise _fail(path, cell.line, "this cell is empty", "Fill it or remove it")
        if cell.kind == "code" and (n := code_lines(solution)) > settings.MAX_CODE_LINES:
            hint = f"At most {settings.MAX_CODE_LINES} lines; split it, one idea each"
            raise _fail(path, cell.line, f"this code cell has {n} lines", hint)
        if cell.kind == "markdown" and (n := words(cell.source)) > settings.MAX_WORDS:
            hint = f"At most {settings.MAX_WORDS} words; split or shorten it"
            raise _fail(path, cell.line, f"this text cell has {n} words", hint)
    _check_anatomy(lecture)
    _check_leaks(lecture)


def code_lines(source: str) -> int:
    """Lines that are neither blank nor only a comment."""
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in source.splitlines())


def words(text: str) -> int:
    """Words that a reader reads: not tags, not addresses, not rulers."""
    text = re.sub(r"</?\w+>|\]\([^)]*\)", " ", text)
    return sum(any(c.isalnum() for c in word) for word in text.split())


def headings(lecture: Lecture) -> dict[str, tuple[int, str]]:
    """Every heading in the text cells: its line in the file, and the text below it up to the next one."""
    found: dict[str, tuple[int, str]] = {}
    for cell in lecture.cells:
        if cell.kind != "markdown":
            continue
        parts = re.split(r"^(#{1,4} .+)$", cell.source, flags=re.M)
        for title, body in zip(parts[1::2], parts[2::2], strict=True):
            line = cell.line + cell.source.splitlines().index(title)
            found.setdefault(title.lstrip("#").strip(), (line, body))
    return found


def objectives(lecture: Lecture, heading: str) -> list[str]:
    """The items of the list below a heading; an item may go on in indented lines."""
    _, body = headings(lecture).get(heading, (0, ""))
    joined = re.sub(r"\n[ \t]+(?=\S)", " ", body)
    return [line[2:].strip() for line in joined.splitlines() if line.startswith(("- ", "* "))]


def _check_anatomy(lecture: Lecture) -> None:
    path, first = lecture.path, lecture.cells[0]
    if first.kind != "markdown" or not first.source.startswith("# "):
        raise _fail(path, 1, "the lecture has no title", "Begin with a text cell that begins with `# Title`")
    if BADGES not in first.source.splitlines():
        raise _fail(path, first.line, "there is no place for the badges", f"Put a line `{BADGES}` below the title")
    titles = headings(lecture)
    for section in SECTIONS:
        if section not in titles:
            raise _fail(path, 1, f"the section {section!r} is missing", f"Add a heading `## {section}`")
    order = [titles[section][0] for section in SECTIONS]
    for section, this, after in zip(SECTIONS[1:], order, order[1:], strict=False):
        if after < this:
            raise _fail(path, after, f"the section {section!r} comes too early", f"The order is {', '.join(SECTIONS)}")
    aims, ends = objectives(lecture, SECTIONS[0]), objectives(lecture, "You can now")
    if not 3 <= len(aims) <= 5:
        raise _fail(path, order[0], f"there are {len(aims)} objectives", "Give a list of three to five")
    if aims != ends:
        line = titles["You can now"][0]
        raise _fail(path, line, "the closing list differs from the objectives", "Repeat them word for word")
    parameters = [cell for cell in lecture.cells if "parameters" in cell.tags]
    if len(parameters) != 1 or not all(re.search(rf"^{n}\b", parameters[0].source, re.M) for n in PARAMETERS):
        line = parameters[-1].line if parameters else 1
        hint = f'One cell `# %% tags=["parameters"]` sets {", ".join(PARAMETERS)}'
        raise _fail(path, line, "the parameters are not set in one cell", hint)


PARAMETERS = ("FAST", "SEED", "DATA")


def _telling(block: Block) -> Iterator[str]:
    """Lines of a solution that would give it away: not comments, not ``return x``, not what the stub says too."""
    stub = {line.strip() for line in block.stub}
    for line in block.solution:
        text = line.strip()
        if len(text) >= 12 and not text.startswith("#") and text not in stub and not re.fullmatch(r"\w+ \w+:?", text):
            yield text


def _check_leaks(lecture: Lecture) -> None:
    blocks = [block for cell in lecture.cells for block in find_blocks(lecture.path, cell)]
    hidden = {number for block in blocks for number in range(block.first, block.last + 1)}
    shown = {
        cell.line + n: line.strip()
        for cell in lecture.cells
        for n, line in enumerate(cell.source.splitlines())
        if cell.line + n not in hidden
    }
    stubs = {number: line.strip() for block in blocks for number, line in enumerate(block.stub, block.first)}
    for text in (text for block in blocks for text in _telling(block)):
        for number, line in [*shown.items(), *stubs.items()]:
            if text in line:
                hint = "Take it out of the text or the code that the student sees"
                raise _fail(lecture.path, number, f"this line gives a solution away: {text}", hint)


# ------------------------------------------------------------------------------------------------- making the notebooks


def badges(slug: str) -> str:
    """The links to Binder and Colab, or a plain line while the repository's address is not known."""
    address = settings.repository()
    if address is None:
        return "Open it in JupyterLab on your own computer: the project's README says how."
    notebook = f"notebooks/{slug}.ipynb"
    binder = f"https://mybinder.org/v2/gh/{address}/{settings.BRANCH}?urlpath=lab/tree/{notebook}"
    colab = f"https://colab.research.google.com/github/{address}/blob/{settings.BRANCH}/{notebook}"
    return (
        f"[![Open in Binder](https://mybinder.org/badge_logo.svg)]({binder}) "
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab})"
    )


def _colab_cell(slug: str) -> list[Cell]:
    """On Colab the package is not installed; the cell does nothing elsewhere, and is left out without an address."""
    address = settings.repository()
    if address is None:
        return []
    source = (
        "import sys\n\n"
        'if "google.colab" in sys.modules:  # elsewhere there is nothing to install\n'
        f'    %pip install --quiet "digits-from-sound[course] @ git+https://github.com/{address}@{settings.BRANCH}"'
    )
    return [Cell("code", source, 1, (), "install-on-colab")]


def _ids(lecture: Lecture) -> list[str]:
    taken: set[str] = set()
    ids = []
    for cell in lecture.cells:
        digest = hashlib.sha256(f"{lecture.slug}\n{cell.kind}\n{cell.source}".encode()).hexdigest()[:10]
        name = stem = f"{lecture.slug[:2]}-{cell.name or digest}"
        if cell.name and (name in taken or not re.fullmatch(r"[\w-]{1,60}", cell.name, re.ASCII)):
            hint = "Use letters, digits and hyphens, and each id once"
            raise _fail(lecture.path, cell.line, f"this id cannot be used: {cell.name}", hint)
        count = 1
        while name in taken:
            count += 1
            name = f"{stem}-{count}"
        taken.add(name)
        ids.append(name)
    return ids


def make_notebook(lecture: Lecture, *, solution: bool) -> NotebookNode:
    """The notebook of a lecture, without outputs: with the solutions, or as a student opens it."""
    import nbformat.v4

    pairs = list(zip(lecture.cells, _ids(lecture), strict=True))
    extra = [(cell, f"{lecture.slug[:2]}-{cell.name}") for cell in _colab_cell(lecture.slug)]
    cells = []
    for cell, name in [*pairs[:1], *extra, *pairs[1:]]:
        source = versions(lecture.path, cell)[0 if solution else 1]
        source = "\n".join(badges(lecture.slug) if line == BADGES else line for line in source.splitlines())
        new = nbformat.v4.new_code_cell if cell.kind == "code" else nbformat.v4.new_markdown_cell
        cells.append(new(source, id=name, metadata={"tags": list(cell.tags)} if cell.tags else {}))
    return nbformat.v4.new_notebook(cells=cells, metadata=_METADATA)


def to_text(notebook: NotebookNode) -> str:
    """A notebook as text: keys sorted, the same notebook gives the same bytes."""
    import nbformat

    nbformat.validate(notebook)
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def without_outputs(notebook: NotebookNode) -> NotebookNode:
    """A copy with no outputs, counts and execution metadata."""
    import copy

    bare = copy.deepcopy(notebook)
    for cell in bare.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return bare


def execute(notebook: NotebookNode, lecture: Lecture) -> NotebookNode:
    """Run a solution notebook from top to bottom and normalise what comes out.

    Raises :class:`CourseError` for a cell that fails, or that warns: readers should not be shown warnings.
    """
    import copy

    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    run = copy.deepcopy(notebook)
    where = {"metadata": {"path": str(lecture.student.parent)}}
    options: dict[str, Any] = {"timeout": settings.CELL_SECONDS, "store_widget_state": False}
    options["extra_arguments"] = settings.KERNEL_ARGUMENTS
    try:
        NotebookClient(run, kernel_name="python3", resources=where, **options).execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        number = next((n for n, cell in reversed(list(enumerate(run.cells, 1))) if cell.get("outputs")), 1)
        for n, cell in enumerate(run.cells, 1):
            if any(output.output_type == "error" for output in cell.get("outputs", [])):
                number = n
        told = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
        last = [line for line in told.splitlines() if line.strip()][-1]
        hint = f"Mend {lecture.path.name} and build again"
        raise CourseError(f"cell {number} failed: {last}", where=lecture.slug, hint=hint) from error
    for number, cell in enumerate(run.cells, 1):
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = normalise(cell.outputs, f"{lecture.slug}, cell {number}")
    run.metadata = notebook.metadata
    return run


def normalise(outputs: list[Any], where: str) -> list[Any]:
    """Outputs without what changes from run to run: progress bars and memory addresses.

    Raises :class:`CourseError` for a warning and for a path of this machine.
    """
    kept: list[Any] = []
    for output in outputs:
        if output.output_type == "stream" and output.name == "stderr":
            text = "".join(line for line in output.text.splitlines(True) if not _is_progress(line))
            if text.strip():
                hint = "Mend the cause, or keep it from being shown"
                raise CourseError(f"it warns: {text.strip().splitlines()[0]}", where=where, hint=hint)
            continue
        if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
            continue  # a widget's state is not kept; it would show as an empty box
        if output.output_type == "stream":
            output.text = _steady(output.text)
            if kept and kept[-1].output_type == "stream" and kept[-1].name == output.name:
                kept[-1].text += output.text
                continue
        elif "text/plain" in output.get("data", {}):
            output.data["text/plain"] = _steady(output.data["text/plain"])
        kept.append(output)
    told = "\n".join(str(o.get("text", "")) + str(o.get("data", {}).get("text/plain", "")) for o in kept)
    for path in {str(settings.ROOT), str(Path.home())} - {"/"}:
        if f"{path}/" in told:
            raise CourseError("it prints a path of this computer", where=where, hint="Print the file's name only")
    return kept


def _is_progress(line: str) -> bool:
    return "\r" in line or not line.strip() or re.search(r"\d+%\|.*\|", line) is not None


def _steady(text: str) -> str:
    return re.sub(r"\bat 0x[0-9a-fA-F]+", "at 0x...", text)


# ---------------------------------------------------------------------------------------------------- build and compare


def build(
    names: Sequence[str] = (),
    *,
    check: bool = False,
    rerun: bool = False,
    root: Path = settings.ROOT,
    progress: bool = False,
) -> list[str]:
    """Build the lectures' notebooks; returns the files that were written, or with ``check`` what is not right.

    A solution notebook is executed when its source has changed, or always with ``rerun``.
    """
    from tqdm.auto import tqdm

    lectures = [read_lecture(path) for path in find_sources(root, names)]
    told: list[str] = []
    for lecture in tqdm(lectures, "lectures", disable=not progress):
        if check:
            told += compare(lecture, root)
        else:
            told += [str(path.relative_to(root)) for path in _build_one(lecture, rerun)]
    if check and not names:
        told += _orphans(lectures, root)
    return told


def _build_one(lecture: Lecture, rerun: bool) -> list[Path]:
    check_lecture(lecture)
    written = []
    if _write(lecture.student, to_text(make_notebook(lecture, solution=False))):
        written.append(lecture.student)
    bare = make_notebook(lecture, solution=True)
    old = _read(lecture.solution)
    current = not rerun and old is not None and _matches(old, bare) and not _unexecuted(old)
    if not current and _write(lecture.solution, to_text(execute(bare, lecture))):
        written.append(lecture.solution)
    return written


def _write(path: Path, text: str) -> bool:
    """Write ``text`` unless it is there already; whether it was written."""
    if (n := len(text.encode())) > settings.MAX_BYTES:
        hint = "Show fewer or smaller figures"
        raise CourseError(f"{n / 1e6:.1f} MB are more than {settings.MAX_BYTES / 1e6:g} MB", where=path, hint=hint)
    try:
        if path.read_bytes() == text.encode():
            return False
    except OSError:
        pass
    write_text(path, text)
    return True


def _read(path: Path) -> NotebookNode | None:
    """A notebook that is there, or None for one that is not, or cannot be read."""
    import nbformat

    try:
        return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    except Exception:  # there are many ways to be damaged; each is mended by building anew
        return None


def _matches(there: NotebookNode, bare: NotebookNode) -> bool:
    """Whether a notebook has the cells, ids and metadata of ``bare``, whatever its outputs are."""
    try:
        return to_text(without_outputs(there)) == to_text(bare)
    except Exception:  # what the validator refuses is not what we wrote
        return False


def _unexecuted(notebook: NotebookNode) -> list[int]:
    """Numbers of the code cells, from 1, that were not run, or that failed."""
    return [
        number
        for number, cell in enumerate(notebook.cells, 1)
        if cell.cell_type == "code"
        and (cell.get("execution_count") is None or any(o.output_type == "error" for o in cell.outputs))
    ]


def compare(lecture: Lecture, root: Path = settings.ROOT) -> list[str]:
    """What differs between the notebooks that are there and those that the source gives; sources' faults as well."""
    try:
        check_lecture(lecture)
        wanted = to_text(make_notebook(lecture, solution=False)), make_notebook(lecture, solution=True)
    except CourseError as error:
        return [str(error)]
    student, solution = (path.relative_to(root) for path in (lecture.student, lecture.solution))
    told = []
    if not lecture.student.is_file():
        told.append(f"{student}: it is missing. Run `a2d course build`.")
    elif lecture.student.read_bytes() != wanted[0].encode():
        told.append(f"{student}: it is not what its source gives. Edit the source, then run `a2d course build`.")
        told += [f"{student}: it gives a solution away: {line}" for line in _leaked(lecture)]
    there = _read(lecture.solution)
    if there is None:
        return [*told, f"{solution}: it is missing or damaged. Run `a2d course build`."]
    if (size := lecture.solution.stat().st_size) > settings.MAX_BYTES:
        told.append(f"{solution}: {size / 1e6:.1f} MB are too many. Show fewer or smaller figures.")
    if not _matches(there, wanted[1]):
        return [*told, f"{solution}: it is not what its source gives. Run `a2d course build`."]
    if cells := _unexecuted(there):
        listed = ", ".join(map(str, cells))
        told.append(f"{solution}: not executed to its end (cells {listed}). Run `a2d course build`.")
    return told


def _leaked(lecture: Lecture) -> list[str]:
    """Lines of solutions that stand in the student's notebook as it is."""
    text = lecture.student.read_text(encoding="utf-8", errors="replace")
    there = _read(lecture.student)
    if there is not None:
        text = "\n".join("".join(cell.get("source", "")) for cell in there.get("cells", []))
    blocks = [block for cell in lecture.cells for block in find_blocks(lecture.path, cell)]
    return sorted({line for block in blocks for line in _telling(block) if line in text})


def _orphans(lectures: Sequence[Lecture], root: Path) -> list[str]:
    """Numbered notebooks that no source gives."""
    known = {lecture.slug for lecture in lectures}
    folder = root / "notebooks"
    found = sorted([*folder.glob("[0-9][0-9]_*.ipynb"), *(folder / "solutions").glob("*.ipynb")])
    return [
        f"{p.relative_to(root)}: it has no source in notebooks/src. Remove it." for p in found if p.stem not in known
    ]
