"""Retrain every shipped weight and rewrite every results file from real data: ``make reproduce``.

``python -m results.reproduce [STEP...]`` runs the steps named, or all in order. Work lies in ``build/reproduce/`` and
is resumed; delete that folder to begin anew. It needs FSDD and MNIST (``a2d data fetch fsdd mnist``) and about two
hours on two cores.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from a2d import annotation, datasets, metrics, training
from a2d.errors import A2DError, DataError
from a2d.evaluator import AccuracyNet, normalise, read
from a2d.io import tensorfile
from a2d.io.atomic import write_bytes, write_json, write_text
from a2d.lab import models, recipes, runs
from a2d.lab.kinds.classifier import ClassifierRecipe, ClassifierTask
from a2d.lab.kinds.evaluator import FinetuneTask
from a2d.lab.kinds.generator import Draws, GeneratorRecipe, GeneratorTask
from a2d.pairing import Targets
from results import comparisons, staleness, tables
from results.tables import RESULTS, ROOT

WORK = ROOT / "build" / "reproduce"
SEEDS = (0, 1, 2, 3, 4)
N_ANNOTATED = 100
# What the numbers depend on; a results file says whether any of it was changed after the commit that it names.
SOURCES = ("a2d", "results/*.py", "data/builtin", "data/annotated")


# ------------------------------------------------------------------------------------------------------- results


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def write_results(name: str, step: str, seeds: list[int], data: dict[str, Any], result: dict[str, Any]) -> None:
    """Write ``results/NAME.json``: the command, seeds, data and commit first, then what was measured."""
    head = {
        "command": f"python -m results.reproduce {step}",
        "commit": _git("rev-parse", "HEAD"),
        "code": staleness.code_of(step),
        "uncommitted_changes": bool(_git("status", "--porcelain", "--", *SOURCES)),
        "torch": torch.__version__,
        "seeds": seeds,
        "data": data,
    }
    write_json(RESULTS / f"{name}.json", {**head, **result})
    print(f"wrote results/{name}.json")


def write_pictures(name: str, pictures: torch.Tensor) -> None:
    """Write ``results/NAME.png``: pictures ``(rows, columns, 28, 28)`` in [0, 1], 28 pixels each, no gaps."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(comparisons.strips(pictures)).save(stream, format="PNG", optimize=True)
    write_bytes(RESULTS / f"{name}.png", stream.getvalue())
    print(f"wrote results/{name}.png")


def ship(run: Path, name: str, command: str, figures: dict[str, Any]) -> None:
    """Put a run's model among the shipped weights, in half precision, with its card."""
    model = models.load(run)
    card = json.loads((run / runs.CARD).read_text(encoding="utf-8"))
    path = models.FOLDER / f"{name}.safetensors"
    models.save(path, model.net, model.meta, half=True)
    facts = {k: v for k, v in card.items() if k not in ("sha256", "history")}
    text = {
        "name": name,
        "about": model.meta["recipe"]["about"],
        "command": command,
        "stored_as": "float16",
        "licence": "MIT",
        **facts,
        "history": {k: [float(f"{v:.6g}") for v in values] for k, values in card["history"].items()},
        "figures": figures,
        "sha256": tensorfile.file_hash(path),
    }
    write_json(models.FOLDER / f"{name}.json", text)
    print(f"shipped {name}: {figures}")


def _accuracy_on_mnist(net: AccuracyNet) -> dict[str, Any]:
    test = datasets.load_images("mnist", "test")
    return metrics.recognition(read(net, test.pixels).digits, test.labels).as_dict()


# --------------------------------------------------------------------------------------------------------- steps


def evaluator() -> None:
    """Train the evaluator, and beside it the same network as PyTorch's example trains it; compare how they read."""
    for recipe in ("evaluator", "evaluator-adadelta"):
        runs.train(recipe, "mnist", WORK / recipe, resume=True, progress=sys.stderr.isatty())
    net = models.load(WORK / "evaluator").net
    ship(
        WORK / "evaluator",
        "evaluator",
        "a2d train evaluator --data mnist --out RUN",
        {"mnist_test_accuracy": _accuracy_on_mnist(net)["value"]},
    )
    rows = {}
    for recipe in ("evaluator", "evaluator-adadelta"):
        model = models.load(WORK / recipe)
        rows[recipe] = {
            "mnist_test": _accuracy_on_mnist(model.net),
            "by_epoch": json.loads((WORK / recipe / runs.CARD).read_text())["history"]["test_accuracy"],
            "reads_class_means": _reads_class_means(model.net),
        }
    shipped = models.load("evaluator").net
    rows["evaluator"]["mnist_test_as_shipped_float16"] = _accuracy_on_mnist(shipped)
    write_results("evaluator", "evaluator", [0], {"mnist": datasets.load_images("mnist").content_hash}, rows)


