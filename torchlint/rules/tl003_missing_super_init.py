"""TL003: an ``__init__`` that does not reach ``nn.Module.__init__``, or reaches it too late."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Label, Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.construction import Construction
    from torchlint.observed import UninitialisedModule


@rule("TL003", since="0.1.0")
def missing_super_init(construction: Construction) -> Iterator[Finding]:
    """A Module whose `__init__` does not call `super().__init__()` first cannot hold layers.

    `nn.Module.__init__` creates the registries that layers, Parameters, buffers and hooks go into. Without it, or
    before it, the first layer raises "cannot assign module before Module.__init__() call". A class that assigns no
    layer is built without an error and fails at its first call, or when `parameters()` is asked for. The call is
    also lost as `super().__init__` without parentheses and as `super(Net).__init__()`, which initialises nothing.

    ```python bad
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):  # TL003
            self.fc = nn.Linear(2, 2)

        def forward(self, x):
            return self.fc(x)
    ```

    ```python fixed
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(2, 2)

        def forward(self, x):
            return self.fc(x)
    ```

    ```python proof
    try:
        Net()
        broken = False
    except AttributeError:
        broken = True
    ```

    Plain attributes (numbers, strings, lists) may be set before the call. Nothing is reported where a base class, a
    helper method, a decorator or `__new__` may make the call.

    ```python good
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self, width=2):
            self.width = width
            super().__init__()
            self.fc = nn.Linear(width, width)

        def forward(self, x):
            return self.fc(x)
    ```

    A class without layers of its own is built, and fails later:

    ```python bad
    import torch
    from torch import nn

    class Crop(nn.Module):
        def __init__(self, size=2):  # TL003
            self.size = size

        def forward(self, x):
            return x[: self.size]
    ```

    ```python fixed
    import torch
    from torch import nn

    class Crop(nn.Module):
        def __init__(self, size=2):
            super().__init__()
            self.size = size

        def forward(self, x):
            return x[: self.size]
    ```

    ```python proof
    try:
        Crop()(torch.ones(4))
        broken = False
    except AttributeError:
        broken = True
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(Crop(), (torch.ones(4),), factory=Crop)
    ```

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html
    - https://github.com/pytorch/pytorch/issues/37824
    """
    name = construction.cls.name
    if construction.is_unhashable:
        yield Finding(
            construction.class_name_range,
            f"`@dataclass` makes `{name}` unhashable, so `parameters()` and every other walk over it raise a TypeError",
            caption="its `__eq__` takes `__hash__` away",
            help="write `@dataclass(eq=False)`",
        )
        return
    if construction.function is None:
        if construction.has_generated_init:
            yield _generated(construction, name)
        return
    if construction.is_initialised_elsewhere:
        return
    overwritten = construction.overwritten_mode
    if overwritten is not None:
        yield Finding(
            construction.range(overwritten.statement),
            f"`self.training` is set before `super().__init__()`, which sets it to True again for `{name}`",
            caption="overwritten",
            labels=(construction.label(construction.init_calls[0]),),
            help="set it behind `super().__init__()`, or call `train(mode)`",
        )
    late = construction.late_call
    if late is not None and construction.first_registration is not None:
        first = construction.first_registration
        yield Finding(
            construction.range(first.node),
            f"`{first.name}` is {first.done} before `super().__init__()`, so creating `{name}` raises an AttributeError",
            caption="nothing can be registered yet",
            labels=(construction.label(late),),
            help="call `super().__init__()` first",
        )
    elif not construction.init_calls and not construction.is_stub and not construction.is_mixin:
        yield _never_called(construction, name)


def _generated(construction: Construction, name: str) -> Finding:
    return Finding(
        construction.class_name_range,
        f"`{name}.__init__`, which `@dataclass` writes, never calls `super().__init__()`",
        caption="`nn.Module.__init__` is never called",
        help="call `super().__init__()` in `__post_init__`, before the first layer",
    )


def _never_called(construction: Construction, name: str) -> Finding:
    if construction.uncalled is not None:
        return Finding(
            construction.range(construction.uncalled),
            f"`super().__init__` is not called in `{name}`, so `nn.Module` is never initialised",
            caption="the parentheses are missing",
            fix=construction.call_it(construction.uncalled),
        )
    if construction.unbound is not None:
        return Finding(
            construction.range(construction.unbound),
            f"`super({name})` is bound to no object, so its `__init__` does not initialise `{name}`",
            caption="the second argument is missing",
            fix=construction.bind_it(construction.unbound),
        )
    labels: tuple[Label, ...] = ()
    if construction.first_registration is not None:
        first = construction.first_registration
        labels = (Label(construction.range(first.node), f"`{first.name}` raises an AttributeError here"),)
    return Finding(
        construction.name_range,
        f"`{name}.__init__` never calls `super().__init__()`, so `{name}` has no registries for layers and hooks",
        caption="`nn.Module.__init__` is never called",
        labels=labels,
        fix=construction.insert_super(),
        help="call `super().__init__()` first",
    )


@missing_super_init.runtime
def _(module: UninitialisedModule) -> Iterator[Verdict]:
    raised = f", and creating it raises {module.raised}" if module.raised else ""
    yield Verdict(
        f"`{module.type}` has no registries for layers and hooks, as `nn.Module.__init__` was never called{raised}",
        help="call `super().__init__()` first",
    )
