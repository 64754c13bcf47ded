"""What every lecture must have: its sections, objectives, short cells, and no solution that shows through."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from a2d import exercises
from a2d.exercises import Exercise, Question
from teach import settings
from teach.lectures.source import Block, Cell, Lecture, fail, find_blocks, versions
from teach.lectures.texts import PLACEHOLDER

BADGES = "{badges}"
PARAMETERS = ("FAST", "SEED", "DATA")
# The sections that every lecture has, in this order; the first and the last but two hold the same list.
SECTIONS = (
    "You will be able to",
    "Before you start",
    "Where we are",
    "Set-up",
    "Quiz",
    "You can now",
    "What to read",
    "What comes next",
)


def check_lecture(lecture: Lecture) -> None:
    """Raise :class:`CourseError` for the first thing that is wrong with a source, naming file and line."""
    path = lecture.path
    for cell in lecture.cells:
        solution, _ = versions(path, cell)
        if not cell.source.strip():
            raise fail(path, cell.line, "this cell is empty", "Fill it or remove it")
        if cell.kind == "code" and (n := code_lines(solution)) > settings.MAX_CODE_LINES:
            hint = f"At most {settings.MAX_CODE_LINES} lines; split it, one idea each"
            raise fail(path, cell.line, f"this code cell has {n} lines", hint)
        if cell.kind == "markdown" and (n := words(cell.source)) > settings.MAX_WORDS:
            hint = f"At most {settings.MAX_WORDS} words; split or shorten it"
            raise fail(path, cell.line, f"this text cell has {n} words", hint)
    _check_anatomy(lecture)
    _check_exercises(lecture)
    _check_leaks(lecture)


def code_lines(source: str) -> int:
    """Lines that are neither blank nor only a comment."""
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in source.splitlines())


def words(text: str) -> int:
    """Words that a reader reads: not tags, not addresses, not rulers."""
    text = re.sub(r"</?\w+>|\]\([^)]*\)", " ", text)
    return sum(any(c.isalnum() for c in word) for word in text.split())


def headings(lecture: Lecture) -> dict[str, tuple[int, str]]:
    """Every heading in the text cells: its line in the file, and the text below it up to the next one."""
    found: dict[str, tuple[int, str]] = {}
    for cell in lecture.cells:
        if cell.kind != "markdown":
            continue
        parts = re.split(r"^(#{1,4} .+)$", cell.source, flags=re.M)
        for title, body in zip(parts[1::2], parts[2::2], strict=True):
            line = cell.line + cell.source.splitlines().index(title)
            found.setdefault(title.lstrip("#").strip(), (line, body))
    return found


def objectives(lecture: Lecture, heading: str) -> list[str]:
    """The items of the list below a heading; an item may go on in indented lines."""
    _, body = headings(lecture).get(heading, (0, ""))
    joined = re.sub(r"\n[ \t]+(?=\S)", " ", body)
    return [line[2:].strip() for line in joined.splitlines() if line.startswith(("- ", "* "))]


def _check_anatomy(lecture: Lecture) -> None:
    path, first = lecture.path, lecture.cells[0]
    if first.kind != "markdown" or not first.source.startswith("# "):
        raise fail(path, 1, "the lecture has no title", "Begin with a text cell that begins with `# Title`")
    if BADGES not in first.source.splitlines():
        raise fail(path, first.line, "there is no place for the badges", f"Put a line `{BADGES}` below the title")
    titles = headings(lecture)
    for section in SECTIONS:
        if section not in titles:
            raise fail(path, 1, f"the section {section!r} is missing", f"Add a heading `## {section}`")
    order = [titles[section][0] for section in SECTIONS]
    for section, this, after in zip(SECTIONS[1:], order, order[1:], strict=False):
        if after < this:
            raise fail(path, after, f"the section {section!r} comes too early", f"The order is {', '.join(SECTIONS)}")
    aims, ends = objectives(lecture, SECTIONS[0]), objectives(lecture, "You can now")
    if not 3 <= len(aims) <= 5:
        raise fail(path, order[0], f"there are {len(aims)} objectives", "Give a list of three to five")
    if aims != ends:
        line = titles["You can now"][0]
        raise fail(path, line, "the closing list differs from the objectives", "Repeat them word for word")
    parameters = [cell for cell in lecture.cells if "parameters" in cell.tags]
    if len(parameters) != 1 or not all(re.search(rf"^{n}\b", parameters[0].source, re.M) for n in PARAMETERS):
        line = parameters[-1].line if parameters else 1
        hint = f'One cell `# %% tags=["parameters"]` sets {", ".join(PARAMETERS)}'
        raise fail(path, line, "the parameters are not set in one cell", hint)


def telling(block: Block) -> Iterator[str]:
    """Lines of a solution that would give it away: not comments, not ``return x``, not what the stub says too."""
    stub = {line.strip() for line in block.stub}
    for line in block.solution:
        text = line.strip()
        if len(text) >= 12 and not text.startswith("#") and text not in stub and not re.fullmatch(r"\w+ \w+:?", text):
            yield text


def _check_leaks(lecture: Lecture) -> None:
    blocks = [block for cell in lecture.cells for block in find_blocks(lecture.path, cell)]
    hidden = {number for block in blocks for number in range(block.first, block.last + 1)}
    shown = {
        cell.line + n: line.strip()
        for cell in lecture.cells
        for n, line in enumerate(cell.source.splitlines())
        if cell.line + n not in hidden
    }
    stubs = {number: line.strip() for block in blocks for number, line in enumerate(block.stub, block.first)}
    for text in (text for block in blocks for text in telling(block)):
        for number, line in [*shown.items(), *stubs.items()]:
            if text in line:
                hint = "Take it out of the text or the code that the student sees"
                raise fail(lecture.path, number, f"this line gives a solution away: {text}", hint)


def _check_exercises(lecture: Lecture) -> None:
    """Every declared exercise stands in the lecture: its text, its function, its check, its hints, in this order."""
    declared = exercises.of_lecture(int(lecture.slug[:2]))
    named = {cell.name: (number, cell) for number, cell in enumerate(lecture.cells) if cell.name}
    at = -1
    for one in declared:
        for place in _places(lecture, one, named):
            if place <= at:
                line = lecture.cells[place].line
                raise fail(lecture.path, line, f"{one.id} does not stand in its order", "Keep the declarations' order")
            at = place
        if isinstance(one, Exercise):
            _check_function(lecture, one, named[cell_name("exercise", one.id)][1])
    known = {one.id for one in declared}
    for cell in lecture.cells:
        for match in PLACEHOLDER.finditer(cell.source):
            if match[2] not in known:
                hint = f"Declare it in a2d/exercises/e{lecture.slug[:2]}_*.py"
                raise fail(lecture.path, cell.line, f"{match[0]} is not declared", hint)


def cell_name(kind: str, id: str) -> str:
    """The id of the cell that holds an exercise's function, its check, or a question's answer: ``exercise-1-1``."""
    return f"{kind}-{id.replace('.', '-')}"


def _places(lecture: Lecture, one: Exercise | Question, named: dict[str, tuple[int, Cell]]) -> list[int]:
    """Where the cells of an exercise stand: text, function and check, or text and answer."""
    wanted = ("exercise", "check") if isinstance(one, Exercise) else ("answer",)
    text = "exercise" if isinstance(one, Exercise) else "question"
    places = []
    for mark in (text, "hints" if isinstance(one, Exercise) else "answer"):
        line = f"{{{mark} {one.id}}}"
        found = [n for n, c in enumerate(lecture.cells) if c.kind == "markdown" and line in c.source.splitlines()]
        if len(found) != 1:
            raise fail(lecture.path, 1, f"{line} stands {len(found)} times", "Let it stand once, alone on its line")
        places.append(found[0])
    for kind in wanted:
        name = cell_name(kind, one.id)
        if name not in named:
            raise fail(lecture.path, 1, f"there is no cell {name}", f'Begin it with `# %% id="{name}"`')
    if isinstance(one, Question):
        number, cell = named[cell_name("answer", one.id)]
        if "answer" not in cell.tags or places[1] != number:
            hint = f'`# %% [markdown] id="answer-..." tags=["answer"]` holds {{answer {one.id}}} only'
            raise fail(lecture.path, cell.line, "this answer's cell is not marked as one", hint)
        return places
    return [places[0], *(named[cell_name(kind, one.id)][0] for kind in wanted)]


def _check_function(lecture: Lecture, exercise: Exercise, cell: Cell) -> None:
    """The lecture's function has the declared signature, and the next cell checks it."""
    tree = ast.parse(versions(lecture.path, cell)[0])
    found = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    wanted = ast.parse(f"def {exercise.signature}: ...").body[0]
    assert isinstance(wanted, ast.FunctionDef)

    def signature(node: ast.FunctionDef) -> str:
        return f"{node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns) if node.returns else ''}"

    if exercise.name not in found or signature(found[exercise.name]) != signature(wanted):
        hint = f"Declared is {exercise.signature}"
        raise fail(lecture.path, cell.line, f"exercise {exercise.id} does not define the declared function", hint)
    check = next(c for c in lecture.cells if c.name == cell_name("check", exercise.id))
    call = f'a2d.check("{exercise.id}", {exercise.name})'
    if check.kind != "code" or check.source.strip().splitlines()[-1] != call:
        raise fail(lecture.path, check.line, "this cell does not check the exercise", f"Let it end with `{call}`")


