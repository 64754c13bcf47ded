"""Exercises of lecture 01: from a sound to numbers."""

from __future__ import annotations

import numpy as np

from a2d.exercises.model import Case, Exercise, Question, Wrong

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
    count = -(-len(x) // hop_length)
    return _frames(np.pad(x, (0, n_fft)), n_fft, hop_length)[:count]


def _frames_centred(x: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    return _frames(np.pad(x, n_fft // 2), n_fft, hop_length)


_FRAME = Exercise(
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
        Wrong(
            "the frames are centred, as the lecture's are; here the first begins with the first sample", _frames_centred
        ),
    ),
    hints=(
        "Frame $t$ begins at the sample $tH$. How long is it? Write the slice of `x` that it takes.",
        "The frame is `x[t * hop_length : t * hop_length + n_fft]`. "
        "The last one must end at the last sample or before: there are `1 + (len(x) - n_fft) // hop_length`.",
        "Make a list of these pieces, one for each `t` in a `range`, and give it to `np.stack`.",
    ),
    right="Where the hop is shorter than the frame, what lies at the edge of one frame is well inside another.",
    forbidden=("librosa.util.frame", "a2d.features.frames"),
)

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
        part = "every weight is 1" if plain else "other windows"
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


_POWER = Exercise(
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
        Wrong(
            "the imaginary part is dropped: the power is real part squared plus imaginary part squared",
            _power_real_part,
        ),
    ),
    hints=(
        "`frames * window` multiplies every row by the window: NumPy repeats `(L,)` along the first axis.",
        "`np.fft.rfft(a, axis=-1)` transforms each row and keeps the frequencies from 0 to half the sampling rate.",
        "The results are complex. `np.abs` gives the amplitude; the power is its square.",
    ),
    right="This spectrum has no phase left: what is thrown away here is why a word backwards can look the same later.",
    rtol=1e-6,
    atol=1e-9,
    parts={"every weight is 1": 1, "other windows": 2},
    forbidden=(
        "a2d.features.power_spectrum",
        "librosa.stft",
        "librosa.feature.melspectrogram",
        "scipy.signal.spectrogram",
        "scipy.signal.stft",
        "scipy.signal.periodogram",
    ),
)

# ------------------------------------------------------------------------------------------------- 1.3 mel filterbank


def _htk_edges(top: float, count: int) -> np.ndarray:
    mels = np.linspace(0.0, 2595.0 * np.log10(1.0 + top / 700.0), count)
    return 700.0 * (10.0 ** (mels / 2595.0) - 1.0)


def _draw_triangles(bins: np.ndarray, edges: np.ndarray) -> np.ndarray:
    each = zip(edges[:-2], edges[1:-1], edges[2:], strict=True)
    return np.stack([np.interp(bins, points, [0.0, 1.0, 0.0]) for points in each])


def _bank(bins: np.ndarray, n_mels: int) -> np.ndarray:
    return _draw_triangles(bins, _htk_edges(bins[-1], n_mels + 2))


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
    return _draw_triangles(bins, np.linspace(0.0, bins[-1], n_mels + 2))


def _bank_of_equal_area(bins: np.ndarray, n_mels: int) -> np.ndarray:
    edges = _htk_edges(bins[-1], n_mels + 2)
    return _draw_triangles(bins, edges) * (2.0 / (edges[2:] - edges[:-2]))[:, None]


def _bank_swapped(bins: np.ndarray, n_mels: int) -> np.ndarray:
    return _bank(bins, n_mels).T


def _bank_two_short(bins: np.ndarray, n_mels: int) -> np.ndarray:
    return _draw_triangles(bins, _htk_edges(bins[-1], n_mels))


def _bank_straight_in_mel(bins: np.ndarray, n_mels: int) -> np.ndarray:
    mels = 2595.0 * np.log10(1.0 + bins / 700.0)
    return _draw_triangles(mels, np.linspace(0.0, mels[-1], n_mels + 2))


_BANK = Exercise(
    id="1.3",
    title="a mel filterbank",
    points=3,
    difficulty=4,
    minutes=20,
    signature="htk_bank(bins: np.ndarray, n_mels: int) -> np.ndarray",
    reference=_bank,
    cases=_bank_cases,
    wrong=(
        Wrong("the edges are evenly spaced in Hz; they should be evenly spaced in mel", _bank_in_hz),
        Wrong("each filter is divided by its width; here every top is 1", _bank_of_equal_area),
        Wrong("the axes of filters and frequencies are swapped; one filter in each row", _bank_swapped),
        Wrong("two filters are missing: n_mels filters need n_mels + 2 edges", _bank_two_short),
        Wrong("the sides are straight lines in mel; here they are straight in Hz", _bank_straight_in_mel),
    ),
    hints=(
        "First the edges: `n_mels + 2` even steps in mel with `np.linspace`, from the mel of 0 Hz to the mel of "
        "`bins[-1]`, then back to Hz.",
        "For one filter: rising side `(bins - low) / (centre - low)`, falling side `(high - bins) / (high - centre)`. "
        "The filter is the smaller of the two, and never below 0.",
        "`np.minimum` and `np.maximum` compare item by item. Do it for each filter in a loop and `np.stack` the rows.",
    ),
    right="The base of the logarithm did not matter: another base stretches the mel axis, and even steps stay even.",
    forbidden=("librosa.filters.mel", "a2d.features.mel_filterbank"),
)

# ------------------------------------------------------------------------------------------------------- 1.4 decibels


def _db(power: np.ndarray, ref: float, top_db: float) -> np.ndarray:
    db = 10.0 * (np.log10(np.maximum(power, 1e-10)) - np.log10(ref))
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
    gap = wide.copy()
    gap[:, 0] = 0.0
    part = "silence and top_db"
    cases.append(Case((wide, 2.0, 80.0), part=part))
    cases.append(Case((wide, 0.5, float(rng.integers(20, 60))), part=part))
    cases.append(Case((quiet, 1.0, 90.0), part=part))
    cases.append(Case((gap, 1.0, 80.0), part=part))
    cases.append(Case((np.zeros((2, 3)), 1.0, 80.0), "silence (every power is 0)", part))
    return cases


def _db_without_log(power: np.ndarray, ref: float, top_db: float) -> np.ndarray:
    ratio = 10.0 * np.maximum(power, 1e-10) / ref
    return np.maximum(ratio, ratio.max() - top_db)


def _db_twenty(power: np.ndarray, ref: float, top_db: float) -> np.ndarray:
    db = 20.0 * np.log10(np.maximum(power, 1e-10) / ref)
    return np.maximum(db, db.max() - top_db)


def _db_natural(power: np.ndarray, ref: float, top_db: float) -> np.ndarray:
    db = 10.0 * np.log(np.maximum(power, 1e-10) / ref)
    return np.maximum(db, db.max() - top_db)


def _db_of_amplitude(power: np.ndarray, ref: float, top_db: float) -> np.ndarray:
    db = 10.0 * np.log10(np.sqrt(np.maximum(power, 1e-10)) / ref)
    return np.maximum(db, db.max() - top_db)


def _db_without_top(power: np.ndarray, ref: float, top_db: float) -> np.ndarray:
    return 10.0 * np.log10(np.maximum(power, 1e-10) / ref)


def _db_cut_below_reference(power: np.ndarray, ref: float, top_db: float) -> np.ndarray:
    return np.maximum(10.0 * np.log10(np.maximum(power, 1e-10) / ref), -top_db)


def _db_without_floor(power: np.ndarray, ref: float, top_db: float) -> np.ndarray:
    db = 10.0 * np.log10(power / ref)
    return np.maximum(db, db.max() - top_db)


def _db_without_reference(power: np.ndarray, ref: float, top_db: float) -> np.ndarray:
    return _db(power, 1.0, top_db)


_DECIBELS = Exercise(
    id="1.4",
    title="from power to decibels",
    points=2,
    difficulty=2,
    minutes=10,
    signature="to_db(power: np.ndarray, ref: float, top_db: float) -> np.ndarray",
    reference=_db,
    cases=_db_cases,
    wrong=(
        Wrong("you forgot the log: decibels are ten times a base-10 logarithm of a ratio", _db_without_log),
        Wrong("the factor is 20: that is for amplitudes; a power takes 10", _db_twenty),
        Wrong("the logarithm is the natural one; decibels take base 10", _db_natural),
        Wrong(
            "this is the logarithm of the amplitude (the root of the power) with the factor of a power",
            _db_of_amplitude,
        ),
        Wrong("top_db is not used: nothing may lie more than top_db below the largest level", _db_without_top),
        Wrong(
            "the cut is top_db below the reference; it should be top_db below the largest level",
            _db_cut_below_reference,
        ),
        Wrong("powers below 1e-10 are not raised to 1e-10 first, so silence becomes minus infinity", _db_without_floor),
        Wrong("the reference is not used: divide the power by ref", _db_without_reference),
    ),
    hints=(
        "Three steps: raise small powers, take the logarithm of the ratio, cut off below.",
        "`np.maximum(power, 1e-10)` raises small powers; `np.log10` is the logarithm with base 10.",
        "The cut is another `np.maximum`: of the levels, and of the largest level minus `top_db`.",
    ),
    right="No level can fall below a bound now: without one, a single silent frame would make a mean minus infinity.",
    parts={"loud sounds": 1, "silence and top_db": 1},
    forbidden=("librosa.power_to_db", "librosa.amplitude_to_db", "a2d.features.power_to_db"),
)

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


def _cepstrum_without_norm(log_mel: np.ndarray, n_mfcc: int) -> np.ndarray:
    return log_mel @ _cosines(n_mfcc, log_mel.shape[1]).T


def _cepstrum_half_norm(log_mel: np.ndarray, n_mfcc: int) -> np.ndarray:
    return np.sqrt(2.0 / log_mel.shape[1]) * _cepstrum_without_norm(log_mel, n_mfcc)


def _cepstrum_without_half(log_mel: np.ndarray, n_mfcc: int) -> np.ndarray:
    n_mels = log_mel.shape[1]
    scale = np.where(np.arange(n_mfcc) == 0, np.sqrt(1.0 / n_mels), np.sqrt(2.0 / n_mels))
    return log_mel @ _cosines(n_mfcc, n_mels, shift=0.0).T * scale


_DCT = Exercise(
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
        Wrong(
            "the transform runs over the frames (axis 0); it belongs over the mel bands of one frame",
            _cepstrum_over_frames,
        ),
        Wrong("the scale a_q is missing: without it the cosines do not have length 1", _cepstrum_without_norm),
        Wrong(
            "coefficient 0 has the scale of the others; its own is the root of 1 / M, not of 2 / M", _cepstrum_half_norm
        ),
        Wrong("the half in j + 1/2 is missing: the cosines are taken at the bands' middles", _cepstrum_without_half),
    ),
    hints=(
        "Write the cosines as a matrix with `n_mfcc` rows, one for each $q$, and `M` columns, one for each $j$.",
        "With `q = np.arange(n_mfcc)[:, None]` and `j = np.arange(M)[None, :]`, one expression gives all cosines. "
        "Then multiply the rows by $a_q$.",
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
)

# ------------------------------------------------------------------------------------------------------- 1.6 question

_ORDER = Question(
    id="1.6",
    title="what is lost, and what it costs",
    points=2,
    minutes=10,
    text=(
        "In four to eight sentences: what does the mean over time keep of a recording, what does it lose, and what "
        "does that cost?\n"
        "For the cost, name an experiment of this lecture and its numbers."
    ),
)

EXERCISES = (_FRAME, _POWER, _BANK, _DECIBELS, _DCT, _ORDER)
