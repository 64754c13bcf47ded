"""Exercises of lecture 03: autoencoders, the VAE and its bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.checks.comparison import describe, difference, pattern
from a2d.exercises import calls
from a2d.exercises.model import Case, Exercise, Question, Wrong

if TYPE_CHECKING:
    from torch import Tensor


def _trains(*names: str, rtol: float = 1e-4, atol: float = 1e-5) -> Callable[[Case, Any, Any], str]:
    """A ``verify`` for :func:`calls.gradients`: the values, and the gradients in the arguments that have a name."""

    def verify(case: Case, expected: Any, got: Any) -> str:
        if not isinstance(got, tuple) or len(got) != len(expected):
            return f"Expected a tensor, got {describe(got)}."
        if found := difference(expected[0], got[0], rtol, atol):
            return f"{found} {pattern([(expected[0], got[0])], rtol, atol)}".strip()
        for name, right, theirs in zip(names, expected[1:], got[1:], strict=True):
            if name and (found := difference(right, theirs, rtol, atol)):
                return f"The values are right, but not the gradient in {name}: {found}"
        return ""

    return verify


# ----------------------------------------------------------------------------------------------------- 3.1 the KL term


def _normals(rng: np.random.Generator, b: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """``mu`` and ``logvar`` of b posteriors with d latent dimensions."""
    return rng.normal(size=(b, d)).round(2), rng.uniform(-2, 1.5, size=(b, d)).round(2)


def _torch_kl(mu: Tensor, logvar: Tensor) -> Tensor:
    from torch.distributions import Normal, kl_divergence

    return kl_divergence(Normal(mu, (0.5 * logvar).exp()), Normal(0.0, 1.0))


def _kl(mu: Tensor, logvar: Tensor) -> Tensor:
    return _torch_kl(mu, logvar).sum(-1)


def _kl_cases(rng: np.random.Generator) -> list[Case]:
    sizes = [(1, 1), (2, 3), *((int(rng.integers(2, 6)), int(rng.integers(2, 21))) for _ in range(3))]
    cases = [Case(_normals(rng, b, d)) for b, d in sizes]
    same = np.zeros((2, 4))
    narrow = Case((np.zeros((1, 2)), np.full((1, 2), -12.0)), "mu = 0 and logvar = -12, a very narrow posterior")
    return [*cases, narrow, Case((same, same), "mu = 0 and logvar = 0, where posterior and prior are the same")]


def _kl_of_variance(mu: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * (mu**2 + logvar - 1 - logvar.log()).sum(-1)


def _shows_log_of_logvar(case: Case, expected: Any, got: Any) -> bool:
    mu, logvar = case.args
    with np.errstate(all="ignore"):
        own = 0.5 * (mu**2 + logvar - 1 - np.log(logvar)).sum(-1)
    return np.shape(got[0]) == own.shape and np.allclose(got[0], own, rtol=1e-4, atol=1e-5, equal_nan=True)


# ------------------------------------------------------------------------------------------------ 3.2 reparameterising


def _sample(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    import torch

    return torch.addcmul(mu, logvar.exp().sqrt(), eps)


def _sample_cases(rng: np.random.Generator) -> list[Case]:
    sizes = [(1, 1), (1, 2), *((int(rng.integers(2, 5)), int(rng.integers(2, 9))) for _ in range(4))]
    return [Case((*_normals(rng, b, d), rng.normal(size=(b, d)).round(2))) for b, d in sizes]


def _sample_own_noise(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    import torch

    return _sample(mu, logvar, torch.randn_like(mu))


# --------------------------------------------------------------------------------------------- 3.3 reconstruction term


def _bernoulli(logits: Tensor, target: Tensor) -> Tensor:
    return _torch_bce(logits.double(), target.double()).sum((-2, -1)).float()


def _torch_bce(logits: Tensor, target: Tensor) -> Tensor:
    import torch.nn.functional as F

    return F.binary_cross_entropy_with_logits(logits, target, reduction="none")


def _images(rng: np.random.Generator, b: int, h: int, w: int) -> np.ndarray:
    """Targets in [0, 1]: about half of the pixels black or white, the others grey."""
    grey = rng.uniform(size=(b, h, w)).round(2)
    return np.where(rng.uniform(size=(b, h, w)) < 0.5, grey.round(), grey)


_USUAL, _LARGE = "the usual logits", "the large logits"


def _bernoulli_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for _ in range(5):
        b, h, w = int(rng.integers(1, 4)), int(rng.integers(2, 7)), int(rng.integers(2, 7))
        logits = rng.uniform(-4, 4, size=(b, h, w)).round(2) + 0.005  # no logit is 0, where |a| has no derivative
        cases.append(Case((logits, _images(rng, b, h, w)), part=_USUAL))
    # No two of them are each other's negative: nothing is right by symmetry.
    steps = [float(rng.integers(*ends)) for ends in ((96, 111), (-95, -79), (50, 71), (-40, -24))]
    far, told = np.array([[steps[:2], steps[2:]]]), "logits of {:g}, {:g}, {:g} and {:g}".format(*steps)
    # In each of them a pixel with a large positive logit has the target 1, where 0 times log 0 is not a number.
    first, rest = (float(value) for value in rng.integers(0, 2, size=2))
    for white in (first, 1 - first):
        target = np.array([[[white, rest], [1 - white, 1 - rest]]])
        cases.append(Case((far, target), told, _LARGE))
    grey = np.array([[[1.0, 0.3], [0.6, round(float(rng.uniform(0.1, 0.9)), 2)]]])
    cases.append(Case((far, grey), f"{told}, and grey targets", _LARGE))
    return cases


def _bernoulli_naive(logits: Tensor, target: Tensor, eps: float = 0.0) -> Tensor:
    p = logits.sigmoid()
    return -(target * (p + eps).log() + (1 - target) * (1 - p + eps).log()).sum((-2, -1))


def _bernoulli_clamped(logits: Tensor, target: Tensor) -> Tensor:
    import torch.nn.functional as F

    return F.binary_cross_entropy(logits.sigmoid(), target, reduction="none").sum((-2, -1))


def _shows_half(case: Case, expected: Any, got: Any) -> bool:
    a, x = case.args
    return case.part == _LARGE or np.allclose(got[0], (x * np.log1p(np.exp(-a))).sum((1, 2)), rtol=1e-3)


def _too_little_where_large(case: Case, expected: Any, got: Any) -> bool:
    return case.part == _LARGE and bool(np.isfinite(got[0]).all() and (got[0] < expected[0] + 1e-2).all())


# ------------------------------------------------------------------------------------------------ 3.4 loss with beta


def _beta_loss(logits: Tensor, target: Tensor, mu: Tensor, logvar: Tensor, beta: float) -> Tensor:
    return (_bernoulli(logits, target) + beta * _kl(mu, logvar)).mean()


def _beta_loss_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for beta in (1.0, 0.0, 4.0, 0.5, round(float(rng.uniform(2, 9)), 1)):
        b, h, w, d = int(rng.integers(2, 5)), int(rng.integers(2, 6)), int(rng.integers(2, 6)), int(rng.integers(2, 6))
        logits = rng.normal(size=(b, h, w)).round(2) + 0.005
        told = f"{b} images of {h} x {w} pixels, {d} latents, beta = {beta:g}"
        cases.append(Case((logits, _images(rng, b, h, w), *_normals(rng, b, d), beta), told))
    return cases


def _pixels(logits: Tensor) -> int:
    return logits.shape[-1] * logits.shape[-2]


# --------------------------------------------------------------------------------------- 3.5 score-function estimator


def _score(f: np.ndarray, z: np.ndarray, mu: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Let torch differentiate the log-density."""
    import torch

    centre = torch.tensor(np.asarray(mu), dtype=torch.float64, requires_grad=True)
    density = torch.distributions.Normal(centre, torch.tensor(np.asarray(sigma), dtype=torch.float64))
    surrogate = (torch.tensor(f, dtype=torch.float64) * density.log_prob(torch.tensor(z)).sum(-1)).mean()
    return torch.autograd.grad(surrogate, centre)[0].numpy()


