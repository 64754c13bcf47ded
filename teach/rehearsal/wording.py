"""Declared answers as a student would have written them: the text of one cell that needs nothing else.

The right answer is the lecture's own solution (the reference may call what learners must not), a wrong one is the
declared function under the exercise's name, with the helpers, constants and imports that it needs.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import importlib.util
import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from a2d import exercises
from a2d.errors import CourseError
from a2d.exercises import Exercise, Question
from teach.lectures.lint import cell_name
from teach.lectures.source import find_sources

# By lecture, helpers that call what an exercise forbids, and what a student would write instead.
_INSTEAD = {
    1: {
        "_transform": """\
def _transform(log_mel, axis):
    turned = np.moveaxis(log_mel, axis, 1)
    return np.moveaxis(_cepstrum(turned, turned.shape[1]), 1, axis)"""
    },
    3: {
        "_torch_kl": """\
def _torch_kl(mu, logvar):
    return 0.5 * (mu**2 + logvar.exp() - logvar - 1)""",
        "_torch_bce": """\
def _torch_bce(logits, target):
    return torch.nn.functional.softplus(logits) - target * logits""",
    },
}


@dataclass(frozen=True)
class Written:
    """An answer as text: the lines of its imports, the helpers in their order, and the function itself."""

    imports: tuple[str, ...]
    helpers: tuple[str, ...]
    function: str

    @property
    def text(self) -> str:
        """All of it, as one cell."""
        return "\n\n\n".join(part for part in ("\n".join(self.imports), *self.helpers, self.function) if part)


def right_source(exercise: Exercise) -> str:
    """The lecture's solution as one cell that needs nothing else."""
    return right(exercise).text


def declared_source(exercise: Exercise, answer: Callable[..., Any]) -> str:
    """A declared answer, the reference or the ``answer`` of a wrong one, as one cell that needs nothing else.

    Raises :class:`CourseError` for an answer that is no function at the top level of its module.
    """
    return (right(exercise) if answer is exercise.reference else wrong(exercise, answer)).text


def right(exercise: Exercise, *, alone: bool = True) -> Written:
    """The lecture's solution; unless ``alone``, functions of this package stay imported instead of written out."""
    return _right(exercise.id, alone)


def imports_for(ones: Iterable[Exercise | Question]) -> list[str]:
    """What the lectures have imported where these exercises stand, their signatures' types included."""
    lines = {line for one in ones if isinstance(one, Exercise) for line in right(one, alone=False).imports}
    return ["import a2d", *sorted(lines | {"import numpy as np", "import torch"})]


@cache
def _right(id: str, alone: bool) -> Written:
    exercise = exercises.get(id)
    known: dict[str, str] = {}
    for name, text in _code(int(id.partition(".")[0])):
        module = _Module.read(text)
        if name == cell_id("exercise", id):
            # What the cell imports stays there, whether the function needs it or later cells do.
            given = tuple(line for line in module.imports.values() if not (alone and line.startswith("from a2d")))
            assert isinstance(exercise, Exercise)
            main = module.defined[exercise.name]
            told = _gather(main, ast.get_source_segment(text, main) or "", module, known, alone=alone)
            return replace(told, imports=tuple(dict.fromkeys((*given, *told.imports))))
        known |= module.imports
    raise CourseError("its lecture has no cell for it", where=id, hint="Run `teach build`")


def wrong(exercise: Exercise, answer: Callable[..., Any]) -> Written:
    """A wrong answer under the exercise's name and signature; where it calls a reference, it calls the solution."""
    module, main = _found(exercise, answer)
    number = int(exercise.id.partition(".")[0])
    known = {name: line for _, text in _code(number) for name, line in _Module.read(text).imports.items()}
    instead = _instead(number, module, known)
    head = _head(exercise)
    if not isinstance(main, ast.FunctionDef):
        main = _as_function(main, head)
        return _gather(main, ast.unparse(main), module, known, instead)
    same = [a.arg for a in _arguments(main)] == [a.arg for a in _arguments(head)]
    header = f"def {exercise.signature}:" if same else _header(exercise.name, _bare(main))
    told = _gather(_bare(main), _with_header(module.text, main, header), module, known, instead)
    if not same:
        return told
    annotations = _gather(head, "", module, known)
    return replace(told, imports=tuple(sorted({*annotations.imports, *told.imports})))


def _head(exercise: Exercise) -> ast.FunctionDef:
    head = ast.parse(f"def {exercise.signature}: ...").body[0]
    assert isinstance(head, ast.FunctionDef)
    return head


