"""Every model on every task keeps the promises of the package."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from contracts import LAST, TRIALS, Told, adapted, simulated, tell

from metacontrol.models import (
    HYBRID,
    MODELS,
    RELIABILITY_UNDER_LOAD,
    UNCERTAINTY_HARD,
    Model,
)
from metacontrol.tasks import (
    DAW_2011,
    KERAMATI_2016,
    KOOL_2016_DETERMINISTIC,
    KOOL_2017_STOCHASTIC,
    OTTO_2013,
    TASKS,
    TwoStep,
    Walk,
)

VARIANTS = (
    TwoStep("one second option, binary", "here", Walk(0, 1, 0.2), second_options=1),
    TwoStep(
        "deterministic, uninstructed, two of everything",
        "here",
        Walk(0, 1, 0.2),
        common=1.0,
        first_states=2,
        instructed=False,
        start_value=0.4,
    ),
)
CUED = {"load": OTTO_2013, "stake": KOOL_2017_STOCHASTIC}
TWO_STEP = [task for task in TASKS if not HYBRID.misfit(task)]


def chosen(number: int, model: Model) -> list[Any]:
    """Return the tasks on which a model is told: those in which something is another for it.

    All models play both kinds of two steps, those with a cue the task that shows it; those that go
    by a graph of any size, the one of three steps; general models one of the variants, in turn. The
    hybrid plays all there is.
    """
    if model.simulate_only:
        return []
    if model is HYBRID:
        return [*TWO_STEP, *VARIANTS]
    if model is UNCERTAINTY_HARD:  # slow to compile
        return [DAW_2011]
    if model in RELIABILITY_UNDER_LOAD[1:]:  # much alike
        return [OTTO_2013]
    tasks: list[Any] = [
        DAW_2011,
        KOOL_2016_DETERMINISTIC,
        *(CUED[cue] for cue in model.cues if cue in CUED),
    ]
    if "third_state" in model.needs or type(model).misfit is not Model.misfit:
        tasks.append(KERAMATI_2016)
    tasks += [VARIANTS[number % 2]] if not model.fixed else []
    return [task for task in tasks if not model.misfit(task)]


PAIRS = [
    (adapted(model, task), task)
    for number, model in enumerate(MODELS)
    for task in chosen(number, model)
]
EXACT: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-12}


@pytest.fixture(params=PAIRS, ids=lambda pair: f"{pair[0].name}-{pair[1].name}", scope="module")
def told(request: pytest.FixtureRequest) -> Told:
    model, task = request.param
    return tell(model, task)


def test_likelihood_is_what_the_simulator_noted(told: Told) -> None:
    """Also: participants of other lengths beside one change nothing, for play had none."""
    np.testing.assert_allclose(told.logs("original"), told.played, **EXACT)
    ends = np.cumsum(TRIALS)
    noted = [told.played[end - n : end].sum() for end, n in zip(ends, TRIALS, strict=True)]
    np.testing.assert_allclose(told.totals("original"), noted, **EXACT)


def test_gradient_is_that_of_finite_differences(told: Told) -> None:
    step = 1e-5
    for k, name in enumerate(told.scoring.story.coefficients):
        nudge = step * (np.arange(told.theta.shape[1]) == k)
        rise = told.score(told.theta + nudge) - told.score(told.theta - nudge)
        np.testing.assert_allclose(
            told.slope[:, k], rise / (2 * step), rtol=1e-6, atol=1e-7, err_msg=name
        )


def test_probabilities_sum_to_one(told: Told) -> None:
    answers = [told.logs(f"answer {a} {b}") for a in (0, 1) for b in (0, 1)]
    here = told.trials("original") == LAST
    chances = np.exp([logs[here].sum(axis=1) for logs in answers])
    copies = 1 if answers[0].shape[1] == 2 else 2  # without a second choice each answer is twice
    np.testing.assert_allclose(chances.sum(axis=0), copies, **EXACT)


def test_same_seed_same_data_and_another_seed_other_data(told: Told) -> None:
    story = told.scoring.story
    once, again, other = (simulated(story, seed)[0] for seed in (20, 20, 21))
    pd.testing.assert_frame_equal(once, again)
    for column in ("first_choice", "second_state", "reward"):
        assert not once[column].equals(other[column])


@pytest.mark.parametrize(
    "copy",
    [
        "first options renamed",
        "first states renamed",
        "second options renamed",
        "second options of state 1 renamed",
        "seen in a mirror",
    ],
)
def test_renaming_changes_nothing(told: Told, copy: str) -> None:
    one_of_two = copy == "second options of state 1 renamed"
    model, task = told.scoring.story.model, told.scoring.story.task
    sees_ends = "third_state" in model.needs or type(model).misfit is not Model.misfit
    if one_of_two and sees_ends and task is KERAMATI_2016:
        with pytest.raises(AssertionError):  # an option's number says which places it leads to
            np.testing.assert_allclose(told.logs(copy), told.logs("original"), **EXACT)
        return
    named = {"bias", "eta"} & {p.name for p in told.scoring.story.model.free}  # single out option 1
    if copy == "first options renamed" and named:
        assert not np.allclose(told.logs(copy), told.logs("original"))
        return
    np.testing.assert_allclose(told.logs(copy), told.logs("original"), **EXACT)


@pytest.mark.parametrize("cues", ["0", "1", "missing"])
def test_missed_trials_change_nothing_else(told: Told, cues: str) -> None:
    np.testing.assert_array_equal(told.logs(f"missed, cues {cues}"), told.logs("original"))


def test_nothing_looks_into_the_future(told: Told) -> None:
    past = told.trials("original") <= LAST
    now = told.logs("original")
    other = told.logs("other future")
    np.testing.assert_array_equal(other[past], now[past])
    assert not np.allclose(other[~past], now[~past])


def test_nothing_looks_ahead_within_a_trial(told: Told) -> None:
    past = told.trials("original") <= LAST
    now = told.logs("original")
    np.testing.assert_array_equal(told.logs("other reward")[past], now[past])
    np.testing.assert_array_equal(told.logs("other state")[past, 0], now[past, 0])
    assert not np.allclose(told.logs("other reward")[~past], now[~past])


def test_what_is_only_learned_from_is_not_scored(told: Told) -> None:
    np.testing.assert_array_equal(told.logs("learned first"), told.logs("original"))
    rows = told.table[(told.table["copy"] == "original") & (told.table["trial"] > LAST)]
    later = rows.filter(regex="^log_").sum(axis=1).groupby(rows["person"]).sum()
    np.testing.assert_allclose(told.totals("learned first"), later, **EXACT)
