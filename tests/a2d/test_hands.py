"""Hands: what they are asked, what they draw, who learns from which loss, and the flow against known fields."""

from __future__ import annotations

import copy
import dataclasses
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from a2d import datasets, hands, training
from a2d.errors import DataError, RecipeError
from a2d.hands import (
    ConditionalGan,
    FlowConfig,
    FlowHands,
    GanConfig,
    Hands,
    StyleConfig,
    StyleCVAE,
    VaeGan,
    VaeGanConfig,
)
from a2d.hands.adversarial import discriminator_loss, generator_loss
from a2d.hands.autoencoder import Autoencoder, edge_error
from a2d.hands.common import condition
from a2d.hands.voice import hand_of
from a2d.lab import models, recipes, runs
from a2d.lab.kinds.hands import HandsTask

SMALL = {
    "hands": lambda: FlowHands(FlowConfig(latent=6, channels=8, hidden=24, blocks=2, steps=4, lines=2)),
    "style-cvae": lambda: StyleCVAE(StyleConfig(latent=6, channels=8, adversary=1.0)),
    "vae-gan": lambda: VaeGan(VaeGanConfig(latent=6, channels=8)),
    "cgan": lambda: ConditionalGan(GanConfig(latent=6, channels=8)),
}
EVERY = pytest.mark.parametrize("name", list(SMALL))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(n: int = 40) -> tuple[Tensor, Tensor]:
    """Images whose ink differs from one to the next, and their digits."""
    rng = seeded(5)
    return torch.rand(n, 28, 28, generator=rng) * torch.rand(n, 1, 1, generator=rng), torch.arange(n) % 10


def small(name: str) -> Hands:
    torch.manual_seed(0)
    net = SMALL[name]()
    with torch.no_grad():  # larger weights than a fresh net has, so that what goes in shows in what comes out
        for p in net.parameters():
            p.mul_(2.0 if p.ndim > 1 else 1.0)
    net.ink.fit(*batch())
    return net.eval()


# ------------------------------------------------------------------------------------------------ what is asked for


def test_digits_are_taken_as_certain():
    assert torch.equal(hands.as_says(torch.tensor([3, 0])), torch.eye(10)[[3, 0]])
    probabilities = torch.rand(5, 10).softmax(1)
    assert torch.equal(hands.as_says(probabilities), probabilities)
    assert hands.as_says(torch.zeros(0, 10)).shape == (0, 10)


@pytest.mark.parametrize(
    ("says", "message"),
    [
        (torch.tensor([3, 10]), "from 0 to 9"),
        (torch.tensor([-1]), "from 0 to 9"),
        (torch.rand(2, 9), r"shape \(2, 9\)"),
        (torch.tensor([3.0]), r"shape \(1,\)"),
        (torch.eye(10, dtype=torch.int64), "int64"),
        (torch.full((2, 10), 0.2), "no probabilities"),
        (torch.cat([torch.tensor([[1.5, -0.5]]), torch.zeros(1, 8)], 1), "no probabilities"),
        (torch.full((1, 10), math.nan), "no probabilities"),
    ],
)
def test_what_is_no_probability_is_refused(says, message):
    with pytest.raises(DataError, match=message):
        small("cgan").draw(says, seeded())


def test_styles_and_weights_that_do_not_fit_are_refused():
    net, says = small("hands"), torch.tensor([1, 2])
    with pytest.raises(DataError, match=r"style: shape \(2, 6\).*shape \(2, 7\)"):
        net.draw(says, style=torch.zeros(2, 6))
    with pytest.raises(DataError, match="style"):
        net.draw(says, style=torch.full((2, 7), math.inf))
    with pytest.raises(DataError, match=r"weight: shape \(3,\)"):
        net.draw(says, seeded(), weight=torch.zeros(3))


def test_stroke_weight_is_a_z_score_within_the_class():
    images, digits = batch(200)
    ink = hands.Ink()
    ink.fit(images, digits)
    weight = ink(images, digits)
    for c in range(10):
        assert weight[digits == c].mean() == pytest.approx(0, abs=1e-4)
        assert weight[digits == c].std() == pytest.approx(1, abs=1e-4)
    order = images[digits == 4].mean((1, 2)).argsort()
    assert torch.equal(weight[digits == 4].argsort(), order)
    with pytest.raises(DataError, match="no two images of a 7"):
        hands.Ink().fit(images[digits != 7], digits[digits != 7])


