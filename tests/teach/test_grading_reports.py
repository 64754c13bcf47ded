"""What a teacher and students get: tables, marks read back, pages, the overview, and the notice of equal answers."""

from __future__ import annotations

import ast
import csv
import io
import json
import math
import time
import weakref
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from browser import CHROMIUM, browser
from gradedclass import FACTS, NASTY, POINTS, result, school

from a2d import exercises
from teach.grading import ledger
from teach.grading.model import MARKED, OUTCOMES, TO_MARK, Grade, GradingError, Problem, Result
from teach.lectures.rubrics import rubric
from teach.reports import alike, feedback, overview, pages, tables
from teach.reports.write import write_all

SIZE = 40
CLASS = list(school(SIZE)())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything about a class of 40, 14 of them with nasty names."""
    out = tmp_path_factory.mktemp("graded")
    write_all(out, school(SIZE), {**FACTS, "problems": (Problem("", "a.zip/odd", "nobody's file", "Look"),)})
    return out


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# ------------------------------------------------------------------------------------------------------------ tables


def test_everything_is_written_and_twice_the_same(written, tmp_path):
    first = contents(written)
    assert set(first) == {
        *("grades.csv", "summary.csv", "problems.csv", "to_mark.csv", "similar.csv", "overview.html"),
        *(f"feedback/{one.key}.html" for one in CLASS),
    }
    facts = {**FACTS, "problems": (Problem("", "a.zip/odd", "nobody's file", "Look"),)}
    write_all(tmp_path, lambda: (Result.from_json(json.loads(json.dumps(one.to_json()))) for one in CLASS), facts)
    assert contents(tmp_path) == first


def test_grades_have_a_row_per_student_and_exercise(written):
    found = rows(written / "grades.csv")
    assert len(found) == SIZE * len(POINTS)
    wanted = [(one, grade) for one in CLASS for grade in one.grades]
    for row, (one, grade) in zip(found, wanted, strict=True):
        assert (row["key"], row["exercise"], row["outcome"]) == (one.key, grade.id, grade.outcome)
        assert row["title"] == exercises.get(grade.id).title
        assert float(row["maximum"]) == grade.maximum
        assert (float(row["points"]) if row["points"] else None) == grade.points
        assert row["misconception"] == grade.misconception
    plain = next(one for one in CLASS if one.student == "Student 0020")
    mine = [row for row in found if row["key"] == plain.key]
    assert [(row["message"], row["where"], row["number"]) for row in mine] == [
        (grade.message, grade.where, "20") for grade in plain.grades
    ]


def test_the_summary_adds_up(written):
    found = rows(written / "summary.csv")
    assert len(found) == SIZE
    most = sum(one.points for one in exercises.every())
    for row, one in zip(found, CLASS, strict=True):
        points = sum(grade.points or 0 for grade in one.grades)
        assert (float(row["points"]), float(row["maximum"])) == (points, most)
        assert float(row["percent"]) == pytest.approx(100 * points / most, abs=0.05)
        for lecture in range(12):
            mine = [grade.points or 0 for grade in one.grades if grade.id.startswith(f"{lecture}.")]
            assert float(row[f"lecture_{lecture:02d}"]) == sum(mine)
        for outcome in (*OUTCOMES, TO_MARK, MARKED):
            assert int(row[outcome.replace(" ", "_")]) == sum(grade.outcome == outcome for grade in one.grades)
        assert row["late"] == ("yes" if one.late else "no")
        waiting = sum(grade.maximum for grade in one.grades if grade.outcome == TO_MARK)
        assert float(row["points_to_mark"]) == waiting


def test_problems_name_their_students_and_nobodys_come_first(written):
    found = rows(written / "problems.csv")
    assert found[0] == {"student": "", "key": "", "file": "a.zip/odd", "what": "nobody's file", "hint": "Look"}
    assert [row["key"] for row in found[1:]] == [one.key for one in CLASS if one.problems]
    assert found[-1]["what"].startswith("something odd")


def test_to_mark_has_what_a_marker_needs(written):
    wanted = [(one, grade) for one in CLASS for grade in one.grades if grade.outcome in (TO_MARK, MARKED)]
    found = rows(written / "to_mark.csv")
    for row, (one, grade) in zip(found, wanted, strict=True):
        question = exercises.get(grade.id)
        assert (row["key"], row["question"]) == (one.key, f"{grade.id} {question.title}")
        assert all(what in row["rubric"] for _, what in rubric(question.id).rows)
        assert "I think that it is so." in row["answer"]
        assert row["points"] == tables.number(grade.points)
        assert bool(row["comment"]) == (grade.outcome == MARKED)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_cell_becomes_a_formula_whatever_separator_a_spreadsheet_takes(written, separator):
    for path in sorted(written.glob("*.csv")):
        data = path.read_bytes()
        assert data.startswith(b"\xef\xbb\xbf")
        assert b"\r" not in data
        assert b"\0" not in data
        text = data.decode("utf-8-sig")
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            for cell in cells:
                assert cell.strip()[:1] not in set("=+-@") or not cell.strip()[1:], (path.name, cell)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, text", "plain, text"),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("  =1", "  '=1"),
        ("\t=1", "'\t'=1"),
        ("\rx", "'\\x0dx"),
        ("\uff1d1", "'\uff1d1"),
        ("a;=1", "a;'=1"),
        ("a\n-1", "a\n'-1"),
        ("1 - 1 = 0", "1 - 1 = 0"),
        ("a\r\nb", "a\nb"),
        ("nul\0, escape \x1b, \udc80", "nul\\x00, escape \\x1b, \\udc80"),
        ("\u202eevil\u202c\u200b", "\\u202eevil\\u202c\\u200b"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 Zo\u00eb \U0001f600",) * 2,
    ],
)
def test_text_is_made_harmless(text, shown):
    assert tables.harmless(text) == shown
    assert tables.harmless(shown) == shown


def test_hostile_text_is_cut_and_takes_no_time():
    start = time.perf_counter()
    for piece in ("\n", " ", "\t", "; ", "\u200c", "'", "\n ="):
        assert len(tables.harmless(piece * 1_000_000)) < 100_000
    assert time.perf_counter() - start < 5
    assert tables.visible("x" * 40_000).endswith("[... and 10000 more characters]")


@pytest.mark.parametrize(
    ("value", "shown"), [(3.0, "3"), (2.5, "2.5"), (0, "0"), (-0.00001, "0"), (2 / 3, "0.6667"), (1e6, "1000000")]
)
def test_numbers_have_no_trailing_zeros(value, shown):
    assert tables.number(value) == shown


# ------------------------------------------------------------------------------------------------------------- marks

HEAD = "student,key,question,maximum,rubric,answer,points,comment"


def marking(path: Path, *lines: str, head: str = HEAD, end: str = "\n") -> Path:
    path.write_bytes(end.join([head, *lines, ""]).encode("utf-8-sig"))
    return path


def test_marks_survive_the_way_to_the_table_and_back(written, tmp_path):
    marks = tables.read_marks(written / "to_mark.csv", POINTS)
    held = {(one.key, g.id): g for one in CLASS for g in one.grades if g.outcome == MARKED}
    assert {at: mark.points for at, mark in marks.items()} == {at: grade.points for at, grade in held.items()}
    plain = next(at for at in marks if at[0] == "student-0020")
    assert marks[plain][1] == "Good."
    evil = next(at for at in marks if at[0] == "student-0004")
    assert marks[evil][1] == "Good. +1;=1+1\n-1"
    # A second time nothing changes: no apostrophe upon apostrophe.
    words = {(one.key, id): text for one in CLASS for id, text in one.written.items()}
    decisions = {
        at: ledger.Decision(*at, mark.points, mark.comment, text=ledger.print_of(words[at]))
        for at, mark in marks.items()
    }
    again = lambda: (ledger.applied(one, decisions) for one in CLASS)  # noqa: E731
    tables.write_tables(tmp_path, again, POINTS)
    assert (tmp_path / "to_mark.csv").read_bytes() == (written / "to_mark.csv").read_bytes()


def test_what_a_spreadsheet_makes_of_it_is_read(tmp_path):
    comment = 'Good;\r\nbut "short", \u00e4'
    excel = io.StringIO(newline="")
    writer = csv.writer(excel, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEAD.split(","))
    writer.writerow(["Anna", "anna", "1.6 what is lost", "2", "a\nb", "x", "1,5", comment])
    writer.writerow(["Bert", "bert", "1.6 what is lost", "2", "", "", "", ""])
    writer.writerow([""] * 8)
    path, expected = tmp_path / "marks.csv", {("anna", "1.6"): (1.5, comment.replace("\r\n", "\n"), "x")}
    for data in (
        excel.getvalue().encode("utf-8-sig"),
        excel.getvalue().encode("utf-8"),
        excel.getvalue().encode("cp1252"),
        excel.getvalue().encode("utf-16"),
        b"sep=;\r\n" + excel.getvalue().encode(),
    ):
        path.write_bytes(data)
        assert tables.read_marks(path) == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("A,a,1.6 x,2,,,3,", r"3: 3 points are more than the maximum of 2. Give 0 to 2 points"),
        ("A,a,1.6 x,2,,,-1,", r"3: -1 points are negative"),
        ("A,a,1.6 x,2,,,good,", r"3: 'good' is not a number"),
        ("A,a,1.6 x,2,,,nan,", r"3: 'nan' is not a number"),
        ("A,a,1.6 x,2,,,1e0,", r"3: '1e0' is not a number"),
        ("A,a,1.1 x,2,,,1,", r"3: there is no question '1.1'"),
        ("A,a,,2,,,1,", r"3: there is no question ''"),
        ("A,a,88.4 x,2,,,1,", r"3: there is no question '88.4'"),
        ("A,b,1.6 x,2,,,1,", r"3: b is marked twice for question 1.6"),
        ("A,a,1.6 x,2,,,,well", r"3: a comment without points"),
        ("A,a,1.6 x,2,,,1", r"3: the row has 7 cells, the first line has 8"),
    ],
)
def test_a_mark_that_cannot_be_is_named_with_its_line(tmp_path, line, message):
    path = marking(tmp_path / "marks.csv", "B,b,1.6 x,2,,,1,fine", line)
    with pytest.raises(GradingError, match=rf"marks\.csv:{message}"):
        tables.read_marks(path, {"1.6": 2.0})


def test_lines_are_counted_as_an_editor_does(tmp_path):
    path = marking(tmp_path / "marks.csv", 'B,b,1.6 x,2,"two\nlines",,1,fine', "A,a,1.6 x,2,,,9,")
    with pytest.raises(GradingError, match=r"marks\.csv:4: 9 points"):
        tables.read_marks(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "it has no column"),
        (b"student,key,points\n", r"csv:1: it has no column comment, question"),
        (b"sep=;\nstudent;key;points\n", r"csv:2: it has no column comment, question"),
        (HEAD.encode() + b'\nA,a,1.6 x,2,,"' + b"x" * 200_000 + b'",1,\n', "2: this is not CSV"),
        (b"\xff\xfe\x00", "has no column"),
    ],
)
def test_what_is_no_table_of_marks_is_refused(tmp_path, data, message):
    path = tmp_path / "marks.csv"
    path.write_bytes(data)
    with pytest.raises(GradingError, match=message):
        tables.read_marks(path)
    with pytest.raises(GradingError, match="cannot be read"):
        tables.read_marks(tmp_path / "none.csv")


def test_points_may_be_other_than_the_courses(tmp_path):
    path = marking(tmp_path / "marks.csv", "A,a,1.6 x,5,,,4.5,")
    assert tables.read_marks(path, {"1.6": 5.0}) == {("a", "1.6"): (4.5, "", "")}
    with pytest.raises(GradingError, match="maximum of 2"):
        tables.read_marks(path)


def test_marks_go_to_their_question_only():
    one = result(20)
    text = ledger.print_of(one.written["1.6"])
    fine, other = (ledger.Decision(f"student-002{n}", "1.6", 1.5, "Fine.", text=text) for n in (0, 1))
    marked = ledger.applied(one, {(d.key, d.id): d for d in (fine, other)})
    changed = [(old, new) for old, new in zip(one.grades, marked.grades, strict=True) if old != new]
    assert [(new.id, new.outcome, new.points, new.message) for _, new in changed] == [("1.6", MARKED, 1.5, "Fine.")]
    assert ledger.applied(one, {}) == one


def test_a_full_disk_or_a_bad_key_ends_in_one_message(tmp_path):
    bad = [replace(result(20), key="../evil")]
    with pytest.raises(GradingError, match="cannot name a file"):
        feedback.write_feedback(tmp_path, lambda: iter(bad))
    assert not list(tmp_path.rglob("*.html"))

    def broken():
        yield result(20)
        raise GradingError("the store is damaged", where="x")

    with pytest.raises(GradingError, match="damaged"):
        tables.write_tables(tmp_path, broken, POINTS)
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------------------------- pages


class Tags(HTMLParser):
    """The tags, attributes and texts of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in ("meta", "img", "col"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.text += " " if tag in ("th", "td") else ""

    def handle_data(self, data):
        self.text += data


ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "h1", "h2", "h3", "p"),
    *("strong", "a", "bdi", "span", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "colgroup", "col"),
    *("ul", "li", "pre", "dl", "div", "dt", "dd", "figure", "img", "figcaption"),
}


