"""Adam and Adadelta, as thin holders of state around torch's own functional implementations.

``torch.optim.Adam(...)`` imports torch's compiler on its first use, about 900 modules that nothing here needs;
the functional forms do not. The numbers are the same.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.adadelta import adadelta
from torch.optim.adam import adam


class Optimizer:
    """What both have in common: parameters, a learning rate that may change, and one dict of tensors per parameter."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, weight_decay: float = 0.0):
        self.parameters = list(parameters)
        self.lr, self.weight_decay = lr, weight_decay
        self.state: list[dict[str, Tensor]] = [self._fresh(p) for p in self.parameters]

    def _fresh(self, parameter: Tensor) -> dict[str, Tensor]:
        """The state of a parameter before its first step."""
        raise NotImplementedError

    def _update(self, parameters: list[Tensor], state: list[dict[str, Tensor]]) -> None:
        """One step of the parameters that have a gradient."""
        raise NotImplementedError

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move the parameters that have a gradient."""
        used = [(p, s) for p, s in zip(self.parameters, self.state, strict=True) if p.grad is not None]
        self._update([p for p, _ in used], [s for _, s in used])


class Adam(Optimizer):
    """D. Kingma and J. Ba (2015), arXiv:1412.6980, with beta 0.9 and 0.999, epsilon 1e-8."""

    def _fresh(self, parameter: Tensor) -> dict[str, Tensor]:
        return {
            "step": torch.zeros(()),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }

    def _update(self, parameters: list[Tensor], state: list[dict[str, Tensor]]) -> None:
        adam(
            parameters,
            [p.grad for p in parameters],
            [s["exp_avg"] for s in state],
            [s["exp_avg_sq"] for s in state],
            [],
            [s["step"] for s in state],
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=self.lr,
            weight_decay=self.weight_decay,
            eps=1e-8,
            maximize=False,
        )


class Adadelta(Optimizer):
    """M. Zeiler (2012), arXiv:1212.5701, with rho 0.9 and epsilon 1e-6, as in PyTorch's basic MNIST example."""

    def _fresh(self, parameter: Tensor) -> dict[str, Tensor]:
        return {
            "step": torch.zeros(()),
            "square_avg": torch.zeros_like(parameter),
            "acc_delta": torch.zeros_like(parameter),
        }

    def _update(self, parameters: list[Tensor], state: list[dict[str, Tensor]]) -> None:
        adadelta(
            parameters,
            [p.grad for p in parameters],
            [s["square_avg"] for s in state],
            [s["acc_delta"] for s in state],
            [s["step"] for s in state],
            foreach=False,
            lr=self.lr,
            rho=0.9,
            eps=1e-6,
            weight_decay=self.weight_decay,
            maximize=False,
        )
