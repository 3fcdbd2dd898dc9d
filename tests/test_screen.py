"""The screen proves absence: what LibCST finds without it is found with it, on every example and on known byways."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from byways import ALL as BYWAYS
from pages import ROOT, all_blocks, all_projects
from variants import in_a_function, with_tabs

from torchlint.config import Config
from torchlint.engine import _things, check_source
from torchlint.model.file import Program
from torchlint.model.kinds import Kind, State
from torchlint.model.source import decode
from torchlint.model.vocabulary import GRADIENT_SWITCHES, RANDOM_INITS
from torchlint.project.index import Project
from torchlint.project.outline import Outline
from torchlint.rules import all_rules
from torchlint.screen import everything, kinds, padding, possibilities, screen
from torchlint.screen.possibilities import Possibilities
from torchlint.subjects import Rules

EVERY = Rules(lambda rule: True)
EVERY_RULE = Config(select=tuple(rule.code for rule in all_rules()))
Found = list[tuple[str, int, int, str]]


def findings(source: str | bytes, path: Path, *, screened: bool) -> Found:
    project = Project(path.parent)
    found = check_source(source, str(path), EVERY_RULE, project, screened=screened)
    return sorted((each.code, *each.range.start, each.message) for each in found)


def differences(sources: Iterator[tuple[str, str | bytes]], folder: Path) -> list[str]:
    path = folder / "example.py"
    return [
        name
        for name, source in sources
        if findings(source, path, screened=True) != findings(source, path, screened=False)
    ]


def under_if(source: str) -> str | None:
    """The program below ``if True:``."""
    inside = in_a_function(source)
    return None if inside is None else inside.replace("def wrapper():", "if True:", 1)


def in_a_class(source: str) -> str | None:
    """The program as the body of a class, with its imports above."""
    lines = source.splitlines()
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    inside = in_a_function("".join(f"{line}\n" for line in lines if line not in imports))
    if inside is None:
        return None
    return "".join(f"{line}\n" for line in imports) + inside.replace("def wrapper():", "class Outer:", 1)


def through_aliases(source: str) -> str | None:
    """Torch under names that the module assigns."""
    if "from __future__" in source:
        return None
    names = {"import torch.nn.functional as F": "F", "from torch import nn": "nn", "import torch": "torch"}
    for line, name in names.items():
        source = (
            f"\n{source}".replace(f"\n{line}\n", f"\n{line} as {name}_\n{name} = {name}_\n", 1)[1:]
            if (" as " not in line)
            else f"\n{source}".replace(f"\n{line}\n", f"\n{line}_\n{name} = {name}_\n", 1)[1:]
        )
    return source


VARIANTS: tuple[Callable[[str], str | None], ...] = (
    lambda source: source,
    in_a_function,
    under_if,
    in_a_class,
    through_aliases,
    with_tabs,
    lambda source: source.replace("\n", "\r\n"),
    lambda source: source.replace("    def forward", "    async def forward"),
)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_example_gives_the_same_findings(variant: Callable[[str], str | None], tmp_path: Path) -> None:
    written = ((block.id, variant(block.source)) for block in all_blocks("bad", "good", "fixed"))
    sources = ((name, source) for name, source in written if source is not None)
    assert differences(sources, tmp_path) == []


@pytest.mark.parametrize("project", all_projects(), ids=lambda project: project.id)
def test_every_project_gives_the_same_findings(project, tmp_path: Path) -> None:
    for name, block in project.files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.source, encoding="utf-8")
    for name, block in project.files:
        both = [
            check_source(block.source, str(tmp_path / name), EVERY_RULE, Project(tmp_path), screened=screened)
            for screened in (True, False)
        ]
        assert both[0] == both[1], name


@pytest.mark.parametrize("name", BYWAYS)
def test_byway_is_found(name: str, tmp_path: Path) -> None:
    source = BYWAYS[name]
    found = findings(source, tmp_path / "example.py", screened=False)
    assert found, f"nothing to find in\n{source}"
    assert findings(source, tmp_path / "example.py", screened=True) == found, source


@pytest.mark.parametrize("variant", [in_a_function, under_if, in_a_class])
def test_byway_is_found_elsewhere_too(variant: Callable[[str], str | None], tmp_path: Path) -> None:
    written = ((name, variant(source)) for name, source in BYWAYS.items())
    assert differences(((name, source) for name, source in written if source), tmp_path) == []


# --- each claim of the screen, below the findings


class Both:
    """One source with its model, its screen, and the subjects that rules are given without a screen."""

    def __init__(self, source: str, path: Path) -> None:
        project = Project(path.parent)
        self.outline = project.parse(source, path)
        self.rules = Rules(lambda rule: "source" in rule.witnesses)
        self.screened = screen(self.outline, project, self.rules)
        self.everything = everything(self.outline, project, self.rules)
        self.file = Program(project).add(decode(source, str(path)), self.outline)
        self.file.load(self.everything.statements)
        self.sketch = Possibilities(project).begin(self.outline)

    def missed(self) -> Iterator[str]:
        """The subjects of interest in classes that the screen ruled out."""
        for subject in self.everything.classes:
            for thing in _things(subject, self.file, self.everything):
                name = thing.cls.qualname
                if name not in self.screened.classes.get(subject, ()) and self._is_of_interest(
                    subject, thing
                ):
                    yield f"{subject} in {name}"
        for subject in self.everything.places:
            for thing in _things(subject, self.file, self.everything):
                line = thing.range.start.line
                if self._is_of_interest(subject, thing) and not self._is_left(subject, line):
                    yield f"{subject} in line {line}"

    def _is_of_interest(self, subject: str, thing: Any) -> bool:
        """Whether the screen must let it through: it judges calls and constructions as the rules do."""
        if subject == "SuperCall":
            return bool(thing.names.rpartition(".")[2] != thing.cls.name)
        if subject == "SchedulerStep":
            return bool(thing.schedulers)
        if subject in (
            "Construction",
            "MethodCall",
            "ClassLevelModule",
            "EmptyParameter",
            "Override",
            "ReboundName",
            *self.everything.places,
        ):
            return any(list(rule.check(thing)) for rule in self.rules.about(subject))
        return True

    def _is_left(self, subject: str, line: int) -> bool:
        spans = (self.outline.statements[index] for index in self.screened.places.get(subject, ()))
        return any(first <= line <= last for first, last, *_ in spans)

    def impossible(self) -> Iterator[str]:
        """What the model finds in an attribute, and the screen holds to be impossible."""
        for name in self.outline.classes:
            model = self.file.class_model(name)
            for attribute in model.attributes.values() if model is not None else ():
                possible = self._possible(name, attribute.name)
                values = (value for _, value in attribute.assigned())
                found = {each for value in values for each in self._kinds(value)}
                missing = sorted(kind for kind, bit, part in found if not bit & part(possible))
                if missing:
                    yield f"{name}.{attribute.name}: {missing}"

    def _possible(self, qualname: str, attribute: str) -> int:
        """Of several classes with one name, the model may take any."""
        possible = 0
        for definition in self.outline.definitions:
            sketch = self.sketch.class_sketch(definition) if definition.qualname == qualname else None
            possible |= sketch.own_attribute(attribute) if sketch is not None else 0
        return possible

    def _kinds(self, value: Any, shift: Callable[[int], int] = int, depth: int = 3) -> set[Any]:
        evaluator = self.file.evaluator
        if value.kind is Kind.MODULE and evaluator.state(value) is State.NONE:
            return set()
        found = set()
        if value.kind in BITS:
            found.add((value.kind.name, BITS[value.kind], shift))
        if value.kind is Kind.SYMBOL and self.file.project.is_module(value.symbol):
            found.add(("CLASS", kinds.CLASS, shift))
        if value.kind is Kind.CONTAINER and depth:
            for element in evaluator.elements(value):
                found |= self._kinds(element, kinds.held, depth - 1)
        return found


BITS = {
    Kind.MODULE: kinds.MODULE,
    Kind.PARAMETER: kinds.PARAMETER,
    Kind.LOST_PARAMETER: kinds.LOST,
    Kind.CONTAINER: kinds.CONTAINER,
    Kind.TENSOR: kinds.TENSOR,
    Kind.SCHEDULER: kinds.SCHEDULER,
}


def all_sources() -> Iterator[tuple[str, str]]:
    for block in all_blocks("bad", "good", "fixed"):
        yield block.id, block.source
        if (inside := in_a_function(block.source)) is not None:
            yield f"{block.id} in a function", inside
    yield from BYWAYS.items()


def test_every_subject_is_a_candidate(tmp_path: Path) -> None:
    found = [
        f"{name}: {each}"
        for name, text in all_sources()
        for each in Both(text, tmp_path / "example.py").missed()
    ]
    assert found == []


def test_what_the_model_finds_in_an_attribute_is_possible(tmp_path: Path) -> None:
    found = [
        f"{name}: {each}"
        for name, text in all_sources()
        for each in Both(text, tmp_path / "example.py").impossible()
    ]
    assert found == []


def test_a_sample_of_torch_gives_the_same_findings() -> None:
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        pytest.skip("torch is not installed")
    root = Path(spec.origin).parent
    files = sorted(path for part in ("nn", "ao/nn") for path in (root / part).rglob("*.py"))[::7][:40]
    projects = {True: Project(root.parent, environment=()), False: Project(root.parent, environment=())}
    differing = []
    for path in files:
        both = [
            check_source(path.read_bytes(), str(path), EVERY_RULE, project, screened=screened)
            for screened, project in projects.items()
        ]
        if both[0] != both[1]:
            differing.append(str(path))
    assert differing == []


# --- what LibCST is given

CLEAN = """
import torch.nn.functional as F
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))

    def forward(self, x):
        for layer in self.layers:
            x = F.dropout(layer(x), training=self.training)
        return x
