"""The pytest plugin: live models in tests, looked at by the runtime witness. Loading it imports neither torch nor more.

* the fixture ``torchlint_verify``: ``torchlint_verify(model, x)`` fails the test with the findings;
* the marker ``@pytest.mark.torchlint(devices=["cpu", "cuda"], select=..., ignore=..., severity="error")``, which says
  how: the test runs once for each device, and is skipped where there is none;
* ``--torchlint-models``: one test more for each Module class of the tested package that can be built.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchlint.diagnostic import Severity
    from torchlint.runtime.report import Report

_OPTIONS = {"devices", "select", "ignore", "severity"}
_NO_TESTS = {"tests", "test", "testing", "docs", "examples", "benchmarks"}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("torchlint", "torchlint")
    group.addoption(
        "--torchlint-models",
        action="store_true",
        help="verify the Module classes that can be built, of the packages in the root directory or its src/",
    )
    group.addoption(
        "--torchlint-package",
        action="append",
        metavar="PACKAGE",
        help="verify those of PACKAGE instead; may be given several times",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "torchlint(devices=['cpu'], select=None, ignore=None, severity='error'): how torchlint_verify looks at models",
    )


# -------------------------------------------------------------------------------------------------------- the fixture


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "torchlint_verify" not in metafunc.fixturenames:
        return
    devices = _marked(metafunc.definition).get("devices")
    if devices is not None:
        if isinstance(devices, str) or not devices:
            raise pytest.UsageError(
                f"{metafunc.definition.nodeid}: devices must be a list such as ['cpu', 'cuda']"
            )
        metafunc.parametrize("torchlint_verify", list(devices), indirect=True)


def _marked(item: pytest.Item) -> dict[str, Any]:
    """What the markers say, the closest one first."""
    found: dict[str, Any] = {}
    for marker in item.iter_markers("torchlint"):
        unknown = sorted(marker.kwargs.keys() - _OPTIONS)
        if marker.args or unknown:
            said = f"`{unknown[0]}`" if unknown else "an argument without a name"
            raise pytest.UsageError(
                f"{item.nodeid}: the marker torchlint takes {', '.join(sorted(_OPTIONS))}, not {said}"
            )
        found = {**marker.kwargs, **found}
    return found


@pytest.fixture
def torchlint_verify(request: pytest.FixtureRequest) -> Callable[..., Report]:
    """``torchlint_verify(model, *args, optimizer=None, factory=None, **kwargs)``: fail where the model has findings.

    ``args`` and ``kwargs`` are the inputs of the forward pass; without any, the model is only looked at. The report is
    returned where there are no findings of the marker's severity, by default ``"error"``.
    """
    runtime = pytest.importorskip("torchlint.runtime")
    pytest.importorskip("torch", reason="torchlint_verify needs torch")
    from torchlint.runtime.device import unavailable

    marked = _marked(request.node)
    device = str(getattr(request, "param", "cpu"))
    if device != "cpu" and (why := unavailable(device)):
        pytest.skip(f"{device}: {why}")

    def verify(
        model: Any,
        *args: Any,
        optimizer: object = None,
        factory: Callable[[], Any] | None = None,
        **kwargs: Any,
    ) -> Report:
        __tracebackhide__ = True
        report: Report = runtime.verify(
            model,
            args,
            kwargs,
            optimizer=optimizer,
            factory=factory,
            devices=(device,),
            select=marked.get("select"),
            ignore=marked.get("ignore"),
        )
        _fail_on(report, marked.get("severity", "error"))
        return report

    return verify


def _fail_on(report: Report, severity: Severity) -> None:
    __tracebackhide__ = True
    if report.at_least(severity):
        pytest.fail(str(report), pytrace=False)


# ------------------------------------------------------------------------------------------------- --torchlint-models


@pytest.hookimpl(tryfirst=True)  # before -k and -m choose among the items
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    names = config.getoption("--torchlint-package")
    if not names and not config.getoption("--torchlint-models"):
        return
    names = names or _packages(config.rootpath)
    if not names:
        raise pytest.UsageError(
            f"--torchlint-models: there is no package in {config.rootpath} or its src/; "
            "name one: --torchlint-package=PACKAGE"
        )
    for name in names:
        package = _Package.from_parent(session, name=name, nodeid=f"torchlint/{name}")
        report = session.ihook.pytest_make_collect_report(collector=package)
        session.ihook.pytest_collectreport(report=report)
        items.extend(report.result)


def _packages(root: Path) -> list[str]:
    """The packages of a project, in its root or below ``src``; they need not be installed."""
    found: dict[str, Path] = {}
    for base in (root / "src", root):
        for init in sorted(base.glob("*/__init__.py")) if base.is_dir() else ():
            if init.parent.name not in _NO_TESTS:
                found.setdefault(init.parent.name, base)
    for name, base in found.items():
        if importlib.util.find_spec(name) is None:
            sys.path.insert(0, str(base))
    return list(found)


class _Package(pytest.Collector):
    """A package whose Module classes are verified."""

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        from torchlint.runtime.discovery import modules_of

        found: list[pytest.Item | pytest.Collector] = []
        for module in modules_of(self.name):
            if isinstance(module, str):
                name = module.partition(":")[0]
                found.append(_Unimportable.from_parent(self, name=name, reason=module))
            else:
                found += [
                    _Model.from_parent(self, name=f"{cls.__module__}.{cls.__qualname__}", model_class=cls)
                    for cls in module
                ]
        return found


class _Item(pytest.Item):
    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.session.path, None, f"torchlint: {self.name}"


class _Model(_Item):
    """One Module class: built by guess, looked at, and called where inputs can be guessed."""

    def __init__(self, *, model_class: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model_class = model_class

    def runtest(self) -> None:
        from torchlint.runtime.construction import build_guessed, guess_inputs
        from torchlint.runtime.targets import TargetError
        from torchlint.runtime.verification import verify

        try:
            model = build_guessed(self.model_class)
        except TargetError as error:
            pytest.skip(f"not constructible: {error}")
        inputs = guess_inputs(model)
        report = verify(model) if inputs is None else verify(model, inputs.args, inputs.kwargs)
        _fail_on(report, "error")


class _Unimportable(_Item):
    """A part of the package that cannot be imported here."""

    def __init__(self, *, reason: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reason = reason

    def runtest(self) -> None:
        if self.parent is not None and self.name == self.parent.name:  # nothing of what was asked for is left
            pytest.fail(f"not importable: {self.reason}", pytrace=False)
        pytest.skip(f"not importable: {self.reason}")
