"""Revaluation of rewards, of transitions or of the later policy (Momennejad et al., 2017)."""

from __future__ import annotations

from collections.abc import Mapping
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
        return pick(trial["third_state"], [trial[f"end_{end}_pays"] for end in range(3)])

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


def _named(change: Change) -> Revaluation:
    return Revaluation(
        name=f"momennejad-2017-{change}",
        source="Momennejad et al. (2017), doi:10.1038/s41562-017-0180-8",
        change=change,
    )


MOMENNEJAD_2017 = {
    change: _named(change) for change in ("reward", "transition", "policy", "control")
}
