"""Fetching the public data sets: whole, checked, or not at all.

What is checked is what is INSIDE an archive, against a manifest in ``a2d/manifests``, never the archive
itself: mirrors pack the same recordings in different ways, and one check serves them all. A data set is
unpacked beside its place, checked, marked, and only then renamed into place; so a crash, a full disk or a
second process never leaves half of one where a lecture would read it.

Two environment variables matter: ``A2D_DATA`` is the folder that data sets are kept in, ``A2D_MIRROR`` a
folder or an address to take them from instead of the public sources.
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import json
import lzma
import os
import re
import shutil
import stat
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from a2d.errors import A2DError, DataError
from a2d.io.atomic import write_json

NAMES = ("fsdd", "audiomnist", "mnist")

_MANIFESTS = Path(__file__).parent.parent / "manifests"
_MARKER = ".a2d-verified.json"
_MAGIC = {".zip": b"PK\x03\x04", ".gz": b"\x1f\x8b"}
_CHUNK = 1 << 16
_TIMEOUT_S = (30.0, 30.0)  # to connect, and between two pieces of the answer
_TRIES = 5  # in a row without a single new byte
_BACKOFF_S = 0.5  # doubled from try to try
_SLACK = 4  # an archive may hold this many times what is expected (a README, other folders), and no more
_BLOCK = 4096  # what a small file occupies on disk at least
_CORRUPT = (
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True)
class Source:
    """Where a public data set comes from, what it may be used for, and how it is checked.

    ``size_bytes`` is to be downloaded, ``unpacked_bytes`` what it fills on disk (both rounded where the
    source does not fix them). An address in ``urls`` that ends in ``/`` is a folder that holds the
    ``archives`` by their last name, any other is the one archive itself; they are tried in turn.
    ``archives`` are the names in a mirror.
    """

    name: str
    title: str
    licence: str
    homepage: str
    citation: str
    size_bytes: int
    unpacked_bytes: int
    urls: tuple[str, ...]
    archives: tuple[str, ...]
    manifest: Path
    note: str = ""


REGISTRY: dict[str, Source] = {
    "fsdd": Source(
        name="fsdd",
        title="Free Spoken Digit Dataset",
        licence="CC BY-SA 4.0",
        homepage="https://github.com/Jakobovski/free-spoken-digit-dataset",
        citation="Z. Jackson et al., Free Spoken Digit Dataset, 2016-2020, doi:10.5281/zenodo.1342401",
        size_bytes=16_400_000,
        unpacked_bytes=21_128_848,
        urls=(
            "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/"
            "26eb9aaf76e81b692f806f9140c2d2777410d7a1.zip",
        ),
        archives=("fsdd.zip",),
        manifest=_MANIFESTS / "fsdd.json",
        note="Every recording is checked by its sha256.",
    ),
    "audiomnist": Source(
        name="audiomnist",
        title="Audio-MNIST",
        licence="MIT",
        homepage="https://github.com/soerenab/AudioMNIST",
        citation="S. Becker et al., AudioMNIST: Exploring explainable artificial intelligence for audio "
        "analysis on a simple benchmark, Journal of the Franklin Institute 361(1), 418-428, 2024",
        size_bytes=1_000_000_000,
        unpacked_bytes=2_000_000_000,
        urls=("https://github.com/soerenab/AudioMNIST/archive/refs/heads/master.zip",),
        archives=("audiomnist.zip",),
        manifest=_MANIFESTS / "audiomnist.json",
        note="Checked by structure only (names, counts, WAV headers, sampling rate): its content hashes were "
        "not at hand, and its source is the newest state of a branch, which may change.",
    ),
    "mnist": Source(
        name="mnist",
        title="MNIST",
        licence="as published by its authors",
        homepage="http://yann.lecun.com/exdb/mnist/",
        citation="Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, Gradient-based learning applied to document "
        "recognition, Proceedings of the IEEE 86(11), 2278-2324, 1998",
        size_bytes=11_594_722,
        unpacked_bytes=54_950_048,
        urls=("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
        archives=(
            "mnist/train-images-idx3-ubyte.gz",
            "mnist/train-labels-idx1-ubyte.gz",
            "mnist/t10k-images-idx3-ubyte.gz",
            "mnist/t10k-labels-idx1-ubyte.gz",
        ),
        manifest=_MANIFESTS / "mnist.json",
        note="Every unpacked file is checked by its sha256 and its MD5.",
    ),
}


class _BadArchive(DataError):
    """An archive whose content is not what it should be: of no use for a later try either."""


class _DiskFull(DataError):
    """There is no room left; what was written is taken away again."""


class _Broken(Exception):
    """A connection that broke; trying again may help."""


# ---------------------------------------------------------------- what others call


def sources() -> dict[str, Source]:
    """Give every data set that can be fetched, by name."""
    return dict(REGISTRY)


def data_home() -> Path:
    """Give the folder that data sets are kept in: ``$A2D_DATA``, or the cache folder of the platform.

    The folder need not exist; :func:`fetch` makes it.
    """
    chosen = os.environ.get("A2D_DATA")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import pooch

    return Path(pooch.os_cache("a2d"))


def find(name: str) -> Path | None:
    """Give the folder of a data set that has been fetched and verified, or ``None``.

    This is quick: it trusts the marker that :func:`fetch` wrote, and looks only whether every file is there
    (and, where the manifest knows it, has its size). :func:`verify` reads everything.

    Errors: :class:`DataError` for an unknown name.
    """
    source = _source(name)
    folder = data_home() / name
    return folder if _intact(source, folder) else None


def verify(name: str, folder: str | os.PathLike) -> None:
    """Read a data set again and compare it with its manifest.

    Parameters
    ----------
    name : one of ``NAMES``.
    folder : the folder that holds ``recordings/``, ``data/`` or the four MNIST files.

    Errors: :class:`DataError` names the first files that are wrong, missing or do not belong, with counts.
    """
    _verify(_source(name), Path(folder))


def fetch(
    name: str,
    *,
    mirror: str | os.PathLike | None = None,
    progress: bool = True,
    home: str | os.PathLike | None = None,
    on_message: Callable[[str], None] = print,
) -> Path:
    """Download, check and unpack a data set, unless it is there already, and give its folder.

    Parameters
    ----------
    name : one of ``NAMES``.
    mirror : a folder, ``file://`` or ``http(s)://`` address to take it from; default ``$A2D_MIRROR``, else
        the public source.
    progress : whether to show progress bars.
    home : the folder to keep it in; default :func:`data_home`.
    on_message : is told, one sentence at a time, what happens.

    Errors: :class:`DataError` for an unknown name, no connection, a damaged or hostile archive, content that
    differs, a full disk, a missing permission. A broken download is continued by the next call.
    """
    source = _source(name)
    root = Path(home).expanduser().absolute() if home is not None else data_home()
    chosen = mirror if mirror is not None else os.environ.get("A2D_MIRROR")
    job = _Job(source, root, os.fspath(chosen) if chosen else None, progress, on_message)
    try:
        if _intact(source, job.target):
            on_message(f"{source.title} is already in {job.target}.")
            return job.target
        root.mkdir(parents=True, exist_ok=True)
        with _locked(job):
            _fetch_locked(job)
    except DataError:
        raise
    except (A2DError, OSError) as error:
        raise _os_problem(error, job) from error
    return job.target


# ---------------------------------------------------------------- the manifest


@dataclass(frozen=True)
class _Manifest:
    """What a data set consists of; ``files`` maps a relative POSIX path to its size and hashes, if known."""

    check: str
    files: dict[str, dict[str, Any]]
    digest: str
    content_sha256: str | None = None
    rate: int | None = None
    tops: tuple[str, ...] = field(default=())


def _source(name: str) -> Source:
    if name not in REGISTRY:
        known = ", ".join(REGISTRY)
        raise DataError(f"there is no data set called {name!r}", hint=f"Choose one of: {known}")
    return REGISTRY[name]


def _manifest(source: Source) -> _Manifest:
    try:
        raw = source.manifest.read_bytes()
        data = json.loads(raw)
        files = data["files"] if data["check"] == "content" else _structure(data)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"the manifest of {source.title} cannot be read ({error})",
            where=source.manifest,
            hint="Install the package again",
        ) from error
    tops = sorted({name.split("/")[0] if "/" in name else "" for name in files})
    digest = hashlib.sha256(raw).hexdigest()
    return _Manifest(data["check"], files, digest, data.get("content_sha256"), data.get("rate"), tuple(tops))


def _structure(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the names of an Audio-MNIST layout; nothing is known about what the files hold."""
    names = [data["metadata"]]
    for speaker in range(1, data["speakers"] + 1):
        for digit in range(data["digits"]):
            for take in range(data["takes"]):
                names.append(f"data/{speaker:02d}/{digit}_{speaker:02d}_{take}.wav")
    return {name: {} for name in names}


