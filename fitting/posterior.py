"""A group's draws with its participants' beside them, as NUTS over all of them gives them."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from metacontrol.fitting.individuals import Individuals
from metacontrol.fitting.recycling import Recycled

GROUP = ("chain", "draw")
PERSON = ("chain", "draw", "participant")


def posterior(
    individuals: Individuals, recycled: Recycled, vectors: np.ndarray, *, seed: int
) -> xr.Dataset:
    """Return draws of a group with, for each, one of every participant's recycled draws.

    Parameters
    ----------
    individuals : Individuals
        The participants.
    recycled : Recycled
        Their draws.
    vectors : array, shape (chains, draws, numbers)
        Draws of the group.
    seed : int
        Seed of which draws are taken.

    Returns
    -------
    Dataset
        Variables `<c>_mean`, `<c>_sd`, `<c>_group`, for each participant `<c>` and
        `log_likelihood`, which mean what they do in `build_model`.
    """
    hierarchy = recycled.hierarchy
    rng = np.random.default_rng([seed, 1])
    flat = vectors.reshape(-1, vectors.shape[-1])
    people = np.arange(len(recycled.values))
    apart = np.asarray(hierarchy.told_apart(flat))
    picked = recycled.picks(apart, rng.random((len(flat), len(people))))
    shifts = np.array([hierarchy.shifts(vector) for vector in flat])
    values = (recycled.values[people, :, picked] - shifts).reshape(
        *vectors.shape[:2], len(people), -1
    )
    scores = recycled.log_likelihood[people, picked].reshape(values.shape[:3])
    own = individuals.natural(values)
    numbers = dict(zip(hierarchy.variables, np.moveaxis(vectors, -1, 0), strict=True))
    columns: dict[str, Any] = {}
    for predictor in individuals.scoring.story.predictors:
        for name in predictor.coefficients:
            mean = numbers[f"{name}_mean"]
            columns[f"{name}_mean"] = GROUP, mean
            if name in own:
                columns[f"{name}_sd"] = GROUP, np.exp(numbers[f"{name}_sd"])
            if predictor.terms is None:
                columns[f"{name}_group"] = GROUP, predictor.parameter.link.inverse(mean)
            same = np.broadcast_to(mean[..., None], scores.shape)
            columns[name] = PERSON, own.get(name, same)
    columns["log_likelihood"] = PERSON, scores
    coords = {
        "chain": np.arange(vectors.shape[0]),
        "draw": np.arange(vectors.shape[1]),
        "participant": individuals.scoring.participants,
    }
    return xr.Dataset(columns, coords)
