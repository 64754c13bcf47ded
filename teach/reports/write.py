"""All that a teacher gets about a graded class, written into one folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from teach.reports.alike import notice
from teach.reports.feedback import write_feedback
from teach.reports.overview import Class, gather, write_overview
from teach.reports.tables import Results, write_similar, write_tables


def write_all(out: Path, results: Results, facts: Mapping[str, Any]) -> Class:
    """Write the tables, the feedback pages, the overview and the notice of shared answers into the folder ``out``.

    Gives what the overview tells of the class. ``results`` gives all results anew each time it is called, sorted by
    student; never more than one of them is held. ``facts``: "seed", "version", "sandbox" (whether it was used),
    "timeout" in seconds, "points" (exercise or question to its maximum, in the course's order), and, if there are any,
    "problems" (those that belong to no student) and "people" (those of the class list, by key). The same results and
    facts give the same bytes.
    """
    problems = tuple(facts.get("problems", ()))
    write_tables(out, results, facts["points"], problems, facts.get("people"))
    write_feedback(out, results)
    groups = notice(results())
    write_similar(out, groups)
    found = gather(results)
    found.problems.update(problem.what for problem in problems)
    write_overview(out, found, groups, facts)
    return found
