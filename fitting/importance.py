"""Draws from participants' posteriors by importance sampling: the weights make them exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import gammaln, logsumexp, softmax

from metacontrol.fitting.individuals import Individuals, Normal
from metacontrol.fitting.psis import smooth

FREEDOM = 5  # of the Student distribution that draws are proposed from
DEFENCE = 0.1  # share of draws from the prior: no ratio is above ten times a likelihood
SEARCH = 25  # steps to a mode, near which draws find their way
ROUNDS = 12  # of draws that only find out where to draw from
AGAIN = 2  # where others are known that were drawn nearby
SIZE = 100  # draws in a round
KERNELS = 40  # Student distributions around likely draws
WIDTH = 0.9  # of these, in standard deviations of the posterior
LARGEST = 0.1  # weight of one draw in finding them
LOT = 256  # participants whose pools are in memory together


@dataclass(frozen=True)
class Pool:
    """What draws were picked from.

    Attributes
    ----------
    effective, pareto_k : array, shape (participants,)
        Effective number of its draws, and the shape of the tail of their weights.
    """

    effective: np.ndarray
    pareto_k: np.ndarray


@dataclass(frozen=True)
class Draws:
    """Draws from posteriors by importance sampling, to be weighed under one prior or another.

    Attributes
    ----------
    values : array, shape (draws, participants, coefficients)
        On the scale of links.
    log_likelihood : array, shape (draws, participants)
    base : array, shape (draws, participants)
        Log-likelihood less the log of the density that they were proposed from.
    spread : array, shape (participants, coefficients, coefficients)
        Covariance of each posterior, as far as it was known when they were proposed.
    pool : Pool, optional
        What they were picked from, if they were.
    """

    values: np.ndarray
    log_likelihood: np.ndarray
    base: np.ndarray
    spread: np.ndarray
    pool: Pool | None = None

    def log_ratio(self, prior: Normal) -> np.ndarray:
        """Return logs of posterior over proposal, not normalised, shape (draws, participants)."""
        return self.base + prior.logpdf(self.values)

    def weights(self, prior: Normal) -> np.ndarray:
        """Return weights that sum to 1 for each participant, shape (draws, participants)."""
        return softmax(self.log_ratio(prior), axis=0)

    def log_evidence(self, prior: Normal) -> np.ndarray:
        """Return each participant's marginal likelihood in nats, shape (participants,)."""
        return logsumexp(self.log_ratio(prior), axis=0) - np.log(len(self.values))

    def effective(self, prior: Normal) -> np.ndarray:
        """Return the effective number of draws of each participant, shape (participants,).

        Variances of picking them and of weighing them add up.
        """
        share = (self.weights(prior) ** 2).sum(axis=0)
        return 1 / (share if self.pool is None else share + 1 / self.pool.effective)

    def picked(self, prior: Normal, count: int, rngs: Sequence[np.random.Generator]) -> Draws:
        """Return some draws, picked by their weights: draws from posteriors, all as likely.

        What is left for their weights to do is to tell the prior from another one nearby, by which
        far fewer draws say as much (Rubin, 1988, sampling and importance resampling).
        """
        in_order = _picks(self.weights(prior), count, rngs)
        places = np.stack(
            [rng.permutation(own) for own, rng in zip(in_order.T, rngs, strict=True)], axis=1
        )
        values = np.take_along_axis(self.values, places[..., None], axis=0)
        return Draws(
            values,
            np.take_along_axis(self.log_likelihood, places, axis=0),
            self.log_evidence(prior) - prior.logpdf(values),
            self.spread,
            Pool(self.effective(prior), smooth(self.log_ratio(prior).T)[1]),
        )

    @classmethod
    def joined(cls, lots: Sequence[Draws]) -> Draws:
        """Return picked draws of the participants of several lots."""
        values, log_likelihood, base = (
            np.concatenate([getattr(lot, name) for lot in lots], axis=1)
            for name in ("values", "log_likelihood", "base")
        )
        spread = np.concatenate([lot.spread for lot in lots])
        pools = zip(*(astuple(lot.pool) for lot in lots if lot.pool), strict=True)
        pool = Pool(*(np.concatenate(parts) for parts in pools))
        return cls(values, log_likelihood, base, spread, pool)


