"""Many trainings at once: each in a process of its own, on one thread, and not again if its file is there."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch

from a2d import training
from a2d.io import atomic, tensorfile
from a2d.lab import models, recipes
from a2d.lab.recipes import Recipe
from teach.closure import code_hash

# Two threads that share two cores with another process are many times slower than one.
JOBS = int(os.environ.get("A2D_JOBS", "2"))


def each(function: Callable[[Any], Any], cells: Sequence[Any]) -> list[Any]:
    """The function's results for all cells, in order; :data:`JOBS` processes, or this one if that is 1."""
    if JOBS == 1:
        return [function(cell) for cell in cells]
    with multiprocessing.get_context("spawn").Pool(JOBS, _one_thread) as pool:
        return pool.map(function, cells, chunksize=1)


@cache
def code_of(module: str, text: str = "") -> str:
    """A hash of the code that a module runs through, of the recipes, and of a ``text``."""
    return code_hash(module, extra=sorted(recipes.FOLDER.glob("*.toml")), text=text)


def remembered(path: Path, code: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What ``make`` gives, as it lies at ``path`` where the same ``code`` (a hash) made it: measured only once."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["code"] == code:
            return dict(found["numbers"])
    numbers = make()
    atomic.write_json(path, {"code": code, "numbers": numbers})
    return numbers


def _one_thread() -> None:
    torch.set_num_threads(1)


def kept(path: Path, recipe: Recipe, task: Any, seed: int) -> Any:
    """The task's network as it lies at ``path``, or trained and put there; for networks that ``models.load`` refuses.

    Those take other features than the course's own.
    """
    meta = json.loads(json.dumps({"recipe": recipe.as_dict(), "seed": seed}))
    if path.is_file():
        tensors, found = tensorfile.load(path)
        if found == meta:
            task.model.load_state_dict(tensors)
            return task.model.eval()
    training.fit(task, recipe.training, seed=seed)
    tensorfile.save(path, task.model.state_dict(), meta)
    return task.model


def trained(path: Path, recipe: Recipe, make_task: Callable[[], Any], seed: int) -> models.Model[Any]:
    """The model at ``path``, trained first if it is not there or was made by another recipe or seed.

    Its history lies in its ``meta``. An interrupted training begins anew.
    """
    meta = json.loads(json.dumps({"kind": recipe.kind, "recipe": recipe.as_dict(), "seed": seed}))
    if path.is_file():
        found = models.load(path)
        if {k: found.meta.get(k) for k in meta} == meta:
            return found
    task = make_task()
    history = training.fit(task, recipe.training, seed=seed)
    models.save(path, task.model, {**meta, "history": history.series})
    print(f"trained {path.parent.name}/{path.stem}", flush=True)
    return models.load(path)
