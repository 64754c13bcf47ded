"""The figures of lecture 06: their words tell of the data, and bad input is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from a2d.errors import DataError
from a2d.figures import f06_evaluator as figures

RNG = np.random.default_rng(0)
IMAGES = RNG.random((2, 3, 28, 28))
SURE = np.array([0.15, 0.55, 0.95, 0.95, 1.0])
RIGHT = np.array([False, False, True, True, False])
CURVES = {"one": [0.9, 0.5], "other": [0.8, 0.3]}
MARKS = {"a": (0.5, [0.4, 0.6]), "b": (0.5, [0.9])}
READ = {
    "one": [([1, 2, 3], [0.9, 0.8, 0.7]), ([1, 7, 7], [0.3, 0.2, 0.1])],
    "other": [([1, 2, 3], [1, 1, 1]), ([1, 2, 9], [0.5, 0.5, 0.5])],
}
MAP = np.zeros((28, 28))
MAP[5, 7], MAP[21, 9] = 2.0, -1.5

PICTURES = {
    "maps": lambda: figures.feature_maps(
        IMAGES[0, 0], {"conv1": np.eye(4)[None].repeat(3, 0), "b": np.ones((3, 2, 2))}
    ),
    "reliability": lambda: figures.reliability_diagram({"ours": (SURE, RIGHT), "theirs": (SURE / 2, RIGHT)}),
    "fading": lambda: figures.fading([0, 1], {"blurred": CURVES, "dimmed": CURVES}, "sigma"),
    "blur": lambda: figures.blur_curves([0, 1], {"a": [[1.0, 0.5], [0.9, 0.7]], "b": [[1.0, 0.8]]}, MARKS),
    "read": lambda: figures.pictures_read({"sharp": IMAGES[0], "blurred": IMAGES[1]}, [1, 2, 3], READ),
    "where": lambda: figures.where_it_looks(IMAGES[0, 0], {"hidden": MAP, "gradient": -MAP}, ["nats", "nats"]),
}


@pytest.mark.parametrize("name", PICTURES)
def test_each_is_drawn_without_a_warning_and_always_the_same(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = PICTURES[name](), PICTURES[name]()
        assert first.png() == second.png()
    assert first.text == second.text
    assert first.text.endswith(".")


def test_the_words_tell_the_findings():
    said = {name: make().text for name, make in PICTURES.items()}
    assert "conv1: 25 % of the values are above 0; b: 100 %" in said["maps"]
    assert "ours: mean confidence 72.0 %, read right 40.0 %, too sure by 32.0 points" in said["reliability"]
    assert "theirs: mean confidence 36.0 %, read right 40.0 %, not sure enough by 4.0 points" in said["reliability"]
    assert "dimmed, sigma from 0 to 1: one 90 % to 50 %, other 80 % to 30 %." in said["fading"]
    assert "a: sharp images 95 %, images as unsharp as the drawings 77 %, drawings 50 %; b: sharp" in said["blur"]
    assert "blurred: one reads 1 of 3 right, mean confidence 20 %; blurred: other reads 2 of 3" in said["read"]
    assert "hidden: most for it at row 5, column 7 (+2.00), most against it at row 21, column 9" in said["where"]


BROKEN = {
    "another number of maps": lambda: figures.feature_maps(IMAGES[0, 0], {"a": MAP[None], "b": IMAGES[0]}),
    "confidence above 1": lambda: figures.reliability_diagram({"a": ([1.2], [True])}),
    "a reading is missing": lambda: figures.pictures_read({"a": IMAGES[0]}, [1, 2, 3], {"a": [([1], [1])], "b": []}),
    "falling steps": lambda: figures.fading([1, 0], {"a": CURVES}, "sigma"),
    "a step is missing": lambda: figures.blur_curves([0, 1, 2], {"a": [[1.0, 0.5]]}, MARKS),
    "another size": lambda: figures.where_it_looks(np.zeros((8, 8)), {"a": MAP}, ["nats"]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_bad_input_is_refused(name):
    with pytest.raises(DataError):
        BROKEN[name]()


def test_the_interval_of_a_bin_is_wilsons_and_never_empty():
    low, high = figures._wilson(np.array([1.0, 0.5]), np.array([4, 100]))
    np.testing.assert_allclose(low, [4 / (4 + 1.96**2), 0.40383], atol=1e-4)
    np.testing.assert_allclose(high, [1.0, 0.59617], atol=1e-4)
