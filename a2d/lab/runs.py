"""Training and evaluating by recipe: what ``a2d train`` and ``a2d evaluate`` do, as functions.

A run's folder holds ``model.safetensors`` (the trained model with its recipe inside), ``card.json`` (recipe, data,
split, seed, history) and ``checkpoint.safetensors`` (to resume from).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from a2d import training
from a2d.errors import RecipeError
from a2d.io import tensorfile
from a2d.io.atomic import write_json
from a2d.lab import kinds, models, recipes
from a2d.lab.kinds import Setting
from a2d.lab.kinds.evaluator import annotations_folder
from a2d.lab.kinds.generator import read_drawings, variety
from a2d.lab.kinds.spoken import SpokenSet, images_for, spoken_set
from a2d.lab.models import CARD

__all__ = ["CARD", "SpokenSet", "annotations_folder", "evaluate", "images_for", "read_drawings", "spoken_set"]
__all__ += ["train", "variety"]


def train(
    recipe_name: str | os.PathLike[str],
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    images: str | None = None,
    split: str = "recording",
    held_out: Sequence[str] | None = None,
    seed: int = 0,
    epochs: int | None = None,
    evaluator: str | os.PathLike[str] = "evaluator",
    resume: bool = False,
    progress: bool = True,
    device: str = "cpu",
) -> dict[str, Any]:
    """Train a recipe into the folder ``out`` and return its card.

    ``data`` is a data set's name or folder; for an evaluator or an image VAE the images' name, for fine-tuning a
    folder of annotations. ``device`` is where the network is trained, as torch names it.
    Raises an :class:`~a2d.errors.A2DError` for whatever is wrong with the recipe, data or folder.
    """
    seed, recipe = recipes.check_seed(seed), recipes.load(recipe_name)
    if epochs is not None:
        recipe = replace(recipe, training=replace(recipe.training, epochs=epochs))
    out = Path(out)
    _check_out(out, resume)
    readers = (os.fspath(evaluator),)
    setting = Setting(os.fspath(data), images, split, tuple(held_out or ()), seed, readers, progress)
    task, facts = kinds.get(recipe.kind).task(recipe, setting)
    identity, model = {"recipe": recipe.as_dict(), **facts}, out / models.MODEL_FILE
    how: dict[str, Any] = {"progress": progress, "title": recipe.name, "device": device}
    history = training.fit(task, recipe.training, seed=seed, out=out, resume=resume, identity=identity, **how)
    meta = {"kind": recipe.kind, "recipe": recipe.as_dict(), "seed": seed, **facts}
    models.save(model, task.model, meta)
    card = {**meta, "history": history.series, "sha256": tensorfile.file_hash(model)}
    write_json(out / CARD, card)
    return card


def _check_out(out: Path, resume: bool) -> None:
    """Refuse to train over another run without being told to, or where nothing can be written; writes nothing."""
    _refuse_file(out)
    if not resume and any(os.path.exists(out / name) for name in (training.CHECKPOINT, models.MODEL_FILE)):
        hint = "Go on with --resume, or name another folder with --out"
        raise RecipeError("a run lies here already", where=out, hint=hint)
    there = next(folder for folder in (out.absolute(), *out.absolute().parents) if os.path.lexists(folder))
    if not os.path.isdir(there) or not os.access(there, os.W_OK | os.X_OK):
        what = f"cannot write here ({there} is no folder to write to)"
        raise RecipeError(what, where=out, hint="Name another folder")


def _refuse_file(out: Path) -> None:
    if os.path.exists(out) and not os.path.isdir(out):
        raise RecipeError("this is a file; a folder is needed", where=out, hint="Name another folder with --out")


def evaluate(
    run: str | os.PathLike[str],
    data: str | os.PathLike[str],
    *,
    images: str | None = None,
    evaluators: Sequence[str] = ("evaluator", "finetuned"),
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Evaluate a trained model on ``data`` and write ``metrics.json`` and figures into ``out``.

    On the data set that it was trained on, its own test part is used; on any other, all of it. ``out`` is by default
    a folder beside the model, or ``evaluations/NAME`` in the current folder for a shipped one: nothing is ever
    written into the installed package.
    """
    seed, model = recipes.check_seed(seed), models.load(run)
    out = Path(out) if out is not None else _default_out(model, Path(data).resolve().name)
    _refuse_file(out)
    setting = Setting(os.fspath(data), images, seed=seed, evaluators=tuple(evaluators), progress=progress)
    found, pictures = kinds.get(model.kind).evaluate(model, setting)
    head = {"model": str(model.path), "sha256": tensorfile.file_hash(model.path), "seed": seed, "kind": model.kind}
    for name, picture in pictures.items():
        picture.save(out / f"{name}.png")
    result = {**head, **found, "figures": {name: picture.text for name, picture in pictures.items()}}
    write_json(out / "metrics.json", result)
    return {**result, "folder": str(out)}


def _default_out(model: models.Model[Any], data: str) -> Path:
    if model.path.resolve().is_relative_to(models.FOLDER.resolve()):
        return Path("evaluations") / model.path.stem / data
    return model.path.parent / "evaluation" / data
