"""The weight of planning: by condition with its posterior, and participant by participant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from metacontrol.fitting.result import Fit
from metacontrol.models.engine.predictor import INTERCEPT, Predictor
from metacontrol.models.formulas import combinations, predictors
from metacontrol.models.model import Model


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
