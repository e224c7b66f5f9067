"""What every model must do on tasks that are more than two steps: the contracts, once more."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest
from contracts import QUICK, draw

import metacontrol as mc
from metacontrol.models import (
    DEFAULT_POLICY,
    DYNA,
    FORWARD_HYBRID,
    FORWARD_HYBRID_DECAYING,
    HABITS_WITHOUT_VALUES,
    MODELS,
    PRUNING_WITH_SENSITIVITIES,
    RELIABILITY,
    RELIABILITY_UNDER_LOAD,
    RELIABILITY_WITH_RESETS,
    UNCERTAINTY_HARD,
    VALUE_OF_INFORMATION,
    VALUE_OF_INFORMATION_ENDLESS,
    Model,
)
from metacontrol.models.engine import kernel, replay
from metacontrol.models.engine.replay import narrate
from metacontrol.models.engine.table import SHUT
from metacontrol.models.scoring import Scoring
from metacontrol.tasks import (
    CONTINGENCY_DEGRADATION,
    DAW_2005,
    DAW_2005_TWO_LEVERS,
    GERSHMAN_2014,
    GLASCHER_2010,
    HUYS_2012,
    KIM_2019,
    LEE_2014,
    MOMENNEJAD_2017,
    OUTCOME_DEVALUATION,
    Choices,
)

TRIALS, PEOPLE, AT = 95, 3, 90
Pair = tuple[Model, Any]


# Each kind of graph, and each model on two kinds at least. First, what is quick to compile: ends
# devalued and places that one only passes through; first states of many kinds and transitions that
# change. Then goals, and options that load shuts, for some.
SMALL = (DAW_2005_TWO_LEVERS, MOMENNEJAD_2017["transition"])
LARGE = {
    LEE_2014: (
        FORWARD_HYBRID,
        HABITS_WITHOUT_VALUES,
        RELIABILITY,
        RELIABILITY_WITH_RESETS,
        DEFAULT_POLICY,
        DYNA,
    ),
    KIM_2019: (FORWARD_HYBRID, DYNA, *RELIABILITY_UNDER_LOAD[::3]),
}
PAIRS: list[Pair] = [
    (FORWARD_HYBRID_DECAYING, GLASCHER_2010),
    (VALUE_OF_INFORMATION, DAW_2005),
    (VALUE_OF_INFORMATION_ENDLESS, DAW_2005),
    (DYNA, GERSHMAN_2014),
    (FORWARD_HYBRID, replace(OUTCOME_DEVALUATION, training=80)),  # trial AT teaches nothing
    (HABITS_WITHOUT_VALUES, CONTINGENCY_DEGRADATION),
    (PRUNING_WITH_SENSITIVITIES, replace(HUYS_2012, depths=(1, 3))),
]
SLOW = (FORWARD_HYBRID_DECAYING, VALUE_OF_INFORMATION, VALUE_OF_INFORMATION_ENDLESS)
PAIRS += [
    (model, task)
    for model in MODELS
    for task in SMALL
    if not (model.simulate_only or model.misfit(task) or model in SLOW)
    if model not in RELIABILITY_UNDER_LOAD
]
PAIRS += [(model, task) for task, models in LARGE.items() for model in models]


@pytest.fixture(params=PAIRS, ids=lambda pair: f"{pair[0].name}-{pair[1].name}", scope="module")
def pair(request: pytest.FixtureRequest) -> Pair:
    return request.param


@dataclass(frozen=True)
class Told:
    """What the engine says of the copies of one pair of model and task.

    `logs` are log-probabilities of choices by copy, person and trial; `total` log-likelihoods and
    `slope` their gradient by machine code; `score` from coefficients to `total`.
    """

    scoring: Scoring
    at: np.ndarray
    logs: pd.DataFrame
    total: np.ndarray
    slope: np.ndarray
    score: Callable[[np.ndarray], np.ndarray]


@cache
def tell(model: Model, task: Any) -> Told:
    """Simulate people, and let the engine tell copies of them all at once.

    Copies are the original, one with each possible answer at one trial, one with trials that were
    missed, and one without these.
    """
    rng = np.random.default_rng(7)
    theta = pd.DataFrame({p.name: draw(p, PEOPLE, rng) for p in model.free})
    frame = mc.simulate(model, task, theta, trials=TRIALS, seed=2).frame
    here, late = frame["trial"] == AT, frame["trial"] % 7 == 3
    copies = {"original": frame, "without": frame[~late]}
    copies["missed"] = frame.assign(reward=frame["reward"].mask(late))
    for answer in product(*(range(stage.options) for stage in task.stages)):
        given = frame.copy()
        for stage, option in zip(task.stages, answer, strict=True):
            given.loc[here, stage.choice] = option
        given.loc[here, "reward"] = task.pays[1]
        copies[f"answer {answer}"] = given
    crowd = pd.concat(
        [part.assign(participant=f"{copy}/" + part["participant"]) for copy, part in copies.items()]
    ).reset_index(drop=True)
    scoring = Scoring.of(model, Choices(crowd, task))
    people = [int(name.split("/s")[1]) - 1 for name in scoring.participants]
    at = theta.to_numpy()[people]
    score = replay.log_likelihood(scoring.story, scoring.records)

    @jax.jit(compiler_options=QUICK)
    def everything(x: np.ndarray) -> tuple[Any, ...]:
        total, pull = jax.vjp(score, x)
        return total, pull(np.ones(len(people)))[0], narrate(scoring.story, scoring.records)(x)[1]

    total, slope, logs = everything(at)
    rows = scoring.records.rows
    table = crowd["participant"].str.split("/", expand=True).set_axis(["copy", "person"], axis=1)
    table["trial"] = crowd["trial"]
    for choice, grid in logs.items():
        table.loc[rows[rows >= 0], choice] = np.asarray(grid)[rows >= 0]
    table = table.set_index(["copy", "person", "trial"]).dropna(how="all")
    return Told(
        scoring=scoring,
        at=at,
        logs=table,
        total=np.asarray(total),
        slope=np.asarray(slope),
        score=lambda x: np.asarray(everything(x)[0]),
    )


def test_machine_code_and_slope(pair: Pair) -> None:
    """Machine code against what XLA narrates, and against finite differences."""
    model, task = pair
    told = tell(model, task)
    scoring = told.scoring
    in_words = model is not UNCERTAINTY_HARD  # whose sweeps the vocabulary has no word for
    assert (kernel.kernel(scoring.story, scoring.records) is not None) == in_words
    names = told.logs.index.map(lambda at: f"{at[0]}/{at[1]}")
    noted = told.logs.sum(axis=1).groupby(names).sum()[scoring.participants]
    np.testing.assert_allclose(told.total, noted, rtol=1e-11)
    possible = (
        told.total > SHUT / 2
    )  # else, with an answer that is not open, there are no digits left
    for k, name in enumerate(scoring.story.coefficients):
        nudge = 1e-5 * (np.arange(told.at.shape[1]) == k)
        rise = (told.score(told.at + nudge) - told.score(told.at - nudge)) / 2e-5
        found, expected = told.slope[possible, k], rise[possible]
        np.testing.assert_allclose(found, expected, rtol=2e-6, atol=2e-6, err_msg=name)


@pytest.mark.parametrize(
    ("model", "task"), [(FORWARD_HYBRID, LEE_2014), (DYNA, KIM_2019)], ids=["lee", "kim"]
)
def test_where_there_is_no_machine_code_the_slope_is_the_same(model: Model, task: Any) -> None:
    told = tell(model, task)
    story, records = told.scoring.story, told.scoring.records
    score = replay.log_likelihood(story, records, compiled=False)
    slope = jax.jit(jax.grad(lambda x: score(x).sum()), compiler_options=QUICK)(told.at)
    np.testing.assert_allclose(told.slope, slope, rtol=1e-8, atol=1e-9)


def test_answers_sum_to_one_and_the_past_stays(pair: Pair) -> None:
    """Every answer at one trial: probabilities sum to 1, and nothing before it changes."""
    told = tell(*pair).logs
    before = told.loc["original"]
    past = before.index.get_level_values("trial") < AT
    total = 0.0
    for copy in told.index.get_level_values("copy").unique():
        if copy.startswith("answer"):
            given = told.loc[copy]
            np.testing.assert_array_equal(given[past], before[past])
            total = total + np.exp(given.xs(AT, level="trial").sum(axis=1))
    np.testing.assert_allclose(total, 1.0, rtol=1e-10)


def test_missed_trials_are_as_if_they_had_not_been(pair: Pair) -> None:
    told = tell(*pair).logs
    pd.testing.assert_frame_equal(told.loc["missed"], told.loc["without"])
