"""The beta slider: VAEs that differ by the weight of the KL term alone. Lecture 03."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from a2d.errors import DataError
from a2d.widgets.controls import Control, load, positive, whole
from a2d.widgets.w03_latent import images_of

if TYPE_CHECKING:
    from a2d.figures import Picture
    from a2d.widgets.panel import Panel

# A latent is active when its mean varies more than this over the data (Burda et al. 2016, arXiv:1509.00519).
ACTIVE = 0.01
# A decoder's probabilities of 0 and 1 would make the reconstruction infinite.
_EPSILON = 1e-6


@dataclass(frozen=True)
class BetaModel:
    """A trained VAE of images and the ``beta`` that it was trained with.

    ``encode``: images, a float32 tensor (b, 28, 28) in [0, 1], to ``mu`` and ``logvar``, (b, d) each; ``decode``: z
    (b, d) to images in [0, 1]. ``sigma`` is the standard deviation of a Gaussian likelihood.
    """

    beta: float
    encode: Callable[..., Any]
    decode: Callable[..., Any]
    likelihood: Literal["bernoulli", "gaussian"] = "bernoulli"
    sigma: float = 0.3


@dataclass(frozen=True)
class BetaNumbers:
    """What a model pays, in nats per image (summed over pixels and latents), and how many latents it uses."""

    beta: float
    reconstruction: float
    kl: float
    active: int
    latent: int


def beta_models(sweep: Any) -> list[BetaModel]:
    """The models of an :class:`a2d.vae.BetaSweep`: of anything that has ``betas`` and gives a VAE for each."""
    found = []
    for beta in sweep.betas:
        vae = sweep[beta]
        found.append(BetaModel(float(beta), vae.encode, vae.decode, vae.config.likelihood, vae.config.sigma))
    return found


def _models(models: Any) -> list[BetaModel]:
    values = list(models.values() if isinstance(models, Mapping) else models) if isinstance(models, Iterable) else []
    if len(values) < 2 or not all(isinstance(model, BetaModel) for model in values):
        hint = "Give them as widgets.BetaModel(beta, encode, decode)"
        raise DataError("expected at least two models", where="models", hint=hint)
    if isinstance(models, Mapping) and any(key != model.beta for key, model in models.items()):
        raise DataError("a key is not the beta of its model", where="models")
    values.sort(key=lambda model: model.beta)
    betas = [model.beta for model in values]
    if len(set(betas)) != len(betas) or not all(0 <= beta < float("inf") for beta in betas):
        raise DataError(f"expected different betas from 0, got {betas}", where="models")
    return values


def _images(images: Any) -> np.ndarray:
    """Images (n, 28, 28) as float32 in [0, 1]."""
    try:
        array = np.asarray(images)
        scaled = array.astype(np.float32) / (255 if array.dtype == np.uint8 else 1)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"these are not images ({error})", where="images") from error
    if scaled.ndim != 3 or scaled.shape[1:] != (28, 28) or not len(scaled):
        raise DataError(f"expected images (n, 28, 28), got the shape {scaled.shape}", where="images")
    if not np.isfinite(scaled).all() or scaled.min() < 0 or scaled.max() > 1:
        raise DataError("expected uint8, or floats in [0, 1]", where="images")
    return scaled


def _posterior(model: BetaModel, images: np.ndarray) -> tuple[Any, Any]:
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

    The reconstruction is the negative log-likelihood of the image under the decoder's output for one sample z of the
    posterior, as in the ELBO. ``models`` as in :func:`beta_slider`. Source: arXiv:1312.6114; active latents
    arXiv:1509.00519, appendix C. Raises :class:`DataError` for a model that fails.
    """
    import torch

    from a2d import vae

    pixels, found = _images(images), []
    target = torch.tensor(pixels, dtype=torch.float64)
    for model in _models(models):
        mu, logvar = _posterior(model, pixels)
        generator = torch.Generator().manual_seed(whole(seed, "seed", 0, 2**63 - 1))
        output = torch.tensor(images_of(model.decode, vae.reparameterise(mu, logvar, generator).numpy()))
        if model.likelihood == "bernoulli":
            cost = vae.bernoulli_nll(output.clamp(_EPSILON, 1 - _EPSILON).logit(), target)
        else:
            cost = vae.gaussian_nll(output, target, positive(model.sigma, "sigma"))
        kl = float(vae.kl_divergence(mu, logvar).mean())
        active = int((mu.var(0, correction=0) > ACTIVE).sum())
        found.append(BetaNumbers(model.beta, float(cost.mean()), kl, active, mu.shape[1]))
    return found


