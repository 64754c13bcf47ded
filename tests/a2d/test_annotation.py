"""The data set of lecture 07: who labelled what, what is trained on, the folder on disk, and agreement."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

from a2d.annotation import UNREADABLE, Annotations, agreement, check_images, content_hash
from a2d.errors import DataError


def make_images(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 28, 28), dtype=np.uint8)


def make_annotations(**options) -> Annotations:
    defaults = {
        "images": make_images(4),
        "labels": (3, UNREADABLE, 5, 1),
        "spoken": [3, 2, 8, 1],
        "annotator": "Ada",
        "kind": "human",
    }
    return Annotations(**(defaults | options))


def test_float_images_are_rounded_and_the_caller_keeps_its_array():
    floats = np.zeros((1, 28, 28), dtype=np.float32)
    floats[0, 0, :3] = (0.5, 1.0, 0.001)
    result = check_images(floats)
    assert result[0, 0, :3].tolist() == [128, 255, 0]
    own = make_images(2)
    checked = check_images(own)
    own[:] = 0
    assert checked.any()
    with pytest.raises(ValueError, match="read-only"):
        checked[0] = 1


# --- annotations ---------------------------------------------------------------------------------------


def test_training_sets():
    data = make_annotations()
    images, targets, kept = data.training_set("labels")
    assert (targets.tolist(), kept.tolist(), targets.dtype) == ([3, 5, 1], [0, 2, 3], np.int64)
    np.testing.assert_array_equal(images, data.images[[0, 2, 3]])
    assert images.dtype == np.uint8
    images, targets, kept = data.training_set("spoken")
    assert (targets.tolist(), kept.tolist(), images.shape) == ([3, 2, 8, 1], [0, 1, 2, 3], (4, 28, 28))
    _, targets, kept = data.training_set("readable")
    assert (targets.tolist(), kept.tolist()) == ([3, 8, 1], [0, 2, 3])
    with pytest.raises(DataError, match="policy"):
        data.training_set("all")
    unspoken = make_annotations(spoken=None)
    assert unspoken.training_set("labels")[1].tolist() == [3, 5, 1]
    for policy in ("spoken", "readable"):
        with pytest.raises(DataError, match="needs the spoken classes"):
            unspoken.training_set(policy)
    blind = make_annotations(labels=[UNREADABLE] * 4)
    assert len(blind.training_set("spoken")[0]) == 4
    for policy in ("labels", "readable"):
        with pytest.raises(DataError, match="nothing to train on"):
            blind.training_set(policy)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": (1, 2, 3)}, "3 labels for 4 images"),
        ({"labels": (1, 2, 3, None)}, "None is not a label"),
        ({"labels": (1, 2, 3, True)}, "True is not a label"),
        ({"labels": "1234"}, "sequence"),
        ({"kind": "spoken-class"}, "must be the spoken classes"),
        ({"kind": "spoken-class", "spoken": None}, "must be the spoken classes"),
        ({"kind": "model"}, "note"),
        ({"kind": ""}, "who labelled"),
        ({"annotator": " "}, "annotator"),
        ({"images": np.zeros((4, 28, 28), dtype=np.int32)}, "int32"),
    ],
)
def test_annotations_that_do_not_fit(options, message):
    with pytest.raises(DataError, match=message):
        make_annotations(**options)


def test_copied_labels_are_of_the_kind_spoken_class():
    data = make_annotations(labels=(3, 2, 8, 1), kind="spoken-class")
    assert data.training_set("labels")[1].tolist() == data.training_set("spoken")[1].tolist()


@pytest.mark.parametrize("n", [1, 9, 10, 11, 23])
@pytest.mark.parametrize("with_spoken", [True, False])
def test_save_and_load(tmp_path, n, with_spoken):
    labels = [UNREADABLE if i % 4 == 3 else i % 10 for i in range(n)]
    data = Annotations(
        images=make_images(n),
        labels=tuple(labels),
        spoken=np.arange(n) % 10 if with_spoken else None,
        annotator="Ada Žižek",
        kind="model",
        note='the evaluator, "plain"',
    )
    data.save(tmp_path / "set")
    again = Annotations.load(tmp_path / "set")
    np.testing.assert_array_equal(again.images, data.images)
    assert again.labels == data.labels
    assert (again.spoken is None) == (not with_spoken)
    assert not with_spoken or again.spoken.tolist() == data.spoken.tolist()
    assert (again.annotator, again.kind, again.note) == (data.annotator, data.kind, data.note)
    assert sorted(p.name for p in (tmp_path / "set").iterdir()) == ["images.png", "labels.json"]
    first = {p.name: p.read_bytes() for p in (tmp_path / "set").iterdir()}
    again.save(tmp_path / "set")  # the same images: the labels may be written again, byte for byte
    assert first == {p.name: p.read_bytes() for p in (tmp_path / "set").iterdir()}
    content = json.loads(first["labels.json"])
    assert content["images"] == content_hash(data.images)


def test_other_annotations_are_not_overwritten(tmp_path):
    make_annotations().save(tmp_path)
    with pytest.raises(DataError, match="other images"):
        make_annotations(images=make_images(4, seed=1)).save(tmp_path)
    make_annotations(labels=(1, 1, 1, 1)).save(tmp_path)
    assert Annotations.load(tmp_path).labels == (1, 1, 1, 1)


def test_damaged_folders(tmp_path):
    from PIL import Image

    with pytest.raises(DataError, match="no annotations"):
        Annotations.load(tmp_path / "missing")
    make_annotations().save(tmp_path)
    sheet, labels = tmp_path / "images.png", tmp_path / "labels.json"
    good_sheet, good_labels = sheet.read_bytes(), labels.read_text()

    def fails(match):
        with pytest.raises(DataError, match=match):
            Annotations.load(tmp_path)
        sheet.write_bytes(good_sheet)
        labels.write_text(good_labels)

    sheet.unlink()
    fails("cannot be read")
    for data in (b"", b"no picture", good_sheet[:60], good_sheet[: len(good_sheet) // 2]):
        sheet.write_bytes(data)
        fails("cannot be read")
    Image.fromarray(np.zeros((28, 4 * 28), dtype=np.uint8)).save(sheet)
    fails("not the images that were labelled")
    Image.fromarray(np.zeros((28, 28), dtype=np.uint8)).save(sheet)
    fails("does not hold 4 images")
    Image.fromarray(np.zeros((28, 4 * 28, 3), dtype=np.uint8)).save(sheet)
    fails("does not hold 4 images")
    for text in ("", "{", "[]", "{}", "[" * 100_000, good_labels.replace("annotations/1", "annotations/9")):
        labels.write_text(text)
        fails("JSON|file of annotations")
    for old, new, match in (
        ('"label": 3', '"label": 12', r"labels\[0\].*12 is not a label"),
        ('"label": 3', '"label": true', "True is not a label"),
        ('"image": 1', '"image": 7', "entry 1"),
        ('"count": 4', '"count": 5', "count"),
        ('"spoken": 2', '"spoken": null', "spoken class"),
        ('"kind": "human"', '"kind": "nobody"', "who labelled"),
        ('"images": "sha256:', '"images": "sha256:0', "not the images"),
    ):
        assert old in good_labels
        labels.write_text(good_labels.replace(old, new))
        fails(match)
    assert Annotations.load(tmp_path).labels == make_annotations().labels


# --- agreement -----------------------------------------------------------------------------------------


def test_agreement_by_hand_and_against_scikit_learn():
    from sklearn.metrics import cohen_kappa_score

    result = agreement([0, 0, 1, 1], [0, 1, 1, 1])
    # equal 3/4; chance (2*1 + 2*3) / 16 = 1/2; kappa (3/4 - 1/2) / (1/2)
    assert (result["n"], result["equal"], result["kappa"]) == (4, 0.75, 0.5)
    assert result["confusion"][0, 1] == 1
    assert result["confusion"].shape == (11, 11)
    rng = np.random.default_rng(0)
    a = rng.integers(0, 11, 200)
    b = np.where(rng.random(200) < 0.6, a, rng.integers(0, 11, 200))
    one, two = ([UNREADABLE if x == 10 else int(x) for x in v] for v in (a, b))
    result = agreement(one, two)
    assert result["kappa"] == pytest.approx(cohen_kappa_score(a, b))
    assert result["equal"] == pytest.approx(np.mean(a == b))
    assert agreement([*one, None, 3], [*two, 3, None])["n"] == 200


def test_agreement_edges():
    data = make_annotations()
    assert agreement(data, data)["kappa"] == 1
    assert agreement(data, list(data.labels))["equal"] == 1
    assert np.isnan(agreement([1, 1], [1, 1])["kappa"])
    assert agreement([1, 2], [2, 1])["kappa"] < 0
    with pytest.raises(DataError, match="different images"):
        agreement(data, make_annotations(images=make_images(4, seed=1)))
    with pytest.raises(DataError, match="1 labels against 2"):
        agreement([1], [1, 2])
    with pytest.raises(DataError, match="no image was labelled by both"):
        agreement([1, None], [None, 1])
    with pytest.raises(DataError, match="not a label"):
        agreement([11], [1])


def test_importing_brings_no_heavy_module():
    heavy = ("torch", "matplotlib", "PIL", "filelock")
    code = f"import sys, a2d.annotation, a2d.widgets.session; print([m for m in {heavy} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.strip() == "[]"
