"""Put the site together, and have Sphinx make it."""

from __future__ import annotations

import datetime
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nbformat
import yaml

import a2d
from a2d.errors import CourseError
from a2d.io.atomic import write_text
from a2d.io.shipped import results as numbers
from teach import settings
from teach.demo.build import build as build_demo
from teach.lectures.names import slugs
from teach.site import citation, glossary, lectures, results, slides

ROOT = settings.ROOT
HOME = ROOT / "docs" / "site"
PACKAGES = ("sphinx", "myst_nb", "sphinx_book_theme", "sphinxcontrib.bibtex", "mathjax", "sphinx_revealjs")
# What MathJax needs to set the formulas of a page: the program, its fonts, and what it loads for rare commands.
MATHJAX = ("tex-mml-chtml.js", "output/chtml/fonts/woff-v2", "input/tex/extensions")
REVEAL = ("reveal.css", "reveal.js", "theme/white.css", "theme/fonts/source-sans-pro", "LICENSE")
# Tables that share a section of the README, or are in one about something else.
TITLES = {
    "lectures": "What a lecture takes to run",
    "grading": "How fast a class is graded",
    "report": "The report, and here",
    "trainings": "How much is the luck of a training",
}
BARE = frozenset({"lectures", "grading"})


def build(out: Path) -> Path:
    """Write the site into the folder ``out``, what it is made from beside it; returns its front page.

    Raises :class:`CourseError` where packages are missing, or where Sphinx finds fault with a page.
    """
    if absent := missing():
        raise CourseError(f"packages are missing: {', '.join(absent)}", where="site", hint="Run `make site`")
    source = out.with_name(f"{out.name}-source")
    prepare(source)
    _sphinx(source, out)
    build_demo(out / "demo")
    write_slides(out / "slides")
    return out / "index.html"


def missing() -> list[str]:
    """The modules of the packages that the site needs and that are not installed."""
    return [name for name in PACKAGES if not _found(name)]


def _found(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # of a part of a package that is not there itself
        return False


def _sphinx(source: Path, out: Path) -> None:
    """Have Sphinx make the pages, where a warning is an error."""
    doctrees = out.with_name(f"{out.name}-doctrees")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-d", str(doctrees)]
    environment = {**os.environ, "A2D_SITE_REPOSITORY": settings.repository() or ""}
    if subprocess.run([*command, str(source), str(out)], env=environment, check=False).returncode:
        raise CourseError("Sphinx finds fault with what it says above", where="site", hint="Mend it and build again")


# ------------------------------------------------------------------------------------------------- what Sphinx is given


def prepare(source: Path) -> None:
    """Write everything that Sphinx needs into the folder ``source``."""
    pages = texts()
    for path in HOME.rglob("*"):
        if path.is_file() and path.parent.name != "slides":
            _copy(path, source / path.relative_to(HOME))
    for name in MATHJAX:
        _copy(_package("mathjax", "static", "mathjax", "es5", name), source / "_static" / "mathjax" / name)
    for path in sorted((ROOT / "docs").glob("*.png")):
        _copy(path, source / "docs" / path.name)
    for name, text in pages.items():
        _write(source / name, text)
    for path in source.rglob("*"):  # a page that is no more would be built on
        known = path.suffix not in (".md", ".ipynb") or str(path.relative_to(source)) in pages
        if not known and not (HOME / path.relative_to(source)).is_file():
            path.unlink()


def _package(name: str, *parts: str) -> Path:
    spec = find_spec(name)
    assert spec
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0], *parts)


def _copy(path: Path, target: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, target, dirs_exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)


