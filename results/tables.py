"""The tables in the README, made from ``results/*.json``: no number is typed by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from a2d import metrics
from a2d.errors import DataError
from a2d.io.shipped import results

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "results"
_BLOCK = re.compile(r"(<!-- table: ([a-z-]+) -->\n).*?(<!-- end -->)", re.S)


def fill(text: str) -> str:
    """Put the tables between ``<!-- table: NAME -->`` and ``<!-- end -->``, in place of what stands there."""

    def made(match: re.Match[str]) -> str:
        if match[2] not in TABLES:
            raise DataError(f"there is no table {match[2]}", where="README.md", hint=f"Use {', '.join(TABLES)}")
        return f"{match[1]}{TABLES[match[2]]()}\n{match[3]}"

    return _BLOCK.sub(made, text)


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def percent(value: float, digits: int = 1) -> str:
    """0.8229 to ``82.3 %``."""
    return f"{100 * value:.{digits}f} %"


def spread(entry: dict[str, Any]) -> str:
    """Mean and standard deviation over seeds; of one training, the number alone."""
    return f"{100 * entry['mean']:.1f}{_deviation(100 * entry['sd'], entry, 1)} %"


def _deviation(sd: float, entry: dict[str, Any], digits: int) -> str:
    return f" ± {sd:.{digits}f}" if entry.get("n", 2) > 1 else ""


def interval(entry: dict[str, Any]) -> str:
    """A number with its 95 % interval."""
    return f"{percent(entry['value'])} ({100 * entry['low']:.1f} to {100 * entry['high']:.1f})"


def over_speakers(entry: dict[str, Any]) -> str:
    """Mean over speakers held out, with its 95 % interval over speakers."""
    return f"{100 * entry['mean']:.0f} % ({max(0, 100 * entry['low']):.0f} to {100 * entry['high']:.0f})"


def report_and_here() -> str:
    """The report's numbers beside ours: its own recipe and evaluator, and the improved recipe."""
    found, networks, tuning = results("protocol"), results("evaluators"), results("finetuning")
    plain, better = (found[name] for name in ("report-plain", "report"))

    def row(what: str, told: str, key: str) -> list[str]:
        return [what, told, spread(plain["recording"][key]), spread(better["recording"][key])]

    def measured(key: str, digits: int) -> list[str]:
        return [f"{of['recording'][key]['mean']:.{digits}f}" for of in (plain, better)]

    many = results("spread")
    brighter = [many[name] for name in ("report-plain", "report")]
    ink = plain["recording"]["greyness_of_images"]["mean"]
    own = interval(networks["recipes"]["evaluator"]["mnist_test_of_seed_0"])
    heard = [over_speakers(of["speaker"]["audio_mlp"]) for of in (plain, better)]
    unheard = {
        when: [over_speakers(of["speaker"][f"evaluator_{when}_sampled"]) for of in (plain, better)]
        for when in ("untouched", "finetuned")
    }
    clearer = [spread(metrics.mean_and_spread([row[0] for row in of["evaluator"]["clearer"]])) for of in brighter]
    grids = [100 * np.array(of["evaluator"]["untouched"]).mean(axis=0) for of in brighter]
    chances = [f"{grid.mean():.1f} % ({_among(list(grid), 1)})" for grid in grids]
    rows = [
        ["The evaluator on MNIST's test set", "99 %", own, "the same"],
        row("Drawings read as spoken, evaluator untouched", '"cannot"', "evaluator_untouched_sampled"),
        ["the same, mean of five trainings of the evaluator (range)", "", *chances],
        [f"the same drawings, ink times {many['clearer']:g}, no label", "", *clearer],
        row("**the same, fine-tuned on 100 drawings**", "**82.29 %**", "evaluator_finetuned_sampled"),
        row("the same, mean of the latent", "", "evaluator_finetuned_mean"),
        row("MNIST accuracy that is left after fine-tuning", "", "evaluator_finetuned_on_mnist"),
        row("the sound alone, named by an MLP", "98 % (Audio-MNIST)", "audio_mlp"),
        ["A speaker never heard: evaluator untouched", "", *unheard["untouched"]],
        ["A speaker never heard: fine-tuned", "", *unheard["finetuned"]],
        ["A speaker never heard: the sound alone, MLP", "", *heard],
        ["Variety in pixels, handwriting = 1", "", *measured("pixel_diversity", 2)],
        [f"Greyness, handwriting = {ink:.3f}", "", *measured("greyness", 3)],
        ["Annotated images", "100, by hand", f"{tuning['labels']['n']}, see below", "the same"],
    ]  # fmt: skip
    return markdown(["", "the report", "here, `report-plain`", "here, improved (`report`)"], rows)


