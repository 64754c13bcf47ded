"""Slides of a lecture, out of its notebook: which cells are shown, where a slide begins, and how much is on one.

A rule decides, so that sources need not say it: a heading begins a slide; a figure has one of its own; text goes on to
the next one where a slide is full; set-up, exercises, questions, quiz and reading list are for the notebook. A cell's
tag ``slide``, ``subslide``, ``fragment`` or ``skip`` decides in the rule's place. nbconvert makes the page.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teach.site import outputs

KINDS = ("slide", "subslide", "fragment", "skip")
# Sections that are worked on, and not shown: from such a heading to the next one of its level, or above; an exercise
# ends with its check, a question with its answer, as what comes then uses them.
LEFT_OUT = re.compile(r"(Set-up|Quiz|What to read|Exercise \d+|Question \d+|Before you start)\b")
# Lines that speak to who has the notebook before them.
_NOTEBOOK_ONLY = re.compile(r"^(\[!\[Open in Binder\]|Open it in JupyterLab on your own computer)")
_HEADING = re.compile(r"(#{1,3}) (.+)")
# A short last paragraph may go below what is full.
SPARE = 1.6
# How much a slide holds below its title, in lines of text; how many letters such a line has.
FULL, LETTERS = 13.0, 80
# Lines of code and lines of what it prints that are shown; and how high one of them is.
CODE, PRINTED, SMALL = 14, 10, 0.65


@dataclass(frozen=True)
class Block:
    """What is never divided: a heading of a ``level``, a paragraph of text, or a code cell with its outputs."""

    cell: Any
    kind: str = ""  # what a tag says of it; "-" only that it is shown
    level: int = 0
    alone: bool = False  # it wants a slide of its own

    @property
    def height(self) -> float:
        """About how many lines of text it is high."""
        return code_height(self.cell) if self.cell.cell_type == "code" else text_height(self.cell.source)


def slides(notebook: Any) -> Any:
    """The notebook of a lecture's slides, with nbconvert's ``slide_type`` at each cell."""
    done = copy.deepcopy(notebook)
    done.cells = list(_laid_out(_wanted(notebook.cells)))
    return done


def blocks(cell: Any) -> Iterator[Block]:
    """A cell's blocks. Of a tag, a slide's beginning holds for the first of them, the others for all."""
    kind = next((tag for tag in cell.metadata.get("tags", []) if tag in KINDS), "")
    if cell.cell_type == "code":
        shown = shorter(cell)
        if kind or shown.outputs or not shown.metadata.get("transient"):
            for part in _each_picture(shown):
                yield Block(part, kind, alone=any(map(_pictured, part.outputs)))
                kind = "-" if kind in ("slide", "subslide") else kind
        return
    for text in paragraphs(cell.source.replace("](glossary.md)", "](../glossary.html)")):
        heading = _HEADING.fullmatch(text)
        yield Block(_markdown(text), kind, len(heading[1]) if heading else 0)
        kind = "-" if kind in ("slide", "subslide") else kind


def paragraphs(text: str) -> list[str]:
    """Text in parts that are never divided: headings, paragraphs with the list or formula they lead to, tables."""
    text = re.sub(r"<details>.*?</details>", "", text, flags=re.S)
    found: list[str] = []
    for part in re.split(r"\n\s*\n|\n(?=#)", text.strip()):
        lines = [line for line in part.strip().splitlines() if not _NOTEBOOK_ONLY.match(line)]
        while lines and _HEADING.fullmatch(lines[0]):
            found.append(lines.pop(0))
        if not lines:
            continue
        one = "\n".join(lines)
        if found and _belong(found[-1], one) and text_height(f"{found[-1]}\n\n{one}") <= FULL:
            found[-1] += f"\n\n{one}"
        else:
            found.append(one)
    return found


def _belong(before: str, after: str) -> bool:
    """Whether a part goes on with what the one before it says: a list that it announces, a formula, its symbols."""
    if _HEADING.fullmatch(before):
        return False
    return (
        before.endswith(":")
        or after.startswith("$$")
        or (before.endswith("$$") and (after[0].islower() or after.startswith("- ")))
    )


def text_height(text: str) -> float:
    """About how many lines high a text is."""
    if heading := _HEADING.fullmatch(text):
        return 2.0 if len(heading[1]) < 3 else 1.5
    high = 0.0
    for part in re.split(r"\n\s*\n", text):
        if part.lstrip().startswith("$$"):
            high += 2.2 + 1.6 * part.count(r"\\" + "\n")
        elif part.startswith("|"):
            high += 1.4 * (part.count("\n"))
        else:
            high += sum(math.ceil(_letters(item) / LETTERS) for item in re.split(r"\n(?=\s*(?:[-*]|\d+\.) )", part))
        high += 0.6
    return high


def _letters(text: str) -> int:
    """How many letters wide a text is, formulas by what is seen of them."""
    return len(re.sub(r"\\[a-zA-Z]+|[{}$]", "x", text))


def shorter(cell: Any) -> Any:
    """A code cell as a slide has it: short code, short output; of a figure the picture and what it says."""
    shown = copy.deepcopy(cell)
    pictures = any(map(_pictured, cell.outputs))
    shown.outputs = [output for output in outputs.shown(cell.outputs) if _printed(output) <= PRINTED]
    if pictures or cell.source.count("\n") >= CODE:
        shown.metadata["transient"] = {"remove_source": True}
    return shown


def _pictured(output: Any) -> bool:
    return "image/png" in output.get("data", {})


def _each_picture(cell: Any) -> Iterator[Any]:
    """The cell, or of a cell with several pictures one for each, with what is printed before it and said of it."""
    parts: list[list[Any]] = [[]]
    for n, output in enumerate(cell.outputs):
        said = "text/html" in output.get("data", {})
        if any(map(_pictured, parts[-1])) and not said and any(map(_pictured, cell.outputs[n:])):
            parts.append([])
        parts[-1].append(output)
    for n, part in enumerate(parts):
        one = copy.deepcopy(cell)
        one.outputs, one.id = part, f"{cell.id}-{n}" if n else cell.id
        yield one


def _printed(output: Any) -> int:
    return str(output.get("text", "")).rstrip().count("\n") + 1


def _plays(output: Any) -> bool:
    return "<audio" in str(output.get("data", {}).get("text/html", ""))


def code_height(cell: Any) -> float:
    """About how many lines of text a code cell is high."""
    high = 0.0 if cell.metadata.get("transient") else SMALL * (cell.source.count("\n") + 1) + 0.8
    for output, after in zip(cell.outputs, [*cell.outputs[1:], None], strict=False):
        if _plays(output):
            high += 1.3
        elif output.output_type != "stream":
            high += 2.0
        elif not (after and _plays(after)):  # what names a sound stands beside it
            high += SMALL * _printed(output) + 0.5
    return high


def _wanted(cells: Sequence[Any]) -> Iterator[Block]:
    """The blocks that are for slides."""
    left_out = 0
    for cell in cells:
        for block in blocks(cell):
            if block.level:
                left_out = 0 if block.level <= left_out else left_out
                if not left_out and LEFT_OUT.match(block.cell.source.lstrip("# ")):
                    left_out = block.level
            if block.kind != "skip" and (block.kind or not left_out):
                yield block
        if re.match(r"\d\d-(check|answer)-", cell.id):
            left_out = 0


def _laid_out(found: Iterator[Block]) -> Iterator[Any]:
    """The blocks as cells, each slide with its title, and no title without anything below it."""
    title, kind, on_it = "", "slide", []  # type: str, str, list[Block]
    for block in found:
        room = FULL - sum(one.height for one in on_it)
        room += SPARE if block.height <= 2 * SPARE else 0
        begins = block.level or block.kind in ("slide", "subslide") or block.alone or block.height > room
        after_picture = on_it and on_it[-1].alone
        if begins or (after_picture and block.kind != "fragment"):
            if on_it:
                yield from _slide(title, kind, on_it)
                kind = "subslide"
            on_it = []
            if block.level:
                title = block.cell.source.lstrip("# ")
                kind = "slide" if block.level < 3 else "subslide" if kind == "subslide" else kind
        if block.kind in ("slide", "subslide"):
            kind = block.kind
        if not block.level:
            on_it.append(block)
    if on_it:
        yield from _slide(title, kind, on_it)


def _slide(title: str, kind: str, on_it: Sequence[Block]) -> Iterator[Any]:
    yield _typed(_markdown(f"## {title}"), kind)
    for block in on_it:
        yield _typed(block.cell, "fragment" if block.kind == "fragment" else "-")


def _typed(cell: Any, kind: str) -> Any:
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


def _markdown(text: str) -> Any:
    import nbformat.v4

    return nbformat.v4.new_markdown_cell(text)


def html(notebook: Any, title: str, page: str, templates: Path) -> str:
    """The slides as a page; ``page`` is where the lecture itself is, ``templates`` has the template ``slides``."""
    from nbconvert.exporters import SlidesExporter

    done = slides(notebook)
    done.metadata |= {"title": title, "page": page}
    exporter = SlidesExporter(template_name="slides", extra_template_basedirs=[str(templates)])
    exporter.exclude_anchor_links = True
    # Titles come back from slide to slide, and ids must not.
    return re.sub(r'<h2 id="[^"]*"', "<h2", exporter.from_notebook_node(done)[0])
