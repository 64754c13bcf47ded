"""Fetching the public data sets: whole, checked, or not at all.

What is checked is what is INSIDE an archive, against a manifest (:mod:`a2d.io.manifest`), never the archive itself:
mirrors pack the same recordings in different ways. A data set is unpacked beside its place, checked, marked, and only
then renamed into place; so a crash, a full disk or a second process never leaves half of one where a lecture would read
it. pooch downloads and tries again; its processors do not unpack, they know neither the top folder nor when to stop.

``A2D_DATA`` is the folder that data sets are kept in, ``A2D_MIRROR`` a folder or an address to take them from.
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import json
import os
import re
import shutil
import tarfile
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from a2d.errors import DataError
from a2d.io import manifest as manifests
from a2d.io.manifest import Entry, Manifest

NAMES = ("fsdd", "audiomnist", "mnist", "speechcommands")

_FOLDER = Path(__file__).parent.parent / "manifests"
_CHUNK = 1 << 16
_TIMEOUT_S = (30.0, 30.0)  # to connect, and between two pieces of the answer
_TRIES = 3
_SLACK = 4  # an archive may hold this many times what is expected, and no more
_BLOCK = 4096  # what a small file occupies on disk at least
_ELSEWHERE = "Fetch it again, or from another mirror (A2D_MIRROR); a mirror folder needs a good copy"


@dataclass(frozen=True)
class Source:
    """Where a public data set comes from, what it may be used for, and how it is checked.

    ``size_bytes`` is to be downloaded, ``unpacked_bytes`` what it fills on disk. ``archives`` are the names in a
    mirror: zip, tar.gz, or single files as gz. An address in ``urls`` that ends in ``/`` holds them by their last
    name, any other is the one archive itself; they are tried in turn. Only what the ``manifest`` names is unpacked.
    ``excerpt`` is a smaller form of the same data set, which a mirror may have in place of the whole.
    """

    name: str
    title: str
    licence: str
    homepage: str
    citation: str
    size_bytes: int
    unpacked_bytes: int
    urls: Sequence[str]
    archives: Sequence[str]
    manifest: Path
    note: str = ""
    excerpt: Source | None = None

    @property
    def forms(self) -> tuple[Source, ...]:
        """The whole data set first, then its excerpt if there is one."""
        return (self,) if self.excerpt is None else (self, self.excerpt)


def _declared(name: str, entry: dict[str, Any], manifest: str) -> Source:
    smaller = entry.pop("excerpt", None)
    whole = Source(name=name, manifest=_FOLDER / f"{manifest}.json", **entry)
    return whole if smaller is None else replace(whole, excerpt=_declared(name, entry | smaller, f"{manifest}-excerpt"))


REGISTRY: dict[str, Source] = {
    name: _declared(name, entry, name)
    for name, entry in tomllib.loads((_FOLDER / "sources.toml").read_text(encoding="utf-8")).items()
}


# ---------------------------------------------------------------- what others call


def data_home() -> Path:
    """Give the folder that data sets are kept in, there or not: ``$A2D_DATA``, or the cache folder of the platform."""
    chosen = os.environ.get("A2D_DATA")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import pooch

    return Path(pooch.os_cache("a2d"))


def find(name: str) -> Path | None:
    """Give the folder of a data set that has been fetched and verified, or ``None``.

    This is quick: it trusts the marker that :func:`fetch` wrote, and looks only whether every file is there (and,
    where the manifest knows it, has its size). Errors: :class:`DataError` for an unknown name.
    """
    folder = data_home() / name
    return folder if form_in(_source(name), folder) else None


def form_in(source: Source, folder: Path) -> Source | None:
    """Give the form of a data set that a folder holds, whole or excerpt, as its marker says, or ``None``."""
    return next((one for one in source.forms if manifests.is_intact(manifests.read(one.manifest), folder)), None)


def verify(name: str, folder: str | os.PathLike[str]) -> None:
    """Read the data set in ``folder`` again and compare it with its manifest.

    Errors: :class:`DataError` names the first files that are wrong, missing or do not belong, with counts.
    """
    source, folder = _source(name), Path(folder)
    if not folder.is_dir():
        what, hint = f"there is no folder with {source.title} here", f"Fetch it first: a2d data fetch {name}"
        raise DataError(what, where=folder, hint=hint)
    source = form_in(source, folder) or source
    if what := _difference(source, manifests.read(source.manifest), folder):
        hint = "Remove the folder, or what does not belong, and fetch the data set again"
        raise DataError(what, where=folder, hint=hint)


def fetch(
    name: str,
    *,
    mirror: str | os.PathLike[str] | None = None,
    progress: bool = True,
    home: str | os.PathLike[str] | None = None,
    on_message: Callable[[str], object] = print,
) -> Path:
    """Download, check and unpack a data set, unless it is there already, and give its folder.

    ``mirror``: a folder, ``file://`` or ``http(s)://`` address to take it from, default ``$A2D_MIRROR``, else the
    public source; ``home``: the folder to keep it in, default :func:`data_home`; ``on_message`` is told, one sentence
    at a time, what happens. Errors: :class:`DataError` for an unknown name, no connection, a damaged archive, content
    that differs, a full disk, a missing permission.
    """
    source, root = _source(name), Path(home).expanduser().absolute() if home is not None else data_home()
    target, work = root / name, root / f".{name}.work"
    chosen = os.fspath(mirror if mirror is not None else os.environ.get("A2D_MIRROR", "")) or None
    source = form_in(source, target) or _form(source, chosen)
    manifest = manifests.read(source.manifest)
    job = _Job(source, manifest, root, target, work, chosen, progress, on_message)
    try:
        if manifests.is_intact(manifest, target):
            on_message(f"{source.title} is already in {target}.")
            return target
        root.mkdir(parents=True, exist_ok=True)
        with _locked(job):
            _fetch_locked(job)
    except OSError as error:
        raise _refused(error, job) from error
    return target


# ---------------------------------------------------------------- one fetch, step by step


def _source(name: str) -> Source:
    if name not in REGISTRY:
        raise DataError(f"there is no data set called {name!r}", hint=f"Choose one of: {', '.join(REGISTRY)}")
    return REGISTRY[name]


def _form(source: Source, mirror: str | None) -> Source:
    """The form to fetch: the whole, unless a mirror folder has its excerpt and not the whole."""
    folder = _mirror_folder(mirror) if mirror else None
    if folder is None or source.excerpt is None or all((folder / one).is_file() for one in source.archives):
        return source
    return source.excerpt if all((folder / one).is_file() for one in source.excerpt.archives) else source


def _difference(source: Source, manifest: Manifest, folder: Path) -> str:
    """Say how a folder differs from the data set that it should be, or "" where it does not."""
    found = "; ".join(manifests.findings(manifest, folder))
    return f"this is not {source.title} as it should be: {found}" if found else ""


@dataclass(frozen=True)
class _Job:
    source: Source
    manifest: Manifest
    root: Path
    target: Path
    work: Path  # the hidden folder beside the target in which everything happens; it goes when a fetch ends
    mirror: str | None
    progress: bool
    say: Callable[[str], object]

    def bar(self, label: str, total: int | None, unit: str) -> Any:
        from tqdm import tqdm

        return tqdm(total=total, desc=label, unit=unit, unit_scale=unit == "B", disable=not self.progress)


def _step(phase: str) -> None:
    """Do nothing: a place where the tests slow a fetch down, or end it."""


def _locked(job: _Job) -> contextlib.AbstractContextManager[object]:
    """Take the lock of one data set; the operating system releases it even when the process is killed."""
    import filelock

    lock = filelock.FileLock(job.root / f".{job.source.name}.lock")
    try:
        return lock.acquire(timeout=0)
    except filelock.Timeout:
        job.say(f"Another process is fetching {job.source.title} into {job.root}; waiting for it to finish.")
        return lock.acquire(timeout=-1, poll_interval=0.1)
    except NotImplementedError as error:
        hint = "Set A2D_DATA to a folder on a local disk"
        raise DataError("this file system cannot lock files", where=job.root, hint=hint) from error


def _fetch_locked(job: _Job) -> None:
    source, unpacked = job.source, job.work / "unpacked"
    if manifests.is_intact(job.manifest, job.target):
        job.say(f"{source.title} has been fetched into {job.target} meanwhile.")
        return
    shutil.rmtree(job.work, ignore_errors=True)  # what a killed run left behind
    if _adopt(job):
        return
    try:
        unpacked.mkdir(parents=True)
        archives, origin = _obtain(job)
        _unpack(job, archives, unpacked)
        _step("verify")
        known = job.manifest.archive_sha256 is None  # else the archive itself has been checked
        if known and (what := _difference(source, job.manifest, unpacked)):
            raise DataError(what, where=origin, hint=_ELSEWHERE)
        _mark(job, unpacked, origin)
        _step("rename")
        if os.path.lexists(job.target):  # an empty folder, or a damaged copy of ours
            os.rename(job.target, job.work / "old")
        os.rename(unpacked, job.target)
    finally:
        shutil.rmtree(job.work, ignore_errors=True)
    how = "Every content hash agrees" if job.manifest.check == "content" else source.note
    n = len(job.manifest.names(job.target))
    job.say(f"{source.title}: {n:,} files in {job.target}. {how.rstrip('.')}.")


def _adopt(job: _Job) -> bool:
    """Take over a good copy that somebody else put in place; leave alone what is neither ours nor good."""
    target, source = job.target, job.source
    if not os.path.lexists(target) or (target.is_dir() and not any(target.iterdir())):
        return False
    if not (what := _difference(source, job.manifest, target)):
        job.say(f"{source.title} was already in {target}; it has been checked.")
        # A folder that cannot be written to is as good; it is only checked each time.
        with contextlib.suppress(OSError):
            _mark(job, target, "put in place by hand")
        return True
    files = (path for path in target.rglob("*") if not path.is_dir() and not manifests.is_junk(path.name))
    theirs = any(path.relative_to(target).as_posix() not in job.manifest for path in files)
    if theirs or target.is_symlink() or not (target / manifests.MARKER).is_file():
        hint = "Move it away, or set A2D_DATA to another folder, and fetch again"
        raise DataError(f"something else is in the way ({what})", where=target, hint=hint)
    job.say(f"The copy of {source.title} in {target} has been damaged; fetching it again.")
    return False


def _mark(job: _Job, folder: Path, origin: str) -> None:
    _step("mark")
    marker = {"name": job.source.name, "check": job.manifest.check, "manifest": job.manifest.digest, "origin": origin}
    if job.manifest.pattern is not None:
        marker |= manifests.contents(job.manifest, folder)
    (folder / manifests.MARKER).write_text(json.dumps(marker, indent=2) + "\n", encoding="utf-8")


# ---------------------------------------------------------------- where the archives come from


def _obtain(job: _Job) -> tuple[list[Path], str]:
    """Give the archives (or the folder that is already unpacked in a mirror), and where they came from."""
    source = job.source
    folder = _mirror_folder(job.mirror) if job.mirror else None
    _require_space(job, 0 if folder else source.size_bytes)
    if folder:
        return _from_folder(job, folder), str(folder)
    base = job.mirror.rstrip("/") + "/" if job.mirror else None
    shown = _shown(base or source.urls[0])
    job.say(f"Fetching {source.title} (about {_size(source.size_bytes)}, licence: {source.licence}) from {shown}")
    paths = []
    for archive in source.archives:
        urls = [url + Path(archive).name if url.endswith("/") else url for url in source.urls]
        paths.append(_download(job, archive, [base + quote(archive)] if base else urls))
    return paths, shown


def _mirror_folder(mirror: str) -> Path | None:
    """Give the folder that a mirror is, or ``None`` for an address on the network."""
    if mirror.lower().startswith(("http://", "https://")):
        return None
    if mirror.lower().startswith("file:"):
        mirror = url2pathname(urlsplit(mirror).path)
    elif "://" in mirror:
        hint = "Set A2D_MIRROR (or mirror=) to a folder or such an address, or to nothing for the public source"
        raise DataError("a mirror begins with file://, http:// or https://", where=_shown(mirror), hint=hint)
    return Path(mirror).expanduser().absolute()


def _from_folder(job: _Job, folder: Path) -> list[Path]:
    paths, unpacked = [folder / archive for archive in job.source.archives], folder / job.source.name
    missing = [path for path in paths if not path.is_file()]
    if not missing:
        return paths
    checkable = job.manifest.archive_sha256 is None
    if checkable and any((unpacked / name).is_file() for name in job.manifest.names(unpacked)):
        return [unpacked]
    what = f"this mirror has no {job.source.title}: there is no {missing[0].relative_to(folder)}"
    raise DataError(what, where=folder, hint="Put it there, or unset A2D_MIRROR to take the public source")


def _require_space(job: _Job, download: int) -> None:
    free = shutil.disk_usage(job.root).free
    blocks = _BLOCK * len(job.manifest.files)  # where their number is not known, unpacked_bytes counts them
    if free < download + job.source.unpacked_bytes + blocks:
        raise OSError(errno.ENOSPC, f"only {_size(free)} are free")


def _download(job: _Job, archive: str, urls: list[str]) -> Path:
    """Download an archive from the first address that serves it."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")  # its log is for developers; job.say is for the learner
    name, problems = Path(archive).name, list[DataError]()
    for url in urls:
        if problems:
            job.say(f"{problems[-1]} Trying {_shown(url)} instead.")
        shelf = pooch.create(job.work, "", registry={name: None}, urls={name: url}, retry_if_failed=_TRIES - 1)
        try:
            return Path(shelf.fetch(name, downloader=partial(_receive, job)))
        except (DataError, requests.RequestException) as error:
            problems.append(error if isinstance(error, DataError) else _unreachable(error, archive, url))
    raise problems[0]


