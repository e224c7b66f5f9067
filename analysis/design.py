"""Before data are collected: how many participants and trials an effect needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import nct, t

from metacontrol.analysis.style import COLOURS, GREY
from metacontrol.fitting.checkpoint import part_of
from metacontrol.fitting.individuals import Individuals, Normal
from metacontrol.fitting.prior_fits import fit_from_priors, must_take
from metacontrol.fitting.priors import SLOPE_SD
from metacontrol.models.engine.predictor import INTERCEPT
from metacontrol.models.model import Model
from metacontrol.models.parameter import Prior
from metacontrol.models.scoring import Scoring
from metacontrol.models.simulation import foreseen, simulate
from metacontrol.tasks.task import Task

POWER, RECOVERY = 0.8, 0.7  # wanted of a group's effect, and of r of individual values
RESAMPLES = 1000
CERTAIN = 10.0  # noncentrality beyond which power is 1
MOST = 8192  # participants that are worth a search
EXACT = 1e-6  # width of what is known
OPTIONS = ("draws", "tune", "chains", "cores", "target_accept", "progress", "shard")

Scale = Literal["link", "natural"]


def design(
    model: Model,
    task: Task,
    *,
    parameter: str,
    column: str,
    effect: float,
    scale: Scale = "link",
    effect_sd: float = SLOPE_SD.mean,
    medians: Mapping[str, float] = MappingProxyType({}),
    participants: Sequence[int] = (20, 40, 80),
    trials: Sequence[int] = (100, 200),
    pool: int = 1000,
    simulations: int = 0,
    seed: int,
    checkpoint: str | Path | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Return power for a group's effect and recovery of individual values, by design.

    For each number of trials a pool of people is simulated, and the mode of each one's posterior
    found with ``{parameter: "1 + column"}``, under the distribution of people as prior, but with a
    mean slope of 0. The column is coded to go from 0, its lowest value, to 1, its highest. The
    effect is tested by a t-test over people's slopes: such a mode is a person's slope of the
    hierarchical likelihood at no effect, so this is its score test. Since each is fitted alone, the
    pool serves for groups of any size: their power is that of the noncentral t distribution with
    the pool's mean and standard deviation of slopes. That takes seconds.

    It is the power at best: that test knows all of the population but the effect. A fit finds out
    about the population from the same choices, and its prior expects no effect; where choices tell
    little of the parameter it needs twice as many people or more. With `simulations`, groups of
    each design are simulated and fitted by NUTS, with default priors, to say how often.

    Parameters
    ----------
    model, task : Model, Task
        Who plays and what.
    parameter, column : str
        What depends on what, within participants: `w` on `load`. A column of numbers, or a term
        that is one, such as ``scale(stake)``.
    effect : float
        What the parameter gains from the lowest value that the task gives the column to the
        highest: on average over people on the scale of its link (for a weight, log-odds), or, on
        the natural scale, for the median person. Of a column of 0 and 1 that is its coefficient;
        of stakes of 1 and 5 it is 4 times the coefficient.
    scale : {"link", "natural"}
        Of the effect: "natural" and -0.2 is a weight that falls by .2.
    effect_sd : float
        Standard deviation over people of that gain, on the scale of the link.
    medians : mapping of str to float
        What you expect of the median person, on the natural scale, such as ``{"w": 0.7}``, at the
        column's lowest value; of other parameters, the median that the priors of
        `fit(method="nuts")` expect.
    participants, trials : sequence of int
        Designs.
    pool : int
        People simulated for each number of trials.
    simulations : int
        Groups of each design that are fitted by NUTS, some ten seconds each.
    seed : int
        Seed of all chance.
    checkpoint : path, optional
        Folder that keeps groups that NUTS fitted. The same call goes on from there.
    **options
        `draws`, `tune`, `chains`, `cores`, `target_accept`, `progress`, `shard` of `fit`, for
        these. They are fitted wherever joblib is told to work; a shard is of the groups of each
        design, and the table of its own only.

    Returns
    -------
    DataFrame
        One row a design: columns `trials`, `participants`, `power` (0 to 1) and `power_error` (its
        Monte Carlo standard error); and, the same for each number of trials, `needed`
        (participants for a power of .8; missing beyond 8,192), `needed_lower`, `needed_upper`
        (95 % Monte Carlo interval), `r` (true and estimated individual values, on the link's scale
        where the column is lowest) and `r_error`. Of all: `parameter`, `column`, its values
        `lowest` and `highest`, `effect` (on the link's scale), and the median person's natural
        value where the column is lowest, `at_0`, and where it is highest, `at_1`. With
        simulations, `power_by_nuts`: the share of groups whose 95 % interval of the effect is all
        on its side of 0, and `power_by_nuts_error`.

    Raises
    ------
    ValueError
        If a design is smaller than 2, the parameter or column is not there, the column is not of
        numbers or never changes, or the median person's value is out of bounds.
    TypeError
        If an option is none of these.
    """
    must_take("design", options, OPTIONS)
    if scale not in get_args(Scale):
        raise ValueError(f"scale must be one of {', '.join(get_args(Scale))}, got {scale!r}")
    if not (np.isfinite(effect) and effect != 0 and 0 < effect_sd < np.inf):
        raise ValueError(
            "effect must be a number that is not 0, and effect_sd one above 0, "
            f"got {effect} and {effect_sd}"
        )
    for name, sizes in (("participants", participants), ("trials", trials), ("pool", [pool])):
        if min(sizes) < 2:
            raise ValueError(f"{name} must be 2 or more, got {min(sizes)}")
    own = {p.name: (p.group_mean.mean, p.group_sd.mean) for p in model.free}
    for name in {parameter, *medians} - set(own):
        raise ValueError(f"{model.parameter(name).name} is fixed in {model.name}")
    for name, median in medians.items():
        own[name] = _on_link(model, name, median), own[name][1]
    link = model.parameter(parameter).link
    mean, sd = own.pop(parameter)
    before = float(link.inverse(mean))
    if scale == "natural":
        effect = _on_link(model, parameter, before + effect) - mean
    shape = {"participants": pool, "trials": max(trials), "seed": seed}
    term, lowest, highest = _term(model, task, parameter, column, **shape)
    formulas = {parameter: f"1 + {_coded(term, lowest, highest)}"}
    found, _ = foreseen(model, task, formulas, **shape)
    (slope,) = next(p.columns for p in found if p.parameter.name == parameter)
    intercept = f"{parameter}_{INTERCEPT}"
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(
        {
            name: model.parameter(name).link.inverse(rng.normal(*at, pool))
            for name, at in own.items()
        }
    )
    people[intercept], people[slope] = (
        rng.normal(mean, sd, pool),
        rng.normal(effect, effect_sd, pool),
    )
    own |= {intercept: (mean, sd), slope: (0.0, effect_sd)}
    about = {
        "parameter": parameter,
        "column": column,
        "lowest": lowest,
        "highest": highest,
        "effect": effect,
        "at_0": before,
        "at_1": float(link.inverse(mean + effect)),
    }
    rows = []
    for count in sorted(trials):
        data = simulate(model, task, people, trials=count, seed=seed, formulas=formulas)
        fits = Individuals(Scoring.of(model, data, formulas))
        means, sds = np.array([own[name] for name in fits.names]).T
        modes = fits.modes(Normal(means, np.diag(sds**2)))
        found = pd.DataFrame(modes.values, columns=list(fits.names))
        drawn = np.random.default_rng([seed, 2]).integers(len(people), size=(RESAMPLES, pool))
        values = found[slope].to_numpy() * np.sign(effect)
        sizes = values[drawn].mean(axis=1) / values[drawn].std(axis=1, ddof=1)
        size = values.mean() / values.std(ddof=1)
        true, guess = people[intercept].to_numpy(), found[intercept].to_numpy()
        lower, upper = (needed(x) for x in np.quantile(sizes, [0.975, 0.025]))
        shared = {
            "needed": needed(size),
            "needed_lower": lower,
            "needed_upper": upper,
            "r": np.corrcoef(true, guess)[0, 1],
            "r_error": np.std([np.corrcoef(true[i], guess[i])[0, 1] for i in drawn]),
        }
        for group in sorted(participants):
            error = power(sizes, group).std()
            own_power = float(power(size, group))
            row = {"trials": count, "participants": group, "power": own_power, "power_error": error}
            if simulations:
                truth = own | {slope: (effect, effect_sd)}
                setting = options | {"participants": group, "trials": count}
                setting |= {"formulas": formulas, "seed": seed, "simulations": simulations}
                setting["checkpoint"] = part_of(checkpoint, f"{group}-people-{count}-trials")
                seen = _seen(model, task, truth, slope, **setting)
                share = float(np.mean(seen))
                row |= {
                    "power_by_nuts": share,
                    "power_by_nuts_error": (share * (1 - share) / simulations) ** 0.5,
                }
            rows.append(row | shared | about)
    return pd.DataFrame(rows)