"""


LOSS = """
import torch
from torch import nn


class Base(nn.Module):
    {base}


class Loss(Base):
    def __init__(self):
        super().__init__()
        self.criterion = nn.CrossEntropyLoss()
        {own}

    def forward(self, x, y):
        return self.criterion(x, y)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(8, 8)

    def forward(self, x, y):
        return Loss()(self.body(x), y)
"""


@pytest.mark.parametrize(
    ("own", "base", "may"),
    [
        ("pass", "pass", False),
        ("self.scale = nn.Parameter(torch.ones(1))", "pass", True),
        ("self.head = nn.Linear(8, 8)", "pass", True),
        ("self.heads = nn.ModuleList([nn.Linear(8, 8)])", "pass", True),
        ("self.a, self.b = nn.Linear(8, 8), 1", "pass", True),
        ("self.add_module('head', nn.Linear(8, 8))", "pass", True),
        ("setattr(self, 'head', nn.Linear(8, 8))", "pass", True),
        ("pass", "def __init__(self):\n        super().__init__()\n        self.l = nn.Linear(8, 8)", True),
    ],
)
def test_a_loss_without_weights_may_be_made_anywhere(own: str, base: str, may: bool, tmp_path: Path) -> None:
    text = LOSS.format(own=own, base=base)
    project = Project(tmp_path)
    outline = project.parse(text, str(tmp_path / "example.py"))
    found = screen(outline, project, Rules(lambda rule: rule.code == "TL104"))
    assert ("Net" in found.classes.get("MethodCall", [])) == may
    if may and "setattr" not in own:  # what that sets is not known
        codes = [each.code for each in check_source(text, str(tmp_path / "example.py"))]
        assert "TL104" in codes


@pytest.mark.parametrize("name", GRADIENT_SWITCHES)
def test_every_spelling_of_requires_grad_is_a_candidate(name: str, tmp_path: Path) -> None:
    text = f"import torch\nfrom torch import nn\n\nnet = nn.Linear(8, 8)\nnet.weight.{name} = False\n"
    text += f"net.bias.{name}\n"
    path = tmp_path / "example.py"
    path.write_text(text)
    project = Project(tmp_path)
    outline = project.parse(text, str(path))
    found = screen(outline, project, Rules(lambda rule: rule.code == "TL212"))
    assert bool(found.places["GradientSwitch"]) == (name != "requires_grad")


def test_random_functions_are_found_by_how_their_names_end() -> None:
    for name in RANDOM_INITS:
        assert any(pattern.search(f"nn.init.{name}_(x)") for pattern in padding._RANDOM), name


def test_libcst_is_not_imported_for_a_clean_class() -> None:
    program = (
        "import sys\n"
        "from torchlint.engine import check_source\n"
        f"assert check_source({CLEAN!r}, 'net.py') == []\n"
        "assert 'libcst' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)


BASE = """
import torch
from torch import nn


