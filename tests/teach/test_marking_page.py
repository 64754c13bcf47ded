"""The page to mark answers in words in: what it shows, what it refuses, and what it writes down."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import csv
import io
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from browser import CHROMIUM, browser
from click.testing import CliRunner
from PIL import Image

from a2d import annotation, exercises
from teach.cli import main
from teach.grading import around, ledger
from teach.grading import grade as grading
from teach.grading.grade import _keep
from teach.grading.ledger import FIRST, SECOND, SETTLED, Decision, print_of
from teach.grading.marking import Settings
from teach.grading.model import TO_MARK, Grade, GradingError, Result
from teach.grading.notebook import read_notebook
from teach.marking import agreement, texts, views
from teach.marking.desk import Desk, Refused
from teach.marking.server import Server
from teach.reports import tables

ONE, TWO = "1.6", "2.4"
STUDENTS = ("ann", "bob", "cyd")
EVIL = (
    "<script>alert(1)</script> ![net](http://evil.example/x.png) [go](javascript:alert(2))\n\n"
    "<img src=x onerror=alert(3)>\n\n![mine](attachment:a.png)\n\n</section><h1>0 wait</h1> {{ 7 * 7 }}"
)


def picture(kind: str = "PNG", side: int = 60) -> str:
    stream = io.BytesIO()
    Image.effect_noise((side, side), 90).convert("RGB").save(stream, kind)
    return base64.b64encode(stream.getvalue()).decode()


def written(key: str, texts: dict[str, str], beside: dict | None = None) -> Result:
    grades = tuple(Grade(id, TO_MARK, None, 2, "", where=f"{key}_0{id[0]}.ipynb, cell 9") for id in (ONE, TWO))
    return Result(key, key.title(), "", False, grades, written=texts, around=beside or {})


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder as `teach grade` leaves it: three students, two questions; Bob has no answer to the second."""
    (tmp_path / "grading.json").write_text("{}")
    for key in STUDENTS:
        said = {ONE: f"It is so, says {key}."} | ({} if key == "bob" else {TWO: EVIL if key == "cyd" else "The box."})
        beside = around.packed({TWO: notebook(picture()).around(exercises.get(TWO))}) if key == "cyd" else {}
        _keep(tmp_path, written(key, said, beside), "")
    return tmp_path


def notebook(data: str, **attachments: str):
    """A notebook with an answer to the second question that has a picture, and outputs around it."""
    cell = nbformat.v4.new_code_cell("plot(<b>x</b>)")
    cell.outputs = [
        nbformat.v4.new_output("display_data", {"image/png": data, "text/plain": "<Figure>"}),
        nbformat.v4.new_output("display_data", {"text/html": "<script>alert(4)</script>", "text/plain": "plain <i>"}),
        nbformat.v4.new_output("display_data", {"image/svg+xml": "<svg onload=alert(5)>"}),
        nbformat.v4.new_output("stream", text="printed"),
    ]
    asked = nbformat.v4.new_markdown_cell(f"### Question {TWO}: x\n\nWhy?")
    answer = nbformat.v4.new_markdown_cell(EVIL, id="02-answer-2-4")
    answer["attachments"] = {name: {"image/png": one} for name, one in {"a.png": data, **attachments}.items()}
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("far") for _ in range(9)])
    made.cells += [cell, asked, answer]
    return read_notebook("cyd_02.ipynb", nbformat.writes(made).encode())


class Client:
    """A program that asks the page's server, with or without what it needs to know."""

    def __init__(self, url: str, opened: str = ""):
        self.root, self.token = url.split("/?token=")
        self.opened = opened

    def get(self, path: str, token: str | None = None, **headers: str) -> tuple[int, str]:
        more = "&" if "?" in path else "?"
        return self.ask(f"{path}{more}token={self.token if token is None else token}", **headers)

    def ask(self, path: str, body: object = None, **headers: str) -> tuple[int, str]:
        data = json.dumps(body).encode() if body is not None else None
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.root + path, data, named), timeout=60) as answer:
                self.headers = answer.headers
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            self.headers = error.headers
            return error.code, error.read().decode()

    def post(self, path: str, body: object, **headers: str) -> tuple[int, dict]:
        status, text = self.ask(path, body, **{"X_Token": self.token, "Origin": self.root, **headers})
        return status, json.loads(text) if text.startswith("{") else {"told": text}

    def save(self, desk: Desk, n: int, points: float | None, comment: str = "", **more: object) -> tuple[int, dict]:
        return self.post("/save", {"n": n, "points": points, "comment": comment, "print": desk.sheet(n).print, **more})


