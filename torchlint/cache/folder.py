"""The folder of the cache: where it lies, what is in it, and how to take it away again."""

from __future__ import annotations

import os

NAME = ".torchlint_cache"
VARIABLE = "TORCHLINT_CACHE_DIR"
DATABASE = "torchlint.sqlite"

APPLICATION = 0x746C6E74
"""What our database says it is, in SQLite's header: "tlnt"."""

_ADDED = "added"
"""A file that is only there for a moment."""

_MARKS = {
    ".gitignore": "# Made by torchlint.\n*\n",
    "CACHEDIR.TAG": (
        "Signature: 8a477f597d28d172789f06886806bc55\n"
        "# This file is a cache directory tag created by torchlint.\n"
        "# For information about cache directory tags see https://bford.info/cachedir/\n"
    ),
}


def cache_folder(option: str | None, setting: str | None, governing: str) -> str:
    """The folder of the cache, as an absolute path: the option decides, else the variable, else the setting.

    ``setting`` is relative to the folder of the settings file ``governing`` (empty for none), which is also where
    the cache lies by default; without settings it is in the working directory.
    """
    home = os.path.dirname(governing) if governing else os.curdir
    chosen = option or os.environ.get(VARIABLE) or None
    if chosen is None:
        chosen = os.path.join(home, setting or NAME)
    return os.path.abspath(os.path.expanduser(chosen))


def prepare(folder: str) -> None:
    """Make the folder, with the marks that keep it out of repositories and backups. Raises ``OSError``."""
    os.makedirs(folder, exist_ok=True)
    for name, content in _MARKS.items():
        path = os.path.join(folder, name)
        if not os.path.lexists(path):  # what stands there is somebody else's
            with open(path, "x", encoding="utf-8") as file:
                file.write(content)


def dated_device(folder: str) -> int | None:
    """The file system of the folder, if it changes the time of a folder when something is added or taken away.

    Some that are mounted over a network do not.
    """
    path = os.path.join(folder, _ADDED)
    try:
        os.utime(folder, (0, 0))
        with open(path, "wb"):
            added = os.stat(folder).st_mtime
        os.utime(folder, (0, 0))
        os.remove(path)
        status = os.stat(folder)
    except OSError:  # the folder may be another user's
        return None
    return status.st_dev if added and status.st_mtime else None


def clean(folder: str) -> bool:
    """Take away what torchlint made, and the folder when nothing else is in it; whether there was anything."""
    removed = False
    if _is_ours(os.path.join(folder, DATABASE)):
        for suffix in ("", "-journal", "-wal", "-shm"):
            removed |= _remove(os.path.join(folder, f"{DATABASE}{suffix}"))
    for name, content in {**_MARKS, _ADDED: ""}.items():
        path = os.path.join(folder, name)
        if _content(path) == content.encode():
            removed |= _remove(path)
    if removed and not os.path.islink(folder) and not os.listdir(folder):
        os.rmdir(folder)
    return removed


def is_foreign(path: str) -> bool:
    """Whether there is a database of another program. What is no database at all is what became of ours."""
    if os.path.islink(path) or os.path.isdir(path):
        return True
    head = _content(path, 100)
    if not head or not head.startswith(b"SQLite format 3\0"):
        return False
    return len(head) == 100 and int.from_bytes(head[68:72], "big") != APPLICATION


def _is_ours(path: str) -> bool:
    return os.path.lexists(path) and not is_foreign(path)


def _content(path: str, length: int = -1) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read(length)
    except OSError:
        return None


def _remove(path: str) -> bool:
    try:
        os.remove(path)
    except FileNotFoundError:
        return False
    return True
