"""What drives control: curves whose truth is known, changes by hand, and what is refused."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

import metacontrol as mc
from metacontrol.arbitration import _drivers, arbitration
from metacontrol.cli import main
from metacontrol.models import (
    DRIFTING_WEIGHT,
    FORWARD_HYBRID_DECAYING,
    HABITS_WITHOUT_VALUES,
    HYBRID,
    LOGISTIC_WEIGHT,
    RELIABILITY,
    SWITCHING,
    Model,
)
from metacontrol.models.engine.sources import note_sources
from metacontrol.models.scoring import Scoring
from metacontrol.tasks import AKAM_2015_REDUCED, DAW_2011, KIM_2019, LEE_2014, OTTO_2013, Choices

HABIT = {"alpha1": 0.5, "alpha2": 0.4, "beta1": 3.0, "beta2": 3.0, "lam": 0.6, "p": 0.1}
LOADS = LOGISTIC_WEIGHT.fix(
    protection=0.0,
    novelty_effect=0.0,
    stake_effect=0.0,
    fatigue_effect=0.0,
    tiring=0.0,
    recovery=0.0,
)
W0 = np.array([0.2, 0.8, 1.5])
EFFECTS = {"load_effect": 1.4, "past_load_effect": 0.6, "practice_effect": 0.3}
TRUST = {"alpha_habit": 0.2, "alpha_plan": 0.2, "beta": 6.0, "p": 0.1, "tolerance": 0.4}
TRUST |= {"alpha_surprise": 0.2, "habit_rate": 3.0, "plan_rate": 18.0}


def people(count: int, **values: Any) -> pd.DataFrame:
    names = pd.Index([f"s{i + 1}" for i in range(count)], name="participant")
    return pd.DataFrame(values, index=names)


@pytest.fixture(scope="module")
def loaded() -> mc.Choices:
    theta = people(3, **HABIT, **EFFECTS, w0=W0)
    return mc.simulate(LOADS, OTTO_2013, theta.reset_index(), trials=150, seed=1)


@pytest.fixture(scope="module")
def by_load(loaded: mc.Choices) -> pd.DataFrame:
    return mc.drivers(LOADS, loaded, people(3, **HABIT, **EFFECTS, w0=W0)).set_index("driver")


def test_a_column_that_is_set_has_its_analytic_curve(by_load: pd.DataFrame) -> None:
    """Load x throughout: now, and on the last trial of all trials but the first."""
    n = np.arange(150)
    assert by_load.loc["load", "kind"].unique() == ["set"]
    for _, row in by_load.loc["load"].iterrows():
        x = row["value"]
        odds = W0[:, None] - 1.4 * x - 0.6 * x * (n > 0) - 0.3 * np.log1p(n)
        own = expit(odds).mean(axis=1)
        assert row["mean"] == pytest.approx(own.mean())
        half = 1.96 * own.std(ddof=1) / np.sqrt(3)
        assert row["upper"] - row["mean"] == pytest.approx(half)
        assert row["participants"] == 3


def test_what_is_noted_keeps_its_effect(by_load: pd.DataFrame) -> None:
    """In log-odds load on the last trial takes .6, and practice .3 for each log(1 + trials)."""
    past, practice = by_load.loc["past_load"], by_load.loc["practice"]
    assert past["value"].tolist() == [0, 1]
    assert np.diff(logit(past["mean"].to_numpy(float))) == pytest.approx(-0.6, abs=0.05)
    slope = np.polyfit(practice["value"].astype(float), logit(practice["mean"].astype(float)), 1)[0]
    assert slope == pytest.approx(-0.3, abs=0.03)
    assert "fatigue" not in by_load.index  # never varies


def test_a_formula_drives_the_weight_of_any_model(loaded: mc.Choices) -> None:
    theta = people(3, **HABIT, w_Intercept=W0, w_load=-1.0)
    table = mc.drivers(HYBRID, loaded, theta)
    assert table["driver"].tolist() == ["load", "load"]
    expected = [expit(W0).mean(), expit(W0 - 1).mean()]
    assert table["mean"].tolist() == pytest.approx(expected)
    practised = people(3, **HABIT, w_Intercept=W0, w_trial=-0.01)
    table = mc.drivers(HYBRID, loaded, practised)
    assert len(table) == 9  # a column of many values is set to a grid
    x = table["value"].to_numpy(float)
    np.testing.assert_allclose(table["mean"], expit(W0[:, None] - 0.01 * x).mean(axis=0))
    load = loaded.frame["load"]
    scaled = theta.rename(columns={"w_load": "w_scale(load)"}).assign(w_Intercept=W0 - load.mean())
    scaled["w_scale(load)"] *= load.std()
    pd.testing.assert_frame_equal(
        mc.drivers(HYBRID, loaded, scaled, {"w": "scale(load)"}), mc.drivers(HYBRID, loaded, theta)
    )
    other = theta.rename(columns={"w_load": "w_I(load / load.sum())"})
    with pytest.raises(ValueError, match=r"w_I\(load / load.sum\(\)\) depends on other trials'"):
        mc.drivers(HYBRID, loaded, other, {"w": "I(load / load.sum())"})


def test_refusals(loaded: mc.Choices) -> None:
    frame = loaded.frame.astype({"reward": float})
    frame.loc[5, "reward"] = np.nan
    with pytest.raises(ValueError, match="weight of planning of hybrid is fixed"):
        mc.drivers(HYBRID, Choices(frame, loaded.task), people(3, **HABIT, w=0.4))
    switching = people(3, **HABIT, stay_plan=0.9, stay_habit=0.8)
    with pytest.raises(ValueError, match="switching notes nothing that its weight .* follows from"):
        mc.drivers(SWITCHING, loaded, switching, noted=[])
    with pytest.raises(ValueError, match="switching notes no depth; it notes: .*weight"):
        mc.drivers(SWITCHING, loaded, switching, noted=["depth"])


@pytest.fixture(scope="module")
def trusting() -> tuple[mc.Choices, pd.DataFrame]:
    theta = people(12, **TRUST)
    return mc.simulate(RELIABILITY, LEE_2014, theta.reset_index(), trials=200, seed=2), theta


@pytest.mark.parametrize("name", [None, "long_run_weight"])
def test_who_is_reliable_gains_control(
    trusting: tuple[mc.Choices, pd.DataFrame], name: str | None
) -> None:
    table = mc.drivers(RELIABILITY, *trusting, name=name)
    assert set(table["kind"]) == {"noted"}
    for driver, sign in (("plan_reliability", 1), ("habit_reliability", -1)):
        part = table[table["driver"] == driver]
        assert len(part) == 8
        assert (part["participants"] == 12).all()
        changes = np.diff(part["mean"]) / np.diff(part["value"].astype(float))
        assert sign * changes.mean() > 0
        assert (sign * changes > 0).mean() >= 5 / 7


def test_where_notes_come_from(trusting: tuple[mc.Choices, pd.DataFrame]) -> None:
    scoring = Scoring.of(RELIABILITY, trusting[0])
    found = note_sources(scoring.story, scoring.records.columns)
    assert found["first_weight"] == {"mind"}
    assert found["first_state_prediction_error"] == {"mind", "first_choice", "second_state"}
    events = {"mind", "first_choice", "second_state", "second_choice", "third_state"}
    assert found["plan_reliability"] == events
    assert found["habit_reliability"] == events - {"third_state"} | {"reward"}


def test_small_multiples(by_load: pd.DataFrame) -> None:
    table = by_load.reset_index()
    with mc.style():
        figure, axes = mc.panels(1, 4)
        used = mc.plot_drivers(table, axes)
        figure.canvas.draw()
        assert [ax.get_ylim() for ax in used] == [(0, 1)] * len(used)
        assert len(figure.axes) == len(used) == table["driver"].nunique()
        assert [ax.get_ylabel() != "" for ax in used] == [True] + [False] * (len(used) - 1)
        assert [t.get_text() for t in used[0].get_xticklabels()] == ["0", "1"]
        with pytest.raises(ValueError, match="drivers need as many panels, got 1"):
            mc.plot_drivers(table, axes[:1])
        plt.close(figure)


def step(weights: Sequence[Sequence[float]], p: Sequence[Sequence[float]]) -> pd.DataFrame:
    """Return a table as from `latents`, one row of weights for each person."""
    tables = [
        pd.DataFrame({"participant": f"s{i}", "weight": w, "p": q})
        for i, (w, q) in enumerate(zip(weights, p, strict=True))
    ]
    return pd.concat([t.assign(trial=np.arange(len(t)) + 1) for t in tables], ignore_index=True)


def test_a_known_step() -> None:
    """Before .2 and .4: mean .3; after .6 and 1: .8. Own means .4 and .7; off by .2 and .3."""
    seen = step(
        [[0.2] * 3 + [0.6] * 3, [0.4] * 2 + [1.0] * 2], [[0.9] * 3 + [0.5] * 3, [1, 1, 0, 0]]
    )
    table = mc.around(seen, "p", before=2, after=2)
    assert table["trial"].tolist() == [-2, -1, 0, 1]
    assert table["mean"].tolist() == pytest.approx([0.3, 0.3, 0.8, 0.8])
    assert table["participants"].tolist() == [2] * 4
    half = 1.96 * 0.05 * np.sqrt(4 / 3)  # sem of .2 and .3, with four cells
    assert (table["upper"] - table["mean"]).tolist() == pytest.approx([half] * 4)
    flagged = seen.assign(p=seen["trial"].eq(4) & seen["participant"].eq("s0"))
    assert mc.around(flagged, "p", before=1, after=1)["mean"].tolist() == pytest.approx([0.2, 0.6])


def test_changes_near_each_other_share_no_trials_and_can_be_split() -> None:
    seen = step([[0.0, 0.1, 0.2, 0.3, 0.4, 0.5]], [[0, 0, 1, 1, 0, 0]])
    table = mc.around(seen, "p", before=5, after=5)
    assert table["trial"].tolist() == [-2, -1, 0, 1]
    assert table["mean"].tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])
    split = mc.around(seen, "p", before=1, after=1, by=["p"])
    assert split["mean"].tolist() == pytest.approx([0.3, 0.4, 0.1, 0.2])
    with mc.style():
        figure, (ax,) = mc.panels()
        mc.plot_around(split, ax)
        legend = ax.get_legend()
        assert legend is not None
        assert [t.get_text() for t in legend.get_texts()] == ["p → 0", "p → 1"]
        assert np.asarray(ax.lines[-1].get_xdata()).tolist() == [-0.5, -0.5]
        plt.close(figure)


def test_no_change() -> None:
    seen = step([[0.1, 0.2]], [[1, 1]])
    with pytest.raises(ValueError, match="p never changes"):
        mc.around(seen, "p")
    with pytest.raises(ValueError, match="no column q; there are: participant, weight"):
        mc.around(seen, "q")


@pytest.mark.parametrize(
    ("task", "expected"),
    [(AKAM_2015_REDUCED, ["p_0"]), (OTTO_2013, []), (KIM_2019, ["load", "p_common"])],
    ids=str,
)
def test_columns_that_change_in_blocks(task: Any, expected: list[str]) -> None:
    columns = task.schedule(3, 150, np.random.default_rng(1))
    frame = pd.DataFrame({name: values.T.ravel() for name, values in columns.items()})
    frame["participant"] = np.repeat(["a", "b", "c"], 150)
    assert mc.changing_columns(Choices(frame, task)) == expected


def test_posterior_of_what_was_noted(loaded: mc.Choices) -> None:
    """Two draws of three people: their mean weight with and without load."""
    draws = [people(3, **HABIT, w_Intercept=W0 + d, w_load=-1.0) for d in (0.0, 0.5)]
    fit: Any = SimpleNamespace(
        sampled=True,
        model=HYBRID,
        formulas={"w": "1 + load"},
        parameter_draws=lambda count: draws[:count],
    )
    found = mc.noted_draws(fit, loaded, ["load"], draws=2).set_index(["load", "draw"])["weight"]
    for load, draw in ((0, 0), (0, 1), (1, 0), (1, 1)):
        assert found[load, draw] == pytest.approx(expit(W0 + 0.5 * draw - load).mean())
    table = mc.noted_by_condition(fit, loaded, ["load"], draws=2).set_index("load")
    assert table.loc[1, "mean"] == pytest.approx(found[1].mean())
    assert table.loc[1, "sd"] == pytest.approx(found[1].std())
    with pytest.raises(ValueError, match="hybrid notes no 'depth'; it notes: .*weight"):
        mc.noted_draws(fit, loaded, ["load"], "depth", draws=2)


def test_categories_are_set_as_they_were_fitted(loaded: mc.Choices) -> None:
    few: dict[str, Any] = {"importance": 50, "draws": 20, "chains": 1, "seed": 1}
    fit = mc.fit(HYBRID, loaded, method="em", formulas={"w": "1 + C(load)"}, **few)
    table = _drivers(fit, loaded, "weight", fit.parameter_draws(20))
    shown = table.set_index("value")["mean"]
    own = mc.participant_weights(fit).groupby("load")["weight"].mean()
    np.testing.assert_allclose(shown.loc[[0, 1]].to_numpy(float), own.loc[[0, 1]])


def test_figures_of_arbitration(tmp_path: Path) -> None:
    model: Model = HABITS_WITHOUT_VALUES
    theta = people(3, alpha2=0.4, alpha_habit=0.1, beta_mb=4.0, beta_habit=3.0, w0=0.5)
    theta = theta.assign(contingency_effect=4.0, habitisation_effect=3.0)
    data = mc.simulate(model, AKAM_2015_REDUCED, theta.reset_index(), trials=70, seed=1)
    mc.fit(model, data, method="map", seed=1, starts=1).save(tmp_path / "fit.nc")
    data.frame.to_csv(tmp_path / "choices.csv", index=False)
    paths = (
        tmp_path / "fit.nc",
        "--choices",
        tmp_path / "choices.csv",
        "--out",
        tmp_path / "figures",
    )
    with pytest.raises(SystemExit) as stop:
        main(["figures", *map(str, paths), "--draws", "2"])
    assert stop.value.code == 0
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == {
        "course_of_first_weight",
        "first_weight_around_p_0",
        "drivers_of_first_weight",
        "predictive_stay",
    }
    fit = mc.load_fit(tmp_path / "fit.nc")
    said = {drawing.name: drawing.caption for drawing in arbitration(fit, data, draws=2)}
    assert said["first_weight_around_p_0"].endswith("with its 95 % within-participant interval.")


def test_courses_by_what_is_set() -> None:
    """A weight that drifts, and that load lowers; the legend stands above what is drawn."""
    theta = people(4, alpha1=0.5, alpha2=0.5, beta1=3.0, beta2=3.0, lam=0.5, p=0.0)
    theta = theta.assign(w_Intercept=1.0, w_load=-2.0, drift=0.5)
    data = mc.simulate(DRIFTING_WEIGHT, OTTO_2013, theta.reset_index(), trials=60, seed=1)
    formulas = {"w": "1 + load"}
    fit = mc.fit(DRIFTING_WEIGHT, data, method="map", seed=1, starts=1, formulas=formulas)
    drawn = {drawing.name: drawing for drawing in arbitration(fit, data, draws=2)}
    assert set(drawn) == {"course_of_weight", "course_of_weight_by_load", "drivers_of_weight"}
    figure, axes = mc.panels(1, 1)
    drawn["course_of_weight_by_load"].plot(axes)
    low, high = (np.mean(np.asarray(line.get_ydata())) for line in axes[0].lines)
    assert low > high  # no load, load
    figure.draw_without_rendering()
    legend = axes[0].get_legend()
    assert legend is not None
    assert legend.get_window_extent().y0 >= axes[0].get_window_extent().y1


def test_what_only_columns_move_has_no_course() -> None:
    theta = people(4, alpha1=0.5, alpha2=0.5, beta1=3.0, beta2=3.0, lam=0.5, p=0.0)
    theta = theta.assign(w_Intercept=1.0, w_load=-2.0)
    data = mc.simulate(HYBRID, OTTO_2013, theta.reset_index(), trials=60, seed=1)
    fit = mc.fit(HYBRID, data, method="map", seed=1, starts=1, formulas={"w": "1 + load"})
    assert [d.name for d in arbitration(fit, data, draws=2)] == ["drivers_of_weight"]


def test_what_drives_a_switch_and_a_decay() -> None:
    """Evidence of the last choice raises the weight; free trials lower it, as exp(-decay n)."""
    theta = people(20, **HABIT, stay_plan=0.9, stay_habit=0.8)
    data = mc.simulate(SWITCHING, OTTO_2013, theta.reset_index(), trials=200, seed=3)
    table = mc.drivers(SWITCHING, data, theta)
    assert table["driver"].unique().tolist() == ["choice_evidence"]
    assert table["mean"].is_monotonic_increasing
    assert np.ptp(table["mean"]) > 0.1
    model = FORWARD_HYBRID_DECAYING
    theta = people(3, alpha_habit=0.3, alpha_plan=0.3, beta=3.0, p=0.0, w=0.9, decay=1.0)
    data = mc.simulate(model, DAW_2011, theta.reset_index(), trials=200, seed=4)
    table = mc.drivers(model, data, theta)
    assert table["driver"].unique().tolist() == ["free_trials"]
    expected = 0.9 * np.exp(-table["value"].astype(float) / 100)
    np.testing.assert_allclose(table["mean"], expected, atol=0.03)
