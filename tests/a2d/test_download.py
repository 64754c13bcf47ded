"""Verified downloads: a data set is there whole and checked, or not at all, whatever happens on the way.

No test uses a network: tiny data sets are registered for the test, and served from a folder or from a small
server on this machine that misbehaves on request.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import hashlib
import http.server
import io
import json
import os
import random
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from trees import write_tree

from a2d import datasets
from a2d.errors import DataError
from a2d.io import fetching
from a2d.io import manifest as manifests
from a2d.io.manifest import MARKER, wav_problem

REAL = ROOT.parent / "shared" / "data"
real = pytest.mark.real
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real data of ../shared/data is not here")

FILES = 24
FILE_BYTES = 9_000


# ---------------------------------------------------------------- tiny data sets


def toy_files() -> dict[str, bytes]:
    """Give the recordings of a tiny data set: random bytes, so that no archive can shrink them."""
    rng = random.Random(7)
    return {f"recordings/{i}_toy_0.wav": rng.randbytes(FILE_BYTES + i) for i in range(FILES)}


def manifest_of(files: dict[str, bytes]) -> dict:
    entries = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in sorted(files.items())
    }
    lines = "".join(f"{name.rsplit('/', 1)[-1]} {entry['sha256']}\n" for name, entry in entries.items())
    return {
        "check": "content",
        "content_sha256": hashlib.sha256(lines.encode()).hexdigest(),
        "files": entries,
    }


def toy_source(name: str, archives: tuple[str, ...], manifest: Path, unpacked: int) -> fetching.Source:
    return fetching.Source(
        name=name,
        title=f"Toy {name}",
        licence="CC0",
        homepage="https://example.invalid/",
        citation="none",
        size_bytes=unpacked,
        unpacked_bytes=unpacked,
        urls=("http://127.0.0.1:9/toy.zip",),
        archives=archives,
        manifest=manifest,
        note="Checked by structure only.",
    )


def zip_bytes(files: dict[str, bytes], top: str = "toy-1.0/", extra: dict[str, bytes] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(top + name, data)
        for name, data in (extra or {}).items():
            archive.writestr(name, data)
    return buffer.getvalue()


def register_toy(folder: Path) -> None:
    """Register the tiny data set ``toy``, in this process; subprocesses call it, too."""
    files = toy_files()
    manifest = folder / "toy.json"
    if not manifest.exists():
        manifest.write_text(json.dumps(manifest_of(files)))
    fetching.REGISTRY["toy"] = toy_source("toy", ("toy.zip",), manifest, sum(map(len, files.values())))


def wav_bytes(rate: int = 48_000, samples: int = 20) -> bytes:
    data = struct.pack(f"<{samples}h", *range(samples))
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    body = b"WAVE" + fmt + struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def spoken_files() -> dict[str, bytes]:
    """Give a data set in the layout of Audio-MNIST: 2 speakers, 3 digits, 2 takes."""
    names = [f"data/{s:02d}/{d}_{s:02d}_{t}.wav" for s in (1, 2) for d in range(3) for t in range(2)]
    return {"data/meta.txt": b"{}"} | {name: wav_bytes() for name in names}


@pytest.fixture(autouse=True)
def registry(tmp_path, monkeypatch):
    """Give every test its own registry with a tiny data set, its own data folder, and no waiting."""
    monkeypatch.setattr(fetching, "REGISTRY", dict(fetching.REGISTRY))
    monkeypatch.setattr("pooch.core.time", types.SimpleNamespace(sleep=lambda seconds: None))
    monkeypatch.setenv("A2D_DATA", str(tmp_path / "home"))
    monkeypatch.delenv("A2D_MIRROR", raising=False)
    for proxy in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    register_toy(tmp_path)


@pytest.fixture
def mirror(tmp_path) -> Path:
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "toy.zip").write_bytes(zip_bytes(toy_files(), extra={"toy-1.0/README.md": b"read me"}))
    return folder


@pytest.fixture
def spoken(tmp_path, monkeypatch) -> dict[str, bytes]:
    manifest = tmp_path / "spoken.json"
    shape = {
        "check": "structure",
        "speakers": 2,
        "digits": 3,
        "takes": 2,
        "rate": 48_000,
        "metadata": "data/meta.txt",
    }
    manifest.write_text(json.dumps(shape))
    monkeypatch.setitem(fetching.REGISTRY, "spoken", toy_source("spoken", ("spoken.zip",), manifest, 4_000))
    return spoken_files()


@pytest.fixture
def images(tmp_path, monkeypatch) -> dict[str, bytes]:
    """Register a data set of two gzip files, in the manner of MNIST, and give what is in them."""
    rng = random.Random(8)
    files = {"a-images": rng.randbytes(5_000), "a-labels": rng.randbytes(300)}
    manifest = tmp_path / "images.json"
    manifest.write_text(json.dumps(manifest_of(files)))
    archives = ("img/a-images.gz", "img/a-labels.gz")
    monkeypatch.setitem(fetching.REGISTRY, "images", toy_source("images", archives, manifest, 5_300))
    return files


def fetch(name: str = "toy", **options) -> Path:
    options.setdefault("on_message", lambda text: None)
    return fetching.fetch(name, progress=False, **options)


def refusal(name: str = "toy", **options) -> str:
    """Fetch, expect the one kind of error, and give its message."""
    with pytest.raises(DataError) as caught:
        fetch(name, **options)
    return str(caught.value)


def leftovers(home: Path) -> list[str]:
    """Give what a fetch left in a data folder, besides its lock."""
    return sorted(path.name for path in home.iterdir() if not path.name.endswith(".lock")) if home.is_dir() else []


# ---------------------------------------------------------------- a server that misbehaves


class Server:
    """A server on this machine; ``mode`` says what goes wrong, ``times`` how often before it behaves."""

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.mode, self.times = "normal", 10**9
        self.log: list[str] = []
        self.web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.web.daemon_threads = True
        threading.Thread(target=self.web.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.web.server_address[1]}"

    def misbehave(self, mode: str, times: int = 10**9) -> None:
        self.mode, self.times = mode, times

    def take_mode(self) -> str:
        if self.mode == "normal" or self.times <= 0:
            return "normal"
        self.times -= 1
        return self.mode

    def close(self) -> None:
        self.web.shutdown()
        self.web.server_close()


def _handler(server: Server) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            pass

        def do_GET(self):
            self.close_connection = True
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.answer(server.take_mode())

        def answer(self, mode: str) -> None:
            name = self.path.lstrip("/")
            status, body, kind = 200, server.files.get(name), "application/octet-stream"
            if body is None or mode == "404":
                status, body, kind = 404, b"<html>not found</html>", "text/html"
            elif mode in ("500", "503"):
                status, body, kind = int(mode), b"sorry", "text/plain"
            elif mode == "html":
                body, kind = b"<html><title>Log in</title></html>", "text/html; charset=utf-8"
            elif mode == "html in disguise":
                body = b"\n<!DOCTYPE html><title>Log in</title>" + b" " * 500
            elif mode == "text in disguise":
                body = b"come back later"
            elif mode == "empty":
                body = b""
            elif mode == "endless":
                body = body[:100] + b"\0" * 3_000_000
            server.log.append(self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            if mode != "no length":
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if mode in ("drops", "stalls", "drops at once"):
                body = body[: 0 if mode == "drops at once" else len(body) // 2]
            self.wfile.write(body)
            self.wfile.flush()
            if mode == "stalls":
                time.sleep(1.0)

    return Handler


@pytest.fixture
def server(monkeypatch):
    # Small pieces, so that half of a tiny archive is more than one of them.
    monkeypatch.setattr(fetching, "_CHUNK", 4096)
    running = Server()
    running.files["toy.zip"] = zip_bytes(toy_files())
    yield running
    running.close()


# ---------------------------------------------------------------- what is known without fetching


def test_names_and_sources_agree(monkeypatch):
    assert set(fetching.NAMES) <= set(fetching.REGISTRY)
    for name in fetching.NAMES:
        source = fetching.REGISTRY[name]
        assert source.name == name
        assert source.manifest.is_file()
        assert all((source.title, source.licence, source.homepage, source.citation, source.urls, source.size_bytes))


def test_unknown_name_lists_the_names():
    for call in (fetching.find, fetch, lambda name: fetching.verify(name, ".")):
        with pytest.raises(DataError, match="fsdd, audiomnist, mnist"):
            call("cifar")


def test_data_home_follows_the_environment(monkeypatch, tmp_path):
    assert fetching.data_home() == tmp_path / "home"
    assert not (tmp_path / "home").exists(), "asking must not create it"
    assert fetching.find("fsdd") is None
    assert not (tmp_path / "home").exists()
    monkeypatch.delenv("A2D_DATA")
    assert fetching.data_home().name == "a2d"


def test_import_is_cheap():
    heavy = ("pooch", "requests", "tqdm", "filelock", "numpy", "torch")
    code = f"import sys, a2d.io.fetching; print([name for name in {heavy} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert out.stdout.strip() == "[]"


def test_manifest_of_fsdd_is_the_published_one():
    manifest = manifests.read(fetching.REGISTRY["fsdd"].manifest)
    lines = "".join(f"{name.split('/')[1]} {entry['sha256']}\n" for name, entry in sorted(manifest.files.items()))
    published = "dbd573d7cafe79c4b49f65718115e1304e24e067fa39eff18a660dc6cb9c360f"
    assert hashlib.sha256(lines.encode()).hexdigest() == published == manifest.content_sha256
    speakers = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
    expected = {f"recordings/{d}_{s}_{t}.wav" for d in range(10) for s in speakers for t in range(50)}
    assert manifest.files.keys() == expected
    assert sum(entry["size"] for entry in manifest.files.values()) == fetching.REGISTRY["fsdd"].unpacked_bytes


def test_manifest_of_mnist_has_the_published_md5s():
    manifest = manifests.read(fetching.REGISTRY["mnist"].manifest)
    assert {name: (entry["size"], entry["md5"]) for name, entry in manifest.files.items()} == {
        "train-images-idx3-ubyte": (16 + 60_000 * 784, "6bbc9ace898e44ae57da46a324031adb"),
        "train-labels-idx1-ubyte": (8 + 60_000, "a25bea736e30d166cdddb491f175f624"),
        "t10k-images-idx3-ubyte": (16 + 10_000 * 784, "2646ac647ad5339dbf082846283269ea"),
        "t10k-labels-idx1-ubyte": (8 + 10_000, "27ae3e4e09519cfbb04c329615203637"),
    }
    assert sum(entry["size"] for entry in manifest.files.values()) == fetching.REGISTRY["mnist"].unpacked_bytes


def test_manifest_of_audiomnist_is_its_layout():
    files = manifests.read(fetching.REGISTRY["audiomnist"].manifest).files
    assert len(files) == 30_001
    assert {"data/01/0_01_0.wav", "data/60/9_60_49.wav", "data/audioMNIST_meta.txt"} <= files.keys()


# ---------------------------------------------------------------- from a folder


@pytest.mark.parametrize("spelling", ["folder", "file url", "environment", "http"])
def test_fetch_from_every_kind_of_mirror(mirror, server, spelling, monkeypatch):
    chosen = {"folder": str(mirror), "file url": mirror.as_uri(), "http": server.url + "/"}.get(spelling)
    if spelling == "environment":
        monkeypatch.setenv("A2D_MIRROR", str(mirror))
    folder = fetch(mirror=chosen)
    assert folder == fetching.data_home() / "toy" == fetching.find("toy")
    assert {f"recordings/{path.name}": path.read_bytes() for path in (folder / "recordings").iterdir()} == toy_files()
    assert not (folder / "README.md").exists()
    assert leftovers(folder.parent) == ["toy"]
    fetching.verify("toy", folder)


@pytest.mark.parametrize("top", ["", "x/", "a/b c/", "recordings/"])
def test_top_folder_may_have_any_name(mirror, top):
    (mirror / "toy.zip").write_bytes(zip_bytes(toy_files(), top, {"__MACOSX/recordings/._0_toy_0.wav": b"x"}))
    fetching.verify("toy", fetch(mirror=str(mirror)))


def test_part_of_an_archive_with_files_at_its_top(tmp_path, monkeypatch):
    """Two folders and a list out of a larger archive, whose other folders are never touched."""
    rng = random.Random(9)
    files = {f"{digit}/{n}.wav": rng.randbytes(700) for digit in ("one", "two") for n in range(3)}
    files["testing_list.txt"] = b"x"
    manifest = tmp_path / "part.json"
    manifest.write_text(json.dumps(manifest_of(files)))
    monkeypatch.setitem(fetching.REGISTRY, "part", toy_source("part", ("part.zip",), manifest, 5_000))
    (tmp_path / "mirror").mkdir()
    others = {"bed/0.wav": b"other", "../../evil.wav": b"x", "README.md": b"x"}
    good = zip_bytes(files | others, "./")
    (tmp_path / "mirror" / "part.zip").write_bytes(good)
    folder = fetch("part", mirror=str(tmp_path / "mirror"))
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == files.keys() | {MARKER}
    for damaged in (good[: len(good) // 2], good[:1000] + bytes(60) + good[1060:]):
        (tmp_path / "mirror" / "part.zip").write_bytes(damaged)
        text = refusal("part", mirror=str(tmp_path / "mirror"), home=tmp_path / "other")
        assert "truncated or damaged" in text
        assert leftovers(tmp_path / "other") == []


def test_second_fetch_is_instant_and_says_so(mirror, tmp_path, monkeypatch):
    fetch(mirror=str(mirror))
    shutil.rmtree(mirror)
    monkeypatch.setattr(fetching, "_step", lambda phase: pytest.fail("it works again"))
    messages = []
    assert fetch(mirror=str(mirror), on_message=messages.append) == tmp_path / "home" / "toy"
    assert len(messages) == 1
    assert "already" in messages[0]


def test_home_argument_wins(mirror, tmp_path):
    assert fetch(mirror=str(mirror), home=tmp_path / "other") == tmp_path / "other" / "toy"
    assert fetching.find("toy") is None


def test_gzip_files_are_unpacked(images, tmp_path):
    write_tree(tmp_path / "mirror", {f"img/{name}.gz": gzip.compress(data) for name, data in images.items()})
    folder = fetch("images", mirror=str(tmp_path / "mirror"))
    assert {name: (folder / name).read_bytes() for name in images} == images


def test_unpacked_folder_in_a_mirror_is_copied(spoken, tmp_path):
    write_tree(tmp_path / "mirror" / "spoken", spoken | {"README.md": b"x"})
    messages = []
    folder = fetch("spoken", mirror=str(tmp_path / "mirror"), on_message=messages.append)
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.*") if path.name[0] != "."} == set(spoken)
    assert "structure only" in messages[-1], "what was not checked must be said"


def test_mirror_without_the_data_set_is_named(tmp_path):
    text = refusal(mirror=str(tmp_path))
    assert "toy.zip" in text
    assert str(tmp_path) in text
    assert "ftp://x" in refusal(mirror="ftp://x")


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("data/01/0_01_0.wav", wav_bytes(44_100), "44100 Hz, not 48000 Hz"),
        ("data/01/0_01_0.wav", wav_bytes()[:-3], "cut short"),
        ("data/01/0_01_0.wav", b"", "not a WAV file"),
        ("data/01/0_01_0.wav", wav_bytes(samples=0), "no samples"),
        ("data/02/2_02_1.wav", None, "1 of 13 files are missing (data/02/2_02_1.wav)"),
        ("data/meta.txt", None, "data/meta.txt"),
        ("data/meta.txt", b"", "empty"),
    ],
)
def test_structure_check_names_what_is_wrong(spoken, tmp_path, name, data, says):
    files = {key: value for key, value in (spoken | {name: data}).items() if value is not None}
    write_tree(tmp_path / "mirror" / "spoken", files)
    text = refusal("spoken", mirror=str(tmp_path / "mirror"))
    assert says in text
    assert name in text
    assert leftovers(fetching.data_home()) == []


def test_header_with_other_chunks_is_read(tmp_path):
    plain = wav_bytes()
    with_list = plain[:12] + struct.pack("<4sI", b"LIST", 5) + b"hello\0" + plain[12:]
    path = tmp_path / "x.wav"
    path.write_bytes(with_list)
    assert wav_problem(path, 48_000) is None


def test_verify_names_bad_missing_and_surplus_files(mirror):
    folder = fetch(mirror=str(mirror))
    data = bytearray((folder / "recordings/3_toy_0.wav").read_bytes())
    data[100] ^= 1
    (folder / "recordings/3_toy_0.wav").write_bytes(data)
    (folder / "recordings/4_toy_0.wav").write_bytes(b"short")
    (folder / "recordings/5_toy_0.wav").unlink()
    (folder / "recordings/mine.wav").write_bytes(b"x")
    (folder / "recordings/.DS_Store").write_bytes(b"x")
    with pytest.raises(DataError) as caught:
        fetching.verify("toy", folder)
    text = str(caught.value)
    assert "2 of 24 files differ" in text
    assert "3_toy_0.wav: another sha256" in text
    assert "4_toy_0.wav: 5 bytes, not 9,004" in text
    assert "1 of 24 files are missing (recordings/5_toy_0.wav)" in text
    assert "1 files do not belong to it (recordings/mine.wav)" in text
    assert "DS_Store" not in text
    with pytest.raises(DataError, match="no folder"):
        fetching.verify("toy", folder / "nowhere")


def test_manifest_that_was_edited_does_not_pass(mirror):
    folder = fetch(mirror=str(mirror))
    path = fetching.REGISTRY["toy"].manifest
    data = json.loads(path.read_text())
    (folder / "recordings/0_toy_0.wav").write_bytes(b"planted")
    data["files"]["recordings/0_toy_0.wav"] = {"size": 7, "sha256": hashlib.sha256(b"planted").hexdigest()}
    path.write_text(json.dumps(data))
    with pytest.raises(DataError, match="hash over all files"):
        fetching.verify("toy", folder)


# ---------------------------------------------------------------- from a server


def test_broken_connection_is_tried_again(server):
    for mode in ("drops", "drops at once", "503"):
        server.misbehave(mode, times=fetching._TRIES - 1)
        server.log.clear()
        folder = fetch(mirror=server.url)
        fetching.verify("toy", folder)
        assert len(server.log) == fetching._TRIES
        shutil.rmtree(folder)


def test_a_download_that_breaks_off_each_time_says_how_to_continue_it_by_hand(server):
    server.misbehave("drops")
    text = refusal(mirror=server.url)
    assert f"curl -L -C - --create-dirs -o toy.zip {server.url}/toy.zip" in text
    assert "A2D_MIRROR" in text
    assert leftovers(fetching.data_home()) == []


def test_unknown_length_is_accepted(server):
    server.misbehave("no length")
    fetching.verify("toy", fetch(mirror=server.url))


@pytest.mark.parametrize(
    ("mode", "says", "requests"),
    [
        ("404", "404", 1),
        ("500", "500", fetching._TRIES),
        ("drops at once", "broke", fetching._TRIES),
        ("html", "HTML page", 1),
        ("html in disguise", "HTML page", 1),
        ("text in disguise", "not a zip file", 1),
        ("empty", "empty", 1),
        ("endless", "far more than expected", 1),
    ],
)
def test_bad_answer_is_one_clear_error_and_leaves_no_poison(server, mode, says, requests):
    server.misbehave(mode)
    text = refusal(mirror=server.url)
    assert says in text
    assert server.url in text
    assert "A2D_MIRROR" in text
    assert len(server.log) == requests
    assert leftovers(fetching.data_home()) == []
    server.misbehave("normal")
    fetching.verify("toy", fetch(mirror=server.url))


def test_server_that_falls_silent_is_asked_again(server, monkeypatch):
    monkeypatch.setattr(fetching, "_TIMEOUT_S", (0.2, 0.2))
    server.misbehave("stalls", times=1)
    begin = time.monotonic()
    fetching.verify("toy", fetch(mirror=server.url))
    assert len(server.log) == 2
    assert time.monotonic() - begin < 0.9, "it waited for the server instead of its own limit"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://no-such-host.invalid"])
def test_offline_says_what_to_do(url):
    begin = time.monotonic()
    text = refusal(mirror=url)
    assert "offline" in text
    assert "A2D_MIRROR" in text
    assert time.monotonic() - begin < 10


def test_public_source_is_tried_without_a_mirror(server, monkeypatch):
    source = fetching.REGISTRY["toy"]
    urls = (server.url + "/gone.zip", server.url + "/")
    monkeypatch.setitem(fetching.REGISTRY, "toy", dataclasses.replace(source, urls=urls))
    messages = []
    fetching.verify("toy", fetch(on_message=messages.append))
    assert server.log == ["/gone.zip", "/toy.zip"]
    assert any("404" in text and "Trying" in text for text in messages)
    assert any("CC0" in text for text in messages), "the licence is told before the download"


def test_password_in_an_address_is_not_shown(server):
    messages = []
    address = server.url.replace("//", "//student:secret@")
    folder = fetch(mirror=address, on_message=messages.append)
    assert "secret" not in "".join(messages) + (folder / MARKER).read_text()
    server.misbehave("404")
    assert "secret" not in refusal(mirror=address, home=folder.parent / "2")


def test_progress_bar_only_on_request(server, mirror, capfd, tmp_path):
    fetching.fetch("toy", mirror=server.url, home=tmp_path / "a", progress=True, on_message=lambda text: None)
    shown = capfd.readouterr()
    assert "toy.zip" in shown.err
    assert "100%" in shown.err
    fetching.fetch("toy", mirror=server.url, home=tmp_path / "b", progress=False, on_message=lambda text: None)
    silent = capfd.readouterr()
    assert silent.err + silent.out == ""


# ---------------------------------------------------------------- archives that are not what they should be


def member(name: str, mode: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("placeholder")
    # Set afterwards: the constructor would tidy the name up.
    info.filename = info.orig_filename = name
    info.external_attr = mode << 16
    return info


HOSTILE = {
    "dots": member("toy/../../evil.wav"),
    "absolute": member("/evil.wav"),
    "drive": member("C:/evil.wav"),
    "backslash": member("toy\\..\\evil.wav"),
    "symlink": member("toy/recordings/link.wav", stat.S_IFLNK | 0o777),
    "device": member("toy/recordings/dev.wav", stat.S_IFCHR | 0o666),
}


def test_only_names_of_the_manifest_are_ever_written(tmp_path, mirror):
    with zipfile.ZipFile(mirror / "toy.zip", "a") as archive:
        for info in HOSTILE.values():
            archive.writestr(info, b"/etc/passwd")
    before = sorted(path for path in tmp_path.rglob("*") if "home" not in path.parts)
    folder = fetch(mirror=str(mirror))
    fetching.verify("toy", folder)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    assert found == toy_files().keys() | {MARKER}
    assert leftovers(fetching.data_home()) == ["toy"]
    assert sorted(path for path in tmp_path.rglob("*") if "home" not in path.parts) == before


def test_member_that_stands_twice_is_held_against_its_hash(mirror):
    with (
        zipfile.ZipFile(mirror / "toy.zip", "a") as archive,
        pytest.warns(UserWarning, match="Duplicate"),
    ):
        archive.writestr("toy-1.0/recordings/0_toy_0.wav", toy_files()["recordings/0_toy_0.wav"][::-1])
    text = refusal(mirror=str(mirror))
    assert "1 of 24 files differ" in text
    assert "0_toy_0.wav" in text


def test_encrypted_member_is_refused(mirror):
    data = bytearray((mirror / "toy.zip").read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (mirror / "toy.zip").write_bytes(data)
    assert "is encrypted" in refusal(mirror=str(mirror))


def test_bomb_beside_the_data_set_is_not_unpacked(mirror):
    (mirror / "toy.zip").write_bytes(zip_bytes(toy_files(), extra={"toy-1.0/zeros": bytes(2_000_000)}))
    folder = fetch(mirror=str(mirror))
    assert {path.name for path in folder.iterdir()} == {"recordings", MARKER}


def test_bomb_that_lies_about_its_size_is_bounded(mirror, spoken, images, tmp_path, monkeypatch):
    """The real bytes are counted: in a zip of known sizes, in one of unknown sizes, and in a gzip file."""
    written = []
    original = fetching._copy

    def watch(origin, name, opener, target, limit):
        try:
            return original(origin, name, opener, target, limit)
        finally:
            written.append(target.stat().st_size)

    (mirror / "spoken.zip").write_bytes(zip_bytes(spoken))
    monkeypatch.setattr(fetching, "_copy", watch)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda self, info: io.BytesIO(bytes(5_000_000)))
    assert "longer than" in refusal(mirror=str(mirror))
    assert "longer than" in refusal("spoken", mirror=str(mirror))
    big = {"img/a-images.gz": gzip.compress(bytes(9_000_000)), "img/a-labels.gz": gzip.compress(b"")}
    write_tree(mirror, big)
    assert "longer than" in refusal("images", mirror=str(mirror))
    assert len(written) == 3
    assert max(written) <= 4 * fetching.REGISTRY["spoken"].unpacked_bytes
    assert leftovers(fetching.data_home()) == []


def bad_content(kind: str) -> bytes:
    files = toy_files()
    if kind == "wrong byte":
        files["recordings/9_toy_0.wav"] = b"\0" + files["recordings/9_toy_0.wav"][1:]
    if kind == "missing":
        del files["recordings/9_toy_0.wav"]
    if kind == "shorter":
        files["recordings/9_toy_0.wav"] = b"RIFF"
    if kind == "longer":
        files["recordings/9_toy_0.wav"] += b"\0"
    data = bytearray(zip_bytes(files))
    if kind == "truncated":
        return bytes(data[: len(data) // 2])
    if kind == "no directory":
        return bytes(data[:-10])
    if kind == "corrupt member":
        at = data.index(b"9_toy_0.wav") + 200
        data[at : at + 40] = bytes(40)
    return bytes(data)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("wrong byte", "1 of 24 files differ"),
        ("shorter", "4 bytes, not 9,009"),
        ("longer", "longer than"),
        ("missing", "1 of 24 files are missing"),
        ("truncated", "truncated or damaged"),
        ("no directory", "truncated or damaged"),
        ("corrupt member", "truncated or damaged"),
    ],
)
def test_bad_archive_is_named_and_does_not_poison_the_next_try(server, mirror, kind, says):
    server.files["toy.zip"] = bad_content(kind)
    text = refusal(mirror=server.url)
    assert says in text
    if kind not in ("truncated", "no directory", "corrupt member"):
        assert "9_toy_0.wav" in text
    assert leftovers(fetching.data_home()) == [], "the bad archive was kept"
    server.files["toy.zip"] = zip_bytes(toy_files())
    fetching.verify("toy", fetch(mirror=server.url))


def test_bad_file_in_a_mirror_folder_is_never_deleted(mirror):
    (mirror / "toy.zip").write_bytes(bad_content("truncated"))
    assert str(mirror / "toy.zip") in refusal(mirror=str(mirror))
    assert (mirror / "toy.zip").read_bytes() == bad_content("truncated")


def test_truncated_and_corrupt_gzip(images, tmp_path):
    good = {f"img/{name}.gz": gzip.compress(data) for name, data in images.items()}
    for damaged in (good["img/a-images.gz"][:-500], good["img/a-images.gz"][:800] + bytes(60), b"plain text"):
        write_tree(tmp_path / "mirror", good | {"img/a-images.gz": damaged})
        text = refusal("images", mirror=str(tmp_path / "mirror"))
        assert "truncated or damaged" in text
        assert "a-images.gz" in text


def test_surplus_members_are_left_out(mirror):
    extra = {"toy-1.0/recordings/new_1.wav": b"1", "toy-1.0/recordings/new_2.wav": b"2"}
    (mirror / "toy.zip").write_bytes(zip_bytes(toy_files(), extra=extra))
    fetching.verify("toy", fetch(mirror=str(mirror)))


def test_200_damaged_archives_end_in_one_error_or_in_good_data(mirror):
    """Bytes changed, cut out or cut off at random: never another exception, never wrong data."""
    good, rng, refused = (mirror / "toy.zip").read_bytes(), random.Random(11), 0
    for trial in range(200):
        data = bytearray(good)
        # Every other trial aims at the directory at the end, where the offsets and sizes stand.
        low = len(data) - 2_200 if trial % 2 else 0
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(low, len(data))
            data[at] = rng.randrange(256)
        if trial % 5 == 0:
            del data[rng.randrange(len(data)) :]
        (mirror / "toy.zip").write_bytes(data)
        try:
            fetching.verify("toy", fetch(mirror=str(mirror)))
        except DataError:
            refused += 1
            assert not (fetching.data_home() / "toy").exists()
        shutil.rmtree(fetching.data_home())
    assert 120 <= refused < 200


# ---------------------------------------------------------------- what is in place already


def test_damaged_copy_is_fetched_again(mirror):
    folder = fetch(mirror=str(mirror))
    (folder / "recordings/3_toy_0.wav").unlink()
    assert fetching.find("toy") is None
    messages = []
    fetching.verify("toy", fetch(mirror=str(mirror), on_message=messages.append))
    assert any("has been damaged" in text for text in messages)
    assert leftovers(folder.parent) == ["toy"]


def test_cut_file_is_noticed_by_find(mirror):
    folder = fetch(mirror=str(mirror))
    with open(folder / "recordings/3_toy_0.wav", "r+b") as stream:
        stream.truncate(0)
    assert fetching.find("toy") is None


def test_damaged_copy_that_holds_files_of_the_user_is_not_touched(mirror):
    folder = fetch(mirror=str(mirror))
    (folder / "recordings/3_toy_0.wav").unlink()
    (folder / "my-labels.csv").write_text("precious")
    text = refusal(mirror=str(mirror))
    assert "Move it away" in text
    assert "3_toy_0.wav" in text
    assert (folder / "my-labels.csv").read_text() == "precious"


def test_marker_of_another_manifest_is_not_trusted(mirror):
    folder = fetch(mirror=str(mirror))
    marker = json.loads((folder / MARKER).read_text())
    (folder / MARKER).write_text(json.dumps(marker | {"manifest": "0" * 64}))
    assert fetching.find("toy") is None
    for nonsense in ("", "[]", "null", "{}", "\xff"):
        (folder / MARKER).write_text(nonsense, encoding="latin-1")
        assert fetching.find("toy") is None


def test_good_copy_put_there_by_hand_is_adopted(tmp_path):
    write_tree(tmp_path / "home" / "toy", toy_files() | {"README.md": b"x"})
    assert fetching.find("toy") is None
    messages = []
    folder = fetch(mirror=str(tmp_path / "nowhere"), on_message=messages.append)
    assert fetching.find("toy") == folder
    assert any("has been checked" in text for text in messages)


def test_folder_of_somebody_else_is_not_touched(mirror, tmp_path):
    write_tree(tmp_path / "home" / "toy", {"thesis.txt": b"years of work"})
    text = refusal(mirror=str(mirror))
    assert str(tmp_path / "home" / "toy") in text
    assert "Move it away" in text
    assert (tmp_path / "home" / "toy" / "thesis.txt").read_bytes() == b"years of work"


def test_file_in_the_way_of_the_data_folder(mirror, tmp_path):
    (tmp_path / "home").write_text("a file")
    assert "move it away" in refusal(mirror=str(mirror))
    assert (tmp_path / "home").read_text() == "a file"


def test_empty_folder_is_no_obstacle(mirror, tmp_path):
    (tmp_path / "home" / "toy").mkdir(parents=True)
    fetching.verify("toy", fetch(mirror=str(mirror)))


def test_leftovers_of_a_killed_run_are_removed(mirror, tmp_path):
    home = tmp_path / "home"
    write_tree(home, {".toy.work/unpacked/recordings/x.wav": b"x", ".toy.work/old/y": b"y", ".toy.work/tmpabc": b"z"})
    fetch(mirror=str(mirror))
    assert leftovers(home) == ["toy"]


def test_interrupt_leaves_nothing_half_done(mirror, monkeypatch):
    def interrupt(phase: str) -> None:
        if phase == "verify":
            raise KeyboardInterrupt

    monkeypatch.setattr(fetching, "_step", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch(mirror=str(mirror))
    assert leftovers(fetching.data_home()) == []


# ---------------------------------------------------------------- no room, no permission


@pytest.fixture
def small_disk():
    """Give a folder on a disk of 1 MB."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("a small disk can only be mounted by root on Linux")
    folder = tempfile.mkdtemp()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        os.rmdir(folder)
        pytest.skip(f"mounting a small disk is not allowed here: {done.stderr.strip()}")
    yield Path(folder)
    subprocess.run(["umount", folder], check=True)
    os.rmdir(folder)


