"""Reliability from posterior draws, where it is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

import metacontrol as mc


def fit_of(values: np.ndarray, **coords: list[str]) -> mc.Fit:
    """Return a fit whose posterior of w is `values`, shape (draws, participants)."""
    posterior = xr.Dataset(
        {
            "w": (("chain", "draw", "participant"), values[None]),
            "w_sd": (("chain", "draw"), [[1.0] * len(values)]),
        },
        coords,
    )
    tree = xr.DataTree.from_dict({"posterior": posterior})
    about = {"coefficients": ["w"], "method": "nuts"}
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


def test_sessions_are_not_people() -> None:
    """Nobody differs within a session, but sessions are 3 sd apart; one person came once only."""
    rng = np.random.default_rng(2)
    names = [f"s{i}/{day}" for i in range(500) for day in (1, 2)][:-1]
    second = np.array([name.endswith("/2") for name in names])
    draws = rng.normal(0, 1, (200, 999)) + 3.0 * second
    fit = fit_of(draws, participant=names, session=["1", "2"])
    table = mc.reliability(fit, seed=1)
    assert table["session"].tolist() == ["1", "2"]
    # the mean of 100 correlations over 500 people, .045 each: .0045
    np.testing.assert_allclose(table["reliability"], 0, atol=0.02)
    people = rng.normal(0, np.sqrt(3), 999)
    fit = fit_of(draws + people * second, participant=names, session=["1", "2"])
    found = mc.reliability(fit, seed=1).set_index("session")["reliability"]
    assert found["1"] == pytest.approx(0, abs=0.02)
    assert found["2"] == pytest.approx(0.75, abs=0.06)
    lonely = fit_of(draws[:, [0, 1, 3]], participant=["a/1", "a/2", "b/2"], session=["1", "2"])
    with pytest.raises(ValueError, match="but there is 1 in session 1"):
        mc.reliability(lonely, seed=1)


def test_reliability_needs_a_posterior_and_people() -> None:
    alone = xr.DataTree.from_dict({"estimates": xr.Dataset()})
    alone.attrs["about"] = json.dumps({"method": "map"})
    with pytest.raises(ValueError, match="need a fit of the group, this one is by map"):
        mc.reliability(mc.Fit(alone), seed=1)
    with pytest.raises(ValueError, match="but there is 1"):
        mc.reliability(fit_of(np.zeros((2, 1))), seed=1)
