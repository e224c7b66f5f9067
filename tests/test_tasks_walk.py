"""Reward walks."""

import numpy as np
import pytest

from metacontrol.tasks import DAW_2011, KOOL_2016_DETERMINISTIC, KOOL_2016_STOCHASTIC, Walk

UNIT = Walk(0.25, 0.75, 0.025)


def rng() -> np.random.Generator:
    return np.random.default_rng(8)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (0.5, 0.5),
        (0.25, 0.25),
        (0.75, 0.75),
        (0.2, 0.3),  # .05 below: .05 above
        (0.8, 0.7),
        (1.3, 0.3),  # .55 beyond: down .5 to the lower bound, up .05
        (-0.4, 0.6),  # .65 below: up .5 to the upper bound, down .15
        (7.3, 0.3),  # 6 times there and back (.5 each way)
    ],
)
def test_reflection(x: float, expected: float) -> None:
    assert float(UNIT.reflect(np.array([x]))[0]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("sd", [0.025, 0.5, 5.0])
def test_walks_stay_within_their_bounds(sd: float) -> None:
    walk = Walk(0.25, 0.75, sd).draw(50, 100, 2, rng())
    assert walk.shape == (100, 50, 2, 2)
    assert walk.min() >= 0.25
    assert walk.max() <= 0.75


def test_steps_have_their_spread() -> None:
    """Far from the bounds; the s.e. of an SD over n steps is sd / sqrt(2 n)."""
    steps = np.diff(Walk(-1e6, 1e6, 0.025).draw(100, 101, 2, rng()), axis=0)
    n = steps.size
    assert abs(steps.std() / 0.025 - 1) < 4 / np.sqrt(2 * n)
    assert abs(steps.mean()) < 4 * 0.025 / np.sqrt(n)


def test_walks_of_options_and_people_are_independent() -> None:
    steps = np.diff(UNIT.draw(2, 2001, 2, rng()), axis=0).reshape(2000, -1)
    correlations = np.corrcoef(steps.T)[np.triu_indices(8, 1)]
    assert np.abs(correlations).max() < 4.5 / np.sqrt(2000)


def test_no_step_without_spread() -> None:
    walk = Walk(0, 1, 0.0).draw(3, 5, 2, rng())
    np.testing.assert_allclose(walk, np.broadcast_to(walk[0], walk.shape), atol=1e-12)


def test_starts_are_uniform_between_the_bounds() -> None:
    """Mean of a uniform on [.25, .75]: .5, s.e. .5 / sqrt(12 n)."""
    starts = UNIT.draw(2_000, 1, 2, rng())
    assert abs(starts.mean() - 0.5) < 4 * 0.5 / np.sqrt(12 * starts.size)
    assert starts.min() < 0.255
    assert starts.max() > 0.745


def test_starts_of_kool_2016_stochastic() -> None:
    """One state starts at .6 and .4, the other at .25 and .75; which is which is a coin flip."""
    starts = KOOL_2016_STOCHASTIC.walk.draw(1_000, 1, 2, rng())[0]
    first = np.isclose(starts[:, 0], [0.6, 0.4]).all(axis=1)
    other = np.where(first[:, None], [0.25, 0.75], [0.6, 0.4])
    np.testing.assert_allclose(starts[:, 1], other)
    np.testing.assert_allclose(starts[~first, 0], [[0.25, 0.75]] * (~first).sum())
    assert abs(first.mean() - 0.5) < 4 * 0.5 / np.sqrt(1_000)


def test_starts_of_kool_2016_deterministic() -> None:
    """One state starts from 1 to 5, the other from -4 to -1, each whole number alike."""
    starts = KOOL_2016_DETERMINISTIC.walk.draw(4_000, 1, 1, rng())[0, :, :, 0]
    high, low = starts.max(axis=1), starts.min(axis=1)
    for values, allowed in ((high, range(1, 6)), (low, range(-4, 0))):
        p = 1 / len(allowed)
        assert set(values) == set(allowed)
        for value in allowed:
            share = (values == value).mean()
            assert abs(share - p) < 4.5 * np.sqrt(p * (1 - p) / 4_000)
    assert abs((starts[:, 0] > 0).mean() - 0.5) < 4 * 0.5 / np.sqrt(4_000)


def test_points_are_whole() -> None:
    walk = KOOL_2016_DETERMINISTIC.walk.draw(200, 125, 1, rng())
    np.testing.assert_array_equal(walk, np.round(walk))
    assert (walk.min(), walk.max()) == (-4, 5)


def test_same_seed_same_walk() -> None:
    walk = DAW_2011.walk
    np.testing.assert_array_equal(walk.draw(3, 9, 2, rng()), walk.draw(3, 9, 2, rng()))


@pytest.mark.parametrize(
    ("low", "high", "sd", "message"),
    [
        (1.0, 1.0, 0.1, "a walk needs low < high, got low=1.0, high=1.0"),
        (2.0, 1.0, 0.1, "a walk needs low < high"),
        (np.nan, 1.0, 0.1, "a walk needs low < high"),
        (0.0, 1.0, -0.1, "sd must be 0 or more, got -0.1"),
        (0.0, 1.0, np.nan, "sd must be 0 or more, got nan"),
    ],
)
def test_walks_that_are_none(low: float, high: float, sd: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Walk(low, high, sd)


@pytest.mark.parametrize(
    "start",
    [
        (((2.0, 3.0),), ((2.0, 3.0),)),  # outside the bounds
        (((0.6, 0.2),), ((0.1, 0.9),)),  # the wrong way round
        (((0.2, 0.6),),),  # one state only
    ],
)
def test_starts_that_are_none(start: tuple[tuple[tuple[float, float], ...], ...]) -> None:
    with pytest.raises(ValueError, match="start"):
        Walk(0.0, 1.0, 0.1, start=start)


def test_bounds_of_whole_points_are_whole() -> None:
    with pytest.raises(ValueError, match="whole"):
        Walk(0.5, 5.5, 2, whole=True)
