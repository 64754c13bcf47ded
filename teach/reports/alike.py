"""Noticing submissions that are the same, or nearly: a hint for the teacher, never a verdict.

Two answers have the same fingerprint if they are the same but for names of their own, comments, formatting, types and
docstrings. What many of the class wrote says little, what few wrote says more: an equal answer weighs -log2 of the
share of the others who have it (its information in bits).
"""

from __future__ import annotations

import ast
import hashlib
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from teach.grading.model import Result
from teach.reports.tables import table

WARNING = "A hint, not a verdict: look at both notebooks, and hear the students, before you conclude anything."
COLUMNS = ("group", "kind", "student", "key", "exercises", "weight", "note")
# An answer with fewer nodes of its syntax tree can hardly be written in another way. The same goes for all
# of a student's answers together if they are that short.
_SMALL, _SMALL_TOTAL = 15, 60
_LEAST_SAME, _LEAST_ALIKE, _SHARE = 3, 5, 0.8
# An answer is rare if few of the class have it: at most this share, or a handful in a small class.
_RARE, _HANDFUL = 0.05, 3
_LEAST_BITS = 10
_ANSWERLESS = {"empty", "missing", "unreadable"}

# What the lectures' set-up and the usual habits call these modules, where an answer does not import them itself.
_USUAL = {
    "np": "numpy",
    "plt": "matplotlib.pyplot",
    "F": "torch.nn.functional",
    "nn": "torch.nn",
    "pd": "pandas",
}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LEFT_OUT = {"ctx", "type_comment", "annotation", "returns", "type_params", "kind"}


# ------------------------------------------------------------------------------------------------------- fingerprints


def fingerprint(tree: ast.AST) -> tuple[str, int]:
    """A hash of an answer's normalised syntax and its size in nodes; ("", 0) for what is nested too deeply.

    ``tree``: the function, or a module of it with its imports and helpers. Names of its own count by the order in
    which they appear, in each scope; an imported name counts as what it stands for (``np.sum`` is ``numpy.sum``).
    """
    printer = _Printer()
    try:
        printer.print(tree, [_Scope(_bound([tree]))])
    except RecursionError:
        return "", 0
    return hashlib.sha256("\n".join(printer.out).encode()).hexdigest()[:16], printer.size


@dataclass
class _Scope:
    names: set[str]
    modules: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)


class _Printer:
    """Writes a tree as a list of words, each the same for answers that differ only in form."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.size = 0
        self.own = 0

    def print(self, node: ast.AST, scopes: list[_Scope]) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            scopes[-1].modules |= _imported(node)
            return
        if isinstance(node, ast.Pass | ast.Global | ast.Nonlocal) or _says_nothing(node):
            return
        if isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self.print(ast.Assign([node.target], node.value), scopes)
            return
        self.size += 1
        if isinstance(node, ast.Name | ast.Attribute) and (known := self._known(node, scopes)):
            self.out.append(known)
        elif isinstance(node, ast.Constant):
            self.out.append(_constant(node.value))
        else:
            self._fields(node, scopes)

    def _fields(self, node: ast.AST, scopes: list[_Scope]) -> None:
        self.out.append(type(node).__name__)
        inner = scopes
        if isinstance(node, (*_FUNCTIONS, *_COMPREHENSIONS, ast.ClassDef)):
            inner = [*scopes, _Scope(_bound(_inside(node)))]
        fields = node._fields
        if isinstance(node, _COMPREHENSIONS):
            # As it runs: what is taken before what is made of it.
            fields = ("generators", *(name for name in fields if name != "generators"))
        for name in fields:
            value = getattr(node, name, None)
            if name in _LEFT_OUT or value is None:
                continue
            self.out.append(name)
            if isinstance(value, ast.AST):
                self.print(value, inner)
            elif isinstance(value, list):
                self.out.append("[")
                for one in value:
                    self._value(node, name, one, inner)
                self.out.append("]")
            else:
                self._value(node, name, value, scopes if name == "name" else inner)

    def _value(self, node: ast.AST, name: str, value: object, scopes: list[_Scope]) -> None:
        if isinstance(value, ast.keyword) and self._is_own(getattr(node, "func", None), scopes):
            # The names of a helper's arguments are its own.
            self.print(ast.keyword(None, value.value), scopes)
        elif isinstance(value, ast.AST):
            self.print(value, scopes)
        elif isinstance(value, str) and name in ("name", "arg", "rest") and not isinstance(node, ast.keyword):
            self.out.append(self._number(value, scopes) or value)
        else:
            self.out.append(repr(value))

    def _known(self, node: ast.Name | ast.Attribute, scopes: list[_Scope]) -> str:
        """What a name or a dotted name stands for, an own name by its number; "" for what is no name."""
        parts = []
        root: ast.AST = node
        while isinstance(root, ast.Attribute):
            parts.append(root.attr)
            root = root.value
        if not isinstance(root, ast.Name):
            return ""
        known = self._number(root.id, scopes) or next(
            (scope.modules[root.id] for scope in reversed(scopes) if root.id in scope.modules),
            _USUAL.get(root.id, root.id),
        )
        return ".".join([known, *reversed(parts)])

    def _number(self, name: str, scopes: list[_Scope]) -> str:
        """The number of an own name, given when it first appears; "" for a name from elsewhere."""
        for scope in reversed(scopes):
            if name in scope.modules:
                return ""
            if name in scope.names:
                if name not in scope.numbers:
                    self.own += 1
                    scope.numbers[name] = self.own
                return f"own {scope.numbers[name]}"
        return ""

    def _is_own(self, node: ast.AST | None, scopes: list[_Scope]) -> bool:
        return isinstance(node, ast.Name) and bool(self._number(node.id, scopes))


def _says_nothing(node: ast.AST) -> bool:
    """Docstrings, ``...`` and other constants that stand alone."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _constant(value: object) -> str:
    # A hexadecimal literal may be longer than Python is willing to write as a decimal number.
    return f"int {value:x}" if type(value) is int else f"{type(value).__name__} {value!r}"


