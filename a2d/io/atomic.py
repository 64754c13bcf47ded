"""Writing files so that a reader, or a crash, never meets half of one."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from a2d.errors import A2DError


@contextlib.contextmanager
def atomic_path(target: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary path beside ``target``; rename it onto ``target`` when the block ends without an error.

    The file is flushed to disk before it is renamed, so that a power cut leaves the old file or the new one.
    A full disk, a missing permission or a directory in the way ends in one :class:`A2DError`.
    """
    target = Path(target)
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=f".tmp{target.suffix}", dir=target.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with open(temporary, "rb") as stream:
            os.fsync(stream.fileno())
        # mkstemp makes files that only their owner can read; give the usual mode back.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, target)
        temporary = None
    except OSError as error:
        hint = "Free some space, or choose another folder that you may write to"
        raise A2DError(f"cannot write this file ({error.strerror or error})", where=target, hint=hint) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_bytes(target: str | os.PathLike, data: bytes) -> None:
    """Write ``data`` to ``target`` atomically."""
    with atomic_path(target) as path:
        path.write_bytes(data)


def write_text(target: str | os.PathLike, text: str) -> None:
    """Write ``text`` to ``target`` atomically, as UTF-8 with ``\\n`` line ends."""
    write_bytes(target, text.encode())


def write_json(target: str | os.PathLike, value: Any) -> None:
    """Write ``value`` to ``target`` atomically, as indented JSON; NaN and infinity are refused."""
    write_text(target, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