@pytest.mark.parametrize("number", range(len(NASTY)))
def test_what_students_wrote_is_text_on_their_page(written, number):
    one = CLASS[number]
    page = Tags((written / "feedback" / f"{one.key}.html").read_text(encoding="utf-8"))
    assert set(page.tags) <= ALLOWED
    assert page.open == []
    assert page.tags["title"] == page.tags["h1"] == page.tags["style"] == 1
    assert page.tags["section"] == len(POINTS)
    names = {name for _, name, _ in page.attributes}
    assert not {name for name in names if name.startswith("on")}
    assert all(value.startswith("#") for _, name, value in page.attributes if name in ("href", "src"))
    assert ("meta", "content", pages.POLICY) in page.attributes
    assert pages.POLICY.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert page.text.count(tables.visible(one.student)) >= 2


def test_a_page_tells_all_that_a_student_should_know():
    first = exercises.get("1.1").wrong[0].means
    grades = (
        Grade("1.1", "wrong", 0, 3, "For x:\n  Expected 2, got 3.", first, "[2]", "[3]", {}, "01.ipynb, cell 4"),
        Grade("1.2", "partly right", 1.5, 3, "Not yet.", "", "", "", {"every weight is 1": True, "other": False}),
        Grade("1.3", "right", 3, 3, f"Why it matters: {first}", first),
        Grade("1.6", TO_MARK, None, 2, ""),
        Grade("2.4", MARKED, 1.5, 2, "You forgot the voice."),
    )
    problems = (Problem("Anna", "x.ipynb", "the name was odd", "Keep it"),)
    one = Result("anna", "Anna", "77", True, grades, problems, {"1.6": "Phase is lost.", "2.4": "The box."})
    text = " ".join(Tags(feedback.page(one)).text.split())
    assert "6 of 13 points (46.2 %)" in text
    assert "A person still has to mark questions for up to 2 points" in text
    assert "It was handed in late." in text
    assert "Lecture 01 4.5 of 11" in text
    assert "✗ wrong, 0 of 3 points. Found in 01.ipynb, cell 4. For x: Expected 2, got 3." in text
    assert "Expected [2] Got [3]" in text
    # Once for 1.1; the message of 1.3 tells it already.
    assert text.count("This looks like a known mistake") == 1
    assert f"known mistake: {first}." in text
    assert "✓ right: every weight is 1 ✗ wrong: other" in text
    assert "… to mark (up to 2 points). Your answer: Phase is lost." in text
    assert "Your answer: The box. Comment of the person who marked it: You forgot the voice." in text
    assert "x.ipynb: the name was odd. Keep it" in text


