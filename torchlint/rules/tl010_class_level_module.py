"""TL010: a module in the body of a class."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.class_level import ClassLevelModule


@rule("TL010", since="0.1.0")
def class_level_module(shared: ClassLevelModule) -> Iterator[Finding]:
    """A layer in the body of a class is no submodule, and all instances share it.

    `nn.Module` registers what is assigned to `self`. A layer that is assigned in the body of the class is found as
    `self.fc` and computes something, but it is missing from `parameters()` and `state_dict()`: no optimizer trains it,
    `.to()` does not move it, no checkpoint has it. And it is made once, when the file is imported: two instances of the
    class use the same weights.

    ```python bad
    import torch
    from torch import nn

    class Net(nn.Module):
        fc = nn.Linear(8, 8)  # TL010

        def __init__(self):
            super().__init__()
            self.out = nn.Linear(8, 2)

        def forward(self, x):
            return self.out(self.fc(x))
    ```

    ```python fixed
    import torch
    from torch import nn

    class Net(nn.Module):

        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 8)
            self.out = nn.Linear(8, 2)

        def forward(self, x):
            return self.out(self.fc(x))
    ```

    ```python proof
    broken = len(list(Net().parameters())) == 2 and Net().fc is Net().fc
    ```

    Silent are modules without Parameters (`act = nn.SiLU()` as a default for all instances), what is marked as `ClassVar` or
    read as `Net.fc`, fields of a dataclass, what no method reads, and what a method replaces or registers. A list on `self`
    is TL001. The fix is unsafe: the model gets more Parameters, and its own.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html
    - https://docs.python.org/3/tutorial/classes.html#class-and-instance-variables
    """
    if shared.has_parameters and shared.is_used and not shared.is_meant and not shared.is_registered:
        what = "Parameter" if shared.is_parameter else "submodule"
        yield Finding(
            shared.range,
            f"`{shared.name}` is no {what} of `{shared.cls.name}`: it is not trained, and all instances share it",
            caption="made once, for the class",
            fix=shared.fix,
            help="assign it to `self` in `__init__`",
        )
