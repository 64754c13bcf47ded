"""Exercises of lecture 03: autoencoders, the VAE and its bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.checks.comparison import describe, difference
from a2d.exercises import calls
from a2d.exercises.model import Case, Exercise, Question, Wrong

if TYPE_CHECKING:
    from torch import Tensor


# ----------------------------------------------------------------------------------------------------- 3.1 the KL term


def _normals(rng: np.random.Generator, b: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """``mu`` and ``logvar`` of b posteriors with d latent dimensions."""
    return rng.normal(size=(b, d)).round(2), rng.uniform(-2, 1.5, size=(b, d)).round(2)


def _kl(mu: Tensor, logvar: Tensor) -> Tensor:
    return _torch_kl(mu, logvar).sum(-1)


def _torch_kl(mu: Tensor, logvar: Tensor) -> Tensor:
    from torch.distributions import Normal, kl_divergence

    return kl_divergence(Normal(mu, (0.5 * logvar).exp()), Normal(0.0, 1.0))


def _kl_cases(rng: np.random.Generator) -> list[Case]:
    sizes = [(1, 1), (2, 3), *((int(rng.integers(2, 6)), int(rng.integers(2, 21))) for _ in range(3))]
    cases = [Case(_normals(rng, b, d)) for b, d in sizes]
    same = np.zeros((2, 4))
    narrow = Case((np.zeros((1, 2)), np.full((1, 2), -12.0)), "mu = 0 and logvar = -12, a very narrow posterior")
    return [*cases, narrow, Case((same, same), "mu = 0 and logvar = 0, where posterior and prior are the same")]


def _kl_turned(mu: Tensor, logvar: Tensor) -> Tensor:
    return -_kl(mu, logvar)


def _kl_without_log(mu: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * (mu**2 + logvar.exp() - 1).sum(-1)


def _kl_of_sd(mu: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * (mu**2 + logvar.exp() ** 2 - 1 - 2 * logvar).sum(-1)


def _kl_of_variance(mu: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * (mu**2 + logvar - 1 - logvar.log()).sum(-1)


def _shows_log_of_logvar(case: Case, expected: Any, got: Any) -> bool:
    mu, logvar = case.args
    with np.errstate(all="ignore"):
        own = 0.5 * (mu**2 + logvar - 1 - np.log(logvar)).sum(-1)
    return np.shape(got) == own.shape and np.allclose(got, own, rtol=1e-4, atol=1e-5, equal_nan=True)


def _kl_mean(mu: Tensor, logvar: Tensor) -> Tensor:
    return _kl(mu, logvar) / mu.shape[-1]


def _kl_of_batch(mu: Tensor, logvar: Tensor) -> Tensor:
    return _kl(mu, logvar).sum()


def _kl_doubled(mu: Tensor, logvar: Tensor) -> Tensor:
    return 2 * _kl(mu, logvar)


def _kl_reverse(mu: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * ((1 + mu**2) / logvar.exp() - 1 + logvar).sum(-1)


# ------------------------------------------------------------------------------------------------ 3.2 reparameterising


def _sample(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    import torch

    return torch.addcmul(mu, logvar.exp().sqrt(), eps)


def _sample_cases(rng: np.random.Generator) -> list[Case]:
    sizes = [(1, 1), (1, 2), *((int(rng.integers(2, 5)), int(rng.integers(2, 9))) for _ in range(4))]
    return [Case((*_normals(rng, b, d), rng.normal(size=(b, d)).round(2))) for b, d in sizes]


def _sample_verify(case: Case, expected: Any, got: Any) -> str:
    """Values, and the gradients in mu and logvar; eps needs none, so nobody asks for its gradient."""
    if not isinstance(got, tuple) or len(got) != len(expected):
        return f"Expected a tensor like mu, got {describe(got)}."
    parts = ("The values of z", "The gradient of z's sum in mu", "The gradient of z's sum in logvar")
    for part, right, theirs in zip(parts, expected, got, strict=False):
        if found := difference(right, theirs, 1e-4, 1e-5):
            return f"{part}: {found}"
    return ""


def _sample_variance(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    return mu + logvar.exp() * eps


def _sample_logvar(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    return mu + logvar * eps


def _sample_cut(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    return _sample(mu, logvar, eps).detach()


def _sample_cut_sigma(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    return _sample(mu, logvar.detach(), eps)


def _sample_centred(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    return (0.5 * logvar).exp() * eps


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


def _bernoulli_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for _ in range(5):
        b, h, w = int(rng.integers(1, 4)), int(rng.integers(2, 7)), int(rng.integers(2, 7))
        logits = rng.uniform(-4, 4, size=(b, h, w)).round(2)
        cases.append(Case((logits, _images(rng, b, h, w)), part="ordinary"))
    far = np.array([[[100.0, -100.0], [60.0, -60.0]]])
    # In each of them a pixel with the logit 100 or 60 has the target 1, where 0 times log 0 is not a number.
    first, rest = (float(value) for value in rng.integers(0, 2, size=2))
    for white in (first, 1 - first):
        target = np.array([[[white, rest], [1 - white, 1 - rest]]])
        cases.append(Case((far, target), "logits of 100, -100, 60 and -60", "edge"))
    grey = np.array([[[1.0, 0.3], [0.6, round(float(rng.uniform(0.1, 0.9)), 2)]]])
    cases.append(Case((far, grey), "logits of 100, -100, 60 and -60, and grey targets", "edge"))
    return cases


def _bernoulli_mean(logits: Tensor, target: Tensor) -> Tensor:
    return _bernoulli(logits, target) / (logits.shape[-1] * logits.shape[-2])


def _bernoulli_twice(logits: Tensor, target: Tensor) -> Tensor:
    return _bernoulli(logits.sigmoid(), target)


def _bernoulli_naive(logits: Tensor, target: Tensor) -> Tensor:
    p = logits.sigmoid()
    return -(target * p.log() + (1 - target) * (1 - p).log()).sum((-2, -1))


def _gives_nan(case: Case, expected: Any, got: Any) -> bool:
    return bool(np.isnan(got).all())


def _gives_infinity(case: Case, expected: Any, got: Any) -> bool:
    return bool(np.isposinf(got).all())


def _bernoulli_clamped(logits: Tensor, target: Tensor) -> Tensor:
    import torch.nn.functional as F

    return F.binary_cross_entropy(logits.sigmoid(), target, reduction="none").sum((-2, -1))


def _bernoulli_exp(logits: Tensor, target: Tensor) -> Tensor:
    return ((1 + logits.exp()).log() - target * logits).sum((-2, -1))


def _bernoulli_turned(logits: Tensor, target: Tensor) -> Tensor:
    return -_bernoulli(logits, target)


def _bernoulli_of_batch(logits: Tensor, target: Tensor) -> Tensor:
    return _bernoulli(logits, target).sum()


# ------------------------------------------------------------------------------------------------ 3.4 loss with beta


def _beta_loss(logits: Tensor, target: Tensor, mu: Tensor, logvar: Tensor, beta: float) -> Tensor:
    return (_bernoulli(logits, target) + beta * _kl(mu, logvar)).mean()


def _beta_loss_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for beta in (1.0, 0.0, 4.0, 0.5, round(float(rng.uniform(2, 9)), 1)):
        b, h, w, d = int(rng.integers(2, 5)), int(rng.integers(2, 6)), int(rng.integers(2, 6)), int(rng.integers(2, 6))
        logits = rng.normal(size=(b, h, w)).round(2)
        told = f"{b} images of {h} x {w} pixels, {d} latents, beta = {beta:g}"
        cases.append(Case((logits, _images(rng, b, h, w), *_normals(rng, b, d), beta), told))
    return cases


def _beta_on_pixels(logits: Tensor, target: Tensor, mu: Tensor, logvar: Tensor, beta: float) -> Tensor:
    return (beta * _bernoulli(logits, target) + _kl(mu, logvar)).mean()


def _beta_kl_subtracted(logits: Tensor, target: Tensor, mu: Tensor, logvar: Tensor, beta: float) -> Tensor:
    return (_bernoulli(logits, target) - beta * _kl(mu, logvar)).mean()


def _beta_ignored(logits: Tensor, target: Tensor, mu: Tensor, logvar: Tensor, beta: float) -> Tensor:
    return (_bernoulli(logits, target) + _kl(mu, logvar)).mean()


def _beta_pixel_mean(logits: Tensor, target: Tensor, mu: Tensor, logvar: Tensor, beta: float) -> Tensor:
    return (_bernoulli_mean(logits, target) + beta * _kl(mu, logvar)).mean()


def _beta_batch_sum(logits: Tensor, target: Tensor, mu: Tensor, logvar: Tensor, beta: float) -> Tensor:
    return (_bernoulli(logits, target) + beta * _kl(mu, logvar)).sum()


def _beta_latent_mean(logits: Tensor, target: Tensor, mu: Tensor, logvar: Tensor, beta: float) -> Tensor:
    return (_bernoulli(logits, target) + beta * _kl_mean(mu, logvar)).mean()


def _beta_not_averaged(logits: Tensor, target: Tensor, mu: Tensor, logvar: Tensor, beta: float) -> Tensor:
    return _bernoulli(logits, target) + beta * _kl(mu, logvar)


# --------------------------------------------------------------------------------------- 3.5 score-function estimator


def _score(f: np.ndarray, z: np.ndarray, mu: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Let torch differentiate the log-density."""
    import torch

    centre = torch.tensor(mu, dtype=torch.float64, requires_grad=True)
    density = torch.distributions.Normal(centre, torch.tensor(sigma, dtype=torch.float64))
    surrogate = (torch.tensor(f, dtype=torch.float64) * density.log_prob(torch.tensor(z)).sum(-1)).mean()
    return torch.autograd.grad(surrogate, centre)[0].numpy()