def _write(path: Path, text: str) -> None:
    """Write a page, unless it is there as it is: Sphinx takes up again what has changed."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


def texts() -> dict[str, str]:
    """All pages that are made from other files of the project, by their names in the folder that Sphinx is given."""
    notebooks = {slug: f"notebooks/{slug}.ipynb" for slug in slugs()}
    words = _read("notebooks/glossary.md")
    address = settings.repository()
    done = {"glossary.md": glossary.page(words, {slug[:2]: path for slug, path in notebooks.items()})}
    sources = addresses(_read("docs/site/references.bib"))
    runs = numbers("lectures")["lectures"]
    for slug, path in notebooks.items():
        line = lectures.facts(slug, runs, f"../slides/{slug[:2]}.html", address)
        done[path] = nbformat.writes(lectures.page(_notebook(slug), line, words, sources))
    done["slides.md"] = slides_page({slug: _notebook(slug) for slug in slugs()})
    done["start.md"] = start(_read("notebooks/README.md"), _read("README.md"))
    found = results.pages(_read("README.md"), TITLES, BARE)
    for name, text in found.items():
        done[f"results/{name}.md"] = at_home(text)
    done["results/index.md"] = results.index(found)
    done |= api(a2d.__doc__ or "")
    cff = _read("CITATION.cff")
    done["cite.md"] = citation.page(yaml.safe_load(cff), cff, _year(), address)
    return done


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _notebook(slug: str) -> Any:
    return nbformat.read(ROOT / "notebooks" / "solutions" / f"{slug}.ipynb", as_version=4)


def _year() -> int:
    """The year of the last commit; without git, that of today."""
    found = subprocess.run(
        ["git", "log", "-1", "--format=%cs"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout
    return int(found[:4] or datetime.date.today().year)


def addresses(bibtex: str) -> dict[str, str]:
    """The key of each reference by its address."""
    found = re.findall(r"^@\w+\{([\w-]+),(.*?)^\}", bibtex, re.S | re.M)
    return {url[1]: key for key, fields in found if (url := re.search(r"\burl = \{([^}]+)\}", fields))}


def start(notebooks: str, project: str) -> str:
    """How one works: the notebooks' README, its links to the lectures with solutions, and how the project starts."""
    text = re.sub(r"\]\((\d\d_\w+\.ipynb)\)", r"](notebooks/\1)", notebooks)
    begin = re.findall(r"^## Start\n(.*?)(?=^## )", project, re.S | re.M)
    text = text.replace("## How to work\n", "## Where to work\n" + "".join(begin) + "## How to work\n", 1)
    text = re.sub(r"\[([^\]]+)\]\(\.\./[^)]+\)", r"`\1`", text)
    return text.replace("# The lectures\n", "# How to work with the lectures\n", 1)


def slides_page(notebooks: Mapping[str, Any]) -> str:
    """The page that lists the slides."""
    listed = "\n".join(
        f'- <a href="slides/{slug[:2]}.html">{title_of(notebook)}</a>' for slug, notebook in notebooks.items()
    )
    return (
        "# Slides\n\nWhat a lecture says and shows, for a room: arrows or swipes lead on, `Esc` shows all.\n"
        f"Exercises and quizzes stay in the lectures.\n\n{listed}\n"
    )


def title_of(notebook: Any) -> str:
    """A lecture's title."""
    return str(notebook.cells[0].source.splitlines()[0].lstrip("# "))


def at_home(text: str) -> str:
    """A text of the README as a page in ``results/``: the lectures and pictures are elsewhere there."""
    return text.replace("](notebooks/solutions/", "](../notebooks/").replace("](docs/", "](../docs/")


def api(modules: str) -> dict[str, str]:
    """A page for each module at the top of ``a2d``, and one that lists them, as the package's docstring does."""
    rows = re.findall(r"^(\w+) +([\d,]+) +(.+)$", modules, re.M)
    listed = "\n".join(name for name, _, _ in rows)
    table = "\n".join(f"| [`a2d.{name}`]({name}.md) | {lecture} | {what} |" for name, lecture, what in rows)
    done = {
        "api/index.md": "# The package `a2d`\n\nThe modules at the top, in the order in which a sound travels.\n\n"
        f"| module | lecture | what it does |\n|---|---|---|\n{table}\n\n"
        f"```{{toctree}}\n:hidden:\n\n{listed}\n```\n"
    }
    for name, _, _ in rows:
        done[f"api/{name}.md"] = f"# a2d.{name}\n\n```{{eval-rst}}\n.. automodule:: a2d.{name}\n   :members:\n```\n"
    return done


# --------------------------------------------------------------------------------------------------------------- slides


def write_slides(out: Path) -> None:
    """Write the slides of all lectures, with what they need, into the folder ``out``."""
    from pygments.formatters import HtmlFormatter

    for name in REVEAL:
        deep = () if name == "LICENSE" else ("dist",)
        _copy(_package("sphinx_revealjs", "_static", "revealjs", *deep, name), out / "reveal" / name)
    for name in ("slides.css", "slides.js"):
        _copy(HOME / "slides" / name, out / name)
    write_text(out / "pygments.css", HtmlFormatter(style="a11y-high-contrast-light").get_style_defs(".highlight"))
    for slug in slugs():
        notebook = _notebook(slug)
        page = slides.html(notebook, title_of(notebook), f"../notebooks/{slug}.html", HOME)
        write_text(out / f"{slug[:2]}.html", page)
