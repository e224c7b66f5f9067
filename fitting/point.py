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
from joblib import Parallel, delayed
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from metacontrol.fitting.priors import coefficient_priors
from metacontrol.fitting.shrinkage import LEANING, shrinkage
from metacontrol.models.engine.records import LANES, Records
from metacontrol.models.engine.replay import log_likelihood
from metacontrol.models.engine.story import Story
from metacontrol.models.parameter import Prior
from metacontrol.models.scoring import Scoring

NEAR = 1e-3  # of a bound, in shares of what is searched
Evaluate = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
Score = Callable[[np.ndarray], np.ndarray]


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
    at_bound : bool array, shape (participants, coefficients)
        True where the search's bounds hold a coefficient that could go farther: see `_at_bound`.
    informed : bool array, shape (participants, coefficients), or None
        With priors: False where an estimate leans on its prior, since choices leave over a quarter
        of the prior's variance even with all else held: see `shrinkage`.
    """

    values: np.ndarray
    log_likelihood: np.ndarray
    log_prior: np.ndarray
    converged: np.ndarray
    agreeing: np.ndarray
    determined: np.ndarray
    at_bound: np.ndarray
    informed: np.ndarray | None


@dataclass(frozen=True)
class Lot:
    """Participants who are searched for side by side: a piece of work that fits any process.

    Who is together follows from the data and the number of starts alone, and all lots have the
    same shape: so estimates are the same to the bit whoever works on which lot, in any order.
    """

    story: Story
    records: Records
    priors: Mapping[str, Prior] | None
    bounds: np.ndarray
    points: np.ndarray

    @classmethod
    def of(
        cls,
        scoring: Scoring,
        people: np.ndarray,
        priors: Mapping[str, Prior] | None,
        *,
        starts: int,
        seed: int,
    ) -> Lot:
        """Lay participants out with a lane for each start; arguments as those of `search`."""
        bounds = search_bounds(scoring.story, priors)
        size = max(1, LANES // starts)
        padded = np.concatenate([people, np.full(size - len(people), people[0])])
        points = _starting_points(scoring, people, bounds, starts, seed)
        return cls(scoring.story, scoring.records.repeat(padded, starts), priors, bounds, points)

    def search(self) -> Estimates:
        """Search the best coefficients of each participant."""
        people, starts, size = self.points.shape
        names = self.story.coefficients
        evaluate = _evaluator(self.story, self.records, self.priors)
        with threadpool_limits(1, "blas"):  # threads that wait for each other cost far more
            found = _search_together(evaluate, self.points.reshape(-1, size), self.bounds)
        ends = np.reshape([result.x for result in found], self.points.shape)
        values = -np.reshape([result.fun for result in found], (people, starts))
        fine = np.reshape([result.success for result in found], (people, starts))

        def at(points: np.ndarray) -> np.ndarray:
            return evaluate(np.repeat(points, starts, axis=0))[0][: people * starts : starts]

        def log_likelihood(points: np.ndarray) -> np.ndarray:
            """Evaluate as many points of each person at once as there are lanes for."""
            found = []
            for some in np.split(points, range(starts, points.shape[1], starts), axis=1):
                filled = np.resize(np.arange(some.shape[1]), starts)
                value = evaluate(some[:, filled].reshape(-1, size))[0][: people * starts]
                found.append(-value.reshape(people, starts)[:, : some.shape[1]])
            flat = jnp.asarray(points.reshape(-1, size))
            prior = np.asarray(_log_prior(names, self.priors, flat)).reshape(points.shape[:2])
            return np.concatenate(found, axis=1) - prior

        best = np.arange(people), values.argmax(axis=1)
        chosen, determined = _settle(at, ends[best], self.bounds)
        log_prior = np.asarray(_log_prior(names, self.priors, jnp.asarray(chosen)))
        agreeing = (values > values[best][:, None] - 0.05).sum(axis=1)
        left = None
        if self.priors is not None:
            of_each = [self.priors[name] for name in names]
            left = shrinkage(log_likelihood, chosen, of_each, self.bounds)
        return Estimates(
            values=chosen,
            log_likelihood=values[best] - log_prior,
            log_prior=log_prior,
            converged=fine[best] | (agreeing > 1),
            agreeing=agreeing,
            determined=determined,
            at_bound=determined & _at_bound(at, chosen, self.story, self.bounds),
            informed=None if left is None else left <= LEANING,
        )


def search(
    scoring: Scoring,
    lots: Mapping[int, np.ndarray],
    priors: Mapping[str, Prior] | None,
    *,
    starts: int,
    seed: int,
) -> Iterator[tuple[int, Estimates]]:
    """Search lots of participants, wherever joblib is told to work.

    Parameters
    ----------
    scoring : Scoring
        Model and choices.
    lots : mapping of int to int array
        Numbers of participants, some of `lots`, by a number for each lot.
    priors : mapping of str to Prior, or None
        For each coefficient its prior; None for maximum likelihood.
    starts : int
        Searches for each participant, from points drawn from the parameters' priors.
    seed : int
        Seed of the starting points; a participant's do not depend on who else is there.

    Yields
    ------
    int, Estimates
        Each lot's number and what was found, in the order in which they are done.
    """
    work = (
        delayed(_numbered)(number, Lot.of(scoring, people, priors, starts=starts, seed=seed))
        for number, people in lots.items()
    )
    yield from Parallel(return_as="generator_unordered")(work)


def _numbered(number: int, lot: Lot) -> tuple[int, Estimates]:
    return number, lot.search()


def lot_name(number: int) -> str:
    """Return the name under which a lot's estimates are kept."""
    return f"participants-{number:06}"


