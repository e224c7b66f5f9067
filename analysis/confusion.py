"""Can models be told apart? Simulate each, fit all, count which is best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from joblib import Parallel, delayed, effective_n_jobs
from matplotlib.axes import Axes

from metacontrol.analysis.comparison import compare
from metacontrol.analysis.criteria import log_evidence
from metacontrol.analysis.style import BLUE
from metacontrol.fitting.checkpoint import part_of
from metacontrol.fitting.fit import ALONE, EM, METHODS, SEARCHED, Method
from metacontrol.fitting.fit import fit as fit_choices
from metacontrol.fitting.random_effects import random_effects
from metacontrol.fitting.result import Fit
from metacontrol.models.model import Model
from metacontrol.models.people import draw_participants
from metacontrol.models.simulation import simulate
from metacontrol.tasks.choices import Choices
from metacontrol.tasks.task import Task

# Columns of `compare` that count participants, and by what.
PEOPLE = {"best_by_aic": "aic", "best_by_bic": "bic", "best_for": "evidence"}
WORDS = {
    "aic": "AIC",
    "bic": "BIC",
    "exceedance": "exceedance probability",
    "ibic": "integrated BIC",
    "elpd": "elpd of new people",
}


def confuse(
    models: Sequence[Model],
    task: Task,
    *,
    participants: int = 50,
    trials: int | None = None,
    groups: int | None = None,
    seed: int,
    people: Mapping[str, pd.DataFrame] | None = None,
    method: Method = "mle",
    checkpoint: str | Path | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Simulate each model, fit all, and count for whom which is best.

    Wilson & Collins (2019, doi:10.7554/eLife.49547): `confusion` is P(best | simulated), and
    `inversion` P(simulated | best) if all models are equally probable beforehand. Best is what
    `compare` finds best,

    - for each participant by `aic` and `bic` (mle, map) or by `evidence` (laplace);
    - for each group by `ibic` (em, em-laplace), or by the `elpd` of leaving out one participant
      after another (two-stage, nuts);
    - and for each group of participants fitted alone, if groups are given, by `exceedance`: which
      is most probably the most frequent (`random_effects`), by BIC or evidence. The protected
      probability is largest for the same model.

    All fits count, also those that did not converge, and predictions that Pareto k warns of. A
    share c of n participants or groups has a standard error of sqrt(c (1 - c) / n). Groups are
    fitted wherever joblib is told to work, and by mle and map their participants.

    Parameters
    ----------
    models : sequence of Model
        Who play, and who are fitted.
    task : Task
        What is played.
    participants : int
        How many play each model, in each group; drawn by `draw_participants`.
    trials : int, optional
        Trials of each; by default the task's number.
    groups : int, optional
        How many such groups play each model; by default one, whose participants are counted.
    seed : int
        Seed of participants, choices and fits. The first groups are the same, however many follow.
    people : mapping of str to DataFrame, optional
        By name of the model, who plays it instead, in each group, as for `simulate`.
    method : {"mle", "map", "laplace", "em", "em-laplace", "two-stage", "nuts"}
        Of `fit`.
    checkpoint : path, optional
        Folder that keeps what is fitted. The same call goes on from there, as may one with more
        groups.
    **options
        Further arguments of `fit`.

    Returns
    -------
    DataFrame
        One row for each criterion and pair of models: columns criterion, `simulated`, `best`,
        `confusion` and `inversion` (0 to 1; the latter missing for a model that is never best).

    Raises
    ------
    ValueError
        If there are fewer than two models, two have the same name, groups are below 1, or not given
        where the method is one of groups; and as `simulate` and `fit`.
    """
    names = [model.name for model in models]
    if len(set(names)) < max(2, len(names)):
        raise ValueError(f"two models or more are told apart by name, got {', '.join(names)}")
    if groups is None and method in {*METHODS} - {*ALONE}:
        raise ValueError(f"by {method} groups are counted: say how many, such as groups=20")
    if groups is not None and groups < 1:
        raise ValueError(f"groups must be 1 or more, got {groups}")
    searched = method in SEARCHED  # then joblib shares out the participants of a fit
    if not searched and effective_n_jobs(None) > 1:
        options = {"cores": 1, "progress": False} | options

    def won(truth: Model, number: int, own: int) -> pd.DataFrame:
        drawn = draw_participants(truth, participants, seed=own)
        players = (people or {}).get(truth.name, drawn)
        data = simulate(truth, task, players, trials=trials, seed=own)
        fits = []
        for model in models:
            part = part_of(checkpoint, f"{model.name}-to-{truth.name}-{number}")
            how: Any = options | {"method": method, "seed": own, "checkpoint": part}
            fits.append(fit_choices(model, data, **how))
        wins = _wins(fits, data, seed=own, together=groups is not None)
        return wins.loc[names].assign(simulated=truth.name)

    # The first group is the one that there is without `groups`.
    others = np.random.SeedSequence(seed).generate_state((groups or 1) - 1).tolist()
    found = Parallel(n_jobs=1 if searched else None)(
        delayed(won)(truth, number, own)
        for truth in models
        for number, own in enumerate([seed, *others], start=1)
    )
    wide = pd.concat(found).rename_axis("best")
    wins = wide.melt("simulated", var_name="criterion", value_name="wins", ignore_index=False)
    counts = wins.groupby(["criterion", "simulated", "best"], sort=False)["wins"].sum()
    confusion = counts / counts.groupby(["criterion", "simulated"]).transform("sum")
    inversion = confusion / confusion.groupby(["criterion", "best"]).transform("sum")
    return pd.DataFrame({"confusion": confusion, "inversion": inversion}).reset_index()


