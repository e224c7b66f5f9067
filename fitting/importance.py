"""Draws from participants' posteriors by importance sampling: the weights make them exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import gammaln, logsumexp, softmax

from metacontrol.fitting.individuals import Individuals, Modes, Normal

FREEDOM = 5  # of the Student distribution that draws are proposed from
DEFENCE = 0.1  # share of draws from the prior: no ratio is above ten times a likelihood
ROUNDS = (200, 200, 200)  # draws that only find out where to draw from
KERNELS = 40  # Student distributions around likely draws
WIDTH = 0.9  # of these, in standard deviations of the posterior
LARGEST = 0.1  # weight of one draw in finding them


@dataclass(frozen=True)
class Draws:
    """Draws from posteriors by importance sampling.

    Attributes
    ----------
    values : array, shape (draws, participants, coefficients)
        On the scale of links.
    log_likelihood : array, shape (draws, participants)
    log_ratio : array, shape (draws, participants)
        Log of the posterior's density, not normalised, over that of the proposal.
    """

    values: np.ndarray
    log_likelihood: np.ndarray
    log_ratio: np.ndarray

    @property
    def weights(self) -> np.ndarray:
        """Weights that sum to 1 for each participant, shape (draws, participants)."""
        return softmax(self.log_ratio, axis=0)

    @property
    def log_evidence(self) -> np.ndarray:
        """Each participant's marginal likelihood in nats, shape (participants,)."""
        return logsumexp(self.log_ratio, axis=0) - np.log(len(self.log_ratio))

    @property
    def effective(self) -> np.ndarray:
        """Effective number of draws of each participant, shape (participants,)."""
        return 1 / (self.weights**2).sum(axis=0)


@dataclass(frozen=True)
class Proposal:
    """Where draws of each participant come from: its prior, or Student distributions.

    Attributes
    ----------
    prior : Normal
    centres : array, shape (kernels, participants, coefficients)
    covariance : array, shape (participants, coefficients, coefficients)
        Scale of all Student distributions of a participant.
    """

    prior: Normal
    centres: np.ndarray
    covariance: np.ndarray

    @cached_property
    def root(self) -> np.ndarray:
        """Lower triangle whose product with itself is the covariance."""
        return np.linalg.cholesky(self.covariance)

    def draw(self, count: int, rngs: Sequence[np.random.Generator]) -> np.ndarray:
        """Return draws, shape (count, participants, coefficients), a stream for each person."""
        kernels, people, size = self.centres.shape
        defence = round(DEFENCE * count)
        spread = np.linalg.cholesky(self.prior.covariance)
        mean = np.broadcast_to(self.prior.mean, (people, size))
        values = np.empty((count, people, size))
        for i, rng in enumerate(rngs):
            normal = rng.standard_normal((count, size))
            width = np.sqrt(rng.chisquare(FREEDOM, (count, 1)) / FREEDOM)
            picks = rng.integers(kernels, size=count)
            values[:, i] = self.centres[picks, i] + normal / width @ self.root[i].T
            values[:defence, i] = mean[i] + normal[:defence] @ spread.T
        return values

    def logpdf(self, values: np.ndarray) -> np.ndarray:
        """Return log-densities of draws, shape (draws, participants)."""
        size = values.shape[-1]
        inverse = np.linalg.inv(self.root)
        density = np.asarray(_mixture(values.swapaxes(0, 1), self.centres.swapaxes(0, 1), inverse))
        constant = (
            gammaln((FREEDOM + size) / 2)
            - gammaln(FREEDOM / 2)
            - size / 2 * np.log(FREEDOM * np.pi)
            - np.log(len(self.centres))
            + np.log(np.diagonal(inverse, axis1=1, axis2=2)).sum(axis=1)
        )
        return np.logaddexp(
            np.log(DEFENCE) + self.prior.logpdf(values),
            np.log1p(-DEFENCE) + density.T + constant,
        )


# One participant after another, whose numbers stay in cache.
@jax.jit
def _mixture(values: Any, centres: Any, inverse: Any) -> Any:
    """Return logs of sums of Student densities, not normalised, shape (participants, draws)."""

    def one(person: tuple[Any, Any, Any]) -> Any:
        values, centres, inverse = person
        at, centres = inverse @ values.T, inverse @ centres.T

        def add(total: Any, centre: Any) -> tuple[Any, None]:
            distance = ((at - centre[:, None]) ** 2).sum(axis=0)
            near = jax.lax.rsqrt(1 + distance / FREEDOM)
            return total + jax.lax.integer_pow(near, FREEDOM + len(at)), None

        return jnp.log(jax.lax.scan(add, jnp.zeros(len(values)), centres.T)[0])

    return jax.lax.map(one, (values, centres, inverse))


def draw(individuals: Individuals, prior: Normal, modes: Modes, count: int, *, seed: int) -> Draws:
    """Draw from posteriors by importance sampling.

    One in ten draws is proposed from the prior. The others come from Student distributions: in the
    first rounds from one at the mode, with its curvature; later from a mixture of some around
    likely draws of the rounds before, drawn towards their mean so that together they are as wide
    as the posterior (West 1993, doi:10.1111/j.2517-6161.1993.tb01911.x). Only those of the last
    round are returned, so that weights stay free of bias. A participant's draws do not depend on
    who else is there.

    Parameters
    ----------
    individuals : Individuals
        Whose.
    prior : Normal
        Of the coefficients.
    modes : Modes
        From the same prior, or another one not too far.
    count : int
        Draws of each participant.
    seed : int
        Seed of the draws.
    """
    rngs = [
        np.random.default_rng([seed, *name.encode()]) for name in individuals.scoring.participants
    ]
    proposal = Proposal(prior, modes.values[None], modes.covariance)
    rounds: list[Draws] = []
    for size in (*ROUNDS, count):
        values = proposal.draw(size, rngs)
        score = individuals.log_likelihood(values)
        score = np.where(np.isfinite(score), score, -np.inf)
        ratio = score + prior.logpdf(values) - proposal.logpdf(values)
        rounds.append(Draws(values, score, ratio))
        if len(rounds) <= len(ROUNDS):
            proposal = _closer(proposal, rounds, modes, rngs)
    return rounds[-1]


def _closer(
    proposal: Proposal, rounds: Sequence[Draws], modes: Modes, rngs: Sequence[np.random.Generator]
) -> Proposal:
    """Return a proposal around likely draws of several rounds."""
    values = np.concatenate([r.values for r in rounds])
    ratio = np.concatenate([r.log_ratio + np.log(len(r.log_ratio)) for r in rounds])
    weights = np.minimum(softmax(ratio, axis=0), LARGEST)
    weights /= weights.sum(axis=0)
    mean = np.einsum("sp,spk->pk", weights, values)
    apart = values - mean
    spread = np.einsum("sp,spj,spk->pjk", weights, apart, apart)
    effective = 1 / (weights**2).sum(axis=0)[:, None, None]
    known = effective / (effective + KERNELS / 2)  # a spread of few draws says little
    covariance = known * spread + (1 - known) * modes.covariance
    picks = [
        np.searchsorted(shares.cumsum(), (np.arange(KERNELS) + rng.random(KERNELS)) / KERNELS)
        for shares, rng in zip(weights.T, rngs, strict=True)
    ]
    places = np.minimum(np.array(picks).T, len(values) - 1)
    return Proposal(
        proposal.prior,
        mean + np.sqrt(1 - WIDTH**2) * np.take_along_axis(apart, places[..., None], axis=0),
        WIDTH**2 * covariance,
    )
