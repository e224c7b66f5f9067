"""Simulation-based calibration: whether a posterior is as sure as it should be."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from scipy.optimize import bisect
from scipy.stats import binom, norm

from metacontrol.analysis.style import COLOURS, GREY
from metacontrol.fitting.diagnostics import as_dataset
from metacontrol.fitting.prior_fits import fit_from_priors, must_take
from metacontrol.models.model import Model
from metacontrol.models.parameter import Prior
from metacontrol.tasks.task import Task

RANKS = 100
OPTIONS = (
    *("formulas", "priors", "schedule", "correlated", "draws", "tune", "chains", "cores"),
    *("target_accept", "progress", "checkpoint", "shard"),
)
NULL = 10_000  # sets of uniform ranks that bands and p-values are taken from
SHIFTED = 1000  # sets of ranks by which it is found out what so many would show
FAR = 10.0  # standard deviations


def sbc(
    model: Model,
    task: Task,
    *,
    participants: int = 20,
    trials: int | None = None,
    simulations: int = 100,
    ranks: int | None = None,
    seed: int,
    fitted: Model | None = None,
    fitted_priors: Mapping[str, Prior] | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Calibrate the whole hierarchical fit by simulation.

    Talts et al. (2018, arXiv:1804.06788). Groups are drawn from the priors of
    `fit(method="nuts")`, their people from the group; they play, and are fitted. Over many such
    data sets the true value of anything is equally likely to have any rank among its posterior
    draws: if not, either sampler, likelihood, simulator or prior is wrong. Ranked are the group's
    means, standard deviations and correlations (if any), and as test quantities (Modrak et al.,
    2023, doi:10.1214/23-BA1404) the participants' average of each coefficient and the
    log-likelihood, which also shows a likelihood that is wrong and a posterior that ignores the
    data.

    Parameters
    ----------
    model, task : Model, Task
        What is calibrated.
    participants, trials, simulations : int
        People in a data set, trials of each (by default the task's), number of data sets.
    ranks : int, optional
        Draws among which a truth is ranked, plus one; thinned to be nearly independent. By default
        100, or as many as there are draws for.
    seed : int
        Seed of all chance.
    fitted, fitted_priors : optional
        A model with the same parameters, or priors, to fit in place of those that play: what a
        mistake would look like.
    **options
        `formulas`, `priors`, `correlated`, `draws`, `tune`, `chains`, `cores`, `target_accept`,
        `progress`, `checkpoint`, `shard` of `fit`, and `schedule` of `simulate`. Groups are fitted
        wherever joblib is told to work; a shard is of groups, and the table of its own only.

    Returns
    -------
    DataFrame
        One row for each data set and quantity: columns simulation, quantity, `true`, `rank` (0 to
        `ranks` - 1), `ranks`, `pit` (the rank at random within its step, 0 to 1), `ess` (effective
        number among all draws), `rhat`, and `diverging` (of the data set). For `sbc_verdict` and
        `plot_sbc`.

    Raises
    ------
    ValueError
        If there are fewer draws than ranks ask for.
    TypeError
        If an option is none of these.
    """
    must_take("sbc", options, OPTIONS)
    draws = options.setdefault("draws", 500) * options.setdefault("chains", 2)
    ranks = min(RANKS, draws + 1) if ranks is None else ranks
    if not 1 < ranks <= draws + 1:
        raise ValueError(f"ranks must be from 2 to {draws + 1} with {draws} draws, got {ranks}")
    rng = np.random.default_rng(seed)
    picks = np.linspace(0, draws - 1, ranks - 1).round().astype(int)
    fits = fit_from_priors(
        model,
        task,
        participants=participants,
        trials=trials,
        simulations=simulations,
        seed=seed,
        fitted=fitted,
        fitted_priors=fitted_priors,
        **options,
    )
    rows = []
    for i, (true, tree) in enumerate(fits):
        posterior = _quantities(tree["posterior"].to_dataset())
        ess, rhat = as_dataset(az.ess(posterior)), as_dataset(az.rhat(posterior))
        diverging = int(tree["sample_stats"]["diverging"].sum())
        for name, value in _quantities(true).items():
            thinned = posterior[name].to_numpy().ravel()[picks]
            rank = int((thinned < float(value)).sum())
            rows.append(
                {
                    "simulation": i + 1,
                    "quantity": str(name),
                    "true": float(value),
                    "rank": rank,
                    "ranks": ranks,
                    "pit": (rank + rng.uniform()) / ranks,
                    "ess": float(ess[name]),
                    "rhat": float(rhat[name]),
                    "diverging": diverging,
                }
            )
    return pd.DataFrame(rows)


