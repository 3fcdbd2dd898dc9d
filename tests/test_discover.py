"""Which files are found below the paths that a user names."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest

from torchlint.project.discover import Discovery, Exclusion, discover, display
from torchlint.project.gitignore import Lines, pattern_of, unusual, usual
from torchlint.settings import Settings


@pytest.fixture(autouse=True)
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plant(*names: str) -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def find(*paths: str, exclusion: Exclusion | None = None) -> Discovery:
    return discover(paths or (".",), Settings().of_folder, exclusion)


def files(*paths: str, exclude: tuple[str, ...] = (), forced: bool = False) -> list[str]:
    found = find(*paths, exclusion=Exclusion(exclude, forced))
    assert not found.unreadable and not found.missing
    return sorted(found.files)


def test_python_files_once() -> None:
    plant("b.py", "a.pyi", "c.txt", "pkg/z.py", "pkg/inner/a.py", "build/x.py", "dist/y.py", "no_suffix")
    everything = ["a.pyi", "b.py", "build/x.py", "dist/y.py", "pkg/inner/a.py", "pkg/z.py"]
    assert files() == everything
    assert files("pkg", ".", "./b.py", "pkg/../b.py", str(Path("b.py").absolute())) == everything


def test_a_named_file_counts_whatever_its_suffix() -> None:
    plant("script", "node_modules/tool.py")
    assert files("script") == ["script"]
    assert files("node_modules/tool.py") == ["node_modules/tool.py"]


def test_folders_without_code_of_the_project_are_left_out() -> None:
    plant("a.py", ".venv/b.py", "x/venv/b.py", "node_modules/b.py", ".git/hooks/b.py", "e/site-packages/b.py")
    plant("src/__pycache__/b.py", ".tox/b.py", "env/own.py", "venv.py")
    assert files() == ["a.py", "env/own.py", "venv.py"]


def test_a_named_folder_is_walked_although_it_is_left_out_otherwise() -> None:
    plant(".venv/lib/site-packages/pkg/a.py", ".venv/lib/site-packages/pkg/venv/b.py")
    assert files(".venv/lib/site-packages/pkg") == [".venv/lib/site-packages/pkg/a.py"]
    assert files(".venv/lib/site-packages/pkg", forced=True) == []


def test_missing_paths() -> None:
    plant("a.py")
    found = find("nowhere", "a.py", "a.py/inside", "nowhere", "")
    assert found.missing == ["nowhere", "a.py/inside", ""]
    assert list(found.files) == ["a.py"]


# ------------------------------------------------------------------------------------------------- .gitignore


def test_gitignore_files_of_every_folder_count() -> None:
    plant("a.py", "out/b.py", "pkg/gen_c.py", "pkg/keep.py", "pkg/deep/gen_d.py", "other/gen_e.py")
    Path(".gitignore").write_text("out/\n")
    Path("pkg/.gitignore").write_text("gen_*.py\n")
    assert files() == ["a.py", "other/gen_e.py", "pkg/keep.py"]


def test_a_deeper_gitignore_can_take_back() -> None:
    plant("pkg/gen_a.py", "pkg/gen_b.py", "gen_c.py")
    Path(".gitignore").write_text("gen_*.py\n")
    Path("pkg/.gitignore").write_text("!gen_a.py\n")
    assert files() == ["pkg/gen_a.py"]


def test_negation_in_an_ignored_folder() -> None:
    plant("a/keep.py", "a/drop.py", "b/keep.py", "b/drop.py", "c/keep.py")
    Path(".gitignore").write_text("a/*\n!a/keep.py\nb/**\n!b/keep.py\nc/\n!c/keep.py\n")
    assert files() == ["a/keep.py", "b/keep.py"]


def test_a_walk_of_a_subfolder_knows_the_gitignore_of_the_repository() -> None:
    plant("pkg/a.py", "pkg/gen/b.py", "pkg/deep/x_pb2.py")
    Path(".git/info").mkdir(parents=True)
    Path(".gitignore").write_text("/pkg/gen/\n*_pb2.py\n")
    assert files("pkg") == files() == ["pkg/a.py"]


def test_above_the_repository_nothing_counts() -> None:
    plant("repo/a.py", "repo/.git/HEAD")
    Path(".gitignore").write_text("*.py\n")
    assert files("repo") == ["repo/a.py"]
    assert files() == ["repo/a.py"], "a repository inside the walked folder is a world of its own"


def test_info_exclude_counts() -> None:
    plant("a.py", "local.py")
    Path(".git/info").mkdir(parents=True)
    Path(".git/info/exclude").write_text("local.py\n")
    assert files() == ["a.py"]


def test_info_exclude_of_a_work_tree() -> None:
    plant("main/.git/info/exclude", "main/.git/worktrees/second/commondir", "second/a.py", "second/local.py")
    Path("main/.git/info/exclude").write_text("local.py\n")
    Path("main/.git/worktrees/second/commondir").write_text("../..\n")
    Path("second/.git").write_text(f"gitdir: {Path('main/.git/worktrees/second').absolute()}\n")
    assert files("second") == ["second/a.py"]


def test_a_named_folder_is_walked_although_git_ignores_it() -> None:
    plant(".git/HEAD", "data/model.py", "data/inner/more.py")
    Path(".gitignore").write_text("data/\n")
    assert files() == []
    assert files("data") == ["data/inner/more.py", "data/model.py"]
    assert files("data/model.py") == ["data/model.py"]


def test_lines_that_git_passes_over() -> None:
    plant("a.py", "b.py")
    Path(".gitignore").write_bytes(b"\xef\xbb\xbfb.py\n!\n\\\n# a.py\n\xff\n\n")
    assert files() == ["a.py"]


USUAL = """\
__pycache__/
*.py[cod]
*$py.class
.coverage.*
/build
!build
!/docs/_build/
*
!*/
a*b
a b
 a
