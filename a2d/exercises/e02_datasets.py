"""Exercises of lecture 02: two data sets, one label."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from a2d.checks.comparison import describe
from a2d.exercises.model import Case, Exercise, Question, Wrong

# --------------------------------------------------------------------------------------------- 2.1 split by speaker


def _parts(held: Any) -> tuple[np.ndarray, np.ndarray]:
    return np.flatnonzero(~np.array(held)), np.flatnonzero(held)


def _apart(speakers: list, held_out: list) -> tuple[np.ndarray, np.ndarray]:
    return _parts(np.isin(np.array(speakers), np.array(held_out)))


def _apart_cases(rng: np.random.Generator) -> list[Case]:
    # Names that contain each other either way, held-out names in any order, speakers with unequally many recordings.
    cases = []
    for names, held_out in (
        (["1", "2", "10", "21", "3"], ["3", "1"]),
        (["theo", "george", "jackson"], ["jackson"]),
        (["01", "02", "03", "04", "05", "06"], ["05", "02"]),
        (["ann", "anna", "bea", "joanna"], ["ann", "bea"]),
        (["x", "y", "z", "w"], ["w", "z", "y"]),
        (["1", "10", "0", "2"], ["10"]),
    ):
        many = rng.integers(4, 9, size=len(names))
        speakers = rng.permutation(np.repeat(names, many)).tolist()
        cases.append(Case((speakers, held_out), f"{len(speakers)} recordings and held_out = {held_out}"))
    return cases


_SPEAKERS = Exercise(
    id="2.1",
    title="split by speaker",
    points=2,
    difficulty=2,
    minutes=10,
    signature="split_speakers(speakers: list, held_out: list) -> tuple[np.ndarray, np.ndarray]",
    reference=_apart,
    cases=_apart_cases,
    wrong=(
        Wrong("train and test are swapped", lambda s, h: _apart(s, h)[::-1]),
        Wrong("the test speakers are in the training part as well", lambda s, h: (np.arange(len(s)), _apart(s, h)[1])),
        Wrong(
            "names are compared by their parts (`in` of a text): speaker 1 is found in 10 and 21 as well",
            lambda s, h: _parts([any(held in name for held in h) for name in s]),
        ),
        Wrong(
            "names are compared by their parts (`in` of a text): with 10 held out, 1 is held out as well",
            lambda s, h: _parts([any(name in held for held in h) for name in s]),
        ),
        Wrong("only the first of the held-out names is used", lambda s, h: _apart(s, h[:1])),
        Wrong(
            "these are masks of True and False; the positions where they are True are wanted",
            lambda s, h: (~np.isin(s, h), np.isin(s, h)),
        ),
        Wrong(
            "these are the speakers' names; the numbers of their recordings are wanted",
            lambda s, h: tuple(np.array(s)[part] for part in _apart(s, h)),
        ),
        Wrong(
            "this splits by recording: a speaker has recordings in both parts",
            lambda s, h: _parts(np.random.default_rng(0).permutation(np.isin(s, h))),
            lambda case, _, got: len(got[0]) > 0 < len(set(np.array(case.args[0])[got[0]]) & set(case.args[1])),
        ),
    ),
    hints=(
        "Ask of each recording: is its speaker one of the held-out names? The answers are a mask, one for each.",
        "`np.isin(a, b)` says for each item of `a` whether it is among the items of `b`.",
        "`np.flatnonzero(mask)` gives the positions where a mask is True; `~mask` is True where the mask is False.",
    ),
    right="Not a single recording of a test speaker is in the training part: the split follows who uses the system.",
    forbidden=("a2d.datasets.split_by_speaker", "sklearn.model_selection.GroupShuffleSplit"),
)

# ------------------------------------------------------------------------------------- 2.2 standardise without a leak


def _safe(spread: np.ndarray) -> np.ndarray:
    return np.where(spread > 0, spread, 1.0)


def _scaled(train: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (other - np.mean(train, axis=0)) / _safe(np.std(train, axis=0))


def _scaled_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    # As many recordings as features, fewer, more; a single one to standardise.
    for n, m, d in ((5, 4, 3), (4, 4, 4), (12, 3, 5), (3, 1, 6), (int(rng.integers(6, 20)), 7, 2)):
        scale, middle = rng.uniform(2, 30, size=d), rng.uniform(-50, 50, size=d)
        train, other = (rng.normal(middle + shift, scale, size=(k, d)).round(2) for k, shift in ((n, 0), (m, 5)))
        cases.append(Case((train, other), part="ordinary features"))
    for constant in (0.0, float(rng.integers(-20, 20)) + 0.5):
        train, other = rng.normal(3, 2, size=(6, 4)).round(2), rng.normal(5, 2, size=(3, 4)).round(2)
        train[:, int(rng.integers(0, 4))] = constant
        told = f"6 training recordings with 4 features, one of them {constant:g} in all"
        cases.append(Case((train, other), told, "constant features"))
    return cases


_STANDARDISE = Exercise(
    id="2.2",
    title="standardise without a leak",
    points=3,
    difficulty=2,
    minutes=10,
    signature="scale_by_training(train: np.ndarray, other: np.ndarray) -> np.ndarray",
    reference=_scaled,
    cases=_scaled_cases,
    wrong=(
        Wrong("mean and SD are those of both parts together", lambda t, o: _scaled(np.concatenate([t, o]), o)),
        Wrong("mean and SD are those of `other`; take those of the training part", lambda t, o: _scaled(o, o)),
        Wrong(
            "the axes are swapped: this takes mean and SD over the features of one recording; they belong over the "
            "training recordings, for each feature (axis 0)",
            lambda t, o: _scaled(o.T, o.T).T,
        ),
        Wrong("all features share one mean and one SD; each has its own", lambda t, o: (o - t.mean()) / t.std()),
        Wrong(
            "this divides by the variance; the SD is its square root", lambda t, o: (o - t.mean(0)) / _safe(t.var(0))
        ),
        Wrong("this SD divides by N - 1; here it divides by N", lambda t, o: (o - t.mean(0)) / _safe(t.std(0, ddof=1))),
        Wrong("the mean is not subtracted", lambda t, o: o / _safe(t.std(0))),
        Wrong("a feature that is constant in training is divided by 0", lambda t, o: (o - t.mean(0)) / t.std(0)),
        Wrong(
            "a small number added to the SD hides the 0: a constant feature becomes huge",
            lambda t, o: (o - t.mean(0)) / (t.std(0) + 1e-8),
        ),
        Wrong(
            "a feature that is constant in training is set to 0; subtract its mean, and divide by nothing",
            lambda t, o: np.where(t.std(0) > 0, _scaled(t, o), 0.0),
        ),
        Wrong(
            "this scales by the smallest and the largest value; mean and SD are wanted",
            lambda t, o: (o - t.min(0)) / _safe(np.ptp(t, 0)),
        ),
    ),
    hints=(
        "`train.mean(axis=0)` has one number for each feature. Which function gives the SD?",
        "Shapes (m, d) and (d,) fit together: NumPy uses the d numbers for every row.",
        "For the constant features: `np.where(v == 0, 1, v)` is `v` with each 0 replaced by 1.",
    ),
    right="Whatever the test part holds, it cannot change the numbers that it is scaled with.",
    parts={"ordinary features": 2, "constant features": 1},
    forbidden=("sklearn.preprocessing.StandardScaler", "scipy.stats.zmap", "a2d.ears.FeatureScaler"),
)

# --------------------------------------------------------------------------------------------------- 2.3 count leaks


def _leak(
    piece: Callable[[str], str] = lambda name: name.split("_")[1],
    metric: str = "euclidean",
    found: Callable[..., np.ndarray] = lambda far, train, test: train[far[:, train].argmin(axis=1)],
) -> Callable[..., float]:
    """A way to count: what is compared of two names, which distance, and which recording is found for each."""

    def rate(features: np.ndarray, names: list, train: np.ndarray, test: np.ndarray) -> float:
        pieces = np.array([piece(name) for name in names])
        return float((pieces[found(cdist(features[test], features, metric), train, test)] == pieces[test]).mean())

    return rate


def _leaks_without_distance(features: np.ndarray, names: list, train: np.ndarray, test: np.ndarray) -> float:
    who = np.array([name.split("_")[1] for name in names])
    return float(np.isin(who[test], who[train]).mean())


_leaks = _leak()


def _leak_case(rng: np.random.Generator, number: int) -> Case:
    """Voices and digits both move the features; in every other case one speaker has no training recording."""
    voices = [str(v) for v in rng.permutation(["ann", "anna", "abe", "andy", "bea"])[: int(rng.integers(3, 6))]]
    names = [f"{d}_{v}_{t}" for d in range(3) for v in voices for t in range(int(rng.integers(2, 4)))]
    names = [str(name) for name in rng.permutation(names)]
    dims, strength = int(rng.integers(2, 5)), (2.0, 1.0)[number % 2]
    by_voice, by_digit = {v: rng.normal(size=dims) for v in voices}, rng.normal(size=(3, dims)) * strength
    centre = np.array([by_voice[n.split("_")[1]] + by_digit[int(n[0])] for n in names])
    features = (centre + 0.6 * rng.normal(size=centre.shape)).round(3)
    unheard = np.array([number % 2 == 1 and n.split("_")[1] == voices[0] for n in names])
    order = np.argsort(rng.random(len(names)) - unheard)
    n_test = int(max(len(names) // 3, unheard.sum() + 2))
    told = f"{len(names)} recordings of {len(voices)} speakers, {n_test} of them to test on"
    return Case((features, names, np.sort(order[n_test:]), np.sort(order[:n_test])), told)


def _leaks_cases(rng: np.random.Generator) -> list[Case]:
    """Each known mistake gives another share than the right answer, and than each other mistake, in some case."""
    mistakes = [wrong.answer for wrong in _LEAKS.wrong]
    while True:
        cases = [_leak_case(rng, number) for number in range(7)]
        rows = {tuple(round(f(*case.args), 6) for case in cases) for f in (_leaks, *mistakes)}
        if len(rows) == 1 + len(mistakes):
            return cases


_LEAKS = Exercise(
    id="2.3",
    title="count the leaks",
    points=3,
    difficulty=3,
    minutes=15,
    signature="leak_rate(features: np.ndarray, names: list, train: np.ndarray, test: np.ndarray) -> float",
    reference=_leaks,
    cases=_leaks_cases,
    wrong=(
        Wrong(
            "the search includes the test recording itself, at distance 0; search the training part only",
            _leak(found=lambda far, train, test: far.argmin(axis=1)),
        ),
        Wrong(
            "this takes the largest distance; the nearest has the smallest",
            _leak(found=lambda far, train, test: train[far[:, train].argmax(axis=1)]),
        ),
        Wrong(
            "this counts equal digits; a leak is an equal speaker, the second piece of the name",
            _leak(lambda name: name[0]),
        ),
        Wrong(
            "a position in the training part is used as a number of a recording: it has to be looked up in `train`",
            _leak(found=lambda far, train, test: far[:, train].argmin(axis=1)),
        ),
        Wrong(
            "the nearest of the other *test* recordings is taken; search the training part",
            _leak(
                found=lambda far, train, test: test[np.where(far[:, test] == 0, np.inf, far[:, test]).argmin(axis=1)]
            ),
        ),
        Wrong(
            "train and test are swapped: each *test* recording needs its nearest training recording",
            lambda features, names, train, test: _leaks(features, names, test, train),
        ),
        Wrong("the distances are sums of absolute differences; Euclidean ones are wanted", _leak(metric="cityblock")),
        Wrong("this is in per cent; a share from 0 to 1 is wanted", lambda *args: 100 * _leaks(*args)),
        Wrong("this is how many; divide by the number of test recordings", lambda *args: len(args[3]) * _leaks(*args)),
        Wrong("no distance is used: a speaker with any training recording is counted", _leaks_without_distance),
        Wrong(
            "only one letter of each speaker's name is compared; split the name at its `_`", _leak(lambda name: name[2])
        ),
        Wrong(
            "only two letters of each speaker's name are compared; split the name at its `_`",
            _leak(lambda name: name[2:4]),
        ),
    ),
    hints=(
        "For one test recording `i`: the differences `features[train] - features[i]` have one row for each training "
        "recording. Square them and add along each row.",
        "`argmin` gives a position within the training part. Its recording has the number `train[position]`.",
        "`'7_ann_3'.split('_')` is `['7', 'ann', '3']`. Count how often the two speakers are the same, and divide by "
        "the number of test recordings.",
    ),
    right="Where this share is high, a test recording is hardly news: a recording of the same voice was in training.",
    forbidden=("sklearn.neighbors.KNeighborsClassifier", "sklearn.neighbors.NearestNeighbors"),
)

# ------------------------------------------------------------------------------------------------------ 2.4 question

_BOX = Question(
    id="2.4",
    title="what do you print on the box?",
    points=2,
    minutes=10,
    text=(
        "You sell an app that names a plant's disease from a photograph of one leaf.\n"
        "It was made from 3,000 photographs: 50 leaves of each of 60 plants; the leaves of a plant have one disease.\n"
        "A program measured 500 features of each photograph.\n"
        "You standardised them, kept the 20 that go best with the disease, and then split the photographs at random.\n"
        "On the test part 98 % are named right.\n"
        "A gardener buys the app for a plant of her own.\n\n"
        "Name three reasons why the 98 % are too optimistic for her, and for each what you would do instead.\n"
        "Which of the three do you expect to matter most? Support your guess with two numbers of this lecture."
    ),
)

# ---------------------------------------------------------------------------------------------- 2.5 resample speakers

Resample = Callable[..., np.ndarray]


def _by_speaker(right: np.ndarray, speakers: list, n_times: int, seed: int) -> np.ndarray:
    names, member = np.unique(speakers, return_inverse=True)
    drawn = np.random.default_rng(seed).integers(len(names), size=(n_times, len(names)))
    return np.bincount(member, right)[drawn].sum(axis=1) / np.bincount(member)[drawn].sum(axis=1)


def _by_speaker_cases(rng: np.random.Generator) -> list[Case]:
    """Few speakers with unequally many recordings, some of them much easier than others."""
    cases = []
    for shares in ((0.9, 0.4, 0.7), (0.95, 0.9, 0.3, 0.6), (0.5, 0.5, 0.55), (0.2, 0.9, 0.8, 0.85, 0.4)):
        many = [6, 17, 11, 9, 14][: len(shares)]
        names = rng.permutation(["1", "10", "ann", "bo", "cy"])[: len(shares)]
        hits = np.concatenate([np.arange(n) < round(n * a) for n, a in zip(many, shares, strict=True)])
        order, seed = rng.permutation(len(hits)), int(rng.integers(1000))
        args = (hits[order].astype(float), np.repeat(names, many)[order].tolist(), 2000, seed)
        cases.append(Case(args, f"{len(hits)} recordings of {len(shares)} speakers, n_times = 2000, seed = {seed}"))
    return cases


def _gap(a: Any, b: Any) -> float:
    """The largest difference between the shares of values up to any number (Kolmogorov and Smirnov)."""
    at = np.concatenate([a, b]) + 1e-9
    up_to = [np.searchsorted(np.sort(values), at) / len(values) for values in (a, b)]
    return float(np.abs(up_to[0] - up_to[1]).max())


def _by_speaker_verify(case: Case, expected: np.ndarray, got: Any) -> str:
    """Whether the values are distributed as they should be; which random numbers make them is the learner's choice."""
    if np.shape(got) != expected.shape:
        return f"Expected an array of {len(expected)} accuracies, got {describe(got)}."
    right, speakers, *_ = case.args
    if _gap(got, _by_speaker(right, speakers, 20_000, 1)) < 0.05:
        return ""
    told = [f"the mean {np.mean(v):.3f} and the standard deviation {np.std(v):.3f}" for v in (expected, got)]
    return f"The accuracies should have about {told[0]}, and only values that whole speakers give. Yours: {told[1]}."


