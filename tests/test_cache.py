"""The result cache, through the command line: a warm run says what a cold one says, whatever happened between."""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from torchlint import __version__
from torchlint.cache import findings
from torchlint.cache.columns import is_text
from torchlint.cache.fields import joined, parted
from torchlint.cache.folder import dated_device
from torchlint.cache.store import Store
from torchlint.cli import main
from torchlint.diagnostic import Diagnostic, Edit, Finding, Fix, Label, Position, Range

ROOT = Path(__file__).parents[1]

BASE = """\
from torch import nn


class Base(nn.Module):
    pass
"""

NET = """\
from torch import nn

from base import Base


class Net(Base):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(8, 8) for _ in range(3)]
"""

CONTAINER = NET.replace("from base import Base\n", "").replace("Base", "nn.Module")

CLEAN = "x = 1\n"

DATABASE = "torchlint.sqlite"


class Run(NamedTuple):
    """What a run printed, and how many files the cache answered for."""

    output: str
    status: int
    unchanged: int
    asked_again: int
    checked: int
    log: str

    @property
    def codes(self) -> list[tuple[str, str]]:
        found = json.loads(self.output)["diagnostics"]
        return [(each["path"], each["code"]) for each in found]


class Project:
    """A folder in which torchlint is run. Its files are old, so that their times are trusted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def write(self, name: str, content: str, *, age: float = 60) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        self._age(path, age)
        return path

    def _age(self, path: Path, age: float) -> None:
        then = time.time() - age
        os.utime(path, (then, then))
        if path != self.folder:
            self._age(path.parent, age)

    def check(self, *arguments: str, **environ: str) -> Run:
        """A run in a process of its own."""
        done = self.torchlint("check", "-v", "--output-format", "json", *arguments, **environ)
        return self._run(done.stdout, done.returncode, done.stderr)

    def quickly(self, *arguments: str) -> Run:
        """A run in this process, for what needs many of them."""
        output, log = io.StringIO(), io.StringIO()
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            with redirect_stdout(output), redirect_stderr(log):
                status = main(["check", "-v", "--output-format", "json", *arguments])
        finally:
            os.chdir(before)
        return self._run(output.getvalue(), status, log.getvalue())

    def _run(self, output: str, status: int, log: str) -> Run:
        assert status in (0, 1), log
        counts = [line for line in log.splitlines() if line.startswith("torchlint: cache: ")]
        words = counts[0].replace(",", "").split() if counts else []
        numbers = [int(word) for word in words if word.isdecimal()][:3] or [-1, -1, -1]
        return Run(output, status, *numbers, log)

    def torchlint(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "torchlint", *arguments],
            cwd=self.folder,
            env={
                **{key: value for key, value in os.environ.items() if key != "TORCHLINT_CACHE_DIR"},
                "PYTHONPATH": str(ROOT),
                "PYTHONUTF8": "1",
                **environ,
            },
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    def agrees(self, *arguments: str) -> Run:
        """A run with the cache, which must say what one without says."""
        warm = self.quickly(*arguments)
        cold = self.quickly("--no-cache", *arguments)
        assert warm.output == cold.output
        assert warm.status == cold.status
        return warm

    @property
    def database(self) -> Path:
        return self.folder / ".torchlint_cache" / DATABASE


@pytest.fixture(autouse=True)
def _no_folder_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHLINT_CACHE_DIR", raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """``net.py`` has a finding as long as ``base.py`` has a Module."""
    found = Project(tmp_path / "project")
    found.write("pyproject.toml", "")
    found.write("base.py", BASE)
    found.write("net.py", NET)
    found.write("clean.py", CLEAN)
    return found


def test_a_warm_run_says_what_a_cold_one_says(project: Project) -> None:
    cold = project.check()
    warm = project.check()
    assert (cold.unchanged, cold.checked) == (0, 3)
    assert (warm.unchanged, warm.checked) == (3, 0)
    assert cold.codes == [("net.py", "TL001")]
    assert warm.output == cold.output == project.check("--no-cache").output


LOSS = """\
import torch.nn as nn


