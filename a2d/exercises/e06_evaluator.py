"""Exercises of lecture 06: the evaluator."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.exercises import calls
from a2d.exercises.model import Case, Exercise, Question, Wrong

if TYPE_CHECKING:
    import torch
    from torch import nn

# ----------------------------------------------------------------------------------------- 6.1 accuracy without dropout


def _accuracy(net: nn.Sequential, images: torch.Tensor, labels: torch.Tensor) -> float:
    """The layers one by one, without the dropout."""
    x = images.flatten(1)
    for layer in (net[1], net[2], net[4]):
        x = layer(x)
    return float((x.argmax(1) == labels).float().mean())


def _accuracy_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for training in (True, True, False, True, True, True):
        n, side, hidden = int(rng.integers(40, 90)), int(rng.integers(4, 8)), int(rng.integers(12, 24))
        layers = [rng.normal(size=(hidden, side**2)), rng.normal(size=(10, hidden))]
        layers = [layer.astype(np.float32) for layer in layers]
        images = rng.random((n, 1, side, side)).astype(np.float32) - 0.5
        outputs = np.maximum(images.reshape(n, -1) @ layers[0].T, 0) @ layers[1].T
        # Most labels are what the network reads, so that the accuracy is well above one half.
        labels = np.where(rng.random(n) < 0.8, outputs.argmax(1), rng.integers(0, 10, n))
        mode = "train" if training else "eval"
        told = f"a network that comes in {mode} mode, and {n} images of {side} x {side} pixels"
        cases.append(Case((layers, training, images, labels), told=told))
    return cases


def _accuracy_in_train_mode(net: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    return float((net(images).argmax(1) == labels).float().mean())


def _share_of_the_images(case: Case, expected: Any, got: Any) -> bool:
    """A share of the images that is not the right one: dropout gives another one at each call."""
    n = len(case.args[3])
    return case.args[1] and isinstance(got, float) and 0 < got < 1 and abs(got * n - round(got * n)) < 1e-4


def _mean_probability(net: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    net.eval()
    return float(net(images).exp()[range(len(labels)), labels].mean())


def _mean_loss(net: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    net.eval()
    return float(-net(images)[range(len(labels)), labels].mean())


def _hits(net: nn.Sequential, images: torch.Tensor, labels: torch.Tensor) -> float:
    return _accuracy(net, images, labels) * len(labels)


def _errors(net: nn.Sequential, images: torch.Tensor, labels: torch.Tensor) -> float:
    return 1 - _accuracy(net, images, labels)


# ------------------------------------------------------------------------------------- 6.2 expected calibration error


def _package() -> Callable[[np.ndarray, np.ndarray, int], float]:
    """The package's own function; the exercise itself forbids to ask it."""
    from a2d.metrics import calibration_error

    return calibration_error


def _calibration(confidence: np.ndarray, right: np.ndarray, bins: int) -> float:
    return _package()(confidence, right, bins)


def _calibration_cases(rng: np.random.Generator) -> list[Case]:
    def confidences(n: int, filled: np.ndarray, bins: int) -> np.ndarray:
        """At least one in each bin that is to be filled, none at a border between two bins."""
        at = np.concatenate([filled, rng.choice(filled, n)])
        return (at + rng.uniform(0.05, 0.95, len(at)) ** 2 * 0.9 + 0.05) / bins

    cases: list[Case] = []
    for bins in (2, 4, 5, 5):
        sure = confidences(int(rng.integers(20, 60)), np.arange(bins), bins)
        right = rng.random(len(sure)) < 0.8 * sure
        if len(cases) == 3:
            # Bins on both sides of the diagonal, or a difference with its sign would do as well.
            right = (right | (sure < 1 / bins)) & (sure < 1 - 1 / bins)
        cases.append(Case((sure, right, bins), part="ordinary"))
    for bins in (10, 15):
        filled = rng.permutation(bins - 1)[:3]
        sure = confidences(int(rng.integers(10, 20)), filled, bins)
        told = f"{len(sure)} readings in {bins} bins, of which {bins - 3} are empty"
        cases.append(Case((sure, rng.random(len(sure)) < 0.4, bins), told=told, part="edge"))
    sure = np.concatenate([confidences(20, np.arange(4), 5), np.ones(6)])
    # The bin below is right more often than it is sure: put together with the six, the two gaps would cancel.
    right = np.concatenate([(rng.random(len(sure) - 6) < 0.5) | (sure[:-6] >= 0.6), np.arange(6) < 3])
    cases.append(Case((sure, right, 5), told="readings of which six have a confidence of exactly 1", part="edge"))
    sure = np.concatenate([confidences(12, np.arange(4), 4), np.repeat([0.25, 0.5, 0.75], 4)])
    right = np.concatenate([sure[:-12] * 4 % 2 < 1, np.tile([True, False, True, True], 3)])
    told = "readings of which some have a confidence of exactly 0.25, 0.5 or 0.75, in 4 bins"
    cases.append(Case((sure, right, 4), told=told, part="edge"))
    return cases


