"""Simulated participants as data sets."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from contracts import draw

from metacontrol.models import (
    FORWARD_HYBRID,
    HYBRID,
    LOOKAHEAD,
    PLAN_UNTIL_HABIT,
    Model,
    simulate,
    simulation,
)
from metacontrol.models.formulas import predictors
from metacontrol.tasks import (
    DAW_2011,
    KOOL_2016_DETERMINISTIC,
    LEE_2014,
    OTTO_2013,
    TASKS,
    Task,
    read_choices,
    validate,
)
from metacontrol.tasks.choices import event_columns

DAW = {"alpha1": 0.5, "alpha2": 0.4, "beta1": 2.0, "beta2": 3.0, "lam": 0.6, "p": 0.1, "w": 0.25}


def rows(model: Model, count: int) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    return pd.DataFrame({p.name: draw(p, count, rng) for p in model.free})


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_what_is_simulated_can_be_read(task: Task) -> None:
    model = LOOKAHEAD if FORWARD_HYBRID.misfit(task) else FORWARD_HYBRID
    data = simulate(model, task, rows(model, 3), seed=1)
    assert len(data) == 3 * task.trials
    assert validate(data.frame, task).empty
    again = read_choices(data.frame, task)
    for event in event_columns(task):
        assert (again.frame[event] == data.frame[event]).all()


def test_a_model_that_cannot_play_a_task() -> None:
    with pytest.raises(ValueError, match="hybrid cannot play lee-2014: it is a model of two-step"):
        simulate(HYBRID, LEE_2014, rows(HYBRID, 1), seed=1)
    with pytest.raises(ValueError, match="cannot play daw-2011: it needs the event third_state"):
        simulate(PLAN_UNTIL_HABIT, DAW_2011, rows(PLAN_UNTIL_HABIT, 1), seed=1)


def test_same_seed_same_data_and_another_seed_other_data() -> None:
    once, again, other = (
        simulate(HYBRID, DAW_2011, rows(HYBRID, 3), trials=30, seed=seed).frame
        for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(once, again)
    for column in ("first_choice", "second_choice", "reward", "transition", "p_0_0"):
        assert not once[column].equals(other[column])


def test_participants_of_one_table_have_luck_of_their_own() -> None:
    frame = simulate(HYBRID, DAW_2011, pd.DataFrame([DAW] * 2), trials=50, seed=1).frame
    one, two = (frame[frame["participant"] == name].reset_index(drop=True) for name in ("s1", "s2"))
    for column in ("first_choice", "reward", "p_0_0"):
        assert not one[column].equals(two[column])


def test_transition_says_where_the_choice_led() -> None:
    frame = simulate(HYBRID, DAW_2011, pd.DataFrame([DAW]), seed=1).frame
    same = frame["first_choice"] == frame["second_state"]
    assert (frame["transition"] == same.map({True: "common", False: "rare"})).all()


def test_points_are_those_of_the_state_reached() -> None:
    frame = simulate(HYBRID, KOOL_2016_DETERMINISTIC, pd.DataFrame([DAW]), seed=1).frame
    assert (frame["second_state"] == frame["first_choice"]).all()
    paid = frame["points_0"].where(frame["second_state"] == 0, frame["points_1"])
    assert (frame["reward"] == paid).all()
    assert "second_choice" not in frame
    assert "transition" not in frame


def test_rewards_have_the_probability_of_their_walk() -> None:
    """Sum of (reward - p) over n trials: its z score is within 4."""
    frame = simulate(HYBRID, DAW_2011, pd.DataFrame([DAW] * 20), seed=1).frame
    place = 2 * frame["second_state"] + frame["second_choice"]
    walks = frame[["p_0_0", "p_0_1", "p_1_0", "p_1_1"]].to_numpy()
    p = walks[np.arange(len(frame)), place.astype(int)]
    z = (frame["reward"] - p).sum() / np.sqrt((p * (1 - p)).sum())
    assert abs(z) < 4


def test_batches_keep_participants_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Participants 1, 3, 5 always repeat, 2 and 4 always switch; two are simulated at once."""
    monkeypatch.setattr(simulation, "BATCH", 2)
    table = pd.DataFrame([DAW] * 5).assign(p=[99.0, -99.0, 99.0, -99.0, 99.0])
    table["participant"] = list("edcba")
    data = simulate(HYBRID, DAW_2011, table, trials=10, seed=1)
    assert data.participants == list("edcba")
    choices = data.frame["first_choice"].to_numpy(dtype=int).reshape(5, 10)
    switches = (np.diff(choices, axis=1) != 0).sum(axis=1)
    assert list(switches) == [0, 9, 0, 9, 0]
    states = data.frame["second_state"].to_numpy(dtype=int).reshape(5, 10)
    assert len(np.unique(states, axis=0)) == 5