def test_every_outcome_has_a_word_and_a_shape_of_its_own():
    assert set(pages.SIGNS) == {*OUTCOMES, TO_MARK, MARKED}
    assert len({sign.symbol for sign in pages.SIGNS.values()}) == len(pages.SIGNS)
    looks = [(sign.hatch, sign.fill) for sign in pages.SIGNS.values()]
    assert len(set(looks)) == len({hatch for hatch, _ in looks}) + 1  # right and empty: filled, and white


def test_the_overview_adds_up(written):
    text = (written / "overview.html").read_text(encoding="utf-8")
    page = Tags(text)
    assert set(page.tags) <= ALLOWED
    assert page.open == []
    words = " ".join(page.text.split())
    for outcome in ("timeout", "killed", "unreadable", "missing"):
        assert f"{sum(g.outcome == outcome for one in CLASS for g in one.grades)} {outcome}" in words
    assert f"Handed in late {sum(one.late for one in CLASS)}" in words
    mine = [grade for one in CLASS for grade in one.grades if grade.id == "3.1"]
    counts = [sum(g.outcome == outcome for g in mine) for outcome in pages.SIGNS]
    mean = sum(g.points for g in mine) / SIZE
    row = " ".join([*map(str, counts), tables.number(round(mean, 2)), "of 4"])
    assert f"{exercises.get('3.1').title} {row}" in words
    sources = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    assert len(sources) == 4
    assert all(source.startswith("data:image/png;base64,") and len(source) % 4 == 2 for source in sources)
    assert all(value.endswith(".") for tag, name, value in page.attributes if (tag, name) == ("img", "alt"))
    assert alike.WARNING in words
    assert "Judged without a sandbox" not in words
    assert "nobody's file" in words


