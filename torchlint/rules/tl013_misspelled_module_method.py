"""TL013: a method that PyTorch never calls, because its name has a slip in it."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.misspelling import MisspelledMethod


@rule("TL013", since="0.1.0")
def misspelled_module_method(method: MisspelledMethod) -> Iterator[Finding]:
    """`def _init_` or `def foward` is a method that nobody calls.

    Without an `__init__` of its own, a class is made by that of its base: the layers of `def __int__(self)` are never made,
    which shows when the model is used, or never, where only the defaults of a subclass are lost. Without a `forward`, a
    call of the module raises a `NotImplementedError` that speaks of a missing method, while one is there.

    ```python bad
    import torch
    from torch import nn

    class Wide(nn.Linear):
        def __int__(self):  # TL013
            super().__init__(8, 8)
            nn.init.zeros_(self.weight)

    net = Wide(8, 8)
    ```

    ```python good
    import torch
    from torch import nn

    class Wide(nn.Linear):
        def __init__(self, *sizes):
            super().__init__(*sizes)
            nn.init.zeros_(self.weight)

    net = Wide(8, 8)
    ```

    ```python proof
    broken = bool(net.weight.any())
    ```

    ```python bad
    import torch
    from torch import nn

    class Net(nn.Module):
        def _init_(self):  # TL013
            super().__init__()
            self.fc = nn.Linear(8, 8)

        def forward(self, x):
            return self.fc(x)
    ```

    ```python fixed
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 8)

        def forward(self, x):
            return self.fc(x)
    ```

    ```python proof
    broken = not list(Net().parameters())
    ```

    Looked for are names that are one slip away from `__init__`, `forward` and, in a LightningModule, `training_step`,
    `validation_step`, `test_step` and `configure_optimizers`, where neither the class nor a base class has the right one.
    Silent is a name that stands anywhere else in the file, in a base class or in a file that imports this one, since then it
    is called, and an `__int__` that makes a number. The fix is safe for an `__init__`; any other method may be called by its
    wrong name from where nobody looks.

    References:
    - https://docs.python.org/3/reference/datamodel.html#object.__init__
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.forward
    """
    if method.is_missing and not method.is_called and not method.converts:
        yield Finding(
            method.range,
            f"`{method.cls.name}` has no `{method.meant}`, and nobody calls `{method.name}`",
            caption="a slip of the pen",
            fix=method.fix,
            help=f"call it `{method.meant}`",
        )
