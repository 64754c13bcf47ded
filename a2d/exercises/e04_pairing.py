"""Exercises of lecture 04: the same-class random target."""

from __future__ import annotations

import numpy as np

from a2d.exercises.model import Case, Exercise, Question, Wrong

# ------------------------------------------------------------------------------------------------- 4.1 draw the targets


def _draw(labels: np.ndarray, classes: np.ndarray, u: np.ndarray) -> np.ndarray:
    order, counts = np.argsort(labels, kind="stable"), np.bincount(labels, minlength=10)
    first = np.cumsum(counts) - counts
    return order[first[classes] + np.floor(u * counts[classes]).astype(int)]


def _draw_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for _ in range(5):
        n, b = int(rng.integers(25, 45)), int(rng.integers(4, 7))
        labels = rng.permutation(np.concatenate([np.arange(10), rng.integers(0, 10, n)]))
        classes = rng.integers(0, 10, b)
        classes[:2] = np.argmax(np.bincount(labels))  # the same class twice: two images, not one
        cases.append(Case((labels, classes, rng.random(b).round(3)), part="ordinary"))
    few = np.array([3, 1, 3, 7, 1, 3])
    cases.append(Case((few, np.array([7, 7, 3]), np.array([0.0, 0.999, 0.999])), part="edge"))
    cases.append(Case((few, np.array([1, 3, 1]), np.array([0.0, 0.0, 0.5])), part="edge"))
    cases.append(Case((few, np.zeros(0, int), np.zeros(0)), told="an empty batch", part="edge"))
    return cases


def _draw_any_class(labels: np.ndarray, classes: np.ndarray, u: np.ndarray) -> np.ndarray:
    return (u * len(labels)).astype(int)


def _draw_place(labels: np.ndarray, classes: np.ndarray, u: np.ndarray) -> np.ndarray:
    return (u * np.bincount(labels, minlength=10)[classes]).astype(int)


def _draw_once(labels: np.ndarray, classes: np.ndarray, u: np.ndarray) -> np.ndarray:
    return _draw(labels, classes, np.repeat(u[:1], len(u)))


def _draw_never_last(labels: np.ndarray, classes: np.ndarray, u: np.ndarray) -> np.ndarray:
    members = [np.flatnonzero(labels == c) for c in classes]
    return np.array([m[int(v * (len(m) - 1))] for m, v in zip(members, u, strict=True)], dtype=int)


# --------------------------------------------------------------------------------------------------- 4.2 class means


