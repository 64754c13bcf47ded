"""Ratios against named peers, measured in the same run: ``python -m benchmarks.bench [NAME...]``.

mfcc      mean MFCCs of all of FSDD at once, against librosa clip by clip (kaldi-native-fbank and our NumPy beside it)
pipeline  from sound files to 82.29 % on the test set, against :mod:`benchmarks.plain`
draw      ``a2d draw --model report ONE.wav`` in a new process, against importing torch; and milliseconds once loaded
write     ``a2d draw ONE.wav``, the same with the ear and the hands that are shipped
ear       naming strangers' digits one by one, against pocketsphinx with a grammar of the ten words
import    ``import a2d`` in a new process, against an empty one

Contestants take turns, each in a fresh process, so that its peak memory is its own. Every raw number goes into
``results/bench.json`` when all are run. Without FSDD or MNIST the built-in data take their place; the output says so.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from a2d.errors import A2DError
from a2d.io.atomic import write_json

ROOT = Path(__file__).resolve().parents[1]
TARGET_ACCURACY = 0.8229  # the report's number on the test set


@dataclass(frozen=True)
class Sizes:
    """How much is measured. ``passes``: per process; ``epochs``: the cap for both sides of the pipeline."""

    rounds: int = 5
    passes: int = 2
    seeds: int = 3
    epochs: int = 120
    accuracy: float = TARGET_ACCURACY
    starts: int = 7
    clips: int = 100


QUICK = Sizes(rounds=1, passes=2, seeds=1, epochs=2, accuracy=0.0, starts=1, clips=5)
QUICK_RECORDINGS = 100


@dataclass(frozen=True)
class Place:
    """Where the data, the models and the temporary files of this run are."""

    data: str
    mnist: str
    names: tuple[str, str]
    model: str
    judge: str
    strangers: str
    folder: Path


# ------------------------------------------------------------------------------------------------ child processes


def child(job: str, **settings: object) -> dict[str, Any]:
    """Run a job of :mod:`benchmarks.contestants` in a fresh process and return what it reports."""
    command = [sys.executable, "-m", "benchmarks.contestants", job, "--set"]
    command += [f"{key}={value}" for key, value in settings.items()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"
        raise A2DError(f"a contestant failed ({last})", where=f"{job} {settings.get('who', '')}".strip())
    return json.loads(done.stdout.splitlines()[-1])


def started(arguments: list[str], folder: Path) -> tuple[float, float]:
    """Seconds from starting ``python ARGUMENTS`` to its end, and its peak memory in MB."""
    begin = time.perf_counter()
    with open(folder / "output.txt", "wb") as output:
        process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        text = (folder / "output.txt").read_text(encoding="utf-8", errors="replace").strip()
        raise A2DError(f"a contestant failed ({text.splitlines()[-1] if text else status})", where=arguments[-1])
    return seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def summary(label: str, times: list[float], peaks: list[float], **more: Any) -> dict[str, Any]:
    """One contestant's raw timings with best and median, and the largest peak memory."""
    best, median = min(times), statistics.median(times)
    return {"label": label, "best": best, "median": median, "peak_mb": max(peaks), "times": times, **more}


def result(unit: str, contestants: dict[str, Any], peer: str, target: str, met: bool | None, **more: Any) -> dict:
    """One benchmark: the ratio is the peer's median over a2d's, so that more is better, unless ``more`` overrides."""
    ratio = contestants[peer]["median"] / contestants["a2d"]["median"]
    base = {"unit": unit, "subject": "a2d", "peer": peer, "ratio": ratio, "target": target, "met": met}
    return {**base, **more, "contestants": contestants}


# ------------------------------------------------------------------------------------------------- the benchmarks


