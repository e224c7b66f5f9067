"""Participants' log-likelihoods as quadratic functions, and what to draw from where they are used.

A quadratic log-likelihood times a normal distribution is normal: so there is a good proposal for
every participant under every draw of the group, without a search for each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from metacontrol.fitting.importance import FREEDOM
from metacontrol.fitting.individuals import Individuals, Normal


@dataclass(frozen=True)
class Quadratic:
    """Log-likelihoods, but for a constant, as pull @ x - x @ information @ x / 2.

    Attributes
    ----------
    information : array, shape (participants, coefficients, coefficients)
    pull : array, shape (participants, coefficients)
    """

    information: np.ndarray
    pull: np.ndarray

    @classmethod
    def of(cls, individuals: Individuals, prior: Normal) -> Quadratic:
        """Expand each log-likelihood where it is highest together with a prior.

        What curves upwards is taken as flat.
        """
        modes = individuals.modes(prior)
        sizes, directions = np.linalg.eigh(np.linalg.inv(modes.covariance) - prior.precision)
        scaled = directions * np.maximum(sizes, 0.0)[:, None, :]
        information = scaled @ directions.swapaxes(1, 2)
        slope = (modes.values - prior.mean) @ prior.precision
        pull = np.einsum("pjk,pk->pj", information, modes.values) + slope
        return cls(information, pull)


def student(
    information: np.ndarray, pull: np.ndarray, mean: np.ndarray, precision: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return centres and roots of proposals: a quadratic times a normal distribution.

    All have leading dimensions that broadcast.

    Parameters
    ----------
    information, pull : array, shape (..., coefficients, coefficients) and (..., coefficients)
        Of the quadratic.
    mean, precision : array, shape (..., coefficients) and (..., coefficients, coefficients)
        Of the normal distribution.

    Returns
    -------
    centre : array, shape (..., coefficients)
    root : array, shape (..., coefficients, coefficients)
        Lower triangular; the covariance is root @ root.T.
    """
    covariance = np.linalg.inv(information + precision)
    pull = pull + np.einsum("...jk,...k->...j", precision, mean)
    centre = np.einsum("...jk,...k->...j", covariance, pull)
    return centre, np.linalg.cholesky((covariance + covariance.swapaxes(-1, -2)) / 2)


def noise(draws: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return draws of a standard Student distribution, shape (draws, size)."""
    scale = np.sqrt(FREEDOM / rng.chisquare(FREEDOM, draws))
    return rng.standard_normal((draws, size)) * scale[:, None]


def noise_density(squares: np.ndarray, root: np.ndarray) -> np.ndarray:
    """Return the log-density of centre + root @ noise.

    Parameters
    ----------
    squares : array, shape (draws, ...)
        Squared lengths of the noise.
    root : array, shape (..., coefficients, coefficients)
    """
    size = root.shape[-1]
    half = (FREEDOM + size) / 2
    constant = gammaln(half) - gammaln(FREEDOM / 2) - size / 2 * np.log(FREEDOM * np.pi)
    volume = np.log(np.diagonal(root, axis1=-2, axis2=-1)).sum(axis=-1)
    return constant - volume - half * np.log1p(squares / FREEDOM)
