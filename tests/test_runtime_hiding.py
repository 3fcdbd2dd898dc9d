"""Where a model may hide a layer or a weight: every place is found with the right code and path, clean ones are silent."""

from __future__ import annotations

import collections
import functools
import itertools
import operator
import queue
import threading
import types
import warnings
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

from torchlint import runtime  # noqa: E402


def layer() -> nn.Module:
    return nn.Linear(4, 4)


def weight() -> torch.Tensor:
    return nn.Parameter(torch.ones(4))


class Net(nn.Module):
    """A registered layer, and whatever ``hide`` adds."""

    def __init__(self, hide: Callable[[Any], None] = lambda self: None) -> None:
        super().__init__()
        self.body = nn.Linear(4, 4)
        hide(self)

    def forward(self, x):
        return self.body(x)


def found(report: runtime.Report, code: str | None = None, least: str = "warning") -> list[runtime.Finding]:
    return [each for each in report.at_least(least) if code in (None, each.code)]


# ----------------------------------------------------------------------------------------------------- hidden modules


class Pair(NamedTuple):
    first: Any
    second: Any = None


@dataclass
class Heads:
    main: Any
    rest: list[Any] = field(default_factory=list)


class Slotted:
    __slots__ = ("inner",)

    def __init__(self, inner: Any) -> None:
        self.inner = inner


class Helper:
    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def run(self, x: Any) -> Any:
        return self.inner(x)


class Hiding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = [layer()]


class Bag(list):
    pass


class WithClassAttribute(Net):
    shared = nn.Linear(4, 4)


class WithClassList(Net):
    shared = [nn.Linear(4, 4)]  # noqa: RUF012


class WithDefault(Net):
    def forward(self, x, extra=nn.Linear(4, 4)):  # noqa: B008
        return extra(self.body(x))


class WithCache(Net):
    def __init__(self) -> None:
        super().__init__()
        self.table(4)

    @functools.lru_cache(maxsize=4)  # noqa: B019
    def table(self, width):
        return nn.Linear(width, width)


class WithCachedProperty(Net):
    def __init__(self) -> None:
        super().__init__()
        assert self.extra

    @functools.cached_property
    def extra(self):
        return [nn.Linear(4, 4)]


def over(made: nn.Module) -> type[Net]:
    class Closed(Net):
        def forward(self, x):
            return made(self.body(x))

    return Closed


def as_closure(model: Any) -> None:
    made = layer()
    model.run = lambda x: made(x)


def as_attribute_of_a_function(model: Any) -> None:
    def run(x: Any) -> Any:
        return run.inner(x)

    run.inner = layer()
    model.run = run


def cyclic(model: Any) -> None:
    ring: list[Any] = []
    ring.append([ring, {"deep": (ring, layer())}])
    model.ring = ring


def with_default(made: Any) -> Callable[..., Any]:
    def run(*args: Any, extra: Any = made) -> Any:
        return None

    return run


def setter(name: str, make: Callable[[], Any]) -> Callable[[Any], None]:
    return lambda model: setattr(model, name, make())


def nested() -> Any:
    return {"a": [{"b": (1, [layer()])}]}


def counted() -> Any:
    made = collections.defaultdict(list)
    made["x"].append(layer())
    return made


def queued() -> Any:
    made: queue.Queue[Any] = queue.Queue()
    made.put(layer())
    return made


def local() -> Any:
    made = threading.local()
    made.layer = layer()
    return made


def object_array() -> Any:
    numpy = pytest.importorskip("numpy")
    made = numpy.empty(1, dtype=object)
    made[0] = layer()
    return made


