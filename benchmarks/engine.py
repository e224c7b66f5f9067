"""How fast is one story? Our engine beside JAX as people write it, PyTensor, and a kernel by hand.

    python benchmarks/engine.py [--out benchmarks]

Everything in one run on one core; all agree to 1e-8 in value and gradient before any is timed. The
kernel by hand is compiled once, at the first size; the others for each. Times are processor time:
on one core that is what a clock would show if no other program ran.
"""

# ruff: noqa: E402 - the core is taken and the libraries told so before they are imported
import os

os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
os.environ["PYTENSOR_FLAGS"] = "numba__cache=False"  # a first call that compiles

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

import jax
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from hand_kernel import hand_written
from rich.console import Console
from rich.table import Table
from rivals import plain_jax, pytensor_scan
from workload import LOADED, TASK, TRIALS, draw, matrix, value_and_gradient

from metacontrol.models import HYBRID, MODELS, simulate

SIZES = 104, 1000
ROUNDS, SLOW_ROUNDS = 100, 5
OURS, HAND, SLOW = "metacontrol", "numba kernel by hand", "PyTensor scan"
PLAIN = ("first_state", "first_left_option")  # cues that every task has
RIVALS = {HAND: hand_written, "JAX, grad of a scan": plain_jax, SLOW: pytensor_scan}
AIMS = {("gradient", 2361): 1.0, ("simulate", 100_000): 4.0}  # peak memory in GB


def first_call(make: Callable, theta: np.ndarray) -> tuple[Callable, tuple, float]:
    """Make a function and call it; return it, its result, and the seconds both took."""
    begin = process_time()
    call = make()
    result = jax.block_until_ready(call(theta))
    return call, result, process_time() - begin


def compare(participants: int) -> pd.DataFrame:
    """Time all candidates by turns on the same choices."""
    parameters = draw(HYBRID, participants)
    data = simulate(HYBRID, TASK, parameters, trials=TRIALS, seed=1)
    theta = matrix(parameters)
    names = ["first_choice", "second_state", "second_choice", "reward"]
    columns = np.stack(
        [data.frame[n].to_numpy(float).reshape(participants, TRIALS).T for n in names]
    )
    makers = {OURS: lambda: value_and_gradient(HYBRID, data)}
    for name, maker in RIVALS.items():
        makers[name] = lambda maker=maker: maker(columns, TASK.common)
    made = {name: first_call(make, theta) for name, make in makers.items()}
    value, gradient = made[OURS][1]
    for name, (_, found, _) in made.items():
        np.testing.assert_allclose(found[0], value, rtol=1e-8, err_msg=name)
        np.testing.assert_allclose(found[1], gradient, rtol=1e-8, atol=1e-8, err_msg=name)

    seconds: dict[str, list[float]] = {name: [] for name in made}
    for turn in range(ROUNDS):
        for name, (call, _, _) in made.items():
            if name != SLOW or turn % (ROUNDS // SLOW_ROUNDS) == 0:
                begin = process_time()
                jax.block_until_ready(call(theta))
                seconds[name].append(process_time() - begin)
    nanoseconds = {k: 1e9 * np.median(v) / (participants * TRIALS) for k, v in seconds.items()}
    return pd.DataFrame(
        {
            "participants": participants,
            "way": list(made),
            "ns per trial": nanoseconds.values(),
            "times ours": [ns / nanoseconds[OURS] for ns in nanoseconds.values()],
            "times by hand": [ns / nanoseconds[HAND] for ns in nanoseconds.values()],
            "first call, s": [made[name][2] for name in made],
        }
    )


def first_calls() -> pd.DataFrame:
    """Time each model of two-step tasks from choices to its first value and gradient."""
    rows = []
    for model in (model for model in MODELS if not (model.simulate_only or model.misfit(TASK))):
        parameters = draw(model, SIZES[0])
        task = (
            TASK if all(cue in PLAIN or not model.looks_at(cue) for cue in model.cues) else LOADED
        )
        data = simulate(model, task, parameters, trials=TRIALS, seed=1)
        theta = matrix(parameters)
        _, (value, gradient), seconds = first_call(
            lambda m=model, d=data: value_and_gradient(m, d), theta
        )
        assert np.isfinite([value, *gradient.ravel()]).all(), model.name
        rows.append({"model": model.name, "parameters": len(model.free), "first call, s": seconds})
    return pd.DataFrame(rows)


def memory() -> pd.DataFrame:
    """Measure peak memory, each in a process of its own that loads nothing of the rivals."""
    rows = []
    for (what, participants), aim in AIMS.items():
        script = Path(__file__).with_name("memory.py")
        told = subprocess.check_output([sys.executable, script, what, str(participants)], text=True)
        rows.append(
            {
                "what": f"{what}, {participants:,} x {TRIALS}",
                "peak, GB": float(told),
                "aim, GB": aim,
            }
        )
    return pd.DataFrame(rows)


def show(title: str, table: pd.DataFrame) -> None:
    """Print a table."""
    shown = Table(title=title, title_justify="left")
    for column in table:
        numeric = pd.api.types.is_numeric_dtype(table[column])
        shown.add_column(str(column), justify="right" if numeric else "left")
    for row in table.itertuples(index=False):
        shown.add_row(*(f"{x:,.3g}" if isinstance(x, float) else f"{x}" for x in row))
    Console(width=100).print(shown)


def bars(table: pd.DataFrame) -> plt.Figure:
    """Draw nanoseconds per trial, a panel for each number of participants."""
    order = table.groupby("way")["ns per trial"].mean().sort_values().index
    figure, panels = plt.subplots(
        1, 2, figsize=(17.8 / 2.54, 5.6 / 2.54), sharey=True, layout="constrained"
    )
    for ax, (participants, part) in zip(panels, table.groupby("participants"), strict=True):
        part = part.set_index("way").loc[order]
        colours = ["#0072B2" if way == OURS else "#B8BCC2" for way in order]
        bars = ax.barh(order, part["ns per trial"], color=colours, height=0.66)
        ax.bar_label(bars, [f"{ns:.3g}" for ns in part["ns per trial"]], padding=3, fontsize=8)
        ax.set(xscale="log", xlim=(1, 1000), title=f"{participants:,} participants")
        ax.set_xticks([1, 10, 100], ["1", "10", "100"])
        ax.minorticks_off()
        ax.tick_params(axis="y", length=0)
    panels[0].invert_yaxis()
    figure.supxlabel("ns per trial, value and gradient, one core", fontsize=9)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("benchmarks"))
    out = parser.parse_args().out
    speed = pd.concat([compare(size) for size in SIZES], ignore_index=True)
    show(f"Value and exact gradient, {HYBRID.name}, {TRIALS} trials each, one core", speed)
    show(f"From choices to the first value and gradient, {SIZES[0]} x {TRIALS}", first_calls())
    show("Memory", memory())
    style = {"font.family": "sans-serif", "svg.fonttype": "none"}
    with sns.plotting_context("paper"), sns.axes_style("white"), plt.rc_context(style):
        figure = bars(speed)
        sns.despine(figure, left=True)
        for ending in ("png", "svg"):
            figure.savefig(out / f"engine.{ending}", dpi=300)


if __name__ == "__main__":
    main()
