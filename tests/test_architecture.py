"""Who may import whom. Read top to bottom, the list of rooms is the order in which to read the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import ROOT

PACKAGE = ROOT / "torchlint"

# A module imports from its own room and from rooms above it in this list, never from a room below.
ROOMS: tuple[tuple[str, ...], ...] = (
    ("record", "decoding"),
    ("diagnostic", "comments", "toml", "process", "stopwatch"),
    ("rule",),
    ("config",),
    ("subjects",),
    ("model", "project", "observed"),
    ("screen",),
    ("suppress",),
    ("rules",),
    ("settings", "fix"),
    ("cache", "measured", "projects"),
    ("census",),
    ("engine",),
    ("run", "pool"),
    ("report",),
    ("isolation", "corroboration"),
    ("runtime",),
    (
        "api",
        "arguments",
        "usual",
        "cli",
        "checking",
        "cleaning",
        "explain",
        "flake8",
        "verifying",
        "pytest_plugin",
        "lsp",
        "docs",
        "__main__",
    ),
)

# Upward imports that are meant, each with its reason.
ALLOWED = {
    ("suppress", "rules"): "a suppression may name a rule, so the catalogue is read when a comment is",
}

FILES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """Full names of what is imported anywhere in the file, in functions and for type checking as well."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rank(room: str) -> int:
    for number, rooms in enumerate(ROOMS):
        if room in rooms:
            return number
    pytest.fail(f"torchlint/{room} stands in no room: add it to ROOMS")


def own_imports(path: Path) -> set[str]:
    """The rooms of torchlint that the file imports from, other than its own."""
    own = name_of(path).partition(".")[0]
    inside = (name.split(".")[1] for name in imports(path) if name.startswith("torchlint."))
    return {room for room in inside if room not in (own, "__version__")}


def roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


@pytest.mark.parametrize("path", [path for path in FILES if name_of(path)], ids=name_of)
def test_imports_point_one_way(path: Path) -> None:
    own = name_of(path).partition(".")[0]
    upward = {room for room in own_imports(path) if rank(room) > rank(own)}
    unexpected = {room for room in upward if (own, room) not in ALLOWED}
    assert not unexpected, f"torchlint/{own} must not import {sorted(unexpected)}"


def test_the_model_knows_neither_rules_nor_settings() -> None:
    for path in (PACKAGE / "model").glob("*.py"):
        assert own_imports(path) <= {
            "record",
            "decoding",
            "diagnostic",
            "comments",
            "toml",
            "stopwatch",
            "project",
        }, path.name


def test_a_rule_imports_no_other_rule() -> None:
    for path in (PACKAGE / "rules").glob("tl*.py"):
        assert not [name for name in imports(path) if name.startswith("torchlint.rules")], path.name


def test_rules_never_see_a_syntax_tree() -> None:
    for path in (PACKAGE / "rules").glob("tl*.py"):
        assert roots(path).isdisjoint({"ast", "libcst", "tokenize"}), path.name


def test_only_the_runtime_imports_torch() -> None:
    users = {name_of(path).partition(".")[0] for path in FILES if "torch" in roots(path)}
    assert users <= {"runtime", "pytest_plugin"}


def test_only_the_model_knows_libcst() -> None:
    users = {name_of(path) for path in FILES if "libcst" in roots(path)}
    outside = {name for name in users if not name.startswith("model.")}
    assert outside <= {"fix.apply"}, "fix asks whether LibCST gives back the source; others must not use it"


def test_rules_folder_holds_only_rules() -> None:
    names = {path.name for path in (PACKAGE / "rules").iterdir()} - {"__init__.py", "__pycache__"}
    assert names, "no rules found"
    assert all(name.startswith("tl") and name[2:5].isdigit() and name.endswith(".py") for name in names)


def test_no_module_for_leftovers() -> None:
    leftovers = {"utils", "util", "helpers", "helper", "misc", "common"}
    assert [path for path in FILES if path.stem in leftovers] == []


@pytest.mark.parametrize("module", ["torchlint.cli", "torchlint.flake8", "torchlint.rules"])
def test_starting_is_cheap(module: str) -> None:
    """``--help``, ``explain`` and flake8 on a file without torch wait for LibCST as little as for torch."""
    program = (
        f"import sys, {module}\n"
        "from torchlint.rules import all_rules\n"
        "all_rules()\n"
        "print(*sorted({'libcst', 'torch', 'pathspec', 'sqlite3'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "", f"importing {module} imports {done.stdout}"
