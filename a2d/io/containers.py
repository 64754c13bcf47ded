"""Whether a sound file is whole: read from its container, before anything is decoded.

The decoders read what is left of a file that was cut off, without a word; half of "seven" is not "seven".
"""

from __future__ import annotations

import stat
import struct
from pathlib import Path
from typing import BinaryIO

from a2d.errors import AudioError

# What a chunked file begins with: the order of its bytes, and the chunk that holds the sound.
_CHUNKED = {b"RIFF": ("<", b"data"), b"RIFX": (">", b"data"), b"RF64": ("<", b"data"), b"FORM": (">", b"SSND")}
# Programs that write to a pipe put 0, or a number from here on (2 to 4 GB), for "unknown"; that is no truncation.
_UNKNOWN_LENGTH = 0x7FFFF000
# What libsndfile says of some files would lead their owner astray.
_PLAINER = {
    "Internal error : SF_INFO struct incomplete": "its header makes no sense",
    "File does not exist or is not a regular file (possibly a pipe?)": "it seems to be damaged",
}


def check_whole(path: Path) -> None:
    """Raise :class:`~a2d.errors.AudioError` for what is no file, cannot be read, is empty, or is cut off.

    A file is cut off if it ends before its own header says (WAV, RF64, AIFF, OGG, MP3 with a Xing tag); one that
    promises nothing is taken.
    """
    try:
        if path.is_dir():
            raise AudioError("this is a folder, not a recording", where=path, hint="Name the files in it")
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise AudioError("this is a device or a pipe, not a file", where=path, hint="Save the recording first")
        if facts.st_size == 0:
            raise AudioError("the file is empty (0 bytes)", where=path, hint="Copy or record it again")
        promised = _promised(path, facts.st_size)
    except (OSError, ValueError) as error:
        what = f"cannot read this file ({getattr(error, 'strerror', None) or error})"
        raise AudioError(what, where=path, hint="Check its name and permissions") from error
    if promised > facts.st_size:
        what = f"the file is cut off: it should have at least {promised} bytes, {facts.st_size} are there"
        raise AudioError(what, where=path, hint="Copy or record it again")


def plain_reason(error: Exception) -> str:
    """Why libsndfile cannot read a file, in words that help its owner."""
    reason = str(getattr(error, "error_string", "it has no header")).rstrip(".")
    return _PLAINER.get(reason, reason)


def _promised(path: Path, size: int) -> int:
    """How many bytes a file has at least by its own header; 0 if that is not said."""
    with open(path, "rb") as stream:
        start = stream.read(4)
        if start in _CHUNKED:
            return _chunks_end(stream, *_CHUNKED[start])
        return _pages_end(stream, size) if start == b"OggS" else _mp3_end(stream)


def _chunks_end(stream: BinaryIO, order: str, wanted: bytes) -> int:
    """Where the sound of a WAV, RF64 or AIFF file ends by its header; 0 if that is not said."""
    stream.seek(12)
    long_form = 0
    for _ in range(1000):
        head = stream.read(8)
        if len(head) < 8:
            return 0
        name, length = struct.unpack(f"{order}4sI", head)
        start = stream.tell()
        if name == wanted:
            if length == 0xFFFFFFFF and long_form:
                return start + long_form
            return start + length if length < _UNKNOWN_LENGTH else 0
        if name == b"ds64":  # RF64: sizes of 64 bits, of the file and of the sound
            sizes = stream.read(16)
            long_form = struct.unpack("<QQ", sizes)[1] if len(sizes) == 16 else 0
        stream.seek(start + length + length % 2)
    return 0


def _pages_end(stream: BinaryIO, size: int) -> int:
    """Where the last page of an OGG file ends by its header (RFC 3533)."""
    end = 0
    while end < size:
        stream.seek(end)
        head = stream.read(27)
        if len(head) < 27 or head[:4] != b"OggS":
            return end + 27 if b"OggS".startswith(head[:4]) else end
        lengths = stream.read(head[26])
        end += 27 + head[26] + sum(lengths)
    return end


def _mp3_end(stream: BinaryIO) -> int:
    """Where an MP3 file ends by the Xing or Info tag in its first frame; 0 if there is none."""
    stream.seek(0)
    head = stream.read(10)
    first = 0
    if head[:3] == b"ID3" and len(head) == 10:  # four bytes of seven bits: the length of the tag behind them
        first = 10 + sum(b << s for b, s in zip(head[6:], (21, 14, 7, 0), strict=True))
    stream.seek(first)
    frame = stream.read(200)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if frame[:1] != b"\xff" or at < 0 or len(frame) < at + 16:
        return 0
    flags, _, length = struct.unpack(">III", frame[at + 4 : at + 16])
    return first + length if flags & 3 == 3 else 0
