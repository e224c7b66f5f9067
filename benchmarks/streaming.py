"""A group of any size, in blocks: memory and time against participants.

    python benchmarks/streaming.py [--people 1000 3000 10000 ...] [--out FOLDER]

Each size is simulated (the hybrid, 200 trials, blocks of 1,000) and fitted by `fit_stream` in a
process of its own. Prints seconds and peak memory, how far the group is from the truth, and draws
both on axes of logarithms: streaming.png.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import metacontrol as mc

BLOCK, TRIALS = 1000, 200
MODEL, TASK = mc.models.HYBRID, mc.tasks.DAW_2011
TRUTH = {  # mean and standard deviation, on the scale of links
    "alpha1": (0.0, 1.0),
    "alpha2": (0.0, 1.0),
    "beta1": (1.3, 0.5),
    "beta2": (1.0, 0.5),
    "lam": (0.5, 1.0),
    "p": (0.2, 0.3),
    "w": (0.3, 1.0),
}


def blocks(count: int) -> Iterator[mc.Choices]:
    """Simulate participants, a block at a time."""
    links = {parameter.name: parameter.link for parameter in MODEL.parameters}
    for number in range(count // BLOCK):
        rng = np.random.default_rng([1, number])
        table = {n: links[n].inverse(rng.normal(*at, BLOCK)) for n, at in TRUTH.items()}
        people = pd.DataFrame(table).assign(participant=[f"{number}-{i}" for i in range(BLOCK)])
        yield mc.simulate(MODEL, TASK, people, trials=TRIALS, seed=number)


def one(people: int) -> None:
    """Fit one size, and print what it took."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found = mc.fit_stream(MODEL, blocks(people), Path(folder) / "draws", seed=1)
    took = time.perf_counter() - began
    group = found.group.set_index("parameter")
    wrong = {
        f"{name}_{part}": abs(group.loc[f"{name}_{part}", "mean"] - value)
        for name, pair in TRUTH.items()
        for part, value in zip(("mean", "sd"), pair, strict=True)
    }
    worst = max(wrong, key=lambda name: wrong[name] / group.loc[name, "sd"])
    row = {
        "people": people,
        "seconds": round(took),
        "peak GB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
        "sd of w_mean": round(group.loc["w_mean", "sd"], 4),
        "worst": f"{worst}: {wrong[worst]:.4f}, {wrong[worst] / group.loc[worst, 'sd']:.1f} sd",
        "wrong": "; ".join(found.diagnostics.loc[~found.diagnostics["ok"], "check"]),
    }
    print(json.dumps(row))


def draw(table: pd.DataFrame, path: Path) -> None:
    """Draw time and memory against participants."""
    with mc.style():
        figure, axes = mc.panels(1, 2)
        for ax, column, label in zip(
            axes, ("seconds", "peak GB"), ("Time (s)", "Peak memory (GB)"), strict=True
        ):
            ax.plot(table["people"], table[column], marker="o", color="black")
            ax.set(xscale="log", yscale="log", xlabel="Participants", ylabel=label)
        axes[1].set_ylim(0.1, 24)
        mc.save_figure(figure, path)
        plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, nargs="+", default=[1000, 3000, 10_000, 30_000])
    parser.add_argument("--out", type=Path, default=Path("streaming"))
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        return one(given.one)
    given.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for people in given.people:
        command = [sys.executable, __file__, "--one", str(people)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print(rows[-1], flush=True)
        table = pd.DataFrame(rows)
        table.to_csv(given.out / "streaming.csv", index=False)
    draw(table, given.out / "streaming")


if __name__ == "__main__":
    main()