@contextlib.contextmanager
def served(desk: Desk) -> Iterator[Client]:
    """Serve a desk on a free port, in a thread."""
    ready, ends = threading.Event(), []

    async def run() -> None:
        server, end = Server(desk), asyncio.Event()
        ends.extend((server.url, server.opened, asyncio.get_running_loop(), end))
        ready.set()
        await end.wait()
        server.stop()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(60)
    url, opened, loop, end = ends
    try:
        yield Client(url, opened)
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(60)


def told(out: Path) -> list[tuple]:
    return [(one.key, one.id, one.points, one.comment, one.who, one.role) for one in ledger.read(out)]


# ----------------------------------------------------------------------------------------------------------- the page


def test_answers_come_question_by_question_and_those_that_wait_first(out):
    ledger.add(out, [Decision("ann", ONE, 1, text=print_of("It is so, says ann."))])
    assert Desk(out).order == [("bob", ONE), ("cyd", ONE), ("ann", ONE), ("ann", TWO), ("cyd", TWO)]
    assert Desk(out, questions=[TWO]).order == [("ann", TWO), ("cyd", TWO)]
    assert sorted(Desk(out, blind=True).order) == sorted(Desk(out).order)


def test_the_page_shows_what_a_marker_needs(out):
    desk = Desk(out, "Bo")
    with served(desk) as client:
        assert client.get("/")[0] == 200
        status, page = client.get("/at/0")
        assert status == 200
        for shown in ("Question 1.6", "It is so, says ann.", "Ann", "ann_01.ipynb, cell 9", "Order is lost", "A good"):
            assert shown in page
        assert "graded by an earlier version" in page
        assert "the answer" in client.get("/at/4")[1]
        assert client.get("/end")[0] == 200
        assert client.get("/at/9")[0] != 200
        policy = client.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_blind_hides_who_it_is(out):
    desk = Desk(out, blind=True)
    with served(desk) as client:
        for path in [*(f"/at/{n}" for n in range(len(desk.order))), "/end"]:
            page = client.get(path)[1].replace("says ann", "").replace("says bob", "").replace("says cyd", "")
            assert not re.findall(rf"(?<![a-z])(?:{'|'.join(STUDENTS)})(?![a-z])", page.casefold()), path


def test_a_students_text_and_pictures_are_text_and_pictures(out):
    with served(Desk(out)) as client:
        page = client.get("/at/4")[1]
    body, script = page.split("<script nonce=")
    assert "alert(" not in script
    assert "<script" not in body
    assert "onerror=alert(3)&gt;" in body
    assert "<h1>0 wait" not in body
    assert "{{ 7 * 7 }}" in body
    answer = re.sub(r"base64,[\w+/=]+", "", body.split("Answer</h2>")[1].split("</section>")[0])  # noise has any digits
    assert "49" not in answer
    assert "evil.example" not in body
    assert "href=&#34;javascript" not in body
    assert 'href="javascript' not in body
    assert "plot(&lt;b&gt;x&lt;/b&gt;)" in body
    assert "plain &lt;i&gt;" in body
    assert "<svg" not in body
    assert body.count('src="data:image/png;base64,') == 3  # in the answer, in its cell, and an output
    assert "src=" not in body.replace('src="data:image/png;base64,', "").replace("&lt;img src=x", "")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000,
        "![" * 25_000,
        "*a_" * 3_000,
        "> " * 5_000,
        "\ud800\x00\u202e",
        "[a]: javascript:x\n\n[a]",
        "`",
        "$a$ $$",
    ],
)
def test_no_text_stops_the_page(text):
    made = texts.html(text)
    assert "href" not in made
    assert "\u202e" not in made