def _listing(folder: Path, manifest: _Manifest) -> set[str]:
    """Give the files of a folder, as relative POSIX paths, within the data set's own top folders.

    What stands beside them (a README, a licence, the marker) belongs to nobody's manifest and is not listed;
    nor are files that file managers leave behind.
    """
    depth = max(name.count("/") for name in manifest.files)
    found: set[str] = set()
    for top in manifest.tops:
        for here, folders, names in os.walk(folder / top, followlinks=True):
            relative = Path(here).relative_to(folder).as_posix()
            prefix = "" if relative == "." else relative + "/"
            # One level deeper than the manifest goes shows what does not belong, and ends link loops.
            if prefix.count("/") > depth or not top:
                folders.clear()
            found.update(prefix + name for name in names if not _is_junk(name))
    return found


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name in ("Thumbs.db", "desktop.ini")


def _intact(source: Source, folder: Path) -> bool:
    """Say whether a folder has the marker of this very manifest and still every file; reads none of them."""
    try:
        marker = json.loads((folder / _MARKER).read_text(encoding="utf-8"))
        manifest = _manifest(source)
        if marker["manifest"] != manifest.digest:
            return False
        if manifest.check == "content":
            return all((folder / name).stat().st_size == entry["size"] for name, entry in manifest.files.items())
        return manifest.files.keys() <= _listing(folder, manifest)
    except (OSError, ValueError, KeyError, TypeError):
        return False


