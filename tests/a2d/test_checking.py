"""``a2d.check``: its four outcomes, its messages, and what it must never do."""

from __future__ import annotations

import random
import sys

import numpy as np
import pytest

import a2d
from a2d import exercises
from a2d.checks import verdicts
from a2d.checks.comparison import describe, difference, plain
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
    assert "What is right already: edge." in outcome.message
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
        (np.ones(2), np.array(["a", "b"]), "array of numbers"),
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
    value, gradient = calls.gradients(lambda x: x.detach(), np.ones(3))
    assert gradient.tolist() == [0, 0, 0], "what gives no gradient has the gradient 0"
    assert calls.gradients(lambda x: 3, np.ones(3)) == 3
    assert calls.tensors(lambda x, text: (x.dtype, text), np.array([True]), "a") == (torch.bool, "a")
