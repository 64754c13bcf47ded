"""Making a folder beside its place and swapping it in, so that nobody ever meets half of one."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from a2d.errors import CourseError


@contextlib.contextmanager
def new_folder(
    out: Path, check: Callable[[], None] = lambda: None, beside: Mapping[str, Path] | None = None
) -> Iterator[Path]:
    """Give a new, empty folder beside ``out``; it takes the place of ``out`` when the block ends without an error.

    ``check`` raises if that place may not be taken; it is asked before the block and, as the block takes its time,
    after it. ``beside`` are files that the block writes beside the new folder, by name, and the places that they take
    after it. Whatever was at ``out`` is deleted only when the new folder stands there. Raises :class:`CourseError` for
    a disk that refuses; then everything is as it was before.
    """
    check()
    work: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        new, old = work / "new", work / "old"
        new.mkdir()
        yield new
        check()
        _swap(new, out, old)
        for name, place in (beside or {}).items():
            os.replace(work / name, place)
    except OSError as error:
        hint = "Free some space, or choose another folder that you may write to"
        raise CourseError(f"cannot write here ({error.strerror or error})", where=out, hint=hint) from error
    finally:
        if work is not None and (os.path.lexists(out) or not (work / "old").exists()):
            shutil.rmtree(work, ignore_errors=True)


def _swap(new: Path, out: Path, old: Path) -> None:
    moved = out.exists()
    if moved:
        os.rename(out, old)
    try:
        os.rename(new, out)
    except BaseException:
        if moved:
            os.rename(old, out)
        raise