def test_misconceptions_are_counted_among_those_who_answered():
    means = exercises.get("1.1").wrong[0].means
    outcomes = ["wrong", "wrong", "right", "empty", "missing", "unreadable", "timeout"]
    found = overview.Class()
    for n, outcome in enumerate(outcomes):
        grade = Grade("1.1", outcome, 0, 3, "why", means if outcome == "wrong" else "")
        found.add(Result(f"k{n}", "N", "", False, (grade,)))
    page = Tags(overview.page(found, [], {**FACTS, "points": {"1.1": 3.0}, "sandbox": False}))
    words = " ".join(page.text.split())
    assert f"1.1 {means} 2 50 %" in words
    assert "Judged without a sandbox." in words
    assert "not used" in words
    assert "2 answers could not be judged" in words
    assert "1 answer is missing" in words


def test_a_class_of_nobody_has_its_pages_too(tmp_path):
    write_all(tmp_path, lambda: iter(()), FACTS)
    words = Tags((tmp_path / "overview.html").read_text(encoding="utf-8")).text
    assert "0 students" in words
    assert len(rows(tmp_path / "grades.csv")) == 0


def test_never_more_than_one_result_is_held(tmp_path):
    made: list[weakref.ref[Result]] = []
    most = 0

    def stream():
        nonlocal most
        for number in range(20):
            one = result(number + 100)
            made.append(weakref.ref(one))
            yield one
            del one
            most = max(most, sum(there() is not None for there in made))

    write_all(tmp_path, stream, FACTS)
    assert len(made) == 4 * 20
    # The one that a loop still names while the next is made.
    assert most <= 1


