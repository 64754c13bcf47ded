"""Hostile and broken submissions: none earns what it did not, reaches anything, delays others or leaves something."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from browser import CHROMIUM, browser
from conftest import ROOT
from hostile import (
    ATTACKS,
    BACK_DOORS,
    BESIDE,
    FORGED,
    HONEST,
    IN_THE_MIDST,
    NOTEBOOKS,
    PLAYED,
    REACHES,
    REACHES_PLAYED,
    Attack,
    Broken,
    cell,
    forging,
    notebook,
    reaching,
    reaching_played,
)
from sandbox import REFUSAL, bytes_of, grade, needs_sandbox, points_of, table

from a2d import exercises
from a2d.checks import verdicts
from a2d.exercises import Exercise
from teach.grading.marking import Handed, Marker, Settings, _answer, _judged
from teach.grading.model import OUTCOMES, Grade, GradingError, Result
from teach.sandbox import box, confine, wire
from teach.sandbox.box import Boxes, Ended

TIMEOUT = 2.0
# Nothing waits as long as this, on however busy a machine.
AT_MOST = 120.0
SETTINGS = Settings((1, 5), seed=7, timeout=TIMEOUT)
CANARY = "A2D_TESTS_CANARY"
NUMPY = "import numpy as np"
TRACE = "hostile-was-here"


# --------------------------------------------------------------------------------------------- what must not be left


def started(*, ended: bool = False) -> set[int]:
    """The processes that this one started, and those that they started: those that run, or have ended unnoticed."""
    import psutil

    found = set()
    for one in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if (one.status() == psutil.STATUS_ZOMBIE) == ended:
                found.add(one.pid)
    return found


@contextlib.contextmanager
def adopting() -> Iterator[None]:
    """Let whoever loses its parent become a child of this process, so that it is found (prctl(2), subreaper)."""
    if sys.platform != "linux":
        yield
        return
    control, before = ctypes.CDLL(None).prctl, ctypes.c_int()
    control(37, ctypes.byref(before), 0, 0, 0)
    control(36, 1, 0, 0, 0)
    try:
        yield
    finally:
        control(36, before.value, 0, 0, 0)
        for pid in started(ended=True):
            with contextlib.suppress(OSError):
                os.waitpid(pid, os.WNOHANG)


@contextlib.contextmanager
def nothing_left() -> Iterator[None]:
    """See that no process is left over, not even one whose parent has ended, and no file outside."""
    with adopting():
        before = started()
        yield
        end = time.monotonic() + 20
        while (left := started() - before) and time.monotonic() < end:
            time.sleep(0.05)
        assert not left, [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left]
    places = [
        "/",
        "/tmp",
        "/dev/shm",
        "/var/tmp",
        Path.home(),
        Path.cwd(),
        ROOT,
        ROOT / "a2d",
        *sys.path,
        "/usr",
        "/etc",
    ]
    assert [place for place in places if (Path(place) / TRACE).exists()] == []


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A submission of somebody else, and a word in this process's environment."""
    path = tmp_path_factory.mktemp("others") / "other.ipynb"
    path.write_bytes(notebook(HONEST))
    os.environ[CANARY] = CANARY
    yield path
    del os.environ[CANARY]


@pytest.fixture(scope="module")
def marker(secret: Path) -> Iterator[Marker]:
    """One marker for all: what an attack breaks, the next ones notice."""
    with nothing_left():
        made = Marker(SETTINGS)
        yield made
        made.close()


