"""The figures of lecture 03: latent spaces, the evidence lower bound, its gradients, and beta."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.errors import DataError
from a2d.figures import base, inches

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class BetaNumbers:
    """What a VAE pays, in nats per image (summed over pixels and latents), and how many latents it uses."""

    beta: float
    reconstruction: float
    kl: float
    active: int
    latent: int


# Curves need less room than pictures, and each notebook has to stay small.
_NARROW = 6.6
_MOST_MARKS = 100


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


# --- what a decoder draws ------------------------------------------------------------------------------


def decoded_rows(rows: Mapping[str, Any], distances: Mapping[str, Any]) -> base.Picture:
    """Show rows of pictures from different places of a latent space, and how far each is from real ones.

    ``rows``: name to images (k, 28, 28) in [0, 1], the same k in each row; ``distances``: the same
    names to squared distances (m,) between such pictures and their nearest real image, summed over the pixels; a
    name without distances is a row of examples only.
    Raises :class:`DataError` for other shapes, and names that do not fit.
    """
    pixels = base.each(base.as_pictures, rows, "rows")
    far = base.each(base.as_array, distances, "distances")
    k = len(next(iter(pixels.values())))
    if any(len(images) != k for images in pixels.values()) or not set(far) <= set(pixels):
        raise DataError("expected as many images in each row, and distances for rows that are shown", where="rows")
    medians = {name: float(np.median(d)) for name, d in far.items()}
    with base.drawing(len(pixels) * (6 / max(k, 8) + 0.2) + 0.1, 6) as figure:
        for axes, (name, images) in zip(np.ravel(figure.subplots(len(pixels), 1)), pixels.items(), strict=True):
            axes.imshow(base.sheet(images[None])[1:29], cmap="gray", vmin=0, vmax=1)
            told = f" (median distance {medians[name]:.1f})" if name in medians else ""
            axes.set_title(name + told, loc="left", fontsize=10, parse_math=False)
            axes.set_axis_off()
    parts = [f"{name}: {median:.1f}" for name, median in medians.items()]
    return base.finish(figure, f"Median squared distance to the nearest training image, by row: {'; '.join(parts)}.")


def walks(lines: Mapping[str, Any], distances: Mapping[str, Any]) -> base.Picture:
    """Show what decoders draw on straight lines between pairs of codes, a panel for each decoder.

    ``lines``: name to pictures (k, steps, 28, 28) in [0, 1], one line a row; ``distances``: the same names to the
    squared distance (n, steps) of such pictures to their nearest training image, n pairs, perhaps more than are shown.
    Raises :class:`DataError` for other shapes, and names that do not fit.
    """
    pixels = base.each(base.as_pictures, lines, "lines", 4)
    far = base.each(base.as_array, distances, "distances", 2)
    if set(far) != set(pixels) or any(far[name].shape[1] != p.shape[1] for name, p in pixels.items()):
        raise DataError("expected distances for each line and step", where="distances")
    k, steps = next(iter(pixels.values())).shape[:2]
    with base.drawing(7 / len(pixels) / steps * k + 0.4, 7) as figure:
        for axes, (name, images) in zip(np.ravel(figure.subplots(1, len(pixels))), pixels.items(), strict=True):
            axes.imshow(base.sheet(images), cmap="gray", vmin=0, vmax=1)
            axes.set_title(name, fontsize=10, parse_math=False)
            axes.set_axis_off()
    parts = []
    for name, d in far.items():
        ends, middle = np.median(d[:, [0, -1]]), np.median(d[:, steps // 2])
        parts.append(f"{name}: {ends:.1f} at the ends and {middle:.1f} in the middle, {middle / ends:.1f} times as far")
    return base.finish(figure, f"Median squared distance to the nearest training image. {'; '.join(parts)}.")


def latent_maps(codes: Mapping[str, Any], labels: Sequence[int], grids: Mapping[str, Any]) -> base.Picture:
    """Show where images lie in latent spaces of two dimensions, and below it what is drawn in the square of the prior.

    ``codes``: name to z (n, 2), the same images in each, of which the first 100 are shown as their digits;
    ``labels``: their n digits; ``grids``: the same names to drawings (s, s, 28, 28) at even places from -2 to 2, the
    first axis along the second latent. The dashed circle has the radius 2, in standard deviations of the prior.
    Raises :class:`DataError` for another shape, or NaN.
    """
    digits = np.array(base.as_digits(labels, "labels", len(labels)))
    places = base.each(base.as_array, codes, "codes", (len(digits), 2))
    drawn = base.each(base.as_pictures, grids, "grids", 4)
    if set(drawn) != set(places):
        raise DataError("expected drawings for each map", where="grids")
    inside, parts = base.percent(1 - np.exp(-2)), []
    with base.drawing(10 / max(len(places), 2) + 0.8, 5.2) as figure:
        panels = figure.subplots(2, len(places), squeeze=False)
        for (upper, lower), (name, z) in zip(panels.T, places.items(), strict=True):
            _draw_codes(upper, z[:_MOST_MARKS], digits[:_MOST_MARKS], f"radius 2: {inside} of the prior's draws")
            upper.set_title(name, parse_math=False)
            lower.imshow(base.sheet(drawn[name][::-1]), cmap="gray", vmin=0, vmax=1)
            lower.set_title("drawn from -2 to 2", fontsize=10)
            lower.set_axis_off()
            share = base.percent(float((np.square(z).sum(1) <= 4).mean()))
            agree = base.percent(_neighbours_agree(z, digits))
            parts.append(f"{name}: {share} of the codes, {agree} have a nearest neighbour of the same digit")
        base.legend_below(figure, panels[0, 0])
    return base.finish(figure, f"The circle holds {inside} of the prior's draws. {'; '.join(parts)}.")


def _draw_codes(axes: Axes, z: np.ndarray, digits: np.ndarray, told: str) -> None:
    from matplotlib.patches import Circle

    for digit in np.unique(digits):
        mine, color = digits == digit, base.LINES[digit % len(base.LINES)][0]
        axes.scatter(z[mine, 0], z[mine, 1], marker=f"${digit}$", s=30, color=color, linewidths=0.2)
    axes.add_patch(Circle((0, 0), 2, fill=False, edgecolor=base.DARK, linestyle="--", linewidth=1.5, label=told))
    reach = max(2.3, 1.05 * float(np.abs(z).max()))
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="first latent", ylabel="second latent")
    axes.set_aspect("equal")


def _neighbours_agree(z: np.ndarray, digits: np.ndarray) -> float:
    apart = np.square(z[:, None] - z[None]).sum(-1)
    np.fill_diagonal(apart, np.inf)
    return float((digits[apart.argmin(1)] == digits).mean())


# --- the bound -----------------------------------------------------------------------------------------


def bound(means: Any, elbo: Any, log_evidence: float, best: float | None = None) -> base.Picture:
    """Show the ELBO of a family of distributions q below ln p(x); the gap is the KL divergence to the posterior.

    ``means`` (n,): q's mean, rising; ``elbo`` (n,) and ``log_evidence`` in nats; ``best``: the posterior's mean.
    Raises :class:`DataError` for shapes that do not fit, and for an ELBO above ``log_evidence``.
    """
    x = base.as_rising(means, "means")
    y = base.as_array(elbo, "elbo", x.shape)
    top = float(base.as_array([log_evidence], "log_evidence")[0])
    if (y > top + 1e-6).any():
        raise DataError(f"the ELBO reaches {y.max():.4f}, above ln p(x) = {top:.4f}", where="elbo")
    at = int(y.argmax())
    with base.one_panel(2.9, _NARROW) as (figure, axes):
        axes.axhline(top, color=base.DARK, linestyle="--", label="ln p(x)")
        axes.plot(x, y, color=base.BLUE, label="ELBO")
        axes.fill_between(x, y, top, color=base.RED, alpha=0.15, hatch="//", linewidth=0, label="KL(q || posterior)")
        if best is not None:
            axes.axvline(best, color=base.GREEN, linestyle=":", linewidth=2, label="mean of the posterior")
        axes.set(xlabel="mean of q (in standard deviations of the prior)", ylabel="nats")
        axes.grid(axis="y", alpha=0.3)
        base.legend_below(figure, axes)
    text = (
        f"ln p(x) is {top:.3f} nats. The ELBO stays below it and comes nearest, to {top - y[at]:.3f} nats, "
        f"where the mean of q is {x[at]:.2f}; the largest gap shown is {top - y.min():.1f} nats."
    )
    if best is not None:
        text += f" The posterior's mean is {best:.2f}."
    return base.finish(figure, text)


def densities(z: Any, curves: Mapping[str, Any]) -> base.Picture:
    """Show densities over one latent: say, a posterior and the normal distribution that stands in for it.

    ``z`` (n,), rising, in standard deviations of the prior; ``curves``: name to a density (n,), not negative. The
    text tells where each has its peaks, and how much of each lies below the first curve.
    Raises :class:`DataError` for shapes that do not fit, or negative values.
    """
    x = base.as_rising(z, "z")
    lines = base.each(base.as_array, curves, "curves", x.shape)
    if any(y.min() < 0 for y in lines.values()):
        raise DataError("a density cannot be negative", where="curves")
    with base.one_panel(2.7, _NARROW) as (figure, axes):
        for name, y, color, _, line in base.looks(lines):
            axes.plot(x, y, color=color, linestyle=line, linewidth=2, label=name)
        axes.set(xlabel="z (in standard deviations of the prior)", ylabel="density")
        base.legend_below(figure, axes)
    parts = []
    for name, y in lines.items():
        inner = (y[1:-1] > y[:-2]) & (y[1:-1] >= y[2:]) & (y[1:-1] > 0.01 * y.max())
        peaks = [f"{place:.2f}" for place in x[1:-1][inner]]
        parts.append(f"{'at ' + _joined(peaks) if peaks else 'none'} ({name})")
    text = f"Peaks: {'; '.join(parts)}."
    names = list(lines)
    for name in names[1:]:
        least = np.minimum(lines[names[0]], lines[name])
        common = float((np.diff(x) * (least[1:] + least[:-1]) / 2).sum())
        text += f" {base.percent(common)} of the area below {name} lies below {names[0]}, too."
    return base.finish(figure, text)


# --- estimating ----------------------------------------------------------------------------------------


def estimator_variance(sigma: Any, measured: Mapping[str, Any], exact: Mapping[str, Any]) -> base.Picture:
    """Show the variance of gradient estimators over the width of the distribution that is sampled.

    ``sigma`` (k,): standard deviations, rising; ``measured``: estimator to the variance of one sample's gradient
    (k,); ``exact``: some of the same names to the variance that algebra gives (k,).
    Raises :class:`DataError` for shapes and names that do not fit, or values that are not positive.
    """
    x = base.as_rising(sigma, "sigma", base.as_positive)
    found = base.each(base.as_positive, measured, "measured", x.shape)
    known = base.each(base.as_positive, exact, "exact", x.shape)
    if not set(known) <= set(found):
        raise DataError("expected names of estimators that are measured", where="exact")
    with base.one_panel(3.5, _NARROW) as (figure, axes):
        for name, y, color, marker, line in base.looks(found):
            axes.loglog(x, y, color=color, marker=marker, linestyle="none", label=f"{name}, measured")
            if name in known:
                axes.loglog(x, known[name], color=color, linestyle=line, label=f"{name}, exact")
        axes.set(xlabel="sigma, the standard deviation of q", ylabel="variance of one gradient")
        axes.grid(which="major", alpha=0.3)
        base.legend_below(figure, axes)
    parts = [f"{k} {v[0]:,.3g} at sigma = {x[0]:g} and {v[-1]:,.3g} at {x[-1]:g}" for k, v in found.items()]
    text = f"Variance of one sample's gradient: {'; '.join(parts)}."
    if len(found) > 1:
        first, second = list(found)[:2]
        ratio = found[second] / found[first]
        text += f" {second} over {first}: between {ratio.min():,.0f} and {ratio.max():,.0f} times."
    if known:
        off = max(float(np.abs(found[k] / v - 1).max()) for k, v in known.items())
        text += f" The exact variance differs by at most {base.percent(off)}."
    return base.finish(figure, text)


# --- beta ----------------------------------------------------------------------------------------------


def beta_terms(betas: Any, reconstruction: Any, kl: Any, active: Mapping[str, Any]) -> base.Picture:
    """Show what a weight of the KL term does: both terms of the loss, and how many latents are used.

    ``betas`` (k,), rising, above 0; ``reconstruction`` and ``kl`` (k,) in nats per image; ``active``: name of a
    series to the share of active latents (k,) in [0, 1].
    Raises :class:`DataError` for shapes that do not fit, or values out of range.
    """
    x = base.as_rising(betas, "betas", base.as_positive)
    rec = base.as_array(reconstruction, "reconstruction", x.shape)
    divergence = base.as_array(kl, "kl", x.shape)
    shares = base.each(base.as_shares, active, "active", x.shape)
    with base.drawing(2.8, 7.0) as figure:
        left, middle, right = figure.subplots(1, 3)
        left.semilogx(x, rec, color=base.BLUE, marker="o")
        left.set_title("reconstruction term")
        middle.semilogx(x, divergence, color=base.RED, marker="s", linestyle="--")
        middle.set_title("KL term, without beta")
        for (name, share), (color, marker, line) in zip(shares.items(), cycle(base.LINES[2:]), strict=False):
            right.semilogx(x, share, color=color, marker=marker, linestyle=line, label=name)
        right.set(title="share of the latents", ylim=(-0.05, 1.05))
        base.legend_below(figure, right)
        for axes in (left, middle):
            axes.set_ylabel("nats per image")
        for axes in (left, middle, right):
            axes.set_xlabel("beta")
            axes.grid(axis="y", alpha=0.3)
            axes.set_xticks([x[0], 1, x[-1]], [f"{x[0]:g}", "1", f"{x[-1]:g}"])
            axes.minorticks_off()
    parts = [f"{name}: {base.percent(v[0])} to {base.percent(v[-1])}" for name, v in shares.items()]
    text = (
        f"From beta = {x[0]:g} to {x[-1]:g} the reconstruction term goes from {rec[0]:.1f} to {rec[-1]:.1f} nats per "
        f"image, the KL from {divergence[0]:.1f} to {divergence[-1]:.1f}. Share of the latents, {'; '.join(parts)}."
    )
    return base.finish(figure, text)


def latent_variances(
    variances: Mapping[float, Any], kl: Mapping[float, Any], least: tuple[float, float]
) -> base.Picture:
    """Show for several betas how much each latent's mean varies over the images, and its share of the KL in nats.

    ``variances`` and ``kl``: the same betas to the variance of mu over the images, and the mean KL, of each latent
    (d,), in any order. A latent counts as active above ``least[0]`` (Burda et al. 2016), as used above ``least[1]``.
    Raises :class:`DataError` for shapes that do not fit.
    """
    d = len(next(iter(variances.values())))
    both = [
        {float(b): np.sort(base.as_array(v, f"{name}[{b}]", (d,)))[::-1] for b, v in given.items()}
        for name, given in (("variances", variances), ("kl", kl))
    ]
    if set(both[0]) != set(both[1]):
        raise DataError("expected the same betas in both", where="kl")
    labels = ("variance of the mean", "KL (nats per image)")
    with base.drawing(3.0, 7.0) as figure:
        panels = figure.subplots(1, 2)
        for axes, series, limit, label in zip(panels, both, least, labels, strict=True):
            for beta, v, color, marker, line in base.looks(series):
                how = {"color": color, "marker": marker, "linestyle": line, "label": f"beta = {beta:g}"}
                axes.semilogy(np.arange(1, d + 1), np.maximum(v, 1e-6), markersize=5, **how)
            axes.axhline(limit, color="0.5", linewidth=2.5, alpha=0.6, label="limit of active (left), of used (right)")
            axes.set(xlabel="latent, sorted", ylabel=label, ylim=(0.5e-6, None))
            base.whole_ticks(axes.xaxis)
            axes.grid(axis="y", alpha=0.3)
        base.legend_below(figure, panels[0])
    counts = [[int((v > limit).sum()) for v in series.values()] for series, limit in zip(both, least, strict=True)]
    parts = [f"{a} active and {u} used for beta = {beta:g}" for beta, a, u in zip(both[0], *counts, strict=True)]
    return base.finish(figure, f"Of {base.count(d, 'latent')}: {'; '.join(parts)}.")


# --- inside the widgets ------------------------------------------------------------------------------


def latent_plane(
    image: Any, tiles: Any, position: Any, *, axes: tuple[int, int], span: float, distance: float, dims: int, told: str
) -> base.Picture:
    """Show what a decoder draws at one place, and where in a plane of the latent space that is (lecture 03).

    ``image`` (28, 28) in [0, 1]; ``tiles`` (s, s, 28, 28), drawn at evenly spaced places from -span to span, the first
    axis along latent ``axes[1]``, the second along ``axes[0]``; ``position`` where we stand along both; ``distance``
    the root mean square difference per pixel from the picture at the middle; ``dims`` the number of latents; ``told``
    a further sentence. Raises :class:`DataError` for other shapes, values out of range or NaN.
    """
    picture, drawn = base.as_pictures(image, "image", 2), base.as_pictures(tiles, "tiles", 4)
    x, y = base.as_array(position, "position", (2,))
    with base.drawing(4.3, layout=None) as figure:
        left = inches.add_panel(figure, 0.1, 0.5, 3.4, 3.4)
        left.imshow(picture, cmap="gray", vmin=0, vmax=1)
        inches.hide_axes(left, "what the decoder draws here")
        plane = inches.add_panel(figure, 4.6, 0.5, 3.4, 3.4)
        # First axis upwards; a tile is centred on its place, so the sheet reaches half a tile further.
        s = len(drawn)
        sheet, edge = drawn[::-1].transpose(0, 2, 1, 3).reshape(28 * s, 28 * s), span * s / (s - 1)
        plane.imshow(sheet, cmap="gray", vmin=0, vmax=1, extent=(-edge, edge, -edge, edge))
        plane.set(xlabel=f"z[{axes[0]}]", ylabel=f"z[{axes[1]}]")
        inches.set_title(plane, "where we are, and what is drawn elsewhere", fontsize=10, loc="center")
        for line, at in ((plane.axvline, x), (plane.axhline, y)):
            line(at, color=base.RED, linewidth=0.9, linestyle=(0, (4, 2)))
        for color, width in (("white", 4), (base.RED, 2)):
            ring: dict[str, Any] = {"markerfacecolor": "none", "markeredgecolor": color, "markeredgewidth": width}
            plane.plot([x], [y], "o", markersize=13, **ring)
    rest = "the other latent of 3 stays where it is" if dims == 3 else f"the other {dims - 2} of {dims} latents stay"
    others = "" if dims == 2 else f" ({rest})"
    inked = base.percent((picture > 0.5).mean())
    there = f"; it differs from the picture at the middle of the plane by {distance:.2f} per pixel " * (distance > 0)
    text = (
        f"At z[{axes[0]}] = {x:.1f} and z[{axes[1]}] = {y:.1f}{others} the decoder draws a picture with "
        f"{inked} of its pixels inked{there}{'(root mean square, ink is 1)' * (distance > 0)}."
        f"{' ' + told if told else ''}"
    )
    return base.finish(figure, text)


def beta_panels(
    images: Any, reconstructions: Any, samples: Any, numbers: Sequence[BetaNumbers], chosen: int
) -> base.Picture:
    """Show what one of several VAEs that differ by beta makes of test images, and the price of each (lecture 03).

    ``images``, ``reconstructions``, ``samples`` (n, 28, 28) in [0, 1]; ``numbers`` of all models, by rising beta;
    ``chosen``: the place of the model that is shown. Raises :class:`DataError` for other shapes, values out of range
    or NaN.
    """
    given = {"test images": images, "reconstructed from \u03bc": reconstructions, "drawn from the prior": samples}
    rows = {name: base.as_pictures(value, name) for name, value in given.items()}
    first, last, mine = numbers[0], numbers[-1], numbers[chosen]
    n = len(images)
    side = 5.5 / max(n, 6)
    with base.drawing(3.75, layout=None) as figure:
        for index, (name, row) in enumerate(rows.items()):
            strip = inches.add_panel(figure, 0.1, 2.55 - 1.22 * index, side * n, side * 28 / 30)
            strip.imshow(base.sheet(row[None])[1:29], cmap="gray", vmin=0, vmax=1, aspect="auto")
            inches.hide_axes(strip)
            inches.set_title(strip, name, fontsize=10)
        _draw_prices(inches.add_panel(figure, 6.5, 0.6, 2.3, 2.55), numbers, chosen)
    used = f"{mine.active} of {base.count(mine.latent, 'latent')} {'is' if mine.active == 1 else 'are'}"
    text = (
        f"With beta = {mine.beta:g} the reconstruction costs {mine.reconstruction:.1f} and the latent {mine.kl:.1f} "
        f"nats per image, and {used} active. From beta = {first.beta:g} to {last.beta:g} the reconstruction goes from "
        f"{first.reconstruction:.1f} to {last.reconstruction:.1f}, the KL from {first.kl:.1f} to {last.kl:.1f} nats."
    )
    return base.finish(figure, text)


def _draw_prices(axes: Axes, numbers: Sequence[BetaNumbers], chosen: int) -> None:
    rate = base.as_array([row.kl for row in numbers], "kl")
    cost = base.as_array([row.reconstruction for row in numbers], "reconstruction")
    axes.plot(rate, cost, "o-", color=base.BLUE, linewidth=1.2, markersize=5, markerfacecolor="white")
    axes.plot(rate[chosen], cost[chosen], "s", color=base.RED, markersize=10)
    for place in range(len(numbers)) if len(numbers) < 6 else sorted({0, len(numbers) - 1, chosen}):
        bold: dict[str, Any] = {"fontweight": "bold", "color": base.RED} if place == chosen else {}
        label, at = f"\u03b2 = {numbers[place].beta:g}", (rate[place], cost[place])
        axes.annotate(label, at, (6, 6), textcoords="offset points", **bold)
    axes.margins(x=0.38, y=0.2)  # the labels stand to the right of their points
    axes.set(xlabel="KL (nats per image)", ylabel="reconstruction (nats per image)")
    inches.set_title(axes, "what each model pays", fontsize=10)
