"""The shipped ear and hands as ONNX graphs, for whoever wants to run them elsewhere: ``make onnx``.

The page does not use them: it runs the same layers in JavaScript, as the runtime alone would be five times as large as
both networks. The graphs take and give what the page's networks do: ``ear.onnx`` samples ``(b, 8000)`` to scores
``(b, 11)``, log-mel spectrogram and all; ``hands.onnx`` a digit as one-hot ``(1, 10)`` and a hand ``(1, 33)`` to its
picture ``(1, 28, 28)``, Heun's steps unrolled.

Needs the packages onnx and onnxscript: ``pip install 'digits-from-sound[onnx]'``.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from a2d.ears.cnn import Ear, LogMel, standardised
from a2d.errors import CourseError
from a2d.hands.flow import FlowHands, integrate
from a2d.io.atomic import atomic_path
from a2d.lab import models

OPSET = 18


class EarGraph(nn.Module):
    """An ear without a Fourier transform, which not every runtime has: it is a convolution with sines and cosines."""

    def __init__(self, ear: Ear):
        super().__init__()
        if not isinstance(ear.picture, LogMel):
            raise CourseError("this ear listens to a scalogram", where="ear", hint="Give one whose front is log-mel")
        self.ear, n = ear, ear.config.n_fft
        angle = 2 * torch.pi * torch.outer(torch.arange(n // 2 + 1), torch.arange(n)).double() / n
        waves = torch.cat([angle.cos(), angle.sin()]) * ear.picture.window.double()
        self.register_buffer("waves", waves.float()[:, None])

    def forward(self, samples: Tensor) -> Tensor:
        front: Any = self.ear.picture
        loud = samples / samples.abs().amax(-1, keepdim=True).clamp(min=1e-9)
        padded = F.pad(loud, (front.n_fft // 2, front.n_fft // 2))[:, None]
        parts = F.conv1d(padded, self.get_buffer("waves"), stride=front.hop_length).square()  # (b, 258, frames)
        real, imaginary = parts.chunk(2, 1)
        power = (real + imaginary).mT @ front.bank
        return self.ear.score(standardised(power, front.floor_db).mT)


class HandsGraph(nn.Module):
    """Hands that are told one digit for certain."""

    def __init__(self, hands: FlowHands):
        super().__init__()
        self.hands = hands

    def forward(self, says: Tensor, style: Tensor) -> Tensor:
        hands, weight, guidance = self.hands, style[:, -1], self.hands.config.guidance
        known, bold = torch.cat([says, torch.zeros_like(says)]), torch.cat([weight, weight])

        def velocity(x: Tensor, t: Tensor) -> Tensor:
            told, untold = hands.field(torch.cat([x, x]), torch.cat([t, t]), known, bold).chunk(2)
            return untold + guidance * (told - untold)

        return hands.decode(integrate(velocity, style[:, :-1], hands.config.steps))


def export(out: str | os.PathLike[str], ear: str = "ear", hands: str = "hands") -> tuple[Path, ...]:
    """Write ``ear.onnx`` and ``hands.onnx`` into the folder ``out``; weights are float32.

    Raises :class:`~a2d.errors.CourseError` where onnx or onnxscript is missing.
    """
    missing = [name for name in ("onnx", "onnxscript") if importlib.util.find_spec(name) is None]
    if missing:
        hint = "pip install 'digits-from-sound[onnx]'"
        raise CourseError(f"{' and '.join(missing)} cannot be imported", where="make onnx", hint=hint)
    hearing, drawing = EarGraph(models.load(ear, "ear").net).eval(), HandsGraph(models.load(hands, "hands").net).eval()
    samples = torch.zeros(2, hearing.ear.config.n_samples)
    asked = (torch.eye(10)[:1], torch.zeros(1, drawing.hands.style_size))
    _write(hearing, (samples,), ["samples"], "scores", Path(out) / "ear.onnx", ({0: torch.export.Dim("b", min=1)},))
    _write(drawing, asked, ["says", "style"], "images", Path(out) / "hands.onnx")
    return Path(out) / "ear.onnx", Path(out) / "hands.onnx"


def _write(
    net: nn.Module, given: tuple[Tensor, ...], names: list[str], found: str, target: Path, open_: Any = None
) -> None:
    """Trace ``net`` on what it is ``given``; ``open_``: the dimensions that may be of another length."""
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # of the exporter's own parts, to those who write them
        program: Any = torch.onnx.export(
            net, given, input_names=names, output_names=[found], opset_version=OPSET, dynamic_shapes=open_,
            dynamo=True, external_data=False, verbose=False,
        )  # fmt: skip
        with atomic_path(target) as path:
            program.save(str(path), external_data=False)


if __name__ == "__main__":
    for written in export(sys.argv[1] if len(sys.argv) > 1 else "build/onnx"):
        print(f"wrote {written} ({written.stat().st_size / 1e6:.1f} MB)")
