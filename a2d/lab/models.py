"""Trained models: the ones that come with the package, and the ones that ``a2d train`` has written.

Each is a safetensors file with its recipe inside; each shipped one has a card beside it (``NAME.json``) that tells
recipe, data, seed, figures and hash. Loading one imports neither the training loop nor any plotting.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from a2d.errors import ModelError, RecipeError
from a2d.io import tensorfile
from a2d.lab import kinds, recipes

if TYPE_CHECKING:
    from torch import nn

    from a2d.evaluator import AccuracyNet
    from a2d.features import MfccConfig
    from a2d.vae import AudioVAE

N = TypeVar("N", bound="nn.Module")

FOLDER = Path(__file__).parent.parent / "weights"
MODEL_FILE, CARD = "model.safetensors", "card.json"


@dataclass(frozen=True)
class Model(Generic[N]):
    """A trained model: the network in eval mode, what it is for, its features' settings and everything in its card."""

    net: N
    kind: str
    meta: dict[str, Any]
    path: Path

    @property
    def features(self) -> MfccConfig:
        """Settings of the audio features that the network takes (generator and classifier)."""
        return recipes.table(self.kind, "features", self.meta["recipe"]["features"], str(self.path))

    @property
    def card_path(self) -> Path:
        """Where its card lies, if it has one."""
        return self.path.parent / CARD if self.path.name == MODEL_FILE else self.path.with_suffix(".json")


def names() -> list[str]:
    """The models that come with the package."""
    return sorted(p.stem for p in FOLDER.glob("*.safetensors"))


def card(name: str) -> dict[str, Any]:
    """The card of a shipped model."""
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        raise ModelError("there is no such shipped model", where=name, hint=f"Use one of {', '.join(names())}")
    return json.loads(path.read_text(encoding="utf-8"))


def find(name_or_path: str | os.PathLike[str]) -> Path:
    """The file of a model given by name, by its folder, or by its own path."""
    text = os.fspath(name_or_path)
    if text in names():
        return FOLDER / f"{text}.safetensors"
    path = Path(text)
    if os.path.isdir(path):  # unlike pathlib, os.path says "no" to a name that is too long
        if not os.path.isfile(path / MODEL_FILE):
            hint = "Name a folder that `a2d train` has finished"
            raise ModelError(f"there is no {MODEL_FILE} in this folder", where=path, hint=hint)
        return path / MODEL_FILE
    if not os.path.isfile(path):
        hint = f"Use one of {', '.join(names()) or '(none shipped)'}, or a folder that `a2d train` has written"
        raise ModelError("there is no such model", where=text, hint=hint)
    return path


def build(kind: str, recipe: dict[str, Any], where: str = "recipe") -> nn.Module:
    """A fresh network of a kind, with the sizes that its recipe tells."""
    net: nn.Module = kinds.get(kind, where).build(_tables(kind, recipe, where))
    return net


def _tables(kind: str, recipe: dict[str, Any], where: str) -> dict[str, Any]:
    """The tables of a recipe that tell the size of a network and what it takes."""
    known = kinds.get(kind, where).tables
    return {name: recipes.table(kind, name, recipe.get(name, {}), where) for name in known}


def load(name_or_path: str | os.PathLike[str], *wanted: str) -> Model[Any]:
    """Load a model by name or path, in eval mode; ``wanted`` are the kinds that will do (any if none are named).

    Raises :class:`~a2d.errors.ModelError` for a model that is missing, damaged, foreign, of another kind, or whose
    tensors do not fit its recipe.
    """
    import torch

    path = find(name_or_path)
    tensors, meta = tensorfile.load(path)
    kind: Any = meta.get("kind")
    if wanted and kind not in wanted:
        what = f"this is a model of kind {kind!r}; {' or '.join(wanted)} is needed"
        raise ModelError(what, where=path, hint="Name another model")
    try:
        with torch.random.fork_rng(devices=[]):  # fresh weights are drawn, and thrown away at once
            net = build(kind, meta["recipe"], str(path))
        net.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in tensors.items()})
        tables = _tables(kind, meta["recipe"], str(path))
        if "features" in tables and "features" not in meta["recipe"]:
            raise KeyError("features")  # what a network hears may not be guessed
        if "features" in tables and tables["features"].n_mfcc != tables["model"].n_features:
            what = f"it takes {tables['model'].n_features} features, n_mfcc is {tables['features'].n_mfcc}"
            raise ValueError(what)
    except (RuntimeError, KeyError, TypeError, AttributeError, ValueError, MemoryError, RecipeError) as error:
        what = f"its tensors do not fit its recipe ({' '.join(str(error).split())[:200]})"
        raise ModelError(what, where=path, hint="Train it again") from error
    if bad := [name for name, value in net.state_dict().items() if not value.isfinite().all()]:
        raise ModelError(f"{bad[0]} holds NaN or infinity", where=path, hint="Train it again, or copy it anew")
    return Model(net.eval(), kind, meta, path)


def kind_of(name_or_path: str | os.PathLike[str]) -> str:
    """The kind of a model given by name or path, as its file says; raises as :func:`load` does."""
    return str(tensorfile.load(find(name_or_path))[1].get("kind"))


def load_generator(name_or_path: str | os.PathLike[str]) -> Model[AudioVAE]:
    """A generator; see :func:`load`."""
    return load(name_or_path, "generator")


def load_evaluator(name_or_path: str | os.PathLike[str], *wanted: str) -> Model[AccuracyNet]:
    """An evaluator, trained or fine-tuned unless ``wanted`` names one of the two; see :func:`load`."""
    return load(name_or_path, *(wanted or ("evaluator", "finetune")))


def save(path: str | os.PathLike[str], net: nn.Module, meta: dict[str, Any], half: bool = False) -> None:
    """Write a network and its ``meta`` (kind, recipe, data, seed, ...); ``half`` stores float16, half the size."""
    tensors = net.state_dict().items()
    tensorfile.save(path, {k: v.half() if half and v.is_floating_point() else v for k, v in tensors}, meta)
