"""What there is in a file and what the screen leaves of it, counted for ``--stats``."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import accumulate
from operator import is_

from torchlint.screen import Screened, everything, screen
from torchlint.subjects import SUBJECTS, Rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.source import Source
    from torchlint.project.index import Project
    from torchlint.project.outline import Outline
    from torchlint.stopwatch import Clock


def import_model() -> None:
    """All of it at once, so that no file seems slow because it is the first to need a part."""
    for subject in SUBJECTS.values():
        subject.find()


class Census:
    """Counts in one file."""

    def __init__(self, clock: Clock, source: Source, outline: Outline) -> None:
        self._clock = clock
        self._outline = outline
        sizes = (len(line.encode("utf-8", "surrogatepass")) for line in source.lines)
        self._ends = [0, *accumulate(sizes)]

    def take(self, project: Project, rules: Rules, wanted: Screened) -> None:
        """Count the modules, and the candidates of each subject and rule; ``wanted`` are those of all ``rules``."""
        self._modules(project, rules)
        for subject in SUBJECTS:
            sharing = rules.about(subject)
            if sharing:
                self._candidates(subject, subject, wanted)
            for rule in sharing:
                # The screen has one answer for all rules with the same subject: ask once more, for each alone.
                alone = (
                    screen(self._outline, project, Rules(partial(is_, rule))) if len(sharing) > 1 else wanted
                )
                self._candidates(subject, rule.code, alone)
        self._count("statements", len(wanted.statements), self._of_statements(wanted.statements))

    def _modules(self, project: Project, rules: Rules) -> None:
        names = everything(self._outline, project, rules).given
        if names:
            self._count("files with a Module", 1, self._ends[-1])
            self._count("Modules", len(names), self._of_classes(names))

    def _candidates(self, subject: str, of: str, wanted: Screened) -> None:
        if subject in wanted.places:
            places = wanted.places[subject]
            self._count(of, len(places), self._of_statements(places))
        else:
            names = wanted.classes.get(subject, [])
            self._count(of, len(names), self._of_classes(names))

    def _count(self, of: str, number: int, size: int) -> None:
        self._clock.count("number", of, number)
        self._clock.count("bytes", of, size)

    def _of_classes(self, names: Iterable[str]) -> int:
        found = (self._outline.classes[name] for name in names)
        return sum(self._ends[cls.last] - self._ends[cls.first - 1] for cls in found)

    def _of_statements(self, indices: Iterable[int]) -> int:
        found = (self._outline.statements[index] for index in indices)
        return sum(self._ends[span.last] - self._ends[span.first - 1] for span in found)