# ---------------------------------------------------------------- checking the content


def _verify(source: Source, folder: Path) -> None:
    manifest = _manifest(source)
    if not folder.is_dir():
        raise DataError(
            f"there is no folder with {source.title} here",
            where=folder,
            hint=f"Fetch it first: a2d.io.fetching.fetch({source.name!r})",
        )
    present = _listing(folder, manifest)
    missing = [name for name in manifest.files if name not in present]
    surplus = sorted(present - manifest.files.keys())
    wrong, lines = [], []
    for name, entry in sorted(manifest.files.items()):
        if name not in present:
            continue
        _step("verify")
        problem, digest = _check_file(folder / name, entry, manifest)
        lines.append(f"{name.rsplit('/', 1)[-1]} {digest}\n")
        if problem:
            wrong.append(f"{name}: {problem}")
    # The hash over all lines guards the manifest itself: a list that was edited by hand does not pass.
    whole = manifest.content_sha256
    if not (missing or surplus or wrong) and whole and hashlib.sha256("".join(lines).encode()).hexdigest() != whole:
        wrong.append("the hash over all files")
    findings = [
        _finding(wrong, "differ from what they should be", len(manifest.files)),
        _finding(missing, "are missing", len(manifest.files)),
        _finding(surplus, "do not belong to it", None),
    ]
    findings = [finding for finding in findings if finding]
    if findings:
        raise _BadArchive(
            f"this is not {source.title} as it should be: " + "; ".join(findings),
            where=folder,
            hint="Remove the folder, or what does not belong, and fetch the data set again",
        )


def _finding(names: list[str], what: str, of: int | None) -> str:
    if not names:
        return ""
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    count = f"{len(names):,} of {of:,}" if of is not None else f"{len(names):,}"
    return f"{count} files {what} ({shown})"


def _check_file(path: Path, entry: dict[str, Any], manifest: _Manifest) -> tuple[str | None, str]:
    """Give what is wrong with one file (or ``None``), and its sha256 where the manifest has one."""
    try:
        if manifest.check != "content":
            return (_wav_problem(path, manifest.rate) if path.suffix == ".wav" else _text_problem(path)), ""
        size = path.stat().st_size
        hashes = {name: hashlib.new(name, usedforsecurity=False) for name in ("sha256", "md5") if name in entry}
        with open(path, "rb") as stream:
            while piece := stream.read(1 << 20):
                for digest in hashes.values():
                    digest.update(piece)
    except OSError as error:
        return f"cannot be read ({error.strerror or error})", ""
    sha256 = hashes["sha256"].hexdigest()
    if size != entry["size"]:
        return f"{size:,} bytes, not {entry['size']:,}", sha256
    differing = [name for name, digest in hashes.items() if digest.hexdigest() != entry[name]]
    return (f"another {' and '.join(differing)}" if differing else None), sha256


def _text_problem(path: Path) -> str | None:
    return None if path.stat().st_size else "is empty"


def _wav_problem(path: Path, rate: int | None) -> str | None:
    """Give what is wrong with the header of a WAV file, or ``None``; the samples are not looked at."""
    with open(path, "rb") as stream:
        head = stream.read(1 << 12)
        size = os.fstat(stream.fileno()).st_size
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return "not a WAV file"
    position, found = 12, None
    while position + 8 <= len(head):
        chunk, length = struct.unpack_from("<4sI", head, position)
        if chunk == b"fmt " and position + 16 <= len(head):
            (found,) = struct.unpack_from("<I", head, position + 12)
        if chunk == b"data":
            if found != rate:
                return f"{found} Hz, not {rate} Hz"
            if length == 0 or position + 8 >= size:
                return "no samples"
            # Some recorders write the largest number when they do not know the length.
            unknown = length >= 0x7FFFF000
            return None if unknown or position + 8 + length <= size else "cut short"
        position += 8 + length + (length & 1)
    return "no samples"


