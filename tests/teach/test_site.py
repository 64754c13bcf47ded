"""The course's web site: what its pages are made of, and that a reader in a real browser gets all of it offline."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import nbformat
import pytest
import yaml
from browser import PATIENCE, SCREENSHOTS, served, spoken
from click.testing import CliRunner
from conftest import BUILTIN, ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from a2d import audio
from a2d.errors import CourseError
from results.tables import TABLES
from teach.lectures.build import badges
from teach.lectures.names import slugs
from teach.site import build as building
from teach.site import citation, glossary, lectures, outputs, results, slides
from teach.site.__main__ import main

GLOSSARY = """# Glossary

## Letters

| letter | meaning | lecture |
|---|---|---|
| $N$ | how many | 00, 02 |

## Words

### Sound

- **take**: one recording; **held out**: kept from
  training (11).
- **wavelet**, **scalogram**: a short wave; many of them (10).
- **to refuse** a sound: to say that it is above a **limit** (10).
- **echo**: the test part has a say (02).
- **echo**: (in 09) the share that can be read from a style.
- **late fusion**: two networks (10).
"""
KERNEL = {"name": "python3", "display_name": "Python 3"}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("A2D_REPOSITORY", raising=False)
        return building.texts()


# ------------------------------------------------------------------------------------------------------- the glossary


def test_a_glossarys_words_and_meanings():
    found = glossary.entries(GLOSSARY)
    assert [entry.words for entry in found] == [
        ("take", "held out"), ("wavelet", "scalogram"), ("refuse", "limit"), ("echo",), ("echo",), ("late fusion",)
    ]  # fmt: skip
    assert found[1].meaning == "A short wave; many of them (10)."
    assert found[2].meaning.startswith("*to refuse* a sound: to say")
    assert [entry.only for entry in found] == ["", "", "", "", "09", ""]
    assert [names for _, names in glossary.keys(found)][3:5] == [["echo"], ["echo (09)"]]


def test_the_glossary_as_a_page_leads_to_the_lectures():
    page = glossary.page(GLOSSARY, {"00": "a.ipynb", "10": "b.ipynb"})
    assert "| [00](a.ipynb), 02 |" in page
    assert "wavelet\nscalogram\n  A short wave; many of them ([10](b.ipynb)).\n" in page


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A wavelet, two wavelets.", "A {term}`wavelet <wavelet>`, two wavelets."),
        ("Two Wavelets.", "Two {term}`Wavelets <wavelet>`."),
        ("By late\nfusion.", "By {term}`late fusion <late fusion>`."),
        ("Wavelets-like, microwavelet", "Wavelets-like, microwavelet"),
        ("`wavelet` and $wavelet$ and [a wavelet](x)", "`wavelet` and $wavelet$ and [a wavelet](x)"),
        ("## The wavelet\n\n| wavelet |\n\n$$\nwavelet\n$$", "## The wavelet\n\n| wavelet |\n\n$$\nwavelet\n$$"),
        ("```\nwavelet\n```\n<b title='wavelet'>", "```\nwavelet\n```\n<b title='wavelet'>"),
        ("This takes a minute; a limit.", "This takes a minute; a limit."),
        ("*scalogram*", "*{term}`scalogram <scalogram>`*"),
    ],
)
def test_the_first_use_of_a_word_is_linked_where_it_is_text(text, wanted):
    assert glossary.linked([text, text], GLOSSARY, "10") == [wanted, text]


def test_a_word_with_two_meanings_leads_to_that_of_the_lecture():
    assert glossary.linked(["An echo."], GLOSSARY, "09") == ["An {term}`echo <echo (09)>`."]
    assert glossary.linked(["An echo."], GLOSSARY, "02") == ["An {term}`echo <echo>`."]


def test_every_link_of_a_lecture_has_its_word_in_the_glossary(texts):
    names = {n for body in re.findall(r"```\{glossary\}\n(.*?)```", texts["glossary.md"], re.S)
             for n in re.findall(r"^(\S.*)$", body, re.M)}  # fmt: skip
    assert len(names) > 80
    for slug in slugs():
        linked = re.findall(r"\{term\}`[^<`]+ <([^>]+)>`", texts[f"notebooks/{slug}.ipynb"])
        assert len(linked) == len(set(linked)) >= 8, slug
        assert set(linked) <= names, slug


# -------------------------------------------------------------------------------------------------------- the lectures


def notebook(*cells: Any) -> Any:
    done = new_notebook(cells=list(cells))
    for n, cell in enumerate(done.cells):
        cell.id = f"03-{cell.metadata.pop('id', n)}"
    return done


def figure(told: str, printed: str) -> list[Any]:
    picture = new_output(
        "display_data", {"image/png": PIXEL, "text/plain": told}, metadata={"image/png": {"alt": told}}
    )
    return [picture, new_output("stream", name="stdout", text=printed)]


@pytest.mark.parametrize("address", [None, "owner/name"])
def test_a_page_has_a_line_of_its_own_in_place_of_the_badges(address, monkeypatch):
    monkeypatch.setenv("A2D_REPOSITORY", address or "")
    first = new_markdown_cell(f"# 03 Title\n\n{badges('03_title')}\n\nAbout 5 min.")
    colab = new_code_cell("install", metadata={"id": "install-on-colab"})
    found = lectures.page(notebook(first, colab), "THE LINE", GLOSSARY, {})
    assert [cell.source for cell in found.cells] == ["# 03 Title\n\nTHE LINE\n\nAbout 5 min."]


def test_solutions_and_answers_are_folded_and_a_source_has_its_reference():
    cells = [
        new_markdown_cell("# 03 Title\n\n[glossary](glossary.md)"),
        new_code_cell("def f(): ...", metadata={"id": "exercise-3-1"}),
        new_markdown_cell("Because.", metadata={"tags": ["answer"]}),
        new_markdown_cell("- A. Author, [Title](https://arxiv.org/abs/1), [other](https://arxiv.org/abs/2)."),
    ]
    found = lectures.page(notebook(*cells), "", GLOSSARY, {"https://arxiv.org/abs/1": "author1"}).cells
    assert "(../glossary.md)" in found[0].source
    assert found[1].metadata.tags == ["hide-input"]
    assert re.fullmatch(r"<details><summary>.+</summary>\n\nBecause\.\n\n</details>", found[2].source)
    assert "[Title](https://arxiv.org/abs/1) {cite}`author1`, [other](https://arxiv.org/abs/2)." in found[3].source


def test_what_a_figure_says_is_a_sentence_below_it_and_the_rest_stays():
    told = "At 5 % it is well-known & low."
    found = outputs.shown(figure(told, "before\nAt 5 % it is well-\nknown & low.\nafter\n"))
    assert [one.output_type for one in found] == ["display_data", "stream", "display_data", "stream"]
    assert [found[1].text, found[3].text] == ["before\n", "after\n"]
    assert found[2].data["text/html"] == '<p class="finding">At 5 % it is well-known &amp; low.</p>'
    kept = outputs.shown([new_output("display_data", {"application/x+json": {}, "text/plain": "3.7 %"})])
    assert kept[0].data == {"text/plain": "3.7 %"}


@pytest.mark.parametrize("slug", slugs())
def test_a_lecture_shows_pictures_and_sounds_and_no_widget(slug, texts):
    found = nbformat.reads(texts[f"notebooks/{slug}.ipynb"], as_version=4)
    kinds = {kind for cell in found.cells for one in cell.get("outputs", []) for kind in one.get("data", {})}
    assert "image/png" in kinds
    assert not [kind for kind in kinds if kind.startswith("application/")]
    assert f'<a href="../slides/{slug[:2]}.html">Slides</a>' in found.cells[0].source
    assert "Open it in JupyterLab" not in found.cells[0].source
    for cell in found.cells:
        said = [text for one in cell.get("outputs", []) if (text := outputs.alternative(one))]
        below = "".join(one.get("data", {}).get("text/html", "") for one in cell.get("outputs", []))
        assert all(html.escape(text) in below for text in said), cell.id


def test_every_source_that_a_lecture_names_is_among_the_references():
    keys = building.addresses(read("docs/site/references.bib"))
    assert len(keys) == len(set(keys.values())) > 60
    told = {
        url
        for path in (ROOT / "notebooks" / "src").glob("*.py")
        for url in re.findall(r"\]\((https?://[^)\s]+)\)", re.sub(r"\n# ?", "\n", path.read_text(encoding="utf-8"))
                              .split("## What to read\n")[1].split("## What comes next")[0])
    }  # fmt: skip
    assert told == keys.keys()


# ------------------------------------------------------------------------------------------------- the other pages


def test_each_table_has_a_page_with_its_text(texts):
    found = results.pages(read("README.md"), building.TITLES, building.BARE)
    assert found.keys() == TABLES.keys()
    for name, make in TABLES.items():
        assert make() in found[name]
        assert found[name].startswith("# ")
        assert f"results/{name}.md" in texts
        assert name in texts["results/index.md"]
    assert found["grading"].count("\n\n") == 2
    assert "How much of an accuracy is the chance" in found["trainings"]
    assert "How much of an accuracy is the chance" not in found["evaluators"]
    assert "](../notebooks/03_" in texts["results/lectures.md"]


def test_the_package_has_a_page_for_each_module_at_its_top(texts):
    tops = {path.stem for path in (ROOT / "a2d").glob("*.py")} - {"__init__", "errors", "cli", "__main__"}
    found = {Path(name).stem for name in texts if name.startswith("api/")} - {"index"}
    assert found == tops | {"ears", "hands"}


@pytest.mark.parametrize("address", [None, "owner/name"])
def test_how_to_cite(address):
    text = read("CITATION.cff")
    page = citation.page(yaml.safe_load(text), text, 2026, address)
    assert "The Digits from Sound team (2026). *Digits from Sound: say a digit" in page
    assert page.count("@software{") == page.count("## The file") == 1
    assert ("github.com/owner/name" in page) == bool(address)
    assert "Zohar Jackson (2016). *Free Spoken Digit Dataset*" in page


def test_the_page_that_says_how_to_start(texts):
    assert "make lab" in texts["start.md"]
    assert "](notebooks/03_autoencoders_and_elbo.ipynb)" in texts["start.md"]
    assert "](../" not in texts["start.md"]


# ---------------------------------------------------------------------------------------------------------- the slides


def kinds(*cells: Any) -> list[tuple[str, str]]:
    """Kind and text of the slides' cells."""
    found = slides.slides(notebook(*cells)).cells
    return [(cell.metadata.slideshow.slide_type, cell.source) for cell in found]


