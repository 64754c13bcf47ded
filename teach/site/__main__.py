"""``python -m teach.site --out build/site``: write the course's web site."""

from __future__ import annotations

from pathlib import Path

import click

from a2d.cli import CONTEXT, say
from a2d.errors import A2DError
from teach.site.build import build


@click.command(context_settings=CONTEXT)
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder to write into."
)
@click.pass_context
def main(context: click.Context, out: Path) -> None:
    """Write the course's web site: lectures, slides, results, and the page that draws; no network is needed."""
    try:
        click.echo(f"wrote {build(out)}")
    except A2DError as error:
        say(f"Error: {error}", err=True)
        context.exit(error.exit_code)


if __name__ == "__main__":
    main()