class Loss(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = {head}

    def forward(self, x):
        return self.head(x)
"""

MAKES_LOSS = """\
import torch.nn as nn
from loss import Loss


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(8, 8)

    def forward(self, x):
        return Loss()(self.body(x))
"""

HOLDS = """\
import torch.nn as nn
from loss import Loss


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.loss = Loss()

    def forward(self, x):
        drop = self.loss.head
        return drop(x)
"""


@pytest.mark.parametrize(
    ("source", "before", "after", "code"),
    [
        (MAKES_LOSS, "nn.MSELoss()", "nn.Linear(8, 8)", "TL104"),
        (HOLDS, "nn.functional.relu", "nn.functional.dropout", "TL101"),
    ],
)
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_every_file_that_asks_the_same_of_a_class_follows_its_changes(
    project: Project, source: str, before: str, after: str, code: str, jobs: str
) -> None:
    """The screen remembers what the first of them was told."""
    project.write("loss.py", LOSS.format(head=before))
    names = [f"net{number}.py" for number in range(4)]
    for name in names:
        project.write(name, source)
    project.check("-j", jobs)
    project.write("loss.py", LOSS.format(head=after))
    changed = project.agrees("-j", jobs)
    assert [path for path, found in changed.codes if found == code and path != "loss.py"] == names


BASE_BY_HELPER = """\
import torch.nn as nn
from helper import made


class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = made()

    def chosen(self):
        return made()
"""

INHERITS = """\
import torch.nn as nn
from base import Base


class Net(Base):
    def forward(self, x):
        return {drop}(x)
"""


@pytest.mark.parametrize("drop", ["self.drop", "self.chosen()"])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_a_base_class_is_told_by_another_file_is_followed(
    project: Project, drop: str, jobs: str
) -> None:
    helper = "import torch.nn as nn\n\n\ndef made():\n    return nn.functional.{name}\n"
    project.write("helper.py", helper.format(name="relu"))
    project.write("base.py", BASE_BY_HELPER)
    names = [f"net{number}.py" for number in range(4)]
    for name in names:
        project.write(name, INHERITS.format(drop=drop))
    project.check("-j", jobs)
    project.write("helper.py", helper.format(name="dropout"))
    changed = project.agrees("-j", jobs)
    assert [path for path, code in changed.codes if code == "TL101"] == names


@pytest.mark.parametrize("form", ["full", "concise", "json", "github", "sarif"])
def test_in_every_format(project: Project, form: str) -> None:
    runs = [project.torchlint("check", "--output-format", form, *more) for more in ((), (), ("--no-cache",))]
    assert runs[0].stdout == runs[1].stdout == runs[2].stdout


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_base_class_that_is_no_module_any_more(project: Project, jobs: str) -> None:
    project.write("other.py", NET.replace("from base import Base", "Base = nn.Module"))
    project.check("-j", jobs)
    project.write("base.py", BASE.replace("(nn.Module)", ""))
    changed = project.agrees("-j", jobs)
    assert changed.codes == [("other.py", "TL001")]
    assert (changed.unchanged, changed.asked_again, changed.checked) == (2, 0, 2)


def test_a_base_class_with_the_same_answers(project: Project) -> None:
    """The class of a file that has nothing to look into is asked about again, but not checked again."""
    project.write("empty.py", "from base import Base\n\n\nclass Empty(Base.Inner):\n    pass\n")
    project.write("base.py", BASE.replace("pass", "class Inner:\n        pass"))
    project.check()
    project.write("base.py", "# moved down\n" + BASE.replace("pass", "class Inner:\n        pass"))
    changed = project.agrees()
    assert (changed.unchanged, changed.asked_again, changed.checked) == (1, 2, 1)
    assert project.check().unchanged == 4


def test_a_touched_file_is_a_hit(project: Project) -> None:
    project.check()
    os.utime(project.folder / "net.py", (1, 1))
    assert project.agrees().unchanged == 3
    assert project.check().unchanged == 3


def test_a_copy_elsewhere_is_a_hit(project: Project, tmp_path: Path) -> None:
    """As in CI: a fresh checkout with new times, and the cache brought back from the last run."""
    cold = project.check()
    copy = Project(tmp_path / "elsewhere")
    shutil.copytree(project.folder, copy.folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
    warm = copy.check()
    assert warm.unchanged == 3
    assert warm.output == cold.output


def test_settings_count(project: Project) -> None:
    project.check()
    project.write("pyproject.toml", '[tool.torchlint]\nignore = ["TL001"]\n')
    ignored = project.agrees()
    assert (ignored.unchanged, ignored.codes) == (0, [])
    project.write("pyproject.toml", '[tool.torchlint]\nper-file-ignores = {"net.py" = ["TL001"]}\n')
    assert project.agrees().codes == []
    project.write("pyproject.toml", '[tool.torchlint]\nper-file-ignores = {"base.py" = ["TL001"]}\n')
    assert project.agrees().codes == [("net.py", "TL001")]


def test_selections_count_and_live_side_by_side(project: Project) -> None:
    project.check()
    assert project.check("--ignore", "TL001").unchanged == 0
    ignored = project.agrees("--ignore", "TL001")
    assert (ignored.unchanged, ignored.codes) == (3, [])
    assert project.agrees().unchanged == 3


def test_versions_count(project: Project, tmp_path: Path) -> None:
    package = tmp_path / "site-packages"
    shutil.copytree(ROOT / "torchlint", package / "torchlint", ignore=shutil.ignore_patterns("__pycache__"))
    project.check(PYTHONPATH=str(package))
    assert project.check(PYTHONPATH=str(package)).unchanged == 3
    init = package / "torchlint" / "__init__.py"
    init.write_text(init.read_text().replace(__version__, "0.0.9"))
    assert project.check(PYTHONPATH=str(package)).unchanged == 0
    assert project.check(PYTHONPATH=str(package)).unchanged == 3


def test_a_new_module_that_an_import_meant(project: Project) -> None:
    project.write("net.py", NET.replace("from base", "from pkg.base"))
    assert project.check().codes == []
    project.write("pkg/base.py", BASE)
    changed = project.agrees()
    assert changed.codes == [("net.py", "TL001")]
    assert changed.unchanged + changed.asked_again == 2


def test_a_new_module_that_nothing_asked_for(project: Project) -> None:
    project.check()
    project.write("new.py", CLEAN)
    changed = project.agrees()
    assert (changed.unchanged, changed.asked_again, changed.checked) == (3, 0, 1)


def test_a_package_that_becomes_one(project: Project) -> None:
    """An ``__init__.py`` decides on the names of modules, and on what relative imports mean."""
    project.write("pkg/base.py", BASE)
    project.write("pkg/net.py", NET.replace("from base", "from .base"))
    project.check()
    project.write("pkg/__init__.py", "")
    project.agrees()
    (project.folder / "pkg" / "__init__.py").unlink()
    project.agrees()


def test_a_deleted_module(project: Project) -> None:
    project.check()
    (project.folder / "base.py").unlink()
    changed = project.agrees()
    assert (changed.codes, changed.checked) == ([], 1)
    assert project.agrees().unchanged == 2
    project.write("base.py", BASE)
    assert project.agrees().codes == [("net.py", "TL001")]


def test_a_class_that_questions_were_about_is_gone(project: Project) -> None:
    """The questions cannot be asked again; what comes of the files then is kept like anything else."""
    project.write("other.py", BASE.replace("Base", "Other"))
    project.write(
        "net.py", NET.replace("from base import Base", "from base import Base\nfrom other import Other")
    )
    project.check()
    project.write("base.py", BASE.replace("Base", "Renamed"))
    project.write("other.py", BASE.replace("Base", "Renamed"))
    assert project.agrees().codes == []
    assert project.agrees().unchanged == 4


def test_a_body_that_a_finding_depended_on(project: Project) -> None:
    project.write("make.py", "from torch import nn\n\n\ndef make():\n    return nn.Linear(2, 2)\n")
    project.write(
        "net.py",
        "from torch import nn\n\nfrom make import make\n\n\nclass Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.layers = [make()]\n",
    )
    assert project.check().codes == [("net.py", "TL001")]
    project.write("make.py", "def make():\n    return 1\n")
    assert project.agrees().codes == []
    project.write("make.py", "from torch import nn\n\n\ndef make():\n    return nn.Conv2d(2, 2, 1)\n")
    assert project.agrees().codes == [("net.py", "TL001")]


def test_a_caller_in_another_file(project: Project) -> None:
    """TL001 reports a list that is handed in where all callers hand in modules."""
    project.write(
        "net.py",
        "from torch import nn\n\n\nclass Net(nn.Module):\n"
        "    def __init__(self, layers):\n        super().__init__()\n        self.layers = layers\n\n"
        "    def forward(self, x):\n        for layer in self.layers:\n            x = layer(x)\n        return x\n",
    )
    caller = "from torch import nn\n\nfrom net import Net\n\nNet({})\n"
    project.write("main.py", caller.format("[1, 2]"))
    assert project.check().codes == []
    project.write("main.py", caller.format("[nn.Linear(2, 2)]"))
    changed = project.agrees()
    assert changed.codes, "the rule does not ask for callers any more: find another example"
    project.write("main.py", "")
    assert project.agrees().codes == []
    project.write("second.py", caller.format("[nn.Linear(2, 2)]"))
    assert project.agrees().codes == changed.codes


def test_a_file_changed_within_the_racy_moment(project: Project) -> None:
    """Same size and same time: where the time was fresh when the file was read, the content decides."""
    path = project.write("net.py", NET, age=0)
    stat = path.stat()
    project.check()
    path.write_text(NET.replace("= [nn", "= {nn").replace(")]", ")}"), encoding="utf-8")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    path.write_text(path.read_text().replace("[", "(").replace("layers = {", "layers = 0; {"[:10] + "{"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    project.agrees()


def test_racy_content_of_the_same_size(project: Project) -> None:
    path = project.write("net.py", NET, age=0)
    stat = path.stat()
    assert project.check().codes
    path.write_text(NET.replace("(Base)", "(Bose)"), encoding="utf-8")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size
    assert project.agrees().codes == []


def test_some_of_the_files(project: Project) -> None:
    project.check()
    one = project.agrees("net.py")
    assert (one.unchanged, one.checked) == (1, 0)
    project.write("base.py", BASE.replace("(nn.Module)", ""))
    assert project.agrees("net.py").codes == []
    assert project.agrees("clean.py").unchanged == 1
    assert project.agrees().codes == []


def test_files_below_the_working_directory(project: Project) -> None:
    project.write("pyproject.toml", "[tool.torchlint]\n")
    project.write("inner/net.py", NET.replace("from base", "from ..base"))
    below = Project(project.folder / "inner")
    below.check()
    below.agrees()
    assert not (below.folder / ".torchlint_cache").exists()
    assert project.database.exists()
    project.agrees()


def test_two_runs_at_once(project: Project) -> None:
    for number in range(20):
        project.write(f"net{number}.py", NET)
    command = [sys.executable, "-m", "torchlint", "check", "--output-format", "json"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    runs = [
        subprocess.Popen(
            [*command, *paths],
            cwd=project.folder,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for paths in ((), ("net1.py", "net2.py"), ())
    ]
    done = [run.communicate(timeout=120) for run in runs]
    assert all(error == b"" for _, error in done)
    assert done[0] == done[2]
    assert project.agrees().unchanged == 23


# ------------------------------------------------------------------------------------------------ what may be wrong


@pytest.mark.parametrize(
    "content", [b"", b"garbage" * 500, b"SQLite format 3\0" + b"\xff" * 4000], ids=["empty", "text", "header"]
)
def test_garbage_in_the_place_of_the_database(project: Project, content: bytes) -> None:
    project.quickly()
    project.database.write_bytes(content)
    assert project.agrees().codes == [("net.py", "TL001")]


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_truncated_database(project: Project, part: float) -> None:
    project.quickly()
    content = project.database.read_bytes()
    project.database.write_bytes(content[: int(len(content) * part)])
    project.agrees()
    assert project.agrees().unchanged == 3


def test_a_database_with_bytes_turned_over(project: Project) -> None:
    project.quickly()
    content = project.database.read_bytes()
    for place in range(4096, len(content), 4096 + 97):
        damaged = content[:place] + b"\xa5" * 60 + content[place + 60 :]
        project.database.write_bytes(damaged)
        assert project.quickly().status in (0, 1)


def test_the_database_of_somebody_else(project: Project) -> None:
    project.database.parent.mkdir()
    connection = sqlite3.connect(project.database)
    connection.execute("CREATE TABLE precious(x)")
    connection.commit()
    connection.close()
    before = project.database.read_bytes()
    run = project.agrees()
    assert run.codes == [("net.py", "TL001")]
    assert "is not torchlint's" in run.log
    assert project.torchlint("clean").returncode == 0
    assert project.database.read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE results SET findings = replace(findings, trim(findings, char(10)), '[[[[')",
        "UPDATE results SET findings = replace(findings, trim(findings, char(10)), '{}')",
        "UPDATE results SET findings = replace(findings, trim(findings, char(10)), 'TL001')",
        "UPDATE results SET findings = replace(findings, 'safe', 'saved')",
        "UPDATE results SET findings = replace(findings, '9 9 9', '-9 9 9')",
        "UPDATE results SET findings = replace(findings, '9 9 9', '0 9 9')",
        "UPDATE results SET findings = replace(findings, '9 9 9', '9 9')",
        "UPDATE results SET findings = replace(findings, 'module', char(27) || '[31m')",
        "UPDATE results SET findings = replace(findings, 'module', '\\x1b[31m')",
        "UPDATE results SET findings = replace(findings, 'module', '\\x')",
        "UPDATE results SET findings = replace(findings, char(31), ' ')",
        "UPDATE results SET findings = replace(findings, 'layers', '\x1b[2J')",
        "UPDATE results SET findings = replace(findings, 'error', 'fatal')",
        "UPDATE results SET findings = ''",
        "UPDATE needs SET same = 'no'",
        "UPDATE needs SET same = '[99999]'",
        "UPDATE needs SET drawn = '{\"a\": 1}'",
        "UPDATE states SET paths = '../../' || paths",
        "UPDATE states SET paths = char(0) || paths",
        "UPDATE states SET paths = replace(paths, 'net.py', 'base.py')",
        "UPDATE states SET ids = ids || x'00'",
        "UPDATE states SET ids = x'', sizes = 'x'",
        "UPDATE states SET times = x'0000000000000000'",
        "UPDATE states SET sizes = zeroblob(length(sizes)), times = zeroblob(length(times))",
        "UPDATE states SET digests = 7",
        "UPDATE results SET findings = 7",
        "UPDATE results SET states = zeroblob(length(states))",
        "UPDATE results SET states = 'text'",
        "UPDATE results SET needed = 'text'",
        "UPDATE results SET needed = zeroblob(length(needed))",
        "UPDATE probes SET names = '[1, 2]'",
        "UPDATE probes SET names = 7",
        "UPDATE records SET body = '[]'",
        "DELETE FROM records",
        "DELETE FROM needs",
        "DELETE FROM states",
        "DELETE FROM salts",
        "DROP TABLE results",
        "CREATE TRIGGER t AFTER UPDATE ON generation BEGIN DELETE FROM results; END",
    ],
)
def test_rows_that_are_not_as_written(project: Project, statement: str) -> None:
    project.quickly()
    connection = sqlite3.connect(project.database)
    connection.execute(statement)
    connection.commit()
    connection.close()
    assert project.agrees().codes == [("net.py", "TL001")]
    project.write("base.py", BASE.replace("pass", "x = 1"))
    assert project.agrees().codes == [("net.py", "TL001")]
    assert project.agrees().unchanged == 3


def test_questions_that_are_not_as_written(project: Project) -> None:
    project.quickly()
    connection = sqlite3.connect(project.database)
    for number, body in connection.execute("SELECT id, body FROM records").fetchall():
        root, path, questions, answers, looked = json.loads(body)
        evil = [json.dumps(["__class__", "x"]), json.dumps(["resolve", None, 7, [1], {}])]
        body = json.dumps([root, path, [*questions, *evil], answers, looked])
        connection.execute("UPDATE records SET body = ? WHERE id = ?", (body, number))
    connection.execute("UPDATE needs SET same = '[]'")
    connection.commit()
    connection.close()
    project.write("base.py", BASE.replace("(nn.Module)", ""))
    assert project.agrees().codes == []


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may write everything")
def test_a_read_only_folder(project: Project) -> None:
    project.quickly()
    project.database.chmod(0o444)
    project.database.parent.chmod(0o555)
    project.folder.chmod(0o555)
    try:
        assert project.agrees().unchanged == 3
        (project.folder / "net.py").write_text(CLEAN)
        assert project.agrees().codes == []
    finally:
        project.folder.chmod(0o755)
        project.database.parent.chmod(0o755)


def test_a_file_where_the_folder_should_be(project: Project) -> None:
    project.write(".torchlint_cache", "")
    run = project.agrees()
    assert run.codes == [("net.py", "TL001")]
    assert "cache not written" in run.log
    quiet = project.torchlint("check")
    assert quiet.stderr == ""


def test_a_folder_where_the_database_should_be(project: Project) -> None:
    (project.database / "precious").mkdir(parents=True)
    assert project.agrees().codes == [("net.py", "TL001")]
    project.torchlint("clean")
    assert (project.database / "precious").is_dir()


def test_a_link_where_the_database_should_be(project: Project, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("text")
    project.database.parent.mkdir()
    project.database.symlink_to(precious)
    assert project.agrees().codes == [("net.py", "TL001")]
    assert precious.read_text() == "text"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk at hand")
def test_a_full_disk(project: Project) -> None:
    """No database can grow over the limit on the size of files, which is what a full disk looks like."""
    limit = "import resource, sys, torchlint.cli; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); "
    limit += "sys.exit(torchlint.cli.main())"
    ignore = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    done = subprocess.run(
        [sys.executable, "-c", ignore + limit, "check", "-v", "-j", "1"],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "TL001" in done.stdout
    assert "cache not written" in done.stderr


# --------------------------------------------------------------------------------------------------- folder, options


def test_results_of_other_settings_are_passed_over(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What they follow from may be long gone; nothing is asked because of that."""
    project.quickly("--select", "TL002")
    project.quickly()
    project.write("clean.py", "x = 2\n")
    project.write("gone.py", CLEAN)
    project.quickly()
    (project.folder / "gone.py").unlink()
    project.quickly()
    monkeypatch.setattr(Store, "needs", None)
    run = project.quickly()
    assert (run.unchanged, run.codes) == (3, [("net.py", "TL001")])
    monkeypatch.undo()
    assert project.agrees("--select", "TL002").checked == 1
    assert project.agrees("--select", "TL002").unchanged == 3


def test_a_run_below_the_folder_of_the_cache(project: Project) -> None:
    project.write("pkg/net.py", CONTAINER)
    below = Project(project.folder / "pkg")
    for _ in range(2):
        run = below.check(".", "../clean.py", str(project.folder / "base.py"))
    assert (run.unchanged, run.checked) == (3, 0)
    assert run.codes == [("net.py", "TL001")]
    assert project.check().checked == 4  # another working directory has results of its own
    assert project.database.exists()


def test_the_marks_of_the_folder(project: Project) -> None:
    project.check()
    folder = project.database.parent
    assert sorted(path.name for path in folder.iterdir()) == [".gitignore", "CACHEDIR.TAG", DATABASE]
    assert (folder / ".gitignore").read_text().split()[-1] == "*"
    tag = (folder / "CACHEDIR.TAG").read_text()
    assert tag.startswith("Signature: 8a477f597d28d172789f06886806bc55\n")


def test_clean_removes_what_torchlint_made(project: Project) -> None:
    project.check()
    done = project.torchlint("clean")
    assert (done.returncode, project.database.parent.exists()) == (0, False)
    assert "There is no cache" in project.torchlint("clean").stdout
    project.check()
    mine = project.database.parent / "mine.txt"
    mine.write_text("precious")
    (project.database.parent / ".gitignore").write_text("# mine\n")
    project.torchlint("clean")
    assert sorted(path.name for path in mine.parent.iterdir()) == [".gitignore", "mine.txt"]


def test_no_cache_writes_and_reads_nothing(project: Project) -> None:
    assert project.check("--no-cache").checked == -1
    assert not project.database.parent.exists()
    project.check()
    connection = sqlite3.connect(project.database)
    connection.execute("UPDATE results SET findings = ''")
    connection.commit()
    connection.close()
    assert project.check("--no-cache").codes == [("net.py", "TL001")]


def test_where_the_cache_lies(project: Project, tmp_path: Path) -> None:
    option, variable = tmp_path / "option", tmp_path / "variable"
    project.check("--cache-dir", str(option), TORCHLINT_CACHE_DIR=str(variable))
    assert ((option / DATABASE).exists(), variable.exists()) == (True, False)
    assert project.check("--cache-dir", str(option)).unchanged == 3
    project.check(TORCHLINT_CACHE_DIR=str(variable))
    assert (variable / DATABASE).exists()
    assert not project.database.exists()
    project.write("pyproject.toml", '[tool.torchlint]\ncache-dir = "build/cache"\n')
    project.check()
    assert (project.folder / "build" / "cache" / DATABASE).exists()
    project.torchlint("clean")
    assert not (project.folder / "build" / "cache").exists()


def test_standard_input_is_not_cached(project: Project) -> None:
    subprocess.run(
        [sys.executable, "-m", "torchlint", "check", "-"],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=NET.encode(),
        capture_output=True,
        check=False,
    )
    assert not project.database.parent.exists()


def test_fixes_are_worked_out(project: Project) -> None:
    project.check()
    diff = project.torchlint("check", "--diff", "--unsafe-fixes")
    assert "+        self.layers = nn.ModuleList(" in diff.stdout
    fixed = project.torchlint("check", "--fix", "--unsafe-fixes")
    assert fixed.returncode == 0, fixed.stdout
    assert "ModuleList" in (project.folder / "net.py").read_text()
    assert project.agrees().codes == []


# ------------------------------------------------------------------------------------------------------- the scout

SCOUTING = """
import os, sys, time
import torchlint.cache.results as results

results._WORTH_A_SCOUT = 0
{lie}
from torchlint.cli import main
status = main(["check", "-v", "--output-format", "json", *{arguments!r}])
try:
    os.waitpid(-1, os.WNOHANG)
    print("a process was left behind")
except ChildProcessError:
    pass
sys.exit(status)
"""

EVERYTHING = "results.unchanged_files = lambda rows, base: bytes([1] * len(rows))"

needs_a_scout = pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2,
    reason="there is no second processor to look on, or no way to fork",
)


