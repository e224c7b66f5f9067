"""Each documented limit of a model is the simpler model."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from contracts import draw

from metacontrol.models import (
    GAGNE_2021,
    HBAYESDM_TS_PAR4,
    HBAYESDM_TS_PAR6,
    HBAYESDM_TS_PAR7,
    HYBRID,
    HYBRID_KOOL,
    LOGISTIC_WEIGHT,
    MODEL_BASED,
    MODEL_FREE,
    MULTIPLICATIVE_WEIGHT,
    SEPARATE_WEIGHTS,
    Model,
    log_likelihood,
    simulate,
)
from metacontrol.tasks import (
    DAW_2011,
    KOOL_2016_DETERMINISTIC,
    KOOL_2016_STOCHASTIC,
    OTTO_2013,
    Choices,
    TwoStep,
)

PEOPLE = 4


def table(model: Model, **set_to: float) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    drawn = pd.DataFrame({p.name: draw(p, PEOPLE, rng) for p in model.parameters})
    return drawn.assign(**set_to, participant=[f"s{i + 1}" for i in range(PEOPLE)])


@cache
def play(task: TwoStep) -> Choices:
    return simulate(HYBRID, task, table(HYBRID), trials=30, seed=3)


def assert_same(
    one: Model, at: pd.DataFrame, other: Model, there: pd.DataFrame, data: Choices
) -> None:
    pd.testing.assert_frame_equal(
        log_likelihood(one, data, at), log_likelihood(other, data, there), rtol=1e-12
    )


@pytest.mark.parametrize("task", [DAW_2011, KOOL_2016_DETERMINISTIC])
def test_hybrid_at_the_ends_of_w(task: TwoStep) -> None:
    data = play(task)
    assert_same(HYBRID, table(HYBRID, w=0.0), MODEL_FREE, table(HYBRID), data)
    assert_same(HYBRID, table(HYBRID, w=1.0), MODEL_BASED, table(HYBRID), data)


@pytest.mark.parametrize("task", [DAW_2011, KOOL_2016_DETERMINISTIC])
def test_separate_weights_are_the_hybrid_in_other_words(task: TwoStep) -> None:
    at = table(HYBRID)
    there = at.assign(
        beta_mb=at["beta1"] * at["w"], beta_mf=at["beta1"] * (1 - at["w"]), p=at["beta1"] * at["p"]
    )
    assert_same(HYBRID, at, SEPARATE_WEIGHTS, there, play(task))


def test_hybrids_of_daw_and_kool_agree_where_they_overlap() -> None:
    """One first state, transitions counted, no sides, one learning rate and temperature."""
    at = table(HYBRID_KOOL, response_stickiness=0.0)
    there = at.assign(
        alpha1=at["alpha"],
        alpha2=at["alpha"],
        beta1=at["beta"],
        beta2=at["beta"],
        p=at["stimulus_stickiness"],
    )
    assert_same(HYBRID_KOOL, at, HYBRID, there, play(DAW_2011))


def test_a_parameter_equal_to_another_is_that_other() -> None:
    at = table(HYBRID)
    tied = HYBRID.fix(alpha2="alpha1", beta2="beta1")
    there = at.assign(alpha2=at["alpha1"], beta2=at["beta1"])
    assert_same(tied, at.drop(columns=["alpha2", "beta2"]), HYBRID, there, play(DAW_2011))


def test_response_stickiness_fixed_at_a_value_has_that_value() -> None:
    at = table(HYBRID_KOOL, response_stickiness=0.7)
    fixed = HYBRID_KOOL.fix(response_stickiness=0.7)
    assert_same(fixed, at, HYBRID_KOOL, at, play(KOOL_2016_STOCHASTIC))


def test_response_stickiness_equal_to_another_parameter_has_its_value() -> None:
    at = table(HYBRID_KOOL)
    tied = HYBRID_KOOL.fix(response_stickiness="stimulus_stickiness")
    there = at.assign(response_stickiness=at["stimulus_stickiness"])
    assert_same(tied, at, HYBRID_KOOL, there, play(KOOL_2016_STOCHASTIC))


def test_hbayesdm_with_fewer_parameters() -> None:
    data = play(KOOL_2016_STOCHASTIC)
    seven = table(HBAYESDM_TS_PAR7, lam=1.0)
    assert_same(HBAYESDM_TS_PAR6, seven, HBAYESDM_TS_PAR7, seven, data)
    four = table(HBAYESDM_TS_PAR4)
    there = four.assign(
        alpha1=four["alpha"],
        alpha2=four["alpha"],
        beta1=four["beta"],
        beta2=four["beta"],
        lam=1.0,
    )
    assert_same(HBAYESDM_TS_PAR4, four, HBAYESDM_TS_PAR7, there, data)


@pytest.mark.parametrize(("lam", "same"), [(0.0, True), (0.6, False)])
def test_hbayesdm_is_the_hybrid_without_eligibility_only(lam: float, same: bool) -> None:
    data = play(KOOL_2016_STOCHASTIC)
    at = table(HBAYESDM_TS_PAR7, lam=lam)
    hybrid = log_likelihood(HYBRID, data, at.assign(p=at["p"] / at["beta1"]))
    gap = log_likelihood(HBAYESDM_TS_PAR7, data, at) - hybrid
    np.testing.assert_allclose(gap["second_choice"], 0, atol=1e-11)
    assert (gap["first_choice"].abs() < 1e-11).all() == same


def test_gagne_that_never_learns_only_repeats() -> None:
    """All values stay at one half: P(repeat) = 1 / (1 + exp(-p)), and anything at first."""
    data = play(DAW_2011)
    at = table(GAGNE_2021, alpha=0.0)
    ours = log_likelihood(GAGNE_2021, data, at)
    choice = data.frame.groupby("participant")["first_choice"]
    stays = (data.frame["first_choice"] == choice.shift()).groupby(data.frame["participant"]).sum()
    p = at.set_index("participant")["p"]
    expected = np.log(0.5) - stays * np.log1p(np.exp(-p)) - (29 - stays) * np.log1p(np.exp(p))
    np.testing.assert_allclose(ours["first_choice"], expected.astype(float), rtol=1e-12)
    np.testing.assert_allclose(ours["second_choice"], 30 * np.log(0.5), rtol=1e-12)


def test_temperatures_of_zero_are_coin_flips() -> None:
    ours = log_likelihood(HYBRID, play(DAW_2011), table(HYBRID, beta1=0.0, beta2=0.0))
    np.testing.assert_allclose(ours["total"], 60 * np.log(0.5), rtol=1e-12)


QUIET = dict.fromkeys(
    [p.name for p in LOGISTIC_WEIGHT.parameters if p.name not in (*table(HYBRID), "w0")], 0.0
)


def test_logistic_weight_without_effects_is_the_hybrid() -> None:
    at = table(LOGISTIC_WEIGHT, **QUIET)
    there = at.assign(w=1 / (1 + np.exp(-at["w0"])))
    assert_same(LOGISTIC_WEIGHT.fix(stake_effect=0.0), at, HYBRID, there, play(OTTO_2013))


def test_load_in_the_model_is_load_in_a_formula() -> None:
    at = table(LOGISTIC_WEIGHT, **{**QUIET, "load_effect": 1.3})
    there = at.assign(w_Intercept=at["w0"], w_load=-at["load_effect"]).drop(columns="w0")
    there = there[[*table(HYBRID).columns.drop("w"), "w_Intercept", "w_load"]]
    assert_same(LOGISTIC_WEIGHT.fix(stake_effect=0.0), at, HYBRID, there, play(OTTO_2013))


@pytest.mark.parametrize(("kappa", "loaded"), [(0.0, 1.0), (0.4, 0.6), (1.0, 0.0)])
def test_multiplicative_weight_is_the_hybrid_with_a_smaller_weight(
    kappa: float, loaded: float
) -> None:
    """All trials loaded, or none."""
    at = table(MULTIPLICATIVE_WEIGHT, kappa=kappa)
    for load, share in ((0, 1.0), (1, loaded)):
        frame = play(OTTO_2013).frame.assign(load=load)
        there = at.assign(w=share * at["w"])
        assert_same(MULTIPLICATIVE_WEIGHT, at, HYBRID, there, Choices(frame, OTTO_2013))
