"""Pages of the results: a page for each table of the README, with the text around it, so that each fact stands once.

The README's tables are made from ``results/*.json``; a test holds that they are up to date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_SECTION = re.compile(r"^##+ (.+?)\n(.*?)(?=^##+ |\Z)", re.S | re.M)
_TABLE = re.compile(r"<!-- table: ([a-z-]+) -->\n.*?<!-- end -->\n", re.S)


def pages(readme: str, titles: Mapping[str, str], bare: frozenset[str] = frozenset()) -> dict[str, str]:
    """The pages by name, in the README's order; each has its section's heading, or what ``titles`` says.

    Of a section with several tables each gets the paragraph that leads to it and what follows, up to the next one.
    Tables that are ``bare`` are in a section about something else: they get the paragraph below them only.
    """
    done = {}
    for heading, text in _SECTION.findall(readme):
        tables = list(_TABLE.finditer(text))
        leads = [0 if n == 0 else _lead(text, table.start()) for n, table in enumerate(tables)]
        for table, start, end in zip(tables, leads, [*leads[1:], len(text)], strict=False):
            name = table[1]
            body = text[start:end]
            if name in bare:
                body = table[0] + "\n" + text[table.end() :].strip().split("\n\n", 1)[0]
            done[name] = f"# {titles.get(name, heading)}\n\n{body.strip()}\n"
    return done


def _lead(text: str, at: int) -> int:
    """Where the paragraph before a place begins."""
    return text.rindex("\n\n", 0, len(text[:at].rstrip())) + 2


def index(names: Mapping[str, str]) -> str:
    """The page that lists the others."""
    listed = "\n".join(names)
    return (
        "# What was measured\n\nEvery number comes out of a command, which its page names; `make reproduce` runs them "
        f"all.\n\n```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n"
    )
