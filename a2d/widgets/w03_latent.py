"""The latent walker: move z, and see what the decoder draws. Lecture 03."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.errors import A2DError, DataError
from a2d.widgets.controls import Control, latent_axes, load, positive, whole

if TYPE_CHECKING:
    from a2d.figures import Picture
    from a2d.widgets.panel import Panel

Decode = Callable[..., Any]
"""From z, a float32 tensor (b, d), to images (b, 28, 28) in [0, 1], a tensor or an array."""

_STOPS = 31


def images_of(decode: Decode, z: np.ndarray) -> np.ndarray:
    """Images (b, 28, 28) for ``z`` (b, d); whatever the decoder does wrong is a :class:`DataError`."""
    import torch

    hint = "Give a function from a tensor z (b, d) to images (b, 28, 28) in [0, 1]"
    try:
        with torch.no_grad():
            images = np.asarray(decode(torch.tensor(z, dtype=torch.float32)), dtype=np.float64)
    except A2DError:
        raise
    except Exception as error:
        raise DataError(f"it fails for z {z.shape}: {error}", where="decode", hint=hint) from error
    if images.shape != (len(z), 28, 28):
        raise DataError(f"it gives {images.shape} for z {z.shape}", where="decode", hint=hint)
    return images


def _vector(value: Any, where: str) -> np.ndarray:
    try:
        z = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"these are not numbers ({error})", where=where) from error
    if z.ndim != 1 or not len(z) or not np.isfinite(z).all():
        raise DataError(f"expected finite numbers (d,), got the shape {z.shape}", where=where)
    return z


def _tiles(decode: Decode, z: np.ndarray, axes: Sequence[int], span: float, steps: int) -> np.ndarray:
    """Images (steps, steps, 28, 28) on a plane through ``z``: rows along ``axes[1]``, columns along ``axes[0]``."""
    places = np.linspace(-span, span, steps)
    grid = np.tile(z, (steps, steps, 1))
    grid[:, :, axes[0]], grid[:, :, axes[1]] = places[None, :], places[:, None]
    return images_of(decode, grid.reshape(-1, len(z))).reshape(steps, steps, 28, 28)


def walk_view(
    decode: Decode,
    z: Any,
    axes: Sequence[int] = (0, 1),
    *,
    span: float = 3.0,
    steps: int = 9,
    read: Callable[[np.ndarray], Sequence[int]] | None = None,
) -> Picture:
    """Show what ``decode`` draws at ``z``, and a map of the plane of two latents with z in it (lecture 03).

    ``decode``: see :data:`Decode`; ``z`` (d,), in standard deviations of the prior; the map shows ``axes[0]`` to the
    right and ``axes[1]`` upwards from ``-span`` to ``span``, in ``steps`` x ``steps`` images, with the other latents
    as in z. ``read`` gives the digits that a reader sees in images (b, 28, 28), and is told in the text.
    Raises :class:`DataError` for numbers out of range and for a decoder that fails or gives something else.
    """
    from a2d.figures.panels import latent_plane

    here, span, steps = _vector(z, "z"), positive(span, "span"), whole(steps, "steps", 2, 25)
    shown = latent_axes(axes, len(here))[:2]
    middle = here.copy()
    middle[list(shown)] = 0
    image, centre = images_of(decode, np.stack([here, middle]))
    return latent_plane(
        image,
        _tiles(decode, here, shown, span, steps),
        here[list(shown)],
        axes=shown,
        span=span,
        distance=float(np.sqrt(np.square(image - centre).mean())),
        dims=len(here),
        told="" if read is None else f"A reader sees {_reading(read, image)} in it.",
    )


def _reading(read: Callable[[np.ndarray], Sequence[int]], image: np.ndarray) -> int:
    try:
        return int(np.asarray(read(image[None].astype(np.float32))).reshape(-1)[0])
    except Exception as error:
        hint = "Give a function from images (b, 28, 28) to b digits"
        raise DataError(f"it fails for one image: {error}", where="read", hint=hint) from error


def manifold_view(
    decode: Decode,
    dims: int = 2,
    axes: Sequence[int] = (0, 1),
    *,
    start: Any = None,
    span: float = 3.0,
    steps: int = 15,
) -> Picture:
    """Show what ``decode`` draws all over a plane of its latent space (lecture 03).

    ``dims``: number of latents; those that are not in ``axes`` stay at ``start`` (dims,), default 0; the rest as in
    :func:`walk_view`, which also says what is raised.
    """
    from a2d.figures.panels import manifold

    z, shown = _start(start, dims), latent_axes(axes, whole(dims, "dims", 2, 4096))[:2]
    span, steps = positive(span, "span"), whole(steps, "steps", 2, 25)
    return manifold(_tiles(decode, z, shown, span, steps), axes=shown, span=span, dims=len(z))


def _start(start: Any, dims: Any) -> np.ndarray:
    dims = whole(dims, "dims", 2, 4096)
    if start is None:
        return np.zeros(dims)
    z = _vector(start.detach() if hasattr(start, "detach") else start, "start")
    if len(z) != dims:
        raise DataError(f"{len(z)} numbers for {dims} latents", where="start")
    return z


def strongest(decode: Decode, start: Any, k: int = 2) -> tuple[int, ...]:
    """The ``k`` latents that change the picture most, strongest first (lecture 03).

    Each is moved by two standard deviations to either side of ``start`` (d,) while the others stay, and the squared
    difference of the two pictures is summed over the pixels. Latents that a decoder ignores come last.
    """
    z = _vector(start, "start")
    step = 2 * np.eye(len(z))
    there, here = images_of(decode, z + step), images_of(decode, z - step)
    order = np.argsort(-np.square(there - here).sum(axis=(1, 2)), kind="stable")
    return tuple(int(axis) for axis in order[: whole(k, "k", 1, len(z))])


def latent_walker(
    decode: Decode,
    dims: int,
    axes: Sequence[int] | None = None,
    *,
    start: Any = None,
    span: float = 3.0,
    read: Callable[[np.ndarray], Sequence[int]] | None = None,
) -> Panel:
    """Move two or more latents with sliders and see what the decoder draws (lecture 03).

    One slider for each latent in ``axes``, default the two that change the picture most (:func:`strongest`); where
    there are others, a list beside each slider chooses which latent it moves.
    The latents without a slider stay at ``start`` (dims,), default 0. The rest as in :func:`walk_view`.
    """
    origin, span = _start(start, dims), positive(span, "span")
    first = latent_axes(sorted(strongest(decode, origin)) if axes is None else axes, len(origin))
    if len(first) > 12:
        raise DataError(f"{len(first)} sliders are too many to find one's way", where="axes", hint="Take at most 12")
    choose = len(first) < len(origin)
    ticks = np.linspace(-span, span, _STOPS)
    # The slider's first place is a stop as well: the start of its latent, which may lie between two others.
    stops = [np.unique(np.append(ticks, np.clip(origin[axis], -span, span))) for axis in first]
    controls: list[Control] = []
    for k, axis in enumerate(first):
        name = f"latent {k + 1}" if choose else f"z[{axis}]"
        if choose:
            every = tuple(f"z[{i}]" for i in range(len(origin)))
            controls.append(Control("choice", f"axis{k}", name, every, axis, "which latent the next slider moves"))
        where = int(np.abs(stops[k] - origin[axis]).argmin())
        words = tuple(f"{value + 0:.1f}" for value in stops[k])
        side = ("to the right on the map", "upwards on the map")[k] if k < 2 else "not on the map"
        label = f"value of {name}" if choose else name
        controls.append(Control("slider", f"value{k}", label, words, where, f"in standard deviations, {side}"))

    def draw(places: Mapping[str, int]) -> Picture:
        moved = [places[f"axis{k}"] if choose else axis for k, axis in enumerate(first)]
        latent_axes(moved, len(origin))
        z = origin.copy()
        z[moved] = [stops[k][places[f"value{k}"]] for k in range(len(first))]
        return walk_view(decode, z, moved, span=span, read=read)

    return load("panel").Panel("Latent walker", controls, draw)
