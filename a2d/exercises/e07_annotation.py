"""Exercises of lecture 07: annotate and fine-tune."""

from __future__ import annotations

import math
from collections import Counter
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


def _kappa(a: list, b: list) -> float:
    observed, chance = _agreement(a, b)
    return (observed - chance) / (1 - chance) if chance < 1 else 0.0


def _kappa_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for k in (2, 3, 10, 10, 5):
        n = int(rng.integers(12, 40))
        categories = ["unreadable", *range(k - 1)]
        weights = rng.dirichlet(np.full(k, 1.5))
        a = rng.choice(k, n, p=weights)
        b = np.where(rng.random(n) < 0.6, a, rng.integers(0, k, n))
        # Both readers use at least two categories, and the shares of these differ.
        a[0], b[0], a[1], b[1], b[2] = 0, 1, 1, 1, 1
        cases.append(Case(([categories[i] for i in a], [categories[i] for i in b]), part="ordinary"))
    n, label = int(rng.integers(3, 9)), int(rng.integers(0, 10))
    told = f"{n} pictures that both readers call {label}"
    cases.append(Case(([label] * n, [label] * n), told=told, part="edge"))
    other = (label + 1) % 10
    cases.append(Case(([label] * n, [other] * n), part="edge"))
    mixed = [label, other, other, *rng.choice([label, other], n).tolist()]
    # An odd number: where each label is half of them, a chance made from one reader's labels is right as well.
    mixed += [other] * (len(mixed) % 2 == 0)
    cases.append(Case((mixed, list(mixed)), told="two readers who agree on every picture", part="edge"))
    told = f"two readers of whom the second always says {label}"
    cases.append(Case((mixed, [label] * len(mixed)), told=told, part="edge"))
    return cases


def _kappa_plain(a: list, b: list) -> float:
    return _agreement(a, b)[0]


def _kappa_one_reader(a: list, b: list) -> float:
    observed, chance = _agreement(a, b)[0], _agreement(a, a)[1]
    return (observed - chance) / (1 - chance) if chance < 1 else 0.0


def _kappa_without_denominator(a: list, b: list) -> float:
    observed, chance = _agreement(a, b)
    return observed - chance


def _kappa_uniform(a: list, b: list) -> float:
    k = len({*a, *b})
    return (_agreement(a, b)[0] - 1 / k) / (1 - 1 / k) if k > 1 else 0.0


def _kappa_one_at_the_edge(a: list, b: list) -> float:
    return _kappa(a, b) if _agreement(a, b)[1] < 1 else 1.0


def _kappa_nan_at_the_edge(a: list, b: list) -> float:
    return _kappa(a, b) if _agreement(a, b)[1] < 1 else math.nan


def _is_nan(case: Case, expected: Any, got: Any) -> bool:
    return isinstance(got, float) and math.isnan(got)


# --- 7.2: what is trained ------------------------------------------------------------------------------


def _last_two(net: nn.Module) -> int:
    for name, parameter in net.named_parameters():
        parameter.requires_grad = name.startswith("fc")
    return sum(
        math.prod(net.get_parameter(f"{layer}.{part}").shape) for layer in ("fc1", "fc2") for part in ("weight", "bias")
    )


def _last_two_cases(rng: np.random.Generator) -> list[Case]:
    frozen = [(), (), (), ("conv1", "conv2", "fc1", "fc2"), ("conv1", "fc1"), ("fc2",)]
    cases = []
    for names in frozen:
        one, two, hidden = (int(n) for n in rng.integers(2, 9, 3))
        told = f"a network with {one} and {two} channels and {hidden} hidden numbers"
        if names:
            told += f", in which {', '.join(names)} had been frozen before"
        cases.append(Case(((one, two, hidden), names), told=told, part="edge" if names else "ordinary"))
    return cases


def _trained(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters() if parameter.requires_grad)


def _first_two(net: nn.Module) -> int:
    for name, parameter in net.named_parameters():
        parameter.requires_grad = not name.startswith("fc")
    return _trained(net)


