"""The planning tree: its best ways, its sequences as numbers, its choices read and checked."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from metacontrol.models import MODELS
from metacontrol.models.pruning import Pruning
from metacontrol.tasks import (
    HUYS_2012,
    HUYS_2012_100,
    HUYS_2012_140,
    TASKS,
    PlanningTree,
    moves_of,
    read_choices,
    sequence_number,
    validate,
)

GROUPS = (HUYS_2012, HUYS_2012_100, HUYS_2012_140)

# theory.md, A12: by the authors' numbers, where each state's two moves lead and what they pay.
AUTHORS: dict[int, Any] = {
    1: ((2, 140), (4, 20)),
    2: ((3, -20), (5, "large loss")),
    3: ((6, "large loss"), (4, -20)),
    4: ((2, 20), (5, -20)),
    5: ((1, "large loss"), (6, -20)),
    6: ((3, 20), (1, -20)),
}
BEST = {  # theory.md, A12: the best totals from states 1 to 6, by depth
    2: (120, -40, 0, 0, 70, 120),
    3: (100, 0, 50, 50, 100, 100),
    4: (140, 30, 30, 80, 80, 80),
    5: (170, 10, 60, 60, 70, 120),
    6: (150, 40, 50, 50, 100, 150),
}


def walked(task: PlanningTree, state: int, moves: tuple[int, ...]) -> float:
    """Sum what moves pay from a state (from 0), by the authors' table."""
    total = 0.0
    for move in moves:
        next_state, pays = AUTHORS[state + 1][move]
        total += task.large_loss if isinstance(pays, str) else pays
        state = next_state - 1
    return total


@pytest.mark.parametrize("depth", BEST)
def test_best_totals(depth: int) -> None:
    assert HUYS_2012.best_totals(depth) == BEST[depth]


@pytest.mark.parametrize("task", GROUPS, ids=lambda task: task.name)
def test_totals_are_those_of_walking_every_way(task: PlanningTree) -> None:
    low, high = np.inf, -np.inf
    for depth in task.depths:
        ways = list(product((0, 1), repeat=depth))
        totals = [[walked(task, state, way) for way in ways] for state in range(6)]
        assert task.best_totals(depth) == tuple(map(max, totals))
        for state in range(6):
            found = task.total(np.full(len(ways), state), depth, np.arange(len(ways)))
            np.testing.assert_array_equal(found, totals[state])
        low, high = min(low, np.min(totals)), max(high, np.max(totals))
    assert task.pays == (low, high)


def test_every_move_counts_once() -> None:
    """140, then -20 from state 1; and the same with a way that is missing."""
    way = sequence_number([[0, 0, np.nan], [0, np.nan, 1]], [2, 3])
    assert HUYS_2012.total(0, 2, way[0]) == 120
    assert np.isnan(HUYS_2012.total(0, 3, way[1]))


@pytest.mark.parametrize("depth", [1, 3, 5])
def test_moves_and_their_number(depth: int) -> None:
    ways = np.array(list(product((0, 1), repeat=depth)))
    number = sequence_number(ways, np.full(len(ways), depth))
    np.testing.assert_array_equal(number, range(2**depth))
    np.testing.assert_array_equal(moves_of(number, np.full(len(ways), depth)), ways)


def test_moves_that_cannot_be_numbered() -> None:
    with pytest.raises(ValueError, match="moves must be 0 or 1, got 2"):
        sequence_number([[1, 2, 1]], [3])
    with pytest.raises(ValueError, match="4 moves need as many columns, got 3"):
        sequence_number([[1, 0, 1], [1, 0, 1]], [3, 4])


def test_only_sequences_of_the_depth_are_open() -> None:
    for depth in HUYS_2012.depths:
        masks = np.reshape(HUYS_2012.open("first_choice", {"depth": depth}.__getitem__), (6, -1))
        assert (masks == (np.arange(32) < 2**depth)).all()


def test_first_states_and_depths_are_drawn_together_and_evenly() -> None:
    columns = HUYS_2012.schedule(3, HUYS_2012.trials, np.random.default_rng(1))
    for start, depth in zip(columns["first_state"].T, columns["depth"].T, strict=True):
        pairs, counts = np.unique([start, depth], axis=1, return_counts=True)
        assert pairs.shape == (2, 18)
        assert set(counts) == {6}
    assert not (columns["depth"][:, 0] == columns["depth"][:, 1]).all()


def people() -> pd.DataFrame:
    """Four trials of a person, as an experiment might have them: the last one was missed."""
    return pd.DataFrame(
        {
            "participant": "a",
            "first_state": [0, 1, 5, 2],
            "depth": [3, 4, 5, 3],
            "move_1": [0, 1, 0, 1],
            "move_2": [1, 0, 0, np.nan],
            "move_3": [1, 0, 1, np.nan],
            "move_4": [np.nan, 1, 1, np.nan],
            "move_5": [np.nan, np.nan, 0, np.nan],
        }
    )


def with_choices(frame: pd.DataFrame) -> pd.DataFrame:
    way = sequence_number(frame.filter(like="move_"), frame["depth"])
    reward = HUYS_2012.total(frame["first_state"], frame["depth"], way)
    return frame.assign(first_choice=way, reward=np.asarray(reward))


def test_people_with_a_column_for_each_move() -> None:
    data = read_choices(with_choices(people()), HUYS_2012)
    assert data.complete.tolist() == [True, True, True, False]
    done = data.frame[data.complete]
    assert done["first_choice"].tolist() == [0b011, 0b1001, 0b00110]
    # 0 to 1 to 4 to 5: 140 - 70 - 20. 1 to 4 to 0 to 1 to 4: -70 - 70 + 140 - 70.
    # 5 to 2 to 5 to 0 to 3 to 1: 20 - 70 - 20 + 20 + 20.
    assert done["reward"].tolist() == [50, -70, -30]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("first_choice", 8, "first_choice 8 was not open"),
        ("depth", 6, "depth must be from 3 to 5, got 6"),
        ("first_state", 6, "first_state must be 0 or 1 or 2 or 3 or 4 or 5, got 6"),
        ("reward", 180, "reward must be from -210 to 170 in huys-2012, got 180"),
    ],
)
def test_what_cannot_have_been(column: str, value: float, message: str) -> None:
    frame = with_choices(people())
    frame.loc[0, column] = value
    (problem,) = validate(frame, HUYS_2012)["problem"]
    assert problem == message


def test_the_first_state_must_be_there() -> None:
    (problem,) = validate(with_choices(people()).drop(columns="first_state"), HUYS_2012)["problem"]
    assert "there is no column 'first_state'" in problem


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"depths": ()}, r"depths must be from 1 to 7, got \(\)"),
        ({"depths": (3, 8)}, r"depths must be from 1 to 7, got \(3, 8\)"),
        ({"large_loss": -20.0}, "large_loss must be below -20, got -20.0"),
        ({"trials": 0}, "trials must be 1 or more, got 0"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(HUYS_2012, **settings)


def test_who_plays_what() -> None:
    """Only the models of planning trees play one, and they play nothing else."""
    for model, task in product(MODELS, TASKS):
        if isinstance(model, Pruning) != isinstance(task, PlanningTree):
            assert model.misfit(task)
    assert {m.name for m in MODELS if not m.misfit(HUYS_2012)} == {
        m.name for m in MODELS if isinstance(m, Pruning)
    }
