"""The group under which all choices are most probable, by expectation and maximisation (EM)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from metacontrol.fitting.checkpoint import Parts
from metacontrol.fitting.hierarchy import Hierarchy
from metacontrol.fitting.importance import Draws, Pool, draw
from metacontrol.fitting.individuals import Individuals, Normal
from metacontrol.fitting.recycling import Recycled

GAIN = 1e-4  # nats of log marginal likelihood that are worth another step
STEPS = 500  # at most
ROUNDS = 10  # of draws, at most
SHORTEST = 0.1  # share of the way to a maximum that is gone at least
SETTLED = 0.1  # nats for each of a group's numbers: what new draws may add by their noise
WIDER = 1.5  # variance of what draws are made under, in shares of the group's
POOL = 10  # draws of which one is kept, of a group that is fitted
LARGEST = 1.0  # standard error, on the scale of links, where choices tell nothing

Step = Callable[[np.ndarray], tuple[float, np.ndarray]]
Tell = Callable[[float], None]


@dataclass(frozen=True)
class Maximum:
    """The most probable group.

    Attributes
    ----------
    vector : array, shape (numbers,)
        As `Hierarchy` has them.
    covariance : array, shape (numbers, numbers)
        Inverse of the observed information.
    noise : array, shape (numbers,)
        Standard deviations over draws made anew.
    recycled : Recycled
        The draws it was found with.
    gain : float
        What the last draws added to the log-posterior, in nats.
    """

    vector: np.ndarray
    covariance: np.ndarray
    noise: np.ndarray
    recycled: Recycled
    gain: float

    def tree(self) -> xr.DataTree:
        """Return it as it is kept on disk."""
        arrays: dict[str, Any] = {
            "vector": ("number", self.vector),
            "covariance": (("number", "by"), self.covariance),
            "noise": ("number", self.noise),
            "values": (("participant", "own", "draw"), self.recycled.values),
            "base": (("participant", "draw"), self.recycled.base),
            "log_likelihood": (("participant", "draw"), self.recycled.log_likelihood),
            "gain": ((), self.gain),
        }
        if self.recycled.pool is not None:
            pool = asdict(self.recycled.pool)
            arrays |= {f"pool_{name}": ("participant", of_each) for name, of_each in pool.items()}
        return xr.DataTree.from_dict({"maximum": xr.Dataset(arrays)})

    @classmethod
    def of(cls, tree: xr.DataTree, hierarchy: Hierarchy) -> Maximum:
        """Return what was kept."""
        kept = {str(name): v.to_numpy() for name, v in tree["maximum"].data_vars.items()}
        draws: list[Any] = [kept[name] for name in ("values", "base", "log_likelihood")]
        if "pool_effective" in kept:
            draws.append(Pool(kept["pool_effective"], kept["pool_pareto_k"]))
        return cls(
            kept["vector"],
            kept["covariance"],
            kept["noise"],
            Recycled(hierarchy, *draws),
            float(kept["gain"]),
        )

    @classmethod
    def at(cls, vector: np.ndarray, recycled: Recycled, gain: float = 0.0) -> Maximum:
        """Return a maximum with its errors."""
        information, noise = recycled.information(vector)
        information = information + np.diag(recycled.hierarchy.prior_information(vector))
        covariance, spread = errors(information, noise)
        return cls(vector, covariance, spread, recycled, gain)


@dataclass(frozen=True)
class _Round:
    """Where a search for the maximum has come to.

    Attributes
    ----------
    number : int
        Rounds done.
    vector : array, shape (numbers,)
        The group.
    pool : int
        Of the next draws.
    drawn : Draws
        The last draws.
    """

    number: int
    vector: np.ndarray
    pool: int
    drawn: Draws

    def tree(self) -> xr.DataTree:
        """Return it as it is kept on disk."""
        drawn = self.drawn
        arrays: dict[str, Any] = {
            "number": ((), self.number),
            "vector": ("of_group", self.vector),
            "pool": ((), self.pool),
            "values": (("draw", "participant", "own"), drawn.values),
            "log_likelihood": (("draw", "participant"), drawn.log_likelihood),
            "base": (("draw", "participant"), drawn.base),
            "spread": (("participant", "own", "by"), drawn.spread),
        }
        return xr.DataTree.from_dict({"round": xr.Dataset(arrays)})

    @classmethod
    def of(cls, tree: xr.DataTree) -> _Round:
        """Return what was kept."""
        kept = {str(name): v.to_numpy() for name, v in tree["round"].data_vars.items()}
        draws: list[Any] = [kept[n] for n in ("values", "log_likelihood", "base", "spread")]
        return cls(int(kept["number"]), kept["vector"], int(kept["pool"]), Draws(*draws))


def enough(numbers: int) -> float:
    """Return the gain, in nats, below which new draws have little to say of so many numbers."""
    return SETTLED * numbers


def errors(information: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the covariance of a group's numbers, and the standard deviations that draws add.

    Parameters
    ----------
    information, noise : array, shape (numbers, numbers)
        Of the posterior, see `Recycled.information`.
    """
    sizes, directions = np.linalg.eigh(information)
    sizes = np.maximum(sizes, 1 / LARGEST**2)
    covariance = (directions / sizes) @ directions.T
    return covariance, np.sqrt(np.diag(covariance @ noise @ covariance))