# ----------------------------------------------------------------------------------------------------------- who asks


def test_nobody_is_answered_without_the_token_host_and_origin(out):
    desk = Desk(out)
    with served(desk) as client:
        assert client.get("/at/0", token="")[0] == 403
        assert client.get("/at/0", token="x" * 32)[0] == 403
        assert client.get("/nothing")[0] == 404
        assert client.get("/nothing", token="")[0] == 403
        assert client.get("/at/0", Host="evil.example")[0] == 403
        assert client.get("/at/0", Host="127.0.0.1:1")[0] == 403
        port = client.root.rpartition(":")[2]
        assert client.get("/at/0", Host=f"localhost:{port}")[0] == 200
        body = {"n": 0, "points": 1, "comment": "", "print": desk.sheet(0).print}
        assert client.post("/save", body, X_Token="")[0] == 403
        assert client.post("/save", body, X_Token="", Cookie=f"token={client.token}")[0] == 403
        assert client.post(f"/save?token={client.token}", body, X_Token="")[0] == 403
        assert client.post("/save", body, Origin="http://evil.example")[0] == 403
        assert client.post("/save", body, Origin="null")[0] == 403
        assert client.ask("/save", body, X_Token=client.token)[0] == 403
        assert client.post("/undo", {}, Origin="http://localhost:1")[0] == 403
        assert told(out) == []
        assert client.post("/save", body)[0] == 200
        assert client.post("/save", {"n": "x"})[0] == 400
        with contextlib.suppress(ConnectionError):
            assert client.post("/save", {**body, "comment": "x" * 200_000})[0] != 200
        assert len(told(out)) == 1


def test_the_address_that_a_browser_is_started_with_works_once(out):
    with served(Desk(out)) as client:
        once = client.opened.removeprefix(client.root)
        assert client.token not in once
        assert client.ask(once, Host="evil.example")[0] == 403
        assert client.ask(once.replace("/?", "/end?"))[0] == 403
        status, page = client.ask(once)
        assert (status, "Question 1.6" in page) == (200, True)
        assert client.ask(once)[0] == 403


def test_it_listens_to_this_computer_only(out):
    with served(Desk(out)) as client:
        port = int(client.root.rpartition(":")[2])
        with pytest.raises(ConnectionError), socket.create_connection(("127.0.0.2", port), timeout=5):
            pass


# ------------------------------------------------------------------------------------------------------------ marking


def test_a_mark_is_written_down_and_counts(out):
    desk = Desk(out, "Bo")
    with served(desk) as client:
        status, found = client.save(desk, 0, 1.5, "Fine.")
        assert (status, found["marked"], found["wait"]) == (200, 1, 4)
        assert told(out) == [("ann", ONE, 1.5, "Fine.", "Bo", "")]
        page = client.get("/at/0")[1]
        assert 'value="1.5" checked' in page
        assert "Marked by Bo" in page
    (one,) = ledger.latest(ledger.read(out)).values()
    graded = ledger.applied(written("ann", {ONE: "It is so, says ann.", TWO: ""}), {("ann", ONE): one})
    assert graded.grades[0].points == 1.5


def test_typing_is_one_decision_and_one_step_to_undo(out):
    desk = Desk(out, "Bo")
    for points, comment in ((None, "N"), (None, "No"), (1.0, "No"), (1.0, "No."), (1.0, "No. Why?"), (0.5, "No. Why?")):
        desk.mark(0, points, comment, desk.sheet(0).print)
    assert [one[2:4] for one in told(out)] == [(None, "No"), (1.0, "No"), (1.0, "No. Why?"), (0.5, "No. Why?")]
    assert desk.progress() == {"all": 5, "marked": 1, "wait": 4, "place": 1, "of": 3}
    back = []
    while desk.undo() is not None:
        last = ledger.read(out)[-1]
        back.append((last.points, last.comment))
    assert back == [(1.0, "No. Why?"), (1.0, "No"), (None, "No"), (None, "")]
    assert desk.progress()["marked"] == 0
    assert ledger.latest(ledger.read(out)) == {}


