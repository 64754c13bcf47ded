"""Exercises of lecture 11: your own voice."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.exercises import calls
from a2d.exercises.model import Case, Exercise, Question, Wrong

if TYPE_CHECKING:
    from torch import Tensor

# ------------------------------------------------------------------------------------------------- 11.1 find the word


def _loud(energy: np.ndarray, below: float, decibels: float = 10) -> np.ndarray:
    return np.flatnonzero(energy >= energy.max() * 10 ** (-below / decibels))


def _words(loud: np.ndarray, pause: int) -> list[np.ndarray]:
    return np.split(loud, np.flatnonzero(np.diff(loud) > pause) + 1)


def _word_at(energy: np.ndarray, below: float, pause: int) -> tuple[int, int]:
    return _chosen(energy, _words(_loud(energy, below), pause))


def _chosen(energy: np.ndarray, words: list[np.ndarray]) -> tuple[int, int]:
    word = next(one for one in words if int(energy.argmax()) in one)
    return int(word[0]), int(word[-1]) + 1


def _energy_cases(rng: np.random.Generator) -> list[Case]:
    """A cough, a long word, and last a short one that holds the loudest frame and dies away.

    In each word is a stop that is as long as a pause may be; between the words it is one frame longer.
    """
    cases = []
    for _ in range(5):
        pause, below = int(rng.integers(4, 8)), float(rng.integers(30, 41))
        quiet = -below - 25.0  # dB below the loudest
        cough, long, short = (rng.uniform(-12, -4, n) for n in (2, int(rng.integers(5, 8)), int(rng.integers(2, 4))))
        stop = np.full(pause - 1, quiet)  # the frames on either side of it are `pause` apart
        ends = np.full(int(rng.integers(2, 5)), quiet)
        tail = np.array([-below + 0.6, -below + 0.6, -below - 0.6])  # two frames that just count, one that does not
        levels = [
            ends,
            cough,
            *[stop] * 3,
            long,
            stop,
            long[:2],
            stop,
            [quiet],
            [-9.0],
            stop,
            short,
            [quiet, 0.0],
            tail,
        ]
        energy = 10 ** (np.concatenate([*levels, ends]).round(1) / 10) * rng.uniform(0.01, 0.2)
        told = f"the energies of {len(energy)} frames, {below:g} dB, and a pause of {pause} frames"
        cases.append(Case((energy, below, pause), told))
    return cases


def _word_twenty(energy: np.ndarray, below: float, pause: int) -> tuple[int, int]:
    return _chosen(energy, _words(_loud(energy, below, 20), pause))


def _word_everything(energy: np.ndarray, below: float, pause: int) -> tuple[int, int]:
    loud = _loud(energy, below)
    return int(loud[0]), int(loud[-1]) + 1


def _word_last_frame(energy: np.ndarray, below: float, pause: int) -> tuple[int, int]:
    first, after = _word_at(energy, below, pause)
    return first, after - 1


def _word_early_end(energy: np.ndarray, below: float, pause: int) -> tuple[int, int]:
    return _chosen(energy, _words(_loud(energy, below), pause - 1))


def _word_late_end(energy: np.ndarray, below: float, pause: int) -> tuple[int, int]:
    return _chosen(energy, _words(_loud(energy, below), pause + 1))


def _word_unbroken(energy: np.ndarray, below: float, pause: int) -> tuple[int, int]:
    return _chosen(energy, _words(_loud(energy, below), 1))


def _word_longest(energy: np.ndarray, below: float, pause: int) -> tuple[int, int]:
    word = max(_words(_loud(energy, below), pause), key=lambda one: one[-1] - one[0])
    return int(word[0]), int(word[-1]) + 1


# ---------------------------------------------------------------------------------------- 11.2 stay near what was known


def _anchored(scores: Tensor, labels: Tensor, weights: Tensor, start: Tensor, strength: float) -> Tensor:
    return _entropy(scores, labels).mean() + strength * (weights - start).square().sum()


def _entropy(scores: Tensor, labels: Tensor) -> Tensor:
    said = scores[range(len(labels)), labels]
    out: Tensor = scores.logsumexp(1) - said
    return out


def _anchored_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n in range(5):
        takes, kinds, d = int(rng.integers(3, 7)), 11 if n > 1 else int(rng.integers(4, 7)), int(rng.integers(3, 6))
        scores, labels = rng.normal(0, 2, (takes, kinds)).round(2), rng.integers(0, kinds, takes)
        start = rng.normal(0, 0.5, (kinds, d)).round(2)
        weights = (start + rng.normal(0, 0.3, (kinds, d))).round(2)
        strength = float(rng.choice([0.03, 0.1, 0.3, 0.7]))
        told = f"scores of {takes} takes for {kinds} classes, {kinds} x {d} weights, strength {strength:g}"
        cases.append(Case((scores, labels, weights, start, strength), told))
    return cases


def _anchored_at_zero(scores: Tensor, labels: Tensor, weights: Tensor, start: Tensor, strength: float) -> Tensor:
    return _entropy(scores, labels).mean() + strength * weights.square().sum()


def _anchored_mean(scores: Tensor, labels: Tensor, weights: Tensor, start: Tensor, strength: float) -> Tensor:
    return _entropy(scores, labels).mean() + strength * (weights - start).square().mean()


def _anchored_length(scores: Tensor, labels: Tensor, weights: Tensor, start: Tensor, strength: float) -> Tensor:
    return _entropy(scores, labels).mean() + strength * (weights - start).square().sum().sqrt()


def _anchored_total(scores: Tensor, labels: Tensor, weights: Tensor, start: Tensor, strength: float) -> Tensor:
    return _entropy(scores, labels).sum() + strength * (weights - start).square().sum()


def _anchored_free(scores: Tensor, labels: Tensor, weights: Tensor, start: Tensor, strength: float) -> Tensor:
    return _entropy(scores, labels).mean()


# ------------------------------------------------------------------------------------------------- 11.3 is it chance?


def _changes(before: np.ndarray, after: np.ndarray) -> tuple[int, int]:
    """How many takes are won, and how many are lost."""
    return int((~before & after).sum()), int((before & ~after).sum())


def _tail(k: int, n: int) -> float:
    """How probable ``k`` heads or fewer of ``n`` fair coins are."""
    return sum(math.comb(n, i) for i in range(k + 1)) / 2**n


def _paired_p(before: np.ndarray, after: np.ndarray) -> float:
    won, lost = _changes(before, after)
    return min(1.0, 2 * _tail(min(won, lost), won + lost))


def _paired_cases(rng: np.random.Generator) -> list[Case]:
    """Numbers of takes that are won, lost, right twice and wrong twice; equally many, and none, are among them."""
    cases = []
    for won, lost in ((5, 1), (2, 2), (0, 0), (1, 7), (int(rng.integers(6, 10)), int(rng.integers(1, 4)))):
        kinds = [(False, True)] * won + [(True, False)] * lost
        kinds += [(True, True)] * int(rng.integers(5, 20)) + [(False, False)] * int(rng.integers(2, 9))
        both = np.array(kinds)[rng.permutation(len(kinds))]
        told = f"{len(both)} takes, {both[:, 0].sum()} right before, {both[:, 1].sum()} after"
        cases.append(Case((both[:, 0], both[:, 1]), told))
    return cases


def _paired_one_side(before: np.ndarray, after: np.ndarray) -> float:
    won, lost = _changes(before, after)
    return _tail(lost, won + lost)


def _paired_uncapped(before: np.ndarray, after: np.ndarray) -> float:
    won, lost = _changes(before, after)
    return 2 * _tail(min(won, lost), won + lost)


def _paired_chi(before: np.ndarray, after: np.ndarray) -> float:
    won, lost = _changes(before, after)
    return math.erfc(abs(won - lost) / math.sqrt(2 * max(1, won + lost)))


def _paired_all(before: np.ndarray, after: np.ndarray) -> float:
    won, lost = _changes(before, after)
    return min(1.0, 2 * _tail(min(won, lost), len(before)))


def _paired_totals(before: np.ndarray, after: np.ndarray) -> float:
    from scipy.stats import fisher_exact

    n, a, b = len(before), int(before.sum()), int(after.sum())
    return float(fisher_exact([[a, n - a], [b, n - b]])[1])


def _paired_point(before: np.ndarray, after: np.ndarray) -> float:
    won, lost = _changes(before, after)
    return math.comb(won + lost, won) / 2 ** (won + lost)


# ---------------------------------------------------------------------------- 11.4 the same gain, and another answer

_LEVEL = 0.05
Four = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _twins(n: int) -> Four:
    return _built(n, 6, 12)


def _built(n: int, gain: int, loud: int) -> Four:
    """Two experiments of ``n`` takes with the same accuracies: one loses nothing, the other wins ``loud``."""
    place = np.arange(n)
    before = place < n // 2
    calm = place < n // 2 + gain
    rough = (place >= loud - gain) & (place < n // 2 + loud)
    return before, calm, before, rough


def _twins_cases(rng: np.random.Generator) -> list[Case]:
    return [Case((n,), f"{n} takes in each experiment") for n in (30, 40, 100, int(rng.integers(50, 90)))]


def _twins_verify(case: Case, expected: Any, got: Any) -> str:
    n = case.args[0]
    if not isinstance(got, list | tuple) or len(got) != 4:
        return "Give four arrays: before and after of the first experiment, before and after of the second."
    arrays = [np.asarray(one) for one in got]
    if any(one.shape != (n,) or one.dtype.kind != "b" for one in arrays):
        return f"Each of the four is to be an array of shape ({n},) with True or False in it."
    rights = [int(one.sum()) for one in arrays]
    if rights[0] != rights[2] or rights[1] != rights[3]:
        return f"Right of {n}: {rights[0]}, then {rights[1]}; and {rights[2]}, then {rights[3]}. Both must be the same."
    sure, unsure = _paired_p(arrays[0], arrays[1]), _paired_p(arrays[2], arrays[3])
    if not sure < _LEVEL:
        return f"The first experiment has p = {sure:.3f}; it must be below {_LEVEL}."
    if not unsure > _LEVEL:
        return f"The second experiment has p = {unsure:.3f}; it must be above {_LEVEL}."
    return ""


def _looks(test: Callable[[list[np.ndarray]], bool]) -> Callable[[Case, Any, Any], bool]:
    """Whether four arrays of truth values show a mistake."""

    def looks_like(case: Case, expected: Any, got: Any) -> bool:
        if not isinstance(got, list | tuple) or len(got) != 4:
            return False
        arrays = [np.asarray(one) for one in got]
        return all(one.shape == (case.args[0],) and one.dtype.kind == "b" for one in arrays) and test(arrays)

    return looks_like


def _twins_equal(n: int) -> Four:
    before, calm, _, _ = _twins(n)
    return before, calm, before, calm


def _twins_turned(n: int) -> Four:
    first, calm, second, rough = _twins(n)
    return second, rough, first, calm


def _twins_smaller_gain(n: int) -> Four:
    before, calm, _, _ = _twins(n)
    return before, calm, before, np.arange(n) < n // 2 + 2


EXERCISES = (
    Exercise(
        id="11.1",
        title="where is the word?",
        points=3,
        difficulty=3,
        minutes=15,
        signature="word_at(energy: np.ndarray, below: float, pause: int) -> tuple[int, int]",
        reference=_word_at,
        cases=_energy_cases,
        wrong=(
            Wrong("energies are powers: 10 dB are a factor of 10, and 20 belongs to amplitudes", _word_twenty),
            Wrong(
                "it reaches from the first sound to the last; only the word with the loudest frame is asked for",
                _word_everything,
            ),
            Wrong("the second number is the frame *after* the word, as in a slice", _word_last_frame),
            Wrong(
                "sounds whose numbers are exactly `pause` apart still belong to one word; yours splits them",
                _word_early_end,
            ),
            Wrong("sounds that are more than `pause` apart are two words; yours joins them", _word_late_end),
            Wrong("each break ends the word; a pause within a word may be that long", _word_unbroken),
            Wrong("this is the longest word; the one with the loudest frame is asked for", _word_longest),
        ),
        hints=(
            "First the sounds: `np.flatnonzero(energy >= energy.max() * 10 ** (-below / 10))` gives their numbers.",
            "`np.diff` says how far each is from the one before. Where that is more than `pause`, a new word begins.",
            "`np.split(numbers, places)` cuts at these places. Take the word that `energy.argmax()` is in.",
        ),
        right="A cough before the word is no longer in the take. The recorder cuts in the same way.",
        forbidden=("a2d.audio.trim_silence",),
    ),
    Exercise(
        id="11.2",
        title="a loss with an anchor",
        points=2,
        difficulty=2,
        minutes=10,
        signature=(
            "anchored(scores: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, start: torch.Tensor, "
            "strength: float) -> torch.Tensor"
        ),
        reference=_anchored,
        cases=_anchored_cases,
        call=calls.gradients,
        rtol=1e-4,
        atol=1e-5,
        wrong=(
            Wrong("the weights are drawn towards 0; they are to stay near those at the start", _anchored_at_zero),
            Wrong("the squares are averaged; their sum is asked for", _anchored_mean),
            Wrong("this is the distance; its square is asked for", _anchored_length),
            Wrong("the cross-entropies are summed; their mean over the takes is asked for", _anchored_total),
            Wrong("the distance from the start costs nothing: the second term is missing", _anchored_free),
        ),
        hints=(
            "`torch.nn.functional.cross_entropy` takes scores and labels, and gives the mean.",
            "`(weights - start).square().sum()` is the squared distance.",
        ),
        right="With strength 0 a few takes decide alone; with a very large one nothing is learned.",
    ),
    Exercise(
        id="11.3",
        title="is the gain more than chance?",
        points=3,
        difficulty=3,
        minutes=15,
        signature="paired_p(before: np.ndarray, after: np.ndarray) -> float",
        reference=_paired_p,
        cases=_paired_cases,
        wrong=(
            Wrong("this is one tail; a change for the worse would be a finding too, so take both", _paired_one_side),
            Wrong("with as many gains as losses it is above 1: a probability ends there", _paired_uncapped),
            Wrong("this is the chi-squared approximation; with so few changes it is far off", _paired_chi),
            Wrong("takes on which both agree say nothing about which is better; leave them out", _paired_all),
            Wrong(
                "the two totals are compared as if they came from different takes; here each take is heard twice",
                _paired_totals,
            ),
            Wrong("this is the probability of exactly this outcome; add what is further out", _paired_point),
        ),
        hints=(
            "Count the takes that are won, `(~before & after).sum()`, and those that are lost.",
            "If nothing had changed, each take that differs would be won or lost like the toss of a fair coin.",
            "Add `math.comb(n, k) / 2**n` for $k$ from 0 to the smaller of the two counts, and take twice that, or 1.",
            "`scipy.stats.binomtest(won, won + lost)` does it too, but not if nothing differs.",
        ),
        right="This is McNemar's test (1947), in its exact form.",
    ),
    Exercise(
        id="11.4",
        title="the same gain twice",
        points=3,
        difficulty=4,
        minutes=20,
        signature="twins(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]",
        reference=_twins,
        cases=_twins_cases,
        verify=_twins_verify,
        wrong=(
            Wrong(
                "both experiments are the same one, so they have one p; move the errors to other takes",
                _twins_equal,
                _looks(lambda a: bool((a[0] == a[2]).all() and (a[1] == a[3]).all())),
            ),
            Wrong(
                "the two experiments are in the other order",
                _twins_turned,
                _looks(lambda a: _paired_p(a[0], a[1]) > _LEVEL > _paired_p(a[2], a[3])),
            ),
            Wrong(
                "the second gain is another one: the accuracies must be the same in both",
                _twins_smaller_gain,
                _looks(lambda a: a[0].sum() != a[2].sum() or a[1].sum() != a[3].sum()),
            ),
        ),
        hints=(
            "The gain is the takes won less the takes lost. Which pairs of the two give the same gain?",
            "Six won and none lost: what is p? Twelve won and six lost?",
            "Let half of the takes be right before. `np.arange(n) < k` is an array whose first `k` entries are True.",
        ),
        right="Two accuracies do not tell whether a gain is chance: one must know on which takes they differ.",
    ),
    Question(
        id="11.5",
        title="the abstract, a second time",
        points=2,
        minutes=15,
        text=(
            "In question 8.4 you wrote the abstract of the report as you would have published it.\n"
            "Write the abstract of *this course*: what the report wanted, and what can be had now. Six to eight "
            "sentences.\n\n"
            "Give two numbers of the table with what a reader must know to take them for what they are: who was heard, "
            "who reads, and how large chance is.\n"
            "Name one wish of the report that is not fulfilled.\n"
            "Then compare it with your first abstract, and say in one sentence what you would take back."
        ),
    ),
)
