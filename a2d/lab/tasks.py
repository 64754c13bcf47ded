"""What is trained: the tasks that the one training loop (:mod:`a2d.training`) works on. Lectures 02, 05, 06, 07."""

from __future__ import annotations

import copy

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from a2d import datasets
from a2d.ears import AudioMLP
from a2d.evaluator import AccuracyNet, normalise, read
from a2d.lab import recipes
from a2d.pairing import Targets
from a2d.vae import AudioVAE, BetaSweep, negative_elbo


class GeneratorTask:
    """The report's training: features of recordings against images of the same class.

    ``features (n, d)`` and ``digits (n,)`` are the training set; ``validation`` is such a pair that ``judge`` reads
    once per epoch (R10), or None.
    """

    def __init__(
        self,
        recipe: recipes.Recipe,
        features: Tensor,
        digits: Tensor,
        targets: Targets,
        *,
        seed: int,
        validation: tuple[Tensor, Tensor] | None = None,
        judge: AccuracyNet | None = None,
    ):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = AudioVAE(recipe.model)
        self.model.scaler.fit(features)
        self.recipe, self.seed = recipe, seed
        self.features, self.digits, self.targets = features, digits, targets
        self.validation, self.judge = validation, judge
        self.n_items = len(digits)
        self._means = targets.means() if recipe.targets.rule == "mean" else None

    def target(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        """The images that the recordings ``indices (b,)`` are compared with, ``(b, 28, 28)``."""
        classes = self.digits[indices]
        if self.recipe.targets.rule == "random":
            return self.targets.random(classes, generator, self.recipe.targets.draws)
        if self.recipe.targets.rule == "fixed":
            return self.targets.fixed(classes, indices, self.seed)
        return self._means[classes]

    def loss(self, indices: Tensor, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Negative ELBO, mean over the batch, in nats per image."""
        output, mu, logvar = self.model(self.features[indices], generator)
        terms = negative_elbo(output, self.target(indices, generator), mu, logvar, self.recipe.model, progress)
        logged = {"reconstruction": terms.reconstruction.mean().item(), "kl": terms.kl.mean().item()}
        return terms.loss.mean(), logged

    def validate(self, generator: torch.Generator) -> dict[str, float]:
        """Share of validation recordings whose sampled drawing the judge reads as what was said."""
        if self.validation is None or self.judge is None:
            return {}
        features, digits = self.validation
        reading = read(self.judge, self.model.draw(features, generator))
        return {"accuracy": float((reading.digits == digits.numpy()).mean())}


class ClassifierTask:
    """Training of the audio MLP with cross-entropy in nats per recording."""

    def __init__(
        self,
        recipe: recipes.Recipe,
        features: Tensor,
        digits: Tensor,
        *,
        seed: int,
        validation: tuple[Tensor, Tensor] | None = None,
    ):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = AudioMLP(recipe.model)
        self.model.scaler.fit(features)
        self.features, self.digits, self.validation, self.n_items = features, digits, validation, len(digits)

    def loss(self, indices: Tensor, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Cross-entropy, mean over the batch."""
        return F.cross_entropy(self.model(self.features[indices], generator), self.digits[indices]), {}

    def validate(self, generator: torch.Generator) -> dict[str, float]:
        """Share of validation recordings that are named rightly."""
        if self.validation is None:
            return {}
        return {"accuracy": float((self.model.predict(self.validation[0]) == self.validation[1]).float().mean())}


class ImageVaeTask:
    """Training of image VAEs, one for each beta of the recipe's sweep, on the same batches of handwritten digits."""

    def __init__(self, recipe: recipes.Recipe, images: datasets.Images, *, seed: int):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = BetaSweep(recipe.model, recipe.sweep.betas)
        self.pixels, self.n_items = torch.tensor(images.pixels), len(images)

    def loss(self, indices: Tensor, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Sum over the models of the negative ELBO (each has its own weights, so each gets its own gradient)."""
        images = self.pixels[indices].float() / 255
        losses, logged = [], {}
        for vae, outcome in zip(self.model.vaes, self.model(images, generator), strict=True):
            output, mu, logvar = outcome
            terms = negative_elbo(output, images, mu, logvar, vae.config, progress)
            losses.append(terms.loss.mean())
            name = f"beta {vae.config.beta:g}"
            logged[f"reconstruction, {name}"] = terms.reconstruction.mean().item()
            logged[f"kl, {name}"] = terms.kl.mean().item()
        return torch.stack(losses).sum(), logged

    def validate(self, generator: torch.Generator) -> dict[str, float]:
        """Nothing is chosen by looking."""
        return {}


class EvaluatorTask:
    """Training of AccuracyNet on handwritten digits with negative log-likelihood in nats per image."""

    def __init__(self, images: datasets.Images, test: datasets.Images, *, seed: int):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            # channels_last is the same network; its convolutions are a quarter faster on a CPU.
            self.model = AccuracyNet().to(memory_format=torch.channels_last)
        self.pixels, self.labels = torch.tensor(images.pixels), torch.tensor(images.labels)
        self.test, self.n_items = test, len(images)

    def loss(self, indices: Tensor, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Negative log-likelihood, mean over the batch."""
        inputs = normalise(self.pixels[indices]).contiguous(memory_format=torch.channels_last)
        return F.nll_loss(self.model(inputs), self.labels[indices]), {}

    def validate(self, generator: torch.Generator) -> dict[str, float]:
        """Accuracy on the test images, as PyTorch's example prints it; nothing is chosen by it."""
        reading = read(self.model, self.test.pixels)
        return {"test_accuracy": float((reading.digits == self.test.labels).mean())}


class FinetuneTask:
    """Fine-tuning of AccuracyNet's two fully-connected layers on annotated images (R12).

    The convolutions are frozen, so their output is computed once; dropout stays on in the layers that learn.
    """

    def __init__(self, net: AccuracyNet, images: np.ndarray, labels: np.ndarray):
        self.model = copy.deepcopy(net)
        for layer in (self.model.conv1, self.model.conv2):
            layer.requires_grad_(False)
        self.model.eval()
        with torch.no_grad():
            self.convolved = self.model.convolve(normalise(images))
        self.labels, self.n_items = torch.as_tensor(labels).long(), len(labels)

    def loss(self, indices: Tensor, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Negative log-likelihood, mean over the batch."""
        convolved = self.model.dropout1(self.convolved[indices])
        return F.nll_loss(self.model.classify(convolved), self.labels[indices]), {}

    def validate(self, generator: torch.Generator) -> dict[str, float]:
        """Accuracy on the annotated images themselves: how far they are learnt, not how good the result is."""
        hits = self.model.classify(self.convolved).argmax(-1) == self.labels
        return {"fit": float(hits.float().mean())}
