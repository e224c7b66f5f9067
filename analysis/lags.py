"""Trials further back: how choices depend on what each of the last trials brought.

Who plans goes back where it was good, by the option that commonly leads there; who acts by habit
repeats what was rewarded, whatever the transition.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.optimize import minimize
from scipy.special import expit

from metacontrol.analysis.style import BLUE, GREY, ORANGE
from metacontrol.tasks.checks import first_is_common
from metacontrol.tasks.choices import Choices
from metacontrol.tasks.graph import Graph

KINDS = {
    "CR": "win, common",
    "UR": "win, rare",
    "CU": "no win, common",
    "UU": "no win, rare",
}
PRIOR_SD = 5.0


def lagged_regression(data: Choices, lags: int = 5) -> pd.DataFrame:
    """Regress first choices on what each of the last trials brought.

    Miller, Botvinick & Brody (2017), Nat Neurosci 20:1269, doi:10.1038/nn.4613. For each
    participant a logistic regression of choosing option 1 on an intercept and, for each lag, a
    predictor for each of four kinds of trial: 1 if option 1 was chosen then, -1 if option 0, and 0
    if that trial was of another kind, was missed or dropped, or is not there. A normal prior with
    sd 5 on each coefficient (ours) keeps those of somebody finite who always did the same.

    Parameters
    ----------
    data : Choices
        The choices, in a task with one first state, two options in it, and rare transitions.
    lags : int
        How many trials to look back.

    Returns
    -------
    DataFrame
        One row for each participant and lag. Columns participant, `lag` (from 1), and the log-odds
        of repeating the choice made then, by kind of trial: its transition common or uncommon
        (first letter), rewarded or unrewarded (second letter; points are a reward if above 0):
        `CR`, `UR`, `CU`, `UU`.

    Raises
    ------
    ValueError
        If the task is another, or `lags` below 1.
    """
    task = data.task
    if not isinstance(task, Graph) or task.stages[0].moves[2:] or task.common == 1:
        raise ValueError(
            f"{task.name} must have one first state, two options in it, and rare transitions"
        )
    if lags < 1:
        raise ValueError(f"lags must be 1 or more, got {lags}")
    frame = data.frame
    chosen = frame["first_choice"].to_numpy(dtype=float)
    seen = data.complete if data.dropped is None else data.complete & ~data.dropped
    usual, won = first_is_common(task, frame) == 1, (frame["reward"] > 0).to_numpy(dtype=bool)
    signs = np.where(seen, 2 * chosen - 1, 0.0)
    terms = pd.DataFrame(
        {
            kind: np.where((usual == (kind[0] == "C")) & (won == (kind[1] == "R")), signs, 0.0)
            for kind in KINDS
        },
        index=pd.MultiIndex.from_frame(frame[["participant", "trial"]]),
    )
    counted = frame.loc[data.counted, ["participant", "trial"]]
    design = np.column_stack(
        [np.ones(len(counted))]
        + [
            terms.reindex(pd.MultiIndex.from_frame(counted.assign(trial=counted["trial"] - lag)))
            for lag in range(1, lags + 1)
        ]
    )
    design = np.nan_to_num(design)
    tables = []
    for person, rows in counted.groupby("participant", sort=False).indices.items():
        weights = _logistic(design[rows], chosen[data.counted][rows])[1:].reshape(lags, len(KINDS))
        table = pd.DataFrame(weights, columns=list(KINDS))
        table.insert(0, "lag", np.arange(1, lags + 1))
        table.insert(0, "participant", str(person))
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _logistic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the most likely coefficients, given their prior."""
    precision = PRIOR_SD**-2

    def surprise(b: np.ndarray) -> float:
        return float(np.logaddexp(0, (1 - 2 * y) * (x @ b)).sum() + precision * b @ b / 2)

    def slope(b: np.ndarray) -> np.ndarray:
        return x.T @ (expit(x @ b) - y) + precision * b

    def curve(b: np.ndarray) -> np.ndarray:
        p = expit(x @ b)
        return (x.T * (p * (1 - p))) @ x + precision * np.eye(len(b))

    start = np.zeros(x.shape[1])
    found = minimize(surprise, start, jac=slope, hess=curve, method="trust-exact", tol=1e-6)
    return np.asarray(found.x)


def lag_indices(weights: pd.DataFrame) -> pd.DataFrame:
    """Return each participant's signs of planning and of habit, summed over lags.

    Miller et al. (2017): planning = sum of CR - UR - CU + UU, habit = sum of CR + UR - CU - UU.

    Parameters
    ----------
    weights : DataFrame
        From `lagged_regression`.

    Returns
    -------
    DataFrame
        Columns participant, `planning`, `habit` (log-odds).

    Examples
    --------
    >>> lag = {"participant": "a", "lag": 1, "CR": 2.0, "UR": -1.0, "CU": -0.5, "UU": 0.25}
    >>> lag_indices(pd.DataFrame([lag])).loc[0, ["planning", "habit"]].tolist()
    [3.75, 1.25]
    """
    sums = weights.groupby("participant", sort=False)[list(KINDS)].sum()
    return pd.DataFrame(
        {
            "planning": sums["CR"] - sums["UR"] - sums["CU"] + sums["UU"],
            "habit": sums["CR"] + sums["UR"] - sums["CU"] - sums["UU"],
        }
    ).reset_index()


def plot_lags(weights: pd.DataFrame, ax: Axes) -> Axes:
    """Draw mean and 95 % interval over participants of the four coefficients, by lag.

    Parameters
    ----------
    weights : DataFrame
        From `lagged_regression`.
    ax : Axes
        Where to draw.
    """
    groups = weights.groupby("lag")[list(KINDS)]
    mean, half = groups.mean(), 1.96 * groups.sem().fillna(0.0)
    for i, (kind, label) in enumerate(KINDS.items()):
        ax.errorbar(
            mean.index + 0.06 * (i - 1.5),
            mean[kind],
            yerr=half[kind],
            color=BLUE if kind[0] == "C" else ORANGE,
            marker="os"[kind[0] == "U"],
            markersize=4,
            markerfacecolor=None if kind[1] == "R" else "white",
            linestyle="-" if kind[1] == "R" else "--",
            label=label,
        )
    ax.axhline(0, color=GREY, linewidth=0.6, linestyle=":")
    ax.set_xticks(mean.index)
    ax.set(xlabel="Trials ago", ylabel="Log-odds of the same choice")
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.2 * (high - low))  # room for the legend
    ax.legend(loc="upper right", ncols=2, columnspacing=1)
    return ax
