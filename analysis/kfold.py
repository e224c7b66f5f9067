"""Grouped K-fold cross-validation: fit without some people, predict them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from metacontrol.analysis.elpd import Elpd
from metacontrol.fitting.fit import fit
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


def kfold(
    model: Model,
    data: Choices,
    *,
    folds: int = 10,
    formulas: Formulas | None = None,
    priors: Mapping[str, Prior] | None = None,
    seed: int,
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
    formulas, priors
        As for `fit`.
    seed : int
        Seed of the folds, the fits and the integrals. The same seed deals people alike for every
        model.
    **options
        Further arguments of `fit`: `draws`, `chains` and so on.

    Returns
    -------
    Elpd
        Its points have columns participant, `fold`, `elpd`, `pareto_k` (missing) and
        `effective_draws` (of 100, in the integral).

    Raises
    ------
    ValueError
        If there are fewer than two folds or people than folds, or a formula means something else
        without some of the people, as `scale(age)` does: compute such columns beforehand.
    """
    people = data.participants
    if not 2 <= folds <= len(people):
        raise ValueError(f"folds must be from 2 to {len(people)} (the participants), got {folds}")
    order = np.random.default_rng(seed).permutation(len(people))
    fold = np.empty(len(people), dtype=int)
    fold[order] = np.arange(len(people)) % folds
    whole = Scoring.of(model, data, formulas)
    tables = []
    for number in range(folds):
        here = np.flatnonzero(fold == number)
        rest = _without(data, [people[i] for i in here], model, formulas)
        fitted = fit(model, rest, formulas=formulas, priors=priors, seed=seed, **options)
        records = whole.records.repeat(here, 1)
        names = [people[i] for i in here]
        left_out = Individuals(replace(whole, records=records, participants=names))
        scores, effective = marginal_scores(left_out, Population.of(fitted, left_out, DRAWS), seed)
        table = {
            "participant": names,
            "fold": number + 1,
            "elpd": logsumexp(scores, axis=1) - np.log(scores.shape[1]),
            "pareto_k": np.nan,
            "effective_draws": np.median(effective, axis=1),
        }
        tables.append(pd.DataFrame(table))
    points = pd.concat(tables).set_index("participant").loc[people].reset_index()
    return Elpd(model.name, QUESTION.format(1 - 1 / folds), points, digest=digest(data))


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