def labels() -> str:
    """What the labels of the 100 drawings do to each evaluator."""
    policies = results("finetuning")["policies"]
    names = {
        "untouched": "not fine-tuned",
        "spoken": "all 100 labels = the spoken digit (nobody looked)",
        "readable": "the spoken digit, unreadable ones left out",
        "labels": "as read from the picture, unreadable ones left out",
    }
    rows = []
    for recipe, of_recipe in policies.items():
        for key, name in names.items():
            row = of_recipe[key]
            n, other = str(row.get("n", "-")), str(row.get("labels_other_than_spoken", "-"))
            mnist = percent(row["mnist_test"]["value"], 2)
            rows.append([f"`{recipe}`", name, n, other, interval(row["sampled"]), interval(row["mean"]), mnist])
    head = ["evaluator", "labels", "images", "not the spoken digit", "reads sampled", "reads mean latent", "on MNIST"]
    return markdown(head, rows)


def _among(values: list[float], digits: int = 0) -> str:
    """The range of some numbers, or the number that all are."""
    low, high = (f"{value:.{digits}f}" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def evaluators() -> str:
    """Two ways to train one network, five trainings each."""
    rows = []
    for name, row in results("evaluators")["recipes"].items():
        shown = [
            f"{_among(row[kind]['right'])} of 10, {_among([100 * c for c in row[kind]['confidence']])} %"
            for kind in ("class means", "class medians")
        ]
        blurred = {step["sigma"]: step for step in row["blur"]}
        rows.append([f"`{name}`", spread(row["mnist_test"]), *shown, spread(blurred[1.5])])
    head = ["recipe", "MNIST test", "class means read, confidence", "class medians", "MNIST blurred, sigma 1.5"]
    return markdown(head, rows)


def trainings() -> str:
    """What of an accuracy is the chance of the evaluator's training, and what that of the generator's."""
    found = results("spread")
    rows = []
    for name in (key for key, value in found.items() if isinstance(value, dict) and "evaluator" in value):
        for recipe, grids in found[name].items():
            cells = [f"`{name}`", f"`{recipe}`"]
            for when in ("untouched", "clearer", "finetuned"):
                grid = np.array(grids[when])
                by_evaluator, by_generator = grid.mean(axis=0), grid.mean(axis=1)
                cells.append(
                    f"{percent(grid.mean())} ({_among(list(100 * by_evaluator), 1)}); "
                    f"{100 * by_evaluator.std(ddof=1):.1f}, {100 * by_generator.std(ddof=1):.1f}"
                )
            rows.append(cells)
    whens = ["untouched", f"untouched, ink x {found['clearer']:g}", "fine-tuned"]
    return markdown(["generator", "evaluator", *whens], rows)


def choice() -> str:
    """Recipes compared on validation recordings, each beside ``report`` with the same seed."""
    found = results("choice")
    rows = []
    for name, entry in found["validation"].items():
        first, _, change = name.partition(", ")
        label = f"`{first}`, {change}" if change else f"`{first}`"
        told = spread(entry[f"{found['evaluator']}_sampled"])
        against = found["against_report"].get(name)
        paired = f"{100 * against['mean']:+.1f} ± {100 * against['sd']:.1f}" if against else ""
        rows.append([label + (" (chosen)" if name == found["chosen"] else ""), told, paired])
    return markdown(["recipe", "read as spoken, validation", "points against `report`, same seed"], rows)


def objectives() -> str:
    """What is asked of a generator, and what comes of it."""
    found = results("objectives")
    rows = [["handwriting", "", "", f"{found['mnist']['greyness']:.3f}", "1", "1", ""]]
    for name, row in found["rows"].items():
        shown = [spread(row[f"{e}_sampled"]) for e in ("evaluator", "evaluator-adam")]
        kl = f"{row['kl']['mean']:.1f}" if "kl" in row else ""
        measures = [
            f"{row[key]['mean']:.{d}f}" for key, d in (("greyness", 3), ("pixel_diversity", 2), ("diversity", 2))
        ]
        rows.append([name, *shown, *measures, kl])
    head = [
        "",
        "read by `evaluator`",
        "by `evaluator-adam`",
        "greyness",
        "variety, pixels",
        "variety, features",
        "KL, nats",
    ]
    return markdown(head, rows)


def hearing() -> str:
    """What averaging over time costs."""
    rows = []
    for name, row in results("hearing")["sorts"].items():
        told = spread(row["heard_recording"]), over_speakers(row["heard_speaker"]), spread(row["drawn_recording"])
        rows.append([name, str(row["n_features"]), *told])
    return markdown(["MFCCs over time", "numbers", "heard", "heard, new speaker", "drawn and read"], rows)


def _two(entry: dict[str, Any]) -> str:
    """Mean and standard deviation of a ratio."""
    return f"{entry['mean']:.2f}{_deviation(entry['sd'], entry, 2)}"


def hands() -> str:
    """All generators on one set of yardsticks, and what handwriting itself has."""
    found = results("hands")
    floor = found["floor"]
    own = [f"{floor[key]:.2f}" for key in ("frechet", "frechet_of_classes")]
    score = percent(floor["classification_accuracy_score"])
    rows = [["training images", "", "", "1", "1", "1", *own, score, "0"]]
    for name, row in found["rows"].items():
        read_by = [spread(row[f"read_{e}"]) for e in ("evaluator", "evaluator-adam")]
        ratios = [_two(row[key]) for key in ("variety_pixels", "variety_features", "greyness_ratio")]
        far = [f"{row[key]['mean']:.2f}" for key in ("frechet", "frechet_of_classes")]
        last = [spread(row["classification_accuracy_score"]), f"{row['nearest_training_ratio']['mean']:.2f}"]
        rows.append([f"**{name}**" if name == "latent flow" else name, *read_by, *ratios, *far, *last])
    head = [
        "",
        "read by `evaluator`",
        "by `evaluator-adam`",
        "variety, pixels",
        "variety, features",
        "greyness",
        "Fréchet",
        "class by class",
        "teaches a reader",
        "nearest",
    ]
    return markdown(head, rows)


# By key in results/ears.json, how a column is called.
EARS = {
    "strangers": "strangers",
    "strangers_original": "originals",
    "strangers_resynthesised": "re-synthesised",
    "fsdd": "FSDD",
    "strangers_white_noise": "white noise",
    "strangers_babble": "babble",
    "strangers_hum": "hum",
    "strangers_room": "a room",
    "calibration_error": "calibration error",
    "digits_refused": "digits refused",
    "refused_other_words": "other words refused",
}


def ears() -> str:
    """Ears on people whom none of them has heard."""
    found = results("ears")
    rows = {**found["rows"], "the course's, no human in training": found["no human"]["log-mel"]}
    cells = [[name, *(spread(row[key]) for key in EARS)] for name, row in rows.items()]
    return markdown(["", *EARS.values()], cells)


def systems() -> str:
    """The systems that the report cites, each trained here: its number, ours, and why they differ."""
    heard, drawn = results("ears")["rows"], results("hands")["rows"]
    wrong = [f"{name} {100 * (1 - heard[name]['strangers']['mean']):.1f} %" for name in ("scalogram", "late fusion")]
    gan = f"{drawn['conditional GAN']['inception_score']['mean']:.2f} of 10"
    knob = [name for name in drawn if name.startswith("adversarial VAE")]
    ends = [
        f"{percent(drawn[name]['read_evaluator']['mean'])}, variety {drawn[name]['variety_features']['mean']:.2f}"
        for name in (knob[0], knob[-1])
    ]
    on_mnist = results("evaluators")["recipes"]["evaluator"]["mnist_test"]
    mlp = results("protocol")["report-plain"]["recording"]["audio_mlp"]
    rows = [
        ["S1 Sharan 2020: wavelet scalogram, late fusion", "2.84 % test error", "; ".join(wrong) + " error",
         "There 56,290 segments of digits, other words and noise; here people never heard, and eight epochs"],
        ["S2 Wan and others 2019: conditional GAN", "inception score 2.83", gan,
         "There scenes read by Inception, here digits read by the evaluator: two scales"],
        ["S3 Zelaszczyk, Mandziuk 2021: VAE, adversarial", "no number", f"read {ends[0]}, to {ends[1]}",
         "The knob's two ends; there consistency and diversity are shown in pictures"],
        ["S4 MLP on mean MFCCs (Kaggle)", "98 %, Audio-MNIST", f"{spread(mlp)}, FSDD",
         "Other recordings; on Audio-MNIST's five folds: not run, `python -m results.reproduce audiomnist` does"],
        ["S5 PyTorch's MNIST example", "99 %", spread(on_mnist), "The same network and settings"],
    ]  # fmt: skip
    return markdown(["system", "its number", "here", "why they differ"], rows)


def adapting() -> str:
    """What a few takes of one voice are worth to the shipped ear: means over FSDD's six speakers."""
    rows = []
    for n, row in results("adapting")["takes"].items():
        them = list(row.values())

        def mean(key: str, them: list[dict[str, float]] = them) -> float:
            return sum(one[key] for one in them) / len(them)

        worst = min(them, key=lambda one: one["before"])
        rows.append(
            [n, f"{percent(mean('before'))} to {percent(mean('after'))}",
             f"{percent(worst['before'])} to {percent(worst['after'])}",
             f"{percent(mean('refused_before'))} to {percent(mean('refused_after'))}",
             f"{100 * (mean('others_after') - mean('others_before')):+.1f} points",
             f"{sum(one['p'] < 0.05 for one in them)} of {len(them)}"]
        )  # fmt: skip
    head = [
        "takes of each digit",
        "held-out takes named rightly",
        "worst speaker",
        "refused",
        "other speakers",
        "p < 0.05",
    ]
    return markdown(head, rows)


def lectures() -> str:
    """The lectures, what they hold, and what running them takes."""
    rows = []
    for name, row in results("lectures")["lectures"].items():
        link = f"[{row['title']}](notebooks/solutions/{name}.ipynb)"
        held = f"{row['exercises']}, {row['points']} points" if row["exercises"] else "-"
        rows.append([link, held, f"{row['seconds']:.0f} s", f"{row['peak_mb'] / 1000:.1f} GB"])
    return markdown(["lecture, with solutions", "exercises", "runs in", "memory"], rows)


def grading() -> str:
    """How fast a class is graded, beside nbgrader, and the memory of the leading process."""
    found = results("grading")
    speed, memory = found["speed"], found["memory"]
    each, peer = speed["seconds_each"], speed["peer"]["seconds_each"]
    rows = [
        ["`teach grade`", f"{speed['students']} students", f"{each:.2f} s a student", ""],
        ["nbgrader's `NbGraderAPI.autograde`", f"{speed['peer']['students']} of them", f"{peer:.1f} s a student",
         f"{speed['ratio']:.0f} times as long"],
    ]  # fmt: skip
    for count, row in memory["classes"].items():
        rows.append(
            [f"leading process, lecture {memory['lectures']}", f"{count} students", f"{row['peak_mb']:.0f} MB", ""]
        )
    return markdown(["what", "class", "measured", ""], rows)


TABLES: dict[str, Callable[[], str]] = {
    "lectures": lectures,
    "grading": grading,
    "report": report_and_here,
    "labels": labels,
    "evaluators": evaluators,
    "trainings": trainings,
    "choice": choice,
    "objectives": objectives,
    "hearing": hearing,
    "hands": hands,
    "ears": ears,
    "adapting": adapting,
    "systems": systems,
}
