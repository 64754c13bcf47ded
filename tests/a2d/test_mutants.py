"""The checkers are checked: small changes of the lectures' own solutions are not called right.

A mutant is a solution with one operator, comparison, number, index, keyword or call changed. One that is called right
either computes the same (``SAME`` says why), or shows a case that the exercise lacks.
"""

from __future__ import annotations

import ast
import copy
import inspect
import textwrap
from collections.abc import Iterator

import pytest

from a2d import exercises
from a2d.checks import verdicts
from a2d.exercises import Exercise
from teach.lectures import lint, source

SOURCES = {int(path.stem[:2]): path for path in source.find_sources()}
CODE = [one for one in exercises.every() if isinstance(one, Exercise)]

SWAPS: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Pow: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.MatMult: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.USub: ast.UAdd,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
# Calls of one argument that, left out, leave a value of the same kind.
DROPPED = ("abs", "sqrt", "exp", "log", "log2", "log10", "floor", "square", "sigmoid", "sorted", "set", "round", "conj")

# Mutants that compute the same, by exercise: what the changed line holds, and why that changes nothing.
SAME: dict[str, dict[str, str]] = {
    "1.2": {"spectrum = ": "the last axis is what rfft takes anyway, and the second of two"},
    "3.1": {"dim=+1": "the second of two axes is the last"},
    "5.3": {"kernel)": "the values beyond the last place are cut off"},
    "5.7": {"gap / ": "an open rule: how far is far is the learner's choice", "late = ": "so is how late is late"},
    "9.2": {
        "eye(11)": "an eleventh digit never occurs, so it is never read",
        "lstsq": "rcond=None is what NumPy takes anyway",
    },
    "11.1": {"energy > energy": "no frame lies exactly on the border, which would be a matter of rounding"},
    "10.5": {"np.geomspace(": "how far and how finely one looks does not matter, as long as it is enough"},
}


# Open tasks are graded by what an answer does, within limits: a slightly other rule may be right as well. Of their
# mutants at least a third are refused.
OPEN = {"1.7", "2.6", "3.7", "4.7", "8.5", "9.6", "11.4"}


def mutants(tree: ast.Module) -> Iterator[tuple[str, ast.Module]]:
    """Each small change of a function's body, with the line that it gives."""
    places = [n for statement in _body(tree) for n in ast.walk(statement)]
    for at in range(len(places)):
        for change in range(3):
            twin = copy.deepcopy(tree)
            node = [n for statement in _body(twin) for n in ast.walk(statement)][at]
            if _mutate(node, change):
                yield _line(twin, node), ast.fix_missing_locations(twin)


def _body(tree: ast.Module) -> list[ast.stmt]:
    function = next(n for n in tree.body if isinstance(n, ast.FunctionDef))
    skip = isinstance(function.body[0], ast.Expr) and isinstance(function.body[0].value, ast.Constant)
    return function.body[skip:]


def _mutate(node: ast.AST, change: int) -> bool:
    for name in ("op", "ops"):
        if change == 0 and hasattr(node, name):
            old = getattr(node, name)
            if name == "ops":
                if type(old[0]) in SWAPS:
                    node.ops = [SWAPS[type(old[0])](), *old[1:]]
                    return True
            elif type(old) in SWAPS:
                node.op = SWAPS[type(old)]()
                return True
    if isinstance(node, ast.Constant) and type(node.value) in (int, float) and change < 2:  # not True and False
        node.value = node.value + (1, -1)[change]
        return True
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert | ast.Not) and change == 0:
        inner = node.operand
        node.__class__, node.__dict__ = inner.__class__, inner.__dict__  # type: ignore[assignment]
        return True
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if change == 0 and node.keywords and node.keywords[-1].arg != "strict":
            node.keywords = node.keywords[:-1]
            return True
        if change == 1 and called in DROPPED and len(node.args) == 1:
            argument = node.args[0]
            node.__class__, node.__dict__ = argument.__class__, argument.__dict__  # type: ignore[assignment]
            return True
        if change == 2 and called in ("maximum", "minimum", "max", "min", "clip", "clamp") and len(node.args) == 2:
            argument = node.args[0]
            node.__class__, node.__dict__ = argument.__class__, argument.__dict__  # type: ignore[assignment]
            return True
    return False


def _line(tree: ast.Module, node: ast.AST) -> str:
    """The first line of the innermost statement that a node belongs to."""
    inside = [one for one in ast.walk(tree) if isinstance(one, ast.stmt) and any(n is node for n in ast.walk(one))]
    return ast.unparse(inside[-1]).splitlines()[0]  # ast.walk goes from the outside to the inside


def solution(exercise: Exercise) -> tuple[str, dict]:
    """The source of the lecture's solution, and the names that its lecture has imported by then."""
    lecture = source.read_lecture(SOURCES[int(exercise.id.partition(".")[0])])
    name = lint.cell_name("exercise", exercise.id)
    space: dict = {}
    for cell in lecture.cells:
        if cell.kind != "code":
            continue
        text = source.versions(lecture.path, cell)[0]
        for node in ast.parse(text).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                exec(compile(ast.Module([node], []), "<imports>", "exec"), space)
        if cell.name == name:
            return text, space
    raise AssertionError(f"no cell {name}")


@pytest.mark.usefixtures("sheets_made_once")
@pytest.mark.parametrize("exercise", CODE, ids=lambda one: one.id)
def test_no_mutant_of_the_solution_is_called_right(exercise):
    text, space = solution(exercise)
    tree = ast.parse(textwrap.dedent(text))
    assert list(mutants(tree)) or len(ast.unparse(tree)) < 200, "nothing in it can be changed"
    right, known = [], SAME.get(exercise.id, {})
    used, tried = set(), 0
    for line, mutant in mutants(tree):
        tried += 1
        inside = dict(space)
        try:
            exec(compile(mutant, f"<mutant of {exercise.id}>", "exec"), inside)
        except Exception:  # it does not even run
            continue
        outcome = verdicts.judge(exercise, inside[exercise.name])
        if outcome.kind == "right":
            why = next((part for part in known if part in line), None)
            used.add(why)
            if why is None:
                right.append(line)
    if exercise.id in OPEN:
        assert len(right) <= 2 * tried / 3, right
        return
    assert not right, f"{exercise.id}: called right, though a line was changed to:\n" + "\n".join(right)
    assert used >= set(known), f"no longer needed: {set(known) - used}"


def test_a_mutant_is_another_function():
    def area(r: float) -> float:
        return 3 * r**2 + abs(r)

    lines = [line for line, _ in mutants(ast.parse(textwrap.dedent(inspect.getsource(area))))]
    for expected in ("return 3 * r ** 2 - abs(r)", "return 4 * r ** 2 + abs(r)", "return 3 * r ** 2 + r"):
        assert expected in lines
