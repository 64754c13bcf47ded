"""What people decide by hand is kept, apart from the grades, and knows the text that it was about."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from a2d.errors import CourseError
from teach.cli import main
from teach.grading import ledger
from teach.grading.ledger import Decision, print_of
from teach.grading.model import MARKED, TO_MARK, Grade, GradingError, Result

QUESTION, EXERCISE = "1.6", "1.1"


def result(text: str = "It is so.") -> Result:
    grades = (Grade(EXERCISE, "wrong", 0, 3, "No."), Grade(QUESTION, TO_MARK, None, 2, "A person marks this answer."))
    return Result("ann", "Ann", "", False, grades, written={QUESTION: text})


def mark(points: float | None = 1.5, text: str = "It is so.", comment: str = "Fine.") -> Decision:
    return Decision("ann", QUESTION, points, comment, text=print_of(text))


def test_a_mark_is_kept_with_who_and_when(tmp_path):
    ledger.add(tmp_path, [mark()], who="Bo")
    (one,) = ledger.read(tmp_path)
    assert (one.points, one.comment, one.who) == (1.5, "Fine.", "Bo")
    assert one.when.startswith("20")
    again = ledger.applied(result(), ledger.latest(ledger.read(tmp_path)))
    assert [(g.outcome, g.points, g.message) for g in again.grades][1] == (MARKED, 1.5, "Fine.")


def test_the_last_word_stands_and_the_first_can_still_be_read(tmp_path):
    for points in (1.0, 2.0):
        ledger.add(tmp_path, [mark(points)])
    assert [one.points for one in ledger.read(tmp_path)] == [1.0, 2.0]
    assert ledger.latest(ledger.read(tmp_path))["ann", QUESTION].points == 2.0
    ledger.add(tmp_path, [mark(None)])
    assert ledger.latest(ledger.read(tmp_path)) == {}
    assert len(ledger.read(tmp_path)) == 3


def test_the_same_word_is_not_repeated(tmp_path):
    for _ in range(3):
        ledger.add(tmp_path, [mark()])
    ledger.add(tmp_path, [mark(None), mark(None), mark()])
    assert [one.points for one in ledger.read(tmp_path)] == [1.5, None, 1.5]


def test_changed_words_wait_again_and_a_space_is_no_change():
    decisions = {("ann", QUESTION): mark()}
    assert ledger.applied(result("It is so.  \n"), decisions).grades[1].outcome == MARKED
    changed = ledger.applied(result("It is not so."), decisions)
    assert (changed.grades[1].outcome, changed.grades[1].points) == (TO_MARK, None)
    assert "1.5 points" in changed.grades[1].message
    assert "has changed since it was marked" in changed.problems[0].what


def test_code_can_be_corrected():
    decisions = {("ann", EXERCISE): Decision("ann", EXERCISE, 2.5, "By another way, but right.", who="Bo")}
    grade = ledger.applied(result(), decisions).grades[0]
    assert (grade.outcome, grade.points, grade.message) == (MARKED, 2.5, "By another way, but right.")


def test_who_is_absent_is_told_of_and_not_lost(tmp_path):
    ledger.add(tmp_path, [mark(), Decision("bob", QUESTION, 1)])
    found = ledger.latest(ledger.read(tmp_path))
    (problem,) = ledger.absent(found, ["ann"])
    assert "bob" in problem.what
    assert len(ledger.read(tmp_path)) == 2


def test_what_cannot_be_is_refused(tmp_path):
    with pytest.raises(GradingError, match="negative"):
        ledger.add(tmp_path, [mark(-1)])
    with pytest.raises(CourseError, match="no such exercise"):
        ledger.add(tmp_path, [Decision("ann", "99.1", 1)])
    with pytest.raises(GradingError, match="more than the maximum of 2"):
        ledger.applied(result(), {("ann", QUESTION): mark(3)})
    assert not (tmp_path / ledger.FILE).exists()


@pytest.mark.parametrize("text", ["", "[]", '{"decisions": [{"key": 1}]}', '{"decisions": [3]}', "\udcff"])
def test_a_broken_file_is_named_and_left_alone(tmp_path, text):
    path = tmp_path / ledger.FILE
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(GradingError, match=r"decisions\.json"):
        ledger.add(tmp_path, [mark()])
    assert path.read_bytes() == text.encode("utf-8", "surrogateescape")


def test_the_file_is_plain_json(tmp_path):
    ledger.add(tmp_path, [mark()], who="Bo")
    assert set(json.loads((tmp_path / ledger.FILE).read_text())["decisions"][0]) == {
        *("key", "id", "points", "comment", "who", "when", "text")
    }


# ------------------------------------------------------------------------------------------------------ teach correct


@pytest.fixture
def graded(tmp_path):
    """A folder as `teach grade` leaves it, with one student."""
    (tmp_path / "results").mkdir()
    (tmp_path / "grading.json").write_text("{}")
    for key, name in (("ann", "Ann"), ("ann-2", "Ann"), ("bob", "Bob")):
        one = {**result().to_json(), "key": key, "student": name}
        (tmp_path / "results" / f"{key}.json").write_text(json.dumps({"print": "", "result": one}))
    return tmp_path


def correct(*arguments):
    return CliRunner().invoke(main, ["correct", *map(str, arguments)])


def test_a_correction_is_written_down_with_its_reason(graded):
    done = correct(graded, "Bob", "1.1", 2.5, "--why", "By another way.", "--who", "Cy")
    assert done.exit_code == 0, done.output
    assert "2.5 of 3, where 0 was graded" in done.output
    (one,) = ledger.read(graded)
    assert (one.key, one.id, one.points, one.comment, one.who) == ("bob", "1.1", 2.5, "By another way.", "Cy")
    assert correct(graded, "bob", "1.1", "--undo").exit_code == 0
    assert ledger.latest(ledger.read(graded)) == {}
    assert "nothing to change" in correct(graded, "bob", "1.1", "--undo").output


def test_a_corrected_question_is_marked(graded):
    assert correct(graded, "bob", QUESTION, 2).exit_code == 0
    decisions = {("ann", QUESTION): ledger.latest(ledger.read(graded))["bob", QUESTION]}
    assert ledger.applied(result(), decisions).grades[1].outcome == MARKED


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("Ann", "1.1", 1), "2 students are called so"),
        (("Eve", "1.1", 1), "no student is called so"),
        (("bob", "1.2", 1), "not graded here"),
        (("bob", "1.1", 3.5), "more than the maximum of 3"),
        (("bob", "1.1", "--", -1), "negative"),
        (("bob", "1.1"), "Give POINTS, or --undo"),
    ],
)
def test_a_correction_that_cannot_be_is_refused(graded, arguments, told):
    done = correct(graded, *arguments)
    assert done.exit_code == 2
    assert told in done.output
    assert not (graded / ledger.FILE).exists()


def test_another_folder_is_refused(tmp_path):
    assert "was not written by" in correct(tmp_path, "bob", "1.1", 1).output
