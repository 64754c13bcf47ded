"""Recipes: small typed files that say how to train something; the report's is ``report``.

A recipe is a TOML file with a ``kind`` and tables. Every kind has ``[training]``
(:class:`~a2d.training.TrainConfig`); the other tables are the dataclasses that the kind names
(:mod:`a2d.lab.kinds`). Unknown keys and values of the wrong type are refused.
"""

from __future__ import annotations

import difflib
import os
import sys
import tomllib
import typing
from dataclasses import MISSING, fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal

import numpy as np

from a2d.errors import RecipeError
from a2d.lab import kinds
from a2d.lab.kinds import R, Recipe

FOLDER = Path(__file__).parent.parent / "recipes"
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


def load(name_or_path: str | os.PathLike[str]) -> Recipe:
    """Read a recipe by name, or from a TOML file.

    Raises :class:`~a2d.errors.RecipeError` for an unknown name, a file that is not TOML, unknown keys (with the
    nearest known one), values of the wrong type, and combinations that make no sense.
    """
    text_name = os.fspath(name_or_path)
    path = FOLDER / f"{text_name}.toml" if text_name in names() else Path(text_name)
    if path.suffix != ".toml":
        hint = f"Use one of {', '.join(names())}, or a path ending in .toml"
        raise RecipeError("there is no such recipe", where=text_name, hint=hint)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"cannot read this recipe ({error})", where=path, hint="Check the file") from error
    return parse(values, where=str(path), name=path.stem)


def load_as(wanted: type[R], name_or_path: str | os.PathLike[str]) -> R:
    """As :func:`load`, for a recipe of one kind: ``load_as(GeneratorRecipe, "report")``."""
    recipe = load(name_or_path)
    if not isinstance(recipe, wanted):
        raise RecipeError(f"this is a recipe of kind {recipe.kind!r}", where=name_or_path, hint="Name another recipe")
    return recipe


def parse(values: dict[str, Any], where: str = "recipe", name: str = "recipe") -> Recipe:
    """Check a recipe given as plain values, such as the one inside a saved model."""
    values = dict(values)
    kind = values.pop("kind", None)
    if not isinstance(kind, str) or kind not in kinds.KINDS:
        raise RecipeError(f"kind = {kind!r} is unknown", where=where, hint=f"Use one of {', '.join(kinds.KINDS)}")
    of_kind = kinds.get(kind)
    name, about = str(values.pop("name", name)), str(values.pop("about", ""))
    known = (*of_kind.tables, "training")
    _refuse_unknown(values, known, where)
    for part in known:
        if not isinstance(values.setdefault(part, {}), dict):
            raise RecipeError(f"{part} must be a table", where=where, hint=f"Write [{part}] above its keys")
    tables = {part: table(kind, part, values[part], where) for part in known}
    of_kind.check(tables, where)
    recipe: Recipe = of_kind.recipe(name=name, kind=kind, about=about, **tables)
    return recipe


def table(kind: str, name: str, content: dict[str, Any], where: str = "recipe") -> Any:
    """One table of a recipe of some kind as its dataclass, checked."""
    if name == "training":
        from a2d.training import TrainConfig

        return _typed(TrainConfig, content, f"{where} [{name}]")
    return _typed(kinds.get(kind, where).tables[name], content, f"{where} [{name}]")


def _refuse_unknown(values: dict[str, Any], known: typing.Iterable[str], where: str) -> None:
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, list(known), n=1)
            hint = f"Did you mean {near[0]}" if near else f"Known are {', '.join(known)}"
            raise RecipeError(f"unknown key {key!r}", where=where, hint=hint)


def _typed(cls: type, content: dict[str, Any], where: str) -> Any:
    """Make a dataclass of plain values, checking each value's type against the field's."""
    hints = typing.get_type_hints(cls)
    _refuse_unknown(content, [f.name for f in fields(cls)], where)
    needed = [f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING]
    if missing := [name for name in needed if name not in content]:
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