# ---------------------------------------------------------------- one fetch, step by step


@dataclass(frozen=True)
class _Job:
    source: Source
    root: Path
    mirror: str | None
    progress: bool
    say: Callable[[str], None]

    @property
    def target(self) -> Path:
        return self.root / self.source.name

    def hidden(self, kind: str) -> Path:
        return self.root / f".{self.source.name}.{kind}"


def _step(phase: str) -> None:
    """Do nothing: a place where the tests slow a fetch down, or end it."""


@contextlib.contextmanager
def _locked(job: _Job) -> Iterator[None]:
    """Hold the lock of one data set; the operating system releases it even when the process is killed."""
    import filelock

    lock = filelock.FileLock(job.hidden("lock"))
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        job.say(f"Another process is fetching {job.source.title} into {job.root}; waiting for it to finish.")
        lock.acquire(timeout=-1, poll_interval=0.1)
    except NotImplementedError as error:
        raise DataError(
            "this file system cannot lock files",
            where=job.root,
            hint="Set A2D_DATA to a folder on a local disk",
        ) from error
    try:
        yield
    finally:
        lock.release()


def _fetch_locked(job: _Job) -> None:
    source, unpacked = job.source, job.hidden("unpack")
    if _intact(source, job.target):
        job.say(f"{source.title} has been fetched into {job.target} meanwhile.")
        return
    _sweep(job)
    if _adopt(job):
        return
    try:
        archives, origin = _obtain(job)
        unpacked.mkdir()
        _unpack(job, archives, unpacked)
        _verify_unpacked(job, unpacked, origin)
        _mark(source, unpacked, origin)
        _step("rename")
        _place(job, unpacked)
    except BaseException as error:
        _clean_up(job, error)
        raise
    shutil.rmtree(job.hidden("download"), ignore_errors=True)
    how = "Every content hash agrees" if _manifest(source).check == "content" else source.note
    job.say(f"{source.title}: {len(_manifest(source).files):,} files in {job.target}. {how.rstrip('.')}.")


def _sweep(job: _Job) -> None:
    """Remove what a killed run left behind; its partial download stays, to be continued."""
    for kind in ("unpack", "old"):
        _remove(job.hidden(kind))
    downloads = job.hidden("download")
    wanted = {Path(name).name for name in job.source.archives}
    wanted |= {f"{name}{end}" for name in wanted for end in (".part", ".part.json")}
    if downloads.is_dir():
        for path in downloads.iterdir():
            if path.name not in wanted:
                _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _adopt(job: _Job) -> bool:
    """Take over a good copy that somebody else put in place; leave alone what is neither ours nor good."""
    target, source = job.target, job.source
    if not os.path.lexists(target) or (target.is_dir() and not any(target.iterdir())):
        return False
    try:
        _verify(source, target)
    except DataError as problem:
        if (target / _MARKER).is_file() and not target.is_symlink():
            job.say(f"The copy of {source.title} in {target} has been damaged; fetching it again.")
            return False
        raise DataError(
            f"something else is in the way ({problem.what})",
            where=target,
            hint="Move it away, or set A2D_DATA to another folder, and fetch again",
        ) from problem
    job.say(f"{source.title} was already in {target}; it has been checked.")
    # A folder that cannot be written to is as good; it is only checked each time.
    with contextlib.suppress(A2DError):
        _mark(source, target, "put in place by hand")
    return True


def _clean_up(job: _Job, error: BaseException) -> None:
    """After a failure, keep only what helps the next try: a partial or a good download."""
    cause = error if isinstance(error, OSError) else error.__cause__
    full = isinstance(error, _DiskFull) or (isinstance(cause, OSError) and _is_full(cause))
    with contextlib.suppress(OSError):
        _remove(job.hidden("unpack"))
    if full or isinstance(error, _BadArchive):
        shutil.rmtree(job.hidden("download"), ignore_errors=True)


def _verify_unpacked(job: _Job, unpacked: Path, origin: str) -> None:
    try:
        _verify(job.source, unpacked)
    except DataError as problem:
        raise _BadArchive(
            problem.what, where=origin, hint="Fetch it again, or from another mirror (A2D_MIRROR)"
        ) from problem


def _mark(source: Source, folder: Path, origin: str) -> None:
    _step("mark")
    manifest = _manifest(source)
    marker = {"name": source.name, "check": manifest.check, "manifest": manifest.digest, "origin": origin}
    write_json(folder / _MARKER, marker)


