"""Each lecture runs to its end with its solutions, and says what readers see in the committed notebook."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from conftest import ROOT
from lectures_run import EACH, SOURCES, different, lecture, notebook, runs_to_its_end


@pytest.mark.slow
@EACH
def test_it_runs_to_its_end_and_says_what_readers_see(source, tmp_path):
    made = runs_to_its_end(source, tmp_path, solutions=True)
    assert different(source, made, notebook(lecture(source).solution)) == []


@pytest.mark.slow
def test_students_can_test_a_notebook_with_nbval():
    path = lecture(SOURCES[0]).solution.relative_to(ROOT)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"\b\d+ passed", done.stdout)
