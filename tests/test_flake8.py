"""The flake8 plugin, as flake8 runs it: in a process of its own."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import ROOT

from torchlint import flake8 as door
from torchlint.flake8 import Plugin

NET = """\
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(8, 8) for _ in range(3)]{comment}

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
"""
BAD = NET.format(comment="")
HERE = (7, 9, "TL001")

Found = list[tuple[str, int, int, str]]


def run(
    module: str, folder: Path, *arguments: str, stdin: str | None = None, path: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}", "PYTHONUTF8": "1"},
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


def flake8(folder: Path, *arguments: str, stdin: str | None = None, path: Path = ROOT) -> Found:
    """Path, line, column and code of what flake8 prints."""
    done = run("flake8", folder, "--select", "TL,E9", *arguments, stdin=stdin, path=path)
    assert done.returncode in (0, 1), done.stderr
    assert done.stderr == ""
    lines = [
        re.fullmatch(r"(?:\./)?(.+?):(\d+):(\d+): (TL\d{3}|E9\d\d) (.+)", line)
        for line in done.stdout.splitlines()
    ]
    assert all(lines), done.stdout
    return [(line[1], int(line[2]), int(line[3]), line[4]) for line in lines if line]


def cli(folder: Path, *arguments: str, stdin: str | None = None) -> Found:
    done = run("torchlint", folder, "check", "--output-format", "json", *arguments, stdin=stdin)
    assert done.returncode in (0, 1), done.stderr
    return [
        (each["path"], each["range"]["start"]["line"], each["range"]["start"]["column"], each["code"])
        for each in json.loads(done.stdout)["diagnostics"]
    ]


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)


def test_finding_is_where_the_command_line_says(tmp_path: Path) -> None:
    write(tmp_path, {"net.py": BAD, "clean.py": "import torch\n", "other.py": "x = 1\n"})
    assert flake8(tmp_path, ".") == [("net.py", *HERE)] == cli(tmp_path, ".")


LAYOUTS = {
    "crlf": BAD.replace("\n", "\r\n").encode(),
    "byte order mark": b"\xef\xbb\xbf" + BAD.encode(),
    "wide characters": BAD.replace("self.layers =", "é = '\U0001d518é'; self.layers =").encode(),
    "latin-1": ("# coding: latin-1\n" + BAD.replace("self.layers =", "é = 'é'; self.layers =")).encode(
        "latin-1"
    ),
    "form feed": ("\f\n" + BAD).encode(),
    "line separators": ('"""\u2028\x0b\x1c\x85"""\n' + BAD).encode(),
    "tabs": BAD.replace("    ", "\t").encode(),
    "no final newline": BAD.rstrip().encode(),
}


def test_layouts(tmp_path: Path) -> None:
    write(tmp_path, {f"{name.replace(' ', '_')}.py": content for name, content in LAYOUTS.items()})
    found = cli(tmp_path, ".")
    assert [code for *_, code in found] == ["TL001"] * len(LAYOUTS)
    assert flake8(tmp_path, ".") == found


COMMENTS = [
    "# noqa",
    "# noqa: TL001",
    "# noqa: TL0",
    "# noqa: E501",
    "# noqa: TL002",
    "# noqa: E501,TL001,TL002",
    "# noqa: tl001",
    "#noqa: TL001",
    "# noqa: E501  # noqa: TL001",
    "# torchlint: ignore[TL001]",
    "# torchlint: ignore[module-in-plain-container] on purpose",
    "# torchlint: ignore[TL002]",
    "# torchlint: ignore",
    "# torchlint: ignore[TL01]",
    "# torchlint: ignore[TL001] # noqa: TL101",
    "# noqa: TL101,TL090",
]


def test_comments_mean_the_same(tmp_path: Path) -> None:
    write(tmp_path, {f"m{n:02}.py": NET.format(comment=f"  {text}") for n, text in enumerate(COMMENTS)})
    write(tmp_path, {"whole_file.py": f"# torchlint: ignore-file[TL001] generated\n{BAD}"})
    write(tmp_path, {"unused.py": "# torchlint: ignore-file[TL001]\nx = 1  # noqa: TL001, E501\n"})
    found = cli(tmp_path, ".")
    assert {code for *_, code in found} == {"TL001", "TL090", "TL091"}
    assert flake8(tmp_path, ".") == found


def test_mistaken_blanket_hides_its_own_report_in_flake8(tmp_path: Path) -> None:
    """flake8 drops everything on such a line, whatever a plugin does: only the command line can tell."""
    write(tmp_path, {"net.py": NET.format(comment="  # noqa: module-in-plain-container")})
    assert flake8(tmp_path, ".") == []
    assert [code for *_, code in cli(tmp_path, ".")] == ["TL091"]


def test_processes_agree(tmp_path: Path) -> None:
    write(tmp_path, {f"net{number}.py": BAD for number in range(6)})
    assert flake8(tmp_path, "-j1", ".") == flake8(tmp_path, "-j3", ".") == cli(tmp_path, ".")


def test_base_class_in_another_file(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "from .base import Base\n",
        "pkg/base.py": "from torch import nn\n\n\nclass Base(nn.Module):\n    pass\n",
        "train.py": BAD.replace("from torch import nn", "from torch import nn\nfrom pkg import Base").replace(
            "(nn.Module)", "(Base)"
        ),
    }
    write(tmp_path, files)
    assert flake8(tmp_path, ".") == [("train.py", 8, 9, "TL001")] == cli(tmp_path, ".")


def test_standard_input_is_checked_and_not_the_file(tmp_path: Path) -> None:
    write(tmp_path, {"src/net.py": "x = 1\n", "other.py": BAD})
    arguments = ["--stdin-display-name", "src/net.py", "-"]
    assert flake8(tmp_path, *arguments, stdin=BAD) == [("src/net.py", *HERE)]
    assert flake8(tmp_path, "-", stdin=BAD) == [("stdin", *HERE)]
    assert flake8(tmp_path, "--stdin-display-name", "other.py", "-", stdin="x = 1\n") == []


SETTINGS = """\
[tool.torchlint]
exclude = ["generated/"]
per-file-ignores = { "tests/**" = ["TL001"] }
"""


def test_settings_of_the_project_hold(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pyproject.toml": SETTINGS,
            "net.py": BAD,
            "generated/net.py": BAD,
            "tests/net.py": BAD,
            "sub/torchlint.toml": 'ignore = ["module-in-plain-container"]\n',
            "sub/net.py": BAD,
        },
    )
    assert flake8(tmp_path, ".") == [("net.py", *HERE)] == cli(tmp_path, ".")
    assert flake8(tmp_path, "--stdin-display-name", "sub/net.py", "-", stdin=BAD) == []


@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_broken_settings_end_flake8_with_one_message(tmp_path: Path, jobs: str) -> None:
    write(tmp_path, {f"m{number}.py": BAD for number in range(4)})
    write(tmp_path, {"pyproject.toml": '[tool.torchlint]\nselekt = ["TL"]\n'})
    done = run("flake8", tmp_path, jobs, ".")
    assert done.returncode == 1
    assert done.stderr == ""
    assert done.stdout.splitlines()[1:] == [
        "torchlint: pyproject.toml:2: unknown setting `selekt`; did you mean `select`?"
    ]


def test_syntax_error_is_left_to_flake8(tmp_path: Path) -> None:
    write(tmp_path, {"broken.py": "def f(:\n", "net.py": BAD})
    assert [(path, code) for path, *_, code in flake8(tmp_path, ".")] == [
        ("broken.py", "E999"),
        ("net.py", "TL001"),
    ]


CRASH = """\
from torchlint import flake8

