"""Hostile and broken submissions: what they hold, how each must end, and what it may earn. No test of its own.

Nearly all attack through exercise 1.1 (``frame``), whose right answer is short. There are four kinds:

- ``REACHES``: the function tries to get at something, and gives the right answer only if that was refused. So "right"
  shows at once that the code ran, that the box refused, and that nothing was broken by it.
- ``ATTACKS``: code that wants points or harm, and earns nothing.
- ``PLAYED``: whole notebooks that want points or harm where they are run; ``REACHES_PLAYED`` look around there.
- ``NOTEBOOKS``: files that are hard to read.
"""

from __future__ import annotations

import base64
import functools
import importlib.util
import json
import textwrap
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from a2d import exercises
from a2d.checks import verdicts

# -------------------------------------------------------------------------------------------------------- the honest

GIVES = "np.stack([x[i : i + n_fft] for i in range(0, len(x) - n_fft + 1, hop_length)])"
HONEST = f"import numpy as np\n\ndef frame(x, n_fft, hop_length):\n    return {GIVES}\n"
# Beside every attack in the same notebook: another exercise, whose answer must be worth its points all the same.
BESIDE = "def windowed_power(frames, window):\n    return np.abs(np.fft.rfft(frames * window)) ** 2\n"
ON_TORCH = "import torch\n\ndef beta_loss(logits, target, mu, logvar, beta):\n    return 1.0\n"


def cell(source: object, id: str = "", kind: str = "code", **more: object) -> dict[str, Any]:
    """A cell of a notebook."""
    return {"cell_type": kind, "source": source, "metadata": {}, **({"id": id} if id else {}), **more}


def notebook(*cells: object, **more: object) -> bytes:
    """A notebook of sources or cells; ``more`` are further keys of the file."""
    listed = [cell(one) if isinstance(one, str) else one for one in cells]
    return json.dumps({"cells": listed, "nbformat": 4, "nbformat_minor": 5, "metadata": {}, **more}).encode()


# ---------------------------------------------------------------------------------------------- what wants to reach out

_REACH = """
import ctypes, os, sys
import numpy as np

libc = ctypes.CDLL(None, use_errno=True)

def call(number, *values):
    return libc.syscall(ctypes.c_long(number), *[ctypes.c_long(v) if isinstance(v, int) else v for v in values])

def reach(x):
{body}

tried = []

def frame(x, n_fft, hop_length):
    found = None
    if not tried:
        tried.append(1)
        try:
            found = reach(x)
        except Exception:
            pass
    if found:
        raise AssertionError(f"reached {{found}}")
    return {gives}
"""


def reaching(body: str, **places: str) -> str:
    """The source of an answer that first runs ``body``; ``places`` fill in ``@name@`` in it."""
    for name, value in places.items():
        body = body.replace(f"@{name}@", value)
    return _REACH.format(body=textwrap.indent(textwrap.dedent(body).strip(), "    "), gives=GIVES)


# Names with a star are tried without a box, too, where they do reach: so they are known to be real.
REACHES: dict[str, str] = {
    "network*": "import socket; return socket.socket()",
    "network of names*": "import socket; return socket.getaddrinfo('localhost', 80)",
    "pair of sockets*": "import socket; return socket.socketpair()",
    "kernel's own socket*": "import socket; return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "fork*": "pid = os.fork(); (pid == 0 and os._exit(0)); return pid",
    "a child that outlives*": "import subprocess; return subprocess.Popen(['sleep', '0.1'], start_new_session=True)",
    "a program in its place*": "os.posix_spawn('/bin/true', ['true'], {}); return True",
    "exec": "os.execv('/bin/true', ['true'])",
    "shell*": "return os.system('true') == 0",
    "thread*": "import threading; threading.Thread(target=print).start(); return True",
    "pool of processes*": "import multiprocessing as m; return m.get_context('fork').Pool(1)",
    "memory file*": "return os.memfd_create('x') + 1",
    "shared memory": "return call(29, 0, 4096, 0o1600) >= 0",
    "named shared memory*": "n = f'/dev/shm/hostile-{os.getpid()}'; open(n, 'w'); os.remove(n); return True",
    "mount": "return libc.mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0",
    "bind mount": "return libc.mount(b'/usr', b'/tmp', None, 4096, None) == 0",
    "unmount": "return any(libc.umount2(p, 2) == 0 for p in (b'/tmp', b'/proc', b'/dev', b'/'))",
    "user namespace": "return libc.unshare(0x10000000) == 0",
    "other namespaces": "return any(libc.unshare(1 << n) == 0 for n in (17, 25, 26, 27, 28, 29, 30, 7))",
    "chroot": "os.chroot('/tmp'); return True",
    "root": "os.setuid(0); return True",
    "root's groups": "os.setgroups([0]); return True",
    "trace": "return libc.ptrace(0, 0, 0, 0) == 0",
    "32-bit numbers of calls": "return call(0x40000000 | 41, 1, 1, 0) >= 0 or call(0x40000000 | 39) > 0",
    "other processes": """
        others = [p for p in range(2, 400) if p != os.getpid() and os.path.exists(f'/proc/{p}')]
        for p in range(2, 400):
            try: p == os.getpid() or (os.kill(p, 0), others.append(p))
            except ProcessLookupError: pass
        return others
        """,
    "its whole process group": "os.kill(0, 9)",
    "all processes": "os.kill(-1, 9)",
    "the first process": "os.kill(1, 15)",
    "the one that started it": "return os.getppid() > 0",
    "a parent's memory": "return open('/proc/1/mem', 'rb')",
    "a parent's environment": "return open('/proc/1/environ', 'rb').read()",
    "a parent's files": "return os.listdir('/proc/1/fd')",
    "its own environment*": "return [n for n, v in os.environ.items() if '@canary@' in (n, v)]",
    "its arguments": "return [a for a in (*sys.argv, *sys.orig_argv) if '@folder@' in a or 'lecture' in a]",
    "open files": """
        found = []
        for n in (3, *range(5, 64)):
            try: found.append((n, os.fstat(n)))
            except OSError: pass
        return found
        """,
    "the input again": "return os.read(0, 10) or os.read(3, 10)",
    "the reference*": "return open('@repository@/a2d/exercises/e01_audio.py').read()",
    "the reference as a module*": "from a2d.exercises import lecture01; return lecture01",
    "the package*": "import a2d.features; return a2d.features",
    "the checks*": "import a2d.checks.verdicts; return a2d.checks.verdicts",
    "librosa*": "import librosa; return librosa",
    "scikit-learn*": "import sklearn; return sklearn",
    "other submissions*": "return open('@submission@').read()",
    "a way around by links*": """
        link = f'/tmp/hostile-{os.getpid()}'
        os.symlink('@submission@', link)
        try: return open(link).read()
        finally: os.remove(link)
        """,
    "the whole tree": """
        seen = []
        for folder, inside, names in os.walk('/'):
            seen += [n for n in names if n.endswith('.ipynb') or n.startswith(('lecture0', 'grades.csv'))]
            if folder.count('/') > (1 if folder.startswith(('/usr', '/lib')) else 6): inside.clear()
        return seen
        """,
    "any place to write": """
        done = []
        for folder, inside, _ in os.walk('/'):
            if folder.count('/') > (1 if folder.startswith(('/usr', '/lib')) else 6): inside.clear()
            if not folder.startswith('/tmp') and os.access(folder, os.W_OK):
                try: open(folder + '/hostile-was-here', 'w'); done.append(folder)
                except OSError: pass
        return done
        """,
    "passwords*": "return open('/etc/passwd').read()",
    "devices": """
        usual = 'null zero full random urandom tty console core fd ptmx pts shm stdin stdout stderr'.split()
        return sorted({*os.listdir('/dev')} - {*usual})
        """,
    "terminal": "import fcntl; return fcntl.ioctl(os.open('/dev/tty', os.O_RDWR), 0x5412, b'x') == 0",
    "writes to the system": """
        done = []
        places = '/ /usr /usr/lib /bin /box /box/a2d /dev /dev/shm /etc /var/tmp /root /home @folder@'.split()
        for folder in (*places, os.path.dirname(np.__file__), os.path.dirname(os.__file__), *sys.path):
            try: open(os.path.join(folder, 'hostile-was-here'), 'w'); done.append(folder)
            except OSError: pass
        return done
        """,
    "writes into modules": """
        for name in (np.__file__, os.__file__, sys.modules['teach.sandbox.wire'].__file__, sys.executable):
            for mode in ('r+b', 'ab'):
                try: return open(name, mode)
                except OSError: pass
            try: os.chmod(name, 0o777); return name
            except OSError: pass
        """,
    "more memory": "import resource as r; r.setrlimit(r.RLIMIT_AS, (-1, -1)); return True",
    "more time": "import resource as r; r.setrlimit(r.RLIMIT_CPU, (-1, -1)); return True",
    "more of the disk": """
        size = 0
        for n in range(40):
            with open(f'/tmp/{n}', 'wb') as f:
                for _ in range(16): size += f.write(bytes(1 << 20))
        return size > 64 << 20
        """,
    "a file of 2 GB": "f = open('/tmp/x', 'wb'); f.truncate(2 << 30); f.seek(2 << 30); return f.write(b'x')",
    "many files": """
        for n in range(100_000): open(f'/tmp/{n}', 'w').close()
        return True
        """,
    "programs in scratch": """
        import shutil
        shutil.copy('/bin/true', '/tmp/true'); os.chmod('/tmp/true', 0o755)
        libc.mmap.restype = ctypes.c_void_p
        return libc.mmap(None, 4096, 5, 2, os.open('/tmp/true', 0), ctypes.c_long(0)) not in (None, 2**64 - 1)
        """,
    "10 GB, swallowed": "return bytearray(10 << 30)",
    "expected values in memory": """
        import gc
        def like(v):
            return isinstance(v, np.ndarray) and v.ndim == 2 and v.size and v.dtype == float and v[0, 0] == x[0]
        found, frame = [], sys._getframe()
        while frame:
            found += [n for n, v in frame.f_locals.items() if like(v)]
            frame = frame.f_back
        for one in gc.get_objects():
            inside = one.values() if type(one) is dict else one if type(one) in (list, tuple) else ()
            found += [1 for v in list(inside) if like(v)]
        return found
        """,
    "words of the reference in memory": """
        import gc
        wanted = ('expected', 'reference', 'cases', 'wrong', 'misconception')
        return [k for one in gc.get_objects() if type(one) is dict and one.get('__name__', '').startswith('a2d')
                for k in wanted if k in one]
        """,
    "the class that it belongs to": "import teach.grading.marking as m; return m",
}


