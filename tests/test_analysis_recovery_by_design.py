"""Recovery by design: what is measured, by hand; and what the figure shows."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

import metacontrol as mc
from metacontrol.analysis.recovery_by_design import MEASURES, _beforehand, _measures
from metacontrol.models import MODEL_BASED, MODEL_FREE
from metacontrol.tasks import DAW_2011, OTTO_2013

SMALL = MODEL_FREE.fix(alpha2="alpha1", beta2="beta1", lam=1.0, p=0.0)


def test_measures_by_hand() -> None:
    """True 0, 2, 4; recovered 1, 2, 6; posterior variance 2/3, a quarter of the prior's 8/3."""
    true, mean = np.array([0.0, 2, 4]), np.array([1.0, 2, 6])
    found = _measures(np.array([true, mean, np.full(3, 2 / 3), mean - 1, mean + 1]), 8 / 3)
    assert found["bias"] == pytest.approx(1)
    assert found["rmse"] == pytest.approx((5 / 3) ** 0.5)
    assert found["coverage"] == pytest.approx(2 / 3)
    assert found["contraction"] == pytest.approx(0.75)
    assert found["r"] == pytest.approx(np.corrcoef(true, mean)[0, 1])
    assert found["count"] == 3


def test_what_priors_say_by_hand() -> None:
    """Learning rates: mean N(0, 1.5), sd |N(0, 1)|, of which the mean square is 1."""
    formulas = {"p": "1 + load"}
    known = _beforehand(
        MODEL_FREE, OTTO_2013, participants=2, trials=4, seed=1, formulas=formulas,
        priors={"p_load_mean": mc.Prior("normal", 0.0, 3.0)}, schedule=None,
    )  # fmt: skip
    assert known["alpha1_mean"].variance == pytest.approx(1.5**2)
    assert known["alpha1_sd"].variance == pytest.approx(1 - 2 / np.pi)
    assert known["alpha1"].variance == pytest.approx(1.5**2 + 1)
    assert known["p_load"].variance == pytest.approx(3**2 + 0.5**2)
    assert [known[name].level for name in ("alpha1_sd", "alpha1")] == ["group", "participant"]
    values = np.array([0.1, 0.5, 0.99])
    np.testing.assert_allclose(known["alpha1"].on_link(values), logit(values), atol=1e-6)
    np.testing.assert_allclose(known["beta1"].on_link(1e4 * values), np.log(1e4 * values), 1e-6)
    np.testing.assert_allclose(known["p_load"].on_link(values), values)


def table() -> pd.DataFrame:
    cells = [(t, n) for t in (50, 100) for n in (10, 20)]
    return pd.DataFrame(
        [
            {"trials": t, "participants": n, "parameter": "w", "scale": "logit",
             "r": 0.4 + t / 1000 + n / 100, "bias": -n / 100, "rmse": 20 / t,
             "coverage": 0.9, "contraction": 0.3}
            for t, n in cells
        ]
    )  # fmt: skip


def test_the_figure_shows_a_line_for_each_number_of_people() -> None:
    with mc.style():
        figure = mc.plot_recovery_by_design(table(), ["w"])
    lines = figure.axes[0].get_lines()
    np.testing.assert_allclose(np.asarray(lines[0].get_ydata(), float), [0.55, 0.6])
    np.testing.assert_allclose(np.asarray(lines[1].get_ydata(), float), [0.65, 0.7])
    plt.close(figure)
    with pytest.raises(ValueError, match="no parameter v; there are: w"):
        mc.plot_recovery_by_design(table(), ["v"])