def _drawn(means: str, answer: Resample) -> Wrong:
    """A mistake that draws its own random numbers: its values are distributed as the learner's."""
    return Wrong(means, answer, lambda case, expected, got: _gap(answer(*case.args), got) < 0.08)


def _pick(values: Any, seed: int, *size: int) -> np.ndarray:
    return np.random.default_rng(seed).choice(values, size)


def _shares(right: np.ndarray, speakers: list) -> list[float]:
    return [right[np.array(speakers) == name].mean() for name in sorted(set(speakers))]


def _by_both(right: np.ndarray, speakers: list, n_times: int, seed: int) -> np.ndarray:
    many, rng = np.unique(speakers, return_counts=True)[1], np.random.default_rng(seed)
    drawn = rng.integers(len(many), size=(n_times, len(many)))
    again = rng.binomial(many[drawn], np.array(_shares(right, speakers))[drawn])
    return again.sum(axis=1) / many[drawn].sum(axis=1)


def _by_set(right: np.ndarray, speakers: list, n_times: int, seed: int) -> np.ndarray:
    many = np.unique(speakers, return_counts=True)[1]
    there = (_pick(np.arange(len(many)), seed, n_times, len(many))[:, :, None] == np.arange(len(many))).any(axis=1)
    return there @ (many * _shares(right, speakers)) / (there @ many)