def _place(job: _Job, unpacked: Path) -> None:
    """Rename the checked folder into place; a damaged copy of ours goes, but no file of the user's in it."""
    old = None
    if os.path.lexists(job.target):
        old = job.hidden("old")
        if _foreign_files(job):
            number = next(n for n in range(1, 10_000) if not os.path.lexists(f"{job.target}-set-aside-{n}"))
            old = Path(f"{job.target}-set-aside-{number}")
            job.say(f"The damaged copy holds files of your own; it is kept as {old}.")
        os.rename(job.target, old)
    os.rename(unpacked, job.target)
    if old == job.hidden("old"):
        _remove(old)


def _foreign_files(job: _Job) -> bool:
    known = _manifest(job.source).files.keys() | {_MARKER}
    return any(
        (Path(here) / name).relative_to(job.target).as_posix() not in known
        for here, _, names in os.walk(job.target)
        for name in names
        if not _is_junk(name)
    )


# ---------------------------------------------------------------- where the archives come from


def _obtain(job: _Job) -> tuple[list[Path] | Path, str]:
    """Give the archives (or the folder that is already unpacked in a mirror), and where they came from."""
    folder = _mirror_folder(job.mirror) if job.mirror else None
    source = job.source
    if folder is not None:
        _require_space(job, 0)
        return _from_folder(source, folder), str(folder)
    base = job.mirror.rstrip("/") + "/" if job.mirror else None
    shown = _shown(base or source.urls[0])
    job.say(f"Fetching {source.title} (about {_size(source.size_bytes)}, licence: {source.licence}) from {shown}")
    downloads = job.hidden("download")
    downloads.mkdir(exist_ok=True)
    done = sum(path.stat().st_size for path in downloads.iterdir())
    _require_space(job, max(0, source.size_bytes - done))
    paths = []
    for archive in source.archives:
        urls = [base + quote(archive)] if base else [_public(url, archive) for url in source.urls]
        paths.append(downloads / Path(archive).name)
        _download_any(job, urls, paths[-1])
    return paths, shown


def _public(url: str, archive: str) -> str:
    return url + Path(archive).name if url.endswith("/") else url


def _mirror_folder(mirror: str) -> Path | None:
    """Give the folder that a mirror is, or ``None`` for an address on the network."""
    if mirror.lower().startswith("file:"):
        return Path(os.path.abspath(url2pathname(urlsplit(mirror).path)))
    if "://" not in mirror:
        return Path(os.path.abspath(Path(mirror).expanduser()))
    if urlsplit(mirror).scheme.lower() in ("http", "https"):
        return None
    raise DataError(
        "this is neither a folder nor a file://, http:// or https:// address",
        where=_shown(mirror),
        hint="Set A2D_MIRROR (or mirror=) to one of these, or to nothing for the public source",
    )


def _from_folder(source: Source, folder: Path) -> list[Path] | Path:
    paths = [folder / archive for archive in source.archives]
    missing = [path for path in paths if not path.is_file()]
    if not missing:
        return paths
    unpacked = folder / source.name
    if any((unpacked / name).is_file() for name in _manifest(source).files):
        return unpacked
    raise DataError(
        f"this mirror has no {source.title}: there is no {missing[0].relative_to(folder)}",
        where=folder,
        hint="Put it there, or unset A2D_MIRROR to take the public source",
    )


def _require_space(job: _Job, download: int) -> None:
    source = job.source
    needed = download + source.unpacked_bytes + _BLOCK * len(_manifest(source).files)
    try:
        free = shutil.disk_usage(job.root).free
    except OSError:
        return  # some network folders cannot tell; a full disk is noticed later, too
    if free < needed:
        raise _full(job, f"{_size(needed)} are needed and {_size(free)} are free", None)


def _download_any(job: _Job, urls: list[str], target: Path) -> None:
    """Download an archive from the first address that serves it."""
    first: DataError | None = None
    for number, url in enumerate(urls, start=1):
        try:
            return _download(job, url, target)
        except _DiskFull:
            raise
        except DataError as error:
            first = first or error
            if number < len(urls):
                job.say(f"{error} Trying {_shown(urls[number])} instead.")
    raise first


def _download(job: _Job, url: str, target: Path) -> None:
    import pooch

    magic = _MAGIC[target.suffix]
    if target.is_file():
        with open(target, "rb") as stream:
            good = stream.read(len(magic)) == magic
        if not good:
            target.unlink()
    label = target.name if job.progress else ""
    with _bar(None, label, "B", job.progress) as bar:
        downloader = _ResumingDownloader(target.with_name(target.name + ".part"), _SLACK * job.source.size_bytes, bar)
        logger = pooch.get_logger()
        level = logger.level
        logger.setLevel("WARNING")  # its log is for developers; job.say is for the learner
        try:
            pooch.retrieve(url, known_hash=None, fname=target.name, path=target.parent, downloader=downloader)
        finally:
            logger.setLevel(level)