def _wins(fits: Sequence[Fit], data: Choices, *, seed: int, together: bool) -> pd.DataFrame:
    """Return for how many people each model is best, or whether it is of the group.

    Index model, a column for each criterion; of people fitted alone also whether a model is the
    most frequent one, if all `together` are asked about.
    """
    method = fits[0].method
    if method in EM:
        return _is_first(compare(fits), "ibic")
    if method not in ALONE:
        return _is_first(compare(fits, data, leave="participant", seed=seed), "elpd")
    table = compare(fits).set_index("model")
    wins = table[[column for column in PEOPLE if column in table]].rename(columns=PEOPLE)
    if not together:
        return wins
    evidence = log_evidence(fits, "laplace" if method == "laplace" else "bic")
    return wins.join(_is_first(random_effects(evidence), "exceedance"))


def _is_first(table: pd.DataFrame, criterion: str) -> pd.DataFrame:
    """Return 1 for the model in the first row and 0 for others, in a column for the criterion."""
    return pd.DataFrame({criterion: (table.index == 0).astype(int)}, index=table["model"])


def plot_confusion(
    table: pd.DataFrame, ax: Axes, criterion: str | None = None, which: str = "confusion"
) -> Axes:
    """Draw a confusion or inversion matrix: who played down, who was best across.

    Parameters
    ----------
    table : DataFrame
        From `confuse`.
    ax : Axes
        Where to draw.
    criterion : str, optional
        By which of the table's; by default the last, such as bic.
    which : {"confusion", "inversion"}
        Shares of each row, or of each column.
    """
    known = list(table["criterion"].unique())
    criterion = known[-1] if criterion is None else criterion
    if criterion not in known or which not in ("confusion", "inversion"):
        raise ValueError(
            f"there is no {which} by {criterion}: confusion or inversion, by {' or '.join(known)}"
        )
    part = table[table["criterion"] == criterion]
    names = list(dict.fromkeys(part["simulated"]))
    matrix = part.pivot(index="simulated", columns="best", values=which).loc[names, names]
    shades = sns.light_palette(BLUE, as_cmap=True)
    sns.heatmap(matrix, vmin=0, vmax=1, cmap=shades, annot=True, fmt=".2f", cbar=False, ax=ax)
    given = "P(best | simulated)" if which == "confusion" else "P(simulated | best)"
    ax.set(xlabel=f"Best by {WORDS.get(criterion, criterion)}", ylabel="Simulated")
    ax.set_title(f"{which.capitalize()}: {given}", loc="right")
    ax.tick_params(length=0)
    ax.tick_params(axis="x", rotation=30)
    ax.tick_params(axis="y", rotation=0)
    return ax