@pytest.mark.parametrize("noticed", ["before", "while unpacking", "while downloading", "at the marker"])
def test_full_disk_says_how_much_and_where_and_leaves_nothing(small_disk, server, mirror, noticed, monkeypatch):
    room = {"before": 100_000, "while unpacking": 100_000, "while downloading": 50_000, "at the marker": 0}[noticed]
    filler = small_disk / "filler"

    def fill(leave: int) -> None:
        free = shutil.disk_usage(small_disk).free
        filler.write_bytes(bytes(max(0, free - leave)))

    if noticed == "at the marker":
        monkeypatch.setattr(fetching, "_step", lambda phase: fill(0) if phase == "mark" else None)
    else:
        fill(room)
    if noticed == "before":
        monkeypatch.setattr(fetching, "_step", lambda phase: pytest.fail("it began without room"))
    else:
        monkeypatch.setattr(fetching, "_require_space", lambda job, size: None)
    source = server.url if noticed == "while downloading" else str(mirror)
    text = refusal(mirror=source, home=small_disk)
    assert "no room" in text
    assert str(small_disk) in text
    assert "kB are needed" in text
    assert leftovers(small_disk) == ["filler"]
    filler.unlink()
    monkeypatch.undo()
    monkeypatch.setattr(fetching, "REGISTRY", dict(fetching.REGISTRY))  # no other test is to meet the toy
    register_toy(mirror.parent)
    fetching.verify("toy", fetch(mirror=source, home=small_disk))


