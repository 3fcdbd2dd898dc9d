"""Programs in which a module, Parameter or tensor takes a way that a quick reader misses; each has a finding."""

from __future__ import annotations

from textwrap import dedent, indent

_HEAD = """\
import copy
import functools
import torch
import torch.nn.functional as F
from torch import nn
"""
_LOOP = """\
for layer in self.layers:
    x = layer(x)
return x
"""


def net(init: str, forward: str = _LOOP, before: str = "", members: str = "", head: str = _HEAD) -> str:
    """A module with this in ``__init__`` and ``forward``, with code above it and other members."""
    start = "super().__init__()\n" + dedent(init)
    methods = f"def __init__(self):\n{indent(start, '    ')}\ndef forward(self, x):\n{indent(dedent(forward), '    ')}"
    body = indent(f"{dedent(members)}\n{methods}", "    ")
    return f"{head}\n{dedent(before)}\n\nclass Net(nn.Module):\n{body}\n"


def runs(statement: str, before: str = "", members: str = "", init: str = "self.fc = nn.Linear(8, 8)") -> str:
    """The same with one statement in ``forward``."""
    return net(init, f"{dedent(statement)}\nreturn x", before, members)


LISTS = {
    "two names for one list": net("""
        a = b = []
        a.append(nn.Linear(8, 8))
        self.layers = b
    """),
    "growth through another name": net("""
        self.layers = []
        same = self.layers
        same.append(nn.Linear(8, 8))
    """),
    "growth in a loop over two lists": net("""
        self.layers, self.others = [], []
        for each in (self.layers, self.others):
            each.append(nn.Linear(8, 8))
    """),
    "growth through an attribute that shares": net("""
        self.layers = []
        self.same = self.layers
        self.same += [nn.Linear(8, 8)]
    """),
    "growth through what a closure returns": net("""
        layers = []
        def get():
            return layers
        found = get()
        found.append(nn.Linear(8, 8))
        self.layers = layers
    """),
    "growth through a shallow copy by another name": net(
        """
        layers = []
        same = dup(layers)
        same.append(nn.Linear(8, 8))
        self.layers = layers
    """,
        before="from copy import copy as dup",
    ),
    "growth through a method": net(
        """
        self.layers = []
        self.get().append(nn.Linear(8, 8))
        same = self.get()
        same.append(nn.Linear(8, 8))
    """,
        members="def get(self):\n    return self.layers",
    ),
    "growth with keywords": net("""
        body = nn.Sequential()
        body.add_module(name="a", module=nn.Linear(8, 8))
        self.layers = [body[0]]
    """),
    "growth with a starred argument": net("""
        self.layers = []
        self.layers.append(*[nn.Linear(8, 8)])
    """),
    "update with two stars": net(
        """
        blocks = {"a": nn.Linear(8, 8)}
        self.layers = {}
        self.layers.update(**blocks)
    """,
        "return self.layers['a'](x)",
    ),
    "insert and setdefault": net("""
        self.layers = {}
        self.layers.setdefault("a", []).append(nn.Linear(8, 8))
        self.layers.setdefault("b", nn.Linear(8, 8))
    """),
    "a container of the project's own": net(
        """
        blocks = Blocks([nn.Linear(8, 8)])
        self.layers = [blocks[0]]
    """,
        before="class Blocks(nn.ModuleList):\n    pass",
    ),
    "such a container that grows": net(
        """
        blocks = Blocks()
        blocks.append(nn.Linear(8, 8))
        self.layers = [blocks[0]]
    """,
        before="class Blocks(nn.ModuleList):\n    pass",
    ),
    "a container class under another name": net("""
        make = nn.Sequential
        body = make(nn.Linear(8, 8))
        self.layers = [body[0]]
    """),
    "one of two container classes": net("""
        make = nn.ModuleList if torch.cuda.is_available() else nn.ParameterList
        blocks = make([nn.Linear(8, 8)])
        self.layers = [block for block in blocks]
    """),
    "an unknown function around the iterable": net(
        """
        layers = [nn.Linear(8, 8)]
        self.layers = []
        for layer in tqdm(layers):
            self.layers.append(layer)
    """,
        before="from tqdm import tqdm",
    ),
    "an unknown function, starred": net(
        """
        self.layers = [*tqdm([nn.Linear(8, 8)])]
    """,
        before="from tqdm import tqdm",
    ),
    "a sum of unknown functions": net(
        """
        self.layers = list(tqdm([nn.Linear(8, 8)]) + tqdm([]))
    """,
        before="from tqdm import tqdm",
    ),
    "an unknown method": net("""
        self.layers = list(x.sort([nn.Linear(8, 8)]) for x in ())
        self.layers = list(torch.backends.thing([nn.Linear(8, 8)]))
    """),
    "an unknown function, kept": net(
        """
        found = tqdm([nn.Linear(8, 8)])
        self.layers = [found[0]]
    """,
        before="from tqdm import tqdm",
    ),
    "an unknown function, with a keyword": net(
        """
        self.layers = list(tqdm(iterable=[nn.Linear(8, 8)]))
    """,
        before="from tqdm import tqdm",
    ),
    "an object of the project": net(
        """
        self.layers = list(Bag([nn.Linear(8, 8)]))
    """,
        before="class Bag:\n    def __init__(self, things):\n        self.things = things",
    ),
    "enumerate under another name": net(
        """
        self.layers = []
        for _, layer in counted([nn.Linear(8, 8)]):
            self.layers.append(layer)
    """,
        before="from builtins import enumerate as counted",
    ),
    "a starred target of zip": net("""
        self.layers = []
        for _, *rest in zip("ab", [nn.Linear(8, 8)]):
            self.layers.append(rest)
    """),
    "a starred target of enumerate": net("""
        self.layers = []
        for _, *rest in enumerate([nn.Linear(8, 8)]):
            self.layers.append(rest)
    """),
    "starred unpacking": net("""
        first, *rest = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)
        self.layers = [rest]
    """),
    "the result of a function is unpacked": net(
        """
        a, b = make()
        self.layers = [b]
    """,
        before="def make():\n    return 1, nn.Linear(8, 8)",
    ),
    "the result of a method is unpacked": net(
        """
        a, b = self.make()
        self.layers = [b]
    """,
        members="def make(self):\n    return 1, nn.Linear(8, 8)",
    ),
    "walrus": net("""
        self.layers = [layer := nn.Linear(8, 8), layer]
    """),
    "partial": net("""
        make = functools.partial(nn.Linear, 8)
        self.layers = [make(8)]
    """),
    "classes chosen by if": net("""
        if torch.cuda.is_available():
            make = nn.Linear
        else:
            make = nn.Bilinear
        self.layers = [make(8, 8)]
    """),
    "a class in a dict": net("""
        kinds = {"a": nn.Linear, "b": nn.Bilinear}
        self.layers = [kinds["a"](8, 8)]
    """),
    "a class as a class attribute": net(
        """
        self.layers = [self.kind(8, 8)]
    """,
        members="kind = nn.Linear",
    ),
    "a class attribute of the same name": net(
        """
        self.layers = [self.Linear(8, 8)]
    """,
        before="from torch.nn import Linear",
        members="Linear = Linear",
    ),
    "a class in a class": net(
        """
        kinds = Kinds
        self.layers = [kinds.Layer()]
    """,
        before="""
        class Kinds:
            class Layer(nn.Linear):
                pass
    """,
    ),
    "a class in a Module class": net(
        """
        kinds = Kinds
        self.layers = [kinds.Layer()]
    """,
        before="""
        class Kinds(nn.Module):
            class Layer(nn.Linear):
                pass
    """,
    ),
    "a library in a variable": net(
        """
        library = torchvision.ops if torch.cuda.is_available() else torchvision.ops
        self.layers = [library.MLP(8, [8])]
        parts = torch.nn.modules.linear
        self.layers = [parts.Linear(8, 8)]
    """,
        before="import torchvision",
    ),
    "torch itself in a variable": net("""
        library = torch
        self.layers = [library.nn.Linear(8, 8)]
    """),
    "self under another name": net(
        """
        me = self
        self.layers = [me.make()]
    """,
        members="def make(self):\n    return nn.Linear(8, 8)",
    ),
    "self is returned": net(
        """
        self.layers = [self.chain().make()]
    """,
        members="""
        def chain(self):
            return self

        def make(self):
            return nn.Linear(8, 8)
        """,
    ),
    "a function that returns a class": net(
        """
        self.layers = [pick()(8, 8)]
    """,
        before="def pick():\n    return nn.Linear",
    ),
    "a promise of a function": net(
        """
        self.layers = [make(3)]
    """,
        before="""
        class Layer(nn.Linear):
            pass

        def make(n) -> "Layer":
            return REGISTRY[n]
    """,
    ),
    "a promise of a property": net(
        """
        self.layers = [self.layer]
    """,
        before="""
        class Layer(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(8, 8)
    """,
        members="""
        @property
        def layer(self) -> Layer:
            return self._layer
    """,
    ),
    "a property": net(
        """
        self.layers = [self.layer]
    """,
        members="""
        @property
        def layer(self):
            return nn.Linear(8, 8)
    """,
    ),
    "a module of a module": net(
        """
        self.layers = [self.other.fc]
        self.other = Other()
        self.layers = [self.other.fc]
    """,
        before="""
        class Other(nn.Module):
            def __init__(self):
                super().__init__()
                self.add_module(name="fc", module=nn.Linear(8, 8))
    """,
    ),
    "a closure": net("""
        def make():
            return [nn.Linear(8, 8)]
        self.layers = make()
    """),
    "a list of the module level": net(
        """
        self.layers = LAYERS
    """,
        before="""
        LAYERS = []
        for _ in range(3):
            LAYERS.append(nn.Linear(8, 8))
    """,
    ),
    "a closure that imports another library as nn": net("""
        def helper():
            import numpy as nn
            return nn.zeros(3)
        self.layers = [nn.Linear(8, 8)]
    """),
    "a conditional import": net("""
        if torch.cuda.is_available():
            from torch.nn import Linear as Layer
        else:
            from torch.nn import Bilinear as Layer
        self.layers = [Layer(8, 8)]
    """),
    "a name for each branch": net("""
        layers = None
        if torch.cuda.is_available():
            layers = [nn.Linear(8, 8)]
        elif torch.backends.mps.is_available():
            layers = []
        self.layers = layers
    """),
    "a try around": net("""
        try:
            layers = [nn.Linear(8, 8)]
        finally:
            pass
        self.layers = layers
    """),
    "a match": net("""
        match torch.get_num_threads():
            case 1:
                layers = [nn.Linear(8, 8)]
            case _:
                layers = [nn.Linear(8, 8), nn.Linear(8, 8)]
        self.layers = layers
    """),
    "an annotated assignment": net("""
        self.layers: list = [nn.Linear(8, 8)]
    """),
    "a copy with a keyword": net("""
        self.layers = [copy.deepcopy(x=nn.Linear(8, 8))]
    """),
    "Parameters": net(
        """
        self.layers = [nn.init.normal_(tensor=nn.Parameter(torch.zeros(8)))]
    """,
        "return x + self.layers[0]",
    ),
    "weights of a layer": net(
        """
        layer = nn.Linear(8, 8)
        self.layers = [layer.weight]
    """,
        "return x @ self.layers[0]",
    ),
    "lists that are added": net("""
        self.layers = [nn.ReLU()] + 2 * [nn.Linear(8, 8)] + []
    """),
    "a slice": net("""
        layers = [nn.Linear(8, 8) for _ in range(4)]
        self.layers = layers[1:]
    """),
    "a slice of what is not known": net(
        """
        self.layers = [*[tqdm([nn.Linear(8, 8)])[:1]]]
    """,
        before="from tqdm import tqdm",
    ),
    "chain, map and zip": net("""
        import itertools
        self.layers = list(itertools.chain([nn.ReLU()], map(lambda n: nn.Linear(n, n), [8])))
    """),
    "keywords of dict": net(
        """
        self.layers = dict(a=nn.Linear(8, 8))
    """,
        "return self.layers['a'](x)",
    ),
    "another class of the same name, below": net("self.layers = [nn.Linear(8, 8)]").replace(
        "class Net", "class Unused:\n    pass\n\n\nclass Net"
    ),
    "methods under if and elif": _HEAD
    + dedent("""
        class Net(nn.Module):
            if torch.cuda.is_available():
                def __init__(self):
                    super().__init__()
                    self.layers = []
            elif torch.backends.mps.is_available():
                def __init__(self):
                    super().__init__()
                    self.layers = [nn.Linear(8, 8)]
            else:
                def other(self):
                    pass

            def forward(self, x):
                return self.layers[0](x)
    """),
    "one of two classes of a name": _HEAD
    + "\nif torch.cuda.is_available():\n"
    + indent(net("self.layers = [nn.Linear(8, 8)]", head=""), "    ")
    + "\nelse:\n"
    + indent(net("self.layers = nn.ModuleList()", head=""), "    "),
    "a class in a method": _HEAD
    + dedent("""
        class Outer(nn.Module):
            def make(self):
                return nn.Linear(8, 8)

            def build(self):
                layer = self.make()

                class Inner(nn.Module):
                    def __init__(this):
                        super().__init__()
                        this.layers = [layer]

                    def forward(this, x):
                        return this.layers[0](x)

                return Inner()
    """),
    "given by callers": _HEAD
    + dedent("""
        class Net(nn.Module):
            def __init__(self, layers):
                super().__init__()
                self.layers = layers

            def forward(self, x):
                return [layer(x) for _, layer in enumerate(self.layers)]

        def build():
            return Net([nn.Linear(8, 8), nn.Linear(8, 8)])
    """),
    "given by callers, in a dict": _HEAD
    + dedent("""
        class Net(nn.Module):
            def __init__(self, layers):
                super().__init__()
                self.layers = layers

            def forward(self, x):
                return {name: layer(x) for name, layer in zip('ab', self.layers)}

        def build():
            return Net([nn.Linear(8, 8), nn.Linear(8, 8)])
    """),
    "given by callers, copied": _HEAD
    + dedent("""
        class Net(nn.Module):
            def __init__(self, layers):
                super().__init__()
                self.layers = tuple(layers)

            def forward(self, x):
                return pick(self.layers)[0](x)

        def build():
            return Net([nn.Linear(8, 8), nn.Linear(8, 8)])
    """),
    "given to a function that copies": net(
        """
        self.layers = as_list([nn.Linear(8, 8), nn.Linear(8, 8)])
    """,
        before="def as_list(things):\n    return list(things)",
    ),
    "given by callers, as a keyword of dict": _HEAD
    + dedent("""
        class Net(nn.Module):
            def __init__(self, layers):
                super().__init__()
                self.layers = dict(main=layers)

            def forward(self, x):
                return self.layers["main"](x)

        def build():
            return Net([nn.Linear(8, 8), nn.Linear(8, 8)])
    """),
    "a tuple of attributes": net("""
        def make():
            return nn.Linear(8, 8), nn.Linear(8, 8)
        self.layers, self.first = [make()[0]], 1
    """),
    "a list as the target of a loop": net("""
        for group in [[nn.Linear(8, 8)]]:
            self.layers = group
    """),
}


