"""Notebooks that ran with a newer Python than the one that grades: never wrong for that, and marked by it on demand."""

from __future__ import annotations

import json
import sys

import odd
import pytest
from sandbox import grade, needs_sandbox

from teach.grading import elsewhere
from teach.grading.marking import Handed, Marker, Settings, needs_newer
from teach.grading.model import GradingError

SETTINGS = Settings((1,), seed=4711)
NEWER = (sys.version_info[0], sys.version_info[1] + 1)
# Python can read none of these yet.
OF_TOMORROW = odd.RIGHT + "\n    return from tomorrow"


def handed(answer: str, version: tuple[int, int] = NEWER) -> Handed:
    """One student's notebook that ran with a version of Python."""
    told = {"language_info": {"name": "python", "version": f"{version[0]}.{version[1]}.1"}}
    cells = [
        {"cell_type": "code", "source": one, "metadata": {}, "outputs": [], "execution_count": None}
        for one in (odd.START, answer, odd.CHECK)
    ]
    content = json.dumps({"cells": cells, "metadata": told, "nbformat": 4, "nbformat_minor": 5}).encode()
    return Handed("ann", "ann", "", False, (("01_from_sound_to_numbers.ipynb", content), ("notes.txt", "unreadable")))


@pytest.fixture(scope="module")
def marker():
    made = Marker(SETTINGS)
    yield made
    made.close()


@needs_sandbox
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (odd.RIGHT, "right"),
        (OF_TOMORROW, "unreadable"),
        ("import of_tomorrow\n" + odd.RIGHT.replace("np.", "of_tomorrow."), "unreadable"),
        (odd.RIGHT + " * 2", "wrong"),
    ],
)
def test_what_fails_in_an_older_python_is_not_called_wrong(answer, outcome, marker):
    grades = {one.id: one for one in marker.mark(handed(answer)).grades}
    assert grades["1.1"].outcome == outcome
    if outcome == "unreadable":
        assert f"Python {NEWER[0]}.{NEWER[1]}" in grades["1.1"].message


@needs_sandbox
def test_the_same_in_no_newer_python_is_an_error(marker):
    now = sys.version_info[0], sys.version_info[1]
    assert next(one for one in marker.mark(handed(OF_TOMORROW, now)).grades if one.id == "1.1").outcome == "error"
    assert needs_newer(handed(odd.RIGHT, now)) == ()
    assert needs_newer(handed(odd.RIGHT)) == NEWER


@needs_sandbox
def test_another_process_marks_to_the_letter_as_this_one(marker):
    other = elsewhere.Elsewhere(sys.executable, SETTINGS)
    for answer in (odd.RIGHT, odd.RIGHT.replace("+ 1", ""), "def frame(x):\n    raise ValueError('\\N{SNOWMAN}')"):
        here = json.dumps({"result": marker.mark(handed(answer)).to_json(), "hurried": False})
        assert json.dumps(other.mark(handed(answer))) == here
    other.close()


def test_a_python_that_cannot_grade_is_refused_with_a_reason(tmp_path):
    assert elsewhere.version_of(sys.executable) == sys.version_info[:2]
    with pytest.raises(GradingError, match="cannot be started"):
        elsewhere.version_of(str(tmp_path / "python"))
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(GradingError, match="cannot grade"):
        elsewhere.version_of(str(bare))


@needs_sandbox
def test_a_python_that_is_no_newer_is_refused(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ann_01.ipynb").write_bytes(handed(odd.RIGHT).files[0][1])
    done = grade(tmp_path / "in", "--out", tmp_path / "out", "--lectures", "01", "--python", sys.executable)
    assert done.returncode == 2
    assert "no newer than the Python that grades" in done.stderr
