"""Data sets: all layouts, messy metadata, splits that do not leak, handwriting, IDX files."""

from __future__ import annotations

import gzip
import json
import struct
from itertools import chain, combinations
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from conftest import BUILTIN
from hypothesis import given, settings
from hypothesis import strategies as st

from a2d import datasets
from a2d.errors import DataError, DataWarning


def write(path: Path, rate: int = 8000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    x = 0.3 * np.sin(np.arange(rate // 5) * (0.1 + len(path.name) / 100))
    sf.write(path, x, rate)


def audiomnist(root: Path, speakers=("01", "02"), digits=range(10), takes=(0, 1), suffix="wav") -> Path:
    for speaker in speakers:
        for digit in digits:
            for take in takes:
                write(root / speaker / f"{digit}_{speaker}_{take}.{suffix}")
    return root


# ------------------------------------------------------------------------------------------------------------ layouts


@pytest.mark.parametrize("inside", ["", "data"])
def test_audiomnist_layout_with_and_without_data(tmp_path, inside):
    audiomnist(tmp_path / inside)
    data = datasets.load_spoken(tmp_path)
    assert len(data) == 40
    assert data.speaker_names == ["01", "02"]
    assert [(r.speaker, r.digit, r.take) for r in data.recordings] == [
        (s, d, t) for s in ("01", "02") for d in range(10) for t in (0, 1)
    ]
    assert data.digits.dtype == np.int64
    assert data.digits.tolist() == [r.digit for r in data.recordings]
    assert data.takes.tolist() == [0, 1] * 20
    assert set(data.speakers[:20].tolist()) == {"01"}
    assert data.clips(8000).lengths.tolist() == [1600] * 40
    assert data.notes == ()


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3"])
def test_other_formats_names_and_numbers_of_takes(tmp_path, suffix):
    audiomnist(tmp_path, ("anna", "7", "099"), takes=(3, 12, 100), suffix=suffix)
    data = datasets.load_spoken(tmp_path)
    assert len(data) == 90
    assert data.speaker_names == ["099", "7", "anna"]
    assert data.takes[:3].tolist() == [3, 12, 100]  # as numbers, not as text


@pytest.mark.parametrize("inside", ["", "recordings"])
def test_fsdd_layout(tmp_path, inside):
    for name in ("0_george_0", "9_theo_12", "3_george_1"):
        write(tmp_path / inside / f"{name}.wav")
    (tmp_path / inside / "README.md").write_text("text beside recordings is passed over")
    with pytest.warns(DataWarning, match=r"1 file that is no sound is passed over \(README.md\)"):
        data = datasets.load_spoken(tmp_path)
    assert [(r.digit, r.speaker, r.take) for r in data.recordings] == [
        (0, "george", 0),
        (3, "george", 1),
        (9, "theo", 12),
    ]
    assert data.notes == ("no recording says 1, 2, 4, 5, 6, 7, 8",)


def test_speech_commands_layout(tmp_path):
    for name in (
        "zero/0a1b2c3d_nohash_0",
        "zero/0a1b2c3d_nohash_1",
        "nine/ffffffff_nohash_12",
        "cat/0a1b2c3d_nohash_0",
    ):
        write(tmp_path / f"{name}.wav")
    (tmp_path / "testing_list.txt").write_text("nine/ffffffff_nohash_12.wav")
    data = datasets.load_spoken(tmp_path)
    assert [(r.digit, r.speaker, r.take) for r in data.recordings] == [
        (0, "0a1b2c3d", 0),
        (0, "0a1b2c3d", 1),
        (9, "ffffffff", 12),
    ]
    assert datasets.are_original(data).all()  # nothing says otherwise
    (tmp_path / "original-recordings.txt").write_text("nine/ffffffff_nohash_12.wav\nzero/0a1b2c3d_nohash_0.wav\n")
    assert datasets.are_original(data).tolist() == [True, False, True]
    write(tmp_path / "zero" / "hello.wav")
    with pytest.raises(DataError, match=r"recordings are named \{speaker\}_nohash_\{take\}.wav"):
        datasets.load_spoken(tmp_path)


def test_hidden_files_are_passed_over(tmp_path):
    audiomnist(tmp_path, ("01",))
    (tmp_path / ".DS_Store").write_bytes(b"x")
    (tmp_path / "01" / "._0_01_0.wav").write_bytes(b"x")
    (tmp_path / ".git").mkdir()
    assert len(datasets.load_spoken(tmp_path)) == 20


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("01/hello.wav", "does not belong here"),
        ("01/0_02_0.wav", "the name says speaker 02, the folder says 01"),
        ("01/10_01_0.wav", "does not belong here"),
        ("01/0_01_0.flac", "is there twice"),
        ("01/0_01_00.wav", "is there twice"),
        ("01/0_01_1.m4a", "the kind .m4a are not read"),
    ],
)
def test_names_that_do_not_fit_are_refused_and_all_are_listed_by_the_check(tmp_path, name, message):
    audiomnist(tmp_path, ("01",), takes=(0,))
    write(tmp_path / name) if not name.endswith("m4a") else (tmp_path / name).write_text("x")
    with pytest.raises(DataError, match=message) as caught:
        datasets.load_spoken(tmp_path)
    assert caught.value.hint
    write(tmp_path / "01" / "bye.wav")
    found = datasets.check_folder(tmp_path)
    assert len(found.problems) == 2
    assert any(message in p for p in found.problems)


STRAYS = ("01/x.yaml", "02/Thumbs.db", "02/notes.txt", "01/no-ending", "02/0_02_0.txt")


@pytest.mark.parametrize("names", [STRAYS[:1], STRAYS], ids=len)
def test_what_is_no_sound_file_is_passed_over_with_one_warning_and_listed_by_the_check(tmp_path, names):
    audiomnist(tmp_path)
    (tmp_path / "01" / ".DS_Store").write_bytes(b"x")
    clean = datasets.load_spoken(tmp_path)
    for name in names:
        (tmp_path / name).write_text("x")
    with pytest.warns(DataWarning) as caught:
        data = datasets.load_spoken(tmp_path)
    assert len(caught) == 1
    text = str(caught[0].message)
    assert text.startswith(f"{tmp_path}: {len(names)} file")
    assert all(name in text for name in names)
    assert ".DS_Store" not in text
    assert caught[0].filename == __file__
    assert data.recordings == clean.recordings
    assert data.content_hash == clean.content_hash
    found = datasets.check_folder(tmp_path)
    assert len(found.problems) == len(names)
    assert all(any(str(tmp_path / name) in problem for problem in found.problems) for name in names)


def test_many_stray_files_are_counted_and_the_first_are_named(tmp_path):
    audiomnist(tmp_path, ("01",))
    for number in range(40):
        (tmp_path / "01" / f"{number:02d}.txt").touch()
    with pytest.warns(DataWarning, match=r"40 files .*\(01/00.txt, .*01/04.txt, \.\.\.\)") as caught:
        datasets.load_spoken(tmp_path)
    assert len(caught) == 1


def test_nothing_but_stray_files_is_an_error(tmp_path):
    (tmp_path / "01").mkdir()
    (tmp_path / "01" / "notes.txt").touch()
    with pytest.raises(DataError, match="no recordings in this folder"):
        datasets.load_spoken(tmp_path)
    assert len(datasets.check_folder(tmp_path).problems) == 1


def test_a_text_beside_flat_recordings_is_only_noted_by_the_check(tmp_path):
    write(tmp_path / "3_ann_0.wav")
    (tmp_path / "README.md").touch()
    found = datasets.check_folder(tmp_path)
    assert found.problems == ()
    assert any("README.md" in note for note in found.notes)
    (tmp_path / "4_ann_0.m4a").touch()
    with pytest.raises(DataError, match=r"the kind \.m4a are not read.*Convert it"):
        datasets.load_spoken(tmp_path)


def test_absent_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(DataError, match="no such data set or folder"):
        datasets.load_spoken(tmp_path / "absent")
    with pytest.raises(DataError, match="no recordings in this folder"):
        datasets.load_spoken(tmp_path)
    (tmp_path / "01").mkdir()
    with pytest.raises(DataError, match="no recordings in this folder"):
        datasets.load_spoken(tmp_path)
    with pytest.raises(DataError, match="holds images"):
        datasets.load_spoken("mnist")


def test_check_counts_what_is_missing(tmp_path):
    audiomnist(tmp_path, ("01", "02"))
    assert "nothing is wrong" in datasets.check_folder(tmp_path).summary
    (tmp_path / "02" / "4_02_1.wav").unlink()
    (tmp_path / "01" / "3_01_0.wav").write_bytes(b"junk")
    found = datasets.check_folder(tmp_path)
    assert found.notes == ("speaker 02: 1 of digit 4 (others: 2)",)
    assert len(found.problems) == 1
    assert "3_01_0.wav" in found.problems[0]
    assert found.summary.endswith("1 problem")


def test_content_hash_follows_names_and_bytes(tmp_path):
    a, b = audiomnist(tmp_path / "a", ("01",)), audiomnist(tmp_path / "b" / "data", ("01",)).parent
    first = datasets.load_spoken(a).content_hash
    assert datasets.load_spoken(b).content_hash == first  # wherever it lies
    one, two = a / "01" / "0_01_0.wav", a / "01" / "1_01_0.wav"
    content = one.read_bytes()
    write(two, 9000)
    changed = datasets.load_spoken(a).content_hash
    assert changed != first
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)
    assert datasets.load_spoken(a).content_hash not in (first, changed)


