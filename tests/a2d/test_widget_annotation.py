"""The annotator without a browser: what it answers to keys and buttons, and what is on disk then."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from a2d import datasets, widgets
from a2d.errors import DataError
from a2d.widgets.session import Session


@pytest.fixture(scope="module")
def images() -> datasets.Images:
    return datasets.load_images("builtin", "test")


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def asked(widget, **what) -> None:
    """What the browser sends for a key or a button."""
    widget._handle_custom_msg({"step": widget.state["step"], **what}, [])


def actions(path) -> list[dict[str, object]]:
    return json.loads(path.read_text(encoding="utf-8"))["actions"]


def test_what_is_asked_for_is_done_and_on_disk(images, tmp_path):
    path = tmp_path / "ada.json"
    widget = widgets.annotator(images.pixels[:6], path, annotator="ada", spoken=images.labels[:6], seed=1)
    order = np.random.default_rng(1).permutation(6)
    assert np.array_equal(pixels(widget.image)[:, :, 0], images.pixels[order[0]])
    asked(widget, do="label", label=3)
    assert "labelled 3" in widget.state["said"]
    assert actions(path) == [{"do": "label", "image": order[0], "label": 3}]
    assert np.array_equal(pixels(widget.image)[:, :, 0], images.pixels[order[1]])
    asked(widget, do="label", label="unreadable")
    asked(widget, do="skip")
    asked(widget, do="label", label=5)
    asked(widget, do="undo")
    asked(widget, do="back")
    assert widget.state["place"] == 2
    asked(widget, do="goto", to=1)
    assert (widget.state["place"], widget.state["label"]) == (0, 3)
    assert widget.state["labelled"] == 2
    labels = widget.session.labels()
    assert (labels[order[0]], labels[order[1]]) == (3, "unreadable")
    widget.session.close()
    again = Session.resume(path, images.pixels[:6])
    assert (again.labels(), again.position) == (labels, 0)
    again.close()


def test_the_same_call_resumes_and_the_older_widget_says_that_it_is_over(images, tmp_path):
    def make():
        return widgets.annotator(images.pixels[:4], tmp_path / "a.json", annotator="ada")

    first = make()
    asked(first, do="label", label=1)
    second = make()
    assert second.state["labelled"] == 1
    assert second.state["place"] == 1
    asked(first, do="label", label=2)
    assert "closed" in first.state["problem"]
    assert second.session.progress == (1, 4)


def test_two_annotators_do_not_mix(images, tmp_path):
    ada = widgets.annotator(images.pixels[:4], tmp_path / "ada.json", annotator="ada")
    bob = widgets.annotator(images.pixels[:4], tmp_path / "bob.json", annotator="bob")
    asked(ada, do="label", label=1)
    asked(bob, do="label", label=2)
    assert ada.session.to_annotations(partial=True).annotator == "ada"
    assert bob.session.labels() != ada.session.labels()
    with pytest.raises(DataError, match="another annotator"):
        widgets.annotator(images.pixels[:4], tmp_path / "ada.json", annotator="bob")


def test_a_key_that_came_before_its_image_labels_nothing(images, tmp_path):
    widget = widgets.annotator(images.pixels[:4], tmp_path / "a.json", annotator="ada")
    step = widget.state["step"]
    widget._handle_custom_msg({"step": step, "do": "label", "label": 1}, [])
    widget._handle_custom_msg({"step": step, "do": "label", "label": 2}, [])
    assert widget.session.progress == (1, 4)
    assert "before this image was shown" in widget.state["problem"]
    asked(widget, do="label", label=2)
    assert widget.session.progress == (2, 4)
    assert widget.state["problem"] == ""


@pytest.mark.parametrize(
    "what",
    [
        {"do": "label", "label": 10},
        {"do": "label", "label": "7"},
        {"do": "label", "label": True},
        {"do": "label"},
        {"do": "back"},
        {"do": "undo"},
        {"do": "goto", "to": 5},
        {"do": "goto", "to": 0},
        {"do": "goto", "to": 1.5},
        {"do": "goto", "to": None},
        {"do": "shout"},
        {},
    ],
)
def test_nonsense_from_the_browser_is_told_and_changes_nothing(images, tmp_path, what):
    widget = widgets.annotator(images.pixels[:4], tmp_path / "a.json", annotator="ada")
    before = actions(tmp_path / "a.json")
    asked(widget, **what)
    assert widget.state["problem"]
    assert "Traceback" not in widget.state["problem"]
    assert actions(tmp_path / "a.json") == before
    widget._handle_custom_msg("hello", [])
    assert actions(tmp_path / "a.json") == before


def test_when_all_is_labelled_there_is_no_image_and_undo_brings_it_back(images, tmp_path):
    widget = widgets.annotator(images.pixels[:2], tmp_path / "a.json", annotator="ada")
    asked(widget, do="label", label=1)
    asked(widget, do="label", label=2)
    assert widget.state["here"] is False
    assert widget.image == b""
    assert "Every image has its label" in widget.text
    asked(widget, do="label", label=3)
    assert "every image has its label" in widget.state["problem"].lower()
    asked(widget, do="undo")
    assert widget.state["here"] is True
    assert widget.state["labelled"] == 1


def test_a_file_that_was_moved_is_told(images, tmp_path):
    widget = widgets.annotator(images.pixels[:2], tmp_path / "a.json", annotator="ada")
    (tmp_path / "a.json").rename(tmp_path / "b.json")
    asked(widget, do="label", label=1)
    assert "not saved" in widget.state["problem"]
    assert widget.state["labelled"] == 0


def test_nothing_tells_the_annotator_what_was_spoken(images, tmp_path):
    """The same images with other spoken classes look the same in every trait that goes to the browser."""

    def sent(name: str, spoken) -> dict:
        widget = widgets.annotator(images.pixels[:5], tmp_path / name, annotator="ada", spoken=spoken)
        asked(widget, do="label", label=1)
        state = widget.get_state()
        layout = [key for key, value in state.items() if isinstance(value, str) and value.startswith("IPY_MODEL_")]
        return {key: value for key, value in state.items() if key not in layout} | {"text": widget.text}

    assert sent("a", [0, 1, 2, 3, 4]) == sent("b", [9, 8, 7, 6, 5])


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"annotator": ""}, "annotator"),
        ({"kind": "robot"}, "kind"),
        ({"images": np.zeros((2, 3))}, "images"),
        ({"path": 7}, "path"),
        ({"seed": -1}, "seed"),
        ({"spoken": [1]}, "spoken"),
    ],
)
def test_sessions_that_make_no_sense_are_refused(images, tmp_path, arguments, word):
    given = {"images": images.pixels[:2], "path": tmp_path / "a.json", "annotator": "ada", **arguments}
    with pytest.raises(DataError, match=word):
        widgets.annotator(**given)


def test_a_view_needs_a_session():
    with pytest.raises(DataError, match="session"):
        widgets.annotation_view("x")
