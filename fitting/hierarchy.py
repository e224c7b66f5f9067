"""The group that participants come from: normal distributions, whose means regressors may move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from metacontrol.fitting.individuals import Individuals, Normal
from metacontrol.models.parameter import Prior

SMALLEST = 0.05  # standard deviation of a group, on the scale of a link: draws tell no less apart


@dataclass(frozen=True)
class Sums:
    """Sums over participants: how many, and of products of regressors and moments of coefficients.

    Attributes
    ----------
    people : int
    squares : array, shape (coefficients, coefficients)
        Of regressors.
    first : array, shape (coefficients, own)
        Of regressors and what is expected of own coefficients.
    second : array, shape (own,)
        What is expected of their squares.
    """

    people: int
    squares: np.ndarray
    first: np.ndarray
    second: np.ndarray

    def __add__(self, other: Sums) -> Sums:
        """Return the sums over the participants of both."""
        return Sums(
            self.people + other.people,
            self.squares + other.squares,
            self.first + other.first,
            self.second + other.second,
        )


@dataclass(frozen=True)
class Hierarchy:
    """A group as one vector of numbers, and what a vector says of each participant.

    A vector holds the mean of each coefficient, then the log of the standard deviation of each
    that is a participant's own. Participant i's own coefficient c, with movers x (see
    `Individuals.movers`), is::

        c_i ~ Normal(c_mean + sum_x x_i x_mean, c_sd)

    Attributes
    ----------
    names : tuple of str
        All coefficients.
    own : tuple of str
        Those that differ between people of a group.
    regressors : array, shape (participants, coefficients)
        1 for what is own.
    moves : array, shape (coefficients, own)
        1 where a coefficient moves the mean of one that is own.
    priors : tuple of Prior
        Of the `variables`; none for maximum likelihood.
    """

    names: tuple[str, ...]
    own: tuple[str, ...]
    regressors: np.ndarray
    moves: np.ndarray
    priors: tuple[Prior, ...] = ()

    @classmethod
    def of(
        cls, individuals: Individuals, priors: Mapping[str, Prior] = MappingProxyType({})
    ) -> Hierarchy:
        """Return the hierarchy of a model's participants, with priors by name of the variable."""
        names, own = individuals.scoring.story.coefficients, individuals.names
        regressors = np.ones((len(individuals.scoring.participants), len(names)))
        moves = np.array([[float(name == moved) for moved in own] for name in names])
        for name, (moved, worth) in individuals.movers.items():
            regressors[:, names.index(name)] = worth
            moves[names.index(name), own.index(moved)] = 1.0
        return cls(names, own, regressors, moves).under(priors)

    def under(self, priors: Mapping[str, Prior]) -> Hierarchy:
        """Return the same with priors, by name of the variable."""
        return replace(self, priors=tuple(priors[name] for name in self.variables if priors))

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """Names of a vector's numbers: `w_mean`, `w_sd`."""
        return (*(f"{name}_mean" for name in self.names), *(f"{name}_sd" for name in self.own))

    def means(self, vector: Any) -> Any:
        """Return each participant's expected coefficients, shape (participants, own)."""
        return (self.regressors * vector[: len(self.names)]) @ self.moves

    def means_of(self, person: int, vectors: np.ndarray) -> np.ndarray:
        """Return a participant's expected coefficients under each vector, (vectors, own)."""
        return (vectors[:, : len(self.names)] * self.regressors[person]) @ self.moves

    def shifts(self, vector: np.ndarray) -> np.ndarray:
        """Return the part of `means` that regressors are the cause of."""
        effects = np.where(np.isin(self.names, self.own), 0.0, vector[: len(self.names)])
        return (self.regressors * effects) @ self.moves

    def log_sd(self, vector: Any) -> Any:
        """Return logs of standard deviations, shape (own,)."""
        return vector[..., len(self.names) :]

    def told_apart(self, vectors: Any) -> Any:
        """Return vectors whose standard deviations are none that draws cannot tell from smaller.

        They are (sd ** 8 + 0.1 ** 8) ** (1 / 8): with less, one draw or the other would have all
        the weight, by luck. Differentiable by JAX.
        """
        logs = jnp.logaddexp(8 * self.log_sd(vectors), 8 * np.log(2 * SMALLEST)) / 8
        return jnp.concatenate([vectors[..., : len(self.names)], logs], axis=-1)

    def normal(self, vector: np.ndarray) -> Normal:
        """Return the distributions of participants' coefficients."""
        return Normal(self.means(vector), np.diag(np.exp(2 * self.log_sd(vector))))

    def named(self, vector: np.ndarray) -> dict[str, float]:
        """Return a vector's numbers by the names of their variables."""
        natural = np.concatenate([vector[: len(self.names)], np.exp(self.log_sd(vector))])
        return dict(zip(self.variables, map(float, natural), strict=True))

    def near(self, prior: Normal) -> np.ndarray:
        """Return the vector of a normal distribution that is the same for everybody."""
        means = self.moves @ prior.mean * np.isin(self.names, self.own)
        return np.concatenate([means, np.log(np.diag(prior.covariance)) / 2])

    def log_prior(self, vector: Any) -> Any:
        """Return the log-density of a vector under the priors, differentiable by JAX."""
        if not self.priors:
            return 0.0
        logs = self.log_sd(vector)
        natural = jnp.concatenate([vector[: len(self.names)], jnp.exp(logs)])
        return _log_density(self.priors, natural) + logs.sum()

    def prior_information(self, vector: np.ndarray) -> np.ndarray:
        """Return minus the second derivatives of the log-prior, as `likeliest` takes it to be."""
        if not self.priors:
            return np.zeros(len(vector))
        _, precision, scale = self._approximate
        return np.concatenate([precision, 2 * np.exp(2 * self.log_sd(vector)) / scale**2])

    @cached_property
    def _approximate(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Normal priors of means (centre, precision) and half-normal ones of sds, by moments."""
        of_means, of_sds = self.priors[: len(self.names)], self.priors[len(self.names) :]
        centre = np.array([p.mean for p in of_means])
        precision = np.array([1 / p.variance for p in of_means])
        return centre, precision, np.array([np.hypot(p.mean, p.variance**0.5) for p in of_sds])

    def sums(self, first: np.ndarray, second: np.ndarray) -> Sums:
        """Return what `likeliest` needs to know of participants.

        Parameters
        ----------
        first, second : array, shape (participants, own)
            What is expected of each participant's coefficients, and of their squares.
        """
        x = self.regressors
        return Sums(len(x), x.T @ x, x.T @ first, second.sum(axis=0))

    def score(self, sums: Sums, vector: np.ndarray) -> np.ndarray:
        """Return the slope of the log-posterior in a vector, by Fisher's identity.

        Sums are of moments under that vector.
        """
        effects = vector[: len(self.names), None] * self.moves
        precision = np.exp(-2 * self.log_sd(vector))
        by_effect = ((sums.first - sums.squares @ effects) * self.moves) @ precision
        square = sums.second + (effects * (sums.squares @ effects - 2 * sums.first)).sum(axis=0)
        likelihood = np.concatenate([by_effect, square * precision - sums.people])
        return likelihood + (np.asarray(jax.grad(self.log_prior)(vector)) if self.priors else 0.0)

    def likeliest(self, sums: Sums, near: np.ndarray) -> np.ndarray:
        """Return the vector that is most probable, were coefficients known by these moments.

        Parameters
        ----------
        sums : Sums
            Over participants.
        near : array, shape (numbers,)
            The vector before: priors of means are weighed against its variances.
        """
        effects, variances = np.zeros(len(self.names)), np.empty(len(self.own))
        for k, moved in enumerate(self.moves.T == 1):
            gram, wanted = sums.squares[np.ix_(moved, moved)], sums.first[moved, k]
            ridge, pull = np.zeros_like(gram), 0.0
            if self.priors:
                centre, precision, _ = self._approximate
                weight = precision[moved] * np.exp(2 * self.log_sd(near)[k])
                ridge, pull = np.diag(weight), weight * centre[moved]
            found = effects[moved] = np.linalg.lstsq(gram + ridge, wanted + pull)[0]
            square = sums.second[k] - 2 * found @ wanted + found @ gram @ found
            square = max(square, np.finfo(float).tiny)  # moments of draws have noise
            variances[k] = square / sums.people
            if self.priors:  # the root of v**2 / scale**2 + (people - 1) v = square
                scale, less = self._approximate[2][k] ** 2, sums.people - 1
                variances[k] = 2 * square / (less + np.sqrt(less**2 + 4 * square / scale))
        return np.concatenate([effects, np.log(np.maximum(variances, SMALLEST**2)) / 2])


@jax.jit(static_argnums=0)
def _log_density(priors: tuple[Prior, ...], values: Any) -> Any:
    return sum(prior.logpdf(values[k]) for k, prior in enumerate(priors))
