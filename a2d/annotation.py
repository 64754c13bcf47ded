"""Labels that somebody gave to generated images, and nobody can mistake who (lecture 07).

:class:`Annotations` is the data set that the evaluator's last two layers are fine-tuned on; :func:`agreement` compares
two annotators. Labelling itself is done in :mod:`a2d.widgets.session`.

A label that merely equals the spoken class, because it was copied from it, is *not* a human's annotation: it says what
the network was asked for, not what can be seen. That is why every data set names its ``kind``, why somebody who labels
is never shown the spoken class, and why :meth:`Annotations.training_set` keeps the two apart.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from reprlib import repr as short
from typing import Any, Literal, TypedDict, get_args

import numpy as np

from a2d.errors import DataError
from a2d.io import sheets
from a2d.io.atomic import atomic_path, write_text

UNREADABLE = "unreadable"
Label = int | Literal["unreadable"]

Kind = Literal["human", "spoken-class", "model", "recorded-reading"]
"""Who gave the labels.

``human``: a person who looked at each image. ``spoken-class``: nobody; the label is the digit that was spoken.
``model``: a classifier, named in the note. ``recorded-reading``: readings that were written down outside a session, by
somebody whom the note describes, and whom nobody should take for a person without asking.
"""

Policy = Literal["labels", "spoken", "readable"]

_SIDE = 28


def check_images(images: Any) -> np.ndarray:
    """Give ``images`` as a read-only copy, uint8 of shape (n, 28, 28), white strokes on black (lecture 07).

    ``images`` is (n, 28, 28), either uint8 or floats in [0, 1], which are rounded to 256 levels. Raises
    :class:`DataError` for another shape or type, for no image at all, and for NaN or values out of range.
    """
    try:
        array = np.asarray(images)
    except Exception as error:
        raise DataError(f"this is not an array of images ({error})", where="images") from error
    if array.ndim != 3 or array.shape[1:] != (_SIDE, _SIDE):
        raise DataError(f"images must have the shape (n, 28, 28), not {array.shape}", where="images")
    if len(array) == 0:
        raise DataError("there is no image to label", where="images", hint="Give at least one image")
    if np.issubdtype(array.dtype, np.floating):
        if not np.isfinite(array).all():
            raise DataError("some pixels are NaN or infinite", where="images")
        if array.min() < 0 or array.max() > 1:
            span = f"[{array.min():.3g}, {array.max():.3g}]"
            raise DataError(f"float images must lie in [0, 1], these lie in {span}", where="images")
        array = np.rint(array.astype(np.float64) * 255)
    elif array.dtype != np.uint8:
        raise DataError(f"images must be uint8 or floats in [0, 1], not {array.dtype}", where="images")
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
        return "unreadable"
    if _is_digit(value):
        return int(value)
    hint = f"A label is a whole number from 0 to 9, or {UNREADABLE!r}"
    raise DataError(f"{short(value)} is not a label", where=where, hint=hint)


def _is_digit(value: Any) -> bool:
    # True is an int in Python, but as a digit it is a slip.
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(0 <= value <= 9)


def check_spoken(spoken: Any, n: int) -> list[int] | None:
    """Give the spoken classes of ``n`` images as a list of digits, or None for None; else :class:`DataError`."""
    if spoken is None:
        return None
    try:
        values = list(spoken)
    except TypeError as error:
        raise DataError("the spoken classes must be a sequence", where="spoken") from error
    if len(values) != n:
        raise DataError(f"{len(values)} spoken classes for {n} images", where="spoken")
    for value in values:
        if not _is_digit(value):
            raise DataError(f"{short(value)} is not a spoken class (0 to 9)", where="spoken")
    return [int(value) for value in values]


def check_who(annotator: Any, kind: Any, note: Any) -> tuple[str, Kind, str]:
    """Give the annotator's name (one line), the kind and the note, without outer spaces, or raise :class:`DataError`.

    A model and a recorded reading need a note that says who gave the labels.
    """
    if not isinstance(annotator, str) or not annotator.strip() or not annotator.isprintable():
        hint = "Give one line of text; a pseudonym will do"
        raise DataError(f"{short(annotator)} does not name an annotator", where="annotator", hint=hint)
    if not isinstance(kind, str) or kind not in get_args(Kind):
        hint = f"Choose one of {', '.join(get_args(Kind))}"
        raise DataError(f"{short(kind)} does not say who labelled", where="kind", hint=hint)
    if not isinstance(note, str):
        raise DataError("the note must be text", where="note")
    if kind in ("model", "recorded-reading") and not note.strip():
        raise DataError(f"the kind {kind!r} needs a note that says who gave the labels", where="note")
    return annotator.strip(), kind, note.strip()  # type: ignore[return-value]


@dataclass(frozen=True, eq=False, kw_only=True)
class Annotations:
    """Images with the labels that somebody, named by ``annotator`` and ``kind``, gave them (lecture 07).

    images : uint8 (n, 28, 28). labels : n labels, 0 to 9 or ``UNREADABLE``. spoken : n digits or None.
    kind : see :data:`Kind`. note : free text; required of a model or a recorded reading.
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
        if isinstance(self.labels, str) or not isinstance(self.labels, Sequence | np.ndarray):
            raise DataError("the labels must be a sequence", where="labels")
        labels = tuple(check_label(label, where=f"labels[{i}]") for i, label in enumerate(self.labels))
        if len(labels) != len(images):
            raise DataError(f"{len(labels)} labels for {len(images)} images", where="labels")
        said = check_spoken(self.spoken, len(images))
        annotator, kind, note = check_who(self.annotator, self.kind, self.note)
        if kind == "spoken-class" and list(labels) != said:
            hint = "Labels that differ from it were given by somebody: name the kind"
            raise DataError("labels of the kind 'spoken-class' must be the spoken classes", where="kind", hint=hint)
        spoken = None if said is None else np.array(said, dtype=np.int64)
        if spoken is not None:
            spoken.flags.writeable = False
        values = dict(images=images, labels=labels, spoken=spoken, annotator=annotator, kind=kind, note=note)
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.images)

    def training_set(self, policy: Policy) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give (images (m, 28, 28) uint8, targets (m,) int64, kept indices (m,) int64) to fine-tune on.

        ``labels``: the labels as given, unreadable images left out (the report's remedy).
        ``spoken``: the spoken class of every image; needs nobody who looks, and is no human's annotation.
        ``readable``: the spoken class, but only of the images that were not called unreadable.
        Raises :class:`DataError` for another policy, without the spoken classes, or where no image is left.
        """
        if policy not in get_args(Policy):
            hint = f"Choose one of {', '.join(get_args(Policy))}"
            raise DataError(f"{short(policy)} is not a policy", where="policy", hint=hint)
        if policy != "labels" and self.spoken is None:
            hint = "Give them when the session is created"
            raise DataError(f"the policy {policy!r} needs the spoken classes", where="spoken", hint=hint)
        kept = [i for i, label in enumerate(self.labels) if label != UNREADABLE or policy == "spoken"]
        if not kept:
            raise DataError("every image was called unreadable: there is nothing to train on", where="labels")
        source = self.labels if policy == "labels" or self.spoken is None else self.spoken
        targets = np.array([source[index] for index in kept], dtype=np.int64)
        return self.images[kept], targets, np.array(kept, dtype=np.int64)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write ``images.png`` (a lossless 8-bit sheet of ten columns) and ``labels.json`` into ``folder``.

        The labels are written last and atomically, so a crash leaves the old annotations or the new ones. A folder
        that holds annotations of other images is refused with a :class:`DataError`: labels by hand are dear.
        """
        from PIL import Image

        folder, own = sheets.as_path(folder), content_hash(self.images)
        sheet, labels = folder / "images.png", folder / "labels.json"
        if os.path.exists(labels) and sheets.read_labels(labels)["images"] != own:
            hint = "Choose another folder"
            raise DataError("this folder holds annotations of other images", where=folder, hint=hint)
        with atomic_path(sheet) as path:
            Image.fromarray(sheets.to_sheet(self.images)).save(path, format="PNG", optimize=True)
        write_text(labels, self._to_json(own))

    def _to_json(self, own_hash: str) -> str:
        """Give labels.json: one line per image, so that a person can read it and a diff shows one change."""
        head: dict[str, Any] = {"format": sheets.FORMAT, "annotator": self.annotator, "kind": self.kind}
        head |= {"note": self.note, "count": len(self), "images": own_hash, "labels": []}
        spoken = [None] * len(self) if self.spoken is None else self.spoken.tolist()
        given = enumerate(zip(self.labels, spoken, strict=True))
        rows = [json.dumps({"image": index, "label": label, "spoken": digit}) for index, (label, digit) in given]
        text = json.dumps(head, indent=2, ensure_ascii=False).removesuffix("]\n}")
        return text + "\n    " + ",\n    ".join(rows) + "\n  ]\n}\n"

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Annotations:
        """Read what :meth:`save` wrote; a missing, damaged or mismatched file is a :class:`DataError`."""
        folder = sheets.as_path(folder)
        content = sheets.read_labels(folder / "labels.json")
        rows = content["labels"]
        images = sheets.from_sheet(folder / "images.png", len(rows))
        if content_hash(images) != content["images"]:
            hint = "The two files do not belong together; restore both from a copy"
            raise DataError("these are not the images that were labelled", where=folder / "images.png", hint=hint)
        spoken = [row["spoken"] for row in rows]
        try:
            return cls(
                images=images,
                labels=tuple(row["label"] for row in rows),
                spoken=None if all(digit is None for digit in spoken) else spoken,  # type: ignore[arg-type]
                **{key: content[key] for key in ("annotator", "kind", "note")},
            )
        except DataError as error:
            raise DataError(str(error).rstrip("."), where=folder / "labels.json") from error


class Agreement(TypedDict):
    """What :func:`agreement` gives: pairs, share equal in [0, 1], Cohen's kappa, counts (11, 11) int64."""

    n: int
    equal: float
    kappa: float
    confusion: np.ndarray


def agreement(a: Annotations | Sequence[Label | None], b: Annotations | Sequence[Label | None]) -> Agreement:
    """Compare two readings of the same images: n, share equal, Cohen's kappa, confusion (lecture 07).

    ``a`` and ``b`` are :class:`Annotations` or lists of labels in the same order; a pair with a None is left out.
    kappa = (equal - chance) / (1 - chance) over the eleven categories 0-9 and unreadable; it is NaN where both gave one
    and the same label throughout, for then chance alone explains it. The rows of the confusion are ``a``, the columns
    ``b``, with index 10 for unreadable. Raises :class:`DataError` for different images, different lengths, or no pair.
    Source: J. Cohen, "A coefficient of agreement for nominal scales", 1960.

    Three of four labels are equal; by chance it would be half of them:

    >>> found = agreement([0, 0, 1, 1], [0, 1, 1, 1])
    >>> found["n"], found["equal"], found["kappa"]
    (4, 0.75, 0.5)
    """
    if isinstance(a, Annotations) and isinstance(b, Annotations) and content_hash(a.images) != content_hash(b.images):
        raise DataError("these are readings of different images", where="agreement")
    first = list(a.labels if isinstance(a, Annotations) else a)
    second = list(b.labels if isinstance(b, Annotations) else b)
    if len(first) != len(second):
        raise DataError(f"{len(first)} labels against {len(second)}", where="agreement")
    confusion = np.zeros((11, 11), dtype=np.int64)
    for pair in zip(first, second, strict=True):
        if None not in pair:
            row, column = (10 if label == UNREADABLE else int(label) for label in map(check_label, pair))
            confusion[row, column] += 1
    n = int(confusion.sum())
    if n == 0:
        raise DataError("no image was labelled by both", where="agreement")
    equal = float(np.trace(confusion)) / n
    chance = float(confusion.sum(axis=1) @ confusion.sum(axis=0)) / n**2
    kappa = (equal - chance) / (1 - chance) if chance < 1 else float("nan")
    return {"n": n, "equal": equal, "kappa": kappa, "confusion": confusion}
