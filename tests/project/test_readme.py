"""The README's numbers are those of the results files, its commands exist, and the files that it names are there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from commands import in_markdown, mistakes
from conftest import ROOT

from a2d import cli
from a2d.lab import models, recipes
from results import tables

TEXTS = ("README.md", "CONTRIBUTING.md", "notebooks/README.md", "data/README.md", "docs/README.md")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


README = read("README.md")
RESULTS = sorted((ROOT / "results").glob("*.json"))


def test_tables_are_those_of_the_results() -> None:
    assert tables.fill(README) == README, "run `python -m results.reproduce readme`"
    for name in tables.TABLES:
        assert f"<!-- table: {name} -->" in README


def test_a_changed_number_would_show() -> None:
    changed = README.replace(" %", " %%", 40)
    assert tables.fill(changed) != changed


def test_an_unknown_table_is_named() -> None:
    with pytest.raises(tables.DataError, match="no table nonsense"):
        tables.fill("<!-- table: nonsense -->\n<!-- end -->")


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", README)) - {""}))
def test_links_lead_somewhere(target: str) -> None:
    if target.startswith("http"):
        assert re.fullmatch(r"https?://[\w.-]+(/[\w./-]*)?", target)
    else:
        assert (ROOT / target).exists()


TOLD = [pytest.param(line, id=f"{name}: {line}") for name in TEXTS for line in dict.fromkeys(in_markdown(read(name)))]


@pytest.mark.parametrize("line", TOLD)
def test_commands_exist(line: str) -> None:
    assert mistakes(line) == []


@pytest.mark.parametrize(
    "line",
    [
        "make nonsense",
        "make test NONSENSE=1",
        "a2d course build",
        "a2d draw x.wav --nonsense",
        "teach nonsense",
        "teach run --nonsense",
        "python -m results.reproduce nonsense",
        "python -m benchmarks.nonsense",
    ],
)
def test_a_command_that_is_not_there_would_show(line: str) -> None:
    assert in_markdown(f"Say `{line}`.") == [line]
    assert in_markdown(f"```\n.venv/bin/{line}   # a word\n```") == [line]
    assert mistakes(line) != []


def test_the_texts_tell_the_commands_that_everybody_needs() -> None:
    told = {line for name in TEXTS for line in in_markdown(read(name))}
    targets = {f"make {name}" for name in ("course", "test", "lab", "notebooks", "reproduce", "bench", "lint", "lock")}
    assert targets <= told
    assert {line.split()[1] for line in told if line.startswith("a2d ")} == set(cli.main.commands)


@pytest.mark.parametrize("path", RESULTS, ids=[p.stem for p in RESULTS])
def test_results_say_how_they_came_about(path: Path) -> None:
    found = json.loads(path.read_text(encoding="utf-8"))
    if path.stem == "report-evaluation":
        assert found["sha256"] == models.card("report")["sha256"]
    assert found["command"].startswith("python -m ")
    assert re.fullmatch(r"[0-9a-f]{40}", found["commit"])
    if path.stem not in ("bench", "lectures", "grading"):
        assert found["seeds"]
        assert found["data"]


@pytest.mark.parametrize("name", models.names())
def test_each_shipped_model_has_its_card(name: str) -> None:
    card = models.card(name)
    assert {"about", "command", "recipe", "data", "seed", "figures", "sha256", "licence"} <= set(card)
    assert card["recipe"]["name"] in recipes.names()
    assert card["recipe"] == json.loads(json.dumps(recipes.load(card["recipe"]["name"]).as_dict()))


def test_an_installed_package_reads_its_own_copy_of_the_results(tmp_path, monkeypatch) -> None:
    from a2d import lab
    from a2d.io import shipped

    monkeypatch.setattr(shipped, "PACKAGE", tmp_path / "a2d")
    folder = tmp_path / "a2d" / "_data" / "results"
    folder.mkdir(parents=True)
    (folder / "some.json").write_text('{"command": "python -m results.reproduce some"}')
    (folder / "bad.json").write_text("{")
    assert lab.results("some")["command"] == "python -m results.reproduce some"
    for name in ("bad", "nowhere"):
        with pytest.raises(tables.DataError, match=rf"{name}\.json: these results cannot be read"):
            lab.results(name)
