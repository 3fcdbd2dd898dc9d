"""Comments that silence findings: ``# noqa: TL001`` as flake8 reads it, ``# torchlint: ignore[TL001] why``.

A ``# noqa`` counts on the line where flake8 prints the finding. Our own comment counts on the first or last
line of the finding or of its statement, which is where a formatter may move it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, cached_property
from itertools import pairwise

from torchlint.comments import Comment, Layout
from torchlint.config import ALWAYS_ON
from torchlint.diagnostic import Diagnostic, Edit, Position, Range
from torchlint.record import Record
from torchlint.rule import Rule
from torchlint.rules import all_rules

SUBJECT = "Suppression"

# A comment may hold several directives, each behind its own "#"; the "#" of "see #12" does not start one.
_PART = re.compile(r"#(?=\s|noqa|torchlint|$)", re.IGNORECASE)
_SEPARATOR = re.compile(r"[,\s]+")
_WORD = re.compile(r"[^,\s]+")

# The expression of flake8 itself, so that both agree on what a comment means.
_FLAKE8_NOQA = re.compile(r"# noqa(?::[\s]?(?P<codes>([A-Z]+[0-9]+(?:[,\s]+)?)+))?", re.IGNORECASE)
_ANY_NOQA = re.compile(r"#\s*noqa", re.IGNORECASE)
_NOQA_TARGET = re.compile(r"[\s:,]*(?P<target>TL[\s_-]?\d+|[a-z][\w-]*)", re.IGNORECASE)
_CODE_LIKE = re.compile(r"TL[\s_-]?\d", re.IGNORECASE)

_TORCHLINT = re.compile(r"#\s*torchlint\s*:\s*(?P<verb>[\w-]*)", re.IGNORECASE)
_BRACKETS = re.compile(r"\s*\[(?P<entries>[^\]]*)\]")

_KEYWORD = re.compile(r"(?:noqa|torchlint)[^\r\n]*")


class Entry(Record):
    """One code or name in a directive. ``codes`` are the rules it silences: none where it is not ours."""

    text: str
    start: int
    codes: frozenset[str] = frozenset()

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class Problem(Record):
    """Why a directive, or a part of it, does not do what its author meant, and what to write instead."""

    range: Range
    message: str


class Suppression(Record):
    """One directive of a comment: ``# noqa...`` or ``# torchlint: ...``.

    ``start`` and ``end`` bound the directive in the comment, up to where the next one starts; the author's
    reason begins at ``reason``. ``unused`` holds the entries that silenced nothing although their rules ran.
    """

    comment: Comment
    kind: str
    start: int
    reason: int
    end: int
    entries: tuple[Entry, ...] = ()
    blanket: bool = False
    problems: tuple[Problem, ...] = ()
    unused: tuple[Entry, ...] = ()

    @property
    def range(self) -> Range:
        return self.comment.range(self.start, self.start + len(self.text))

    @property
    def text(self) -> str:
        return self.comment.text[self.start : self.reason].rstrip()

    @property
    def line(self) -> int:
        return self.comment.start.line

    def place_of(self, entry: Entry) -> Position:
        return self.comment.range(entry.start, entry.end).start

    def silences(self, code: str) -> bool:
        return self.blanket or any(code in entry.codes for entry in self.entries)

    def removal(self) -> Edit:
        """The edit that takes out the unused entries, and the whole directive where no entry is left."""
        kept = [entry.text for entry in self.entries if entry not in self.unused]
        if not kept:
            return self._removal_of_directive()
        first, last = self.entries[0], self.entries[-1]
        separator = _SEPARATOR.search(self.comment.text, first.end, last.start)
        content = (separator[0] if separator else ",").join(kept)
        return Edit(self.comment.range(first.start, last.end), content)

    def _removal_of_directive(self) -> Edit:
        comment = self.comment
        # What follows the codes of a noqa may be a remark of its own; behind our brackets it is the reason.
        remark = comment.text[self.reason : self.end].lstrip(" \t,:-") if self.kind == "noqa" else ""
        if remark:
            return Edit(comment.range(self.start, self.end - len(remark)), "# ")
        if self.end < len(comment.text):
            return Edit(comment.range(self.start, self.end), "")
        if self.start:
            return Edit(comment.range(len(comment.text[: self.start].rstrip()), self.end), "")
        if comment.stands_alone:
            return Edit(Range(Position(self.line, 1), Position(self.line + 1, 1)), "")
        return Edit(Range(Position(self.line, len(comment.code.rstrip()) + 1), comment.end), "")


class Vocabulary:
    """The codes and names that a suppression may use."""

    def __init__(self, code_by_name: dict[str, str]) -> None:
        self.code_by_name = code_by_name

    @cached_property
    def codes(self) -> frozenset[str]:
        return frozenset(self.code_by_name.values())

    def nearest(self, text: str) -> str | None:
        """What the author probably meant by ``text``."""
        if _CODE_LIKE.match(text):
            return self._nearest_code(text)
        return _closest(text.lower().replace("_", "-"), self.code_by_name)

    def _nearest_code(self, text: str) -> str | None:
        digits = re.sub(r"\D", "", text)
        for code in (f"TL{digits}", f"TL{digits:0>3}"):
            if code in self.codes:
                return code
        return _closest(f"TL{digits}", sorted(self.codes))

    def code_for(self, text: str) -> str | None:
        """The code that ``text`` names, in whatever spelling, or ``None`` where it is not about this tool."""
        name = text.lower().replace("_", "-")
        if name in self.code_by_name:
            return self.code_by_name[name]
        return self.nearest(text) if _CODE_LIKE.match(text) else None

    def with_prefix(self, prefix: str) -> frozenset[str]:
        return frozenset(code for code in self.codes if code.startswith(prefix))


def _closest(text: str, words: Iterable[str]) -> str | None:
    import difflib  # only for a mistake

    return next(iter(difflib.get_close_matches(text, words, n=1)), None)


@cache
def vocabulary() -> Vocabulary:
    return Vocabulary({rule.name: rule.code for rule in all_rules()})


def apply(
    text: str, diagnostics: Sequence[Diagnostic], enabled: Callable[[str], bool], path: str
) -> list[Diagnostic]:
    """Drop the diagnostics that a comment in ``text`` silences, and report comments that are of no use.

    ``enabled`` says of a code whether its rule ran on this file. A file that was not checked to the end says
    nothing about unused suppressions.
    """
    if not _worth_reading(text, diagnostics):
        return list(diagnostics)
    layout = Layout.of(text)
    suppressions = list(read_suppressions(layout))
    used: set[Position] = set()
    surviving = [each for each in diagnostics if not _silenced(each, suppressions, layout, used)]
    complete = not any(each.code == ALWAYS_ON for each in diagnostics)
    subjects = _with_unused(suppressions, used, enabled) if complete else suppressions
    own = _own_findings(subjects, enabled, path)
    return surviving + [each for each in own if not _silenced(each, suppressions, layout, set())]


def _worth_reading(text: str, diagnostics: Sequence[Diagnostic]) -> bool:
    """Whether any comment can matter: splitting a file into tokens costs more than most rules."""
    mentions = _KEYWORD.findall(text.lower())
    return bool(mentions and diagnostics) or any(_mentions_us(mention) for mention in mentions)


def _mentions_us(mention: str) -> bool:
    if mention.startswith("torchlint") or _CODE_LIKE.search(mention):
        return True
    spelling = mention.replace("_", "-")
    return any(name in spelling for name in vocabulary().code_by_name)


def read_suppressions(layout: Layout) -> Iterator[Suppression]:
    """The directives of all comments, in the order of the text."""
    for comment in layout.comments:
        parts = [0, *(part.start() for part in _PART.finditer(comment.text, 1)), len(comment.text)]
        seen_noqa = False
        for start, end in pairwise(parts):
            if _ANY_NOQA.match(comment.text, start, end):
                yield _read_noqa(comment, start, end, seen_noqa)
                seen_noqa = seen_noqa or bool(_FLAKE8_NOQA.match(comment.text, start, end))
            elif _TORCHLINT.match(comment.text, start, end):
                yield _read_own(comment, start, end, layout)


def _read_noqa(comment: Comment, start: int, end: int, repeated: bool) -> Suppression:
    match = _FLAKE8_NOQA.match(comment.text, start, end)
    if match is None or repeated:
        return _read_dead_noqa(comment, start, end, repeated)
    found = Suppression(comment, "noqa", start, match.end(), end)
    if match["codes"] is None:
        target = _noqa_target(comment, match.end(), end)
        problems = () if target is None else (_blanket_by_mistake(comment, start, target),)
        return found._replace(blanket=True, problems=problems)
    return _read_codes(found, match.start("codes"))


def _read_codes(found: Suppression, start: int) -> Suppression:
    """The entries of a noqa that names codes."""
    comment = found.comment
    known = vocabulary()
    entries: list[Entry] = []
    problems: list[Problem] = []
    for word in _WORD.finditer(comment.text, start, found.reason):
        code = word[0]
        codes = known.with_prefix(code) - {ALWAYS_ON}
        entries.append(Entry(code, word.start(), codes))
        if not codes and _CODE_LIKE.match(code):
            problems.append(_unknown(comment.range(*word.span()), code, known))
    target = _noqa_target(comment, found.reason, found.end)
    # "# noqa: TL001 module-in-plain-container" says the name as its reason, and works.
    if target is not None and not any(known.code_for(target[0]) in entry.codes for entry in entries):
        problems.append(_name_after_codes(comment, target, known))
    return found._replace(entries=tuple(entries), problems=tuple(problems))


def _read_dead_noqa(comment: Comment, start: int, end: int, repeated: bool) -> Suppression:
    """A noqa that flake8 does not read: ``#noqa`` without the space, or a second one on the line."""
    match = _ANY_NOQA.match(comment.text, start, end)
    assert match is not None
    found = Suppression(comment, "noqa", start, match.end(), end)
    target = _noqa_target(comment, match.end(), end)
    if target is None:
        return found
    written = comment.text[start : target[1]]
    why = (
        "flake8 reads only the first `# noqa` of a line"
        if repeated
        else "flake8 wants exactly one space between `#` and `noqa`"
    )
    message = f"`{written}` silences nothing: {why}; {_say_noqa(target[0])}"
    return found._replace(problems=(Problem(comment.range(start, target[1]), message),))


