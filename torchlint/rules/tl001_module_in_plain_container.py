"""TL001: modules and Parameters that PyTorch does not see."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Label, Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.diagnostic import Severity
    from torchlint.model.containers import PlainContainer
    from torchlint.observed import HiddenModule, HiddenParameter

_KEEP_MODULES = "keep modules in `nn.ModuleList` or `nn.ModuleDict`, or assign them to an attribute"
_KEEP_PARAMETERS = (
    "keep Parameters in `nn.ParameterList` or `nn.ParameterDict`, or assign them to an attribute"
)


@rule("TL001", since="0.1.0")
def module_in_plain_container(container: PlainContainer) -> Iterator[Finding]:
    """Modules kept in a plain list, tuple or dict are invisible to PyTorch.

    `nn.Module` registers what is assigned to an attribute: a Parameter, a module. A list of modules is only a list.
    Its layers are missing from `parameters()`, so the optimizer never trains them; from `state_dict()`, so a
    checkpoint does not hold them; and `.to()`, `.train()` and `.eval()` do not reach them. As long as the model has
    other layers, nothing is raised and the loss falls.

    ```python bad
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Linear(8, 8) for _ in range(3)]  # TL001
            self.head = nn.Linear(8, 2)

        def forward(self, x):
            for layer in self.layers:
                x = layer(x).relu()
            return self.head(x)
    ```

    ```python fixed
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(8, 8) for _ in range(3)])
            self.head = nn.Linear(8, 2)

        def forward(self, x):
            for layer in self.layers:
                x = layer(x).relu()
            return self.head(x)
    ```

    ```python proof
    trained = sum(p.numel() for p in Net().parameters())
    broken = trained != 3 * (8 * 8 + 8) + (8 * 2 + 2)
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(Net())
    ```

    Modules without parameters, buffers and mode (activations, pooling, losses) may be kept anywhere; a list of
    Dropout may not, since `eval()` does not reach it. Nothing is reported where the same modules are registered in
    another way: `nn.Sequential(*self.layers)`, `add_module` in a loop, another attribute.

    ```python good
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.activations = [nn.ReLU(), nn.Tanh()]
            self.blocks = []
            for _ in range(3):
                self.blocks.append(nn.Linear(8, 8))
            self.body = nn.Sequential(*self.blocks)

        def forward(self, x):
            return self.activations[0](self.body(x))
    ```

    The fix changes the keys of `state_dict()`: a checkpoint that was saved before does not hold these weights.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.ModuleList.html
    - https://github.com/pytorch/pytorch/issues/1053
    - https://github.com/pytorch/pytorch/issues/72580
    """
    consequence = (
        "`eval()` never reaches them" if container.only_mode else "they are not trained, saved or moved"
    )
    labels: tuple[Label, ...] = ()
    if container.use is not None:
        where = container.cls.file.range(container.use.node)
        labels = (Label(where, f"but it is used in `{container.use_method}` here"),)
    yield Finding(
        container.range,
        f"`{container.name}` keeps {container.holds} in a plain {container.display}, so {consequence}",
        caption=f"a plain {container.display}: `nn.Module` does not look into it",
        labels=labels,
        fix=container.fix(),
        help="keep modules in `nn.ModuleList` or `nn.ModuleDict`, Parameters in `nn.ParameterList`",
    )


@module_in_plain_container.runtime
def _(hidden: HiddenModule) -> Iterator[Verdict]:
    if not hidden.numel and not hidden.lazy:
        if hidden.training_after_eval is not False:
            yield Verdict(
                f"{hidden.kept} is in training mode for good: `eval()` does not reach it",
                "warning",
                _KEEP_MODULES,
            )
        return
    if not hidden.fate:
        return
    if hidden.lazy:
        held = "the parameters, not made yet,"
    else:
        held = (
            f"{hidden.parameters:,} parameters"
            if hidden.parameters
            else f"{hidden.buffers:,} values in buffers"
        )
    if hidden.frozen:
        message = f"{held} of {hidden.kept} are frozen and will not {hidden.fate}"
        yield Verdict(message, "note", "say `@runtime.allow` on the class if it is hidden on purpose")
    elif hidden.in_optimizer or hidden.evidence.get("in_parameters"):
        yield Verdict(
            f"{held} of {hidden.kept} are trained, but will not {hidden.fate}", "warning", _KEEP_MODULES
        )
    else:
        yield Verdict(f"{held} of {hidden.kept} will not {hidden.fate}", help=_KEEP_MODULES)


@module_in_plain_container.runtime
def _(hidden: HiddenParameter) -> Iterator[Verdict]:
    severity: Severity = "warning" if hidden.in_optimizer else "error"
    if not hidden.fate:
        return
    values = f"{hidden.numel:,} values of {hidden.kept}"
    yield Verdict(f"{values} are a Parameter, but will not {hidden.fate}", severity, _KEEP_PARAMETERS)
