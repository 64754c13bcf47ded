"""Exercises of lecture 04: the same-class random target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from a2d.checks.comparison import difference
from a2d.exercises.model import Case, Exercise, Question, Wrong

# ------------------------------------------------------------------------------------------------- 4.1 draw the targets


def _draw(labels: np.ndarray, classes: np.ndarray, chance: np.ndarray) -> np.ndarray:
    return np.argsort(labels, kind="stable")[_draw_sorted(labels, classes, chance)]


def _draw_sorted(labels: np.ndarray, classes: np.ndarray, chance: np.ndarray) -> np.ndarray:
    counts = np.bincount(labels, minlength=10)
    return (np.cumsum(counts) - counts)[classes] + _draw_place(labels, classes, chance)


def _draw_place(labels: np.ndarray, classes: np.ndarray, chance: np.ndarray) -> np.ndarray:
    return np.floor(chance * np.bincount(labels, minlength=10)[classes]).astype(int)


def _draw_by(place: Callable[[float, int], Any]) -> Callable[..., np.ndarray]:
    """A wrong answer that takes the member of a class at ``place(chance, members)``."""

    def draw(labels: np.ndarray, classes: np.ndarray, chance: np.ndarray) -> np.ndarray:
        members = [np.flatnonzero(labels == c) for c in classes]
        return np.array([m[int(place(v, len(m)))] for m, v in zip(members, chance, strict=True)], dtype=int)

    return draw


def _draw_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for _ in range(5):
        n, b = int(rng.integers(25, 45)), int(rng.integers(4, 7))
        labels = rng.permutation(np.concatenate([np.arange(10), rng.integers(0, 10, n)]))
        classes = rng.integers(0, 10, b)
        classes[:2] = np.argmax(np.bincount(labels))  # the same class twice: two images, not one
        chance = rng.random(b).round(3)
        chance[0] = np.round(0.9 / np.bincount(labels).max(), 3)  # who rounds takes the second image
        cases.append(Case((labels, classes, chance), part="ordinary batches"))
    edge, three = "the first and the last image of a class, and the empty batch", rng.permutation(10)[:3]
    few = rng.permutation(np.repeat(three, (1, 2, 3)))  # the first class has one image, which is both
    for first in (0, 1):
        classes = rng.permutation(np.repeat(three, (2 - first, 1, 2)))
        chance = np.where(rng.random(len(classes)) < 0.5, 0.0, 0.999)
        chance[np.flatnonzero(classes == three[2])] = 0.0, 0.999
        cases.append(Case((few, classes, chance), part=edge))
    cases.append(Case((few, np.zeros(0, int), np.zeros(0)), told="an empty batch", part=edge))
    return cases


def _whole_numbers(case: Case, expected: Any, got: Any) -> str:
    floats = isinstance(got, np.ndarray) and got.dtype.kind not in "iu" and got.size == 0
    told = "The array holds floats, which cannot be numbers of images: an empty list needs dtype=int."
    return difference(expected, got, 0, 0) or (told if floats else "")


# --------------------------------------------------------------------------------------------------- 4.2 class means


def _means(images: np.ndarray, labels: np.ndarray, kind: type = float) -> np.ndarray:
    return _means_sum(images, labels, kind) / np.maximum(_counts(labels), 1)


def _means_sum(images: np.ndarray, labels: np.ndarray, kind: type = float) -> np.ndarray:
    return np.stack([images[labels == c].sum(0, dtype=kind) / 255 for c in range(10)])


def _counts(labels: np.ndarray) -> np.ndarray:
    return np.bincount(labels, minlength=10)[:, None, None]


def _means_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for _ in range(4):
        height, width = int(rng.integers(1, 4)), int(rng.integers(1, 5))
        labels = rng.permutation(np.concatenate([np.arange(10), np.arange(10), rng.integers(0, 10, 20)]))
        images = rng.integers(120, 256, (len(labels), height, width)).astype(np.uint8)
        cases.append(Case((images, labels), part="images of all classes"))
    for _ in range(2):
        labels, images = rng.choice([0, 2, 9], 12), rng.integers(120, 256, (12, 2, 2)).astype(np.uint8)
        cases.append(Case((images, labels), "images of the classes 0, 2 and 9 only", "classes without images"))
    return cases


# ------------------------------------------------------------------------------------------------ 4.3 expected losses


def _log(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where(a > 0, a * np.log(np.where(a > 0, b, 1.0)), 0.0)


def _expected(y: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> tuple[float, float]:
    bce = -(_log(mean, y) + _log(1 - mean, 1 - y)).sum()
    return float(bce), float((np.square(y - mean) + variance).sum())


def _but(change: Callable[..., tuple[float, float]]) -> Callable[..., tuple[float, float]]:
    """A wrong answer: ``change(cross-entropy, squared error, y, mean, variance)``."""
    return lambda y, mean, variance: change(*_expected(y, mean, variance), y, mean, variance)


def _expected_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n in range(7):
        # At the edge, some pixels are ordinary ones.
        shape = (int(rng.integers(1, 4)) + (n >= 5), int(rng.integers(2, 5)))
        mean, y = rng.uniform(0.1, 0.9, shape).round(3), rng.uniform(0.05, 0.95, shape).round(3)
        # Values in [0, 1] with this mean vary by at most mean (1 - mean).
        variance = (mean * (1 - mean) * rng.uniform(0.3, 1.0, shape)).round(3)
        if n < 5:
            cases.append(Case((y, mean, variance), part="grey pixels"))
            continue
        y[0, 0] = mean[0, 0] = variance[0, 0] = 0.0
        y[-1, -1] = mean[-1, -1] = 1.0
        variance[-1, -1] = 0.0
        told = f"a drawing of shape {shape} with y = mean = 0 in one pixel and y = mean = 1 in another"
        cases.append(Case((y, mean, variance), told, "pixels that are the same in all targets"))
    return cases


# ------------------------------------------------------------------------------------------------ 4.4 bias and variance


def _measured(change: Callable[..., tuple[float, float]], logits: bool = False) -> Callable[..., Any]:
    """``change(mean gradient, differences from it, exact gradient)``; ``logits``: the sigmoid is forgotten."""

    def answer(features: np.ndarray, weights: np.ndarray, targets: np.ndarray, means: np.ndarray) -> Any:
        y = features @ weights.T if logits else 1 / (1 + np.exp(-features @ weights.T))
        gradients = np.einsum("nbp,bq->npq", y - targets, features) / len(features)
        mean = np.average(gradients, axis=0)
        return change(mean, gradients - mean, (y - means).T @ features / len(features))

    return answer


def _shares(bias: np.ndarray, spread: np.ndarray, exact: np.ndarray) -> tuple[float, float]:
    length = float(np.square(exact).sum())
    return float(np.square(bias).sum()) / length, float(np.square(spread).sum()) / len(spread) / length


_ONE = np.ones(1)
_moments = _measured(lambda mean, differences, exact: _shares(mean - exact, differences, exact))


def _in_logits(features: np.ndarray, weights: np.ndarray, targets: np.ndarray, means: np.ndarray) -> Any:
    y = 1 / (1 + np.exp(-features @ weights.T))
    return _shares(means - targets.mean(0), targets - targets.mean(0), y - means)


def _moments_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n in range(7):
        b, p, q = int(rng.integers(3, 6)), int(rng.integers(2, 5)), int(rng.integers(2, 4))
        repeats, stays = int(rng.integers(4, 9)), n >= 5
        features, weights = rng.normal(size=(b, q)).round(2), rng.normal(size=(p, q)).round(2)
        targets, means = rng.random((repeats, b, p)).round(2), rng.random((b, p)).round(2)
        if stays:
            targets[:] = targets[0]
        told = f"{repeats} repetitions {'with the same targets, ' if stays else ''}of {b} recordings, {p} pixels"
        part = "targets that stay" if stays else "targets drawn anew"
        cases.append(Case((features, weights, targets, means), f"{told}, {q} features", part))
    return cases


# ----------------------------------------------------------------------------------------------- 4.6 a loss of your own

_LEVELS = np.linspace(0, 1, 51)


def _bold(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.where(x > y, 4.0, 1.0) * np.abs(x - y)


def _bold_cases(rng: np.random.Generator) -> list[Case]:
    """Two pixels in 50 images each, one above and one below the border; each level of y meets each image."""
    cases = []
    for few, many in ((9, 11), (5, 15), (0, 25), (8, 40)):
        images = np.stack([rng.permutation(np.r_[np.ones(k), np.zeros(50 - k)]) for k in (few, many)])
        y, x = np.broadcast_arrays(_LEVELS[:, None, None], images)
        told = f"one pixel that is ink in {few} of 50 images, and one in {many} of 50"
        cases.append(Case((y.ravel(), x.ravel()), told))
    return cases


def _bold_verify(case: Case, expected: Any, got: Any) -> str:
    got, (y, x) = np.asarray(got, dtype=float), case.args
    if got.shape != y.shape or not np.isfinite(got).all():
        return f"The loss should be one finite number for each pixel, shape {y.shape}; it has the shape {got.shape}."
    share, cost = x.reshape(51, 2, 50)[0].mean(1), got.reshape(51, 2, 50).mean(2)
    for ink, best in zip(share, _LEVELS[cost.argmin(0)], strict=True):
        if abs(best - (ink > 0.2)) > 0.1:
            wanted = "near 1" if ink > 0.2 else "near 0"
            return f"Ink in {100 * ink:.0f} % of the images: the loss is least at y = {best:.2f}, not {wanted}."
    return ""


# ------------------------------------------------------------------------------------------------- 4.7 groups of images


def _kinds(images: np.ndarray, k: int) -> np.ndarray:
    from scipy.cluster.vq import kmeans2

    groups: np.ndarray = kmeans2(images.reshape(len(images), -1).astype(float), k, minit="++", seed=0)[1]
    return groups


def _cut(values: np.ndarray, k: int) -> np.ndarray:
    return np.argsort(np.argsort(values)) * k // len(values)


def _kinds_cases(rng: np.random.Generator) -> list[Case]:
    """Strokes of 8 x 10 pixels that stand at different places, straight or slanting."""
    cases = []
    for k in (4, 5, 4, 5):
        centre = rng.uniform(2, 7, 120)[:, None] + rng.choice([-0.5, 0, 0.5], 120)[:, None] * (np.arange(8) - 3.5)
        images = np.clip(1.3 - np.abs(np.arange(10) - centre[:, :, None]), 0, 1).round(2)
        cases.append(Case((images, k), f"120 images of strokes, k = {k}"))
    return cases


def _kinds_verify(case: Case, expected: Any, got: Any) -> str:
    images, k = case.args
    groups, flat = np.asarray(got), images.reshape(len(images), -1)
    if groups.shape != (len(images),) or groups.dtype.kind not in "iu" or groups.min() < 0 or groups.max() >= k:
        return f"Expected {len(images)} whole numbers from 0 to {k - 1}, one for each image."
    share = np.bincount(groups, minlength=k) / len(images)
    if share.min() == 0:
        return f"Group {share.argmin()} is empty."
    means = np.stack([flat[groups == j].mean(0) for j in range(k)])
    grey = share @ (means * (1 - means)).mean(1) / (flat.mean(0) * (1 - flat.mean(0))).mean()
    apart, real = (np.sqrt(np.square(a[:, None] - a).sum(-1)) for a in (means, flat))
    variety = (share @ apart @ share / (1 - share @ share)) / (real.sum() / (len(flat) * (len(flat) - 1)))
    text = f"The greyness of your means is {grey:.2f} times the class mean's, their variety {variety:.2f}"
    return "" if grey <= 0.9 and variety >= 0.5 else f"{text}; at most 0.90 and at least 0.50 are asked for."


EXERCISES = (
    Exercise(
        id="4.1",
        title="draw the targets of a batch",
        points=3,
        difficulty=2,
        minutes=10,
        signature="draw_targets(labels: np.ndarray, classes: np.ndarray, chance: np.ndarray) -> np.ndarray",
        reference=_draw,
        cases=_draw_cases,
        verify=_whole_numbers,
        wrong=(
            Wrong("it is drawn from the images of all classes", lambda n, c, v: (v * len(n)).astype(int)),
            Wrong("this is the place within the class; look up which image of all stands there", _draw_place),
            Wrong("this is the place among images sorted by class; `labels` are in any order", _draw_sorted),
            Wrong("each recording has a number of its own", lambda n, c, v: _draw(n, c, np.repeat(v[:1], len(v)))),
            Wrong("multiplied by N_c - 1, so the last image is never drawn", _draw_by(lambda v, n: v * (n - 1))),
            Wrong("rounded, so the two ends come half as often; cut off", _draw_by(lambda v, n: round(v * (n - 1)))),
        ),
        hints=(
            "Take the recordings one by one. `np.flatnonzero(labels == c)` gives the numbers of class $c$'s images.",
            "Of these $N_c$ numbers, take the one at the place `int(v * N_c)`, with the recording's own number `v`; "
            "`int` cuts off the decimals.",
            "Collect them in a list. An empty list becomes an array of floats, unless you say `dtype=int`.",
        ),
        right=(
            "With the random numbers passed in, an experiment can be repeated. From here on, the trainings of this "
            "lecture draw their targets with your function."
        ),
        parts={"ordinary batches": 2, "the first and the last image of a class, and the empty batch": 1},
        forbidden=("a2d.pairing.Targets",),
    ),
    Exercise(
        id="4.2",
        title="the mean image of each class",
        points=3,
        difficulty=2,
        minutes=10,
        signature="class_means(images: np.ndarray, labels: np.ndarray) -> np.ndarray",
        reference=_means,
        cases=_means_cases,
        wrong=(
            Wrong("this is the mean of all images, the same for every class", lambda x, n: _means(x, 0 * n)[[0] * 10]),
            Wrong("these are sums; divide by the number of images of the class", _means_sum),
            Wrong("the sums are divided by the number of all images", lambda x, n: _means_sum(x, n) / len(n)),
            Wrong("uint8 begins again at 0 after 255; convert to float first", lambda x, n: _means(x, n, np.uint8)),
            Wrong(
                "the decimals are cut off before the division by 255: by `//`, or by filling an array of uint8",
                lambda x, n: np.floor(255 * _means(x, n) + 1e-9) / 255,
            ),
            Wrong(
                "the array that is filled has whole numbers; fill one of floats", lambda x, n: _means(x, n).astype(int)
            ),
            Wrong("the ink is still 255; divide by 255", lambda x, n: 255 * _means(x, n)),
            Wrong("a class without images should be zeros, not NaN", lambda x, n: _means_sum(x, n) / _counts(n)),
        ),
        hints=(
            "`images[labels == c]` has the images of class $c$; `.mean(axis=0)` averages over them.",
            "Begin with `np.zeros((10, *images.shape[1:]))`, and fill in the classes that have images. "
            "`.mean` of a uint8 array is a float; a sum that you make yourself in uint8 runs over.",
        ),
        right="The next figures show these ten pictures: the best that squared error and cross-entropy know.",
        parts={"images of all classes": 2, "classes without images": 1},
        forbidden=("a2d.pairing.Targets",),
    ),
    Exercise(
        id="4.3",
        title="the expected loss of a drawing",
        points=3,
        difficulty=3,
        minutes=15,
        signature="expected_losses(y: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> tuple[float, float]",
        reference=_expected,
        cases=_expected_cases,
        wrong=(
            Wrong("this squared error lacks the variance", _but(lambda b, s, y, m, v: (b, s - v.sum()))),
            Wrong("the logarithm is that of the drawing, not of the mean", lambda y, m, v: _expected(m, y, v)),
            Wrong(
                "the term of the black part, 1 - mean, is missing", _but(lambda b, s, y, m, v: (-_log(m, y).sum(), s))
            ),
            Wrong("these are means over the pixels, not sums", _but(lambda b, s, y, m, v: (b / y.size, s / y.size))),
            Wrong("the logarithm is to the base 2, not natural", _but(lambda b, s, y, m, v: (b / np.log(2), s))),
            Wrong("the variance is no part of the cross-entropy", _but(lambda b, s, y, m, v: (b + v.sum(), s))),
            Wrong("the cross-entropy comes first, then the squared error", _but(lambda b, s, y, m, v: (s, b))),
            Wrong("the cross-entropy lacks its minus sign", _but(lambda b, s, y, m, v: (-b, s))),
            Wrong("KL(mean || y) lacks the mean's entropy", _but(lambda b, s, y, m, v: (b - _expected(m, m, v)[0], s))),
        ),
        hints=(
            "The cross-entropy is affine in its target, so its expectation is the cross-entropy against the mean.",
            "The squared error is not: the mean of squares is more than the square of the mean.",
            "Where a factor is 0, its product with the logarithm counts as 0. `scipy.special.xlogy(a, b)` is "
            "$a \\ln b$ with that rule.",
        ),
        right=(
            "All that you needed of the targets is their mean and variance. What is left at y = mean, the entropy or "
            "the variance, is a floor: no drawing costs less on average. Your function computes it below."
        ),
        parts={"grey pixels": 2, "pixels that are the same in all targets": 1},
    ),
    Exercise(
        id="4.4",
        title="bias and variance of a gradient",
        points=3,
        difficulty=4,
        minutes=20,
        signature=(
            "bias_and_variance(features: np.ndarray, weights: np.ndarray, targets: np.ndarray, means: np.ndarray) "
            "-> tuple[float, float]"
        ),
        reference=_moments,
        cases=_moments_cases,
        wrong=(
            Wrong("the sigmoid is missing", _measured(lambda m, d, e: _shares(m - e, d, e), logits=True)),
            Wrong(
                "this variance is about the exact gradient, so it holds the bias as well; take it about the mean one",
                _measured(lambda m, d, e: _shares(m - e, d + m - e, e)),
            ),
            Wrong("divide by the exact gradient's squared length", _measured(lambda m, d, e: _shares(m - e, d, _ONE))),
            Wrong("subtract the exact gradient from the mean one", _measured(lambda m, d, e: _shares(m, d, e))),
            Wrong("this gradient is in the logits, y - x; in the weights, it has the features as factors", _in_logits),
            Wrong(
                "the variance is divided by the repetitions less one; divide by their number, as NumPy's `var` does",
                _measured(lambda m, d, e: _shares(m - e, d * (1 - 1 / len(d)) ** -0.5, e)),
            ),
            Wrong("lengths are meant to be squared", lambda *args: tuple(np.sqrt(_moments(*args)).tolist())),
        ),
        hints=(
            "`y = 1 / (1 + np.exp(-features @ weights.T))` has the shape (N, p), as `means` and each of the targets.",
            "One gradient is `(y - x).T @ features / N`; make a list of them, and the exact one in the same way.",
            "NumPy's `var(axis=0)` of the stacked gradients gives each weight's variance; add these up.",
        ),
        right=(
            "The drawing y cancels in the differences, because the loss is affine in the target: no network can change "
            "how far its gradients scatter but through the features. It does not cancel in what you divided by: when y "
            "comes near the mean, the exact gradient shrinks, and the same scatter weighs more."
        ),
        parts={"targets drawn anew": 2, "targets that stay": 1},
    ),
    Question(
        id="4.5",
        title="drizzle everywhere",
        points=2,
        minutes=10,
        text=(
            "A network predicts tomorrow's map of rain, a number for each place. It was trained with squared error.\n"
            "It shows drizzle in half of the country on every day in summer, and never a shower.\n"
            "Somebody takes the absolute error instead. Now it shows no rain at all on most days.\n\n"
            "Explain both with what you know from this lecture.\n"
            "What would you change so that the maps show showers? Say why it would work. Write four to six sentences."
        ),
    ),
    Exercise(
        id="4.6",
        title="a loss with another best pixel",
        points=2,
        difficulty=3,
        minutes=10,
        signature="bold_loss(y: np.ndarray, x: np.ndarray) -> np.ndarray",
        reference=_bold,
        cases=_bold_cases,
        verify=_bold_verify,
        wrong=(
            Wrong("the absolute error changes from black to ink at one half", lambda y, x: np.abs(x - y)),
            Wrong("the best pixel of the squared error is the mean, which is grey", lambda y, x: (x - y) ** 2),
            Wrong("too much ink costs more than too little, so lines get thinner", lambda y, x: _bold(1 - y, 1 - x)),
            Wrong("the best pixel of squares is grey, whatever their weights", lambda y, x: _bold(y, x) * abs(x - y)),
        ),
        hints=(
            "The absolute error gives the median because too much ink and too little cost the same.",
            "Let $p$ be the share of images with ink. A pixel of ink costs $1 - p$ times the price of too much ink, a "
            "black one $p$ times that of too little. For which prices are the two equal at $p = 1/5$?",
        ),
        right=(
            "A loss chooses a statistic of the targets: mean, median, or this quantile. Each is one picture for each "
            "class, so none brings variety."
        ),
    ),
    Exercise(
        id="4.7",
        title="groups of handwriting",
        points=2,
        difficulty=4,
        minutes=15,
        signature="split(images: np.ndarray, k: int) -> np.ndarray",
        reference=_kinds,
        cases=_kinds_cases,
        verify=_kinds_verify,
        wrong=(
            Wrong("the place in the array says nothing of the looks", lambda x, k: np.arange(len(x)) * k // len(x)),
            Wrong("the split is by how much ink there is, not by where", lambda x, k: _cut(x.sum((1, 2)), k)),
        ),
        hints=(
            "The images of one group should have their ink in the same pixels. What differs most between the strokes?",
            "One way: a number for each image, such as the mean column of its ink; sort by it, and cut into k parts.",
            "Another way is k-means: k pictures; each image joins the nearest, each picture becomes the mean of its "
            "group, and so on for some rounds.",
        ),
        right=(
            "A generator that is told the group has less to average over: its drawings are less grey, and there are k "
            "for each class. Both faults get smaller at once."
        ),
    ),
)
