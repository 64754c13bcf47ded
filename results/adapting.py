"""What a few takes are worth (lecture 11): the shipped ear learns the voice of each of FSDD's six speakers in turn.

The ear was trained on none of them. It learns from the first takes of each digit; what it has learned is measured on
the takes from ``FIRST_TEST`` on. They were looked at with an earlier form of the same fit as well; nothing was chosen
by them. What it costs is measured on the other five speakers, and on words played backwards.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.stats import binomtest
from torch import Tensor

from a2d import datasets
from a2d.ears.adapt import adapted
from a2d.ears.cnn import Ear
from a2d.lab import models
from a2d.lab.kinds.ear import sounds_of

SEEDS = (0,)
TAKES = (2, 3, 5)  # of each digit, to learn from
FIRST_TEST = 10


def _named(ear: Ear, samples: Tensor, digits: Tensor) -> tuple[np.ndarray, float]:
    """Which sounds ``(n, m)`` are named rightly, ``(n,)``, and the share that is refused."""
    heard = ear.hear(samples)
    return (heard.says.argmax(-1) == digits).numpy(), float(heard.refused.float().mean())


def measure() -> dict[str, Any]:
    """By number of takes and speaker: shares before and after, takes won and lost, and what it costs."""
    ear, data = models.load("ear", "ear").net, datasets.load_spoken("fsdd")
    sounds = sounds_of(data, ear.config)
    samples, digits = sounds.floats(), sounds.labels
    rows: dict[str, dict[str, dict[str, Any]]] = {}
    for n in TAKES:
        for name in data.speaker_names:
            mine = data.speakers == name
            learn, test = (torch.from_numpy(mine & chosen) for chosen in (data.takes < n, data.takes >= FIRST_TEST))
            others = torch.from_numpy(np.flatnonzero(~mine)[::5])
            new = adapted(ear, samples[learn], digits[learn], seed=SEEDS[0])
            row: dict[str, Any] = {"n": int(test.sum()), "strength": new.strength}
            right = {}
            for when, one in (("before", ear), ("after", new.ear)):
                right[when], row[f"refused_{when}"] = _named(one, samples[test], digits[test])
                row[when] = float(right[when].mean())
                row[f"others_{when}"] = float(_named(one, samples[others], digits[others])[0].mean())
                row[f"backwards_refused_{when}"] = _named(one, samples[test].flip(-1), digits[test])[1]
            won, lost = (int((a & ~b).sum()) for a, b in ((right["after"], right["before"]), tuple(right.values())))
            p = float(binomtest(won, won + lost).pvalue) if won + lost else 1.0
            rows.setdefault(str(n), {})[name] = row | {"won": won, "lost": lost, "p": p}
    return {"takes": rows, "first_test_take": FIRST_TEST}