_RESAMPLE = Exercise(
    id="2.5",
    title="resample the speakers",
    points=2,
    difficulty=3,
    minutes=15,
    signature="bootstrap_by_speaker(right: np.ndarray, speakers: list, n_times: int, seed: int) -> np.ndarray",
    reference=_by_speaker,
    cases=_by_speaker_cases,
    verify=_by_speaker_verify,
    wrong=(
        Wrong(
            "this is the interval; give all the accuracies that it is made from",
            lambda *args: np.quantile(_by_speaker(*args), [0.025, 0.975]),
            looks_like=lambda case, expected, got: np.size(got) == 2,
        ),
        _drawn(
            "this resamples recordings; resample speakers, each with all recordings",
            lambda right, _, n, seed: _pick(right, seed, n, len(right)).mean(axis=1),
        ),
        _drawn(
            "every speaker is drawn exactly once each time; draw with repetition",
            lambda right, _, n, seed: np.full(n, right.mean()),
        ),
        _drawn(
            "this is the mean of the speakers' accuracies; take that of all their recordings together",
            lambda right, who, n, seed: _pick(_shares(right, who), seed, n, len(set(who))).mean(axis=1),
        ),
        _drawn(
            "only one speaker is drawn each time; draw as many as there are",
            lambda right, who, n, seed: _pick(_shares(right, who), seed, n),
        ),
        _drawn("the recordings of each speaker are resampled as well; keep them all as they are", _by_both),
        _drawn("a speaker who is drawn twice counts once; take the recordings as often as the speaker", _by_set),
        _drawn("this is in per cent; a share from 0 to 1 is wanted", lambda *args: 100 * _by_speaker(*args)),
    ),
    hints=(
        "Begin with what does not change: for each speaker, how many recordings there are and how many are right.",
        "`np.random.default_rng(seed)` gives a generator: its `.integers(n, size=n)` draws n whole numbers below n, "
        "with repetition.",
        "One accuracy is a sum of right recordings over the drawn speakers, divided by the sum of their recordings.",
    ),
    right="An interval that is made in this way speaks for speakers who were never heard.",
    forbidden=("scipy.stats.bootstrap",),
)

