"""The MFCC explorer: one recording, other settings. Lecture 01."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d import features
from a2d.errors import DataError
from a2d.figures import base
from a2d.widgets.controls import Control, clips_of, load, wav, whole

if TYPE_CHECKING:
    from a2d.audio import Clip
    from a2d.widgets.panel import Panel

N_FFT = (64, 128, 256, 512, 1024, 2048)
HOP_LENGTH = (32, 64, 128, 256, 512)
N_MELS = (8, 12, 16, 24, 32, 40, 48, 64, 80, 96, 128)
N_MFCC = (1, 2, 4, 8, 13, 20, 30, 40, 64)
# All frames of a clip are held in memory at once: this many numbers are 400 MB.
_MOST = 5e7


def mfcc_view(
    samples: Any, rate: int, n_fft: int = 512, hop_length: int = 128, n_mels: int = 64, n_mfcc: int = 40
) -> base.Picture:
    """Show a recording, its log-mel spectrogram in dB, its MFCCs and their mean over time (lecture 01).

    ``samples`` (n,), full scale is 1, at ``rate`` Hz; ``n_fft`` (the frame) and ``hop_length`` in samples; the numbers
    of mel bands and of coefficients. Raises :class:`DataError` for samples that are no sound and
    :class:`~a2d.errors.RecipeError` for settings that do not go together, such as a hop longer than the frame.
    """
    from a2d.figures.f01_audio import mfcc_panels

    settings = dict(rate=rate, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels, n_mfcc=n_mfcc)
    values: dict[str, Any] = {name: whole(value, name, 1, 10**7) for name, value in settings.items()}
    config = features.MfccConfig(sample_rate=values.pop("rate"), **values)
    wave = base.as_array(samples, "samples")
    if len(wave) / hop_length * n_fft > _MOST:
        raise DataError("this is too much to draw", where="samples", hint="Take a shorter clip or a longer hop")
    log_mel = features.log_mel(wave, config)
    mfcc = log_mel @ features.dct_matrix(n_mfcc, n_mels).T
    empty = int((features.mel_filterbank(config).sum(axis=1) == 0).sum())
    return mfcc_panels(wave, log_mel, mfcc, config, band_of_hz=_bands_of_hz(config), empty_bands=empty)


def _bands_of_hz(config: features.MfccConfig) -> dict[int, float]:
    """Where round frequencies lie on an axis that numbers the bands from 0 (their middles, evenly spaced in mel)."""
    ends = features.hz_to_mel(np.array([0.0, config.sample_rate / 2]), config.mel_scale)
    round_ones = [hz for hz in (250, 500, 1000, 2000, 4000, 8000, 16000) if hz < config.sample_rate / 2]
    mels = features.hz_to_mel(np.array(round_ones, dtype=float), config.mel_scale)
    places = (mels - ends[0]) / (ends[1] - ends[0]) * (config.n_mels + 1) - 1
    return {hz: float(place) for hz, place in zip(round_ones, places, strict=True) if place > -0.5}


def _check_together(n_fft: int, hop_length: int, n_mels: int, n_mfcc: int) -> None:
    """Say in the sliders' own words why their places do not go together."""
    if hop_length > n_fft:
        what = f"with hop_length = {hop_length} and n_fft = {n_fft}, samples between two frames would never be heard"
        raise DataError(what, hint="Let hop_length be at most n_fft")
    if n_mels > n_fft // 2:
        what = f"n_fft = {n_fft} gives {n_fft // 2} frequencies above 0, which do not fill n_mels = {n_mels} bands"
        raise DataError(what, hint="Let n_mels be at most half of n_fft")
    if n_mfcc > n_mels:
        what = f"n_mels = {n_mels} bands give {n_mels} coefficients, not n_mfcc = {n_mfcc}"
        raise DataError(what, hint="Let n_mfcc be at most n_mels")


def mfcc_explorer(
    clips: Mapping[str, Clip], *, n_fft: int = 512, hop_length: int = 128, n_mels: int = 64, n_mfcc: int = 40
) -> Panel:
    """Choose a recording and the settings of its MFCCs; hear it, and see what becomes of it (lecture 01).

    ``clips``: recordings by the label that they are listed under. Raises as :func:`mfcc_view` for the first settings.
    """
    recordings = clips_of(clips)
    names, sounds = list(map(str, recordings)), list(recordings.values())
    chosen = dict(n_fft=n_fft, hop_length=hop_length, n_mels=n_mels, n_mfcc=n_mfcc)
    usual = dict(n_fft=N_FFT, hop_length=HOP_LENGTH, n_mels=N_MELS, n_mfcc=N_MFCC)
    stops = {key: sorted({*usual[key], whole(value, key, 1, 10**7)}) for key, value in chosen.items()}
    hints = {
        "n_fft": "samples in a frame: longer frames tell frequencies apart better and times worse",
        "hop_length": "samples from one frame to the next",
        "n_mels": "number of mel bands",
        "n_mfcc": "number of coefficients that are kept",
    }
    controls = [Control("choice", "clip", "recording", tuple(names))]
    controls += [
        Control("slider", key, key, tuple(map(str, stops[key])), stops[key].index(chosen[key]), hints[key])
        for key in chosen
    ]

    def draw(places: Mapping[str, int]) -> base.Picture:
        clip = sounds[places["clip"]]
        settings = {key: stops[key][places[key]] for key in chosen}
        _check_together(**settings)
        return mfcc_view(clip.samples, clip.rate, **settings)

    def sound(places: Mapping[str, int]) -> tuple[str, bytes]:
        return f"recording: {names[places['clip']]}", wav(sounds[places["clip"]])

    return load("panel").Panel("MFCC explorer", controls, draw, sound=sound)
