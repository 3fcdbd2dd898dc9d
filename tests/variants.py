"""Ways to write the same program differently, after which the findings must be the same (or none at all).

Every rewrite works on the text and keeps each line where it was, so that findings can be compared by line. It
gives ``None`` where it does not apply to the program.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable

Rewrite = Callable[[str], "str | None"]

_NN_IMPORT = re.compile(r"^( *)(?:import torch\.nn as nn|from torch import nn)$", re.MULTILINE)
_F_IMPORT = re.compile(
    r"^( *)(?:import torch\.nn\.functional as F|from torch\.nn import functional as F)$", re.MULTILINE
)
_TORCH_IMPORT = re.compile(r"^( *)import torch$", re.MULTILINE)
_IMPORT = re.compile(r"^(?P<indent> *)(?P<word>import|from) (?P<module>[\w.]+)(?P<rest>.*)$", re.MULTILINE)


def nn_as_alias(source: str) -> str | None:
    return _sub_import(_NN_IMPORT, "import torch.nn as nn", source)


def nn_from_torch(source: str) -> str | None:
    return _sub_import(_NN_IMPORT, "from torch import nn", source)


def nn_in_full(source: str) -> str | None:
    return _rename(_sub_import(_NN_IMPORT, "import torch.nn", source), "nn", "torch.nn")


def nn_other_alias(source: str) -> str | None:
    return _rename(_sub_import(_NN_IMPORT, "import torch.nn as layers", source), "nn", "layers")


def nn_members(source: str) -> str | None:
    return _import_members(_NN_IMPORT, "nn", "torch.nn", source)


def functional_from_nn(source: str) -> str | None:
    return _sub_import(_F_IMPORT, "from torch.nn import functional as F", source)


def functional_in_full(source: str) -> str | None:
    return _rename(_sub_import(_F_IMPORT, "import torch.nn.functional", source), "F", "torch.nn.functional")


def functional_members(source: str) -> str | None:
    return _import_members(_F_IMPORT, "F", "torch.nn.functional", source)


def torch_as_alias(source: str) -> str | None:
    if re.search(r"^ *import torch\.[\w.]+$", source, re.MULTILINE):
        return None
    return _rename(_sub_import(_TORCH_IMPORT, "import torch as th", source), "torch", "th")


SPELLINGS: tuple[Rewrite, ...] = (
    nn_as_alias,
    nn_from_torch,
    nn_in_full,
    nn_other_alias,
    nn_members,
    functional_from_nn,
    functional_in_full,
    functional_members,
    torch_as_alias,
)


def without_torch(source: str) -> str:
    """The same program over a library that is not PyTorch: every import of a library is renamed away."""
    return _IMPORT.sub(_renamed_import, source)


def _renamed_import(found: re.Match[str]) -> str:
    indent, word, module, rest = found["indent"], found["word"], found["module"], found["rest"]
    root = module.partition(".")[0]
    if module.startswith(".") or root in sys.stdlib_module_names:
        return found[0]
    if word == "import" and not rest.strip():
        return f"{indent}import not{module}, not{root} as {root}"
    return f"{indent}{word} not{module}{rest}"


def in_a_function(source: str) -> str | None:
    """The program as the body of a function: every finding is one line further down."""
    if re.search(r"^ *from [\w.]+ import \*|^from __future__", source, re.MULTILINE):
        return None
    constants = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    if any("\n" in str(constant.value) for constant in constants):
        return None
    return "def wrapper():\n" + re.sub(r"^(?=.)", "    ", source, flags=re.MULTILINE)


def with_tabs(source: str) -> str:
    return re.sub(r"^(?:    )+", lambda found: "\t" * (len(found[0]) // 4), source, flags=re.MULTILINE)


def _sub_import(pattern: re.Pattern[str], line: str, source: str) -> str | None:
    new, count = pattern.subn(rf"\g<1>{line}", source)
    return new if count else None


def _rename(source: str | None, name: str, new: str) -> str | None:
    """Use ``new.`` for ``name.`` outside of imports."""
    if source is None or _is_bound(source, name):
        return None
    lines = source.split("\n")
    use = re.compile(rf"(?<![\w.]){name}(?=\.)")
    return "\n".join(line if _IMPORT.match(line) else use.sub(new, line) for line in lines)


def _is_bound(source: str, name: str) -> bool:
    """Whether the program uses ``name`` other than as the start of a dotted name."""
    return bool(re.search(rf"(?<![\w.]){name}\b(?!\.)", _IMPORT.sub("", source)))


def _import_members(pattern: re.Pattern[str], name: str, module: str, source: str) -> str | None:
    """Import what is used of ``name`` by its own name, unless that name means something else as well."""
    code = _IMPORT.sub("", source)
    members = sorted(set(re.findall(rf"(?<![\w.]){name}\.(\w+)", code)))
    taken = set(re.findall(r"(?<![\w.])\w+", code)) | set(re.findall(r"\w+", "".join(_imports(source))))
    if not members or taken & set(members) or _is_bound(source, name):
        return None
    new = _sub_import(pattern, f"from {module} import {', '.join(members)}", source)
    return None if new is None else re.sub(rf"(?<![\w.]){name}\.(?=\w)", "", new)


def _imports(source: str) -> list[str]:
    return [found["rest"] for found in _IMPORT.finditer(source)]
