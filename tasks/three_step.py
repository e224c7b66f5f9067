"""The three-step task: two choices, two chancy transitions, and one place at a time that pays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from metacontrol.tasks.graph import Graph, Stage
from metacontrol.tasks.task import Cue


@dataclass(frozen=True)
class ThreeStep(Graph):
    """The task of Keramati et al. (2016), doi:10.1073/pnas.1609094113.

    First option a leads to second state a commonly, else to 1 - a. In second state s, option a
    leads to third state 2 s + a commonly, else to 2 (1 - s) + a. One third state pays 1, the
    others nothing. It pays for max(1, round(N(`stays`, `stays_sd`))) trials; then one of the other
    three does. A group has `time_limit` for each choice; no model here has response times, and none
    depends on it: to ask what pressure does, let parameters differ between groups.

    The published data differ from the paper, and from this, in two ways: with 2 s transitions are
    common with .75 (the authors' models, and so this task, take .7 for both groups), and in each
    run of 20 uses of an option exactly 5 or 6 are rare, never two in a row, where here each is
    drawn by itself.

    Parameters
    ----------
    name, source : str
        Name in `metacontrol tasks`, and where the settings are published.
    trials : int
        Number of trials for each participant when none is asked for.
    common : float
        Probability, from .5 to 1, of the common transition of either step; participants know it.
    stays, stays_sd : float
        Mean and standard deviation of how long the same third state pays, in trials.
    time_limit : float
        Seconds for each choice.

    Raises
    ------
    ValueError
        If a number has a value that is not allowed.
    """

    name: str
    source: str
    trials: int = 350
    common: float = 0.7
    stays: float = 5.0
    stays_sd: float = 2.0
    time_limit: float = 2.0

    # What models of a two-step task ask for: the third step is hidden from them.
    first_states: ClassVar[int] = 1
    second_options: ClassVar[int] = 2
    instructed: ClassVar[bool] = True
    start_value: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        if not 0.5 <= self.common <= 1:
            raise ValueError(f"common must be from 0.5 to 1, got {self.common}")
        if self.trials < 1:
            raise ValueError(f"trials must be 1 or more, got {self.trials}")
        if not (self.stays > 0 and self.stays_sd >= 0):
            raise ValueError("stays must be positive, and stays_sd 0 or more")
        if not self.time_limit > 0:
            raise ValueError(f"time_limit must be positive, got {self.time_limit}")

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Options lead to the state, or pair of states, of their number or to the other."""
        second = (((0, 2), (1, 3)), ((2, 0), (3, 1)))
        return (
            Stage("first_state", "first_choice", (((0, 1), (1, 0)),), "second_state"),
            Stage("second_state", "second_choice", second, "third_state"),
        )

    @property
    def pays(self) -> tuple[float, float]:
        """Smallest and largest reward."""
        return 0.0, 1.0

    @property
    def cues(self) -> Mapping[str, Cue]:
        """The one first state, the option on the left, and load where data have it."""
        return {
            "first_state": Cue(states=1),
            "first_left_option": Cue(states=2),
            "load": Cue(low=0.0, high=1.0),
        }

    @property
    def about(self) -> str:
        """The settings in words."""
        return (
            f"three steps, common {self.common:g}; one of 4 third states pays, "
            f"for {self.stays:g} trials (sd {self.stays_sd:g}); {self.time_limit:g} s for a choice"
        )

    def _reward(self, trial: Mapping[str, Any]) -> Any:
        return (trial["third_state"] == trial["rewarded_state"]) * 1.0

    def schedule(self, participants: int, trials: int, rng: np.random.Generator) -> dict[str, Any]:
        """Draw sides, and which third state pays: column `rewarded_state`.

        Returns
        -------
        dict of str to array, shape (trials, participants)
        """
        paying = np.empty((trials, participants), dtype=np.int8)
        state, left = rng.integers(4, size=participants), np.zeros(participants)
        for trial in range(trials):
            over = left < 1
            hop = (state + rng.integers(1, 4, size=participants)) % 4
            state = np.where(over & (trial > 0), hop, state)
            stay = np.maximum(1, np.round(rng.normal(self.stays, self.stays_sd, participants)))
            left = np.where(over, stay, left) - 1
            paying[trial] = state
        left_option = rng.integers(2, size=paying.shape, dtype=np.int8)
        return {"first_left_option": left_option, "rewarded_state": paying}


_SOURCE = "Keramati et al. (2016), doi:10.1073/pnas.1609094113"

KERAMATI_2016 = ThreeStep(name="keramati-2016", source=_SOURCE)

KERAMATI_2016_SHORT = ThreeStep(
    name="keramati-2016-short", source=_SOURCE, trials=500, time_limit=0.7
)