PLACES: dict[str, tuple[Callable[[Any], None], str]] = {
    "list": (setter("heads", lambda: [layer()]), "heads[0]"),
    "second of a list": (setter("heads", lambda: [None, layer()]), "heads[1]"),
    "tuple": (setter("heads", lambda: (layer(),)), "heads[0]"),
    "set": (setter("heads", lambda: {layer()}), "heads{0}"),
    "frozenset": (setter("heads", lambda: frozenset({layer()})), "heads{0}"),
    "deque": (setter("heads", lambda: collections.deque([layer()])), "heads[0]"),
    "subclass of list": (setter("heads", lambda: Bag([layer()])), "heads[0]"),
    "dict": (setter("heads", lambda: {"a": layer()}), "heads['a']"),
    "dict with numbers": (setter("heads", lambda: {3: layer()}), "heads[3]"),
    "dict with pairs": (setter("heads", lambda: {(0, "a"): layer()}), "heads[(0, 'a')]"),
    "OrderedDict": (setter("heads", lambda: collections.OrderedDict(a=layer())), "heads['a']"),
    "defaultdict": (setter("heads", counted), "heads['x'][0]"),
    "keys of a dict": (setter("heads", lambda: {layer(): 1}), "heads.keys()[0]"),
    "mapping proxy": (setter("heads", lambda: types.MappingProxyType({"a": layer()})), "heads<0>['a']"),
    "ChainMap": (setter("heads", lambda: collections.ChainMap({"a": layer()})), "heads.maps[0]['a']"),
    "UserDict": (setter("heads", lambda: collections.UserDict(a=layer())), "heads.data['a']"),
    "list in list in dict": (setter("heads", nested), "heads['a'][0]['b'][1][0]"),
    "namedtuple": (setter("heads", lambda: Pair(None, layer())), "heads.second"),
    "dataclass": (setter("heads", lambda: Heads(layer())), "heads.main"),
    "list in dataclass": (setter("heads", lambda: Heads(None, [layer()])), "heads.rest[0]"),
    "slots": (setter("heads", lambda: Slotted(layer())), "heads.inner"),
    "helper object": (setter("heads", lambda: Helper(layer())), "heads.inner"),
    "helper in a helper": (setter("heads", lambda: Helper(Helper([layer()]))), "heads.inner.inner[0]"),
    "SimpleNamespace": (setter("heads", lambda: types.SimpleNamespace(a=layer())), "heads.a"),
    "weak value": (setter("heads", lambda: Helper((layer(), weakref.ref(layer())))), "heads.inner[0]"),
    "queue": (setter("heads", queued), "heads.queue[0]"),
    "array of objects": (setter("heads", object_array), "heads.tolist()[0]"),
    "threading.local": (setter("heads", local), "heads.layer"),
    "view of a dict": (setter("heads", lambda: {"a": layer()}.values()), "heads<0>['a']"),
    "methodcaller": (setter("heads", lambda: operator.methodcaller("forward", layer())), "heads<1>[0]"),
    "in modules that hide it": (setter("heads", lambda: [Hiding()]), "heads[0].layers[0]"),
    "ParameterList": (setter("heads", lambda: [nn.ParameterList([torch.ones(4, 5)])]), "heads[0]"),
    "iterator": (setter("heads", lambda: itertools.cycle([layer()])), "heads<0><0>[0]"),
    "closure": (as_closure, "run.__closure__[0].cell_contents"),
    "default argument": (setter("run", lambda: with_default(layer())), "run.__kwdefaults__['extra']"),
    "attribute of a function": (as_attribute_of_a_function, "run.inner"),
    "partial function": (setter("run", lambda: functools.partial(layer())), "run.func"),
    "partial argument": (setter("run", lambda: functools.partial(print, layer())), "run.args[0]"),
    "partial keyword": (setter("run", lambda: functools.partial(print, end=layer())), "run.keywords['end']"),
    "bound method": (setter("run", lambda: layer().forward), "run.__self__"),
    "bound method of a helper": (setter("run", lambda: Helper(layer()).run), "run.__self__.inner"),
    "object.__setattr__": (lambda model: object.__setattr__(model, "raw", layer()), "raw"),
    "__dict__": (lambda model: model.__dict__.update(raw=layer()), "raw"),
    "cycle": (cyclic, "ring[0][1]['deep'][1]"),
    "in a submodule": (lambda model: setattr(model.body, "extra", [layer()]), "body.extra[0]"),
    "hook": (lambda model: model.register_forward_hook(with_default(layer())), None),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_layer_is_found_wherever_it_is(name: str) -> None:
    hide, path = PLACES[name]
    report = runtime.verify(Net(hide))
    (finding,) = found(report)
    assert (finding.code, finding.severity) == ("TL001", "error")
    assert finding.type == ("ParameterList" if name == "ParameterList" else "Linear")
    assert finding.numel == 20
    assert finding.owner == (
        "torch.nn.modules.linear.Linear" if name == "in a submodule" else f"{__name__}.Net"
    )
    if path is not None:
        assert finding.path == path
        assert path.startswith(finding.attribute) or name == "in a submodule"
    assert "20 parameters" in finding.message


@pytest.mark.parametrize(
    "name", ["list", "dict", "dataclass", "closure", "partial argument", "bound method", "__dict__"]
)
def test_paths_are_python(name: str) -> None:
    """What a path says can be pasted behind the model."""
    hide, _ = PLACES[name]
    model = Net(hide)
    (finding,) = found(runtime.verify(model))
    assert isinstance(eval(f"model.{finding.path}"), nn.Linear)


@pytest.mark.parametrize(
    ("cls", "path"),
    [
        (WithClassAttribute, "shared"),
        (WithClassList, "shared[0]"),
        (WithDefault, "forward.__defaults__[0]"),
        (WithCache, "table()"),
        (WithCachedProperty, "extra[0]"),
        (over(nn.Linear(4, 4)), "forward.__closure__[0].cell_contents"),
    ],
)
def test_a_layer_is_found_on_the_class(cls: type[Net], path: str) -> None:
    (finding,) = found(runtime.verify(cls()))
    assert finding.code == "TL001"
    assert finding.path.startswith(path)


def test_parameters_of_every_kind_are_found() -> None:
    def hide(model: Any) -> None:
        model.listed = [weight(), weight()]
        model.pool = {weight()}
        object.__setattr__(model, "raw", weight())

    findings = found(runtime.verify(Net(hide)))
    assert {(each.code, each.path, each.count, each.numel) for each in findings} == {
        ("TL001", "listed[0]", 2, 8),
        ("TL001", "pool{0}", 1, 4),
        ("TL001", "raw", 1, 4),
    }
    assert next(each for each in findings if each.attribute == "listed").paths == ("listed[0]", "listed[1]")


def test_trainable_tensors_are_found() -> None:
    def hide(model: Any) -> None:
        model.bias = torch.zeros(4, requires_grad=True)
        model.scales = [torch.ones(2, requires_grad=True)]

    findings = found(runtime.verify(Net(hide)))
    assert {(each.code, each.path, each.severity) for each in findings} == {
        ("TL002", "bias", "error"),
        ("TL002", "scales[0]", "error"),
    }


@pytest.mark.parametrize(
    "make",
    [
        lambda: weight() * 0.1,
        lambda: weight().double(),
        lambda: weight().view(2, 2),
        lambda: -weight(),
        lambda: weight().unsqueeze(0).expand(3, 4),
        lambda: torch.stack([weight(), weight()]),
        lambda: torch.zeros(4, requires_grad=True) * 0.1,
    ],
)
def test_lost_parameters_are_found(make: Callable[[], Any]) -> None:
    (finding,) = found(runtime.verify(Net(setter("scale", make))))
    assert (finding.code, finding.path, finding.severity) == ("TL005", "scale", "error")


def test_lost_parameters_are_found_in_a_list() -> None:
    (finding,) = found(runtime.verify(Net(setter("scales", lambda: [weight() * 0.1, weight() * 0.2]))))
    assert (finding.code, finding.path, finding.count) == ("TL005", "scales[0]", 2)


# ---------------------------------------------------------------------------------------- what an input has to show


CACHE: dict[str, nn.Module] = {}
TABLES: list[torch.Tensor] = []


@functools.cache
def positions(count: int) -> torch.Tensor:
    return torch.arange(count, dtype=torch.float32)


class UsesGlobalLayer(Net):
    def forward(self, x):
        if "head" not in CACHE:
            CACHE["head"] = nn.Linear(4, 4)
        return CACHE["head"](self.body(x))


class UsesGlobalWeight(Net):
    def forward(self, x):
        if not TABLES:
            TABLES.append(nn.Parameter(torch.ones(4)))
        return self.body(x) * TABLES[0]


class UsesCachedTable(Net):
    def forward(self, x):
        return self.body(x) + positions(4)


class UsesPlainTable(Net):
    def __init__(self) -> None:
        super().__init__()
        self.table = torch.linspace(0, 1, 4)
        self.moved = torch.linspace(0, 1, 4)
        self.unused = torch.linspace(0, 1, 4)

    def forward(self, x):
        return self.body(x) + self.table + self.moved.to(x.device)


def test_a_layer_in_a_global_is_found_when_it_is_called() -> None:
    CACHE.clear()
    CACHE["head"] = nn.Linear(4, 4)
    (finding,) = found(runtime.verify(UsesGlobalLayer(), (torch.ones(2, 4),)))
    assert (finding.code, finding.path, finding.severity) == ("TL001", "CACHE['head']", "error")
    assert "the global `CACHE`" in finding.message


def test_a_weight_in_a_global_is_found_when_it_is_used() -> None:
    TABLES[:] = [nn.Parameter(torch.ones(4))]
    (finding,) = found(runtime.verify(UsesGlobalWeight(), (torch.ones(2, 4),)))
    assert (finding.code, finding.path) == ("TL001", "TABLES[0]")


def test_a_table_in_a_cache_is_found_when_it_stays_behind() -> None:
    for _ in range(2):  # with an empty cache and with a full one
        (finding,) = found(runtime.verify(UsesCachedTable(), (torch.ones(2, 4),)))
        assert (finding.code, finding.severity) == ("TL002", "error")
        assert finding.path.startswith("positions()")
        assert finding.evidence["device"] == "meta"


def test_a_layer_that_a_call_adds_to_a_list_is_found() -> None:
    class Grows(Net):
        def forward(self, x):
            if not self.heads:
                self.heads.append(nn.Linear(4, 4))
            return self.heads[0](self.body(x))

    model = Grows(setter("heads", list))
    (finding,) = found(runtime.verify(model, (torch.ones(2, 4),)))
    assert (finding.code, finding.path, finding.attribute) == ("TL001", "heads[0]", "heads")
    assert model.heads == []


def test_a_plain_tensor_is_an_error_only_where_moving_breaks() -> None:
    report = runtime.verify(UsesPlainTable(), (torch.ones(2, 4),))
    assert {(each.path, each.severity) for each in report.findings} == {
        ("table", "error"),
        ("moved", "note"),
        ("unused", "note"),
    }
    assert report.devices == {"cpu": "run", "meta": "simulated"}
    (error,) = found(report)
    assert error.evidence["device"] == "simulated"
    assert "`add`" in error.message
    assert f"{__file__}:" in error.message


def test_evidence_says_what_was_seen() -> None:
    class Calls(Net):
        def forward(self, x):
            return self.heads[0](self.body(x))

    unused = runtime.verify(Net(setter("heads", lambda: [layer()])), (torch.ones(2, 4),)).findings[0]
    used = runtime.verify(Calls(setter("heads", lambda: [layer()])), (torch.ones(2, 4),)).findings[0]
    looked_at = runtime.verify(Net(setter("heads", lambda: [layer()]))).findings[0]
    assert [each.evidence["called"] for each in (looked_at, unused, used)] == [None, False, True]
    assert [each.evidence["in_graph"] for each in (looked_at, unused, used)] == [None, False, True]
    assert used.evidence["moved"] is False


# ----------------------------------------------------------------------------------------------------- what is meant


def test_a_frozen_teacher_is_a_note() -> None:
    teacher = layer().requires_grad_(False)
    report = runtime.verify(Net(lambda model: model.__dict__.update(teacher=teacher)))
    assert [(each.code, each.severity) for each in report.findings] == [("TL001", "note")]


def test_dropout_in_a_list_is_a_warning() -> None:
    report = runtime.verify(Net(setter("drops", lambda: [nn.Dropout(0.5), nn.ReLU()])), (torch.ones(2, 4),))
    assert [(each.code, each.severity, each.path) for each in report.findings] == [
        ("TL001", "warning", "drops[0]")
    ]


def test_a_layer_that_the_optimizer_has_is_a_warning() -> None:
    model = Net(setter("heads", lambda: [layer()]))
    optimizer = torch.optim.SGD([*model.parameters(), *model.heads[0].parameters()], lr=0.1)
    (finding,) = runtime.verify(model, optimizer=optimizer).findings
    assert (finding.code, finding.severity) == ("TL001", "warning")
    assert "not move or save" in finding.message


def test_a_tensor_that_an_optimizer_of_the_model_trains_is_a_note() -> None:
    def hide(model: Any) -> None:
        model.delta = torch.zeros(4, requires_grad=True)
        model.optimizer = torch.optim.SGD([model.delta], lr=0.1)

    assert [(each.code, each.severity) for each in runtime.verify(Net(hide)).findings] == [("TL002", "note")]


def test_what_overridden_methods_list_is_believed() -> None:
    class Lists(Net):
        def named_parameters(self, *args, **kwargs):
            yield from super().named_parameters(*args, **kwargs)
            yield from self.heads[0].named_parameters("heads")

    (finding,) = runtime.verify(Lists(setter("heads", lambda: [layer()]))).findings
    assert finding.severity == "warning"
    assert "will not move or save" in finding.message
    assert finding.evidence["in_parameters"] is True


def test_lazy_layers_in_a_list() -> None:
    (finding,) = found(runtime.verify(Net(setter("heads", lambda: [nn.LazyLinear(4)]))))
    assert (finding.code, finding.severity) == ("TL001", "error")
    assert "not made yet" in finding.message


def test_instances_that_their_class_lists_are_not_hidden() -> None:
    class Listed(Net):
        instances: list[Any] = []  # noqa: RUF012

        def __init__(self) -> None:
            super().__init__()
            self.instances.append(self)

    Listed()
    assert not runtime.verify(Listed()).findings


def test_an_apply_of_the_users_own_moves() -> None:
    class Moves(Net):
        def _apply(self, fn, recurse=True):
            super()._apply(fn, recurse)
            self.table = fn(self.table)
            return self

    assert not runtime.verify(Moves(setter("table", lambda: torch.ones(4)))).findings


def test_findings_of_many_instances_are_one() -> None:
    blocks = nn.Sequential(*(Net(setter("heads", lambda: [layer(), layer()])) for _ in range(3)))
    (finding,) = found(runtime.verify(blocks))
    assert (finding.path, finding.count, finding.numel) == ("0.heads[0]", 6, 120)
    assert finding.paths[-1] == "2.heads[1]"


def test_the_line_is_the_one_that_assigns() -> None:
    class Assigned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.heads = []  # here
            for _ in range(2):
                self.heads.append(nn.Linear(4, 4))

    class Derived(Assigned):
        pass

    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    here = next(number for number, line in enumerate(lines, start=1) if line.endswith("  # here"))
    finding = found(runtime.verify(Derived()))[0]
    assert finding.assigned == f"{__file__}:{here}"
    assert finding.owner.endswith("Derived")
    assert finding.assigned_in.endswith("Assigned")


def test_the_line_is_found_in_a_decorated_class() -> None:
    class Decorated(nn.Module):
        @torch.no_grad()
        def __init__(self) -> None:
            super().__init__()
            self.heads = [nn.Linear(4, 4)]

        @torch.no_grad()
        def forward(self, x):
            return x

    assert f"{__file__}:" in (found(runtime.verify(Decorated()))[0].assigned or "")


def test_trace_gives_the_line_that_creates() -> None:
    with runtime.trace():
        model = Net(setter("heads", lambda: [layer()]))
    here = layer.__code__.co_firstlineno + 1
    assert found(runtime.verify(model))[0].created == f"{__file__}:{here}"
    assert found(runtime.verify(Net(setter("heads", lambda: [layer()]))))[0].created is None


# ------------------------------------------------------------------------------------------------------ clean models


class Aliases(Net):
    """The same modules twice: registered, and listed for convenience."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = [self.body]
        self.named = {"body": self.body, "weight": self.body.weight}
        self.view = self.body.weight[:2]
        self.data = self.body.weight.detach()
        self.__dict__["me"] = self
        self.activations = [nn.ReLU(), nn.GELU(), nn.Identity()]
        self.run = lambda x: self.body(x)
        self.method = self.body.forward


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(5, 4)
        self.out = nn.Linear(4, 5, bias=False)
        self.out.weight = self.embed.weight

    def forward(self, x):
        return self.out(self.embed(x))


class HoldsOptimizer(Net):
    def __init__(self) -> None:
        super().__init__()
        self.optimizer = torch.optim.Adam(self.parameters())
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, 1)
        self.data = torch.utils.data.TensorDataset(torch.ones(8, 4))
        self.loader = torch.utils.data.DataLoader(self.data)


class Child(nn.Module):
    def __init__(self, parent: nn.Module) -> None:
        super().__init__()
        self.__dict__["parent"] = parent
        self.fc = nn.Linear(4, 4)


class Parent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.other = nn.Linear(4, 4)
        self.child = Child(self)


class Hostile(Net):
    def __init__(self) -> None:
        super().__init__()
        self.evils = [Evil()]  # nn.Module itself cannot have one as an attribute

    def __getattr__(self, name):
        if name.startswith("no_"):
            raise RuntimeError("hostile")
        return super().__getattr__(name)


class Evil:
    def __getattribute__(self, name):
        raise RuntimeError("hostile")

    def __eq__(self, other):
        raise RuntimeError("hostile")

    __hash__ = None


class Endless:
    def __getattr__(self, name):
        return Endless()

    def __iter__(self):
        return itertools.count()

    def __len__(self):
        return 10**9


def pruned() -> nn.Module:
    from torch.nn.utils import prune

    model = Net()
    prune.l1_unstructured(model.body, "weight", amount=0.5)
    return model


def weight_norm() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nn.Sequential(nn.utils.weight_norm(nn.Linear(4, 4)))


def parametrized() -> nn.Module:
    return nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)))


def spectral_norm() -> nn.Module:
    return nn.Sequential(nn.utils.spectral_norm(nn.Linear(4, 4)))


def quantized() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(Net(), {nn.Linear})


def scripted() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.script(nn.Sequential(nn.Linear(4, 4), nn.ReLU()))


def traced() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.trace(Net(), torch.ones(2, 4))


def holding(**values: Any) -> Callable[[], nn.Module]:
    return lambda: Net(lambda model: [setattr(model, name, value) for name, value in values.items()])


CLEAN: dict[str, Callable[[], nn.Module]] = {
    "plain": Net,
    "aliases": Aliases,
    "LSTM": lambda: nn.LSTM(4, 4, 2),
    "MultiheadAttention": lambda: nn.MultiheadAttention(4, 2),
    "Transformer": lambda: nn.Transformer(4, 2, 1, 1, 8, batch_first=True),
    "ParameterList": lambda: nn.ParameterList([weight(), weight()]),
    "ModuleDict": lambda: nn.ModuleDict({"a": layer()}),
    "weight_norm": weight_norm,
    "parametrizations": parametrized,
    "spectral_norm": spectral_norm,
    "pruned": pruned,
    "lazy": lambda: nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d()),
    "script": scripted,
    "trace": traced,
    "compile": lambda: torch.compile(Net()),
    "fx": lambda: torch.fx.symbolic_trace(Net()),
    "quantized": quantized,
    "DataParallel": lambda: nn.DataParallel(Net()),
    "AveragedModel": lambda: torch.optim.swa_utils.AveragedModel(Net()),
    "tied": Tied,
    "optimizer": HoldsOptimizer,
    "parent": Parent,
    "part of a parent": lambda: Parent().child,
    "hostile": Hostile,
    "endless": holding(endless=Endless()),
    "placeholders": holding(empty=torch.Tensor(), scalar=torch.tensor(1.0), count=torch.tensor(3)),
    "many numbers": holding(numbers=list(range(300_000))),
    "weak reference": lambda: Net(lambda model: setattr(model, "other", weakref.ref(layer()))),
    "types": holding(kinds=[nn.Linear, nn.Conv2d], act=F.relu, make=functools.partial(nn.Linear, 4)),
}


@pytest.mark.parametrize("name", CLEAN)
def test_clean_models_are_silent(name: str) -> None:
    report = runtime.verify(CLEAN[name]())
    assert not found(report), str(report)
    assert not [each for each in report.findings if each.code in ("TL001", "TL002", "TL005")], str(report)
    runtime.assert_registered(CLEAN[name]())


CALLED = (
    "plain", "aliases", "weight_norm", "parametrizations", "spectral_norm", "pruned", "lazy", "compile", "fx", "script",
    "DataParallel", "AveragedModel", "optimizer", "hostile",
)  # fmt: skip


@pytest.mark.parametrize("name", CALLED)
def test_clean_models_are_silent_when_they_are_called(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = runtime.verify(CLEAN[name](), (torch.ones(3, 4),))
    assert not found(report), str(report)
    assert not [each for each in report.not_run if each.check.startswith("forward")], str(report)


def test_module_that_never_called_super_init() -> None:
    class Broken(nn.Module):
        def __init__(self) -> None:
            pass

    model = nn.Sequential(nn.Linear(4, 4))
    model._modules["broken"] = Broken()
    runtime.verify(model)


@pytest.fixture
def one_process(tmp_path):
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("one_process")
def test_ddp_is_silent() -> None:
    model = nn.parallel.DistributedDataParallel(Net())
    assert not found(runtime.verify(model, (torch.ones(3, 4),)))


@pytest.mark.usefixtures("one_process")
@pytest.mark.filterwarnings("ignore")
def test_fsdp_is_silent() -> None:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard

    sharded = Net(setter("heads", lambda: [layer()]))
    fully_shard(sharded, mesh=init_device_mesh("cpu", (1,)))
    wrapped = FullyShardedDataParallel(Net(), device_id=torch.device("cpu"), use_orig_params=True)
    assert not runtime.verify(wrapped, (torch.ones(3, 4),)).findings
    report = runtime.verify(sharded, (torch.ones(3, 4),))
    assert [each.path for each in report.findings] == ["heads[0]"]
    assert "before it is wrapped" in str(report)


def test_ten_thousand_modules() -> None:
    model = nn.Sequential(*(nn.Identity() for _ in range(10_000)))
    model[9_999].extra = [layer()]
    assert found(runtime.verify(model))[0].path == "9999.extra[0]"


def test_what_is_too_large_is_said() -> None:
    model = Net(setter("numbers", lambda: list(range(200_000))))
    assert "numbers" in " ".join(runtime.verify(model).truncated)
