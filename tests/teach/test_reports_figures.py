"""The figures of a graded class: what they say is what the numbers are, and bad input is named."""

from __future__ import annotations

import pytest
from pictures import check_picture, check_texts_within_the_page

from a2d.errors import DataError
from teach.reports import figures

LOOKS = {"right": ("#009E73", ""), "wrong": ("#D55E00", "xx"), "empty": ("#FFFFFF", "..")}
COUNTS = {"1.1 frames": {"right": 3, "wrong": 1}, "1.2 power $x_1": {"right": 1, "empty": 3}}
MISTAKES = [("1.2", "the window is not used " * 6, 7, 20), ("3.1", "the sign is turned", 3, 4)]

PICTURES = {
    "totals": lambda: figures.totals([0.25, 0.4, 0.6, 1.0]),
    "means": lambda: figures.mean_points({"1.1 frames": (2.5, 3), "1.2 power $x_1": (0.5, 2)}),
    "outcomes": lambda: figures.outcomes(COUNTS, LOOKS),
    "misconceptions": lambda: figures.misconceptions(MISTAKES),
}


@pytest.mark.parametrize("name", PICTURES)
def test_each_is_drawn_always_the_same_and_within_the_page(name, monkeypatch):
    check_picture(PICTURES[name], 1)
    check_texts_within_the_page(PICTURES[name](), monkeypatch)


def test_the_words_tell_the_findings():
    said = {name: make().text for name, make in PICTURES.items()}
    assert "Half of the 4 students have 50 % of the points or more; the totals go from 25 % to 100 %." in said["totals"]
    assert "2 students (50 %) have less than half" in said["totals"]
    assert said["means"].startswith("On average 54 % of an exercise's points are earned.")
    assert "Most in 1.1 frames (83 %), least in 1.2 power $x_1 (25 %)." in said["means"]
    assert "Of all answers: right 50.0 %, wrong 12.5 %, empty 37.5 %." in said["outcomes"]
    assert "Most often wrong: 1.1 frames (25 %). Most often empty: 1.2 power $x_1 (75 %)." in said["outcomes"]
    assert "in exercise 1.2, \N{LEFT DOUBLE QUOTATION MARK}the window is not used" in said["misconceptions"]
    assert said["misconceptions"].endswith("7 students of 20 who answered it.")


def test_outcomes_differ_by_more_than_colour_and_fill_each_bar():
    axes = PICTURES["outcomes"]().figure.axes[0]
    hatches = [container[0].get_hatch() or "" for container in axes.containers]
    assert len(set(hatches)) == len(hatches) == 3
    for row in range(2):
        assert sum(container[row].get_width() for container in axes.containers) == pytest.approx(1)
    assert [bar.get_width() for bar in axes.containers[0]] == [0.75, 0.25]
    # A later outcome begins where those before it end.
    assert axes.containers[2][1].get_x() == pytest.approx(0.25)


def test_bars_are_as_long_as_what_they_stand_for():
    bars = PICTURES["means"]().figure.axes[0].patches
    assert [bar.get_width() for bar in bars] == pytest.approx([2.5 / 3, 0.25])
    assert [bar.get_width() for bar in PICTURES["misconceptions"]().figure.axes[0].patches] == [7, 3]
    assert sum(bar.get_height() for bar in PICTURES["totals"]().figure.axes[0].patches) == 4


def test_a_whole_course_stays_within_the_page(monkeypatch):
    many = {f"{n // 6 + 1}.{n % 6 + 1} {'a title of some length ' * 3}": (1.0, 2) for n in range(48)}
    check_texts_within_the_page(figures.mean_points(many), monkeypatch)
    check_texts_within_the_page(figures.outcomes({name: {"right": 2} for name in many}, LOOKS), monkeypatch)


@pytest.mark.parametrize(
    "call",
    [
        lambda: figures.totals([]),
        lambda: figures.totals([1.2]),
        lambda: figures.mean_points({}),
        lambda: figures.mean_points({"1.1": (3, 2)}),
        lambda: figures.mean_points({"1.1": (0, 0)}),
        lambda: figures.mean_points({f"1.{n}": (1, 2) for n in range(121)}),
        lambda: figures.outcomes({"1.1": {}}, LOOKS),
        lambda: figures.outcomes({"1.1": {"right": 1, "odd": 2}}, LOOKS),
        lambda: figures.outcomes({"1.1": {"right": -1, "wrong": 2}}, LOOKS),
        lambda: figures.misconceptions([]),
        lambda: figures.misconceptions([("1.1", "odd", 5, 4)]),
    ],
)
def test_what_cannot_be_drawn_is_refused(call):
    with pytest.raises(DataError):
        call()
