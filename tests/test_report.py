"""What the formats show, from diagnostics made by hand."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from torchlint.diagnostic import Diagnostic, Edit, Finding, Fix, Label, Position, Range
from torchlint.model.source import Source
from torchlint.report import render, statistics
from torchlint.report.fingerprint import fingerprints
from torchlint.report.patch import changes
from torchlint.report.snippet import LONGEST, Window, visible, width
from torchlint.report.style import Style, wants_colour
from torchlint.run import Outcome, Result, not_checked

if TYPE_CHECKING:
    from torchlint.diagnostic import Severity

PLAIN = Style()

MODEL = """\
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        # the layers

        self.layers = [nn.Linear(8, 8) for _ in range(3)]

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
"""


def at(line: int, start: int, end: int, last: int | None = None) -> Range:
    return Range(Position(line, start), Position(last or line, end))


WRAP = Fix(
    "wrap the list in `nn.ModuleList`",
    (Edit(at(9, 23, 23), "nn.ModuleList("), Edit(at(9, 58, 58), ")")),
    safety="unsafe",
)

CONTAINER = Finding(
    at(9, 9, 58),
    "`self.layers` is a plain list of `nn.Linear` modules",
    caption="these layers are invisible to `parameters()`",
    labels=(Label(at(12, 22, 33), "but they are used in `forward` here"),),
    fix=WRAP,
)


def diagnostic(
    finding: Finding, path: str = "src/model.py", code: str = "TL001", severity: Severity = "error"
) -> Diagnostic:
    return Diagnostic(code, "module-in-plain-container", severity, path, finding)


def result(*found: Diagnostic, text: str = MODEL, unsafe: bool = False, clean: int = 0) -> Result:
    by_path: dict[str, list[Diagnostic]] = {}
    for each in found:
        by_path.setdefault(each.path, []).append(each)
    outcomes = [Outcome(path, tuple(listed), text, unsafe) for path, listed in by_path.items()]
    return Result((*outcomes, *(Outcome(f"clean{number}.py") for number in range(clean))))


# ------------------------------------------------------------------------------------------------------- full


def full(finding: Finding, text: str = MODEL, **options: Any) -> str:
    return render("full", result(diagnostic(finding, **options), text=text), Style(quiet=True))


def test_full() -> None:
    report = render("full", result(diagnostic(CONTAINER), clean=11), PLAIN)
    assert (
        report
        == """\
error[TL001] module-in-plain-container: `self.layers` is a plain list of `nn.Linear` modules
  --> src/model.py:9:9
   |
 9 |         self.layers = [nn.Linear(8, 8) for _ in range(3)]
   |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ these layers are invisible to `parameters()`
...
12 |         for layer in self.layers:
   |                      ----------- but they are used in `forward` here
   |
   = help: wrap the list in `nn.ModuleList`
 9 -         self.layers = [nn.Linear(8, 8) for _ in range(3)]
 9 +         self.layers = nn.ModuleList([nn.Linear(8, 8) for _ in range(3)])
   = note: unsafe fix: review it; `--fix` applies it only with `--unsafe-fixes`
   = docs: https://torchlint.readthedocs.io/rules/TL001 (or: torchlint explain TL001)

