"""Retrain every shipped weight and rewrite every results file from real data: ``make reproduce``.

``python -m results.reproduce [STEP...]`` runs the steps named, or all in order. Work lies in ``build/reproduce/`` and
is resumed; delete that folder to begin anew. It needs FSDD, MNIST and Speech Commands (``a2d data fetch fsdd mnist
speechcommands``), synthetic voices (data/README.md), and many hours on two cores.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from a2d import annotation, datasets, figures, metrics, training
from a2d.draw import Writer
from a2d.errors import A2DError, DataError
from a2d.evaluator import AccuracyNet, read
from a2d.figures import f09_hands
from a2d.io import tensorfile
from a2d.io.atomic import write_bytes, write_json, write_text
from a2d.lab import models, recipes, runs
from a2d.lab.kinds.ear import split_for
from a2d.lab.kinds.evaluator import FinetuneTask
from a2d.lab.kinds.generator import Draws
from results import (
    adapting,
    audiomnist,
    comparisons,
    evaluators,
    faithful,
    goals,
    hands,
    joint,
    listening,
    staleness,
    tables,
    voices,
)
from results.tables import RESULTS, ROOT

WORK = ROOT / "build" / "reproduce"
# What the numbers depend on; a results file says whether any of it was changed after the commit that it names.
SOURCES = ("a2d", "results/*.py", "data/builtin", "data/annotated")


# ------------------------------------------------------------------------------------------------------- results


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _head(step: str, seeds: Sequence[int], data: dict[str, Any]) -> dict[str, Any]:
    """How numbers came about: the command, seeds, data and commit."""
    return {
        "command": f"python -m results.reproduce {step}",
        "commit": _git("rev-parse", "HEAD"),
        "code": staleness.code_of(step),
        "uncommitted_changes": bool(_git("status", "--porcelain", "--", *SOURCES)),
        "torch": torch.__version__,
        "seeds": list(seeds),
        "data": data,
    }


def write_results(name: str, step: str, seeds: list[int], data: dict[str, Any], result: dict[str, Any]) -> None:
    """Write ``results/NAME.json``: how it came about first, then what was measured."""
    write_json(RESULTS / f"{name}.json", {**_head(step, seeds, data), **result})
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
    """Train evaluators of each recipe, ship the first of each, and see how they read MNIST, means and blur."""
    evaluators.train_all(WORK)
    for recipe in evaluators.RECIPES:
        run = evaluators.folder(WORK, recipe, 0)
        accuracy = _accuracy_on_mnist(models.load(run).net)["value"]
        ship(run, recipe, f"a2d train {recipe} --data mnist --out RUN", {"mnist_test_accuracy": accuracy})
    found = evaluators.measure(WORK)
    for recipe in evaluators.RECIPES:
        found["recipes"][recipe]["mnist_test_as_shipped_float16"] = _accuracy_on_mnist(models.load(recipe).net)
    write_results("evaluators", "evaluator", list(evaluators.SEEDS), _hashes("mnist", "mnist-test"), found)


# The generators that are shipped: name, recipe, recordings. The built-in ones are what the lectures use unless told.
SHIPPED = (
    ("report-plain", "report-plain", "fsdd"),
    ("report-plain-builtin", "report-plain", "builtin"),
    ("report", "report", "fsdd"),
    ("report-builtin", "report", "builtin"),
    ("report-absolute", "report-absolute", "fsdd"),
    ("report-absolute-builtin", "report-absolute", "builtin"),
)


def report() -> None:
    """Train the shipped generators: the report's own and the improved ones, on FSDD and on the built-in recordings."""
    for name, recipe, data in SHIPPED:
        ship_generator(name, recipe, data)


def ship_generator(name: str, recipe: str, data: str) -> None:
    """Train one of them, and measure it on the recordings that it was not trained on."""
    out = WORK / name
    runs.train(recipe, data, out, images="mnist", resume=True, progress=sys.stderr.isatty())
    result = runs.evaluate(out, data, images="mnist", evaluators=evaluators.RECIPES, out=out / "evaluation")
    figures = {
        f"read_{k}_latent_by_{e}": result["recognition"][e][k]["value"]
        for e in evaluators.RECIPES
        for k in ("sampled", "mean")
    }
    ship(out, name, f"a2d train {recipe} --data {data} --images mnist --out RUN", figures)


