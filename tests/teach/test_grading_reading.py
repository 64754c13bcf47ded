"""Finding answers in notebooks, and plain data on its way out of the box."""

from __future__ import annotations

import json
import math
import sys

import numpy as np
import pytest

from a2d import exercises
from a2d.checks.comparison import Other
from teach.grading import marking
from teach.grading.marking import Handed, _find, age
from teach.grading.model import GradingError
from teach.grading.notebook import Notebook, read_notebook
from teach.sandbox import wire

FRAME = exercises.get("1.1")
QUESTION = exercises.get("1.6")
ANSWER = "def frame(x, n_fft, hop_length):\n    return np.stack([x, x])"


def cell(source: object, id: str = "", kind: str = "code") -> dict:
    return {"cell_type": kind, "source": source, "metadata": {}, **({"id": id} if id else {})}


def notebook(*cells: dict | str, **more: object) -> bytes:
    listed = [cell(one) if isinstance(one, str) else one for one in cells]
    return json.dumps({"cells": listed, "nbformat": 4, "nbformat_minor": 5, "metadata": {}, **more}).encode()


def read(*cells: dict | str):
    return read_notebook("01_x.ipynb", notebook(*cells))


# ------------------------------------------------------------------------------------------------- what is taken along


def test_answer_comes_with_what_it_refers_to_and_nothing_else():
    found = read(
        "import numpy as np\nimport librosa",
        "SIZE = 3\nx = librosa.load('a.wav')",
        "def helper(n):\n    return n + SIZE",
        "print('loud'); spare = 1",
        "def frame(x, n_fft, hop_length):\n    return np.ones(helper(len(x)))",
        'a2d.check("1.1", frame)',
    ).answer(FRAME)
    lines = found.source.splitlines()
    assert lines[:3] == ["import numpy as np", "SIZE = 3", "def helper(n):"]
    assert "librosa" not in found.source
    assert "spare" not in found.source
    assert found.where == "01_x.ipynb, cell 5"


def test_names_of_arguments_and_locals_bring_nothing_along():
    found = read(
        "x = load()\nn_fft = load()\nrows = load()",
        "def frame(x, n_fft, hop_length):\n    rows = [x for x in range(n_fft)]\n    return rows",
    ).answer(FRAME)
    assert "load" not in found.source


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (["EPS = 1\nEPS *= 2", "def frame(x, n_fft, hop_length):\n    return EPS"], ["EPS = 1", "EPS *= 2"]),
        (["T = {}\nT['a'] = 2", "def frame(x, n_fft, hop_length):\n    return T"], ["T = {}", "T['a'] = 2"]),
        (["a = 1; b = a", "def frame(x, n_fft, hop_length):\n    return b"], ["a = 1", "b = a"]),
        (["from numpy import *", "def frame(x, n_fft, hop_length):\n    return stack([x])"], ["from numpy import *"]),
        (["def frame(x, n_fft, hop_length):\n    return late(x)", "def late(x):\n    return x"], ["def late(x):"]),
        (["import numpy as np", "@np.vectorize\ndef frame(x, n_fft, hop_length):\n    return x"], ["@np.vectorize"]),
        (["K = 1", "K = 2", "def frame(x, n_fft, hop_length):\n    return K"], ["K = 2"]),
        (["def a(x):\n    return b(x)\ndef b(x):\n    return a(x)", ANSWER.replace("np.stack", "a")], ["def a(x):"]),
        (["class C:\n    pass", "def frame(x, n_fft, hop_length):\n    return C()"], ["class C:"]),
        (["%matplotlib inline\nimport numpy as np", ANSWER], ["import numpy as np"]),
        (["!pip install x\nK = 1", "%%time\ndef frame(x, n_fft, hop_length):\n    return K"], ["K = 1"]),
        (["import numpy as np", "%timeit 3\n" + ANSWER], ["import numpy as np"]),
    ],
)  # fmt: skip
def test_slices(cells: list[str], wanted: list[str]):
    source = read(*cells).answer(FRAME).source
    space: dict = {}
    exec(compile(source, "x", "exec"), space)
    assert "frame" in space
    for line in wanted:
        assert line in source.splitlines(), source
    assert "K = 1\n" not in source or "K = 2" not in source


# ----------------------------------------------------------------------------------------------------- which one counts


