"""Saving and loading models: safetensors files that carry tensors and text, never pickled objects."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from a2d.errors import ModelError
from a2d.io.atomic import write_bytes

if TYPE_CHECKING:
    from torch import Tensor

_KEY = "a2d"  # the one entry of the file's metadata that is ours


def save(path: str | os.PathLike, tensors: dict[str, Tensor], meta: dict[str, Any]) -> None:
    """Write tensors and a JSON-able ``meta`` to ``path``, atomically; NaN and infinity are refused."""
    from safetensors.torch import save as serialise

    bad = [name for name, value in tensors.items() if value.is_floating_point() and not value.isfinite().all()]
    if bad:
        hint = "Lower the learning rate, or look for broken items in the data"
        raise ModelError(f"{bad[0]} holds NaN or infinity, so it is not written", where=path, hint=hint)
    text = json.dumps(meta, sort_keys=True, allow_nan=False)
    # Not save_file: its own errors, on a full disk for one, are no OSError.
    write_bytes(path, serialise({k: v.detach().contiguous() for k, v in tensors.items()}, metadata={_KEY: text}))


def load(path: str | os.PathLike) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what :func:`save` wrote; a missing, damaged or foreign file raises :class:`~a2d.errors.ModelError`."""
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not os.path.isfile(path):
        raise ModelError("there is no such model", where=path, hint="Name a folder that `a2d train` has written")
    try:
        with safe_open(path, framework="pt") as stream:
            meta = json.loads((stream.metadata() or {}).get(_KEY, "null"))
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        hint = "It is damaged, or of another program: copy it anew or train again"
        raise ModelError(f"this is not a readable safetensors file ({error})", where=path, hint=hint) from error
    if not isinstance(meta, dict):
        raise ModelError("this file was not written by a2d", where=path, hint="Name one that `a2d train` has written")
    return tensors, meta


def file_hash(path: str | os.PathLike) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
