"""How an exercise's function is called with the plain data of a case.

Grading runs these beside a learner's function, where neither references nor expected results are in reach: nothing
here may know an answer. Each takes the function and a case's arguments, and gives plain data or arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from a2d.checks.comparison import Refused


def arguments(call: Callable[..., Any], *args: Any) -> tuple[Any, ...]:
    """What the function gets when ``call`` calls it with a case's arguments."""
    given: list[tuple[Any, ...]] = []

    def keep(*them: Any) -> None:
        given.append(them)

    call(keep, *args)
    return given[0]


def plain(function: Callable[..., Any], *args: Any) -> Any:
    """Call it with the arguments as they are."""
    return function(*args)


def but_last(function: Callable[..., Any], *args: Any) -> Any:
    """Call it with all arguments but the last, on which its result is tried afterwards."""
    return function(*args[:-1])


def pictures_but_last(function: Callable[..., Any], *args: Any) -> Any:
    """As :func:`but_last`, with a result of floats in single precision: pictures are many numbers."""
    result = but_last(function, *args)
    floats = isinstance(result, np.ndarray) and result.dtype == np.float64
    return result.astype(np.float32) if floats else result


def many(function: Callable[..., Any], inputs: list[tuple[Any, ...]]) -> Any:
    """Call it once for each of several inputs; the list of results, None if there is none at all."""
    results = [function(*one) for one in inputs]
    return None if all(one is None for one in results) else results


def tensors(function: Callable[..., Any], *args: Any) -> Any:
    """Call it with every array turned into a tensor (float32 for floats, int64 for whole numbers)."""
    return function(*(as_tensor(a) for a in args))


def gradients(function: Callable[..., Any], *args: Any) -> Any:
    """Call it as :func:`tensors`; the result, and the gradient of its sum in each argument of floats.

    An argument that the result does not depend on has the gradient 0. Raises ``Refused`` for a result that has no
    gradient: nothing can be trained with it.
    """
    import torch

    given = [as_tensor(a) for a in args]
    floats = [a.requires_grad_() for a in given if isinstance(a, torch.Tensor) and a.is_floating_point()]
    result = function(*given)
    if result is None or (isinstance(result, torch.Tensor) and result.requires_grad):
        pass
    elif isinstance(result, torch.Tensor):
        raise Refused("The result has no gradient, so nothing can be trained with it: leave out detach and no_grad.")
    else:
        kind = type(result).__name__
        raise Refused(f"The result is a {kind}, not a tensor with a gradient: leave out item, float and numpy.")
    if result is None:
        return None
    found = torch.autograd.grad(result.sum(), floats, allow_unused=True)
    return (result, *(torch.zeros_like(a) if g is None else g for a, g in zip(floats, found, strict=True)))


def as_tensor(value: Any) -> Any:
    """An array as a tensor, in torch's usual types; anything else as it is."""
    import torch

    if not isinstance(value, np.ndarray):
        return value
    kind = torch.float32 if value.dtype.kind == "f" else torch.int64 if value.dtype.kind in "iu" else torch.bool
    return torch.tensor(value).to(kind)


def _field(weights: Any) -> Callable[[Any, Any], Any]:
    """A velocity field with ``weights (d + 1, d)``: places ``(b, d)`` and times ``(b,)`` to velocities ``(b, d)``."""
    import torch

    d = weights.shape[1]

    def field(z: Any, t: Any) -> Any:
        if tuple(z.shape) != (len(z), d) or tuple(t.shape) != (len(z),):
            there = f"{tuple(z.shape)} and {tuple(t.shape)}"
            raise ValueError(f"field takes places of shape (b, {d}) and times of shape (b,), got {there}")
        return torch.tanh(torch.cat([z, t[:, None]], 1) @ weights)

    return field


def in_a_field(function: Callable[..., Any], weights: np.ndarray, *args: Any) -> Any:
    """Call it with a velocity field made of ``weights (d + 1, d)``, and the other arguments as tensors."""
    return function(_field(as_tensor(weights)), *(as_tensor(a) for a in args))


def trains_a_field(function: Callable[..., Any], weights: np.ndarray, *args: Any) -> Any:
    """As :func:`in_a_field`; the result, and its gradient in the field's weights.

    Raises ``Refused`` for a result that is no single number with a gradient: no field can be trained with it.
    """
    import torch

    known = as_tensor(weights).requires_grad_()
    result = function(_field(known), *(as_tensor(a) for a in args))
    if result is None:
        return None
    if not isinstance(result, torch.Tensor) or result.numel() != 1:
        what = f"shape {tuple(result.shape)}" if isinstance(result, torch.Tensor) else f"type {type(result).__name__}"
        raise Refused(f"The loss is to be one number, a tensor without axes; the result has the {what}.")
    if not result.requires_grad:
        raise Refused("The loss has no gradient in the field: call `field`, and leave out detach, no_grad and item.")
    return result, torch.autograd.grad(result.sum(), known)[0]


