"""Lever and magazine (Daw, Niv & Dayan, 2005): outcome devaluation after little or much training.

One presses the lever, which delivers food, and then enters the magazine, where the food is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from metacontrol.tasks.graph import Graph, Stage
from metacontrol.tasks.task import Cue


@dataclass(frozen=True)
class LeverTask(Graph):
    """Daw, Niv & Dayan (2005), Nat Neurosci 8:1704, doi:10.1038/nn1560.

    At first there are one or two levers, the options 0 (and 1), and the magazine, the last option.
    A lever delivers its food; entering the magazine (option 1) then brings it and a reward of 1,
    pressing again (option 0) brings nothing, and neither does entering at once. After `training`
    trials the food of the first lever is known to be worth nothing (`devalued` 1), and the test
    begins, in which no food is paid. Pressing is the distal action, entering the proximal one.

    Parameters
    ----------
    name, source : str
        Name in `metacontrol tasks`, and where the settings are published.
    training, test : int
        Trials before and after devaluation.
    levers : {1, 2}
        Number of levers, each with a food of its own.
    """

    name: str
    source: str
    training: int = 100
    test: int = 10
    levers: int = 1

    common: float = 1.0
    responses: ClassVar[int] = 1  # pressing the first lever
    start_value: ClassVar[float] = 0.0
    pays: ClassVar[tuple[float, float]] = (0.0, 1.0)
    cues: ClassVar[Mapping[str, Cue]] = {"first_state": Cue(states=1), "devalued": Cue(states=2)}

    @property
    def trials(self) -> int:
        """Trials of training and test."""
        return self.training + self.test

    @property
    def stages(self) -> tuple[Stage, ...]:
        """First a lever or the magazine; then, with food delivered, the lever or the magazine."""
        first = (tuple((place, place) for place in range(self.levers + 1)),)
        fed = tuple(((0, 0), (lever + 1, lever + 1)) for lever in range(self.levers))
        return (
            Stage("first_state", "first_choice", first, "second_state"),
            Stage("second_state", "second_choice", (*fed, ((0, 0),)), "third_state"),
        )

    @property
    def ends_pay(self) -> tuple[str, ...]:
        """What each end pays, in words."""
        return ("pays 0", *["pays 1"] * self.levers)

    @property
    def about(self) -> str:
        """The settings in words."""
        levers = "1 lever" if self.levers == 1 else f"{self.levers} levers"
        return (
            f"{levers} and a magazine; food devalued after {self.training} trials, "
            f"{self.test} test trials"
        )

    def devalued(self, see: Callable[[str], Any]) -> Sequence[Any]:
        """Return 1 for the food of the first lever once it is devalued."""
        return [0, see("devalued"), *([0] * (self.levers - 1))]

    def _reward(self, trial: Mapping[str, Any]) -> Any:
        return (trial["third_state"] > 0) * (1.0 - trial["devalued"])

    def schedule(self, participants: int, trials: int, rng: np.random.Generator) -> dict[str, Any]:
        """Return which trials come after devaluation; without `trials` of training, all do.

        Returns
        -------
        dict of str to array, shape (trials, participants)
        """
        after = np.arange(trials) >= self.training
        return {"devalued": np.repeat(after[:, None], participants, axis=1).astype(np.int8)}


_SOURCE = "Daw, Niv & Dayan (2005), doi:10.1038/nn1560"

DAW_2005 = LeverTask(name="daw-2005", source=_SOURCE)

DAW_2005_TWO_LEVERS = LeverTask(name="daw-2005-two-levers", source=_SOURCE, levers=2)