@contextlib.contextmanager
def soon() -> Iterator[None]:
    """Let what hangs fail."""

    def late(*what: object) -> None:
        pytest.fail(f"this takes more than {AT_MOST:g} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, AT_MOST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def mark(marker: Marker, *cells: object, data: bytes | None = None) -> Result:
    """The result of a student with one notebook."""
    with soon():
        handed = (("01_x.ipynb", notebook(*cells) if data is None else data),)
        result = marker.mark(Handed("k", "S", "", False, handed))
    assert json.dumps(result.to_json(), ensure_ascii=False).encode()  # it can be written to a file
    return result


def grade_of(result: Result, id: str) -> Grade:
    found = next(one for one in result.grades if one.id == id)
    assert found.outcome in OUTCOMES
    return found


def attacked(marker: Marker, source: str, id: str = "1.1") -> Grade:
    """The grade of a hostile answer; another answer in the same notebook must be worth its points."""
    result = mark(marker, NUMPY, source, BESIDE)
    beside = grade_of(result, "1.2")
    assert (beside.outcome, beside.points) == ("right", 3), beside
    return grade_of(result, id)


def filled(name: str, secret: Path) -> str:
    return reaching(
        REACHES[name], canary=CANARY, repository=str(ROOT), submission=str(secret), folder=str(secret.parent)
    )


# ------------------------------------------------------------------------------------------------------ reaching out


@needs_sandbox
@pytest.mark.parametrize("name", REACHES)
def test_nothing_is_reached(marker: Marker, secret: Path, name: str):
    found = attacked(marker, filled(name, secret))
    assert (found.outcome, found.points) == ("right", 3), found.message


def test_without_a_box_it_would_be_reached(secret: Path, tmp_path: Path):
    """The attempts are real: the same functions, in a process of their own."""
    wanted = [name for name in REACHES if name.endswith("*")]
    program = """
import json, os, sys
import numpy as np
for name, source in json.load(sys.stdin).items():
    space = {}
    exec(source, space)
    try:
        space["frame"](np.arange(9.0), 3, 2)
    except AssertionError:
        print("reached:", name, flush=True)
os._exit(0)
"""
    sources = {name: filled(name, secret) for name in wanted}
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(sources),
        capture_output=True,
        text=True,
        timeout=AT_MOST,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    reached = [line.partition(": ")[2] for line in done.stdout.splitlines() if line.startswith("reached: ")]
    # Where this runs in a container itself, one or the other may be refused.
    assert len(reached) >= len(wanted) - 3, set(wanted) - set(reached)


@needs_sandbox
@pytest.mark.skipif(confine.platform.machine() not in confine._MACHINES, reason="no numbers of calls are known here")
def test_the_kernel_refuses_every_listed_call(marker: Marker):
    column = confine._MACHINES[confine.platform.machine()][0]
    numbers = {name: pair[column] for name, pair in confine._CALLS.items() if pair[column] is not None}
    source = f"""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def frame(x, n_fft, hop_length):
    odd = []
    for name, number in {numbers!r}.items():
        ctypes.set_errno(0)
        got = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(0)] * 6)
        if (got, ctypes.get_errno()) != (-1, 1):
            odd.append((name, got, ctypes.get_errno()))
    got = libc.syscall(ctypes.c_long({confine._CLONE3}), *[ctypes.c_long(0)] * 6), ctypes.get_errno()
    raise ValueError(odd, got)
"""
    assert attacked(marker, source).message.endswith("ValueError: ([], (-1, 38))")


@needs_sandbox
def test_jobs_leave_nothing_for_the_next(marker: Marker):
    leave = """
import os, sys
import numpy as np
def frame(x, n_fft, hop_length):
    for folder in ("/tmp", "/dev/shm", *sys.path):
        try:
            with open(folder + "/left_over.py", "w") as stream:
                stream.write("raise SystemExit")
        except OSError:
            pass
    os.environ["LEFT"] = "over"
    np.left = sys.left = "over"
    sys.modules["left_over"] = np
"""
    look = """
import os, sys
import numpy as np
def frame(x, n_fft, hop_length):
    try:
        import left_over
    except ImportError:
        left_over = None
    raise ValueError(left_over, os.environ.get("LEFT"), hasattr(np, "left"), hasattr(sys, "left"), os.listdir("/tmp"))
"""
    attacked(marker, leave + "    return 1\n")
    assert attacked(marker, look).message.endswith("ValueError: (None, None, False, False, [])")


@needs_sandbox
def test_a_box_that_is_lost_costs_nobody_a_point(marker: Marker):
    assert attacked(marker, HONEST).outcome == "right"
    marker._boxes._servers["numpy"]._process.kill()
    assert attacked(marker, HONEST).outcome == "right"


# --------------------------------------------------------------------------------------------------- points and harm


@needs_sandbox
@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_is_earned(marker: Marker, name: str):
    attack = ATTACKS[name]
    found = attacked(marker, attack.source, attack.id)
    assert found.outcome in attack.outcomes, found
    assert found.points == 0
    assert re.search(attack.told, found.message), found.message
    assert len(found.message) <= 2500
    # A terminal, a table and a page can show it.
    assert all(c == "\n" or c.isprintable() for c in found.message + found.expected + found.got)


@needs_sandbox
@pytest.mark.parametrize("name", FORGED)
def test_what_is_forged_is_worth_nothing(marker: Marker, name: str):
    for data in FORGED[name]:
        for ending in ("exits", "goes on"):
            attack = forging(data, ending)
            found = attacked(marker, attack.source)
            assert found.points == 0
            assert found.outcome in attack.outcomes, found


@needs_sandbox
def test_forged_and_then_asleep(marker: Marker):
    data = b'{"ready":true}\n{"value":'
    assert attacked(marker, forging(data, "sleeps").source).outcome == "timeout"


@pytest.mark.parametrize("name", BACK_DOORS)
def test_back_doors_are_real(name: str):
    """Without a box, and if nobody looks at the source, they give the right answer."""
    exercise = exercises.get(BACK_DOORS[name].id)
    space: dict = {}
    exec(BACK_DOORS[name].source, space)
    case = verdicts.make_cases(exercise, 3)[0]
    got = verdicts.plain(space[exercise.name](*case.args))
    assert verdicts.difference(exercise.reference(*case.args), got, exercise.rtol, exercise.atol) == ""


# ------------------------------------------------------------------------------------ whole notebooks, run in order


@pytest.fixture(scope="module")
def quick(secret: Path) -> Iterator[Marker]:
    """One marker for all notebooks that are run; what has no end is ended sooner."""
    with nothing_left():
        made = Marker(replace(SETTINGS, timeout=0.5))
        yield made
        made.close()


def played(marker: Marker, cells: Sequence[str]) -> Grade:
    """The grade of exercise 1.1 in a notebook; another answer in it must be worth its points."""
    result = mark(marker, *cells, BESIDE, 'a2d.check("1.2", windowed_power)')
    beside = grade_of(result, "1.2")
    assert (beside.outcome, beside.points) == ("right", 3), beside
    return grade_of(result, "1.1")


@needs_sandbox
@pytest.mark.parametrize("name", PLAYED)
def test_a_notebook_that_is_run_earns_nothing(quick: Marker, name: str):
    found = played(quick, PLAYED[name].cells)
    assert found.outcome in PLAYED[name].outcomes, found
    assert found.points == 0
    assert len(found.message) <= 2500
    assert all(c == "\n" or c.isprintable() for c in found.message + found.expected + found.got)


@needs_sandbox
@pytest.mark.parametrize("name", REACHES_PLAYED)
def test_nothing_is_reached_by_a_notebook_that_is_run(quick: Marker, name: str):
    found = played(quick, reaching_played(REACHES_PLAYED[name]))
    assert (found.outcome, found.points) == ("right", 3), found.message


@needs_sandbox
def test_nothing_is_reached_in_the_midst_of_a_check(quick: Marker):
    found = played(quick, IN_THE_MIDST)
    assert (found.outcome, found.points) == ("right", 3), found.message


@needs_sandbox
def test_a_notebook_that_is_run_leaves_nothing_for_the_next(quick: Marker):
    for name in ("other builtins", "comparisons that please", "the watch sees nothing", "nothing stops it"):
        played(quick, PLAYED[name].cells)
        found = played(quick, ("import numpy as np, a2d, functools", HONEST, "frame = functools.partial(frame)"))
        assert (found.outcome, found.points) == ("right", 3), found


@needs_sandbox
def test_the_same_words_each_time(marker: Marker):
    names = ("an address", "colours and bells", "10 GB", "null pointer", "warnings", "thread bomb", "its inputs")
    for attack in (ATTACKS[name] for name in names):
        assert attacked(marker, attack.source) == attacked(marker, attack.source)


WORST = (
    *("endless loop", "every signal ignored", "patient fork bomb", "thread bomb", "exit of the process"),
    *("null pointer", "10 GB", "2 GB of results", "result pipe closed", "huge", "patched: json", "dct by getattr"),
)
REACHED_ALONE = (
    *("network*", "fork*", "a child that outlives*", "the reference*", "other submissions*", "its own environment*"),
    *("writes to the system", "more of the disk", "user namespace", "other processes", "any place to write"),
)


@needs_sandbox
@pytest.mark.slow
def test_a_box_for_each_job(secret: Path):
    """Where the kernel refuses namespaces inside a box, every job gets a box of its own: the worst in these."""
    with nothing_left():
        alone = Marker(SETTINGS)
        alone._boxes = Boxes(nested=False)
        for name in WORST:
            attack = ATTACKS[name]
            found = grade_of(mark(alone, NUMPY, attack.source), attack.id)
            assert found.outcome in attack.outcomes, (name, found)
            assert re.search(attack.told, found.message), (name, found)
            assert found.points == 0
        for name in REACHED_ALONE:
            found = grade_of(mark(alone, NUMPY, filled(name, secret)), "1.1")
            assert (found.outcome, found.points) == ("right", 3), (name, found.message)
        assert not alone._boxes._servers
        alone.close()


# ------------------------------------------------------------------------- the judge alone: values made to please it


@pytest.mark.parametrize(
    "name",
    [
        *("deep", "less deep", "deep tuples", "a shape of 2**40", "a shape of nothing", "objects", "other types"),
        *("neither true nor false", "keys that have no hash", "texts that explode"),
    ],
)
def test_forged_values_are_refused(name: str):
    for line in FORGED[name]:
        with pytest.raises(wire.WireError):
            wire.decode(wire.loads(line)["value"])


@pytest.mark.parametrize("value", [3, None, [[]], {"a": 1}, True])
def test_a_text_that_is_none_is_told(value: object):
    for key in ("error", "broken"):
        assert _answer({key: value, "value": 1}).error == "an error without a text"
    assert _answer({"value": 1, "changed": [value]}).changed == ("an error without a text",)
    assert _answer({"value": 1, "changed": value}).changed in ((), ("an error without a text",))


def _like(value: object, change: object) -> object:
    """A value of the same shape as the right one, in which every number is another."""
    if isinstance(value, np.ndarray):
        return np.full(value.shape, change)
    if isinstance(value, tuple):
        return tuple(_like(v, change) for v in value)
    if isinstance(value, dict):
        return {k: _like(v, change) for k, v in value.items()}
    return change


NAN, INF = float("nan"), float("inf")
_FIXED = (
    *(None, ..., True, False, "", "right", NAN, INF, -INF, 2**62, 1e308, 5e-324, 1j, complex(NAN, NAN)),
    *([], (), {}, [[]], [[], [1]], [[[[[[[1]]]]]]], ["a", 1], [None] * 9, {"a": {}}, {NAN: NAN}, {None: 1}),
    *(np.zeros(0), np.zeros((0, 3)), np.zeros((1,) * 20), np.array([["a"]]), np.array(["nan"] * 3), np.full(3, 1j)),
)


@pytest.mark.parametrize("exercise", [e for e in exercises.every() if isinstance(e, Exercise)], ids=lambda e: e.id)
def test_no_value_pleases_by_its_kind(exercise: Exercise):
    with verdicts.still():
        sheet = verdicts.make_sheet(exercise, 11)
        shaped = [
            [_like(e, change) for e in sheet.expected] for change in (np.nan, np.inf, -np.inf, 1j, "nan", None, 7e7)
        ]
        fixed = [[value] * len(sheet.cases) for value in _FIXED]
        for values in (*shaped, *fixed):
            messages = tuple(wire.loads(wire.dumps({"value": wire.encode(v)})) for v in values)
            outcome = _judged(sheet, Ended("done", messages), TIMEOUT)
            assert outcome.points == 0, (values[0], outcome)
            assert outcome.kind in ("wrong", "empty"), (values[0], outcome)


# ----------------------------------------------------------------------------------------- files that are hard to read


@needs_sandbox
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_files_that_are_hard_to_read(marker: Marker, name: str):
    wanted = NOTEBOOKS[name]
    result = mark(marker, data=wanted.data)
    found = grade_of(result, "1.1")
    assert found.outcome in wanted.outcomes, found
    assert found.points == wanted.points
    assert found.message
    if wanted.problem:
        assert wanted.problem in " ".join(one.what for one in result.problems)
    assert len(result.problems) <= 50


@needs_sandbox
def test_one_bad_file_of_several(marker: Marker):
    """Two notebooks of one lecture, and files that take the time of all others."""
    files = [(f"01_x-{n}.ipynb", notebook(*["x = 1\n" * 150] * 60)) for n in range(12)]
    result = marker.mark(Handed("k", "S", "", False, (("01_x.ipynb", notebook(HONEST)), *files)))
    assert grade_of(result, "1.1").outcome == "right"
    assert "too much code" in " ".join(one.what for one in result.problems)
    result = marker.mark(Handed("k", "S", "", False, (("01_x-1.ipynb", b"{"), ("01_x.ipynb", notebook(HONEST)))))
    assert grade_of(result, "1.1").outcome == "right"
    assert "JSON is broken" in result.problems[0].what


# -------------------------------------------------------------------------------------- a whole class, by the command

HONEST_STUDENTS = ("Ada Right", "Bea Half", "Cem Wrong")
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
NAMES = (
    "<img src=x onerror=alert(3)>",
    '"><svg onload=alert(4)>',
    "=cmd|' C calc'!A0",
    "\u202eevil",
    "a\nb",
    "{{ 7 * 7 }}",
)
IN_CLASS = (
    *("endless loop", "endless loop at import", "every signal ignored", "fork bomb", "thread bomb", "10 GB"),
    *("exit of the process", "null pointer", "2 GB of results", "huge", "NaN", "equal to all", "patched: numpy"),
    *("patched: everything is fine", "script in an error", "colours and bells", "name of an outcome", "its inputs"),
)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory, secret: Path) -> Path:
    """Three honest students among hostile ones; every notebook has an honest answer to 1.2."""
    folder = tmp_path_factory.mktemp("class") / "submissions"
    words = cell(f"{SCRIPT} \ud800 [a](javascript:alert(5))", "01-answer-1-6", "markdown")

    def hand_in(student: str, source: str, name: str = "01_from_sound_to_numbers.ipynb") -> None:
        _write(folder / student / name, notebook(NUMPY, source, BESIDE, words))

    hand_in("Ada Right", HONEST)
    hand_in("Bea Half", HONEST.replace("return", "return 0 *"))
    _write(folder / "Cem Wrong" / "01.ipynb", notebook(NUMPY, HONEST.replace("hop_length)])", "n_fft)])")))
    for name in IN_CLASS:
        hand_in(f"attack {re.sub('[^a-z0-9 ]', '', name, flags=re.I)}", ATTACKS[name].source)
    for name in ("network*", "a child that outlives*", "other submissions*", "writes to the system"):
        hand_in(f"reach {name.strip('*')}", filled(name, secret))
    for number, name in enumerate(NAMES):
        hand_in(name, HONEST, f'01_{number}"><svg onload=alert(6)>.ipynb')
    for name in ("half a file", "nested lists", "a picture", "100,000 cells", "old format", "halves of letters"):
        _write(folder / f"broken {name.replace(',', '')}" / "01.ipynb", NOTEBOOKS[name].data)
    _odd_files(folder)
    return folder


