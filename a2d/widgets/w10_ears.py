"""The ear in noise: choose how loud the noise is, and see what an ear still makes of a word. Lecture 10."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.errors import DataError
from a2d.widgets.controls import Control, clips_of, load, wav, whole

if TYPE_CHECKING:
    from a2d.audio import Clip
    from a2d.figures import Picture
    from a2d.widgets.panel import Panel

# Decibels of the recording over the noise; None: no noise at all.
LEVELS: tuple[float | None, ...] = (None, 30, 20, 15, 10, 5, 0, -5, -10)
# Samples (n,) to the picture (bands, frames) that an ear gets, the probabilities of ten digits, and that of none.
Listen = Callable[[np.ndarray], tuple[Any, Any, float]]
Mix = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


def mixed_at(samples: np.ndarray, noise: np.ndarray, snr: float) -> np.ndarray:
    """The noise under the samples ``(n,)``, so that their power is ``snr`` decibels over the noise's."""
    ratio = np.mean(np.square(samples)) / np.mean(np.square(noise))
    mixed: np.ndarray = samples + noise * np.sqrt(ratio / 10 ** (snr / 10))
    return mixed


def _noisy(samples: Any, snr: float | None, seed: int, mix: Mix) -> np.ndarray:
    from a2d.figures import base

    clean = base.as_array(samples, "samples")
    if not np.abs(clean).max() > 0:
        raise DataError("silence has no level that noise could be compared with", where="samples")
    if snr is None:
        return clean
    if not np.isfinite(snr) or abs(snr) > 100:
        raise DataError(f"a level of {snr!r} dB makes no sense", where="snr", hint="Use -100 to 100, or None for none")
    # The same noise for every level of a seed: only its loudness changes.
    noise = np.random.default_rng(whole(seed, "seed", 0, 2**63 - 1)).normal(0, 1, len(clean))
    return np.asarray(mix(clean, noise, snr), dtype=np.float64)


def _told(snr: float | None) -> str:
    return "no noise" if snr is None else f"noise, {snr:g} dB"


def ear_view(
    samples: Any,
    listen: Listen,
    snr: float | None = None,
    *,
    hop_s: float = 0.02,
    limit: float = 1.0,
    seed: int = 0,
    mix: Mix = mixed_at,
) -> Picture:
    """Show what an ear gets of a word under white noise, what it says, and how sure it is (lecture 10).

    ``samples`` (n,); ``listen``: gives the picture (bands, frames) that the ear gets, the probabilities of ten digits,
    and that of "no digit"; ``snr``: decibels of the recording over the noise, None for no noise; ``hop_s``: seconds
    between frames; above ``limit`` a sound is refused; ``mix`` adds noise, as :func:`mixed_at`.
    Raises :class:`DataError` for silence, and for a level that makes no sense.
    """
    from a2d.figures.f10_ears import ear_panels

    picture, says, nothing = listen(_noisy(samples, snr, seed, mix))
    return ear_panels(picture, says, nothing, hop_s, told=_told(snr), limit=limit)


def ear_in_noise(
    clips: Mapping[str, Clip],
    listen: Listen,
    *,
    hop_s: float = 0.02,
    limit: float = 1.0,
    seed: int = 0,
    mix: Mix = mixed_at,
) -> Panel:
    """Choose a recording and the level of the noise; hear it, and see what the ear makes of it (lecture 10).

    ``clips``: recordings by the label that they are listed under, each as long as ``listen`` takes it; all else, and
    what is raised, as for :func:`ear_view`.
    """
    recordings = clips_of(clips)
    names, sounds = list(map(str, recordings)), list(recordings.values())
    stops = tuple("none" if level is None else f"{level:g} dB" for level in LEVELS)
    controls = [
        Control("choice", "clip", "recording", tuple(names)),
        Control("slider", "snr", "recording over noise", stops, hint="from no noise to noise louder than the word"),
    ]
    how: dict[str, Any] = {"hop_s": hop_s, "limit": limit, "seed": seed, "mix": mix}

    def draw(places: Mapping[str, int]) -> Picture:
        return ear_view(sounds[places["clip"]].samples, listen, LEVELS[places["snr"]], **how)

    def sound(places: Mapping[str, int]) -> tuple[str, bytes]:
        clip, level = sounds[places["clip"]], LEVELS[places["snr"]]
        noisy = type(clip)(_noisy(clip.samples, level, seed, mix).astype(np.float32), clip.rate)
        return f"recording: {names[places['clip']]}, {_told(level)}", wav(noisy)

    return load("panel").Panel("Ear in noise", controls, draw, sound=sound)
