"""Exercises of lecture 06: the evaluator."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
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


def _accuracy_of_any(net: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """For every network, and not only for those of the cases."""
    return _accuracy_in_train_mode(net.eval(), images, labels)


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


def _calibration_sum(confidence: np.ndarray, right: np.ndarray, bins: int) -> float:
    return _calibration(confidence, right, bins) * len(right)


def _calibration_of_equal_counts(confidence: np.ndarray, right: np.ndarray, bins: int) -> float:
    parts = np.array_split(np.argsort(confidence), bins)
    return float(sum(abs(right[at].sum() - confidence[at].sum()) for at in parts) / len(right))


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


def _occlusion_by_steps(image: np.ndarray, score: Score, size: int) -> np.ndarray:
    return _occlusion(image, score, size)[::size, ::size]


def _occlusion_by_the_mean(image: np.ndarray, score: Score, size: int) -> np.ndarray:
    out = np.empty([length - size + 1 for length in image.shape])
    for i, j in np.ndindex(*out.shape):
        work = image.copy()
        work[i : i + size, j : j + size] = image[i : i + size, j : j + size].mean()
        out[i, j] = score(image) - score(work)
    return out


def _occlusion_one_short(image: np.ndarray, score: Score, size: int) -> np.ndarray:
    return _occlusion(image, score, size)[:-1, :-1]


def _occlusion_score_itself(image: np.ndarray, score: Score, size: int) -> np.ndarray:
    return score(image) - _occlusion(image, score, size)


# ------------------------------------------------------------------------------------- 6.5 clearer, without a label

# How many more of the drawings, and how many fewer of the images may be read; how alike a picture must stay.
_GAIN, _LOSS, _ALIKE = 0.1, 0.1, 0.8


def _clearer(drawings: np.ndarray) -> np.ndarray:
    return np.clip(1.5 * drawings, 0, 1)


def _clearer_cases(rng: np.random.Generator) -> list[Case]:
    from a2d import datasets
    from a2d.annotation import Annotations
    from a2d.lab import runs

    recorded = Annotations.load(runs.annotations_folder("recorded"))
    written = (datasets.load_images("builtin", part) for part in ("test", "train"))
    assert recorded.spoken is not None
    sets = [(recorded.images, recorded.spoken), *((images.pixels[:80], images.labels[:80]) for images in written)]
    cases: list[Case] = []
    for pictures, digits in sets:
        order = rng.permutation(len(pictures))
        kind = "images of handwriting" if cases else "drawings by `report-plain`"
        args = (pictures[order] / 255.0, [digits[order], _read_right(pictures, digits)])
        cases.append(Case(args, f"{len(order)} {kind}"))
    (drawings, (spoken, _)) = cases[0].args
    return [*cases, Case((drawings[:1], [spoken[:1], 0]), "a single drawing")]


@cache
def _evaluator() -> Any:
    from a2d.lab import models

    return models.load("evaluator").net


def _read_right(pictures: np.ndarray, digits: np.ndarray) -> int:
    """How many pictures the untouched evaluator reads right."""
    from a2d.evaluator import read

    return int((read(_evaluator(), pictures).digits == digits).sum())


def _clearer_verify(case: Case, expected: Any, got: Any) -> str:
    (before, (digits, was)), after = case.args, np.asarray(got)
    if after.shape != before.shape or after.dtype.kind not in "fiub":
        return f"The result should be an array of numbers of shape {before.shape}; it has the shape {after.shape}."
    after = after.astype(float)
    if not (np.isfinite(after).all() and after.min() >= 0 and after.max() <= 1):
        return f"Pixels should lie between 0 and 1; here they go from {after.min():.2f} to {after.max():.2f}."
    x, y = (one.reshape(len(one), -1) - one.mean((1, 2))[:, None] for one in (before, after))
    alike = float(((x * y).sum(1) / np.sqrt((x * x).sum(1) * (y * y).sum(1) + 1e-12)).min())
    if alike < _ALIKE:
        return f"A picture has lost its shape: it correlates with what it was with {alike:.2f}, less than {_ALIKE}."
    n, now = len(digits), _read_right(after, digits)
    told = f"The evaluator reads {now} of {n} right, and {was} as they were"
    if "handwriting" in case.told:
        return "" if now >= was - _LOSS * n else f"{told}: that spoils handwriting."
    return "" if n == 1 or now >= was + _GAIN * n else f"{told}; at least {was + round(_GAIN * n)} are wanted."


def _clearer_not(drawings: np.ndarray) -> np.ndarray:
    return drawings


def _clearer_darker(drawings: np.ndarray) -> np.ndarray:
    return drawings**2


def _clearer_cut(drawings: np.ndarray) -> np.ndarray:
    return (drawings > 0.5).astype(float)


def _clearer_all_alike(drawings: np.ndarray) -> np.ndarray:
    return drawings / drawings.max()


def _clearer_turned(drawings: np.ndarray) -> np.ndarray:
    return 1 - drawings


def _clearer_thick(drawings: np.ndarray) -> np.ndarray:
    from scipy.ndimage import maximum_filter

    return maximum_filter(drawings, (1, 3, 3))


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
        stand_in=_accuracy_of_any,
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
            Wrong("the sum is not yet divided by the number of readings", _calibration_sum),
            Wrong(
                "the bins hold equally many readings; the text asks for bins of equal width",
                _calibration_of_equal_counts,
            ),
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
                "the patch moves by its own length; it should stand at every place, also where patches overlap",
                _occlusion_by_steps,
            ),
            Wrong("the patch is filled with its mean; fill it with 0", _occlusion_by_the_mean),
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
        title="two evaluators, two generators",
        points=2,
        minutes=10,
        text=(
            "Two generators, A and B, have each drawn 500 digits. Evaluators P and Q both read 99.2 % of MNIST's test "
            "images.\n\n"
            "- P reads 91 % of A's drawings as spoken and 84 % of B's.\n"
            "- Q reads 88 % of A's drawings and 93 % of B's.\n\n"
            'One friend writes: "Q reads more in all, so Q is the better evaluator, and B the better generator." '
            'Another: "They differ by chance, so take the mean of both."\n\n'
            "What is wrong with each? In what may the drawings of A and of B differ, and what may P not stand? "
            "Which measurements, without a new training and without choosing an evaluator by these four numbers, "
            "would decide it? Use what you have seen in this lecture. Write five to eight sentences."
        ),
    ),
    Exercise(
        id="6.5",
        title="clearer drawings, without a label",
        points=3,
        difficulty=4,
        minutes=20,
        signature="clearer(drawings: np.ndarray) -> np.ndarray",
        reference=_clearer,
        cases=_clearer_cases,
        call=calls.pictures_but_last,
        verify=_clearer_verify,
        wrong=(
            Wrong("nothing has changed", _clearer_not),
            Wrong("squares of numbers below 1 are smaller: faint strokes get fainter still", _clearer_darker),
            Wrong(
                "everything below one half becomes black, and many strokes of the drawings are fainter than that",
                _clearer_cut,
            ),
            Wrong(
                "all pictures are divided by the brightest pixel of them all; one bright one keeps the others faint",
                _clearer_all_alike,
            ),
            Wrong("ink and paper are exchanged; the evaluator has learned white ink on black", _clearer_turned),
            Wrong("strokes get thicker, and close the gaps that tell digits apart", _clearer_thick),
        ),
        hints=(
            "Compare numbers of drawings and of images: the brightest pixel of each, the values between strokes. "
            "In what do they differ, apart from shape?",
            "Try one change at a time on `recorded.images / 255`, and count with `share_read`: multiply, subtract, cut "
            "off, sharpen. Draw what you get.",
            "Strokes should be as bright as in handwriting. A line from old to new brightness, cut off at 0 and 1 with "
            "`np.clip`, is one way; another treats each picture by its own brightest pixel.",
        ),
        right="No label and no training: a part of what the evaluator could not read was only too faint for it.",
    ),
)
