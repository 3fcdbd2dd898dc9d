"""What a look at a live model costs, as ratios with targets.

    python benchmarks/runtime_cost.py

Each figure is the median of rounds in which the things compared run in turn, in one thread.

- ``walk``: the object walk and what ``.to()`` would move, in milliseconds for each 100 modules
- ``linear``: their cost for each module at 10,000 modules, compared with that at 100
- ``passes``: a forward pass under hooks and function mode, compared with one without

The exit status is 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence

import torch
from torch import nn

from torchlint.runtime.forward import run_pass
from torchlint.runtime.hiding import HiddenState
from torchlint.runtime.inputs import Inputs
from torchlint.runtime.registration import Registered, applied_to, moved_by
from torchlint.runtime.walk import walk

TARGETS = {"walk": 1.0, "linear": 2.0, "passes": 2.0}


class Block(nn.Module):
    """Five modules with itself."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.act = nn.GELU()
        self.down = nn.Linear(2 * width, width)
        self.names = ["norm", "up", "act", "down"]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.down(self.act(self.up(self.norm(x))))


def model_of(modules: int, width: int) -> nn.Module:
    return nn.Sequential(*(Block(width) for _ in range(modules // 5)))


def seconds(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def look(model: nn.Module, probed: bool = False) -> None:
    """``probed`` calls ``_apply``, which is asked only where a module has one of its own."""
    registered = Registered(model)
    walk(registered)
    applied_to(model) if probed else moved_by(registered)


def per_100_modules(modules: int, rounds: int, probed: bool = False) -> float:
    """Milliseconds."""
    model = model_of(modules, 8)
    look(model, probed)
    count = sum(1 for _ in model.modules())
    return statistics.median(seconds(lambda: look(model, probed)) for _ in range(rounds)) * 1000 * 100 / count


def watched_and_plain(rounds: int) -> float:
    """The ratio of a pass under observation and a plain one, of a model whose layers do some work."""
    model = model_of(125, 256).eval()
    x = torch.ones(64, 256)
    known, inputs = HiddenState(Registered(model)).known, Inputs((x,), {})
    run_pass(model, inputs, known)
    ratios = []
    for _ in range(rounds):
        plain = seconds(lambda: model(x))
        ratios.append(seconds(lambda: run_pass(model, inputs, known)) / plain)
    return statistics.median(ratios)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args(arguments).rounds
    torch.set_num_threads(1)
    small, large = per_100_modules(100, 10 * rounds), per_100_modules(10_000, rounds)
    figures = {"walk": max(small, large), "linear": large / small, "passes": watched_and_plain(rounds)}
    print(f"walk: {small:.2f} ms for 100 modules, {large:.2f} ms for each 100 of 10,000")
    print(
        f"with a call of `_apply`: {per_100_modules(100, 10 * rounds, probed=True):.2f} ms for 100 modules\n"
    )
    print("| figure | measured | target |", "| --- | --- | --- |", sep="\n")
    for name, figure in figures.items():
        print(f"| {name} | {figure:.2f} | below {TARGETS[name]:.2f} |")
    return 1 if any(figure >= TARGETS[name] for name, figure in figures.items()) else 0


if __name__ == "__main__":
    sys.exit(main())