def test_a_heading_begins_a_slide_and_what_is_worked_on_is_left_out():
    cells = [
        new_markdown_cell("# 03 Title\n\nOpen it in JupyterLab on your own computer: so.\n\nAbout 5 min."),
        new_markdown_cell("## Set-up\n\nRun it."),
        new_code_cell("setup()"),
        new_markdown_cell("## 1. A question\n\nText.\n\n### A step\n\nMore.\n\n<details>\n\nhint\n\n</details>"),
        new_code_cell("x = 1"),
        new_markdown_cell("### Exercise 3.1: write\n\nWrite."),
        new_code_cell("a2d.check('3.1', f)", metadata={"id": "check-3-1"}),
        new_markdown_cell("With it."),
        new_markdown_cell("### After\n\nEnd."),
        new_markdown_cell("## Quiz\n\n**Question 1.**"),
        new_markdown_cell("### What a quiz says\n\nNothing."),
    ]
    assert kinds(*cells) == [
        ("slide", "## 03 Title"),
        ("-", "About 5 min."),
        ("slide", "## 1. A question"),
        ("-", "Text."),
        ("subslide", "## A step"),
        ("-", "More."),
        ("-", "x = 1"),
        ("-", "With it."),
        ("subslide", "## After"),
        ("-", "End."),
    ]