class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.kept = [nn.Linear(8, 8)]
        self.drop = nn.functional.dropout

    def made(self):
        return [nn.Linear(8, 8)]
"""

USER = """
import torch
from base import Base


class Net(Base):
    def __init__(self):
        super().__init__()
        self.layers = self.made()
        self.others = self.kept

    def forward(self, x):
        return self.drop(sum(layer(x) for layer in self.layers + self.others))
"""


@pytest.mark.parametrize("most", [0, 1 << 40])
def test_what_is_let_go_is_not_forgotten(most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Base classes are asked for the same by each file, whether their trees are kept or not."""
    monkeypatch.setattr(possibilities, "_MOST_LINES", most)
    (tmp_path / "base.py").write_text(BASE)
    project = Project(tmp_path)
    asked: list[int] = []
    parsed = Outline.statement
    monkeypatch.setattr(Outline, "statement", lambda *given: asked.append(1) or parsed(*given))
    users = [project.parse(USER, str(tmp_path / f"net{number}.py")) for number in range(4)]
    found = [screen(user, project, EVERY).classes for user in users]
    assert "Net" in found[0]["PlainContainer"]
    assert "Net" in found[0]["MethodCall"]
    assert found == [found[0]] * 4
    assert len(asked) == 1, "its base class is parsed once"