def _seen(
    model: Model,
    task: Task,
    truth: Mapping[str, tuple[float, float]],
    slope: str,
    **setting: Any,
) -> list[bool]:
    """Return in which groups, from a known population, NUTS sees a slope that is not 0."""
    known: dict[str, Prior] = {}
    for name, (mean, sd) in truth.items():
        known[f"{name}_mean"] = Prior("normal", mean, EXACT)
        known[f"{name}_sd"] = Prior("uniform", sd * (1 - EXACT), sd * (1 + EXACT))
    side = np.sign(truth[slope][0])
    return [
        bool(np.quantile(side * tree["posterior"][f"{slope}_mean"], 0.025) > 0)
        for _, tree in fit_from_priors(model, task, priors=known, fitted_priors={}, **setting)
    ]


def _term(
    model: Model, task: Task, parameter: str, column: str, **shape: int
) -> tuple[str, float, float]:
    """Return a column's term, and its lowest and highest value as the task schedules it.

    Raises ValueError if it is not a single regressor of numbers, or never changes.
    """
    found, regressors = foreseen(model, task, {parameter: f"1 + {column}"}, **shape)
    predictor = next(p for p in found if p.parameter.name == parameter)
    names = [name.removeprefix(f"{parameter}_") for name in predictor.columns]
    if len(names) != 1 or names[0].endswith("]") or INTERCEPT not in (predictor.terms or ()):
        raise ValueError(
            "column must be a single column of numbers, or a term that is one, such as "
            f"scale(load); {column!r} gives {', '.join(predictor.coefficients)}"
        )
    (values,) = regressors.values()
    lowest, highest = float(values.min()), float(values.max())
    if not lowest < highest:
        raise ValueError(
            f"{column} must have two values or more to have an effect, but in {task.name} it is "
            f"{lowest:g} on all trials"
        )
    return names[0], lowest, highest


