"""Exercises of lecture 09: sharper hands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.checks.comparison import describe, difference, pattern
from a2d.exercises import calls
from a2d.exercises.model import Case, Exercise, Question, Wrong

if TYPE_CHECKING:
    from torch import Tensor

# --------------------------------------------------------------------------------------- 9.1 what a decoder is given


def _conditioned(z: np.ndarray, digits: np.ndarray) -> np.ndarray:
    return _joined(z, np.eye(10)[digits])


def _joined(z: np.ndarray, asked: np.ndarray, first: bool = False) -> np.ndarray:
    """Each row of ``z`` with each row of ``asked`` behind it, or before it."""
    shape = (len(z), len(asked))
    both = [np.broadcast_to(z[:, None], (*shape, z.shape[1])), np.broadcast_to(asked, (*shape, asked.shape[1]))]
    return np.concatenate(both[::-1] if first else both, axis=-1)


def _only_asked(z: np.ndarray, digits: np.ndarray) -> np.ndarray:
    return _joined(z, (digits[:, None] == np.unique(digits)).astype(float))


def _added(z: np.ndarray, digits: np.ndarray) -> np.ndarray:
    return np.repeat(z[:, None], len(digits), 1) + digits[:, None]


def _conditioned_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n in range(5):
        hands, d = int(rng.integers(2, 4)) + (n == 4), int(rng.integers(2, 5))
        digits = rng.choice(np.arange(1, 10), int(rng.integers(2, 4)) + 2 * (n == 3), replace=False)
        digits = np.arange(10) if n == 2 else digits
        cases.append(Case((rng.normal(size=(hands, d)).round(2), digits), f"{hands} hands of {d} numbers, {digits}"))
    return cases


# ------------------------------------------------------------------------------------------ 9.2 what a style gives away


def _leak(z: np.ndarray, digits: np.ndarray) -> float:
    return _probe(z, digits)


def _probe(
    z: np.ndarray, digits: np.ndarray, one: bool = True, tested: slice | None = None, fitted: slice | None = None
) -> float:
    """Share of digits that least squares read on some rows of ``z``, fitted on others: the second half, the first."""
    n = len(z) // 2
    x = np.column_stack([z, np.ones(len(z))]) if one else z
    fit, test = fitted or slice(0, n), tested or slice(n, None)
    weights = np.linalg.lstsq(x[fit], np.eye(10)[digits[fit]], rcond=None)[0]
    return float(((x[test] @ weights).argmax(1) == digits[test]).mean())


def _probe_fitted(z: np.ndarray, digits: np.ndarray) -> float:
    n = len(z) // 2
    return _probe(z, digits, tested=slice(0, n))


def _probe_all(z: np.ndarray, digits: np.ndarray) -> float:
    return _probe(z, digits, tested=slice(None), fitted=slice(None))


def _probe_number(z: np.ndarray, digits: np.ndarray) -> float:
    n = len(z) // 2
    x = np.column_stack([z, np.ones(len(z))])
    weights = np.linalg.lstsq(x[:n], digits[:n].astype(float), rcond=None)[0]
    return float((np.rint(x[n:] @ weights) == digits[n:]).mean())


def _leak_cases(rng: np.random.Generator) -> list[Case]:
    """Styles that lie away from 0, so that the constant is needed; some hold the digit, some do not."""
    cases = []
    for strength in (0.0, 0.3, 0.8, 1.5):
        n, d = 2 * int(rng.integers(120, 160)), int(rng.integers(8, 13))
        digits = rng.integers(0, 10, n)
        centres = strength * rng.normal(size=(10, d))
        z = (3 + centres[digits] + rng.normal(size=(n, d))).round(3)
        told = f"{n} styles of {d} numbers, {'which know nothing of' if not strength else 'which give away some of'}"
        cases.append(Case((z, digits), f"{told} the digit"))
    return cases


# ------------------------------------------------------------------------------------------------- 9.3 hinge losses


def _hinge(real: Tensor, drawn: Tensor) -> Tensor:
    return _players((1 - real).relu().mean() + (1 + drawn).relu().mean(), -drawn.mean())


def _players(discriminator: Tensor, generator: Tensor) -> Tensor:
    import torch

    return torch.stack([discriminator, generator])


def _hinge_logistic(real: Tensor, drawn: Tensor) -> Tensor:
    from torch.nn.functional import softplus

    return _players(softplus(-real).mean() + softplus(drawn).mean(), softplus(-drawn).mean())


def _hinge_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for _ in range(5):
        real, drawn = rng.normal(0.6, 1.2, int(rng.integers(3, 7))), rng.normal(-0.5, 1.2, int(rng.integers(3, 7)))
        # Some on either side of each hinge.
        real[:2], drawn[:2] = (1.7, -0.4), (-1.6, 0.3)
        cases.append(Case((real.round(2), drawn.round(2))))
    return cases


def _hinge_verify(case: Case, expected: Any, got: Any) -> str:
    if not isinstance(got, tuple) or np.shape(got[0]) != (2,):
        shown = got[0] if isinstance(got, tuple) else got
        return f"Expected a tensor of two numbers, the discriminator's loss and the generator's, got {describe(shown)}."
    if found := difference(expected[0], got[0], 1e-4, 1e-5):
        return found
    for name, right, theirs in zip(("real", "drawn"), expected[1:], got[1:], strict=True):
        if found := difference(right, theirs, 1e-4, 1e-5):
            return f"The values are right, but not the gradient in {name}: {found}"
    return ""


# -------------------------------------------------------------------------------------------------- 9.4 flow matching

Field = Callable[..., Any]


def _flow_loss(field: Field, z0: Tensor, z1: Tensor, t: Tensor) -> Tensor:
    return _matched(field, z0 + t[:, None] * (z1 - z0), z1 - z0, t)


def _matched(field: Field, place: Tensor, wanted: Tensor, t: Tensor) -> Tensor:
    return (field(place, t) - wanted).square().mean()


def _flow_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n in range(5):
        b, d = int(rng.integers(2, 6)), int(rng.integers(2, 4))
        z0, z1 = rng.normal(size=(b, d)).round(2), rng.normal(1, 1, (b, d)).round(2)
        t = rng.uniform(0.05, 0.95, b).round(2)
        if n == 4:
            t[:2] = 0.0, 1.0
        weights = rng.normal(size=(d + 1, d)).round(2)
        cases.append(Case((weights, z0, z1, t), f"a field in {d} dimensions and a batch of {b} pairs, t = {t}"))
    return cases


def _flow_verify(case: Case, expected: Any, got: Any) -> str:
    if not isinstance(got, tuple) or len(got) != 2:
        return f"Expected one number with a gradient, got {describe(got)}."
    told = difference(expected[0], got[0], 1e-4, 1e-5)
    if told or not (found := difference(expected[1], got[1], 1e-4, 1e-5)):
        return told
    return f"The value is right, but not its gradient in the field: {found} {pattern([(expected[1], got[1])], 1e-4, 0)}"


# ---------------------------------------------------------------------------------------------------- 9.5 Heun's step


def _heun(field: Field, z: Tensor, t: Tensor, h: float) -> Tensor:
    return z + h / 2 * _two_velocities(field, z, t, h, h)


def _two_velocities(field: Field, z: Tensor, t: Tensor, step: float, later: float) -> Tensor:
    here = field(z, t)
    total: Tensor = here + field(z + step * here, t + later)
    return total


def _midpoint(field: Field, z: Tensor, t: Tensor, h: float) -> Tensor:
    out: Tensor = z + h * field(z + h / 2 * field(z, t), t + h / 2)
    return out


def _second_only(field: Field, z: Tensor, t: Tensor, h: float) -> Tensor:
    out: Tensor = z + h * field(z + h * field(z, t), t + h)
    return out


def _second_from_there(field: Field, z: Tensor, t: Tensor, h: float) -> Tensor:
    there = z + h * field(z, t)
    out: Tensor = there + h / 2 * (field(z, t) + field(there, t + h))
    return out


def _heun_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n, h in enumerate((0.25, 0.5, 0.1, -0.25, -0.5)):
        b, d = int(rng.integers(2, 5)), int(rng.integers(2, 4))
        z = rng.normal(size=(b, d)).round(2)
        t = np.full(b, 0.0 if n == 0 else 0.6)
        weights = (1.5 * rng.normal(size=(d + 1, d))).round(2)
        way = "backwards" if h < 0 else "forwards"
        cases.append(Case((weights, z, t, h), f"{b} places in {d} dimensions, at t = {t[0]:g} a step {way}, h = {h:g}"))
    return cases


# ---------------------------------------------------------------------------------------------- 9.6 a voice and a hand

# Two voices whose numbers differ by 1 are two people; one voice differs from day to day by about this much.
_DAY = 0.03


def _hand_of(voices: np.ndarray, size: int) -> np.ndarray:
    """A sum of waves through the space of voices: a smooth function, the same for everybody."""
    rng = np.random.default_rng(0)
    waves = rng.normal(size=(voices.shape[1], 1000)) / 0.6
    phases = rng.uniform(0, 2 * np.pi, 1000)
    heights = rng.normal(size=(1000, size)) * np.sqrt(2 / 1000)
    return np.asarray(np.cos(voices @ waves + phases) @ heights)


def _hand_zeros(voices: np.ndarray, size: int) -> np.ndarray:
    return np.zeros((len(voices), size))


def _hand_by_chance(voices: np.ndarray, size: int) -> np.ndarray:
    return np.random.default_rng().normal(size=(len(voices), size))


def _hand_by_place(voices: np.ndarray, size: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(len(voices), size))


def _hand_hashed(voices: np.ndarray, size: int) -> np.ndarray:
    seeds = [abs(int(1e6 * v)) for v in voices.sum(1)]
    return np.stack([np.random.default_rng(seed).normal(size=size) for seed in seeds])


def _hand_copied(voices: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(np.resize(voices.T, (size, len(voices))).T)


def _hand_unscaled(voices: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(voices @ (4 * np.random.default_rng(0).normal(size=(voices.shape[1], size))))


def _hand_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for k, size in ((3, 33), (5, 17), (4, 12), (3, 24)):
        voices = rng.normal(size=(400, k))
        again = voices + _DAY * rng.normal(size=voices.shape)
        inputs = [(voices, size), (again, size), (voices[rng.permutation(400)[:7]], size)]
        cases.append(Case((inputs,), f"400 voices of {k} numbers each, and hands of {size} numbers"))
    return cases


def _faults(case: Case, got: Any) -> dict[str, str]:
    """What a map from voices to hands lacks, by name, in the order in which it is told."""
    (inputs,) = case.args
    hands = [np.asarray(one, dtype=float) for one in got]
    shapes = [(len(voices), size) for voices, size in inputs]
    if [one.shape for one in hands] != shapes or not all(np.isfinite(one).all() for one in hands):
        return {"shape": f"Expected finite numbers of shape {shapes[0]}, one hand for each voice."}
    hand, again, alone = hands
    found: dict[str, str] = {}
    some = (inputs[0][0] == inputs[2][0][:, None]).all(-1).argmax(1)  # who the seven are
    if not np.allclose(alone, hand[some], atol=1e-3):
        away = np.abs(alone - hand[some]).max()
        text = f"Seven of these voices, given without the others, get other hands (by up to {away:.2g})."
        found["alone"] = f"{text} A hand may depend on its own voice only, not on chance or company."
    if (day := np.square(again - hand).mean() / 2) > 0.15:
        text = "The same people on another day, who sound a hair different, get other hands"
        found["day"] = f"{text}: half of the mean squared difference is {day:.2f}, at most 0.15 is allowed."
    centred = hand - hand.mean(0)
    if (apart := np.square(centred).mean()) < 0.5:
        text = "Different voices get nearly the same hand"
        found["same"] = f"{text}: half of the mean squared difference is {apart:.2f}, about 1 is wanted."
    spread, centre = hand.std(0), hand.mean(0)
    if spread.min() < 0.5 or spread.max() > 1.6 or np.abs(centre).max() > 0.6:
        text = f"Over all voices the means of a hand's numbers go from {centre.min():.2f} to {centre.max():.2f}"
        found["scale"] = f"{text}, their standard deviations from {spread.min():.2f} to {spread.max():.2f}: N(0, 1)?"
    elif not 0.01 <= (far := float((np.abs(hand) > 2).mean())) <= 0.09:
        found["scale"] = f"Beyond 2 lie {100 * far:.0f} % of all numbers; of N(0, 1) it is about 5 %."
    if spread.min() > 1e-9 and (copies := _copies(centred / spread)):
        found["copies"] = f"{copies} pairs of a hand's numbers are the same for every voice, or the opposite."
    return found


def _copies(z: np.ndarray) -> int:
    """Pairs of columns that are one another's copies, if they are more than one in twenty: a few may be by chance."""
    together = np.abs(z.T @ z / len(z))[np.triu_indices(z.shape[1], 1)]
    many = int((together > 0.99).sum())
    return many if many > 0.05 * len(together) else 0


