"""Run all tests: ``make test``. The last line printed is pytest's own summary.

The tests run on two processes, those of one file on one of them, each with one thread: that is faster than one
process with two threads, and two processes with two threads each would wait for each other. A third process gains
nothing on two cores.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> int:
    """Run pytest and return its exit code; 'no tests' counts as a failure."""
    real = ROOT.parent / "shared" / "data"
    print(f"Real data in ../shared/data: {'found' if real.is_dir() else 'not there'}")
    print("Tests that are left out are named in the summary below, with what they need.", flush=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    # A cache file or a data set of this machine's user must not change what the tests see.
    environment.pop("A2D_MIRROR", None)
    command = [sys.executable, "-m", "pytest", "-q", "-rfEs", "-n", "2", "--dist", "loadfile"]
    command += ["--no-loadscope-reorder", *sys.argv[1:]]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
