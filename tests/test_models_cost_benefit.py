"""Weights that follow stakes: the authors' two weights, and planning as far as it pays."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.models import HYBRID
from metacontrol.models.cost_benefit import COST_BENEFIT, STAKES_WEIGHT
from metacontrol.tasks import DAW_2011, KOOL_2017_DETERMINISTIC, KOOL_2017_STOCHASTIC, Choices

REST = dict(alpha1=0.5, alpha2=0.5, beta1=0.6, beta2=1.0, lam=0.5, p=0.2)
PAYS = dict(gain=1.2, cost=0.3, load_cost=0.5, stake_sensitivity=0.8, alpha_rate=0.3)


def table(**values: float) -> pd.DataFrame:
    return pd.DataFrame([{**REST, **values}])


@pytest.fixture(scope="module")
def data() -> Choices:
    crowd = table(w_low=0.3, w_high=0.8).loc[[0] * 8]
    return mc.simulate(STAKES_WEIGHT, KOOL_2017_DETERMINISTIC, crowd, trials=60, seed=1)


def test_each_stake_has_its_weight(data: Choices) -> None:
    seen = mc.latents(STAKES_WEIGHT, data, table(w_low=0.3, w_high=0.8))
    np.testing.assert_array_equal(seen["weight"], np.where(data.frame["stake"] == 5, 0.8, 0.3))
    # A formula says the same of the hybrid: logit w = intercept + slope * stake, from 1 to 5.
    first, last = np.log(0.3 / 0.7), np.log(0.8 / 0.2)
    slope = (last - first) / 4
    hybrid = mc.log_likelihood(HYBRID, data, table(w_Intercept=first - slope, w_stake=slope))
    ours = mc.log_likelihood(STAKES_WEIGHT, data, table(w_low=0.3, w_high=0.8))
    pd.testing.assert_frame_equal(ours, hybrid, rtol=1e-11)


def test_tasks_without_stakes_and_load() -> None:
    data = mc.simulate(HYBRID, DAW_2011, table(w=0.3).loc[[0] * 4], trials=40, seed=1)
    at = table(w_low=0.3)
    with pytest.raises(Exception, match="needs the column 'stake'.*fix to 0"):
        mc.log_likelihood(STAKES_WEIGHT, data, at.assign(w_high=0.5))
    hybrid = mc.log_likelihood(HYBRID, data, table(w=0.3))
    ours = mc.log_likelihood(STAKES_WEIGHT.fix(w_high=0.0), data, at)
    pd.testing.assert_frame_equal(ours, hybrid)
    bare = COST_BENEFIT.fix(stake_sensitivity=0.0, load_cost=0.0)
    at = table(gain=1.0, cost=np.log(7 / 3), alpha_rate=0.0)  # sigma(-log(7 / 3)) = .3
    pd.testing.assert_frame_equal(mc.log_likelihood(bare, data, at), hybrid, rtol=1e-12)


def test_without_gain_planning_and_habit_weigh_the_same(data: Choices) -> None:
    loaded = Choices(data.frame.assign(load=1), data.task)
    ours = mc.log_likelihood(COST_BENEFIT, loaded, table(**{**PAYS, "gain": 0.0}))
    pd.testing.assert_frame_equal(ours, mc.log_likelihood(HYBRID, loaded, table(w=0.5)), rtol=1e-12)


def by_hand(rows: pd.DataFrame) -> list[float]:
    """Return the weight on each trial of a person: one second option, transitions sure."""
    cached, places, earned = np.full((2, 2), 4.5), np.full(2, 4.5), np.full(2, 4.5)
    last, told = (-1, -1), []
    for row in rows.to_dict("records"):
        start, first, reward = int(row["first_state"]), int(row["first_choice"]), row["reward"]
        repeated = REST["p"] * np.array([(start, a) == last for a in (0, 1)])

        def chance(w: float, start: int = start, first: int = first, rep: Any = repeated) -> float:
            odds = np.exp(REST["beta1"] * (w * places + (1 - w) * cached[start] + rep))
            return float(odds[first] / odds.sum())

        stake = 1 + PAYS["stake_sensitivity"] * (row["stake"] - 1)
        benefit = stake * (earned[0] - earned[1]) - PAYS["load_cost"] * row["load"]
        w = 1 / (1 + np.exp(-PAYS["gain"] * (benefit - PAYS["cost"])))
        told.append(w)
        rates = PAYS["alpha_rate"] * np.array([chance(1.0), chance(0.0)]) / chance(w)
        earned = earned + np.minimum(rates, 1) * (reward - earned)
        surprises = places[first] - cached[start, first], reward - places[first]
        cached[start, first] += REST["alpha1"] * (surprises[0] + REST["lam"] * surprises[1])
        places[first] += REST["alpha2"] * surprises[1]
        last = start, first
    return told


def test_weight_worked_out_again(data: Choices) -> None:
    load = np.arange(len(data.frame)) % 3 / 2
    loaded = Choices(data.frame.assign(load=load), data.task)
    seen = mc.latents(COST_BENEFIT, loaded, table(**PAYS))
    for person, rows in loaded.frame.groupby("participant"):
        ours = seen.loc[rows.index, "weight"]
        np.testing.assert_allclose(ours, by_hand(rows), rtol=1e-9, err_msg=str(person))


def test_stakes_raise_the_weight_where_planning_pays() -> None:
    """Points run from 0 to 9 in one task and rewards from 0 to 1 in the other, in which no
    planner earns more: what stakes do there is what noise in the estimates does."""
    rise, advantage = {}, {}
    for task, unit in ((KOOL_2017_DETERMINISTIC, 9), (KOOL_2017_STOCHASTIC, 1)):
        values = dict(beta1=5 / unit, beta2=5 / unit, gain=10 / unit, cost=0.0, p=0.0)
        one = table(**values, alpha_rate=0.03)
        model = COST_BENEFIT.fix(load_cost=0.0, stake_sensitivity=1.0)
        played = mc.simulate(model, task, one.loc[[0] * 500], trials=200, seed=1)
        seen = mc.latents(model, played, one)[played.frame["trial"] > 100]
        high = played.frame.loc[seen.index, "stake"] == 5
        rise[unit] = seen["weight"][high].mean() - seen["weight"][~high].mean()
        advantage[unit] = seen["advantage"].mean() / unit
    assert advantage[9] > 0.02
    assert abs(advantage[1]) < 0.004
    assert rise[9] > 0.15
    assert rise[1] < rise[9] / 4
