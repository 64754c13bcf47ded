"""What the build writes into a lecture's text from the exercises' declarations, so that each fact stands once.

In a text cell, alone on a line: ``{exercise 1.1}`` becomes the exercise's heading with its difficulty, minutes and
points; ``{hints 1.1}`` its folded hints; ``{question 1.6}`` a question's heading and text; ``{answer 1.6}`` the place
for the answer, in the solution version a model answer with the rubric.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from a2d import exercises
from a2d.checks.points import number, points_of, scaled
from a2d.errors import CourseError
from a2d.exercises import Exercise, Question
from teach.lectures.rubrics import rubric

PLACEHOLDER = re.compile(r"^\{(exercise|hints|question|answer) (\d+\.\d+)\}$", re.M)
# What a lecture may say, on a line of its own, about the points of an exercise's parts.
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SHARES = re.compile(
    rf"^({'|'.join(_WORDS)}) points? (?:is|are) for (.+?), ({'|'.join(_WORDS)}) for (.+)\.$", re.I | re.M
)
WRITE_HERE = "*Your answer: double-click here, replace this line, then press Shift+Enter.*"


def expand(text: str, *, solution: bool, points: Mapping[str, float] | None = None) -> str:
    """A cell's text with its placeholders filled in; ``points`` by id replace the declared ones."""
    for match in PLACEHOLDER.finditer(text):
        if match[1] == "exercise" and points_of(match[2], points) != points_of(match[2], None):
            text = _SHARES.sub(partial(_shares, id=match[2], points=points), text)
    return PLACEHOLDER.sub(lambda match: _one(match[1], match[2], solution, points), text)


def _shares(match: re.Match[str], id: str, points: Mapping[str, float] | None) -> str:
    """A sentence that says what an exercise's points are for, with other points."""
    exercise = exercises.get(id)
    first, second = (scaled(exercise, _WORDS.index(match[n].lower()), points) for n in (1, 3))
    return f"{_points(first)} {'is' if first == 1 else 'are'} for {match[2]}, {number(second)} for {match[4]}."


def _one(what: str, id: str, solution: bool, points: Mapping[str, float] | None) -> str:
    found = exercises.get(id)
    if isinstance(found, Exercise) and what in ("exercise", "hints"):
        return exercise_heading(found, points) if what == "exercise" else hints(found)
    if isinstance(found, Question) and what == "question":
        return question(found, points)
    if isinstance(found, Question) and what == "answer":
        return model_answer(found, points) if solution else WRITE_HERE
    kind = "a question" if isinstance(found, Question) else "an exercise"
    raise CourseError(f"{{{what} {id}}} does not fit: {id} is {kind}", where=id, hint="Use the other placeholder")


def exercise_heading(exercise: Exercise, points: Mapping[str, float] | None = None) -> str:
    """The heading and the line below it."""
    return (
        f"### Exercise {exercise.id}: {exercise.title}\n\n"
        f"Difficulty {exercise.difficulty}/5, {exercise.minutes} min, {_points(points_of(exercise.id, points))}."
    )


def hints(exercise: Exercise) -> str:
    """One folded block for each hint."""
    several = len(exercise.hints) > 1
    return "\n".join(
        f"<details><summary>Hint{f' {n}' if several else ''}</summary>\n\n{hint}\n\n</details>"
        for n, hint in enumerate(exercise.hints, 1)
    )


def question(question: Question, points: Mapping[str, float] | None = None) -> str:
    """Heading, facts and text of a question."""
    facts = f"{question.minutes} min, {_points(points_of(question.id, points))}, marked by a person."
    return f"### Question {question.id}: {question.title}\n\n{facts}\n\n{question.text}"


def model_answer(question: Question, points: Mapping[str, float] | None = None) -> str:
    """One good answer, and what points are given for."""
    wanted = rubric(question.id)
    rows = "\n".join(f"| {number(scaled(question, share, points))} | {what} |" for share, what in wanted.rows)
    return f"**A good answer.** {wanted.answer}\n\n| points | for saying |\n|---|---|\n{rows}"


def _points(n: float) -> str:
    return f"{number(n)} point" if n == 1 else f"{number(n)} points"
