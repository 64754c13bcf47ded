"""Honest students, whose answers together make every declared mistake, and the points that each should get.

The points are not computed by what they test. They follow from rules that can be checked by hand: a right answer gets
all points; an empty one, one that raises and one that gives NaN get none; a mistake gets what ``PARTLY`` says, or none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from a2d import exercises
from a2d.exercises import Exercise
from teach.rehearsal.rehearse import declared_source, right_source, short_notebook

CODE = tuple(one for one in exercises.every() if isinstance(one, Exercise))

# The mistakes, by exercise and number from 1, that are right in one part of the points: which part, and its points.
PARTLY = {
    ("1.2", 1): 1,  # no window: right where every weight is 1
    ("1.4", 1): 1,  # the largest level of each row: right for loud sounds
    ("1.4", 4): 1,  # 1e-10 added: the same
    ("1.4", 5): 1,  # no top_db: right for loud sounds
    ("1.4", 6): 1,  # top_db below the reference: the same
    ("1.4", 7): 1,  # no least power: the same
    ("1.4", 9): 1,  # ratio raised to 1e-10: the same
    ("2.2", 8): 2,  # divides by 0: right where no feature is constant
    ("2.2", 9): 2,  # a small number added to the sd: the same
    ("2.2", 10): 2,  # a constant feature set to 0: the same
    ("2.6", 2): 1,  # the single nearest: right where no label is wrong
    ("3.3", 4): 2,  # logarithm of 0: right where logits are small
    ("3.3", 5): 2,  # logarithm cut off: the same
    ("3.3", 6): 2,  # exp runs over: the same
    ("3.3", 7): 2,  # logarithm kept finite: the same
    ("4.1", 6): 1,  # rounded and cut off: right at the two ends
    ("4.2", 8): 2,  # a class without images gives NaN: right where each has some
    ("4.4", 6): 1,  # divided by r - 1: right where the variance is 0, for targets that are always the same
    ("5.2", 4): 2,  # padding not cut off: right without padding
    ("5.2", 5): 2,  # y[padding:-padding]: right with padding
    ("5.2", 6): 2,  # padding added: right without
    ("5.6", 1): 1,  # gradients pile up: one step does not show it
    ("5.7", 1): 2,  # a hair below the floor: right for the trouble with pairs that is not this one
    ("5.7", 2): 2,  # NaN: the same
    ("5.7", 3): 2,  # slow: the same
    ("5.7", 4): 1,  # deaf: right for the trouble with the rate
    ("6.2", 8): 2,  # a confidence of exactly 1 is lost: right where there is none
    ("6.2", 9): 2,  # an empty bin gives NaN: right where none is empty
    ("7.1", 5): 2,  # kappa cut off at 0: right for readers who agree more than chance
    ("7.1", 6): 2,  # kappa without its sign: the same
    ("7.1", 7): 2,  # kappa 1 where chance explains everything: right elsewhere
    ("7.1", 8): 2,  # kappa NaN there: the same
    ("7.2", 7): 1,  # layers that were frozen stay so: right where none was
    ("7.5", 2): 1,  # cure and flattery exchanged: right where it is both or nothing
    ("7.5", 5): 1,  # a fixed share for a clear gain: the same
    ("7.5", 6): 1,  # an error for different drawings: the same
    ("8.2", 1): 1,  # recordings pooled: right where speakers have equally many
    ("10.1", 2): 1,  # no floor: right without silence
    ("10.1", 3): 1,  # mean and deviation before the floor: the same
    ("10.1", 4): 1,  # a floor that does not move: the same
}
# What the students give who make the n-th mistake of an exercise that has fewer.
# One student more than the longest list of mistakes, so that each exercise is left empty by somebody.
MOST = 1 + max(len(one.wrong) for one in CODE)
_OTHERWISE = ("empty", "right", "raising", "NaN")


def source_of(exercise: Exercise, what: str | int) -> tuple[str | None, int]:
    """The text of an answer, None for an empty one, and its points; ``what`` is its kind or the mistake's number."""
    if isinstance(what, int):
        return declared_source(exercise, exercise.wrong[what - 1].answer), PARTLY.get((exercise.id, what), 0)
    if what == "right":
        return right_source(exercise), exercise.points
    if what == "empty":
        return None, 0
    line = {"raising": 'raise ValueError("not finished")', "NaN": 'return float("nan")'}[what]
    return f"def {exercise.name}({', '.join(exercise.parameters)}):\n    {line}", 0


def _kinds(student: int) -> list[str | int]:
    """What the student gives for each exercise: 0 is right in all, the next make that mistake, the last two do half."""
    if student == 0:
        return ["right"] * len(CODE)
    if student > MOST:
        both = ("empty", "right") if student == MOST + 1 else ("raising", "NaN")
        return [both[n % 2] for n in range(len(CODE))]
    counts = [len(one.wrong) for one in CODE]
    return [student if student <= n else _OTHERWISE[(student - n - 1) % len(_OTHERWISE)] for n in counts]


def _student(student: int) -> tuple[dict[str, str | None], dict[str, int]]:
    found = {one.id: source_of(one, what) for one, what in zip(CODE, _kinds(student), strict=True)}
    return {id: text for id, (text, _) in found.items()}, {id: points for id, (_, points) in found.items()}


_NAMES = ("all-right", *(f"mistake-{n}" for n in range(1, MOST + 1)), "half-done", "raises-or-nan")
# (name, text of each exercise's cell or None for the cell as it was, points of each exercise)
HONEST: list[tuple[str, dict[str, str | None], dict[str, int]]] = [
    (name, *_student(n)) for n, name in enumerate(_NAMES)
]


def write_notebooks(folder: Path, ids: Mapping[str, object] | set[str] | None = None) -> dict[str, Path]:
    """Write each student's short notebook, with all exercises or those of ``ids``; gives the paths by name."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, answers, _ in HONEST:
        chosen = {id: text for id, text in answers.items() if ids is None or id in ids}
        paths[name] = folder / f"{name}.ipynb"
        paths[name].write_text(
            json.dumps(short_notebook(chosen), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    return paths
