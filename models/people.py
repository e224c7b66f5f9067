"""Participants to simulate: parameters drawn as a model's priors expect them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from metacontrol.models.model import Model


def draw_participants(model: Model, participants: int, *, seed: int) -> pd.DataFrame:
    """Draw participants from the group that a model's priors expect.

    On the scale of its link each parameter is normal: its mean is the prior mean of the group's
    mean, its standard deviation the prior mean of the group's standard deviation. Weights and
    learning rates then lie from .17 to .83 in 95 % of people, inverse temperatures from 0.6 to 13.

    Parameters
    ----------
    model : Model
        Whose free parameters to draw.
    participants : int
        How many.
    seed : int
        Seed of the draw.

    Returns
    -------
    DataFrame
        One row a participant (`participant`: s1, s2, ...), a column for each free parameter, on
        its natural scale: for `simulate`. Replace columns as you like.

    Raises
    ------
    ValueError
        If `participants` is below 1.

    Examples
    --------
    >>> from metacontrol.models import HYBRID
    >>> people = draw_participants(HYBRID, 1000, seed=1)
    >>> round(float(people["w"].median()), 1)
    0.5
    """
    if participants < 1:
        raise ValueError(f"participants must be 1 or more, got {participants}")
    rng = np.random.default_rng(seed)
    columns = {
        p.name: p.link.inverse(rng.normal(p.group_mean.mean, p.group_sd.mean, participants))
        for p in model.free
    }
    return pd.DataFrame({"participant": [f"s{i + 1}" for i in range(participants)]} | columns)