def beta_view(
    models: Any,
    beta: float,
    images: Any,
    *,
    seed: int = 0,
    shown: int = 8,
    numbers: Sequence[BetaNumbers] | None = None,
) -> Picture:
    """Show reconstructions of test images and samples of the prior by the model of ``beta``, and what each model pays.

    ``models`` as in :func:`beta_slider`; ``images`` (n, 28, 28), uint8 or floats in [0, 1]: the numbers are of all of
    them, the first ``shown`` are drawn; ``numbers`` from :func:`beta_numbers`, if they are known already. All models
    draw their samples from the same z. Raises :class:`DataError` for a beta that no model has (lecture 03).
    """
    import torch

    from a2d.figures.panels import beta_panels

    known, pixels = _models(models), _images(images)
    chosen = next((index for index, model in enumerate(known) if model.beta == beta), None)
    if chosen is None:
        there = ", ".join(f"{model.beta:g}" for model in known)
        raise DataError(f"there is no model with beta = {beta!r}", where="beta", hint=f"Use one of {there}")
    first = pixels[: whole(shown, "shown", 1, 12)]
    numbers = list(numbers) if numbers is not None else beta_numbers(known, pixels, seed=seed)
    if [row.beta for row in numbers] != [model.beta for model in known]:
        raise DataError("these are the numbers of other models", where="numbers")
    mu, _ = _posterior(known[chosen], first)
    generator = torch.Generator().manual_seed(whole(seed, "seed", 0, 2**63 - 1))
    z = torch.randn(mu.shape, generator=generator, dtype=torch.float64).numpy()
    return beta_panels(
        first,
        images_of(known[chosen].decode, mu.numpy()),
        images_of(known[chosen].decode, z),
        betas=[row.beta for row in numbers],
        reconstruction=[row.reconstruction for row in numbers],
        kl=[row.kl for row in numbers],
        active=[row.active for row in numbers],
        latent=numbers[chosen].latent,
        chosen=chosen,
    )


def beta_slider(models: Any, images: Any, *, beta: float | None = None, seed: int = 0, shown: int = 8) -> Panel:
    """Move beta over trained models: reconstructions, samples of the prior, and what each model pays (lecture 03).

    ``models``: :class:`BetaModel` objects, or a mapping of betas to them, at least two; ``beta``: the one to begin
    with, default the middle one; the rest as in :func:`beta_view`.
    """
    known, pixels = _models(models), _images(images)
    betas = [model.beta for model in known]
    numbers = beta_numbers(known, pixels, seed=seed)
    if beta is not None and beta not in betas:
        there = ", ".join(f"{b:g}" for b in betas)
        raise DataError(f"there is no model with beta = {beta!r}", where="beta", hint=f"Use one of {there}")
    place = len(betas) // 2 if beta is None else betas.index(beta)
    hint = "the weight of the KL term that the model was trained with"
    control = Control("slider", "beta", "beta", tuple(f"{b:g}" for b in betas), place, hint)

    def draw(places: Mapping[str, int]) -> Picture:
        return beta_view(known, betas[places["beta"]], pixels, seed=seed, shown=shown, numbers=numbers)

    return load("panel").Panel("Beta slider", [control], draw)
