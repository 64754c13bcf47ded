"""A cell's outputs as a page shows them: no widget's data, and what a figure says as a sentence below it."""

from __future__ import annotations

import copy
import html
import re
from collections.abc import Iterator
from typing import Any


def shown(outputs: list[Any]) -> list[Any]:
    """The outputs, of each only what a page can show.

    What a figure says is printed below it in a notebook, in lines of a fixed length; here it is a paragraph, and the
    rest of what is printed stays as it is.
    """
    said = [told for output in outputs if (told := alternative(output))]
    return [one for output in outputs for one in _without(copy.deepcopy(output), said)]


def alternative(output: Any) -> str:
    """The alternative text of a picture among the outputs, or ""."""
    return str(output.get("metadata", {}).get("image/png", {}).get("alt", ""))


def _without(output: Any, said: list[str]) -> Iterator[Any]:
    data = output.get("data", {})
    for kind in [kind for kind in data if kind.startswith("application/")]:
        del data[kind]
    if output.output_type != "stream":
        yield output
        return
    for told in said:
        if found := re.search(_lines(told), output.text):
            rest = output.text[: found.start()], output.text[found.end() :].lstrip("\n")
            said.remove(told)
            for text in (rest[0], None, rest[1]):
                if text is None:
                    yield _sentence(told)
                elif text.strip():
                    yield from _without(_copied(output, text), said)
            return
    yield output


def _lines(told: str) -> str:
    """A pattern of a text that may be broken into lines, also at a hyphen."""
    return r"\s+".join(re.escape(word).replace(r"\-", r"\-\s*") for word in told.split())


def _copied(output: Any, text: str) -> Any:
    done = copy.deepcopy(output)
    done.text = text
    return done


def _sentence(told: str) -> Any:
    import nbformat.v4

    data = {"text/html": f'<p class="finding">{html.escape(told)}</p>', "text/plain": told}
    return nbformat.v4.new_output("display_data", data)
