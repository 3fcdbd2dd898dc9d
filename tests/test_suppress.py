"""Suppression comments: what they silence, and what is said about those that are of no use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flake8.violation import Violation
from hypothesis import given
from hypothesis import strategies as st

from torchlint import suppress
from torchlint.comments import Layout
from torchlint.diagnostic import Diagnostic, Finding, Position, Range
from torchlint.fix.apply import fix_source
from torchlint.suppress import Vocabulary

NAMES = {
    "file-not-checked": "TL000",
    "module-in-plain-container": "TL001",
    "tensor-attribute": "TL002",
    "wrong-class-in-super": "TL011",
    "functional-dropout": "TL101",
    "unused-suppression": "TL090",
    "malformed-suppression": "TL091",
}


@pytest.fixture(autouse=True)
def known_rules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A small catalogue, so that these tests do not change with the real one."""
    known = Vocabulary(NAMES)
    monkeypatch.setattr(suppress, "vocabulary", lambda: known)
    yield


def at(line: int, code: str = "TL001", *, to: int | None = None, column: int = 1) -> Diagnostic:
    name = next(name for name, its_code in NAMES.items() if its_code == code)
    place = Range(Position(line, column), Position(to or line, column + 1))
    return Diagnostic(code, name, "error", "m.py", Finding(place, "something"))


def apply(text: str, *diagnostics: Diagnostic, enabled: str = "TL") -> list[Diagnostic]:
    return suppress.apply(text, diagnostics, lambda code: code.startswith(enabled), "m.py")


def codes(diagnostics: list[Diagnostic]) -> list[str]:
    return [each.code for each in diagnostics]


def repaired(text: str, *diagnostics: Diagnostic) -> str:
    """``text`` after the fixes of what is said about its comments."""

    def check(source: bytes) -> list[Diagnostic]:
        return apply(source.decode(), *diagnostics)

    return fix_source(text.encode(), "m.py", check, unsafe=False).source.decode()


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "# NOQA",
        "# noqa: TL001",
        "# noqa:TL001",
        "# NoQA: TL001",
        "# noqa: TL001,E501",
        "# noqa: E501, TL001",
        "# noqa: E501 TL001",
        "# noqa: TL001 because I trust it",
        "# noqa: TL001 # type: ignore",
        "# type: ignore # noqa: TL001",
        "# noqa: TL001[reason]",
        "# noqa: TL0",
        "# noqa: TL00",
        "# noqa: TL001 module-in-plain-container",
        "# torchlint: ignore[TL001]",
        "#torchlint:ignore[TL001]",
        "#  torchlint :  ignore [ TL001 ]",
        "# torchlint: ignore[module-in-plain-container] kept for old checkpoints, see #12",
        "# torchlint: ignore[TL002, TL001]",
        "# torchlint: ignore[TL002 TL001]",
        "# type: ignore[attr-defined]  # torchlint: ignore[TL001]",
        "# noqa: E501  # torchlint: ignore[TL001]",
        "# Torchlint: Ignore[TL001]",
    ],
)
def test_comment_silences_its_line_and_no_other(comment: str) -> None:
    text = f"a = 1  {comment}\nb = 2\n"
    found = apply(text, at(1, "TL001"), at(1, "TL002"), at(2, "TL001"))
    assert ("TL001", 1) not in [(each.code, each.range.start.line) for each in found]
    assert ("TL001", 2) in [(each.code, each.range.start.line) for each in found]
    assert "TL091" not in codes(found)