def scouting(project: Project, lie: str = "", *arguments: str) -> Run:
    """A run in which another process looks at the files, however few these are; ``lie`` is what it says else."""
    done = run_scouting(project, lie, *arguments)
    return project._run(done.stdout, done.returncode, done.stderr)


def run_scouting(project: Project, lie: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCOUTING.format(lie=lie, arguments=arguments)],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


@needs_a_scout
def test_a_scout_sees_what_changed(project: Project) -> None:
    project.check()
    assert scouting(project).unchanged == 3
    project.write("clean.py", "x = 2\n")
    assert scouting(project).checked == 1
    project.write("new.py", CLEAN)
    assert scouting(project).checked == 1
    os.utime(project.folder / "net.py", (1, 1))
    assert scouting(project).unchanged == 4
    (project.folder / "clean.py").unlink()
    assert scouting(project).checked == 0
    project.write("base.py", BASE.replace("nn.Module", "object"))
    changed = scouting(project)
    assert (changed.codes, changed.checked) == ([], 2)
    assert changed.output == project.check("--no-cache").output


@needs_a_scout
def test_one_process_sends_no_scout(project: Project) -> None:
    project.check()
    project.write("clean.py", "x = 2\n")
    assert scouting(project, EVERYTHING, "-j1").checked == 1


