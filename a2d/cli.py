"""The command line: ``a2d``. Every command imports what it needs when it runs, so that ``--help`` is instant."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from a2d import __version__
from a2d.errors import A2DError, DataWarning

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def say(text: str, err: bool = False) -> None:
    """Print one line; what cannot be shown, such as a line end in a file's name, is written as its code."""
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    encoding = getattr(sys.stderr if err else sys.stdout, "encoding", None) or "utf-8"
    click.echo(line.encode(encoding, "backslashreplace").decode(encoding), err=err)


@contextlib.contextmanager
def warnings_in_one_line() -> Iterator[None]:
    """Show our own warnings as one line each, as errors are; others stay as Python shows them."""
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, DataWarning):
                say(f"Warning: {message}", err=True)
            else:
                usual(message, category, *where, **more)

        warnings.showwarning = show
        warnings.simplefilter("always", DataWarning)
        yield


# Whether a file can be read is found out when it is read: one that cannot must not keep others from being drawn.
_PATH = click.Path(path_type=Path, readable=False)


class Group(click.Group):
    """A command group that ends every mistake of the user in one message and exit code 2, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with warnings_in_one_line():
                return super().invoke(ctx)
        except A2DError as error:
            say(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)
        except BrokenPipeError:
            sys.stderr.close()  # the reader of a pipe has left: nobody is there to be told
            ctx.exit(1)
        except OSError as error:  # a disk, a mount or a permission that failed where nobody expected it
            text = f"{error.filename or 'the system'}: {error.strerror or error}. Check the disk and the permissions."
            say(f"Error: {text}", err=True)
            ctx.exit(A2DError.exit_code)


@click.group(cls=Group, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="a2d")
def main() -> None:
    """Digits from Sound: say a digit, and a network draws it."""


@main.command(
    epilog="""\b
