"""TL012: a ``train`` or ``eval`` that means something else than that of ``nn.Module``."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Label, Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.overriding import Override
    from torchlint.observed import ModeSwitch


@rule("TL012", since="0.1.0")
def module_method_shadowed(override: Override) -> Iterator[Finding]:
    """A `train` or `eval` that means something else stops `.eval()` from switching the mode.

    `module.eval()` calls `train(False)` of the module and of everything in it. A `def train(self, loader)` is called with
    `loader=False` then: Dropout and BatchNorm go on as in training, also below every module that this one is a part of,
    and what runs for no loader often raises nothing. A `train` that does not return `self` makes `net = Net().eval()`
    nothing at all.

    ```python bad
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout(0.5)

        def forward(self, x):
            return self.drop(x)

        def train(self, loader):  # TL012
            for x in loader or ():
                self(x).sum().backward()
    ```

    ```python good
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout(0.5)

        def forward(self, x):
            return self.drop(x)

        def fit(self, loader):
            for x in loader or ():
                self(x).sum().backward()
    ```

    ```python proof
    net = Net()
    net.eval()
    broken = net.drop.training
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(Net(), (torch.ones(2, 4),))
    ```

    A `train` that does not return the module is a finding where somebody uses what it returns, in the same file. Its end
    is mended:

    ```python bad
    import torch
    from torch import nn

    class Frozen(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(4)

        def train(self, mode=True):  # TL012
            super().train(mode)
            self.norm.eval()

    def load():
        return Frozen().eval()
    ```

    ```python fixed
    import torch
    from torch import nn

    class Frozen(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(4)

        def train(self, mode=True):
            super().train(mode)
            self.norm.eval()
            return self

    def load():
        return Frozen().eval()
    ```

    ```python proof
    broken = load() is None
    ```

    An `eval` with required parameters never switches the mode, and data in `self.train`, `self.children` and the like
    make `.eval()` or `.to()` raise, there and in every parent. Silent are a `train` whose first parameter is the mode, by
    its name, default or annotation or because it is passed on, `*args`, methods with decorators, and `self.forward = …`.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.train
    - https://github.com/KindXiaoming/pykan/issues/108
    """
    if override.attribute is not None:
        if override.is_data:
            yield Finding(
                override.range,
                f"`self.{override.name}` hides the method of that name: calling `{override.name}()` raises a `TypeError`",
                caption="a method that PyTorch calls",
                help="choose another name",
            )
        return
    if override.name == "eval":
        if override.required and not override.switches_mode:
            yield Finding(
                override.range,
                f"`{override.where}` takes `{override.required[0]}`, and never switches to evaluation mode",
                caption="hides `nn.Module.eval`",
                help="choose another name",
            )
            return
    elif override.refuses_mode:
        if not override.has_own_eval:
            yield Finding(
                override.range,
                f"`{override.where}` cannot be called with a mode alone, so `eval()` raises a `TypeError`",
                caption="`eval()` calls it as `train(False)`",
                help="choose another name, or take `mode=True`",
            )
        return
    elif override.takes_something_else and override.first is not None:
        yield Finding(
            override.range,
            f"`eval()` calls `{override.where}` with `{override.first.name}=False`, and never switches the mode",
            caption="hides `nn.Module.train`",
            help="choose another name",
        )
        return
    if override.forgets_self and override.use_of_result is not None:
        yield Finding(
            override.range,
            f"`{override.where}` does not return the module, and what it returns is used",
            caption="returns nothing",
            labels=(Label(override.use_of_result, "is `None`"),),
            fix=override.return_fix,
            help="return `self`",
        )


@module_method_shadowed.runtime
def _(switch: ModeSwitch) -> Iterator[Verdict]:
    where = f"`{switch.type}.{switch.method}`"
    if switch.takes and switch.raised:
        yield Verdict(
            f"{where} takes `{switch.takes}`, so `eval()` of the model raises: {switch.raised}",
            help="choose another name",
        )
    elif switch.takes and switch.still_training:
        what = f"`{switch.path}`" if switch.path else "the model"
        yield Verdict(
            f"{what} is still training after `eval()`: {where} takes `{switch.takes}` in the place of the mode",
            help="choose another name",
        )
    elif switch.returns is False and not switch.raised:
        yield Verdict(
            f"`eval()` of `{switch.type}` does not return the model, so `net = net.eval()` is something else",
            "note",
            "return `self`",
        )
