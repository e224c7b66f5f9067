"""Figures of fits: what they draw, and files at journal size with text as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from full_disk import full_disk
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection

import metacontrol as mc
from metacontrol.analysis.weight import people_by_condition


@pytest.fixture(scope="module")
def true() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 10
    return pd.DataFrame(
        {
            "alpha1": 0.5,
            "alpha2": rng.uniform(0.3, 0.7, n),
            "beta1": rng.uniform(3, 6, n),
            "beta2": 3.0,
            "lam": 0.6,
            "p": 0.1,
            "w_Intercept": rng.normal(1, 0.5, n),
            "w_load": -2.0,
        }
    )


@pytest.fixture(scope="module")
def data(true: pd.DataFrame) -> mc.Choices:
    return mc.simulate(mc.models.HYBRID, mc.tasks.OTTO_2013, true, trials=100, seed=1)


@pytest.fixture(scope="module")
def fit(data: mc.Choices) -> mc.Fit:
    return mc.fit(
        mc.models.HYBRID, data, formulas={"w": "1 + load"}, seed=1, chains=2, draws=100, tune=150
    )


@pytest.fixture
def ax() -> Iterator[Axes]:
    with mc.style():
        figure, (ax,) = mc.panels()
        yield ax
    plt.close(figure)


def test_weight_by_condition_follows_from_the_coefficients(fit: mc.Fit) -> None:
    posterior = fit.tree["posterior"].to_dataset()
    intercept = posterior["w_Intercept_mean"].to_numpy().ravel()
    slope = posterior["w_load_mean"].to_numpy().ravel()
    expected = 1 / (1 + np.exp(-(intercept + slope)))
    draws = mc.weight_draws(fit)
    loaded = draws.loc[draws["load"] == 1, "weight"]
    assert sorted(loaded) == pytest.approx(sorted(expected))
    table = mc.weight_by_condition(fit).set_index("load")
    assert table.loc[1, "mean"] == pytest.approx(expected.mean())
    assert table.loc[1, "upper"] == pytest.approx(np.quantile(expected, 0.975))


def test_participants_weights_follow_from_their_coefficients(fit: mc.Fit) -> None:
    posterior = fit.tree["posterior"].to_dataset().sel(participant="s4")
    expected = 1 / (1 + np.exp(-posterior["w_Intercept"].to_numpy()))
    table = mc.participant_weights(fit).set_index(["participant", "load"])
    assert table.loc[("s4", 0), "weight"] == pytest.approx(expected.mean())


def test_what_is_said_of_people_is_taken_in_each_draw(fit: mc.Fit) -> None:
    posterior = fit.tree["posterior"].to_dataset().stack(sample=("chain", "draw"))
    odds = posterior["w_Intercept"] + posterior["w_load"]  # participants x draws
    loaded = 1 / (1 + np.exp(-odds.transpose("participant", "sample").to_numpy()))
    row = people_by_condition(fit).set_index("load").loc[1]
    assert row["mean"] == pytest.approx(loaded.mean())
    ends = np.quantile(loaded.mean(axis=0), [0.025, 0.975])
    assert row[["lower", "upper"]].tolist() == pytest.approx(ends.tolist())
    quartiles = [np.quantile(draw, 0.75) for draw in loaded.T]
    assert row["q75"] == pytest.approx(np.mean(quartiles))
    assert row["q75"] > np.quantile(loaded.mean(axis=1), 0.75)  # means have shrunk together


def test_people_are_of_their_own_group_and_age(data: mc.Choices, ax: Axes) -> None:
    """By hand from their coefficients; ten ages are no conditions of people."""
    number = data.frame["participant"].str[1:].astype(int)
    frame = data.frame.assign(age=number / 10, group=np.where(number % 2, "odd", "even"))
    known, few = mc.Choices(frame, data.task), {"importance": 50, "draws": 20, "chains": 1}
    formulas = {"w": "load * C(group) + scale(age)"}
    fit = mc.fit(mc.models.HYBRID, known, method="em", formulas=formulas, seed=1, **few)  # type: ignore[arg-type]
    people = mc.participant_weights(fit)
    assert len(people) == 20
    of_one = people[people["participant"] == "s3"]
    assert of_one[["age", "group"]].drop_duplicates().to_numpy().tolist() == [[0.3, "odd"]]
    own = fit.tree["posterior"].to_dataset().sel(participant="s3")
    ages = frame["age"]
    odds = (
        own["w_Intercept"]
        + own["w_load"]
        + own["w_C(group)[T.odd]"]
        + own["w_load:C(group)[T.odd]"]
        + own["w_scale(age)"] * (0.3 - ages.mean()) / ages.std()
    )
    loaded = of_one.set_index("load").loc[1, "weight"]
    assert loaded == pytest.approx((1 / (1 + np.exp(-odds))).mean().item())
    table = people_by_condition(fit)
    cells = [["even", 0], ["even", 1], ["odd", 0], ["odd", 1]]
    assert table[["group", "load"]].to_numpy().tolist() == cells
    of_odd = people[(people["group"] == "odd") & (people["load"] == 1)]["weight"]
    assert table["mean"].iloc[-1] == pytest.approx(of_odd.mean())
    mc.plot_participant_weights(people, ax)
    assert [t.get_text() for t in ax.get_yticklabels()][-1] == "odd, load 1"


def test_separate_weights_have_a_share(data: mc.Choices) -> None:
    fit = mc.fit(mc.models.SEPARATE_WEIGHTS, data, method="map", starts=2, seed=1)
    table = mc.participant_weights(fit).set_index("participant")
    row = fit.parameters.loc["s2"]
    share = row["beta_mb"] / (row["beta_mb"] + row["beta_mf"])
    assert table.loc["s2", "weight"] == pytest.approx(share)
    with pytest.raises(ValueError, match="posterior draws need a fit by nuts"):
        mc.weight_draws(fit)


def test_weight_figures_draw_every_participant(fit: mc.Fit, ax: Axes) -> None:
    people = mc.participant_weights(fit)
    mc.plot_weight_by_condition(mc.weight_draws(fit), ax, people)
    dots = np.concatenate(
        [
            np.asarray(c.get_offsets())[:, 1]
            for c in ax.collections
            if hasattr(c, "get_sizes") and len(np.asarray(c.get_offsets())) == 10
        ]
    )
    assert sorted(dots) == pytest.approx(sorted(people["weight"]))
    assert [t.get_text() for t in ax.get_xticklabels()] == ["load 0", "load 1"]


@pytest.mark.parametrize("plotted", ["posterior", "people"])
@pytest.mark.parametrize(
    ("ages", "groups", "last"),
    [
        ((20, 30), ("old", "young"), "age 30, young"),
        ((19.7333, 24.0, 33.41), "abcd", "age 33.4, d"),
    ],
)
def test_many_conditions_are_rows(
    ages: Sequence[float], groups: Sequence[str], last: str, plotted: str, ax: Axes
) -> None:
    """Four conditions, and twelve: each is a row with its label, which covers no other."""
    cells = [(age, group) for age in ages for group in groups]
    table = pd.DataFrame(
        {
            "participant": who,
            "age": age,
            "group": group,
            "weight": (i + 1 + 0.3 * person) / (len(cells) + 1),
        }
        for i, (age, group) in enumerate(cells)
        for person, who in enumerate(["s1", "s2", "s3"])
    )
    if plotted == "people":
        mc.plot_participant_weights(table, ax)
    else:
        mc.plot_weight_by_condition(table.drop(columns="participant"), ax, table)
    plt.gcf().draw_without_rendering()
    labels = ax.get_yticklabels()
    assert len(labels) == len(cells)
    assert (labels[-1].get_text(), ax.get_legend()) == (last, None)
    boxes = [label.get_window_extent() for label in labels]  # from top to bottom
    assert all(above.y0 >= below.y1 for above, below in pairwise(boxes))
    dots = [np.asarray(c.get_offsets()) for c in ax.collections if isinstance(c, PathCollection)]
    assert [np.round(own[:, 1]).tolist() for own in dots] == [[i] * 3 for i in range(len(cells))]
    seen = np.concatenate(dots)[:, 0]
    assert sorted(seen) == pytest.approx(sorted(table["weight"]))


def test_predictive_check_brackets_data_from_the_model(fit: mc.Fit, data: mc.Choices) -> None:
    table = mc.predictive_stay(fit, data, draws=40, seed=1)
    observed = mc.stay_probabilities(data)
    assert table["observed"].tolist() == observed["stay"].tolist()
    inside = table["observed"].between(table["lower"] - 0.03, table["upper"] + 0.03)
    assert inside.all()
    again = mc.predictive_stay(fit, data, draws=40, seed=1)
    pd.testing.assert_frame_equal(table, again)


def test_recovery_by_hand(data: mc.Choices, true: pd.DataFrame, ax: Axes) -> None:
    fit = mc.fit(mc.models.HYBRID, data, method="map", formulas={"w": "1 + load"}, starts=2, seed=1)
    table = mc.recovery_table(true, fit)
    error = fit.parameters["beta1"].to_numpy() - true["beta1"].to_numpy()
    assert table.loc["beta1", "bias"] == pytest.approx(error.mean())
    assert table.loc["beta1", "rmse"] == pytest.approx(np.sqrt((error**2).mean()))
    assert np.isnan(table.loc["beta2", "r"])  # the truth does not vary
    mc.plot_recovery(true, fit, "beta1", ax)
    (dots,) = ax.collections
    np.testing.assert_allclose(np.asarray(dots.get_offsets())[:, 0], true["beta1"])
    r = table.loc["beta1", "r"]
    low, high = np.tanh(np.arctanh(r) - 1.96 / 7**0.5), np.tanh(np.arctanh(r) + 1.96 / 7**0.5)
    assert ax.get_title(loc="right") == f"r = {r:.2f}\n({low:.2f} to {high:.2f})"
    with pytest.raises(ValueError, match="9 true rows, but 10 participants"):
        mc.recovery_table(true.iloc[1:], fit)
    with pytest.raises(ValueError, match="omega is not in both"):
        mc.plot_recovery(true, fit, "omega", ax)


def test_files_have_journal_size_and_keep_text(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    with mc.style():
        figure, axes = mc.panels(1, 2)
        for ax in axes:
            ax.set_xlabel("Weight of planning")
        paths = mc.save_figure(figure, tmp_path / "figure")
        plt.close(figure)
    assert dict(mpl.rcParams) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "figure.pdf",
        "figure.png",
        "figure.svg",
    ]
    svg = (tmp_path / "figure.svg").read_text()
    assert "Weight of planning" in svg  # text, not outlines
    assert b"FontFile2" in (tmp_path / "figure.pdf").read_bytes()  # TrueType, embedded
    width = plt.imread(paths[2]).shape[1]
    assert width / 300 * 2.54 == pytest.approx(17.8, abs=0.05)
    with pytest.raises(OSError, match="there is no folder"):
        mc.save_figure(figure, tmp_path / "no" / "figure")


@pytest.mark.parametrize("suffix", ["pdf", "svg", "png"])
def test_a_figure_that_finds_the_disk_full_is_named(suffix: str, tmp_path: Path) -> None:
    figure, _ = mc.panels()
    name = rf"cannot write {tmp_path}/figure.{suffix}: File too large"
    with full_disk(), pytest.raises(OSError, match=name):
        mc.save_figure(figure, tmp_path / "figure", (suffix,))
    plt.close(figure)
    assert not list(tmp_path.iterdir())


def test_latents_of_a_posterior_have_intervals(fit: mc.Fit, data: mc.Choices) -> None:
    seen = mc.latents(fit.model, data, fit, draws=20)
    each = [mc.latents(fit.model, data, t, fit.formulas) for t in fit.parameter_draws(20)]
    for name in ("weight", "second_reward_prediction_error", "log_probability_first_choice"):
        all_draws = np.stack([table[name] for table in each])
        np.testing.assert_allclose(seen[name], all_draws.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(seen[f"{name}_upper"], np.quantile(all_draws, 0.975, axis=0))
    assert (seen["weight_lower"] < seen["weight"]).all()
    with pytest.raises(ValueError, match="has 200 draws, 201 were asked for"):
        fit.parameter_draws(201)


def test_course_is_the_mean_over_people(ax: Axes) -> None:
    """Weights .2, .4, .9 and .4, .6: means .5, .5; sems .2082 and .1."""
    seen = pd.DataFrame(
        {
            "participant": ["a", "b", "c", "a", "b", "c"],
            "trial": [1, 1, 1, 2, 2, 2],
            "weight": [0.2, 0.4, 0.9, 0.4, 0.6, np.nan],
            "group": ["x"] * 6,
        }
    )
    table = mc.course(seen, by=["group"])
    assert table["mean"].tolist() == pytest.approx([0.5, 0.5])
    assert table["upper"].tolist() == pytest.approx(
        [0.5 + 1.96 * 0.20817, 0.5 + 1.96 * 0.1], abs=1e-4
    )
    assert table["participants"].tolist() == [3, 2]
    mc.plot_course(table, ax)
    np.testing.assert_allclose(np.asarray(ax.lines[0].get_ydata()), [0.5, 0.5])
    with pytest.raises(ValueError, match="no column depth; there are: participant"):
        mc.course(seen, "depth")