@pytest.mark.parametrize(
    ("cells", "part"),
    [
        ([ANSWER, ANSWER.replace("[x, x]", "[x]")], "[x]"),  # the last counts
        ([ANSWER, "def frame(x, n_fft, hop_length):\n    ..."], "[x, x]"),  # but not an empty copy
        (["def mine(x, n, h):\n    return 7", 'a2d.check("1.1", mine)'], "return 7"),
        (["def mine(x, n, h):\n    return 7", 'check(\n"1.1",\nmine)'], "return 7"),
        ([cell("def other(x, n, h):\n    return 8", "01-exercise-1-1")], "return 8"),
        ([cell("def other(x, n, h):\n    return 8", "exercise-1-1")], "return 8"),
        (["frame = lambda x, n, h: 9"], "lambda"),
        (["if True:\n    def frame(x, n, h):\n        return 10"], "return 10"),
        (["def frame(x, n, h:\n  return 11", ANSWER], "[x, x]"),  # a cell that Python cannot read
        ([ANSWER, "def frame(x, n, h:\n  return 11"], "[x, x]"),
    ],
)
def test_the_answer_that_counts(cells: list, part: str):
    found = read(*cells).answer(FRAME)
    assert part in found.source
    assert not found.stub
    assert not found.broken


def test_two_different_definitions_are_told():
    assert "2 times" in read(ANSWER, ANSWER.replace("[x, x]", "[x]")).answer(FRAME).notes[0]
    assert read(ANSWER, ANSWER + "  # copy").answer(FRAME).notes == ()


@pytest.mark.parametrize(
    "body", ["...", "pass", "return None", '"""Doc."""', "raise NotImplementedError", "# YOUR CODE HERE\n    ..."]
)
def test_a_stub_is_empty(body: str):
    found = read(f"def frame(x, n_fft, hop_length):\n    {body}").answer(FRAME)
    assert found.stub


def test_a_value_of_that_name_is_no_answer():
    assert read("frame = load(3)", "frame = 3").answer(FRAME) is None


def test_a_broken_cell_is_an_error_with_its_line():
    found = read("def frame(x, n_fft, hop_length):\n    return (x").answer(FRAME)
    assert "line 2: return (x" in found.broken
    assert found.where.endswith("cell 1")


def test_other_id_is_not_taken():
    assert read(cell("def other(x):\n    return 8", "01-exercise-1-10")).answer(FRAME) is None
    assert read("def mine(x, n, h):\n    return 7", 'a2d.check("1.10", mine)').answer(FRAME) is None


def test_answers_of_several_notebooks():
    def of(name: str, *cells: str):
        return read_notebook(name, notebook(*cells))

    stub, other = "def frame(x, n_fft, hop_length):\n    ...", ANSWER.replace("[x, x]", "[x]")
    found = _find(FRAME, [of("01_a.ipynb", ANSWER), of("05_b.ipynb", other)])
    assert found.where.startswith("01_a")  # the lecture's own notebook before another's
    found = _find(FRAME, [of("01_a.ipynb", stub), of("05_b.ipynb", other)])
    assert found.where.startswith("05_b")
    found = _find(FRAME, [of("01_a-1.ipynb", ANSWER), of("01_a-2.ipynb", other), of("01_a-3.ipynb", stub)])
    assert found.where.startswith("01_a-2")
    assert _find(FRAME, [of("01_a.ipynb", "x = 1")]) is None


def test_later_files_come_later():
    names = ["a.ipynb", "a-1.ipynb", "a-2.ipynb", "a-10.ipynb"]
    assert sorted(reversed(names), key=age) == names


@pytest.mark.parametrize(
    "other",
    [
        "01_{}_old",
        "01_{}-checkpoint",
        "01_{}_test",
        "01_{}-Copy1",
        "backup/01_{}",
        "01_{} (2)",
        "Copy of 01_{}",
        "01_{}_final",
    ],
)
def test_the_lecture_s_own_name_counts_most(other):
    slug = "from_sound_to_numbers"
    own, beside = f"01_{slug}.ipynb", f"{other.format(slug)}.ipynb"
    assert max([own, beside], key=age) == own
    assert max([f"bob_{own}", f"bob_{beside}"], key=age) == f"bob_{own}"


def test_copies_count_least():
    assert max(["01_x-Copy1.ipynb", "01_mine.ipynb", "01_x_old.ipynb"], key=age) == "01_mine.ipynb"


# --------------------------------------------------------------------------------------------------------- questions


