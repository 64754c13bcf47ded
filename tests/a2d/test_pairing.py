"""The same-class random target: of the right class, uniform, independent, repeatable; and what it makes optimal."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch

from a2d.errors import DataError
from a2d.pairing import Targets
from a2d.vae import bernoulli_nll, gaussian_nll

COUNTS = [7, 40, 5, 9, 30, 1, 12, 8, 25, 10]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def images() -> tuple[np.ndarray, np.ndarray]:
    """Images in mixed order; pixel (0, 0) carries the class and pixel (0, 1) the number within the class."""
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(10), COUNTS)
    pixels = rng.integers(0, 256, (len(labels), 28, 28), dtype=np.uint8)
    pixels[:, 0, 0] = labels
    pixels[:, 0, 1] = np.concatenate([np.arange(n) for n in COUNTS])
    order = rng.permutation(len(labels))
    return pixels[order], labels[order]


@pytest.fixture(scope="module")
def targets(images) -> Targets:
    return Targets(*images)


def marks(drawn: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Class and number of each drawn image."""
    whole = (drawn * 255).round().long().numpy()
    return whole[:, 0, 0], whole[:, 0, 1]


def test_targets_are_of_the_spoken_class_and_are_real_images(targets, images):
    classes = torch.arange(10).repeat(50)[torch.randperm(500, generator=seeded())]
    known = {p.tobytes() for p in images[0]}
    for drawn in (targets.random(classes, seeded(1)), targets.fixed(classes, torch.arange(500), seed=1)):
        assert drawn.shape == (500, 28, 28)
        assert drawn.dtype == torch.float32
        np.testing.assert_array_equal(marks(drawn)[0], classes.numpy())
        assert {p.tobytes() for p in (drawn * 255).round().to(torch.uint8).numpy()} <= known


@pytest.mark.parametrize("rule", ["random", "fixed"])
@pytest.mark.parametrize("c", [0, 1, 4])
def test_draws_are_uniform_over_the_class(targets, rule, c):
    classes = torch.full((20000,), c)
    drawn = targets.random(classes, seeded(2)) if rule == "random" else targets.fixed(classes, torch.arange(20000), 2)
    counts = np.bincount(marks(drawn)[1], minlength=COUNTS[c])
    assert len(counts) == COUNTS[c]
    assert scipy.stats.chisquare(counts).pvalue > 0.001


def test_draws_are_independent_between_calls_and_within_a_batch(targets):
    rng, classes = seeded(4), torch.full((20000,), 0)
    a, b = (marks(targets.random(classes, rng))[1] for _ in range(2))
    for x, y in ((a, b), (a[:-1], a[1:])):
        table = np.zeros((COUNTS[0], COUNTS[0]))
        np.add.at(table, (x, y), 1)
        assert scipy.stats.chi2_contingency(table).pvalue > 0.001


def test_mean_of_several_draws_has_the_same_mean_and_less_variance(targets):
    classes = torch.full((1500,), 1)
    one, four = (targets.random(classes, seeded(8), draws) for draws in (1, 4))
    assert four.shape == (1500, 28, 28)
    assert float(four.var(0).mean() / one.var(0).mean()) == pytest.approx(1 / 4, rel=0.1)
    torch.testing.assert_close(four.mean(0), targets.means()[1], atol=0.03, rtol=0)
    want = torch.stack([targets.random(classes[:5], g) for g in [seeded(3)] for _ in range(3)]).mean(0)
    torch.testing.assert_close(targets.random(classes[:5], seeded(3), 3), want)


def test_same_seed_same_draws_other_seed_other_draws(targets):
    classes = torch.arange(10).repeat(20)
    a, b, c = (targets.indices(classes, seeded(s)) for s in (5, 5, 6))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_fixed_is_fixed_whatever_the_batch(targets):
    classes, items = torch.arange(10).repeat(30), torch.arange(300)
    whole = targets.fixed(classes, items, seed=9)
    order = torch.randperm(300, generator=seeded())
    assert torch.equal(targets.fixed(classes[order], items[order], seed=9), whole[order])
    for i in (0, 17, 299):
        assert torch.equal(targets.fixed(classes[i : i + 1], items[i : i + 1], seed=9)[0], whole[i])
    assert not torch.equal(targets.fixed(classes, items, seed=10), whole)


