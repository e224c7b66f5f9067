"""The task of Lee, Shimojo & O'Doherty (2014): goals and chancy transitions that change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from metacontrol.tasks.graph import Graph, Stage, pick
from metacontrol.tasks.task import Cue


@dataclass(frozen=True)
class GoalTask(Graph):
    """Lee, Shimojo & O'Doherty (2014), Neuron 81:687, doi:10.1016/j.neuron.2013.11.028.

    Two choices lead to one of four coins, 40, 20, 10 and 0. The goal of a trial is shown: with a
    specific goal (`goal` 1 to 3) only that coin pays, with a flexible one (`goal` 0) every coin
    does. In blocks, goals are specific or flexible, and the first of the two places that an option
    may lead to is likely or only one of two equals (column `p_common`, not shown). Places are
    numbered from 0: second states 0 to 3 are the authors' 2 to 5, third states 0 to 3 their 6
    to 9. Before the task some 100 trials with goals of all kinds teach the transitions; they are
    not part of it.

    Parameters
    ----------
    name, source : str
        Name in `metacontrol tasks`, and where the settings are published.
    trials : int
        Number of trials for each participant when none is asked for. Published figures differ.
    common, uncertain : float
        Probability of the first place in blocks of low and of high uncertainty.
    blocks, uncertain_blocks : tuple of int
        Shortest and longest block of low and of high uncertainty, in trials.
    """

    name: str
    source: str
    trials: int = 320
    common: float = 0.9
    uncertain: float = 0.5
    blocks: tuple[int, int] = (3, 5)
    uncertain_blocks: tuple[int, int] = (5, 7)

    coins: ClassVar[tuple[float, ...]] = (40.0, 20.0, 10.0, 0.0)
    start_value: ClassVar[float] = 0.0
    stages: ClassVar[tuple[Stage, ...]] = (
        Stage("first_state", "first_choice", (((0, 1), (2, 3)),), "second_state"),
        Stage(
            "second_state",
            "second_choice",
            (((1, 2), (2, 3)), ((2, 3), (1, 3)), ((1, 0), (0, 3)), ((1, 3), (3, 0))),
            "third_state",
        ),
    )
    pays: ClassVar[tuple[float, float]] = (0.0, 40.0)
    cues: ClassVar[Mapping[str, Cue]] = {"first_state": Cue(states=1), "goal": Cue(states=4)}

    @property
    def about(self) -> str:
        """The settings in words."""
        return (
            f"two choices to one of 4 coins; goals specific or flexible, "
            f"common {self.common:g} or {self.uncertain:g}, in blocks"
        )

    def shown(self, see: Callable[[str], Any]) -> Sequence[Any]:
        """Return what each coin pays under the goal of the trial."""
        goal = see("goal")
        return [
            jnp.where((goal == 0) | (goal == i + 1), coin, 0.0) for i, coin in enumerate(self.coins)
        ]

    def _reward(self, trial: Mapping[str, Any]) -> Any:
        return pick(trial["third_state"], self.shown(trial.__getitem__))

    def schedule(self, participants: int, trials: int, rng: np.random.Generator) -> dict[str, Any]:
        """Draw goals and uncertainty: the four kinds of block in random order, again and again.

        Returns
        -------
        dict of str to array, shape (trials, participants)
        """
        lengths = (self.blocks, self.blocks, self.uncertain_blocks, self.uncertain_blocks)
        kinds = in_blocks(lengths, participants, trials, rng)
        specific = kinds % 2 == 0
        return {
            "goal": np.where(specific, rng.integers(1, 4, size=kinds.shape), 0).astype(np.int8),
            "p_common": np.where(kinds < 2, self.common, self.uncertain),
        }


def in_blocks(
    lengths: Sequence[tuple[int, int]], participants: int, trials: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw the kind of block of each trial: all kinds in random order, then all again.

    Parameters
    ----------
    lengths : sequence of (int, int)
        Shortest and longest block of each kind, in trials.

    Returns
    -------
    int array, shape (trials, participants)
    """
    kinds = np.empty((trials, participants), dtype=np.int8)
    for person in range(participants):
        filled = 0
        while filled < trials:
            for kind in rng.permutation(len(lengths)):
                length = rng.integers(lengths[kind][0], lengths[kind][1] + 1)
                kinds[filled : filled + length, person] = kind
                filled += length
    return kinds


LEE_2014 = GoalTask(
    name="lee-2014",
    source="Lee, Shimojo & O'Doherty (2014), doi:10.1016/j.neuron.2013.11.028",
)
