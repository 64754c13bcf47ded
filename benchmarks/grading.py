"""How fast a class is graded, and in how much memory: ``python -m benchmarks.grading``.

The same pretend students' notebooks, every exercise in one short notebook each, go through ``teach grade`` and
nbgrader's ``NbGraderAPI.autograde``; the latter grades the first few, as it takes long. Then classes of
two sizes, with fewer exercises, show what the process that leads the grading needs. ``results/grading.json`` is written
when the sizes are the usual ones.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from a2d.errors import A2DError
from a2d.io.atomic import write_json, write_text
from benchmarks import nbgrader_class
from benchmarks.bench import ROOT, git
from teach.rehearsal import rehearse

PEER = "nbgrader's NbGraderAPI.autograde"
TARGET = 10.0
# The exercises of lecture 08 need no torch and are quick: what is looked at here is the leading process.
SMALL = "08"


@dataclass(frozen=True)
class Sizes:
    """Students in the class that is timed, those of them whom nbgrader grades, and the classes for memory."""

    students: int = 300
    peer_students: int = 12
    classes: tuple[int, int] = (100, 3000)


QUICK = Sizes(3, 1, (2, 4))


def graded(submissions: Path, out: Path, jobs: int, *more: str) -> dict[str, float]:
    """Run ``teach grade``; its seconds, and the largest resident memory of its own process in MB (10^6 bytes)."""
    command = [sys.executable, "-m", "teach.cli", "grade", str(submissions), "--out", str(out)]
    begin = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--jobs", str(jobs), *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    most = [0.0]

    def watch() -> None:
        while process.poll() is None:
            most[0] = max(most[0], _resident(process.pid))
            time.sleep(0.2)

    watcher = threading.Thread(target=watch)
    watcher.start()
    said, _ = process.communicate()
    watcher.join()
    if process.returncode:
        raise A2DError((said.strip().splitlines() or ["no reason given"])[-1], where=submissions)
    return {"seconds": time.perf_counter() - begin, "peak_mb": most[0]}


def _resident(pid: int) -> float:
    """The largest resident memory that a process has had so far, in MB; it leaves out the processes that it started."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    found = next((line for line in lines if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    return int(found.split()[1]) * 1024 / 1e6


def speed(folder: Path, sizes: Sizes, jobs: int) -> dict[str, Any]:
    """Seconds for each student, here and with nbgrader, and their ratio."""
    rehearse.rehearse(folder / "class", sizes.students, one_notebook=True)
    points = folder / "points.csv"
    # Every exercise is asked for; what nbgrader does not have gives nothing.
    write_text(points, "exercise,points\n" + "".join(f"{id},0\n" for id in nbgrader_class.LEFT_OUT))
    ours = graded(folder / "class" / "submissions", folder / "grades", jobs, "--points", str(points))
    each = ours["seconds"] / sizes.students
    print(f"teach grade: {sizes.students} students in {ours['seconds']:.0f} s, {each:.2f} s each", flush=True)
    nbgrader_class.write_slim_course(folder / "nbgrader", nbgrader_class.EXERCISES, {})
    notebooks = sorted((folder / "class" / "submissions").rglob("*.ipynb"))[: sizes.peer_students]
    students = {f"student{n:04d}": path for n, path in enumerate(notebooks)}
    theirs = nbgrader_class.autograde(folder / "nbgrader", students)
    peer = sum(one.seconds for one in theirs.values()) / len(theirs)
    print(f"{PEER}: {len(theirs)} students, {peer:.2f} s each", flush=True)
    print(f"ratio: {peer / each:.1f}; if nbgrader could use all {jobs} processes: {peer / each / jobs:.1f}", flush=True)
    return {
        "students": sizes.students,
        "exercises": len(nbgrader_class.EXERCISES),
        "seconds": ours["seconds"],
        "seconds_each": each,
        "peer": {"label": PEER, "students": len(theirs), "seconds_each": peer},
        "ratio": peer / each,
        "ratio_to_perfectly_parallel_peer": peer / each / jobs,
    }


def memory(folder: Path, sizes: Sizes, jobs: int) -> dict[str, Any]:
    """The leading process's memory for a small and a large class, and their ratio."""
    rows: dict[str, Mapping[str, float]] = {}
    for count in sizes.classes:
        rehearse.rehearse(folder / f"class{count}", count, [int(SMALL)], one_notebook=True)
        found = graded(folder / f"class{count}" / "submissions", folder / f"grades{count}", jobs, "--lectures", SMALL)
        print(f"{count} students: {found['seconds']:.0f} s, {found['peak_mb']:.0f} MB", flush=True)
        rows[str(count)] = found
    small, large = (rows[str(count)]["peak_mb"] for count in sizes.classes)
    print(f"ratio of memory: {large / small:.2f}", flush=True)
    return {"lectures": SMALL, "classes": rows, "ratio": large / small}


def main(arguments: list[str] | None = None) -> int:
    """Measure, print and write; exit code 2 for a mistake of the user."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="tiny classes, to see that it works; writes nothing")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    args = parser.parse_args(arguments)
    sizes = QUICK if args.quick else Sizes()
    try:
        with tempfile.TemporaryDirectory() as name:
            head = {
                "command": "python -m benchmarks.grading",
                "commit": git("rev-parse", "HEAD"),
                "changed_since_commit": bool(git("status", "--porcelain", "--", "a2d", "benchmarks")),
                "processes": args.jobs,
            }
            timed = speed(Path(name), sizes, args.jobs)
            found = {**head, "speed": timed, "memory": memory(Path(name), sizes, args.jobs)}
        print(f"target, at least {TARGET:g} times as fast: {'met' if timed['ratio'] >= TARGET else 'not met'}")
        if not args.quick:
            write_json(ROOT / "results" / "grading.json", found)
            print("Written: grading.json")
    except A2DError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
