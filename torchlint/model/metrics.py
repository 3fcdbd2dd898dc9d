"""Whether more of a metric is better or less, as its name tells: accuracy or loss."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import libcst as cst

from torchlint.model.flow import Function, definitions_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Better = Literal["higher", "lower"]
    _Told = Literal["higher", "lower", "either"] | None
    """What a name says; ``either`` is one that says both, or something of which nothing is known."""


_HIGHER = {
    "acc", "accs", "accuracy", "accuracies", "f1", "fscore", "auc", "aucs", "auroc", "rocauc", "auprc", "ap", "map", "miou",
    "iou", "ious", "dice", "dsc", "jaccard", "bleu", "rouge", "meteor", "cider", "recall", "precision", "prec", "r2", "mcc",
    "kappa", "ndcg", "mrr", "psnr", "ssim", "sensitivity", "specificity", "correct", "reward", "rewards", "spearman", "pearson",
}  # fmt: skip
_LOWER = {
    "loss", "losses", "error", "errors", "err", "mse", "rmse", "mae", "perplexity", "ppl", "wer", "cer", "nll",
}  # fmt: skip
_EITHER = {
    "neg", "negative", "minus", "inv", "inverse", "not", "false", "elbo", "dist", "distance", "cost", "fpr", "kl", "bce", "ce",
    "lr", "epoch", "wrong", "incorrect", "accum", "fid", "l1", "l2", "objective", "penalty", "regret",
}  # fmt: skip
_TURNED: dict[_Told, _Told] = {"higher": "lower", "lower": "higher"}
_PART = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")
_WORD = re.compile(r"[\W_]+")
_JOINED = re.compile(r"^(?:val|valid|test|train|dev|eval|mean|avg|best|tot|total|m)(.+)$")
_WRAPPING = {
    "item", "mean", "cpu", "numpy", "detach", "compute", "sum", "avg", "val", "value", "average", "float", "round", "max",
    "array", "tensor", "nanmean", "median", "result", "get", "int", "abs", "get_value", "global_avg", "fmean", "stack",
    "ceil", "floor",
}  # fmt: skip
"""Names that say nothing of a metric, and give what they are asked of or given."""


def better(node: cst.BaseExpression, function: Function) -> Better | None:
    """Which values of an expression are better, or nothing where that cannot be told."""
    told = _only(_directions(node, function, depth=2))
    return None if told == "either" else told


def _only(found: Iterable[_Told]) -> _Told:
    """The one answer, if there is no other."""
    answers = set(found)
    return answers.pop() if len(answers) == 1 else "either"


def _directions(node: cst.BaseExpression, function: Function, depth: int) -> Iterator[_Told]:
    if isinstance(node, (cst.Name, cst.Attribute)):
        yield from _of_variable(node, function, depth)
    elif isinstance(node, cst.Subscript):
        yield from _of_item(node, function, depth)
    elif isinstance(node, cst.Call):
        yield from _of_call(node, function, depth)
    elif _is_turned(node):
        assert isinstance(node, (cst.UnaryOperation, cst.BinaryOperation))
        inner = node.expression if isinstance(node, cst.UnaryOperation) else node.right
        yield from (_TURNED.get(told, told) for told in _directions(inner, function, depth))
    elif isinstance(node, cst.BinaryOperation):
        yield _of_operation(node, function, depth)
    elif isinstance(node, cst.IfExp):
        yield from _directions(node.body, function, depth)
        yield from _directions(node.orelse, function, depth)
    else:
        yield None


def _of_variable(node: cst.Name | cst.Attribute, function: Function, depth: int) -> Iterator[_Told]:
    definitions, free = definitions_of(function.reaching(node))
    written = [item.value for item in definitions if item.kind == "value" and item.value is not None]
    name = node.value if isinstance(node, cst.Name) else node.attr.value
    told = _told(name)
    if told is not None:  # `acc = 1 - acc` is not what its name says
        yield "either" if any(map(_is_turned, written)) else told
    elif isinstance(node, cst.Attribute) and name in _WRAPPING:
        yield from _directions(node.value, function, depth)
    elif depth and written and not free and len(written) == len(definitions):
        for value in written:
            yield from _directions(value, function, depth - 1)
    else:
        yield None


def _of_item(node: cst.Subscript, function: Function, depth: int) -> Iterator[_Told]:
    index = node.slice[0].slice if len(node.slice) == 1 else None
    key = index.value if isinstance(index, cst.Index) else None
    if isinstance(key, cst.SimpleString):
        yield _told(str(key.evaluated_value))
    else:
        yield from _directions(node.value, function, depth)


def _of_call(node: cst.Call, function: Function, depth: int) -> Iterator[_Told]:
    callee = node.func
    name = callee.attr.value if isinstance(callee, cst.Attribute) else ""
    name = callee.value if isinstance(callee, cst.Name) else name
    told = _told(name)
    if told is not None:
        yield told
    elif name not in _WRAPPING:
        yield None
    elif node.args:
        first = node.args[0].value
        if isinstance(first, cst.SimpleString):
            yield _told(str(first.evaluated_value))
        else:
            yield from _directions(first, function, depth)
    elif isinstance(callee, cst.Attribute):
        yield from _directions(callee.value, function, depth)
    else:
        yield None


def _of_operation(node: cst.BinaryOperation, function: Function, depth: int) -> _Told:
    left = _only(_directions(node.left, function, depth))
    right = _only(_directions(node.right, function, depth))
    if isinstance(node.operator, cst.Divide):
        return left if right is None else "either"
    if isinstance(node.operator, (cst.Add, cst.Multiply)):
        return _only({left, right} - {None}) if left or right else None
    return "either"


def _is_turned(node: cst.BaseExpression) -> bool:
    """``-acc``, ``1 - acc``: less is better then, and the other way round."""
    if isinstance(node, cst.UnaryOperation):
        return isinstance(node.operator, cst.Minus)
    return (
        isinstance(node, cst.BinaryOperation)
        and isinstance(node.operator, cst.Subtract)
        and isinstance(node.left, (cst.Integer, cst.Float))
    )


def _told(name: str) -> _Told:
    """What the parts of a name say: ``val_acc``, ``valAcc``, ``best_mIoU``, ``acc@1``."""
    parts = {part.lower() for part in (*_PART.findall(name), *_WORD.split(name))}
    parts |= {part.rstrip("0123456789") for part in parts}
    parts |= {found[1] for part in parts if (found := _JOINED.match(part)) is not None}
    higher, lower = bool(parts & _HIGHER), bool(parts & _LOWER)
    if parts & _EITHER or (higher and lower):
        return "either"
    return "higher" if higher else "lower" if lower else None
