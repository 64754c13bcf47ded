"""Exercises of lecture 00: the accuracy of readings, and how many of them make it sure enough."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from a2d.checks.comparison import describe
from a2d.exercises.model import Case, Exercise, Wrong


def _readings(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n, share in ((8, 0.6), (25, 0.3), (60, 0.9), (12, 0.0), (9, 1.0)):
        spoken, right = rng.integers(0, 10, n), np.arange(n) < share * n
        other = (spoken + rng.integers(1, 10, n)) % 10
        order = rng.permutation(n)
        cases.append(Case((np.where(right, spoken, other)[order], spoken[order])))
    return cases


def _number_needed(accuracy: float, half_width: float) -> int:
    return math.ceil(accuracy * (1 - accuracy) * (1.96 / half_width) ** 2)


def _wishes(rng: np.random.Generator) -> list[Case]:
    shares = [0.5, *rng.uniform([0.6, 0.7, 0.8, 0.9, 0.1], [0.65, 0.75, 0.85, 0.93, 0.2]).round(2).tolist()]
    return [Case((share, half)) for share, half in zip(shares, (0.06, 0.05, 0.06, 0.04, 0.03, 0.04), strict=True)]


def _enough(case: Case, expected: int, got: Any) -> str:
    """Whether so many drawings are enough and not far too many: searches by simulation end up to 15 % lower."""
    if isinstance(got, bool) or not isinstance(got, int | float) or got != int(got) or got < 1:
        return f"Expected a whole number of drawings from 1, got {describe(got)}."
    accuracy, half_width = case.args
    reached = 1.96 * math.sqrt(accuracy * (1 - accuracy) / got)
    if got < 0.82 * expected:
        return f"With {got:g} drawings the interval reaches {reached:.3f} to either side; {half_width} is wanted."
    if got > 1.15 * expected:
        return f"{got:g} drawings are more than needed: the interval reaches {reached:.3f}, and {half_width} is enough."
    return ""


EXERCISES = (
    Exercise(
        id="0.1",
        title="the accuracy of readings",
        points=1,
        difficulty=1,
        minutes=5,
        signature="share_right(read: np.ndarray, spoken: np.ndarray) -> float",
        reference=lambda read, spoken: float((read == spoken).mean()),
        cases=_readings,
        wrong=(
            Wrong(
                "this is how many are read as spoken; divide by how many there are",
                lambda read, spoken: int((read == spoken).sum()),
            ),
            Wrong("this is in per cent; a share from 0 to 1 is wanted", lambda r, s: 100 * float((r == s).mean())),
            Wrong("this is the share of errors; the accuracy is 1 minus that", lambda r, s: float((r != s).mean())),
            Wrong(
                "this asks whether all readings are right at once; compare them one by one",
                lambda read, spoken: float(np.array_equal(read, spoken)),
            ),
            Wrong(
                "this divides by 10, the number of digits; divide by the number of readings",
                lambda read, spoken: int((read == spoken).sum()) / 10,
            ),
        ),
        hints=(
            "`read == spoken` compares the two arrays place by place, and gives True or False for each.",
            "True counts as 1 and False as 0, so what is the mean of such an array?",
        ),
        right="This one number is what the report measures. It says nothing about which digits go wrong.",
        forbidden=("sklearn.metrics.accuracy_score", "a2d.metrics.recognition"),
    ),
    Exercise(
        id="0.2",
        title="how many drawings are enough?",
        points=2,
        difficulty=3,
        minutes=15,
        signature="number_needed(accuracy: float, half_width: float) -> int",
        reference=_number_needed,
        cases=_wishes,
        verify=_enough,
        rtol=0.03,
        wrong=(
            Wrong(
                "this is one standard error, which holds about 68 % of the chance results; 95 % are wanted",
                lambda a, h: math.ceil(a * (1 - a) / h**2),
            ),
            Wrong(
                "this is the worst case, an accuracy of one half, whatever the accuracy is",
                lambda a, h: math.ceil(0.25 * (1.96 / h) ** 2),
            ),
            Wrong(
                "half_width is how far the interval reaches to one side; here the whole interval is that long",
                lambda a, h: math.ceil(a * (1 - a) * (3.92 / h) ** 2),
            ),
            Wrong(
                "the whole interval is four times half_width here; it may be twice half_width",
                lambda a, h: math.ceil(a * (1 - a) * (0.98 / h) ** 2),
            ),
            Wrong(
                "the interval shrinks with the square root of the number, so half of it needs four times as many",
                lambda a, h: math.ceil(math.sqrt(a * (1 - a)) * 1.96 / h),
            ),
        ),
        hints=(
            "Try one number first: `rng.binomial(N, accuracy, 10_000) / N` gives 10,000 accuracies of `N` readings "
            "each. How far apart are the 2.5 % and the 97.5 % point (`np.quantile`)?",
            "Then let `N` grow (by 1, or by a few per cent) until they are close enough.",
            "Or a formula: chance accuracies have the standard deviation $\\sqrt{A (1 - A) / N}$, "
            "and 95 % of them lie within 1.96 of these. Solve for $N$.",
        ),
        right="Four times as many drawings halve the interval. Now you can plan a measurement before you make it.",
    ),
)
