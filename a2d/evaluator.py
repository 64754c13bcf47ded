"""The evaluator: AccuracyNet, the small CNN of PyTorch's basic MNIST example, and what reads images with it.

Images travel as floats in [0, 1] (ink is 1) of shape ``(n, 28, 28)``; :func:`normalise` turns them into what
the network was trained on. Lecture 06 explains the network, lecture 07 its fine-tuning.

>>> reading = read(AccuracyNet(), torch.rand(4, 28, 28))
>>> reading.probabilities.shape, bool((reading.confidence >= 0.1).all())
((4, 10), True)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from a2d.errors import RecipeError

# Mean and standard deviation of all pixels of MNIST's training images, as in PyTorch's basic MNIST example.
MNIST_MEAN, MNIST_STD = 0.1307, 0.3081


class AccuracyNet(nn.Module):
    """The CNN of PyTorch's basic MNIST example: two 3x3 convolutions, max-pooling, two fully-connected layers.

    Input ``(n, 1, 28, 28)``, normalised by :func:`normalise`; output ``(n, 10)``, log-probabilities (natural log).
    Source: pytorch/examples, ``mnist/main.py`` (BSD-3). Lecture 06.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.fc1.weight.device

    def convolve(self, x: Tensor) -> Tensor:
        """The convolutional part: ``(n, 1, 28, 28)`` to ``(n, 9216)``, before any fully-connected layer."""
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = self.dropout1(F.max_pool2d(x, 2))
        return torch.flatten(x, 1)

    def classify(self, convolved: Tensor) -> Tensor:
        """The two fully-connected layers: ``(n, 9216)`` to log-probabilities ``(n, 10)``."""
        x = self.dropout2(F.relu(self.fc1(convolved)))
        return F.log_softmax(self.fc2(x), dim=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.convolve(x))


@dataclass(frozen=True)
class FinetuneConfig:
    """What a fine-tuned evaluator learns from: ``labels`` as annotated, the ``spoken`` class of all images, or the
    spoken class of the ``readable`` ones.
    """

    policy: Literal["labels", "spoken", "readable"] = "labels"

    def __post_init__(self) -> None:
        if self.policy not in ("labels", "spoken", "readable"):
            raise RecipeError(
                f"policy = {self.policy!r} is unknown",
                where="finetune",
                hint="Use labels, spoken or readable",
            )


@dataclass(frozen=True)
class Reading:
    """What the evaluator reads: ``digits (n,)`` integers 0-9, and ``probabilities (n, 10)`` that sum to 1 per row."""

    digits: np.ndarray
    probabilities: np.ndarray

    @property
    def confidence(self) -> np.ndarray:
        """Probability of the digit that was read, ``(n,)``."""
        return self.probabilities.max(axis=1)


def as_images(images: Tensor | np.ndarray) -> Tensor:
    """Bring images to float32 ``(n, 28, 28)`` in [0, 1]; 8-bit integers are divided by 255.

    Raises ``ValueError`` for any other shape or for values that are not finite.
    """
    if isinstance(images, np.ndarray) and not images.flags.writeable:
        images = images.copy()  # torch warns about arrays that it could write to but must not
    x = torch.as_tensor(images)
    if x.ndim == 4 and x.shape[1] == 1:
        x = x[:, 0]
    if x.ndim != 3 or tuple(x.shape[1:]) != (28, 28):
        raise ValueError(f"images must have shape (n, 28, 28), got {tuple(x.shape)}")
    if x.dtype != torch.uint8 and not x.is_floating_point():
        raise ValueError(f"images must be uint8 (0 to 255) or floating point (0 to 1), got {x.dtype}")
    x = x.float() / 255 if x.dtype == torch.uint8 else x.float()
    if not torch.isfinite(x).all():
        raise ValueError("images hold values that are not finite (NaN or infinity)")
    return x


def normalise(images: Tensor | np.ndarray) -> Tensor:
    """From images in [0, 1], ``(n, 28, 28)``, to the network's input ``(n, 1, 28, 28)``: (x - 0.1307) / 0.3081."""
    return ((as_images(images) - MNIST_MEAN) / MNIST_STD)[:, None]


@torch.inference_mode()
def read(net: AccuracyNet, images: Tensor | np.ndarray, batch_size: int = 200) -> Reading:
    """Let the evaluator read images ``(n, 28, 28)`` in [0, 1], always with dropout switched off.

    The network's mode (train or eval) is the same afterwards as it was before.
    """
    was_training = net.training
    net.eval()
    try:
        parts = [net(normalise(part).to(net.device)).exp().cpu() for part in as_images(images).split(batch_size)]
    finally:
        net.train(was_training)
    probabilities = torch.cat(parts).numpy() if parts else np.zeros((0, 10), np.float32)
    return Reading(probabilities.argmax(axis=1), probabilities)


@torch.inference_mode()
def embed(net: AccuracyNet, images: Tensor | np.ndarray, batch_size: int = 200) -> np.ndarray:
    """The evaluator's features: activations of its first fully-connected layer after the ReLU, ``(n, 128)``.

    They are the space in which diversity and the Frechet distance are measured (:mod:`a2d.metrics`).
    """
    was_training = net.training
    net.eval()
    try:
        parts = [
            F.relu(net.fc1(net.convolve(normalise(part).to(net.device)))).cpu()
            for part in as_images(images).split(batch_size)
        ]
    finally:
        net.train(was_training)
    return torch.cat(parts).numpy() if parts else np.zeros((0, 128), np.float32)