def bench_mfcc(place: Place, sizes: Sizes) -> dict[str, Any]:
    """Mean MFCCs of all clips; reading the files is not timed."""
    import numpy as np

    labels = {
        "a2d": "a2d.features.mfcc_means, all clips at once",
        "librosa": "librosa.feature.mfcc(...).mean(axis=1), clip by clip",
        "numpy": "a2d.features.mfcc_mean, clip by clip",
        "kaldi": "kaldi-native-fbank, clip by clip (another convention: its numbers differ)",
    }
    stored = place.folder / "clips.npz"
    facts = {"data": place.names[0], **child("read_clips", data=place.data, out=stored)}
    raw: dict[str, list[dict]] = {who: [] for who in labels}
    for _ in range(sizes.rounds):
        for who in labels:
            out = place.folder / f"{who}.npy"
            raw[who].append(child("mfcc", who=who, clips=stored, out=out, passes=sizes.passes))
    contestants = {}
    for who, runs in raw.items():
        times = [t for run in runs for t in run["seconds"]]
        peaks, loaded = [r["peak_mb"] for r in runs], max(r["loaded_mb"] for r in runs)
        cpu = [t for run in runs for t in run["cpu_seconds"]]  # far from the wall's seconds: the machine was busy
        contestants[who] = summary(labels[who], times, peaks, loaded_mb=loaded, cpu_times=cpu)
    ours = np.load(place.folder / "a2d.npy")
    for who in ("librosa", "numpy"):
        theirs = np.load(place.folder / f"{who}.npy")
        facts[f"greatest_difference_from_{who}"] = float(np.abs(ours - theirs).max())
    facts["greatest_value"] = float(np.abs(ours).max())
    met = contestants["librosa"]["median"] >= 10 * contestants["a2d"]["median"]
    return result("s", contestants, "librosa", "ratio >= 10", met, facts=facts)


def bench_pipeline(place: Place, sizes: Sizes) -> dict[str, Any]:
    """From sound files to the target accuracy; imports and the checks after each epoch are not counted."""
    settings = {"data": place.data, "mnist": place.mnist, "judge": place.judge}
    settings |= {"epochs": sizes.epochs, "target": sizes.accuracy}
    raw: dict[str, list[dict]] = {"a2d": [], "plain": []}
    for seed in range(sizes.seeds):
        raw["a2d"].append(child("pipeline", seed=seed, **settings))
        raw["plain"].append(child("plain", seed=seed, workers=0, **settings))
    labels = {"a2d": "a2d, recipe report, no cache", "plain": "benchmarks/plain.py: librosa, Dataset, DataLoader, Adam"}
    contestants = {}
    for who, runs in raw.items():
        times = [sum(r["seconds"].values()) for r in runs]
        stages = {stage: [r["seconds"][stage] for r in runs] for stage in runs[0]["seconds"]}
        more = {"stages": stages, "epochs": [len(r["history"]) for r in runs], "reached": [r["reached"] for r in runs]}
        more["best_accuracy"] = [max(r["history"]) for r in runs]
        more["history"] = [r["history"] for r in runs]
        contestants[who] = summary(labels[who], times, [r["peak_mb"] for r in runs], **more)
    facts = {"data": place.names[0], "images": place.names[1], "target_accuracy": sizes.accuracy}
    facts |= {"cap_on_epochs": sizes.epochs, "split": "by recording, 70/15/15", "latent": "sampled"}
    ours, theirs = (all(contestants[who]["reached"]) for who in ("a2d", "plain"))
    if not ours:
        note = "a2d did not reach the target in every run: there is no ratio"
        return result("s", contestants, "plain", "ratio >= 5", False, ratio=None, note=note, facts=facts)
    note = "" if theirs else "plain did not reach the target in every run: its times stop at the cap, and so the ratio"
    met = contestants["plain"]["median"] >= 5 * contestants["a2d"]["median"]
    return result("s", contestants, "plain", "ratio >= 5", met, bound=not theirs, note=note, facts=facts)


def bench_draw(place: Place, sizes: Sizes) -> dict[str, Any]:
    """One picture in a new process against importing torch; then many in one process."""
    chosen = ["--model", place.model, "--evaluator", place.judge]
    return _drawing(place, sizes, chosen, (place.model, place.judge), "Artist", (1.4, 10))


def bench_write(place: Place, sizes: Sizes) -> dict[str, Any]:
    """As :func:`bench_draw`, by the ear and the hands that are shipped."""
    return _drawing(place, sizes, ["--anyway"], ("hands", "evaluator"), "Writer", (1.5, 30))


def _drawing(
    place: Place, sizes: Sizes, chosen: list[str], nets: tuple[str, str], drawer: str, most: tuple[float, float]
) -> dict[str, Any]:
    """``a2d draw`` with the options ``chosen``; ``most``: times importing torch, and ms per clip once loaded."""
    recording = next(p for p in sorted(Path(place.data).rglob("*.wav")))
    drawing = ["-m", "a2d.cli", "draw", *chosen, "--out", str(place.folder / drawer), str(recording)]
    commands = {"a2d": drawing, "torch": ["-c", "import torch"]}
    labels = {"a2d": "a2d draw ONE.wav, new process", "torch": 'python -c "import torch", new process'}
    contestants = take_turns(labels, commands, sizes.starts, place.folder)
    loaded = child("draw_loaded", data=place.data, model=nets[0], judge=nets[1], files=sizes.clips)
    label = f"{drawer}.draw_file, {len(loaded['milliseconds'])} files, once loaded (ms)"
    one = summary(label, loaded["milliseconds"], [loaded["peak_mb"]], loaded_mb=loaded["loaded_mb"])
    share = contestants["a2d"]["median"] / contestants["torch"]["median"]
    target = f"at most {most[0]} times importing torch, and at most {most[1]} ms per clip once loaded"
    more = {"ratio": share, "ratio_is": "a2d over torch, less is better", "once_loaded": one}
    met = share <= most[0] and one["median"] <= most[1]
    return result("s", contestants, "torch", target, met, **more, facts={"data": place.names[0]})


