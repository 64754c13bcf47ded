"""The recorder's front end. The browser opens the microphone and sends what it heard; all else happens here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from a2d.errors import DataError
from a2d.widgets.controls import told, wav, whole
from a2d.widgets.panel import HERE, Shown
from a2d.widgets.takes import MOST_BYTES, Takes
from a2d.widgets.w11_voice import takes_view

if TYPE_CHECKING:
    from a2d.audio import Clip
    from a2d.figures import Picture

# Seconds after which the browser ends a recording by itself: a word is over long before.
LONGEST = 5.0
_BARS = 240


class Recorder(Shown):
    """Microphone or file, a meter, a cut, and the takes that are kept.

    Nothing is taken before ``agreed`` is true, whatever the browser sends. Sounds travel in messages and never in a
    trait: traits may be saved with the notebook. Every message carries the step that it was made for, so that what was
    pressed for one take is not done to another.
    """

    _esm = "".join((HERE / f"{name}.js").read_text(encoding="utf-8") for name in ("microphone", "recorder_panel"))
    _css = Shown._css + (HERE / "recorder_panel.css").read_text(encoding="utf-8")
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, takes: Takes, listen: Callable[[Clip], str] | None, goal: int):
        self.takes, self.agreed = takes, False
        self._listen, self._goal, self._step, self._heard = listen, goal, 0, ""
        self._digit = takes.wanted
        super().__init__(state=self._state(""))
        self.on_msg(self._message)

    @property
    def clip(self) -> Clip | None:
        """The take in hand within its cut, else the one that was kept last, else None."""
        return self.takes.clip

    @property
    def picture(self) -> Picture:
        """How many takes of each digit are kept; it shows nothing of the voice."""
        return takes_view(self.takes, self._goal)

    def _state(self, said: str, problem: str = "") -> dict[str, Any]:
        raw, (start, stop) = self.takes.waiting, self.takes.cut
        take = None
        if raw is not None:
            take = {"bars": _bars(raw.samples), "seconds": raw.seconds, "start": start, "stop": stop}
        state = {"step": self._step, "agreed": self.agreed, "said": said, "problem": problem, "heard": self._heard}
        state |= {"digit": self._digit, "counts": self.takes.counts, "goal": self._goal, "take": take}
        return state | {"folder": str(self.takes.folder.absolute()), "longest": LONGEST, "most": MOST_BYTES}

    def _message(self, _: Any, content: Any, buffers: Any) -> None:
        """Do what the browser asks for, and tell it where things stand now. Nothing raises in here."""
        said = problem = ""
        try:
            said = self._do(content, buffers)
        except Exception as error:
            problem = told(error, "This was not done")
        self._step += 1
        try:
            self.state = self._state(said, problem)
        except Exception as error:
            self.state = {**self.state, "step": self._step, "problem": f"{problem} {type(error).__name__}: {error}"}

    def _do(self, content: Any, buffers: Sequence[Any] | None) -> str:
        """Carry an action out, and say what was done; :class:`DataError` for what is none."""
        if not isinstance(content, Mapping) or content.get("step") != self._step:
            raise DataError("that was meant for what was shown before", hint="Do it again")
        if content.get("do") == "agree":
            return self._agree(content.get("agreed") is True)
        if content.get("do") == "digit":
            self._digit = whole(content.get("digit"), "digit", 0, 9)
            return ""
        if content.get("do") == "delete all":  # it must work without agreement: whoever takes it back may want that
            n = self.takes.delete_all()
            self._digit, self._heard = self.takes.wanted, ""
            return f"Deleted: {n} recording{'' if n == 1 else 's'}. Nothing of your voice is left in this folder."
        if not self.agreed:
            raise DataError("nothing is recorded before you agree", hint="Tick the box first")
        return self._with_takes(content, buffers)

    def _agree(self, agreed: bool) -> str:
        self.agreed = agreed
        if not agreed and self.takes.waiting is not None:
            self.takes.discard()
            self._heard = ""
        return (
            "You agreed: press Record."
            if agreed
            else "You took it back: nothing is recorded. Takes that were kept stay."
        )

    def _with_takes(self, content: Mapping[str, Any], buffers: Sequence[Any] | None) -> str:
        takes = self.takes
        match content.get("do"):
            case "take":
                takes.offer_bytes(bytes(buffers[0]) if buffers else b"", str(content.get("name", "take.wav")))
                return self._looked_at()
            case "cut":
                start: Any = content.get("start")
                stop: Any = content.get("stop")
                takes.set_cut(start, stop)
                return self._looked_at()
            case "play":
                if (clip := takes.clip) is None:
                    raise DataError("there is nothing to play", hint="Record a take first")
                self.send({"do": "play"}, [wav(clip)])
                return f"Plays {clip.seconds:.2f} s."
            case "keep":
                path = takes.keep(self._digit)
                self._digit, self._heard = takes.wanted, ""
                return f"Kept as {path.name}."
            case "discard":
                takes.discard()
                self._heard = ""
                return "Thrown away; it was never written."
            case "delete":
                path = takes.delete(self._digit)
                return f"Deleted {path.name}."
        raise DataError("this is not something that can be done here")

    def _looked_at(self) -> str:
        clip = self.takes.clip
        assert clip is not None
        self._heard = self._listen(clip) if self._listen else ""
        notes = "".join(f" {note}" for note in self.takes.notes)
        return f"A take of {clip.seconds:.2f} s. Play it, then keep it or throw it away.{notes}"


def _bars(samples: np.ndarray) -> list[float]:
    """The peak of each of some hundred stretches of a recording, the loudest 1: a picture, which nobody can hear."""
    peaks = [float(np.abs(part).max(initial=0)) for part in np.array_split(samples, min(_BARS, len(samples)))]
    return [round(peak / max(1e-9, *peaks), 3) for peak in peaks]
