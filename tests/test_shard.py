"""``torchlint check --shard``: the parts are disjoint, together the whole, and stay where they are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from conftest import Door

BROKEN = "def f(:\n"


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


def fill(folder: Path, names: Iterable[str]) -> None:
    """Files that have one finding each: what is checked is what is reported."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(BROKEN, encoding="utf-8")


def checked(door: Door, shard: str, *arguments: str) -> list[str]:
    report = door.check("--shard", shard, *arguments)
    paths = [each["path"] for each in report["diagnostics"]]
    assert report["summary"]["files"] == len(paths)
    return paths


def names(count: int) -> list[str]:
    return [f"package_{number % 5}/layer_{number}.py" for number in range(count)]


def test_every_file_is_in_exactly_one_shard(door: Door) -> None:
    fill(door.cwd, names(60))
    parts = [checked(door, f"{number}/4") for number in range(1, 5)]
    assert sorted(path for part in parts for path in part) == sorted(names(60))
    assert all(5 < len(part) < 30 for part in parts), "the parts are of about the same size"


def test_another_file_moves_none(door: Door) -> None:
    fill(door.cwd, names(30))
    before = set(checked(door, "2/3"))
    fill(door.cwd, [f"a_{number}.py" for number in range(10)])
    after = set(checked(door, "2/3"))
    assert after & set(names(30)) == before


def test_the_place_of_a_file_is_known(door: Door) -> None:
    """Machines with different versions of Python, or of torchlint, may work together."""
    fill(door.cwd, ["model.py", "src/model.py", "src/größe.py", "train.py"])
    assert [checked(door, f"{number}/3") for number in (1, 2, 3)] == [
        ["model.py", "src/model.py"],
        ["src/größe.py"],
        ["train.py"],
    ]


def test_how_the_paths_are_given_does_not_matter(door: Door) -> None:
    fill(door.cwd, names(12))
    whole = checked(door, "1/2")
    assert checked(door, "1/2", str(door.cwd)) == whole
    assert checked(door, "1/2", "./package_1/../.", "package_1") == whole
    assert checked(door, "1/2", "-j2") == whole
    assert checked(door, "1/1") == sorted(names(12))


def test_what_cannot_be_read_is_in_one_shard(door: Door) -> None:
    (door.cwd / "gone.py").symlink_to("nowhere.py")
    found = [door.check("--shard", f"{number}/4")["diagnostics"] for number in range(1, 5)]
    assert [each["path"] for part in found for each in part] == ["gone.py"]


def test_an_empty_shard_is_no_mistake(door: Door) -> None:
    fill(door.cwd, ["model.py"])
    empty = [shard for shard in ("1/2", "2/2") if not checked(door, shard)]
    done = door("torchlint", "check", "--shard", *empty)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "All checks passed! (0 files checked)\n"


def test_no_files_at_all_are_still_worth_a_warning(door: Door) -> None:
    done = door("torchlint", "check", "--shard", "1/2")
    assert (done.returncode, done.stderr) == (0, "torchlint: warning: no Python files found\n")


def test_a_missing_path_fails_every_shard(door: Door) -> None:
    for shard in ("1/2", "2/2"):
        done = door("torchlint", "check", "--shard", shard, "nowhere")
        assert done.returncode == 2
        assert "torchlint: error: nowhere does not exist\n" in done.stderr


def test_verbose_says_how_large_the_part_is(door: Door) -> None:
    fill(door.cwd, names(12))
    done = door("torchlint", "check", "--shard", "1/2", "-v")
    assert f"torchlint: shard 1/2: {len(checked(door, '1/2'))} of 12 files\n" in done.stderr


@pytest.mark.parametrize(
    "text", ["0/8", "9/8", "x", "2", "/", "2/", "/8", "-1/8", "1/0", "1/2/3", "1.0/2", "\u0661/\u0662"]
)
def test_what_is_no_shard(door: Door, text: str) -> None:
    done = door("torchlint", "check", f"--shard={text}")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"torchlint: error: argument --shard: `{text}` is not a part such as 2/8, from 1/8 to 8/8\n"
        "Try `torchlint check --help`.\n"
    )


def test_standard_input_has_no_parts(door: Door) -> None:
    done = door("torchlint", "check", "--shard", "1/2", "-", stdin="x = 1\n")
    assert done.returncode == 2
    assert "--shard" in done.stderr