# ------------------------------------------------------------------------------------------------ what is drawn


@EVERY
def test_drawings_are_images_and_come_from_the_generator_alone(name):
    net, digits = small(name).train(), torch.tensor([0, 3, 9])
    first = net.draw(digits, seeded(1))
    assert net.training
    torch.manual_seed(99)  # torch's own generator has no say
    again, other = net.draw(digits, seeded(1)), net.draw(digits, seeded(2))
    assert (first.shape, first.dtype) == ((3, 28, 28), torch.float32)
    assert first.min() >= 0
    assert first.max() <= 1
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    assert net.draw(digits[:0], seeded()).shape == (0, 28, 28)


@EVERY
def test_a_hand_is_the_styles_numbers_and_its_last_one_is_the_weight(name):
    net, digits = small(name), torch.tensor([5, 5, 7])
    style = torch.randn(3, net.style_size, generator=seeded(3))
    assert torch.equal(net.draw(digits, seeded(1), style=style), net.draw(digits, seeded(2), style=style))
    # the hand that rng draws is one that could have been handed over
    drawn = torch.randn(3, net.style_size, generator=seeded(8))
    torch.testing.assert_close(net.draw(digits, seeded(8)), net.draw(digits, style=drawn))
    bold = style.clone()
    bold[:, -1] = 2.0
    torch.testing.assert_close(
        net.draw(digits, style=bold), net.draw(digits, style=style, weight=torch.full((3,), 2.0))
    )
    assert not torch.allclose(net.draw(digits, style=bold), net.draw(digits, style=style))
    # without a generator: the mean hand
    torch.testing.assert_close(net.draw(digits), net.draw(digits, style=torch.zeros(3, net.style_size)))


@EVERY
def test_probabilities_of_one_are_digits_and_others_lie_between(name):
    net, style = small(name), torch.randn(1, 7, generator=seeded(3))

    def drawn(says: Tensor) -> Tensor:
        return net.draw(says, style=style)

    three, eight = torch.eye(10)[[3]], torch.eye(10)[[8]]
    torch.testing.assert_close(drawn(three), drawn(torch.tensor([3])))
    half, nearly = drawn((three + eight) / 2), drawn(0.995 * three + 0.005 * eight)
    assert (half - drawn(three)).abs().max() > 1e-4
    assert (half - drawn(eight)).abs().max() > 1e-4
    assert (nearly - drawn(three)).abs().max() < 0.05 * (drawn(eight) - drawn(three)).abs().max()


# ------------------------------------------------------------------------------------------------ who learns what


def gradients(net: torch.nn.Module, loss: Tensor) -> set[str]:
    """The parameters that ``loss`` moves."""
    net.zero_grad()
    loss.backward()
    return {k for k, p in net.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}


@EVERY
def test_gradients_reach_every_parameter(name):
    net = small(name).train()
    if name in (
        "cgan",
        "vae-gan",
    ):  # where every image is within the hinge's margin, its bias is pulled both ways alike
        torch.nn.init.constant_(net.discriminator.real.bias, 2.0)
    loss, terms = net.loss(*batch(), seeded(), 0.5)
    assert loss.ndim == 0
    assert all(math.isfinite(v) for v in terms.values())
    assert gradients(net, loss) == {k for k, _ in net.named_parameters()}


def test_the_flow_and_the_autoencoder_get_their_own_gradients():
    """The sum's gradient is, part by part, that of each loss alone."""
    net, (images, digits) = small("hands").train(), batch()
    c = net.config
    loss, _ = net.loss(images, digits, seeded(), 0.0)
    moved = gradients(net, loss)
    together = {k: p.grad.clone() for k, p in net.named_parameters() if k in moved}
    net = small("hands").train()
    weights = {"cross_entropy": c.cross_entropy, "edge": c.edge, "seen": c.seen, "kl": c.kl}
    pictures, z, _ = net.autoencoder.loss(images, digits, seeded(), net.reader, **weights)
    alone = gradients(net, pictures.mean())
    assert alone == {k for k in moved if k.startswith(("autoencoder.", "reader."))}
    for k, p in net.named_parameters():
        if k in alone:
            torch.testing.assert_close(p.grad, together[k])
    flow = net.flow_loss(z.detach(), digits, net.ink(images, digits), seeded())
    assert gradients(net, flow) == {k for k in moved if k.startswith("field.")}


