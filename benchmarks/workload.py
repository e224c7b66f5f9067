"""What is timed and weighed: participants, their choices, and our value and gradient of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import jax
import numpy as np
import pandas as pd

from metacontrol.models import Model
from metacontrol.models.engine.replay import log_likelihood
from metacontrol.models.scoring import Scoring
from metacontrol.tasks import DAW_2011, OTTO_2013, Choices

TASK = replace(DAW_2011, instructed=True)
LOADED = replace(OTTO_2013, instructed=True, stakes=(1.0, 5.0))
TRIALS = 200


def draw(model: Model, participants: int) -> pd.DataFrame:
    """Draw parameters around the middle of the group's prior."""
    rng = np.random.default_rng(participants)
    table = {"participant": [f"s{i + 1}" for i in range(participants)]}
    for p in model.free:
        centre = p.group_mean.arguments[0] if p.group_mean.family == "normal" else 0.0
        table[p.name] = p.link.inverse(rng.normal(centre, 0.8, participants))
    return pd.DataFrame(table)


def matrix(parameters: pd.DataFrame) -> np.ndarray:
    """Return parameters as the engine takes them, shape (participants, parameters)."""
    return parameters.drop(columns="participant").to_numpy()


def value_and_gradient(model: Model, data: Choices) -> Callable:
    """Return theta (participants, parameters) -> value, gradient by our engine."""
    scoring = Scoring.of(model, data)
    total = log_likelihood(scoring.story, scoring.records)
    return jax.jit(jax.value_and_grad(lambda theta: total(theta).sum()))
