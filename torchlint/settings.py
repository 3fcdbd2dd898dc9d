"""Where settings are read from: ``[tool.torchlint]`` of a ``pyproject.toml``, or a ``torchlint.toml``.

The file nearest to the checked file counts, and no other: settings are not merged over folders. Everything
wrong with a settings file raises :class:`ConfigError`, which names the file, the line where it is known, and
the nearest name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping

from torchlint.config import ALWAYS_ON, FILE_NAMES, FORMATS, Config, Selection, compiled
from torchlint.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PREFIX = r"TL\d{0,2}"
_HEADER = r"\s*\[[^=]*\]\s*(?:#.*)?$"
_OUR_HEADER = r"\s*\[\s*tool\s*\.\s*[\"']?torchlint\b"


class ConfigError(Exception):
    """Settings that cannot be used. The text is for the user, in one line."""


class Overrides(Record):
    """What the command line says about settings, over those of any file."""

    selection: Selection = Selection()
    preview: bool | None = None
    unsafe_fixes: bool | None = None

    def over(self, config: Config) -> Config:
        return config._replace(
            command_line=self.selection,
            preview=config.preview if self.preview is None else self.preview,
            unsafe_fixes=config.unsafe_fixes if self.unsafe_fixes is None else self.unsafe_fixes,
        )


class Settings:
    """Answers which :class:`Config` is in force for a file or folder, reading each settings file once.

    ``config_file`` replaces the search, and its patterns are relative to the working directory; ``isolated``
    reads no file.
    """

    def __init__(
        self, overrides: Overrides | None = None, *, config_file: str | None = None, isolated: bool = False
    ) -> None:
        self._overrides = overrides or Overrides()
        self._known: dict[str, Config] = {}
        self._as_written: dict[str, Config] = {}
        self._forced: Config | None = None
        if config_file is not None:
            self._forced = self._overrides.over(read(config_file, root=os.getcwd()))
        elif isolated:
            self._forced = self._overrides.over(Config(root=os.getcwd()))

    def of_file(self, path: str) -> Config:
        return self.of_folder(os.path.dirname(path))

    def of_folder(self, folder: str) -> Config:
        if self._forced is not None:
            return self._forced
        config = self._as_written.get(folder)
        if config is None:
            # `..` behind a link means what the user sees.
            config = self._as_written[folder] = self._of_absolute(os.path.abspath(folder))
        return config

    def _of_absolute(self, folder: str) -> Config:
        config = self._known.get(folder) or self._in_folder(folder)
        if config is None:
            parent = os.path.dirname(folder)
            default = self._overrides.over(Config(root=os.getcwd()))
            config = self._of_absolute(parent) if parent != folder else default
        self._known[folder] = config
        return config

    def _in_folder(self, folder: str) -> Config | None:
        for file in (os.path.join(folder, name) for name in FILE_NAMES):
            if os.path.isfile(file) and (table := _table(file)) is not None:
                return self._overrides.over(_configure(file, table, root=folder))
        return None


def read(path: str, *, root: str) -> Config:
    """The settings in the file that the user named."""
    table = _table(path)
    if table is None:
        raise ConfigError(f"{_shown(path)}: has no table [tool.torchlint]")
    return _configure(path, table, root=root)


def check_selectors(selectors: Iterable[str], source: str) -> None:
    """Raise for a selector that means no rule. ``source`` says where the selectors stand."""
    for selector in selectors:
        if problem := _selector_problem(selector):
            raise ConfigError(f"{source}: {problem}")


def is_live_only(selector: str) -> bool:
    """Whether a selector names a rule that no source can break."""
    if selector in ("ALL", "TL"):
        return False
    from torchlint.rules import all_rules

    return any(selector in (rule.code, rule.name) and "source" not in rule.witnesses for rule in all_rules())


def check_ignorable(selectors: Iterable[str], source: str) -> None:
    """Raise for an attempt to switch off the report of files that could not be checked."""
    if ALWAYS_ON in selectors or "file-not-checked" in selectors:
        raise ConfigError(
            f"{source}: {ALWAYS_ON} cannot be ignored; leave the file out with `exclude` instead"
        )


def check_patterns(patterns: tuple[str, ...], source: str) -> None:
    try:
        if patterns:
            compiled(patterns)
    except ValueError as error:
        raise ConfigError(f"{source}: not a pattern: {error}") from None


def suggestion(word: str, known: Iterable[str]) -> str:
    """``; did you mean `x`?``, or nothing where no known name is near."""
    import difflib  # here, because most runs make no suggestion

    by_folded = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower().replace("_", "-"), by_folded, n=1)
    return f"; did you mean `{by_folded[near[0]]}`?" if near else ""


def _selector_problem(selector: str) -> str | None:
    # Reading the catalogue imports every rule; the usual selectors are known good without it.
    if selector in ("ALL", "TL", ALWAYS_ON):
        return None
    import re

    from torchlint.rules import all_rules

    codes = [rule.code for rule in all_rules()]
    names = [rule.name for rule in all_rules()]
    if selector in codes or selector in names:
        return None
    if re.fullmatch(_PREFIX, selector) and any(code.startswith(selector) for code in codes):
        return None
    return f"unknown rule `{selector}`{suggestion(selector, [*codes, *names])}"


def _shown(path: str) -> str:
    """The path as the user would write it from here."""
    from pathlib import Path

    try:
        return Path(path).resolve().relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError):
        return path


def _table(path: str) -> dict[str, Any] | None:
    """The settings in a TOML file; ``None`` for a ``pyproject.toml`` that is not about torchlint."""
    content = _content(path)
    is_shared = os.path.basename(path) == "pyproject.toml"
    if is_shared and not _may_name_us(content):
        return None
    document = _parse(path, content)
    if not is_shared:
        return document
    tool = document.get("tool", {})
    table = tool.get("torchlint") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigError(f"{_shown(path)}: `tool.torchlint` must be a table")
    return table


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ConfigError(f"{_shown(path)}: cannot be read: {error.strerror or error}") from None


def _may_name_us(content: bytes) -> bool:
    """Whether there may be a table of ours. What reads TOML imports ``re``, which a run without changes does not need."""
    return b"torchlint" in content or b"\\u" in content.lower()  # any letter may be written as its number


def _parse(path: str, content: bytes) -> dict[str, Any]:
    from torchlint import toml  # imported only where there is something to read

    try:
        document: dict[str, Any] = toml.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{_shown(path)}: is not UTF-8 (byte {error.start})") from None
    except toml.TOMLDecodeError as error:
        import re

        message = str(error)
        line = re.search(r"at line (\d+)", message)
        raise ConfigError(
            f"{_shown(path)}{f':{line[1]}' if line else ''}: not valid TOML: {message}"
        ) from None
    except RecursionError:
        raise ConfigError(f"{_shown(path)}: not valid TOML: nested too deeply") from None
    return document


class _Value(Record):
    """One setting as it stands in the file; its ``where`` is for messages."""

    key: str
    value: object
    path: str

    def where(self, quoted: str | None = None) -> str:
        line = _line_of(self.path, self.key, quoted)
        return f"{_shown(self.path)}{f':{line}' if line else ''}"

    def wrong(self, expected: str) -> ConfigError:
        return ConfigError(f"{self.where()}: `{self.key}` must be {expected}, not {_kind(self.value)}")


def _boolean(value: _Value) -> bool:
    if not isinstance(value.value, bool):
        raise value.wrong("true or false")
    return value.value


def _strings(value: _Value) -> tuple[str, ...]:
    if not isinstance(value.value, list) or not all(isinstance(item, str) for item in value.value):
        raise value.wrong("a list of strings")
    return tuple(value.value)


def _selectors(value: _Value) -> tuple[str, ...]:
    selectors = _strings(value)
    for selector in selectors:
        check_selectors((selector,), f"{value.where(selector)}: `{value.key}`")
    return selectors


def _ignorable(value: _Value) -> tuple[str, ...]:
    check_ignorable(_strings(value), value.where())
    return _selectors(value)


def _patterns(value: _Value) -> tuple[str, ...]:
    patterns = _strings(value)
    check_patterns(patterns, f"{value.where()}: `{value.key}`")
    return patterns


def _format(value: _Value) -> str:
    if value.value not in FORMATS:
        known = ", ".join(f'"{name}"' for name in FORMATS)
        near = suggestion(value.value, FORMATS) if isinstance(value.value, str) else ""
        raise ConfigError(f"{value.where()}: `{value.key}` must be one of {known}{near}")
    return str(value.value)


def _folder(value: _Value) -> str:
    if not isinstance(value.value, str) or not value.value:
        raise value.wrong("the path of a folder")
    return value.value


def _per_file(value: _Value) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(value.value, dict):
        raise value.wrong("a table of patterns, each with a list of rules")
    entries = []
    for pattern, selectors in value.value.items():
        check_patterns((pattern.removeprefix("!"),), f"{value.where(pattern)}: `{value.key}`")
        entries.append((pattern, _ignorable(_Value(pattern, selectors, value.path))))
    return tuple(entries)


# Every setting there is. A setting that nothing reads would be a promise not kept.
_SETTINGS: Mapping[str, Callable[[_Value], Any]] = {
    "select": _selectors,
    "ignore": _ignorable,
    "extend-select": _selectors,
    "preview": _boolean,
    "exclude": _patterns,
    "per-file-ignores": _per_file,
    "unsafe-fixes": _boolean,
    "output-format": _format,
    "cache-dir": _folder,
}


def _configure(path: str, table: Mapping[str, Any], *, root: str) -> Config:
    settings: dict[str, Any] = {}
    for key, content in table.items():
        value = _Value(key, content, path)
        if key not in _SETTINGS:
            hint = suggestion(key, _SETTINGS) or f"; the settings are {', '.join(sorted(_SETTINGS))}"
            raise ConfigError(f"{value.where()}: unknown setting `{key}`{hint}")
        settings[key.replace("-", "_")] = _SETTINGS[key](value)
    return Config(**settings, origin=path, root=root)


def _kind(value: object) -> str:
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "true or false"),
        (str, "a string"),
        (int, "a number"),
        (float, "a number"),
        (list, "this list"),
        (dict, "a table"),
    )
    return next((words for kind, words in kinds if isinstance(value, kind)), type(value).__name__)


def _line_of(path: str, key: str, quoted: str | None) -> int | None:
    """The line of a key, or of the string ``quoted`` in its value. Looked for: TOML readers do not tell."""
    import re

    try:
        lines = list(_lines_of_our_table(path))
    except (OSError, UnicodeDecodeError):
        return None
    name = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=|\s*\[.*\b{re.escape(key)}[\"']?\s*\]")
    at_key = next((number for number, line in lines if name.match(line)), None)
    if at_key is None or quoted is None:
        return at_key
    spellings = (f'"{quoted}"', f"'{quoted}'")
    behind = ((number, line) for number, line in lines if number >= at_key)
    return next(
        (number for number, line in behind if any(spelling in line for spelling in spellings)), at_key
    )


def _lines_of_our_table(path: str) -> Iterator[tuple[int, str]]:
    import re

    ours = everything = os.path.basename(path) != "pyproject.toml"
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    for number, line in enumerate(lines, start=1):
        if not everything and re.match(_HEADER, line):
            ours = re.match(_OUR_HEADER, line) is not None
        if ours:
            yield number, line
