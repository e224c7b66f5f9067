"""Noise in planned values: the sum over it, its limits, and what it does to choices."""

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import norm

import metacontrol as mc
from metacontrol.models import HYBRID
from metacontrol.models.engine.table import Table
from metacontrol.models.mixture import lead
from metacontrol.models.planning_noise import PLANNING_NOISE, blurred
from metacontrol.tasks import DAW_2011, OTTO_2013, Choices

REST = dict(alpha1=0.5, alpha2=0.5, beta1=6.0, beta2=3.0, lam=0.5, p=0.1, w=0.8)


def noisy(noise: float, under_load: float, people: int = 1) -> pd.DataFrame:
    return pd.DataFrame([{**REST, "noise": noise, "noise_under_load": under_load}] * people)


@pytest.mark.parametrize(
    ("sd", "bound"), [(0.0, 1e-15), (0.1, 1e-6), (1.0, 4e-5), (5.0, 4e-5), (10, 4e-5), (14.2, 4e-4)]
)
def test_expectation_against_adaptive_quadrature(sd: float, bound: float) -> None:
    """Log-odds up to 30; the widest noise is that of beta1 = 10, w = 1, sd = 1."""
    for x in (-3.0, 0.0, 0.4, 1.0, 2.5, 6.0, 11.0, 30.0):
        ours = 1 / (1 + np.exp(-float(lead(blurred(Table.of(0.3, 0.3 + x), jnp.asarray(sd))))))
        places = [-x / sd] if 0 < abs(x) < 8 * sd else None
        exact, _ = quad(
            lambda z, x=x: norm.pdf(z) / (1 + np.exp(-x - sd * z)), -9, 9, points=places, limit=500
        )
        assert ours == pytest.approx(exact, abs=bound + 1e-13)


def test_the_unlikely_option_keeps_its_odds() -> None:
    """Far out, E sigma(x + sd z) = exp(x + sd^2 / 2); 4 sd to either side leave a little."""
    log_odds = float(lead(blurred(Table.of(800.0, 0.0), jnp.asarray(0.5))))
    assert log_odds == pytest.approx(-800 + 0.125, abs=2e-4)


def test_no_noise_is_the_hybrid() -> None:
    data = mc.simulate(PLANNING_NOISE, OTTO_2013, noisy(0.3, 0.5, 6), trials=60, seed=2)
    hybrid = mc.log_likelihood(HYBRID, data, pd.DataFrame([REST]))
    found = mc.log_likelihood(PLANNING_NOISE, data, noisy(0.0, 0.0))
    pd.testing.assert_frame_equal(found, hybrid, rtol=1e-12)
    rested = Choices(data.frame.assign(load=0), OTTO_2013)
    found = mc.log_likelihood(PLANNING_NOISE, rested, noisy(0.0, 0.7))
    pd.testing.assert_frame_equal(found, hybrid, rtol=1e-12)
    without = Choices(data.frame.drop(columns="load"), DAW_2011)
    hybrid = mc.log_likelihood(HYBRID, without, pd.DataFrame([REST]))
    model = PLANNING_NOISE.fix(noise_under_load=0.0)
    at = noisy(0.0, 0.0).drop(columns="noise_under_load")
    pd.testing.assert_frame_equal(mc.log_likelihood(model, without, at), hybrid, rtol=1e-12)


def test_noise_at_all_times_is_noise_under_full_load() -> None:
    data = mc.simulate(PLANNING_NOISE, OTTO_2013, noisy(0.3, 0.5, 6), trials=60, seed=2)
    loaded = Choices(data.frame.assign(load=1), OTTO_2013)
    found = mc.log_likelihood(PLANNING_NOISE, loaded, noisy(0.2, 0.6))
    expected = mc.log_likelihood(PLANNING_NOISE, data, noisy(0.8, 0.0))
    pd.testing.assert_frame_equal(found, expected, rtol=1e-12)


def test_load_takes_the_mark_of_planning_from_choices() -> None:
    """The mark: after a rare transition reward has the opposite effect on staying."""
    data = mc.simulate(PLANNING_NOISE, OTTO_2013, noisy(0.0, 1.5, 400), trials=300, seed=3)
    stay = mc.stay_probabilities(data, by=["load"])
    mark = {}
    for load, rows in stay.groupby("load"):
        common, rare, lost, lost_rare = rows["stay"]
        mark[load] = common - rare - lost + lost_rare
    assert mark[0] > 0.2
    assert mark[1] < 0.4 * mark[0]
