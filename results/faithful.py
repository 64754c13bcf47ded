"""The report's protocol (R4, R10-R13), run as the report ran it, on five fresh seeds and on speakers never heard.

The main rows are the report's own choices: recipe ``report-plain``, read by the evaluator of PyTorch's example,
untouched and with its last two layers fine-tuned on 100 drawings of validation recordings. Beside them the improved
recipe ``report``, the second evaluator, and the MLP that hears the digit; :func:`spread` adds the other trainings of
both evaluators.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from a2d import datasets, metrics, training
from a2d.evaluator import AccuracyNet, normalise, read
from a2d.lab import models, recipes, runs
from a2d.lab.kinds.classifier import ClassifierRecipe, ClassifierTask
from a2d.lab.kinds.evaluator import FinetuneTask
from a2d.lab.kinds.generator import Draws, GeneratorRecipe, GeneratorTask
from a2d.pairing import Targets
from results import evaluators, pool

# Fresh: nothing in the course was chosen or looked at on these seeds.
SEEDS = (20, 21, 22, 23, 24)
# Speakers held out: what varies is the speaker, not the seed.
SPEAKER_SEEDS = SEEDS[:2]
GENERATORS = ("report-plain", "report")
N_ANNOTATED = 100
# The ink of a drawing times this, cut off at 1: what faintness alone costs (exercise 6.5).
CLEARER = 1.5
# After how many epochs a training of the report's generator is looked at (R13: "rises gradually").
LOOKS = (1, 2, 3, 5, 8, 12, 20, 30, 45, 60)


def splits() -> tuple[str, ...]:
    """How the recordings are split: at random, or with one speaker held out."""
    return ("recording", *datasets.load_spoken("fsdd").speaker_names)


def spoken_set(recipe: GeneratorRecipe | ClassifierRecipe, seed: int, split: str) -> runs.SpokenSet:
    """FSDD with the split of a cell."""
    data = datasets.load_spoken("fsdd")
    if split == "recording":
        return runs.spoken_set(data, recipe.features, seed=seed)
    return runs.spoken_set(data, recipe.features, split="speaker", seed=seed, held_out=[split])


def images_to_annotate(
    net: Draws, features: Tensor, digits: Tensor, *, seed: int, n: int = N_ANNOTATED
) -> tuple[np.ndarray, np.ndarray]:
    """``n`` sampled drawings of random recordings, uint8 ``(n, 28, 28)``, and the spoken digits ``(n,)``."""
    rng = np.random.default_rng([seed, 12])
    chosen = torch.from_numpy(rng.choice(len(digits), n, replace=len(digits) < n))
    drawn = net.draw(features[chosen], training.stream(seed, "annotated"))
    return (drawn * 255).round().to(torch.uint8).numpy(), digits[chosen].numpy()


# ------------------------------------------------------------------------------------------------------------ training


def _train(cell: tuple[Path, str, int, str]) -> None:
    _, name, seed, split = cell
    recipe = recipes.load(name)
    assert isinstance(recipe, GeneratorRecipe | ClassifierRecipe)

    def task() -> training.Task:
        spoken = spoken_set(recipe, seed, split)
        if isinstance(recipe, ClassifierRecipe):
            return ClassifierTask(recipe, *spoken.part("train"), seed=seed)
        images = datasets.load_images("mnist")
        return GeneratorTask(recipe, *spoken.part("train"), Targets(images.pixels, images.labels), seed=seed)

    pool.trained(path_of(*cell), recipe, task, seed)


def path_of(work: Path, name: str, seed: int, split: str) -> Path:
    """Where the model of a cell lies."""
    return work / "protocol" / f"{split}-{seed}" / f"{name}.safetensors"


def train_all(work: Path) -> None:
    """Train generators and audio MLPs with each seed, split at random and with each speaker held out."""
    # One computes the features, and the others find them in the cache.
    runs.spoken_set(datasets.load_spoken("fsdd"), recipes.load_as(GeneratorRecipe, "report").features)
    names = ("audio-mlp", *GENERATORS)
    pool.each(_train, [(work, name, seed, split) for split in splits() for name in names for seed in seeds_of(split)])


def seeds_of(split: str) -> tuple[int, ...]:
    """The seeds with which a split is trained."""
    return SEEDS if split == "recording" else SPEAKER_SEEDS


# ------------------------------------------------------------------------------------------------------------- reading


class Reader:
    """The evaluators, and what they make of MNIST's test images; the frozen convolutions are run once for all."""

    def __init__(self, work: Path):
        self.test = datasets.load_images("mnist", "test")
        self.nets = {recipe: evaluators.first(work, recipe) for recipe in evaluators.RECIPES}
        parts = torch.tensor(self.test.pixels).split(500)
        with torch.inference_mode():
            self._convolved = {
                recipe: torch.cat([net.convolve(normalise(part)) for part in parts])
                for recipe, net in self.nets.items()
            }

    def on_mnist(self, net: AccuracyNet, recipe: str) -> np.ndarray:
        """Which of MNIST's test images are read right, ``(10000,)``; ``net`` has the convolutions of the recipe's."""
        with torch.inference_mode():
            return net.classify(self._convolved[recipe]).argmax(-1).numpy() == self.test.labels

    def errors_by_digit(self, hits: np.ndarray) -> list[int]:
        """How many of MNIST's test images of each digit are misread."""
        return [int((~hits[self.test.labels == c]).sum()) for c in range(10)]