def _noqa_target(comment: Comment, start: int, end: int) -> tuple[str, int] | None:
    """The rule that the text behind ``noqa`` names first, and where that name ends."""
    match = _NOQA_TARGET.match(comment.text, start, end)
    if match is None or vocabulary().code_for(match["target"]) is None:
        return None
    return match["target"], match.end()


def _say_noqa(target: str) -> str:
    return f"write `# noqa: {vocabulary().code_for(target)}`"


def _blanket_by_mistake(comment: Comment, start: int, target: tuple[str, int]) -> Problem:
    written = comment.text[start : target[1]]
    why = "silences every tool on this line, because flake8 reads no code in it"
    return Problem(comment.range(start, target[1]), f"`{written}` {why}; {_say_noqa(target[0])}")


def _name_after_codes(comment: Comment, target: tuple[str, int], known: Vocabulary) -> Problem:
    text, end = target
    why = "silences nothing in a `# noqa`, where flake8 reads only codes"
    return Problem(comment.range(end - len(text), end), f"`{text}` {why}; write `{known.code_for(text)}`")


def _unknown(place: Range, text: str, known: Vocabulary) -> Problem:
    if known.code_by_name.get(text, text) == ALWAYS_ON:
        return Problem(place, f"`{text}` cannot be suppressed: the file was not checked")
    nearest = known.nearest(text)
    advice = f"the nearest is `{nearest}`" if nearest else "`torchlint rules` lists them"
    return Problem(place, f"`{text}` names no rule and silences nothing; {advice}")


