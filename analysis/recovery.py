"""Do parameters come back? True values against recovered ones."""

from __future__ import annotations

from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metacontrol.analysis.style import BLUE, GREY, panels
from metacontrol.fitting.fit import Method
from metacontrol.fitting.fit import fit as fit_choices
from metacontrol.fitting.priors import group_priors
from metacontrol.fitting.result import Fit
from metacontrol.models.engine.predictor import INTERCEPT
from metacontrol.models.engine.story import Story
from metacontrol.models.formulas import Formulas
from metacontrol.models.model import Model
from metacontrol.models.people import draw_participants
from metacontrol.models.simulation import foreseen, simulate
from metacontrol.tasks.task import Task

LINE = 18  # letters of a label that fit beside a small panel


def recover(
    model: Model,
    task: Task,
    *,
    participants: int = 100,
    trials: int | None = None,
    seed: int,
    people: pd.DataFrame | None = None,
    method: Method = "map",
    **options: Any,
) -> tuple[pd.DataFrame, Fit]:
    """Simulate participants and fit what they did.

    Parameters
    ----------
    model : Model
        Who plays, and who is fitted.
    task : Task
        What is played.
    participants : int
        How many are drawn, by `draw_participants`; coefficients of a formula likewise, each around
        the prior mean of its group's mean, on the scale of the link: slopes around 0.
    trials : int, optional
        Trials of each; by default the task's number.
    seed : int
        Seed of participants, choices and fit.
    people : DataFrame, optional
        Who plays instead, as for `simulate`.
    method : str
        Of `fit`.
    **options
        Further arguments of `fit`.

    Returns
    -------
    DataFrame
        True parameters.
    Fit
        Of what they did, for `recovery_table` and `plot_recovery`.
    """
    formulas = options.get("formulas")
    true = _drawn(model, task, participants, seed, formulas) if people is None else people
    data = simulate(model, task, true, trials=trials, seed=seed, formulas=formulas)
    return true, fit_choices(model, data, method=method, seed=seed, **options)


def _drawn(
    model: Model, task: Task, participants: int, seed: int, formulas: Formulas | None
) -> pd.DataFrame:
    """Return people as `draw_participants` does, with coefficients of parameters with a formula."""
    people = draw_participants(model, participants, seed=seed)
    if not formulas:
        return people
    found, _ = foreseen(model, task, formulas, participants=participants, seed=seed)
    priors = group_priors(Story(model, task, tuple(found)))
    rng = np.random.default_rng([seed, 1])
    for predictor in found:
        if predictor.terms is None:
            continue
        own = people.pop(predictor.parameter.name)
        for name, term in zip(predictor.coefficients, predictor.terms, strict=True):
            mean, sd = priors[f"{name}_mean"].mean, priors[f"{name}_sd"].mean
            people[name] = (
                predictor.parameter.link.forward(own)
                if term == INTERCEPT
                else rng.normal(mean, sd, participants)
            )
    return people


def recovery_table(true: pd.DataFrame, fit: Fit) -> pd.DataFrame:
    """Compare true coefficients with recovered ones.

    Parameters
    ----------
    true : DataFrame
        The table given to `simulate`: one row a participant, in order, or with a column
        `participant`.
    fit : Fit
        A fit of the simulated data.

    Returns
    -------
    DataFrame
        Index parameter; columns `r` (Pearson), `bias` (recovered minus true), `rmse`; where there
        are intervals (by all methods but mle and map) `coverage` (share of participants whose 95 %
        interval holds the truth), and of a group also `contraction` (one minus the posterior
        variance, averaged over participants, over the variance of the true values: 1 if choices say
        all, 0 or less if they say nothing).

    Raises
    ------
    ValueError
        If the participants differ, or no parameter is in both.
    """
    truth = _by_participant(true, fit)
    found = fit.parameters
    names = [name for name in found if name in truth]
    if not names:
        raise ValueError(f"true values lack all of: {', '.join(found)}")
    rows = {}
    for name in names:
        error = found[name] - truth[name]
        varies = truth[name].std() > 0 and found[name].std() > 0
        rows[name] = {
            "r": np.corrcoef(truth[name], found[name])[0, 1] if varies else np.nan,
            "bias": error.mean(),
            "rmse": np.sqrt((error**2).mean()),
        }
        own = _intervals(fit, name)
        if own is not None:
            rows[name]["coverage"] = truth[name].between(own["lower"], own["upper"]).mean()
        if own is not None and fit.sampled:  # by laplace sd is on the scale of the link
            rows[name]["contraction"] = 1 - (own["sd"] ** 2).mean() / truth[name].var()
    return pd.DataFrame(rows).T.rename_axis("parameter")


