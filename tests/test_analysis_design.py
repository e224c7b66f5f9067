"""Before data: power at best and by fits of simulated experiments, and advice in words."""

from __future__ import annotations

import sys
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import metacontrol as mc
from metacontrol.analysis.design import needed, power
from metacontrol.models import HYBRID, HYBRID_KOOL
from metacontrol.tasks import DAW_2011, KOOL_2017_STOCHASTIC, OTTO_2013

SMALL = HYBRID.fix(alpha2="alpha1", beta2="beta1", lam=1.0, p=0.0)
LOAD: dict[str, Any] = {"parameter": "w", "column": "load"}


@pytest.mark.parametrize("size", [0.2, 0.6])
def test_power_is_the_share_of_experiments(size: float) -> None:
    """20,000 t-tests: standard error at most .0035."""
    values = np.random.default_rng(1).normal(size, 1, (20_000, 25))
    p = stats.ttest_1samp(values, 0, axis=1, alternative="greater").pvalue
    assert power(size, 25) == pytest.approx((p < 0.025).mean(), abs=0.014)


@pytest.mark.parametrize("size", [0.1, 0.25, 0.5, 1.2])
def test_needed_is_the_first_that_is_enough(size: float) -> None:
    count = int(needed(size))
    assert power(size, count) >= 0.8 > power(size, count - 1)


def test_nothing_is_enough_for_no_effect() -> None:
    assert np.isnan(needed(0.0))
    assert power(0.0, 40) == pytest.approx(0.025)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return mc.design(
        SMALL, OTTO_2013, **LOAD, effect=-3.0, participants=[10, 30], trials=[60, 240],
        pool=150, seed=1,
    )  # fmt: skip


def test_more_is_better(table: pd.DataFrame) -> None:
    cells = table.set_index(["trials", "participants"])
    assert cells.loc[(60, 30), "power"] > cells.loc[(60, 10), "power"]
    assert cells.loc[(240, 10), "power"] > cells.loc[(60, 10), "power"]
    assert cells.loc[(240, 10), "r"] > cells.loc[(60, 10), "r"] > 0.2
    assert (table["needed_lower"] <= table["needed"]).all()
    assert (table["needed"] <= table["needed_upper"]).all()


@pytest.mark.slow
def test_fits_by_nuts_see_less_than_the_power_at_best() -> None:
    """Of 16 groups: a share of .5 has a Monte Carlo error of .125."""
    found = mc.design(
        SMALL, OTTO_2013, **LOAD, effect=-2.5, medians={"w": 0.7, "beta1": 4.0},
        participants=[15], trials=[80], pool=300, simulations=16, draws=200, tune=200, seed=1,
    ).iloc[0]  # fmt: skip
    assert 0.1 < found["power_by_nuts"] <= found["power"] + 0.125
    share = found["power_by_nuts"]
    assert found["power_by_nuts_error"] == pytest.approx((share * (1 - share) / 16) ** 0.5)
    said = mc.design_sentence(found.to_frame().T)
    assert f"Fits by NUTS saw the effect in {share:.2f} of 15 with 80 trials" in said


def test_an_effect_may_be_told_on_the_natural_scale() -> None:
    """A weight that falls from .7 to .5: by log(7 / 3) log-odds."""
    found = mc.design(
        SMALL, OTTO_2013, **LOAD, effect=-0.2, scale="natural", medians={"w": 0.7},
        trials=[20], pool=20, seed=1,
    )  # fmt: skip
    same = mc.design(
        SMALL, OTTO_2013, **LOAD, effect=-np.log(7 / 3), medians={"w": 0.7},
        trials=[20], pool=20, seed=1,
    )  # fmt: skip
    np.testing.assert_allclose(found["power"], same["power"])
    np.testing.assert_allclose(found[["at_0", "at_1"]], [[0.7, 0.5]] * len(found))
    assert "goes from 0.70 where load is 0 to 0.50 where" in mc.design_sentence(found)


