"""Parameters that follow columns."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from metacontrol.models import (
    HBAYESDM_TS_PAR4,
    HYBRID,
    MODEL_FREE,
    latents,
    log_likelihood,
    simulate,
)
from metacontrol.models.formulas import (
    combinations,
    conditions,
    formulas_from_names,
    predictors,
)
from metacontrol.models.scoring import Scoring
from metacontrol.tasks import OTTO_2013, Choices

FIXED = {"alpha1": 0.5, "alpha2": 0.4, "beta1": 2.0, "beta2": 3.0, "lam": 0.6, "p": 0.1}
PLAIN = {**FIXED, "w": 0.25}
LOGIT = float(np.log(0.25 / 0.75))


@pytest.fixture(scope="module")
def loaded() -> Choices:
    return simulate(HYBRID, OTTO_2013, pd.DataFrame([PLAIN] * 3), trials=20, seed=6)


def with_columns(data: Choices, **columns: Any) -> Choices:
    return Choices(data.frame.assign(**columns), data.task)


@pytest.mark.parametrize(
    ("formula", "told"),
    [
        ("1 + first_choice", "first_choice"),
        ("load * scale(reward)", "reward"),
        ("1 + C(second_state) + transition", "second_state, transition"),
        ("1 + `secondary_correct` + `total reward`", "secondary_correct"),
    ],
)
def test_what_a_trial_brings_does_not_predict_it(loaded: Choices, formula: str, told: str) -> None:
    frame = loaded.frame.assign(transition=1.0, previous_reward=loaded.frame["reward"].shift())
    known = Choices(frame.fillna({"previous_reward": 0}), loaded.task)
    with pytest.raises(ValueError, match=f"uses {told} of the very trial .* previous_"):
        Scoring.of(HYBRID, known, {"w": formula})
    with pytest.raises(ValueError, match=f"uses {told} of the very trial"):
        simulate(HYBRID, OTTO_2013, pd.DataFrame([PLAIN]), seed=1, formulas={"w": formula})
    Scoring.of(HYBRID, known, {"w": "1 + previous_reward + load"})


def test_a_slope_of_zero_is_no_slope(loaded: Choices) -> None:
    flat = pd.DataFrame([{**FIXED, "w_Intercept": LOGIT, "w_load": 0.0}])
    pd.testing.assert_frame_equal(
        log_likelihood(HYBRID, loaded, flat),
        log_likelihood(HYBRID, loaded, pd.DataFrame([PLAIN])),
        rtol=1e-12,
    )


def test_the_weight_of_each_trial_follows_its_load(loaded: Choices) -> None:
    sloped = pd.DataFrame([{**FIXED, "w_Intercept": 1.0, "w_load": -2.0}])
    weight = latents(HYBRID, loaded, sloped)["weight"]
    expected = 1 / (1 + np.exp(-(1.0 - 2.0 * loaded.frame["load"])))
    np.testing.assert_allclose(weight, expected, rtol=1e-12)


def test_a_temperature_follows_on_the_scale_of_its_logarithm(loaded: Choices) -> None:
    """At load 0 beta1 is exp(.7) throughout, at load 1 exp(.7 - .4)."""
    free = {k: v for k, v in PLAIN.items() if k != "beta1"}
    sloped = pd.DataFrame([{**free, "beta1_Intercept": 0.7, "beta1_load": -0.4}])
    for load in (0.0, 1.0):
        data = with_columns(loaded, load=load)
        plain = pd.DataFrame([{**PLAIN, "beta1": np.exp(0.7 - 0.4 * load)}])
        pd.testing.assert_frame_equal(
            log_likelihood(HYBRID, data, sloped), log_likelihood(HYBRID, data, plain), rtol=1e-12
        )


def test_a_column_may_vary_between_participants(loaded: Choices) -> None:
    age = loaded.frame["participant"].map({"s1": -1.0, "s2": 0.0, "s3": 1.0})
    sloped = pd.DataFrame([{**FIXED, "w_Intercept": 0.5, "w_age": 0.8}])
    each = pd.DataFrame([FIXED] * 3, index=["s1", "s2", "s3"])
    each["w"] = 1 / (1 + np.exp(-np.array([-0.3, 0.5, 1.3])))
    pd.testing.assert_frame_equal(
        log_likelihood(HYBRID, with_columns(loaded, age=age), sloped),
        log_likelihood(HYBRID, loaded, each),
        rtol=1e-12,
    )


def test_categories_need_the_formula(loaded: Choices) -> None:
    hard = np.where(loaded.frame["load"] == 1, "hard", "easy")
    named = pd.DataFrame([{**FIXED, "w_Intercept": 1.0, "w_condition[T.hard]": -2.0}])
    by_load = pd.DataFrame([{**FIXED, "w_Intercept": 1.0, "w_load": -2.0}])
    pd.testing.assert_frame_equal(
        log_likelihood(HYBRID, with_columns(loaded, condition=hard), named, {"w": "1 + condition"}),
        log_likelihood(HYBRID, loaded, by_load),
        rtol=1e-12,
    )


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["w_Intercept", "w_load"], {"w": "1 + load"}),
        (["w_load"], {"w": "0 + load"}),
        (["beta1_Intercept", "w"], {"beta1": "1"}),
        (["w_load", "w_Intercept", "p_load"], {"w": "1 + load", "p": "0 + load"}),
        (["w_Intercept", "w_load", "w_load:stake"], {"w": "1 + load + load:stake"}),
        (["participant", "alpha1", "w"], {}),
    ],
)
def test_formulas_are_read_from_the_names_of_coefficients(
    names: list[str], expected: dict[str, str]
) -> None:
    assert formulas_from_names(HYBRID, names) == expected


def test_names_that_begin_alike_are_not_confused() -> None:
    names = ["alpha_Intercept", "alpha_load", "beta", "p", "w"]
    assert formulas_from_names(HBAYESDM_TS_PAR4, names) == {"alpha": "1 + load"}


@pytest.mark.parametrize("term", ["load", "scale(load)", "load:C(trial > 9)"])
def test_a_regressor_on_missed_trials_may_be_missing(loaded: Choices, term: str) -> None:
    missed = loaded.frame["trial"] == 4
    frame = loaded.frame.assign(
        load=loaded.frame["load"].where(~missed),
        first_choice=loaded.frame["first_choice"].mask(missed),
    )
    formulas = {"w": f"1 + {term}"}
    found, _ = predictors(HYBRID, frame, formulas)
    slopes = {name: -2.0 for p in found if p.terms is not None for name in p.coefficients}
    sloped = pd.DataFrame([{**FIXED, **slopes}])
    pd.testing.assert_frame_equal(
        log_likelihood(HYBRID, Choices(frame, loaded.task), sloped, formulas),
        log_likelihood(HYBRID, Choices(frame[~missed], loaded.task), sloped, formulas),
    )


@pytest.mark.parametrize("gap", [np.nan, np.inf])
def test_a_regressor_missing_on_a_complete_trial_is_named(loaded: Choices, gap: float) -> None:
    there = (loaded.frame["participant"] == "s2") & (loaded.frame["trial"] == 7)
    data = with_columns(loaded, stake=np.where(there, gap, 1.0))
    sloped = pd.DataFrame([{**FIXED, "w_Intercept": 1.0, "w_stake": -2.0}])
    message = r"regressor of w_stake is missing or infinite \(participant 's2', trial 7\)"
    with pytest.raises(ValueError, match=message):
        log_likelihood(HYBRID, data, sloped)


def test_a_category_missing_on_a_complete_trial_is_named(loaded: Choices) -> None:
    there = (loaded.frame["participant"] == "s2") & (loaded.frame["trial"] == 7)
    data = with_columns(loaded, block=loaded.frame["load"].map({0: "a", 1: "b"}).mask(there))
    message = r"regressor of w_C\(block\)\[T.b\] is missing .* \(participant 's2', trial 7\)"
    with pytest.raises(ValueError, match=message):
        Scoring.of(HYBRID, data, {"w": "load + C(block)"})


@pytest.mark.parametrize(
    ("values", "formula", "message"),
    [
        (["20,5", "31,5"], "1 + x", r"uses x, which is numbers but for '20,5': write numbers with"),
        (["20", "31", "40", "?"], "1 + x", "numbers but for '[?]': .* or write C[(]x[)] for cat"),
        ([1, "b"], "C(x)", "uses x, whose values are mixed-integer: make them numbers, or text"),
        (pd.interval_range(0, 2).tolist(), "C(x)", "whose values are interval: make them numbers"),
        (pd.date_range("2026", periods=2).tolist(), "x", "whose values are datetime: make them"),
    ],
)
def test_columns_are_numbers_or_categories(
    loaded: Choices, values: list[Any], formula: str, message: str
) -> None:
    data = with_columns(loaded, x=(values * len(loaded.frame))[: len(loaded.frame)])
    with pytest.raises(ValueError, match=message):
        Scoring.of(HYBRID, data, {"w": formula})
    many = pd.DataFrame({"x": [f"{i},5" for i in range(101)]})
    with pytest.raises(ValueError, match="uses x, text with 101 different values, such as '0,5'"):
        predictors(HYBRID, many, {"w": "C(x)"})
    with pytest.raises(ValueError, match="uses participant: people of a group differ as it is"):
        Scoring.of(HYBRID, data, {"w": "C(participant)"})


def test_categories_of_all_kinds_have_conditions(loaded: Choices) -> None:
    """Numbers that are categories, levels in an order, and a name with a dot in a function."""
    load = loaded.frame["load"]
    data = with_columns(
        loaded,
        number=pd.Categorical(load + 5),
        order=pd.Categorical(load.map({0: "b", 1: "a"}), ["b", "a"], ordered=True),
        **{"z.load": load * 1.0},
    )
    found = conditions(data, {"w": "number", "p": "order", "beta1": "scale(`z.load`)"})
    assert found["columns"] == {"number": [5, 6], "order": ["a", "b"], "z.load": [0.0, 1.0]}
    assert found["regressors"]["w"]["number[T.6]"] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert found["regressors"]["p"]["order[T.a]"] == [1, 1, 0, 0, 1, 1, 0, 0]


def test_terms_are_like_those_of_other_trials(loaded: Choices) -> None:
    frame = loaded.frame.assign(
        **{"block": np.where(loaded.frame["load"], "b", "a"), "z.load": 2.0}
    )
    some = frame[frame["block"] == "b"].assign(load=3.0)
    formulas = {"w": "C(block) + scale(load) + `z.load`"}
    columns = predictors(HYBRID, some, formulas, frame)[1]
    assert (columns["w_C(block)[T.b]"] == 1).all()
    scaled = (3 - frame["load"].mean()) / frame["load"].std()
    np.testing.assert_allclose(columns["w_scale(load)"], scaled)
    with pytest.raises(ValueError, match=r"outside of the nominated levels .*'c'"):
        predictors(HYBRID, some.assign(block="c"), formulas, frame)


def test_a_regressor_may_be_large(loaded: Choices) -> None:
    """Such as a time stamp; beyond 2**31 too."""
    data = with_columns(loaded, stamp=1.7e12)
    sloped = pd.DataFrame([{**FIXED, "w_Intercept": LOGIT - 1.7, "w_stamp": 1e-12}])
    np.testing.assert_allclose(
        log_likelihood(HYBRID, data, sloped),
        log_likelihood(HYBRID, loaded, pd.DataFrame([PLAIN])),
        rtol=1e-12,
    )


@pytest.mark.parametrize(
    ("formulas", "message"),
    [
        ({"omega": "1"}, "hybrid has no parameter 'omega'"),
        (
            {"w": "1 + laod"},
            "formula for w, '1 \\+ laod', cannot be used: .*laod.* Columns are: .*",
        ),
        ({"w": "1 +* load"}, "formula for w, .* cannot be used"),
        ({"w": "."}, "formula for w, '.', uses all columns, .*: name those"),
        ({"w": "0"}, "formula for w, '0', predicts nothing: write 1 for an intercept"),
        (
            {"w": "1 + load | participant"},
            r"used: people of a group differ in all coefficients as it is, without a \|\.",
        ),
        ({"w": "load ~ first_left_option"}, r"cannot be used: write only what comes after the ~\."),
        ({"w": "1 + (1|participant)"}, r"^[ -~⧛⧚]* \(people of a group differ in all coefficients"),
    ],
)
def test_formulas_that_cannot_be_used(
    loaded: Choices, formulas: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        log_likelihood(HYBRID, loaded, pd.DataFrame([PLAIN]), formulas)


def test_a_fixed_parameter_follows_nothing(loaded: Choices) -> None:
    with pytest.raises(ValueError, match="w is fixed in model-free, so it cannot follow a formula"):
        log_likelihood(MODEL_FREE, loaded, pd.DataFrame([PLAIN]), {"w": "1 + load"})


def test_without_the_formula_its_coefficients_are_asked_for(loaded: Choices) -> None:
    with pytest.raises(ValueError, match="parameter table lacks w_Intercept, w_load"):
        log_likelihood(HYBRID, loaded, pd.DataFrame([PLAIN]), {"w": "1 + load"})


def eight(data: Choices) -> Choices:
    """Return the first eight trials, with a site, a block and an age of each."""
    frame = data.frame.head(8).assign(site=list("hgfedcba"), block=range(1, 9))
    return Choices(frame.assign(**{"age": np.arange(8.0) * 10, "my age": frame["load"]}), data.task)


def test_many_names_are_all_kept_and_many_numbers_are_not(loaded: Choices) -> None:
    found = conditions(eight(loaded), {"p": "1 + site + age"})["columns"]
    assert found["site"] == list("abcdefgh")
    assert found["age"] == pytest.approx([7.0, 35.0, 63.0])


def test_conditions_know_what_terms_found_out_from_all_data(loaded: Choices) -> None:
    """The mean of age is 35, its variance 4,200 / 7; blocks are categories, so all of them."""
    formulas = {"w": "1 + C(block)", "p": "scale(age) + scale(`my age`) + scale(Q('my age'))"}
    found = conditions(eight(loaded), formulas)
    columns, regressors = found["columns"], found["regressors"]
    assert list(columns) == ["block", "age", "my age"]
    cells = combinations(columns)
    assert sorted(columns["block"]) == list(range(1, 9))
    np.testing.assert_allclose(regressors["w"]["C(block)[T.5]"], cells["block"] == 5)
    scaled = (cells["age"] - 35) / np.sqrt(4200 / 7)
    np.testing.assert_allclose(regressors["p"]["scale(age)"], scaled)
    load = loaded.frame["load"].head(8)
    assert list(regressors["p"]) == ["Intercept", "scale(age)", "scale(`my age`)"]
    np.testing.assert_allclose(
        regressors["p"]["scale(`my age`)"], (cells["my age"] - load.mean()) / load.std()
    )


@pytest.mark.parametrize("term", ["lag(age)", "I(age - age.mean())"])
def test_what_hangs_on_other_trials_has_no_value_by_condition(loaded: Choices, term: str) -> None:
    regressors = conditions(eight(loaded), {"w": f"1 + load + {term}"})["regressors"]
    assert [name for name, values in regressors["w"].items() if values is None] == [term]


def test_very_many_conditions_are_not_gone_through(loaded: Choices) -> None:
    frame = loaded.frame.assign(**{c: [f"x{i}" for i in range(60)] for c in "abc"})
    regressors = conditions(Choices(frame, loaded.task), {"w": "0 + a + b + c"})["regressors"]
    assert set(map(type, regressors["w"].values())) == {type(None)}
