"""TL016: a name that holds a Parameter or submodule is assigned a tensor."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Label
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.rebinding import ReboundName


@rule("TL016", since="0.1.0")
def registered_name_rebound(rebound: ReboundName) -> Iterator[Finding]:
    """A tensor assigned to a name that holds a Parameter or a submodule raises a `TypeError`.

    `nn.Module` keeps the name of a registered Parameter for Parameters, and that of a submodule for modules. Everything else
    but `None` is refused: `cannot assign 'torch.FloatTensor' as parameter 'w'`. In a method that runs rarely, to reset,
    prune or resize something, the error comes hours into the training.

    ```python bad
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(8))

        def forward(self, x):
            return x * self.scale

        def reset(self):
            self.scale = torch.ones(8)  # TL016
    ```

    ```python good
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(8))

        def forward(self, x):
            return x * self.scale

        def reset(self):
            with torch.no_grad():
                self.scale.fill_(1)
    ```

    ```python proof
    try:
        Net().reset()
        broken = False
    except TypeError:
        broken = True
    ```

    Silent are names that are registered on some paths only, methods that `__init__` or a base class calls while the module is
    made, classes that take out what they registered (`del self.scale`, `self._parameters`), and values that may be a
    Parameter or a module. A cast of the Parameter itself (`self.w = self.w.to(device)`) is TL005 or harmless, a Parameter
    that is made anew in `forward` is TL104. Where both would speak of a plain tensor, this rule does and TL002 does not,
    since that name cannot be registered as a buffer.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_parameter
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html
    """
    if (rebound.is_tensor or rebound.is_data) and not rebound.is_expected and not rebound.is_taken_out:
        held = "Parameter" if rebound.holds_parameter else "submodule"
        yield Finding(
            rebound.range,
            f"`{rebound.name}` is a registered {held}, and assigning anything else raises a `TypeError`",
            caption=f"no {'Parameter' if rebound.holds_parameter else 'module'}",
            labels=(Label(rebound.first_range, "registered here"),),
            help=f"write to `{rebound.name}.data`, or choose another name"
            if rebound.holds_parameter
            else "choose another name",
        )
