"""Comparisons that lectures 03, 04 and 08 read: beta and likelihood, the three target rules, an honest choice.

Each function trains what it compares, unless it lies in the folder ``work`` already, and returns plain numbers;
``python -m results.reproduce beta targets choice`` writes them to ``results/``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from a2d import datasets, metrics, training, vae
from a2d.evaluator import AccuracyNet, embed
from a2d.lab import models, recipes, runs
from a2d.lab.kinds.generator import Draws, GeneratorRecipe, GeneratorTask
from a2d.lab.kinds.image_vae import ImageVaeRecipe, ImageVaeTask
from a2d.pairing import Rule, Targets
from results.pool import each, trained

RULES: tuple[Rule, ...] = ("random", "fixed", "mean")


def slug(name: str) -> str:
    """A name as it is used for a file."""
    return name.replace(",", "").replace(" ", "-")


# ---------------------------------------------------------------------------------------------- what pictures look like


def sharpness(images: Tensor) -> float:
    """How sharp pictures ``(n, 28, 28)`` in [0, 1] are: variance over the pixels of their Laplacian, mean of all.

    The Laplacian is the sum of the four neighbours minus four times the pixel, where all four exist.
    Source: J. Pech-Pacheco and others (2000).
    """
    x = images.double()
    laplacian = x[:, :-2, 1:-1] + x[:, 2:, 1:-1] + x[:, 1:-1, :-2] + x[:, 1:-1, 2:] - 4 * x[:, 1:-1, 1:-1]
    return float(laplacian.flatten(1).var(1, correction=0).mean())


def squared_distance(a: Tensor, b: Tensor) -> float:
    """Squared Euclidean distance of two stacks ``(n, 28, 28)``, picture by picture; mean of all."""
    return float((a.double() - b.double()).square().flatten(1).sum(1).mean())


# ------------------------------------------------------------------------------------------------- beta and likelihood


def _pixels(images: datasets.Images) -> Tensor:
    return torch.tensor(images.pixels).float() / 255


def image_vae_row(net: vae.ImageVAE, images: Tensor, real_sharpness: float, seed: int = 0) -> dict[str, Any]:
    """What one image VAE makes of images ``(n, 28, 28)``: its ELBO, and its pictures from the latent's mean."""
    rng = training.stream(seed, "reading")
    terms = vae.elbo_terms(net, images, rng)
    again = torch.cat([net.reconstruct(part) for part in images.split(1000)])
    error = squared_distance(again, images)
    return {
        **terms,
        "squared_error": error,
        "rmse": (error / images[0].numel()) ** 0.5,
        "sharpness": sharpness(again) / real_sharpness,
        "grey": metrics.greyness(again.numpy()),
    }


def sweep_rows(sweep: vae.BetaSweep, images: Tensor, seed: int = 0) -> dict[str, dict[str, Any]]:
    """:func:`image_vae_row` for each model of a sweep; keys are the betas as text."""
    real = sharpness(images)
    return {f"{b:g}": {"beta": b, **image_vae_row(sweep[b], images, real, seed)} for b in sweep.betas}


# Long enough for a loss that no longer falls: `flat` in the results file says by how much it still did.
WIDE_EPOCHS, WIDE_SEEDS = 40, (0, 1, 2)
# A latent that carries less than this, in nats, is of no use, whatever the variance of its mean.
USED = 0.1


def wide_recipe(recipe: ImageVaeRecipe) -> ImageVaeRecipe:
    """The sweep's recipe with as many latent dimensions as the course's generator has, trained until it is flat."""
    longer = replace(recipe.training, epochs=WIDE_EPOCHS)
    return replace(recipe, name=f"{recipe.name}-20", model=replace(recipe.model, latent=20), training=longer)


def _train_wide(cell: tuple[Path, int]) -> None:
    _wide(*cell)


