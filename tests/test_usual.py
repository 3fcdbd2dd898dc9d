"""What is read without argparse is what argparse makes of it, and everything else is left to it."""

from __future__ import annotations

import itertools
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator

import pytest

from torchlint.arguments import build_parser
from torchlint.usual import usual_check


def by_argparse(arguments: list[str]) -> dict[str, object]:
    return vars(build_parser("check").parse_args(["check", *arguments]))


def by_hand(arguments: list[str]) -> dict[str, object] | None:
    found = usual_check(["check", *arguments])
    return None if found is None else vars(found)


def options_of_check() -> Iterator[tuple[str, ...]]:
    (commands,) = (
        action for action in build_parser("check")._actions if isinstance(action, _SubParsersAction)
    )
    parser: ArgumentParser = commands.choices["check"]
    for action in parser._actions:
        yield from ((name,) if action.nargs == 0 else (name, "x") for name in action.option_strings)


USUAL = [
    [],
    ["."],
    ["-"],
    ["a.py", "b c", "", "ü.py"],
    ["--isolated", "--no-cache", "src"],
    ["src", "--fix", "tests", "--unsafe-fixes", "--exit-non-zero-on-fix"],
    ["--diff", "-q", "-v", "--exit-zero", "--statistics", "--stats", "--preview", "--force-exclude"],
    ["--select", "TL001,TL002", "--select=TL1", "--ignore", "TL101", "--extend-select=", "a.py"],
    ["--exclude", "build", "--exclude=dist,docs", "--config", "x.toml", "--cache-dir=.c"],
    ["-o", "report.json", "--output-format", "json", "--color=always"],
    ["-o=report", "--output-format=github", "--color", "never"],
    ["-j1"],
    ["-j", "2", "."],
    ["--jobs=3"],
    ["-j=4", "-j5"],
    ["--stdin-filename", "a=b.py", "-"],
    ["--select=a=b"],
]

UNUSUAL = [
    ["--help"],
    ["-h"],
    ["--"],
    ["--", "-x.py"],
    ["-qv"],
    ["-oselect", "TL001"],
    ["--quiet=1"],
    ["--sel", "TL001"],
    ["--select"],
    ["--select", "--fix"],
    ["--select=-x"],
    ["--output-format", "xml"],
    ["--color", "blue"],
    ["-j"],
    ["-j0"],
    ["-j", "two"],
    ["-j-1"],
    ["--jobs="],
    ["-1"],
    ["---fix"],
    ["--paths", "x"],
    ["--command", "x"],
    ["--no_cache"],
    ["--nonsense"],
]


@pytest.mark.parametrize("arguments", USUAL, ids=" ".join)
def test_usual_command_lines(arguments: list[str]) -> None:
    assert by_hand(arguments) == by_argparse(arguments)


@pytest.mark.parametrize("arguments", UNUSUAL, ids=" ".join)
def test_unusual_command_lines(arguments: list[str]) -> None:
    assert by_hand(arguments) is None


def test_every_option_in_any_order() -> None:
    known = [list(option) for option in options_of_check() if by_hand(list(option)) is not None]
    assert len(known) > 20
    for pair in itertools.permutations([*known, ["a.py"]], 2):
        arguments = [word for option in pair for word in option]
        assert by_hand(arguments) == by_argparse(arguments), arguments


def test_other_commands() -> None:
    for arguments in ([], ["rules"], ["--version"], ["checks"], ["clean", "--isolated"]):
        assert usual_check(arguments) is None
