"""Labelling by hand in the notebook: a thin skin over :class:`a2d.widgets.session.Session`. Lecture 07."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from a2d.annotation import Kind
from a2d.errors import DataError
from a2d.widgets.controls import load
from a2d.widgets.session import Session

if TYPE_CHECKING:
    from a2d.figures import Picture
    from a2d.widgets.annotation_panel import Annotator


def annotation_view(session: Session) -> Picture:
    """Show where a session stands: the image to label now, its place, and how many are labelled (lecture 07).

    Raises :class:`DataError` for something that is no session. It never shows what was spoken.
    """
    from a2d.figures.f07_annotation import annotation_panels

    if not isinstance(session, Session):
        raise DataError(f"{type(session).__name__} is not a session", where="session", hint="Use session.Session")
    labelled, n = session.progress
    return annotation_panels(
        None if session.image is None else session.image / 255,
        place=session.position,
        labelled=labelled,
        n=n,
        label=None if session.current is None else session.labels()[session.current],
    )


def annotator(
    images: Any,
    path: str | os.PathLike[str],
    *,
    annotator: str,
    kind: Kind = "human",
    spoken: Sequence[int] | None = None,
    seed: int = 0,
    order: Literal["shuffled", "given"] = "shuffled",
    note: str = "",
) -> Annotator:
    """Label images with keys or the mouse; each label is on disk before the next image comes (lecture 07).

    Everything is as in :meth:`a2d.widgets.session.Session.open`: the session at ``path`` goes on where it was left, or
    a new one begins, so the same cell resumes after a restart of the kernel. Each annotator has a path of their own.
    ``images`` (n, 28, 28), uint8 or floats in [0, 1]. Raises :class:`DataError` as the session does.
    """
    front = load("annotation_panel")
    session = Session.open(
        images, path, annotator=annotator, kind=kind, spoken=spoken, seed=seed, order=order, note=note
    )
    return front.Annotator(session, annotator)