def _receive(job: _Job, url: str, path: str, shelf: object) -> None:
    """Download ``url`` to ``path``, for pooch: it tries again after the errors of requests, not after ours."""
    import requests

    # Identity: a server must not pack a .gz once more.
    headers = {"Accept-Encoding": "identity", "User-Agent": "digits-from-sound"}
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as answer:
        if 400 <= answer.status_code < 500 and answer.status_code != 429:  # asking again would not help
            raise _unreachable(requests.HTTPError(response=answer), "", url)
        answer.raise_for_status()
        total = int(answer.headers.get("Content-Length", job.source.size_bytes))
        head, left = b"", _SLACK * job.source.size_bytes  # whatever the server announces
        with open(path, "wb") as stream, job.bar(Path(urlsplit(url).path).name, total, "B") as bar:
            for piece in answer.iter_content(_CHUNK):
                _step("download")
                head, left = head or piece[:24], left - len(piece)
                if left < 0:
                    raise _not_an_archive(url, "it goes on, far more than expected")
                stream.write(piece)
                bar.update(len(piece))
    if not head.startswith((b"PK", b"\x1f\x8b")):
        what = f"it is not a zip file, nor a gzip file, but empty or perhaps an HTML page (it begins with {head!r})"
        raise _not_an_archive(url, what)