def test_undo_does_not_take_back_what_another_decided(out):
    desk, other = Desk(out, "Bo"), Desk(out, "Cy")
    with served(desk) as client:
        assert "nothing to undo" in client.post("/undo", {})[1]["told"]
        client.save(desk, 0, 1)
        other.mark(0, 2, "", other.sheet(0).print)
        status, found = client.post("/undo", {})
        assert status == 409
        assert "somebody else" in found["told"]
        client.save(desk, 1, 1)
        assert client.post("/undo", {})[1]["to"].startswith("/at/1?token=")
    assert ledger.latest(ledger.read(out))["ann", ONE].points == 2


def test_comments_are_offered_again_for_their_question(out):
    desk = Desk(out, "Bo")
    for n, comment in ((0, "Name the figure."), (1, "Name the figure.\nWhy?"), (3, "Elsewhere.")):
        desk.mark(n, 1, comment, desk.sheet(n).print)
    assert desk.comments(ONE) == ["Name the figure.", "Why?"]
    assert desk.comments(TWO) == ["Elsewhere."]
    with served(desk) as client:
        assert client.get("/at/2")[1].count("data-line=") == 2


def test_a_text_that_changed_waits_and_says_so(out):
    desk = Desk(out, "Bo")
    desk.mark(0, 2, "Right.", desk.sheet(0).print)
    old = desk.sheet(0).print
    _keep(out, written("ann", {ONE: "It is not so."}), "")
    with served(desk) as client:
        status, found = client.post("/save", {"n": 0, "points": 1, "comment": "", "print": old})
        assert status == 409
        assert "has changed since it was shown" in found["told"]
        page = client.get("/at/0")[1]
        assert "has changed since it was marked with 2 points" in page
        assert "Right." in page
        assert "checked><span>" not in page
        assert client.save(desk, 0, 0.5)[0] == 200
    assert desk.progress()["marked"] == 1


@pytest.mark.parametrize(("points", "comment"), [(2.5, ""), (-1, ""), (float("nan"), ""), (1, "x" * 6_000)])
def test_what_cannot_be_is_refused(out, points, comment):
    desk = Desk(out)
    with pytest.raises(Refused):
        desk.mark(0, points, comment, desk.sheet(0).print)
    assert told(out) == []


def test_a_save_that_fails_can_be_tried_again(out):
    desk = Desk(out)
    with served(desk) as client:
        (out / ledger.FILE).write_text("{")
        status, found = client.post("/save", {"n": 0, "points": 1, "comment": "", "print": desk._prints["ann", ONE]})
        assert status == 503
        assert "decisions cannot be read" in found["told"]


def test_many_who_write_at_once_lose_nothing(out):
    desks = [Desk(out, f"T{n}") for n in range(4)]

    def work(desk: Desk) -> None:
        for n in range(5):
            desk.mark(n, int(desk.who[1:]) / 2, desk.who, desk.sheet(n).print)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, desks))
    assert sorted((one.who, one.key, one.id) for one in ledger.read(out)) == sorted(
        (desk.who, *at) for desk in desks for at in desk.order
    )


@pytest.mark.parametrize(
    ("maximum", "expected"), [(2, [0, 0.5, 1, 1.5, 2]), (1.25, [0, 0.5, 1, 1.25]), (12, list(range(13)))]
)
def test_steps(maximum, expected):
    assert views.steps(maximum) == expected


# -------------------------------------------------------------------------------------------------------- two markers


