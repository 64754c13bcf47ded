"""What the build writes into a lecture's text from the exercises' declarations, so that each fact stands once.

In a text cell, alone on a line: ``{exercise 1.1}`` becomes the exercise's heading with its difficulty, minutes and
points; ``{hints 1.1}`` its folded hints; ``{question 1.6}`` a question's heading and text; ``{answer 1.6}`` the place
for the answer, in the solution version a model answer with the rubric.
"""

from __future__ import annotations

import re

from a2d.course import exercises
from a2d.course.exercises import Exercise, Question
from a2d.course.settings import CourseError

PLACEHOLDER = re.compile(r"^\{(exercise|hints|question|answer) (\d+\.\d+)\}$", re.M)
_WRITE_HERE = "*Your answer: double-click here, replace this line, then press Shift+Enter.*"


def expand(text: str, *, solution: bool) -> str:
    """A cell's text with its placeholders filled in."""
    return PLACEHOLDER.sub(lambda match: _one(match[1], match[2], solution), text)


def _one(what: str, id: str, solution: bool) -> str:
    found = exercises.get(id)
    wanted = Exercise if what in ("exercise", "hints") else Question
    if not isinstance(found, wanted):
        kind = "a question" if isinstance(found, Question) else "an exercise"
        raise CourseError(f"{{{what} {id}}} does not fit: {id} is {kind}", where=id, hint="Use the other placeholder")
    if what == "exercise":
        return exercise_heading(found)
    if what == "hints":
        return hints(found)
    if what == "question":
        return question(found)
    return model_answer(found) if solution else _WRITE_HERE


def exercise_heading(exercise: Exercise) -> str:
    """The heading and the line below it."""
    return (
        f"### Exercise {exercise.id}: {exercise.title}\n\n"
        f"Difficulty {exercise.difficulty}/5, {exercise.minutes} min, {_points(exercise.points)}."
    )


def hints(exercise: Exercise) -> str:
    """One folded block for each hint."""
    several = len(exercise.hints) > 1
    return "\n".join(
        f"<details><summary>Hint{f' {n}' if several else ''}</summary>\n\n{hint}\n\n</details>"
        for n, hint in enumerate(exercise.hints, 1)
    )


def question(question: Question) -> str:
    """Heading, facts and text of a question."""
    facts = f"{question.minutes} min, {_points(question.points)}, marked by a person."
    return f"### Question {question.id}: {question.title}\n\n{facts}\n\n{question.text}"


def model_answer(question: Question) -> str:
    """One good answer, and what points are given for."""
    rows = "\n".join(f"| {points} | {what} |" for points, what in question.rubric)
    return f"**A good answer.** {question.answer}\n\n| points | for saying |\n|---|---|\n{rows}"


def _points(n: int) -> str:
    return f"{n} point" if n == 1 else f"{n} points"
