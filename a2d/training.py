"""The one training loop: seeds, progress bar, checkpoints, resume.

Everything random in epoch ``e`` is drawn from a generator seeded by ``(seed, e)``, so a run that was killed and
resumed from the checkpoint of its last whole epoch gives the same numbers as one that was never interrupted.
Checkpoints are safetensors files: tensors and text, never pickled objects. Lecture 05 explains the loop.

>>> config = TrainConfig(epochs=10, lr=0.1, schedule="cosine")
>>> [round(learning_rate(config, step, 1), 3) for step in (0, 1, 5, 9)]
[0.1, 0.1, 0.059, 0.003]
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from a2d.errors import ModelError, TrainingError, refuse
from a2d.io import tensorfile

CHECKPOINT = "checkpoint.safetensors"

Optimizer = Literal["adam", "adam-without-momentum", "adamw", "adadelta"]


@dataclass(frozen=True)
class TrainConfig:
    """How to train: ``epochs``, ``batch_size`` (items), ``lr`` (the highest learning rate), optimiser and schedule.

    ``schedule``: ``"constant"``; ``"step"`` multiplies the rate by ``gamma`` after each epoch; ``"cosine"`` warms
    up over ``warmup`` (a share of all steps) and then falls to zero along a cosine.
    ``average``: decay per step of an exponential moving average of the weights, which is what is validated and
    kept at the end (Polyak averaging); 0 keeps the weights themselves.
    """

    epochs: int = 60
    batch_size: int = 64
    optimizer: Optimizer = "adam"
    lr: float = 1e-3
    schedule: Literal["constant", "step", "cosine"] = "constant"
    gamma: float = 0.7
    warmup: float = 0.1
    weight_decay: float = 0.0
    average: float = 0.0

    def __post_init__(self) -> None:
        problems = {
            "epochs": self.epochs >= 1,
            "batch_size": self.batch_size >= 1,
            "optimizer": self.optimizer in get_args(Optimizer),
            "lr": math.isfinite(self.lr) and self.lr > 0,
            "schedule": self.schedule in ("constant", "step", "cosine"),
            "gamma": 0 < self.gamma <= 1,
            "warmup": 0 <= self.warmup < 1,
            "weight_decay": self.weight_decay >= 0,
            "average": 0 <= self.average < 1,
        }
        refuse(problems, self, "training")


class Task(Protocol):
    """What is trained: a model, the number of items, the loss of some of them, and a look at how well it does."""

    @property
    def model(self) -> nn.Module:
        """What is trained, in place."""
        ...

    @property
    def n_items(self) -> int:
        """How many items there are to learn from."""
        ...

    def loss(self, indices: Tensor, rng: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Mean loss over the items ``indices (b,)`` (a scalar with gradient), and terms to log (means per item).

        ``progress`` is the share of the training's steps that lie behind, from 0 to nearly 1.
        """
        ...

    def validate(self, rng: torch.Generator) -> dict[str, float]:
        """Numbers that are logged once per epoch, with the model in eval mode."""
        ...


@dataclass
class History:
    """What happened in each epoch: ``series[name][e]`` is the mean of ``name`` over epoch ``e``."""

    series: dict[str, list[float]] = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        """Number of whole epochs so far."""
        return max((len(v) for v in self.series.values()), default=0)

    def append(self, values: dict[str, float]) -> None:
        """Add one epoch's numbers."""
        for name, value in values.items():
            self.series.setdefault(name, []).append(float(value))


def epoch_seed(seed: int, epoch: int) -> int:
    """One 63-bit seed for an epoch, from the run's seed and the epoch's number (NumPy's SeedSequence mixes them)."""
    high, low = np.random.SeedSequence([seed, epoch]).generate_state(2)
    return int(high) << 31 ^ int(low)


# What is random beside the training has a stream of its own for each purpose, so that no two draw the same numbers.
STREAMS = ("reading", "variety", "pictures", "annotated", "drawn", "target noise", "whole noise", "kept noise")


def stream(seed: int, purpose: str) -> torch.Generator:
    """The random generator of a run for one of the purposes in :data:`STREAMS`; no epoch's seed is among theirs."""
    return torch.Generator().manual_seed(epoch_seed(seed, 10**6 + STREAMS.index(purpose)))


def learning_rate(config: TrainConfig, step: int, steps_per_epoch: int) -> float:
    """The learning rate at ``step`` (from 0): a function of the step alone, so that resuming needs no state."""
    if config.schedule == "constant":
        return config.lr
    if config.schedule == "step":
        return config.lr * config.gamma ** (step // steps_per_epoch)
    total = config.epochs * steps_per_epoch
    rise = max(1, round(config.warmup * total))
    if step < rise:
        return config.lr * (step + 1) / rise
    return config.lr * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, total - rise)))