UNPACKED = """
import torch
from torch import nn
from torch.optim.lr_scheduler import StepLR


class Trainer:
    def __init__(self, model, pair):
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        {made}

    def fit(self, loader, epochs):
        for epoch in range(epochs):
            for batch in loader:
                loss = self.model(batch)
                loss.backward()
                self.optimizer.step()
                self.scheduler.step()

    def load(self, pair):
        {loaded}
"""


@pytest.mark.parametrize(
    ("made", "loaded", "may"),
    [
        ("self.scheduler = StepLR(self.optimizer, 30)", "pass", True),
        ("self.scheduler = StepLR(self.optimizer, 30)", "self.scheduler = None", True),
        ("self.scheduler, other = StepLR(self.optimizer, 30), 1", "pass", True),
        ("self.scheduler = StepLR(self.optimizer, 30)", "self.optimizer, self.scheduler = pair", False),
        ("self.scheduler = StepLR(self.optimizer, 30)", "for self.scheduler in pair: pass", False),
    ],
)
def test_a_scheduler_that_is_unpacked_is_not_known(made: str, loaded: str, may: bool, tmp_path: Path) -> None:
    text = UNPACKED.format(made=made, loaded=loaded)
    project = Project(tmp_path)
    found = screen(project.parse(text, str(tmp_path / "example.py")), project, EVERY)
    assert bool(found.places["SchedulerStep"]) == may
    codes = [code for code, *_ in findings(text, tmp_path / "example.py", screened=False)]
    assert ("TL201" in codes) == may


def test_sketches_and_models_are_freed_without_garbage_collection(tmp_path):
    """Collecting walks every syntax tree that is kept, so the circles of a file are cut when it is let go."""
    for number, source in enumerate(BYWAYS.values()):
        (tmp_path / f"net{number}.py").write_text(source)
    program = """
import gc, sys
gc.disable()
from torchlint.cli import main
main(["check", "--isolated", "--no-cache", "-j1", "-q", "--select", "ALL", "--output-format", "concise", "."])
from torchlint.engine import _PROGRAM
from torchlint.screen import Rules, _POSSIBILITIES
for kept in (*_PROGRAM.values(), *_POSSIBILITIES.values()):
    kept.release()
gc.set_debug(gc.DEBUG_SAVEALL)
_FREED = ("torchlint.screen", "torchlint.model", "libcst.")
gc.collect()
left = {type(thing).__name__ for thing in gc.garbage if type(thing).__module__.startswith(_FREED)}
assert not left, left
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