def _score_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n, d in [(1, 1), (1, 3), *((int(rng.integers(2, 40)), int(rng.integers(1, 5))) for _ in range(4))]:
        mu, sigma = rng.normal(size=d).round(2), rng.uniform(0.3, 2.5, size=d).round(2)
        z = mu + sigma * rng.normal(size=(n, d))
        cases.append(Case(((z**2).sum(-1) + 1, z, mu, sigma), f"n = {n} samples of d = {d} dimensions"))
    return cases


def _score_weighted(f: np.ndarray, z: np.ndarray, mu: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    q = np.exp(-0.5 * ((z - mu) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    return _score(f * q.prod(-1), z, mu, sigma)


# ------------------------------------------------------------------------------------------ 3.7 what the ELBO promises


def _bound(x: float, w: float, s: float, mean: float, sd: float) -> np.ndarray:
    """ELBO and ln p(x) in nats of the story z ~ N(0, 1), x ~ N(w z, s^2), with q = N(mean, sd^2)."""
    total, error = w**2 + s**2, (x - w * mean) ** 2 + (w * sd) ** 2
    kl = (mean**2 + sd**2 - 1) / 2 - np.log(sd)
    elbo = -error / (2 * s**2) - np.log(s) - np.log(2 * np.pi) / 2 - kl
    return np.array([elbo, -(x**2) / (2 * total) - np.log(2 * np.pi * total) / 2])


def _counterexample(x: float, mean: float, sd: float) -> tuple[float, float, float, float]:
    """ln p(x) depends on w^2 + s^2 alone and is greatest where that is x^2: begin there, with a narrow posterior."""
    return abs(x) * float(np.sqrt(15 / 16)), abs(x) / 4, 0.0, 2 * abs(x)


def _counter_cases(rng: np.random.Generator) -> list[Case]:
    cases = [Case((1.2, 0.3, 0.6)), Case((2.0, -0.4, 0.5))]
    for sign in (1, -1, 1, -1):
        x, mean, sd = sign * rng.uniform(0.8, 2.2), rng.uniform(-0.5, 0.5), rng.uniform(0.4, 0.9)
        cases.append(Case((round(x, 2), round(mean, 2), round(sd, 2))))
    return cases


def _changes(case: Case, got: Any) -> np.ndarray:
    """By how much the ELBO and ln p(x) change, in nats."""
    x, mean, sd = case.args
    w, s, w_after, s_after = (float(value) for value in got)
    with np.errstate(all="ignore"):
        change: np.ndarray = _bound(x, w_after, s_after, mean, sd) - _bound(x, w, s, mean, sd)
    return change


def _counter_verify(case: Case, expected: Any, got: Any) -> str:
    if not isinstance(got, tuple | list | np.ndarray) or np.shape(got) != (4,):
        return f"Expected four numbers, w and s before and w and s after, got {describe(got)}."
    numbers = np.asarray(got, float)
    if not (np.isfinite(numbers).all() and (numbers[1::2] >= 0.01).all() and (np.abs(numbers) <= 100).all()):
        return f"s should be at least 0.01, and no number above 100: got {describe(numbers)}."
    elbo, evidence = _changes(case, got)
    if elbo >= 0.1 and evidence <= -0.01:
        return ""
    return (
        f"From the first pair to the second the ELBO changes by {elbo:+.3f} and ln p(x) by {evidence:+.3f} nats; "
        "wanted are at least +0.1 and at most -0.01."
    )


def _shows_change(test: Callable[[float, float], bool]) -> Callable[[Case, Any, Any], bool]:
    return lambda case, expected, got: test(*_changes(case, got))


_ALIKE = """
A friend trains a VAE of MNIST images with 20 latents and $\\beta = 1$.
"All my drawings look alike, whatever $z$ I give to the decoder", says the friend.
The code takes the *mean* of the cross-entropy over the 784 pixels, and the *sum* of the KL over the latents.
Explain what went wrong: which $\\beta$ does this loss have in our way of counting, what does a nat of KL have to buy
there, and why is one drawing for every $z$ the best that is left?
Then name a measurement that shows it, and a remedy.
"""


EXERCISES = (
    Exercise(
        id="3.1",
        title="the KL term in closed form",
        points=4,
        difficulty=2,
        minutes=10,
        signature="kl_normal(mu: torch.Tensor, logvar: torch.Tensor) -> torch.Tensor",
        reference=_kl,
        cases=_kl_cases,
        call=calls.gradients,
        verify=_trains("mu", "logvar"),
        rtol=1e-4,
        atol=1e-5,
        wrong=(
            Wrong("this is the KL with its sign turned; a KL divergence is never negative", lambda m, v: -_kl(m, v)),
            Wrong(
                "you forgot the log term: a narrow posterior must cost something, too",
                lambda m, v: 0.5 * (m**2 + v.exp() - 1).sum(-1),
            ),
            Wrong(
                "exp(logvar) is taken as the standard deviation; it is the variance already",
                lambda m, v: 0.5 * (m**2 + v.exp() ** 2 - 1 - 2 * v).sum(-1),
            ),
            Wrong(
                "logvar is taken as the variance; it is the variance's logarithm", _kl_of_variance, _shows_log_of_logvar
            ),
            Wrong(
                "this is the mean over the latent dimensions; the KL is their sum",
                lambda m, v: _kl(m, v) / m.shape[-1],
            ),
            Wrong("the images are summed as well; give one number for each image", lambda m, v: _kl(m, v).sum()),
            Wrong("this is the mean over the images; give one number for each image", lambda m, v: _kl(m, v).mean()),
            Wrong("the latent dimensions are not summed: the last axis has to go", lambda m, v: _torch_kl(m, v)),
            Wrong("the factor 1/2 is missing", lambda m, v: 2 * _kl(m, v)),
            Wrong(
                "this is KL(prior || posterior); the arguments change places",
                lambda m, v: 0.5 * ((1 + m**2) / v.exp() - 1 + v).sum(-1),
            ),
        ),
        hints=(
            "Write the formula with $\\sigma^2$ = `logvar.exp()` and $\\ln \\sigma^2$ = `logvar`. "
            "There are four terms in the bracket.",
            "The sum runs over the last axis, the latent dimensions: `.sum(-1)` turns `(b, d)` into `(b,)`.",
            "For each dimension: half of (mean squared, plus variance, minus 1, minus log-variance).",
        ),
        right="No samples were needed: this term of the loss has no noise, however few images a batch has.",
        forbidden=(
            "a2d.vae.kl_divergence",
            "torch.distributions.kl_divergence",
            "torch.distributions.kl.kl_divergence",
            "torch.distributions.kl._kl_*",
            "torch.nn.functional.kl_div",
        ),
    ),
    Exercise(
        id="3.2",
        title="a sample that gradients can pass",
        points=3,
        difficulty=2,
        minutes=8,
        signature="sample_latent(mu: torch.Tensor, logvar: torch.Tensor, eps: torch.Tensor) -> torch.Tensor",
        reference=_sample,
        cases=_sample_cases,
        call=calls.gradients,
        verify=_trains("mu", "logvar", ""),
        rtol=1e-4,
        atol=1e-5,
        wrong=(
            Wrong(
                "the noise is scaled by the variance exp(logvar), not by exp(logvar / 2)",
                lambda m, v, e: m + v.exp() * e,
            ),
            Wrong("logvar is taken as the standard deviation", lambda m, v, e: m + v * e),
            Wrong("the root is taken of logvar; take it of the variance exp(logvar)", lambda m, v, e: m + v.sqrt() * e),
            Wrong(
                "the values are right, but no gradient comes through: z is cut off from mu and logvar",
                lambda m, v, e: _sample(m, v, e).detach(),
            ),
            Wrong(
                "the standard deviation is cut off from logvar: the encoder could not learn it",
                lambda m, v, e: _sample(m, v.detach(), e),
            ),
            Wrong("mu is left out: every image would get the same z", lambda m, v, e: (0.5 * v).exp() * e),
            Wrong("it draws noise of its own; use the eps that is given", _sample_own_noise),
        ),
        hints=(
            "The standard deviation is the square root of the variance, and the variance is `logvar.exp()`.",
            "$\\sqrt{e^{a}} = e^{a/2}$. Use tensors only: `.item()`, `.detach()` and `.numpy()` cut the gradient off.",
            "Shift and stretch the noise: the mean, plus the standard deviation times `eps`.",
        ),
        right="The noise comes in from outside, so z is a smooth function of mu and logvar, "
        "and the encoder can learn through it.",
    ),
    Exercise(
        id="3.3",
        title="the Bernoulli reconstruction term from logits",
        points=3,
        difficulty=3,
        minutes=12,
        signature="bernoulli_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor",
        reference=_bernoulli,
        cases=_bernoulli_cases,
        call=calls.gradients,
        verify=_trains("logits", "", rtol=1e-4, atol=1e-3),
        rtol=1e-4,
        atol=1e-3,
        parts={_USUAL: 2, _LARGE: 1},
        wrong=(
            Wrong(
                "this is the mean over the pixels; sum them, so that the unit is nats per image",
                lambda a, x: _bernoulli(a, x) / _pixels(a),
            ),
            Wrong("only one of the two axes of pixels is summed", lambda a, x: _torch_bce(a, x).sum(-1)),
            Wrong(
                "the sigmoid is applied twice: the softplus formula takes the logits themselves",
                lambda a, x: _bernoulli(a.sigmoid(), x),
            ),
            Wrong(
                "for large logits the sigmoid is exactly 0 or 1, and the logarithm of 0 is not finite",
                _bernoulli_naive,
                lambda case, expected, got: bool(np.isnan(got[0]).all()),
            ),
            Wrong(
                "binary_cross_entropy cuts its logarithms off at -100, and a sigmoid of 60 is rounded to 1 before that",
                _bernoulli_clamped,
            ),
            Wrong(
                "exp(100) is too large for a float32: use the softplus function",
                lambda a, x: ((1 + a.exp()).log() - x * a).sum((-2, -1)),
                lambda case, expected, got: bool(np.isposinf(got[0]).all()),
            ),
            Wrong(
                "the logarithm is kept finite, by a small number or a limit: a pixel that is wrong by a logit of 100 "
                "costs too little, and its gradient is lost",
                lambda a, x: _bernoulli_naive(a, x, 1e-7),
                _too_little_where_large,
            ),
            Wrong("this is the logarithm of the probability; the loss is its negative", lambda a, x: -_bernoulli(a, x)),
            Wrong("the images are summed as well; give one number for each image", lambda a, x: _bernoulli(a, x).sum()),
            Wrong("the sign of the logits is turned: black and white change places", lambda a, x: _bernoulli(-a, x)),
            Wrong(
                "the second part, for the pixels that should be black, is missing",
                lambda a, x: (x * _torch_bce(a, x * 0 + 1)).sum((-2, -1)),
                _shows_half,
            ),
        ),
        hints=(
            "Put $p = 1 / (1 + e^{-\\ell})$ into the cross-entropy. What is $-\\ln(1 - p)$, written with softplus?",
            "$-\\ln(1 - p) = \\mathrm{softplus}(\\ell)$ and $-\\ln p = \\mathrm{softplus}(\\ell) - \\ell$. "
            "Multiply out, and see what is left.",
            "One softplus is left for each pixel. `torch.nn.functional.softplus` does not overflow. "
            "Sum over the last two axes.",
        ),
        right="Each pixel adds at most about its logit's size, never an infinity: "
        "one pixel that is wrong and sure cannot end a training.",
        forbidden=(
            "torch.nn.functional.binary_cross_entropy_with_logits",
            "torch.binary_cross_entropy_with_logits",
            "torch.nn.BCEWithLogitsLoss",
            "torch.distributions.Bernoulli",
            "a2d.vae.bernoulli_nll",
        ),
    ),
    Exercise(
        id="3.4",
        title="the negative ELBO with beta",
        points=3,
        difficulty=2,
        minutes=8,
        signature="beta_loss(logits: torch.Tensor, target: torch.Tensor, mu: torch.Tensor, logvar: torch.Tensor, "
        "beta: float) -> torch.Tensor",
        reference=_beta_loss,
        cases=_beta_loss_cases,
        call=calls.gradients,
        verify=_trains("logits", "", "mu", "logvar", atol=1e-4),
        rtol=1e-4,
        atol=1e-4,
        wrong=(
            Wrong(
                "beta weighs the reconstruction; it belongs to the KL",
                lambda a, x, m, v, beta: (beta * _bernoulli(a, x) + _kl(m, v)).mean(),
            ),
            Wrong(
                "beta weighs both terms; it belongs to the KL alone",
                lambda a, x, m, v, beta: beta * (_bernoulli(a, x) + _kl(m, v)).mean(),
            ),
            Wrong(
                "the KL is subtracted: this rewards a posterior far from the prior",
                lambda a, x, m, v, beta: (_bernoulli(a, x) - beta * _kl(m, v)).mean(),
            ),
            Wrong(
                "this is the ELBO, which training should raise; the loss is its negative",
                lambda *given: -_beta_loss(*given),
            ),
            Wrong("beta is not used", lambda a, x, m, v, beta: (_bernoulli(a, x) + _kl(m, v)).mean()),
            Wrong(
                "the pixels are averaged: the KL then weighs far more than in the ELBO",
                lambda a, x, m, v, beta: (_bernoulli(a, x) / _pixels(a) + beta * _kl(m, v)).mean(),
            ),
            Wrong(
                "the images are summed; give their mean, so that the batch's size does not matter",
                lambda a, x, m, v, beta: (_bernoulli(a, x) + beta * _kl(m, v)).sum(),
            ),
            Wrong(
                "the KL is averaged over the latent dimensions; sum them",
                lambda a, x, m, v, beta: (_bernoulli(a, x) + beta * _kl(m, v) / m.shape[-1]).mean(),
            ),
            Wrong(
                "there is one value for each image; give their mean, one number",
                lambda a, x, m, v, beta: _bernoulli(a, x) + beta * _kl(m, v),
            ),
        ),
        hints=(
            "`bernoulli_nll` and `kl_divergence` of `a2d.vae` give one value in nats for each image.",
            "The loss is minimised. Both terms are costs, so both have a plus sign.",
            "Reconstruction plus `beta` times KL for each image, then `.mean()` over the images.",
        ),
        right="One number now holds the trade-off: what z may say about the image, and what each nat of that costs.",
        forbidden=("a2d.vae.negative_elbo",),
        given=("a2d.vae.bernoulli_nll", "a2d.vae.kl_divergence"),
    ),
    Exercise(
        id="3.5",
        title="the score-function gradient",
        points=3,
        difficulty=3,
        minutes=10,
        signature="score_gradient(f: np.ndarray, z: np.ndarray, mu: np.ndarray, sigma: np.ndarray) -> np.ndarray",
        reference=_score,
        cases=_score_cases,
        wrong=(
            Wrong(
                "it is divided by sigma once; the score of a normal has the variance below it",
                lambda f, z, m, s: _score(f, z, m, s) * s,
            ),
            Wrong(
                "this is the sum over the samples; an expectation is estimated by their mean",
                lambda f, z, m, s: _score(f, z, m, s) * len(f),
            ),
            Wrong(
                "the sign is turned: the score is (z - mu) over the variance", lambda f, z, m, s: -_score(f, z, m, s)
            ),
            Wrong(
                "f is not used: this is the mean of the score alone, which is 0 on average",
                lambda f, z, m, s: _score(np.ones_like(f), z, m, s),
            ),
            Wrong("it is weighed by the density q(z) once more; the samples come from q already", _score_weighted),
            Wrong(
                "this is the product of two means; what is wanted is the mean of the products",
                lambda f, z, m, s: f.mean() * _score(np.ones_like(f), z, m, s),
            ),
            Wrong(
                "the mean of f is subtracted, a baseline: good practice, but taken from the same few samples it makes "
                "the estimate too small; here the plain one is asked for",
                lambda f, z, m, s: _score(f - f.mean(), z, m, s),
            ),
        ),
        hints=(
            "Differentiate $\\ln q(z) = -\\frac{(z - \\mu)^2}{2 \\sigma^2} + \\text{const}$ in $\\mu$.",
            "Shapes: `f[:, None]` is `(n, 1)`, and multiplies each row of an array of shape `(n, d)`.",
            "Multiply each sample's score by its f, then take the mean over axis 0.",
        ),
        right="It never asked for a derivative of f. So it works where f is a black box or z a whole number, "
        "and pays with a large variance.",
    ),
    Question(id="3.6", title="drawings that all look alike", points=2, minutes=10, text=_ALIKE.strip()),
    Exercise(
        id="3.7",
        title="a bound that rises while the evidence falls",
        points=3,
        difficulty=4,
        minutes=20,
        signature="counterexample(x: float, mean: float, sd: float) -> tuple[float, float, float, float]",
        reference=_counterexample,
        cases=_counter_cases,
        verify=_counter_verify,
        wrong=(
            Wrong(
                "the pairs are exchanged: here the ELBO falls and ln p(x) rises",
                lambda x, m, sd: (*_counterexample(x, m, sd)[2:], *_counterexample(x, m, sd)[:2]),
                _shows_change(lambda elbo, evidence: elbo <= -0.1 and evidence >= 0.01),
            ),
            Wrong(
                "ln p(x) stays where it is, since w^2 + s^2 is the same before and after",
                lambda x, m, sd: (*_counterexample(x, m, sd)[:2], 0.0, abs(x)),
                _shows_change(lambda elbo, evidence: abs(evidence) < 1e-6),
            ),
            Wrong(
                "both rise: begin where ln p(x) can rise no more and the gap is wide",
                lambda x, m, sd: (0.0, 4 * abs(x), 0.0, abs(x)),
                _shows_change(lambda elbo, evidence: elbo > 0 and evidence > 0),
            ),
        ),
        hints=(
            "What does $\\ln p_\\theta(x)$ depend on? Not on $w$ and $s$ one by one. "
            "For which value of it is $\\ln p_\\theta(x)$ largest?",
            "The gap is the KL from the posterior to q. It is wide where the posterior is narrow and q is not: "
            "for a small s. It is narrow where x says little about z.",
            "Begin with $w^2 + s^2 = x^2$ and a small s. End with w = 0, and an s that is somewhat too large.",
        ),
        right="Training may do the same: a decoder that ignores z has no gap. "
        "A better bound is no proof of a better model.",
    ),
)