@needs_a_scout
def test_a_scout_that_nobody_can_wait_for(project: Project) -> None:
    project.check()
    assert scouting(project, "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)").unchanged == 3


@needs_a_scout
def test_a_scout_of_a_large_project(tmp_path: Path) -> None:
    """It says more than a pipe holds. Where few files matter, nobody waits until it has looked at all."""
    project = Project(tmp_path / "large")
    project.write("pyproject.toml", "")
    for number in range(9000):
        (project.folder / f"m{number}.py").write_text("")
    for path in (*project.folder.iterdir(), project.folder):
        os.utime(path, (1, 1))
    project.write("pkg/net.py", CONTAINER)
    assert project.check("-j2").checked == 9001
    project.write("m8999.py", "x = 2\n")
    assert scouting(project, EVERYTHING).unchanged == 9001
    endless = "results.unchanged_files = lambda rows, base: time.sleep(1000)"
    assert scouting(project, endless, "pkg").unchanged == 1
    assert scouting(project).checked == 1


@needs_a_scout
def test_a_scout_is_believed(project: Project) -> None:
    """It is there at all: what it says holds, as if this process had looked."""
    project.check()
    project.write("clean.py", "x = 2\n")
    assert scouting(project, EVERYTHING).unchanged == 3


@needs_a_scout
@pytest.mark.parametrize(
    "lie",
    [
        "results.unchanged_files = lambda rows, base: os.kill(os.getpid(), 9)",
        "results.unchanged_files = lambda rows, base: 1 / 0",
        "results.unchanged_files = lambda rows, base: sys.exit(0)",
        "results.unchanged_files = lambda rows, base: bytes(len(rows) - 1)",
        "results.unchanged_files = lambda rows, base: bytes(len(rows)) + bytes([1]) * 1000",
        "os.fork = lambda: (_ for _ in ()).throw(BlockingIOError())",
    ],
    ids=["killed", "failed", "left", "fewer states", "more states", "no process"],
)
def test_a_scout_that_is_no_use(project: Project, lie: str) -> None:
    project.check()
    assert scouting(project, lie).unchanged == 3
    project.write("clean.py", "x = 2\n")
    run = scouting(project, lie)
    assert (run.codes, run.checked) == ([("net.py", "TL001")], 1)