def _score_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n, d in [(1, 1), (1, 3), *((int(rng.integers(2, 40)), int(rng.integers(1, 5))) for _ in range(4))]:
        mu, sigma = rng.normal(size=d).round(2), rng.uniform(0.3, 2.5, size=d).round(2)
        z = mu + sigma * rng.normal(size=(n, d))
        cases.append(Case(((z**2).sum(-1) + 1, z, mu, sigma), f"n = {n} samples of d = {d} dimensions"))
    return cases


def _score_one_sigma(f: np.ndarray, z: np.ndarray, mu: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    return _score(f, z, mu, sigma) * sigma


def _score_sum(f: np.ndarray, z: np.ndarray, mu: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    return _score(f, z, mu, sigma) * len(f)


def _score_turned(f: np.ndarray, z: np.ndarray, mu: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    return -_score(f, z, mu, sigma)


def _score_alone(f: np.ndarray, z: np.ndarray, mu: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    return _score(np.ones_like(f), z, mu, sigma)


def _score_weighted(f: np.ndarray, z: np.ndarray, mu: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    q = np.exp(-0.5 * ((z - mu) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    return _score(f * q.prod(-1), z, mu, sigma)


_WHY_COLLAPSE = """
Raise $\\beta$ far enough and the decoder no longer uses $z$: it draws the same picture for every $z$.
Explain why, in three to six sentences.
Say what the KL term *costs* when the encoder stores something about the image in $z$, what those nats *buy*, and
when the trade no longer pays.
"""

_WHY_COLLAPSE_ANSWER = """
To tell images apart, the encoder must give them different distributions $q(z \\mid x)$, so these differ from the
prior, and each nat of that difference costs $\\beta$ in the loss.
What it buys is a smaller reconstruction term, because the decoder then knows which image it should draw.
A latent dimension is used as long as one more nat of KL lowers the reconstruction term by more than $\\beta$ nats.
For a large $\\beta$ no dimension does.
Then the least loss has $\\mu = 0$ and $\\sigma = 1$ for every image: the KL is 0, $z$ is noise that says nothing
about $x$, and the best that the decoder can do is to ignore it and draw the mean image.
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
        call=calls.tensors,
        rtol=1e-4,
        atol=1e-5,
        wrong=(
            Wrong("this is the KL with its sign turned; a KL divergence is never negative", _kl_turned),
            Wrong("you forgot the log term: a narrow posterior must cost something, too", _kl_without_log),
            Wrong("exp(logvar) is taken as the standard deviation; it is the variance already", _kl_of_sd),
            Wrong(
                "logvar is taken as the variance; it is the variance's logarithm", _kl_of_variance, _shows_log_of_logvar
            ),
            Wrong("this is the mean over the latent dimensions; the KL is their sum", _kl_mean),
            Wrong("the images are summed as well; give one number for each image", _kl_of_batch),
            Wrong("the factor 1/2 is missing", _kl_doubled),
            Wrong("this is KL(prior || posterior); the arguments change places", _kl_reverse),
        ),
        hints=(
            "Write the formula with $\\sigma^2$ = `logvar.exp()` and $\\log \\sigma^2$ = `logvar`. "
            "There are four terms in the bracket.",
            "The sum runs over the last axis, the latent dimensions: `.sum(-1)` turns `(b, d)` into `(b,)`.",
            "For each dimension: half of (mean squared, plus variance, minus 1, minus log-variance).",
        ),
        right="No samples were needed: this term of the loss has no noise, however few images a batch has.",
        forbidden=(
            "a2d.vae.kl_divergence",
            "torch.distributions.kl_divergence",
            "torch.distributions.kl.kl_divergence",
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
        verify=_sample_verify,
        rtol=1e-4,
        atol=1e-5,
        wrong=(
            Wrong("the noise is scaled by the variance exp(logvar), not by exp(logvar / 2)", _sample_variance),
            Wrong("logvar is taken as the standard deviation", _sample_logvar),
            Wrong("the values are right, but no gradient comes through: z is cut off from mu and logvar", _sample_cut),
            Wrong("the standard deviation is cut off from logvar: the encoder could not learn it", _sample_cut_sigma),
            Wrong("mu is left out: every image would get the same z", _sample_centred),
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
        call=calls.tensors,
        rtol=1e-4,
        atol=1e-3,
        parts={"ordinary": 2, "edge": 1},
        wrong=(
            Wrong("this is the mean over the pixels; sum them, so that the unit is nats per image", _bernoulli_mean),
            Wrong("the sigmoid is applied twice: the softplus formula takes the logits themselves", _bernoulli_twice),
            Wrong(
                "for large logits the sigmoid is exactly 0 or 1, and the logarithm of 0 is not finite",
                _bernoulli_naive,
                _gives_nan,
            ),
            Wrong(
                "binary_cross_entropy cuts its logarithms off at -100, and a sigmoid of 60 is rounded to 1 before that",
                _bernoulli_clamped,
            ),
            Wrong("exp(100) is too large for a float32: use the softplus function", _bernoulli_exp, _gives_infinity),
            Wrong("this is the logarithm of the probability; the loss is its negative", _bernoulli_turned),
            Wrong("the images are summed as well; give one number for each image", _bernoulli_of_batch),
        ),
        hints=(
            "Put $p = 1 / (1 + e^{-a})$ into the cross-entropy and simplify: "
            "$-\\log p = \\mathrm{softplus}(a) - a$ and $-\\log(1 - p) = \\mathrm{softplus}(a)$.",
            "What is left for one pixel is $\\mathrm{softplus}(a) - x\\,a$.",
            "`torch.nn.functional.softplus` does not overflow. Sum over the last two axes.",
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
        call=calls.tensors,
        rtol=1e-4,
        atol=1e-4,
        wrong=(
            Wrong("beta weighs the reconstruction; it belongs to the KL", _beta_on_pixels),
            Wrong("the KL is subtracted: this rewards a posterior far from the prior", _beta_kl_subtracted),
            Wrong("beta is not used", _beta_ignored),
            Wrong("the pixels are averaged: the KL then weighs far more than in the ELBO", _beta_pixel_mean),
            Wrong("the images are summed; give their mean, so that the batch's size does not matter", _beta_batch_sum),
            Wrong("the KL is averaged over the latent dimensions; sum them", _beta_latent_mean),
            Wrong("there is one value for each image; give their mean, one number", _beta_not_averaged),
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
            Wrong("it is divided by sigma once; the score of a normal has the variance below it", _score_one_sigma),
            Wrong("this is the sum over the samples; an expectation is estimated by their mean", _score_sum),
            Wrong("the sign is turned: the score is (z - mu) over the variance", _score_turned),
            Wrong("f is not used: this is the mean of the score alone, which is 0 on average", _score_alone),
            Wrong("it is weighed by the density q(z) once more; the samples come from q already", _score_weighted),
        ),
        hints=(
            "Differentiate $\\log q(z) = -\\frac{(z - \\mu)^2}{2 \\sigma^2} + \\text{const}$ in $\\mu$.",
            "Shapes: `f[:, None]` is `(n, 1)`, and multiplies each row of an array of shape `(n, d)`.",
            "Multiply each sample's score by its f, then take the mean over axis 0.",
        ),
        right="It never asked for a derivative of f. So it works where f is a black box or z a whole number, "
        "and pays with a large variance.",
    ),
    Question(
        id="3.6",
        title="what the KL buys and costs",
        points=2,
        minutes=8,
        text=_WHY_COLLAPSE.strip(),
    ),
)