CHILD = """
import os, sys
sys.path[:0] = [{tests!r}, os.path.dirname({tests!r})]
import filelock, pooch, requests, tqdm
import test_download as t
from a2d.io import fetching
from pathlib import Path
t.register_toy(Path({folder!r}))
"""


def child(code: str, folder: Path, **options) -> subprocess.Popen:
    text = CHILD.format(tests=str(ROOT / "tests" / "a2d"), folder=str(folder)) + code
    return subprocess.Popen(
        [sys.executable, "-c", text],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="this system knows no other users to become")
def test_folder_without_permission_is_one_clear_error(mirror, tmp_path):
    """Root may write anywhere, so that the child becomes nobody first."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o555)
        shutil.copy(mirror / "toy.zip", place)
        shutil.copy(tmp_path / "toy.json", place)
        code = """
manifest = Path({place!r}, "toy.json")
fetching.REGISTRY["toy"] = t.dataclasses.replace(fetching.REGISTRY["toy"], manifest=manifest)
if os.getuid() == 0:
    os.setgid(65534), os.setuid(65534)
for home in ({place!r}, {place!r} + "/home"):
    try:
        fetching.fetch("toy", mirror={place!r}, home=home, progress=False)
    except fetching.DataError as error:
        print("DataError:", error)
"""
        out, err = child(code.format(place=place), tmp_path).communicate(timeout=30)
        os.chmod(place, 0o755)
    lines = out.splitlines()
    assert err == ""
    assert len(lines) == 2
    for line in lines:
        assert line.startswith("DataError:")
        assert "Permission denied" in line
        assert "A2D_DATA" in line


# ---------------------------------------------------------------- several processes, and killed ones


def test_three_processes_fetch_once(server, tmp_path):
    code = """
