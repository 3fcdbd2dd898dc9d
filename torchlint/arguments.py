"""What can be said on the command line, and the help for it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from functools import cache

from torchlint import __version__
from torchlint.config import FORMATS
from torchlint.process import UNUSABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from torchlint.project.shard import Shard

_EXIT_STATUS = """\
exit status:
  0  nothing found
  1  something found, or a file could not be checked
  2  wrong usage or settings, a path that does not exist, or an internal error
"""

_EXIT_STATUS_OF_VERIFY = """\
exit status:
  0  no error and no warning; with --from-static, nothing confirmed and nothing more seen
  1  errors or warnings; with --from-static, something confirmed or only seen at run time
  2  wrong usage, no model that could be looked at, or an internal error
"""


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal. argparse makes one of these for every option, and each would ask anew."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_width())


@cache
def _width() -> int:
    if os.environ.get("COLUMNS", "").isdecimal():
        return int(os.environ["COLUMNS"]) - 2
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns - 2 if sys.__stdout__ else 78
    except (OSError, ValueError):
        return 78


class _Parser(argparse.ArgumentParser):
    """A parser whose options may also stand between the paths: ``check a.py --fix b.py``."""

    mixed = False
    _mixing = False
    command = ""
    """The command that was given, in the parser of all of them."""

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        if not self.mixed or self._mixing:
            return super().parse_known_args(args, namespace)
        self._mixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixing = False

    def error(self, message: str) -> NoReturn:
        print(f"torchlint: error: {message}", file=sys.stderr)
        program = f"{self.prog} {self.command}".rstrip()
        print(f"Try `{program} --help`.", file=sys.stderr)
        sys.exit(UNUSABLE)


def build_parser(command: str = "", *, alone: bool = False) -> argparse.ArgumentParser:
    """The parser of the one ``command`` that is asked for, or of all of them: each costs time.

    ``alone``: nobody else uses argparse in this process.
    """
    if alone:
        # What argparse says itself is in English as all that we say: to look for translations takes longer than to parse.
        argparse._ = str  # type: ignore[attr-defined]
    wanted = (command,) if command in COMMANDS else tuple(COMMANDS)
    parser = _Parser(
        prog="torchlint",
        description="Find the PyTorch bugs that train without an error. Only `verify` imports torch and your code.",
        epilog=_EXIT_STATUS,
        formatter_class=_Help,
        allow_abbrev=False,
    )
    parser.command = command if command in COMMANDS else ""
    parser.add_argument("--version", action="version", version=f"torchlint {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True, prog="torchlint")
    for name in wanted:
        arguments, purpose, add_options = COMMANDS[name]
        add_options(_command(commands, name, arguments, purpose))
    return parser


def _command(
    commands: argparse._SubParsersAction[_Parser], name: str, arguments: str, purpose: str
) -> _Parser:
    return commands.add_parser(
        name,
        usage=" ".join(f"torchlint {name} [options] {arguments}".split()),
        help=purpose,
        description=f"{purpose[0].upper()}{purpose[1:]}.",
        epilog=_EXIT_STATUS,
        formatter_class=_Help,
        allow_abbrev=False,
    )


def _add_explain(parser: _Parser) -> None:
    parser.add_argument("rule", help="its code or name")
    _add_colour(parser)


def _add_list(parser: _Parser) -> None:
    parser.add_argument(
        "--output-format", choices=("text", "json"), default="text", help="default: %(default)s"
    )
    _add_colour(parser)


def _add_clean(parser: _Parser) -> None:
    parser.add_argument("--config", metavar="FILE", help="read settings from this file only")
    parser.add_argument("--isolated", action="store_true", help="read no settings")
    _add_cache_folder(parser)


def _add_colour(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="auto (the default) also looks at NO_COLOR, FORCE_COLOR and CLICOLOR_FORCE",
    )


def _add_check(parser: _Parser) -> None:
    parser.mixed = True
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="files and folders, by default the working directory; - reads standard input",
    )
    _add_rules(parser.add_argument_group("rules"))
    _add_fixes(parser.add_argument_group("fixes"))
    _add_output(parser.add_argument_group("output"))
    _add_files(parser.add_argument_group("files and settings"))


def _add_rules(group: argparse._ArgumentGroup) -> None:
    selectors = "codes, their first characters, names, or ALL; separated by commas"
    group.add_argument("--select", action="append", metavar="RULES", help=f"only these: {selectors}")
    group.add_argument("--ignore", action="append", metavar="RULES", help="not these")
    group.add_argument("--extend-select", action="append", metavar="RULES", help="these as well")
    group.add_argument(
        "--preview",
        action="store_true",
        default=None,
        help="let prefixes and ALL take in preview rules, which otherwise run only when named in full",
    )


def _add_fixes(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--fix", action="store_true", help="apply safe fixes")
    group.add_argument(
        "--unsafe-fixes", action="store_true", default=None, help="with --fix or --diff: all fixes"
    )
    group.add_argument("--diff", action="store_true", help="print the fixes as a patch, write nothing")
    group.add_argument(
        "--exit-non-zero-on-fix", action="store_true", help="exit with 1 where --fix changed a file"
    )


def _add_output(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--output-format",
        choices=FORMATS,
        help="default: what the settings of the working directory say, or full",
    )
    group.add_argument("-o", "--output-file", metavar="FILE", help="write the report to FILE")
    group.add_argument(
        "--statistics", action="store_true", help="report how many findings each rule has, in place of them"
    )
    group.add_argument(
        "--stats",
        action="store_true",
        help="after the report, print to standard error where the time went: files, bytes, stages, rules",
    )
    group.add_argument("-q", "--quiet", action="store_true", help="print findings only")
    group.add_argument("-v", "--verbose", action="store_true", help="say which files and settings are used")
    group.add_argument("--exit-zero", action="store_true", help="exit with 0 where it would be 1")
    _add_colour(group)


def _add_files(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--stdin-filename", metavar="PATH", help="where standard input comes from, for settings and reports"
    )
    group.add_argument(
        "--exclude",
        action="append",
        metavar="PATTERNS",
        help="leave out, as in .gitignore; separated by commas",
    )
    group.add_argument(
        "--force-exclude", action="store_true", help="leave excluded files out even where they are named"
    )
    group.add_argument("--config", metavar="FILE", help="read settings from this file only")
    group.add_argument("--isolated", action="store_true", help="read no settings")
    group.add_argument(
        "-j",
        "--jobs",
        type=_jobs,
        metavar="N",
        help="processes; default: one for each processor, or only one for few files",
    )
    group.add_argument(
        "--shard",
        type=_shard,
        metavar="N/COUNT",
        help="check only part N of COUNT, so that COUNT machines check every file once",
    )
    group.add_argument("--no-cache", action="store_true", help="neither read nor write the cache")
    _add_cache_folder(group)


def _add_cache_folder(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    parser.add_argument(
        "--cache-dir",
        metavar="FOLDER",
        help="default: TORCHLINT_CACHE_DIR, else .torchlint_cache beside the settings or in the working directory",
    )


def _add_verify(parser: _Parser) -> None:
    parser.description = (
        "Build a live model and compare it with what PyTorch sees of it. This imports and runs your code, in a process "
        "of its own with limits on time and memory; it is no sandbox."
    )
    parser.epilog = _EXIT_STATUS_OF_VERIFY
    parser.add_argument(
        "target",
        nargs="?",
        metavar="TARGET",
        help="package.module:name or file.py:name of a model, a Module class or a function that makes one; "
        "with --from-static: the folder that was checked",
    )
    model = parser.add_argument_group("the model")
    model.add_argument(
        "--arguments", metavar="JSON", help="for the class or function: a list, or an object of keywords"
    )
    model.add_argument(
        "--inputs",
        metavar="TARGET",
        help="a function that gives the inputs of the forward pass: a tensor, a tuple of arguments, a dict of "
        "keywords, or a tuple and a dict; without it the model is only looked at",
    )
    model.add_argument(
        "--optimizer",
        metavar="TARGET",
        help="a function that gets the model, or the name of a class of torch.optim",
    )
    model.add_argument(
        "--device",
        action="append",
        metavar="DEVICE",
        help="cpu (the default), cuda …; may be given several times",
    )
    model.add_argument(
        "--from-static",
        metavar="FILE",
        help="a report of `check --output-format json`: build the classes it is about and say what is confirmed",
    )
    limits = parser.add_argument_group("limits")
    limits.add_argument(
        "--timeout",
        type=_seconds,
        default=300.0,
        metavar="S",
        help="seconds for a model; default: %(default)g",
    )
    limits.add_argument(
        "--memory", type=_jobs, metavar="MB", help="what your code may take; default: what is free (Linux)"
    )
    selectors = "codes, their first characters, names, or ALL; separated by commas"
    rules = parser.add_argument_group("rules")
    rules.add_argument("--select", action="append", metavar="RULES", help=f"only these: {selectors}")
    rules.add_argument("--ignore", action="append", metavar="RULES", help="not these")
    output = parser.add_argument_group("output")
    output.add_argument(
        "--output-format", choices=("full", "json", "sarif"), default="full", help="default: %(default)s"
    )
    output.add_argument("-o", "--output-file", metavar="FILE", help="write the report to FILE")
    output.add_argument("--no-tree", action="store_true", help="leave out the picture of the model")
    output.add_argument("--exit-zero", action="store_true", help="exit with 0 where it would be 1")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"`{text}` is not a number of seconds")
    return seconds


def _jobs(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"`{text}` is not a number of processes")
    return int(text)


def _shard(text: str) -> Shard:
    from torchlint.project.shard import Shard

    try:
        return Shard.parse(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"`{text}` is not a part such as 2/8, from 1/8 to 8/8") from None


COMMANDS: dict[str, tuple[str, str, Callable[[_Parser], None]]] = {
    "check": ("[PATH ...]", "report problems in files and folders", _add_check),
    "verify": ("[TARGET]", "build a live model and compare it with what PyTorch sees of it", _add_verify),
    "explain": ("rule", "what a rule finds, why it matters, and the way out", _add_explain),
    "rules": ("", "list the rules", _add_list),
    "clean": ("", "remove the cache of the working directory", _add_clean),
    "version": ("", "print the version", lambda _: None),
}
"""The arguments of each command, what it is there for, and its options."""