# ------------------------------------------------------------------------------------------- what wants points or harm


@dataclass(frozen=True)
class Attack:
    """The source of an answer, the outcomes that it may have, and the exercise; it earns nothing.

    ``told`` is a regular expression that its message matches.
    """

    source: str
    outcomes: tuple[str, ...]
    id: str = "1.1"
    told: str = ""


_IMPORTS = (
    "import atexit, builtins, ctypes, functools, gc, itertools, json, os, re, signal, sys, threading, time, warnings\n"
)
_IMPORTS += "import numpy as np\n\n"


def _in_function(body: str, *outcomes: str, told: str = "", gives: str = GIVES) -> Attack:
    """``body`` at the beginning of ``frame``, which then gives ``gives``."""
    lines = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    source = f"{_IMPORTS}def frame(x, n_fft, hop_length):\n{lines}\n    return {gives}\n"
    return Attack(source, outcomes, told=told)


def _at_import(body: str, *outcomes: str, told: str = "", gives: str = GIVES) -> Attack:
    """``body`` is run before ``frame`` is called, by statements that the answer takes along."""
    lines = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    source = f"{_IMPORTS}def first():\n{lines}\n\nat_import = first()\n"
    return Attack(
        f"{source}\ndef frame(x, n_fft, hop_length):\n    at_import\n    return {gives}\n", outcomes, told=told
    )


def _result(value: str, *outcomes: str, told: str = "", before: str = "") -> Attack:
    source = f"{_IMPORTS}{textwrap.dedent(before)}\ndef frame(x, n_fft, hop_length):\n    right = {GIVES}\n"
    return Attack(f"{source}    return {value}\n", outcomes or ("wrong",), told=told)


_TIME: dict[str, Attack] = {
    "endless loop": _in_function("while True: pass", "timeout", told="within 2 s of processor time"),
    "endless loop at import": _at_import("while True: pass", "timeout"),
    "sleep": _in_function("time.sleep(1e9)", "timeout"),
    "endless loop in C": _in_function("sum(itertools.repeat(0))", "timeout"),
    "endless search": _in_function("re.match('(a+)+$', 'a' * 60 + 'b')", "timeout"),
    "every signal ignored": _in_function(
        """
        for n in range(1, 65):
            try: signal.signal(n, signal.SIG_IGN)
            except (OSError, ValueError): pass
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
        while True: pass
        """,
        "timeout",
    ),
    "fork bomb": _in_function("while True: os.fork()", "error", told="not permitted"),
    "patient fork bomb": _in_function(
        """
        while True:
            try: os.fork()
            except OSError: pass
        """,
        "timeout",
    ),
    "thread bomb": _in_function(
        "while True: threading.Thread(target=time.sleep, args=(100,)).start()", "error", told="thread"
    ),
    "result pipe closed, then asleep": _in_function("os.closerange(3, 64); time.sleep(1e9)", "timeout"),
    "error with an endless text": _at_import(
        """
        class Slow(Exception):
            def __str__(self):
                while True: pass
        raise Slow
        """,
        "timeout",
    ),
    "endless result": _result(
        "E()",
        "timeout",
        "error",
        "killed",
        before="""
        class E(dict):
            def items(self):
                while True: yield 1, 2
        """,
    ),
}

_ENDS: dict[str, Attack] = {
    "exit of the process": _in_function("os._exit(0)", "killed", told="exit code 0"),
    "exit of the process at import": _at_import("os._exit(3)", "killed", told="exit code 3"),
    "sys.exit": _in_function("sys.exit(0)", "error", told="tries to end the program"),
    "sys.exit at import": _at_import("sys.exit(0)", "error"),
    "interrupt": _in_function("raise KeyboardInterrupt", "error", "killed"),
    "null pointer": _in_function("ctypes.string_at(0)", "killed", told="SIGSEGV"),
    "null pointer at import": _at_import("ctypes.string_at(0)", "killed", told="SIGSEGV"),
    "abort": _in_function("ctypes.CDLL(None).abort()", "killed"),
    "random memory": _in_function(
        "for n in range(4000): ctypes.memset(id(np) + 64 * n, 255, 64)", "killed", "error", "timeout"
    ),
    "deep recursion": _in_function(
        """
        def f(): f()
        f()
        """,
        "error",
        told="RecursionError",
    ),
    "recursion without a limit": _in_function(
        """
        sys.setrecursionlimit(10**9)
        a = []
        for _ in range(10**6): a = [a]
        repr(a)
        """,
        "killed",
        "error",
        "timeout",
    ),
    "10 GB": _in_function("np.ones(10 << 27)", "error", told="MemoryError"),
    "10 GB in pieces": _in_function("a = [np.empty(1 << 26, 'u1') for _ in range(160)]", "error", told="MemoryError"),
    "10 GB in a file in memory": _in_function("import mmap; mmap.mmap(-1, 10 << 30)", "error", "killed"),
    "memory for ever": _in_function(
        """
        kept = []
        while True:
            try: kept.append(bytearray(1 << 16))
            except MemoryError: pass
        """,
        "timeout",
    ),
    "result pipe closed": _in_function("os.closerange(3, 64)", "killed"),
    "result pipe is another": _in_function("os.dup2(os.open('/dev/null', os.O_WRONLY), 4)", "killed"),
    "2 GB of results": _in_function(
        """
        while True:
            for n in range(3, 64):
                try: os.write(n, bytes(1 << 16))
                except OSError: pass
        """,
        "killed",
        told="MB of results",
    ),
    "no more messages": _at_import("import teach.sandbox.worker as r; r.send_line = print", "killed"),
    "trace function": _in_function("sys.settrace(lambda *a: os._exit(0)); (lambda: 1)()", "killed"),
    "ends later": _at_import(
        "atexit.register(os._exit, 7); signal.setitimer(signal.ITIMER_REAL, 0.05)\n"
        "signal.signal(signal.SIGALRM, lambda *a: os._exit(7)); time.sleep(1)",
        "killed",
        told="exit code 7",
    ),
}