def _imported(node: ast.Import | ast.ImportFrom) -> dict[str, str]:
    if isinstance(node, ast.ImportFrom):
        return {alias.asname or alias.name: f"{node.module or ''}.{alias.name}" for alias in node.names}
    # "import a.b" gives the name a.
    first = {alias.name.partition(".")[0] for alias in node.names if not alias.asname}
    return {alias.asname: alias.name for alias in node.names if alias.asname} | {name: name for name in first}


def _inside(node: ast.AST) -> list[ast.AST]:
    """The parts of a function, class or comprehension whose names are its own."""
    if isinstance(node, _COMPREHENSIONS):
        return [generator.target for generator in node.generators]
    if isinstance(node, ast.Lambda):
        return [node.args]
    return [*([node.args] if hasattr(node, "args") else []), *node.body]  # type: ignore[attr-defined]


def _bound(nodes: Sequence[ast.AST]) -> set[str]:
    """The names that these nodes bind in their own scope; those of functions within them are not."""
    found: set[str] = set()
    elsewhere: set[str] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
            continue
        elif isinstance(node, ast.Lambda):
            continue
        elif isinstance(node, ast.Global | ast.Nonlocal):
            elsewhere.update(node.names)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            found.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            found.add(node.rest)
        if isinstance(node, _COMPREHENSIONS):
            # Only ":=" reaches out of it.
            found.update(n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr))
            continue
        waiting.extend(ast.iter_child_nodes(node))
    return found - elsewhere


# -------------------------------------------------------------------------------------------------------- the class


@dataclass(frozen=True)
class Group:
    """Students whose answers are the same: ``kind`` "same" (all that they answered) or "alike" (most that is rare).

    ``students`` are (key, name), sorted; ``exercises`` the ids that are the same; ``weight`` in bits: how surprising
    that is if students answered independently of each other, after what the class as a whole wrote.
    """

    kind: str
    students: tuple[tuple[str, str], ...]
    exercises: tuple[str, ...]
    weight: float


@dataclass(frozen=True)
class _One:
    key: str
    name: str
    prints: dict[str, int]  # exercise to the number of the print


