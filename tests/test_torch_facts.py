"""What ``torch_facts.py`` says about PyTorch is true of the PyTorch that is installed."""

from __future__ import annotations

import contextlib
import inspect
import warnings

import pytest

from torchlint.model.facts import torch_facts
from torchlint.model.vocabulary import PURE_FUNCTIONS, PURE_METHODS

torch = pytest.importorskip("torch")

_SMALL_ARGUMENTS = [(), (4,), (4, 4), (4, 4, 2), (2, 2, 2, 2), ((4, 4),), (1, (2, 2))]


def _instance(name: str) -> torch.nn.Module | None:
    cls = getattr(torch.nn, name)
    for arguments in _SMALL_ARGUMENTS:
        with warnings.catch_warnings(), contextlib.suppress(Exception):
            warnings.simplefilter("ignore")  # deprecated aliases
            return cls(*arguments)
    return None


def _names(dotted: frozenset[str]) -> list[str]:
    return sorted(name.rpartition(".")[2] for name in dotted)


def _has_state(module: torch.nn.Module) -> bool:
    return bool(list(module.parameters()) or list(module.buffers()))


def _asks_for_mode(module: torch.nn.Module) -> bool:
    classes = [cls for cls in type(module).__mro__ if cls not in (torch.nn.Module, object)]
    return any("self.training" in inspect.getsource(cls) for cls in classes)


@pytest.mark.parametrize("name", _names(torch_facts().stateless_modules))
def test_stateless_modules_have_no_state_and_no_mode(name):
    module = _instance(name)
    assert module is not None, f"torch.nn.{name} cannot be made with small arguments"
    assert not _has_state(module)
    assert not _asks_for_mode(module)


@pytest.mark.parametrize("name", _names(torch_facts().mode_dependent_modules))
def test_mode_dependent_modules_have_no_state_but_ask_for_the_mode(name):
    module = _instance(name)
    assert module is not None
    assert not _has_state(module)
    assert _asks_for_mode(module)


def test_every_other_layer_has_state():
    known = (
        torch_facts().stateless_modules
        | torch_facts().mode_dependent_modules
        | torch_facts().container_modules
    )
    known |= set(torch_facts().stateless_unless) | {
        "torch.nn.Module",
        "torch.nn.Container",
        "torch.nn.DataParallel",
    }
    for name in dir(torch.nn):
        cls = getattr(torch.nn, name)
        is_layer = inspect.isclass(cls) and issubclass(cls, torch.nn.Module)
        if is_layer and f"torch.nn.{name}" not in known and (module := _instance(name)) is not None:
            assert _has_state(module), f"torch.nn.{name} has no parameters and no buffers"


@pytest.mark.parametrize("name", sorted(torch_facts().stateless_when))
def test_layers_are_stateless_when_told_so(name):
    given = {key: {"False": False}[value] for key, value in torch_facts().stateless_when[name].items()}
    cls = getattr(torch.nn, name.rpartition(".")[2])
    arguments = (2, 4) if name.endswith("GroupNorm") else (4,)
    assert _has_state(cls(*arguments))
    assert not _has_state(cls(*arguments, **given))


@pytest.mark.parametrize("name", sorted(torch_facts().stateless_unless))
def test_layers_have_state_only_with_these_arguments(name):
    cls = getattr(torch.nn, name.rpartition(".")[2])
    assert not _has_state(cls(4))
    for argument in torch_facts().stateless_unless[name]:
        assert _has_state(cls(4, **{argument: True}))


@pytest.mark.parametrize("name", sorted(torch_facts().epoch_schedulers))
def test_counted_arguments_of_schedulers_exist(name):
    cls = getattr(torch.optim.lr_scheduler, name.rpartition(".")[2])
    assert set(torch_facts().epoch_schedulers[name]) <= set(inspect.signature(cls).parameters)


_SCHEDULES = {
    "StepLR": {"step_size": 2},
    "MultiStepLR": {"milestones": [2, 4]},
    "ExponentialLR": {"gamma": 0.9},
    "CosineAnnealingLR": {"T_max": 8},
    "LambdaLR": {"lr_lambda": lambda step: 0.9**step},
    "MultiplicativeLR": {"lr_lambda": lambda _: 0.9},
    "ConstantLR": {"total_iters": 2},
    "LinearLR": {"total_iters": 4},
    "PolynomialLR": {"total_iters": 6},
    "OneCycleLR": {"max_lr": 0.1, "total_steps": 20},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.1},
    "CosineAnnealingWarmRestarts": {"T_0": 3},
}


@pytest.mark.parametrize("name", _SCHEDULES)
def test_recursive_schedulers_give_the_rate_of_the_next_step(name):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1, momentum=0.9)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **_SCHEDULES[name])
    wrong = False
    for _ in range(6):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wrong = wrong or scheduler.get_lr()[0] != pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert wrong == (f"torch.optim.lr_scheduler.{name}" in torch_facts().recursive_schedulers)


@pytest.mark.parametrize("name", sorted(torch_facts().tensor_factories | torch_facts().tensor_operations))
def test_tensor_functions_exist(name):
    found = torch
    for part in name.split(".")[1:]:
        found = getattr(found, part)
    assert callable(found) or inspect.ismodule(found)  # torch.fft is a module today, a function before 1.8


@pytest.mark.parametrize("name", sorted(PURE_METHODS))
def test_pure_methods_are_those_of_tensors(name):
    assert callable(getattr(torch.Tensor, name))


@pytest.mark.parametrize("name", sorted(PURE_FUNCTIONS))
def test_pure_functions_exist(name):
    assert any(callable(getattr(holder, name, None)) for holder in (torch, torch.nn.functional, torch.Tensor))


def test_fluent_methods_return_the_module():
    module = torch.nn.Linear(2, 2)
    for name in ("to", "cpu", "float", "half", "double", "train", "eval", "requires_grad_", "share_memory"):
        assert name in torch_facts().module_fluent_methods
        arguments = ("cpu",) if name == "to" else ()
        assert getattr(module, name)(*arguments) is module