Found 1 error in 1 file (12 checked). 1 fixable with `--fix --unsafe-fixes`.
"""
    )


def snippet(finding: Finding, text: str) -> list[str]:
    """The lines between the first and last empty gutter, without line numbers."""
    lines = full(finding, text).split("\n")
    first, *_, last = (number for number, line in enumerate(lines) if line.strip() == "|")
    return [line.partition("| ")[2] if "| " in line else line for line in lines[first + 1 : last]]


def test_labels_stand_in_the_order_of_the_lines_around_the_finding() -> None:
    text = "first\nsecond\nthird\nfourth\nfifth\n"
    finding = Finding(at(3, 1, 6), "m", "here", (Label(at(5, 1, 3), "below"), Label(at(1, 1, 6), "above")))
    assert snippet(finding, text) == [
        "first",
        "----- above",
        "second",
        "third",
        "^^^^^ here",
        "fourth",
        "fifth",
        "-- below",
    ]


def test_several_places_in_one_line() -> None:
    finding = Finding(at(1, 5, 8), "m", "here", (Label(at(1, 1, 4), "and there"),))
    assert snippet(finding, "one two\n") == ["one two", "    ^^^ here", "--- and there"]


def test_a_place_over_several_lines_is_underlined_to_the_end_of_the_first() -> None:
    assert snippet(Finding(at(1, 5, 2, last=3), "m", "so"), "x = [  \n  1,\n]\n") == ["x = [", "    ^ so"]


def test_tabs_and_wide_characters_do_not_shift_the_carets() -> None:
    text = "\tx = '模型' + e\u0301 + y\n"
    start = text.index("y") + 1
    shown, carets = snippet(Finding(at(1, start, start + 1), "m"), text)
    assert shown == "    x = '模型' + e\u0301 + y"
    assert width(carets) - 1 == width(shown[: shown.index("y")])


def test_an_empty_place_gets_one_caret() -> None:
    assert snippet(Finding(at(1, 2, 2), "m"), "xy\n") == ["xy", " ^"]
    assert "\n  | ^\n" in full(Finding(at(1, 1, 1), "m"), "\n")
    assert "\n  |  ^\n" in full(Finding(at(1, 9, 9), "m"), "x\n")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end(newline: str) -> None:
    text = newline.join(["a\x0cb", "x\u2028y", "here", ""])
    assert snippet(Finding(at(3, 1, 5), "m"), text) == ["here", "^^^^"]


def test_nothing_from_the_source_reaches_the_terminal_as_a_command() -> None:
    text = "x = '\x1b[31m\u202e\x9b\x00\x7f'\n"
    report = full(Finding(at(1, 5, 10), "m\x1b[31m"), text)
    assert not {"\x1b", "\u202e", "\x9b", "\x00", "\x7f"} & set(report)


@pytest.mark.parametrize("start", [1, 500, 99_990])
def test_a_very_long_line_is_cut_around_the_place(start: int) -> None:
    text = "".join(str(number % 10) for number in range(100_000)) + "\n"
    shown, carets = snippet(Finding(at(1, start, start + 5), "m"), text)
    assert len(shown) <= LONGEST + 2
    begin = carets.index("^")
    assert shown[begin : begin + 5] == text[start - 1 : start + 4]


def test_a_place_as_long_as_its_very_long_line() -> None:
    shown, carets = snippet(Finding(at(1, 1, 100_001), "m"), "x" * 100_000 + "\n")
    assert shown == "x" * LONGEST + "…"
    assert carets == "^" * LONGEST


def test_a_second_place_outside_the_shown_part_of_a_line() -> None:
    text = "a" + " " * 1000 + "b\n"
    finding = Finding(at(1, 1002, 1003), "m", "here", (Label(at(1, 1, 2), "there"),))
    shown, here, there = snippet(finding, text)
    assert shown.endswith("b") and here.strip() == "^ here" and there.strip() == "- there"


def test_the_change_of_a_fix_in_a_very_long_line_is_in_sight() -> None:
    fix = Fix("do", (Edit(at(1, 9001, 9002), "NEW"),))
    report = full(Finding(at(1, 9001, 9002), "m", fix=fix), "x" * 10_000 + "\n")
    assert "NEW" in report
    assert max(map(len, report.split("\n"))) < LONGEST + 20


def test_a_file_that_vanished_or_was_never_text() -> None:
    report = full(CONTAINER, text="")
    assert report.startswith("error[TL001] module-in-plain-container: ")
    assert "= help: wrap" in report and " | " not in report


def test_help_without_a_fix() -> None:
    assert "= help: call it first\n" in full(Finding(at(1, 1, 2), "m", help="call it first"))


def test_a_fix_that_rewrites_much_is_cut_short() -> None:
    text = "".join(f"line{number}\n" for number in range(100))
    fix = Fix("rewrite", (Edit(at(1, 1, 1, last=101), "short\n"),))
    report = full(Finding(at(1, 1, 2), "m", fix=fix), text)
    assert "... and 77 more changed lines" in report
    assert report.count("\n") < 40


def test_colours_wrap_words_and_nothing_else() -> None:
    coloured = render("full", result(diagnostic(CONTAINER)), Style(colour=True))
    plain = render("full", result(diagnostic(CONTAINER)), PLAIN)
    assert "\x1b[31;1merror[TL001]\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


@pytest.mark.parametrize(
    ("choice", "environ", "expected"),
    [
        ("always", {"NO_COLOR": "1"}, True),
        ("never", {"FORCE_COLOR": "1"}, False),
        ("auto", {}, False),
        ("auto", {"FORCE_COLOR": "1"}, True),
        ("auto", {"CLICOLOR_FORCE": "1"}, True),
        ("auto", {"CLICOLOR_FORCE": "0"}, False),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True),
    ],
)
def test_who_decides_about_colours(
    choice: str, environ: dict[str, str], expected: bool, tmp_path: Path
) -> None:
    with (tmp_path / "out").open("w") as stream:
        assert wants_colour(choice, stream, environ) is expected


def test_a_terminal_gets_colours_unless_it_says_no() -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    terminal: Any = Terminal()
    assert wants_colour("auto", terminal, {})
    assert not wants_colour("auto", terminal, {"NO_COLOR": "1"})
    assert not wants_colour("auto", terminal, {"TERM": "dumb"})


def test_windows_on_lines() -> None:
    assert Window.around("abc\r\n", 0, 1).text == "abc"
    assert visible("\t\x00\x7f") == "    \u2400\ufffd"
    assert (width("模"), width("e\u0301"), width("\u200b")) == (2, 1, 0)


# ------------------------------------------------------------------------------------------------------ fixes


def shown_changes(text: str, *edits: Edit) -> list[tuple[str, int, str]]:
    return [
        (each.sign, each.number, each.line.rstrip("\n")) for each in changes(Source("", text), Fix("", edits))
    ]


def test_only_changed_lines_are_shown_with_their_numbers() -> None:
    text = "import a\n\nx = 1\ny = 2\nz = 3\n"
    assert shown_changes(text, Edit(at(1, 1, 1), "import b\n"), Edit(at(4, 5, 6), "b.two")) == [
        ("+", 1, "import b"),
        ("-", 4, "y = 2"),
        ("+", 5, "y = b.two"),
    ]


def test_lines_taken_out_and_put_in() -> None:
    text = "a\nb\nc\nd\n"
    assert shown_changes(text, Edit(at(2, 1, 1, last=4), "")) == [("-", 2, "b"), ("-", 3, "c")]
    assert shown_changes(text, Edit(at(4, 2, 2), "\ne")) == [("+", 5, "e")]
    assert shown_changes(text, Edit(at(5, 1, 1), "e\n")) == [("+", 5, "e")]
    assert shown_changes("a", Edit(at(1, 2, 2), "\nb")) == [("-", 1, "a"), ("+", 1, "a"), ("+", 2, "b")]


def test_edits_of_neighbouring_lines() -> None:
    text = "f(\n  a,\n)\n"
    assert shown_changes(text, Edit(at(1, 1, 2), "g"), Edit(at(2, 3, 4), "b"), Edit(at(2, 5, 5), " c")) == [
        ("-", 1, "f("),
        ("+", 1, "g("),
        ("-", 2, "  a,"),
        ("+", 2, "  b, c"),
    ]


def test_edits_that_do_not_fit_the_text_show_nothing() -> None:
    assert shown_changes("a\n", Edit(at(7, 1, 1), "b\n")) == []
    assert shown_changes("", *WRAP.edits) == []


# ---------------------------------------------------------------------------------------------------- concise


SAFE = Finding(at(9, 9, 58), "two\n  lines", fix=Fix("do", (Edit(at(9, 9, 10), "x"),)))


def test_concise() -> None:
    found = result(diagnostic(CONTAINER), diagnostic(SAFE, code="TL101"))
    assert render("concise", found, PLAIN) == (
        "src/model.py:9:9: TL001 `self.layers` is a plain list of `nn.Linear` modules\n"
        "src/model.py:9:9: TL101 [*] two lines\n"
        "Found 2 errors in 1 file (1 checked). 1 fixable with `--fix`, 1 more with `--unsafe-fixes`.\n"
    )
    assert "TL001 [*]" in render("concise", result(diagnostic(CONTAINER), unsafe=True), PLAIN)


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (result(clean=12), "All checks passed! (12 files checked)"),
        (result(clean=1), "All checks passed! (1 file checked)"),
        (Result((), ("nowhere",)), "Nothing was checked."),
        (
            result(diagnostic(SAFE), diagnostic(SAFE, path="b.py", severity="warning"), clean=1),
            "Found 1 error and 1 warning in 2 files (3 checked). 2 fixable with `--fix`.",
        ),
        (
            Result((Outcome("a.py", fixed=(diagnostic(SAFE),)),)),
            "Fixed 1 error. All checks passed! (1 file checked)",
        ),
        (
            Result((Outcome("a.py", (diagnostic(Finding(at(1, 1, 2), "m")),), fixed=(diagnostic(SAFE),)),)),
            "Found 1 error in 1 file (1 checked). 1 fixed.",
        ),
    ],
)
def test_the_last_line(found: Result, sentence: str) -> None:
    assert render("concise", found, PLAIN).split("\n")[-2] == sentence
    assert sentence not in render("concise", found, Style(quiet=True))


# ------------------------------------------------------------------------------------------------------- json


def test_json() -> None:
    found = Result(
        (
            Outcome("src/model.py", (diagnostic(CONTAINER),), MODEL),
            not_checked("b.py", "cannot be read: Permission denied"),
        ),
        ("nowhere",),
    )
    document = json.loads(render("json", found, PLAIN))
    assert document["schema_version"] == 1
    broken, container = document["diagnostics"]
    assert len(container.pop("fingerprint")) >= 16
    assert container == {
        "code": "TL001",
        "name": "module-in-plain-container",
        "severity": "error",
        "message": "`self.layers` is a plain list of `nn.Linear` modules",
        "path": "src/model.py",
        "range": {"start": {"line": 9, "column": 9}, "end": {"line": 9, "column": 58}},
        "labels": [
            {
                "range": {"start": {"line": 12, "column": 22}, "end": {"line": 12, "column": 33}},
                "message": "but they are used in `forward` here",
            }
        ],
        "help": None,
        "fix": {
            "message": "wrap the list in `nn.ModuleList`",
            "safety": "unsafe",
            "edits": [
                {
                    "range": {"start": {"line": 9, "column": 23}, "end": {"line": 9, "column": 23}},
                    "content": "nn.ModuleList(",
                },
                {
                    "range": {"start": {"line": 9, "column": 58}, "end": {"line": 9, "column": 58}},
                    "content": ")",
                },
            ],
        },
        "url": "https://torchlint.readthedocs.io/rules/TL001",
    }
    assert (broken["code"], broken["path"], broken["fix"]) == ("TL000", "b.py", None)
    assert document["errors"] == [
        {"path": "b.py", "message": "cannot be read: Permission denied"},
        {"path": "nowhere", "message": "does not exist"},
    ]
    assert document["summary"] == {
        "files": 2,
        "files_with_findings": 2,
        "findings": 2,
        "not_checked": 2,
        "fixable": 0,
        "fixable_unsafe": 1,
        "fixed": 0,
    }


def test_json_paths_are_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    outside = diagnostic(CONTAINER, path=str(tmp_path / "other" / "a.py"))
    assert json.loads(render("json", result(outside), PLAIN))["diagnostics"][0]["path"] == "../other/a.py"


def test_json_survives_any_name() -> None:
    odd = diagnostic(Finding(at(1, 1, 2), "é\udcff \u2028"), path="\udcff.py")
    text = render("json", result(odd), PLAIN)
    assert text.isascii() and json.loads(text)["diagnostics"][0]["path"] == "\udcff.py"


# ----------------------------------------------------------------------------------------------- fingerprints


def moved(*places: Range, text: str, path: str = "a.py", code: str = "TL001") -> list[str]:
    found = [diagnostic(Finding(place, "m"), path=path, code=code) for place in places]
    return fingerprints(result(*found, text=text))


def test_a_fingerprint_follows_its_line() -> None:
    before = moved(at(1, 1, 4), text="x = 1\n")
    assert moved(at(3, 5, 8), text="\n\n    x  =  1\n") == before
    assert moved(at(1, 1, 4), text="x = 2\n") != before
    assert moved(at(1, 1, 4), text="x = 1\n", path="b.py") != before
    assert moved(at(1, 1, 4), text="x = 1\n", code="TL002") != before


def test_equal_lines_have_fingerprints_of_their_own() -> None:
    twice = moved(at(1, 1, 4), at(2, 1, 4), text="x = 1\nx = 1\n")
    assert len(set(twice)) == 2
    assert twice[:1] == moved(at(1, 1, 4), text="x = 1\n")


def test_a_fingerprint_without_text() -> None:
    assert len(moved(at(7, 1, 4), text="")) == 1


# ----------------------------------------------------------------------------------------------------- github


def test_github() -> None:
    found = Finding(at(2, 3, 4), "50 % lost:\nsee, there")
    odd = diagnostic(found, path="a,b:c%.py", severity="warning")
    assert render("github", result(diagnostic(CONTAINER)), PLAIN) == (
        "::error title=torchlint TL001 (module-in-plain-container),file=src/model.py,line=9,col=9,"
        "endLine=9,endColumn=58::`self.layers` is a plain list of `nn.Linear` modules\n"
    )
    assert render("github", result(odd), PLAIN) == (
        "::warning title=torchlint TL001 (module-in-plain-container),file=a%2Cb%3Ac%25.py,line=2,col=3,"
        "endLine=2,endColumn=4::50 %25 lost:%0Asee, there\n"
    )
    assert render("github", result(diagnostic(found, severity="note")), PLAIN).startswith("::notice ")
    assert render("github", result(clean=3), PLAIN) == ""


# ------------------------------------------------------------------------------------------------- statistics


def test_statistics() -> None:
    found = result(
        diagnostic(CONTAINER),
        diagnostic(SAFE, code="TL101"),
        diagnostic(Finding(at(1, 1, 2), "m"), code="TL101"),
        *(diagnostic(SAFE, code="TL003") for _ in range(10)),
    )
    assert statistics.render("full", found, Style(quiet=True)) == (
        "10  TL003  [*]  module-in-plain-container\n"
        " 2  TL101  [-]  module-in-plain-container\n"
        " 1  TL001  [ ]  module-in-plain-container\n"
    )
    document = json.loads(statistics.render("json", found, PLAIN))
    assert document["statistics"][1] == {
        "code": "TL101",
        "name": "module-in-plain-container",
        "count": 2,
        "fixable": 1,
    }
    assert document["summary"]["findings"] == 13


# ------------------------------------------------------------------------------------------------------ sarif


def sarif(found: Result) -> Any:
    return json.loads(render("sarif", found, PLAIN))


EVERYTHING = Result(
    (
        Outcome("src/a model é.py", (diagnostic(CONTAINER, path="src/a model é.py"),), MODEL),
        Outcome("b.py", (diagnostic(SAFE, path="b.py", code="TL101", severity="warning"),), MODEL),
        Outcome("c.py", (diagnostic(Finding(at(1, 1, 1), "m"), path="c.py", severity="note"),), MODEL),
        not_checked("d.py", "cannot be read: Permission denied"),
        Outcome("../e.py", (diagnostic(SAFE, path="../e.py"),), MODEL),
    ),
    ("nowhere",),
)


def test_sarif_is_valid() -> None:
    path = os.environ.get("TORCHLINT_SARIF_SCHEMA")
    if not path:
        pytest.skip("TORCHLINT_SARIF_SCHEMA does not name the schema of SARIF 2.1.0")
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(Path(path).read_text(encoding="utf-8"))
    for found in (EVERYTHING, Result()):
        jsonschema.validate(sarif(found), schema)


def test_sarif_names_every_rule_and_refers_to_it() -> None:
    (run,) = sarif(EVERYTHING)["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["helpUri"].endswith(rule["id"])
        assert rule["shortDescription"]["text"] and rule["fullDescription"]["text"]
    for each in run["results"]:
        assert rules[each["ruleIndex"]]["id"] == each["ruleId"]


def test_sarif_places() -> None:
    (run,) = sarif(EVERYTHING)["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    uris = []
    for each in run["results"]:
        (location,) = each["locations"]
        uris.append(location["physicalLocation"]["artifactLocation"])
    inside = [unquote(uri["uri"]) for uri in uris if uri.get("uriBaseId") == "%SRCROOT%"]
    assert inside == ["b.py", "c.py", "d.py", "src/a model é.py"]
    (outside,) = (uri["uri"] for uri in uris if "uriBaseId" not in uri)
    assert outside.startswith("file:///")
    assert all(uri["uri"].isascii() and " " not in uri["uri"] for uri in uris)


def test_sarif_results() -> None:
    (run,) = sarif(EVERYTHING)["runs"]
    by_path = {
        unquote(each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]): each
        for each in run["results"]
    }
    container = by_path["src/a model é.py"]
    assert container["level"] == "error"
    assert container["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 9,
        "startColumn": 9,
        "endLine": 9,
        "endColumn": 58,
    }
    (related,) = container["relatedLocations"]
    assert related["message"]["text"] == "but they are used in `forward` here"
    (fix,) = container["fixes"]
    assert "unsafe" in fix["description"]["text"]
    (change,) = fix["artifactChanges"]
    assert [each["insertedContent"]["text"] for each in change["replacements"]] == ["nn.ModuleList(", ")"]
    assert [by_path[name]["level"] for name in ("b.py", "c.py")] == ["warning", "note"]
    assert len({each["partialFingerprints"]["torchlint/v1"] for each in run["results"]}) == 5
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == "nowhere does not exist"