def test_a_second_marker_sees_nothing_of_the_first_and_counts_for_nothing(out):
    first, second = Desk(out, "Bo"), Desk(out, "Cy", second=True)
    first.mark(0, 2, "Said by Bo.", first.sheet(0).print)
    with served(second) as client:
        page = client.get("/at/0")[1]
        assert "Said by Bo." not in page
        assert "checked><span>" not in page
        assert "Not marked yet" in page
        assert client.save(second, 0, 1, "Said by Cy.")[0] == 200
        assert "Two markers" not in client.get("/end")[1]
    assert told(out)[-1] == ("ann", ONE, 1.0, "Said by Cy.", "Cy", SECOND)
    assert ledger.latest(ledger.read(out))["ann", ONE].points == 2
    assert first.comments(ONE) == ["Said by Bo."]
    assert second.comments(ONE) == ["Said by Cy."]
    assert second.undo() == 0
    assert ledger.latest(ledger.read(out))["ann", ONE].points == 2


def pairs_of(a: list[float], b: list[float], id: str = ONE) -> list[Decision]:
    ones = [Decision(f"s{n:02d}", id, points, who="Bo") for n, points in enumerate(a)]
    return ones + [Decision(f"s{n:02d}", id, points, who="Cy", role=SECOND) for n, points in enumerate(b)]


def test_kappa_by_hand():
    # Equal in 3 of 4. By chance: 0 with 2/4 * 1/4, 1 with 2/4 * 3/4; in all 1/2. Kappa: (3/4 - 1/2) / (1 - 1/2) = 1/2.
    (found,) = agreement.agreements(agreement.pairs(pairs_of([0, 0, 1, 1], [0, 1, 1, 1])))
    assert (found.id, found.who, found.n, found.equal, found.kappa, found.apart) == (ONE, "Cy", 4, 0.75, 0.5, 0.25)
    assert agreement.kappa([0, 0, 1, 1], [0, 1, 1, 1]) == annotation.agreement([0, 0, 1, 1], [0, 1, 1, 1])["kappa"]
    (same,) = agreement.agreements(agreement.pairs(pairs_of([2, 2, 2], [2, 2, 2])))
    assert (same.equal, same.kappa, same.low) == (1, None, None)


def test_the_interval_holds_kappa_and_shrinks_with_more_answers():
    a, b = [0, 0.5, 1, 1.5, 2, 2, 1, 0.5] * 3, [0, 0.5, 1, 2, 2, 2, 0.5, 0.5] * 3
    (few,) = agreement.agreements(agreement.pairs(pairs_of(a, b)))
    (many,) = agreement.agreements(agreement.pairs(pairs_of(a * 4, b * 4)))
    for one in (few, many):
        assert one.low < one.kappa < one.high
    assert many.high - many.low < 0.7 * (few.high - few.low)


def test_only_blind_marks_of_the_same_text_are_compared():
    blind = pairs_of([0, 1, 2], [2, 1, 2])
    later = [Decision("s00", ONE, 2, who="Bo", role=SETTLED), Decision("s01", ONE, 0, who="Bo", text="other")]
    found = agreement.pairs([*blind, *later])
    assert [(one.key, one.apart, one.settled) for one in found] == [("s00", 2, True), ("s02", 0, False)]
    told = agreement.lines(found)
    assert told[0].split()[:3] == ["question", "second", "n"]
    assert "s00: 0 by Bo, 2 by Cy; decided together" in told[-1]
    undone = [*blind, later[0], Decision("s00", ONE, None, who="Bo", role=SETTLED), Decision("s00", ONE, 0, who="Bo")]
    assert [one.settled for one in agreement.pairs(undone)] == [False] * 3


