"""The group's distribution, as a posterior knows it: draws of normal distributions of people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metacontrol.fitting.individuals import Individuals, Normal
from metacontrol.fitting.result import Fit
from metacontrol.models.engine.predictor import INTERCEPT

WIDER = 2.0  # variance in which modes are searched, in shares of the group's


@dataclass(frozen=True)
class Population:
    """Draws of a group's distribution of coefficients, on the scale of links.

    Attributes
    ----------
    mean, sd : array, shape (draws, coefficients)
        Of a person with 0 in all regressors that differ only between people.
    effect : array, shape (draws, regressors)
        Of the regressors that differ only between people.
    design : array, shape (regressors, participants, coefficients)
        Their values, at the coefficients whose means they move; 0 at the others.
    """

    mean: np.ndarray
    sd: np.ndarray
    effect: np.ndarray
    design: np.ndarray

    @classmethod
    def of(cls, fit: Fit, individuals: Individuals, draws: int) -> Population:
        """Return the group of a posterior, with the means of the people of `individuals`.

        At most so many draws, evenly apart.

        Raises
        ------
        ValueError
            If the fit has no posterior of a group, lacks one of its numbers, or a regressor that
            differs only between people has no intercept to move.
        """
        name = fit.model.name
        if not fit.sampled:
            raise ValueError(f"{name} is fitted by {fit.method}, without a group: use nuts")
        posterior = fit.tree["posterior"].to_dataset()
        numbers = [f"{n}_{part}" for n in individuals.names for part in ("mean", "sd")]
        numbers += [f"{n}_mean" for n in individuals.between]
        if absent := [n for n in numbers if n not in posterior]:
            raise ValueError(f"the posterior of {name} lacks {', '.join(absent)}")
        size = posterior.sizes["chain"] * posterior.sizes["draw"]
        picks = np.linspace(0, size - 1, min(draws, size)).round().astype(int)
        group = {n: posterior[n].to_numpy().ravel()[picks] for n in numbers}
        mean = np.column_stack([group[f"{n}_mean"] for n in individuals.names])
        sd = np.column_stack([group[f"{n}_sd"] for n in individuals.names])
        people = len(individuals.scoring.participants)
        design = np.zeros((len(individuals.between), people, mean.shape[1]))
        for moves, (coefficient, values) in zip(design, individuals.between.items(), strict=True):
            moves[:, individuals.names.index(_moved(individuals, coefficient))] = values
        effects = [group[f"{n}_mean"] for n in individuals.between]
        return cls(mean, sd, np.array(effects).reshape(len(effects), len(mean)).T, design)

    def at(self, draw: int) -> Normal:
        """Return one draw, with each participant's mean."""
        shift = np.einsum("r,rpk->pk", self.effect[draw], self.design)
        return Normal(self.mean[draw] + shift, np.diag(self.sd[draw] ** 2))

    def means(self, person: int) -> np.ndarray:
        """Return a participant's means, shape (draws, coefficients)."""
        return self.mean + self.effect @ self.design[:, person]

    def wide(self) -> Normal:
        """Return a normal distribution that is wider than the group, with each person's mean."""
        shift = np.einsum("r,rpk->pk", self.effect.mean(axis=0), self.design)
        variance = (self.sd**2).mean(axis=0) + self.mean.var(axis=0)
        return Normal(self.mean.mean(axis=0) + shift, WIDER * np.diag(variance))

    def log_density(self, values: np.ndarray, person: int) -> np.ndarray:
        """Return how dense the group is where a person may be.

        Parameters
        ----------
        values : array, shape (places, coefficients)
        person : int
            Number of the participant, whose mean it is.

        Returns
        -------
        array, shape (places, draws)
        """
        mean = self.means(person)
        centre = mean.mean(axis=0)
        values, mean = values - centre, mean - centre
        precision = self.sd**-2
        constant = (mean**2 * precision + np.log(2 * np.pi * self.sd**2)).sum(axis=1)
        squares = values**2 @ precision.T - 2 * values @ (mean * precision).T
        return -0.5 * (squares + constant)


def _moved(individuals: Individuals, coefficient: str) -> str:
    """Return the intercept that a regressor between people moves."""
    for predictor in individuals.scoring.story.predictors:
        intercept = f"{predictor.parameter.name}_{INTERCEPT}"
        if coefficient in predictor.coefficients and intercept in individuals.names:
            return intercept
    raise ValueError(
        f"{coefficient} differs only between people and has no intercept to move: "
        "write the formula with one (1 + ...)"
    )
