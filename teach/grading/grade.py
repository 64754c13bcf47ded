"""Grading a class: every submission is marked on Dask's workers, and the tables and pages are written from the results.

Each student's result is a file of its own, written when it is there: an interrupted run goes on where it was. The
workers are processes of this computer, or those of a cluster; both run the same code.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import a2d
from a2d import exercises
from a2d.exercises import Question
from a2d.io import atomic
from teach.closure import code_hash
from teach.grading import attempts, ledger
from teach.grading.collect import Collection, collect, listing_seed
from teach.grading.elsewhere import Elsewhere, version_of
from teach.grading.marking import Handed, Marker, Settings, needs_newer
from teach.grading.model import TO_MARK, UNREADABLE, Grade, GradingError, Problem, Result, Submission
from teach.grading.roster import Person, join, read_roster
from teach.grading.rules import Lateness, prepared, read_rules
from teach.reports.tables import TO_MARK_FILE, Marks, read_marks, visible
from teach.sandbox.box import require_sandbox
from teach.settings import ANSWER_SECONDS

if TYPE_CHECKING:
    from distributed import Client

# The file that tells how a folder was graded; what makes it a folder that may be written to again.
RECORD = "grading.json"
_RESULTS, _AROUND = "results", "around"
# Of who handed in several times: what counts of all attempts, and from which of them each answer in words is.
_COUNTS = "counts"
_LOCK = ".lock"
# The table of answers to mark as it was written: what differs from it, somebody filled in.
_TABLE_BEFORE = ".to_mark.csv"
# In the record: the hashes of the files of marks that were taken already.
_TAKEN = "marks taken"
_IN_FLIGHT = 4
_CONNECT_SECONDS = 30


@dataclass(frozen=True)
class Run:
    """What a run did: how many students, how many of them were marked now, and where the results are.

    ``problems`` are told in all, ``unreadable`` of them are files; ``waiting`` answers have to be marked by a person.
    ``lms`` are lines about what can go back to the LMS.
    """

    students: int
    marked: int
    problems: int
    unreadable: int
    waiting: int
    seed: int
    out: Path
    lms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Back:
    """What goes back besides the grades: how late work is treated, and the LMS's name of the assignment.

    ``waiting``: also about those whose answers wait for a person.
    """

    late: Lateness | None = None
    title: str | None = None
    waiting: bool = False


def grade(
    submissions: Path,
    out: Path,
    *,
    lectures: Sequence[int],
    layout: str = "auto",
    attempt: str = "last",
    roster: Path | None = None,
    rules: Path | None = None,
    title: str | None = None,
    waiting: bool = False,
    points: Mapping[str, float] | None = None,
    marks: Path | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    seed: int | None = None,
    timeout: float = ANSWER_SECONDS,
    sandbox: bool = True,
    python: Path | None = None,
    progress: bool = False,
) -> Run:
    """Grade what a class handed in, into the folder ``out``; ``layout`` and ``attempt`` as in :func:`collect`.

    ``seed`` makes the hidden cases; without it, the folder's own from an earlier run, or a number that follows from
    the names and sizes of what was handed in. ``roster`` is a class list (:mod:`teach.grading.roster`), ``marks`` a
    filled-in ``to_mark.csv``, ``rules`` those for late work (:mod:`teach.grading.rules`); ``title`` and ``waiting``
    as in :func:`teach.reports.lms.write_lms`. Raises :class:`GradingError` for input, options and machines that
    cannot be used.
    """
    late_rules = read_rules(rules) if rules is not None else None
    collection = collect(submissions, layout=layout, attempt=attempt)
    earlier = _record(out)
    if seed is None:
        seed = earlier.get("seed", listing_seed(collection))
    people: dict[str, Person] = {}
    if roster is not None:
        collection, people = join(collection, read_roster(roster))
    back = Back(prepared(late_rules, collection.submissions) if late_rules is not None else None, title, waiting)
    chosen = tuple(sorted((points or {}).items()))
    newer = "" if python is None else os.path.abspath(python)
    settings = Settings(tuple(lectures), int(seed), float(timeout), sandbox, chosen, newer)
    if not settings.asked:
        raise GradingError("these lectures have no exercises", where=str(lectures), hint="Choose others")
    if sandbox and scheduler is None:
        require_sandbox()
    if newer and version_of(newer) <= sys.version_info[:2]:
        here = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise GradingError(f"it is no newer than the Python that grades, {here}", where=newer, hint="Leave it out")
    given = read_marks(marks, settings.maxima) if marks is not None else {}
    taken = list(earlier.get(_TAKEN, ()))
    if marks is not None and (digest := _hash_of(marks)) in taken:
        given = {}  # what was decided since, in the page to mark in or by `teach correct`, is the later word
    elif marks is not None:
        taken.append(digest)
    with _alone(out):
        told = {name: earlier[name] for name in (TO_MARK_FILE, _TAKEN) if name in earlier}
        atomic.write_json(out / RECORD, {**asdict(settings), "version": a2d.__version__, **told})
        everything = [one for s in collection.submissions for one in (*s.earlier, s)]
        todo = [(s, print) for s in everything if not _is_done(out, s, print := _print(s, settings))]
        if todo:
            _mark_all(out, todo, settings, _workers(jobs), scheduler, progress)
        problems, unreadable, to_mark, lines = _write(out, collection, settings, given, people, back)
        if taken:
            atomic.write_json(out / RECORD, {**_record(out), _TAKEN: taken})
    marked = len({s.key.removeprefix("earlier/").rpartition(".")[0] if "/" in s.key else s.key for s, _ in todo})
    return Run(len(collection.submissions), marked, problems, unreadable, to_mark, settings.seed, out, tuple(lines))


@contextlib.contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Let one run at a time write to a folder: two would mix their tables and pages."""
    from filelock import FileLock, Timeout

    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / _LOCK, timeout=0):
            yield
    except Timeout as error:
        hint = "Wait until it has ended, or choose another --out"
        raise GradingError("another run is writing to this folder just now", where=out, hint=hint) from error