def bench_ear(place: Place, sizes: Sizes) -> dict[str, Any]:
    """Milliseconds a recording, and the share named rightly; who is quicker and wrong oftener has won nothing."""
    labels = {"a2d": "the ear that is shipped", "pocketsphinx": "pocketsphinx, its English model, a JSGF of ten words"}
    raw: dict[str, list[dict]] = {who: [] for who in labels}
    files = 3 * sizes.clips
    for _ in range(sizes.rounds):
        for who in labels:
            raw[who].append(child("listen", who=who, data=place.strangers, files=files))
    contestants = {
        who: summary(
            f"{labels[who]}: {100 * runs[0]['right']:.1f} % right",
            [t for run in runs for t in run["milliseconds"]],
            [r["peak_mb"] for r in runs],
            right=runs[0]["right"],
        )
        for who, runs in raw.items()
    }
    met = contestants["a2d"]["median"] <= 30 and contestants["a2d"]["right"] >= contestants["pocketsphinx"]["right"]
    target = "at most 30 ms a recording, and as many right"
    return result("ms", contestants, "pocketsphinx", target, met, facts={"data": place.strangers, "recordings": files})


def bench_import(place: Place, sizes: Sizes) -> dict[str, Any]:
    """``import a2d`` in a new process against an empty one."""
    labels = {"a2d": 'python -c "import a2d"', "python": 'python -c "pass"'}
    commands = {"a2d": ["-c", "import a2d"], "python": ["-c", "pass"]}
    contestants = take_turns(labels, commands, 2 * sizes.starts, place.folder)
    ours, theirs = contestants["a2d"]["median"], contestants["python"]["median"]
    more = {"ratio": ours / theirs, "ratio_is": "a2d over an empty process, less is better"}
    facts = {"seconds_beyond_an_empty_process": ours - theirs}
    return result("s", contestants, "python", "at most 0.3 s", ours <= 0.3, **more, facts=facts)


def take_turns(labels: dict[str, str], commands: dict[str, list[str]], rounds: int, folder: Path) -> dict[str, Any]:
    """Start each command in turn ``rounds`` times, after an unmeasured round that warms the disk's cache if more."""
    raw: dict[str, list[tuple[float, float]]] = {who: [] for who in commands}
    warm_up = rounds > 1
    for turn in range(rounds + warm_up):
        for who, arguments in commands.items():
            measured = started(arguments, folder)
            if turn >= warm_up:
                raw[who].append(measured)
    return {who: summary(labels[who], [t for t, _ in pairs], [m for _, m in pairs]) for who, pairs in raw.items()}


BENCHMARKS: dict[str, Callable[[Place, Sizes], dict[str, Any]]] = {
    "mfcc": bench_mfcc,
    "pipeline": bench_pipeline,
    "draw": bench_draw,
    "write": bench_write,
    "ear": bench_ear,
    "import": bench_import,
}


# ---------------------------------------------------------------------------------------------- data, output, main


def find_place(args: argparse.Namespace, names: list[str], folder: Path) -> tuple[Place, dict[str, Any]]:
    """Choose the data and the models, and describe the machine; a missing model that is needed is an error."""
    found = child("setup", model=args.model, judge=args.evaluator, quick=args.quick, folder=folder)
    needed = {"pipeline": ("judge_error",), "draw": ("model_error", "judge_error")}
    for error in [found[key] for name in names for key in needed.get(name, ())]:
        if error:
            raise A2DError(
                f"a model is missing or cannot be used ({error.rstrip('.')})",
                where="benchmarks",
                hint="Train it with `a2d train`, or name one with --model and --evaluator",
            )
    if found["fsdd"] and found["mnist"]:
        names_of_data, data, mnist = ("fsdd", "mnist"), found["fsdd"], found["mnist"]
    else:
        if not args.quick:
            print("FSDD or MNIST is not here (`a2d data fetch fsdd`, `mnist`): the built-in data take their place.\n")
        names_of_data, mnist = ("builtin", "builtin"), str(folder / "builtin")
        data = str(folder / "builtin" / "recordings")
        child("prepare_builtin", folder=mnist, limit=QUICK_RECORDINGS if args.quick else 10**9)
    strangers = "speechcommands" if found["speechcommands"] and not args.quick else "builtin"
    return Place(data, mnist, names_of_data, found["model"], found["judge"], strangers, folder), found["machine"]


