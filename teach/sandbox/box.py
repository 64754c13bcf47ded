"""The box: where a learner's function runs, apart from the grader, and how the grader talks to it.

With bubblewrap (``bwrap``), the box has its own user, process, mount, network and IPC namespaces; it sees the system,
Python, NumPy, SciPy and PyTorch, all read-only, and no file of anybody. Inside, each job has a process of its own in
once more its own namespaces (:mod:`teach.sandbox.worker`), so that jobs share only the loaded libraries. Where the
kernel refuses the inner namespaces, each job gets a whole box of its own, which is slower.
Without bubblewrap, ``sandbox=False`` runs each job in an ordinary process: limited in time, and not safe.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import math
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import a2d
import teach
from a2d.checks.watch import PACKAGES
from a2d.io.shipped import shipped
from teach.grading.model import GradingError
from teach.sandbox import wire
from teach.sandbox.worker import SCRATCH

# The packages' folders, and those of their modules that the box needs; none of them knows an answer.
_PACKAGES = tuple(Path(str(package.__file__)).parent for package in (a2d, teach))
_MODULES = (
    "a2d/checks/answers.py",
    "a2d/checks/comparison.py",
    "a2d/checks/watch.py",
    "a2d/exercises/calls.py",
    "teach/sandbox/confine.py",
    "teach/sandbox/wire.py",
    "teach/sandbox/worker.py",
)
# What a whole notebook needs beside these: the course's package as a student has it, but for what knows an answer.
_SEAT = ("teach/sandbox/seat.py",)
_IN_PLACE = {
    "a2d/checks/verdicts.py": "teach/sandbox/in_verdicts.py",
    "a2d/checks/using.py": "teach/sandbox/in_using.py",
}
# Data that come with the package.
_DATA = ("builtin", "annotated", "results")
_INSIDE = "/box"
_START_SECONDS = 120
_END_SECONDS = 30
# More than any exercise has cases.
_MESSAGES = 1000
MEMORY, NOTEBOOK_MEMORY = 1 << 30, 2 << 30
SCRATCH_BYTES = 16 << 20
PATIENCE = 6
CLOCK = "by the clock"
INSTALL = (
    "Install bubblewrap (Debian, Ubuntu: `apt install bubblewrap`; Fedora: `dnf install bubblewrap`; "
    "it is for Linux only), or give --no-sandbox: then whatever the notebooks hold runs with all your rights"
)


# Given a message from the box, what is answered, or None.
Respond = Callable[[dict[str, Any]], dict[str, Any] | None]


@dataclass(frozen=True)
class Ended:
    """How a job ended: "done", "timeout" or "killed" with the reason, and the messages that came until then.

    Of a timeout the reason is :data:`CLOCK` if the job had processor time left: it slept, or the machine was busy.
    """

    how: str
    messages: tuple[dict[str, Any], ...]
    reason: str = ""


def require_sandbox() -> None:
    """Raise a :class:`GradingError` that says what to do where bubblewrap is missing or cannot work."""
    if shutil.which("bwrap") is None:
        raise GradingError("the sandbox is missing", where="bwrap", hint=INSTALL)
    if Path(os.path.realpath(sys.base_prefix)).is_relative_to(SCRATCH):
        hint = "Set this up with a Python that is installed elsewhere, or give --no-sandbox"
        raise GradingError(f"the sandbox cannot use a Python that lies in {SCRATCH}", where=sys.base_prefix, hint=hint)
    command = [*_bubble(), "--", "/bin/true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_ENVIRONMENT)
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        hint = "It needs user namespaces: allow them (sysctl kernel.unprivileged_userns_clone=1), or give --no-sandbox"
        raise GradingError(f"bubblewrap does not work here ({said})", where="bwrap", hint=hint)


_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": SCRATCH,
    "LANG": "C.UTF-8",
    # One thread, and the same order of sets each time.
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    "PYTHONHASHSEED": "0",
}


# ------------------------------------------------------------------------------------------------- what a box holds


@cache
def _folders(shown: Callable[[Path], str], course: bool = False) -> tuple[str, ...]:
    """Where modules are found: the standard library's folders, and those of the installed packages.

    ``shown`` tells the path of a package: :func:`_inside` in the box, ``str`` out of it. ``course``: for notebooks.
    """
    names = ("stdlib", "platstdlib")
    standard = [sysconfig.get_path(n, vars={"base": sys.base_prefix, "platbase": sys.base_prefix}) for n in names]
    standard.append(os.path.join(sysconfig.get_path("platstdlib"), "lib-dynload"))
    standard += [p for p in sys.path if p.startswith(sys.base_prefix) and p.endswith(("lib-dynload", ".zip"))]
    return tuple(dict.fromkeys([*standard, *sorted({os.path.dirname(shown(path)) for path in _packages(course)})]))


def _inside(path: Path) -> str:
    """Where the box shows a file or folder: where it is, unless that is hidden by the box's folder for scratch.

    Elsewhere only then: some packages find libraries by their place beside Python.
    """
    return str(path) if not path.is_relative_to(SCRATCH) else f"{_INSIDE}/site/{path.name}"


@cache
def _packages(course: bool = False) -> tuple[Path, ...]:
    """The files and folders, in site-packages, of the packages that an answer may use and of what they need.

    ``course``: of all that a student has, for whole notebooks.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    seen: dict[str, importlib.metadata.Distribution] = {}
    waiting = list(PACKAGES)
    if course:
        own = [Requirement(text) for text in importlib.metadata.requires("digits-from-sound") or ()]
        waiting += [r.name for r in own if r.marker is None or r.marker.evaluate({"extra": "course"})]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in seen:
            continue
        try:
            seen[name] = found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        wanted = [Requirement(text) for text in found.requires or ()]
        waiting += [r.name for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]
    tops = {
        Path(str(found.locate_file(file.parts[0])))
        for found in seen.values()
        for file in found.files or ()
        if file.parts and file.parts[0] not in ("..", "__pycache__") and not file.parts[0].endswith(".pth")
    }
    return tuple(sorted(path for path in tops if path.exists()))


