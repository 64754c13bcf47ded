"""Honest but odd notebooks: what ``a2d.check`` calls right in a fresh run of them, grading calls right."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import odd
import pytest
from conftest import ROOT
from sandbox import needs_sandbox

from a2d import exercises
from a2d.checks import verdicts
from a2d.exercises import Exercise
from teach.grading.marking import Handed, Marker, Settings
from teach.grading.model import Grade
from teach.lectures.names import numbers, slug_of
from teach.rehearsal.rehearse import right_source

pytestmark = needs_sandbox
SEED = 4711
WITH_EXERCISES = [n for n in numbers() if any(isinstance(one, Exercise) for one in exercises.of_lecture(n))]


def notebook(cells: list[str]) -> bytes:
    """A notebook of cells with code, as Jupyter saves it."""
    listed = [
        {"cell_type": "code", "source": one, "metadata": {}, "outputs": [], "execution_count": None} for one in cells
    ]
    return json.dumps({"cells": listed, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def graded(marker: Marker, lecture: int, cells: list[str]) -> dict[str, Grade]:
    """What a student gets for one notebook, by exercise."""
    handed = Handed("ann", "ann", "", False, ((f"{slug_of(lecture)}.ipynb", notebook(cells)),))
    return {grade.id: grade for grade in marker.mark(handed).grades}


@pytest.fixture(scope="module")
def markers() -> Iterator[dict[int, Marker]]:
    made = {lecture: Marker(Settings((lecture,), seed=SEED)) for lecture in WITH_EXERCISES}
    yield made
    for marker in made.values():
        marker.close()


# One process loads what notebooks load, and is forked for each of them: each has a shell of its own.
_FRESH = """
import contextlib, io, json, os, sys
import matplotlib.pyplot, numpy, scipy.signal, torch
import a2d.exercises
from IPython.core.interactiveshell import InteractiveShell
for name, cells in json.load(sys.stdin).items():
    folder = os.path.join(sys.argv[1], name.replace("'", "").replace(" ", "_"))
    os.mkdir(folder)
    if os.fork() == 0:
        os.chdir(folder)
        sys.path.insert(0, "")
        told = io.StringIO()
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(io.StringIO()):
            shell = InteractiveShell.instance()
            shell.enable_gui = lambda gui=None: None  # a kernel has one of its own
            for cell in cells:
                shell.run_cell(cell, store_history=True)
        with open("told", "w") as stream:
            stream.write(told.getvalue())
        os._exit(0)
    os.wait()
    with open(os.path.join(folder, "told")) as stream:
        print(json.dumps([name, stream.read()]), flush=True)
"""


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each odd notebook prints in a fresh run, by its name."""
    notebooks = {name: odd.cells_of(name) for name in (*odd.ODD, *odd.REFUSED)}
    return _told(notebooks, tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="module")
