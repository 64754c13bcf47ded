"""The glossary as a page of the site, and the links to it: the first use of each word in a lecture leads there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Words of the glossary that plain English uses as well, and mostly in its own sense: they are not linked.
PLAIN = frozenset(
    {"active", "anchor", "condition", "floor", "gap", "hand", "known", "leak", "limit",
     "reader", "strength", "style", "take", "train", "untouched", "used"}
)  # fmt: skip
_ENTRY = re.compile(r"^- (.*(?:\n(?:  .*|$))*)", re.M)
_BOLD = re.compile(r"\*\*(.+?)\*\*")
# What a word must not be linked in: code and formulas, links and pictures, tags, headings, tables, quoted directives.
_APART = re.compile(
    r"^```.*?^```$|^\$\$.*?\$\$|\$\$.*?\$\$|`[^`]*`|(?<!\\)\$[^$]+?(?<!\\)\$|!?\[[^\]]*\]\([^)]*\)|\[[^\]]*\]\{[^}]*\}"
    r"|<[^>]+>|^#.*?$|^\|.*?$|^:::.*?^:::$",
    re.S | re.M,
)
_LECTURE = re.compile(r"\((?:in )?(\d\d)\)")


@dataclass(frozen=True)
class Entry:
    """Some words of the glossary with one meaning; ``only`` is the lecture that alone means this by them."""

    words: tuple[str, ...]
    meaning: str
    only: str = ""


def entries(text: str) -> list[Entry]:
    """The entries of a part of the glossary, in order: its list, each item of which has its words in bold."""
    return [_entry(" ".join(item.split())) for item in _ENTRY.findall(text)]


def _entry(item: str) -> Entry:
    words = tuple(word.removeprefix("to ") for word in _BOLD.findall(item))
    head, meaning = item.split(": ", 1)
    if re.sub(r"\([^)]*\)|,|\band\b|\bor\b", "", _BOLD.sub("", head)).strip():
        meaning = item.replace("**", "*")  # the words stand in a phrase, which belongs to what they mean
    only = re.match(r"\(in (\d\d)\) ", meaning)
    return Entry(words, meaning[:1].upper() + meaning[1:], only[1] if only else "")


def keys(found: Sequence[Entry]) -> list[tuple[Entry, list[str]]]:
    """Each entry with the names of its words; a word that is explained twice has its lecture's number with it."""
    taken: set[str] = set()
    named = []
    for entry in found:
        names = []
        for word in entry.words:
            lectures = _LECTURE.findall(entry.meaning)
            name = f"{word} ({lectures[0]})" if word.lower() in taken and lectures else word
            taken.add(word.lower())
            names.append(name)
        named.append((entry, names))
    return named


def parts(text: str) -> list[tuple[str, str]]:
    """The glossary's sections of words, ``(heading, text)``."""
    words = text.split("\n## Words\n", 1)[1]
    return [(head, body) for head, body in re.findall(r"^### (.+?)\n(.*?)(?=^### |\Z)", words, re.S | re.M)]


def page(text: str, pages: dict[str, str]) -> str:
    """The glossary as a page for Sphinx. ``pages`` gives a lecture's page by its number."""
    letters = text.split("\n## Words\n", 1)[0]
    rows = re.sub(r"(\| )([\d, ]+)( \|)$", lambda row: row[1] + _linked(row[2], pages) + row[3], letters, flags=re.M)
    done = [rows, "\n## Words\n"]
    named = iter(keys([entry for _, body in parts(text) for entry in entries(body)]))
    for head, body in parts(text):
        done.append(f"\n### {head}\n\n```{{glossary}}")
        for entry, names in (next(named) for _ in entries(body)):
            meaning = re.sub(r"\(([\d, ]+)\)", lambda found: f"({_linked(found[1], pages)})", entry.meaning)
            done += [*names, f"  {meaning}\n"]
        done.append("```\n")
    return "\n".join(done)


def _linked(numbers: str, pages: dict[str, str]) -> str:
    return re.sub(r"\d\d", lambda n: f"[{n[0]}]({pages[n[0]]})" if n[0] in pages else n[0], numbers)


class Linker:
    """Links the first use of each word of the glossary on one page; cell after cell is given to it, in order."""

    def __init__(self, text: str, lecture: str):
        found = keys([entry for _, body in parts(text) for entry in entries(body)])
        self.names: dict[str, str] = {}  # the word as it is written, and the name of its entry
        for entry, names in found:
            for word, name in zip(entry.words, names, strict=True):
                mine = entry.only in ("", lecture)
                if mine and word.lower() not in PLAIN and (word.lower() not in self.names or entry.only):
                    self.names[word.lower()] = name
        longest = sorted(self.names, key=len, reverse=True)
        words = "|".join(r"\s+".join(map(re.escape, word.split())) for word in longest)
        self.pattern = re.compile(rf"(?<![\w-])({words})(?:s|es)?(?![\w-])", re.I)
        self.done: set[str] = set()

    def __call__(self, text: str) -> str:
        """The text of a cell, with links."""
        out, end = [], 0
        for apart in _APART.finditer(text):
            out += [self.pattern.sub(self._link, text[end : apart.start()]), apart[0]]
            end = apart.end()
        return "".join([*out, self.pattern.sub(self._link, text[end:])])

    def _link(self, match: re.Match[str]) -> str:
        name = self.names[" ".join(match[1].lower().split())]
        if name in self.done:
            return match[0]
        self.done.add(name)
        return f"{{term}}`{' '.join(match[0].split())} <{name}>`"


def linked(cells: Iterable[str], text: str, lecture: str) -> list[str]:
    """The texts of a lecture's cells with their links into the glossary ``text``."""
    linker = Linker(text, lecture)
    return [linker(cell) for cell in cells]
