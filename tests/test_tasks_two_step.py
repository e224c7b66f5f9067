"""The two-step task: its switches, its rules, its schedules."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from metacontrol.models import HYBRID, simulate
from metacontrol.tasks import (
    DAW_2011,
    KOOL_2016_DETERMINISTIC,
    KOOL_2016_STOCHASTIC,
    OTTO_2013,
    TASKS,
    TwoStep,
    Walk,
)

UNIT = Walk(0.25, 0.75, 0.025)


def rng() -> np.random.Generator:
    return np.random.default_rng(9)


def task(**switches: Any) -> TwoStep:
    return TwoStep(**{"name": "a task", "source": "here", "walk": UNIT, **switches})


def schedule(task: TwoStep, participants: int = 40, trials: int = 200) -> dict[str, np.ndarray]:
    return task.schedule(participants, trials, rng())


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_every_task_has_a_name_and_a_source_with_its_doi(task: TwoStep) -> None:
    assert "doi:10." in task.source
    assert [other.name for other in TASKS].count(task.name) == 1


@pytest.mark.parametrize(
    ("task", "facts"),
    [  # theory.md, A1 to A4
        (DAW_2011, (201, 0.7, 1, 2, "binary", 0.25, 0.75, 0.025)),
        (OTTO_2013, (300, 0.7, 1, 2, "binary", 0.25, 0.75, 0.025)),
        (KOOL_2016_STOCHASTIC, (125, 0.7, 1, 2, "binary", 0.25, 0.75, 0.025)),
        (KOOL_2016_DETERMINISTIC, (125, 1.0, 2, 1, "points", -4, 5, 2)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_published_settings(task: TwoStep, facts: tuple[object, ...]) -> None:
    switches = (task.trials, task.common, task.first_states, task.second_options, task.reward)
    assert isinstance(task.walk, Walk)
    assert (*switches, task.walk.low, task.walk.high, task.walk.sd) == facts


@pytest.mark.parametrize(
    ("switches", "message"),
    [
        ({"first_states": 0}, "first_states must be 1 or more, got 0"),
        ({"second_options": 0}, r"second_options must be one of \(1, 2\), got 0"),
        ({"reward": "coins"}, r"reward must be one of \('binary', 'points'\), got 'coins'"),
        ({"load": "always"}, "load must be one of .*'intermixed', 'blocked'.*, got 'always'"),
        ({"common": 0.4}, "common must be from 0.5 to 1, got 0.4"),
        ({"common": np.nan}, "common must be from 0.5 to 1, got nan"),
        ({"walk": Walk(-4, 5, 2)}, r"must lie in \[0, 1\], got \[-4, 5\]"),
        ({"trials": 0}, "trials must be 1 or more, got 0"),
        ({"load_block": 0}, "load_block must be 1 or more, got 0"),
    ],
)
def test_switches_that_are_not_allowed(switches: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        task(**switches)


def test_starts_must_be_there_for_every_option() -> None:
    """One range for a state's two options would start them alike."""
    walk = Walk(0.0, 1.0, 0.1, start=(((0.1, 0.9),), ((0.1, 0.9),)))
    with pytest.raises(ValueError, match="start"):
        task(walk=walk, second_options=2)


@pytest.mark.parametrize(
    ("first", "luck", "state"), [(0, 0.69, 0), (0, 0.71, 1), (1, 0.69, 1), (1, 0.71, 0)]
)
def test_transitions(first: int, luck: float, state: int) -> None:
    known = {"first_choice": first, "luck_second_state": luck}
    assert int(DAW_2011.rules["second_state"](known)) == state


