"""How well one session tells people apart: the reliability of their parameters."""

from __future__ import annotations

import numpy as np
import pandas as pd

from metacontrol.fitting.result import Fit
from metacontrol.fitting.sessions import people_by_session


def reliability(fit: Fit, *, seed: int) -> pd.DataFrame:
    """Return how reliable participants' parameters are, from their posterior.

    Two draws of the posterior are like two measurements of the same people: their correlation over
    people is that of two estimates from as many trials, whose mean over pairs of draws is the
    relative measurement uncertainty (RMU; Bignardi, Kievit & Buerkner, 2025,
    doi:10.31234/osf.io/h54k8). 1 says that choices tell exactly who has how much, 0 that they tell
    nothing of how people differ. It is on the natural scale (coefficients of a formula on the
    link's). Of a fit with ``sessions=`` it is that of each session, among those who came; for the
    correlation between sessions see `Fit.correlations`.

    Parameters
    ----------
    fit : Fit
        Of a group of two people or more.
    seed : int
        Seed of which draws make a pair; each draw is in one pair.

    Returns
    -------
    DataFrame
        One row a coefficient that differs between people (and session): parameter, session where
        there are any, reliability (the mean), and the lower and upper end of 95 % of pairs.

    Raises
    ------
    ValueError
        If the fit has no posterior, or of one person only (in some session).
    """
    if not fit.sampled:
        raise ValueError(f"posterior draws need a fit of the group, this one is by {fit.method}")
    posterior = fit.tree["posterior"].to_dataset().stack(sample=("chain", "draw"))
    size = posterior.sizes["sample"]
    order = np.random.default_rng(seed).permutation(size)[: size // 2 * 2]
    rows = []
    for session, people in people_by_session(posterior).items():
        if len(people) < 2:
            where = f" in session {session}" if session else ""
            raise ValueError(
                f"reliability is of differences between people, but there is {len(people)}{where}"
            )
        for name in fit.about["coefficients"]:
            if f"{name}_sd" not in posterior:
                continue
            values = posterior[name].transpose("sample", "participant").to_numpy()[:, people]
            apart = values - values.mean(axis=1, keepdims=True)
            apart /= np.linalg.norm(apart, axis=1, keepdims=True)
            r = (apart[order[::2]] * apart[order[1::2]]).sum(axis=1)
            lower, upper = np.quantile(r, [0.025, 0.975])
            rows.append((name, session, r.mean(), lower, upper))
    table = pd.DataFrame(rows, columns=["parameter", "session", "reliability", "lower", "upper"])
    return table if "session" in posterior else table.drop(columns="session")
