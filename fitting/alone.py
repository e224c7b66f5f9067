"""Each participant alone, by maximum likelihood or maximum a posteriori."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from metacontrol.fitting.point import search
from metacontrol.fitting.priors import coefficient_priors
from metacontrol.fitting.sampling import bar
from metacontrol.models.parameter import Prior
from metacontrol.models.scoring import Scoring


def point_tree(
    scoring: Scoring,
    method: str,
    priors: Mapping[str, Prior] | None,
    starts: int,
    seed: int,
    progress: bool,
) -> xr.DataTree:
    """Return each participant's best coefficients.

    Returns
    -------
    DataTree
        Group `estimates`: for each participant and coefficient `values` and `determined`; for each
        participant `log_likelihood`, `log_prior`, `converged`, `agreeing` and `choices`.
    """
    used = None if method == "mle" else coefficient_priors(scoring.story, priors)
    with bar(f"{len(scoring.participants):,} participants", progress) as tell:
        found = search(scoring, used, starts=starts, seed=seed, progress=tell)
    by_person: dict[str, Any] = {
        "log_likelihood": found.log_likelihood,
        "log_prior": found.log_prior,
        "converged": found.converged,
        "agreeing": found.agreeing,
        "choices": scoring.choices,
    }
    estimates = xr.Dataset(
        {
            "values": (("participant", "coefficient"), found.values),
            "determined": (("participant", "coefficient"), found.determined),
        }
        | {name: ("participant", values) for name, values in by_person.items()},
        coords={
            "participant": scoring.participants,
            "coefficient": list(scoring.story.coefficients),
        },
    )
    return xr.DataTree.from_dict({"estimates": estimates})
