"""Habits that grow with doing alone, and the arbiter that lets them rule."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.models import FORWARD_HYBRID, MODEL_BASED, SEPARATE_WEIGHTS
from metacontrol.models.habits_without_values import HABITS_WITHOUT_VALUES
from metacontrol.tasks import (
    AKAM_2015_REDUCED,
    DAW_2011,
    OUTCOME_DEVALUATION,
    Walk,
    read_choices,
)

THETA = dict(alpha2=0.4, alpha_habit=0.2, beta_mb=4.0, beta_habit=3.0)
ARBITER = dict(w0=0.5, contingency_effect=6.0, habitisation_effect=5.0)
NO_ARBITER = dict(contingency_effect=0.0, habitisation_effect=0.0)
TOLD = replace(DAW_2011, instructed=True)


def test_trials_told_again_in_numpy() -> None:
    rng = np.random.default_rng(8)
    columns = ["first_choice", "second_state", "second_choice", "reward"]
    frame = pd.DataFrame(rng.integers(2, size=(50, 4)), columns=columns)
    t = {**THETA, **ARBITER}
    q, h1, h2 = np.zeros((2, 2)), np.zeros(2), np.zeros((2, 2))
    expected = []

    def logs(values: np.ndarray, habits: np.ndarray, chosen: int) -> tuple[float, ...]:
        g, h = (np.abs(x - x.mean()).mean() for x in (values, habits))
        odds = t["w0"] + t["contingency_effect"] * g - t["habitisation_effect"] * h
        w = 1 / (1 + np.exp(-odds))
        drive = w * t["beta_mb"] * values + (1 - w) * t["beta_habit"] * habits
        return drive[chosen] - np.log(np.exp(drive).sum()), w, g, h

    for a, s, b, r in frame.to_numpy():
        plan = np.array([[0.7, 0.3], [0.3, 0.7]]) @ q.max(axis=1)
        log1, w, g, h = logs(plan, h1, a)
        expected.append((log1, logs(q[s], h2[s], b)[0], w, g, h))
        q[s, b] += t["alpha2"] * (r - q[s, b])
        h1 += t["alpha_habit"] * (np.eye(2)[a] - h1)
        h2[s] += t["alpha_habit"] * (np.eye(2)[b] - h2[s])
    data = read_choices(frame.assign(participant="a"), TOLD)
    seen = mc.latents(HABITS_WITHOUT_VALUES, data, pd.DataFrame([t]))
    names = ["log_probability_first_choice", "log_probability_second_choice"]
    found = seen[[*names, "first_weight", "first_contingency", "first_habitisation"]]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("reward", [0.0, 1.0])
def test_habit_strength_grows_with_repetition_alone(reward: float) -> None:
    """H = 1 - .8^n of what is always done, 0 of the other, so that h is half of that."""
    frame = pd.DataFrame({"participant": "a", "first_choice": [1] * 20, "reward": reward})
    data = read_choices(frame.assign(second_state=1, second_choice=0), DAW_2011)
    seen = mc.latents(HABITS_WITHOUT_VALUES, data, pd.DataFrame([{**THETA, **ARBITER}]))
    np.testing.assert_allclose(
        seen["first_habitisation"], (1 - 0.8 ** np.arange(20)) / 2, atol=1e-12
    )


def test_with_all_the_weight_it_is_the_planner() -> None:
    theta = pd.DataFrame([{**THETA, **NO_ARBITER, "w0": 50.0}])
    data = mc.simulate(HABITS_WITHOUT_VALUES, DAW_2011, theta, trials=100, seed=2)
    planner = pd.DataFrame([dict(alpha2=0.4, beta1=4.0, beta2=4.0, p=0.0)])
    pd.testing.assert_frame_equal(
        mc.log_likelihood(HABITS_WITHOUT_VALUES, data, theta),
        mc.log_likelihood(MODEL_BASED, data, planner),
    )


def test_with_all_the_weight_it_is_the_planner_in_graphs_too() -> None:
    theta = pd.DataFrame([{**THETA, **NO_ARBITER, "w0": 50.0}])
    data = mc.simulate(HABITS_WITHOUT_VALUES, OUTCOME_DEVALUATION, theta, seed=2)
    planner = pd.DataFrame([dict(alpha_habit=0.0, alpha_plan=0.4, beta=4.0, p=0.0, w=1.0)])
    pd.testing.assert_frame_equal(
        mc.log_likelihood(HABITS_WITHOUT_VALUES, data, theta),
        mc.log_likelihood(FORWARD_HYBRID, data, planner),
    )


def test_a_habit_of_the_last_trial_is_perseveration() -> None:
    """w = sigma(log 3) = 3/4: planning at .75 * 4, log-odds of repeating .25 * 3."""
    theta = pd.DataFrame([{**THETA, **NO_ARBITER, "alpha_habit": 1.0, "w0": np.log(3)}])
    data = mc.simulate(HABITS_WITHOUT_VALUES, AKAM_2015_REDUCED, theta, trials=100, seed=2)
    other = dict(alpha1=0.0, alpha2=0.4, lam=0.0, beta_mb=3.0, beta_mf=0.0, beta2=1.0, p=0.75)
    pd.testing.assert_frame_equal(
        mc.log_likelihood(HABITS_WITHOUT_VALUES, data, theta),
        mc.log_likelihood(SEPARATE_WEIGHTS, data, pd.DataFrame([other])),
    )


def test_perseveration_without_learning_from_rewards() -> None:
    blind = {**THETA, **ARBITER, "alpha2": 0.0}
    data = mc.simulate(HABITS_WITHOUT_VALUES, TOLD, pd.DataFrame([blind] * 200), seed=3)
    stay = mc.stay_probabilities(data)["stay"].to_numpy()
    assert stay.min() > 0.6
    assert np.ptp(stay) < 0.05


def test_the_weight_falls_with_training_in_a_stable_world() -> None:
    """Two options are always good, two bad: .9 and .1."""
    sure = (((0.9, 0.9), (0.1, 0.1)), ((0.1, 0.1), (0.1, 0.1)))
    task = replace(TOLD, walk=Walk(low=0.0, high=1.0, sd=0.0, start=sure))
    theta = {**THETA, **ARBITER, "alpha_habit": 0.01}
    crowd = pd.DataFrame([theta] * 50).assign(participant=[f"s{i + 1}" for i in range(50)])
    data = mc.simulate(HABITS_WITHOUT_VALUES, task, crowd, trials=400, seed=4)
    seen = mc.latents(HABITS_WITHOUT_VALUES, data, crowd)
    blocks = seen.groupby((data.frame["trial"].to_numpy() - 1) // 100)
    weight = blocks["first_weight"].mean()
    assert weight.is_monotonic_decreasing
    assert weight[0] - weight[3] > 0.15
    assert blocks["first_habitisation"].mean().is_monotonic_increasing