@pytest.mark.parametrize(("state", "second"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_binary_rewards_ask_the_walk_of_the_option_chosen(state: int, second: int) -> None:
    walks = {"p_0_0": 0.1, "p_0_1": 0.3, "p_1_0": 0.5, "p_1_1": 0.7}
    known = {**walks, "second_state": state, "second_choice": second}
    p = walks[f"p_{state}_{second}"]
    rule = DAW_2011.rules["reward"]
    assert float(rule({**known, "luck_reward": p - 0.01})) == 1
    assert float(rule({**known, "luck_reward": p + 0.01})) == 0


@pytest.mark.parametrize("state", [0, 1])
def test_points_are_paid_as_they_are(state: int) -> None:
    known = {"points_0": -4.0, "points_1": 3.0, "second_state": state, "luck_reward": 0.5}
    assert float(KOOL_2016_DETERMINISTIC.rules["reward"](known)) == (-4.0, 3.0)[state]


def test_a_single_option_may_pay_with_a_probability() -> None:
    single = task(second_options=1)
    assert single.walk_columns == ("p_0", "p_1")
    known = {"p_0": 0.2, "p_1": 0.9, "second_state": 1, "luck_reward": 0.5}
    assert float(single.rules["reward"](known)) == 1


def test_common_transitions_are_as_frequent_as_said() -> None:
    """z of a binomial with n = 40 x 201."""
    theta = {"alpha1": 0.5, "alpha2": 0.4, "beta1": 2.0, "beta2": 3.0, "lam": 0.6, "p": 0.1}
    data = simulate(HYBRID, DAW_2011, pd.DataFrame([{**theta, "w": 0.4}] * 40), seed=1)
    common = (data.frame["transition"] == "common").mean()
    assert abs(common - 0.7) < 4 * np.sqrt(0.7 * 0.3 / len(data))


@pytest.mark.parametrize(
    ("task", "columns"),
    [
        (DAW_2011, {"first_left_option", "p_0_0", "p_0_1", "p_1_0", "p_1_1"}),
        (
            replace(DAW_2011, load="intermixed"),
            {"load", "first_left_option", "p_0_0", "p_0_1", "p_1_0", "p_1_1"},
        ),
        (KOOL_2016_DETERMINISTIC, {"first_state", "first_left_option", "points_0", "points_1"}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_schedules_have_what_is_decided_beforehand(task: TwoStep, columns: set[str]) -> None:
    drawn = schedule(task, participants=3, trials=7)
    assert set(drawn) == columns
    assert {column.shape for column in drawn.values()} == {(7, 3)}


@pytest.mark.parametrize("column", ["first_state", "first_left_option"])
def test_first_states_and_sides_are_coin_flips(column: str) -> None:
    drawn = schedule(KOOL_2016_DETERMINISTIC)[column]
    assert set(np.unique(drawn)) == {0, 1}
    assert abs(drawn.mean() - 0.5) < 4 * 0.5 / np.sqrt(drawn.size)
    agree = (drawn[1:] == drawn[:-1]).mean()
    assert abs(agree - 0.5) < 4 * 0.5 / np.sqrt(drawn.size)


@pytest.mark.parametrize("trials", [200, 201])
def test_intermixed_load_is_on_half_of_each_persons_trials(trials: int) -> None:
    load = schedule(OTTO_2013, trials=trials)["load"]
    assert set(np.unique(load)) == {0, 1}
    spare = trials % 2
    assert set(load.sum(axis=0)) == {trials // 2, trials // 2 + spare}
    repeats = (load[1:] == load[:-1]).mean()  # in random order: (n / 2 - 1) / (n - 1)
    assert abs(repeats - (trials / 2 - 1) / (trials - 1)) < 4 * 0.5 / np.sqrt(load.size)


def test_blocked_load_alternates_and_begins_either_way() -> None:
    load = schedule(task(load="blocked", load_block=25))["load"]
    blocks = load.reshape(8, 25, 40)
    assert (blocks == blocks[:, :1]).all()
    assert (np.diff(blocks[:, 0].astype(int), axis=0) != 0).all()
    assert (load.sum(axis=0) == 100).all()
    assert abs(load[0].mean() - 0.5) < 4 * 0.5 / np.sqrt(40)


def test_without_load_there_is_no_such_column() -> None:
    assert "load" not in schedule(DAW_2011)


def test_same_seed_same_schedule() -> None:
    for name, column in schedule(KOOL_2016_DETERMINISTIC).items():
        np.testing.assert_array_equal(column, schedule(KOOL_2016_DETERMINISTIC)[name])
