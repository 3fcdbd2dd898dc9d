"""Arguments and inputs for a Module class that nobody has said how to build: defaults, else small numbers by name.

A guess may lead into another branch than the user's, so what is not found on such a model disproves nothing.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from torchlint.runtime.inputs import Inputs
from torchlint.runtime.targets import Arguments, TargetError, build, required

_SIZE = 16
_BY_NAME: tuple[tuple[str, object], ...] = (
    (r"(kernel|window|patch|filter)_?(size|len|width)?s?", 3),
    (r"(image|img|input|grid)_?(size|resolution)", 32),
    (r"(num|n)_?(class(es)?|labels?|outputs?)|out_?classes|vocab(ulary)?_?size|num_?embeddings|ntokens?", 10),
    (r"(num|n)_?heads?|heads?|nheads?|h|groups?|(num|n)_?groups?", 2),
    (r"(num|n)_?(layers?|blocks?|stages?|levels?)|depths?|layers?|blocks?", 2),
    (r"stride|dilation|padding|expansion|scale(_factor)?|factor|reduction|mult(iplier)?|ratio|mlp_ratio", 1),
    (r"(.*_)?(drop(out|path)?|drop_?(rate|prob)|prob(ability)?|p|rate|alpha|beta|eps(ilon)?|momentum)", 0.1),
    (r"(.*_)?(bias|affine|bidirectional|use_.*|with_.*|is_.*|has_.*|enable.*)", True),
    (r"(.*_)?(channels?|planes?|dims?|features?|hidden|width|embed(ding)?|size|units?|in|out|d_\w+|ch|nf|c\d?)", _SIZE),
    (r"(.*_)?(length|len|steps?|tokens?|points?|nodes?)", 8),
    (r"activation|act(_layer|_fn)?", nn.ReLU),
    (r"norm(_layer|_fn)?", nn.BatchNorm2d),
)  # fmt: skip


def guess_arguments(cls: type[nn.Module]) -> Arguments:
    """Arguments for ``__init__``: none where all have defaults; raises :class:`TargetError` where one is beyond guess."""
    try:
        signature = inspect.signature(cls)
    except (TypeError, ValueError):
        return Arguments()
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for parameter in required(signature):
        value = _guess(parameter)
        if value is None:
            raise TargetError(f"nothing is known about its argument `{parameter.name}`")
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            args.append(value)
        else:
            kwargs[parameter.name] = value
    return Arguments(args, kwargs)


def _guess(parameter: inspect.Parameter) -> object:
    annotation = str(getattr(parameter.annotation, "__name__", parameter.annotation))
    name = parameter.name.lower()
    if annotation == "bool":
        return True
    if annotation == "str":
        return None
    for pattern, value in _BY_NAME:
        if re.fullmatch(pattern, name):
            if isinstance(value, (int, float)) and re.match(
                r"(typing\.)?(list|tuple|sequence)", annotation, re.I
            ):
                return [value, value]
            return value
    return {"int": _SIZE, "float": 0.1}.get(annotation)


def build_guessed(cls: type[nn.Module]) -> nn.Module:
    """An instance with guessed arguments; raises :class:`TargetError`."""
    return build(cls, guess_arguments(cls))


def guess_inputs(model: nn.Module) -> Inputs | None:
    """Inputs that the model takes without an error, found by trying; ``None`` where none of them is taken."""
    try:
        was_training = {module: module.training for module in model.modules()}
    except AttributeError:  # never initialised, which `verify` says
        return None
    state = torch.random.get_rng_state()
    try:
        model.eval()
        for inputs in _candidates(model):
            try:
                with torch.no_grad():
                    model(*inputs.copy().args)
            except Exception:
                continue
            return inputs
        return None
    finally:
        torch.random.set_rng_state(state)
        for module, training in was_training.items():
            module.training = training


def _candidates(model: nn.Module) -> Iterator[Inputs]:
    generator = torch.Generator().manual_seed(0)

    def floats(*shape: int) -> Inputs:
        return Inputs((torch.randn(*shape, generator=generator),), {})

    yield Inputs((), {})
    seen: set[tuple[object, ...]] = set()
    for layer in model.modules():
        for shape in _shapes(layer):
            if shape not in seen:
                seen.add(shape)
                yield floats(*shape)
        if isinstance(layer, nn.Embedding) and ("embedding",) not in seen:
            seen.add(("embedding",))
            yield Inputs((torch.zeros(2, 8, dtype=torch.long),), {})
        if len(seen) >= _MOST_TRIED:
            break
    for shape in ((2, _SIZE), (2, 8, _SIZE), (2, _SIZE, 32, 32), (2, 3, 32, 32)):
        if shape not in seen:
            yield floats(*shape)


_MOST_TRIED = 8


def _shapes(layer: nn.Module) -> tuple[tuple[int, ...], ...]:
    if isinstance(layer, nn.Linear):
        return (2, layer.in_features), (2, 8, layer.in_features)
    if isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
        dimensions = {nn.Conv1d: 1, nn.Conv2d: 2, nn.Conv3d: 3}[
            next(kind for kind in (nn.Conv1d, nn.Conv2d, nn.Conv3d) if isinstance(layer, kind))
        ]
        return ((2, layer.in_channels, *[32] * dimensions),)
    if isinstance(layer, nn.RNNBase):
        return ((2, 8, layer.input_size),)
    if isinstance(layer, nn.MultiheadAttention):
        return ((2, 8, layer.embed_dim),)
    return ()
