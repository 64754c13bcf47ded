"""All that a teacher gets about a graded class, written into one folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from teach.reports.alike import notice
from teach.reports.feedback import write_feedback
from teach.reports.overview import gather, write_overview
from teach.reports.tables import Results, write_similar, write_tables


def write_all(out: Path, results: Results, facts: Mapping[str, Any]) -> int:
    """Write the tables, the feedback pages, the overview and the notice of shared answers into the folder ``out``.

    Returns how many problems they tell. ``results`` gives all results anew each time it is called, sorted by student;
    never more than one of them is held. ``facts``: "seed", "version", "sandbox" (whether it was used), "timeout" in
    seconds, "points" (exercise or question to its maximum, in the course's order), and "problems" (those that belong to
    no student), if there are any. The same results and facts give the same bytes.
    """
    problems = tuple(facts.get("problems", ()))
    write_tables(out, results, facts["points"], problems, facts.get("people"))
    write_feedback(out, results)
    groups = notice(results())
    write_similar(out, groups)
    found = gather(results)
    found.problems.update(problem.what for problem in problems)
    write_overview(out, found, groups, facts)
    return found.problems.total()
