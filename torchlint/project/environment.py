"""The folders of installed packages, as text, for those who cannot wait for :mod:`pathlib`."""

from __future__ import annotations

import os
import sys


def package_folders() -> list[str]:
    """The folders of installed packages: of the running interpreter and of an activated environment."""
    folders = [entry for entry in sys.path if entry]
    if active := os.environ.get("VIRTUAL_ENV"):
        library = os.path.join(active, "lib")
        try:
            versions = sorted(name for name in os.listdir(library) if name.startswith("python"))
        except OSError:
            versions = []
        folders += [os.path.join(library, name, "site-packages") for name in versions]
        folders.append(os.path.join(active, "Lib", "site-packages"))
    wanted = ("site-packages", "dist-packages")
    found = (folder for folder in folders if os.path.basename(os.path.normpath(folder)) in wanted)
    return [folder for folder in dict.fromkeys(found) if os.path.isdir(folder)]