def _bubble(course: bool = False) -> list[str]:
    """The bubblewrap command up to what runs in the box.

    ``course``: a box for whole notebooks, with the course's package and all that a student has.
    """
    base = os.path.realpath(sys.base_prefix)
    command = ["bwrap", "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--clearenv"]
    for name, value in _ENVIRONMENT.items():
        command += ["--setenv", name, value]
    command += ["--uid", "1000", "--gid", "1000", "--hostname", "box", "--ro-bind", "/usr", "/usr"]
    for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"):
        if os.path.islink(name):
            command += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            command += ["--ro-bind", name, name]
    if not base.startswith("/usr/") and base != "/usr":
        command += ["--ro-bind", base, base]
    for name in ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d"):
        command += ["--ro-bind-try", name, name]
    emptied = _site_folders(base, course)
    for folder in emptied:
        command += ["--tmpfs", folder]
    for path in _packages(course):
        command += ["--ro-bind", str(path), _inside(path)]
    shown = {name: name for name in (*_MODULES, *(_SEAT if course else ()))}
    if course:
        command += _package_without_answers()
        shown = {name: source for name, source in shown.items() if name.startswith("teach/")} | _IN_PLACE
    for name, source in shown.items():
        package = next(folder for folder in _PACKAGES if folder.name == source.partition("/")[0])
        command += ["--ro-bind", str(package.parent / source), f"{_INSIDE}/{name}"]
    # Nothing may be left there for the next job, nor fill the memory.
    for folder in emptied:
        command += ["--remount-ro", folder]
    command += ["--proc", "/proc", "--dev", "/dev", "--size", str(SCRATCH_BYTES), "--tmpfs", SCRATCH]
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", SCRATCH]


def _package_without_answers() -> list[str]:
    """Arguments that show the course's package, without what declares exercises, and without compiled copies of it."""
    folder = _PACKAGES[0]
    shown = f"{_INSIDE}/{folder.name}"
    command = ["--ro-bind", str(folder), shown]
    for path in sorted((folder / "exercises").glob("e[0-9]*.py")):
        command += ["--ro-bind", "/dev/null", f"{shown}/exercises/{path.name}"]
    for path in sorted(folder.rglob("__pycache__")):
        command += ["--tmpfs", f"{shown}/{path.relative_to(folder)}"]
    # The recordings, pictures and numbers that come with it, where they lie beside it and not in it.
    for name in _DATA:
        path = shipped(name)
        if not path.is_relative_to(folder):
            own = f"{_INSIDE}/{path.relative_to(folder.parent)}"
            files = [path] if name != "results" else sorted(path.glob("*.json"))
            for one in files:
                command += ["--ro-bind", str(one), own if one == path else f"{own}/{one.name}"]
    return command


