"""Which rules run where, and what is said about settings that cannot be used."""

from __future__ import annotations

import importlib
import pickle
from pathlib import Path
from typing import Any

import pytest

from torchlint.config import FORMATS, Config, Selection
from torchlint.settings import ConfigError, Overrides, Settings, check_selectors

DROPOUT = ("TL101", "functional-dropout-ignores-eval")
CONTAINER = ("TL001", "module-in-plain-container")


def selects(rule: tuple[str, str], *, preview_rule: bool = False, **settings: Any) -> bool:
    return Config(**settings).selects(*rule, preview=preview_rule)


def test_the_default_is_every_rule_that_is_not_in_preview() -> None:
    assert Config().selects(*DROPOUT)
    assert not Config().selects(*DROPOUT, preview=True)


@pytest.mark.parametrize("selector", ["TL101", "TL10", "TL1", "TL", "ALL", DROPOUT[1]])
def test_select_means_the_rules_it_names(selector: str) -> None:
    assert selects(DROPOUT, select=(selector,))
    assert selects(CONTAINER, select=(selector,)) is (selector in ("TL", "ALL"))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"select": ("TL",), "ignore": ("TL1",)}, False),
        ({"select": ("TL101",), "ignore": ("TL1",)}, True),
        ({"select": ("TL1",), "ignore": ("TL101",)}, False),
        ({"select": ("TL1",), "ignore": ("TL1",)}, False),
        ({"select": ("TL1",), "ignore": ("ALL",)}, True),
        ({"select": ("TL1",), "ignore": (DROPOUT[1],)}, False),
        ({"select": (), "extend_select": ("TL101",)}, True),
        ({"select": ("TL0",), "extend_select": ("TL1",), "ignore": ("TL10",)}, False),
        ({"select": ()}, False),
    ],
)
def test_the_most_exact_selector_wins_and_ignore_wins_a_tie(settings: Any, expected: bool) -> None:
    assert selects(DROPOUT, **settings) is expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"select": ("TL", "ALL", "TL10")}, False),
        ({"select": ("TL101",)}, True),
        ({"extend_select": (DROPOUT[1],)}, True),
        ({"extend_select": (DROPOUT[1],), "ignore": ("TL1",)}, True),
        ({"preview": True}, True),
        ({"preview": True, "ignore": ("TL1",)}, False),
    ],
)
def test_a_preview_rule_is_chosen_in_full_or_by_preview(settings: Any, expected: bool) -> None:
    assert selects(DROPOUT, preview_rule=True, **settings) is expected


@pytest.mark.parametrize(
    ("command_line", "expected"),
    [
        (Selection(), False),
        (Selection(select=("TL1",)), True),
        (Selection(extend_select=("TL101",)), True),
        (Selection(select=("TL0",)), False),
        (Selection(select=("TL1",), ignore=("TL101",)), False),
    ],
)
def test_the_command_line_is_decided_over_the_settings(command_line: Selection, expected: bool) -> None:
    assert selects(DROPOUT, ignore=("TL101",), command_line=command_line) is expected


def test_ignoring_on_the_command_line_takes_away_from_the_settings() -> None:
    config = Config(select=("TL101", "TL001"), command_line=Selection(ignore=("TL1",)))
    assert not config.selects(*DROPOUT)
    assert config.selects(*CONTAINER)


def test_nothing_switches_off_the_report_of_files_that_were_not_checked() -> None:
    config = Config(select=(), ignore=("ALL", "TL000"), ignored_here=("TL",))
    assert config.selects("TL000", "file-not-checked")


@pytest.mark.parametrize(
    ("pattern", "path", "ignored"),
    [
        ("tests/**", "tests/deep/test_model.py", True),
        ("tests/", "tests/test_model.py", True),
        ("tests/**", "src/model.py", False),
        ("__init__.py", "src/pkg/__init__.py", True),
        ("*.pyi", "src/model.pyi", True),
        ("/model.py", "src/model.py", False),
        ("!src/**", "src/model.py", False),
        ("!src/**", "tests/test_model.py", True),
    ],
)
def test_per_file_ignores(tmp_path: Path, pattern: str, path: str, ignored: bool) -> None:
    config = Config(per_file_ignores=((pattern, ("TL1",)),), root=str(tmp_path))
    here = config.enabled_for(str(tmp_path / path))
    assert here.selects(*DROPOUT) is not ignored
    assert here.selects(*CONTAINER)
    assert here.enabled_for(str(tmp_path / path)) == here