def test_the_reader_learns_from_real_images_alone():
    net, (images, digits) = small("hands").train(), batch()
    drawn = torch.rand(images.shape, generator=seeded()).requires_grad_()
    reading, apart = net.reader.losses(images, drawn, digits)
    assert gradients(net, reading.sum()) == {k for k, _ in net.named_parameters() if k.startswith("reader.")}
    assert drawn.grad is None
    net.zero_grad()
    assert gradients(net, apart.sum()) == set()
    assert float(drawn.grad.abs().sum()) > 0
    same = net.reader.losses(images, images, digits)[1]
    torch.testing.assert_close(same, torch.zeros_like(same))


def test_guidance_moves_the_field_away_from_what_all_digits_share():
    net = small("hands")
    says, x, t = torch.eye(10)[[3, 3, 8]], torch.randn(3, 6, generator=seeded()), torch.full((3,), 0.4)
    weight = torch.zeros(3)
    told = net.field(x, t, says, weight)
    untold = net.field(x, t, torch.zeros_like(says), weight)
    for guidance in (0.0, 1.0, 1.5):
        net.config = dataclasses.replace(net.config, guidance=guidance)
        torch.testing.assert_close(net.velocity(says, weight)(x, t), untold + guidance * (told - untold))


@pytest.mark.parametrize("name", ["cgan", "vae-gan"])
def test_each_adversary_gets_its_own_gradient_only(name):
    net, (images, digits) = small(name).train(), batch()
    asked = condition(F.one_hot(digits, 10).float(), net.ink(images, digits))
    drawn = net.decode(torch.randn(len(images), net.latent, generator=seeded()), asked)
    tells = discriminator_loss(net.discriminator, images, drawn, asked, asked)
    assert {k.split(".")[0] for k in gradients(net, tells)} == {"discriminator"}
    drawn = net.decode(torch.randn(len(images), net.latent, generator=seeded()), asked)
    fools = generator_loss(net.discriminator, drawn, asked, 0.2)
    assert {k.split(".")[0] for k in gradients(net, fools)} == {"decoder"}
    # and the discriminator that judges is the one that there is, not a copy of long ago
    judged = copy.deepcopy(net)
    with torch.no_grad():
        next(p for k, p in judged.named_parameters() if k.startswith("discriminator.real")).add_(1.0)
    assert generator_loss(judged.discriminator, drawn.detach(), asked, 0.2) != fools


def test_a_discriminator_cannot_be_steep():
    """Spectral normalisation: no layer stretches any input by more than 1, once the power iteration has settled."""
    disc = small("cgan").discriminator.train()
    with torch.no_grad():
        for p in disc.parameters():
            p.mul_(30.0)
    images, digits = batch()
    for _ in range(60):
        disc(images, F.one_hot(digits, 11).float())
    for name, layer in disc.named_modules():
        if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d):
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2) <= 1.02, name


def test_reversed_gradients_turn_round():
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    y = hands.reverse_gradient(x, 3.0)
    assert torch.equal(y, x)
    (y * torch.tensor([1.0, 10.0])).sum().backward()
    assert torch.equal(x.grad, torch.tensor([-3.0, -30.0]))


def test_the_class_adversary_learns_while_the_encoder_unlearns():
    """Strength 0: the adversary's loss moves the adversary alone; else its gradient at the encoder is turned round."""
    images, digits = batch()
    found = {}
    for strength in (0.0, 1.0, 2.0):
        torch.manual_seed(0)
        net = StyleCVAE(StyleConfig(latent=6, channels=8, adversary=strength, warmup=0.0))
        net.ink.fit(images, digits)
        net.train()
        loss, _ = net.loss(images, digits, seeded(), 0.5)
        loss.backward()
        found[strength] = net.encoder.fc.weight.grad.clone(), net.adversary[0].weight.grad.clone()
    torch.testing.assert_close(found[0.0][1], found[2.0][1])
    turned = found[1.0][0] - found[0.0][0]
    assert turned.abs().max() > 1e-6
    torch.testing.assert_close(found[2.0][0] - found[0.0][0], 2 * turned, rtol=1e-3, atol=1e-6)


