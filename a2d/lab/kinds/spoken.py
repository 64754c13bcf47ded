"""A data set of recordings as a run sees it: features, digits and a split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from a2d import datasets
from a2d.errors import RecipeError
from a2d.features import MfccConfig, cached_mfcc_means
from a2d.lab.kinds import Setting


@dataclass(frozen=True)
class SpokenSet:
    """Features and digits of a data set with a split: all that a generator or classifier is trained and tested on."""

    data: datasets.SpokenDigits
    features: Tensor
    digits: Tensor
    split: datasets.Split
    how: dict[str, Any]

    def part(self, name: str) -> tuple[Tensor, Tensor]:
        """Features ``(n, d)`` and digits ``(n,)`` of ``train``, ``val`` or ``test``."""
        indices = torch.from_numpy(getattr(self.split, name))
        return self.features[indices], self.digits[indices]

    @property
    def facts(self) -> dict[str, Any]:
        """What a card tells of it."""
        data = {"name": self.data.name, "hash": self.data.content_hash, "n": len(self.data)}
        return {"data": data, "split": self.how}


def spoken_set(
    data: datasets.SpokenDigits,
    config: MfccConfig,
    *,
    split: str = "recording",
    seed: int = 0,
    held_out: Sequence[str] | None = None,
    progress: bool = False,
) -> SpokenSet:
    """Compute (or read from the cache) the features of a data set and split it.

    ``split="speaker"`` holds out ``held_out``, or else the first of the data set's speaker groups.
    """
    features = torch.from_numpy(cached_mfcc_means(data, config, progress=progress))
    how: dict[str, Any] = {"by": split, "seed": seed}
    if split == "recording":
        parts = datasets.split_by_recording(len(data), seed)
    elif split == "speaker":
        chosen = list(held_out or datasets.speaker_groups(data.speakers, data.name, seed)[0])
        parts = datasets.split_by_speaker(data.speakers, chosen, seed)
        how["held_out"] = sorted(chosen)
    else:
        raise RecipeError(f"split = {split!r} is unknown", where="--split", hint="Use recording or speaker")
    return SpokenSet(data, features, torch.from_numpy(data.digits), parts, how)


def images_for(data_name: str, images: str | None) -> str:
    """Which handwriting goes with a data set unless told otherwise: its own for the built-in data, else MNIST."""
    return images or ("builtin" if data_name == "builtin" else "mnist")


def part_to_test(
    data: str, config: MfccConfig, meta: dict[str, Any], progress: bool = False
) -> tuple[datasets.SpokenDigits, Tensor, Tensor, str]:
    """The recordings to test a model on: its own test part, or all of a data set that it has not seen.

    ``meta`` is the model's. Returns the data set, features, digits, and ``test`` or ``all``.
    """
    spoken = datasets.load_spoken(data)
    if spoken.content_hash == meta.get("data", {}).get("hash"):
        split, seed, held_out = meta["split"]["by"], meta["split"]["seed"], meta["split"].get("held_out")
        own = spoken_set(spoken, config, split=split, seed=seed, held_out=held_out, progress=progress)
        return spoken, *own.part("test"), "test"
    features = torch.from_numpy(cached_mfcc_means(spoken, config, progress=progress))
    return spoken, features, torch.from_numpy(spoken.digits), "all"


def set_for(setting: Setting, config: MfccConfig) -> SpokenSet:
    """The recordings that a run is to be trained on, split as it says."""
    how: dict[str, Any] = {"split": setting.split, "seed": setting.seed, "held_out": setting.held_out or None}
    return spoken_set(datasets.load_spoken(setting.data), config, progress=setting.progress, **how)