def _odd_files(folder: Path) -> None:
    """What is no ordinary file, or is too large, or wants to be somewhere else."""
    with (
        zipfile.ZipFile(_parent(folder / "zip bomb" / "bomb.zip"), "w", zipfile.ZIP_DEFLATED) as bomb,
        bomb.open("01.ipynb", "w", force_zip64=True) as stream,
    ):
        for _ in range(120):
            stream.write(bytes(1 << 20))
    with zipfile.ZipFile(_parent(folder / "zip of links" / "links.zip"), "w") as links:
        link = zipfile.ZipInfo("01.ipynb")
        link.external_attr = 0o120777 << 16
        links.writestr(link, str(folder / "Ada Right" / "01_from_sound_to_numbers.ipynb"))
        for name in (f"/tmp/{TRACE}", f"../../../{TRACE}", f"C:\\{TRACE}", f"a/../../../../{TRACE}.ipynb"):
            links.writestr(name, notebook(HONEST))
    with open(_parent(folder / "too large" / "01.ipynb"), "wb") as stream:
        stream.truncate(500_000_000)
    os.symlink(folder / "Ada Right" / "01_from_sound_to_numbers.ipynb", _parent(folder / "a link" / "01.ipynb"))
    os.symlink("/dev/zero", _parent(folder / "a device" / "01.ipynb"))
    os.mkfifo(_parent(folder / "a pipe" / "01.ipynb"))
    _write(folder / "a folder" / "01.ipynb" / "nothing.txt", b"")
    # macOS takes no such name.
    with contextlib.suppress(OSError):
        _write(Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9 \xff")) / "01.ipynb", notebook(HONEST))


def _parent(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _state(folder: Path) -> dict[str, tuple]:
    """Names, kinds, sizes and times of everything in a folder."""
    found = {}
    for here, _, names in os.walk(folder):
        for path in (here, *(os.path.join(here, name) for name in names)):
            facts = os.lstat(path)
            found[path] = facts.st_mode, facts.st_size, facts.st_mtime_ns
    return found


@pytest.fixture(scope="module")
def graded(school: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("graded") / "out"
    before = _state(school.parent)
    with nothing_left():
        done = grade(school, "--out", out, "--lectures", "01", "--jobs", 2, "--timeout", TIMEOUT, "--seed", 5)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert _state(school.parent) == before
    return out


def _earned(found: dict[tuple[str, str], tuple[str, float | None]], student: str) -> tuple[tuple, tuple]:
    return found[student, "1.1"], found[student, "1.2"]


@needs_sandbox
@pytest.mark.slow
def test_class_honest_students_get_what_they_earned(graded: Path):
    found = points_of(graded)
    right = ("right", 3.0)
    assert _earned(found, "Ada Right") == (right, right)
    assert _earned(found, "Bea Half") == (("wrong", 0.0), right)
    assert _earned(found, "Cem Wrong") == (("wrong", 0.0), ("missing", 0.0))
    wrong = next(r for r in table(graded / "grades.csv") if (r["student"], r["exercise"]) == ("Cem Wrong", "1.1"))
    assert "begin every n_fft samples" in wrong["misconception"]


@needs_sandbox
@pytest.mark.slow
def test_class_hostile_students_get_nothing_else(graded: Path, school: Path):
    found = points_of(graded)
    for name in IN_CLASS:
        attacked, beside = _earned(found, f"attack {re.sub('[^a-z0-9 ]', '', name, flags=re.I)}")
        assert attacked[1] == 0, name
        assert attacked[0] in ATTACKS[name].outcomes, (name, attacked)
        assert beside == ("right", 3.0), name
    for student in {student for student, _ in found if student.startswith("reach ")}:
        assert _earned(found, student) == (("right", 3.0), ("right", 3.0))
    assert found["broken old format", "1.1"] == ("right", 3.0)
    assert found["broken halves of letters", "1.1"] == ("right", 3.0)
    for student in ("half a file", "nested lists", "a picture"):
        assert found[f"broken {student}", "1.1"] == ("unreadable", 0.0)
    for student in ("zip bomb", "zip of links", "too large", "a link", "a device", "a pipe", "a folder"):
        # Whoever is listed has nothing, and it is told why.
        assert found.get((student, "1.1"), ("unreadable", 0.0)) in (("unreadable", 0.0), ("missing", 0.0)), student
        assert [r for r in table(graded / "problems.csv") if r["student"] == student], student
    everyone = {path.name for path in school.iterdir()}
    told = {row["student"] for row in table(graded / "grades.csv")} | {
        r["student"] for r in table(graded / "problems.csv")
    }
    assert len(told) >= len(everyone)
    assert {outcome for outcome, _ in found.values()} <= {*OUTCOMES, "to mark"}
    assert all(row["message"] for row in table(graded / "grades.csv"))


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.text += data


def test_the_reader_of_pages_sees_scripts():
    page = Page(f"<p>{SCRIPT}</p>")
    assert {"script", "img"} <= page.tags
    assert ("onerror", "alert(2)") in page.attributes


@needs_sandbox
@pytest.mark.slow
def test_class_pages_show_everything_as_text(graded: Path):
    pages = [*graded.glob("feedback/*.html"), graded / "overview.html"]
    texts = ""
    for path in pages:
        page = Page(path.read_text(encoding="utf-8"))
        assert not page.tags & {"script", "iframe", "svg", "object", "embed", "form", "input", "base", "link"}, path
        assert not [name for name, _ in page.attributes if name.startswith("on")], path
        assert not [
            value for name, value in page.attributes if name in ("href", "src") and value[:1] not in ("#", "f", "d")
        ]
        assert "7 * 7 }}" in page.text or "49" not in page.text[:200]
        texts += page.text
    assert "<script>alert(1)</script>" in texts
    assert "<img src=x onerror=alert(3)>" in texts
    for row in table(graded / "grades.csv"):
        assert not [value for value in row.values() if value[:1] in ("=", "+", "@", "\t")]
    assert CANARY not in "".join(data.decode("utf-8", "replace") for data in bytes_of(graded).values())


@needs_sandbox
@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not here")
def test_class_pages_in_a_browser(graded: Path):
    told: list[str] = []
    with browser() as chromium:
        page = chromium.new_page()
        page.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: told.append(request.url))
        for path in [*graded.glob("feedback/*.html"), graded / "overview.html"]:
            page.goto(path.as_uri())
            assert page.evaluate("document.querySelectorAll('script, iframe, svg, object, embed').length") == 0
        assert [url for url in told if not url.startswith((graded.as_uri(), "data:"))] == []
        page.goto("about:blank")
        page.set_content("<script>alert('heard')</script>")
        assert told[-1] == "heard"


# -------------------------------------------------------------------------------------------------- without a sandbox


def _class(folder: Path) -> Path:
    _write(folder / "class" / "Ada" / "01.ipynb", notebook(NUMPY, HONEST, BESIDE))
    _write(folder / "class" / "Bob" / "01.ipynb", notebook(NUMPY, ATTACKS["exit of the process"].source, BESIDE))
    return folder / "class"


@pytest.mark.slow
def test_no_sandbox_works_and_says_so(tmp_path: Path):
    out = tmp_path / "out"
    with nothing_left():
        done = grade(_class(tmp_path), "--out", out, "--lectures", "01", "--jobs", 1, "--no-sandbox", PATH="")
    assert done.returncode == 0, done.stderr
    assert "without the sandbox" in done.stderr
    found = points_of(out)
    assert _earned(found, "Ada") == (("right", 3.0), ("right", 3.0))
    assert _earned(found, "Bob") == (("killed", 0.0), ("right", 3.0))
    assert "Judged without a sandbox" in (out / "overview.html").read_text(encoding="utf-8")
    assert json.loads((out / "grading.json").read_text())["sandbox"] is False


def test_no_bubblewrap_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GradingError, match="sandbox is missing") as caught:
        box.require_sandbox()
    assert "apt install bubblewrap" in str(caught.value)
    assert "--no-sandbox" in str(caught.value)
    before = _state(_class(tmp_path))
    done = grade(tmp_path / "class", "--out", tmp_path / "out", "--lectures", "01", PATH=str(tmp_path))
    assert done.returncode == 2
    assert "apt install bubblewrap" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
    assert _state(tmp_path / "class") == before


def test_bubblewrap_that_cannot_work_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    false = tmp_path / "bwrap"
    false.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    false.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(box, "_ENVIRONMENT", {**box._ENVIRONMENT, "PATH": f"{tmp_path}:/usr/bin:/bin"})
    with pytest.raises(GradingError, match="No permissions to create new namespace") as caught:
        box.require_sandbox()
    assert "unprivileged_userns_clone" in str(caught.value)


def test_this_machine_is_told_about():
    """The tests above are left out for one reason only."""
    assert not REFUSAL or "bwrap" in REFUSAL
    assert all(isinstance(one, Attack) for one in ATTACKS.values())
    assert all(isinstance(one, Broken) for one in NOTEBOOKS.values())
    assert len(ATTACKS) + len(REACHES) + len(FORGED) + len(NOTEBOOKS) > 200