def test_a_linear_probe_finds_what_leaks_and_nothing_where_nothing_does():
    digits = torch.arange(2000) % 10
    noise = torch.randn(2000, 8, generator=seeded())
    assert hands.class_leak(noise, digits) < 0.16
    leaky = noise + 6 * torch.randn(10, 8, generator=seeded(1))[digits]
    assert hands.class_leak(leaky, digits) > 0.95
    half = torch.where(torch.arange(2000)[:, None] % 20 < 10, leaky, noise)
    assert 0.3 < hands.class_leak(half, digits) < 0.85
    with pytest.raises(DataError, match="class_leak"):
        hands.class_leak(noise, digits[:5])


# ------------------------------------------------------------------------------------------------ the flow


def test_lines_are_straight():
    x0, x1 = torch.randn(7, 3), torch.randn(7, 3)
    for t, there in ((0.0, x0), (1.0, x1), (0.25, 0.75 * x0 + 0.25 * x1)):
        x, v = hands.straight_path(x0, x1, torch.full((7,), t))
        torch.testing.assert_close(x, there)
        torch.testing.assert_close(v, x1 - x0)


def test_times_are_logit_normal():
    t = hands.logit_normal(20_000, seeded())
    assert 0 < t.min() <= t.max() < 1
    logits = t.logit()
    assert logits.mean() == pytest.approx(0, abs=0.03)
    assert logits.std() == pytest.approx(1, abs=0.03)


def gaussian_field(mean: Tensor, spread: float):
    """The exact velocity from N(0, 1) to N(mean, spread^2) along straight lines: E[x_1 - x_0 | x_t]."""

    def velocity(x: Tensor, t: Tensor) -> Tensor:
        t = t[:, None]
        variance = (1 - t) ** 2 + (t * spread) ** 2
        slope = (t * spread**2 - (1 - t)) / variance
        return mean + slope * (x - t * mean)

    return velocity


def test_the_mean_velocity_of_the_lines_is_the_exact_field():
    """Lines through a small box, averaged, have the field's velocity: that is what a squared error learns."""
    mean, spread, n = torch.tensor([2.0, -1.0]), 0.5, 400_000
    x0, x1 = torch.randn(n, 2, generator=seeded()), mean + spread * torch.randn(n, 2, generator=seeded(1))
    for time in (0.2, 0.5, 0.9):
        t = torch.full((n,), time)
        x, v = hands.straight_path(x0, x1, t)
        place = time * mean + torch.tensor([0.3, -0.2])
        near = (x - place).abs().amax(1) < 0.1
        assert near.sum() > 500
        exact = gaussian_field(mean, spread)(x[near].mean(0, keepdim=True), t[:1])
        torch.testing.assert_close(v[near].mean(0, keepdim=True), exact, atol=0.08, rtol=0)


def test_the_exact_field_carries_noise_to_the_gaussian():
    mean, spread = torch.tensor([2.0, -1.0]), 0.5
    x = hands.integrate(gaussian_field(mean, spread), torch.randn(20_000, 2, generator=seeded()), steps=16)
    torch.testing.assert_close(x.mean(0), mean, atol=0.02, rtol=0)
    torch.testing.assert_close(x.std(0), torch.full((2,), spread), atol=0.01, rtol=0)


def test_heuns_error_falls_with_the_square_of_the_step():
    """On x' = -3 x t, whose solution is exp(-1.5 t^2)."""
    errors = []
    for steps in (8, 16, 32):
        x = hands.integrate(lambda x, t: -3 * x * t[:, None], torch.ones(1, 1, dtype=torch.float64), steps)
        errors.append(abs(float(x) - math.exp(-1.5)))
    assert errors[0] < 0.01
    for coarse, fine in pairwise(errors):
        assert 3.3 < coarse / fine < 5


