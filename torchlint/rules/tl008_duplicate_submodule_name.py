"""TL008: two modules under one name, of which the first is lost."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Label
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.replacing import ReplacedRegistration


@rule("TL008", since="0.1.0")
def duplicate_submodule_name(replaced: ReplacedRegistration) -> Iterator[Finding]:
    """Two modules under one name: the second takes the place of the first, and the model has a layer less.

    A name of a module stands for one submodule. A block that is copied and keeps its name replaces the one that it was
    copied from: in `__init__`, in `add_module`, or as a key of a dict. Nothing is raised, the shapes often still fit, and
    the model trains with fewer layers than were written down.

    ```python bad
    from collections import OrderedDict

    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(OrderedDict([
                ("fc1", nn.Linear(8, 8)),
                ("act1", nn.ReLU()),
                ("fc2", nn.Linear(8, 8)),
                ("act1", nn.ReLU()),  # TL008
            ]))

        def forward(self, x):
            return self.body(x)
    ```

    ```python good
    from collections import OrderedDict

    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(OrderedDict([
                ("fc1", nn.Linear(8, 8)),
                ("act1", nn.ReLU()),
                ("fc2", nn.Linear(8, 8)),
                ("act2", nn.ReLU()),
            ]))

        def forward(self, x):
            return self.body(x)
    ```

    ```python proof
    broken = len(Net().body) < 4
    ```

    An attribute is a finding where one block assigns two modules to it and nothing reads the first, which must have
    Parameters. `add_module` is one with the same name twice in a block, or with one name in every turn of a loop over a
    module that was made before. Silent are placeholders (an empty `nn.Sequential()`, `nn.Identity()`), branches of an `if`,
    and a first module that the second is made of. One module under several names is TL007.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.add_module
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.Sequential.html
    """
    line = replaced.first_line
    if replaced.way == "assigned":
        message = f"`{replaced.name}` is assigned again, and the module of line {line} is thrown away"
        help = "give each module a name of its own, or remove the first"
    elif replaced.way == "registered":
        message = f"`{replaced.name}` is registered again, and takes the place of the one of line {line}"
        help = "give each of them a name of its own"
    elif replaced.way == "loop":
        message = f"`{replaced.name}` is registered in each turn of the loop, and only the last one stays"
        help = 'put the index into the name: `f"…{i}"`'
    else:
        message = f"the key `{replaced.name}` stands twice, and the module of line {line} is lost"
        help = "give each module a key of its own"
    first = "the loop" if replaced.way == "loop" else "this one is lost"
    yield Finding(
        replaced.range,
        message,
        caption="takes the place of the other",
        labels=(Label(replaced.first_range, first),),
        help=help,
    )