# ----------------------------------------------------------------------------------------------------------- metadata


META = {
    "01": {"age": 30, "gender": "male", "accent": "german", "native speaker": "no", "recordingroom": "Kino"},
    "02": {"age": "25", "gender": "Male ", "accent": "Egyptian_American?", "recordingroom": "vr-room"},
    "03": {"age": "1234", "gender": "female", "accent": "German", "recordingroom": "VR-Room "},
    "05": {"age": "", "gender": "female", "accent": "German/Spanish", "recordingroom": "vr-romm"},
}


@pytest.fixture
def messy(tmp_path) -> Path:
    audiomnist(tmp_path / "data", ("01", "02", "03", "04"), takes=(0,))
    (tmp_path / "data" / "audioMNIST_meta.txt").write_text(json.dumps(META))
    return tmp_path


def test_messy_metadata_is_cleaned_and_what_is_odd_is_noted(messy):
    data = datasets.load_spoken(messy)
    assert len(data) == 40
    assert {s: m["age"] for s, m in data.metadata.items()} == {"01": 30, "02": 25, "03": None, "05": None}
    assert {data.metadata[s]["recordingroom"] for s in ("02", "03", "05")} == {"vr-room"}
    assert data.metadata["02"]["gender"] == data.metadata["01"]["gender"] == "male"
    assert data.metadata["02"]["accent"] == "egyptian american"
    assert data.metadata["03"]["accent"] == data.metadata["01"]["accent"] == "german"
    assert "speaker 03: an age of 1234 cannot be" in data.notes
    assert "speaker 05 has metadata but no recordings" in data.notes
    assert "speaker 04 has no metadata" in data.notes
    assert len(data.notes) == 3


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", '{"01": 3}', '{"01": '])
def test_metadata_that_cannot_be_read_is_refused(messy, content):
    (messy / "data" / "audioMNIST_meta.txt").write_text(content)
    with pytest.raises(DataError, match=r"cannot read the metadata.*it is optional"):
        datasets.load_spoken(messy)


