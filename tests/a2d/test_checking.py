"""``a2d.check``: its four outcomes, its messages, and what it must never do."""

from __future__ import annotations

import random
import re
import sys
import types
from dataclasses import replace

import numpy as np
import pytest

import a2d
from a2d import exercises
from a2d.checks import using, verdicts
from a2d.checks.comparison import Refused, describe, difference, pattern, plain
from a2d.errors import CourseError
from a2d.exercises import Case, Exercise, Question, Wrong, calls
from teach.lectures import rubrics, texts


def _reference(x: np.ndarray, k: int) -> np.ndarray:
    return x * k


TOY = Exercise(
    id="90.1",
    title="scale",
    points=3,
    difficulty=1,
    minutes=5,
    signature="scale(x: np.ndarray, k: int) -> np.ndarray",
    reference=_reference,
    cases=lambda rng: [
        *(Case((rng.normal(size=(3, 2)), int(rng.integers(2, 5)))) for _ in range(3)),
        Case((np.zeros((0, 2)), 2), told="no rows", part="edge"),
    ],
    wrong=(Wrong("it adds and does not multiply", lambda x, k: x + k), Wrong("a sign is turned", lambda x, k: -x * k)),
    hints=("Use `*`.", "Really."),
    right="Scaling is linear.",
    parts={"all": 2, "edge": 1},
    forbidden=("numpy.multiply",),
)
MEANS = replace(
    TOY,
    id="90.3",
    signature="means(x: np.ndarray) -> float",
    reference=lambda x: float(x.mean()),
    cases=lambda rng: [Case((rng.normal(size=n),)) for n in (1, 3, 4, 5)],
    wrong=(),
    parts={},
    forbidden=(),
)
TRAINED = replace(
    MEANS,
    id="90.4",
    signature="double(x: Tensor) -> Tensor",
    reference=lambda x: 2 * x,
    cases=lambda rng: [Case((rng.normal(size=3).astype(np.float32),)) for _ in range(4)],
    call=calls.gradients,
)
ASK = Question("90.2", "why", 2, 5, "Why?")


@pytest.fixture(autouse=True)
def _toy_lecture(monkeypatch: pytest.MonkeyPatch) -> None:
    real = exercises.of_lecture
    monkeypatch.setattr(exercises, "of_lecture", lambda n: (TOY, ASK) if n == 90 else real(n))
    monkeypatch.setattr(verdicts, "_outcomes", {})
    toy = rubrics.Rubric(((1, "that"), (1, "this")), "Because that and this.")
    known = {**rubrics._all(), ASK.id: toy}
    monkeypatch.setattr(rubrics, "_all", lambda: known)


def judge(function, exercise: Exercise = TOY) -> verdicts.Outcome:
    return verdicts.judge(exercise, function)


# ---------------------------------------------------------------------------------------------------------- outcomes


def test_a_right_answer_gets_all_points_and_the_reason():
    outcome = judge(lambda x, k: k * x)
    assert (outcome.kind, outcome.points, outcome.of) == ("right", 3, 3)
    assert str(outcome) == "Exercise 90.1: Right (3 of 3 points).\nScaling is linear."


def test_a_wrong_answer_is_told_what_was_expected_and_what_came():
    outcome = judge(lambda x, k: x * k + 1e-3)
    assert (outcome.kind, outcome.points) == ("partly right", 1)
    assert "For x = [" in outcome.message
    assert "6 of 6 values differ" in outcome.message
    assert "It has the points for: edge." in outcome.message
    outcome = judge(lambda x, k: (x * k).T)
    assert "The shape should be (3, 2), it is (2, 3)." in outcome.message
    assert outcome.kind == "wrong"


def test_a_known_mistake_is_named():
    outcome = judge(lambda x, k: -k * x)
    assert outcome.misconception == "a sign is turned"
    assert "This looks like a known mistake: a sign is turned." in outcome.message
    assert judge(lambda x, k: x - k).misconception == ""


def test_a_part_can_be_wrong_alone():
    def no_edge(x, k):
        return x * k if len(x) else None

    outcome = judge(no_edge)
    assert (outcome.kind, outcome.points, outcome.parts) == ("partly right", 2, {"all": True, "edge": False})
    assert "For no rows:" in outcome.message
    assert "Is there a `return`?" in outcome.message