Examples:
  a2d draw seven.wav
  a2d draw recordings/*.wav --out pictures
  a2d draw seven.wav --n 5                five pictures of one recording, each in another hand
  a2d draw seven.wav --style mine.png     in the hand that wrote this picture of a digit
  a2d draw seven.wav --model report       as the report does it
  a2d draw seven.wav --model runs/mine    with a model that `a2d train` has written"""
)
@click.argument("files", nargs=-1, required=True, type=_PATH)
@click.option("--model", default="hands", show_default=True, help="Shipped model, or folder of a training run.")
@click.option("--ear", default="ear", show_default=True, help="Who listens, for hands.")
@click.option("--evaluator", default="evaluator", show_default=True, help="Who reads the pictures.")
@click.option("--out", default="drawings", show_default=True, type=_PATH, help="Folder to write to.")
@click.option("--seed", type=click.IntRange(min=0), help="Another hand (hands), a sample of the latent (generators).")
@click.option("--n", default=1, show_default=True, type=click.IntRange(1, 99), help="Pictures of each recording.")
@click.option("--style", type=_PATH, help="Picture of a digit whose hand is borrowed (hands).")
@click.option("--anyway", is_flag=True, help="Draw also what is heard as no digit (hands).")
def draw(files: tuple[Path, ...], out: Path, seed: int | None, n: int, **options: Any) -> None:
    """Draw recordings of spoken digits: a PNG each, a contact sheet, what was heard and what the evaluator reads.

    Takes WAV, FLAC, OGG and MP3 files, at any sampling rate, mono or stereo, 0.1 to 10 s long.
    Without --seed each voice has its own hand, and louder is bolder; --n and --seed give other hands.
    A file that cannot be used, or is no digit, is reported; the others are drawn all the same, and the exit code is 2.
    """
    from a2d.io import pictures
    from a2d.lab import recipes

    if seed is not None:
        recipes.check_seed(seed + n - 1)
    # The first picture is the model's own choice; the others are of the seeds that follow.
    seeds = [*([None] if seed is None else []), *range(seed or 0, (seed or 0) + n)][:n]
    sources = [(path, number) for path in files for number in range(n)]
    names = pictures.picture_names([f"{p.stem}-{k + 1}.wav" if n > 1 else str(p) for p, k in sources])
    mine = [out / name for name in (*names, "contact-sheet.png")]
    for path in files:
        if any(os.path.exists(p) and os.path.exists(path) and os.path.samefile(p, path) for p in mine):
            raise A2DError("a picture would replace this recording", where=path, hint="Name another folder with --out")
    drawer = _drawer(**options)
    drawn, failed = [], set()
    for (path, number), name in zip(sources, names, strict=True):
        if path in failed:
            continue
        try:
            result = drawer.draw_file(path, seeds[number])
        except A2DError as error:
            failed.add(path)
            say(f"Error: {error}", err=True)
            continue
        for note in result.warnings if number == 0 else ():
            say(f"Warning: {note}", err=True)
        pictures.save_picture(result.image, out / name)
        heard = f"heard {result.heard} ({100 * result.sure:.1f} % sure), " if result.sure is not None else ""
        say(f"{path} -> {out / name}: {heard}reads {result.digit} ({100 * result.confidence:.1f} % sure)")
        drawn.append(result)
    if drawn:
        pictures.save_contact_sheet(drawn, out / "contact-sheet.png")
        say(f"{len(files) - len(failed)} of {len(files)} drawn. Contact sheet: {out / 'contact-sheet.png'}")
    if failed:
        raise click.exceptions.Exit(2)


def _drawer(model: str, ear: str, evaluator: str, style: Path | None, anyway: bool) -> Any:
    """The model that draws, as the options ask for it."""
    from a2d import draw as drawing

    drawer = drawing.load(model, ear, evaluator)
    if isinstance(drawer, drawing.Writer):
        drawer.style, drawer.anyway = drawer.hand_in(style) if style else None, anyway
    elif style or anyway:
        hint = "Leave these options away, or name hands"
        raise A2DError(f"--style and --anyway are for hands; {model} is a generator", where="--model", hint=hint)
    return drawer


@main.command(
    epilog="""\b
Examples:
  a2d app
  a2d app --port 0 --no-browser           on any free port; open the address that is printed"""
)
@click.option("--port", default=8765, show_default=True, type=click.IntRange(0, 65535))
@click.option("--host", default="127.0.0.1", show_default=True, help="Another address lets others reach the page.")
@click.option("--browser/--no-browser", default=True, show_default=True, help="Open the page in a browser.")
def app(port: int, host: str, browser: bool) -> None:
    """Open a page without code: say a digit, and every generator of the course draws it.

    It runs on this computer alone until Ctrl-C, keeps no recording, and needs no network.
    """
    from a2d.app import serve

    serve(port, host, say, browser=browser)


@main.group(context_settings=CONTEXT)
def data() -> None:
    """List, fetch and check data sets."""


@data.command("list", epilog="\b\nExample:\n  a2d data list")
def data_list() -> None:
    """List the data sets: which are here, how large, under which licence."""
    from a2d.io import fetching

    click.echo("builtin        here              3,000 synthetic spoken digits, 1,797 handwritten ones (scikit-learn)")
    for name, source in fetching.REGISTRY.items():
        folder = fetching.find(name)
        state = "here" if folder else f"{source.size_bytes / 1e6:,.0f} MB to fetch"
        form = source if folder is None else fetching.form_in(source, folder) or source
        click.echo(f"{name:<14} {state:<17} {form.title}; {source.licence}; {source.homepage}")
        if folder:
            click.echo(f"{'':<14} {folder}")


@data.command(
    "fetch",
    epilog="""\b
Examples:
  a2d data fetch fsdd
  a2d data fetch mnist --mirror /mnt/data      from a folder or URL instead of the public source""",
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--mirror", help="Folder or URL to fetch from. Default: $A2D_MIRROR, else the public source.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def data_fetch(names: tuple[str, ...], mirror: str | None, quiet: bool) -> None:
    """Download, verify and unpack data sets: fsdd, audiomnist, mnist, speechcommands.

    A broken download is tried again. The content is verified by its hashes; a data set that is there is left alone.
    """
    from a2d.io import fetching

    for name in names:
        folder = fetching.fetch(name, mirror=mirror, progress=not quiet and sys.stderr.isatty(), on_message=click.echo)
        click.echo(f"{name}: {folder}")


@data.command(
    "check",
    epilog="""\b
Examples:
  a2d data check ~/AudioMNIST
  a2d data check my-recordings""",
)
@click.argument("folder", type=_PATH)
def data_check(folder: Path) -> None:
    """Say what is wrong with a folder of recordings, or that nothing is.

    FOLDER is in Audio-MNIST's layout, [data/]NN/{digit}_{NN}_{take}.wav, in FSDD's, {digit}_{speaker}_{take}.wav, or
    in that of Speech Commands, {word}/{speaker}_nohash_{take}.wav.
    Every recording is read. All that is wrong is listed, not only the first.
    """
    from a2d import datasets

    found = datasets.check_folder(folder)
    for note in found.notes:
        say(f"Note: {note}")
    for problem in found.problems:
        say(f"Error: {problem}", err=True)
    say(found.summary)
    if found.problems:
        raise click.exceptions.Exit(2)


@main.command(
    epilog="""\b
Examples:
  a2d train report --data builtin --out runs/first
  a2d train report --data fsdd --split speaker --held-out george --out runs/george
  a2d train evaluator --data mnist --out runs/evaluator
  a2d train my-recipe.toml --data ~/AudioMNIST --out runs/mine --resume"""
)
@click.argument("recipe")
@click.option("--data", required=True, help="builtin, fsdd, audiomnist, speechcommands, or a folder in such a layout.")
@click.option("--out", required=True, type=_PATH, help="Folder for the model.")
@click.option("--images", help="Handwriting: builtin or mnist. Default: what goes with the data.")
@click.option("--split", type=click.Choice(["recording", "speaker"]), default="recording", show_default=True)
@click.option("--held-out", multiple=True, metavar="SPEAKER", help="With --split speaker: whom to test on. Repeatable.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@click.option("--epochs", type=click.IntRange(min=1), help="Instead of the recipe's number.")
@click.option("--evaluator", default="evaluator", show_default=True, help="Who reads pictures while training.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in --out.")
def train(recipe: str, data: str, out: Path, **options: Any) -> None:
    """Train RECIPE (report, audio-mlp, evaluator, finetuned, or a path to a .toml file) on a data set.

    Interrupt it as you like: --resume gives the same numbers as a run that was never interrupted.
    """
    from a2d.lab import runs

    if options["held_out"] and options["split"] != "speaker":
        raise A2DError("--held-out goes with --split speaker", where="--held-out", hint="Add --split speaker")
    card = runs.train(recipe, data, out, progress=sys.stderr.isatty(), **options)
    last = ", ".join(f"{name} {values[-1]:.4g}" for name, values in card["history"].items() if values)
    say(f"Trained {card['recipe']['name']}: {last}")
    say(f"Model: {out / 'model.safetensors'}")


@main.command(
    epilog="""\b
Examples:
  a2d evaluate runs/first --data builtin
  a2d evaluate report --data fsdd               a shipped model
  a2d evaluate evaluator --data mnist"""
)
@click.argument("run")
@click.option("--data", required=True, help="builtin, fsdd, audiomnist, mnist (for an evaluator), or a folder.")
@click.option("--images", help="Handwriting to compare with: builtin or mnist. Default: what goes with the data.")
@click.option(
    "--evaluator",
    "evaluators",
    multiple=True,
    help="Who reads the pictures. Repeatable. Default: all that are shipped.",
)
@click.option("--out", type=_PATH, help="Folder for JSON and figures. Default: in the run's own.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
def evaluate(run: str, data: str, evaluators: tuple[str, ...], **options: Any) -> None:
    """Evaluate RUN (a folder that `a2d train` wrote, or a shipped model): metrics.json and figures.

    On the data that a model was trained on, its own test part is used; on any other data set, all of it.
    """
    from a2d.lab import runs

    readers = evaluators or ("evaluator", "finetuned")
    result = runs.evaluate(run, data, evaluators=readers, progress=sys.stderr.isatty(), **options)
    for line in _table(result):
        say(line)
    say(f"Written to {result['folder']}")


def _table(result: dict) -> list[str]:
    """An evaluation as lines of text."""
    data = result["data"]
    lines = [f"{result['kind']} on {data['name']}, {data['part']} part, n = {data['n']}"]
    rows = {"accuracy": result["accuracy"]} if "accuracy" in result else {}
    for evaluator, estimates in result.get("recognition", {}).items():
        rows |= {f"read by {evaluator}, {kind} latent": estimates[kind] for kind in ("sampled", "mean")}
    for name, e in rows.items():
        lines.append(f"  {name:<36} {100 * e['value']:6.2f} %   (95 %: {100 * e['low']:.2f} to {100 * e['high']:.2f})")
    for beta, terms in result.get("terms", {}).items():
        numbers = ", ".join(f"{k.replace('_', ' ')} {terms[k]:.1f}" for k in ("reconstruction", "kl", "negative_elbo"))
        lines.append(f"  {beta:<10} {numbers} nats per image, {terms['active_units']} active units")
    for name, value in result.get("variety", {}).items():
        lines.append(f"  {name.replace('_', ' '):<36} {value:6.2f}")
    return lines


if __name__ == "__main__":
    main()
