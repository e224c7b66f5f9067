"""The task of Gläscher, Daw, Dayan & O'Doherty (2010): latent learning of transitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from metacontrol.tasks.graph import Graph, Stage, pick
from metacontrol.tasks.task import Cue


@dataclass(frozen=True)
class LatentLearning(Graph):
    """Gläscher, Daw, Dayan & O'Doherty (2010), Neuron 66:585, doi:10.1016/j.neuron.2010.04.016.

    Two choices lead to one of three places. In a first session the choices are told (`told_first`
    and `told_second` hold the option, -1 where one is free) and nothing pays; then participants
    learn what each place pays (`rewards_known` 1) and choose. Whoever learned the transitions
    chooses well at once; habit starts at chance. Places are numbered from 0: second states 0 to 3
    are the authors' 2 to 5, third states 0 to 2 their 6 to 8.

    Parameters
    ----------
    name, source : str
        Name in `metacontrol tasks`, and where the settings are published.
    trials : int
        Number of trials for each participant when none is asked for.
    told_trials : int
        Length of the first session.
    common : float
        Probability of the common place.
    """

    name: str
    source: str
    trials: int = 160
    told_trials: int = 80
    common: float = 0.7

    values: ClassVar[tuple[float, ...]] = (0.25, 0.10, 0.0)
    start_value: ClassVar[float] = 0.0
    stages: ClassVar[tuple[Stage, ...]] = (
        Stage("first_state", "first_choice", (((0, 1), (2, 3)),), "second_state"),
        Stage(
            "second_state",
            "second_choice",
            (((1, 2), (2, 1)), ((2, 1), (2, 0)), ((0, 2), (1, 2)), ((2, 1), (2, 0))),
            "third_state",
        ),
    )
    pays: ClassVar[tuple[float, float]] = (0.0, 0.25)
    cues: ClassVar[Mapping[str, Cue]] = {
        "first_state": Cue(states=1),
        "told_first": Cue(low=-1, high=1),
        "told_second": Cue(low=-1, high=1),
        "rewards_known": Cue(states=2),
    }

    @property
    def about(self) -> str:
        """The settings in words."""
        return (
            f"two choices to one of 3 places, common {self.common:g}; "
            f"{self.told_trials} trials told and unpaid, then free"
        )

    def shown(self, see: Callable[[str], Any]) -> Sequence[Any]:
        """Return what each place is known to pay."""
        return [value * see("rewards_known") for value in self.values]

    def open(self, choice: str, see: Callable[[str], Any]) -> Sequence[Any] | None:
        """Return the option that is told, or all."""
        told = see("told_first" if choice == "first_choice" else "told_second")
        return [(told < 0) | (told == option) for option in (0, 1)] * self.stage(choice).states

    def _reward(self, trial: Mapping[str, Any]) -> Any:
        return pick(trial["third_state"], self.shown(trial.__getitem__))

    def schedule(self, participants: int, trials: int, rng: np.random.Generator) -> dict[str, Any]:
        """Draw what is told: each pair of options equally often, in random order.

        Returns
        -------
        dict of str to array, shape (trials, participants)
        """
        known = np.arange(trials) >= self.told_trials
        order = np.repeat(np.arange(trials)[:, None] % 4, participants, axis=1)
        order[~known] = rng.permuted(order[~known], axis=0)
        order[known] = -1
        return {
            "told_first": np.where(order < 0, -1, order // 2).astype(np.int8),
            "told_second": np.where(order < 0, -1, order % 2).astype(np.int8),
            "rewards_known": np.repeat(known[:, None], participants, axis=1).astype(np.int8),
        }


GLASCHER_2010 = LatentLearning(
    name="glascher-2010",
    source="Gläscher, Daw, Dayan & O'Doherty (2010), doi:10.1016/j.neuron.2010.04.016",
)
