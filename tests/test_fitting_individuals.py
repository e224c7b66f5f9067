"""Posteriors of participants by themselves: against the engine, an optimiser, and integrals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp

import metacontrol as mc
from metacontrol.fitting.hierarchy import Hierarchy
from metacontrol.fitting.importance import draw
from metacontrol.fitting.individuals import Individuals, Normal
from metacontrol.models import HYBRID
from metacontrol.models.scoring import Scoring
from metacontrol.tasks import DAW_2011

PAIR = HYBRID.fix(alpha1=0.5, alpha2=0.5, beta2=3.0, lam=0.6, p=0.1)  # beta1 and w are free


@pytest.fixture(scope="module")
def data() -> mc.Choices:
    people = mc.draw_participants(HYBRID, 6, seed=3)
    return mc.simulate(HYBRID, DAW_2011, people, trials=120, seed=3)


@pytest.fixture(scope="module")
def pair(data: mc.Choices) -> Individuals:
    return Individuals(Scoring.of(PAIR, data))


def test_likelihood_is_that_of_the_engine(data: mc.Choices) -> None:
    own = Individuals(Scoring.of(HYBRID, data, {"w": "1 + trial"}))
    values = np.random.default_rng(1).normal(0, 0.7, (6, len(own.names)))
    values[:, own.names.index("w_trial")] /= 100
    table = pd.DataFrame(own.natural(values), index=own.scoring.participants)
    assert list(table) == list(own.names)
    expected = mc.log_likelihood(HYBRID, data, table)["total"]
    np.testing.assert_allclose(own.log_likelihood(values), expected, rtol=1e-12)
    score, slope = own.slope(values)
    np.testing.assert_allclose(score, expected, rtol=1e-12)
    for k in range(len(own.names)):
        step = 1e-6 * np.eye(len(own.names))[k]
        ahead, back = own.log_likelihood(np.stack([values + step, values - step]))
        np.testing.assert_allclose(slope[:, k], (ahead - back) / 2e-6, rtol=1e-4, atol=1e-4)


def test_columns_that_never_vary_within_people_are_not_their_own(data: mc.Choices) -> None:
    age = data.frame["participant"].map({f"s{i + 1}": i - 2.5 for i in range(6)})
    aged = mc.Choices(data.frame.assign(age=age), data.task)
    own = Individuals(Scoring.of(HYBRID, aged, {"w": "1 + age"}))
    assert "w_age" not in own.names
    moved, worth = own.movers["w_age"]
    assert moved == "w_Intercept"
    np.testing.assert_array_equal(worth, np.arange(6) - 2.5)


def test_what_changes_a_slope_between_people_moves_its_mean(data: mc.Choices) -> None:
    frame, ages = data.frame, {f"s{i + 1}": i - 2.5 for i in range(6)}
    age, load = frame["participant"].map(ages), frame["trial"] % 2
    load = load.where(frame["participant"] != "s3", 0)  # who has none of it, has no worth
    columns = {"age": age, "load": load, "kind": (age > 0).map({True: "old", False: "young"})}
    aged = mc.Choices(frame.assign(**columns), data.task)
    own = Individuals(Scoring.of(HYBRID, aged, {"w": "1 + age * load", "p": "1 + load:C(kind)"}))
    assert {"w_load", "p_load:C(kind)[old]", "p_load:C(kind)[young]"} <= set(own.names)
    assert {name: moved for name, (moved, _) in own.movers.items()} == {
        "w_age": "w_Intercept",
        "w_age:load": "w_load",
    }
    worth = np.where(np.arange(6) == 2, 0, np.arange(6) - 2.5)
    np.testing.assert_array_equal(own.movers["w_age:load"][1], worth)
    group = Hierarchy.of(own)
    assert "w_age:load_mean" in group.variables
    assert "w_age:load_sd" not in group.variables
    vector = np.zeros(len(group.variables))
    vector[group.names.index("w_age:load")] = 2.0
    at = group.own.index("w_load")
    np.testing.assert_array_equal(group.means(vector)[:, at], 2 * worth)


def test_the_prior_has_the_moments_of_the_group(pair: Individuals) -> None:
    rng = np.random.default_rng(1)
    mean, sd = rng.normal(0, 1.5, 400_000), np.abs(rng.normal(0, 1, 400_000))
    drawn = rng.normal(mean, sd)
    prior = pair.prior()
    k = pair.names.index("w")
    assert prior.mean[k] == pytest.approx(drawn.mean(), abs=0.02)
    assert prior.covariance[k, k] == pytest.approx(drawn.var(), rel=0.02)


def test_modes_are_where_an_optimiser_ends(pair: Individuals) -> None:
    prior = pair.prior()
    modes = pair.modes(prior)
    assert modes.converged.all()
    values = modes.values.copy()

    def loss(x: np.ndarray, i: int) -> float:
        values[i] = x
        return -float((pair.log_likelihood(values) + prior.logpdf(values))[i])

    for i in range(len(values)):
        best = min(
            (minimize(loss, x, i, method="Nelder-Mead") for x in ([0.0, 0.0], [2.0, 2.0])),
            key=lambda found: found.fun,
        )
        top = modes.log_likelihood[i] + prior.logpdf(modes.values)[i]
        assert top >= -best.fun - 1e-4


@pytest.fixture(scope="module")
def grid(pair: Individuals) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Evidence, means and variances of six people, summed over a fine grid."""
    prior = pair.prior()
    widths = np.sqrt(np.diag(prior.covariance))
    lines = [m + s * np.linspace(-5, 5, 121) for m, s in zip(prior.mean, widths, strict=True)]
    points = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 2)
    people = np.repeat(points[:, None], 6, axis=1)
    logs = pair.log_likelihood(people) + prior.logpdf(people)
    cell = np.prod([line[1] - line[0] for line in lines])
    evidence = logsumexp(logs, axis=0) + np.log(cell)
    shares = np.exp(logs - logsumexp(logs, axis=0))
    mean = shares.T @ points
    return evidence, mean, shares.T @ points**2 - mean**2


