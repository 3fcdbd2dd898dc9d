"""TL011: ``super(Other, self)``."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.construction import SuperCall


@rule("TL011", since="0.1.0")
def wrong_class_in_super(call: SuperCall) -> Iterator[Finding]:
    """`super(Other, self)` names another class than the one it stands in.

    A class copied from another one keeps the old name in `super(...)`. Where that is no base class, creating the
    model raises a TypeError, often only in a configuration that is rarely run. Where it is a base class, its
    `__init__` is skipped without a word, and the layers it would have created are missing.

    ```python bad
    import torch
    from torch import nn

    class FullAttention(nn.Module):
        def __init__(self):
            super(FullAttention, self).__init__()
            self.qkv = nn.Linear(8, 24)

    class SparseAttention(nn.Module):
        def __init__(self):
            super(FullAttention, self).__init__()  # TL011
            self.qkv = nn.Linear(8, 24)
    ```

    ```python fixed
    import torch
    from torch import nn

    class FullAttention(nn.Module):
        def __init__(self):
            super(FullAttention, self).__init__()
            self.qkv = nn.Linear(8, 24)

    class SparseAttention(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv = nn.Linear(8, 24)
    ```

    ```python proof
    try:
        SparseAttention()
        broken = False
    except TypeError:
        broken = True
    ```

    A base class that is skipped on purpose is not reported where the class sets all the layers of the skipped one
    itself.

    References:
    - https://docs.python.org/3/library/functions.html#super
    """
    name = call.cls.name
    if call.names_own_type:
        if call.has_subclass_here:
            yield Finding(
                call.range,
                f"`super({call.names}, ...)` in `{name}` calls itself without end once `{name}` is subclassed",
                caption="the class of the object, not of this method",
                fix=call.fix(),
            )
    elif call.is_unrelated:
        yield Finding(
            call.range,
            f"`super({call.names}, ...)` in `{name}` raises a TypeError: `{call.names}` is no base class of `{name}`",
            caption=f"this class is `{name}`",
            fix=call.fix(),
        )
    elif call.calls_init and call.skipped:
        lost = ", ".join(f"`{attribute}`" for attribute in call.skipped[:3])
        yield Finding(
            call.range,
            f"`super({call.names}, ...)` in `{name}` skips `{call.names}.__init__`, so {lost} will be missing",
            caption="goes on behind this base class",
            fix=call.fix(),
        )
