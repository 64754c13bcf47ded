"""A recording of the student's own: recorded, chosen in the browser, or named. Lecture 00."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from a2d import audio
from a2d.errors import AudioError

if TYPE_CHECKING:
    from a2d.audio import Clip


def own_recording(uploads: Any, name: str, instead: Path, recorded: Clip | None = None) -> tuple[str, Clip]:
    """Name and sound of what was ``recorded``, else of the file that was chosen, else of ``name``, else of ``instead``.

    ``uploads``: the value of an ``ipywidgets.FileUpload``. Prints which of them it is. For a file that cannot be used
    it prints why in one sentence, and gives ``instead``.
    """
    if recorded is not None:
        return _told("your take", "your own recording", recorded)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(name).expanduser() if name else instead
        # ipywidgets 8 gives files, 7 (Colab's) a dict of them by name.
        given = uploads.items() if isinstance(uploads, Mapping) else [(file["name"], file) for file in uploads]
        for label, file in list(given)[-1:]:
            path = Path(folder) / Path(label).name
            path.write_bytes(file["content"])
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", audio.AudioWarning)
                clip = audio.load(path)
        except AudioError as error:
            print(f"{path.name} cannot be used: {error.what}. {error.hint}.")
            path, clip, caught = instead, audio.load(instead), []
    whose = "a recording that comes with the course" if path == instead else "your own recording"
    found = _told(path.name, whose, clip)
    for warning in caught:
        print(str(warning.message).replace(str(path), path.name))
    return found


def _told(name: str, whose: str, clip: Clip) -> tuple[str, Clip]:
    print(f"{name}, {whose}: {clip.seconds:.2f} s at {clip.rate:,} Hz")
    return name, clip
