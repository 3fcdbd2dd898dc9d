"""TL207: an optimizer that was made for layers which the model no longer has."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.optimizers import LateLayer
    from torchlint.observed import ForeignTensors


@rule("TL207", since="0.1.0")
def optimizer_before_layer_replaced(layer: LateLayer) -> Iterator[Finding]:
    """An optimizer updates tensors that the model no longer has, and not those that it has.

    An optimizer keeps the Parameters that it was made with. A layer that is replaced afterwards, for instance the head of a
    pretrained model, is not among them: the new layer keeps its initial weights while the optimizer updates the old one,
    which nobody uses. The loss still falls, as the other layers adapt.

    ```python bad
    import torch
    from torch import nn

    def build():
        model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 10))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        model[2] = nn.Linear(4, 2)  # TL207
        return model, optimizer
    ```

    ```python good
    import torch
    from torch import nn

    def build():
        model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 10))
        model[2] = nn.Linear(4, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        return model, optimizer
    ```

    ```python proof
    model, optimizer = build()
    before = model[2].weight.clone()
    model(torch.ones(3, 4)).sum().backward()
    optimizer.step()
    broken = torch.equal(before, model[2].weight)
    ```

    ```python verify
    from torchlint import runtime

    model, optimizer = build()
    report = runtime.verify(model, optimizer=optimizer)
    ```

    In source code, the two must stand in one function, and the layer must be made there. Silent is what happens in another
    branch, a new layer with the old one inside of it, and code that makes another optimizer or calls `add_param_group`
    afterwards. In a live model, an optimizer that also updates another one, as in a GAN, is right as long as this one's
    Parameters are all there.

    References:
    - https://docs.pytorch.org/docs/stable/optim.html#constructing-it
    - https://github.com/microsoft/nni/issues/4521
    """
    if layer.has_new_parameters and layer.comes_later and layer.is_used_later and not layer.is_mended:
        yield Finding(
            layer.range,
            f"`{layer.optimizer_name}` was made before `{layer.name}`, and never updates the Parameters of the new layer",
            caption="comes too late",
            labels=(layer.label,),
            help="make the optimizer after the last change to the model, or use `add_param_group`",
        )


@optimizer_before_layer_replaced.runtime
def _(foreign: ForeignTensors) -> Iterator[Verdict]:
    if foreign.all_of_them:
        yield Verdict(
            f"`{foreign.optimizer}` updates none of the model's Parameters: its {foreign.count} tensors belong elsewhere",
            help="make the optimizer from the `parameters()` of this very model, after the last change to it",
        )
    elif foreign.uncovered:
        yield Verdict(
            f"`{foreign.optimizer}` updates {foreign.count} tensors that the model does not have, and not "
            f"`{foreign.uncovered[0]}`: was a layer replaced after it was made?",
            help="make the optimizer after the last change to the model, or use `add_param_group`",
        )