def lots(participants: int, starts: int) -> list[np.ndarray]:
    """Return numbers of participants, as many together as their searches fit side by side."""
    size = max(1, LANES // starts)
    return [
        np.arange(begin, min(begin + size, participants)) for begin in range(0, participants, size)
    ]


def _settle(at: Score, best: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Move coefficients that nothing determines to the middle; return points, and which did not."""
    top = at(best)
    determined = np.ones(best.shape, dtype=bool)
    for k, (low, high) in enumerate(bounds):
        moved = best.copy()
        open_ = np.ones(len(best), dtype=bool)
        for share in (0.25, 0.75, 0.5):
            moved[:, k] = low + share * (high - low)
            open_ &= np.abs(at(moved) - top) < 1e-6
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


def _at_bound(at: Score, values: np.ndarray, story: Story, bounds: np.ndarray) -> np.ndarray:
    """Return which values the search's bounds hold, shape (people, coefficients).

    They lie there, or would lose nothing if they did: so p is 30, or 20, where somebody always
    repeats. Bounds that are the scale's own hold nothing: a weight may well be 1.
    """
    natural = [
        (-np.inf, np.inf) if p.terms is not None else p.parameter.link.bounds
        for p in story.predictors
        for _ in p.coefficients
    ]
    top, held = at(values), np.zeros(values.shape, dtype=bool)
    for k, edges in enumerate(bounds):
        for edge, end in zip(edges, natural[k], strict=True):
            if abs(edge - end) > 2e-6:  # which is how far bounds without density are left out
                moved = values.copy()
                moved[:, k] = edge
                near = np.abs(values[:, k] - edge) <= NEAR * np.ptp(edges)
                held[:, k] |= near | (at(moved) - top < 1e-6)
    return held


def _starting_points(
    scoring: Scoring, people: np.ndarray, bounds: np.ndarray, starts: int, seed: int
) -> np.ndarray:
    """Return points to search from, shape (people, starts, coefficients).

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
    points = np.empty((len(people), starts, len(bounds)))
    for row, person in enumerate(people):
        rng = np.random.default_rng([seed, *scoring.participants[person].encode()])
        drawn = [priors[name].draw(starts, rng) for name in scoring.story.coefficients]
        spread = low + (high - low) / (1 + np.exp(-rng.uniform(-6, 6, (starts, len(bounds)))))
        points[row] = np.column_stack(drawn)
        points[row, 1::2] = np.where(bounded, spread, points[row])[1::2]
    return np.clip(points, low + 0.001 * (high - low), high - 0.001 * (high - low))


def _log_prior(names: tuple[str, ...], priors: Mapping[str, Prior] | None, values: Any) -> Any:
    """Return the log prior of each row of coefficients, shape (rows,)."""
    if priors is None:
        return jnp.zeros(len(values))
    return sum(priors[name].logpdf(values[:, k]) for k, name in enumerate(names))


def _evaluator(story: Story, records: Records, priors: Mapping[str, Prior] | None) -> Evaluate:
    """Return a function from points, shape (lanes, coefficients), to objectives and gradients."""
    frozen = None if priors is None else tuple((name, priors[name]) for name in story.coefficients)
    lanes = len(records.slots)

    def evaluate(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        empty = np.repeat(points[:1], lanes - len(points), axis=0)
        value, slope = _objective(story, frozen, records, np.concatenate([points, empty]))
        return np.asarray(value), np.asarray(slope)

    return evaluate


@jax.jit(static_argnums=(0, 1))
def _objective(story: Story, priors: Any, records: Records, points: Any) -> Any:
    """Return minus the log-posterior of each lane, and its gradient."""

    def total(points: Any) -> tuple[Any, Any]:
        value = log_likelihood(story, records)(points)
        value = value + _log_prior(story.coefficients, dict(priors) if priors else None, points)
        return -value.sum(), -value

    (_, value), slope = jax.value_and_grad(total, has_aux=True)(points)
    return value, slope


def _search_together(evaluate: Evaluate, points: np.ndarray, bounds: np.ndarray) -> list[Any]:
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
