"""The runtime witness: what PyTorch sees of a live model, and what it does not.

>>> from torchlint import runtime
>>> report = runtime.verify(model, (x,))
>>> report.raise_on("error")

torch is imported when one of these functions is first asked for, not with this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = [
    "Finding",
    "Report",
    "VerificationError",
    "allow",
    "assert_registered",
    "trace",
    "verify",
    "watch",
]

if TYPE_CHECKING:
    from torchlint.runtime.allowance import allow
    from torchlint.runtime.creation import trace
    from torchlint.runtime.monitor import watch
    from torchlint.runtime.report import Finding, Report, VerificationError
    from torchlint.runtime.verification import assert_registered, verify

_HOMES = {
    "Finding": "report",
    "Report": "report",
    "VerificationError": "report",
    "allow": "allowance",
    "assert_registered": "verification",
    "trace": "creation",
    "verify": "verification",
    "watch": "monitor",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    found: object = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
