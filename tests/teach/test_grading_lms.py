"""Downloads of Gradescope, Blackboard and Brightspace: whose they are, when they came, which attempt counts."""

from __future__ import annotations

import pytest
from trees import write_tree

from teach.grading.collect import Collection, collect
from teach.grading.model import GradingError

A, B, C = b'{"cells": [], "a": 1}', b'{"cells": [], "b": 1}', b'{"cells": [], "c": 1}'

METADATA = """---
submission_101:
  :submitters:
  - :name: Ann Lee
    :sid: '0042'
    :email: ann@x.org
  :created_at: 2024-01-31 23:30:00.123456000 +01:00
  :score: 0.0
  :results: !ruby/hash:ActiveSupport::HashWithIndifferentAccess
    tests: []
  :history:
  - :id: 90
    :created_at: 2024-01-30 10:00:00.000000000 Z
submission_102:
  :submitters:
  - :name: Bo Diaz
    :sid:
    :email: bo@x.org
  - :name: Cy Ek
    :sid: 77
    :email: cy@x.org
  :created_at: 2024-02-01 01:00:00.000000000 Z
"""
GRADESCOPE = {
    "assignment_5_export/submission_metadata.yml": METADATA.encode(),
    "assignment_5_export/submission_101/01.ipynb": A,
    "assignment_5_export/submission_102/sub/01.ipynb": B,
}


def text(name: str, user: str, stamp: str, *files: tuple[str, str], comment: str = "") -> bytes:
    listed = "".join(f"\tOriginal filename: {old}\n\tFilename: {new}\n" for old, new in files)
    return (
        f"Name: {name} ({user})\nAssignment: Sounds\nDate Submitted: Wednesday, January 31, 2024 {stamp} CET\n"
        f"Current Grade: Needs Grading\n\nSubmission Field:\nThere is no student submission text data.\n\n"
        f"Comments:\n{comment or 'There are no student comments.'}\n\nFiles:\n{listed}"
    ).encode()


def attempt(user: str, stamp: str, name: str = "", unit: str = "gradebook_C1_Sounds") -> str:
    return f"{unit}_{user}_attempt_{stamp}" + (f"_{name}" if name else ".txt")


OLD, NEW = "2024-01-30-09-00-00", "2024-01-31-12-00-05"
BLACKBOARD = {
    attempt("al7", OLD): text("Ann Lee", "al7", OLD),
    attempt("al7", OLD, "01.ipynb"): A,
    attempt("al7", NEW): text("Ann Lee", "al7", NEW, ("lecture 01.ipynb", attempt("al7", NEW, "x1.ipynb"))),
    attempt("al7", NEW, "x1.ipynb"): B,
    attempt("bo_d", NEW): text("Bo Diaz", "bo_d", NEW),
    attempt("bo_d", NEW, "01.ipynb"): C,
    attempt("cy", NEW): text("Cy Ek", "cy", NEW, comment="Name: Ann Lee (al7)\nFiles:\n"),
}
BRIGHTSPACE = {
    "index.html": b"<table></table>",
    "34101-9 - Ann Lee - Jan 30, 2024 900 AM/01.ipynb": A,
    "34101-9 - Ann Lee - Jan 31, 2024 1230 PM/01.ipynb": B,
    "34102-9 - Bo - Diaz - Jan 31, 2024 1205 AM/01.ipynb": C,
}


def told(found: Collection) -> dict[str, tuple[str, str, str, dict[str, bytes]]]:
    return {
        one.student: (one.number, one.email, one.when, {file.name: file.read() for file in one.files})
        for one in found.submissions
    }


def what(found: Collection) -> list[str]:
    return [one.what for one in found.problems]


def test_gradescope_s_list_names_the_students(tmp_path):
    found = collect(write_tree(tmp_path / "in", GRADESCOPE))
    assert told(found) == {
        "Ann Lee": ("0042", "ann@x.org", "2024-01-31T22:30:00+00:00", {"01.ipynb": A}),
        "Bo Diaz": ("bo@x.org", "bo@x.org", "2024-02-01T01:00:00+00:00", {"sub/01.ipynb": B}),
        "Cy Ek": ("77", "cy@x.org", "2024-02-01T01:00:00+00:00", {"sub/01.ipynb": B}),
    }
    assert (found.layout, found.problems) == ("gradescope", ())


