"""Draws that are used again: against a model in which all integrals are known."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from scipy.stats import norm

from metacontrol.fitting.ascent import Maximum, ascend, highest
from metacontrol.fitting.hierarchy import Hierarchy
from metacontrol.fitting.importance import Draws
from metacontrol.fitting.recycling import Recycled
from metacontrol.models.parameter import Prior

PEOPLE, DRAWS = 60, 4000
PRIORS = (
    Prior("normal", 0.5, 0.3),
    Prior("normal", 0.0, 1.0),
    Prior("normal", -1.0, 0.2),
    Prior("half_normal", 0.4),
    Prior("half_normal", 1.0),
)
VECTOR = np.array([0.3, 0.4, -0.8, np.log(0.7), np.log(0.4)])


def hierarchy(priors: tuple[Prior, ...] = ()) -> Hierarchy:
    """Return two coefficients of each person, a and b; a has a regressor x."""
    x = np.linspace(-1, 1, PEOPLE)
    regressors = np.column_stack([np.ones(PEOPLE), x, np.ones(PEOPLE)])
    moves = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    return Hierarchy(("a", "a_x", "b"), ("a", "b"), regressors, moves, priors)


@pytest.fixture(scope="module")
def seen() -> np.ndarray:
    """What is seen of each person, shape (participants, 2): the coefficients with noise of sd 1."""
    rng = np.random.default_rng(1)
    truth = hierarchy().means(VECTOR) + rng.normal(0, 1.2, (PEOPLE, 2))
    return truth + rng.normal(size=truth.shape)


def drawn(seen: np.ndarray, draws: int, seed: int) -> Recycled:
    """Return draws from half way between what is seen and 0, with sd 1."""
    values = seen / 2 + np.random.default_rng(seed).normal(size=(draws, *seen.shape))
    score = norm.logpdf(seen, values).sum(axis=-1)
    base = score - norm.logpdf(values, seen / 2).sum(axis=-1)
    spread = np.broadcast_to(np.eye(2), (len(seen), 2, 2))
    return Recycled.of(hierarchy(), Draws(values, score, base, spread))


@pytest.fixture(scope="module")
def recycled(seen: np.ndarray) -> Recycled:
    return drawn(seen, DRAWS, 2)


def test_a_regressor_between_people_moves_the_mean_of_its_intercept() -> None:
    group = hierarchy()
    assert group.variables == ("a_mean", "a_x_mean", "b_mean", "a_sd", "b_sd")
    # x of the last person is 1: .3 + .4
    np.testing.assert_allclose(group.means(VECTOR)[-1], [0.7, -0.8])
    np.testing.assert_allclose(group.shifts(VECTOR)[[0, -1]], [[-0.4, 0.0], [0.4, 0.0]])
    np.testing.assert_allclose(group.normal(VECTOR).covariance, np.diag([0.49, 0.16]))


def test_marginal_likelihoods_are_the_integrals(recycled: Recycled, seen: np.ndarray) -> None:
    spread = np.sqrt(1 + np.exp(2 * VECTOR[3:]))
    exact = norm.logpdf(seen, recycled.hierarchy.means(VECTOR), spread).sum(axis=1)
    evidence, first, _ = recycled.moments(VECTOR)
    errors = 1 / np.sqrt(recycled.effective(VECTOR))
    assert (np.abs(evidence - exact) < 4 * errors).all()
    assert errors.max() < 0.1
    assert evidence.sum() == pytest.approx(exact.sum(), abs=3 * np.sqrt((errors**2).sum()))
    share = np.exp(2 * VECTOR[3:]) / spread**2
    means = recycled.hierarchy.means(VECTOR)
    wrong = np.abs(first - means - share * (seen - means))
    assert (wrong < 5 * np.sqrt(share) * errors[:, None]).all()


def test_slope_and_information_are_derivatives(recycled: Recycled) -> None:
    group, steps = recycled.hierarchy, 1e-5 * np.eye(len(VECTOR))

    def corrected(vector: np.ndarray) -> float:
        return float(recycled.corrected_moments(vector)[0].sum())

    def slope(vector: np.ndarray) -> np.ndarray:
        return group.score(group.sums(*recycled.moments(vector)[1:]), vector)

    rise = [(corrected(VECTOR + s) - corrected(VECTOR - s)) / 2e-5 for s in steps]
    found = jax.grad(lambda vector: recycled.evidence(vector).sum())(VECTOR)
    np.testing.assert_allclose(found, rise, rtol=1e-5, atol=1e-5)
    curves = [(slope(VECTOR - s) - slope(VECTOR + s)) / 2e-5 for s in steps]
    information, _ = recycled.information(VECTOR)
    np.testing.assert_allclose(information, curves, rtol=1e-5, atol=1e-5)


def test_a_group_that_few_draws_know_gains_nothing(seen: np.ndarray) -> None:
    """As a spread goes to nothing, one draw after another would get all the weight."""
    few = drawn(seen, 60, 1)
    group = few.hierarchy
    heights = []
    for sd in (0.4, 0.2, 0.1, 0.01, 1e-4):
        vector = np.array([*VECTOR[:4], np.log(sd)])
        heights.append(few.corrected_moments(vector)[0].sum())
        apart = np.asarray(group.told_apart(vector))
        wanted = 0.1 * 2 ** (1 / 8) if sd == 0.1 else max(sd, 0.1)
        np.testing.assert_allclose(np.exp(group.log_sd(apart)), [0.7, wanted], rtol=1e-3)
        slope = jax.grad(lambda v: few.evidence(group.told_apart(v)).sum())(vector)
        assert np.isfinite(slope).all()
        assert sd > 0.1 or abs(slope[4]) < abs(slope[3])
    assert np.all(np.diff(heights) < 0)


def test_em_comes_to_the_known_maximum_with_its_error(recycled: Recycled, seen: np.ndarray) -> None:
    found = Maximum.at(highest(recycled, VECTOR), recycled)
    x = recycled.hierarchy.regressors[:, :2]
    effects, residual = np.linalg.lstsq(x, seen[:, 0])[:2]
    sds = np.sqrt([residual[0] / PEOPLE - 1, seen[:, 1].var() - 1])
    exact = [*effects, seen[:, 1].mean(), *np.log(sds)]
    errors = np.sqrt(np.diag(found.covariance))
    assert (np.abs(found.vector - exact) < 4 * found.noise).all()
    assert (found.noise < 0.2 * errors).all()
    # b's mean: variance (sd ** 2 + 1) / people
    assert errors[2] == pytest.approx(np.sqrt((sds[1] ** 2 + 1) / PEOPLE), rel=0.05)


def test_noise_is_how_maxima_differ_between_draws(seen: np.ndarray) -> None:
    maxima, noises = [], []
    for seed in range(30):
        few = drawn(seen, 400, seed)
        found = Maximum.at(highest(few, VECTOR), few)
        maxima.append(found.vector)
        noises.append(found.noise)
    ratio = np.std(maxima, axis=0, ddof=1) / np.mean(noises, axis=0)
    # an sd of 30 has a relative error of 1 / sqrt(58) = .13
    assert ((ratio > 0.6) & (ratio < 1.6)).all()


def test_with_priors_the_step_is_where_the_density_is_flat() -> None:
    group = hierarchy(PRIORS)
    rng = np.random.default_rng(3)
    first = rng.normal(size=(PEOPLE, 2))
    second = first**2 + 0.3

    def density(vector: jax.Array) -> jax.Array:
        means, logs = group.means(vector), group.log_sd(vector)
        squares = second - 2 * first * means + means**2
        return group.log_prior(vector) - (squares / 2 * np.e ** (-2 * logs) + logs).sum()

    at = VECTOR
    for _ in range(50):  # means are weighed against the variances before
        at = group.likeliest(group.sums(first, second), at)
    np.testing.assert_allclose(jax.grad(density)(at), 0.0, atol=1e-4)


def test_leaps_end_where_steps_would() -> None:
    """A step goes 1 % and 30 % of the way: plain steps would need a thousand."""
    top, pace = np.array([3.0, -2.0]), np.array([0.01, 0.3])
    calls = 0

    def step(vector: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal calls
        calls += 1
        return -100 * float(((vector - top) ** 2).sum()), vector + pace * (top - vector)

    np.testing.assert_allclose(ascend(step, np.zeros(2)), top, atol=0.01)
    assert calls < 100


def test_few_draws_mislead_less_when_corrected(seen: np.ndarray) -> None:
    """The log of a mean of S draws is too small by about its variance / 2."""
    spread = np.sqrt(1 + np.exp(2 * VECTOR[3:]))
    exact = norm.logpdf(seen, hierarchy().means(VECTOR), spread).sum()
    few = [drawn(seen, 60, seed) for seed in range(60)]
    plain = np.mean([r.moments(VECTOR)[0].sum() for r in few]) - exact
    corrected = np.mean([r.corrected_moments(VECTOR)[0].sum() for r in few]) - exact
    assert plain < -0.3
    assert abs(corrected) < abs(plain) / 3


def test_the_score_is_the_slope(recycled: Recycled) -> None:
    group = hierarchy(PRIORS)
    _, first, second = recycled.moments(VECTOR)

    def height(vector: np.ndarray) -> float:
        return float(recycled.moments(vector)[0].sum() + group.log_prior(vector))

    steps = 1e-5 * np.eye(len(VECTOR))
    slope = [(height(VECTOR + s) - height(VECTOR - s)) / 2e-5 for s in steps]
    found = group.score(group.sums(first, second), VECTOR)
    np.testing.assert_allclose(found, slope, rtol=1e-5, atol=1e-5)
