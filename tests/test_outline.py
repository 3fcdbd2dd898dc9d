"""Outlines: what a file defines and mentions."""

from __future__ import annotations

import ast
import pickle
import warnings
from textwrap import dedent

import pytest

from torchlint.project.outline import MAX_CHARACTERS, Import, Outline, OutlineError, depth_error, parse


def outline(text: str, module: str | None = "pkg.models.net", path: str = "/r/pkg/models/net.py") -> Outline:
    return Outline.from_text(dedent(text), path, module)


def only(found: Outline, name: str):
    (binding,) = found.bindings[name]
    return binding


# ------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("x = (\n", 1, 5),
        ("x = 1\ny = = 2\n", 2, 5),
        ("if x:\npass\n", 2, 1),
        ("a\0b", 1, 1),
        ("x = '\ud800'", 1, 1),
    ],
)
def test_text_that_is_no_python_is_refused_with_its_place(text, line, column):
    with pytest.raises(OutlineError) as refused:
        outline(text)
    assert (refused.value.line, refused.value.column) == (line, column)


@pytest.mark.parametrize(
    "text",
    [
        "x = " + " + ".join(["a"] * 20_000),
        "if a: pass\n" + "elif a: pass\n" * 30_000,
        "x = " + "-" * 9_000 + "1",
    ],
)
def test_text_too_deep_for_python_itself_is_refused(text):
    with pytest.raises(OutlineError, match="deep"):
        outline(text)


@pytest.mark.parametrize(
    "text",
    [
        "x = a" + ".b()" * 450,
        "x = " + " or ".join(["a"] * 500),
        "x = " + " + ".join(["a"] * 900),
        "__all__ = " + " + ".join(["a"] * 900),
        "x = y" + "\n" * 3 + "z = a" + ".b" * 500,
    ],
)
def test_text_too_deep_for_libcst_alone_has_an_outline_and_says_so(text):
    assert outline(text).statements
    refused = depth_error(parse(text).body)
    assert refused is not None and "deep" in refused.reason


def test_what_is_not_deep_is_not_refused():
    assert depth_error(parse("x = " + "(" * 150 + ")" * 150).body) is None


def test_the_place_of_too_deep_a_statement_is_its_line():
    refused = depth_error(parse("x = 1\ny = a" + ".b" * 500).body)
    assert refused is not None and refused.line == 2


def test_a_long_chain_of_elif_is_fine():
    assert outline("if a: pass\n" + "elif a: pass\n" * 300).statements


def test_a_long_flat_list_is_fine():
    assert outline("x = [" + "1, " * 20_000 + "]").statements


def test_too_much_text_is_refused():
    with pytest.raises(OutlineError, match="too large"):
        outline("#" * (MAX_CHARACTERS + 1))


def test_invalid_escapes_are_read_in_silence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert outline("x = '\\d'\nassert (1, 'x')\n1 is 1\n").statements


# ----------------------------------------------------------------------------------------------- statements


def test_statements_have_their_lines_with_decorators():
    found = outline("import os\n\n@a\n@b(\n  1)\ndef f():\n    pass\nx = '''\n'''\n")
    assert [(statement.first, statement.last) for statement in found.statements] == [(1, 1), (3, 7), (8, 9)]


def test_lines_are_counted_as_python_counts_them():
    found = outline("x = 1\r\ny = 2\rz = '\x0c\u2028'\nw = 3\n")
    assert [statement.first for statement in found.statements] == [1, 2, 3, 4]


def test_the_statements_that_mention_a_word_are_found_by_their_lines():
    found = outline("import a\nx = 1; y = b\n\ndef f():\n    return a.b\n\nab = 2\n")
    assert found.mentioning("a") == {0, 3}
    assert found.mentioning("b") == {1, 2, 3}
    assert found.mentioning("c") == set()


# ------------------------------------------------------------------------------------------------- bindings


@pytest.mark.parametrize(
    ("text", "name", "target"),
    [
        ("import torch", "torch", "torch"),
        ("import torch.nn.functional", "torch", "torch"),
        ("import torch.nn as nn", "nn", "torch.nn"),
        ("from torch import nn as n", "n", "torch.nn"),
        ("from . import layers", "layers", "pkg.models.layers"),
        ("from .layers import Conv", "Conv", "pkg.models.layers.Conv"),
        ("from ..utils.ops import f", "f", "pkg.utils.ops.f"),
        ("from .. import utils", "utils", "pkg.utils"),
        ("from ... import utils", "utils", "...utils"),
    ],
)
def test_imports_have_absolute_targets(text, name, target):
    assert only(outline(text), name).target == target


