"""Pareto smoothed importance sampling: weights that can be trusted, or that say they cannot.

Vehtari, Simpson, Gelman, Yao & Gabry (2024, J. Machine Learning Research 25(72)). The largest
ratios are replaced by the quantiles of a generalised Pareto distribution fitted to them; its shape
k says how heavy their tail is. With k below 0.7 sums of some thousand draws can be trusted.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

GOOD = 0.7  # largest k with which weights are trusted
LEAST = 25  # draws from which a tail can be told


def smooth(log_ratios: np.ndarray, efficiency: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return smoothed weights and the shape of their tail.

    Parameters
    ----------
    log_ratios : array, shape (rows, draws)
        Logs of importance ratios, up to a constant in each row.
    efficiency : float
        Effective number of draws over their number, for draws of a chain.

    Returns
    -------
    log_weights : array, shape (rows, draws)
        Whose exponentials sum to 1 in each row.
    k : array, shape (rows,)
        0 where all ratios of the tail are equal, infinite where no tail can be fitted.

    Raises
    ------
    ValueError
        If there are fewer than 25 draws.

    Examples
    --------
    >>> weights, k = smooth(np.zeros((1, 100)))
    >>> float(np.exp(weights[0, 0]).round(4)), float(k[0])
    (0.01, 0.0)
    """
    draws = log_ratios.shape[1]
    if draws < LEAST:
        raise ValueError(f"weights are smoothed with {LEAST} draws or more, got {draws}")
    ratios = log_ratios - log_ratios.max(axis=1, keepdims=True)
    size = int(min(draws / 5, 3 * np.sqrt(draws / min(efficiency, 1.0))))
    largest = np.argpartition(ratios, draws - size - 1, axis=1)[:, draws - size - 1 :]
    below = np.exp(np.take_along_axis(ratios, largest[:, :1], axis=1))
    tail = largest[:, 1:]
    order = np.argsort(np.take_along_axis(ratios, tail, axis=1), axis=1)
    tail = np.take_along_axis(tail, order, axis=1)
    above = np.exp(np.take_along_axis(ratios, tail, axis=1)) - below
    k, scale = _pareto(above)
    fitted = np.isfinite(k) & (scale > 0)
    chance = (np.arange(size) + 0.5) / size
    shape, width = k[fitted, None], scale[fitted, None]
    steps = -np.log1p(-chance)  # quantiles of the exponential distribution, where k is 0
    with np.errstate(invalid="ignore", divide="ignore"):
        quantiles = np.where(shape == 0, steps, np.expm1(shape * steps) / shape)
    smoothed = np.minimum(np.log(below[fitted] + width * quantiles), 0.0)
    ratios[np.flatnonzero(fitted)[:, None], tail[fitted]] = smoothed
    return ratios - logsumexp(ratios, axis=1, keepdims=True), k


def _pareto(above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return shape and scale of generalised Pareto distributions, each of shape (rows,).

    By the estimator of Zhang & Stephens (2009, doi:10.1198/tech.2009.08017), the shape drawn
    towards 0.5 as by ten more observations.

    Parameters
    ----------
    above : array, shape (rows, size)
        By how much values are above the threshold, in rising order.
    """
    size = above.shape[1]
    quartile, largest = above[:, int(size / 4 + 0.5) - 1], above[:, -1]
    k = np.where(above[:, -1] - above[:, 0] <= np.finfo(float).tiny, 0.0, np.inf)
    scale = np.full(len(above), np.nan)
    told = quartile > above[:, 0]
    above = above[told]
    grid = 30 + int(np.sqrt(size))
    spread = (1 - np.sqrt(grid / (np.arange(grid) + 0.5))) / 3
    rates = spread / quartile[told, None] + 1 / largest[told, None]
    shapes = np.empty_like(rates)
    for row, (r, x) in enumerate(zip(rates, above, strict=True)):
        shapes[row] = np.log1p(-r[:, None] * x).mean(axis=1)
    score = size * (np.log(-rates / shapes) - shapes - 1)
    share = np.exp(score - logsumexp(score, axis=1, keepdims=True))
    rate = (rates * share).sum(axis=1)
    shape = np.log1p(-rate[:, None] * above).mean(axis=1)
    k[told] = (size * shape + 10 * 0.5) / (size + 10)
    scale[told] = -shape / rate
    k[np.isnan(k)] = np.inf
    return k, scale