# ------------------------------------------------------------------------------------------------ formulas and sources

_GREEK = (
    r"alpha|beta|gamma|delta|epsilon|varepsilon|zeta|eta|theta|vartheta|kappa|lambda|mu|nu|xi|rho|sigma|tau|phi|varphi"
    r"|chi|psi|omega|Gamma|Delta|Theta|Lambda|Phi|Psi|Omega|ell"
)
# Symbols that need no explanation: Euler's number, and the d of a derivative or an integral.
_COMMON = {"e", "d"}


def symbols(formula: str) -> set[str]:
    """The letters that stand for something in a formula in TeX, without indices' digits, functions and words."""
    text = re.sub(r"\\(?:text|mathrm|operatorname\*?|mathbf|texttt|tag|label)\s*\{[^{}]*\}", " ", formula)
    text = re.sub(r"\\(?:begin|end)\s*\{[^{}]*\}", " ", text)
    found = set(re.findall(rf"\\({_GREEK})(?![A-Za-z])", text))
    text = re.sub(r"\\[A-Za-z]+\*?|\\.", " ", text)
    return found | set(re.findall(r"[A-Za-z]", text)) - _COMMON


def unexplained(lecture: Lecture) -> list[str]:
    """Displayed formulas with symbols that no text explains: ``line: symbols``.

    A symbol is explained by words beside it in the same section (inline, ``$x$``), or in a list entry ``- $x$: ...``
    earlier in the lecture.
    """
    told: list[str] = []
    listed: set[str] = set()
    section: list[tuple[int, str]] = []
    sections = [section]
    for cell in lecture.cells:
        if cell.kind != "markdown":
            continue
        if re.match(r"## ", cell.source):
            section = []
            sections.append(section)
        section.append((cell.line, PLACEHOLDER.sub("", cell.source)))
    for section in sections:
        prose = {
            symbol
            for _, text in section
            for inline in re.findall(r"(?<!\$)\$([^$]+)\$(?!\$)", re.sub(r"\$\$.+?\$\$", " ", text, flags=re.S))
            for symbol in symbols(inline)
        }
        listed |= prose
        for line, text in section:
            for formula in re.findall(r"\$\$(.+?)\$\$", text, flags=re.S):
                if missing := symbols(formula) - listed:
                    told.append(f"{line}: {', '.join(sorted(missing))} in {' '.join(formula.split())}")
    return told


