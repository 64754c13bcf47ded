"""The annotator's front end. What it may do stands in one table; whether it makes sense, the session decides."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import traitlets

from a2d.annotation import UNREADABLE
from a2d.errors import DataError
from a2d.widgets.controls import told
from a2d.widgets.panel import HERE, Shown
from a2d.widgets.session import Session
from a2d.widgets.w07_annotation import annotation_view

if TYPE_CHECKING:
    from a2d.figures import Picture


class Annotator(Shown):
    """One image, enlarged; buttons and keys for its label; how far the work is.

    Every message of the browser carries the step that it was made for. What was typed before the current image was
    there is refused, and the widget says so: nobody labels an image that they have not seen.
    """

    _esm = (HERE / "annotation_panel.js").read_text(encoding="utf-8")
    state = traitlets.Dict().tag(sync=True)
    image = traitlets.Bytes().tag(sync=True)

    def __init__(self, session: Session, name: str):
        self.session, self._name, self._step = session, name, 0
        super().__init__(state=self._state(""), image=_png(session))
        self.on_msg(self._message)

    @property
    def picture(self) -> Picture:
        """The image to label now, and how far the work is."""
        return annotation_view(self.session)

    def _state(self, said: str, problem: str = "") -> dict[str, Any]:
        here, (labelled, n) = self.session.current, self.session.progress
        label = None if here is None else self.session.labels()[here]
        state = {"step": self._step, "annotator": self._name, "said": said, "problem": problem, "label": label}
        return state | {"place": self.session.position, "n": n, "labelled": labelled, "here": here is not None}

    def _message(self, _: Any, content: Any, buffers: Any) -> None:
        """Do what the browser asks for, and tell it where the session stands now. Nothing raises in here."""
        said = problem = ""
        try:
            said = self._do(content)
        except Exception as error:
            problem = told(error, "This was not done")
        self._step += 1
        try:
            with self.hold_sync():
                self.image = _png(self.session)
                self.state = self._state(said, problem)
        except Exception as error:
            self.state = {**self.state, "step": self._step, "problem": f"{problem} {type(error).__name__}: {error}"}

    def _do(self, content: Any) -> str:
        """Carry an action out, and say what was done; :class:`DataError` for what is none."""
        if not isinstance(content, Mapping) or content.get("step") != self._step:
            raise DataError("that came before this image was shown", hint="Do it again")
        session, place = self.session, self.session.position
        match content.get("do"):
            case "label":
                label: Any = content.get("label")
                session.label(label)
                return f"Image {place + 1} is {UNREADABLE if label == UNREADABLE else f'labelled {label}'}."
            case "skip":
                session.skip()
                return f"Image {place + 1} is skipped; it comes again."
            case "back":
                session.back()
                return "Went back by one image."
            case "undo":
                session.undo()
                return "Took the last step back."
            case "goto":
                to: Any = content.get("to")
                # A person counts from 1.
                session.goto(to - 1 if isinstance(to, int) else to)
                return f"Went to image {to}."
        raise DataError("this is not something that can be done here")


def _png(session: Session) -> bytes:
    """The image to label now as PNG, 28 x 28; b"" where there is none."""
    from PIL import Image

    if session.image is None:
        return b""
    buffer = io.BytesIO()
    Image.fromarray(session.image).save(buffer, format="PNG")
    return buffer.getvalue()