def test_two_decide_together_about_what_they_marked_differently(out):
    first, second = Desk(out, "Bo"), Desk(out, "Cy", second=True)
    for n in range(5):
        first.mark(n, 2, "", first.sheet(n).print)
        second.mark(n, 0 if n == 0 else 2, "Why?", second.sheet(n).print)
    with served(first) as client:
        end = client.get("/end")[1]
        assert "Two markers" in end
        assert "far apart" in end
        page = client.get("/at/0?settle=1")[1]
        assert "<bdi>Cy</bdi> gave" in " ".join(page.split())
        assert client.save(first, 0, 1, "Half of it.", settle=True)[0] == 200
        assert "together" in client.get("/end")[1]
        # Where the two do not differ there is nothing to decide.
        assert "gave" not in client.get("/at/9?settle=1")[1]
    with served(second) as client:
        assert 'value="1.0" checked' in client.get("/at/0?settle=1")[1]
        assert 'value="0.0" checked' in client.get("/at/0")[1]
    assert ledger.latest(ledger.read(out))["ann", ONE].points == 1
    assert told(out)[-1][-1] == SETTLED
    before = [one.second.points for one in agreement.pairs(ledger.read(out))], len(told(out))
    assert first.undo() == 0
    assert ledger.latest(ledger.read(out))["ann", ONE].points == 2
    assert ([one.second.points for one in agreement.pairs(ledger.read(out))], len(told(out))) == (
        before[0],
        before[1] + 2,
    )
    done = CliRunner().invoke(main, ["mark", str(out), "--agreement"])
    assert done.exit_code == 0
    assert "ann: 2 by Bo, 0 by Cy" in done.output


def test_decisions_of_an_earlier_version_are_read(out):
    old = {"key": "ann", "id": ONE, "points": 1.5, "comment": "", "who": "Bo", "when": "2026-01-01T00:00:00+00:00"}
    (out / ledger.FILE).write_text(json.dumps({"decisions": [{**old, "text": print_of("It is so, says ann.")}]}))
    (one,) = ledger.read(out)
    assert one.role == FIRST
    assert Desk(out).progress()["marked"] == 1
    desk = Desk(out, "Cy")
    desk.mark(0, 1, "", desk.sheet(0).print)
    assert "role" not in (out / ledger.FILE).read_text()


# ------------------------------------------------------------------------------------------------- around the answers


def test_what_stands_around_an_answer_is_kept():
    small = picture()
    found = around.packed({TWO: notebook(small).around(exercises.get(TWO))})
    cells = found["answers"][TWO]["cells"]
    assert [cell["number"] for cell in cells] == list(range(5, 13))
    assert [cell["answer"] for cell in cells] == [False] * 7 + [True]
    (name,) = found["pictures"]
    assert cells[-1]["attached"] == {"a.png": name}
    assert cells[5]["outputs"][0] == ("picture", name)
    assert cells[5]["outputs"][1:] == [("text", "plain <i>"), ("text", ""), ("text", "printed")]
    assert found["pictures"][name] == ("image/png", small)


@pytest.mark.parametrize(
    "data",
    [
        base64.b64encode(b"<svg onload=alert(1)>").decode(),
        base64.b64encode(b"<html>").decode(),
        '"><script>',
        "not base64",
        "",
        base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"x" * around.PICTURE_BYTES).decode(),
    ],
)
def test_what_is_no_picture_or_too_large_is_left_out(data):
    found = around.packed({TWO: notebook(data).around(exercises.get(TWO))})
    assert found["pictures"] == {}
    assert found["answers"][TWO]["cells"][-1]["attached"] in ({"a.png": ""}, {})


def test_pictures_of_a_student_are_limited_and_those_of_answers_come_first():
    large = picture(side=600)
    assert 0.8e6 < len(base64.b64decode(large)) < 1.5e6
    found = around.packed({TWO: notebook(picture(side=600), b=large).around(exercises.get(TWO))})
    sizes = [len(base64.b64decode(data)) for _, data in found["pictures"].values()]
    assert sum(sizes) <= around.PICTURE_BYTES
    assert any(found["answers"][TWO]["cells"][-1]["attached"].values())


def test_a_picture_that_colab_wrote_into_the_text_is_lifted_out():
    data = picture()
    text, found = around.lifted(f"See ![plot](data:image/png;base64,{data}) here.")
    (name,) = found
    assert text == f"See ![plot](attachment:{name}) here."
    assert found[name] == data
    same = f"![x](data:image/svg+xml;base64,{data})"
    assert around.lifted(same) == (same, {})


