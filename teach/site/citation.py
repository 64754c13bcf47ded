"""``CITATION.cff`` as a page: how the course is cited, as text and for BibTeX, and the data sets that it stands on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def page(cff: Mapping[str, Any], text: str, year: int, address: str | None) -> str:
    """The page of what ``CITATION.cff`` says; ``text`` is the file as it stands, ``year`` that of the version."""
    url = f"https://github.com/{address}" if address else ""
    authors = ", ".join(_name(one) for one in cff["authors"])
    plain = f"{authors} ({year}). *{cff['title']}*, version {cff['version']}. {url}".rstrip()
    fields = {
        "author": "{" + " and ".join(_name(one) for one in cff["authors"]) + "}",
        "title": "{" + cff["title"] + "}",
        "version": cff["version"],
        "year": str(year),
    }
    fields |= {"url": url} if url else {}
    lines = "".join(f"  {name:<8}= {{{value}}},\n" for name, value in fields.items())
    also = "\n".join(f"- {_reference(one)}" for one in cff.get("references", ()))
    return (
        f"# How to cite\n\n{cff['message']}\n\n{plain}\n\nFor BibTeX:\n\n"
        f"```bibtex\n@software{{digits_from_sound,\n{lines}}}\n```\n\n"
        f"## What it stands on\n\n{also}\n\n## The file\n\n"
        f"`CITATION.cff`, which reference managers read:\n\n```yaml\n{text}```\n"
    )


def _name(author: Mapping[str, str]) -> str:
    return author.get("name") or f"{author['given-names']} {author['family-names']}"


def _reference(one: Mapping[str, Any]) -> str:
    authors = ", ".join(_name(author) for author in one["authors"])
    notes = f", {one['notes']}" if "notes" in one else ""
    return f"{authors} ({one['year']}). *{one['title']}*{notes}"