def half_precision(device: torch.device) -> torch.autocast:
    """A context in which matrix products and convolutions are in bfloat16, where that is faster; elsewhere it is empty.

    bfloat16 has 16 bits and float32's range. It is faster on processors with matrix tiles (AMX) and on newer GPUs.
    """
    if device.type == "cpu":
        fast = bool(torch.cpu.get_capabilities().get("amx_bf16"))
    else:
        fast = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(device.type, torch.bfloat16, enabled=fast)


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """The optimiser that ``config`` names, over the parameters that ask for a gradient.

    Adam: D. Kingma and J. Ba (2015), arXiv:1412.6980; AdamW decays the weights themselves, not by way of the gradient:
    I. Loshchilov and F. Hutter (2019), arXiv:1711.05101. Adadelta: M. Zeiler (2012), arXiv:1212.5701, as PyTorch's
    basic MNIST example has it. All with torch's own settings, but Adam without momentum, for two players who chase each
    other: the first decay 0 and the second 0.99, as in T. Miyato et al. (2018), arXiv:1802.05957, where it is 0.9.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    if config.optimizer == "adadelta":
        return torch.optim.Adadelta(parameters, config.lr, weight_decay=config.weight_decay, foreach=False)
    make = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    betas = (0.0, 0.99) if config.optimizer == "adam-without-momentum" else (0.9, 0.999)
    return make(parameters, config.lr, betas, weight_decay=config.weight_decay, fused=True)


class Averager:
    """An exponential moving average of a model's parameters (Polyak averaging); ``decay`` 0 follows them exactly."""

    def __init__(self, model: nn.Module, decay: float):
        self.decay, self.steps = decay, 0
        self.live = dict(model.named_parameters()) if decay else {}
        self.weights = {name: p.detach().clone() for name, p in self.live.items()}
        self._pair = list(self.weights.values()), [p.data for p in self.live.values()]

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights after a step; the first steps count more, so that the start is forgotten soon."""
        if self.decay:
            self.steps += 1
            decay = min(self.decay, self.steps / (self.steps + 9))
            torch._foreach_lerp_(*self._pair, 1 - decay)  # all tensors in one call: there are many small ones

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the model's weights and the average; call it twice to come back."""
        for mean, live in zip(*self._pair, strict=True):
            held = live.clone()
            live.copy_(mean)
            mean.copy_(held)


def _pack(model: nn.Module, optimizer: torch.optim.Optimizer, averager: Averager) -> dict[str, Tensor]:
    """Everything that must be the same after a resume, as flat tensors."""
    tensors = {f"model.{k}": v.clone() for k, v in model.state_dict().items()}
    tensors |= {f"average.{k}": v.clone() for k, v in averager.weights.items()}
    for index, parameter in enumerate(optimizer.param_groups[0]["params"]):
        tensors |= {f"optimizer.{index}.{k}": v.clone() for k, v in optimizer.state[parameter].items()}
    return tensors


def _unpack(tensors: dict[str, Tensor], model: nn.Module, optimizer: torch.optim.Optimizer, averager: Averager) -> None:
    """The inverse of :func:`_pack`."""
    model.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model.")})
    for name, mean in averager.weights.items():
        mean.copy_(tensors[f"average.{name}"])
    for index, parameter in enumerate(optimizer.param_groups[0]["params"]):
        start = f"optimizer.{index}."
        state = {k.removeprefix(start): v.to(parameter.device) for k, v in tensors.items() if k.startswith(start)}
        if not state or any(v.ndim and v.shape != parameter.shape for v in state.values()):
            raise ValueError(f"{start}* is missing or of another shape")
        # Files know no memory layout, and torch's fused Adam takes numbers as they lie in memory: lay them as the
        # parameter lies, or a network in channels_last would go on with the averages of other weights.
        optimizer.state[parameter] = {
            k: torch.empty_like(parameter).copy_(v) if v.ndim else v for k, v in state.items()
        }


def _resume(
    path: Path,
    identity: dict[str, Any],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    averager: Averager,
) -> tuple[int, History]:
    tensors, meta = tensorfile.load(path)
    if meta.get("identity") != identity:
        raise ModelError(
            "this checkpoint is of another recipe, seed or data set",
            where=path,
            hint="Resume with the same arguments, or train into a new folder",
        )
    try:
        _unpack(tensors, model, optimizer, averager)
        averager.steps = int(meta["averager_steps"])
        return int(meta["epoch"]), History(dict(meta["history"]))
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"this checkpoint does not fit the model ({error})", where=path, hint="Train into a new folder"
        ) from error