def _reads_class_means(net: AccuracyNet) -> dict[str, Any]:
    """What an evaluator makes of the ten class means of MNIST, the pictures that a pixel-wise loss asks for."""
    images = datasets.load_images("mnist")
    reading = read(net, Targets(images.pixels, images.labels).means())
    return {"read": reading.digits.tolist(), "confidence": [round(float(c), 3) for c in reading.confidence]}


def report() -> None:
    """Train the shipped generators: the report's on FSDD, and one on the built-in recordings (for the lectures)."""
    for name, data in (("report", "fsdd"), ("report-builtin", "builtin")):
        out = WORK / name
        runs.train("report", data, out, images="mnist", resume=True, progress=sys.stderr.isatty())
        result = runs.evaluate(out, data, images="mnist", evaluators=("evaluator",), out=out / "evaluation")
        reading = result["recognition"]["evaluator"]
        figures = {f"read_{k}_latent": reading[k]["value"] for k in ("sampled", "mean")}
        ship(out, name, f"a2d train report --data {data} --images mnist --out RUN", figures)


def annotate() -> None:
    """Draw the 100 images to annotate, from validation recordings, if they are not there yet.

    The labels are the one thing here that no command makes: see data/README.md for who read them.
    """
    folder = runs.annotations_folder("recorded")
    if (folder / "labels.json").is_file():
        print(f"kept {folder.relative_to(ROOT)}: labels are read once, by eye")
        return
    model = models.load(WORK / "report")
    spoken = runs.spoken_set(datasets.load_spoken("fsdd"), model.features)
    images, digits = images_to_annotate(model.net, *spoken.part("val"), seed=0)
    draft = annotation.Annotations(
        images=images,
        labels=digits.tolist(),
        spoken=digits.tolist(),
        annotator="nobody",
        kind="spoken-class",
        note="Draft: every label is the spoken class. Nobody has looked at the images.",
    )
    draft.save(WORK / "to-annotate")
    print(f"drew {len(images)} images into {WORK / 'to-annotate'}; label them with a2d.widgets.annotator")


def images_to_annotate(
    net: Draws, features: torch.Tensor, digits: torch.Tensor, *, seed: int, n: int = N_ANNOTATED
) -> tuple[np.ndarray, np.ndarray]:
    """``n`` sampled drawings of random recordings, uint8 ``(n, 28, 28)``, and the spoken digits ``(n,)``."""
    rng = np.random.default_rng([seed, 12])
    chosen = torch.from_numpy(rng.choice(len(digits), n, replace=len(digits) < n))
    drawn = net.draw(features[chosen], training.stream(seed, "annotated"))
    return (drawn * 255).round().to(torch.uint8).numpy(), digits[chosen].numpy()