@needs_a_scout
@pytest.mark.parametrize("settings", ["", "[tool.torchlint]\nselec = []\n"], ids=["no files", "bad settings"])
def test_a_scout_that_nobody_asks(project: Project, settings: str) -> None:
    project.check()
    project.write("empty/inner/pyproject.toml", settings)
    done = run_scouting(project, "", "empty")
    assert done.returncode == (2 if settings else 0)
    assert "left behind" not in done.stdout


@needs_a_scout
def test_a_scout_where_there_is_no_cache_of_ours(project: Project) -> None:
    assert scouting(project).checked == 3
    project.database.write_bytes(b"no database" * 2000)
    assert scouting(project).codes == [("net.py", "TL001")]
    assert scouting(project).unchanged == 3


# --------------------------------------------------------------------------------------------------- names in folders

COUNTING = """
import torchlint.cache.listings as listings
listings.RACY = 0
listed = listings.listed
def counted(folder):
    print("listed", folder, file=sys.stderr)
    return listed(folder)
listings.listed = counted
"""
"""Folders that changed just now count as old, and those that are listed are printed."""

needs_times = pytest.mark.skipif(os.name != "posix", reason="folders do not tell when they were changed")


def listing(project: Project, program: str = "", *arguments: str) -> tuple[Run, list[str]]:
    """A run, which must say what one without a cache does, and the folders that it listed."""
    time.sleep(0.02)  # the clock of the file system may be that coarse
    run = scouting(project, COUNTING + program, *arguments)
    assert run.output == project.check("--no-cache", *arguments).output
    return run, sorted(
        line.removeprefix("listed ") for line in run.log.splitlines() if line.startswith("listed ")
    )


