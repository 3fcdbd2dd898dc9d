"""The examples that the tests are derived from: fenced blocks in rule docstrings and in ``fixtures/*.md``.

``fixtures/README.md`` explains how such a page is written. What is wrong with a page itself (an unknown role,
a mistyped marker) is kept in ``Page.problems``, so that it fails one test and not the collection of all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

from torchlint.rules import all_rules

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "fixtures"
ROLES = ("bad", "good", "fixed", "proof", "verify", "project")

MODEL_ONLY = {rule.code for rule in all_rules() if rule.witnesses == ("model",)}
"""The rules that only a live model can show: their markers are for the reader, no source check finds them."""

_CODES = r"(?P<codes>TL\d{3}(?:[ ,]+TL\d{3})*)"
_TRAILING = re.compile(rf"\s*#\s*(?P<todo>todo:\s*)?{_CODES}\s*$")
_BELOW = re.compile(rf"^\s*#\s*(?P<carets>\^+)\s*(?P<todo>todo:\s*)?{_CODES}\s*$")
_SUPPRESSION = re.compile(r"#\s*(?:noqa|torchlint\s*:)", re.IGNORECASE)
_LOOKS_LIKE_A_MARKER = re.compile(r"#\s*(?:todo\b:?\s*)?TL\d{3}\b|^\s*#\s*\^+", re.IGNORECASE)
_FILE = re.compile(r"^# file: (?P<path>\S+)\s*$")
_HEADING = re.compile(r"^#{1,6} ")
_ASIDE = re.compile(r"^<!-- the live model differs: .+ -->$")
_FENCE = re.compile(r"^```(?P<language>\S*)(?: +(?P<role>.*\S))?\s*$")


class Columns(NamedTuple):
    """1-based, ``end`` exclusive."""

    start: int
    end: int


@dataclass(frozen=True)
class Marker:
    """A finding that the page promises, or with ``todo`` one that is known to be missing."""

    code: str
    line: int
    todo: bool = False
    columns: Columns | None = None


@dataclass(frozen=True)
class Block:
    """One fenced block: ``source`` is its code without the markers, whose lines are lines of ``source``."""

    page: str
    line: int
    role: str
    source: str
    markers: tuple[Marker, ...] = ()
    differs: bool = False

    @property
    def id(self) -> str:
        return f"{self.page}:{self.line}-{self.role}"

    @property
    def look(self) -> str:
        """A program that builds the models of the block and looks at them."""
        return f"{self.source}\nfrom live import look\nreport = look(globals())\n"

    @property
    def module_name(self) -> str:
        return re.sub(r"\W+", "_", self.id).lower()

    @property
    def expected(self) -> list[Marker]:
        """What is found in the source."""
        return [marker for marker in self.markers if not marker.todo and marker.code not in MODEL_ONLY]

    @property
    def codes(self) -> set[str]:
        """The rules that the block violates, whichever witness sees it."""
        return {marker.code for marker in self.markers if not marker.todo}


@dataclass(frozen=True)
class Project:
    """Consecutive ``project`` blocks: several files that are checked together."""

    page: str
    line: int
    files: tuple[tuple[str, Block], ...]

    @property
    def id(self) -> str:
        return f"{self.page}:{self.line}-project"


@dataclass(frozen=True)
class Proof:
    """A ``proof`` or ``verify`` block and a block above it that it is run behind."""

    block: Block
    proof: Block

    @property
    def id(self) -> str:
        return f"{self.block.id}-{self.proof.line}"

    @property
    def program(self) -> str:
        return f"{self.block.source}\n{self.proof.source}"

    @property
    def broken(self) -> bool:
        return self.block.role == "bad"


@dataclass(frozen=True)
class Case:
    """A ``bad`` block and what follows it, up to the next ``bad`` block or heading."""

    bad: Block
    following: tuple[Block, ...]

    @property
    def id(self) -> str:
        return self.bad.id

    @property
    def fixed(self) -> Block | None:
        return next((block for block in self.following if block.role == "fixed"), None)

    @property
    def proofs(self) -> list[Proof]:
        return self.run_behind("proof")

    @property
    def trials(self) -> list[Proof]:
        return self.run_behind("verify")

    def run_behind(self, role: str) -> list[Proof]:
        """Each block of this role with the ``bad`` block and with every ``fixed`` and ``good`` block between the two."""
        found = []
        blocks = [self.bad]
        for block in self.following:
            if block.role == role:
                found += [Proof(above, block) for above in blocks]
            elif block.role in ("good", "fixed"):
                blocks.append(block)
        return found


@dataclass
class Page:
    """The blocks of one docstring or fixture file, in order; ``sections`` are split at headings."""

    name: str
    code: str
    sections: list[list[Block]] = field(default_factory=list)
    projects: list[Project] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def blocks(self) -> list[Block]:
        return [block for section in self.sections for block in section]

    @property
    def cases(self) -> list[Case]:
        return [case for section in self.sections for case in _cases(section)]

    @property
    def in_docstring(self) -> bool:
        return not self.name.endswith(".md")


@cache
def pages() -> tuple[Page, ...]:
    """Every page: the docstring of each rule, then each fixture file."""
    docstrings = [parse_page(f"{rule.code}.docstring", rule.code, rule.page) for rule in all_rules()]
    files = [
        parse_page(path.name, path.stem, path.read_text(encoding="utf-8"))
        for path in sorted(FIXTURES.glob("*.md"))
        if path.name != "README.md"
    ]
    return (*docstrings, *files)


def parse_page(name: str, code: str, text: str) -> Page:
    """Read one page of Markdown."""
    page = Page(name, code, sections=[[]])
    project: list[Fence] = []
    for piece in _pieces(text, page.problems):
        if isinstance(piece, Fence) and piece.role == "project":
            project.append(piece)
            continue
        if isinstance(piece, Fence):
            page.sections[-1].append(_block(page, piece.line, piece.role, piece.text, piece.differs))
        else:
            page.sections.append([])
        _close_project(page, project)
    _close_project(page, project)
    page.sections = [section for section in page.sections if section]
    return page


class Fence(NamedTuple):
    line: int
    role: str
    text: str
    differs: bool = False


class Heading(NamedTuple):
    line: int


def _pieces(text: str, problems: list[str]) -> Iterator[Fence | Heading]:
    """The headings and the Python blocks with a role, in order."""
    lines = iter(enumerate(text.splitlines(), start=1))
    above = ""
    for number, line in lines:
        differs, above = bool(_ASIDE.match(above)), line or above
        if _HEADING.match(line):
            yield Heading(number)
        elif opening := _FENCE.match(line):
            body = []
            for _, inner in lines:
                if inner.rstrip() == "```":
                    break
                body.append(inner)
            else:
                problems.append(f"line {number}: the block is not closed")
            if opening["language"] == "python" and opening["role"] is not None:
                yield Fence(number, opening["role"], "".join(f"{inner}\n" for inner in body), differs)
            elif opening["language"].startswith(("python", "py")) and _has_marker(body):
                problems.append(f"line {number}: the block has markers but no role")
        elif line.lstrip().startswith("```"):
            problems.append(f"line {number}: the fence is indented")


def _has_marker(lines: list[str]) -> bool:
    return any(_TRAILING.search(line) or _BELOW.match(line) for line in lines)


def _block(page: Page, line: int, role: str, text: str, differs: bool = False) -> Block:
    if role not in ROLES:
        page.problems.append(f"line {line}: unknown role {role!r}, known are {', '.join(ROLES)}")
    source, markers = read_markers(text, page.problems, line)
    if role == "bad" and not markers:
        page.problems.append(f"line {line}: a bad block without a marker")
    if role in ("good", "fixed", "proof", "verify") and markers:
        page.problems.append(f"line {line}: a marker in a block that must be silent")
    return Block(page.name, line, role, source, markers, differs)


def _close_project(page: Page, fences: list[Fence]) -> None:
    if fences:
        files = tuple(
            (path, _block(page, line, "project", text)) for path, line, text in _files(fences, page.problems)
        )
        page.projects.append(Project(page.name, fences[0].line, files))
        fences.clear()


def _files(fences: list[Fence], problems: list[str]) -> list[tuple[str, int, str]]:
    """Path, line and text of each file; the ``# file:`` line itself stays, as the first line of the text."""
    files: list[tuple[str, int, str]] = []
    for fence in fences:
        if not _FILE.match(fence.text.partition("\n")[0]):
            problems.append(f"line {fence.line}: a project block must start with `# file: path`")
            continue
        for number, line in enumerate(fence.text.splitlines(keepends=True), start=fence.line):
            if found := _FILE.match(line):
                files.append((found["path"], number, ""))
            path, start, text = files[-1]
            files[-1] = (path, start, text + line)
    return files