def bad_references(lecture: Lecture) -> list[str]:
    """Links and citations whose form is wrong, and files of the project that are named and not there."""
    told = []
    for cell in lecture.cells:
        if cell.kind != "markdown":
            continue
        for link in re.findall(r"https?://[^\s)>\]]+", cell.source):
            if not re.fullmatch(r"https://[\w.-]+\.[a-z]{2,}(/[\w./~%#?=&+:@-]*)?", link) or link[-1] in ".,;":
                told.append(f"{cell.line}: the link {link} is not of the form https://host/path")
        for number in re.findall(r"arxiv\s*:?\s*([\w./-]+)", cell.source, flags=re.I):
            number = number.strip(".").removeprefix("org/abs/")
            if not re.fullmatch(r"\d{4}\.\d{4,5}(v\d+)?", number):
                told.append(f"{cell.line}: {number} is not the number of a paper on arXiv, such as 1312.6114")
        for doi in re.findall(r"doi\s*:\s*(\S+)", cell.source, flags=re.I):
            if not re.fullmatch(r"10\.\d{4,9}/\S+[^\s.,;)]", doi.rstrip(".,;)")):
                told.append(f"{cell.line}: {doi} is not a DOI")
        for path in re.findall(r"`((?:a2d|data|docs|results|notebooks|benchmarks|tests)/[\w./-]*)`", cell.source):
            if not (settings.ROOT / path).exists():
                told.append(f"{cell.line}: there is no file {path}")
    reading = headings(lecture).get("What to read", (1, ""))
    items = re.split(r"^- ", reading[1], flags=re.M)[1:]
    for item in items:
        if not re.search(r"\b(1[89]|20)\d\d\b|`[\w./]+`", item):
            told.append(f"{reading[0]}: this has neither a year nor a file of the project: {item.splitlines()[0]}")
    if not items:
        told.append(f"{reading[0]}: there is nothing to read")
    return told