def fresh_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same of the notebooks on other exercises; those of one student one after the other."""
    notebooks = {name: odd.elsewhere_cells(name) for name in odd.ELSEWHERE}
    for name, (_, files) in odd.TOGETHER.items():
        notebooks[name] = [cell for cells in files.values() for cell in cells]
    return _told(notebooks, tmp_path_factory.mktemp("fresh"))


def _told(notebooks: dict[str, list[str]], folder: Path) -> dict[str, str]:
    """What notebooks print, each run from its first cell on in a shell and a folder of its own."""
    command = [sys.executable, "-c", _FRESH, str(folder)]
    run = subprocess.run(command, input=json.dumps(notebooks), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    return dict(json.loads(line) for line in run.stdout.splitlines())


@pytest.mark.parametrize("name", odd.ODD)
def test_what_the_check_calls_right_grading_calls_right(name, markers, fresh):
    assert "Exercise 1.1: Right" in fresh[name], fresh[name][-2000:]
    grade = graded(markers[1], 1, odd.cells_of(name))["1.1"]
    assert (grade.outcome, grade.points) == ("right", grade.maximum), grade.message


@pytest.mark.parametrize("name", odd.ELSEWHERE)
def test_the_same_of_other_exercises(name, markers, fresh_elsewhere):
    id = odd.ELSEWHERE[name][0]
    assert f"Exercise {id}: Right" in fresh_elsewhere[name], fresh_elsewhere[name][-2000:]
    lecture = int(id.partition(".")[0])
    grade = graded(markers[lecture], lecture, odd.elsewhere_cells(name))[id]
    assert (grade.outcome, grade.points) == ("right", grade.maximum), grade.message


@pytest.mark.parametrize("name", odd.TOGETHER)
def test_the_same_of_two_lectures(name, fresh_elsewhere):
    ids, files = odd.TOGETHER[name]
    marker = Marker(Settings((1, 2), seed=SEED))
    handed = Handed("ann", "ann", "", False, tuple((file, notebook([*cells])) for file, cells in files.items()))
    grades = {grade.id: grade for grade in marker.mark(handed).grades}
    marker.close()
    for id in ids:
        assert f"Exercise {id}: Right" in fresh_elsewhere[name], fresh_elsewhere[name][-2000:]
        assert (grades[id].outcome, grades[id].points) == ("right", grades[id].maximum), grades[id].message


@pytest.mark.parametrize("name", odd.REFUSED)
def test_what_grading_refuses_the_check_refuses(name, markers, fresh):
    assert odd.REFUSED[name][1] in fresh[name].replace("\n", " "), fresh[name]
    assert graded(markers[1], 1, odd.cells_of(name))["1.1"].points == 0


# Each way with one lecture, and each lecture in one way or two; all of them once a week.
SOME = {(lecture, way) for lecture, way in zip(2 * WITH_EXERCISES, odd.WAYS, strict=False)}
ALL = [
    pytest.param(lecture, way, marks=[] if (lecture, way) in SOME else pytest.mark.weekly)
    for lecture in WITH_EXERCISES
    for way in odd.WAYS
]


@pytest.mark.slow
@pytest.mark.parametrize(("lecture", "way"), ALL)
def test_every_right_answer_is_right_in_whatever_way_it_is_bound(lecture, way, markers):
    code = [one for one in exercises.of_lecture(lecture) if isinstance(one, Exercise)]
    cells = odd.in_a_way(way, {one.id: (one.name, right_source(one)) for one in code})
    grades = graded(markers[lecture], lecture, cells)
    wrong = {one.id: grades[one.id].message for one in code if grades[one.id].outcome != "right"}
    assert wrong == {}


def test_a_cell_without_an_end_is_stopped_and_the_next_ones_run():
    marker = Marker(Settings((1,), seed=SEED, timeout=1))
    cells = [odd.START, "while True:\n    pass", *odd.ODD["a partial"], odd.CHECK]
    grade = graded(marker, 1, cells)["1.1"]
    marker.close()
    assert grade.outcome == "right"


BORROWED = {
    "before its own answer": (
        "other = a2d.mine('1.1')",
        "from functools import partial",
        f"def general(one, x, n_fft, hop_length):\n    return {odd.GIVES.replace('+ 1', '+ one')}",
        "frame = partial(general, 1)",
    ),
    "of another exercise": (
        "other = a2d.mine('1.2')\nONE = [] if other is None else [1]",
        f"def frame(x, n_fft, hop_length):\n    return {odd.GIVES.replace('+ 1', '+ ONE[0]')}",
    ),
}


@pytest.mark.parametrize("cells", BORROWED.values(), ids=BORROWED)
def test_the_courses_functions_are_there_for_what_follows(cells, markers):
    assert graded(markers[1], 1, [odd.START, *cells, odd.CHECK])["1.1"].outcome == "right"


def test_the_courses_function_is_no_answer_to_its_own_exercise(markers):
    grade = graded(markers[1], 1, [odd.START, "frame = a2d.mine('1.1')", odd.CHECK])["1.1"]
    assert grade.points == 0


BY_CHANCE = {
    "lots": (
        "def frame(x, n_fft, hop_length):\n    lot = np.random.default_rng().random()\n"
        f"    return {odd.GIVES} if lot < 0.9 else None"
    ),
    "the time": f"import time\ndef frame(x, n_fft, hop_length):\n    return {odd.GIVES} + time.time()",
    "global lots": f"def frame(x, n_fft, hop_length):\n    return {odd.GIVES} + np.random.rand()",
}


@pytest.mark.parametrize("answer", BY_CHANCE.values(), ids=BY_CHANCE)
def test_luck_earns_nothing_and_is_told_in_the_same_words(answer, markers):
    grades = [graded(markers[1], 1, [odd.START, answer, odd.CHECK])["1.1"] for _ in range(2)]
    assert grades[0] == grades[1]
    assert grades[0].points == 0
    assert "depends on chance" in grades[0].message


def test_who_draws_lots_and_does_not_need_them_is_right(markers):
    answer = f"def frame(x, n_fft, hop_length):\n    np.random.default_rng().normal()\n    return {odd.GIVES}"
    assert graded(markers[1], 1, [odd.START, answer, odd.CHECK])["1.1"].outcome == "right"


LEAKS = {
    "an error": "def frame(x, n_fft, hop_length):\n    raise ValueError(x.tolist())",
    "a warning": "import warnings\ndef frame(x, n_fft, hop_length):\n    warnings.warn(str(x))\n    return x",
    "the result": "def frame(x, n_fft, hop_length):\n    return x",
    "frames of the stack": (
        "import sys\ndef frame(x, n_fft, hop_length):\n    f, seen = sys._getframe(), []\n    while f:\n"
        "        seen.append(str({k: str(v) for k, v in f.f_locals.items()}))\n        f = f.f_back\n"
        "    raise ValueError(' '.join(seen))"
    ),
    "an odd notebook": (
        "from functools import partial\ndef g(one, x, n_fft, hop_length):\n    raise ValueError(x.tolist())\n"
        "frame = partial(g, 1)"
    ),
}


@pytest.mark.parametrize("answer", LEAKS.values(), ids=LEAKS)
def test_no_hidden_input_is_told(answer, markers):
    hidden = verdicts.make_cases(exercises.get("1.1"), SEED)
    grade = graded(markers[1], 1, [odd.START, answer, odd.CHECK])["1.1"]
    assert grade.points == 0
    told = f"{grade.message} {grade.expected} {grade.got}"
    for case in hidden:
        for value in np.asarray(case.args[0]).ravel()[:50].tolist():
            for text in (f"{value:.3f}", f"{value:.4g}", repr(value)):
                assert len(text) < 5 or text not in told or text in _public(), text


@cache
def _public() -> str:
    """The numbers that everybody has from the check itself."""
    cases = verdicts.make_cases(exercises.get("1.1"), verdicts.PUBLIC_SEED)
    values = [value for case in cases for value in np.asarray(case.args[0]).ravel().tolist()]
    return " ".join(f"{value:.3f} {value:.4g} {value!r}" for value in values)


def test_no_path_of_the_grader_is_told(markers):
    answer = "import sys\ndef frame(x, n_fft, hop_length):\n    raise ValueError(str(sys.path))"
    told = graded(markers[1], 1, [odd.START, answer, odd.CHECK])["1.1"].message
    assert sys.base_prefix not in told
    assert sys.prefix not in told
    assert str(ROOT) not in told
