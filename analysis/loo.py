"""Leave one out: a trial, a participant, or the future of a participant."""

from __future__ import annotations

from typing import Literal, get_args

import arviz as az
import numpy as np
import pandas as pd
from scipy.special import logsumexp

from metacontrol.analysis.elpd import Elpd
from metacontrol.analysis.future import REFITS, leave_future
from metacontrol.fitting.diagnostics import as_dataset
from metacontrol.fitting.individuals import Individuals
from metacontrol.fitting.others import Others
from metacontrol.fitting.pointwise import trial_rows, trial_scores
from metacontrol.fitting.population import Population
from metacontrol.fitting.psis import GOOD, LEAST, smooth
from metacontrol.fitting.result import Fit
from metacontrol.fitting.same_choices import as_fitted, digest, in_order_of
from metacontrol.models.scoring import Scoring
from metacontrol.tasks.choices import Choices

Leave = Literal["trial", "participant", "future"]
TRIAL = (
    "How well does it predict a single choice of these people, knowing all their others, "
    "earlier and later? (The choice left out still teaches the model what comes after it.)"
)
PARTICIPANT = "How well does it predict all choices of a new person from the same population?"
FUTURE = (
    "How well does it predict a person's next {}, knowing those before (at least {}) "
    "and everybody else?"
)
OVERLAP = " (From each trial on: these overlap, so that the sum counts most trials {} times.)"
KFOLD = (
    "kfold needs no weights, but fits again without each of several groups of people, and asks "
    "about new people"
)
SESSIONS = "fits of each session on its own can draw these participants anew, without the trial"


def loo(
    fit: Fit,
    data: Choices,
    *,
    leave: Leave = "trial",
    draws: int = 500,
    steps: int = 1,
    first: int = 0,
    seed: int,
) -> Elpd:
    """Estimate how well a model predicts what is left out, without fitting it again.

    By Pareto smoothed importance sampling (Vehtari, Gelman & Gabry 2017,
    doi:10.1007/s11222-016-9696-4): draws of the posterior are weighted as if a part of the data had
    not been there. What is left out is the question:

    - a trial: conditional on the participant, log p(choices_t | history, coefficients);
    - a participant: by the marginal likelihood log p(choices | group), the integral over what a
      person of the group may be like, by importance sampling (Merkle, Furr & Rabe-Hesketh 2019,
      doi:10.1007/s11336-019-09679-0);
    - the future: a participant's choices on the next trials, given those before and what the
      others tell of the group (Burkner, Gabry & Vehtari 2020, doi:10.1080/00949655.2020.1783262).

    People are taken one by one, so that memory does not grow with participants x trials x draws.

    Parameters
    ----------
    fit : Fit
        Of a group: by nuts, two-stage, em or em-laplace.
    data : Choices
        What was fitted.
    leave : {"trial", "participant", "future"}
        What is left out.
    draws : int
        Draws of the group to use, evenly apart, and draws of a participant given a part of the
        choices; a fit's own draws of participants are used all.
    steps : int
        Trials ahead that are predicted at once, for the future. From each trial on: the sum counts
        most trials that often, and is no log-probability of all choices.
    first : int
        Trials that are seen before the first prediction, for the future.
    seed : int
        Seed of these draws.

    Returns
    -------
    Elpd
        Print it for its question, its size and its Pareto k.

    Raises
    ------
    ValueError
        If an argument is not allowed, or the fit has no posterior of a group, or is not of these
        choices; or, but for trials, has a group for each session.

    See Also
    --------
    kfold : fits again without each of several parts of the people, where Pareto k is large.
    """
    if leave not in get_args(Leave):
        raise ValueError(f"leave must be one of {', '.join(get_args(Leave))}, got {leave!r}")
    if draws < LEAST or steps < 1 or first < 0:
        raise ValueError(
            f"draws must be {LEAST} or more, steps 1 or more and first 0 or more, "
            f"got {draws}, {steps} and {first}"
        )
    if leave != "future" and (steps, first) != (1, 0):
        raise ValueError(f"steps and first are for leave='future', got {leave!r}")
    data = in_order_of(fit, as_fitted(fit, data))
    scoring = Scoring.of(fit.model, data, fit.formulas)
    if list(fit.parameters.index.astype(str)) != scoring.participants:
        raise ValueError(f"the fit of {fit.model.name} is not of the participants of these choices")
    if leave == "trial" and fit.sampled and "session" in fit.tree["posterior"].dims:
        points, done = _leave_trial_of_session(fit, data, scoring)
        return Elpd(fit.model.name, TRIAL, points, done, digest(data), fit.method)
    individuals = Individuals(scoring)
    population = Population.of(fit, individuals, draws)
    if leave == "trial":
        question = TRIAL
        points, done = _leave_trial(fit, data, individuals, population, draws, seed)
    elif leave == "participant":
        question = PARTICIPANT
        points, done = _leave_participant(Others.of(individuals, population, seed))
    else:
        question = FUTURE.format(f"{steps} choices" if steps > 1 else "choice", first)
        question += OVERLAP.format(steps) if steps > 1 else ""
        others = Others.of(individuals, population, seed)
        left_out = leave_future(others, draws=draws, steps=steps, first=first, seed=seed)
        points = _named(left_out, data)
        done = _refits(points, others)
    return Elpd(fit.model.name, question, points, done, digest(data), fit.method)


