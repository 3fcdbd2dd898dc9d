"""TL114: ``forward`` called by its name."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.forwarding import ForwardCall


@rule("TL114", since="0.1.0", severity="warning", preview=True, in_tests=False)
def direct_forward_call(call: ForwardCall) -> Iterator[Finding]:
    """`self.body.forward(x)` passes by the hooks of the layer.

    What surrounds `forward` is in `nn.Module.__call__`. Feature extractors, profilers, pruning, `weight_norm`, FSDP and
    activation checkpointing register hooks that run there. Called by its name, `forward` computes the same as long as there
    is none; later, somebody's features are empty, or a weight is that of the first step, and nothing is raised.

    ```python bad
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Linear(4, 4)

        def forward(self, x):
            return self.body.forward(x)  # TL114
    ```

    ```python fixed
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Linear(4, 4)

        def forward(self, x):
            return self.body(x)
    ```

    ```python proof
    net, features = Net(), []
    net.body.register_forward_hook(lambda module, inputs, output: features.append(output))
    net(torch.ones(2, 4))
    broken = not features
    ```

    What is called must be an attribute of `self` that is known to hold a layer of torch, or of a class whose bases are all
    in the project. Silent are `super().forward(x)`, classes with a `__call__` of their own, calls in a `__call__`, and where
    a comment speaks of hooks. Tests are left alone. The rule is in preview, since nothing is wrong before there is a hook.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.forward
    - https://github.com/mlfoundations/open_flamingo/issues/91
    """
    if call.is_of_known_module and not call.is_meant:
        yield Finding(
            call.range,
            f"`{call.holder}.forward()` is called by its name, so the hooks of `{call.holder}` do not run",
            caption="passes by `nn.Module.__call__`",
            fix=call.fix,
            help="call the module itself",
        )
