"""What the templates of the page to mark in are filled with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from a2d import exercises
from teach.lectures.rubrics import rubric
from teach.marking import agreement, texts
from teach.marking.desk import Desk, Sheet
from teach.reports.tables import number, visible

# What grading appends to a text with a picture; here the picture is to be seen, and a file's name may name a student.
_TOLD = re.compile(r"\n\(There is a picture in it: look at [^\n]*, cell \d+\.\)")
_FINE = 10


@dataclass(frozen=True)
class Cell:
    """A cell around an answer: its ``title``, what it says, its outputs; ``answer`` says that it belongs to it."""

    title: str
    html: Markup
    outputs: tuple[tuple[str, str], ...]
    answer: bool


@dataclass(frozen=True)
class Shown:
    """An answer as it is shown: question, rubric, words with pictures, ``more`` pictures, and the cells around it."""

    question: Markup
    rubric: tuple[tuple[str, Markup], ...]
    model: Markup
    answer: Markup
    more: tuple[tuple[str, str], ...]
    lost: int
    cells: tuple[Cell, ...]

    @classmethod
    def of(cls, sheet: Sheet) -> Shown:
        """What is shown of a sheet."""
        wanted = rubric(sheet.question.id)
        cells = [one for one in sheet.around.get("cells", ()) if one["kind"] != "other"]
        attached = [pair for one in cells if one["answer"] for pair in one["attached"].items()]
        named = {name: sheet.pictures[hash] for name, hash in reversed(attached) if hash in sheet.pictures}
        text = _TOLD.sub("", sheet.text)
        used = {hash for name, hash in attached if f"attachment:{name})" in text}
        more = {hash: name for name, hash in attached if hash in sheet.pictures and hash not in used}
        return cls(
            texts.html(sheet.question.text),
            tuple((number(points), texts.html(says)) for points, says in wanted.rows),
            texts.html(wanted.answer),
            texts.html(text, named),
            tuple((name, texts.address(sheet.pictures[hash])) for hash, name in more.items()),
            sum(hash not in sheet.pictures for _, hash in attached),
            tuple(_cell(one, sheet.pictures) for one in cells),
        )


def _cell(cell: Mapping[str, Any], pictures: Mapping[str, Any]) -> Cell:
    named = {name: pictures[hash] for name, hash in cell["attached"].items() if hash in pictures}
    is_text = cell["kind"] == "markdown"
    body = texts.html(cell["source"], named) if is_text else Markup("<pre>{}</pre>").format(visible(cell["source"]))
    title = f"Cell {cell['number']}, {'text' if is_text else cell['kind']}"
    return Cell(title, body, tuple(_outputs(cell["outputs"], pictures)), bool(cell["answer"]))


def _outputs(outputs: Any, pictures: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for what, text in outputs:
        if what == "text" and text.strip():
            yield "text", text
        elif what == "picture" and text in pictures:
            yield "picture", texts.address(pictures[text])
        elif what == "picture":
            yield "text", "(a picture that was left out: too large, or no PNG, JPEG or GIF)"


def steps(maximum: float) -> list[float]:
    """The points that can be given: halves, or wholes where there would be many, and the maximum."""
    wide = 1 if maximum > _FINE else 2
    found = [n / wide for n in range(int(maximum * wide) + 1)]
    return found if found[-1] == maximum else [*found, maximum]


@dataclass(frozen=True)
class Differs:
    """An answer to which two markers gave other points, with its place; ``name`` says whose it is, as far as it may."""

    n: int
    name: str
    pair: agreement.Pair

    @property
    def far(self) -> bool:
        """Whether they are so far apart that it has to be looked at."""
        return abs(self.pair.apart) >= agreement.FAR


def differing(desk: Desk) -> list[Differs]:
    """The answers to which two markers gave other points, those that are furthest apart first."""
    places = {at: n for n, at in enumerate(desk.order)}
    found = [pair for pair in desk.twice() if pair.apart and (pair.key, pair.id) in places]
    listed = [
        Differs(n, f"answer {n + 1}" if desk.blind else pair.key, pair)
        for pair in found
        for n in [places[pair.key, pair.id]]
    ]
    return sorted(listed, key=lambda one: (-abs(one.pair.apart), one.n))


def questions(desk: Desk) -> list[tuple[str, str, int, int, int]]:
    """Of each question: id, title, the place of its first answer, how many answers there are, and are marked."""
    marked = desk.marked()
    ids = dict.fromkeys(id for _, id in desk.order)
    found = []
    for id in ids:
        places = [n for n, at in enumerate(desk.order) if at[1] == id]
        found.append(
            (id, exercises.get(id).title, places[0], len(places), sum(desk.order[n] in marked for n in places))
        )
    return found
