"""What the pages for students and teachers share: one style, one way to fill in a template, a word for each outcome.

A page is one file: no script, nothing from a network, not even from a folder beside it. Whatever is filled in is made
:func:`~teach.reports.tables.visible` and escaped by the template engine, so no text can become part of the page.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

from teach.grading.model import MARKED, TO_MARK
from teach.reports.tables import number, visible

if TYPE_CHECKING:
    import jinja2

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


class Sign(NamedTuple):
    """How an outcome is shown beside its word: a symbol, the colour of its edge, a figure's fill and hatch."""

    symbol: str
    edge: str
    fill: str
    hatch: str
    means: str


SIGNS = {
    "right": Sign("\u2713", "#00694d", "#009E73", "", "it gave what it should in every case"),
    "partly right": Sign("\u25d0", "#00568a", "#56B4E9", "//", "some parts of the points are earned"),
    "wrong": Sign("\u2717", "#a34700", "#D55E00", "xx", "it ran, and gave something else"),
    "empty": Sign("\u25cb", "#5a5a5a", "#FFFFFF", "", "there was no answer"),
    "error": Sign("!", "#8a4b7d", "#CC79A7", "..", "it ended with an error"),
    "timeout": Sign("\u221e", "#6b5900", "#F0E442", "--", "it did not end in time"),
    "killed": Sign("\u25a0", "#222222", "#555555", "||", "it was ended, as it took too much memory or ended itself"),
    "missing": Sign("\u2013", "#5a5a5a", "#DDDDDD", "\\\\", "the exercise was not found in what was handed in"),
    "unreadable": Sign("?", "#5a5a5a", "#AAAAAA", "++", "it could not be read"),
    TO_MARK: Sign("\u2026", "#00568a", "#EEEEEE", "oo", "a person still has to mark it"),
    MARKED: Sign("\u25c6", "#00694d", "#0072B2", "**", "a person has marked it"),
}


def render(template: str, package: str = "teach.reports", **values: object) -> str:
    """Fill in a template of a package's ``templates``, such as ``feedback.html.j2``; every value is escaped."""
    return _environment(package).get_template(template).render(**values)


@cache
def _environment(package: str) -> jinja2.Environment:
    import jinja2
    from markupsafe import Markup

    def shown(value: object) -> object:
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    environment.filters["number"] = number
    # The style is our own; the policy's quotes are escaped like anything else.
    style = resources.files("teach.reports").joinpath("templates", "style.css").read_text(encoding="utf-8")
    environment.globals.update(style=Markup(style), policy=POLICY, signs=SIGNS)
    return environment