def finetuned() -> None:
    """Fine-tune the evaluator on the recorded labels, by each policy, and measure what that does to it (R12)."""
    annotated = annotation.Annotations.load(runs.annotations_folder("recorded"))
    judge, model = models.load("evaluator").net, models.load("report")
    spoken = runs.spoken_set(datasets.load_spoken("fsdd"), model.features)
    features, digits = spoken.part("test")
    recipe = recipes.load("finetuned")
    rows: dict[str, Any] = {"untouched": _judge_row(judge, model.net, features, digits)}
    for policy in ("spoken", "readable", "labels"):
        pictures, labels, kept = annotated.training_set(policy)
        task = FinetuneTask(judge, pictures, labels)
        training.fit(task, recipe.training, seed=0)
        row = _judge_row(task.model, model.net, features, digits)
        wrong = int((np.asarray(annotated.spoken)[kept] != labels).sum())
        rows[policy] = {"n": len(labels), "labels_other_than_spoken": wrong, **row}
    runs.train("finetuned", "recorded", WORK / "finetuned", resume=True, progress=sys.stderr.isatty())
    net = models.load(WORK / "finetuned").net
    figures = {"mnist_test_accuracy": _accuracy_on_mnist(net)["value"]}
    reading = runs.read_drawings(model.net, {"finetuned": net}, features, digits)["finetuned"]
    figures |= {f"reads_report_{k}_latent": reading[k]["value"] for k in ("sampled", "mean")}
    ship(WORK / "finetuned", "finetuned", "a2d train finetuned --data recorded --out RUN", figures)
    who = {"annotator": annotated.annotator, "kind": annotated.kind, "note": annotated.note}
    counts = {"unreadable": sum(label == annotation.UNREADABLE for label in annotated.labels), "n": len(annotated)}
    data = {"fsdd": spoken.data.content_hash, "labels": who}
    other = _judge_row(models.load(WORK / "evaluator-adadelta").net, model.net, features, digits)
    found = {"labels": counts, "policies": rows, "evaluator-adadelta": other}
    write_results("finetuning", "finetuned", [0], data, found)


def _judge_row(judge: AccuracyNet, net: Draws, features: torch.Tensor, digits: torch.Tensor) -> dict[str, Any]:
    reading = runs.read_drawings(net, {"judge": judge}, features, digits)["judge"]
    return {"sampled": reading["sampled"], "mean": reading["mean"], "mnist_test": _accuracy_on_mnist(judge)}


# ------------------------------------------------------------------------------------------------ the protocol


def _cells() -> list[tuple[int, str]]:
    """All runs of the protocol: every seed with the recording split, and with each speaker held out."""
    speakers = datasets.load_spoken("fsdd").speaker_names
    return [(seed, split) for split in ("recording", *speakers) for seed in SEEDS]


def _protocol_set(recipe: GeneratorRecipe | ClassifierRecipe, seed: int, split: str) -> runs.SpokenSet:
    data = datasets.load_spoken("fsdd")
    if split == "recording":
        return runs.spoken_set(data, recipe.features, seed=seed)
    return runs.spoken_set(data, recipe.features, split="speaker", seed=seed, held_out=[split])


def _train_cell(cell: tuple[int, str]) -> None:
    """Train generator and audio MLP of one run, unless they lie there already."""
    torch.set_num_threads(1)
    seed, split = cell
    folder = WORK / "protocol" / f"{split}-{seed}"
    images = datasets.load_images("mnist")
    for name in ("report", "audio-mlp"):
        path, recipe = folder / f"{name}.safetensors", recipes.load(name)
        assert isinstance(recipe, GeneratorRecipe | ClassifierRecipe)
        if path.is_file() and tensorfile.load(path)[1].get("recipe") == json.loads(json.dumps(recipe.as_dict())):
            continue
        spoken = _protocol_set(recipe, seed, split)
        task: training.Task
        if isinstance(recipe, GeneratorRecipe):
            targets = Targets(images.pixels, images.labels)
            task = GeneratorTask(recipe, *spoken.part("train"), targets, seed=seed)
        else:
            task = ClassifierTask(recipe, *spoken.part("train"), seed=seed)
        training.fit(task, recipe.training, seed=seed)
        models.save(path, task.model, {"kind": recipe.kind, "recipe": recipe.as_dict(), "seed": seed, "split": split})
    print(f"trained {split}, seed {seed}", flush=True)


def train_protocol(jobs: int = 2) -> None:
    """Train all runs of the report's protocol, ``jobs`` at a time, each on one core."""
    runs.spoken_set(
        datasets.load_spoken("fsdd"), recipes.load_as(GeneratorRecipe, "report").features
    )  # fill the cache once
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for _ in pool.imap_unordered(_train_cell, _cells()):
            pass


