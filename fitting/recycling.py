"""Draws of each participant's coefficients, used again for one group after another.

What choices say of a group is an integral over coefficients for each participant. Draws from about
where the integrand is large give it for every group nearby without another look at the choices
(Lunn et al., 2013, doi:10.1111/rssc.12007)::

    log p(y_i | group) = log mean_s exp( base_is + log Normal(theta_is | group) )
    base_is = log p(y_i | theta_is) - log q_i(theta_is)

with q_i the density that participant i's draws were proposed from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from arviz_stats.base import array_stats  # type: ignore[attr-defined]
from scipy.special import softmax
from threadpoolctl import threadpool_limits

from metacontrol.fitting.hierarchy import Hierarchy
from metacontrol.fitting.importance import Draws
from metacontrol.fitting.individuals import Normal, side_by_side


@dataclass(frozen=True)
class Recycled:
    """Draws to be used again.

    Attributes
    ----------
    hierarchy : Hierarchy
        What the numbers of a group mean.
    values : array, shape (participants, own, draws)
        On the scale of links.
    base : array, shape (participants, draws)
        Log-likelihood less the log of the proposal's density.
    log_likelihood : array, shape (participants, draws)
    """

    hierarchy: Hierarchy
    values: np.ndarray
    base: np.ndarray
    log_likelihood: np.ndarray

    @classmethod
    def of(cls, hierarchy: Hierarchy, draws: Draws, prior: Normal) -> Recycled:
        """Return draws that were made under a prior."""
        base = draws.log_ratio - prior.logpdf(draws.values)
        values = np.ascontiguousarray(draws.values.transpose(1, 2, 0))
        return cls(hierarchy, values, base.T.copy(), draws.log_likelihood.T.copy())

    def evidence(self, vector: Any) -> Any:
        """Return log marginal likelihoods, shape (participants,), differentiable by JAX."""
        means, log_sd = self.hierarchy.means(vector), self.hierarchy.log_sd(vector)
        return _evidence(self.values, self.base, means, log_sd)

    def moments(self, vector: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return log marginal likelihoods, and what is expected of coefficients and their squares.

        Shapes (participants,), (participants, own) twice.
        """
        means, log_sd = self.hierarchy.means(vector), self.hierarchy.log_sd(vector)
        evidence, first, second = _moments(self.values, self.base, means, log_sd)
        return np.asarray(evidence), np.asarray(first), np.asarray(second)

    def weights(self, vector: np.ndarray) -> np.ndarray:
        """Return the draws' weights in posteriors, shape (participants, draws), sums 1."""
        return softmax(self._logs(vector), axis=1)

    def effective(self, vector: np.ndarray) -> np.ndarray:
        """Return effective numbers of draws, shape (participants,)."""
        return 1 / (self.weights(vector) ** 2).sum(axis=1)

    def pareto_k(self, vector: np.ndarray) -> np.ndarray:
        """Return shapes of the tails of weights, shape (participants,).

        Above 0.7 so few draws have so much of the weight that means over them cannot be trusted
        (Vehtari et al., 2024, jmlr.org/papers/v25/19-556.html).
        """
        logs = self._logs(vector)
        logs = np.maximum(logs, logs.max(axis=1, keepdims=True) - 700)
        logs = -logs  # it takes log-likelihoods, and turns them
        return np.asarray(array_stats.psislw(logs)[1])  # type: ignore[no-untyped-call]

    def information(self, vector: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the observed information of a vector, and the noise that draws add to its score.

        The information is what whole coefficients would tell, less what is missing as they are
        known by choices only (Louis, 1982, doi:10.1111/j.2517-6161.1982.tb01203.x).

        Returns
        -------
        information, noise : array, shape (numbers, numbers)
            Minus the second derivatives of the log marginal likelihood, and the covariance of its
            first derivatives over draws anew.
        """
        hierarchy = self.hierarchy
        means, sd = hierarchy.means(vector), np.exp(hierarchy.log_sd(vector))
        size = len(sd)
        weights = self.weights(vector)
        effects = (hierarchy.moves / sd).T  # of own on effects
        information = np.zeros((len(vector), len(vector)))
        noise = np.zeros_like(information)
        to_score = np.zeros((len(vector), 2 * size))
        to_score[-size:, size:] = np.eye(size)
        for i, w in enumerate(weights):
            z = (self.values[i] - means[i][:, None]) / sd[:, None]
            parts = np.concatenate([z, z**2])  # a draw's score is linear in them
            expected = parts @ w
            parts -= expected[:, None]
            x = effects * hierarchy.regressors[i]
            to_score[:-size, :size] = x.T
            whole = np.zeros_like(information)
            whole[:-size, :-size] = x.T @ x
            whole[:-size, -size:] = 2 * x.T * expected[:size]
            whole[-size:, :-size] = whole[:-size, -size:].T
            whole[-size:, -size:] = 2 * np.diag(expected[size:])
            information += whole - to_score @ ((parts * w) @ parts.T) @ to_score.T
            noise += to_score @ ((parts * w**2) @ parts.T) @ to_score.T
        return information, noise

    def picks(self, vectors: np.ndarray, luck: np.ndarray) -> np.ndarray:
        """Return, for each vector, the number of a draw from each participant's posterior.

        Parameters
        ----------
        vectors : array, shape (vectors, numbers)
        luck : array, shape (vectors, participants)
            Uniform numbers, 0 <= u < 1.
        """
        hierarchy, effects = self.hierarchy, vectors[:, : len(self.hierarchy.names)]
        precision = np.exp(-2 * hierarchy.log_sd(vectors))

        def of_one(person: int) -> np.ndarray:
            mean = (effects * hierarchy.regressors[person]) @ hierarchy.moves
            values = self.values[person]
            weights = (mean * precision) @ values - precision @ (values**2 / 2) + self.base[person]
            weights -= weights.max(axis=1, keepdims=True)
            sums = np.exp(weights, out=weights).cumsum(axis=1, out=weights)
            return (sums < luck[:, person, None] * sums[:, -1:]).sum(axis=1)

        with threadpool_limits(1, "blas"):
            return np.stack(side_by_side(of_one, range(len(self.values))), axis=1)

    def _logs(self, vector: np.ndarray) -> np.ndarray:
        means, log_sd = self.hierarchy.means(vector), self.hierarchy.log_sd(vector)
        return np.asarray(_logs(self.values, self.base, means, log_sd))


def _one(person: tuple[Any, Any, Any], log_sd: Any) -> Any:
    """Return log-weights of one participant's draws, not normalised, shape (draws,)."""
    values, base, mean = person
    z = (values - mean[:, None]) * jnp.exp(-log_sd)[:, None]
    return base - (z * z).sum(axis=0) / 2 - (log_sd + np.log(2 * np.pi) / 2).sum()


# One participant after another: five times faster than all at once, whose numbers leave the cache.
@jax.jit
def _logs(values: Any, base: Any, means: Any, log_sd: Any) -> Any:
    return jax.lax.map(lambda person: _one(person, log_sd), (values, base, means))


@jax.jit
def _moments(values: Any, base: Any, means: Any, log_sd: Any) -> tuple[Any, Any, Any]:
    def moments(person: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        logs = _one(person, log_sd)
        top = logs.max()
        weights = jnp.exp(logs - top)
        total = weights.sum()
        first, second = person[0] @ weights, (person[0] * person[0]) @ weights
        return top + jnp.log(total / len(logs)), first / total, second / total

    return jax.lax.map(moments, (values, base, means))


@jax.custom_vjp
def _evidence(values: Any, base: Any, means: Any, log_sd: Any) -> Any:
    return _moments(values, base, means, log_sd)[0]


def _forwards(values: Any, base: Any, means: Any, log_sd: Any) -> tuple[Any, Any]:
    evidence, first, second = _moments(values, base, means, log_sd)
    return evidence, (first, second, means, log_sd)


def _backwards(kept: Any, cotangent: Any) -> tuple[Any, ...]:
    """Return slopes by Fisher's identity: the score that is expected of whole coefficients."""
    first, second, means, log_sd = kept
    variance = jnp.exp(2 * log_sd)
    by_mean = (first - means) / variance
    by_log_sd = (second - 2 * first * means + means**2) / variance - 1
    return None, None, cotangent[:, None] * by_mean, cotangent @ by_log_sd


_evidence.defvjp(_forwards, _backwards)