def test_a_tag_decides_in_the_rules_place():
    cells = [
        new_markdown_cell("## One\n\nText."),
        new_markdown_cell("Not this.", metadata={"tags": ["skip"]}),
        new_markdown_cell("Later.", metadata={"tags": ["fragment"]}),
        new_markdown_cell("New.\n\nBelow.", metadata={"tags": ["slide"]}),
        new_markdown_cell("## Quiz\n\nShown.", metadata={"tags": ["subslide"]}),
    ]
    assert kinds(*cells) == [
        ("slide", "## One"),
        ("-", "Text."),
        ("fragment", "Later."),
        ("slide", "## One"),
        ("-", "New."),
        ("-", "Below."),
        ("subslide", "## Quiz"),
        ("-", "Shown."),
    ]


def test_a_figure_has_a_slide_of_its_own_without_its_code():
    shown = new_code_cell("show(figure)", outputs=figure("It rises.", "It rises.\n"))
    found = slides.slides(notebook(new_markdown_cell("## One\n\nText."), shown, new_markdown_cell("After.")))
    assert [cell.metadata.slideshow.slide_type for cell in found.cells] == ["slide", "-"] + ["subslide", "-"] * 2
    assert found.cells[3].metadata.transient.remove_source


def test_of_several_figures_each_has_its_slide():
    told = [new_output("stream", name="stdout", text="first\n"), *figure("One.", "One.\n")]
    told += figure("Two.", "Two.\nrest\n")
    found = slides.slides(notebook(new_markdown_cell("## Title"), new_code_cell("show()", outputs=told))).cells
    assert [cell.metadata.slideshow.slide_type for cell in found] == ["slide", "-", "subslide", "-"]
    assert [len(cell.get("outputs", [])) for cell in found] == [0, 3, 0, 3]


