"""Exercises of lecture 10: better ears."""

from __future__ import annotations

from typing import Any

import numpy as np

from a2d.exercises import calls
from a2d.exercises.model import Case, Exercise, Question, Wrong

# ------------------------------------------------------------------------------------------------ 10.1 standardise


def _standardised(db: np.ndarray, floor: float = 80.0) -> np.ndarray:
    heard = np.maximum(db, db.max() - floor)
    return (heard - heard.mean()) / heard.std()


def _spectrogram_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n in range(5):
        frames, bands = int(rng.integers(4, 9)), int(rng.integers(3, 7))
        db = rng.uniform(-60, -15, (frames, bands))
        db[0, 0] = rng.uniform(-12, -4)  # so that a floor 80 dB below it is another than one at -80 dB
        if n > 1:
            db[-2:] -= 90  # silence, far below the floor
        told = f"a spectrogram of {frames} frames and {bands} bands, from {db.min():.0f} to {db.max():.0f} dB"
        cases.append(Case((db.round(2),), told, "with silence" if n > 1 else "without silence"))
    return cases


def _floored(db: np.ndarray) -> np.ndarray:
    return np.maximum(db, db.max() - 80.0)


def _by_band(db: np.ndarray) -> np.ndarray:
    heard = _floored(db)
    return (heard - heard.mean(0)) / np.maximum(heard.std(0), 1e-12)


def _moments_before(db: np.ndarray) -> np.ndarray:
    return (_floored(db) - db.mean()) / db.std()


def _floor_at_least(db: np.ndarray) -> np.ndarray:
    heard = np.maximum(db, -80.0)
    return (heard - heard.mean()) / heard.std()


# --------------------------------------------------------------------------------------------------- 10.2 add noise


def _power(x: np.ndarray) -> float:
    return float(np.mean(np.square(x)))


def _at_snr(samples: np.ndarray, noise: np.ndarray, snr: float) -> np.ndarray:
    return samples + noise * np.sqrt(_power(samples) / _power(noise) * 10 ** (-snr / 10))


def _snr_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for snr in (20.0, 10.0, 0.0, -3.0, float(rng.integers(4, 16))):
        n = int(rng.integers(20, 60))
        samples, noise = rng.normal(0, rng.uniform(0.05, 0.4), n), rng.normal(0, rng.uniform(0.5, 3), n)
        cases.append(Case((samples.round(4), noise.round(4), snr), f"{n} samples, noise, and {snr:g} dB"))
    return cases


def _snr_of_amplitudes(samples: np.ndarray, noise: np.ndarray, snr: float) -> np.ndarray:
    return samples + noise * np.sqrt(_power(samples) / _power(noise)) * 10 ** (-snr / 10)


def _snr_twenty(samples: np.ndarray, noise: np.ndarray, snr: float) -> np.ndarray:
    return samples + noise * np.sqrt(_power(samples) / _power(noise) * 10 ** (-snr / 20))


def _snr_own_power(samples: np.ndarray, noise: np.ndarray, snr: float) -> np.ndarray:
    return samples + noise * np.sqrt(_power(samples) * 10 ** (-snr / 10))


def _snr_signal_ignored(samples: np.ndarray, noise: np.ndarray, snr: float) -> np.ndarray:
    return samples + noise * np.sqrt(10 ** (-snr / 10) / _power(noise))


def _snr_turned(samples: np.ndarray, noise: np.ndarray, snr: float) -> np.ndarray:
    return _at_snr(samples, noise, -snr)


def _snr_peaks(samples: np.ndarray, noise: np.ndarray, snr: float) -> np.ndarray:
    return samples + noise * np.abs(samples).max() / np.abs(noise).max() * 10 ** (-snr / 20)


# ------------------------------------------------------------------------------------------------- 10.3 another pace


def _at_pace(samples: np.ndarray, factor: float) -> np.ndarray:
    places = np.arange(int((len(samples) - 1) / factor + 1e-9) + 1) * factor
    return np.interp(places, np.arange(len(samples)), samples)


def _pace_cases(rng: np.random.Generator) -> list[Case]:
    # No multiple of the last two is a whole number so soon: whether the last place counts is no matter of rounding.
    drawn = (round(float(rng.uniform(low, high)), 2) + 0.003 for low, high in ((0.8, 0.97), (1.05, 1.4)))
    factors = (1.0, 2.0, 0.5, 1.25, *(round(factor, 3) for factor in drawn))
    return [
        Case((rng.normal(0, 0.3, int(rng.integers(9, 20))).round(3), factor), f"some samples, {factor:g} times as fast")
        for factor in factors
    ]


def _pace_turned(samples: np.ndarray, factor: float) -> np.ndarray:
    return _at_pace(samples, 1 / factor)