def _bar(total: int | None, label: str, unit: str, progress: bool) -> Any:
    from tqdm import tqdm

    return tqdm(total=total, desc=label, unit=unit, unit_scale=unit == "B", disable=not progress)


class _ResumingDownloader:
    """A downloader for pooch that goes on where a broken connection, or a killed process, left off.

    Beside the partial file stands a note of the address and of the server's ETag or date, so that the rest
    is only appended to what it belongs to. A server that cannot do this sends everything again.
    """

    def __init__(self, part: Path, limit: int, bar: Any):
        self.part, self.limit, self.bar = part, limit, bar
        self.note = part.with_name(part.name + ".json")
        self.magic = _MAGIC[part.with_suffix("").suffix]
        self.answered = False  # whether the server has sent anything at all in this call

    def __call__(self, url: str, output_file: str, pooch: Any = None) -> None:
        """Download ``url`` to ``output_file``; pooch passes itself, or ``None``, as the third argument."""
        best, idle = self._size(), 0
        while True:
            try:
                self._attempt(url)
                break
            except _Broken as error:
                idle = 0 if self._size() > best else idle + 1
                best = max(best, self._size())
                if idle >= _TRIES:
                    raise _unreachable(url, f"{error}, {_TRIES} times in a row", self._size()) from error
                time.sleep(min(_BACKOFF_S * 2**idle, 8.0))
        os.replace(self.part, output_file)
        self.note.unlink(missing_ok=True)

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _discard(self) -> None:
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def _attempt(self, url: str) -> None:
        """Ask once; return when the file is whole, raise ``_Broken`` when another try may help."""
        import requests
        import urllib3

        offset, headers = self._resume(url)
        try:
            with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as response:
                self._receive(response, url, offset)
        except requests.exceptions.RequestException as error:
            problem = _request_problem(error, url, self._size())
            # A server that has just answered will be back; one that never did is told to the user at once.
            raise (_Broken(getattr(problem, "what", problem)) if self.answered else problem) from error
        except urllib3.exceptions.HTTPError as error:
            raise _Broken(f"the connection broke ({type(error).__name__})") from error

    def _resume(self, url: str) -> tuple[int, dict[str, str]]:
        """Give how much is there already, and the request headers that ask for the rest of the same file."""
        # Identity: a server must not pack a .gz once more, or the offsets would mean something else.
        headers = {"Accept-Encoding": "identity", "User-Agent": "digits-from-sound"}
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
            valid = note["url"] == url and note["validator"]
        except (OSError, ValueError, KeyError, TypeError):
            valid = None
        if not valid or not self._size():
            self._discard()
            return 0, headers
        return self._size(), headers | {"Range": f"bytes={self._size()}-", "If-Range": valid}

    def _receive(self, response: Any, url: str, offset: int) -> None:
        if response.status_code == 416 and response.headers.get("Content-Range") == f"bytes */{offset}":
            return  # nothing is missing: the last run was ended between the last byte and the renaming
        offset, total = self._accept(response, url, offset)
        if offset == 0:
            self._discard()
            write_json(self.note, {"url": url, "validator": _validator(response)})
        self.bar.total, self.bar.n = total, offset
        self.bar.refresh()
        self._store(response, url, offset)
        if total is not None and self._size() < total:
            raise _Broken("the connection closed early")
        if total is not None and self._size() > total:
            self._discard()
            raise _Broken("the server sent more than it announced")
        if self._size() == 0:
            self._discard()
            raise _not_an_archive(url, "it is empty")

    def _store(self, response: Any, url: str, size: int) -> None:
        """Append the body to the partial file, whose length is ``size``, as long as it can be the archive."""
        problem = None
        with open(self.part, "ab") as stream:
            # Undecoded: what counts is the file as it lies on the server.
            for piece in response.raw.stream(_CHUNK, decode_content=False):
                _step("download")
                problem = self._wrong_beginning(piece) if size == 0 else None
                size += len(piece)
                if size > self.limit:
                    problem = f"it goes on after {_size(self.limit)}, far more than expected"
                if problem:
                    break
                stream.write(piece)
                self.bar.update(len(piece))
        if problem:
            self._discard()
            raise _not_an_archive(url, problem)

    def _accept(self, response: Any, url: str, offset: int) -> tuple[int, int | None]:
        """Judge status and type of an answer; give where its body begins, and how long the whole file is."""
        self.answered = True
        status = response.status_code
        if status == 416:
            self._discard()
            raise _Broken("the server has a shorter file than before")
        if status == 429 or status >= 500:
            raise _Broken(f"the server answered {status}")
        if status not in (200, 206):
            raise DataError(
                f"the server answered {status} {response.reason}".rstrip(),
                where=_shown(url),
                hint="Check the address, or set A2D_MIRROR to a folder or server that has the file",
            )
        if "html" in response.headers.get("Content-Type", "").lower():
            self._discard()
            raise _not_an_archive(url, "it is an HTML page")
        if status == 206:
            match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", "").strip())
            if not match or int(match[1]) != offset:
                self._discard()
                raise _Broken("the server sent another part than was asked for")
            return offset, int(match[2])
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdigit() else None

    def _wrong_beginning(self, head: bytes) -> str | None:
        """Say what does not begin like an archive: a log-in page must not poison a later try."""
        if head.startswith(self.magic[: len(head)]):
            return None
        begins = head.lstrip(b"\xef\xbb\xbf \r\n\t")[:64].lower()
        page = begins.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--", b"<script"))
        kind = "gzip" if self.magic == _MAGIC[".gz"] else "zip"
        return "it is an HTML page" if page else f"it is not a {kind} file"


