"""The judge: layer by layer the network of PyTorch's basic MNIST example; how it reads."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from a2d.evaluator import AccuracyNet, Reading, as_images, embed, normalise, read


class Reference(nn.Module):
    """The network as PyTorch's example has it, layer by layer in its order."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 32, 3, 1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, 1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout(0.25),
            nn.Flatten(1),
            nn.Linear(9216, 128),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(128, 10),
            nn.LogSoftmax(1),
        )

    def forward(self, x):
        return self.layers(x)


@pytest.fixture(scope="module")
def net() -> AccuracyNet:
    torch.manual_seed(1)
    return AccuracyNet().eval()


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.rand(12, 28, 28, generator=torch.Generator().manual_seed(2))


def reference(net: AccuracyNet) -> Reference:
    """The reference with the weights of ``net``, which must fit one by one in order."""
    other = Reference().eval()
    ours, theirs = list(net.parameters()), list(other.parameters())
    assert [p.shape for p in ours] == [p.shape for p in theirs]
    with torch.no_grad():
        for a, b in zip(ours, theirs, strict=True):
            b.copy_(a)
    return other


def test_number_of_parameters():
    assert sum(p.numel() for p in AccuracyNet().parameters()) == 1_199_882


def test_outputs_are_the_references_layer_by_layer(net, images):
    other, x = reference(net), normalise(images)
    with torch.no_grad():
        torch.testing.assert_close(net(x), other(x), rtol=0, atol=0)
        torch.testing.assert_close(net.convolve(x), other.layers[:7](x), rtol=0, atol=0)
        hidden = other.layers[:9](x)
        torch.testing.assert_close(torch.from_numpy(embed(net, images)), hidden, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(net.classify(net.convolve(x)), other.layers[9:](hidden), rtol=0, atol=0)


def test_training_mode_drops_as_the_reference_does(net, images):
    """Same weights, same global seed: the same units are dropped, which only equal rates in equal places can do."""
    other, x = reference(net).train(), normalise(images)
    net.train()
    try:
        with torch.no_grad():
            torch.manual_seed(3)
            ours = net(x)
            torch.manual_seed(3)
            torch.testing.assert_close(ours, other(x), rtol=0, atol=0)
            assert not torch.equal(net(x), ours)
    finally:
        net.eval()


def test_normalising_uses_mnists_mean_and_deviation(images):
    torch.testing.assert_close(normalise(images), ((images - 0.1307) / 0.3081)[:, None])


@pytest.mark.real
def test_mean_and_deviation_are_those_of_mnists_training_images(fetched):
    from a2d import datasets

    fetched("mnist")
    train, test = datasets.load_images("mnist"), datasets.load_images("mnist", "test")
    assert (len(train), len(test)) == (60000, 10000)
    pixels = train.pixels / 255.0
    assert round(float(pixels.mean()), 4) == 0.1307
    assert round(float(pixels.std()), 4) == 0.3081
    assert np.bincount(train.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


@pytest.mark.parametrize("function", [read, embed])
def test_reading_ignores_the_mode_and_gives_it_back(net, images, function):
    def numbers():
        out = function(net, images)
        return out.probabilities if isinstance(out, Reading) else out

    want = numbers()
    net.train()
    state = torch.get_rng_state()
    try:
        np.testing.assert_array_equal(numbers(), want)
        assert net.training
        assert net.dropout1.training
        with pytest.raises(ValueError, match="shape"):
            function(net, torch.zeros(3, 4))
        assert net.training
    finally:
        net.eval()
    assert torch.equal(torch.get_rng_state(), state)
    numbers()
    assert not net.training


def test_reading_is_a_distribution_and_its_best_digit(net, images):
    reading = read(net, images)
    np.testing.assert_allclose(reading.probabilities.sum(1), 1, atol=1e-5)
    np.testing.assert_array_equal(reading.digits, reading.probabilities.argmax(1))
    np.testing.assert_array_equal(reading.confidence, reading.probabilities[np.arange(12), reading.digits])
    with torch.no_grad():
        want = F.softmax(reference(net).layers[:11](normalise(images)), 1)
    np.testing.assert_allclose(reading.probabilities, want, atol=1e-6)


def test_batch_size_does_not_matter(net, images):
    for size in (1, 5, 100):
        np.testing.assert_allclose(
            read(net, images, size).probabilities, read(net, images).probabilities, rtol=1e-4, atol=1e-6
        )


def test_bytes_and_floats_agree_and_so_do_numpy_and_torch(net):
    whole = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    want = read(net, whole).probabilities
    frozen = whole.copy()
    frozen.flags.writeable = False
    for same in (torch.from_numpy(whole), whole / 255.0, whole.astype(np.float32) / 255, whole[:, None], frozen):
        np.testing.assert_allclose(read(net, same).probabilities, want, rtol=1e-5, atol=1e-7)


def test_no_images(net):
    empty = np.zeros((0, 28, 28), np.float32)
    assert read(net, empty).probabilities.shape == (0, 10)
    assert read(net, empty).digits.shape == (0,)
    assert embed(net, empty).shape == (0, 128)


@pytest.mark.parametrize("shape", [(28, 28), (3, 28, 27), (3, 3, 28, 28), (3, 784), (2, 1, 1, 28, 28)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="shape"):
        as_images(np.zeros(shape, np.float32))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(bad):
    x = np.zeros((2, 28, 28), np.float32)
    x[1, 5, 5] = bad
    with pytest.raises(ValueError, match="finite"):
        normalise(x)
