"""What a teacher hands out: which lectures, with how many points, in a folder that is the same each time."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import emptyenv
import nbformat
import pytest
from conftest import ROOT

import a2d
from a2d import exercises
from a2d.checks import points, verdicts
from a2d.checks.points import number, points_of, scaled
from a2d.errors import CourseError
from a2d.exercises import Exercise, Question
from teach.grading.model import GradingError
from teach.lectures import names, texts
from teach.lectures.build import make_notebook, to_text
from teach.lectures.environments import project_requirements
from teach.lectures.source import find_sources, read_lecture
from teach.release import package as releasing
from teach.release.package import build_wheel, fresh_folder, release, seal
from teach.release.points import all_points, parse_lectures, read_points

WHEEL = f"digits_from_sound-{a2d.__version__}-py3-none-any.whl"
# Lecture 08 is the quickest that has exercises.
LESSON, SLUG = "08", "08_the_report_reproduced"
POINTS = "exercise,points\n8.1,5\n8.2,7.5\n8.4,0\n1.1,9\n"
# What the release of lectures 00 and 08 gives for each with these.
GIVEN = {"0.1": 1, "0.2": 2, "8.1": 5, "8.2": 7.5, "8.3": 3, "8.4": 0, "8.5": 3}
ALL_LECTURES = tuple(range(12))
ALL = {one.id: one for one in exercises.every()}


# ----------------------------------------------------------------------------------------------------- which lectures


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("01-04,06", (1, 2, 3, 4, 6)),
        ("1", (1,)),
        (" 6 , 01 - 02,2", (1, 2, 6)),
        ("0-11", ALL_LECTURES),
        ("all", ALL_LECTURES),
        (" ALL ", ALL_LECTURES),
        (None, ALL_LECTURES),
        ("08", (8,)),
    ],
)
def test_lectures_are_chosen_by_their_numbers(text, found):
    assert parse_lectures(text) == found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "'' is no number"),
        ("1,,2", "'' is no number"),
        ("one", "'one' is no number"),
        ("01_from_sound_to_numbers", "is no number"),
        ("-1", "'-1' is no number"),
        ("1-2-3", "'1-2-3' is no number"),
        ("1.5", "'1.5' is no number"),
        ("\N{ARABIC-INDIC DIGIT ONE}", "is no number"),
        ("04-01", "04-01 ends before it begins"),
        ("12", "no lecture 12.*There are 00, 01, 02, 03, 04, 05, 06, 07, 08, 09, 10"),
        ("7-999999999", "no lecture 999999999.*There are 00"),
    ],
)
def test_other_lectures_are_refused_with_those_that_there_are(text, told):
    with pytest.raises(GradingError, match=told):
        parse_lectures(text)


def test_the_known_lectures_are_those_that_have_a_source():
    assert [f"{n:02d}" for n in parse_lectures("all")] == [path.stem[:2] for path in find_sources()]


def test_a_new_lecture_need_be_told_nowhere_and_without_sources_the_exercises_tell(tmp_path):
    folder = tmp_path / "notebooks" / "src"
    folder.mkdir(parents=True)
    for name in ("02_b.py", "13_hands_on.py", "notes.py", "13_hands_on.txt"):
        (folder / name).touch()
    assert names.slugs(tmp_path) == ("02_b", "13_hands_on")
    assert names.numbers(tmp_path) == (2, 13)
    nowhere = tmp_path / "site-packages"
    assert names.numbers(nowhere) == tuple(sorted({int(id.partition(".")[0]) for id in ALL}))


# ------------------------------------------------------------------------------------------------------------- points


@pytest.mark.parametrize(
    "content",
    [
        b"exercise,points\n1.1,5\n1.6,2.5,,\n2.1,0\n",
        b"\xef\xbb\xbfexercise,points\r\n1.1,5\r\n\r\n1.6,2.5\r\n2.1,0",
        b"Exercise;Points\n1.1;5\n1.6;2,5\n2.1;0,0\n",
        b'"exercise","points"\n"1.1","5"\n"1.6","2.50"\n" 2.1 "," 0 "\n',
        b'points,note,exercise\n5,"easy, but long",1.1\n2.5,,1.6\n0,,2.1\n',
        b'{"1.1": 5, "1.6": 2.5, "2.1": 0}',
        b'\xef\xbb\xbf\n{"1.1": 5.0,\n "1.6": 2.5,\n "2.1": -0.0}\n',
    ],
    ids=["csv", "bom-crlf", "semicolons", "quoted", "columns", "json", "json-bom"],
)
def test_a_file_of_points_is_read(tmp_path, content):
    path = tmp_path / "points"
    path.write_bytes(content)
    found = read_points(path)
    assert found == {"1.1": 5.0, "1.6": 2.5, "2.1": 0.0}
    assert list(map(str, found.values())) == ["5.0", "2.5", "0.0"]


HEAD = b"exercise,points\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", r"points: this file is empty\. Write a line exercise,points"),
        (b" \n\n", "points: this file is empty"),
        (HEAD, "points: there are no points here"),
        (b"{}", "points: there are no points here"),
        (b"1.1,5\n", r"points:1: the columns .* not named.*exercise,points"),
        (b"exercise,exercise,points\n1.1,1.1,5\n", "points:1: the columns"),
        (HEAD + b"1.1,5\n1.9,5\n", r"points:3: there is no exercise or question '1\.9'\. Use one of 1\.1, 1\.2"),
        (HEAD + b"frame,5\n", r"points:2: there is no exercise or question 'frame'\. Use ids such as 1\.1"),
        (HEAD + b"01.1,5\n", "points:2: there is no exercise"),
        (HEAD + b",5\n", "points:2: there is no exercise or question ''"),
        (HEAD + b"1.1,5\n\n1.1,5\n", r"points:4: 1\.1 stands here a second time\. Keep one"),
        (HEAD + b"1.1,-1\n", r"points:2: 1\.1 cannot give -1\.0 points\. Write a number from 0"),
        (HEAD + b"1.1,10001\n", r"1\.1 cannot give 10001"),
        (HEAD + b"1.1,3.333\n", r"1\.1 cannot give 3\.333 points.*two decimals"),
        (HEAD + b"1.1,nan\n", r"points:2: the points of 1\.1 are no number: 'nan'\. Write a number"),
        (HEAD + b"1.1,inf\n", "are no number: 'inf'"),
        (HEAD + b"1.1,five\n", "are no number: 'five'"),
        (HEAD + b"1.1,1_0\n", "are no number: '1_0'"),
        (HEAD + b"1.1,\n", "are no number: ''"),
        (HEAD + "1.1,\N{ARABIC-INDIC DIGIT FIVE}\n".encode(), "are no number"),
        (b"exercise;points\n1.1;1.000,5\n", "are no number: '1.000,5'"),
        (HEAD + b"1.1,2,5\n", "points:2: this line has too many columns.*2.5"),
        (b"exercise;points\n1.1;2;5\n", "points:2: this line has too many columns"),
        (HEAD + b"1.1\n", "points:2: this line has too few columns"),
        (HEAD + b'1.1,"5\n', "points:2: this is not CSV"),
        (HEAD + b"1.1,5\n\xff\xfe", r"points:3: this is not text in UTF-8\. Save it as .CSV UTF-8"),
        ("exercise,points\n1.1,5\n".encode("utf-16"), "points:1: this is not text in UTF-8"),
        (b"[1, 2]", "points:1: this is not a JSON object.*Write an object"),
        (b'{"1.1": 5,\n "1.2": }', "points:2: this is not JSON"),
        (b'{"1.1": 5,\n"1.2": 1, "1.1": 5}', r"points:2: 1\.1 stands here a second time"),
        (b'{"1.1": 5,\n\n"1.9": 1}', r"points:3: there is no exercise or question '1\.9'"),
        (b'{"1.1": NaN}', r"points:1: the points of 1\.1 are no number"),
        (b'{"1.1": Infinity}', r"1\.1 cannot give inf points"),
        (b'{"1.1": "5"}', "are no number: '5'"),
        (b'{"1.1": true}', "are no number: 'True'"),
        (b'{"1.1": null}', "are no number: 'None'"),
        (b'{"1.1": {"1.2": 3}}', "are no number"),
        (b'{"1.1": ' + b"9" * 5000 + b"}", "this is not JSON that can be used"),
        (b'{"1.1": ' + b"[" * 100_000, "this is not JSON"),
    ],
)
def test_a_bad_file_of_points_is_refused_with_its_line(tmp_path, content, told):
    path = tmp_path / "points"
    path.write_bytes(content)
    with pytest.raises(GradingError, match=told) as caught:
        read_points(path)
    assert str(path) in str(caught.value)
    assert caught.value.hint


def test_a_file_of_points_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(GradingError, match=r"nothing.csv: cannot read this file \(No such file"):
        read_points(tmp_path / "nothing.csv")
    with pytest.raises(GradingError, match="cannot read this file"):
        read_points(tmp_path)


def test_points_are_declared_or_the_teachers_and_scale_in_proportion():
    one, question = exercises.get("1.2"), exercises.get("1.6")
    assert points_of("1.2", {}) == points_of("1.2", None) == points_of("1.2", {"1.1": 9}) == one.points == 3
    assert points_of("1.2", {"1.2": 5}) == 5
    assert [scaled(one, earned, {"1.2": 5}) for earned in (0, 1, 2, 3)] == [0, 1.67, 3.33, 5]
    assert scaled(question, 1, {"1.6": 5}) == 2.5
    assert scaled(one, 3, {"1.2": 0}) == 0
    assert scaled(one, 2, {}) == 2
    assert all_points((0, 8), {"8.2": 7}) == {"0.1": 1, "0.2": 2, "8.1": 2, "8.2": 7, "8.3": 3, "8.4": 2, "8.5": 3}
    assert [number(n) for n in (0, 3, 10, 100, 2.5, 1.67, 10_000.0)] == ["0", "3", "10", "100", "2.5", "1.67", "10000"]


# -------------------------------------------------------------------------------------------------------- the texts


def test_texts_say_the_declared_points_unless_others_are_given():
    text = "{exercise 2.2}\n\nTwo points are for ordinary features, one for those that are constant.\n\n{question 2.4}"
    plain = texts.expand(text, solution=False)
    assert "10 min, 3 points." in plain
    assert "Two points are for ordinary features, one for" in plain
    assert texts.expand(text, solution=False, points={"2.2": 3, "1.1": 9}) == plain
    given = texts.expand(text, solution=False, points={"2.2": 1.5, "2.4": 1})
    assert "10 min, 1.5 points." in given
    assert "1 point is for ordinary features, 0.5 for those that are constant." in given
    assert "10 min, 1 point, marked by a person." in given
    assert "| 2.5 | " in texts.expand("{answer 2.4}", solution=True, points={"2.4": 5})


def test_no_lecture_keeps_a_declared_number_of_points_when_others_are_given():
    points = {id: one.points * 2 + 30 for id, one in ALL.items()}
    seen: list[str] = []
    for path in find_sources():
        old, new = (make_notebook(read_lecture(path), solution=False, points=p) for p in (None, points))
        for a, b in zip(old.cells, new.cells, strict=True):
            assert a.id == b.id
            lines = list(zip(a.source.splitlines(), b.source.splitlines(), strict=True))
            seen += [y for x, y in lines if x != y]
            # Every line that speaks of points for something has changed.
            kept = [x for x, y in lines if x == y and a.cell_type == "markdown"]
            assert not [x for x in kept if re.search(r"(?i)\bpoints? (is|are) for\b|min, [\d.]+ points?\b", x)]
    heads = [line for line in seen if "min, " in line]
    assert len(heads) == len(ALL)
    assert [float(re.search(r"([\d.]+) points", line)[1]) for line in heads] == list(points.values())
    assert len(seen) - len(heads) == 9  # what the parts of nine exercises are worth


# --------------------------------------------------------------------------------------------------------- the folder


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> Path:
    """A copy of the clone: nobody edits it while the tests run."""
    return emptyenv.copy_sources(tmp_path_factory.mktemp("sources") / "clone", more=("notebooks/src",))


@pytest.fixture(scope="module")
def released(sources, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("released")
    (folder / "points.csv").write_text(POINTS)
    told = release(folder / "out", ["00", LESSON], folder / "points.csv", root=sources)
    assert told[0] == f"wrote {folder / 'out'}: 2 notebooks, 21.5 points"
    assert told[1].startswith(f"wrote {folder / 'out.zip'}: the same in one file, ")
    assert told[2:] == ["not used, as these lectures are not in it: the points of 1.1"]
    assert sorted(path.name for path in folder.iterdir()) == ["out", "out.zip", "points.csv"]
    return folder / "out"


@pytest.fixture
def quick(monkeypatch) -> None:
    """A small file in place of the wheel, whose building takes seconds."""

    def build(root: Path, folder: Path) -> Path:
        (folder / WHEEL).write_bytes(b"wheel")
        return folder / WHEEL

    monkeypatch.setattr(releasing, "build_wheel", build)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_folder_holds_notebooks_package_points_and_instructions(released):
    names = ["00_start_here.ipynb", f"{SLUG}.ipynb", "INSTRUCTIONS.md", WHEEL, "points.json", "release.json"]
    assert sorted(contents(released)) == names
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in [released, *released.iterdir()]}
    mask = os.umask(0)
    os.umask(mask)
    assert modes.pop("out") == oct(0o777 & ~mask)
    assert set(modes.values()) == {oct(0o666 & ~mask)}
    assert json.loads((released / "points.json").read_text()) == GIVEN


def test_the_record_says_what_was_handed_out(released):
    record = json.loads((released / "release.json").read_text())
    assert record["version"] == a2d.__version__
    assert record["lectures"] == [0, 8]
    assert record["points"] == GIVEN
    files = contents(released)
    del files["release.json"]
    assert record["sha256"] == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def test_the_notebooks_are_the_students_with_the_points_and_the_way_to_install(released):
    text = (released / f"{SLUG}.ipynb").read_text()
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    lines = "\n".join(cell.source for cell in notebook.cells).splitlines()
    assert "Difficulty 1/5, 5 min, 5 points." in lines
    assert "5 points are for speakers with equally many recordings, 2.5 for the others." not in lines
    assert "2.5 points are for speakers with equally many recordings, 5 for the others." in lines
    assert "15 min, 0 points, marked by a person." in lines
    assert "How to open it and hand it in: see INSTRUCTIONS.md." in lines
    assert f'run: pip install "{WHEEL}[course]"' in next(line for line in lines if "message = " in line)
    assert "pip install -e" not in text
    assert all(cell.cell_type == "markdown" or cell.outputs == [] for cell in notebook.cells)
    plain = make_notebook(read_lecture(find_sources(names=[LESSON])[0]), solution=False)
    code = [(cell.id, cell.source) for cell in plain.cells if cell.cell_type == "code" and "setup" not in cell.id]
    assert [(c.id, c.source) for c in notebook.cells if c.cell_type == "code" and "setup" not in c.id] == code


def test_the_instructions_are_short_and_hold_for_this_release(released):
    text = (released / "INSTRUCTIONS.md").read_text()
    assert f'pip install "{WHEEL}[course]"' in text
    assert "| `00_start_here.ipynb` | 3 | - | 3 |" in text
    assert f"| `{SLUG}.ipynb` | 18.5 | - | 18.5 |" in text
    assert "| all | 21.5 | - | 21.5 |" in text
    for word in ("jupyter lab", "YOUR CODE HERE", "Your answer", "rename", "NumPy, SciPy and PyTorch", "10 seconds"):
        assert word in text
    assert "Run All" in text
    assert "**only** the `.ipynb`" in text
    assert len(text.splitlines()) <= 55
    assert len(text.split()) <= 400


def test_the_words_that_the_instructions_name_stand_in_the_notebooks(released):
    text = (released / f"{SLUG}.ipynb").read_text()
    assert "# YOUR CODE HERE" in text
    assert "Your answer" in text


def test_the_zip_is_the_folder_and_gives_away_nothing_of_this_run(released):
    with zipfile.ZipFile(f"{released}.zip") as archive:
        assert archive.testzip() is None
        infos = archive.infolist()
        files = {info.filename.removeprefix("out/"): archive.read(info) for info in infos}
    assert [info.filename for info in infos] == sorted(info.filename for info in infos)
    assert all(info.filename.startswith("out/") for info in infos)
    assert files == contents(released)
    assert {info.date_time for info in infos} == {(2020, 1, 1, 0, 0, 0)}
    assert {info.external_attr >> 16 for info in infos} == {0o100644}


def test_the_same_tree_gives_the_same_bytes_in_place_of_the_old_ones(released, sources, tmp_path):
    before = Path(f"{released}.zip").read_bytes()
    again = tmp_path / "out"
    shutil.copytree(released, again)
    shutil.copy(f"{released}.zip", tmp_path)
    (again / ".ipynb_checkpoints").mkdir()
    (again / ".ipynb_checkpoints" / "x.ipynb").write_text("{}")
    for path in (sources / "a2d").rglob("*.py"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    release(again, [f"{LESSON},00"], released.parent / "points.csv", root=sources)
    assert (again / WHEEL).read_bytes() == (released / WHEEL).read_bytes()
    assert Path(f"{again}.zip").read_bytes() == before
    assert contents(again) == contents(released)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.zip"]


def test_without_a_file_of_points_there_is_none(quick, tmp_path, sources):
    told = release(tmp_path / "a" / "b", None, None, root=sources)
    total = sum(one.points for one in ALL.values())
    assert told[0] == f"wrote {tmp_path / 'a' / 'b'}: 12 notebooks, {total} points"
    assert len(told) == 2
    files = contents(tmp_path / "a" / "b")
    assert "points.json" not in files
    sheet = files["INSTRUCTIONS.md"].decode()
    assert "| `01_from_sound_to_numbers.ipynb` | 18 | 2 | 20 |" in sheet
    assert f"| all | 157 | 22 | {total} |" in sheet
    for path in find_sources():
        wanted = to_text(make_notebook(read_lecture(path), solution=False))
        given = files[f"{path.stem}.ipynb"].decode()
        changed = [line for line in given.splitlines() if line not in wanted.splitlines()]
        assert len(changed) == 2, changed  # how to open it, and how to install
        assert "INSTRUCTIONS.md" in changed[0]
        assert WHEEL in changed[1]


def test_a_release_leads_to_no_public_copy(quick, tmp_path, sources, monkeypatch):
    monkeypatch.setenv("A2D_REPOSITORY", "owner/some-name")
    release(tmp_path / "out", ["00"], None, root=sources)
    text = (tmp_path / "out" / "00_start_here.ipynb").read_text()
    assert "some-name" not in text
    assert "colab" not in text.lower()


# ------------------------------------------------------------------------------------------------- where it is written


def entries(folder: Path) -> dict[str, bytes | None]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def make_file(out: Path) -> None:
    out.write_text("mine")


def make_full(out: Path) -> None:
    out.mkdir()
    (out / "thesis.txt").write_text("mine")


def make_record_only(out: Path) -> None:
    out.mkdir()
    (out / "release.json").write_text("[]")


def make_foreign_zip(out: Path) -> None:
    out.with_name("out.zip").write_bytes(b"mine")


def make_foreign_archive(out: Path) -> None:
    with zipfile.ZipFile(out.with_name("out.zip"), "w") as archive:
        archive.writestr("deep/er/release.json", "{}")


def make_zip_folder(out: Path) -> None:
    out.with_name("out.zip").mkdir()


def make_earlier(out: Path) -> Path:
    with fresh_folder(out) as folder:
        (folder / "a.ipynb").write_text("old")
        seal(folder, {})
    return out


def make_solved(out: Path) -> None:
    (make_earlier(out) / "a.ipynb").write_text("solved")


def make_added(out: Path) -> None:
    (make_earlier(out) / "b").mkdir()
    (out / "b" / "notes.txt").write_text("mine")


def make_linked(out: Path) -> None:
    (make_earlier(out) / "link").symlink_to("/nowhere")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (make_file, r"out: this is a file\. Give a folder"),
        (make_full, r"out: this folder is not empty, and no release wrote it\. Choose another"),
        (make_record_only, r"not as the release wrote them: release\.json"),
        (make_foreign_zip, r"out\.zip: this file is there, and no release wrote it"),
        (make_foreign_archive, r"out\.zip: this file is there"),
        (make_zip_folder, r"out\.zip: this file is there"),
        (make_solved, r"files here are not as the release wrote them: a\.ipynb\. Choose another"),
        (make_added, r"not as the release wrote them: b/notes\.txt"),
        (make_linked, "not as the release wrote them: link"),
    ],
)
def test_what_is_not_an_untouched_release_is_refused_and_kept(quick, tmp_path, sources, make, told):
    make(tmp_path / "out")
    before = entries(tmp_path)
    with pytest.raises(GradingError, match=told):
        release(tmp_path / "out", ["00"], None, root=sources)
    assert entries(tmp_path) == before


def test_missing_empty_and_earlier_places_are_taken(quick, tmp_path, sources):
    (tmp_path / "empty").mkdir()
    make_earlier(tmp_path / "earlier")
    (tmp_path / "less").symlink_to(make_earlier(tmp_path / "linked"))
    (tmp_path / "linked" / "a.ipynb").unlink()  # what somebody deleted is no loss
    for name in ("empty", "earlier", "less", "new/in/new"):
        release(tmp_path / name, ["00"], None, root=sources)
        assert "a.ipynb" not in contents(tmp_path / name)
        assert "00_start_here.ipynb" in contents(tmp_path / name)
    names = ["earlier", "earlier.zip", "empty", "empty.zip", "less", "linked", "linked.zip", "new"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    make_earlier(tmp_path / "less")
    assert (tmp_path / "less").is_symlink()
    assert contents(tmp_path / "linked").keys() == {"a.ipynb", "release.json"}


@pytest.mark.parametrize("name", ["a2d/out", "data", "results/x/y", "notebooks/out"])
def test_a_release_is_not_written_into_what_it_is_made_of(quick, sources, name):
    before = sorted(sources.rglob("*"))
    with pytest.raises(GradingError, match=r"the package is made of what is in .*Choose a folder outside"):
        release(sources / name, ["00"], None, root=sources)
    assert sorted(sources.rglob("*")) == before


def test_a_failure_leaves_all_as_it_was(quick, tmp_path, sources, monkeypatch):
    out = make_earlier(tmp_path / "out")
    before = entries(tmp_path)
    rename = os.rename

    def broken(source: Path, target: Path) -> None:
        if Path(source).name == "new":
            raise OSError(28, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "rename", broken)
    with pytest.raises(CourseError, match=r"out: cannot write here \(No space left"):
        release(out, ["00"], None, root=sources)
    assert entries(tmp_path) == before
    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(KeyboardInterrupt), fresh_folder(out, zipped=True):
        raise KeyboardInterrupt
    assert entries(tmp_path) == before
    with pytest.raises(GradingError, match="not as the release wrote them"), fresh_folder(out):
        (out / "a.ipynb").write_text("saved meanwhile")
    assert (out / "a.ipynb").read_text() == "saved meanwhile"
    (tmp_path / "points").write_text("exercise,points\n1.9,1\n")
    with pytest.raises(GradingError, match=r"points:2: there is no exercise"):
        release(tmp_path / "new", ["00"], tmp_path / "points", root=sources)
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_without_permission_is_told(quick, tmp_path, sources):
    tmp_path.chmod(0o500)
    with pytest.raises(CourseError, match=r"cannot write here \(Permission denied"):
        release(tmp_path / "out", ["00"], None, root=sources)


def test_a_parent_that_is_a_file_is_told(quick, tmp_path, sources):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CourseError, match=r"cannot write here \((File exists|Not a directory)"):
        release(tmp_path / "file" / "out", ["00"], None, root=sources)


# -------------------------------------------------------------------------------------------------- what it is made of


def test_without_a_clone_it_says_so(tmp_path):
    with pytest.raises(CourseError, match=r"there are no lectures here.*clone"):
        release(tmp_path / "out", None, None, root=tmp_path / "site-packages")
    assert list(tmp_path.iterdir()) == []


def test_without_hatchling_it_says_what_to_do(tmp_path, sources, monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "hatchling" else find(name, *a))
    with pytest.raises(GradingError, match=r"hatchling.*is not installed\. Run `pip install"):
        release(tmp_path / "out", ["00"], None, root=sources)
    assert list(tmp_path.iterdir()) == []


def test_a_package_that_cannot_be_packed_is_told_in_one_line(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "digits-from-sound"\ndynamic = ["version"]\n')
    with pytest.raises(GradingError, match=r"the package cannot be packed \(.+\)\. Run `python -m hatchling") as caught:
        build_wheel(tmp_path, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_lecture_that_its_build_refuses_is_not_handed_out(quick, tmp_path, sources):
    folder = tmp_path / "clone" / "notebooks" / "src"
    folder.mkdir(parents=True)
    text = (sources / "notebooks" / "src" / "00_start_here.py").read_text()
    (folder / "00_start_here.py").write_text(text.replace("# ## Quiz", "# ## Riddles"))
    with pytest.raises(CourseError, match="the section 'Quiz' is missing"):
        release(tmp_path / "out", ["00"], None, root=tmp_path / "clone")
    assert not (tmp_path / "out").exists()


# --------------------------------------------------------------------------------------------------- with the points


@pytest.fixture
def in_release(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(verdicts, "_outcomes", {})
    (tmp_path / "points.json").write_text('{"1.1": 7.5, "1.2": 5, "1.6": 4}')
    return tmp_path


def half_right(frames, window):
    """Right where every weight is 1."""
    import numpy as np

    return np.abs(np.fft.rfft(frames)) ** 2


def test_checks_and_scores_say_the_points_of_the_release(in_release, capsys):
    a2d.check("1.1", exercises.get("1.1").reference)
    a2d.check("1.2", half_right)
    a2d.score(1)
    told = capsys.readouterr().out
    assert "Exercise 1.1: Right (7.5 of 7.5 points)." in told
    assert "Exercise 1.2: Not yet right, but partly (1.67 of 5 points)." in told
    assert "1.1  7.5 of 7.5  " in told
    assert "1.2  1.67 of 5  " in told
    assert "1.4   0 of 2  " in told
    assert "Exercises: 9.17 of 24.5 points." in told
    assert "Questions that a person marks: 4 points." in told
    assert "Note" not in told


def test_without_a_file_the_declared_points_are_said(in_release, capsys):
    (in_release / "points.json").unlink()
    a2d.check("1.1", exercises.get("1.1").reference)
    a2d.score(1)
    told = capsys.readouterr().out
    assert "Exercise 1.1: Right (3 of 3 points)." in told
    assert "1.1   3 of 3  cut a signal into frames: right\n" in told
    assert "Exercises: 3 of 18 points.\nQuestions that a person marks: 2 points.\n" in told


@pytest.mark.parametrize("content", [b"", b"{", b'{"1.1": -3}', b'{"9.9": 1}', b"\xff\xfe"])
def test_a_broken_file_of_points_is_told_in_one_line_and_not_used(in_release, capsys, content):
    (in_release / "points.json").write_bytes(content)
    a2d.check("1.1", exercises.get("1.1").reference)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Note: points.json")
    assert lines[0].endswith("The declared points are shown.")
    assert lines[1] == "Exercise 1.1: Right (3 of 3 points)."
    (in_release / "points.json").unlink()
    (in_release / "points.json").mkdir()
    assert points.local_points() == {}
    assert capsys.readouterr().out == ""


def test_grading_does_not_read_the_points_of_the_current_folder(in_release):
    outcome = verdicts.judge(exercises.get("1.1"), exercises.get("1.1").reference)
    assert (outcome.points, outcome.of) == (3, 3)


# ---------------------------------------------------------------------------------------------------- as a student


@pytest.mark.slow
def test_a_released_lecture_runs_to_its_end_with_the_wheel_alone(released, tmp_path):
    from nbclient import NotebookClient

    python = emptyenv.make(tmp_path / "env", emptyenv.closure(one.name for one in project_requirements()))
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(f"{released}.zip") as archive:
        archive.extractall(folder)
    folder = folder / "out"
    (tmp_path / "home").mkdir()
    variables = emptyenv.variables(python, tmp_path / "home", tmp_path)
    command = re.search(r'python -m (pip install ".*")', (folder / "INSTRUCTIONS.md").read_text())[1]
    # What the package needs is in the environment already, beside an old setuptools of its own that torch refuses.
    done = subprocess.run(
        f"python -m {command} --no-deps",
        shell=True,
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    kernel = tmp_path / "jupyter" / "kernels" / "student"
    kernel.mkdir(parents=True)
    spec = {"argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"], "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec | {"display_name": "Student"}))
    notebook = nbformat.read(folder / f"{SLUG}.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("print(a2d.__file__)"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
        client = NotebookClient(notebook, kernel_name="student", timeout=120, store_widget_state=False)
        client.execute(cwd=str(folder), env=variables)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    printed = "".join(output.get("text", "") for cell in code for output in cell.outputs)
    assert "Setup complete" in printed
    assert Path(code[-1].outputs[0].text.strip()).is_relative_to(tmp_path / "env" / "venv")
    graded = [one for one in exercises.of_lecture(8) if isinstance(one, Exercise)]
    assert printed.count("Not attempted yet") == len(graded)
    assert "8.1   0 of 5  " in printed
    assert "Exercises: 0 of 18.5 points." in printed
    assert isinstance(exercises.get("8.4"), Question)
    assert "Questions that a person marks" not in printed  # the teacher gives 0 points for it
    assert not list(folder.glob("*.tmp"))
    # The package alone draws, and brings nothing of the machine room.
    clip = ROOT / "data" / "builtin" / "data" / "01" / "7_01_0.flac"
    shutil.copy(clip, tmp_path / "seven.flac")
    draw = [python.parent / "a2d", "draw", "seven.flac"]
    drawn = subprocess.run(draw, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=120, check=False)
    assert drawn.returncode == 0, drawn.stderr
    assert "seven.flac -> drawings/seven.png: heard 7" in drawn.stdout
    for name in ("teach", "results"):
        ask = [python, "-c", f"import {name}"]
        done = subprocess.run(ask, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
        assert f"No module named '{name}'" in done.stderr