def _quantities(values: xr.Dataset) -> xr.Dataset:
    """Return the group's numbers, averages over people, and the sum of log-likelihoods."""
    group = [name for name in values if str(name).endswith(("_mean", "_sd"))]
    found = values[group]
    if "correlation" in values:
        for a, b in combinations(values["parameter_a"].to_numpy().tolist(), 2):
            pair = values["correlation"].sel(parameter_a=a, parameter_b=b, drop=True)
            found[f"correlation {a}, {b}"] = pair
    for name in values:
        if "participant" in values[name].dims and not str(name).endswith("_z"):
            over = values[name].sum if name == "log_likelihood" else values[name].mean
            label = "log-likelihood" if name == "log_likelihood" else f"average {name}"
            found[label] = over("participant")
    return found


def sbc_verdict(table: pd.DataFrame, level: float = 0.05) -> pd.DataFrame:
    """Say of each quantity whether its ranks are what calibration would give.

    The test is whether the ranks' cumulative distribution leaves a simultaneous band (Sailynoja,
    Burkner & Vehtari, 2022, doi:10.1007/s11222-022-10090-6); p is that of its worst place.

    Parameters
    ----------
    table : DataFrame
        From `sbc`.
    level : float
        Chance of a false alarm about any quantity.

    Returns
    -------
    DataFrame
        One row a quantity, the worst first: columns quantity, `p`, `p_all` (times the number of
        quantities: Bonferroni), `mean_pit` (.5 if unbiased), `sd_pit` (.289 if its width is right),
        `verdict`.
    """
    sizes = table.groupby("quantity", sort=False).size()
    count, ranks = int(sizes.iloc[0]), int(table["ranks"].iloc[0])
    null = _null(count, ranks)
    rows = []
    for name, part in table.groupby("quantity", sort=False):
        worst = _worst_tail(part["rank"].to_numpy()[None], ranks)
        p = (1 + (null <= worst).sum()) / (1 + len(null))
        mean, sd = (part["rank"] + 0.5).mean() / ranks, (part["rank"] / ranks).std()
        rows.append({"quantity": name, "p": p, "mean_pit": mean, "sd_pit": sd})
    found = pd.DataFrame(rows).sort_values("p", ignore_index=True)
    found.insert(2, "p_all", (found["p"] * len(found)).clip(upper=1.0))
    found["verdict"] = [
        "as it should be" if row.p_all > level else _fault(row.mean_pit, row.sd_pit, count)
        for row in found.itertuples()
    ]
    return found


def sbc_sentence(table: pd.DataFrame) -> str:
    """Say in words what a table from `sbc` shows, and whether its sampling was good enough."""
    verdict = sbc_verdict(table)
    wrong = verdict[verdict["verdict"] != "as it should be"]
    count, size = table["simulation"].nunique(), len(verdict)
    if len(wrong):
        said = "; ".join(f"{row.quantity}: {row.verdict}" for row in wrong.itertuples())
        text = f"Not calibrated, by {count} simulated groups: {said}."
    else:
        text = (
            f"Nothing speaks against calibration of any of {size} quantities in {count} simulated "
            f"groups. {_power(count, int(table['ranks'].iloc[0]), size)}"
        )
    few = (table["ess"] < table["ranks"]).mean()
    if few > 0.05:
        text += (
            f" But {few:.0%} of ranks are among draws that are worth fewer than {table['ranks'][0]}"
            " independent ones, which looks like miscalibration: raise draws."
        )
    return text


def _fault(mean: float, sd: float, count: int) -> str:
    """Say how the ranks are wrong: shifted, or too many or too few at the ends."""
    shift = (mean - 0.5) / (12 * count) ** -0.5
    if abs(shift) > 2:
        return f"posterior too {'low' if shift > 0 else 'high'}"
    return f"posterior too {'narrow' if sd > 12**-0.5 else 'wide'}"


