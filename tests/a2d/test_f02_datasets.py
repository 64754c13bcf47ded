"""The figures of lecture 02: what they hold, what their words tell of their data, and how bad input is refused."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import check_picture, check_texts_within_the_page

from a2d.errors import DataError
from a2d.figures import f02_datasets

RNG = np.random.default_rng(0)
DIGITS = np.tile(np.arange(10), 40)
SPEAKERS = np.repeat([f"{n:02d}" for n in range(20)], 20)
LEVELS = -30.0 + 10 * (SPEAKERS == "07") + RNG.normal(0, 0.1, 400)
SECONDS = 0.4 + 0.02 * DIGITS
IMAGES = np.zeros((40, 28, 28))
LABELS = np.arange(40) % 10
for number, label in enumerate(LABELS):
    IMAGES[number, : 2 * label + 2, :14] = 1.0
WAVE = np.sin(np.arange(4000) / 5)
WALKS = {"slow": [2.0, 1.9, 1.8], "too fast": [2.0, -1.9, 1.8]}
CURVES = {"training": [3.0, 2.0, 1.0], "validation": [3.0, 2.5, 2.75]}
ROWS = {"ann": (0.9, 0.8, 0.95), "ben": (0.25, 0.1, 0.4), "cleo": (0.6, 0.6, 0.6)}


def few_speakers():
    names = np.array(["a_rather_long_name", "bo"])[np.arange(400) % 2]
    return f02_datasets.lengths_and_levels(SECONDS, LEVELS, DIGITS, names)


# Every figure of this lecture, and how many panels it has (a colour bar is one).
PICTURES = {
    "lengths": (lambda: f02_datasets.lengths_and_levels(SECONDS, LEVELS, DIGITS, SPEAKERS), 4),
    "few_speakers": (few_speakers, 4),
    "trimmed": (
        lambda: f02_datasets.trimmed({"one": WAVE, "two": WAVE[:900]}, {"one": (800, 2400), "two": (0, 900)}, 8000),
        2,
    ),
    "handwriting": (lambda: f02_datasets.handwriting(IMAGES, LABELS), 2),
    "neighbours": (lambda: f02_datasets.neighbours({"near": [1.0, 2.0, 3.0], "far": [4.0, 6.0]}), 1),
    "nearest_of_all": (lambda: f02_datasets.neighbours({"copies": [0.0, 0.0]}), 1),
    "descent": (lambda: f02_datasets.descent(np.square, WALKS, (-3, 3)), 2),
    "losses": (lambda: f02_datasets.losses_by_epoch(CURVES), 1),
    "by_speaker": (lambda: f02_datasets.by_speaker(ROWS, {"the other split": 0.7}), 1),
    "one_speaker": (lambda: f02_datasets.by_speaker({"a name that goes on " * 9: (1.0, 0.9, 1.0)}), 1),
}


@pytest.mark.parametrize("name", PICTURES)
def test_panels_pixels_and_the_same_bytes_again(name):
    check_picture(*PICTURES[name])


@pytest.mark.parametrize("name", PICTURES)
def test_no_text_hangs_over_the_edge(name, monkeypatch):
    check_texts_within_the_page(PICTURES[name][0](), monkeypatch)


# --- the words -----------------------------------------------------------------------------------------


def test_lengths_and_levels_tell_ends_and_what_explains_them():
    text = f02_datasets.lengths_and_levels(SECONDS, LEVELS, DIGITS, SPEAKERS).text
    assert "from 0 with 0.40 s to 9 with 0.58 s; of its variance the digit explains 100 %, the speaker 0 %" in text
    assert "the digit explains 0 %, the speaker 100 %" in text


@pytest.mark.parametrize("groups", [DIGITS.astype(str), SPEAKERS])
def test_what_groups_explain_is_the_fit_of_a_regression(groups):
    from sklearn.linear_model import LinearRegression

    values = RNG.normal(size=400) + 0.1 * DIGITS + 0.5 * (SPEAKERS == "03")
    member = (groups[:, None] == np.unique(groups)).astype(float)
    fit = LinearRegression().fit(member, values).score(member, values)
    assert f02_datasets._explained(values, groups) == pytest.approx(fit)
    assert f02_datasets._explained(np.ones(400), groups) == 0


def test_trimmed_tells_what_is_kept():
    assert (
        PICTURES["trimmed"][0]().text == "one: 0.50 s, of which 0.20 s are kept; two: 0.11 s, of which 0.11 s are kept."
    )


def test_handwriting_tells_the_ink():
    text = f02_datasets.handwriting(IMAGES, LABELS).text
    assert "40 images. Mean ink by class: from 3.6 % (0) to 35.7 % (9); the class explains 100 %" in text


def test_the_classes_whose_means_are_most_alike_are_named():
    images = IMAGES.copy()
    images[LABELS == 6] = images[LABELS == 2]
    assert f02_datasets.handwriting(images, LABELS).text.endswith("most alike are those of 2 and 6.")


def test_neighbours_tell_medians():
    assert PICTURES["neighbours"][0]().text == "Median distance, near: 2.00; far: 5.00."


def test_descent_tells_where_each_walk_ends_and_how_often_it_jumps_over_the_lowest_point():
    text = PICTURES["descent"][0]().text
    assert text == (
        "Loss before and after 2 steps. slow: 4.00 to 3.24, 0 jumps over the lowest point; "
        "too fast: 4.00 to 3.24, 2 jumps over the lowest point."
    )


def test_losses_tell_where_they_are_lowest():
    text = PICTURES["losses"][0]().text
    assert "training 3.00 at first, lowest with 1.00 in epoch 3, at last 1.00" in text
    assert "validation 3.00 at first, lowest with 2.50 in epoch 2, at last 2.75" in text


def test_by_speaker_tells_the_ends_and_who_is_below():
    text = f02_datasets.by_speaker(ROWS, {"the other split": 0.7}).text
    assert text == "3 speakers, named right from 25 % (ben) to 90 % (ann). Below the other split (70.0 %): 2 of 3."
    assert f02_datasets.by_speaker({"ann": ROWS["ann"]}).text == "One speaker, ann: 90 % are named right."


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: f02_datasets.lengths_and_levels(SECONDS, LEVELS[1:], DIGITS, SPEAKERS), "differ in number"),
        (lambda: f02_datasets.lengths_and_levels([np.nan], [1.0], [1], ["a"]), "NaN"),
        (lambda: f02_datasets.trimmed({"one": WAVE}, {"one": (10, 5000)}, 8000), "within it"),
        (lambda: f02_datasets.handwriting(IMAGES[:9], LABELS[:9]), "at least once"),
        (lambda: f02_datasets.neighbours({"a": [-1.0, 2.0]}), "0 or more"),
        (lambda: f02_datasets.descent(np.square, {"a": [np.nan]}, (-1, 1)), "NaN"),
        (lambda: f02_datasets.losses_by_epoch({"a": []}), "empty"),
        (lambda: f02_datasets.by_speaker({"a": (0.5, 0.6, 0.7)}), "low and the high end"),
    ],
)
def test_bad_input_is_refused(make, match):
    with pytest.raises(DataError, match=match):
        make()