def notice(results: Iterable[Result]) -> list[Group]:
    """Groups of students with the same submission, then pairs that are alike, each by falling weight.

    The same: at least three answers, all equal, of some size together. Alike: of at least five answers that are rare
    in one of the two, 80 % or more are equal, and weigh more than chance gives a class of this size; of submissions
    that are the same only the first is compared.
    Memory grows with the class, by a few hundred bytes per answer; time with how often rare answers are shared.
    """
    numbers: dict[tuple[str, str], int] = {}
    sizes: list[int] = []
    students = [_one(result, numbers, sizes) for result in results]
    alone: dict[tuple[int, ...], list[_One]] = defaultdict(list)
    for one in students:
        alone[tuple(sorted(one.prints.values()))].append(one)
    _, weights = _weigh(((one, 1) for one in students), numbers, sizes)
    same = [
        _group("same", members, members[0].prints, weights)
        for content, members in alone.items()
        if len(members) > 1 and len(content) >= _LEAST_SAME and sum(sizes[n] for n in content) >= _SMALL_TOTAL
    ]
    limit = max(_HANDFUL, _RARE * len(students))
    # A few who copied from each other count once, so that what they share stays rare; many count as what is usual.
    counted = [(members[0], len(members) if len(members) > limit else 1) for members in alone.values()]
    having, weights = _weigh(counted, numbers, sizes)
    rare = {n for n in having if sizes[n] >= _SMALL and having[n] <= limit}
    # Among n students there are about n^2 / 2 pairs, one of which reaches 2 log2 n bits by chance.
    bits = max(_LEAST_BITS, 2 * math.log2(max(len(students), 1)))
    pairs = _alike([one for one, _ in counted], rare, weights)
    return _sorted(same) + _sorted(pair for pair in pairs if pair.weight >= bits)


def _weigh(
    students: Iterable[tuple[_One, int]], numbers: Mapping[tuple[str, str], int], sizes: Sequence[int]
) -> tuple[Counter[int], dict[int, float]]:
    """How many have each print, and what sharing it weighs; ``students`` come with how many each stands for."""
    having: Counter[int] = Counter()
    answered: Counter[str] = Counter()
    for one, count in students:
        for id, n in one.prints.items():
            having[n] += count
            answered[id] += count
    return having, {
        n: -math.log2(max(having[n] - 1, 1) / answered[id]) if sizes[n] >= _SMALL else 0.0
        for (id, _), n in numbers.items()
    }


def _one(result: Result, numbers: dict[tuple[str, str], int], sizes: list[int]) -> _One:
    """A student's prints as small numbers, equal for equal prints of an exercise."""
    skipped = {grade.id for grade in result.grades if grade.outcome in _ANSWERLESS}
    prints = {}
    for id, (text, size) in result.prints.items():
        if not text or id in skipped:
            continue
        # Every student's file brings the same ids as texts of its own.
        id = sys.intern(id)
        prints[id] = numbers.setdefault((id, text), len(numbers))
        if prints[id] == len(sizes):
            sizes.append(size)
    return _One(result.key, result.student, prints)


def _alike(students: Sequence[_One], rare: set[int], weights: Mapping[int, float]) -> Iterator[Group]:
    owners: dict[int, list[int]] = defaultdict(list)
    for place, one in enumerate(students):
        for n in one.prints.values():
            if n in rare:
                owners[n].append(place)
    least = math.ceil(_SHARE * _LEAST_ALIKE)
    for place, one in enumerate(students):
        shared: Counter[int] = Counter()
        for n in one.prints.values():
            shared.update(owners.get(n, ()))
        for other in sorted(p for p, count in shared.items() if p > place and count >= least):
            theirs = students[other].prints
            both = [id for id, n in one.prints.items() if id in theirs and (n in rare or theirs[id] in rare)]
            equal = {id: one.prints[id] for id in both if one.prints[id] == theirs[id]}
            if len(both) >= _LEAST_ALIKE and len(equal) >= _SHARE * len(both):
                yield _group("alike", [one, students[other]], equal, weights)


def _group(kind: str, members: Sequence[_One], prints: Mapping[str, int], weights: Mapping[int, float]) -> Group:
    ids = sorted(prints, key=lambda id: [int(part) for part in id.split(".")])
    weight = round(sum(weights[n] for n in prints.values()), 1)
    return Group(kind, tuple(sorted((one.key, one.name) for one in members)), tuple(ids), weight)


def _sorted(groups: Iterable[Group]) -> list[Group]:
    return sorted(groups, key=lambda group: (-group.weight, group.students))


def write_similar(out: Path, groups: Sequence[Group]) -> None:
    """Write ``similar.csv`` into the folder ``out``: a row per group and student, each with the warning."""
    with table(out / "similar.csv", COLUMNS) as add:
        for number, group in enumerate(groups, 1):
            for key, name in group.students:
                add([number, group.kind, name, key, ", ".join(group.exercises), group.weight, WARNING])
