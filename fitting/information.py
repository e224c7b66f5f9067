"""What people's choices tell of their coefficients, found quickly: where sampling starts from.

A sampler moves best where all directions are alike and none depends on another. So people's
coefficients are written as how they depart from what is expected of them, given their choices and
the group; how that follows the group is taken to be linear, and read off draws at one group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pytensor.tensor as pt
import xarray as xr

from metacontrol.fitting.ascent import highest, look_around, maximum
from metacontrol.fitting.hierarchy import Hierarchy
from metacontrol.fitting.individuals import Individuals, Normal, side_by_side
from metacontrol.fitting.recycling import Recycled
from metacontrol.models.parameter import Prior

FEW, DRAWS = 200, 1000  # draws of each person: to find the group, and to tell how things follow it
SURE = 0.15  # largest error of the log of the group's spread where it is known well enough


@dataclass(frozen=True)
class Information:
    """What choices tell, near the group that a quick pass found; on the scale of links.

    Coefficients are counted in standard deviations of the group from its mean.

    Attributes
    ----------
    group : dict of str to float
        Means and standard deviations by the names of their priors.
    expected : array, shape (participants, coefficients)
        What the group expects of each person before any choice.
    sd : array, shape (coefficients,)
        The group's standard deviations.
    centre : array, shape (participants, coefficients)
        Posterior means.
    width : array, shape (participants, coefficients, coefficients)
        Lower triangular factors of posterior covariances.
    sharpness : array, shape (participants, coefficients)
        Precision of what choices tell over that of the group: where likelihoods are normal, a
        posterior's width in units of the group's spread falls with that spread s (1 at this group)
        as (1 + sharpness * s**2)**-0.5, and its centre changes as s / (1 + sharpness * s**2).
    by_mean, by_sd : array, shape (participants, coefficients, coefficients)
        How much posterior means rise with what is expected; and with log standard deviations, more
        than normal likelihoods would have them.
    width_by_mean : array, shape (participants, coefficients)
        How much the logarithm of a posterior's width rises with what is expected.
    """

    group: dict[str, float]
    expected: np.ndarray
    sd: np.ndarray
    centre: np.ndarray
    width: np.ndarray
    sharpness: np.ndarray
    by_mean: np.ndarray
    by_sd: np.ndarray
    width_by_mean: np.ndarray

    def tree(self) -> xr.DataTree:
        """Return it as it is kept on disk."""
        arrays = {k: v for k, v in asdict(self).items() if k != "group"}
        dims = ("participant", "coefficient", "by")
        sizes = {
            k: dims[:2] if v.ndim == 2 else dims[1:2] if v.ndim == 1 else dims
            for k, v in arrays.items()
        }
        tables = {"arrays": xr.Dataset({k: (sizes[k], v) for k, v in arrays.items()})}
        return xr.DataTree.from_dict(tables | {"group": xr.Dataset(self.group)})

    @classmethod
    def of(cls, tree: xr.DataTree) -> Information:
        """Return what was kept."""
        arrays = {str(k): v.to_numpy() for k, v in tree["arrays"].data_vars.items()}
        return cls({str(k): float(v) for k, v in tree["group"].data_vars.items()}, **arrays)

    def start(self, sessions: Sequence[str] = ()) -> dict[str, Any]:
        """Return where sampling starts: the group, the same in each session."""
        size = len(sessions)
        return {n: np.full(size, v) if size else np.array(v) for n, v in self.group.items()}

    def departures(self, z: Any, expected: Any, sd: Any) -> tuple[Any, Any]:
        """Return how people depart from a group, and the log of the volume's change.

        Parameters
        ----------
        z : tensor, shape (participants, coefficients)
            Coordinates: about standard normal and independent, whatever the group.
        expected, sd : tensor, shape (participants, coefficients)
            The group's means (with regressions on what does not vary within people) and standard
            deviations. Departures are from the former, in units of the latter.
        """
        rise, ratio = expected - self.expected, sd / self.sd
        falls = (1 + self.sharpness) / (1 + self.sharpness * ratio**2)
        centre = ratio * falls * (self.centre + _times(self.by_mean, rise))
        centre += _times(self.by_sd, 2 * ratio * (ratio**2 - 1) / (ratio**2 + 1) ** 2)
        wider = pt.log(falls) / 2 + self.width_by_mean * rise
        return centre + pt.exp(wider) * _times(self.width, z), wider.sum()


def quick_pass(individuals: Individuals, priors: Mapping[str, Prior], *, seed: int) -> Information:
    """Return what choices tell, near the most probable group.

    That group is found by EM with few draws; more are made there, whose weights give people's
    moments. A posterior's mean rises with a parameter of the group by its covariance with the
    slope of the group's log-density there.

    Parameters
    ----------
    individuals : Individuals
        Likelihoods.
    priors : mapping of str to Prior
        From `group_priors`.
    seed : int
        Seed of the draws.
    """
    hierarchy = Hierarchy.of(individuals, priors)
    start = hierarchy.near(individuals.prior(priors))
    found = maximum(individuals, start, hierarchy, tell=lambda _: None, count=FEW, seed=seed)
    drawn = look_around(individuals, found.vector, hierarchy, count=DRAWS, seed=seed)
    vector = highest(Recycled.of(hierarchy, drawn), found.vector)
    slopes = np.stack(side_by_side(lambda row: individuals.slope(row)[1], drawn.values))
    normal = hierarchy.normal(vector)
    weights = drawn.weights(normal)
    sure = hierarchy.log_sd(np.sqrt(np.diag(found.covariance))) < SURE
    return _information(
        hierarchy.named(vector), normal, drawn.values, np.nan_to_num(slopes), weights, sure
    )


def _information(
    group: dict[str, float],
    normal: Normal,
    values: np.ndarray,
    slopes: np.ndarray,
    weights: np.ndarray,
    sure: np.ndarray,
) -> Information:
    """Return moments of draws, and how they follow the group.

    A coefficient is written without them unless it is sure how much people differ in it: how things
    follow the group is known near the group that was found only, and of few people far more groups
    are probable than those.

    A moment rises with a parameter of the group by its covariance with the slope there of the
    group's log-density, or of the likelihood's if people's departures in units of the group are
    held: two ways to the same number. The former has little noise where choices tell much, the
    latter where they tell little, so that they are mixed by the share of the group's variance that
    is left.
    """
    sd = np.sqrt(np.diag(normal.covariance))
    own = (values - normal.mean) / sd
    likelihood = slopes * sd
    centre = np.einsum("sp,spk->pk", weights, own)
    apart = own - centre
    covariance = np.einsum("sp,spj,spk->pjk", weights, apart, apart)
    variance = np.diagonal(covariance, axis1=1, axis2=2) + 1e-6
    left = np.minimum(variance, 1.0)
    eye = np.eye(len(sd))

    def follows(moments: np.ndarray, how: str, prior: np.ndarray, direct: np.ndarray) -> np.ndarray:
        held = np.einsum(how, weights, moments, likelihood * prior)
        moved = np.einsum(how, weights, moments, own * prior) - direct
        share = left[:, None, :] if held.ndim == 3 else left
        return share * held + (1 - share) * moved

    ones, spread = np.ones_like(own), (apart**2 - variance) / variance / 2
    both, alone = "sp,spj,spk->pjk", "sp,spk,spk->pk"
    fall = np.clip(-follows(spread, alone, own, np.ones(1)), 0, 0.999)
    by_sd = follows(apart, both, own, centre[:, :, None] * eye)
    by_sd -= (centre * (1 - 2 * fall))[:, :, None] * eye
    by_mean = follows(apart, both, ones, eye) / sd
    by_width = np.clip(follows(spread, alone, ones, np.zeros(1)), -1, 1) / sd
    pairs = sure[:, None] & sure
    return Information(
        group=group,
        expected=normal.mean,
        sd=sd,
        centre=centre * sure,
        width=np.linalg.cholesky(np.where(pairs, covariance + 1e-6 * eye, eye)),
        by_mean=by_mean * pairs,
        sharpness=fall / (1 - fall) * sure,
        by_sd=by_sd * pairs,
        width_by_mean=by_width * sure,
    )


def _times(matrices: np.ndarray, vectors: Any) -> Any:
    """Return each matrix times its vector."""
    return (matrices * vectors[:, None, :]).sum(axis=2)