def finetuned(net: AccuracyNet, pictures: np.ndarray, labels: np.ndarray, seed: int) -> AccuracyNet:
    """A copy of an evaluator with its last two layers fine-tuned on labelled drawings."""
    task = FinetuneTask(net, pictures, labels)
    training.fit(task, recipes.load("finetuned").training, seed=seed)
    return task.model


def _cell(work: Path, reader: Reader, name: str, seed: int, split: str) -> dict[str, Any]:
    """One generator, read by the shipped training of both evaluators, before and after fine-tuning."""
    model = models.load_generator(path_of(work, name, seed, split))
    mlp = models.load(path_of(work, "audio-mlp", seed, split)).net
    spoken = spoken_set(recipes.load_as(GeneratorRecipe, name), seed, split)
    features, digits = spoken.part("test")
    pictures, labels = images_to_annotate(model.net, *spoken.part("val"), seed=seed)
    nets: dict[str, AccuracyNet] = {}
    numbers: dict[str, float] = {"audio_mlp": float((mlp.predict(features) == digits).float().mean())}
    forgotten: dict[str, Any] = {}
    for recipe, before in reader.nets.items():
        after = finetuned(before, pictures, labels, seed)
        nets |= {f"{recipe}_untouched": before, f"{recipe}_finetuned": after}
        for when, net in (("untouched", before), ("finetuned", after)):
            hits = reader.on_mnist(net, recipe)
            numbers[f"{recipe}_{when}_on_mnist"] = float(hits.mean())
            forgotten[f"{recipe}_{when}"] = reader.errors_by_digit(hits)
    for reading, by in runs.read_drawings(model.net, nets, features, digits, seed=seed).items():
        numbers |= {f"{reading}_{latent}": by[latent]["value"] for latent in ("sampled", "mean")}
    if split == "recording":
        numbers |= runs.variety(model.net, reader.nets["evaluator"], features, digits, reader.test, seed=seed)
    return {"numbers": numbers, "mnist_errors_by_digit": forgotten}


@dataclass(frozen=True)
class Clearer:
    """A generator whose drawings are made clearer, by :data:`CLEARER`."""

    net: Draws

    def draw(self, features: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """As the generator's, with more ink."""
        return (CLEARER * self.net.draw(features, rng)).clamp(0, 1)


def _grid(cell: tuple[Path, str, int]) -> dict[str, list[dict[str, float]]]:
    """One generator, read by all trainings of both evaluators: as it is, clearer, and fine-tuned (sampled latents)."""
    work, name, seed = cell
    model = models.load_generator(path_of(work, name, seed, "recording"))
    spoken = spoken_set(recipes.load_as(GeneratorRecipe, name), seed, "recording")
    pictures, labels = images_to_annotate(model.net, *spoken.part("val"), seed=seed)
    found: dict[str, list[dict[str, float]]] = {}
    for recipe in evaluators.RECIPES:
        for net in evaluators.nets(work, recipe):
            both = {"untouched": net, "finetuned": finetuned(net, pictures, labels, seed)}
            read_by = runs.read_drawings(model.net, both, *spoken.part("test"), seed=seed)
            read_by |= runs.read_drawings(Clearer(model.net), {"clearer": net}, *spoken.part("test"), seed=seed)
            found.setdefault(recipe, []).append({when: by["sampled"]["value"] for when, by in read_by.items()})
    return found


def spread(work: Path) -> dict[str, Any]:
    """How much is the evaluator's own chance: the generators of the protocol, read by five trainings of each recipe.

    By generator and evaluator: ``untouched``, the same with the drawings made ``clearer``, and ``finetuned``; a row for
    each generator, a column for each training.
    """
    found: dict[str, Any] = {"evaluator_seeds": list(evaluators.SEEDS), "clearer": CLEARER}
    for name in GENERATORS:
        grids = pool.each(_grid, [(work, name, seed) for seed in SEEDS])
        found[name] = {
            recipe: {
                when: [[row[when] for row in grid[recipe]] for grid in grids]
                for when in ("untouched", "clearer", "finetuned")
            }
            for recipe in evaluators.RECIPES
        }
    return found


def _curve(cell: tuple[Path, int]) -> dict[str, Any]:
    """Accuracy during a training of the report's generator, by the untouched and the finally fine-tuned evaluator."""
    work, seed = cell
    recipe = recipes.load_as(GeneratorRecipe, "report-plain")
    spoken, images = spoken_set(recipe, seed, "recording"), datasets.load_images("mnist")
    task = GeneratorTask(recipe, *spoken.part("train"), Targets(images.pixels, images.labels), seed=seed)
    looks: dict[int, Any] = {}

    def look(epoch: int, numbers: dict[str, float]) -> None:
        if epoch + 1 in LOOKS:
            looks[epoch + 1] = copy.deepcopy(task.model).eval()

    training.fit(task, recipe.training, seed=seed, on_epoch=look)
    net = evaluators.first(work, "evaluator")
    after = finetuned(net, *images_to_annotate(task.model, *spoken.part("val"), seed=seed), seed)
    features, digits = spoken.part("test")
    curve: dict[str, list[float]] = {"untouched": [], "finetuned": []}
    for model in looks.values():
        drawn = model.draw(features, training.stream(seed, "reading"))
        for when, reader in (("untouched", net), ("finetuned", after)):
            curve[when].append(float((read(reader, drawn).digits == digits.numpy()).mean()))
    return curve


# ------------------------------------------------------------------------------------------------------------- the file


def over_speakers(values: dict[str, list[float]]) -> dict[str, Any]:
    """Numbers by speaker held out (each a list over seeds): their mean, with Student's 95 % interval over speakers.

    The interval speaks for a speaker never heard; seeds only make each speaker's number steadier.
    """
    each = {speaker: float(np.mean(of_seeds)) for speaker, of_seeds in values.items()}
    x = np.array(list(each.values()))
    half = float(stats.t.ppf(0.975, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x)))
    spread = {"sd": float(x.std(ddof=1)), "low": float(x.mean()) - half, "high": float(x.mean()) + half}
    return {"mean": float(x.mean()), **spread, "n": len(x), "by_speaker": each}


