"""Audio-MNIST, the report's recordings, on its five published folds: for whoever has it (S4; lectures 02 and 10).

60 speakers, 30,000 recordings; in each fold twelve are tested who are in none of the training. Three ears: the report's
MLP on mean MFCCs and the course's network, both trained on the other 48, and the network as it is shipped, which has
heard none of them.

``a2d data fetch audiomnist`` (or a mirror), then ``python -m results.reproduce audiomnist``. Source of the folds:
S. Becker and others (2018), arXiv:1807.03418.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from a2d import datasets, metrics
from a2d.ears.cnn import Ear
from a2d.errors import DataError
from a2d.lab import models, recipes
from a2d.lab.kinds.classifier import ClassifierRecipe, ClassifierTask
from a2d.lab.kinds.ear import EarRecipe, EarTask, sounds_of
from results import pool, voices

NAME = "audiomnist"
FOLDS = 5


def folds(data: datasets.SpokenDigits) -> list[np.ndarray]:
    """Which recordings each published fold tests."""
    groups = datasets.speaker_groups(data.speakers, data.name, 0)
    if len(groups) != FOLDS or len(set(data.speakers)) != 60:
        hint = "Fetch Audio-MNIST with `a2d data fetch audiomnist`; its folds are of speakers 01 to 60"
        raise DataError(f"there are {len(set(data.speakers))} speakers", where=str(data.name), hint=hint)
    return [np.flatnonzero(np.isin(data.speakers, group)) for group in groups]


def measure(
    work: Path,
    data: datasets.SpokenDigits,
    mlp_recipe: ClassifierRecipe | None = None,
    ear_recipe: EarRecipe | None = None,
) -> dict[str, Any]:
    """Shares of the tested recordings named rightly: mean and spread over the folds, for each ear."""
    mlp_recipe = mlp_recipe or recipes.load_as(ClassifierRecipe, "audio-mlp")
    ear_recipe = ear_recipe or voices.recipe()
    everything = sounds_of(data, ear_recipe.model)
    means = torch.cat([voices.means_of(part, ear_recipe.model) for part in everything.floats().split(5000)])
    shipped: Ear = models.load("ear", "ear").net
    found: dict[str, list[float]] = {}
    for number, test in enumerate(folds(data)):
        train = np.setdiff1d(np.arange(len(data)), test)
        heard, tested = (voices.Sounds(everything.samples[i], everything.labels[i]) for i in (train, test))
        by_mean = partial(ClassifierTask, mlp_recipe, means[train], heard.labels, seed=number)
        mlp = pool.trained(work / NAME / f"mlp-{number}.safetensors", mlp_recipe, by_mean, number).net
        by_picture = partial(EarTask, ear_recipe, heard, seed=number)
        ear = pool.trained(work / NAME / f"ear-{number}.safetensors", ear_recipe, by_picture, number).net
        shares = {
            "mean MFCCs, trained on them": (mlp.eval().predict(means[test]) == tested.labels).float().mean(),
            "log-mel, trained on them": voices.accuracy(ear, tested),
            "log-mel, as shipped": voices.accuracy(shipped, tested),
        }
        for name, share in shares.items():
            found.setdefault(name, []).append(float(share))
        print(f"measured fold {number + 1} of {FOLDS}", flush=True)
    return {name: metrics.mean_and_spread(shares) for name, shares in found.items()}
