"""The whole group by NUTS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import xarray as xr

from metacontrol.fitting.checkpoint import Parts
from metacontrol.fitting.group import assemble
from metacontrol.fitting.individuals import Individuals
from metacontrol.fitting.information import Information, quick_pass
from metacontrol.fitting.priors import group_priors
from metacontrol.fitting.sampling import sample
from metacontrol.models.parameter import Prior
from metacontrol.models.scoring import Scoring


def nuts_tree(
    scoring: Scoring,
    given: Mapping[str, Prior] | None,
    *,
    centring: Literal["auto"] | float,
    correlated: bool | Sequence[str],
    sessions: Sequence[str],
    seed: int,
    chains: int,
    parts: Parts,
    **settings: Any,
) -> xr.DataTree:
    """Return the posterior of a group and its participants, sampled by NUTS.

    Parameters
    ----------
    sessions : sequence of str
        Each person's sessions, if participants are sessions of people.
    parts : Parts
        Where what is finished is kept, and found again.
    **settings
        Of `sample`.

    Returns
    -------
    DataTree
        Groups `posterior` and `sample_stats`.
    """
    individuals, priors = Individuals(scoring), group_priors(scoring.story, given)
    if isinstance(correlated, bool):
        correlated = individuals.names if correlated else ()
    written: Any = dict.fromkeys(scoring.story.coefficients, centring)
    start = None
    if centring == "auto":
        known = parts.part("information", lambda: quick_pass(individuals, priors, seed=seed).tree())
        written = Information.of(known)
        start = written.start(sessions)
    tree = sample(
        assemble(individuals, priors, written, correlated=correlated, sessions=sessions),
        start=start,
        seed=seed,
        chains=chains,
        parts=parts,
        label=f"{chains} chains",
        **settings,
    )
    posterior = tree["posterior"].to_dataset()
    kept = [n for n in posterior if n != "z" and not str(n).endswith("correlation_factor")]
    tree["posterior"] = xr.DataTree(dataset=posterior[kept])
    return tree
