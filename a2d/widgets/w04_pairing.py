"""The target trick: draw random targets of a class and watch their mean. Lecture 04."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.errors import DataError
from a2d.widgets.controls import Control, clips_of, load, wav, whole

if TYPE_CHECKING:
    from a2d.audio import Clip
    from a2d.figures import Picture
    from a2d.pairing import Targets
    from a2d.widgets.panel import Panel

MOST = 5000
_STEPS = {"draw": 1, "draw10": 10, "draw100": 100}


def _targets(images: Any, labels: Any) -> Targets:
    from a2d.pairing import Targets

    pixels, classes = np.asarray(images), np.asarray(labels)
    whole_ones = classes.ndim == 1 and np.issubdtype(classes.dtype, np.integer)
    if not whole_ones or not len(classes) or classes.min() < 0 or classes.max() > 9:
        raise DataError("labels must be whole numbers from 0 to 9", where="labels")
    return Targets(pixels, classes)


def targets_view(images: Any, labels: Any, digit: int, n: int = 1, seed: int = 0) -> Picture:
    """Show the last of ``n`` random targets for a spoken ``digit``, the mean of all n, and the class mean (lecture 04).

    ``images`` uint8 (m, 28, 28), ``labels`` (m,), as :class:`a2d.pairing.Targets` takes them; ``n`` from 1 to 5000.
    The first n targets of a seed are the same for every larger n. The distance of their mean from the class mean
    falls like 1 / sqrt(n), since the targets are independent. Raises :class:`DataError` for a class without images.
    """
    return _view(_targets(images, labels), whole(digit, "digit", 0, 9), whole(n, "n", 1, MOST), seed)


def _view(targets: Targets, digit: int, n: int, seed: int) -> Picture:
    import torch

    from a2d.figures.f04_pairing import target_panels

    rng = torch.Generator().manual_seed(whole(seed, "seed", 0, 2**63 - 1))
    # Always the same blocks: the first targets must not depend on how many follow.
    blocks = [targets.random(torch.full((256,), digit), rng) for _ in range(-(-n // 256))]
    drawn = torch.cat(blocks)[:n].numpy().astype(np.float64)
    first, many = int(targets.first[digit]), int(targets.counts[digit])
    own = targets.pixels[first : first + many].numpy() / 255
    mean = own.mean(axis=0)
    means = np.cumsum(drawn, axis=0) / np.arange(1, n + 1)[:, None, None]
    distances = np.sqrt(np.square(means - mean).mean(axis=(1, 2)))
    spread = float(np.sqrt(own.var(axis=0).mean()))
    running = np.clip(means[-1], 0, 1)
    return target_panels(drawn[-1], running, mean, distances, digit=digit, spread=spread, many=many)


def target_trick(
    images: Any, labels: Any, *, digit: int = 7, n: int = 1, seed: int = 0, clips: Mapping[int, Clip] | None = None
) -> Panel:
    """Draw random targets for a spoken digit, one, ten or a hundred at a time (lecture 04).

    ``images`` and ``labels`` as in :func:`targets_view`, which also says what is raised; ``n`` are drawn at first;
    ``clips``: a spoken recording for each digit, to hear what the targets are for.
    """
    targets = _targets(images, labels)
    there = [c for c in range(10) if int(targets.counts[c])]
    if whole(digit, "digit", 0, 9) not in there:
        raise DataError(f"there is no image of class {digit}", where="digit")
    spoken = {} if clips is None else clips_of(clips)
    controls = [
        Control("choice", "digit", "spoken digit", tuple(map(str, there)), there.index(digit)),
        Control("button", "draw", "Draw again", hint="draw one more target at random"),
        Control("button", "draw10", "Draw 10", hint="draw ten more targets"),
        Control("button", "draw100", "Draw 100", hint="draw a hundred more targets"),
        Control("button", "restart", "Start again", hint="forget the targets that were drawn"),
    ]

    def draw(places: Mapping[str, int]) -> Picture:
        many = n + sum(step * places[name] for name, step in _STEPS.items())
        if many > MOST:
            raise DataError(f"{MOST} targets are enough", where="n", hint="Press Start again")
        return _view(targets, there[places["digit"]], many, seed)

    def press(name: str, places: dict[str, int]) -> dict[str, int]:
        return {**places, **dict.fromkeys(_STEPS, 0)} if name == "restart" else places

    def sound(places: Mapping[str, int]) -> tuple[str, bytes]:
        clip = spoken.get(there[places["digit"]])
        return f"a spoken {there[places['digit']]}", b"" if clip is None else wav(clip)

    return load("panel").Panel("Target trick", controls, draw, sound=sound, press=press)