def test_integrating_back_undoes_integrating():
    field, x = gaussian_field(torch.tensor([2.0, -1.0]), 0.5), torch.randn(50, 2, generator=seeded())
    there = hands.integrate(field, x, 64)
    back = hands.integrate(field, there, 64, start=1.0, end=0.0)
    torch.testing.assert_close(back, x, atol=5e-3, rtol=0)
    middle = hands.integrate(field, x, 32, end=0.5)
    torch.testing.assert_close(hands.integrate(field, middle, 32, start=0.5), there, atol=1e-5, rtol=1e-5)


def test_fixed_shares_end_between_two_digits_where_a_mixtures_own_field_would_choose():
    """Two Gaussians, half each: with shares that stay all end between, with the mixture's own in one or the other."""
    left, right = (gaussian_field(torch.tensor([m]), 0.3) for m in (-2.0, 2.0))
    x = torch.randn(4000, 1, generator=seeded())
    half = hands.integrate(lambda x, t: (left(x, t) + right(x, t)) / 2, x, 64)
    assert half.mean() == pytest.approx(0, abs=0.03)
    assert half.std() == pytest.approx(0.3, abs=0.02)

    def posterior(x: Tensor, t: Tensor) -> Tensor:
        variance = (1 - t[:, None]) ** 2 + (0.3 * t[:, None]) ** 2
        share = torch.sigmoid(4 * t[:, None] * x / variance)
        return share * right(x, t) + (1 - share) * left(x, t)

    chosen = hands.integrate(posterior, x, 64)
    assert (chosen.abs() > 1).float().mean() > 0.97


def test_flow_training_learns_a_toy_of_two_digits():
    """Latents that are two Gaussians: after a short training each digit's draws have its mean and spread."""
    torch.manual_seed(0)
    net = FlowHands(FlowConfig(latent=2, channels=8, hidden=48, blocks=1, steps=8, lines=2)).train()
    means = torch.zeros(10, 2)
    means[3], means[8] = torch.tensor([1.5, 0.0]), torch.tensor([-1.5, 0.0])
    rng, optimizer = seeded(), torch.optim.Adam(net.field.parameters(), 3e-3)
    for step in range(200):
        digits = torch.tensor([3, 8]).repeat(64)
        x1 = means[digits] + 0.4 * torch.randn(128, 2, generator=rng)
        optimizer.param_groups[0]["lr"] = 3e-3 * (1 - step / 200)
        optimizer.zero_grad()
        net.flow_loss(x1, digits, torch.randn(128, generator=rng), rng).backward()
        optimizer.step()
    for digit in (3, 8):
        says, noise = torch.eye(10)[[digit]].repeat(500, 1), torch.randn(500, 2, generator=rng)
        with torch.inference_mode():
            x = hands.integrate(net.velocity(says, torch.zeros(500)), noise, 8)
        torch.testing.assert_close(x.mean(0), means[digit], atol=0.12, rtol=0)
        torch.testing.assert_close(x.std(0), torch.full((2,), 0.4), atol=0.12, rtol=0)


def test_only_digits_that_were_heard_are_asked():
    """Each digit costs a pass through the field: one that is hardly heard is left out, and shares sum to 1 again."""
    net, asked = small("hands"), []
    net.config = dataclasses.replace(net.config, guidance=1.0)
    net.field.register_forward_hook(lambda module, inputs, output: asked.append(inputs[2].argmax(1).tolist()))
    says = torch.tensor([[0.0, 0.6, 0.395, 0.005, 0, 0, 0, 0, 0, 0], [0.0, 0, 0, 0, 0, 0, 0, 0, 0, 1.0]])
    weight, x, t = torch.zeros(2), torch.randn(2, 6), torch.zeros(2)
    mixed = net.velocity(says, weight)(x, t)
    assert asked == [[1, 2, 9]]
    pure = [net.velocity(torch.eye(10)[[d, d]], weight)(x, t) for d in (1, 2, 9)]
    torch.testing.assert_close(mixed[0], (0.6 * pure[0][0] + 0.395 * pure[1][0]) / 0.995)
    torch.testing.assert_close(mixed[1], pure[2][1])


def test_latents_are_standardised_and_the_scale_is_kept():
    net = small("hands").train()
    z = 5 + 3 * torch.randn(4000, 6, generator=seeded())
    for _ in range(400):
        out = net.standardise(z)
    torch.testing.assert_close(out.mean(0), torch.zeros(6), atol=0.02, rtol=0)
    torch.testing.assert_close(out.std(0), torch.ones(6), atol=0.02, rtol=0)
    kept = net.centre.clone()
    net.eval().standardise(z + 100)
    assert torch.equal(net.centre, kept)


