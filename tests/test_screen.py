"""The screen proves absence: what LibCST finds without it is found with it, on every example and on known byways."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from byways import ALL as BYWAYS
from pages import ROOT, all_blocks, all_projects
from variants import in_a_function, with_tabs

from torchlint.config import Config
from torchlint.engine import check_source
from torchlint.project.index import Project
from torchlint.rules import all_rules

EVERY_RULE = Config(select=tuple(rule.code for rule in all_rules()))
Found = list[tuple[str, int, int, str]]


def findings(source: str | bytes, path: Path, *, screened: bool) -> Found:
    project = Project(path.parent)
    found = check_source(source, str(path), EVERY_RULE, project, screened=screened)
    return sorted((each.code, *each.range.start, each.message) for each in found)


def differences(sources: Iterator[tuple[str, str | bytes]], folder: Path) -> list[str]:
    path = folder / "example.py"
    return [
        name
        for name, source in sources
        if findings(source, path, screened=True) != findings(source, path, screened=False)
    ]


def under_if(source: str) -> str | None:
    """The program below ``if True:``."""
    inside = in_a_function(source)
    return None if inside is None else inside.replace("def wrapper():", "if True:", 1)


def in_a_class(source: str) -> str | None:
    """The program as the body of a class, with its imports above."""
    lines = source.splitlines()
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    inside = in_a_function("".join(f"{line}\n" for line in lines if line not in imports))
    if inside is None:
        return None
    return "".join(f"{line}\n" for line in imports) + inside.replace("def wrapper():", "class Outer:", 1)


def through_aliases(source: str) -> str | None:
    """Torch under names that the module assigns."""
    if "from __future__" in source:
        return None
    names = {"import torch.nn.functional as F": "F", "from torch import nn": "nn", "import torch": "torch"}
    for line, name in names.items():
        source = (
            f"\n{source}".replace(f"\n{line}\n", f"\n{line} as {name}_\n{name} = {name}_\n", 1)[1:]
            if (" as " not in line)
            else f"\n{source}".replace(f"\n{line}\n", f"\n{line}_\n{name} = {name}_\n", 1)[1:]
        )
    return source


VARIANTS: tuple[Callable[[str], str | None], ...] = (
    lambda source: source,
    in_a_function,
    under_if,
    in_a_class,
    through_aliases,
    with_tabs,
    lambda source: source.replace("\n", "\r\n"),
    lambda source: source.replace("    def forward", "    async def forward"),
)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_example_gives_the_same_findings(variant: Callable[[str], str | None], tmp_path: Path) -> None:
    written = ((block.id, variant(block.source)) for block in all_blocks("bad", "good", "fixed"))
    sources = ((name, source) for name, source in written if source is not None)
    assert differences(sources, tmp_path) == []


@pytest.mark.parametrize("project", all_projects(), ids=lambda project: project.id)
def test_every_project_gives_the_same_findings(project, tmp_path: Path) -> None:
    for name, block in project.files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.source, encoding="utf-8")
    for name, block in project.files:
        both = [
            check_source(block.source, str(tmp_path / name), EVERY_RULE, Project(tmp_path), screened=screened)
            for screened in (True, False)
        ]
        assert both[0] == both[1], name


@pytest.mark.parametrize("name", BYWAYS)
def test_byway_is_found(name: str, tmp_path: Path) -> None:
    source = BYWAYS[name]
    found = findings(source, tmp_path / "example.py", screened=False)
    assert found, f"nothing to find in\n{source}"
    assert findings(source, tmp_path / "example.py", screened=True) == found, source


@pytest.mark.parametrize("variant", [in_a_function, under_if, in_a_class])
def test_byway_is_found_elsewhere_too(variant: Callable[[str], str | None], tmp_path: Path) -> None:
    written = ((name, variant(source)) for name, source in BYWAYS.items())
    assert differences(((name, source) for name, source in written if source), tmp_path) == []


CLEAN = """
import torch.nn.functional as F
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))

    def forward(self, x):
        for layer in self.layers:
            x = F.dropout(layer(x), training=self.training)
        return x
"""


def test_libcst_is_not_imported_for_a_clean_class() -> None:
    program = (
        "import sys\n"
        "from torchlint.engine import check_source\n"
        f"assert check_source({CLEAN!r}, 'net.py') == []\n"
        "assert 'libcst' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)
