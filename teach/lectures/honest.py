"""Two promises of a lecture: the time that it takes, and that no measured number stands in its text unfounded."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

from a2d import exercises
from teach.lectures.lint import words
from teach.lectures.source import Lecture, versions
from teach.lectures.texts import PLACEHOLDER

WORDS_A_MINUTE = 180
MINUTES_A_FORMULA = 1.0
# A stated time may be wrong by this share, or by five minutes in a short lecture.
TOLERANCE = 0.15
# Minutes at a time.
MOST = 60
FACTS = Path(__file__).with_name("facts.toml")
_STATED = re.compile(r"^About (\d+) min\b", re.M)
_FORMULA = re.compile(r"\$\$.+?\$\$", re.S)
# Measured numbers: percentages, decimals, and numbers with a unit of this course.
_NUMBER = re.compile(r"(?<![\w.,^{/-])(\d+(?:\.\d+)?) ?%|(?<![\w.,^{/-])(\d+\.\d+)(?![\w.]*\d)")


def stated(lecture: Lecture) -> int | None:
    """The minutes that a lecture's first cell names, or None."""
    found = _STATED.search(lecture.cells[0].source)
    return int(found[1]) if found else None


def sittings(lecture: Lecture) -> list[float]:
    """What each part of a lecture takes, in minutes: words, a minute for each displayed formula, exercises, questions.

    A heading with "place to stop" in it ends a sitting.
    """
    parts = [0.0]
    for cell in lecture.cells:
        if cell.kind != "markdown":
            continue
        if re.search(r"^#+ .*place to stop", cell.source, re.M):
            parts.append(0.0)
        text = PLACEHOLDER.sub("", cell.source)
        parts[-1] += words(_FORMULA.sub(" ", text)) / WORDS_A_MINUTE + MINUTES_A_FORMULA * len(_FORMULA.findall(text))
        named = [match[2] for match in PLACEHOLDER.finditer(cell.source) if match[1] in ("exercise", "question")]
        parts[-1] += sum(exercises.get(id).minutes for id in named)
    return parts


def minutes(lecture: Lecture) -> float:
    """What a lecture takes in all."""
    return sum(sittings(lecture))


def dishonest_time(lecture: Lecture) -> str:
    """What is wrong with the stated time, or ""."""
    told, real = stated(lecture), minutes(lecture)
    if told is None:
        return "the first cell does not say how long it takes: About 50 min, CPU, needs 01."
    if abs(told - real) > max(5, TOLERANCE * real):
        return f"the first cell says about {told} min; words, formulas and exercises take {real:.0f}"
    longest = max(sittings(lecture))
    if longest > MOST * (1 + TOLERANCE):
        return f"{longest:.0f} min without a heading such as `### A good place to stop`; {MOST} are enough at a time"
    return ""


@cache
def facts() -> dict[str, str]:
    """Numbers that lectures may name without measuring them, each with where it comes from."""
    found: dict[str, str] = tomllib.loads(FACTS.read_text(encoding="utf-8"))["facts"]
    return found


def numbers(text: str) -> list[str]:
    """The measured-looking numbers of a text cell: percentages and decimals, outside of formulas, code and links."""
    text = _FORMULA.sub(" ", PLACEHOLDER.sub("", text))
    text = re.sub(r"(?:[Ee]xercise|[Qq]uestion)s? [\d.]+", " ", text)
    text = re.sub(r"(?<!\$)\$[^$]+\$|`[^`]*`|\]\([^)]*\)|arXiv:\S+|doi:\S+|^#.*$", " ", text, flags=re.M)
    return [percent or decimal for percent, decimal in _NUMBER.findall(text)]


def unfounded(lecture: Lecture) -> list[str]:
    """Numbers in the text that no code cell holds (in an assertion or as a setting) and that are no known facts.

    ``line: number``. A number that a cell prints belongs into that cell's output; one that the text must name is
    asserted in a cell (``assert round(100 * share) == 98``), or stands with its source in ``facts.toml``.
    """
    held = set()
    for cell in lecture.cells:
        if cell.kind == "code":
            tree = ast.parse(versions(lecture.path, cell)[0])
            constants = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
            held |= {float(c) for c in constants if isinstance(c, int | float)}
    told = []
    for cell in lecture.cells:
        if cell.kind != "markdown":
            continue
        for number in numbers(cell.source):
            value = float(number)
            if number not in facts() and value not in held and value / 100 not in held:
                line = next(n for n, text in enumerate(cell.source.splitlines()) if number in text)
                told.append(f"{cell.line + line}: {number}")
    return told
