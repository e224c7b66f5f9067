"""Which model, by what fits hold: each method has its own comparison, or says it has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import metacontrol as mc
from metacontrol.models import MODEL_BASED, MODEL_FREE
from metacontrol.tasks import DAW_2011

MODELS = (MODEL_FREE.fix(beta2="beta1", alpha2="alpha1", lam=1.0), MODEL_BASED.fix(beta2="beta1"))
PLANS = "model-based"


@pytest.fixture(scope="module")
def data() -> mc.Choices:
    people = mc.draw_participants(MODEL_BASED, 8, seed=2).assign(beta1=4.0)
    return mc.simulate(MODEL_BASED, DAW_2011, people, trials=80, seed=2)


@pytest.fixture(scope="module")
def fits(data: mc.Choices) -> dict[str, dict[str, mc.Fit]]:
    few: dict[str, Any] = {"draws": 50, "chains": 2, "tune": 50, "starts": 1, "progress": False}
    return {
        method: {
            name: mc.fit(model, data, method=method, seed=1, **few)
            for name, model in zip(("model-free", PLANS), MODELS, strict=True)
        }
        for method in ("mle", "map", "laplace", "em", "em-laplace", "two-stage")
    }


def test_fits_by_laplace_are_compared_by_evidence(fits: dict[str, dict[str, mc.Fit]]) -> None:
    found = mc.log_evidence(fits["laplace"], "laplace")
    assert found[PLANS].equals(fits["laplace"][PLANS].scores["log_evidence"])
    table = mc.compare(fits["laplace"])
    assert list(table) == ["model", "parameters", "log_evidence", "difference", "best_for"]
    assert list(table["model"]) == [PLANS, "model-free"]
    assert list(table["parameters"]) == [3, 3]
    np.testing.assert_allclose(table["log_evidence"], found.sum()[table["model"]])
    assert table["difference"][1] == pytest.approx(found.sum()["model-free"] - found.sum()[PLANS])
    assert table["best_for"][0] == (found[PLANS] > found["model-free"]).sum()


@pytest.mark.parametrize("method", ["em", "em-laplace"])
def test_groups_are_compared_by_ibic(
    fits: dict[str, dict[str, mc.Fit]], data: mc.Choices, method: str
) -> None:
    table = mc.compare(fits[method])
    assert list(table) == ["model", "parameters", "log_evidence", "ibic", "ibic_difference"]
    assert list(table["parameters"]) == [6, 6]
    fit = fits[method][PLANS]
    penalty = 6 * np.log(fit.scores["choices"].sum())
    assert table["model"][0] == PLANS
    assert table["ibic"][0] == pytest.approx(penalty - 2 * fit.scores["log_evidence"].sum())
    assert table["ibic_difference"][0] == 0
    assert "elpd" in mc.compare(fits[method], data, leave="participant", seed=1)


def test_what_one_method_finds_is_not_compared_with_another(
    fits: dict[str, dict[str, mc.Fit]], data: mc.Choices
) -> None:
    for pair in (("mle", "map"), ("mle", "em"), ("em", "em-laplace"), ("laplace", "two-stage")):
        mixed = {method: fits[method][PLANS] for method in pair}
        with pytest.raises(ValueError, match=f"these are by {pair[0]} and {pair[1]}"):
            mc.compare(mixed)
        with pytest.raises(ValueError, match=f"these are by {pair[0]} and {pair[1]}"):
            mc.log_evidence(mixed)
    with pytest.raises(
        ValueError, match="fits by two-stage are compared by predictions: give data"
    ):
        mc.compare(fits["two-stage"])
    with pytest.raises(ValueError, match=r"given both data=\.\.\. and seed="):
        mc.compare(fits["em"], seed=1)
    of_groups = {method: fits[method][PLANS] for method in ("em", "two-stage")}
    with pytest.raises(ValueError, match="these are by em and two-stage"):
        mc.compare(of_groups, data, leave="participant", seed=1)
    predicted = {name: mc.loo(fit, data, seed=1) for name, fit in of_groups.items()}
    with pytest.raises(ValueError, match="these are by em and two-stage"):
        mc.compare(predicted)
    for asked in ({"data": data}, {"leave": "future"}, {"seed": 1}):
        with pytest.raises(ValueError, match="are for fits of a group, these are fits by mle"):
            mc.compare(fits["mle"], **asked)
    for method in ("laplace", "em"):
        with pytest.raises(
            ValueError, match=f"bic needs fits by mle or map, these are by {method}"
        ):
            mc.log_evidence(fits[method])
    with pytest.raises(ValueError, match="needs fits by laplace, these are by map"):
        mc.log_evidence(fits["map"], "laplace")