def _everything(net: nn.Module) -> int:
    for parameter in net.parameters():
        parameter.requires_grad = True
    return _trained(net)


def _only_the_last(net: nn.Module) -> int:
    for name, parameter in net.named_parameters():
        parameter.requires_grad = name.startswith("fc2")
    return _trained(net)


def _tensors_counted(net: nn.Module) -> int:
    _last_two(net)
    return 4


def _never_thawed(net: nn.Module) -> int:
    for layer in (net.conv1, net.conv2):
        layer.requires_grad_(False)
    return _trained(net)


# --- 7.3: the gain and its standard error --------------------------------------------------------------


def _gain(before: np.ndarray, after: np.ndarray, spoken: np.ndarray) -> tuple[float, float]:
    steps = (after == spoken).astype(float) - (before == spoken)
    return float(steps.mean()), float(steps.std() / math.sqrt(len(steps)))


def _gain_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for share in (0.9, 0.8, 0.6, 0.5):
        n = int(rng.integers(30, 80))
        spoken = rng.integers(0, 10, n)
        before = np.where(rng.random(n) < share, spoken, rng.integers(0, 10, n))
        after = np.where(rng.random(n) < 0.75, before, rng.integers(0, 10, n))
        # Three pictures are gained, one is lost, and one is misread by both in two ways.
        before[:5] = (spoken[:5] + np.array([1, 1, 1, 0, 1])) % 10
        after[:5] = (spoken[:5] + np.array([0, 0, 0, 1, 2])) % 10
        cases.append(Case((before, after, spoken)))
    n = int(rng.integers(5, 9))
    spoken = rng.integers(0, 10, n)
    before = spoken.copy()
    before[0] = (spoken[0] + 1) % 10
    cases.append(Case((before, before.copy(), spoken), told="two judges that read every picture alike"))
    cases.append(Case((before[:1], spoken[:1], spoken[:1])))
    return cases


def _gain_turned(before: np.ndarray, after: np.ndarray, spoken: np.ndarray) -> tuple[float, float]:
    value, error = _gain(before, after, spoken)
    return -value, error


def _gain_unpaired(before: np.ndarray, after: np.ndarray, spoken: np.ndarray) -> tuple[float, float]:
    p, q, n = float((before == spoken).mean()), float((after == spoken).mean()), len(spoken)
    return q - p, math.sqrt((p * (1 - p) + q * (1 - q)) / n)


def _gain_not_of_the_mean(before: np.ndarray, after: np.ndarray, spoken: np.ndarray) -> tuple[float, float]:
    value, error = _gain(before, after, spoken)
    return value, error * math.sqrt(len(spoken))


