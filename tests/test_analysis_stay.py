"""Staying: definitions by hand, the human figures, and what simulated agents do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection

import metacontrol as mc
from metacontrol.analysis.stay import stay_trials
from metacontrol.tasks import DAW_2011, KOOL_2016_DETERMINISTIC


def _choices(rows: list[tuple], task: mc.tasks.TwoStep = DAW_2011) -> mc.Choices:
    names = ["participant", "trial", "first_choice", "second_state", "second_choice", "reward"]
    return mc.read_choices(pd.DataFrame(rows, columns=names), task)


def test_pairs_are_neighbouring_complete_trials() -> None:
    data = _choices(
        [
            ("a", 1, 0, 0, 0, 1),  # rewarded common
            ("a", 2, 0, 1, 0, 0),  # stays; itself unrewarded rare
            ("a", 3, 1, 1, 0, 1),  # shifts; itself rewarded common
            ("a", 4, np.nan, np.nan, np.nan, np.nan),
            ("a", 5, 1, 0, 1, 1),  # no pair with trial 3: trial 4 was missed
            ("a", 6, 1, 1, 1, 0),  # stays after rewarded rare
        ]
    )
    table = mc.stay_by_participant(data).set_index(["reward", "transition"])
    assert table["stay"].to_dict() == {
        ("rewarded", "common"): 1.0,
        ("unrewarded", "rare"): 0.0,
        ("rewarded", "rare"): 1.0,
    }
    assert (table["trials"] == 1).all()


def test_interval_is_within_participants() -> None:
    """Two participants, two cells: .5 and .7 apart from each other, the same difference .2.

    Normalised values are equal over participants, so the interval has no width.
    """
    rows = []
    for name, first, second in (("a", 5, 7), ("b", 3, 5)):
        trial = 0
        for reward, stays in ((1, first), (0, second)):
            for i in range(10):
                trial += 2
                rows.append((name, trial - 1, 0, 0, 0, reward))
                rows.append((name, trial, 0 if i < stays else 1, 0, 0, reward))
                trial += 1  # a gap, so that pairs do not overlap
    table = mc.stay_probabilities(_choices(rows))
    common = table[table["transition"] == "common"]
    assert common["stay"].round(6).tolist() == [0.4, 0.6]
    np.testing.assert_allclose(common["upper"] - common["lower"], 0, atol=1e-12)


def test_people_in_groups_have_intervals_of_their_group() -> None:
    """As if each group were alone, be it split by load besides."""
    people = pd.DataFrame([MEDIANS | {"w_Intercept": 1.0, "w_load": -2.0}] * 8)
    data = mc.simulate(
        mc.models.HYBRID, mc.tasks.OTTO_2013, people, trials=100, seed=2, formulas={"w": "1 + load"}
    )
    group = data.frame["participant"].isin(["s1", "s2", "s3"]).map({True: "few", False: "many"})
    data = mc.Choices(data.frame.assign(group=group), data.task)
    for by in ([], ["load"]):
        table = mc.stay_probabilities(data, by=["group", *by])
        assert table["participants"].tolist() == [3] * (len(table) // 2) + [5] * (len(table) // 2)
        for name in ("few", "many"):
            alone = mc.stay_probabilities(data.only((group == name).to_numpy()), by=by)
            part = table[table["group"] == name].drop(columns="group")
            pd.testing.assert_frame_equal(part.reset_index(drop=True), alone)
            assert (part["lower"] < part["stay"]).all()
    table = mc.stay_probabilities(data, by=["group"])
    with mc.style():
        figure, (ax,) = mc.panels()
        mc.plot_stay_probabilities(table, ax)
        ends = [bars.get_segments() for bars in ax.collections if isinstance(bars, LineCollection)]
        plt.close(figure)
    drawn = np.concatenate([np.array(segments)[:, :, 1] for segments in ends])
    np.testing.assert_allclose(np.sort(drawn, axis=0), np.sort(table[["lower", "upper"]], axis=0))


@pytest.mark.parametrize(
    ("fixture", "expected"),
    [
        ("kool2016_daw", [0.7463, 0.7005, 0.6282, 0.6842]),
        ("kool2016_novel", [0.8363, 0.6432, 0.4672, 0.4658]),
        ("gillan2016", [0.8979, 0.8368, 0.7039, 0.7757]),
    ],
)
def test_human_stay_probabilities(
    fixture: str, expected: list[float], request: pytest.FixtureRequest
) -> None:
    table = mc.stay_probabilities(request.getfixturevalue(fixture))
    assert table["stay"].round(4).tolist() == expected


def test_human_stay_probabilities_after_practice(shared: Path) -> None:
    file = shared / "data/wyckmans2022-stress/choices.csv"
    data = mc.read_choices(file, DAW_2011, learn_only_first=10)
    table = mc.stay_probabilities(data)
    assert table["stay"].round(4).tolist() == [0.8297, 0.7830, 0.6750, 0.7128]
    whole = mc.read_choices(file, DAW_2011)
    by_condition = mc.stay_probabilities(whole, by=["condition"]).set_index("condition")["stay"]
    assert by_condition.loc["control_stress"].round(3).tolist() == [0.830, 0.798, 0.702, 0.779]


# Theory D2: 3,000 agents x 201 trials at the medians of Daw et al. (2011), standard error .001.
MEDIANS = {"alpha1": 0.54, "alpha2": 0.42, "beta1": 5.19, "beta2": 3.69, "lam": 0.57, "p": 0.0}
AGENTS = {
    "model-free": ({"w": 0.0}, [0.818, 0.805, 0.538, 0.534]),
    "model-free, lam 0": ({"w": 0.0, "lam": 0.0}, [0.675, 0.644, 0.639, 0.632]),
    "model-free, lam 1": ({"w": 0.0, "lam": 1.0}, [0.928, 0.925, 0.574, 0.586]),
    "model-based": ({"w": 1.0}, [0.634, 0.459, 0.464, 0.630]),
    "hybrid": ({"w": 0.39}, [0.733, 0.662, 0.466, 0.523]),
    "hybrid, p": ({"w": 0.39, "p": 0.11}, [0.835, 0.786, 0.613, 0.672]),
    "model-free, p": ({"w": 0.0, "p": 0.11}, [0.899, 0.892, 0.685, 0.679]),
    "model-based, p": ({"w": 1.0, "p": 0.11}, [0.753, 0.599, 0.599, 0.745]),
}


@pytest.mark.parametrize("agent", AGENTS)
def test_simulated_stay_probabilities(agent: str) -> None:
    """Ours and theirs are both simulated: four standard errors of the difference, .0014 each."""
    values, expected = AGENTS[agent]
    table = pd.DataFrame([MEDIANS | values] * 3000)
    task = replace(DAW_2011, instructed=True)
    stay = mc.stay_probabilities(mc.simulate(mc.models.HYBRID, task, table, seed=11))["stay"]
    np.testing.assert_allclose(stay, expected, atol=4 * 0.0014 + 0.0005)


def test_regression_tells_habit_from_planning() -> None:
    task = replace(DAW_2011, instructed=True)
    terms = {}
    for name, w in (("habit", 0.0), ("planning", 1.0)):
        table = pd.DataFrame([MEDIANS | {"w": w}] * 60)
        data = mc.simulate(mc.models.HYBRID, task, table, seed=4)
        terms[name] = mc.stay_regression(data)
    assert terms["habit"].loc["reward", "z"] > 10
    assert abs(terms["habit"].loc["reward x transition", "z"]) < 4
    assert terms["planning"].loc["reward x transition", "z"] > 10
    assert abs(terms["planning"].loc["reward", "z"]) < 4


def test_regression_coefficient_by_hand() -> None:
    """Stay is .8 after reward and .5 after none, whatever the transition.

    With coding +-1 the reward coefficient is half of logit .8 - logit .5 = half of log 4.
    """
    rows = []
    for name in ("a", "b"):
        trial = 0
        for reward, stays in ((1, 8), (0, 5)):
            for state in (0, 1):
                for i in range(10):
                    trial += 3
                    rows.append((name, trial - 1, 0, state, 0, reward))
                    rows.append((name, trial, 0 if i < stays else 1, 0, 0, reward))
    table = mc.stay_regression(_choices(rows))
    assert table.loc["reward", "estimate"] == pytest.approx(np.log(4) / 2, abs=1e-3)
    assert table.loc["transition", "estimate"] == pytest.approx(0, abs=1e-6)


def test_load_interactions_are_added() -> None:
    table = pd.DataFrame([MEDIANS | {"w_Intercept": 3.0, "w_load": -6.0}] * 60).drop(columns=[])
    data = mc.simulate(mc.models.HYBRID, mc.tasks.OTTO_2013, table, trials=200, seed=4)
    terms = mc.stay_regression(data, by=["load"])
    assert terms.loc["reward x transition : load", "z"] < -4
    assert terms.loc["reward : load", "z"] > 4


def test_bad_splits_are_named(kool2016_daw: mc.Choices) -> None:
    with pytest.raises(ValueError, match="no column mood"):
        mc.stay_probabilities(kool2016_daw, by=["mood"])
    one = _choices([("a", 1, 0, 0, 0, 1), ("a", 2, 0, 0, 0, 1)])
    with pytest.raises(ValueError, match="two or more"):
        mc.stay_regression(one)


def test_regression_says_why_there_is_none() -> None:
    values = MEDIANS | {"w": 0.4}
    people = pd.DataFrame([values] * 3)
    played = mc.simulate(mc.models.HYBRID, DAW_2011, people, trials=40, seed=1)
    odd = played.frame.assign(odd=played.frame["trial"] % 2)
    for same in (odd.assign(reward=1), odd.assign(odd=1), odd.assign(even=1 - odd["odd"])):
        by = [column for column in ("odd", "even") if column in same]
        with pytest.raises(ValueError, match="predictors cannot be told apart: rewards, trans"):
            mc.stay_regression(mc.read_choices(same, DAW_2011), by=by)
    words = odd.assign(odd=odd["odd"].map({0: "even", 1: "odd"}))
    with pytest.raises(ValueError, match="odd must be numbers, got 'even': make a column that is"):
        mc.stay_regression(mc.read_choices(words, DAW_2011), by=["odd"])
    gap = mc.read_choices(odd.assign(odd=odd["odd"].where(odd["trial"] != 5)), DAW_2011)
    with pytest.raises(ValueError, match=r"odd is missing or infinite \(participant 's1', trial 5"):
        mc.stay_regression(gap, by=["odd"])
    with pytest.raises(ValueError, match=r"previous_odd is .* \(participant 's1', trial 6\)"):
        mc.stay_regression(gap, by=["previous_odd"])


@pytest.mark.parametrize("task", [DAW_2011, KOOL_2016_DETERMINISTIC])
def test_figure_shows_the_table(task: mc.tasks.TwoStep) -> None:
    values = {"alpha": 0.5, "beta": 3.0, "lam": 0.5, "w": 0.5}
    values |= {"stimulus_stickiness": 0.0, "response_stickiness": 0.0}
    data = mc.simulate(mc.models.HYBRID_KOOL, task, pd.DataFrame([values] * 5), trials=50, seed=1)
    table = mc.stay_probabilities(data)
    with mc.style():
        figure, (ax,) = mc.panels()
        mc.plot_stay_probabilities(table, ax)
        drawn = sorted(np.concatenate([np.asarray(line.get_ydata()) for line in ax.lines]))
        plt.close(figure)
    np.testing.assert_allclose(drawn, sorted(table["stay"]))


def test_staying_in_graphs() -> None:
    """A move is common if it went where its option commonly leads, whatever that state's number."""
    frame = pd.DataFrame(
        {"participant": "a", "trial": [1, 2, 3], "goal": 0, "p_common": 0.9, "reward": 10.0}
        | {"first_choice": [1, 1, 0], "second_state": [2, 3, 0], "second_choice": 0}
        | {"third_state": 2}
    )
    trials = stay_trials(mc.Choices(frame, mc.tasks.LEE_2014))
    assert trials["transition"].tolist() == ["common", "rare"]
    one = frame.assign(depth=3, first_state=0).drop(columns=["second_state", "third_state"])
    with pytest.raises(ValueError, match="huys-2012 has no second states"):
        stay_trials(mc.Choices(one, mc.tasks.HUYS_2012))
