"""What the page needs of the shipped ear and hands, as one safetensors file.

Weights stay in 16 bits where they were shipped so, and nothing is rounded: the page computes with the same numbers
as PyTorch. A batch norm becomes a factor and a summand for each feature map, which is what it is once it is trained.

>>> from safetensors.numpy import load
>>> tensors = load(packed())
>>> tensors["ear.stem.weight"].shape, tensors["ear.stem.weight"].dtype  # kernel rows and columns before the channels
((16, 5, 5, 1), dtype('float16'))
>>> tensors["sample.7"].dtype
dtype('int16')
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save
from torch import nn

from a2d import audio
from a2d.ears.cnn import Ear, LogMel
from a2d.errors import DataError
from a2d.features import MfccConfig, dct_matrix, hann_window, mel_filterbank
from a2d.hands.flow import FlowHands
from a2d.hands.voice import WAVES
from a2d.io.shipped import shipped
from a2d.lab import models
from teach.demo.kernel import kernel

SAMPLES = {0: "01", 1: "07", 2: "12", 3: "18", 4: "23", 5: "29", 6: "34", 7: "40", 8: "46", 9: "51"}
"""The voice of the sample of each digit, among the built-in recordings: as unlike each other as they are."""


def packed(ear: str = "ear", hands: str = "hands") -> bytes:
    """The bytes of one safetensors file with the models ``ear`` and ``hands``, what is computed before and after, and
    ten built-in recordings. The metadata's ``config`` is JSON.

    Raises :class:`~a2d.errors.DataError` for an ear that does not listen to a log-mel spectrogram, or hands of another
    kind than the shipped ones.
    """
    heard, drawn = models.load(ear, "ear").net, models.load(hands, "hands").net
    if not isinstance(heard.picture, LogMel):
        raise DataError("this ear listens to a scalogram", where=ear, hint="Give one whose front is log-mel")
    tensors = {**of_ear(heard), **of_voice(heard, drawn.style_size), **of_hands(drawn), **recordings()}
    tensors["kernel"] = np.frombuffer(kernel(), np.uint8)
    config = {
        "ear": asdict(heard.config),
        "hands": asdict(drawn.config),
        "temperature": float(heard.temperature),
        "limit": float(heard.limit),
        "contrast": float(drawn.autoencoder.contrast),
        "mfcc": asdict(MfccConfig(sample_rate=heard.config.sample_rate)),
        "min_seconds": audio.MIN_SECONDS,
        "max_seconds": audio.MAX_SECONDS,
        "silence_peak": audio.SILENCE_PEAK,
    }
    return save({name: narrowed(array) for name, array in tensors.items()}, {"config": json.dumps(config)})


def narrowed(array: np.ndarray) -> np.ndarray:
    """Float numbers in 16 bits if not one of them changes by it, else in 32; whole numbers as they are."""
    if array.dtype.kind != "f":
        return np.ascontiguousarray(array)
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    return np.ascontiguousarray(half if np.array_equal(half.astype(array.dtype), array) else array.astype(np.float32))


def of_ear(ear: Ear) -> dict[str, np.ndarray]:
    """The ear's layers; a convolution's ``weight (out, rows, columns, in)``, ``scale (out,)`` and ``shift (out,)``."""
    config = ear.config
    found = {"ear.window": hann_window(config.n_fft), "ear.bank": _array(ear.picture.bank).T}
    stem: Any = ear.stem
    found |= _normed("ear.stem", stem[0], stem[1])
    for n, block in enumerate(ear.stages):
        own: Any = block
        found |= _normed(f"ear.{n}.first", own.conv1, own.norm1) | _normed(f"ear.{n}.second", own.conv2, own.norm2)
        if len(own.short):
            found |= _normed(f"ear.{n}.short", own.short[0], own.short[1])
        found |= _linear(f"ear.{n}.narrow", own.weigh[0]) | _linear(f"ear.{n}.widen", own.weigh[2])
    return found | _linear("ear.head", ear.head[1])


def of_voice(ear: Ear, style_size: int) -> dict[str, np.ndarray]:
    """What turns mean MFCCs and a level into a hand: the voice's directions, and the waves of :func:`hand_of`."""
    config = MfccConfig(sample_rate=ear.config.sample_rate)
    # The same numbers in the same order as a2d.hands.voice.hand_of draws; a test compares what comes out.
    rng = torch.Generator().manual_seed(0)
    waves = torch.randn(ear.voice.matrix.shape[1], WAVES, generator=rng)
    phases = 2 * math.pi * torch.rand(WAVES, generator=rng)
    heights = torch.randn(WAVES, style_size, generator=rng) * math.sqrt(2 / WAVES)
    return {
        "voice.window": hann_window(config.n_fft),
        "voice.bank": mel_filterbank(config),
        "voice.dct": dct_matrix(config.n_mfcc, config.n_mels),
        "voice.digits": _array(ear.voice.digit_means),
        "voice.matrix": _array(ear.voice.matrix).T,
        "voice.centre": _array(ear.voice.centre),
        "voice.level": _array(ear.voice.level),
        "voice.waves": _array(waves).T,
        "voice.phases": _array(phases),
        "voice.heights": _array(heights).T,
    }


