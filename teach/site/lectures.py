"""A lecture as a page of the site: its executed notebook, with what a reader of a page needs and a kernel does not."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from teach.site import outputs
from teach.site.glossary import linked

# What the build of the notebooks writes for {badges}: pictures from elsewhere, or that there are none yet.
_BADGES = re.compile(r"^(\[!\[Open in Binder\].*|Open it in JupyterLab on your own computer: .*)$", re.M)
_LINK = re.compile(r"\]\((https?://[^)\s]+)\)")
# Cells that say how to start, on a student's computer: folded, as nobody starts anything here.
FOLDED = ("setup", "parameters")
COLAB = "install-on-colab"


def page(notebook: Any, line: str, glossary: str, sources: Mapping[str, str]) -> Any:
    """The notebook for Sphinx. ``line`` stands below the title; ``sources`` gives keys of references by address."""
    done = copy.deepcopy(notebook)
    done.cells = [cell for cell in done.cells if not cell.id.endswith(COLAB)]
    lecture = done.cells[0].id[:2]
    texts = [cell for cell in done.cells if cell.cell_type == "markdown"]
    texts[0].source = _BADGES.sub(lambda _: line, texts[0].source)
    for cell, text in zip(texts, linked([cell.source for cell in texts], glossary, lecture), strict=True):
        cell.source = cited(rebased(text), sources)
        if "answer" in cell.metadata.get("tags", []):
            cell.source = f"<details><summary>A good answer, and its points</summary>\n\n{cell.source}\n\n</details>"
    for cell in done.cells:
        name = cell.id[3:]
        if cell.cell_type == "code":
            cell.metadata |= pictured(cell)
            cell.outputs = outputs.shown(cell.outputs)
        if cell.cell_type == "code" and (name in FOLDED or name.startswith("exercise-")):
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-input"]
    done.metadata["mystnb"] = {
        "code_prompt_show": "Show the solution",
        "code_prompt_hide": "Hide the solution",
    }
    return done


def pictured(cell: Any) -> dict[str, Any]:
    """What MyST-NB is told of a cell's first picture: its alternative text."""
    told = [text for output in cell.outputs if (text := outputs.alternative(output))]
    return {"mystnb": {"image": {"alt": told[0]}}} if told else {}


def rebased(text: str) -> str:
    """A lecture's text with its links to the project's other files as the site has them."""
    return text.replace("](glossary.md)", "](../glossary.md)")


def cited(text: str, sources: Mapping[str, str]) -> str:
    """A lecture's text with the reference behind each link to a source that the list of references has."""
    return _LINK.sub(lambda link: link[0] + (f" {{cite}}`{sources[link[1]]}`" if link[1] in sources else ""), text)


def facts(name: str, measured: Mapping[str, Any], slides: str, address: str | None) -> str:
    """The line below a lecture's title: its slides, how it is worked on, and what running it takes."""
    how = "with the buttons above, or " if address else ""
    said = [f'<a href="{slides}">Slides</a>', f"work on it {how}in [JupyterLab](../start.md)"]
    if row := measured.get(name):
        said.append(f"[runs](../results/lectures.md) in {row['seconds']:.0f} s with {row['peak_mb'] / 1000:.1f} GB")
    return f"{' · '.join(said)}."
