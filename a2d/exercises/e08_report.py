"""Exercises of lecture 08: the report, reproduced."""

from __future__ import annotations

from typing import Any

import numpy as np

from a2d.exercises import calls
from a2d.exercises.model import Case, Exercise, Question, Wrong

# ------------------------------------------------------------------------------------------- 8.1 spread over seeds


def _seed_spread(values: np.ndarray) -> tuple[float, float, float]:
    from scipy import stats

    return float(np.mean(values)), float(stats.tstd(values)), float(stats.sem(values))


def _seed_cases(rng: np.random.Generator) -> list[Case]:
    cases = [Case((rng.uniform(0.6, 1.0, int(rng.integers(3, 9))).round(3),)) for _ in range(5)]
    return [*cases, Case((np.array([0.5, 0.9]),), told="two seeds, values = [0.5, 0.9]")]


def _population_sd(values: np.ndarray) -> tuple[float, float, float]:
    sd = float(np.std(values))
    return float(np.mean(values)), sd, sd / len(values) ** 0.5


def _error_by_n(values: np.ndarray) -> tuple[float, float, float]:
    mean, sd, _ = _seed_spread(values)
    return mean, sd, sd / len(values)


def _variance(values: np.ndarray) -> tuple[float, float, float]:
    mean, sd, _ = _seed_spread(values)
    return mean, sd**2, sd**2 / len(values) ** 0.5


# ------------------------------------------------------------------------------------------ 8.2 mean over speakers


def _speaker_mean(right: np.ndarray, speakers: np.ndarray) -> tuple[float, float]:
    names, where = np.unique(speakers, return_inverse=True)
    hits = np.bincount(where, weights=right, minlength=len(names))
    shares = hits / np.bincount(where, minlength=len(names))
    return float(shares.mean()), float(shares.min())


def _speaker_case(rng: np.random.Generator, counts: np.ndarray, part: str) -> Case:
    names = np.repeat([f"speaker{n}" for n in range(len(counts))], counts)
    right = rng.random(len(names)) < np.repeat(rng.uniform(0.2, 0.95, len(counts)), counts)
    right[0], right[-1] = True, False
    order = rng.permutation(len(names))
    told = f"{len(names)} recordings by {len(counts)} speakers ({', '.join(map(str, counts))} each)"
    return Case((right[order], names[order]), told=told, part=part)


def _speaker_cases(rng: np.random.Generator) -> list[Case]:
    equal = [
        _speaker_case(
            rng, np.full(int(rng.integers(3, 6)), int(rng.integers(6, 20))), "speakers with equally many recordings"
        )
        for _ in range(3)
    ]
    unequal = [
        _speaker_case(
            rng, rng.integers(2, 12, 4) * np.array([1, 1, 2, 5]), "speakers with different numbers of recordings"
        )
        for _ in range(4)
    ]
    return equal + unequal


def _pooled(right: np.ndarray, speakers: np.ndarray) -> tuple[float, float]:
    return float(np.mean(right)), _speaker_mean(right, speakers)[1]


def _best_speaker(right: np.ndarray, speakers: np.ndarray) -> tuple[float, float]:
    shares = [float(right[speakers == name].mean()) for name in np.unique(speakers)]
    return float(np.mean(shares)), max(shares)


def _error_rates(right: np.ndarray, speakers: np.ndarray) -> tuple[float, float]:
    return _speaker_mean(1 - right.astype(float), speakers)


# ------------------------------------------------------------------------------------------ 8.3 relative diversity


def _mean_distance(x: np.ndarray, labels: np.ndarray) -> float:
    from scipy.spatial.distance import pdist

    return float(np.mean([pdist(x[labels == c]).mean() for c in np.unique(labels)]))


def _relative_diversity(
    drawn: np.ndarray, drawn_labels: np.ndarray, real: np.ndarray, real_labels: np.ndarray
) -> float:
    return _mean_distance(drawn, drawn_labels) / _mean_distance(real, real_labels)


def _diversity_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for _ in range(5):
        classes, d = int(rng.integers(2, 5)), int(rng.integers(2, 6))
        centres = 4 * rng.normal(size=(classes, d))
        sets = []
        for spread, least in ((0.4, 2), (1.5, 5)):
            labels = rng.permutation(np.repeat(np.arange(classes), rng.integers(least, least + 3, classes)))
            sets += [(centres[labels] + spread * rng.normal(size=(len(labels), d))).round(3), labels]
        told = f"{len(sets[0])} drawn and {len(sets[2])} real pictures of {classes} classes, {d} numbers each"
        cases.append(Case(tuple(sets), told=told))
    return cases


