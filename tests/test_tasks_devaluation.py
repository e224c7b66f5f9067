"""Devaluation and degradation: what planning drops at once, and habit late or never."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.models import FORWARD_HYBRID, HABITS_WITHOUT_VALUES, UNCERTAINTY
from metacontrol.tasks import (
    CONTINGENCY_DEGRADATION,
    DAW_2005,
    DAW_2011,
    OUTCOME_DEVALUATION,
    Choices,
    ContingencyDegradation,
    OutcomeDevaluation,
)

HYBRID = dict(alpha_habit=0.3, alpha_plan=0.3, beta=5.0, p=0.0, w=0.5)
HABITS = dict(alpha2=0.3, alpha_habit=0.01, beta_mb=5.0, beta_habit=5.0)
ARBITER = dict(w0=1.0, contingency_effect=5.0, habitisation_effect=20.0)
WITH_FEEDBACK = replace(OUTCOME_DEVALUATION, name="with feedback", test=80, feedback=True)


def people(count: int, values: dict[str, float], **others: float) -> pd.DataFrame:
    names = [f"s{i + 1}" for i in range(count)]
    return pd.DataFrame([{**values, **others}] * count, index=names)


def hybrids(task: Any, w: float, count: int = 200) -> Choices:
    return mc.simulate(FORWARD_HYBRID, task, people(count, HYBRID, w=w), seed=1)


def mean_index(data: Choices) -> float:
    return mc.devaluation_index(data)["index"].mean()


def test_what_the_schedule_holds() -> None:
    frame = hybrids(OUTCOME_DEVALUATION, 0.5).frame
    after = frame["trial"] > 200
    assert (frame["devalued"] > 0).equals(after)
    kinds = frame[after].groupby("participant")["devalued"].agg(["nunique", "first"])
    assert (kinds["nunique"] == 1).all()
    assert (kinds["first"] == 1).sum() == 100
    for phase, count in ((~after, 100), (after, 10)):
        assert (frame[phase].groupby("participant")["first_state"].sum() == count).all()


def test_who_pays() -> None:
    frame = hybrids(OUTCOME_DEVALUATION, 0.5).frame
    end = frame["second_state"].to_numpy(int)
    paid_as = np.where(frame["first_choice"] == 2, 2, frame["first_state"])
    np.testing.assert_array_equal(end // 2, paid_as)
    full = (frame["devalued"] == paid_as + 1).to_numpy(bool)
    assert frame["reward"][full].eq(0).all()
    chance = frame[[f"p_{s}_{place}" for s in (0, 1) for place in (0, 1)]].assign(idle=0.2)
    surplus = frame["reward"].to_numpy() - chance.to_numpy()[np.arange(len(frame)), end]
    for there in (end < 4) & ~full, end == 4:
        assert abs(surplus[there].sum()) < 4 * 0.5 * np.sqrt(there.sum())


def test_the_test_teaches_nothing() -> None:
    """Whatever one does and gets in it, choices in it are as likely; with feedback they are not."""
    theta = people(20, HYBRID)
    for task, same in ((OUTCOME_DEVALUATION, True), (WITH_FEEDBACK, False)):
        data = mc.simulate(FORWARD_HYBRID, task, theta, seed=1)
        frame = data.frame.copy()
        early = frame["trial"].between(201, 210)
        moved = (frame["second_state"] < 4) & early
        frame.loc[moved, "second_state"] = frame.loc[moved, "second_state"] // 2 * 2
        frame.loc[early, "reward"] = 1 - frame.loc[early, "reward"]
        one, other = (
            mc.latents(FORWARD_HYBRID, x, theta)["log_probability_first_choice"]
            for x in (data, Choices(frame, task))
        )
        assert np.array_equal(one, other) == same
        assert np.array_equal(one[frame["trial"] <= 210], other[frame["trial"] <= 210]) == same


def trials(task: Any, rows: Sequence[tuple[float, ...]], *columns: str) -> Choices:
    frame = pd.DataFrame(rows, columns=["devalued", "first_choice", *columns])
    frame.insert(0, "trial", frame.index + 1)
    return Choices(frame.assign(participant="a", reward=0.0), task)


def test_index_by_hand() -> None:
    """Of state 0, devalued: 1 response of 3; of state 1: 1 of 2, the missed trial does not count.

    The trial of training does not count either.
    """
    rows = [(0, 0, 1), (1, 2, 0), (1, 0, 0), (1, 2, 0), (1, 2, 1), (1, 1, 1), (1, np.nan, 1)]
    found = mc.devaluation_index(trials(OUTCOME_DEVALUATION, rows, "first_state"))
    assert found[["valued", "devalued"]].iloc[0].to_list() == pytest.approx([1 / 2, 1 / 3])
    assert found["index"][0] == pytest.approx(1 / 6)


def test_index_with_one_first_state() -> None:
    """Before: the last three of five trials, of which two were presses; after: one of three."""
    rows = [(0, 1), (0, 1), (0, 0), (0, 1), (0, 0), (1, 1), (1, 0), (1, 1)]
    found = mc.devaluation_index(trials(DAW_2005, rows))
    assert found[["valued", "devalued"]].iloc[0].to_list() == pytest.approx([2 / 3, 1 / 3])


def test_index_needs_a_devaluation() -> None:
    empty = pd.DataFrame({"participant": ["a"], "first_choice": [0]})
    with pytest.raises(ValueError, match="nothing is devalued in daw-2011"):
        mc.devaluation_index(Choices(empty, DAW_2011))
    with pytest.raises(ValueError, match="no column devalued; there are: participant"):
        mc.devaluation_index(Choices(empty, DAW_2005))


def test_index_rises_with_the_weight_of_planning() -> None:
    """theory.md, E5: planning drops what is devalued at once; what is cached stays as it is."""
    found = [mean_index(hybrids(OUTCOME_DEVALUATION, w)) for w in (0.0, 0.5, 1.0)]
    assert abs(found[0]) < 0.05
    assert found[0] + 0.1 < found[1] < found[2] - 0.1
    first = hybrids(OUTCOME_DEVALUATION, 1.0, 1000).frame.query("trial == 201")
    responded = first["first_choice"] < 2
    full = first["devalued"] == first["first_state"] + 1
    assert responded[~full].mean() - responded[full].mean() > 0.25


def test_cached_values_learn_from_what_no_longer_comes() -> None:
    """The index of the first and the last fifth of the test; only with feedback it rises."""
    data = hybrids(WITH_FEEDBACK, 0.0)
    early, late = (
        mean_index(Choices(data.frame[data.frame["trial"].between(a, a + 15)], data.task))
        for a in (201, 265)
    )
    assert early < late - 0.1


def test_habits_without_values_after_little_and_much_training() -> None:
    """theory.md, C10 and E11: sensitive to devaluation after 50 trials, not after 1000."""
    theta = people(50, HABITS, **ARBITER)
    short, long = (
        mean_index(mc.simulate(HABITS_WITHOUT_VALUES, task, theta, seed=1))
        for task in (replace(OUTCOME_DEVALUATION, training=n) for n in (50, 1000))
    )
    assert short > 0.2
    assert abs(long) < 0.05


def response_rates(model: Any, theta: pd.DataFrame, free: float) -> np.ndarray:
    """Return the rate of responding in blocks of 50 trials, the last four of them degraded."""
    task = replace(CONTINGENCY_DEGRADATION, free=free)
    frame = mc.simulate(model, task, theta, seed=1).frame
    return (frame["first_choice"] == 0).groupby((frame["trial"] - 1) // 50).mean().to_numpy()


def test_rewards_by_response_and_phase() -> None:
    task = replace(CONTINGENCY_DEGRADATION, training=100, degraded=50, paid=0.7, free=0.3)
    frame = mc.simulate(FORWARD_HYBRID, task, people(100, HYBRID, beta=1.0), seed=1).frame
    rates = frame.groupby([frame["trial"] > 100, "first_choice"])["reward"].mean()
    assert rates.to_numpy() == pytest.approx([0.7, 0.0, 0.7, 0.3], abs=0.04)


def test_responding_falls_with_the_contingency() -> None:
    """Without any, responding is as good as not: about one half; it does not matter how often."""
    found = {f: response_rates(FORWARD_HYBRID, people(50, HYBRID), f) for f in (0.0, 0.3, 0.6)}
    assert all(rates[3] > 0.9 for rates in found.values())
    assert found[0.0][7] > 0.9
    assert found[0.6][7] == pytest.approx(0.5, abs=0.06)
    assert found[0.6][7] + 0.1 < found[0.3][7] < found[0.0][7] - 0.05


def test_habit_goes_on_responding() -> None:
    """Where a planner is at one half, habit of the same learning has fallen little, and slowly."""
    mild = {**ARBITER, "habitisation_effect": 5.0}
    rates = response_rates(HABITS_WITHOUT_VALUES, people(100, HABITS, **mild), 0.6)
    assert rates[3] > 0.95
    assert 0.88 < rates[7] < rates[5] < rates[3]
    planner = {**mild, "w0": 50.0}
    at_once = response_rates(HABITS_WITHOUT_VALUES, people(50, HABITS, **planner), 0.6)
    assert at_once[5] == pytest.approx(0.5, abs=0.06)


def test_with_one_choice_planned_and_cached_values_are_the_same() -> None:
    data = mc.simulate(FORWARD_HYBRID, CONTINGENCY_DEGRADATION, people(5, HYBRID), seed=1)
    one, other = (
        mc.log_likelihood(FORWARD_HYBRID, data, people(5, HYBRID, w=w)) for w in (0.1, 0.9)
    )
    pd.testing.assert_frame_equal(one, other)
    why = "uncertainty cannot play contingency-degradation: it needs a choice that leads to a state"
    with pytest.raises(ValueError, match=why):
        UNCERTAINTY.must_play(CONTINGENCY_DEGRADATION)


@pytest.mark.parametrize(
    ("kind", "setting", "message"),
    [
        (OutcomeDevaluation, {"test": 0}, "test must be 1 or more, got 0"),
        (OutcomeDevaluation, {"common": 0.3}, "common must be from 0.5 to 1, got 0.3"),
        (OutcomeDevaluation, {"idle": 1.2}, "idle must be from 0 to 1, got 1.2"),
        (OutcomeDevaluation, {"walk": mc.tasks.Walk(-1, 1, 0.1)}, "the walk is a probability"),
        (ContingencyDegradation, {"degraded": 0}, "degraded must be 1 or more, got 0"),
        (ContingencyDegradation, {"free": -0.1}, "free must be from 0 to 1, got -0.1"),
    ],
)
def test_settings_out_of_range(kind: Any, setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(name="x", source="here", **setting)
