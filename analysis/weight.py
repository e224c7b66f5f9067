"""The weight of planning: by condition with its posterior, and participant by participant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from metacontrol.analysis.style import BLUE, COLOURS, GREY
from metacontrol.fitting.result import Fit
from metacontrol.models.engine.predictor import INTERCEPT, Predictor
from metacontrol.models.formulas import combinations, predictors
from metacontrol.models.model import Model

FEW = 6  # numbers that are conditions; more are summarised
BESIDE = 3  # conditions that have room side by side; more are rows
LABEL = "Weight of planning, w"


def weight_draws(fit: Fit) -> pd.DataFrame:
    """Return posterior draws of the median participant's weight, by condition.

    Parameters
    ----------
    fit : Fit
        By nuts, of a model with `w`, or with `beta_mb` and `beta_mf` (then the weight is the share
        beta_mb / (beta_mb + beta_mf)).

    Returns
    -------
    DataFrame
        One row a draw: a column for each column that the weight's formula uses, at the values it
        had in the data (quantiles .1, .5, .9 if there were more than six), `session` if each has
        a group of its own, and `weight` (0 to 1).

    Raises
    ------
    ValueError
        If the fit has no posterior or the model no weight.
    """
    if not fit.sampled:
        raise ValueError(
            f"posterior draws need a fit by nuts, two-stage or em, this one is by {fit.method}"
        )
    posterior = fit.tree["posterior"].to_dataset().stack(sample=("chain", "draw"))
    groups: list[tuple[dict[str, Any], Any]] = [({}, posterior)]
    if "session" in posterior.dims:
        sessions = posterior["session"].to_numpy()
        groups = [({"session": str(s)}, posterior.sel(session=s)) for s in sessions]
    tables = []
    for which, part in groups:
        means = {n: part[f"{n}_mean"].to_numpy().ravel() for n in fit.about["coefficients"]}
        for condition, weight in _weights(fit, means, linked=True):
            row = {**which, **condition, "weight": weight}
            tables.append(pd.DataFrame(row, index=range(len(weight))))
    return pd.concat(tables, ignore_index=True)


def weight_by_condition(fit: Fit) -> pd.DataFrame:
    """Return the median participant's weight by condition: mean, sd, lower, upper (95 %)."""
    return summary_by_condition(weight_draws(fit), "weight")


