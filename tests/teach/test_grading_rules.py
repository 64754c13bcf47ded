"""Late work: what the rules take, kept apart from the grades; and the best of several attempts."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from gradedclass import FACTS, POINTS, result

from teach.grading import attempts, rules
from teach.grading.model import MARKED, TO_MARK, File, Grade, GradingError, Result, Submission
from teach.reports import feedback
from teach.reports.write import write_all

DUE = "due = 2024-01-31T12:00:00\n"
HALF = DUE + "per_day = 0.1\nat_most = 0.5\n"


def read(folder: Path, text: str) -> rules.Rules:
    path = folder / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return rules.read_rules(path)


def graded(*points: tuple[str, float]) -> Result:
    return Result("ann", "Ann Lee", "7", False, tuple(Grade(id, "right", p, 10, "") for id, p in points))


def handed(when: str = "", late: bool = False, name: str = "work.ipynb") -> Submission:
    return Submission("ann", "Ann Lee", "7", (File(name, 1, bytes, when, late),), late, when)


def taken(rule: rules.Rules, submission: Submission, grades: Result | None = None) -> tuple[int, float]:
    lateness = rules.prepared(rule, [submission])
    found = lateness.applied(grades or graded(("1.1", 6), ("2.1", 4)), submission)
    return found.days_late, found.penalty


@pytest.mark.parametrize(
    ("when", "more", "found"),
    [
        ("2024-01-31T12:00:00", "", (0, 0)),
        ("2024-01-31T12:00:01", "", (1, 1.0)),
        ("2024-02-01T12:00:00", "", (1, 1.0)),
        ("2024-02-01T12:00:01", "", (2, 2.0)),
        ("2024-03-01T12:00:00", "", (30, 5.0)),
        ("2024-01-31T12:15:00", "grace_minutes = 15", (0, 0)),
        ("2024-01-31T12:15:01", "grace_minutes = 15", (1, 1.0)),
        ("2024-02-02T12:00:00", "free_days = 1", (2, 1.0)),
        ("2024-02-02T12:00:00", "free_days = 3", (2, 0.0)),
        ("2024-02-02T12:00:00", "[extra]\n'Ann Lee' = 2", (0, 0)),
        ("2024-02-02T12:00:01", "[extra]\n7 = 1", (2, 2.0)),
        ("2024-02-02T12:00:00", "[extra]\nann = 1\n'lee, ANN' = 9", (0, 0)),
        ("2024-01-31T11:30:00+00:00", "zone = 'Europe/Berlin'", (1, 1.0)),
        ("", "", (0, 0)),
    ],
)
def test_days_begun_take_their_share(tmp_path, when, more, found):
    assert taken(read(tmp_path, HALF + more), handed(when)) == found


def test_a_time_that_only_the_class_list_tells(tmp_path):
    one = replace(handed(), when="2024-02-02T12:00:00")
    assert taken(read(tmp_path, HALF), one) == (2, 2.0)


def test_each_lecture_has_its_own_time_and_free_days_are_of_a_student(tmp_path):
    rule = read(tmp_path, "free_days = 2\nper_day = 0.5\n[due]\n01 = 2024-01-10\n2 = 2024-01-20\n")
    files = [("01_a.ipynb", "2024-01-11T10:00:00"), ("02_b.ipynb", "2024-01-23T00:00:00")]
    one = replace(handed(), files=tuple(File(name, 1, bytes, when) for name, when in files))
    # One day late and without cost; then three, of which one more is without cost: two halves of 4 points.
    found = rules.prepared(rule, [one]).applied(graded(("1.1", 6), ("2.1", 4), ("3.1", 5)), one)
    assert (found.days_late, found.penalty, found.late) == (4, 4.0, True)
    assert found.late_note == (
        "Lecture 01 was handed in 1 day late (1 without cost), which takes 0 % of its points; "
        "Lecture 02 was handed in 3 days late (1 without cost), which takes 100 % of its points: 4 points."
    )


def test_an_lms_that_only_says_late(tmp_path):
    rule = read(tmp_path, "days_if_late = 2\nper_day = 0.1\n")
    assert taken(rule, handed(late=True)) == (2, 2.0)
    assert taken(rule, handed()) == (0, 0)
    assert taken(read(tmp_path, "days_if_late = 2\nper_day = 0.1\n[extra]\nann = 1\n"), handed(late=True)) == (1, 1.0)


def test_points_that_come_later_are_part_of_it(tmp_path):
    rule, late = read(tmp_path, HALF), handed("2024-02-01T00:00:00")
    waiting = replace(graded(("1.1", 6)), grades=(Grade("1.6", TO_MARK, None, 4, ""), Grade("1.1", "right", 6, 6, "")))
    assert taken(rule, late, waiting) == (1, 0.6)
    marked = replace(waiting, grades=(Grade("1.6", MARKED, 4, 4, ""), waiting.grades[1]))
    assert taken(rule, late, marked) == (1, 1.0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("due = tomorrow\n", r"rules\.toml: this is not TOML .*line 1"),
        ("per_day = 0.1\n", "it has neither due nor days_if_late"),
        (DUE + "per_dya = 0.1\n", r"rules\.toml:2: there is no rule 'per_dya'\. Did you mean per_day"),
        (DUE + "colour = 1\n", r"rules\.toml:2: there is no rule 'colour'\. Use due, zone"),
        (DUE + "per_day = 10\n", r"rules\.toml:2: per_day = 10 cannot be\. Give a number from 0 to 1"),
        (DUE + "per_day = true\n", r"rules\.toml:2: per_day = True cannot be"),
        (DUE + "free_days = 1.5\n", r"rules\.toml:2: free_days = 1\.5 cannot be\. Give a whole number"),
        (DUE + "grace_minutes = nan\n", "grace_minutes = nan cannot be"),
        ("due = '2024-01-31'\n", r"rules\.toml:1: due = '2024-01-31' is no time.*without quotation marks"),
        ("[due]\n77 = 2024-01-31\n", r"rules\.toml:2: there is no lecture '77'\. Use one of 00, 01"),
        ("[due]\n1 = 2024-01-31\n01 = 2024-01-31\n", r"rules\.toml:3: lecture 01 is due twice"),
        ("[due]\n1 = 5\n", r"rules\.toml:2: 1 = 5 is no time"),
        (DUE + "zone = 'Mars/Base'\n", r"rules\.toml:2: zone = 'Mars/Base' is no time zone"),
        (DUE + "zone = 5\n", "zone = 5 is no time zone"),
        (DUE + "extra = 3\n", r"rules\.toml:2: extra = 3 cannot be"),
        (DUE + "[extra]\n'Ann Lee' = -1\n", r"rules\.toml:3: Ann Lee = -1 is no number of days"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path, text, told):
    with pytest.raises(GradingError, match=told) as caught:
        read(tmp_path, text)
    assert caught.value.hint


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(GradingError, match=r"none\.toml: cannot be read"):
        rules.read_rules(tmp_path / "none.toml")
    (tmp_path / "x.toml").write_bytes(b"\xff\xff")
    with pytest.raises(GradingError, match="no text in UTF-8"):
        rules.read_rules(tmp_path / "x.toml")


def test_what_does_not_fit_the_class_is_told_before_grading(tmp_path):
    one = handed("2024-01-31T12:00:00+00:00")
    with pytest.raises(GradingError, match=r"tells times with a zone, and due has none\. Add zone"):
        rules.prepared(read(tmp_path, DUE), [one])
    two = [replace(one, when="", key=key) for key in ("a", "b")]
    with pytest.raises(GradingError, match=r"2 students are called 'Ann Lee'\. Give a key: a, b"):
        rules.prepared(read(tmp_path, DUE + "[extra]\n'Ann Lee' = 1\n"), two)
    found = rules.prepared(read(tmp_path, DUE + "[extra]\nZoe = 1\n"), two)
    assert [one.what for one in found.problems] == [
        "more days are given to Zoe, who is not in the class",
        "2 submissions have no time, so that nothing says whether they are late",
    ]


def test_tables_and_page_tell_points_before_days_penalty_and_points_after(tmp_path):
    plain = result(20)
    points = sum(grade.points or 0 for grade in plain.grades)
    late = replace(plain, late=True, days_late=2, penalty=1.5, late_note="It was handed in 2 days late: so it is.")
    write_all(tmp_path, lambda: iter([late]), {**FACTS, "points": POINTS})
    (row,) = csv.DictReader(io.StringIO((tmp_path / "summary.csv").read_text("utf-8-sig")))
    found = [float(row[name]) for name in ("points", "days_late", "penalty", "points_after")]
    assert found == [points, 2, 1.5, points - 1.5]
    page = feedback.page(late)
    assert f"<strong>{points - 1.5:g} of " in page
    assert f"It was handed in 2 days late: so it is. Without that, it would have {points:g} points." in page
    assert "days late" not in feedback.page(plain)


# ------------------------------------------------------------------------------------------------- attempts


def grades(*each: tuple[str, float | None, str]) -> Result:
    made = tuple(Grade(id, "x" if points is not None else TO_MARK, points, 4, "said") for id, points, _ in each)
    return Result("ann", "Ann", "7", False, made, written={id: text for id, _, text in each if text})


def test_for_each_exercise_the_best_attempt_counts_and_of_equal_ones_the_earliest():
    one = grades(("1.1", 4, ""), ("1.2", 1, ""), ("1.3", 2, ""), ("1.6", None, "old"), ("1.5", 0, ""))
    two = grades(("1.1", 0, ""), ("1.2", 3, ""), ("1.3", 2, ""), ("1.6", 0, ""), ("1.5", 0, ""))
    found, times = attempts.best(two, "2024-02-02T09:00:00", [("2024-02-01T09:00:00", one)])
    assert [grade.points for grade in found.grades] == [4, 3, 2, None, 0]
    assert times == {
        "1.1": "2024-02-01T09:00:00",
        "1.2": "2024-02-02T09:00:00",
        "1.3": "2024-02-01T09:00:00",
        "1.6": "2024-02-01T09:00:00",
    }
    assert found.written == {"1.6": "old"}
    told = "said\nThis is from the attempt of 2024-02-01 09:00:00, which counts for this exercise."
    assert [grade.message for grade in found.grades] == [told, "said", told, told, "said"]


def test_who_was_right_in_time_is_not_late_by_an_attempt_that_adds_nothing(tmp_path):
    one, two = grades(("1.1", 4, "")), grades(("1.1", 4, ""))
    found, times = attempts.best(two, "2024-02-05T00:00:00", [("2024-01-30T00:00:00", one)])
    lateness = rules.prepared(read(tmp_path, HALF), [])
    assert lateness.applied(found, handed("2024-02-05T00:00:00"), times).penalty == 0
    assert lateness.applied(two, handed("2024-02-05T00:00:00")).penalty == 2.0
