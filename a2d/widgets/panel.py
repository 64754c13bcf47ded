"""The one widget behind four: labelled controls, a picture, its finding in words, and perhaps a sound."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from a2d.widgets.controls import Control, told, whole

if TYPE_CHECKING:
    from a2d.figures import Picture

HERE = Path(__file__).parent


class Shown(anywidget.AnyWidget):
    """A widget whose output holds a picture as well, for all who read the notebook without its kernel."""

    _css = (HERE / "panel.css").read_text(encoding="utf-8")

    @property
    def picture(self) -> Picture:
        """The figure that the widget shows now."""
        raise NotImplementedError

    @property
    def text(self) -> str:
        """The figure's finding in words."""
        return self.picture.text

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        found: Any = super()._repr_mimebundle_(**options) or {}
        view, about = found if isinstance(found, tuple) else (found, {})
        png = {"image/png": base64.b64encode(self._png()).decode(), "text/plain": self.text}
        return {**view, **png}, {**about, "image/png": {"alt": self.text}}

    def _png(self) -> bytes:
        return self.picture.png()


class Panel(Shown):
    """Controls above a picture that ``draw`` makes; everything runs in the kernel, the browser only shows it.

    ``draw`` gets the places of the controls by name, where a slider stands or how often a button was pressed, and gives
    a Picture. It is called once here, so that wrong arguments raise at once; an error later is said in the widget.
    ``sound`` gives a WAV file for the same places, or b"" for none.
    """

    _esm = (HERE / "panel.js").read_text(encoding="utf-8")
    label = traitlets.Unicode().tag(sync=True)
    controls: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    places = traitlets.Dict().tag(sync=True)
    image = traitlets.Bytes().tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)
    audio = traitlets.Bytes().tag(sync=True)
    audio_label = traitlets.Unicode().tag(sync=True)
    problem = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        label: str,
        controls: Sequence[Control],
        draw: Callable[[Mapping[str, int]], Picture],
        *,
        sound: Callable[[Mapping[str, int]], tuple[str, bytes]] | None = None,
        press: Callable[[str, dict[str, int]], dict[str, int]] | None = None,
    ):
        self._controls = {control.name: control for control in controls}
        self._draw, self._sound, self._press = draw, sound, press
        places = {control.name: control.place for control in controls}
        shown = self._shown(places)
        super().__init__(label=label, controls=[control.as_dict() for control in controls], places=places, **shown)
        self.observe(self._moved, "places")
        self.on_msg(self._message)

    @property
    def picture(self) -> Picture:
        """The figure that the widget shows now."""
        return self._picture

    def _png(self) -> bytes:
        return self.image

    def _shown(self, places: Mapping[str, int]) -> dict[str, Any]:
        """What the browser shows for ``places``."""
        picture = self._draw(places)
        said, heard = self._sound(places) if self._sound else ("", b"")
        found = {"image": picture.png(), "alt": picture.text, "audio_label": said, "audio": heard, "problem": ""}
        self._picture = picture
        return found

    def _moved(self, change: Any) -> None:
        """Draw anew. The browser asks for it, so whatever goes wrong is told there: a traceback would be lost."""
        try:
            shown = self._shown({name: self._checked(name, change["new"].get(name)) for name in self._controls})
        except Exception as error:
            shown = {"problem": told(error, "This cannot be drawn")}
        with self.hold_sync():
            for name, value in shown.items():
                self.set_trait(name, value)

    def _checked(self, name: str, place: Any) -> int:
        control = self._controls[name]
        top = 10**9 if control.kind == "button" else len(control.stops) - 1
        return whole(place, control.label, 0, top)

    def _message(self, _: Any, content: Any, buffers: Any) -> None:
        name = content.get("press") if isinstance(content, dict) else None
        if isinstance(name, str) and name in self._controls and self._controls[name].kind == "button":
            places = {**self.places, name: self.places.get(name, 0) + 1}
            self.places = self._press(name, places) if self._press else places
