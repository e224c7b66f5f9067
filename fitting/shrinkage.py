"""How much of an estimate with a prior is the prior's, and how much the choices'."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import ndtr

from metacontrol.models.parameter import Prior

SCORES = np.linspace(-3, 3, 11)  # in standard deviations, were the prior normal
LOWEST = -1e300  # where there is no number, nothing was chosen so
LEANING = 0.25  # of the prior's variance: where more is left, means of estimates mislead


def shrinkage(
    log_likelihood: Callable[[np.ndarray], np.ndarray],
    values: np.ndarray,
    priors: Sequence[Prior],
    bounds: np.ndarray,
) -> np.ndarray:
    """Return the share of each prior's variance that choices leave, others held at their estimates.

    It is 1 less the contraction of Betancourt (2018, arXiv:1803.08393). Where prior and likelihood
    are normal, an estimate is this share of the prior's mean and the rest of what choices alone
    would have it; Savic & Karlsson (2009, doi:10.1208/s12248-009-9133-0) warn of estimates from 20
    to 30 % on. So that bounds and flat tops do no harm, the likelihood weighs quantiles of the
    prior; so that no scale is preferred, variances are of the quantiles' normal scores. With all
    coefficients free more is left than this: where two can stand in for each other, choices tell
    less of either than it says.

    Parameters
    ----------
    log_likelihood : callable
        Of points, shape (participants, any number, coefficients), without the last axis, in nats.
    values : array, shape (participants, coefficients)
        The estimates.
    priors : sequence of Prior
        Of the coefficients.
    bounds : array, shape (coefficients, 2)
        Of the search: quantiles beyond stand there.

    Returns
    -------
    array, shape (participants, coefficients)
        1 where choices say nothing, near 0 where they say all; above 1 where they speak for both
        ends rather than the middle.
    """
    people, size = values.shape
    points = np.tile(values[:, None, None, :], (1, size, len(SCORES), 1))
    for k, prior in enumerate(priors):
        points[:, k, :, k] = np.clip(prior.quantile(ndtr(SCORES)), *bounds[k])
    told = log_likelihood(points.reshape(people, -1, size)).reshape(people, size, -1)
    told = np.where(np.isfinite(told), told, LOWEST)
    left = _variance(told - SCORES**2 / 2)
    return left / _variance(-(SCORES**2) / 2)


def _variance(log_weights: np.ndarray) -> np.ndarray:
    """Return the variance of the scores with given weights, shape (..., scores)."""
    weights = np.exp(log_weights - log_weights.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights @ SCORES**2 - (weights @ SCORES) ** 2
