"""How good, how varied, how close to handwriting: the numbers that the course reports.

All randomness comes from the seed that is passed in. Lecture 06 (recognition) and 08 (diversity, distance, spread).

>>> read, spoken = np.array([1, 2, 3, 3]), np.array([1, 2, 3, 4])
>>> recognition(read, spoken).value
0.75
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from a2d.errors import DataError


@dataclass(frozen=True)
class Estimate:
    """A number with a confidence interval: ``value``, ``low`` and ``high`` at ``level``, from ``n`` items."""

    value: float
    low: float
    high: float
    n: int
    level: float = 0.95

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} % ({100 * self.low:.1f} to {100 * self.high:.1f})"

    def as_dict(self) -> dict[str, float | int]:
        """For a results file."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n, "level": self.level}


def recognition(
    read: np.ndarray, spoken: np.ndarray, *, seed: int = 0, resamples: int = 2000, level: float = 0.95
) -> Estimate:
    """Share of images that are read as the spoken digit, with a bootstrap percentile interval.

    ``read`` and ``spoken`` are integers ``(n,)``. The interval resamples items: it speaks for other recordings of
    the same speakers, not for other training seeds. Source: B. Efron (1979).
    """
    read, spoken = np.asarray(read), np.asarray(spoken)
    if read.shape != spoken.shape or read.ndim != 1 or len(read) == 0:
        raise DataError(
            f"readings have shape {read.shape}, spoken digits {spoken.shape}",
            where="recognition",
            hint="Give two arrays of one length, at least 1",
        )
    hits = int((read == spoken).sum())
    n = len(read)
    if hits in (0, n):  # resampling knows no other outcome here: take the exact (Clopper-Pearson) interval
        tail = ((1 - level) / 2) ** (1 / n)
        return Estimate(hits / n, tail if hits else 0.0, 1.0 if hits else 1 - tail, n, level)
    # The mean of n draws with replacement from hits and misses is a binomial count: no need to draw items one by one.
    means = np.random.default_rng(seed).binomial(n, hits / n, resamples) / n
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(hits / n, float(low), float(high), n, level)


def recognition_of_draws(
    read: np.ndarray, spoken: np.ndarray, *, seed: int = 0, resamples: int = 2000, level: float = 0.95
) -> Estimate:
    """Like :func:`recognition` for several draws of each recording: ``read (draws, n)``, ``spoken (n,)``.

    Draws of one recording are alike, so the bootstrap resamples recordings, each with all its draws.
    """
    read, spoken = np.asarray(read), np.asarray(spoken)
    if read.ndim != 2 or read.shape[1:] != spoken.shape or read.size == 0:
        raise DataError(
            f"readings have shape {read.shape}, spoken digits {spoken.shape}",
            where="recognition_of_draws",
            hint="Give (draws, n) and (n,), both at least 1",
        )
    share = (read == spoken).mean(axis=0)
    if share.min() == share.max() and share[0] in (0, 1):
        return recognition(read[0], spoken, seed=seed, resamples=resamples, level=level)
    n = len(spoken)
    rng = np.random.default_rng(seed)
    means = np.array([share[rng.integers(0, n, n)].mean() for _ in range(resamples)])
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(share.mean()), float(low), float(high), n, level)


def confusion(read: np.ndarray, spoken: np.ndarray) -> np.ndarray:
    """Counts ``(10, 10)``: rows are spoken digits, columns what was read."""
    table = np.zeros((10, 10), dtype=np.int64)
    np.add.at(table, (np.asarray(spoken), np.asarray(read)), 1)
    return table


def greyness(pictures: np.ndarray) -> float:
    """How grey pictures in [0, 1] are: mean of ``4 y (1 - y)``, 0 for black and white, 1 for all pixels one half."""
    y = np.asarray(pictures, dtype=np.float64)
    return float((4 * y * (1 - y)).mean())


def within_class_distance(features: np.ndarray, labels: np.ndarray, *, seed: int = 0, most: int = 500) -> float:
    """Mean Euclidean distance between two different items of the same class, averaged over the classes present.

    ``features (n, d)``; at most ``most`` items of a class are used, chosen at random. NaN if no class has two items.
    """
    rng = np.random.default_rng(seed)
    per_class = []
    for c in np.unique(labels):
        x = np.asarray(features[labels == c], dtype=np.float64)
        if len(x) < 2:
            continue
        if len(x) > most:
            x = x[rng.choice(len(x), most, replace=False)]
        squares = (x * x).sum(1)
        distances = np.sqrt(np.maximum(squares[:, None] + squares[None, :] - 2 * x @ x.T, 0.0))
        per_class.append(distances[np.triu_indices(len(x), 1)].mean())
    return float(np.mean(per_class)) if per_class else float("nan")