def _read_own(comment: Comment, start: int, end: int, layout: Layout) -> Suppression:
    """A ``# torchlint: ...`` directive."""
    directive = _TORCHLINT.match(comment.text, start, end)
    assert directive is not None
    kind = directive["verb"].lower()
    brackets = _BRACKETS.match(comment.text, directive.end(), end)
    found = Suppression(comment, kind, start, brackets.end() if brackets else directive.end(), end)
    problem = _problem_of_form(found, brackets, layout)
    if problem is not None or brackets is None:
        return found._replace(problems=(problem,) if problem else ())
    return _read_entries(found, *brackets.span("entries"))


def _problem_of_form(found: Suppression, brackets: re.Match[str] | None, layout: Layout) -> Problem | None:
    message = _form_message(found, bool(brackets and brackets["entries"].strip(" \t,")), layout)
    return Problem(found.range, f"`{found.text}` {message}") if message else None


def _form_message(found: Suppression, names_something: bool, layout: Layout) -> str:
    in_header = found.comment.stands_alone and found.line < layout.first_statement
    if found.kind not in ("ignore", "ignore-file"):
        return "is no directive of torchlint; write `# torchlint: ignore[CODE] reason`"
    if not names_something:
        return f"names no rule and silences nothing; write `# torchlint: {found.kind}[CODE] reason`"
    if found.kind == "ignore-file" and not in_header:
        return "silences nothing here; it belongs on a line of its own above the first statement"
    if found.kind == "ignore" and found.comment.stands_alone:
        instead = ", or use `ignore-file`" if in_header else ""
        return f"silences nothing on a line of its own; put it behind the code of the finding{instead}"
    return ""