def given(keep: str, call: str, before: str = "") -> str:
    """A module that keeps the list which a caller passes."""
    init = indent("super().__init__()\n" + dedent(keep).strip(), "        ")
    forward = indent(_LOOP, "        ")
    net = f"class Net(nn.Module):\n    def __init__(self, layers):\n{init}\n\n    def forward(self, x):\n{forward}\n"
    return f"{_HEAD}\n{dedent(before)}\n{net}\n{dedent(call)}"


_KEEP = "self.layers = layers"
_GIVE = "net = Net([nn.Linear(8, 8)])"
GIVEN = {
    "given to another name of the class": given(_KEEP, "Made = Net\nnet = Made([nn.Linear(8, 8)])"),
    "given by what a function returns": given(
        _KEEP, "net = Net(made())", before="def made():\n    return [nn.Linear(8, 8)]"
    ),
    "given to a class that is kept in a class": given(
        _KEEP,
        """
        class Outer(nn.Module):
            block = Net
            def __init__(self):
                super().__init__()
                self.net = self.block([nn.Linear(8, 8)])
        """,
    ),
    "given, and kept by a closure": given("def keep():\n    self.layers = layers\nkeep()", _GIVE),
    "given, and named again where nothing is reached": given(f"{_KEEP}\nreturn\nprint(layers)", _GIVE),
    "given, among others": given("self.layers, self.size = layers, 3", _GIVE),
    "given, and kept under another name": given("kept = tuple(layers)\nself.layers = kept", _GIVE),
    "given by a method of a class in a function": given(
        _KEEP,
        """
        def make():
            class Inner:
                @staticmethod
                def go():
                    return Net([nn.Linear(8, 8)])
            return Inner
        """,
    ),
    "a variable that holds a copy": net(
        "kept = as_list([nn.Linear(8, 8)])\nself.layers = kept",
        before="def as_list(things):\n    return list(things)",
    ),
}