def test_an_error_names_the_line():
    def bad(x, k):
        y = x * k
        return y["key"]

    outcome = judge(bad)
    assert outcome.kind == "error"
    assert 'Line 3 of bad: return y["key"]' in outcome.message
    assert "IndexError" in outcome.message
    assert "Traceback" not in outcome.message


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x, "should take 2 arguments (x, k), it takes 1"),
        (lambda x, k, j: x, "should take 2 arguments (x, k), it takes 3"),
        (3, "Give the function itself"),
        ("text", "Give the function itself"),
        (lambda x, k: sys.exit(), "tries to end the program"),
        (lambda x, k: (_ for _ in ()).throw(RecursionError("too deep")), "RecursionError: too deep"),
    ],
)
def test_other_errors_are_told_in_words(function, expected):
    outcome = judge(function)
    assert outcome.kind == "error"
    assert expected in outcome.message


def _stub(x, k):
    """What it does."""
    # YOUR CODE HERE
    ...


def _stub_none(x, k):
    return None


def _stub_raises(x, k):
    raise NotImplementedError("later")


@pytest.mark.parametrize("function", [None, ..., _stub, _stub_none, _stub_raises, lambda x, k: None])
def test_what_is_not_written_is_not_wrong(function):
    outcome = judge(function)
    assert (outcome.kind, outcome.points) == ("empty", 0)
    assert str(outcome).startswith("Exercise 90.1: Not attempted yet.\n")


# ---------------------------------------------------------------------------------------------- what it must not do


def test_it_prints_and_never_raises(capsys):
    a2d.check("90.1", lambda x, k: x * k)
    a2d.check("90.1")
    a2d.check("nowhere", 3)
    a2d.check(None, None)
    a2d.check("90.2")
    a2d.check("90.1", object())
    out = capsys.readouterr().out
    assert "Exercise 90.1: Right" in out
    assert "Not attempted yet" in out
    assert out.count("there is no such exercise") == 2
    assert "Question 90.2 is marked by a person" in out


def test_an_interrupted_check_says_so(capsys):
    def endless(x, k):
        raise KeyboardInterrupt

    a2d.check("90.1", endless)
    assert "It was interrupted" in capsys.readouterr().out


