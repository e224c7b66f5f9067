"""What is said of habit and deliberation, as simulations: change, novelty, fatigue, flexibility.

Elsewhere: practice makes habits (`test_models_uncertainty`, `test_models_value_of_information`),
stakes raise the weight where planning pays (`test_models_cost_benefit`), revaluation
(`test_models_successor`).
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.models import (
    COST_BENEFIT,
    FORWARD_HYBRID,
    HYBRID,
    LOGISTIC_WEIGHT,
    RELIABILITY,
    UNCERTAINTY,
    VALUE_OF_INFORMATION,
    Model,
)
from metacontrol.tasks import DAW_2011, KOOL_2017_DETERMINISTIC, LEE_2014, OTTO_2013, TwoStep, Walk


def by_trial(column: pd.Series, people: int) -> np.ndarray:
    """Return a column of a data set, shape (people, trials)."""
    return column.to_numpy(dtype=float).reshape(people, -1)


def crowd(people: int, **theta: float) -> pd.DataFrame:
    return pd.DataFrame([theta] * people, index=[f"s{i + 1}" for i in range(people)])


# Change


def test_planning_turns_at_once_and_habit_at_the_rate_at_which_it_learns() -> None:
    """The goal changes from the 40 coin to the 20 coin after 200 trials.

    Planners reach the new coin on .91 of the very first trials. Habit goes for the old one, .81,
    as before, and comes to half of what it will reach after 30 trials at a learning rate of .1,
    and after 12 at .3.
    """
    schedule = pd.DataFrame({"goal": [1] * 200 + [2] * 200, "p_common": 0.9})
    reached, kept = {}, {}
    for w, alpha in ((1.0, 0.1), (0.0, 0.1), (0.0, 0.3)):
        theta = crowd(400, alpha_habit=alpha, alpha_plan=0.2, beta=20.0, p=0.0, w=w)
        data = mc.simulate(FORWARD_HYBRID, LEE_2014, theta, seed=1, schedule=schedule)
        coin = by_trial(data.frame["third_state"], 400)
        reached[w, alpha], kept[w, alpha] = (coin == 1).mean(axis=0), (coin == 0).mean(axis=0)
    assert reached[1.0, 0.1][200] > 0.85
    for alpha in (0.1, 0.3):
        assert reached[0.0, alpha][200] < 0.1
        assert abs(kept[0.0, alpha][200] - kept[0.0, alpha][150:200].mean()) < 4 * 0.02
    slow, fast = (np.argmax(reached[0.0, alpha][200:] > 0.45) for alpha in (0.1, 0.3))
    assert 20 < slow < 45
    assert slow / fast == pytest.approx(3, abs=1)


# Novelty

PLACE = TwoStep(
    name="a place and another one",
    source="here",
    trials=400,
    common=0.8,
    first_states=2,
    second_options=1,
    walk=Walk(0, 1, 0),
    instructed=False,
)
NOVELTIES = ("another first state", "other rewards", "other transitions")
ARBITERS: dict[str, tuple[Model, dict[str, float]]] = {
    "reliability": (
        RELIABILITY,
        dict(alpha_habit=0.2, alpha_plan=0.2, beta=5.0, p=0.0)
        | dict(tolerance=0.4, alpha_surprise=0.2, habit_rate=1.0, plan_rate=18.0),
    ),
    "uncertainty": (UNCERTAINTY, dict(beta=5.0, p=0.0, retention=0.98)),
    "value of information": (
        VALUE_OF_INFORMATION,
        dict(beta=8.0, p=0.0, alpha_plan=0.3, time_cost=0.08, noise=1.0),
    ),
}
EACH = 200  # people


@cache
def weights(arbiter: str) -> dict[str, np.ndarray]:
    """Return mean weights of planning by trial; something is new after 200 of 400 trials."""
    late = np.arange(400) >= 200
    shown = []
    for novelty in NOVELTIES:
        swapped = late & (novelty == "other rewards")
        one = pd.DataFrame(
            {
                "first_state": 1 * (late & (novelty == "another first state")),
                "p_0": np.where(swapped, 0.2, 0.8),
                "p_1": np.where(swapped, 0.8, 0.2),
                "p_common": np.where(late & (novelty == "other transitions"), 0.2, 0.8),
            }
        )
        shown.append(pd.concat([one] * EACH))
    model, theta = ARBITERS[arbiter]
    table = crowd(len(NOVELTIES) * EACH, **theta)
    schedule = pd.concat(shown).assign(participant=np.repeat(table.index, 400))
    data = mc.simulate(model, PLACE, table, seed=1, schedule=schedule)
    weight = by_trial(mc.latents(model, data, table)["first_weight"], len(table))
    means = weight.reshape(len(NOVELTIES), EACH, -1).mean(axis=1)
    return dict(zip(NOVELTIES, means, strict=True))


@pytest.mark.parametrize(
    ("arbiter", "novelty", "before", "top", "after"),
    [
        ("reliability", "another first state", 0.28, 0.33, 0.28),
        ("reliability", "other rewards", 0.28, 0.35, 0.28),
        ("uncertainty", "another first state", 0.56, 0.80, 0.56),
        ("uncertainty", "other rewards", 0.56, 0.62, 0.57),
        ("uncertainty", "other transitions", 0.56, 0.62, 0.56),
        ("value of information", "another first state", 0.12, 1.00, 0.12),
    ],
)
def test_novelty_calls_for_planning_and_wears_off(
    arbiter: str, novelty: str, before: float, top: float, after: float
) -> None:
    """Mean weight in the 20 trials before, largest after the change, and in the last 20 trials.

    Errors are below .01. The weight is at its largest at once where uncertainty or the value of
    information arbitrates and a state is new, 10 trials later by reliability, 35 to 50 trials later
    by uncertainty if what is known has changed.
    """
    weight = weights(arbiter)[novelty]
    found = [weight[180:200].mean(), weight[200:].max(), weight[380:].mean()]
    assert found == pytest.approx([before, top, after], abs=0.03)
    assert found[1] - max(found[0], found[2]) > 0.03


def test_novelty_that_does_not_call_for_planning() -> None:
    """New transitions surprise the planner as much as habit: reliability has it gain .01.

    The value of information does not rise because rewards are new (the Kalman filter's doubt
    does not depend on what it sees) but when cached values come close to each other: late, and
    for long.
    """
    moved = weights("reliability")
    rise = {kind: moved[kind][200:].max() - moved[kind][180:200].mean() for kind in NOVELTIES}
    assert rise["other transitions"] < rise["other rewards"] / 3
    slow = weights("value of information")["other rewards"]
    assert slow[200:206].mean() < 0.25
    assert slow[380:].mean() > 0.6


# Practice, load and fatigue

DAW = dict(alpha1=0.5, alpha2=0.5, beta1=5.0, beta2=5.0, lam=0.5, p=0.0)
NONE = {p.name: 0.0 for p in LOGISTIC_WEIGHT.parameters if p.name not in DAW}


def mark_of_planning(data: mc.Choices, rows: pd.Series) -> float:
    """Return reward x transition in the probability of staying, in some trials."""
    part = mc.Choices(data.frame[rows].reset_index(drop=True), data.task)
    common, rare, lost, lost_rare = mc.stay_probabilities(part)["stay"]
    return float(common - rare - lost + lost_rare)


def test_practice_protects_planning_from_load() -> None:
    """Economides et al. (2015), doi:10.1371/journal.pcbi.1004463: load no longer hurts the trained.

    In the first 50 trials w falls from .82 to .50 under load, in the last 50 of 400 to .81. With
    no protection load does the same throughout.
    """
    model = LOGISTIC_WEIGHT.fix(stake_effect=0.0)
    cost = {}
    for protection in (0.0, 0.5):
        theta = {**NONE, **DAW, "w0": 1.5, "load_effect": 3.0, "protection": protection}
        table = crowd(100, **{p.name: theta[p.name] for p in model.free})
        data = mc.simulate(model, OTTO_2013, table, trials=400, seed=1)
        seen = data.frame.assign(w=mc.latents(model, data, table)["weight"])
        for name, rows in (("early", seen["trial"] <= 50), ("late", seen["trial"] > 350)):
            w = seen[rows].groupby("load")["w"].mean()
            cost[protection, name] = w[0] - w[1]
    assert cost[0.5, "early"] > 0.25
    assert cost[0.5, "late"] < 0.03
    assert cost[0.0, "late"] == pytest.approx(cost[0.0, "early"])


def test_fatigue_takes_planning_from_choices() -> None:
    """w falls from .76 in the first 50 trials to .12 in the last 50 of 300, and reward x
    transition in staying from .25 in the first 100 to .07 in the last 100; errors .015.
    """
    model = LOGISTIC_WEIGHT.fix(
        load_effect=0.0, past_load_effect=0.0, protection=0.0, stake_effect=0.0
    )
    theta = {**NONE, **DAW, "w0": 2.0, "fatigue_effect": 4.0, "tiring": 0.01}
    table = crowd(150, **{p.name: theta[p.name] for p in model.free})
    data = mc.simulate(model, DAW_2011, table, trials=300, seed=1)
    seen, trial = mc.latents(model, data, table), data.frame["trial"]
    weight = [seen["weight"][trial.between(a + 1, a + 50)].mean() for a in (0, 100, 250)]
    assert np.diff(weight).max() < -0.1
    marks = [mark_of_planning(data, trial.between(a + 1, a + 100)) for a in (0, 200)]
    assert marks[0] - marks[1] > 0.1


# Flexibility


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [("rewards transitions", 0.0047), ("transitions", -0.0001), ("rewards", -0.0076)],
)
def test_reliability_beats_any_constant_weight_where_conditions_vary(
    blocks: str, expected: float
) -> None:
    """Blocks of 100 trials: rewards drift and transitions stand still, or transitions swap every
    20 trials and rewards stand still. Planning is right in the one; habit, which here learns
    faster, in the other.

    Gains of 2,000 agents, in reward a trial, over the best of eleven constant weights, errors
    .0003. Without a change of conditions there is none; where planning alone is right, there is
    loss, for the weight never comes to be 1.
    """
    people, kinds = 300, (blocks.split() * 6)[:6]
    drift = Walk(0, 1, 0.2).draw(people, 600, 1, np.random.default_rng(3))
    moved = np.repeat(np.array(kinds) == "transitions", 100)[:, None]
    swapped = moved & (np.arange(600) % 100 // 20 % 2 == 1)[:, None]
    columns = {
        "p_0": np.where(moved, 0.9, drift[:, :, 0, 0]),
        "p_1": np.where(moved, 0.1, drift[:, :, 1, 0]),
        "p_common": np.where(swapped, 0.1, 0.9) * np.ones(people),
    }
    rest = dict(alpha_habit=0.8, alpha_plan=0.2, beta=8.0, p=0.0)
    schedule = pd.DataFrame({name: grid.T.ravel() for name, grid in columns.items()})
    schedule["participant"] = np.repeat(crowd(people).index, 600)

    def earned(model: Model, **theta: float) -> np.ndarray:
        """Return mean rewards of people who all have the same luck under every weight."""
        table = crowd(people, **rest, **theta)
        data = mc.simulate(model, replace(PLACE, common=0.9), table, seed=1, schedule=schedule)
        return by_trial(data.frame["reward"], people).mean(axis=1)

    constant = [earned(FORWARD_HYBRID, w=w) for w in np.linspace(0, 1, 6)]
    best = max(constant, key=np.mean)
    adaptive = dict(tolerance=0.3, alpha_surprise=0.2, habit_rate=10.0, plan_rate=30.0)
    gain = earned(RELIABILITY, **adaptive) - best
    error = gain.std() / np.sqrt(people)
    assert abs(gain.mean() - expected) < 4 * error
    if expected > 0:
        assert gain.mean() > 4 * error


def test_planning_where_it_pays_beats_any_constant_weight() -> None:
    """Stakes of 1 and 5, and a cost of planning between what it is worth at either.

    Reward times stake less cost times w, in ranges of reward, of 1,500 agents: .017 a trial more
    than the best constant weight if stakes vary. If all are 1 it is .002 less, if all are 5 .011
    less, which is the price of finding out what pays. Errors .001.
    """
    people, cost = 400, 0.08
    rest = {**DAW, "beta1": 5 / 9, "beta2": 5 / 9}
    mixed = np.random.default_rng(1).choice([1.0, 5.0], size=(people, 200))
    stakes = np.stack([mixed, np.full_like(mixed, 1.0), np.full_like(mixed, 5.0)])

    def net(model: Model, weight: float | None = None, **theta: float) -> np.ndarray:
        """Return what is earned less cost, shape (conditions, people)."""
        table = crowd(3 * people, **rest, **theta)
        schedule = pd.DataFrame({"participant": np.repeat(table.index, 200)})
        schedule["stake"] = stakes.ravel()
        data = mc.simulate(model, KOOL_2017_DETERMINISTIC, table, seed=1, schedule=schedule)
        w = mc.latents(model, data, table)["weight"] if weight is None else weight
        paid = data.frame["stake"] * data.frame["reward"] / 9 - cost * w
        return by_trial(paid, 3 * people).mean(axis=1).reshape(3, people)

    constant = np.stack([net(HYBRID, weight=w, w=w) for w in np.linspace(0, 1, 6)])
    model = COST_BENEFIT.fix(load_cost=0.0, stake_sensitivity=1.0)
    adaptive = net(model, gain=60 / 9, cost=9 * cost, alpha_rate=0.03)
    means = constant.mean(axis=2)
    gain = adaptive - constant[means.argmax(axis=0), range(3)]
    error = gain.std(axis=1) / np.sqrt(people)
    expected = [0.017, -0.002, -0.011]
    assert (np.abs(gain.mean(axis=1) - expected) < 4 * error + 0.001).all()
    assert gain[0].mean() > 4 * error[0]
    most = means.max(axis=0) - means.min(axis=0)  # that a weight may cost
    assert (gain[1:].mean(axis=1) > -most[1:] / 4).all()
