"""Makers of recordings, models and folders, good and bad, for the tests of what bad input gets.

Everything is made on the spot from a tone or from a few of the built-in recordings: nothing is stored.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import shutil
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
BUILTIN = ROOT / "data" / "builtin" / "data"
RATE = 16_000


# --- recordings ----------------------------------------------------------------------------------------


def tone(seconds: float = 0.6, rate: int = RATE, peak: float = 0.4) -> np.ndarray:
    """A swelling tone of 440 Hz, float32 ``(n,)``."""
    n = round(seconds * rate)
    return (peak * np.sin(2 * np.pi * 440 * np.arange(n) / rate) * np.hanning(n)).astype(np.float32)


def encode(samples: np.ndarray, kind: str = "WAV", subtype: str | None = None, rate: int = RATE) -> bytes:
    """A recording as the bytes of a file."""
    import soundfile

    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format=kind, subtype=subtype)
    return stream.getvalue()


def wav(
    *,
    data: bytes | None = None,
    code: int = 1,
    channels: int = 1,
    rate: int = RATE,
    bits: int = 16,
    length: int | None = None,
) -> bytes:
    """A WAV file whose header says what it is told to, whether that is true or not."""
    data = encode(tone())[44:] if data is None else data
    per_frame = channels * bits // 8
    form = struct.pack("<IHHIIHH", 16, code, channels, rate, rate * per_frame % 2**32, per_frame % 2**16, bits)
    size = struct.pack("<I", len(data) if length is None else length)
    return b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + form + b"data" + size + data


def spoilt(value: float) -> bytes:
    """A float WAV file with one sample of ``value``."""
    samples = tone().astype(np.float64)
    samples[99] = value
    return encode(samples, "WAV", "DOUBLE")


def cut(data: bytes, share: float = 0.6) -> bytes:
    """The beginning of a file."""
    return data[: int(len(data) * share)]


def flipped(data: bytes) -> bytes:
    """A file with fifty bytes in its middle overwritten."""
    middle = len(data) // 2
    return data[:middle] + b"\xff" * 50 + data[middle + 50 :]


def untagged_mp3() -> bytes:
    """An MP3 file without the tag that tells its length, as recorders that cannot seek write it."""
    data = encode(tone(2), "MP3")
    assert data[13:17] == b"Xing"
    return data[data.find(data[:2], 4) :]


def clipped() -> bytes:
    """A recording that was made far too loud."""
    return encode(np.clip(8 * tone(peak=0.9), -1, 1))


def png() -> bytes:
    """A picture."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.arange(784, dtype=np.uint8).reshape(28, 28)).save(stream, format="PNG")
    return stream.getvalue()


# --- folders -------------------------------------------------------------------------------------------


def corpus(folder: Path, speakers: Sequence[str] = ("01", "02"), digits: Sequence[int] = range(10)) -> Path:
    """A folder in Audio-MNIST's layout: one take of each digit by each speaker, from the built-in recordings."""
    for speaker in speakers:
        (folder / speaker).mkdir(parents=True)
        for digit in digits:
            shutil.copy(BUILTIN / speaker / f"{digit}_{speaker}_0.flac", folder / speaker)
    return folder


def flat_corpus(folder: Path, speaker: str = "01") -> Path:
    """A folder in FSDD's layout with one speaker."""
    folder.mkdir(parents=True)
    for digit in range(10):
        shutil.copy(BUILTIN / speaker / f"{digit}_{speaker}_0.flac", folder / f"{digit}_ann_0.flac")
    return folder


def snapshot(folder: Path) -> dict[str, str]:
    """Everything below a folder: for each path its kind, mode and the hash of its content."""
    found = {}
    for here, folders, names in os.walk(os.fsencode(folder)):
        for name in folders + names:
            path = os.path.join(here, name)
            facts = os.lstat(path)
            text = f"{facts.st_mode:o}"
            if os.path.islink(path):
                text += f" -> {os.readlink(path)!r}"
            elif os.path.isfile(path):
                # A sparse file of half an hour is told by its size.
                big = facts.st_size > 1 << 22
                text += (
                    f" {facts.st_size}"
                    if big
                    else " " + hashlib.sha256(Path(os.fsdecode(path)).read_bytes()).hexdigest()
                )
            found[os.fsdecode(os.path.relpath(path, os.fsencode(folder)))] = text
    return found


# --- handwriting ---------------------------------------------------------------------------------------


def idx(array: np.ndarray, magic: int = 0x08) -> bytes:
    """An array of bytes as an IDX file."""
    head = struct.pack(">HBB", 0, magic, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


def mnist(folder: Path, n: int = 20) -> Path:
    """Files like MNIST's, of ``n`` random images each."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for stem in ("train", "t10k"):
        (folder / f"{stem}-images-idx3-ubyte").write_bytes(idx(rng.integers(0, 256, (n, 28, 28))))
        (folder / f"{stem}-labels-idx1-ubyte").write_bytes(idx(np.arange(n) % 10))
    return folder


# --- models --------------------------------------------------------------------------------------------

FEATURES = {"sample_rate": 8000, "n_mfcc": 40}
SMALL = {"hidden": [8], "latent": 2, "channels": 2}

TINY = """
kind = "generator"
[features]
[model]
hidden = [8]
latent = 2
channels = 2
[training]
epochs = 2
batch_size = 8
"""

TINY_CLASSIFIER = """
kind = "classifier"
[features]
[model]
hidden = [8]
[training]
epochs = 1
"""


def generator_meta() -> dict:
    """What stands inside a tiny generator."""
    recipe = {"kind": "generator", "features": dict(FEATURES), "model": dict(SMALL)}
    return {"kind": "generator", "recipe": recipe, "seed": 0}


def generator_tensors() -> dict:
    """The weights of a tiny generator, drawn at random."""
    import torch

    from a2d.lab import models

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return models.build("generator", generator_meta()["recipe"]).state_dict()


def save_models(folder: Path) -> Path:
    """Tiny models with random weights, in folders as `a2d train` writes them: generator, evaluator, classifier."""
    import torch

    from a2d.lab import models

    recipe = generator_meta()["recipe"]
    kinds = {
        "generator": recipe,
        "evaluator": {"kind": "evaluator"},
        "classifier": {"kind": "classifier", "features": FEATURES, "model": {"hidden": [8]}},
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        for kind, recipe in kinds.items():
            net = models.build(kind, recipe)
            models.save(folder / kind / models.MODEL_FILE, net, {"kind": kind, "recipe": recipe, "seed": 0})
    return folder


def safetensors(tensors: dict, meta: dict | str | None) -> bytes:
    """A safetensors file with ``meta`` where a2d's stands; None leaves it out, as other programs do."""
    from safetensors.torch import save

    text = meta if isinstance(meta, str) or meta is None else json.dumps(meta)
    return save(tensors, None if text is None else {"a2d": text})


class Trap:
    """An object that leaves a file behind when it is unpickled."""

    def __init__(self, path: Path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


def pickled(trap: Path) -> bytes:
    """A pickle that writes the file ``trap`` when somebody loads it."""
    return pickle.dumps({"state_dict": Trap(trap)})