def judge_like(function: Callable[..., Any], sizes: tuple[int, int, int], frozen: tuple[str, ...]) -> Any:
    """Call it with a small network whose layers are named and ordered as the evaluator's.

    ``sizes``: channels of ``conv1`` and ``conv2``, outputs of ``fc1``; the layers in ``frozen`` ask for no gradient at
    first. Gives the result, and for each parameter of the network whether it asks for a gradient afterwards.
    """
    from torch import nn

    one, two, hidden = sizes
    net = nn.Module()
    net.conv1, net.conv2 = nn.Conv2d(1, one, 3), nn.Conv2d(one, two, 3)
    net.dropout1, net.dropout2 = nn.Dropout(0.25), nn.Dropout(0.5)
    net.fc1, net.fc2 = nn.Linear(4 * two, hidden), nn.Linear(hidden, 10)
    for name in frozen:
        getattr(net, name).requires_grad_(False)
    result = function(net)
    if result is None:
        return None
    return result, {name: parameter.requires_grad for name, parameter in net.named_parameters()}


def reader_with_dropout(
    function: Callable[..., Any], layers: list[np.ndarray], training: bool, images: np.ndarray, labels: np.ndarray
) -> Any:
    """Call it with a small network that has dropout, images and labels as tensors.

    ``layers``: the weights (hidden, pixels) and (10, hidden) of the network's two layers; ``training``: the mode in
    which it comes.
    """
    import torch
    from torch import nn

    (hidden, pixels), last = layers[0].shape, layers[1]
    net = nn.Sequential(
        nn.Flatten(),
        nn.Linear(pixels, hidden, bias=False),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(hidden, 10, bias=False),
    )
    with torch.no_grad():
        for at, weight in ((1, layers[0]), (4, last)):
            net[at].get_parameter("weight").copy_(as_tensor(weight))
    net.append(nn.LogSoftmax(dim=1)).train(training)
    return function(net, as_tensor(images), as_tensor(labels))


def scored(function: Callable[..., Any], image: np.ndarray, weights: np.ndarray, size: int) -> Any:
    """Call it with an image, a function that scores one image of that shape with a number, and a size.

    ``weights``, of the image's shape, say what the score is made of.
    """

    def score(one: np.ndarray) -> float:
        if np.shape(one) != weights.shape:
            raise ValueError(f"score takes an image of shape {weights.shape}, got {np.shape(one)}")
        return float(np.tanh((weights * one).sum()))

    return function(image, score, size)


def steps_of_a_vae(
    function: Callable[..., Any],
    encoder: np.ndarray,
    decoder: np.ndarray,
    features: np.ndarray,
    targets: np.ndarray,
    betas: list[float],
    noise: float,
) -> Any:
    """Call it once for each batch with a small VAE that comes in eval mode, and plain gradient descent.

    ``encoder`` (2 d, n) and ``decoder`` (pixels, d): the weights; ``features`` (steps, b, n), ``targets`` (steps, b,
    pixels) and ``betas``: what each step gets; ``noise`` on the features in train mode. Gives what each step returned,
    and the weights after the last one. Raises ``Refused`` for a step that returns a tensor.
    """
    import torch
    from torch import nn

    class Vae(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = nn.Parameter(as_tensor(encoder)), nn.Parameter(as_tensor(decoder))

        def forward(self, x: Any, rng: Any) -> tuple[Any, Any, Any]:
            x = x + noise * torch.randn(x.shape, generator=rng) if self.training else x
            mu, logvar = (x @ self.encoder.T).chunk(2, dim=1)
            z = mu + torch.exp(logvar / 2) * torch.randn(mu.shape, generator=rng)
            return z @ self.decoder.T, mu, logvar

    def cost(output: Any, target: Any, mu: Any, logvar: Any) -> tuple[Any, Any]:
        return (output - target).square().sum(1), (mu.square() + logvar.exp() - 1 - logvar).sum(1) / 2

    vae, rng = Vae().eval(), torch.Generator().manual_seed(0)
    optimizer, told = torch.optim.SGD(vae.parameters(), lr=0.01), []
    for x, target, beta in zip(as_tensor(features), as_tensor(targets), betas, strict=True):
        told.append(function(vae, optimizer, cost, (x, target), beta, rng))
    if any(isinstance(one, torch.Tensor) for one in told):
        raise Refused("The step returns a tensor, which keeps all that was computed for it: return loss.item().")
    return None if all(one is None for one in told) else (told, *vae.parameters())
