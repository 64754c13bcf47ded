"""Recipes: small typed files that say how to train something; the report's is ``report``.

A recipe is a TOML file whose tables are the dataclasses of this package: ``[features]``
(:class:`~a2d.features.MfccConfig`), ``[model]``, ``[targets]``, ``[sweep]``, ``[finetune]`` and ``[training]``.
Unknown keys and values of the wrong type are refused. Reading a recipe does not import torch.
"""

from __future__ import annotations

import difflib
import os
import sys
import tomllib
import typing
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal

import numpy as np

from a2d.errors import RecipeError
from a2d.features import MfccConfig

Kind = Literal["generator", "classifier", "image-vae", "evaluator", "finetune"]
FOLDER = Path(__file__).parent.parent / "recipes"


@dataclass(frozen=True)
class TargetConfig:
    """Which image a recording is compared with: ``rule`` is ``random`` (the report's), ``fixed`` or ``mean``.

    ``draws``: how many random images are averaged at each step (see :meth:`a2d.pairing.Targets.random`).
    """

    rule: Literal["random", "fixed", "mean"] = "random"
    draws: int = 1

    def __post_init__(self) -> None:
        if self.rule not in ("random", "fixed", "mean"):
            raise RecipeError(f"rule = {self.rule!r} is unknown", where="targets", hint="Use random, fixed or mean")
        if self.draws < 1:
            raise RecipeError(f"draws = {self.draws} makes no sense", where="targets", hint="Use 1 or more")