def _found(exercise: Exercise, answer: Callable[..., Any]) -> tuple[_Module, ast.FunctionDef | ast.expr]:
    """The module of a declared answer, and its definition there, or the expression that makes it in `Wrong(...)`."""
    with contextlib.suppress(OSError, TypeError):  # what is not written in Python has no source
        home = inspect.getmodule(answer)
        module = _Module.read(inspect.getsource(home) if home else "")
        main = module.defined.get(getattr(answer, "__name__", ""))
        if isinstance(main, ast.FunctionDef):
            return module, main
    with contextlib.suppress(OSError, StopIteration, IndexError):
        number = int(exercise.id.partition(".")[0])
        [name] = [name for name in exercises.modules() if f".e{number:02d}_" in name]
        module = _Module.read(inspect.getsource(importlib.import_module(name)))
        known = exercises.get(exercise.id)
        assert isinstance(known, Exercise)
        at = next(n for n, one in enumerate(known.wrong) if one.answer is answer)
        made = _declared(module.text, exercise.id)[at]
        if isinstance(made, ast.Lambda | ast.Call):
            return module, made
    hint = "Declare it with `def` at the top level of the exercises' module, or as the second argument of `Wrong(...)`"
    raise CourseError(f"{answer!r} is no answer that can be written as text", where=exercise.id, hint=hint)


def _declared(text: str, id: str) -> list[ast.expr]:
    """The expressions of an exercise's wrong answers: each the second argument of `Wrong(...)` or of what makes one."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Exercise":
            given = {one.arg: one.value for one in node.keywords}
            listed = given.get("wrong")
            if ast.literal_eval(given["id"]) == id and isinstance(listed, ast.Tuple):
                return [one.args[1] for one in listed.elts if isinstance(one, ast.Call)]
    return []


def _as_function(made: ast.expr, head: ast.FunctionDef) -> ast.FunctionDef:
    """A lambda, or a call that makes a function, as a function with the exercise's name and parameters."""
    head = _bare(head)
    names = [one.arg for one in _arguments(head)]
    result: ast.expr = ast.Call(made, [ast.Name(name, ast.Load()) for name in names], [])
    if isinstance(made, ast.Lambda):
        own = [one.arg for one in made.args.args]
        plain = len(own) == len(names) == len(_arguments(made)) and not made.args.defaults
        used = {n.id for n in ast.walk(made.body) if isinstance(n, ast.Name)} | {
            n.arg for n in ast.walk(made.body) if isinstance(n, ast.arg)
        }
        if plain and not (used - set(own)) & set(names):
            result = _Renamed(dict(zip(own, names, strict=True))).visit(copy.deepcopy(made.body))
    return ast.fix_missing_locations(ast.FunctionDef(head.name, head.args, [ast.Return(result)], []))


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str]):
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.names.get(node.id, node.id), node.ctx)


def _written_under(exercise: Exercise) -> Written:
    return _under(right(exercise), exercise.reference.__name__)


def _instead(number: int, module: _Module, known: Mapping[str, str]) -> dict[str, Callable[[], Written]]:
    """What stands in for the references of a lecture, and for helpers that call what learners must not."""
    found: dict[str, Callable[[], Written]] = {}
    for one in exercises.of_lecture(number):
        if not isinstance(one, Exercise):
            continue
        given = module.defined.get(one.reference.__name__)
        # A reference with switches of its own, for the wrong answers, is more than the solution.
        if isinstance(given, ast.FunctionDef) and len(_arguments(given)) == len(one.parameters):
            found[one.reference.__name__] = partial(_written_under, one)
    for name, text in _INSTEAD.get(number, {}).items():
        main = _Module.read(text).defined[name]
        found[name] = partial(_gather, main, text, module, known, found)
    return found


def imports_of(text: str) -> list[str]:
    """The import statements at the top level of a module or a cell, as statements of one name each."""
    return list(_Module.read(text).imports.values())


def bound_name(line: str) -> str:
    """The name that an import statement of one name gives."""
    return next(iter(_Module.read(line).imports), "")


def without_annotations(function: str, inside: tuple[str, ...] = ()) -> str:
    """A function without its annotations, and with the import statements ``inside`` as its first lines."""
    node = _bare(ast.parse(function).body[0])
    at = 1 if ast.get_docstring(node) is not None else 0
    node.body[at:at] = [ast.parse(line).body[0] for line in inside]
    return ast.unparse(node)


# ---------------------------------------------------------------------------------------------------- reading the text


@dataclass(frozen=True)
class _Module:
    """What a module or a cell gives at its top level: definitions by name, and for each imported name its import."""

    text: str
    defined: Mapping[str, ast.stmt]
    imports: Mapping[str, str]

    @classmethod
    @cache
    def read(cls, text: str) -> _Module:
        defined: dict[str, ast.stmt] = {}
        imports: dict[str, str] = {}
        for node in _statements(ast.parse(text).body):
            if isinstance(node, ast.Import):
                for one in node.names:
                    imports[one.asname or one.name.partition(".")[0]] = ast.unparse(ast.Import([one]))
            elif isinstance(node, ast.ImportFrom):
                for one in node.names:
                    imports[one.asname or one.name] = ast.unparse(ast.ImportFrom(node.module, [one], node.level))
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                defined[node.name] = node
            elif isinstance(node, ast.Assign):
                defined |= {n.id: node for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)}
        imports.pop("annotations", None)
        return cls(text, defined, imports)


