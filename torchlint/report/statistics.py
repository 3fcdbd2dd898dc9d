"""How often each rule reported, for ``--statistics``."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from torchlint.report import json
from torchlint.report.style import Style
from torchlint.report.summary import conclusion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchlint.run import Result


@dataclass(frozen=True)
class _Count:
    code: str
    name: str
    count: int
    fixable: int


def render(output_format: str, result: Result, style: Style) -> str:
    """The counts as JSON where that is the format of the report, else a table."""
    return _as_json(result) if output_format == "json" else _as_table(result, style)


def _as_table(result: Result, style: Style) -> str:
    """The most frequent rule first; ``[*]`` where ``--fix`` mends all of its findings, ``[-]`` some."""
    counts = _counts(result)
    width = max((len(str(each.count)) for each in counts), default=0)
    lines = [
        f"{each.count:>{width}}  {style.paint(each.code, 'bold', 'red')}  [{_mark(each)}]  {each.name}"
        for each in counts
    ]
    if not style.quiet:
        lines.append(conclusion(result, style))
    return "".join(f"{line}\n" for line in lines)


def _as_json(result: Result) -> str:
    rows: list[dict[str, Any]] = [
        {"code": each.code, "name": each.name, "count": each.count, "fixable": each.fixable}
        for each in _counts(result)
    ]
    return json.document({"statistics": rows}, result)


def _counts(result: Result) -> list[_Count]:
    found = Counter((each.code, each.name) for each in result.diagnostics)
    fixable = Counter(each.code for each in result.diagnostics if result.applicable(each))
    counts = [_Count(code, name, number, fixable[code]) for (code, name), number in found.items()]
    return sorted(counts, key=lambda each: (-each.count, each.code))


def _mark(each: _Count) -> str:
    if not each.fixable:
        return " "
    return "*" if each.fixable == each.count else "-"
