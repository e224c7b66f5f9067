"""Likelihoods and latents by participant: rows, ranges, company, and what is told when it fails."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from metacontrol.models import HYBRID, HYBRID_KOOL, latents, log_likelihood, simulate
from metacontrol.models.engine.listeners import StoryError
from metacontrol.tasks import DAW_2011, KOOL_2016_STOCHASTIC, OTTO_2013, Choices, read_choices

DAW = {"alpha1": 0.5, "alpha2": 0.4, "beta1": 2.0, "beta2": 3.0, "lam": 0.6, "p": 0.1, "w": 0.25}
KOOL = {"alpha": 0.5, "beta": 3.0, "lam": 0.4, "w": 0.3}
KOOL |= {"stimulus_stickiness": 0.2, "response_stickiness": 0.9}


def people(count: int) -> pd.DataFrame:
    """Return a parameter table whose rows differ."""
    table = pd.DataFrame([DAW] * count)
    return table.assign(
        w=np.linspace(0, 1, count),
        beta1=np.linspace(1, 5, count),
        participant=[f"s{i + 1}" for i in range(count)],
    )


@pytest.fixture(scope="module")
def three() -> Choices:
    return simulate(HYBRID, DAW_2011, people(3), trials=20, seed=4)


def only(data: Choices, keep: pd.Series) -> Choices:
    return Choices(data.frame[keep].reset_index(drop=True), data.task)


def test_rows_of_the_parameter_table_are_found_by_participant(three: Choices) -> None:
    in_order = log_likelihood(HYBRID, three, people(3))
    assert list(in_order.index) == ["s1", "s2", "s3"]
    turned = people(3).iloc[::-1]
    pd.testing.assert_frame_equal(log_likelihood(HYBRID, three, turned), in_order)
    indexed = turned.set_index("participant")
    pd.testing.assert_frame_equal(log_likelihood(HYBRID, three, indexed), in_order)


def test_one_row_serves_all(three: Choices) -> None:
    one = pd.DataFrame([DAW])
    each = pd.concat([one] * 3).assign(participant=["s1", "s2", "s3"])
    pd.testing.assert_frame_equal(
        log_likelihood(HYBRID, three, one), log_likelihood(HYBRID, three, each)
    )


def test_company_changes_nothing() -> None:
    """300 participants of different lengths, thus several blocks; a few of them alone."""
    table = people(300)
    full = simulate(HYBRID, DAW_2011, table, trials=12, seed=5)
    number = full.frame["participant"].str[1:].astype(int)
    ragged = only(full, full.frame["trial"] <= 3 + number % 10)
    together = log_likelihood(HYBRID, ragged, table)
    assert list(together.index) == list(table["participant"])
    for name in ("s1", "s9", "s150", "s300"):
        alone = log_likelihood(HYBRID, only(ragged, ragged.frame["participant"] == name), table)
        np.testing.assert_allclose(alone.loc[name], together.loc[name], rtol=1e-12)


def test_order_of_rows_of_different_participants_changes_nothing(three: Choices) -> None:
    mixed = three.frame.sort_values("trial", kind="stable", ignore_index=True)
    pd.testing.assert_frame_equal(
        log_likelihood(HYBRID, Choices(mixed, three.task), people(3)),
        log_likelihood(HYBRID, three, people(3)),
    )


def test_latents_add_up_to_the_likelihood(three: Choices) -> None:
    seen = latents(HYBRID, three, people(3))
    assert list(seen["trial"]) == list(three.frame["trial"])
    by_person = seen.groupby("participant").sum()
    whole = log_likelihood(HYBRID, three, people(3))
    for choice in ("first_choice", "second_choice"):
        np.testing.assert_allclose(by_person[f"log_probability_{choice}"], whole[choice])
    np.testing.assert_allclose(whole["total"], whole["first_choice"] + whole["second_choice"])


def test_latents_by_hand() -> None:
    """Four trials as in test_models_by_hand, the second of them missed.

    Q_MF(1) = .3 and Q2(1,0) = .4 after the first trial. Then delta1 = .4 - 0, delta2 = 1 - .4:
    Q_MF(0) = .5 (.4 + .6 * .6) = .38. Then delta1 = 0 - .38, delta2 = 0 - 0.
    """
    frame = pd.DataFrame(
        [(1, 1, 0, 1), (1, 0, None, None), (0, 1, 0, 1), (0, 1, 1, 0)],
        columns=["first_choice", "second_state", "second_choice", "reward"],
    )
    data = read_choices(frame.assign(participant="a"), DAW_2011)
    seen = latents(HYBRID, data, pd.DataFrame([DAW]))
    nan = np.nan
    np.testing.assert_allclose(
        seen["first_reward_prediction_error"], [0, nan, 0.4, -0.38], atol=1e-15
    )
    np.testing.assert_allclose(seen["second_reward_prediction_error"], [1, nan, 0.6, 0], atol=1e-15)
    np.testing.assert_allclose(seen["weight"], [0.25, nan, 0.25, 0.25])


def test_learn_only_first_scores_what_comes_later(three: Choices) -> None:
    learned = read_choices(three.frame, three.task, learn_only_first=8)
    seen = latents(HYBRID, three, people(3))
    later = seen[seen["trial"] > 8].groupby("participant").sum()
    whole = log_likelihood(HYBRID, learned, people(3))
    for choice in ("first_choice", "second_choice"):
        np.testing.assert_allclose(whole[choice], later[f"log_probability_{choice}"])


def test_excluded_trials_are_as_if_never_played(three: Choices) -> None:
    excluded = read_choices(three.frame, three.task, exclude_first=8)
    later = only(three, three.frame["trial"] > 8)
    pd.testing.assert_frame_equal(
        log_likelihood(HYBRID, excluded, people(3)), log_likelihood(HYBRID, later, people(3))
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"w": [0.1, 1.2, 0.3]}, "w must be from 0 to 1, got 1.2 for participant 's2'"),
        ({"alpha1": [0.1, 0.2, -0.1]}, "alpha1 must be from 0 to 1, got -0.1 for participant 's3'"),
        ({"beta1": [np.inf, 1.0, 1.0]}, "beta1 must be from 0 to inf, got inf for .* 's1'"),
        ({"beta2": [-1.0, 1.0, 1.0]}, "beta2 must be from 0 to inf, got -1 for participant 's1'"),
        ({"lam": [0.5, np.nan, 0.5]}, "lam is missing for participant 's2'"),
        ({"participant": ["s1", "s2", "x"]}, r"lacks 1 participant\(s\) of the data: s3"),
        ({"participant": ["s1", "s2", "s2"]}, "has participant 's2' more than once"),
    ],
)
def test_bad_parameters(three: Choices, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        log_likelihood(HYBRID, three, people(3).assign(**change))


def test_absent_parameters(three: Choices) -> None:
    with pytest.raises(ValueError, match="parameter table lacks lam, w; it has: alpha1, .*, p"):
        log_likelihood(HYBRID, three, people(3).drop(columns=["lam", "w"]))


def test_likelihood_that_is_not_a_number_names_participant_and_trial(three: Choices) -> None:
    """exp(1000) is infinite, and infinity times the value 0 is no number."""
    table = people(3).drop(columns="beta1").assign(beta1_Intercept=[0.0, 1000.0, 0.0])
    with pytest.raises(FloatingPointError, match="hybrid is not a number for .* 's2' from trial 1"):
        log_likelihood(HYBRID, three, table)


def test_extreme_parameters_give_a_likelihood_all_the_same() -> None:
    """A choice against log-odds of 1e6 costs 1e6 nats: nothing is clipped."""
    frame = pd.DataFrame({"first_choice": [0, 1], "second_state": 0, "second_choice": 0})
    data = read_choices(frame.assign(participant="a", reward=0), DAW_2011)
    table = pd.DataFrame([{**DAW, "beta1": 1e6, "p": 1.0}])
    assert log_likelihood(HYBRID, data, table)["first_choice"].item() == pytest.approx(
        np.log(0.5) - 1e6, rel=1e-15
    )


def test_absent_cue_raises_with_advice() -> None:
    full = simulate(HYBRID_KOOL, KOOL_2016_STOCHASTIC, pd.DataFrame([KOOL]), trials=5, seed=1)
    data = Choices(full.frame.drop(columns="first_left_option"), full.task)
    with pytest.raises(StoryError, match="needs the column 'first_left_option'.*fix to 0 the par"):
        log_likelihood(HYBRID_KOOL, data, pd.DataFrame([KOOL]))
    without = log_likelihood(HYBRID_KOOL.fix(response_stickiness=0.0), data, pd.DataFrame([KOOL]))
    level = pd.DataFrame([{**KOOL, "response_stickiness": 0.0}])
    np.testing.assert_allclose(without, log_likelihood(HYBRID_KOOL, full, level), rtol=1e-12)


def test_columns_of_the_task_that_no_one_uses_may_be_missing(three: Choices) -> None:
    """Sides and load are cues of every two-step task, but HYBRID sees neither."""
    bare = Choices(three.frame.drop(columns="first_left_option"), OTTO_2013)
    known = Choices(three.frame.assign(load=0.5), OTTO_2013)
    pd.testing.assert_frame_equal(
        log_likelihood(HYBRID, bare, people(3)), log_likelihood(HYBRID, known, people(3))
    )
