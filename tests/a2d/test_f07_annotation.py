"""The figures of lecture 07: their words tell of the data, and bad input is refused."""

from __future__ import annotations

import numpy as np
import pytest

from a2d.annotation import agreement
from a2d.errors import DataError
from a2d.figures import f07_annotation

IMAGES = np.random.default_rng(0).random((5, 28, 28))
SPOKEN = [0, 1, 2, 3, 4]
CURVES = {"light": {0: [0.9], 10: [0.8, 0.9]}, "dark": {0: [0.02], 10: [0.4, 0.5]}}
COUNTS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
MORE = [0, 1, 2, 3, 4, 5, 6, 7, 8, 29]
ROWS = {"good": {"before": 0.8, "after": 0.85}, "bad": {"before": 0.01, "after": 0.9}}


def table(a: list, b: list) -> np.ndarray:
    return agreement(a, b)["confusion"]


PICTURES = {
    "disputed": lambda: f07_annotation.disputed(IMAGES, SPOKEN, [0, 7, "unreadable", 3, 4]),
    "readers": lambda: f07_annotation.readers(table([1, 2, "unreadable"], [1, 3, 2]), ("ada", "bob")),
    "differences": lambda: f07_annotation.differences(
        {"a": (0.02, 0.01, 0.03), "b": (-0.5, -0.6, -0.4), "c": (0, -0.1, 0.1)}
    ),
    "accuracy_by_images": lambda: f07_annotation.accuracy_by_images(CURVES),
    "judged": lambda: f07_annotation.judged(ROWS, "read as asked"),
    "errors_by_digit": lambda: f07_annotation.errors_by_digit({"before": [COUNTS], "after": [COUNTS, MORE]}),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_figure_is_drawn_the_same_twice_and_says_something(name):
    first, second = PICTURES[name](), PICTURES[name]()
    assert first.png() == second.png()
    assert first.text[0].isupper() or first.text[0].isdigit() or name == "differences"
    assert first.text.endswith(".")


def test_disputed_shows_only_what_differs():
    picture = PICTURES["disputed"]()
    assert [axes.get_title() for axes in picture.figure.axes] == ["spoken 1\nread 7", "spoken 2\nnot readable"]
    expected = "2 of 5 pictures are not labelled with the spoken digit: 1 cannot be read, 1 is read as another digit"
    assert picture.text == f"{expected}: 1 as 7 (1 x)."


def test_readers_tells_agreement_and_kappa():
    a, b = [0, 0, 1, 1, "unreadable"], [0, 1, 1, 1, "unreadable"]
    text = f07_annotation.readers(table(a, b), ("ada", "bob")).text
    assert "Ada and bob give the same label to 4 of 5 pictures (80 %)" in text
    assert f"kappa is {agreement(a, b)['kappa']:.2f}" in text
    assert "0 against 1, 1 picture." in text
    same = f07_annotation.readers(table([3, 3], [3, 3]), ("ada", "bob")).text
    assert "kappa" not in same
    assert same.endswith("They never differ.")


def test_differences_tells_on_which_side_of_zero_an_interval_lies():
    text = PICTURES["differences"]().text
    assert "a: +2.0 points, 95 % interval +1.0 to +3.0, so it gains." in text
    assert "so it loses" in text.partition("b:")[2].partition("c:")[0]
    assert "so it may be nothing" in text.partition("c:")[2]


def test_accuracy_by_images_tells_means():
    light, dark = PICTURES["accuracy_by_images"]().text.split("; ")
    assert light == "Light: read as spoken are 90 % with none, 85 % with 10"
    assert dark == "dark: read as spoken are 2 % with none, 45 % with 10."


def test_judged_names_the_largest_step():
    assert PICTURES["judged"]().text.endswith("The largest step from before to after: +89 points, bad.")


def test_errors_by_digit_names_the_digit_that_suffers_most():
    text = PICTURES["errors_by_digit"]().text
    assert text == "Before: 45 misread; after: 55, most new ones: 9 (from 9 to 19)."


@pytest.mark.parametrize(
    "draw",
    [
        lambda: f07_annotation.disputed(IMAGES, SPOKEN, SPOKEN),
        lambda: f07_annotation.disputed(IMAGES, SPOKEN, [0, 1, 2, 3]),
        lambda: f07_annotation.readers(np.ones((10, 10)), ("a", "b")),
        lambda: f07_annotation.differences({"a": (0.1, 0.2, 0.3)}),
        lambda: f07_annotation.differences({"a": (0.1, 0.0)}),
        lambda: f07_annotation.accuracy_by_images({"a": {0: [0.5], 10: [1.5]}}),
        lambda: f07_annotation.accuracy_by_images({"a": {0: [0.5], 10: [0.5]}, "b": {0: [0.5], 20: [0.5]}}),
        lambda: f07_annotation.judged({"a": {"x": 0.5}, "b": {"y": 0.5}}),
        lambda: f07_annotation.errors_by_digit({"a": [[1] * 9]}),
        lambda: f07_annotation.errors_by_digit({"a": [[-1] + [0] * 9]}),
    ],
)
def test_bad_input_is_refused(draw):
    with pytest.raises(DataError):
        draw()
