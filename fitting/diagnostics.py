"""Can a fit be trusted? Each check with what is wanted and what to do if it fails."""

from __future__ import annotations

from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr

RHAT = 1.01
RHAT_OF_ONE = (
    1.05  # the worst of hundreds of participants' parameters, where chance alone passes 1.01
)
ESS = 400  # 100 for each of four chains (Vehtari et al., 2021, doi:10.1214/20-BA1221)
BFMI = 0.3
COLUMNS = ["check", "value", "wanted", "ok", "advice"]


def sampling_diagnostics(tree: xr.DataTree) -> pd.DataFrame:
    """Return the checks of a NUTS fit.

    R-hat and effective sample sizes are the worst over all of the group's variables; R-hat also
    over all participants' parameters.
    """
    posterior = tree["posterior"].to_dataset().drop_vars("log_likelihood", errors="ignore")
    group = posterior[[name for name in posterior if "participant" not in posterior[name].dims]]
    people = posterior[[name for name in posterior if "participant" in posterior[name].dims]]
    stats = tree["sample_stats"].to_dataset()
    diverging = int(stats["diverging"].sum())
    rhat, rhat_of = _worst(az.rhat(group), largest=True)
    apart, apart_of = _worst(az.rhat(people), largest=True)
    bulk, bulk_of = _worst(az.ess(group, method="bulk"), largest=False)
    tail, tail_of = _worst(az.ess(group, method="tail"), largest=False)
    bfmi = float(np.min(np.asarray(az.bfmi(tree)["energy"]))) if "energy" in stats else np.nan
    more = "sample longer (draws, tune)"
    rows = [
        (
            "divergent transitions",
            diverging,
            "0",
            diverging == 0,
            "raise target_accept towards 0.99; if some stay, simplify the model or tighten priors",
        ),
        (
            f"largest R-hat ({rhat_of})",
            round(rhat, 4),
            f"below {RHAT}",
            rhat < RHAT,
            f"chains disagree: {more}, with 4 chains or more",
        ),
        (
            f"smallest bulk ESS ({bulk_of})",
            round(bulk),
            f"{ESS} or more",
            bulk >= ESS,
            f"means are uncertain: {more}",
        ),
        (
            f"smallest tail ESS ({tail_of})",
            round(tail),
            f"{ESS} or more",
            tail >= ESS,
            f"ends of intervals are uncertain: {more}",
        ),
        (
            "smallest E-BFMI",
            round(bfmi, 3),
            f"above {BFMI}",
            bfmi > BFMI,
            "energies mix slowly: sample longer, or give spreads (_sd) tighter priors",
        ),
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"value": object})


def point_diagnostics(estimates: xr.Dataset) -> pd.DataFrame:
    """Return the checks of a fit by maximum likelihood or maximum a posteriori."""
    converged = estimates["converged"].to_numpy()
    agreeing = estimates["agreeing"].to_numpy()
    total = len(converged)
    rows = [
        (
            "participants whose best search did not converge",
            int((~converged).sum()),
            "0",
            bool(converged.all()),
            "raise starts",
        ),
        (
            "participants whose best end was reached once only",
            int((agreeing < 2).sum()),
            f"at most {total // 20}",
            int((agreeing < 2).sum()) <= total // 20,
            "it may not be the best there is: raise starts",
        ),
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"value": object})


def _worst(values: Any, *, largest: bool) -> tuple[float, str]:
    """Return the worst value and the name of its variable (and participant)."""
    data = values.to_dataset() if isinstance(values, xr.DataTree) else values
    worst, where = -np.inf if largest else np.inf, ""
    for name, array in data.data_vars.items():
        flat = np.atleast_1d(array.to_numpy())
        if not np.isfinite(flat).any():
            continue
        i = int(np.nanargmax(flat) if largest else np.nanargmin(flat))
        if (flat[i] > worst) if largest else (flat[i] < worst):
            worst = float(flat[i])
            person = f" of {array['participant'].to_numpy()[i]}" if array.ndim else ""
            where = f"{name}{person}"
    return worst, where