def test_relative_imports_of_a_package_start_from_itself():
    found = outline("from .layers import Conv", "pkg.models", "/r/pkg/models/__init__.py")
    assert only(found, "Conv").target == "pkg.models.layers.Conv"


def test_relative_imports_of_an_unknown_module_keep_their_dots():
    binding = only(outline("from ..layers import Conv", None), "Conv")
    assert (binding.target, binding.origin) == ("..layers.Conv", Import(2, "layers", "Conv"))


@pytest.mark.parametrize(
    "text",
    [
        "if TYPE_CHECKING:\n    import x",
        "try:\n    import x\nexcept ImportError:\n    pass",
        "try:\n    pass\nexcept ImportError:\n    import x",
        "with suppress(ImportError):\n    import x",
        "for i in y:\n    if i:\n        import x",
        "match y:\n    case 1:\n        import x",
    ],
)
def test_bindings_in_blocks_are_conditional(text):
    assert only(outline(text), "x").conditional


@pytest.mark.parametrize(
    "text",
    [
        "x = f()",
        "x: int = f()",
        "a, (x, *b) = f()",
        "for x in y: pass",
        "with f() as (a, x): pass",
        "try: pass\nexcept E as x: pass",
        "del x",
        "x += 1",
        "if (x := f()): pass",
        "match y:\n    case {'k': [x]}: pass",
        "def f():\n    global x\n    x = 1",
    ],
)
def test_everything_that_binds_a_name_is_seen(text):
    assert only(outline(text), "x").kind == "value"


def test_what_only_looks_like_a_binding_is_none():
    assert not {"x"} & set(
        outline("x: int\na.x = 1\na['x'] = 1\nf(x=1)\nlambda x: x\n[x for x in y]\n").bindings
    )


def test_aliases_and_literals_are_told_apart():
    found = outline("Conv = nn.Conv2d\nA, B = nn.A, None\nC = f(nn.Conv2d)\nD = nn.Conv2d[0]\n")
    assert {name: (only(found, name).alias, only(found, name).literal) for name in "ABCD"} == {
        "A": ("nn.A", False),
        "B": (None, True),
        "C": (None, False),
        "D": (None, False),
    }
    assert only(found, "Conv").alias == "nn.Conv2d"


def test_star_imports_are_absolute():
    assert tuple(star.target for star in outline("from torch.nn import *\nfrom .layers import *").stars) == (
        "torch.nn",
        "pkg.models.layers",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("__all__ = ['a', 'b']", ("a", "b")),
        (
            "__all__ = ('a',) + ('b',)\n__all__ += ['c']\n__all__.extend(['d'])\n__all__.append('e')",
            tuple("abcde"),
        ),
        ("__all__: list[str] = ['a']", ("a",)),
        ("x = 1", None),
        ("__all__ = ['a'] + other.__all__", None),
        ("__all__ = [name for name in dir()]", None),
    ],
)
def test_exports_are_read_where_they_are_literal(text, expected):
    assert outline(text).exports == expected


# -------------------------------------------------------------------------------------------------- classes


def test_a_class_has_its_bases_metaclass_methods_and_decorators():
    found = outline(
        """
        @register("net")
        @nn.final
        class Net(nn.Module, Base[T], mixin(), Generic[T], metaclass=abc.ABCMeta):
            scale = 1
            def __init__(self): pass
            if FAST:
                def forward(self): pass
            async def run(self): pass
        """
    ).classes["Net"]
    assert found.bases == ("nn.Module", "Base", None, "Generic")
    assert found.metaclass == "abc.ABCMeta"
    assert found.methods == {"__init__", "forward", "run"}
    assert found.decorators == ("register", "nn.final")
    assert found.assigned == {"scale"}
    assert (found.first, found.line, found.last, found.statement) == (2, 4, 9, 0)


