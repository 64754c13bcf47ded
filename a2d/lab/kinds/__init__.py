"""Kinds of models: each is one object that knows its recipe, its network, its loss and how it is evaluated.

A new kind is a module with a :class:`Kind` in it, a recipe, and a line in :data:`KINDS`. Nothing else chooses by kind.
Importing this imports no network: a kind's module is imported when a model or a recipe of that kind is at hand.
"""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from a2d.errors import ModelError, RecipeError

if TYPE_CHECKING:
    from torch import nn

    from a2d.figures import Picture
    from a2d.lab.models import Model
    from a2d.training import Task, TrainConfig

# By the word that stands in recipes, models and cards: where the kind's object is.
KINDS = {
    "generator": "a2d.lab.kinds.generator:KIND",
    "classifier": "a2d.lab.kinds.classifier:KIND",
    "image-vae": "a2d.lab.kinds.image_vae:KIND",
    "hands": "a2d.lab.kinds.hands:KIND",
    "style-cvae": "a2d.lab.kinds.hands:STYLE",
    "vae-gan": "a2d.lab.kinds.hands:VAE_GAN",
    "cgan": "a2d.lab.kinds.hands:GAN",
    "evaluator": "a2d.lab.kinds.evaluator:KIND",
    "finetune": "a2d.lab.kinds.evaluator:FINETUNE",
    "ear": "a2d.lab.kinds.ear:KIND",
}


@dataclass(frozen=True)
class Recipe:
    """A recipe, read and checked: what every kind has. The tables of a kind's own are fields of its subclass."""

    name: str
    kind: str
    about: str
    training: TrainConfig

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for cards, checkpoints and results files."""
        return asdict(self)


@dataclass(frozen=True)
class Setting:
    """What a run is given beside its recipe.

    ``data``: a data set's name or folder, for fine-tuning a folder of annotations; ``images``: handwriting, None for
    what goes with the data; ``split``, ``held_out``, ``seed``: how the data are split and what is random;
    ``evaluators``: who reads drawings, the first one also while training.
    """

    data: str
    images: str | None = None
    split: str = "recording"
    held_out: tuple[str, ...] = ()
    seed: int = 0
    evaluators: tuple[str, ...] = ("evaluator", "finetuned")
    progress: bool = False


R = TypeVar("R", bound=Recipe)
N = TypeVar("N", bound="nn.Module")


class Kind(ABC, Generic[R, N]):
    """A kind of model, with recipes of class ``R`` and networks of class ``N``."""

    # The recipe's class, and the dataclasses of its tables beside [training].
    recipe: type[R]
    tables: ClassVar[Mapping[str, type]] = {}

    def check(self, tables: Mapping[str, Any], where: str) -> None:
        """Raise :class:`~a2d.errors.RecipeError` where a network takes another number of features than there are."""
        if "features" in tables and tables["model"].n_features != tables["features"].n_mfcc:
            n, there = tables["model"].n_features, tables["features"].n_mfcc
            what, hint = f"the model takes {n} features, n_mfcc is {there}", "Make n_features and n_mfcc the same"
            raise RecipeError(what, where=where, hint=hint)

    @abstractmethod
    def build(self, tables: Mapping[str, Any]) -> N:
        """A fresh network with the sizes that a recipe's ``tables`` tell (not [training])."""

    @abstractmethod
    def task(self, recipe: R, setting: Setting) -> tuple[Task, dict[str, Any]]:
        """What is trained, and the facts for its card: which data, which split, by whose reading."""

    @abstractmethod
    def evaluate(self, model: Model[N], setting: Setting) -> tuple[dict[str, Any], dict[str, Picture]]:
        """The numbers of ``metrics.json``, and figures by name."""


def get(name: object, where: object = "recipe") -> Kind[Any, Any]:
    """The object of a kind; raises :class:`~a2d.errors.ModelError` for a word that is none."""
    if not isinstance(name, str) or name not in KINDS:
        hint = f"Use a model that this version of a2d has written: {', '.join(KINDS)}"
        raise ModelError(f"kind = {name!r} is unknown", where=where, hint=hint)
    kind: Kind[Any, Any] = pkgutil.resolve_name(KINDS[name])
    return kind