def test_fixed_draws_of_two_seeds_are_independent(targets):
    classes, items = torch.full((20000,), 0), torch.arange(20000)
    table = np.zeros((COUNTS[0], COUNTS[0]))
    np.add.at(table, tuple(marks(targets.fixed(classes, items, seed))[1] for seed in (0, 1)), 1)
    assert scipy.stats.chi2_contingency(table).pvalue > 0.001


def test_class_means_are_numpys(targets, images):
    pixels, labels = images
    want = np.stack([pixels[labels == c].astype(np.float64).mean(0) / 255 for c in range(10)])
    np.testing.assert_allclose(targets.means().numpy(), want, atol=1e-7)
    some = torch.tensor([3, 3, 0, 9])
    np.testing.assert_allclose(targets.mean(some).numpy(), want[some.numpy()], atol=1e-7)


def test_largest_class_of_mnist_is_reached_to_both_ends():
    """u is a double: even for u just under 1 the last image is drawn and never the one after it."""
    count = 6742
    labels = torch.cat([torch.zeros(count).long(), torch.ones(1).long()])
    targets = Targets(np.zeros((count + 1, 28, 28), np.uint8), labels)
    drawn = targets.indices(torch.zeros(300000).long(), seeded())
    assert len(drawn.unique()) == count
    assert int(drawn.max()) == count - 1
    for n in (*range(1, 200), 4095, 4096, 4097, count):
        assert int(torch.tensor(1 - 2.0**-53, dtype=torch.float64) * n) == n - 1


@pytest.mark.parametrize("rule", ["random", "fixed", "mean"])
def test_missing_class_is_named(images, rule):
    pixels, labels = images
    targets = Targets(pixels[labels != 4], labels[labels != 4])
    classes = torch.tensor([0, 4, 4])
    arguments = {"random": (seeded(),), "fixed": (torch.arange(3), 0), "mean": ()}[rule]
    with pytest.raises(DataError, match="no image of class 4"):
        getattr(targets, rule)(classes, *arguments)


@pytest.mark.parametrize(
    ("pixels", "labels"),
    [
        (np.zeros((3, 28, 28), np.float32), np.zeros(3, np.int64)),
        (np.zeros((3, 784), np.uint8), np.zeros(3, np.int64)),
        (np.zeros((3, 28, 28), np.uint8), np.zeros(4, np.int64)),
    ],
)
def test_wrong_shapes_are_refused(pixels, labels):
    with pytest.raises(DataError, match="uint8"):
        Targets(pixels, labels)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_best_constant_picture_is_the_class_mean(targets, likelihood):
    """Under random targets a decoder that knows only the class does best with the mean: the blur is the optimum."""
    c = 4
    every = targets.pixels[targets.first[c] : targets.first[c] + targets.counts[c]].double() / 255
    mean = targets.means()[c].double()

    def expected_loss(output: torch.Tensor) -> torch.Tensor:
        outputs = output.expand(len(every), 28, 28)
        if likelihood == "bernoulli":
            return bernoulli_nll(outputs, every).mean()
        return gaussian_nll(outputs, every, 0.3).mean()

    best = (torch.logit(mean) if likelihood == "bernoulli" else mean).clone().requires_grad_(True)
    value = expected_loss(best)
    (slope,) = torch.autograd.grad(value, best)
    assert slope.abs().max() < 1e-6  # a stationary point (means are kept in float32) ...
    for seed in range(5):  # ... of a convex function: any other picture costs more
        step = 0.1 * torch.randn(28, 28, generator=seeded(seed), dtype=torch.float64)
        assert expected_loss(best.detach() + step) > value
    single = every[0].clamp(1e-3, 1 - 1e-3)  # even a true image of the class is worse than the blur
    assert expected_loss(torch.logit(single) if likelihood == "bernoulli" else single) > value
