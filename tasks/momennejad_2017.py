"""Revaluation of rewards, of transitions or of the later policy (Momennejad et al., 2017)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from metacontrol.tasks.graph import Graph, Stage, pick
from metacontrol.tasks.task import Cue

Change = Literal["reward", "transition", "policy", "control"]

# First states: the choice between places A and B, being placed at either, or at an end.
_START = (((0, 0), (1, 1)), ((0, 0),), ((1, 1),), ((2, 2),), ((3, 3),), ((4, 4),))
# At A: end 0 (end 2 once transitions have changed), or 1. At B: end 1, or 2 (then 0).
_PLACES = (((0, 2), (1, 1)), ((1, 1), (2, 0)), ((0, 0),), ((1, 1),), ((2, 2),))

# Watched: the two chains, or being placed at A or B; A and B lead to an end each, later the other.
_CHAINS = (((0, 0), (1, 1)), ((0, 0),), ((1, 1),))
_LINKS = (((0, 1),), ((1, 0),))

PROBE_EVERY = 5  # trials of learning from chains that are watched


@dataclass(frozen=True)
class Revaluation(Graph):
    """Momennejad et al. (2017), Nat Hum Behav 1:680, doi:10.1038/s41562-017-0180-8, Experiment 2.

    A choice between places A and B leads to a choice between ends 0 and 1, or 1 and 2. First, all
    is learned (`learning` trials from all places; the ends pay 15, 0 and 30, or 0, 15 and 30 where
    the policy is to change). Then something changes, and it is seen without ever choosing between
    A and B (`relearning` trials): end 0 comes to pay 45 ("reward"; "policy", where it was not
    worth going to before), end 2 can be reached from A only and end 0 from B ("transition"), or
    end 2 comes to pay 45 ("control"). In one test trial people choose between A and B: A is now
    right but in "control". First states count places: 0 the choice, 1 and 2 being placed at A and
    B, 3 to 5 at the ends.

    Parameters
    ----------
    name, source : str
        Name in `metacontrol tasks`, and where the settings are published.
    change : {"reward", "transition", "policy", "control"}
        What changes.
    learning, relearning : int
        Trials before and after the change.
    """

    name: str
    source: str
    change: Change = "reward"
    learning: int = 39
    relearning: int = 9
    common: float = 1.0

    newly_better: ClassVar[int] = 0
    start_value: ClassVar[float] = 0.0
    stages: ClassVar[tuple[Stage, ...]] = (
        Stage("first_state", "first_choice", _START, "second_state"),
        Stage("second_state", "second_choice", _PLACES, "third_state"),
    )
    pays: ClassVar[tuple[float, float]] = (0.0, 45.0)
    cues: ClassVar[Mapping[str, Cue]] = {"first_state": Cue(states=6)}

    @property
    def uncertain(self) -> float:
        """Probability of the common move once transitions have changed, if they do."""
        return 0.0 if self.change == "transition" else 1.0

    @property
    def trials(self) -> int:
        """Trials of learning and relearning, and the test."""
        return self.learning + self.relearning + 1

    @property
    def about(self) -> str:
        """The settings in words."""
        changed = "nothing of weight" if self.change == "control" else f"the {self.change}"
        return (
            f"two choices to one of 3 ends, certain; {changed} changes after {self.learning} "
            f"trials, {self.relearning} to learn it, then 1 test"
        )

    def _reward(self, trial: Mapping[str, Any]) -> Any:
        return pick(trial["third_state"], [trial[f"end_{end}_pays"] for end in range(self.ends)])

    def schedule(self, participants: int, trials: int, rng: np.random.Generator) -> dict[str, Any]:
        """Draw the places that trials start from, in random order within each phase.

        Returns
        -------
        dict of str to array, shape (trials, participants)
        """
        number = np.arange(trials)
        after = number >= self.learning
        learned = [0] * 15 + [1] * 9 + [2] * 9 + [3, 4, 5] * 2
        later = [1, 2, 1, 2, 1, 2, 3, 4, 5] if self.change == "transition" else [3, 4, 5]
        places = np.resize(learned, trials)
        places[after] = np.resize(later, after.sum())
        test = number == self.learning + self.relearning
        start = np.repeat(places[:, None], participants, axis=1)
        for phase in (~after, after & ~test):
            start[phase] = rng.permuted(start[phase], axis=0)
        start[test] = 0
        before, new = {
            "reward": ((15, 0, 30), (45, 0, 30)),
            "transition": ((15, 0, 30), (15, 0, 30)),
            "policy": ((0, 15, 30), (45, 15, 30)),
            "control": ((15, 0, 30), (15, 0, 45)),
        }[self.change]
        moved = after & (self.change == "transition")

        def column(values: np.ndarray) -> np.ndarray:
            return np.repeat(values[:, None], participants, axis=1).astype(float)

        paid = {f"end_{i}_pays": column(np.where(after, new[i], before[i])) for i in range(3)}
        return {"first_state": start.astype(np.int8), "p_common": column(~moved), **paid}


@dataclass(frozen=True)
class PassiveRevaluation(Revaluation):
    """Momennejad et al. (2017), Nat Hum Behav 1:680, doi:10.1038/s41562-017-0180-8, Experiment 1.

    Two chains are watched: the first leads by place A to end 0, which pays 10, the second by place
    B to end 1, which pays 1. While all is learned every fifth trial asks for a preference. Then
    trials begin at A and B, and something changes: what the ends pay is swapped ("reward"), or
    where A and B lead ("transition"), or nothing ("control"). In the test people prefer one of the
    chains: the second is now right but in "control". Of first states 0 is the start of the chains
    (`told_first` is the chain shown, -1 where one is preferred), 1 and 2 are being placed at A and
    B.

    Differences from the paper: a preference is a choice, after which that chain is watched, where
    people rated both; learning has a fixed length, not three right preferences in a row; numbers
    of trials are our choice.

    Parameters
    ----------
    name, source : str
        Name in `metacontrol tasks`, and where the settings are published.
    change : {"reward", "transition", "control"}
        What changes.
    learning, relearning : int
        Trials before and after the change.

    Raises
    ------
    ValueError
        If the policy is to change, of which chains have none.
    """

    learning: int = 20
    relearning: int = 10

    newly_better: ClassVar[int] = 1
    stages: ClassVar[tuple[Stage, ...]] = (
        Stage("first_state", "first_choice", _CHAINS, "second_state"),
        Stage("second_state", "second_choice", _LINKS, "third_state"),
    )
    pays: ClassVar[tuple[float, float]] = (1.0, 10.0)
    cues: ClassVar[Mapping[str, Cue]] = {
        "first_state": Cue(states=3),
        "told_first": Cue(low=-1, high=1),
    }

    def __post_init__(self) -> None:
        if self.change not in (allowed := ("reward", "transition", "control")):
            raise ValueError(f"change must be one of {', '.join(allowed)}, got {self.change!r}")

    @property
    def about(self) -> str:
        """The settings in words."""
        changed = "nothing" if self.change == "control" else f"the {self.change}"
        return (
            f"two chains watched, certain; {changed} changes after {self.learning} trials, "
            f"{self.relearning} to learn it, then 1 test"
        )

    def open(self, choice: str, see: Callable[[str], Any]) -> Sequence[Any] | None:
        """Return the chain that is told, or both; being placed leaves no choice."""
        if choice == "second_choice":
            return None
        told = see("told_first")
        return [(told < 0) | (told == 0), (told < 0) | (told == 1), True, False, True, False]

    def schedule(self, participants: int, trials: int, rng: np.random.Generator) -> dict[str, Any]:
        """Draw the order of chains while learning, and of places after the change.

        Returns
        -------
        dict of str to array, shape (trials, participants)
        """
        number = np.arange(trials)
        after = number >= self.learning
        test = number == self.learning + self.relearning
        asked = ~after & (number % PROBE_EVERY == PROBE_EVERY - 1)
        order = np.repeat((number % 2)[:, None], participants, axis=1)
        for phase in (~after & ~asked, after & ~test):
            order[phase] = rng.permuted(order[phase], axis=0)
        placed = (after & ~test)[:, None]
        told = np.where(placed | (asked | test)[:, None], -1, order)
        ten_first = ~(after & (self.change == "reward"))
        moved = after & (self.change == "transition")

        def column(values: np.ndarray) -> np.ndarray:
            return np.repeat(values[:, None], participants, axis=1).astype(float)

        return {
            "first_state": np.where(placed, 1 + order, 0).astype(np.int8),
            "told_first": told.astype(np.int8),
            "p_common": column(~moved),
            "end_0_pays": column(np.where(ten_first, 10, 1)),
            "end_1_pays": column(np.where(ten_first, 1, 10)),
        }


_SOURCE = "Momennejad et al. (2017), doi:10.1038/s41562-017-0180-8"

MOMENNEJAD_2017 = {
    change: Revaluation(f"momennejad-2017-{change}", _SOURCE, change)
    for change in ("reward", "transition", "policy", "control")
}

MOMENNEJAD_2017_PASSIVE = {
    change: PassiveRevaluation(f"momennejad-2017-passive-{change}", _SOURCE, change)
    for change in ("reward", "transition", "control")
}
