"""Pruning: every sequence against a plain walk through the tree, and what pruning looks like."""

from itertools import product
from math import exp, log
from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.models import (
    DISCOUNT,
    FORWARD_HYBRID,
    LOOKAHEAD,
    PRUNING,
    PRUNING_WITH_SENSITIVITIES,
)
from metacontrol.models.engine import replay
from metacontrol.models.scoring import Scoring
from metacontrol.tasks import DAW_2011, HUYS_2012, HUYS_2012_140, Choices, PlanningTree

FREE = [p.name for p in PRUNING_WITH_SENSITIVITIES.free]
PLAIN = {"gamma_G": 1.0, "gamma_S": 1.0} | dict.fromkeys(FREE[3:], 1.0)
SETTINGS = [
    PLAIN | {"beta": 3.0},
    PLAIN | {"beta": 4.0, "gamma_G": 0.7, "gamma_S": 0.7},
    PLAIN | {"beta": 2.0, "gamma_G": 0.9, "gamma_S": 0.2},
    PLAIN | {"beta": 2.0, "gamma_G": 0.8, "gamma_S": 0.0, "rho_large_loss": 1.6},
    dict(zip(FREE, (2.0, 0.6, 0.3, 1.4, -0.5, 2.0), strict=True)),
]

Key = tuple[int, int, tuple[int, ...]]


def ways(task: PlanningTree) -> list[Key]:
    """Return every first state, depth and sequence of moves."""
    starts = product(range(len(task.moves)), task.depths)
    return [(s, d, moves) for s, d in starts for moves in product((0, 1), repeat=d)]


class Tree:
    """All sequences of a tree as trials of as many people, so that each has parameters."""

    def __init__(self, task: PlanningTree) -> None:
        self.task, self.ways = task, ways(task)
        start, depth, moves = zip(*self.ways, strict=True)
        number = [sum(m << i for i, m in enumerate(reversed(way))) for way in moves]
        columns = {"first_state": start, "depth": depth, "first_choice": number}
        frame = pd.DataFrame(columns).assign(trial=1, reward=0.0)
        frame.insert(0, "participant", [f"w{i}" for i in range(len(frame))])
        self.scoring = Scoring.of(PRUNING_WITH_SENSITIVITIES, Choices(frame, task))
        self.score = jax.jit(replay.log_likelihood(self.scoring.story, self.scoring.records))

    def logs(self, **theta: float) -> dict[Key, float]:
        """Return the log-probability of each sequence, by the model."""
        row = [theta[name] for name in self.scoring.story.coefficients]
        found = np.asarray(self.score(np.tile(row, (len(self.ways), 1))))
        return dict(zip(self.ways, found, strict=True))

    def total(self, key: Key) -> float:
        """Return what a sequence pays."""
        return sum(amount for amount in walked(self.task, key))


@pytest.fixture(scope="module")
def tree() -> Tree:
    return Tree(HUYS_2012)


def walked(task: PlanningTree, key: Key) -> list[float]:
    """Return what each move of a sequence pays."""
    state, _, moves = key
    paid = []
    for move in moves:
        paid.append(task.amounts[state][move])
        state = task.moves[state][move]
    return paid


def by_hand(task: PlanningTree, theta: dict[str, float]) -> dict[Key, float]:
    """Return log-probabilities by the formula, move by move (theory.md, B14)."""
    rho = {
        140: 1.0,
        20: theta["rho_small_gain"],
        -20: theta["rho_small_loss"],
        task.large_loss: theta["rho_large_loss"],
    }
    value = {}
    for key in ways(task):
        large = other = 0
        value[key] = 0.0
        for paid in walked(task, key):
            felt = rho[paid] * paid / 100
            value[key] += theta["gamma_G"] ** other * theta["gamma_S"] ** large * felt
            large, other = large + (paid == task.large_loss), other + (paid != task.large_loss)
    odds: dict[tuple[int, int], float] = {}
    for (state, depth, _), v in value.items():
        odds[state, depth] = odds.get((state, depth), 0.0) + exp(theta["beta"] * v)
    return {k: theta["beta"] * v - log(odds[k[:2]]) for k, v in value.items()}