def contrast(one: str, other: str) -> float:
    """By WCAG 2: from 1 to 21, for colours as ``rgb(1, 2, 3)``."""

    def light(color: str) -> float:
        parts = [int(float(p)) / 255 for p in color[color.index("(") + 1 : -1].split(",")[:3]]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


# Each text's colour, and the colour behind it.
_COLOURS = """() => {
    const behind = (node) => {
        for (; node; node = node.parentElement) {
            const color = getComputedStyle(node).backgroundColor;
            if (color !== 'rgba(0, 0, 0, 0)') return color;
        }
        return 'rgb(255, 255, 255)';
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = new Set();
    while (walker.nextNode()) {
        const node = walker.currentNode.parentElement;
        if (walker.currentNode.data.trim()) found.add(getComputedStyle(node).color + '|' + behind(node));
    }
    return [...found];
}"""


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not here")
def test_in_a_browser_nothing_runs_and_all_can_be_read(written):
    told: list[str] = []
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 360, "height": 700})
        page.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: told.append(request.url) if not request.url.startswith("data:") else None)
        for path in [*(written / "feedback" / f"student-{n:04d}.html" for n in range(15)), written / "overview.html"]:
            page.goto(path.as_uri())
            assert page.evaluate("document.querySelectorAll('script, iframe, svg, object, embed').length") == 0
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, path.name
            assert page.evaluate("[...document.images].every(image => image.naturalWidth > 100)")
            for pair in page.evaluate(_COLOURS):
                assert contrast(*pair.split("|")) >= 4.5, pair
        assert [url for url in told if not url.startswith(written.as_uri())] == []
        # The check for dialogs can fail.
        page.goto("about:blank")
        page.set_content("<script>alert('heard')</script>")
        assert told[-1] == "heard"
        # What would run, were it not escaped, is stopped by the policy.
        raw = (written / "feedback" / "student-0020.html").read_text(encoding="utf-8")
        page.goto("about:blank")
        page.set_content(raw.replace("<main>", "<main><script>alert('ran')</script><img src=x onerror=alert('ran')>"))
        page.wait_for_load_state()
        assert told[-1] == "heard"


# ----------------------------------------------------------------------------------------------------------- similar