@pytest.mark.parametrize(
    ("comment", "silenced", "problem"),
    [
        ("# noqa: module-in-plain-container", True, "silences every tool on this line"),
        ("# noqa: module_in_plain_container", True, "write `# noqa: TL001`"),
        ("# noqa TL001", True, "write `# noqa: TL001`"),
        ("# noqa : TL001", True, "write `# noqa: TL001`"),
        ("# noqa:  TL001", True, "write `# noqa: TL001`"),
        ("# noqa: TL 001", True, "write `# noqa: TL001`"),
        ("# noqa: TL-001", True, "write `# noqa: TL001`"),
        ("#noqa: TL001", False, "exactly one space"),
        ("#  noqa: TL001", False, "exactly one space"),
        ("# noqa: E501  # noqa: TL001", False, "only the first `# noqa`"),
        ("# noqa: tl001", False, "`tl001` names no rule and silences nothing; the nearest is `TL001`"),
        ("# noqa: TL1001", False, "`TL1001` names no rule"),
        ("# noqa: TL02", False, "`TL02` names no rule and silences nothing; the nearest is `TL002`"),
        ("# noqa: E501, module-in-plain-container", False, "reads only codes; write `TL001`"),
        ("# noqa: TL000", False, "`TL000` cannot be suppressed"),
        ("# torchlint: ignore", False, "names no rule"),
        ("# torchlint: ignore because", False, "names no rule"),
        ("# torchlint: ignore TL001", False, "write `# torchlint: ignore[CODE] reason`"),
        ("# torchlint: ignore(TL001)", False, "names no rule"),
        ("# torchlint: ignore[TL001", False, "names no rule"),
        ("# torchlint: ignore[]", False, "names no rule"),
        ("# torchlint: ignore[ , ]", False, "names no rule"),
        (
            "# torchlint: ignore[TL01]",
            False,
            "`TL01` names no rule and silences nothing; the nearest is `TL001`",
        ),
        ("# torchlint: ignore[tl001]", False, "the nearest is `TL001`"),
        (
            "# torchlint: ignore[modul-in-plain-container]",
            False,
            "the nearest is `module-in-plain-container`",
        ),
        ("# torchlint: ignore[E501]", False, "`torchlint rules` lists them"),
        ("# torchlint: ignore[file-not-checked]", False, "cannot be suppressed"),
        ("# torchlint: disable=TL001", False, "is no directive of torchlint"),
        ("# torchlint: ignore-file[TL001]", False, "on a line of its own above the first statement"),
    ],
)
def test_malformed_comment(comment: str, silenced: bool, problem: str) -> None:
    found = apply(f"a = 1  {comment}\n", at(1))
    assert codes(found) == (["TL091"] if silenced else ["TL001", "TL091"])
    assert problem in found[-1].message
    assert not found[-1].message.endswith(".")


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "# noqa: E501",
        "# noqa: some-name of another tool",
        "# noqa: because tensors are shared",
        "# noqa: module",
        "#noqa",
        "# noqa: TLX001",
        "# subtle noqa TL",
        "# see torchlint: it is great",
        "# torchlint finds this",
        "# type: ignore[TL001]",
    ],
)
def test_comments_of_others_are_left_alone(comment: str) -> None:
    assert apply(f"a = 1  {comment}\n") == []


def test_text_in_strings_is_no_comment() -> None:
    text = 's = "# noqa: TL001"\nt = """\n# torchlint: ignore[TL001]\n"""\n# torchlint: ignore-file[TL001]\n'
    assert codes(apply(text, at(1), at(2))) == ["TL001", "TL001", "TL091"]


FRAGMENTS = [
    "# noqa",
    "#noqa",
    "#",
    " ",
    "  ",
    ":",
    ",",
    "TL001",
    "TL0",
    "E501",
    "tl001",
    "TL",
    "x",
    "[",
    "]",
    "\t",
]


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=8).map(lambda parts: "# " + "".join(parts)))
def test_noqa_means_what_it_means_to_flake8(comment: str) -> None:
    line = f"a = 1  {comment}\n"
    expected = Violation("TL001", "m.py", 1, 1, "something", line).is_inline_ignored(False)
    assert ("TL001" not in codes(apply(line, at(1)))) == expected


