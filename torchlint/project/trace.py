"""What answers were drawn from: the files that were read, the folders that were looked into, the questions asked.

Answers are remembered, so each remembered answer keeps what its first search touched, as the bits of a number;
whoever gets the answer again gets these bits along. Nothing is written down unless the trace is ``recording``.
"""

from __future__ import annotations

import os

from torchlint.record import Record

Asker = tuple[str, str]
"""On whose behalf a question is asked: the root of the project, and the file."""

ABSENT, FOLDER = "-", "/"

WHOLE = "*"
"""The name under which a listing stands that was looked at as a whole."""


class State(Record):
    """What was at a path: the digest of a file, a folder (``/``), or nothing that can be read (``-``)."""

    digest: str
    size: int = 0
    mtime: int = -1


class Notes(Record):
    """What a process learnt since it was last asked; paths are as :meth:`Trace.short` gives them.

    ``probes`` are names looked for in folders with what they were; ``drawn`` are the paths that the answers to an
    asker come from; ``looked`` are the files whose source its model took part in. The answers to a ``broken``
    asker are not complete; ``roots`` are the roots of the files that are checked; ``outlines`` were made, each with
    a key. Where the world ``moved``, nothing of this holds together.
    """

    states: dict[str, State]
    probes: dict[str, dict[str, str]]
    asked: dict[Asker, dict[str, str]]
    drawn: dict[Asker, list[str]]
    looked: dict[Asker, list[str]]
    broken: list[Asker]
    roots: dict[str, str]
    outlines: dict[str, tuple[str, str]]
    moved: bool


def _no_notes() -> Notes:
    return Notes({}, {}, {}, {}, {}, [], {}, {}, False)


def digest(content: bytes) -> str:
    """The name of some content."""
    import hashlib  # here, because a run without changes needs none

    return hashlib.sha256(content).hexdigest()[:32]


def kind_of(is_folder: bool | None) -> str:
    """How a name in a folder is written down."""
    return ABSENT if is_folder is None else FOLDER if is_folder else "f"


def whole(entries: dict[str, bool]) -> str:
    """How a listing is written down of which all Python files and folders count."""
    names = sorted(
        f"{name}/" if folder else name for name, folder in entries.items() if folder or name.endswith(".py")
    )
    ours = (name for name in names if name != "__pycache__/" and not name.startswith("."))
    return digest("\0".join(ours).encode("utf-8", "surrogateescape"))


def shortened(path: str, base: str) -> str:
    """``path`` relative to ``base``, which ends with a slash."""
    if path.startswith(base):
        path = path[len(base) :]
    elif path + os.sep == base:
        path = "."
    return path if os.sep == "/" else path.replace(os.sep, "/")


class Trace:
    """``base`` is the folder that paths below it are written relative to; without one, nothing is recorded."""

    def __init__(self, base: str | None = None) -> None:
        self.recording = base is not None
        self.touched = 0
        self._base = os.path.join(base or "", "")
        self._bits: dict[str, int] = {}
        self._paths: list[str] = []
        self._masks: dict[int, int] = {}
        self._states: dict[str, State] = {}
        self._sent: dict[Asker, int] = {}
        self._seen_by: dict[Asker, set[str]] = {}
        self._news = _no_notes()

    # -- what is touched -----------------------------------------------------------------------------------------

    def short(self, path: str) -> str:
        """``path`` relative to the base where it is below, with ``/`` between folders."""
        return shortened(path, self._base)

    def bit(self, path: str) -> int:
        """The bit that stands for ``path``; none where nothing is recorded, as joining large numbers takes time."""
        if not self.recording:
            return 0
        known = self._bits.get(path)
        if known is None:
            known = self._bits[path] = 1 << len(self._paths)
            self._paths.append(self.short(path))
        return known

    def begin(self, touched: int = 0) -> int:
        """Start on an answer, which ``touched`` something already; what is returned goes to :meth:`end`."""
        outer = self.touched
        self.touched = touched
        return outer

    def end(self, outer: int) -> int:
        """What the answer touched, to be kept with it."""
        mine = self._masks.setdefault(self.touched, self.touched)
        self.touched = mine | outer
        return mine

    # -- what is seen ----------------------------------------------------------------------------------------------

    def read(self, path: str) -> bytes:
        """The content of a file."""
        self.touched |= self.bit(path)
        try:
            with open(path, "rb", buffering=0) as file:  # all of it is read at once
                status = os.fstat(file.fileno()) if self.recording else None
                content = file.read()
        except OSError:
            self._saw(path, State(ABSENT))
            raise
        if status is not None:
            self._saw(path, State(digest(content), status.st_size, status.st_mtime_ns))
        return content

    def folder(self, path: str, mtime: int, linked: bool) -> None:
        """There is a folder, last changed at ``mtime``; that says little where it has links (``linked``)."""
        self._saw(path, State(FOLDER, int(linked), mtime))

    def nothing(self, path: str) -> None:
        """There is no folder that could be listed."""
        self._saw(path, State(ABSENT))

    def _saw(self, path: str, state: State) -> None:
        if not self.recording:
            return
        text = self.short(path)
        before = self._states.setdefault(text, state)
        if before.digest != state.digest:
            self.move()
        elif before is state:
            self._news.states[text] = state

    def probe(self, folder: str, name: str, kind: str) -> None:
        """The entry ``name`` of a folder was looked for, and is of this kind."""
        if self.recording:
            self._news.probes.setdefault(self.short(folder), {})[name] = kind

    def move(self) -> None:
        """The world changed while it was looked at."""
        if self.recording:
            self._news = self._news._replace(moved=True)

    # -- what is asked -------------------------------------------------------------------------------------------

    def asked(self, asker: Asker, question: str, answer: str, touched: int) -> None:
        """``asker`` got ``answer`` to ``question``, which was drawn from what is ``touched``."""
        self._news.asked.setdefault(asker, {})[question] = answer
        self.drawn(asker, touched)

    def drawn(self, asker: Asker, touched: int) -> None:
        """What ``asker`` was told was drawn from what is ``touched``."""
        sent = self._sent.get(asker, 0)
        fresh = touched & ~sent
        if fresh:
            self._sent[asker] = sent | touched
            self._news.drawn.setdefault(asker, []).extend(self._named(fresh))

    def _named(self, mask: int) -> list[str]:
        """The paths whose bits are set."""
        found = []
        while mask:
            lowest = mask & -mask
            found.append(self._paths[lowest.bit_length() - 1])
            mask ^= lowest
        return found

    def looked(self, asker: Asker, path: str) -> None:
        """The model of the asker's file looked into the source of another."""
        if not self.recording:
            return
        seen = self._seen_by.setdefault(asker, set())
        short = self.short(path)
        if short not in seen:
            seen.add(short)
            self._news.looked.setdefault(asker, []).append(short)

    def rooted(self, path: str, root: str, touched: int) -> None:
        """The root of a file that is checked, found from what is ``touched``."""
        if self.recording:
            asker = (self.short(root), self.short(path))
            self._news.roots[asker[1]] = asker[0]
            self.drawn(asker, touched)

    def outlined(self, path: str, key: str, body: str) -> None:
        """An outline was made, and is kept under a key."""
        self._news.outlines[path] = (key, body)

    def broken(self, asker: Asker) -> None:
        """A question of ``asker`` was not answered."""
        self._news.broken.append(asker)

    def news(self) -> Notes:
        """What was noted since this was last called."""
        news = self._news
        self._news = _no_notes()
        return news
