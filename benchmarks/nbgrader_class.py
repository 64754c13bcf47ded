"""A class graded by nbgrader, to compare with: its points, and the seconds that it takes.

The lectures run for 10 to 30 seconds each, whatever the answers are. What is measured and compared is grading, so the
course here is slim: one assignment with one notebook of imports, exercises and the cells that give their points.
"""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from a2d import exercises
from a2d.exercises import Exercise
from teach.grading.model import GradingError
from teach.lectures.source import find_sources, read_lecture
from teach.rehearsal.wording import imports_for
from teach.release.nbgrader_course import CONFIG, make_source, write_folder

if TYPE_CHECKING:
    from nbformat import NotebookNode

ASSIGNMENT = "exercises"
# These two compute with plain numbers only; all others are measured.
LEFT_OUT = ("5.1", "5.4")
EXERCISES = tuple(one.id for one in exercises.every() if isinstance(one, Exercise) and one.id not in LEFT_OUT)


@dataclass(frozen=True)
class Graded:
    """What nbgrader gave one student: points by exercise, and the seconds of ``NbGraderAPI.autograde``."""

    points: dict[str, float]
    seconds: float


def write_slim_course(out: Path, ids: Sequence[str], points: Mapping[str, float], *, seed: int = 1) -> None:
    """Write an nbgrader course with one assignment, ``exercises``, of the exercises ``ids`` and nothing else."""
    import nbformat.v4

    wanted = {f"{part}-{id.replace('.', '-')}" for id in ids for part in ("exercise", "points")}
    imports = imports_for(exercises.get(id) for id in ids)
    cells = [nbformat.v4.new_code_cell("\n".join(imports), id="imports")]
    for number in sorted({int(id.partition(".")[0]) for id in ids}):
        [path] = find_sources(names=[f"{number:02d}"])
        notebook = make_source(read_lecture(path), points, seed)
        cells += [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") in wanted]
    slim = nbformat.v4.new_notebook(cells=cells, metadata=notebook.metadata)
    write_folder(out, {ASSIGNMENT: slim}, points)


def hand_in(release: NotebookNode, student: NotebookNode) -> NotebookNode:
    """A student's notebook as if it had been written in the released one.

    Its cells stay in their order. Exercises, known by the ids of their cells, get nbgrader's metadata and are followed
    by the cell that gives their points; the student's own checks are left out, so that nothing is run twice.
    """
    ours = {cell.metadata.nbgrader.grade_id: cell for cell in release.cells if "nbgrader" in cell.metadata}
    cells = [cell for cell in release.cells if "nbgrader" not in cell.metadata]
    for given in student.cells:
        _, _, name = given.get("id", "").partition("-")
        if name.startswith("check-"):
            continue
        cells.append(copy.deepcopy(given))
        if given.cell_type == "code" and name.startswith("exercise-") and name in ours:
            cells[-1].metadata = ours.pop(name).metadata
            cells.append(ours.pop(name.replace("exercise-", "points-")))
    # Exercises whose cells lack these ids are graded at the end, by their functions' names.
    cells += [cell for name, cell in ours.items() if name.startswith("points-")]
    made = copy.deepcopy(release)
    made.cells = [cell for cell in cells if cell.cell_type == "code"]
    return made


def autograde(course: Path, students: Mapping[str, Path]) -> dict[str, Graded]:
    """Grade the notebooks of ``students`` (by name) with nbgrader, in a course of :func:`write_slim_course`.

    Raises :class:`GradingError` with the end of nbgrader's log where it cannot grade a notebook.
    """
    import nbformat
    from nbgrader.apps.api import NbGraderAPI
    from traitlets.config.loader import PyFileConfigLoader

    config = PyFileConfigLoader(CONFIG, path=str(course.absolute())).load_config()
    api = NbGraderAPI(config=config)
    _succeed(api.generate_assignment(ASSIGNMENT), ASSIGNMENT)
    release = nbformat.read(course / "release" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", as_version=4)
    graded = {}
    for student, path in students.items():
        target = course / "submitted" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        target.parent.mkdir(parents=True)
        nbformat.write(hand_in(release, nbformat.read(path, as_version=4)), target)
        begin = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nbgrader's own, of its database
            told = api.autograde(ASSIGNMENT, student)
        seconds = time.perf_counter() - begin
        _succeed(told, student)
        with api.gradebook as gradebook:
            [notebook] = gradebook.find_submission(ASSIGNMENT, student).notebooks
            points = {one.name.removeprefix("points-").replace("-", "."): one.auto_score for one in notebook.grades}
        graded[student] = Graded(points, seconds)
    return graded


def _succeed(told: dict, where: str) -> None:
    if not told["success"]:
        last = (told.get("log") or told.get("error") or "").strip().splitlines()[-1:]
        raise GradingError(f"nbgrader failed: {' '.join(last)}", where=where, hint="Read nbgrader's log")
