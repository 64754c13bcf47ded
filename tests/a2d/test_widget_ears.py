"""The ear in noise without a browser: what it mixes, what it shows, and how bad input is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from a2d import audio, widgets
from a2d.errors import DataError
from a2d.widgets.w10_ears import LEVELS, mixed_at

RATE = 8000
TONE = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
CLIPS = {"a tone": audio.Clip(TONE, RATE), "half a tone": audio.Clip(TONE / 2, RATE)}


def listen(samples):
    """An ear that says 3 the surer the more of the sound is the tone, and "no digit" by the rest."""
    share = abs(np.corrcoef(samples, TONE)[0, 1])
    says = np.full(10, (1 - share) / 9)
    says[3] = share
    return np.abs(samples[: 8 * 20]).reshape(8, 20), says, 1 - share


def moved(widget, **places: int) -> None:
    widget.set_state({"places": {**widget.places, **places}})


@pytest.mark.parametrize("snr", [20.0, 0.0, -7.5])
def test_noise_has_the_level_that_is_asked_for(snr):
    noise = np.random.default_rng(0).normal(0, 3, RATE)
    under = mixed_at(TONE, noise, snr) - TONE
    assert 10 * np.log10(np.mean(TONE**2) / np.mean(under**2)) == pytest.approx(snr, abs=1e-6)


def test_the_view_tells_what_the_ear_says_and_refuses_above_the_limit():
    clear = widgets.ear_view(TONE, listen)
    assert clear.text.startswith("No noise: the ear says 3 with 100 %")
    loud = widgets.ear_view(TONE, listen, -10, limit=0.5)
    assert loud.text.startswith("Noise, -10 dB: refused, since it is no digit with")
    assert widgets.ear_view(TONE, listen, 5, seed=1).png() == widgets.ear_view(TONE, listen, 5, seed=1).png()


def test_the_noise_is_the_same_at_each_level_and_mine_may_put_it_in():
    given = []

    def mix(samples, noise, snr):
        given.append((noise.copy(), snr))
        return samples + 0 * noise

    for snr in (0, 20):
        assert "3 with 100 %" in widgets.ear_view(TONE, listen, snr, mix=mix).text
    assert [snr for _, snr in given] == [0, 20]
    np.testing.assert_array_equal(given[0][0], given[1][0])


def test_the_panel_draws_says_and_plays():
    widget = widgets.ear_in_noise(CLIPS, listen, hop_s=0.02)
    assert widget.text.startswith("No noise")
    quiet, _ = soundfile.read(io.BytesIO(widget.audio))
    moved(widget, snr=LEVELS.index(0))
    assert widget.text.startswith("Noise, 0 dB")
    assert widget.audio_label == "recording: a tone, noise, 0 dB"
    noisy, rate = soundfile.read(io.BytesIO(widget.audio))
    assert rate == RATE
    assert abs(np.corrcoef(quiet, TONE)[0, 1]) > 0.999 > abs(np.corrcoef(noisy, TONE)[0, 1])
    moved(widget, clip=1)
    assert "half a tone" in widget.audio_label
    moved(widget, snr=99)
    assert "whole number" in widget.problem


def test_what_a_notebook_keeps_is_its_picture_and_its_text():
    data, about = widgets.ear_in_noise(CLIPS, listen)._repr_mimebundle_()
    assert data["text/plain"] == about["image/png"]["alt"]
    assert data["image/png"]


@pytest.mark.parametrize(
    "call",
    [
        lambda: widgets.ear_view(np.zeros(RATE), listen),
        lambda: widgets.ear_view(TONE, listen, 1000),
        lambda: widgets.ear_view(TONE, listen, float("nan")),
        lambda: widgets.ear_view(TONE, listen, 0, seed=-1),
        lambda: widgets.ear_view(TONE[None], listen),
        lambda: widgets.ear_view(TONE, lambda s: (np.ones((3, 3)), np.ones(9) / 9, 0.1)),
        lambda: widgets.ear_in_noise({}, listen),
        lambda: widgets.ear_in_noise({"a": TONE}, listen),
    ],
)
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(DataError):
        call()