CALLS = {
    "a closure has a parameter F": runs("""
        def inner(F):
            return F
        x = F.dropout(x)
    """),
    "a lambda has a parameter F": runs("""
        inner = lambda F: F
        x = F.dropout(x)
    """),
    "a closure assigns F": runs("""
        def inner():
            F = 3
            return F
        x = F.dropout(x)
    """),
    "a closure imports F": runs("""
        def inner():
            import numpy as F
            return F
        x = F.dropout(x)
    """),
    "an attribute": runs("x = self.drop(x)", init="self.drop = F.dropout"),
    "an attribute of a part": runs(
        "x = self.part.drop(x)",
        before="""
        class Part(nn.Module):
            def __init__(self):
                super().__init__()
                self.drop = F.dropout
    """,
        init="self.part = Part()",
    ),
    "an attribute of a local part": runs(
        """
        part = Part()
        x = part.drop(x)
    """,
        before="""
        class Part(nn.Module):
            drop = F.dropout
    """,
    ),
    "a property": runs("x = self.drop(x)", members="@property\ndef drop(self):\n    return F.dropout"),
    "a property that is a class": runs(
        "x = self.kind(8, 8)(x)", members="@property\ndef kind(self):\n    return nn.Linear"
    ),
    "an attribute and a method": runs(
        "x = self.drop(x)",
        members="def drop(self, x):\n    return x",
        init="self.drop = F.dropout",
    ),
    "what a method returns": runs(
        "drop = self.pick()\nx = drop(x)", members="def pick(self):\n    return F.dropout"
    ),
    "what a closure returns": runs("""
        def pick():
            return F.dropout
        drop = pick()
        x = drop(x)
    """),
    "what a function returns": runs("x = pick()(x)", before="def pick():\n    return F.dropout"),
    "a copy": runs("drop = copy.copy(F.dropout)\nx = drop(x)"),
    "a partial": runs("drop = functools.partial(F.dropout, p=0.5)\nx = drop(x)"),
    "in a dict": runs("x = {'a': F.dropout}['a'](x)"),
    "in a loop": runs("for drop in (F.dropout,):\n    x = drop(x)"),
    "an alias of the module level": runs("x = drop(x)", before="drop = F.dropout"),
    "a function under an alias": runs(
        "x = same(x)", before="def drop(x):\n    return F.dropout(x)\n\nsame = drop"
    ),
    "a function as an attribute of the class": runs(
        "x = self.act(x)",
        before="def drop(x):\n    return F.dropout(x)",
        members="act = drop",
    ),
    "a function as an attribute of the base class": _HEAD
    + dedent("""
        def drop(x):
            return F.dropout(x)

        class Base(nn.Module):
            def __init__(self):
                super().__init__()
                self.act = drop

        class Net(Base):
            def forward(self, x):
                return self.act(x)
    """),
    "the rate of attention is True": runs("x = F.scaled_dot_product_attention(x, x, x, dropout_p=True)"),
    "a layer in a method that only dead code of init calls": runs(
        "x = self.build()(x)",
        members="def build(self):\n    return nn.Linear(8, 8)",
        init="if True:\n    self.fc = nn.Linear(8, 8)\nreturn\nself.build()",
    ),
    "a layer in a method that a closure with its own self calls": runs(
        "x = self.build()(x)",
        members="def build(self):\n    return nn.Linear(8, 8)",
        init="def hook(self):\n    return self.build()\nself.hook = hook",
    ),
    "a layer in a method that is called in isinstance": runs(
        "isinstance(x, self.kinds())",
        members="def kinds(self):\n    nn.Linear(8, 8)\n    return int",
    ),
    "a layer of a class in a dict": runs("x = {'a': nn.Linear}['a'](8, 8)(x)"),
    "a lambda": runs("x = (lambda x: F.dropout(x))(x)"),
    "a default": runs("def f(y=F.dropout(x)):\n    return y\nx = f()"),
    "a decorator": runs("@F.dropout(x)\ndef f():\n    pass"),
    "an f-string": runs("print(f'{F.dropout(x)}')"),
    "a weight in a container": runs("x = F.linear(x, torch.randn(8, 8))"),
    "a weight by keyword": runs("w = torch.randn(8, 8)\nx = F.linear(x, weight=w)"),
    "statistics": runs(
        "x = F.batch_norm(x, self.mean, self.var)",
        init="self.mean, self.var = torch.zeros(8), torch.ones(8)",
    ),
    "the mode as rate": runs("train = self.training\nx = F.dropout(x, self.training)"),
    "async": net("self.fc = nn.Linear(8, 8)", "return F.dropout(x)").replace(
        "def forward", "async def forward"
    ),
    "a local class": runs("""
        class Local(nn.Module):
            drop = F.dropout
        part = Local()
        x = part.drop(x)
        x = F.dropout(x)
    """),
    "a local class with the function": runs("""
        class Local(nn.Module):
            drop = F.dropout
        part = Local()
        x = part.drop(x)
    """),
}