@pytest.mark.parametrize(
    ("list_", "problem"),
    [
        (b"submission_101: [unclosed", "this list cannot be read (it is not YAML, line"),
        (b"- 1\n- 2\n", "this list cannot be read (it lists no submissions)"),
        (
            b"submission_101:\n  :submitters: []\nsubmission_102: 5\n",
            "submission_metadata.yml does not tell whose submission_101 is",
        ),
        (b"\xff\xfe\x00\x01: {", "this list cannot be read"),
        (b"a: &a [*a]\n", "submission_metadata.yml does not tell whose submission_102 is"),
        (b"[" * 100_000, "this list cannot be read"),
    ],
)
def test_a_broken_list_is_a_problem_and_all_is_graded(tmp_path, list_, problem):
    folder = write_tree(tmp_path / "in", {**GRADESCOPE, "assignment_5_export/submission_metadata.yml": list_})
    found = collect(folder)
    assert set(told(found)) == {"submission_101", "submission_102"}
    assert any(one.startswith(problem) for one in what(found)), what(found)


def test_a_submission_that_the_list_lacks_keeps_its_folder_s_name(tmp_path):
    found = collect(write_tree(tmp_path / "in", {**GRADESCOPE, "assignment_5_export/submission_103/01.ipynb": C}))
    assert "submission_103" in told(found)
    assert what(found) == ["submission_metadata.yml does not tell whose submission_103 is"]


def test_without_its_list_gradescope_is_not_believed(tmp_path):
    layout = {name: data for name, data in GRADESCOPE.items() if not name.endswith(".yml")}
    folder = write_tree(tmp_path / "in", layout)
    found = collect(folder)
    assert (found.layout, set(told(found))) == ("folders", {"submission_101", "submission_102"})
    assert "these folders are called as Gradescope's, but its submission_metadata.yml is not there" in what(found)
    found = collect(folder, layout="gradescope")
    assert "this list is not there, so nothing says whose the submissions are" in what(found)


@pytest.mark.parametrize("top", ["", "gradebook_C1_Sounds_2024-02-01-10-00-00/"])
def test_blackboard_s_texts_name_the_students_and_their_files(tmp_path, top):
    found = collect(write_tree(tmp_path / "in", {top + name: data for name, data in BLACKBOARD.items()}))
    assert told(found) == {
        "Ann Lee": ("al7", "", "2024-01-31T12:00:05", {"lecture 01.ipynb": B}),
        "Bo Diaz": ("bo_d", "", "2024-01-31T12:00:05", {"01.ipynb": C}),
        "Cy Ek": ("cy", "", "2024-01-31T12:00:05", {}),
    }
    assert found.layout == "blackboard"
    assert what(found) == [
        "attempts before the last: 1; the last one, of 2024-01-31 12:00:05, counts",
        "there is no notebook among the 0 files",
    ]


def test_the_best_of_attempts_keeps_all_of_them(tmp_path):
    found = collect(write_tree(tmp_path / "in", BLACKBOARD), attempt="best")
    ann = next(one for one in found.submissions if one.student == "Ann Lee")
    (before,) = ann.earlier
    assert (before.key, before.when, before.files[0].read()) == (f"earlier/{ann.key}.1", "2024-01-30T09:00:00", A)
    assert "attempts before the last: 1; all are graded, and for each exercise the best counts" in what(found)
    with pytest.raises(GradingError, match="no attempt is chosen so"):
        collect(tmp_path / "in", attempt="first")


def test_attempts_at_two_assignments_are_not_each_other_s(tmp_path):
    layout = {attempt("al7", stamp, "x.ipynb", unit): A for stamp, unit in ((OLD, "Sounds"), (NEW, "Images"))}
    found = collect(write_tree(tmp_path / "in", layout))
    (ann,) = found.submissions
    assert sorted(file.when for file in ann.files) == ["2024-01-30T09:00:00", "2024-01-31T12:00:05"]
    assert sorted(file.name for file in ann.files) == ["x (2).ipynb", "x.ipynb"]
    assert not any("before the last" in one for one in what(found))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it does not say whose attempt this is"),
        (text("Eve", "eve", NEW), "it is of eve, and its name of another"),
    ],
)
def test_a_blackboard_text_that_says_nothing_or_another_is_told(tmp_path, content, problem):
    found = collect(
        write_tree(tmp_path / "in", {**BLACKBOARD, attempt("cy", NEW): content, attempt("cy", NEW, "1.ipynb"): A})
    )
    assert told(found)["cy"][0] == "cy"
    assert problem in what(found)