def lines(name: str, found: dict[str, Any]) -> list[str]:
    """One benchmark as lines of text."""
    out = [f"{name} ({', '.join(str(v) for k, v in found.get('facts', {}).items() if k in ('data', 'images'))})"]
    out[0] = out[0].removesuffix(" ()")
    rows = [(row, found["unit"]) for row in found["contestants"].values()]
    rows += [(found["once_loaded"], "ms")] if "once_loaded" in found else []
    for row, unit in rows:
        numbers = (
            f"best {row['best']:9.3f} {unit:<2}  median {row['median']:9.3f} {unit:<2}  peak {row['peak_mb']:6.0f} MB"
        )
        out.append(f"  {numbers}  {row['label']}")
        if "epochs" in row:
            stages = ", ".join(f"{stage} {statistics.median(t):.2f} s" for stage, t in row["stages"].items())
            out.append(f"      epochs {row['epochs']}, reached {row['reached']}; medians: {stages}")
    for key, value in found.get("facts", {}).items():
        if isinstance(value, float):
            out.append(f"  {key.replace('_', ' ')}: {value:.3g}")
    if found.get("note"):
        out.append(f"  {found['note']}")
    ratio = "none" if found["ratio"] is None else f"{found['ratio']:.2f}"
    kind = found.get("ratio_is", f"{found['peer']} over a2d, more is better")
    verdict = "met" if found["met"] else "not met"
    out.append(f"  ratio {ratio} ({kind}); target {found['target']}: {verdict}")
    return out


def git(*arguments: str) -> str:
    """What git answers, or nothing where there is no git."""
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def said(arguments: list[str]) -> str:
    """The command as it was given, with the folders of paths left out."""
    return shlex.join(["python", "-m", "benchmarks.bench", *(Path(a).name if "/" in a else a for a in arguments)])


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, built-in data, untrained models")
    parser.add_argument("--model", default="report", help="generator to draw with: a name, a file or a folder")
    parser.add_argument("--evaluator", default="evaluator", help="who reads the pictures: a name or a file")
    parser.add_argument("--rounds", type=int, help="processes per contestant of mfcc")
    parser.add_argument("--seeds", type=int, help="runs of each side of pipeline")
    parser.add_argument("--epochs", type=int, help="cap on the epochs of pipeline")
    parser.add_argument("--starts", type=int, help="processes per contestant of draw (import: twice as many)")
    parser.add_argument("--out", type=Path, help="default: results/bench.json; nothing with --quick or NAMEs")
    args = parser.parse_args(arguments)
    if unknown := sorted(set(args.names) - set(BENCHMARKS)):
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    return args


def run(args: argparse.Namespace, arguments: list[str]) -> dict[str, Any]:
    """Run the benchmarks that were asked for, print each as it ends, and return everything."""
    from dataclasses import replace

    names = [n for n in BENCHMARKS if n in args.names or not args.names]
    given = {k: getattr(args, k) for k in ("rounds", "seeds", "epochs", "starts") if getattr(args, k) is not None}
    sizes = replace(QUICK if args.quick else Sizes(), **given)
    report: dict[str, Any] = {"command": said(arguments), "quick": args.quick, "commit": git("rev-parse", "HEAD")}
    report["changed_since_commit"] = bool(git("status", "--porcelain", "--", "a2d", "benchmarks"))
    with tempfile.TemporaryDirectory() as folder:
        place, machine = find_place(args, names, Path(folder))
        report |= {"machine": machine, "benchmarks": {}}
        for name in names:
            found = BENCHMARKS[name](place, sizes)
            report["benchmarks"][name] = found
            print("\n".join(lines(name, found)) + "\n", flush=True)
    return report


def main(arguments: list[str] | None = None) -> int:
    """Measure, print and write; exit code 2 for a mistake of the user. A target that is missed is no error."""
    arguments = sys.argv[1:] if arguments is None else arguments
    args = parse(arguments)
    try:
        report = run(args, arguments)
        out = args.out or (None if args.quick or args.names else ROOT / "results" / "bench.json")
        if out is not None:
            write_json(out, report)
            print(f"Written: {out.name}")
    except A2DError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