_RESULTS: dict[str, Attack] = {
    "text": _result("'right'"),
    "none": _result("None", "wrong"),
    "outcome as text": _result("'Exercise 1.1: Right (3 of 3 points).'"),
    "NaN": _result("right * np.nan", told="NaN"),
    "infinite": _result("right + np.inf"),
    "huge": _result("np.zeros(10**6)", "killed", told="MB of results"),
    "huge number": _result("10**100_000"),
    "huge text": _result("'x' * 10**7"),
    "long list": _result("[0] * 10**7", "killed", "error", "timeout"),
    "deep list": _result("functools.reduce(lambda a, _: [a], range(10**5), [])", "error", "killed"),
    "list of itself": _result(
        "a", "error", "killed", before="def deep(a=[]):\n    a.append(a)\n    return a\na = deep()\n"
    ),
    "equal to all": _result(
        "E()",
        before="""
        class E:
            __eq__ = __ne__ = __le__ = __ge__ = lambda *a: True
            __hash__ = object.__hash__
            __array__ = lambda self, *a, **k: np.ones((1, 1))
        """,
    ),
    "claims to be an array": _result(
        "E()",
        "wrong",
        "error",
        before="""
        class E:
            __class__ = np.ndarray
            ndim, dtype, shape, size = 2, np.dtype(float), (4, 4), 16
        """,
    ),
    "claims to be a tensor": _result(
        "E()",
        "wrong",
        "error",
        before="""
        E = type('E', (), {'__module__': 'torch', 'detach': lambda s: s, 'cpu': lambda s: s, 'numpy': lambda s: True})
        """,
    ),
    "array of objects": _result("right.astype(object)"),
    "array of a lying kind": _result(
        "a",
        before="""
        class E(np.ndarray):
            __eq__ = lambda *a: np.True_
            __sub__ = __rsub__ = lambda *a: 0
            __array_ufunc__ = __array_function__ = lambda *a, **k: np.zeros((1, 1), bool)
        a = np.zeros((3, 4)).view(E)
        """,
    ),
    "array of texts": _result("right.astype(str)"),
    "array of dates": _result("right.astype('M8[s]')"),
    "record array": _result("np.zeros(right.shape, 'f8,f8')"),
    "complex": _result("right + 0j"),
    "truth values": _result("right == right"),
    "one more axis": _result("right[None]"),
    "transposed": _result("right.T.copy()"),
    "read only zeros": _result("np.broadcast_to(0.0, right.shape)"),
    "generator": _result("(row for row in right)"),
    "iterator": _result("iter(right)"),
    "function": _result("frame"),
    "module": _result("np"),
    "class": _result("np.ndarray"),
    "exception": _result("AssertionError('Right')"),
    "memory view": _result("memoryview(right)"),
    "bytes": _result("right.tobytes()"),
    "set": _result("{1, 2}"),
    "dict": _result("{'value': right}"),
    "ellipsis": _result("...", "empty", "wrong"),
    "by number of the call": Attack(
        _IMPORTS + "calls = []\n\ndef frame(x, n_fft, hop_length):\n    calls.append(1)\n"
        f"    return {GIVES} + (len(calls) > 3)\n",
        ("wrong",),
    ),
    "yields": Attack(HONEST.replace("return", "yield"), ("wrong",)),
    "asynchronous": Attack(HONEST.replace("def frame", "async def frame"), ("wrong",)),
    "a class": Attack("class frame:\n    def __init__(self, x, n_fft, hop_length): pass\n", ("missing", "wrong")),
    "a number": Attack("frame = 3\n", ("missing",)),
    "an object that can be called": Attack(
        "class C:\n    __call__ = lambda *a: 1\nframe = C()\n", ("missing", "wrong")
    ),
    "decorated away": Attack("@lambda f: 3\ndef frame(x, n_fft, hop_length):\n    return 1\n", ("error",)),
    "too few arguments": Attack("def frame(x):\n    return x\n", ("error",), told="should take 3"),
    "itself": Attack("def frame(*a):\n    return frame\n", ("wrong",)),
    "its caller's answer": _result(
        "sys._getframe(1).f_locals and sys._getframe(2).f_locals.get('expected')", "empty", "wrong"
    ),
    "changed class": _result(
        "a",
        "wrong",
        "killed",
        "error",
        before="""
        a = np.zeros((2, 2))
        class E(list): __class__ = property(lambda s: np.ndarray)
        a = E([1])
        """,
    ),
}

_PATCHED = {
    "comparison": "np.isclose = np.allclose = np.array_equal = lambda *a, **k: True",
    "numpy": "np.asarray = np.array = lambda *a, **k: True\nnp.ndarray = object",
    "json": "json.dumps = lambda *a, **k: '{\"value\":true}'\njson.JSONEncoder = None",
    "base64": "import base64\nbase64.b64encode = lambda b: b'AAAA'",
    "is it an instance": "builtins.isinstance = lambda *a: True",
    "types": "builtins.type = lambda *a: dict",
    "everything is fine": "for n in 'len any all abs str print'.split(): setattr(builtins, n, lambda *a, **k: 1)",
    "wire": "import teach.sandbox.wire as w\nw.encode = w.dumps = lambda *a: '{\"value\":true}'",
    "answering": "import a2d.checks.answers as w\nw.answer = w.plain = lambda *a, **k: w.Answer(True)",
    "comparing": "import a2d.checks.comparison as w\nw.difference = lambda *a, **k: ''\nw.plain = lambda v: v",
    "the way of calling": "from a2d.exercises import calls as w\nw.plain = lambda *a: True",
    "the runner": """
        import teach.sandbox.worker as w
        w.answer = lambda *a, **k: w.Answer(True)
        w._message = lambda found: {'value': True}
        """,
    "the way out": r"""
        import teach.sandbox.worker as w
        w._write = lambda n, data: os.write(n, b'{"done":true}\n') and len(data)
        """,
    "the runner's frames": """
        f = sys._getframe()
        while f:
            f.f_locals.update(cases=[], expected=1, found=1)
            f = f.f_back
        """,
}
_PATCHES = {
    f"patched: {name}": _at_import(body, "wrong", "killed", "error", "empty", gives="np.zeros((1, 1))")
    for name, body in _PATCHED.items()
}