def _validator(response: Any) -> str | None:
    """Give what tells a file from its later versions; a weak ETag does not promise equal bytes."""
    etag = response.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified")


def _request_problem(error: Exception, url: str, kept: int) -> Exception:
    """Turn an error of requests into one that another try may mend, or into the final message."""
    import requests
    import urllib3

    reason = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(error, requests.exceptions.SSLError):
        return _unreachable(
            url, "no secure connection could be made (is the clock right, is there a log-in page?)", kept
        )
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return _unreachable(url, "the server, or the proxy before it, does not answer", kept)
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        return _unreachable(url, "there is no connection to the server; perhaps this machine is offline", kept)
    if isinstance(error, requests.exceptions.ConnectionError | requests.exceptions.Timeout):
        return _Broken("the connection broke")
    return DataError(
        f"the download failed ({type(error).__name__})",
        where=_shown(url),
        hint="Check the address, or set A2D_MIRROR to a folder or server that has the file",
    )


def _unreachable(url: str, what: str, kept: int) -> DataError:
    saved = f" The {_size(kept)} that arrived are kept, and the next try goes on from there" if kept else ""
    hint = "Try again later, or set A2D_MIRROR to a folder or server that has the data sets"
    return DataError(what, where=_shown(url), hint=f"{hint}.{saved}" if saved else hint)


def _not_an_archive(url: str, what: str) -> DataError:
    return DataError(
        f"this is not the data set: {what}",
        where=_shown(url),
        hint="Perhaps a log-in page of the network answers in its place: open a browser, then fetch again; "
        "or set A2D_MIRROR to a folder or server that has the file",
    )


def _shown(url: str) -> str:
    """Give an address without the user name and password that may stand in it."""
    return re.sub(r"(?<=//)[^/@]*@", "", url)


# ---------------------------------------------------------------- unpacking


def _unpack(job: _Job, archives: list[Path] | Path, into: Path) -> None:
    """Copy the files of the data set, and nothing else, out of the archives."""
    manifest = _manifest(job.source)
    budget = _Budget(_SLACK * job.source.unpacked_bytes)
    with _bar(len(manifest.files), f"unpack {job.source.name}", "file", job.progress) as bar:
        if isinstance(archives, Path):
            for name in manifest.files:
                if (archives / name).is_file():
                    _write_member(archives, name, partial(open, archives / name, "rb"), into, manifest, budget)
                    bar.update()
            return
        for archive in archives:
            try:
                if archive.suffix == ".gz":
                    _write_member(archive, archive.stem, partial(gzip.open, archive), into, manifest, budget)
                    bar.update()
                else:
                    _unzip(job, archive, into, manifest, budget, bar)
            except _CORRUPT as error:
                raise _corrupt(archive, error) from error
            except OSError as error:
                # Broken offsets make zipfile seek to nowhere; bz2 gives no error number at all.
                if error.errno in (None, errno.EINVAL):
                    raise _corrupt(archive, error) from error
                raise


def _corrupt(archive: Path, error: Exception) -> _BadArchive:
    return _BadArchive(
        f"the archive is truncated or damaged ({error or type(error).__name__})",
        where=archive,
        hint="Fetch it again, or from another mirror (A2D_MIRROR); a mirror folder needs a good copy",
    )


def _unzip(job: _Job, archive: Path, into: Path, manifest: _Manifest, budget: _Budget, bar: Any) -> None:
    with zipfile.ZipFile(archive) as opened:
        members, surplus = _choose(opened.infolist(), archive, job.source, manifest)
        if surplus:
            job.say(f"{surplus:,} files in {archive.name} do not belong to {job.source.title}, and are left out.")
        for name, info in members.items():
            _write_member(archive, name, partial(opened.open, info), into, manifest, budget)
            bar.update()