BASE = """
import numpy as np

def helper(a, size):
    return a * size

def f(x, n):
    total = 0.0
    for i in range(n):
        total = total + np.sum(helper(x[i], size=2))
    return [total for k in x if k > 1]
"""
# The same answer in another dress.
DRESSES = {
    "names": BASE.replace("total", "acc").replace("helper", "times").replace("size", "s").replace("x", "y"),
    "another letter": BASE.replace("k", "j"),
    "comments": BASE.replace("    total = 0.0", "    # from nothing\n\n    total = (0.0)"),
    "docstrings": BASE.replace("    total = 0.0", "    '''It sums.'''\n    total = 0.0\n    ..."),
    "types": BASE.replace("f(x, n)", "f(x: np.ndarray, n: int) -> list[float]").replace(
        "total = 0", "total: float = 0"
    ),
    "another alias": BASE.replace("import numpy as np", "import numpy as n_p").replace("np.", "n_p."),
    "from": BASE.replace("import numpy as np", "from numpy import sum as add").replace("np.sum", "add"),
    "without the import": BASE.replace("import numpy as np", ""),
    "import inside": BASE.replace("import numpy as np", "").replace(
        "    total = 0.0", "    import numpy as np\n    total = 0.0"
    ),
    "the function's own name": BASE.replace("def f(", "def answer("),
    "a declared type": BASE.replace("    total = 0.0", "    i: int\n    total = 0.0"),
}
OTHERS = {
    "constant": BASE.replace("size=2", "size=3"),
    "constant's type": BASE.replace("0.0", "0"),
    "function": BASE.replace("np.sum", "np.mean"),
    "module": BASE.replace("import numpy", "import torch"),
    "which variable": BASE.replace("x[i]", "x[n]"),
    "operator": BASE.replace("total + ", "total - "),
    "swapped arguments": BASE.replace("return a * size", "return size * a"),
    "builtin": BASE.replace("range(n)", "list(n)"),
    "returned": BASE.replace("return [total", "return [k"),
    "a name made global": BASE.replace("    total = 0.0", "    global total\n    total = 0.0"),
}


@pytest.mark.parametrize("name", DRESSES)
def test_another_dress_has_the_same_print(name):
    assert DRESSES[name] != BASE
    assert alike.fingerprint(ast.parse(DRESSES[name])) == alike.fingerprint(ast.parse(BASE))


@pytest.mark.parametrize("name", OTHERS)
def test_another_answer_has_another_print(name):
    assert OTHERS[name] != BASE
    assert alike.fingerprint(ast.parse(OTHERS[name]))[0] != alike.fingerprint(ast.parse(BASE))[0]


def test_a_local_name_hides_a_module_and_an_imported_one_is_its_module():
    def of(text: str) -> tuple[str, int]:
        return alike.fingerprint(ast.parse(text).body[-1])

    assert of("def f(np): return np.sum") == of("def f(x): return x.sum") != of("def f(x): return np.sum")
    assert of("def f(x): return (lambda y: y + x)") != of("def f(x): return (lambda x: x + x)")
    assert of("def f(x): return F.relu(x)") == of("def f(x): return torch.nn.functional.relu(x)")
    assert of("def f(x): return x.sum(axis=0)") != of("def f(x): return x.sum(keepdims=0)")
    assert of("def f(x):\n try: pass\n except E as e: return e") == of(
        "def f(x):\n try: pass\n except E as a: return a"
    )
    assert of("def f(x):\n match x:\n  case [a, *b]: return a")[0]
    assert of("class A:\n def f(self): return self.x")[0] == of("class B:\n def g(me): return me.x")[0]
    assert of("async def f(x): return await x")[0] != of("def f(x): return x")[0]


def test_any_source_has_a_print_and_deep_ones_none():
    for path in sorted(Path(alike.__file__).parents[1].rglob("*.py")):
        text, size = alike.fingerprint(ast.parse(path.read_text(encoding="utf-8")))
        assert (len(text), size >= 1) == (16, True), path
    assert alike.fingerprint(ast.parse(f"x = 0x{'f' * 9000}"))[0]
    assert alike.fingerprint(ast.parse("x = '\\ud800'"))[0]
    deep: ast.expr = ast.Constant(1)
    for _ in range(50_000):
        deep = ast.UnaryOp(ast.USub(), deep)
    assert alike.fingerprint(ast.Expression(deep)) == ("", 0)
    # Taken apart level by level: Python itself may not come out of so deep a tree.
    while isinstance(deep, ast.UnaryOp):
        deep = deep.operand