def _site_folders(base: str, course: bool = False) -> list[str]:
    """The folders of installed packages that the box would see without this; there, only what is allowed is shown."""
    found = {os.path.dirname(_inside(path)) for path in _packages(course)}
    for root in (base, "/usr", "/usr/local"):
        for pattern in ("lib/python3*/site-packages", "lib/python3*/dist-packages", "lib64/python3*/site-packages"):
            found |= {str(path) for path in Path(root).glob(pattern) if path.is_dir() and not path.is_symlink()}
    # This course's own folders, with all answers in them, where they lie in what is shown.
    for package in _PACKAGES:
        own = package if Path(base).is_relative_to(package.parent) else package.parent
        if any(own.is_relative_to(shown) for shown in ("/usr", base)):
            found.add(str(own))
    return sorted(found)


def _python(way: str, what: str, *more: str, inside: bool = True) -> list[str]:
    """The command of the worker, in the box or outside it."""
    own = [_INSIDE] if inside else dict.fromkeys(str(package.parent) for package in _PACKAGES)
    path = [*_folders(_inside if inside else str, what == "course"), *own]
    code = f"import sys; sys.path[:] = {path!r}; from teach.sandbox.worker import main; main()"
    return [os.path.realpath(sys.executable), "-I", "-S", "-B", "-c", code, way, what, *more]


# ------------------------------------------------------------------------------------------------------- running jobs


class Boxes:
    """The boxes of one process: for answers that need torch, and for those that do not; each starts when needed.

    Not for use by several threads at once. Leave with :meth:`close`, or use it as a context manager.
    """

    def __init__(self, *, sandbox: bool = True, nested: bool = True):
        self.sandbox = sandbox
        self._nested = nested and sandbox
        self._servers: dict[str, _Server] = {}

    def __enter__(self) -> Boxes:
        return self

    def __exit__(self, *what: object) -> None:
        self.close()

    def close(self) -> None:
        """End every box."""
        for server in self._servers.values():
            server.close()
        self._servers.clear()

    def run(self, job: dict[str, Any], *, torch: bool, timeout: float) -> Ended:
        """Run a job (see ``worker.perform``), and see that nothing is left of it.

        ``timeout``: seconds of processor time, so that a busy machine changes nothing. By the clock it may take
        :data:`PATIENCE` times as long, as sleeping takes no time of a processor.
        """
        return self._run(job, "torch" if torch else "numpy", timeout, None)

    def play(self, job: dict[str, Any], respond: Respond, *, timeout: float) -> Ended:
        """Run a whole notebook (see :mod:`teach.sandbox.seat`); ``respond`` is given each message, and may answer."""
        return self._run(job, "course", timeout, respond)

    def _run(self, job: dict[str, Any], what: str, timeout: float, respond: Respond | None) -> Ended:
        lost, patience = False, PATIENCE * timeout
        while self._nested:
            try:
                return self._server(what).run(
                    self._dressed(job, timeout, own_mounts=True), _seconds(timeout), patience, respond
                )
            except _ServerLost as error:
                # The box is gone, for want of memory perhaps: the job gets a second one, but no third.
                self._servers.pop(what).close()
                if lost:
                    return Ended("killed", (), f"its process could not be watched any longer ({error})")
                lost = True
            except _NoNesting:
                self.close()
                self._nested = False
        dressed = self._dressed(job, timeout, own_mounts=False)
        return _run_once(dressed, what, _seconds(timeout), patience, self.sandbox, respond)

    def _server(self, what: str) -> _Server:
        if what not in self._servers:
            self._servers[what] = _Server(what)
        return self._servers[what]

    def _dressed(self, job: dict[str, Any], timeout: float, *, own_mounts: bool) -> bytes:
        limits = {
            "confined": self.sandbox,
            "own_mounts": own_mounts,
            "memory": MEMORY if "cells" not in job else NOTEBOOK_MEMORY,
            "seconds": _seconds(timeout),
            "file_bytes": SCRATCH_BYTES,
        }
        return wire.dumps({**job, "limits": limits}).encode() + b"\n"


def _seconds(timeout: float) -> int:
    """Processor time as the kernel counts it, in whole seconds."""
    return max(1, math.ceil(timeout))


class _NoNesting(Exception):
    """The kernel refuses namespaces inside the box."""


class _ServerLost(Exception):
    """A server ended, or does not answer."""


