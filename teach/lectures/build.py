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
The line ``{badges}`` in the first cell is replaced by the badges (see :mod:`teach.settings`), and lines such as
``{exercise 1.1}`` by what the exercise's declaration says (see :mod:`teach.lectures.texts`). A cell may be named,
``# %% id="pick"``; others are named by a hash of what they hold, so that a cell keeps its id when others move.

The same source gives the same bytes, and the same outputs give the same solution notebook.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from a2d.errors import CourseError
from a2d.io.atomic import write_text
from teach import settings
from teach.lectures import texts
from teach.lectures.lint import BADGES, check_lecture, telling
from teach.lectures.source import Cell, Lecture, fail, find_blocks, find_sources, read_lecture, versions

if TYPE_CHECKING:
    from nbformat import NotebookNode

_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}


# ------------------------------------------------------------------------------------------------- making the notebooks


def badges(slug: str) -> str:
    """The links to Binder and Colab, or a plain line while the repository's address is not known."""
    address = settings.repository()
    if address is None:
        return "Open it in JupyterLab on your own computer: the project's README says how."
    notebook = f"notebooks/{slug}.ipynb"
    binder = f"https://mybinder.org/v2/gh/{address}/{settings.TAG}?urlpath=lab/tree/{notebook}"
    colab = f"https://colab.research.google.com/github/{address}/blob/{settings.TAG}/{notebook}"
    return (
        f"[![Open in Binder](https://mybinder.org/badge_logo.svg)]({binder}) "
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab})"
    )


def _colab_cell(slug: str) -> list[Cell]:
    """Colab lacks the package: install it, and only what else is missing. The cell does nothing elsewhere.

    It is left out while the repository's address is not known.
    """
    address = settings.repository()
    if address is None:
        return []
    source = f"""\
import importlib.util
import sys

if "google.colab" in sys.modules:  # elsewhere there is nothing to install
    if importlib.util.find_spec("a2d") is None:
        !pip install --quiet --no-deps "digits-from-sound @ git+https://github.com/{address}@{settings.TAG}"
    from a2d.lab.colab import add_missing

    add_missing()"""
    return [Cell("code", source, 1, (), "install-on-colab")]


def _ids(lecture: Lecture) -> list[str]:
    taken: set[str] = set()
    ids = []
    for cell in lecture.cells:
        digest = hashlib.sha256(f"{lecture.slug}\n{cell.kind}\n{cell.source}".encode()).hexdigest()[:10]
        name = stem = f"{lecture.slug[:2]}-{cell.name or digest}"
        if cell.name and (name in taken or not re.fullmatch(r"[\w-]{1,60}", cell.name, re.ASCII)):
            hint = "Use letters, digits and hyphens, and each id once"
            raise fail(lecture.path, cell.line, f"this id cannot be used: {cell.name}", hint)
        count = 1
        while name in taken:
            count += 1
            name = f"{stem}-{count}"
        taken.add(name)
        ids.append(name)
    return ids


def make_notebook(lecture: Lecture, *, solution: bool, points: Mapping[str, float] | None = None) -> NotebookNode:
    """The notebook of a lecture, without outputs: with the solutions, or as a student opens it.

    ``points``, by id, replace the declared ones.
    """
    import nbformat.v4

    pairs = list(zip(lecture.cells, _ids(lecture), strict=True))
    extra = [(cell, f"{lecture.slug[:2]}-{cell.name}") for cell in _colab_cell(lecture.slug)]
    cells = []
    for cell, name in [*pairs[:1], *extra, *pairs[1:]]:
        source = versions(lecture.path, cell)[0 if solution else 1]
        source = "\n".join(badges(lecture.slug) if line == BADGES else line for line in source.splitlines())
        if cell.kind == "markdown":
            source = texts.expand(source, solution=solution, points=points)
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
        view = output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
        if view is not None and "image/png" not in output.data:
            continue  # a widget's state is not kept; without a picture it would show as an empty box
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
        told.append(f"{student}: it is missing. Run `teach build`.")
    elif lecture.student.read_bytes() != wanted[0].encode():
        told.append(f"{student}: it is not what its source gives. Edit the source, then run `teach build`.")
        told += [f"{student}: it gives a solution away: {line}" for line in _leaked(lecture)]
    there = _read(lecture.solution)
    if there is None:
        return [*told, f"{solution}: it is missing or damaged. Run `teach build`."]
    if (size := lecture.solution.stat().st_size) > settings.MAX_BYTES:
        told.append(f"{solution}: {size / 1e6:.1f} MB are too many. Show fewer or smaller figures.")
    if not _matches(there, wanted[1]):
        return [*told, f"{solution}: it is not what its source gives. Run `teach build`."]
    if cells := _unexecuted(there):
        listed = ", ".join(map(str, cells))
        told.append(f"{solution}: not executed to its end (cells {listed}). Run `teach build`.")
    return told


def _leaked(lecture: Lecture) -> list[str]:
    """Lines of solutions that stand in the student's notebook as it is."""
    text = lecture.student.read_text(encoding="utf-8", errors="replace")
    there = _read(lecture.student)
    if there is not None:
        text = "\n".join("".join(cell.get("source", "")) for cell in there.get("cells", []))
    blocks = [block for cell in lecture.cells for block in find_blocks(lecture.path, cell)]
    return sorted({line for block in blocks for line in telling(block) if line in text})


def _orphans(lectures: Sequence[Lecture], root: Path) -> list[str]:
    """Numbered notebooks that no source gives."""
    known = {lecture.slug for lecture in lectures}
    folder = root / "notebooks"
    found = sorted([*folder.glob("[0-9][0-9]_*.ipynb"), *(folder / "solutions").glob("*.ipynb")])
    return [
        f"{p.relative_to(root)}: it has no source in notebooks/src. Remove it." for p in found if p.stem not in known
    ]
