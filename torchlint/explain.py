"""``torchlint explain`` and ``torchlint rules``: the declarations of the rules, for a terminal."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator

from torchlint.process import CLEAN, UNUSABLE
from torchlint.report.style import Style, wants_colour
from torchlint.rule import Rule
from torchlint.rules import all_rules
from torchlint.settings import suggestion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.rule import Witness

_FENCE = re.compile(r"```(?:python)?\s*(?P<role>\w*)")

# The blocks of a page are introduced by what they are there for.
_ROLES = {
    "bad": "Found here:",
    "good": "Not found here:",
    "fixed": "Better:",
    "proof": "See for yourself (run this behind each of the examples):",
    "verify": "Seen in the live model (run this behind each of the examples):",
}

_WITNESSES: dict[Witness, str] = {"source": "source code", "model": "a live model"}


def explain(options: argparse.Namespace) -> int:
    wanted = options.rule.strip()
    for rule in all_rules():
        if wanted.casefold().replace("_", "-") in (rule.code.casefold(), rule.name):
            _print("\n".join(page(rule, _style(options))))
            return CLEAN
    known = [name for rule in all_rules() for name in (rule.code, rule.name)]
    hint = suggestion(wanted, known) or "; `torchlint rules` lists them"
    print(f"torchlint: error: unknown rule `{wanted}`{hint}", file=sys.stderr)
    return UNUSABLE


def list_rules(options: argparse.Namespace) -> int:
    rules = all_rules()
    if options.output_format == "json":
        _print(json.dumps([_as_json(rule) for rule in rules], indent=2))
    else:
        _print("\n".join(_table(rules, _style(options))))
    return CLEAN


def page(rule: Rule, style: Style) -> Iterator[str]:
    """The rule's page: its facts, then its docstring with the code set apart."""
    yield f"{style.paint(rule.code, 'bold', 'red')} {style.paint(rule.name, 'bold')}"
    yield ", ".join(_facts(rule))
    yield ""
    inside = ended = False
    for line in rule.page.split("\n"):
        if ended and line:
            yield ""
        ended = False
        if fence := _FENCE.match(line):
            ended = inside
            inside = not inside
            if inside:
                yield style.paint(_ROLES.get(fence["role"], "For example:"), "bold")
                yield ""
        elif inside:
            yield style.paint(f"    {line}", "cyan") if line else ""
        else:
            yield style.paint(line, "bold") if line.startswith("#") else line
    yield ""
    yield rule.url


def _facts(rule: Rule) -> Iterator[str]:
    yield rule.severity
    yield f"since {rule.since}"
    yield f"seen in {' and in '.join(_WITNESSES[each] for each in rule.witnesses)}"
    if rule.fixable:
        yield "can be fixed"
    if rule.preview:
        yield "preview: runs only when it is named in full, or with --preview"


def _table(rules: tuple[Rule, ...], style: Style) -> Iterator[str]:
    width = max((len(rule.name) for rule in rules), default=0)
    for rule in rules:
        kind = "*" if rule.fixable else "m" if rule.witnesses == ("model",) else " "
        marks = f"{kind}{'p' if rule.preview else ' '}"
        yield f"{style.paint(rule.code, 'bold', 'red')} {marks} {rule.name:<{width}}  {rule.summary}"
    yield ""
    yield "* can be fixed   m seen in a live model only"
    yield "p preview: runs only when it is named in full, or with --preview"


def _as_json(rule: Rule) -> dict[str, object]:
    return {
        "code": rule.code,
        "name": rule.name,
        "summary": rule.summary,
        "severity": rule.severity,
        "since": rule.since,
        "preview": rule.preview,
        "fixable": rule.fixable,
        "witnesses": list(rule.witnesses),
        "url": rule.url,
    }


def _style(options: argparse.Namespace) -> Style:
    return Style(wants_colour(options.color, sys.stdout))


def _print(text: str) -> None:
    print(text, flush=True)
