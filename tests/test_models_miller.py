"""Several agents in one head: told again in NumPy, and the mark of each on behaviour."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.models.miller_2017 import MULTIPLE_AGENTS
from metacontrol.tasks import DAW_2011, KOOL_2016_DETERMINISTIC, TwoStep
from metacontrol.tasks.two_step import MILLER_2017

WEIGHTS = ("beta_mb", "beta_mf", "beta_bonus", "beta_ws_mb", "beta_ws_mf", "p", "bias")
NONE = dict.fromkeys(WEIGHTS, 0.0)
THETA = dict(alpha_mb=0.3, alpha_mf=0.6, lam=0.4, beta2=2.0)
FOUR = [(1, 1, 1), (1, 0, 1), (0, 1, 0), (0, 0, 1)]  # first choice, second state, reward


def log_odds(trials: Any, **theta: float) -> list[float]:
    """Return the log-odds of what was chosen over what was not, told without the engine."""
    t = {**THETA, **NONE, **theta}
    v_mb, v_mf, q = np.full(2, 0.5), np.full(2, 0.5), np.full(2, 0.5)
    terms = {name: np.zeros(2) for name in ("bonus", "ws_mb", "ws_mf", "p")}
    found = []
    for a, s, r in trials:
        q_mb = np.array([[0.8, 0.2], [0.2, 0.8]]) @ v_mb
        drive = t["beta_mb"] * q_mb + t["beta_mf"] * q + [0, t["bias"]] + t["p"] * terms["p"]
        for name in ("bonus", "ws_mb", "ws_mf"):
            drive = drive + t[f"beta_{name}"] * terms[name]
        found.append(drive[a] - drive[1 - a])
        for v, alpha in ((v_mb, t["alpha_mb"]), (v_mf, t["alpha_mf"])):
            v[s] += alpha * (r - v[s])
            v[1 - s] += alpha * (1 - r - v[1 - s])
        q[a] += t["alpha_mf"] * (v_mf[s] - q[a]) + t["alpha_mf"] * t["lam"] * (r - v_mf[s])
        one = np.eye(2)
        common = a == s
        terms["p"] = one[a]
        terms["ws_mf"] = one[a] if r else one[1 - a]
        terms["bonus"] = one[a] if common else one[1 - a]
        terms["ws_mb"] = one[a] if common == (r == 1) else one[1 - a]
    return found


def told(trials: Any, task: TwoStep, columns: tuple[str, ...], **theta: float) -> list[float]:
    frame = pd.DataFrame(trials, columns=list(columns)).assign(participant="a")
    one = pd.DataFrame([{**THETA, **NONE, **theta}])
    logs = mc.latents(MULTIPLE_AGENTS, mc.read_choices(frame, task), one)
    chance = np.exp(logs["log_probability_first_choice"])
    return np.log(chance / (1 - chance)).to_list()


THREE = ("first_choice", "second_state", "reward")


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        # 1 State 1 paid: V_MB = (.35, .65), .6 * .3.
        # 2 State 0 paid: V_MB = (.35 + .3 * .65, .65 * .7) = (.545, .455), .6 * .09.
        # 3 State 1 did not: V_MB = (.545 + .3 * .455, .455 * .7) = (.6815, .3185), .6 * .363.
        ("beta_mb", (0, 0.18, 0.054, 0.2178)),
        # 1 V_MF(1) = .8, Q(1) = .5 + .6 * .3 + .6 * .4 * .2 = .728.
        # 2 V_MF = (.2, .8) -> (.68, .32), Q(1) = .728 - .6 * .048 + .24 * .32 = .776.
        # 3 V_MF = (.872, .128), Q(0) = .5 - .6 * .372 - .24 * .128 = .24608.
        ("beta_mf", (0, 0.228, -0.276, -0.52992)),
        ("beta_bonus", (0, 1, 1, -1)),  # to 1 again; back to 0; not where 1 is
        ("beta_ws_mb", (0, 1, 1, 1)),  # as above, but 1 paid nothing
        ("beta_ws_mf", (0, 1, -1, -1)),
        ("p", (0, 1, -1, 1)),
        ("bias", (1, 1, -1, -1)),
    ],
)
def test_one_agent_alone(weight: str, expected: tuple[float, ...]) -> None:
    np.testing.assert_allclose(told(FOUR, MILLER_2017, THREE, **{weight: 1.0}), expected, atol=1e-9)


def test_the_mixture() -> None:
    data = np.random.default_rng(6).integers(2, size=(60, 3))
    theta = dict(zip(WEIGHTS, (3.0, -1.5, 0.4, -0.3, 0.7, 0.5, -0.2), strict=True))
    found = told(data, MILLER_2017, THREE, **theta)
    np.testing.assert_allclose(found, log_odds(data, **theta), rtol=1e-9, atol=1e-9)


def test_rules_of_the_planner_hold_in_another_first_state_and_those_of_habit_do_not() -> None:
    """Points from -4 to 5: a trial is won by more than .5."""
    trials = [(0, 1, 1, 2), (1, 1, 1, 0), (1, 0, 0, 3), (0, 0, 0, 1)]
    columns = ("first_state", "first_choice", "second_state", "reward")
    task = KOOL_2016_DETERMINISTIC
    assert told(trials, task, columns, beta_ws_mb=1.0) == pytest.approx([0, 1, 1, 1])
    assert told(trials, task, columns, beta_ws_mf=1.0) == pytest.approx([0, 0, 1, 0])
    assert told(trials, task, columns, p=1.0) == pytest.approx([0, 0, -1, 0])


@pytest.mark.parametrize(
    ("weight", "signs"),  # of stay above one half: won common and rare, lost common and rare
    [
        ("beta_mb", (1, -1, -1, 1)),
        ("beta_mf", (1, 1, -1, -1)),
        ("beta_bonus", (1, -1, 1, -1)),
        ("beta_ws_mb", (1, -1, -1, 1)),
        ("beta_ws_mf", (1, 1, -1, -1)),
        ("p", (1, 1, 1, 1)),
    ],
)
@pytest.mark.parametrize("task", [MILLER_2017, DAW_2011], ids=lambda task: task.name)
def test_marks_on_stay_probabilities(weight: str, signs: tuple[int, ...], task: TwoStep) -> None:
    strong = {**THETA, **NONE, "alpha_mb": 0.9, "alpha_mf": 0.9, "lam": 1.0, weight: 2.0}
    data = mc.simulate(MULTIPLE_AGENTS, task, pd.DataFrame([strong] * 100), trials=300, seed=1)
    stay = mc.stay_probabilities(data)["stay"].to_numpy()
    assert np.sign(stay - 0.5).tolist() == list(signs)
