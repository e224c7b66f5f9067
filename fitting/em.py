"""Groups by EM: with importance-weighted draws, or with Laplace's approximation as is customary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import xarray as xr

from metacontrol.fitting.ascent import POOL, Maximum, ascend, highest, kept_maximum, look_around
from metacontrol.fitting.checkpoint import Parts
from metacontrol.fitting.hierarchy import Hierarchy
from metacontrol.fitting.individuals import Individuals
from metacontrol.fitting.posterior import posterior
from metacontrol.fitting.priors import group_priors
from metacontrol.fitting.recycling import Recycled
from metacontrol.fitting.sampling import bar
from metacontrol.models.parameter import Prior
from metacontrol.models.scoring import Scoring


def em_tree(
    scoring: Scoring,
    method: Literal["em", "em-laplace"],
    given: Mapping[str, Prior] | None,
    *,
    importance: int,
    draws: int,
    chains: int,
    seed: int,
    progress: bool,
    parts: Parts,
) -> xr.DataTree:
    """Return the most probable group, and draws from the normal distribution around it.

    By em it is the mode of the posterior of means and logs of standard deviations; priors are taken
    as normal and half-normal with the moments they have. By em-laplace there are none.

    Whose E-step weighs draws is exact up to their noise. The other takes a posterior's mode for its
    mean and its curvature for its variance (Huys et al., 2011, doi:10.1371/journal.pcbi.1002028):
    posteriors of few trials are skewed, and what that does to the group does not average out over
    participants. How far it leads astray is seen by going on from there with weighed draws.

    Returns
    -------
    DataTree
        Groups `posterior`, `maximum` and `importance`, see `maximum_tree`.
    """
    individuals = Individuals(scoring)
    exact = method == "em"
    hierarchy = Hierarchy.of(individuals, group_priors(scoring.story, given) if exact else {})
    start = hierarchy.near(individuals.prior(given))
    with bar(f"{len(scoring.participants):,} participants", progress) as tell:
        if exact:
            how: Any = {"tell": tell, "count": importance, "seed": seed}
            found = kept_maximum(individuals, start, hierarchy, parts, **how)
            best = vector = found.vector
        else:
            vector = _by_laplace(individuals, hierarchy, start)
            drawn = look_around(
                individuals, vector, hierarchy, count=importance, seed=seed, pool=POOL
            )
            recycled = Recycled.of(hierarchy, drawn)
            found = Maximum.at(vector, recycled)
            best = highest(recycled, vector)
    rng = np.random.default_rng([seed, 0])
    half = rng.multivariate_normal(vector, found.covariance, chains * (draws + 1) // 2)
    both = np.concatenate([half, 2 * vector - half])[: chains * draws]  # their mean is the vector
    vectors = rng.permutation(both).reshape(chains, draws, -1)
    sampled = posterior(individuals, found.recycled, vectors, seed=seed)
    return xr.DataTree.from_dict({"posterior": sampled, **maximum_tree(scoring, found, best)})


def _by_laplace(individuals: Individuals, hierarchy: Hierarchy, start: np.ndarray) -> np.ndarray:
    """Return the group that EM with Laplace's approximation comes to."""
    at = None

    def step(vector: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal at
        modes = individuals.modes(hierarchy.normal(vector), at)
        at = modes.values
        second = modes.values**2 + np.diagonal(modes.covariance, axis1=1, axis2=2)
        return float(modes.log_evidence.sum()), hierarchy.likeliest(
            hierarchy.sums(modes.values, second), vector
        )

    return ascend(step, start)


def maximum_tree(scoring: Scoring, found: Maximum, best: np.ndarray) -> dict[str, xr.Dataset]:
    """Return what is kept of a maximum, and of the draws it was found with.

    Returns
    -------
    dict of str to Dataset
        `maximum`: for each of the group's numbers its standard `error` (on the scale of the link;
        of the log of a standard deviation), its `noise` over draws made anew and its `distance`
        from the `best` numbers; `gain`, see `Maximum`. `importance`: for each participant
        `effective`, `pareto_k`, `log_evidence` and `choices`.
    """
    recycled, vector = found.recycled, found.vector
    by_number = {
        "error": np.sqrt(np.diag(found.covariance)),
        "noise": found.noise,
        "distance": vector - best,
    }
    by_person = {
        "effective": recycled.effective(vector),
        "pareto_k": recycled.pareto_k(vector),
        "log_evidence": recycled.moments(vector)[0],
        "choices": scoring.choices,
    }
    return {
        "maximum": xr.Dataset(
            {"gain": found.gain} | {name: ("variable", v) for name, v in by_number.items()},
            {"variable": list(recycled.hierarchy.variables)},
        ),
        "importance": xr.Dataset(
            {name: ("participant", values) for name, values in by_person.items()},
            {"participant": scoring.participants},
        ),
    }