def _read_entries(found: Suppression, start: int, end: int) -> Suppression:
    comment = found.comment
    known = vocabulary()
    entries: list[Entry] = []
    problems: list[Problem] = []
    for word in _WORD.finditer(comment.text, start, end):
        code = known.code_by_name.get(word[0], word[0])
        usable = code in known.codes and code != ALWAYS_ON
        entries.append(Entry(word[0], word.start(), frozenset({code} if usable else ())))
        if not usable:
            problems.append(_unknown(comment.range(*word.span()), word[0], known))
    return found._replace(entries=tuple(entries), problems=tuple(problems))


def _silenced(
    diagnostic: Diagnostic, suppressions: Iterable[Suppression], layout: Layout, used: set[Position]
) -> bool:
    """Whether a comment silences ``diagnostic``; every entry that does is noted in ``used``."""
    if diagnostic.code == ALWAYS_ON:
        return False
    hit = False
    for each in suppressions:
        # A mistaken blanket would hide the very report that it is a mistake.
        about_itself = each.blanket and diagnostic.range in {problem.range for problem in each.problems}
        if each.silences(diagnostic.code) and not about_itself and _reaches(each, diagnostic.range, layout):
            hit = True
            used.update(each.place_of(entry) for entry in each.entries if diagnostic.code in entry.codes)
    return hit


def _reaches(suppression: Suppression, place: Range, layout: Layout) -> bool:
    if suppression.kind == "ignore-file":
        return True
    first = place.start.line
    if suppression.kind == "noqa":
        start, end = layout.physical_lines(first)
        return start <= suppression.line <= end
    # A range that ends at the first column of a line ends on the line before.
    last = place.end.line - (place.end.column == 1 and place.end.line > first)
    return suppression.line in (first, last, *layout.statement_lines(first))


def _with_unused(
    suppressions: Sequence[Suppression], used: set[Position], enabled: Callable[[str], bool]
) -> list[Suppression]:
    about_comments = {rule.code for rule in _comment_rules()}

    def is_unused(owner: Suppression, entry: Entry) -> bool:
        # A rule that did not run might have found something: its suppression stays.
        ran = bool(entry.codes) and all(enabled(code) for code in entry.codes)
        return ran and owner.place_of(entry) not in used and not entry.codes & about_comments

    return [
        each._replace(unused=tuple(entry for entry in each.entries if is_unused(each, entry)))
        for each in suppressions
    ]


@cache
def _comment_rules() -> tuple[Rule, ...]:
    return tuple(rule for rule in all_rules() if rule.subject == SUBJECT)


def _own_findings(
    suppressions: Iterable[Suppression], enabled: Callable[[str], bool], path: str
) -> Iterator[Diagnostic]:
    rules = [rule for rule in _comment_rules() if enabled(rule.code)]
    for suppression in suppressions:
        for rule in rules:
            for finding in rule.check(suppression):
                yield Diagnostic(rule.code, rule.name, rule.severity, path, finding)
