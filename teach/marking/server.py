"""The page to mark in, served to this computer alone.

Whoever asks needs the token of the address that was printed; a page of another site has neither it nor the right
``Host`` and ``Origin``. What students wrote is text or a checked picture, and the policy lets no script but ours run.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import webbrowser
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

from markupsafe import Markup
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler

from a2d.errors import A2DError
from teach.grading.model import GradingError
from teach.marking import agreement, views
from teach.marking.desk import Desk, Refused
from teach.reports.pages import render

ADDRESS = "127.0.0.1"
_BODY = 100_000
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Server:
    """A desk at a port of this computer; ``url`` is where a person begins. Make it inside a running event loop.

    Raises :class:`GradingError` for a port that is taken; 0 takes a free one.
    """

    def __init__(self, desk: Desk, port: int = 0):
        try:
            sockets = bind_sockets(port, ADDRESS)
        except OSError as error:
            told, hint = f"this port cannot be used ({error.strerror or error})", "Choose another --port, or none"
            raise GradingError(told, where=f"{ADDRESS}:{port}", hint=hint) from error
        self.port = sockets[0].getsockname()[1]
        self.token, self._once = secrets.token_urlsafe(24), [secrets.token_urlsafe(24)]
        hosts = [f"{ADDRESS}:{self.port}", f"localhost:{self.port}"]
        shared = {"desk": desk, "token": self.token, "hosts": hosts, "once": self._once}
        routes: list[Any] = [
            (r"/", _Start, shared),
            (r"/at/(\d{1,7})", _Answer, shared),
            (r"/end", _End, shared),
            (r"/save", _Save, shared),
            (r"/undo", _Undo, shared),
        ]
        app = Application(
            routes, log_function=lambda _: None, default_handler_class=_Nothing, default_handler_args=shared
        )
        self._http = HTTPServer(app, max_body_size=_BODY)
        self._http.add_sockets(sockets)

    @property
    def url(self) -> str:
        """The address of the page, with its token."""
        return f"http://{ADDRESS}:{self.port}/?token={self.token}"

    @property
    def opened(self) -> str:
        """An address that works once: whoever lists this computer's processes sees what a browser is started with."""
        return f"http://{ADDRESS}:{self.port}/?once={self._once[0]}"

    def stop(self) -> None:
        """Answer nobody any more."""
        self._http.stop()


def serve(desk: Desk, port: int, announce: Callable[[str], None], *, browser: bool = True) -> None:
    """Serve a desk until Ctrl-C; ``announce`` is told the address."""

    async def run() -> None:
        server = Server(desk, port)
        announce(server.url)
        if browser:
            await asyncio.to_thread(webbrowser.open, server.opened)
        await asyncio.Event().wait()

    asyncio.run(run())