def test_per_file_ignores_hold_whatever_the_command_line_selects(tmp_path: Path) -> None:
    config = Config(
        per_file_ignores=(("a.py", ("TL1",)),),
        root=str(tmp_path),
        command_line=Selection(select=("TL101",)),
    )
    assert not config.enabled_for(str(tmp_path / "a.py")).selects(*DROPOUT)


def test_settings_travel_to_other_processes(tmp_path: Path) -> None:
    config = Config(per_file_ignores=(("a.py", ("TL1",)),), root=str(tmp_path), exclude=("b",))
    config.enabled_for(str(tmp_path / "a.py"))
    assert pickle.loads(pickle.dumps(config)) == config


# ---------------------------------------------------------------------------------------- where they are read


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_every_setting_is_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        "pyproject.toml",
        """
[tool.torchlint]
select = ["TL0", "functional-dropout-ignores-eval"]
ignore = ["TL003"]
extend-select = ["TL201"]
preview = true
exclude = ["legacy/"]
unsafe-fixes = true
output-format = "concise"

[tool.torchlint.per-file-ignores]
"tests/**" = ["TL001"]
""",
    )
    assert Settings().of_file(str(tmp_path / "model.py")) == Config(
        select=("TL0", "functional-dropout-ignores-eval"),
        ignore=("TL003",),
        extend_select=("TL201",),
        preview=True,
        exclude=("legacy/",),
        unsafe_fixes=True,
        output_format="concise",
        per_file_ignores=(("tests/**", ("TL001",)),),
        origin=str(tmp_path / "pyproject.toml"),
        root=str(tmp_path),
    )


def test_the_nearest_file_wins_and_nothing_is_merged(tmp_path: Path) -> None:
    write(tmp_path, "torchlint.toml", 'ignore = ["TL001"]')
    write(tmp_path / "inner", "pyproject.toml", '[tool.torchlint]\nselect = ["TL1"]')
    write(tmp_path / "inner" / "deeper", "pyproject.toml", '[tool.other]\nselect = ["X"]')
    settings = Settings()
    deep = settings.of_file(str(tmp_path / "inner" / "deeper" / "model.py"))
    assert (deep.select, deep.ignore) == (("TL1",), ())
    assert settings.of_file(str(tmp_path / "model.py")).ignore == ("TL001",)


def test_torchlint_toml_wins_in_its_folder(tmp_path: Path) -> None:
    write(tmp_path, "torchlint.toml", 'select = ["TL0"]')
    write(tmp_path, "pyproject.toml", '[tool.torchlint]\nselect = ["TL1"]')
    assert Settings().of_folder(str(tmp_path)).select == ("TL0",)


def test_an_empty_table_stops_the_search(tmp_path: Path) -> None:
    write(tmp_path, "torchlint.toml", 'select = ["TL0"]')
    write(tmp_path / "inner", "pyproject.toml", "[tool.torchlint]")
    assert Settings().of_folder(str(tmp_path / "inner")).select == Config().select


def test_one_file_can_be_forced_or_all_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "torchlint.toml", 'select = ["TL0"]')
    forced = write(tmp_path / "ci", "strict.toml", 'select = ["TL1"]')
    monkeypatch.chdir(tmp_path)
    config = Settings(config_file=str(forced)).of_folder(str(tmp_path))
    assert (config.select, config.root) == (("TL1",), str(tmp_path))
    assert Settings(isolated=True).of_folder(str(tmp_path)).select == Config().select


def test_the_command_line_is_laid_over_every_file(tmp_path: Path) -> None:
    write(tmp_path, "torchlint.toml", "preview = true")
    overrides = Overrides(Selection(ignore=("TL1",)), unsafe_fixes=True)
    config = Settings(overrides).of_folder(str(tmp_path))
    assert config.preview and config.unsafe_fixes
    assert config.command_line.ignore == ("TL1",)


# ---------------------------------------------------------------------------------------------- what is wrong


