"""Predictive checks: what a fit, or a prior, would have people do, beside what they did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from metacontrol.analysis.statistics import staying
from metacontrol.analysis.style import BLUE, ORANGE
from metacontrol.fitting.prior_fits import must_take, play_from_priors
from metacontrol.fitting.result import Fit
from metacontrol.fitting.same_choices import as_fitted
from metacontrol.models.engine.predictor import INTERCEPT
from metacontrol.models.formulas import predictors
from metacontrol.models.model import Model
from metacontrol.models.scoring import narrations
from metacontrol.models.simulation import simulate
from metacontrol.tasks.choices import Choices
from metacontrol.tasks.task import Task

Statistic = Callable[[Choices], pd.DataFrame]
PRIOR_OPTIONS = ("trials", "formulas", "schedule", "priors", "correlated")
ADDED = ("observed", "predicted", "lower", "upper")


def predictive(
    fit: Fit,
    data: Choices,
    statistic: Statistic,
    *,
    draws: int = 100,
    seed: int,
    given_history: int = 0,
) -> pd.DataFrame:
    """Return a statistic of the data beside that of people simulated from the fit.

    For each draw, every participant is simulated anew with that draw of their parameters (for a
    point fit: with the estimate) for as many trials as they played, on their own schedule where
    the data have it and a fresh one where not. Simulated people miss no trials (columns that missed
    trials lack are as on the trial before); those that do not count in the data do not in
    simulations either, and what would have been paid is not told where the data do not tell it, so
    that a statistic measures both alike. Free-running, they live through a history of
    their own, as the model would have it. Given the history, each first choice is drawn after all
    that the participant really did and saw before: a model may predict the next choice well, and
    yet never get itself into what people get into (Palminteri et al., 2017,
    doi:10.1016/j.tics.2017.03.011).

    Parameters
    ----------
    fit : Fit
        The fit.
    data : Choices
        The choices that were fitted.
    statistic : function
        From choices to a table with a column `value`: `statistics.staying`, `learning_curve`,
        `indices`, or your own.
    draws : int
        Number of simulated data sets.
    seed : int
        Seed of simulation.
    given_history : int
        0 for free-running; else one step ahead, and how many trials the statistic looks back, 1
        for staying. It must then go by first choices, of which there are two, and earlier trials.

    Returns
    -------
    DataFrame
        The statistic's columns, `value` being `observed`; and `predicted`, `lower`, `upper`: mean
        and 95 % interval over simulated data sets.

    Raises
    ------
    ValueError
        If these are not the choices that were fitted, the statistic has no column `value`, or, one
        step ahead, it does not depend on the choice that comes next.
    """
    if draws < 1:
        raise ValueError(f"draws must be 1 or more, got {draws}")
    data = as_fitted(fit, data)
    tables = fit.parameter_draws(draws)
    tables = tables if fit.sampled else tables * draws
    rng = np.random.default_rng(seed)
    if not given_history:
        simulated = _replays(fit, data, tables, rng)
    else:
        rows, windows = _windows(data, given_history)
        simulated = _next_choices(fit, data, tables, rng, rows, windows)
        data = windows
    found, observed = [statistic(played) for played in simulated], statistic(data)
    if given_history and len(found) > 1 and all(table.equals(observed) for table in found):
        raise ValueError(
            f"{getattr(statistic, '__name__', 'this statistic')} of these data does not depend on "
            "which choice comes next, as where it is of rewards alone: look at it free-running "
            "(given_history=0)"
        )
    return _summary(found, observed)


def prior_predictive(
    model: Model,
    task: Task,
    statistic: Statistic,
    *,
    participants: int = 40,
    simulations: int = 100,
    seed: int,
    **options: Any,
) -> pd.DataFrame:
    """Return a statistic of groups drawn from the priors of `fit(method="nuts")`.

    Parameters
    ----------
    model, task, statistic
        As for `simulate` and `predictive`.
    participants, simulations : int
        People in a group, and number of groups.
    seed : int
        Seed of all chance.
    **options
        `trials`, `formulas`, `schedule`, `priors`, `correlated`, as for `simulate` and `fit`.

    Returns
    -------
    DataFrame
        The statistic's columns but for `value`; `predicted`, `lower`, `upper`: mean and 95 %
        interval over groups.

    Raises
    ------
    TypeError
        If an option is none of these.
    """
    must_take("prior_predictive", options, PRIOR_OPTIONS)
    groups = play_from_priors(
        model, task, participants=participants, simulations=simulations, seed=seed, **options
    )
    return _summary([statistic(group.data) for group in groups])


def predictive_stay(fit: Fit, data: Choices, *, draws: int = 100, seed: int) -> pd.DataFrame:
    """Return `predictive` of `statistics.staying`, free-running."""
    return predictive(fit, data, staying, draws=draws, seed=seed)


def _summary(tables: Sequence[pd.DataFrame], observed: pd.DataFrame | None = None) -> pd.DataFrame:
    first = tables[0] if observed is None else observed
    if "value" not in first:
        has = ", ".join(map(str, first))
        raise ValueError(f"a statistic returns a table with a column value, this one has: {has}")
    cell = [column for column in first if column != "value"]
    found = first.rename(columns={"value": "observed"}).set_index(cell)
    sets = [table.set_index(cell)["value"].reindex(found.index) for table in tables]
    values = pd.concat(sets, axis=1)
    if observed is None:
        found = found.drop(columns="observed")
    found["predicted"] = values.mean(axis=1)
    found["lower"] = values.quantile(0.025, axis=1)
    found["upper"] = values.quantile(0.975, axis=1)
    return found.reset_index()


def _replays(
    fit: Fit, data: Choices, tables: Sequence[pd.DataFrame], rng: np.random.Generator
) -> Iterator[Choices]:
    """Yield people who live through a history of their own."""
    people = fit.parameters.index.astype(str)
    order = pd.Categorical(data.frame["participant"], categories=people).codes
    rows = np.argsort(order, kind="stable")[(order < 0).sum() :]
    scored, dropped = (None if m is None else m[rows] for m in (data.scored, data.dropped))
    counts = data.frame.groupby("participant", sort=False).size().loc[list(people)]
    schedule, formulas, renamed = _schedule(fit, data, list(people), int(counts.max()))
    untold = [c for c in getattr(data.task, "walk_columns", ()) if c not in data.frame]
    for part in tables:
        played = simulate(
            fit.model,
            data.task,
            part.rename(columns=renamed).assign(participant=people),
            seed=int(rng.integers(2**31)),
            formulas=formulas,
            trials=int(counts.max()),
            schedule=schedule,
        )
        rank = played.frame.groupby("participant", sort=False).cumcount().to_numpy()
        own = counts.loc[played.frame["participant"]].to_numpy()
        frame = played.frame[rank < own].drop(columns=untold)
        yield Choices(frame, data.task, scored=scored, dropped=dropped)


def _windows(data: Choices, back: int) -> tuple[np.ndarray, Choices]:
    """Return each trial with those before it that a statistic looks back to, as a stretch apart.

    Only the last trial of a stretch is scored, so that it can be another than the one which the
    next stretch remembers. Also returns the row of `data` that each row comes from.
    """
    frame = data.frame
    people = frame.groupby("participant", sort=False)
    rank, trial = people.cumcount().to_numpy(), frame["trial"].to_numpy()
    order = np.concatenate(list(people.indices.values()))
    place = np.empty(len(order), dtype=int)
    place[order] = np.arange(len(order))
    ago = np.arange(back, -1, -1)
    rows = order[np.maximum(place[:, None] - ago, 0)]
    there = (rank[:, None] >= ago) & (trial[:, None] - trial[rows] <= back)
    moved = trial[rows] + (back + 1) * trial[:, None]
    rows, last = rows[there], np.broadcast_to(ago == 0, there.shape)[there]
    return rows, Choices(
        frame.iloc[rows].assign(trial=moved[there]).reset_index(drop=True),
        data.task,
        scored=last if data.scored is None else last & data.scored[rows],
        dropped=None if data.dropped is None else data.dropped[rows],
    )


def _next_choices(
    fit: Fit,
    data: Choices,
    tables: Sequence[pd.DataFrame],
    rng: np.random.Generator,
    rows: np.ndarray,
    windows: Choices,
) -> Iterator[Choices]:
    """Yield windows whose last first choice is the model's, after what really came before."""
    event = next(e for e in data.task.events if e.name == "first_choice")
    if getattr(event, "options", 0) != 2:
        raise ValueError(f"one step ahead needs two first options, {data.task.name} has others")
    goals = ["first_choice"]
    if getattr(data.task, "first_states", 1) == 2:
        goals.append("second_state")  # the other option leads to the other one
    last = np.flatnonzero(windows.counted)
    for notes in narrations(fit.model, data, tables, fit.formulas):
        likely = np.exp(notes["log_probability_first_choice"][rows[last]])
        other = last[rng.uniform(size=len(last)) > likely]
        drawn = windows.frame.copy()
        for goal in goals:
            column = drawn[goal].to_numpy(copy=True)
            column[other] = 1 - column[other]
            drawn[goal] = column
        yield Choices(drawn, data.task, scored=windows.scored, dropped=windows.dropped)


