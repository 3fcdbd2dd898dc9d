"""The settings in force for one file, and the two questions asked of them: does this rule run, and here?

Where settings are read from is :mod:`torchlint.settings`. This module is imported by every door, and its data
is pickled to worker processes: it is plain and imports nothing costly. (No dataclasses: importing them costs more
than a whole warm run may.)
"""

from __future__ import annotations

import os
from functools import lru_cache

from torchlint.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

    from torchlint.rule import Rule

# A file that cannot be checked is never passed over in silence, so no selector reaches this code.
ALWAYS_ON = "TL000"

# The formats of a report: a module of :mod:`torchlint.report` each.
FORMATS = ("full", "concise", "json", "github", "sarif")

# Where settings are read from. In one folder, ``torchlint.toml`` wins.
FILE_NAMES = ("torchlint.toml", "pyproject.toml")

_EXACT = 100


class Selection(Record):
    """One layer of choices. ``select`` replaces what lower layers chose; ``None`` builds upon it."""

    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()

    def decide(self, code: str, name: str, *, preview: bool, below: bool) -> bool:
        """Whether the rule runs. The selector that names it most exactly decides; at a tie, it is ignored."""
        chosen = (*(self.select or ()), *self.extend_select)
        wanted = max((_exactness(selector, code, name) for selector in chosen), default=0)
        if preview and wanted < _EXACT:
            wanted = 0
        unwanted = max((_exactness(selector, code, name) for selector in self.ignore), default=0)
        if not wanted and not unwanted:
            return below and self.select is None
        return wanted > unwanted


class Config(Record):
    """The settings in force for one file. Without arguments: the default set of rules."""

    select: tuple[str, ...] = ("TL",)
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    preview: bool = False
    exclude: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unsafe_fixes: bool = False
    output_format: str | None = None
    cache_dir: str | None = None
    # The file these settings come from ("" for none) and the folder that its patterns are relative to.
    origin: str = ""
    root: str = ""
    # What the command line asks for, decided after (and so over) the settings of the file.
    command_line: Selection = Selection()
    # Selectors that ``per_file_ignores`` holds for the file in hand; filled in by ``enabled_for``.
    ignored_here: tuple[str, ...] = ()

    def enabled(self, rule: Rule) -> bool:
        """Whether ``rule`` runs under these settings."""
        return self.selects(rule.code, rule.name, preview=rule.preview)

    def selects(self, code: str, name: str, *, preview: bool = False) -> bool:
        """As ``enabled``, for a code that no :class:`~torchlint.rule.Rule` is at hand for."""
        if code == ALWAYS_ON:
            return True
        if any(_exactness(selector, code, name) for selector in self.ignored_here):
            return False
        hidden = preview and not self.preview
        settings = Selection(self.select, self.ignore, self.extend_select)
        below = settings.decide(code, name, preview=hidden, below=False)
        return self.command_line.decide(code, name, preview=hidden, below=below)

    def enabled_for(self, path: str) -> Config:
        """These settings as they hold for the file at ``path``: with its ``per-file-ignores`` taken in."""
        if not self.per_file_ignores:
            return self
        ignored = tuple(
            selector
            for pattern, selectors in self.per_file_ignores
            if _concerns(pattern, self.root, path)
            for selector in selectors
        )
        return self._replace(per_file_ignores=(), ignored_here=ignored)


def _exactness(selector: str, code: str, name: str) -> int:
    """How exactly ``selector`` means the rule: 0 not at all, more by length, most as its code or name."""
    if selector in (code, name):
        return _EXACT
    if selector == "ALL":
        return 1
    return len(selector) + 1 if code.startswith(selector) else 0


def _concerns(pattern: str, root: str, path: str) -> bool:
    """Whether a ``per-file-ignores`` entry holds for ``path``; ``!pattern`` holds for every other file."""
    wanted = not pattern.startswith("!")
    return matches((pattern.removeprefix("!"),), root, path) is wanted


def matches(patterns: tuple[str, ...], root: str, path: str, *, folder: bool = False) -> bool:
    """Whether the patterns, written as in a ``.gitignore`` in ``root``, match ``path``."""
    try:
        relative = os.path.relpath(path, root or os.curdir)
    except ValueError:  # another drive on Windows
        return False
    relative = relative.replace(os.sep, "/")
    if relative == ".." or relative.startswith("../"):
        return False
    return compiled(patterns).check_file(f"{relative}/" if folder else relative).include is True


@lru_cache(maxsize=256)
def compiled(patterns: tuple[str, ...]) -> GitIgnoreSpec:
    """``pathspec`` takes tens of milliseconds to import: only who has patterns pays for it."""
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(patterns)
