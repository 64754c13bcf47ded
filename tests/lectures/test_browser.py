"""The widgets and two lectures in JupyterLab, in a real browser, by keyboard and mouse."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from browser import CHROMIUM, PATIENCE, Notebook, browser, jupyterlab
from conftest import ROOT

from a2d import datasets
from a2d.widgets.session import Session

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not here"),
]
LECTURES = sorted(path for n in ("01", "07") for path in (ROOT / "notebooks").glob(f"{n}_*.ipynb"))
ANNOTATED = [path for path in LECTURES if "widgets.annotator(" in path.read_text(encoding="utf-8")]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as there:
        yield there


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder with JupyterLab in it: the folder and the address."""
    folder = tmp_path_factory.mktemp("lab")
    with jupyterlab(folder) as address:
        yield folder, address


@pytest.fixture
def opened(chromium, lab) -> Iterator[Any]:
    """Give a function that opens a notebook file of the folder; afterwards a picture of it is taken."""
    folder, address = lab
    there: list[Notebook] = []

    def open_notebook(path: Path) -> Notebook:
        there.append(Notebook(chromium, address, str(path.relative_to(folder))))
        return there[-1]

    yield open_notebook
    for notebook in there:
        notebook.screenshot()
        notebook.close()


def write(path: Path, *sources: str) -> Path:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def shown(widget: Any) -> tuple[str, str]:
    """The picture in a widget: its description, and its pixels as a data URL."""
    image = widget.get_by_role("img")
    pixels = image.evaluate(
        """async (image) => {
            await image.decode();
            const canvas = document.createElement('canvas');
            [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
            canvas.getContext('2d').drawImage(image, 0, 0);
            return canvas.toDataURL();
        }"""
    )
    return image.get_attribute("alt"), pixels


def wait_for_another(widget: Any, before: tuple[str, str]) -> tuple[str, str]:
    """Wait until a widget shows another picture with another description."""
    widget.page.wait_for_function(
        "([image, alt]) => image.alt !== alt", arg=[widget.get_by_role("img").element_handle(), before[0]]
    )
    after = shown(widget)
    assert after[1] != before[1], "the description changed, the picture did not"
    return after


# ------------------------------------------------------------------------------------------------------- four widgets

FIRST = """
import torch
from a2d import audio, datasets, vae, widgets
from a2d.lab import show

spoken = datasets.load_spoken("builtin")
images = datasets.load_images("builtin", "test")
clips = {f"{r.digit}, speaker {r.speaker}": audio.load(r.path) for r in spoken.recordings[:200:20]}
show(widgets.mfcc_explorer(clips))
"""
WALKER = """
torch.manual_seed(0)
net = vae.AudioVAE(vae.VaeConfig(latent=3, channels=4)).eval()
show(widgets.latent_walker(net.decode, 3))
"""
BETAS = """
nets = [vae.ImageVAE(vae.ImageVaeConfig(channels=4, hidden=8)) for _ in range(3)]
models = [widgets.BetaModel(b, n.encode, n.decode) for b, n in zip((1, 4, 16), nets)]
show(widgets.beta_slider(models, images.pixels[:50]))
"""
TARGETS = """
by_digit = {r.digit: audio.load(r.path) for r in spoken.recordings[:500]}
show(widgets.target_trick(images.pixels, images.labels, digit=3, clips=by_digit))
"""


@pytest.fixture(scope="module")
def four(chromium, lab) -> Iterator[Notebook]:
    """A notebook with four widgets, all of whose cells have run."""
    folder, address = lab
    write(folder / "four.ipynb", FIRST, WALKER, BETAS, TARGETS)
    notebook = Notebook(chromium, address, "four.ipynb")
    notebook.run_all()
    notebook.screenshot("before")
    yield notebook
    notebook.screenshot("after")
    notebook.close()


