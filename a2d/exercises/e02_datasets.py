"""Exercises of lecture 02: two data sets, one label."""

from __future__ import annotations

from typing import Any

import numpy as np

from a2d.exercises.model import Case, Exercise, Question, Wrong

# --------------------------------------------------------------------------------------------- 2.1 split by speaker


def _apart(speakers: list, held_out: list) -> tuple[np.ndarray, np.ndarray]:
    held = np.isin(np.array(speakers), np.array(held_out))
    return np.flatnonzero(~held), np.flatnonzero(held)


def _apart_cases(rng: np.random.Generator) -> list[Case]:
    # Names that contain each other, held-out names in any order, speakers with unequally many recordings.
    sets = [
        (["1", "2", "10", "21", "3"], ["3", "1"]),
        (["theo", "george", "jackson"], ["jackson"]),
        (["01", "02", "03", "04", "05", "06"], ["05", "02"]),
        (["ann", "anna", "bea", "joanna"], ["ann", "bea"]),
        (["x", "y", "z", "w"], ["w", "z", "y"]),
        (["7", "17", "71", "8"], ["8", "7"]),
    ]
    cases = []
    for names, held_out in sets:
        many = rng.integers(4, 9, size=len(names))
        speakers = rng.permutation(np.repeat(names, many)).tolist()
        cases.append(Case((speakers, held_out), f"{len(speakers)} recordings and held_out = {held_out}"))
    return cases


def _apart_swapped(speakers: list, held_out: list) -> tuple[np.ndarray, np.ndarray]:
    train, test = _apart(speakers, held_out)
    return test, train


def _apart_not_at_all(speakers: list, held_out: list) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(len(speakers)), _apart(speakers, held_out)[1]


def _apart_by_parts_of_names(speakers: list, held_out: list) -> tuple[np.ndarray, np.ndarray]:
    held = np.array([any(name in speaker for name in held_out) for speaker in speakers])
    return np.flatnonzero(~held), np.flatnonzero(held)


def _apart_first_name_only(speakers: list, held_out: list) -> tuple[np.ndarray, np.ndarray]:
    return _apart(speakers, held_out[:1])


def _apart_masks(speakers: list, held_out: list) -> tuple[np.ndarray, np.ndarray]:
    held = np.isin(np.array(speakers), np.array(held_out))
    return ~held, held


def _apart_by_recording(speakers: list, held_out: list) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(0).permutation(len(speakers))
    n_test = len(_apart(speakers, held_out)[1])
    return np.sort(order[n_test:]), np.sort(order[:n_test])


def _goes_through_recordings(case: Case, expected: Any, got: Any) -> bool:
    """Whether the parts are disjoint and hold all recordings, and some speaker is in both."""
    speakers = np.array(case.args[0])
    train, test = (np.asarray(part) for part in got)
    whole = np.array_equal(np.sort(np.concatenate([train, test])), np.arange(len(speakers)))
    return whole and bool(set(speakers[train]) & set(speakers[test]))


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
        Wrong("train and test are swapped: the held-out speakers are those to test on", _apart_swapped),
        Wrong("the test speakers are in the training part as well: train must leave them out", _apart_not_at_all),
        Wrong(
            "names are compared by their parts (`in` of a text): speaker 1 is found in 10 and 21 as well",
            _apart_by_parts_of_names,
        ),
        Wrong("only the first of the held-out names is used", _apart_first_name_only),
        Wrong("these are masks of True and False; the positions where they are True are wanted", _apart_masks),
        Wrong(
            "this splits by recording: a speaker has recordings in both parts",
            _apart_by_recording,
            looks_like=_goes_through_recordings,
        ),
    ),
    hints=(
        "Ask of each recording: is its speaker one of the held-out names? The answers are a mask, one for each.",
        "`np.isin(a, b)` says for each item of `a` whether it is among the items of `b`.",
        "`np.flatnonzero(mask)` gives the positions where a mask is True, and `~mask` turns a mask round.",
    ),
    right="Not a single recording of a test speaker is in the training part: the split follows who uses the system.",
    forbidden=("a2d.datasets.split_by_speaker", "sklearn.model_selection.GroupShuffleSplit"),
)

# ------------------------------------------------------------------------------------- 2.2 standardise without a leak


