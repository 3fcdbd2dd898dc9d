"""What test modules share: torchlint as a subprocess, and every example written to one folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pages import ROOT, all_blocks, all_looks, all_proofs, all_trials

from torchlint.rules import all_rules

Located = list[tuple[str, int, int]]
"""Code, line and 1-based column of the findings in one file."""


@dataclass(frozen=True)
class Door:
    """Starts ``python -m MODULE`` in ``cwd``."""

    cwd: Path

    def __call__(
        self, *arguments: str, hash_seed: int = 0, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.cwd,
            env={**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": path, "PYTHONUTF8": "1"},
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    def check(self, *arguments: str, **options: Any) -> dict[str, Any]:
        """``torchlint check --output-format json``: the report."""
        done = self("torchlint", "check", "--output-format", "json", "--no-cache", *arguments, **options)
        assert done.returncode in (0, 1), done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report


def by_file(report: dict[str, Any]) -> dict[str, Located]:
    found: dict[str, Located] = {}
    for each in report["diagnostics"]:
        start = each["range"]["start"]
        name = Path(each["path"]).name
        found.setdefault(name, []).append((each["code"], start["line"], start["column"]))
    return {name: sorted(located) for name, located in found.items()}


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Door:
    """A folder with every bad, good and fixed block as a file, and settings that switch every rule on."""
    folder = tmp_path_factory.mktemp("examples")
    codes = [rule.code for rule in all_rules()]
    (folder / "torchlint.toml").write_text(f"select = {json.dumps(codes)}\n", encoding="utf-8")
    for block in all_blocks("bad", "good", "fixed"):
        (folder / f"{block.module_name}.py").write_text(block.source, encoding="utf-8")
    return Door(folder)


@pytest.fixture(scope="session")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``run_proofs.py`` says of each program of a proof or verification; all of them run in one process."""
    programs = [proof.program for proof in (*all_proofs(), *all_trials())] + [
        block.look for block in all_looks()
    ]
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "run_proofs.py")],
        cwd=tmp_path_factory.mktemp("proofs"),
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        },
        input=json.dumps(programs),
        capture_output=True,
        encoding="utf-8",
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(programs, json.loads(done.stdout), strict=True))
