"""Exercises of lecture 05: training the generator."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from a2d.exercises.model import Case, Exercise, Question, Wrong

# ------------------------------------------------------------------------------ 5.1 size of a transposed convolution


def _torch_upsamples(n_in: int, kernel: int, **given: int) -> np.ndarray:
    """What torch makes of zeros; the exercise itself forbids to ask it."""
    import torch

    signal, weights = torch.zeros(1, 1, n_in), torch.zeros(1, 1, kernel)
    made = torch.nn.functional.conv_transpose1d(signal, weights, **given)  # type: ignore[arg-type]  # all are numbers
    return np.asarray(made[0, 0])


def _size(n_in: int, kernel: int, stride: int, padding: int, output_padding: int) -> int:
    return len(_torch_upsamples(n_in, kernel, stride=stride, padding=padding, output_padding=output_padding))


def _size_cases(rng: np.random.Generator) -> list[Case]:
    cases = [Case((7, 4, 2, 1, 0)), Case((7, 3, 2, 1, 1)), Case((1, 5, 1, 0, 0)), Case((14, 3, 2, 0, 0))]
    for _ in range(6):
        kernel, stride = int(rng.integers(3, 8)), int(rng.integers(2, 5))
        padding, output_padding = int(rng.integers(1, (kernel + 1) // 2)), int(rng.integers(1, stride))
        cases.append(Case((int(rng.integers(3, 30)), kernel, stride, padding, output_padding)))
    return cases


def _size_of_convolution(n_in: int, kernel: int, stride: int, padding: int, output_padding: int) -> int:
    return (n_in + 2 * padding - kernel) // stride + 1


def _size_padding_added(n_in: int, kernel: int, stride: int, padding: int, output_padding: int) -> int:
    return (n_in - 1) * stride + 2 * padding + kernel + output_padding


def _size_padding_once(n_in: int, kernel: int, stride: int, padding: int, output_padding: int) -> int:
    return (n_in - 1) * stride - padding + kernel + output_padding


def _size_without_output_padding(n_in: int, kernel: int, stride: int, padding: int, output_padding: int) -> int:
    return (n_in - 1) * stride - 2 * padding + kernel


def _size_one_step_more(n_in: int, kernel: int, stride: int, padding: int, output_padding: int) -> int:
    return n_in * stride - 2 * padding + kernel + output_padding


# ------------------------------------------------------------------------------------ 5.2 transposed convolution, 1-D


def _spread(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """Zeros between the inputs, then an ordinary full convolution: another way to the same numbers."""
    stuffed = np.zeros((len(x) - 1) * stride + 1)
    stuffed[::stride] = x
    full = np.convolve(stuffed, w)
    return full[padding : len(full) - padding]


def _spread_cases(rng: np.random.Generator) -> list[Case]:
    def some(n: int) -> np.ndarray:
        return rng.normal(size=n).round(2) + 0.1

    cases = [Case((some(1), some(4), 2, 0), part="ordinary"), Case((some(4), some(2), 3, 0), part="ordinary")]
    for stride in (1, 2, 2, 3):
        cases.append(Case((some(int(rng.integers(5, 10))), some(int(rng.integers(4, 6))), stride, 0), part="ordinary"))
    for stride, padding in ((1, 1), (2, 1), (2, 2), (3, 1)):
        n, kernel = int(rng.integers(5, 10)), int(rng.integers(4, 6))
        cases.append(Case((some(n), some(kernel), stride, padding), part="padding"))
    return cases


def _spread_flipped(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray:
    return _spread(x, w[::-1], stride, padding)


def _spread_overwrites(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray:
    y = np.zeros((len(x) - 1) * stride + len(w))
    for i, value in enumerate(x):
        y[stride * i : stride * i + len(w)] = value * w
    return y[padding : len(y) - padding]


def _spread_gathers(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray:
    padded = np.pad(x, padding)
    if len(padded) < len(w):
        return np.zeros(0)
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(w))[::stride]
    return windows @ w


def _spread_not_cut(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray:
    return _spread(x, w, stride, 0)


def _spread_zeros_at_the_ends(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray:
    return np.pad(_spread(x, w, stride, 0), padding)


# ------------------------------------------------------------------------------------------------- 5.3 overlap counts


def _overlaps(n_in: int, kernel: int, stride: int, padding: int) -> np.ndarray:
    """Every pair of output and input is asked whether the one lies under the other's kernel."""
    outputs = np.arange((n_in - 1) * stride - 2 * padding + kernel)[:, None]
    place = outputs + padding - stride * np.arange(n_in)
    return ((place >= 0) & (place < kernel)).sum(axis=1)


