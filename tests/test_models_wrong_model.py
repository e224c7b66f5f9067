"""Planners with a wrong model of the task: no habit, and yet a hybrid sees some."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.models import HYBRID, MODEL_BASED, Model
from metacontrol.models.wrong_model import (
    TRANSITION_DEPENDENT_LEARNING,
    UNLUCKY_SYMBOL,
    WRONG_MODEL,
)
from metacontrol.tasks import DAW_2011, KOOL_2016_DETERMINISTIC, Choices, read_choices

TOLD = replace(DAW_2011, instructed=True)
BETA = dict(beta1=5.0, beta2=5.0, p=0.0)
# theory.md, D3: the settings of the paper's simulations.
AGENTS: dict[str, tuple[Model, dict[str, float]]] = {
    "right": (MODEL_BASED, {**BETA, "alpha2": 0.5}),
    "unlucky": (UNLUCKY_SYMBOL, {**BETA, "alpha_common": 0.5, "eta": 0.5}),
    "tdlr": (TRANSITION_DEPENDENT_LEARNING, {**BETA, "alpha_common": 0.8, "alpha_rare": 0.2}),
}


@cache
def played(agent: str, crowd: int, trials: int) -> Choices:
    model, theta = AGENTS[agent]
    return mc.simulate(model, TOLD, pd.DataFrame([theta] * crowd), trials=trials, seed=1)


def test_trials_worked_by_hand() -> None:
    """Option 0 halves what follows it: luck .5. T = .7; rates .8 after common, .2 after rare.

    1 Nothing is known: 0, 0. Option 1 came to state 0, rarely: Q2(0, 1) = .2.
    2 V = (.2, 0): .5 * .7 * .2 = .07 against .3 * .2 = .06, and .1 for repeating 1:
      2 * (.07 - .16) = -.18. State 0, halved: 3 * .5 * -.2 = -.3. Commonly: Q2(0, 0) = .8.
    3 V = (.8, 0): .28 + .1 against .24: -2 * .14 = -.28. Not halved: 3 * .6 = 1.8.
      Rarely: Q2(0, 0) = .8 - .2 * .8 = .64.
    """
    trials = [(1, 0, 1, 1), (0, 0, 0, 1), (1, 0, 0, 0)]
    columns = ["first_choice", "second_state", "second_choice", "reward"]
    data = read_choices(pd.DataFrame(trials, columns=columns).assign(participant="a"), TOLD)
    theta = dict(alpha_common=0.8, alpha_rare=0.2, eta=0.5, beta1=2.0, beta2=3.0, p=0.1)
    seen = mc.latents(WRONG_MODEL, data, pd.DataFrame([theta]))
    logs = seen.filter(regex="^log_probability").to_numpy().T
    odds = np.array([[0, -0.18, -0.28], [0, -0.3, 1.8]])
    np.testing.assert_allclose(logs, -np.log1p(np.exp(-odds)), rtol=1e-12)
    np.testing.assert_allclose(seen["second_reward_prediction_error"], [1, 1, -0.8], rtol=1e-12)


@pytest.mark.parametrize("task", [DAW_2011, TOLD, KOOL_2016_DETERMINISTIC])
def test_without_superstition_it_is_the_planner(task: mc.tasks.TwoStep) -> None:
    theta = pd.DataFrame([dict(alpha2=0.4, beta1=2.0, beta2=1.0, p=0.2)])
    data = mc.simulate(MODEL_BASED, task, theta, trials=100, seed=3)
    sober = theta.assign(alpha_common=0.4, alpha_rare=0.4, eta=1.0)
    pd.testing.assert_frame_equal(
        mc.log_likelihood(WRONG_MODEL, data, sober), mc.log_likelihood(MODEL_BASED, data, theta)
    )


def test_a_lucky_symbol_is_an_unlucky_other_one() -> None:
    data = played("unlucky", 1, 200)
    frame = data.frame.copy()
    frame[["first_choice", "second_state"]] = 1 - frame[["first_choice", "second_state"]]
    mirrored = Choices(frame, TOLD)
    unlucky = {**AGENTS["unlucky"][1], "p": 0.1}
    lucky = {**unlucky, "eta": 2.0, "beta1": 2.5, "beta2": 2.5, "p": 0.2}
    one, other = (pd.DataFrame([theta]) for theta in (unlucky, lucky))
    pd.testing.assert_frame_equal(
        mc.log_likelihood(UNLUCKY_SYMBOL, data, one),
        mc.log_likelihood(UNLUCKY_SYMBOL, mirrored, other),
    )


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        ("right", (0.654, 0.447, 0.444, 0.653)),
        ("unlucky", (0.753, 0.645, 0.585, 0.696)),
        ("tdlr", (0.744, 0.547, 0.425, 0.634)),
    ],
)
def test_stay(agent: str, expected: tuple[float, ...]) -> None:
    """Rewarded common and rare, unrewarded common and rare, by a simulation apart from ours."""
    stay = mc.stay_probabilities(played(agent, 300, 1000))["stay"]
    np.testing.assert_allclose(stay, expected, atol=0.01)


def test_a_hybrid_takes_superstition_for_habit() -> None:
    crowds = [played(agent, 10, 600).frame.assign(agent=agent) for agent in AGENTS]
    frame = pd.concat(crowds, ignore_index=True)
    frame["participant"] = frame["agent"] + frame["participant"]
    fitted = mc.fit(HYBRID, Choices(frame, TOLD), method="map", seed=1, starts=3).parameters
    weight = fitted["w"].groupby(fitted.index.str.replace(r"s\d+", "", regex=True)).mean()
    assert weight["right"] > 0.8
    assert 0.2 < weight["unlucky"] < 0.5
    assert 0.6 < weight["tdlr"] < weight["right"] - 0.05
