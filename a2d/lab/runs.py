"""Training and evaluating by recipe: what ``a2d train`` and ``a2d evaluate`` do, as functions.

A run's folder holds ``model.safetensors`` (the trained model with its recipe inside), ``card.json`` (recipe, data,
split, seed, history) and ``checkpoint.safetensors`` (to resume from).
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from a2d import datasets, metrics, training
from a2d.annotation import Annotations
from a2d.errors import DataError, RecipeError
from a2d.evaluator import AccuracyNet, embed, read
from a2d.features import MfccConfig, cached_mfcc_means
from a2d.io import tensorfile
from a2d.io.atomic import write_json
from a2d.io.shipped import shipped
from a2d.lab import models, recipes
from a2d.lab.tasks import ClassifierTask, EvaluatorTask, FinetuneTask, GeneratorTask, ImageVaeTask
from a2d.pairing import Targets
from a2d.vae import AudioVAE, elbo_terms

CARD = "card.json"


# ------------------------------------------------------------------------------------------------ data for a run


@dataclass(frozen=True)
class SpokenSet:
    """Features and digits of a data set with a split: all that a generator or classifier is trained and tested on."""

    data: datasets.SpokenDigits
    features: Tensor
    digits: Tensor
    split: datasets.Split
    how: dict[str, Any]

    def part(self, name: str) -> tuple[Tensor, Tensor]:
        """Features and digits of ``train``, ``val`` or ``test``."""
        indices = torch.from_numpy(getattr(self.split, name))
        return self.features[indices], self.digits[indices]


def spoken_set(
    data: datasets.SpokenDigits,
    config: MfccConfig,
    *,
    split: str = "recording",
    seed: int = 0,
    held_out: list[str] | None = None,
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
        held_out = held_out or datasets.speaker_groups(data.speakers, data.name, seed)[0]
        parts = datasets.split_by_speaker(data.speakers, held_out, seed)
        how["held_out"] = sorted(held_out)
    else:
        raise RecipeError(f"split = {split!r} is unknown", where="--split", hint="Use recording or speaker")
    return SpokenSet(data, features, torch.from_numpy(data.digits), parts, how)


def images_for(data_name: str, images: str | None) -> str:
    """Which handwriting goes with a data set unless told otherwise: its own for the built-in data, else MNIST."""
    return images or ("builtin" if data_name == "builtin" else "mnist")


# --------------------------------------------------------------------------------------------------------- train


def train(
    recipe_name: str,
    data: str,
    out: str | os.PathLike,
    *,
    images: str | None = None,
    split: str = "recording",
    held_out: list[str] | None = None,
    seed: int = 0,
    epochs: int | None = None,
    evaluator: str = "evaluator",
    resume: bool = False,
    progress: bool = True,
) -> dict[str, Any]:
    """Train a recipe into the folder ``out`` and return its card.

    ``data`` is a data set's name or folder; for an evaluator or an image VAE the images' name, for fine-tuning a
    folder of annotations.
    Raises an :class:`~a2d.errors.A2DError` for whatever is wrong with the recipe, data or folder.
    """
    seed, recipe = recipes.check_seed(seed), recipes.load(recipe_name)
    if epochs is not None:
        recipe = replace(recipe, training=replace(recipe.training, epochs=epochs))
    out = Path(out)
    _check_out(out, resume)
    if recipe.kind in ("generator", "classifier"):
        task, facts = _spoken_task(recipe, data, images, split, held_out, seed, evaluator, progress)
    elif recipe.kind in ("evaluator", "image-vae"):
        train_images = datasets.load_images(data)
        if recipe.kind == "evaluator":
            task = EvaluatorTask(train_images, datasets.load_images(data, "test"), seed=seed)
        else:
            task = ImageVaeTask(recipe, train_images, seed=seed)
        facts = {"data": {"name": data, "hash": train_images.content_hash, "n": len(train_images)}}
    else:
        task, facts = _finetune_task(recipe, data, evaluator)
    identity = {"recipe": recipe.as_dict(), **facts}
    history = training.fit(
        task,
        recipe.training,
        seed=seed,
        out=out,
        resume=resume,
        identity=identity,
        progress=progress,
        title=recipe.name,
    )
    meta = {"kind": recipe.kind, "recipe": recipe.as_dict(), "seed": seed, **facts}
    models.save(out / models.MODEL_FILE, task.model, meta)
    card = {**meta, "history": history.series, "sha256": tensorfile.file_hash(out / models.MODEL_FILE)}
    write_json(out / CARD, card)
    return card


def _check_out(out: Path, resume: bool) -> None:
    """Refuse to train over another run without being told to, or where nothing can be written; writes nothing."""
    if os.path.exists(out) and not os.path.isdir(out):
        raise RecipeError("this is a file; a folder is needed", where=out, hint="Name another folder with --out")
    if not resume and any(os.path.exists(out / name) for name in (training.CHECKPOINT, models.MODEL_FILE)):
        raise RecipeError(
            "a run lies here already",
            where=out,
            hint="Go on with --resume, or name another folder with --out",
        )
    there = next(folder for folder in (out.absolute(), *out.absolute().parents) if os.path.lexists(folder))
    if not os.path.isdir(there) or not os.access(there, os.W_OK | os.X_OK):
        raise RecipeError(
            f"cannot write here ({there} is no folder to write to)", where=out, hint="Name another folder"
        )


def _spoken_task(recipe, data, images, split, held_out, seed, evaluator, progress):
    spoken = spoken_set(
        datasets.load_spoken(data),
        recipe.features,
        split=split,
        seed=seed,
        held_out=held_out,
        progress=progress,
    )
    facts: dict[str, Any] = {
        "data": {"name": spoken.data.name, "hash": spoken.data.content_hash, "n": len(spoken.data)},
        "split": spoken.how,
    }
    if recipe.kind == "classifier":
        return ClassifierTask(recipe, *spoken.part("train"), seed=seed, validation=spoken.part("val")), facts
    handwritten = datasets.load_images(images_for(spoken.data.name, images))
    facts["images"] = {"name": handwritten.name, "hash": handwritten.content_hash, "n": len(handwritten)}
    judge = models.load(evaluator, "evaluator", "finetune")
    facts["judge"] = {"sha256": tensorfile.file_hash(judge.path)}
    task = GeneratorTask(
        recipe,
        *spoken.part("train"),
        Targets(handwritten.pixels, handwritten.labels),
        seed=seed,
        validation=spoken.part("val"),
        judge=judge.net,
    )
    return task, facts


def annotations_folder(name_or_folder: str) -> Path:
    """The folder of annotations: ``recorded`` is the set of 100 that comes with the course."""
    if name_or_folder != "recorded":
        return Path(name_or_folder)
    return shipped("annotated")


def _finetune_task(recipe, data, evaluator):
    annotated = Annotations.load(annotations_folder(data))
    pictures, labels, _ = annotated.training_set(recipe.finetune.policy)
    if len(labels) == 0:
        raise DataError("no image has a label that can be learnt", where=data, hint="Annotate some images first")
    base = models.load(evaluator, "evaluator")
    facts = {
        "data": {
            "name": str(data),
            "annotator": annotated.annotator,
            "labels": annotated.kind,
            "hash": hashlib.sha256(pictures.tobytes() + labels.tobytes()).hexdigest(),
            "n": len(labels),
        },
        "base": {"sha256": tensorfile.file_hash(base.path)},
    }
    return FinetuneTask(base.net, pictures, labels), facts


# ------------------------------------------------------------------------------------------------------ evaluate


def judge_generator(
    net: AudioVAE,
    judges: dict[str, AccuracyNet],
    features: Tensor,
    digits: Tensor,
    *,
    seed: int = 0,
    draws: int = 5,
) -> dict[str, Any]:
    """Recognition of a generator's pictures by each judge, for sampled latents (``draws`` of each) and mean latents.

    Returns estimates with bootstrap intervals, and the confusion of the sampled pictures.
    """
    generator = torch.Generator().manual_seed(training.epoch_seed(seed, 10**6))
    sampled = torch.cat([net.draw(features, generator) for _ in range(draws)])
    mean = net.draw(features)
    spoken = digits.numpy()
    out: dict[str, Any] = {}
    for name, judge in judges.items():
        readings = read(judge, sampled).digits
        out[name] = {
            "sampled": metrics.recognition_of_draws(readings.reshape(draws, -1), spoken, seed=seed).as_dict(),
            "mean": metrics.recognition(read(judge, mean).digits, spoken, seed=seed).as_dict(),
            "confusion": metrics.confusion(readings, np.tile(spoken, draws)).tolist(),
        }
    return out


def variety(
    net: AudioVAE,
    judge: AccuracyNet,
    features: Tensor,
    digits: Tensor,
    real: datasets.Images,
    *,
    seed: int = 0,
    real_features: np.ndarray | None = None,
) -> dict[str, float]:
    """Within-class diversity relative to handwriting (evaluator's features and pixels) and Frechet distance.

    As a yardstick the same distance is given between two halves of the handwriting. ``real_features`` are the
    judge's of ``real``, if they are known already.
    """
    generator = torch.Generator().manual_seed(training.epoch_seed(seed, 10**6 + 1))
    rounds = max(1, -(-2000 // len(digits)))
    drawn = torch.cat([net.draw(features, generator) for _ in range(rounds)])
    labels = np.tile(digits.numpy(), rounds)
    fake = embed(judge, drawn)
    true = embed(judge, real.pixels) if real_features is None else real_features
    half = np.random.default_rng(seed).permutation(len(true))
    a, b = half[: len(half) // 2], half[len(half) // 2 :]
    pixels = real.pixels.reshape(len(real), -1) / 255.0
    flat = drawn.reshape(len(drawn), -1).numpy()
    return {
        "diversity": metrics.diversity(fake, labels, true, real.labels, seed=seed),
        "pixel_diversity": metrics.diversity(flat, labels, pixels, real.labels, seed=seed),
        "frechet": metrics.frechet_distance(fake, true),
        "frechet_of_two_halves": metrics.frechet_distance(true[a], true[b]),
    }


def evaluate(
    run: str | os.PathLike,
    data: str,
    *,
    images: str | None = None,
    evaluators: tuple[str, ...] = ("evaluator", "finetuned"),
    seed: int = 0,
    out: str | os.PathLike | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Evaluate a trained model on ``data`` and write ``metrics.json`` and figures into ``out``.

    On the data set that it was trained on, its own test part is used; on any other, all of it.
    """
    seed, model = recipes.check_seed(seed), models.load(run)
    out = Path(out) if out is not None else (model.path.parent / "evaluation" / Path(data).resolve().name)
    if os.path.exists(out) and not os.path.isdir(out):
        raise RecipeError("this is a file; a folder is needed", where=out, hint="Name another folder with --out")
    if model.kind in ("evaluator", "finetune"):
        result, pictures = _evaluate_reader(model, data, seed)
    elif model.kind == "image-vae":
        result, pictures = _evaluate_image_vaes(model, data, seed), {}
    else:
        result, pictures = _evaluate_spoken(model, data, images, evaluators, seed, progress)
    result = {"model": str(model.path), "sha256": tensorfile.file_hash(model.path), "seed": seed, **result}
    for name, picture in pictures.items():
        picture.save(out / f"{name}.png")
    result["figures"] = {name: picture.text for name, picture in pictures.items()}
    write_json(out / "metrics.json", result)
    return {**result, "folder": str(out)}


def _evaluate_reader(model: models.Model, data: str, seed: int):
    from a2d import figures

    images = datasets.load_images(data, "test")
    reading = read(model.net, images.pixels)
    table = metrics.confusion(reading.digits, images.labels)
    estimate = metrics.recognition(reading.digits, images.labels, seed=seed)
    result = {"kind": model.kind, "data": {"name": data, "part": "test", "n": len(images)}}
    result |= {"accuracy": estimate.as_dict(), "confusion": table.tolist()}
    return result, {"confusion": figures.confusion_matrix(table, title="handwritten and read digits")}


def _evaluate_image_vaes(model: models.Model, data: str, seed: int) -> dict[str, Any]:
    """The terms of the ELBO on test images, for each model of the sweep with the same noise."""
    images = datasets.load_images(data, "test")
    pixels = torch.tensor(images.pixels).float() / 255
    terms = {}
    for vae in model.net.vaes:
        generator = torch.Generator().manual_seed(training.epoch_seed(seed, 10**6))
        terms[f"beta {vae.config.beta:g}"] = elbo_terms(vae, pixels, generator)
    return {"kind": model.kind, "data": {"name": data, "part": "test", "n": len(images)}, "terms": terms}


def _test_part(model: models.Model, data: str, progress: bool) -> tuple[datasets.SpokenDigits, Tensor, Tensor, str]:
    """The recordings to test on: the model's own test part, or all of a data set that it has not seen."""
    spoken = datasets.load_spoken(data)
    if spoken.content_hash == model.meta.get("data", {}).get("hash"):
        how = model.meta["split"]
        own = spoken_set(
            spoken, model.features, split=how["by"], seed=how["seed"], held_out=how.get("held_out"), progress=progress
        )
        return spoken, *own.part("test"), "test"
    features = torch.from_numpy(cached_mfcc_means(spoken, model.features, progress=progress))
    return spoken, features, torch.from_numpy(spoken.digits), "all"


def _evaluate_spoken(model, data, images, evaluators, seed, progress):
    from a2d import figures

    spoken, features, digits, part = _test_part(model, data, progress)
    result: dict[str, Any] = {
        "kind": model.kind,
        "data": {"name": spoken.name, "hash": spoken.content_hash, "part": part, "n": len(digits)},
    }
    if model.kind == "classifier":
        named = model.net.predict(features).numpy()
        table = metrics.confusion(named, digits.numpy())
        result["accuracy"] = metrics.recognition(named, digits.numpy(), seed=seed).as_dict()
        return result, {"confusion": figures.confusion_matrix(table, title="spoken and named digits")}
    names = [n for n in evaluators if n not in ("evaluator", "finetuned") or n in models.names()]
    judges = {n: models.load(n, "evaluator", "finetune").net for n in names}
    if not judges:
        raise RecipeError("there is no evaluator to judge by", where="--evaluator", hint="Train one first")
    result["recognition"] = judge_generator(model.net, judges, features, digits, seed=seed)
    real = datasets.load_images(images_for(spoken.name, images), "test")
    first = next(iter(judges))
    result["variety"] = variety(model.net, judges[first], features, digits, real, seed=seed)
    return result, _pictures(model, judges[first], features, digits, seed, result["recognition"][first]["confusion"])


def _pictures(model, judge, features, digits, seed, table):
    """The report's figures (R14) for one generator."""
    from a2d import figures

    generator = torch.Generator().manual_seed(training.epoch_seed(seed, 10**6 + 2))
    some = torch.from_numpy(np.random.default_rng(seed).choice(len(digits), min(32, len(digits)), replace=False))
    drawn = model.net.draw(features[some], generator)
    reading = read(judge, drawn)
    pictures = {
        "batch": figures.batch(drawn.numpy(), digits[some].numpy(), reading.digits, reading.confidence),
        "confusion": figures.confusion_matrix(np.array(table), title="spoken and read digits"),
    }
    if (grid := _class_grid(model.net, features, digits, generator)) is not None:
        pictures["grid"] = figures.grid(grid)
    card = _card_of(model)
    if "accuracy" in card.get("history", {}):
        pictures["accuracy"] = figures.accuracy_while_training({"validation": card["history"]["accuracy"]})
    if "kl" in card.get("history", {}):
        pictures["loss"] = figures.loss_terms({k: card["history"][k] for k in ("reconstruction", "kl")})
    return pictures


def _class_grid(net, features, digits, generator, columns: int = 16):
    """Drawings by class, ``(10, columns, 28, 28)``; None if a class is not spoken."""
    rows = []
    for c in range(10):
        members = torch.nonzero(digits == c)[:, 0]
        if len(members) == 0:
            return None
        rows.append(net.draw(features[members.repeat(-(-columns // len(members)))[:columns]], generator))
    return torch.stack(rows).numpy()


def _card_of(model: models.Model) -> dict[str, Any]:
    """The card beside a model, or nothing: figures of the training are left out without it."""
    import json

    path = model.path.parent / CARD if model.path.name == models.MODEL_FILE else model.path.with_suffix(".json")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