def test_widgets_run_without_an_error_and_load_nothing_from_elsewhere(four):
    assert four.errors() == []
    assert four.elsewhere == []
    bundles = [set(o.data) for o in four.outputs() if "application/vnd.jupyter.widget-view+json" in o.get("data", {})]
    assert bundles == [{"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"}] * 4


@pytest.mark.parametrize(
    ("name", "slider", "key"),
    [
        ("MFCC explorer", "n_fft", "ArrowRight"),
        ("MFCC explorer", "n_mels", "ArrowRight"),
        ("Latent walker", "value of latent 1", "End"),
        ("Latent walker", "value of latent 2", "ArrowLeft"),
        ("Beta slider", "beta", "End"),
    ],
)
def test_a_key_moves_a_slider_and_the_picture_changes(four, name, slider, key):
    widget = four.widget(name)
    control = widget.get_by_role("slider", name=slider, exact=True)
    before, said = shown(widget), control.get_attribute("aria-valuetext")
    sources = [cell.source for cell in four.cells()]
    active = four.page.evaluate("() => jupyterapp.shell.currentWidget.content.activeCellIndex")
    control.focus()
    active_then = four.page.evaluate("() => jupyterapp.shell.currentWidget.content.activeCellIndex")
    control.press(key)
    after = wait_for_another(widget, before)
    assert control.get_attribute("aria-valuetext") != said
    # What a screen reader is told is the finding of the new picture.
    status = widget.get_by_role("status")
    status.get_by_text(after[0][:60]).wait_for()
    assert widget.get_by_role("alert").inner_text() == ""
    # A key in a widget is none of the notebook's.
    assert [cell.source for cell in four.cells()] == sources
    now = four.page.evaluate("() => jupyterapp.shell.currentWidget.content.activeCellIndex")
    assert now == active_then, f"the notebook's selection moved from {active} to {now}"


def test_settings_that_do_not_go_together_are_told_in_the_widget(four):
    widget = four.widget("MFCC explorer")
    hop = widget.get_by_role("slider", name="hop_length")
    frame = widget.get_by_role("slider", name="n_fft")
    frame.press("Home")
    hop.press("End")
    alert = widget.get_by_role("alert")
    alert.get_by_text("hop_length").wait_for()
    assert "Traceback" not in alert.inner_text()
    four.screenshot("problem")
    frame.press("End")
    four.page.wait_for_function("(node) => node.textContent === ''", arg=alert.element_handle())
    assert four.errors() == []


def test_a_recording_is_chosen_by_keyboard_and_can_be_heard(four):
    widget = four.widget("MFCC explorer")
    sound = widget.locator("audio")
    before, source = shown(widget), sound.get_attribute("src")
    seconds = "(node) => new Promise((done) => { const ask = () => node.duration > 0 ? done(node.duration) : "
    seconds += "setTimeout(ask, 50); ask(); })"
    assert 0.1 < sound.evaluate(seconds) < 10
    choice = widget.get_by_role("combobox", name="recording")
    choice.focus()
    choice.press("ArrowDown")
    wait_for_another(widget, before)
    assert sound.get_attribute("src") != source
    label = choice.evaluate("(node) => node.selectedOptions[0].textContent")
    assert sound.get_attribute("aria-label") == f"recording: {label}"


def test_targets_are_drawn_by_keyboard_and_mouse(four):
    widget = four.widget("Target trick")
    before = shown(widget)
    assert "After 1 random target of" in before[0]
    widget.get_by_role("button", name="Draw again").click()
    before = wait_for_another(widget, before)
    assert "After 2 random targets" in before[0]
    button = widget.get_by_role("button", name="Draw 100")
    button.focus()
    button.press("Enter")
    before = wait_for_another(widget, before)
    assert "After 102 random targets" in before[0]
    widget.get_by_role("button", name="Start again").click()
    assert "After 1 random target of" in wait_for_another(widget, before)[0]


