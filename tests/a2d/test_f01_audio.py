"""The figures of lecture 01: what they hold, what their words tell of their data, and how bad input is refused."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import check_picture, check_texts_within_the_page

from a2d import features
from a2d.errors import DataError
from a2d.figures import f01_audio

CONFIG = features.MfccConfig()
HZ = np.fft.rfftfreq(CONFIG.n_fft, 1 / CONFIG.sample_rate)
MELS = np.linspace(0, float(features.hz_to_mel(4000.0)), CONFIG.n_mels + 2)
EDGES = features.mel_to_hz(MELS)


def leaky():
    floor = np.where(np.abs(HZ - 1000) < 300, -10.0, -40.0)
    return f01_audio.leakage(HZ, {"no window": floor, "Hann": 2 * floor}, tone=1000, far=500)


def filters():
    return f01_audio.mel_filters(HZ, features.mel_filterbank(CONFIG), EDGES, MELS)


def lines(values, **options):
    return f01_audio.curves(values, "It rises.", xlabel="number", ylabel="share", **options)


GROUPS = {"backwards": [0.1, 0.2, 0.3], "another take": [3.9, 4.0, 4.2], "another speaker": [7.0, 8.0, 9.0]}
ROWS = {"mean": (0.5, 0.45, 0.55), "two halves": (0.9, 0.85, 0.95)}

# Every figure of this lecture, and how many panels it has.
PICTURES = {
    "aliasing": (lambda: f01_audio.aliasing(5000, 8000), 1),
    "leakage": (leaky, 1),
    "filters": (filters, 2),
    "few_filters": (lambda: f01_audio.mel_filters(HZ, np.eye(3, 257), EDGES[:5], MELS[:5]), 2),
    "curves": (lambda: lines({"levels": np.arange(8.0), "2 coefficients": np.full(8, 3.5)}), 1),
    "curves_of_shares": (lambda: lines({"digit": [0.1, 0.9]}, first=1, shares=True), 1),
    "distances": (lambda: f01_audio.distances(GROUPS), 1),
    "with_zeros": (lambda: f01_audio.distances({"nearly all": [0.0, 0.0, 1.0, 1.0, 1.0]}), 1),
    "one_group": (lambda: f01_audio.distances({"alone": [2.0]}), 1),
    "shares": (lambda: f01_audio.shares_right(ROWS, {"guessing": 0.5}), 1),
    "shares_alone": (lambda: f01_audio.shares_right({"a name that goes on " * 9: (1.0, 0.9, 1.0)}), 1),
}


@pytest.mark.parametrize("name", PICTURES)
def test_panels_pixels_and_the_same_bytes_again(name):
    check_picture(*PICTURES[name])


@pytest.mark.parametrize("name", PICTURES)
def test_no_text_hangs_over_the_edge(name, monkeypatch):
    check_texts_within_the_page(PICTURES[name][0](), monkeypatch)


# --- the words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tone", "twin"), [(5000, 3000), (7000, 1000), (9000, 1000), (8000, 0)])
def test_aliasing_names_the_lower_tone(tone, twin):
    text = f01_audio.aliasing(tone, 8000).text
    assert f"A tone of {tone} Hz and one of {twin} Hz" in text
    assert "they are the same" in text


def test_leakage_tells_the_highest_level_far_away():
    assert "at least 500 Hz away from it is -40 dB (no window), -80 dB (Hann)." in leaky().text


def test_filters_tell_widths_and_heights():
    text = filters().text
    widths = EDGES[2:] - EDGES[:-2]
    assert f"lowest of 64 filters is {widths[0]:.0f} Hz wide, the highest {widths[-1]:.0f} Hz" in text
    assert f"{(EDGES[1:-1] < 1000).sum()} of them" in text


def test_curves_begin_where_they_are_told_and_say_what_they_are_told():
    picture = lines({"digit": [0.1, 0.9]}, first=1, shares=True)
    assert picture.text == "It rises."
    assert picture.figure.axes[0].lines[0].get_xdata().tolist() == [1, 2]


def test_distances_compare_with_the_first_group():
    text = f01_audio.distances(GROUPS).text
    assert "backwards: 0.2." in text
    assert "another take 4 (20 times as much), another speaker 8 (40 times as much)" in text


def test_shares_tell_intervals_and_guessing():
    text = f01_audio.shares_right(ROWS, {"guessing": 0.5}).text
    assert "mean: 50.0 % (45.0 % to 55.0 %); two halves: 90.0 % (85.0 % to 95.0 %)" in text
    assert text.endswith("Guessing would give 50 %.")


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: f01_audio.aliasing(3000, 8000), "not above half"),
        (lambda: f01_audio.leakage(HZ, {"a": HZ[1:]}, 1000, 500), "257"),
        (lambda: f01_audio.leakage(HZ, {"a": HZ}, 1000, 5000), "no frequency"),
        (lambda: f01_audio.mel_filters(HZ, np.eye(3, 257), EDGES, MELS), "64, 257"),
        (lambda: lines({"digit": [0.5, 1.5]}, shares=True), "1.5|0 and 1|share"),
        (lambda: f01_audio.distances({"a": [0.0, 0.0, 1.0]}), "above 0"),
        (lambda: f01_audio.shares_right({"a": (0.5, 0.6, 0.7)}), "low and the high end"),
        (lambda: f01_audio.shares_right({"a": (0.5, np.nan, 0.7)}), "NaN"),
    ],
)
def test_bad_input_is_refused(make, match):
    with pytest.raises(DataError, match=match):
        make()
