"""Finding submissions: folders, zips and LMS downloads give the same, and nothing hostile is followed, read or lost."""

from __future__ import annotations

import io
import os
import re
import socket
import stat
import struct
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from teach.grading import naming
from teach.grading.collect import Collection, collect, listing_seed
from teach.grading.files import Limits
from teach.grading.model import GradingError, Submission
from teach.lectures.names import slugs
from teach.rehearsal import rehearse
from teach.settings import REHEARSED

SLUGS = slugs()
KEY = re.compile(r"[A-Za-z0-9_.-]{1,80}")
Layout = Mapping[str, bytes]


def notebook(text: str) -> bytes:
    return b'{"cells": [], "who": "' + text.encode() + b'"}'


def write_folder(root: Path, layout: Layout) -> Path:
    """Files of a layout on disk; a name that ends in "/" is an empty folder."""
    for name, data in layout.items():
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return root


def write_zip(path: Path, layout: Layout, top: str = "") -> Path:
    """The same as a zip, with entries for all folders as most programs write them."""
    folders = {name[: at + 1] for name in layout for at, letter in enumerate(name) if letter == "/"}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(folders | set(layout), reverse=True):
            archive.writestr(top + name, layout.get(name, b""))
    return path


def zipped(layout: Layout) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")
        for name, data in layout.items():
            archive.writestr(name, data)
    return stream.getvalue()


def shape(collection: Collection) -> dict[str, list[str]]:
    """Students, with the number behind a # and a ! if late, and the names of their files."""
    return {
        one.student + (f"#{one.number}" if one.number else "") + ("!" if one.late else ""): [f.name for f in one.files]
        for one in collection.submissions
    }


def content(collection: Collection) -> list[object]:
    """All that a collection says, with the bytes of the files, or why they cannot be read."""

    def one(found: Submission) -> object:
        return replace(found, files=()), [(file.name, file.size, outcome(file.read)) for file in found.files]

    return [*map(one, collection.submissions), collection.problems, dict(collection.by_key)]


def outcome(call: Callable[[], object]) -> object:
    """What a call gives, or the message of its error; an error without advice is none that a user may meet."""
    try:
        return call()
    except GradingError as error:
        return str(error) if error.hint else pytest.fail(f"no advice: {error}")


def only(collection: Collection, student: str) -> Submission:
    (found,) = [one for one in collection.submissions if one.student == student]
    return found


def problems(collection: Collection, student: str) -> list[tuple[str, str]]:
    return [(one.file, one.what) for one in collection.problems if one.student == student]


A, B, C = notebook("a"), notebook("b"), notebook("c")
SLUG = "01_from_sound_to_numbers"

