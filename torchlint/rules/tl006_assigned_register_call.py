"""TL006: what ``register_buffer()`` returns is assigned, and overwrites what was registered."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.registering import AssignedRegistration
    from torchlint.observed import EmptyEntry


@rule("TL006", since="0.1.0")
def assigned_register_call(assigned: AssignedRegistration) -> Iterator[Finding]:
    """`self.x = self.register_buffer("x", …)` overwrites the buffer with `None`.

    `register_buffer`, `register_parameter` and `add_module` return nothing. Where the result is assigned to the same
    name, what was registered is gone: it is missing from `state_dict()` and `parameters()`. Nothing is raised until
    somebody uses it, and where `None` means "without", nobody does.

    ```python bad
    import torch
    from torch import nn

    class Normalize(nn.Module):
        def __init__(self):
            super().__init__()
            self.mean = self.register_buffer("mean", torch.zeros(3))  # TL006

        def forward(self, x):
            return x if self.mean is None else x - self.mean
    ```

    ```python fixed
    import torch
    from torch import nn

    class Normalize(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", torch.zeros(3))

        def forward(self, x):
            return x if self.mean is None else x - self.mean
    ```

    ```python proof
    broken = "mean" not in Normalize().state_dict()
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(Normalize())
    ```

    Under another name than the registered one, the attribute is `None` and there is no fix, since it may be read. Silent
    are `self.register_parameter("bias", None)`, where nothing is lost, and classes with a method of that name.
    In a live model, an entry that is `None` is a finding where one place alone in the class speaks of it.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_buffer
    """
    if assigned.registers_nothing:
        return
    if assigned.is_overwritten:
        message = f"`{assigned.spelled}` returns `None`, and `{assigned.name}` is overwritten with it"
    else:
        message = f"`{assigned.spelled}` returns `None`, and `{assigned.name}` is nothing else"
    yield Finding(
        assigned.range,
        message,
        caption="the result of a call that returns nothing",
        fix=assigned.fix,
        help="call it without an assignment",
    )


@assigned_register_call.runtime
def _(entry: EmptyEntry) -> Iterator[Verdict]:
    yield Verdict(
        f"`{entry.named}` is `None`: `{entry.call}` has registered something, and what it returns was assigned over it",
        "error",
        "call it without an assignment",
    )