MULTI_LINE = """\
layers = [
    one,
    two,
]{comment}
text = '''
more
'''{comment}
total = 1 + \\
    2{comment}
"""


def test_noqa_counts_where_flake8_looks_for_it() -> None:
    text = MULTI_LINE.format(comment="  # noqa: TL001")
    found = apply(text, at(1, to=4), at(5, to=7), at(8, to=9))
    assert [(each.code, each.range.start.line) for each in found] == [("TL001", 1), ("TL090", 4)]


def test_own_comment_counts_on_first_and_last_line() -> None:
    text = MULTI_LINE.format(comment="  # torchlint: ignore[TL001]")
    assert apply(text, at(1, to=4), at(5, to=7), at(8, to=9)) == []
    first = text.replace("[\n", "[  # torchlint: ignore[TL001]\n").replace(
        "]  # torchlint: ignore[TL001]", "]"
    )
    assert apply(first, at(1, to=4), at(5, to=7), at(8, to=9)) == []


def test_own_comment_counts_at_the_end_of_the_statement_around_the_finding() -> None:
    text = "f(\n    a,\n    b,\n)  # torchlint: ignore[TL001]\n"
    assert apply(text, at(2, column=5)) == []
    middle = "f(\n    a,\n    b,  # torchlint: ignore[TL001]\n)\n"
    assert codes(apply(middle, at(2, column=5))) == ["TL001", "TL090"]


def test_range_that_ends_before_the_first_column_of_a_line() -> None:
    text = "class A:\n    x = 1  # torchlint: ignore[TL001]\ny = 2\n"
    place = Range(Position(1, 1), Position(3, 1))
    found = Diagnostic("TL001", "module-in-plain-container", "error", "m.py", Finding(place, "something"))
    assert apply(text, found) == []


HEADER = "#!/usr/bin/env python\n# torchlint: ignore-file[TL001, functional-dropout] generated code\n"


def test_ignore_file() -> None:
    text = HEADER + '"""Doc."""\na = 1\n'
    assert codes(apply(text, at(4, "TL001"), at(4, "TL101"), at(4, "TL002"))) == ["TL002"]
    assert "in this file" in apply(text, at(4, "TL001"))[0].message


def test_ignore_file_below_the_first_statement_has_no_effect() -> None:
    text = '"""Doc."""\n# torchlint: ignore-file[TL001]\na = 1\n'
    found = apply(text, at(3))
    assert codes(found) == ["TL001", "TL091"]


def test_ignore_on_a_line_of_its_own_is_malformed() -> None:
    found = apply("# torchlint: ignore[TL001]\na = 1\n", at(2))
    assert codes(found) == ["TL001", "TL091"]
    assert "`ignore-file`" in found[1].message


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a = 1  # noqa: TL001\n", "a = 1\n"),
        ("a = 1\t# noqa: TL001\n", "a = 1\n"),
        ("a = 1  # noqa: TL001,E501\n", "a = 1  # noqa: E501\n"),
        ("a = 1  # noqa: E501, TL001, F401\n", "a = 1  # noqa: E501, F401\n"),
        ("a = 1  # noqa: E501 TL001\n", "a = 1  # noqa: E501\n"),
        ("a = 1  # noqa: TL001,TL101\n", "a = 1\n"),
        ("a = 1  # noqa: TL001, shared on purpose\n", "a = 1  # shared on purpose\n"),
        ("a = 1  # noqa: TL001 # type: ignore\n", "a = 1  # type: ignore\n"),
        ("a = 1  # type: ignore  # noqa: TL001\n", "a = 1  # type: ignore\n"),
        (
            "a = 1  # type: ignore  # torchlint: ignore[TL001] see #12  # fmt: skip\n",
            "a = 1  # type: ignore  # fmt: skip\n",
        ),
        ("a = 1  # torchlint: ignore[TL001] reason\n", "a = 1\n"),
        ("a = 1  # torchlint: ignore[TL001, functional-dropout] reason\n", "a = 1\n"),
        ("a = 1  # torchlint: ignore[TL001]", "a = 1"),
        ("# torchlint: ignore-file[TL001]\na = 1\n", "a = 1\n"),
        ("a = 1\r\n# noqa: TL001\r\nb = 2\r\n", "a = 1\r\nb = 2\r\n"),
        ("a = 1\n    # noqa: TL001", "a = 1\n"),
    ],
)
def test_unused_suppression_is_removed(before: str, after: str) -> None:
    found = apply(before)
    assert codes(found) == ["TL090"]
    assert found[0].fix is not None
    assert found[0].fix.safety == "safe"
    assert repaired(before) == after
    assert apply(after) == []


