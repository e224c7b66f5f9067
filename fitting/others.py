"""What a person may be like as far as the other people tell, and how likely the person is then.

Given the others' choices a person's coefficients are a mixture of the draws of the group, weighted
as if the person had not been there. This mixture is an exact prior: times the likelihood of some of
the person's own choices it is the posterior given those and everybody else's. So parts of a person,
or a whole one, can be left out without fitting the group again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from metacontrol.fitting.individuals import Individuals
from metacontrol.fitting.pointwise import counting_only, trial_scores
from metacontrol.fitting.population import Population
from metacontrol.fitting.psis import smooth
from metacontrol.fitting.quadratic import Quadratic, noise, noise_density, student

PLACES = 100  # at which a person's likelihood is integrated, under each draw of the group
DEFENCE = 0.5  # share of them that is drawn from the group: no ratio is above twice a likelihood
PARTS = 100  # of the mixture that a person is drawn from


def marginal_scores(
    individuals: Individuals, population: Population, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the marginal likelihood of each person under each draw of the group.

    It is the integral of the likelihood over the group's distribution, by importance sampling: half
    of the places come from a Student distribution, where that person is likely to be under that
    draw of the group, half from the group itself (Hesterberg 1995,
    doi:10.1080/00401706.1995.10484303), lest a group of people who are all alike in something is
    missed by a Student distribution that is elsewhere. The places are the same for all draws of the
    group but for shift and scale, so that the error hardly differs between them. A participant's
    places do not depend on who else is there.

    Parameters
    ----------
    individuals : Individuals
        Likelihoods.
    population : Population
        Draws of the group.
    seed : int
        Seed of the places.

    Returns
    -------
    log_likelihood : array, shape (participants, draws)
        log p(all choices of the person | group), in nats.
    effective : array, shape (participants, draws)
        Effective number of places, of 100.
    """
    quadratic = Quadratic.of(individuals, population.wide())
    size = len(individuals.names)
    rngs = [
        np.random.default_rng([seed, *name.encode()]) for name in individuals.scoring.participants
    ]
    defence = round(DEFENCE * PLACES)
    normal = np.stack([rng.standard_normal((defence, size)) for rng in rngs], axis=1)
    steps = np.stack([noise(PLACES - defence, size, rng) for rng in rngs], axis=1)
    found = []
    for draw, precision in enumerate(population.precision):
        group = population.at(draw)
        centre, root = student(quadratic.information, quadratic.pull, group.mean, precision)
        near = centre + np.einsum("spk,pjk->spj", steps, root)
        drawn = group.mean + normal @ np.linalg.cholesky(group.covariance).T
        values = np.concatenate([near, drawn])
        apart = np.einsum("pjk,spk->spj", np.linalg.inv(root), values - centre)
        density = group.logpdf(values)
        proposal = np.logaddexp(
            np.log(DEFENCE) + density,
            np.log1p(-DEFENCE) + noise_density((apart**2).sum(axis=-1), root),
        )
        scores = individuals.log_likelihood(values)
        ratios = np.where(np.isfinite(scores), scores, -np.inf) + density - proposal
        total = logsumexp(ratios, axis=0)
        effective = np.exp(2 * total - logsumexp(2 * ratios, axis=0))
        found.append((total - np.log(PLACES), effective))
    scores, counts = np.array(found).swapaxes(0, 1).swapaxes(1, 2)
    return scores, counts


@dataclass(frozen=True)
class Others:
    """What others tell of each participant.

    Attributes
    ----------
    individuals : Individuals
        Everybody's likelihood.
    population : Population
        Draws of the group, given everybody.
    scores, effective : array, shape (participants, draws)
        From `marginal_scores`.
    log_weights : array, shape (participants, draws)
        Of the draws of the group, without the person.
    k : array, shape (participants,)
        Pareto k of these weights.
    """

    individuals: Individuals
    population: Population
    scores: np.ndarray
    effective: np.ndarray
    log_weights: np.ndarray
    k: np.ndarray

    @classmethod
    def of(cls, individuals: Individuals, population: Population, seed: int) -> Others:
        """Integrate over each person, under each draw of the group."""
        scores, effective = marginal_scores(individuals, population, seed)
        return cls(individuals, population, scores, effective, *smooth(-scores))

    def given(self, kept: Sequence[np.ndarray]) -> Givens:
        """Return what is known of everyone given the others and some of their own trials.

        Parameters
        ----------
        kept : sequence of bool array, shape (counted trials,)
            For each participant, which trials are known.
        """
        part = Individuals(counting_only(self.individuals.scoring, kept))
        return Givens(self, kept, Quadratic.of(part, self.population.wide()))


@dataclass(frozen=True)
class Givens:
    """Posteriors of participants given the others and some own trials.

    Attributes
    ----------
    others : Others
        What the others tell.
    kept : sequence of bool array, shape (counted trials,)
        Which own trials are known.
    quadratic : Quadratic
        Likelihoods of these trials, roughly.
    """

    others: Others
    kept: Sequence[np.ndarray]
    quadratic: Quadratic

    def draw(self, person: int, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw what a person may be like, and score all trials there.

        Parameters
        ----------
        person : int
            Number of the participant.
        draws, seed : int
            Number of draws, and their seed.

        Returns
        -------
        scores : array, shape (counted trials, draws)
            Log-probability of each trial, kept or not.
        log_ratios : array, shape (draws,)
            Of the posterior given the kept trials, over the proposal.
        """
        individuals, population = self.others.individuals, self.others.population
        name = individuals.scoring.participants[person]
        rng = np.random.default_rng([seed, *name.encode()])
        shares = np.cumsum(np.exp(self.others.log_weights[person]))
        chosen = np.searchsorted(shares, (np.arange(PARTS) + rng.uniform()) / PARTS * shares[-1])
        means, precisions = population.means(person)[chosen], population.precision[chosen]
        quadratic = self.quadratic
        information, pull = quadratic.information[person], quadratic.pull[person]
        centre, root = student(information, pull, means, precisions)
        part = np.arange(draws) % PARTS
        shock = noise(draws, means.shape[1], rng)
        values = centre[part] + np.einsum("sk,sjk->sj", shock, root[part])
        apart = np.einsum("djk,sdk->sdj", np.linalg.inv(root), values[:, None] - centre)
        proposal = noise_density((apart**2).sum(axis=-1), root)
        density = population.log_density(values, person) + self.others.log_weights[person]
        scores = trial_scores(individuals.scoring, person, _rows(individuals, values))
        scores = np.where(np.isfinite(scores), scores, -np.inf)
        ratios = logsumexp(density, axis=1) - logsumexp(proposal, axis=1) + np.log(PARTS)
        return scores, ratios + scores[self.kept[person]].sum(axis=0)


def _rows(individuals: Individuals, values: np.ndarray) -> np.ndarray:
    """Return link-scale draws of one person as a coefficient matrix, shape (draws, coefficients).

    Coefficients that differ only between people are 0: `Population` has them in the mean.
    """
    table = pd.DataFrame(individuals.natural(values))
    names = list(individuals.scoring.story.coefficients)
    return table.reindex(columns=names, fill_value=0.0).to_numpy()
