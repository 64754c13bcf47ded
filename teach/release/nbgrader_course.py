"""The course for nbgrader: a source tree and a configuration that nbgrader's own commands then work on.

Each lecture that has exercises is an assignment with one notebook. In it

- an exercise's cell has the solution between nbgrader's marks, and below them what a student finds there instead;
- the cell with ``a2d.check`` stays what it is: a student's own test, without points;
- a new cell below it gives the points, with new inputs (:func:`earned`); all of it but a comment is hidden;
- a question's answer is marked by a person; model answer and rubric stand between nbgrader's marks.

Set-up and parameters are put back before grading, so that ``DATA = "fsdd"`` or ``FAST = False``, which a student is
free to try, neither needs data that the teacher lacks nor takes an hour. Other cells stay as the student left them.

nbgrader runs a student's code beside this package: unlike ``teach grade``, it does not keep a hostile answer
from the reference, from the seed or from its own points.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from a2d import __version__, exercises
from a2d.checks.points import POINTS_FILE, number, points_of, scaled
from a2d.checks.verdicts import judge
from a2d.exercises import Exercise, Question
from a2d.io.atomic import write_json, write_text
from teach import settings
from teach.grading.model import GradingError
from teach.lectures import texts
from teach.lectures.build import make_notebook, to_text
from teach.lectures.source import Cell, Lecture, find_blocks, find_sources, read_lecture
from teach.release.package import fresh_folder, seal
from teach.release.points import all_points

if TYPE_CHECKING:
    from nbformat import NotebookNode

COURSE_ID = "digits-from-sound"
CONFIG = "nbgrader_config.py"
# Twice what the slowest cell of a lecture may take; an endless loop costs it in the check and in the grading cell.
TIMEOUT = 120
# The cells that are put back before grading.
_PUT_BACK = ("setup", "parameters")


def write_course(out: Path, lectures: Sequence[int], points: Mapping[str, float], *, seed: int = 1) -> list[str]:
    """Write an nbgrader course of ``lectures`` (numbers) into the folder ``out``; returns lines to print.

    ``points`` replaces the declared points of the exercises and questions that it names; ``seed`` makes the hidden
    inputs. The same arguments give the same bytes. Raises :class:`GradingError` if ``out`` holds anything but such a
    course that nobody has used yet, or if no lecture has an exercise, and
    :class:`~a2d.errors.CourseError` where the lectures' sources are not.
    """
    found = [read_lecture(path) for path in find_sources(names=[f"{number:02d}" for number in lectures])]
    totals = {lecture.slug: all_points([int(lecture.slug[:2])], points) for lecture in found}
    used = [lecture for lecture in found if totals[lecture.slug]]
    if not used:
        listed = ", ".join(totals)
        raise GradingError("there is nothing to grade in it", where=listed, hint="Choose lectures with exercises")
    write_folder(out, {lecture.slug: make_source(lecture, points, seed) for lecture in used}, points)
    told = [f"{lecture.slug}: it has no exercise, so it is no assignment" for lecture in found if lecture not in used]
    told += [f"wrote {out / CONFIG}"]
    for lecture in used:
        total = number(sum(totals[lecture.slug].values()))
        told.append(f"wrote {_source(out, lecture.slug)}: {total} points")
    return [*told, f"Next, in {out}: nbgrader generate_assignment {used[0].slug}"]


def write_folder(out: Path, notebooks: Mapping[str, NotebookNode], points: Mapping[str, float]) -> None:
    """Write a course with an assignment for each of ``notebooks`` (source notebooks by name) into a folder.

    It is there as a whole or not at all; see :func:`write_course` for ``points`` and what is raised.
    """
    with fresh_folder(out) as folder:
        write_text(folder / CONFIG, config())
        for name, notebook in notebooks.items():
            write_text(_source(folder, name), to_text(notebook))
            if points:  # nbgrader hands it out with the notebook, and the checks in it say these points
                write_json(_source(folder, name).with_name(POINTS_FILE), dict(points))
        seal(folder, {"version": __version__, "assignments": list(notebooks), "points": dict(points)})


def _source(out: Path, name: str) -> Path:
    return out / "source" / name / f"{name}.ipynb"


def config() -> str:
    """The text of ``nbgrader_config.py``; nbgrader finds the assignments by their folders in ``source``."""
    question = next(one for one in exercises.every() if isinstance(one, Question))
    write_here = texts.expand(f"{{answer {question.id}}}", solution=False)
    return f'''\
"""nbgrader's settings for this course."""

import os
import sys
from pathlib import Path

c = get_config()  # noqa: F821 (nbgrader defines it)

# nbgrader calls "alembic", which lies beside Python; on the path it is only where the environment is activated.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

c.CourseDirectory.course_id = {json.dumps(COURSE_ID)}
# The data base with the grades, gradebook.db, lies in this folder too.
c.CourseDirectory.root = str(Path(__file__).absolute().parent)

