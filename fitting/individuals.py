"""Each participant's likelihood on the scale of links, and its posterior under a normal prior.

What fits of large groups start from: where each posterior is highest, and how it curves there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from joblib import cpu_count

from metacontrol.fitting.priors import group_priors, variance_of_people
from metacontrol.models.engine.predictor import INTERCEPT
from metacontrol.models.engine.records import Records
from metacontrol.models.engine.replay import log_likelihood
from metacontrol.models.engine.story import Story
from metacontrol.models.parameter import Prior
from metacontrol.models.scoring import Scoring

STEP = 1e-4  # of the differences of slopes that give curvatures, on the scale of links
CLOSE = 0.01  # of the top, in nats: kinks of planned values stop some searches before it
TOGETHER = 64  # some participants' records are for a multiple of so many
FLOOR = 0.05  # smallest curvature in any direction, in shares of the prior's


@dataclass(frozen=True)
class Normal:
    """Normal distributions of participants' coefficients, on the scale of links.

    Attributes
    ----------
    mean : array, shape (participants, coefficients) or (coefficients,)
    covariance : array, shape (coefficients, coefficients)
    """

    mean: np.ndarray
    covariance: np.ndarray

    @cached_property
    def precision(self) -> np.ndarray:
        """Inverse of the covariance."""
        return np.linalg.inv(self.covariance)

    def only(self, people: np.ndarray) -> Normal:
        """Return those of some participants, by their numbers."""
        return Normal(self.mean if self.mean.ndim == 1 else self.mean[people], self.covariance)

    def logpdf(self, values: np.ndarray) -> np.ndarray:
        """Return log-densities of values, shape (..., participants, coefficients)."""
        apart = (values - self.mean) @ np.linalg.cholesky(self.precision)
        spread = np.linalg.slogdet(2 * np.pi * self.covariance)[1]
        return -0.5 * ((apart**2).sum(axis=-1) + spread)


@dataclass(frozen=True)
class Modes:
    """Where posteriors are highest, and how they curve there.

    Attributes
    ----------
    values : array, shape (participants, coefficients)
        The mode, on the scale of links.
    covariance : array, shape (participants, coefficients, coefficients)
        Inverse of minus the curvature of the log-posterior.
    log_likelihood, log_evidence : array, shape (participants,)
        At the mode; and Laplace's approximation of the marginal likelihood, in nats.
    converged : bool array, shape (participants,)
    """

    values: np.ndarray
    covariance: np.ndarray
    log_likelihood: np.ndarray
    log_evidence: np.ndarray
    converged: np.ndarray


@dataclass(frozen=True)
class Individuals:
    """Participants' likelihoods as functions of their own coefficients, on the scale of links.

    Own are the coefficients that differ between people of a group. One whose regressor never
    varies within a person (an age, a group) is not: it moves the mean of its intercept. Nor is one
    that says how such a column changes the slope of another (age:load): see `movers`.

    Parameters
    ----------
    scoring : Scoring
        Model and choices.
    """

    scoring: Scoring

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The coefficients, in the order of all arrays here."""
        return tuple(name for name in self.scoring.story.coefficients if name not in self.movers)

    @cached_property
    def movers(self) -> dict[str, tuple[str, np.ndarray]]:
        """Coefficients that are not own: whose mean each moves, and by how much, by its name.

        The own coefficient, and the mover's worth to each participant, shape (participants,): an
        age moves the intercept, and age:load, which is age times load, moves the slope of load.
        """
        found: dict[str, tuple[str, np.ndarray]] = {}
        for predictor in self.scoring.story.predictors:
            terms = dict(zip(predictor.coefficients, predictor.terms or (), strict=False))
            factors = {name: frozenset(_factors(term)) for name, term in terms.items()}
            for name in terms:
                part_of = [n for n in terms if factors[n] < factors[name] and n not in found]
                for moved in sorted(part_of, key=lambda n: -len(factors[n])):
                    if (worth := self._worth(name, moved)) is not None:
                        found[name] = moved, worth
                        break
        return found

    def _worth(self, name: str, moved: str) -> np.ndarray | None:
        """Return the ratio of two coefficients' regressors, if each person has only one."""
        records, people = self.scoring.records, len(self.scoring.participants)
        there = records.rows >= 0
        seats = np.broadcast_to(records.seats.reshape(there.shape[0], 1, -1), there.shape)[there]

        def column(name: str) -> np.ndarray:
            if name not in records.columns:
                return np.ones(len(seats))
            return np.asarray(records.columns[name], float)[there]

        over, under = column(name), column(moved)
        shows = under != 0
        worth = np.zeros(people)
        worth[seats[shows]] = over[shows] / under[shows]
        return worth if np.allclose(over, worth[seats] * under, rtol=1e-9, atol=1e-12) else None

    def only(self, people: np.ndarray) -> Individuals:
        """Return some of them, by their numbers; what is own is as among all.

        Their records are filled up with those of the first: each number of lanes takes time to
        compile.
        """
        filled = np.concatenate([people, np.full(-len(people) % TOGETHER, people[0])])
        records = self.scoring.records.repeat(filled, 1)
        names = [self.scoring.participants[i] for i in people]
        some = Individuals(replace(self.scoring, records=records, participants=names))
        movers = {name: (moved, worth[people]) for name, (moved, worth) in self.movers.items()}
        vars(some).update(names=self.names, movers=movers)  # where cached properties are kept
        return some

    def natural(self, values: Any) -> dict[str, np.ndarray]:
        """Return coefficients as tables have them: parameters without a formula on their own scale.

        Parameters
        ----------
        values : array, shape (..., coefficients)
            On the scale of links.
        """
        return natural(self.scoring.story, self.names, np.asarray(values))

    def prior(self, given: Mapping[str, Prior] | None = None) -> Normal:
        """Return what the group's priors expect of a person: the mean and variance they imply."""
        priors = group_priors(self.scoring.story, given)
        mean = np.array([priors[f"{name}_mean"].mean for name in self.names])
        variance = [
            variance_of_people(priors[f"{name}_mean"], priors[f"{name}_sd"]) for name in self.names
        ]
        return Normal(mean, np.diag(variance))

    def log_likelihood(self, values: np.ndarray) -> np.ndarray:
        """Return log-likelihoods in nats.

        Parameters
        ----------
        values : array, shape (..., participants, coefficients)

        Returns
        -------
        array, shape (..., participants)
        """
        rows = self._filled(values).reshape(-1, len(self.scoring.records.slots), len(self.names))
        story, records = self.scoring.story, self.scoring.records
        found = side_by_side(lambda row: np.asarray(_scores(story, self.names, records, row)), rows)
        return np.array(found)[:, : values.shape[-2]].reshape(values.shape[:-1])

    def slope(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return log-likelihoods and their gradients, shapes (participants,) and as `values`."""
        story, records = self.scoring.story, self.scoring.records
        score, slope = _slopes(story, self.names, records, self._filled(values))
        return np.asarray(score)[: len(values)], np.asarray(slope)[: len(values)]

    def _filled(self, values: np.ndarray) -> np.ndarray:
        """Return values with the first participant's for all lanes that are nobody's."""
        free = len(self.scoring.records.slots) - values.shape[-2]
        return np.concatenate([values, np.repeat(values[..., :1, :], free, axis=-2)], axis=-2)

    def curvature(self, values: np.ndarray) -> np.ndarray:
        """Return minus the second derivatives, shape (participants, coefficients, coefficients)."""
        steps = STEP * np.eye(values.shape[1])
        rows = side_by_side(lambda s: self.slope(values - s)[1] - self.slope(values + s)[1], steps)
        half = np.stack(rows, axis=1) / (4 * STEP)
        return half + half.swapaxes(1, 2)

    def modes(self, prior: Normal, start: np.ndarray | None = None, *, steps: int = 100) -> Modes:
        """Return the modes of all posteriors, by Newton steps taken together.

        Steps are damped where they do not lead upwards, and go up along directions in which the
        posterior is not concave.

        Parameters
        ----------
        prior : Normal
            Of the coefficients.
        start : array, shape (participants, coefficients), optional
            Where to begin; by default at the prior's mean.
        steps : int
            Most steps.
        """
        shape = len(self.scoring.participants), len(self.names)
        at = np.array(np.broadcast_to(prior.mean if start is None else start, shape))
        damping = np.zeros(len(at))
        floor = FLOOR * np.linalg.eigvalsh(prior.precision).min()
        widths = np.diag(1 / np.diag(prior.covariance))
        score, slope = self.slope(at)
        done = np.zeros(len(at), dtype=bool)
        for _ in range(steps):
            ascent = slope - (at - prior.mean) @ prior.precision
            curve = _positive(self.curvature(at) + prior.precision, floor)
            damped = curve + damping[:, None, None] * widths
            step = np.linalg.solve(damped, ascent[..., None])[..., 0]
            done = (ascent * step).sum(axis=1) < 1e-8
            if done.all():
                break
            onwards = np.where(done[:, None], at, at + step)
            new_score, new_slope = self.slope(onwards)
            gain = new_score - score + prior.logpdf(onwards) - prior.logpdf(at)
            better = ~done & (gain >= 0) & np.isfinite(new_slope).all(axis=1)
            at = np.where(better[:, None], onwards, at)
            score = np.where(better, new_score, score)
            slope = np.where(better[:, None], new_slope, slope)
            damping = np.where(better, damping / 4 * (damping > 1e-3), np.maximum(4 * damping, 1.0))
            damping = np.where(done, 0.0, damping)
        return Modes(
            values=at,
            covariance=np.linalg.inv(curve),
            log_likelihood=score,
            log_evidence=score + prior.logpdf(at) - np.linalg.slogdet(curve / (2 * np.pi))[1] / 2,
            converged=(ascent * np.linalg.solve(curve, ascent[..., None])[..., 0]).sum(axis=1)
            < CLOSE,
        )


def _factors(term: str) -> list[str]:
    """Return the factors of a regressor's name; the intercept has none."""
    return [] if term == INTERCEPT else term.split(":")


def natural(story: Story, own: Sequence[str], values: np.ndarray) -> dict[str, np.ndarray]:
    """Return coefficients that are `own`, as `Individuals.natural` does."""
    links = {p.parameter.name: p.parameter.link for p in story.predictors if p.terms is None}
    columns = {name: values[..., k] for k, name in enumerate(own)}
    return {n: links[n].inverse(v) if n in links else v for n, v in columns.items()}


def must_vary(scoring: Scoring) -> None:
    """Raise ValueError where a formula's column says something of people, not of their trials."""
    varies, movers = scoring.varies, Individuals(scoring).movers
    if same := [name for name in varies if name in movers or not varies[name]]:
        raise ValueError(
            f"{', '.join(same)} cannot be told from people's other coefficients, each alone: the "
            "column does not vary within participants, or changes only the slope of one that does. "
            "Fit them together as a group, by em, two-stage or nuts"
        )


def side_by_side[T](function: Callable[[Any], T], arguments: Iterable[Any]) -> list[T]:
    """Return a function of each argument, in threads: for what leaves Python to its own."""
    with ThreadPoolExecutor(cpu_count()) as threads:
        return list(threads.map(function, arguments))


def _positive(curves: np.ndarray, floor: float) -> np.ndarray:
    """Return symmetric matrices with eigenvalues made positive, and no smaller than `floor`."""
    sizes, directions = np.linalg.eigh(curves)
    sizes = np.maximum(np.abs(sizes), floor)
    return (directions * sizes[:, None, :]) @ directions.swapaxes(1, 2)


def _matrix(story: Story, own: tuple[str, ...], values: Any) -> Any:
    """Return all coefficients as the engine takes them; those that are not own are 0."""
    columns = []
    for predictor in story.predictors:
        for name in predictor.coefficients:
            value = values[:, own.index(name)] if name in own else jnp.zeros(len(values))
            natural = predictor.terms is None
            columns.append(predictor.parameter.link.inverse(value, jnp) if natural else value)
    return jnp.stack(columns, axis=1)


@jax.jit(static_argnums=(0, 1))
def _scores(story: Story, own: tuple[str, ...], records: Records, values: Any) -> Any:
    return log_likelihood(story, records)(_matrix(story, own, values))


@jax.jit(static_argnums=(0, 1))
def _slopes(story: Story, own: tuple[str, ...], records: Records, values: Any) -> Any:
    def total(values: Any) -> tuple[Any, Any]:
        score = log_likelihood(story, records)(_matrix(story, own, values))
        return score.sum(), score

    (_, score), slope = jax.value_and_grad(total, has_aux=True)(values)
    return score, slope