def _hand_verify(case: Case, expected: Any, got: Any) -> str:
    return next(iter(_faults(case, got).values()), "")


def _has(*faults: str) -> Callable[[Case, Any, Any], bool]:
    return lambda case, expected, got: list(_faults(case, got)) == list(faults)


def _too_large(case: Case, expected: Any, got: Any) -> bool:
    return float(np.median(np.asarray(got[0], dtype=float).std(0))) > 2


EXERCISES = (
    Exercise(
        id="9.1",
        title="every hand writes every digit",
        points=2,
        difficulty=2,
        minutes=10,
        signature="conditioned(z: np.ndarray, digits: np.ndarray) -> np.ndarray",
        reference=_conditioned,
        cases=_conditioned_cases,
        wrong=(
            Wrong(
                "the digit is appended as one number, as if a 3 lay between 2 and 4; append ten, with a 1 at its place",
                lambda z, n: _joined(z, n[:, None].astype(float)),
            ),
            Wrong("only the digits that are asked for have a place of their own; there are always ten", _only_asked),
            Wrong("the ten numbers stand before the hand, not behind it", lambda z, n: _joined(z, np.eye(10)[n], True)),
            Wrong("hands and digits have changed their axes", lambda z, n: np.swapaxes(_conditioned(z, n), 0, 1)),
            Wrong("the digit is added to the hand; it is to be appended to it", _added),
        ),
        hints=(
            "`np.eye(10)[digits]` has a row for each digit: nine zeros, and a 1 at the digit's place.",
            "Begin with `np.zeros((len(z), len(digits), d + 10))`. Fill the first $d$ numbers of the last axis from "
            "`z[:, None, :]`, the other ten from the rows above: the missing axis is filled by repetition.",
        ),
        right="This is all that *conditioning* is. The next figure draws with your array: one hand in each row.",
    ),
    Exercise(
        id="9.2",
        title="what does a style give away?",
        points=3,
        difficulty=3,
        minutes=15,
        signature="leak(z: np.ndarray, digits: np.ndarray) -> float",
        reference=_leak,
        cases=_leak_cases,
        wrong=(
            Wrong("it is tested on the half that it was fitted to, where chance looks like knowledge", _probe_fitted),
            Wrong("it is fitted to all rows and tested on all rows; keep the second half for the test", _probe_all),
            Wrong(
                "the constant is missing: append a 1 to each style, or the probe must go through 0",
                lambda z, n: _probe(z, n, one=False),
            ),
            Wrong("the digit is fitted as one number and rounded; fit ten, of which the largest wins", _probe_number),
            Wrong("this is the share that is read wrongly", lambda z, n: 1 - _probe(z, n)),
            Wrong(
                "the halves are exchanged: fit the first one, test the second",
                lambda z, n: _probe(z, n, tested=slice(0, len(z) // 2), fitted=slice(len(z) // 2, None)),
            ),
        ),
        hints=(
            "`np.column_stack([z, np.ones(len(z))])` appends the 1; `np.eye(10)[digits]` are the ten numbers to fit.",
            "`np.linalg.lstsq(x, y, rcond=None)[0]` gives the weights, with the shape (numbers of x, 10).",
            "The reading of a row is the place of the largest of its ten fitted numbers: `argmax(axis=1)`.",
        ),
        right=(
            "A tenth is guessing. More than that says for certain that the style holds the digit; a tenth does not say "
            "that it holds nothing, only that no straight line finds it."
        ),
        forbidden=("a2d.hands.class_leak",),
    ),
    Exercise(
        id="9.3",
        title="two losses for two players",
        points=2,
        difficulty=2,
        minutes=10,
        signature="hinge(real: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor",
        reference=_hinge,
        cases=_hinge_cases,
        call=calls.gradients,
        verify=_hinge_verify,
        rtol=1e-4,
        atol=1e-5,
        wrong=(
            Wrong(
                "real and drawn are exchanged: the discriminator is to give high numbers to the real ones",
                lambda r, d: _players((1 + r).relu().mean() + (1 - d).relu().mean(), -d.mean()),
            ),
            Wrong(
                "nothing is cut off at 0, so the discriminator gains without an end by ever larger numbers",
                lambda r, d: _players((1 - r).mean() + (1 + d).mean(), -d.mean()),
            ),
            Wrong(
                "the generator's loss has its sign turned: it would learn to look drawn",
                lambda r, d: _players((1 - r).relu().mean() + (1 + d).relu().mean(), d.mean()),
            ),
            Wrong(
                "the generator has no hinge: its loss is only minus the mean",
                lambda r, d: _players((1 - r).relu().mean() + (1 + d).relu().mean(), (1 - d).relu().mean()),
            ),
            Wrong(
                "these are sums over the pictures, not means",
                lambda r, d: _players((1 - r).relu().sum() + (1 + d).relu().sum(), -d.sum()),
            ),
            Wrong("these are the losses with logarithms, which came first; the hinge has none", _hinge_logistic),
            Wrong("the generator's loss comes second", lambda r, d: _hinge(r, d).flip(0)),
            Wrong(
                "detach takes the gradient away; who learns from which loss is decided outside",
                lambda r, d: _hinge(r, d.detach()),
            ),
        ),
        hints=(
            "`torch.relu(a)` is $\\max(0, a)$ for each number of `a`.",
            "What should be above 1 costs $\\max(0, 1 - a)$, what should be below -1 costs $\\max(0, 1 + a)$.",
            "`torch.stack([first, second])` makes one tensor of two numbers and keeps their gradients.",
        ),
        right=(
            "Beyond the hinge there is nothing to gain: a discriminator that is sure enough turns to the pictures that "
            "it cannot tell yet. Two players will train with your losses in the next cells."
        ),
    ),
    Exercise(
        id="9.4",
        title="the loss of flow matching",
        points=3,
        difficulty=3,
        minutes=15,
        signature="flow_loss(field: Callable, z0: torch.Tensor, z1: torch.Tensor, t: torch.Tensor) -> torch.Tensor",
        reference=_flow_loss,
        cases=_flow_cases,
        call=calls.trains_a_field,
        verify=_flow_verify,
        rtol=1e-4,
        atol=1e-5,
        wrong=(
            Wrong(
                "the velocity is turned round: the line leads from the noise z0 to the latent z1",
                lambda f, a, b, t: _matched(f, a + t[:, None] * (b - a), a - b, t),
            ),
            Wrong(
                "time runs the other way: at t = 0 the place is the noise, at t = 1 the latent",
                lambda f, a, b, t: _matched(f, b + t[:, None] * (a - b), b - a, t),
            ),
            Wrong(
                "the field is to give the latent z1; it is to give the velocity z1 - z0",
                lambda f, a, b, t: _matched(f, a + t[:, None] * (b - a), b, t),
            ),
            Wrong(
                "what is left of the way is taken for the velocity; on a straight line it is z1 - z0 all the time",
                lambda f, a, b, t: _matched(f, a + t[:, None] * (b - a), (1 - t[:, None]) * (b - a), t),
            ),
            Wrong(
                "the field is asked at the noise, not at the place on the line",
                lambda f, a, b, t: _matched(f, a, b - a, t),
            ),
            Wrong(
                "the field is asked at the latent, not at the place on the line",
                lambda f, a, b, t: _matched(f, b, b - a, t),
            ),
            Wrong(
                "the field is asked at the time 0, not at t",
                lambda f, a, b, t: _matched(f, a + t[:, None] * (b - a), b - a, 0 * t),
            ),
            Wrong(
                "squares are summed over the dimensions; take the mean over these too",
                lambda f, a, b, t: _flow_loss(f, a, b, t) * a.shape[1],
            ),
            Wrong("the root is taken of the mean square", lambda f, a, b, t: _flow_loss(f, a, b, t).sqrt()),
        ),
        hints=(
            "`t` has the shape (b,), the places have (b, d): `t[:, None]` has the shape (b, 1), which fits both.",
            "The place on the line is $(1 - t) \\, z_0 + t \\, z_1$. Its derivative in $t$ is the velocity.",
            "Ask `field` at the place and the time, subtract the velocity, square, and take the mean of all numbers.",
        ),
        right=(
            "Nothing in it looks at two pictures of one place, or at the end of any way. Each line is a single sample, "
            "as a random target was. The next cells train with your function."
        ),
        forbidden=("a2d.hands.straight_path",),
    ),
    Exercise(
        id="9.5",
        title="a step of Heun",
        points=2,
        difficulty=3,
        minutes=10,
        signature="heun_step(field: Callable, z: torch.Tensor, t: torch.Tensor, h: float) -> torch.Tensor",
        reference=_heun,
        cases=_heun_cases,
        call=calls.in_a_field,
        rtol=1e-4,
        atol=1e-5,
        wrong=(
            Wrong("this is Euler's step: the velocity at its end is not looked at", lambda f, z, t, h: z + h * f(z, t)),
            Wrong("both velocities are added; take their mean", lambda f, z, t, h: 2 * _heun(f, z, t, h) - z),
            Wrong(
                "the second velocity is taken at the guessed end, but at the time of the beginning",
                lambda f, z, t, h: z + h / 2 * _two_velocities(f, z, t, h, 0.0),
            ),
            Wrong(
                "the second velocity is taken at the beginning, though at the later time",
                lambda f, z, t, h: z + h / 2 * _two_velocities(f, z, t, 0.0, h),
            ),
            Wrong(
                "the guess goes on by a whole velocity, not by h of it",
                lambda f, z, t, h: z + h / 2 * _two_velocities(f, z, t, 1.0, h),
            ),
            Wrong("this is the midpoint rule, which is as good; Heun's step takes the two ends", _midpoint),
            Wrong("only the velocity at the guessed end is used; take the mean of both", _second_only),
            Wrong("the step begins at the guessed end; the guess is only for asking", _second_from_there),
        ),
        hints=(
            "First the velocity `here`, at `z` and `t`. With it guess where the step ends.",
            "Then the velocity `there`, at the guess and the time `t + h`. Forget the guess.",
            "Go from `z` by `h` times the mean of the two.",
        ),
        right=(
            "Two looks at the field for a step, and the error of the whole way falls with the square of the step. "
            "The next figure measures it with your function."
        ),
        forbidden=("a2d.hands.integrate",),
    ),
    Exercise(
        id="9.6",
        title="whose hand is this?",
        points=3,
        difficulty=4,
        minutes=20,
        signature="hand_of(voices: np.ndarray, size: int) -> np.ndarray",
        reference=_hand_of,
        cases=_hand_cases,
        call=calls.many,
        verify=_hand_verify,
        wrong=(
            Wrong("everybody gets the same hand", _hand_zeros, _has("same", "scale")),
            Wrong("hands are drawn by chance, so nobody has one", _hand_by_chance, _has("alone", "day")),
            Wrong(
                "who comes first gets the first hand, whoever it is: seed by what is heard, not by the place in a list",
                _hand_by_place,
                _has("alone"),
            ),
            Wrong(
                "the voice seeds a random generator, so a hair's difference gives another hand; let it change smoothly",
                _hand_hashed,
                _has("day"),
            ),
            Wrong("the numbers of a voice are repeated, so a hand's numbers are copies", _hand_copied, _has("copies")),
            Wrong("a hand's numbers are far too large", _hand_unscaled, _too_large),
        ),
        hints=(
            "The function must be one and the same for everybody: draw whatever is random in it from "
            "`np.random.default_rng(0)` *inside* the function, and let it not depend on how many voices come.",
            "One way is a weighted sum of the voice's numbers, with random weights for each number of the hand. A sum "
            "of weights times N(0, 1) is N(0, 1) if the squares of the weights add up to 1.",
            "A way with more variety: a sum of many waves $\\cos(\\ldots)$ of random direction and phase. How fast "
            "they turn decides how unlike two voices must be to get different hands.",
        ),
        right=(
            "Same voice, same hand; another voice, another hand; and every hand is one that the generator knows from "
            "its training. Your function gives the speakers of this lecture their hands."
        ),
        forbidden=("a2d.hands.voice.hand_of",),
    ),
    Question(
        id="9.7",
        title="invented patients",
        points=2,
        minutes=10,
        text=(
            "A hospital may not give its X-rays away and wants to publish invented ones, so that others can train a "
            "program which finds fractures. Three generators, each trained once. *Read*: share in which the hospital's "
            "own program finds what was asked for; *variety* as here; *score*: how many real X-rays a program reads "
            "that learned from the invented ones alone; *nearest*: the distance to the nearest training image, over "
            "that of real X-rays.\n\n"
            "| | read | variety | score | nearest |\n|---|---|---|---|---|\n"
            "| A | 99 % | 0.35 | 71 % | 1.1 |\n| B | 96 % | 1.00 | 93 % | 0.1 |\n| C | 93 % | 0.94 | 90 % | 1.0 |\n\n"
            "Which one may be published, and why not the others? Explain how A can be read best and teach least. "
            "What would you have measured before you decide? Write five to seven sentences."
        ),
    ),
)
