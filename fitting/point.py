"""Point estimates for each participant: maximum likelihood and maximum a posteriori.

Every start of every participant is a search of its own (scipy's L-BFGS-B, within the parameters'
bounds, with the exact gradient). The searches take turns: each waits in a greenlet for the value
at its next point, and the likelihood of all their points is worked out at once, as lanes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from greenlet import getcurrent, greenlet
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from metacontrol.fitting.priors import coefficient_priors
from metacontrol.models.engine.records import LANES, Records
from metacontrol.models.engine.replay import log_likelihood
from metacontrol.models.engine.story import Story
from metacontrol.models.parameter import Prior
from metacontrol.models.scoring import Scoring


@dataclass(frozen=True)
class Estimates:
    """The best of several searches, for each participant.

    Attributes
    ----------
    values : array, shape (participants, coefficients)
    log_likelihood, log_prior : array, shape (participants,)
    converged : bool array, shape (participants,)
        Whether the best search ended as it should, or where another one ended too (on a ridge,
        where two options are worth the same, there is no slope to end on).
    agreeing : int array, shape (participants,)
        How many searches came within 0.05 of the best objective.
    determined : bool array, shape (participants, coefficients)
        False where choices and prior leave a coefficient open: the weight of a person who learns
        nothing, or eligibility where there is no habit. It then stands in the middle of its range.
    """

    values: np.ndarray
    log_likelihood: np.ndarray
    log_prior: np.ndarray
    converged: np.ndarray
    agreeing: np.ndarray
    determined: np.ndarray


def search(
    scoring: Scoring,
    priors: Mapping[str, Prior] | None,
    *,
    starts: int,
    seed: int,
    progress: Callable[[float], None] = lambda share: None,
) -> Estimates:
    """Search the best coefficients of each participant.

    Parameters
    ----------
    scoring : Scoring
        Model and choices.
    priors : mapping of str to Prior, or None
        For each coefficient its prior; None for maximum likelihood.
    starts : int
        Searches for each participant, from points drawn from the parameters' priors.
    seed : int
        Seed of the starting points; a participant's do not depend on who else is there.
    progress : function
        Told the share that is done.
    """
    names = scoring.story.coefficients
    bounds = search_bounds(scoring.story, priors)
    participants = len(scoring.participants)
    first_points = _starting_points(scoring, bounds, starts, seed)
    ends = np.empty((participants, starts, len(names)))
    values = np.full((participants, starts), -np.inf)
    fine = np.zeros((participants, starts), dtype=bool)

    for people, records in _groups(scoring.records, max(1, LANES // starts), starts):
        points = first_points[people].reshape(-1, len(names))
        evaluate = _evaluator(scoring.story, records, priors)
        with threadpool_limits(1, "blas"):  # threads that wait for each other cost far more
            found = _search_together(evaluate, points, bounds)
        for lane, result in enumerate(found):
            place = people[lane // starts], lane % starts
            ends[place], values[place], fine[place] = result.x, -result.fun, result.success
        progress((people[-1] + 1) / participants)

    best = values.argmax(axis=1)
    rows = np.arange(participants)
    chosen, determined = _settle(scoring, priors, ends[rows, best], bounds)
    log_prior = np.asarray(_log_prior(names, priors, jnp.asarray(chosen)))
    agreeing = (values > values[rows, best][:, None] - 0.05).sum(axis=1)
    return Estimates(
        values=chosen,
        log_likelihood=values[rows, best] - log_prior,
        log_prior=log_prior,
        converged=fine[rows, best] | (agreeing > 1),
        agreeing=agreeing,
        determined=determined,
    )


def _settle(
    scoring: Scoring, priors: Mapping[str, Prior] | None, best: np.ndarray, bounds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Move coefficients that nothing determines to the middle; return points, and which did not."""
    frozen = _frozen(scoring.story, priors)
    top = np.asarray(_objective(scoring.story, frozen, scoring.records, best)[0])
    determined = np.ones(best.shape, dtype=bool)
    for k, (low, high) in enumerate(bounds):
        moved = best.copy()
        open_ = np.ones(len(best), dtype=bool)
        for share in (0.25, 0.75, 0.5):
            moved[:, k] = low + share * (high - low)
            value = _objective(scoring.story, frozen, scoring.records, moved)[0]
            open_ &= np.abs(np.asarray(value) - top) < 1e-6
        best = np.where(open_[:, None], moved, best)
        determined[:, k] = ~open_
    return best, determined


def search_bounds(story: Story, priors: Mapping[str, Prior] | None) -> np.ndarray:
    """Return smallest and largest value of each coefficient, shape (coefficients, 2).

    Where a prior is zero at a bound, the bound itself is left out by a millionth of a unit.
    """
    bounds = []
    for predictor in story.predictors:
        for name in predictor.coefficients:
            if predictor.terms is not None:
                bounds.append((-20.0, 20.0))
                continue
            low, high = predictor.parameter.search
            if priors is not None:
                low, high = (
                    edge if np.isfinite(float(priors[name].logpdf(edge))) else edge + step
                    for edge, step in ((low, 1e-6), (high, -1e-6))
                )
            bounds.append((low, high))
    return np.array(bounds)