import time
fetching._step = lambda phase: time.sleep(0.03)
Path({folder!r}, f"ready-{{os.getpid()}}").touch()
while len(list(Path({folder!r}).glob("ready-*"))) < 3:  # all begin together, however busy the machine is
    time.sleep(0.005)
print(fetching.fetch("toy", mirror={url!r}, home={home!r}, progress=False, on_message=print))
"""
    home = tmp_path / "home"
    running = [child(code.format(url=server.url, home=str(home), folder=str(tmp_path)), tmp_path) for _ in range(3)]
    outs = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], outs
    texts = [out for out, _ in outs]
    assert sum("waiting for it" in text for text in texts) == 2
    assert sum("meanwhile" in text for text in texts) == 2
    assert len(server.log) == 1
    fetching.verify("toy", home / "toy")
    assert leftovers(home) == ["toy"]


PHASES = ("download", "unpack", "verify", "mark", "rename")

KILLER = """
import json, random, shutil, signal, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # from Python 3.12 on a fork with threads about is warned of
home, rng, results = Path({home!r}), random.Random(2024), []
PHASES = {phases!r}

def fetch(on_message=lambda text: None):
    return fetching.fetch("toy", mirror={url!r}, home=home, progress=False, on_message=on_message)

def run_and_kill(phase, delay):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        last = [None]
        def step(now):
            if now != last[0]:
                os.write(write, bytes([PHASES.index(now)]))
                last[0] = now
            time.sleep({{"unpack": 0.002, "verify": 0.03}}.get(now, 0.015))
        fetching._step, fetching._CHUNK = step, 1 << 14
        try:
            fetch()
        finally:
            os._exit(0)
    os.close(write)
    seen = b""
    # Wait until the phase begins (or the child ends), then for a random moment more.
    while phase >= 0 and phase not in seen and (got := os.read(read, 1)):
        seen += got
    time.sleep(delay)
    os.kill(pid, signal.SIGKILL)
    killed = os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    while got := os.read(read, 16):
        seen += got
    os.close(read)
    return killed, (PHASES[max(seen)] if seen else "start")

