"""Can models be told apart? Simulate each, fit all, count which is best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from metacontrol.analysis.criteria import CRITERIA, each, named
from metacontrol.analysis.style import BLUE
from metacontrol.fitting.checkpoint import part_of
from metacontrol.fitting.fit import Method
from metacontrol.fitting.fit import fit as fit_choices
from metacontrol.models.model import Model
from metacontrol.models.people import draw_participants
from metacontrol.models.simulation import simulate
from metacontrol.tasks.task import Task


def confuse(
    models: Sequence[Model],
    task: Task,
    *,
    participants: int = 50,
    trials: int | None = None,
    seed: int,
    people: Mapping[str, pd.DataFrame] | None = None,
    method: Method = "mle",
    checkpoint: str | Path | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Simulate each model, fit all, and count for whom which is best.

    Wilson & Collins (2019, doi:10.7554/eLife.49547): `confusion` is P(best | simulated), and
    `inversion` P(simulated | best) if all models are equally probable beforehand.

    Parameters
    ----------
    models : sequence of Model
        Who play, and who are fitted.
    task : Task
        What is played.
    participants : int
        How many play each model; drawn by `draw_participants`.
    trials : int, optional
        Trials of each; by default the task's number.
    seed : int
        Seed of participants, choices and fits.
    people : mapping of str to DataFrame, optional
        By name of the model, who plays it instead, as for `simulate`.
    method : {"mle", "map"}
        Of `fit`.
    checkpoint : path, optional
        Folder that keeps participants who are fitted. The same call goes on from there.
    **options
        Further arguments of `fit`.

    Returns
    -------
    DataFrame
        One row for each criterion and pair of models: columns criterion, `simulated`, `best`,
        `confusion` and `inversion` (0 to 1; the latter missing for a model that is never best).
    """
    tables = []
    for truth in models:
        drawn = draw_participants(truth, participants, seed=seed)
        players = (people or {}).get(truth.name, drawn)
        data = simulate(truth, task, players, trials=trials, seed=seed)
        fits = []
        for model in models:
            options["checkpoint"] = part_of(checkpoint, f"{model.name}-to-{truth.name}")
            fits.append(fit_choices(model, data, method=method, seed=seed, **options))
        for criterion in CRITERIA:
            best = each(named(fits), criterion).idxmin(axis=1)
            shares = best.value_counts(normalize=True).reindex([m.name for m in models])
            table = shares.fillna(0.0).rename("confusion").rename_axis("best").reset_index()
            tables.append(table.assign(criterion=criterion, simulated=truth.name))
    joined = pd.concat(tables, ignore_index=True)
    sums = joined.groupby(["criterion", "best"])["confusion"].transform("sum")
    joined["inversion"] = joined["confusion"] / sums.where(sums > 0)
    order = ["criterion", "simulated", "best", "confusion", "inversion"]
    return joined[order].sort_values("criterion", kind="stable", ignore_index=True)


def plot_confusion(
    table: pd.DataFrame, ax: Axes, criterion: str = "bic", which: str = "confusion"
) -> Axes:
    """Draw a confusion or inversion matrix: who played down, who was best across.

    Parameters
    ----------
    table : DataFrame
        From `confuse`.
    ax : Axes
        Where to draw.
    criterion : {"aic", "bic"}
        By which.
    which : {"confusion", "inversion"}
        Shares of each row, or of each column.
    """
    if criterion not in CRITERIA or which not in ("confusion", "inversion"):
        raise ValueError(f"there is no {which} by {criterion}: confusion or inversion, aic or bic")
    part = table[table["criterion"] == criterion]
    names = list(dict.fromkeys(part["simulated"]))
    matrix = part.pivot(index="simulated", columns="best", values=which).loc[names, names]
    shades = sns.light_palette(BLUE, as_cmap=True)
    sns.heatmap(matrix, vmin=0, vmax=1, cmap=shades, annot=True, fmt=".2f", cbar=False, ax=ax)
    given = "P(best | simulated)" if which == "confusion" else "P(simulated | best)"
    ax.set(xlabel=f"Best by {criterion.upper()}", ylabel="Simulated")
    ax.set_title(f"{which.capitalize()}: {given}", loc="right")
    ax.tick_params(length=0)
    ax.tick_params(axis="x", rotation=30)
    ax.tick_params(axis="y", rotation=0)
    return ax