@pytest.mark.parametrize("theta", SETTINGS, ids=["lookahead", "discount", "pruning", "never", "6"])
def test_every_sequence_is_as_likely_as_by_hand(tree: Tree, theta: dict[str, float]) -> None:
    expected = by_hand(HUYS_2012, theta)
    found = tree.logs(**theta)
    np.testing.assert_allclose(
        [found[key] for key in tree.ways], [expected[key] for key in tree.ways], rtol=1e-12
    )


def favourites(tree: Tree, depth: int, **theta: float) -> list[set[float]]:
    """Return what the likeliest sequences of a depth pay, for each first state."""
    logs = tree.logs(**PLAIN | {"beta": 5.0} | theta)
    found = []
    for state in range(6):
        here = {key: value for key, value in logs.items() if key[:2] == (state, depth)}
        top = max(here.values())
        found.append({tree.total(key) for key, value in here.items() if value > top - 1e-9})
    return found


@pytest.mark.parametrize("depth", HUYS_2012.depths)
def test_lookahead_likes_the_best_way_best(tree: Tree, depth: int) -> None:
    assert favourites(tree, depth) == [{total} for total in HUYS_2012.best_totals(depth)]


def test_who_never_looks_behind_a_large_loss_does_worse(tree: Tree) -> None:
    """theory.md, B14: totals from the six states at depth 3 with gamma_S = 0."""
    greedy = [100, -20, -20, -20, 100, 100]
    assert favourites(tree, 3, gamma_S=0.0) == [{total} for total in greedy]


def test_best_ways_through_a_large_loss_are_avoided_by_pruning_only(tree: Tree) -> None:
    """With gamma_S < gamma_G, other than by discounting, and the less the lower gamma_S."""

    def chance(**gammas: float) -> float:
        logs = tree.logs(**PLAIN | {"beta": 3.0} | gammas)
        return float(np.mean([exp(logs[key]) for key in through]))

    best = {(s, d): HUYS_2012.best_totals(d)[s] for s in range(6) for d in HUYS_2012.depths}
    ends_there = [k for k in tree.ways if tree.total(k) == best[k[:2]]]
    through = [k for k in ends_there if HUYS_2012.large_loss in walked(HUYS_2012, k)[:-1]]
    assert 0 < len(through) < len(ends_there)
    all_, half, none = (chance(gamma_G=0.9, gamma_S=g) for g in (0.9, 0.45, 0.0))
    assert chance(gamma_G=1.0, gamma_S=1.0) > all_ > half > none


def test_special_cases_are_pruning_with_parameters_fixed() -> None:
    assert [p.name for p in PRUNING.free] == ["beta", "gamma_G", "gamma_S"]
    assert DISCOUNT.complete({"beta": 2.0, "gamma_G": 0.4}) == {
        **PLAIN,
        "beta": 2.0,
        "gamma_G": 0.4,
        "gamma_S": 0.4,
    }
    assert LOOKAHEAD.complete({"beta": 2.0}) == {**PLAIN, "beta": 2.0}


def test_models_and_tasks_that_do_not_fit() -> None:
    assert PRUNING.misfit(DAW_2011) == "is a model of planning trees"
    with pytest.raises(ValueError, match="forward-hybrid cannot play huys-2012: it learns what"):
        FORWARD_HYBRID.must_play(HUYS_2012)


def test_a_group_with_another_loss() -> None:
    """-140 is what is pruned behind, and felt, in that group."""
    tree = Tree(HUYS_2012_140)
    theta: dict[str, Any] = SETTINGS[-1]
    expected, found = by_hand(HUYS_2012_140, theta), tree.logs(**theta)
    np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=1e-12)


@pytest.mark.slow
def test_pruning_is_recovered() -> None:
    rng = np.random.default_rng(3)
    true = pd.DataFrame(
        {
            "gamma_G": rng.uniform(0.4, 1.0, 60),
            "gamma_S": rng.uniform(0.0, 1.0, 60),
            "beta": np.exp(rng.normal(1.0, 0.5, 60)),
        }
    )
    data = mc.simulate(PRUNING, HUYS_2012, true, trials=100, seed=4)
    found = mc.fit(PRUNING, data, method="map", seed=5).parameters
    for name in true:
        assert np.corrcoef(true[name], found[name])[0, 1] > 0.7, name
