"""TL211: a module whose ``requires_grad`` is set, which freezes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.freezing import GradientSwitch
    from torchlint.observed import IdleSwitch


@rule("TL211", since="0.1.0", in_tests=False)
def module_requires_grad_noop(switch: GradientSwitch) -> Iterator[Finding]:
    """`module.requires_grad = False` freezes nothing: a module has no such attribute.

    Python adds a plain attribute to the module, and PyTorch never looks at it. All Parameters below go on being trained,
    or stay frozen where `True` was assigned. Nothing is raised, and the loss goes down as it would.
    `requires_grad_(False)` is the method that does it.

    ```python bad
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = nn.Linear(8, 8)
            self.head = nn.Linear(8, 2)
            self.backbone.requires_grad = False  # TL211

        def forward(self, x):
            return self.head(self.backbone(x))
    ```

    ```python fixed
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = nn.Linear(8, 8)
            self.head = nn.Linear(8, 2)
            self.backbone.requires_grad_(False)

        def forward(self, x):
            return self.head(self.backbone(x))
    ```

    ```python good
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = nn.Linear(8, 8)
            self.head = nn.Linear(8, 2)
            for parameter in self.backbone.parameters():
                parameter.requires_grad = False

        def forward(self, x):
            return self.head(self.backbone(x))
    ```

    ```python proof
    net = Net()
    net(torch.ones(4, 8)).sum().backward()
    broken = net.backbone.weight.grad is not None
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(Net())
    ```

    What is set must be a module: by what made it, as the variable of a loop over `children()` or `modules()`, or because
    it is called, or asked for its `parameters()`, by the same name. Silent are tensors, Parameters, whatever else it may
    be, and classes that read the attribute or define it as a property. Tests are left alone.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.requires_grad_
    - https://discuss.pytorch.org/t/requires-grad-doesnt-propagate-to-the-parameters-of-the-module/9979/2
    """
    if switch.is_misspelled or not switch.is_on_module:
        return
    if switch.value is None:
        yield Finding(
            switch.range,
            f"`{switch.holder}.{switch.name}` is not called, and changes nothing",
            caption="only names the method",
            help="call it: `requires_grad_(False)`",
        )
        return
    effect = "keep training" if switch.given == "False" else "stay as they are"
    yield Finding(
        switch.range,
        f"`{switch.holder}` is a module, so assigning to `{switch.name}` is without effect: its Parameters {effect}",
        caption="a module has no such switch",
        fix=switch.call_fix,
        help="call `requires_grad_()`",
    )


@module_requires_grad_noop.runtime
def _(switch: IdleSwitch) -> Iterator[Verdict]:
    if switch.on_module and switch.switch in ("requires_grad", "requires_grad_") and not switch.obeyed:
        effect = "are frozen" if switch.value else "train"
        yield Verdict(
            f"`{switch.switch}` of `{switch.named or switch.type}` is {switch.value}, and all its Parameters {effect}",
            "warning",
            "call `requires_grad_()`",
        )