TENSORS = {
    "a tensor that dead code sets again": net(
        "self.a = torch.zeros(8)",
        "return x + self.a",
        members="def reset(self):\n    raise NotImplementedError\n    self.a = torch.zeros(8)",
    ),
    "a tensor that dead code behind an if sets again": net(
        "self.a = torch.zeros(8)",
        "return x + self.a",
        members="""
        def reset(self):
            if self.a is None:
                return 1
            else:
                raise ValueError
            self.a = torch.zeros(8)
        """,
    ),
    "a tensor that a closure with its own self sets": net(
        "self.a = torch.zeros(8)",
        "return x + self.a",
        members="def patch(self, other):\n    def new(self, x):\n        self.a = x\n    other.new = new",
    ),
    "a tensor set by what dead code of forward calls": net(
        "self.reset()",
        "return x + self.a\nself.reset()",
        members="def reset(self):\n    self.a = torch.zeros(8)",
    ),
    "a tensor of a helper": net(
        "self.a = make(8)", "return x + self.a", before="def make(n):\n    return torch.zeros(n)"
    ),
    "a tensor of a method": net(
        "self.a = self.make(8)", "return x + self.a", members="def make(self, n):\n    return torch.zeros(n)"
    ),
    "a tensor through a name and a method": net(
        "t = torch.arange(8)\nself.a = t.float().unsqueeze(0)", "return x + self.a"
    ),
    "a tensor of data": net(
        "p = nn.Linear(8, 8).weight\nself.a = torch.cat([torch.zeros(3), torch.ones(3)])", "return x + self.a"
    ),
    "two tensors at once": net("self.a, self.b = torch.zeros(8), torch.ones(8)", "return x + self.a"),
    "a tensor chosen": net("self.a = torch.zeros(8) if True else torch.ones(8)", "return x + self.a"),
    "a tensor through self": net("self.a = torch.zeros(8)", "me = self\nreturn x + self.a"),
    "a tensor through a property": net(
        "self.a = torch.zeros(8)",
        "return x + self.b",
        members="@property\ndef b(self):\n    return self.a",
    ),
    "a lost Parameter": net("self.w = nn.Parameter(torch.zeros(8)).to('cuda')", "return x + self.w"),
    "a lost Parameter through a closure": net(
        "def f(x):\n    return nn.Parameter(x) * 2\nself.w = f(torch.zeros(8))", "return x + self.w"
    ),
    "a lost Parameter in a list": net(
        "self.w = [nn.Parameter(torch.zeros(8)).to('cuda') for _ in range(3)]", "return x + self.w[0]"
    ),
    "a lost Parameter through another name": net(
        "P = nn.Parameter\nself.w = P(torch.zeros(8)).cuda()", "return x + self.w"
    ),
    "a lost Parameter in an unknown function": net(
        "self.w = list(tqdm([nn.Parameter(torch.zeros(8)).cuda()]))",
        "return x + self.w[0]",
        before="from tqdm import tqdm",
    ),
}

CLASSES = {
    "init returns first": _HEAD
    + dedent("""
        class Net(nn.Module):
            def __init__(self):
                x = torch.zeros(3)
                return
                super().__init__()
    """),
    "a name before": _HEAD
    + dedent("""
        class Net(nn.Module):
            def __init__(self):
                self.fc = nn.Linear(8, 8)
                super().__init__()
    """),
    "super in a helper that is not called": _HEAD
    + dedent("""
        class Net(nn.Module):
            def __init__(self):
                self.fc = nn.Linear(8, 8)

            def start(self):
                super().__init__()
    """),
    "a data class": _HEAD
    + dedent("""
        import dataclasses as dc

        @dc.dataclass
        class Net(nn.Module):
            n: int = 3
    """),
    "another data class": _HEAD
    + dedent("""
        from dataclasses import dataclass as data

        @data(eq=False)
        class Net(nn.Module):
            n: int = 3
    """),
    "unbound super": _HEAD
    + dedent("""
        class Net(nn.Module):
            def __init__(self):
                super(Net).__init__()
                self.fc = nn.Linear(8, 8)
    """),
    "init under elif": _HEAD
    + dedent("""
        class Net(nn.Module):
            if torch.cuda.is_available():
                def __init__(self):
                    super().__init__()
            elif torch.backends.mps.is_available():
                def __init__(self):
                    self.fc = nn.Linear(8, 8)
            else:
                pass
    """),
    "another class in super": _HEAD
    + dedent("""
        class Other(nn.Module):
            pass

        class Net(nn.Module):
            def __init__(self):
                super(Other, self).__init__()
                self.fc = nn.Linear(8, 8)
    """),
    "the type of self in super": _HEAD
    + dedent("""
        class Net(nn.Module):
            def __init__(self):
                super(self.__class__, self).__init__()

        class Sub(Net):
            pass
    """),
}

_TRAIN = """
import torch
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import StepLR

{before}

def train(model, loader, optimizer{extra}):
    {made}
    for epoch in range(10):
        for x, y in loader:
            loss = model(x, y)
            loss.backward()
            optimizer.step()
            {step}
"""


def trains(made: str, step: str = "scheduler.step()", before: str = "", extra: str = "") -> str:
    return _TRAIN.format(made=made, step=step, before=dedent(before), extra=extra)


SCHEDULERS = {
    "a name": trains("scheduler = StepLR(optimizer, 3)"),
    "an alias": trains("make = StepLR\n    scheduler = make(optimizer, 3)"),
    "a library in a variable": trains("library = lr_scheduler\n    scheduler = library.StepLR(optimizer, 3)"),
    "a closure": trains("def make():\n        return StepLR(optimizer, 3)\n    scheduler = make()"),
    "in a list": trains("schedulers = [StepLR(optimizer, 3)]", "schedulers[0].step()"),
    "in a loop": trains("for scheduler in [StepLR(optimizer, 3)]:\n        pass"),
    "wrapped": trains(
        "several = wrap(StepLR(optimizer, 3))",
        "several[0].step()",
        before="def wrap(s):\n    return [s]",
    ),
    "unpacked": trains(
        "_, scheduler = make(optimizer)",
        before="def make(optimizer):\n    return optimizer, StepLR(optimizer, 3)",
    ),
    "given": trains("pass", extra=", scheduler")
    + "\n\ndef main(m, l, o):\n    train(m, l, o, StepLR(o, 3))\n",
    "chosen": trains("scheduler = StepLR(optimizer, 3) if epochs else None"),
    "in a tuple": trains("scheduler, *_ = StepLR(optimizer, 3), 1"),
    "starred": trains("_, *scheduler = 1, StepLR(optimizer, 3)"),
    "in an unknown function": trains("several = list(tqdm([StepLR(optimizer, 3)]))", "several[0].step()"),
    "in a class that is no Module": """
import torch
from torch.optim.lr_scheduler import StepLR

class Trainer:
    def __init__(self, optimizer):
        self.optimizer = optimizer
        self.scheduler = StepLR(optimizer, 3)

    def fit(self, model, loader):
        for epoch in range(10):
            for x, y in loader:
                loss = model(x, y)
                loss.backward()
                self.optimizer.step()
                self.scheduler.step()
""",
}

_IDLE = """\
import torch
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import StepLR

{before}

def train(model, loader):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    {made}
    for x, y in loader:
        model(x, y).backward()
        optimizer.step()
"""


def leaves(made: str, before: str = "") -> str:
    """A function that makes something and never steps it."""
    return _IDLE.format(made=made, before=dedent(before))


