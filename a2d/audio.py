"""From a file to a :class:`Clip`; every recording that cannot be used gets its clear error here. Lecture 01.

Reads whatever libsndfile reads (WAV, FLAC, OGG Vorbis and Opus, MP3, AIFF, ...), in mono or stereo, at any
sampling rate, between 0.1 s and 10 s long.

>>> t = np.arange(16000) / 16000  # one second at 16 kHz, in seconds
>>> word = Clip(np.where((t > 0.4) & (t < 0.6), np.sin(2000 * t), 0).astype(np.float32), 16000)
>>> round(trim_silence(word).seconds, 2)  # 0.2 s of sound, and a margin of 0.05 s on either side
0.3
>>> len(prepare(word, 8000))
2400
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from a2d.errors import AudioError
from a2d.io.containers import check_whole, plain_reason

MIN_SECONDS, MAX_SECONDS = 0.1, 10.0
# A peak below -60 dB of full scale is silence: quieter than the noise of an 11-bit recording.
SILENCE_PEAK = 1e-3
# Floating-point samples may go beyond full scale, but 20 dB beyond it are numbers on another scale.
HIGHEST_PEAK = 10.0
# More than 1 % of samples stuck at the peak value is what an overdriven microphone leaves.
CLIPPED_SHARE = 0.01


class AudioWarning(UserWarning):
    """A recording that can be used, though something about it may spoil the result."""


@dataclass(frozen=True)
class Clip:
    """A mono recording: ``samples (n,)`` float32, full scale is 1, at ``rate`` samples per second."""

    samples: np.ndarray
    rate: int

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return len(self.samples) / self.rate


def _read(path: Path) -> tuple[np.ndarray, int]:
    """Decode a file: float32 ``(n, channels)`` and the sampling rate; sizes are checked before anything is decoded."""
    import soundfile

    try:
        # Names on POSIX systems are bytes, and need not be text.
        with soundfile.SoundFile(path if os.name == "nt" else os.fsencode(path)) as stream:
            rate, frames, channels, kind = stream.samplerate, stream.frames, stream.channels, stream.format
            if frames > MAX_SECONDS * rate:
                what = f"the recording is {frames / rate:.1f} s long; at most {MAX_SECONDS:g} s are taken"
                raise AudioError(what, where=path, hint="Cut out the one digit")
            if channels > 2:
                what = f"the recording has {channels} channels; mono and stereo are taken"
                hint = "Mix it down to mono, for example with `sox IN OUT channels 1`"
                raise AudioError(what, where=path, hint=hint)
            # A header may be wrong about the length: read one frame past the limit and look.
            samples = stream.read(int(MAX_SECONDS * rate) + 1, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: the name ends in .raw
        what = f"this is not a sound file that can be read ({plain_reason(error)})"
        raise AudioError(what, where=path, hint="Give a WAV, FLAC, OGG or MP3 file") from error
    # An MP3's number of frames may be a guess; what is lost to damage is far more than two frames.
    if kind in ("FLAC", "OGG", "MP3") and len(samples) < frames - (2304 if kind == "MP3" else 0):
        what = f"the file is cut off or damaged: {len(samples)} of {frames} samples can be read"
        raise AudioError(what, where=path, hint="Copy or record it again")
    return samples, rate


def check_samples(samples: np.ndarray, rate: int, where: object = "recording") -> np.ndarray:
    """Check samples ``(n,)`` or ``(n, channels)`` and return them as mono float32 ``(n,)``.

    Raises :class:`~a2d.errors.AudioError` for a wrong shape, type or rate, values that are not finite, a length
    outside 0.1 to 10 s, samples far beyond full scale and silence (a constant is silence, too); warns
    (:class:`AudioWarning`) of clipping.
    """
    x = np.asarray(samples)
    if not isinstance(rate, int | np.integer) or not 1000 <= rate <= 768000:
        raise AudioError(f"a sampling rate of {rate!r} Hz makes no sense", where=where, hint="Use 1000 to 768000 Hz")
    if x.ndim not in (1, 2) or x.dtype.kind not in "fiu" or (x.ndim == 2 and x.shape[1] not in (1, 2)):
        hint = "Give numbers of shape (n,), (n, 1) or (n, 2)"
        raise AudioError(f"samples have shape {x.shape} and type {x.dtype}", where=where, hint=hint)
    if x.dtype.kind in "iu":
        middle = 128 if x.dtype == np.uint8 else 0
        x = (x.astype(np.float64) - middle) / (np.iinfo(x.dtype).max - middle + 1)
    with np.errstate(over="ignore"):  # what does not fit into 32 bits is found below
        x = np.asarray(x.mean(axis=1) if x.ndim == 2 else x, dtype=np.float32)
    if problem := _problem(x, rate):
        raise AudioError(problem[0], where=where, hint=problem[1])
    peak = float(np.abs(x).max())
    stuck = float((np.abs(x) >= 0.999 * peak).mean())
    if peak >= 0.99 and stuck > CLIPPED_SHARE:
        text = f"the recording is clipped ({100 * stuck:.0f} % of its samples are at full scale)"
        warning = AudioWarning(f"{where}: {text}; what is drawn may be wrong. Record it more softly.")
        warnings.warn(warning, stacklevel=2)
    return x


def _problem(x: np.ndarray, rate: int) -> tuple[str, str] | None:
    """Why mono samples cannot be used, and what to do about it."""
    if len(x) == 0:
        return "the recording is empty (no samples)", "Record the digit again"
    if bad := int((~np.isfinite(x)).sum()):
        return f"{bad} of {len(x)} samples are NaN or infinite", "Export the recording again"
    seconds = len(x) / rate
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        what = f"the recording is {seconds:.3g} s long; {MIN_SECONDS:g} to {MAX_SECONDS:g} s are taken"
        return what, "Cut out the one digit, or record it again"
    peak, swing = float(np.abs(x).max()), float(np.abs(x - x.mean()).max())
    if peak > HIGHEST_PEAK:
        hint = "Divide them by their greatest value, or export the recording with 16-bit samples"
        return f"its samples reach {peak:.3g} times full scale", hint
    if swing < SILENCE_PEAK:
        what = f"the recording is silent (its peak is {swing:.2g} of full scale)"
        return what, "Check the microphone and record the digit again"
    return None


def load(path: str | os.PathLike, rate: int | None = None) -> Clip:
    """Read a recording as mono float32, resampled to ``rate`` if one is given.

    Raises :class:`~a2d.errors.AudioError` for a file that is missing, a folder, unreadable, empty, cut off, not
    sound, too short, too long, silent, or holds values that are not finite.
    """
    path = Path(path)
    check_whole(path)
    samples, own_rate = _read(path)
    mono = check_samples(samples, own_rate, path)
    return Clip(mono if rate in (None, own_rate) else resample(mono, own_rate, rate), rate or own_rate)


def resample(samples: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """Band-limited resampling of ``samples (n,)`` float32 from ``rate`` to ``new_rate`` Hz (soxr, high quality)."""
    import soxr

    return soxr.resample(samples, rate, new_rate, quality="HQ")


def trim_silence(clip: Clip, below_db: float = 35.0, margin: float = 0.05, pause: float = 0.25) -> Clip:
    """The part of a recording that holds the loudest sound, with ``margin`` seconds kept on either side.

    Frames of 20 ms count as sound when their energy is within ``below_db`` dB of the loudest frame's; sounds less
    than ``pause`` seconds apart are one word. A tightly cut clip comes back as it is.
    """
    hop = max(1, clip.rate // 50)
    n = len(clip.samples) // hop
    if n < 3:
        return clip
    energy = np.square(clip.samples[: n * hop], dtype=np.float64).reshape(n, hop).mean(1)
    loud = np.flatnonzero(energy >= energy.max() * 10 ** (-below_db / 10))
    words = np.split(loud, np.flatnonzero(np.diff(loud) * hop > pause * clip.rate) + 1)
    word = next(w for w in words if int(energy.argmax()) in w)
    start = max(0, int(word[0]) * hop - int(margin * clip.rate))
    stop = min(len(clip.samples), (int(word[-1]) + 1) * hop + int(margin * clip.rate))
    return Clip(clip.samples[start:stop], clip.rate)


def prepare(clip: Clip, rate: int) -> np.ndarray:
    """What every feature is computed from, in training and in drawing alike: trimmed, then resampled to ``rate`` Hz."""
    clip = trim_silence(clip)
    return clip.samples if clip.rate == rate else resample(clip.samples, clip.rate, rate)


@dataclass(frozen=True)
class Clips:
    """Many recordings end to end: ``samples (total,)`` float32; clip ``i`` is ``samples[offsets[i]:offsets[i + 1]]``.

    One array instead of a padded matrix: clips differ tenfold in length, and padding would be most of the work.
    """

    samples: np.ndarray
    offsets: np.ndarray
    rate: int

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> Clip:
        if not -len(self) <= index < len(self):
            raise IndexError(f"clip {index} of {len(self)}")
        index %= len(self)
        return Clip(self.samples[self.offsets[index] : self.offsets[index + 1]], self.rate)

    @property
    def lengths(self) -> np.ndarray:
        """Number of samples of each clip, ``(n,)``."""
        return np.diff(self.offsets)

    @classmethod
    def join(cls, arrays: Iterable[np.ndarray], rate: int) -> Clips:
        """Put 1-d float arrays of one sampling rate end to end."""
        parts = [np.asarray(a, dtype=np.float32) for a in arrays]
        if any(p.ndim != 1 or len(p) == 0 for p in parts):
            raise ValueError("each clip must be a 1-d array with at least one sample")
        offsets = np.concatenate([[0], np.cumsum([len(p) for p in parts], dtype=np.int64)])
        return cls(np.concatenate(parts) if parts else np.zeros(0, np.float32), offsets.astype(np.int64), rate)


def load_many(paths: Iterable[str | os.PathLike], rate: int, *, trim: bool = False, progress: bool = False) -> Clips:
    """Read many recordings at one sampling rate; the first that cannot be used raises its error.

    With ``trim`` each is :func:`prepare`-d: that is what features are computed from.
    """
    from tqdm.auto import tqdm

    paths = list(paths)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AudioWarning)  # a data set's clipped takes are no news to its user
        with tqdm(paths, "reading", disable=not progress) as bar:  # closed before an error's message is printed
            return Clips.join((prepare(load(p), rate) if trim else load(p, rate).samples for p in bar), rate)
