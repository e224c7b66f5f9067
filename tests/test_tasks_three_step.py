"""The three-step task: where choices lead, and how long a place pays."""

import numpy as np
import pandas as pd
import pytest

from metacontrol.tasks import KERAMATI_2016, ThreeStep, validate


@pytest.mark.parametrize(
    ("place", "second", "luck", "end"),
    [(0, 0, 0.69, 0), (0, 1, 0.69, 1), (1, 0, 0.69, 2), (1, 1, 0.69, 3)]
    + [(0, 0, 0.71, 2), (0, 1, 0.71, 3), (1, 0, 0.71, 0), (1, 1, 0.71, 1)],
)
def test_second_transitions(place: int, second: int, luck: float, end: int) -> None:
    known = {"second_state": place, "second_choice": second, "luck_third_state": luck}
    assert int(KERAMATI_2016.rules["third_state"](known)) == end


def test_one_place_pays_for_some_five_trials() -> None:
    """Stays of max(1, round(N(5, 2))): mean 5.02, sd 1.98 (theory.md, A8); targets alike."""
    paying = KERAMATI_2016.schedule(40, 1000, np.random.default_rng(1))["rewarded_state"]
    stays, hops = [], np.zeros((4, 4))
    for column in paying.T:
        ends = np.flatnonzero(np.diff(column))
        stays += list(np.diff(ends))
        np.add.at(hops, (column[ends], column[ends + 1]), 1)
    se = 1.98 / np.sqrt(len(stays))
    assert abs(np.mean(stays) - 5.02) < 4 * se
    assert np.std(stays) == pytest.approx(1.98, abs=0.05)
    assert (np.diag(hops) == 0).all()
    shares = hops[~np.eye(4, dtype=bool)] / hops.sum()
    assert np.abs(shares - 1 / 12).max() < 4 * np.sqrt(1 / 12 / hops.sum())


def test_places_that_an_option_cannot_reach() -> None:
    row = dict(participant="a", first_choice=0, second_state=0, second_choice=1, reward=0)
    frame = pd.DataFrame([{**row, "trial": 1 + i, "third_state": (3, 2)[i]} for i in (0, 1)])
    (problem,) = validate(frame, KERAMATI_2016)["problem"]
    assert problem == (
        "impossible transition in keramati-2016: second_choice 1 cannot lead to third_state 2"
    )


@pytest.mark.parametrize(
    ("switch", "message"),
    [
        ({"time_limit": 0}, "time_limit must be positive"),
        ({"common": 0.3}, "common"),
        ({"trials": 0}, "trials"),
        ({"stays": 0}, "stays must be"),
    ],
)
def test_settings_that_are_not_allowed(switch: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ThreeStep("a task", "here", **switch)
