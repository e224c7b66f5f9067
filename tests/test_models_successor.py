"""The successor representation and the default policy: what each knows after a change."""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.models import (
    DEFAULT_POLICY,
    DYNA,
    FORWARD_HYBRID,
    SUCCESSOR,
    SUCCESSOR_OF_POLICY,
    SUCCESSOR_REPLAYED,
    Model,
)
from metacontrol.models.default_policy import log_sums, soft_plan
from metacontrol.models.engine.listeners import Replay
from metacontrol.models.stages import beliefs
from metacontrol.tasks import DAW_2005, MOMENNEJAD_2017, Graph, Stage

ALIKE = {"alpha_plan": 0.9, "beta": 10.0, "p": 0.0}
# theory.md, B9: who passes which change of the world.
TABLE: dict[str, tuple[Model, dict[str, float], dict[str, bool]]] = {
    "habit": (
        FORWARD_HYBRID,
        {"alpha_habit": 0.3, "w": 0.0},
        {"reward": False, "transition": False, "policy": False},
    ),
    "SR-TD": (
        SUCCESSOR,
        {"alpha_sr": 0.5, "w": 0.0},
        {"reward": True, "transition": False, "policy": False},
    ),
    "SR-MB": (
        SUCCESSOR_OF_POLICY,
        {"alpha_policy": 0.5, "w": 0.0},
        {"reward": True, "transition": True, "policy": False},
    ),
    "SR-Dyna, many": (
        SUCCESSOR_REPLAYED,
        {"alpha_sr": 0.5, "k_replay": 300.0, "w": 0.0},
        {"reward": True, "transition": True, "policy": True},
    ),
    "SR-Dyna, few": (
        SUCCESSOR_REPLAYED,
        {"alpha_sr": 0.5, "k_replay": 0.3, "w": 0.0},
        {"reward": True, "transition": False, "policy": False},
    ),
    "Dyna-Q, many": (
        DYNA,
        {"alpha_habit": 0.3, "k_replay": 300.0, "load_effect": 0.0, "k_rest": 0.0},
        {"reward": True, "transition": True, "policy": True},
    ),
    "Dyna-Q, few": (
        DYNA,
        {"alpha_habit": 0.3, "k_replay": 0.1, "load_effect": 0.0, "k_rest": 0.0},
        {"reward": False, "transition": False, "policy": False},
    ),
    "planning": (
        SUCCESSOR,
        {"alpha_sr": 0.5, "w": 1.0},
        {"reward": True, "transition": True, "policy": True},
    ),
}


def switched(
    model: Model, theta: dict[str, float], people: int = 300, learning: int = 390
) -> dict[str, float]:
    """Return the share of people who choose place A in the test, where B was right, by change.

    All changes are played at once: the tasks differ in their schedules only. In the paper caches
    are what they would come to be; people learn ten times as long here, and not so sure of
    themselves that they never come to A.
    """
    columns: list[pd.DataFrame] = []
    for change, kind in MOMENNEJAD_2017.items():
        task = replace(kind, learning=learning)
        drawn = task.schedule(people, task.trials, np.random.default_rng(1))
        names = np.repeat([f"{change} {i}" for i in range(people)], task.trials)
        grids = {name: grid.T.ravel() for name, grid in drawn.items()}
        columns.append(pd.DataFrame({"participant": names, "change": change, **grids}))
    schedule = pd.concat(columns, ignore_index=True)
    crowd = pd.DataFrame([theta] * 4 * people).assign(participant=schedule["participant"].unique())
    data = mc.simulate(model, task, crowd, seed=1, schedule=schedule.drop(columns="change"))
    frame = data.frame.assign(change=schedule["change"])
    learned = frame["trial"].between(learning - 9, learning) & (frame["first_state"] == 0)
    assert frame.loc[learned, "first_choice"].mean() > 0.8
    tested = frame[frame["trial"] == task.trials]
    return dict(1 - tested.groupby("change")["first_choice"].mean())


