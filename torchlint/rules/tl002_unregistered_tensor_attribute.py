"""TL002: a tensor on a Module that should be a Parameter or a buffer."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Label, Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.diagnostic import Severity
    from torchlint.model.tensors import PlainTensor
    from torchlint.observed import HiddenTensor


@rule("TL002", since="0.1.0")
def unregistered_tensor_attribute(tensor: PlainTensor) -> Iterator[Finding]:
    """A tensor kept as a plain attribute of a Module is neither trained, nor moved, nor saved.

    `self.x = torch.zeros(3)` is unknown to `nn.Module`. `model.to("cuda")` leaves it on the CPU, and the forward pass
    fails with "expected all tensors to be on the same device". A tensor with `requires_grad=True`, or one that is
    initialised like a weight, looks trainable, but the optimizer never sees it.

    ```python bad
    import torch
    from torch import nn

    class Grid(nn.Module):
        def __init__(self):
            super().__init__()
            self.grid = torch.linspace(-1, 1, 4)  # TL002
            self.fc = nn.Linear(4, 4)

        def forward(self, x):
            return self.fc(x) * self.grid
    ```

    ```python fixed
    import torch
    from torch import nn

    class Grid(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("grid", torch.linspace(-1, 1, 4), persistent=False)
            self.fc = nn.Linear(4, 4)

        def forward(self, x):
            return self.fc(x) * self.grid
    ```

    ```python proof
    broken = Grid().to("meta").grid.device.type != "meta"
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(Grid(), (torch.ones(2, 4),))
    ```

    Reported is only what the forward pass computes with as it is. Silent are scalars, empty placeholders, tensors
    that are made with `device=`, moved where they are used (`self.grid.to(x.device)`), assigned again, or never read
    in `forward`.

    ```python good
    import torch
    from torch import nn

    class Grid(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.tensor(0.5)
            self.grid = torch.linspace(-1, 1, 4)
            self.fc = nn.Linear(4, 4)

        def forward(self, x):
            return self.fc(x) * self.grid.to(x.device) * self.scale
    ```

    The fix makes a buffer that is not saved, so that old checkpoints still load. It is unsafe, because the tensor may
    be kept on its device on purpose.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_buffer
    - https://github.com/OpenNMT/OpenNMT-py/pull/240
    - https://github.com/pytorch/audio/pull/457
    """
    if tensor.is_meant_to_be_trained:
        if tensor.attribute.loads_in_forward and not tensor.is_trained_by_hand:
            yield Finding(
                tensor.range,
                f"`{tensor.name}` is a plain tensor, not a Parameter, so the optimizer never trains it",
                caption="not in `parameters()`",
                fix=tensor.fix(),
                help="make it an `nn.Parameter`",
            )
        return
    use = tensor.meets_the_input
    if use is None or tensor.is_scalar_or_empty or tensor.is_pinned or tensor.is_moved_by_hand:
        return
    stays = "is always on the GPU" if tensor.is_on_cuda else "stays behind when the model is moved"
    yield Finding(
        tensor.range,
        f"`{tensor.name}` is a plain tensor, no Parameter and no buffer: it {stays}, and is not saved",
        caption="not in `state_dict()`, not moved by `.to()`",
        labels=(Label(tensor.cls.file.range(use), "but the forward pass computes with it here"),),
        fix=tensor.fix(),
        help="register it: `register_buffer(..., persistent=False)`",
    )


@unregistered_tensor_attribute.runtime
def _(hidden: HiddenTensor) -> Iterator[Verdict]:
    if hidden.trainable:
        severity: Severity = "note" if hidden.in_optimizer else "error"
        message = f"`{hidden.named}` asks for a gradient but is no Parameter: its {hidden.numel:,} values will not {hidden.fate}"
        yield Verdict(message, severity, "make it an `nn.Parameter`")
    elif hidden.breaks_at:
        message = f"`{hidden.named}` is a plain tensor that stays behind when the model is moved: {hidden.breaks_at} fails"
        yield Verdict(message, help="register it: `register_buffer(..., persistent=False)`")
    else:
        message = (
            f"`{hidden.named}` is a plain tensor: its {hidden.numel:,} values are not moved and not saved"
        )
        yield Verdict(message, "note", "register it: `register_buffer(...)`")