def test_a_hand_is_read_from_an_image_and_gives_it_back():
    """Any smooth field has an inverse, so an untrained net will do: it gives back what its autoencoder can."""
    net, (images, digits) = small("hands"), batch(8)
    style = net.style_of(images, digits, steps=64)
    assert style.shape == (8, net.style_size)
    torch.testing.assert_close(style[:, -1], net.ink(images, digits))
    net.config = FlowConfig(latent=6, channels=8, hidden=24, blocks=2, steps=64, lines=2)
    with torch.inference_mode():
        best = net.autoencoder.decode(net.autoencoder.encode(images)[0])
    torch.testing.assert_close(net.draw(digits, style=style), best, atol=1e-3, rtol=0)
    assert net.expected(torch.eye(10)[digits], style).shape == (3, 8, 28, 28)
    torch.testing.assert_close(net.expected(torch.eye(10)[digits], style, (1.0,))[0], net.draw(digits, style=style))


def test_soft_edges_cost_more_than_the_same_error_spread_out():
    target = torch.zeros(1, 28, 28)
    target[:, :, 14:] = 1
    soft, even = target.clone(), target.clone()
    soft[:, :, 13:15] = torch.tensor([0.4, 0.6])
    even = (even - 0.8 / 28).abs()  # the same absolute error, as a veil over the whole image
    assert (soft - target).abs().sum() == pytest.approx(float((even - target).abs().sum()), rel=1e-4)
    assert edge_error(soft, target) > 5 * edge_error(even, target)
    assert edge_error(target, target) == 0


# ------------------------------------------------------------------------------------------------ kinds and recipes


@pytest.mark.parametrize(
    ("config", "key", "value"),
    [
        (FlowConfig, "channels", 6),
        (FlowConfig, "steps", 0),
        (FlowConfig, "kl", -1.0),
        (StyleConfig, "likelihood", "cauchy"),
        (StyleConfig, "adversary", -1.0),
        (GanConfig, "latent", 0),
        (VaeGanConfig, "reconstruction", -0.1),
    ],
)
def test_settings_out_of_range_are_named(config, key, value):
    with pytest.raises(RecipeError, match=key):
        config(**{key: value})


@pytest.mark.parametrize("recipe", ["hands", "style-cvae", "vae-gan", "cgan"])
def test_recipes_have_their_kind(recipe):
    assert recipes.load(recipe).kind == recipe


@EVERY
def test_a_saved_model_draws_as_before(name, tmp_path):
    """Also what is kept beside the weights, stroke weights and latents' scale, comes back; float16 will do."""
    net = small(name)
    table = {k: getattr(net.config, k) for k in ("latent", "channels")}
    if name == "hands":
        table |= {"hidden": 24, "blocks": 2, "steps": 4}
    models.save(tmp_path / "m.safetensors", net, {"kind": name, "recipe": {"model": table}}, half=True)
    again = models.load(tmp_path / "m.safetensors", name).net
    digits, style = torch.arange(10), torch.randn(10, 7, generator=seeded())
    torch.testing.assert_close(again.draw(digits, style=style), net.draw(digits, style=style), atol=0.01, rtol=0)
    torch.testing.assert_close(again.ink.mean, net.ink.mean, atol=1e-3, rtol=1e-3)


@EVERY
def test_a_short_training_on_the_built_in_digits_learns(name):
    images = datasets.load_images("builtin")
    some = datasets.Images("some", images.pixels[:480], images.labels[:480])
    task = HandsTask(SMALL[name], some, seed=0)
    history = training.fit(task, training.TrainConfig(epochs=4, batch_size=32, lr=3e-3, average=0.9), seed=0)
    # Two players' losses need not fall; what does is how far drawings are from the class's mean picture.
    fresh = HandsTask(SMALL[name], some, seed=0).model
    digits = torch.arange(200) % 10
    pixels = torch.tensor(some.pixels).float() / 255
    means = torch.stack([pixels[torch.tensor(some.labels) == c].mean(0) for c in range(10)])[digits]
    far = [float((net.draw(digits, seeded()) - means).abs().mean()) for net in (fresh, task.model)]
    assert far[1] < 0.75 * far[0]
    if name in ("hands", "style-cvae"):
        assert history.series["loss"][-1] < 0.8 * history.series["loss"][0]


