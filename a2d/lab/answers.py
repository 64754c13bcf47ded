"""What a student has written in words, found again in another lecture."""

from __future__ import annotations

import json
import os
from pathlib import Path

_NOT_FOUND = "(Lecture {lecture} does not lie beside this notebook, so question {id} cannot be read.)"
_EMPTY = "(Question {id} has no answer yet: it is in lecture {lecture}.)"
# In the cell until somebody writes into it.
_PLACEHOLDER = "replace this line"


def written(id: str, folder: str | os.PathLike[str] = ".") -> str:
    """The answer to question ``id`` as it stands in its lecture's notebook in ``folder``; saved is what counts.

    Where there is no such notebook, or nothing is written yet, it gives a sentence in brackets that says so.
    """
    lecture = f"{int(id.partition('.')[0]):02d}"
    name = f"answer-{id.replace('.', '-')}"
    for path in sorted(Path(folder).glob(f"{lecture}_*.ipynb")):
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            found = [cell["source"] for cell in cells if str(cell.get("id", "")).endswith(name)]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
        for source in found:
            text = ("".join(source) if isinstance(source, list) else str(source)).strip()
            empty = not text or _PLACEHOLDER in text
            return _EMPTY.format(id=id, lecture=lecture) if empty else text
    return _NOT_FOUND.format(id=id, lecture=lecture)