def _coded(term: str, lowest: float, highest: float) -> str:
    """Return the term that is 0 where another is lowest and 1 where it is highest.

    Without "/", which no coefficient of a group may have in its name.
    """
    if (lowest, highest) == (0, 1):
        return term
    product = term.replace(":", " * ")
    return f"I(({product} - {lowest!r}) * {1 / (highest - lowest)!r})"


def _on_link(model: Model, name: str, median: float) -> float:
    """Return the median person's value on the link's scale; raise ValueError if out of bounds."""
    link = model.parameter(name).link
    low, high = link.bounds
    if not low < median < high:
        raise ValueError(
            f"{name} of the median person: {median:.4g} is not between {low:g} and {high:g}"
        )
    return float(link.forward(median))


def power(size: float | np.ndarray, participants: int) -> np.ndarray:
    """Return the power of a t-test at .025 on one side, given mean over sd of what is tested.

    Examples
    --------
    >>> round(float(power(0.5, 34)), 2)  # as in Cohen's tables
    0.81
    """
    freedom = participants - 1
    limit = t.ppf(0.975, freedom)
    shift = np.clip(size * participants**0.5, -CERTAIN, CERTAIN)
    return np.asarray(nct.sf(limit, freedom, shift))


def needed(size: float) -> float:
    """Return how many participants give a power of .8; not a number if beyond 8,192.

    Examples
    --------
    >>> needed(0.5)
    34.0
    """
    high = 2
    while power(size, high) < POWER:
        high *= 2
        if high > MOST:
            return np.nan
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(size, middle) >= POWER else (middle, high)
    return float(high)