def _in_bins(confidence: np.ndarray, right: np.ndarray, bins: int) -> list[tuple[int, float, float]]:
    """Count, accuracy and mean confidence of each bin that is not empty."""
    at = np.minimum((confidence * bins).astype(int), bins - 1)
    inside = [at == m for m in range(bins)]
    return [(int(i.sum()), float(right[i].mean()), float(confidence[i].mean())) for i in inside if i.any()]


def _calibration_unweighted(confidence: np.ndarray, right: np.ndarray, bins: int) -> float:
    return float(np.mean([abs(a - c) for _, a, c in _in_bins(confidence, right, bins)]))


def _calibration_signed(confidence: np.ndarray, right: np.ndarray, bins: int) -> float:
    return float(right.mean() - confidence.mean())


def _calibration_signed_turned(confidence: np.ndarray, right: np.ndarray, bins: int) -> float:
    return float(confidence.mean() - right.mean())


def _calibration_of_middles(confidence: np.ndarray, right: np.ndarray, bins: int) -> float:
    at = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [(at == m).sum() * abs(right[at == m].mean() - (m + 0.5) / bins) for m in np.unique(at)]
    return float(sum(gaps) / len(right))


def _calibration_squared(confidence: np.ndarray, right: np.ndarray, bins: int) -> float:
    return sum(n * (a - c) ** 2 for n, a, c in _in_bins(confidence, right, bins)) / len(right)


def _calibration_one_is_lost(confidence: np.ndarray, right: np.ndarray, bins: int) -> float:
    inside = confidence < 1
    return sum(n * abs(a - c) for n, a, c in _in_bins(confidence[inside], right[inside], bins)) / len(right)


def _calibration_nan(confidence: np.ndarray, right: np.ndarray, bins: int) -> float:
    empty = len(_in_bins(confidence, right, bins)) < bins
    return math.nan if empty else _calibration(confidence, right, bins)


def _is_nan(case: Case, expected: Any, got: Any) -> bool:
    return isinstance(got, float) and math.isnan(got)


# ---------------------------------------------------------------------------------------------------- 6.3 occlusion map

Score = Callable[[np.ndarray], float]


def _occlusion(image: np.ndarray, score: Score, size: int) -> np.ndarray:
    """Each patch as a mask that is multiplied with the image."""
    rows, columns = (length - size + 1 for length in image.shape)
    out = np.empty((rows, columns))
    for place in np.ndindex(rows, columns):
        distance = [np.arange(length) - start for length, start in zip(image.shape, place, strict=True)]
        inside = [(d >= 0) & (d < size) for d in distance]
        out[place] = score(image) - score(image * ~np.outer(*inside))
    return out


def _occlusion_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for size in (1, 2, 3, 2, 4):
        shape = tuple(int(n) for n in rng.integers(5, 9, 2))
        image, weights = rng.random(shape).round(2) + 0.1, rng.normal(size=shape).round(2) * 0.2
        told = f"an image of {shape[0]} x {shape[1]} pixels and a patch of {size} x {size}"
        cases.append(Case((image, weights, size), told=told))
    return cases


def _occlusion_turned(image: np.ndarray, score: Score, size: int) -> np.ndarray:
    return -_occlusion(image, score, size)


def _occlusion_piles_up(image: np.ndarray, score: Score, size: int) -> np.ndarray:
    work, whole = image.copy(), score(image)
    out = np.empty([length - size + 1 for length in image.shape])
    for i, j in np.ndindex(*out.shape):
        work[i : i + size, j : j + size] = 0
        out[i, j] = whole - score(work)
    return out


def _occlusion_keeps_the_patch(image: np.ndarray, score: Score, size: int) -> np.ndarray:
    out = np.empty([length - size + 1 for length in image.shape])
    for i, j in np.ndindex(*out.shape):
        work = np.zeros_like(image)
        work[i : i + size, j : j + size] = image[i : i + size, j : j + size]
        out[i, j] = score(image) - score(work)
    return out


def _occlusion_one_short(image: np.ndarray, score: Score, size: int) -> np.ndarray:
    return _occlusion(image, score, size)[:-1, :-1]


def _occlusion_score_itself(image: np.ndarray, score: Score, size: int) -> np.ndarray:
    return score(image) - _occlusion(image, score, size)


