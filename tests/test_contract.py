"""What every rule promises, whoever wrote it: its declaration, its page, its messages."""

from __future__ import annotations

import inspect
import re
from itertools import pairwise
from pathlib import Path

import pytest
from pages import FIXTURES, ROOT, Case, Page, pages
from test_examples import ABOUT_FILES, check

from torchlint import docs
from torchlint.diagnostic import Diagnostic
from torchlint.rule import Rule
from torchlint.rules import all_rules
from torchlint.subjects import SUBJECTS

RULES = all_rules()
LONGEST_MESSAGE = 160

# A name describes the pattern that is wrong, so that "ignore NAME" reads right; it does not say what to do.
ADVICE = re.compile(r"^(?:use|no|avoid|prefer|do-not|dont|should|must|check|fix)-")

every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)


def pages_of(rule: Rule) -> list[Page]:
    return [page for page in pages() if page.code == rule.code]


def docstring_of(rule: Rule) -> Page:
    return next(page for page in pages_of(rule) if page.in_docstring)


def cases_of(rule: Rule) -> list[Case]:
    return [case for page in pages_of(rule) for case in page.cases]


def findings_of(rule: Rule, case: Case) -> list[Diagnostic]:
    return [found for found in check(case.bad.source) if found.code == rule.code]


def test_there_are_rules() -> None:
    assert [rule.code for rule in RULES if rule.code not in ABOUT_FILES], "no rules found"


# --- the declaration


def test_codes_and_names_are_unique() -> None:
    assert len({rule.code for rule in RULES}) == len(RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)


@every_rule
def test_code_file_and_name_agree(rule: Rule) -> None:
    assert re.fullmatch(r"TL\d{3}", rule.code)
    assert Path(inspect.getfile(rule.check)).name == f"{rule.code.lower()}_{rule.check.__name__}.py"
    assert rule.name == rule.check.__name__.replace("_", "-")


@every_rule
def test_name_describes_the_pattern(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)+", rule.name)
    assert not ADVICE.match(rule.name), f"{rule.name} is advice: name what is wrong"


@every_rule
def test_rule_is_a_generator_function_of_one_subject(rule: Rule) -> None:
    assert inspect.isgeneratorfunction(rule.check)
    assert list(inspect.signature(rule.check).parameters.values())[1:] == []


@every_rule
def test_since_is_in_the_changelog(rule: Rule) -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.findall(r"^## \[?v?(\d[\w.]*)", changelog, re.MULTILINE)
    assert rule.since in releases, f"{rule.code} is since {rule.since}, the changelog has {releases}"


def test_the_table_of_subjects_names_each_rule() -> None:
    told = {code: name for name, subject in SUBJECTS.items() for code in subject.rules.split()}
    of_sources = {rule.code: rule.subject for rule in RULES if "source" in rule.witnesses}
    elsewhere = {"TL000": "Failure", "TL090": "Suppression", "TL091": "Suppression"}
    assert told | elsewhere == of_sources


# --- the page


@every_rule
def test_page_starts_with_a_sentence(rule: Rule) -> None:
    assert rule.summary.endswith("."), rule.summary
    assert rule.summary[0].isupper() or rule.summary[0] in "`*", rule.summary
    assert ". " not in rule.summary.replace("e.g. ", ""), "the summary is one sentence"
    assert len(rule.summary) <= LONGEST_MESSAGE


@every_rule
def test_page_says_why(rule: Rule) -> None:
    why = rule.page.split("\n\n")[1]
    assert not why.startswith(("```", "References")), "a paragraph of reasons comes before the first example"
    assert len(why.split()) >= 20, why


@every_rule
def test_page_has_references(rule: Rule) -> None:
    _, found, references = rule.page.partition("\nReferences:\n")
    assert found, "the page ends with a list headed `References:`"
    listed = [line for line in references.splitlines() if line.strip()]
    assert listed
    assert all(re.match(r"\s*[-*] ", line) or line.startswith("  ") for line in listed), references
    assert any("https://" in line for line in listed)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.code != "TL000"], ids=lambda rule: rule.code)
def test_docstring_shows_a_finding_and_a_way_out(rule: Rule) -> None:
    blocks = docstring_of(rule).blocks
    assert any(rule.code in block.codes for block in blocks)
    assert any(block.role in ("good", "fixed") for block in blocks)


@every_rule
def test_fixture_page_exists(rule: Rule) -> None:
    assert (FIXTURES / f"{rule.code}.md").is_file()


def test_every_fixture_page_is_of_a_rule() -> None:
    codes = {rule.code for rule in RULES}
    assert [path.name for path in FIXTURES.glob("TL*.md") if path.stem not in codes] == []


@every_rule
def test_examples_are_the_blocks_of_the_docstring(rule: Rule) -> None:
    """The rule and these tests read the page alike: none of its examples goes untested."""
    roles = [example.role for example in rule.examples]
    assert roles == [block.role for block in docstring_of(rule).blocks]


def test_documentation_is_current() -> None:
    assert docs.problems(ROOT) == [], "run `python -m torchlint.docs`"


# --- the messages


@every_rule
def test_messages(rule: Rule) -> None:
    for case in cases_of(rule):
        for found in findings_of(rule, case):
            assert_message(found.message, case.bad.source)


def assert_message(message: str, source: str) -> None:
    """One sentence that names something of the user's."""
    assert message == message.strip()
    assert "\n" not in message
    assert not message.endswith("."), f"a final full stop: {message}"
    assert not re.search(r"[.!?] [A-Z]", message), f"more than one sentence: {message}"
    assert len(message) <= LONGEST_MESSAGE, f"{len(message)} characters: {message}"
    quoted = re.findall(r"`([^`]+)`", message)
    words = [word for text in quoted for word in re.findall(r"\w+", text)]
    assert any(re.search(rf"\b{re.escape(word)}\b", source) for word in words), (
        f"nothing of the user's code in backticks: {message}"
    )


@every_rule
def test_every_text_of_a_finding_is_one_line(rule: Rule) -> None:
    for case in cases_of(rule):
        for found in findings_of(rule, case):
            labels = [label.message for label in found.finding.labels]
            fixes = [found.fix.message] if found.fix else []
            for text in (found.finding.caption, found.finding.help, *labels, *fixes):
                assert "\n" not in text
                assert not text.endswith("."), text


# --- the fix


@every_rule
def test_fix_is_given_if_a_fixed_block_is_shown(rule: Rule) -> None:
    for case in cases_of(rule):
        fixes = [found.fix for found in findings_of(rule, case) if found.fix is not None]
        if not rule.fixable:
            assert not fixes, f"{case.id}: a fix, but the docstring shows no fixed block"
        elif case.fixed is not None:
            assert fixes, f"{case.id}: no fix, but there is a fixed block"


@every_rule
def test_fix_edits_do_not_overlap(rule: Rule) -> None:
    for case in cases_of(rule):
        for found in findings_of(rule, case):
            edits = sorted(found.fix.edits) if found.fix else []
            assert all(first.range.end <= second.range.start for first, second in pairwise(edits))
