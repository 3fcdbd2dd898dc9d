"""The command line, as a subprocess: what is printed where, and the exit status."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from torchlint import __version__, projects, run
from torchlint.cli import main
from torchlint.config import Config
from torchlint.pool import check_in_processes
from torchlint.project.index import Project
from torchlint.rules import all_rules
from torchlint.run import Job, Outcome, check_files

ROOT = Path(__file__).parents[1]

CONTAINER = """\
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(8, 8) for _ in range(3)]

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
"""

DROPOUT = """\
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def forward(self, x):
        return F.dropout(x, 0.5)
"""

OTHER = CONTAINER.replace("Net", "Other")

DROPOUT_FIXED = DROPOUT.replace("0.5)", "0.5, training=self.training)")

CLEAN = "x = 1\n"

BROKEN = "def f(:\n"

Done = subprocess.CompletedProcess[str]

ENVIRONMENT = {
    **{
        name: value
        for name, value in os.environ.items()
        if name not in ("FORCE_COLOR", "CLICOLOR_FORCE", "NO_COLOR")
    },
    "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    "PYTHONUTF8": "1",
}


def torchlint(*arguments: str, stdin: str | None = None, **environment: str) -> Done:
    done = subprocess.run(
        [sys.executable, "-m", "torchlint", *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        input=stdin,
        env={**ENVIRONMENT, **environment},
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return done


def codes(*arguments: str, status: int = 1) -> list[tuple[str, str]]:
    """Path and code of what ``check`` reports."""
    done = torchlint("check", "--output-format", "json", *arguments)
    assert done.returncode == status, done.stderr
    return [(each["path"], each["code"]) for each in json.loads(done.stdout)["diagnostics"]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(**sources: str) -> None:
    for name, source in sources.items():
        Path(f"{name}.py").write_bytes(source.encode("utf-8"))


# ------------------------------------------------------------------------------------------------ exit status


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("check clean.py", 0),
        ("check container.py", 1),
        ("check clean.py container.py", 1),
        ("check broken.py", 1),
        ("check broken.py --select TL101", 1),
        ("check container.py --select TL101", 0),
        ("check container.py --ignore module-in-plain-container", 0),
        ("check container.py --exit-zero", 0),
        ("check broken.py --exit-zero", 0),
        ("check nowhere.py", 2),
        ("check nowhere.py --exit-zero", 2),
        ("check nowhere.py container.py", 2),
        ("check container.py --fix", 1),
        ("check dropout.py --fix", 0),
        ("check dropout.py --fix --exit-non-zero-on-fix", 1),
        ("check clean.py --fix --exit-non-zero-on-fix", 0),
        ("check dropout.py --diff", 1),
        ("check dropout.py --diff --exit-zero", 0),
        ("check container.py --diff", 0),
        ("check container.py --diff --unsafe-fixes", 1),
        ("check broken.py --diff", 1),
        ("check clean.py --diff", 0),
        ("check --no-such-option", 2),
        ("check --output-format xml", 2),
        ("check -j 0", 2),
        ("check -j x", 2),
        ("check --select TL999", 2),
        ("check --ignore nonsense", 2),
        ("check --ignore TL000", 2),
        ("check --exclude !", 2),
        ("check --config nowhere.toml", 2),
        ("check --config . --isolated", 2),
        ("check - clean.py", 2),
        ("check --stdin-filename a.py clean.py", 2),
        ("check --statistics --output-format sarif", 2),
        ("explain TL001", 0),
        ("explain TL999", 2),
        ("explain", 2),
        ("rules", 0),
        ("rules --output-format json", 0),
        ("version", 0),
        ("--version", 0),
        ("--help", 0),
        ("check --help", 0),
        ("", 2),
        ("chekc", 2),
        ("clean.py", 2),
    ],
)
def test_exit_status(arguments: str, status: int) -> None:
    write(clean=CLEAN, container=CONTAINER, dropout=DROPOUT, broken=BROKEN)
    done = torchlint(*arguments.split())
    assert done.returncode == status, done.stdout + done.stderr
    if status == 2 and arguments:
        assert "torchlint: error: " in done.stderr


def test_what_is_said_about_wrong_usage() -> None:
    write(clean=CLEAN)
    assert "did you mean `torchlint check clean.py`?" in torchlint("clean.py").stderr
    assert "did you mean `module-in-plain-container`?" in torchlint("explain", "module_in_plain").stderr
    assert torchlint().stderr.startswith("usage: torchlint")
    assert torchlint("check", "--nope").stderr.endswith("Try `torchlint check --help`.\n")
    assert torchlint("--nope").stderr.endswith("Try `torchlint --help`.\n")
    assert torchlint("check", "--help").stdout.startswith("usage: torchlint check [options] [PATH ...]\n")
    done = torchlint("check", "--select", "TL0,TL777")
    assert done.stderr.startswith("torchlint: error: --select: unknown rule `TL777`")
    assert done.stdout == ""


# ---------------------------------------------------------------------------------------------------- formats


def test_full_is_the_default() -> None:
    write(model=CONTAINER)
    done = torchlint("check")
    lines = done.stdout.split("\n")
    assert lines[0].startswith("error[TL001] module-in-plain-container: `self.layers`")
    assert lines[1] == "  --> model.py:7:9"
    assert lines[3] == " 7 |         self.layers = [nn.Linear(8, 8) for _ in range(3)]"
    assert lines[4].startswith("   |         ^^^^^^^^^^")
    assert lines[-2] == "Found 1 error in 1 file (1 checked). 1 fixable with `--fix --unsafe-fixes`."
    assert done.stderr == ""


def test_concise_and_quiet() -> None:
    Path("src").mkdir()
    write(**{"src/model": DROPOUT})
    done = torchlint("check", "--output-format", "concise", "-q")
    assert done.stdout.startswith("src/model.py:7:16: TL101 [*] ")
    assert done.stdout.count("\n") == 1
    assert torchlint("check", "--select", "TL0", "-q").stdout == ""


def test_nothing_found() -> None:
    write(clean=CLEAN)
    done = torchlint("check")
    assert (done.stdout, done.stderr) == ("All checks passed! (1 file checked)\n", "")


def test_no_python_files() -> None:
    done = torchlint("check")
    assert done.returncode == 0
    assert done.stderr == "torchlint: warning: no Python files found\n"


def test_json() -> None:
    write(model=CONTAINER, broken=BROKEN)
    done = torchlint("check", "--output-format", "json")
    report = json.loads(done.stdout)
    assert report["schema_version"] == 1
    broken, container = report["diagnostics"]
    assert (broken["path"], broken["code"]) == ("broken.py", "TL000")
    assert [error["path"] for error in report["errors"]] == ["broken.py"]
    assert container["range"] == {"start": {"line": 7, "column": 9}, "end": {"line": 7, "column": 58}}
    assert container["fix"]["safety"] == "unsafe"
    assert report["summary"]["findings"] == 2


@pytest.mark.parametrize("output_format", ["github", "sarif"])
def test_formats_for_services(output_format: str) -> None:
    write(model=CONTAINER)
    done = torchlint("check", "--output-format", output_format)
    assert "TL001" in done.stdout and "model.py" in done.stdout
    assert done.returncode == 1


def test_statistics() -> None:
    write(a=CONTAINER, b=CONTAINER, c=DROPOUT)
    done = torchlint("check", "--statistics")
    assert done.stdout.startswith("2  TL001  [ ]  module-in-plain-container\n1  TL101  [*]  ")
    report = json.loads(torchlint("check", "--statistics", "--output-format", "json").stdout)
    assert [(each["code"], each["count"]) for each in report["statistics"]] == [("TL001", 2), ("TL101", 1)]


def test_output_file() -> None:
    write(model=CONTAINER)
    done = torchlint("check", "-o", "report.txt", FORCE_COLOR="1")
    assert done.stdout == "" and done.returncode == 1
    report = Path("report.txt").read_text(encoding="utf-8")
    assert report.startswith("error[TL001]")
    done = torchlint("check", "-o", "no/such/folder/report.txt")
    assert done.returncode == 2
    assert done.stderr == (
        "torchlint: error: --output-file: no/such/folder/report.txt cannot be written: "
        "No such file or directory\n"
    )


def test_colours() -> None:
    write(model=CONTAINER)
    assert "\x1b[" not in torchlint("check").stdout
    assert "\x1b[" in torchlint("check", "--color", "always").stdout
    assert "\x1b[" in torchlint("check", FORCE_COLOR="1").stdout
    assert "\x1b[" not in torchlint("check", "--color", "never", FORCE_COLOR="1").stdout
    assert "\x1b[" in torchlint("rules", "--color", "always").stdout


def test_a_terminal_that_knows_only_ascii() -> None:
    write(model=CONTAINER.replace("3)]", "3)]  # größer 模型"))
    done = torchlint("check", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 1
    assert "gr\\xf6\\xdfer" in done.stdout


def test_verbose_says_which_settings_are_used() -> None:
    write(model=CLEAN)
    assert "settings: none found" in torchlint("check", "-v").stderr
    Path("torchlint.toml").write_text("")
    done = torchlint("check", "-v")
    assert f"settings: {Path('torchlint.toml').absolute()}" in done.stderr
    assert done.stdout == "All checks passed! (1 file checked)\n"


def test_options_may_stand_between_paths() -> None:
    write(a=CONTAINER, b=CONTAINER, c=CONTAINER)
    found = codes("a.py", "--select", "TL0", "b.py", "-j1", "--", "c.py")
    assert found == [("a.py", "TL001"), ("b.py", "TL001"), ("c.py", "TL001")]


# ------------------------------------------------------------------------------------------------------ fixes


def test_fix_applies_safe_fixes_only() -> None:
    write(a=DROPOUT, b=CONTAINER)
    done = torchlint("check", "--fix")
    assert Path("a.py").read_text() == DROPOUT_FIXED
    assert Path("b.py").read_text() == CONTAINER
    assert (
        "Found 1 error in 1 file (2 checked). 1 fixed. 1 fixable with `--fix --unsafe-fixes`." in done.stdout
    )


def test_unsafe_fixes() -> None:
    write(b=CONTAINER)
    assert torchlint("check", "--unsafe-fixes").returncode == 1
    assert Path("b.py").read_text() == CONTAINER
    done = torchlint("check", "--fix", "--unsafe-fixes")
    assert done.returncode == 0
    assert "nn.ModuleList([nn.Linear(8, 8) for _ in range(3)])" in Path("b.py").read_text()
    assert done.stdout == "Fixed 1 error. All checks passed! (1 file checked)\n"


def test_unsafe_fixes_in_the_settings() -> None:
    write(b=CONTAINER)
    Path("torchlint.toml").write_text("unsafe-fixes = true\n")
    assert "TL001 [*]" in torchlint("check", "--output-format", "concise").stdout
    assert torchlint("check", "--fix").returncode == 0


def test_diff_is_a_patch_and_writes_nothing() -> None:
    Path("src").mkdir()
    write(**{"src/a": DROPOUT})
    done = torchlint("check", "--diff", "--fix")
    assert Path("src/a.py").read_text() == DROPOUT
    assert done.stdout.startswith("--- a/src/a.py\n+++ b/src/a.py\n@@ ")
    assert "+        return F.dropout(x, 0.5, training=self.training)\n" in done.stdout
    assert done.stderr == "Would fix 1 finding in 1 file.\n"


def test_fix_keeps_line_ends_and_byte_order_mark() -> None:
    source = b"\xef\xbb\xbf" + DROPOUT.replace("\n", "\r\n").encode()
    Path("a.py").write_bytes(source)
    torchlint("check", "--fix")
    assert Path("a.py").read_bytes() == b"\xef\xbb\xbf" + DROPOUT_FIXED.replace("\n", "\r\n").encode()


def test_a_file_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from torchlint.cli import main
    from torchlint.fix import apply

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(apply, "write_atomically", refuse)
    write(a=DROPOUT)
    assert main(["check", "--fix", "--output-format", "concise"]) == 1
    assert "a.py:1:1: TL000 its fixes cannot be written: Permission denied\n" in capsys.readouterr().out


# ------------------------------------------------------------------------------------------------------ stdin


def test_stdin() -> None:
    done = torchlint("check", "-", "--output-format", "concise", stdin=CONTAINER)
    assert done.returncode == 1
    assert done.stdout.startswith("-:7:9: TL001 ")


def test_stdin_with_a_name_uses_the_settings_of_that_place() -> None:
    Path("pkg").mkdir()
    Path("pkg/torchlint.toml").write_text('ignore = ["TL0"]\n')
    assert torchlint("check", "-", "--stdin-filename", "pkg/a.py", stdin=CONTAINER).returncode == 0
    done = torchlint("check", "-", "--stdin-filename", "a.py", "--output-format", "json", stdin=CONTAINER)
    assert json.loads(done.stdout)["diagnostics"][0]["path"] == "a.py"


def test_stdin_fixed_goes_to_stdout_and_the_rest_to_stderr() -> None:
    done = torchlint("check", "-", "--fix", "--output-format", "concise", stdin=DROPOUT + OTHER)
    assert done.stdout == DROPOUT_FIXED + OTHER
    assert "TL001" in done.stderr and "TL101" not in done.stderr
    assert done.returncode == 1
    done = torchlint("check", "-", "--fix", stdin=BROKEN)
    assert (done.stdout, done.returncode) == (BROKEN, 1)


def test_stdin_diff() -> None:
    done = torchlint("check", "-", "--diff", "--stdin-filename", "a.py", stdin=DROPOUT)
    assert done.stdout.startswith("--- a/a.py\n+++ b/a.py\n")


def test_stdin_excluded() -> None:
    arguments = ("check", "-", "--stdin-filename", "old/a.py", "--exclude", "old")
    assert torchlint(*arguments, stdin=CONTAINER).returncode == 1
    assert torchlint(*arguments, "--force-exclude", stdin=CONTAINER).returncode == 0
    assert torchlint(*arguments, "--force-exclude", "--fix", stdin=DROPOUT).stdout == DROPOUT


# -------------------------------------------------------------------------------------------- files, settings


def test_the_nearest_settings_of_each_file() -> None:
    for name in ("one", "two"):
        Path(name).mkdir()
    write(**{"one/a": OTHER + DROPOUT, "two/a": OTHER + DROPOUT, "a": OTHER + DROPOUT})
    Path("one/pyproject.toml").write_text('[tool.torchlint]\nselect = ["TL001"]\n')
    Path("two/torchlint.toml").write_text('ignore = ["TL001"]\n')
    assert codes() == [
        ("a.py", "TL001"),
        ("a.py", "TL101"),
        ("one/a.py", "TL001"),
        ("two/a.py", "TL101"),
    ]
    assert codes("one", "--isolated") == [("one/a.py", "TL001"), ("one/a.py", "TL101")]
    assert codes("one", "--config", "two/torchlint.toml") == [("one/a.py", "TL101")]
    assert codes("one", "--select", "TL101") == [("one/a.py", "TL101")]
    assert codes("two", "--ignore", "TL101", status=0) == []


def test_per_file_ignores() -> None:
    Path("tests").mkdir()
    write(**{"tests/a": CONTAINER, "b": CONTAINER})
    Path("torchlint.toml").write_text('[per-file-ignores]\n"tests/**" = ["TL0"]\n')
    assert codes() == [("b.py", "TL001")]
    assert codes("--select", "TL001") == [("b.py", "TL001")]


def test_output_format_in_the_settings() -> None:
    write(a=CONTAINER)
    Path("pyproject.toml").write_text('[tool.torchlint]\noutput-format = "concise"\n')
    assert torchlint("check").stdout.startswith("a.py:7:9: TL001 ")
    assert torchlint("check", "--output-format", "full").stdout.startswith("error[TL001]")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("pyproject.toml", "[tool.torchlint\n", "pyproject.toml:1: not valid TOML: "),
        (
            "torchlint.toml",
            'selekt = ["TL"]',
            "torchlint.toml:1: unknown setting `selekt`; did you mean `select`?",
        ),
        ("torchlint.toml", 'select = ["TL999"]', "torchlint.toml:1: `select`: unknown rule `TL999`"),
        ("torchlint.toml", "preview = 3", "torchlint.toml:1: `preview` must be true or false"),
    ],
)
def test_settings_that_cannot_be_used(name: str, text: str, message: str) -> None:
    write(a=CONTAINER)
    Path(name).write_text(text)
    done = torchlint("check")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"torchlint: error: {message}")
    assert done.stderr.count("\n") == 1


def test_gitignore_and_exclude() -> None:
    for name in ("out", "old", "src"):
        Path(name).mkdir()
    write(**{"out/a": CONTAINER, "old/a": CONTAINER, "src/a": CONTAINER})
    Path(".gitignore").write_text("out/\n")
    assert codes("--exclude", "old") == [("src/a.py", "TL001")]
    assert codes("old/a.py", "--exclude", "old") == [("old/a.py", "TL001")]
    assert codes("old/a.py", "--exclude", "old", "--force-exclude", status=0) == []


# -------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"\n\n", []),
        (b"\xef\xbb\xbf", []),
        (b"\x0c\nx = 1\n\x0c\n", []),
        (b"x = 1\\\n", ["TL000"]),
        (b"def f(:\n", ["TL000"]),
        (b"if x:\n\ty\n        z\n", ["TL000"]),
        (b"x = '\xff'\n", ["TL000"]),
        (b"# -*- coding: no-such-codec -*-\n", ["TL000"]),
        (b"# -*- coding: latin-1 -*-\nx = '\xff'\n", []),
        (b"x = 1\0\n", ["TL000"]),
        (b"\xff\xfex\0=\0", ["TL000"]),
        (b"x = " + b"1 + " * 20_000 + b"1\n", []),
        (b"x = " + b"(" * 3_000 + b")" * 3_000 + b"\n", ["TL000"]),
        (CONTAINER.encode(), ["TL001"]),
        (CONTAINER.replace("\n", "\r\n").encode(), ["TL001"]),
        (CONTAINER.replace("\n", "\r").encode(), ["TL001"]),
        (b"\xef\xbb\xbf" + CONTAINER.encode(), ["TL001"]),
        (b"\x0c\n" + CONTAINER.encode(), ["TL001"]),
        (CONTAINER.rstrip("\n").encode(), ["TL001"]),
    ],
)
def test_one_odd_file_and_a_good_one(content: bytes, expected: list[str]) -> None:
    Path("odd.py").write_bytes(content)
    write(other=CONTAINER)
    for output_format in ("json", "full"):
        done = torchlint("check", "--output-format", output_format)
        assert done.returncode == 1, done.stderr
        assert done.stderr == ""
        if output_format == "json":
            found = [(each["path"], each["code"]) for each in json.loads(done.stdout)["diagnostics"]]
            odd = [code for path, code in found if path == "odd.py"]
            # A very long sum may be refused: Python's own parser gives up on it in some versions.
            assert odd == expected or (b"1 + 1" in content and odd == ["TL000"])
            assert ("other.py", "TL001") in found


def test_a_place_without_the_file() -> None:
    write(a=CONTAINER)
    done = torchlint("check", "nowhere", "a.py", "b/c.py", "--output-format", "json")
    assert done.returncode == 2
    report = json.loads(done.stdout)
    assert [each["code"] for each in report["diagnostics"]] == ["TL001"]
    assert [each["path"] for each in report["errors"]] == ["nowhere", "b/c.py"]
    assert done.stderr == (
        "torchlint: error: nowhere does not exist\ntorchlint: error: b/c.py does not exist\n"
    )


def test_links_pipes_and_notebooks() -> None:
    write(a=CONTAINER)
    Path("loop").symlink_to(".")
    Path("gone.py").symlink_to("nowhere.py")
    Path("n.ipynb").write_text("{}")
    if hasattr(os, "mkfifo"):
        os.mkfifo("pipe.py")
    found = codes(".", "n.ipynb")
    assert ("a.py", "TL001") in found
    not_checked = {path for path, code in found if code == "TL000"}
    assert {"gone.py", "n.ipynb"} <= not_checked <= {"gone.py", "n.ipynb", "pipe.py"}
    assert "notebooks are not checked yet" in torchlint("check", "n.ipynb").stdout


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read() -> None:
    write(a=CONTAINER, locked=CONTAINER)
    Path("locked.py").chmod(0)
    assert codes() == [("a.py", "TL001"), ("locked.py", "TL000")]


def test_names_that_are_not_text() -> None:
    try:
        Path(os.fsdecode(b"\xff.py")).write_text(CONTAINER)
    except OSError:
        pytest.skip("this file system has only names that are text")
    for output_format in ("full", "concise", "json", "github", "sarif"):
        assert torchlint("check", "--output-format", output_format).returncode == 1


# -------------------------------------------------------------------------------------------- jobs, processes


@pytest.mark.parametrize("output_format", ["full", "json"])
def test_the_number_of_processes_changes_nothing(output_format: str) -> None:
    write(**{f"m{number}": (CONTAINER, DROPOUT, CLEAN, BROKEN)[number % 4] for number in range(24)})
    alone, together = (torchlint("check", "--output-format", output_format, "-j", n) for n in "13")
    assert (alone.stdout, alone.returncode) == (together.stdout, together.returncode)
    assert "TL101" in alone.stdout


def test_fixes_are_the_same_with_more_processes() -> None:
    write(**{f"m{number}": DROPOUT for number in range(8)})
    patches = [torchlint("check", "--diff", "-j", n).stdout for n in "13"]
    assert patches[0] == patches[1] != ""
    torchlint("check", "--fix", "-j", "3")
    assert {path.read_text() for path in Path().glob("m*.py")} == {DROPOUT_FIXED}


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Checking a file called ``deadly`` ends the process; ``once`` does so only the first time."""
    import torchlint.pool

    if sys.platform != "linux":
        pytest.skip("the workers must be forked to inherit this")

    def check_file(job: Job) -> Outcome:
        if "deadly" in job.path:
            os.kill(os.getpid(), signal.SIGKILL)
        if "once" in job.path and not Path("done").exists():
            Path("done").touch()
            os._exit(3)
        return Outcome(job.path)

    monkeypatch.setattr(torchlint.pool, "check_file", check_file)
    yield


