"""The figures of lecture 11: their words tell of the data, and bad input is refused."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import check_picture

from a2d.errors import DataError
from a2d.figures import f11_voice as figures

RNG = np.random.default_rng(0)
IMAGE = RNG.random((28, 28))
ENERGY = 10 ** (np.array([-5.0, -70, -70, -70, -20, 0, -30, -70]) / 10)
LOSSES = {1.0: 1.5, 0.1: 0.5, 0.01: 0.75}

PICTURES = {
    "takes": lambda: figures.counted_takes([3, 3, 3, 3, 3, 3, 3, 2, 3, 4], 3),
    "enough": lambda: figures.counted_takes([1] * 10, 1),
    "no goal": lambda: figures.counted_takes([0] * 9 + [1], 0),
    "row": lambda: figures.in_a_row({"one": IMAGE, "a long name of a generator": 1 - IMAGE}, 7, [7, 1]),
    "heard": lambda: figures.takes_heard([0.1, 0.5, 0.9], [0.8, 0.5, 0.7], [3, 3, 7]),
    "cut": lambda: figures.cut_out(ENERGY, 0.02, (0.08, 0.14), 35.0),
    "strength": lambda: figures.by_strength(LOSSES, 2.0),
    "weakest": lambda: figures.by_strength({0.1: 0.5, 1.0: 1.5}, 2.0),
}


PANELS = {name: 1 for name in PICTURES} | {"row": 2}


@pytest.mark.parametrize("name", PICTURES)
def test_each_has_its_panels_and_is_always_the_same(name):
    check_picture(PICTURES[name], PANELS[name])


def test_the_words_tell_the_findings():
    said = {name: make().text for name, make in PICTURES.items()}
    assert said["takes"] == "30 takes kept; fewer than 3 of 7."
    assert said["enough"] == "10 takes kept; at least 1 of each digit."
    assert said["no goal"] == "1 take kept."
    assert said["row"] == "Spoken was 7. Read are: one as 7, a long name of a generator as 1."
    assert said["heard"] == (
        "Of 3 takes the second ear is surer of what was said in 1, less sure in 1; on average 50 % before, 67 % after."
    )
    assert said["cut"] == "The word lies from 0.08 to 0.14 s of 0.16 s; 1 frame of sound outside it cut off."
    assert said["strength"].endswith("From strong to weak: 1 1.50, 0.1 0.50, 0.01 0.75. Least with 0.1.")
    assert said["weakest"].endswith("Least with 0.1, the weakest.")


def test_a_misread_picture_is_marked_without_colour_too():
    axes = PICTURES["row"]().figure.axes
    titles = [one.get_title() for one in axes]
    assert titles[0].strip() == "one\nread 7"
    assert titles[1].endswith("\N{MULTIPLICATION X} read 1")
    assert len(axes[1].patches) == 1


def test_lines_go_from_the_first_ear_to_the_second():
    axes = PICTURES["heard"]().figure.axes[0]
    before, after = (next(line for line in axes.lines if line.get_label() == name) for name in ("before", "after"))
    np.testing.assert_allclose(before.get_xdata(), [0.1, 0.5, 0.9])
    np.testing.assert_allclose(after.get_xdata(), [0.8, 0.5, 0.7])
    np.testing.assert_allclose(before.get_ydata(), [2.7, 3.3, 7])


BROKEN = {
    "nine digits": lambda: figures.counted_takes([1] * 9, 1),
    "half a take": lambda: figures.counted_takes([0.5] * 10, 1),
    "less than no goal": lambda: figures.counted_takes([1] * 10, -1),
    "another size": lambda: figures.in_a_row({"a": IMAGE[:20]}, 7, [7]),
    "no reading": lambda: figures.in_a_row({"a": IMAGE, "b": IMAGE}, 7, [7]),
    "no digit": lambda: figures.in_a_row({"a": IMAGE}, 10, [7]),
    "too many": lambda: figures.in_a_row({str(k): IMAGE for k in range(13)}, 7, [7] * 13),
    "no picture": lambda: figures.in_a_row({}, 7, []),
    "other takes": lambda: figures.takes_heard([0.1], [0.8, 0.5], [3]),
    "no probability": lambda: figures.takes_heard([1.1], [0.8], [3]),
    "no energy": lambda: figures.cut_out([0.0, 1], 0.02, (0, 0.02), 35.0),
    "backwards": lambda: figures.cut_out(ENERGY, 0.02, (0.14, 0.08), 35.0),
    "one strength": lambda: figures.by_strength({1.0: 1.5}, 2.0),
    "no strength": lambda: figures.by_strength({0.0: 1.5, 1.0: 2.0}, 2.0),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_drawn_is_refused(name):
    with pytest.raises(DataError):
        BROKEN[name]()
