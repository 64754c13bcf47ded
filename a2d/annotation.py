"""Labelling generated images by hand, so that no label is lost and nobody can mistake who gave it.

A :class:`Session` is a pure object: it shows one image after the other, takes the labels, and writes each
of them to a journal on disk before it goes on. A notebook widget is a thin skin over it. When the work is
done it turns into :class:`Annotations`, the data set that the evaluator's last two layers are fine-tuned on
(lecture 07).

A label that merely equals the spoken class, because it was copied from it, is *not* a human's annotation:
it says what the network was asked for, not what a reader sees. That is why every annotation names its
``kind``, why a session never shows the spoken class, and why ``Annotations.training_set`` keeps the two
apart.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from a2d.errors import A2DError, DataError
from a2d.io.atomic import atomic_path, write_text

UNREADABLE = "unreadable"
Label = int | Literal["unreadable"]

Kind = Literal["human", "spoken-class", "model", "recorded-reading"]
"""Who gave the labels.

``human``: a person who looked at each image. ``spoken-class``: nobody; the label is the digit that was
spoken. ``model``: a classifier, named in the note. ``recorded-reading``: readings that were written down
outside a session, by a reader whom the note describes, and that nobody should take for a person's without
asking.
"""

Policy = Literal["labels", "spoken", "readable"]

_SESSION_FORMAT = "a2d-annotation-session/1"
_FOLDER_FORMAT = "a2d-annotations/1"
_STRIP_COLUMNS = 10
_SIDE = 28


# --- what may come in ----------------------------------------------------------------------------------


def check_images(images: Any, *, where: object = "images") -> np.ndarray:
    """Give ``images`` as a read-only copy, uint8 of shape (n, 28, 28), white strokes on black (lecture 07).

    ``images`` is (n, 28, 28), either uint8 or floats in [0, 1], which are rounded to 256 levels.
    Raises :class:`DataError` for another shape or type, for no image at all, and for NaN or values out of
    range.
    """
    try:
        array = np.asarray(images)
    except Exception as error:
        raise DataError(f"this is not an array of images ({error})", where=where) from error
    if array.ndim != 3 or array.shape[1:] != (_SIDE, _SIDE):
        raise DataError(f"images must have the shape (n, 28, 28), not {array.shape}", where=where)
    if len(array) == 0:
        raise DataError("there is no image to label", where=where, hint="Give at least one image")
    if np.issubdtype(array.dtype, np.floating):
        if not np.isfinite(array).all():
            raise DataError("some pixels are NaN or infinite", where=where)
        if array.min() < 0 or array.max() > 1:
            span = f"[{array.min():.3g}, {array.max():.3g}]"
            raise DataError(f"float images must lie in [0, 1], these lie in {span}", where=where)
        array = np.rint(array.astype(np.float64) * 255)
    elif array.dtype != np.uint8:
        raise DataError(f"images must be uint8 or floats in [0, 1], not {array.dtype}", where=where)
    result = np.array(array, dtype=np.uint8, order="C", copy=True)
    result.flags.writeable = False
    return result


def content_hash(images: np.ndarray) -> str:
    """Give ``sha256:...`` of the shape and the pixels of uint8 ``images`` (n, 28, 28)."""
    digest = hashlib.sha256(f"uint8 {images.shape}\n".encode())
    digest.update(np.ascontiguousarray(images).tobytes())
    return f"sha256:{digest.hexdigest()}"


def check_label(value: Any, *, where: object = "label") -> Label:
    """Give ``value`` as a label, an int from 0 to 9 or ``"unreadable"``, or raise :class:`DataError`."""
    if isinstance(value, str) and value == UNREADABLE:
        return UNREADABLE
    # True is an int in Python, but as a label it is a slip.
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and 0 <= value <= 9:
        return int(value)
    raise DataError(
        f"{_short(value)} is not a label",
        where=where,
        hint=f"A label is a whole number from 0 to 9, or {UNREADABLE!r}",
    )


def _check_spoken(spoken: Any, n: int, *, where: object = "spoken") -> tuple[int, ...] | None:
    if spoken is None:
        return None
    try:
        values = tuple(spoken)
    except TypeError as error:
        raise DataError("the spoken classes must be a sequence", where=where) from error
    if len(values) != n:
        raise DataError(f"{len(values)} spoken classes for {n} images", where=where)
    for value in values:
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole or not 0 <= value <= 9:
            raise DataError(f"{_short(value)} is not a spoken class (0 to 9)", where=where)
    return tuple(int(value) for value in values)


def _check_annotator(annotator: Any) -> str:
    if not isinstance(annotator, str) or not annotator.strip() or not annotator.isprintable():
        raise DataError(
            f"{_short(annotator)} does not name an annotator",
            where="annotator",
            hint="Give one line of text; a pseudonym will do",
        )
    return annotator.strip()


def _check_kind(kind: Any, note: Any) -> tuple[Kind, str]:
    if not isinstance(kind, str) or kind not in get_args(Kind):
        raise DataError(
            f"{_short(kind)} does not say who labelled",
            where="kind",
            hint=f"Choose one of {', '.join(get_args(Kind))}",
        )
    if not isinstance(note, str):
        raise DataError("the note must be text", where="note")
    if kind in ("model", "recorded-reading") and not note.strip():
        raise DataError(f"the kind {kind!r} needs a note that says which reader gave the labels", where="note")
    return kind, note.strip()  # type: ignore[return-value]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


# --- the board: what has been labelled, and where we are (pure, in memory) -----------------------------


class _Change(NamedTuple):
    """A new position and, where ``image`` is not None, a new label of that image."""

    position: int
    image: int | None = None
    label: Label | None = None


class _Board:
    """The state of a session; every way to change it goes through :meth:`plan` and :meth:`carry_out`."""

    def __init__(self, order: Sequence[int]):
        self.order = list(order)
        self.labels: list[Label | None] = [None] * len(self.order)
        self.position = 0
        self.past: list[_Change] = []

    @property
    def current(self) -> int | None:
        return self.order[self.position] if self.position < len(self.order) else None

    def next_open(self) -> int:
        """Give the next place without a label after this one, going round; the place itself last."""
        n = len(self.order)
        places = ((self.position + step) % n for step in range(1, n + 1))
        return next((place for place in places if self.labels[self.order[place]] is None), n)

    def plan(self, action: Mapping[str, Any]) -> _Change:
        """Say what ``action`` would change, or raise :class:`DataError`; changes nothing."""
        match action:
            case {"do": "undo"}:
                if not self.past:
                    raise DataError("there is nothing to undo")
                return self.past[-1]
            case {"do": "back"}:
                if self.position == 0:
                    raise DataError("this is the first image: there is none before it")
                return _Change(self.position - 1)
            case {"do": "goto", "to": place}:
                n = len(self.order)
                whole = isinstance(place, (int, np.integer)) and not isinstance(place, bool)
                if not whole or not 0 <= place < n:
                    raise DataError(f"there is no place {_short(place)}", hint=f"Places go from 0 to {n - 1}")
                return _Change(int(place))
            case {"do": "skip"}:
                self._needs_current()
                return _Change(self.next_open())
            case {"do": "label", "image": image, "label": label}:
                self._needs_current()
                if image != self.current:
                    raise DataError(f"image {_short(image)} is not the current one ({self.current})")
                label, kept = check_label(label), self.labels[image]
                self.labels[image] = label
                change = _Change(self.next_open(), image, label)
                self.labels[image] = kept
                return change
        raise DataError(f"{_short(dict(action))} is not an action of a session")

    def carry_out(self, action: Mapping[str, Any]) -> None:
        """Do ``action``; an undo takes the last other action back and cannot itself be undone."""
        change = self.plan(action)
        if action["do"] == "undo":
            self.past.pop()
        else:
            old = None if change.image is None else self.labels[change.image]
            self.past.append(_Change(self.position, change.image, old))
        self.position = change.position
        if change.image is not None:
            self.labels[change.image] = change.label

    def _needs_current(self) -> None:
        if self.current is None:
            raise DataError("every image has its label", hint="Use back() or goto() to change one")


# --- the journal: the same, on disk --------------------------------------------------------------------


def _encode(record: Mapping[str, Any], previous: str) -> tuple[bytes, str]:
    """Give the journal line of ``record`` and its check, which covers every line up to this one."""
    body = json.dumps(record, ensure_ascii=True, separators=(",", ":"))
    check = hashlib.sha256(f"{previous}{body}".encode()).hexdigest()[:16]
    line = json.dumps({**record, "check": check}, ensure_ascii=True, separators=(",", ":"))
    return line.encode() + b"\n", check


def _read_records(data: bytes, path: Path) -> tuple[list[dict[str, Any]], str, int]:
    """Give the records of a journal, the check of the last one, and the number of bytes that hold them.

    What follows the last line end was being written when the program died. It was never confirmed, so it is
    left out. Every complete line must be what :func:`_encode` writes; that finds changed, lost and swapped
    lines.
    """
    *lines, _torn = data.split(b"\n")
    records: list[dict[str, Any]] = []
    check, size = "", 0
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line.decode("ascii"))
            record.pop("check")
            expected, check = _encode(record, check)
        except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
            raise _damaged(path, f"line {number} cannot be read") from error
        if expected != line + b"\n":
            raise _damaged(path, f"line {number} is not what was written")
        records.append(record)
        size += len(expected)
    if not records:
        raise _damaged(path, "it has no first line")
    return records, check, size


def _damaged(path: Path, why: str) -> DataError:
    hint = "Restore it from a copy, or start a new session at another path"
    return DataError(f"this annotation session is damaged: {why}", where=path, hint=hint)


class _Journal:
    """An append-only file, held open and locked; a record is on disk when :meth:`append` returns."""

    def __init__(self, path: Path, lock: Any, check: str, size: int):
        self.path, self.lock, self.check, self.size = path, lock, check, size
        # True from the first byte of a record until the board has followed it. Where an interrupt comes in
        # between, the two may differ, and nothing more is written before the session is opened again.
        self.unsettled = False
        self.stream = open(path, "ab", buffering=0)  # noqa: SIM115 (closed in close)
        if os.fstat(self.stream.fileno()).st_size != size:
            os.ftruncate(self.stream.fileno(), size)
            os.fsync(self.stream.fileno())

    def append(self, record: Mapping[str, Any]) -> None:
        if self.stream.closed:
            raise DataError("this session is closed", where=self.path, hint="Open it again with Session.open")
        self._check_untouched()
        line, check = _encode(record, self.check)
        self.unsettled = True
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[self.stream.write(rest) :]
            os.fsync(self.stream.fileno())
        except BaseException as error:
            # Take the half line away; where even that fails, nothing more may be written behind it.
            with contextlib.suppress(OSError):
                os.ftruncate(self.stream.fileno(), self.size)
                self.unsettled = False
            if isinstance(error, OSError):
                raise DataError(
                    f"the action was not saved ({error.strerror or error})",
                    where=self.path,
                    hint="Free some space, then do it again",
                ) from error
            raise
        self.check, self.size = check, self.size + len(line)

    def _check_untouched(self) -> None:
        # Labels appended to a file that was deleted or replaced would be lost without a word.
        mine = os.fstat(self.stream.fileno())
        try:
            there = os.stat(self.path)
            same = os.path.samestat(mine, there) and there.st_size == self.size
        except OSError:
            same = False
        if self.unsettled or not same:
            raise DataError(
                "the action was not saved: this session's file was changed, moved or deleted",
                where=self.path,
                hint="Put the file back if it is gone, and open the session again",
            )

    def close(self) -> None:
        self.stream.close()
        self.lock.release()


def _lock(path: Path) -> Any:
    """Take the lock beside ``path`` or raise :class:`DataError`: only one process may label into one file."""
    import filelock

    if os.path.isdir(path):
        raise DataError("this is a folder, not a file", where=path, hint="Give the path of a file")
    # A forked child shares its parent's lock and must not close it: the key holds the process too.
    earlier = _OPEN.get((os.getpid(), path))
    if earlier is not None:
        # A notebook cell that is run twice opens the session twice; the newer object takes over.
        earlier.close()
    lock = filelock.FileLock(f"{path}.lock", thread_local=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise DataError(
            "another process has this annotation session open",
            where=path,
            hint="Close it there (in a notebook: restart the other kernel), or choose another path",
        ) from error
    except (OSError, NotImplementedError) as error:
        why = getattr(error, "strerror", None) or error
        raise DataError(
            f"cannot write here ({why})", where=path, hint="Choose a folder that you may write to"
        ) from error
    return lock


def _sync_folder(folder: Path) -> None:
    """Flush the folder's entries, so that a new file's name survives a power cut; not every system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _path_of(path: Any) -> Path:
    try:
        text = os.path.abspath(os.fspath(path))
    except TypeError as error:
        raise DataError(f"{_short(path)} is not a path", where="path") from error
    if not isinstance(text, str) or "\0" in text:
        raise DataError(f"{_short(path)} is not a path", where="path")
    return Path(text)


