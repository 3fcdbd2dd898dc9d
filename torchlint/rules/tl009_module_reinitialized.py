"""TL009: a second ``nn.Module.__init__``, which throws away what was registered."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Label
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.reinitialising import Reinitialization


@rule("TL009", since="0.1.0")
def module_reinitialized(again: Reinitialization) -> Iterator[Finding]:
    """A second `__init__` of `nn.Module` throws away the layers that are there already.

    `nn.Module.__init__` makes the registries of modules, Parameters and buffers: empty ones. Where it runs a second time,
    because two base classes are initialised one after the other or because of a second `super().__init__()`, what was
    registered is gone. Nothing is raised before somebody asks for it, and what is only in `parameters()` nobody asks for.

    ```python bad
    import torch
    from torch import nn

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc = nn.Linear(8, 8)

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.dec = nn.Linear(8, 8)

    class Net(Encoder, Decoder):
        def __init__(self):
            Encoder.__init__(self)
            Decoder.__init__(self)  # TL009
    ```

    ```python good
    import torch
    from torch import nn

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc = nn.Linear(8, 8)

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.dec = nn.Linear(8, 8)

    class Net(Encoder, Decoder):
        def __init__(self):
            super().__init__()
    ```

    ```python proof
    broken = not hasattr(Net(), "enc")
    ```

    With `super().__init__()` in every class, one call runs them all. A finding needs a base class whose source is known and
    a layer, Parameter or buffer that is certainly registered before the second call and not again by it or behind it. Silent
    are branches of an `if`, a second base class that is no Module, and one that the first leads to. A layer before the first
    call is TL003.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html
    - https://github.com/asyml/texar-pytorch/issues/108
    """
    yield Finding(
        again.range,
        f"`{again.spelled}` runs `nn.Module.__init__` again, and `{again.lost}` of `{again.owner}` is gone",
        caption="empties the registries",
        labels=(Label(again.first_range, "initialised here already"),),
        help="call `super().__init__()` once, in every class, before anything is registered",
    )
