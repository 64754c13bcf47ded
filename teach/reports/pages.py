"""What the pages for students and teachers share: one style, one way to fill in a template, a word for each outcome.

A page is one file: no script, nothing from a network, not even from a folder beside it. Whatever is filled in is made
:func:`~teach.reports.tables.visible` and escaped by the template engine, so no text can become part of the page.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from teach.grading.model import MARKED, TO_MARK
from teach.reports.tables import number, visible

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

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 60rem; background: #ffffff; color: #1c1c1c;
  font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.3rem; margin: 2rem 0 .5rem; border-bottom: 1px solid #767676; }
h3 { font-size: 1.1rem; margin: 0 0 .25rem; }
p { margin: .4rem 0; }
a { color: #00568a; }
a:focus-visible { outline: 3px solid #00568a; outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
caption { text-align: left; font-weight: bold; padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .5rem; border-bottom: 1px solid #b5b5b5; }
thead th { border-bottom: 2px solid #4a4a4a; }
tbody th { font-weight: normal; }
tbody th[scope=rowgroup] { font-weight: bold; background: #f0f0f0; }
tfoot th, tfoot td { font-weight: bold; border-top: 2px solid #4a4a4a; border-bottom: 0; }
.n { text-align: right; white-space: nowrap; overflow-wrap: normal; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
.wide th[scope=row] { min-width: 6.5rem; }
.dense { font-size: .85rem; }
.dense th[scope=row] { min-width: 9.5rem; }
.dense th, .dense td { padding: .15rem .35rem; }
.dense thead .n, .dense thead .state { white-space: normal; }
.fixed { table-layout: fixed; min-width: 34rem; }
.dense thead .sign { display: block; text-align: right; }
.total { font-size: 1.25rem; }
.note { border-left: .4rem double #6b5900; padding: .3rem .75rem; margin: .75rem 0; background: #fffbea; }
.one { border: 1px solid #b5b5b5; border-left: .4rem solid var(--edge); padding: .6rem .8rem; margin: .8rem 0; }
.state { white-space: nowrap; overflow-wrap: normal; }
.sign { display: inline-block; min-width: 1.35em; text-align: center; font-weight: bold; color: var(--edge); }
pre { font: .9rem/1.45 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre-wrap;
  overflow-wrap: anywhere; margin: .4rem 0; padding: .4rem .6rem; background: #f5f5f5; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 16rem), 1fr)); gap: 0 .8rem;
  margin: 0; }
.pair dt { font-weight: bold; }
.pair dd { margin: 0; }
figure { margin: .5rem 0 1.5rem; }
figure img { max-width: 100%; height: auto; border: 1px solid #b5b5b5; }
footer { margin-top: 2rem; border-top: 1px solid #767676; font-size: .9rem; }
@media (max-width: 32rem) { body { padding: .6rem; } th, td { padding: .25rem .3rem; } }
@media print {
  :root { font-size: 10pt; }
  body { max-width: none; padding: 0; }
  a { color: inherit; text-decoration: none; }
  .one, figure, tr { break-inside: avoid; }
  h2, h3, caption { break-after: avoid; }
  pre, .note, tbody th[scope=rowgroup] { background: #ffffff; }
  .wide { overflow: visible; }
  .dense { font-size: 6.5pt; }
  .dense th[scope=row] { min-width: 0; }
}
"""

_SHELL = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{ policy }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{{ title }}</title>
<style>{{ style }}</style>
</head>
<body>
{% block body %}{% endblock %}
</body>
</html>
"""

# What templates take from here: {{ m.outcome("right") }}, {{ m.points(grade) }}.
_MACROS = """
{% macro edge(outcome) %}style="--edge: {{ signs[outcome].edge }}"{% endmacro %}
{% macro state(outcome) -%}
<span class="state" {{ edge(outcome) }}><span class="sign" aria-hidden="true">{{ signs[outcome].symbol -}}
</span> {{ outcome }}</span>
{%- endmacro %}
{% macro points(value, maximum) %}{% if value is none %}up to {{ maximum | number }}
{%- else %}{{ value | number }} of {{ maximum | number }}{% endif %}{% endmacro %}
{% macro count(n, noun) %}{{ n | number }} {{ noun }}{{ "" if n == 1 else "s" }}{% endmacro %}
"""


def render(template: str, **values: Any) -> str:
    """Fill in a template (of jinja2) that extends ``shell`` and may import ``macros``; every value is escaped."""
    return _compiled(template).render(**values)


@cache
def _compiled(template: str) -> Any:
    import jinja2
    from markupsafe import Markup

    def shown(value: Any) -> Any:
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = jinja2.Environment(
        loader=jinja2.DictLoader({"shell": _SHELL, "macros": _MACROS}),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    environment.filters["number"] = number
    # The style is our own; the policy's quotes are escaped like anything else.
    environment.globals.update(style=Markup(_STYLE), policy=POLICY, signs=SIGNS)
    return environment.from_string(template)