IDLE_SCHEDULERS = {
    "a name": leaves("plan = StepLR(optimizer, 3)"),
    "an alias": leaves("make = StepLR\n    plan = make(optimizer, 3)"),
    "a library in a variable": leaves("library = lr_scheduler\n    plan = library.StepLR(optimizer, 3)"),
    "an alias in the script": leaves("plan = make(optimizer, 3)", "make = StepLR"),
    "annotated": leaves("plan: object = StepLR(optimizer, 3)"),
    "over lines": leaves("plan = (\n        StepLR\n        (optimizer, 3)\n    )"),
    "in a loop": leaves(
        "while True:\n        if loader:\n            plan = StepLR(optimizer, 3)\n            break"
    ),
    "in a match": leaves("match loader:\n        case _:\n            plan = StepLR(optimizer, 3)"),
    "in a closure": leaves(
        "def run():\n        plan = StepLR(optimizer, 3)\n        optimizer.step()\n    run()"
    ),
    "made in a partial": leaves("plan = functools.partial(StepLR)(optimizer, 3)", "import functools"),
    "its own name": leaves("plan = StepLR(optimizer, 3)\n    plan = None"),
}

_ASKED = """\
import functools
import torch
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import ReduceLROnPlateau, StepLR

{before}

def train(model, optimizer, val_acc{extra}):
    {made}
    {asked}
"""


def asks(made: str, asked: str = "scheduler.step(val_acc)", before: str = "", extra: str = "") -> str:
    """A function that makes a scheduler and asks it, or tells it, something."""
    return _ASKED.format(made=made, asked=asked, before=dedent(before), extra=extra)


ASKED_SCHEDULERS = {
    "a name": asks("scheduler = StepLR(optimizer, 3)", "print(scheduler.get_lr())"),
    "unnamed": asks("print(StepLR(optimizer, 3).get_lr())", "pass"),
    "an alias": asks("make = ReduceLROnPlateau\n    plan = make(optimizer)", "plan.step(val_acc)"),
    "over lines": asks("plan = ReduceLROnPlateau(optimizer)", "plan.step(\n        val_acc\n    )"),
    "over more lines": asks(
        "plan = ReduceLROnPlateau(optimizer)", "(\n        plan\n        .step\n        (val_acc))"
    ),
    "in a lambda": asks("plan = ReduceLROnPlateau(optimizer)", "return lambda: plan.step(val_acc)"),
    "in a closure": asks(
        "plan = StepLR(optimizer, 3)", "def inner():\n        return plan.get_lr()\n    inner()"
    ),
    "in a list": asks("plans = [ReduceLROnPlateau(optimizer)]", "plans[0].step(val_acc)"),
    "in a loop": asks("plans = [StepLR(optimizer, 3)]", "print([each.get_lr() for each in plans])"),
    "partial": asks("plan = functools.partial(StepLR)(optimizer, 3)", "plan.get_lr()"),
    "from a function": asks(
        "plan = make(optimizer)",
        "plan.step(val_acc)",
        before="def make(optimizer):\n    return ReduceLROnPlateau(optimizer)",
    ),
    "given": asks("pass", extra=", scheduler")
    + "\n\ndef main(m, o):\n    train(m, o, 1, scheduler=ReduceLROnPlateau(o))\n",
    "a script": "from torch.optim.lr_scheduler import StepLR\nfor s in [StepLR(None, 3)]:\n    print(s.get_lr())\n",
    "a variable of the script": asks("pass", before="scheduler = ReduceLROnPlateau(None)"),
}

_SETTING = """\
import functools
import torch
from torch.optim import SGD, Optimizer

{before}

def train(model{extra}):
    {made}
    {stored}
"""


def sets(made: str, stored: str = "optimizer.lr = 0.1", before: str = "", extra: str = "") -> str:
    """A function that makes an optimizer and sets an attribute of it."""
    return _SETTING.format(made=made, stored=stored, before=dedent(before), extra=extra)


_SGD = "optimizer = SGD(model.parameters(), lr=1)"
OPTIMIZER_ATTRIBUTES = {
    "a name": sets(_SGD),
    "an alias": sets("make = SGD\n    optimizer = make(model.parameters(), lr=1)"),
    "annotated": sets(_SGD, "optimizer.lr: float = 0.1"),
    "with others": sets(_SGD, "model.a = optimizer.lr = model.b = 0.1"),
    "several": sets(_SGD, "optimizer.lr, optimizer.momentum = 0.1, 0.9"),
    "over lines": sets(_SGD, "optimizer.lr = (\n        0.1\n    )"),
    "wide": sets(_SGD, "optimizer . lr   =   0.1"),
    "in a list": sets("optimizers = [SGD(model.parameters(), lr=1)]", "optimizers[0].learning_rate = 0.1"),
    "in a loop": sets("optimizers = [SGD(model.parameters(), lr=1)]", "for o in optimizers: o.lr = 0.1"),
    "by annotation": sets("pass", extra=", optimizer: Optimizer"),
    "given": sets("pass", extra=", optimizer")
    + "\n\ndef main(m):\n    train(m, optimizer=SGD(m.parameters(), lr=1))\n",
    "partial": sets("optimizer = functools.partial(SGD)(model.parameters(), lr=1)"),
    "in a closure": sets(_SGD, "def inner():\n        optimizer.lr = 0.1\n    inner()"),
    "a variable of the script": sets("pass", before="optimizer = SGD([], lr=1)"),
}

_FREEZING = """\
import torch
from torch import nn
from zoo import build

"""


def freezes(statements: str, before: str = "") -> str:
    """A function that freezes something."""
    body = indent(dedent(statements), "    ")
    return f"{_FREEZING}{dedent(before)}\n\ndef freeze(net, x):\n{body}\n    return net\n"


SWITCHES = {
    "a name": freezes("layer = nn.Linear(8, 8)\nlayer.requires_grad = False"),
    "several targets": freezes("a, b = nn.Linear(8, 8), x\na.requires_grad, b.y = False, 1"),
    "a chain": freezes("layer = nn.Linear(8, 8)\nx.y = layer.requires_grad = False"),
    "a factory": freezes(
        "layer = make()\nlayer.requires_grad = False", "def make():\n    return nn.Linear(8, 8)"
    ),
    "an element": freezes("layers = [nn.Linear(8, 8)]\nlayers[0].requires_grad = False"),
    "a call": freezes("nn.Linear(8, 8).requires_grad = False"),
    "a loop": freezes("for layer in net.children():\n    layer.requires_grad = False"),
    "a loop over a list": freezes(
        "some = list(net.modules())\nfor i, layer in enumerate(some[1:]):\n    layer.requires_grad = False"
    ),
    "called": freezes("net.requires_grad = False\nnet(x)"),
    "called elsewhere": freezes("def run():\n    return net(x)\nnet.requires_grad = False"),
    "asked": freezes("net.body.requires_grad = False\nprint(list(net.body.parameters()))"),
    "not called": freezes("layer = nn.Linear(8, 8)\nlayer.requires_grad_"),
    "overwritten": freezes("for p in net.parameters():\n    p.requires_grad_ = False"),
    "misspelled": freezes("x = torch.zeros(3)\nx.require_grad = True"),
    "on two lines": freezes("layer = nn.Linear(8, 8)\nlayer \\\n    .requires_grad \\\n    = False"),
    "in a class that is no Module": """
import torch
from torch import nn

class Trainer:
    def __init__(self, model):
        self.model = model
        self.model.requires_grad = False

    def fit(self, x):
        return self.model(x)
""",
    "in a script": "from torch import nn\n\nnet = nn.Linear(2, 2)\nif net:\n    net.requires_grad = False\n",
    "self": net("self.fc = nn.Linear(8, 8)\nself.requires_grad = False"),
    "self by another name": """
from torch import nn

class Net(nn.Module):
    def freeze(this):
        this.requires_grad = False
""",
}