def _unreachable(error: Any, archive: str, url: str) -> DataError:
    """Give the message for an answer that says no, and for no answer."""
    if error.response is not None:
        what = f"the server answered {error.response.status_code} {error.response.reason or ''}".rstrip()
        hint = "Check the address, or set A2D_MIRROR to a folder or server that has the file"
    else:
        what = f"there is no connection, or it broke ({type(error).__name__}); perhaps this machine is offline"
        hint = f"Try again later, or run `curl -L -C - --create-dirs -o {archive} {_shown(url)}`, which goes on where "
        hint += "a download broke, and set A2D_MIRROR to the folder that you ran it in"
    return DataError(what, where=_shown(url), hint=hint)


def _not_an_archive(url: str, what: str) -> DataError:
    hint = "Perhaps a log-in page of the network answers in its place: open a browser, then fetch again; or set "
    hint += "A2D_MIRROR to a folder or server that has the file"
    return DataError(f"this is not the data set: {what}", where=_shown(url), hint=hint)


def _shown(url: str) -> str:
    """Give an address without the user name and password that may stand in it."""
    return re.sub(r"(?<=//)[^/@]*@", "", url)


# ---------------------------------------------------------------- unpacking


def _unpack(job: _Job, origins: list[Path], into: Path) -> None:
    """Copy the files of the data set, and nothing else, out of archives or a folder."""
    left = _SLACK * job.source.unpacked_bytes  # whatever an archive declares
    with job.bar(f"unpack {job.source.name}", len(job.manifest.files) or None, "file") as bar:
        for origin in origins:
            try:
                _check_archive(job, origin)
                with _opened(origin, job.manifest) as members:
                    for name, opener in members.items():
                        limit = min(left, job.manifest.files.get(name, Entry()).get("size", left))
                        left -= _copy(origin, name, opener, into / name, limit)
                        bar.update()
            except DataError:
                raise
            except Exception as error:  # what a damaged archive may raise, no library lists
                # Broken offsets make zipfile seek to nowhere; gzip and bz2 give no error number at all.
                if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                    raise
                what = f"the archive is truncated or damaged ({error or type(error).__name__})"
                raise DataError(what, where=origin, hint=_ELSEWHERE) from error


