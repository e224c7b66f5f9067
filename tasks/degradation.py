"""Contingency degradation: what one worked for comes to be had for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from metacontrol.tasks.graph import Graph, Stage, pick
from metacontrol.tasks.task import Cue


@dataclass(frozen=True)
class ContingencyDegradation(Graph):
    """Contingency degradation, as of Hammond (1980, doi:10.1901/jeab.1980.34-297), in trials.

    Each trial one responds (option 0) or does not (option 1). At first a response is rewarded with
    probability `paid` and nothing else is. After `training` trials rewards also come with
    probability `free` where one does not respond, with nothing said (columns `p_0`, `p_1`).
    Responding now causes the more rewards the larger the contingency is::

        delta P = P(reward | response) - P(reward | none) = paid - free

    None, as by default, leaves nothing to respond for; controllers that go by what their options
    bring become indifferent, as responding costs nothing either. Habit that grows by doing goes on:
    in `HABITS_WITHOUT_VALUES` it falls slowly, in `DEFAULT_POLICY` it holds itself up.

    With one choice and nothing after it an option is an end of the trial. What planning learns of
    ends and what habit caches of options is then the same, at learning rates of their own: the
    weight in `FORWARD_HYBRID` makes no difference where these are equal, in `SUCCESSOR` it makes
    none at all, and `UNCERTAINTY`, whose controllers share what they know of ends, does not play
    this task. What does tell the controllers apart is habit without values, which grows by doing
    and does not ask what it brings: `HABITS_WITHOUT_VALUES` and `DEFAULT_POLICY`.

    All lengths and probabilities are settings of ours.

    Parameters
    ----------
    name, source : str
        Name in `metacontrol tasks`, and where the settings are from.
    training, degraded : int
        Trials before and after free rewards begin.
    paid : float
        Probability of reward after a response.
    free : float
        Probability of reward without one, once degraded.

    Raises
    ------
    ValueError
        If a number has a value that is not allowed.
    """

    name: str
    source: str
    training: int = 200
    degraded: int = 200
    paid: float = 0.6
    free: float = 0.6

    common: float = 1.0
    start_value: ClassVar[float] = 0.0
    pays: ClassVar[tuple[float, float]] = (0.0, 1.0)
    stages: ClassVar[tuple[Stage, ...]] = (
        Stage("first_state", "first_choice", (((0, 0), (1, 1)),)),
    )
    cues: ClassVar[Mapping[str, Cue]] = {"first_state": Cue(states=1)}
    walk_columns: ClassVar[tuple[str, ...]] = ("p_0", "p_1")

    def __post_init__(self) -> None:
        for count in ("training", "degraded"):
            if getattr(self, count) < 1:
                raise ValueError(f"{count} must be 1 or more, got {getattr(self, count)}")
        for chance in ("paid", "free"):
            if not 0 <= getattr(self, chance) <= 1:
                raise ValueError(f"{chance} must be from 0 to 1, got {getattr(self, chance)}")

    @property
    def trials(self) -> int:
        """Trials before and after degradation."""
        return self.training + self.degraded

    @property
    def about(self) -> str:
        """The settings in words."""
        return (
            f"respond or not; reward {self.paid:g} or 0, and {self.paid:g} or {self.free:g} "
            f"after {self.training} trials"
        )

    def _reward(self, trial: Mapping[str, Any]) -> Any:
        paid = pick(trial["first_choice"], [trial[column] for column in self.walk_columns])
        return (trial["luck_reward"] < paid) * 1.0

    def schedule(self, participants: int, trials: int, rng: np.random.Generator) -> dict[str, Any]:
        """Return the probabilities of reward after a response and after none.

        Returns
        -------
        dict of str to array, shape (trials, participants)
        """
        free = np.where(np.arange(trials) < self.training, 0.0, self.free)
        shape = (trials, participants)
        return {
            "p_0": np.full(shape, self.paid),
            "p_1": np.repeat(free[:, None], participants, axis=1),
        }


CONTINGENCY_DEGRADATION = ContingencyDegradation(
    name="contingency-degradation",
    source="after Hammond (1980), doi:10.1901/jeab.1980.34-297",
)
