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
from scipy.special import softmax
from threadpoolctl import threadpool_limits

from metacontrol.fitting.hierarchy import Hierarchy
from metacontrol.fitting.importance import Draws, Pool
from metacontrol.fitting.individuals import side_by_side
from metacontrol.fitting.psis import smooth

Moments = tuple[np.ndarray, np.ndarray, np.ndarray]

LARGEST = 0.5  # nats that few draws may have taken from a participant's evidence
HALF_LOG = np.log(2 * np.pi) / 2


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
    pool : Pool, optional
        What they were picked from, if they were.
    """

    hierarchy: Hierarchy
    values: np.ndarray
    base: np.ndarray
    log_likelihood: np.ndarray
    pool: Pool | None = None

    @classmethod
    def of(cls, hierarchy: Hierarchy, draws: Draws) -> Recycled:
        """Return draws, one participant's after another's."""
        values = np.ascontiguousarray(draws.values.transpose(1, 2, 0))
        base, log_likelihood = draws.base.T.copy(), draws.log_likelihood.T.copy()
        return cls(hierarchy, values, base, log_likelihood, draws.pool)

    def evidence(self, vector: Any) -> Any:
        """Return log marginal likelihoods, corrected as by `corrected_moments`.

        Shape (participants,), differentiable by JAX.
        """
        means, log_sd = self.hierarchy.means(vector), self.hierarchy.log_sd(vector)
        return _evidence(self.values, self.base, means, log_sd)

    def moments(self, vector: np.ndarray) -> Moments:
        """Return log marginal likelihoods, and what is expected of coefficients and their squares.

        Shapes (participants,), (participants, own) twice.
        """
        evidence, first, second = (part[:, 0] for part in self._parts(vector))
        return evidence, first, second

    def corrected_moments(self, vector: np.ndarray) -> Moments:
        """Return `moments` without most of the bias that few draws have.

        Ratios of means of S draws are off by some c / S, which does not average out over
        participants: what two halves of the draws find, on average, is off by twice as much
        (Quenouille, 1956, doi:10.1093/biomet/43.3-4.353). Where one half has nearly all of the
        weight there are too few draws to know by how much, and the correction ends.
        """
        evidence, first, second = _corrected(self._parts(vector), np)
        return evidence, first, second

    def _parts(self, vector: np.ndarray) -> Moments:
        """Return moments of all draws and of two halves of them, (participants, 3, ...)."""
        means, log_sd = self.hierarchy.means(vector), self.hierarchy.log_sd(vector)
        evidence, first, second = _moments(self.values, self.base, means, log_sd)
        return np.asarray(evidence), np.asarray(first), np.asarray(second)

    def weights(self, vector: np.ndarray) -> np.ndarray:
        """Return the draws' weights in posteriors, shape (participants, draws), sums 1."""
        return softmax(self._logs(vector), axis=1)

    def effective(self, vector: np.ndarray) -> np.ndarray:
        """Return effective numbers of draws, shape (participants,), as `Draws.effective` does."""
        share = (self.weights(vector) ** 2).sum(axis=1)
        return 1 / (share if self.pool is None else share + 1 / self.pool.effective)

    def pareto_k(self, vector: np.ndarray) -> np.ndarray:
        """Return shapes of the tails of weights, shape (participants,).

        Above 0.7 so few draws have so much of the weight that means over them cannot be trusted
        (Vehtari et al., 2024, jmlr.org/papers/v25/19-556.html).
        """
        found = smooth(self._logs(vector))[1]
        return found if self.pool is None else np.maximum(found, self.pool.pareto_k)

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
        means, log_sd = hierarchy.means(vector), hierarchy.log_sd(vector)
        picked = np.zeros(len(self.base)) if self.pool is None else 1 / self.pool.effective
        people = self.values, self.base, means, hierarchy.regressors, picked
        information, noise = _information(people, log_sd, hierarchy.moves)
        return np.asarray(information), np.asarray(noise)

    def picks(self, vectors: np.ndarray, luck: np.ndarray) -> np.ndarray:
        """Return, for each vector, the number of a draw from each participant's posterior.

        Parameters
        ----------
        vectors : array, shape (vectors, numbers)
        luck : array, shape (vectors, participants)
            Uniform numbers, 0 <= u < 1.
        """
        precision = np.exp(-2 * self.hierarchy.log_sd(vectors))

        def of_one(person: int) -> np.ndarray:
            mean = self.hierarchy.means_of(person, vectors)
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
    return base - (z * z).sum(axis=0) / 2 - (log_sd + HALF_LOG).sum()


