"""A new folder takes its place as a whole or not at all, and what was there is never lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from a2d.errors import CourseError
from teach.folders import new_folder


def entries(folder: Path) -> dict[str, str | None]:
    return {str(p.relative_to(folder)): p.read_text() if p.is_file() else None for p in sorted(folder.rglob("*"))}


def fail(made: Path, error: BaseException) -> None:
    (made / "new.txt").write_text("new")
    raise error


def make_old(out: Path) -> None:
    out.mkdir(parents=True)
    (out / "old.txt").write_text("old")


@pytest.mark.parametrize("there", ["nothing", "a folder", "an empty folder"])
def test_it_takes_its_place_when_the_block_ends(tmp_path, there):
    out = tmp_path / "a" / "b"
    if there == "a folder":
        make_old(out)
    elif there == "an empty folder":
        out.mkdir(parents=True)
    with new_folder(out, beside={"x.zip": tmp_path / "a" / "b.zip"}) as made:
        assert list(made.iterdir()) == []
        assert made.parent.parent == out.parent
        (made / "new.txt").write_text("new")
        made.with_name("x.zip").write_text("zip")
        assert not (out / "new.txt").exists()
    assert entries(tmp_path) == {"a": None, "a/b": None, "a/b/new.txt": "new", "a/b.zip": "zip"}
    mask = os.umask(0)
    os.umask(mask)
    assert out.stat().st_mode & 0o777 == 0o777 & ~mask


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("no")])
def test_an_error_in_the_block_changes_nothing(tmp_path, error):
    make_old(tmp_path / "out")
    before = entries(tmp_path)
    with pytest.raises(type(error)), new_folder(tmp_path / "out") as made:
        fail(made, error)
    assert entries(tmp_path) == before


def test_the_place_is_looked_at_before_and_after(tmp_path):
    def refuse_files() -> None:
        if (tmp_path / "out").exists():
            raise CourseError("something is here", where=tmp_path / "out", hint="Move it")

    with pytest.raises(CourseError, match="something is here"), new_folder(tmp_path / "out", refuse_files):
        (tmp_path / "out").write_text("meanwhile")
    assert entries(tmp_path) == {"out": "meanwhile"}
    with pytest.raises(CourseError, match="something is here"), new_folder(tmp_path / "out", refuse_files):
        pytest.fail("the block ran")


@pytest.mark.parametrize("failing", [("new",), ("new", "old")])
def test_a_disk_that_refuses_to_rename_loses_nothing(tmp_path, monkeypatch, failing):
    make_old(tmp_path / "out")
    before = entries(tmp_path)
    rename = os.rename

    def broken(source: Path, target: Path) -> None:
        if Path(source).name in failing:
            raise OSError(5, "Input/output error")
        rename(source, target)

    monkeypatch.setattr(os, "rename", broken)
    with (
        pytest.raises(CourseError, match=r"out: cannot write here \(Input/output error\)\. Free some space"),
        new_folder(tmp_path / "out") as made,
    ):
        (made / "new.txt").write_text("new")
    if failing == ("new",):
        assert entries(tmp_path) == before
    else:  # not even the way back worked: what was there lies in the folder beside
        assert [path.read_text() for path in tmp_path.rglob("old.txt")] == ["old"]