def _starting_points(scoring: Scoring, bounds: np.ndarray, starts: int, seed: int) -> np.ndarray:
    """Return points to search from, shape (participants, starts, coefficients).

    Every other point is drawn from the priors. In the rest, what lies between 0 and a maximum is
    spread evenly over its logit instead: very small learning rates can be the best ones.
    """
    priors = coefficient_priors(scoring.story)
    bounded = np.array(
        [
            p.terms is None and np.isfinite(p.parameter.link.bounds[1])
            for p in scoring.story.predictors
            for _ in p.coefficients
        ]
    )
    low, high = bounds.T
    points = np.empty((len(scoring.participants), starts, len(bounds)))
    for person, name in enumerate(scoring.participants):
        rng = np.random.default_rng([seed, *name.encode()])
        drawn = [priors[name].draw(starts, rng) for name in scoring.story.coefficients]
        spread = low + (high - low) / (1 + np.exp(-rng.uniform(-6, 6, (starts, len(bounds)))))
        points[person] = np.column_stack(drawn)
        points[person, 1::2] = np.where(bounded, spread, points[person])[1::2]
    return np.clip(points, low + 0.001 * (high - low), high - 0.001 * (high - low))


def _groups(records: Records, size: int, starts: int) -> Iterator[tuple[np.ndarray, Records]]:
    """Deal participants into groups, each laid out as one block with a lane for each start."""
    participants = len(records.slots)
    for begin in range(0, participants, size):
        people = np.arange(begin, min(begin + size, participants))
        padded = np.concatenate([people, np.full(size - len(people), people[0])])
        yield people, records.repeat(padded, starts)


def _log_prior(names: tuple[str, ...], priors: Mapping[str, Prior] | None, values: Any) -> Any:
    """Return the log prior of each row of coefficients, shape (rows,)."""
    if priors is None:
        return jnp.zeros(len(values))
    return sum(priors[name].logpdf(values[:, k]) for k, name in enumerate(names))


def _evaluator(
    story: Story, records: Records, priors: Mapping[str, Prior] | None
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return a function from points, shape (lanes, coefficients), to objectives and gradients."""
    frozen = _frozen(story, priors)
    lanes = len(records.slots)

    def evaluate(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        empty = np.repeat(points[:1], lanes - len(points), axis=0)
        value, slope = _objective(story, frozen, records, np.concatenate([points, empty]))
        return np.asarray(value), np.asarray(slope)

    return evaluate


def _frozen(story: Story, priors: Mapping[str, Prior] | None) -> Any:
    """Return priors as JAX can remember them."""
    return None if priors is None else tuple((name, priors[name]) for name in story.coefficients)


@jax.jit(static_argnums=(0, 1))
def _objective(story: Story, priors: Any, records: Records, points: Any) -> Any:
    """Return minus the log-posterior of each lane, and its gradient."""

    def total(points: Any) -> tuple[Any, Any]:
        value = log_likelihood(story, records)(points)
        value = value + _log_prior(story.coefficients, dict(priors) if priors else None, points)
        return -value.sum(), -value

    (_, value), slope = jax.value_and_grad(total, has_aux=True)(points)
    return value, slope


def _search_together(
    evaluate: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    points: np.ndarray,
    bounds: np.ndarray,
) -> list[Any]:
    """Run a bounded search from every point; evaluate where they wait, all at once.

    A step to where the objective is no number (often a corner of the bounds) is told to be bad, so
    that the search comes back from it: told as it is, the search would stop, and call that
    convergence.
    """
    hub = getcurrent()
    lanes = len(points)
    asked = points.copy()

    def one(lane: int) -> Any:
        highest = 0.0

        def ask(x: np.ndarray) -> tuple[float, np.ndarray]:
            nonlocal highest
            asked[lane] = x
            value, slope = hub.switch()
            if not (np.isfinite(value) and np.isfinite(slope).all()):
                return 10 * (1 + highest), np.zeros_like(slope)
            highest = max(highest, abs(value))
            return value, slope

        return minimize(
            ask,
            points[lane],
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": 500, "ftol": 1e-12, "gtol": 1e-7},
        )

    searches = [greenlet(one) for _ in range(lanes)]
    results = [search.switch(lane) for lane, search in enumerate(searches)]
    while not all(search.dead for search in searches):
        value, slope = evaluate(asked)
        for lane, search in enumerate(searches):
            if not search.dead:
                results[lane] = search.switch((float(value[lane]), slope[lane].copy()))
    return results