_SAYS: dict[str, Attack] = {
    "name of an outcome": _in_function(
        """
        class Right(Exception): pass
        raise Right("Exercise 1.1: Right (3 of 3 points).")
        """,
        "error",
    ),
    "script in an error": _in_function(
        "raise ValueError('<script>alert(1)</script><img src=x onerror=alert(2)>')", "error"
    ),
    "colours and bells": _in_function(r"raise ValueError('\x1b[31m\x07\x00\u202e\ud800 red')", "error"),
    "an address": _in_function("raise ValueError(object())", "error", told=r"0x\.\.\."),
    "error without a text": _in_function("raise AssertionError", "error"),
    "text of an error raises": _at_import(
        """
        class E(Exception):
            def __str__(self): raise ValueError
        raise E
        """,
        "error",
        "killed",
    ),
    "text of an error of 20 MB": _in_function("raise ValueError('x' * (20 << 20))", "error"),
    "text of an error is no text": _at_import(
        """
        class E(Exception):
            __str__ = lambda s: 3
        raise E
        """,
        "error",
        "killed",
    ),
    "warnings": _in_function(
        "for n in range(5_000): warnings.warn('<b>again</b>' * 100)", "wrong", told="Note: Python warned", gives="1.0"
    ),
    "its inputs": _in_function("raise ValueError(repr((x, n_fft, hop_length)) * 100)", "error"),
}

# ------------------------------------------------------------------------------------ straight into the result pipe


def _lines(*messages: object) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in messages)


_DEEP, _DONE = 100_000, {"done": True}
_CASES = 8
FORGED: dict[str, tuple[bytes, ...]] = {
    "done at once": (_lines(_DONE),),
    "done with nothing in it": (_lines(*[{"value": None}] * _CASES, _DONE),),
    "empty messages": (_lines(*[{}] * _CASES, _DONE),),
    "true in every case": (_lines(*[{"value": True, "right": True, "points": 3}] * _CASES, _DONE),),
    "thousands of messages": (_lines({"value": 1}) * 200_000,),
    "thousands of empty messages": (b"{}\n" * 1_000_000,),
    "a million lines": (b"\n" * 3_000_000,),
    "half a line": (b'{"value": {"array',),
    "no JSON": (b"\x00\xff right\n",),
    "not an object": (b'[]\n3\nnull\n"right"\n',),
    "deep": (b'{"value":' + b"[" * _DEEP + b"]" * _DEEP + b"}\n",),
    "less deep": tuple(b'{"value":' + b"[" * n + b"]" * n + b"}\n" for n in (20, 200, 400, 900)),
    "deep tuples": (b'{"value":' + b'{"tuple":[' * 300 + b"1" + b"]}" * 300 + b"}\n",),
    "deep keys": (b'{"value":{"dict":[[' + b'{"tuple":[' * 200 + b"1" + b"]}" * 200 + b",1]]}}\n",),
    "deep errors": tuple(
        b'{"' + key + b'":' + b"[" * 900 + b"]" * 900 + b',"value":1}\n'
        for key in (b"error", b"broken", b"failed", b"warning", b"changed", b"done", b"ready", b"unwritten")
    ),
    "errors that are no texts": tuple(
        _lines({key: what, "value": 1.0})
        for key in ("error", "failed", "warning", "changed")
        for what in (3, {}, [[1]])
    ),
    "a shape of 2**40": (_lines({"value": {"array": ["<f8", [2**40], ""]}}),),
    "a shape of nothing": (_lines({"value": {"array": ["<f8", [0, 2**39, 2**39], ""]}}),),
    "objects": (_lines({"value": {"array": ["|O8", [1], "gASVAAAAAAAAAA=="]}}),),
    "other types": tuple(
        _lines({"value": {"array": [code, [1], base64.b64encode(bytes(8)).decode()]}})
        for code in ("O", "<M8[s]", "V8", "S8", "<U2", "f8,f8", ">f8", "<f16", 3, None, ["<f8"])
    ),
    "neither true nor false": (_lines({"value": {"array": ["|b1", [2], "/wI="]}}),),
    "megabytes of base64": (
        _lines({"value": {"array": ["|b1", [2_700_000], base64.b64encode(bytes(2_700_000)).decode()]}}),
    ),
    "keys that have no hash": (_lines({"value": {"dict": [[[1], 1]]}}),),
    "NaN as a key": (b'{"value":{"dict":[[NaN,1],[NaN,2],[Infinity,3]]}}\n',),
    "huge numbers": tuple(
        b'{"value":' + n + b"}\n" for n in (b"9" * 30, b"9" * 4000, b"9" * 5000, b"9" * 10**6, b"1e999")
    ),
    "halves of letters": (
        b'{"error":"\\ud800 \\udfff"}\n',
        b'{"value":"\\ud800"}\n',
        b'{"value":{"other":"\\ud800"}}\n',
    ),
    "texts that explode": (
        _lines({"value": {"texts": [[200_000], ["x" * 20_000, *["a"] * 199_999]]}}),
        _lines({"value": ["x" * 20_000, *[1] * 500_000]}),
        _lines({"value": {"tuple": [{"texts": [[1], ["x" * 20_000]]}, *["a"] * 500_000]}}),
    ),
    "long texts": (_lines({"value": "x" * 3_000_000}), _lines({"error": "x" * 3_000_000})),
    "many numbers": (_lines({"value": [0] * 600_000}),),
    "trees of lists": tuple(_lines({"value": functools.reduce(lambda a, _: [a] * 4, range(n), 1)}) for n in (5, 6, 9)),
    "ready for ever": (b'{"ready":true}\n' * 200_000,),
    "the server's own word": (_lines({"ended": 0}, {"broken": True}),),
    "script": (_lines({"error": "<script>alert(1)</script>"}),),
    "other": (_lines({"value": {"other": "<script>alert(1)</script>" * 100}}),),
}


def forging(data: bytes, ending: str) -> Attack:
    """Writes bytes into the pipe of the results, and then ends the process, goes on, or sleeps."""
    then = {"exits": "os._exit(0)", "goes on": "return np.zeros((1, 1))", "sleeps": "import time; time.sleep(1e9)"}[
        ending
    ]
    # The data come packed: an answer of many characters is not looked at.
    packed = base64.b85encode(zlib.compress(zlib.compress(data, 9), 9)).decode()
    source = f"""
import base64, os, zlib
import numpy as np

def frame(x, n_fft, hop_length):
    data = zlib.decompress(zlib.decompress(base64.b85decode({packed!r})))
    while data:
        data = data[os.write(4, data):]
    {then}
"""
    assert len(source) < 10_000
    return Attack(source, ("wrong", "error", "killed", "timeout", "empty"))


# ----------------------------------------------------------------------------------- the answer itself, by a back door