def _record(out: Path) -> dict[str, Any]:
    """What an earlier run recorded in a folder; a folder with anything else in it is refused."""
    if out.exists() and not out.is_dir():
        raise GradingError("this is a file, not a folder", where=out, hint="Choose another --out")
    try:
        return json.loads((out / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        if out.is_dir() and any(path.name != _LOCK for path in out.iterdir()):
            hint = "Choose an empty or new folder, or one that this command wrote"
            raise GradingError("this folder holds something else", where=out, hint=hint) from None
        return {}
    except (OSError, ValueError) as error:
        hint = "Delete it and give --seed, or choose another --out"
        raise GradingError(f"this record cannot be read ({error})", where=out / RECORD, hint=hint) from error


def _workers(jobs: int | None) -> int:
    if jobs is not None:
        return jobs
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# ------------------------------------------------------------------------------------------- results, one file each


def _print(submission: Submission, settings: Settings) -> str:
    """What a result depends on, as a hash: the files, the settings, and the code that marks."""
    found = hashlib.sha256(f"{code_print()} {settings!r} {submission.key}".encode("utf-8", "surrogatepass"))
    for name, content in _contents(submission):
        data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
        found.update(f"{name} {len(data)} ".encode("utf-8", "surrogatepass"))
        found.update(data)
    return found.hexdigest()


# What grades depend on; how they are shown is not part of it.
_CODE = ("teach.grading.marking", "teach.sandbox.worker")


@cache
def code_print() -> str:
    """A hash of the code that grades depend on, with the references and whatever these use."""
    return code_hash(*_CODE, *exercises.modules())


def _contents(submission: Submission) -> Iterator[tuple[str, bytes | str]]:
    """Name and bytes of each file; a text tells why it could not be read."""
    for file in submission.files:
        try:
            yield file.name, file.read()
        except GradingError as error:
            yield file.name, f"{error.what}. {error.hint or ''}".strip()


def _result_path(out: Path, key: str) -> Path:
    return out / _RESULTS / f"{key}.json"


def _is_done(out: Path, submission: Submission, print: str) -> bool:
    try:
        return json.loads(_result_path(out, submission.key).read_text(encoding="utf-8"))["print"] == print
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _around_path(out: Path, key: str) -> Path:
    return out / _AROUND / f"{key}.json"


def _keep(out: Path, result: Result, print: str) -> None:
    """Write a result down; what stands around its words goes into a file of its own, before it."""
    if result.around:
        atomic.write_text(_around_path(out, result.key), json.dumps(result.around, ensure_ascii=False))
    else:
        _around_path(out, result.key).unlink(missing_ok=True)
    small = replace(result, around={}).to_json()
    atomic.write_json(_result_path(out, result.key), {"print": print, "result": small})


def kept(out: Path, key: str) -> Result:
    """A student's result in a graded folder, as it was judged, without :func:`kept_around`."""
    path = _result_path(out, key)
    try:
        return Result.from_json(json.loads(path.read_text(encoding="utf-8"))["result"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GradingError("this result cannot be read", where=path, hint="Delete it and run this again") from error


def kept_around(out: Path, key: str, id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What stands around a student's words to a question, and the pictures in it (see
    :func:`teach.grading.around.packed`); {} where no run has kept it."""
    found = _read(_around_path(out, _counts(out, key).get("from", {}).get(id, key)))
    return found.get("answers", {}).get(id, {}), found.get("pictures", {})


def _counts(out: Path, key: str) -> dict[str, Any]:
    return _read(out / _COUNTS / f"{key}.json")


def _read(path: Path) -> dict[str, Any]:
    """What a file of JSON holds; {} where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def counted(out: Path, key: str) -> Result:
    """What counts of a student in a graded folder: of several attempts, where they were graded so, the best."""
    found = _counts(out, key)
    return Result.from_json(found["result"]) if "result" in found else kept(out, key)


# ------------------------------------------------------------------------------------------------------- the workers

_markers: dict[Settings, Marker] = {}
_elsewhere: dict[Settings, Elsewhere] = {}


def mark_on_worker(handed: Handed, settings: Settings, code: str) -> dict[str, Any]:
    """What a worker does for one student; the boxes stay for the next."""
    if code != code_print():
        hint = "Install the same version of this package on every worker"
        raise GradingError("this worker has other code than the one who sent the work", where=a2d.__file__, hint=hint)
    if settings not in _markers:
        _close_markers()
        if settings.sandbox:
            require_sandbox()
        _markers[settings] = Marker(settings)
    if settings.python and (wanted := needs_newer(handed)) and wanted <= version_of(settings.python):
        if settings not in _elsewhere:
            _elsewhere[settings] = Elsewhere(settings.python, settings)
        return _elsewhere[settings].mark(handed)
    marker = _markers[settings]
    result = marker.mark(handed)
    return {"result": result.to_json(), "hurried": marker.hurried}


@atexit.register
def _close_markers() -> None:
    for marker in _markers.values():
        marker.close()
    for other in _elsewhere.values():
        other.close()
    _markers.clear()
    _elsewhere.clear()


def _mark_all(
    out: Path,
    todo: Sequence[tuple[Submission, str]],
    settings: Settings,
    workers: int,
    scheduler: str | None,
    progress: bool,
) -> None:
    from tqdm import tqdm

    with (
        _cluster(workers, scheduler) as client,
        tqdm(total=len(todo), unit="student", disable=not progress) as bar,
    ):
        again = []
        for one, marked in _results(client, todo, settings):
            _keep(out, marked.result, one[1] if marked.fully else "")
            again += [one] if marked.hurried else []
            bar.set_postfix_str(one[0].key[:20], refresh=False)
            bar.update()
        # Who had no time left beside the others is marked once more alone; that stands.
        for one, marked in _results(client, again, settings, alone=True):
            _keep(out, marked.result, one[1] if marked.fully else "")


@contextlib.contextmanager
def _cluster(workers: int, scheduler: str | None) -> Iterator[Client]:
    """Workers on this computer, or those of the scheduler at an address."""
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        hint = 'In the project\'s folder, run: pip install -e ".[course,teach]"'
        raise GradingError("grading needs the package distributed", where="teach grade", hint=hint) from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module="distributed")
    with contextlib.ExitStack() as stack:
        if scheduler is None:
            local = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                dashboard_address=None,
                memory_limit="4GiB",
                silence_logs=logging.CRITICAL,
            )
            client = stack.enter_context(Client(stack.enter_context(local)))
        else:
            client = stack.enter_context(_connected(Client, scheduler))
        yield client


def _connected(client: type[Client], address: str) -> Client:
    hint = f"Start one with: dask scheduler; and workers with: dask worker {address} --nthreads 1"
    try:
        found = client(address, timeout=_CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise GradingError("no scheduler answers here", where=address, hint=hint) from error
    try:
        found.wait_for_workers(1, timeout=_CONNECT_SECONDS)
    except TimeoutError as error:
        found.close()
        raise GradingError("this scheduler has no workers", where=address, hint=hint) from error
    return found


def _results(
    client: Client, todo: Sequence[tuple[Submission, str]], settings: Settings, *, alone: bool = False
) -> Iterator[tuple[tuple[Submission, str], _Marked]]:
    """Each student's result as it comes; only a few students' files are in memory at a time.

    ``alone``: one after the other.
    """
    from distributed import as_completed

    waiting = iter(todo)
    pending: dict[Any, tuple[Submission, str]] = {}
    finished = as_completed()
    started = 0

    def start() -> None:
        nonlocal started
        one = next(waiting, None)
        if one is not None:
            submission, _ = one
            handed = Handed(
                submission.key, submission.student, submission.number, submission.late, tuple(_contents(submission))
            )
            started += 1
            key = f"{'again' if alone else 'mark'}-{started}-{one[1]}"
            future = client.submit(mark_on_worker, handed, settings, code_print(), key=key, pure=False)
            pending[future] = one
            finished.add(future)

    for _ in range(1 if alone else max(_IN_FLIGHT, 2 * len(client.scheduler_info(n_workers=-1)["workers"]))):
        start()
    while pending:
        future = next(finished)
        one = pending.pop(future)
        yield one, _result_of(future, one[0], settings)
        future.release()
        start()


@dataclass(frozen=True)
class _Marked:
    """A result; ``hurried`` as of :class:`Marker`. Not ``fully`` marked is what the next run tries again."""

    result: Result
    hurried: bool = False
    fully: bool = True


def _result_of(future: Any, submission: Submission, settings: Settings) -> _Marked:
    """What a future gives; where the work itself failed, every exercise says so."""
    from distributed import KilledWorker

    try:
        found = future.result()
        return _Marked(Result.from_json(found["result"]), found["hurried"])
    except GradingError:
        raise
    except KilledWorker:
        told = "reading or comparing it ended the grader's own process, several times"
    except Exception as error:
        told = f"the grader failed at it ({type(error).__name__}: {str(error)[:200]})"
    message = f"This submission could not be graded: {told}. Look at it by hand."
    grades = tuple(Grade(id, "unreadable", 0, most, message) for id, most in settings.maxima.items())
    problem = Problem(submission.student, "", told, "Look at this submission by hand, and report the failure")
    result = Result(submission.key, submission.student, submission.number, submission.late, grades, (problem,))
    return _Marked(result, fully=False)


# ---------------------------------------------------------------------------------------------------- what is written


def _hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _remember_table(out: Path) -> None:
    """Keep the table of answers to mark as it was written, to know later what somebody filled in."""
    atomic.write_bytes(out / _TABLE_BEFORE, (out / TO_MARK_FILE).read_bytes())
    atomic.write_json(out / RECORD, {**_record(out), TO_MARK_FILE: _hash_of(out / TO_MARK_FILE)})


def _decided(out: Path, there: Sequence[Submission], settings: Settings, given: Marks) -> ledger.Latest:
    """What people decided: before, by the table that they were given, and by what they filled in in the folder's."""
    path, before, rows = out / TO_MARK_FILE, out / _TABLE_BEFORE, dict(given)
    if path.exists() and _record(out).get(TO_MARK_FILE) != _hash_of(path):
        old = read_marks(before, settings.maxima) if before.exists() else {}
        was = {at: (mark.points, mark.comment) for at, mark in old.items()}
        filled = read_marks(path, settings.maxima).items()
        # A row that is as it was written is no news: the page to mark in may have decided anew since.
        rows = {**{at: mark for at, mark in filled if was.get(at) != (mark.points, mark.comment)}, **rows}
    new = []
    known = {one.key: one for one in there}
    for (key, id), mark in rows.items():
        text = _of_all_attempts(out, known[key])[0].written.get(id, "") if key in known else mark.answer
        # Whoever marks marks what stands beside the points; a table without answers is of those that are there.
        same = not mark.answer or ledger.print_of(mark.answer) == ledger.print_of(visible(text))
        new.append(
            ledger.Decision(key, id, mark.points, mark.comment, text=ledger.print_of(text if same else mark.answer))
        )
    return ledger.latest(ledger.add(out, new))


def _of_all_attempts(out: Path, submission: Submission) -> tuple[Result, dict[str, str] | None]:
    """What is kept of a student, and when what counts was handed in, by exercise, where there are several attempts."""
    last, path = kept(out, submission.key), out / _COUNTS / f"{submission.key}.json"
    if not submission.earlier:
        path.unlink(missing_ok=True)
        return last, None
    earlier = [(one.when, kept(out, one.key)) for one in submission.earlier]
    result, times = attempts.best(last, submission.when, earlier)
    words = [(id, text) for id, text in result.written.items() if last.written.get(id) != text]
    whose = {id: one.key for id, text in words for _, one in earlier if one.written.get(id) == text}
    atomic.write_json(path, {"result": result.to_json(), "from": whose})
    return result, times


def _write(
    out: Path,
    collection: Collection,
    settings: Settings,
    given: Marks,
    people: Mapping[str, Person],
    back: Back,
) -> tuple[int, int, int, list[str]]:
    """Write all that is told; how many problems there are, how many files of them, how many answers wait, and lines."""
    from teach.reports import lms
    from teach.reports.write import write_all

    keys = [submission.key for submission in collection.submissions]
    found = collection.by_key
    decisions = _decided(out, collection.submissions, settings, given)

    def results() -> Iterator[Result]:
        for submission in collection.submissions:
            key = submission.key
            result, times = _of_all_attempts(out, submission)
            result = ledger.applied(result, decisions)
            if back.late is not None:
                result = back.late.applied(result, submission, times)
            told = {problem.file for problem in found.get(key, ())}
            # What could not be collected could not be read either: once is enough.
            new = [p for p in result.problems if not (p.file in told and p.what.startswith(UNREADABLE))]
            yield replace(result, problems=(*found.get(key, ()), *new))

    facts = {
        "seed": settings.seed,
        "version": a2d.__version__,
        "sandbox": settings.sandbox,
        "lectures": list(settings.lectures),
        "timeout": settings.timeout,
        "points": settings.maxima,
        "people": people,
        "problems": (
            *found.get("", ()),
            *ledger.absent(decisions, keys),
            *(back.late.problems if back.late is not None else ()),
        ),
    }
    whole = write_all(out, results, facts)
    title = back.title or lms.TITLE
    lines = lms.write_lms(
        out, results, collection.submissions, people, collection.layout, title=title, waiting=back.waiting
    )
    _remember_table(out)
    # Students who are no longer among the submissions leave nothing behind.
    known = {*keys, *(one.key.removeprefix("earlier/") for s in collection.submissions for one in s.earlier)}
    for folder, ending in (
        (out / _RESULTS, ".json"),
        (out / _RESULTS / "earlier", ".json"),
        (out / _AROUND, ".json"),
        (out / _COUNTS, ".json"),
        (out / _AROUND / "earlier", ".json"),
        (out / "feedback", ".html"),
    ):
        for path in folder.glob(f"*{ending}"):
            if path.stem not in known:
                path.unlink(missing_ok=True)
    return whole.problems.total(), whole.unreadable, whole.count([TO_MARK]), lines


# ------------------------------------------------------------------------------------------------- decisions by hand


def correct(out: Path, student: str, id: str, points: float | None, why: str, who: str) -> str:
    """Decide by hand what a student gets for an exercise or question; None takes the last decision back.

    ``student``: the key, or the name if it is one student's alone. Gives what is told the teacher; raises
    :class:`GradingError` for a folder, student or exercise that there is not, and for points out of range.
    """
    found = [one for one in all_kept(out) if student in (one.key, one.student)]
    if len(found) != 1:
        told = f"{len(found)} students are called so" if found else "no student is called so"
        hint = f"Give one of the keys in {out / 'summary.csv'}"
        raise GradingError(told, where=student, hint=hint)
    result = found[0]
    grade = next((one for one in result.grades if one.id == id), None)
    if grade is None:
        listed = ", ".join(one.id for one in result.grades)
        raise GradingError("this exercise is not graded here", where=id, hint=f"Use one of {listed}")
    if points is not None and points > grade.maximum:
        raise GradingError(f"{points:g} is more than the maximum of {grade.maximum:g}", where=id, hint="Give less")
    text = ledger.print_of(result.written.get(id, "")) if isinstance(exercises.get(id), Question) else ""
    with _alone(out):
        before = len(ledger.read(out))
        ledger.add(out, [ledger.Decision(result.key, id, points, why, text=text)], who)
        changed = len(ledger.read(out)) > before
    graded = "nothing yet" if grade.points is None else f"{grade.points:g}"
    if not changed:
        return f"{result.student}, {id}: nothing to change."
    now = f"{points:g} of {grade.maximum:g}" if points is not None else f"again what was graded ({graded})"
    return f"{result.student}, {id}: {now}, where {graded} was graded."


def all_kept(out: Path) -> Iterator[Result]:
    """The results of all students in a graded folder; raises :class:`GradingError` for any other folder."""
    if not (out / RECORD).is_file():
        raise GradingError("this folder was not written by `teach grade`", where=out, hint="Name its --out")
    for path in sorted((out / _RESULTS).glob("*.json")):
        yield counted(out, path.stem)