def summary_by_condition(draws: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return mean, sd, lower, upper (95 %) of a column by all others."""
    conditions = [column for column in draws if column != name]
    groups = draws.groupby(conditions, sort=False) if conditions else [((), draws)]
    rows = [
        {
            **dict(zip(conditions, condition, strict=True)),
            "mean": part[name].mean(),
            "sd": part[name].std(),
            "lower": part[name].quantile(0.025),
            "upper": part[name].quantile(0.975),
        }
        for condition, part in groups
    ]
    return pd.DataFrame(rows)


def has_weight(model: Model) -> bool:
    """Return whether a model's weight of planning is one of its parameters, or follows from two.

    Other models work it out anew on each trial: see `latents` and `course`.
    """
    free = {parameter.name for parameter in model.free if parameter.link.bounds[0] == 0}
    given = free | {name for name, value in model.fixed if isinstance(value, float)}
    return "w" in given or {"beta_mb", "beta_mf"} <= given


def undivided(fit: Fit) -> str:
    """Return why a fit has no weight by condition; nothing if it has one."""
    found, regressors = _predictors(fit)
    behind = _behind(fit)
    columns = [c for p in found if p.parameter.name in behind for c in p.columns]
    unknown = [c for c in columns if regressors[c] is None]
    if not unknown:
        return ""
    return (
        f"There is no weight by condition: the regressor of {unknown[0]} depends on other trials' "
        "values, or there are more than 10,000 conditions. Make it a column beforehand, with "
        "fewer values, and fit again."
    )


def participant_weights(fit: Fit) -> pd.DataFrame:
    """Return each participant's weight by condition.

    Returns
    -------
    DataFrame
        Columns participant, `session` if each has a group of its own, those of the conditions,
        `weight` (0 to 1): by nuts the posterior mean, with `lower` and `upper` (95 %); otherwise
        the estimate. A column that says something of people, such as their age or group, has each
        participant's own value.
    """
    people, values, session = fit.parameters.index.astype(str), _coefficients(fit), _sessions(fit)
    which = {} if session is None else {"session": session}
    own = _own_columns(fit)
    tables = []
    for condition, weight in _weights(fit, values, linked=False, own=True):
        there = {c: condition[c] if c in condition else own[c] for c in fit.about["columns"]}
        row = {"participant": people, **which, **there, "weight": weight.mean(axis=1)}
        table = pd.DataFrame(row)
        if fit.sampled:
            table["lower"], table["upper"] = np.quantile(weight, [0.025, 0.975], axis=1)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def people_by_condition(fit: Fit) -> pd.DataFrame:
    """Return the mean and quartiles of participants' weights, by condition.

    Posterior means of participants lie closer together than the participants do, and their spread
    does not say how well their mean is known. So where there are draws, mean and quartiles are
    taken in each of them. Everybody is in the group that is their own; by columns such as age, of
    which people have many values, they are not split.

    Returns
    -------
    DataFrame
        Columns of the conditions, `session` too; `mean` and `sd` of participants, and quartiles
        `q25`, `q50`, `q75`. Where there are draws these are means over draws, and `lower` and
        `upper` are the 95 % interval of the mean; else participants whose weight nothing determines
        are left out, and the table is empty if that is everybody.
    """
    chosen = determined_weights(fit).to_numpy()
    if not chosen.any():
        return pd.DataFrame()
    session = _sessions(fit)
    which: list[tuple[dict[str, Any], Any]] = [({}, chosen)]
    if session is not None:
        which = [({"session": name}, session == name) for name in dict.fromkeys(session)]
    levels, own = fit.about["columns"], _own_columns(fit)
    few = own[[c for c in own if own[c].dropna().isin(levels[c]).all()]]
    groups = few.drop_duplicates().dropna().to_dict("records") if len(few.columns) else [{}]
    conditions = list(_weights(fit, _coefficients(fit), linked=False, own=True))
    rows: list[dict[str, Any]] = []
    for time, there in which:
        found = []
        for (condition, weight), group in product(conditions, groups):
            among = there & (few[list(group)] == pd.Series(group, dtype=object)).all(axis=1)
            if not among.any():
                continue
            of_people = weight[among]
            mean = of_people.mean(axis=0)
            place = condition | group
            row = {c: place[c] for c in levels if c in place} | {"mean": mean.mean()}
            if fit.sampled:
                row["lower"], row["upper"] = np.quantile(mean, [0.025, 0.975])
            row["sd"] = pd.DataFrame(of_people).std().mean()
            quartiles = np.quantile(of_people, [0.25, 0.5, 0.75], axis=0).mean(axis=1)
            found.append(time | row | dict(zip(("q25", "q50", "q75"), quartiles, strict=True)))
        rows += sorted(found, key=lambda row: [levels[c].index(row[c]) for c in levels if c in row])
    return pd.DataFrame(rows)


def determined_weights(fit: Fit) -> pd.Series:
    """Return for each participant whether choices, or a prior, determine the weight."""
    people = fit.parameters.index.astype(str)
    found = pd.Series(True, index=people)
    if fit.method not in ("mle", "map"):
        return found
    by_name = {p.parameter.name: p for p in _predictors(fit)[0]}
    behind = [c for n in _behind(fit) if n in by_name for c in by_name[n].coefficients]
    table = fit.participants
    left_open = table[table["parameter"].isin(behind) & ~table["determined"]]
    return found & ~people.isin(left_open["participant"].astype(str))


def _sessions(fit: Fit) -> np.ndarray | None:
    """Return the session of each participant, where participants are sessions of people."""
    if not fit.about["settings"].get("sessions"):
        return None
    return np.array([str(name).rpartition("/")[2] for name in fit.parameters.index], dtype=object)


def _coefficients(fit: Fit) -> dict[Any, np.ndarray]:
    """Return participants' coefficients, shape (participants, draws); an estimate is one draw."""
    if not fit.sampled:
        return {name: column.to_numpy()[:, None] for name, column in fit.parameters.items()}
    posterior = fit.tree["posterior"].to_dataset().stack(sample=("chain", "draw"))
    return {
        name: posterior[name].transpose("participant", "sample").to_numpy()
        for name in fit.about["coefficients"]
    }


def _predictors(
    fit: Fit,
) -> tuple[Sequence[Predictor], Mapping[str, Any]]:
    """Return predictors, and their regressors in each condition, None where they have none."""
    about = fit.about
    if "regressors" not in about:  # of an older fit
        return predictors(fit.model, combinations(about["columns"]), fit.formulas)
    terms = about["regressors"]
    found = [
        Predictor(p, tuple(terms[p.name]) if p.name in terms else None) for p in fit.model.free
    ]
    regressors = {f"{name}_{t}": values for name in terms for t, values in terms[name].items()}
    return found, regressors


def _own_columns(fit: Fit) -> pd.DataFrame:
    """Return the columns that say something of people, a row each; older fits kept none."""
    people = fit.parameters.index.astype(str)
    own = fit.about.get("own") or {"participants": people, "columns": {}}
    table = pd.DataFrame(own["columns"], index=pd.Index(own["participants"], dtype=object))
    return table.loc[list(people)].reset_index(drop=True)


def _own_regressors(fit: Fit) -> dict[str, np.ndarray]:
    """Return regressors at what people are themselves, shape (cells, participants, 1).

    A cell is a combination of the other columns.
    """
    own, people = fit.about["own"], fit.parameters.index.astype(str)
    rows = pd.Index(own["participants"]).get_indexer(people)
    return {
        f"{name}_{term}": np.asarray(values, dtype=float)[rows].T[..., None]
        for name, terms in own["regressors"].items()
        for term, values in terms.items()
    }


def _behind(fit: Fit) -> set[str]:
    """Return the parameters that the weight is, or follows from."""
    names = {p.name for p in fit.model.free} | set(dict(fit.model.fixed))
    return {"w"} if "w" in names else {"beta_mb", "beta_mf"}


def _weights(
    fit: Fit, values: Mapping[Any, np.ndarray], *, linked: bool, own: bool = False
) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    """Yield each condition with the weights in it.

    `values` holds coefficients; `linked` says whether those without a formula are on the scale of
    the link too (a group's means are, a participant's are not). If `own`, participants stay what
    they are: conditions are of the columns that vary within them.
    """
    if not has_weight(fit.model):
        raise ValueError(f"{fit.model.name} has no weight of planning")
    found, regressors = _predictors(fit)
    by_name = {predictor.parameter.name: predictor for predictor in found}
    if why := undivided(fit):
        raise ValueError(why)
    names = _behind(fit)
    columns = fit.about["columns"]
    if own and fit.about.get("own"):
        regressors = _own_regressors(fit)
        columns = {c: v for c, v in columns.items() if c not in fit.about["own"]["columns"]}
    frame = combinations(columns)
    shape = next(iter(values.values())).shape
    for cell in range(len(frame)):
        natural = {}
        for name in names:
            if name not in by_name:
                natural[name] = np.full(shape, dict(fit.model.fixed)[name])
                continue
            predictor = by_name[name]
            if predictor.terms is None and not linked:
                natural[name] = values[name]
                continue
            terms = predictor.terms or (INTERCEPT,)
            total = sum(
                values[c] * (1.0 if term == INTERCEPT else regressors[c][cell])
                for c, term in zip(predictor.coefficients, terms, strict=True)
            )
            natural[name] = predictor.parameter.link.inverse(total)
        weight = (
            natural["w"]
            if names == {"w"}
            else natural["beta_mb"] / (natural["beta_mb"] + natural["beta_mf"])
        )
        yield {str(c): value for c, value in frame.iloc[cell].items()}, weight


def plot_weight_by_condition(
    draws: pd.DataFrame, ax: Axes, participants: pd.DataFrame | None = None
) -> Axes:
    """Draw the posterior of the median participant's weight in each condition.

    Up to three conditions stand side by side; more are rows, from top to bottom.

    Parameters
    ----------
    draws : DataFrame
        From `weight_draws`.
    ax : Axes
        Where to draw.
    participants : DataFrame, optional
        From `participant_weights`: a dot for each participant, beside the posterior; at the
        closest of the numbers drawn, of an age for example.
    """
    conditions = [column for column in draws if column != "weight"]
    labels = _labels(draws, conditions)
    if participants is not None:
        near = {c: _closest(participants[c], draws[c]) for c in conditions}
        participants = participants.assign(**near)
    levels = list(dict.fromkeys(labels))
    rows = len(levels) > BESIDE

    def across(place: Any, weight: Any) -> tuple[Any, Any]:
        return (weight, place) if rows else (place, weight)

    for i, level in enumerate(levels):
        colour = BLUE if rows else COLOURS[i]
        weight = draws.loc[labels == level, "weight"].to_numpy()
        body = ax.violinplot(
            weight,
            [i],
            orientation="horizontal" if rows else "vertical",
            widths=0.7,
            side="low",
            showextrema=False,
        )
        for part in body["bodies"]:  # type: ignore[attr-defined]
            part.set(facecolor=colour, alpha=0.35, edgecolor="none")
        ends = np.quantile(weight, [0.025, 0.975])
        ax.plot(*across([i, i], ends), color=colour)
        ax.plot(*across(i, weight.mean()), marker="o", markersize=4, color=colour)
        if participants is not None:
            own = participants.loc[_labels(participants, conditions) == level, "weight"]
            place = i + 0.12 + 0.2 * np.linspace(0, 1, len(own))
            ax.scatter(*across(place, np.sort(own)), s=4, color=GREY, linewidths=0)
    if rows:
        return _in_rows(ax, levels)
    ax.set_xticks(range(len(levels)), levels)
    ax.set_ylim(0, 1)
    ax.set_ylabel(LABEL)
    return ax


def plot_participant_weights(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw each participant's weight with its interval, in order of size.

    Up to three conditions are colours; more are rows, from top to bottom, with participants in the
    same order in each. What is measured of people, such as their age, is none.

    Parameters
    ----------
    table : DataFrame
        From `participant_weights`.
    ax : Axes
        Where to draw.
    """
    conditions = _conditions(table)
    table = table.sort_values(conditions, kind="stable") if conditions else table
    labels = _labels(table, conditions)
    levels = list(dict.fromkeys(labels))
    rows = len(levels) > BESIDE
    order = table.groupby("participant")["weight"].mean().sort_values().index
    rank = pd.Series(np.arange(len(order)), index=order)
    for i, level in enumerate(levels):
        own = table[labels == level]
        y = rank.loc[own["participant"]].to_numpy()
        if rows:  # upwards within 0.8 of a row, of which the first is at the top
            y = i + 0.4 - 0.8 * (y + 0.5) / len(order)
        colour = BLUE if rows else COLOURS[i]
        if "lower" in own:
            width = 0.4 if rows else 0.8
            ax.hlines(y, own["lower"], own["upper"], color=colour, alpha=0.35, linewidth=width)
        ax.scatter(own["weight"], y, s=3 if rows else 5, color=colour, linewidths=0, label=level)
    if rows:
        return _in_rows(ax, levels)
    ax.set_xlim(0, 1)
    ax.set_xlabel(LABEL)
    ax.set_ylabel("Participants, in order")
    ax.set_yticks([])
    if conditions:
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, handlelength=1)
    return ax


def height_of(table: pd.DataFrame) -> float:
    """Return how high a figure of weights, or of draws of them, should be, in cm."""
    return float(np.clip(0.6 * len(table[_conditions(table)].drop_duplicates()), 6, 22))


def _conditions(table: pd.DataFrame) -> list[str]:
    """Return the conditions of a table of participants' weights, or of draws of a weight."""
    others = ("participant", "weight", "lower", "upper")
    return [c for c in table if c not in others and not _is_measure(table[c])]


def _is_measure(values: pd.Series) -> bool:
    """Return whether there are more numbers than conditions would be made of."""
    return bool(pd.api.types.is_numeric_dtype(values) and values.nunique() > FEW)


def _closest(values: pd.Series, levels: pd.Series) -> pd.Series:
    """Return the closest level to each number; what is no number as it is."""
    if not pd.api.types.is_numeric_dtype(values):
        return values
    known = levels.unique()
    apart = np.abs(np.subtract.outer(values.to_numpy(float), known.astype(float)))
    return pd.Series(known[apart.argmin(axis=1)], values.index)


def _in_rows(ax: Axes, levels: Sequence[str]) -> Axes:
    """Let conditions be rows, the first at the top, and weights go from left to right."""
    ax.set_yticks(range(len(levels)), levels)
    ax.set_ylim(len(levels) - 0.5, -0.5)
    ax.set_xlim(0, 1)
    ax.set_xlabel(LABEL)
    return ax


def _labels(table: pd.DataFrame, conditions: list[Any]) -> np.ndarray:
    """Return a label for each row, such as "load 1"."""
    if not conditions:
        return np.full(len(table), "all trials", dtype=object)
    texts = []
    for c in conditions:
        values = table[c].unique().tolist()
        digits = _digits([v for v in values if isinstance(v, int | float)])
        said = {v: f"{c} {v:.{digits}g}" if isinstance(v, int | float) else f"{v}" for v in values}
        texts.append(table[c].map(said))
    return pd.concat(texts, axis=1).agg(", ".join, axis=1).to_numpy()


def _digits(numbers: Sequence[float]) -> int:
    """Return how many digits tell numbers apart, without exponents: three, or more if need be.

    Examples
    --------
    >>> _digits([19.7333, 24.0]), _digits([1.001, 1.002]), _digits([2023, 2024])
    (3, 4, 4)
    """

    def enough(digits: int) -> bool:
        texts = {f"{number:.{digits}g}" for number in numbers}
        return len(texts) == len(set(numbers)) and not any("e+" in text for text in texts)

    return next((digits for digits in range(3, 17) if enough(digits)), 17)
