"""Exercises of lecture 05: training the generator."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from a2d.exercises import calls
from a2d.exercises.model import Case, Exercise, Question, Wrong

# Whatever convolves, forwards or backwards: a transposed convolution is the gradient of a convolution.
_TORCH = (
    *(f"torch.nn.functional.{name}" for name in ("conv_transpose1d", "conv_transpose2d", "fold", "unfold")),
    *("torch.nn.ConvTranspose1d", "torch.conv*", "torch.*_conv*", "torch._C._nn.col2im"),
)

# ------------------------------------------------------------------------------ 5.1 size of a transposed convolution


def _size(n_in: int, kernel: int, stride: int, padding: int, output_padding: int) -> int:
    """The length of what torch makes of zeros; the exercise itself forbids to ask it."""
    import torch

    signal, weights = torch.zeros(1, 1, n_in), torch.zeros(1, 1, kernel)
    return torch.nn.functional.conv_transpose1d(signal, weights, None, stride, padding, output_padding).shape[-1]


def _size_cases(rng: np.random.Generator) -> list[Case]:
    n, kernel = rng.integers(5, 400, 3).tolist(), int(rng.integers(4, 9))
    cases = [Case((n[0], 4, 2, 1, 0)), Case((n[1], 3, 2, 1, 1)), Case((1, kernel, 1, 0, 0)), Case((n[2], 3, 2, 0, 0))]
    for _ in range(6):
        kernel, stride = int(rng.integers(3, 12)), int(rng.integers(2, 8))
        padding, output_padding = int(rng.integers(1, (kernel + 1) // 2)), int(rng.integers(1, stride))
        cases.append(Case((int(rng.integers(3, 300)), kernel, stride, padding, output_padding)))
    return cases


# ------------------------------------------------------------------------------------ 5.2 transposed convolution, 1-D


def _spread(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """Zeros between the inputs, then an ordinary full convolution: another way to the same numbers."""
    stuffed = np.zeros((len(x) - 1) * stride + 1)
    stuffed[::stride] = x
    full = np.convolve(stuffed, w)
    return full[padding : len(full) - padding]


def _spread_cases(rng: np.random.Generator) -> list[Case]:
    def case(n: int, kernel: int, stride: int, padding: int) -> Case:
        x, w = (rng.normal(size=size).round(2) + 0.1 for size in (n, kernel))
        return Case((x, w, stride, padding), part="padding above 0" if padding else "padding 0")

    some = ((1, 0), (2, 0), (2, 0), (3, 0), (1, 1), (2, 1), (2, 2), (3, 1))
    sizes = [(int(rng.integers(5, 10)), int(rng.integers(4, 6))) for _ in some]
    return [case(1, 4, 2, 0), case(4, 2, 3, 0), *(case(*size, *how) for size, how in zip(sizes, some, strict=True))]


def _spread_overwrites(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray:
    y = np.zeros((len(x) - 1) * stride + len(w))
    for i, value in enumerate(x):
        y[stride * i : stride * i + len(w)] = value * w
    return y[padding : len(y) - padding]


def _spread_gathers(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray:
    padded = np.pad(x, padding)
    if len(padded) < len(w):
        return np.zeros(0)
    return np.lib.stride_tricks.sliding_window_view(padded, len(w))[::stride] @ w


# ------------------------------------------------------------------------------------------------- 5.3 overlap counts


def _overlaps(n_in: int, kernel: int, stride: int, padding: int) -> np.ndarray:
    """Every pair of output and input is asked whether the one lies under the other's kernel."""
    outputs = np.arange((n_in - 1) * stride - 2 * padding + kernel)[:, None]
    place = outputs + padding - stride * np.arange(n_in)
    return ((place >= 0) & (place < kernel)).sum(axis=1)