def _exists(path: Path) -> bool:
    """Say whether something is at ``path``; a folder that may not be looked into is a :class:`DataError`."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        hint = "Choose a folder that you may read and write"
        raise DataError(f"cannot look here ({error.strerror or error})", where=path, hint=hint) from error
    return True


# --- the session ---------------------------------------------------------------------------------------


class Session:
    """Label images one by one; each action is on disk before it returns (lecture 07).

    Make one with :meth:`create`, :meth:`resume` or :meth:`open`, and ``close`` it at the end (or use
    ``with``). The images come in a shuffled order, so that neither a neighbour nor a sorted file gives the
    spoken class away; nothing but :meth:`to_annotations` tells it. ``label`` and ``skip`` go to the next
    image without a label, round and round, so skipped images come again. Opening the same file anew in one
    process closes the older object.
    """

    def __init__(self, images: np.ndarray, header: Mapping[str, Any], board: _Board, journal: _Journal):
        self._images, self._header, self._board, self._journal = images, header, board, journal
        _OPEN[os.getpid(), journal.path] = self

    @classmethod
    def create(
        cls,
        images: Any,
        path: str | os.PathLike,
        *,
        annotator: str,
        kind: Kind,
        spoken: Sequence[int] | None = None,
        seed: int,
        order: Literal["shuffled", "given"] = "shuffled",
        note: str = "",
    ) -> Session:
        """Start a session at ``path``, which must not exist yet.

        ``images`` (n, 28, 28) as in :func:`check_images`; ``spoken`` n digits or None; ``seed`` shuffles
        the order; ``kind`` says who is going to label (see :data:`Kind`). Raises :class:`DataError` for bad
        input.
        """
        pixels = check_images(images)
        header = _make_header(pixels, annotator, kind, spoken, seed, order, note)
        where = _path_of(path)
        lock = _lock(where)
        try:
            if _exists(where):
                hint = "Use Session.resume or Session.open to go on with it"
                raise DataError("this file exists already", where=where, hint=hint)
            line, check = _encode(header, "")
            with atomic_path(where) as temporary:
                temporary.write_bytes(line)
            _sync_folder(where.parent)
            journal = _Journal(where, lock, check, len(line))
        except BaseException as error:
            lock.release()
            if isinstance(error, OSError) or type(error) is A2DError:
                raise DataError("the session cannot be started", where=where, hint=str(error)) from error
            raise
        return cls(pixels, header, _Board(header["order"]), journal)

    @classmethod
    def resume(cls, path: str | os.PathLike, images: Any) -> Session:
        """Go on with the session at ``path``, exactly where it was left; ``images`` must be the same ones.

        Raises :class:`DataError` where the file is missing or damaged, belongs to other images (by their
        hash), or is open in another process. A last line that a crash cut short was never confirmed and is
        dropped.
        """
        pixels, where = check_images(images), _path_of(path)
        # Look before locking, so that a mistyped path leaves no lock file behind.
        if not _exists(where):
            raise DataError("there is no annotation session here", where=where, hint="Start it with Session.create")
        lock = _lock(where)
        try:
            records, check, size = _read_records(where.read_bytes(), where)
            header = _read_header(records[0], pixels, where)
            board = _Board(header["order"])
            for number, action in enumerate(records[1:], start=2):
                try:
                    board.carry_out(action)
                except (DataError, TypeError, KeyError) as error:
                    raise _damaged(where, f"line {number} makes no sense ({error})") from error
            journal = _Journal(where, lock, check, size)
        except BaseException as error:
            lock.release()
            if isinstance(error, OSError):
                why = error.strerror or error
                raise DataError(f"the session cannot be opened ({why})", where=where) from error
            raise
        return cls(pixels, header, board, journal)

    @classmethod
    def open(cls, images: Any, path: str | os.PathLike, **options: Any) -> Session:
        """Resume the session at ``path`` where there is one, else create it with ``options`` as in
        :meth:`create`.

        Raises :class:`DataError` where the existing one has another annotator, kind or spoken classes than
        asked for: nobody goes on under another's name.
        """
        if not _exists(_path_of(path)):
            return cls.create(images, path, **options)
        session = cls.resume(path, images)
        for key in ("annotator", "kind", "spoken"):
            asked = options.get(key)
            asked = asked.strip() if isinstance(asked, str) else asked
            asked = _as_list(_check_spoken(asked, len(session._images))) if key == "spoken" else asked
            if asked is not None and asked != session._header[key]:
                session.close()
                # The spoken classes stay out of the message: the annotator reads it.
                raise DataError(f"this session was started with another {key}", where=path, hint="Use another path")
        return session

    @property
    def position(self) -> int:
        """The place in the order of showing, 0 to n - 1; n when there is nothing left to label."""
        return self._board.position

    @property
    def current(self) -> int | None:
        """The index of the image to label now; None when all are labelled and none was gone back to."""
        return self._board.current

    @property
    def image(self) -> np.ndarray | None:
        """The image to label now, uint8 (28, 28), or None."""
        return None if self.current is None else self._images[self.current]

    @property
    def remaining(self) -> int:
        """The number of images without a label."""
        return sum(label is None for label in self._board.labels)

    @property
    def progress(self) -> tuple[int, int]:
        """The number of labelled images, and of all."""
        return len(self._images) - self.remaining, len(self._images)

    @property
    def done(self) -> bool:
        """True when every image has a label."""
        return self.remaining == 0

    def label(self, value: Label) -> None:
        """Give the current image a label, 0 to 9 or ``UNREADABLE``; it is on disk when this returns."""
        self._act({"do": "label", "image": self.current, "label": check_label(value)})

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
        return list(self._board.labels)

    def to_annotations(self, *, partial: bool = False) -> Annotations:
        """Give the finished annotations, with the spoken classes; here alone they come out.

        With ``partial`` the images without a label are left out; else one of them is a :class:`DataError`.
        """
        kept = [index for index, label in enumerate(self._board.labels) if label is not None]
        if not kept or (self.remaining and not partial):
            text = f"{self.remaining} of {len(self._images)} images have no label yet"
            hint = "Label at least one" if not kept else "Label them, or take the others with partial=True"
            raise DataError(text, where=self._journal.path, hint=hint)
        spoken = self._header["spoken"]
        return Annotations(
            images=self._images[kept],
            labels=tuple(self._board.labels[index] for index in kept),  # type: ignore[arg-type]
            spoken=None if spoken is None else np.array([spoken[index] for index in kept]),
            annotator=self._header["annotator"],
            kind=self._header["kind"],
            note=self._header["note"],
        )

    def close(self) -> None:
        """Release the file; harmless when called twice."""
        self._journal.close()

    def _act(self, action: dict[str, Any]) -> None:
        self._board.plan(action)  # refuses what makes no sense, before anything is written
        self._journal.append(action)
        self._board.carry_out(action)
        self._journal.unsettled = False

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        done, total = self.progress
        return f"<Session of {self._header['annotator']}: {done} of {total} labelled>"


_OPEN: weakref.WeakValueDictionary[tuple[int, Path], Session] = weakref.WeakValueDictionary()


def _as_list(values: Sequence[int] | None) -> list[int] | None:
    return None if values is None else list(values)


def _make_header(
    images: np.ndarray, annotator: Any, kind: Any, spoken: Any, seed: Any, order: Any, note: Any
) -> dict[str, Any]:
    """Check the options of a new session and give the first record of its journal."""
    n = len(images)
    kind, note = _check_kind(kind, note)
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or seed < 0:
        raise DataError(f"{_short(seed)} is not a seed", where="seed", hint="Give a whole number from 0")
    if order not in ("shuffled", "given"):
        raise DataError(f"{_short(order)} is not an order", where="order", hint="Choose shuffled or given")
    places = np.random.default_rng(int(seed)).permutation(n) if order == "shuffled" else np.arange(n)
    return {
        "format": _SESSION_FORMAT,
        "images": content_hash(images),
        "annotator": _check_annotator(annotator),
        "kind": kind,
        "note": note,
        # The order itself is kept, so that another version of numpy cannot shuffle differently.
        "order": places.tolist(),
        "spoken": _as_list(_check_spoken(spoken, n)),
    }


def _read_header(header: dict[str, Any], images: np.ndarray, path: Path) -> dict[str, Any]:
    """Check the first record of a journal against ``images`` and give it back."""
    if header.get("format") != _SESSION_FORMAT:
        raise DataError("this is not an annotation session", where=path, hint="Choose another file")
    if header.get("images") != content_hash(images):
        raise DataError(
            "this session was started with other images",
            where=path,
            hint="Give the same images in the same order, or start a new session at another path",
        )
    try:
        whole = all(type(place) is int for place in header["order"])
        if not whole or sorted(header["order"]) != list(range(len(images))):
            raise _damaged(path, "its order does not fit the images")
        _check_spoken(header["spoken"], len(images))
        _check_annotator(header["annotator"])
        _check_kind(header["kind"], header["note"])
    except (KeyError, TypeError, DataError) as error:
        raise _damaged(path, f"its first line makes no sense ({error})") from error
    return header


# --- the annotations -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class Annotations:
    """Images with the labels that somebody, named by ``annotator`` and ``kind``, gave them (lecture 07).

    images : uint8 (n, 28, 28). labels : n labels, 0 to 9 or ``UNREADABLE``. spoken : n digits or None.
    kind : see :data:`Kind`; labels that equal the spoken classes because they were copied from them are
    ``spoken-class`` and no human's annotation. note : free text; required of a model or a recorded reading.
    Raises :class:`DataError` where these do not fit together.
    """

    images: np.ndarray
    labels: tuple[Label, ...]
    spoken: np.ndarray | None
    annotator: str
    kind: Kind
    note: str = ""

    def __post_init__(self) -> None:
        images = check_images(self.images)
        if isinstance(self.labels, str) or not isinstance(self.labels, (Sequence, np.ndarray)):
            raise DataError("the labels must be a sequence", where="labels")
        labels = tuple(check_label(label, where=f"labels[{i}]") for i, label in enumerate(self.labels))
        if len(labels) != len(images):
            raise DataError(f"{len(labels)} labels for {len(images)} images", where="labels")
        spoken = _check_spoken(self.spoken, len(images))
        kind, note = _check_kind(self.kind, self.note)
        if kind == "spoken-class" and labels != spoken:
            hint = "Labels that differ from it were given by somebody: name the kind"
            raise DataError("labels of the kind 'spoken-class' must be the spoken classes", where="kind", hint=hint)
        digits = None if spoken is None else np.array(spoken, dtype=np.int64)
        if digits is not None:
            digits.flags.writeable = False
        values = dict(images=images, labels=labels, spoken=digits, kind=kind, note=note)
        for name, value in (values | {"annotator": _check_annotator(self.annotator)}).items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.images)

    def training_set(self, policy: Policy) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give (images (m, 28, 28) uint8, targets (m,) int64, kept indices (m,) int64) to fine-tune on.

        ``labels``: the labels as given, unreadable images left out (the report's remedy).
        ``spoken``: the spoken class of every image; needs no reader, and is no human's annotation.
        ``readable``: the spoken class, but only of the images that were not called unreadable.
        Raises :class:`DataError` for another policy, without the spoken classes, or where no image is left.
        """
        if policy not in get_args(Policy):
            hint = f"Choose one of {', '.join(get_args(Policy))}"
            raise DataError(f"{_short(policy)} is not a policy", where="policy", hint=hint)
        if policy != "labels" and self.spoken is None:
            hint = "Give them when the session is created"
            raise DataError(f"the policy {policy!r} needs the spoken classes", where="spoken", hint=hint)
        readable = [index for index, label in enumerate(self.labels) if label != UNREADABLE]
        kept = np.array(range(len(self)) if policy == "spoken" else readable, dtype=np.int64)
        if len(kept) == 0:
            raise DataError("every image was called unreadable: there is nothing to train on", where="labels")
        source = [self.labels[index] for index in kept] if policy == "labels" else self.spoken[kept]
        return self.images[kept], np.array(source, dtype=np.int64), kept

    def save(self, folder: str | os.PathLike) -> None:
        """Write ``images.png`` (a lossless 8-bit sheet of ten columns) and ``labels.json`` into ``folder``.

        The labels are written last and atomically, so a crash leaves the old annotations or the new ones. A
        folder that holds annotations of other images is refused with a :class:`DataError`: labels by hand
        are dear.
        """
        from PIL import Image

        folder, own = _path_of(folder), content_hash(self.images)
        sheet, labels = folder / "images.png", folder / "labels.json"
        if _exists(labels) and _read_labels(labels)["images"] != own:
            hint = "Choose another folder"
            raise DataError("this folder holds annotations of other images", where=folder, hint=hint)
        try:
            with atomic_path(sheet) as path:
                Image.fromarray(_to_strip(self.images)).save(path, format="PNG", optimize=True)
            write_text(labels, self._to_json(own))
        except A2DError as error:
            raise DataError(error.what, where=error.where, hint=error.hint) from error

    def _to_json(self, own_hash: str) -> str:
        """Give labels.json: one line per image, so that a person can read it and a diff shows one change."""
        spoken = [None] * len(self) if self.spoken is None else self.spoken.tolist()
        head = {
            "format": _FOLDER_FORMAT,
            "annotator": self.annotator,
            "kind": self.kind,
            "note": self.note,
            "count": len(self),
            "images": own_hash,
        }
        rows = (
            json.dumps({"image": index, "label": label, "spoken": digit})
            for index, (label, digit) in enumerate(zip(self.labels, spoken, strict=True))
        )
        fields = "".join(f"  {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)},\n" for k, v in head.items())
        return "{\n" + fields + '  "labels": [\n    ' + ",\n    ".join(rows) + "\n  ]\n}\n"

    @classmethod
    def load(cls, folder: str | os.PathLike) -> Annotations:
        """Read what :meth:`save` wrote; a missing, damaged or mismatched file is a :class:`DataError`."""
        folder = _path_of(folder)
        content = _read_labels(folder / "labels.json")
        rows = content["labels"]
        images = _from_strip(folder / "images.png", len(rows))
        if content_hash(images) != content["images"]:
            hint = "The two files do not belong together; restore both from a copy"
            raise DataError("these are not the images that were labelled", where=folder / "images.png", hint=hint)
        spoken = [row["spoken"] for row in rows]
        try:
            return cls(
                images=images,
                labels=tuple(row["label"] for row in rows),
                spoken=None if all(digit is None for digit in spoken) else spoken,  # type: ignore[arg-type]
                annotator=content["annotator"],
                kind=content["kind"],
                note=content["note"],
            )
        except DataError as error:
            raise DataError(str(error).rstrip("."), where=folder / "labels.json") from error


