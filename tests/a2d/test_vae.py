"""The VAE: its loss in nats against SciPy, torch.distributions and Monte Carlo; its shapes; its randomness."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
import torch
from torch import nn
from torch.distributions import Bernoulli, Normal
from torch.distributions import kl_divergence as torch_kl

from a2d.errors import ModelError, RecipeError
from a2d.vae import (
    AudioVAE,
    BetaSweep,
    ImageVAE,
    ImageVaeConfig,
    VaeConfig,
    bernoulli_nll,
    beta_at,
    elbo_terms,
    gaussian_nll,
    kl_divergence,
    negative_elbo,
    reparameterise,
)

SMALL = VaeConfig(n_features=6, hidden=(16,), latent=3, channels=4)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small_model(**changes) -> AudioVAE:
    torch.manual_seed(0)
    model = AudioVAE(replace(SMALL, **changes))
    model.scaler.fit(torch.randn(50, 6, generator=seeded()) * 30 - 100)
    return model.eval()


# --------------------------------------------------------------------------------------------------- terms of the loss


def test_kl_is_that_of_torch_distributions():
    mu = torch.randn(40, 5, generator=seeded(), dtype=torch.float64)
    logvar = 2 * torch.randn(40, 5, generator=seeded(1), dtype=torch.float64)
    want = torch_kl(Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0)).sum(-1)
    torch.testing.assert_close(kl_divergence(mu, logvar), want, rtol=1e-10, atol=1e-10)
    assert float(kl_divergence(torch.zeros(1, 5), torch.zeros(1, 5))) == 0
    assert (kl_divergence(mu, logvar) > 0).all()


def test_kl_is_that_of_monte_carlo():
    mu, logvar, n = np.array([0.8, -0.3]), np.array([-1.0, 0.5]), 400_000
    sd = np.exp(logvar / 2)
    z = np.random.default_rng(0).normal(mu, sd, (n, 2))
    ratio = (scipy.stats.norm.logpdf(z, mu, sd) - scipy.stats.norm.logpdf(z)).sum(1)
    ours = float(kl_divergence(torch.tensor(mu), torch.tensor(logvar)))
    assert abs(ours - ratio.mean()) < 5 * ratio.std() / math.sqrt(n)


def test_bernoulli_term_is_in_nats_per_image():
    logits = 3 * torch.randn(4, 28, 28, generator=seeded(), dtype=torch.float64)
    binary = (torch.rand(4, 28, 28, generator=seeded(1)) < 0.3).double()
    want = -Bernoulli(logits=logits).log_prob(binary).sum((1, 2))
    torch.testing.assert_close(bernoulli_nll(logits, binary), want)
    flat = scipy.stats.bernoulli.logpmf(binary.numpy().astype(int), logits.sigmoid().numpy())
    np.testing.assert_allclose(bernoulli_nll(logits, binary), -flat.sum((1, 2)), rtol=1e-9)


def test_grey_targets_cost_their_own_entropy_at_least():
    target = torch.rand(2, 28, 28, generator=seeded(), dtype=torch.float64)
    entropy = scipy.stats.bernoulli.entropy(target.numpy()).sum((1, 2))
    np.testing.assert_allclose(bernoulli_nll(torch.logit(target), target), entropy, rtol=1e-9)
    assert (bernoulli_nll(torch.logit(target) + 0.1, target).numpy() > entropy).all()


@pytest.mark.parametrize("sigma", [0.05, 0.3, 2.0])
def test_gaussian_term_is_in_nats_per_image(sigma):
    mean, target = (torch.rand(3, 28, 28, generator=seeded(s), dtype=torch.float64) for s in (0, 1))
    want = -scipy.stats.norm.logpdf(target.numpy(), mean.numpy(), sigma).sum((1, 2))
    np.testing.assert_allclose(gaussian_nll(mean, target, sigma), want, rtol=1e-9)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_loss_is_reconstruction_and_beta_times_kl(likelihood):
    config = replace(SMALL, likelihood=likelihood, beta=0.5, warmup=0.4)
    output, target = torch.randn(7, 28, 28, generator=seeded()), torch.rand(7, 28, 28, generator=seeded(1))
    mu, logvar = torch.randn(7, 3, generator=seeded(2)), torch.randn(7, 3, generator=seeded(3))
    for progress, beta in ((0.0, 0.0), (0.1, 0.125), (0.4, 0.5), (1.0, 0.5)):
        terms = negative_elbo(output, target, mu, logvar, config, progress)
        assert terms.loss.shape == terms.kl.shape == terms.reconstruction.shape == (7,)
        torch.testing.assert_close(terms.loss, terms.reconstruction + beta * kl_divergence(mu, logvar))


def test_negative_elbo_bounds_the_evidence():
    """In a model small enough to integrate: -ELBO >= -log p(x), with equality at the true posterior."""
    # z ~ N(0, 1), one pixel x ~ N(z, s^2): p(x) = N(0, 1 + s^2); the posterior is Gaussian.
    s, x = 0.5, 0.7
    evidence = -scipy.stats.norm.logpdf(x, 0, math.sqrt(1 + s * s))
    best_mu, best_var = x / (1 + s * s), s * s / (1 + s * s)

    def bound(mu: float, var: float) -> float:
        mu_, logvar = (torch.tensor([[v]], dtype=torch.float64) for v in (mu, math.log(var)))
        # E_q[(x - z)^2] = (x - mu)^2 + var, in closed form: the extra var / (2 s^2) is added by hand
        reconstruction = gaussian_nll(mu_[:, :, None], torch.tensor([[[x]]], dtype=torch.float64), s) + var / (
            2 * s * s
        )
        return float(reconstruction + kl_divergence(mu_, logvar))

    assert bound(best_mu, best_var) == pytest.approx(evidence, abs=1e-9)
    for mu, var in ((0.0, 1.0), (0.7, best_var), (best_mu, 0.5), (best_mu, 0.05)):
        assert bound(mu, var) > evidence + 1e-3


@pytest.mark.parametrize(("warmup", "progress", "share"), [(0, 0, 1), (0.5, 0, 0), (0.5, 0.25, 0.5), (1, 0.9, 0.9)])
def test_beta_warms_up_in_a_line(warmup, progress, share):
    assert beta_at(replace(SMALL, beta=3.0, warmup=warmup), progress) == pytest.approx(3.0 * share)


# ----------------------------------------------------------------------------------------------------- reparameterise


def test_samples_have_the_posteriors_moments():
    n = 200_000
    mu, logvar = torch.tensor([2.0, -1.0]), torch.tensor([-2.0, 1.0])
    z = reparameterise(mu.expand(n, 2), logvar.expand(n, 2), seeded()).double()
    sd = (logvar / 2).exp()
    assert ((z.mean(0) - mu).abs() < 5 * sd / math.sqrt(n)).all()
    assert ((z.std(0) / sd - 1).abs() < 5 / math.sqrt(2 * n)).all()
    assert scipy.stats.kstest(((z[:5000, 0] - mu[0]) / sd[0]).numpy(), "norm").pvalue > 0.001


def test_gradient_goes_through_the_sample():
    """d z / d mu = 1 and d z / d logvar = (z - mu) / 2: what score-function estimates do without."""
    mu = torch.randn(5, 3, generator=seeded()).requires_grad_()
    logvar = torch.randn(5, 3, generator=seeded(1)).requires_grad_()
    z = reparameterise(mu, logvar, seeded(2))
    to_mu, to_logvar = torch.autograd.grad(z.sum(), (mu, logvar))
    torch.testing.assert_close(to_mu, torch.ones(5, 3))
    torch.testing.assert_close(to_logvar, (z - mu).detach() / 2, rtol=1e-4, atol=1e-5)


def test_gradient_reaches_every_parameter():
    model = small_model().train()
    output, mu, logvar = model(torch.randn(8, 6, generator=seeded()) * 30 - 100, seeded(1))
    negative_elbo(output, torch.rand(8, 28, 28), mu, logvar, SMALL).loss.mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


# ---------------------------------------------------------------------------------------------------------- the model


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_shapes_and_range(batch, likelihood):
    model = small_model(likelihood=likelihood)
    features = 100 * torch.randn(batch, 6, generator=seeded())
    with torch.no_grad():
        output, mu, logvar = model(features, seeded())
        decoded = model.decode(50 * mu)
    assert output.shape == (batch, 28, 28)
    assert mu.shape == logvar.shape == (batch, 3)
    for image in (model.draw(features), model.draw(features, seeded()), decoded):
        assert image.shape == (batch, 28, 28)
        assert 0 <= float(image.min()) <= float(image.max()) <= 1


def test_standardising_is_part_of_the_model():
    """Refitting on rescaled features gives the same pictures: the network never sees units."""
    torch.manual_seed(0)
    model = AudioVAE(SMALL).eval()
    features = torch.randn(50, 6, generator=seeded())
    model.scaler.fit(features)
    before = model.draw(features)
    scaled = 40 * features - 300
    model.scaler.fit(scaled)
    torch.testing.assert_close(model.draw(scaled), before, rtol=1e-3, atol=1e-4)
    assert {"scaler.mean", "scaler.scale"} <= set(model.state_dict())
    standard = model.scaler(scaled)
    torch.testing.assert_close(standard.mean(0), torch.zeros(6), atol=1e-4, rtol=0)
    torch.testing.assert_close(standard.std(0, correction=0), torch.ones(6), atol=1e-4, rtol=0)


def coverage(layers: list[nn.ConvTranspose2d], size: int) -> torch.Tensor:
    """How many inputs times weights reach each output pixel: the layers with every weight 1 and no bias, on ones."""
    x = torch.ones(1, layers[0].in_channels, size, size)
    for layer in layers:
        nn.init.constant_(layer.weight, 1.0 / layer.in_channels)
        nn.init.zeros_(layer.bias)
        x = layer(x)
    return x[0, 0].detach()


def test_every_inner_pixel_is_reached_equally_often():
    decoder = small_model().decoder
    one = coverage([decoder.up1], 7)
    assert (one[1:-1, 1:-1] == one[5, 5]).all()
    assert (one[0, 1:-1] == one[5, 5] / 2).all()  # at the border half of the kernel looks outside
    inner = coverage([decoder.up1, decoder.up2], 7)[3:-3, 3:-3]
    assert inner.shape == (22, 22)
    assert (inner == inner[0, 0]).all()
    # the check can fail: a kernel of 3 at stride 2 leaves the checkerboard that it is about
    three = [nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1, output_padding=1)]
    assert len(coverage(three, 7)[2:-2, 2:-2].unique()) > 1


def test_mean_drawing_is_deterministic_and_a_sample_is_seeded():
    model = small_model(noise=0.5, dropout=0.5)
    features = 30 * torch.randn(9, 6, generator=seeded()) - 100
    assert torch.equal(model.draw(features), model.draw(features))
    assert torch.equal(model.draw(features, seeded(1)), model.draw(features, seeded(1)))
    assert not torch.equal(model.draw(features, seeded(1)), model.draw(features, seeded(2)))
    assert not torch.equal(model.draw(features, seeded(1)), model.draw(features))


def test_drawing_switches_dropout_and_noise_off_and_gives_the_mode_back():
    model = small_model(noise=0.5, dropout=0.5)
    features = 30 * torch.randn(9, 6, generator=seeded()) - 100
    want, state = model.draw(features), torch.get_rng_state()
    model.train()
    assert torch.equal(model.draw(features), want)
    assert model.training
    assert model.encoder.training
    assert torch.equal(torch.get_rng_state(), state)


def test_noise_is_added_in_training_only_and_comes_from_the_generator():
    model = small_model(noise=0.5)
    features = 30 * torch.randn(2000, 6, generator=seeded()) - 100
    quiet = model.encode(features, seeded(1))[0]
    model.train()
    a, b = (model.encode(features, seeded(1))[0] for _ in range(2))
    assert torch.equal(a, b)
    assert not torch.equal(a, quiet)
    noisy = model.scaler(features, 0.5, seeded(3)) - model.scaler(features)
    assert float(noisy.std()) == pytest.approx(0.5, rel=0.03)


def test_forward_draws_from_the_generator_alone():
    model, features = small_model(), torch.randn(4, 6, generator=seeded())
    state = torch.get_rng_state()
    a, b = (model(features, seeded(7))[0] for _ in range(2))
    assert torch.equal(a, b)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hidden", ()),
        ("hidden", (8, 0)),
        ("latent", 0),
        ("channels", 1),
        ("dropout", 1.0),
        ("noise", -0.1),
        ("likelihood", "poisson"),
        ("beta", -1.0),
        ("beta", float("nan")),
        ("warmup", 1.5),
        ("sigma", 0.0),
    ],
)
def test_settings_out_of_range_are_named(key, value):
    with pytest.raises(RecipeError, match=key):
        replace(SMALL, **{key: value})


# ----------------------------------------------------------------------------------------- from an image to an image

TINY = ImageVaeConfig(latent=3, channels=4, hidden=8)


def image_vae(**changes) -> ImageVAE:
    torch.manual_seed(0)
    return ImageVAE(replace(TINY, **changes)).eval()


def some_images(n: int = 6) -> torch.Tensor:
    return torch.rand(n, 28, 28, generator=seeded(9))


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("batch", [1, 3])
def test_image_vae_shapes_and_range(batch, likelihood):
    vae, images = image_vae(likelihood=likelihood), some_images(batch)
    with torch.no_grad():
        output, mu, logvar = vae(images, seeded())
        decoded = vae.decode(50 * mu)
    assert output.shape == (batch, 28, 28)
    assert mu.shape == logvar.shape == (batch, 3)
    for picture in (vae.reconstruct(images), vae.reconstruct(images, seeded()), decoded):
        assert picture.shape == (batch, 28, 28)
        assert 0 <= float(picture.min()) <= float(picture.max()) <= 1


def test_image_vae_draws_from_the_generator_alone():
    vae, images = image_vae(), some_images()
    state = torch.get_rng_state()
    assert torch.equal(vae(images, seeded(1))[0], vae(images, seeded(1))[0])
    assert torch.equal(vae.reconstruct(images, seeded(1)), vae.reconstruct(images, seeded(1)))
    assert not torch.equal(vae.reconstruct(images, seeded(1)), vae.reconstruct(images, seeded(2)))
    assert torch.equal(vae.reconstruct(images), vae.reconstruct(images))
    assert torch.equal(torch.get_rng_state(), state)


def test_image_vae_gradient_reaches_every_parameter():
    vae, images = image_vae().train(), some_images()
    output, mu, logvar = vae(images, seeded())
    negative_elbo(output, images, mu, logvar, vae.config).loss.mean().backward()
    for name, parameter in vae.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_sweep_begins_with_the_same_weights_and_draws_the_same_noise():
    torch.manual_seed(0)
    sweep = BetaSweep(TINY, (0.5, 1.0, 4.0)).eval()
    assert [vae.config.beta for vae in sweep.vaes] == [0.5, 1.0, 4.0]
    assert sweep[4.0] is sweep.vaes[2]
    for result in sweep(some_images(), seeded(3))[1:]:
        for a, b in zip(sweep(some_images(), seeded(3))[0], result, strict=True):
            assert torch.equal(a, b)
    assert sweep.vaes[0].decoder.fc.weight is not sweep.vaes[1].decoder.fc.weight


def test_sweep_refuses_a_beta_that_it_does_not_have():
    with pytest.raises(ModelError, match=r"no model with beta = 3\..*Use one of 0.5, 1"):
        BetaSweep(TINY, (0.5, 1.0))[3.0]


def test_terms_of_the_elbo_are_means_over_all_images():
    vae, images = image_vae(beta=7.0), some_images(25)
    found = elbo_terms(vae, images, seeded(4), batch_size=25)
    with torch.no_grad():
        output, mu, logvar = vae(images, seeded(4))
    assert found["reconstruction"] == pytest.approx(float(bernoulli_nll(output, images).mean()), rel=1e-5)
    assert found["kl"] == pytest.approx(float(kl_divergence(mu, logvar).mean()), rel=1e-5)
    assert found["negative_elbo"] == pytest.approx(found["reconstruction"] + found["kl"])  # without beta
    assert sum(found["kl_by_dimension"]) == pytest.approx(found["kl"], rel=1e-5)
    assert found["kl_by_dimension"] == sorted(found["kl_by_dimension"], reverse=True)
    np.testing.assert_allclose(sorted(found["variance_of_mu"]), sorted(mu.numpy().var(0)), rtol=1e-4)
    parts = elbo_terms(vae, images, seeded(4), batch_size=10)
    assert parts["kl"] == pytest.approx(found["kl"], rel=1e-5)


def test_active_units_are_those_whose_mean_moves():
    vae, images = image_vae(), some_images(200)
    with torch.no_grad():
        vae.encoder.head.weight[:3] *= 1000
        vae.encoder.head.weight[1] = 0  # the second mu no longer depends on the image
    found = elbo_terms(vae, images, seeded())
    assert found["active_units"] == 2
    assert sorted(found["variance_of_mu"])[0] == pytest.approx(0, abs=1e-9)
    with torch.no_grad():
        vae.encoder.head.weight.zero_()
    assert elbo_terms(vae, images, seeded())["active_units"] == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [("latent", 0), ("channels", 1), ("hidden", 0), ("likelihood", "poisson"), ("beta", -1.0), ("sigma", 0.0)],
)
def test_image_vae_settings_out_of_range_are_named(key, value):
    with pytest.raises(RecipeError, match=key):
        replace(TINY, **{key: value})