def student(number: int, prints: dict[str, Any], outcome: str = "right") -> Result:
    made = {id: (str(one), 40) if not isinstance(one, tuple) else one for id, one in prints.items()}
    grades = tuple(Grade(id, outcome, 1, 1, "") for id in made)
    return Result(f"k{number:04d}", f"N{number}", "", False, grades, prints=made)


def honest(n: int, count: int = 10) -> list[Result]:
    """Students of whom nearly all give the usual answer to the first exercises, and each his own to the others."""
    ids = list(POINTS)[:count]
    return [student(k, {id: "usual" if at < count // 2 else f"{k}" for at, id in enumerate(ids)}) for k in range(n)]


def test_who_alone_shares_rare_answers_is_noticed_and_the_honest_are_not():
    class_ = honest(30)
    assert alike.notice(class_) == []
    own = {id: "stolen" for id in list(POINTS)[:10]}
    copies = [student(100 + k, own) for k in range(3)]
    nearly = student(200, {**own, "1.1": "changed", "1.2": "usual"})
    groups = alike.notice([*class_, *copies, nearly])
    assert [[key for key, _ in g.students] for g in groups] == [["k0100", "k0101", "k0102", "k0200"]]
    assert len(groups[0].exercises) == 8
    assert "1.1" not in groups[0].exercises
    # Each of the eight answers three others have, of the 34 who answered; two more, of three copies, are too few.
    assert groups[0].weight == pytest.approx(8 * math.log2(34 / 3), abs=0.1)
    # Six of 36 who have an answer are no handful.
    assert alike.notice([*class_, *(student(100 + k, own) for k in range(6))]) == []
    # Two groups share other answers, and one student is in both.
    third = {id: "other" for id in list(POINTS)[10:16]}
    both = student(300, {**dict.fromkeys(list(POINTS)[:5], "stolen"), **third})
    groups = alike.notice([*honest(30, 16), copies[0], student(301, third), both])
    assert [([key for key, _ in g.students], len(g.exercises)) for g in groups] == [
        (["k0300", "k0301"], 6),
        (["k0100", "k0300"], 5),
    ]


def test_few_or_small_answers_and_none_at_all_say_nothing():
    crowd = honest(30)
    two, small = {"1.1": "a", "1.2": "b"}, {id: ("a", 14) for id in list(POINTS)[:10]}
    for prints in (two, small, {}, {**two, "1.3": ("", 0)}):
        assert alike.notice([*crowd, student(101, prints), student(102, prints)]) == []
    three = {**two, "1.3": "c"}
    assert [g.exercises for g in alike.notice([*crowd, student(101, three), student(102, three)])] == [tuple(three)]
    for outcome in ("empty", "missing", "unreadable"):
        assert alike.notice([*crowd, student(101, three, outcome), student(102, three, outcome)]) == []


def test_what_is_only_similar_is_not_noticed():
    own = {id: "mine" for id in list(POINTS)[:10]}
    changed = {id: "theirs" for id in own}
    assert alike.notice([*honest(30), student(100, own), student(101, changed)]) == []


def test_what_most_of_the_class_wrote_or_chance_explains_is_no_notice():
    published = {id: "published" for id in list(POINTS)[:10]}
    crowd = [student(n, published) for n in range(20)] + honest(30)[10:]
    late = student(100, {**published, "1.1": "own", "1.2": "own"})
    assert alike.notice([*crowd, late]) == []
    # Three of six share four answers: 4 log2(6 / 2) = 6.3 bits, which is not rare among 15 pairs.
    ids = list(POINTS)[:5]
    few = [student(n, {id: f"{max(n, 2)}" if id != ids[4] else f"{n}" for id in ids}) for n in range(6)]
    assert alike.notice(few) == []
    # The same four answers weigh more where many others wrote something else.
    assert [len(g.students) for g in alike.notice([*few[:3], *honest(30)[5:]])] == [3]


def test_3000_students_take_seconds(tmp_path):
    start = time.perf_counter()
    groups = alike.notice(school(3000)())
    assert time.perf_counter() - start < 60
    assert groups == []
    tables.write_similar(tmp_path, [alike.Group((("a", "=A"), ("b", "B")), ("1.1", "1.2"), 12.5)])
    assert rows(tmp_path / "similar.csv") == [
        {
            **{"group": "1", "student": name, "key": key, "exercises": "1.1, 1.2", "weight": "12.5"},
            "note": alike.WARNING,
        }
        for key, name in (("a", "'=A"), ("b", "B"))
    ]
