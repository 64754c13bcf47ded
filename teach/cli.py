"""The command ``teach``: each of its commands imports what it needs when it runs, so that ``--help`` is instant."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from a2d import __version__
from a2d.cli import CONTEXT, Group
from teach.settings import ANSWER_SECONDS, LAYOUTS, REHEARSED


@click.group(cls=Group, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="teach")
def main() -> None:
    """Build and run the lectures of "Digits from Sound"; hand them out and grade what comes back."""


@main.command("list")
def list_command() -> None:
    """List the lectures."""
    from teach.lectures.source import find_sources, read_lecture

    for path in find_sources():
        click.echo(f"{path.stem:<24}{read_lecture(path).cells[0].source.splitlines()[0].lstrip('# ')}")


@main.command()
@click.argument("names", nargs=-1, metavar="[NN]...")
@click.option("--check", is_flag=True, help="Write nothing; say what is not as the sources give it, and exit with 2.")
@click.option("--rerun", is_flag=True, help="Run every solution anew, also where its source has not changed.")
def build(names: tuple[str, ...], check: bool, rerun: bool) -> None:
    """Make the notebooks of all lectures, or of lectures NN, from notebooks/src."""
    from teach.lectures import build as building

    told = building.build(names, check=check, rerun=rerun, progress=not check and sys.stderr.isatty())
    for line in told:
        click.echo(line if check else f"wrote {line}", err=check)
    if check and told:
        raise click.exceptions.Exit(2)
    if not told:
        click.echo("Every notebook is as its source gives it.")


@main.command()
@click.argument("names", nargs=-1, metavar="[NN]...")
@click.option("--data", default="builtin", show_default=True, help="builtin, fsdd, audiomnist, or a folder.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@click.option("--fast/--full", default=True, show_default=True, help="Short runs, or the lecture's full sizes.")
@click.option("--solutions/--student", default=True, show_default=True, help="Which notebooks to run.")
def run(names: tuple[str, ...], data: str, seed: int, fast: bool, solutions: bool) -> None:
    """Run all lectures, or lectures NN, into build/notebooks, with an HTML page of each.

    A lecture that fails is reported; the others run all the same, and the exit code is 2.
    """
    from teach.lectures import run as running

    progress = sys.stderr.isatty()
    runs = running.run_lectures(names, data=data, seed=seed, fast=fast, solutions=solutions, progress=progress)
    for line in running.table(runs):
        click.echo(line)
    for failed in (one for one in runs if one.failure):
        click.echo(f"Error: {failed.slug}: {failed.failure}", err=True)
    if any(one.failure for one in runs):
        raise click.exceptions.Exit(2)


@main.command()
@click.option("--check", is_flag=True, help="Write nothing; say which file is not as it should be, and exit with 2.")
def environments(check: bool) -> None:
    """Write environment.yml (conda) and binder/environment.yml from pyproject.toml."""
    from teach.lectures.environments import write_environments

    changed = write_environments(check=check)
    for path in changed:
        told = "it is not what pyproject.toml gives. Run `teach environments`."
        click.echo(f"{path}: {told}" if check else f"wrote {path}", err=check)
    if check and changed:
        raise click.exceptions.Exit(2)
    if not changed:
        click.echo("Both environment files are as pyproject.toml gives them.")


@main.command("all")
def all_command() -> None:
    """Run all lectures and the report, on the built-in data."""
    from teach.lectures.run import course_main

    course_main(progress=sys.stderr.isatty())


_LECTURES = click.option("--lectures", metavar="01-04,06", help="Which lectures.  [default: all]")
_POINTS = click.option(
    "--points",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A CSV file with the columns exercise and points, where they are not to be the declared ones.",
)


@main.command()
@click.argument("out", type=click.Path(path_type=Path))
@_LECTURES
@_POINTS
@click.option("--nbgrader", is_flag=True, help="Write a course for nbgrader instead.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="With --nbgrader: hidden inputs."
)
def release(out: Path, lectures: str | None, points: Path | None, nbgrader: bool, seed: int) -> None:
    """Write what students get into the folder OUT, and into OUT.zip: notebooks, package with data, instructions."""
    from teach.release import nbgrader_course
    from teach.release import package as releasing
    from teach.release.points import parse_lectures, read_points

    if nbgrader:
        chosen = read_points(points) if points else {}
        told = nbgrader_course.write_course(out, parse_lectures(lectures), chosen, seed=seed)
    else:
        told = releasing.release(out, [lectures] if lectures is not None else None, points)
    for line in told:
        click.echo(line)


@main.command()
@click.argument("submissions", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Where the results go.")
@click.option(
    "--layout",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", *LAYOUTS]),
    help="How it is laid out; auto is an LMS's if every name is, else folders if there are some, else flat.",
)
@_LECTURES
@_POINTS
@click.option(
    "--attempt",
    type=click.Choice(["last", "best"]),
    default="last",
    show_default=True,
    help="Of several: the last, or for each exercise the best.",
)
@click.option("--roster", type=click.Path(path_type=Path), metavar="FILE", help="The class list, a CSV with names.")
@click.option("--rules", type=click.Path(path_type=Path), metavar="FILE", help="Rules for late work, a TOML file.")
@click.option("--assignment", metavar="NAME", help='What the LMS calls it; for Canvas with its number, "Sounds (123)".')
@click.option("--export-waiting", is_flag=True, help="Write files for the LMS also of those whose answers wait.")
@click.option("--marks", type=click.Path(path_type=Path), metavar="FILE", help="A to_mark.csv that you filled in.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Processes here.  [default: one for each core]")
@click.option("--scheduler", metavar="ADDRESS", help="A Dask scheduler whose workers do it, as tcp://host:8786.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="S",
    help="Of the hidden inputs.  [default: made from the submissions]",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=ANSWER_SECONDS,
    show_default=True,
    help="Seconds for each exercise.",
)
@click.option(
    "--sandbox/--no-sandbox", default=True, help="Run answers apart from everything (needs bubblewrap), or not."
)
@click.option(
    "--python",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Another Python with this course, for notebooks that ran with a newer one than this.",
)
def grade(
    submissions: Path,
    out: Path,
    layout: str,
    lectures: str | None,
    points: Path | None,
    attempt: str,
    roster: Path | None,
    rules: Path | None,
    assignment: str | None,
    export_waiting: bool,
    marks: Path | None,
    jobs: int | None,
    scheduler: str | None,
    seed: int | None,
    timeout: float,
    sandbox: bool,
    python: Path | None,
) -> None:
    """Grade what came back: students' folders, files that name their student, an LMS's download, or a zip of these.

    An interrupted run goes on where it was when the same command is given again.
    """
    from teach.grading import grade as grading
    from teach.release.points import parse_lectures, read_points

    if not sandbox:
        click.echo("Warning: without the sandbox, whatever the notebooks hold runs with all your rights.", err=True)
    try:
        run = grading.grade(
            submissions,
            out,
            lectures=parse_lectures(lectures),
            layout=layout,
            attempt=attempt,
            roster=roster,
            rules=rules,
            title=assignment,
            waiting=export_waiting,
            points=read_points(points) if points else None,
            marks=marks,
            jobs=jobs,
            scheduler=scheduler,
            seed=seed,
            timeout=timeout,
            sandbox=sandbox,
            python=python,
            progress=sys.stderr.isatty(),
        )
    except KeyboardInterrupt:
        click.echo(f"Interrupted. What is graded is kept in {out}; give the same command again to go on.", err=True)
        raise click.exceptions.Exit(130) from None
    before = f" ({run.students - run.marked} of them were graded before)" if run.marked < run.students else ""
    click.echo(f"{run.students} students{before}, hidden inputs of seed {run.seed}.")
    if run.problems:
        files = f", {run.unreadable} of them files that could not be read" if run.unreadable else ""
        click.echo(f"Problems with what was handed in: {run.problems}{files}; look at {out / 'problems.csv'}.")
    if run.waiting:
        table = out / "to_mark.csv"
        click.echo(f"Answers in words that wait for a person: {run.waiting}; `teach mark {out}`, or fill in {table}.")
    for line in run.lms:
        click.echo(line)
    click.echo(f"Begin with {out / 'overview.html'}; the points are in {out / 'summary.csv'}.")


@main.command()
@click.argument("out", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("student")
@click.argument("exercise")
@click.argument("points", type=float, required=False)
@click.option("--why", default="", help="What the student is told.")
@click.option("--who", default="", help="Who decided.  [default: your name on this computer]")
@click.option("--undo", is_flag=True, help="Take the last decision about this answer back.")
def correct(out: Path, student: str, exercise: str, points: float | None, why: str, who: str, undo: bool) -> None:
    """Correct by hand what STUDENT gets for EXERCISE in the graded folder OUT, code included.

    STUDENT is the key, as in summary.csv, or the name. It is kept apart from the grades, with who and why, and no run
    overwrites it; the next `teach grade` with this --out writes it into the tables and pages.
    """
    from teach.grading.grade import correct as correcting

    if undo == (points is not None):
        raise click.UsageError("Give POINTS, or --undo.")
    told = correcting(out, student, exercise, None if undo else points, why, who)
    click.echo(f"{told}\nGive the `teach grade` command again: tables and pages are written anew, nothing is run anew.")


@main.command()
@click.argument("out", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--who", default="", help="Who marks.  [default: your name on this computer]")
@click.option("--question", "questions", multiple=True, metavar="ID", help="Only this one; may be given several times.")
@click.option("--blind", is_flag=True, help="Show no names of students, and shuffle them.")
@click.option("--second", is_flag=True, help="As a second marker, who sees nothing of the first; it does not count.")
@click.option("--agreement", is_flag=True, help="Print how far two markers agree, and end.")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="Of this computer.  [default: a free one]")
@click.option("--browser/--no-browser", default=True, help="Open the page, or only print its address.")
def mark(
    out: Path,
    who: str,
    questions: tuple[str, ...],
    blind: bool,
    second: bool,
    agreement: bool,
    port: int,
    browser: bool,
) -> None:
    """Mark the answers in words of the graded folder DIR, in a page that only this computer can open.

    Every key is saved at once, with who and when; the next `teach grade` with this --out writes the marks into the
    tables and pages.
    """
    from teach.grading import ledger
    from teach.grading.model import GradingError
    from teach.marking import agreement as comparing
    from teach.marking.desk import Desk

    try:
        from teach.marking.server import serve
    except ImportError as error:
        hint = 'In the project\'s folder, run: pip install -e ".[course,teach]"'
        raise GradingError(f"the page to mark in needs a package ({error})", where="teach mark", hint=hint) from error
    desk = Desk(out, who, second=second, blind=blind, questions=questions)
    if agreement:
        found = [one for one in comparing.pairs(ledger.read(out)) if not questions or one.id in questions]
        none = "No answer has been marked by two. The second marker begins with: teach mark DIR --second"
        for line in comparing.lines(found) if found else [none]:
            click.echo(line)
        return
    try:
        serve(desk, port, lambda url: click.echo(f"Mark at {url}\nEnd with Ctrl-C."), browser=browser)
    except KeyboardInterrupt:
        done = desk.progress()
        then = "compare with `teach mark DIR --agreement`" if second else "give the `teach grade` command again"
        told = f"{done['marked']} of {done['all']} answers are marked, {done['wait']} wait; {then}"
        click.echo(f"\n{told}{'.' if second else ': it writes tables and pages.'}")


@main.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--students", default=300, show_default=True, type=click.IntRange(min=1))
@_LECTURES
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@click.option("--layout", default="folders", show_default=True, type=click.Choice(REHEARSED))
@click.option("--one-notebook", is_flag=True, help="One short notebook for each student, with all exercises.")
def rehearse(out: Path, students: int, lectures: str | None, seed: int, layout: str, one_notebook: bool) -> None:
    """Write a class of pretend students, made from the exercises' declared answers, to try grading with."""
    from teach.rehearsal import rehearse as rehearsing
    from teach.release.points import parse_lectures

    numbers = parse_lectures(lectures)
    told = rehearsing.rehearse(out, students, numbers, seed, layout, one_notebook, progress=sys.stderr.isatty())
    for line in told:
        click.echo(line)


if __name__ == "__main__":
    main()
