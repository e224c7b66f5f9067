"""The group's distribution as a posterior knows it: regressions, and correlations too."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.stats import multivariate_normal

import metacontrol as mc
from metacontrol.fitting.individuals import Individuals
from metacontrol.fitting.population import Population
from metacontrol.models.scoring import Scoring

MODEL = mc.models.HYBRID.fix(alpha1=0.5, alpha2=0.5, beta2=3.0, lam=0.6, p=0.1)
FORMULAS = {"w": "1 + age"}


@pytest.fixture(scope="module")
def population() -> Population:
    """Draws of beta1 and w, which correlate by .6, .7 and .8; the older plan more."""
    people = mc.draw_participants(MODEL, 4, seed=1)
    data = mc.simulate(MODEL, mc.tasks.DAW_2011, people, trials=20, seed=1)
    ages = {name: float(i) for i, name in enumerate(data.participants)}
    data = mc.Choices(data.frame.assign(age=data.frame["participant"].map(ages)), data.task)
    fit = mc.fit(MODEL, data, formulas=FORMULAS, method="em", draws=3, chains=1, seed=1)
    posterior = fit.tree["posterior"].to_dataset()
    posterior["w_age_mean"][:] = 0.5
    pairs = np.array([[[1, r], [r, 1]] for r in (0.6, 0.7, 0.8)])[None]
    dims = "chain", "draw", "parameter_a", "parameter_b"
    names = ["w_Intercept", "beta1"]
    coords = {"parameter_a": names, "parameter_b": names}
    posterior["correlation"] = xr.DataArray(pairs, coords, dims=dims)
    fit.tree["posterior"] = xr.DataTree(dataset=posterior)
    return Population.of(fit, Individuals(Scoring.of(MODEL, data, FORMULAS)), 100)


def test_people_correlate_and_the_older_plan_more(population: Population) -> None:
    assert population.hierarchy.own == ("beta1", "w_Intercept")
    for draw, r in enumerate((0.6, 0.7, 0.8)):
        normal = population.at(draw)
        np.testing.assert_allclose(np.diff(normal.mean[:, 1]), 0.5)
        np.testing.assert_allclose(np.diff(normal.mean[:, 0]), 0.0, atol=1e-12)
        sd = np.sqrt(np.diag(normal.covariance))
        np.testing.assert_allclose(normal.covariance[0, 1] / sd.prod(), r)
    assert (np.diag(population.wide().covariance) > np.diag(normal.covariance)).all()


def test_density(population: Population) -> None:
    values = np.random.default_rng(1).normal(size=(5, 2))
    found = population.log_density(values, 2)
    for draw in range(3):
        mean, covariance = population.means(2)[draw], population.covariance[draw]
        np.testing.assert_allclose(population.at(draw).mean[2], mean)
        expected = multivariate_normal.logpdf(values, mean, covariance)
        np.testing.assert_allclose(found[:, draw], expected, rtol=1e-9)