def _check_archive(job: _Job, origin: Path) -> None:
    """Where only the hash of an archive is known, take no other."""
    if (expected := job.manifest.archive_sha256) is None:
        return
    with open(origin, "rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != expected:
        what = f"this is not {job.source.title}: its sha256 is {found}, not {expected}"
        raise DataError(what, where=origin, hint=_ELSEWHERE)


@contextlib.contextmanager
def _opened(origin: Path, files: Manifest) -> Iterator[dict[str, Callable[[], Any]]]:
    """Give how to open each of the ``files`` that a folder or an archive holds, by its name in the manifest."""
    if origin.is_dir():
        yield {name: partial(open, origin / name, "rb") for name in files.names(origin) if (origin / name).is_file()}
    elif origin.suffix == ".gz" and origin.stem in files:
        yield {origin.stem: partial(gzip.open, origin)}
    elif origin.name.endswith(".tar.gz"):
        with tarfile.open(origin, "r:gz") as tar:
            inside = {member.name.removeprefix("./"): member for member in tar if member.isfile()}
            # In the order of the archive: it can only be read from the front.
            yield {name: partial(tar.extractfile, inside[there]) for name, there in _choose(inside, files).items()}
    else:
        with zipfile.ZipFile(origin) as archive:
            yield {name: partial(archive.open, there) for name, there in _choose(archive.namelist(), files).items()}


def _choose(members: Iterable[str], files: Manifest) -> dict[str, str]:
    """Map names of the manifest to names in an archive, below the top folder that holds most of them."""
    tops: dict[str, dict[str, str]] = {}
    for member in members:
        for cut in (0, *(at + 1 for at, char in enumerate(member) if char == "/")):
            if member[cut:] in files:
                tops.setdefault(member[:cut], {})[member[cut:]] = member
    return max(tops.values(), key=len, default={})


def _copy(origin: Path, name: str, opener: Callable[[], IO[bytes]], target: Path, limit: int) -> int:
    """Copy one file and give its length; stop as soon as it is longer than it may be."""
    _step("unpack")
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with opener() as stream, open(target, "wb") as output:
        while piece := stream.read(_CHUNK):
            written += len(piece)
            if written > limit:
                what = f"{name} in this archive is longer than the {limit:,} bytes that it may have"
                raise DataError(what, where=origin, hint="Take the data set from a source that you trust (A2D_MIRROR)")
            output.write(piece)
    return written


# ---------------------------------------------------------------- what the operating system refuses


def _refused(error: OSError, job: _Job) -> DataError:
    """Turn what the operating system refused into one message that says what to do."""
    why = error.strerror or error
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        needed = _size(job.source.size_bytes + job.source.unpacked_bytes)
        what = f"there is no room for {job.source.title}: {why}, and about {needed} are needed"
        hint = "Free some space, or set A2D_DATA to a folder with more; nothing half-written is left"
        return DataError(what, where=job.root, hint=hint)
    hint = "If a file is where a folder should be, move it away; or set A2D_DATA to a folder that you may write to"
    return DataError(f"{job.source.title} cannot be fetched ({why})", where=error.filename or job.root, hint=hint)


def _size(count: int) -> str:
    """Give a number of bytes as people say it, in powers of ten."""
    unit, factor = next((one for one in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)) if count >= one[1]), ("bytes", 1))
    return f"{count / factor:.3g} {unit}"
