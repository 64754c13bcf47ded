"""The server of the page: its files, sample recordings, and answers. It keeps nothing."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import signal
import webbrowser
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from typing import TYPE_CHECKING, Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler

from a2d.errors import A2DError, AudioError
from a2d.io.shipped import shipped
from a2d.widgets.controls import told

if TYPE_CHECKING:
    from a2d.app.answer import Answerer

# Ten seconds of 16 bits at 192 kHz, the most that is taken.
MOST_BYTES = 4_000_000
# Questions that may wait; with more, a visitor is told to try again.
MOST_WAITING = 20
# The files of the page, by address: the package, the name, the type.
FILES = {
    "/": ("a2d.app", "page/index.html", "text/html"),
    "/app.css": ("a2d.app", "page/app.css", "text/css"),
    "/app.js": ("a2d.app", "page/app.js", "text/javascript"),
    "/microphone.js": ("a2d.widgets", "microphone.js", "text/javascript"),
}
# The sample recordings: each digit by another synthetic speaker.
SAMPLES = tuple(f"{2 * digit + 1:02d}/{digit}_{2 * digit + 1:02d}_1.flac" for digit in range(10))
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
    "media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def run(port: int, host: str, announce: Callable[[str], None], *, browser: bool) -> None:
    """See :func:`a2d.app.serve`."""
    try:
        sockets = bind_sockets(port, host)
    except OSError as error:
        what, hint = f"this address cannot be used ({error.strerror or error})", "Choose another --port, or --port 0"
        raise A2DError(what, where=f"{host}:{port}", hint=hint) from error
    from a2d.app.answer import Answerer  # after that: nobody should wait for PyTorch only to hear of the port

    app = application(Answerer())
    if not is_loopback(host):
        announce("Warning: others on your network can reach this page, and what they say comes to this computer.")
        announce("Warning: browsers give a page the microphone on localhost or by https only; files work everywhere.")
    # Here the browser gives the microphone to this name, also where the server is at all addresses.
    name = "localhost" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    url = f"http://{name}:{sockets[0].getsockname()[1]}/"

    async def serve() -> None:
        # Who goes away in the midst of sending is not waited for.
        server = HTTPServer(app, max_body_size=MOST_BYTES, body_timeout=30, idle_connection_timeout=120)
        server.add_sockets(sockets)
        logging.getLogger("tornado.general").setLevel(logging.ERROR)  # what is malformed is answered, not reported here
        announce(f"The page is at {url} (Ctrl-C ends it)")
        if browser:
            await asyncio.to_thread(webbrowser.open, url)
        ended = asyncio.Event()
        with contextlib.suppress(NotImplementedError):  # Windows
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        await ended.wait()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve())


def is_loopback(host: str) -> bool:
    """Whether only this computer can reach a server at ``host``."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def application(answerer: Answerer) -> Application:
    """The page's addresses, and who answers there."""
    routes: list[Any] = [(address, _File) for address in FILES]
    routes += [(r"/sample/(\d)", _Sample), (r"/hear", _Hear, {"questions": Questions(answerer)})]
    return Application(routes, log_function=lambda _: None)


class Questions:
    """One question at a time: PyTorch has the cores to itself, and memory is that of one answer."""

    def __init__(self, answerer: Answerer):
        self._answerer, self._pool, self.waiting = answerer, ThreadPoolExecutor(1), 0

    async def ask(self, body: bytes, *how: Any) -> dict[str, Any]:
        """What :meth:`a2d.app.answer.Answerer.answer` gives for a recording."""
        from a2d.app.answer import clip_of

        self.waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, lambda: self._answerer.answer(clip_of(body), *how))
        finally:
            self.waiting -= 1


class _Handler(RequestHandler):
    def set_default_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.set_header(name, value)
        self.clear_header("Server")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say in one line what is wrong."""
        self.finish({"told": f"{self._reason}."})


class _File(_Handler):
    def get(self) -> None:
        package, name, kind = FILES[self.request.path]
        self.set_header("Content-Type", f"{kind}; charset=UTF-8")
        self.finish(resources.files(package).joinpath(*name.split("/")).read_bytes())


class _Sample(_Handler):
    def get(self, digit: str) -> None:
        self.set_header("Content-Type", "audio/flac")
        self.finish((shipped("builtin") / "data" / SAMPLES[int(digit)]).read_bytes())


class _Hear(_Handler):
    def initialize(self, questions: Questions) -> None:
        self.questions = questions

    async def post(self) -> None:
        # A page of another site cannot send this type without asking first, and nobody here says yes.
        if self.request.headers.get("Content-Type") != "audio/wav":
            raise HTTPError(415, reason="Send a WAV file")
        if self.questions.waiting >= MOST_WAITING:
            raise HTTPError(503, reason="Many people are speaking just now; try again in a few seconds")
        start, stop, first = (self.get_query_argument(name, "") for name in ("start", "stop", "first"))
        try:
            cut = (float(start), float(stop)) if start and stop else None
            how = cut, min(10**6, max(0, int(first or 0))), self.get_query_argument("anyway", "") == "1"
        except ValueError as error:
            raise HTTPError(400, reason="These are no numbers") from error
        try:
            self.finish(await self.questions.ask(self.request.body, *how))
        except AudioError as error:
            self.set_status(422)
            self.finish({"told": told(error, "")})
