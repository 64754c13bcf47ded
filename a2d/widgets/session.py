"""Labelling images one by one, so that no label is lost (lecture 07).

A :class:`Session` is a pure object; the annotator's widget is a thin skin over it. It keeps one JSON file: who labels
which images in which order, and the list of what was done. The whole file is written anew, beside the old one and then
onto it, before an action is done in memory, so a crash at any moment leaves the file with that action or without it.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from reprlib import repr as short
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from a2d import annotation
from a2d.annotation import Annotations, Kind, Label
from a2d.errors import A2DError, DataError
from a2d.io import sheets
from a2d.io.atomic import write_json
from a2d.widgets.controls import whole

if TYPE_CHECKING:
    from filelock import BaseFileLock

_FORMAT = "a2d-annotation-session/2"
# Until 0.1 a session was a journal: a line for its head and one for each action.
_JOURNAL = b'{"format":"a2d-annotation-session/1"'


def replay(order: Sequence[int], actions: Iterable[Mapping[str, Any]]) -> tuple[dict[int, Label], int]:
    """Give the labels by image, and the place in ``order`` (n at the end), that ``actions`` lead to.

    An undo takes the last other action back and cannot itself be undone. Raises :class:`DataError` for an action that
    makes no sense where it stands.
    """
    kept: list[Mapping[str, Any]] = []
    for action in actions:
        if action != {"do": "undo"}:
            kept.append(action)
        elif kept:
            kept.pop()
        else:
            raise DataError("there is nothing to undo")
    labels, place = dict[int, Label](), 0
    for action in kept:
        place = _step(order, labels, place, action)
    return labels, place


def _step(order: Sequence[int], labels: dict[int, Label], place: int, action: Mapping[str, Any]) -> int:
    """Do one action: change ``labels``, and give the next place."""
    n = len(order)
    match action:
        case {"do": "back"}:
            if place == 0:
                raise DataError("this is the first image: there is none before it")
            return place - 1
        case {"do": "goto", "to": to}:
            if type(to) is not int or not 0 <= to < n:
                raise DataError(f"there is no place {short(to)}", hint=f"Places go from 0 to {n - 1}")
            return to
        case {"do": "label" | "skip"} if place == n:
            raise DataError("every image has its label", hint="Use back() or goto() to change one")
        case {"do": "label", "image": image, "label": label} if image == order[place]:
            labels[order[place]] = annotation.check_label(label)
        case {"do": "skip"}:
            pass
        case _:
            raise DataError(f"{short(action)} cannot be done here")
    # The next place without a label, going round; this one last, and n where there is none.
    places = (*range(place + 1, n), *range(place + 1))
    return next((there for there in places if order[there] not in labels), n)


class Session(contextlib.AbstractContextManager["Session"]):
    """Label images one by one; each action is on disk before it returns (lecture 07).

    Make one with :meth:`create`, :meth:`resume` or :meth:`open`, and ``close`` it at the end (or use ``with``). The
    images come in a shuffled order, so that neither a neighbour nor a sorted file gives the spoken class away; nothing
    but :meth:`to_annotations` tells it. ``label`` and ``skip`` go to the next image without a label, round and round,
    so skipped images come again. Opening the same file anew in one process closes the older object.
    """

    def __init__(self, images: np.ndarray, path: Path, lock: BaseFileLock, record: dict[str, Any]):
        self._images, self._path, self._lock = images, path, lock
        labels, place = replay(record["order"], record["actions"])
        self._state: tuple[dict[str, Any], dict[int, Label], int] = (record, labels, place)
        _OPEN[os.getpid(), path] = self

    @classmethod
    def create(
        cls,
        images: Any,
        path: str | os.PathLike[str],
        *,
        annotator: str,
        kind: Kind,
        spoken: Sequence[int] | None = None,
        seed: int,
        order: Literal["shuffled", "given"] = "shuffled",
        note: str = "",
    ) -> Session:
        """Start a session at ``path``, which must not exist yet.

        ``images`` (n, 28, 28) as in :func:`a2d.annotation.check_images`; ``spoken`` n digits or None; ``seed`` shuffles
        the order; ``kind`` says who is going to label. Raises :class:`DataError` for bad input.
        """
        pixels, where = annotation.check_images(images), sheets.as_path(path)
        annotator, kind, note = annotation.check_who(annotator, kind, note)
        record = {
            "format": _FORMAT,
            "images": annotation.content_hash(pixels),
            "annotator": annotator,
            "kind": kind,
            "note": note,
            # The order itself is kept, so that another version of numpy cannot shuffle differently.
            "order": _order(len(pixels), seed, order),
            "spoken": annotation.check_spoken(spoken, len(pixels)),
            "actions": [],
        }
        with _claim(where) as lock:
            if os.path.exists(where):
                hint = "Use Session.resume or Session.open to go on with it"
                raise DataError("this file exists already", where=where, hint=hint)
            _write(where, record, "the session cannot be started")
            return cls(pixels, where, lock, record)

    @classmethod
    def resume(cls, path: str | os.PathLike[str], images: Any) -> Session:
        """Go on with the session at ``path``, exactly where it was left; ``images`` must be the same ones.

        Raises :class:`DataError` where the file is missing or damaged, belongs to other images (by their hash), or is
        open in another process.
        """
        pixels, where = annotation.check_images(images), sheets.as_path(path)
        # Look before locking, so that a mistyped path leaves no lock file behind.
        if not os.path.exists(where):
            raise DataError("there is no annotation session here", where=where, hint="Start it with Session.create")
        with _claim(where) as lock:
            record = _read(where)
            _check_record(record, pixels, where)
            return cls(pixels, where, lock, record)

    @classmethod
    def open(cls, images: Any, path: str | os.PathLike[str], **options: Any) -> Session:
        """Resume the session at ``path`` where there is one, else create it with ``options`` as in :meth:`create`.

        Raises :class:`DataError` where the existing one has another annotator, kind or spoken classes than asked for:
        nobody goes on under another's name.
        """
        if not os.path.exists(sheets.as_path(path)):
            return cls.create(images, path, **options)
        session = cls.resume(path, images)
        for key in ("annotator", "kind", "spoken"):
            asked = options.get(key)
            asked = annotation.check_spoken(asked, len(session._images)) if key == "spoken" else asked
            asked = asked.strip() if isinstance(asked, str) else asked
            if asked is not None and asked != session._record[key]:
                session.close()
                # The spoken classes stay out of the message: the annotator reads it.
                raise DataError(f"this session was started with another {key}", where=path, hint="Use another path")
        return session

    @property
    def _record(self) -> dict[str, Any]:
        return self._state[0]

    @property
    def position(self) -> int:
        """The place in the order of showing, 0 to n - 1; n when there is nothing left to label."""
        return self._state[2]

    @property
    def current(self) -> int | None:
        """The index of the image to label now; None when all are labelled and none was gone back to."""
        order: list[int] = self._record["order"]
        return order[self.position] if self.position < len(order) else None

    @property
    def image(self) -> np.ndarray | None:
        """The image to label now, uint8 (28, 28), or None."""
        return None if self.current is None else self._images[self.current]

    @property
    def progress(self) -> tuple[int, int]:
        """The number of labelled images, and of all."""
        return len(self._state[1]), len(self._images)

    def label(self, value: Label) -> None:
        """Give the current image a label, 0 to 9 or ``UNREADABLE``; it is on disk when this returns."""
        self._act({"do": "label", "image": self.current, "label": annotation.check_label(value)})

    def skip(self) -> None:
        """Leave the current image as it is and go to the next one without a label."""
        self._act({"do": "skip"})

    def back(self) -> None:
        """Go to the image that stands before this one in the order of showing, labelled or not."""
        self._act({"do": "back"})

    def goto(self, position: int) -> None:
        """Go to a place in the order of showing, 0 to n - 1."""
        self._act({"do": "goto", "to": int(position) if isinstance(position, np.integer) else position})

    def undo(self) -> None:
        """Take back the last label, skip, back or goto; again and again, also after a resume."""
        self._act({"do": "undo"})

    def labels(self) -> list[Label | None]:
        """Give the labels so far in the order of the images; None where there is none yet."""
        return [self._state[1].get(index) for index in range(len(self._images))]

    def to_annotations(self, *, partial: bool = False) -> Annotations:
        """Give the finished annotations, with the spoken classes; here alone they come out.

        With ``partial`` the images without a label are left out; else one of them is a :class:`DataError`.
        """
        record, labels, _ = self._state
        kept, n = sorted(labels), len(self._images)
        if not kept or (len(kept) < n and not partial):
            hint = "Label at least one" if not kept else "Label them, or take the others with partial=True"
            raise DataError(f"{n - len(kept)} of {n} images have no label yet", where=self._path, hint=hint)
        return Annotations(
            images=self._images[kept],
            labels=tuple(labels[index] for index in kept),
            spoken=None if record["spoken"] is None else np.array(record["spoken"])[kept],
            **{key: record[key] for key in ("annotator", "kind", "note")},
        )

    def close(self) -> None:
        """Release the file; harmless when called twice."""
        self._lock.release()

    def _act(self, action: dict[str, Any]) -> None:
        """Put ``action`` on disk, then do it; what makes no sense is refused before anything is written."""
        if not self._lock.is_locked:
            raise DataError("this session is closed", where=self._path, hint="Open it again with Session.open")
        record = {**self._record, "actions": [*self._record["actions"], action]}
        labels, place = replay(record["order"], record["actions"])
        try:
            untouched = _read(self._path) == self._record
        except DataError:
            untouched = False
        if not untouched:  # what somebody else put here would be lost without a word
            what = "the action was not saved: this session's file was changed, moved or deleted"
            hint = "Put the file back if it is gone, and open the session again"
            raise DataError(what, where=self._path, hint=hint)
        _write(self._path, record, "the action was not saved")
        # One assignment: an interrupt comes before it or after it.
        self._state = (record, labels, place)

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        done, total = self.progress
        return f"<Session of {self._record['annotator']}: {done} of {total} labelled>"


_OPEN: weakref.WeakValueDictionary[tuple[int, Path], Session] = weakref.WeakValueDictionary()


@contextlib.contextmanager
def _claim(path: Path) -> Iterator[BaseFileLock]:
    """Take the lock beside ``path``, so that one process labels into one file; an error in the block gives it back."""
    import filelock

    if os.path.isdir(path):
        raise DataError("this is a folder, not a file", where=path, hint="Give the path of a file")
    # A notebook cell that is run twice opens the session twice; the newer object takes over. A forked child shares its
    # parent's lock and must not close it: the key holds the process too.
    if (earlier := _OPEN.get((os.getpid(), path))) is not None:
        earlier.close()
    lock = filelock.FileLock(f"{path}.lock", thread_local=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        hint = "Close it there (in a notebook: restart the other kernel), or choose another path"
        raise DataError("another process has this annotation session open", where=path, hint=hint) from error
    except (OSError, NotImplementedError) as error:
        why = getattr(error, "strerror", None) or error
        hint = "Choose a folder that you may write to"
        raise DataError(f"cannot write here ({why})", where=path, hint=hint) from error
    # What a killed process was writing; mkstemp's random part has eight letters.
    with contextlib.suppress(OSError):
        for left in path.parent.glob(f".{glob.escape(path.name)}.????????.tmp{glob.escape(path.suffix)}"):
            left.unlink()
    try:
        yield lock
    except BaseException:
        lock.release()
        raise


def _write(path: Path, record: Mapping[str, Any], failed: str) -> None:
    """Write the whole session; when this returns, it is on disk. ``failed`` begins the message where it cannot be."""
    try:
        write_json(path, record)
    except A2DError as error:
        raise DataError(f"{failed}: {error.what}", where=path, hint=error.hint) from error
    # The new name must survive a power cut too; not every system can flush a folder.
    with contextlib.suppress(OSError):
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _read(path: Path) -> dict[str, Any]:
    """Read a session of this version, or the journal of an earlier one; what it says is checked elsewhere."""
    try:
        data = path.read_bytes()
        if not data.startswith(_JOURNAL):
            return json.loads(data)
        # What follows the last line end was being written when the program died, and was never confirmed.
        head, *actions = (json.loads(line) for line in data.split(b"\n")[:-1])
        for line in (head, *actions):
            del line["check"]
        return {**head, "format": _FORMAT, "actions": actions}
    except OSError as error:
        raise DataError(f"the session cannot be opened ({error.strerror or error})", where=path) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path, "it cannot be read") from error


def _damaged(path: Path, why: str) -> DataError:
    hint = "Restore it from a copy, or start a new session at another path"
    return DataError(f"this annotation session is damaged: {why}", where=path, hint=hint)


def _check_record(record: Any, images: np.ndarray, path: Path) -> None:
    """Check that what was read from ``path`` is a session of these ``images``, and that it makes sense."""
    if not isinstance(record, dict) or record.get("format") != _FORMAT:
        raise DataError("this is not an annotation session", where=path, hint="Choose another file")
    if record.get("images") != annotation.content_hash(images):
        hint = "Give the same images in the same order, or start a new session at another path"
        raise DataError("this session was started with other images", where=path, hint=hint)
    try:
        order, actions = record["order"], record["actions"]
        if any(type(index) is not int for index in order) or sorted(order) != list(range(len(images))):
            raise DataError("its order does not fit the images")
        annotation.check_spoken(record["spoken"], len(images))
        annotation.check_who(record["annotator"], record["kind"], record["note"])
        replay(order, actions)
    except (KeyError, TypeError, DataError) as error:
        raise _damaged(path, f"it makes no sense ({error})") from error


def _order(n: int, seed: Any, order: Any) -> list[int]:
    """Give the indices of ``n`` images in the order of showing."""
    if order not in ("shuffled", "given"):
        raise DataError(f"{short(order)} is not an order", where="order", hint="Choose shuffled or given")
    rng = np.random.default_rng(whole(seed, "seed", 0, 2**63 - 1))
    return rng.permutation(n).tolist() if order == "shuffled" else list(range(n))
