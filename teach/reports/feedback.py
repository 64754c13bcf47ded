"""The page that each student gets back: what was judged, how it ended, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from a2d import exercises
from a2d.exercises import Question
from a2d.io.atomic import write_text
from teach.grading.model import MARKED, Grade, GradingError, Result
from teach.reports.pages import SIGNS, render
from teach.reports.tables import Results, lecture_of, percent, totals

FOLDER = "feedback"

_PAGE = """{% extends "shell" %}
{% from "macros" import count, edge, points, state %}
{% block body %}
<header>
<h1>Feedback for <bdi>{{ result.student }}</bdi></h1>
{% if result.number %}<p>Number <bdi>{{ result.number }}</bdi></p>{% endif %}
<p class="total"><strong>{{ earned | number }} of {{ maximum | number }} points</strong> ({{ share | number }} %)</p>
{% if waiting %}
<p class="note">A person still has to mark questions for up to {{ count(waiting, "point") }}; they are not in this
total.</p>
{% endif %}
{% if result.late %}<p class="note">It was handed in late.</p>{% endif %}
</header>
<main>
<h2 id="all">All exercises</h2>
<div class="wide" role="region" aria-labelledby="all" tabindex="0">
<table>
<thead><tr><th scope="col">Exercise</th><th scope="col">Outcome</th><th scope="col" class="n">Points</th></tr></thead>
{% for lecture in lectures %}
<tbody>
<tr><th scope="rowgroup" colspan="2">Lecture {{ lecture.number }}</th>
<td class="n">{{ points(lecture.points, lecture.maximum) }}</td></tr>
{% for one in lecture.exercises %}
<tr><th scope="row"><a href="#e{{ one.grade.id }}">{{ one.grade.id }}</a> {{ one.title }}</th>
<td>{{ state(one.grade.outcome) }}</td>
<td class="n">{{ points(one.grade.points, one.grade.maximum) }}</td></tr>
{% endfor %}
</tbody>
{% endfor %}
<tfoot><tr><th scope="row" colspan="2">Total</th><td class="n">{{ points(earned, maximum) }}</td></tr></tfoot>
</table>
</div>
{% if result.problems %}
<h2>About your files</h2>
<ul>
{% for problem in result.problems %}
<li>{% if problem.file %}<bdi>{{ problem.file }}</bdi>: {% endif %}<bdi>{{ problem.what }}</bdi>
{%- if problem.hint %}. <bdi>{{ problem.hint }}</bdi>{% endif %}</li>
{% endfor %}
</ul>
{% endif %}
{% for lecture in lectures %}
<h2>Lecture {{ lecture.number }}</h2>
{% for one in lecture.exercises %}
{% set grade = one.grade %}
<section class="one" id="e{{ grade.id }}" aria-labelledby="h{{ grade.id }}" {{ edge(grade.outcome) }}>
<h3 id="h{{ grade.id }}">{{ one.kind }} {{ grade.id }}: {{ one.title }}</h3>
<p>{{ state(grade.outcome) }}
{%- if grade.points is none %} (up to {{ count(grade.maximum, "point") }})
{%- else %}, {{ points(grade.points, grade.maximum) }} points{% endif %}.
{% if grade.where %}Found in <bdi>{{ grade.where }}</bdi>.{% endif %}</p>
{% if grade.parts | length > 1 %}
<ul>
{% for part, right in grade.parts.items() %}<li>{{ state("right" if right else "wrong") }}: {{ part }}</li>
{% endfor %}
</ul>
{% endif %}
{% if one.written %}
<p>Your answer:</p>
<pre dir="auto">
{{ one.written }}</pre>
{% endif %}
{% if grade.message %}
{% if one.marked %}<p>Comment of the person who marked it:</p>{% endif %}
<pre dir="auto">
{{ grade.message }}</pre>
{% endif %}
{% if grade.expected or grade.got %}
<dl class="pair">
<div><dt>Expected</dt><dd><pre>
{{ grade.expected or "-" }}</pre></dd></div>
<div><dt>Got</dt><dd><pre dir="auto">
{{ grade.got or "-" }}</pre></dd></div>
</dl>
{% endif %}
{% if grade.misconception and grade.misconception not in grade.message %}
<p>This looks like a known mistake: {{ grade.misconception }}.</p>
{% endif %}
</section>
{% endfor %}
{% endfor %}
</main>
<footer>
<h2>How the outcomes are meant</h2>
<ul>
{% for outcome in used %}<li>{{ state(outcome) }}: {{ signs[outcome].means }}</li>
{% endfor %}
</ul>
<p>Your functions were tried with other inputs than the notebook's own checks. Is something judged wrongly? Tell your
teacher the number of the exercise.</p>
</footer>
{% endblock %}
"""


def write_feedback(out: Path, results: Results) -> None:
    """Write one page per student into the folder ``feedback`` of ``out``, named by the student's key."""
    for result in results():
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,80}", result.key):
            raise GradingError(
                f"the key {result.key!r} cannot name a file", where=out, hint="Use letters, digits, - _ and ."
            )
        write_text(out / FOLDER / f"{result.key}.html", page(result))


def page(result: Result) -> str:
    """The HTML of a student's page."""
    points, maximum, waiting = totals(result)
    states = {grade.outcome for grade in result.grades}
    return render(
        _PAGE,
        title=f"Feedback for {result.student}",
        result=result,
        earned=points,
        maximum=maximum,
        share=percent(points, maximum),
        waiting=waiting,
        lectures=[_lecture(number, list(grades), result) for number, grades in groupby(result.grades, _number)],
        used=[outcome for outcome in SIGNS if outcome in states],
    )


def _number(grade: Grade) -> int:
    return lecture_of(grade.id)


def _lecture(number: int, grades: list[Grade], result: Result) -> Mapping[str, Any]:
    return {
        "number": f"{number:02d}",
        "points": sum(grade.points or 0 for grade in grades),
        "maximum": sum(grade.maximum for grade in grades),
        "exercises": [_exercise(grade, result) for grade in grades],
    }


def _exercise(grade: Grade, result: Result) -> Mapping[str, Any]:
    declared = exercises.get(grade.id)
    return {
        "grade": grade,
        "kind": "Question" if isinstance(declared, Question) else "Exercise",
        "title": declared.title,
        "written": result.written.get(grade.id, ""),
        "marked": grade.outcome == MARKED,
    }