# name: (what is there, what is found)
LAYOUTS = {
    "flat": (
        dict.fromkeys(
            ["alice.ipynb", f"bob_{SLUG}.ipynb", f"{SLUG}-Carol Ann.ipynb", f"{SLUG}_dan.ipynb", "eve-01.ipynb"], A
        ),
        {
            "alice": ["alice.ipynb"],
            "bob": [f"bob_{SLUG}.ipynb"],
            "Carol Ann": [f"{SLUG}-Carol Ann.ipynb"],
            "dan": [f"{SLUG}_dan.ipynb"],
            "eve-01": ["eve-01.ipynb"],
        },
    ),
    "flat, several each": (
        {
            f"alice-{SLUG}.ipynb": A,
            f"alice-{SLUGS[2]}.ipynb": B,
            f"bob_{SLUG}.ipynb": C,
            f"bob_{SLUG} (1).ipynb": C,
            f"carol_{SLUG}-Copy1.ipynb": C,
            f"Copy of carol_{SLUG}.ipynb": C,
        },
        {
            "alice": [f"alice-{SLUG}.ipynb", f"alice-{SLUGS[2]}.ipynb"],
            "bob": [f"bob_{SLUG} (1).ipynb", f"bob_{SLUG}.ipynb"],
            "carol": [f"carol_{SLUG}-Copy1.ipynb", f"Copy of carol_{SLUG}.ipynb"],
        },
    ),
    "flat, numbered students": (
        {"student_01.ipynb": A, "student_02.ipynb": B, "student_03.ipynb": C},
        {"student_01": ["student_01.ipynb"], "student_02": ["student_02.ipynb"], "student_03": ["student_03.ipynb"]},
    ),
    "folders": (
        {
            "alice/01.ipynb": A,
            "alice/deep/er/02.IPYNB": B,
            "bob/x.ipynb": C,
            "carol/.ipynb_checkpoints/01.ipynb": A,
            "alice/.ipynb_checkpoints/01-checkpoint.ipynb": B,
            "alice/__pycache__/x.pyc": B,
            "alice/.venv/lib/x.ipynb": B,
            "alice/env/pyvenv.cfg": B,
            "alice/env/lib/x.ipynb": B,
            "bob/.git/HEAD": B,
            "bob/._x.ipynb": B,
            ".DS_Store": B,
        },
        {"alice": ["01.ipynb", "deep/er/02.IPYNB"], "bob": ["x.ipynb"], "carol": []},
    ),
    "a venv around the student's own work": (
        {"alice/pyvenv.cfg": A, "alice/lib/x.ipynb": B, "alice/mine/01.ipynb": C, "bob/01.ipynb": B},
        {"alice": ["mine/01.ipynb"], "bob": ["01.ipynb"]},
    ),
    "a student's zip": (
        {
            "alice.zip": zipped({"w/01.ipynb": A, "w/02.ipynb": B}),
            "bob/work.zip": zipped({"01.ipynb": C}),
            "bob/2.ipynb": B,
        },
        {"alice": ["alice.zip/w/01.ipynb", "alice.zip/w/02.ipynb"], "bob": ["2.ipynb", "work.zip/01.ipynb"]},
    ),
    "moodle folders": (
        {
            "Ann Lee_11_assignsubmission_file_/01.ipynb": A,
            "Ann Lee_11_assignsubmission_onlinetext_/onlinetext.html": B,
            "Ann Lee_12_assignsubmission_file/sub/01.ipynb": B,
            "Bob_13_assignsubmission_onlinetext_/onlinetext.html": B,
            "Eve_14_assignsubmission_file_/Ann Lee_11_assignsubmission_file_/01.ipynb": C,
        },
        {
            "Ann Lee#11": ["01.ipynb"],
            "Ann Lee#12": ["sub/01.ipynb"],
            "Bob#13": [],
            "Eve#14": ["Ann Lee_11_assignsubmission_file_/01.ipynb"],
        },
    ),
    "moodle flat": (
        {
            "Ann Lee_11_assignsubmission_file_01.ipynb": A,
            "Ann Lee_11_assignsubmission_file_02.ipynb": B,
            "Ann Lee_12_assignsubmission_file_work.zip": zipped({"01.ipynb": C}),
            "Eve_14_assignsubmission_file_Ann Lee_11_assignsubmission_file_01.ipynb": C,
        },
        {
            "Ann Lee#11": ["01.ipynb", "02.ipynb"],
            "Ann Lee#12": ["work.zip/01.ipynb"],
            "Eve#14": ["Ann Lee_11_assignsubmission_file_01.ipynb"],
        },
    ),
    "canvas": (
        {
            f"leeann_340_2084_{SLUG}.ipynb": A,
            f"leeann_340_2085_{SLUG}-1.ipynb": B,
            "leeann_LATE_340_2086_x_7_8_y.ipynb": C,
            "wellslane_334_394_Work.zip": zipped({"01.ipynb": C}),
            "anon_LATE_a1B2c_55_01.ipynb": A,
            "rodan_77_text.html": A,
        },
        {
            "anon#a1B2c!": ["01.ipynb"],
            "leeann#340!": [f"{SLUG}-1.ipynb", f"{SLUG}.ipynb", "x_7_8_y.ipynb"],
            "rodan#77": [],
            "wellslane#334": ["Work.zip/01.ipynb"],
        },
    ),
    "downloads of several lectures": (
        {"week 1/lee_LATE_34_20_a.ipynb": A, "week 2/lee_34_21_a.ipynb": B, "week 2/roe_35_22_a.ipynb": C},
        {"lee#34!": ["week 1/a.ipynb", "week 2/a.ipynb"], "roe#35": ["week 2/a.ipynb"]},
    ),
    "one student's lectures": (
        {f"{SLUGS[1]}.ipynb": A, f"{SLUGS[2]}.ipynb": B},
        {"class": [f"{SLUGS[1]}.ipynb", f"{SLUGS[2]}.ipynb"]},
    ),
    "Windows": (
        {"alice\\01.ipynb": A, "alice\\sub\\02.ipynb": B, "bob\\01.ipynb": C},
        {"alice": ["01.ipynb", "sub/02.ipynb"], "bob": ["01.ipynb"]},
    ),
    "names": (
        {
            "Jos\u0065\u0301/01.ipynb": A,
            "\u674e\u660e/01.ipynb": A,
            "\u738b\u82b3/01.ipynb": A,
            "a\nb\t\x1b[2J/x\r.ipynb": A,
            "\u202eevil\u200f/01.ipynb": A,
            "con/01.ipynb": A,
            "n" * 200 + "/" + "m" * 220 + ".ipynb": A,
        },
        {
            "\\u202eevil\\u200f": ["01.ipynb"],
            "a\\u000ab\\u0009\\u001b[2J": ["x\\u000d.ipynb"],
            "con": ["01.ipynb"],
            "Jos\u00e9": ["01.ipynb"],
            "n" * 200: ["m" * 147 + "..." + "m" * 44 + ".ipynb"],
            "\u674e\u660e": ["01.ipynb"],
            "\u738b\u82b3": ["01.ipynb"],
        },
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_found_in_a_folder_and_the_same_in_every_zip_of_it(tmp_path, name):
    layout, expected = LAYOUTS[name]
    found = collect(write_folder(tmp_path / "class", layout))
    assert shape(found) == expected
    again = collect(write_zip(tmp_path / "class.zip", layout))
    assert content(again) == content(found)
    if len(expected) > 1:
        (tmp_path / "other").mkdir()
        other = write_zip(tmp_path / "other" / "class (1).zip", layout, top="class/")
        assert content(collect(other)) == content(found)
        assert listing_seed(again) == listing_seed(found)


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_order_on_disk_and_in_a_zip_changes_nothing(tmp_path, name, rng, monkeypatch):
    layout, _ = LAYOUTS[name]
    folder = write_folder(tmp_path / "class", layout)
    found = content(collect(folder))
    names = sorted(layout)
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        for at in rng.permutation(len(names)):
            archive.writestr(names[at], layout[names[at]])
    assert content(collect(tmp_path / "class.zip")) == found
    walk = os.walk

    def another_order(*args, **options):
        for here, folders, names in walk(*args, **options):
            rng.shuffle(folders)
            rng.shuffle(names)
            yield here, folders, names

    monkeypatch.setattr(os, "walk", another_order)
    assert content(collect(folder)) == found


@pytest.mark.parametrize(
    ("names", "students"),
    [
        (f"alice_{SLUG} alice-{SLUGS[2]} {SLUGS[3]}.alice", "alice alice alice"),
        (f"alice_{SLUG.upper()}", "alice"),
        (f"Ann_2024_{SLUG}", "Ann_2024"),
        (f"alice_{SLUG}-Copy1 alice_{SLUG}(2) alice", "alice alice alice"),
        (f"{SLUG} {SLUG}-Copy1 bob", "class class bob"),
        ("alice_01 alice_02 01_bob 02", "alice alice 01_bob 02"),
        ("erin_lecture1 lecture2_erin erin", "erin erin erin"),
        (f"niaj_v2 niaj_v10 bob_{SLUG}_v2 bob_{SLUG}_final", "niaj niaj bob bob"),
        ("student_01 student_02 ws24_03_ann", "student_01 student_02 ws24_03_ann"),
        (f"x{SLUG} {SLUG}y", f"x{SLUG} {SLUG}y"),
    ],
)
def test_a_file_names_its_student_beside_the_lectures_whole_name(tmp_path, names, students):
    folder = write_folder(tmp_path / "class", {f"{name}.ipynb": A for name in names.split()})
    owner = {file.name: one.student for one in collect(folder).submissions for file in one.files}
    assert [owner[f"{name}.ipynb"] for name in names.split()] == students.split()


@pytest.mark.parametrize(
    ("names", "students"),
    [
        ("alice_01_from_sound_to_numbers 02_two_data_sets-bob", "alice bob"),
        ("student_01 student_02 ws24_03_ann", "student_01 student_02 ws24_03_ann"),
    ],
)
def test_where_the_lectures_names_are_not_known_their_numbers_and_words_do(tmp_path, monkeypatch, names, students):
    monkeypatch.setattr(naming, "slugs", lambda: ("01", "02", "03"))
    monkeypatch.setattr(naming, "_slug", naming._slug.__wrapped__)
    folder = write_folder(tmp_path / "class", {f"{name}.ipynb": A for name in names.split()})
    owner = {file.name: one.student for one in collect(folder).submissions for file in one.files}
    assert [owner[f"{name}.ipynb"] for name in names.split()] == students.split()


CANVAS = {f"leeann_340_2084_{SLUG}.ipynb": A, f"roe_341_2085_{SLUG}.ipynb": B, f"poe_342_2086_{SLUG}.ipynb": B}
MOODLE = {f"{name}_{n}_assignsubmission_file_/01.ipynb": A for n, name in enumerate(("Ann", "Bo", "Cy"), 1)}


@pytest.mark.parametrize(("lms", "layout"), [("canvas", CANVAS), ("moodle", MOODLE)])
@pytest.mark.parametrize("odd", ["kim.ipynb", "list.xlsx"])
def test_an_lms_is_known_by_every_name_or_named_by_the_teacher(tmp_path, lms, layout, odd):
    whole = shape(collect(write_folder(tmp_path / "whole", layout)))
    assert all("#" in name for name in whole)
    folder = write_folder(tmp_path / "class", {**layout, odd: C})
    found = collect(folder)
    assert not any("#" in name for name in shape(found))
    told = f"1 of 4 names are not as {lms.title()} writes them, so no name is read so"
    assert (odd, told) in problems(found, "")
    named = collect(folder, layout=lms)
    assert shape(named) == whole
    (problem,) = named.problems
    assert (problem.student, problem.file) == ("", odd)
    assert ("belongs to nobody" in problem.what) == (odd == "kim.ipynb")


def test_a_layout_that_is_named_is_taken(tmp_path):
    layout = {f"bob/alice_{SLUG}.ipynb": A, f"bob/carol_{SLUG}.ipynb": B, f"dan_{SLUG}.ipynb": C, "eve/": b""}
    folder = write_folder(tmp_path / "class", layout)
    by_folder = {"bob": [f"alice_{SLUG}.ipynb", f"carol_{SLUG}.ipynb"], "dan": [f"dan_{SLUG}.ipynb"], "eve": []}
    by_file = {name: [f"bob/{name}_{SLUG}.ipynb"] for name in ("alice", "carol")} | {"dan": [f"dan_{SLUG}.ipynb"]}
    assert shape(collect(folder)) == shape(collect(folder, layout="folders")) == by_folder
    assert shape(collect(folder, layout="flat")) == by_file
    with pytest.raises(GradingError, match="there is no notebook in it") as caught:
        collect(folder, layout="moodle")
    assert "belongs to nobody" in str(caught.value)
    with pytest.raises(GradingError, match=r"mail: there is no such layout\. Use one of auto, folders, flat, moodle"):
        collect(folder, layout="mail")


@pytest.mark.parametrize("layout", REHEARSED)
@pytest.mark.parametrize("kind", ["folder", "zip", "zip of the folder"])
def test_each_layout_of_a_rehearsal_is_read_told_or_not(tmp_path, layout, kind):
    names = [
        rehearse._path(layout, name, n, number, slug, alone=False, late=n == 1, again=n == 2)
        for n, name in enumerate(("Ada Abel", "Zo\u00eb M\u00fcller", "Jos\u00e9 Diaz"))
        for number, slug in enumerate(SLUGS[1:4])
    ]
    files = {name: A for name in names}
    path = write_folder(tmp_path / "in", files) if kind == "folder" else tmp_path / "in.zip"
    if kind != "folder":
        write_zip(path, files, top="in/" if "of" in kind else "")
    found = collect(path)
    assert content(collect(path, layout=layout)) == content(found)
    assert found.problems == ()
    assert [len(one.files) for one in found.submissions] == [3, 3, 3]
    wanted = (
        {"abelada", "mullerzoe", "diazjose"}
        if layout == "canvas"
        else {"Ada Abel", "Zo\u00eb M\u00fcller", "Jos\u00e9 Diaz"}
    )
    assert {one.student for one in found.submissions} == wanted
    assert [one.late for one in found.submissions].count(True) == (layout == "canvas")


def test_every_file_gives_its_own_bytes(tmp_path):
    layout = {f"{n}/{m}.ipynb": notebook(f"{n} {m}") for n in "abcd" for m in range(3)}
    layout |= {f"z{n}/w.zip": zipped({f"{m}.ipynb": notebook(f"z{n} {m}") for m in range(3)}) for n in "abc"}
    found = collect(write_zip(tmp_path / "class.zip", layout))
    read = {f"{s.student}/{f.name}": f.read() for s in found.submissions for f in s.files}
    assert read == {
        **{f"{n}/{m}.ipynb": notebook(f"{n} {m}") for n in "abcd" for m in range(3)},
        **{f"z{n}/w.zip/{m}.ipynb": notebook(f"z{n} {m}") for n in "abc" for m in range(3)},
    }
    assert found.problems == ()


def test_keys_are_safe_and_unique_and_stay_when_others_join(tmp_path):
    names = [
        "alice",
        "Alice",
        "ALICE ",
        "al ice",
        "al-ice",
        "\u00e1lice",
        "\u674e\u660e",
        "\u738b\u82b3",
        "...",
        "-x",
        "CON",
    ]
    names += ["nul.txt", "n" * 200, "n" * 199, "\u202ealice", "a\nlice", "bob"]
    numbered = [f"{name}_assignsubmission_file_" for name in ("Ann Lee_1", "Ann Lee_2", "\u674e\u660e_3", "Ann-Lee_2")]
    folder = write_folder(tmp_path / "class", {f"{name}/01.ipynb": A for name in names})
    moodle = write_folder(tmp_path / "moodle", {f"{name}/01.ipynb": A for name in numbered})
    both = [*collect(folder).submissions, *collect(moodle).submissions]
    found = {(one.student, one.number): one.key for one in both}
    assert len({key.casefold() for key in found.values()}) == len(found) == len([*names, *numbered])
    assert all(KEY.fullmatch(key) and key[0] not in ".-" for key in found.values())
    assert not any(re.fullmatch(r"(?i)(con|nul)(\..*)?", key) for key in found.values())
    assert (found["bob", ""], found["Ann Lee", "1"]) == ("bob", "Ann-Lee_1")
    assert all(re.fullmatch(rf"{name.strip()}-[0-9a-f]{{8}}", found[name.strip(), ""]) for name in names[:3])
    # the keys of those who share theirs with nobody are the same without the others
    few = collect(write_folder(tmp_path / "few", {"\u674e\u660e/01.ipynb": A, "-x/01.ipynb": A, "bob/01.ipynb": A}))
    assert {one.student: one.key for one in few.submissions} == {
        name: found[name, ""] for name in ("\u674e\u660e", "-x", "bob")
    }


def test_names_that_are_nearly_the_same_are_told(tmp_path):
    found = collect(write_folder(tmp_path / "class", {"Ann Lee/1.ipynb": A, "ann  lee/1.ipynb": B, "bob/1.ipynb": C}))
    told = "2 students' names differ in digits, spaces or upper case only: Ann Lee, ann  lee"
    assert [(one.student, one.file, one.what) for one in found.problems] == [("", "Ann Lee", told)]
    layout = {f"{name}.ipynb": A for name in ("bob_01", "bob 02", "Bob3", "alice", "2024", "2025")}
    found = collect(write_folder(tmp_path / "flat", layout))
    assert [one.what for one in found.problems] == [
        "bob 02, bob_01 are taken for one student's lectures, and for bob",
        "2 students' names differ in digits, spaces or upper case only: Bob3, bob",
    ]


def test_equal_names_get_their_number_in_problems(tmp_path):
    layout = {f"Participant_{n}_assignsubmission_file_/a.pdf": A for n in (1, 2)}
    layout |= {"Zoe_3_assignsubmission_file_/x.ipynb": A}
    found = collect(write_folder(tmp_path / "class", layout))
    assert {one.student for one in found.problems} == {"Participant (1)", "Participant (2)"}
    assert [one.what for one in found.by_key["Participant_2"]] == [
        "there is no notebook among the 1 files",
        "not a notebook",
    ]


@pytest.mark.parametrize("top", ["class", "Kurs 2024"])
def test_a_folder_around_the_class_is_taken_away(tmp_path, top):
    students = {f"{top}/alice/01.ipynb": A, f"{top}/bob/01.ipynb": B}
    assert set(shape(collect(write_folder(tmp_path / "a", students)))) == {"alice", "bob"}
    flat = {f"{top}/alice.ipynb": A, f"{top}/bob.ipynb": B, f"{top}/carol.ipynb": C, "list.xlsx": C}
    folder = write_folder(tmp_path / "b", flat)
    found = collect(folder, layout="flat")
    assert set(shape(found)) == {"alice", "bob", "carol"}
    assert problems(found, "") == [("list.xlsx", "not a notebook")]
    # Without the layout, a folder with files in it is a student's, and that is told.
    found = collect(folder)
    assert list(shape(found)) == [top]
    assert (top, "all that is here lies in this one folder, and counts as one student's") in problems(found, "")
    one = {f"{top}/{SLUG}.ipynb": A, f"{top}/notebooks/02.ipynb": B}
    assert shape(collect(write_folder(tmp_path / "c", one))) == {top: [f"{SLUG}.ipynb", "notebooks/02.ipynb"]}
    assert shape(collect(write_folder(tmp_path / "d" / top, {f"{top}/alice.ipynb": A}))) == {"alice": ["alice.ipynb"]}


def test_a_folder_that_is_a_students_own_is_not_taken_away(tmp_path):
    hostile = {f"Eve_1_assignsubmission_file_/{name}/01.ipynb": A for name in ("Ann_2_assignsubmission_file_", "Bob")}
    assert list(shape(collect(write_folder(tmp_path / "a", hostile)))) == ["Eve#1"]
    assert list(shape(collect(write_folder(tmp_path / "b", {"eve/homework/x.ipynb": A, "eve/y.ipynb": A})))) == ["eve"]
    backups = {"eve/01.ipynb": A, "eve/old/01.ipynb": A, "eve/older/01.ipynb": A}
    assert list(shape(collect(write_folder(tmp_path / "c", backups)))) == ["eve"]
    weeks = {f"eve/week{n}/01.ipynb": A for n in (1, 2)}
    assert list(shape(collect(write_folder(tmp_path / "d", weeks), layout="folders"))) == ["eve"]
    # only a zip can have a file and a folder of one name
    (tmp_path / "e.zip").write_bytes(zipped({"x.ipynb": A, "x.ipynb/alice/01.ipynb": B, "x.ipynb/bob/01.ipynb": C}))
    found = collect(tmp_path / "e.zip")
    assert sorted(file.read() for one in found.submissions for file in one.files) == sorted([A, B, C])


def test_a_group_of_students_in_a_folder_is_told(tmp_path):
    layout = {f"group {g}/student {n}/01.ipynb": A for g in "AB" for n in range(3)} | {"bob/01.ipynb": A}
    found = collect(write_folder(tmp_path / "class", layout))
    told = [one for one in found.problems if one.what.startswith("there are 3 notebooks of lecture 01")]
    assert [(one.student, one.file) for one in told] == [(f"group {g}", "student 2/01.ipynb") for g in "AB"]


def test_lectures_without_a_name_count_for_the_folder_and_that_is_told(tmp_path):
    found = collect(write_folder(tmp_path / "class", {f"{SLUG}.ipynb": A, f"{SLUGS[2]}.ipynb": B, "bob.ipynb": C}))
    assert shape(found) == {"bob": ["bob.ipynb"], "class": [f"{SLUG}.ipynb", f"{SLUGS[2]}.ipynb"]}
    told = "no student's name is in 2 files' names; they count as handed in by class"
    assert problems(found, "") == [(f"{SLUG}.ipynb", told)]


def test_other_files_are_told_once_each_and_make_a_student_only_where_a_student_handed_them_in(tmp_path):
    layout = {"alice/01.ipynb": A, "alice/01.py": B, "alice/01.pdf": B, "alice/02.ipynb.txt": B}
    layout |= {"bob.tar.gz": B, "README": B}
    found = collect(write_folder(tmp_path / "class", layout))
    assert shape(found) == {"alice": ["01.ipynb"], "bob": []}
    assert problems(found, "alice") == [
        ("01.pdf", "not a notebook"),
        ("01.py", "not a notebook"),
        ("02.ipynb.txt", "not a notebook by its name"),
    ]
    assert problems(found, "bob") == [("", "there is no notebook among the 1 files"), ("bob.tar.gz", "not a notebook")]
    assert problems(found, "") == [("README", "not a notebook")]
    assert {one.hint for one in found.problems if one.file == "01.py"} == {"Hand in the .ipynb"}


def test_a_student_without_a_notebook_is_there(tmp_path):
    found = collect(write_folder(tmp_path / "class", {"alice/": b"", "bob/01.ipynb": A}))
    assert shape(found) == {"alice": [], "bob": ["01.ipynb"]}
    assert problems(found, "alice") == [("", "there is no notebook among the 0 files")]


# ------------------------------------------------------------------------------------------------- hostile zips


def entry(name: str, mode: int = 0, flags: int = 0, method: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr, info.flag_bits, info.compress_type = mode << 16, flags, method
    return info


HOSTILE = {
    "absolute": (entry("/etc/x.ipynb"), "absolute"),
    "up": (entry("../../x.ipynb"), "absolute"),
    "up with backslashes": (entry("a\\..\\..\\x.ipynb"), "absolute"),
    "inside out": (entry("alice/../bob/x.ipynb"), "absolute"),
    "drive": (entry("C:\\x.ipynb"), "absolute"),
    "share": (entry("\\\\server\\x.ipynb"), "absolute"),
    "deep": (entry("d/" * 60 + "x.ipynb"), "deep"),
    "long": (entry("d/" + "x" * 5000 + ".ipynb"), "deep"),
    "link": (entry("x.ipynb", stat.S_IFLNK | 0o777), "symbolic link"),
    "pipe": (entry("x.ipynb", stat.S_IFIFO | 0o600), "not a regular file"),
    "method": (entry("x.ipynb", method=zipfile.ZIP_LZMA), "unusual"),
    "zip": (entry("x.zip"), "lies in a zip"),
}


def zip_with(info: zipfile.ZipInfo, data: bytes = A) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("good.ipynb", B)
        archive.writestr(info, data)
    return stream.getvalue()


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_in_a_students_zip_is_told_and_never_read(tmp_path, name):
    info, told = HOSTILE[name]
    found = collect(write_folder(tmp_path / "class", {"eve/w.zip": zip_with(info), "bob/01.ipynb": A}))
    files = {one.name: one for one in only(found, "eve").files}
    assert files.pop("w.zip/good.ipynb").read() == B
    (bad,) = files.values()
    assert ".." not in bad.name.split("/")
    assert "\\" not in bad.name
    assert len(bad.name) <= 200
    with pytest.raises(GradingError, match=told) as caught:
        bad.read()
    assert str(caught.value).startswith(f"eve: {bad.name}: ")
    assert [one.file for one in found.problems] == [bad.name]
    assert told in found.problems[0].what
    assert found.problems[0].hint
    assert shape(found)["bob"] == ["01.ipynb"]


@pytest.mark.parametrize("name", [name for name, (_, told) in HOSTILE.items() if told in ("absolute", "deep")])
def test_what_leads_out_of_the_class_belongs_to_nobody(tmp_path, name):
    info, told = HOSTILE[name]
    (tmp_path / "class.zip").write_bytes(zip_with(info))
    found = collect(tmp_path / "class.zip")
    assert shape(found) == {"good": ["good.ipynb"]}
    assert [one.student for one in found.problems] == [""]
    assert told in found.problems[0].what


def test_an_encrypted_notebook_is_told(tmp_path):
    data = bytearray(zip_with(entry("x.ipynb")))
    for signature, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data[data.rindex(signature) + at] |= 1
    found = collect(write_folder(tmp_path / "class", {"eve/w.zip": bytes(data)}))
    assert problems(found, "eve") == [("w.zip/x.ipynb", "this file is encrypted")]
    with pytest.raises(GradingError, match="encrypted"):
        only(found, "eve").files[1].read()


def lying(data: bytes, claimed: int) -> bytes:
    """A zip whose last member says that it has ``claimed`` bytes."""
    changed = bytearray(data)
    struct.pack_into("<I", changed, changed.rindex(b"PK\x01\x02") + 24, claimed)
    struct.pack_into("<I", changed, changed.rindex(b"PK\x03\x04") + 22, claimed)
    return bytes(changed)


@pytest.mark.parametrize("where", ["class", "student"])
def test_a_member_that_holds_more_than_it_says_stops(tmp_path, where):
    bomb = lying(zip_with(entry("x.ipynb"), bytes(60_000_000)), 1000)
    assert len(bomb) < 80_000
    path = tmp_path / "class.zip"
    path.write_bytes(bomb if where == "class" else zipped({"eve.zip": bomb}))
    found = collect(path)
    bad = next(file for one in found.submissions for file in one.files if file.name.endswith("x.ipynb"))
    assert bad.size == 1000
    tracemalloc.start()
    with pytest.raises(GradingError, match="damaged"):
        bad.read()
    assert tracemalloc.get_traced_memory()[1] < 4_000_000
    tracemalloc.stop()


def test_a_big_member_is_not_read_and_one_that_grows_stops_at_the_limit(tmp_path):
    limits = Limits(notebook_bytes=100_000)
    path = tmp_path / "class.zip"
    path.write_bytes(zipped({"eve.ipynb": bytes(50_000_000), "bob.ipynb": A}))
    eve = only(collect(path, limits), "eve").files[0]
    assert eve.size == 50_000_000
    with pytest.raises(GradingError, match="50,000,000 bytes, more than the 100,000"):
        eve.read()
    folder = write_folder(tmp_path / "class", {"eve.ipynb": A})
    eve = only(collect(folder, limits), "eve").files[0]
    (folder / "eve.ipynb").write_bytes(bytes(50_000_000))
    tracemalloc.start()
    with pytest.raises(GradingError, match="longer than the 100,000"):
        eve.read()
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_members_that_share_their_bytes_count_each(tmp_path):
    data = zipped({f"{n}.ipynb": bytes(1_000_000) for n in range(9)})
    changed = bytearray(data)
    at = -1
    for _ in range(9):  # all entries of the table of contents point to the first member
        at = changed.index(b"PK\x01\x02", at + 1)
        struct.pack_into("<I", changed, at + 42, 0)
    folder = write_folder(tmp_path / "class", {"eve/w.zip": bytes(changed), "bob/1.ipynb": A})
    found = collect(folder, Limits(student_bytes=3_000_000))
    assert len(problems(found, "eve")) == 6
    assert all("more than the 3,000,000 allowed" in what for _, what in problems(found, "eve"))
    for file in only(found, "eve").files[1:]:
        with pytest.raises(GradingError, match=r"damaged|allowed"):
            file.read()


def test_a_table_of_contents_that_is_too_long_is_refused_before_it_is_made(tmp_path, monkeypatch):
    many = zipped({f"{n:04}.ipynb": b"" for n in range(600)})
    limits = Limits(entries=500, student_entries=500)
    folder = write_folder(tmp_path / "class", {"eve/w.zip": many, "bob/1.ipynb": A})
    found = collect(folder, limits)
    assert problems(found, "eve") == [("w.zip", "this zip has more than 500 files and folders in it")]
    assert [file.name for file in only(found, "eve").files] == ["w.zip"]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for n in range(20):
            info = zipfile.ZipInfo(f"{n}.ipynb")
            info.comment = bytes(60_000)
            archive.writestr(info, A)
    wordy = write_folder(tmp_path / "wordy", {"eve/w.zip": stream.getvalue(), "bob/1.ipynb": A})
    assert problems(collect(wordy, limits), "eve") == problems(found, "eve")
    (tmp_path / "many.zip").write_bytes(many)
    made = []
    monkeypatch.setattr(zipfile, "ZipInfo", lambda *args: made.append(args))
    with pytest.raises(GradingError, match="more than 500 files and folders"):
        collect(tmp_path / "many.zip", limits)
    assert made == []


def test_too_many_files_in_a_folder_are_refused_with_the_fullest_place(tmp_path):
    layout = {f"eve/{n}.txt": b"" for n in range(40)} | {"bob/1.ipynb": A}
    layout |= {f"bob/{folder}/{n}": b"" for folder in (".git", "env/lib") for n in range(9)} | {
        "bob/env/pyvenv.cfg": b""
    }
    with pytest.raises(GradingError, match="more than 30 files and folders"):
        collect(write_folder(tmp_path / "class", layout), Limits(entries=30))
    assert shape(collect(tmp_path / "class", Limits(entries=50)))["bob"] == ["1.ipynb"]


def test_a_name_that_is_there_twice_is_kept_twice(tmp_path):
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w") as archive:
        warnings.simplefilter("ignore")
        for data in (A, B, C):
            archive.writestr("01.ipynb", data)
        archive.writestr("01 (2).ipynb", C)
    found = collect(write_folder(tmp_path / "class", {"eve/w.zip": stream.getvalue()}))
    files = only(found, "eve").files
    assert len({file.name for file in files}) == 4
    assert sorted(file.read() for file in files) == sorted([A, B, C, C])
    told = problems(found, "eve")
    assert len(told) == 3
    assert ["more than one" in what for _, what in told].count(True) == 2
    assert [what.partition(";")[0] for _, what in told if "more" not in what] == ["there are 4 notebooks of lecture 01"]


def raw_zip(name: bytes, utf8: bool) -> bytes:
    """A zip whose member has these bytes as its name."""
    data = bytearray(zipped({"N" * len(name) + "/01.ipynb": A}))
    for signature, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data[data.index(signature) + at + 1] |= 8 if utf8 else 0
    return bytes(data).replace(b"N" * len(name), name)


@pytest.mark.parametrize("utf8", [True, False])
def test_a_zips_names_are_utf8_marked_or_not(tmp_path, utf8):
    (tmp_path / "class.zip").write_bytes(raw_zip("Zo\u00eb".encode(), utf8))
    found = collect(tmp_path / "class.zip")
    assert shape(found) == {"Zo\u00eb": ["01.ipynb"]}
    assert found.submissions[0].files[0].read() == A


def test_names_that_are_not_utf8_are_the_same_on_disk_and_in_a_zip(tmp_path):
    (tmp_path / "class.zip").write_bytes(raw_zip(b"Jos\x82\x83", utf8=False))
    os.makedirs(os.fsencode(tmp_path) + b"/class/Jos\x82\x83")
    with open(os.fsencode(tmp_path) + b"/class/Jos\x82\x83/01.ipynb", "wb") as stream:
        stream.write(A)
    found = collect(tmp_path / "class.zip")
    assert shape(found) == {"Jos\u00e9\u00e2": ["01.ipynb"]}
    assert content(collect(tmp_path / "class")) == content(found)
    # one name that is not UTF-8 leaves the student's own as it is
    folder = write_folder(tmp_path / "two", {"Zo\u00eb/01.ipynb": A, "bob/01.ipynb": B})
    os.rename(folder / "Zo\u00eb/01.ipynb", os.fsencode(folder / "Zo\u00eb") + b"/\x82.ipynb")
    assert shape(collect(folder)) == {"bob": ["01.ipynb"], "Zo\u00eb": ["\u00e9.ipynb"]}
    # marked as UTF-8, but not UTF-8: no zip at all
    (tmp_path / "class.zip").write_bytes(raw_zip(b"Jos\x82\x83", utf8=True))
    with pytest.raises(GradingError, match="damaged"):
        collect(tmp_path / "class.zip")


# ------------------------------------------------------------------------------------------------- broken files


WHOLE = zipped({"01.ipynb": os.urandom(3000), "02.ipynb": A})


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "damaged"),
        (WHOLE[: len(WHOLE) // 2], "damaged"),
        (WHOLE[:-30], "damaged"),
        (WHOLE[2000:], "damaged"),
        (b"PK\x05\x06" + b"\xff" * 18, "damaged"),
        (A, "may be a notebook"),
        (b"hello", "damaged"),
    ],
)
def test_a_students_broken_zip_is_told_and_stands_as_a_file_that_cannot_be_read(tmp_path, data, told):
    layout = {"eve.zip": data, "bob.ipynb": A}
    found = collect(write_folder(tmp_path / "class", layout))
    assert [(file, told in what) for file, what in problems(found, "eve")] in ([("eve.zip", True)], [])
    with pytest.raises(GradingError, match=r"damaged|may be a notebook"):
        b"".join(file.read() for file in only(found, "eve").files)
    assert content(collect(write_zip(tmp_path / "class.zip", layout))) == content(found)
    assert only(found, "bob").files[0].read() == A


@pytest.mark.parametrize("at", range(0, len(WHOLE), 97))
def test_no_damage_of_a_zip_ends_in_anything_but_a_message(tmp_path, at, rng):
    data = bytearray(WHOLE)
    data[at : at + 8] = rng.bytes(8)
    folder = write_folder(tmp_path / "class", {"eve.zip": bytes(data), "bob.ipynb": A})
    found = collect(folder)
    assert all(isinstance(outcome(file.read), str | bytes) for file in only(found, "eve").files)
    (tmp_path / "class.zip").write_bytes(data)
    assert isinstance(outcome(partial(collect, tmp_path / "class.zip")), str | Collection)


def test_a_zip_with_the_name_of_a_notebook_cannot_be_read(tmp_path):
    found = collect(write_folder(tmp_path / "class", {"eve.ipynb": WHOLE}))
    with pytest.raises(GradingError, match=r"eve: eve.ipynb: this is a zip with the name of a notebook. Rename"):
        only(found, "eve").files[0].read()


def test_a_whole_download_inside_the_submissions_is_told(tmp_path):
    inner = zipped({"Ann_1_assignsubmission_file_/01.ipynb": A})
    found = collect(write_folder(tmp_path / "class", {"submissions.zip": inner}))
    assert [what for _, what in problems(found, "submissions")] == ["this looks like the download of a whole class"]


@pytest.mark.parametrize("kind", ["file", "folder", "notebook at the top", "folder at the top"])
def test_links_are_never_followed(tmp_path, kind):
    secret = write_folder(tmp_path / "secret", {"x.ipynb": notebook("secret"), "sub/y.ipynb": notebook("secret")})
    folder = write_folder(tmp_path / "class", {"eve/01.ipynb": A, "bob/01.ipynb": A})
    link = {"file": "eve/l.ipynb", "folder": "eve/l", "notebook at the top": "zoe.ipynb", "folder at the top": "zoe"}[
        kind
    ]
    (folder / link).symlink_to(secret / "x.ipynb" if "ipynb" in link else secret)
    found = collect(folder)
    student = "zoe" if "zoe" in link else "eve"
    assert (link.removeprefix("eve/"), "this is a symbolic link, and links are not followed") in problems(
        found, student
    )
    assert "secret" not in str(content(found))
    names = [file.name for file in only(found, student).files]
    assert (link.removeprefix("eve/") in names) == ("ipynb" in link)
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        for name in ("eve/01.ipynb", "bob/01.ipynb"):
            archive.writestr(name, A)
        archive.writestr(entry(link, stat.S_IFLNK | 0o777), "../secret/x.ipynb")
    told = {(one.student, one.file, one.what) for one in found.problems}
    assert {(one.student, one.file, one.what) for one in collect(tmp_path / "class.zip").problems} == told


def test_a_link_that_takes_a_files_place_is_not_followed(tmp_path):
    folder = write_folder(tmp_path / "class", {"eve.ipynb": A, "bob.ipynb": A, "zoe.ipynb": A})
    found = collect(folder)
    (tmp_path / "secret").write_bytes(B)
    for name in ("eve.ipynb", "bob.ipynb", "zoe.ipynb"):
        (folder / name).unlink()
    (folder / "eve.ipynb").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "bob.ipynb")
    for student, told in (("eve", "cannot be read"), ("bob", "no longer a regular file"), ("zoe", "No such file")):
        with pytest.raises(GradingError, match=rf"{student}: {student}.ipynb: .*{told}"):
            only(found, student).files[0].read()


def test_pipes_and_sockets_are_told_and_not_waited_for(tmp_path, monkeypatch):
    folder = write_folder(tmp_path / "class", {"eve/01.ipynb": A})
    os.mkfifo(folder / "eve/pipe.ipynb")
    monkeypatch.chdir(folder)  # the path of a socket has at most 107 characters
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("eve/socket")
        found = collect(folder)
    assert [file for file, what in problems(found, "eve") if "not a regular file" in what] == ["pipe.ipynb", "socket"]
    with pytest.raises(GradingError, match="not a regular file"):
        only(found, "eve").files[1].read()


def test_what_may_not_be_read_is_told(tmp_path, monkeypatch):
    folder = write_folder(tmp_path / "class", {"eve/01.ipynb": A, "bob/01.ipynb": A, "zoe/1.ipynb": A})
    scandir, access = os.scandir, os.access
    if os.getuid():
        (folder / "eve").chmod(0)
        (folder / "bob/01.ipynb").chmod(0)
    else:  # to the administrator, nothing is forbidden

        def forbidden(path):
            if Path(path).name == "eve":
                raise PermissionError(13, "Permission denied", path)
            return scandir(path)

        monkeypatch.setattr(os, "scandir", forbidden)
        monkeypatch.setattr(os, "access", lambda path, mode: "bob" not in str(path) and access(path, mode))
    found = collect(folder)
    (folder / "eve").chmod(0o700)
    assert shape(found) == {"bob": ["01.ipynb"], "eve": [], "zoe": ["1.ipynb"]}
    assert ("01.ipynb", "you may not read this file") in problems(found, "bob")
    assert ("eve", "this folder cannot be read (Permission denied)") in problems(found, "eve")


# ------------------------------------------------------------------------------------------------- limits, and the rest


def test_limits_on_a_students_files_leave_the_others_alone(tmp_path):
    layout = {f"eve/{n:02}.ipynb": bytes(100) for n in range(10)} | {"bob/1.ipynb": A}
    found = collect(write_folder(tmp_path / "class", layout), Limits(student_files=4))
    assert [file.name for file in only(found, "eve").files] == ["00.ipynb", "01.ipynb", "02.ipynb", "03.ipynb"]
    told = "there are more than 4 notebooks; this one is left out, and 5 after it"
    assert problems(found, "eve") == [("04.ipynb", told)]
    found = collect(tmp_path / "class", Limits(student_bytes=350))
    read = [outcome(file.read) for file in only(found, "eve").files]
    assert read[:3] == [bytes(100)] * 3
    assert len(read) == 10
    assert all("more than the 350 allowed" in told for told in read[3:])
    assert only(found, "bob").files[0].read() == A
    found = collect(tmp_path / "class", Limits(notebook_bytes=99))
    assert len(only(found, "eve").files) == len(problems(found, "eve")) == 10


def test_a_zip_over_its_limit_is_not_opened(tmp_path):
    folder = write_folder(tmp_path / "class", {"eve/w.zip": WHOLE, "bob/1.ipynb": A})
    found = collect(folder, Limits(zip_bytes=1000))
    assert "more than the 1,000 allowed" in problems(found, "eve")[0][1]
    assert [file.name for file in only(found, "eve").files] == ["w.zip"]


def test_problems_are_cut_with_a_count_and_the_important_ones_stay(tmp_path):
    layout = {f"eve/{n:03}.txt": b"" for n in range(30)} | {"eve/z.ipynb": bytes(1000), "bob/1.ipynb": A}
    found = collect(write_folder(tmp_path / "class", layout), Limits(student_problems=5, notebook_bytes=500))
    told = problems(found, "eve")
    assert len(told) == 7
    assert told == sorted(told)
    assert ("", "25 more problems of this kind are not listed") in told
    assert any(file == "z.ipynb" for file, _ in told)


def test_collecting_reads_no_notebook(tmp_path, monkeypatch):
    folder = write_folder(tmp_path / "class", {f"s{n}.ipynb": A for n in range(5)})
    with open(folder / "huge.ipynb", "wb") as stream:
        stream.truncate(500_000_000)
    monkeypatch.setattr(os, "open", None)
    found = collect(folder)
    assert len(found.submissions) == 6
    assert problems(found, "huge")[0][0] == "huge.ipynb"


@pytest.mark.parametrize("kind", ["missing", "text", "notebook", "pipe", "empty", "no notebook", "truncated"])
def test_a_path_that_cannot_be_used_is_refused_with_advice(tmp_path, kind):
    path = tmp_path / {"notebook": "x.ipynb", "truncated": "x.zip"}.get(kind, "x")
    if kind in ("text", "notebook"):
        path.write_text("hello")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind in ("empty", "no notebook"):
        write_folder(path, {"alice/": b""} if kind == "empty" else {"alice/a.pdf": A})
    elif kind == "truncated":
        path.write_bytes(WHOLE[:-30])
    with pytest.raises(GradingError) as caught:
        collect(path)
    assert caught.value.where == path
    assert caught.value.hint
    assert caught.value.exit_code == 2
    assert (caught.value.hint == "Give the folder that it lies in") == (kind == "notebook")


def test_the_seed_comes_from_names_and_sizes_alone(tmp_path, monkeypatch):
    one = collect(write_folder(tmp_path / "one", {"alice/1.ipynb": b"abc", "bob/1.ipynb": b"abcd"}))
    seed = listing_seed(one)
    assert 0 <= seed < 2**31
    same = collect(write_folder(tmp_path / "two", {"alice/1.ipynb": b"xyz", "bob/1.ipynb": b"wxyz"}))
    assert listing_seed(same) == seed
    assert listing_seed(replace(one, submissions=one.submissions[::-1], problems=(), by_key={})) == seed
    longer = collect(write_folder(tmp_path / "three", {"alice/1.ipynb": b"abcd", "bob/1.ipynb": b"abcd"}))
    renamed = collect(write_folder(tmp_path / "four", {"alice/2.ipynb": b"abc", "bob/1.ipynb": b"abcd"}))
    assert len({seed, listing_seed(longer), listing_seed(renamed)}) == 3
    monkeypatch.setattr(zlib, "crc32", lambda data: 0xFFFF_FFFF)
    assert listing_seed(one) == 2**31 - 1


def test_of_several_notebooks_of_a_lecture_the_one_that_counts_is_told(tmp_path):
    names = ("bob/01_x", "bob/01_x-2", "bob/01_x-10", "bob/02_y", "eve/02")
    folder = write_folder(tmp_path / "class", {f"{name}.ipynb": A for name in names})
    found = collect(folder)
    told = "there are 3 notebooks of lecture 01; an answer that is in this one counts"
    assert [(one.student, one.file, one.what) for one in found.problems] == [("bob", "01_x-10.ipynb", told)]
    # One that cannot be read does not count.
    (folder / "eve" / "02_later.ipynb").symlink_to("/etc/hostname")
    assert [(one.student, one.file) for one in collect(folder).problems if "count" in one.what] == [
        ("bob", "01_x-10.ipynb")
    ]


def test_what_programs_left_is_told_once_by_its_name(tmp_path):
    layout = {f"{name}/.ipynb_checkpoints/01-checkpoint.ipynb": A for name in ("alice", "bob")}
    layout |= {"alice/01.ipynb": A, "bob/w.zip": zipped({"01.ipynb": B, "__MACOSX/._01.ipynb": C}), "bob/._w.zip": C}
    folder = write_folder(tmp_path / "class", layout)
    found = collect(folder)
    assert shape(found) == {"alice": ["01.ipynb"], "bob": ["w.zip/01.ipynb"]}
    assert problems(found, "") == [
        ("._*", "left out in 1 places, as programs make it"),
        (".ipynb_checkpoints", "left out in 2 places, as programs make it"),
    ]
    assert problems(found, "bob") == [("w.zip", "left out of it, as programs make it: __MACOSX")]
    assert content(collect(write_zip(tmp_path / "class.zip", layout))) == content(found)


def test_a_class_of_many_needs_little_memory(tmp_path):
    layout = {
        f"s{n}_{n}_assignsubmission_file_/{slug}.ipynb": bytes(50_000) for n in range(1, 101) for slug in SLUGS[:3]
    }
    path = write_zip(tmp_path / "class.zip", layout)
    tracemalloc.start()
    found = collect(path)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.submissions) == 100
    assert (held / 300, peak / 300) < (4000, 6000)  # bytes a file, of 50,000


def test_one_students_zip_at_a_time_is_in_memory(tmp_path):
    path = write_zip(
        tmp_path / "class.zip", {f"s{n}/w.zip": zipped({"1.ipynb": os.urandom(1_000_000)}) for n in range(6)}
    )
    tracemalloc.start()
    found = collect(path)
    assert sum(len(file.read()) for one in found.submissions for file in one.files) == 6_000_000
    assert tracemalloc.get_traced_memory()[0] < 2_500_000
    tracemalloc.stop()


def test_a_notebook_may_hold_what_a_zips_table_of_contents_does(tmp_path):
    data = b"{" + b"PK\x01\x02" * 100
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        archive.writestr("bob.ipynb", data)
        archive.writestr("eve.ipynb", bytes(100_000))
    assert only(collect(tmp_path / "class.zip", Limits(entries=50)), "bob").files[0].read() == data
