"""A lecture says how long it takes, and every measured number in its text has a ground."""

from __future__ import annotations

from pathlib import Path

import pytest

from teach.lectures import honest
from teach.lectures.source import Cell, Lecture, find_sources, read_lecture

EACH = pytest.mark.parametrize("path", find_sources(), ids=lambda path: path.stem)


def lecture(*cells: tuple[str, str], about: str = "About 10 min, CPU, needs nothing.") -> Lecture:
    first = Cell("markdown", f"# 90 Toy\n\n{about}", 1)
    return Lecture(Path("90_toy.py"), (first, *(Cell(kind, text, 10 * n) for n, (kind, text) in enumerate(cells, 1))))


@EACH
def test_a_lecture_takes_as_long_as_it_says(path):
    assert honest.dishonest_time(read_lecture(path)) == ""


@EACH
def test_every_number_in_a_lectures_text_has_a_ground(path):
    assert honest.unfounded(read_lecture(path)) == []


def test_words_formulas_and_exercises_take_their_time():
    text = "word " * 900
    assert honest.minutes(lecture(("markdown", text))) == pytest.approx(5, abs=0.1)
    assert honest.minutes(lecture(("markdown", "$$a = b$$\n\n$$c = d$$"))) == pytest.approx(2, abs=0.1)
    assert honest.minutes(lecture(("markdown", "{exercise 1.1}"))) > 5
    assert honest.dishonest_time(lecture(("markdown", text * 2))) == ""
    assert "takes" not in honest.dishonest_time(lecture(("markdown", text * 2)))
    assert "take 25" in honest.dishonest_time(lecture(("markdown", text * 5)))
    assert "how long" in honest.dishonest_time(lecture(about="As long as you like."))


def test_a_long_lecture_has_places_to_stop():
    hour = "word " * 180 * 45
    long = lecture(("markdown", hour), ("markdown", hour), about="About 90 min, CPU.")
    assert "place to stop" in honest.dishonest_time(long)
    stops = ("markdown", hour), ("markdown", "### A good place to stop\n\n" + hour)
    assert honest.dishonest_time(lecture(*stops, about="About 90 min, CPU.")) == ""


def test_numbers_are_found_where_they_are_claims():
    assert honest.numbers("It reads 91.5 % of them, and 8 % more, or 0.25 nats.") == ["91.5", "8", "0.25"]
    ignored = ["Lecture 05", "in 2016", "28 x 28 pixels", "`0.5`", "$p = 0.5$", "$$x = 0.5$$", "arXiv:1312.6114"]
    ignored += ["[a](https://a.b/1.5)", "version 3.11.2", "# About 0.5", "100 labels", "as in exercise 8.1"]
    for text in ignored:
        assert honest.numbers(text) == [], text


def test_a_number_needs_a_cell_or_a_source():
    claim = ("markdown", "It reads 91.5 % of them.")
    assert honest.unfounded(lecture(claim)) == ["10: 91.5"]
    assert honest.unfounded(lecture(("code", "assert round(100 * share, 1) == 91.5"), claim)) == []
    assert honest.unfounded(lecture(("code", "share = 0.915"), claim)) == []
    assert honest.unfounded(lecture(("markdown", "The report says 82.29 %."))) == []
    assert all(source for source in honest.facts().values())
