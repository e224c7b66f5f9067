"""Each participant alone by Laplace's approximation: mode, spread and evidence."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from scipy.stats import norm

from metacontrol.fitting.individuals import Individuals
from metacontrol.models.parameter import Prior
from metacontrol.models.scoring import Scoring

HALF = norm.isf(0.025)  # of an interval of 95 %, in standard deviations


def laplace_tree(scoring: Scoring, given: Mapping[str, Prior] | None) -> xr.DataTree:
    """Return each participant's posterior under the prior that the group's priors imply.

    Returns
    -------
    DataTree
        Group `estimates`: for each participant and coefficient the mode (`values`), its `sd` on
        the scale of the link, `lower`, `upper` (95 %) and `determined`; for each participant
        `log_likelihood`, `log_evidence`, `converged` and `choices`.
    """
    individuals = Individuals(scoring)
    modes = individuals.modes(individuals.prior(given))
    sd = np.sqrt(np.diagonal(modes.covariance, axis1=1, axis2=2))
    names = scoring.story.coefficients
    cells = ("participant", "coefficient")

    def table(own: Mapping[str, np.ndarray]) -> tuple[tuple[str, str], np.ndarray]:
        return cells, np.stack([own[name] for name in names], axis=1)

    by_person = {
        "log_likelihood": modes.log_likelihood,
        "log_evidence": modes.log_evidence,
        "converged": modes.converged,
        "choices": scoring.choices,
    }
    estimates = xr.Dataset(
        {
            "values": table(individuals.natural(modes.values)),
            "sd": table(dict(zip(individuals.names, sd.T, strict=True))),
            "lower": table(individuals.natural(modes.values - HALF * sd)),
            "upper": table(individuals.natural(modes.values + HALF * sd)),
            "determined": (cells, np.ones(sd.shape, dtype=bool)),
        }
        | {name: ("participant", values) for name, values in by_person.items()},
        coords={"participant": scoring.participants, "coefficient": list(names)},
    )
    return xr.DataTree.from_dict({"estimates": estimates})
