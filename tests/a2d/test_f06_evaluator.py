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
CURVE = {"accuracy": [0.9, 0.5], "confidence": [0.8, 0.3]}
MAP = np.zeros((28, 28))
MAP[5, 7], MAP[21, 9] = 2.0, -1.5

PICTURES = {
    "maps": lambda: figures.feature_maps(
        IMAGES[0, 0], {"conv1": np.eye(4)[None].repeat(3, 0), "b": np.ones((3, 2, 2))}
    ),
    "errors": lambda: figures.errors_by_epoch({"one": [0.97, 0.99], "two": [0.96, 0.98, 0.985]}, 10_000),
    "reliability": lambda: figures.reliability_diagram({"ours": (SURE, RIGHT), "theirs": (SURE / 2, RIGHT)}),
    "blur": lambda: figures.steps_of_blur(IMAGES, ["sharp", "blurred"], [1, 2, 3], [[1, 2, 3], [1, 7, 7]]),
    "fading": lambda: figures.fading([0, 1], {"blurred": CURVE, "dimmed": CURVE}, "sigma", {"drawn": (0.5, 0.7)}),
    "means": lambda: figures.class_means_read({"a": (range(10), [0.9] * 10), "b": ([0] * 10, [0.2] * 10)}),
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
    assert "one: 3.00 % misread after epoch 1, 1.00 % after epoch 2 (100 of 10,000 images)" in said["errors"]
    assert "ours: mean confidence 72.0 %, read right 40.0 %, too sure by 32.0 points" in said["reliability"]
    assert "theirs: mean confidence 36.0 %, read right 40.0 %, not sure enough by 4.0 points" in said["reliability"]
    assert said["blur"] == "Of 3 pictures are read right: sharp: 3, blurred: 1."
    assert "dimmed: as sigma goes from 0 to 1, the accuracy goes from 90 % to 50 %" in said["fading"]
    assert "a reads 10 of the ten class means right, with a mean confidence of 90 %; b reads 1 of" in said["means"]
    assert "hidden: most for it at row 5, column 7 (+2.00), most against it at row 21, column 9" in said["where"]


BROKEN = {
    "another number of maps": lambda: figures.feature_maps(IMAGES[0, 0], {"a": MAP[None], "b": IMAGES[0]}),
    "confidence above 1": lambda: figures.reliability_diagram({"a": ([1.2], [True])}),
    "a reading is missing": lambda: figures.steps_of_blur(IMAGES, ["a", "b"], [1, 2, 3], [[1, 2], [1, 2]]),
    "falling steps": lambda: figures.fading([1, 0], {"a": CURVE}, "sigma"),
    "nine means": lambda: figures.class_means_read({"a": (range(10), [0.5] * 9)}),
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
