"""What runs in the box: it takes a job, runs the learner's function on its cases, and writes what came out.

Two ways: ``server``, which loads NumPy (and torch) once and starts a process for each job in namespaces of its own, and
``once``, for one job. A job and its results go through pipes that the grader made for this job alone; this program
never sees what is right. Beside the standard library it needs only NumPy and four small modules of the course.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import linecache
import os
import random
import select
import signal
import socket
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from a2d.checks.answers import Answer, answer, brief
from a2d.checks.watch import Watch
from a2d.exercises import calls
from teach.sandbox import confine, wire

SCRATCH = "/tmp"
# What answers often load.
_USUAL = ("scipy.special", "scipy.spatial.distance", "scipy.stats")
# A notebook that computes less than so many seconds in so long a time waits for what does not come.
IDLE_SECONDS, _NOTHING = 15.0, 0.03
_FILE = "<answer>"
# What watches over an answer: who imports it beside the answer gets another one.
_HIDDEN = ("a2d.checks.watch", "a2d.checks.answers", "teach.sandbox.seat")
_write, _exit = os.write, os._exit


# --------------------------------------------------------------------------------------------------------- one job


def perform(job: dict[str, Any], send: Callable[[dict[str, Any]], None]) -> None:
    """Run a job and send a message for each case; "failed" where the function could not even be made."""
    cases = [wire.decode(case) for case in job["cases"]]
    call, chance = getattr(calls, job["call"]), int(job.get("chance", 0))
    _fix_entropy(chance)
    hide()
    with contextlib.redirect_stdout(Nowhere()), contextlib.redirect_stderr(Nowhere()):
        try:
            _provide(job["given"])
            function = _make(job["source"], job["function"])
        except BaseException as error:
            send({"failed": _failed(error)})
            return
        for args in cases:
            watch = Watch(job["forbidden"], job["may_use"])
            found = answer(function, args, call, job["parameters"], quiet=False, watch=watch, chance=chance)
            send(message_of(found))
    send({"done": True})


class Nowhere(io.TextIOBase):
    """Where a learner's prints go: nowhere, whatever their size."""

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Forget it."""
        return len(text)


def message_of(found: Answer) -> dict[str, Any]:
    """What is sent of one case's answer."""
    message: dict[str, Any] = {"value": wire.encode(found.value)}
    if found.error:
        message = {"error": str(found.error)[:2000]}
    if found.refused:
        message["refused"] = True
    if found.unwritten:
        message["unwritten"] = True
    if found.changed:
        message["changed"] = list(found.changed)
    if found.warning:
        message["warning"] = str(found.warning)[:400]
    return message


def _make(source: str, name: str) -> Any:
    """Run the source and give the function; the lines are known to tracebacks."""
    linecache.cache[_FILE] = (len(source), None, source.splitlines(keepends=True), _FILE)
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    space = module.__dict__
    space["display"] = lambda *things, **options: None
    exec(compile(source, _FILE, "exec", dont_inherit=True), space)
    return space[name]


def _failed(error: BaseException) -> str:
    line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else _line(error)
    text = linecache.getline(_FILE, line).strip() if line else ""
    where = f"Before the function could be called, at this line: {text}\n" if text else ""
    told = where + brief(error)
    if isinstance(error, ImportError):
        told += (
            "\nAn answer may use Python's standard library, NumPy, SciPy and PyTorch; nothing else is there when it is "
            "graded, and nothing that the notebook makes with something else."
        )
    return told


def _line(error: BaseException) -> int | None:
    trace, found = error.__traceback__, None
    while trace:
        if trace.tb_frame.f_code.co_filename == _FILE:
            found = found or trace.tb_lineno
        trace = trace.tb_next
    return found


def _fix_entropy(chance: int) -> None:
    """Have the system's own random bytes follow from a number: ``default_rng()`` begins with them, and much else."""
    source = random.Random(chance)
    os.urandom = random._urandom = source.randbytes  # type: ignore[attr-defined]


def _provide(given: dict[str, str]) -> None:
    """Make the modules of the package that hold only what this exercise gives; their source is the course's own."""
    for name, source in given.items():
        module = types.ModuleType(name)
        exec(source, module.__dict__)
        sys.modules[name] = module
        parent, _, last = name.rpartition(".")
        setattr(importlib.import_module(parent), last, module)


def run_job(read: int, write: int) -> None:
    """Read a job from a file descriptor, run it, and write its messages to another, one on a line."""
    stream = open(read, "rb", closefd=True)  # noqa: SIM115 (a notebook's answers come by it, one after the other)
    job = wire.loads(stream.readline())
    limits = job["limits"]
    if "cells" not in job:
        stream.close()  # only a notebook is told more
    if limits["confined"]:
        # What is left afterwards: this process, the pipe for its results, and a folder for scratch.
        if limits["own_mounts"]:
            confine.limit(limits["memory"], limits["seconds"], limits["file_bytes"])
            confine.own_mounts(SCRATCH, limits["file_bytes"], 1000)
        else:
            confine.limit(limits["memory"], limits["seconds"], limits["file_bytes"])
        confine.drop_privileges()
        confine.refuse_calls()
        os.chdir(SCRATCH)
    send_line(write, {"ready": True})
    if "cells" in job:
        play(job, lambda message: send_line(write, message), lambda: wire.loads(stream.readline()))
    else:
        perform(job, lambda message: send_line(write, message))


