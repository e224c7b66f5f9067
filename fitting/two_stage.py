"""Groups in two stages: each participant's draws alone, then the group from the draws alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from pytensor import wrap_jax

from metacontrol.fitting.ascent import Maximum, kept_maximum
from metacontrol.fitting.checkpoint import Parts
from metacontrol.fitting.em import maximum_tree
from metacontrol.fitting.hierarchy import Hierarchy
from metacontrol.fitting.individuals import Individuals
from metacontrol.fitting.posterior import posterior
from metacontrol.fitting.priors import group_priors
from metacontrol.fitting.sampling import bar, sample
from metacontrol.models.parameter import Prior
from metacontrol.models.scoring import Scoring


def two_stage_tree(
    scoring: Scoring,
    given: Mapping[str, Prior] | None,
    *,
    importance: int,
    seed: int,
    progress: bool,
    parts: Parts,
    **settings: Any,
) -> xr.DataTree:
    """Return the posterior that NUTS over everybody would sample, from draws of each participant.

    Lunn et al. (2013, doi:10.1111/rssc.12007). The draws are made where EM puts the group, which
    also says how its posterior is about shaped there: NUTS moves in that shape.

    It is for many people. Draws know the group near where they were made; of few people, who say
    little, a posterior is wider than that, and what is found is the draws' luck. The noise among
    the diagnostics says so; sampling everybody (`fit(method="nuts")`) then takes no longer.

    Returns
    -------
    DataTree
        Groups `posterior`, `sample_stats`, `maximum` and `importance`.
    """
    individuals = Individuals(scoring)
    hierarchy = Hierarchy.of(individuals, group_priors(scoring.story, given))
    start = hierarchy.near(individuals.prior(given))
    with bar(f"{len(scoring.participants):,} participants", progress) as tell:
        how: Any = {"tell": tell, "count": importance, "seed": seed}
        found = kept_maximum(individuals, start, hierarchy, parts, **how)
    settings |= {"seed": seed, "progress": progress, "parts": parts}
    tree = sample(group_model(found), label="group", **settings)
    vectors = found.vector + tree["posterior"]["apart"].to_numpy() @ _shape(found).T
    drawn = posterior(individuals, found.recycled, vectors, seed=seed)
    stats = {"sample_stats": tree["sample_stats"].to_dataset()}
    return xr.DataTree.from_dict(
        {"posterior": drawn, **stats, **maximum_tree(scoring, found, found.vector)}
    )


def group_model(found: Maximum) -> pm.Model:
    """Return the PyMC model of a group's numbers, given recycled draws.

    Its only variable, `apart`, is how far the numbers are from the maximum, in standard errors that
    are independent: numbers = maximum + shape @ apart.
    """
    recycled, shape = found.recycled, _shape(found)

    def log_density(apart: Any) -> Any:
        vector = found.vector + shape @ apart
        evidence = recycled.evidence(recycled.hierarchy.told_apart(vector))
        return evidence.sum() + recycled.hierarchy.log_prior(vector)

    with pm.Model() as model:
        apart = pm.Flat("apart", shape=len(shape))
        pm.Potential("group", wrap_jax(log_density)(pt.specify_shape(apart, (len(shape),))))
    return model


def _shape(found: Maximum) -> np.ndarray:
    return np.linalg.cholesky(found.covariance)