for trial in range({trials}):
    phase = trial % 6 - 1
    killed, reached = run_and_kill(phase, rng.uniform(0, 0.06 if phase in (0, 1) else 0.03))
    target = home / "toy"
    state = "absent"
    if target.exists():
        fetching.verify("toy", target)
        assert fetching.find("toy") == target
        state = "whole"
    parts = sum(path.stat().st_size for path in home.rglob("tmp*")) if home.exists() else 0
    # Every third time the next kill meets what this one left behind.
    if trial % 3 != 2:
        fetching.verify("toy", fetch())
        left = sorted(path.name for path in home.iterdir())
        assert left == [".toy.lock", "toy"], left
        shutil.rmtree(home)
    elif target.exists():
        shutil.rmtree(target)
    results.append([killed, reached, state, parts])
fetching.verify("toy", fetch())
print(json.dumps(results))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_kill_9_at_any_moment_leaves_nothing_corrupt(server, tmp_path):
    code = KILLER.format(home=str(tmp_path / "home"), url=server.url, phases=PHASES, trials=30)
    begin = time.monotonic()
    out, err = child(code, tmp_path).communicate(timeout=120)
    assert err == ""
    results = json.loads(out.splitlines()[-1])
    assert sum(killed for killed, *_ in results) >= 25
    assert {reached for _, reached, *_ in results} >= set(PHASES), "a phase was never hit"
    assert {state for _, _, state, _ in results} == {"absent", "whole"}
    assert any(parts for *_, parts in results), "no download was cut in two"
    assert time.monotonic() - begin < 30


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_kill_between_the_two_renames_of_a_repair(mirror, tmp_path):
    """The one moment at which neither the damaged nor the new copy is in place."""
    home = tmp_path / "home"
    folder = fetch(mirror=str(mirror), home=home)
    (folder / "recordings/3_toy_0.wav").unlink()
    code = """
rename = os.rename
def kill_second(old, new):
    if Path(new).name == "toy":
        os.kill(os.getpid(), 9)
    rename(old, new)
os.rename = kill_second
fetching.fetch("toy", mirror={mirror!r}, home={home!r}, progress=False)
"""
    process = child(code.format(mirror=str(mirror), home=str(home)), tmp_path)
    process.communicate(timeout=30)
    assert process.returncode == -9
    assert not folder.exists()
    fetching.verify("toy", fetch(mirror=str(mirror), home=home))
    assert leftovers(home) == ["toy"]