@dataclass(frozen=True)
class SweepConfig:
    """``betas``: weights of the KL term for each of which an image VAE is trained; none stands there twice."""

    betas: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if not self.betas or len(set(self.betas)) < len(self.betas) or min(self.betas) < 0:
            raise RecipeError(
                f"betas = {list(self.betas)} makes no sense",
                where="sweep",
                hint="Use one or more numbers from 0 on, each once",
            )


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
class Recipe:
    """A recipe, read and checked. Tables that a kind does not use are not there (None)."""

    name: str
    kind: Kind
    about: str
    training: Any
    features: MfccConfig | None = None
    model: Any = None
    targets: TargetConfig | None = None
    sweep: SweepConfig | None = None
    finetune: FinetuneConfig | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for cards, checkpoints and results files."""
        return {k: v for k, v in asdict(self).items() if v is not None}


_TABLES: dict[str, tuple[str, ...]] = {
    "generator": ("features", "model", "targets", "training"),
    "classifier": ("features", "model", "training"),
    "image-vae": ("model", "sweep", "training"),
    "evaluator": ("training",),
    "finetune": ("finetune", "training"),
}


# Beyond these a machine's memory is full before the training has begun.
_LARGEST = {"hidden": 8192, "latent": 4096, "channels": 1024, "n_features": 2048, "n_mels": 2048}


def check_seed(seed: Any) -> int:
    """Give ``seed`` back, or raise :class:`~a2d.errors.RecipeError`: a whole number from 0 to 2^63 - 1 is needed."""
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or not 0 <= seed < 2**63:
        raise RecipeError(f"{seed!r} is not a seed", where="seed", hint="Use a whole number from 0 to 2^63 - 1")
    return int(seed)


def names() -> list[str]:
    """The recipes that come with the package."""
    return sorted(p.stem for p in FOLDER.glob("*.toml"))


def load(name_or_path: str | os.PathLike) -> Recipe:
    """Read a recipe by name, or from a TOML file.

    Raises :class:`~a2d.errors.RecipeError` for an unknown name, a file that is not TOML, unknown keys (with the
    nearest known one), values of the wrong type, and combinations that make no sense.
    """
    text_name = os.fspath(name_or_path)
    path = FOLDER / f"{text_name}.toml" if text_name in names() else Path(text_name)
    if path.suffix != ".toml":
        raise RecipeError(
            "there is no such recipe",
            where=text_name,
            hint=f"Use one of {', '.join(names())}, or a path ending in .toml",
        )
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"cannot read this recipe ({error})", where=path, hint="Check the file") from error
    return parse(values, where=str(path), name=path.stem)


def parse(values: dict[str, Any], where: str = "recipe", name: str = "recipe") -> Recipe:
    """Check a recipe given as plain values, such as the one inside a saved model."""
    values = dict(values)
    kind = values.pop("kind", None)
    if not isinstance(kind, str) or kind not in _TABLES:
        raise RecipeError(f"kind = {kind!r} is unknown", where=where, hint=f"Use one of {', '.join(_TABLES)}")
    name, about = str(values.pop("name", name)), str(values.pop("about", ""))
    _refuse_unknown(values, _TABLES[kind], where)
    tables: dict[str, Any] = {}
    for part in _TABLES[kind]:
        content = values.get(part, {})
        if not isinstance(content, dict):
            raise RecipeError(f"{part} must be a table", where=where, hint=f"Write [{part}] above its keys")
        tables[part] = table(kind, part, content, where)
    if kind in ("generator", "classifier") and tables["model"].n_features != tables["features"].n_mfcc:
        raise RecipeError(
            f"the model takes {tables['model'].n_features} features, n_mfcc is {tables['features'].n_mfcc}",
            where=where,
            hint="Make n_features and n_mfcc the same",
        )
    return Recipe(name=name, kind=kind, about=about, **tables)


def table(kind: str, name: str, content: dict[str, Any], where: str = "recipe") -> Any:
    """One table of a recipe of some kind as its dataclass, checked."""
    return _typed(_class_of(kind, name), content, f"{where} [{name}]")


def _class_of(kind: str, table: str) -> type:
    """The dataclass behind a table (models and training import torch, so they are looked up when needed)."""
    if table == "features":
        return MfccConfig
    if table == "targets":
        return TargetConfig
    if table == "sweep":
        return SweepConfig
    if table == "finetune":
        return FinetuneConfig
    if table == "training":
        from a2d.training import TrainConfig

        return TrainConfig
    if kind == "generator":
        from a2d.vae import VaeConfig

        return VaeConfig
    if kind == "image-vae":
        from a2d.vae import ImageVaeConfig

        return ImageVaeConfig
    from a2d.ears import MlpConfig

    return MlpConfig


def _refuse_unknown(values: dict[str, Any], known: typing.Iterable[str], where: str) -> None:
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, list(known), n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(known)}"
            raise RecipeError(f"unknown key {key!r}", where=where, hint=hint.rstrip("?") if near else hint)


def _typed(cls: type, content: dict[str, Any], where: str) -> Any:
    """Make a dataclass of plain values, checking each value's type against the field's."""
    known = {f.name: f for f in fields(cls)}
    _refuse_unknown(content, known, where)
    hints = typing.get_type_hints(cls)
    missing = [
        n for n, f in known.items() if f.default is MISSING and f.default_factory is MISSING and n not in content
    ]
    if missing:
        raise RecipeError(f"{', '.join(missing)} is missing", where=where, hint="Add it")
    values = {key: _convert(value, hints[key], f"{where} {key}") for key, value in content.items()}
    for key, value in values.items():
        limit = _LARGEST.get(key, 10**9)
        if any(type(v) is int and v > limit for v in (value if isinstance(value, tuple) else (value,))):
            raise RecipeError(f"{key} = {value} is too large", where=where, hint=f"At most {limit} will do")
    return cls(**values)


def _convert(value: Any, wanted: Any, where: str) -> Any:
    """Check one value; whole numbers are fine where a real number is wanted, lists where a tuple is."""
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is Literal:
        if value in arguments:
            return value
        wanted_text = "one of " + ", ".join(map(repr, arguments))
    elif origin in (typing.Union, UnionType):
        if value is None and type(None) in arguments:
            return None
        return _convert(value, next(a for a in arguments if a is not type(None)), where)
    elif origin is tuple and arguments[0] is float and isinstance(value, list | tuple):
        return tuple(_convert(v, float, where) for v in value)
    elif origin is tuple:
        if isinstance(value, list | tuple) and all(type(v) is arguments[0] for v in value):
            return tuple(value)
        wanted_text = f"a list of {arguments[0].__name__}"
    elif wanted is float:
        if type(value) in (int, float) and abs(value) <= sys.float_info.max:  # neither NaN nor infinite
            return float(value)
        wanted_text = "a finite number"
    else:
        if type(value) is wanted:
            return value
        wanted_text = {int: "a whole number", str: "a text", bool: "true or false"}.get(wanted, str(wanted))
    raise RecipeError(f"{value!r} is not {wanted_text}", where=where, hint="Mend the recipe")


__all__ = ["FinetuneConfig", "Recipe", "SweepConfig", "TargetConfig", "check_seed", "load", "names", "parse", "table"]
