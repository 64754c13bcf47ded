"""The page that each student gets back: what was judged, how it ended, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from a2d import exercises
from a2d.exercises import Question
from a2d.io.atomic import write_text
from teach.grading.model import MARKED, Grade, GradingError, Result
from teach.reports.pages import SIGNS, render
from teach.reports.tables import Results, after, lecture_of, percent, totals

FOLDER = "feedback"


def write_feedback(out: Path, results: Results) -> None:
    """Write one page per student into the folder ``feedback`` of ``out``, named by the student's key."""
    for result in results():
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,80}", result.key):
            raise GradingError(
                f"the key {result.key!r} cannot name a file", where=out, hint="Use letters, digits, - _ and ."
            )
        write_text(out / FOLDER / f"{result.key}.html", page(result))


def page(result: Result) -> str:
    """The HTML of a student's page."""
    points, maximum, waiting = totals(result)
    states = {grade.outcome for grade in result.grades}
    return render(
        "feedback.html.j2",
        title=f"Feedback for {result.student}",
        result=result,
        earned=points,
        left=after(result, points),
        maximum=maximum,
        share=percent(after(result, points), maximum),
        waiting=waiting,
        lectures=[_lecture(number, list(grades), result) for number, grades in groupby(result.grades, _number)],
        used=[outcome for outcome in SIGNS if outcome in states],
    )


def _number(grade: Grade) -> int:
    return lecture_of(grade.id)


def _lecture(number: int, grades: list[Grade], result: Result) -> Mapping[str, Any]:
    return {
        "number": f"{number:02d}",
        "points": sum(grade.points or 0 for grade in grades),
        "maximum": sum(grade.maximum for grade in grades),
        "exercises": [_exercise(grade, result) for grade in grades],
    }


def _exercise(grade: Grade, result: Result) -> Mapping[str, Any]:
    declared = exercises.get(grade.id)
    return {
        "grade": grade,
        "kind": "Question" if isinstance(declared, Question) else "Exercise",
        "title": declared.title,
        "written": result.written.get(grade.id, ""),
        "marked": grade.outcome == MARKED,
    }