def _standardised(train: np.ndarray, other: np.ndarray) -> np.ndarray:
    spread = np.std(train, axis=0)
    return np.divide(other - np.mean(train, axis=0), np.where(spread > 0, spread, 1.0))


def _standardised_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    # As many recordings as features, fewer, more; a single one to standardise.
    for n, m, d in ((5, 4, 3), (4, 4, 4), (12, 3, 5), (3, 1, 6), (int(rng.integers(6, 20)), 7, 2)):
        scale, middle = rng.uniform(2, 30, size=d), rng.uniform(-50, 50, size=d)
        train, other = (rng.normal(middle + shift, scale, size=(k, d)).round(2) for k, shift in ((n, 0), (m, 5)))
        cases.append(Case((train, other), part="ordinary"))
    for constant in (0.0, float(rng.integers(-20, 20)) + 0.5):
        train, other = rng.normal(3, 2, size=(6, 4)).round(2), rng.normal(5, 2, size=(3, 4)).round(2)
        train[:, int(rng.integers(0, 4))] = constant
        told = f"6 training recordings with 4 features, one of them {constant:g} in all"
        cases.append(Case((train, other), told, "edge"))
    return cases


def _safe(spread: np.ndarray) -> np.ndarray:
    return np.where(spread > 0, spread, 1.0)


def _standardised_by_all(train: np.ndarray, other: np.ndarray) -> np.ndarray:
    return _standardised(np.concatenate([train, other]), other)


def _standardised_by_itself(train: np.ndarray, other: np.ndarray) -> np.ndarray:
    return _standardised(other, other)


def _standardised_by_rows(train: np.ndarray, other: np.ndarray) -> np.ndarray:
    return _standardised(other.T, other.T).T