def judge_protocol() -> None:
    """Judge all runs: untouched and fine-tuned evaluator, sampled and mean latent, and the audio MLP beside them."""
    judge = models.load("evaluator").net
    test = datasets.load_images("mnist", "test")
    with torch.inference_mode():  # the convolutions are frozen: what they make of MNIST is computed once
        convolved = torch.cat([judge.convolve(normalise(part)) for part in torch.tensor(test.pixels).split(500)])
    rows = [_judge_cell(cell, judge, convolved, test) for cell in _cells()]
    names = list(rows[0]["numbers"])
    by_split: dict[str, Any] = {}
    for split in dict.fromkeys(r["split"] for r in rows):
        of_split = [r["numbers"] for r in rows if r["split"] == split]
        by_split[split] = {n: metrics.mean_and_spread([r[n] for r in of_split]) for n in names if n in of_split[0]}
    held_out = [r for r in rows if r["split"] != "recording"]
    over_speakers = {
        n: metrics.mean_and_spread(
            [float(np.mean([r["numbers"][n] for r in held_out if r["seed"] == seed])) for seed in SEEDS]
        )
        for n in names
        if n in held_out[0]["numbers"]
    }
    by_split = {"recording": by_split.pop("recording"), "speaker": over_speakers, "speakers": by_split}
    about = "mean and sd are over five seeds; 'speaker' is the mean over the six speakers held out in turn"
    data = {"fsdd": datasets.load_spoken("fsdd").content_hash, "mnist": datasets.load_images("mnist").content_hash}
    settings = {name: asdict(recipes.load(name).training) for name in ("report", "audio-mlp", "finetuned")}
    out = {"about": about, "training": settings, "labels_of_the_100": "spoken class, not a human's", **by_split}
    write_results("protocol", "protocol", list(SEEDS), data, out)


def _judge_cell(
    cell: tuple[int, str], judge: AccuracyNet, convolved: torch.Tensor, test: datasets.Images
) -> dict[str, Any]:
    seed, split = cell
    folder = WORK / "protocol" / f"{split}-{seed}"
    model, mlp = models.load_generator(folder / "report.safetensors"), models.load(folder / "audio-mlp.safetensors")
    recipe = recipes.load_as(GeneratorRecipe, "report")
    spoken = _protocol_set(recipe, seed, split)
    features, digits = spoken.part("test")
    pictures, labels = images_to_annotate(model.net, *spoken.part("val"), seed=seed)
    task = FinetuneTask(judge, pictures, labels)
    training.fit(task, recipes.load("finetuned").training, seed=seed)
    judged = runs.read_drawings(model.net, {"untouched": judge, "finetuned": task.model}, features, digits)
    numbers = {f"{j}_{k}": judged[j][k]["value"] for j in ("untouched", "finetuned") for k in ("sampled", "mean")}
    numbers["audio_mlp"] = float((mlp.net.predict(features) == digits).float().mean())
    with torch.inference_mode():
        hits = task.model.classify(convolved).argmax(-1).numpy() == test.labels
    numbers["finetuned_on_mnist"] = float(hits.mean())
    if split == "recording":
        numbers |= runs.variety(model.net, judge, features, digits, test, seed=seed)
    print(f"judged {split}, seed {seed}: {numbers}", flush=True)
    return {"seed": seed, "split": split, "numbers": numbers}


def protocol() -> None:
    """The report's protocol with five seeds (R4, R10-R13), on recordings and on speakers never heard."""
    train_protocol()
    judge_protocol()


# ------------------------------------------------------------------------------------------------ the comparisons


def _hashes(*names: str) -> dict[str, str]:
    """Content hashes of data sets; ``mnist-test`` is MNIST's test part."""
    load: dict[str, Callable[[], datasets.SpokenDigits | datasets.Images]] = {
        "fsdd": lambda: datasets.load_spoken("fsdd"),
        "mnist": lambda: datasets.load_images("mnist"),
        "mnist-test": lambda: datasets.load_images("mnist", "test"),
    }
    return {name: load[name]().content_hash for name in names}


def beta() -> None:
    """Train image VAEs for several betas and likelihoods; ship those with two latent dimensions (lecture 03)."""
    run = WORK / "beta-sweep"
    runs.train("beta-sweep", "mnist", run, resume=True, progress=sys.stderr.isatty())
    sweep = models.load(run).net.half().float()  # as it is shipped
    found = comparisons.beta_sweeps(sweep, WORK / "beta")
    keys = ("reconstruction", "kl", "negative_elbo", "active_units")
    figures = {f"beta {b}": {k: row[k] for k in keys} for b, row in found["latent 2"].items()}
    ship(run, "beta-sweep", "a2d train beta-sweep --data mnist --out RUN", figures)
    data = _hashes("mnist", "mnist-test")
    write_results("beta", "beta", [0], data, found)
    rows, images = comparisons.likelihoods(WORK / "beta")
    write_results("likelihood", "beta", [0], data, rows)
    write_pictures("likelihood", images)


