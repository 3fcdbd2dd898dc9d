"""One line per finding: ``src/model.py:9:9: TL001 [*] message``, with ``[*]`` for what ``--fix`` mends."""

from __future__ import annotations

from torchlint.report.style import Style
from torchlint.report.summary import conclusion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.diagnostic import Diagnostic
    from torchlint.run import Result


def render(result: Result, style: Style) -> str:
    lines = [line(diagnostic, result, style) for diagnostic in result.diagnostics]
    if not style.quiet:
        lines.append(conclusion(result, style))
    return "".join(f"{line}\n" for line in lines)


def line(diagnostic: Diagnostic, result: Result, style: Style) -> str:
    separator = style.paint(":", "cyan")
    start = diagnostic.range.start
    place = separator.join((style.paint(diagnostic.path, "bold"), str(start.line), str(start.column), ""))
    mark = f" [{style.paint('*', 'cyan')}]" if result.applicable(diagnostic) else ""
    message = " ".join(diagnostic.message.split())
    return f"{place} {style.paint(diagnostic.code, 'bold', 'red')}{mark} {message}"
