"""A weight that wanders: its belief against a fine grid, and its walk."""

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.models import HYBRID
from metacontrol.models.drifting_weight import DRIFTING_WEIGHT, SPACING, walk
from metacontrol.models.engine.replay import log_likelihood
from metacontrol.models.engine.table import Table
from metacontrol.models.scoring import Scoring
from metacontrol.tasks import DAW_2011, KOOL_2017_DETERMINISTIC, Choices, TwoStep

REST = dict(alpha1=0.5, alpha2=0.4, beta1=0.8, beta2=1.0, lam=0.6, p=0.1)
START = [0.0] * 8 + [1.0] + [0.0] * 8


def simulated(**values: float) -> Choices:
    crowd = pd.DataFrame([{**REST, **values}] * 100)
    return mc.simulate(DRIFTING_WEIGHT, KOOL_2017_DETERMINISTIC, crowd, trials=200, seed=6)


def total(data: Choices, **values: float) -> np.ndarray:
    """Return log-likelihoods, shape (participants,)."""
    scoring = Scoring.of(DRIFTING_WEIGHT, data, None)
    at = scoring.matrix(pd.DataFrame([{**REST, **values}]))
    return np.asarray(log_likelihood(scoring.story, scoring.records)(at))


def by_the_hybrid(data: Choices, w: float) -> np.ndarray:
    """Return log-odds of the first choices that were made, shape (participants, trials)."""
    seen = mc.latents(HYBRID, data, pd.DataFrame([{**REST, "w": w}]))
    log = seen["log_probability_first_choice"].to_numpy(float).reshape(100, 200)
    return log - np.log(-np.expm1(log))


@pytest.mark.parametrize("task", [DAW_2011, KOOL_2017_DETERMINISTIC])
def test_a_weight_that_stays_is_the_hybrid(task: TwoStep) -> None:
    at = pd.DataFrame([{**REST, "w": w, "drift": 0.0} for w in (0.0, 0.07, 0.5, 0.99, 1.0)])
    at = at.assign(participant=[f"s{i}" for i in range(5)])
    data = mc.simulate(HYBRID, task, at.drop(columns="drift"), trials=50, seed=1)
    found, expected = (mc.log_likelihood(model, data, at) for model in (DRIFTING_WEIGHT, HYBRID))
    pd.testing.assert_frame_equal(found, expected, rtol=1e-12)


def on_a_fine_grid(odds: np.ndarray, w: float, drift: float) -> np.ndarray:
    """Return log-likelihoods by normal steps between points .06 apart, up to 9 to either side.

    `odds` are log-odds of what was chosen under habit and under the planner, by trial and person.
    """
    x = np.arange(-150, 151) * 0.06
    weights = 1 / (1 + (1 - w) / w * np.exp(-x))
    steps = np.exp(-((x[:, None] - x) ** 2) / (2 * drift**2))
    steps /= steps.sum(axis=0)
    belief, total = np.tile(1.0 * (x == 0), (100, 1)), np.zeros(100)
    for habit, planner in odds[..., None]:
        belief = belief / (1 + np.exp(-habit - weights * (planner - habit)))
        total += np.log(belief.sum(axis=1))
        belief = belief / belief.sum(axis=1, keepdims=True) @ steps.T
    return total


@pytest.mark.parametrize(("w", "drift"), [(0.3, 0.05), (0.5, 0.15), (0.8, 0.3)])
def test_belief_against_a_fine_grid(w: float, drift: float) -> None:
    data = simulated(w=w, drift=drift)
    odds = np.array([by_the_hybrid(data, weight) for weight in (0.0, 1.0)]).transpose(2, 0, 1)
    fine = on_a_fine_grid(odds, w, drift)
    still = -np.log1p(np.exp(-(1 - w) * odds[:, 0] - w * odds[:, 1])).sum(axis=0)
    error = np.abs(total(data, w=w, drift=drift) - fine).mean()
    assert error < 0.05
    assert error < 0.2 * np.abs(still - fine).mean()


@pytest.mark.parametrize("drift", [1e-4, 0.05, 0.5, 1.0])
def test_the_walk_has_the_variance_it_should(drift: float) -> None:
    belief = Table.of(*START)
    places = SPACING * (np.arange(17) - 8)
    for step in (1, 2, 3):
        belief = walk(belief, drift)
        chances = np.array(belief.cells)
        assert chances.min() >= 0
        assert chances.sum() == pytest.approx(1, rel=1e-14)
        assert chances @ places**2 == pytest.approx(step * drift**2, rel=1e-12)


def test_at_the_ends_the_walk_stays() -> None:
    belief = Table.of(*START)
    for _ in range(2000):
        belief = walk(belief, 1.0)
    np.testing.assert_allclose(belief.cells, 1 / 17, rtol=1e-9)


@pytest.mark.parametrize(("drift", "other"), [(0.4, 0.0), (0.0, 0.4)])
def test_choices_tell_whether_the_weight_wandered(drift: float, other: float) -> None:
    data = simulated(w=0.5, drift=drift)
    assert total(data, w=0.5, drift=drift).sum() > total(data, w=0.5, drift=other).sum() + 20
