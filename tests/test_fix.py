"""Fixes: edits fall where they should, a file is never left worse than it was, patches apply."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import ROOT

from torchlint.diagnostic import Diagnostic, Edit, Finding, Fix, Position, Range
from torchlint.fix.apply import Fixed, fix_source, write_atomically
from torchlint.fix.diff import unified
from torchlint.fix.edits import Offsets, Splice, apply_splices, combined, compatible, dominant_newline

if TYPE_CHECKING:
    from torchlint.diagnostic import Safety

Check = Callable[[bytes], list[Diagnostic]]


def position(text: str, offset: int) -> Position:
    """The position of ``offset``, counted character by character."""
    line, column = 1, 1
    for index, character in enumerate(text[:offset]):
        if character == "\n" or (character == "\r" and text[index + 1 : index + 2] != "\n"):
            line, column = line + 1, 1
        else:
            column += 1
    return Position(line, column)


def diagnostic(
    text: str, start: int, end: int, *contents: str, safety: Safety = "safe", code: str = "TL001"
) -> Diagnostic:
    """A finding at ``text[start:end]`` whose fix writes ``contents`` over it, or two of them around it."""
    first, last = position(text, start), position(text, end)
    whole = Range(first, last)
    if len(contents) == 1:
        edits = [Edit(whole, contents[0])]
    else:
        edits = [Edit(Range(first, first), contents[0]), Edit(Range(last, last), contents[1])]
    return Diagnostic(
        code,
        "some-rule",
        "error",
        "m.py",
        Finding(whole, text[start:end], fix=Fix("Repair", tuple(edits), safety)),
    )


def replacing(pattern: str, *contents: str, safety: Safety = "safe", encoding: str = "utf-8-sig") -> Check:
    """A rule that finds every match of ``pattern``."""

    def check(source: bytes) -> list[Diagnostic]:
        text = source.decode(encoding)
        return [
            diagnostic(text, *match.span(), *contents, safety=safety) for match in re.finditer(pattern, text)
        ]

    return check


def fix(source: bytes | str, check: Check, *, unsafe: bool = False) -> Fixed:
    return fix_source(source if isinstance(source, bytes) else source.encode(), "m.py", check, unsafe=unsafe)


TEXTS = st.text(alphabet=st.sampled_from("ab \t\n\r\f\x0b\x1c\x85\u2028é\U0001d518#'"), max_size=40)


@st.composite
def texts_with_splices(draw: st.DrawFn) -> tuple[str, list[Splice]]:
    text = draw(TEXTS)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8, unique=True)))
    pairs = zip(cuts[::2], cuts[1::2], strict=False)
    return text, [Splice(start, end, draw(st.text("xyz\n", max_size=3))) for start, end in pairs]


@given(texts_with_splices(), st.randoms())
def test_edits_do_what_a_list_of_characters_would_do(case: tuple[str, list[Splice]], random: object) -> None:
    text, splices = case
    characters = list(text)
    for start, end, content in reversed(splices):
        characters[start:end] = [content]
    random.shuffle(splices)  # type: ignore[attr-defined]
    assert apply_splices(text, splices) == "".join(characters)


@given(TEXTS)
def test_every_position_is_found_again(text: str) -> None:
    offsets = Offsets(text)
    for offset in range(len(text) + 1):
        if text[offset - 1 : offset + 1] != "\r\n":
            assert offsets.offset(position(text, offset)) == offset


@pytest.mark.parametrize("where", [(0, 1), (1, 0), (1, 4), (2, 3), (4, 1), (3, 2)])
def test_positions_outside_the_text_are_refused(where: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="outside"):
        Offsets("ab\nc").offset(Position(*where))


def test_edits_at_one_border() -> None:
    insert, other = Splice(3, 3, "a"), Splice(3, 3, "b")
    assert compatible([insert], [insert])
    assert not compatible([insert], [other])
    assert not compatible([insert], [Splice(0, 3, "x")])
    assert not compatible([insert], [Splice(3, 5, "x")])
    assert compatible([Splice(0, 3, "x")], [Splice(3, 5, "y")])
    assert not compatible([Splice(0, 4, "x")], [Splice(3, 5, "y")])
    assert combined([Splice(3, 3, "("), Splice(3, 3, "["), Splice(0, 1, "")]) == (
        Splice(0, 1, ""),
        Splice(3, 3, "(["),
    )


@pytest.mark.parametrize(
    ("text", "newline"),
    [("", "\n"), ("a\nb\r\nc\r\n", "\r\n"), ("a\r\nb\n", "\r\n"), ("a\nb\r", "\n"), ("a\rb\rc\n", "\r")],
)
def test_dominant_newline(text: str, newline: str) -> None:
    assert dominant_newline(text) == newline


def test_all_fixes_of_a_file_are_applied_at_once() -> None:
    fixed = fix("x = [1]\ny = [2]\n", replacing(r"(?<!f\()\[\d\]", "f(", ")"))
    assert fixed.source == b"x = f([1])\ny = f([2])\n"
    assert [each.message for each in fixed.applied] == ["[1]", "[2]"]
    assert fixed.remaining == ()


def test_nested_fixes_take_two_rounds() -> None:
    fixed = fix("x = aa + a\n", replacing(r"\baa \+ a\b|\ba\b", "b"))
    assert fixed.source == b"x = b\n"


def test_fix_with_the_same_import_is_applied_once() -> None:
    def check(source: bytes) -> list[Diagnostic]:
        text = source.decode()
        found = []
        for match in re.finditer(r"\bl\d\b", text):
            place = Range(position(text, match.start()), position(text, match.end()))
            edits = [Edit(place, f"nn.{match[0]}_")]
            if "import nn" not in text:
                edits.insert(0, Edit(Range(Position(2, 1), Position(2, 1)), "import nn\n"))
            found.append(
                Diagnostic(
                    "TL001",
                    "some-rule",
                    "error",
                    "m.py",
                    Finding(place, match[0], fix=Fix("Repair", tuple(edits))),
                )
            )
        return found

    assert fix("'''doc'''\r\nl1\r\nl2\r\n", check).source == b"'''doc'''\r\nimport nn\r\nnn.l1_\r\nnn.l2_\r\n"


def test_unsafe_fixes_need_leave() -> None:
    check = replacing("bad", "good", safety="unsafe")
    kept = fix("bad\n", check)
    assert (kept.source, kept.applied, len(kept.remaining)) == (b"bad\n", (), 1)
    assert fix("bad\n", check, unsafe=True).source == b"good\n"


COMMENTED = "x = [  # keep me\n    1,\n]\n"


def test_fix_that_would_lose_a_comment_is_not_safe() -> None:
    check = replacing(r"\[[^]]*\]", "f()")
    assert fix(COMMENTED, check).source == COMMENTED.encode()
    assert fix(COMMENTED, check, unsafe=True).source == b"x = f()\n"


def test_fix_that_keeps_the_comment_is_safe() -> None:
    assert (
        fix(COMMENTED, replacing(r"(?<!f\()\[[^]]*\]", "f(", ")")).source
        == b"x = f([  # keep me\n    1,\n])\n"
    )
    assert fix(COMMENTED, replacing(r"\[  # keep me", "f(  # keep me\n    ")).applied == (), "does not parse"
    assert fix("x = 1  # drop\n", replacing(r" *# drop", "")).source == b"x = 1\n"


def test_fix_that_breaks_the_syntax_is_dropped_and_the_others_go_on() -> None:
    check: Check = lambda source: [*replacing("bad", "(")(source), *replacing("ugly", "fine")(source)]  # noqa: E731
    fixed = fix("bad\nugly\nbad\n", check)
    assert fixed.source == b"bad\nfine\nbad\n"
    assert [each.message for each in fixed.applied] == ["ugly"]
    assert [each.message for each in fixed.remaining] == ["bad", "bad"]


def test_fix_that_does_not_remove_its_finding_is_dropped() -> None:
    fixed = fix(
        "bad\nugly\n",
        lambda source: [*replacing("bad", "bad + bad")(source), *replacing("ugly", "fine")(source)],
    )
    assert fixed.source == b"bad\nfine\n"


def test_fixes_that_only_fail_together_are_applied_one_by_one() -> None:
    def check(source: bytes) -> list[Diagnostic]:
        found = replacing(r"\bbad\d", "good")(source)
        return found if source.count(b"good") < 2 else [*found, *replacing("good", "")(source), failure()]

    assert fix("bad1\nbad2\n", check).source.count(b"good") == 1


def failure() -> Diagnostic:
    start = Position(1, 1)
    return Diagnostic(
        "TL000", "file-not-checked", "error", "m.py", Finding(Range(start, start), "a rule failed")
    )


def test_endless_fixes_come_to_an_end() -> None:
    def check(source: bytes) -> list[Diagnostic]:
        text = source.decode()
        start = text.index("x")
        return [diagnostic(text, start, len(text) - 1, text[start:-1] + "x")]

    assert fix("x\n", check).source == b"xxxxxxxxxxx\n"


@pytest.mark.parametrize(
    "edits",
    [
        [(1, 1, 1, 9)],
        [(3, 1, 3, 1)],
        [(1, 3, 1, 1)],
        [(1, 1, 1, 3), (1, 2, 1, 4)],
    ],
)
def test_edits_that_make_no_sense_are_not_applied(edits: list[tuple[int, int, int, int]]) -> None:
    parts = tuple(Edit(Range(Position(a, b), Position(c, d)), "y") for a, b, c, d in edits)
    found = Diagnostic(
        "TL001", "some-rule", "error", "m.py", Finding(parts[0].range, "bad", fix=Fix("Repair", parts))
    )
    assert fix("xxxx", lambda _: [found]).source == b"xxxx"


LAYOUTS = {
    "crlf": b"bad = 1\r\ny = 2\r\n",
    "mixed newlines": b"bad = 1\r\ny = 2\nz = 3\r\n",
    "byte order mark": b"\xef\xbb\xbfbad = 1\ny = 2\n",
    "no final newline": b"y = 2\nbad = 1",
    "form feed": b"y = 2\n\x0c\nbad = 1\n",
    "tabs": b"if y:\n\tbad = 1\n",
    "wide characters": "y = '\U0001d518é\u2028'; bad = 1\n".encode(),
    "trailing blanks": b"bad = 1  \n\n\n",
    "continuation": b"y = 1 + \\\n    bad\n",
    "only the line": b"bad",
}


@pytest.mark.parametrize("source", LAYOUTS.values(), ids=LAYOUTS)
def test_only_the_edited_characters_change(source: bytes) -> None:
    assert fix(source, replacing("bad", "good")).source == source.replace(b"bad", b"good")


def test_inserted_lines_end_as_the_lines_of_the_file() -> None:
    fixed = fix(b"bad\r\ny\r\nz\n", replacing("bad", "one\ntwo"))
    assert fixed.source == b"one\r\ntwo\r\ny\r\nz\n"


def test_declared_encoding_is_kept() -> None:
    source = "# -*- coding: latin-1 -*-\nx = 'é'; bad = 'ü'\n".encode("latin-1")
    assert fix(source, replacing("bad", "é", encoding="latin-1")).source == source.replace(b"bad", b"\xe9")
    assert fix(source, replacing("bad", "\u20ac", encoding="latin-1")).source == source, "not in latin-1"


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(b"bad = 1\ry = 2\r", id="LibCST drops the last CR"),
        pytest.param(b"bad = 1\n\n\n  \n", id="LibCST drops an empty line"),
        pytest.param(b"x\n\x0cbad = 1\n", id="LibCST drops a form feed"),
        pytest.param(b"x = '\xff'; bad = 1\n", id="not UTF-8"),
        pytest.param(b"# coding: nonsense\nbad = 1\n", id="unknown encoding"),
        pytest.param(b"bad = (\n", id="syntax error"),
        pytest.param(b"bad = () if 0 else(lambda:())\n", id="LibCST fails"),
    ],
)
def test_source_that_cannot_be_written_back_is_left_alone(source: bytes) -> None:
    fixed = fix(source, replacing("bad", "good", encoding="latin-1"))
    assert (fixed.source, fixed.applied, len(fixed.remaining)) == (source, (), 1)


@given(
    st.lists(
        st.sampled_from(["bad", "bad = [bad]", "# bad", "x = 1  # y", "", "\f", "'''bad\nbad'''"]), max_size=6
    )
)
def test_fixing_twice_is_fixing_once(lines: list[str]) -> None:
    text = "\n".join([*lines, "end"])  # LibCST does not give back blank lines at the end of a file
    check = replacing("bad", "good")
    once = fix(text, check)
    assert once.source.decode() == text.replace("bad", "good")
    assert fix(once.source, check) == Fixed(once.source, (), ())


def test_write_keeps_mode_and_link(tmp_path: Path) -> None:
    target = tmp_path / "real" / "m.py"
    target.parent.mkdir()
    target.write_bytes(b"old")
    target.chmod(0o750)
    link = tmp_path / "link.py"
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o750
    assert list(target.parent.iterdir()) == [target]


def test_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "m.py"
    target.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_read_only_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "m.py"
    target.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"


CHANGES = {
    "plain": (b"a\nb\nc\n", b"a\nB\nc\n"),
    "crlf": (b"a\r\nb\r\nc\r\n", b"a\r\nB\r\nc\r\n"),
    "mixed newlines": (b"a\r\nb\nc\r\n", b"a\r\nB\nc\r\n"),
    "cr only": (b"a\rb\rc\r", b"a\rB\rc\r"),
    "no final newline": (b"a\nb", b"a\nB"),
    "final newline added": (b"a\nb", b"a\nb\n"),
    "final newline removed": (b"a\nb\n", b"a\nb"),
    "emptied": (b"a\n", b""),
    "filled": (b"", b"a\n"),
    "latin-1": (b"# coding: latin-1\n\xe9 = 1\n", b"# coding: latin-1\n\xe9 = 2\n"),
    "form feed": (b"a\n\x0c\nb\x0bc\n", b"a\n\x0c\nB\x0bc\n"),
    "line separators": ("a\u2028b\x85\nc\n".encode(), "a\u2028B\x85\nc\n".encode()),
    "two places": (b"a\n" + b"x\n" * 30 + b"b\n", b"A\n" + b"x\n" * 30 + b"B\n"),
    "byte order mark": (b"\xef\xbb\xbfa\n", b"\xef\xbb\xbfb\n"),
}
NAMES = ["m.py", "some folder/my net.py", "src/ünet.py", 'quo"ted.py', "ta\tb.py", "./src/m.py"]
TOOLS = {"git": ["git", "apply", "--whitespace=nowarn", "-"], "patch": ["patch", "-p1", "--binary", "-s"]}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    ("name", "change"), [("m.py", change) for change in CHANGES] + [(name, "plain") for name in NAMES[1:]]
)
def test_patch_applies(tmp_path: Path, tool: str, name: str, change: str) -> None:
    if shutil.which(TOOLS[tool][0]) is None:
        pytest.skip(f"{tool} is not installed")
    before, after = CHANGES[change]
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(before)
    patch = unified(name, before, after).encode("utf-8", "surrogateescape")
    subprocess.run(TOOLS[tool], input=patch, cwd=tmp_path, check=True, timeout=60)
    assert (file.read_bytes() if file.exists() else b"") == after


def test_no_change_is_no_patch() -> None:
    assert unified("m.py", b"a\r\n", b"a\r\n") == ""


UNUSED = "x = 'é'  # noqa: TL001\r\ny = 2  # noqa: E501, TL001\r\n"
REPAIRED = "x = 'é'\r\ny = 2  # noqa: E501\r\n"
FILES = {
    "crlf.py": ("", "utf-8"),
    "byte_order_mark.py": ("", "utf-8-sig"),
    "latin_1.py": ("# coding: latin-1\r\n", "latin-1"),
}


def torchlint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "torchlint", "check", "--isolated", *arguments, "."]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, timeout=300, check=False)


def write_unused(folder: Path) -> dict[str, bytes]:
    """Files with unused comments; what they should become."""
    for name, (header, encoding) in FILES.items():
        (folder / name).write_bytes((header + UNUSED).encode(encoding))
    return {name: (header + REPAIRED).encode(encoding) for name, (header, encoding) in FILES.items()}


def test_command_line_fixes_files_in_place(tmp_path: Path) -> None:
    expected = write_unused(tmp_path)
    (tmp_path / "broken.py").write_bytes(b"def f(:  # noqa: TL001\n")
    done = torchlint(tmp_path, "--fix", "--output-format", "concise")
    assert done.returncode == 1
    assert b"broken.py:1:7: TL000" in done.stdout
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == expected
    assert (tmp_path / "broken.py").read_bytes() == b"def f(:  # noqa: TL001\n"


@pytest.mark.parametrize("tool", TOOLS)
def test_command_line_prints_a_patch_that_applies(tmp_path: Path, tool: str) -> None:
    if shutil.which(TOOLS[tool][0]) is None:
        pytest.skip(f"{tool} is not installed")
    expected = write_unused(tmp_path)
    done = torchlint(tmp_path, "--diff")
    assert done.returncode == 1
    assert (tmp_path / "crlf.py").read_bytes() == UNUSED.encode(), "nothing is written"
    subprocess.run(TOOLS[tool], input=done.stdout, cwd=tmp_path, check=True, timeout=60)
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == expected
