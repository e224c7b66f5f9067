"""Reliability from posterior draws, where it is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

import metacontrol as mc


def fit_of(values: np.ndarray) -> mc.Fit:
    """Return a fit whose posterior of w is `values`, shape (draws, participants)."""
    posterior = xr.Dataset(
        {
            "w": (("chain", "draw", "participant"), values[None]),
            "w_sd": (("chain", "draw"), [[1.0] * len(values)]),
        }
    )
    tree = xr.DataTree.from_dict({"posterior": posterior})
    about = {"coefficients": ["w"], "method": "nuts", "data": {"participants": values.shape[1]}}
    tree.attrs["about"] = json.dumps(about)
    return mc.Fit(tree)


def test_reliability_is_the_share_of_true_variance() -> None:
    """Posterior means with variance 3 and posteriors with variance 1: 3 / (3 + 1)."""
    rng = np.random.default_rng(1)
    draws = rng.normal(0, np.sqrt(3), 2000) + rng.normal(0, 1, (400, 2000))
    table = mc.reliability(fit_of(draws), seed=1)
    assert table["parameter"].tolist() == ["w"]
    # over 2,000 people r has a standard error of (1 - .75**2) / sqrt(2000) = .01
    assert table["reliability"][0] == pytest.approx(0.75, abs=0.04)
    assert table["lower"][0] < 0.75 < table["upper"][0]
    exact = np.tile(rng.normal(size=5), (6, 1))
    assert mc.reliability(fit_of(exact), seed=1)["reliability"][0] == pytest.approx(1)


def test_reliability_needs_a_posterior_and_people() -> None:
    alone = xr.DataTree.from_dict({"estimates": xr.Dataset()})
    alone.attrs["about"] = json.dumps({"method": "map"})
    with pytest.raises(ValueError, match="need a fit of the group, this one is by map"):
        mc.reliability(mc.Fit(alone), seed=1)
    with pytest.raises(ValueError, match="but there is 1"):
        mc.reliability(fit_of(np.zeros((2, 1))), seed=1)
