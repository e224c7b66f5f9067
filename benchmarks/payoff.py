"""Does planning pay? The simulations of Kool, Cushman & Gershman (2016), seven tasks in a row.

    python benchmarks/payoff.py [--iterations 4000] [--beta 5] [--alpha .5] [--seed 1]

In an iteration agents with w = 0, .1, ... 1 face the same reward walk. The slope is that of their
mean reward on w, both as z-scores: a correlation over 11 agents.
"""

import argparse

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from metacontrol.models import HYBRID, simulate
from metacontrol.tasks import KOOL_2016_PAYOFF, TwoStep

WEIGHTS = np.linspace(0, 1, 11)
AT_ONCE = 400  # iterations
# theory.md, D4: the authors' simulation told apart from ours, at beta 5 and alpha .5, 200
# iterations: slope (error about .02), and reward without and with planning (errors about .0025).
REFERENCE = {
    "3A": (-0.018, 0.549, 0.546),
    "5A": (0.004, 0.566, 0.561),
    "6B": (-0.006, 0.632, 0.630),
    "7B": (0.008, 0.548, 0.553),
    "8A": (0.178, 0.567, 0.588),
    "9": (0.212, 0.532, 0.557),
    "11": (0.602, 0.537, 0.570),
}


def rewards(task: TwoStep, beta: float, alpha: float, iterations: int, seed: int) -> np.ndarray:
    """Return mean rewards, shape (iterations, weights)."""
    walks = task.schedule(iterations, task.trials, np.random.default_rng(seed))
    agents = [f"{i} {w:g}" for i in range(iterations) for w in WEIGHTS]
    shared = {c: np.repeat(walks[c].T, len(WEIGHTS), axis=0).ravel() for c in task.walk_columns}
    schedule = pd.DataFrame({"participant": np.repeat(agents, task.trials), **shared})
    rest = dict(alpha1=alpha, alpha2=alpha, beta1=beta, beta2=beta, lam=0.5, p=0.0)
    table = pd.DataFrame({"participant": agents, **rest, "w": np.tile(WEIGHTS, iterations)})
    data = simulate(HYBRID, task, table, trials=task.trials, seed=seed, schedule=schedule)
    return data.frame["reward"].to_numpy().reshape(*(iterations, len(WEIGHTS)), -1).mean(axis=2)


def slopes(earned: np.ndarray) -> np.ndarray:
    """Return the correlation of reward and w in each iteration."""
    z = [(x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True) for x in (WEIGHTS, earned)]
    return (z[0] * z[1]).mean(axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in (("iterations", 4000), ("beta", 5.0), ("alpha", 0.5), ("seed", 1)):
        parser.add_argument(f"--{name}", type=type(value), default=value)
    asked = parser.parse_args()
    comparable = (asked.beta, asked.alpha) == (5, 0.5)
    title = f"beta {asked.beta:g}, alpha {asked.alpha:g}, {asked.iterations:,} iterations"
    shown = Table(title=title, title_justify="left")
    for column in ("figure", "task", "slope", "w = 0", "w = 1", "gain"):
        shown.add_column(column, justify="left" if column in ("figure", "task") else "right")
    for figure, task in KOOL_2016_PAYOFF.items():
        parts = [
            rewards(task, asked.beta, asked.alpha, AT_ONCE, seed)
            for seed in range(asked.seed, asked.seed + -(-asked.iterations // AT_ONCE))
        ]
        earned = np.concatenate(parts)[: asked.iterations]
        found = np.column_stack(
            [slopes(earned), earned[:, 0], earned[:, -1], earned[:, -1] - earned[:, 0]]
        )
        errors = found.std(axis=0, ddof=1) / np.sqrt(len(found))
        cells = [f"{m:.4f} ({e:.4f})" for m, e in zip(found.mean(axis=0), errors, strict=True)]
        if comparable:
            cells = [
                f"{cell}\n{reference:.3f}" if reference is not None else cell
                for cell, reference in zip(cells, (*REFERENCE[figure], None), strict=True)
            ]
        shown.add_row(figure, task.about.removeprefix("two steps, "), *cells)
    Console(width=120).print(shown)
    if comparable:
        print("Standard errors in brackets; below, 200 iterations of a simulation apart from ours.")


if __name__ == "__main__":
    main()
