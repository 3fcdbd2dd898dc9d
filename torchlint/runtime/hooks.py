"""What a forward pass calls and creates, seen by hooks on all modules of the process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as module_hooks

from torchlint.runtime.creation import call_site


@dataclass
class Birth:
    """A Parameter or buffer that was registered while a forward pass ran: by which module, within which."""

    module: nn.Module
    name: str
    tensor: torch.Tensor
    within: nn.Module
    site: str | None


@dataclass
class Calls:
    """The modules that were called, each with the one that called it, and the state that was created meanwhile."""

    called: dict[int, nn.Module] = field(default_factory=dict)
    callers: dict[int, nn.Module | None] = field(default_factory=dict)
    sites: dict[int, str | None] = field(default_factory=dict)
    births: list[Birth] = field(default_factory=list)
    stack: list[nn.Module] = field(default_factory=list)

    def enter(self, module: nn.Module, args: Any) -> None:
        if id(module) not in self.called:
            self.called[id(module)] = module
            self.callers[id(module)] = self.stack[-1] if self.stack else None
            self.sites[id(module)] = call_site(sys._getframe(1))
        self.stack.append(module)

    def leave(self, module: nn.Module, args: Any, result: Any) -> None:
        while self.stack and self.stack.pop() is not module:
            pass  # those below were left by an exception

    def born(self, module: nn.Module, name: str, tensor: torch.Tensor | None) -> None:
        if tensor is not None and self.stack:
            self.births.append(Birth(module, name, tensor, self.stack[-1], call_site(sys._getframe(1))))


@contextmanager
def watched_calls() -> Iterator[Calls]:
    """Note every call of a module, and every Parameter and buffer that is registered during one."""
    calls = Calls()
    with ExitStack() as stack:
        for handle in (
            module_hooks.register_module_forward_pre_hook(calls.enter),
            module_hooks.register_module_forward_hook(calls.leave, always_call=True),
            module_hooks.register_module_parameter_registration_hook(calls.born),
            module_hooks.register_module_buffer_registration_hook(calls.born),
        ):
            stack.callback(handle.remove)
        yield calls