# ---------------------------------------------------------------- whole data sets, known by one hash

WORDS = "(zero|one)/[0-9a-f]{8}_nohash_[0-9]+\\.wav|list\\.txt"


@pytest.fixture
def words(tmp_path, monkeypatch) -> dict[str, bytes]:
    """Register a data set known by the hash of its archive, with an excerpt known by the hash of what is in it."""
    rng = random.Random(9)
    names = [f"{word}/{rng.getrandbits(32):08x}_nohash_{take}.wav" for word in ("zero", "one") for take in range(6)]
    files = {"list.txt": b"a list"} | {name: rng.randbytes(900) for name in names}
    others = {"cat/00000000_nohash_0.wav": b"miau", "README.md": b"read me", "../out.wav": b"out"}
    folder = tmp_path / "words"
    folder.mkdir()
    with tarfile.open(folder / "words.tar.gz", "w:gz") as tar:
        for name, data in {**files, **others}.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    archive = hashlib.sha256((folder / "words.tar.gz").read_bytes()).hexdigest()
    some = {name: data for name, data in files.items() if "zero" in name or "list" in name}
    lines = "".join(f"{name} {hashlib.sha256(data).hexdigest()}\n" for name, data in sorted(some.items()))
    content = hashlib.sha256(lines.encode()).hexdigest()
    shapes = {"words": {"archive_sha256": archive}, "excerpt": {"content_sha256": content}}
    for name, hashes in shapes.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"check": "whole", "pattern": WORDS, **hashes}))
    whole, part = (
        toy_source("words", (archive,), tmp_path / f"{name}.json", 20_000)
        for name, archive in (("words", "words.tar.gz"), ("excerpt", "words.zip"))
    )
    monkeypatch.setitem(
        fetching.REGISTRY, "words", dataclasses.replace(whole, excerpt=dataclasses.replace(part, title="Toy excerpt"))
    )
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "words.zip").write_bytes(zip_bytes(some, extra={"words/surplus.wav": b"?"}))
    return files


