"""The dual task: its columns, what is left out where it failed, and load at choice or outcome."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.cli import main
from metacontrol.models import HYBRID, LOGISTIC_WEIGHT, SEPARATE_WEIGHTS
from metacontrol.tasks import DAW_2011, OTTO_2013, TwoStep, drop_dual_task_errors
from metacontrol.tasks.otto_2013 import SECONDARY_COLUMNS

DAW = {"alpha1": 0.5, "alpha2": 0.5, "beta1": 2.0, "beta2": 3.5, "lam": 0.6, "p": 0.1, "w": 0.25}
PEOPLE = 100


def rng() -> np.random.Generator:
    return np.random.default_rng(9)


@pytest.fixture(scope="module", params=["intermixed", "blocked"])
def drawn(request: pytest.FixtureRequest) -> dict[str, np.ndarray]:
    return replace(OTTO_2013, load=request.param).schedule(PEOPLE, 200, rng())


def test_digits_questions_and_answers_are_there_under_load_only(
    drawn: dict[str, np.ndarray],
) -> None:
    for name in SECONDARY_COLUMNS:
        column, loaded = drawn[name], drawn["load"] == 1
        assert column.shape == (200, PEOPLE)
        assert np.isnan(column[~loaded]).all()
        assert set(column[loaded]) == {0, 1}


def test_sides_and_questions_are_coin_flips_and_answers_as_right_as_said(
    drawn: dict[str, np.ndarray],
) -> None:
    """z of binomials over the 100 x 100 loaded trials."""
    size, number, asked, _, right = (drawn[name] for name in SECONDARY_COLUMNS)
    loaded = drawn["load"] == 1
    assert loaded.sum() == 100 * PEOPLE
    for share, p in ((size, 0.5), (number, 0.5), (asked, 0.5), (size == number, 0.5), (right, 0.9)):
        found = share[loaded].mean()
        assert abs(found - p) < 4 * np.sqrt(p * (1 - p) / loaded.sum())


def test_an_answer_is_right_if_it_is_the_side_that_was_asked_for(
    drawn: dict[str, np.ndarray],
) -> None:
    size, number, asked, answer, right = (
        drawn[name][drawn["load"] == 1] for name in SECONDARY_COLUMNS
    )
    np.testing.assert_array_equal(right[asked == 1], (answer == number)[asked == 1])
    np.testing.assert_array_equal(right[asked == 0], (answer == size)[asked == 0])


def test_the_dual_task_takes_no_luck_from_anything_else() -> None:
    plain = TwoStep(name="x", source="here", walk=OTTO_2013.walk, load="intermixed")
    one, other = rng(), rng()
    alone, both = plain.schedule(3, 20, one), OTTO_2013.schedule(3, 20, other)
    assert list(both) == [*alone, *SECONDARY_COLUMNS]
    for name, column in alone.items():
        np.testing.assert_array_equal(column, both[name])
    assert one.random() == other.random()


def test_digits_go_by_the_load_of_a_schedule_that_is_given() -> None:
    schedule = pd.DataFrame({"load": [0, 1, 0.5, 0], "number_asked": [np.nan, 1, 1, np.nan]})
    table = pd.DataFrame([DAW] * 30)
    frame = mc.simulate(HYBRID, OTTO_2013, table, seed=1, schedule=schedule).frame
    for name in SECONDARY_COLUMNS:
        assert frame[name].notna().eq(frame["load"] > 0).all()
    assert frame["number_asked"].dropna().eq(1).all()
    assert frame["secondary_correct"].mean() > 0.6


@pytest.mark.parametrize(
    ("switches", "message"),
    [
        ({"dual_task_accuracy": 1.1}, "dual_task_accuracy must be from 0 to 1, got 1.1"),
        ({"dual_task_accuracy": np.nan}, "dual_task_accuracy must be from 0 to 1, got nan"),
        ({"load": None}, "a dual task needs load"),
        ({"load": "always"}, "load must be one of"),
    ],
)
def test_settings_that_are_not_allowed(switches: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(OTTO_2013, **switches)


# participant a is right in 4 of 5 answers (trial 5 was missed), b in 1 of 2, c was never asked
ROWS = pd.DataFrame(
    [
        ("a", 1, 0, 0, 0, 1, 1, 1),
        ("a", 2, 0, 1, 0, 0, 1, 0),
        ("a", 3, 1, 1, 0, 1, 0, None),
        ("a", 4, 1, 1, 1, 1, 1, 1),
        ("a", 5, None, None, None, None, 1, 1),
        ("a", 6, 0, 0, 0, 0, 1, 1),
        ("b", 1, 0, 0, 0, 1, 1, 0),
        ("b", 2, 0, 0, 0, 1, 1, 1),
        ("c", 1, 1, 1, 0, 1, 0, None),
        ("c", 2, 0, 0, 0, 0, 0, None),
    ],
    columns=[
        *("participant", "trial", "first_choice", "second_state", "second_choice", "reward"),
        *("load", "right"),
    ],
)


def read(frame: pd.DataFrame = ROWS, **how: Any) -> mc.Choices:
    return mc.read_choices(frame, OTTO_2013, **how)


def test_trials_and_people_are_left_out_and_counted() -> None:
    data = drop_dual_task_errors(read(), column="right")
    assert data.participants == ["a", "c"]
    assert data.counted.tolist() == [True, False, True, True, False, True, True, True]
    assert data.left_out == {
        "participants below 75% of secondary answers right (b)": 1,
        "trials with a wrong secondary answer": 1,
    }
    again = drop_dual_task_errors(data, column="right")
    assert again.left_out == data.left_out
    assert again.counted.tolist() == data.counted.tolist()
    assert drop_dual_task_errors(read(), column="right", criterion=0.5).participants == [*"abc"]


def test_what_was_left_out_before_is_not_counted_again() -> None:
    data = drop_dual_task_errors(read(learn_only_first=2), column="right")
    assert data.counted.tolist() == [False, False, True, True, False, True]
    assert data.left_out == {"participants without a usable trial (b, c)": 2}
    assert "2 trials learned from but not scored" in repr(data)


@pytest.mark.parametrize("right", ["True", "TRUE", True, "1.0", 1.0])
def test_ways_to_say_right_and_wrong(right: Any) -> None:
    wrong = {"True": "False", "TRUE": "FALSE", "1.0": "0"}.get(right, type(right)(0))
    said = ROWS["right"].map({1: right, 0: wrong}).astype(object)
    data = drop_dual_task_errors(read(ROWS.assign(right=said)), column="right", criterion=0)
    assert data.left_out == {"trials with a wrong secondary answer": 2}


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({}, "no column 'secondary_correct'; there are: participant, trial, first_choice"),
        ({"column": "right", "criterion": 75}, "criterion must be from 0 to 1, got 75"),
        ({"column": "trial"}, r"trial must be 1, 0 or missing, got 2 \(participant 'a', trial 2\)"),
        ({"column": "never"}, "nobody has 75% of secondary answers right: the best has 50%"),
    ],
)
def test_what_cannot_be_left_out(how: dict[str, Any], message: str) -> None:
    data = read(ROWS.assign(never=ROWS["trial"] % 2))
    with pytest.raises(ValueError, match=message):
        drop_dual_task_errors(data, **how)


def test_stay_analyses_use_neither_choice_nor_outcome_of_a_dropped_trial() -> None:
    """Of the pairs (1, 2), (2, 3), (3, 4) of a, trial 2 takes two; (5 was missed)."""
    data = drop_dual_task_errors(read(), column="right")
    pairs = mc.analysis.stay.stay_trials(data)
    assert list(zip(pairs["participant"], pairs["trial"], strict=True)) == [("a", 4), ("c", 2)]
    shares = mc.stay_by_participant(data)
    assert shares["trials"].tolist() == [1, 1]


def test_pairs_are_found_where_participants_take_turns() -> None:
    data = read(ROWS.sort_values(["trial", "participant"], ignore_index=True))
    pairs = mc.analysis.stay.stay_trials(drop_dual_task_errors(data, column="right"))
    assert sorted(zip(pairs["participant"], pairs["trial"], strict=True)) == [("a", 4), ("c", 2)]


def test_dropped_trials_are_learned_from_but_not_scored() -> None:
    table = pd.DataFrame([DAW] * 4)
    data = mc.simulate(HYBRID, OTTO_2013, table, trials=60, seed=4)
    dropped = drop_dual_task_errors(data, criterion=0)
    wrong = data.frame["secondary_correct"].eq(0)
    assert wrong.sum() == dropped.left_out["trials with a wrong secondary answer"] > 0
    one = pd.DataFrame([DAW])
    logs = mc.latents(HYBRID, data, one)[~wrong].groupby("participant", sort=False)
    for choice in ("first_choice", "second_choice"):
        expected = logs[f"log_probability_{choice}"].sum()
        np.testing.assert_allclose(mc.log_likelihood(HYBRID, dropped, one)[choice], expected)
    fit = mc.fit(HYBRID, dropped, method="mle", seed=1, starts=1, progress=False)
    assert fit.about["data"]["trials"] == (~wrong).sum()


def test_a_predictive_check_leaves_out_what_the_data_leave_out() -> None:
    """People who always repeat themselves, but under load never; all their answers are wrong."""
    table = pd.DataFrame([{**DAW, "p_Intercept": 99.0, "p_load": -198.0}] * 3).drop(columns="p")
    task = replace(OTTO_2013, dual_task_accuracy=0.0)
    data = mc.simulate(HYBRID, task, table, trials=60, seed=1)
    fit = mc.fit(
        HYBRID, data, method="map", formulas={"p": "1 + load"}, seed=1, starts=4, progress=False
    )
    rested = drop_dual_task_errors(data, criterion=0)
    fit.tree.attrs["about"] = json.dumps({**fit.about, "data": {}})  # of the other trials too
    both = mc.predictive_stay(fit, rested, draws=2, seed=1)[["observed", "predicted"]]
    assert both["observed"].eq(1).all()
    assert both["predicted"].gt(0.9).all()


def test_what_is_written_is_read_and_dropped_alike(tmp_path: Path) -> None:
    data = mc.simulate(HYBRID, OTTO_2013, pd.DataFrame([DAW] * 4), trials=60, seed=4)
    data.frame.to_csv(tmp_path / "choices.csv", index=False)
    again = mc.read_choices(tmp_path / "choices.csv", OTTO_2013)
    one, other = drop_dual_task_errors(data), drop_dual_task_errors(again)
    assert one.left_out == other.left_out
    np.testing.assert_array_equal(one.counted, other.counted)
    pd.testing.assert_frame_equal(mc.stay_probabilities(one), mc.stay_probabilities(other))


def test_previous_load_is_that_of_the_trial_before() -> None:
    """Pairs of a: (1, 2), (2, 3), (3, 4); loads 1, 1, 0, 1."""
    data = read(ROWS[ROWS["participant"] == "a"])
    shares = mc.stay_by_participant(data, by=["load", "previous_load"])
    found = shares[["load", "previous_load", "reward", "transition"]].to_numpy().tolist()
    assert found == [
        [1, 1, "rewarded", "common"],
        [0, 1, "unrewarded", "rare"],
        [1, 0, "rewarded", "common"],
    ]
    for analysis in (mc.stay_probabilities, mc.stay_regression):
        with pytest.raises(ValueError, match="no column previous_mood; there are: participant"):
            analysis(data, by=["previous_mood"])


LOGIT = {0.2: np.log(0.2 / 0.8), 0.25: np.log(0.25 / 0.75), 0.75: np.log(0.75 / 0.25)}


@pytest.mark.parametrize("loads", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_learning_goes_by_load_at_outcome_and_weight_by_load_at_choice(loads: Any) -> None:
    """Option 0 leads commonly to a reward of 1; is it chosen again?

    With lam 1 it is worth alpha1 by habit. Its second state is worth .5, and .7 - .3 of that is
    what planning prefers it by: .2. Alpha1 is .5, and .2 under load; w is .25, and .75 under load.
    """
    frame = ROWS.iloc[[0, 3]].assign(load=loads, first_choice=0, second_state=0, second_choice=0)
    data = read(frame.assign(trial=[1, 2]))
    plain = {**DAW, "beta1": 2.0, "lam": 1.0, "p": 0.0}
    slow = {**plain, "w": 0.0, "alpha1_Intercept": 0.0, "alpha1_load": LOGIT[0.2]}
    seen = mc.latents(HYBRID, data, pd.DataFrame([slow]).drop(columns="alpha1"))
    habit = (0.5, 0.2)[loads[0]]
    again = np.exp(seen["log_probability_first_choice"].iloc[1])
    assert again == pytest.approx(1 / (1 + np.exp(-2 * habit)))

    shifting = {**plain, "w_Intercept": LOGIT[0.25], "w_load": 2 * LOGIT[0.75]}
    seen = mc.latents(HYBRID, data, pd.DataFrame([shifting]).drop(columns="w"))
    w = (0.25, 0.75)[loads[1]]
    again = np.exp(seen["log_probability_first_choice"].iloc[1])
    assert again == pytest.approx(1 / (1 + np.exp(-2 * (w * 0.2 + (1 - w) * 0.5))))


# Theory D8: signs only; 200 simulated people x 300 trials, z of a regression with robust errors.
BETAS = {"beta2": 3.5, "lam": 0.6, "p": 0.5, "beta_mf": 3.0}
AT_CHOICE = {"alpha1": 0.5, "alpha2": 0.5, "beta_mb_Intercept": np.log(5), "beta_mb_load": -1.6}
AT_OUTCOME = {
    "beta_mb": 5.0,
    **{"alpha1_Intercept": 0.5, "alpha1_load": -3.0},
    **{"alpha2_Intercept": 0.5, "alpha2_load": -3.0},
}


def terms(theta: dict[str, float]) -> pd.DataFrame:
    table = pd.DataFrame([{**BETAS, **theta}] * 200)
    data = drop_dual_task_errors(mc.simulate(SEPARATE_WEIGHTS, OTTO_2013, table, seed=3))
    return mc.stay_regression(data, by=["load", "previous_load"])


def test_load_at_choice_takes_from_planning_and_only_at_its_own_trial() -> None:
    found = terms(AT_CHOICE)
    assert found.loc["reward x transition", "z"] > 10
    assert found.loc["reward x transition : load", "z"] < -8
    for term in ("reward : load", "reward : previous_load", "reward x transition : previous_load"):
        assert abs(found.loc[term, "z"]) < 4
    assert found.loc["reward", "z"] > 10


def test_load_at_outcome_takes_from_both_and_only_at_the_next_trial() -> None:
    found = terms(AT_OUTCOME)
    for effect in ("reward", "reward x transition"):
        assert found.loc[effect, "z"] > 10
        assert found.loc[f"{effect} : previous_load", "z"] < -8
        assert abs(found.loc[f"{effect} : load", "z"]) < 4


def test_practice_protects_from_load() -> None:
    """Direction of Economides et al. (2015): load hurts novices, after 1,000 trials nobody.

    Load takes 4 from the log-odds of planning, and practice gives that back by trial 1,001.
    """
    effects = {parameter.name: 0.0 for parameter in LOGISTIC_WEIGHT.free}
    effects |= {"load_effect": 4.0, "protection": 4 / np.log(1001), "w0": 1.5}
    table = pd.DataFrame([{**effects, **{n: v for n, v in DAW.items() if n != "w"}, "beta1": 6.0}])
    table = pd.concat([table.drop(columns="stake_effect")] * 200, ignore_index=True)
    model = LOGISTIC_WEIGHT.fix(stake_effect=0.0)
    data = mc.simulate(model, OTTO_2013, table, trials=1100, seed=2)
    z = {}
    for name, first in (("novices", 1), ("trained", 1001)):
        part = data.frame[data.frame["trial"].between(first, first + 99)].reset_index(drop=True)
        found = mc.stay_regression(mc.Choices(part, OTTO_2013), by=["load"])
        assert found.loc["reward x transition", "z"] > 8
        z[name] = found.loc["reward x transition : load", "z"]
    assert z["novices"] < -4
    assert abs(z["trained"]) < 3


def fitted(model: mc.Model, theta: dict[str, float], follow: tuple[str, ...]) -> pd.DataFrame:
    """Return estimates of 200 alike people with 200 trials in each cell, each fitted alone."""
    data = mc.simulate(model, OTTO_2013, pd.DataFrame([theta] * 200), trials=400, seed=7)
    formulas = dict.fromkeys(follow, "1 + load")
    fit = mc.fit(model, data, method="map", formulas=formulas, seed=1, starts=1, progress=False)
    return fit.parameters


def test_the_order_of_weights_by_load_comes_back() -> None:
    """Theory E10, w .7 and, under load, .3: .98 of 500 people (standard error .006)."""
    theta = {**DAW, "beta1": 5.0, "w_Intercept": np.log(0.7 / 0.3), "w_load": 2 * np.log(0.3 / 0.7)}
    del theta["w"]
    assert fitted(HYBRID, theta, ("w",))["w_load"].lt(0).mean() > 0.95


def test_planning_falls_under_load_and_habit_does_not() -> None:
    """Theory E10, on average: beta_mb 6 and, under load, 1; beta_mf 3 throughout.

    Priors shrink the slope of beta_mb, and that of beta_mf makes up for a little of it.
    """
    theta = {**BETAS, "alpha1": 0.5, "alpha2": 0.5, "beta_mb_Intercept": np.log(6)}
    theta["beta_mb_load"] = -np.log(6)
    found = fitted(SEPARATE_WEIGHTS, theta, ("beta_mb", "beta_mf"))
    left = {}
    for name in ("beta_mb", "beta_mf"):
        rested, slope = found[f"{name}_Intercept"], found[f"{name}_load"]
        left[name] = np.exp(rested + slope).mean() / np.exp(rested).mean()
    assert left["beta_mb"] < 0.5
    assert abs(left["beta_mf"] - 1) < 0.1


def test_command_line_splits_by_previous_load(tmp_path: Path) -> None:
    data = mc.simulate(HYBRID, OTTO_2013, pd.DataFrame([DAW] * 4), trials=60, seed=4)
    data.frame.to_csv(tmp_path / "choices.csv", index=False)
    file, out = str(tmp_path / "choices.csv"), str(tmp_path / "new")
    with pytest.raises(SystemExit) as stop:
        main(["describe", file, "--task", "otto-2013", "--by", "previous_load", "--out", out])
    assert not stop.value.code
    written = pd.read_csv(tmp_path / "new/stay_regression.csv")
    found = mc.stay_regression(data, by=["previous_load"])
    assert written["term"].tolist() == found.index.tolist()
    np.testing.assert_allclose(written["estimate"], found["estimate"])


def test_practice_comes_before_load() -> None:
    task = replace(OTTO_2013, practice_trials=100)
    drawn = task.schedule(20, 300, np.random.default_rng(1))
    assert not drawn["load"][:100].any()
    assert drawn["load"][100:].mean() == pytest.approx(0.5, abs=0.03)
    assert np.isnan(drawn["secondary_answer"][:100]).all()
    assert "after 100 trials" in task.about
    assert task.instructed == DAW_2011.instructed
    with pytest.raises(ValueError, match="practice_trials must be 0 or more, got -1"):
        replace(OTTO_2013, practice_trials=-1)