def _statements(nodes: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, with those under ``if TYPE_CHECKING``."""
    for node in nodes:
        if isinstance(node, ast.If):
            yield from _statements(node.body)
        else:
            yield node


@cache
def _code(number: int) -> tuple[tuple[str, str], ...]:
    """Id and text of each code cell of a lecture, with the solutions."""
    [path] = find_sources(names=[f"{number:02d}"])
    cells = read_notebook(path.parent.parent / "solutions" / f"{path.stem}.ipynb")["cells"]
    return tuple((cell["id"], "".join(cell["source"])) for cell in cells if cell["cell_type"] == "code")


def read_notebook(path: Path) -> dict[str, Any]:
    """One of the lectures' notebooks, as it is in its file; raises :class:`CourseError` if it is not there."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CourseError(f"cannot read it ({error})", where=path, hint="Run `teach build`") from error


def cell_id(kind: str, id: str) -> str:
    """The id that an exercise's cell has in its lecture's notebook, as in ``01-exercise-1-1``."""
    return f"{int(id.partition('.')[0]):02d}-{cell_name(kind, id)}"


def _gather(
    main: ast.stmt,
    function: str,
    module: _Module,
    known: Mapping[str, str],
    instead: Mapping[str, Callable[[], Written]] | None = None,
    *,
    alone: bool = True,
) -> Written:
    """A function's text with all that it needs: from ``instead``, else from its module, else from known imports."""
    imports: set[str] = set()
    helpers: dict[str, None] = {}
    seen = {main.name} if isinstance(main, ast.FunctionDef) else set()

    def take(other: Written) -> None:
        imports.update(other.imports)
        helpers.update(dict.fromkeys((*other.helpers, other.function)))

    def need(node: ast.stmt) -> None:
        for name in _free(node):
            if name in seen:
                continue
            seen.add(name)
            if instead and name in instead:
                take(instead[name]())
            elif name in module.defined:
                inner = module.defined[name]
                plain = _bare(inner) if isinstance(inner, ast.FunctionDef) else inner
                need(plain)
                helpers[_helper(module.text, inner)] = None
            elif line := module.imports.get(name) or known.get(name):
                ours = re.fullmatch(r"from (a2d[\w.]*) import (\w+)", line)
                if ours and alone:
                    take(_of_package(ours[1], ours[2]))
                else:
                    imports.add(line)

    need(main)
    return Written(tuple(sorted(imports)), tuple(helpers), function)


def _of_package(module: str, name: str) -> Written:
    """A function of this package with all that it needs, for answers that may not import the package."""
    # The file is read, not imported: that would import torch.
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    read = _Module.read(Path(spec.origin).read_text(encoding="utf-8"))
    main = read.defined[name]
    return _gather(_bare(main), _helper(read.text, main), read, {})


def _free(node: ast.stmt) -> list[str]:
    """The names that a statement takes from outside."""
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    if not isinstance(node, ast.FunctionDef):
        return [n.id for n in names if isinstance(n.ctx, ast.Load)]
    inside = [n for n in ast.walk(node) if isinstance(n, ast.FunctionDef | ast.Lambda)]
    bound = {n.id for n in names if isinstance(n.ctx, ast.Store)} | {a.arg for n in inside for a in _arguments(n)}
    bound |= {n.name for n in inside if isinstance(n, ast.FunctionDef) and n is not node}
    bound |= {
        alias.asname or alias.name.partition(".")[0]
        for n in ast.walk(node)
        if isinstance(n, ast.Import | ast.ImportFrom)
        for alias in n.names
    }
    return list(dict.fromkeys(n.id for n in names if n.id not in bound))


def _arguments(node: ast.FunctionDef | ast.Lambda) -> list[ast.arg]:
    a = node.args
    return [*a.posonlyargs, *a.args, *a.kwonlyargs, *(one for one in (a.vararg, a.kwarg) if one)]


# ---------------------------------------------------------------------------------------------------- writing the text


def _bare(node: ast.stmt) -> ast.FunctionDef:
    """A function without the annotations of its arguments and result, which may need imports of their own."""
    bare = copy.deepcopy(node)
    assert isinstance(bare, ast.FunctionDef)
    bare.returns = None
    for argument in _arguments(bare):
        argument.annotation = None
    return bare


def _header(name: str, bare: ast.FunctionDef) -> str:
    return f"def {name}({ast.unparse(bare.args)}):"


def _helper(text: str, node: ast.stmt) -> str:
    if isinstance(node, ast.FunctionDef):
        return _with_header(text, node, _header(node.name, _bare(node)))
    return ast.get_source_segment(text, node) or ast.unparse(node)


def _with_header(text: str, node: ast.FunctionDef, header: str) -> str:
    """A function's text, comments and all, below another header."""
    lines = text.splitlines()
    first = node.body[0].lineno
    while lines[first - 2].lstrip().startswith("#"):
        first -= 1
    return "\n".join([header, *lines[first - 1 : node.end_lineno]])


def _under(written: Written, name: str) -> Written:
    """The same answer with its function under another name, without annotations."""
    node = ast.parse(written.function).body[0]
    assert isinstance(node, ast.FunctionDef)
    return replace(written, function=_with_header(written.function, node, _header(name, _bare(node))))