def _overlaps_cases(rng: np.random.Generator) -> list[Case]:
    n = rng.integers(4, 60, 5).tolist()
    some = ((3, 2, 0), (4, 2, 1), (3, 2, 1), (2, 3, 0), (5, 1, 2))
    cases = [Case((size, *how)) for size, how in zip(n, some, strict=True)]
    for _ in range(5):
        kernel, stride = int(rng.integers(3, 12)), int(rng.integers(1, 8))
        cases.append(Case((int(rng.integers(4, 60)), kernel, stride, int(rng.integers(0, (kernel + 1) // 2)))))
    return cases


# ---------------------------------------------------------------------------------------------- 5.4 the learning rate


def _rate(step: int, total: int, rise: int, highest: float) -> float:
    """The package's own schedule; the exercise itself forbids to ask it."""
    from a2d.training import TrainConfig, learning_rate

    config = TrainConfig(epochs=1, lr=highest, schedule="cosine", warmup=rise / total)
    return learning_rate(config, step, total)


def _rate_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for _ in range(3):
        total, highest = int(rng.integers(40, 2000)), float(rng.choice([0.001, 0.003, 0.01, 1.0]))
        rise = int(rng.integers(4, total // 3))
        for step in (0, int(rng.integers(1, rise - 1)), rise, int(rng.integers(rise + 1, total - 1)), total - 1):
            cases.append(Case((step, total, rise, highest)))
    return cases


def _cosine(share: float) -> float:
    return (1 + math.cos(math.pi * share)) / 2


def _falling(fall: Callable[[float], float]) -> Callable[[int, int, int, float], float]:
    """A right warm-up, and after it a wrong way down: ``fall`` of the share of the way is the share of the rate."""
    return lambda t, total, rise, top: top * ((t + 1) / rise if t < rise else fall((t - rise) / (total - rise)))


# ------------------------------------------------------------------------------------------------ 5.6 a training step


def _step(
    *, train: bool = True, forget: bool = True, weigh: bool = True, mean: bool = True, move: bool = True
) -> Callable[..., float]:
    """A training step, or one from which something is missing."""

    def step(vae: Any, optimizer: Any, cost: Any, pair: Any, beta: float, rng: Any) -> float:
        if train:
            vae.train()
        if forget:
            optimizer.zero_grad()
        output, mu, logvar = vae(pair[0], rng)
        reconstruction, kl = cost(output, pair[1], mu, logvar)
        each = reconstruction + (beta if weigh else 1.0) * kl
        loss = each.mean() if mean else each.sum()
        loss.backward()
        if move:
            optimizer.step()
        return float(loss.item())

    return step


def _step_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for steps, noise in ((1, 0.0), (1, 0.0), (3, 0.5), (4, 0.3), (3, 0.8)):
        inputs, latent, pixels, batch = (int(n) for n in rng.integers((3, 2, 5, 3), (6, 4, 9, 7)))
        shapes = (2 * latent, inputs), (pixels, latent), (steps, batch, inputs), (steps, batch, pixels)
        given = [rng.normal(size=shape).round(2) * scale for shape, scale in zip(shapes, (0.5, 1, 1, 1), strict=True)]
        betas = rng.uniform(0.2, 0.7, steps).round(2).tolist()
        told = f"a small VAE that comes in eval mode, and {steps} step{'s' if steps > 1 else ''}"
        part = "one step" if steps == 1 else "several steps"
        cases.append(Case((*given, betas, noise), told=told, part=part))
    return cases


# ---------------------------------------------------------------------------------------- 5.7 a training and its curve

FINE, UNSTABLE, SLOW, DEAF, HEART = "fine", "unstable", "slow", "ignores the sound", "learned by heart"


def _entropy(p: np.ndarray) -> np.ndarray:
    return -(p * np.log(p) + (1 - p) * np.log(1 - p)).sum(-1)


def _curves(rng: np.random.Generator, fault: str, epochs: int = 24, n: int = 120) -> tuple[Any, ...]:
    """A small generator, one layer and 50 pixels, trained on random targets of ten classes with one fault.

    Returns what a case holds: the reconstruction term of training and validation by epoch, and the two levels.
    """
    means = rng.beta(0.4, 0.8, (10, 50)).clip(0.01, 0.99)
    said = np.arange(2 * n) % 10
    heard = np.hstack([1.5 * np.eye(10)[said], np.ones((2 * n, 1)), rng.normal(size=(2 * n, 150)) * 0.1])
    weights, curve = np.zeros((heard.shape[1], 50)), []
    weights[10] = rng.uniform(1.5, 2.5)  # a start that is too bright, as any start is too something
    rate = {UNSTABLE: 40.0, SLOW: 0.004}.get(fault, 1.5) * rng.uniform(0.8, 1.25)
    own = rng.random((n, 50)) < means[said[:n]]
    for step in range(4 * epochs):
        classes = rng.integers(10, size=n) if fault == DEAF else said[:n]
        target = own if fault == HEART else rng.random((n, 50)) < means[classes]
        logits = heard @ weights
        if step % 4 == 0:
            costs = np.logaddexp(0, logits) - np.vstack([target, means[said[n:]]]) * logits
            curve.append([costs[:n].sum(1).mean(), costs[n:].sum(1).mean()])
        weights += rate * heard[:n].T @ (target - 1 / (1 + np.exp(-logits[:n].clip(-50, 50)))) / n
    levels = float(_entropy(means.mean(0)).round(1)), float(_entropy(means).mean().round(1))
    return (*np.array(curve).round(1).T, *levels)


def _diagnose(train: np.ndarray, val: np.ndarray, upper: float, floor: float) -> str:
    if not (np.isfinite(train).all() and np.isfinite(val).all()):
        return UNSTABLE
    gap, late = upper - floor, train[len(train) // 2 :]
    if np.diff(late).max() > gap / 4:
        return UNSTABLE
    if train[-1] < floor - gap / 5:
        return HEART
    if val[-1] > upper + gap / 5:
        return SLOW
    return DEAF if val[-1] > upper - gap / 5 else FINE


def _diagnose_cases(rng: np.random.Generator) -> list[Case]:
    cases: list[Case] = []
    for fault in (FINE, UNSTABLE, SLOW, DEAF, HEART, FINE, UNSTABLE, SLOW, DEAF, HEART):
        train, val, *levels = _curves(rng, fault)
        if fault == UNSTABLE and len(cases) > 5:  # as a training ends whose weights have become too large for a float
            train, val = (np.where(np.arange(len(c)) < 3, c, np.nan) for c in (train, val))
        part = "trouble with the pairs" if fault in (DEAF, HEART) else "trouble with the rate"
        cases.append(Case((train, val, *levels), part=part))
    return cases


def _mistaken(right: str, said: str, when: Callable[[np.ndarray], bool] = np.any) -> Callable[..., str]:
    """An answer that says ``said`` of a loss ``when`` ``right`` is right."""

    def answer(train: np.ndarray, *more: Any) -> str:
        found = _diagnose(train, *more)
        return said if found == right and when(train) else found

    return answer


def _shows(right: str, said: str, when: Callable[[np.ndarray], bool] = np.any) -> Callable[..., bool]:
    """Whether one result shows that mistake."""
    return lambda case, expected, got: (expected, got) == (right, said) and bool(when(case.args[0]))


def _no_number(train: np.ndarray) -> bool:
    return not np.isfinite(train).all()


EXERCISES = (
    Exercise(
        id="5.1",
        title="how large is the output?",
        points=2,
        difficulty=1,
        minutes=5,
        signature="output_size(n_in: int, kernel: int, stride: int, padding: int, output_padding: int) -> int",
        reference=_size,
        cases=_size_cases,
        wrong=(
            Wrong("this is the size after an ordinary convolution", lambda n, k, s, p, q: (n + 2 * p - k) // s + 1),
            Wrong("padding was added; it is cut off", lambda n, k, s, p, q: (n - 1) * s + 2 * p + k + q),
            Wrong("padding is cut at both ends, not at one", lambda n, k, s, p, q: (n - 1) * s - p + k + q),
            Wrong("output_padding is missing", lambda n, k, s, p, q: (n - 1) * s - 2 * p + k),
            Wrong("between n inputs lie only n - 1 strides", lambda n, k, s, p, q: n * s - 2 * p + k + q),
        ),
        hints=(
            "The first input writes to the places from 0 to kernel - 1. Where does the last one begin to write?",
            "How many strides lie between the first input and the last? What do kernel and padding change after that?",
            "For 7 inputs, kernel 4, stride 2, padding 1 and no output padding: $6 \\cdot 2 + 4 - 2 = 14$.",
        ),
        right=(
            "Kernel 4, stride 2 and padding 1 double a size exactly, whatever it is: 7, 14, 28. "
            "Kernel 3 cannot do that without output padding."
        ),
        forbidden=_TORCH,
    ),
    Exercise(
        id="5.2",
        title="a transposed convolution by hand",
        points=4,
        difficulty=3,
        minutes=15,
        signature="conv_transpose(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray",
        reference=_spread,
        cases=_spread_cases,
        wrong=(
            Wrong(
                "the kernel is turned round; each input writes w[0] first, because the transpose reverses "
                "the direction of the convolution, not its kernel",
                lambda x, w, s, p: _spread(x, w[::-1], s, p),
            ),
            Wrong("where copies of the kernel meet, the later one replaces; they must be added", _spread_overwrites),
            Wrong("an ordinary convolution gathers; here each input writes k outputs", _spread_gathers),
            Wrong("padding is not cut off; cut that many at each end", lambda x, w, s, p: _spread(x, w, s, 0)),
            Wrong(
                "a slice such as y[padding:-padding] is empty where padding is 0, because -0 is 0; say where it ends",
                lambda x, w, s, p: _spread(x, w, s, 0)[p:-p],
            ),
            Wrong("padding was added as zeros; it is cut off", lambda x, w, s, p: np.pad(_spread(x, w, s, 0), p)),
        ),
        hints=(
            "Begin with an array of zeros, as long as your answer to 5.1 says for a padding of 0.",
            "Go through the inputs. To which slice of the array does input $i$ add, and what does it add there?",
            "At the end cut both ends. (`y[padding:-padding]` is empty for a padding of 0: count from the start.)",
        ),
        right=(
            "This loop is the decoder's upsampling. In two dimensions each input pixel writes a small picture, "
            "and neighbours overlap; for a stride above 1 the same comes from setting zeros between the inputs."
        ),
        parts={"padding 0": 2, "padding above 0": 2},
        forbidden=_TORCH,
    ),
    Exercise(
        id="5.3",
        title="count what reaches each pixel",
        points=2,
        difficulty=2,
        minutes=10,
        signature="overlaps(n_in: int, kernel: int, stride: int, padding: int) -> np.ndarray",
        reference=_overlaps,
        cases=_overlaps_cases,
        wrong=(
            Wrong(
                "this is kernel / stride, the mean count; the counts differ from pixel to pixel, at the border always",
                lambda n, k, s, p: np.full((n - 1) * s - 2 * p + k, k / s),
            ),
            Wrong("each is counted at most once; add up", lambda n, k, s, p: np.minimum(_overlaps(n, k, s, p), 1)),
            Wrong("the padding is not cut off at the two ends", lambda n, k, s, p: _overlaps(n, k, s, 0)),
            Wrong(
                "the padding is cut off at one end only; cut that many at each",
                lambda n, k, s, p: _overlaps(n, k, s, 0)[: (n - 1) * s + k - 2 * p],
            ),
        ),
        hints=(
            "Which values of $x$ and $w$ turn a transposed convolution into a count?",
            "With all inputs 1 and all weights 1, each input adds 1 to every place that it reaches.",
        ),
        right=(
            "Where the stride divides the kernel's length, all inner pixels get the same count. "
            "Where it does not, no training data are needed to see the pattern coming."
        ),
        forbidden=_TORCH,
    ),
    Exercise(
        id="5.4",
        title="a learning rate that rises and falls",
        points=2,
        difficulty=2,
        minutes=10,
        signature="rate(step: int, total: int, rise: int, highest: float) -> float",
        reference=_rate,
        cases=_rate_cases,
        wrong=(
            Wrong("there is no warm-up: begin with a line", lambda t, total, rise, top: top * _cosine(t / total)),
            Wrong(
                "the warm-up begins at 0, so the first step changes nothing; step 0 should take highest / rise",
                lambda t, total, rise, top: top * t / rise if t < rise else _rate(t, total, rise, top),
            ),
            Wrong(
                "the warm-up has one step too many: step `rise` is the first of the cosine, so compare with <, not <=",
                lambda t, total, rise, top: top * (t + 1) / rise if t <= rise else _rate(t, total, rise, top),
            ),
            Wrong(
                "the cosine counts from step 0, so the rate jumps at the end of the warm-up; count from `rise` on",
                lambda t, total, rise, top: top * ((t + 1) / rise if t < rise else _cosine(t / total)),
            ),
            Wrong(
                "the cosine itself falls to -1, and a negative rate makes the loss grow; use (1 + cos) / 2",
                _falling(lambda share: math.cos(math.pi * share)),
            ),
            Wrong("the factor 1/2 is missing: 1 + cos goes from 2 to 0", _falling(lambda share: 2 * _cosine(share))),
            Wrong(
                "pi is missing, so the rate does not come down to 0", _falling(lambda share: _cosine(share / math.pi))
            ),
            Wrong("the rate falls in a line, not along a cosine", _falling(lambda share: 1 - share)),
        ),
        hints=(
            "Two cases: `step < rise`, and all others. `math.cos` and `math.pi` are what you need.",
            "What share of the way down lies behind at a step? It is 0 at step `rise`, nearly 1 at the last step.",
        ),
        right=(
            "The rate is a function of the step alone. "
            "So a training that was interrupted goes on as if nothing had happened, without any stored state."
        ),
        forbidden=("a2d.training.learning_rate",),
    ),
    Question(
        id="5.5",
        title="better than the best?",
        points=2,
        minutes=10,
        text=(
            "You and a friend train the generator on FSDD and MNIST for 60 epochs. "
            "She has changed one line. Your reconstruction term in training ends at 179.7 nats, hers at 155.6. "
            "The class means cost 174.2.\n\n"
            'She says: "My generator is better than the best possible picture, and the evaluator agrees: of the test '
            'recordings it reads 74 % of my drawings as spoken, and 70 % of yours."\n\n'
            "How can a loss lie below the floor, although the floor was proved? "
            "What has she probably changed, and how can drawings of that kind be read more often? "
            "Which one number would you ask her for, and what do you predict for it?\n"
            "Write three to six sentences."
        ),
    ),
    Exercise(
        id="5.6",
        title="the training step",
        points=3,
        difficulty=3,
        minutes=15,
        signature=(
            "train_one_step(vae: Module, optimizer: Optimizer, cost: Callable, pair: tuple, beta: float, "
            "rng: Generator) -> float"
        ),
        reference=_step(),
        cases=_step_cases,
        call=calls.steps_of_a_vae,
        wrong=(
            Wrong("gradients pile up: call optimizer.zero_grad() in every step", _step(forget=False)),
            Wrong("the model is left in eval mode: call vae.train()", _step(train=False)),
            Wrong("the weights do not move: backward, then step, no zero_grad in between", _step(move=False)),
            Wrong("the KL term has its full weight in every step: multiply it by beta", _step(weigh=False)),
            Wrong("the loss is summed over the batch; take the mean", _step(mean=False)),
            Wrong("gradients pile up, and the model is left in eval mode", _step(forget=False, train=False)),
        ),
        hints=(
            "In this order: train mode, forget the old gradient, forward, loss, `backward`, `step`. One line for each.",
            "`vae(features, rng)` gives three tensors, `cost(...)` two of shape (N,). "
            "The loss is the mean over the batch of the first plus `beta` times the second.",
            "`loss` is a tensor that remembers how it was computed; `loss.item()` is its number.",
        ),
        right="Every network of this course, and nearly every other one, is trained by this step.",
        parts={"one step": 1, "several steps": 2},
        rtol=1e-4,
    ),
    Exercise(
        id="5.7",
        title="a doctor for trainings",
        points=3,
        difficulty=4,
        minutes=20,
        signature="diagnose(train: np.ndarray, val: np.ndarray, upper: float, floor: float) -> str",
        reference=_diagnose,
        cases=_diagnose_cases,
        wrong=(
            Wrong(
                "random targets make a loss scatter: a hair below the floor proves nothing, far below it does",
                _mistaken(FINE, HEART),
                _shows(FINE, HEART),
            ),
            Wrong(
                "every comparison with NaN is False, so a loss that is no number slips through all of them; "
                "ask np.isfinite first",
                _mistaken(UNSTABLE, FINE, _no_number),
                _shows(UNSTABLE, FINE, _no_number),
            ),
            Wrong(
                "a curve far above the upper level that still falls is slow; one that ignores the sound has come "
                "down to the upper level and stays there",
                _mistaken(SLOW, DEAF),
                _shows(SLOW, DEAF),
            ),
            Wrong(
                "this training ends at the upper level: it draws the mean of all images, whatever the sound says",
                _mistaken(DEAF, FINE),
                _shows(DEAF, FINE),
            ),
        ),
        hints=(
            "Which of the five shows in the last epoch alone, and which only in how the curve gets there?",
            "Measure everything in units of `upper - floor`. What is the largest rise from one epoch to the next?",
            '`a2d.case("5.7")` gives the curves that your rule gets wrong: plot them.',
        ),
        right=(
            "A curve shows the symptom, not the cause: the sound is ignored as well where a rate that is too high has "
            "killed all units. To find the cause, change one thing at a time."
        ),
        parts={"trouble with the rate": 1, "trouble with the pairs": 2},
    ),
)
