"""LibCST as the command imports it: lighter nodes, and nothing else of it another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

NET = """\
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(8, 8)]
"""

COMMAND = (
    "from torchlint.cli import main\nassert main(['check', '--isolated', '--no-cache', 'net.py']) == 1\n"
)

CALL = """\
import torchlint
text = open('net.py').read()
assert [each.code for each in torchlint.check_source(text, 'net.py')] == ['TL001']
"""

BEFORE = "import libcst\n"

ABOUT = """
import dataclasses
import libcst
from libcst.metadata import CodePosition

def is_frozen(thing, field):
    try:
        setattr(thing, field, getattr(thing, field))
    except dataclasses.FrozenInstanceError:
        return True
    return False

one, other = libcst.Name('x'), libcst.Name('x')
assert one != other and one.deep_equals(other) and len({one, other}) == 2
assert libcst.parse_module('x').code == 'x' and repr(one) == repr(other) and 'x' in repr(one)
assert one.with_changes(value='y').value == 'y'
assert CodePosition(1, 2) == CodePosition(1, 2) and is_frozen(CodePosition(1, 2), 'line')
@dataclasses.dataclass(frozen=True)
class Mine:
    field: int = 0
assert is_frozen(Mine(), 'field')
print('frozen', is_frozen(one, 'value'))
"""


@pytest.mark.parametrize(
    ("program", "frozen"),
    [(COMMAND, False), (CALL, True), (BEFORE + COMMAND, True)],
    ids=["ours", "api", "before"],
)
def test_nodes_are_light_in_a_process_of_ours_alone(program: str, frozen: bool, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", program + ABOUT],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"frozen {frozen}"
