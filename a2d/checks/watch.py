"""What a learner's function calls while it runs: whether the answer itself is among it, however it is come by.

A name in a source can be hidden (``getattr``, an alias, a registry); a call cannot. Python tells a *profile function*
of each call that is made in Python, and PyTorch tells a *dispatch mode* of each of its operators, those of automatic
differentiation included. Both note what is forbidden, and change nothing.

>>> import numpy as np
>>> watch = Watch(("numpy.cumsum",))
>>> watch.over(lambda: getattr(np, "cum" + "sum")([1, 2]))()
array([1, 3])
>>> watch.used
'numpy.cumsum'
"""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from types import CodeType, FrameType
from typing import Any

# What answers may use beside the standard library; grading has nothing else.
PACKAGES = ("numpy", "scipy", "torch")
# What these need themselves.
_NEEDED = (
    *("filelock", "fsspec", "functorch", "jinja2", "markupsafe", "mpmath", "networkx", "optree", "packaging", "psutil"),
    *("setuptools", "sympy", "torchgen", "triton", "typing_extensions", "yaml"),
)
# What prints in a notebook goes through it. What *it* calls counts as the answer's own: it may be asked to run
# anything.
TELLING = ("IPython", "ipykernel", "ipywidgets", "comm", "jupyter_client", "dateutil", "tornado", "traitlets", "zmq")
# What starts something else beside the answer, which nothing watches.
THREADS = "threads or processes"
_STARTS = ("start_new_thread", "start_new", "start_joinable_thread", "fork", "forkpty", "fork_exec", "posix_spawn")
_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Python's own modules, and those that it was built with.
_STANDARD = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
# Where a notebook's code says that it stands.
_CELLS = ("<ipython", "<answer", "<stdin")
_SITES = ("site-packages", "dist-packages", os.path.join("box", "site"))
# Held here because a learner's code may put others in their place.
_getprofile, _setprofile, _settrace = sys.getprofile, sys.setprofile, sys.settrace
_collects, _collect_no_more, _collect_again = gc.isenabled, gc.disable, gc.enable
# What of PyTorch would end the watch before the function ends.
_ENDS = ("_disable_current_modes", "_pop_mode", "script", "compile")