@pytest.mark.parametrize(
    "statement",
    [
        "self.found = 1",
        "self.found: int = 1",
        "self . found = 1",
        "self.\\\n    found = 1",
        "self.found \\\n    = 1",
        "self.found += 1",
        "self.found //= 1",
        "self.found **= 2",
        "self.found >>= 2",
        "self.found, other = 1, 2",
        "other, self.found = 1, 2",
        "(other, [self.found]) = 1, [2]",
        "(\n    self.found  # the first\n    , other) = 1, 2",
        "*self.found, other = x",
        "other = self.found = 1",
        "for self.found in x: pass",
        "for other, self.found in x: pass",
        "with x as self.found: pass",
        "with (x as self.found): pass",
        "setattr(self, 'found', 1)",
        'self.register_buffer("found", x)',
        'self.register_buffer(tensor=x, name="found")',
        'self.add_module("""found""", x)',
        "self.add_module(\n      'found'  # the first\n      , x)",
    ],
)
def test_whatever_may_assign_an_attribute_is_seen_in_the_text(statement):
    found = outline(f"class Net:\n  def f(self, x):\n    {statement}\n")
    assert found.may_assign(found.classes["Net"], "found")


@pytest.mark.parametrize(
    "member",
    [
        "found = 1",
        "found: int = 1",
        "if True:\n    found, other = 1, 2",
        "other = (found := 1)",
        "@property\n  def found(self): pass",
        "@functools.cached_property\n  def found(self): pass",
    ],
)
def test_what_a_class_body_defines_is_known_to_be_assigned(member):
    found = outline(f"class Net:\n  {member}\n")
    assert found.may_assign(found.classes["Net"], "found")


@pytest.mark.parametrize(
    "statement",
    [
        "return self.found(x)",
        "return self.found.shape",
        "return self.found[0] + x",
        "return self.found == x",
        "return self.found <= x",
        "return x.findings",
        "found = x",
        "return 'found'",
        "pass  # what is found",
    ],
)
def test_the_text_of_a_class_tells_what_it_cannot_assign(statement):
    text = f"class Net:\n  def f(self, x):\n    {statement}\n\n  def found(self): pass\n"
    text += "\n\nclass Other:\n  def __init__(self): self.found = 1\n"
    found = outline(text)
    assert not found.may_assign(found.classes["Net"], "found")


def test_nested_and_local_classes_have_qualified_names():
    found = outline(
        """
        class Outer:
            class Inner:
                def f(self):
                    class Deep: pass
        def factory():
            if a:
                class Net: pass
            def inner():
                class Net: pass
        try:
            class Guarded: pass
        except E: pass
        """
    )
    assert list(found.classes) == [
        "Outer",
        "Outer.Inner",
        "Outer.Inner.f.<locals>.Deep",
        "factory.<locals>.Net",
        "factory.<locals>.inner.<locals>.Net",
        "Guarded",
    ]


def test_a_class_defined_twice_counts_as_its_last_definition_but_both_are_kept():
    found = outline("class A: x = 1\nclass A: y = 2\n")
    assert found.classes["A"].line == 2
    assert [definition.line for definition in found.definitions] == [1, 2]
    assert found.class_at(1, "A") is found.definitions[0]


def test_a_local_class_knows_what_the_functions_around_it_bind():
    found = outline(
        """
        def make(Base, *args, **options):
            import torch.nn as nn
            global shared
            shared = 1
            class Net(Base): pass
        """
    )
    enclosed = found.classes["make.<locals>.Net"].enclosed
    assert set(enclosed) == {"Base", "args", "options", "nn", "Net"}
    assert enclosed["nn"][0].target == "torch.nn"


def test_functions_are_those_of_the_top_level():
    found = outline("x = 1\n@a\ndef f():\n    def g(): pass\nclass A:\n    def h(self): pass\n")
    assert list(found.functions) == ["f"]
    assert (found.functions["f"].first, found.functions["f"].statement) == (2, 1)


def test_an_outline_can_be_pickled():
    found = outline("import torch\nclass Net(torch.nn.Module):\n    pass\nNet = f(Net)\n")
    again = pickle.loads(pickle.dumps(found))
    assert again.statements == found.statements
    assert again.bindings == found.bindings
    assert again.classes["Net"].bases == ("torch.nn.Module",)


SCRIPT = """\
import a
x = 1; y = 2

@a.b
def f():
    z = 3

class C:
    w = 4
if x:
    class D: pass
async def g(): pass
define = [
    5,
]
"""


def test_the_script_of_a_file_is_parsed_without_its_definitions() -> None:
    script = outline(SCRIPT).script()
    assert script is not None
    whole = ast.parse(SCRIPT).body
    plain = [
        node for node in whole if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    assert [ast.dump(node, include_attributes=True) for node in script] == [
        ast.dump(node, include_attributes=True) for node in plain
    ]


def test_the_script_of_a_file_with_other_line_ends_is_not_parsed_alone() -> None:
    assert outline("x = 1\r\ny = 2\r\n").script() is None
