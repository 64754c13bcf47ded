"""The tables in the README, made from ``results/*.json``: no number is typed by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
    """Mean and standard deviation over seeds."""
    return f"{100 * entry['mean']:.1f} ± {100 * entry['sd']:.1f} %"


def interval(entry: dict[str, Any]) -> str:
    """A number with its 95 % interval."""
    return f"{percent(entry['value'])} ({100 * entry['low']:.1f} to {100 * entry['high']:.1f})"


def report_and_here() -> str:
    """The report's numbers beside ours."""
    protocol, evaluator, tuning = results("protocol"), results("evaluator"), results("finetuning")
    random, held = protocol["recording"], protocol["speaker"]
    own = f"{spread(random['finetuned_sampled'])}, five seeds"
    rows = [
        ["Evaluator on MNIST's test set", "99 %", interval(evaluator["evaluator"]["mnist_test"])],
        ["Pictures read as spoken, fine-tuned evaluator, sampled latent", "82.29 %", own],
        ["the same, mean of the latent", "", spread(random["finetuned_mean"])],
        ["the same, evaluator not fine-tuned, sampled", '"cannot"', spread(random["untouched_sampled"])],
        ["the same, evaluator not fine-tuned, mean", "", spread(random["untouched_mean"])],
        ["the sound alone, named by an MLP (the ceiling)", "98 % (Audio-MNIST)", spread(random["audio_mlp"])],
        ["MNIST accuracy that is left after fine-tuning", "", spread(random["finetuned_on_mnist"])],
        ["A speaker never heard: fine-tuned, sampled", "", spread(held["finetuned_sampled"])],
        ["A speaker never heard: not fine-tuned, sampled", "", spread(held["untouched_sampled"])],
        ["A speaker never heard: the sound alone, MLP", "", spread(held["audio_mlp"])],
        ["Variety within a class, MNIST = 1", "", f"{random['diversity']['mean']:.2f}"],
        ["Annotated images", "100, by hand", f"{tuning['labels']['n']}, see below"],
    ]
    return markdown(["", "the report", "here"], rows)


def labels() -> str:
    """What the labels of the 100 images do."""
    policies = results("finetuning")["policies"]
    names = {
        "untouched": "not fine-tuned",
        "spoken": "all 100 labels = the spoken digit (nobody looked)",
        "readable": "the spoken digit, unreadable ones left out",
        "labels": "as read from the picture, unreadable ones left out",
    }
    rows = []
    for key, name in names.items():
        row = policies[key]
        n = str(row.get("n", "-"))
        other = str(row.get("labels_other_than_spoken", "-"))
        mnist = percent(row["mnist_test"]["value"], 2)
        rows.append([name, n, other, interval(row["sampled"]), interval(row["mean"]), mnist])
    head = ["labels", "images", "not the spoken digit", "reads sampled", "reads mean latent", "on MNIST"]
    return markdown(head, rows)


def evaluators() -> str:
    """Two ways to train one network."""
    found, tuning = results("evaluator"), results("finetuning")
    reads = {"evaluator": tuning["policies"]["untouched"], "evaluator-adadelta": tuning["evaluator-adadelta"]}
    rows = []
    for name in ("evaluator", "evaluator-adadelta"):
        row = found[name]
        means = row["reads_class_means"]
        right = sum(r == c for c, r in enumerate(means["read"]))
        sure = sum(means["confidence"]) / 10
        drawn = interval(reads[name]["sampled"])
        rows.append([f"`{name}`", interval(row["mnist_test"]), f"{right} of 10", f"{100 * sure:.0f} %", drawn])
    return markdown(["recipe", "MNIST test", "class means read", "confidence there", "reads our pictures"], rows)


def choice() -> str:
    """Recipes chosen on validation recordings, then measured on fresh seeds."""
    found = results("choice")
    rows = []
    for name, entry in found["choosing"]["validation"].items():
        fresh = found["fresh"]["test"].get(name, {})
        keys = ("evaluator-adadelta_sampled", "evaluator_sampled", "finetuned_sampled")
        told = [spread(fresh[key]) if fresh else "" for key in keys]
        first, _, change = name.partition(", ")
        label = f"`{first}`, {change}" if change else f"`{first}`"
        rows.append(
            [label + (" (chosen)" if name == found["choosing"]["chosen"] else ""), spread(entry["sampled"]), *told]
        )
    seeds = found["fresh"]["seeds"]
    head = ["recipe", "validation", f"test, seeds {seeds[0]} to {seeds[-1]}", "by `evaluator`", "by it, fine-tuned"]
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
    "choice": choice,
}