def inside(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name[0] != "."}


def test_whole_archive_is_checked_by_its_hash_and_only_what_belongs_is_unpacked(words, tmp_path):
    folder = fetch("words", mirror=str(tmp_path / "words"))
    assert inside(folder) == set(words)
    assert not (folder.parent.parent / "out.wav").exists()
    fetching.verify("words", folder)
    assert fetching.find("words") == folder
    victim = next(folder.glob("one/*.wav"))
    victim.write_bytes(victim.read_bytes()[::-1])  # of the same length
    with pytest.raises(DataError, match=r"the hash over its 13 files is not the known one"):
        fetching.verify("words", folder)
    victim.unlink()
    assert fetching.find("words") is None
    fetch("words", mirror=str(tmp_path / "words"))
    fetching.verify("words", folder)


def test_excerpt_is_taken_where_the_whole_is_not_and_known_from_it(words, tmp_path):
    said: list[str] = []
    folder = fetch("words", mirror=str(tmp_path / "part"), on_message=said.append)
    assert inside(folder) == {name for name in words if not name.startswith("one")}
    assert said[-1].startswith("Toy excerpt: 7 files")
    assert fetching.form_in(fetching.REGISTRY["words"], folder).title == "Toy excerpt"
    fetching.verify("words", folder)
    (folder / "zero" / "more.wav").write_bytes(b"more")
    with pytest.raises(DataError, match=r"1 files do not belong to it \(zero/more.wav\)"):
        fetching.verify("words", folder)
    (folder / "zero" / "more.wav").unlink()
    # It is there already: the whole is not fetched over it, though its mirror has it.
    assert fetch("words", mirror=str(tmp_path / "words"), on_message=said.append) == folder
    assert said[-1].startswith("Toy excerpt is already in")