class _Server:
    """A box that serves one job after the other."""

    def __init__(self, what: str):
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        rights = ["--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_SETPCAP"]
        command = [*_bubble(what == "course"), *rights, "--", *_python("server", what, str(theirs.fileno()))]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the server)
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=(theirs.fileno(),),
                env=_ENVIRONMENT,
            )
        finally:
            theirs.close()
        self._control.settimeout(_START_SECONDS)
        try:
            ready = self._control.recv(100)
        except TimeoutError:
            ready = b""
        if not ready:
            said = self._said()
            self.close()
            raise GradingError(f"the box did not start ({said})", where="bwrap", hint="Is the installation complete?")

    def _said(self) -> str:
        self._log.seek(0)
        text = self._log.read(4000).decode("utf-8", "replace").strip()
        return text.splitlines()[-1] if text else "it said nothing"

    def run(self, job: bytes, seconds: int, timeout: float, respond: Respond | None = None) -> Ended:
        """Run a job that may take ``seconds`` of processor time, and ``timeout`` by the clock."""
        read_job, write_job = os.pipe()
        read_result, write_result = os.pipe()
        try:
            socket.send_fds(self._control, [b"run" if respond is None else b"play"], [read_job, write_result])
        except OSError as error:
            for pipe in (read_job, write_job, read_result, write_result):
                os.close(pipe)
            raise _ServerLost(str(error)) from error
        os.close(read_job)
        os.close(write_result)
        deadline = time.monotonic() + timeout
        lines, how = _talk(write_job, read_result, job, timeout, respond)
        # Closing the pipe is not the end: the process may go on.
        status = self._status(max(0.5, deadline - time.monotonic())) if how == "closed" else None
        if status is None:
            how = "timeout" if how == "closed" else how
            with contextlib.suppress(OSError):
                self._control.send(b"kill")
            status = self._status(_END_SECONDS)
        if status is None:
            raise _ServerLost("it does not answer")
        code, used, slept = status
        how = "timeout" if slept else how
        # Of a process that is the first in its namespace the kernel takes the harder signal alone.
        return _ended(lines, how, -signal.SIGXCPU if code == -signal.SIGKILL and used >= seconds else code)

    def _status(self, seconds: float) -> tuple[int, float, bool] | None:
        """The exit status of the job's process, its processor time in s, and whether it was ended for sleeping.

        Once the kernel says that it is gone.

        None if it is still there.
        """
        self._control.settimeout(seconds)
        try:
            told = wire.loads(self._control.recv(200) or b"{}")
        except TimeoutError:
            return None
        except (OSError, wire.WireError) as error:
            raise _ServerLost(str(error)) from error
        if told.get("broken"):
            raise _NoNesting(self._said())
        if "ended" not in told:
            raise _ServerLost(self._said())
        return int(told["ended"]), float(told["used"]), bool(told["slept"])

    def close(self) -> None:
        self._control.close()
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        self._log.close()


def _run_once(
    job: bytes, what: str, seconds: int, timeout: float, sandbox: bool, respond: Respond | None = None
) -> Ended:
    """Run a job in a process of its own: a whole box with bubblewrap, or an ordinary process without.

    ``seconds`` of processor time and ``timeout`` by the clock as in :meth:`_Server.run`.
    """
    with tempfile.TemporaryDirectory(prefix="a2d-box-") as scratch:
        own = [sys.executable, *_python("once", what, inside=False)[1:]]
        command = [*_bubble(what == "course"), "--", *_python("once", what)] if sandbox else own
        begun = time.monotonic()
        # Loading the libraries is not the learner's time.
        start = 30 if what == "numpy" else _START_SECONDS
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=scratch,
            env=_ENVIRONMENT if sandbox else {**os.environ, **_ENVIRONMENT, "PATH": os.environ.get("PATH", "")},
            start_new_session=True,
        )
        lines, how = _talk_plainly(process, job, start, timeout, respond)
        if how == "closed":
            # Most often it is about to end by itself; its exit code then tells how.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1)
        _end_group(process)
        status = process.wait()
        # Who ignores the softer signal gets the harder one at the limit, and no processor time is told of a box's
        # inside; of memory there is an error long before the kernel kills.
        killed = status in (-signal.SIGKILL, 128 + signal.SIGKILL) and time.monotonic() - begun >= seconds
        return _ended(lines, how, -signal.SIGXCPU if killed else status)


