"""What all tests share: a data home of their own, seeds, tiny data sets, and real data where it is at hand."""

from __future__ import annotations

import os
import random
import shutil
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared" / "data"
BUILTIN = ROOT / "data" / "builtin" / "data"


# The files that take longest, in this order: the last of them to begin decides when all are done.
LONGEST = (
    "test_solution_notebooks_run.py",
    "test_student_notebooks_run.py",
    "test_browser.py",
    "test_site.py",
    "test_grading.py",
    "test_grading_hostile.py",
    "test_nbgrader.py",
    "test_exercises.py",
    "test_release.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out, by name, what needs real data that is not here, and what is done once a week; longest files first."""
    place = {name: n for n, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONGEST)))
    absent = pytest.mark.skip(reason="the real data of ../shared/data is not here")
    seldom = pytest.mark.skip(reason="minutes long, once a week: A2D_WEEKLY=1 runs it")
    for item in items:
        if "real" in item.keywords and not REAL.is_dir():
            item.add_marker(absent)
        if "weekly" in item.keywords and not os.environ.get("A2D_WEEKLY"):
            item.add_marker(seldom)


@pytest.fixture(scope="session", autouse=True)
def data_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder of the tests' own: no test reads or writes the user's."""
    home = tmp_path_factory.mktemp("data-home")
    before = os.environ.get("A2D_DATA")
    os.environ["A2D_DATA"] = str(home)
    yield home
    if before is None:
        del os.environ["A2D_DATA"]
    else:
        os.environ["A2D_DATA"] = before


@pytest.fixture(scope="session")
def fetched(data_home: Path) -> Callable[[str], Path]:
    """Give the folder of a real data set (tests that call this are marked ``real``)."""
    from a2d.io import fetching

    def get(name: str) -> Path:
        return fetching.fetch(name, mirror=REAL, progress=False, home=data_home, on_message=lambda _: None)

    return get


def seed_of(name: str) -> int:
    return zlib.crc32(name.encode())


@pytest.fixture(autouse=True)
def _global_seeds(request: pytest.FixtureRequest) -> None:
    """Seed what a test may draw from by mistake, so that a failure can be repeated."""
    seed = seed_of(request.node.nodeid)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (the global generator is what is seeded)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Random numbers of this test's own."""
    return np.random.default_rng(seed_of(request.node.nodeid))


_sheets: dict[tuple[int, int], tuple[object, object]] = {}


@pytest.fixture
def sheets_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exercises are judged thousands of times here: the reference's results are kept from one time to the next."""
    from a2d.checks import verdicts

    make = verdicts.make_sheet

    def kept(exercise: object, seed: int) -> object:
        key = (id(exercise), seed)
        if key not in _sheets:  # the exercise is kept too, so that its id stays its own
            _sheets[key] = exercise, make(exercise, seed)  # type: ignore[arg-type]
        return _sheets[key][1]

    monkeypatch.setattr(verdicts, "make_sheet", kept)


@pytest.fixture(scope="session")
def few_clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in Audio-MNIST's layout: 60 built-in recordings, three speakers, ten digits, two takes."""
    folder = tmp_path_factory.mktemp("few") / "clips"
    for speaker in ("01", "02", "03"):
        (folder / "data" / speaker).mkdir(parents=True)
        for digit in range(10):
            for take in (0, 1):
                name = f"{digit}_{speaker}_{take}.flac"
                shutil.copy(BUILTIN / speaker / name, folder / "data" / speaker / name)
    return folder


@pytest.fixture(scope="session")
def random_evaluator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an evaluator that has learnt nothing."""
    import torch

    from a2d.evaluator import AccuracyNet
    from a2d.lab import models, recipes

    folder = tmp_path_factory.mktemp("evaluator")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        net = AccuracyNet()
    meta = {"kind": "evaluator", "recipe": recipes.load("evaluator").as_dict(), "seed": 5}
    models.save(folder / models.MODEL_FILE, net, meta)
    return folder


@pytest.fixture(scope="module")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that the browser's microphone plays, once, each time that it is opened."""
    return tmp_path_factory.mktemp("microphone") / "said.wav"


@pytest.fixture(scope="module")
def chromium(microphone: Path) -> Iterator[Any]:
    """A browser that hears what lies in the file ``microphone``; files of tests may have another."""
    from browser import CHROMIUM, MICROPHONE, browser

    if CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    with browser(*MICROPHONE, f"--use-file-for-fake-audio-capture={microphone}%noloop") as found:
        yield found


@pytest.fixture(scope="module")
def fox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A tab of another browser."""
    from firefox import FIREFOX, firefox

    if FIREFOX is None:
        pytest.skip("there is no Firefox here")
    with firefox(tmp_path_factory.mktemp("firefox")) as found:
        yield found