def _overlaps_cases(rng: np.random.Generator) -> list[Case]:
    cases = [Case((6, 3, 2, 0)), Case((6, 4, 2, 1)), Case((5, 3, 2, 1)), Case((4, 2, 3, 0)), Case((3, 5, 1, 2))]
    for _ in range(5):
        kernel, stride = int(rng.integers(3, 8)), int(rng.integers(1, 4))
        cases.append(Case((int(rng.integers(4, 10)), kernel, stride, int(rng.integers(0, (kernel + 1) // 2)))))
    return cases


def _overlaps_mean(n_in: int, kernel: int, stride: int, padding: int) -> np.ndarray:
    return np.full((n_in - 1) * stride - 2 * padding + kernel, kernel / stride)


def _overlaps_set(n_in: int, kernel: int, stride: int, padding: int) -> np.ndarray:
    return np.minimum(_overlaps(n_in, kernel, stride, padding), 1)


def _overlaps_not_cut(n_in: int, kernel: int, stride: int, padding: int) -> np.ndarray:
    return _overlaps(n_in, kernel, stride, 0)


def _overlaps_cut_at_one_end(n_in: int, kernel: int, stride: int, padding: int) -> np.ndarray:
    full = _overlaps(n_in, kernel, stride, 0)
    return full[: len(full) - 2 * padding]


# ---------------------------------------------------------------------------------------------- 5.4 the learning rate


def _schedules(total: int, rise: int, highest: float) -> Callable[[int], float]:
    """The package's own schedule; the exercise itself forbids to ask it."""
    from a2d.training import TrainConfig, learning_rate

    config = TrainConfig(epochs=1, lr=highest, schedule="cosine", warmup=rise / total)
    return lambda step: learning_rate(config, step, total)


def _rate(step: int, total: int, rise: int, highest: float) -> float:
    return _schedules(total, rise, highest)(step)


def _rate_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for _ in range(3):
        total, highest = int(rng.integers(40, 2000)), float(rng.choice([0.001, 0.003, 0.01, 1.0]))
        rise = int(rng.integers(4, total // 3))
        for step in (0, int(rng.integers(1, rise - 1)), rise, int(rng.integers(rise + 1, total - 1)), total - 1):
            cases.append(Case((step, total, rise, highest)))
    return cases


def _fall(share: float, highest: float) -> float:
    return highest * 0.5 * (1 + math.cos(math.pi * share))


def _rate_without_warm_up(step: int, total: int, rise: int, highest: float) -> float:
    return _fall(step / total, highest)


def _rate_from_zero(step: int, total: int, rise: int, highest: float) -> float:
    return highest * step / rise if step < rise else _rate(step, total, rise, highest)


def _rate_falls_from_the_start(step: int, total: int, rise: int, highest: float) -> float:
    return highest * (step + 1) / rise if step < rise else _fall(step / total, highest)


def _rate_negative(step: int, total: int, rise: int, highest: float) -> float:
    if step < rise:
        return highest * (step + 1) / rise
    return highest * math.cos(math.pi * (step - rise) / (total - rise))


def _rate_in_a_line(step: int, total: int, rise: int, highest: float) -> float:
    if step < rise:
        return highest * (step + 1) / rise
    return highest * (1 - (step - rise) / (total - rise))


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
            Wrong(
                "this is the size after an ordinary convolution, which makes a signal shorter; "
                "a transposed one goes the other way",
                _size_of_convolution,
            ),
            Wrong(
                "padding was added; in a transposed convolution it is cut from the output, at both ends",
                _size_padding_added,
            ),
            Wrong("padding is cut at both ends, not at one", _size_padding_once),
            Wrong("output_padding is missing: so many values are added at one end", _size_without_output_padding),
            Wrong(
                "between n inputs there are only n - 1 steps of the stride; the kernel reaches on from the last one",
                _size_one_step_more,
            ),
        ),
        hints=(
            "The first input writes to the places $0, \\dots, k - 1$. Where does the last one begin to write?",
            "The last one begins at the place $(n - 1) s$ and fills $k$ places. Then cut $p$ at each end.",
            "For $n = 7$, $k = 4$, $s = 2$, $p = 1$ and no output padding: $6 \\cdot 2 + 4 - 2 = 14$.",
        ),
        right=(
            "Kernel 4, stride 2 and padding 1 double a size exactly, whatever it is: 7, 14, 28. "
            "Kernel 3 cannot do that without output padding."
        ),
        forbidden=(
            "torch.nn.functional.conv_transpose1d",
            "torch.nn.functional.conv_transpose2d",
            "torch.nn.ConvTranspose1d",
            "torch.nn.ConvTranspose2d",
        ),
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
                "the kernel is turned round; each input writes w[0] first, because the transpose undoes "
                "the way of the convolution, not its kernel",
                _spread_flipped,
            ),
            Wrong(
                "where two copies of the kernel meet, the later one replaces the earlier; they must be added",
                _spread_overwrites,
            ),
            Wrong(
                "this is an ordinary convolution: each output gathers k inputs; here each input writes k outputs",
                _spread_gathers,
            ),
            Wrong("padding is not cut off: remove that many values at each end of the output", _spread_not_cut),
            Wrong(
                "padding was added as zeros; a transposed convolution cuts so many values off at each end",
                _spread_zeros_at_the_ends,
            ),
        ),
        hints=(
            "Begin with an array of zeros, as long as your answer to 5.1 says for a padding of 0.",
            "Go through the inputs. Input $i$ adds `x[i] * w` to the $k$ places from `stride * i` on; use `+=`.",
            "At the end cut: `y[padding : len(y) - padding]`. (`y[padding:-padding]` is empty for a padding of 0.)",
        ),
        right=(
            "This loop is the decoder's upsampling. In two dimensions each input pixel writes a small picture, "
            "and neighbours overlap; for a stride above 1 the same comes from setting zeros between the inputs."
        ),
        parts={"ordinary": 3, "padding": 1},
        forbidden=(
            "torch.nn.functional.conv_transpose1d",
            "torch.nn.ConvTranspose1d",
            "torch.nn.functional.conv_transpose2d",
        ),
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
                _overlaps_mean,
            ),
            Wrong("each pixel is counted at most once: add 1 for each input that reaches it", _overlaps_set),
            Wrong("the padding is not cut off at the two ends", _overlaps_not_cut),
            Wrong("the padding is cut off at one end only; cut so many at each", _overlaps_cut_at_one_end),
        ),
        hints=(
            "Which values of $x$ and $w$ turn a transposed convolution into a count?",
            "With all inputs 1 and all weights 1, each input adds 1 to every place that it reaches. "
            "A loop with `counts[stride * i : stride * i + kernel] += 1` does it.",
        ),
        right=(
            "Where the stride divides the kernel's length, all inner pixels get the same count. "
            "Where it does not, no training data are needed to see the pattern coming."
        ),
        forbidden=("torch.nn.functional.conv_transpose1d", "torch.nn.functional.conv_transpose2d"),
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
            Wrong("there is no warm-up: the first `rise` steps should rise in a line", _rate_without_warm_up),
            Wrong(
                "the warm-up begins at 0, so the first step changes nothing; step 0 should take highest / rise",
                _rate_from_zero,
            ),
            Wrong(
                "the cosine counts from step 0, so the rate jumps at the end of the warm-up; count from `rise` on",
                _rate_falls_from_the_start,
            ),
            Wrong(
                "the cosine itself falls to -1, and a negative rate makes the loss grow; use (1 + cos) / 2",
                _rate_negative,
            ),
            Wrong("the rate falls in a line, not along a cosine", _rate_in_a_line),
        ),
        hints=(
            "Two cases: `step < rise`, and all others. `math.cos` and `math.pi` are what you need.",
            "After the warm-up the share of the way is $(t - U) / (T - U)$: 0 at step $U$, nearly 1 at the last step.",
        ),
        right=(
            "The rate is a function of the step alone. "
            "So a training that was interrupted goes on as if nothing had happened, without any stored state."
        ),
        forbidden=("a2d.training.learning_rate",),
    ),
    Question(
        id="5.5",
        title="read a training curve",
        points=2,
        minutes=10,
        text=(
            "A friend trains the generator and shows you this.\n\n"
            "| epoch | reconstruction (nats) | KL (nats) | accuracy |\n"
            "|---|---|---|---|\n"
            "| 1 | 472.6 | 110.8 | 12 % |\n"
            "| 3 | 204.3 | 41.9 | 16 % |\n"
            "| 4 | 197.5 | 31.2 | 47 % |\n"
            "| 10 | 184.3 | 14.7 | 90 % |\n"
            "| 60 | 176.9 | 5.0 | 94 % |\n\n"
            'They say: "The loss was practically done after epoch 3. '
            'From then on the accuracy rose without the loss, so the loss is useless."\n\n'
            "What do the loss terms say, and why does the accuracy rise while the loss looks flat?\n"
            "Write three to six sentences."
        ),
    ),
)
