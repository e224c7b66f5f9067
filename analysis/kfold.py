"""Grouped K-fold cross-validation: fit without some people, predict them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, effective_n_jobs
from scipy.special import logsumexp

from metacontrol.analysis.elpd import Elpd
from metacontrol.fitting.checkpoint import part_of
from metacontrol.fitting.fit import ALONE, fit
from metacontrol.fitting.individuals import Individuals
from metacontrol.fitting.others import marginal_scores
from metacontrol.fitting.population import Population
from metacontrol.fitting.same_choices import digest
from metacontrol.models.formulas import Formulas, predictors
from metacontrol.models.model import Model
from metacontrol.models.parameter import Prior
from metacontrol.models.scoring import Scoring
from metacontrol.tasks.choices import Choices

DRAWS = 500  # of each fit's group that are used
QUESTION = (
    "How well does it predict all choices of new people from the same population, "
    "learning the population from {:.0%} of these?"
)
QUESTION_BY = (
    "How well does it predict all choices of people of another {by}, "
    "learning the population from those of the other {others}?"
)


def kfold(
    model: Model,
    data: Choices,
    *,
    folds: int = 10,
    by: str | None = None,
    formulas: Formulas | None = None,
    priors: Mapping[str, Prior] | None = None,
    seed: int,
    checkpoint: str | Path | None = None,
    **options: Any,
) -> Elpd:
    """Fit a model again without each of several groups of people, and predict these.

    The people left out are scored by the marginal likelihood, as by ``loo(leave="participant")``,
    which asks the same and takes one fit in place of `folds`; nothing is weighted here, so there is
    no Pareto k to distrust.

    Parameters
    ----------
    model : Model
        The model.
    data : Choices
        The choices.
    folds : int
        Groups that people are dealt into, at random.
    by : str, optional
        A column of people, such as their site, whose values make the groups in place of that.
    formulas, priors
        As for `fit`.
    seed : int
        Seed of the folds, the fits and the integrals. The same seed deals people alike for every
        model.
    checkpoint : path, optional
        As for `fit`; each fold has a folder of its own in it.
    **options
        Further arguments of `fit`: `draws`, `chains` and so on.

    Returns
    -------
    Elpd
        Its points have columns participant, `fold` (from 1; or the value of `by`), `elpd`,
        `pareto_k` (missing) and
        `effective_draws` (of 100, in the integral).

    Raises
    ------
    ValueError
        If there are fewer than two folds or people than folds, people have several values of `by`,
        the method has no group, or a formula means something else without some of the people, as
        `scale(age)` does: compute such columns beforehand.
    """
    if (method := options.get("method", "nuts")) in ALONE or options.get("sessions"):
        what = "sessions have one each: give it the choices of each session, without sessions"
        if method in ALONE:
            what = f"fits by {method} have none"
        raise ValueError(f"new people are predicted from one group, but {what}")
    people = data.participants
    fold, values = _dealt(people, folds, seed) if by is None else _grouped(data, by)
    whole = Individuals(Scoring.of(model, data, formulas))
    places = [np.flatnonzero(fold == number) for number in range(len(values))]
    rests = [_without(data, [people[i] for i in here], model, formulas) for here in places]
    options |= {"formulas": formulas, "priors": priors, "seed": seed}
    if effective_n_jobs(None) > 1:  # folds at once, and the chains of each one after the other
        options = {"cores": 1, "progress": False} | options

    def predicted(number: int, here: np.ndarray, rest: Choices) -> pd.DataFrame:
        fitted = fit(model, rest, checkpoint=part_of(checkpoint, f"fold-{number + 1}"), **options)
        left_out = whole.only(here)
        scores, effective = marginal_scores(left_out, Population.of(fitted, left_out, DRAWS), seed)
        table = {
            "participant": left_out.scoring.participants,
            "fold": values[number],
            "elpd": logsumexp(scores, axis=1) - np.log(scores.shape[1]),
            "pareto_k": np.nan,
            "effective_draws": np.median(effective, axis=1),
        }
        return pd.DataFrame(table)

    tables = Parallel()(
        delayed(predicted)(number, here, rest)
        for number, (here, rest) in enumerate(zip(places, rests, strict=True))
    )
    points = pd.concat(tables).set_index("participant").loc[people].reset_index()
    question = QUESTION.format(1 - 1 / len(values))
    if by is not None:
        question = QUESTION_BY.format(by=by, others=len(values) - 1)
    return Elpd(model.name, question, points, digest=digest(data), method=method)


def _dealt(people: list[str], folds: int, seed: int) -> tuple[np.ndarray, list[int]]:
    """Deal people into folds; return each one's, from 0, and what the folds are called."""
    if not 2 <= folds <= len(people):
        raise ValueError(f"folds must be from 2 to {len(people)} (the participants), got {folds}")
    order = np.random.default_rng(seed).permutation(len(people))
    fold = np.empty(len(people), dtype=int)
    fold[order] = np.arange(len(people)) % folds
    return fold, list(range(1, folds + 1))


def _grouped(data: Choices, by: str) -> tuple[np.ndarray, list[Any]]:
    """Return each person's value of a column as a number from 0, and the values."""
    if by not in data.frame:
        raise ValueError(f"there is no column {by!r}; columns: {', '.join(data.frame)}")
    of_each = data.frame.groupby("participant", sort=False, observed=True)[by]
    several = of_each.nunique(dropna=False) > 1
    if several.any():
        raise ValueError(f"{by} varies within participant {several.idxmax()!r}; folds hold people")
    missing = of_each.count() == 0
    if missing.any():
        raise ValueError(f"{by} is missing for participant {missing.idxmax()!r}")
    fold, values = pd.factorize(of_each.first(), sort=True)
    if len(values) < 2:
        raise ValueError(f"two folds or more are needed, {by} has one value, {values[0]!r}")
    return fold, values.tolist()


def _without(data: Choices, people: list[str], model: Model, formulas: Formulas | None) -> Choices:
    """Return the choices of the others; raise ValueError if their regressors change by it."""
    rows = ~data.frame["participant"].isin(people).to_numpy()
    rest = data.only(rows)
    before, after = (predictors(model, d.frame, formulas)[1] for d in (data, rest))
    for name in before.keys() | after.keys():
        if name not in after or not np.allclose(before[name][rows], after[name], equal_nan=True):
            raise ValueError(
                f"{name} means something else without {', '.join(people[:5])}: compute the column "
                "beforehand, and let every category be there in each fold"
            )
    return rest