@pytest.mark.usefixtures("deadly")
@pytest.mark.parametrize("workers", [1, 3])
def test_a_worker_that_dies_costs_one_file(workers: int) -> None:
    names = [f"m{number:03}" for number in range(100)]
    names[7] = "deadly7"
    names[8] = "deadly8"
    names[50] = "once"
    names[99] = "deadly99"
    outcomes = check_in_processes([Job(name, Config()) for name in names], workers)
    assert [outcome.path for outcome in outcomes] == names
    blamed = [outcome for outcome in outcomes if outcome.diagnostics]
    assert [outcome.path for outcome in blamed] == ["deadly7", "deadly8", "deadly99"]
    ((diagnostic,),) = {outcome.diagnostics for outcome in blamed[:1]}
    assert diagnostic.code == "TL000"
    assert diagnostic.message == "the process that checked it died (signal 9)"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_that_is_given_twice_is_answered_twice(workers: int) -> None:
    write(a=DROPOUT)
    outcomes = check_in_processes([Job("a.py", Config())] * 9, workers)
    assert [len(outcome.diagnostics) for outcome in outcomes] == [1] * 9


@pytest.mark.parametrize("workers", [1, 2])
def test_outcomes_are_sorted(workers: int) -> None:
    write(a=CONTAINER, b=DROPOUT, c=BROKEN)
    files = {f"{name}.py": Config() for name in "cab"}
    assert [outcome.path for outcome in check_files(files, workers=workers)] == ["a.py", "b.py", "c.py"]