def test_nobody_s_file_is_another_s_by_its_own_name(tmp_path):
    trick = attempt("al7", NEW, attempt("bo_d", NEW, "01.ipynb"))
    flat = "34101-9 - Ann Lee - Jan 31, 2024 1230 PM - 34102-9 - Bo - Jan 31, 2024 1230 PM - 01.ipynb"
    for layout, name in ((BLACKBOARD, trick), ({}, flat)):
        found = collect(write_tree(tmp_path / name[:5], {**layout, name: b"{}"}))
        owners = [one.student for one in found.submissions for file in one.files if file.read() == b"{}"]
        assert owners == ["Ann Lee"]


def test_an_attempt_without_its_text_is_by_the_user(tmp_path):
    layout = {name: data for name, data in BLACKBOARD.items() if name != attempt("al7", NEW)}
    found = collect(write_tree(tmp_path / "in", layout))
    assert told(found)["Ann Lee"][3] == {"x1.ipynb": B}  # the other attempt's text tells the name


def test_brightspace_s_folders_are_attempts_and_its_page_is_nobody(tmp_path):
    found = collect(write_tree(tmp_path / "in", BRIGHTSPACE))
    assert told(found) == {
        "Ann Lee": ("34101", "", "2024-01-31T12:30:00", {"01.ipynb": B}),
        "Bo - Diaz": ("34102", "", "2024-01-31T00:05:00", {"01.ipynb": C}),
    }
    assert (found.layout, len(found.problems)) == ("brightspace", 1)


def test_brightspace_s_user_is_the_number_that_differs_and_files_may_be_flat(tmp_path):
    names = ("9-34101 - Ann Lee - Jan 30, 2024 9:00 AM - 01.ipynb", "9-34102 - Bo - Jan 30, 2024 900 AM - a - b.ipynb")
    found = collect(write_tree(tmp_path / "in", dict.fromkeys(names, A)))
    assert {one.when for one in found.submissions} == {"2024-01-30T09:00:00"}
    assert [(one.number, one.files[0].name) for one in found.submissions] == [
        ("34101", "01.ipynb"),
        ("34102", "a - b.ipynb"),
    ]


@pytest.mark.parametrize("layout", [GRADESCOPE, BLACKBOARD, BRIGHTSPACE])
def test_an_odd_name_is_told_and_the_layout_can_be_named(tmp_path, layout):
    known = collect(write_tree(tmp_path / "a", layout))
    folder = write_tree(tmp_path / "b", {**layout, "kim.ipynb": A})
    found = collect(folder)
    assert found.layout in ("folders", "flat")
    assert any(f"as {known.layout.title()} writes them" in one for one in what(found))
    named = collect(folder, layout=known.layout)
    assert {one.student for one in named.submissions} == {one.student for one in known.submissions}
    assert any("belongs to nobody" in one for one in what(named))


# ------------------------------------------------------------------------------------------------- flat folders


@pytest.mark.parametrize(
    ("names", "students", "doubt"),
    [
        (("Copy of bob_01", "bob_02", "zed"), {"bob": 2, "zed": 1}, True),
        (("erin_lecture1", "erin_lecture2", "zed"), {"erin": 2, "zed": 1}, False),
        (("niaj_01_v2", "niaj_01_v10", "zed"), {"niaj_01": 2, "zed": 1}, False),
        (("olivia_1", "olivia_2", "zed"), {"olivia": 2, "zed": 1}, True),
        (("olivia_1", "olivia_2"), {"olivia_1": 1, "olivia_2": 1}, True),
        (("olivia_1", "olivia_87", "zed"), {"olivia_1": 1, "olivia_87": 1, "zed": 1}, True),
        (("student_1", "student_2", "zed"), {"student_1": 1, "student_2": 1, "zed": 1}, True),
    ],
)
def test_flat_names_of_one_student_are_joined_or_the_doubt_is_told(tmp_path, names, students, doubt):
    found = collect(write_tree(tmp_path / "in", {f"{name}.ipynb": A for name in names}))
    assert {one.student: len(one.files) for one in found.submissions} == students
    assert any("one student's lectures" in one or "differ in digits" in one for one in what(found)) == doubt


def test_the_newest_version_counts_by_its_number(tmp_path):
    found = collect(write_tree(tmp_path / "in", {f"niaj_01_v{n}.ipynb": A for n in (2, 10, 9)}))
    (problem,) = [one for one in found.problems if "notebooks of lecture 01" in one.what]
    assert problem.file == "niaj_01_v10.ipynb"