def _schedule(
    fit: Fit, data: Choices, names: list[str], trials: int
) -> tuple[pd.DataFrame, dict[str, str], dict[str, str]]:
    """Return what was decided beforehand, as many trials for each person, and formulas for it.

    Also coefficients' names in these: a name in backticks cannot have backticks itself.

    Regressors are columns as they were fitted, since a term such as ``scale(age)`` would be another
    over other rows. Where missed trials lack a value it is that of the trial before, or after; who
    has fewer trials than others goes through their own again. A column with other gaps is left out.
    """
    people = data.frame["participant"]
    frame = data.frame.groupby(people, sort=False).ffill()
    frame = frame.groupby(people, sort=False).bfill()
    wanted = {*data.task.cues, *getattr(data.task, "walk_columns", ())}
    played = {"trial", "transition", "first_rt", "second_rt", *(e.name for e in data.task.events)}
    whole = data.frame[data.complete].notna().all()
    columns = {c: frame[c] for c in frame if whole[c] and (c in wanted or c not in played)}
    formulas, renamed = {}, {}
    found, regressors = predictors(fit.model, frame, fit.formulas)
    for predictor in found:
        if predictor.terms is not None:
            name, terms = predictor.parameter.name, [t for t in predictor.terms if t != INTERCEPT]
            plain = {term: term.replace("`", "") for term in terms}
            for term in terms:
                columns.setdefault(plain[term], regressors[f"{name}_{term}"])
                renamed[f"{name}_{term}"] = f"{name}_{plain[term]}"
            own = str(int(INTERCEPT in predictor.terms))
            formulas[name] = " + ".join([own, *(f"`{plain[term]}`" for term in terms)])
    rows = people.groupby(people.astype(str)).indices
    rows = np.concatenate([np.resize(rows[name], trials) for name in names])
    return pd.DataFrame({"participant": people} | columns).iloc[rows], formulas, renamed