def _wide(work: Path, seed: int) -> models.Model[vae.BetaSweep]:
    recipe = wide_recipe(recipes.load_as(ImageVaeRecipe, "beta-sweep"))
    images = datasets.load_images("mnist")
    return trained(
        work / f"latent-20-{seed}.safetensors", recipe, lambda: ImageVaeTask(recipe, images, seed=seed), seed
    )


def flatness(history: dict[str, list[float]], beta: float) -> float:
    """By how many nats a training's negative ELBO still fell: mean of the last tenth but one less that of the last."""
    terms = np.array(history[f"reconstruction, beta {beta:g}"]) + beta * np.array(history[f"kl, beta {beta:g}"])
    tenth = max(1, len(terms) // 10)
    return float(terms[-2 * tenth : -tenth].mean() - terms[-tenth:].mean())


def beta_sweeps(shipped: vae.BetaSweep, work: Path, seed: int = 0) -> dict[str, Any]:
    """Both sweeps on MNIST's test images: the shipped one of 2 latent dimensions, and one of 20 with three seeds.

    ``latent 20`` holds the rows of the first seed, ``latent 20, seeds`` for each beta what the three have in common.
    """
    recipe = wide_recipe(recipes.load_as(ImageVaeRecipe, "beta-sweep"))
    test = _pixels(datasets.load_images("mnist", "test"))
    each(_train_wide, [(work, one) for one in WIDE_SEEDS])
    wide = [_wide(work, one) for one in WIDE_SEEDS]
    rows = [sweep_rows(one.net, test, seed) for one in wide]
    spread = {}
    for name, first in rows[0].items():
        numbers = [k for k, v in first.items() if isinstance(v, int | float) and k != "beta"]
        of_seeds = {k: metrics.mean_and_spread([row[name][k] for row in rows]) for k in numbers}
        used = [sum(kl > USED for kl in row[name]["kl_by_dimension"]) for row in rows]
        fell = [flatness(one.meta["history"], first["beta"]) for one in wide]
        spread[name] = of_seeds | {"used_units": metrics.mean_and_spread(used), "fell": metrics.mean_and_spread(fell)}
    return {
        "active_threshold": vae.ACTIVE,
        "used_threshold": USED,
        "training": recipe.as_dict()["training"],
        "training of the shipped one": recipes.load_as(ImageVaeRecipe, "beta-sweep").as_dict()["training"],
        "latent 2": sweep_rows(shipped, test, seed),
        "latent 20": rows[0],
        "latent 20, seeds": {"seeds": list(WIDE_SEEDS), "rows": spread},
    }


SIGMAS = (0.1, 0.2, 0.3, 1.0)


def likelihoods(work: Path, seed: int = 0) -> tuple[dict[str, Any], Tensor]:
    """Bernoulli against Gaussian likelihoods of several sigmas, 20 latent dimensions, beta = 1, MNIST's test images.

    Returns the rows, and pictures ``(rows, 10, 28, 28)``: ten originals, then what each model makes of them.
    The Bernoulli model is that of the sweep with 20 dimensions; all saw the same batches and noise.
    """
    base = wide_recipe(recipes.load_as(ImageVaeRecipe, "beta-sweep"))
    images, held = datasets.load_images("mnist"), datasets.load_images("mnist", "test")
    test = _pixels(held)
    nets = {"bernoulli": _wide(work, seed).net[1.0]}
    for sigma in SIGMAS:
        recipe = replace(
            base,
            name=f"gaussian {sigma:g}",
            model=replace(base.model, likelihood="gaussian", sigma=sigma),
            sweep=vae.SweepConfig((1.0,)),
        )
        path = work / f"gaussian-{sigma:g}.safetensors"
        task = lambda recipe=recipe: ImageVaeTask(recipe, images, seed=seed)  # noqa: E731 (made in a loop)
        nets[f"gaussian, sigma {sigma:g}"] = trained(path, recipe, task, seed).net[1.0]
    real = sharpness(test)
    rows = []
    for net in nets.values():
        gaussian = net.config.likelihood == "gaussian"
        head = {"likelihood": net.config.likelihood, "sigma": net.config.sigma if gaussian else None}
        rows.append({**head, **image_vae_row(net, test, real, seed)})
    ten = test[torch.tensor([int(np.flatnonzero(held.labels == c)[0]) for c in range(10)])]
    pictures = torch.stack([ten, *(net.reconstruct(ten) for net in nets.values())])
    mnist = {"sharpness": 1.0, "grey": metrics.greyness(test.numpy())}
    return {"latent": 20, "mnist": mnist, "rows": rows, "picture_rows": ["originals", *nets]}, pictures


# ----------------------------------------------------------------------------------------------------- target rules


def rule_recipe(rule: Rule, likelihood: vae.Likelihood = "bernoulli") -> GeneratorRecipe:
    """The plain recipe of the report with another target rule or likelihood, and nothing else changed."""
    plain = recipes.load_as(GeneratorRecipe, "report-plain")
    return replace(
        plain,
        name=f"report-plain, {rule}, {likelihood}",
        model=replace(plain.model, likelihood=likelihood),
        targets=replace(plain.targets, rule=rule),
    )


def generator_run(
    work: Path, recipe: GeneratorRecipe, seed: int, images: datasets.Images, name: str, data: str = "fsdd"
) -> tuple[models.Model[vae.AudioVAE], runs.SpokenSet]:
    """A generator trained on the train part of the random split ``seed`` (kept as ``name``), and that split."""
    spoken = runs.spoken_set(datasets.load_spoken(data), recipe.features, seed=seed)

    def task() -> GeneratorTask:
        return GeneratorTask(recipe, *spoken.part("train"), Targets(images.pixels, images.labels), seed=seed)

    return trained(work / f"{name}-{seed}.safetensors", recipe, task, seed), spoken


class Handwriting:
    """MNIST as what drawings are compared with: class means, the spread about them, and the nearest image."""

    def __init__(self, images: datasets.Images):
        self.pixels, self.labels = _pixels(images), torch.from_numpy(images.labels)
        self.means = Targets(images.pixels, images.labels).means()
        gaps = (self.pixels - self.means[self.labels]).square().flatten(1).sum(1).double()
        self.spread = torch.stack([gaps[self.labels == c].mean() for c in range(10)])

    def compare(self, pictures: Tensor, classes: Tensor) -> dict[str, float]:
        """Squared distances per picture, summed over pixels, mean over pictures ``(n, 28, 28)``.

        ``to_class_mean``; ``to_real``: to a random image of the class, in expectation (exact: the distance to the
        mean plus the class's own spread); ``to_nearest_real``: to the nearest image of the class.
        """
        to_mean = (pictures - self.means[classes]).square().flatten(1).sum(1).double()
        nearest = []
        for c in classes.unique():
            mine, real = pictures[classes == c].flatten(1), self.pixels[self.labels == c].flatten(1)
            nearest.append(torch.cdist(mine, real).min(1).values.square().double())
        return {
            "to_class_mean": float(to_mean.mean()),
            "to_real": float((to_mean + self.spread[classes]).mean()),
            "to_nearest_real": float(torch.cat(nearest).mean()),
        }


def _drawn(net: Draws, features: Tensor, seed: int) -> Tensor:
    """Sampled drawings, from a seed of their own."""
    return net.draw(features, training.stream(seed, "drawn"))


class Yardsticks:
    """What every rule is held against: the shipped evaluator, and handwriting for training and testing."""

    def __init__(self, images: str):
        train = datasets.load_images(images)
        self.evaluator = models.load_evaluator("evaluator").net
        self.targets, self.hand = Targets(train.pixels, train.labels), Handwriting(train)
        self.test = datasets.load_images(images, "test")
        self.test_features = embed(self.evaluator, self.test.pixels)  # once for all runs: it takes a while

    def real_row(self) -> dict[str, float]:
        """The measures of pictures for handwriting itself, the test images."""
        pixels, labels = _pixels(self.test), torch.from_numpy(self.test.labels)
        return {
            **self.hand.compare(pixels, labels),
            "sharpness": 1.0,
            "grey": metrics.greyness(pixels.numpy()),
            "diversity": 1.0,
        }


def rule_row(model: models.Model[vae.AudioVAE], spoken: runs.SpokenSet, by: Yardsticks, seed: int) -> dict[str, float]:
    """What one target rule has led to, on the test part: reading, distances, variety, sharpness, ELBO terms."""
    net, rule = model.net, model.meta["recipe"]["targets"]["rule"]
    features, digits = spoken.part("test")
    reading = runs.read_drawings(net, {"evaluator": by.evaluator}, features, digits, seed=seed)["evaluator"]
    sampled, by_mean = _drawn(net, features, seed), net.draw(features)
    distances = by.hand.compare(sampled, digits)
    row = {f"accuracy_{k}": reading[k]["value"] for k in ("sampled", "mean")}
    row |= distances | {f"{k}_mean_latent": v for k, v in by.hand.compare(by_mean, digits).items()}
    row |= runs.variety(net, by.evaluator, features, digits, by.test, seed=seed, real_features=by.test_features)
    row |= {"sharpness": sharpness(sampled) / sharpness(_pixels(by.test)), "grey": metrics.greyness(sampled.numpy())}
    with torch.inference_mode():
        mu, logvar = net.encode(features)
        row["kl_test"] = float(vae.kl_divergence(mu, logvar).mean())
        row["active_units"] = int((mu.var(0, correction=0) > vae.ACTIVE).sum())
    row |= {f"{k}_train": v[-1] for k, v in model.meta["history"].items()}
    heard, said = spoken.part("train")
    of_train = net.draw(heard)
    row["train_to_class_mean"] = squared_distance(of_train, by.hand.means[said])
    if rule == "fixed":
        own = by.targets.fixed(said, torch.arange(len(said)), seed)
        row["train_to_own_target"] = squared_distance(of_train, own)
    return row


def _rules() -> dict[str, GeneratorRecipe]:
    return {rule: rule_recipe(rule) for rule in RULES} | {"random, gaussian": rule_recipe("random", "gaussian")}


def _train_rule(cell: tuple[Path, str, int, str, str]) -> None:
    work, name, seed, data, images = cell
    generator_run(work, _rules()[name], seed, datasets.load_images(images), slug(name), data)


def target_rules(
    work: Path, seeds: tuple[int, ...], data: str = "fsdd", images: str = "mnist"
) -> tuple[dict[str, Any], Tensor]:
    """The three rules side by side, and the random rule under squared error, over several seeds.

    Returns the numbers, and pictures ``(rows, 10, 28, 28)``: one sampled drawing of each digit for each row.
    """
    handwritten, by = datasets.load_images(images), Yardsticks(images)
    cells = _rules()
    each(_train_rule, [(work, name, seed, data, images) for name in cells for seed in seeds])
    found: dict[str, Any] = {}
    pictures: dict[str, Tensor] = {}
    for name, recipe in cells.items():
        rows, curves = [], []
        for seed in seeds:
            model, spoken = generator_run(work, recipe, seed, handwritten, slug(name), data)
            rows.append(rule_row(model, spoken, by, seed))
            curves.append(model.meta["history"])
            if seed == seeds[0]:
                pictures[name] = one_of_each(model.net, *spoken.part("test"), seed)
        mean_curves = {k: np.mean([c[k] for c in curves], axis=0).round(4).tolist() for k in curves[0]}
        found[name] = {
            "numbers": {k: metrics.mean_and_spread([r[k] for r in rows]) for k in rows[0]},
            "curves": mean_curves,
        }
    pictures["class means"] = by.hand.means
    return {
        "epochs": cells["random"].training.epochs,
        "rules": found,
        "floor": floor(by.hand, spoken.digits),
        "mnist": by.real_row(),
        "picture_rows": list(pictures),
    }, torch.stack(list(pictures.values()))


def one_of_each(net: Draws, features: Tensor, digits: Tensor, seed: int) -> Tensor:
    """A sampled drawing of one random recording of each digit, ``(10, 28, 28)``; the seed alone chooses it."""
    rng = np.random.default_rng([seed, 14])
    some = torch.tensor([int(rng.choice(np.flatnonzero(digits.numpy() == c))) for c in range(10)])
    return _drawn(net, features[some], seed)


def floor(hand: Handwriting, digits: Tensor) -> dict[str, float]:
    """What the class means themselves score, in nats per image: no picture chosen by class alone does better."""
    means = hand.means
    entropy = -(torch.special.xlogy(means, means) + torch.special.xlogy(1 - means, 1 - means)).sum((-2, -1))
    return {"reconstruction_bernoulli": float(entropy[digits].mean()), "spread": float(hand.spread[digits].mean())}


# ----------------------------------------------------------------------------------------------- noise of the gradient


class GradientProbe:
    """Gradients of the negative ELBO of a generator (no dropout, no noise), as one vector in double precision."""

    def __init__(self, net: vae.AudioVAE, features: Tensor, digits: Tensor, targets: Targets):
        self.net = net.double()
        self.features, self.digits, self.targets = features.double(), digits, targets
        self.means = targets.means().double()

    def batch(self, size: int, rng: torch.Generator) -> Tensor:
        """Numbers of ``size`` different recordings."""
        return torch.randperm(len(self.digits), generator=rng)[:size]

    def gradient(self, items: Tensor, images: Tensor, noise_seed: int) -> Tensor:
        """Gradient of the mean loss over the recordings ``items (b,)`` against ``images (b, 28, 28)``."""
        self.net.zero_grad()
        noise = torch.Generator().manual_seed(noise_seed)
        output, mu, logvar = self.net(self.features[items], noise)
        vae.negative_elbo(output, images.double(), mu, logvar, self.net.config).loss.mean().backward()
        return torch.cat([p.grad.flatten() for p in self.net.parameters() if p.grad is not None])

    def with_mean(self, items: Tensor, noise_seed: int) -> Tensor:
        """The gradient against the class means: what all rules but the fixed one have in expectation."""
        return self.gradient(items, self.means[self.digits[items]], noise_seed)

    def random(self, items: Tensor, draws: int, noise_seed: int, rng: torch.Generator) -> Tensor:
        """The gradient against the mean of ``draws`` random images of each class."""
        images = self.targets.random(self.digits[items], rng, draws)
        return self.gradient(items, images, noise_seed)

    def fixed(self, items: Tensor, assignment: int, noise_seed: int) -> Tensor:
        """The gradient against images that an assignment has given the recordings once and for all."""
        return self.gradient(items, self.targets.fixed(self.digits[items], items, assignment), noise_seed)


def _square(x: Tensor) -> float:
    return float(x.square().sum())


def target_noise(probe: GradientProbe, *, size: int = 64, repeats: int = 600, seed: int = 0) -> dict[str, Any]:
    """Variance over the target's draw alone: one batch and its latent noise are held.

    All values are relative to the squared length of the gradient against the class means. ``variance``: mean squared
    distance of single gradients to it; ``bias``: that of their average over ``repeats``, beside what would be left
    of it by chance if there were no bias (``bias_by_chance``: the variance divided by the repeats); ``p``: how often
    chance alone leaves as much or more, from 2000 random changes of the deviations' signs.
    """
    rng = training.stream(seed, "target noise")
    items = probe.batch(size, rng)
    centre = probe.with_mean(items, seed)
    length, out = _square(centre), {}
    for draws in (1, 8):
        gaps = torch.stack([probe.random(items, draws, seed, rng) - centre for _ in range(repeats)])
        products = gaps @ gaps.T
        variance, bias = float(products.diagonal().mean()), float(products.mean())
        signs = 2.0 * torch.randint(0, 2, (2000, repeats), generator=rng).double() - 1
        by_chance = torch.einsum("sr,rt,st->s", signs, products, signs) / repeats**2
        out[str(draws)] = {
            "variance": variance / length,
            "bias": bias / length,
            "bias_by_chance": variance / repeats / length,
            "p": float((by_chance >= bias).double().mean()),
        }
    out["mean"] = {"variance": 0.0, "bias": 0.0, "bias_by_chance": 0.0, "p": 1.0}
    return {"batch_size": size, "repeats": repeats, "draws": out}


def whole_noise(probe: GradientProbe, *, size: int = 64, repeats: int = 200, seed: int = 0) -> dict[str, float]:
    """Variance of a step's gradient over everything random: batch, latent noise and target.

    Relative to the squared length of the average gradient against class means over ``repeats`` batches (less what
    chance adds to that length).
    """
    rng = training.stream(seed, "whole noise")
    sums: dict[str, Tensor] = {}
    squares: dict[str, float] = {}
    for repeat in range(repeats):
        items, noise = probe.batch(size, rng), training.epoch_seed(seed, 10**7 + repeat)
        for name in ("1", "8", "mean"):
            gradient = probe.with_mean(items, noise) if name == "mean" else probe.random(items, int(name), noise, rng)
            sums[name] = sums[name] + gradient if name in sums else gradient
            squares[name] = squares.get(name, 0.0) + _square(gradient)
    variance = {k: (squares[k] - _square(sums[k]) / repeats) / (repeats - 1) for k in sums}
    length = _square(sums["mean"] / repeats) - variance["mean"] / repeats
    return {k: v / length for k, v in variance.items()}


def kept_noise(probe: GradientProbe, *, epochs: int = 32, assignments: int = 16, seed: int = 0) -> dict[str, Any]:
    """What is left of the target's noise after averaging the whole training set's gradient over epochs.

    Random targets are drawn anew in each epoch, so the average's squared distance to the class means' gradient falls
    as one over the epochs; fixed targets are the same in each, so it stays: a bias that another assignment would
    give another direction. Relative to the squared length of the gradient against the class means. The network and
    its latent noise are held.
    """
    items = torch.arange(len(probe.digits))
    rng = training.stream(seed, "kept noise")
    centre = probe.with_mean(items, seed)
    length = _square(centre)
    gaps = torch.stack([probe.random(items, 1, seed, rng) - centre for _ in range(epochs)])
    random = {}
    n = 1
    while n <= epochs:
        random[str(n)] = float(gaps.view(epochs // n, n, -1).mean(1).square().sum(1).mean()) / length
        n *= 2
    fixed = [_square(probe.fixed(items, a, seed) - centre) / length for a in range(assignments)]
    return {"n": len(items), "random": random, "fixed": metrics.mean_and_spread(fixed)}


def gradient_noise(work: Path, seed: int = 0, data: str = "fsdd", images: str = "mnist") -> dict[str, Any]:
    """Bias and variance of the gradient by target rule, for generators that have done half of their training."""
    handwritten = datasets.load_images(images)
    found = {}
    for likelihood in ("bernoulli", "gaussian"):
        recipe = rule_recipe("random", likelihood)
        half = replace(recipe.training, epochs=max(1, recipe.training.epochs // 2))
        recipe = replace(recipe, name=f"{recipe.name}, half", training=half)
        model, spoken = generator_run(work, recipe, seed, handwritten, f"half-{likelihood}", data)
        probe = GradientProbe(model.net, *spoken.part("train"), Targets(handwritten.pixels, handwritten.labels))
        found[likelihood] = {
            "after_epochs": half.epochs,
            "target_only": target_noise(probe, seed=seed),
            "batch_latent_and_target": whole_noise(probe, seed=seed),
            "averaged_over_epochs": kept_noise(probe, seed=seed),
        }
    return found


# -------------------------------------------------------------------------------------------------- an honest choice


def candidates() -> dict[str, GeneratorRecipe]:
    """The plain recipe, the report's as the course trains it, and that with one addition taken away at a time."""
    plain, full = recipes.load_as(GeneratorRecipe, "report-plain"), recipes.load_as(GeneratorRecipe, "report")
    changed = {
        "report, no noise on the features": replace(full, model=replace(full.model, noise=0.0)),
        "report, no KL warm-up": replace(full, model=replace(full.model, warmup=0.0)),
        "report, no averaged weights": replace(full, training=replace(full.training, average=0.0)),
        "report, one draw": replace(full, targets=replace(full.targets, draws=1)),
        "report, lower rate": replace(full, training=replace(full.training, lr=2e-3)),
    }
    return {"report-plain": plain, "report": full, **{k: replace(v, name=k) for k, v in changed.items()}}


def choose(scores: dict[str, list[float]]) -> str:
    """The candidate with the highest mean; of equals, the first."""
    return max(scores, key=lambda name: float(np.mean(scores[name])))


def _accuracies(
    model: models.Model[Any], part: tuple[Tensor, Tensor], nets: dict[str, AccuracyNet], seed: int
) -> dict[str, dict[str, float]]:
    read_by = runs.read_drawings(model.net, nets, *part, seed=seed)
    return {name: {k: read_by[name][k]["value"] for k in ("sampled", "mean")} for name in nets}


def _train_candidate(cell: tuple[Path, str, int]) -> None:
    work, name, seed = cell
    generator_run(work, candidates()[name], seed, datasets.load_images("mnist"), slug(name))


def train_candidates(work: Path, seeds: tuple[int, ...]) -> None:
    """Train all candidates on the train parts."""
    each(_train_candidate, [(work, name, seed) for name in candidates() for seed in seeds])


def choosing(work: Path, nets: dict[str, AccuracyNet], seeds: tuple[int, ...], data: str = "fsdd") -> dict[str, Any]:
    """Let the first evaluator read the validation drawings of all candidates; the test parts stay shut.

    ``against_report`` is each candidate's accuracy less that of ``report`` with the same seed. Only for the nested
    estimate is a test part opened: for each seed that of the candidate which this seed's own validation part chose.
    """
    images = datasets.load_images("mnist")
    first = next(iter(nets))
    scores: dict[str, dict[str, list[float]]] = {}
    for name, recipe in candidates().items():
        for seed in seeds:
            model, spoken = generator_run(work, recipe, seed, images, slug(name), data)
            of_val = _accuracies(model, spoken.part("val"), nets, seed)
            for key, value in {f"{n}_{k}": v for n, by_kind in of_val.items() for k, v in by_kind.items()}.items():
                scores.setdefault(name, {}).setdefault(key, []).append(value)
    sampled = {name: by_kind[f"{first}_sampled"] for name, by_kind in scores.items()}
    base = np.array(sampled["report"])
    nested = []
    for i, seed in enumerate(seeds):
        own = choose({name: [values[i]] for name, values in sampled.items()})
        model, spoken = generator_run(work, candidates()[own], seed, images, slug(own), data)
        of_test = _accuracies(model, spoken.part("test"), nets, seed)
        nested.append({"seed": seed, "chosen": own, "validation": sampled[own][i], "test": of_test})
    table = {
        name: {kind: metrics.mean_and_spread(values) for kind, values in by_kind.items()}
        for name, by_kind in scores.items()
    }
    against = {
        name: metrics.mean_and_spread((np.array(values) - base).tolist())
        for name, values in sampled.items()
        if name != "report"
    }
    chosen = choose(sampled)
    return {
        "seeds": list(seeds),
        "evaluator": first,
        "validation": table,
        "against_report": against,
        "chosen": chosen,
        "nested": nested,
    }


def strips(pictures: Tensor) -> np.ndarray:
    """Pictures ``(rows, columns, 28, 28)`` in [0, 1] side by side, ink white on black: uint8 ``(rows*28, cols*28)``."""
    rows, columns = pictures.shape[:2]
    flat = pictures.permute(0, 2, 1, 3).reshape(rows * 28, columns * 28)
    return (flat * 255).round().to(torch.uint8).numpy()
