"""What the watch sees of an answer's calls: whatever name they go by, and nothing that is allowed."""

from __future__ import annotations

import contextlib
import functools
import gc
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy import fft, stats

from a2d import features, vae
from a2d.checks.watch import Watch

CONVOLUTIONS = ("torch.conv*", "torch.*fold*")
X, W = torch.ones(1, 1, 8), torch.ones(1, 1, 2)
AS_TRANSPOSED = (None, [1], [0], [1], True, [0], 1)


def used(function, forbidden=(), given=()) -> str:
    watch = Watch(forbidden, given)
    watch.over(function)()
    assert sys.getprofile() is None
    return watch.used


def by_gradient():
    y = torch.zeros(1, 1, 9, requires_grad=True)
    return torch.autograd.grad(torch.conv1d(y, W), y, X)


@pytest.mark.parametrize(
    "call",
    [
        lambda: torch.conv_transpose1d(X, W),
        lambda: getattr(torch, "conv_" + "transpose3d")(X[None, None], W[None, None]),
        lambda: torch.nn.functional.conv_transpose1d(X, W),
        lambda: torch.convolution(X, W, *AS_TRANSPOSED),
        lambda: torch.ops.aten.convolution(X, W, *AS_TRANSPOSED),
        lambda: torch.ops.aten.convolution.default(X, W, *AS_TRANSPOSED),
        lambda: torch.nn.grad.conv1d_input((1, 1, 8), W, torch.ones(1, 1, 7)),
        by_gradient,
        lambda: torch.nn.ConvTranspose1d(1, 1, 2)(X),
        lambda: torch.nn.functional.fold(torch.ones(1, 4, 9), (4, 4), 2),
        lambda: torch._C._nn.col2im(torch.ones(1, 4, 9), (4, 4), (2, 2), (1, 1), (0, 0), (1, 1)),
        lambda: functools.partial(torch.conv_transpose1d, X)(W),
        lambda: list(map(torch.conv_transpose1d, [X], [W])),
    ],
)
def test_a_forbidden_call_is_seen_whatever_name_it_goes_by(call):
    assert used(call, (*CONVOLUTIONS, "torch.col2im")) != ""


def test_what_is_not_forbidden_is_not_noted():
    def answer():
        y = torch.zeros(9)
        for i in range(8):
            y[i : i + 2] += X[0, 0, i] * W[0, 0]
        return torch.einsum("i,j->ij", y, y).sum(), np.cumsum([1, 2]), stats.describe([1.0, 2.0]), fft.fft(np.ones(8))

    assert used(answer, (*CONVOLUTIONS, "scipy.fft.dct*", "scipy.stats.zmap", "numpy.median")) == ""


def test_what_another_package_does_when_garbage_is_collected_is_not_the_answers_call():
    told = []
    code = compile("def tell(phase, info):\n    told.append(phase)", "/x/site-packages/other/junk.py", "exec")
    exec(code, space := {"told": told})
    gc.callbacks.append(space["tell"])
    thresholds = gc.get_threshold()
    gc.set_threshold(1)
    try:
        assert used(lambda: [[number] for number in range(1000)]) == ""
        assert gc.isenabled()
        told.clear()
        kept = [[number] for number in range(1000)]
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(space["tell"])
    assert len(kept) == 1000
    assert told


def test_functions_of_one_module_are_told_apart():
    assert used(lambda: fft.dct(np.ones(8)), ("scipy.fft.dct*",)) == "scipy.fft.dct*"
    assert used(lambda: fft.rfft(np.ones(8)), ("scipy.fft.dct*",)) == ""
    assert used(lambda: stats.zmap([1.0, 2.0], [1.0, 2.0]), ("scipy.stats.zmap",)) == "scipy.stats.zmap"


def test_the_registry_of_divergences_is_no_way_round():
    normal = torch.distributions.Normal(0.0, 1.0)
    registered = torch.distributions.kl._KL_REGISTRY[type(normal), type(normal)]
    assert used(lambda: registered(normal, normal), ("torch._kl_*",)) == "torch._kl_*"


def test_the_package_gives_what_an_exercise_gives_and_nothing_else():
    assert used(lambda: features.frames(np.ones(100), 10, 5)) == "a2d's frames"
    logits = torch.zeros(1, 2, 2)
    assert used(lambda: vae.bernoulli_nll(logits, logits), given=("a2d.vae.bernoulli_nll",)) == ""
    assert used(lambda: vae.bernoulli_nll(logits, logits)) != ""


def test_packages_beyond_the_three_are_noted():
    neighbors = pytest.importorskip("sklearn.neighbors")
    assert used(lambda: neighbors.NearestNeighbors().fit(np.ones((5, 2)))) == "sklearn"


@pytest.mark.parametrize("turn", [lambda: sys.setprofile(None), lambda: sys.settrace(None)])
def test_the_watch_cannot_be_switched_off_unseen(turn):
    def answer():
        turn()
        return features.frames(np.ones(100), 10, 5)

    assert used(answer).startswith("sys.set")


def test_what_was_watching_before_watches_afterwards():
    seen = []
    sys.setprofile(lambda *event: seen.append(event))
    try:
        Watch().over(len)([])
        assert sys.getprofile() is not None
    finally:
        sys.setprofile(None)


def test_watching_loads_no_compiler():
    code = (
        "import sys, torch; from a2d.checks.watch import Watch\n"
        "watch = Watch(('torch.cumsum',)); print(watch.over(lambda: torch.ones(3) + 1)())\n"
        "watch.over(lambda: torch.ones(3).cumsum(0))()\n"
        "print(watch.used, 'torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "torch.cumsum False"


@pytest.mark.parametrize("library", ["librosa", "__import__('librosa')"])
def test_what_prints_may_not_be_asked_to_compute(library):
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell()
    shell.user_ns.update(librosa=pytest.importorskip("librosa"), x=np.arange(16.0))
    watch = Watch()
    with contextlib.suppress(Exception):
        watch.over(lambda: shell.ev(f"{library}.util.frame(x, frame_length=4, hop_length=2)"))()
    assert watch.used in ("librosa", "lazy_loader")


def test_in_a_real_kernel_an_answer_may_print_log_warn_and_show():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    cells = [
        "import logging, sys, warnings\nimport numpy as np\nimport a2d\nfrom IPython.display import HTML, display",
        "def frame(x, n_fft, hop_length):\n"
        "    print(len(x), flush=True)\n    print(len(x), file=sys.stderr)\n"
        "    logging.warning('so'), warnings.warn('so'), display(HTML('<b>x</b>'), x[:3])\n"
        "    return np.stack([x[i : i + n_fft] for i in range(0, len(x) - n_fft + 1, hop_length)])",
        'a2d.check("1.1", frame)',
    ]
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])
    nbclient.NotebookClient(made, timeout=300).execute()
    told = "".join(one["text"] for one in made.cells[-1].outputs if one.get("name") == "stdout")
    assert "Exercise 1.1: Right (3 of 3 points)." in told
