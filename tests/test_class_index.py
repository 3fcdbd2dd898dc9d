"""Names and classes across files."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from torchlint.project.index import Project, Symbol
from torchlint.project.installed import find_root
from torchlint.project.known import canonical, known
from torchlint.project.outline import Outline


class Tree:
    """A project on disk; ``tree("a.py")`` is the outline of a file."""

    def __init__(self, root: Path, files: dict[str, str], installed: dict[str, str] | None = None) -> None:
        self.root = root / "project"
        self.site = root / "site-packages"
        for base, texts in ((self.root, files), (self.site, installed or {})):
            base.mkdir()
            for name, text in texts.items():
                path = base / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(dedent(text))
        self.project = Project(self.root, environment=[self.site])

    def __call__(self, name: str) -> Outline:
        outline = self.project.outline(self.root / name)
        assert outline is not None
        return outline

    def resolve(self, name: str, dotted: str) -> Symbol | None:
        return self.project.resolve(self(name), dotted)

    def meaning(self, name: str, dotted: str) -> str | None:
        found = self.resolve(name, dotted)
        return found and f"{found.kind} {found.dotted}"

    def is_module(self, name: str, qualname: str) -> bool | None:
        outline = self(name)
        return self.project.is_module(self.project.class_symbol(outline, outline.classes[qualname]))

    def bases(self, name: str, qualname: str) -> list[str | None]:
        outline = self(name)
        return [base and base.dotted for base in self.project.bases(outline, outline.classes[qualname])]


@pytest.fixture
def tree(tmp_path):
    return lambda files, installed=None: Tree(tmp_path, files, installed)


@pytest.fixture
def one(tree):
    return lambda text: tree({"a.py": text})


# ---------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("imports", "written"),
    [
        ("import torch", "torch.nn.Linear"),
        ("import torch as t", "t.nn.Linear"),
        ("import torch.nn", "torch.nn.Linear"),
        ("import torch.nn as nn", "nn.Linear"),
        ("from torch import nn", "nn.Linear"),
        ("from torch.nn import Linear as L", "L"),
        ("from torch.nn import *", "Linear"),
        ("from torch.nn.modules.linear import Linear", "Linear"),
        ("from torch.nn.modules import Linear", "Linear"),
        ("from torch import nn\nLin = nn.Linear\nL2 = Lin", "L2"),
        ("import torch\nnn, F = torch.nn, torch.nn.functional", "nn.Linear"),
        ("if TYPE_CHECKING:\n    from torch.nn import Linear", "Linear"),
        ("try:\n    from torch import nn\nexcept ImportError:\n    nn = None", "nn.Linear"),
        ("nn = None\ntry:\n    import torch.nn as nn\nexcept ImportError:\n    pass", "nn.Linear"),
        ("if a:\n    import torch.nn as nn\nelse:\n    from torch import nn", "nn.Linear"),
    ],
)
def test_every_spelling_of_a_torch_name_is_that_name(one, imports, written):
    assert one(imports).meaning("a.py", written) == "external torch.nn.Linear"


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    from apex.normalization import FusedLayerNorm as Norm\nexcept ImportError:\n"
        "    from torch.nn import LayerNorm as Norm",
        "from torch import nn\nif fast:\n    Norm = nn.LayerNorm\nelse:\n    Norm = nn.BatchNorm1d",
        "from torch.nn import LayerNorm as Norm\nNorm = wrap(Norm)",
        "from torch.nn import LayerNorm as Norm\ndef f():\n    global Norm\n    Norm = None",
        "from torch.nn import LayerNorm as Norm\nfor Norm in norms: pass",
        "Norm = Other\nOther = Norm",
        "x = 1",
        "from torch.nn import *\nfrom paddle.nn import *\nNorm = LayerNorm",
    ],
)
def test_a_name_that_can_mean_several_things_means_nothing(one, text):
    assert one(text).resolve("a.py", "Norm") is None


def test_an_import_that_leads_to_no_file_is_external(one):
    found = one("from apex.normalization import FusedLayerNorm as N")
    assert found.meaning("a.py", "N") == "external apex.normalization.FusedLayerNorm"


def test_builtins_are_known_unless_shadowed(one):
    found = one("def list(): pass\n")
    assert found.meaning("a.py", "isinstance") == "external builtins.isinstance"
    assert found.meaning("a.py", "list") == "function a.list"


def test_a_star_import_can_shadow_the_builtins_it_is_known_to_shadow(one):
    found = one("from numpy import *\n")
    assert found.meaning("a.py", "sum") == "external numpy.sum" or found.resolve("a.py", "sum") is None
    assert found.meaning("a.py", "super") == "external builtins.super"


def test_an_unbound_name_comes_from_the_only_star_import_that_is_not_read(one):
    found = one("from torch.nn.functional import *\n")
    assert found.meaning("a.py", "dropout") == "external torch.nn.functional.dropout"


def test_module_level_code_sees_what_is_bound_before_it(one):
    found = one("from torch.nn import Linear\nclass Linear(Linear): pass\nclass Net(Linear): pass\n")
    assert found.bases("a.py", "Linear") == ["torch.nn.Linear"]
    assert found.bases("a.py", "Net") == ["a.Linear"]


def test_an_importer_sees_the_last_binding(tree):
    found = tree(
        {"a.py": "from torch.nn import Linear\nclass Linear(Linear): pass\n", "b.py": "from a import Linear"}
    )
    assert found.meaning("b.py", "Linear") == "class a.Linear"


def test_values_and_functions_are_told_from_classes(tree):
    found = tree({"a.py": "X = f()\ndef g(): pass\nY = 1", "b.py": "from a import X, Y, g"})
    assert [found.meaning("b.py", name) for name in "XYg"] == ["value a.X", "value a.Y", "function a.g"]
    assert found.resolve("b.py", "g").definition.name == "g"


# -------------------------------------------------------------------------------------------- across files


NET = "from torch import nn\nclass Net(nn.Module):\n    class Block(nn.Module): pass\n"


@pytest.mark.parametrize(
    ("files", "written"),
    [
        ({"models/net.py": NET, "a.py": "from models.net import Net"}, "Net"),
        ({"models/net.py": NET, "a.py": "import models.net"}, "models.net.Net"),
        ({"models/net.py": NET, "a.py": "import models.net as m"}, "m.Net"),
        ({"models/net.py": NET, "a.py": "from models import net"}, "net.Net"),
        ({"models/net.py": NET, "models/__init__.py": "", "a.py": "from models.net import Net"}, "Net"),
        (
            {
                "models/net.py": NET,
                "models/__init__.py": "from .net import Net",
                "a.py": "from models import Net",
            },
            "Net",
        ),
        (
            {"models/net.py": NET, "models/__init__.py": "from .net import *", "a.py": "import models"},
            "models.Net",
        ),
        (
            {"models/net.py": NET, "models/__init__.py": "from . import net", "a.py": "import models"},
            "models.net.Net",
        ),
        (
            {"src/models/net.py": NET, "src/models/__init__.py": "", "a.py": "from models.net import Net"},
            "Net",
        ),
        ({"net.py": NET, "a.py": "from net import *"}, "Net"),
        ({"net.py": NET, "a.py": "from .net import Net"}, "Net"),
        (
            {
                "net.py": NET,
                "a.py": "try:\n    from .net import Net\nexcept ImportError:\n    from net import Net",
            },
            "Net",
        ),
        ({"net.py": NET, "a.py": "import net\nAlias = net.Net"}, "Alias"),
    ],
)
def test_a_class_of_another_file_is_found(tree, files, written):
    found = tree(files)
    assert found.resolve("a.py", written).class_outline.qualname == "Net"
    assert found.project.is_module(found.resolve("a.py", written)) is True
    assert found.resolve("a.py", f"{written}.Block").class_outline.qualname == "Net.Block"


def test_the_nearest_folder_wins(tree):
    found = tree({"x/net.py": NET, "net.py": "class Net: pass", "x/a.py": "from net import Net"})
    assert found.is_module("x/net.py", "Net") is True
    assert found.resolve("x/a.py", "Net").outline.path == str(found.root / "x/net.py")


def test_a_file_of_that_name_without_the_name_is_passed_over(tree):
    found = tree({"x/utils.py": "", "utils.py": NET, "x/a.py": "from utils import Net"})
    assert found.resolve("x/a.py", "Net").outline.path == str(found.root / "utils.py")


def test_a_neighbour_inside_of_a_package_comes_after_the_real_top_level(tree):
    found = tree(
        {
            "p/__init__.py": "",
            "p/utils.py": "",
            "utils.py": NET,
            "p/a.py": "from utils import Net\nfrom net import X",
        }
    )
    assert found.resolve("p/a.py", "Net").outline.path == str(found.root / "utils.py")


def test_a_local_file_shadows_a_name_of_torch(tree):
    found = tree({"nn.py": "class Module: pass", "a.py": "from nn import Module\nclass Net(Module): pass"})
    assert found.is_module("a.py", "Net") is False


def test_a_local_torch_file_shadows_torch(tree):
    found = tree(
        {"torch/__init__.py": "", "torch/nn.py": "class Module: pass", "a.py": "from torch.nn import Module"}
    )
    assert found.meaning("a.py", "Module") == "class torch.nn.Module"
    assert found.project.is_module(found.resolve("a.py", "Module")) is False


@pytest.mark.parametrize("inside", ["torch/notes.txt", "torch/helpers.py", "backend/torch/__init__.py"])
def test_a_folder_that_python_would_not_import_does_not_shadow_torch(tree, inside):
    found = tree(
        {inside: "", "backend/__init__.py": "", "backend/a.py": "import torch\nfrom torch.nn import Module"}
    )
    assert found.meaning("backend/a.py", "Module") == "external torch.nn.Module"
    assert found.meaning("backend/a.py", "torch.nn.Module") == "external torch.nn.Module"


def test_a_data_folder_does_not_shadow_an_installed_package(tree):
    found = tree({"wandb/run.txt": "", "a.py": "import wandb\nfrom wandb import init"})
    assert found.meaning("a.py", "init") == "external wandb.init"
    assert found.meaning("a.py", "wandb.log") == "external wandb.log"


def test_a_star_import_respects_all_and_underscores(tree):
    found = tree(
        {
            "listed.py": "__all__ = ['_A']\nclass _A: pass\nclass B: pass",
            "plain.py": "class _C: pass\nclass D: pass",
            "a.py": "from listed import *\nfrom plain import *",
        }
    )
    assert [found.meaning("a.py", name) for name in ("_A", "B", "_C", "D")] == [
        "class listed._A",
        None,
        None,
        "class plain.D",
    ]


def test_two_star_imports_of_one_name_are_ambiguous_unless_they_agree(tree):
    text = "from torch import nn\nclass Net: pass"
    found = tree({"x.py": text, "y.py": text, "a.py": "from x import *\nfrom y import *"})
    assert found.resolve("a.py", "Net") is None
    assert found.meaning("a.py", "nn") == "external torch.nn"


def test_cycles_of_imports_come_to_an_end(tree):
    found = tree(
        {
            "x.py": "from y import *\nfrom y import B as A\nfrom z import C",
            "y.py": "from x import *\nfrom x import A as B",
            "z.py": "from torch.nn import Module as C\nfrom x import *",
        }
    )
    assert found.resolve("x.py", "A") is None
    assert found.resolve("y.py", "Missing") is None
    assert found.meaning("y.py", "C") == "external torch.nn.Module"


def test_a_package_whose_files_take_a_class_from_the_package_has_that_class(tree):
    found = tree(
        {
            "models/__init__.py": "from .base import *\nfrom .vae import *\nfrom .gan import *",
            "models/base.py": "from torch import nn\nclass Base(nn.Module): pass",
            "models/vae.py": "from models import Base\nclass VAE(Base): pass",
            "models/gan.py": "from models import Base, VAE\nclass GAN(VAE): pass",
        }
    )
    assert found.is_module("models/gan.py", "GAN") is True
    assert found.is_module("models/vae.py", "VAE") is True


def test_many_files_that_import_each_other_by_star_come_to_an_end(tree):
    names = [f"m{number}" for number in range(12)]
    lines = "\n".join(f"from {name} import *\nfrom {name} import Missing" for name in names)
    found = tree({f"{name}.py": lines for name in names})
    assert found.resolve("m0.py", "Missing") is None
    assert found.resolve("m3.py", "Other") is None


def test_an_answer_does_not_depend_on_what_was_asked_before(tree):
    files = {
        "x.py": "try:\n    from y import A\nexcept ImportError:\n    from torch.nn import Linear as A",
        "y.py": "from x import A",
    }
    first = tree(files)
    assert first.resolve("x.py", "A") == first.resolve("x.py", "A")
    again = Project(first.root, environment=[])
    outline = again.outline(first.root / "y.py")
    assert outline is not None
    again.resolve(outline, "A")
    assert again.resolve(again.outline(first.root / "x.py"), "A") == first.resolve("x.py", "A")


def test_a_module_that_makes_up_its_names_says_nothing(tree):
    found = tree({"lazy.py": "def __getattr__(name): pass", "a.py": "from lazy import Net"})
    assert found.resolve("a.py", "Net") is None


def test_a_file_that_cannot_be_parsed_says_nothing(tree):
    found = tree({"bad.py": "class Net(", "a.py": "from bad import Net"})
    assert found.resolve("a.py", "Net") is None


def test_a_file_in_another_encoding_is_read(tree):
    found = tree({"a.py": "from b import Net"})
    (found.root / "b.py").write_bytes("# coding: latin-1\nclass Net: pass  # é".encode("latin-1"))
    assert found.meaning("a.py", "Net") == "class b.Net"


def test_the_text_in_the_editor_wins_over_the_disk(tree):
    found = tree({"net.py": "class Net: pass", "a.py": "from net import Net\nclass Sub(Net): pass"})
    assert found.is_module("a.py", "Sub") is False
    found.project.parse(NET, found.root / "net.py")
    assert found.is_module("a.py", "Sub") is True


def test_a_file_that_only_the_editor_has_is_found(tree):
    found = tree({"a.py": "from net import Net\nclass Sub(Net): pass"})
    assert found.is_module("a.py", "Sub") is None
    found.project.parse(NET, found.root / "net.py")
    assert found.is_module("a.py", "Sub") is True


# --------------------------------------------------------------------------------------------------- classes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import torch\nclass Net(torch.nn.Module): pass", True),
        ("from torch import nn\nclass Base(nn.Linear): pass\nclass Net(Base): pass", True),
        ("from torch import nn\nclass Net(Unknown, nn.Module): pass", True),
        ("from torch.nn.modules.conv import _ConvNd\nclass Net(_ConvNd): pass", True),
        ("from torch.nn.parallel import DistributedDataParallel as D\nclass Net(D): pass", True),
        ("import pytorch_lightning as pl\nclass Net(pl.LightningModule): pass", True),
        ("from torch import nn\nclass Net(nn.Module, metaclass=Meta): pass", True),
        (
            "from torch import nn\nfrom typing import Generic, TypeVar\nT = TypeVar('T')\n"
            "class Base(nn.Module, Generic[T]): pass\nclass Net(Base[int]): pass",
            True,
        ),
        ("class Net: pass", False),
        ("import abc\nclass Net(abc.ABC, object): pass", False),
        ("from torch.utils.data import Dataset\nclass Net(Dataset): pass", False),
        ("from torch.autograd import Function\nclass Net(Function): pass", False),
        ("from torch import nn\nclass Net(nn.Parameter): pass", False),
        ("class Net(metaclass=DummyObject): pass", False),
        ("from somewhere import Base\nclass Net(Base): pass", None),
        ("class Net(make_base()): pass", None),
        ("class Net(Net): pass", None),
        ("class Net(Other): pass\nclass Other(Net): pass", None),
    ],
)
def test_whether_a_class_is_a_module(one, text, expected):
    assert one(text).is_module("a.py", "Net") is expected


@pytest.mark.parametrize(
    "imports",
    [
        "from flax import linen as nn",
        "from mxnet.gluon import nn",
        "import paddle.nn as nn",
        "from mindspore import nn",
        "import oneflow.nn as nn",
        "from jittor import nn",
        "from tinygrad import nn",
        "import mlx.nn as nn",
        "from . import nn",
        "from nn import *",
        "nn = load('torch.nn')",
    ],
)
def test_a_look_alike_is_never_a_module(one, imports):
    assert not one(f"{imports}\nclass Net(nn.Module): pass").is_module("a.py", "Net")


def test_ancestors_are_in_the_order_of_method_resolution(one):
    found = one(
        "import torch\nclass A(torch.nn.Module): pass\n"
        "class B(A): pass\nclass C(A): pass\nclass D(B, C): pass\n"
    )
    line = found.project.ancestors(found.resolve("a.py", "D"))
    assert [base.dotted for base in line] == ["a.B", "a.C", "a.A", "torch.nn.Module"]


def test_ancestors_of_an_impossible_class_are_listed_once(one):
    found = one("class A: pass\nclass B(A): pass\nclass C(A, B): pass\n")
    line = found.project.ancestors(found.resolve("a.py", "C"))
    assert [base.dotted for base in line] == ["a.A", "a.B"]


def test_a_very_long_line_of_classes_is_followed(one):
    text = "from torch import nn\nclass C0(nn.Module): pass\n"
    text += "".join(f"class C{number}(C{number - 1}): pass\n" for number in range(1, 400))
    found = one(text)
    assert found.is_module("a.py", "C399") is True


def test_classes_that_inherit_in_a_circle_are_unknown_whatever_was_asked_before(one):
    found = one("".join(f"class C{number}(C{(number + 1) % 300}): pass\n" for number in range(300)) * 2)
    assert {found.is_module("a.py", f"C{number}") for number in (7, 299, 0, 150)} == {None}


def test_a_very_long_chain_of_aliases_is_unknown(one):
    found = one("a0 = object\n" + "".join(f"a{number} = a{number - 1}\n" for number in range(1, 3000)))
    assert found.resolve("a.py", "a2999") is None


def test_an_unknown_base_stays_in_the_line_as_none(one):
    found = one("from torch import nn\nclass A(f(), nn.Module): pass\n")
    line = found.project.ancestors(found.resolve("a.py", "A"))
    assert [base and base.dotted for base in line] == [None, "torch.nn.Module"]


def test_the_placeholder_of_a_missing_package_does_not_count(tree):
    found = tree(
        {
            "real.py": NET,
            "dummies.py": "class Net(metaclass=DummyObject): pass",
            "a.py": "try:\n    from real import Net\nexcept ImportError:\n    from dummies import Net\n",
        }
    )
    assert found.project.is_module(found.resolve("a.py", "Net")) is True


# --------------------------------------------------------------------------------------------- local classes


@pytest.mark.parametrize(
    ("text", "qualname", "expected"),
    [
        ("def make(Base):\n    class Net(Base): pass", "make.<locals>.Net", None),
        ("from torch import nn\ndef make(nn):\n    class Net(nn.Module): pass", "make.<locals>.Net", None),
        ("def make():\n    import torch.nn as nn\n    class Net(nn.Module): pass", "make.<locals>.Net", True),
        (
            "def make():\n    from torch import nn\n    class A(nn.Module): pass\n    class Net(A): pass",
            "make.<locals>.Net",
            True,
        ),
        (
            "from torch import nn\nBase = nn.Module\ndef make():\n    Base = f()\n    class Net(Base): pass",
            "make.<locals>.Net",
            None,
        ),
        (
            "from torch import nn\ndef make():\n    B = nn.Module\n"
            "    def inner():\n        class Net(B): pass",
            "make.<locals>.inner.<locals>.Net",
            True,
        ),
        ("def make():\n    A = B\n    B = A\n    class Net(A): pass", "make.<locals>.Net", None),
        (
            "from torch import nn\nclass Outer:\n    class A(nn.Module): pass\n    class Net(A): pass",
            "Outer.Net",
            True,
        ),
        (
            "from torch import nn\nclass A: pass\nclass Outer:\n"
            "    class A(nn.Module): pass\n    def f(self):\n"
            "        class Net(A): pass",
            "Outer.f.<locals>.Net",
            False,
        ),
        (
            "from torch import nn\ndef make():\n    class Net(Late): pass\nclass Late(nn.Module): pass",
            "make.<locals>.Net",
            True,
        ),
    ],
)
def test_local_classes_see_the_scopes_around_them(one, text, qualname, expected):
    assert one(text).is_module("a.py", qualname) is expected


# ---------------------------------------------------------------------------------------- installed packages


def test_an_installed_package_is_read(tree):
    found = tree({"a.py": "from layers import Net\nclass Sub(Net): pass"}, {"layers/__init__.py": NET})
    assert found.is_module("a.py", "Sub") is True


def test_a_search_through_very_many_star_imports_is_given_up(tree):
    models = {
        f"zoo/m{number}.py": f"class Net{number}: pass\n__all__ = ['Net{number}']" for number in range(400)
    }
    stars = "".join(f"from .m{number} import *\n" for number in range(400))
    found = tree({"a.py": "from zoo import Net7"}, {**models, "zoo/__init__.py": stars})
    assert found.meaning("a.py", "Net7") == "external zoo.Net7"


def test_a_star_import_is_followed_through_files_that_do_not_name_the_class(tree):
    found = tree(
        {
            "net.py": NET,
            "x.py": "from net import *",
            "y.py": "def f(): pass",
            "a.py": "from x import *\nfrom y import *",
        }
    )
    assert found.meaning("a.py", "Net") == "class net.Net"


def test_the_project_wins_over_an_installed_package(tree):
    found = tree(
        {"a.py": "from layers import Net", "layers.py": "class Net: pass"}, {"layers/__init__.py": NET}
    )
    assert found.project.is_module(found.resolve("a.py", "Net")) is False


def test_what_the_table_knows_is_not_read(tree):
    found = tree(
        {"a.py": "import lightning as L\nclass Net(L.LightningModule): pass"},
        {"lightning/__init__.py": "class LightningModule: pass"},
    )
    assert found.is_module("a.py", "Net") is True


@pytest.mark.parametrize(
    "written",
    [
        "pytorch_lightning.LightningModule",
        "lightning.LightningModule",
        "lightning.pytorch.core.module.LightningModule",
    ],
)
def test_every_spelling_of_lightning_is_one(one, written):
    found = one(f"import {written.partition('.')[0]}\n")
    symbol = found.resolve("a.py", written)
    assert symbol.dotted == "lightning.pytorch.LightningModule"
    assert found.project.known(symbol).lightning


def test_torch_itself_is_never_read(tree):
    found = tree({"a.py": "from torch.nn import Linear"}, {"torch/nn/__init__.py": "class Linear: pass"})
    assert found.meaning("a.py", "Linear") == "external torch.nn.Linear"


def test_the_sources_of_torch_go_by_their_public_names(tree):
    found = tree(
        {
            **{f"torch/{name}__init__.py": "" for name in ("", "nn/", "nn/modules/")},
            "torch/nn/modules/module.py": "class Module: pass",
            "torch/nn/modules/linear.py": "from .module import Module\nclass Linear(Module): pass",
            "torch/nn/modules/container.py": "import torch.nn as nn\nclass Box(nn.Module): pass",
        }
    )
    assert found.bases("torch/nn/modules/linear.py", "Linear") == ["torch.nn.Module"]
    assert found.is_module("torch/nn/modules/linear.py", "Linear") is True
    assert found.is_module("torch/nn/modules/module.py", "Module") is True
    assert found.is_module("torch/nn/modules/container.py", "Box") is True


# --------------------------------------------------------------------------------------------- public names


@pytest.mark.parametrize(
    ("written", "public"),
    [
        ("torch.nn.modules.linear.Linear", "torch.nn.Linear"),
        ("torch.nn.modules.Module", "torch.nn.Module"),
        ("torch.nn.modules.module.Module", "torch.nn.Module"),
        ("torch.nn.parameter.Parameter", "torch.nn.Parameter"),
        ("torch.nn.modules.conv._ConvNd", "torch.nn.modules.conv._ConvNd"),
        ("torch.nn.modules.utils._pair", "torch.nn.modules.utils._pair"),
        ("torch.nn.modules.linear", "torch.nn.modules.linear"),
        ("torch.nn.functional.dropout", "torch.nn.functional.dropout"),
        ("torch.functional.einsum", "torch.einsum"),
        ("torch.optim.adam.Adam", "torch.optim.Adam"),
        ("torch.optim.lr_scheduler.StepLR", "torch.optim.lr_scheduler.StepLR"),
        ("torch.optim.swa_utils.AveragedModel", "torch.optim.swa_utils.AveragedModel"),
        ("torch.utils.data.dataloader.DataLoader", "torch.utils.data.DataLoader"),
        ("torch.nn.utils.clip_grad.clip_grad_norm_", "torch.nn.utils.clip_grad_norm_"),
        ("torch.autograd.grad_mode.no_grad", "torch.no_grad"),
        ("torch.nn.modules.linear.Linear.forward", "torch.nn.Linear.forward"),
        ("torch.Tensor", "torch.Tensor"),
        ("flax.linen.Module", "flax.linen.Module"),
    ],
)
def test_an_external_name_has_one_spelling(written, public):
    assert canonical(written) == public
    assert canonical(public) == public


# ----------------------------------------------------------------------------------------------------- roots


@pytest.mark.parametrize(
    ("files", "root"),
    [
        (["repo/.git/config", "repo/pkg/pyproject.toml", "repo/pkg/a.py"], "repo"),
        (["repo/setup.py", "repo/sub/setup.cfg", "repo/sub/a.py"], "repo"),
        (["repo/pkg/__init__.py", "repo/pkg/sub/__init__.py", "repo/pkg/sub/a.py"], "repo"),
        (["repo/x/a.py"], "repo/x"),
    ],
)
def test_the_root_of_a_project_is_found(tmp_path, files, root):
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    assert find_root(tmp_path / files[-1], start=tmp_path / "elsewhere") == str(tmp_path / root)


def test_the_working_folder_is_the_root_where_nothing_else_says(tmp_path):
    assert find_root(tmp_path / "x" / "y" / "a.py", start=tmp_path / "x") == str(tmp_path / "x")


def test_the_root_is_never_the_top_of_the_file_system(tmp_path):
    assert find_root(tmp_path / "a.py", start=Path(tmp_path.anchor)) == str(tmp_path)


# ----------------------------------------------------------------------------------------------------- users


def test_users_are_the_files_that_import_and_mention_a_name(tree):
    found = tree(
        {
            "lib.py": "def build(): pass",
            "direct.py": "from lib import build\nbuild()",
            "through.py": "import lib\nlib.build()",
            "word_only.py": "def build(): pass",
            "part.py": "import lib\nlib.builder()",
            ".hidden/x.py": "from lib import build",
            "venv/pyvenv.cfg": "",
            "venv/x.py": "from lib import build",
            "node_modules/x.py": "from lib import build",
        }
    )
    users = found.project.users(found.resolve("lib.py", "build"))
    assert [Path(outline.path).name for outline in users] == ["direct.py", "lib.py", "through.py"]


def test_users_are_looked_for_in_the_text_of_the_editor(tree):
    found = tree({"lib.py": "def build(): pass", "a.py": ""})
    found.project.parse("from lib import build\nbuild()", found.root / "a.py")
    users = found.project.users(found.resolve("lib.py", "build"))
    assert [Path(outline.path).name for outline in users] == ["a.py", "lib.py"]


# -------------------------------------------------------------------------------------------- third parties


@pytest.mark.parametrize(
    ("dotted", "expected"),
    [
        ("torch.nn.Linear", True),
        ("torch.nn.Parameter", False),
        ("torch.jit.ScriptModule", True),
        ("torch.distributions.Normal", False),
        ("transformers.PreTrainedModel", True),
        ("transformers.modeling_utils.PreTrainedModel", True),
        ("transformers.BertModel", True),
        ("transformers.models.bert.modeling_bert.BertForMaskedLM", True),
        ("transformers.modeling_bert.BertSelfAttention", True),
        ("transformers.BertConfig", False),
        ("transformers.TFBertModel", None),
        ("transformers.FlaxBertModel", None),
        ("transformers.AutoModelForCausalLM", None),
        ("transformers.Trainer", False),
        ("transformers.DataCollatorForTokenClassification", False),
        ("diffusers.ModelMixin", True),
        ("torch_geometric.nn.MessagePassing", True),
        ("torch_geometric.nn.conv.MessagePassing", True),
        ("torch_geometric.data.Dataset", None),
        ("gpytorch.models.ExactGP", True),
        ("gpytorch.kernels.Kernel", True),
        ("pyro.nn.PyroModule", True),
        ("fairseq.models.FairseqEncoder", True),
        ("mmengine.model.BaseModule", True),
        ("detectron2.modeling.backbone.Backbone", True),
        ("stable_baselines3.common.torch_layers.BaseFeaturesExtractor", True),
        ("torchvision.models.resnet.Bottleneck", True),
        ("torchvision.models.ResNet50_Weights", None),
        ("timm.layers.DropPath", True),
        ("torchmetrics.Metric", True),
        ("ignite.metrics.Metric", None),
        ("lightning.pytorch.LightningModule", True),
        ("lightning.LightningDataModule", False),
        ("pytorch_lightning.LightningDataModule", False),
        ("flax.linen.Module", None),
        ("numpy.ndarray", False),
        ("abc.ABC", False),
    ],
)
def test_what_the_table_says_of_third_party_classes(dotted, expected):
    found = known(canonical(dotted))
    assert (found and found.module) is expected


def test_only_lightning_modules_are_marked_as_such():
    assert known("lightning.pytorch.LightningModule").lightning
    assert not known("torch.nn.Module").lightning
