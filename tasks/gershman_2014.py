"""Retrospective revaluation under load and after rest (Gershman, Markman & Otto, 2014)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import inf
from typing import Any, ClassVar

import numpy as np

from metacontrol.tasks.graph import Graph, Stage, pick
from metacontrol.tasks.task import Cue

# First states: the choice between places A and B, or being placed at either.
_START = (((0, 0), (1, 1)), ((0, 0),), ((1, 1),))
# At A: end 0 or 1. At B: end 2 or 3.
_PLACES = (((0, 0), (1, 1)), ((2, 2), (3, 3)))


@dataclass(frozen=True)
class RetrospectiveRevaluation(Graph):
    """Gershman, Markman & Otto (2014), J Exp Psychol Gen 143:182, doi:10.1037/a0030844.

    A choice between places A and B leads to a choice between two ends of each, one of which pays.
    (1) All is learned from the choice between A and B on (`start_learning` trials), (2) then from
    A and B by themselves (`place_learning` trials): B pays more. (3) What A and B pay is swapped,
    and that is seen without ever choosing between them (`relearning` trials), under `load` for
    some people. (4) After `rest` for some people comes one test trial, the choice between A and B,
    which nothing is paid for: A is now right. First states count places: 0 the choice, 1 and 2
    being placed at A and B.

    The order of the phases and the two factors are the paper's; amounts, numbers of trials and
    lengths of rest are our choice, and so is crossing the factors.

    Parameters
    ----------
    name, source : str
        Name in `metacontrol tasks`, and where the design is published.
    start_learning, place_learning, relearning : int
        Trials of phases 1 to 3.
    loads : tuple of float
        Loads in phase 3, from 0 to 1 (column `load`).
    rests : tuple of float
        Rests before the test, in minutes (column `rest`, on the last trial of phase 3: rest after
        the trial). Each participant has one load and one rest; all pairs are dealt out evenly.
    amounts : tuple of float
        What the paying ends of A and of B pay at first.

    Raises
    ------
    ValueError
        If a length is below 1, or a load or rest is not allowed or there is none.
    """

    name: str
    source: str
    start_learning: int = 20
    place_learning: int = 10
    relearning: int = 10
    loads: tuple[float, ...] = (0.0, 1.0)
    rests: tuple[float, ...] = (0.0, 5.0)
    amounts: tuple[float, float] = (5.0, 10.0)
    common: float = 1.0

    newly_better: ClassVar[int] = 0
    start_value: ClassVar[float] = 0.0
    stages: ClassVar[tuple[Stage, ...]] = (
        Stage("first_state", "first_choice", _START, "second_state"),
        Stage("second_state", "second_choice", _PLACES, "third_state"),
    )
    cues: ClassVar[Mapping[str, Cue]] = {
        "first_state": Cue(states=3),
        "load": Cue(low=0.0, high=1.0),
        "rest": Cue(low=0.0),
    }

    def __post_init__(self) -> None:
        for name in ("start_learning", "place_learning", "relearning"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, got {getattr(self, name)}")
        for name, high in (("loads", 1.0), ("rests", inf)):
            values = getattr(self, name)
            if not values or not all(0 <= value <= high for value in values):
                raise ValueError(
                    f"{name} must be one or more numbers from 0 to {high:g}, got {values}"
                )

    @property
    def pays(self) -> tuple[float, float]:
        """Smallest and largest reward."""
        return 0.0, max(self.amounts)

    @property
    def learning(self) -> int:
        """Trials before anything changes."""
        return self.start_learning + self.place_learning

    @property
    def trials(self) -> int:
        """Trials of learning and relearning, and the test."""
        return self.learning + self.relearning + 1

    @property
    def about(self) -> str:
        """The settings in words."""
        loads, rests = (" or ".join(f"{x:g}" for x in xs) for xs in (self.loads, self.rests))
        return (
            f"two choices to one of 4 ends, certain; what places pay is swapped after "
            f"{self.learning} trials, {self.relearning} to learn it under load {loads}, "
            f"then {rests} minutes of rest and 1 unpaid test"
        )

    def _reward(self, trial: Mapping[str, Any]) -> Any:
        return pick(trial["third_state"], [trial[f"end_{end}_pays"] for end in range(4)])

    def schedule(self, participants: int, trials: int, rng: np.random.Generator) -> dict[str, Any]:
        """Deal out load and rest, and draw the order of places in phases 2 and 3.

        Returns
        -------
        dict of str to array, shape (trials, participants)
        """
        number = np.arange(trials)
        after, rested = number >= self.learning, number == self.trials - 2
        test = number >= self.trials - 1
        places = np.where((number < self.start_learning) | test, 0, 1 + number % 2)
        start = np.repeat(places[:, None], participants, axis=1)
        for phase in ((number >= self.start_learning) & ~after, after & ~test):
            start[phase] = rng.permuted(start[phase], axis=0)
        groups = np.array(list(product(self.loads, self.rests)))
        load, rest = groups[rng.permutation(participants) % len(groups)].T
        low, high = self.amounts
        at_a, at_b = np.where(after, high, low), np.where(after, low, high)
        paid = np.stack([at_a, 0 * at_a, 0 * at_b, at_b]) * ~test
        return {
            "first_state": start.astype(np.int8),
            "load": (after & ~test)[:, None] * load,
            "rest": rested[:, None] * rest,
            **{
                f"end_{end}_pays": np.repeat(amount[:, None], participants, axis=1)
                for end, amount in enumerate(paid)
            },
        }


GERSHMAN_2014 = RetrospectiveRevaluation(
    name="gershman-2014",
    source="Gershman, Markman & Otto (2014), doi:10.1037/a0030844",
)
