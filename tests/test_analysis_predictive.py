"""Predictive checks: free-running, after what really happened, and from the priors alone."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.analysis import indices, learning_curve, staying
from metacontrol.analysis.predictive import _windows
from metacontrol.analysis.stay import stay_trials
from metacontrol.models import HYBRID, MODEL_BASED, MODEL_FREE
from metacontrol.reporting.predictions import predicted
from metacontrol.tasks import DAW_2011, KOOL_2016_DETERMINISTIC, OTTO_2013, Choices


@pytest.fixture(scope="module")
def data() -> Choices:
    people = mc.draw_participants(HYBRID, 12, seed=1).assign(beta1=5.0, w=0.9, p=0.2)
    return mc.simulate(HYBRID, DAW_2011, people, trials=150, seed=1)


@pytest.fixture(scope="module")
def fit(data: Choices) -> mc.Fit:
    return mc.fit(HYBRID, data, method="map", seed=1, starts=2)


def test_indices_by_hand() -> None:
    """Staying .9 .6 | .4 .7 after win common, rare | no win common, rare: effects .5 and -.1."""
    rows, trial = [], 0
    for reward, state, stays in ((1, 0, 9), (1, 1, 6), (0, 0, 4), (0, 1, 7)):
        for i in range(10):
            trial += 2
            rows += [(trial, 0, state, reward), (trial + 1, int(i >= stays), 0, 0)]
            trial += 1
    frame = pd.DataFrame(rows, columns=["trial", "first_choice", "second_state", "reward"])
    frame = frame.assign(participant="a", second_choice=0)[
        ["participant", "trial", "first_choice", "second_state", "second_choice", "reward"]
    ]
    found = indices(Choices(frame, DAW_2011)).set_index(["index", "of"])["value"]
    assert found["planning", "mean"] == pytest.approx((0.5 - -0.1) / 2)
    assert found["habit", "mean"] == pytest.approx((0.5 + -0.1) / 2)


def test_a_learning_curve_by_hand() -> None:
    """Sixteen trials, two an eighth; the first option leads to the better state from trial 9 on."""
    first = np.array([0, 1] * 8)
    better = np.repeat([0.2, 0.8], 8)
    frame = pd.DataFrame(
        {"participant": "a", "trial": np.arange(1, 17), "first_choice": first, "second_state": 0,
         "second_choice": 0, "reward": 0, "p_0_0": better, "p_0_1": 0.0, "p_1_0": 0.5,
         "p_1_1": 0.0}
    )  # fmt: skip
    found = learning_curve(Choices(frame, DAW_2011))
    assert found["part"].tolist() == list(range(1, 9))
    np.testing.assert_allclose(found["value"], 0.5)
    always = Choices(frame.assign(first_choice=0), DAW_2011)
    np.testing.assert_allclose(learning_curve(always)["value"], [0] * 4 + [1] * 4)


@pytest.mark.parametrize("untold", [["p_0_0", "p_0_1", "p_1_0", "p_1_1"], ["p_1_0"]])
def test_learning_is_mean_reward_where_data_do_not_tell_payments(
    fit: mc.Fit, data: Choices, untold: list[str]
) -> None:
    """Of both the data and the simulations, whose task would tell them. 150 trials, by eighths."""
    bare = Choices(data.frame.drop(columns=untold), DAW_2011)
    reward = data.frame["reward"].astype(float).to_numpy().reshape(12, 150)
    parts = [reward[:, np.arange(150) * 8 // 150 == part].mean() for part in range(8)]
    np.testing.assert_allclose(learning_curve(bare)["value"], parts)
    seen: list[Choices] = []

    def keep(played: Choices) -> pd.DataFrame:
        seen.append(played)
        return learning_curve(played)

    table = mc.predictive(fit, bare, keep, draws=3, seed=1)
    with pytest.raises(ValueError, match="learning_curve of these data does not depend on which"):
        mc.predictive(fit, bare, learning_curve, draws=3, seed=1, given_history=1)
    np.testing.assert_allclose(table["observed"], parts)
    rewards = [s.frame["reward"].astype(float).to_numpy().reshape(12, 150) for s in seen[:3]]
    first = np.arange(150) * 8 // 150 == 0
    assert table["predicted"][0] == pytest.approx(np.mean([r[:, first].mean() for r in rewards]))
    assert all(set(untold).isdisjoint(s.frame) for s in seen)
    blocks = predicted(fit, bare, draws=2, seed=1, prefix="").blocks
    said = " ".join(str(getattr(block, "caption", "")) for block in blocks)
    assert "Learning: mean reward, in eighths of each participant's trials" in said


@pytest.mark.parametrize("task", [DAW_2011, KOOL_2016_DETERMINISTIC])
@pytest.mark.parametrize("statistic", [staying, learning_curve, indices])
def test_stretches_say_of_observed_choices_what_all_together_say(task, statistic) -> None:  # type: ignore[no-untyped-def]
    people = mc.draw_participants(HYBRID, 3, seed=2)
    data = mc.simulate(HYBRID, task, people, trials=60, seed=2)
    frame = data.frame.astype({"first_choice": "Int64"})
    frame.loc[[5, 6, 70], ["first_choice", "reward"]] = None
    data = Choices(frame, task)
    _, windows = _windows(data, 1)
    pd.testing.assert_frame_equal(statistic(windows), statistic(data))


def test_a_model_that_is_right_is_not_faulted(fit: mc.Fit, data: Choices) -> None:
    for history in (0, 1):
        table = mc.predictive(fit, data, staying, draws=40, seed=1, given_history=history)
        width = table["upper"] - table["lower"]
        assert ((table["observed"] - table["predicted"]).abs() < width).all()
        assert (table["lower"] < table["predicted"]).all()


def test_one_step_ahead_is_what_the_likelihood_says(fit: mc.Fit, data: Choices) -> None:
    """Mean predicted staying is the mean probability of the last choice again, to sampling error.

    40 data sets of 1,788 choices: standard error at most .002.
    """

    def all_staying(choices: Choices) -> pd.DataFrame:
        trials = stay_trials(choices)
        return pd.DataFrame({"of": ["all"], "value": [trials["stay"].mean()]})

    table = mc.predictive(fit, data, all_staying, draws=40, seed=1, given_history=1)
    seen = mc.latents(HYBRID, data, fit.parameters)
    likely = np.exp(seen["log_probability_first_choice"])
    chosen = data.frame["first_choice"].to_numpy(dtype=int)
    again = np.where(chosen == np.roll(chosen, 1), likely, 1 - likely)[data.frame["trial"] > 1]
    assert table["predicted"][0] == pytest.approx(again.mean(), abs=0.008)


def test_a_statistic_has_values(fit: mc.Fit, data: Choices) -> None:
    with pytest.raises(ValueError, match="a table with a column value, this one has: part, share"):
        mc.predictive(
            fit, data, lambda d: learning_curve(d).rename(columns={"value": "share"}), seed=1
        )


def test_a_model_without_planning_misses_planning(data: Choices) -> None:
    blind = mc.fit(MODEL_FREE, data, method="map", seed=1, starts=2)
    table = mc.predictive(blind, data, indices, draws=40, seed=1).set_index(["index", "of"])
    row = table.loc[("planning", "mean")]
    assert row["observed"] > row["upper"]


def test_people_go_through_their_own_schedule_as_far_as_they_went() -> None:
    """One has fewer trials than the others; missed trials lack load and age."""
    people = mc.draw_participants(HYBRID, 4, seed=3)
    frame = mc.simulate(HYBRID, OTTO_2013, people, trials=30, seed=3).frame
    frame["age"] = frame["participant"].map({"s1": 20.0, "s2": 30.0, "s3": 50.0, "s4": 60.0})
    frame = frame[(frame["participant"] != "s2") | (frame["trial"] <= 20)].reset_index(drop=True)
    whole, frame = frame.copy(), frame.astype({"first_choice": "Int64", "load": "Int64"})
    frame.loc[[0, 10, 11], ["first_choice", "load", "age"]] = None
    known = frame["load"].notna()
    for given, formula in ((frame, "1 + load"), (whole, "1 + load * scale(age)")):
        data = Choices(given, OTTO_2013)
        fit = mc.fit(HYBRID, data, method="em", formulas={"w": formula}, seed=1, importance=100)
        seen: list[Choices] = []

        def keep(played: Choices, seen: list[Choices] = seen) -> pd.DataFrame:
            seen.append(played)
            return pd.DataFrame({"of": ["all"], "value": [0.0]})

        mc.predictive(fit, data, keep, draws=1, seed=1)
        again = seen[0].frame.reset_index(drop=True)
        assert again[["participant", "trial"]].equals(whole[["participant", "trial"]])
        assert again.loc[known, "load"].eq(whole.loc[known, "load"]).all()
        assert again["age"].tolist() == whole["age"].tolist()
        assert again["p_0_0"].tolist() == whole["p_0_0"].tolist()
    scaled = (whole["age"] - whole["age"].mean()) / whole["age"].std()
    np.testing.assert_allclose(again["scale(age)"], scaled)  # not that of people made longer


@pytest.mark.parametrize(
    "term", ["scale(`my age`)", "scale(Q('my age'))", "bs(`my age`, df=3)", "C(`my age`)"]
)
def test_terms_that_find_something_out_from_all_data(term: str, tmp_path: Path) -> None:
    """Predictions and weights go by what was found out, in a fit that is loaded again too."""
    people = mc.draw_participants(MODEL_BASED, 5, seed=3)
    frame = mc.simulate(MODEL_BASED, OTTO_2013, people, trials=30, seed=3).frame
    age = frame["participant"].map({"s1": 20, "s2": 30, "s3": 40, "s4": 50, "s5": 60}).astype(float)
    data = Choices(frame.assign(**{"my age": age}), OTTO_2013)
    formulas, few = {"w": f"load * {term}"}, {"importance": 50, "draws": 50, "chains": 1}
    fit = mc.fit(HYBRID, data, method="em", formulas=formulas, seed=1, **few)  # type: ignore[arg-type]
    fit = mc.load_fit(fit.save(tmp_path / "fit.nc"))
    mc.predictive_stay(fit, data, draws=2, seed=1)
    table = mc.weight_by_condition(fit)
    assert set(table["my age"]) == {20.0, 30.0, 40.0, 50.0, 60.0}
    assert len(mc.participant_weights(fit)) == 10  # nobody has another's age
    own = mc.participant_weights(fit).merge(
        data.frame[["participant", "load", "my age"]].drop_duplicates()
    )
    noted = mc.latents(HYBRID, data, fit, draws=50).assign(load=data.frame["load"])
    means = noted.groupby(["participant", "load"])["weight"].mean().reset_index()
    both = own.merge(means, on=["participant", "load"], suffixes=("", "_noted"))
    assert len(both) == 10
    np.testing.assert_allclose(both["weight"], both["weight_noted"], rtol=1e-10)


def test_priors_alone() -> None:
    table = mc.prior_predictive(
        MODEL_BASED, DAW_2011, staying, participants=10, simulations=20, trials=40, seed=1
    )
    assert "observed" not in table
    assert ((table["upper"] - table["lower"]) > 0.3).all()  # wide: nothing was seen
    assert table["predicted"].between(0.3, 0.8).all()


@pytest.mark.parametrize("statistic", [staying, learning_curve, indices])
def test_figures_show_the_table(fit: mc.Fit, data: Choices, statistic) -> None:  # type: ignore[no-untyped-def]
    table = mc.predictive(fit, data, statistic, draws=5, seed=1)
    with mc.style():
        figure, (ax,) = mc.panels()
        mc.plot_predictive(table, ax, "P")
    dots = next(line for line in ax.get_lines() if line.get_label() == "observed")
    np.testing.assert_allclose(np.asarray(dots.get_ydata(), float), table["observed"])
    assert ax.get_ylabel() == "P"
    plt.close(figure)