def test_long_text_goes_on_to_the_next_slide_and_long_code_is_not_shown():
    paragraph = "word " * 60
    text = "## One\n\n" + "\n\n".join([paragraph] * 12)
    found = slides.slides(notebook(new_markdown_cell(text), new_code_cell("\n".join(["x = 1"] * 40)))).cells
    heights: list[float] = []
    for cell in found:
        if cell.metadata.slideshow.slide_type in ("slide", "subslide"):
            heights.append(0)
        else:
            heights[-1] += slides.text_height(cell.source)
    assert len(heights) >= 3
    assert max(heights) <= slides.FULL + 2 * slides.SPARE
    assert not [cell for cell in found if cell.cell_type == "code"]


def test_a_formula_stays_with_what_leads_to_it_and_with_its_symbols():
    assert slides.paragraphs("It is\n\n$$x$$\n\nwhere $x$ is.\n\nAnd:\n\n- one\n\nOther.") == [
        "It is\n\n$$x$$\n\nwhere $x$ is.", "And:\n\n- one", "Other."
    ]  # fmt: skip


# ------------------------------------------------------------------------------------- the site, built and in Chromium


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make site` builds it, of a repository without an address."""
    if absent := building.missing():
        pytest.skip(f"the site's packages are not here ({', '.join(absent)}): make site installs them")
    out = tmp_path_factory.mktemp("site") / "site"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("A2D_REPOSITORY", raising=False)
        done = CliRunner().invoke(main, ["--out", str(out)])
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with served(site) as found:
        yield found


class Reader:
    """A reader of the site; what was asked of other computers, and what went wrong, is noted."""

    def __init__(self, chromium: Any, address: str, scheme: str = "light", width: int = 1280, height: int = 900):
        self.address = address
        self.context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, permissions=["microphone"]
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.noted: list[str] = []
        own = rf"{re.escape(address)}/|data:|blob:"
        self.page.on("request", lambda asked: None if re.match(own, asked.url) else self.noted.append(asked.url))
        self.page.on("response", lambda got: self.noted.append(got.url) if got.status >= 400 else None)
        self.page.on("pageerror", lambda error: self.noted.append(str(error)))
        self.page.on("console", lambda line: self.noted.append(line.text) if line.type == "error" else None)

    def open(self, name: str) -> Any:
        self.page.goto(f"{self.address}/{name}")
        self.page.evaluate("() => window.MathJax?.startup?.promise?.then(() => true)")
        if name.startswith("slides/"):
            self.page.wait_for_selector("body[data-state=ready]", state="attached")
        return self.page

    def close(self) -> None:
        self.context.close()


@pytest.fixture
def reader(chromium: Any, address: str) -> Iterator[Reader]:
    found = Reader(chromium, address)
    yield found
    found.close()


# One of each kind of page.
KINDS = (
    "index.html", "start.html", "notebooks/01_from_sound_to_numbers.html", "notebooks/09_sharper_hands.html",
    "slides.html", "slides/01.html", "glossary.html", "results/index.html", "results/hands.html", "api/index.html",
    "api/vae.html", "references.html", "cite.html", "search.html", "demo/index.html",
)  # fmt: skip


@pytest.mark.slow
def test_every_link_and_every_file_of_a_page_is_there(site: Path):
    """Over all pages: what is on this site exists, with its anchor; what is not is a link that a reader may follow."""
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")
             if path.parent.name not in ("demo", "_static")}  # fmt: skip
    assert len(pages) > 55
    ids = {path: {html.unescape(one) for one in re.findall(r'\sid="([^"]+)"', text)} for path, text in pages.items()}
    lost = []
    for path, text in pages.items():
        text = re.sub(r"<(script|pre)\b(?![^>]*\bsrc=).*?</\1>", "", text, flags=re.S)
        for tag, kind, target in re.findall(r'<(\w+)\b[^>]*?\s(href|src)="([^"]*)"', text):
            target = unquote(html.unescape(target))
            if re.match(r"(https?|mailto):", target) and tag == "a" and kind == "href":
                continue
            if target.startswith("data:"):
                continue
            name, _, anchor = target.partition("#")
            there = (path.parent / name.split("?")[0]).resolve() if name else path
            there = there / "index.html" if there.is_dir() else there
            if not there.is_file() or (anchor and there in ids and not re.match(r"/|__", anchor)
                                       and anchor not in ids[there]):  # fmt: skip
                lost.append(f"{path.relative_to(site)}: {target}")
    assert lost == []


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.slow
@pytest.mark.browser
def test_a_page_asks_nothing_of_a_network_fits_a_phone_and_is_accessible(chromium: Any, address: str, name: str):
    from axe_playwright_python.sync_playwright import Axe

    for scheme, width, height in (("light", 1280, 900), ("dark", 390, 844)):
        reader = Reader(chromium, address, scheme, width, height)
        page = reader.open(name)
        page.wait_for_load_state("networkidle")
        target = SCREENSHOTS / "site" / f"{name.removesuffix('.html').replace('/', '-')}-{scheme}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=target)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), (scheme, name)
        assert reader.noted == []  # axe itself asks for style sheets once more, and errs
        faults = [f"{one['impact']}: {one['id']}: {one['nodes'][0]['html'][:200]}"
                  for one in Axe().run(page).response["violations"]
                  if one["impact"] in ("serious", "critical")]  # fmt: skip
        assert faults == []
        reader.close()


@pytest.mark.slow
@pytest.mark.browser
def test_a_stranger_says_a_digit_and_reads_on_to_the_last_lecture(reader: Reader, microphone: Path):
    """From the front page: a word into the microphone, its drawing; then lecture 00, and "next" up to lecture 11."""
    spoken(microphone, audio.load(BUILTIN / "07" / "3_07_1.flac"))
    page = reader.open("index.html")
    demo = page.frame_locator("iframe.demo")
    demo.get_by_role("button", name="Say a digit").click()
    demo.locator("body[data-state=done]").wait_for(state="attached")
    assert "I heard three" in demo.locator("#status").inner_text()
    page.get_by_role("link", name="Begin with lecture 00").click()
    seen = [page.locator("h1").first.inner_text()]
    while not re.match("11 ", seen[-1]):
        page.locator("a.right-next").click()
        page.wait_for_function(
            "old => (document.querySelector('h1')?.innerText ?? old).slice(0, 2) !== old", arg=seen[-1][:2]
        )
        seen.append(page.locator("h1").first.inner_text())
    assert [title[:2] for title in seen] == [slug[:2] for slug in slugs()]
    assert reader.noted == []


@pytest.mark.slow
@pytest.mark.browser
def test_formulas_are_set_sounds_play_and_solutions_unfold(reader: Reader):
    page = reader.open("notebooks/01_from_sound_to_numbers.html")
    assert page.locator("mjx-container").count() > 100
    assert page.locator("mjx-merror, mjx-utext").count() == 0
    sounds = page.evaluate(
        """async () => {
            const played = [];
            for (const one of document.querySelectorAll("audio")) {
                await one.play();
                played.push(one.duration);
                one.pause();
            }
            return played;
        }"""
    )
    assert len(sounds) >= 15
    assert min(sounds) > 0.1
    assert page.get_by_text("Loading widget").count() == 0
    folded = page.locator(".cell.tag_hide-input summary")
    assert folded.first.inner_text().strip() == "Show the solution"
    code = page.locator(".cell.tag_hide-input .highlight").first
    assert not code.is_visible()
    folded.first.click()
    assert code.is_visible()
    assert page.evaluate("() => [...document.images].every(one => one.complete && one.naturalWidth && one.alt)")
    assert reader.noted == []


@pytest.mark.slow
@pytest.mark.browser
def test_a_word_is_found_and_a_link_leads_to_the_glossary(reader: Reader):
    page = reader.open("search.html?q=collapse")
    page.locator("#search-results li a").first.wait_for()
    assert any("03 Autoencoders" in text for text in page.locator("#search-results li > a").all_inner_texts())
    page = reader.open("notebooks/03_autoencoders_and_elbo.html")
    page.locator("a:has(> .std-term)", has_text="greyness").click()
    page.wait_for_url("**/glossary.html#term-greyness")
    assert page.locator("dt#term-greyness").is_visible()
    assert reader.noted == []


@pytest.mark.slow
@pytest.mark.browser
def test_light_and_dark_are_a_readers_choice(reader: Reader):
    page = reader.open("index.html")
    for name in ("Dark", "Light", "Dark"):
        page.locator("button.theme-switch-button:visible").first.click()
        page.get_by_role("button", name=name, exact=True).click()
        assert page.evaluate("() => document.documentElement.dataset.theme") == name.lower()
    page = reader.open("index.html")  # the choice is kept, and the page in the page follows it
    frame = page.frame_locator("iframe.demo").locator("body")
    frame.wait_for()
    dark = "one => getComputedStyle(one).backgroundColor.match(/\\d+/g).slice(0, 3).every(value => value < 60)"
    assert page.locator("body").evaluate(dark)
    assert frame.evaluate(dark)


@pytest.mark.parametrize("number", [slug[:2] for slug in slugs()])
@pytest.mark.slow
@pytest.mark.browser
def test_no_slide_is_higher_than_its_page(reader: Reader, number: str):
    """Slide by slide: everything on it is in the window, in letters that a room can read."""
    reader.page.set_viewport_size({"width": 1280, "height": 720})
    page = reader.open(f"slides/{number}.html")
    found = page.evaluate(
        """() => [...document.querySelectorAll(".slides section")].filter(one => !one.querySelector("section")).map(
            one => {
                const {h, v} = Reveal.getIndices(one);
                Reveal.slide(h, v);
                const places = [...one.querySelectorAll("h2, p, li, pre, img, audio, table, mjx-container > mjx-math")]
                    .map(part => part.getBoundingClientRect());
                return {
                    title: one.querySelector("h2").innerText, zoom: Number(one.style.zoom || 1),
                    bottom: Math.max(...places.map(place => place.bottom)),
                    right: Math.max(...places.map(place => place.right)), parts: places.length,
                };
            })"""
    )
    assert len(found) >= 25
    assert [one for one in found if one["bottom"] > 720 or one["right"] > 1280] == []
    assert [one for one in found if one["zoom"] < 0.7] == []
    assert [one for one in found if one["parts"] < 2] == []
    assert page.locator(".slides img").count() >= 4
    assert page.locator("mjx-merror").count() == 0
    assert reader.noted == []


def small(source: Path, text: str) -> Path:
    """A folder for Sphinx with the site's settings and one page."""
    (source / "_static").mkdir(parents=True)
    for name in ("conf.py", "references.bib", "_static/icon.svg"):
        (source / name).write_text(read(f"docs/site/{name}"))
    (source / "index.md").write_text(f"# Title\n\n{text}\n")
    return source


@pytest.mark.slow
def test_a_page_with_a_fault_is_no_site(site: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    small(tmp_path, "[nowhere](nowhere.md)")
    with pytest.raises(CourseError, match="Sphinx finds fault"):
        building._sphinx(tmp_path, tmp_path / "out")
    assert "nowhere.md" in capfd.readouterr().err


@pytest.mark.slow
def test_the_buttons_lead_to_the_lecture_at_the_versions_tag(site: Path, tmp_path: Path, monkeypatch):
    """With an address each lecture has buttons to Binder and Colab; without one there are none, and no dead link."""
    lecture = "notebooks/00_start_here"
    assert "mybinder" not in (site / f"{lecture}.html").read_text()
    monkeypatch.setenv("A2D_REPOSITORY", "owner/name")
    source = small(tmp_path / "source", f"```{{toctree}}\n{lecture}\n```")
    (source / "notebooks").mkdir()
    cells = new_notebook(cells=[new_markdown_cell("# 00 Start here")], metadata={"kernelspec": KERNEL})
    (source / f"{lecture}.ipynb").write_text(nbformat.writes(cells))
    building._sphinx(source, tmp_path / "out")
    page = (tmp_path / "out" / f"{lecture}.html").read_text()
    tag = building.settings.TAG
    assert f"mybinder.org/v2/gh/owner/name/{tag}?urlpath=lab/tree/{lecture}.ipynb" in page
    assert f"colab.research.google.com/github/owner/name/blob/{tag}/{lecture}.ipynb" in page
    assert not re.search(r'src="https?:', page)


def test_without_its_packages_the_command_says_so(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(building, "PACKAGES", ("os", "nowhere", "nowhere.at.all"))
    done = CliRunner().invoke(main, ["--out", str(tmp_path / "site")])
    assert done.exit_code == CourseError.exit_code
    assert "packages are missing: nowhere, nowhere.at.all" in done.output
    assert not os.listdir(tmp_path)