def test_lifting_takes_no_longer_for_who_wants_it_to():
    began = time.process_time()
    for text in ("![" * 2_000_000, "](data:image/png;base64," * 200_000, "](data:image/png;base64," + "A" * 4_000_000):
        assert around.lifted(text) == (text, {})
    assert time.process_time() - began < 5


def test_odd_outputs_and_attachments_are_passed_over():
    for odd in (
        None,
        3,
        "x",
        [None, 3, {"data": 4}, {"output_type": "stream", "text": [1, "a\ud800"]}],
        {"a": {"image/png": 3}},
    ):
        seen = around.shown({"outputs": odd, "attachments": odd})
        assert seen.attached == {}
        json.dumps(seen.outputs, ensure_ascii=False).encode()


def test_results_stay_small_and_an_absent_file_is_no_error(out):
    assert "base64" not in (out / "results" / "cyd.json").read_text()
    assert (out / "around" / "cyd.json").is_file()
    assert json.loads((out / "results" / "cyd.json").read_text())["result"]["around"] == {}
    for text in ("{", "[]"):
        (out / "around" / "cyd.json").write_text(text)
        assert Desk(out).sheet(4).around == {}
    _keep(out, written("cyd", {}), "")
    assert not (out / "around" / "cyd.json").exists()


# ---------------------------------------------------------------------------------------------------------- mistakes


def mark(*arguments):
    return CliRunner().invoke(main, ["mark", *map(str, arguments), "--no-browser"])


