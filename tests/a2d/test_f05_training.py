"""The figures of lecture 05: what their words tell of their data, and how bad input is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from a2d.errors import DataError
from a2d.figures import f05_training as figures

RNG = np.random.default_rng(0)
DRAWN = RNG.random((3, 4, 28, 28))
ROWS, COLUMNS = np.indices((28, 28))
CHESS = 1.0 + 2 * ((ROWS + COLUMNS) % 2)
FEATURES = RNG.normal(size=(50, 6)) * [40, 10, 5, 2, 1, 0.5]
MATRIX = np.array([[1.0, 2, 3, 0, 0], [0, 0, 1, 2, 3]])
LEVELS = {"without the sound": 180.0, "the best": 140.0}
CURVE = [300.0, 190.0, 170.0, 160.0]
BROKEN = [300.0, 250.0, np.nan, np.nan]

PICTURES = {
    "scales": lambda: figures.feature_scales(FEATURES, FEATURES / FEATURES.std(axis=0)),
    "matrices": lambda: figures.convolution_matrices(MATRIX),
    "checkerboards": lambda: figures.checkerboards({"uneven": CHESS, "even": np.ones((28, 28))}, "inputs"),
    "one map": lambda: figures.checkerboards({"uneven": CHESS}, "inputs"),
    "schedules": lambda: figures.schedules([0.1, 0.2, 0.1, 0.0], [0, 0.5, 1, 1]),
    "levels": lambda: figures.loss_and_accuracy(CURVE, {"evaluator": [0.1, 0.1, 0.4, 0.6]}, LEVELS),
    "epochs": lambda: figures.drawings_by_epoch(DRAWN, [1, 2, 10], [1, 2, 3, 4]),
    "patients": lambda: figures.patients({"A": (CURVE, CURVE[::-1]), "B": (BROKEN, BROKEN)}, LEVELS),
    "rows": lambda: figures.digit_rows({"chess": np.stack([CHESS / 3] * 4), "drawn": DRAWN[0]}, [1, 2, 3, 4]),
    "samples": lambda: figures.samples_and_mean(DRAWN[0], DRAWN[1:], [1, 2, 3, 4]),
}


@pytest.mark.parametrize("name", PICTURES)
def test_each_is_drawn_without_a_warning_and_always_the_same(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = PICTURES[name](), PICTURES[name]()
        assert first.png() == second.png()
    assert first.text == second.text
    assert first.text.endswith(".")
    for axes in first.figure.axes:
        assert axes.get_xlabel() or axes.get_ylabel() or axes.get_title()


def test_scales_name_the_largest_and_the_smallest_feature():
    text = PICTURES["scales"]().text
    spread = FEATURES.std(axis=0)
    assert f"coefficient 0 varies most (standard deviation {spread[0]:.1f})" in text
    assert f"coefficient 5 least ({spread[5]:.2f}): {spread[0] / spread[5]:.0f} times less" in text
    assert f"{100 * spread[0] ** 2 / (spread**2).sum():.0f} % of the variance" in text
    assert "Standardised, all are 1.00" in text


def test_matrices_tell_how_many_inputs_meet():
    text = PICTURES["matrices"]().text
    assert "each output gathers 3 of 5 inputs" in text
    assert "an output gets 1 to 2 of them" in text


def test_a_checkerboard_is_told_from_an_even_map_and_from_a_bright_border():
    text = PICTURES["checkerboards"]().text
    assert "uneven: 1 to 3 (3.00 x), a checkerboard" in text
    assert "even: 1 to 1 (1.00 x), no checkerboard" in text
    framed = np.ones((28, 28))
    framed[0] = framed[:, 0] = 9
    assert "(1.00 x), no checkerboard" in figures.checkerboards({"framed": framed}, "inputs").text


def test_schedules_tell_where_the_peak_is():
    text = PICTURES["schedules"]().text
    assert "its highest value, 0.2, at step 1" in text
    assert "reaches at step 2" in text


def test_levels_tell_when_the_first_is_passed_and_how_far_the_loss_gets():
    text = PICTURES["levels"]().text
    assert "first is below 180.0 in epoch 3 and ends at 160.0, 50 % of the way" in text
    assert "evaluator: 40 % after that epoch, 60 % at the end" in text
    above = figures.loss_and_accuracy([300.0, 200.0], {"evaluator": [0.1, 0.1]}, LEVELS).text
    assert "ends at 200.0 and does not fall below the first" in above


def test_patients_tell_how_each_training_begins_and_ends():
    text = PICTURES["patients"]().text
    assert "A: training 300 to 160; validation 160 to 300" in text
    assert "B: training 300 to 250, then no number from epoch 3 on" in text


def test_a_chessboard_is_all_fine_pattern_and_a_wide_wave_has_none():
    wave = 0.5 + 0.4 * np.sin(2 * np.pi * COLUMNS / 28)
    assert figures.fine_pattern([CHESS, wave]) == pytest.approx([1, 0], abs=1e-9)
    assert figures.fine_pattern(np.zeros((28, 28))) == 0
    assert "chess: greyness 0.444, fine pattern 100.00 %" in PICTURES["rows"]().text


def test_drawings_tell_how_much_they_change():
    text = PICTURES["epochs"]().text
    change = np.abs(DRAWN[1] - DRAWN[0]).mean()
    assert f"changes by {change:.3f}, " in text
    assert f"after epoch 10 by {DRAWN[2].std(axis=0).mean():.3f}" in text


def test_samples_tell_their_spread_and_their_greyness():
    text = PICTURES["samples"]().text
    assert f"differ by {DRAWN[1:].std(axis=0).mean():.3f} per pixel" in text
    assert f"{(4 * DRAWN[0] * (1 - DRAWN[0])).mean():.3f} with the mean latent" in text


@pytest.mark.parametrize(
    "bad",
    [
        lambda: figures.feature_scales(FEATURES, FEATURES[:, :2]),
        lambda: figures.feature_scales(np.ones((5, 2)), np.ones((5, 2))),
        lambda: figures.checkerboards({"small": np.ones((6, 6))}, "inputs"),
        lambda: figures.checkerboards({"dark": np.zeros((28, 28))}, "inputs"),
        lambda: figures.schedules([0.1, 0.2], [1.0]),
        lambda: figures.loss_and_accuracy(CURVE, {"evaluator": [0.1]}, LEVELS),
        lambda: figures.loss_and_accuracy(CURVE, {"evaluator": [0.1] * 4}, {"low": 1.0, "high": 2.0}),
        lambda: figures.drawings_by_epoch(DRAWN, [1, 3, 2], [1, 2, 3, 4]),
        lambda: figures.drawings_by_epoch(DRAWN, [1, 2, 3], [1, 2]),
        lambda: figures.samples_and_mean(DRAWN[0], DRAWN[1:, :2], [1, 2, 3, 4]),
        lambda: figures.patients({"A": (CURVE, CURVE[:2])}, LEVELS),
        lambda: figures.patients({"A": ([np.nan] * 4, CURVE)}, LEVELS),
        lambda: figures.digit_rows({"a": DRAWN[0], "b": DRAWN[0, :2]}, [1, 2, 3, 4]),
    ],
)
def test_bad_input_is_refused(bad):
    with pytest.raises(DataError):
        bad()