def plot_predictive(table: pd.DataFrame, ax: Axes, label: str = "") -> Axes:
    """Draw what was observed (dots) over what was predicted (bands).

    Parameters
    ----------
    table : DataFrame
        From `predictive` or `prior_predictive`.
    ax : Axes
        Where to draw.
    label : str
        What is on the y-axis.
    """
    cells = table[[column for column in table if column not in ADDED]]
    x = np.arange(len(table))
    if list(cells) == ["part"]:
        x = cells["part"].to_numpy()
        ax.fill_between(x, table["lower"], table["upper"], color=BLUE, alpha=0.25, linewidth=0)
        ax.plot(x, table["predicted"], color=BLUE, label="predicted")
        ax.set_xlabel("Eighth of the trials")
    else:
        for i, (row, colour) in enumerate(zip(table.itertuples(), cycle((BLUE, ORANGE)))):
            name = "predicted" if i == 0 else None
            height = row.upper - row.lower
            ax.bar(i, height, 0.7, row.lower, color=colour, alpha=0.3, linewidth=0, label=name)
            ax.hlines(row.predicted, i - 0.35, i + 0.35, color=colour, linewidth=1)
        names = cells.replace({"rewarded": "win", "unrewarded": "no win"}).astype(str)
        ax.set_xticks(x, names.agg("\n".join, axis=1))
        if names.map(len).max(axis=None) > 7:
            ax.tick_params(axis="x", labelsize=6)
    if "observed" in table:
        ax.plot(x, table["observed"], "o", color="#222222", markersize=4, label="observed")
    ax.use_sticky_edges = False
    ax.autoscale(axis="y")
    ax.set_ylabel(label)
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, handlelength=1, columnspacing=1)
    return ax


def plot_predictive_stay(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw `plot_predictive` of a table from `predictive_stay`."""
    again = "second state" if "start" in table else "first choice"
    return plot_predictive(table, ax, f"P(same {again} again)")
