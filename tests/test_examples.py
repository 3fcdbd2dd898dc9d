"""Nobody writes these tests: they follow from the example blocks of the docstrings and fixture pages."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import Door, Located, by_file
from pages import (
    REGISTRATION,
    Block,
    Case,
    Marker,
    Page,
    Project,
    Proof,
    all_blocks,
    all_cases,
    all_looks,
    all_projects,
    all_proofs,
    all_trials,
    pages,
    read_markers,
)
from variants import SPELLINGS, Rewrite, in_a_function, with_tabs, without_torch

from torchlint.config import Config
from torchlint.diagnostic import Diagnostic
from torchlint.engine import check_source
from torchlint.fix.apply import fix_source
from torchlint.rule import Rule
from torchlint.rules import all_rules

if TYPE_CHECKING:
    from torchlint.rule import Witness

ABOUT_FILES = ("TL000", "TL090", "TL091")
"""Rules about the file and its comments; the others are about PyTorch."""

EVERY_RULE = Config(select=tuple(rule.code for rule in all_rules()))

CHECKED = all_blocks("bad", "good", "fixed")
BAD = all_blocks("bad")
SILENT = all_blocks("good", "fixed")
FIXED = [case for case in all_cases() if case.fixed is not None]
TORCH_RULES = [rule for rule in all_rules() if rule.code not in ABOUT_FILES]


def by_witness(witness: Witness) -> list[Rule]:
    return [rule for rule in TORCH_RULES if witness in rule.witnesses]


def each(items: Sequence[Any], name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(name, [pytest.param(item, id=item.id) for item in items])


@cache
def _checked(source: bytes | str) -> tuple[Diagnostic, ...]:
    return tuple(check_source(source, "example.py", EVERY_RULE))


def check(source: bytes | str) -> list[Diagnostic]:
    return list(_checked(source))


def lines(found: Sequence[Diagnostic], shift: int = 0) -> list[tuple[int, str]]:
    return sorted((one.range.start.line - shift, one.code) for one in found)


def located(found: Sequence[Diagnostic]) -> Located:
    return sorted((one.code, *one.range.start) for one in found)


def about_torch(found: Sequence[Diagnostic]) -> list[tuple[int, str]]:
    return [(line, code) for line, code in lines(found) if code not in ABOUT_FILES]


def explain(block: Block, found: Sequence[Diagnostic]) -> str:
    """What a failing test shows: the findings, and the code with line numbers."""
    shown = [f"  {one.range.start.line}:{one.range.start.column} {one.code} {one.message}" for one in found]
    code = [f"{number:4} {line}" for number, line in enumerate(block.source.splitlines(), start=1)]
    return "\n".join([block.id, "findings:", *shown, "code:", *code])


def test_there_are_rules() -> None:
    assert TORCH_RULES, "no rules found"
    assert BAD, "no bad blocks found"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_page_is_well_formed(page: Page) -> None:
    assert not page.problems, "\n".join([page.name, *page.problems])


@each(CHECKED, "block")
def test_block_is_python(block: Block) -> None:
    compile(block.source, block.id, "exec", dont_inherit=True)


# --- what is found


@each(BAD, "block")
def test_findings_are_the_markers(block: Block) -> None:
    found = check(block.source)
    assert_markers(block, found)


def assert_markers(block: Block, found: Sequence[Diagnostic]) -> None:
    known_misses = {(marker.line, marker.code) for marker in block.markers if marker.todo}
    now_found = known_misses.intersection(lines(found))
    assert not now_found, f"found now, so write the marker without todo: {now_found}\n{explain(block, found)}"
    expected = sorted((marker.line, marker.code) for marker in block.expected)
    assert lines(found) == expected, explain(block, found)
    for marker in block.expected:
        assert any(fits(one, marker, block) for one in found), f"{marker}\n{explain(block, found)}"


def fits(one: Diagnostic, marker: Marker, block: Block) -> bool:
    """Whether the finding stands where the marker says; of several lines, the carets show the first."""
    if (one.code, one.range.start.line) != (marker.code, marker.line):
        return False
    if marker.columns is None:
        return True
    above = block.source.splitlines()[marker.line - 1]
    end = one.range.end.column if one.range.end.line == marker.line else len(above) + 1
    return marker.columns == (one.range.start.column, end)


@each(SILENT, "block")
def test_good_and_fixed_blocks_are_silent_for_every_rule(block: Block) -> None:
    found = check(block.source)
    assert not found, explain(block, found)


@each(all_projects(), "project")
def test_findings_in_a_project_are_the_markers(project: Project, tmp_path: Path) -> None:
    for name, block in project.files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.source, encoding="utf-8")
    for name, block in project.files:
        assert_markers(block, check_source(block.source, str(tmp_path / name), EVERY_RULE))


# --- repairs


def fix(source: str) -> str:
    return fix_source(source.encode(), "example.py", check, unsafe=True).source.decode()


@each(FIXED, "case")
def test_fix_gives_the_fixed_block(case: Case) -> None:
    assert case.fixed is not None
    assert fix(case.bad.source) == case.fixed.source


@each(CHECKED, "block")
def test_fix_is_idempotent(block: Block) -> None:
    fixed = fix(block.source)
    ast.parse(fixed)
    assert fix(fixed) == fixed
    if block.role != "bad":
        assert fixed == block.source


# --- comments


def speaks_of_suppression(block: Block) -> bool:
    return "noqa" in block.source or "torchlint:" in block.source


def with_comments(block: Block, comment: Callable[[str], str]) -> str:
    """The source with a comment behind every line that has findings."""
    rows = block.source.splitlines()
    for line in {marker.line for marker in block.expected}:
        codes = sorted({marker.code for marker in block.expected if marker.line == line})
        rows[line - 1] += f"  # {comment(', '.join(codes))}"
    return "".join(f"{row}\n" for row in rows)


SUPPRESSED = [block for block in BAD if not speaks_of_suppression(block)]


@each(SUPPRESSED, "block")
def test_noqa_silences(block: Block) -> None:
    found = check(with_comments(block, lambda codes: f"noqa: {codes}"))
    assert not found, explain(block, found)


@each(SUPPRESSED, "block")
def test_ignore_comment_silences(block: Block) -> None:
    found = check(with_comments(block, lambda codes: f"torchlint: ignore[{codes}] as an example"))
    assert not found, explain(block, found)


@each(SUPPRESSED, "block")
def test_unused_noqa_is_reported(block: Block) -> None:
    marked = {marker.code for marker in block.expected}
    unused = next(rule.code for rule in TORCH_RULES if rule.code not in marked)
    found = lines(check(with_comments(block, lambda _: f"noqa: {unused}")))
    more = sorted(set(found) - set(lines(check(block.source))))
    assert more == sorted({(marker.line, "TL090") for marker in block.expected})


# --- the same program written differently


@pytest.mark.parametrize("spelling", SPELLINGS, ids=lambda spelling: spelling.__name__)
def test_spelling_of_the_imports_does_not_matter(spelling: Rewrite) -> None:
    differing = []
    applied = 0
    for block in CHECKED:
        source = spelling(block.source)
        if source is None:
            continue
        applied += 1
        ast.parse(source)
        found = check(source)
        if lines(found) != lines(check(block.source)):
            differing.append(f"{explain(block, found)}\nas written here:\n{source}")
    assert not differing, "\n\n".join(differing)
    assert applied, "no block has the spelling that this starts from"


@each(BAD, "block")
def test_other_libraries_are_silent(block: Block) -> None:
    source = without_torch(block.source)
    ast.parse(source)
    assert not about_torch(check(source)), source


@each(CHECKED, "block")
def test_layout_of_the_text_does_not_matter(block: Block) -> None:
    source = block.source
    expected = located(check(source))
    assert located(check(source.replace("\n", "\r\n").encode())) == expected, "CRLF"
    assert located(check(b"\xef\xbb\xbf" + source.encode())) == expected, "byte order mark"
    assert located(check(source.rstrip("\n"))) == expected, "no newline at the end"
    assert located(check(source.encode())) == expected, "bytes"


@each(CHECKED, "block")
def test_place_in_the_file_does_not_matter(block: Block) -> None:
    source = block.source
    expected = lines(check(source))
    assert lines(check("\n\n\n" + source), shift=3) == expected, "blank lines"
    assert lines(check(f"# Größe der Ausgabe: 张量\n{source}"), shift=1) == expected, "non-ASCII"
    assert lines(check(with_tabs(source))) == expected, "tabs"
    if (nested := in_a_function(source)) is not None:
        found = check(nested)
        assert lines(found, shift=1) == expected, f"in a function\n{explain(block, found)}"


@each(CHECKED, "block")
def test_markers_are_only_comments(block: Block) -> None:
    """A reader who copies a block with its markers gets the same findings."""
    rows = block.source.splitlines()
    for line in {marker.line for marker in block.markers}:
        rows[line - 1] += "  # marked"
    assert located(check("".join(f"{row}\n" for row in rows))) == located(check(block.source))


# --- the same through every door


@pytest.fixture(scope="module")
def report(examples: Door) -> dict[str, Any]:
    return examples.check(".", "-j1", hash_seed=1)


def expected_by_file() -> dict[str, Located]:
    found = {f"{block.module_name}.py": located(check(block.source)) for block in CHECKED}
    return {name: each for name, each in found.items() if each}


def test_command_line_agrees(report: dict[str, Any]) -> None:
    assert by_file(report) == expected_by_file()


def test_number_of_processes_does_not_matter(examples: Door, report: dict[str, Any]) -> None:
    assert examples.check(".", "-j2", hash_seed=1) == report


def test_hash_seed_does_not_matter(examples: Door, report: dict[str, Any]) -> None:
    assert examples.check(".", "-j1", hash_seed=2) == report


def test_flake8_agrees(examples: Door, report: dict[str, Any]) -> None:
    pytest.importorskip("flake8")
    format_ = "%(path)s\t%(code)s\t%(row)d\t%(col)d"
    done = examples("flake8", "--isolated", "--select", "TL", "--format", format_, ".")
    assert done.returncode in (0, 1), done.stderr
    found: dict[str, Located] = {}
    for line in done.stdout.splitlines():
        path, code, row, column = line.split("\t")
        found.setdefault(Path(path).name, []).append((code, int(row), int(column)))
    assert {name: sorted(each) for name, each in found.items()} == by_file(report)


def test_standard_input_agrees(examples: Door, report: dict[str, Any]) -> None:
    files = by_file(report)
    for block in _one_for_each_page(BAD)[:3]:
        name = f"{block.module_name}.py"
        piped = examples.check("-", "--stdin-filename", name, stdin=block.source)
        assert by_file(piped).get(name, []) == files.get(name, [])


def _one_for_each_page(blocks: Sequence[Block]) -> list[Block]:
    return list({block.page: block for block in reversed(blocks)}.values())


# --- executed on real PyTorch


@pytest.mark.parametrize("rule", by_witness("source"), ids=lambda rule: rule.code)
def test_rule_has_a_proof(rule: Rule) -> None:
    """Some bad block of the rule is shown to be broken by running it, and its repair to work."""
    cases = [case for page in pages() if page.code == rule.code for case in page.cases]
    proved = [case for case in cases if {proof.broken for proof in case.proofs} == {True, False}]
    marked = {code for case in proved for code in case.bad.codes}
    assert rule.code in marked, (
        f"{rule.code} needs a bad block, a good or fixed block, and a proof, in this order"
    )


@each(all_proofs(), "proof")
def test_proof_on_pytorch(proof: Proof, verdicts: dict[str, Any]) -> None:
    verdict = verdicts[proof.program]
    assert "error" not in verdict, f"{verdict.get('error')}\n{proof.program}"
    assert verdict["broken"] is proof.broken, f"`broken` must be {proof.broken} behind\n{proof.program}"


# --- verified on a live model


VERDICTS = {
    rule.code: ("error", "warning", "note")[: 3 if rule.severity == "note" else 2] for rule in all_rules()
}
"""The severities that count as a verdict: a note is a fact to read, unless the rule is one about such facts."""


@pytest.mark.parametrize("rule", by_witness("model"), ids=lambda rule: rule.code)
def test_rule_has_a_verification(rule: Rule) -> None:
    """What a rule finds in a live model is shown beside what it finds in the source."""
    cases = [case for page in pages() if page.code == rule.code for case in page.cases]
    shown = [case for case in cases if {trial.broken for trial in case.trials} == {True, False}]
    assert rule.code in {code for case in shown for code in case.bad.codes}, (
        f"{rule.code} needs a bad block, a good or fixed block, and a verify block, in this order"
    )


@each(all_trials(), "trial")
def test_both_witnesses_agree(trial: Proof, verdicts: dict[str, Any]) -> None:
    """The runtime finds in the live model what the marker says of the source, and nothing in the repair."""
    verdict = verdicts[trial.program]
    assert "error" not in verdict, f"{verdict.get('error')}\n{trial.program}"
    found = {code for code, severity, _ in verdict["found"] if severity in VERDICTS[code]}
    code = trial.block.page[:5]
    assert (code in found) is trial.broken, f"{verdict['found']} behind\n{trial.program}"


@each(all_looks(), "block")
def test_live_models_agree_with_the_source(block: Block, verdicts: dict[str, Any]) -> None:
    """Where the models of a block can be built, both witnesses find the same, at the same lines.

    A plain tensor is a note until it is seen to break, and a miss that the source is known for is none of the model's.
    """
    verdict = verdicts[block.look]
    if "built" not in verdict:
        pytest.skip("the block cannot be run without something that is not there")
    codes = {rule.code for rule in all_rules() if REGISTRATION & rule.trials.keys()}
    built = [range(start, end + 1) for start, end in verdict["built"]]
    marked = {
        (marker.code, marker.line) for marker in block.markers if any(marker.line in lines for lines in built)
    }
    promised = {(marker.code, marker.line) for marker in block.expected} & marked
    seen = {(code, line) for code, _, line in verdict["found"] if code in codes}
    grave = {
        (code, line) for code, severity, line in verdict["found"] if code in codes and severity != "note"
    }
    assert {each for each in promised if each[0] in codes} <= seen, verdict
    assert grave <= marked, verdict


# --- the markers themselves


def test_marker_grammar() -> None:
    problems: list[str] = []
    source, markers = read_markers(
        "x = f(a)  # TL001 TL002\n"
        "    # ^^^ TL003\n"
        "y = 1  # a remark  # TL004\n"
        "z = 2  # noqa: TL005\n"
        "# ^ TL090\n"
        "w = 3  # todo: TL006\n"
        "# todo: think about TL007\n",
        problems,
    )
    assert source == "x = f(a)\ny = 1  # a remark\nz = 2  # noqa: TL005\nw = 3\n# todo: think about TL007\n"
    assert [(marker.line, marker.code, marker.todo, marker.columns) for marker in markers] == [
        (1, "TL001", False, None),
        (1, "TL002", False, None),
        (1, "TL003", False, (7, 9)),
        (2, "TL004", False, None),
        (3, "TL090", False, None),
        (4, "TL006", True, None),
    ]
    assert not problems


@pytest.mark.parametrize("line", ["x = 1  # TL001: why", "x = 1  # tl001", "# ^^ TL1"])
def test_a_mistyped_marker_is_a_problem(line: str) -> None:
    problems: list[str] = []
    read_markers(f"{line}\n", problems)
    assert len(problems) == 1
