"""The examples in the docstrings of the modules that lectures explain: each has one, and all are true."""

from __future__ import annotations

import doctest
import importlib

import pytest
from conftest import ROOT

TOP = sorted({path.stem for path in (ROOT / "a2d").glob("*.py")} - {"__init__", "cli", "errors"})


@pytest.mark.parametrize("name", TOP)
def test_examples_are_true(name):
    found = doctest.testmod(importlib.import_module(f"a2d.{name}"))
    assert found.attempted >= 1, f"a2d/{name}.py shows no example"
    assert found.failed == 0