def _choose(
    infos: list[zipfile.ZipInfo], archive: Path, source: Source, manifest: _Manifest
) -> tuple[dict[str, zipfile.ZipInfo], int]:
    """Give the members that the manifest asks for, below whatever top folder, and how many do not belong."""
    for info in infos:
        if problem := _hostile(info):
            raise _refused(archive, f"its member {info.orig_filename!r} {problem}")
    declared = sum(info.file_size for info in infos)
    if declared > _SLACK * source.unpacked_bytes:
        raise _refused(archive, f"it would unpack to {_size(declared)}, far more than {_size(source.unpacked_bytes)}")
    tops: dict[str, dict[str, zipfile.ZipInfo]] = {}
    anchors = [top + "/" for top in manifest.tops if top]
    for info in infos:
        for anchor in anchors:
            at = ("/" + info.filename).find("/" + anchor)
            if at >= 0 and not info.is_dir():
                inside = tops.setdefault(info.filename[:at], {})
                if info.filename[at:] in inside:
                    raise _refused(archive, f"it holds {info.filename!r} twice")
                inside[info.filename[at:]] = info
    best = max(tops.values(), key=lambda inside: len(inside.keys() & manifest.files.keys()), default={})
    members = {name: best[name] for name in manifest.files if name in best}
    missing = [name for name in manifest.files if name not in members]
    if missing:
        raise _BadArchive(
            f"this is not a whole {source.title}: {_finding(missing, 'are missing', len(manifest.files))}",
            where=archive,
            hint="Fetch it again, or from another mirror (A2D_MIRROR)",
        )
    return members, sum(1 for name in best if name not in members and not _is_junk(Path(name).name))


def _hostile(info: zipfile.ZipInfo) -> str | None:
    """Give why a member must not be unpacked, or ``None``."""
    # zipfile tidies ``filename`` up; what the archive really says stands in ``orig_filename``.
    name = info.orig_filename
    mode = info.external_attr >> 16
    if "\\" in name or "\0" in name:
        return "has a backslash or a zero byte in its name"
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "has an absolute path"
    if ".." in name.split("/"):
        return "points out of its folder"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device, not a file"
    if info.flag_bits & 1:
        return "is encrypted"
    return None


def _refused(archive: Path, why: str) -> _BadArchive:
    return _BadArchive(
        f"the archive is refused: {why}",
        where=archive,
        hint="Nothing was unpacked. Take the data set from a source that you trust",
    )


@dataclass
class _Budget:
    """How many more bytes may be unpacked, whatever the archive declares."""

    left: int


def _write_member(
    origin: Path, name: str, opener: Callable[[], IO[bytes]], into: Path, manifest: _Manifest, budget: _Budget
) -> None:
    """Copy one file of the data set, and stop as soon as it is longer than it may be."""
    _step("unpack")
    target = into / name
    target.parent.mkdir(parents=True, exist_ok=True)
    limit = min(manifest.files[name].get("size", budget.left), budget.left)
    written = 0
    with opener() as stream, open(target, "wb") as output:
        while piece := stream.read(_CHUNK):
            written += len(piece)
            if written > limit:
                raise _refused(origin, f"{name} is longer than the {limit:,} bytes that it may have")
            output.write(piece)
    budget.left -= written


# ---------------------------------------------------------------- what the operating system refuses


def _is_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def _full(job: _Job, what: str, error: BaseException | None) -> _DiskFull:
    problem = _DiskFull(
        f"there is no room for {job.source.title}: {what}",
        where=job.root,
        hint="Free some space, or set A2D_DATA to a folder with more; nothing half-written is left",
    )
    problem.__cause__ = error
    return problem


def _os_problem(error: BaseException, job: _Job) -> DataError:
    """Turn what the operating system refused into one message that says what to do."""
    cause = error if isinstance(error, OSError) else error.__cause__
    if isinstance(cause, OSError) and _is_full(cause):
        needed = job.source.size_bytes + job.source.unpacked_bytes
        return _full(job, f"the disk is full, and about {_size(needed)} are needed", error)
    if not isinstance(cause, OSError):
        return DataError(str(error).rstrip("."), where=job.root)
    hint = "Check the folder and its permissions, or set A2D_DATA to a folder that you may write to"
    if isinstance(cause, FileExistsError | NotADirectoryError):
        hint = "A file is where a folder should be: move it away, or set A2D_DATA to another folder"
    return DataError(
        f"{job.source.title} cannot be fetched ({cause.strerror or cause})",
        where=cause.filename or job.root,
        hint=hint,
    )


def _size(count: int) -> str:
    """Give a number of bytes as people say it, in powers of ten."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count} bytes"
