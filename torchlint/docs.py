"""``python -m torchlint.docs [--check]``: write what is derived from the rules, or say what of it is stale.

One page for each rule in ``docs/rules``, their index, and the table between the ``<!-- rules -->`` markers of
the README. Nothing of it is edited by hand. It works in a checkout of torchlint, which is the current folder
unless ``--root`` names another.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from torchlint.config import ALWAYS_ON, Config
from torchlint.engine import check_source
from torchlint.rule import Rule
from torchlint.rules import all_rules

_BLOCK = re.compile(
    r"^```python (?P<role>bad|good|fixed|proof|verify)\n(?P<code>.*?)^```\n+", re.MULTILINE | re.DOTALL
)
_REFERENCE = re.compile(r"^- (https://\S+)$", re.MULTILINE)
_MARKER_BELOW = re.compile(r"# \^+ TL\d")
_TABLE = re.compile(r"(?P<open><!-- rules -->\n).*?(?P<close><!-- /?rules -->)", re.DOTALL)
_INDEX = Path("docs/rules/index.md")
_README = Path("README.md")

_ABOUT_COMMENTS = ("TL090", "TL091")
_CAPTIONS = {
    "good": "Not reported:",
    "proof": "Run on PyTorch behind the first block above, this sets `broken` to true; behind the others, to"
    " false:",
    "verify": "`torchlint.runtime`, run behind the first block above, finds the same in the live model, and nothing"
    " behind the others:",
}
_WITNESSES = {("source",): "source", ("model",): "live model", ("source", "model"): "source, live model"}


def render_page(rule: Rule) -> str:
    """The page of a rule: its docstring, with a title above and the facts of its declaration."""
    summary, _, body = rule.page.partition("\n\n")
    safety = safety_of_fix(rule)
    facts = [rule.severity, f"since {rule.since}", "preview" if rule.preview else "on by default"]
    facts.append(f"seen in: {_WITNESSES[rule.witnesses]}")
    if safety:
        facts.append(f"{safety} fix")
    parts = [
        f"# {rule.code}: {rule.name}",
        summary,
        f"*{' · '.join(facts)}*",
        _with_links(_with_captions(rule, safety, body)).strip(),
        _last_words(rule),
    ]
    return "\n\n".join(parts) + "\n"


def safety_of_fix(rule: Rule) -> str:
    """``safe`` or ``unsafe``, as the rule's own examples are repaired; ``""`` where there is no fix."""
    if not rule.fixable:
        return ""
    config = Config(preview=True)  # every rule: whether a suppression is used depends on the others
    bad = (example.code for example in rule.examples if example.role == "bad")
    found = (each for code in bad for each in check_source(code, "example.py", config))
    fixes = {each.fix.safety for each in found if each.fix and each.code == rule.code}
    return "safe" if fixes == {"safe"} else "unsafe"


def _with_captions(rule: Rule, safety: str, body: str) -> str:
    """The blocks as a reader sees them: plain Python fences below a line that says what they show."""

    def shown(block: re.Match[str]) -> str:
        role, code = block["role"], block["code"]
        if role == "bad":
            below = " the line above" if _MARKER_BELOW.search(code) else ""
            reported = "Found in the live model" if rule.witnesses == ("model",) else "Reported"
            caption = f"{reported} (`# {'^ ' if below else ''}{rule.code}` marks{below or ' the line'}):"
        elif role == "fixed":
            options = "--fix --unsafe-fixes" if safety == "unsafe" else "--fix"
            caption = f"What `torchlint check {options}` makes of it:"
        else:
            caption = _CAPTIONS[role]
        return f"{caption}\n\n```python\n{code}```\n\n"

    return _BLOCK.sub(shown, f"{body}\n")


def _with_links(body: str) -> str:
    """Markdown wants a blank line above a list and, outside of GitHub, brackets around an address."""
    return _REFERENCE.sub(r"- <\1>", body.replace("\nReferences:\n-", "\nReferences:\n\n-"))


def _last_words(rule: Rule) -> str:
    """What to do about a finding that is meant, and where to read on."""
    links = f"[Corner cases](../../fixtures/{rule.code}.md) · [All rules](index.md)"
    if rule.code in (ALWAYS_ON, *_ABOUT_COMMENTS):
        return links
    if rule.witnesses == ("model",):
        return f'To allow it, write `@runtime.allow("{rule.code}", reason="…")` on the class.\n\n{links}'
    return (
        f"To keep such a line as it is, write `# noqa: {rule.code}` or "
        f"`# torchlint: ignore[{rule.name}] reason` behind it.\n\n{links}"
    )


def render_index(rules: Iterable[Rule]) -> str:
    return f"# Rules\n\n{render_table(rules, folder='')}"


def render_table(rules: Iterable[Rule], folder: str) -> str:
    """A row for each rule; its code links to its page in ``folder``."""
    rows = ["| Code | Name | What it finds | Seen in | Fix |", "| --- | --- | --- | --- | --- |"]
    for rule in rules:
        summary = rule.summary.replace("|", "\\|")
        name = f"{rule.name} (preview)" if rule.preview else rule.name
        seen = _WITNESSES[rule.witnesses]
        fix = safety_of_fix(rule)
        rows.append(f"| [{rule.code}]({folder}{rule.code}.md) | {name} | {summary} | {seen} | {fix} |")
    return "\n".join(rows) + "\n"


def render_readme(text: str, rules: Iterable[Rule]) -> str:
    """``text`` with a current table of rules; unchanged where it has no markers."""
    table = render_table(rules, folder="docs/rules/")
    return _TABLE.sub(lambda found: f"{found['open']}{table}{found['close']}", text)


def wanted(root: Path, rules: Sequence[Rule]) -> dict[Path, str]:
    """Every derived file, relative to ``root``, with the text it must have."""
    pages = {Path(f"docs/rules/{rule.code}.md"): render_page(rule) for rule in rules}
    readme = (root / _README).read_text(encoding="utf-8")
    return {**pages, _INDEX: render_index(rules), _README: render_readme(readme, rules)}


def problems(root: Path) -> list[str]:
    """What is not as the rules' declarations would have it."""
    files = wanted(root, all_rules())
    found = [f"{path}: is not current" for path, text in files.items() if _text(root / path) != text]
    found += [f"{path}: belongs to no rule" for path in _strays(root, files)]
    if not _TABLE.search(files[_README]):
        found.append(f"{_README}: has no table between <!-- rules --> and <!-- /rules -->")
    return found


def write(root: Path) -> None:
    """Bring every derived file up to date; remove the pages of rules that are gone."""
    files = wanted(root, all_rules())
    for path, text in files.items():
        if _text(root / path) != text:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8", newline="\n")
    for path in _strays(root, files):
        (root / path).unlink()


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _strays(root: Path, files: Iterable[Path]) -> list[Path]:
    there = {path.relative_to(root) for path in (root / "docs/rules").glob("TL*.md")}
    return sorted(there.difference(files))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m torchlint.docs", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 where something is stale"
    )
    parser.add_argument(
        "--root", type=Path, default=Path(), help="the checkout (default: the current folder)"
    )
    options = parser.parse_args(arguments)
    if not (options.root / _README).is_file():
        parser.error(f"{options.root}: no {_README} here; run this in a checkout of torchlint")
    if not options.check:
        write(options.root)
    found = problems(options.root)
    for problem in found:
        print(problem, file=sys.stderr)
    if found and options.check:
        print("Run `python -m torchlint.docs`.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
