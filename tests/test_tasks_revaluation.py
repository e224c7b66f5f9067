"""Tasks of revaluation: what is shown when, and who passes them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.models import FORWARD_HYBRID, SUCCESSOR
from metacontrol.tasks import (
    DAW_2011,
    GERSHMAN_2014,
    MOMENNEJAD_2017,
    MOMENNEJAD_2017_PASSIVE,
    Choices,
    PassiveRevaluation,
)

HYBRID = {"alpha_habit": 0.3, "alpha_plan": 0.9, "beta": 6.0, "p": 0.0}


def people(count: int = 40, **changed: float) -> pd.DataFrame:
    return pd.DataFrame([{**HYBRID, "w": 0.5, **changed}] * count)


@pytest.mark.parametrize("change", MOMENNEJAD_2017_PASSIVE)
def test_chains_are_watched(change: str) -> None:
    """theory.md, A10: 1 -> 3 -> 5 pays 10, 2 -> 4 -> 6 pays 1; then from 3 and 4 only."""
    task = MOMENNEJAD_2017_PASSIVE[change]
    frame = mc.simulate(FORWARD_HYBRID, task, people(), seed=1).frame
    trial = frame["trial"]
    free = (frame["told_first"] == -1) & (frame["first_state"] == 0)
    assert sorted(trial[free].unique()) == [5, 10, 15, 20, 31]
    told = frame["told_first"] >= 0
    assert (frame["first_choice"] == frame["told_first"])[told].all()
    counts = frame[told].groupby("participant")["told_first"].value_counts()
    assert len(counts) == 80
    assert (counts == 8).all()
    relearned = frame[trial.between(21, 30)]
    counts = relearned.groupby("participant")["first_state"].value_counts()
    assert set(relearned["first_state"]) == {1, 2}
    assert (counts == 5).all()
    chain = np.where(frame["first_state"] > 0, frame["first_state"] - 1, frame["first_choice"])
    np.testing.assert_array_equal(frame["second_state"], chain)
    after = trial > 20
    swapped = after & (change == "transition")
    np.testing.assert_array_equal(frame["third_state"], np.where(swapped, 1 - chain, chain))
    ten = np.where(after & (change == "reward"), 1, 0)
    np.testing.assert_array_equal(frame["reward"], np.where(frame["third_state"] == ten, 10, 1))
    assert task.newly_better == 1


def test_chains_have_no_policy() -> None:
    with pytest.raises(ValueError, match="one of reward, transition, control, got 'policy'"):
        PassiveRevaluation("p", "here", change="policy")


def test_phases_of_gershman() -> None:
    frame = mc.simulate(FORWARD_HYBRID, GERSHMAN_2014, people(), seed=1).frame
    trial = frame["trial"]
    assert (frame["first_state"] == 0).equals((trial <= 20) | (trial == 41))
    early, late = trial <= 30, trial.between(31, 40)
    for phase in (trial.between(21, 30), late):
        assert (frame[phase].groupby("participant")["first_state"].mean() == 1.5).all()
    paid = frame.groupby(["third_state", early])["reward"].unique()
    amounts = {key: set(values) for key, values in paid.items()}  # with the test, which pays 0
    early_and_late = {0: ({5}, {10}), 1: ({0}, {0}), 2: ({0}, {0}), 3: ({10}, {5})}
    for end, (before, after) in early_and_late.items():
        assert amounts[end, True] == before
        assert after <= amounts[end, False] <= after | {0}
    assert (frame["reward"][trial == 41] == 0).all()
    groups = frame[late].groupby("participant")[["load", "rest"]].max()
    assert (groups.value_counts() == 10).all()
    assert len(groups.value_counts()) == 4
    loads = frame.groupby("participant")["load"].agg(lambda load: set(load[30:40]))
    assert all(len(load) == 1 for load in loads)
    assert (frame["load"][early | (trial == 41)] == 0).all()
    assert (frame["rest"][trial != 40] == 0).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loads": (0.0, 2.0)}, r"loads must be one or more numbers from 0 to 1, got \(0.0, 2.0\)"),
        ({"rests": ()}, r"rests must be one or more numbers from 0 to inf, got \(\)"),
        ({"relearning": 0}, "relearning must be 1 or more, got 0"),
    ],
)
def test_settings_of_gershman(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(GERSHMAN_2014, **settings)


def passed(task: Any, crowd: dict[str, tuple[Any, dict[str, float]]]) -> dict[str, float]:
    """Return mean revaluation of each kind of participant."""
    found: dict[str, float] = {}
    for model in (FORWARD_HYBRID, SUCCESSOR):
        kinds = {name: theta for name, (whose, theta) in crowd.items() if whose is model}
        theta = pd.DataFrame([each for each in kinds.values() for _ in range(300)])
        score = mc.revaluation_score(mc.simulate(model, task, theta, seed=1))["revaluation"]
        means = score.to_numpy().reshape(len(kinds), 300).mean(axis=1)
        found |= dict(zip(kinds, means, strict=True))
    return found


def test_who_passes_the_passive_task() -> None:
    """theory.md, B9 and D10: planning passes, habit fails, the cache passes only new rewards."""
    cache = {"alpha_sr": 0.5, "alpha_plan": 0.9, "beta": 6.0, "p": 0.0}
    crowd = {
        "plan": (FORWARD_HYBRID, {**HYBRID, "w": 1.0}),
        "habit": (FORWARD_HYBRID, {**HYBRID, "w": 0.0}),
        "cache": (SUCCESSOR, {**cache, "w": 0.0}),
        "mixed": (SUCCESSOR, {**cache, "w": 0.5}),
    }
    found = {change: passed(task, crowd) for change, task in MOMENNEJAD_2017_PASSIVE.items()}
    reward, transition, control = (found[c] for c in ("reward", "transition", "control"))
    assert min(reward["plan"], transition["plan"], reward["cache"]) > 0.9
    assert max(reward["habit"], transition["habit"], transition["cache"]) < 0.05
    assert max(map(abs, control.values())) < 0.05
    assert reward["mixed"] > transition["mixed"] + 0.1 > control["mixed"] + 0.3
    assert transition["mixed"] < transition["plan"] - 0.2


def choices(task: Any, rows: Sequence[tuple[str, int, int, float]], **columns: Any) -> Choices:
    """Return choices of (participant, trial, first state, first choice) that end anywhere."""
    frame = pd.DataFrame(rows, columns=["participant", "trial", "first_state", "first_choice"])
    rest = {"second_state": 0, "second_choice": 0, "third_state": 0, "reward": 0.0}
    return Choices(frame.assign(**rest, **columns), task)


def test_score_by_hand() -> None:
    """A is option 0. s1 chose it in 1 of the last 3 trials before the change, then in the test.

    s2 chose it in neither of two, and missed the test. Placed at A nobody chooses.
    """
    first = [("s1", trial, 0, choice) for trial, choice in ((1, 0), (5, 1), (8, 0), (9, 1))]
    placed = [("s1", 30, 1, 0), ("s1", 41, 1, 0)]
    other = [("s2", 1, 0, 1), ("s2", 2, 0, 1), ("s2", 49, 0, np.nan)]
    rows = [*first, *placed, ("s1", 49, 0, 0), *other]
    table = mc.revaluation_score(choices(MOMENNEJAD_2017["reward"], rows))
    expected = {"participant": ["s1", "s2"], "before": [1 / 3, 0.0], "after": [1.0, np.nan]}
    expected["revaluation"] = [2 / 3, np.nan]
    pd.testing.assert_frame_equal(table, pd.DataFrame(expected), check_dtype=False)


def test_score_of_what_is_shown() -> None:
    """Chain 1 has come to be better; what is told (trial 6) is no preference."""
    rows = [("s1", 5, 0, 0), ("s1", 6, 0, 1), ("s1", 10, 0, 0), ("s1", 31, 0, 1)]
    data = choices(MOMENNEJAD_2017_PASSIVE["transition"], rows, told_first=[-1, 1, -1, -1])
    table = mc.revaluation_score(data)
    assert table[["before", "after", "revaluation"]].to_numpy().tolist() == [[0.0, 1.0, 1.0]]


def test_score_of_another_task() -> None:
    theta = pd.DataFrame([{p.name: 0.5 for p in mc.models.HYBRID.free}])
    data = mc.simulate(mc.models.HYBRID, DAW_2011, theta, trials=3, seed=1)
    with pytest.raises(ValueError, match="daw-2011 has no revaluation: use a task of MOMENN"):
        mc.revaluation_score(data)