# One participant after another: five times faster than all at once, whose numbers leave the cache.
@jax.jit
def _logs(values: Any, base: Any, means: Any, log_sd: Any) -> Any:
    return jax.lax.map(lambda person: _one(person, log_sd), (values, base, means))


@jax.jit
def _moments(values: Any, base: Any, means: Any, log_sd: Any) -> tuple[Any, Any, Any]:
    """Return moments of all draws, of every second and of the others, (participants, 3, ...)."""
    odd = jnp.arange(base.shape[1]) % 2
    parts = jnp.stack([jnp.ones_like(odd), 1 - odd, odd]).astype(base.dtype)

    def moments(person: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        logs = jnp.where(parts, _one(person, log_sd), -jnp.inf)
        top = logs.max(axis=1)  # of each part: of one half all weights may be nothing beside it
        weights = jnp.exp(logs - top[:, None])
        total = weights.sum(axis=1)
        first, second = weights @ person[0].T, weights @ (person[0] * person[0]).T
        evidence = top + jnp.log(total / parts.sum(axis=1))
        return evidence, first / total[:, None], second / total[:, None]

    return jax.lax.map(moments, (values, base, means))


def _corrected(parts: tuple[Any, Any, Any], module: Any) -> tuple[Any, Any, Any]:
    """Return moments of all draws corrected by those of halves, from shapes (participants, 3, ...).

    The evidence's correction d is bounded, L tanh(d / L), so that a group where few draws have all
    the weight gains nothing by it. The other moments are corrected by the slope of that, so that
    they are those from which the evidence's slope follows.
    """
    evidence, first, second = parts
    by = _apart(evidence)
    share = (1 - module.tanh(by / LARGEST) ** 2)[:, None]
    return (
        evidence[:, 0] + LARGEST * module.tanh(by / LARGEST),
        first[:, 0] + share * _apart(first),
        second[:, 0] + share * _apart(second),
    )


def _apart(parts: Any) -> Any:
    """Return by how much moments of all draws are above the mean of those of halves."""
    return parts[:, 0] - (parts[:, 1] + parts[:, 2]) / 2


@jax.jit
def _information(people: Any, log_sd: Any, moves: Any) -> tuple[Any, Any]:
    names, size = moves.shape
    sd = jnp.exp(log_sd)

    def one(person: tuple[Any, ...]) -> tuple[Any, Any]:
        values, base, mean, regressors, picked = person
        weights = jax.nn.softmax(_one((values, base, mean), log_sd))
        z = (values - mean[:, None]) / sd[:, None]
        parts = jnp.concatenate([z, z**2])  # a draw's score is linear in them
        expected = parts @ weights
        parts -= expected[:, None]
        x = (moves / sd).T * regressors
        to_score = jax.scipy.linalg.block_diag(x.T, jnp.eye(size))
        mixed = 2 * x.T * expected[:size]
        whole = jnp.block([[x.T @ x, mixed], [mixed.T, 2 * jnp.diag(expected[size:])]])
        missing = to_score @ ((parts * weights) @ parts.T) @ to_score.T
        luck = weights**2 + picked * weights  # of weighing them, and of picking them
        return whole - missing, to_score @ ((parts * luck) @ parts.T) @ to_score.T

    def add(sums: Any, person: Any) -> tuple[Any, None]:
        return jax.tree.map(jnp.add, sums, one(person)), None

    nothing = jnp.zeros((names + size, names + size))
    return jax.lax.scan(add, (nothing, nothing), people)[0]


@jax.custom_vjp
def _evidence(values: Any, base: Any, means: Any, log_sd: Any) -> Any:
    return _forwards(values, base, means, log_sd)[0]


def _forwards(values: Any, base: Any, means: Any, log_sd: Any) -> tuple[Any, Any]:
    evidence, first, second = _corrected(_moments(values, base, means, log_sd), jnp)
    return evidence, (first, second, means, log_sd)


def _backwards(kept: Any, cotangent: Any) -> tuple[Any, ...]:
    """Return slopes by Fisher's identity: the score that is expected of whole coefficients."""
    first, second, means, log_sd = kept
    variance = jnp.exp(2 * log_sd)
    by_mean = (first - means) / variance
    by_log_sd = (second - 2 * first * means + means**2) / variance - 1
    return None, None, cotangent[:, None] * by_mean, cotangent @ by_log_sd


_evidence.defvjp(_forwards, _backwards)
