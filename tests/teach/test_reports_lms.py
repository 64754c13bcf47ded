"""Back to the LMS: the names and numbers of a download come back as they were, and nobody is taken for another."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from trees import write_tree

from teach.cli import main
from teach.grading import grade as grading
from teach.grading.collect import Collection, collect
from teach.grading.marking import Settings
from teach.grading.model import TO_MARK, Grade, Result, Submission
from teach.grading.roster import Person
from teach.reports import lms
from teach.reports.feedback import write_feedback

NOTEBOOK = b'{"cells": []}'
MOODLE = {
    f"{name}_{n}_assignsubmission_file_/01.ipynb": NOTEBOOK for n, name in enumerate(("Ann Lee", "=1+1", "Zoë"), 11)
}
CANVAS = {
    "leeann_340_2084_01.ipynb": NOTEBOOK,
    "roe_LATE_341_2085_link.ipynb": NOTEBOOK,
    "anon_a1B2c_55_01.ipynb": NOTEBOOK,
    "typed_342_text.html": NOTEBOOK,
}


def found_in(folder: Path, layout: Mapping[str, bytes]) -> Collection:
    return collect(write_tree(folder, layout))


def graded(one: Submission, points: float | None = 2.5, penalty: float = 0) -> Result:
    outcome = TO_MARK if points is None else "right"
    grades = (Grade("1.1", "right", 1, 2, ""), Grade("1.6", outcome, points, 3, ""))
    return Result(one.key, one.student, one.number, one.late, grades, penalty=penalty)


def back(out: Path, collection: Collection, people: Mapping[str, Any] | None = None, **options: Any) -> list[str]:
    waiting = options.pop("to_mark", ())
    results = [graded(one, None if one.student in waiting else 2.5) for one in collection.submissions]
    write_feedback(out, lambda: iter(results))
    return lms.write_lms(out, lambda: iter(results), collection.submissions, people or {}, collection.layout, **options)


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"), newline="")))


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


@pytest.mark.parametrize("end", ["_/", "/", "_"])
def test_a_moodle_download_comes_back_under_its_own_names(tmp_path, end):
    layout = {name.replace("_/", end): data for name, data in MOODLE.items()}
    collection = found_in(tmp_path / "in", layout)
    told = back(tmp_path, collection)
    found = rows(tmp_path / "lms" / "moodle-worksheet.csv")
    assert [(row["Identifier"], row["Grade"]) for row in found] == [
        ("Participant 12", "3.5"),
        ("Participant 11", "3.5"),
        ("Participant 13", "3.5"),
    ]
    assert {row["Full name"] for row in found} == {"'=1+1", "Ann Lee", "Zoë"}
    assert {(row["Maximum Grade"], row["Last modified (grade)"]) for row in found} == {("5", "-")}
    pages = names(tmp_path / "lms" / "moodle-feedback.zip")
    folders = (
        {name.partition("/")[0] for name in layout} if "/" in end else {n.removesuffix("01.ipynb") for n in layout}
    )
    assert {name.removesuffix("/feedback.html") for name in pages} == folders
    with zipfile.ZipFile(tmp_path / "lms" / "moodle-feedback.zip") as archive:
        page = archive.read(next(name for name in pages if "Zoë" in name))
    assert page == (tmp_path / "feedback" / f"{collection.submissions[-1].key}.html").read_bytes()
    assert told == [
        f"For Moodle: moodle-worksheet.csv and moodle-feedback.zip, 3 students; the maximum there must be 5. "
        f"They are in {tmp_path / 'lms'}."
    ]


def test_the_worksheet_keeps_the_time_of_a_grade_that_was_there(tmp_path):
    collection = found_in(tmp_path / "in", MOODLE)
    ann = next(one.key for one in collection.submissions if one.student == "Ann Lee")
    back(tmp_path, collection, {ann: Person("Ann Lee", participant="11", marked="1 February 2024, 9:00 AM")})
    found = {row["Identifier"]: row["Last modified (grade)"] for row in rows(tmp_path / "lms" / "moodle-worksheet.csv")}
    assert found == {"Participant 11": "1 February 2024, 9:00 AM", "Participant 12": "-", "Participant 13": "-"}


def test_what_goes_back_is_the_same_bytes_each_time(tmp_path):
    collection = found_in(tmp_path / "in", MOODLE)
    for out in ("a", "b"):
        back(tmp_path / out, collection)
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / out / "lms").iterdir()} for out in ("a", "b"))
    assert first == second
    assert set(first) == {"moodle-worksheet.csv", "moodle-feedback.zip"}


def test_a_canvas_download_comes_back_by_number(tmp_path):
    collection = found_in(tmp_path / "in", CANVAS)
    told = back(tmp_path, collection, title="Sounds (77)")
    text = (tmp_path / "lms" / "canvas-gradebook.csv").read_text("utf-8")
    assert text.splitlines() == [
        "Student,ID,SIS User ID,SIS Login ID,Section,Sounds (77)",
        "leeann,340,,,,3.5",
        "roe,341,,,,3.5",
    ]
    # The first two numbers between underscores are the user's and the attachment's, and the last part is no "link".
    assert names(tmp_path / "lms" / "canvas-comments.zip") == [
        "anon_a1B2c_55_feedback.html",
        "leeann_340_2084_feedback.html",
        "roe_LATE_341_2085_feedback.html",
    ]
    assert "canvas-gradebook.csv, 2 students, and canvas-comments.zip, 3;" in told[0]
    assert told[1:] == ["Nothing is written for 1 who handed in nothing."]


def test_who_waits_is_left_out_unless_asked_for(tmp_path):
    collection = found_in(tmp_path / "in", MOODLE)
    told = back(tmp_path, collection, to_mark=("Ann Lee",))
    assert [row["Identifier"] for row in rows(tmp_path / "lms" / "moodle-worksheet.csv")] == [
        "Participant 12",
        "Participant 13",
    ]
    assert not any("Ann" in name for name in names(tmp_path / "lms" / "moodle-feedback.zip"))
    assert told[-1] == ("Nothing is written for 1 whose answers wait for a person (--export-waiting takes them too).")
    back(tmp_path, collection, to_mark=("Ann Lee",), waiting=True)
    found = {row["Identifier"]: row["Grade"] for row in rows(tmp_path / "lms" / "moodle-worksheet.csv")}
    assert found == {"Participant 11": "1", "Participant 12": "3.5", "Participant 13": "3.5"}


def test_if_all_wait_no_old_file_is_left(tmp_path):
    collection = found_in(tmp_path / "in", MOODLE)
    back(tmp_path, collection)
    back(tmp_path, collection, to_mark=("Ann Lee", "=1+1", "Zoë"))
    assert list((tmp_path / "lms").iterdir()) == []


def test_the_gradebook_knows_people_by_the_roster_and_no_changed_identity(tmp_path):
    collection = found_in(tmp_path / "in", {f"{name}/01.ipynb": NOTEBOOK for name in ("ann", "bo", "cy")})
    people = {
        "ann": Person("Ann", "007", "ann@x.org"),
        "bo": Person("=Bo", "8", "+bo@x.org"),  # written as it is it were a formula; changed it were another's
        "cy": Person("Cy", "", "cy@x.org"),
    }
    told = back(tmp_path, collection, people, title="Sounds")
    assert rows(tmp_path / "lms" / "moodle-gradebook.csv") == [
        {"Email address": "ann@x.org", "Full name": "ann", "Sounds": "3.5"},
        {"Email address": "cy@x.org", "Full name": "cy", "Sounds": "3.5"},
    ]
    assert told == [
        "For Moodle's gradebook: moodle-gradebook.csv, 2 students, known by their Email address. "
        f"They are in {tmp_path / 'lms'}."
    ]
    back(tmp_path, collection, {key: replace(one, email="") for key, one in people.items()})
    assert [row["ID number"] for row in rows(tmp_path / "lms" / "moodle-gradebook.csv")] == ["007", "8"]


def test_without_numbers_and_addresses_nothing_is_written(tmp_path):
    collection = found_in(tmp_path / "in", {"ann/01.ipynb": NOTEBOOK, "bo/01.ipynb": NOTEBOOK})
    assert back(tmp_path, collection) == []
    assert not (tmp_path / "lms").exists()


def marked(out: Path, todo: Any, settings: Settings, *_: Any) -> None:
    """In place of marking: all points for what came on the 30th, none for the rest."""
    for one, print in todo:
        share = 1.0 if one.when[8:10] == "30" else 0.0
        grades = tuple(Grade(id, "right", share * most, most, "") for id, most in settings.maxima.items())
        grading._keep(out, Result(one.key, one.student, one.number, one.late, grades), print)


def test_a_run_writes_them_with_the_penalty_and_the_best_attempt(tmp_path, monkeypatch):
    stamp = "x_al7_attempt_2024-01-{}-12-00-00"
    layout = {}
    for day in ("30", "31"):
        layout[stamp.format(day) + ".txt"] = b"Name: Ann Lee (al7)\n"
        layout[stamp.format(day) + "_01.ipynb"] = NOTEBOOK
    found_in(tmp_path / "in", layout)
    (tmp_path / "class.csv").write_text("name,number,email\nAnn Lee,al7,ann@x.org\nBo,bo,bo@x.org\n")
    (tmp_path / "rules.toml").write_text("due = 2024-01-30T00:00:00\nper_day = 0.1\n")

    monkeypatch.setattr(grading, "_mark_all", marked)
    options = {"lectures": (1,), "roster": tmp_path / "class.csv", "sandbox": False, "seed": 1}
    out = tmp_path / "out"
    for attempt, share, days in (("last", 0, "2"), ("best", 1, "1")):
        run = grading.grade(tmp_path / "in", out, attempt=attempt, rules=tmp_path / "rules.toml", **options)
        (ann, bo) = csv.DictReader(io.StringIO((out / "summary.csv").read_text("utf-8-sig")))
        most = float(ann["maximum"])
        assert (float(ann["points"]), ann["days_late"]) == (share * most, days)
        assert float(ann["points_after"]) == pytest.approx(share * most * 0.9, abs=0.01)
        assert (bo["points"], bo["days_late"]) == ("0", "0")
        (row,) = rows(out / "lms" / "moodle-gradebook.csv")
        assert (row["Email address"], row["Digits from Sound"]) == ("ann@x.org", ann["points_after"])
        assert run.lms[-1] == "Nothing is written for 1 who handed in nothing."
        assert run.students == 2
    assert run.marked == 1  # the other attempt was marked before
    kept = sorted(str(path.relative_to(out / "results")) for path in (out / "results").rglob("*.json"))
    assert kept == ["Ann-Lee_al7.json", "bo_bo.json", "earlier/Ann-Lee_al7.1.json"]
    run = grading.grade(tmp_path / "in", out, **options)
    assert run.marked == 0
    assert not list((out / "results" / "earlier").iterdir())
    assert json.loads((out / "grading.json").read_text())["seed"] == 1


def test_the_command_hands_its_options_on_and_tells_what_can_go_back(tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "_mark_all", marked)
    found_in(tmp_path / "in", CANVAS)
    (tmp_path / "rules.toml").write_text("days_if_late = 1\nper_day = 0.5\n")
    command = ["grade", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--lectures", "01", "--no-sandbox"]
    options = ["--rules", str(tmp_path / "rules.toml"), "--assignment", "Sounds (77)", "--attempt", "best"]
    ran = CliRunner().invoke(main, [*command, *options, "--export-waiting"])
    assert ran.exit_code == 0, ran.output
    assert "For Canvas: canvas-gradebook.csv, 2 students, and canvas-comments.zip, 3; out of" in ran.output
    assert list(rows(tmp_path / "out" / "lms" / "canvas-gradebook.csv")[0])[-1] == "Sounds (77)"
    summary = csv.DictReader(io.StringIO((tmp_path / "out" / "summary.csv").read_text("utf-8-sig")))
    assert {row["student"]: row["days_late"] for row in summary} == {
        "anon": "0",
        "leeann": "0",
        "roe": "1",
        "typed": "0",
    }
    (tmp_path / "rules.toml").write_text("days_if_late = 1\nper_dya = 0.5\n")
    ran = CliRunner().invoke(main, [*command, *options])
    assert ran.exit_code == 2
    assert "rules.toml:2: there is no rule 'per_dya'. Did you mean per_day." in ran.output
