"""TL015: weights that are initialised in a loop over the direct children alone."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.child_loops import ChildLoop


@rule("TL015", since="0.1.0")
def init_over_children(loop: ChildLoop) -> Iterator[Finding]:
    """`for m in self.children()` does not reach the layers inside of an `nn.Sequential`.

    `children()` gives what a module holds itself. A loop that looks for `nn.Linear` there and initialises it passes over
    the layers in an `nn.Sequential` or `nn.ModuleList`, which keep the values that PyTorch gave them. The model trains
    from another start than the one that was chosen, and nothing shows it.

    ```python bad
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(8, 8), nn.ReLU())
            self.out = nn.Linear(8, 2)
            for m in self.children():  # TL015
                if isinstance(m, nn.Linear):
                    nn.init.zeros_(m.bias)

        def forward(self, x):
            return self.out(self.body(x))
    ```

    ```python fixed
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(8, 8), nn.ReLU())
            self.out = nn.Linear(8, 2)
            for m in self.modules():
                if isinstance(m, nn.Linear):
                    nn.init.zeros_(m.bias)

        def forward(self, x):
            return self.out(self.body(x))
    ```

    ```python proof
    broken = bool(Net().body[0].bias.any())
    ```

    A finding needs a layer of a type that the loop tests for, in a container of the same module or in a module whose class
    stands in the same file. Silent are loops that hand the child on or go through what it holds, methods that also call
    `apply()` or `modules()`, parts that are read while the module is made, since their layers may be initialised there, and
    what is inside of classes of other files, or of those that initialise themselves or load weights. The fix is unsafe: the
    training starts from other values.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.children
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.modules
    """
    if loop.initialises and loop.missed is not None and not loop.goes_deeper:
        layer, child = loop.missed
        yield Finding(
            loop.range,
            f"`{loop.spelled}` does not reach the `{layer}` in `{child}`, which is not initialised here",
            caption="the direct children alone",
            fix=loop.fix,
            help=f"go through `{loop.method.replace('children', 'modules')}()`, or call `apply()`",
        )