# ------------------------------------------------------------------------------------------------------------- splits


def assert_partition(split: datasets.Split, n: int) -> None:
    joined = np.concatenate([split.train, split.val, split.test])
    assert sorted(joined.tolist()) == list(range(n))
    for part in (split.train, split.val, split.test):
        assert (np.diff(part) > 0).all()


@settings(max_examples=60, deadline=None)
@given(n=st.integers(10, 5000), seed=st.integers(0, 2**32))
def test_random_split_is_a_partition_in_the_reports_shares(n, seed):
    split = datasets.split_by_recording(n, seed)
    assert_partition(split, n)
    for part, share in ((split.train, 0.7), (split.val, 0.15), (split.test, 0.15)):
        assert abs(len(part) - share * n) <= 1
    again = datasets.split_by_recording(n, seed)
    assert all((a == b).all() for a, b in zip(vars(split).values(), vars(again).values(), strict=True))


def test_reports_split_of_30000():
    split = datasets.split_by_recording(30000, 0)
    assert [len(p) for p in (split.train, split.val, split.test)] == [21000, 4500, 4500]
    assert not np.array_equal(split.test, datasets.split_by_recording(30000, 1).test)


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(5, 30), min_size=3, max_size=8),
    held=st.integers(1, 2),
    seed=st.integers(0, 1000),
)
def test_speaker_split_never_leaks(counts, held, seed):
    speakers = np.repeat([f"s{i}" for i in range(len(counts))], counts)
    np.random.default_rng(seed).shuffle(speakers)
    test = [f"s{i}" for i in range(held)]
    split = datasets.split_by_speaker(speakers, test, seed)
    assert_partition(split, len(speakers))
    assert set(speakers[split.test]) == set(test)
    assert not set(speakers[split.train]) & set(test)
    assert not set(speakers[split.val]) & set(test)
    again = datasets.split_by_speaker(speakers, test, seed)
    assert (again.val == split.val).all()


