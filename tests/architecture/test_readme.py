"""Every command that the README shows exists."""

import os
import re
from importlib import import_module

import click
import pytest

from tests.architecture.tree import ROOT

PROGRAMS = {"rpmhub": ("hub.cli.commands", "rpmhub"), "rpmhub-gateway": ("device_gateway.cli", "main")}
FOLDERS = tuple(f"{path.name}/" for path in ROOT.iterdir() if path.is_dir())


def shown() -> list[list[str]]:
    """The words of each line of a shell block, and of each piece of inline code."""
    text = (ROOT / "README.md").read_text()
    blocks = re.findall(r"^```(?:sh|bash|console)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    lines += re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
    return [words for line in lines if (words := line.removeprefix("./").partition(" #")[0].split())]


def test_each_file_that_is_started_is_there() -> None:
    for words in shown():
        if words[0].startswith(FOLDERS) and not words[0].startswith(".venv/"):
            path = ROOT / words[0]
            assert path.exists(), words
            assert len(words) == 1 or os.access(path, os.X_OK), words


def test_each_command_of_ours_is_known() -> None:
    for program, *arguments in shown():
        name = program.removeprefix(".venv/bin/")
        if name in PROGRAMS:
            module, command = PROGRAMS[name]
            assert_known(name, getattr(import_module(module), command), arguments)


def assert_known(name: str, command: click.Command, arguments: list[str]) -> None:
    while isinstance(command, click.Group) and arguments and arguments[0][0].isalpha():
        first, *arguments = arguments
        found = command.get_command(click.Context(command, info_name=name), first)
        if found is None:
            pytest.fail(f"{name} has no command {first!r}")
        name, command = f"{name} {first}", found
