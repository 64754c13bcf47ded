"""The figures that several lectures share: what they hold, what their words tell, and how bad input is refused."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
import warnings

import numpy as np
import pytest
from conftest import ROOT

from a2d import figures
from a2d.errors import A2DError, DataError


def images(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((n, 28, 28))


def classes(k: int) -> np.ndarray:
    return images(10 * k).reshape(10, k, 28, 28)


def counts() -> np.ndarray:
    table = np.eye(10, dtype=int) * 9
    table[3, 5], table[3, 3], table[0, 0] = 4, 6, 10
    return table


CURVE = {"test": [0.12, 0.5, 0.93, 0.92]}
LOSS = {"reconstruction": [200.0, 150.0], "kl": [9.0, 5.5]}
BARS = {"plain": [0.5, 0.6], "tuned": [0.8, 0.9, 1.0]}

# Each figure, and how many panels it has.
PICTURES = {
    "batch": (lambda: figures.batch(images(5), [1, 2, 3, 4, 5], [1, 2, 3, 4, 6], [0.5] * 5), 5),
    "batch_spoken_only": (lambda: figures.batch(images(3), np.array([1, 2, 3])), 3),
    "batch_wide": (lambda: figures.batch(images(13), [1] * 13, [2] * 13, [1.0] * 13, columns=12), 13),
    "batch_one": (lambda: figures.batch(images(1), [1], [1], [1.0], columns=1), 1),
    "grid": (lambda: figures.grid(classes(4)), 1),
    "grid_one": (lambda: figures.grid(classes(1)), 1),
    "accuracy": (lambda: figures.accuracy_while_training(CURVE, references={"report": 0.8}), 1),
    "loss": (lambda: figures.loss_terms(LOSS), 2),
    "confusion": (lambda: figures.confusion_matrix(counts(), "evaluator"), 2),
    "pipeline": (figures.pipeline, 1),
    "bars_long_names": (
        lambda: figures.bars_with_spread({"a word " * 40: [0.5], "w" * 200: [0.6]}, {"r" * 200: 0.5}),
        1,
    ),
    "accuracy_long_names": (
        lambda: figures.accuracy_while_training({"a word " * 10: [0.5, 0.6], "w" * 200: [0.6]}),
        1,
    ),
    "bars": (lambda: figures.bars_with_spread(BARS, {"report": 0.82, "chance": 0.1}), 1),
}


@pytest.mark.parametrize("name", PICTURES)
def test_panels_pixels_and_the_same_bytes_again(name, tmp_path):
    from PIL import Image

    make, panels = PICTURES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = make(), make()
        data = first.png()
    assert len(first.figure.axes) == panels
    assert data == second.png() == first.png()
    assert first.text == second.text
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        assert picture.text == {"Description": first.text}
        assert 0 < picture.width <= 1000
        gray = np.asarray(picture.convert("L"))
    assert gray.min() < 60
    assert gray.max() > 240
    first.save(tmp_path / "deep" / "picture.PNG")
    assert (tmp_path / "deep" / "picture.PNG").read_bytes() == data
    assert first.text.endswith(".")
    assert len(first.text) > 40


@pytest.mark.parametrize("name", PICTURES)
def test_no_text_hangs_over_the_edge_or_over_another_text(name, monkeypatch):
    from matplotlib.text import Text

    picture, drawn, draw = PICTURES[name][0](), {}, Text.draw

    def record(text, renderer, *arguments, **options):
        if text.get_text().strip():
            drawn[id(text)] = (text.get_text(), text.get_window_extent(renderer), text.get_fontsize())
        return draw(text, renderer, *arguments, **options)

    monkeypatch.setattr(Text, "draw", record)
    picture.png()
    assert drawn
    page, entries = picture.figure.bbox, list(drawn.values())
    for content, box, size in entries:
        assert size >= 6.5, content
        assert box.x0 >= page.x0 - 1, content
        assert box.x1 <= page.x1 + 1, content
        assert box.y0 >= page.y0 - 1, content
        assert box.y1 <= page.y1 + 1, content
    for index, (one, a, _) in enumerate(entries):
        for other, b, _ in entries[index + 1 :]:
            apart = a.x1 <= b.x0 + 1 or b.x1 <= a.x0 + 1 or a.y1 <= b.y0 + 1 or b.y1 <= a.y0 + 1
            assert apart, (one, other)


# --- the words -----------------------------------------------------------------------------------------


def test_batch_tells_the_readings():
    text = figures.batch(images(4), [3, 3, 3, 7], [3, 5, 5, 1], [0.9, 0.4, 0.6, 0.2]).text
    assert "1 of 4 generated images are read as the spoken digit (25 %)" in text
    assert "3 as 5 (2 x), 7 as 1 (1 x)." in text
    assert "90 % in right and 40 % in wrong readings" in text
    text = figures.batch(images(2), [3, 7], [3, 7], [0.5, 1.0]).text
    assert "(100 %). The evaluator's mean confidence is 75 % in right readings." in text
    halves = np.zeros((2, 28, 28))
    halves[0] = 0.5
    one = figures.batch(halves[:1], [4], [9], [0.13]).text
    assert one == "The generated image is read as 9, not as the spoken 4. The evaluator's confidence is 13 %."
    assert figures.batch(halves[:1], [4], [4]).text == "The generated image is read as the spoken digit."
    assert figures.batch(halves, [1, 1]).text.startswith("2 generated images of 1 spoken digit; 50 % of the pixels")


def test_batch_marks_a_misreading_by_more_than_colour():
    right, wrong = figures.batch(images(2), [3, 3], [3, 5]).figure.axes
    assert right.get_title() == "spoken 3\nread 3"
    assert wrong.get_title() == "spoken 3\n\N{MULTIPLICATION X} read 5"
    assert wrong.title.get_fontweight() == "bold"
    assert (len(right.patches), len(wrong.patches)) == (0, 1)
    assert wrong.patches[0].get_linestyle() != "-"


def test_grid_tells_the_spread_within_and_between():
    values = np.zeros((10, 2, 28, 28))
    values[4, 1] = 0.5  # standard deviation 0.25 in row 4, else 0; its mean 0.25 among nine 0: 0.075
    text = figures.grid(values).text
    assert "differ by 0.025 per pixel" in text
    assert "most for 4 (0.250)" in text
    assert "the rows' means differ by 0.075." in text
    assert "within" not in figures.grid(values[:, :1]).text.lower()


def test_captions_of_every_kind_are_drawn():
    names = ["$x_{", "a" * 300, "line\nbreak", "\0\x1b[31m", "\udcff", "\u4e03"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = figures.bars_with_spread({name: [0.5] for name in names})
        assert picture.png()
    assert "line?break" in figures.bars_with_spread({names[2]: [0.5]}).text


def test_accuracy_tells_start_end_wobble_and_distance():
    values = np.concatenate([np.linspace(0.12, 0.9, 50), [0.93, 0.918] * 5])
    text = figures.accuracy_while_training({"test": values}, references={"the report": 0.8229}).text
    assert text.startswith(
        "test: rises from 12 % after epoch 1 to 92 % after epoch 60; the last 10 epochs vary by 1.2 points."
    )
    assert "Against the report (82.3 %) the last epoch is at: test +9.5 points." in text
    text = figures.accuracy_while_training({"a": [0.5, 0.25], "b": [0.5]}).text
    assert text == "a: falls from 50 % after epoch 1 to 25 % after epoch 2. b: 50.0 % after epoch 1."


def test_series_differ_by_marker_and_line_not_by_colour_alone():
    axes = figures.accuracy_while_training({name: [0.1, 0.2] for name in "abcde"}).figure.axes[0]
    assert len({(line.get_marker(), line.get_linestyle()) for line in axes.lines}) == 5
    assert len({line.get_marker() for line in axes.lines}) == 5


def test_loss_tells_both_terms():
    picture = figures.loss_terms(LOSS)
    assert "reconstruction term falls from 200.0 to 150.0 nats per image, the KL falls from 9.0 to 5.5." in picture.text
    assert [axes.get_ylabel() for axes in picture.figure.axes] == ["nats per image"] * 2
    assert figures.loss_terms({"reconstruction": [3], "kl": [1]}).text.startswith("After epoch 1 ")


def test_loss_has_validation_beside_training():
    picture = figures.loss_terms({**LOSS, "validation_reconstruction": [190, 152.5], "validation_kl": [8, 5]})
    assert "the reconstruction term in validation is 2.5 nats above training." in picture.text
    for axes in picture.figure.axes:
        assert [line.get_label() for line in axes.lines] == ["training", "validation"]
        assert axes.get_legend() is not None


def test_confusion_tells_accuracy_worst_and_the_commonest_mistake():
    text = figures.confusion_matrix(counts(), "evaluator").text
    assert text == (
        "evaluator: 88 of 92 pictures (95.7 %) are read as the spoken digit, from 60 % for 3 to 100 % for 0. "
        "The most frequent misreading is 3 read as 5: 4 times, 40 % of the spoken 3."
    )
    assert figures.confusion_matrix(np.eye(10)).text.endswith(
        "10 of 10 pictures (100.0 %) are read as the spoken digit; none is misread."
    )
    lonely = np.zeros((10, 10), dtype=int)
    lonely[2, 3] = 5
    assert "from 0 % for 2 to 0 % for 2" in figures.confusion_matrix(lonely).text


def test_bars_tell_means_ranges_and_references():
    text = figures.bars_with_spread(BARS, {"report": 0.82}).text
    assert "Highest is tuned: 90.0 % on average, 80.0 % to 100.0 % over 3 seeds" in text
    assert "lowest is plain: 55.0 % on average, 50.0 % to 60.0 % over 2 seeds" in text
    assert "differ by 35.0 points and the ranges do not overlap." in text
    assert "Above report (82.0 %): 1 of 2 means." in text
    assert "the ranges overlap." in figures.bars_with_spread({"a": [0.5, 0.7], "b": [0.6]}).text
    assert "one seed, so no spread" in figures.bars_with_spread({"a": [0.5]}).text
    figure = figures.bars_with_spread(BARS).figure
    assert [len(line.get_xdata()) for line in figure.axes[0].lines] == [2, 3]  # one dot per seed


# --- bad input -----------------------------------------------------------------------------------------

NAN = np.full((2, 28, 28), np.nan)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: figures.batch(np.zeros((2, 28, 27)), [1, 2]), "28, 28"),
        (lambda: figures.batch(np.zeros((0, 28, 28)), []), "non-empty"),
        (lambda: figures.batch(np.zeros((28, 28)), [1]), "3 non-empty axes"),
        (lambda: figures.batch(NAN, [1, 2]), "NaN"),
        (lambda: figures.batch(images(2) * 255, [1, 2]), r"\[0, 1\]"),
        (lambda: figures.batch("pictures", [1, 2]), "not numbers"),
        (lambda: figures.batch(images(2), [1]), "1 digits for 2 images"),
        (lambda: figures.batch(images(2), [1, 10]), "whole number from 0 to 9"),
        (lambda: figures.batch(images(2), [1, 2.5]), "whole number"),
        (lambda: figures.batch(images(2), [1, 2], None, [0.5, 0.5]), "confidences"),
        (lambda: figures.batch(images(2), [1, 2], [1, 2], [0.5]), "confidence"),
        (lambda: figures.batch(images(401), [1] * 401), "too many"),
        (lambda: figures.grid(classes(2)[:9]), "ten rows"),
        (lambda: figures.accuracy_while_training({}), "at least one"),
        (lambda: figures.accuracy_while_training({"a": [82.29]}), r"\[0, 1\]"),
        (lambda: figures.accuracy_while_training({"_a": [0.5]}), "underscore"),
        (lambda: figures.accuracy_while_training({"a": [0.5]}, references={"r": 82}), r"\[0, 1\]"),
        (lambda: figures.loss_terms({"kl": [1]}), "expected reconstruction and kl"),
        (lambda: figures.loss_terms({"reconstruction": [1, 2], "kl": [1]}), "different numbers of epochs"),
        (lambda: figures.confusion_matrix(np.zeros((10, 10))), "not all 0"),
        (lambda: figures.confusion_matrix(np.ones((9, 10))), "10, 10"),
        (lambda: figures.confusion_matrix(-np.eye(10)), "whole numbers from 0"),
        (lambda: figures.bars_with_spread({"a": []}), "non-empty"),
    ],
)
def test_bad_input_is_refused(make, message):
    with pytest.raises(DataError, match=message):
        make()


# --- manners -------------------------------------------------------------------------------------------


def test_save_refuses_other_formats_and_bad_places(tmp_path):
    picture = figures.pipeline()
    with pytest.raises(DataError, match="as PNG"):
        picture.save(tmp_path / "picture.pdf")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(A2DError, match="cannot write"):
        picture.save(tmp_path / "folder.png")
    assert [p.name for p in tmp_path.iterdir()] == ["folder.png"]


def test_a_notebook_shows_the_picture_and_reads_the_text():
    picture = figures.batch(images(1), [1])
    assert picture.png()[:8] == b"\x89PNG\r\n\x1a\n"
    data, metadata = picture._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]) == picture.png()
    assert data["text/plain"] == picture.text == metadata["image/png"]["alt"]
    assert repr(picture) == f"Picture: {picture.text}"


def test_the_user_keeps_settings_and_they_do_not_leak_in():
    import matplotlib

    plain = figures.loss_terms(LOSS).png()
    with matplotlib.rc_context({"font.size": 25, "axes.facecolor": "black", "savefig.dpi": 30, "lines.linewidth": 9}):
        before = dict(matplotlib.rcParams)
        assert figures.loss_terms(LOSS).png() == plain
        assert dict(matplotlib.rcParams) == before


def test_importing_is_cheap_and_drawing_leaves_pyplot_alone():
    code = """if True:
        import sys
        from a2d import figures
        print([name for name in ("matplotlib", "torch", "PIL") if name in sys.modules])
        picture = figures.accuracy_while_training({"a": [0.1, 0.2]}, references={"b": 0.5})
        picture.png()
        figures.pipeline().png()
        import matplotlib
        print([name for name in ("matplotlib.pyplot", "torch", "IPython") if name in sys.modules])
        print(dict.get(matplotlib.rcParams, "backend") is matplotlib.rcsetup._auto_backend_sentinel)
    """
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.splitlines() == ["[]", "[]", "True"]
