"""torchlint finds the PyTorch bugs that train without an error.

From Python: ``torchlint.check_source(source, path)`` gives the list of :class:`Diagnostic` for one file.
"""

__version__ = "0.1.0"

__all__ = ["Config", "Diagnostic", "__version__", "check_source"]

# Not imported from `typing`: `torchlint --version` waits for nothing that it does not need.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.api import check_source
    from torchlint.config import Config
    from torchlint.diagnostic import Diagnostic

_HOMES = {
    "check_source": "torchlint.api",
    "Config": "torchlint.config",
    "Diagnostic": "torchlint.diagnostic",
}


def __getattr__(name: str) -> object:
    """What the package offers is imported when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    found: object = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
