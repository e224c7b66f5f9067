"""How deep people plan: staying after the four kinds of path through a three-step task.

Who plans to the end goes by the place that paid, and so by whether an even number of transitions
was rare. Who plans a step and then asks habit goes by the second state, and so by the first
transition alone.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from metacontrol.analysis.stay import stay_trials
from metacontrol.analysis.style import BLUE, GREY, ORANGE
from metacontrol.tasks.choices import Choices

PATHS = ("CC", "CR", "RC", "RR")


def stay_by_path(data: Choices) -> pd.DataFrame:
    """Return each participant's share of repeated first choices by the path of the trial before.

    Returns
    -------
    DataFrame
        Columns participant, `reward` ("rewarded", "unrewarded") and, for each path, `CC`, `CR`,
        `RC`, `RR` (0 to 1): first, then second transition common or rare. Missing without trials.

    Raises
    ------
    ValueError
        If the task has no third step.
    """
    trials = stay_trials(data)
    if "second_transition" not in trials:
        raise ValueError(f"{data.task.name} has no third step, so its paths have no second part")
    letters = {"common": "C", "rare": "R"}
    path = trials["transition"].map(letters) + trials["second_transition"].map(letters)
    shares = trials.assign(path=path).groupby(["participant", "reward", "path"], sort=False)["stay"]
    table = shares.mean().unstack("path").reindex(columns=list(PATHS))
    return table.rename_axis(columns=None).reset_index()


def depth_effects(data: Choices) -> pd.DataFrame:
    """Return each participant's signs of planning to the end and of planning until habit.

    Keramati et al. (2016): E_plan = CC + RR - CR - RC and E_pth = CC + CR - RC - RR, of the
    shares in `stay_by_path`. After no reward both are expected to be negative.

    Returns
    -------
    DataFrame
        Columns participant, `reward`, `planning` (E_plan) and `plan_until_habit` (E_pth), each
        from -2 to 2.
    """
    shares = stay_by_path(data)
    return shares[["participant", "reward"]].assign(
        planning=shares["CC"] + shares["RR"] - shares["CR"] - shares["RC"],
        plan_until_habit=shares["CC"] + shares["CR"] - shares["RC"] - shares["RR"],
    )


def plot_stay_by_path(shares: pd.DataFrame, ax: Axes) -> Axes:
    """Draw mean and 95 % interval of staying after each path, by reward.

    Parameters
    ----------
    shares : DataFrame
        From `stay_by_path`.
    ax : Axes
        Where to draw.
    """
    for shift, (reward, colour) in zip(
        (-0.08, 0.08), (("rewarded", BLUE), ("unrewarded", ORANGE)), strict=True
    ):
        part = shares.loc[shares["reward"] == reward, list(PATHS)]
        half = 1.96 * part.sem()
        x = [i + shift for i in range(len(PATHS))]
        label = "after a win" if reward == "rewarded" else "after no win"
        ax.errorbar(x, part.mean(), yerr=half, color=colour, marker="o", markersize=4, label=label)
    ax.axhline(0.5, color=GREY, linewidth=0.6, linestyle=":")
    kinds = {"C": "common", "R": "rare"}
    ax.set_xticks(range(len(PATHS)), ["\n".join(kinds[kind] for kind in path) for path in PATHS])
    ax.set(ylim=(0, 1), xlabel="First and second transition of the last trial")
    ax.set_ylabel("P(same first choice again)")
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, handlelength=1, columnspacing=1)
    return ax
