"""Commands as documents give them, read by the programs' own parsers and not run."""

from __future__ import annotations

import io
import re
import shlex
from contextlib import redirect_stdout, suppress
from itertools import pairwise, takewhile
from typing import Any

import typer
from dvc.cli import DvcParserError, parse_args

from curate.base.params import Parameters
from curate.cli.app import app as curate
from train.ablate.grid import make_grid
from train.cli.app import app as train

PROGRAMS = ("curate", "train", "dvc")
GROUPS: dict[str, Any] = {
    "curate": typer.main.get_command(curate),
    "train": typer.main.get_command(train),
}


def ours(text: str) -> list[list[str]]:
    """Split a line of shell into its commands, and answer the words of those of our programs."""
    parts = text.replace(" | ", " && ").split(" && ")
    found = [shlex.split(part.split(" > ")[0], comments=True) for part in parts]
    return [words for words in found if words and words[0] in PROGRAMS]


def check_whole(words: list[str]) -> None:
    """Parse a command with all its values, as its program does before it runs it."""
    if words[0] == "dvc":
        parse_args(words[1:])
        check_settings(words)
        return
    group = GROUPS[words[0]]
    with group.make_context(words[0], [], resilient_parsing=True) as context:
        name, command, rest = group.resolve_command(context, words[1:])
        command.make_context(name, rest, parent=context)
    check_settings(words)


def check_names(words: list[str]) -> None:
    """Check that a command and its options exist; it may lack arguments, and stand for others."""
    given = [word.split("=")[0] for word in words[1:] if word.startswith("-") and word != "-1"]
    known = options_of(words)
    assert [option for option in given if option not in known] == [], shlex.join(words)
    check_settings(words)


def options_of(words: list[str]) -> set[str]:
    """List the options of the command that the words name."""
    if words[0] == "dvc":
        return _dvc_options(words[1:])
    group = GROUPS[words[0]]
    if len(words) == 1 or words[1] in group.context_settings["help_option_names"]:
        return {*group.context_settings["help_option_names"]}
    assert words[1] in group.commands, f"{words[0]} has no command {words[1]}"
    command = group.commands[words[1]]
    named = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    return named | {*group.context_settings["help_option_names"]}


def _dvc_options(words: list[str]) -> set[str]:
    """Read the options of a command of DVC in its help."""
    command = [*takewhile(lambda word: not word.startswith("-"), words), "--help"]
    with redirect_stdout(io.StringIO()) as text, suppress(SystemExit):
        try:
            parse_args(command)
        except DvcParserError as error:
            raise AssertionError(f"dvc has no command {shlex.join(words)}") from error
    lines = re.findall(r"^ +(-.+?)(?:  |$)", text.getvalue(), flags=re.MULTILINE)
    return {option for line in lines for option in re.findall(r"(?:^|, )(--?[\w-]+)", line)}


def check_settings(words: list[str]) -> None:
    """Check that what is set by -S is a parameter and, for `train ablate`, is a grid."""
    marks = ("-S", "--set-param")
    given = [after for mark, after in pairwise(words) if mark in marks]
    unknown = {one.split("=")[0] for one in given} - {*Parameters.model_fields}
    assert not unknown, f"{shlex.join(words)}: {unknown} is no parameter"
    if words[:2] == ["train", "ablate"]:
        make_grid(given)
