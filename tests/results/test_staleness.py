"""Results files carry a hash of the code that made them; one whose code has changed is named."""

from __future__ import annotations

import ast
import json

import pytest
from conftest import ROOT

from results import reproduce, staleness

ALL = len(staleness.MADE_BY)


def test_every_results_file_is_known():
    files = {path.stem for path in (ROOT / "results").glob("*.json")}
    assert files == {*staleness.MADE_BY, *staleness.MEASURED}
    assert set(staleness.MADE_BY.values()) <= set(reproduce.STEPS)


def test_a_step_depends_on_its_own_functions_and_not_on_others():
    def names(step: str) -> set[str]:
        return {node.name for node in staleness._used(step) if isinstance(node, ast.FunctionDef)}

    assert {"beta", "ship", "write_results", "write_pictures"} <= names("beta")
    assert "_reader_row" not in names("beta")
    assert {"finetuned", "_reader_row", "ship", "write_results"} <= names("finetuned")
    assert {"all_ears", "write_results"} <= names("ears")  # a step need not be called like its function


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Results in a folder of their own, all of today's code."""
    for name, step in staleness.MADE_BY.items():
        head = {"commit": "0" * 40, "code": staleness.code_of(step)}
        (tmp_path / f"{name}.json").write_text(json.dumps(head))
    monkeypatch.setattr(staleness, "RESULTS", tmp_path)
    return tmp_path


def test_results_of_todays_code_are_not_stale(written, capsys):
    assert staleness.stale() == {}
    assert staleness.main() == 0
    assert capsys.readouterr().out == f"{ALL} of {ALL} results files are of today's code.\n"


def test_a_stale_file_is_named_with_what_to_do(written, capsys):
    (written / "beta.json").write_text(json.dumps({"commit": "abcdef0123", "code": "of another day"}))
    (written / "protocol.json").write_text(json.dumps({"commit": "abcdef0123"}))
    assert set(staleness.stale()) == {"beta", "protocol"}
    staleness.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "results/beta.json may be stale: its code has changed since abcdef0. "
        "Measure it with `python -m results.reproduce beta`."
    )
    assert "written before results carried a hash" in lines[1]
    assert lines[-1] == f"{ALL - 2} of {ALL} results files are of today's code."


def test_a_change_of_the_code_makes_stale(written, monkeypatch):
    source = staleness._REPRODUCE.read_text()
    changed = written / "reproduce.py"
    # In a step: the seeds of one comparison. A comment and a docstring change nothing.
    changed.write_text(source.replace("seeds = (0, 1, 2, 3, 4)\n", "seeds = (0, 1)  # fewer\n"))
    assert changed.read_text() != source
    monkeypatch.setattr(staleness, "_REPRODUCE", changed)
    for cached in (staleness._module, staleness.code_of):
        cached.cache_clear()
    assert set(staleness.stale()) == {"targets"}
    changed.write_text(
        source.replace('"""Compare the three target rules', '"""Put side by side the three target rules')
    )
    for cached in (staleness._module, staleness.code_of):
        cached.cache_clear()
    assert staleness.stale() == {}
    monkeypatch.undo()
    for cached in (staleness._module, staleness.code_of):
        cached.cache_clear()


def test_what_results_are_made_of_holds_the_pipeline():
    from teach.closure import closure

    needed = closure("results.comparisons", "a2d.lab.runs")
    assert {"a2d.vae", "a2d.training", "a2d.metrics", "a2d.lab.kinds.generator", "a2d.evaluator"} <= set(needed)
