"""The figures of lecture 04: what they draw, what they say, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from a2d import widgets
from a2d.errors import DataError
from a2d.figures import f04_pairing

RNG = np.random.default_rng(0)


def pictures(k: int, value: float) -> np.ndarray:
    return np.full((k, 28, 28), value)


def test_picture_rows_tell_the_distance_of_each_row_to_the_reference():
    rows = {"mean": pictures(3, 0.5), "near": pictures(3, 0.51), "far": pictures(3, 1.0)}
    picture = f04_pairing.picture_rows(rows, "mean", ["a", "b", "c"])
    assert f"near {784 * 0.01**2:.2f}, far {784 * 0.25:.2f}" in picture.text
    assert "3 pictures" in picture.text
    axes = picture.figure.axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == list(rows)
    assert [t.get_text() for t in axes.get_xticklabels()] == ["a", "b", "c"]


def test_picture_rows_place_each_picture_in_its_row_and_column():
    images = RNG.random((2, 3, 28, 28))
    picture = f04_pairing.picture_rows({"one": images[0], "two": images[1]}, "one")
    sheet = picture.figure.axes[0].images[0].get_array()
    for row in range(2):
        for column in range(3):
            tile = sheet[30 * row + 1 : 30 * row + 29, 30 * column + 1 : 30 * column + 29]
            assert np.array_equal(tile, images[row, column])


def test_picture_rows_along_steps_tell_the_first_and_the_last():
    steps = np.stack([pictures(1, v)[0] for v in (1.0, 0.7, 0.5)])
    picture = f04_pairing.picture_rows({"goal": pictures(3, 0.5), "y": steps}, "goal", ["s1", "s2", "s3"], along=True)
    assert "y 196.00 (s1) to 0.00 (s3)" in picture.text


@pytest.mark.parametrize(
    ("rows", "reference", "columns"),
    [
        ({"a": pictures(2, 0), "b": pictures(3, 0)}, "a", None),
        ({"a": pictures(2, 0)}, "a", None),
        ({"a": pictures(2, 0), "b": pictures(2, 0)}, "c", None),
        ({"a": pictures(2, 0), "b": pictures(2, 0)}, "a", ["x"]),
    ],
)
def test_picture_rows_refuse_what_does_not_fit(rows, reference, columns):
    with pytest.raises(DataError):
        f04_pairing.picture_rows(rows, reference, columns)


@pytest.mark.parametrize(("power", "verb"), [(-1.0, "falls"), (-0.5, "falls"), (0.0, "stays"), (0.5, "rises")])
def test_decay_tells_the_slope(power, verb):
    steps = 2.0 ** np.arange(7)
    picture = f04_pairing.decay({"curve": dict(zip(steps, 3 * steps**power, strict=True))}, "step", "distance")
    assert f"curve: {verb}, 3 at 1, {3 * 64**power:.3g} at 64, slope {power:+.1f}." in picture.text


def test_decay_takes_plain_values_and_draws_references():
    picture = f04_pairing.decay({"a": [4, 2, 1], "b": [1, 1, 1]}, "step", "distance", {"level": 2.5})
    assert "a: falls, 4 at 1, 1 at 3" in picture.text
    assert "For comparison, level: 2.5." in picture.text
    axes = picture.figure.axes[0]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert [line.get_label() for line in axes.lines] == ["a", "b", "level"]


@pytest.mark.parametrize("values", [[1, 0], [1], {2: 1.0, 1: 1.0}])
def test_decay_refuses_what_has_no_place_on_its_axes(values):
    with pytest.raises(DataError):
        f04_pairing.decay({"a": values}, "step", "distance")


def test_near_what_counts_the_pictures_nearer_to_their_mean():
    picture = f04_pairing.near_what({"drawings": ([1, 1, 1, 9], [2, 2, 2, 3]), "real": ([9, 9], [1, 1])})
    assert "drawings: 75 % of 4 pictures" in picture.text
    assert "(medians 1.0 and 2.0)" in picture.text
    assert "real: 0 % of 2 pictures" in picture.text


def test_near_what_draws_a_sample_of_many_points_and_counts_all():
    a = RNG.uniform(1, 2, 5000)
    picture = f04_pairing.near_what({"many": (a, a + 1)})
    assert len(picture.figure.axes[0].lines[0].get_xdata()) <= 2000
    assert "100 % of 5000 pictures" in picture.text


@pytest.mark.parametrize("pair", [([1, 2], [1]), ([0, 1], [1, 1])])
def test_near_what_refuses_what_does_not_fit(pair):
    with pytest.raises(DataError):
        f04_pairing.near_what({"drawings": pair})


def test_two_faults_tell_both_measures_and_draw_each_seed():
    picture = f04_pairing.two_faults({"images": ([0.07], [1.0]), "drawings": ([0.3, 0.2], [0.1, 0.2])})
    assert "images 0.070 and 1.00, drawings 0.250 and 0.15" in picture.text
    axes = picture.figure.axes[0]
    assert [len(line.get_xdata()) for line in axes.lines] == [1, 1, 2, 1]
    assert axes.get_legend_handles_labels()[1] == ["images", "drawings"]


@pytest.mark.parametrize("pair", [([0.1, 0.2], [1.0]), ([-0.1], [1.0]), ([0.1],)])
def test_two_faults_refuse_what_does_not_fit(pair):
    with pytest.raises(DataError):
        f04_pairing.two_faults({"drawings": pair})


def test_losses_tell_the_ends_and_the_distance_to_the_floor():
    picture = f04_pairing.losses({"random": [300, 180, 170, 160], "mean": [300, 170, 160, 150]}, 140)
    assert "random 160.0 (+20.0), mean 150.0 (+10.0)" in picture.text
    assert "after 4 epochs" in picture.text
    assert max(picture.figure.axes[0].lines[0].get_ydata()) == 180  # the first epoch is left out


def test_losses_below_the_floor_are_told_with_their_sign():
    assert "fixed 139.0 (-1.0)" in f04_pairing.losses({"fixed": [150, 139]}, 140).text


@pytest.mark.parametrize("curves", [{"a": [1, 2], "b": [1]}, {"a": [1, np.inf]}])
def test_losses_refuse_what_does_not_fit(curves):
    with pytest.raises(DataError):
        f04_pairing.losses(curves, 1.0)


def test_the_same_input_gives_the_same_bytes():
    def make() -> bytes:
        return f04_pairing.decay({"a": [3, 2, 1]}, "step", "distance").png()

    assert make() == make()
    assert make()[:4] == b"\x89PNG"


def test_the_trick_begins_with_as_many_targets_as_are_asked_for():
    pytest.importorskip("anywidget")
    labels = np.arange(20) % 10
    pixels = RNG.integers(0, 256, (20, 28, 28)).astype(np.uint8)
    assert "After 20 random targets" in widgets.target_trick(pixels, labels, digit=3, n=20).text