def test_every_control_has_a_name_and_can_be_reached_by_tab(four):
    for name in ("MFCC explorer", "Latent walker", "Beta slider", "Target trick"):
        widget = four.widget(name)
        controls = widget.locator("input, select, button")
        names = controls.evaluate_all("(all) => all.map((n) => n.labels?.[0]?.textContent || n.textContent)")
        assert len(names) > 0
        assert all(text.strip() for text in names)
        controls.first.focus()
        for place in range(1, len(names)):
            four.page.keyboard.press("Tab")
            here = controls.nth(place).evaluate("(node) => node === document.activeElement")
            assert here, f"{name}: Tab does not lead to {names[place]!r}"


def test_a_redraw_is_quick(four):
    """In the browser, from the key to the new picture; generous, since other tests run on the same cores."""
    widget = four.widget("Latent walker")
    control = widget.get_by_role("slider", name="value of latent 1", exact=True)
    control.press("Home")
    times = []
    for _ in range(5):
        before = shown(widget)
        start = time.perf_counter()
        control.press("ArrowRight")
        widget.page.wait_for_function(
            "([image, alt]) => image.alt !== alt", arg=[widget.get_by_role("img").element_handle(), before[0]]
        )
        times.append(time.perf_counter() - start)
    print(f"latent walker, key to picture: {1000 * sorted(times)[2]:.0f} ms")
    assert sorted(times)[2] < 3


# ---------------------------------------------------------------------------------------------------------- annotator

ANNOTATOR = """
from pathlib import Path
from a2d import datasets, widgets
from a2d.lab import show

images = datasets.load_images("builtin", "test")
widget = widgets.annotator(images.pixels[:30], Path("work/ada.json"), annotator="ada", seed=2)
show(widget)
"""
AFTER = "print('labels:', [label for label in widget.session.labels() if label is not None])"


class Desk:
    """The annotator in a notebook: types, clicks, and waits until what was done is shown."""

    def __init__(self, notebook: Notebook, label: str | re.Pattern[str] = "Annotator: ada"):
        self.widget = notebook.widget(label)
        self.stage = self.widget.get_by_role("application")

    @property
    def step(self) -> int:
        return int(self.widget.get_attribute("data-step"))

    def _after(self, step: int) -> None:
        handle = self.widget.element_handle()
        self.widget.page.wait_for_function("([n, s]) => Number(n.dataset.step) > s", arg=[handle, step])

    def type(self, key: str) -> None:
        step = self.step
        self.widget.page.keyboard.press(key)
        self._after(step)

    def click(self, name: str) -> None:
        step = self.step
        self.widget.get_by_role("button", name=name).click()
        self._after(step)

    @property
    def where(self) -> str:
        return self.widget.get_by_role("img").get_attribute("alt")

    @property
    def labelled(self) -> tuple[int, int]:
        bar = self.widget.get_by_role("progressbar")
        return int(bar.evaluate("(n) => n.value")), int(bar.evaluate("(n) => n.max"))


def actions(path: Path) -> list[dict[str, Any]]:
    """What a session's file says was done, without the numbers of the images."""
    done = json.loads(path.read_text(encoding="utf-8"))["actions"]
    return [{key: value for key, value in action.items() if key != "image"} for action in done]


