"""The successor representation and the default policy: what each knows after a change."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.models import DEFAULT_POLICY, SUCCESSOR
from metacontrol.models.default_policy import log_sums, soft_plan
from metacontrol.models.engine.listeners import Replay
from metacontrol.models.stages import beliefs
from metacontrol.tasks import DAW_2005, MOMENNEJAD_2017, Graph, Stage


def switched(w: float, people: int = 400) -> dict[str, float]:
    """Return the share of people who choose place A in the test, by what changed."""
    theta = {"alpha_sr": 0.5, "alpha_plan": 0.9, "beta": 30.0, "p": 0.0, "w": w}
    crowd, found = pd.DataFrame([theta] * people), {}
    for change, task in MOMENNEJAD_2017.items():
        frame = mc.simulate(SUCCESSOR, task, crowd, seed=1).frame
        learned = frame["trial"].between(30, 39) & (frame["first_state"] == 0)
        assert frame.loc[learned, "first_choice"].mean() > 0.9  # B is right at first
        found[change] = 1 - frame.loc[frame["trial"] == task.trials, "first_choice"].mean()
    return found


def test_revaluation() -> None:
    """theory.md, B9 and D10: planning passes all, the cache rewards only, their mixture between."""
    cache, mixed, planner = (switched(w) for w in (0.0, 0.5, 1.0))
    assert min(planner[c] for c in ("reward", "transition", "policy")) > 0.9
    assert cache["reward"] > cache["policy"] + 0.1
    assert cache["transition"] < 0.1
    assert mixed["reward"] > mixed["policy"] > mixed["transition"] > mixed["control"] + 0.1
    assert max(found["control"] for found in (cache, mixed, planner)) < 0.05


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