def annotate() -> None:
    """Draw the 100 images to annotate, from validation recordings, if they are not there yet.

    The labels are the one thing here that no command makes: see data/README.md for who read them.
    """
    folder = runs.annotations_folder("recorded")
    if (folder / "labels.json").is_file():
        print(f"kept {folder.relative_to(ROOT)}: labels are read once, by eye")
        return
    model = models.load("report-plain")
    spoken = runs.spoken_set(datasets.load_spoken("fsdd"), model.features)
    images, digits = faithful.images_to_annotate(model.net, *spoken.part("val"), seed=1)
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


def finetuned() -> None:
    """Fine-tune both evaluators on the recorded labels, by each policy, and measure what that does to them (R12)."""
    annotated = annotation.Annotations.load(runs.annotations_folder("recorded"))
    model = models.load_generator("report-plain")
    spoken = runs.spoken_set(datasets.load_spoken("fsdd"), model.features)
    part, recipe = spoken.part("test"), recipes.load("finetuned")
    rows: dict[str, Any] = {}
    for name in evaluators.RECIPES:
        net = models.load_evaluator(name).net
        rows[name] = {"untouched": _reader_row(net, model.net, *part)}
        for policy in ("spoken", "readable", "labels"):
            pictures, labels, kept = annotated.training_set(policy)
            task = FinetuneTask(net, pictures, labels)
            training.fit(task, recipe.training, seed=0)
            wrong = int((np.asarray(annotated.spoken)[kept] != labels).sum())
            row = {"n": len(labels), "labels_other_than_spoken": wrong, **_reader_row(task.model, model.net, *part)}
            rows[name][policy] = row
    runs.train("finetuned", "recorded", WORK / "finetuned", resume=True, progress=sys.stderr.isatty())
    net = models.load(WORK / "finetuned").net
    figures = {"mnist_test_accuracy": _accuracy_on_mnist(net)["value"]}
    reading = runs.read_drawings(model.net, {"finetuned": net}, *part)["finetuned"]
    figures |= {f"reads_report_plain_{k}_latent": reading[k]["value"] for k in ("sampled", "mean")}
    ship(WORK / "finetuned", "finetuned", "a2d train finetuned --data recorded --out RUN", figures)
    who = {"annotator": annotated.annotator, "kind": annotated.kind, "note": annotated.note}
    counts = {"unreadable": sum(label == annotation.UNREADABLE for label in annotated.labels), "n": len(annotated)}
    data = {"fsdd": spoken.data.content_hash, "labels": who}
    write_results(
        "finetuning", "finetuned", [0], data, {"labels": counts, "generator": "report-plain", "policies": rows}
    )


def _reader_row(reader: AccuracyNet, net: Draws, features: torch.Tensor, digits: torch.Tensor) -> dict[str, Any]:
    reading = runs.read_drawings(net, {"it": reader}, features, digits)["it"]
    return {"sampled": reading["sampled"], "mean": reading["mean"], "mnist_test": _accuracy_on_mnist(reader)}


def train_protocol() -> None:
    """Train all runs of the report's protocol."""
    faithful.train_all(WORK)


def protocol() -> None:
    """The report's protocol as the report ran it, with five fresh seeds and on speakers never heard (R4, R10-R13)."""
    train_protocol()
    write_results("protocol", "protocol", list(faithful.SEEDS), _hashes("fsdd", "mnist"), faithful.measure(WORK))


def spread() -> None:
    """How five trainings of each evaluator read the same drawings (lectures 06 to 08)."""
    evaluators.train_all(WORK)
    train_protocol()
    write_results("spread", "spread", list(faithful.SEEDS), _hashes("fsdd", "mnist"), faithful.spread(WORK))


def objectives() -> None:
    """Three losses, four weights of the KL term, and the look-up baseline (lectures 04, 05 and 08)."""
    train_protocol()
    goals.train_all(WORK)
    found, images = goals.measure(WORK)
    write_results("objectives", "objectives", list(goals.SEEDS), _hashes("fsdd", "mnist", "mnist-test"), found)
    write_pictures("objectives", images)