@pytest.fixture
def nested(project: Project) -> Project:
    project.write("pkg/inner/net.py", CONTAINER)
    project.write("pkg/other.py", CLEAN)
    project.write("data/large.bin", "")
    project.check()
    listing(project)  # once more, as the cache is in one of the folders
    return project


@needs_times
def test_folders_that_did_not_change_are_not_listed(nested: Project) -> None:
    run, folders = listing(nested)
    assert (folders, run.unchanged) == ([], 5)
    assert listing(nested, "", "pkg", "pkg/inner", "net.py")[1] == []


@needs_times
def test_folders_that_changed_are_listed(nested: Project) -> None:
    (nested.folder / "pkg" / "new.py").write_text(CLEAN)
    run, folders = listing(nested)
    assert (folders, run.checked) == (["./pkg/"], 1)
    (nested.folder / "pkg" / "other.py").unlink()
    assert listing(nested)[1] == ["./pkg/"]
    (nested.folder / "pkg" / "inner").rename(nested.folder / "pkg" / "moved")
    run, folders = listing(nested)
    assert folders == ["./pkg/", "./pkg/moved/"]
    assert ("pkg/moved/net.py", "TL001") in run.codes
    assert listing(nested)[1] == []


@needs_times
def test_a_folder_in_the_place_of_another(nested: Project) -> None:
    """Its times alone do not tell."""
    nested.write("elsewhere/renamed.py", CONTAINER)
    old = nested.folder / "pkg" / "inner"
    old.rename(nested.folder / "old")
    (nested.folder / "elsewhere").rename(old)
    os.utime(old, ns=(0, (nested.folder / "old").stat().st_mtime_ns))
    assert ("pkg/inner/renamed.py", "TL001") in listing(nested)[0].codes