def plot_recovery(true: pd.DataFrame, fit: Fit, parameter: str, ax: Axes) -> Axes:
    """Draw recovered against true values of one coefficient, with 95 % intervals if there are any.

    Above it is their correlation, with its 95 % interval over samples of people (Fisher's).
    Parameters are those of `recovery_table`; `parameter` is a coefficient's name.
    """
    truth = _by_participant(true, fit)
    if parameter not in truth or parameter not in fit.parameters:
        raise ValueError(f"{parameter} is not in both; the fit has: {', '.join(fit.parameters)}")
    x, y = truth[parameter].to_numpy(), fit.parameters[parameter].to_numpy()
    own = _intervals(fit, parameter)
    if own is not None:
        ax.vlines(x, own["lower"], own["upper"], color=BLUE, alpha=0.3, linewidth=0.8)
    ends = np.array([min(x.min(), y.min()), max(x.max(), y.max())])
    ax.plot(ends, ends, color=GREY, linewidth=0.8, linestyle="--")
    ax.scatter(x, y, s=8, color=BLUE, linewidths=0)
    ax.set_xlabel(fill(f"True {parameter}", LINE, break_long_words=False))
    ax.set_ylabel(fill(f"Recovered {parameter}", LINE, break_long_words=False))
    if x.std() > 0 and y.std() > 0:
        r = np.corrcoef(x, y)[0, 1]
        title = f"r = {r:.2f}"
        if len(x) > 3 and abs(r) < 1:
            lower, upper = np.tanh(np.arctanh(r) + np.array([-1.96, 1.96]) / np.sqrt(len(x) - 3))
            title += f"\n({lower:.2f} to {upper:.2f})"
        ax.set_title(title, loc="right")
    return ax


def plot_recoveries(true: pd.DataFrame, fit: Fit) -> Figure:
    """Return a figure with recovered against true values of all coefficients, four across.

    Parameters are those of `recovery_table`.
    """
    names = list(recovery_table(true, fit).index)
    across = min(4, len(names))
    figure, axes = panels(-(-len(names) // across), across, height=4.5)
    for name, ax in zip(names, axes, strict=False):
        plot_recovery(true, fit, name, ax)
    for ax in axes[len(names) :]:
        ax.remove()
    return figure


def _intervals(fit: Fit, parameter: str) -> pd.DataFrame | None:
    """Return each participant's rows of one coefficient, if the method has intervals."""
    table = fit.participants
    if "lower" not in table:
        return None
    own = table[table["parameter"] == parameter].set_index("participant")
    return own.set_axis(own.index.astype(str)).loc[fit.parameters.index.astype(str)]


def _by_participant(true: pd.DataFrame, fit: Fit) -> pd.DataFrame:
    people = fit.parameters.index.astype(str)
    if "participant" in true:
        true = true.set_index(true["participant"].astype(str))
        if not set(people) <= set(true.index):
            raise ValueError("the true values lack participants of the fit")
        return true.loc[list(people)]
    if len(true) != len(people):
        raise ValueError(f"{len(true)} true rows, but {len(people)} participants in the fit")
    return true.set_axis(people)
