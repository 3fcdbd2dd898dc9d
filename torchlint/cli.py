"""The command line: what is run, and what happens whatever goes wrong.

``torchlint version`` and the like answer at once: what a command needs is imported when it runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial

from torchlint import __version__
from torchlint.process import CLEAN, INTERRUPTED, UNUSABLE, silence
from torchlint.usual import usual_check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def main(arguments: Sequence[str] | None = None, *, alone: bool = False) -> int:
    """Run one command; the exit status. No error of the user, or of ours, shows a traceback.

    ``alone``: the process is there for nothing else.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    _prepare_streams()
    try:
        return _run(arguments, alone)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        silence(sys.stdout)
        return CLEAN
    except OSError as error:
        # No space for the report, the working directory removed: nothing of ours, and nothing to go on with.
        print(f"torchlint: error: {error}", file=sys.stderr)
        silence(sys.stdout)
        return UNUSABLE
    except Exception as error:
        return _internal_error(error, arguments)


def _prepare_streams() -> None:
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif reconfigure := getattr(getattr(sys, name), "reconfigure", None):
            # Names and code in any script must not end the report on a terminal that cannot show them.
            reconfigure(errors="backslashreplace")


def _run(arguments: Sequence[str], alone: bool) -> int:
    usual = usual_check(arguments)
    if usual is not None:
        from torchlint.checking import check

        return check(usual, partial(_wrong_check, alone))
    from torchlint.arguments import COMMANDS, build_parser

    parser = build_parser(arguments[0] if arguments else "", alone=alone)
    if not arguments:
        parser.print_help(sys.stderr)
        return UNUSABLE
    if arguments[0] not in COMMANDS and not arguments[0].startswith("-") and os.path.exists(arguments[0]):
        parser.error(f"unknown command `{arguments[0]}`; did you mean `torchlint check {arguments[0]}`?")
    options = parser.parse_args(arguments)
    if options.command == "version":
        print(f"torchlint {__version__}", flush=True)
        return CLEAN
    if options.command == "check":
        from torchlint.checking import check

        return check(options, parser.error)
    if options.command == "verify":
        from torchlint.verifying import verify

        return verify(options, parser.error)
    if options.command == "clean":
        from torchlint.cleaning import clean

        return clean(options)
    from torchlint.explain import explain, list_rules

    return explain(options) if options.command == "explain" else list_rules(options)


def _wrong_check(alone: bool, message: str) -> NoReturn:
    from torchlint.arguments import build_parser

    build_parser("check", alone=alone).error(message)


def _internal_error(error: Exception, arguments: Sequence[str]) -> int:
    if {"-v", "--verbose"} & set(arguments):
        import traceback

        traceback.print_exc()
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    print(
        f"torchlint: internal error: {reason} (this is a bug in torchlint; -v shows where)", file=sys.stderr
    )
    return UNUSABLE