@dataclass(frozen=True)
class Proposal:
    """Where draws of each participant come from: its prior, or Student distributions.

    Attributes
    ----------
    prior : Normal
    centres : array, shape (kernels, participants, coefficients)
    spread : array, shape (participants, coefficients, coefficients)
        Covariance of each posterior, as far as it is known.
    width : float
        Of all Student distributions, in standard deviations of the posterior.
    """

    prior: Normal
    centres: np.ndarray
    spread: np.ndarray
    width: float

    @cached_property
    def root(self) -> np.ndarray:
        """Lower triangle whose product with itself is the scale of a Student distribution."""
        return np.linalg.cholesky(self.width**2 * self.spread)

    def only(self, people: np.ndarray) -> Proposal:
        """Return that of some participants, by their numbers."""
        centres, spread = self.centres[:, people], self.spread[people]
        return Proposal(self.prior.only(people), centres, spread, self.width)

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


def draw(
    individuals: Individuals,
    prior: Normal,
    count: int,
    *,
    seed: int | Sequence[int],
    known: Draws | None = None,
    pool: int = 1,
) -> Draws:
    """Draw from posteriors by importance sampling.

    One in ten draws is proposed from the prior. The others come from Student distributions: in the
    first round from one at the mode, with its curvature; later from a mixture of some around
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
    count : int
        Draws of each participant.
    seed : int or sequence of int
        Seed of the draws; another than that of the known ones.
    known : Draws, optional
        Under a prior not far from this one, to begin with.
    pool : int
        If above 1, so many times `count` are drawn in the last round and `count` of them picked by
        their weights: see `Draws.picked`.
    """
    rngs = [
        np.random.default_rng([*np.atleast_1d(seed), *name.encode()])
        for name in individuals.scoring.participants
    ]
    if known is None:
        modes = individuals.modes(prior, steps=SEARCH)
        nearby = Proposal(prior, modes.values[None], modes.covariance, width=1.0)
        rounds, more = [_round(individuals, nearby, SIZE, rngs)], ROUNDS - 1
    else:
        rounds, more = [known], AGAIN
    for _ in range(more):
        rounds.append(_round(individuals, _closer(prior, rounds, rngs), SIZE, rngs))
    proposal = _closer(prior, rounds, rngs)
    if pool == 1:
        return _round(individuals, proposal, count, rngs)
    lots = []
    for begin in range(0, len(rngs), LOT):
        people = np.arange(begin, min(begin + LOT, len(rngs)))
        own, some = rngs[begin : begin + LOT], individuals.only(people)
        drawn = _round(some, proposal.only(people), pool * count, own)
        lots.append(drawn.picked(prior.only(people), count, own))
    return Draws.joined(lots)


def _round(
    individuals: Individuals, proposal: Proposal, count: int, rngs: Sequence[np.random.Generator]
) -> Draws:
    """Return draws from a proposal."""
    values = proposal.draw(count, rngs)
    score = individuals.log_likelihood(values)
    score = np.where(np.isfinite(score), score, -np.inf)
    return Draws(values, score, score - proposal.logpdf(values), proposal.spread)


def _closer(
    prior: Normal, rounds: Sequence[Draws], rngs: Sequence[np.random.Generator]
) -> Proposal:
    """Return a proposal around likely draws of several rounds.

    Where few draws have the weight, their spread is mixed with that which the last round assumed.
    """
    values = np.concatenate([r.values for r in rounds])
    ratio = np.concatenate([r.log_ratio(prior) + np.log(len(r.values)) for r in rounds])
    weights = np.minimum(softmax(ratio, axis=0), LARGEST)
    weights /= weights.sum(axis=0)
    mean = np.einsum("sp,spk->pk", weights, values)
    apart = values - mean
    seen = np.einsum("sp,spj,spk->pjk", weights, apart, apart)
    effective = 1 / (weights**2).sum(axis=0)[:, None, None]
    known = effective / (effective + KERNELS / 2)
    spread = known * seen + (1 - known) * rounds[-1].spread
    places = _picks(weights, KERNELS, rngs)
    centres = mean + np.sqrt(1 - WIDTH**2) * np.take_along_axis(apart, places[..., None], axis=0)
    return Proposal(prior, centres, spread, WIDTH)


def _picks(weights: np.ndarray, count: int, rngs: Sequence[np.random.Generator]) -> np.ndarray:
    """Return numbers of draws by their weights, evenly and in order, (count, participants)."""
    picks = [
        np.searchsorted(own.cumsum(), (np.arange(count) + rng.random(count)) / count)
        for own, rng in zip(weights.T, rngs, strict=True)
    ]
    return np.minimum(np.array(picks).T, len(weights) - 1)
