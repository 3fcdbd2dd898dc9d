"""A picture of a model: what each module registers and where, what reaches it, and what is hidden."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import nn

from torchlint.runtime.hiding import HiddenState
from torchlint.runtime.registration import attributes_of, is_lazy, is_module, join, registry
from torchlint.runtime.report import Finding

_HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


def tree(
    state: HiddenState, optimizers: Iterable[torch.optim.Optimizer] = (), findings: Iterable[Finding] = ()
) -> str:
    """The modules of a model as nested lines.

    Each tensor has its registry, shape, dtype and device, whether it is trained, and with which learning rate; what
    the findings call hidden is marked with ``!!``. The last lines say how much each of PyTorch's ways to go through a
    model reaches.
    """
    picture = _Picture(state, list(optimizers), list(findings))
    return "\n".join([*picture.module("", state.registered.root, "", set()), *picture.summary()])


class _Picture:
    def __init__(
        self, state: HiddenState, optimizers: list[torch.optim.Optimizer], findings: list[Finding]
    ) -> None:
        self.state = state
        self.optimizers = optimizers
        self.rates = {
            id(tensor): f"group {number}, lr {float(group['lr']):g}"
            for optimizer in optimizers
            for number, group in enumerate(optimizer.param_groups)
            for tensor in group["params"]
        }
        self.codes: dict[str, str] = {}
        for finding in findings:
            for path in finding.paths:
                self.codes.setdefault(path, finding.code)

    def module(self, name: str, module: nn.Module, path: str, above: set[int]) -> Iterator[str]:
        mode = "train" if attributes_of(module).get("training") else "eval"
        lazy = ", lazy: shapes are not known before the first call" if _is_lazy(module) else ""
        yield f"{f'({name}) ' if name else ''}{type(module).__name__}  [{mode}{lazy}]"
        if id(module) in above:
            yield "    … (itself again)"
            return
        for line in (*self._tensors(module, path), *self._hooks(module), *self._hidden(module)):
            yield f"    {line}"
        for key, child in registry(module, "_modules").items():
            if is_module(child):
                for line in self.module(key, child, join(path, key), above | {id(module)}):
                    yield f"    {line}"

    def _tensors(self, module: nn.Module, path: str) -> Iterator[str]:
        temporary = attributes_of(module).get("_non_persistent_buffers_set", ())
        for name, tensor in registry(module, "_parameters").items():
            if tensor is not None:
                first = self.state.registered.names[id(tensor)]
                same = f", the same as {first}" if first != join(path, name) else ""
                yield f"{name}: {_shown(tensor)}  _parameters, {self._trained(tensor)}{same}"
        for name, tensor in registry(module, "_buffers").items():
            if tensor is not None:
                saved = "not saved" if name in temporary else "saved"
                yield f"{name}: {_shown(tensor)}  _buffers, {saved}"

    def _trained(self, tensor: torch.Tensor) -> str:
        if not tensor.requires_grad:
            return "frozen"
        if not self.optimizers:
            return "trainable"
        rate = self.rates.get(id(tensor))
        return f"trained by {rate}" if rate else "!! in no parameter group"

    def _hooks(self, module: nn.Module) -> Iterator[str]:
        for name in _HOOKS:
            hooks = registry(module, name)
            if hooks:
                yield f"{name}: {', '.join(_hook_name(hook) for hook in hooks.values())}"

    def _hidden(self, module: nn.Module) -> Iterator[str]:
        for each in (*self.state.modules, *self.state.tensors):
            if each.owner is module and each.path in self.codes:
                what = (
                    _shown(each.thing) if isinstance(each.thing, torch.Tensor) else type(each.thing).__name__
                )
                held = f", in {each.holder}" if each.holder else ""
                yield f"!! {each.path}: {what}  not registered{held} ({self.codes[each.path]})"

    def summary(self) -> Iterator[str]:
        root, registered = self.state.registered.root, self.state.registered
        parameters = registered.parameters
        buffers = [name for name in registered.names.values() if name not in parameters]
        children = [each for each in registry(root, "_modules").values() if each is not None]
        yield ""
        yield f"named_parameters(): {_count(parameters.values())}, {len(registered.trainable)} of them trainable"
        yield f"named_buffers(): {len(buffers)}"
        yield f"children(): {len(children)}, modules(): {len(registered.modules)}"
        yield f"train(), eval(): {len(registered.modules)} modules"
        yield f".to(): {len(self.state.moved) if self.state.moved is not None else 'unknown, _apply raised'} tensors"
        yield f"state_dict(): {self._saved()} entries"
        for optimizer in self.optimizers:
            yield from _groups(optimizer)
        seen = {*registered.names.values(), *(path for path, _ in registered.modules.values())}
        hidden = [path for path in self.codes if path not in seen]
        if hidden:
            yield f"!! reached by none of these: {', '.join(hidden)}"

    def _saved(self) -> int:
        count = 0
        for _, module in self.state.registered.modules.values():
            temporary = attributes_of(module).get("_non_persistent_buffers_set", ())
            count += sum(each is not None for each in registry(module, "_parameters").values())
            count += sum(
                each is not None and name not in temporary
                for name, each in registry(module, "_buffers").items()
            )
        return count


def _groups(optimizer: torch.optim.Optimizer) -> Iterator[str]:
    for number, group in enumerate(optimizer.param_groups):
        settings = [f"lr {float(group['lr']):g}"]
        settings += [f"{key} {group[key]:g}" for key in ("momentum", "weight_decay") if group.get(key)]
        yield f"{type(optimizer).__name__} group {number}: {_count(group['params'])}, {', '.join(settings)}"


def _count(tensors: Iterable[Any]) -> str:
    listed = list(tensors)
    known = [tensor.numel() for tensor in listed if not is_lazy(tensor)]
    return f"{len(listed)} tensors, {sum(known):,} elements"


def _shown(tensor: torch.Tensor) -> str:
    if is_lazy(tensor):
        return "lazy"
    shape = "x".join(map(str, tensor.shape)) or "scalar"
    return f"{shape} {str(tensor.dtype).removeprefix('torch.')} {tensor.device}"


def _is_lazy(module: nn.Module) -> bool:
    own = (*registry(module, "_parameters").values(), *registry(module, "_buffers").values())
    return any(is_lazy(tensor) for tensor in own if tensor is not None)


def _hook_name(hook: object) -> str:
    name = getattr(hook, "__qualname__", None)
    return name if isinstance(name, str) else type(hook).__name__