def test_random_numbers_of_the_notebook_are_left_as_they_were():
    import torch

    def draws(x, k):
        return x * k + 0 * (np.random.rand() + random.random() + torch.rand(1).item())  # noqa: NPY002

    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002
    assert judge(draws).kind == "right"
    assert states == (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # noqa: NPY002
    seen = []
    judge(lambda x, k: seen.append(np.random.rand()) or x)  # noqa: NPY002
    assert len(set(seen)) == 1, "each call begins from the same state"


def test_arguments_cannot_be_spoilt_for_the_reference():
    def spoils(x, k):
        x *= k
        return x

    outcome = judge(spoils)
    assert outcome.kind == "right"
    assert "Note: it writes into its argument x; work on a copy." in outcome.message


def test_a_warning_of_python_is_passed_on_in_words(recwarn):
    def warns(x, k):
        return np.log(x * 0 - 1) + x

    outcome = judge(warns)
    assert "Note: Python warned: invalid value" in outcome.message
    assert not recwarn.list


def test_prints_of_a_learner_appear_once(capsys):
    def talks(x, k):
        print("here")
        return x * k

    judge(talks)
    assert capsys.readouterr().out == "here\n"


def test_the_answer_itself_is_forbidden_under_every_name():
    multiply = np.multiply

    def attribute(x, k):
        return np.multiply(x, k)

    def imported(x, k):
        from numpy import multiply as times

        return times(x, k)

    def whole_module(x, k):
        import numpy

        return numpy.multiply(x, k)

    for function in (attribute, imported, whole_module):
        outcome = judge(function)
        assert outcome.kind == "wrong", function.__name__
        assert "numpy.multiply, which is the answer itself" in outcome.message
    assert multiply is np.multiply


def test_a_function_of_ones_own_may_have_the_forbidden_name():
    def uses_own(x, k):
        return multiply(x, k)

    def multiply(x, k):
        return x * k

    assert judge(uses_own).kind == "right"


# ------------------------------------------------------------------------------------------------------ points, texts


def test_the_score_adds_up_what_was_checked(capsys):
    a2d.check("90.1", lambda x, k: x * k if len(x) else None)
    capsys.readouterr()
    a2d.score(90)
    out = capsys.readouterr().out
    assert "90.1  2 of 3  scale: not yet right, but partly" in out
    assert "Exercises: 2 of 3 points." in out
    assert "Questions that a person marks: 2 points." in out
    a2d.score("nine")
    assert "not the number of a lecture" in capsys.readouterr().out
    a2d.score()
    assert "2 of 3" in capsys.readouterr().out


def test_placeholders_become_the_declarations_texts():
    text = "{exercise 90.1}\nText.\n\n{hints 90.1}"
    for solution in (True, False):
        found = texts.expand(text, solution=solution)
        assert found.startswith("### Exercise 90.1: scale\n\nDifficulty 1/5, 5 min, 3 points.\nText.")
        assert found.count("<details><summary>Hint") == 2
    assert texts.expand("{question 90.2}", solution=False).endswith("Why?")
    assert "Because" not in texts.expand("{answer 90.2}", solution=False)
    answer = texts.expand("{answer 90.2}", solution=True)
    assert "Because that and this." in answer
    assert "| 1 | this |" in answer
    with pytest.raises(CourseError, match=r"90\.2 is a question"):
        texts.expand("{exercise 90.2}", solution=True)
    with pytest.raises(CourseError, match="no such exercise"):
        texts.expand("{hints 90.7}", solution=True)
    with pytest.raises(CourseError, match="no rubric"):
        rubrics.rubric("90.3")
    assert texts.expand("see {exercise 90.1} there", solution=True) == "see {exercise 90.1} there"


# ---------------------------------------------------------------------------------------------------------- comparing


@pytest.mark.parametrize(
    ("expected", "got", "says"),
    [
        (1.0, 1.0 + 1e-9, ""),
        (1.0, np.float32(1), ""),
        (2, 2.0, ""),
        (1.0, np.array([1.0]), ""),
        (1.0, 2.0, "Expected 1, got 2."),
        (1.0, float("nan"), "NaN"),
        (float("nan"), float("nan"), "Expected"),
        (1.0, True, "one number"),
        (1.0, "1", "one number"),
        (1.0, None, "one number"),
        (True, True, ""),
        (True, 1, "Expected True"),
        ("a", "a", ""),
        ("a", "b", "Expected 'a', got 'b'."),
        (np.ones(2), [1.0, 1.0], ""),
        (np.ones(2), np.ones(2, dtype=int), ""),
        (np.ones(2), np.ones((2, 1)), "shape should be (2,), it is (2, 1)"),
        (np.ones(2), [1.0, [2.0]], "Expected [1., 1.], got"),
        (np.ones(2), np.array(["a", "b"]), "Expected an array of shape (2,), got ["),
        (np.ones(2), np.array([1.0, np.nan]), "1 of 2 values are NaN"),
        (np.ones(2), np.ones(2) * 1j, "complex"),
        (np.array([True]), np.array([1]), "True and False"),
        (np.array(["a", "b"]), ["a", "b"], ""),
        (np.array(["a", "b"]), ["a", "c"], "Expected ['a', 'b'], got ["),
        (np.array(["a", "b"]), 3, "got 3"),
        (np.array([np.inf, 1]), np.array([np.inf, 1]), ""),
        (np.array([np.inf, 1]), np.array([5.0, 1]), "1 of 2 values differ"),
        (np.array([np.nan, np.nan]), np.array([5.0, 1]), "2 of 2 values differ"),
        ((1, 2.0), [1, 2.0], ""),
        ((1, 2.0), (1,), "Expected 2 results, got 1."),
        ((1, 2.0), (1, 3.0), "Result 2 of 2: Expected 2, got 3."),
        ([1, 2], np.array([1, 2]), ""),
        ([1, 2], 5, "Expected 2 results"),
        ({"a": 1}, {"a": 1}, ""),
        ({"a": 1}, {"b": 1}, "keys should be 'a'"),
        ({"a": 1}, {"a": 2}, "At 'a'"),
        ({"a": 1}, 1, "Expected a dict"),
    ],
)
def test_differences_are_said_in_words(expected, got, says):
    found = difference(plain(expected), plain(got), 1e-6, 1e-6)
    assert (says in found) if says else found == ""


def test_values_are_described_briefly():
    assert describe(np.arange(3)) == "[0, 1, 2]"
    assert describe(np.zeros((30, 4))) == "an array of shape (30, 4)"
    assert describe("x" * 100).endswith("...'")
    assert describe([1, (2.5, "a")]) == "[1, (2.5, 'a')]"
    assert describe(object()) == "a value of the type object"
    assert describe({"a": None}) == "{'a': None}"
    assert len(describe(list(range(1000)))) < 40


def test_calls_on_tensors_and_their_gradients():
    import torch

    def double(x, n):
        assert x.dtype == torch.float32
        assert n.dtype == torch.int64
        return 2 * x

    value, gradient = calls.gradients(double, np.ones(3), np.ones(2, dtype=int))
    assert value.shape == (3,)
    assert gradient.tolist() == [2, 2, 2]
    _, gradient, other = calls.gradients(lambda x, y: 2 * x, np.ones(3), np.ones(3))
    assert gradient.tolist() == [2, 2, 2]
    assert other.tolist() == [0, 0, 0], "what the result does not depend on has the gradient 0"
    for flat in (lambda x: x.detach(), lambda x: 3):
        with pytest.raises(Refused, match="gradient"):
            calls.gradients(flat, np.ones(3))
    assert calls.arguments(calls.tensors, np.ones(3), "a")[1] == "a"
    assert calls.tensors(lambda x, text: (x.dtype, text), np.array([True]), "a") == (torch.bool, "a")


def test_a_result_without_a_gradient_is_refused_in_words():
    def check(function):
        return verdicts.judge(TRAINED, function)

    assert check(lambda x: 2 * x).kind == "right"
    assert "has no gradient" in check(lambda x: (2 * x).detach()).message
    assert "is a float, not a tensor" in check(lambda x: (2 * x).sum().item()).message
    named = replace(TRAINED, wrong=(Wrong("the gradient is cut off", lambda x: (2 * x).detach()),))
    assert verdicts.judge(named, lambda x: (x + x).detach()).misconception == "the gradient is cut off"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda x: x / 22, "0.04545 times"),
        (lambda x: -x, "the negative of"),
        (lambda x: x + 3, "3 too large"),
        (lambda x: x - 0.5, "0.5 too small"),
        (np.transpose, "Rows and columns are exchanged"),
        (lambda x: x[:, ::-1], "reversed order"),
        (lambda x: x**2, ""),
        (lambda x: x * np.nan, ""),
        (lambda x: "text", ""),
    ],
)
def test_what_all_wrong_results_have_in_common_is_said(change, says):
    rng = np.random.default_rng(0)
    expected = [rng.normal(size=(3, 4)) for _ in range(3)]
    found = pattern([(e, change(e)) for e in expected], 1e-6, 1e-6)
    assert (says in found) if says else found == ""
    assert pattern([(e, (n + 1) * e) for n, e in enumerate(expected)], 1e-6, 1e-6) == "", "no one factor fits all"