REGISTRATIONS = {
    "a closure": net("def fill():\n    self.a = self.register_buffer('a', torch.ones(1))\nfill()"),
    "two targets": net("self.a, self.b = self.register_buffer('a', torch.ones(1)), 1"),
    "a static method with a self": """
import torch
from torch import nn

class Net(nn.Module):
    def fill(this, x):
        this.a: torch.Tensor = this.register_buffer("a", x)
""",
}

OVERRIDES = {
    "behind a condition": """
from torch import nn

class Net(nn.Module):
    if hasattr(nn.Module, "train"):
        def train(self, loader):
            return loader
""",
    "through super": net(
        "self.a = 1",
        members="def train(self, mode=True):\n    super(Net, self).train(mode)\ndef infer(self):\n    return self.eval()",
    ),
    "used in another statement": net(
        "self.a = 1", members="def train(self, mode=True):\n    super(Net, self).train(mode)"
    )
    + "\n\ndef load():\n    return Net() \\\n        . eval ()\n",
    "an attribute in a tuple": net("self.train, x = False, 1"),
    "an attribute in a closure": net("def fill():\n    self.children: list = []\nfill()"),
}

REPETITIONS = {
    "a name": net(
        "layers = [nn.Linear(8, 8)] * 3\nself.body = nn.Sequential(*layers)", "return self.body(x)"
    ),
    "a number first": net("self.body = nn.Sequential(*3 * [nn.Linear(8, 8)])", "return self.body(x)"),
    "a module by its name": net("fc = nn.Linear(8, 8)\nself.layers = nn.ModuleList([fc] * 3)"),
    "of self": net("self.fc = nn.Linear(8, 8)\nself.layers = nn.ModuleList([self.fc] * 3)"),
    "a factory": net(
        "self.layers = nn.ModuleList([make()] * 3)", before="def make():\n    return nn.Linear(8, 8)"
    ),
    "over several lines": net("""
        fc = nn.Linear(8, 8)
        self.layers = nn.ModuleList(
            [fc  # a comment
            ]  # another
            * 3
        )
    """),
    "an alias": net("List = nn.ModuleList\nself.layers = List([nn.Linear(8, 8)] * 3)"),
    "in a script": "from torch import nn\n\nn = 3\nnet = nn.Sequential(*[nn.Linear(8, 8)] * n)\n",
}

TYPES = {
    "a class in a variable": """
from torch import nn

def f(m):
    Layer = nn.Linear
    return isinstance(m, Layer or nn.Conv2d)
""",
    "a class that is no module": """
from torch import nn

class Other:
    pass

def f(m):
    return isinstance(m, Other or nn.Linear)
""",
    "a type behind a test": """
from torch import nn

def f(m):
    return isinstance(m, nn.Linear) or str
""",
    "an alias": "from torch import nn\nLayer = nn.Linear\n\ndef f(m):\n    return isinstance(m, Layer or nn.Conv2d)\n",
    "issubclass": "from torch import nn\n\ndef f(m):\n    return issubclass(m, nn.Linear or nn.Conv2d)\n",
    "in a tuple": "from torch import nn\n\ndef f(m):\n    return isinstance(m, (list, nn.Linear or nn.Conv2d))\n",
    "on several lines": """
from torch import nn

def f(m):
    return isinstance(
        m,
        nn.Linear
        or nn.Conv2d,
    )
""",
    "in a lambda": "from torch import nn\n\nf = lambda m: isinstance(m, nn.Linear or nn.Conv2d)\n",
    "is": "from torch import nn\n\ndef f(m):\n    return type(m) is nn.Linear or nn.Conv2d\n",
    "in parentheses": "from torch import nn\n\ndef f(m):\n    return (type(m) == nn.Linear or nn.Conv2d) or nn.ReLU\n",
    "a default": "from torch import nn\n\ndef f(m):\n    g = lambda y=isinstance(m, nn.Linear or nn.Conv2d): y\n    return g\n",
}


def layers(statements: str, before: str = "", members: str = "") -> str:
    return net(f"{dedent(statements)}", "return x", before, members)


LAYERS = {
    "an alias": layers("self.bn = BN(8, momentum=0.99)", "BN = nn.BatchNorm2d"),
    "an alias in a function": layers("bn = nn.BatchNorm2d\nself.bn = bn(8, momentum=0.99)"),
    "an alias in a class": layers("self.bn = self.kind(8, momentum=0.99)", members="kind = nn.BatchNorm2d"),
    "an alias on self": layers("self.kind = nn.BatchNorm2d\nself.bn = self.kind(8, momentum=0.99)"),
    "imported under another name": layers(
        "self.bn = BN(8, 1e-3, 0.99)", "from torch.nn import BatchNorm2d as BN"
    ),
    "imported in the function": layers("from torch.nn import BatchNorm2d as BN\nself.bn = BN(8, 1e-3, 0.99)"),
    "a library in a variable": layers("self.bn = library.BatchNorm2d(8, momentum=0.99)", "library = nn"),
    "a library on self": layers("self.nn = nn\nself.bn = self.nn.BatchNorm2d(8, momentum=0.99)"),
    "in a dict": layers("self.bn = KINDS['bn'](8, momentum=0.99)", "KINDS = {'bn': nn.BatchNorm2d}"),
    "in a loop": layers("for kind in [nn.BatchNorm2d]:\n    self.bn = kind(8, momentum=0.99)"),
    "unpacked": layers("kind, n = nn.BatchNorm2d, 8\nself.bn = kind(n, momentum=0.99)"),
    "through a function": layers(
        "self.bn = get()(8, momentum=0.99)", "def get():\n    return nn.BatchNorm2d"
    ),
    "partial": layers("self.bn = functools.partial(nn.BatchNorm2d, momentum=0.99)(8)"),
    "partial by position": layers("self.drop = functools.partial(nn.Dropout, KEEP)()", "KEEP = 0.9"),
    "partial of an alias": layers(
        "make = functools.partial\nself.bn = make(BN, momentum=0.99)(8)", "BN = nn.BatchNorm2d"
    ),
    "with an exponent": layers("self.bn = nn.BatchNorm2d(8, momentum=99e-2)"),
    "a constant": layers("self.bn = nn.BatchNorm2d(8, momentum=M)", "M = 0.99"),
    "an attribute": layers("self.m = 0.99\nself.bn = nn.BatchNorm2d(8, momentum=self.m)"),
    "a key": layers("config = {}\nself.drop = nn.Dropout(config['keep'])"),
    "in capitals": layers("self.drop = nn.Dropout(KEEP)", "KEEP = 0.9"),
    "in a lambda": layers("self.make = lambda: nn.LSTM(8, 8, dropout=0.5)"),
    "in a script": "from torch import nn\n\nwith open('x') as f:\n    rnn = nn.LSTM(8, 8, dropout=0.5)\n",
    "in a class that is no Module": """
from torch import nn

class Factory:
    def make(self):
        def inner():
            return nn.LSTM(8, 8, dropout=0.5)
        return inner()
""",
}