# What stands in place of a solution. In code, the lines below "END SOLUTION" follow it.
c.ClearSolutions.code_stub = {{"python": "# YOUR CODE HERE"}}
c.ClearSolutions.text_stub = {json.dumps(write_here)}

# Students may change set-up and parameters; nbgrader puts both back before grading.
c.LockCells.lock_readonly_cells = False
# A cell that gives points and that a student has removed is put back too.
c.OverwriteCells.add_missing_cells = True

# Seconds for one cell, then for messages of a busy computer.
c.Execute.timeout = {TIMEOUT}
c.Execute.iopub_timeout = 60
c.Execute.extra_arguments = {json.dumps(settings.KERNEL_ARGUMENTS)}
'''


# ---------------------------------------------------------------------------------------------------------- a notebook


def make_source(lecture: Lecture, points: Mapping[str, float], seed: int) -> NotebookNode:
    """The notebook of a lecture as nbgrader's source: solutions, hidden tests and points; no outputs."""
    import nbformat.v4

    prefix = lecture.slug[:2]
    notebook = make_notebook(lecture, solution=False, points=points)
    answers = {cell.id: cell.source for cell in make_notebook(lecture, solution=True, points=points).cells}
    named = {f"{prefix}-{cell.name}": cell for cell in lecture.cells if cell.name}
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.id not in named:
            continue
        given, name = named[cell.id], named[cell.id].name
        what, _, id = name.partition("-")
        one = exercises.get(id.replace("-", ".")) if what in ("check", "answer") else None
        if find_blocks(lecture.path, given):
            cell.source = marked(lecture, given)
            cell.metadata.nbgrader = _metadata(name, solution=True)
        elif isinstance(one, Question):
            cell.source = f"### BEGIN SOLUTION\n{answers[cell.id]}\n### END SOLUTION"
            cell.metadata.nbgrader = _metadata(name, solution=True, points=points_of(one.id, points))
        elif isinstance(one, Exercise):
            of = points_of(one.id, points)
            metadata = {"nbgrader": _metadata(f"points-{id}", locked=True, points=of)}
            source = grading_source(one, of, seed)
            cells.append(nbformat.v4.new_code_cell(source, id=f"{prefix}-points-{id}", metadata=metadata))
        elif name in _PUT_BACK:
            cell.metadata.nbgrader = _metadata(name, locked=True)
    notebook.cells = cells
    return notebook


def marked(lecture: Lecture, cell: Cell) -> str:
    """A cell with its solutions between nbgrader's marks, and the stubs below them.

    Behind a solution, a stub does nothing; where nbgrader has cut the solution out, the student's cell remains.
    """
    lines = cell.source.splitlines()
    made: list[str] = []
    at = 0
    for block in find_blocks(lecture.path, cell):
        first, last = block.first - cell.line, block.last - cell.line + 1
        indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
        made += [*lines[at:first], f"{indent}### BEGIN SOLUTION", *block.solution, f"{indent}### END SOLUTION"]
        made += block.stub or [f"{indent}..."]
        at = last
    return "\n".join(made + lines[at:])


def grading_source(exercise: Exercise, of: float, seed: int) -> str:
    """The cell that gives an exercise's points; a student finds its first two lines only."""
    return f"""\
# Exercise {exercise.id} gets its points here, with new inputs, after you have handed the notebook in.
# Leave this cell as it is.
### BEGIN HIDDEN TESTS
import teach.release.nbgrader_course

teach.release.nbgrader_course.earned("{exercise.id}", {exercise.name}, seed={seed}, of={number(of)})
### END HIDDEN TESTS"""


def _metadata(
    grade_id: str, *, solution: bool = False, locked: bool = False, points: float | None = None
) -> dict[str, Any]:
    """nbgrader's metadata of a cell, schema version 3; ``points`` makes it one that is graded."""
    found = {
        "schema_version": 3,
        "grade": points is not None,
        "grade_id": grade_id,
        "locked": locked,
        "solution": solution,
        "task": False,
    }
    return found if points is None else {**found, "points": points}


# ------------------------------------------------------------------------------------------------------ in the notebook


def earned(id: str, function: Any, *, seed: int, of: float) -> float:
    """The points, from 0 to ``of``, that ``function`` gets for the exercise ``id`` with the inputs of ``seed``.

    For the last line of a cell: nbgrader takes the number that is shown there, and takes anything on ``stderr`` for
    an error. So what the answer prints is dropped, and only the outcome is printed.
    """
    exercise = exercises.get(id)
    if not isinstance(exercise, Exercise):
        raise GradingError("this question is marked by a person", where=id, hint="Use the id of an exercise")
    with _silence():
        outcome = judge(exercise, function, seed)
    points = min(float(of), scaled(exercise, outcome.points, {id: of}))
    print(replace(outcome, points=points, of=of))
    return points


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Drop what is printed meanwhile, from Python and from compiled code, and what the cell shows already."""
    from IPython import get_ipython

    shell, kept = get_ipython(), os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
                yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        if shell is not None:  # a log handler may hold the stream that was there before
            shell.display_pub.clear_output()