check = flake8.check_source


def crash(text, path, *rest):
    if "crash" in path:
        raise RuntimeError("first line\\nsecond line")
    return check(text, path, *rest)


flake8.check_source = crash
"""


@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_crash_costs_one_file_and_not_the_run(tmp_path: Path, jobs: str) -> None:
    write(
        tmp_path, {"hooks/sitecustomize.py": CRASH, "src/crash.py": BAD, "src/net.py": BAD, "src/zoo.py": BAD}
    )
    found = flake8(tmp_path, jobs, "src", path=tmp_path / "hooks")
    assert found == [("src/crash.py", 1, 1, "TL000"), ("src/net.py", *HERE), ("src/zoo.py", *HERE)]


def test_deep_expression_is_reported_and_not_fatal() -> None:
    text = "x = " + " + ".join(["1"] * 20_000) + "\n" + BAD
    (reported,) = Plugin(ast.AST(), text.splitlines(keepends=True), "m.py").run()
    assert reported[2].startswith("TL000 ")


@pytest.mark.parametrize("error", [RecursionError("too deep"), MemoryError(), ValueError("a\nb")])
def test_any_exception_becomes_one_finding(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(door, "check_source", fail)
    ((line, column, message, kind),) = Plugin(ast.parse(""), ["x = 1\n"], "m.py").run()
    assert (line, column, kind) == (1, 0, Plugin)
    assert message.startswith(f"TL000 internal error: {type(error).__name__}")
    assert "\n" not in message


def test_files_without_torch_do_not_wait_for_libcst(tmp_path: Path) -> None:
    write(tmp_path, {"m.py": "import os\n\n\nclass Net(os.PathLike):\n    x = [1]\n"})
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "flake8", "--select", "TL", "m.py"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "torchlint.engine" in imported
    assert imported.isdisjoint({"libcst", "torch", "pathspec"})


# ---------------------------------------------------------------------------------------------------- the cache

SPY = """\
import os
from torchlint.project.trees import Trees

