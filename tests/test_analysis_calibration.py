"""Calibration: bands that hold, mistakes that are caught, and one compilation."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats
from scipy.stats import binom, norm

import metacontrol as mc
from metacontrol.analysis import calibration
from metacontrol.analysis.calibration import _null, _worst_tail
from metacontrol.fitting import prior_fits, sampling
from metacontrol.models import HYBRID, MODEL_FREE
from metacontrol.tasks import DAW_2011, OTTO_2013

SMALL = MODEL_FREE.fix(alpha2="alpha1", beta2="beta1", lam=1.0, p=0.0)
SETTING: dict[str, Any] = {
    "participants": 8,
    "trials": 60,
    "draws": 200,
    "tune": 200,
    "ranks": 20,
    "seed": 1,
}


def table_of(pits: dict[str, np.ndarray], ranks: int = 20) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "simulation": np.arange(len(pit)) + 1,
                "quantity": name,
                "rank": (pit * ranks).astype(int),
                "ranks": ranks,
                "ess": 100.0,
            }
        )
        for name, pit in pits.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_the_worst_place_of_an_ecdf_by_hand() -> None:
    """Three ranks of 0, 1, 2, 3: all are 0. Under the first step all three lie: p = (1/4)^3."""
    assert _worst_tail(np.array([[0, 0, 0]]), 4)[0] == pytest.approx(1 / 64)
    # Ranks 0, 1, 3: 1 of 3 under 1/4, 2 of 3 under 1/2, 2 of 3 under 3/4.
    at = [0.25, 0.5, 0.75]
    tails = [
        min(binom.cdf(k, 3, p), binom.sf(k - 1, 3, p)) for k, p in zip((1, 2, 2), at, strict=True)
    ]
    assert _worst_tail(np.array([[0, 1, 3]]), 4)[0] == pytest.approx(min(tails))


def test_alarms_are_as_rare_as_they_should_be() -> None:
    """Of 400 uniform sets 5 % leave a 95 % band: 20, with a standard error of 4.4."""
    ranks = np.random.default_rng(5).integers(20, size=(400, 50))
    limit = np.quantile(_null(50, 20), 0.05)
    assert 7 <= (_worst_tail(ranks, 20) < limit).sum() <= 34


def test_what_is_wrong_is_said() -> None:
    rng = np.random.default_rng(1)
    even = rng.uniform(size=200)
    found = mc.sbc_verdict(
        table_of(
            {
                "fine": even,
                "low": np.sqrt(even),
                "high": even**2,
                "narrow": rng.beta(0.5, 0.5, 200),
                "wide": rng.beta(3, 3, 200),
            }
        )
    ).set_index("quantity")
    assert found["verdict"].to_dict() == {
        "fine": "as it should be",
        "low": "posterior too low",
        "high": "posterior too high",
        "narrow": "posterior too narrow",
        "wide": "posterior too wide",
    }
    assert (found["p_all"] >= found["p"]).all()


def test_the_figure_names_what_leaves_the_band() -> None:
    even = (np.arange(100) + 0.5) / 100
    table = table_of({"w_mean": even, "w_sd": even**2})
    with mc.style():
        figure, (ax,) = mc.panels()
        mc.plot_sbc(table, ax)
    (named,) = ax.get_legend_handles_labels()[1]
    assert named == "w_sd: too high"
    assert "w_sd: posterior too high" in mc.sbc_sentence(table)
    assert "w_mean" not in mc.sbc_sentence(table)
    plt.close(figure)


@pytest.mark.parametrize("level", [0.05, 0.5])
def test_lines_leave_the_band_where_the_verdict_is_wrong(level: float) -> None:
    """Thirty quantities, of which some are a little shifted: by Holm more would be wrong."""
    rng = np.random.default_rng(3)
    pits = {f"q{i}": rng.uniform(size=60) ** (1 + i / 20) for i in range(30)}
    table = table_of(pits)
    verdict = mc.sbc_verdict(table, level).set_index("quantity")
    with mc.style():
        figure, (ax,) = mc.panels()
        mc.plot_sbc(table, ax, level)
    (band,) = ax.collections
    corners = np.asarray(band.get_paths()[0].vertices, float)
    for line, name in zip(ax.get_lines(), verdict.index[::-1], strict=False):
        at, y = (np.asarray(v, float)[1:-1] for v in line.get_data())
        edges = [corners[np.isclose(corners[:, 0], x), 1] for x in at]
        low, high = np.array([[e.min(), e.max()] for e in edges]).T
        left = bool(((y < low - 1e-9) | (y > high + 1e-9)).any())
        assert left == (verdict.loc[name, "verdict"] != "as it should be"), name
    wrong = verdict["p"] * 30 <= level
    assert (verdict["verdict"] != "as it should be").equals(wrong)
    assert 0 < wrong.sum() < 30
    plt.close(figure)


def test_sampling_that_is_too_short_is_said() -> None:
    table = table_of({"w_mean": (np.arange(100) + 0.5) / 100})
    assert "raise draws" not in mc.sbc_sentence(table)
    assert "raise draws" in mc.sbc_sentence(table.assign(ess=5.0))


def test_it_is_said_what_so_many_groups_would_show() -> None:
    """Four in five of a shift as large as that are found, give or take chance."""

    def said(count: int) -> str:
        even = (np.arange(count) + 0.5) / count
        return mc.sbc_sentence(table_of({f"q{i}": even for i in range(10)}))

    assert "so few show nothing, however wrong it is: raise simulations" in said(2)
    shifts = [float(said(n).split("that lies ")[1].split()[0]) for n in (10, 100)]
    assert shifts[0] > 1 > shifts[1]
    rng = np.random.default_rng(5)
    found = []
    for _ in range(100):
        pits = {f"q{i}": rng.uniform(size=100) for i in range(9)}
        pits["q9"] = norm.cdf(rng.standard_normal(100) + shifts[1])
        verdict = mc.sbc_verdict(table_of(pits)).set_index("quantity")["verdict"]
        found.append(verdict["q9"] == "posterior too low")
    assert 0.65 < np.mean(found) < 0.95


def test_groups_come_from_the_priors_that_fit_uses() -> None:
    """Means and sds as drawn, people around them, and choices that follow their own truth."""
    groups = list(
        prior_fits.play_from_priors(
            HYBRID,
            OTTO_2013,
            participants=200,
            simulations=40,
            trials=2,
            formulas={"w": "1 + load"},
            priors={"w_load_mean": mc.Prior("normal", 3.0, 0.1)},
            seed=1,
        )
    )
    slopes = np.array([float(group.true["w_load_mean"]) for group in groups])
    assert slopes.mean() == pytest.approx(3.0, abs=0.07)  # 4 standard errors
    assert slopes.std() == pytest.approx(0.1, abs=0.045)
    for group in groups:
        true = group.true
        alpha = true["alpha1"]
        z = (np.log(alpha / (1 - alpha)) - true["alpha1_mean"]) / true["alpha1_sd"]
        assert abs(float(z.mean())) < 0.3
        assert float(z.std()) == pytest.approx(1, abs=0.2)
        slope = (true["w_load"] - true["w_load_mean"]) / true["w_load_sd"]
        assert float(slope.std()) == pytest.approx(1, abs=0.2)
        assert len(group.data) == 400
        assert group.data.participants == list(true["participant"].to_numpy())


@pytest.mark.parametrize(("draws", "ranks"), [(20, 41), (60, 100)])
def test_ranks_are_as_many_as_there_are_draws_for(
    draws: int, ranks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(1)
    truth = xr.Dataset({"w_mean": 9.0})
    posterior = xr.Dataset({"w_mean": (("chain", "draw"), rng.normal(size=(2, draws)))})
    sampled = xr.Dataset({"diverging": (("chain", "draw"), np.zeros((2, draws)))})
    tree = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": sampled})
    monkeypatch.setattr(calibration, "fit_from_priors", lambda *_, **__: [(truth, tree)])
    (row,) = mc.sbc(SMALL, DAW_2011, draws=draws, chains=2, seed=1).to_dict("records")
    assert row["ranks"] == ranks
    assert row["rank"] == ranks - 1  # above all of them


def test_people_of_groups_correlate_as_the_prior_has_it() -> None:
    """LKJ(2) of n = 3: (r + 1) / 2 is Beta(2.5, 2.5), so r has variance 1/6, and people follow."""
    groups = prior_fits.play_from_priors(
        SMALL, OTTO_2013, participants=100, simulations=2000, trials=10, seed=1,
        formulas={"alpha1": "1 + load"}, correlated=True,
    )  # fmt: skip
    truth = groups.truths
    names = ["alpha1_Intercept", "alpha1_load", "beta1"]
    assert truth["parameter_a"].to_numpy().tolist() == names
    drawn = truth["correlation"].transpose("simulation", ...).to_numpy()
    pairs = drawn[:, *np.triu_indices(3, 1)]
    share = stats.kstest((pairs + 1) / 2, stats.beta(2.5, 2.5).cdf)
    assert share.pvalue.min() > 0.001
    np.testing.assert_allclose(pairs.mean(axis=0), 0, atol=4 * (1 / 6 / 2000) ** 0.5)
    np.testing.assert_allclose(pairs.var(axis=0), 1 / 6, rtol=4 * 0.026)  # kurtosis 2.4
    people = truth.assign(beta1=np.log(truth["beta1"]))
    seen = [xr.corr(people[a], people[b], "participant") for a, b in combinations(names, 2)]
    error = (np.stack(seen, axis=1) - pairs) / (1 - pairs**2)  # sd 1 / 10 each, over people
    np.testing.assert_allclose(error.std(axis=0), 0.1, rtol=0.1)
    np.testing.assert_allclose(error.mean(axis=0), 0, atol=4 * 0.1 / 2000**0.5)


def test_correlations_are_ranked_by_their_names() -> None:
    """In the order of coefficients, whichever was named first."""
    setting: dict[str, Any] = {"participants": 4, "trials": 10, "simulations": 2, "seed": 1}
    setting |= {"draws": 20, "tune": 20, "chains": 1, "progress": False}
    model = MODEL_FREE.fix(alpha2="alpha1", beta2="beta1", lam=1.0)
    table = mc.sbc(model, DAW_2011, correlated=["p", "alpha1"], **setting)
    ranked = table[table["quantity"].str.startswith("corr")]
    assert ranked["quantity"].tolist() == ["correlation alpha1, p"] * 2
    assert ranked["true"].between(-1, 1).all()
    assert ranked["rank"].between(0, 20).all()
    with pytest.raises(ValueError, match="correlated must name two or more of alpha1, beta1; got"):
        mc.sbc(SMALL, DAW_2011, correlated=["alpha1", "p"], **setting)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (
            {"sessions": "visit"},
            "sbc does not take sessions; its options are: formulas, priors, sc",
        ),
        ({"foo": 1, "trial": 2}, "sbc does not take foo, trial; its options are"),
    ],
)
def test_options_that_sbc_does_not_take(option: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        mc.sbc(SMALL, DAW_2011, seed=1, **option)


def test_options_that_others_do_not_take() -> None:
    with pytest.raises(TypeError, match="prior_predictive does not take draws; .*: trials, form"):
        mc.prior_predictive(SMALL, DAW_2011, mc.analysis.staying, draws=30, seed=1)
    with pytest.raises(TypeError, match="recovery_by_design does not take correlated; "):
        mc.recovery_by_design(SMALL, DAW_2011, correlated=True, seed=1)
    with pytest.raises(TypeError, match="design does not take priors; its options are: draws"):
        mc.design(SMALL, OTTO_2013, parameter="p", column="load", effect=1, priors={}, seed=1)


def test_too_few_draws_for_the_ranks() -> None:
    with pytest.raises(ValueError, match="ranks must be from 2 to 41 with 40 draws, got 50"):
        mc.sbc(SMALL, DAW_2011, draws=20, chains=2, ranks=50, seed=1)
    with pytest.raises(ValueError, match="simulations must be 1 or more, got 0"):
        mc.sbc(SMALL, DAW_2011, simulations=0, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("correlated", [False, True])
def test_a_right_fit_passes_compiled_once(
    correlated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = []

    def counted(model: Any) -> Any:
        times.append(model)
        return sampling.compiled(model)

    monkeypatch.setattr(prior_fits, "compiled", counted)
    table = mc.sbc(SMALL, DAW_2011, simulations=20, correlated=correlated, **SETTING)
    assert len(times) == 1
    assert table.groupby("quantity").size().eq(20).all()
    verdict = mc.sbc_verdict(table)
    assert (verdict["verdict"] == "as it should be").all(), verdict
    assert set(verdict["quantity"]) >= {"alpha1_mean", "beta1_sd", "average alpha1"}
    assert ("correlation alpha1, beta1" in set(verdict["quantity"])) == correlated


@pytest.mark.slow
def test_wrong_fits_are_caught() -> None:
    """Another prior of learning rates; and a likelihood that perseverates, without eligibility."""
    wrong = {"alpha1_mean": mc.Prior("normal", 2.0, 0.5)}
    table = mc.sbc(SMALL, DAW_2011, simulations=10, fitted_priors=wrong, **SETTING)
    found = mc.sbc_verdict(table).set_index("quantity")
    assert found.loc["alpha1_mean", "verdict"] == "posterior too high"
    deaf = HYBRID.fix(alpha2="alpha1", beta2="beta1", lam=0.0, p=3.0, w=0.0)
    table = mc.sbc(SMALL, DAW_2011, simulations=8, fitted=deaf, **SETTING)
    assert mc.sbc_verdict(table)["p_all"].min() < 0.05
