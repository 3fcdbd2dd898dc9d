"""``torchlint.runtime.verify`` on the models of timm and transformers: what it finds, and whether it leaves them alone.

    python benchmarks/runtime_models.py timm
    python benchmarks/runtime_models.py transformers
    python benchmarks/runtime_models.py oneformer

timm: the smallest model of each class. transformers: each model class that ``AutoModel`` knows, with a tiny random
configuration, or with the default one on the ``meta`` device where no tiny one can be built. Models are called where the
inputs are known, and looked at otherwise. Nothing is downloaded.

The exit status is 1 where a model has an error that is not one of ``KNOWN``, where ``verify`` raises, or where a model is
not as it was before: its state is compared by hash, with the modes of its modules, its hooks and the random numbers.

``--mutants`` hides one registered layer of each model in a list, a dict, a closure and other places in turn, one
Parameter in a list and one buffer in an attribute, and asks whether each is found there. ``--only TEXT`` takes the names
that contain it, ``--sample N`` every n-th, ``--json FILE`` writes the findings.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import gc
import hashlib
import io
import json
import os
import random
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from torchlint import runtime

KNOWN = {
    ("OneFormerTransformerModule", "input_projections"): "transformers 5.23.0: a list of convolutions",
}
"""Errors that are right: class and attribute, with what is wrong there."""

SECONDS = 120
"""For one model."""

MEMORY = 16 * 10**9
"""Bytes of address space for all of it, where the system can limit that: a model that needs more is not verified."""

Inputs = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass
class Subject:
    """A model to verify, and what to call it with; ``None`` where that is not known."""

    name: str
    build: Callable[[], nn.Module]
    inputs: Callable[[nn.Module], Inputs | None]


@dataclass
class Outcome:
    """What became of one model."""

    name: str
    built: bool = False
    called: bool = False
    changed: list[str] = field(default_factory=list)
    raised: str = ""
    seconds: float = 0.0
    modules: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list)
    mutants: dict[str, bool] = field(default_factory=dict)
    not_run: list[dict[str, str]] = field(default_factory=list)


class TooLong(Exception):
    """A model took more than :data:`SECONDS`."""


@contextlib.contextmanager
def limited(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooLong(f"more than {seconds} s")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def fingerprint(model: nn.Module) -> dict[str, Any]:
    """Tensors by the bytes they have, and everything else by identity."""
    state: dict[str, Any] = {
        "python": hashlib.sha256(repr(random.getstate()).encode()).hexdigest(),
        "torch": hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest(),
    }
    for path, module in model.named_modules():
        state[f"{path} (mode)"] = module.training
        for key, value in vars(module).items():
            state[f"{path}.{key}"] = [*map(id, value.values())] if isinstance(value, dict) else id(value)
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        state[f"{name} (tensor)"] = (_bytes(tensor), tensor._version, tensor.requires_grad, id(tensor.grad))
    return state


def _bytes(tensor: torch.Tensor) -> str:
    if tensor.is_meta or isinstance(tensor, nn.UninitializedParameter):
        return "none"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = tensor.detach().contiguous().reshape(-1).view(torch.uint8)
    return hashlib.sha256(data.numpy().tobytes()).hexdigest()


class Slots:
    __slots__ = ("hidden",)

    def __init__(self, hidden: nn.Module) -> None:
        self.hidden = hidden


HIDING: dict[str, Callable[[Any], Any]] = {
    "list": lambda thing: [thing],
    "dict": lambda thing: {"hidden": thing},
    "tuple in a list": lambda thing: [(thing,)],
    "closure": lambda thing: lambda *args: thing(*args),
    "partial": lambda thing: functools.partial(print, thing),
    "slots": Slots,
}


def mutate(model: nn.Module) -> dict[str, bool]:
    """Hide a layer, a Parameter and a buffer of the model, one after the other; whether each was found."""
    found = {}
    places = [(parent, name, child) for parent in model.modules() for name, child in parent.named_children()]
    layers = [each for each in places if any(True for _ in each[2].parameters(recurse=False))]
    if layers:
        parent, name, child = random.choice(layers)
        for kind, hide in HIDING.items():
            found[kind] = _found_if_hidden(model, parent, "_modules", name, "TL001", hide(child))
        name, parameter = next(child.named_parameters(recurse=False))
        found["Parameter"] = _found_if_hidden(model, child, "_parameters", name, "TL001", [parameter])
    buffers = [
        (module, name)
        for module in model.modules()
        for name, each in module.named_buffers(recurse=False)
        if each.dim() and each.numel()
    ]
    if buffers:
        parent, name = random.choice(buffers)
        found["buffer"] = _found_if_hidden(model, parent, "_buffers", name, "TL002", getattr(parent, name))
    return found


def _found_if_hidden(
    model: nn.Module, parent: nn.Module, registry: str, name: str, code: str, kept: Any
) -> bool:
    registered = vars(parent)[registry]
    before = dict(registered)
    del registered[name]
    vars(parent)["hidden_here"] = kept
    try:
        report = runtime.verify(model, select=[code])
        return any(each.attribute == "hidden_here" for each in report.findings)
    finally:
        del vars(parent)["hidden_here"]
        registered.clear()
        registered.update(before)


def look_at(subject: Subject, mutants: bool = False) -> Outcome:
    outcome = Outcome(subject.name)
    torch.manual_seed(0)
    try:
        with limited(SECONDS), quiet():
            model = subject.build()
            inputs = subject.inputs(model)
    except Exception as error:
        outcome.raised = f"not built: {type(error).__name__}: {str(error)[:200]}"
        return outcome
    outcome.built, outcome.called = True, inputs is not None
    outcome.modules = sum(1 for _ in model.modules())
    if mutants:
        outcome.mutants = mutate(model)
        return outcome
    before = fingerprint(model)
    begun = time.perf_counter()
    try:
        with limited(SECONDS), quiet():
            report = runtime.verify(model, *(inputs or ()))
    except TooLong as error:
        outcome.raised = f"too long: {error}"
        return outcome
    except Exception:
        outcome.raised = f"verify raised: {traceback.format_exc()}"
        return outcome
    outcome.seconds = time.perf_counter() - begun
    after = fingerprint(model)
    outcome.changed = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    content = report.as_dict()
    outcome.findings, outcome.not_run = content["findings"], content["not_run"]
    return outcome


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the prints and the warnings of the models."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# -------------------------------------------------------------------------------------------------------------- timm


def timm_subjects() -> Iterator[Subject]:
    _stand_in_for_torchvision()
    import timm

    smallest: dict[str, tuple[int, str]] = {}
    for name in timm.list_models():
        with contextlib.suppress(Exception), quiet(), torch.device("meta"):
            model = timm.create_model(name, pretrained=False)
            size = sum(each.numel() for each in model.parameters())
            key = f"{type(model).__module__}.{type(model).__name__}"
            smallest[key] = min(smallest.get(key, (size, name)), (size, name))
    for _, (_, name) in sorted(smallest.items()):
        yield Subject(name, lambda name=name: timm.create_model(name, pretrained=False), _timm_inputs)


def _timm_inputs(model: nn.Module) -> Inputs:
    size = getattr(model, "default_cfg", {}).get("input_size", (3, 224, 224))
    return (torch.randn(2, *size),), {}


def _stand_in_for_torchvision() -> None:
    """A torchvision without its compiled operators can be imported where some of them are declared."""
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [each for each in sys.modules if each.startswith("torchvision")]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _kept.append(library)


_kept: list[Any] = []


# ------------------------------------------------------------------------------------------------------ transformers

_TINY = {
    "hidden_size": 32, "d_model": 32, "dim": 32, "n_embd": 32, "embed_dim": 32, "embedding_size": 32,
    "num_hidden_layers": 2, "num_layers": 2, "n_layer": 2, "n_layers": 2, "encoder_layers": 2, "decoder_layers": 2,
    "num_encoder_layers": 2, "num_decoder_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 4, "n_head": 4,
    "n_heads": 4, "num_heads": 4, "encoder_attention_heads": 4, "decoder_attention_heads": 4, "head_dim": 8, "d_kv": 8,
    "intermediate_size": 64, "d_ff": 64, "ffn_dim": 64, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "n_inner": 64,
    "hidden_dim": 64, "moe_intermediate_size": 32, "num_experts": 4, "num_local_experts": 4, "n_routed_experts": 4,
    "vocab_size": 128, "image_size": 32, "patch_size": 8, "max_position_embeddings": 64, "projection_dim": 32,
}  # fmt: skip
_TOKENS = (
    "pad_token_id",
    "bos_token_id",
    "eos_token_id",
    "decoder_start_token_id",
    "unk_token_id",
    "sep_token_id",
)


def transformers_subjects() -> Iterator[Subject]:
    _stand_in_for_torchvision()
    os.environ["HF_HUB_OFFLINE"] = "1"
    import transformers
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    transformers.logging.set_verbosity_error()
    for kind in sorted(CONFIG_MAPPING.keys()):
        yield Subject(kind, lambda kind=kind: _build_transformer(kind), _transformer_inputs)


def _build_transformer(kind: str) -> nn.Module:
    from transformers import AutoModel
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    try:
        config = CONFIG_MAPPING[kind]()
        _shrink(config)
        with torch.device("meta"):
            size = sum(each.numel() for each in AutoModel.from_config(config).parameters())
        if size > 50_000_000:
            raise ValueError("not tiny")
        return AutoModel.from_config(config)
    except Exception:
        with torch.device("meta"):
            return AutoModel.from_config(CONFIG_MAPPING[kind]())


def _shrink(config: Any) -> None:
    for name, value in list(vars(config).items()):
        if hasattr(value, "to_dict"):
            _shrink(value)
        elif name in _TINY and isinstance(value, int) and not isinstance(value, bool) and value > _TINY[name]:
            setattr(config, name, _TINY[name])
        elif name in _TOKENS and isinstance(value, int):
            setattr(config, name, min(value, 1))


def _transformer_inputs(model: Any) -> Inputs | None:
    if next(iter(model.parameters())).is_meta:
        return None
    name = getattr(model, "main_input_name", "input_ids")
    if name == "input_ids":
        return (), {"input_ids": torch.randint(3, 100, (2, 8))}
    if name == "pixel_values":
        size = getattr(model.config, "image_size", 64)
        side = size if isinstance(size, int) else 64
        return (), {"pixel_values": torch.randn(2, getattr(model.config, "num_channels", 3), side, side)}
    return None


def oneformer_subjects() -> Iterator[Subject]:
    """The true bug: with ``enforce_input_proj``, three convolutions are in a plain list."""
    _stand_in_for_torchvision()
    from transformers import OneFormerConfig
    from transformers.models.oneformer.modeling_oneformer import OneFormerTransformerModule

    for enforced in (False, True):
        yield Subject(
            f"OneFormerTransformerModule, enforce_input_proj={enforced}",
            lambda enforced=enforced: OneFormerTransformerModule(
                256, OneFormerConfig(enforce_input_proj=enforced)
            ),
            lambda _: None,
        )


# ------------------------------------------------------------------------------------------------------------ report

SUBJECTS = {"timm": timm_subjects, "transformers": transformers_subjects, "oneformer": oneformer_subjects}


def is_known(finding: dict[str, Any]) -> bool:
    return (finding["owner"].rpartition(".")[2], finding["attribute"]) in KNOWN


def problems(outcomes: Sequence[Outcome]) -> Iterator[str]:
    for each in outcomes:
        if each.raised.startswith(("verify", "too long")):
            yield f"{each.name}: {each.raised}"
        if each.changed:
            yield f"{each.name}: changed: {', '.join(each.changed[:5])}"
        missed = [kind for kind, found in each.mutants.items() if not found]
        if missed:
            yield f"{each.name}: not found when hidden: {', '.join(missed)}"
        for finding in each.findings:
            if finding["severity"] == "error" and not is_known(finding):
                yield f"{each.name}: {finding['code']} {finding['path']}: {finding['message']}"


def summary(outcomes: Sequence[Outcome]) -> Iterator[str]:
    built = [each for each in outcomes if each.built]
    yield f"{len(outcomes)} models, {len(built)} built, {sum(each.called for each in built)} called"
    ran = [
        each
        for each in built
        if each.called and not any(n["check"].startswith("forward") for n in each.not_run)
    ]
    yield f"{len(ran)} ran in both modes, {sum(not each.changed for each in built)} of {len(built)} unchanged"
    counts = Counter((finding["code"], finding["severity"]) for each in built for finding in each.findings)
    yield (
        ", ".join(f"{code} {severity}: {count}" for (code, severity), count in sorted(counts.items()))
        or "no findings"
    )
    seconds = sorted(each.seconds for each in built)
    if seconds:
        yield f"verify took {sum(seconds):.0f} s in all, {seconds[len(seconds) // 2] * 1000:.0f} ms in the median"
    errors = [finding for each in built for finding in each.findings if finding["severity"] == "error"]
    for finding in filter(is_known, errors):
        yield f"known and confirmed: {finding['message']} ({', '.join(finding['paths'])})"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("models", choices=SUBJECTS)
    parser.add_argument("--only", default="", help="names that contain this")
    parser.add_argument("--mutants", action="store_true", help="hide layers, and ask whether they are found")
    parser.add_argument("--sample", type=int, default=1, help="every n-th model")
    parser.add_argument("--json", help="write what was found to this file")
    parser.add_argument("--verbose", action="store_true", help="a line for each model")
    options = parser.parse_args(arguments)
    with contextlib.suppress(ImportError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    subjects = [each for each in SUBJECTS[options.models]() if options.only in each.name][:: options.sample]
    outcomes = []
    for subject in subjects:
        outcome = look_at(subject, options.mutants)
        outcomes.append(outcome)
        if options.verbose:
            words = outcome.raised[:100] or f"{outcome.seconds:.2f} s, {len(outcome.findings)} findings"
            print(f"{outcome.name}: {words}", file=sys.stderr, flush=True)
        gc.collect()
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:  # noqa: PTH123
            json.dump([vars(each) for each in outcomes], file, indent=1)
    print(*summary(outcomes), sep="\n")
    found = list(problems(outcomes))
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