def _pace_nearest(samples: np.ndarray, factor: float) -> np.ndarray:
    places = np.arange(int((len(samples) - 1) / factor + 1e-9) + 1) * factor
    return samples[np.minimum(np.floor(places + 1e-9).astype(int), len(samples) - 1)]


def _pace_too_short(samples: np.ndarray, factor: float) -> np.ndarray:
    return np.interp(np.arange(0, len(samples) - 1, factor), np.arange(len(samples)), samples)


def _pace_stretched(samples: np.ndarray, factor: float) -> np.ndarray:
    n = max(2, round(len(samples) / factor))
    return np.interp(np.linspace(0, len(samples) - 1, n), np.arange(len(samples)), samples)


# ---------------------------------------------------------------------------------------------- 10.4 two ears at once


def _fused(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    product = np.sqrt(p * q)
    return product / product.sum(1, keepdims=True)


def _fuse_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for _ in range(5):
        b, sharp = int(rng.integers(2, 5)), rng.uniform(0.3, 2, 2)
        pair = [rng.dirichlet(np.full(10, a), b) + 1e-3 for a in sharp]
        p, q = ((x / x.sum(1, keepdims=True)).round(6) for x in pair)
        cases.append(Case((p, q), f"what two ears make of {b} recordings"))
    return cases


# ------------------------------------------------------------------------------------------------- 10.5 temperature


def _nll(scores: np.ndarray, labels: np.ndarray, temperature: float) -> float:
    x = scores / temperature
    x = x - x.max(1, keepdims=True)
    ln_p = x - np.log(np.exp(x).sum(1, keepdims=True))
    return float(-ln_p[np.arange(len(labels)), labels].mean())


def _temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(lambda ln_t: _nll(scores, labels, np.exp(ln_t)), bounds=(-4, 4), method="bounded")
    return float(np.exp(found.x))


def _temperature_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for true in (3.0, 0.4, 1.6, float(rng.uniform(1.2, 5))):
        n = 400
        honest = rng.normal(0, 1.6, (n, 10))
        p = np.exp(honest) / np.exp(honest).sum(1, keepdims=True)
        labels = (p.cumsum(1) > rng.random((n, 1))).argmax(1)
        told = f"scores of {n} recordings, {'too' if true > 1 else 'not'} sure{'' if true > 1 else ' enough'}"
        cases.append(Case(((true * honest).round(3), labels), told))
    return cases


def _temperature_verify(case: Case, expected: Any, got: Any) -> str:
    try:
        value = float(got)
    except (TypeError, ValueError):
        return f"Give one number, not {got!r}."
    if not value > 0 or not np.isfinite(value):
        return f"A temperature is above 0, not {value:g}."
    scores, labels = case.args
    best, yours = _nll(scores, labels, float(expected)), _nll(scores, labels, value)
    if yours <= best + 0.002:
        return ""
    return f"With {value:.2f} the loss is {yours:.3f} nats per recording; {best:.3f} are possible."


# --------------------------------------------------------------------------------------------------- 10.6 refuse

# Of 2,000 new digits at most so many may be refused, of 2,000 other sounds at least so many must be.
_OF_DIGITS, _OF_OTHERS = 100, 1700


def _ear(rng: np.random.Generator, n: int, easy: float, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """How probable an ear finds "no digit", and whether it is a digit: half of ``n`` each.

    ``easy``: how far both kinds are apart, in logits; ``shift``: how suspicious the ear is. One in fifty digits is
    said so badly that nobody could know it.
    """
    digit = np.arange(n) % 2 == 0
    logit = np.where(digit, rng.normal(shift, 1.5, n), rng.normal(shift + easy, 1.5, n))
    logit = logit + np.where(digit & (rng.random(n) < 0.02), easy, 0.0)
    return 1 / (1 + np.exp(-logit)), digit


def _limit(nothing: np.ndarray, digit: np.ndarray) -> float:
    return float(np.quantile(nothing[digit], 0.97))


def _limit_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for easy, shift, told in ((6.5, 0.0, "suspicious"), (6.5, -7.0, "trustful"), (6.0, 0.5, "suspicious")):
        nothing, digit = _ear(rng, 4000, easy, shift)
        told = f"4,000 validation sounds, as a {told} ear hears them; then 4,000 new ones from the same source"
        cases.append(Case((nothing.round(9), digit, _ear(rng, 4000, easy, shift)), told))
    easy, shift = 6.3, float(rng.uniform(-9, -6))
    nothing, digit = _ear(rng, 4000, easy, shift)
    told = "4,000 validation sounds, as another ear hears them; then 4,000 new ones from the same source"
    return [*cases, Case((nothing.round(9), digit, _ear(rng, 4000, easy, shift)), told)]


def _limit_verify(case: Case, expected: Any, got: Any) -> str:
    try:
        value = float(got)
    except (TypeError, ValueError):
        return f"Give one number, not {got!r}."
    nothing, digit = case.args[2]
    refused = nothing > value
    lost, kept_out = int(refused[digit].sum()), int(refused[~digit].sum())
    if lost > _OF_DIGITS:
        return f"Above {value:.3g} lie {lost} of 2,000 new digits; at most {_OF_DIGITS} may be refused."
    if not kept_out >= _OF_OTHERS:
        return f"Above {value:.3g} lie {kept_out} of 2,000 other sounds; {_OF_OTHERS} or more must be refused."
    return ""


EXERCISES = (
    Exercise(
        id="10.1",
        title="what a microphone does not change",
        points=2,
        difficulty=1,
        minutes=10,
        signature="standardised(db: np.ndarray) -> np.ndarray",
        reference=_standardised,
        cases=_spectrogram_cases,
        wrong=(
            Wrong("each band is standardised for itself; take one mean and one deviation of all values", _by_band),
            Wrong(
                "nothing is cut off below: raise what is more than 80 dB under the maximum",
                lambda db: _standardised(db, np.inf),
            ),
            Wrong(
                "mean and deviation are those of the levels as they came; take them behind the floor", _moments_before
            ),
            Wrong("the floor is at -80 dB, whatever the maximum; it belongs 80 dB below it", _floor_at_least),
            Wrong("the variance is divided by, not its root", lambda db: _standardised(db) / _floored(db).std()),
            Wrong("the mean is still there", lambda db: _floored(db) / _floored(db).std()),
        ),
        hints=(
            "First the floor: `np.maximum(db, db.max() - 80)`.",
            "`x.mean()` and `x.std()` without an axis take all values.",
        ),
        right=(
            "A louder recording has the same decibels more everywhere, and the mean takes them away. From here on, "
            "every picture that an ear of this lecture gets goes through your function."
        ),
        parts={"without silence": 1, "with silence": 1},
    ),
    Exercise(
        id="10.2",
        title="so many decibels of noise",
        points=2,
        difficulty=2,
        minutes=10,
        signature="at_snr(samples: np.ndarray, noise: np.ndarray, snr: float) -> np.ndarray",
        reference=_at_snr,
        cases=_snr_cases,
        wrong=(
            Wrong("10^(-snr / 10) is a factor of powers; on the noise itself acts its square root", _snr_of_amplitudes),
            Wrong("20 belongs to ratios of amplitudes; with ratios of powers it is 10", _snr_twenty),
            Wrong("the noise comes with a power of its own; divide by that first", _snr_own_power),
            Wrong(
                "the power of the recording is left out: the noise must be as loud as that asks for",
                _snr_signal_ignored,
            ),
            Wrong("the sign is turned: with more decibels the noise is softer", _snr_turned),
            Wrong("the peaks are compared; a ratio of powers is asked for", _snr_peaks),
        ),
        hints=(
            "Multiply the noise by $\\xi$, and its power is $\\xi^2$ times what it was.",
            "Solve $10 \\log_{10} \\left(P_s / (\\xi^2 P_\\nu)\\right) = \\mathrm{SNR}$ for $\\xi$.",
            "A mean of squares is `np.mean(x**2)`. Turn decibels into a ratio of powers with `10 ** (snr / 10)`.",
        ),
        right="At 0 dB the noise is as strong as the recording. From here on, all noise is put in by your function.",
    ),
    Exercise(
        id="10.3",
        title="another pace",
        points=2,
        difficulty=3,
        minutes=15,
        signature="at_pace(samples: np.ndarray, factor: float) -> np.ndarray",
        reference=_at_pace,
        cases=_pace_cases,
        wrong=(
            Wrong("it is slower where it should be faster: sample $k$ is read at $k$ times the factor", _pace_turned),
            Wrong("the sample before is taken; between two samples lies a straight line", _pace_nearest),
            Wrong("the last place may be the last sample itself, which `np.arange` leaves out", _pace_too_short),
            Wrong(
                "the places are spread so that the last one is the last sample; they are the factor apart",
                _pace_stretched,
            ),
        ),
        hints=(
            "Sample $k$ of the result is the value at place `k * factor` of the recording.",
            "`np.interp(places, np.arange(len(samples)), samples)` draws the straight lines.",
            "The last place must not lie behind the last sample: how often does `factor` fit into `len(samples) - 1`?",
        ),
        right="Pace and pitch change together, as with a tape: one voice becomes several.",
        forbidden=("scipy.signal.resample", "soxr.resample", "a2d.audio.resample", "a2d.ears.augment.change_pace"),
    ),
    Exercise(
        id="10.4",
        title="two ears at once",
        points=2,
        difficulty=2,
        minutes=10,
        signature="fused(p: np.ndarray, q: np.ndarray) -> np.ndarray",
        reference=_fused,
        cases=_fuse_cases,
        wrong=(
            Wrong(
                "this is the mean of the probabilities; the mean of their logarithms is asked for",
                lambda p, q: (p + q) / 2,
            ),
            Wrong("the rows do not sum to 1: divide by their sums", lambda p, q: np.sqrt(p * q)),
            Wrong(
                "the product is taken, not its root: that is the sum of the logarithms, not their mean",
                lambda p, q: p * q / (p * q).sum(1, keepdims=True),
            ),
            Wrong(
                "the sum goes over the recordings; each recording's ten numbers must sum to 1",
                lambda p, q: np.sqrt(p * q) / np.sqrt(p * q).sum(0, keepdims=True),
            ),
        ),
        hints=(
            "The mean of $\\ln p$ and $\\ln q$ is $\\ln \\sqrt{p q}$.",
            "`x / x.sum(axis=1, keepdims=True)` makes each row sum to 1.",
        ),
        right="An ear that rules a digit out has a veto. With the mean of the probabilities it would have none.",
    ),
    Exercise(
        id="10.5",
        title="the right temperature",
        points=3,
        difficulty=4,
        minutes=20,
        signature="temperature(scores: np.ndarray, labels: np.ndarray) -> float",
        reference=_temperature,
        cases=_temperature_cases,
        verify=_temperature_verify,
        wrong=(
            Wrong(
                "this is the reciprocal: the scores are divided by the temperature",
                lambda scores, labels: 1 / _temperature(scores, labels),
                lambda case, expected, got: abs(float(got) * float(expected) - 1) < 0.02,
            ),
            Wrong("it is 1 whatever the scores are", lambda scores, labels: 1.0),
            Wrong(
                "this is the logarithm of the temperature; undo it with `np.exp`",
                lambda scores, labels: np.log(_temperature(scores, labels)),
                lambda case, expected, got: abs(float(got) - np.log(float(expected))) < 0.05,
            ),
        ),
        hints=(
            "Write the loss as a function of the temperature: divide the scores by it, take the logarithm of the "
            "softmax, pick the entry of each recording's digit, and give minus the mean.",
            "One number is sought: try 200 of them, evenly spaced in the logarithm, and keep the best.",
            "`np.geomspace` gives such numbers; from 0.1 to 10 is far enough.",
        ),
        right="It changes no reading and no accuracy, only how sure the ear says it is.",
    ),
    Exercise(
        id="10.6",
        title="that was no digit",
        points=3,
        difficulty=3,
        minutes=15,
        signature="limit(nothing: np.ndarray, digit: np.ndarray) -> float",
        reference=_limit,
        cases=_limit_cases,
        call=calls.but_last,
        verify=_limit_verify,
        wrong=(
            Wrong("one half is no law: how many digits lie above it depends on the ear", lambda nothing, digit: 0.5),
            Wrong(
                "the greatest value among the digits lets almost everything in: a few digits are said very badly",
                lambda nothing, digit: nothing[digit].max(),
            ),
            Wrong(
                "the middle of the two means does not say how many digits lie above it",
                lambda nothing, digit: (nothing[digit].mean() + nothing[~digit].mean()) / 2,
            ),
            Wrong(
                "this is a quantile of all sounds; which of them are digits is known",
                lambda nothing, digit: np.quantile(nothing, 0.97),
            ),
        ),
        hints=(
            "The first demand speaks of digits only: look at `nothing[digit]`. Where must a limit stand, so that few "
            "of them lie above it?",
            "`np.quantile(values, share)` is the number that this share of the values lies below.",
            "It must hold for *new* sounds, whose share will be a little more or less: leave some room.",
        ),
        right="The limit was chosen on validation sounds and judged on others, like everything that is chosen.",
    ),
    Question(
        id="10.7",
        title="a thousand more voices, or better ones?",
        points=2,
        minutes=10,
        text=(
            "An ear of this lecture is to serve anybody who calls by telephone. You can pay for one of two "
            "collections: 1,000 more people who say every digit once into their own telephones, or 50 people who say "
            "every digit 20 times in a studio.\n\n"
            "Which do you take, and why? Use the curve over the number of voices and the figure of what each change "
            "in training is worth, with numbers from both.\n"
            "Say as well which result, on which recordings, would prove you wrong.\n"
            "Write five to eight sentences."
        ),
    ),
)