def test_a_forgotten_return_is_not_called_unwritten():
    def means(x):
        x.mean()

    outcome = verdicts.judge(MEANS, means)
    assert (outcome.kind, outcome.points) == ("wrong", 0)
    assert "Is a `return` missing" in outcome.message


def test_variables_of_the_notebook_in_a_function_are_named():
    outcome = verdicts.judge(MEANS, uses_what_lies_outside)
    assert "it uses `OUTSIDE` from outside the function" in outcome.message


OUTSIDE = np.ones(3)


def uses_what_lies_outside(x):
    return OUTSIDE.mean()


def test_the_share_of_right_cases_is_told():
    outcome = verdicts.judge(MEANS, lambda x: x.mean() if len(x) > 1 else 7.0)
    told = re.search(r"(\d) of (\d) cases are right", outcome.message)
    assert told, outcome.message


def test_mine_is_the_learners_function_once_it_is_right(monkeypatch, capsys):
    monkeypatch.setattr(using, "_right", {})
    monkeypatch.setattr(using, "_failed", {})
    exercise = exercises.get("3.4")
    assert a2d.mine("3.4") is (exercise.stand_in or exercise.reference)
    assert "the course's, until" in capsys.readouterr().out
    a2d.check("3.4", lambda *arguments: 0)
    assert a2d.mine("3.4") is (exercise.stand_in or exercise.reference)
    mine = types.FunctionType(exercise.reference.__code__, exercise.reference.__globals__)
    a2d.check("3.4", mine)
    a2d.check("3.4", None)  # a later slip takes nothing away
    capsys.readouterr()
    assert a2d.mine("3.4") is mine
    assert "yours, from exercise 3.4" in capsys.readouterr().out
    with pytest.raises(CourseError, match="question in words"):
        a2d.mine("3.6")
    with pytest.raises(CourseError, match="no such exercise"):
        a2d.mine("77.1")


def test_case_gives_the_input_back_on_which_it_failed(monkeypatch, capsys):
    monkeypatch.setattr(using, "_right", {})
    monkeypatch.setattr(using, "_failed", {})
    assert a2d.case("4.1") is None
    assert "has not been checked yet" in capsys.readouterr().out
    a2d.check("4.1", lambda labels, classes, u: classes)
    capsys.readouterr()
    labels, classes, u = a2d.case("4.1")
    names = ", ".join(exercises.get("4.1").parameters)
    assert f'{names} = a2d.case("4.1")' in capsys.readouterr().out
    assert len(classes) == len(u)
    reference = exercises.get("4.1").reference
    assert not np.array_equal(reference(labels, classes, u), classes)
    a2d.check("4.1", reference)
    assert a2d.case("4.1") is None
    a2d.check("3.2", lambda mu, logvar, eps: mu)
    assert all(hasattr(one, "backward") for one in a2d.case("3.2")), "tensors, as the function gets them"
    a2d.check("7.2", lambda net: 0)
    assert hasattr(a2d.case("7.2")[0], "fc1"), "a network"