def test_ten_images_are_labelled_by_keyboard_and_a_restart_loses_nothing(opened, lab):
    folder, _ = lab
    notebook = opened(write(folder / "annotate.ipynb", ANNOTATOR, AFTER))
    notebook.run_all()
    assert notebook.errors() == []
    desk, file = Desk(notebook), folder / "work" / "ada.json"
    assert desk.labelled == (0, 30)
    assert desk.where == "Image 1 of 30, not labelled yet"
    sources = [cell.source for cell in notebook.cells()]
    desk.stage.focus()
    typed: list[dict[str, Any]] = []
    for count, key in enumerate("314159x268", 1):
        desk.type(key)
        label = "unreadable" if key == "x" else int(key)
        typed.append({"do": "label", "label": label})
        assert desk.labelled == (count, 30)
        assert actions(file) == typed, "each label is on disk when the next image is there"
    assert desk.where == "Image 11 of 30, not labelled yet"
    desk.type("u")
    typed.append({"do": "undo"})
    assert desk.where == "Image 10 of 30, not labelled yet"
    assert "Took the last step back" in desk.widget.get_by_role("status").inner_text()
    # The mouse does the same, and afterwards the keys still work.
    desk.click("Unreadable")
    desk.click("7: label")
    desk.type("ArrowRight")
    desk.type("ArrowLeft")
    desk.type("ArrowLeft")
    assert desk.where == "Image 11 of 30, labelled 7"
    pressed = desk.widget.get_by_role("button", pressed=True)
    assert pressed.evaluate_all("(all) => all.map((n) => n.textContent)") == ["7"]
    typed += [{"do": "label", "label": "unreadable"}, {"do": "label", "label": 7}]
    typed += [{"do": "skip"}, {"do": "back"}, {"do": "back"}]
    assert actions(file) == typed
    assert [cell.source for cell in notebook.cells()] == sources, "a key of the annotator reached the notebook"
    notebook.screenshot("before-restart")

    notebook.restart()
    notebook.run_all()
    assert notebook.errors() == []
    desk = Desk(notebook)
    assert desk.labelled == (11, 30)
    assert desk.where == "Image 11 of 30, labelled 7"
    order = np.random.default_rng(2).permutation(30)
    labels = dict(zip(order, [3, 1, 4, 1, 5, 9, "unreadable", 2, 6, "unreadable", 7], strict=False))
    assert f"labels: {[labels[i] for i in sorted(labels)]}" in notebook.printed()
    desk.stage.focus()
    desk.type("8")
    assert desk.where == "Image 12 of 30, not labelled yet"
    assert actions(file) == [*typed, {"do": "label", "label": 8}]
    notebook.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    images = datasets.load_images("builtin", "test").pixels[:30]
    with wait_for_session(file, images) as session:
        assert session.progress == (11, 30)
        assert session.labels()[order[10]] == 8


def wait_for_session(file: Path, images: np.ndarray) -> Session:
    """Open a session as soon as the kernel, which is being shut down, has let go of it."""
    from a2d.errors import DataError

    end = time.monotonic() + PATIENCE / 1000
    while True:
        try:
            return Session.resume(file, images)
        except DataError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def test_every_button_of_the_annotator_is_named_and_tab_goes_through_them(opened, lab):
    folder, _ = lab
    notebook = opened(write(folder / "tabs.ipynb", ANNOTATOR.replace("ada", "eve")))
    notebook.run_all()
    desk = Desk(notebook, "Annotator: eve")
    desk.stage.focus()
    seen = []
    for _ in range(15):
        notebook.page.keyboard.press("Tab")
        focused = (
            "() => document.activeElement.getAttribute('aria-label') || document.activeElement.labels?.[0]?.textContent"
        )
        seen.append(notebook.page.evaluate(focused))
    assert [name[:2] for name in seen[:10]] == [f"{d}:" for d in range(10)]
    assert [name.split(":")[0] for name in seen[10:14]] == ["Unreadable", "Back", "Skip", "Undo"]
    assert all("(key " in name for name in seen[:14])
    assert seen[14].strip() == "Go to image"
    # A digit in that field is a place, not a label.
    notebook.page.keyboard.type("12")
    assert desk.labelled == (0, 30)
    step = desk.step
    notebook.page.keyboard.press("Enter")
    desk._after(step)
    assert desk.where == "Image 12 of 30, not labelled yet"
    # Nothing to undo but that; the second undo is refused in words.
    desk.type("u")
    desk.type("u")
    assert "nothing to undo" in desk.widget.get_by_role("alert").inner_text()
    assert notebook.errors() == []


