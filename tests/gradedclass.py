"""A graded class that nobody taught: what the tests of the reports write about. No test of its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from a2d import exercises
from a2d.exercises import Question
from teach.grading.model import MARKED, OUTCOMES, TO_MARK, Grade, Problem, Result

# Names, messages and answers that want to be more than text, or that are no ordinary text.
NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)><svg onload=alert(3)>',
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1;=1+1\n-1",
    "\t=1+1",
    "\r\n=1+1",
    "\u202egnp.exe\u202c \u05e9\u05dc\u05d5\u05dd \u200bAnna\u2066",
    'first line\nsecond "line", with a comma; and a semicolon',
    "Q" * 300,
    "\x00\x07\x1b[31mred\udc80",
    "{{ 7 * 7 }}{% raw %}</style></pre></title><script>alert(4)</script><!--",
    "javascript:alert(5)",
    "</table></section><iframe srcdoc='<script>parent.alert(6)</script>'></iframe><meta http-equiv=refresh content=0>",
)
POINTS = {one.id: float(one.points) for one in exercises.every()}
FACTS: dict[str, Any] = {
    "seed": 7,
    "version": "0.0",
    "sandbox": True,
    "lectures": "all",
    "timeout": 10,
    "points": POINTS,
}
_WEIGHTS = (40, 12, 20, 8, 6, 2, 2, 8, 2)


def result(number: int, name: str | None = None) -> Result:
    """The result of student ``number``: always the same for the same number."""
    rng = random.Random(number)
    student = name or (NASTY[number] if number < len(NASTY) else f"Student {number:04d}")
    evil = NASTY[number % len(NASTY)]
    grades = tuple(_grade(one, rng, evil if number < len(NASTY) else "") for one in exercises.every())
    problems = (Problem(student, f"{evil}.ipynb", f"something odd: {evil}", evil),) if number % 5 == 0 else ()
    written = {g.id: f"I think that it is so. {evil}" for g in grades if g.outcome in (TO_MARK, MARKED)}
    prints = {
        g.id: (f"{g.id} {rng.randrange(6) if rng.random() < 0.7 else number}", 40)
        for g in grades
        if g.outcome not in (TO_MARK, MARKED, "empty", "missing", "unreadable")
    }
    key = f"student-{number:04d}"
    return Result(key, student, evil if number < 3 else str(number), number % 7 == 0, grades, problems, written, prints)


def _grade(one: Any, rng: random.Random, evil: str) -> Grade:
    where = f"{evil or 'lecture'}.ipynb, cell {rng.randrange(50)}"
    if isinstance(one, Question):
        if rng.random() < 0.6:
            return Grade(one.id, TO_MARK, None, one.points, "", where=where)
        return Grade(
            one.id, MARKED, rng.randrange(2 * one.points + 1) / 2, one.points, f"Good. {evil}".strip(), where=where
        )
    outcome = rng.choices(OUTCOMES, _WEIGHTS)[0]
    parts = {part: outcome == "right" or not n for n, part in enumerate(one.shares())}
    points = one.points if outcome == "right" else one.points / 2 if outcome == "partly right" else 0
    wrong = rng.choice(one.wrong).means if outcome in ("wrong", "partly right") and rng.random() < 0.8 else ""
    got = evil or f"[{rng.randrange(9)}, 2.5]"
    message = f"For x = [1, 2, 3]:\n  Expected [1, 2.5], got {got}." if outcome != "right" else one.right
    shown = ("[1, 2.5]", got) if outcome in ("wrong", "partly right") else ("", "")
    return Grade(one.id, outcome, points, one.points, message, wrong, *shown, parts, where)


def school(n: int) -> Callable[[], Iterator[Result]]:
    """A class of ``n`` students, made anew one by one whenever it is asked for."""
    return lambda: (result(number) for number in range(n))