add = Trees.add


def spy(trees, path, *rest):
    with open(os.environ["PARSED"], "a") as file:
        file.write(f"{os.getpid()} {os.path.basename(path)}\\n")
    add(trees, path, *rest)


Trees.add = spy
"""


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose files share imports, and in which every parsed file is written down."""
    monkeypatch.delenv("TORCHLINT_CACHE_DIR", raising=False)
    monkeypatch.setenv("PARSED", str(tmp_path / "parsed"))
    folder = tmp_path / "project"
    write(tmp_path, {"hooks/sitecustomize.py": SPY})
    write(
        folder, {"pyproject.toml": "", "pkg/__init__.py": "from pkg.base import Base\nfrom torch import nn\n"}
    )
    write(folder, {"pkg/base.py": "class Base:\n    pass\n"})
    net = (
        BAD.replace("from torch import nn", "from pkg import Base, nn")
        + "\n\nclass Plain(Base):\n    x = [1]\n"
    )
    write(folder, {f"net{number}.py": net for number in range(6)})
    return folder


def parsed(folder: Path) -> dict[str, int]:
    """How many files of each name were parsed, by all of the processes, since this was last asked."""
    log = folder.parent / "parsed"
    names = [line.split()[1] for line in log.read_text().splitlines()] if log.exists() else []
    log.unlink(missing_ok=True)
    return {name: names.count(name) for name in names}


@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_imports_are_read_from_the_cache(imported: Path, jobs: str) -> None:
    without = flake8(imported, jobs, ".", path=imported.parent / "hooks")
    before = parsed(imported)
    assert [name for name, *_ in without] == [f"net{number}.py" for number in range(6)]
    assert before["base.py"] >= 1
    cli(imported, ".")
    files = ["net0.py", "net1.py", "net2.py", "net3.py"]
    parsed(imported)
    assert flake8(imported, jobs, *files, path=imported.parent / "hooks") == without[:4]
    assert parsed(imported) == dict.fromkeys(files, 1)
    assert flake8(imported, jobs, ".", path=imported.parent / "hooks") == without


def test_a_file_that_changed_since(imported: Path) -> None:
    cli(imported, ".")
    write(imported, {"pkg/__init__.py": "from pkg.base import Base, nn\n"})
    assert flake8(imported, "-j2", ".") == []
    write(imported, {"pkg/base.py": "from torch import nn\nclass Base:\n    pass\n"})
    assert len(flake8(imported, "-j2", ".")) == 6


@pytest.mark.parametrize("content", [b"", b"garbage" * 999, b"SQLite format 3\0" + b"\xff" * 4000, None])
def test_a_cache_that_is_none(imported: Path, content: bytes | None) -> None:
    database = imported / ".torchlint_cache" / "torchlint.sqlite"
    cli(imported, ".")
    if content is None:
        database.unlink()
        database.mkdir()
    else:
        database.write_bytes(content)
    assert len(flake8(imported, "-j2", ".")) == 6
    assert database.is_dir() or database.read_bytes() == content


def test_flake8_leaves_the_cache_alone(imported: Path) -> None:
    flake8(imported, ".")
    assert not (imported / ".torchlint_cache").exists()
    cli(imported, ".")
    database = imported / ".torchlint_cache" / "torchlint.sqlite"
    before = database.read_bytes()
    write(imported, {"pkg/base.py": "class Base:\n    x = 1\n"})
    flake8(imported, "-j2", ".")
    assert database.read_bytes() == before
    assert sorted(path.name for path in database.parent.iterdir()) == [
        ".gitignore",
        "CACHEDIR.TAG",
        database.name,
    ]