def test_a_run_is_resumed_to_the_same_numbers(tmp_path):
    """The latents' scale and the spectral norms' vectors are part of the checkpoint."""
    images = datasets.load_images("builtin")
    some = datasets.Images("some", images.pixels[:120], images.labels[:120])
    for name in ("hands", "cgan"):
        config = training.TrainConfig(epochs=2, batch_size=40)
        whole, stopped, resumed = (HandsTask(SMALL[name], some, seed=0) for _ in range(3))
        training.fit(whole, config, seed=0)
        training.fit(stopped, config, seed=0, out=tmp_path / name, on_epoch=lambda epoch, numbers: True)
        training.fit(resumed, config, seed=0, out=tmp_path / name, resume=True)
        for key, value in whole.model.state_dict().items():
            torch.testing.assert_close(resumed.model.state_dict()[key], value, msg=key)


def test_hands_are_trained_loaded_and_evaluated_by_recipe(tmp_path, random_evaluator):
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(
        'kind = "hands"\n[model]\nlatent = 4\nchannels = 8\nhidden = 16\nblocks = 1\nsteps = 2\nlines = 1\n'
        "[training]\nepochs = 1\nbatch_size = 64\n"
    )
    card = runs.train(recipe, "builtin", tmp_path / "run", evaluator=random_evaluator, progress=False)
    assert card["kind"] == "hands"
    assert {"loss", "flow", "kl", "absolute", "accuracy"} <= set(card["history"])
    net = models.load(tmp_path / "run", "hands").net
    assert isinstance(net, FlowHands)
    assert net.ink.mean.min() > 0
    result = runs.evaluate(tmp_path / "run", "builtin", evaluators=(str(random_evaluator),), progress=False)
    assert result["data"] == {"name": "builtin", "part": "test", "n": 355}
    assert 0 <= result["recognition"][str(random_evaluator)]["sampled"]["value"] <= 1
    assert np.isfinite(list(result["variety"].values())).all()
    assert (tmp_path / "run" / "evaluation" / "builtin" / "grid.png").is_file()


# ------------------------------------------------------------------------------------------------- voices, contrast


def test_a_voice_keeps_its_hand_and_voices_far_apart_have_nothing_in_common():
    here, there = torch.randn(300, 3, generator=seeded(1)), torch.randn(300, 3, generator=seeded(2))
    hands_of = hand_of(here, 33)
    assert torch.equal(hands_of, hand_of(here, 33))
    assert not torch.equal(hands_of, hand_of(here, 33, seed=1))

    def alike(other: Tensor) -> float:
        return float(torch.corrcoef(torch.stack([hands_of.flatten(), hand_of(other, 33).flatten()]))[0, 1])

    assert alike(here + 0.1 * there) > 0.95
    assert abs(alike(here + 100 * there)) < 0.05


def test_hands_of_many_voices_are_as_the_generators_want_them():
    far = 40 * torch.randn(3000, 3, generator=seeded(3))
    hands_of = hand_of(far, 33)
    assert float(hands_of.mean(0).abs().max()) < 0.1
    assert float(hands_of.std(0).min()) > 0.75
    assert float(hands_of.std(0).max()) < 1.25


def test_the_contrast_makes_drawings_as_grey_as_asked():
    net = Autoencoder(6, 8)
    with torch.no_grad():
        net.decoder.out.weight.mul_(30)
    z = torch.randn(200, 6, generator=seeded())

    def greyness() -> float:
        y = net.decode(z)
        return float((4 * y * (1 - y)).mean())

    with torch.no_grad():
        for target in (0.9 * greyness(), 1.1 * greyness()):
            net.fit_contrast(z, target)
            assert greyness() == pytest.approx(target, rel=0.01)


def test_a_training_of_the_flow_ends_with_its_contrast_set(tmp_path):
    card = runs.train("hands", "builtin", tmp_path / "run", epochs=1, progress=False)
    net = models.load(tmp_path / "run").net
    assert float(net.autoencoder.contrast) != 1
    assert card["kind"] == "hands"
