"""Labelling by hand: every action, every bad input, and what a crash at any moment leaves behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from a2d.annotation import UNREADABLE, Annotations
from a2d.errors import DataError
from a2d.widgets import session as labelling
from a2d.widgets.session import Session


def make_images(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 28, 28), dtype=np.uint8)


def make_session(path: Path, n: int = 5, **options) -> Session:
    defaults = {"annotator": "Ada", "kind": "human", "seed": 3, "order": "given"}
    return Session.create(make_images(n), path, **(defaults | options))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "session.json"


# --- going through the images --------------------------------------------------------------------------


def test_labels_in_order_until_done(path):
    with make_session(path, 3) as session:
        assert (session.position, session.current, session.progress) == (0, 0, (0, 3))
        for value in (7, UNREADABLE, np.int64(2)):
            assert session.progress[0] < 3
            session.label(value)
        assert (session.position, session.current, session.image, session.progress) == (3, None, None, (3, 3))
        assert session.labels() == [7, UNREADABLE, 2]
        assert type(session.labels()[2]) is int
        with pytest.raises(DataError, match="every image has its label"):
            session.label(1)
        with pytest.raises(DataError, match="every image has its label"):
            session.skip()


def test_shuffled_order_follows_the_seed_and_labels_come_in_image_order(tmp_path):
    def shown(name, **options):
        with make_session(tmp_path / name, 30, **options) as session:
            seen = []
            while session.current is not None:
                seen.append(session.current)
                session.label(session.current % 10)
            assert session.labels() == [i % 10 for i in range(30)]
        return seen

    one, same, other = (shown(n, order="shuffled", seed=s) for n, s in (("a", 1), ("b", 1), ("c", 2)))
    assert sorted(one) == list(range(30))
    assert one == same != other
    assert one != list(range(30))
    assert shown("d", order="given") == list(range(30))


def test_skipped_images_come_again(path):
    with make_session(path, 3) as session:
        session.skip()
        session.label(1)
        session.label(2)
        assert session.current == 0
        session.skip()  # the only one left stays
        assert session.current == 0
        session.label(0)
        assert session.progress == (3, 3)


def test_back_and_goto_change_a_label(path):
    with make_session(path, 4) as session:
        with pytest.raises(DataError, match="first image"):
            session.back()
        for value in (1, 2, 3):
            session.label(value)
        session.back()
        assert session.current == 2
        session.label(9)
        assert session.current == 3
        session.goto(np.int64(0))
        session.label(8)
        assert (session.current, session.labels()) == (3, [8, 2, 9, None])
        for bad in (4, -1, True, 1.0, "1", None):
            with pytest.raises(DataError, match="no place"):
                session.goto(bad)
        session.label(0)
        assert session.current is None
        session.back()
        assert session.current == 3


def test_undo_chain_to_the_start_also_after_resume(path):
    session = make_session(path, 4)
    actions = [("label", 1), ("skip",), ("label", 2), ("back",), ("label", 5), ("goto", 0), ("label", 6)]
    states = []
    for name, *arguments in actions:
        states.append((session.labels(), session.position))
        getattr(session, name)(*arguments)
    session.undo()
    assert (session.labels(), session.position) == states[-1]
    session.close()
    session = Session.resume(path, make_images(4))
    for state in reversed(states[:-1]):
        session.undo()
        assert (session.labels(), session.position) == state
        session.close()
        session = Session.resume(path, make_images(4))
        assert (session.labels(), session.position) == state
    with pytest.raises(DataError, match="nothing to undo"):
        session.undo()
    session.close()


def test_resume_after_every_action_equals_uninterrupted(tmp_path):
    def act(session, step):
        name, *arguments = step
        getattr(session, name)(*arguments)

    steps = [
        ("label", 3),
        ("skip",),
        ("label", UNREADABLE),
        ("undo",),
        ("label", 4),
        ("goto", 1),
        ("label", 0),
    ]
    with make_session(tmp_path / "whole") as whole:
        for step in steps:
            act(whole, step)
    make_session(tmp_path / "pieces").close()
    for step in steps:
        with Session.resume(tmp_path / "pieces", make_images(5)) as pieces:
            act(pieces, step)
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "pieces").read_bytes()


def test_open_creates_then_resumes_and_a_second_open_takes_over(path):
    options = {"annotator": "Ada", "kind": "human", "seed": 0, "spoken": [1, 2, 3]}
    first = Session.open(make_images(3), path, **options)
    first.label(4)
    second = Session.open(make_images(3), path, **options)
    assert second.progress == (1, 3)
    with pytest.raises(DataError, match="closed"):
        first.label(5)
    second.label(5)
    for change in ({"annotator": "Bob"}, {"kind": "model", "note": "x"}, {"spoken": [1, 2, 4]}):
        with pytest.raises(DataError, match=f"another {next(iter(change))}"):
            Session.open(make_images(3), path, **(options | change))
    with Session.open(make_images(3), path) as third:
        assert third.progress == (2, 3)


def test_nothing_but_the_annotations_tells_the_spoken_class(path):
    spoken = [8, 8, 8]
    with make_session(path, 3, spoken=spoken) as session:
        public = [name for name in dir(session) if not name.startswith("_")]
        assert "spoken" not in public
        values = [getattr(session, n) for n in ("position", "current", "progress")]
        assert "8" not in repr([*values, session, session.labels()])
        for value in (8, 3, UNREADABLE):
            session.label(value)
        result = session.to_annotations()
    assert result.spoken.tolist() == spoken
    assert result.labels == (8, 3, UNREADABLE)
    assert (result.annotator, result.kind) == ("Ada", "human")


def test_partial_annotations_keep_images_labels_and_spoken_together(path):
    with make_session(path, 5, spoken=[5, 6, 7, 8, 9]) as session:
        with pytest.raises(DataError, match="no label"):
            session.to_annotations(partial=True)
        session.goto(3)
        session.label(1)
        with pytest.raises(DataError, match="4 of 5 images have no label"):
            session.to_annotations()
        session.goto(1)
        session.label(2)
        result = session.to_annotations(partial=True)
    assert result.labels == (2, 1)
    assert result.spoken.tolist() == [6, 8]
    np.testing.assert_array_equal(result.images, make_images(5)[[1, 3]])


# --- bad input -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [10, -1, "x", "3", True, False, 3.7, 3.0, None, [3], np.array([3]), "Unreadable"])
def test_bad_labels_change_nothing(path, bad):
    with make_session(path) as session:
        before = path.read_bytes()
        with pytest.raises(DataError, match="is not a label"):
            session.label(bad)
        assert (session.position, path.read_bytes()) == (0, before)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((3, 28, 27)), "shape"),
        (np.zeros((28, 28)), "shape"),
        (np.zeros((3, 1, 28, 28)), "shape"),
        (np.zeros((0, 28, 28)), "no image"),
        (np.zeros((3, 28, 28), dtype=np.int64), "int64"),
        (np.zeros((3, 28, 28), dtype=bool), "bool"),
        (np.full((3, 28, 28), np.nan), "NaN"),
        (np.full((3, 28, 28), np.inf), "NaN or infinite"),
        (np.full((3, 28, 28), 1.01), "0, 1"),
        (np.full((3, 28, 28), -0.01), "0, 1"),
        (np.full((3, 28, 28), "x"), "uint8"),
        ([[1, 2], [3]], "not an array"),
        (None, "shape"),
    ],
)
def test_bad_images(path, bad, message):
    with pytest.raises(DataError, match=message):
        Session.create(bad, path, annotator="Ada", kind="human", seed=0)
    assert not path.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "person"}, "who labelled"),
        ({"kind": None}, "who labelled"),
        ({"kind": ["human"]}, "who labelled"),
        ({"kind": "model"}, "needs a note"),
        ({"kind": "recorded-reading", "note": "  "}, "needs a note"),
        ({"note": 3}, "note must be text"),
        ({"annotator": ""}, "annotator"),
        ({"annotator": "a\nb"}, "annotator"),
        ({"annotator": 3}, "annotator"),
        ({"spoken": [1, 2]}, "2 spoken classes for 5"),
        ({"spoken": [1, 2, 3, 4, 10]}, "10 is not a spoken class"),
        ({"spoken": [1, 2, 3, 4, True]}, "True"),
        ({"spoken": 3}, "sequence"),
        ({"seed": -1}, "seed"),
        ({"seed": "1"}, "seed"),
        ({"order": "sorted"}, "order"),
    ],
)
def test_bad_options(path, options, message):
    with pytest.raises(DataError, match=message):
        make_session(path, **options)
    assert not path.exists()


def test_kind_has_no_default(path):
    with pytest.raises(TypeError, match="kind"):
        Session.create(make_images(2), path, annotator="Ada", seed=0)
    with pytest.raises(TypeError, match="kind"):
        Annotations(images=make_images(1), labels=(1,), spoken=None, annotator="Ada")


def test_bad_paths(tmp_path):
    with pytest.raises(DataError, match="folder, not a file"):
        make_session(tmp_path)
    with pytest.raises(DataError, match="folder, not a file"):
        Session.resume(tmp_path, make_images(5))
    with pytest.raises(DataError, match="no annotation session here"):
        Session.resume(tmp_path / "missing", make_images(5))
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="cannot write here"):
        make_session(tmp_path / "file" / "inside")
    for bad in (3, None, b"bytes", "a\0b"):
        with pytest.raises(DataError, match="is not a path"):
            make_session(bad)
    make_session(tmp_path / "twice").close()
    with pytest.raises(DataError, match="exists already"):
        make_session(tmp_path / "twice")
    # A failed start leaves the file usable.
    Session.resume(tmp_path / "twice", make_images(5)).close()


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs POSIX permissions")
def test_no_permission(tmp_path):
    closed, readable = tmp_path / "closed", tmp_path / "readable"
    closed.mkdir(mode=0o000)
    readable.mkdir()
    make_session(readable / "session").close()
    user = os.geteuid()
    mode = tmp_path.stat().st_mode
    parents = [p for p in tmp_path.parents if Path(tempfile.gettempdir()) in p.parents]
    modes = [p.stat().st_mode for p in parents]
    for folder in (*parents, tmp_path):
        folder.chmod(0o755)
    (readable / "session").chmod(0o444)
    readable.chmod(0o555)
    try:
        if user == 0:  # root may do everything; become somebody who may not
            os.seteuid(65534)
        for place in (closed / "session", readable / "new"):
            with pytest.raises(DataError, match=r"cannot (write|look) here.*ermission"):
                make_session(place)
        with pytest.raises(DataError, match="ermission"):
            Session.resume(readable / "session", make_images(5))
    finally:
        if user == 0:
            os.seteuid(0)
        readable.chmod(0o755)
        closed.chmod(0o755)
        for folder, old in zip((*parents, tmp_path), (*modes, mode), strict=True):
            folder.chmod(old)


def test_resume_with_other_images(path):
    make_session(path, 5).close()
    images = make_images(5)
    images[2, 3, 4] ^= 1
    for other in (images, make_images(5)[::-1], make_images(4), make_images(6)):
        with pytest.raises(DataError, match="other images"):
            Session.resume(path, other)
    Session.resume(path, make_images(5)).close()


# --- damage --------------------------------------------------------------------------------------------


def finished_session(path: Path) -> bytes:
    with make_session(path, 5) as session:
        for value in (3, 1, UNREADABLE):
            session.label(value)
    return path.read_bytes()


def test_a_file_cut_short_is_damaged_and_stays_as_it_is(path):
    whole = finished_session(path)
    for cut in range(len(whole) - 1):  # without the line end at the end it is whole
        path.write_bytes(whole[:cut])
        with pytest.raises(DataError, match="damaged"):
            Session.resume(path, make_images(5))
        assert path.read_bytes() == whole[:cut]
    path.write_bytes(whole[:-1])
    Session.resume(path, make_images(5)).close()


def test_a_flipped_byte_is_told_or_harms_no_other_label(path):
    whole, rng = finished_session(path), random.Random(0)
    refused = 0
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.randrange(8)
        path.write_bytes(bytes(damaged))
        try:
            with Session.resume(path, make_images(5)) as session:
                kept = zip(session.labels(), [3, 1, UNREADABLE, None, None], strict=True)
                assert sum(one != other for one, other in kept) <= 1
        except DataError:
            refused += 1
        assert path.read_bytes() == bytes(damaged)  # evidence stays as it is
    assert refused > len(whole) / 2


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 50, b"\xff\xfe\n", b"[" * 100_000, b"{}", b"[]", b"3", b"null", b'{"format": 1}']
)
def test_foreign_files(path, data):
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"damaged|not an annotation session"):
        Session.resume(path, make_images(5))


NONSENSE = [
    {"order": [0, 1, 2, 3, 3]},
    {"order": 5},
    {"order": [0, True, 2, 3, 4]},
    {"kind": "x"},
    {"spoken": [1]},
    {"annotator": None},
    {"actions": 3},
]
ACTIONS = [
    {"do": "label", "image": 4, "label": 1},
    {"do": "label", "image": 0, "label": 11},
    {"do": "label", "image": "0", "label": 1},
    {"do": "goto", "to": 99},
    {"do": "undo"},
    {"do": "dance"},
    {"x": 1},
    [],
    None,
]


@pytest.mark.parametrize("change", [*NONSENSE, *({"actions": [action]} for action in ACTIONS)])
def test_well_formed_nonsense_is_refused(path, change):
    record = json.loads(finished_session(path))
    for bad in (record | change, {key: value for key, value in record.items() if key not in change}):
        path.write_text(json.dumps(bad))
        with pytest.raises(DataError, match="damaged"):
            Session.resume(path, make_images(5))


def test_the_file_is_taken_away_under_the_session(path):
    with make_session(path) as session:
        session.label(1)
        kept = path.read_bytes()
        path.unlink()
        with pytest.raises(DataError, match="not saved"):
            session.label(2)
        other = kept.replace(b"Ada", b"Bob")
        path.write_bytes(other)  # what somebody else put there is not written over
        with pytest.raises(DataError, match="not saved"):
            session.label(2)
        assert (path.read_bytes(), session.labels()[:2]) == (other, [1, None])
        path.write_bytes(kept)
        session.label(2)
    with Session.resume(path, make_images(5)) as session:
        assert session.labels()[:2] == [1, 2]


def test_a_full_disk_and_an_interrupt_leave_the_file_whole(path, monkeypatch):
    with make_session(path) as session:
        session.label(1)
        before = path.read_bytes()

        def full(handle):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(DataError, match=r"not saved.*No space left"):
                session.label(2)
        assert (path.read_bytes(), session.labels()[1]) == (before, None)
        assert sorted(p.name for p in path.parent.iterdir() if p.suffix != ".lock") == [path.name]
        session.label(2)
        # An interrupt between disk and memory: nothing is written before the session is opened again.
        write = labelling._write

        def interrupted(*arguments):
            write(*arguments)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(labelling, "_write", interrupted)
            with pytest.raises(KeyboardInterrupt):
                session.label(3)
        with pytest.raises(DataError, match="open the session again"):
            session.label(3)
    with Session.resume(path, make_images(5)) as session:
        assert session.labels() == [1, 2, 3, None, None]


OLD_JOURNAL = b"""\
{"format":"a2d-annotation-session/1","images":"sha256:339acf2961958108e9f810cc55ee058209240e2eff39e6d4574fe193e790d77b",\
"annotator":"Ada","kind":"human","note":"by lamplight","order":[4,2,1,3,0],"spoken":[5,6,7,8,9],\
"check":"5bb9bc4b4a562094"}
{"do":"label","image":4,"label":3,"check":"200942c2df5f7ecb"}
{"do":"label","image":2,"label":"unreadable","check":"092b12c9a6767379"}
{"do":"skip","check":"c1f8f57e41eb6682"}
{"do":"label","image":3,"label":0,"check":"b00d37399cc45f7a"}
{"do":"undo","check":"f3ae1f421f30b6f3"}
{"do":"back","check":"3dadf44978bdb5a3"}
{"do":"goto","to":0,"check":"d8176e54ddf3f3da"}
{"do":"label","image":4,"label":4,"check":"b7b011cb52bf6a83"}
"""


@pytest.mark.parametrize("torn", [b"", b'{"do":"label","image":1,"lab'])
def test_a_journal_of_an_earlier_version_is_read_and_goes_on(path, torn):
    path.write_bytes(OLD_JOURNAL + torn)
    with Session.open(make_images(5), path, annotator="Ada", kind="human", spoken=[5, 6, 7, 8, 9], seed=3) as session:
        assert (session.labels(), session.position) == ([None, None, UNREADABLE, None, 4], 2)
        assert path.read_bytes() == OLD_JOURNAL + torn
        session.undo()
        assert session.labels()[4] == 3
        session.label(6)
    with Session.resume(path, make_images(5)) as session:
        assert session.labels() == [None, None, UNREADABLE, None, 6]
        result = session.to_annotations(partial=True)
    assert (result.annotator, result.note, result.spoken.tolist()) == ("Ada", "by lamplight", [7, 9])
    assert len(json.loads(path.read_bytes())["actions"]) == 10


def test_a_damaged_journal_of_an_earlier_version_is_told(path):
    lines = OLD_JOURNAL.splitlines(keepends=True)
    for bad in (lines[:1] + lines[2:], [*lines, b"{}\n"], [*lines, b"\n"], [*lines, b"[3]\n"], [lines[0][:-1]]):
        path.write_bytes(b"".join(bad))
        with pytest.raises(DataError, match="damaged"):
            Session.resume(path, make_images(5))


# --- other processes -----------------------------------------------------------------------------------

CHILD = """
import sys, time
import numpy as np
from a2d.annotation import UNREADABLE
from a2d.widgets.session import Session
path, n, delay = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
images = np.random.default_rng(0).integers(0, 256, (n, 28, 28), dtype=np.uint8)
session = Session.open(images, path, annotator="Ada", kind="human", seed=5)
print("ready", flush=True)
if delay < 0:
    sys.stdin.read()
