"""A project that consists of the texts it is given: nothing is looked for on disk."""

from __future__ import annotations

from torchlint.project.index import Project
from torchlint.project.installed import EmptyFolders, Finder
from torchlint.project.outline import Outline
from torchlint.project.paths import parents
from torchlint.project.trace import Trace


class DetachedProject(Project):
    """For a file that comes from elsewhere. Its path may by chance exist here, as a file that is another."""

    def __init__(self) -> None:
        super().__init__(finder=_OnlyWhatWasAdded())

    def _read(self, path: str) -> Outline | None:  # noqa: ARG002
        return None


class _OnlyWhatWasAdded(Finder):
    def __init__(self) -> None:
        trace = Trace()
        super().__init__(None, (), trace, EmptyFolders(trace))

    def root_of(self, folder: str) -> str:
        return (folder, *parents(folder))[-1]

    def in_torch(self, path: str) -> bool:  # noqa: ARG002
        return False