def targets() -> None:
    """Compare the three target rules, and the noise that each leaves in the gradient (lecture 04)."""
    seeds = (0, 1, 2)
    found, images = comparisons.target_rules(WORK / "targets", seeds)
    found["gradient"] = comparisons.gradient_noise(WORK / "targets")
    write_results("targets", "targets", list(seeds), _hashes("fsdd", "mnist", "mnist-test"), found)
    write_pictures("targets", images)


CHOOSING, FRESH = (5, 6, 7), (8, 9, 10, 11, 12)


def choice() -> None:
    """Choose a recipe on validation parts, and measure it on the test parts of other seeds (lecture 08)."""
    runs.train("evaluator-adadelta", "mnist", WORK / "evaluator-adadelta", resume=True, progress=sys.stderr.isatty())
    chooser, shipped = models.load(WORK / "evaluator-adadelta").net, models.load("evaluator").net
    work = WORK / "choice"
    chosen = comparisons.choosing(work, chooser, {"evaluator": shipped}, CHOOSING)
    names = list(dict.fromkeys((chosen["chosen"], "report", "report-plain")))
    judges = {"evaluator-adadelta": chooser, "evaluator": shipped}
    found = comparisons.fresh(work, names, judges, FRESH, _finetuned_on_own_drawings)
    about = (
        "judge: evaluator-adadelta, trained on MNIST only, with the settings of PyTorch's example; "
        "'finetuned' is the shipped evaluator fine-tuned on 100 validation drawings of the run, labels = spoken class"
    )
    data = _hashes("fsdd", "mnist")
    write_results("choice", "choice", [*CHOOSING, *FRESH], data, {"about": about, "choosing": chosen, "fresh": found})


def _finetuned_on_own_drawings(model: models.Model[Any], spoken: runs.SpokenSet, seed: int) -> AccuracyNet:
    """The shipped evaluator, fine-tuned on 100 drawings of validation recordings as in the protocol."""
    drawn, labels = images_to_annotate(model.net, *spoken.part("val"), seed=seed)
    task = FinetuneTask(models.load("evaluator").net, drawn, labels)
    training.fit(task, recipes.load("finetuned").training, seed=seed)
    return task.model


def pictures() -> None:
    """The README's pictures, from the shipped models and FSDD's test part."""
    folder = ROOT / "docs"
    result = runs.evaluate("report", "fsdd", evaluators=("evaluator", "finetuned"), out=WORK / "pictures")
    for name in ("batch", "grid", "accuracy", "confusion"):
        folder.mkdir(exist_ok=True)
        shutil.copyfile(WORK / "pictures" / f"{name}.png", folder / f"{name}.png")
    found = {k: v for k, v in result.items() if k not in ("folder", "model", "seed", "data")}
    write_results("report-evaluation", "pictures", [result["seed"]], result["data"], found)


def readme() -> None:
    """Write the README's tables from the results files."""
    path = ROOT / "README.md"
    write_text(path, tables.fill(path.read_text(encoding="utf-8")))
    print("wrote README.md")


STEPS = {
    "evaluator": evaluator,
    "report": report,
    "annotate": annotate,
    "finetuned": finetuned,
    "protocol": protocol,
    "beta": beta,
    "targets": targets,
    "choice": choice,
    "pictures": pictures,
    "readme": readme,
}


def main(names: list[str]) -> int:
    """Run the steps named, or all; a mistake ends in one message and exit code 2."""
    extra = {"train-protocol": train_protocol, "judge-protocol": judge_protocol}
    try:
        for name in names or STEPS:
            step = STEPS.get(name) or extra.get(name)
            if step is None:
                raise DataError("there is no such step", where=name, hint=f"Use {', '.join(STEPS)}")
            print(f"== {name}: {(step.__doc__ or name).splitlines()[0]}", flush=True)
            step()
    except A2DError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
