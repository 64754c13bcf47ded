"""From a waveform to MFCCs: each step a function in NumPy, then all clips of a data set at once in torch.

The NumPy half is written to be read beside lecture 01: frames, window, power spectrum, mel filterbank, logarithm,
DCT. It agrees with librosa's defaults. The torch half (:func:`mfcc_means`) computes the same means for thousands
of clips at once. Axis order everywhere: frames first, so a spectrogram is ``(n_frames, n_bins)``.

>>> samples = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
>>> mfcc(samples).shape, mfcc_mean(samples).shape
((63, 40), (40,))
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from a2d.errors import A2DError, refuse
from a2d.io.atomic import write_bytes

if TYPE_CHECKING:
    import torch

    from a2d.audio import Clips
    from a2d.datasets import SpokenDigits

# Part of every cache key: raise it whenever a change here changes the numbers.
VERSION = 2


@dataclass(frozen=True)
class MfccConfig:
    """Settings of the features. Lengths are in samples, frequencies in Hz, ``top_db`` in dB.

    ``mel_scale``: ``"slaney"`` (linear below 1 kHz, filters of equal area; librosa's default) or ``"htk"``
    (2595 log10(1 + f / 700), filters of equal area as well).
    """

    sample_rate: int = 8000
    n_fft: int = 512
    hop_length: int = 128
    n_mels: int = 64
    n_mfcc: int = 40
    fmin: float = 0.0
    fmax: float | None = None
    mel_scale: Literal["slaney", "htk"] = "slaney"
    top_db: float | None = 80.0

    def __post_init__(self) -> None:
        top = self.fmax if self.fmax is not None else self.sample_rate / 2
        problems = {
            "sample_rate": 1000 <= self.sample_rate <= 768000,
            "n_fft": 16 <= self.n_fft <= 65536,
            "hop_length": 1 <= self.hop_length <= self.n_fft,
            "n_mels": 1 <= self.n_mels <= self.n_fft // 2,
            "n_mfcc": 1 <= self.n_mfcc <= self.n_mels,
            "fmin": 0 <= self.fmin < top,
            "fmax": top <= self.sample_rate / 2,
            "mel_scale": self.mel_scale in ("slaney", "htk"),
            "top_db": self.top_db is None or self.top_db > 0,
        }
        refuse(problems, self, "features")


# --------------------------------------------------------------------------- one clip, step by step (lecture 01)


def frames(samples: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    """Cut ``samples (n,)`` into overlapping frames ``(1 + n // hop_length, n_fft)`` (for an even ``n_fft``).

    ``n_fft // 2`` zeros are put before and after, so that frame ``t`` is centred on sample ``t * hop_length``.
    """
    padded = np.pad(samples, n_fft // 2)
    return np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop_length]


def hann_window(n_fft: int) -> np.ndarray:
    """The periodic Hann window ``w[k] = 1/2 - 1/2 cos(2 pi k / n_fft)``, ``(n_fft,)``."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)


def power_spectrum(framed: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Squared magnitude of the DFT of each windowed frame: ``(n_frames, n_fft)`` to ``(n_frames, n_fft // 2 + 1)``."""
    return np.abs(np.fft.rfft(framed * window, axis=-1)) ** 2


def hz_to_mel(hz: np.ndarray | float, scale: str = "slaney") -> np.ndarray:
    """Frequency in Hz to mel. Slaney: linear to 1 kHz (15 mel), then logarithmic; HTK: 2595 log10(1 + f / 700)."""
    hz = np.asarray(hz, dtype=np.float64)
    if scale == "htk":
        return 2595.0 * np.log10(1.0 + hz / 700.0)
    step = 27.0 / np.log(6.4)  # mels per factor e above 1 kHz
    return np.where(hz < 1000.0, 3.0 * hz / 200.0, 15.0 + step * np.log(np.maximum(hz, 1000.0) / 1000.0))


def mel_to_hz(mel: np.ndarray | float, scale: str = "slaney") -> np.ndarray:
    """The inverse of :func:`hz_to_mel`."""
    mel = np.asarray(mel, dtype=np.float64)
    if scale == "htk":
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    return np.where(mel < 15.0, 200.0 * mel / 3.0, 1000.0 * np.exp((np.maximum(mel, 15.0) - 15.0) * np.log(6.4) / 27.0))


def mel_filterbank(config: MfccConfig) -> np.ndarray:
    """Triangular filters ``(n_mels, n_fft // 2 + 1)``, evenly spaced in mel, each of area 1 (per Hz, times 1 Hz).

    Source: M. Slaney, Auditory Toolbox (1998), as in librosa's ``norm="slaney"``.
    """
    top = config.fmax if config.fmax is not None else config.sample_rate / 2
    ends = hz_to_mel(np.array([config.fmin, top]), config.mel_scale)
    edges = mel_to_hz(np.linspace(ends[0], ends[1], config.n_mels + 2), config.mel_scale)
    bins = np.fft.rfftfreq(config.n_fft, 1.0 / config.sample_rate)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = np.maximum(0.0, np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)))
    return triangles * 2.0 / (high - low)


def power_to_db(power: np.ndarray, top_db: float | None = 80.0) -> np.ndarray:
    """Ten times the base-10 logarithm of the power (floored at 1e-10), at most ``top_db`` below the clip's maximum."""
    db = 10.0 * np.log10(np.maximum(power, 1e-10))
    return db if top_db is None else np.maximum(db, db.max() - top_db)


def dct_matrix(n_mfcc: int, n_mels: int) -> np.ndarray:
    """The orthonormal DCT-II as a matrix ``(n_mfcc, n_mels)``: its rows are cosines of rising frequency."""
    k, m = np.arange(n_mfcc)[:, None], np.arange(n_mels)[None, :]
    matrix = np.cos(np.pi * k * (2 * m + 1) / (2 * n_mels)) * np.sqrt(2.0 / n_mels)
    matrix[0] /= np.sqrt(2.0)
    return matrix


def log_mel(samples: np.ndarray, config: MfccConfig | None = None) -> np.ndarray:
    """Mel spectrogram in dB of ``samples (n,)``: ``(n_frames, n_mels)``."""
    config = config or MfccConfig()
    framed = frames(np.asarray(samples, dtype=np.float64), config.n_fft, config.hop_length)
    power = power_spectrum(framed, hann_window(config.n_fft))
    return power_to_db(power @ mel_filterbank(config).T, config.top_db)


def mfcc(samples: np.ndarray, config: MfccConfig | None = None) -> np.ndarray:
    """Mel-frequency cepstral coefficients of ``samples (n,)``: ``(n_frames, n_mfcc)``.

    Source: S. Davis and P. Mermelstein (1980); settings and numbers as ``librosa.feature.mfcc``, transposed.
    """
    config = config or MfccConfig()
    return log_mel(samples, config) @ dct_matrix(config.n_mfcc, config.n_mels).T


def mfcc_mean(samples: np.ndarray, config: MfccConfig | None = None) -> np.ndarray:
    """The report's feature vector: the mean of the MFCCs over the frames, ``(n_mfcc,)``. The order is lost."""
    return mfcc(samples, config).mean(axis=0)


# ------------------------------------------------------------------------------- all clips at once (torch, batched)


@lru_cache(maxsize=16)
def _constants(config: MfccConfig, device: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Window, filterbank (transposed) and DCT as float32 tensors."""
    import torch

    def tensor(array: np.ndarray) -> torch.Tensor:
        return torch.tensor(np.ascontiguousarray(array), dtype=torch.float32, device=device)

    bank, dct = mel_filterbank(config).T, dct_matrix(config.n_mfcc, config.n_mels)
    return tensor(hann_window(config.n_fft)), tensor(bank), tensor(dct)


def _lay_out(clips: Clips, config: MfccConfig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Put padded clips on one tape so that each begins at a multiple of the hop.

    Then *all* frames of all clips are one strided view of the tape. Returns the tape, and for each clip the number
    of its first frame on the tape and how many frames it has. Frames that straddle two clips are left unused.
    """
    hop, half = config.hop_length, config.n_fft // 2
    counts = 1 + (clips.lengths + 2 * half - config.n_fft) // hop
    slots = -(-(clips.lengths + 2 * half) // hop)  # hops that a clip with its two margins takes, rounded up
    first = np.concatenate([[0], np.cumsum(slots)[:-1]]).astype(np.int64)
    tape = np.zeros(int(slots.sum()) * hop + config.n_fft, np.float32)
    starts = first * hop + half
    for start, begin, end in zip(starts.tolist(), clips.offsets[:-1].tolist(), clips.offsets[1:].tolist(), strict=True):
        tape[start : start + end - begin] = clips.samples[begin:end]
    return tape, first, counts


def mfcc_means(clips: Clips, config: MfccConfig | None = None, device: str = "cpu", chunk: int = 1024) -> np.ndarray:
    """Mean MFCCs of many clips at once, float32 ``(n_clips, n_mfcc)``: :func:`mfcc_mean` of each.

    The mean over time and the DCT are both linear, so the DCT is applied once per clip, to the mean of the log-mel
    frames, instead of once per frame. Frames go through in chunks that stay in the processor's cache.
    """
    import torch

    config = config or MfccConfig()
    if clips.rate != config.sample_rate:
        raise ValueError(f"clips are at {clips.rate} Hz, the features at {config.sample_rate} Hz: resample them first")
    if len(clips) == 0:
        return np.zeros((0, config.n_mfcc), np.float32)
    window, bank, dct = _constants(config, device)
    tape, first, counts = _lay_out(clips, config)
    view = torch.from_numpy(tape).to(device).unfold(0, config.n_fft, config.hop_length)
    total = int(first[-1] + counts[-1])
    db = torch.empty((total, config.n_mels), device=device)
    # Two buffers that all chunks share: fresh ones for each would cost more than the transform itself.
    framed = torch.empty((chunk, config.n_fft), device=device)
    power = torch.empty((chunk, config.n_fft // 2 + 1), device=device)
    for start in range(0, total, chunk):
        n = min(chunk, total - start)
        torch.mul(view[start : start + n], window, out=framed[:n])
        squares = torch.view_as_real(torch.fft.rfft(framed[:n])).square_()
        torch.add(squares[..., 0], squares[..., 1], out=power[:n])
        torch.mm(power[:n], bank, out=db[start : start + n])
        db[start : start + n].clamp_(min=1e-10).log10_().mul_(10.0)
    means = _clip_means(db, first, counts, config.top_db)
    return (means @ dct.T).cpu().numpy()


def _clip_means(db: torch.Tensor, first: np.ndarray, counts: np.ndarray, top_db: float | None) -> torch.Tensor:
    """Mean over each clip's frames ``(n_clips, n_mels)``, after cutting off what is too far below its maximum."""
    import torch

    lengths = torch.from_numpy(counts).to(db.device)
    used = torch.from_numpy(np.repeat(first - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)).to(db.device)
    rows = db[used + torch.arange(len(used), device=db.device)]
    if top_db is not None:
        peaks = torch.segment_reduce(rows.amax(1), "max", lengths=lengths)
        rows = torch.maximum(rows, (peaks - top_db).repeat_interleave(lengths)[:, None])
    return torch.segment_reduce(rows, "mean", lengths=lengths, axis=0)


def cached_mfcc_means(
    data: SpokenDigits,
    config: MfccConfig | None = None,
    *,
    folder: str | os.PathLike | None = None,
    progress: bool = False,
) -> np.ndarray:
    """Mean MFCCs of a whole data set, ``(n, n_mfcc)``, computed once and then read from a cache.

    The cache is keyed by the content of the recordings, the settings and the version of this module; a damaged
    cache file is computed anew. ``folder`` defaults to ``features/`` beside the fetched data.
    """
    from a2d.io import fetching

    config = config or MfccConfig()
    text = json.dumps([VERSION, data.content_hash, asdict(config)], sort_keys=True)
    path = Path(folder or fetching.data_home() / "features") / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.f32"
    with contextlib.suppress(OSError):
        cached = path.read_bytes()
        # An array's bytes and their digest: a flipped bit inside an array would not show otherwise.
        if len(cached) == 4 * len(data) * config.n_mfcc + 32 and hashlib.sha256(cached[:-32]).digest() == cached[-32:]:
            return np.frombuffer(bytearray(cached[:-32]), "<f4").reshape(len(data), config.n_mfcc)
    groups = data.clip_groups(config.sample_rate, progress=progress)
    means = np.concatenate([mfcc_means(clips, config) for clips in groups])
    body = means.astype("<f4").tobytes()
    with contextlib.suppress(A2DError):  # a data home that cannot be written to costs time, not the result
        write_bytes(path, body + hashlib.sha256(body).digest())
    return means