def _with_itself(drawn: np.ndarray, drawn_labels: np.ndarray, real: np.ndarray, real_labels: np.ndarray) -> float:
    def mean_distance(x: np.ndarray, labels: np.ndarray) -> float:
        groups = [x[labels == c] for c in np.unique(labels)]
        return float(np.mean([np.linalg.norm(g[:, None] - g[None], axis=-1).mean() for g in groups]))

    return mean_distance(drawn, drawn_labels) / mean_distance(real, real_labels)


def _across_classes(drawn: np.ndarray, drawn_labels: np.ndarray, real: np.ndarray, real_labels: np.ndarray) -> float:
    return _mean_distance(drawn, 0 * drawn_labels) / _mean_distance(real, 0 * real_labels)


def _turned(drawn: np.ndarray, drawn_labels: np.ndarray, real: np.ndarray, real_labels: np.ndarray) -> float:
    return 1 / _relative_diversity(drawn, drawn_labels, real, real_labels)


# ------------------------------------------------------------------------------------------------- 8.4 a decision

Experiment = tuple[np.ndarray, np.ndarray, np.ndarray]
# Of experiments without a difference: so many, and at most so many false alarms; of those with one: at least so many.
_NULL, _ALARMS, _REAL, _FOUND = 100, 12, 60, 36


def _experiment(rng: np.random.Generator, gain: float) -> Experiment:
    """Hits of two systems on the same recordings of ten speakers; to each of them the second is better or worse."""
    speakers = np.repeat(np.arange(10), rng.integers(20, 50, 10))
    ease = rng.uniform(0.4, 0.7, 10)
    own = ease + gain + rng.normal(0, 0.15, 10)
    luck = rng.random(len(speakers))  # a recording that is hard for one is hard for the other
    second = np.where(rng.random(len(speakers)) < 0.5, luck, rng.random(len(speakers)))
    return luck < ease[speakers], second < own[speakers], speakers


def _decide(a: np.ndarray, b: np.ndarray, speakers: np.ndarray) -> str:
    from scipy import stats

    gains = [float(b[speakers == name].mean() - a[speakers == name].mean()) for name in np.unique(speakers)]
    if stats.ttest_1samp(gains, 0).pvalue > 0.05:
        return "undecided"
    return "b" if np.mean(gains) > 0 else "a"


def _decide_cases(rng: np.random.Generator) -> list[Case]:
    # No part of these is worth points alone: one is had by always deciding, the other by never doing so.
    none = [_experiment(rng, 0.0) for _ in range(_NULL)]
    told = f"{_NULL} experiments in which neither is better for new speakers"
    cases = [Case((none,), told)]
    for gain, name in ((0.2, "b"), (-0.2, "a")):
        told = f"{_REAL} experiments in which {name} is better by 20 points"
        cases.append(Case(([_experiment(rng, gain) for _ in range(_REAL)],), told))
    few = [_experiment(rng, 0.2 * (-1) ** n) for n in range(_REAL)]
    told = f"{_REAL} experiments in which b is better by 20 points, or a, in turn"
    return [*cases, Case((few,), told)]


def _decide_verify(case: Case, expected: Any, got: Any) -> str:
    if not isinstance(got, list) or not all(one in ("a", "b", "undecided") for one in got):
        odd = next((one for one in got if one not in ("a", "b", "undecided")), got) if isinstance(got, list) else got
        return f'Give "a", "b" or "undecided", not {odd!r}.'
    if "neither" in case.told:
        alarms = sum(one != "undecided" for one in got)
        return (
            "" if alarms <= _ALARMS else f"It decides in {alarms} of {len(got)} experiments; at 5 % about 5 would do."
        )
    better = ["ba"[n % 2] if "in turn" in case.told else "b" if "b is" in case.told else "a" for n in range(len(got))]
    found = sum(one == right for one, right in zip(got, better, strict=True))
    wrong = sum(one not in (right, "undecided") for one, right in zip(got, better, strict=True))
    if wrong > 2:
        return f"It names the worse one in {wrong} of {len(got)} experiments."
    return "" if found >= _FOUND else f"It finds {found} of {len(got)} differences; {_FOUND} are possible."


def _decide_by_recordings(a: np.ndarray, b: np.ndarray, speakers: np.ndarray) -> str:
    gains = b.astype(float) - a.astype(float)
    if abs(gains.mean()) < 1.96 * gains.std(ddof=1) / len(gains) ** 0.5:
        return "undecided"
    return "b" if gains.mean() > 0 else "a"


def _alarms(case: Case, expected: Any, got: Any) -> bool:
    """More false alarms than chance allows, yet fewer than half: the recordings were taken for independent."""
    return "neither" in case.told and _ALARMS < sum(one != "undecided" for one in got) < len(got) // 2


def _decide_at_once(a: np.ndarray, b: np.ndarray, speakers: np.ndarray) -> str:
    return "b" if b.mean() > a.mean() else "a"