@pytest.mark.parametrize("command", [("check",), ("check", "--diff"), ("check", "--no-cache", "-j2")])
def test_what_is_known_may_be_forgotten(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a project is too large to be remembered, files that ask about others get the same answers."""
    kept: list[int] = []
    of_file = projects.Projects.of_file

    def noted(known: projects.Projects, path: str) -> Project:
        found = of_file(known, path)
        kept.append(found.characters)
        return found

    write(base=CONTAINER.replace("Net", "Base").replace("self.layers = ", "self.made = "))
    write(**{f"m{number}": DROPOUT.replace("nn.Module", "Base") for number in range(5)})
    for path in Path().glob("m*.py"):
        path.write_text(path.read_text().replace("import torch.nn as nn", "from base import Base"))
    monkeypatch.setattr(projects.Projects, "of_file", noted)
    output: list[str] = []
    for most in (projects.MOST_CHARACTERS, 0):
        monkeypatch.setattr(projects, "MOST_CHARACTERS", most)
        monkeypatch.setattr(run, "_MINE", [])
        kept.clear()
        main([*command, "--isolated", "."])
        output.append(capsys.readouterr().out)
        if "-j2" not in command:
            assert any(kept) == (most > 0), "what is known is begun anew for each file"
        shutil.rmtree(".torchlint_cache", ignore_errors=True)
    assert output[0] == output[1]
    assert output[0].count("dropout") >= 5


def test_spawned_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where processes cannot be forked, nothing but speed is different."""
    write(a=CONTAINER, b=DROPOUT, c=BROKEN)
    jobs = [Job(f"{name}.py", Config()) for name in "abc"]
    here = check_files({job.path: job.config for job in jobs}, workers=1)
    monkeypatch.setattr(sys, "platform", "other")
    assert check_in_processes(jobs, 2) == here


def test_an_error_of_ours_costs_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    import torchlint.engine

    def fail(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(torchlint.engine, "check_source", fail)
    write(a=CLEAN)
    (outcome,) = check_files({"a.py": Config()})
    assert [each.message for each in outcome.diagnostics] == ["internal error: RuntimeError: boom"]


SLOW = """\
import pathlib, signal, sys, time
import torchlint.engine

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what it runs in the background

def check_source(*arguments, **keywords):
    pathlib.Path("started").touch()
    time.sleep(60)

torchlint.engine.check_source = check_source
from torchlint.cli import main
sys.exit(main(["check", "--no-cache", *sys.argv[1:]]))
"""


@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_ctrl_c(jobs: str) -> None:
    """Workers and all, without a word."""
    write(a=CLEAN, b=CLEAN, c=CLEAN)
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, jobs],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    until = time.monotonic() + 30
    while not Path("started").exists() and time.monotonic() < until:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == b""


def test_a_reader_that_leaves() -> None:
    for number in range(40):
        Path(f"m{number}.py").write_text(CONTAINER * 20)
    command = f"{sys.executable} -m torchlint check -j1 | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], env=ENVIRONMENT, capture_output=True, check=False)
    assert done.stderr == b""
    assert done.stdout.count(b"\n") == 1
    assert done.returncode == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
@pytest.mark.parametrize(
    ("redirection", "status"), [(">&-", 1), ("2>&-", 1), ("<&-", 1), ("> /dev/full", 2), ("2> /dev/full", 1)]
)
def test_streams_that_are_closed_or_full(redirection: str, status: int) -> None:
    if "full" in redirection and not Path("/dev/full").exists():
        pytest.skip("there is no device that is always full")
    write(a=CONTAINER)
    command = f"{sys.executable} -m torchlint check a.py {redirection}"
    done = subprocess.run(["sh", "-c", command], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr


def test_an_internal_error_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    import torchlint.checking
    from torchlint.cli import main

    def fail(*_: object) -> None:
        raise RuntimeError("boom\nboom")

    monkeypatch.setattr(torchlint.checking, "discover", fail)
    assert main(["check"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("torchlint: internal error: RuntimeError: boom boom (")
    assert main(["check", "-v"]) == 2
    assert "Traceback" in capsys.readouterr().err


# ----------------------------------------------------------------------------------------- the other commands


def test_version() -> None:
    assert torchlint("version").stdout == torchlint("--version").stdout == f"torchlint {__version__}\n"


@pytest.mark.parametrize("name", ["TL001", "tl001", "module-in-plain-container", "Module_In_Plain_Container"])
def test_explain(name: str) -> None:
    page = torchlint("explain", name).stdout
    assert page.startswith("TL001 module-in-plain-container\n")
    assert "```" not in page
    assert "    self.layers = " in page or "        self.layers = " in page
    assert page.rstrip().endswith("/rules/TL001")


def test_rules() -> None:
    assert "TL001 *  module-in-plain-container " in torchlint("rules").stdout
    listed = json.loads(torchlint("rules", "--output-format", "json").stdout)
    first = next(rule for rule in listed if rule["code"] == "TL001")
    assert set(first) == {
        "code", "name", "summary", "severity", "since", "preview", "fixable", "witnesses", "url",
    }  # fmt: skip


@pytest.mark.parametrize(
    "arguments", [["version"], ["--version"], ["--help"], ["check", "--help"], ["rules"]]
)
def test_what_needs_no_parser_does_not_wait_for_one(arguments: list[str]) -> None:
    program = (
        "import atexit, sys\n"
        "slow = {'libcst', 'torch', 'pathspec', 'multiprocessing', 'tomllib', 'tomli'}\n"
        "atexit.register(lambda: print('LOADED', *sorted(slow & set(sys.modules))))\n"
        f"sys.argv[1:] = {arguments!r}\n"
        "from torchlint.cli import main\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[-2] == "LOADED"


def test_a_file_without_torch_is_checked_without_libcst() -> None:
    write(a=CLEAN)
    program = (
        "import sys\nfrom torchlint.cli import main\nassert main(['check', 'a.py']) == 0\n"
        "assert not {'libcst', 'pathspec', 'multiprocessing', 'torch'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, check=True)


def test_a_file_without_candidates_is_checked_without_what_takes_long_to_import() -> None:
    write(a="import torch\n\n\ndef double(x: torch.Tensor) -> torch.Tensor:\n    return x + x\n")
    program = (
        "import os, sys\nbefore = set(sys.modules)\n"
        "os._exit = lambda status: print(status, *sorted(set(sys.modules) - before))\n"
        "sys.argv[1:] = ['check', '--no-cache', 'a.py']\nfrom torchlint.__main__ import run\nrun()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    status, *modules = done.stdout.split("\n")[-2].split()
    assert status == "0"
    assert "torchlint.engine" in modules
    assert not set(modules) & {
        "dataclasses",
        "inspect",
        "libcst",
        "locale",
        "pathlib",
        "sqlite3",
        "typing",
        "urllib",
    }
    rules = [name for name in modules if name.startswith("torchlint.rules.tl")]
    assert len(rules) < len(all_rules()) / 3


def test_a_rule_on_live_models_alone_is_not_selected_in_silence(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("x = 1\n", encoding="utf-8")
    done = torchlint("check", "--select", "TL001,TL220", str(tmp_path / "net.py"))
    assert done.returncode == 0
    assert done.stderr == "torchlint: warning: `TL220` is only seen in a live model: see `torchlint verify`\n"
