"""The widgets of lecture 03: the latent walker moves z, the beta slider the weight of the KL term."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.errors import A2DError, DataError
from a2d.figures import base
from a2d.figures.f03_vae import BetaNumbers, beta_panels, latent_plane
from a2d.widgets.controls import Control, latent_axes, load, whole

if TYPE_CHECKING:
    from torch import Tensor

    from a2d.widgets.panel import Panel

Decode = Callable[..., Any]
"""From z, a float32 tensor (b, d), to images (b, 28, 28) in [0, 1], a tensor or an array."""

Read = Callable[[np.ndarray], Sequence[int]]
"""From images (b, 28, 28) in [0, 1] to the digits that an evaluator reads in them."""

_STOPS = 31
# A decoder's probabilities of 0 and 1 would make the reconstruction infinite.
_EPSILON = 1e-6


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


def _tiles(decode: Decode, z: np.ndarray, axes: Sequence[int], span: float, steps: int) -> np.ndarray:
    """Images (steps, steps, 28, 28) on a plane through ``z``: rows along ``axes[1]``, columns along ``axes[0]``."""
    places = np.linspace(-span, span, steps)
    grid = np.tile(z, (steps, steps, 1))
    grid[:, :, axes[0]], grid[:, :, axes[1]] = places[None, :], places[:, None]
    return images_of(decode, grid.reshape(-1, len(z))).reshape(steps, steps, 28, 28)


def walk_view(
    decode: Decode, z: Any, axes: Sequence[int] = (0, 1), *, span: float = 3.0, steps: int = 7, read: Read | None = None
) -> base.Picture:
    """Show what ``decode`` draws at ``z``, and a map of the plane of two latents with z in it (lecture 03).

    ``decode``: see :data:`Decode`; ``z`` (d,), in standard deviations of the prior; the map shows ``axes[0]`` to the
    right and ``axes[1]`` upwards from ``-span`` to ``span``, in ``steps`` x ``steps`` images, with the other latents
    as in z. ``read`` gives the digits that an evaluator reads in images (b, 28, 28), and is told in the text.
    Raises :class:`DataError` for numbers out of range and for a decoder that fails or gives something else.
    """
    here, span = base.as_array(z, "z"), float(base.as_positive([span], "span")[0])
    across, upwards = latent_axes(axes, len(here))[:2]
    middle = here.copy()
    middle[[across, upwards]] = 0
    image, centre = images_of(decode, np.stack([here, middle]))
    seen = None if read is None else int(np.asarray(read(image[None].astype(np.float32)))[0])
    return latent_plane(
        image,
        _tiles(decode, here, (across, upwards), span, whole(steps, "steps", 2, 25)),
        here[[across, upwards]],
        axes=(across, upwards),
        span=span,
        distance=float(np.sqrt(np.square(image - centre).mean())),
        dims=len(here),
        told="" if seen is None else f"An evaluator reads {seen} in it.",
    )


def strongest(decode: Decode, start: Any, k: int = 2) -> tuple[int, ...]:
    """The ``k`` latents that change the picture most, strongest first (lecture 03).

    Each is moved by two standard deviations to either side of ``start`` (d,) while the others stay, and the squared
    difference of the two pictures is summed over the pixels. Latents that a decoder ignores come last.
    """
    z = base.as_array(start, "start")
    step = 2 * np.eye(len(z))
    there, here = images_of(decode, z + step), images_of(decode, z - step)
    order = np.argsort(-np.square(there - here).sum(axis=(1, 2)), kind="stable")
    return tuple(int(axis) for axis in order[: whole(k, "k", 1, len(z))])


def latent_walker(
    decode: Decode, dims: int, axes: Sequence[int] | None = None, *, span: float = 3.0, read: Read | None = None
) -> Panel:
    """Move two or more latents with sliders and see what the decoder draws (lecture 03).

    One slider for each latent in ``axes``, default the two that change the picture most (:func:`strongest`); where
    there are others, a list beside each slider chooses which latent it moves.
    The latents without a slider stay at 0. The rest as in :func:`walk_view`.
    """
    span = float(base.as_positive([span], "span")[0])
    origin, stops = np.zeros(whole(dims, "dims", 2, 4096)), np.linspace(-span, span, _STOPS)
    first = latent_axes(sorted(strongest(decode, origin)) if axes is None else axes, dims)
    choose = len(first) < dims
    words = tuple(f"{value + 0:.1f}" for value in stops)
    controls: list[Control] = []
    for k, axis in enumerate(first):
        name = f"latent {k + 1}" if choose else f"z[{axis}]"
        if choose:
            every = tuple(f"z[{i}]" for i in range(dims))
            controls.append(Control("choice", f"axis{k}", name, every, axis, "which latent the next slider moves"))
        side = ("to the right on the map", "upwards on the map")[k] if k < 2 else "not on the map"
        label, hint = f"value of {name}" if choose else name, f"in standard deviations, {side}"
        controls.append(Control("slider", f"value{k}", label, words, _STOPS // 2, hint))

    def draw(places: Mapping[str, int]) -> base.Picture:
        moved = [places[f"axis{k}"] if choose else axis for k, axis in enumerate(first)]
        latent_axes(moved, dims)
        z = origin.copy()
        z[moved] = [stops[places[f"value{k}"]] for k in range(len(first))]
        return walk_view(decode, z, moved, span=span, read=read)

    return load("panel").Panel("Latent walker", controls, draw)


# -------------------------------------------------------------------------------------------------------- beta slider


@dataclass(frozen=True)
class BetaModel:
    """A trained VAE of images and the ``beta`` that it was trained with.

    ``encode``: images, a float32 tensor (b, 28, 28) in [0, 1], to ``mu`` and ``logvar``, (b, d) each; ``decode``: z
    (b, d) to images in [0, 1], probabilities of ink.
    """

    beta: float
    encode: Callable[..., Any]
    decode: Callable[..., Any]


def _models(models: Any) -> list[BetaModel]:
    values = list(models) if isinstance(models, Iterable) else []
    if len(values) < 2 or not all(isinstance(model, BetaModel) for model in values):
        hint = "Give them as widgets.BetaModel(beta, encode, decode)"
        raise DataError("expected at least two models", where="models", hint=hint)
    values.sort(key=lambda model: model.beta)
    betas = [model.beta for model in values]
    if len(set(betas)) != len(betas) or not all(0 <= beta < float("inf") for beta in betas):
        raise DataError(f"expected different betas from 0, got {betas}", where="models")
    return values


def _place(models: Sequence[BetaModel], beta: float) -> int:
    betas = [model.beta for model in models]
    if beta not in betas:
        hint = f"Use one of {', '.join(f'{there:g}' for there in betas)}"
        raise DataError(f"there is no model with beta = {beta!r}", where="beta", hint=hint)
    return betas.index(beta)


def _images(images: Any) -> np.ndarray:
    """Images (n, 28, 28), uint8 or floats in [0, 1], as float32 in [0, 1]."""
    array = np.asarray(images)
    return base.as_pictures(array / 255 if array.dtype == np.uint8 else array).astype(np.float32)


def _posterior(model: BetaModel, images: np.ndarray) -> tuple[Tensor, Tensor]:
    """``mu`` and ``logvar`` (n, d), float64 tensors."""
    import torch

    hint = "Give a function from images (b, 28, 28) to mu and logvar, (b, d) each"
    where = f"encode of beta = {model.beta:g}"
    try:
        with torch.no_grad():
            mu, logvar = (torch.as_tensor(part).double() for part in model.encode(torch.tensor(images)))
    except Exception as error:
        raise DataError(f"it fails for images {images.shape}: {error}", where=where, hint=hint) from error
    if mu.ndim != 2 or len(mu) != len(images) or mu.shape != logvar.shape:
        raise DataError(f"it gives {tuple(mu.shape)} and {tuple(logvar.shape)}", where=where, hint=hint)
    return mu, logvar


def beta_numbers(models: Any, images: Any, *, seed: int = 0) -> list[BetaNumbers]:
    """Measure each model on ``images`` (n, 28, 28): reconstruction and KL in nats per image, active latents.

    As :func:`a2d.vae.elbo_terms`, for models of which only ``encode`` and ``decode`` are known; one sample z of each
    posterior. ``models`` as in :func:`beta_slider`. Raises :class:`DataError` for a model that fails.
    """
    import torch

    from a2d import vae

    pixels, found = _images(images), []
    target = torch.tensor(pixels, dtype=torch.float64)
    for model in _models(models):
        mu, logvar = _posterior(model, pixels)
        rng = torch.Generator().manual_seed(whole(seed, "seed", 0, 2**63 - 1))
        shares = torch.tensor(images_of(model.decode, vae.reparameterise(mu, logvar, rng).numpy()))
        logits = shares.clamp(_EPSILON, 1 - _EPSILON).logit()
        terms = vae.negative_elbo(logits, target, mu, logvar, vae.ImageVaeConfig(mu.shape[1]))
        active = int((mu.var(0, correction=0) > vae.ACTIVE).sum())
        cost, kl = float(terms.reconstruction.mean()), float(terms.kl.mean())
        found.append(BetaNumbers(model.beta, cost, kl, active, mu.shape[1]))
    return found


def beta_view(models: Any, beta: float, images: Any, *, seed: int = 0, shown: int = 8) -> base.Picture:
    """Show reconstructions of test images and samples of the prior by the model of ``beta``, and what each model pays.

    ``models`` as in :func:`beta_slider`; ``images`` (n, 28, 28), uint8 or floats in [0, 1]: the numbers are of all of
    them, the first ``shown`` are drawn. All models draw their samples from the same z. Raises :class:`DataError` for a
    beta that no model has (lecture 03).
    """
    known, pixels = _models(models), _images(images)
    return _view(known, _place(known, beta), pixels, beta_numbers(known, pixels, seed=seed), seed, shown)


def _view(
    models: list[BetaModel], chosen: int, pixels: np.ndarray, numbers: list[BetaNumbers], seed: int, shown: int
) -> base.Picture:
    import torch

    model, first = models[chosen], pixels[: whole(shown, "shown", 1, 12)]
    mu, _ = _posterior(model, first)
    rng = torch.Generator().manual_seed(whole(seed, "seed", 0, 2**63 - 1))
    z = torch.randn(mu.shape, generator=rng, dtype=torch.float64)
    again, drawn = images_of(model.decode, mu.numpy()), images_of(model.decode, z.numpy())
    return beta_panels(first, again, drawn, numbers, chosen)


def beta_slider(models: Any, images: Any, *, beta: float | None = None, seed: int = 0, shown: int = 8) -> Panel:
    """Move beta over trained models: reconstructions, samples of the prior, and what each model pays (lecture 03).

    ``models``: :class:`BetaModel` objects, at least two; ``beta``: the one to begin with, default the middle one; the
    rest as in :func:`beta_view`.
    """
    known, pixels = _models(models), _images(images)
    betas = [model.beta for model in known]
    numbers = beta_numbers(known, pixels, seed=seed)
    place = len(betas) // 2 if beta is None else _place(known, beta)
    hint = "the weight of the KL term that the model was trained with"
    control = Control("slider", "beta", "beta", tuple(f"{b:g}" for b in betas), place, hint)

    def draw(places: Mapping[str, int]) -> base.Picture:
        return _view(known, places["beta"], pixels, numbers, seed, shown)

    return load("panel").Panel("Beta slider", [control], draw)
