"""Arbitration by uncertainty: who is sure of what after little and after much training."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.models import UNCERTAINTY, UNCERTAINTY_HARD
from metacontrol.models.betas import cached, matched, planned, possible
from metacontrol.models.engine.table import Table
from metacontrol.tasks import DAW_2005, DAW_2005_TWO_LEVERS, LeverTask

TRAINING, TEST = 130, 20
EACH = 100  # people: as many who are tested after 10 trials


def people(count: int, **theta: float) -> pd.DataFrame:
    values = {"beta": 5.0, "p": 0.0, "retention": 0.98, **theta}
    return pd.DataFrame([values] * count, index=[f"s{i + 1}" for i in range(count)])


@cache
def trained(task: LeverTask) -> pd.DataFrame:
    """Return the trials of a crowd, with what it noted."""
    theta, trial = people(2 * EACH), np.arange(TRAINING + TEST)
    devalued = np.concatenate([np.tile(trial >= n, EACH) for n in (TRAINING, 10)])
    schedule = pd.DataFrame({"participant": np.repeat(theta.index, len(trial))})
    schedule["devalued"] = devalued.astype(int)
    task = replace(task, training=TRAINING, test=TEST)
    data = mc.simulate(UNCERTAINTY_HARD, task, theta, seed=1, schedule=schedule)
    noted = mc.latents(UNCERTAINTY_HARD, data, theta).drop(columns=["participant", "trial"])
    return data.frame.join(noted).assign(late=np.repeat([True, False], EACH * len(trial)))


def rules(frame: pd.DataFrame, stage: str, option: int) -> list[float]:
    """Return the share of planning among those who pressed, and then chose an option.

    In trials 6 to 10, 46 to 50 and the last five before devaluation.
    """
    there = frame["late"] & (frame["first_choice"] == 0) & (frame[f"{stage}_choice"] == option)
    ends = (10, 50, TRAINING)
    parts = [frame[there & frame["trial"].between(end - 4, end)] for end in ends]
    return [part[f"{stage}_weight"].mean() for part in parts]


@pytest.mark.slow
def test_crossings_of_the_paper() -> None:
    """theory.md, C3: planning rules early; late, habit takes over the lever, not the magazine, and
    neither of two levers.
    """
    one, two = trained(DAW_2005), trained(DAW_2005_TWO_LEVERS)
    early, later, late = rules(one, "first", 0)
    assert early > 0.95
    assert max(later, late) < 0.05
    assert min(rules(one, "second", 1)) > 0.95
    assert min(rules(two, "first", 0)) > 0.95
    assert min(rules(two, "second", 1)) > 0.95


@pytest.mark.slow
def test_devaluation_is_felt_while_planning_rules() -> None:
    """Where planning rules the lever is pressed less, where it is cached it is not.

    Of two levers the devalued one is pressed as before at first: after the food that nobody wants
    any more comes an option that was hardly ever tried, of which the tree is less sure than the
    cache is of the lever. What is counted is the second half of the test.
    """
    dropped = {}
    for task in (DAW_2005, DAW_2005_TWO_LEVERS):
        frame = trained(task)
        for training, rows in ((TRAINING, frame["late"]), (10, ~frame["late"])):
            pressed = frame[rows]["first_choice"].eq(0).groupby(frame["trial"]).mean()
            before = pressed.loc[training - 4 : training].mean()
            dropped[task.levers, training] = before - pressed.loc[training + 11 : training + 20]
    means = {case: drop.mean() for case, drop in dropped.items()}
    assert means[1, 10] > 0.15
    assert means[2, TRAINING] > 0.15
    assert means[1, TRAINING] < 0.0  # overtrained: insensitive


def again(frame: pd.DataFrame, levers: int) -> np.ndarray:
    """Return variances of plan and habit of the first choices made, by plain loops.

    States: the start, a place for the food of each lever, then the ends: nothing and each food.
    """
    food = range(1, levers + 1)
    count = 2 * levers + 2
    nothing = levers + 1
    leads = {(0, a): a + 1 for a in range(levers + 1)}
    leads |= {(f, a): nothing + f * a for f in food for a in (0, 1)}
    options = {0: levers + 1, **dict.fromkeys(food, 2)}

    def moments(ab: Any) -> np.ndarray:
        a, b = ab
        return np.array([a / (a + b), a * b / ((a + b) ** 2 * (a + b + 1))])

    def beta(mean: float, var: float) -> np.ndarray:
        n = mean * (1 - mean) / min(var, (1 - 1e-9) * mean * (1 - mean)) - 1
        return np.array([n * mean, n * (1 - mean)])

    def tree(counts: Any, ends: Any) -> dict[tuple[int, int], np.ndarray]:
        values = np.array([[0.5, 0.05]] * (levers + 1) + [moments(ab) for ab in ends])
        found = {}
        for state in [*food, 0] * 60:
            for option in range(options[state]):
                t = counts[state, option] / counts[state, option].sum()
                cov = (np.diag(t) - np.outer(t, t)) / (counts[state, option].sum() + 1)
                second = cov + np.outer(t, t)
                products = np.outer(values[:, 0], values[:, 0]) + np.diag(values[:, 1])
                mean = t @ values[:, 0]
                var = (second * products).sum() - mean**2 + 0.005 * t[: levers + 1].sum()
                found[state, option] = np.array([mean, min(var, (1 - 1e-9) * mean * (1 - mean))])
            values[state] = max(
                (found[state, o] for o in range(options[state])), key=lambda v: v[0]
            )
        return found

    ends0 = np.full((levers + 1, 2), 0.1)
    counts0 = {move: np.ones(count) for move in leads}
    cache0 = {move: beta(*value) for move, value in tree(counts0, ends0).items()}
    ends, counts, cache = ends0.copy(), dict(counts0), dict(cache0)
    told = []
    for row in frame.to_dict("records"):
        state = 0
        for option in (int(row["first_choice"]), int(row["second_choice"])):
            move = state, option
            if state == 0:
                told.append([tree(counts, ends)[move][1], moments(cache[move])[1]])
            elif state == nothing:
                break
            state = leads[move]
            if state >= nothing:
                value = moments(ends[state - nothing])
            else:
                value = max((moments(cache[state, o]) for o in (0, 1)), key=lambda v: v[0])
            cache = {**cache, move: np.array(cached(*cache[move], *value), float)}
            counts = {**counts, move: counts[move] + np.eye(count)[state]}
            cache = {m: cache0[m] + 0.98 * (cache[m] - cache0[m]) for m in leads}
            counts = {m: counts0[m] + 0.98 * (counts[m] - counts0[m]) for m in leads}
            ends = ends0 + 0.98 * (ends - ends0)
        ends[state - nothing] += [row["reward"], 1 - row["reward"]]
    return np.array(told)


@pytest.mark.parametrize(
    "task", [DAW_2005, pytest.param(DAW_2005_TWO_LEVERS, marks=pytest.mark.slow)], ids=str
)
def test_the_model_written_out_once_more(task: LeverTask) -> None:
    frame = trained(task)
    own = frame[(frame["participant"] == "s1") & (frame["trial"] <= 40)]
    found = own[["first_plan_variance", "first_habit_variance"]]
    expected = again(own, task.levers)  # by sixty sweeps, not ten
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_a_beta_as_close_as_one_can_be() -> None:
    assert float(possible(0.9, 0.5)) == pytest.approx(0.09, rel=1e-8)
    a, b = matched(0.3, 0.02)
    assert (float(a / (a + b)), float(a * b / ((a + b) ** 2 * (a + b + 1)))) == pytest.approx(
        (0.3, 0.02)
    )


def test_planned_moments_are_those_of_draws() -> None:
    rng = np.random.default_rng(2)
    counts, means, variances = (4.0, 1.0), (0.6, 0.2), (0.03, 0.01)
    t = rng.dirichlet(counts, 400_000)
    q = [rng.normal(m, np.sqrt(v), len(t)) for m, v in zip(means, variances, strict=True)]
    value = (t * np.stack(q, axis=1)).sum(axis=1)
    found = [float(x) for x in planned(Table.of(*counts), Table.of(*means), Table.of(*variances))]
    assert found == pytest.approx((value.mean(), value.var()), rel=0.01)


def test_soft_competition_weighs_by_precision() -> None:
    theta = people(5)
    data = mc.simulate(UNCERTAINTY, DAW_2005, theta, seed=1)
    seen = mc.latents(UNCERTAINTY, data, theta)
    plan, habit = seen["first_plan_variance"], seen["first_habit_variance"]
    np.testing.assert_allclose(seen["first_weight"], habit / (plan + habit), rtol=1e-12)
