"""What every model must do on tasks that are more than two steps: the contracts, once more."""

from dataclasses import replace
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
    DYNA,
    FORWARD_HYBRID,
    HABITS_WITHOUT_VALUES,
    MODELS,
    PRUNING_WITH_SENSITIVITIES,
    SUCCESSOR,
    VALUE_OF_INFORMATION,
    Model,
)
from metacontrol.models.engine import kernel, replay
from metacontrol.models.reliability import LoadedReliability
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

TRIALS, PEOPLE, AT = 100, 8, 90
Pair = tuple[Model, Any]


GRAPHS = (LEE_2014, KIM_2019, DAW_2005_TWO_LEVERS, MOMENNEJAD_2017["transition"])


def plays(model: Model, task: Any) -> bool:
    if model.simulate_only:
        return False
    if isinstance(model, LoadedReliability):  # one of each kind, where there is load
        return task is KIM_2019 and len(model.name.split("-")) == 3
    slow = model is VALUE_OF_INFORMATION or (
        task is KIM_2019 and model in (SUCCESSOR, HABITS_WITHOUT_VALUES)
    )
    return not model.misfit(task) and not slow  # to compile, some minutes


PAIRS: list[tuple[Model, Any]] = [
    (FORWARD_HYBRID, GLASCHER_2010),
    (VALUE_OF_INFORMATION, DAW_2005),
    (DYNA, GERSHMAN_2014),
    (FORWARD_HYBRID, replace(OUTCOME_DEVALUATION, training=80)),  # trial AT teaches nothing
    (HABITS_WITHOUT_VALUES, CONTINGENCY_DEGRADATION),
    (PRUNING_WITH_SENSITIVITIES, replace(HUYS_2012, depths=(1, 3))),
]
PAIRS += [(model, task) for model in MODELS for task in GRAPHS if plays(model, task)]


@pytest.fixture(params=PAIRS, ids=lambda pair: f"{pair[0].name}-{pair[1].name}", scope="module")
def pair(request: pytest.FixtureRequest) -> Pair:
    return request.param


@cache
def simulated(model: Model, task: Any) -> tuple[pd.DataFrame, Choices]:
    rng = np.random.default_rng(7)
    theta = pd.DataFrame({p.name: draw(p, PEOPLE, rng) for p in model.free})
    theta.index = pd.Index([f"s{i + 1}" for i in range(PEOPLE)])
    return theta, mc.simulate(model, task, theta, trials=TRIALS, seed=2)


def logs(model: Model, theta: pd.DataFrame, data: Choices) -> pd.DataFrame:
    seen = mc.latents(model, data, theta)
    return seen.filter(regex="^(participant|trial|log_probability)").set_index(
        ["participant", "trial"]
    )


def test_machine_code_and_slope(pair: Pair) -> None:
    model, task = pair
    theta, data = simulated(model, task)
    scoring = Scoring.of(model, data)
    at = scoring.matrix(theta)
    assert kernel.kernel(scoring.story, scoring.records) is not None
    found = []
    for compiled in (True, False):
        score = replay.log_likelihood(scoring.story, scoring.records, compiled=compiled)
        both = jax.jit(lambda x, f=score: jax.vjp(f, x)[0], compiler_options=QUICK)
        pull = jax.jit(jax.grad(lambda x, f=score: f(x).sum()), compiler_options=QUICK)
        found.append((np.asarray(both(at)), np.asarray(pull(at))))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-11)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(
        found[0][0], logs(model, theta, data).groupby(level=0).sum().sum(axis=1), rtol=1e-11
    )
    score = jax.jit(replay.log_likelihood(scoring.story, scoring.records))
    for k, name in enumerate(scoring.story.coefficients):
        nudge = 1e-5 * (np.arange(at.shape[1]) == k)
        rise = (np.asarray(score(at + nudge)) - np.asarray(score(at - nudge))) / 2e-5
        np.testing.assert_allclose(found[0][1][:, k], rise, rtol=2e-6, atol=2e-6, err_msg=name)


def test_answers_sum_to_one_and_the_past_stays(pair: Pair) -> None:
    """Every answer at one trial: probabilities sum to 1, and nothing before it changes."""
    model, task = pair
    theta, data = simulated(model, task)
    before = logs(model, theta, data)
    here = (data.frame["trial"] == AT).to_numpy()
    total = 0.0
    for answer in product(*(range(stage.options) for stage in task.stages)):
        frame = data.frame.copy()
        for stage, option in zip(task.stages, answer, strict=True):
            frame.loc[here, stage.choice] = option
        frame.loc[here, "reward"] = task.pays[1]
        told = logs(model, theta, Choices(frame, task))
        trial = told.index.get_level_values("trial")
        np.testing.assert_array_equal(told[trial < AT], before[trial < AT])
        total = total + np.exp(told[trial == AT].sum(axis=1))
    np.testing.assert_allclose(total, 1.0, rtol=1e-10)


def test_missed_trials_are_as_if_they_had_not_been(pair: Pair) -> None:
    model, task = pair
    theta, data = simulated(model, task)
    frame = data.frame.copy()
    late = frame["trial"] % 7 == 3
    kept = Choices(frame[~late].reset_index(drop=True), task)
    frame.loc[late, "reward"] = np.nan
    seen = logs(model, theta, Choices(frame, task))
    pd.testing.assert_frame_equal(seen.dropna(), logs(model, theta, kept))
