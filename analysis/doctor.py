"""After a fit: what in these data, or in this fit, should worry you."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from metacontrol.analysis.predictive import predictive
from metacontrol.analysis.statistics import indices, learning_curve, staying
from metacontrol.fitting.priors import group_priors
from metacontrol.fitting.result import Fit
from metacontrol.fitting.same_choices import as_fitted
from metacontrol.fitting.sessions import people_by_session
from metacontrol.models.scoring import Scoring
from metacontrol.tasks.choices import Choices

FEW_TRIALS = 100
SAME_KEY = 0.95
MISSED = 0.2
CONTRACTION = 0.2
CHANCE = 0.02

_Finding = tuple[float, str, str, str]  # how worrying (0 to 1), worry, what was found, advice


def doctor(fit: Fit, data: Choices, *, draws: int = 100, seed: int) -> pd.DataFrame:
    """Say what should worry you about a fit and the choices it is of, the worst first.

    Looked at are the fit's diagnostics; people who choose no better than a coin would predict, who
    always do the same, who have few trials or missed many; parameters about which the choices say
    little; and what people did that the model, free-running, does not do.

    Parameters
    ----------
    fit : Fit
        The fit.
    data : Choices
        The choices that were fitted; where sessions were, split or not.
    draws : int
        Simulated data sets of the predictive checks; at most as many as the posterior has draws.
    seed : int
        Seed of these.

    Returns
    -------
    DataFrame
        One row a worry: columns `worry`, `found`, `advice` and `weight`, from 1 (do not use the
        fit) to 0. No rows: nothing found.

    Raises
    ------
    ValueError
        If the choices are not those that were fitted.
    """
    data = as_fitted(fit, data)
    draws = min(draws, fit.draws or draws)
    found = [
        *_diagnostics(fit),
        *_people(fit, data),
        *_parameters(fit, data),
        *_misses(fit, data, draws, seed),
    ]
    table = pd.DataFrame(found, columns=["weight", "worry", "found", "advice"])
    table = table.sort_values("weight", ascending=False, kind="stable", ignore_index=True)
    return table[["worry", "found", "advice", "weight"]]


def _diagnostics(fit: Fit) -> Iterator[_Finding]:
    for row in fit.diagnostics[~fit.diagnostics["ok"]].itertuples():
        grave = row.check.startswith(
            ("divergent", "largest R-hat", "participants whose best search")
        )
        yield 1.0 if grave else 0.7, row.check, f"{row.value}, wanted {row.wanted}", row.advice


def _people(fit: Fit, data: Choices) -> Iterator[_Finding]:
    """Yield worries about participants; they weigh as much as there are of them."""
    frame = data.frame
    who = frame["participant"].astype(str)
    counted = pd.Series(data.counted, index=frame.index)
    trials = counted.groupby(who).sum()
    share = partial(_who, total=len(trials))

    real = [e for e in data.task.events if getattr(e, "options", 1) > 1]
    coin = -trials * sum(np.log(e.options) for e in real)  # type: ignore[union-attr]
    size = len(fit.about["coefficients"]) - len(fit.shared)
    gain = fit.scores["log_likelihood"].rename(index=str) - coin
    yield from share(
        gain.index[2 * gain < chi2.ppf(0.95, size)],
        "people whom the model predicts no better than a coin",
        "look at them one by one; they inform no parameter, so say how results change without them",
        0.9,
    )
    keys = [e.name for e in real if e.name in frame]
    if "first_left_option" in frame:
        left = (frame["first_choice"] == frame["first_left_option"]).where(counted)
        keys_same = left.astype(float).groupby(who).mean()
        same = np.maximum(keys_same, 1 - keys_same)
        yield from share(
            same.index[same > SAME_KEY],
            f"people who press the same first key on more than {SAME_KEY:.0%} of trials",
            "they may not have played: leave them out by a rule stated beforehand",
            0.9,
        )
    first = frame.loc[counted, keys[0]].astype(float).groupby(who[counted])
    most = first.agg(lambda v: v.value_counts(normalize=True).iloc[0])
    yield from share(
        most.index[most > SAME_KEY],
        f"people who choose the same first option on more than {SAME_KEY:.0%} of trials",
        "they may not have played, or only repeat: check whether the model has perseveration",
        0.8,
    )
    yield from share(
        trials.index[trials < FEW_TRIALS],
        f"people with fewer than {FEW_TRIALS} trials that count",
        "fit all as a group by nuts, and do not lean on their own estimates; "
        "`metacontrol doctor --task` says how many trials are enough",
        0.6,
    )
    missed = 1 - pd.Series(data.complete, index=frame.index).groupby(who).mean()
    yield from share(
        missed.index[missed > MISSED],
        f"people who missed more than {MISSED:.0%} of trials",
        "leave them out by a rule stated beforehand, or say how results change without them",
        0.6,
    )


def _who(people: Any, worry: str, advice: str, weight: float, *, total: int) -> Iterator[_Finding]:
    names = [str(name) for name in people]
    if names:
        some = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        yield (
            weight * (len(names) / total) ** 0.5,
            worry,
            f"{len(names)} of {total}: {some}",
            advice,
        )


def _parameters(fit: Fit, data: Choices) -> Iterator[_Finding]:
    """Yield parameters about which choices say little, in the group or in single people."""
    if not fit.sampled:
        return  # what nothing determines is among the diagnostics
    posterior = fit.tree["posterior"].to_dataset()
    priors = group_priors(Scoring.of(fit.model, data, fit.formulas).story, fit.priors)
    for session, people in people_by_session(posterior).items():
        where, group = "", posterior
        if session:
            where, group = f" in session {session}", posterior.sel(session=session)
        for name, prior in priors.items():
            left = float(group[name].var()) / prior.variance if name in group else 0.0
            if 1 - left < CONTRACTION:
                yield (
                    0.7 if name.endswith("_mean") else 0.4,
                    f"{name}{where} is about as its prior has it",
                    f"contraction {max(0.0, 1 - left):.2f}, wanted {CONTRACTION} or more",
                    "the choices do not speak of it: fix it, or show that results hold under "
                    "another prior",
                )
        for name in fit.about["coefficients"]:
            if f"{name}_sd" not in group or len(people) < 2:
                continue
            own = group[name].isel(participant=people)
            within = float(own.var(("chain", "draw")).mean())
            between = float(own.mean(("chain", "draw")).var("participant"))
            if between < CONTRACTION * (between + within):
                yield (
                    0.4,
                    f"{name} of single people{where} is not determined",
                    f"reliability {between / (between + within):.2f}, wanted {CONTRACTION} or more",
                    "report the group's, and correlate nothing with people's own estimates; "
                    "put covariates into the model",
                )


def _misses(fit: Fit, data: Choices, draws: int, seed: int) -> Iterator[_Finding]:
    """Yield what people did and the model, free-running, does not do.

    That is where the worst cell of a table is further out than any of its cells would be by chance
    in `CHANCE` of data sets: p from the width of its interval, times the number of cells.
    """
    checks = predictive(fit, data, _looks, draws=draws, seed=seed)
    for name, table in checks.groupby("statistic", sort=False):
        gap = (table["observed"] - table["predicted"]).abs()
        far = (gap / (table["upper"] - table["lower"])).fillna(0) * 2 * norm.ppf(0.975)
        out = (table["observed"] < table["lower"]) | (table["observed"] > table["upper"])
        if 2 * norm.sf(far.max()) * len(table) < CHANCE:
            row = table.loc[far.idxmax()]
            yield (
                0.5 + 0.3 * float(out.mean()),
                f"the model misses: {name}",
                f"{out.sum()} of {len(table)} outside 95 % of simulations; worst {row['cell']}: "
                f"{row['observed']:.2f}, predicted {row['predicted']:.2f} "
                f"({row['lower']:.2f} to {row['upper']:.2f})",
                "its parameters may stand for what it lacks: compare richer models",
            )


def _looks(data: Choices) -> pd.DataFrame:
    """Return all statistics that the task has, as one."""
    several = "second_state" in data.frame
    tables = []
    for statistic in (staying, learning_curve, indices) if several else (learning_curve,):
        table = statistic(data)
        rows = table.drop(columns="value").to_dict("records")
        cells = [
            ", ".join(f"{c} {v}" if c == "part" else str(v) for c, v in row.items()) for row in rows
        ]
        name = statistic.__name__.replace("_", " ")
        tables.append(pd.DataFrame({"statistic": name, "cell": cells, "value": table["value"]}))
    return pd.concat(tables, ignore_index=True)