_DCT = """
def cepstrum(log_mel, n_mfcc):
    {how}
    return {what}(log_mel, type=2, norm="ortho", axis=1)[:, :n_mfcc]
"""
_CONVOLUTION = """
import torch
def conv_transpose(x, kernel, stride, padding):
    shaped = [torch.tensor(a)[None, None] for a in (x, kernel)]
    return {what}(*shaped, stride=[stride], padding=[padding])[0, 0].numpy()
"""
_BY_PATH = """
    import importlib.util, numpy
    path = numpy.__path__[0] + "/../scipy/fft/__init__.py"
    spec = importlib.util.spec_from_file_location("scipy.fft", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
"""
# Where SciPy computes the transform: 1.18, which Python 3.11 does not get, has another library for it.
_INNER = "_pocketfft" if importlib.util.find_spec("scipy.fft._pocketfft") else "_duccfft"
_DCTS = {
    "dct": ("from scipy.fft import dct", "dct"),
    "dct by another name": ("import scipy.fft as s", "s.dct"),
    "dct by two names": ("from scipy import fft as s; t = s", "t.dct"),
    "dct by getattr": ("import scipy.fft as s", "getattr(s, 'd' + 'ct')"),
    "dct by importlib": ("import importlib; s = importlib.import_module('scipy' + '.fft')", "vars(s)['dct']"),
    "dct by exec": ("n = {}; exec('from scipy.' + 'fft import d' + 'ct as f', n)", "n['f']"),
    "dct by a star": ("n = {}; exec('from scipy.fft import *', n)", "n['dct']"),
    "dct by its path": (_BY_PATH.strip(), "module.dct"),
    "dct of the older module": ("from scipy import fftpack as s", "getattr(s, 'd' + 'ct')"),
    "dct of the inner module": (f"import scipy.fft.{_INNER}.realtransforms as s", "getattr(s, 'd' + 'ct')"),
    "dct of the backend": ("import scipy.fft._realtransforms_backend as s", "getattr(s, 'd' + 'ct')"),
}
_CONVOLUTIONS = {
    "convolution": "torch.nn.functional.conv_transpose1d",
    "convolution by another name": "torch.conv_transpose1d",
    "convolution by getattr": "getattr(torch.nn.functional, 'conv_' + 'transpose1d')",
    "convolution by torch's own name": "getattr(torch, 'conv_' + 'transpose1d')",
    "convolution of aten": "getattr(torch.ops.aten, 'conv_' + 'transpose1d')",
}
_PLAIN = ("dct", "dct by another name", "convolution", "convolution by another name")


def _back_door(name: str, source: str, id: str) -> Attack:
    """What the source shows is told as that, and what is called when it is run."""
    return Attack(source, ("wrong",), id, "which is the answer itself" if name in _PLAIN else "")


# Where nothing is forbidden, each of them is right.
BACK_DOORS: dict[str, Attack] = {
    **{name: _back_door(name, _DCT.format(how=how, what=what), "1.5") for name, (how, what) in _DCTS.items()},
    **{name: _back_door(name, _CONVOLUTION.format(what=what), "5.2") for name, what in _CONVOLUTIONS.items()},
}

# The same with the watch turned off before, by a statement that the answer takes along.
_HOWS = {
    "no profile function": "import sys; sys.setprofile = sys.settrace = lambda f: None",
    "the watch does nothing": "import a2d.checks.watch as w; w.Watch.over = lambda self, function: function",
    "the watch sees nothing": "import a2d.checks.watch as w; w.Watch._called = w.Watch._called_in_c = lambda *a: None",
}
_WATCH_OFF = {
    f"dct, and {name}": Attack(
        f"import scipy.fft as s\ndef off():\n    {how}\nswitched = off()\n"
        + _DCT.format(how="switched", what="getattr(s, 'd' + 'ct')"),
        ("wrong",),
        "1.5",
    )
    for name, how in _HOWS.items()
}

ATTACKS: dict[str, Attack] = {**_TIME, **_ENDS, **_RESULTS, **_PATCHES, **_SAYS, **BACK_DOORS, **_WATCH_OFF}

# ----------------------------------------------------------------------- whole notebooks, which are run cell by cell


@dataclass(frozen=True)
class Played:
    """The cells of a hostile notebook and the outcomes that its exercise may have; it earns nothing.

    What is bound to the answer's name is an object, so that nothing can be cut out: the notebook has to be run.
    """

    cells: tuple[str, ...]
    outcomes: tuple[str, ...] = ("wrong",)


_BOUND = """
class Bound:
    calls = 0
    def __call__(self, x, n_fft, hop_length):
{body}
        return {gives}
frame = Bound()
"""
_ZEROS = "np.zeros((1, 1))"
_CHECK = 'a2d.check("1.1", frame)'
_THE_WATCH = "import a2d.checks.watch as w\n"
# Frames by another package, loaded and tried before: what loads in the midst of a check takes an answer's time.
_LOAD = "from sklearn.feature_extraction import image\nimage._extract_patches(np.zeros(9), 3, 2)\n"
_FOREIGN = "image._extract_patches(np.asarray(x), n_fft, hop_length)"
# The sums of the inputs of the notebook's own check.
_PUBLIC = sorted({round(float(case.args[0].sum()), 6) for case in verdicts.make_cases(exercises.get("1.1"), 0)})
# A check by hand: what a cell would write that knows how notebooks are run.
_BY_HAND = r"""
import os
def told(*messages):
    for one in messages:
        os.write(4, json.dumps(one).encode() + b"\n")
told({"check": "1.1", "source": "", "name": "frame"}, *[{"value": True, "right": True}] * 8, {"end": "1.1"})
"""


def _bound(gives: str = _ZEROS, body: str = "pass") -> str:
    return _BOUND.format(body=textwrap.indent(textwrap.dedent(body).strip(), " " * 8), gives=gives).strip()


def _played(*cells: str, gives: str = _ZEROS, body: str = "pass", outcomes: Sequence[str] = ("wrong",)) -> Played:
    """Cells before an answer that gives ``gives``, and its check."""
    dedented = [textwrap.dedent(one).strip() for one in cells]
    return Played((_IMPORTS + "import a2d", *dedented, _bound(gives, body), _CHECK), tuple(outcomes))


_AROUND_THE_CHECK = {
    "a check of its own": _played(
        """
        a2d.check = lambda id, f: print("Exercise 1.1: Right (3 of 3 points).")
        from a2d.checks import verdicts
        verdicts.check = a2d.check
        """
    ),
    "a verdict of its own": _played(
        """
        from a2d.checks import comparison, points, verdicts
        verdicts.judge = verdicts.compare = comparison.difference = lambda *a, **k: ""
        points.scaled = points.points_of = lambda *a, **k: 3
        """
    ),
    "answers of its own": _played(
        """
        from a2d.checks import answers
        from a2d.exercises import calls
        answers.answer = answers.plain = calls.plain = lambda *a, **k: True
        """
    ),
    "the course's function": _played(
        "theirs = a2d.mine('1.1')",
        gives="theirs(x, n_fft, hop_length)",
        outcomes=("wrong", "error", "missing"),
    ),
    "the course's function after a check": Played(
        (
            _IMPORTS + "import a2d",
            _bound(),
            _CHECK,
            "theirs = a2d.mine('1.1')",
            _bound("theirs(x, n_fft, hop_length)"),
            _CHECK,
        ),
    ),
    "a mine of its own": _played("a2d.mine = lambda id: np.zeros", gives="a2d.mine('1.1')((1, 1))"),
    "the seat is asked": _played(
        """
        from a2d.checks import verdicts
        seat = verdicts.seat
        seat.send({"check": "1.1", "source": "", "name": "frame"})
        for case in seat.ask()["cases"]:
            seat.send({"value": True, "right": True, "points": 3})
        seat.send({"end": "1.1"})
        seat.judged["1.1"] = True
        """
    ),
    "the seat is asked, and scikit-learn": _played(
        _LOAD,
        """
        from a2d.checks import verdicts
        from teach.sandbox import wire
        seat = verdicts.seat
        seat.send({"check": "1.1", "source": "", "name": "frame"})
        for case in seat.ask()["cases"]:
            x, n_fft, hop_length = wire.decode(case)
            cut = image._extract_patches(np.asarray(x), n_fft, hop_length)
            seat.send({"value": wire.encode(np.array(cut))})
        seat.send({"end": "1.1"})
        seat.ask()
        """,
    ),
    "a check by hand": _played(_BY_HAND),
    "a check by hand, and the end": _played(_BY_HAND + 'told({"done": True})', outcomes=("wrong", "missing")),
    "written into every file": _played(
        """
        for n in range(64):
            try: os.write(n, b'{"value":true,"right":true}\\n{"end":"1.1"}\\n{"done":true}\\n')
            except OSError: pass
        """,
        outcomes=("wrong", "missing"),
    ),
    "the grader's words are cut off": _played("os.close(3)", outcomes=("wrong", "missing", "error", "killed")),
    "the results are cut off": _played(
        "os.dup2(os.open('/dev/null', os.O_WRONLY), 4)", outcomes=("wrong", "missing", "error", "killed")
    ),
    "checked a thousand times": Played((_IMPORTS + "import a2d", _bound(), f"for _ in range(1000):\n    {_CHECK}")),
    "a check in the answer": _played(body=_CHECK, outcomes=("wrong", "error", "killed", "timeout", "missing")),
}