/a/b
a/b/
**/a
**/a/b/
**/*.log
/a/*.py
a/*
ünï/
#a
!#a
x+y~@%=,(z)
""".splitlines()

UNUSUAL = """\
?
**
**/
/
!
a**
a***/b
**/**/a
a/**/b
a/**
*/b
*a*
[!a]
[a-z]
a[b
a]
[a][b]
a\\
\\#
a//b
//a
""".splitlines()

NAMES = [
    "a",
    "b",
    "ab",
    "a b",
    "a.b",
    "axb",
    "b.log",
    "__pycache__",
    "m.pyc",
    "build",
    "docs",
    "_build",
    "ünï",
    "#a",
]
PATHS = [
    f"{folder}{name}{end}"
    for folder in ("", "a/", "b/", "a/b/", "x/a/", "docs/", "ba/")
    for name in [
        *NAMES,
        "m.py",
        ".coverage.1",
        "x+y~@%=,(z)",
        "x$py.class",
        " a",
        "!a",
        "-",
        "é",
        "éa.",
        "b-a",
    ]
    for end in ("", "/")
]


def means_what_pathspec_says(line: str) -> bool:
    """Whether the line is a usual one; if so, it must match what it matches for pathspec."""
    found, expected = usual(line), unusual(line)
    if found is not None:
        assert expected is not None, line
        assert found.include == expected.include
        assert [path for path in PATHS if found.matches(path)] == [
            path for path in PATHS if expected.matches(path)
        ], line
        assert [Lines([found]).verdict(path) for path in PATHS] == [
            found.include if found.matches(path) else None for path in PATHS
        ]
    return found is not None


@pytest.mark.parametrize("line", USUAL)
def test_usual_lines_mean_what_pathspec_says(line: str) -> None:
    if line.startswith("#"):
        assert pattern_of(line) is None
    else:
        assert means_what_pathspec_says(line)


@pytest.mark.parametrize("line", UNUSUAL)
def test_unusual_lines_are_left_to_pathspec(line: str) -> None:
    assert usual(line) is None
    pattern_of(line)


def test_any_lines_mean_what_pathspec_says() -> None:
    pieces = ["a", "a", "*", "?", "/", "/", "**/", "!", "[ab]", ".", "é", " ", "-", "b", "b", "[", "]", "\\"]
    chance = random.Random(1)
    lines = {"".join(chance.choices(pieces, k=chance.randint(1, 6))).rstrip() for _ in range(4000)}
    wanted = sorted(line for line in lines if line and not line.startswith("#"))
    assert sum(map(means_what_pathspec_says, wanted)) > 500


def test_as_git_itself() -> None:
    """The files that git would add are the files that are found."""
    names = ("a.py", "b/a.py", "b/c/a.py", "b/c/d.py", "e/x.py", "e/f/x.py", "g h.py", "i/[j].py", "k/l/m.py")
    plant(*names)
    ignore = {
        ".gitignore": "/a.py\n**/d.py\ne/*\n!e/f/\ng\\ h.py\n",
        "b/.gitignore": "c/*\n!c/d.py\n",
        "i/.gitignore": "\\[j].py\n",
        "k/.gitignore": "*\n!*/\n!m.py\n",
    }
    for name, text in ignore.items():
        Path(name).write_text(text)
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    try:
        subprocess.run(["git", "init", "-q"], check=True, env=environment)
    except FileNotFoundError:
        pytest.skip("git is not installed")
    command = ["git", "ls-files", "--others", "--exclude-standard", "-z", "*.py"]
    done = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
    assert files() == sorted(filter(None, done.stdout.split("\0")))


# ---------------------------------------------------------------------------------------------------- exclude


def test_exclude_on_the_command_line_and_in_settings() -> None:
    plant("a.py", "old/b.py", "pkg/old/c.py", "pkg/test_d.py", "pkg/deep/e.py")
    assert files(exclude=("old",)) == ["a.py", "pkg/deep/e.py", "pkg/test_d.py"]
    Path("torchlint.toml").write_text('exclude = ["/old", "test_*.py"]\n')
    assert files() == ["a.py", "pkg/deep/e.py", "pkg/old/c.py"]
    assert files("pkg") == ["pkg/deep/e.py", "pkg/old/c.py"]
    assert files(exclude=("deep/",)) == ["a.py", "pkg/old/c.py"]


def test_exclude_is_relative_to_the_settings_that_hold_it() -> None:
    plant("pkg/a.py", "pkg/gen/b.py", "gen/c.py")
    Path("pkg/torchlint.toml").write_text('exclude = ["/gen"]\n')
    assert files() == ["gen/c.py", "pkg/a.py"]


def test_a_named_path_is_checked_although_excluded_unless_forced() -> None:
    plant("old/a.py", "b.py")
    Path("torchlint.toml").write_text('exclude = ["old", "b.py"]\n')
    assert files("old", "b.py") == ["b.py", "old/a.py"]
    assert files("old/a.py") == ["old/a.py"]
    assert files("old", "b.py", "old/a.py", forced=True) == []


# ----------------------------------------------------------------------------------------- what is not a file


def test_loops_of_links_end() -> None:
    plant("pkg/a.py")
    Path("pkg/self").symlink_to(".")
    Path("pkg/up").symlink_to("..")
    Path("around").symlink_to("pkg")
    Path("own").symlink_to("own")
    assert files() == ["pkg/a.py"]
    assert files("around") == ["around/a.py"]
    assert files("pkg", "around") == ["pkg/a.py"]
    found = find("own")
    assert [path for path, _ in found.unreadable] == ["own"]


def test_a_linked_file_is_checked_once_under_its_own_name() -> None:
    plant("z.py", "outside/b.py", "inside/x.txt")
    Path("a.py").symlink_to("z.py")
    Path("inside/link.py").symlink_to("../outside/b.py")
    assert files() == ["outside/b.py", "z.py"]
    assert files("inside") == ["inside/link.py"]
    assert files("a.py", "z.py") == ["z.py"]


def test_a_link_to_nothing_is_reported_and_the_locks_of_editors_are_not() -> None:
    plant("a.py")
    Path("gone.py").symlink_to("nowhere.py")
    Path(".#a.py").symlink_to("user@host.1234")
    found = find()
    assert list(found.files) == ["a.py"]
    assert found.unreadable == [("gone.py", "is a link to a file that does not exist")]
    assert find("gone.py").missing == ["gone.py"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_not_waited_for() -> None:
    plant("a.py")
    os.mkfifo("pipe.py")
    for found in (find(), find("pipe.py", "a.py")):
        assert list(found.files) == ["a.py"]
        assert found.unreadable == [("pipe.py", "is not a regular file")]


def test_a_notebook_gets_one_message_where_it_is_named() -> None:
    plant("n.ipynb")
    assert files() == []
    ((path, reason),) = find("n.ipynb").unreadable
    assert path == "n.ipynb" and "notebooks are not checked yet" in reason


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read() -> None:
    plant("a.py", "locked/b.py")
    Path("locked").chmod(0)
    try:
        found = find()
    finally:
        Path("locked").chmod(0o700)
    assert list(found.files) == ["a.py"]
    assert found.unreadable == [("locked", "cannot be read: Permission denied")]


def test_a_folder_that_cannot_be_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    plant("a.py", "locked/b.py")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.rstrip("/").endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = find()
    assert list(found.files) == ["a.py"]
    assert found.unreadable == [("locked", "cannot be read: Permission denied")]


def test_paths_are_shown_as_the_user_thinks_of_them(inside: Path) -> None:
    assert display("./a/../b.py") == "b.py"
    assert display(str(inside / "a.py")) == "a.py"
    assert display("../other/a.py") == "../other/a.py"
    assert display("/elsewhere/a.py") == "/elsewhere/a.py"