def _gain_any_difference(before: np.ndarray, after: np.ndarray, spoken: np.ndarray) -> tuple[float, float]:
    value, n = _gain(before, after, spoken)[0], len(spoken)
    differ = float((before != after).sum())
    return value, math.sqrt(max(differ - n * value**2, 0.0)) / n


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
            Wrong("this is the plain agreement; the agreement by chance is not taken off", _kappa_plain),
            Wrong(
                "the agreement by chance is made from the first reader's labels alone; it needs the shares of both",
                _kappa_one_reader,
            ),
            Wrong("the denominator is missing: divide by 1 - chance", _kappa_without_denominator),
            Wrong(
                "the agreement by chance is taken as one over the number of categories, as if each were used equally "
                "often",
                _kappa_uniform,
            ),
            Wrong(
                "where both readers use one and the same category only, chance explains everything, and this says 1; "
                "the text asks for 0 there",
                _kappa_one_at_the_edge,
            ),
            Wrong(
                "where both readers use one and the same category only, this is 0 / 0; the text asks for 0 there",
                _kappa_nan_at_the_edge,
                looks_like=_is_nan,
            ),
        ),
        hints=(
            "Count first: how often do the two labels of a picture agree, and how often does each reader use each "
            "category? `list.count` or `collections.Counter` helps.",
            "The agreement by chance is a sum over the categories that occur: `(a.count(c) / n) * (b.count(c) / n)` "
            "for each `c` in `set(a)`.",
            "Before you divide by `1 - chance`, look whether `chance` is 1. That happens only where both readers give "
            "one and the same label to every picture.",
        ),
        right="Two readers who look at nothing and always say the same have perfect agreement and a kappa of 0.",
        forbidden=("sklearn.metrics.cohen_kappa_score", "a2d.annotation.agreement"),
        parts={"ordinary": 2, "edge": 1},
    ),
    Exercise(
        id="7.2",
        title="freeze all but the last two layers",
        points=2,
        difficulty=2,
        minutes=10,
        signature="freeze(net: nn.Module) -> int",
        reference=_last_two,
        cases=_last_two_cases,
        call=calls.judge_like,
        wrong=(
            Wrong("it is the wrong way round: the convolutions learn and the last two layers are frozen", _first_two),
            Wrong("nothing is frozen: the convolutions ask for a gradient as well", _everything),
            Wrong("only the last layer learns; the report trains the last two, fc1 and fc2", _only_the_last),
            Wrong("the parameters are counted as tensors; count the numbers in them", _tensors_counted),
            Wrong(
                "the convolutions are frozen, but a last layer that had been frozen before stays frozen; "
                "switch its gradient on",
                _never_thawed,
            ),
        ),
        hints=(
            "`net.named_parameters()` gives pairs such as `('conv1.weight', parameter)`; "
            "`parameter.requires_grad` may be set to True or False.",
            "Set it for every parameter, not only for those that are to be frozen: "
            "you do not know what was done to the network before.",
            "`name.startswith('fc')` is True for the last two layers. "
            "`parameter.numel()` is how many numbers a parameter holds.",
        ),
        right="A frozen layer costs no gradient, and its output for a picture can be computed once and kept.",
        parts={"ordinary": 1, "edge": 1},
    ),
    Exercise(
        id="7.3",
        title="the gain of one judge over another, with its standard error",
        points=3,
        difficulty=3,
        minutes=15,
        signature="gain(before: np.ndarray, after: np.ndarray, spoken: np.ndarray) -> tuple[float, float]",
        reference=_gain,
        cases=_gain_cases,
        wrong=(
            Wrong("the sign is turned: a gain is positive where the second judge is better", _gain_turned),
            Wrong(
                "the standard error is that of two judges on different pictures; here both read the same ones, "
                "so only the pictures on which they differ count",
                _gain_unpaired,
            ),
            Wrong(
                "this is the standard deviation for one picture; the mean of n pictures varies less, by the root of n",
                _gain_not_of_the_mean,
            ),
            Wrong(
                "every picture that the judges read differently is counted; where both are wrong, nothing is gained "
                "or lost",
                _gain_any_difference,
            ),
        ),
        hints=(
            "For each picture, ask twice: was it right before, is it right after? Four cases; two of them count.",
            "`won = ((before != spoken) & (after == spoken)).sum()` counts the pictures that are gained.",
            "With $w$ won and $l$ lost pictures the standard error is $\\frac{1}{n} \\sqrt{w + l - (w - l)^2 / n}$.",
        ),
        right="Judges that agree on most pictures can be told apart with few of them: only the differences are noisy.",
    ),
    Question(
        id="7.4",
        title="what does 82.29 % mean?",
        points=2,
        minutes=10,
        text=(
            "A generator draws pictures of spoken digits. The evaluator cannot read them. "
            "The authors label 100 of the pictures, fine-tune the evaluator's last two layers on them, "
            "and report that the accuracy on the test set is 82.29 %.\n\n"
            "What does this number say about the generator, and what does it not say? "
            "How would you report the result, so that a reader can judge the generator? "
            "Five to eight sentences. Use measurements of this lecture."
        ),
    ),
)
