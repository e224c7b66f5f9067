"""Leave the future out: predict a participant's next choices from those before."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from metacontrol.fitting.others import Others
from metacontrol.fitting.pointwise import trial_rows
from metacontrol.fitting.psis import GOOD, smooth

REFITS = 20  # most of a participant


def leave_future(others: Others, *, draws: int, steps: int, first: int, seed: int) -> pd.DataFrame:
    """Predict trials from the trials before, with the group as the others tell of it.

    Burkner, Gabry & Vehtari (2020, doi:10.1080/00949655.2020.1783262): draws from a participant's
    posterior given the first trials are weighted by the likelihood of each further one; where
    Pareto k rises above 0.7, new draws are made given the trials up to there.

    Parameters
    ----------
    others : Others
        What the others tell of each participant.
    draws : int
        Draws of each participant's coefficients.
    steps : int
        Trials ahead that are predicted at once.
    first : int
        Trials that are seen before the first prediction.
    seed : int
        Seed of the draws.

    Returns
    -------
    DataFrame
        One row for each prediction: `row` (of the data, where its first trial is), `elpd` in nats,
        `pareto_k`, and `refits` (how often the participant was drawn anew before it).
    """
    scoring = others.individuals.scoring
    rows = [trial_rows(scoring, person) for person in range(len(scoring.participants))]
    ends = [len(r) - steps + 1 for r in rows]
    tables = []
    start = np.array([min(first, max(end, 0)) for end in ends])
    for refit in range(REFITS + 1):
        going = [person for person, end in enumerate(ends) if start[person] < end]
        if not going:
            break
        kept = [np.arange(len(r)) < begin for r, begin in zip(rows, start, strict=True)]
        known = others.given(kept)
        for person in going:
            begin, end = start[person], ends[person]
            scores, ratios = known.draw(person, draws, seed + refit)
            scores = scores[begin:]
            seen = np.vstack([np.zeros(draws), np.cumsum(scores, axis=0)])
            before, after = seen[: end - begin], seen[steps:]
            ahead = np.full_like(after, -np.inf)  # where what was seen is impossible
            np.subtract(after, before, out=ahead, where=np.isfinite(before))
            weights, k = smooth(before + ratios)
            late = np.flatnonzero(k[1:] > GOOD) + 1
            stop = late[0] if len(late) and refit < REFITS else end - begin
            table = {
                "row": rows[person][begin : begin + stop],
                "elpd": logsumexp(weights + ahead, axis=1)[:stop],
                "pareto_k": k[:stop],
                "refits": refit,
            }
            tables.append(pd.DataFrame(table))
            start[person] = begin + stop
    return pd.concat(tables).sort_values("row", ignore_index=True)
