"""The page of ``a2d app``: say a digit, and every generator of the course draws it. For an open day.

A small Tornado server, not Voila on a notebook. Voila starts a Python of its own for each visitor: each waits for it,
and each costs the memory of PyTorch and all models. Here one process has the models once, and a tab is answered in a
fraction of a second. The server also keeps nothing: a tab holds its recording and sends it along with each question,
so no tab can see another's, none has to be ended, and memory stays as it is after hundreds of visitors. Tornado comes
with Jupyter; the microphone is the recorder's of lecture 11.
"""

from __future__ import annotations

from collections.abc import Callable

from a2d.errors import A2DError


def serve(port: int, host: str, announce: Callable[[str], None], *, browser: bool = True) -> None:
    """Serve the page until Ctrl-C; ``announce`` is told the address, and a warning where others can reach it.

    Raises :class:`A2DError` for a port or host that cannot be used, and without Tornado.
    """
    try:
        from a2d.app import server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "tornado":
            raise
        hint = 'Run `pip install "digits-from-sound[app]"`'
        raise A2DError("tornado is not installed", where="a2d app", hint=hint) from error
    server.run(port, host, announce, browser=browser)