def _talk_plainly(
    process: Any, job: bytes, start: float, timeout: float, respond: Respond | None = None
) -> tuple[list[bytes], str]:
    """As :func:`_talk`, with threads instead of a selector: pipes that every system has."""
    stdin, stdout = process.stdin, process.stdout
    data = bytearray()
    loaded, over = threading.Event(), threading.Event()
    answered = _Answers(respond)

    def listen() -> None:
        while piece := stdout.read1(65536):
            loaded.set()
            data.extend(piece)
            if answer := answered.to(data):
                with contextlib.suppress(OSError):
                    stdin.write(answer)
                    stdin.flush()
            if len(data) > wire.RESULT_BYTES:
                break
        loaded.set()
        over.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    with contextlib.suppress(OSError):
        stdin.write(job)
        stdin.flush() if respond else stdin.close()
    loaded.wait(start)
    finished = over.wait(timeout)
    if len(data) > wire.RESULT_BYTES:
        return bytes(data).splitlines(), "too much"
    return bytes(data).splitlines(), "closed" if finished else "timeout"


def _end_group(process: subprocess.Popen) -> None:
    """End a process and those that it started and that did not leave its session."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


class _Answers:
    """What is answered to the lines of a growing text, each once."""

    def __init__(self, respond: Respond | None):
        self._respond, self._read = respond, 0

    def to(self, data: bytearray) -> bytes:
        """The answers to the lines that came since the last call."""
        if self._respond is None:
            return b""
        told = b""
        while (end := data.find(b"\n", self._read)) >= 0:
            for message in _read([bytes(data[self._read : end])]):
                answer = self._respond(message)
                told += wire.dumps(answer).encode() + b"\n" if answer is not None else b""
            self._read = end + 1
        return told


def _talk(
    write_job: int, read_result: int, job: bytes, timeout: float, respond: Respond | None = None
) -> tuple[list[bytes], str]:
    """Send a job, and read lines until the other side closes, the time is over, or too much came.

    How it ended is "closed", "timeout" or "too much". Both pipes are closed.
    """
    data, sent, deadline, how = bytearray(), 0, time.monotonic() + timeout, "timeout"
    answered = _Answers(respond)
    os.set_blocking(write_job, False)
    with selectors.DefaultSelector() as selector:
        selector.register(read_result, selectors.EVENT_READ)
        selector.register(write_job, selectors.EVENT_WRITE)
        while (left := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                if key.fd == write_job:
                    sent, over = _feed(write_job, job, sent)
                    if over:
                        selector.unregister(write_job)
                        if respond is None or sent < len(job):
                            os.close(write_job)
                            write_job = -1
                    continue
                piece = os.read(read_result, 1 << 16)
                data += piece
                if (more := answered.to(data)) and write_job >= 0:
                    waiting = sent < len(job)
                    job, sent = job[sent:] + more, 0
                    if not waiting:
                        selector.register(write_job, selectors.EVENT_WRITE)
                if not piece or len(data) > wire.RESULT_BYTES:
                    how = "too much" if piece else "closed"
                    deadline = 0.0
    os.close(read_result)
    if write_job >= 0:
        os.close(write_job)
    return bytes(data).splitlines(), how


def _feed(pipe: int, job: bytes, sent: int) -> tuple[int, bool]:
    """Write on; how much was sent in all, and whether that is the end of it."""
    try:
        sent += os.write(pipe, job[sent : sent + (1 << 16)])
    except BlockingIOError:
        return sent, False
    except OSError:
        return sent, True
    return sent, sent >= len(job)


def _ended(lines: Sequence[bytes], how: str, status: int) -> Ended:
    """What the lines and the end of the process mean."""
    messages = tuple(message for message in _read(lines) if not message.get("ready"))
    if messages and messages[-1].get("done") and how == "closed":
        return Ended("done", messages[:-1])
    if how == "timeout":
        return Ended("timeout", messages, CLOCK)
    if how == "too much":
        return Ended("killed", messages, f"it gave more than {wire.RESULT_BYTES // 10**6} MB of results")
    if messages and "failed" in messages[-1] and how == "closed":
        return Ended("done", messages)
    if status in (-signal.SIGXCPU, 128 + signal.SIGXCPU):
        return Ended("timeout", messages)
    return Ended("killed", messages, _reason(status))


def _read(lines: Sequence[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines[:_MESSAGES]:
        try:
            message = wire.loads(line)
        except wire.WireError:
            return
        if not isinstance(message, dict):
            return
        yield message


def _reason(status: int) -> str:
    # A shell, and bubblewrap, tell of a signal as 128 and its number.
    status = 128 - status if status > 128 else status
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = str(-status)
        told = {
            "SIGSEGV": "it used memory that is not its own (SIGSEGV)",
            "SIGKILL": "the system ended it (SIGKILL), most often for want of memory or time",
            "SIGXFSZ": "it wrote a file that is too large (SIGXFSZ)",
        }
        return told.get(name, f"its process was ended by {name}")
    return f"its process ended by itself (exit code {status}) before it gave all results"