def test_an_effect_is_from_the_lowest_to_the_highest_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stakes of 1 and 5: a weight that rises from .5 to .7, by log(7 / 3) log-odds in all."""
    seen = []

    def simulated(*given: Any, **setting: Any) -> mc.Choices:
        seen.append((given[2], setting["formulas"]))
        return mc.simulate(*given, **setting)

    monkeypatch.setattr(sys.modules["metacontrol.analysis.design"], "simulate", simulated)
    stake: dict[str, Any] = {"parameter": "w", "trials": [30], "pool": 200, "seed": 1}
    found, same = (
        mc.design(
            HYBRID_KOOL.fix(lam=0.6, stimulus_stickiness=0.0, response_stickiness=0.0),
            KOOL_2017_STOCHASTIC, medians={"w": 0.5}, effect_sd=0.01, **effect, **stake,
        )
        for effect in (
            {"column": "stake", "effect": 0.2, "scale": "natural"},
            {"column": "I(2 * stake - 1)", "effect": np.log(7 / 3)},
        )
    )  # fmt: skip
    ends = found[["lowest", "highest", "at_0", "at_1"]].iloc[0]
    np.testing.assert_allclose(ends, [1, 5, 0.5, 0.7])
    np.testing.assert_allclose(found[["power", "r"]], same[["power", "r"]], rtol=1e-5)
    np.testing.assert_allclose(same[["lowest", "highest"]].iloc[0], [1, 9])
    said = mc.design_sentence(found)
    assert "goes from 0.50 where stake is 1 to 0.70 where it is 5 (by 0.85 on the scale" in said
    assert "by 0.21 for each unit of stake)" in said
    people, formulas = seen[0]
    assert formulas == {"w": "1 + I((stake - 1.0) * 0.25)"}
    assert people["w_Intercept"].median() == pytest.approx(0, abs=0.35)  # 4 standard errors
    gain = people["w_I((stake - 1.0) * 0.25)"]
    assert gain.mean() == pytest.approx(np.log(7 / 3), abs=0.01)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("C(stake)", r"'C\(stake\)' gives w_Intercept, w_C\(stake\)\[T.5.0\]"),
        ("stake + p_0_0", "a single column of numbers.* gives w_Intercept, w_stake, w_p_0_0"),
        ("0 + stake", "'0 \\+ stake' gives w_stake"),
        ("I(0 * stake)", "must have two values or more to have an effect, but .* it is 0 on all"),
        ("reward", "uses reward of the very trial"),
    ],
)
def test_columns_that_cannot_have_an_effect(column: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        mc.design(
            HYBRID_KOOL, KOOL_2017_STOCHASTIC, parameter="w", column=column, effect=1, pool=5,
            trials=[20], seed=1,
        )  # fmt: skip


def test_what_is_expected_of_the_median_person_matters() -> None:
    """Who chooses at random shows no effect, and no weight of their own."""
    found = {
        beta: mc.design(
            SMALL, OTTO_2013, **LOAD, effect=-3.0, medians={"beta1": beta},
            participants=[30], trials=[60], pool=150, seed=1,
        ).iloc[0]
        for beta in (0.1, 6.0)
    }  # fmt: skip
    assert found[6.0]["power"] > 3 * found[0.1]["power"]
    assert found[6.0]["r"] > found[0.1]["r"] + 0.2


def test_the_advice_in_words_and_figures(table: pd.DataFrame) -> None:
    said = mc.design_sentence(table)
    assert f"with 60 trials each about {table['needed'][0]:.0f} participants" in said
    assert "r of .7" in said
    with mc.style():
        figure, axes = mc.panels(1, 2)
        mc.plot_power(table, axes[0])
        mc.plot_design_recovery(table, axes[1])
    drawn = np.asarray(axes[0].get_lines()[0].get_xydata(), float)
    np.testing.assert_allclose(drawn, table.loc[:1, ["participants", "power"]])
    plt.close(figure)


def test_designs_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="participants must be 2 or more, got 1"):
        mc.design(SMALL, OTTO_2013, **LOAD, effect=-1, participants=[1], seed=1)
    with pytest.raises(ValueError, match="formula for w"):
        mc.design(SMALL, DAW_2011, **LOAD, effect=-1, pool=5, trials=[5], seed=1)
    for medians, said in (
        ({"w": 1.0}, "w of the median person: 1 is not between 0 and 1"),
        ({"lam": 0.5}, "lam is fixed in hybrid"),
        ({"v": 0.5}, "has no parameter 'v'"),
    ):
        with pytest.raises(ValueError, match=said):
            mc.design(SMALL, OTTO_2013, **LOAD, effect=-1, medians=medians, seed=1)
    with pytest.raises(ValueError, match="w of the median person: -0.3 is not"):
        mc.design(SMALL, OTTO_2013, **LOAD, effect=-0.8, scale="natural", seed=1)
    for nothing in (0.0, np.nan):
        with pytest.raises(ValueError, match="effect must be a number that is not 0"):
            mc.design(SMALL, OTTO_2013, **LOAD, effect=nothing, seed=1)
    with pytest.raises(ValueError, match="has no parameter 'v'"):
        mc.design(SMALL, OTTO_2013, parameter="v", column="load", effect=-1, seed=1)
