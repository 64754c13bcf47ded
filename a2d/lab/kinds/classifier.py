"""The kind ``classifier``: the audio MLP that names the digit. Lecture 02."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from a2d.ears import AudioMLP, MlpConfig
from a2d.features import MfccConfig
from a2d.lab.kinds import Kind, Recipe, Setting

if TYPE_CHECKING:
    from a2d.figures import Picture
    from a2d.lab.models import Model


@dataclass(frozen=True)
class ClassifierRecipe(Recipe):
    """Sound to a digit: which features, and which network takes them."""

    features: MfccConfig
    model: MlpConfig


class ClassifierTask:
    """Training of the audio MLP with cross-entropy in nats per recording.

    ``features (n, d)`` and ``digits (n,)`` are the training set, ``validation`` is such a pair or None.
    """

    def __init__(
        self,
        recipe: ClassifierRecipe,
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

    def loss(self, indices: Tensor, rng: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Cross-entropy, mean over the batch."""
        scores = self.model(self.features[indices].to(self.model.device), rng)
        return F.cross_entropy(scores, self.digits[indices].to(scores.device)), {}

    def validate(self, rng: torch.Generator) -> dict[str, float]:
        """Share of validation recordings that are named rightly."""
        if self.validation is None:
            return {}
        return {"accuracy": float((self.model.predict(self.validation[0]) == self.validation[1]).float().mean())}


class ClassifierKind(Kind[ClassifierRecipe, AudioMLP]):
    """See :class:`~a2d.lab.kinds.Kind`."""

    recipe = ClassifierRecipe
    tables: ClassVar[Mapping[str, type]] = {"features": MfccConfig, "model": MlpConfig}

    def build(self, tables: Mapping[str, Any]) -> AudioMLP:
        return AudioMLP(tables["model"])

    def task(self, recipe: ClassifierRecipe, setting: Setting) -> tuple[ClassifierTask, dict[str, Any]]:
        from a2d.lab.kinds.spoken import set_for

        spoken = set_for(setting, recipe.features)
        task = ClassifierTask(recipe, *spoken.part("train"), seed=setting.seed, validation=spoken.part("val"))
        return task, spoken.facts

    def evaluate(self, model: Model[AudioMLP], setting: Setting) -> tuple[dict[str, Any], dict[str, Picture]]:
        from a2d import figures, metrics
        from a2d.lab.kinds.spoken import part_to_test

        spoken, features, digits, part = part_to_test(setting.data, model.features, model.meta, setting.progress)
        named, said = model.net.predict(features).numpy(), digits.numpy()
        data = {"name": spoken.name, "hash": spoken.content_hash, "part": part, "n": len(digits)}
        accuracy = metrics.recognition(named, said, seed=setting.seed).as_dict()
        picture = figures.confusion_matrix(metrics.confusion(named, said), title="spoken and named digits")
        return {"data": data, "accuracy": accuracy}, {"confusion": picture}


KIND = ClassifierKind()
