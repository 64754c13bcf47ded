"""The commands ``a2d course ...``; each imports what it needs when it runs, so that importing this is instant."""

from __future__ import annotations

import sys

import click


@click.group()
def course() -> None:
    """Build and run the lectures."""


@course.command("list")
def list_command() -> None:
    """List the lectures."""
    from a2d.course.source import find_sources, read_lecture

    for path in find_sources():
        click.echo(f"{path.stem:<24}{read_lecture(path).cells[0].source.splitlines()[0].lstrip('# ')}")


@course.command()
@click.argument("names", nargs=-1, metavar="[NN]...")
@click.option("--check", is_flag=True, help="Write nothing; say what is not as the sources give it, and exit with 2.")
@click.option("--rerun", is_flag=True, help="Run every solution anew, also where its source has not changed.")
def build(names: tuple[str, ...], check: bool, rerun: bool) -> None:
    """Make the notebooks of all lectures, or of lectures NN, from notebooks/src."""
    from a2d.course import build as building

    told = building.build(names, check=check, rerun=rerun, progress=not check and sys.stderr.isatty())
    for line in told:
        click.echo(line if check else f"wrote {line}", err=check)
    if check and told:
        raise click.exceptions.Exit(2)
    if not told:
        click.echo("Every notebook is as its source gives it.")


@course.command()
@click.argument("names", nargs=-1, metavar="[NN]...")
@click.option("--data", default="builtin", show_default=True, help="builtin, fsdd, audiomnist, or a folder.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@click.option("--fast/--full", default=True, show_default=True, help="Short runs, or the lecture's full sizes.")
@click.option("--solutions/--student", default=True, show_default=True, help="Which notebooks to run.")
def run(names: tuple[str, ...], data: str, seed: int, fast: bool, solutions: bool) -> None:
    """Run all lectures, or lectures NN, into build/notebooks, with an HTML page of each.

    A lecture that fails is reported; the others run all the same, and the exit code is 2.
    """
    from a2d.course import run as running

    progress = sys.stderr.isatty()
    runs = running.run_lectures(names, data=data, seed=seed, fast=fast, solutions=solutions, progress=progress)
    for line in running.table(runs):
        click.echo(line)
    for failed in (one for one in runs if one.failure):
        click.echo(f"Error: {failed.slug}: {failed.failure}", err=True)
    if any(one.failure for one in runs):
        raise click.exceptions.Exit(2)


@course.command()
@click.option("--check", is_flag=True, help="Write nothing; say which file is not as it should be, and exit with 2.")
def environments(check: bool) -> None:
    """Write environment.yml (conda) and binder/environment.yml from pyproject.toml."""
    from a2d.course.environments import write_environments

    changed = write_environments(check=check)
    for path in changed:
        told = "it is not what pyproject.toml gives. Run `a2d course environments`."
        click.echo(f"{path}: {told}" if check else f"wrote {path}", err=check)
    if check and changed:
        raise click.exceptions.Exit(2)
    if not changed:
        click.echo("Both environment files are as pyproject.toml gives them.")


@course.command("all")
def all_command() -> None:
    """Run all lectures and the report, on the built-in data."""
    from a2d.course.run import course_main

    course_main(progress=sys.stderr.isatty())