def of_hands(hands: FlowHands) -> dict[str, np.ndarray]:
    """The field and the decoder; what only training and borrowing a hand need is left out."""
    field, decoder = hands.field, hands.autoencoder.decoder
    found = {"hands.centre": _array(hands.centre), "hands.scale": _array(hands.scale)}
    layers: dict[str, Any] = {"enter": field.enter, "leave": field.leave, "known": field.known[0], "fc": decoder.fc}
    for n, block in enumerate(field.blocks):
        layers |= {f"{n}.{name}": getattr(block, name) for name in ("film", "first", "second")}
    for name, layer in layers.items():
        found |= _linear(f"hands.{name}", layer)
    convolutions = {"first": decoder.residual.first, "second": decoder.residual.second, "out": decoder.out}
    for name, convolution in convolutions.items():
        found |= {f"hands.{name}.weight": _kernel(convolution), f"hands.{name}.bias": _array(convolution.bias)}
    for name in ("up1", "up2"):
        up = getattr(decoder, name)
        # (in, out, rows, columns) to (rows, columns, out, in): one matrix product gives all that a pixel adds.
        found |= {
            f"hands.{name}.weight": _array(up.weight).transpose(2, 3, 1, 0),
            f"hands.{name}.bias": _array(up.bias),
        }
    # The page keeps channels last: the 7 x 7 pixels that fc gives are written so here.
    for kind in ("weight", "bias"):
        grid = found[f"hands.fc.{kind}"].reshape(decoder.channels, 49, -1).transpose(1, 0, 2)
        found[f"hands.fc.{kind}"] = grid.reshape(found[f"hands.fc.{kind}"].shape)
    return found


def recordings() -> dict[str, np.ndarray]:
    """A built-in recording of each digit, ``(n,)`` int16 at 8000 Hz."""
    found = {}
    for digit, voice in SAMPLES.items():
        clip = audio.load(shipped("builtin") / "data" / voice / f"{digit}_{voice}_0.flac", 8000)
        found[f"sample.{digit}"] = np.round(clip.samples * 32768).clip(-32768, 32767).astype(np.int16)
    return found


def _array(tensor: Any) -> np.ndarray:
    array: np.ndarray = tensor.detach().numpy()
    return array


def _linear(name: str, layer: Any) -> dict[str, np.ndarray]:
    return {f"{name}.weight": _array(layer.weight), f"{name}.bias": _array(layer.bias)}


def _kernel(convolution: nn.Conv2d) -> np.ndarray:
    """``(out, in, rows, columns)`` to ``(out, rows, columns, in)``: the page keeps channels last."""
    return _array(convolution.weight).transpose(0, 2, 3, 1)


def _normed(name: str, convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> dict[str, np.ndarray]:
    """A convolution and the batch norm behind it, as a factor and a summand for each feature map."""
    if norm.running_mean is None or norm.running_var is None:
        raise DataError("this network has not been trained", where=name)
    mean, variance = _array(norm.running_mean).astype(float), _array(norm.running_var).astype(float)
    scale = _array(norm.weight) / np.sqrt(variance + norm.eps)
    shift = _array(norm.bias) - mean * scale
    return {f"{name}.weight": _kernel(convolution), f"{name}.scale": scale, f"{name}.shift": shift}