def _standardised_by_one_number(train: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (other - train.mean()) / train.std()


def _standardised_by_variance(train: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (other - train.mean(axis=0)) / _safe(train.var(axis=0))


def _standardised_less_one(train: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (other - train.mean(axis=0)) / _safe(train.std(axis=0, ddof=1))


def _standardised_without_mean(train: np.ndarray, other: np.ndarray) -> np.ndarray:
    return other / _safe(train.std(axis=0))


def _standardised_with_zero(train: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (other - train.mean(axis=0)) / train.std(axis=0)


def _standardised_with_a_bit(train: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (other - train.mean(axis=0)) / (train.std(axis=0) + 1e-8)


_STANDARDISE = Exercise(
    id="2.2",
    title="standardise without a leak",
    points=3,
    difficulty=2,
    minutes=10,
    signature="scale_by_training(train: np.ndarray, other: np.ndarray) -> np.ndarray",
    reference=_standardised,
    cases=_standardised_cases,
    wrong=(
        Wrong("mean and sd are those of both parts together; the test part leaks in", _standardised_by_all),
        Wrong("mean and sd are those of `other`; take those of the training part", _standardised_by_itself),
        Wrong(
            "the axes are swapped: this takes mean and sd over the features of one recording; they belong over the "
            "training recordings, for each feature (axis 0)",
            _standardised_by_rows,
        ),
        Wrong("there is one mean and one sd for all features; each feature has its own", _standardised_by_one_number),
        Wrong("this divides by the variance; the sd is its square root", _standardised_by_variance),
        Wrong("this sd divides by n - 1; here it divides by n", _standardised_less_one),
        Wrong("the mean is not subtracted", _standardised_without_mean),
        Wrong("a feature that is constant in the training part is divided by 0", _standardised_with_zero),
        Wrong(
            "a small number added to the sd hides the 0: a constant feature becomes huge",
            _standardised_with_a_bit,
        ),
    ),
    hints=(
        "`train.mean(axis=0)` has one number for each feature. Which function gives the sd?",
        "Shapes (m, d) and (d,) fit together: NumPy uses the d numbers for every row.",
        "For the constant features: `np.where(g == 0, 1, g)` is `g` with each 0 replaced by 1.",
    ),
    right="Whatever the test part holds, it cannot change the numbers that it is scaled with.",
    parts={"ordinary": 2, "edge": 1},
    forbidden=(
        "sklearn.preprocessing.StandardScaler",
        "sklearn.preprocessing.scale",
        "scipy.stats.zscore",
        "scipy.stats.zmap",
        "a2d.ears.FeatureScaler",
    ),
)

# --------------------------------------------------------------------------------------------------- 2.3 count leaks


def _squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=-1)


def _piece(names: list, at: int) -> np.ndarray:
    return np.array([name.split("_")[at] for name in names])


def _leaks(features: np.ndarray, names: list, train: np.ndarray, test: np.ndarray) -> float:
    speakers = _piece(names, 1)
    nearest = train[_squares(features[test], features[train]).argmin(axis=1)]
    return float((speakers[nearest] == speakers[test]).mean())


def _leaks_cases(rng: np.random.Generator) -> list[Case]:
    """Voices and digits both move the features; each known mistake must give another share in some case."""
    cases: list[Case] = []
    while len(cases) < 7:
        voices = [str(v) for v in rng.permutation(["ann", "ben", "cleo", "dan", "eve"])[: int(rng.integers(3, 6))]]
        names = [f"{d}_{v}_{t}" for d in range(3) for v in voices for t in range(int(rng.integers(2, 4)))]
        names = [str(name) for name in rng.permutation(names)]
        dims, strength = int(rng.integers(2, 5)), (2.0, 1.0)[len(cases) % 2]
        by_voice = {v: rng.normal(size=dims) for v in voices}
        by_digit = rng.normal(size=(3, dims)) * strength
        centre = np.array([by_voice[n.split("_")[1]] + by_digit[int(n[0])] for n in names])
        features = (centre + 0.6 * rng.normal(size=centre.shape)).round(3)
        order = rng.permutation(len(names))
        n_test = len(names) // 3
        args = (features, names, np.sort(order[n_test:]), np.sort(order[:n_test]))
        if len({round(f(*args), 6) for f in (_leaks, *_LEAK_MISTAKES)}) >= len(_LEAK_MISTAKES):
            told = f"{len(names)} recordings of {len(voices)} speakers, {n_test} of them to test on"
            cases.append(Case(args, told))
    return cases


def _leaks_with_itself(features: np.ndarray, names: list, train: np.ndarray, test: np.ndarray) -> float:
    return _leaks(features, names, np.arange(len(names)), test)


def _leaks_farthest(features: np.ndarray, names: list, train: np.ndarray, test: np.ndarray) -> float:
    speakers = _piece(names, 1)
    farthest = train[_squares(features[test], features[train]).argmax(axis=1)]
    return float((speakers[farthest] == speakers[test]).mean())


def _leaks_of_digits(features: np.ndarray, names: list, train: np.ndarray, test: np.ndarray) -> float:
    digits = _piece(names, 0)
    nearest = train[_squares(features[test], features[train]).argmin(axis=1)]
    return float((digits[nearest] == digits[test]).mean())


def _leaks_wrong_numbers(features: np.ndarray, names: list, train: np.ndarray, test: np.ndarray) -> float:
    speakers = _piece(names, 1)
    nearest = _squares(features[test], features[train]).argmin(axis=1)
    return float((speakers[nearest] == speakers[test]).mean())


def _leaks_from_the_training(features: np.ndarray, names: list, train: np.ndarray, test: np.ndarray) -> float:
    return _leaks(features, names, test, train)


_LEAK_MISTAKES = (
    _leaks_with_itself,
    _leaks_farthest,
    _leaks_of_digits,
    _leaks_wrong_numbers,
    _leaks_from_the_training,
)

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
            _leaks_with_itself,
        ),
        Wrong("this takes the largest distance; the nearest has the smallest", _leaks_farthest),
        Wrong("this counts equal digits; a leak is an equal speaker, the second piece of the name", _leaks_of_digits),
        Wrong(
            "a position in the training part is used as a number of a recording: it has to be looked up in `train`",
            _leaks_wrong_numbers,
        ),
        Wrong(
            "train and test are swapped: for each *test* recording its nearest training recording is wanted",
            _leaks_from_the_training,
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
        "You sell a device that hears a digit and draws it.\n"
        "One customer records 50 takes of every digit before use, and the device learns them.\n"
        "Another one opens the box and speaks.\n"
        "Which split answers the question of which customer?\n"
        "Which number would you print on the box, and what beside it?\n"
        "Use numbers of this lecture, and name the cells that they come from."
    ),
)

EXERCISES = (_SPEAKERS, _STANDARDISE, _LEAKS, _BOX)
