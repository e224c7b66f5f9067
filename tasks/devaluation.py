"""Outcome devaluation after a two-step task: who still responds for coins worth nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from metacontrol.tasks.graph import Graph, Stage, pick
from metacontrol.tasks.task import Cue
from metacontrol.tasks.walk import Walk


@dataclass(frozen=True)
class OutcomeDevaluation(Graph):
    """After Gillan, Otto, Phelps & Daw (2015), CABN 15:523, doi:10.3758/s13415-015-0347-6.

    Two first states pay coins of a type each. In first state s, responding by option 0 or 1 leads
    to second state 2 s or 2 s + 1, commonly the one of the option's number. There is no second
    choice; a coin of type s is paid with a probability that drifts (columns `p_<s>_<place>`). After
    `training` trials it is said that the container of one type is full (`devalued` is 1 or 2 for
    the coins of first state 0 or 1, and 0 before): these are worth nothing now, and the test
    begins. It shows no outcomes, and models learn nothing from its trials, not even from what was
    done; its second states and rewards are what would have been seen.

    Option 2 is to do nothing, and the test asks where one still responds, as
    `metacontrol.devaluation_index` says. To choose between the two options of a state would not
    tell, as both bring the same coins. To choose between both types of coin would tell planning
    from indifference, but not show habit at work, which is to respond for what is worth nothing.
    So that there is a reason not to respond, doing nothing pays a little too: a coin that needs no
    container, with probability `idle`, for the effort that is spared. It is a probability and
    not a sure amount so that rewards are 0 and 1, as some models need.

    All lengths and probabilities are settings of ours.

    Parameters
    ----------
    name, source : str
        Name in `metacontrol tasks`, and whose task it is like.
    training, test : int
        Trials before and after devaluation; first states are equally frequent in both.
    common : float
        Probability of the second state of the option's number.
    walk : Walk
        How the probabilities of coins drift.
    idle : float
        Probability that doing nothing pays.
    feedback : bool
        Whether the test goes on showing outcomes, so that also habit can learn.

    Raises
    ------
    ValueError
        If a number has a value that is not allowed.
    """

    name: str
    source: str
    training: int = 200
    test: int = 20
    common: float = 0.7
    walk: Walk = Walk(low=0.25, high=0.75, sd=0.025)
    idle: float = 0.2
    feedback: bool = False

    responses: ClassVar[int] = 2
    start_value: ClassVar[float] = 0.0
    pays: ClassVar[tuple[float, float]] = (0.0, 1.0)
    stages: ClassVar[tuple[Stage, ...]] = (
        Stage(
            "first_state",
            "first_choice",
            (((0, 1), (1, 0), (4, 4)), ((2, 3), (3, 2), (4, 4))),
            "second_state",
        ),
    )
    cues: ClassVar[Mapping[str, Cue]] = {"first_state": Cue(states=2), "devalued": Cue(states=3)}

    def __post_init__(self) -> None:
        for count in ("training", "test"):
            if getattr(self, count) < 1:
                raise ValueError(f"{count} must be 1 or more, got {getattr(self, count)}")
        if not 0.5 <= self.common <= 1:
            raise ValueError(f"common must be from 0.5 to 1, got {self.common}")
        if self.walk.low < 0 or self.walk.high > 1:
            raise ValueError(f"the walk is a probability, got {self.walk}")
        if not 0 <= self.idle <= 1:
            raise ValueError(f"idle must be from 0 to 1, got {self.idle}")

    @property
    def trials(self) -> int:
        """Trials of training and test."""
        return self.training + self.test

    @property
    def ends_pay(self) -> tuple[str, ...]:
        """How often each end pays, in words."""
        return (*self._walk_columns, f"{self.idle:g}")

    @property
    def about(self) -> str:
        """The settings in words."""
        return (
            f"2 first states with coins of their own, common {self.common:g}, {self.walk}; "
            f"one type devalued after {self.training} trials, {self.test} test trials "
            f"{'with' if self.feedback else 'without'} outcomes"
        )

    def devalued(self, see: Callable[[str], Any]) -> Sequence[Any]:
        """Return 1 for the second states whose coins have no room any more."""
        full = [jnp.where(see("devalued") == kind, 1, 0) for kind in (1, 2)]
        return [full[0], full[0], full[1], full[1], 0]

    def teaches(self, see: Callable[[str], Any]) -> Any:
        """Return whether outcomes are shown: before the test, if not in it."""
        return None if self.feedback else see("devalued") == 0

    def _reward(self, trial: Mapping[str, Any]) -> Any:
        end = trial["second_state"]
        paid = pick(end, [trial[column] for column in self._walk_columns] + [self.idle])
        wanted = 1.0 - pick(end, self.devalued(trial.__getitem__))
        return (trial["luck_reward"] < paid) * wanted

    @property
    def _walk_columns(self) -> tuple[str, ...]:
        return tuple(f"p_{state}_{place}" for state in (0, 1) for place in (0, 1))

    def schedule(self, participants: int, trials: int, rng: np.random.Generator) -> dict[str, Any]:
        """Draw first states, which type is devalued, and walks.

        With no more than `training` trials nothing is devalued.

        Returns
        -------
        dict of str to array, shape (trials, participants)
        """
        after = np.arange(trials) >= self.training
        start = np.repeat(np.arange(trials)[:, None] % 2, participants, axis=1)
        for phase in (~after, after):
            start[phase] = rng.permuted(start[phase], axis=0)
        kind = 1 + rng.permutation(participants) % 2
        walk = self.walk.draw(participants, trials, 2, rng).reshape(trials, participants, -1)
        return {
            "first_state": start.astype(np.int8),
            "devalued": (after[:, None] * kind).astype(np.int8),
            **{name: walk[:, :, i] for i, name in enumerate(self._walk_columns)},
        }


OUTCOME_DEVALUATION = OutcomeDevaluation(
    name="outcome-devaluation",
    source="after Gillan et al. (2015), doi:10.3758/s13415-015-0347-6",
)