def test_draws_give_the_integrals(pair: Individuals, grid: tuple[np.ndarray, ...]) -> None:
    prior = pair.prior()
    evidence, mean, variance = grid
    wider = Normal(prior.mean + 0.5, 2 * prior.covariance)
    for known in (None, draw(pair, wider, 200, seed=2)):
        draws = draw(pair, prior, 4000, seed=1, known=known)
        assert (draws.effective(prior) > 400).all()
        error = 1 / np.sqrt(draws.effective(prior))
        assert (np.abs(draws.log_evidence(prior) - evidence) < 4 * error).all()
        found = np.einsum("sp,spk->pk", draws.weights(prior), draws.values)
        assert (np.abs(found - mean) < 4 * np.sqrt(variance) * error[:, None]).all()
    laplace = np.abs(pair.modes(prior).log_evidence - evidence)
    assert laplace.max() > 4 * error.max()  # which Laplace's approximation does not give


def test_some_of_them_are_as_among_all(data: mc.Choices) -> None:
    """What does not vary among some of them is still their own, or another's mover."""
    frame = data.frame
    old, load = frame["participant"].isin(["s1", "s2"]), frame["trial"] % 2
    columns = {"old": old.astype(float), "load": load.where(frame["participant"] == "s1", 0)}
    aged = mc.Choices(frame.assign(**columns), data.task)
    everybody = Individuals(Scoring.of(PAIR, aged, {"w": "1 + load", "beta1": "1 + old"}))
    here = np.array([4, 1])
    some = everybody.only(here)
    assert some.names == everybody.names
    assert some.scoring.participants == ["s5", "s2"]
    np.testing.assert_array_equal(some.movers["beta1_old"][1], [0, 1])
    values = np.random.default_rng(1).normal(0, 0.7, (3, 6, len(everybody.names)))
    whole = everybody.log_likelihood(values)
    np.testing.assert_allclose(some.log_likelihood(values[:, here]), whole[:, here], rtol=1e-12)
    score, slope = some.slope(values[0, here])
    expected = everybody.slope(values[0])
    np.testing.assert_allclose(score, expected[0][here], rtol=1e-12)
    np.testing.assert_allclose(slope, expected[1][here], rtol=1e-9)


@pytest.mark.slow
def test_picked_draws_tell_groups_apart(data: mc.Choices) -> None:
    """Evidence is that of all that were drawn, and two hundred say more of a group nearby."""
    own = Individuals(Scoring.of(HYBRID, data))
    prior = own.prior()
    near = Normal(prior.mean + 0.3, prior.covariance / 1.5)
    many = draw(own, prior, 40_000, seed=9)
    exact = many.log_evidence(near) - many.log_evidence(prior)
    wrong: dict[int, list[np.ndarray]] = {1: [], 10: []}
    for pool, errors in wrong.items():
        for seed in range(12):
            few = draw(own, prior, 200, seed=seed, pool=pool)
            errors.append(few.log_evidence(near) - few.log_evidence(prior) - exact)
    rms = {pool: np.sqrt(np.mean(np.square(errors))) for pool, errors in wrong.items()}
    assert rms[10] < rms[1] / 1.4
    assert few.pool is not None
    assert (few.effective(prior) < 200).all()
    error = 4 / np.sqrt(few.pool.effective)
    assert (np.abs(few.log_evidence(prior) - many.log_evidence(prior)) < error).all()


@pytest.mark.parametrize("pool", [1, 3])
def test_draws_do_not_depend_on_who_else_is_there(data: mc.Choices, pool: int) -> None:
    few = mc.Choices(data.frame[data.frame["participant"].isin(["s2", "s5"])], data.task)
    found = []
    for choices in (data, few):
        own = Individuals(Scoring.of(PAIR, choices))
        prior = own.prior()
        draws = draw(own, prior, 100, seed=1, pool=pool)
        people = [own.scoring.participants.index(name) for name in ("s2", "s5")]
        found.append(draws.values[:, people])
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)


def test_a_normal_density_is_scipys() -> None:
    from scipy.stats import multivariate_normal

    rng = np.random.default_rng(1)
    root = rng.normal(size=(3, 3))
    prior = Normal(rng.normal(size=(5, 3)), root @ root.T + np.eye(3))
    values = rng.normal(size=(7, 5, 3))
    for i in range(5):
        density = multivariate_normal(prior.mean[i], prior.covariance).logpdf(values[:, i])
        np.testing.assert_allclose(prior.logpdf(values)[:, i], density)
