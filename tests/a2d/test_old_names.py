"""Notebooks that were handed out with version 0.1 still find every name that they use, behind ``a2d.course``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

# Pairs of a module and a name in it: all that the nine student notebooks of version 0.1 import from the package or
# look up in its modules.
OLD = json.loads((Path(__file__).parent / "old_names.json").read_text())


def test_every_old_name_is_found():
    code = """
import importlib, json, sys, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from a2d.course import setup, show
print([w.category.__name__ for w in caught])
for module, name in json.loads(sys.stdin.read()):
    assert getattr(importlib.import_module(module), name) is not None, (module, name)
from a2d import optimizers, plots, tasks, weights
from a2d.plots import sound as figures
import a2d.training, a2d.figures.f01_audio
import torch
adam = optimizers.Adam([torch.nn.Parameter(torch.ones(2))], lr=3e-3)
adam.lr = 0.5
assert (adam.lr, adam.param_groups[0]["lr"]) == (0.5, 0.5)
assert figures.aliasing is a2d.figures.f01_audio.aliasing
assert a2d.plots.batch is a2d.figures.batch
assert "Fetch the lecture anew" in a2d.plots.data.named_digits({}).text
from a2d.draw import Artist
artist = Artist("report-builtin")
assert artist.judge is artist.evaluator
try:
    plots.nothing
except AttributeError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(OLD), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["['DeprecationWarning']", "module 'a2d.plots' has no attribute 'nothing'"]
    assert len(OLD) > 100


@pytest.mark.parametrize("name", ["plots", "weights", "tasks"])
def test_without_the_door_the_old_names_are_gone(name):
    code = f"import a2d\nfrom a2d import {name}\nprint({name}.batch)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