def hearing() -> None:
    """What averaging over time costs: four sorts of features (lecture 08)."""
    write_results("hearing", "hearing", list(listening.SEEDS), _hashes("fsdd", "mnist"), listening.measure(WORK))


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
    write_results("beta", "beta", list(comparisons.WIDE_SEEDS), data, found)
    rows, images = comparisons.likelihoods(WORK / "beta")
    write_results("likelihood", "beta", [0], data, rows)
    write_pictures("likelihood", images)


def listener() -> None:
    """Train the ear that says which of Kokoro's words came out well (`make voices`)."""
    voices.train(WORK, voices.listener(), 0)


def ear() -> None:
    """Train the ear that is shipped, on strangers and synthetic voices (`make voices`)."""
    voices.train(WORK, voices.cells()["rows"][voices.SHIPPED], 0)
    out = voices.path_of(WORK, voices.SHIPPED, 0)
    figures = {}
    for data in (voices.MAIN, "fsdd"):
        result = runs.evaluate(out, data, out=out / f"on-{data}", progress=False)
        figures[data] = {"named_rightly": result["accuracy"]["value"], "refused": result["refused"]}
    ship(out, "ear", f"a2d train ear --data {'+'.join(voices.EVERYBODY)} --out RUN", figures)


def hand() -> None:
    """Train the hands that are shipped, on MNIST."""
    for name in hands.SHIPPED_AS:
        ship_hand(name)


def ship_hand(name: str) -> None:
    """Train one of them, named as in results/hands.json, and see how its drawings are read."""
    hands.train((WORK, name, 0))
    out, recipe = hands.folder(WORK, name, 0), hands.SHIPPED_AS[name]
    result = runs.evaluate(out, "mnist", evaluators=evaluators.RECIPES, out=out / "evaluation", progress=False)
    figures = {f"read_by_{e}": result["recognition"][e]["sampled"]["value"] for e in evaluators.RECIPES}
    ship(out, recipe, f"a2d train {recipe} --data mnist --out RUN", figures)


def all_ears() -> None:
    """Train and measure all ears: what each thing in them is worth (lecture 10)."""
    data = {name: voices.corpus(name).content_hash for name in (*voices.EVERYBODY, "fsdd")}
    found = voices.measure(WORK)
    found["end to end"] = joint.measure(WORK, evaluators.first(WORK, "evaluator"))
    write_results("ears", "ears", list(voices.SEEDS), data, found)
    repeats()


def repeats() -> None:
    """Train the shipped ear, and what goes on from it, twice more; into what `ears` has written."""
    found = json.loads((RESULTS / "ears.json").read_text(encoding="utf-8"))
    # Kokoro's voices come out a little otherwise on each kind of processor: these need not be those of the first.
    data = {name: voices.corpus(name).content_hash for name in (*voices.EVERYBODY, "fsdd")}
    head = {**_head("repeats", voices.MORE_SEEDS, data), "tables": list(voices.REPEATED)}
    write_json(RESULTS / "ears.json", {**voices.repeated(WORK, found), "repeated": head})
    print("wrote results/ears.json")


def own_voice() -> None:
    """What a few takes of one voice are worth to the shipped ear (lecture 11)."""
    write_results("adapting", "adapting", list(adapting.SEEDS), _hashes("fsdd"), adapting.measure())


def on_audiomnist() -> None:
    """Ears on Audio-MNIST's five published folds, for whoever has it (`a2d data fetch audiomnist`)."""
    data = datasets.load_spoken(audiomnist.NAME)
    found = audiomnist.measure(WORK, data)
    write_results("audiomnist", "audiomnist", list(range(audiomnist.FOLDS)), {data.name: data.content_hash}, found)


def all_hands() -> None:
    """Put all generators on one set of yardsticks (lecture 09)."""
    hands.train_all(WORK)
    goals.train_all(WORK, hands.BASELINES, [faithful.SEEDS[seed] for seed in hands.SEEDS])
    found, images = hands.measure(WORK)
    write_results("hands", "hands", list(hands.SEEDS), _hashes("fsdd", "mnist", "mnist-test"), found)
    write_pictures("hands", images)