@pytest.mark.parametrize("formula", ["1", "1 + C(group)", "1 + scale(age)"])
def test_terms_mean_the_same_in_all_batches(formula: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A term finds out means and levels from everybody, though two people play at once."""
    names = list("abcde")
    own = {"participant": names, "group": list("xxyyz"), "age": [20, 30, 50, 60, 90]}
    schedule = pd.DataFrame(own).iloc[np.repeat(range(5), 20)].reset_index(drop=True)
    coefficients = {"w_C(group)[T.y]": 99.0, "w_C(group)[T.z]": -99.0, "w_scale(age)": 99.0}
    table = pd.DataFrame([DAW] * 5).drop(columns="w")
    table = table.assign(participant=names, w_Intercept=0.0, **coefficients)
    seen: list[dict[str, np.ndarray]] = []

    def noted(*given: Any, **options: Any) -> Any:
        found, regressors = predictors(*given, **options)
        seen.append(regressors)
        return found, regressors

    monkeypatch.setattr(simulation, "BATCH", 2)
    monkeypatch.setattr(simulation, "predictors", noted)
    data = simulate(HYBRID, DAW_2011, table, seed=1, schedule=schedule, formulas={"w": formula})
    assert data.participants == names
    for name, column in predictors(HYBRID, schedule, {"w": formula})[1].items():
        np.testing.assert_allclose(np.concatenate([batch[name] for batch in seen]), column)


def test_a_schedule_for_all_is_what_all_play() -> None:
    schedule = pd.DataFrame({"load": [0, 1, 1, 0], "p_0_0": [0.3, 0.4, 0.5, 0.6]})
    frame = simulate(HYBRID, OTTO_2013, pd.DataFrame([DAW] * 3), seed=1, schedule=schedule).frame
    assert len(frame) == 12
    for name in schedule:
        assert (frame[name].to_numpy().reshape(3, 4) == schedule[name].to_numpy()).all()
    assert frame["p_0_1"].between(0.25, 0.75).all()


def test_a_schedule_by_participant_is_found_by_name() -> None:
    schedule = pd.DataFrame({"participant": list("bbaa"), "load": [0, 1, 1, 1]})
    table = pd.DataFrame([DAW] * 2).assign(participant=["a", "b"])
    frame = simulate(HYBRID, OTTO_2013, table, seed=1, schedule=schedule).frame
    assert list(frame["participant"]) == list("aabb")
    assert list(frame["load"]) == [1, 1, 0, 1]


def test_a_schedule_that_holds_choices_does_not_decide_them() -> None:
    """Given a data set as schedule, people see its walks and make choices of their own."""
    data = simulate(HYBRID, DAW_2011, pd.DataFrame([DAW]), trials=60, seed=1)
    again = simulate(HYBRID, DAW_2011, pd.DataFrame([DAW]), seed=2, schedule=data.frame)
    assert again.frame["p_0_0"].equals(data.frame["p_0_0"])
    for event in ("first_choice", "second_state", "second_choice", "reward"):
        assert (again.frame[event] != data.frame[event]).any()


@pytest.mark.parametrize("load", [0, 1])
def test_a_formula_follows_the_schedule(load: int) -> None:
    """With these coefficients w is 0 without load and 1 with it."""
    plain = pd.DataFrame([DAW] * 2).drop(columns="w")
    table = plain.assign(w_Intercept=-40.0, w_load=80.0)
    schedule = pd.DataFrame({"load": [load] * 40})
    one = simulate(HYBRID, OTTO_2013, table, seed=1, schedule=schedule)
    other = simulate(HYBRID, OTTO_2013, plain.assign(w=float(load)), seed=1, schedule=schedule)
    pd.testing.assert_frame_equal(one.frame, other.frame)


def test_a_formula_leaves_the_schedule_of_all_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Digits under load too, which are drawn by a generator of their own."""
    monkeypatch.setattr(simulation, "BATCH", 2)
    plain = pd.DataFrame([DAW] * 5).drop(columns="w")
    one = simulate(
        HYBRID, OTTO_2013, plain.assign(w_Intercept=-40.0, w_load=0.0), trials=20, seed=1
    )
    other = simulate(HYBRID, OTTO_2013, plain.assign(w=0.0), trials=20, seed=1)
    pd.testing.assert_frame_equal(one.frame, other.frame)


@pytest.mark.parametrize(
    ("table", "more", "message"),
    [
        (pd.DataFrame(columns=list(DAW)), {}, "parameter table has no rows"),
        (pd.DataFrame([DAW] * 2).assign(participant="a"), {}, "participant 'a' more than once"),
        (pd.DataFrame([DAW]), {"trials": 0}, "trials must be 1 or more, got 0"),
        (pd.DataFrame([{**DAW, "w": 2.0}]), {}, "w must be from 0 to 1, got 2"),
        (
            pd.DataFrame([DAW]),
            {"trials": 5, "schedule": pd.DataFrame({"load": [0, 1]})},
            "the schedule has 2 rows, but trials is 5",
        ),
        (
            pd.DataFrame([DAW] * 2),
            {"schedule": pd.DataFrame({"participant": ["s1", "s1", "s2", "x"], "load": 0})},
            "must have 2 trials for each participant, but has 1 for 's2'",
        ),
    ],
)
def test_what_cannot_be_simulated(
    table: pd.DataFrame, more: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        simulate(HYBRID, OTTO_2013, table, seed=1, **more)  # type: ignore[arg-type]