def design_sentence(table: pd.DataFrame) -> str:
    """Say what a table from `design` advises."""
    by_trials = table.drop_duplicates("trials")
    parts = []
    for row in by_trials.itertuples():
        if np.isnan(row.needed):
            parts.append(f"with {row.trials} trials no number of participants up to {MOST:,}")
        else:
            top = "more" if np.isnan(row.needed_upper) else f"{row.needed_upper:.0f}"
            parts.append(
                f"with {row.trials} trials each about {row.needed:.0f} participants "
                f"({row.needed_lower:.0f} to {top})"
            )
    enough = by_trials.loc[by_trials["r"] >= RECOVERY, "trials"]
    rs = ", ".join(f"{row.r:.2f} with {row.trials}" for row in by_trials.itertuples())
    advice = (
        f"individual values are recoverable from {enough.min()} trials on"
        if len(enough)
        else "none of these lengths makes individual values recoverable: compare groups only"
    )
    one = by_trials.iloc[0]
    width = one["highest"] - one["lowest"]
    per_unit = (
        ""
        if (one["lowest"], one["highest"]) == (0, 1)
        else f" (by {one['effect']:.2f} on the scale of its link: by {one['effect'] / width:.2g} "
        f"for each unit of {one['column']})"
    )
    fitted = ""
    if "power_by_nuts" in table:
        each = ", ".join(
            f"{row.power_by_nuts:.2f} of {row.participants} with {row.trials} trials"
            for row in table.itertuples()
        )
        fitted = f"Fits by NUTS saw the effect in {each}. "
    return (
        f"Expected: {one['parameter']} of the median person goes from {one['at_0']:.2f} where "
        f"{one['column']} is {one['lowest']:.4g} to {one['at_1']:.2f} where it is "
        f"{one['highest']:.4g}{per_unit}. "
        f"For 80 % power at best: {'; '.join(parts)} (95 % Monte Carlo intervals). "
        f"That is of a test that knows all of the population but the effect; a fit needs more. "
        f"{fitted}"
        f"True and estimated values correlate {rs} trials: {advice} (r of .7)."
    )


def plot_power(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw power by participants, a line for each number of trials, with 95 % Monte Carlo bands.

    Parameters
    ----------
    table : DataFrame
        From `design`.
    ax : Axes
        Where to draw.
    """
    for colour, (trials, part) in zip(COLOURS * 9, table.groupby("trials"), strict=False):
        x, half = part["participants"], 1.96 * part["power_error"]
        lower, upper = (part["power"] - half).clip(0), (part["power"] + half).clip(upper=1)
        ax.fill_between(x, lower, upper, color=colour, alpha=0.2, linewidth=0)
        ax.plot(x, part["power"], color=colour, marker="o", markersize=4, label=f"{trials} trials")
    ax.axhline(POWER, color=GREY, linewidth=0.8, linestyle="--")
    ax.set(ylim=(0, 1.02), xlabel="Participants", ylabel="Power for the effect, at best")
    ax.set_xticks(sorted(set(table["participants"])))
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, handlelength=1, columnspacing=1)
    return ax


def plot_design_recovery(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the correlation of true and estimated individual values by number of trials.

    Parameters are those of `plot_power`; bars are 95 % Monte Carlo intervals.
    """
    part = table.drop_duplicates("trials")
    ax.errorbar(
        part["trials"], part["r"], yerr=1.96 * part["r_error"], marker="o", markersize=4, capsize=0
    )
    ax.axhline(RECOVERY, color=GREY, linewidth=0.8, linestyle="--")
    ax.set(ylim=(0, 1), xlabel="Trials each", ylabel="r of true and estimated")
    ax.set_xticks(part["trials"])
    return ax