def test_whole_wins_where_a_mirror_has_both(words, tmp_path):
    (tmp_path / "words" / "words.zip").write_bytes((tmp_path / "part" / "words.zip").read_bytes())
    assert inside(fetch("words", mirror=str(tmp_path / "words"))) == set(words)


@pytest.mark.parametrize("cut", [False, True])
def test_another_archive_is_refused_and_leaves_nothing(words, tmp_path, cut):
    path = tmp_path / "words" / "words.tar.gz"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] if cut else data[:-1] + bytes([data[-1] ^ 1]))
    assert "its sha256 is" in refusal("words", mirror=str(tmp_path / "words"))
    assert leftovers(fetching.data_home()) == []


def test_excerpt_with_another_content_is_refused(words, tmp_path):
    some = {name: data for name, data in words.items() if "zero" in name}
    some[next(iter(some))] += b"!"
    (tmp_path / "part" / "words.zip").write_bytes(zip_bytes(some))
    assert "is not the known one" in refusal("words", mirror=str(tmp_path / "part"))
    assert leftovers(fetching.data_home()) == []


def test_unpacked_folder_of_the_whole_cannot_be_checked_and_is_not_taken(words, tmp_path):
    write_tree(tmp_path / "loose" / "words", words)
    assert "there is no words.tar.gz" in refusal("words", mirror=str(tmp_path / "loose"))
    write_tree(fetching.data_home() / "words", words)
    assert "something else is in the way" in refusal("words", mirror=str(tmp_path / "words"))


# ---------------------------------------------------------------- the real data


@real
@needs_real
@pytest.mark.parametrize(("name", "count"), [("fsdd", 3000), ("mnist", 4)])
def test_real_data_set_is_fetched_and_verified(name, count, tmp_path):
    folder = fetch(name, mirror=str(REAL), home=tmp_path)
    fetching.verify(name, folder)
    assert sum(1 for path in folder.rglob("*") if path.is_file() and path.name[0] != ".") == count
    victim = next(path for path in sorted(folder.rglob("*")) if path.is_file() and path.name[0] != ".")
    with open(victim, "r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        last = stream.read(1)
        stream.seek(-1, os.SEEK_END)
        stream.write(bytes([last[0] ^ 1]))
    with pytest.raises(DataError, match=f"1 of {count:,} files differ") as caught:
        fetching.verify(name, folder)
    assert victim.name in str(caught.value)


@real
@needs_real
def test_real_excerpt_of_speech_commands(tmp_path):
    folder = fetch("speechcommands", mirror=str(REAL), home=tmp_path)
    fetching.verify("speechcommands", folder)
    spoken = datasets.load_spoken(folder)
    assert (len(spoken), len(spoken.speaker_names)) == (8858, 2038)
    assert datasets.are_original(spoken).sum() == 2186
    assert np.bincount(spoken.digits).tolist() == [1202, 1131, 688, 639, 709, 1159, 721, 737, 1134, 738]
