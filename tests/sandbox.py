"""What tests of grading share: whether the sandbox works here, and the command as a teacher gives it. No test."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from teach.grading.model import GradingError
from teach.sandbox import box


def _refusal() -> str:
    try:
        box.require_sandbox()
    except GradingError as error:
        return str(error)
    return ""


REFUSAL = _refusal()
needs_sandbox = pytest.mark.skipif(bool(REFUSAL), reason=f"needs bubblewrap (package bubblewrap): {REFUSAL[:120]}")


def command(*arguments: object) -> list[str]:
    """``teach grade ...`` as a list."""
    return [sys.executable, "-m", "teach.cli", "grade", *map(str, arguments)]


def grade(*arguments: object, **environment: str) -> subprocess.CompletedProcess:
    """Run it to its end."""
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )


def table(path: Path) -> list[dict[str, str]]:
    """A CSV file's rows."""
    with open(path, encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, by its path in it."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def points_of(out: Path) -> dict[tuple[str, str], tuple[str, float | None]]:
    """Outcome and points by student and exercise."""
    rows: list[dict[str, Any]] = table(out / "grades.csv")
    assert len({(r["key"], r["exercise"]) for r in rows}) == len(rows), "a grade is there twice"
    return {(r["student"], r["exercise"]): (r["outcome"], float(r["points"]) if r["points"] else None) for r in rows}