class Watch:
    """Notes in :attr:`used` the first forbidden function that is called.

    ``forbidden``: functions and classes in full, as ``torch.nn.functional.fold``; one is recognised by its package and
    its last name, which may have stars (``torch.conv*``). Whatever is of this package, or of packages other than
    :data:`PACKAGES` and :data:`TELLING`, is forbidden, too, but for the functions ``given`` and what these call.
    """

    def __init__(self, forbidden: Sequence[str] = (), given: Sequence[str] = ()):
        self.used = ""
        self._names: dict[str, list[str]] = {}
        for name in forbidden:
            self._names.setdefault(name.partition(".")[0], []).append(name)
        self._given = {name.rpartition(".")[2] for name in given}
        self._inside: FrameType | None = None
        self._own: CodeType | None = None

    def over(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, watched whenever it is called."""

        def watched(*args: Any, **options: Any) -> Any:
            before = _getprofile()
            # A collection runs what other packages left to be run then, which is none of the function's calls.
            collects = _collects()
            _collect_no_more()
            try:
                with self._operators():
                    _setprofile(self._event)
                    try:
                        return function(*args, **options)
                    finally:
                        _setprofile(before)
            finally:
                if collects:
                    _collect_again()

        self._own = watched.__code__
        return functools.wraps(function)(watched)

    @contextlib.contextmanager
    def _operators(self) -> Iterator[None]:
        """Have PyTorch tell of its operators, where it is loaded and one of them is forbidden."""
        if "torch" not in self._names or "torch" not in sys.modules:
            yield
            return
        from torch.utils._python_dispatch import TorchDispatchMode

        note = self._operator

        class Told(TorchDispatchMode):
            @classmethod
            def _should_skip_dynamo(cls) -> bool:
                """Nothing is compiled in a check, and keeping the compiler out would load it first: five seconds."""
                return False

            def __torch_dispatch__(
                self, function: Any, types: Any, args: Sequence[Any] = (), options: dict[str, Any] | None = None
            ) -> Any:
                note(str(function._schema.name).rpartition("::")[2])
                return function(*args, **(options or {}))

        with Told():
            yield

    def _operator(self, name: str) -> None:
        self.used = self.used or self._match("torch", name)

    def _event(self, frame: FrameType, event: str, argument: Any) -> None:
        if self.used:
            return
        if self._inside is not None:
            if frame is self._inside and event == "return":
                self._inside = None
        elif event == "call":
            self._called(frame)
        elif event == "c_call":
            self._called_in_c(frame, argument)
        elif event == "c_return" and getattr(argument, "__name__", "") in _STARTS and _whose(frame) is None:
            # Where it is refused, nothing has begun: who gets by without it may.
            self.used = THREADS

    def _called(self, frame: FrameType) -> None:
        code = frame.f_code
        package = package_of(code)
        if package == "a2d":
            if code.co_name in self._given:
                self._inside = frame
            elif not _is_of_the_check(code):
                self.used = f"a2d's {code.co_name}"
            return
        if package in TELLING:
            return
        if package not in (*PACKAGES, None):
            # What they need NumPy, SciPy and PyTorch may call, but not whatever they are given to call. The check calls
            # an answer only, and another package that one was let into may go on.
            caller = _caller(frame)
            theirs = caller in PACKAGES and (package in _NEEDED or code.co_name == "<module>")
            if caller in (*PACKAGES, "a2d", None) and not theirs:
                self.used = str(package)
            return
        root = package or str(frame.f_globals.get("__name__", "")).partition(".")[0]
        self.used = self._match(root, code.co_name) or self._match(root, _outer(code))
        if package == "torch" and code.co_name in _ENDS and _caller(frame) is None:
            self.used = self.used or f"torch's {code.co_name}"

    def _called_in_c(self, frame: FrameType, function: Any) -> None:
        name = str(getattr(function, "__name__", ""))
        if function is _setprofile or function is _settrace:
            # The watch's own end is the only one that may.
            self.used = "" if frame.f_code is self._own else f"sys.{name}"
            return
        module = getattr(function, "__module__", None) or type(getattr(function, "__self__", None)).__module__
        self.used = self._match(str(module).partition(".")[0], name)

    def _match(self, package: str, name: str) -> str:
        for full in self._names.get(package, ()):
            if name and fnmatch.fnmatchcase(name, full.rpartition(".")[2]):
                return full
        return ""


def _outer(code: CodeType) -> str:
    """The class that a method is of: making an object of a class calls its ``__init__``."""
    return str(getattr(code, "co_qualname", "")).partition(".")[0]


def _caller(frame: FrameType) -> str | None:
    """The package whose code called, by way of the standard library perhaps; None for an answer's own code."""
    return _whose(frame.f_back)


def _whose(frame: FrameType | None) -> str | None:
    """The package whose code a frame runs, seen through Python's and :data:`TELLING`; None for an answer's own."""
    while frame is not None:
        found = package_of(frame.f_code)
        if found not in TELLING and not (found is None and _is_standard(frame.f_code)):
            return found
        frame = frame.f_back
    return None


@cache
def package_of(code: CodeType) -> str | None:
    """The package that a function's code is of; None for the standard library's and for what was written elsewhere."""
    path = code.co_filename
    if path.startswith(_OWN + os.sep):
        return "a2d"
    for site in _SITES:
        _, there, rest = path.partition(f"{os.sep}{site}{os.sep}")
        if there:
            return rest.partition(os.sep)[0].removesuffix(".py")
    return None


def _is_standard(code: CodeType) -> bool:
    """Whether code is the standard library's, or was made of a text: that is whose it is that called it."""
    path = code.co_filename
    return path.startswith(_STANDARD) or (path.startswith("<") and not path.startswith(_CELLS))


def _is_of_the_check(code: CodeType) -> bool:
    """Whether code of the course is the check's own, which an answer cannot help being called by."""
    inside = code.co_filename.removeprefix(_OWN + os.sep).replace(os.sep, "/")
    return inside.startswith("checks/") or inside == "exercises/calls.py"