_THE_SHELL = {
    "hooks of the shell": _played(
        """
        ip = get_ipython()
        ip.events.register("pre_run_cell", lambda info: setattr(info, "raw_cell", "frame = 3"))
        ip.events.register("post_run_cell", lambda result: ip.user_ns.update(frame=None))
        ip.input_transformers_cleanup.append(lambda lines: ["frame = 3\\n"])
        """,
        outcomes=("wrong", "missing"),
    ),
    "trees are changed": _played(
        """
        import ast
        class Change(ast.NodeTransformer):
            def visit_Call(self, node): raise SystemExit
        get_ipython().ast_transformers.append(Change())
        """,
        outcomes=("wrong", "missing"),
    ),
    "cells are not run": _played("get_ipython().run_cell = lambda *a, **k: None", outcomes=("wrong", "missing")),
    "a cell that runs itself": _played(
        """
        def again():
            get_ipython().run_cell("again()")
        again()
        """,
        outcomes=("wrong", "missing", "killed", "timeout"),
    ),
    "hooks of what is shown": _played(
        """
        def ends(*a, **k): raise SystemExit("right")
        sys.displayhook = sys.excepthook = sys.unraisablehook = ends
        ip = get_ipython()
        ip.showtraceback = ip.display_formatter.format = ip.displayhook.__class__.__call__ = ends
        1 / 0
        """,
        outcomes=("wrong", "missing"),
    ),
    "magics of its own": _played(
        """
        ip = get_ipython()
        for name in ("time", "capture", "timeit", "run"):
            ip.register_magic_function(lambda *a: os._exit(0), "line_cell", name)
        %time x = 1
        """,
        outcomes=("wrong", "missing", "killed"),
    ),
    "at its end": _played(
        """
        import weakref
        forged = b'{"check":"1.1","source":""}\\n{"value":true}\\n{"end":"1.1"}\\n{"done":true}\\n'
        atexit.register(os.write, 4, forged)
        class Last:
            def __del__(self):
                print("Exercise 1.1: Right (3 of 3 points).")
                os.write(4, forged)
        last = Last()
        weakref.finalize(last, os.write, 4, forged)
        del last
        """,
        outcomes=("wrong", "missing"),
    ),
    "an alarm": _played(
        """
        def ring(*a):
            os.write(4, b'{"value":true}\\n{"end":"1.1"}\\n')
        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        """,
        outcomes=("wrong", "missing", "error", "killed"),
    ),
    "nothing stops it": _played(
        """
        signal.signal(signal.SIGPROF, signal.SIG_IGN)
        signal.signal(signal.SIGXCPU, signal.SIG_IGN)
        while True: pass
        """,
        outcomes=("wrong", "missing", "timeout", "killed"),
    ),
    "threads that live on": _played(
        """
        import _thread
        def later():
            time.sleep(0.2)
            os.write(4, b'{"value":true}\\n' * 8)
        for start in (lambda: threading.Thread(target=later).start(), lambda: _thread.start_new_thread(later, ())):
            try: start()
            except BaseException: pass
        """
    ),
    "trace and profile": _played(
        """
        sys.settrace(lambda *a: os._exit(0) if a[1] == "exception" else None)
        sys.setprofile(lambda *a: None)
        threading.settrace(os._exit)
        """,
        outcomes=("wrong", "missing", "killed"),
    ),
    "an audit that refuses everything": _played(
        """
        def refuse(*a): raise RuntimeError("right")
        sys.addaudithook(refuse)
        """,
        outcomes=("wrong", "missing", "error"),
    ),
    "other builtins": _played(
        """
        for n in 'len isinstance getattr callable str print open type compile exec __import__'.split():
            setattr(builtins, n, lambda *a, **k: True)
        """,
        outcomes=("wrong", "missing", "error", "killed"),
    ),
    "reloaded": _played(
        """
        import importlib
        from a2d.checks import verdicts
        for module in (a2d, verdicts, a2d.checks): importlib.reload(module)
        """,
        outcomes=("wrong", "missing"),
    ),
    "modules thrown away": _played(
        """
        for name in [*sys.modules]:
            if name.startswith(("a2d", "teach")): del sys.modules[name]
        import a2d
        """,
        outcomes=("wrong", "missing"),
    ),
}

_TOO_MUCH = {
    "forks for ever": _played(
        """
        while True:
            try: os.fork()
            except OSError: pass
        """
    ),
    "memory that is kept": _played(
        """
        kept = []
        while True:
            try: kept.append(bytearray(1 << 20))
            except MemoryError: break
        """,
        outcomes=("wrong", "error", "missing", "killed"),
    ),
    "prints for ever": _played("while True: print('x' * 100_000, file=sys.__stdout__); print('x' * 100_000)"),
    "shows much": _played("x = ['x' * 1000] * 10_000\nx", "from IPython.display import display\ndisplay(x, x, x)"),
    "without an end": _played(gives="itertools.count()"),
    "a list without an end": _played(
        """
        class E(list):
            def __iter__(self): return itertools.repeat(1)
        """,
        gives="E()",
        outcomes=("wrong", "error", "missing", "killed", "timeout"),
    ),
    "a wait for ever in the answer": _played(body="while True: pass", outcomes=("error", "timeout", "missing")),
}

_RESULTS_OF_NOTEBOOKS = {
    "comparisons that please": _played(
        """
        import numpy.testing
        np.isclose = np.allclose = np.array_equal = numpy.testing.assert_allclose = lambda *a, **k: np.True_
        numpy.testing.assert_array_equal = numpy.testing.assert_equal = lambda *a, **k: None
        """
    ),
    "it is equal to all": _played(
        """
        class E(np.ndarray):
            __eq__ = __ne__ = __le__ = __ge__ = lambda *a: np.True_
            __array_ufunc__ = __array_function__ = lambda *a, **k: np.True_
            __array_finalize__ = lambda *a: None
        """,
        gives="np.zeros((3, 4)).view(E)",
    ),
    "a tensor that is equal to all": _played(
        """
        import torch
        class E(torch.Tensor):
            __module__ = "torch"
            __torch_function__ = classmethod(lambda *a, **k: True)
            detach = cpu = lambda self: self
            numpy = lambda self: np.ones((1, 1))
        """,
        gives="E()",
    ),
    "harm on its way out": _played(
        """
        class Harm:
            __reduce__ = __reduce_ex__ = __getstate__ = __copy__ = lambda *a: (os._exit, (0,))
            __deepcopy__ = __array__ = __len__ = __iter__ = __str__ = __repr__ = lambda *a, **k: os._exit(0)
        """,
        gives="Harm()",
    ),
    "harm in a container": _played(
        """
        class Harm(dict):
            __reduce__ = __reduce_ex__ = lambda *a: (os._exit, (0,))
            __hash__ = lambda self: os._exit(0)
        """,
        gives="[(Harm(a=Harm()), {'x': Harm()})]",
    ),
    "a number that lies": _played(
        """
        class Lie(float):
            __eq__ = __le__ = __lt__ = __ge__ = lambda *a: True
            __sub__ = __rsub__ = __abs__ = __float__ = __pos__ = lambda *a: 0.0
            __hash__ = float.__hash__
        """,
        gives="[[Lie(7)] * n_fft] * 2",
    ),
    "nowhere a number": _played(gives="np.full((1 + (len(x) - n_fft) // hop_length, n_fft), np.nan)"),
    "infinite": _played(gives="np.full((1 + (len(x) - n_fft) // hop_length, n_fft), np.inf)"),
    "eight bits": _played(gives=f"(10 * {GIVES}).astype(np.int8)"),
    "right for the first calls": _played(body="self.calls += 1", gives=f"{GIVES} * (self.calls < 3)"),
    "right for the last calls": _played(body="self.calls += 1", gives=f"{GIVES} * (self.calls > 1)"),
    "right on known inputs": _played(gives=f"{GIVES} * (round(float(np.sum(x)), 6) in {_PUBLIC})"),
}