def _train_epoch(
    task: Task,
    config: TrainConfig,
    optimizer: torch.optim.Optimizer,
    averager: Averager,
    epoch: int,
    rng: torch.Generator,
    tick: Callable[[dict[str, float]], None],
) -> dict[str, float]:
    """One pass over the items in a new order; the mean of each logged term."""
    steps = math.ceil(task.n_items / config.batch_size)
    order = torch.randperm(task.n_items, generator=rng)
    sums: dict[str, float] = {}
    task.model.train()
    for step, indices in enumerate(order.split(config.batch_size)):
        optimizer.param_groups[0]["lr"] = learning_rate(config, epoch * steps + step, steps)
        optimizer.zero_grad()
        loss, terms = task.loss(indices, rng, (epoch * steps + step) / (config.epochs * steps))
        value = loss.item()
        if not math.isfinite(value):
            raise TrainingError(
                f"the loss became {value} in epoch {epoch + 1}, step {step + 1}",
                where="training",
                hint=f"Lower the learning rate ({config.lr:g}) or look for broken items in the data",
            )
        loss.backward()
        optimizer.step()
        averager.update()
        for name, term in {"loss": value, **terms}.items():
            sums[name] = sums.get(name, 0.0) + term * len(indices)
        tick({"loss": value})
    return {name: total / task.n_items for name, total in sums.items()}


def _refuse_not_finite(model: nn.Module, config: TrainConfig, epoch: int) -> None:
    """The loss is checked before each step; the epoch's last step can still have ruined the weights."""
    for name, value in model.named_parameters():
        if not torch.isfinite(value).all():
            raise TrainingError(
                f"the weights ({name}) are no longer finite after epoch {epoch + 1}",
                where="training",
                hint=f"Lower the learning rate ({config.lr:g})",
            )


def fit(
    task: Task,
    config: TrainConfig,
    *,
    seed: int,
    out: str | Path | None = None,
    resume: bool = False,
    identity: dict[str, Any] | None = None,
    progress: bool = False,
    title: str = "training",
    on_epoch: Callable[[int, dict[str, float]], bool | None] | None = None,
    device: str | torch.device = "cpu",
) -> History:
    """Train ``task.model`` in place and return what happened.

    ``out`` is a folder that gets a checkpoint after each epoch; with ``resume`` training goes on from the one that
    lies there, if any. ``identity`` says what is trained (recipe, data); a checkpoint of anything else is refused.
    ``on_epoch(epoch, numbers)`` is called after each epoch and stops the training by returning True.
    ``device`` is where the model is while it is trained; batches, targets and noise are drawn on the CPU whatever it
    is, so that they are the same (dropout's are the device's own).

    Raises :class:`~a2d.errors.TrainingError` when the loss is not finite and
    :class:`~a2d.errors.ModelError` for a checkpoint that cannot be resumed.
    """
    if task.n_items < 1:
        raise TrainingError("there is nothing to train on", where="training", hint="Give a data set that is not empty")
    identity = {**(identity or {}), "seed": seed, "config": asdict(config)}
    identity = json.loads(json.dumps(identity))  # as it will look when it is read back
    device = torch.device(device)
    task.model.to(device)
    optimizer, averager = make_optimizer(task.model, config), Averager(task.model, config.average)
    path = Path(out) / CHECKPOINT if out is not None else None
    start, history = 0, History()
    if resume and path is not None and path.exists():
        start, history = _resume(path, identity, task.model, optimizer, averager)
    steps = math.ceil(task.n_items / config.batch_size)
    bar = tqdm(
        total=config.epochs * steps,
        initial=start * steps,
        desc=title,
        unit="step",
        disable=not progress,
        leave=True,
    )
    # Dropout draws from torch's global generator: seed it per epoch, and give the caller's state back afterwards.
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), bar:
        for epoch in range(start, config.epochs):
            rng = torch.Generator().manual_seed(epoch_seed(seed, epoch))
            torch.manual_seed(epoch_seed(seed, epoch) ^ 1)
            numbers = _train_epoch(task, config, optimizer, averager, epoch, rng, lambda _: bar.update())
            averager.swap()
            task.model.eval()
            _refuse_not_finite(task.model, config, epoch)
            with torch.inference_mode():
                numbers |= task.validate(rng)
            averager.swap()
            history.append(numbers)
            bar.set_postfix({k: f"{v:.3g}" for k, v in numbers.items()}, refresh=False)
            if path is not None:
                meta = {
                    "identity": identity,
                    "epoch": epoch + 1,
                    "history": history.series,
                    "averager_steps": averager.steps,
                }
                tensorfile.save(path, _pack(task.model, optimizer, averager), meta)
            if on_epoch is not None and on_epoch(epoch, numbers):
                break
    averager.swap()
    task.model.to("cpu").eval()
    return history
