"""Noticing students who share rare answers: a hint for the teacher, never a verdict.

Two answers have the same fingerprint if they are the same but for names of their own, comments, formatting, types and
docstrings. What many of the class wrote says nothing, what few wrote says more: a shared answer weighs -log2 of the
share of the others who have it (its information in bits). Answers that are only similar are not looked for.
"""

from __future__ import annotations

import ast
import copy
import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from teach.grading.model import Result

WARNING = "A hint, not a verdict: look at both notebooks, and hear the students, before you conclude anything."
# An answer with fewer nodes of its syntax tree can hardly be written in another way.
_SMALL = 15
# A group shares at least so many answers, which together weigh so many bits.
_LEAST_SHARED, _LEAST_BITS = 3, 10
# An answer is rare if few of the class have it: at most this share, or a handful in a small class.
_RARE, _HANDFUL = 0.05, 5
_ANSWERLESS = {"empty", "missing", "unreadable"}

# What the lectures' set-up and the usual habits call these modules, where an answer does not import them itself.
_USUAL = {"np": "numpy", "plt": "matplotlib.pyplot", "F": "torch.nn.functional", "nn": "torch.nn", "pd": "pandas"}
_LEFT_OUT = ("ctx", "type_comment", "annotation", "returns", "type_params", "kind")


def fingerprint(tree: ast.AST) -> tuple[str, int]:
    """A hash of an answer's normalised syntax and its size in nodes; ("", 0) for what is nested too deeply.

    ``tree``: the function, or a module of it with its imports and helpers. Names of its own count by the order in
    which they appear; an imported name counts as what it stands for (``np.sum`` is ``numpy.sum``).
    """
    try:
        plain = _Plain(tree).visit(copy.deepcopy(tree))
        text = ast.dump(plain)
    except RecursionError:
        return "", 0
    return hashlib.sha256(text.encode()).hexdigest()[:16], sum(1 for _ in ast.walk(plain))


class _Plain(ast.NodeTransformer):
    """Leaves of a tree what is the same for answers that differ only in form; the tree is changed."""

    def __init__(self, tree: ast.AST) -> None:
        self.modules = _imported(tree)
        self.names = _bound(tree)
        self.numbers: dict[str, int] = {}

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for name in set(_LEFT_OUT).intersection(node._fields):
            setattr(node, name, None)
        if not isinstance(node, ast.keyword):
            for name in ("name", "arg", "rest"):
                if isinstance(text := getattr(node, name, None), str):
                    setattr(node, name, self._known(text))
        return super().generic_visit(node)

    def visit_Pass(self, node: ast.stmt) -> None:
        """Says nothing, or nothing that the names do not say."""

    visit_Import = visit_ImportFrom = visit_Global = visit_Nonlocal = visit_Pass

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        # Docstrings, "..." and other constants that stand alone.
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        return self.generic_visit(ast.Assign([node.target], node.value)) if node.value else None

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        # A hexadecimal literal may be longer than Python is willing to write as a decimal number.
        return ast.Name(f"int {node.value:x}") if type(node.value) is int else self.generic_visit(node)

    def visit_Name(self, node: ast.Name | ast.Attribute) -> ast.AST:
        """A name or a dotted name becomes what it stands for."""
        parts: list[str] = []
        root: ast.AST = node
        while isinstance(root, ast.Attribute):
            parts.append(root.attr)
            root = root.value
        if not isinstance(root, ast.Name):
            return self.generic_visit(node)
        return ast.Name(".".join([self._known(root.id), *reversed(parts)]))

    visit_Attribute = visit_Name

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id in self.names:
            # The names of a helper's arguments are its own.
            for one in node.keywords:
                one.arg = None
        return self.generic_visit(node)

    def _known(self, name: str) -> str:
        """An own name as its number, given when it first appears; another one as what it stands for."""
        if name in self.names:
            return f"own {self.numbers.setdefault(name, len(self.numbers))}"
        return self.modules.get(name, _USUAL.get(name, name))


def _imported(tree: ast.AST) -> dict[str, str]:
    """What imported names stand for."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module or ''}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):  # "import a.b" gives the name a
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
    return found


def _bound(tree: ast.AST) -> set[str]:
    """The names that an answer makes itself, anywhere in it."""
    found: set[str] = set()
    elsewhere: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            elsewhere.update(node.names)
        elif not isinstance(node, ast.keyword | ast.alias):
            found.update(text for field in ("name", "arg", "rest") if isinstance(text := getattr(node, field, 0), str))
    return found - elsewhere


# -------------------------------------------------------------------------------------------------------- the class


@dataclass(frozen=True)
class Group:
    """Students who share rare answers, and nobody else does.

    ``students`` are (key, name), sorted; ``exercises`` the ids of those answers; ``weight`` in bits: how surprising
    that is if students answered independently of each other, after what the class as a whole wrote.
    """

    students: tuple[tuple[str, str], ...]
    exercises: tuple[str, ...]
    weight: float


def notice(results: Iterable[Result]) -> list[Group]:
    """The groups of students who alone share at least three rare answers, the heaviest first.

    They must weigh more than chance gives a class of this size: among n students there are about n^2 / 2 pairs, one
    of which reaches 2 log2 n bits by chance. Memory and time grow with the number of answers.
    """
    owners: defaultdict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    answered: Counter[str] = Counter()
    students = 0
    for result in results:
        students += 1
        skipped = {grade.id for grade in result.grades if grade.outcome in _ANSWERLESS}
        for id, (text, size) in result.prints.items():
            if text and id not in skipped:
                answered[id] += 1
                if size >= _SMALL:
                    owners[id, text].append((result.key, result.student))
    limit = max(_HANDFUL, _RARE * students)
    shared: defaultdict[tuple[tuple[str, str], ...], dict[str, float]] = defaultdict(dict)
    for (id, _), who in owners.items():
        if 1 < len(who) <= limit:
            shared[tuple(sorted(who))][id] = -math.log2((len(who) - 1) / answered[id])
    bits = max(_LEAST_BITS, 2 * math.log2(max(students, 1)))
    groups = [
        _group(who, weights)
        for who, weights in shared.items()
        if len(weights) >= _LEAST_SHARED and sum(weights.values()) >= bits
    ]
    return sorted(groups, key=lambda group: (-group.weight, group.students))


def _group(students: Sequence[tuple[str, str]], weights: dict[str, float]) -> Group:
    ids = sorted(weights, key=lambda id: [int(part) for part in id.split(".")])
    return Group(tuple(students), tuple(ids), round(sum(weights.values()), 1))