_PAST_THE_WATCH = {
    "no profile function": _played(
        _LOAD + "sys.setprofile = sys.settrace = lambda f: None",
        gives=_FOREIGN,
    ),
    "the watch does nothing": _played(
        _LOAD, _THE_WATCH + "w.Watch.over = lambda self, function: function", gives=_FOREIGN
    ),
    "the watch sees nothing": _played(
        _LOAD,
        _THE_WATCH + "w.Watch._event = w.Watch._called = w.Watch._called_in_c = lambda *a: None",
        gives=_FOREIGN,
    ),
    "the watch allows more": _played(
        _LOAD, _THE_WATCH + "w.PACKAGES = w.TELLING = ('numpy', 'sklearn')", gives=_FOREIGN
    ),
    "code that says it is NumPy's": _played(
        _LOAD,
        """
        code = "def cut(*a): return image._extract_patches(*a)"
        exec(compile(code, np.__file__, "exec"))
        """,
        gives="cut(np.asarray(x), n_fft, hop_length)",
    ),
    "code that says it is the check's": _played(
        _LOAD,
        """
        import a2d.checks.answers
        code = "def answer(*a): return image._extract_patches(*a)"
        exec(compile(code, a2d.checks.answers.__file__, "exec"))
        """,
        gives="answer(np.asarray(x), n_fft, hop_length)",
    ),
    "a module's name of the course": Played(
        (
            _IMPORTS + "import a2d",
            _LOAD,
            f"def framed(x, n_fft, hop_length):\n    return {_FOREIGN}",
            "frame = functools.partial(framed)\nframe.__module__ = framed.__module__ = 'a2d.features'",
            _CHECK,
        )
    ),
    "a function for NumPy to call": _played(
        _LOAD, gives="np.apply_along_axis(image._extract_patches, 0, np.asarray(x), n_fft, hop_length)"
    ),
    "a function of another package": Played((_IMPORTS + "import a2d", _LOAD, "frame = image._extract_patches", _CHECK)),
    "an innocent source": _played(
        _LOAD + f"def innocent(x, n_fft, hop_length):\n    return {GIVES}\n",
        body="self.__wrapped__ = innocent",
        gives=_FOREIGN,
    ),
    "wrapped by itself": Played(
        (
            _IMPORTS + "import a2d",
            "def frame(x, n_fft, hop_length):\n    raise ValueError('right')",
            "frame.__wrapped__ = frame",
            _CHECK,
        ),
        ("error",),
    ),
    "a name that fails": _played(
        """
        class Named:
            @property
            def __name__(self): raise SystemExit
            __wrapped__ = __code__ = __signature__ = __module__ = __doc__ = __name__
        """,
        gives="Named()",
    ),
}

PLAYED: dict[str, Played] = {
    **_AROUND_THE_CHECK,
    **_THE_SHELL,
    **_TOO_MUCH,
    **_RESULTS_OF_NOTEBOOKS,
    **_PAST_THE_WATCH,
}

# What a cell looks for, and puts into ``found``; the answer is right if that is empty.
REACHES_PLAYED: dict[str, str] = {
    "the exercises": """
        import importlib
        from pathlib import Path
        from a2d import exercises
        for path in Path(exercises.__file__).parent.glob("e[0-9]*.py"):
            module = importlib.import_module(f"a2d.exercises.{path.stem}")
            found += [name for name in vars(module) if not name.startswith("__")]
        """,
    "one of the exercises": "found.append(a2d.exercises.get('1.1').reference)",
    "solutions among the files": """
        for folder, inside, names in os.walk('/'):
            if folder.count('/') > 8: inside.clear()
            for name in names if folder != "/box/results" else ():  # what was measured, as students have it
                known = re.match(r"(e\\d\\d_\\w+\\.(py|.*pyc)|.*\\.ipynb|rubrics.toml|grades.csv|grading.json)$", name)
                if known and os.access(f"{folder}/{name}", os.R_OK) and open(f"{folder}/{name}", "rb").read(1):
                    found.append(name)
        """,
    "the grader's modules": """
        import importlib
        for name in ("grading.marking", "grading.notebook", "lectures.build", "rehearsal.wording", "sandbox.box"):
            try: found.append(importlib.import_module("teach." + name).__name__)
            except ImportError: pass
        found += [name for name in sys.modules if name.startswith(("teach.grading", "teach.rehearsal"))]
        """,
    "programs and the network": """
        import socket, subprocess
        spawn = functools.partial(os.posix_spawn, "/bin/true", ["true"], {})
        for reach in (socket.socket, functools.partial(subprocess.run, ["true"]), spawn):
            try: found.append(str(reach()))
            except OSError: pass
        """,
    "places that last": """
        for folder in ("/", "/box", "/box/a2d", os.path.dirname(np.__file__), os.path.dirname(os.__file__), *sys.path):
            if folder:
                try: found.append(open(folder + "/hostile-was-here", "w").name)
                except OSError: pass
        """,
}


def reaching_played(body: str) -> tuple[str, ...]:
    """The cells of a notebook that looks for something, and answers rightly if it is not there."""
    look = f"found = []\n{textwrap.dedent(body).strip()}"
    answer = _bound(GIVES, "assert not found, found")
    return _IMPORTS + "import a2d", look, answer, _CHECK


# Looks through the memory, and at who calls, in the midst of a check; the answer is right if nothing is there.
IN_THE_MIDST = (
    _IMPORTS + "import a2d",
    """def like(v):
    return isinstance(v, np.ndarray) and v.ndim == 2 and v.size and v.dtype == float
def look(x):
    found, frame = [], sys._getframe(2)
    while frame:
        found += [n for n, v in frame.f_locals.items() if like(v) and v[0, 0] == x[0]]
        frame = frame.f_back
    for one in gc.get_objects():
        inside = one.values() if type(one) is dict else one if type(one) in (list, tuple) else ()
        found += [1 for v in list(inside) if like(v) and v[0, 0] == x[0]]
    return found""",
    _bound(GIVES, "found = look(x)\nassert not found, found"),
    _CHECK,
)


# ------------------------------------------------------------------------------------------ files that are hard to read


@dataclass(frozen=True)
class Broken:
    """A notebook file, how exercise 1.1 of it must end, and its points; ``problem`` is in one of the problems."""

    data: bytes
    outcomes: tuple[str, ...]
    points: float = 0
    problem: str = ""


def _code(*cells: object, outcomes: Sequence[str] = ("right",), problem: str = "") -> Broken:
    """Cells beside an honest answer, which counts unless ``outcomes`` say something else."""
    return Broken(notebook(*cells, HONEST), tuple(outcomes), 3 if tuple(outcomes) == ("right",) else 0, problem)


def _answer(source: str, *outcomes: str, problem: str = "") -> Broken:
    return Broken(notebook(source), outcomes, 0, problem)


