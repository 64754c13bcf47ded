"""``python -m teach.demo --out build/demo``: write the page that draws without a server."""

from __future__ import annotations

import click

from a2d.cli import CONTEXT, say
from a2d.errors import A2DError
from teach.demo.build import build


@click.command(context_settings=CONTEXT)
@click.option("--out", required=True, type=click.Path(file_okay=False), help="The folder to write into.")
@click.option("--ear", default="ear", show_default=True, help="A shipped ear, or a folder of a2d train.")
@click.option("--hands", default="hands", show_default=True, help="Shipped hands, or a folder of a2d train.")
@click.pass_context
def main(context: click.Context, out: str, ear: str, hands: str) -> None:
    """Write the page that draws without a server: index.html, which is all of it, and sw.js."""
    try:
        for path in build(out, ear, hands):
            click.echo(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")
    except A2DError as error:
        say(f"Error: {error}", err=True)
        context.exit(error.exit_code)


if __name__ == "__main__":
    main()