EXERCISES = (
    Exercise(
        id="6.1",
        title="the accuracy of a network in either mode",
        points=3,
        difficulty=2,
        minutes=10,
        signature="accuracy_of(net: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float",
        reference=_accuracy,
        cases=_accuracy_cases,
        call=calls.reader_with_dropout,
        wrong=(
            Wrong(
                "this is the mean probability of the right digit; the accuracy counts the images whose most probable "
                "digit is the right one",
                _mean_probability,
            ),
            Wrong("this is the loss, in nats per image, not the accuracy", _mean_loss),
            Wrong("this is the number of images that are read right; divide by the number of images", _hits),
            Wrong("this is the share of errors, one minus the accuracy", _errors),
            Wrong(
                "the network is left in train mode, so dropout still switches numbers off at random; call net.eval() "
                "first (torch.no_grad() does not do that)",
                _accuracy_in_train_mode,
                looks_like=_share_of_the_images,
            ),
        ),
        hints=(
            "The network may come to you in train mode. Which call switches dropout off?",
            "`net(images)` has the shape $(n, 10)$. `argmax(dim=1)` gives the digit that is read from each image.",
            "Compare the digits with `labels`, turn True and False into floats, take the mean, and give it as a float.",
        ),
        right=(
            "The same network, images and labels now always give the same number. "
            "In train mode it would have been another one at every call, and mostly a lower one."
        ),
        forbidden=("a2d.evaluator.read",),
        atol=1e-5,
    ),
    Exercise(
        id="6.2",
        title="expected calibration error",
        points=3,
        difficulty=3,
        minutes=15,
        signature="ece(confidence: np.ndarray, right: np.ndarray, bins: int) -> float",
        reference=_calibration,
        cases=_calibration_cases,
        wrong=(
            Wrong(
                "every bin counts the same here; a bin with many readings must weigh more than one with few",
                _calibration_unweighted,
            ),
            Wrong(
                "the differences keep their sign, so doubt in one bin makes up for overconfidence in another; "
                "take the absolute value in each bin",
                _calibration_signed,
            ),
            Wrong(
                "the differences keep their sign (mean confidence minus accuracy), so bins make up for each other; "
                "take the absolute value in each bin",
                _calibration_signed_turned,
            ),
            Wrong(
                "the middle of the bin is taken for the confidence; take the mean confidence of the readings in it",
                _calibration_of_middles,
            ),
            Wrong("the differences are squared; their absolute value is wanted", _calibration_squared),
            Wrong(
                "readings with a confidence of exactly 1 are in no bin; they belong to the last one",
                _calibration_one_is_lost,
            ),
            Wrong("an empty bin gives 0 / 0; leave empty bins out", _calibration_nan, looks_like=_is_nan),
        ),
        hints=(
            "Go through the bins. `inside = (confidence >= m / bins) & (confidence < (m + 1) / bins)` marks the "
            "readings of bin `m`. Which readings does that lose?",
            "Skip a bin with `if not inside.any(): continue`. In the others you need `right[inside].mean()`, "
            "`confidence[inside].mean()` and `inside.sum()`.",
            "Add `inside.sum() * abs(...)` over the bins, and at the end divide by the number of readings.",
        ),
        right=(
            "One number for how far confidences can be trusted. "
            "It does not say in which direction they are wrong: the diagram does."
        ),
        parts={"ordinary": 2, "edge": 1},
        forbidden=(
            "a2d.metrics.calibration_error",
            "a2d.metrics.reliability",
            "sklearn.calibration.calibration_curve",
        ),
    ),
    Exercise(
        id="6.3",
        title="an occlusion map",
        points=2,
        difficulty=2,
        minutes=10,
        signature="occlusion(image: np.ndarray, score: Callable, size: int) -> np.ndarray",
        reference=_occlusion,
        cases=_occlusion_cases,
        call=calls.scored,
        wrong=(
            Wrong(
                "the sign is turned: where hiding a patch lowers the score, the map should be positive",
                _occlusion_turned,
            ),
            Wrong(
                "patches pile up: the image that is changed was changed before; take a fresh copy for each place",
                _occlusion_piles_up,
            ),
            Wrong(
                "the patch is kept and the rest is hidden; hide the patch and keep the rest", _occlusion_keeps_the_patch
            ),
            Wrong(
                "the last row and the last column of places are missing: there are length - size + 1 places",
                _occlusion_one_short,
            ),
            Wrong(
                "this is the score with the patch hidden; the map is the score of the whole image minus that",
                _occlusion_score_itself,
            ),
        ),
        hints=(
            "Two loops: `i` over `range(image.shape[0] - size + 1)`, and `j` likewise over the columns.",
            "Inside: take a copy of the image, set the patch in it to 0, and ask `score` for its score.",
        ),
        right=(
            "It works for any reader that gives a number, without its gradient or even its code. "
            "The price is one reading for each place."
        ),
    ),
    Question(
        id="6.4",
        title="sure and wrong",
        points=2,
        minutes=10,
        text=(
            "A friend has built a generator and writes: "
            '"The evaluator reads 97 % of my pictures as spoken, with a mean confidence of 99 %. '
            "It has 99 % on MNIST, so at most 1 % of its readings can be wrong. "
            'Therefore at least 96 % of my pictures show the spoken digit, and they look like handwriting."\n\n'
            "What can the evaluator's accuracy tell about the pictures, and what can it not? "
            "What is wrong with the friend's conclusions, and what would you measure beside it? "
            "Use measurements of this lecture. Write five to eight sentences."
        ),
    ),
)
