"""``check --stats``: the tables say what happened, and nothing else changes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from test_cli import CLEAN, CONTAINER, DROPOUT, Done, torchlint, write

from torchlint import __version__

BASE = "import torch.nn as nn\n\n\nclass Base(nn.Module):\n    pass\n"

DERIVED = """\
from base import Base


class Net(Base):
    def __init__(self):
        super().__init__()
        self.größe = 3
"""

Table = dict[str, dict[str, float]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("torchlint.toml").touch()  # the root of the project, wherever temporary files are
    return tmp_path


def stats(*arguments: str, stdin: str | None = None) -> dict[str, Table]:
    """The tables that are printed."""
    return tables(torchlint("check", "--stats", *arguments, stdin=stdin))


def tables(done: Done) -> dict[str, Table]:
    """By the label of the table and of the row, and by the heading of the column."""
    heading, *parts = done.stderr.split("\n\n")
    assert heading.startswith(f"torchlint {__version__}, ")
    assert all(line == line.rstrip() for line in done.stderr.split("\n"))
    return dict(table(part.rstrip("\n").split("\n")) for part in parts)


def table(lines: list[str]) -> tuple[str, Table]:
    header, *rows = lines
    # Numbers stand below the ends of their headings.
    ends = [match.end() for match in re.finditer(r"(?<=  )\S+( \S+)*", header)]
    ends = [end for end in ends if end > len(re.match(r"\S+( \S+)*", header)[0])]  # type: ignore[index]
    names = [header[:end].split("  ")[-1].strip() for end in ends]
    found: Table = {}
    for row in rows:
        if row.startswith("no candidates: "):
            found |= {code: {"candidates": 0} for code in row.removeprefix("no candidates: ").split()}
            continue
        label = re.split(r" {2,}", row.strip())[0]
        cells = {}
        for name, end in zip(names, ends, strict=True):
            if len(row) >= end and (number := re.search(r"[\d,.]+%?$", row[:end])):
                cells[name] = float(number[0].replace(",", "").rstrip("%"))
        found[label.split()[0] if label.startswith("TL") else label] = cells
    return re.split(r" {2,}", header)[0], found


def counts(printed: dict[str, Table]) -> dict[str, Table]:
    """Without what is measured in seconds."""
    timed = ("seconds", "CPU", "share")
    return {
        name: {
            label: {column: number for column, number in cells.items() if column not in timed}
            for label, cells in rows.items()
        }
        for name, rows in printed.items()
        if name not in ("time", "slowest files")
    }


def test_the_numbers_are_those_of_the_files() -> None:
    write(a=CONTAINER, b=DROPOUT, c=CLEAN, base=BASE, derived=DERIVED)
    printed = stats("--no-cache", "-j1")
    files = printed["files"]
    size = sum(path.stat().st_size for path in Path().glob("*.py"))
    assert files["checked"] == {"number": 5, "bytes": size, "share": 100.0}
    assert files["with Modules"]["number"] == 4
    assert files["Modules"]["number"] == 4
    assert files["read because others import them"]["number"] <= 1
    assert files["top-level statements left by the screen"]["number"] == 2
    assert files["top-level statements given to LibCST"]["number"] >= 2
    assert len(printed["slowest files"]) == 5
    assert {each["bytes"] for each in printed["slowest files"].values()} == {
        path.stat().st_size for path in Path().glob("*.py")
    }


def test_candidates_and_findings_of_each_rule() -> None:
    write(a=CONTAINER, b=DROPOUT)
    rules = stats("--no-cache", "-j1")["subjects and their rules"]
    body = CONTAINER[CONTAINER.index("class") :]
    assert rules["TL001"]["candidates"] == rules["TL001"]["findings"] == 1
    assert rules["TL001"]["bytes"] == rules["PlainContainer"]["bytes"] == len(body)
    assert rules["PlainContainer"]["looked at"] == 1
    assert rules["TL101"]["candidates"] == rules["TL101"]["findings"] == 1
    # It shares its subject with TL101, but the screen would leave it nothing.
    assert rules["TL105"]["candidates"] == rules["TL105"]["findings"] == 0
    assert rules["TL002"]["candidates"] == 0


def test_a_clean_file_has_no_candidates() -> None:
    write(a=CLEAN, b=BASE)
    done = torchlint("check", "--stats", "--no-cache")
    printed = tables(done)
    assert {each["candidates"] for each in printed["subjects and their rules"].values()} == {0}
    assert printed["files"]["top-level statements given to LibCST"]["number"] == 0
    assert "parsing with LibCST" not in printed["time"]
    assert "LibCST" not in done.stderr.partition("\n")[0]


@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_the_stages_add_up(jobs: str) -> None:
    write(**{f"m{number}": (CONTAINER, DROPOUT, CLEAN)[number % 3] for number in range(12)})
    done = torchlint("check", "--stats", "--no-cache", jobs)
    time = tables(done)["time"]
    total = next(time.pop(label) for label in list(time) if label.startswith("total"))
    for column in ("seconds", "CPU"):
        assert sum(each[column] for each in time.values()) == pytest.approx(total[column], abs=0.01)
    wall, cpu = (float(number) for number in re.findall(r"(\d+\.\d+) s\b", done.stderr)[:2])
    assert cpu == total["CPU"]
    if jobs == "-j1":
        assert wall == total["seconds"]
        assert {"screen", "ast.parse, outlines", "parsing with LibCST", "report"} < time.keys()
    assert "waiting" not in done.stderr


def test_the_number_of_processes_changes_no_count() -> None:
    write(**{f"m{number}": (CONTAINER, DROPOUT, CLEAN)[number % 3] for number in range(12)})
    one, two = (torchlint("check", "--stats", "--no-cache", jobs) for jobs in ("-j1", "-j2"))
    assert counts(tables(one)) == counts(tables(two))
    assert ", 1 process\n" in one.stderr
    assert ", 2 worker processes\n" in two.stderr
    assert one.stdout == two.stdout


@pytest.mark.parametrize("output_format", ["full", "json", "sarif"])
def test_reports_are_the_same_without(output_format: str) -> None:
    write(a=CONTAINER, b=DROPOUT)
    arguments = ("check", "--no-cache", "--output-format", output_format)
    plain, measured = torchlint(*arguments), torchlint(*arguments, "--stats")
    assert (plain.stdout, plain.returncode) == (measured.stdout, measured.returncode)
    assert plain.stderr == ""


def test_files_that_are_unchanged() -> None:
    write(a=CONTAINER, b=DROPOUT)
    assert stats()["files"]["unchanged, by the cache"] == {"number": 0}
    done = torchlint("check", "--stats")
    assert done.returncode == 1
    assert ", 1 process, nothing was checked\n" in done.stderr
    printed = tables(done)
    assert printed.keys() == {"files", "time"}
    assert printed["files"]["checked"]["number"] == 0
    assert printed["files"]["unchanged, by the cache"] == {"number": 2}
    write(b=CLEAN)
    files = stats()["files"]
    assert (files["checked"]["number"], files["unchanged, by the cache"]["number"]) == (1, 1)


def test_what_is_read_for_the_sake_of_others() -> None:
    write(a=DERIVED, base=BASE, caller="from layers import f\nf(1)\n")
    files = stats("--no-cache", "a.py")["files"]
    assert files["checked"]["number"] == 1
    assert files["read because others import them"] == {"number": 1, "bytes": len(BASE)}
    assert files["top-level statements given to LibCST"]["number"] == 0


def test_what_is_searched_for_callers() -> None:
    net = CONTAINER.replace("(self)", "(self, layers)", 1).replace(
        "[nn.Linear(8, 8) for _ in range(3)]", "layers"
    )
    write(net=net, caller="from net import Net\nfrom torch import nn\n\nNet([nn.Linear(8, 8)])\n")
    printed = stats("--no-cache", "-j1", "net.py")
    assert printed["files"]["read to search for uses of a name"]["number"] >= 1
    assert printed["files"]["the same, of files looked into besides"]["number"] >= 1
    assert "searching for uses of a name" in printed["time"]


def test_fixes_are_no_second_check() -> None:
    write(a=DROPOUT, b=CONTAINER)
    checked = stats("--no-cache", "-j1")
    fixed = stats("--no-cache", "-j1", "--fix", "--unsafe-fixes")
    assert "fixes" in fixed["time"] and "fixes" not in checked["time"]
    assert counts(checked) == counts(fixed)
    assert stats("--no-cache", "--diff")["files"]["checked"]["number"] == 2


def test_standard_input() -> None:
    done = torchlint("check", "--stats", "-", stdin=CONTAINER)
    printed = tables(done)
    assert printed["files"]["checked"] == {"number": 1, "bytes": len(CONTAINER), "share": 100.0}
    assert printed["subjects and their rules"]["TL001"]["findings"] == 1
    assert list(printed["slowest files"]) == ["-"]
    # With --fix the report goes to standard error, too: first.
    done = torchlint("check", "--stats", "--fix", "-", stdin=DROPOUT)
    assert "training=self.training" in done.stdout
    assert done.stderr.index("Fixed 1 error") < done.stderr.index(f"torchlint {__version__}")


def test_no_file_at_all() -> None:
    done = torchlint("check", "--stats")
    assert done.returncode == 0
    assert ", nothing was checked\n" in done.stderr


def test_beside_the_count_of_findings() -> None:
    write(a=CONTAINER)
    done = torchlint("check", "--stats", "--statistics", "--output-format", "json", "--no-cache")
    assert json.loads(done.stdout)["statistics"][0]["code"] == "TL001"
    assert tables(done)["files"]["checked"]["number"] == 1


def test_without_it_no_clock_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from torchlint import stopwatch
    from torchlint.cli import main

    write(a=CONTAINER)
    monkeypatch.setattr(stopwatch, "Clock", None)
    assert main(["check", "--no-cache", "-j1"]) == 1
    assert capsys.readouterr().err == ""