def complaint(path: Path) -> str:
    with pytest.raises(ConfigError) as raised:
        Settings().of_folder(str(path.parent))
    text = str(raised.value)
    assert "\n" not in text
    return text.replace(str(path.parent), "").lstrip("/")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('selekt = ["TL1"]', "torchlint.toml:1: unknown setting `selekt`; did you mean `select`?"),
        ("\nline-length = 3", "torchlint.toml:2: unknown setting `line-length`; the settings are "),
        ('extend_select = ["TL"]', "unknown setting `extend_select`; did you mean `extend-select`?"),
        ('select = "TL1"', "torchlint.toml:1: `select` must be a list of strings, not a string"),
        ("select = [1]", "`select` must be a list of strings, not this list"),
        ("preview = 1", "`preview` must be true or false, not a number"),
        ("exclude = true", "`exclude` must be a list of strings, not true or false"),
        ('exclude = ["!"]', "`exclude`: not a pattern: "),
        ('output-format = "xml"', "`output-format` must be one of "),
        ('output-format = "jsn"', "did you mean `json`?"),
        ('per-file-ignores = ["a.py"]', "`per-file-ignores` must be a table"),
        ('[per-file-ignores]\n"a.py" = "TL1"', ":2: `a.py` must be a list of strings, not a string"),
        ('[per-file-ignores]\n"a.py" = ["TL77"]', ":2: `a.py`: unknown rule `TL77`"),
        (
            'select = [\n  "TL001",\n  "missing-super-int",\n]',
            ":3: `select`: unknown rule `missing-super-int`; did you mean `missing-super-init`?",
        ),
        ('ignore = ["tl001"]', "unknown rule `tl001`; did you mean `TL001`?"),
        ('ignore = ["E501"]', "unknown rule `E501`"),
        ('ignore = ["TL000"]', "TL000 cannot be ignored"),
        ("select = [", "torchlint.toml: not valid TOML: "),
        ("a = 1\nb = ?", "torchlint.toml:2: not valid TOML: "),
        ("x = " + "[" * 3000, "not valid TOML"),
    ],
)
def test_wrong_settings(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, "torchlint.toml", text)
    assert message in complaint(path)


def test_the_line_in_a_pyproject_is_that_of_our_table(tmp_path: Path) -> None:
    text = '[tool.other]\nselect = ["TL999"]\n\n[tool.torchlint]\nignore = []\nselect = ["TL999"]\n'
    path = write(tmp_path, "pyproject.toml", text)
    assert complaint(path).startswith("pyproject.toml:6: `select`: unknown rule `TL999`")


@pytest.mark.parametrize(
    "text", ["[project\n[tool.torchlint]\n", '[project\n["tool"."\\U00000074orchlint"]\n']
)
def test_a_broken_pyproject_that_may_be_about_us_is_named(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, "pyproject.toml", text)
    assert complaint(path).startswith("pyproject.toml:1: not valid TOML: ")


def test_a_broken_pyproject_that_does_not_name_us_is_the_business_of_others(tmp_path: Path) -> None:
    write(tmp_path, "torchlint.toml", "preview = true\n")
    (tmp_path / "inner").mkdir()
    path = write(tmp_path / "inner", "pyproject.toml", "[project\n")
    assert Settings().of_folder(str(path.parent)).preview


def test_our_name_may_be_written_in_numbers(tmp_path: Path) -> None:
    write(tmp_path, "pyproject.toml", '[tool."torch\\u006cint"]\npreview = true\n')
    assert Settings().of_folder(str(tmp_path)).preview


def test_settings_that_are_not_text(tmp_path: Path) -> None:
    path = tmp_path / "torchlint.toml"
    path.write_bytes(b'select = ["\xff"]')
    assert complaint(path) == "torchlint.toml: is not UTF-8 (byte 11)"


def test_a_table_that_is_no_table(tmp_path: Path) -> None:
    path = write(tmp_path, "pyproject.toml", "[tool]\ntorchlint = 3\n")
    assert complaint(path) == "pyproject.toml: `tool.torchlint` must be a table"


def test_a_forced_file_must_exist_and_hold_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        Settings(config_file=str(tmp_path / "missing.toml"))
    write(tmp_path, "pyproject.toml", "[project]\n")
    with pytest.raises(ConfigError, match=r"has no table \[tool.torchlint\]"):
        Settings(config_file=str(tmp_path / "pyproject.toml"))


def test_selectors_on_the_command_line() -> None:
    check_selectors(("TL", "TL0", "TL00", "TL001", "ALL", "module-in-plain-container"), "--select")
    with pytest.raises(ConfigError, match="--select: unknown rule `TL8`"):
        check_selectors(("TL8",), "--select")


def test_every_format_has_a_module() -> None:
    for name in FORMATS:
        assert callable(importlib.import_module(f"torchlint.report.{name}").render)
