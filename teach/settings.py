"""The few facts about the course that stand in one place each: its address, its folders, its limits."""

from __future__ import annotations

import os
import re
from pathlib import Path

from a2d import __version__
from a2d.errors import CourseError

# The repository's public address, "owner/name". While it is None, no badge is written: a dead link helps nobody.
REPOSITORY: str | None = None
# Badges and Colab take this version, so that lectures and package fit each other whatever comes after it.
# A release is therefore this tag, on the commit whose notebooks were built with it.
TAG = f"v{__version__}"

ROOT = Path(__file__).resolve().parent.parent

MAX_CODE_LINES = 25
MAX_WORDS = 150
MAX_BYTES = 1_000_000
CELL_SECONDS = 600
# What an answer may take in grading, for one exercise with all its cases.
ANSWER_SECONDS = 10
# How many times as long a cell, and a whole notebook, may take, where an answer has to be judged in it.
CELL_TIMES, NOTEBOOK_TIMES = 6, 30
# How submissions may be laid out: folders or file names that tell the student, or what an LMS lets one download.
LAYOUTS = ("folders", "flat", "moodle", "canvas", "gradescope", "blackboard", "brightspace")
# Those in which a class of pretend students can be written.
REHEARSED = LAYOUTS[:4]
# The kernels run on this computer only; that they talk to us without encryption is no news.
KERNEL_ARGUMENTS = ["--log-level=ERROR"]


def repository() -> str | None:
    """The repository's address: ``$A2D_REPOSITORY`` if it is set, else :data:`REPOSITORY`.

    Raises :class:`CourseError` for an address that is not of the form ``owner/name``.
    """
    address = os.environ.get("A2D_REPOSITORY") or REPOSITORY
    if address is not None and not re.fullmatch(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", address):
        raise CourseError(
            f"{address!r} is not the address of a repository",
            where="A2D_REPOSITORY",
            hint='Give it as "owner/name"',
        )
    return address