def _leave_trial(
    fit: Fit,
    data: Choices,
    individuals: Individuals,
    population: Population,
    draws: int,
    seed: int,
) -> tuple[pd.DataFrame, str]:
    """Return trials left out, and what was done about large Pareto k."""
    points = _weighted_trials(fit, individuals.scoring)
    done = ""
    if redrawn := int((points["pareto_k"] > GOOD).sum()):
        _redraw(points, Others.of(individuals, population, seed), draws, seed)
        left = int((points["pareto_k"] > GOOD).sum())
        done = (
            f"k was above {GOOD} in {redrawn:,} trials; their participants were drawn anew, "
            f"without the trial, after which it is in {left:,}. "
        )
    points = _named(points.drop(columns=["person", "place"]), data)
    return points, done + _advice(points)


def _leave_trial_of_session(fit: Fit, data: Choices, scoring: Scoring) -> tuple[pd.DataFrame, str]:
    """Leave out trials where each session has a group of its own: nobody is drawn anew.

    In the points participants are people, who were sampled, beside the session.
    """
    points = _named(_weighted_trials(fit, scoring).drop(columns=["person", "place"]), data)
    names = points["participant"].str.rpartition("/")
    points = points.assign(participant=names[0])
    points.insert(1, "session", names[2])
    return points, _advice(points, SESSIONS)


def _weighted_trials(fit: Fit, scoring: Scoring) -> pd.DataFrame:
    """Return trials left out by weighting a fit's own draws, one participant after another."""
    names = list(scoring.story.coefficients)
    posterior = fit.tree["posterior"].to_dataset()[names].transpose("participant", ...)
    efficiency = as_dataset(az.ess(posterior, method="mean", relative=True)).to_dataframe()
    efficiency = efficiency[names].mean(axis=1).to_numpy()
    tables = []
    for person in range(len(scoring.participants)):
        matrix = np.column_stack([posterior[n][person].to_numpy().ravel() for n in names])
        scores = trial_scores(scoring, person, matrix)
        weights, k = smooth(-scores, efficiency[person])
        elpd = logsumexp(weights + scores, axis=1)
        everything = logsumexp(scores, axis=1) - np.log(scores.shape[1])
        rows = trial_rows(scoring, person)
        table = {"row": rows, "elpd": elpd, "pareto_k": k, "parameters": everything - elpd}
        tables.append(pd.DataFrame(table).assign(person=person, place=range(len(rows))))
    return pd.concat(tables, ignore_index=True).assign(redrawn=False)


def _redraw(points: pd.DataFrame, others: Others, draws: int, seed: int) -> None:
    """Draw participants anew without the trials whose Pareto k is large: one of each at a time."""
    bad = points[points["pareto_k"] > GOOD]
    turns = bad.groupby("person").cumcount()
    lengths = points.groupby("person").size()
    for turn in range(min(int(turns.max()) + 1, REFITS)):
        now = bad[turns == turn]
        left_out = now.set_index("person")["place"]
        known = others.given(
            [np.arange(n) != left_out.get(person, -1) for person, n in lengths.items()]
        )
        for index, person, place in zip(now.index, now["person"], now["place"], strict=True):
            scores, ratios = known.draw(person, draws, seed + turn)
            weights, k = smooth(ratios[None])
            elpd = logsumexp(weights[0] + scores[place])
            points.loc[index, ["elpd", "pareto_k", "redrawn"]] = elpd, k[0], True


def _leave_participant(others: Others) -> tuple[pd.DataFrame, str]:
    """Return participants left out, and what is left to do about large Pareto k."""
    everything = logsumexp(others.scores, axis=1) - np.log(others.scores.shape[1])
    elpd = logsumexp(others.log_weights + others.scores, axis=1)
    points = pd.DataFrame(
        {
            "participant": others.individuals.scoring.participants,
            "elpd": elpd,
            "pareto_k": others.k,
            "parameters": everything - elpd,
            "effective_draws": np.median(others.effective, axis=1),
        }
    )
    return points, _advice(points)


def _refits(points: pd.DataFrame, others: Others) -> str:
    made = points.groupby("participant")["refits"].max()
    done = (
        f"participants were drawn anew {made.mean():.1f} times on average, {made.max()} at most. "
    )
    if large := int((others.k > GOOD).sum()):
        done += f"the group without a person is not trusted for {large:,} people: see kfold. "
    return done + _advice(points)


def _named(points: pd.DataFrame, data: Choices) -> pd.DataFrame:
    """Return points with participant and trial in place of the row of the data."""
    names = data.frame[["participant", "trial"]].iloc[points["row"]].reset_index(drop=True)
    return pd.concat([names, points.drop(columns="row").reset_index(drop=True)], axis=1)


def _advice(points: pd.DataFrame, instead: str = KFOLD) -> str:
    bad = points[points["pareto_k"] > GOOD]
    if bad.empty:
        return ""
    where = bad["participant"].value_counts(sort=False)
    names = ", ".join(f"{n} ({c})" if "trial" in points else n for n, c in where[:5].items())
    more = f" and {len(where) - 5} more" if len(where) > 5 else ""
    return f"not trusted: participant {names}{more}; {instead}"