@pytest.mark.parametrize("who", TABLE)
def test_who_passes(who: str) -> None:
    """theory.md, B9: those who pass go to A in the test, those who fail to B as before."""
    model, theta, passes = TABLE[who]
    found = switched(model, ALIKE | theta)
    for change, expected in passes.items():
        assert found[change] > 0.7 if expected else found[change] < 0.2, (change, found)
    assert found["control"] < 0.1


def test_order_of_revaluation() -> None:
    """theory.md, D10: reward > transition ~ policy > control, half planning and half cache."""
    theta = {**ALIKE, "alpha_sr": 0.2, "beta": 8.0, "w": 0.5}
    found = switched(SUCCESSOR, theta, people=1000)
    assert found["reward"] > found["transition"] + 0.1, found
    assert found["reward"] > found["policy"] + 0.1
    assert found["transition"] == pytest.approx(found["policy"], abs=0.1)
    assert min(found["transition"], found["policy"]) > found["control"] + 0.2


@dataclass(frozen=True)
class Tree(Graph):
    """The tree 1 -> {2, 3}, 2 -> {4, 5}, 3 -> {5, 6} of theory.md, B13."""

    name: str = "tree"
    common: float = 1.0
    stages: ClassVar[Any] = (
        Stage("first_state", "first_choice", (((0, 0), (1, 1)),), "second_state"),
        Stage("second_state", "second_choice", (((0, 0), (1, 1)), ((1, 1), (2, 2))), "third_state"),
    )
    pays: ClassVar[Any] = (0.0, 10.0)
    cues: ClassVar[Any] = {}


@pytest.mark.parametrize(
    ("worth", "values", "to_second", "to_fourth"),
    [
        ((15, 0, 30), (18.934, 10.083, 23.554), 1 - 0.7937, 0.8176),
        ((45, 0, 30), (33.331, 38.179, 23.554), 0.8119, None),
    ],
)
def test_values_of_the_tree(worth: Any, values: Any, to_second: float, to_fourth: Any) -> None:
    """theory.md, B13: lambda 10, the default chooses evenly."""
    tree: Any = Tree()
    t = Replay(tree, {})
    mind = DEFAULT_POLICY.start(
        SimpleNamespace(stages=tree.stages, ends=3, pays=(0.0, 1.0), start_value=0.0, common=1.0),
        None,
    )
    in_lambdas = mind.worth.of(*(x / 10 for x in worth))
    first, second = soft_plan(t, beliefs(tree), in_lambdas, mind.log_defaults)
    places = log_sums(second - np.log(2)).cells
    start = log_sums(first - np.log(2)).cells[0]
    np.testing.assert_allclose([10 * float(x) for x in (start, *places)], values, atol=5e-4)
    chance = np.exp(np.array(first[0].cells, float))
    assert chance[0] / chance.sum() == pytest.approx(to_second, abs=5e-5)
    if to_fourth is not None:
        chance = np.exp(np.array(second[0].cells, float))
        assert chance[0] / chance.sum() == pytest.approx(to_fourth, abs=5e-5)


def test_the_default_is_what_was_done() -> None:
    theta = pd.DataFrame([{"beta": 0.0, "alpha_plan": 0.1, "alpha_habit": 0.2}], index=["s1"])
    data = mc.simulate(DEFAULT_POLICY, DAW_2005, theta, trials=40, seed=1)
    seen = mc.latents(DEFAULT_POLICY, data, theta)
    chance = np.array([0.5, 0.5])
    for option, noted in zip(data.frame["first_choice"], seen["first_default"], strict=True):
        assert noted == pytest.approx(chance[int(option)], rel=1e-9)
        chance += 0.2 * (np.eye(2)[int(option)] - chance)
    logs = np.log(seen["first_default"])
    np.testing.assert_allclose(seen["log_probability_first_choice"], logs, rtol=1e-9)
