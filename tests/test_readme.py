"""What the README shows is what the tool prints."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_findings_in_the_readme_are_those_of_the_example():
    command = [sys.executable, "-m", "torchlint", "check", "--select", "TL", "--output-format", "concise"]
    run = subprocess.run([*command, "fixtures/example"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stdout.count("\n") == 8, run.stdout
    assert f"```text\n{run.stdout}```" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_program_in_the_documentation_runs(capsys):
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    program = page.partition("```python\n")[2].partition("```")[0]
    exec(program, {})
    assert capsys.readouterr().out.startswith("net.py:7:16 TL101 `F.dropout` in `Net.forward`")
