"""Honest students, who together make every declared mistake: the points that each should get, and nbgrader's."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import students
from sandbox import grade, needs_sandbox, table

from a2d.exercises import Exercise, calls
from teach.grading import marking

SEED = 77


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return students.write_notebooks(tmp_path_factory.mktemp("honest") / "class")


@pytest.fixture(scope="module")
def rows(notebooks: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, str]]:
    """What the class gets, by student and exercise."""
    out = tmp_path_factory.mktemp("graded") / "out"
    done = grade(notebooks["all-right"].parent, "--out", out, "--seed", SEED)
    assert done.returncode == 0, done.stderr
    return {(row["student"], row["exercise"]): row for row in table(out / "grades.csv")}


@needs_sandbox
def test_each_gets_the_points_that_it_should(rows: dict[tuple[str, str], dict[str, str]]):
    wrong = [
        (name, id, rows[name, id], wanted)
        for name, _, points in students.HONEST
        for id, wanted in points.items()
        if float(rows[name, id]["points"]) != wanted
    ]
    assert wrong == []
    assert len(students.HONEST) == 16
    assert all(len(points) == 59 for _, _, points in students.HONEST)


@needs_sandbox
def test_outcomes_fit_the_points(rows: dict[tuple[str, str], dict[str, str]]):
    for row in rows.values():
        if row["points"]:
            points, most = float(row["points"]), float(row["maximum"])
            assert (row["outcome"] == "right") == (points == most), row
            assert (row["outcome"] == "partly right") == (0 < points < most), row


@needs_sandbox
@pytest.mark.parametrize("exercise", students.CODE, ids=lambda one: one.id)
def test_every_mistake_is_named(exercise: Exercise, rows: dict[tuple[str, str], dict[str, str]]):
    for number, wrong in enumerate(exercise.wrong, 1):
        row = rows[f"mistake-{number}", exercise.id]
        assert row["misconception"] == wrong.means, row
        assert wrong.means in row["message"]


def test_calls_that_need_torch_get_a_box_with_torch():
    made = {name: inspect.getsource(one) for name, one in vars(calls).items() if inspect.isfunction(one)}
    direct = {name for name, text in made.items() if "import torch" in text or "as_tensor(" in text}
    assert direct & {one.call.__name__ for one in students.CODE} <= set(marking._TORCH_CALLS)


@pytest.mark.weekly
@needs_sandbox
@pytest.mark.slow
def test_nbgrader_gives_the_same_points(
    notebooks: dict[str, Path], rows: dict[tuple[str, str], dict[str, str]], tmp_path: Path
):
    pytest.importorskip("nbgrader", reason="nbgrader comes with the extra `dev`")
    from benchmarks import nbgrader_class

    course = tmp_path / "course"
    nbgrader_class.write_slim_course(course, [one.id for one in students.CODE], {}, seed=SEED)
    theirs = nbgrader_class.autograde(course, notebooks)
    assert set(theirs) == set(notebooks)
    for name, graded in theirs.items():
        ours = {id: float(rows[name, id]["points"]) for id in graded.points}
        assert graded.points == ours, name