class _Handler(RequestHandler):
    def initialize(self, desk: Desk, token: str, hosts: list[str], once: list[str]) -> None:
        self.desk, self.token, self.hosts, self.once = desk, token, hosts, once

    def set_default_headers(self) -> None:
        self.nonce = secrets.token_urlsafe(16)
        ours = f"'nonce-{self.nonce}'"
        policy = f"default-src 'none'; script-src {ours}; style-src {ours}; img-src data:; connect-src 'self'"
        self.set_header(
            "Content-Security-Policy", f"{policy}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        for name, value in _HEADERS.items():
            self.set_header(name, value)
        self.clear_header("Server")

    def prepare(self) -> None:
        """Answer nobody but the page that was opened by the address with the token."""
        headers, writes = self.request.headers, self.request.method not in ("GET", "HEAD")
        host = headers.get("Host", "")
        given = headers.get("X-Token", "") if writes else self.get_query_argument("token", "")
        from_here = host in self.hosts and (not writes or headers.get("Origin") == f"http://{host}")
        if not from_here or not (_same(given, self.token) or (not writes and self.first_time())):
            raise HTTPError(403, reason="Open the address that teach mark printed")

    def first_time(self) -> bool:
        """Whether this is the page's first opening, by the address that works once."""
        return False

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say in one line what is wrong."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.finish(str(error) if isinstance(error, A2DError) else self._reason)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Print only what nobody foresaw."""
        if not isinstance(value, A2DError | HTTPError):
            super().log_exception(typ, value, tb)

    def show(self, template: str, **values: Any) -> None:
        """Answer with a page."""
        shared = {"nonce": self.nonce, "token": self.token, "desk": self.desk, "style": _file("page.css")}
        self.finish(render(template, "teach.marking", **shared, script=_file("page.js"), link=self.link, **values))

    def link(self, path: str, **query: str) -> str:
        """An address of this server with the token."""
        more = "".join(f"&{name}={value}" for name, value in query.items())
        return f"{path}?token={self.token}{more}"

    def at(self, n: int | None, **query: str) -> str:
        """The address of an answer, or of the end behind the last one."""
        return self.link("/end" if n is None else f"/at/{n}", **query)


class _Nothing(_Handler):
    def prepare(self) -> None:
        super().prepare()
        raise HTTPError(404)


class _Start(_Handler):
    def first_time(self) -> bool:
        given, known = self.get_query_argument("once", ""), self.once[:1]
        if right := bool(known) and _same(given, known[0]):
            self.once.clear()
        return right

    def get(self) -> None:
        self.redirect(self.at(self.desk.waiting()))


class _Answer(_Handler):
    def get(self, place: str) -> None:
        desk, n, settle = self.desk, int(place), bool(self.get_query_argument("settle", ""))
        sheet = desk.sheet(n, settle=settle)
        if settle and sheet.pair is None:
            self.redirect(self.at(n))
            return
        if settle:
            places = [one.n for one in views.differing(desk)]
            before = max((other for other in places if other < n), default=None)
            behind = min((other for other in places if other > n), default=None)
            query = {"settle": "1"}
        else:
            before, behind, query = n - 1 if n else None, n + 1 if n + 1 < len(desk.order) else None, {}
        waiting = desk.waiting(n)
        self.show(
            "answer.html.j2",
            sheet=sheet,
            shown=views.Shown.of(sheet),
            progress=desk.progress(n),
            steps=views.steps(sheet.grade.maximum),
            used=desk.comments(sheet.question.id),
            settle=settle,
            before=None if before is None else self.at(before, **query),
            behind=self.at(behind, **(query if behind is not None else {})),
            waiting=None if settle else self.at(waiting),
        )


class _End(_Handler):
    def get(self) -> None:
        pairs = self.desk.twice()
        self.show(
            "end.html.j2",
            progress=self.desk.progress(),
            questions=views.questions(self.desk),
            waiting=self.at(self.desk.waiting()),
            table=agreement.rows(agreement.agreements(pairs)) if pairs else [],
            differing=views.differing(self.desk),
        )


class _Write(_Handler):
    def told(self, action: Callable[[], dict[str, Any]]) -> None:
        """Answer with what an action gives; 409 says that it cannot be, 503 that it can be tried again."""
        try:
            found = action()
        except Refused as error:
            self.set_status(409)
            found = {"told": str(error)}
        except A2DError as error:
            self.set_status(503)
            found = {"told": str(error)}
        self.finish(found)


class _Save(_Write):
    def post(self) -> None:
        try:
            body = json.loads(self.request.body)
            n, points, comment = int(body["n"]), body["points"], str(body["comment"])
            points = float(points) if points is not None else None
            print, settle = str(body["print"]), body.get("settle") is True
        except (ValueError, KeyError, TypeError) as error:
            raise HTTPError(400) from error

        def save() -> dict[str, Any]:
            self.desk.mark(n, points, comment, print, settle=settle)
            return self.desk.progress(n)

        self.told(save)


class _Undo(_Write):
    def post(self) -> None:
        def undo() -> dict[str, Any]:
            n = self.desk.undo()
            return {"to": self.at(n)} if n is not None else {"told": "There is nothing to undo."}

        self.told(undo)


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode("utf-8", "replace"), other.encode())


@cache
def _file(name: str) -> Markup:
    return Markup(resources.files("teach.marking").joinpath("templates", name).read_text(encoding="utf-8"))
