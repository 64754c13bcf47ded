"""Exercises of lecture 01: from a sound to numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from a2d.exercises import calls
from a2d.exercises.model import Case, Exercise, Question, Wrong
from a2d.features import hz_to_mel, mel_to_hz

# ------------------------------------------------------------------------------------------------------- 1.1 frames


def _frames(x: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(x, n_fft)[::hop_length].copy()


def _frames_cases(rng: np.random.Generator) -> list[Case]:
    # Samples left over, none left over, a single frame, a hop longer than the frame.
    sizes = [(5, 2, 16), (4, 2, 12), (6, 3, 6), (3, 5, 17)]
    for _ in range(4):
        n_fft, hop_length = int(rng.integers(3, 9)), int(rng.integers(1, 6))
        sizes.append((n_fft, hop_length, n_fft + int(rng.integers(0, 30))))
    return [Case((rng.normal(size=n).round(3), n_fft, hop_length)) for n_fft, hop_length, n in sizes]


def _frames_swapped(x: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    return _frames(x, n_fft, hop_length).T


def _frames_without_overlap(x: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    return _frames(x, n_fft, n_fft)


def _frames_one_short(x: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    return _frames(x, n_fft, hop_length)[: (len(x) - n_fft) // hop_length]


def _frames_of_all_starts(x: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    return _frames(np.pad(x, (0, n_fft)), n_fft, hop_length)[: -(-len(x) // hop_length)]


def _frames_centred(x: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    return _frames(np.pad(x, n_fft // 2), n_fft, hop_length)


def _frames_before_the_last(x: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    return _frames(x, n_fft, hop_length)[: -(-(len(x) - n_fft) // hop_length)]


def _lacks_the_last(case: Case, expected: Any, got: Any) -> bool:
    """One frame is missing; where it was the only one, what is stacked is nothing, which may raise an error."""
    return len(expected) == 1 or np.array_equal(expected[:-1], got)


def _frames_filled_up(x: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    return _frames(np.pad(x, (0, -(len(x) - n_fft) % hop_length)), n_fft, hop_length)


# ---------------------------------------------------------------------------------------- 1.2 windowed power spectrum


def _power(frames: np.ndarray, window: np.ndarray) -> np.ndarray:
    """By the definition, as a product of matrices."""
    n = frames.shape[1]
    turns = np.outer(np.arange(n), np.arange(n // 2 + 1)) / n
    real, imaginary = (frames * window) @ np.cos(2 * np.pi * turns), (frames * window) @ np.sin(2 * np.pi * turns)
    return real**2 + imaginary**2


def _power_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for number in range(8):
        # An even length (the FFT's usual), or an odd one; one frame, or as many frames as samples.
        n = int(rng.integers(4, 12)) * 2 + (number in (1, 5))
        rows = (1, n, 3, 5, int(rng.integers(2, 9)))[number % 5]
        plain = number < 4
        window = np.ones(n) if plain else rng.uniform(0.1, 0.9, size=n).round(3)
        part = "windows whose weights are all 1" if plain else "other windows"
        cases.append(Case((rng.normal(size=(rows, n)).round(3), window), part=part))
    return cases


def _power_without_window(frames: np.ndarray, window: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.rfft(frames)) ** 2


def _power_amplitude(frames: np.ndarray, window: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.rfft(frames * window))


def _power_all_bins(frames: np.ndarray, window: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.fft(frames * window)) ** 2


def _power_over_frames(frames: np.ndarray, window: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.rfft(frames * window, axis=0)) ** 2


def _power_real_part(frames: np.ndarray, window: np.ndarray) -> np.ndarray:
    return np.fft.rfft(frames * window).real ** 2


def _power_by_length(frames: np.ndarray, window: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.rfft(frames * window)) ** 2 / len(window)


def _power_own_hann(frames: np.ndarray, window: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.rfft(frames * np.hanning(len(window)))) ** 2


def _power_without_last_bin(frames: np.ndarray, window: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.rfft(frames * window))[:, :-1] ** 2


# ------------------------------------------------------------------------------------------------- 1.3 mel filterbank


def _triangles(bins: np.ndarray, edges: np.ndarray, *, equal_area: bool = True) -> np.ndarray:
    each = zip(edges[:-2], edges[1:-1], edges[2:], strict=True)
    rows = np.stack([np.interp(bins, points, [0.0, 1.0, 0.0]) for points in each])
    return rows * (2.0 / (edges[2:] - edges[:-2]))[:, None] if equal_area else rows


def _slaney_edges(bins: np.ndarray, count: int) -> np.ndarray:
    return mel_to_hz(np.linspace(0.0, hz_to_mel(bins[-1]), count))


def _bank(bins: np.ndarray, n_mels: int) -> np.ndarray:
    return _triangles(bins, _slaney_edges(bins, n_mels + 2))


def _bank_cases(rng: np.random.Generator) -> list[Case]:
    sizes = [(8000, 64, 3), (8000, 512, 10), (16000, 254, 4)]
    for _ in range(4):
        rate, n_fft = int(rng.integers(40, 450)) * 100, int(rng.integers(20, 200)) * 2
        sizes.append((rate, n_fft, int(rng.integers(3, 12))))
    return [
        Case(
            (np.fft.rfftfreq(n_fft, 1 / rate), n_mels),
            f"{n_fft // 2 + 1} frequencies from 0 to {rate // 2} Hz and n_mels = {n_mels}",
        )
        for rate, n_fft, n_mels in sizes
    ]


def _bank_in_hz(bins: np.ndarray, n_mels: int) -> np.ndarray:
    return _triangles(bins, np.linspace(0.0, bins[-1], n_mels + 2))


def _bank_of_equal_tops(bins: np.ndarray, n_mels: int) -> np.ndarray:
    return _triangles(bins, _slaney_edges(bins, n_mels + 2), equal_area=False)


def _bank_swapped(bins: np.ndarray, n_mels: int) -> np.ndarray:
    return _bank(bins, n_mels).T


def _bank_two_short(bins: np.ndarray, n_mels: int) -> np.ndarray:
    return _triangles(bins, _slaney_edges(bins, n_mels))


def _bank_straight_in_mel(bins: np.ndarray, n_mels: int) -> np.ndarray:
    edges = _slaney_edges(bins, n_mels + 2)
    rows = _triangles(hz_to_mel(bins), hz_to_mel(edges), equal_area=False)
    return rows * (2.0 / (edges[2:] - edges[:-2]))[:, None]


def _bank_of_htk(bins: np.ndarray, n_mels: int) -> np.ndarray:
    mels = np.linspace(0.0, 2595.0 * np.log10(1.0 + bins[-1] / 700.0), n_mels + 2)
    return _triangles(bins, 700.0 * (10.0 ** (mels / 2595.0) - 1.0))


def _bank_left_in_mel(bins: np.ndarray, n_mels: int) -> np.ndarray:
    return _triangles(bins, np.linspace(0.0, hz_to_mel(bins[-1]), n_mels + 2))


def _bank_below_zero(bins: np.ndarray, n_mels: int) -> np.ndarray:
    edges = _slaney_edges(bins, n_mels + 2)
    low, top, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return np.minimum((bins - low) / (top - low), (high - bins) / (high - top)) * 2.0 / (high - low)


def _bank_on_bins(bins: np.ndarray, n_mels: int) -> np.ndarray:
    edges = _slaney_edges(bins, n_mels + 2)
    low, top, high = (np.round(e / bins[1])[:, None] * bins[1] for e in (edges[:-2], edges[1:-1], edges[2:]))
    with np.errstate(all="ignore"):
        rows = np.minimum((bins - low) / (top - low), (high - bins) / (high - top)) * 2.0 / (high - low)
    return np.nan_to_num(np.maximum(0.0, rows), posinf=0.0)


def _has_corners_on_bins(case: Case, expected: Any, got: Any) -> bool:
    """A triangle with its corners on bins has exactly the area 1 by its bins, or the top 1; others come near it."""
    rows = got[got.any(axis=1)]
    area, tops = rows.sum(axis=1) * case.args[0][1], rows.max(axis=1)
    return bool(got.shape == expected.shape and (np.allclose(area, 1) or np.allclose(tops, 1)))


# ------------------------------------------------------------------------------------------------------- 1.4 decibels


def _db(power: np.ndarray, ref: float, top_db: float) -> np.ndarray:
    return _cut(10.0 * (np.log10(np.maximum(power, 1e-10)) - np.log10(ref)), top_db)


def _cut(db: np.ndarray, top_db: float) -> np.ndarray:
    return np.maximum(db, db.max() - top_db)


def _db_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for shape in ((6,), (3, 4), (2, 5)):
        power = 10.0 ** rng.uniform(-2, 2, size=shape)
        cases.append(Case((power.round(4), float(rng.choice([0.1, 0.5, 4.0, 10.0])), 80.0), part="loud sounds"))
    quiet = 10.0 ** rng.uniform(-14, -3, size=(4, 5))
    wide = 10.0 ** rng.uniform(-9, 3, size=(3, 6))
    # The loudest and the weakest are set, so that every case needs what it is there for.
    wide[0, :2] = 1e3, 1e-9
    quiet[0, :2] = 1e-3, 1e-14
    wide[1], gap = np.maximum(wide[1], 1e-8) / 1e2, wide.copy()
    gap[:, 0] = 0.0
    some = [(wide, 2.0, 80.0), (wide, 0.5, float(rng.integers(20, 60))), (quiet, 1.0, 90.0), (gap, 1.0, 80.0)]
    # Here the floor shows, because top_db reaches below it, and the reference moves it.
    some += [(quiet, float(rng.choice([0.25, 4.0])), 150.0)]
    silence = Case((np.zeros((2, 3)), 1.0, 80.0), "silence (every power is 0)", "silence and top_db")
    return [*cases, *(Case(one, part="silence and top_db") for one in some), silence]


def _db_by_row(power: np.ndarray, ref: float, top_db: float) -> np.ndarray:
    db = 10.0 * np.log10(np.maximum(power, 1e-10) / ref)
    return np.maximum(db, db.max(axis=-1, keepdims=True) - top_db)


def _db_twenty(power: np.ndarray, ref: float, top_db: float) -> np.ndarray:
    return _cut(20.0 * np.log10(np.maximum(power, 1e-10) / ref), top_db)


def _db_natural(power: np.ndarray, ref: float, top_db: float) -> np.ndarray:
    return _cut(10.0 * np.log(np.maximum(power, 1e-10) / ref), top_db)


def _db_floor_added(power: np.ndarray, ref: float, top_db: float) -> np.ndarray:
    return _cut(10.0 * np.log10((power + 1e-10) / ref), top_db)


def _db_without_top(power: np.ndarray, ref: float, top_db: float) -> np.ndarray:
    return 10.0 * np.log10(np.maximum(power, 1e-10) / ref)


def _db_cut_below_reference(power: np.ndarray, ref: float, top_db: float) -> np.ndarray:
    return np.maximum(10.0 * np.log10(np.maximum(power, 1e-10) / ref), -top_db)


def _db_without_floor(power: np.ndarray, ref: float, top_db: float) -> np.ndarray:
    return _cut(10.0 * np.log10(power / ref), top_db)


def _db_without_reference(power: np.ndarray, ref: float, top_db: float) -> np.ndarray:
    return _db(power, 1.0, top_db)


def _db_floor_last(power: np.ndarray, ref: float, top_db: float) -> np.ndarray:
    return _cut(10.0 * np.log10(np.maximum(power / ref, 1e-10)), top_db)


# ------------------------------------------------------------------------------------------------------------ 1.5 DCT


def _transform(log_mel: np.ndarray, axis: int) -> np.ndarray:
    from scipy.fft import dct

    return dct(log_mel, type=2, norm="ortho", axis=axis)


def _cepstrum(log_mel: np.ndarray, n_mfcc: int) -> np.ndarray:
    return _transform(log_mel, axis=1)[:, :n_mfcc]


def _cepstrum_cases(rng: np.random.Generator) -> list[Case]:
    # One frame; all coefficients; as many frames as bands; a single coefficient.
    sizes = [(1, 8, 5), (4, 6, 6), (7, 7, 4), (3, 9, 1)]
    for _ in range(3):
        n_mels = int(rng.integers(5, 30))
        sizes.append((int(rng.integers(2, 9)), n_mels, int(rng.integers(2, n_mels))))
    return [Case((rng.uniform(-60, 20, size=(t, m)).round(2), n_mfcc)) for t, m, n_mfcc in sizes]


def _cepstrum_swapped(log_mel: np.ndarray, n_mfcc: int) -> np.ndarray:
    return _cepstrum(log_mel, n_mfcc).T


def _cepstrum_over_frames(log_mel: np.ndarray, n_mfcc: int) -> np.ndarray:
    return _transform(log_mel, axis=0)[:, :n_mfcc]


def _cosines(n_mfcc: int, n_mels: int, shift: float = 0.5) -> np.ndarray:
    return np.cos(np.pi * np.outer(np.arange(n_mfcc), np.arange(n_mels) + shift) / n_mels)


def _scales(n_mfcc: int, n_mels: int) -> np.ndarray:
    return np.sqrt(np.where(np.arange(n_mfcc) == 0, 1.0, 2.0) / n_mels)


def _cepstrum_without_norm(log_mel: np.ndarray, n_mfcc: int) -> np.ndarray:
    return log_mel @ _cosines(n_mfcc, log_mel.shape[1]).T


def _cepstrum_half_norm(log_mel: np.ndarray, n_mfcc: int) -> np.ndarray:
    return np.sqrt(2.0 / log_mel.shape[1]) * _cepstrum_without_norm(log_mel, n_mfcc)


def _cepstrum_without_half(log_mel: np.ndarray, n_mfcc: int) -> np.ndarray:
    n_mels = log_mel.shape[1]
    return log_mel @ _cosines(n_mfcc, n_mels, shift=0.0).T * _scales(n_mfcc, n_mels)


def _cepstrum_of_scipy(log_mel: np.ndarray, n_mfcc: int) -> np.ndarray:
    return 2 * _cepstrum_without_norm(log_mel, n_mfcc)


def _cepstrum_from_one(log_mel: np.ndarray, n_mfcc: int) -> np.ndarray:
    return _transform(log_mel, axis=1)[:, 1 : n_mfcc + 1]


def _cepstrum_of_q(log_mel: np.ndarray, n_mfcc: int) -> np.ndarray:
    q, j = np.arange(n_mfcc), np.arange(log_mel.shape[1])
    return log_mel @ np.cos(np.pi * np.outer(q, j + 0.5) / n_mfcc).T * _scales(n_mfcc, len(j))


# ------------------------------------------------------------------------------------------- 1.7 for unheard speakers

_PLACES = ("useful coefficients that stand first", "useful coefficients that stand anywhere")
# So much less than what the reference reaches is still right: other good choices differ by as much.
_LESS = 0.12


def _choice(features: np.ndarray, digits: np.ndarray, speakers: np.ndarray) -> list[int]:
    """Those that the digit moves much; in a mean over many speakers, the voices nearly cancel."""
    means = np.array([features[digits == c].mean(axis=0) for c in np.unique(digits)])
    return np.flatnonzero(means.var(axis=0) > 0.2 * features.var(axis=0)).tolist()


def _choice_case(rng: np.random.Generator, part: str) -> Case:
    """Eight digits in 16 numbers: a few follow the digit, the others how a speaker says a digit, take after take."""
    useful = np.arange(16) < rng.integers(4, 8)
    if part == _PLACES[1]:
        useful = rng.permutation(useful)
    words = rng.normal(size=(8, 16))

    def say(people: int, takes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        who, digits = np.divmod(np.arange(people * 8 * takes) // takes, 8)
        voices, noise = rng.normal(size=(people, 8, 16))[who, digits], rng.normal(size=(len(who), 16))
        return np.where(useful, words[digits] + 0.5 * voices + 0.6 * noise, voices + 0.1 * noise).round(3), digits, who

    new, spoken, _ = say(40, 1)
    told = "16 speakers who say 8 digits three times, 16 coefficients each"
    return Case((*say(16, 3), (new, spoken)), told, part)


def _choice_cases(rng: np.random.Generator) -> list[Case]:
    return [_choice_case(rng, part) for part in _PLACES for _ in range(4)]


def _right_for_new(case: Case, kept: Any) -> float:
    """How many recordings of new speakers have a nearest neighbour of the same digit, by the coefficients kept."""
    from scipy.spatial.distance import cdist

    known, digits, _, (new, spoken) = case.args
    apart = cdist(*((a[:, kept] - known[:, kept].mean(axis=0)) / known[:, kept].std(axis=0) for a in (new, known)))
    return float((digits[apart.argmin(axis=1)] == spoken).mean())


def _choice_verify(case: Case, expected: Any, got: Any) -> str:
    kept, n = np.asarray(got), case.args[0].shape[1]
    if kept.ndim != 1 or kept.dtype.kind not in "iu" or not 0 < len(set(kept.tolist()) & set(range(n))) == len(kept):
        return f"Give a list of different numbers from 0 to {n - 1}."
    share, best = _right_for_new(case, kept), _right_for_new(case, expected)
    told = f"With {len(kept)} of {n} coefficients, {share:.0%} are named right for 40 new speakers; {best:.0%} can be."
    return "" if share >= best - _LESS else told


def _choice_all(features: np.ndarray, digits: np.ndarray, speakers: np.ndarray) -> list[int]:
    return list(range(features.shape[1]))


def _choice_first(features: np.ndarray, digits: np.ndarray, speakers: np.ndarray) -> list[int]:
    return list(range(3 * features.shape[1] // 4))


def _choice_steady(features: np.ndarray, digits: np.ndarray, speakers: np.ndarray) -> list[int]:
    takes = [features[(digits == c) & (speakers == s)] for c in np.unique(digits) for s in np.unique(speakers)]
    change = np.mean([one.var(axis=0) for one in takes], axis=0) / features.var(axis=0)
    return change.argsort()[: features.shape[1] // 2].tolist()


def _keeps_voices(case: Case, expected: Any, got: Any) -> bool:
    return bool(np.mean(~np.isin(got, _choice(*case.args[:3]))) > 0.5)


EXERCISES = (
    Exercise(
        id="1.1",
        title="cut a signal into frames",
        points=3,
        difficulty=2,
        minutes=10,
        signature="frame(x: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray",
        reference=_frames,
        cases=_frames_cases,
        wrong=(
            Wrong("the axes of frames and samples are swapped; frames come first, one in each row", _frames_swapped),
            Wrong("the frames begin every n_fft samples, not every hop_length samples", _frames_without_overlap),
            Wrong("the last frame is missing: there are 1 + (N - n_fft) // hop_length of them", _frames_one_short),
            Wrong("frames that reach beyond the end are kept, filled up with zeros", _frames_of_all_starts),
            Wrong("the frames are centred, as the lecture's are; here the first begins at sample 0", _frames_centred),
            Wrong(
                "a last frame that ends exactly at the last sample is missing; a range does not reach its end",
                _frames_before_the_last,
                _lacks_the_last,
            ),
            Wrong("the samples left over at the end become a frame, filled up with zeros", _frames_filled_up),
        ),
        hints=(
            "Frame $t$ begins at the sample $tH$. How long is it? Write the slice of `x` that it takes.",
            "The frame is `x[t * hop_length : t * hop_length + n_fft]`. "
            "The last one must end at the last sample or before: there are `1 + (len(x) - n_fft) // hop_length`.",
            "Make a list of these pieces, one for each `t` in a `range`, and give it to `np.stack`.",
        ),
        right="Where the hop is shorter than the frame, what lies at the edge of one frame is well inside another.",
        forbidden=("librosa.util.frame", "a2d.features.frames"),
    ),
    Exercise(
        id="1.2",
        title="the power spectrum of every frame",
        points=3,
        difficulty=2,
        minutes=10,
        signature="windowed_power(frames: np.ndarray, window: np.ndarray) -> np.ndarray",
        reference=_power,
        cases=_power_cases,
        wrong=(
            Wrong("the window is not used: each frame is multiplied by it before the transform", _power_without_window),
            Wrong("this is the amplitude; the power is its square", _power_amplitude),
            Wrong(
                "all n_fft frequencies are kept; of real samples those above n_fft // 2 repeat the lower ones",
                _power_all_bins,
            ),
            Wrong("the transform runs over the frames; it belongs along each frame, the last axis", _power_over_frames),
            Wrong("the imaginary part is dropped: the power is real part squared plus its square", _power_real_part),
            Wrong("the power is divided by the number of samples; the equation does not", _power_by_length),
            Wrong("a Hann window is made here; use the window that is given", _power_own_hann),
            Wrong("the last bin, half the sampling rate, is missing", _power_without_last_bin),
        ),
        hints=(
            "`frames * window` multiplies every row by the window: NumPy repeats `(L,)` along the first axis.",
            "`np.fft.rfft(a, axis=-1)` transforms each row and keeps the frequencies from 0 to half the sampling rate.",
            "The results are complex. `np.abs` gives the amplitude; the power is its square.",
        ),
        right="This spectrum has no phase left: what is thrown away here is why a word backwards can look the same.",
        rtol=1e-6,
        atol=1e-9,
        parts={"windows whose weights are all 1": 1, "other windows": 2},
        forbidden=(
            "a2d.features.power_spectrum",
            "librosa.stft",
            "librosa.feature.melspectrogram",
            "scipy.signal.spectrogram",
            "scipy.signal.stft",
            "scipy.signal.periodogram",
        ),
    ),
    Exercise(
        id="1.3",
        title="a mel filterbank",
        points=3,
        difficulty=4,
        minutes=20,
        signature="mel_bank(bins: np.ndarray, n_mels: int) -> np.ndarray",
        reference=_bank,
        cases=_bank_cases,
        given=("a2d.features.hz_to_mel", "a2d.features.mel_to_hz"),
        wrong=(
            Wrong("the edges are evenly spaced in Hz; they should be evenly spaced in mel", _bank_in_hz),
            Wrong("the factor 2 / width is missing: each triangle has the area 1, not the top 1", _bank_of_equal_tops),
            Wrong("the axes of filters and frequencies are swapped; one filter in each row", _bank_swapped),
            Wrong("two filters are missing: n_mels filters need n_mels + 2 edges", _bank_two_short),
            Wrong("the sides are straight lines in mel; here they are straight in Hz", _bank_straight_in_mel),
            Wrong("this is HTK's mel scale; Slaney's is asked for", _bank_of_htk),
            Wrong("the edges are still in mel; turn them back into Hz before you compare with bins", _bank_left_in_mel),
            Wrong("outside of its triangle a filter is below 0; there it must be 0", _bank_below_zero),
            Wrong(
                "the edges are moved to the nearest bins; here they stay where they are",
                _bank_on_bins,
                _has_corners_on_bins,
            ),
        ),
        hints=(
            "First the edges: `n_mels + 2` even steps in mel with `np.linspace`, from 0 to `hz_to_mel(bins[-1])`, "
            "then back to Hz.",
            "For one filter: rising side `(bins - low) / (centre - low)`, falling side "
            "`(high - bins) / (high - centre)`. The filter is the smaller of the two, and never below 0.",
            "`np.minimum` and `np.maximum` compare item by item. Do it for each filter in a loop, multiply by "
            "`2 / (high - low)`, and `np.stack` the rows.",
        ),
        right="Each row is one number per frame: how strong the sound is in a band about as wide as the ear's.",
        forbidden=("librosa.filters.mel", "a2d.features.mel_filterbank"),
    ),
    Exercise(
        id="1.4",
        title="from power to decibels",
        points=2,
        difficulty=2,
        minutes=10,
        signature="to_db(power: np.ndarray, ref: float, top_db: float) -> np.ndarray",
        reference=_db,
        cases=_db_cases,
        wrong=(
            Wrong("the cut counts from the largest level of each row; take that of the whole array", _db_by_row),
            Wrong("the factor is 20: that is for amplitudes; a power takes 10", _db_twenty),
            Wrong("the logarithm is the natural one; decibels take base 10", _db_natural),
            Wrong("1e-10 is added to every power; only smaller powers are raised to it", _db_floor_added),
            Wrong("top_db is not used: nothing may lie more than top_db below the largest level", _db_without_top),
            Wrong("the cut is top_db below the reference, not below the largest level", _db_cut_below_reference),
            Wrong("powers below 1e-10 are not raised to 1e-10, so silence becomes minus infinity", _db_without_floor),
            Wrong("the reference is not used: divide the power by ref", _db_without_reference),
            Wrong("the ratio is raised to 1e-10; first raise the power, then divide by ref", _db_floor_last),
        ),
        hints=(
            "Three steps: raise small powers, take the logarithm of the ratio, cut off below.",
            "`np.maximum(power, 1e-10)` raises small powers; `np.log10` is the logarithm with base 10.",
            "The cut is another `np.maximum`: of the levels, and of the largest level minus `top_db`.",
        ),
        right="No level can fall below a bound now: without one, a single silent frame makes a mean minus infinity.",
        parts={"loud sounds": 1, "silence and top_db": 1},
        forbidden=("librosa.power_to_db", "librosa.amplitude_to_db", "a2d.features.power_to_db"),
    ),
    Exercise(
        id="1.5",
        title="MFCCs from decibels",
        points=3,
        difficulty=3,
        minutes=15,
        signature="cepstrum(log_mel: np.ndarray, n_mfcc: int) -> np.ndarray",
        reference=_cepstrum,
        cases=_cepstrum_cases,
        wrong=(
            Wrong("axis of frames and coefficients swapped: frames come first, one in each row", _cepstrum_swapped),
            Wrong("the transform runs over the frames; it belongs over the bands of one frame", _cepstrum_over_frames),
            Wrong("the scale is missing: without it the cosines do not have length 1", _cepstrum_without_norm),
            Wrong("coefficient 0 has the scale of the others; its own is the root of 1 / M", _cepstrum_half_norm),
            Wrong("the half in j + 1/2 is missing: cosines are taken at the bands' middles", _cepstrum_without_half),
            Wrong("this is SciPy's scale, 2 for every coefficient; here the cosines have length 1", _cepstrum_of_scipy),
            Wrong("coefficient 0 is left out, and the others moved up", _cepstrum_from_one),
            Wrong(
                "n_mfcc stands below the fraction in the cosine; M, the number of bands, belongs there", _cepstrum_of_q
            ),
        ),
        hints=(
            "Write the cosines as a matrix with `n_mfcc` rows, one for each $q$, and `M` columns, one for each $j$.",
            "With `q = np.arange(n_mfcc)[:, None]` and `j = np.arange(M)[None, :]`, one expression gives all cosines. "
            "Then multiply each row by its scale.",
            "All sums over $j$ at once are a product of matrices: `log_mel @ cosines.T` has the shape `(T, n_mfcc)`.",
        ),
        right="The cosines have length 1 and are orthogonal, so with n_mfcc = M the transpose gives the decibels back.",
        forbidden=(
            "scipy.fft.dct",
            "scipy.fft.dctn",
            "librosa.feature.mfcc",
            "a2d.features.dct_matrix",
            "a2d.features.mfcc",
        ),
    ),
    Question(
        id="1.6",
        title="three other tasks",
        points=2,
        minutes=10,
        text=(
            "Three friends want to use mean MFCCs: one to tell *no* from *on*, one to tell who of ten colleagues is "
            'speaking, one to tell the question "Seven?" from the answer "Seven.", in which the voice rises or falls '
            "at the end.\n"
            "Advise each in two or three sentences: can it work, why, and what would you change? "
            "Support two of your answers with a number or a figure of this lecture, and say for what it holds."
        ),
    ),
    Exercise(
        id="1.7",
        title="coefficients for a speaker whom you never heard",
        points=4,
        difficulty=4,
        minutes=30,
        signature="choose(features: np.ndarray, digits: np.ndarray, speakers: np.ndarray) -> list[int]",
        reference=_choice,
        cases=_choice_cases,
        call=calls.but_last,
        verify=_choice_verify,
        wrong=(
            Wrong(
                "it keeps all of them, and those that follow the voice hide those that follow the digit",
                _choice_all,
                lambda case, expected, got: len(got) == case.args[0].shape[1],
            ),
            Wrong(
                "it keeps the first ones up to some number; ask the data which are useful, each by itself",
                _choice_first,
                lambda case, expected, got: sorted(got) == list(range(len(got))),
            ),
            Wrong(
                "most of what it keeps follows the voice: that looks good only among recordings of one speaker; "
                "compare recordings with those of other speakers",
                _choice_steady,
                _keeps_voices,
            ),
        ),
        hints=(
            "Which coefficient is useful? One whose mean differs much from digit to digit, compared with how much it "
            "varies in all. Give each coefficient such a number, and sort them.",
            "How many to keep? Try 1, 2, 3, ... of the sorted ones: name each recording by its nearest neighbour among "
            "the *other speakers'* recordings, and count how many are right.",
            "With squared distances in a table, set those between recordings of one speaker to `np.inf`; then "
            "`digits[table.argmin(axis=1)]` names the digits.",
        ),
        right="A choice is only as good as the people it was tried on: yours were left out one at a time.",
        parts=dict.fromkeys(_PLACES, 2),
    ),
)
