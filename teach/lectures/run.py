"""Running the lectures with papermill, and the course's own short run of the report from end to end."""

from __future__ import annotations

import os
import re
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from a2d.errors import CourseError
from a2d.io.atomic import write_json, write_text
from a2d.lab.notebook import RECORD
from teach import settings
from teach.folders import new_folder
from teach.lectures.source import find_sources

# On two cores this takes about half a minute, and the pictures can be read.
COURSE_EPOCHS = 25


@dataclass(frozen=True)
class Run:
    """How a lecture ran: seconds, number of cells, what failed (empty if nothing did), its HTML page, its numbers.

    ``numbers`` are those that the lecture recorded (:func:`a2d.lab.record`), each with its name, value and text.
    """

    slug: str
    cells: int
    seconds: float
    failure: str
    page: Path | None
    numbers: tuple[dict[str, Any], ...] = ()


def list_lectures(root: Path = settings.ROOT, *, solutions: bool = True, names: Sequence[str] = ()) -> list[Path]:
    """The built notebooks in order, with solutions or as a student opens them.

    Raises :class:`CourseError` for one that has not been built.
    """
    folder = root / "notebooks" / ("solutions" if solutions else "")
    found = [folder / f"{source.stem}.ipynb" for source in find_sources(root, names)]
    for path in found:
        if not path.is_file():
            raise CourseError("this notebook has not been built", where=path, hint="Run `teach build`")
    return found


def run_lectures(
    names: Sequence[str] = (),
    *,
    data: str = "builtin",
    seed: int = 0,
    fast: bool = True,
    solutions: bool = True,
    root: Path = settings.ROOT,
    out: Path | None = None,
    progress: bool = True,
) -> list[Run]:
    """Run lectures from top to bottom into ``out`` (``build/notebooks``): notebook, HTML and table of run times each.

    A lecture that fails does not keep the others from running; its :class:`Run` tells where it failed.
    """
    out = out or root / "build" / "notebooks"
    parameters = {"FAST": fast, "SEED": seed, "DATA": data}
    notebooks = list_lectures(root, solutions=solutions, names=names)
    runs = [run_notebook(path, out, parameters, progress=progress) for path in notebooks]
    write_text(out / "run-times.txt", "\n".join(table(runs)) + "\n")
    write_text(out / "numbers.txt", "\n".join(numbers(runs)) + "\n")
    return runs


def run_notebook(notebook: Path, out: Path, parameters: dict[str, Any], *, progress: bool = True) -> Run:
    """Run one notebook with ``parameters`` into the folder ``out``, and write an HTML page of it, also if it fails."""
    import nbformat
    import papermill
    from papermill.exceptions import PapermillException

    out.mkdir(parents=True, exist_ok=True)
    target, failure, start = out / notebook.name, "", time.perf_counter()
    bar = {"desc": notebook.stem, "unit": "cell"} if progress else False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # papermill's own imports warn; the lecture's warnings are in its outputs
        try:
            papermill.execute_notebook(
                str(notebook),
                str(target),
                parameters=parameters,
                kernel_name="python3",
                progress_bar=bar,
                cwd=str(notebook.parent),
                execution_timeout=settings.CELL_SECONDS,
                extra_arguments=settings.KERNEL_ARGUMENTS,
            )
        except PapermillException as error:
            failure = describe_failure(error, notebook)
        except Exception as error:  # a dead kernel, a timeout, a damaged notebook: the next lecture still runs
            failure = _last_line(f"{type(error).__name__}: {error}")
    seconds = time.perf_counter() - start
    try:
        node = nbformat.read(target, as_version=4)
    except Exception:
        return Run(notebook.stem, 0, seconds, failure or "it left no notebook behind", None)
    page = out / f"{notebook.stem}.html"
    write_text(page, to_html(node, notebook.stem))
    return Run(notebook.stem, len(node.cells), seconds, failure, page, tuple(recorded(node)))