_HEAD = "def frame(x, n_fft, hop_length):\n    "
_IFS = "".join(" " * n + "if a:\n" for n in range(90)) + " " * 90 + "frame = b\n"
_OLD = {"worksheets": [{"cells": [{"cell_type": "code", "language": "python", "input": HONEST}]}], "nbformat": 3}
_DEEPER = '{"cells":[{"cell_type":"code","source":"x=1","metadata":' + "[" * 100_000 + "]" * 100_000 + "}]}"
_DEEP_KIND = '{"cells":[{"cell_type":' + "[" * 900 + "]" * 900 + ',"source":"x=1"}]}'

NOTEBOOKS: dict[str, Broken] = {
    "nothing": Broken(b"", ("unreadable",), problem="it is empty"),
    "spaces": Broken(b" \n" * 1000, ("unreadable",), problem="it is empty"),
    "half a file": Broken(notebook(HONEST)[:-20], ("unreadable",), problem="JSON is broken"),
    "a list": Broken(b"[1, 2]", ("unreadable",), problem="no cells"),
    "a number": Broken(b"3", ("unreadable",), problem="no cells"),
    "a picture": Broken(b"\x89PNG\r\n\x1a\n" + bytes(1000), ("unreadable",), problem="not a notebook"),
    "nested lists": Broken(b"[" * 1_000_000, ("unreadable",), problem="nested too deeply"),
    "nested metadata": Broken(_DEEPER.encode(), ("unreadable",), problem="nested too deeply"),
    "nested kind of cell": Broken(_DEEP_KIND.encode(), ("missing", "unreadable")),
    "huge number": Broken(b'{"nbformat":' + b"9" * 100_000 + b',"cells":[]}', ("unreadable",)),
    "cells are null": Broken(b'{"cells": null}', ("unreadable",)),
    "cells are odd": _code(cell(3), cell(None), cell([1, None, "x = 1"]), cell({"a": 1})),
    "metadata are odd": _code({"cell_type": "code", "source": "x = 1", "metadata": [], "id": [1]}),
    "no metadata": Broken(json.dumps({"cells": [{"cell_type": "code", "source": HONEST}]}).encode(), ("right",), 3),
    "no kind": Broken(json.dumps({"cells": [{"source": HONEST}]}).encode(), ("right",), 3),
    "old format": Broken(json.dumps(_OLD).encode(), ("right",), 3),
    "NaN": Broken(notebook(HONEST).replace(b'"nbformat": 4', b'"nbformat": NaN'), ("right",), 3),
    "UTF-16": Broken(notebook(HONEST).decode().encode("utf-16"), ("right",), 3),
    "byte order mark": Broken(b"\xef\xbb\xbf" + notebook(HONEST), ("right",), 3),
    "Latin-1": Broken(
        json.dumps({"cells": [cell("# caf\xe9\n" + HONEST)]}, ensure_ascii=False).encode("latin-1"),
        ("right",),
        3,
        "not UTF-8",
    ),
    "halves of letters": _code(cell("# \ud800"), cell("\udfff", "01-answer-1-6", "markdown"), cell("x = '\ud800'")),
    "NUL": _code("x = '\0'", problem="cannot read the cell"),
    "ends of lines": _code(HONEST.replace("\n", "\r\n"), "a = 1\rb = 2\r\n"),
    "old ends of lines": Broken(notebook(HONEST.replace("\n", "\r")), ("right",), 3),
    "form feeds": Broken(notebook("a = '\x0c'\n\x0cb = 3\n\x0c\n" + HONEST), ("right",), 3),
    "separators": Broken(notebook("s = '\u2028 \x85 \x1c'\nt = 4\n" + HONEST), ("right",), 3),
    "tabs and spaces": _code("if True:\n\ta = 1\n        b = 2\n", problem="cannot read the cell"),
    "indented": Broken(notebook(textwrap.indent(HONEST, "    ")), ("right",), 3),
    "same ids": _code(*[cell("x = 1", "same")] * 50),
    "a long id": _code(cell("x = 1", "exercise-1-1" * 100_000)),
    "a thousand cells of one exercise": _code(*[cell(f"def f{n}(): pass", "exercise-1-1") for n in range(1000)]),
    "100,000 cells": Broken(notebook(*["x=1"] * 100_000), ("missing",), problem="only the first"),
    "a cell of 10 MB": _code("#" * 10_000_000, problem="was not read"),
    "a line of 150 kB": _code("x = " + "1," * 75_000, problem="was not read"),
    "an id of two cells": _code(cell("def a(x): pass", "exercise-1-1"), cell("def b(x): pass", "exercise-1-1")),
    "a hundred broken cells": _code(*["("] * 100, problem="80 more cells"),
    "brackets": _code("(" * 5000, problem="cannot read the cell"),
    "more brackets": _code("[" * 100_000, problem="was not read"),
    "minus": _code("-" * 19_000 + "1"),
    "dots": _code("a" + ".b" * 9_000),
    "nested calls": _code("f" + "()" * 9_000),
    "sums": _code("+".join("1" * 9_000)),
    "nested ifs": _code(_IFS),
    "nested lambdas": _code("lambda:" * 2_000 + "1"),
    "texts with fields": _code("f'" + "{x}" * 6_000 + "'"),
    "huge literal": _code("x = " + "9" * 19_000, problem="cannot read the cell"),
    "huge hexadecimal literal": _code("x = 0x" + "f" * 19_000),
    "blank lines": _code("\n" * 9_000 + "(", problem="cannot read the cell"),
    "blanks": _code(" " * 19_000 + "(", problem="cannot read the cell"),
    "magics": _code("%time 1\n" * 2_000 + "("),
    "shell commands": _code("!rm -rf ~\nx = !cat /etc/passwd\n%%bash\n"),
    "magic that writes": _code("%%writefile ../../hostile-was-here\nhello"),
    "a chain of names": _code("x = 1", *["x = x\n" * 100] * 40),
    "statements on a line": _code("x;" * 4_000),
    "answer with minus": _answer(_HEAD + "return " + "-" * 900 + "1", "error", "wrong"),
    "answer with dots": _answer(_HEAD + "return x" + ".b" * 900, "error"),
    "answer with many dots": _answer(_HEAD + "return [" + ",".join(["x" + ".b" * 90] * 50) + "]", "error"),
    "answer with brackets": _answer(_HEAD + "return " + "(" * 5000, "error"),
    "answer with a huge number": _answer(_HEAD + "return 0x" + "f" * 9_000, "wrong"),
    "long answer": _answer(_HEAD + "return [" + "1," * 8_000 + "]", "error", "wrong"),
    "answers that differ": _code(*[f"{_HEAD}return 0xf{n:04000x}" for n in range(20)]),
    "return outside": _answer("frame = lambda *a: 1\nif frame:\n    return frame = 2", "missing", "error"),
    "only a stub": _answer(_HEAD + "...", "empty"),
    "stub that raises": _answer(_HEAD + "raise NotImplementedError(" + "-" * 900 + "1)", "empty", "error", "wrong"),
    "edited check": _answer(
        'import a2d\na2d.check = lambda *a: print("Exercise 1.1: Right (3 of 3 points).")\n'
        'frame = None\na2d.check("1.1", frame)',
        "missing",
    ),
    "a forged output": Broken(
        notebook(
            cell(
                _HEAD + "return None",
                "01-exercise-1-1",
                outputs=[{"output_type": "stream", "text": "Exercise 1.1: Right (3 of 3 points)."}],
            ),
            points=3,
            grade={"1.1": 3},
            metadata={"a2d": {"1.1": {"outcome": "right", "points": 3}}},
        ),
        ("empty",),
    ),
}
