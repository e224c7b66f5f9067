"""The group's distribution, as a posterior knows it: draws of normal distributions of people."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from metacontrol.fitting.hierarchy import Hierarchy
from metacontrol.fitting.individuals import Individuals, Normal
from metacontrol.fitting.result import Fit

WIDER = 2.0  # variance in which modes are searched, in shares of the group's


@dataclass(frozen=True)
class Population:
    """Draws of a group's distribution of coefficients, on the scale of links.

    Attributes
    ----------
    hierarchy : Hierarchy
        Of the people it is asked about.
    vectors : array, shape (draws, numbers)
        The group's numbers.
    covariance : array, shape (draws, own, own)
        Of people of a kind.
    """

    hierarchy: Hierarchy
    vectors: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, fit: Fit, individuals: Individuals, draws: int) -> Population:
        """Return the group of a posterior, with the means of the people of `individuals`.

        At most so many draws, evenly apart.

        Raises
        ------
        ValueError
            If the fit has no posterior of a single group, or lacks one of its numbers.
        """
        name, hierarchy = fit.model.name, Hierarchy.of(individuals)
        if not fit.sampled:
            raise ValueError(f"{name} is fitted by {fit.method}, without a group: use nuts")
        posterior = fit.tree["posterior"].to_dataset()
        if "session" in posterior.dims:
            raise ValueError(
                f"{name} is fitted to sessions, each with a group of its own: fit models to each "
                "session alone and compare these, or leave out trials, which needs no group"
            )
        if absent := [n for n in hierarchy.variables if n not in posterior]:
            raise ValueError(f"the posterior of {name} lacks {', '.join(absent)}")
        size = posterior.sizes["chain"] * posterior.sizes["draw"]
        picks = np.linspace(0, size - 1, min(draws, size)).round().astype(int)
        vectors = np.stack([posterior[n].to_numpy().ravel() for n in hierarchy.variables], axis=1)
        vectors = vectors[picks]
        sd = vectors[:, len(hierarchy.names) :].copy()
        vectors[:, len(hierarchy.names) :] = np.log(sd)
        correlation = np.tile(np.eye(sd.shape[1]), (len(vectors), 1, 1))
        if "correlation" in posterior:
            tied = posterior["correlation"]
            where = [hierarchy.own.index(str(n)) for n in tied["parameter_a"].to_numpy()]
            pairs = tied.to_numpy().reshape(-1, len(where), len(where))[picks]
            correlation[np.ix_(range(len(vectors)), where, where)] = pairs
        return cls(hierarchy, vectors, sd[:, :, None] * correlation * sd[:, None, :])

    @cached_property
    def precision(self) -> np.ndarray:
        """Inverses of the covariances."""
        return np.linalg.inv(self.covariance)

    def at(self, draw: int) -> Normal:
        """Return one draw, with each participant's mean."""
        return Normal(self.hierarchy.means(self.vectors[draw]), self.covariance[draw])

    def means(self, person: int) -> np.ndarray:
        """Return a participant's means, shape (draws, own)."""
        return self.hierarchy.means_of(person, self.vectors)

    def wide(self) -> Normal:
        """Return a normal distribution that is wider than the group, with each person's mean."""
        own = np.isin(self.hierarchy.names, self.hierarchy.own)
        unsure = self.vectors[:, : len(own)][:, own].var(axis=0)
        covariance = self.covariance.mean(axis=0) + np.diag(unsure)
        return Normal(self.hierarchy.means(self.vectors.mean(axis=0)), WIDER * covariance)

    def log_density(self, values: np.ndarray, person: int) -> np.ndarray:
        """Return how dense the group is where a person may be.

        Parameters
        ----------
        values : array, shape (places, own)
        person : int
            Number of the participant, whose mean it is.

        Returns
        -------
        array, shape (places, draws)
        """
        mean, precision = self.means(person), self.precision
        centre = mean.mean(axis=0)
        values, mean = values - centre, mean - centre
        pull = np.einsum("dj,djk->dk", mean, precision)
        constant = (pull * mean).sum(axis=1) + np.linalg.slogdet(2 * np.pi * self.covariance)[1]
        products = (values[:, :, None] * values[:, None, :]).reshape(len(values), -1)
        squares = products @ precision.reshape(len(precision), -1).T - 2 * values @ pull.T
        return -0.5 * (squares + constant)