def _to_strip(images: np.ndarray) -> np.ndarray:
    """Lay (n, 28, 28) out as one sheet of ten columns, row by row; the free places of the last row stay
    black."""
    n = len(images)
    columns = min(n, _STRIP_COLUMNS)
    rows = -(-n // columns)
    tiles = np.zeros((rows * columns, _SIDE, _SIDE), dtype=np.uint8)
    tiles[:n] = images
    tiles = tiles.reshape(rows, columns, _SIDE, _SIDE).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(tiles.reshape(rows * _SIDE, columns * _SIDE))


def _from_strip(path: Path, n: int) -> np.ndarray:
    """Cut the sheet at ``path`` into its ``n`` images."""
    from PIL import Image

    columns = min(n, _STRIP_COLUMNS)
    rows = -(-n // columns)
    try:
        with open(path, "rb") as stream, Image.open(stream, formats=["PNG"]) as picture:
            # The size is known before a pixel is decoded: a huge picture never reaches the memory.
            if picture.size != (columns * _SIDE, rows * _SIDE) or picture.mode != "L":
                text = f"it is {picture.size} {picture.mode}, not {(columns * _SIDE, rows * _SIDE)} L"
                raise DataError(f"this sheet does not hold {n} images: {text}", where=path)
            sheet = np.asarray(picture, dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        hint = "Restore it from a copy"
        raise DataError(f"this sheet of images cannot be read ({error})", where=path, hint=hint) from error
    return sheet.reshape(rows, _SIDE, columns, _SIDE).transpose(0, 2, 1, 3).reshape(-1, _SIDE, _SIDE)[:n]


def _read_labels(path: Path) -> dict[str, Any]:
    """Read labels.json and check its form; what the values mean is checked by :class:`Annotations`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        hint = "Give the folder that Annotations.save wrote"
        raise DataError(f"there are no annotations to read ({error.strerror})", where=path, hint=hint) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"this is not JSON ({_short(str(error))})", where=path) from error
    keys = {"format", "annotator", "kind", "note", "count", "images", "labels"}
    if not isinstance(content, dict) or set(content) != keys or content["format"] != _FOLDER_FORMAT:
        raise DataError("this is not a file of annotations", where=path)
    rows = content["labels"]
    fits = isinstance(rows, list) and 0 < len(rows) == content["count"]
    if not fits:
        raise DataError("the number of labels does not fit the count", where=path)
    for index, row in enumerate(rows):
        if not isinstance(row, dict) or set(row) != {"image", "label", "spoken"} or row["image"] != index:
            raise DataError(f"entry {index} of the labels makes no sense", where=path)
    return content


# --- two readers ---------------------------------------------------------------------------------------


def agreement(a: Annotations | Sequence[Label | None], b: Annotations | Sequence[Label | None]) -> dict[str, Any]:
    """Compare two readings of the same images: n, share equal, Cohen's kappa, confusion (lecture 07).

    ``a`` and ``b`` are :class:`Annotations` or lists of labels in the same order; a pair with a None is
    left out. Gives ``n`` (int), ``equal`` (share in [0, 1]), ``kappa`` = (equal - chance) / (1 - chance)
    over the eleven categories 0-9 and unreadable (NaN where both readers gave one and the same label
    throughout: then chance alone explains it), and ``confusion``, int64 (11, 11), rows ``a``, columns
    ``b``, index 10 for unreadable. Source: J. Cohen, "A coefficient of agreement for nominal scales", 1960.
    Raises :class:`DataError` for different images, different lengths, or no pair at all.
    """
    if isinstance(a, Annotations) and isinstance(b, Annotations) and content_hash(a.images) != content_hash(b.images):
        raise DataError("these are readings of different images", where="agreement")
    first = list(a.labels if isinstance(a, Annotations) else a)
    second = list(b.labels if isinstance(b, Annotations) else b)
    if len(first) != len(second):
        raise DataError(f"{len(first)} labels against {len(second)}", where="agreement")
    confusion = np.zeros((11, 11), dtype=np.int64)
    for x, y in zip(first, second, strict=True):
        if x is not None and y is not None:
            confusion[_category(x), _category(y)] += 1
    n = int(confusion.sum())
    if n == 0:
        raise DataError("no image was labelled by both", where="agreement")
    equal = float(np.trace(confusion)) / n
    chance = float(confusion.sum(axis=1) @ confusion.sum(axis=0)) / n**2
    kappa = (equal - chance) / (1 - chance) if chance < 1 else float("nan")
    return {"n": n, "equal": equal, "kappa": kappa, "confusion": confusion}


def _category(label: Label) -> int:
    checked = check_label(label)
    return 10 if checked == UNREADABLE else int(checked)
