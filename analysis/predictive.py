"""The posterior predictive check: people simulated from the fit, beside those who were fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from metacontrol.analysis.stay import stay_by_participant, stay_probabilities
from metacontrol.analysis.style import BLUE, ORANGE
from metacontrol.fitting.result import Fit
from metacontrol.models.simulation import simulate
from metacontrol.tasks.choices import Choices


def predictive_stay(fit: Fit, data: Choices, *, draws: int = 100, seed: int) -> pd.DataFrame:
    """Return stay probabilities of the data beside those of people simulated from the fit.

    For each draw, every participant is simulated anew with that draw of their parameters (for a
    point fit: with the estimate) for as many trials as they played, on their own schedule where
    the data have it and a fresh one where not. Simulated people miss no trials; those that do not
    count in the data do not in simulations either.

    Parameters
    ----------
    fit : Fit
        The fit.
    data : Choices
        The choices that were fitted.
    draws : int
        Number of simulated data sets.
    seed : int
        Seed of simulation.

    Returns
    -------
    DataFrame
        Columns `reward`, `transition` (or `start`), `observed`, and `predicted`, `lower`, `upper`:
        mean and 95 % interval over simulated data sets.
    """
    rng = np.random.default_rng(seed)
    people = fit.parameters.index.astype(str)
    order = pd.Categorical(data.frame["participant"], categories=people).codes
    rows = np.argsort(order, kind="stable")[(order < 0).sum() :]
    scored, dropped = (None if m is None else m[rows] for m in (data.scored, data.dropped))
    counts = data.frame.groupby("participant", sort=False).size().loc[list(people)]
    simulated = []
    tables = fit.parameter_draws(draws)
    for part in tables if fit.sampled else tables * draws:
        played = simulate(
            fit.model,
            data.task,
            part.assign(participant=people),
            seed=int(rng.integers(2**31)),
            formulas=fit.formulas,
            trials=int(counts.max()),
            schedule=_schedule(data, counts),
        )
        rank = played.frame.groupby("participant", sort=False).cumcount().to_numpy()
        own = counts.loc[played.frame["participant"]].to_numpy()
        own_trials = played.frame[rank < own]
        alike = Choices(own_trials, data.task, scored=scored, dropped=dropped)
        shares = stay_by_participant(alike)
        cell = [c for c in shares if c not in ("participant", "stay", "trials")]
        simulated.append(shares.groupby(cell)["stay"].mean())
    predicted = pd.concat(simulated, axis=1)
    observed = stay_probabilities(data).drop(columns=["lower", "upper", "participants"])
    cell = [c for c in observed if c != "stay"]
    table = observed.rename(columns={"stay": "observed"}).set_index(cell)
    table["predicted"] = predicted.mean(axis=1)
    table["lower"] = predicted.quantile(0.025, axis=1)
    table["upper"] = predicted.quantile(0.975, axis=1)
    return table.reset_index()


def _schedule(data: Choices, counts: pd.Series) -> Any:
    """Return the columns decided beforehand, if every participant has all of them."""
    task = data.task
    wanted = {*task.cues, *getattr(task, "walk_columns", ())}
    played = {event.name for event in task.events} | {"transition", "first_rt", "second_rt"}
    columns = [c for c in data.frame if c in wanted or (c not in played and c != "trial")]
    frame = data.frame[columns]
    if counts.nunique() > 1 or len(columns) < 2:
        return None
    whole = frame.columns[frame.notna().all()]
    return frame[whole]


def plot_predictive_stay(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw observed stay probabilities (dots) over predicted ones (bands).

    Parameters
    ----------
    table : DataFrame
        From `predictive_stay`.
    ax : Axes
        Where to draw.
    """
    other = "start" if "start" in table else "transition"
    for i, (row, colour) in enumerate(zip(table.itertuples(), (BLUE, ORANGE) * 2, strict=False)):
        ax.bar(
            i,
            row.upper - row.lower,
            0.7,
            row.lower,
            color=colour,
            alpha=0.3,
            linewidth=0,
            label="predicted" if i == 0 else None,
        )
        ax.hlines(row.predicted, i - 0.35, i + 0.35, color=colour, linewidth=1)
        ax.plot(
            i,
            row.observed,
            "o",
            color="#222222",
            markersize=4,
            label="observed" if i == 0 else None,
        )
    rewards = table["reward"].map({"rewarded": "win", "unrewarded": "no win"})
    labels = [f"{reward}\n{kind}" for reward, kind in zip(rewards, table[other], strict=True)]
    ax.set_xticks(range(len(table)), labels)
    ax.use_sticky_edges = False
    ax.autoscale(axis="y")
    again = "second state" if other == "start" else "first choice"
    ax.set_ylabel(f"P(same {again} again)")
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, handlelength=1, columnspacing=1)
    return ax