def read_markers(text: str, problems: list[str], offset: int = 0) -> tuple[str, tuple[Marker, ...]]:
    """The code without its markers, and the markers."""
    source: list[str] = []
    markers: list[Marker] = []
    for number, line in enumerate(text.splitlines(), start=offset + 1):
        if below := _BELOW.match(line):
            columns = _columns(below, source[-1] if source else "")
            markers += (Marker(code, len(source), bool(below["todo"]), columns) for code in _split(below))
            continue
        while trailing := _TRAILING.search(line):
            markers += (Marker(code, len(source) + 1, bool(trailing["todo"])) for code in _split(trailing))
            line = line[: trailing.start()]
        source.append(line)
        if _LOOKS_LIKE_A_MARKER.search(line) and not _SUPPRESSION.search(line):
            problems.append(f"line {number}: not a marker, but it looks like one: {line.strip()}")
    return "".join(f"{line}\n" for line in source), tuple(markers)


def _split(found: re.Match[str]) -> list[str]:
    return re.findall(r"TL\d{3}", found["codes"])


def _columns(below: re.Match[str], above: str) -> Columns | None:
    """The span under which the carets stand; a single caret means the whole line above."""
    if len(below["carets"]) == 1:
        return None
    start = below.start("carets")
    return Columns(start + 1, min(below.end("carets"), len(above.rstrip())) + 1)


def _cases(section: list[Block]) -> Iterator[Case]:
    starts = [number for number, block in enumerate(section) if block.role == "bad"]
    ends = [*starts, len(section)][1:]
    for start, end in zip(starts, ends, strict=True):
        yield Case(section[start], tuple(section[start + 1 : end]))


def all_blocks(*roles: str) -> list[Block]:
    return [block for page in pages() for block in page.blocks if block.role in roles]


def all_cases() -> list[Case]:
    return [case for page in pages() for case in page.cases]


def all_proofs() -> list[Proof]:
    return [proof for case in all_cases() for proof in case.proofs]


def all_trials() -> list[Proof]:
    return [trial for case in all_cases() for trial in case.trials]


REGISTRATION = {"HiddenModule", "HiddenParameter", "HiddenTensor", "DerivedTensor"}


def all_looks() -> list[Block]:
    """The blocks of the rules on what a model keeps: it shows by itself, without being called."""
    codes = {rule.code for rule in all_rules() if REGISTRATION & rule.trials.keys()}
    found = (block for page in pages() if page.code in codes for block in page.blocks)
    return [block for block in found if block.role in ("bad", "good", "fixed") and not block.differs]


def all_projects() -> list[Project]:
    return [project for page in pages() for project in page.projects]