def test_the_figure_has_a_row_for_each_parameter_and_a_column_for_each_measure() -> None:
    both = pd.concat([table(), table().assign(parameter="p", scale="identity", rmse=0.8)])
    with mc.style():
        figure = mc.plot_recovery_by_design(both, ["w", "p"])
    grid = np.array(figure.axes).reshape(2, 5)
    titles = ["r", "Bias", "RMSE", "Coverage", "Contraction"]
    assert [ax.get_title() for ax in grid[0]] == titles
    assert [ax.get_ylabel() for ax in grid[:, 0]] == ["w\n(logit)", "p"]
    for measure, best, ax in zip(MEASURES, [1, 0, 0, 0.95, 1], grid[1], strict=True):
        *shown, wanted = (np.asarray(line.get_ydata(), float) for line in ax.get_lines())
        for size, line in zip((10, 20), shown, strict=True):
            part = both[(both["parameter"] == "p") & (both["participants"] == size)]
            np.testing.assert_array_equal(line, part[measure])
        np.testing.assert_array_equal(wanted, best)
    assert grid[1, 1].get_ylim() == pytest.approx((-0.88, 0.88))
    assert grid[1, 2].get_ylim() == pytest.approx((0, 0.88))
    shown_sizes = [text.get_text() for text in figure.legends[0].get_texts()]
    assert shown_sizes == ["10 participants", "20 participants"]
    plt.close(figure)


@pytest.mark.parametrize(
    ("method", "columns"),
    [("map", []), ("laplace", ["coverage"]), ("em", ["coverage", "contraction"])],
)
def test_coverage_is_there_where_intervals_are(method: Any, columns: list[str]) -> None:
    people = mc.draw_participants(MODEL_BASED, 10, seed=1)
    data = mc.simulate(MODEL_BASED, DAW_2011, people, trials=20, seed=1)
    fit = mc.fit(MODEL_BASED, data, method=method, seed=1, starts=1, draws=50, progress=False)
    found = mc.recovery_table(people, fit)
    assert list(found) == ["r", "bias", "rmse", *columns]
    figure, (ax,) = mc.panels()
    mc.plot_recovery(people, fit, "beta1", ax)
    assert len(ax.collections) == 1 + bool(columns)  # dots, and intervals
    plt.close(figure)
    if columns:
        true = people.set_index("participant")
        own = fit.participants.query("parameter == 'beta1'").set_index("participant")
        held = (own["lower"] <= true["beta1"]) & (true["beta1"] <= own["upper"])
        assert found.loc["beta1", "coverage"] == held.mean()
        assert held.mean() > 0.5


@pytest.mark.slow
def test_more_trials_say_more_of_people() -> None:
    """Over 24 people with one learning rate and one temperature each."""
    small = MODEL_FREE.fix(alpha2="alpha1", beta2="beta1", lam=1.0, p=0.0)
    found = mc.recovery_by_design(
        small, DAW_2011, participants=[8], trials=[20, 200], simulations=3, seed=1,
        draws=150, tune=200, chains=1,
    ).set_index(["trials", "parameter"])  # fmt: skip
    assert found.loc[(20, "beta1_mean"), "level"] == "group"
    assert found.loc[(20, "beta1"), "level"] == "participant"
    assert found.loc[(20, "beta1"), "count"] == 24
    few, many = found.loc[(20, "alpha1")], found.loc[(200, "alpha1")]
    assert (few["scale"], few["level"]) == ("logit", "participant")
    assert many["rmse"] < few["rmse"]
    assert many["contraction"] > few["contraction"]
    assert many["coverage"] > 0.7


def test_people_to_recover_have_the_coefficients_of_formulas() -> None:
    """As without a formula where load is 0; slopes around 0, as the priors expect of people."""
    plain = mc.draw_participants(SMALL, 300, seed=1)
    formulas = {"alpha1": "1 + load", "beta1": "0 + C(load)"}
    setting: dict[str, Any] = {"participants": 300, "trials": 4, "starts": 1, "seed": 1}
    true, fit = mc.recover(SMALL, OTTO_2013, formulas=formulas, **setting)
    assert list(true) == ["participant", *fit.parameters]
    np.testing.assert_allclose(true["alpha1_Intercept"], logit(plain["alpha1"]))
    slopes = true.filter(like="load")
    assert slopes.shape == (300, 3)
    sd = (2 / np.pi) ** 0.5 * 0.5
    np.testing.assert_allclose(slopes.mean(), 0, atol=4 * sd / 300**0.5)
    np.testing.assert_allclose(slopes.std(), sd, rtol=4 / 600**0.5)
    assert slopes.corr().abs().to_numpy()[np.triu_indices(3, 1)].max() < 0.25
    pd.testing.assert_frame_equal(mc.recover(SMALL, OTTO_2013, **setting)[0], plain)