def targets() -> None:
    """Compare the three target rules, and the noise that each leaves in the gradient (lecture 04)."""
    seeds = (0, 1, 2, 3, 4)
    found, images = comparisons.target_rules(WORK / "targets", seeds)
    found["gradient"] = comparisons.gradient_noise(WORK / "targets")
    write_results("targets", "targets", list(seeds), _hashes("fsdd", "mnist", "mnist-test"), found)
    write_pictures("targets", images)


CHOOSING = (5, 6, 7, 8, 9)


def choice() -> None:
    """Leave out one addition of the improved recipe at a time; choose on validation parts (lectures 05 and 08)."""
    comparisons.train_candidates(WORK / "choice", CHOOSING)
    nets = {recipe: models.load_evaluator(recipe).net for recipe in evaluators.RECIPES}
    found = comparisons.choosing(WORK / "choice", nets, CHOOSING)
    write_results("choice", "choice", list(CHOOSING), _hashes("fsdd", "mnist"), found)


def pictures() -> None:
    """The README's pictures, from the shipped models and FSDD's test part."""
    folder = ROOT / "docs"
    result = runs.evaluate("report", "fsdd", evaluators=("evaluator", "finetuned"), out=WORK / "pictures")
    for name in ("batch", "grid", "accuracy", "confusion"):
        folder.mkdir(exist_ok=True)
        shutil.copyfile(WORK / "pictures" / f"{name}.png", folder / f"{name}.png")
    found = {k: v for k, v in result.items() if k not in ("folder", "model", "seed", "data")}
    write_results("report-evaluation", "pictures", [result["seed"]], result["data"], found)


def strangers(columns: int = 12) -> None:
    """The README's first picture: recordings of strangers whom nobody trained on, drawn by the shipped ear and hands.

    For each digit the first recordings, by file name, of as many test speakers; none is left out, whatever comes of it.
    """
    data = datasets.load_spoken(voices.MAIN)
    test = split_for(data, 0).test
    writer = Writer(anyway=True)
    rows, read_rightly = [], 0
    for digit in range(10):
        of_digit = [data.recordings[i] for i in test if data.digits[i] == digit]
        first = {one.speaker: one for one in sorted(of_digit, key=lambda one: one.path, reverse=True)}
        chosen = sorted(first.values(), key=lambda one: one.path)[:columns]
        drawn = [writer.draw_file(one.path) for one in chosen]
        read_rightly += sum(one.digit == digit for one in drawn)
        rows.append(np.stack([one.image for one in drawn]))
    picture = figures.grid(np.stack(rows))
    picture.save(ROOT / "docs" / "strangers.png")
    print(f"wrote docs/strangers.png; the evaluator reads {read_rightly} of {10 * columns} as spoken")


def frontier() -> None:
    """The README's picture of all generators, from results/hands.json."""
    rows = tables.results("hands")["rows"]
    points = {
        name: tuple(row[key]["values"] for key in ("variety_features", "read_evaluator")) for name, row in rows.items()
    }
    f09_hands.frontier(points, [name for name in rows if name.startswith("adversarial VAE")]).save(
        ROOT / "docs" / "frontier.png"
    )
    print("wrote docs/frontier.png")


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
    "spread": spread,
    "objectives": objectives,
    "hearing": hearing,
    "beta": beta,
    "targets": targets,
    "ear": ear,
    "hand": hand,
    "ears": all_ears,
    "hands": all_hands,
    "adapting": own_voice,
    "choice": choice,
    "pictures": pictures,
    "strangers": strangers,
    "frontier": frontier,
    "readme": readme,
}

# Steps that run only when they are named: parts of others, and what needs recordings that few have.
EXTRA = {"train-protocol": train_protocol, "listener": listener, "repeats": repeats, "audiomnist": on_audiomnist}


def main(names: list[str]) -> int:
    """Run the steps named, or all; a mistake ends in one message and exit code 2."""
    try:
        for name in names or STEPS:
            step = STEPS.get(name) or EXTRA.get(name)
            if step is None:
                raise DataError("there is no such step", where=name, hint=f"Use {', '.join(STEPS | EXTRA)}")
            print(f"== {name}: {(step.__doc__ or name).splitlines()[0]}", flush=True)
            step()
    except A2DError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
