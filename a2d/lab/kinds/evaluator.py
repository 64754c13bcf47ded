"""The kinds ``evaluator`` and ``finetune``: AccuracyNet, trained on handwriting, or fine-tuned. Lectures 06 and 07."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from a2d.evaluator import AccuracyNet, FinetuneConfig, normalise, read
from a2d.io.shipped import shipped
from a2d.lab.kinds import Kind, R, Recipe, Setting

if TYPE_CHECKING:
    from a2d.datasets import Images
    from a2d.figures import Picture
    from a2d.lab.models import Model


class EvaluatorTask:
    """Training of AccuracyNet on handwritten digits with negative log-likelihood in nats per image."""

    def __init__(self, images: Images, test: Images, *, seed: int):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            # channels_last is the same network; its convolutions are a quarter faster on a CPU.
            self.model = AccuracyNet()
            self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch knows it, its stub not
        self.pixels, self.labels = torch.tensor(images.pixels), torch.tensor(images.labels)
        self.test, self.n_items = test, len(images)

    def loss(self, indices: Tensor, rng: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Negative log-likelihood, mean over the batch."""
        inputs = normalise(self.pixels[indices]).to(self.model.device).contiguous(memory_format=torch.channels_last)
        return F.nll_loss(self.model(inputs), self.labels[indices].to(inputs.device)), {}

    def validate(self, rng: torch.Generator) -> dict[str, float]:
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

    def loss(self, indices: Tensor, rng: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Negative log-likelihood, mean over the batch."""
        convolved = self.model.dropout1(self.convolved[indices].to(self.model.device))
        return F.nll_loss(self.model.classify(convolved), self.labels[indices].to(convolved.device)), {}

    def validate(self, rng: torch.Generator) -> dict[str, float]:
        """Accuracy on the annotated images themselves: how far they are learnt, not how good the result is."""
        hits = self.model.classify(self.convolved.to(self.model.device)).argmax(-1).cpu() == self.labels
        return {"fit": float(hits.float().mean())}


def annotations_folder(name_or_folder: str) -> Path:
    """The folder of annotations: ``recorded`` is the set of 100 that comes with the course."""
    return shipped("annotated") if name_or_folder == "recorded" else Path(name_or_folder)


class _Reader(Kind[R, AccuracyNet]):
    """What both kinds have in common: the network, and how well it reads handwriting that it has not seen."""

    def build(self, tables: Mapping[str, Any]) -> AccuracyNet:
        return AccuracyNet()

    def evaluate(self, model: Model[AccuracyNet], setting: Setting) -> tuple[dict[str, Any], dict[str, Picture]]:
        from a2d import datasets, figures, metrics

        images = datasets.load_images(setting.data, "test")
        reading = read(model.net, images.pixels)
        table = metrics.confusion(reading.digits, images.labels)
        accuracy = metrics.recognition(reading.digits, images.labels, seed=setting.seed).as_dict()
        data = {"name": setting.data, "part": "test", "n": len(images)}
        result = {"data": data, "accuracy": accuracy, "confusion": table.tolist()}
        return result, {"confusion": figures.confusion_matrix(table, title="handwritten and read digits")}


class EvaluatorKind(_Reader[Recipe]):
    """See :class:`~a2d.lab.kinds.Kind`."""

    recipe = Recipe

    def task(self, recipe: Recipe, setting: Setting) -> tuple[EvaluatorTask, dict[str, Any]]:
        from a2d import datasets

        images, test = datasets.load_images(setting.data), datasets.load_images(setting.data, "test")
        data = {"name": setting.data, "hash": images.content_hash, "n": len(images)}
        return EvaluatorTask(images, test, seed=setting.seed), {"data": data}


@dataclass(frozen=True)
class FinetuneRecipe(Recipe):
    """Which labels of the annotated images are learnt."""

    finetune: FinetuneConfig


class FinetuneKind(_Reader[FinetuneRecipe]):
    """See :class:`~a2d.lab.kinds.Kind`."""

    recipe = FinetuneRecipe
    tables: ClassVar[Mapping[str, type]] = {"finetune": FinetuneConfig}

    def task(self, recipe: FinetuneRecipe, setting: Setting) -> tuple[FinetuneTask, dict[str, Any]]:
        from a2d.annotation import Annotations
        from a2d.io import tensorfile
        from a2d.lab import models

        annotated = Annotations.load(annotations_folder(setting.data))
        pictures, labels, _ = annotated.training_set(recipe.finetune.policy)
        base = models.load_evaluator(setting.evaluators[0], "evaluator")
        data = {
            "name": setting.data,
            "annotator": annotated.annotator,
            "labels": annotated.kind,
            "hash": hashlib.sha256(pictures.tobytes() + labels.tobytes()).hexdigest(),
            "n": len(labels),
        }
        facts = {"data": data, "base": {"sha256": tensorfile.file_hash(base.path)}}
        return FinetuneTask(base.net, pictures, labels), facts


KIND = EvaluatorKind()
FINETUNE = FinetuneKind()
