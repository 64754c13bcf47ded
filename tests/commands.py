"""The commands that texts, workflows and hooks tell, and what of them does not exist. No test of its own."""

from __future__ import annotations

import importlib.util
import re
import shlex

import click
from conftest import ROOT

from a2d import cli
from results import reproduce
from teach import cli as teach_cli

_OURS = re.compile(r"(make|a2d|teach)( |$)|python -m (results|benchmarks)\.")


def in_markdown(text: str) -> list[str]:
    """The commands of ours in the code of a Markdown text, without the folder before them and the words behind."""
    blocks = re.findall(r"```.*?\n(.*?)```", text, re.DOTALL)
    blocks += re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    lines = [line for block in blocks for line in block.splitlines()]
    return in_shell("\n".join(re.split(r"\s#\s|\s{3,}", line.strip())[0] for line in lines))


def in_shell(text: str) -> list[str]:
    """The commands of ours in lines for a shell."""
    parts = [part.strip() for line in text.splitlines() for part in line.split("&&")]
    plain = [re.sub(r"^(\w+=\S+ )*(\.venv/bin/)?", "", part) for part in parts]
    return [line for line in plain if _OURS.match(line)]


def mistakes(line: str) -> list[str]:
    """What of a command does not exist: a target or variable of make, a command, an option, a step, a benchmark."""
    program, *words = shlex.split(line)
    if program == "make":
        return _mistakes_of_make(words)
    if program == "python":
        if words[1] == "results.reproduce":
            return [word for word in words[2:] if word not in reproduce.STEPS | reproduce.EXTRA]
        return [] if importlib.util.find_spec(words[1]) else [words[1]]
    command: click.Command = {"a2d": cli.main, "teach": teach_cli.main}[program]
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return [words[0]]
        command = command.commands[words.pop(0)]
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
    return [word for word in words if word.startswith("--") and word not in known]


def _mistakes_of_make(words: list[str]) -> list[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^(\w+):(?!=)", makefile, re.MULTILINE))
    variables = set(re.findall(r"\$\((\w+)\)", makefile))
    named = {word for word in words if "=" not in word}
    return sorted(named - targets) + sorted({word.split("=")[0] for word in words if "=" in word} - variables)