FORWARDS = {
    "on several lines": runs("x = self.fc \\\n    . \\\n    forward (x)"),
    "behind a comment": runs("x = (self.fc  # the layer\n    .  # and then\n    forward # last\n(x))"),
    "of an element": runs(
        "x = self.layers[0].forward(x)", init="self.layers = nn.ModuleList([nn.Linear(8, 8)])"
    ),
    "in a closure": runs("def run():\n    return self.fc.forward(x)\nx = run()"),
    "of what a factory makes": runs(
        "x = self.made.forward(x)",
        before="def make():\n    return nn.Linear(8, 8)",
        init="self.made = make()",
    ),
    "kept by another object": """
from torch import nn

class Trainer:
    def __init__(self):
        self.model = nn.Linear(8, 8)

    def step(self, x):
        return self.model.forward(x)

class Other(Trainer):
    def step(self, x):
        return self.model.forward(x)
""",
}

CENTRED = {
    "an alias": net(
        "self.body = Seq(nn.Linear(8, 8), nn.BatchNorm1d(8))",
        "return self.body(x)",
        before="Seq = nn.Sequential",
    ),
    "another order of imports": """
from torch.nn import BatchNorm1d as Norm, Linear, Sequential as Seq

body = [Seq(Linear(8, 8), Norm(8)) for _ in range(2)]
""",
}

_SKIP = "self.relu, self.fc = nn.ReLU(True), nn.Linear(8, 8)"
IN_PLACE = {
    "another name": net(_SKIP, "same = x\nout = self.fc(self.relu(same))\nreturn out + x"),
    "two activations at once": net(_SKIP, "return self.fc(self.relu(x)) + x"),
    "a container in a variable": net(
        "first = nn.ReLU(inplace=True)\nlayers = nn.Sequential(first, nn.Linear(8, 8))\nself.body = layers",
        "out = self.body(x)\nout += x\nreturn out",
    ),
    "a helper": net(
        _SKIP,
        "return self.run(x)",
        members="def run(self, x):\n    y = F.relu_(x)\n    return self.fc(x) + y",
    ),
    "an activation of the base class": net(
        "self.b = 1",
        "out = self.fc(self.act(x))\nreturn out + x",
    )
    .replace("class Net(nn.Module)", "class Net(Base)")
    .replace(
        "\n\nclass Net",
        "\nclass Base(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.act, self.fc = nn.ReLU(inplace=True), nn.Linear(8, 8)\n\nclass Net",
    ),
}

ITERATORS = {
    "a tuple": """
import torch

def f(net, loss):
    params, other = net.parameters(), 1
    optimizer = torch.optim.SGD(params)
    torch.nn.utils.clip_grad_norm_(params, 1)
""",
    "annotated and in a closure": """
import torch
from typing import Any

def f(net):
    params: Any = filter(
        None,
        net.body.parameters(),
    )
    optimizer = torch.optim.SGD(params)
    def step():
        torch.nn.utils.clip_grad_norm_(params, 1)
    return step
""",
    "in an expression": """
import torch

def f(net):
    if (params := net.parameters()) is not None:
        optimizer = torch.optim.SGD(params)
        torch.nn.utils.clip_grad_norm_(params, 1)
""",
    "another function of the file": """
import torch

if True:
    params = (p for p in torch.nn.Linear(2, 2).parameters())
    optimizer = torch.optim.SGD(params)

def step():
    torch.nn.utils.clip_grad_norm_(params, 1)
""",
}

DROPPED = {
    "an alias": """
import torch as th

def f(self, x):
    if x is not None:
        th.clamp(
            x, 0
        )
""",
    "an alias of a function's own": """
import torch

def f(x):
    import torch as library
    library.stack([x, x])
""",
    "a submodule": "import torch\n\ndef f(x):\n    torch.nn.functional.relu(x)\n",
    "in a closure of a method": net("def run(y):\n    y['a: b'].masked_fill(y, 0)\nself.run = run"),
    "made by torch": """
import torch as th

def f(device):
    x = (
        th.ones(3).view(-1)
    )
    x.to(device)
    return x
""",
    "a loop with a star": """
import torch

def f(loader):
    for [*x, y] in loader:
        y.cuda()
""",
    "a loop over several loaders": """
import torch

def f(data, self):
    for x, y in self.train_dataloaders:
        y.cuda()
""",
    "made by an alias of torch": """
import torch
from torch import ones as make

def f(device):
    x = make(3)
    x.to(device)
    return x
""",
}

LATE = {
    "a class in a variable": """
import torch
from torch import nn

def f(net):
    make = torch.optim.SGD
    optimizer = make(net.parameters(), lr=1)
    net.fc = nn.Linear(2, 2)
    optimizer.step()
""",
    "an alias of the optimizer": """
from torch import nn
from torch.optim import SGD as make

def f(model):
    params = model.parameters()
    optimizer = make(params, lr=1)
    model.fc: nn.Module = nn.Linear(2, 2)
    return optimizer
""",
    "in a closure of a method": """
import torch
from torch import nn

class Trainer:
    def build(self, net):
        def inner():
            optimizer = torch.optim.SGD(net.body.parameters(), lr=1)
            net.body.layers[0].fc, x = nn.Linear(2, 2), 1
            return optimizer
        return inner
""",
    "a script": """
import torch
from torch import nn

net = nn.Sequential(nn.Linear(2, 2))
optimizer = torch.optim.SGD(
    net
    .parameters(), lr=1)
if True:
    net[0] = nn.Linear(2, 2)
optimizer.step()
""",
}

STEPS = {
    "an alias": """
import torch
from torch import nn

class Net(nn.Module):
    kind = nn.LSTM

    def __init__(self):
        super().__init__()
        self.rnn = self.kind(2, 2)

    def forward(self, x):
        (out, h) = self.rnn(
            x)
        def last():
            return out
        return out[ : ,
            -1 ]
""",
    "a script": "from torch import nn\nrnn = nn.GRU(2, 2)\nx = rnn(1)[0][:, -1, :]\n",
}

VIEWS = {
    "unpacked in another block": """
import torch

def f(x):
    x = x + 1
    with torch.no_grad():
        b, c, h, w = x.size()
    if b:
        return x.view(b, w, h, c)
""",
    "in a loop": """
import torch

def f(xs):
    for x in xs:
        x = x + 1
        b, c, h, w = x.shape
        print(x.view(b, w, h, c))
""",
    "with comments": """
import torch

def f(tensor):
    [a, b, c] = tensor.size()
    return tensor.reshape((  # (
        b,  # )
        a * c,
    ))
""",
    "in a closure": """
import torch

def f(x):
    def g(y):
        a, b = s = y.shape
        return y.view(b, a,)
    return g
""",
    "with a -1": """
import torch

class A:
    def f(self, x):
        return x.view(x.shape[1], x.size( 0 ), -1)
""",
}

GROUPS = {
    "an alias": """
from itertools import chain as both
from torch import optim

def f(net):
    params = both(net.a.parameters(), net.a.parameters())
    def inner():
        return optim.SGD(params=[*net.b.parameters(), *net.b.parameters()], lr=1)
    return inner, optim.AdamW(params)
""",
    "a script": """
import torch

net = torch.nn.Sequential(torch.nn.Linear(2, 2))
params = list(net.parameters())
groups = [{"params": params + list(net.parameters())}]
if True:
    optimizer = torch.optim.SGD(groups, lr=1)
""",
}

