"""Priors of coefficients: a parameter's own, or those of a regression on the link's scale."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from metacontrol.models.engine.predictor import INTERCEPT, Predictor
from metacontrol.models.engine.story import Story
from metacontrol.models.parameter import Prior
from metacontrol.models.scoring import Scoring

SLOPE = Prior("normal", 0.0, 1.0)
SLOPE_SD = Prior("half_normal", 0.5)
LARGE = 20.0  # largest value of a regressor of about unit size
SMALL = 1 / 3  # its smallest range: an effect of 1 over it is three sds of its slope's prior


def coefficient_priors(story: Story, given: Mapping[str, Prior] | None = None) -> dict[str, Prior]:
    """Return the prior of each of one participant's coefficients, for `fit(method="map")`.

    A parameter without a formula has its own prior, on its natural scale. With a formula,
    coefficients are on the scale of the link: the intercept has the prior of the group's mean, a
    slope Normal(0, 1).

    Parameters
    ----------
    story : Story
        Whose coefficients.
    given : mapping of str to Prior, optional
        Priors that replace the defaults, by coefficient.

    Raises
    ------
    ValueError
        If `given` names an unknown coefficient.
    """
    priors = {}
    for predictor in story.predictors:
        terms = predictor.terms or (None,)
        for name, term in zip(predictor.coefficients, terms, strict=True):
            if term is None:
                priors[name] = predictor.parameter.prior
            else:
                priors[name] = predictor.parameter.group_mean if term == INTERCEPT else SLOPE
    return replaced(priors, given)


def variance_of_people(mean: Prior, sd: Prior) -> float:
    """Return the variance of a person's coefficient that the priors of its group imply."""
    return mean.variance + sd.variance + sd.mean**2


def group_priors(story: Story, given: Mapping[str, Prior] | None = None) -> dict[str, Prior]:
    """Return priors of the group's means and standard deviations, for `fit(method="nuts")`.

    All are on the scale of the parameter's link: `w_mean`, `w_sd`; with a formula
    `w_Intercept_mean`, `w_load_mean` and so on.
    """
    priors = {}
    for predictor in story.predictors:
        terms = predictor.terms or (INTERCEPT,)
        for name, term in zip(predictor.coefficients, terms, strict=True):
            own = term == INTERCEPT
            priors[f"{name}_mean"] = predictor.parameter.group_mean if own else SLOPE
            priors[f"{name}_sd"] = predictor.parameter.group_sd if own else SLOPE_SD
    return replaced(priors, given)


def replaced(priors: dict[str, Prior], given: Mapping[str, Prior] | None) -> dict[str, Prior]:
    """Return `priors` with some replaced; raise ValueError with the known names if unknown."""
    unknown = [name for name in given or {} if name not in priors]
    if unknown:
        raise ValueError(f"no prior is called {', '.join(unknown)}; known: {', '.join(priors)}")
    return priors | dict(given or {})


def check_regressors(
    scoring: Scoring,
    *,
    group: bool,
    given: Mapping[str, Prior] | None = None,
    sessions: Sequence[str] = (),
) -> None:
    """Raise ValueError where a formula would not mean what it seems to.

    That is where a column's size is so far from 1 that the prior of its slope would rule it, unless
    that is `given`; and in a group, where people could not differ in what a column of theirs
    predicts, for lack of an intercept, where a term is a sum of others, or where a coefficient's
    name has a "/", which no variable of a file may have. If there are `sessions`, each is a group,
    and participants are one person's sessions after another's, in their order.
    """
    used = scoring.records.rows >= 0
    for predictor in scoring.story.predictors:
        name = predictor.parameter.name
        for column in predictor.columns:
            if group and "/" in column:
                level = re.search(r"([^:]*)\[(?:\w\.)?([^\[\]]*/[^\[\]]*)\]", column)
                raise ValueError(
                    f"the coefficient {column} of a group cannot have a '/' in its name: "
                    + (
                        f"rename the level {level[2]!r} of {level[1].removeprefix(f'{name}_')}"
                        if level
                        else "make a column of that term beforehand"
                    )
                )
            values = scoring.records.columns[column][used]
            low, high = float(values.min()), float(values.max())
            odd = high > low and (max(-low, high) > LARGE or high - low < SMALL)
            slope = f"{column}_mean" if group else column
            if odd and slope not in (given or {}):
                raise ValueError(
                    f"{column} goes from {low:g} to {high:g}, but priors of slopes are for columns "
                    f"of about unit size: write {_scaled(column.removeprefix(f'{name}_'))} in the "
                    f"formula for {name}, for standard deviations from its mean; by map or "
                    f"nuts its slope may have a prior of its own instead ({slope})"
                )
        if group:
            _must_be_told_apart(scoring, predictor, used)
        for session, here in _by_session(scoring, sessions).items():
            _must_be_told_apart(scoring, predictor, here, session)
        same = [c for c in predictor.columns if not scoring.varies[c]]
        if group and same and INTERCEPT not in (predictor.terms or ()):
            raise ValueError(
                f"the formula for {name} has {', '.join(same)}, the same in all trials of a "
                "person, and no intercept: people of a kind could not differ. Write 1 in place of "
                f"0, as in '1 + C(group)': {name}_{INTERCEPT} is then of the first group, and the "
                "others are differences from it"
            )


def _must_be_told_apart(
    scoring: Scoring, predictor: Predictor, where: np.ndarray, session: str = ""
) -> None:
    """Raise ValueError if in some trials a term of a formula is a sum of those before it.

    Parameters
    ----------
    scoring : Scoring
        Model and choices.
    predictor : Predictor
        Which parameter's formula.
    where : bool array, shape (blocks, trials, lanes)
        Which trials.
    session : str
        Whose trials these are, if not everybody's.
    """
    name = predictor.parameter.name
    before = [np.ones(where.sum())] if INTERCEPT in (predictor.terms or ()) else []
    for column in predictor.columns:
        before.append(scoring.records.columns[column][where].astype(float))
        if np.linalg.matrix_rank(np.column_stack(before)) == len(before):
            continue
        advice = "Leave it out"
        if session:
            advice = (
                "Each session has a group of its own: leave out what differs between sessions, or "
                "fit without sessions"
            )
        raise ValueError(
            f"{column} cannot be told from the other terms of the formula for {name}"
            f"{f' in session {session}' if session else ''}: it never changes, or is a sum of "
            f"theirs. {advice}"
        )


def _by_session(scoring: Scoring, sessions: Sequence[str]) -> dict[str, np.ndarray]:
    """Return which trials that count are of each session, shape (blocks, trials, lanes)."""
    counts = np.asarray(scoring.records.scored) > 0
    session = np.full((len(counts), 1, counts.shape[-1]), -1)
    people = np.arange(len(scoring.participants)) % max(1, len(sessions))
    session.reshape(-1)[scoring.records.slots] = people
    return {name: counts & (session == k) for k, name in enumerate(sessions)}


def _scaled(term: str) -> str:
    """Return what to write for a term: `scale(poly(age, 2))` for `poly(age, 2)[1]`, one of two."""
    if ":" in term:
        return f"scale(...) around the columns of {term}"
    return "scale({})".format(re.sub(r"\[\w+\]$", "", term))