EXERCISES = (
    Exercise(
        id="8.1",
        title="the spread over seeds",
        points=2,
        difficulty=1,
        minutes=5,
        signature="seed_spread(values: np.ndarray) -> tuple[float, float, float]",
        reference=_seed_spread,
        cases=_seed_cases,
        wrong=(
            Wrong(
                "the sum of squares is divided by n, not by n - 1; the mean was taken from the same values, "
                "so this is too small",
                _population_sd,
            ),
            Wrong("the standard deviation is divided by n, not by the square root of n", _error_by_n),
            Wrong("this is the variance; the standard deviation is its square root", _variance),
        ),
        hints=(
            "`values.std()` divides by $n$ unless you tell it otherwise: look for `ddof` in its documentation.",
            "The standard error is $s / \\sqrt n$: `s / len(values) ** 0.5`.",
        ),
        right="The standard deviation tells how far one more seed may lie; the standard error, how sure the mean is.",
        forbidden=("scipy.stats.sem", "scipy.stats.tstd", "statistics.stdev", "a2d.metrics.mean_and_spread"),
    ),
    Exercise(
        id="8.2",
        title="every speaker counts once",
        points=3,
        difficulty=2,
        minutes=10,
        signature="speaker_mean(right: np.ndarray, speakers: np.ndarray) -> tuple[float, float]",
        reference=_speaker_mean,
        cases=_speaker_cases,
        wrong=(
            Wrong("all recordings are pooled, so whoever recorded more counts more", _pooled),
            Wrong("the second number is the best speaker's accuracy, the worst speaker's is asked for", _best_speaker),
            Wrong("these are shares of errors, not of right readings", _error_rates),
        ),
        hints=(
            "Take one speaker: `right[speakers == name]` are that speaker's recordings. What is their mean?",
            "Do this for every name in `np.unique(speakers)`; then take the mean and the least of these numbers.",
        ),
        right="A user is one speaker. The mean over speakers is what a user may expect, the least is what one may get.",
        parts={"speakers with equally many recordings": 1, "speakers with different numbers of recordings": 2},
    ),
    Exercise(
        id="8.3",
        title="variety within a class, relative to handwriting",
        points=3,
        difficulty=3,
        minutes=15,
        signature=(
            "relative_diversity(drawn: np.ndarray, drawn_labels: np.ndarray, real: np.ndarray, "
            "real_labels: np.ndarray) -> float"
        ),
        reference=_relative_diversity,
        cases=_diversity_cases,
        wrong=(
            Wrong("the distance of a picture to itself, 0, is counted as well", _with_itself),
            Wrong("pictures of different classes are compared, so the distance of the classes counts", _across_classes),
            Wrong("the ratio is upside down: drawn over real is asked for", _turned),
        ),
        hints=(
            "Write a helper for one set: mean distance of two pictures of a class, then the mean over the classes.",
            "`scipy.spatial.distance.pdist(x)` gives each pair once, and no picture with itself.",
            "`np.mean([pdist(x[labels == c]).mean() for c in np.unique(labels)])`, for both sets; then divide.",
        ),
        right="0 is one picture per class, 1 is as much variety as people show. Accuracy sees none of this.",
        forbidden=("a2d.metrics.diversity", "a2d.metrics.within_class_distance"),
    ),
    Question(
        id="8.4",
        title="an honest abstract",
        points=2,
        minutes=15,
        text=(
            "Write the abstract of the report as you would publish it today, in four to six sentences.\n"
            "Give one accuracy, and everything that a reader must know to take it for what it is."
        ),
    ),
    Exercise(
        id="8.5",
        title="which of two systems?",
        points=3,
        difficulty=4,
        minutes=20,
        signature="decide(a: np.ndarray, b: np.ndarray, speakers: np.ndarray) -> str",
        reference=_decide,
        cases=_decide_cases,
        call=calls.many,
        verify=_decide_verify,
        wrong=(
            Wrong(
                "the recordings are taken for independent, but those of one speaker are alike; count speakers",
                _decide_by_recordings,
                _alarms,
            ),
            Wrong(
                "it always decides, however small the difference",
                _decide_at_once,
                lambda case, expected, got: len(set(got)) < 3 and "undecided" not in got,
            ),
            Wrong(
                "it never decides",
                lambda a, b, speakers: "undecided",
                lambda case, expected, got: set(got) == {"undecided"},
            ),
        ),
        hints=(
            "The next user is another speaker. So take one number for each speaker: the gain from a to b.",
            "Ten gains, one mean: when is it too far from 0 for chance? Section 3 has the interval.",
        ),
        right="Ten speakers are ten numbers, however many recordings each has given.",
    ),
)