def diversity(
    features: np.ndarray,
    labels: np.ndarray,
    real_features: np.ndarray,
    real_labels: np.ndarray,
    *,
    seed: int = 0,
) -> float:
    """Within-class diversity relative to real handwriting: 0 for one picture per class, 1 for MNIST's own variety.

    The ratio of :func:`within_class_distance` of generated and of real images, in whatever feature space both are
    given in (the course uses pixels, and the evaluator's 128 features).
    """
    real = within_class_distance(real_features, real_labels, seed=seed)
    if not real > 0:
        raise DataError("the real images do not vary", where="diversity", hint="Give at least two per class")
    return within_class_distance(features, labels, seed=seed) / real


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Frechet distance between Gaussians fitted to two sets of features ``(n, d)`` and ``(m, d)``.

    ``|mu_a - mu_b|^2 + tr(A + B - 2 (A B)^(1/2))`` with covariances A and B. With Inception features this is the FID
    (M. Heusel et al. 2017); here the features are the evaluator's, so values compare only with each other.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise DataError(
            f"features have shapes {a.shape} and {b.shape}",
            where="frechet_distance",
            hint="Give (n, d) and (m, d) with n, m >= 2",
        )
    cov_a, cov_b = np.atleast_2d(np.cov(a, rowvar=False)), np.atleast_2d(np.cov(b, rowvar=False))
    values, vectors = np.linalg.eigh(cov_a)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    # tr (A B)^(1/2) is the sum of the roots of the eigenvalues of the symmetric matrix A^(1/2) B A^(1/2).
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov_b @ root), 0)).sum()
    shift = a.mean(0) - b.mean(0)
    return float(max(0.0, shift @ shift + np.trace(cov_a) + np.trace(cov_b) - 2 * cross))


def inception_score(probabilities: np.ndarray) -> float:
    """How sure a reader is of each picture, and how evenly it reads all classes, from 1 (worst) to the classes' number.

    ``probabilities (n, classes)``, whose rows sum to 1. It is exp of the mean Kullback-Leibler divergence, in nats, of
    a picture's probabilities from their mean. Source: T. Salimans et al. (2016), arXiv:1606.03498; they read by
    Inception, whose 1,000 classes no digit is among, we by a network that reads digits.
    """
    p = np.clip(np.asarray(probabilities, np.float64), 1e-12, None)
    return float(np.exp((p * (np.log(p) - np.log(p.mean(0)))).sum(1).mean()))


def mean_and_spread(values: list[float]) -> dict[str, float | int | list[float]]:
    """Mean, sample standard deviation (n - 1), least and greatest of numbers from several seeds."""
    x = np.asarray(values, dtype=np.float64)
    return {
        "mean": float(x.mean()),
        "sd": float(x.std(ddof=1)) if len(x) > 1 else 0.0,
        "min": float(x.min()),
        "max": float(x.max()),
        "n": len(x),
        "values": [float(v) for v in x],
    }


@dataclass(frozen=True)
class Reliability:
    """Readings in bins of equal width by confidence: ``count (bins,)``, and per bin the mean confidence and accuracy.

    Bin m holds the confidences c with m / bins <= c < (m + 1) / bins, the last one 1 as well. An empty bin has NaN.
    """

    count: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> Reliability:
    """Sort readings into bins by their confidence (lecture 06).

    ``confidence (n,)`` in [0, 1], ``right (n,)`` True where the reading is right. Raises :class:`DataError` for
    other shapes or values. Source: A. Niculescu-Mizil and R. Caruana (2005).
    """
    sure, right = np.asarray(confidence, dtype=np.float64), np.asarray(right)
    if sure.ndim != 1 or sure.shape != right.shape or len(sure) == 0 or bins < 1:
        raise DataError(
            f"confidences have shape {sure.shape}, right or wrong has {right.shape}, with {bins} bins",
            where="reliability",
            hint="Give two arrays of one length, at least 1, and at least 1 bin",
        )
    # A probability that was summed in float32 may exceed 1 by a hair.
    if not ((sure >= 0) & (sure <= 1 + 1e-5)).all():
        raise DataError("confidences must lie in [0, 1]", where="reliability")
    at = np.minimum((sure * bins).astype(int), bins - 1)
    count = np.bincount(at, minlength=bins)
    some = np.where(count, count, np.nan)
    hits = np.bincount(at, right.astype(bool).astype(float), bins)
    return Reliability(count, np.bincount(at, sure, bins) / some, hits / some)


def calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error, 0 to 1: mean over the readings of their bin's ``|accuracy - mean confidence|``.

    Arguments and errors as for :func:`reliability`. It is positive by chance alone for few readings, even if the
    confidences are right. Source: C. Guo et al. (2017), arXiv:1706.04599, equation 3.
    """
    table = reliability(confidence, right, bins)
    gap = np.abs(table.accuracy - table.confidence)
    return float((table.count * np.nan_to_num(gap)).sum() / table.count.sum())
