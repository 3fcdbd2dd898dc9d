"""The report for people: what goes wrong where, the other places that explain it, and the way out."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.report.style import Style
from torchlint.report.summary import conclusion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.run import Result


def render(result: Result, style: Style) -> str:
    blocks = [*_blocks(result, style)] if result.diagnostics else []
    if not style.quiet:
        blocks.append(f"{conclusion(result, style)}\n")
    return "".join(blocks)


def _blocks(result: Result, style: Style) -> Iterator[str]:
    from torchlint.model.source import Source
    from torchlint.report.block import Block  # here, because most runs find nothing

    sources: dict[str, Source] = {}
    for diagnostic in result.diagnostics:
        path = diagnostic.path
        source = sources.setdefault(path, Source(path, result.text_of(path)))
        yield "\n".join(Block(diagnostic, source, result, style).lines()) + "\n\n"