def test_only_the_unused_part_is_removed() -> None:
    before = "a = 1  # torchlint: ignore[TL001, functional-dropout, TL002] reason\n"
    assert repaired(before, at(1, "TL101")) == "a = 1  # torchlint: ignore[functional-dropout] reason\n"
    both = "a = 1  # noqa: TL001  # torchlint: ignore[TL002]\n"
    assert repaired(both) == "a = 1\n"
    assert repaired(both, at(1, "TL001")) == "a = 1  # noqa: TL001\n"
    assert repaired(both, at(1, "TL002")) == "a = 1  # torchlint: ignore[TL002]\n"


def test_unusable_entry_stays_when_the_unused_one_goes() -> None:
    before = "a = 1  # torchlint: ignore[TL001, nonsense] reason\n"
    assert repaired(before) == "a = 1  # torchlint: ignore[nonsense] reason\n"


def test_suppression_of_a_rule_that_did_not_run_is_not_unused() -> None:
    assert apply("a = 1  # noqa: TL001\n", enabled="TL09") == []
    assert apply("a = 1  # noqa: TL101\n", enabled="TL101") == []
    assert codes(apply("a = 1  # noqa: TL0\n", enabled="TL")) == [], (
        "TL0 silences its own TL090, as in flake8"
    )
    assert codes(apply("a = 1  # noqa: TL1\n", enabled="TL")) == ["TL090"]


def test_file_that_was_not_checked_has_no_unused_suppressions() -> None:
    text = "a = 1  # noqa: TL001\n"
    assert codes(apply(text, at(1, "TL000"))) == ["TL000"]


@pytest.mark.parametrize("comment", ["# noqa", "# noqa: TL000", "# torchlint: ignore[TL000]", "# noqa: TL0"])
def test_file_not_checked_cannot_be_silenced(comment: str) -> None:
    assert "TL000" in codes(apply(f"a = 1  {comment}\n", at(1, "TL000")))


def test_what_is_said_about_a_comment_can_be_silenced_by_name() -> None:
    assert apply("a = 1  # noqa: TL001,TL090\n") == []
    assert apply("a = 1  # torchlint: ignore[TL001, unused-suppression] for older versions\n") == []


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\n"])
@pytest.mark.parametrize("filler", ["", "\f", "é = '\u2028\x0b\x1c'", "s = '''\f'''"])
def test_lines_are_python_lines(newline: str, filler: str) -> None:
    text = newline.join([filler, "a = 1  # torchlint: ignore[TL001]", "b = 2", ""])
    assert codes(apply(text, at(2), at(3))) == ["TL001"]


def test_broken_text_is_read_as_far_as_it_goes() -> None:
    assert codes(apply("a = (  # noqa: TL001\n", at(1))) == ["TL001"]
    assert Layout.of("'''").comments == ()


def test_files_without_our_comments_are_not_split_into_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(text: str) -> Layout:
        raise AssertionError(text)

    monkeypatch.setattr(Layout, "of", fail)
    assert apply("import os  # noqa: F401\nimport title  # noqa\n") == []
    assert codes(apply("a = 1\n", at(1))) == ["TL001"]