@needs_times
def test_settings_and_ignored_files_count_in_folders_that_are_not_listed(nested: Project) -> None:
    nested.write("pkg/.gitignore", "nothing\n")
    nested.write("pkg/inner/pyproject.toml", "[tool.torchlint]\nignore = []\n")
    assert len(listing(nested)[0].codes) == 2
    assert listing(nested)[1] == []
    (nested.folder / "pkg/inner/pyproject.toml").write_text("[tool.torchlint]\nignore = ['TL001']\n")
    run, folders = listing(nested)
    assert (run.codes, folders) == ([("net.py", "TL001")], [])
    (nested.folder / "pkg/inner/pyproject.toml").write_text("[tool.torchlint]\nexclude = ['net.py']\n")
    assert json.loads(listing(nested)[0].output)["summary"]["files"] == 4
    (nested.folder / "pkg/.gitignore").write_text("inner/\nother.py\n")
    run, folders = listing(nested)
    assert (json.loads(run.output)["summary"]["files"], folders) == (3, [])


@needs_times
def test_folders_with_links_are_listed(nested: Project) -> None:
    target = nested.write("elsewhere/target.txt", CONTAINER)
    (nested.folder / "data" / "link.py").symlink_to(target)
    (nested.folder / "data" / "folder").symlink_to(nested.folder / "pkg")
    for _ in range(2):
        run, folders = listing(nested)
        assert "./data/" in folders
        assert ("data/link.py", "TL001") in run.codes
    target.unlink()
    assert ("data/link.py", "TL000") in listing(nested)[0].codes


@needs_times
def test_names_that_are_no_text(nested: Project) -> None:
    try:
        (nested.folder / "data" / "\udce4.py").write_text(CLEAN)
    except OSError:
        pytest.skip("the file system has no such names")
    for _ in range(2):
        run, folders = listing(nested)
        assert folders == ["./data/"]
        assert "not written" not in run.log


@needs_times
def test_a_folder_that_changed_just_now_is_listed_again(project: Project) -> None:
    project.check()
    project.write("data/a.bin", "")
    done = run_scouting(project, COUNTING.replace("listings.RACY = 0", "listings.RACY = 10**15"))
    assert done.stderr.count("listed") == 2
    done = run_scouting(project, COUNTING.replace("listings.RACY = 0", "listings.RACY = 10**15"))
    assert done.stderr.count("listed") == 2


