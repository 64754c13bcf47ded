"""Exercises of lecture 07: annotate and fine-tune."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.exercises import calls
from a2d.exercises.model import Case, Exercise, Question, Wrong

if TYPE_CHECKING:
    from torch import nn

# --- 7.1: Cohen's kappa --------------------------------------------------------------------------------


def _agreement(a: list, b: list) -> tuple[float, float]:
    """Observed agreement, and the one by chance."""
    n, first, second = len(a), Counter(a), Counter(b)
    observed = sum(x == y for x, y in zip(a, b, strict=True)) / n
    return observed, sum(count * second[label] for label, count in first.items()) / n**2


def _kappa(a: list, b: list, edge: float = 0.0) -> float:
    return _beyond(*_agreement(a, b), edge)


def _beyond(observed: float, chance: float, edge: float = 0.0) -> float:
    return (observed - chance) / (1 - chance) if chance < 1 else edge


def _readers(rng: np.random.Generator, k: int, equal: float, sign: int) -> tuple[list, list]:
    """Two readers who use ``k`` categories, whose kappa has the given sign."""
    categories = ["unreadable", *range(k - 1)]
    while True:
        n = int(rng.integers(15, 40))
        a = rng.choice(k, n, p=rng.dirichlet(np.full(k, 1.5)))
        b = np.where(rng.random(n) < equal, a, rng.integers(0, k, n) if sign > 0 else (a + 1) % k)
        # Both use at least two categories, and the shares of these differ.
        a[:2], b[:3] = (0, 1), 1
        pair = [categories[i] for i in a], [categories[i] for i in b]
        if sign * _kappa(*pair) > 0.05 and sorted(a) != sorted(b):
            return pair


def _kappa_cases(rng: np.random.Generator) -> list[Case]:
    cases = [Case(_readers(rng, k, 0.6, 1), part="ordinary readers") for k in (2, 3, 10, 10, 5)]
    cases += [Case(_readers(rng, k, 0.1, -1), part="readers who agree less than by chance") for k in (3, 5, 2)]
    n, label = int(rng.integers(3, 9)), int(rng.integers(0, 10))
    other, edge = (label + 1) % 10, "the edge cases"
    mixed = [label, other, other, *rng.choice([label, other], n).tolist()]
    # An odd number: where each label is half of them, a chance made from one reader's labels is right as well.
    mixed += [other] * (len(mixed) % 2 == 0)
    cases.append(Case(([label] * n, [label] * n), f"{n} drawings that both readers call {label}", edge))
    cases.append(Case(([label] * n, [other] * n), part=edge))
    cases.append(Case((mixed, list(mixed)), "two readers who agree on every drawing", edge))
    told = f"two readers of whom the second always says {label}"
    return [*cases, Case((mixed, [label] * len(mixed)), told, edge)]


# --- 7.2: what is trained ------------------------------------------------------------------------------


def _freezing(
    learns: Callable[[str], bool | None], number: Callable[[Any], int] = lambda p: p.numel() * p.requires_grad
) -> Callable[[nn.Module], int]:
    """An answer that lets a parameter learn or not (None: leaves it), and adds up ``number`` of each."""

    def answer(net: nn.Module) -> int:
        for name, parameter in net.named_parameters():
            if (wish := learns(name)) is not None:
                parameter.requires_grad = wish
        return sum(number(parameter) for parameter in net.parameters())

    return answer


def _last_two(name: str) -> bool:
    return name.startswith("fc")


def _last_two_cases(rng: np.random.Generator) -> list[Case]:
    frozen = [(), (), (), ("conv1", "conv2", "fc1", "fc2"), ("conv1", "fc1"), ("fc2",)]
    cases = []
    for names in frozen:
        one, two, hidden = (int(n) for n in rng.integers(2, 9, 3))
        told = f"a network with {one} and {two} channels and {hidden} hidden numbers"
        if names:
            told += f", in which {', '.join(names)} had been frozen before"
        part = "networks with frozen layers" if names else "networks as they are made"
        cases.append(Case(((one, two, hidden), names), told, part))
    return cases


# --- 7.3: the gain and its standard error --------------------------------------------------------------


def _gain(before: np.ndarray, after: np.ndarray, spoken: np.ndarray) -> tuple[float, float]:
    steps = (after == spoken).astype(float) - (before == spoken)
    return float(steps.mean()), float(steps.std() / math.sqrt(len(steps)))


def _gain_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for share in (0.9, 0.8, 0.6, 0.5):
        n = int(rng.integers(30, 55))
        spoken = rng.integers(0, 10, n)
        before = np.where(rng.random(n) < share, spoken, rng.integers(0, 10, n))
        after = np.where(rng.random(n) < 0.75, before, rng.integers(0, 10, n))
        # Three drawings are won, one is lost, and one is misread by both in two ways.
        before[:5] = (spoken[:5] + np.array([1, 1, 1, 0, 1])) % 10
        after[:5] = (spoken[:5] + np.array([0, 0, 0, 1, 2])) % 10
        won, lost = ((one == spoken) & (other != spoken) for one, other in ((after, before), (before, after)))
        told = f"{n} drawings, of which {won.sum()} are won and {lost.sum()} lost"
        cases.append(Case((before, after, spoken), told))
    n = int(rng.integers(5, 9))
    spoken = rng.integers(0, 10, n)
    before = spoken.copy()
    before[0] = (spoken[0] + 1) % 10
    cases.append(Case((before, before.copy(), spoken), told="two evaluators that read every drawing alike"))
    return [*cases, Case((before[:2], spoken[:2], spoken[:2]))]


def _but(change: Callable[..., float]) -> Callable[..., tuple[float, float]]:
    """The right gain with another error, ``change(error, n, before, after, differ)``: shares right, won and lost."""

    def answer(before: np.ndarray, after: np.ndarray, spoken: np.ndarray) -> tuple[float, float]:
        was, now = before == spoken, after == spoken
        value, error = _gain(before, after, spoken)
        return value, change(error, len(spoken), float(was.mean()), float(now.mean()), int((was != now).sum()))

    return answer


def _gain_any_difference(before: np.ndarray, after: np.ndarray, spoken: np.ndarray) -> tuple[float, float]:
    value, n = _gain(before, after, spoken)[0], len(spoken)
    return value, math.sqrt(max(float((before != after).sum()) - n * value**2, 0.0)) / n


# --- 7.5: cure or flattery -----------------------------------------------------------------------------

_ONE, _MORE = "cures and flattery", "both at once, and nothing"
# Of the drawings in which a reader sees the spoken digit, and another one: how many, won, lost.
_CURES = (((60, 22, 3), (40, 4, 3)), ((300, 17, 5), (60, 6, 4)))
_FLATTERIES = (((50, 4, 2), (45, 20, 1)), ((80, 9, 5), (30, 9, 2)))
_OTHERS = (((70, 25, 4), (50, 21, 3)), ((60, 7, 3), (40, 5, 2)), ((0, 0, 0), (40, 6, 3)), ((30, 3, 9), (20, 0, 0)))


def _made(rng: np.random.Generator, *groups: tuple[int, int, int]) -> tuple:
    """Readings by two evaluators, the spoken digits and what a reader sees, (n,) each, in a random order.

    ``groups``: of the drawings in which the reader sees the spoken digit, another one, none: how many, won, lost.
    """
    parts = []
    for kind, (n, won, lost) in enumerate(groups):
        spoken, step, misread = (rng.integers(1, 10, n) for _ in range(3))
        place = np.arange(n)
        was = (place >= won) & (place % 3 > 0) | (place >= n - lost)
        now = (place < won) | was & (place < n - lost)
        before, after = (np.where(right, spoken, (spoken + misread) % 10) for right in (was, now))
        # A drawing that is won shows a 0, which is a digit as well.
        seen = (spoken, np.where(place < won, 0, (spoken + step) % 10), np.full(n, -1))[kind]
        parts.append((before, after, spoken, seen))
    order = rng.permutation(sum(n for n, *_ in groups))
    return tuple(np.concatenate(both)[order] for both in zip(*parts, strict=True))


def _verdict_cases(rng: np.random.Generator) -> list[Case]:
    cases: list[Case] = []
    for shown, other in (*_CURES, *_FLATTERIES, *_OTHERS):
        groups = shown, other, (int(rng.integers(20, 25)), 9, 0)
        words = ("show the spoken digit", "show another one", "cannot be read")
        told = "; ".join(
            f"{n} drawings {w}: {won} won, {lost} lost" for w, (n, won, lost) in zip(words, groups, strict=True)
        )
        cases.append(Case(_made(rng, *groups), told, _ONE if len(cases) < 4 else _MORE))
    return cases


def _clear(before: np.ndarray, after: np.ndarray, spoken: np.ndarray) -> bool:
    value, error = _gain(before, after, spoken) if len(spoken) else (0.0, 0.0)
    return value > 1.96 * error


def _verdict(
    clear: Callable[..., bool] = _clear, turned: bool = False, least: int = 0
) -> Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], str]:
    """An answer that asks ``clear(before, after, spoken)`` of both groups; ``least``: the least digit of the second."""

    def answer(before: np.ndarray, after: np.ndarray, spoken: np.ndarray, seen: np.ndarray) -> str:
        groups = seen == spoken, (seen != spoken) & (seen >= least)
        found = [bool(at.any()) and clear(before[at], after[at], spoken[at]) for at in groups]
        cured, flattered = found[::-1] if turned else found
        return {(1, 1): "both", (1, 0): "cure", (0, 1): "flattery", (0, 0): "nothing"}[cured, flattered]

    return answer


def _unpaired(before: np.ndarray, after: np.ndarray, spoken: np.ndarray) -> bool:
    p, q = float((before == spoken).mean()), float((after == spoken).mean())
    return q - p > 1.96 * math.sqrt((p * (1 - p) + q * (1 - q)) / len(spoken))


EXERCISES = (
    Exercise(
        id="7.1",
        title="Cohen's kappa",
        points=3,
        difficulty=3,
        minutes=15,
        signature="kappa(a: list, b: list) -> float",
        reference=_kappa,
        cases=_kappa_cases,
        wrong=(
            Wrong("this is the plain agreement; take off the one by chance", lambda a, b: _agreement(a, b)[0]),
            Wrong(
                "the agreement by chance is made from the first reader's labels alone; it needs the shares of both",
                lambda a, b: _beyond(_agreement(a, b)[0], _agreement(a, a)[1]),
            ),
            Wrong(
                "the denominator is missing: divide by 1 - chance",
                lambda a, b: _agreement(a, b)[0] - _agreement(a, b)[1],
            ),
            Wrong(
                "the agreement by chance is one over the number of categories, as if each were used equally often",
                lambda a, b: _beyond(_agreement(a, b)[0], 1 / len({*a, *b})),
            ),
            Wrong(
                "kappa is cut off at 0; readers who agree less often than by chance have a negative kappa",
                lambda a, b: max(0.0, _kappa(a, b)),
            ),
            Wrong(
                "the sign is lost; a negative kappa says that readers agree less often than by chance",
                lambda a, b: abs(_kappa(a, b)),
            ),
            Wrong("where both use one category only, the text asks for 0, not 1", lambda a, b: _kappa(a, b, 1.0)),
            Wrong(
                "where both readers use one and the same category only, this is 0 / 0; the text asks for 0 there",
                lambda a, b: _kappa(a, b, math.nan),
                looks_like=lambda case, _, got: math.isnan(got),
            ),
        ),
        hints=(
            "Count first: how often do the two labels of a drawing agree, and how often does each reader use each "
            "category? `list.count` or `collections.Counter` helps.",
            "The agreement by chance is a sum over categories. "
            "Does a category that only one of the two readers uses add anything to it?",
            "Before you divide by `1 - chance`, see whether `chance` is 1. That happens only where both readers give "
            "one and the same label to every drawing.",
        ),
        right="Two readers who look at nothing and always say the same agree perfectly, with a kappa of 0.",
        forbidden=("sklearn.metrics.cohen_kappa_score", "a2d.annotation.agreement"),
        parts={"ordinary readers": 1, "readers who agree less than by chance": 1, "the edge cases": 1},
    ),
    Exercise(
        id="7.2",
        title="freeze all but the last two layers",
        points=2,
        difficulty=2,
        minutes=10,
        signature="freeze(net: nn.Module) -> int",
        reference=_freezing(_last_two),
        cases=_last_two_cases,
        call=calls.judge_like,
        wrong=(
            Wrong(
                "it is the wrong way round: the convolutions learn and the last two layers are frozen",
                _freezing(lambda name: not _last_two(name)),
            ),
            Wrong("nothing is frozen: the convolutions ask for a gradient as well", _freezing(lambda name: True)),
            Wrong("only the last layer learns; let fc1 learn as well", _freezing(lambda name: name.startswith("fc2"))),
            Wrong(
                "the parameters are counted as tensors; count the numbers in them",
                _freezing(_last_two, lambda p: int(p.requires_grad)),
            ),
            Wrong("all numbers are counted; count those that learn", _freezing(_last_two, lambda p: p.numel())),
            Wrong(
                "the frozen numbers are counted; count those that are left to learn",
                _freezing(_last_two, lambda p: p.numel() * (not p.requires_grad)),
            ),
            Wrong(
                "the convolutions are frozen, but a last layer that had been frozen before stays frozen; "
                "switch its gradient on",
                _freezing(lambda name: None if _last_two(name) else False),
            ),
            Wrong(
                "no gradient was switched: `layer.requires_grad = False` only gives the layer a new attribute; "
                "use `layer.requires_grad_(False)`, or go over its parameters",
                _freezing(lambda name: None),
                looks_like=lambda case, _, got: all(
                    v == (k.split(".")[0] not in case.args[1]) for k, v in got[1].items()
                ),
            ),
        ),
        hints=(
            "`net.named_parameters()` gives pairs such as `('conv1.weight', parameter)`; "
            "`parameter.requires_grad` may be set to True or False.",
            "Set it for every parameter, not only for those that are to be frozen: "
            "you do not know what was done to the network before.",
            "What do the names of the last two layers have in common? "
            "`parameter.numel()` is how many numbers a parameter holds.",
        ),
        right="A frozen layer costs no gradient, and its output for a drawing can be computed once and kept.",
        parts={"networks as they are made": 1, "networks with frozen layers": 1},
    ),
    Exercise(
        id="7.3",
        title="the gain of one evaluator over another, with its standard error",
        points=3,
        difficulty=3,
        minutes=15,
        signature="gain(before: np.ndarray, after: np.ndarray, spoken: np.ndarray) -> tuple[float, float]",
        reference=_gain,
        cases=_gain_cases,
        wrong=(
            Wrong(
                "the sign is turned: a gain is positive where the second evaluator is better",
                lambda before, after, spoken: _gain(after, before, spoken),
            ),
            Wrong(
                "this is the error for two evaluators on different drawings; here both read the same ones, so only "
                "the drawings on which they differ count",
                _but(lambda e, n, p, q, d: math.sqrt((p * (1 - p) + q * (1 - q)) / n)),
            ),
            Wrong(
                "this is the error of the second evaluator's accuracy alone, not that of the difference",
                _but(lambda e, n, p, q, d: math.sqrt(q * (1 - q) / n)),
            ),
            Wrong(
                "this is the standard deviation for one drawing; the mean of n drawings varies less, by the root of n",
                _but(lambda e, n, *_: e * math.sqrt(n)),
            ),
            Wrong("the root is not divided by n", _but(lambda e, n, *_: e * n)),
            Wrong(
                "this is McNemar's error, which supposes that nothing is gained; take off the square under the root",
                _but(lambda e, n, p, q, d: math.sqrt(d) / n),
            ),
            Wrong(
                "the variance is divided by n - 1 (`ddof=1`); the formula divides by n",
                _but(lambda e, n, *_: e * math.sqrt(n / (n - 1))),
            ),
            Wrong("this is half of a 95 % interval; leave out the 1.96", _but(lambda e, *_: 1.96 * e)),
            Wrong(
                "every drawing that the evaluators read differently is counted; where both are wrong, nothing is "
                "gained or lost",
                _gain_any_difference,
            ),
        ),
        hints=(
            "For each drawing, ask twice: was it right before, is it right after? Four cases; two of them count.",
            "Which two of the four are won and lost? Each is one line of `&` and `~` on arrays of True and False.",
            "Try it by hand on 10 drawings of which 3 are won and 1 is lost: the gain is 0.2, and under the root "
            "stands $3 + 1 - 2^2 / 10 = 3.6$.",
        ),
        right="Evaluators that agree on most pictures can be told apart with few: only the differences are noisy.",
    ),
    Question(
        id="7.4",
        title="94 % of our drawings are right",
        points=2,
        minutes=10,
        text=(
            "A company sells a program that draws the digit that a customer says. "
            "Their own network, trained on handwriting, reads 58 % of the drawings as spoken. "
            "They fine-tune it on 200 drawings; the labels are what the customers said. "
            "On new drawings it then reads 94 % as spoken. They write: *94 % of our drawings are right.*\n\n"
            "You show 500 of these new drawings to three people who do not know what was said. "
            "They see the spoken digit in 71 % of them, and agree with each other (kappa 0.9).\n\n"
            "What share of the drawings does the fine-tuned network read as spoken although people see something "
            "else, at least? Say how you get it. "
            "What did the company's choice of labels do, and what would you have them write instead? "
            "How is the report's 82.29 % better founded, and what does it lack all the same?\n"
            "Write five to eight sentences."
        ),
    ),
    Exercise(
        id="7.5",
        title="cure or flattery?",
        points=3,
        difficulty=4,
        minutes=20,
        signature="verdict(before: np.ndarray, after: np.ndarray, spoken: np.ndarray, seen: np.ndarray) -> str",
        reference=_verdict(),
        cases=_verdict_cases,
        wrong=(
            Wrong(
                "the accuracy alone cannot tell: a drawing that is won may show the spoken digit, or something else",
                lambda before, after, spoken, seen: "cure" if _clear(before, after, spoken) else "nothing",
            ),
            Wrong(
                "cure and flattery are exchanged: it is a cure where the reader sees the spoken digit",
                _verdict(turned=True),
            ),
            Wrong(
                "drawings that the reader cannot read are counted as flattered; take those where another digit is seen",
                _verdict(least=-1),
            ),
            Wrong(
                "any surplus of drawings won is taken for a gain; with so few drawings some of it is chance",
                _verdict(lambda before, after, spoken: _gain(before, after, spoken)[0] > 0),
            ),
            Wrong(
                "a gain is taken for real above a fixed share; what is clear depends on how many are won and lost",
                _verdict(lambda before, after, spoken: _gain(before, after, spoken)[0] >= 0.1),
            ),
            Wrong("an error for different drawings hides gains: both read the same ones", _verdict(_unpaired)),
        ),
        hints=(
            "Divide the drawings into groups, by what the reader sees. What does a gain mean in each of them?",
            "A gain is clear when its interval lies above 0. You have written what you need for that (7.3), "
            "but the function must bring it along: define it inside.",
            '`a2d.case("7.5")` gives the drawings that your rule gets wrong. How many are won and lost in each group?',
        ),
        right="With labels from people who look, an accuracy that rises can be told from an evaluator that gives in.",
        parts={_ONE: 2, _MORE: 1},
    ),
)
