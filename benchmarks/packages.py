"""What is measured on, and against: pinned packages as source, and other linters in environments of their own.

Packages are downloaded and unpacked, and never imported. Everything lies in one folder and is made only once.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from command import HERE

CONSTRAINTS = HERE / "constraints.txt"

PACKAGES = {
    "transformers": "transformers==5.23.0",
    "timm": "timm==1.0.31",
    "torchvision": "torchvision==0.29.2",
    "torch": "torch",
    "diffusers": "diffusers==0.42.1",
    "sympy": "sympy==1.14.0",
    "ansible_collections": "ansible==12.3.0",
}
"""Folders and the package that pip finds them in. Versions that are not here are in ``constraints.txt``."""

TOOLS: dict[str, tuple[str, ...]] = {
    "torchlint": (str(HERE),),
    "flake8": ("flake8",),
    "flake8-torchlint": ("flake8", str(HERE)),
    "ruff": ("ruff",),
    "fixit": ("fixit==2.2.1",),
    "torchfix": ("torchfix==0.7.0",),
}

_UNCONSTRAINED = {"torchfix"}
"""It needs an older LibCST than the one that this project is tested with."""

_LONG_AGO = (1_700_000_000, 1_700_000_000)
"""When the unpacked files were changed. A cache rightly mistrusts a file that was changed just now."""


def pinned(requirement: str) -> str:
    """The requirement with its version, from ``constraints.txt`` where it has none."""
    if "=" in requirement:
        return requirement
    found = re.search(rf"^{re.escape(requirement)}==\S+$", CONSTRAINTS.read_text("utf-8"), re.MULTILINE)
    if found is None:
        sys.exit(f"{CONSTRAINTS.name} has no version of {requirement}")
    return found[0]


def sources(folder: Path, name: str) -> Path:
    """A folder that holds the ``.py`` files of a package, as a project of its own."""
    requirement = pinned(PACKAGES[name])
    target = folder / "packages" / requirement.replace("==", "-")
    if not target.is_dir():
        _unpack(_download(folder / "wheels", requirement), name, target)
    return target


def _download(wheels: Path, requirement: str) -> Path:
    print(f"downloading {requirement}", file=sys.stderr)
    _pip(sys.executable, "download", "--no-deps", "--only-binary", ":all:", "-d", str(wheels), requirement)
    name, _, version = requirement.partition("==")
    (wheel,) = wheels.glob(f"{name}-{version}[+-]*.whl")
    return wheel


def _unpack(wheel: Path, name: str, target: Path) -> None:
    unfinished = target.with_name(f"{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        wanted = [each for each in archive.namelist() if each.startswith(f"{name}/") and each.endswith(".py")]
        archive.extractall(unfinished, wanted)
    for path in unfinished.rglob("*.py"):
        os.utime(path, _LONG_AGO)
    mark_as_project(unfinished)
    unfinished.rename(target)


def mark_as_project(folder: Path) -> None:
    """Whatever lies around the folder must not count: linters look upwards for the root of a project."""
    (folder / ".git").mkdir()


def copies(folder: Path, original: Path, number: int) -> Path:
    """A folder with ``number`` copies of a package, each a project of its own."""
    target = folder / "copies" / f"{original.name}-{number}"
    if not target.is_dir():
        unfinished = target.with_name(f"{target.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        for copy in range(number):
            shutil.copytree(original, unfinished / f"copy{copy}")
        unfinished.rename(target)
    return target


def python_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if path.is_file())


@cache
def environment(folder: Path, tool: str) -> Path:
    """The folder of executables of a virtual environment with the tool in it and nothing else.

    torchlint is installed as users have it, and each time anew, as its version does not change with its source.
    """
    target = folder / "environments" / tool
    finished = target / "requirements"
    wanted = "\n".join([sys.version, *TOOLS[tool], CONSTRAINTS.read_text("utf-8")])
    if not finished.is_file() or finished.read_text("utf-8") != wanted:
        print(f"installing {tool}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(target)], check=True)
        constraints: Sequence[str] = () if tool in _UNCONSTRAINED else ("-c", str(CONSTRAINTS))
        _pip(str(target / "bin" / "python"), "install", *constraints, *TOOLS[tool])
        finished.write_text(wanted, encoding="utf-8")
    elif str(HERE) in TOOLS[tool]:
        _pip(str(target / "bin" / "python"), "install", "--no-deps", "--force-reinstall", str(HERE))
    return target / "bin"


def _pip(python: str, command: str, *arguments: str) -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    }
    options = ("--quiet", "--disable-pip-version-check")
    subprocess.run([python, "-m", "pip", command, *options, *arguments], check=True, env=environment)