def overlap() -> dict[str, Any]:
    """How much the test parts of the seeds have in common: they are drawn from the same recordings."""
    data = datasets.load_spoken("fsdd")
    tests = [set(datasets.split_by_recording(len(data), seed).test.tolist()) for seed in SEEDS]
    pairs = [len(a & b) for n, a in enumerate(tests) for b in tests[n + 1 :]]
    return {
        "recordings": len(data),
        "in_a_test_part": len(tests[0]),
        "different_in_all": len(set().union(*tests)),
        "shared_by_two": {"mean": float(np.mean(pairs)), "min": min(pairs), "max": max(pairs)},
        "speakers": len(data.speaker_names),
    }


def _cells_of(work: Path, reader: Reader, name: str) -> Iterator[tuple[str, int, dict[str, Any]]]:
    for split in splits():
        for seed in seeds_of(split):
            yield split, seed, _cell(work, reader, name, seed, split)
            print(f"read {name}, {split}, seed {seed}", flush=True)


def measure(work: Path) -> dict[str, Any]:
    """All numbers of the protocol, by generator's recipe."""
    reader = Reader(work)
    found: dict[str, Any] = {}
    for name in GENERATORS:
        numbers: dict[str, dict[str, list[float]]] = {}
        errors: dict[str, list[list[int]]] = {}
        for split, _, cell in _cells_of(work, reader, name):
            for key, value in cell["numbers"].items():
                numbers.setdefault(key, {}).setdefault(split, []).append(value)
            if split == "recording":
                for key, by_digit in cell["mnist_errors_by_digit"].items():
                    errors.setdefault(key, []).append(by_digit)
        speakers = [s for s in splits() if s != "recording"]
        found[name] = {
            "recording": {key: metrics.mean_and_spread(of["recording"]) for key, of in numbers.items()},
            "speaker": {
                key: over_speakers({s: of[s] for s in speakers}) for key, of in numbers.items() if speakers[0] in of
            },
            "mnist_errors_by_digit": errors,
        }
    curves = pool.each(_curve, [(work, seed) for seed in SEEDS])
    about = (
        "recording: mean and sd over five seeds; speaker: mean over six speakers held out in turn (two seeds each), "
        "with Student's 95 % interval over speakers; sampled: mean of five drawings of each recording; the "
        "labels of the 100 are the spoken digits"
    )
    settings = {name: asdict(recipes.load(name).training) for name in (*GENERATORS, "audio-mlp", "finetuned")}
    return {
        "about": about,
        "training": settings,
        "n_annotated": N_ANNOTATED,
        "overlap": overlap(),
        "while_training": {"epochs": list(LOOKS), "by_seed": curves},
        **found,
    }