@pytest.mark.parametrize(
    "cells",
    [
        [cell("It is so.", "01-answer-1-6", "markdown")],
        [cell("### Question 1.6: why?\n\nSay it.", "", "markdown"), cell("It is so.", "", "markdown")],
        [cell("### Question 1.6: why?", "", "markdown"), cell(["It ", "is so."], "", "raw")],
    ],
)
def test_words(cells: list):
    assert read(*cells).written(QUESTION)[0] == "It is so."


PLACE = "*Your answer: double-click here, replace this line, then press Shift+Enter.*"
ASKED = cell(f"### Question 1.6: why?\n\n{QUESTION.text}", "01-77ea90eb87", "markdown")
EMPTY = cell(PLACE, "01-answer-1-6", "markdown")


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        ([ASKED, EMPTY, cell("It is so.", "9f3a", "markdown")], "It is so."),  # in a cell of its own behind the place
        ([cell(f"{ASKED['source']}\n\nIt is so.", "01-77ea90eb87", "markdown"), EMPTY], "It is so."),
        ([ASKED, EMPTY, cell("# It is so.\n# Yes.", "9f3a")], "It is so.\nYes."),  # as comments
        ([ASKED, cell("", "01-answer-1-6", "markdown"), cell("It is so.", "", "raw")], "It is so."),
        ([cell("### Question 1.6: why?", "", "markdown"), cell("# My answer\nIt is so.", "", "markdown")],
         "# My answer\nIt is so."),
        ([ASKED, cell("It", "01-answer-1-6", "markdown"), cell("is so.", "a1", "raw"), cell("Yes.", "a2", "raw")],
         "It\n\nis so.\n\nYes."),
        ([ASKED, EMPTY, cell("x = 1\n# a note", "9f3a"), cell("## 3. Next", "01-aaaa", "markdown")], ""),
        ([ASKED, EMPTY, cell("Text of the lecture.", "01-bbbb", "markdown")], ""),
    ],
)  # fmt: skip
def test_words_beside_their_place(cells: list, wanted: str):
    assert read(*cells).written(QUESTION)[0] == wanted


def test_a_picture_is_told_of():
    text, where = read(ASKED, cell("![](attachment:photo.png)", "01-answer-1-6", "markdown")).written(QUESTION)
    assert "look at" in text
    assert where in text


def test_words_that_are_not_there():
    assert read(cell(PLACE, "01-answer-1-6", "markdown")).written(QUESTION)[0] == ""
    after = cell("## 3. The next section", "", "markdown")
    assert read(cell("### Question 1.6: why?", "", "markdown"), after).written(QUESTION) is None
    assert read("x = 1").written(QUESTION) is None


# -------------------------------------------------------------------------------------------------------- file formats


@pytest.mark.parametrize(
    "data",
    [
        notebook(ANSWER),
        b"\xef\xbb\xbf" + notebook(ANSWER),
        notebook(ANSWER).decode().encode("utf-16"),
        json.dumps({"worksheets": [{"cells": [{"cell_type": "code", "input": ANSWER}]}], "nbformat": 3}).encode(),
        json.dumps({"cells": [{"cell_type": "code", "source": ANSWER.splitlines(keepends=True)}]}).encode(),
        json.dumps({"cells": [None, 3, {"source": 4}, {"source": None}, {"source": ANSWER}]}).encode(),
        notebook("# \xe9", ANSWER).decode("unicode_escape").encode("latin-1"),
    ],
)
def test_formats(data: bytes):
    data = data if b"\\n" in data or data[:2] == b"\xff\xfe" else data.replace(b"\n", b"\\n")
    assert read_notebook("01_x.ipynb", data).answer(FRAME).source.startswith("def frame")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "it is empty"),
        (b"  \n", "it is empty"),
        (b"{", "JSON is broken"),
        (b"[]", "no cells"),
        (b"3", "no cells"),
        (b'{"cells": {}}', "no cells"),
        (b'{"cells": []}', "no cells"),
        (b"PK\x03\x04 a zip", "JSON is broken"),
        (b'{"cells":' + b"[" * 200_000, "nested too deeply"),
        (b"\xff\xfe\x00", "JSON is broken"),
    ],
)
def test_no_notebook(data: bytes, told: str):
    with pytest.raises(GradingError, match=r"not a notebook|nested too deeply") as caught:
        read_notebook("x.ipynb", data)
    assert told in str(caught.value)


def test_handed_travels():
    import pickle

    handed = Handed("k", "S", "", False, (("a.ipynb", b"x"),))
    assert pickle.loads(pickle.dumps(handed)) == handed