def play(job: dict[str, Any], send: Callable[[dict[str, Any]], None], ask: Callable[[], dict[str, Any]]) -> None:
    """Run a whole notebook; see :mod:`teach.sandbox.seat`."""
    from teach.sandbox.seat import Seat

    with contextlib.redirect_stdout(Nowhere()), contextlib.redirect_stderr(Nowhere()):
        seat = Seat(job["cells"], job["wanted"], job["seconds"], send, ask)
        hide()
        seat.play()
    send({"done": True})


def hide() -> None:
    """Forget the modules that watch, so that a change in them changes nothing."""
    for name in _HIDDEN:
        sys.modules.pop(name, None)
        parent, _, last = name.rpartition(".")
        vars(sys.modules[parent]).pop(last, None)


def send_line(write: int, message: dict[str, Any]) -> None:
    """Write one message as a line."""
    data = wire.dumps(message).encode() + b"\n"
    while data:
        data = data[_write(write, data) :]


# ---------------------------------------------------------------------------------------------------- the two ways


def warm(what: str) -> None:
    """Load what jobs need, so that a process started from here has it."""
    sys.dont_write_bytecode = True
    np.linalg.norm(np.fft.rfft(np.ones(4)).real)
    np.random.default_rng(0).normal()
    for module in _USUAL:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    if what in ("torch", "course"):
        import torch

        torch.set_num_threads(1)
        # The first convolution and the first gradient set things up that need more rights than a job has.
        x = torch.ones(1, 1, 4, 4, requires_grad=True)
        torch.nn.functional.conv2d(x, torch.ones(1, 1, 2, 2)).sum().backward()
        torch.optim.SGD([x], 0.1)  # the first optimizer of a process loads many modules
        torch.manual_seed(0)
    if what == "course":
        from teach.sandbox import seat

        seat.warm()
    # What is loaded stays: a job's process need not look through it, which would copy it page by page.
    gc.collect()
    gc.freeze()
    confine.fold_memory()


def serve(control: socket.socket) -> None:
    """Take jobs until the grader hangs up: a pair of pipes comes, and the way the process ended goes back."""
    control.send(b'{"ready":true}')
    while True:
        message, pipes, _, _ = socket.recv_fds(control, 16, 2)
        if not message:
            return
        if message in (b"run", b"play"):
            try:
                child = confine.fork_apart()
            except (OSError, KeyError) as error:
                os.write(2, f"the box could not start a job: {error}\n".encode())
                child = -1
            if child == 0:
                _child(*pipes)
        for pipe in pipes:
            os.close(pipe)
        # A "kill" that came too late has nothing to end.
        if message in (b"run", b"play"):
            told: dict[str, Any] = {"broken": True}
            if child > 0:
                code, used, slept = _watch(control, child, IDLE_SECONDS if message == b"play" else None)
                told = {"ended": code, "used": used, "slept": slept}
            control.send(wire.dumps(told).encode())


def _watch(control: socket.socket, child: int, idle: float | None) -> tuple[int, float, bool]:
    """Wait for a job's process to end, and end it when the grader says so, or when it computed nothing for so long.

    Its exit code, its processor time in s, and whether it slept. ``idle``: in s; None: it may sleep.
    """
    handle = os.pidfd_open(child)
    both: list[socket.socket | int] = [control, handle]
    before, slept = -1.0, False
    while True:
        ready, _, _ = select.select(both, [], [], idle)
        if handle in ready:
            os.close(handle)
            _, status, usage = os.wait4(child, 0)
            return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, slept
        if control in ready and not control.recv(16):
            _exit(0)
        if not ready:
            now = _processor_time(child)
            slept, before = now - before < _NOTHING, now
        if ready or slept:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


def _processor_time(process: int) -> float:
    """Of a process that runs, in s."""
    with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as stream:
        fields = stream.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _child(read: int, write: int) -> None:
    """The job's process, the first in its namespace; it holds only its two pipes."""
    try:
        confine.die_with_parent()
        # In the server's process group, a signal to the group would reach the server.
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        # Results on 4, the job on 3, nothing on the usual three, and no other file.
        read, write = os.dup(read), os.dup(write)
        high = os.dup2(write, 60), os.dup2(read, 61)
        os.dup2(high[0], 4)
        os.dup2(high[1], 3)
        for usual in (0, 1, 2):
            os.dup2(nothing, usual)
        os.closerange(5, 4096)
        run_job(3, 4)
    except BaseException as error:
        with contextlib.suppress(BaseException):
            send_line(4, {"broken": f"{type(error).__name__}: {error}"[:500]})
    finally:
        _exit(0)


def main() -> None:
    """``runner server numpy|torch CONTROL`` or ``runner once numpy|torch``: the job on 0, results on 1."""
    way, what = sys.argv[1:3]
    if way == "server":
        warm(what)
        serve(socket.socket(fileno=int(sys.argv[3])))
        return
    if what != "numpy":
        warm(what)
    write = os.dup(1)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        read = os.dup(0)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        run_job(read, write)
    finally:
        _exit(0)


if __name__ == "__main__":
    main()