def test_speakers_that_cannot_be_held_out():
    speakers = np.array(["a"] * 10 + ["b"] * 10)
    with pytest.raises(DataError, match=r"no speaker c.*The speakers are a, b"):
        datasets.split_by_speaker(speakers, ["c"], 0)
    with pytest.raises(DataError, match="none named"):
        datasets.split_by_speaker(speakers, [], 0)
    with pytest.raises(DataError, match="no other speaker is left"):
        datasets.split_by_speaker(speakers, ["a", "b"], 0)
    with pytest.raises(DataError, match="too few to split"):
        datasets.split_by_recording(3, 0)
    with pytest.raises(ValueError, match="overlap"):
        datasets.Split(np.array([0, 1]), np.array([1]), np.array([2]))


def test_sixty_speakers_are_held_out_in_the_published_folds():
    speakers = np.repeat([f"{i:02d}" for i in range(1, 61)], 3)
    groups = datasets.speaker_groups(speakers, "audiomnist", 0)
    published = """5 13 18 22 26 32 33 42 45 51 52 60, 1 6 7 16 19 23 28 34 35 46 53 56,
        2 8 9 17 24 29 36 37 39 48 54 57, 3 10 14 20 25 30 38 40 43 49 55 58, 4 11 12 15 21 27 31 41 44 47 50 59"""
    assert groups == [[f"{int(i):02d}" for i in fold.split()] for fold in published.split(",")]
    assert groups == datasets.speaker_groups(speakers, "my-copy", 5)


@pytest.mark.parametrize(
    ("n", "name"), [(60, "audiomnist"), (60, "builtin"), (6, "fsdd"), (10, "x"), (23, "x"), (11, "x")]
)
def test_every_speaker_is_held_out_once(n, name):
    speakers = np.repeat([f"{i:02d}" for i in range(1, n + 1)], 2)
    groups = datasets.speaker_groups(speakers, name, 3)
    assert sorted(chain(*groups)) == sorted(set(speakers.tolist()))
    assert all(not set(a) & set(b) for a, b in combinations(groups, 2))
    assert len(groups) == (n if n <= 10 else 5)
    assert max(map(len, groups)) - min(map(len, groups)) <= 1
    assert groups == datasets.speaker_groups(speakers, name, 3)
    if n == 23:
        assert groups != datasets.speaker_groups(speakers, name, 4)


# -------------------------------------------------------------------------------------------------------- handwriting


