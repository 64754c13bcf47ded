"""One HTML file of page, code and networks: it opens from any server, from a folder, and without a network.

The page's own policy lets no script run but its own, and no connection be made: what is said stays on the computer.
Beside it lies ``sw.js``, which keeps the page for a visit without a network where it comes from a server.
"""

from __future__ import annotations

import base64
import hashlib
import os
from importlib import resources
from pathlib import Path

from a2d.errors import CourseError
from a2d.io.atomic import write_text
from teach.demo.export import packed

MOST_BYTES = 15_000_000
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def build(out: str | os.PathLike[str], ear: str = "ear", hands: str = "hands") -> tuple[Path, ...]:
    """Write ``index.html`` and ``sw.js`` into the folder ``out``, with the models ``ear`` and ``hands``.

    Each file is there as a whole or not at all. Raises :class:`~a2d.errors.A2DError` for a model that will not do or
    a folder that cannot be written to, and :class:`~a2d.errors.CourseError` for a page of more than 15 MB.
    """
    html = page(packed(ear, hands))
    if len(html.encode()) > MOST_BYTES:
        what = f"the page has {len(html.encode()) / 1e6:.1f} MB; at most {MOST_BYTES / 1e6:.0f} MB are for a phone"
        raise CourseError(what, where=out, hint="Take smaller models")
    version = hashlib.sha256(html.encode()).hexdigest()[:16]
    files = {"sw.js": file("sw.js").replace("VERSION", version), "index.html": html}
    for name, text in files.items():
        write_text(Path(out) / name, text)
    return tuple(Path(out) / name for name in files)


def page(models: bytes) -> str:
    """The page as HTML, with the ``models`` that :func:`teach.demo.export.packed` gives."""
    script = f"\n{file('sound.js')}{file('microphone.js')}{file('demo.js')}"
    style = f"\n{file('demo.css')}"
    parts = {
        "policy": policy(script, style),
        "style": style,
        "samples": "\n".join(map(_sample, range(10))),
        "canvases": "\n".join(['<canvas role="img" aria-label="Not drawn yet" width="28" height="28"></canvas>'] * 5),
        "bars": "\n".join(map(_bar, [*WORDS, "no digit"])),
        "sound": f"\n{file('sound.js')}",
        "net": f"\n{file('net.js')}",
        "worker": f"\n{file('worker.js')}",
        "script": script,
        "models": base64.b64encode(models).decode(),
    }
    html = file("index.html")
    for name, text in parts.items():
        html = html.replace(f"[[{name}]]", text)
    return html


def policy(script: str, style: str) -> str:
    """What the browser lets the page do: run ``script``, show ``style``, start its worker; no connection at all."""
    return (
        f"default-src 'none'; script-src {_hash(script)} data: 'wasm-unsafe-eval'; "
        f"style-src {_hash(style)}; worker-src 'self' blob:; "
        "img-src data:; connect-src 'none'; base-uri 'none'; form-action 'none'"
    )


def file(name: str) -> str:
    """A file of the page."""
    return resources.files("teach.demo").joinpath("page", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _sample(digit: int) -> str:
    attributes = f'data-needs="models" data-sample="{digit}" aria-label="{digit}, the recording of a {WORDS[digit]}"'
    return f'<button type="button" {attributes} disabled>{digit}</button>'


def _bar(word: str) -> str:
    return f'<tr><th scope="row">{word}</th><td aria-hidden="true"><i></i></td><td>0 %</td></tr>'
