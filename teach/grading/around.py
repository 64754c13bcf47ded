"""What a person who marks an answer in words looks at beside its text: the cells around it, outputs and pictures.

Everything here is a student's, and is kept as plain text and as pictures whose first bytes say what they are; no HTML,
no SVG, nothing that a browser would run or fetch. Limits hold whatever a notebook has in it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from teach.grading.notebook import Notebook, NotebookCell

# Cells shown before what belongs to the question, and behind it.
BEFORE, BEHIND = 6, 3
# Of a student's pictures in all, in bytes; of a cell's and an output's text, in characters; of a cell's outputs.
PICTURE_BYTES = 2_000_000
SOURCE_CHARACTERS, OUTPUT_CHARACTERS, OUTPUTS = 4_000, 2_000, 8
_ATTACHED = 20
_NAME = 200
_BEGINS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_KINDS = tuple(dict.fromkeys(_BEGINS.values()))
# A picture in a text, as Colab writes it: ![name](data:image/png;base64,...).
_INLINE = re.compile(r"\]\(data:image/(?:png|jpeg|gif);base64,([A-Za-z0-9+/=]++)\)")


@dataclass(frozen=True)
class Shown:
    """What a cell shows beside its source: ``outputs`` as texts and pictures, ``attached`` pictures by name.

    Pictures are in base64, as they stand in the notebook: nothing is known of them yet.
    """

    outputs: tuple[tuple[str, str], ...] = ()
    attached: Mapping[str, str] = field(default_factory=dict)


def shown(cell: Mapping[str, Any]) -> Shown:
    """The outputs and attachments of a cell of a notebook's JSON; whatever it holds, this gives plain texts."""
    outputs, attachments = cell.get("outputs"), cell.get("attachments")
    listed = outputs[:OUTPUTS] if isinstance(outputs, list) else []
    attached = list(attachments.items())[:_ATTACHED] if isinstance(attachments, dict) else []
    pictures = {_plain(name)[:_NAME]: data for name, bundle in attached if (data := _picture_in(bundle))}
    return Shown(tuple(one for output in listed if isinstance(output, dict) for one in _output(output)), pictures)


def lifted(source: str) -> tuple[str, dict[str, str]]:
    """A text whose pictures are written into it, with their names instead, and the pictures by name."""
    found: dict[str, str] = {}

    def name(match: re.Match[str]) -> str:
        if len(found) >= _ATTACHED:
            return "](left-out)"
        called = f"pasted-{hashlib.sha256(match[1].encode()).hexdigest()[:16]}"
        found[called] = match[1] if len(match[1]) <= PICTURE_BYTES * 2 else ""
        return f"](attachment:{called})"

    return _INLINE.sub(name, source), found


def around(notebook: Notebook, answer: Sequence[NotebookCell], asked: NotebookCell | None) -> dict[str, Any]:
    """The cells around an answer's, as plain data; pictures are still in base64 and unchecked, see :func:`packed`."""
    numbers = [notebook.cells.index(cell) for cell in (*answer, *filter(None, [asked]))]
    cells = notebook.cells[max(0, min(numbers) - BEFORE) : max(numbers) + 1 + BEHIND]
    return {"file": notebook.name, "cells": [_cell(cell, cell in answer) for cell in cells]}


def packed(found: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """What is kept of a student: ``answers`` by question, and ``pictures`` by hash, each as (kind, base64).

    Answers' own pictures come first, then those of the cells around them, up to :data:`PICTURE_BYTES`; what is no
    picture, or over the limit, is told by the text that stands for it.
    """
    pictures: dict[str, tuple[str, str]] = {}
    left = PICTURE_BYTES

    def kept(data: str) -> str:
        nonlocal left
        checked = checked_picture(data)
        if checked is None:
            return ""
        kind, content = checked
        name = hashlib.sha256(content).hexdigest()[:32]
        if name not in pictures:
            if len(content) > left:
                return ""
            left -= len(content)
            pictures[name] = kind, base64.b64encode(content).decode()
        return name

    cells = [cell for one in found.values() for cell in one["cells"]]
    for cell in sorted(cells, key=lambda one: not one["answer"]):
        cell["attached"] = {name: kept(data) for name, data in cell["attached"].items()}
        cell["outputs"] = [(what, text if what == "text" else kept(text)) for what, text in cell["outputs"]]
    return {"answers": dict(found), "pictures": pictures} if found else {}


def checked_picture(data: str) -> tuple[str, bytes] | None:
    """The kind and the bytes of a PNG, JPEG or GIF in base64; None for anything else, and for what is too large."""
    if len(data) > PICTURE_BYTES * 2:
        return None
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    kind = next((kind for begin, kind in _BEGINS.items() if content.startswith(begin)), None)
    return (kind, content) if kind is not None else None


def _cell(cell: NotebookCell, is_answer: bool) -> dict[str, Any]:
    return {
        "number": cell.number,
        "kind": cell.kind,
        "source": _cut(cell.source, SOURCE_CHARACTERS),
        "answer": is_answer,
        "attached": dict(cell.shown.attached),
        "outputs": list(cell.shown.outputs),
    }


def _output(output: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What an output says: ("text", ...) or ("picture", base64)."""
    kind, data = output.get("output_type"), output.get("data")
    if kind == "stream":
        yield "text", _text(output.get("text"))
    elif kind == "error":
        yield "text", _cut(f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}", OUTPUT_CHARACTERS)
    elif isinstance(data, dict):
        if picture := _picture_in(data):
            yield "picture", picture
        else:
            yield "text", _text(data.get("text/plain"))


def _picture_in(bundle: object) -> str:
    """A picture in a bundle of one thing in several kinds, in base64; "" for none that can be shown."""
    if not isinstance(bundle, dict):
        return ""
    found = next((bundle[kind] for kind in _KINDS if kind in bundle), "")
    text = "".join(_strings(found)) if isinstance(found, list) else found
    return text if isinstance(text, str) and len(text) <= PICTURE_BYTES * 2 else ""


def _strings(parts: Iterable[object]) -> Iterator[str]:
    return (part for part in parts if isinstance(part, str))


def _text(value: object) -> str:
    text = "".join(_strings(value)) if isinstance(value, list) else value if isinstance(value, str) else ""
    return _cut(_plain(text), OUTPUT_CHARACTERS)


def _plain(text: object) -> str:
    """A text without halves of letters, which JSON can hold and no file in UTF-8 can."""
    return text.encode("utf-8", "replace").decode() if isinstance(text, str) else ""


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]} [... and {len(text) - most} more characters]"