def test_builtin_handwriting_has_two_disjoint_parts():
    from sklearn.datasets import load_digits

    train, test = datasets.load_images("builtin"), datasets.load_images("builtin", "test")
    assert (len(train), len(test)) == (1437, 360) or len(train) + len(test) == 1797
    want = np.bincount(load_digits().target, minlength=10)
    assert (np.bincount(test.labels, minlength=10) == want // 5).all()
    assert (np.bincount(train.labels, minlength=10) + np.bincount(test.labels, minlength=10) == want).all()
    for part in (train, test):
        assert part.pixels.dtype == np.uint8
        assert part.pixels.shape == (len(part), 28, 28)
        assert part.labels.dtype == np.int64
        assert part.pixels.max() == 255
        assert part.pixels[:, :4].max() == part.pixels[:, -4:].max() == part.pixels[:, :, :4].max() == 0
    assert not {p.tobytes() for p in train.pixels} & {p.tobytes() for p in test.pixels}
    assert train.content_hash == datasets.load_images("builtin").content_hash != test.content_hash


def test_enlarging_keeps_corners_and_is_linear_between():
    small = np.zeros((1, 8, 8))
    small[0, 0, 0] = small[0, 7, 7] = 1.0
    big = datasets.enlarge(small)[0]
    assert big.shape == (28, 28)
    assert big[4, 4] == big[23, 23] == 255
    assert big[4, 23] == big[13, 13] == 0
    np.testing.assert_array_equal(datasets.enlarge(small.transpose(0, 2, 1))[0], big.T)
    assert (datasets.enlarge(np.ones((2, 8, 8)))[:, 4:24, 4:24] == 255).all()


def test_unknown_handwriting_is_refused():
    with pytest.raises(DataError, match=r"no such images.*Use one of builtin, mnist"):
        datasets.load_images("svhn")
    with pytest.raises(DataError, match="train or test"):
        datasets.load_images("builtin", "val")


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.mark.parametrize("shape", [(7,), (3, 28, 28), (2, 3, 4, 5)])
@pytest.mark.parametrize("zipped", [False, True])
def test_idx_files_are_read(tmp_path, rng, shape, zipped):
    array = rng.integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path / "a-idx"
    path.write_bytes(gzip.compress(idx(array)) if zipped else idx(array))
    np.testing.assert_array_equal(datasets.read_idx(path), array)


def test_damaged_idx_files_are_refused(tmp_path):
    whole = idx(np.zeros((3, 4, 4), np.uint8))
    zipped = gzip.compress(whole)
    path = tmp_path / "a-idx"
    floats = struct.pack(">BBBBI", 0, 0, 13, 1, 1) + b"\0" * 4
    overflow = struct.pack(">BBBB4I", 0, 0, 8, 4, 2**16, 2**16, 2**16, 2**16)
    bad = {
        "not an IDX file": [b"", b"\0\0\x08", b"\x89PNG....", floats, whole[:9], b"\0\0\x08\x00"],
        "bytes promised": [whole[:-1], whole + b"\0", overflow],
        "cannot read this file": [zipped[:-12], zipped[:20], zipped[:12] + b"\xff\xff" + zipped[14:]],
    }
    for message, contents in bad.items():
        for content in contents:
            path.write_bytes(content)
            with pytest.raises(DataError, match=message) as caught:
                datasets.read_idx(path)
            assert "a2d data fetch mnist" in caught.value.hint
    with pytest.raises(DataError, match="cannot read this file"):
        datasets.read_idx(tmp_path / "absent")


# -------------------------------------------------------------------------------------------------- what is there


def test_builtin_recordings():
    data = datasets.load_spoken("builtin")
    assert data.root == BUILTIN
    assert len(data) == 3000
    assert len(data.speaker_names) == 60
    assert data.notes == ()
    assert (np.bincount(data.digits) == 300).all()
    groups = datasets.speaker_groups(data.speakers, data.name, 0)
    assert sorted(chain(*groups)) == data.speaker_names


def test_data_that_was_not_fetched_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("A2D_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"fsdd is not here yet.*a2d data fetch fsdd"):
        datasets.load_spoken("fsdd")
    with pytest.raises(DataError, match="a2d data fetch mnist"):
        datasets.load_images("mnist")


@pytest.mark.real
def test_real_recordings(fetched):
    fetched("fsdd")
    data = datasets.load_spoken("fsdd")
    assert len(data) == 3000
    assert data.speaker_names == ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"]
    assert (np.bincount(data.digits) == 300).all()
    assert datasets.speaker_groups(data.speakers, data.name, 0) == [[n] for n in data.speaker_names]
    split = datasets.split_by_speaker(data.speakers, ["theo"], 0)
    assert (len(split.train), len(split.val), len(split.test)) == (2125, 375, 500)
