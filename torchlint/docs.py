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

from torchlint.rule import Rule
from torchlint.rules import all_rules

_FENCE = re.compile(r"^```python (?P<role>bad|good|fixed|proof)$", re.MULTILINE)
_TABLE = re.compile(r"(?P<open><!-- rules -->\n).*?(?P<close><!-- /?rules -->)", re.DOTALL)
_INDEX = Path("docs/rules/index.md")
_README = Path("README.md")

_CAPTIONS = {
    "bad": "Reported:",
    "fixed": "Repaired by `torchlint check --fix --unsafe-fixes`:",
    "good": "Not reported:",
    "proof": "Run on PyTorch behind each of these blocks, this shows the difference:",
}


def render_page(rule: Rule) -> str:
    """The page of a rule: its docstring, with a title above and the facts of its declaration."""
    summary, _, body = rule.page.partition("\n\n")
    facts = [rule.severity, f"since {rule.since}", "preview" if rule.preview else "on by default"]
    if rule.fixable:
        facts.append("can be repaired")
    parts = [
        f"# {rule.code}: {rule.name}",
        summary,
        f"*{' · '.join(facts)}*",
        _with_captions(body).strip(),
        f"Corner cases: [fixtures/{rule.code}.md](../../fixtures/{rule.code}.md)",
    ]
    return "\n\n".join(parts) + "\n"


def _with_captions(body: str) -> str:
    """The blocks as a reader sees them: plain Python fences that say what they show."""
    return _FENCE.sub(lambda found: f"{_CAPTIONS[found['role']]}\n\n```python", body)


def render_index(rules: Iterable[Rule]) -> str:
    return f"# Rules\n\n{render_table(rules, folder='')}"


def render_table(rules: Iterable[Rule], folder: str) -> str:
    """A row for each rule; its code links to its page in ``folder``."""
    rows = ["| Code | Name | What it finds | Fix |", "| --- | --- | --- | --- |"]
    for rule in rules:
        summary = rule.summary.replace("|", "\\|")
        name = f"{rule.name} (preview)" if rule.preview else rule.name
        rows.append(f"| [{rule.code}]({folder}{rule.code}.md) | {name} | {summary} | {'✓' * rule.fixable} |")
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