# ---------------------------------------------------------------------------------------------------------- plain data


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        -(2**62),
        0.1,
        math.inf,
        "text \u00e9",
        [1, [2.5, "a"]],
        (1, (2,)),
        {"a": (1, 2), 3: None},
        1 + 2j,
        ...,
        np.arange(6.0).reshape(2, 3),
        np.arange(3, dtype=np.int16),
        np.array([True, False]),
        np.array([1 + 1j]),
        np.ones((0, 3)),
        np.array(["a", "bcd"]),
        np.float32([1.5]),
    ],
)
def test_plain_data_comes_back_as_it_was(value: object):
    back = wire.decode(wire.loads(wire.dumps(wire.encode(value))))
    if isinstance(value, np.ndarray):
        assert back.shape == value.shape
        assert back.dtype.kind == value.dtype.kind
        np.testing.assert_array_equal(back, value)
    else:
        assert back == value
        assert type(back) is type(value)


class Sneaky(np.ndarray):
    pass


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (object(), "object"),
        (2**70, "int of 71 bits"),
        (np.array([object()], dtype=object), "array of object"),
        (np.ones(2).view(Sneaky), "Sneaky"),
        ((n for n in "ab"), "generator"),
        (np.array(["2020"], dtype="M8[Y]"), "array of datetime64[Y]"),
    ],
)
def test_other_values_come_as_their_kind(value: object, kind: str):
    assert wire.decode(wire.encode(value)) == Other(kind)


def test_deep_containers_end():
    value: list = []
    for _ in range(50):
        value = [value]
    assert "nested containers" in wire.dumps(wire.encode(value))


@pytest.mark.parametrize(
    "message",
    [
        {"array": ["<f8", [2**40], ""]},
        {"array": ["<f8", [2], "AAAA"]},
        {"array": ["|O8", [1], "AAAAAAAAAAA="]},
        {"array": ["<f8", [-1], ""]},
        {"array": ["<f8", "x", ""]},
        {"array": ["<f8", [True], "AAAAAAAAAAA="]},
        {"array": ["<f8", [1], "not base64!!"]},
        {"array": ["<V8", [1], "AAAAAAAAAAA="]},
        {"array": 3},
        {"texts": [[3], ["a"]]},
        {"texts": [[1], [3]]},
        {"dict": [[[1], 2]]},
        {"dict": 4},
        {"tuple": 5},
        {"complex": [1]},
        {"pickle": "x"},
        {"array": [], "tuple": []},
        {},
        10**30,
    ],
)
def test_broken_messages_are_refused(message: object):
    with pytest.raises(wire.WireError):
        wire.decode(message)


@pytest.mark.parametrize("line", [b"{", b"[" * 100_000, b"\xff", b'{"a": ' + b"1" * 5000 + b"}"])
def test_broken_lines_are_refused(line: bytes):
    with pytest.raises(wire.WireError):
        wire.loads(line)


# ------------------------------------------------------------------------------------------- languages and versions


def test_the_language_and_the_version_are_read():
    told = {"metadata": {"language_info": {"name": "python", "version": "3.13.1"}}}
    assert read_notebook("a", notebook("x = 1", **told)).version == (3, 13)
    for odd in ({}, {"metadata": 3}, {"metadata": {"language_info": []}}, {"metadata": {"language_info": {"name": 3}}}):
        found = read_notebook("a", notebook("x = 1", **odd))
        assert (found.language, found.version) == ("python", ())


def test_why_a_function_is_not_found_is_told():
    of_r = read_notebook("a.ipynb", notebook("f <- 1", metadata={"language_info": {"name": "R"}}))
    assert "notebook of r" in of_r.elsewhere(FRAME)
    assert "stands in a text cell (01_x.ipynb, cell 1)" in read(cell(ANSWER, "", "markdown")).elsewhere(FRAME)
    assert "a cell that is not run" in read(cell(ANSWER, "", "raw")).elsewhere(FRAME)
    assert read(ANSWER).elsewhere(FRAME) == ""


def test_a_newer_python_is_named():
    newer = (sys.version_info[0], sys.version_info[1] + 1)
    told = marking._newer([Notebook("a", (), version=newer)])
    assert f"Python {newer[0]}.{newer[1]}" in told
    assert marking._newer([Notebook("a", (), version=tuple(sys.version_info[:2]))]) == ""
    assert marking._newer([Notebook("a", ())]) == marking._newer([]) == ""