def _worst_tail(ranks: np.ndarray, steps: int) -> np.ndarray:
    """Return how improbable the ECDF is where it is most so, shape (sets,)."""
    sets, count = ranks.shape
    below = np.zeros((sets, steps + 1), dtype=int)
    np.add.at(below, (np.arange(sets)[:, None], ranks + 1), 1)
    below = below.cumsum(axis=1)[:, 1:-1]  # how many lie under each step
    at = np.arange(1, steps) / steps
    table = binom.cdf(np.arange(count + 1)[:, None], count, at)
    low = np.take_along_axis(table, below, axis=0)
    high = 1 - np.take_along_axis(np.vstack([np.zeros_like(at), table]), below, axis=0)
    return np.minimum(low, high).min(axis=1)


def _null(count: int, steps: int) -> np.ndarray:
    """Return the distribution of `_worst_tail` if ranks are uniform."""
    rng = np.random.default_rng(0)  # a table of the test, not a result: the same each time
    return _worst_tail(rng.integers(steps, size=(NULL, count)), steps)


def _power(count: int, steps: int, size: int, level: float = 0.05) -> str:
    """Say how far off a posterior has to be for that many groups to show it."""
    edge = _tail(_null(count, steps), size, level)
    off = np.random.default_rng(0).standard_normal((SHIFTED, count))

    def unseen(shift: float) -> float:
        """Return the share of sets that do not show it, above one in five."""
        ranks = (norm.cdf(off + shift) * steps).astype(int).clip(max=steps - 1)
        return float((_worst_tail(ranks, steps) > edge).mean()) - 0.2

    if unseen(FAR) > 0:
        return "But so few show nothing, however wrong it is: raise simulations."
    shift = bisect(unseen, 0, FAR, xtol=0.01)
    return (
        f"A posterior that lies {shift:.2g} of its standard deviations too high or too low would "
        "be found out four times in five, one that is less wrong more rarely."
    )


def _tail(null: np.ndarray, size: int, level: float) -> float:
    """Return the tail of the band: a worst tail is less where `p` times `size` is `level` or less.

    It lies midway between two that there are, so that rounding leaves nothing on the band's edge.
    """
    ordered = np.sort(null)
    inside = ordered[max(0, int(level / size * (1 + len(null))) - 1)]
    outside = ordered[ordered < inside]
    return float(inside + outside[-1]) / 2 if len(outside) else float(inside) / 2


def plot_sbc(table: pd.DataFrame, ax: Axes, level: float = 0.05) -> Axes:
    """Draw how far each quantity's ranks are from uniform, over a simultaneous band.

    A line above the band on the left and below on the right is of a posterior that is too narrow;
    one that stays above, too high; one that stays below, too low. The band holds all lines in 95 %
    of calibrated fits, or more; the lines that leave it are those that `sbc_verdict` finds wrong,
    and are named.

    Parameters
    ----------
    table : DataFrame
        From `sbc`.
    ax : Axes
        Where to draw.
    level : float
        Chance that any line leaves the band though all is well.
    """
    verdict = sbc_verdict(table, level)
    count, steps = int((table["quantity"] == verdict["quantity"][0]).sum()), table["ranks"].iloc[0]
    at = np.arange(steps + 1) / steps
    tail = _tail(_null(count, steps), len(verdict), level)
    lower, upper = binom.ppf([[tail], [1 - tail]], count, at) / count - at
    ax.fill_between(at, lower, upper, color=GREY, alpha=0.2, linewidth=0)
    colours = iter(COLOURS * len(verdict))
    for row in verdict[::-1].itertuples():
        ranks = table.loc[table["quantity"] == row.quantity, "rank"].to_numpy()
        line = (ranks[:, None] < np.arange(steps + 1)).mean(axis=0) - at
        wrong = row.verdict != "as it should be"
        ax.plot(
            at,
            line,
            color=next(colours) if wrong else GREY,
            linewidth=1.2 if wrong else 0.6,
            alpha=1.0 if wrong else 0.6,
            label=f"{row.quantity}: {row.verdict.removeprefix('posterior ')}" if wrong else None,
        )
    ax.axhline(0, color="black", linewidth=0.6, linestyle=":")
    ax.set(xlim=(0, 1), xlabel="Rank of the truth among draws", ylabel="ECDF minus uniform")
    if ax.get_legend_handles_labels()[1]:
        ax.legend(loc="upper left", bbox_to_anchor=(0, -0.22), ncols=2, fontsize=6)
    return ax
