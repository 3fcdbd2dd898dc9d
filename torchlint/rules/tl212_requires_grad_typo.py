"""TL212: ``require_grad`` and other names that are not ``requires_grad``."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.freezing import GradientSwitch
    from torchlint.observed import IdleSwitch


@rule("TL212", since="0.1.0", in_tests=False)
def requires_grad_typo(switch: GradientSwitch) -> Iterator[Finding]:
    """`tensor.require_grad = False` sets an attribute that PyTorch does not know.

    A tensor takes any attribute, as other Python objects do. With one letter missing, `requires_grad` is what it was
    before: what should be frozen is trained, and what should be trained gets no gradient. Nothing is raised.

    ```python bad
    import torch
    from torch import nn

    def freeze(net):
        for parameter in net.parameters():
            parameter.require_grad = False  # TL212
        return net
    ```

    ```python fixed
    import torch
    from torch import nn

    def freeze(net):
        for parameter in net.parameters():
            parameter.requires_grad = False
        return net
    ```

    ```python proof
    net = freeze(nn.Linear(2, 2))
    broken = any(parameter.requires_grad for parameter in net.parameters())
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(freeze(nn.Linear(2, 2)))
    ```

    The names are `require_grad`, `requires_grads`, `required_grad` and the like, and `requires_grad_`, which is a method.
    What is assigned to must be known as a tensor, a Parameter or a module: other objects may have attributes of any name.
    Tests are left alone.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.Tensor.requires_grad.html
    - https://github.com/pytorch-labs/torchfix
    """
    if switch.value is None or switch.name == "requires_grad":
        return
    if switch.is_on_tensor:
        yield Finding(
            switch.range,
            f"`{switch.holder}.{switch.name}` is not `requires_grad`: the tensor stays as it is",
            caption="no attribute of a tensor" if switch.is_misspelled else "a method, which is overwritten",
            fix=switch.spelling_fix,
            help="write `requires_grad`",
        )
    elif switch.is_misspelled and switch.is_on_module:
        yield Finding(
            switch.range,
            f"`{switch.holder}.{switch.name}` is not `requires_grad_()`: the Parameters of the module stay as they are",
            caption="no attribute of a module",
            fix=switch.call_fix,
            help="call `requires_grad_()`",
        )


@requires_grad_typo.runtime
def _(switch: IdleSwitch) -> Iterator[Verdict]:
    is_other = switch.switch != "requires_grad" and not (
        switch.on_module and switch.switch == "requires_grad_"
    )
    if is_other and not switch.obeyed:
        yield Verdict(
            f"`{switch.switch}` of `{switch.named or switch.type}` is {switch.value}, and `requires_grad` is not",
            "warning",
            "write `requires_grad`",
        )
