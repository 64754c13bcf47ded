"""The figures of lecture 10: their words tell of the data, and bad input is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from a2d.errors import DataError
from a2d.figures import f10_ears as figures

RNG = np.random.default_rng(0)
SOUND = RNG.normal(size=(6, 9))
# Low bands that stay, high ones that change by 2 with each frame; and the other way round.
QUICK = np.stack([np.zeros(8), np.zeros(8), np.zeros(8), *[np.arange(8) % 2 * 2.0] * 3])
PITCHES = {"log-mel": np.linspace(50, 4000, 6), "scalogram": np.geomspace(80, 3800, 6)}
EARS = {"mean": [0.2, 0.4], "whole": [0.5, 0.9]}
SEEDS = {"strangers": {"one": [0.9, 0.92], "two": [0.7, 0.8]}, "noise": {"one": [0.6, 0.62], "two": [0.65, 0.7]}}
WORTH = {"all": [0.9, 0.8], "without noise": [0.88, 0.76], "none": [0.5, 0.5]}
SAYS = np.array([0.02] * 7 + [0.8, 0.04, 0.02])

PICTURES = {
    "sounds": lambda: figures.sounds({"a": SOUND, "b": SOUND + 3, "c": SOUND - 1}, "a", 0.01, columns=2),
    "silence": lambda: figures.sounds({"a": 0 * SOUND, "b": 0 * SOUND}, "b", 0.01),
    "fronts": lambda: figures.two_fronts({"log-mel": QUICK, "scalogram": QUICK[::-1]}, PITCHES, 0.02),
    "noise": lambda: figures.in_noise([-5, 10], EARS, {"mean": 0.7, "whole": 0.95}),
    "refused": lambda: figures.refused({"digits": [0.0, 0.1, 0.2, 0.9], "noise": [0.99, 1.0]}, 0.5),
    "compared": lambda: figures.compared(SEEDS),
    "one": lambda: figures.compared({"strangers": {"one": [0.9]}}, low=0.5),
    "worth": lambda: figures.worth(WORTH, "all"),
    "voices": lambda: figures.voices({5: [0.2, 0.2], 20: [0.8], 80: [0.9]}),
    "ear": lambda: figures.ear_panels(SOUND, SAYS, 0.03, 0.02, told="noise, 5 dB"),
    "none": lambda: figures.ear_panels(SOUND, SAYS, 0.7, 0.02, told="no noise", limit=0.25),
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
    assert said["sounds"].endswith("in dB: b 3.00, c 1.00.")
    assert "log-mel: 0.00 in low bands, 2.00 in high ones" in said["fronts"]
    assert "scalogram: 2.00 in low bands, 0.00 in high ones (0.0 times)" in said["fronts"]
    assert "mean 70 % without noise, 40 % at 10 dB, 20 % at -5 dB; whole 95 %" in said["noise"]
    assert said["refused"] == "Above the limit of 0.5, and so refused: digits 25.0 %, noise 100.0 %."
    assert said["compared"] == "strangers: one 91.0 %, two 75.0 %. noise: two 67.5 %, one 61.0 %."
    assert said["worth"] == "All: 85.0 %. Against it, in points: none -35.0, without noise -3.0."
    assert "5 voices 80.0 %, 20 voices 20.0 %, 80 voices 10.0 %" in said["voices"]
    # A quarter is left after two doublings, so a half after each; then a half after two.
    assert "at first (from 5 to 20) 50 %, at last (from 20 to 80) 71 %." in said["voices"]
    assert said["ear"] == 'Noise, 5 dB: the ear says 7 with 80 %, 8 with 4 %; "no digit" has 3 %.'
    assert "refused, since it is no digit with 70 % (limit 25.0 %). Else the ear says 7" in said["none"]


def test_dots_stand_where_the_numbers_are():
    axes = PICTURES["worth"]().figure.axes[0]
    dots = [line.get_xdata() for line in axes.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(dots[0], [-2, -4])  # seed by seed
    axes = PICTURES["voices"]().figure.axes[0]
    np.testing.assert_allclose(axes.lines[-1].get_ydata(), [0.8, 0.2, 0.1])
    axes = PICTURES["refused"]().figure.axes[0]
    limit = next(line for line in axes.lines if line.get_label() == "limit")
    assert limit.get_xdata()[0] == 0  # even odds


def test_pitches_that_would_touch_get_no_label():
    axes = PICTURES["fronts"]().figure.axes
    marks = [[t.get_text() for t in one.get_yticklabels()] for one in axes[:2]]
    assert marks[1] == ["100", "200", "500", "1000", "2000", "3500"]
    assert len(marks[0]) < 6


BROKEN = {
    "another shape": lambda: figures.sounds({"a": SOUND, "b": SOUND[:5]}, "a", 0.01),
    "no reference": lambda: figures.sounds({"a": SOUND, "b": SOUND}, "c", 0.01),
    "nothing to compare": lambda: figures.sounds({"a": SOUND}, "a", 0.01),
    "too small": lambda: figures.sounds({"a": SOUND[:2], "b": SOUND[:2]}, "a", 0.01),
    "no time": lambda: figures.sounds({"a": SOUND, "b": SOUND}, "a", 0.0),
    "NaN": lambda: figures.sounds({"a": SOUND, "b": SOUND * np.nan}, "a", 0.01),
    "pitches of others": lambda: figures.two_fronts({"a": QUICK}, {"b": np.arange(1, 7)}, 0.01),
    "too few pitches": lambda: figures.two_fronts({"a": QUICK}, {"a": np.arange(1, 6)}, 0.01),
    "falling levels": lambda: figures.in_noise([10, -5], EARS, {"mean": 0.7, "whole": 0.9}),
    "other ears": lambda: figures.in_noise([-5, 10], EARS, {"mean": 0.7}),
    "no share": lambda: figures.in_noise([-5, 10], {"a": [0.5, 1.2]}, {"a": 0.5}),
    "no probability": lambda: figures.refused({"a": [-0.1]}, 0.5),
    "no limit": lambda: figures.refused({"a": [0.1]}, 2.0),
    "other systems": lambda: figures.compared({"x": {"a": [0.5]}, "y": {"b": [0.5]}}),
    "nothing to lose": lambda: figures.worth({"all": [0.5]}, "all"),
    "no such row": lambda: figures.worth(WORTH, "every"),
    "falling voices": lambda: figures.voices({20: [0.5], 5: [0.4]}),
    "all right": lambda: figures.voices({5: [0.5], 20: [1.0]}),
    "nine digits": lambda: figures.ear_panels(SOUND, SAYS[:9], 0.1, 0.02, told="x"),
    "no sound": lambda: figures.ear_panels(SOUND[0], SAYS, 0.1, 0.02, told="x"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_drawn_is_refused(name):
    with pytest.raises(DataError):
        BROKEN[name]()