def test_mistakes_are_one_message(out, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    assert (mark(other).exit_code, "was not written by `teach grade`" in mark(other).output) == (2, True)
    (other / "grading.json").write_text("{}")
    assert (mark(other).exit_code, "no answers in words to mark" in mark(other).output) == (2, True)
    done = mark(out, "--question", "9.9")
    assert (done.exit_code, "Use some of 1.6, 2.4" in done.output) == (2, True)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = mark(out, "--port", taken.getsockname()[1])
    assert (done.exit_code, "this port cannot be used" in done.output) == (2, True)
    assert mark(tmp_path / "none").exit_code == 2
    assert "No answer has been marked by two" in mark(out, "--agreement").output


def test_the_end_says_what_to_do(out, monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("teach.marking.server.serve", interrupted)
    done = mark(out)
    assert done.exit_code == 0
    assert "0 of 5 answers are marked, 5 wait; give the `teach grade` command again" in done.output


def test_an_undone_folder_is_named(out):
    (out / "results" / "ann.json").write_text("{")
    with pytest.raises(GradingError, match=r"ann\.json"):
        Desk(out)


@pytest.mark.slow
def test_the_command_serves_until_it_is_interrupted(out):
    line = [sys.executable, "-m", "teach.cli", "mark", str(out), "--no-browser", "--who", "Bo"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        client = Client(process.stdout.readline().removeprefix("Mark at ").strip())
        assert client.save(Desk(out), 0, 2)[0] == 200
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    assert "1 of 5 answers are marked, 4 wait" in rest
    assert told(out) == [("ann", ONE, 2, "", "Bo", FIRST)]


# ------------------------------------------------------------------------------------------------ beside the CSV's way


def test_of_several_attempts_the_words_that_count_are_on_the_desk(out):
    (out / "results" / "earlier").mkdir()
    (out / "around" / "earlier").mkdir()
    beside = around.packed({TWO: notebook(picture()).around(exercises.get(TWO))})
    _keep(out, written("earlier/bob.1", {TWO: "What I wrote first."}, beside), "")
    last = grading.kept(out, "bob")
    _keep(out, replace(last, grades=(last.grades[0], Grade(TWO, "empty", 0, 2, ""))), "")
    attempts = [SimpleNamespace(key="earlier/bob.1", when="2024-02-01T09:00:00")]
    handed = SimpleNamespace(key="bob", earlier=attempts, when="2024-02-02T09:00:00")
    before = len(Desk(out, "Bo").order)
    grading._of_all_attempts(out, handed)
    desk = Desk(out, "Bo")
    assert len(desk.order) == before + 1
    sheet = desk.sheet(desk.order.index(("bob", TWO)))
    assert sheet.text == "What I wrote first."
    assert sheet.around["cells"]
    assert sheet.pictures
    handed.earlier = []
    grading._of_all_attempts(out, handed)
    assert len(Desk(out, "Bo").order) == before


def test_what_was_not_filled_in_in_the_table_does_not_undo_the_page(out):
    desk, settings = Desk(out, "Bo"), Settings((1, 2), 0)
    desk.mark(0, 1, "Old.", desk.sheet(0).print)

    def write() -> None:
        """Write the table as a run of the grading does."""
        there = [SimpleNamespace(key=key, earlier=()) for key in STUDENTS]
        decisions = grading._decided(out, there, settings, {})
        tables.write_tables(out, lambda: (ledger.applied(r, decisions) for r in grading.all_kept(out)), settings.maxima)
        grading._remember_table(out)

    write()
    desk.mark(0, 2, "New.", desk.sheet(0).print)
    path = out / tables.TO_MARK_FILE
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    for row in rows:
        if row[1] == "bob" and row[2].startswith(ONE):
            row[-2:] = ["1,5", "By hand."]
    with open(path, "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter=";").writerows(rows)
    write()
    stands = ledger.latest(ledger.read(out))
    assert {at: (one.points, one.comment) for at, one in stands.items()} == {
        ("ann", ONE): (2, "New."),
        ("bob", ONE): (1.5, "By hand."),
    }
    write()
    assert len(ledger.read(out)) == 3


# ---------------------------------------------------------------------------------------------------------- a browser


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not here")
def test_three_answers_are_marked_by_keyboard_alone(out):
    desk = Desk(out, "Bo")
    heard: list[str] = []
    with served(desk) as client, browser() as chromium:
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(120_000)
        page.on("dialog", lambda dialog: (heard.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: heard.append(request.url) if client.root not in request.url else None)
        page.goto(f"{client.root}/?token={client.token}")
        keys = page.keyboard

        def arrive(n: int) -> None:
            page.wait_for_url(f"{client.root}/at/{n}?*")
            page.wait_for_function("() => document.activeElement.id === 'top'")

        arrive(0)
        keys.press("1")
        keys.press("Shift+Digit1")
        keys.press("c")
        keys.type("Name the figure 2.")
        keys.press("Control+Enter")
        arrive(1)
        keys.press("2")
        keys.press("Alt+1")
        page.get_by_text("Saved.").wait_for()
        keys.press("j")
        arrive(2)
        keys.press("9")
        page.get_by_text("There are 0 to 2 points here.").wait_for()
        keys.press(".")
        keys.press("/")
        keys.press("1")
        keys.press("n")
        arrive(3)
        keys.press("k")
        arrive(2)
        assert page.get_by_label("Comment for the student").input_value() == "Name the figure 2."
        keys.press("2")
        keys.press("u")
        page.get_by_role("radio", name="0.5", checked=True).wait_for()
        stands = ledger.latest(ledger.read(out))
        assert [stands[key, ONE].points for key in STUDENTS] == [1.5, 2, 0.5]
        assert {one.comment for one in stands.values()} == {"Name the figure 2."}
        page.goto(f"{client.root}/at/4?token={client.token}")
        assert page.evaluate("[...document.images].every(image => image.naturalWidth > 10)")
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.evaluate("document.querySelectorAll('script').length") == 1
        # A save that fails is told in red, and tried again until it is saved.
        kept = (out / ledger.FILE).read_text()
        (out / ledger.FILE).write_text("{")
        page.locator("#top").focus()
        keys.press("1")
        page.get_by_text("Not saved, tried again").wait_for()
        assert page.locator("#status.bad").count() == 1
        (out / ledger.FILE).write_text(kept)
        page.get_by_text("Saved.").wait_for()
    assert ledger.latest(ledger.read(out))["cyd", TWO].points == 1
    assert [url for url in heard if not url.startswith("data:")] == []