def _means(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    one_hot = (labels[:, None] == np.arange(10)).astype(float)
    sums = np.einsum("nc,nij->cij", one_hot, images.astype(float))
    return sums / np.maximum(one_hot.sum(0), 1)[:, None, None] / 255


def _means_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for _ in range(4):
        height, width = int(rng.integers(1, 4)), int(rng.integers(1, 5))
        labels = rng.permutation(np.concatenate([np.arange(10), np.arange(10), rng.integers(0, 10, 20)]))
        images = rng.integers(120, 256, (len(labels), height, width)).astype(np.uint8)
        cases.append(Case((images, labels), part="ordinary"))
    for _ in range(2):
        labels = rng.choice([0, 2, 9], 12)
        images = rng.integers(120, 256, (12, 2, 2)).astype(np.uint8)
        cases.append(Case((images, labels), told="images of the classes 0, 2 and 9 only", part="edge"))
    return cases


def _means_overall(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.repeat(images.mean(0, keepdims=True), 10, axis=0) / 255


def _means_sum(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.stack([images[labels == c].sum(0) / 255 for c in range(10)])


def _means_of_all(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return _means_sum(images, labels) / len(labels)


def _means_overflow(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    counts = np.maximum(np.bincount(labels, minlength=10), 1)
    sums = np.stack([images[labels == c].sum(0, dtype=np.uint8) for c in range(10)])
    return sums / counts[:, None, None] / 255


def _means_whole(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    counts = np.maximum(np.bincount(labels, minlength=10), 1)
    sums = np.stack([images[labels == c].sum(0, dtype=np.int64) for c in range(10)])
    return (sums // counts[:, None, None]) / 255


def _means_empty(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.stack([images[labels == c].mean(0) / 255 for c in range(10)])


def _means_scale(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return 255 * _means(images, labels)


# ------------------------------------------------------------------------------------------------ 4.3 expected losses


def _expected(y: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> tuple[float, float]:
    from scipy.special import xlogy

    bce = -(xlogy(mean, y) + xlogy(1 - mean, 1 - y)).sum()
    return float(bce), float((np.square(y - mean) + variance).sum())


def _expected_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n in range(7):
        # At the edge, some pixels are ordinary ones.
        shape = (int(rng.integers(1, 4)) + (n >= 5), int(rng.integers(2, 5)))
        mean, y = rng.uniform(0.1, 0.9, shape).round(3), rng.uniform(0.05, 0.95, shape).round(3)
        # Values in [0, 1] with this mean vary by at most mean (1 - mean).
        variance = (mean * (1 - mean) * rng.uniform(0.3, 1.0, shape)).round(3)
        if n < 5:
            cases.append(Case((y, mean, variance), part="ordinary"))
            continue
        y[0, 0] = mean[0, 0] = variance[0, 0] = 0.0
        y[-1, -1] = mean[-1, -1] = 1.0
        variance[-1, -1] = 0.0
        told = f"a picture of shape {shape} with y = mean = 0 in one pixel and y = mean = 1 in another"
        cases.append(Case((y, mean, variance), told=told, part="edge"))
    return cases


def _expected_no_variance(y: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> tuple[float, float]:
    bce, _ = _expected(y, mean, variance)
    return bce, float(np.square(y - mean).sum())


def _expected_swapped(y: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> tuple[float, float]:
    return _expected(mean, y, variance)


def _expected_half(y: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> tuple[float, float]:
    from scipy.special import xlogy

    return float(-xlogy(mean, y).sum()), _expected(y, mean, variance)[1]


def _expected_per_pixel(y: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> tuple[float, float]:
    bce, square = _expected(y, mean, variance)
    return bce / y.size, square / y.size


def _expected_bits(y: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> tuple[float, float]:
    bce, square = _expected(y, mean, variance)
    return bce / float(np.log(2)), square


def _expected_variance_in_both(y: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> tuple[float, float]:
    bce, square = _expected(y, mean, variance)
    return bce + float(variance.sum()), square


# ------------------------------------------------------------------------------------------------ 4.4 bias and variance


def _sigmoid(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-a))


def _moments(a: np.ndarray, images: np.ndarray, picks: np.ndarray) -> tuple[np.ndarray, float]:
    from scipy.special import expit

    weights = np.stack([np.bincount(row, minlength=len(images)) for row in picks]) / picks.shape[1]
    gradients = expit(a) - weights @ images
    centre = expit(a) - np.average(images, axis=0)
    return np.average(gradients, axis=0) - centre, float(np.trace(np.atleast_2d(np.cov(gradients.T, bias=True))))


def _moments_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for _ in range(5):
        n, d = int(rng.integers(5, 12)), int(rng.integers(2, 6))
        r, k = int(rng.integers(6, 12)), int(rng.integers(2, 5))
        images = rng.random((n, d)).round(3)
        cases.append(Case((rng.normal(size=d).round(3), images, rng.integers(0, n, (r, k))), part="drawn anew"))
    for k in (1, 3):
        n, d, r = int(rng.integers(5, 12)), int(rng.integers(2, 6)), int(rng.integers(3, 8))
        picks = np.repeat(rng.permutation(n)[None, :k], r, axis=0)  # k different images
        told = f"{r} rows of picks that are all {picks[0].tolist()}, the rule of fixed targets"
        cases.append(Case((rng.normal(size=d).round(3), rng.random((n, d)).round(3), picks), told, "always the same"))
    return cases


def _moments_parts(a: np.ndarray, images: np.ndarray, picks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The estimates ``(r, d)`` and the exact gradient ``(d,)``."""
    return _sigmoid(a) - images[picks].mean(1), _sigmoid(a) - images.mean(0)


def _moments_of_one(a: np.ndarray, images: np.ndarray, picks: np.ndarray) -> tuple[np.ndarray, float]:
    estimates, exact = _moments_parts(a, images, picks)
    single = images[picks].reshape(-1, images.shape[1])
    return estimates.mean(0) - exact, float(single.var(0).sum())


def _moments_sign(a: np.ndarray, images: np.ndarray, picks: np.ndarray) -> tuple[np.ndarray, float]:
    estimates, exact = _moments_parts(a, images, picks)
    return exact - estimates.mean(0), float(estimates.var(0).sum())


def _moments_no_centre(a: np.ndarray, images: np.ndarray, picks: np.ndarray) -> tuple[np.ndarray, float]:
    estimates, _ = _moments_parts(a, images, picks)
    return estimates.mean(0), float(estimates.var(0).sum())


def _moments_logits(a: np.ndarray, images: np.ndarray, picks: np.ndarray) -> tuple[np.ndarray, float]:
    estimates, _ = _moments_parts(a, images, picks)
    return estimates.mean(0) - (a - images.mean(0)), float(estimates.var(0).sum())


def _moments_per_pixel(a: np.ndarray, images: np.ndarray, picks: np.ndarray) -> tuple[np.ndarray, float]:
    estimates, exact = _moments_parts(a, images, picks)
    return estimates.mean(0) - exact, float(estimates.var(0).mean())


def _moments_one_less(a: np.ndarray, images: np.ndarray, picks: np.ndarray) -> tuple[np.ndarray, float]:
    estimates, exact = _moments_parts(a, images, picks)
    return estimates.mean(0) - exact, float(estimates.var(0, ddof=1).sum())


EXERCISES = (
    Exercise(
        id="4.1",
        title="draw the targets of a batch",
        points=3,
        difficulty=2,
        minutes=10,
        signature="draw_targets(labels: np.ndarray, classes: np.ndarray, u: np.ndarray) -> np.ndarray",
        reference=_draw,
        cases=_draw_cases,
        wrong=(
            Wrong("the target's class is not the sound's: it is drawn from the images of all classes", _draw_any_class),
            Wrong(
                "this is the place within the class, 0 to n_c - 1; look up which image of all stands there",
                _draw_place,
            ),
            Wrong("one number is drawn for the whole batch; each recording has its own u", _draw_once),
            Wrong("u is multiplied by n_c - 1, so the last image of a class is never drawn", _draw_never_last),
        ),
        hints=(
            "Take the recordings one by one. `np.flatnonzero(labels == c)` gives the numbers of class $c$'s images.",
            "Of these $n_c$ numbers, take the one at the place `int(u * n_c)`; `int` cuts off the decimals.",
            "Fill a list with `members[int(u_i * len(members))]`, and turn it into an array with "
            "`np.array(..., dtype=int)`, which also works for an empty list.",
        ),
        right=(
            "With u passed in, the same numbers give the same targets: an experiment can be repeated. "
            "Two recordings of one class, or one recording at two steps, get two independent images."
        ),
        parts={"ordinary": 2, "edge": 1},
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
            Wrong("this is the mean of all images, the same for every class", _means_overall),
            Wrong("these are sums; divide by the number of images of the class", _means_sum),
            Wrong("the sums are divided by the number of all images, not of the class's own", _means_of_all),
            Wrong("the sum runs over: uint8 begins again at 0 after 255; convert to float first", _means_overflow),
            Wrong("the division cuts off the decimals: `//` of whole numbers; use `/`", _means_whole),
            Wrong("the ink is still 255; divide by 255", _means_scale),
            Wrong("a class without images should be zeros; the mean of no images is NaN", _means_empty),
        ),
        hints=(
            "`images[labels == c]` has the images of class $c$; `.mean(axis=0)` averages over them.",
            "Begin with `np.zeros((10, *images.shape[1:]))`, and fill in the classes that have images. "
            "`.mean` of a uint8 array is a float; a sum that you make yourself in uint8 runs over.",
        ),
        right="These ten pictures are what the loss asks for: none has a lower expected loss for its class.",
        parts={"ordinary": 2, "edge": 1},
        forbidden=("a2d.pairing.Targets",),
    ),
    Exercise(
        id="4.3",
        title="the expected loss of a picture",
        points=3,
        difficulty=3,
        minutes=15,
        signature=("expected_losses(y: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> tuple[float, float]"),
        reference=_expected,
        cases=_expected_cases,
        wrong=(
            Wrong("the variance is missing: this is the squared error of the mean target", _expected_no_variance),
            Wrong("picture and mean have changed places; the logarithm is that of the picture", _expected_swapped),
            Wrong("half of the cross-entropy is missing: the term of the black part, 1 - mean", _expected_half),
            Wrong("these are means over the pixels; the losses are sums over the pixels", _expected_per_pixel),
            Wrong("the logarithm is to the base 2; nats need the natural one", _expected_bits),
            Wrong(
                "the variance is added to the cross-entropy too; that is affine in its target and needs only the mean",
                _expected_variance_in_both,
            ),
        ),
        hints=(
            "The cross-entropy is affine in its target, so its expectation is the cross-entropy against the mean.",
            "The squared error needs one more term: $(y - m)^2 + v$ in each pixel.",
            "Where a factor is 0 its product with the logarithm counts as 0. `scipy.special.xlogy(m, y)` is "
            "$m \\ln y$ with that rule.",
        ),
        right=(
            "All that you needed of the targets is their mean and variance. What is left at y = mean, the entropy or "
            "the variance, is a floor: no picture costs less on average."
        ),
        parts={"ordinary": 2, "edge": 1},
    ),
    Exercise(
        id="4.4",
        title="bias and variance of a gradient",
        points=3,
        difficulty=4,
        minutes=15,
        signature=(
            "bias_and_variance(a: np.ndarray, images: np.ndarray, picks: np.ndarray) -> tuple[np.ndarray, float]"
        ),
        reference=_moments,
        cases=_moments_cases,
        wrong=(
            Wrong(
                "this is the variance of single draws; average the k draws of a row first, then take the variance",
                _moments_of_one,
            ),
            Wrong("the bias has its sign turned: it is the average estimate minus the exact gradient", _moments_sign),
            Wrong("this is the average gradient; the bias is that less the exact gradient", _moments_no_centre),
            Wrong("the exact gradient lacks the sigmoid: a is a logit, not a picture", _moments_logits),
            Wrong("the variance is averaged over the pixels; add them up", _moments_per_pixel),
            Wrong("the variance is divided by r - 1; divide by r, as NumPy's `var` does", _moments_one_less),
        ),
        hints=(
            "`images[picks]` has the shape (r, k, d). Average over the right axis, and you have r targets.",
            "The estimates are `sigmoid - targets`, of shape (r, d); the exact gradient is `sigmoid - images.mean(0)`.",
            "The bias is `estimates.mean(0) - exact`, the variance `estimates.var(0).sum()`.",
        ),
        right=(
            "Targets drawn anew have a variance that falls as 1/k, and a bias that is chance only. Targets that are "
            "always the same have no variance at all, and a bias that no number of steps takes away."
        ),
        parts={"drawn anew": 2, "always the same": 1},
    ),
    Question(
        id="4.5",
        title="why the pictures are blurred",
        points=2,
        minutes=10,
        text=(
            "The pictures of the report's generator are blurred.\n"
            "Somebody proposes to train it ten times longer.\n"
            "Why are the pictures blurred, and why will longer training not help?\n"
            "Write three to five sentences, and use a number from this lecture."
        ),
    ),
)
