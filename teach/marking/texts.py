"""Markdown of students and of the course as HTML for the page to mark in.

No HTML in a text stays HTML, a link is shown with its address and leads nowhere, and a picture is one of those that
were handed in with the notebook or it is told by its words: nothing is ever fetched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from typing import Any
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markupsafe import Markup
from mdit_py_plugins.dollarmath import dollarmath_plugin

from teach.reports.tables import visible

# Name in the text to (kind, base64); the kinds are those that teach.grading.around lets through.
Pictures = Mapping[str, Sequence[str]]
# Longer texts are shown as they are: the time that Markdown takes can grow with the square of the length.
_LONGEST = 10_000


def html(text: str, pictures: Pictures | None = None) -> Markup:
    """A text in Markdown as harmless HTML, :func:`~teach.reports.tables.visible` first."""
    text = visible(text)
    if len(text) > _LONGEST:
        return Markup("<pre>{}</pre>").format(text)
    return Markup(_markdown().render(text, {"pictures": pictures or {}, "open": []}))


def address(picture: Sequence[str]) -> str:
    """The ``data:`` address of a picture."""
    kind, data = picture
    return f"data:{kind};base64,{data}"


@cache
def _markdown() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False}).enable("table").use(dollarmath_plugin)
    made.validateLink = lambda url: True  # type: ignore[method-assign]  # no address is used: all are shown as text
    for name, rule in (("image", _image), ("link_open", _link_open), ("link_close", _link_close)):
        made.add_render_rule(name, rule)
    made.add_render_rule("math_inline", _math("{}", "$"))
    made.add_render_rule("math_inline_double", _math("{}", "$$"))
    for name in ("math_block", "math_block_label"):
        made.add_render_rule(name, _math("<p>{}</p>\n", "$$"))
    return made


def _image(_: Any, tokens: Sequence[Any], at: int, options: Any, env: dict[str, Any]) -> str:
    token = tokens[at]
    source, words = str(token.attrs.get("src", "")), escape(token.content)
    picture = env["pictures"].get(unquote(source.removeprefix("attachment:")))
    if picture is None:
        return f'<span class="absent">[picture: {words or escape(source[:200])}]</span>'
    words = words or "A picture in the answer"
    return f'<img src="{escape(address(picture))}" alt="{words}">'


def _link_open(_: Any, tokens: Sequence[Any], at: int, options: Any, env: dict[str, Any]) -> str:
    env["open"].append(str(tokens[at].attrs.get("href", "")))
    return '<span class="link">'


def _link_close(_: Any, tokens: Sequence[Any], at: int, options: Any, env: dict[str, Any]) -> str:
    return f" ({escape(env['open'].pop()[:500])})</span>"


def _math(around: str, sign: str) -> Any:
    """Formulas stay as they were typed: nothing here draws them, and Markdown would eat their signs."""

    def rule(_: Any, tokens: Sequence[Any], at: int, options: Any, env: Any) -> str:
        return around.format(f'<code class="math">{escape(sign + tokens[at].content.strip() + sign)}</code>')

    return rule