@needs_times
def test_file_systems_that_do_not_tell_of_additions(project: Project) -> None:
    for _ in range(3):
        run, folders = listing(project, "listings.dated_device = lambda folder: None")
        assert (folders, "not written" in run.log) == (["./"], False)


@needs_times
def test_nothing_is_written_where_folders_have_other_numbers_all_the_time(nested: Project) -> None:
    before = nested.database.read_bytes()
    _, folders = listing(nested, "listings._mark = lambda status: (time.time_ns(), 1, 1)")
    assert len(folders) == 4
    assert nested.database.read_bytes() == before


@needs_times
def test_a_file_system_is_asked_whether_it_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status = tmp_path.stat()
    assert dated_device(str(tmp_path)) == status.st_dev
    assert not list(tmp_path.iterdir())
    assert dated_device(str(tmp_path / "missing")) is None
    frozen = os.stat_result((*status[:7], 0, 0, 0))
    monkeypatch.setattr(os, "stat", lambda _: frozen)
    assert dated_device(str(tmp_path)) is None


@needs_times
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM listings",
        "UPDATE listings SET names = '///'",
        "UPDATE listings SET names = replace(names, '//', '/')",
        "UPDATE listings SET names = 7",
        "UPDATE listings SET folders = folders || char(0)",
        "UPDATE listings SET marks = 'text'",
        "UPDATE listings SET marks = marks || x'0000000000000000'",
        "UPDATE listings SET marks = zeroblob(length(marks))",
    ],
)
def test_listings_that_are_not_as_written(nested: Project, statement: str) -> None:
    kept = "SELECT CAST(folders AS BLOB), CAST(names AS BLOB), CAST(marks AS BLOB) FROM listings"
    connection = sqlite3.connect(nested.database)
    before = connection.execute(kept).fetchall()
    connection.execute(statement)
    assert connection.execute(kept).fetchall() != before
    connection.commit()
    connection.close()
    assert len(listing(nested)[1]) == 4


@needs_times
def test_listings_of_what_is_gone_are_dropped(nested: Project) -> None:
    shutil.rmtree(nested.folder / "pkg")
    listing(nested)
    connection = sqlite3.connect(nested.database)
    ((folders,),) = connection.execute("SELECT CAST(folders AS BLOB) FROM listings").fetchall()
    connection.close()
    assert sorted(folders.split(b"\0")) == [b"", b"data"]


# ---------------------------------------------------------------------------------------------------------- warmth


def imported(project: Project, *arguments: str) -> set[str]:
    program = (
        "import sys, torchlint.cli\n"
        f"torchlint.cli.main({['check', *arguments]!r})\n"
        "print('modules', *sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("modules "))
    return set(line.split())


HEAVY = {
    "ast",
    "dataclasses",
    "enum",
    "inspect",
    "json",
    "libcst",
    "multiprocessing",
    "pathlib",
    "pathspec",
    "re",
    "tokenize",
    "torch",
    "urllib",
}


@pytest.mark.parametrize("findings", [False, True])
def test_a_warm_run_is_light(project: Project, findings: bool) -> None:
    if not findings:
        (project.folder / "net.py").unlink()
    project.write(".gitignore", "# ours\n__pycache__/\n*.py[cod]\n/build/\n!keep.py\n")
    for _ in range(2):  # once more, for the times that were too new
        project.check()
    modules = imported(project)
    assert not modules & HEAVY
    assert not {name for name in modules if name.startswith(("torchlint.rules", "torchlint.engine"))}


def test_texts_in_a_line() -> None:
    texts = ["", "plain", "two\nlines", "\x1f", "\\", "\\x1f", "ä", "ä\x00", "\udce4.py", "\U0001f525\t"]
    line = joined(texts)
    assert parted(line) == texts
    assert "\n" not in line
    assert is_text(line)


def test_findings_in_a_line() -> None:
    def place(line: int) -> Range:
        return Range(Position(line, 1), Position(line, 9))

    fix = Fix("add it", (Edit(place(3), "\n\x1f\\"), Edit(place(4), "")), "unsafe")
    found = (
        Diagnostic("TL001", "one", "error", "a.py", Finding(place(1), "`é` is\nlost")),
        Diagnostic(
            *("TL002", "two", "note", "a.py"),
            Finding(place(2), "m", "c", (Label(place(5), "l"), Label(place(6), "")), fix, "help"),
        ),
        Diagnostic("TL003", "three", "warning", "a.py", Finding(place(7), "m", fix=Fix("nothing", ()))),
    )
    line = findings.write(found)
    assert findings.read(line, "a.py") == found
    assert "\n" not in line
    assert findings.write(()) == ""
    texts = parted(findings.write(found[1:2]))
    for end in range(1, len(texts)):
        with pytest.raises(findings.Malformed):
            findings.read(joined(texts[:end]), "a.py")


def test_rows_hold_nothing_but_text_and_numbers(project: Project) -> None:
    project.check()
    connection = sqlite3.connect(project.database)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    values: list[Any] = [
        value for table in tables for row in connection.execute(f"SELECT * FROM {table}") for value in row
    ]
    connection.close()
    assert len(values) > 50
    assert {type(value) for value in values} <= {int, str, bytes}
