"""Where outlines come from that need not be made again."""

from __future__ import annotations

from torchlint.project.outline import Outline


class Shelf:
    """An empty shelf, on which nothing stays. What a cache knows is in :mod:`torchlint.cache.shelf`."""

    def find(self, path: str, module: str | None, text: str) -> Outline | None:  # noqa: ARG002
        """The outline of the file at ``path``, were this its ``text`` and that its name."""
        return None

    def add(self, outline: Outline) -> None:
        """Keep an outline that was made."""

    def close(self) -> None:
        """Let go of what is open; whoever asks again opens it again."""
