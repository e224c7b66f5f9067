"""Which model: sums and differences, and random effects against exact values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate
from scipy.special import logsumexp

import metacontrol as mc
from metacontrol.fitting.random_effects import exceedance_of, frequencies
from metacontrol.models import HYBRID, MODEL_BASED, MODEL_FREE
from metacontrol.tasks import DAW_2011

PAIR = (MODEL_FREE, MODEL_BASED)


def evidence(values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(values, columns=[f"m{k + 1}" for k in range(values.shape[1])])


@pytest.fixture(scope="module")
def fits() -> list[mc.Fit]:
    people = mc.draw_participants(MODEL_BASED, 12, seed=1)
    data = mc.simulate(MODEL_BASED, DAW_2011, people, trials=150, seed=1)
    return [mc.fit(model, data, method="mle", seed=1, starts=4) for model in (*PAIR, HYBRID)]


def test_sums_and_differences(fits: list[mc.Fit]) -> None:
    table = mc.compare(fits).set_index("model")
    assert table.index[0] == "model-based"
    assert table["bic"].is_monotonic_increasing
    assert table["parameters"].to_dict() == {"model-based": 4, "model-free": 6, "hybrid": 7}
    for fit in fits:
        row, scores = table.loc[fit.model.name], fit.scores
        total = scores["log_likelihood"].sum()
        penalty = row["parameters"] * np.log(scores["choices"]).sum()
        assert row["bic"] == pytest.approx(penalty - 2 * total)
        assert row["aic"] == pytest.approx(2 * 12 * row["parameters"] - 2 * total)
        assert row["bic_difference"] == pytest.approx(row["bic"] - table["bic"].min())
    for criterion in ("aic", "bic"):
        each = {fit.model.name: fit.scores[criterion] for fit in fits}
        wins = pd.DataFrame(each).idxmin(axis=1).value_counts()
        for model, count in table[f"best_by_{criterion}"].items():
            assert count == wins.get(model, 0)


def test_evidence_is_half_a_criterion(fits: list[mc.Fit]) -> None:
    found = mc.log_evidence(fits)
    assert list(found) == ["model-free", "model-based", "hybrid"]
    np.testing.assert_allclose(found["hybrid"], -fits[2].scores["bic"] / 2)
    np.testing.assert_allclose(mc.log_evidence(fits, "aic")["hybrid"], -fits[2].scores["aic"] / 2)


def test_random_effects_where_another_package_is_wrong() -> None:
    """reference/inference.md, section 5: groupbmc 1.0 says (1/3, 1/3, 1/3)."""
    rng = np.random.default_rng(0)
    values = rng.normal(0, 2, (25, 3))
    values[:15, 0] += 3
    table = mc.random_effects(evidence(values)).set_index("model")
    np.testing.assert_allclose(table.loc[["m1", "m2", "m3"], "protected"], [0.956, 0.016, 0.028],
                               atol=0.002)  # fmt: skip


@pytest.mark.parametrize("shift", [0.0, 1.0, 3.0])
def test_free_energy_is_below_the_evidence_but_not_much(shift: float) -> None:
    """With two models the evidence is an integral over one frequency."""
    values = np.random.default_rng(2).normal(0, 1.5, (20, 2)) + [shift, 0.0]
    counts, bound = frequencies(values)
    top = values.max(axis=1, keepdims=True)
    relative = np.exp(values - top)

    def density(r: float) -> float:
        return float(np.prod(relative @ [r, 1 - r]))

    exact = np.log(integrate.quad(density, 0, 1)[0]) + top.sum()
    mean = integrate.quad(lambda r: r * density(r), 0, 1)[0] / integrate.quad(density, 0, 1)[0]
    assert exact - 0.7 < bound <= exact
    assert counts[0] / counts.sum() == pytest.approx(mean, abs=0.06)


def test_equal_evidence_says_nothing() -> None:
    table = mc.random_effects(evidence(np.zeros((30, 4))))
    np.testing.assert_allclose(table[["frequency", "exceedance", "protected"]], 0.25, atol=1e-6)
    assert (table["bor"] > 0.9).all()


def test_exceedance_is_the_share_of_draws() -> None:
    alpha = np.array([3.0, 6.5, 7.0, 1.0])
    draws = np.random.default_rng(1).dirichlet(alpha, 200_000).argmax(axis=1)
    np.testing.assert_allclose(exceedance_of(alpha), np.bincount(draws) / 200_000, atol=0.005)


def test_exceedance_as_another_package_prints_it() -> None:
    """The worked example of bmsR, a translation of SPM 12: its alpha, and xp of a million draws."""
    alpha = np.array([1.043623, 1.064976, 1.720754, 11.835847, 1.290641, 1.044160])
    printed = [0.000279, 0.000319, 0.001173, 0.997441, 0.000514, 0.000274]
    np.testing.assert_allclose(exceedance_of(alpha), printed, atol=1e-4)


def test_families_have_equal_chances_whatever_their_sizes() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(0, 1, (20, 4))
    families = {"m1": "a", "m2": "b", "m3": "b", "m4": "b"}
    nothing = mc.random_effects(evidence(np.zeros((20, 4))), families).set_index("family")
    np.testing.assert_allclose(nothing["frequency"], 0.5, atol=1e-6)
    one_each = {f"m{k}": f"f{k}" for k in range(1, 5)}
    alone = mc.random_effects(evidence(values), one_each)
    models = mc.random_effects(evidence(values))
    np.testing.assert_allclose(alone["frequency"], models["frequency"], rtol=1e-12)
    values[:, 1:] += 2
    assert mc.random_effects(evidence(values), families)["family"][0] == "b"


def test_the_risk_that_all_are_equal() -> None:
    values = np.random.default_rng(4).normal(0, 1, (5, 3))
    _, bound = frequencies(values)
    equal = logsumexp(values - np.log(3), axis=1).sum()
    assert mc.random_effects(evidence(values))["bor"][0] == pytest.approx(
        1 / (1 + np.exp(bound - equal))
    )


def test_what_cannot_be_compared(fits: list[mc.Fit]) -> None:
    with pytest.raises(ValueError, match="two fits or more are compared, got 1"):
        mc.compare(fits[:1])
    with pytest.raises(ValueError, match="the same name"):
        mc.compare([fits[0], fits[0]])
    fewer = mc.simulate(MODEL_FREE, DAW_2011, mc.draw_participants(MODEL_FREE, 3, seed=1), seed=1)
    other = mc.fit(MODEL_FREE, fewer, method="mle", seed=1, starts=1)
    with pytest.raises(ValueError, match="other and model-based are not of the same choices"):
        mc.compare({"model-based": fits[1], "other": other})
    with pytest.raises(ValueError, match="one of aic, bic, laplace, importance, got 'waic'"):
        mc.log_evidence(fits, "waic")
    with pytest.raises(ValueError, match="finite number"):
        mc.random_effects(evidence(np.array([[0.0, np.nan]])))
    with pytest.raises(ValueError, match="no family is given for m2"):
        mc.random_effects(evidence(np.zeros((3, 2))), {"m1": "a"})
    with pytest.raises(ValueError, match="two families or more are compared, got a only"):
        mc.random_effects(evidence(np.zeros((3, 2))), {"m1": "a", "m2": "a"})
