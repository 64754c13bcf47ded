"""How long each lecture runs in FAST, and how much memory its kernel needs: ``python -m benchmarks.lectures [NN...]``.

Every solution notebook runs alone, in a process of its own, beside a notebook that only imports torch; the ratio of
the two says what the lecture itself costs. Without numbers of lectures, ``results/lectures.json`` is written.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from a2d import exercises
from a2d.errors import A2DError
from a2d.io.atomic import write_json
from benchmarks.bench import ROOT, git
from teach import settings
from teach.lectures import run, source

MOST_SECONDS, MOST_MB = 60, 1500
PEER = "a notebook that imports torch"


def one(notebook: Path) -> dict[str, float]:
    """Seconds from start to end of a notebook, and the largest resident memory of its kernel in MB (10^6 bytes)."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        found = run.run_notebook(notebook, Path(folder), {"FAST": True, "SEED": 0, "DATA": "builtin"}, progress=False)
        seconds = time.perf_counter() - begin
    if found.failure:
        raise A2DError(f"it failed in {found.failure}", where=found.slug)
    unit = 1 if sys.platform == "darwin" else 1024
    return {"seconds": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1e6}


def in_a_process(notebook: Path) -> dict[str, float]:
    """:func:`one`, in a fresh process, so that its memory is its own."""
    command = [sys.executable, "-m", "benchmarks.lectures", "--notebook", str(notebook)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"
        raise A2DError(last.removeprefix("Error: "), where=notebook.stem)
    return json.loads(done.stdout.splitlines()[-1])


def peer(folder: Path) -> Path:
    """The notebook that each lecture is compared with."""
    import nbformat.v4

    cell = nbformat.v4.new_code_cell("FAST = SEED = DATA = None", id="parameters", metadata={"tags": ["parameters"]})
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    cells = [cell, nbformat.v4.new_code_cell("import torch", id="torch")]
    path = folder / "peer.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    return path


def about(slug: str) -> dict[str, Any]:
    """A lecture's title, its number of exercises and questions, and their points."""
    lecture = source.read_lecture(source.find_sources(names=[slug])[0])
    declared = exercises.of_lecture(int(slug[:2]))
    title = lecture.cells[0].source.splitlines()[0].lstrip("# ")
    return {"title": title, "exercises": len(declared), "points": sum(one.points for one in declared)}


def measure(names: list[str]) -> dict[str, Any]:
    """Run the lectures (all, or those named) and the peer; print a line for each."""
    rows: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        base = in_a_process(peer(Path(folder)))
    print(f"{PEER}: {base['seconds']:.1f} s, {base['peak_mb']:.0f} MB", flush=True)
    for path in run.list_lectures(names=names):
        found = in_a_process(path)
        rows[path.stem] = {**about(path.stem), **found, "over_peer": found["seconds"] / base["seconds"]}
        print(
            f"{path.stem:<32}{found['seconds']:6.1f} s  {found['peak_mb']:6.0f} MB  "
            f"{rows[path.stem]['over_peer']:5.1f} times {PEER}",
            flush=True,
        )
    met = all(r["seconds"] <= MOST_SECONDS and r["peak_mb"] <= MOST_MB for r in rows.values())
    target = f"each at most {MOST_SECONDS} s and {MOST_MB} MB"
    print(f"target {target}: {'met' if met else 'not met'}")
    return {"peer": {"label": PEER, **base}, "lectures": rows, "target": target, "met": met, "cores": os.cpu_count()}


def main(arguments: list[str] | None = None) -> int:
    """Measure, print and write; exit code 2 for a mistake of the user or a lecture that fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NN", help="numbers of lectures; default: all")
    parser.add_argument("--notebook", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    try:
        if args.notebook:
            print(json.dumps(one(args.notebook)))
            return 0
        source.find_sources(settings.ROOT, args.names)
        found = measure(args.names)
        if not args.names:
            head = {
                "command": "python -m benchmarks.lectures",
                "commit": git("rev-parse", "HEAD"),
                "changed_since_commit": bool(git("status", "--porcelain", "--", "a2d", "benchmarks", "notebooks")),
            }
            write_json(ROOT / "results" / "lectures.json", {**head, **found})
            print("Written: lectures.json")
    except A2DError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
