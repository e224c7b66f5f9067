"""Each participant alone, by maximum likelihood or maximum a posteriori."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from metacontrol.fitting.checkpoint import Parts, joined
from metacontrol.fitting.point import Estimates, lot_name, lots, search
from metacontrol.fitting.priors import coefficient_priors
from metacontrol.fitting.sampling import bar
from metacontrol.fitting.shards import share
from metacontrol.models.parameter import Prior
from metacontrol.models.scoring import Scoring


def point_tree(
    scoring: Scoring,
    method: str,
    priors: Mapping[str, Prior] | None,
    starts: int,
    seed: int,
    progress: bool,
    parts: Parts,
    shard: tuple[int, int],
) -> xr.DataTree:
    """Return each participant's best coefficients.

    Parameters
    ----------
    parts : Parts
        Where finished lots of participants are kept, and found again.
    shard : tuple of int
        Which of how many shares of the lots to work on.

    Returns
    -------
    DataTree
        Group `estimates`: for each participant and coefficient `values`, `determined`, `at_bound`
        and, by map, `informed`; for each participant `log_likelihood`, `log_prior`, `converged`,
        `agreeing` and `choices`.
    """
    used = None if method == "mle" else coefficient_priors(scoring.story, priors)
    dealt = dict(enumerate(lots(len(scoring.participants), starts)))
    mine = share(list(dealt), shard)
    done = {k: tree for k in mine if (tree := parts.load(lot_name(k))) is not None}
    missing = {k: dealt[k] for k in mine if k not in done}
    people = sum(len(dealt[k]) for k in mine)
    with bar(f"{people:,} participants", progress) as tell:
        for k, found in search(scoring, missing, used, starts=starts, seed=seed):
            done[k] = parts.keep(lot_name(k), _tabled(scoring, dealt[k], found))
            tell(len(done) / len(mine))
    return joined([done[k] for k in mine], "participant")


def _tabled(scoring: Scoring, people: np.ndarray, found: Estimates) -> xr.DataTree:
    """Return estimates of some participants as a fit has them."""
    by_person: dict[str, Any] = {
        "log_likelihood": found.log_likelihood,
        "log_prior": found.log_prior,
        "converged": found.converged,
        "agreeing": found.agreeing,
        "choices": scoring.choices[people],
    }
    estimates = xr.Dataset(
        {
            "values": (("participant", "coefficient"), found.values),
            "determined": (("participant", "coefficient"), found.determined),
            "at_bound": (("participant", "coefficient"), found.at_bound),
        }
        | {name: ("participant", values) for name, values in by_person.items()},
        coords={
            "participant": [scoring.participants[person] for person in people],
            "coefficient": list(scoring.story.coefficients),
        },
    )
    if found.informed is not None:
        estimates["informed"] = ("participant", "coefficient"), found.informed
    return xr.DataTree.from_dict({"estimates": estimates})