while session.current is not None:
    index = session.current
    session.label(index % 10 if index % 11 else UNREADABLE)
    print(index, flush=True)
    time.sleep(max(delay, 0))
"""


def start_child(path: Path, n: int, delay: float) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), str(n), str(delay)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )


def test_two_processes_cannot_open_one_session(path):
    make_session(path, 5, seed=5).close()
    child = start_child(path, 5, -1)
    try:
        assert child.stdout.readline() == "ready\n"
        with pytest.raises(DataError, match="another process"):
            Session.resume(path, make_images(5))
        with pytest.raises(DataError, match="another process"):
            make_session(path, 5)
    finally:
        child.communicate("", timeout=20)
    with Session.resume(path, make_images(5)) as session:  # released
        assert session.progress == (5, 5)


@pytest.mark.slow
def test_kill_at_random_moments_loses_no_confirmed_label(tmp_path):
    def truth(index):
        return index % 10 if index % 11 else UNREADABLE

    n, rng, kills = 500, random.Random(20), 0
    images, path = make_images(n), tmp_path / "killed"
    confirmed: set[int] = set()
    for _ in range(20):
        child = start_child(path, n, 0.002)
        assert child.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0.0, 0.045))
        child.send_signal(signal.SIGKILL)
        # Not communicate: what readline has already buffered would be lost.
        output = child.stdout.read()
        child.wait(timeout=20)
        child.stdin.close()
        child.stdout.close()
        kills += child.returncode == -signal.SIGKILL
        lines = output.splitlines(keepends=True)
        confirmed |= {int(line) for line in lines if line.endswith("\n")}
        with Session.resume(path, images) as session:
            labels = session.labels()
        given = {index for index, label in enumerate(labels) if label is not None}
        assert confirmed <= given
        # At most one per kill was written and killed before its confirmation.
        assert len(given) <= len(confirmed) + kills
        assert all(labels[index] == truth(index) for index in given)
        assert {p.name for p in tmp_path.iterdir()} <= {"killed", "killed.lock"}
    assert kills == 20
    assert 0 < len(confirmed) < n
    for place, finish in ((path, True), (tmp_path / "whole", False)):
        with Session.open(images, place, annotator="Ada", kind="human", seed=5) as session:
            assert (session.progress[0] > 0) == finish
            while session.current is not None:
                session.label(truth(session.current))
    assert path.read_bytes() == (tmp_path / "whole").read_bytes()


# --- against a simple model ----------------------------------------------------------------------------


class SessionMachine(RuleBasedStateMachine):
    """Compare a session on disk with a model that keeps a copy of everything before each action."""

    @initialize(n=st.integers(1, 6), seed=st.integers(0, 5), order=st.sampled_from(["shuffled", "given"]))
    def start(self, n, seed, order):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "session"
        self.images = make_images(n)
        self.session = Session.create(self.images, self.path, annotator="Ada", kind="human", seed=seed, order=order)
        shuffled = np.random.default_rng(seed).permutation(n).tolist()
        self.order = shuffled if order == "shuffled" else list(range(n))
        self.given, self.place, self.history = {}, 0, []

    def remember(self):
        self.history.append((dict(self.given), self.place))

    def advance(self):
        n = len(self.order)
        open_places = [p for p in range(n) if self.order[p] not in self.given]
        later = [p for p in open_places if p > self.place]
        self.place = min(later or open_places or [n])

    @precondition(lambda self: self.place < len(self.order))
    @rule(value=st.one_of(st.integers(0, 9), st.just(UNREADABLE)))
    def label(self, value):
        self.remember()
        self.session.label(value)
        self.given[self.order[self.place]] = value
        self.advance()

    @precondition(lambda self: self.place < len(self.order))
    @rule()
    def skip(self):
        self.remember()
        self.session.skip()
        self.advance()

    @rule()
    def back(self):
        if self.place == 0:
            with pytest.raises(DataError):
                self.session.back()
            return
        self.remember()
        self.session.back()
        self.place -= 1

    @rule(place=st.integers(-1, 6))
    def goto(self, place):
        if not 0 <= place < len(self.order):
            with pytest.raises(DataError):
                self.session.goto(place)
            return
        self.remember()
        self.session.goto(place)
        self.place = place

    @rule()
    def undo(self):
        if not self.history:
            with pytest.raises(DataError):
                self.session.undo()
            return
        self.session.undo()
        self.given, self.place = self.history.pop()

    @rule()
    def reopen(self):
        self.session.close()
        self.session = Session.resume(self.path, self.images)

    @invariant()
    def same(self):
        if not hasattr(self, "session"):
            return
        n = len(self.order)
        assert self.session.labels() == [self.given.get(index) for index in range(n)]
        assert self.session.position == self.place
        assert self.session.current == (self.order[self.place] if self.place < n else None)
        assert self.session.progress == (len(self.given), n)

    def teardown(self):
        if hasattr(self, "session"):
            self.session.close()
            self.folder.cleanup()


TestSessionMachine = SessionMachine.TestCase
TestSessionMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
