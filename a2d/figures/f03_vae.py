"""The figures of lecture 03: latent spaces, the evidence lower bound, its gradients, and beta."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.errors import DataError
from a2d.figures.base import (
    _BLUE,
    _DARK,
    _GREEN,
    _LINES,
    _PURPLE,
    _RED,
    _WIDTH,
    Picture,
    _array,
    _count,
    _digits,
    _figure,
    _legend_below,
    _named,
    _percent,
    _picture,
    _pictures,
    _shares,
    _style,
    _whole,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# Curves need less room than pictures, and each notebook has to stay small.
_NARROW = 7.0
_MOST_MARKS = 150


def _positive(value: Any, name: str, ndim: int = 1) -> np.ndarray:
    array = _array(value, name, ndim)
    if array.min() <= 0:
        raise DataError(f"values must be above 0, the least is {array.min():.3g}", where=name)
    return array


def _rising(value: Any, name: str, n: int | None = None, *, positive: bool = False) -> np.ndarray:
    array = _positive(value, name) if positive else _array(value, name, 1)
    if len(array) < 2 or (np.diff(array) <= 0).any():
        raise DataError("expected two or more rising values", where=name)
    if n is not None and len(array) != n:
        raise DataError(f"expected {n} values, got {len(array)}", where=name)
    return array


def _alike(value: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    array = _array(value, name, len(shape))
    if array.shape != shape:
        raise DataError(f"expected the shape {shape}, got {array.shape}", where=name)
    return array


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


# --- what a decoder draws ------------------------------------------------------------------------------


def decoded_rows(rows: Mapping[str, Any], distances: Mapping[str, Any]) -> Picture:
    """Show rows of pictures from different places of a latent space, and how far each is from real ones.

    ``rows``: name to images (k, 28, 28) in [0, 1], k up to 20 and the same in each row; ``distances``: the same
    names to squared distances (m,) between such pictures and their nearest real image, summed over the pixels; a
    name without distances is a row of examples only.
    Raises :class:`DataError` for other shapes, negative distances, and names that do not fit.
    """
    pixels = {name: _pictures(images, f"rows[{name}]") for name, images in _named(rows, "rows").items()}
    far = {name: _array(d, f"distances[{name}]", 1) for name, d in _named(distances, "distances").items()}
    if len({len(images) for images in pixels.values()}) != 1 or len(next(iter(pixels.values()))) > 20:
        raise DataError("expected up to 20 images, as many in each row", where="rows")
    if not set(far) <= set(pixels) or min(d.min() for d in far.values()) < 0:
        raise DataError("expected distances from 0 on, for rows that are shown", where="distances")
    k = len(next(iter(pixels.values())))
    medians = {name: float(np.median(d)) for name, d in far.items()}
    with _style():
        figure = _figure(len(pixels) * (_WIDTH / max(k, 8) + 0.2) + 0.1)
        for axes, (name, images) in zip(np.ravel(figure.subplots(len(pixels), 1)), pixels.items(), strict=True):
            sheet = np.ones((28, k, 30))
            sheet[:, :, 1:29] = images.transpose(1, 0, 2)
            axes.imshow(sheet.reshape(28, k * 30), cmap="gray", vmin=0, vmax=1)
            told = f" (median distance {medians[name]:.1f})" if name in medians else ""
            axes.set_title(name + told, loc="left", fontsize=10, parse_math=False)
            axes.set_axis_off()
    parts = [f"{name}: {median:.1f}" for name, median in medians.items()]
    text = f"Median squared distance to the nearest real image, summed over the pixels: {'; '.join(parts)}."
    if len(medians) == 2:
        first, second = medians.values()
        text += f" The second is {second / max(first, 1e-12):.1f} times the first."
    return _picture(figure, text)


def latent_maps(codes: Mapping[str, Any], labels: Sequence[int]) -> Picture:
    """Show where images lie in latent spaces of two dimensions, each image as its digit (the first 150 of them).

    ``codes``: name to z (n, 2), the same images in each; ``labels``: their n digits. The dashed circle has the radius
    2, in standard deviations of the prior, and holds 86 % of its draws. The text says how much of the codes it
    holds, and how often an image's nearest neighbour shows the same digit.
    Raises :class:`DataError` for another shape, fewer than two images, or NaN.
    """
    places = {name: _array(z, f"codes[{name}]", 2) for name, z in _named(codes, "codes").items()}
    n = len(next(iter(places.values())))
    if n < 2 or len(places) > 4 or any(z.shape != (n, 2) for z in places.values()):
        raise DataError("expected up to four arrays of the shape (n, 2), n >= 2", where="codes")
    digits = np.array(_digits(labels, "labels", n))
    with _style():
        figure = _figure(_WIDTH / len(places) + 0.45 if len(places) > 1 else 5.4)
        for axes, (name, z) in zip(np.ravel(figure.subplots(1, len(places))), places.items(), strict=True):
            _draw_codes(axes, z[:_MOST_MARKS], digits[:_MOST_MARKS])
            axes.set_title(name, parse_math=False)
    inside = 1 - np.exp(-2)
    parts = []
    for name, z in places.items():
        share = float((np.square(z).sum(1) <= 4).mean())
        parts.append(
            f"{name}: the circle holds {_percent(share)} of the codes, "
            f"{_percent(_neighbours_agree(z, digits))} have a nearest neighbour of the same digit"
        )
    return _picture(figure, f"The circle holds {_percent(inside)} of the prior's draws. {'; '.join(parts)}.")


def _draw_codes(axes: Axes, z: np.ndarray, digits: np.ndarray) -> None:
    from matplotlib import colormaps
    from matplotlib.patches import Circle

    for digit in np.unique(digits):
        mine = digits == digit
        color = colormaps["cividis"](0.85 * digit / 9)
        axes.scatter(*z[mine].T, marker=f"${digit}$", s=26, color=color, linewidths=0.2)
    axes.add_patch(Circle((0, 0), 2, fill=False, edgecolor=_RED, linestyle="--", linewidth=1.5))
    reach = max(2.3, 1.05 * float(np.abs(z).max()))
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="first latent", ylabel="second latent")
    axes.set_aspect("equal")


def _neighbours_agree(z: np.ndarray, digits: np.ndarray) -> float:
    apart = np.square(z[:, None] - z[None]).sum(-1)
    np.fill_diagonal(apart, np.inf)
    return float((digits[apart.argmin(1)] == digits).mean())


# --- the bound -----------------------------------------------------------------------------------------


def bound(means: Any, elbo: Any, log_evidence: float, best: float | None = None) -> Picture:
    """Show the ELBO of a family of distributions q below log p(x); the gap is the KL divergence to the posterior.

    ``means`` (n,): q's mean, rising; ``elbo`` (n,) and ``log_evidence`` in nats; ``best``: the posterior's mean.
    Raises :class:`DataError` for shapes that do not fit, and for an ELBO above ``log_evidence``.
    """
    x = _rising(means, "means")
    y = _alike(elbo, "elbo", x.shape)
    top = float(_array([log_evidence], "log_evidence", 1)[0])
    if (y > top + 1e-6).any():
        raise DataError(f"the ELBO reaches {y.max():.4f}, above log p(x) = {top:.4f}", where="elbo")
    at = int(y.argmax())
    with _style():
        figure = _figure(3.8, _NARROW)
        axes = figure.add_subplot()
        axes.axhline(top, color=_DARK, linestyle="--", label="log p(x)")
        axes.plot(x, y, color=_BLUE, label="ELBO")
        axes.fill_between(x, y, top, color=_RED, alpha=0.15, hatch="//", linewidth=0, label="KL(q || posterior)")
        if best is not None:
            axes.axvline(best, color=_GREEN, linestyle=":", linewidth=2, label="mean of the posterior")
        axes.set_xlabel("mean of q (in standard deviations of the prior)")
        axes.set_ylabel("nats")
        axes.grid(axis="y", alpha=0.3)
        _legend_below(figure, axes)
    text = (
        f"log p(x) is {top:.3f} nats. The ELBO stays below it and comes nearest, to {top - y[at]:.3f} nats, "
        f"where the mean of q is {x[at]:.2f}; the largest gap shown is {top - y.min():.1f} nats."
    )
    if best is not None:
        text += f" The posterior's mean is {best:.2f}."
    return _picture(figure, text)


def densities(z: Any, curves: Mapping[str, Any]) -> Picture:
    """Show densities over one latent: say, a posterior and the normal distribution that stands in for it.

    ``z`` (n,), rising, in standard deviations of the prior; ``curves``: name to a density (n,), not negative. The
    text tells where each has its peaks, and how much of each lies below the first curve.
    Raises :class:`DataError` for shapes that do not fit, or negative values.
    """
    x = _rising(z, "z")
    lines = {name: _alike(y, f"curves[{name}]", x.shape) for name, y in _named(curves, "curves").items()}
    if any(y.min() < 0 for y in lines.values()):
        raise DataError("a density cannot be negative", where="curves")
    with _style():
        figure = _figure(3.4, _NARROW)
        axes = figure.add_subplot()
        for (name, y), (color, _, line) in zip(lines.items(), _LINES, strict=False):
            axes.plot(x, y, color=color, linestyle=line, linewidth=2, label=name)
        axes.set(xlabel="z (in standard deviations of the prior)", ylabel="density")
        _legend_below(figure, axes)
    parts = []
    for name, y in lines.items():
        inner = (y[1:-1] > y[:-2]) & (y[1:-1] >= y[2:]) & (y[1:-1] > 0.01 * y.max())
        peaks = [f"{place:.2f}" for place in x[1:-1][inner]]
        parts.append(f"{name} has {_count(len(peaks), 'peak')}" + (f", at {_joined(peaks)}" if peaks else ""))
    text = "; ".join(parts) + "."
    names = list(lines)
    for name in names[1:]:
        least = np.minimum(lines[names[0]], lines[name])
        common = float((np.diff(x) * (least[1:] + least[:-1]) / 2).sum())
        text += f" {name} and {names[0]} have {_percent(common)} of their area in common."
    return _picture(figure, text)


# --- estimating ----------------------------------------------------------------------------------------


def monte_carlo_error(n: Any, error: Any) -> Picture:
    """Show how the error of an estimate falls with the number of samples, against 1 / sqrt(n).

    ``n`` (k,): numbers of samples, rising; ``error`` (k,): root of the mean squared error, in nats.
    Raises :class:`DataError` for shapes that do not fit, or values that are not positive.
    """
    x = _rising(n, "n", positive=True)
    y = _positive(error, "error")
    if y.shape != x.shape:
        raise DataError(f"{len(y)} errors for {len(x)} numbers of samples", where="error")
    slope = np.polyfit(np.log(x), np.log(y), 1)[0]
    with _style():
        figure = _figure(3.6, _NARROW)
        axes = figure.add_subplot()
        axes.loglog(x, y, color=_BLUE, marker="o", label="measured")
        axes.loglog(x, y[0] * np.sqrt(x[0] / x), color=_DARK, linestyle="--", label="1 / sqrt(n), from the first point")
        axes.set(xlabel="number of samples n", ylabel="error (nats)")
        axes.grid(which="major", alpha=0.3)
        _legend_below(figure, axes)
    text = (
        f"From n = {x[0]:,.0f} to {x[-1]:,.0f} the error falls from {y[0]:.3g} to {y[-1]:.3g} nats, "
        f"by a factor of {y[0] / y[-1]:.0f}; 1 / sqrt(n) would give {np.sqrt(x[-1] / x[0]):.0f}. "
        f"The slope in this figure is {slope:.2f} (1 / sqrt(n): -0.50)."
    )
    return _picture(figure, text)


def estimator_variance(sigma: Any, measured: Mapping[str, Any], exact: Mapping[str, Any]) -> Picture:
    """Show the variance of gradient estimators over the width of the distribution that is sampled.

    ``sigma`` (k,): standard deviations, rising; ``measured``: estimator to the variance of one sample's gradient
    (k,); ``exact``: some of the same names to the variance that algebra gives (k,).
    Raises :class:`DataError` for shapes and names that do not fit, or values that are not positive.
    """
    x = _rising(sigma, "sigma", positive=True)
    found = {k: _positive(v, f"measured[{k}]") for k, v in _named(measured, "measured").items()}
    known = {k: _positive(v, f"exact[{k}]") for k, v in _named(exact, "exact").items()}
    if not set(known) <= set(found) or any(v.shape != x.shape for v in (*found.values(), *known.values())):
        raise DataError(f"expected {len(x)} values for each estimator", where="measured and exact")
    with _style():
        figure = _figure(4.0, _NARROW)
        axes = figure.add_subplot()
        for (name, y), (color, marker, line) in zip(found.items(), _LINES, strict=False):
            axes.loglog(x, y, color=color, marker=marker, linestyle="none", label=f"{name}, measured")
            if name in known:
                axes.loglog(x, known[name], color=color, linestyle=line, label=f"{name}, exact")
        axes.set(xlabel="sigma, the standard deviation of q", ylabel="variance of one sample's gradient")
        axes.grid(which="major", alpha=0.3)
        _legend_below(figure, axes)
    parts = [f"{k} {v[0]:,.3g} at sigma = {x[0]:g} and {v[-1]:,.3g} at {x[-1]:g}" for k, v in found.items()]
    text = f"Variance of one sample's gradient: {'; '.join(parts)}."
    if len(found) > 1:
        first, second = list(found)[:2]
        ratio = found[second] / found[first]
        text += f" {second} over {first}: between {ratio.min():,.0f} and {ratio.max():,.0f} times."
    if known:
        off = max(float(np.abs(found[k] / v - 1).max()) for k, v in known.items())
        text += f" The exact variance differs by at most {_percent(off)}."
    return _picture(figure, text)


# --- the loss ------------------------------------------------------------------------------------------


def pixel_loss(p: Any, losses: Mapping[float, Any]) -> Picture:
    """Show one pixel's binary cross-entropy over the decoder's answer, for targets from black to white.

    ``p`` (n,): the answer, rising, in (0, 1); ``losses``: target in [0, 1] to the loss (n,) in nats, not negative.
    The least value of each curve, its floor, is marked.
    Raises :class:`DataError` for shapes that do not fit, or values out of range.
    """
    x = _shares(_rising(p, "p"), "p")
    if not isinstance(losses, Mapping) or not 1 <= len(losses) <= len(_LINES):
        raise DataError(f"expected one to {len(_LINES)} targets", where="losses")
    floors = []
    with _style():
        figure = _figure(3.8, _NARROW)
        axes = figure.add_subplot()
        for (target, values), (color, marker, line) in zip(losses.items(), _LINES, strict=False):
            y = _alike(values, f"losses[{target}]", x.shape)
            if y.min() < 0 or not 0 <= target <= 1:
                raise DataError("expected targets in [0, 1] and losses from 0 on", where="losses")
            at = int(y.argmin())
            floors.append((float(target), float(y[at]), float(x[at])))
            axes.plot(x, y, color=color, linestyle=line, label=f"target {target:g}")
            axes.plot(x[at], y[at], color=color, marker=marker, markersize=9)
        axes.set(xlabel="the decoder's answer p", ylabel="loss of one pixel (nats)", ylim=(-0.1, 3.2))
        axes.grid(axis="y", alpha=0.3)
        _legend_below(figure, axes)
    parts = [f"{least:.2f} for the target {target:g}, at p = {place:.2f}" for target, least, place in floors]
    return _picture(figure, f"The least loss of a pixel in nats is {_joined(parts)}.")


# --- beta ----------------------------------------------------------------------------------------------


def beta_terms(betas: Any, reconstruction: Any, kl: Any, active: Mapping[str, Any]) -> Picture:
    """Show what a weight of the KL term does: both terms of the loss, and how many latents are used.

    ``betas`` (k,), rising, above 0; ``reconstruction`` and ``kl`` (k,) in nats per image; ``active``: name of a
    series to the share of active latents (k,) in [0, 1].
    Raises :class:`DataError` for shapes that do not fit, or values out of range.
    """
    x = _rising(betas, "betas", positive=True)
    rec, divergence = _alike(reconstruction, "reconstruction", x.shape), _alike(kl, "kl", x.shape)
    shares = {name: _shares(v, f"active[{name}]") for name, v in _named(active, "active").items()}
    if any(v.shape != x.shape for v in shares.values()) or divergence.min() < -1e-3:
        raise DataError("expected one share for each beta, and a KL from 0 on", where="active")
    with _style():
        figure = _figure(3.7)
        left, middle, right = figure.subplots(1, 3)
        left.semilogx(x, rec, color=_BLUE, marker="o")
        left.set_title("reconstruction term")
        middle.semilogx(x, divergence, color=_RED, marker="s", linestyle="--")
        middle.set_title("KL term, without beta")
        for name, (color, marker, line) in zip(shares, [_LINES[2], _LINES[3], _LINES[4]], strict=False):
            right.semilogx(x, shares[name], color=color, marker=marker, linestyle=line, label=name)
        right.set_title("share of active latents")
        right.set_ylim(-0.05, 1.05)
        right.legend(fontsize=9)
        for axes in (left, middle):
            axes.set_ylabel("nats per image")
        for axes in (left, middle, right):
            axes.set_xlabel("beta")
            axes.grid(axis="y", alpha=0.3)
            axes.set_xticks([x[0], 1, x[-1]], [f"{x[0]:g}", "1", f"{x[-1]:g}"])
            axes.minorticks_off()
    parts = [f"{name}: {_percent(v[0])} to {_percent(v[-1])}" for name, v in shares.items()]
    text = (
        f"From beta = {x[0]:g} to {x[-1]:g} the reconstruction term goes from {rec[0]:.1f} to {rec[-1]:.1f} nats per "
        f"image, the KL from {divergence[0]:.1f} to {divergence[-1]:.1f}. Active latents, {'; '.join(parts)}."
    )
    return _picture(figure, text)


def latent_variances(variances: Mapping[float, Any], threshold: float = 0.01) -> Picture:
    """Show how much each latent's mean varies over the images, for several weights of the KL term.

    ``variances``: beta to the variance of mu over the images (d,), in any order; at most five betas. A latent above
    ``threshold`` counts as active (Burda et al. 2016).
    Raises :class:`DataError` for shapes that do not fit, or negative values.
    """
    if not isinstance(variances, Mapping) or not 1 <= len(variances) <= len(_LINES):
        raise DataError(f"expected one to {len(_LINES)} betas", where="variances")
    spread = {float(b): np.sort(_array(v, f"variances[{b}]", 1))[::-1] for b, v in variances.items()}
    d = _whole(len(next(iter(spread.values()))), "variances", 1, 512)
    if any(v.shape != (d,) or v.min() < 0 for v in spread.values()):
        raise DataError(f"expected {d} variances from 0 on for each beta", where="variances")
    with _style():
        figure = _figure(3.6, _NARROW)
        axes = figure.add_subplot()
        for (beta, v), (color, marker, line) in zip(spread.items(), _LINES, strict=False):
            shown = np.maximum(v, 1e-6)
            axes.semilogy(
                np.arange(1, d + 1), shown, color=color, marker=marker, linestyle=line, label=f"beta = {beta:g}"
            )
        axes.axhline(threshold, color=_PURPLE, linewidth=1.3, label=f"active above {threshold:g}")
        axes.set(xlabel="latent, sorted", ylabel="variance of its mean", ylim=(0.5e-6, None))
        axes.set_xticks(np.unique(np.linspace(1, d, min(d, 10)).round()))
        axes.grid(axis="y", alpha=0.3)
        _legend_below(figure, axes)
    parts = [f"{int((v > threshold).sum())} for beta = {beta:g}" for beta, v in spread.items()]
    return _picture(figure, f"Active latents, of {d}: {_joined(parts)}.")