_PAIRS = "[('fc', nn.Linear(8, 8)), ('fc', nn.Linear(8, 8))]"
REPLACEMENTS = {
    "of a class of the file": net(
        "self.fc = Part()\nself.fc = Part()",
        "return x",
        "class Part(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(8, 8)",
    ),
    "of a factory": net(
        "self.fc = make()\nself.fc = make()", "return x", "def make():\n    return nn.Linear(8, 8)"
    ),
    "in a tuple": net(
        "self.a, self.fc = nn.Linear(8, 8), nn.Linear(8, 8)\nself.fc = nn.Linear(8, 8)", "return x"
    ),
    "in a closure": net(
        "def build():\n    self.fc = nn.Linear(8, 8)\n    self.fc = nn.Linear(8, 8)\nbuild()", "return x"
    ),
    "registered through an alias": net(
        "body = self.body = nn.Sequential()\nbody.add_module('a', nn.ReLU())\nbody.add_module('a', nn.ReLU())",
        "return x",
    ),
    "registered by keyword": net(
        "self.add_module(name='a', module=nn.ReLU())\nself.add_module(name='a', module=nn.ReLU())", "return x"
    ),
    "registered in an outer loop": net(
        "body = nn.Sequential()\nfor i in range(3):\n    body.add_module('a', nn.ReLU())", "return x"
    ),
    "keys in a variable": net(
        f"import collections\nkeyed = collections.OrderedDict({_PAIRS})\nself.fc = nn.Sequential(keyed)",
        "return x",
    ),
    "keys in an alias": net(
        f"self.fc = Body(OrderedDict({_PAIRS}))",
        "return x",
        "from collections import OrderedDict\nBody = nn.Sequential",
    ),
    "keys in a script": f"from torch import nn\nparts = {_PAIRS}\nnet = nn.ModuleDict(parts)\n",
}

_PADDED = "self.emb = nn.Embedding(8, 8, padding_idx=0)"
PADDING = {
    "of a variable in a function": """
from torch import nn

def make():
    emb = nn.Embedding(8, 8, padding_idx=0)
    nn.init.normal_(tensor=emb.weight.data)
    return emb
""",
    "through an alias": net(
        "self.emb = Emb(8, 8, 0)\nnn.init.normal_(self.emb.weight)",
        "return x",
        "Emb = nn.Embedding  # Embedding(8, 8, 0)",
    ),
    "imported": net(f"from torch.nn.init import normal_\n{_PADDED}\nnormal_(self.emb.weight)", "return x"),
    "an alias of torch.nn.init": net(
        f"{_PADDED}\ni.normal_(tensor=self.emb.weight.data)", "return x", "import torch.nn.init as i"
    ),
    "of another name": net(f"{_PADDED}\nsame = self.emb\nsame.weight.data.uniform_(-1, 1)", "return x"),
    "of what a factory makes": net(
        "self.emb = make()\nnn.init.normal_(self.emb.weight)",
        "return x",
        "def make():\n    return nn.Embedding(8, 8, 0)",
    ),
    "in a lambda": net(f"{_PADDED}\nf = lambda: nn.init.normal_(self.emb.weight)\nf()", "return x"),
    "on several lines": net(f"{_PADDED}\nnn.init.normal_(\n    self.emb\n    .weight\n)", "return x"),
}

_BODY = "self.body = nn.Sequential(nn.Linear(8, 8))"
CHILDREN = {
    "of a name": net(
        f"{_BODY}\nme = self\nfor m in me.children():\n    if isinstance(m, nn.Linear):\n        m.bias.data.zero_()"
    ),
    "in a closure": net(
        f"{_BODY}\ndef init():\n    for m in self.children():\n        if isinstance(m, nn.Linear):\n"
        "            m.bias.data.zero_()\ninit()"
    ),
    "on several lines": net(
        f"{_BODY}\nfor m in (\n    self\n    .children()\n):\n    if isinstance(m, nn.Linear):\n        m.bias.data.zero_()"
    ),
    "of a script": "from torch import nn\nnet = nn.Sequential(nn.Sequential(nn.Linear(8, 8)))\nfor m in net.children():\n"
    "    if isinstance(m, nn.Linear):\n        nn.init.zeros_(m.bias)\n",
}

_SCALE = "self.w = nn.Parameter(torch.zeros(8))"
REBOUND = {
    "of a factory": net(
        "self.w = make()",
        before="def make():\n    return nn.Parameter(torch.zeros(8))",
        members="def reset(self):\n    self.w = torch.zeros(8)",
    ),
    "by a name": net(_SCALE, members="def reset(self):\n    w = torch.zeros(8)\n    self.w = w"),
    "by a method": net(
        _SCALE,
        members="def reset(self):\n    self.w = self.make()\ndef make(self):\n    return torch.zeros(8)",
    ),
    "in a tuple": net(_SCALE, members="def reset(self):\n    self.v, self.w = 1, torch.zeros(8)"),
    "in a closure": net(
        _SCALE, members="def reset(self):\n    def inner():\n        self.w = 0.0\n    inner()"
    ),
    "in a chain": net(_SCALE, members="def reset(self):\n    self.v = self.w = torch.zeros(8) + 1"),
    "a submodule": net(
        "self.layers = nn.Sequential(nn.ReLU())", members="def reset(self):\n    self.layers = lambda x: x"
    ),
}

TWICE = {
    "by an alias": net("self.fc = nn.Linear(8, 8)\nBase.__init__(self)", "return x", "Base = nn.Module"),
    "in a block": net(
        "with torch.no_grad():\n    self.fc = nn.Linear(8, 8)\n    nn.Module.__init__(self)", "return x"
    ),
    "in an expression": net("self.fc = nn.Linear(8, 8)\n_ = nn.Module.__init__(self)", "return x"),
}

_USES = "return self.fc(x)"
CLASS_LEVEL = {
    "through a factory": net("", _USES, "def make():\n    return nn.Linear(8, 8)", "fc = make()"),
    "through an alias": net("", _USES, "Layer = nn.Linear", "fc = Layer(8, 8)"),
    "under an if": net("", _USES, members="if True:\n    fc = nn.Linear(8, 8)"),
    "in a tuple": net("", _USES, members="fc, n = nn.Linear(8, 8), 8"),
    "by a name": net("", _USES, "layer = nn.Linear(8, 8)", "other = layer\nfc = nn.Sequential(layer)"),
    "a comprehension": net("", "return self.fc[0](x)", members="fc = [nn.Linear(8, 8) for _ in range(3)]"),
    "a class of the file": net(
        "",
        _USES,
        "class Part(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(8, 8)",
        "fc = Part()",
    ),
}

ALL = {
    f"{kind}: {name}": source
    for kind, group in (
        ("lists", LISTS),
        ("given", GIVEN),
        ("calls", CALLS),
        ("tensors", TENSORS),
        ("classes", CLASSES),
        ("schedulers", SCHEDULERS),
        ("idle schedulers", IDLE_SCHEDULERS),
        ("asked schedulers", ASKED_SCHEDULERS),
        ("optimizer attributes", OPTIMIZER_ATTRIBUTES),
        ("switches", SWITCHES),
        ("registrations", REGISTRATIONS),
        ("overrides", OVERRIDES),
        ("repetitions", REPETITIONS),
        ("types", TYPES),
        ("rebound", REBOUND),
        ("children", CHILDREN),
        ("padding", PADDING),
        ("twice", TWICE),
        ("class level", CLASS_LEVEL),
        ("replacements", REPLACEMENTS),
        ("layers", LAYERS),
        ("forwards", FORWARDS),
        ("in place", IN_PLACE),
        ("centred", CENTRED),
        ("iterators", ITERATORS),
        ("dropped", DROPPED),
        ("groups", GROUPS),
        ("steps", STEPS),
        ("views", VIEWS),
        ("late", LATE),
    )
    for name, source in group.items()
}
