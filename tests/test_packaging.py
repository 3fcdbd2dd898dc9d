"""What is shipped beside the code: metadata, pre-commit hooks, pinned versions, the CI script."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

import pytest
from pages import ROOT
from pre_commit.clientlib import load_manifest

import torchlint
from torchlint.flake8 import Plugin

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HOOKS = {hook["id"]: hook for hook in load_manifest(str(ROOT / ".pre-commit-hooks.yaml"))}

BAD = """\
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(8, 8) for _ in range(3)]

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
"""
FIXABLE = "x = 1  # noqa: TL001\n"


def requirement_name(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    assert found is not None, requirement
    return found[0].lower()


def test_users_of_the_linter_install_no_torch() -> None:
    assert {requirement_name(each) for each in PROJECT["dependencies"]} == {"libcst", "pathspec", "tomli"}


def test_installed_version_is_the_version_of_the_package() -> None:
    assert version("torchlint") == torchlint.__version__ == Plugin.version


def test_flake8_finds_the_plugin() -> None:
    (entry,) = entry_points(group="flake8.extension", name="TL")
    assert entry.load() is Plugin


def test_every_tool_of_the_developers_is_pinned() -> None:
    pinned = {
        requirement_name(line)
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    }
    used = [
        *PROJECT["dependencies"],
        *(each for extra in PROJECT["optional-dependencies"].values() for each in extra),
    ]
    assert {requirement_name(each) for each in used} - {"torchlint", "tomli"} <= pinned


def test_ci_script_runs_the_same_tests_as_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True, timeout=60)
    command = "python -m pytest"
    assert command in script.read_text(encoding="utf-8")
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")


def test_hooks() -> None:
    assert set(HOOKS) == {"torchlint", "torchlint-fix"}
    for hook in HOOKS.values():
        assert hook["language"] == "python"
        assert hook["entry"].startswith("torchlint check ")
        assert "--force-exclude" in hook["entry"], "a file that the settings exclude stays excluded"
        assert hook["require_serial"], "torchlint starts its own processes"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A toy repository with our pre-commit hooks, which run here and not in an environment of their own."""
    for name, content in {
        "src/net.py": BAD,
        "src/comment.py": FIXABLE,
        "generated/net.py": BAD,
        "readme.md": "class Net(nn.Module)\n",
        "pyproject.toml": '[tool.torchlint]\nexclude = ["generated/"]\n',
    }.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(content, encoding="utf-8")
    command = shlex.join([sys.executable, "-m", "torchlint"])
    hooks = [
        {**hook, "language": "system", "entry": hook["entry"].replace("torchlint", command, 1)}
        for hook in HOOKS.values()
    ]
    # JSON is YAML.
    config = {"repos": [{"repo": "local", "hooks": hooks}]}
    (tmp_path / ".pre-commit-config.yaml").write_text(json.dumps(config), encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True, timeout=60)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True, timeout=60)
    return tmp_path


def run_hook(repository: Path, hook: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", hook, "--all-files", "--color", "never"],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PRE_COMMIT_HOME": str(repository.parent / "pre-commit")},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


def test_pre_commit_reports_what_is_not_excluded(repository: Path) -> None:
    done = run_hook(repository, "torchlint")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "src/net.py:7:9" in done.stdout
    assert "src/comment.py:1:8" in done.stdout
    assert "generated" not in done.stdout
    assert (repository / "src" / "comment.py").read_text(encoding="utf-8") == FIXABLE


def test_pre_commit_fixes_files(repository: Path) -> None:
    (repository / "src" / "net.py").unlink()
    subprocess.run(["git", "add", "."], cwd=repository, check=True, timeout=60)
    done = run_hook(repository, "torchlint-fix")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "files were modified by this hook" in done.stdout
    assert (repository / "src" / "comment.py").read_text(encoding="utf-8") == "x = 1\n"
    assert run_hook(repository, "torchlint-fix").returncode == 0


@pytest.mark.parametrize(
    "name", ["cases", "differential", "repositories", "runtime_cost", "runtime_models", "speed"]
)
def test_a_benchmark_imports_what_there_is(name: str) -> None:
    """No other test runs them, so a name that moved would be noticed by whoever needs them next."""
    program = ROOT / "benchmarks" / f"{name}.py"
    done = subprocess.run(
        [sys.executable, str(program), "--help"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: {name}.py")