def test_two_keys_at_once_label_only_what_was_seen(opened, lab):
    folder, _ = lab
    notebook = opened(write(folder / "fast.ipynb", ANNOTATOR.replace("ada", "max")))
    notebook.run_all()
    desk = Desk(notebook, "Annotator: max")
    desk.stage.focus()
    step = desk.step
    # Both keys in one task of the page: the second comes before the answer to the first can.
    desk.stage.evaluate(
        """(node) => { for (const key of ['4', '5'])
            node.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })); }"""
    )
    desk._after(step + 1)
    assert desk.labelled == (1, 30)
    assert "before this image was shown" in desk.widget.get_by_role("alert").inner_text()
    assert actions(folder / "work" / "max.json") == [{"do": "label", "label": 4}]


# ----------------------------------------------------------------------------------------------------------- lectures


@pytest.fixture
def lecture(lab, request) -> Path:
    """A copy of a student's notebook in a folder of its own."""
    folder, _ = lab
    own = folder / request.node.name.replace("[", "-").rstrip("]")
    own.mkdir()
    return Path(shutil.copy(request.param, own))


@pytest.mark.parametrize(
    "lecture", [path for path in LECTURES if path not in ANNOTATED], ids=lambda path: path.stem, indirect=True
)
def test_a_lecture_runs_from_top_to_bottom(lecture, opened):
    notebook = opened(lecture)
    notebook.run_all()
    assert notebook.errors() == []
    assert "Setup complete" in notebook.printed()


@pytest.mark.parametrize("lecture", ANNOTATED, ids=lambda path: path.stem, indirect=True)
def test_a_lecture_runs_and_labels_in_it_outlive_a_restart(lecture, opened):
    notebook = opened(lecture)
    notebook.run_all()
    assert notebook.errors() == []
    assert "Setup complete" in notebook.printed()
    label = re.compile("^Annotator: ")
    desk = Desk(notebook, label)
    done, n = desk.labelled
    assert n >= 10
    desk.stage.focus()
    for key in "0123456789":
        desk.type(key)
    assert desk.labelled == (done + 10, n)
    where = desk.where
    notebook.screenshot("labelled")
    notebook.restart()
    notebook.run_all()
    assert notebook.errors() == []
    desk = Desk(notebook, label)
    assert desk.labelled == (done + 10, n)
    assert desk.where == where
    [file] = [path for path in lecture.parent.rglob("annotations/*") if path.suffix in (".json", ".jsonl")]
    assert [action["label"] for action in actions(file)] == list(range(10))


# --------------------------------------------------------------------------------------------------- your own recording


def test_a_chosen_recording_is_what_lecture_00_goes_on_with(opened, lab):
    """The cells of lecture 00 around the picker: a file is chosen as a person does, good and bad."""
    lecture = nbformat.read(next((ROOT / "notebooks").glob("00_*.ipynb")), 4)
    cells = {cell.id.removeprefix("00-"): cell.source for cell in lecture.cells if cell.cell_type == "code"}
    names = ("setup", "parameters", "load", "own-file", "own-record", "own-load", "own-listen")
    notebook = opened(write(lab[0] / "own.ipynb", *(cells[name] for name in names)))
    said = ROOT / "data" / "builtin" / "data" / "07" / "2_07_1.flac"
    broken = lab[0] / "broken.wav"
    broken.write_bytes(b"no sound")
    for path, told in ((broken, "broken.wav cannot be used: "), (said, "2_07_1.flac, your own recording: ")):
        notebook.run_all()  # the picker is a new one, with nothing chosen
        assert "a recording that comes with the course" in notebook.printed()
        with notebook.page.expect_file_chooser() as chooser:
            notebook.page.get_by_role("button", name="Your sound (0)").click()
        chooser.value.set_files(path)
        notebook.page.get_by_role("button", name="Your sound (1)").wait_for()
        notebook.page.evaluate("() => { jupyterapp.shell.currentWidget.content.activeCellIndex = 5; }")
        notebook.page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-below')")
        assert told in notebook.printed()
    assert notebook.errors() == []