def kept_maximum(
    individuals: Individuals,
    start: np.ndarray,
    hierarchy: Hierarchy,
    parts: Parts,
    *,
    tell: Tell,
    count: int,
    seed: int,
) -> Maximum:
    """Return the maximum that was kept among parts; else find it from a pool, and keep it."""

    def find() -> xr.DataTree:
        how: Any = {"tell": tell, "count": count, "seed": seed, "pool": POOL, "parts": parts}
        return maximum(individuals, start, hierarchy, **how).tree()

    return Maximum.of(parts.part("maximum", find), hierarchy)


def maximum(
    individuals: Individuals,
    start: np.ndarray,
    hierarchy: Hierarchy,
    *,
    tell: Tell,
    count: int,
    seed: int,
    pool: int = 1,
    parts: Parts | None = None,
) -> Maximum:
    """Find the group by EM with an E-step that weighs draws; draw anew where it has come to.

    New draws are made until they change nothing: draws under a wide prior are few where the group
    turns out to be. Each draws closer to posteriors, as it knows those before. The last ones may be
    picked from a pool: what few draws say is off by some bias, which does not average out over
    participants.

    Parameters
    ----------
    individuals : Individuals
        The participants.
    start : array, shape (numbers,)
        Where to begin.
    hierarchy : Hierarchy
        What the numbers of a group mean.
    tell : function
        Is told what share of the rounds is done.
    count : int
        Draws of each participant, each time.
    seed : int
        Seed of the draws.
    pool : int
        Of the last draws, as for `draw`.
    parts : Parts, optional
        Where the last round is kept, from which the same search goes on.
    """
    parts = parts or Parts(None, {})
    first, vector, wide, drawn = 0, start, 1, None
    if (kept := parts.load("round")) is not None:
        done = _Round.of(kept)
        first, vector, wide, drawn = done.number, done.vector, done.pool, done.drawn
    for number in range(first, ROUNDS):
        drawn = look_around(
            individuals, vector, hierarchy, known=drawn, count=count, seed=(seed, number), pool=wide
        )
        recycled = Recycled.of(hierarchy, drawn)
        reached = _within_reach(recycled, vector)
        gain = _step(recycled, reached)[0] - _step(recycled, vector)[0]
        vector = reached
        tell((number + 1) / ROUNDS)
        if number and gain < enough(len(vector)):  # the first draws are from nowhere near
            if wide == pool:
                break
            wide = pool
        if number + 1 < ROUNDS:
            parts.keep("round", _Round(number + 1, vector, wide, drawn).tree())
    return Maximum.at(vector, recycled, gain)


def _within_reach(recycled: Recycled, start: np.ndarray) -> np.ndarray:
    """Return the most probable group, or as much of the way there as draws know.

    Far from where they were made few draws have all the weight, and a maximum there is theirs.
    """
    way = highest(recycled, start) - start
    enough = np.median(recycled.effective(start)) / 2
    share = 1.0
    while share > SHORTEST and np.median(recycled.effective(start + share * way)) < enough:
        share /= 2
    return start + share * way


def look_around(
    individuals: Individuals,
    vector: np.ndarray,
    hierarchy: Hierarchy,
    *,
    known: Draws | None = None,
    count: int,
    seed: int | Sequence[int],
    pool: int = 1,
) -> Draws:
    """Return draws of each participant under a somewhat wider group than this, as `draw` does."""
    group = hierarchy.normal(vector)
    prior = Normal(group.mean, WIDER * group.covariance)
    return draw(individuals, prior, count, seed=seed, known=known, pool=pool)


def highest(recycled: Recycled, start: np.ndarray) -> np.ndarray:
    """Return the most probable group, as draws have it."""
    return ascend(partial(_step, recycled), start)


def _step(recycled: Recycled, vector: np.ndarray) -> tuple[float, np.ndarray]:
    """Return a group's log-posterior in nats, but for a constant, and the next group of EM."""
    hierarchy = recycled.hierarchy
    evidence, first, second = recycled.corrected_moments(vector)
    height = evidence.sum() + hierarchy.log_prior(vector)
    return float(height), hierarchy.likeliest(hierarchy.sums(first, second), vector)


def ascend(step: Step, start: np.ndarray) -> np.ndarray:
    """Climb by steps of EM, in leaps where they line up: SQUAREM.

    Varadhan & Roland (2008, doi:10.1111/j.1467-9469.2007.00585.x), their third length of step. A
    leap that leads down is taken back.

    Parameters
    ----------
    step : function
        From a vector to its log marginal likelihood in nats and the next vector.
    start : array, shape (numbers,)
        Where to begin.
    """
    here, (height, one) = start, step(start)
    for _ in range(STEPS):
        above, two = step(one)
        first, bend = one - here, two - 2 * one + here
        length = max(1.0, float(np.linalg.norm(first) / max(np.linalg.norm(bend), 1e-12)))
        leap = here + 2 * length * first + length**2 * bend
        reached, next_one = step(leap)
        if not reached >= above:  # or it is no number
            leap, (reached, next_one) = two, step(two)
        gain, here, height, one = reached - height, leap, reached, next_one
        if gain < GAIN:
            break
    return one
