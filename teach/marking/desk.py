"""What a person who marks has on the desk: the answers in words of a graded folder, one question after the other.

Nothing is kept here but the order and the steps that can be undone: marks are read from the ledger whenever they are
asked for and written there at once, so that several people and a run of the grading may work on one folder.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from a2d import exercises
from a2d.exercises import Question
from teach.grading import ledger
from teach.grading.grade import all_kept, counted, kept_around
from teach.grading.ledger import FIRST, SECOND, SETTLED, Decision
from teach.grading.model import Grade, GradingError, Result
from teach.marking import agreement

COMMENT_CHARACTERS = 5_000
# Comments that are offered again, and their longest.
_OFFERED, _LINE = 9, 300


class Refused(GradingError):
    """A mark that cannot be, however often it is tried."""


@dataclass(frozen=True)
class Sheet:
    """One answer as it lies on the desk.

    ``n`` is its place in the order, from 0. ``mark`` is the decision of this marker's that stands about its text, or
    the draft of a comment; ``stale`` one about a former text. ``around`` is what stands around it in the notebook,
    ``pictures`` by their hash as (kind, base64). ``pair`` is only there where two decide together.
    """

    n: int
    result: Result
    grade: Grade
    question: Question
    text: str
    print: str
    mark: Decision | None
    stale: Decision | None
    around: dict[str, Any]
    pictures: dict[str, Any]
    pair: agreement.Pair | None


class Desk:
    """The answers of a graded folder that one person marks.

    ``second``: as a second marker, whose marks do not count and who sees nothing of the first's. ``blind``: students
    come in an order that says nothing of them. ``questions``: only these. Raises :class:`GradingError` for a folder
    that is none, and where there is nothing to mark.
    """

    def __init__(
        self, out: Path, who: str = "", *, second: bool = False, blind: bool = False, questions: Collection[str] = ()
    ):
        self.out, self.who, self.second, self.blind = out, who or ledger.me() or "unknown", second, blind
        self._prints: dict[tuple[str, str], str] = {}
        found: dict[str, list[str]] = {}
        for result in all_kept(out):
            for id, text in result.written.items():
                found.setdefault(id, []).append(result.key)
                self._prints[result.key, id] = ledger.print_of(text)
        asked = [one.id for one in exercises.every() if isinstance(one, Question) and one.id in found]
        if not asked:
            hint = "Name the --out of a `teach grade` whose lectures have questions"
            raise GradingError("there are no answers in words to mark here", where=out, hint=hint)
        if unknown := [id for id in questions if id not in asked]:
            hint = f"Use some of {', '.join(asked)}"
            raise GradingError("nobody has answered this question in words", where=", ".join(unknown), hint=hint)
        marked = self.marked()
        self.order = [
            (key, id)
            for id in asked
            if not questions or id in questions
            for key in sorted(found[id], key=lambda key: ((key, id) in marked, self._place(key, id)))
        ]
        self._steps: list[tuple[int, Decision, Decision | None, bool]] = []

    def _place(self, key: str, id: str) -> str:
        return hashlib.sha256(f"{id} {key}".encode()).hexdigest() if self.blind else key

    def _mine(self, decisions: list[Decision], *, settle: bool = False) -> dict[tuple[str, str], Decision]:
        """The last decision about each answer, as far as this marker sees them; drafts among them."""
        if self.second and not settle:
            return {(one.key, one.id): one for one in decisions if one.role == SECOND and one.who == self.who}
        return {(one.key, one.id): one for one in decisions if one.role != SECOND}

    def marked(self) -> set[tuple[str, str]]:
        """The answers, as (key, id), whose text this marker has marked as it is."""
        mine = self._mine(ledger.read(self.out)).items()
        return {at for at, one in mine if one.points is not None and one.text == self._prints.get(at)}

    # ------------------------------------------------------------------------------------------------------ looking

    def sheet(self, n: int, *, settle: bool = False) -> Sheet:
        """The answer at place ``n``; with ``settle``, with both markers' marks. Raises :class:`GradingError`."""
        if not 0 <= n < len(self.order):
            raise GradingError("there is no such answer", where=str(n + 1), hint=f"There are {len(self.order)}")
        key, id = self.order[n]
        result = counted(self.out, key)
        grade = next((one for one in result.grades if one.id == id), None)
        question = exercises.get(id)
        if grade is None or id not in result.written or not isinstance(question, Question):
            hint = "The folder was graded anew: end this, and give the command again"
            raise GradingError("this answer is not there any more", where=f"{key}, {id}", hint=hint)
        text = result.written[id]
        print = self._prints[key, id] = ledger.print_of(text)
        decisions = ledger.read(self.out)
        last = self._mine(decisions, settle=settle).get((key, id))
        current = last if last is None or last.points is None or last.text == print else None
        stale = last if current is None else None
        around, pictures = kept_around(self.out, key, id)
        twice = [one for one in self.twice() if (one.key, one.id) == (key, id)] if settle else []
        return Sheet(
            n,
            result,
            grade,
            question,
            text,
            print,
            current,
            stale,
            around,
            pictures,
            twice[-1] if twice else None,
        )

    def progress(self, n: int = 0) -> dict[str, int]:
        """How many answers there are, are marked and wait; of the question of place ``n``, its place and how many."""
        marked = self.marked()
        waiting = [at for at in self.order if at not in marked]
        _, id = self.order[n]
        same = [at for at, (_, other) in enumerate(self.order) if other == id]
        done = len(self.order) - len(waiting)
        return {"all": len(self.order), "marked": done, "wait": len(waiting), "place": n - same[0] + 1, "of": len(same)}

    def waiting(self, after: int = -1) -> int | None:
        """The place of the next answer behind ``after`` that waits to be marked, from the first on at the end."""
        marked = self.marked()
        places = [n for n, at in enumerate(self.order) if at not in marked]
        return next((n for n in places if n > after), places[0] if places else None)

    def comments(self, id: str) -> list[str]:
        """The lines of comments that this marker can see about a question, the most used first."""
        mine = self._mine(ledger.read(self.out))
        lines = (line.strip() for one in reversed(mine.values()) if one.id == id for line in one.comment.splitlines())
        return [line for line, _ in Counter(one for one in lines if 0 < len(one) <= _LINE).most_common(_OFFERED)]

    def twice(self) -> list[agreement.Pair]:
        """The answers that two marked, once nothing waits any more: before that, it would tell one of the other."""
        marked = self.marked()
        return agreement.pairs(ledger.read(self.out)) if marked >= set(self.order) else []

    # ------------------------------------------------------------------------------------------------------ marking

    def mark(self, n: int, points: float | None, comment: str, print: str, *, settle: bool = False) -> None:
        """Write down what the answer at place ``n`` gets; None for no points (yet).

        ``print`` is of the text that was shown. Raises :class:`Refused` for what cannot be.
        """
        key, id = self.order[n] if 0 <= n < len(self.order) else ("", "")
        sheet = self.sheet(n)
        if print != sheet.print:
            hint = "Load the page again, and read it anew"
            raise Refused("the answer has changed since it was shown", where=f"question {id}", hint=hint)
        if points is not None and not 0 <= points <= sheet.grade.maximum:
            told = f"{points:g} is not from 0 to {sheet.grade.maximum:g}"
            raise Refused(told, where=f"question {id}", hint="Give other points")
        if len(comment) > COMMENT_CHARACTERS:
            hint = f"Write at most {COMMENT_CHARACTERS:,} characters"
            raise Refused("the comment is too long", where=f"question {id}", hint=hint)
        role = SETTLED if settle else SECOND if self.second else FIRST
        one = Decision(key, id, points, comment.strip(), self.who, text=print, role=role)
        before = _last(one, ledger.read(self.out))
        # Words that are typed one after the other are one step, and one decision.
        typed = bool(self._steps) and self._steps[-1][3] and self._steps[-1][:2] == (n, _bare(one))
        after = _last(one, ledger.add(self.out, [one], reworded=typed))
        if after != before and not typed:
            self._steps.append((n, _bare(one), before, points == (before.points if before is not None else None)))

    def undo(self) -> int | None:
        """Take the last step back, as a decision of its own; gives its place, or None where there is none."""
        if not self._steps:
            return None
        n, done, before, _ = self._steps.pop()
        last = _last(done, ledger.read(self.out))
        if last is None or _bare(last) != done:
            hint = "Look at it, and decide anew"
            raise Refused("somebody else has decided about it since", where=f"question {done.id}", hint=hint)
        back = [replace(done, points=None)] if before is None or before.role != done.role else []
        ledger.add(self.out, [*back, *([replace(before, when="")] if before is not None else [])])
        return n


def _last(one: Decision, decisions: Sequence[Decision]) -> Decision | None:
    """The last decision about the same answer that one takes the place of."""
    return next((other for other in reversed(decisions) if other.voice == one.voice), None)


def _bare(one: Decision) -> Decision:
    """A decision without its comment and its time: what stays while a comment is typed."""
    return replace(one, comment="", when="")
