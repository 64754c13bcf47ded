"""What a widget's controls are, and the checks that the widgets share. Imports nothing heavy."""

from __future__ import annotations

import importlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from a2d.errors import A2DError, DataError

if TYPE_CHECKING:
    from types import ModuleType

    from a2d.audio import Clip


@dataclass(frozen=True)
class Control:
    """Something to move or to press: a slider or a list over ``stops``, or a button.

    ``label`` names it on the screen and for a screen reader, ``hint`` says more; ``stops`` are what a place of the
    slider means, in words; ``place`` is where it stands first.
    """

    kind: Literal["slider", "choice", "button"]
    name: str
    label: str
    stops: tuple[str, ...] = ()
    place: int = 0
    hint: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As the front end gets it."""
        return {"kind": self.kind, "name": self.name, "label": self.label, "stops": list(self.stops), "hint": self.hint}


def load(module: str) -> ModuleType:
    """Import a module of this package that needs the front end; without it, :class:`A2DError` says what to install."""
    try:
        return importlib.import_module(f"a2d.widgets.{module}")
    except ModuleNotFoundError as error:
        if error.name not in ("anywidget", "ipywidgets", "traitlets"):
            raise
        hint = 'Run `pip install "digits-from-sound[course]"`; the functions named *_view need no widgets'
        raise A2DError(f"{error.name} is not installed", where="a2d.widgets", hint=hint) from error


def told(error: Exception, otherwise: str) -> str:
    """An error as it is said on a page: what was wrong, and what to do; ``otherwise`` begins one that is not ours."""
    if not isinstance(error, A2DError):
        return f"{otherwise} ({type(error).__name__}: {error})."
    text = f"{error.what}. {error.hint}." if error.hint else f"{error.what}."
    return text[0].upper() + text[1:]


def whole(value: Any, where: str, low: int, high: int) -> int:
    """Give ``value`` as an int from ``low`` to ``high``, or raise :class:`DataError`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
        raise DataError(f"expected a whole number from {low} to {high}, got {value!r}", where=where)
    return int(value)


def latent_axes(axes: Any, dims: int, *, least: int = 2) -> tuple[int, ...]:
    """Give ``axes`` as different latents from 0 to ``dims`` - 1, at least ``least`` of them."""
    if not isinstance(axes, Sequence) or isinstance(axes, str) or not least <= len(axes) <= dims:
        raise DataError(f"expected {least} to {dims} latents, got {axes!r}", where="axes")
    numbers = tuple(whole(axis, "axes", 0, dims - 1) for axis in axes)
    if len(set(numbers)) != len(numbers):
        what = f"the latents {', '.join(map(str, numbers))} are not different ones"
        raise DataError(what, where="axes", hint="Choose each latent once")
    return numbers


def clips_of(clips: Any, where: str = "clips") -> dict[Any, Clip]:
    """Give a mapping of labels to recordings, at least one."""
    if not isinstance(clips, Mapping) or not clips:
        raise DataError("expected a mapping of labels to recordings, with at least one", where=where)
    for label, clip in clips.items():
        if not hasattr(clip, "samples") or not hasattr(clip, "rate"):
            hint = "Give what a2d.audio.load gives"
            raise DataError(f"{type(clip).__name__} is not a recording", where=f"{where}[{label!r}]", hint=hint)
    return dict(clips)


def wav(clip: Clip) -> bytes:
    """A recording as a WAV file of 16 bits, made loud enough to hear."""
    import soundfile

    samples, buffer = np.asarray(clip.samples, dtype=np.float64), io.BytesIO()
    peak = np.abs(samples).max(initial=0)
    soundfile.write(buffer, samples * (0.9 / peak if peak else 0), int(clip.rate), format="WAV", subtype="PCM_16")
    return buffer.getvalue()