# ------------------------------------------------------------------------------------------------ 2.6 a better reader


def _named(features: np.ndarray, digits: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Kernel ridge regression on ten targets of 0 and 1."""
    a = _scaled(features, features)
    near = [np.exp(-cdist(u, a, "sqeuclidean") / a.shape[1]) for u in (a, _scaled(features, new))]
    return (near[1] @ np.linalg.solve(near[0] + 0.1 * np.eye(len(a)), np.eye(10)[digits])).argmax(axis=1)


def _nearest(features: np.ndarray, digits: np.ndarray, new: np.ndarray, *, mean: bool = False) -> np.ndarray:
    a, b, classes = _scaled(features, features), _scaled(features, new), np.unique(digits)
    if mean:
        a, digits = np.array([a[digits == c].mean(axis=0) for c in classes]), classes
    return digits[cdist(b, a).argmin(axis=1)]


_CLEAN, _NOISY = "training labels that are right", "training labels of which some are wrong"


def _named_cases(rng: np.random.Generator) -> list[Case]:
    """Each of three digits lies on two islands, so that its mean lies where it never is."""
    cases: list[Case] = []
    for part, wrong in ((_CLEAN, 0.0), (_NOISY, 0.2)):
        for more, scales in {"": [], ", one feature in thousands": [1000.0], ", one constant feature": [0.0]}.items():
            classes = rng.permutation(10)[:3] if cases else rng.permutation([0, 4, 9])
            island = rng.integers(6, size=360)
            plane = 7.0 * np.column_stack([island // 3, island % 3]) + rng.normal(size=(360, 2))
            noise = [scale * rng.normal(1.0, float(scale > 0), size=360) for scale in scales]
            features, digits = np.column_stack([plane, *noise]).round(3), classes[(island + island // 3) % 3]
            heard = np.where(rng.random(260) < wrong, rng.choice(classes, 260), digits[:260])
            told = f"three digits, each on two islands of a plane{more}; {part}"
            cases.append(Case((features[:260], heard, features[260:]), told, part))
    return cases


def _named_verify(case: Case, expected: np.ndarray, got: Any) -> str:
    """Any way to name digits will do that is nearly always right where this can be done."""
    if np.shape(got) != expected.shape:
        return f"Expected {len(expected)} digits, one for each new recording, got {describe(got)}."
    if strange := set(np.asarray(got).tolist()) - set(case.args[1].tolist()):
        return f"It names {min(strange)}, a digit that no training recording has."
    share = float((np.asarray(got) == expected).mean())
    return "" if share >= 0.93 else f"{share:.0%} of the new recordings are named right; at least 93% can be."


_READER = Exercise(
    id="2.6",
    title="build a better reader",
    points=2,
    difficulty=4,
    minutes=25,
    signature="name_digits(features: np.ndarray, digits: np.ndarray, new: np.ndarray) -> np.ndarray",
    reference=_named,
    cases=_named_cases,
    verify=_named_verify,
    wrong=(
        Wrong(
            "it takes the nearest class mean, and the mean of two islands lies where nothing is",
            lambda features, digits, new: _nearest(features, digits, new, mean=True),
        ),
        Wrong("it believes its single nearest recording, which may have a wrong label; let several vote", _nearest),
        Wrong(
            "these are positions in the list of digits that occur; look the digits up there",
            lambda features, digits, new: np.searchsorted(np.unique(digits), _named(features, digits, new)),
        ),
        Wrong(
            "it names the digit that is most frequent in training, whatever it hears",
            lambda features, digits, new: np.full(len(new), np.bincount(digits).argmax()),
        ),
    ),
    hints=(
        "Begin with the lines of your `scale_by_training`: a feature in large units would drown the others.",
        "The simplest reader that passes: the nearest training recordings, an odd number of them, vote.",
        "Or train a network with the loop of section 5, and stop before it learns the wrong labels by heart.",
        "Or give each digit a score, a weighted sum of $\\exp(-\\text{distance}^2)$ to all training recordings; "
        "`np.linalg.solve` finds the weights.",
    ),
    right="Whatever reads so well shows that the ceiling is at least as high. Now try it on voices.",
    parts={_CLEAN: 1, _NOISY: 1},
)

EXERCISES = (_SPEAKERS, _STANDARDISE, _LEAKS, _BOX, _RESAMPLE, _READER)
