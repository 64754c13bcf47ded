"""Several attempts of one student, all of them graded: for each exercise the best counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from teach.grading.model import TO_MARK, Grade, Result


def best(last: Result, when: str, earlier: Sequence[tuple[str, Result]]) -> tuple[Result, dict[str, str]]:
    """A result with the best grade of each exercise, and when the attempts were handed in that gave points.

    ``earlier``: times and results of the attempts before, the earliest first. Of equal grades the earliest counts, so
    that nobody is late by handing in again what was right. Of answers in words the last that is written counts.
    """
    attempts = [*earlier, (when, last)]
    grades: list[Grade] = []
    times, written, prints = {}, dict(last.written), dict(last.prints)
    for grade in last.grades:
        found = [(at, one, g) for at, one in attempts for g in one.grades if g.id == grade.id]
        waiting = [each for each in found if each[2].outcome == TO_MARK]
        at, one, chosen = waiting[-1] if waiting else max(found, key=_worth)
        if (chosen.points or 0) > 0 or waiting:
            times[grade.id] = at
        else:
            # Nothing is better than nothing: what the last attempt says is the latest word.
            at, one, chosen = when, last, grade
        if one is not last:
            told = f"This is from the attempt of {at.replace('T', ' ')}, which counts for this exercise."
            chosen = replace(chosen, message="\n".join(filter(None, (chosen.message, told))))
            written.pop(grade.id, None)
            prints.pop(grade.id, None)
            if grade.id in one.written:
                written[grade.id] = one.written[grade.id]
            if grade.id in one.prints:
                prints[grade.id] = one.prints[grade.id]
        grades.append(chosen)
    return replace(last, grades=tuple(grades), written=written, prints=prints), times


def _worth(found: tuple[str, Result, Grade]) -> float:
    return found[2].points or 0