def recorded(notebook: Any) -> list[dict[str, Any]]:
    """The numbers that a lecture recorded while it ran, in their order."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [dict(o["data"][RECORD]) for o in outputs if RECORD in o.get("data", {})]


def describe_failure(error: Exception, notebook: Path) -> str:
    """Cell number in ``notebook``, from 1, and last line of the exception, for an error of papermill."""
    import nbformat

    index = getattr(error, "cell_index", None)
    if index is None:
        return _last_line(str(error))
    cells = nbformat.read(notebook, as_version=4).cells
    # papermill counts from 0, and puts its own cell behind the one with the parameters.
    own = next((n + 1 for n, cell in enumerate(cells) if "parameters" in cell.metadata.get("tags", [])), len(cells))
    told = f"{getattr(error, 'ename', '')}: {getattr(error, 'evalue', '')}"
    return f"cell {index + (index < own)}: {_last_line(told)}"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def to_html(notebook: Any, title: str) -> str:
    """A notebook as one HTML page with its figures and their descriptions inside.

    A widget is there as its picture, so the page needs neither a kernel nor the widgets' script from elsewhere.
    """
    import copy
    import html

    from nbconvert import HTMLExporter

    notebook = copy.deepcopy(notebook)
    notebook.metadata.pop("widgets", None)
    described: dict[str, str] = {}
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
        if "image/png" in output.get("data", {}):
            alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
            described["".join(output.data["image/png"].split())] = html.escape(alt)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exporter = HTMLExporter(embed_images=True, log_level="ERROR")
        body, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": title}})

    def describe(tag: re.Match[str]) -> str:
        data = re.search(r'src="data:image/png;base64,([^"]*)"', tag[0])
        alt = described.get("".join(data[1].split())) if data else None
        # nbconvert writes that there is no description: it does not look where notebooks keep it.
        return re.sub(r'\balt="[^"]*"', lambda _: f'alt="{alt}"', tag[0]) if alt else tag[0]

    return re.sub(r"<img\b[^>]*>", describe, body)


def table(runs: Sequence[Run]) -> list[str]:
    """Run times as lines of text, and how many lectures ran to their end."""
    width = max([len(run.slug) for run in runs], default=7)
    lines = [f"{'lecture':<{width}}  cells  seconds  state"]
    for run in runs:
        state = f"FAILED in {run.failure}" if run.failure else "ran to its end"
        lines.append(f"{run.slug:<{width}}  {run.cells:>5}  {run.seconds:>7.1f}  {state}")
    good = sum(not run.failure for run in runs)
    total = sum(run.seconds for run in runs)
    return [*lines, f"{good} of {len(runs)} lectures ran to their end, in {total:.1f} s."]


def numbers(runs: Sequence[Run]) -> list[str]:
    """The numbers that came out of the lectures, as lines of text: lecture, name, number."""
    rows = [(run.slug[:2], str(one["name"]), str(one["text"])) for run in runs for one in run.numbers]
    width = max([len(name) for _, name, _ in rows], default=0)
    return [f"{lecture}  {name:<{width}}  {text}" for lecture, name, text in rows] or ["No lecture recorded a number."]


# -------------------------------------------------------------------------------------- the course's own short run


def course_main(
    *,
    names: Sequence[str] = (),
    root: Path = settings.ROOT,
    out: Path | None = None,
    epochs: int = COURSE_EPOCHS,
    progress: bool = True,
) -> list[tuple[str, str]]:
    """All lectures (or ``names``), then the report's pipeline on the built-in data, then two tables and where to look.

    Everything goes to ``out`` (``build/course``), made anew each time and put in its place at the end, also when a
    lecture fails: then :class:`CourseError` names it. Returns the second table's rows.
    """
    out = out or root / "build" / "course"
    start = time.perf_counter()
    with new_folder(out) as made:
        print("1/3  The lectures, as they are handed out with solutions", flush=True)
        lectures = run_lectures(names, root=root, out=made / "lectures", progress=progress)
        print(f"2/3  The report's generator, {epochs} epochs on the built-in recordings", flush=True)
        card, result = _train_and_evaluate(made, epochs, progress)
        print("3/3  The judge itself, on handwriting that it has never seen", flush=True)
        rows = [*_rows(card, result), *_judge_rows(), ("all of it (s)", f"{time.perf_counter() - start:.0f}")]
        text = "\n".join([*table(lectures), "", *numbers(lectures), "", *_two_columns(rows).splitlines()]) + "\n"
        write_text(made / "summary.txt", text)
    print(f"\n{text}")
    for name, path in (("pictures", out / "evaluation" / "grid.png"), ("lectures", out / "lectures" / "*.html")):
        print(f"{name + ':':<10}{os.path.relpath(path)}")
    if failed := [run for run in lectures if run.failure]:
        hint = f"See `teach run {failed[0].slug[:2]}`"
        raise CourseError(f"it failed in {failed[0].failure}", where=failed[0].slug, hint=hint)
    return rows


def _train_and_evaluate(folder: Path, epochs: int, progress: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    from a2d.lab import runs

    card = runs.train(
        "report", "builtin", folder / "report", images="builtin", seed=0, epochs=epochs, progress=progress
    )
    result = runs.evaluate(
        folder / "report", "builtin", images="builtin", out=folder / "evaluation", seed=0, progress=progress
    )
    # What is written is moved when it is complete: name the model by where it then lies.
    told = {**result, "model": "../report/model.safetensors"}
    write_json(folder / "evaluation" / "metrics.json", {k: v for k, v in told.items() if k != "folder"})
    return card, result


def _estimate(value: dict[str, Any]) -> str:
    return f"{100 * value['value']:.1f} % (95 %: {100 * value['low']:.1f} to {100 * value['high']:.1f})"


def _rows(card: dict[str, Any], result: dict[str, Any]) -> list[tuple[str, str]]:
    history = card["history"]
    rows = [
        ("recordings, of which only for testing", f"{card['data']['n']}, {result['data']['n']}"),
        ("loss after the first and the last epoch (nats)", f"{history['loss'][0]:.1f}, {history['loss'][-1]:.1f}"),
    ]
    for judge, found in result["recognition"].items():
        rows.append((f"pictures read as spoken, by {judge}, mean latent", _estimate(found["mean"])))
        rows.append((f"pictures read as spoken, by {judge}, sampled latent", _estimate(found["sampled"])))
    rows.append(("variety within a class (handwriting: 1)", f"{result['variety']['diversity']:.2f}"))
    return rows


def _judge_rows() -> list[tuple[str, str]]:
    """How well the judge reads real handwriting of the kind that was learned: a yardstick for the pictures."""
    from a2d import datasets, metrics
    from a2d.evaluator import read
    from a2d.lab import models

    images = datasets.load_images("builtin", "test")
    rows = []
    for name in ("evaluator", "finetuned"):
        if name in models.names():
            judge = models.load_evaluator(name).net
            found = metrics.recognition(read(judge, images.pixels).digits, images.labels).as_dict()
            rows.append((f"built-in handwriting read right, by {name}", _estimate(found)))
    return rows


def _two_columns(rows: Sequence[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows)
    return "".join(f"{name:<{width}}  {value}\n" for name, value in rows)
