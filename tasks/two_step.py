"""The two-step task and its relatives: one task with switches.

A first choice leads to one of two second states, commonly to the state of the same number; there
a second choice (or a key press) is rewarded with a probability, or pays points, that drift slowly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from metacontrol.tasks.graph import Graph, Stage, ends_at_once, pick
from metacontrol.tasks.task import Cue
from metacontrol.tasks.walk import Reversals, Walk


@dataclass(frozen=True)
class TwoStep(Graph):
    """A two-step task (Daw et al., 2011, doi:10.1016/j.neuron.2011.02.027) and its relatives.

    Parameters
    ----------
    name : str
        Name in `metacontrol tasks`.
    source : str
        Where the settings are published.
    trials : int
        Number of trials for each participant when none is asked for.
    common : float
        Probability, from .5 to 1, that first option 0 leads to second state 0 and 1 to 1. With 1
        the task is deterministic.
    first_states : int
        Number of first states; each offers two options of its own.
    second_options : {1, 2}
        Number of options in each second state; with 1 there is no second choice.
    reward : {"binary", "points"}
        Whether the walk is a probability of reward 1 rather than 0, or the number of points paid.
    walk : Walk or Reversals
        How rewards change.
    instructed : bool
        Whether participants know which first option commonly leads where. If not, models work it
        out by counting.
    start_value : float
        What an option is expected to pay before anything is learned.
    load : {None, "intermixed", "blocked"}
        Whether trials carry a concurrent load (column `load`, 0 or 1 as drawn; data may hold any
        number from 0 to 1): on half of the trials in random order, or in blocks.
    load_block : int
        Length of a block, in trials, under the blocked schedule.
    stakes : tuple of float
        What rewards may be multiplied by, lowest first, shown before each trial (column `stake`)
        and drawn evenly; the first five trials have the lowest. The reward is counted before it
        is multiplied. Empty for a task without stakes.

    Raises
    ------
    ValueError
        If a switch has a value that is not allowed.
    """

    name: str
    source: str
    walk: Walk | Reversals
    trials: int = 200
    common: float = 0.7
    first_states: int = 1
    second_options: Literal[1, 2] = 2
    reward: Literal["binary", "points"] = "binary"
    instructed: bool = True
    start_value: float = 0.0
    load: Literal["intermixed", "blocked"] | None = None
    load_block: int = 25
    stakes: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        allowed: dict[str, tuple[Any, ...]] = {
            "second_options": (1, 2),
            "reward": ("binary", "points"),
            "load": (None, "intermixed", "blocked"),
        }
        for switch, values in allowed.items():
            if getattr(self, switch) not in values:
                raise ValueError(f"{switch} must be one of {values}, got {getattr(self, switch)!r}")
        if not 0.5 <= self.common <= 1:
            raise ValueError(f"common must be from 0.5 to 1, got {self.common}")
        if self.reward == "binary" and (self.walk.low < 0 or self.walk.high > 1):
            raise ValueError(
                f"with binary rewards the walk is a probability: its bounds must lie in [0, 1], "
                f"got [{self.walk.low}, {self.walk.high}]"
            )
        if (
            isinstance(self.walk, Walk)
            and self.walk.start
            and len(self.walk.start[0]) < self.second_options
        ):
            raise ValueError("the walk's start lacks a range for some second option")
        if any(not 0 < stake < np.inf for stake in self.stakes):
            raise ValueError(f"stakes must be positive numbers, got {self.stakes}")
        for count in ("trials", "first_states", "load_block"):
            if getattr(self, count) < 1:
                raise ValueError(f"{count} must be 1 or more, got {getattr(self, count)}")

    @property
    def about(self) -> str:
        """The settings in words."""
        parts = [
            "deterministic" if self.common == 1 else f"common {self.common:g}",
            f"{self.first_states} first states" if self.first_states > 1 else "",
            "1 second option" if self.second_options == 1 else "",
            f"{self.reward} reward, {self.walk}",
            "" if self.instructed else "not instructed",
            f"load {self.load}" if self.load else "",
            f"stakes {' or '.join(f'{stake:g}' for stake in self.stakes)}" if self.stakes else "",
        ]
        return "two steps, " + ", ".join(part for part in parts if part)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """First options lead to the second state of their number; second ones end the trial."""
        first = (((0, 1), (1, 0)),) * self.first_states
        return (
            Stage("first_state", "first_choice", first, "second_state"),
            Stage("second_state", "second_choice", ends_at_once(self.second_options)),
        )

    @property
    def pays(self) -> tuple[float, float]:
        """Smallest and largest reward."""
        return (0.0, 1.0) if self.reward == "binary" else (self.walk.low, self.walk.high)

    @property
    def cues(self) -> Mapping[str, Cue]:
        """First state, the option on the left, load and stake: shown before the first choice."""
        return {
            "first_state": Cue(states=self.first_states),
            "first_left_option": Cue(states=2),
            "load": Cue(low=0.0, high=1.0),
            "stake": Cue(low=0.0),
        }

    @property
    def walk_columns(self) -> tuple[str, ...]:
        """Columns of the reward walks: `p_<state>_<option>`, or `points_<state>` and so on."""
        prefix = "p" if self.reward == "binary" else "points"
        return tuple(
            f"{prefix}_{state}_{option}" if self.second_options == 2 else f"{prefix}_{state}"
            for state in (0, 1)
            for option in range(self.second_options)
        )

    def _reward(self, trial: Mapping[str, Any]) -> Any:
        end = self.second_options * trial["second_state"] + trial.get("second_choice", 0)
        paid = pick(end, [trial[column] for column in self.walk_columns])
        return (trial["luck_reward"] < paid) * 1.0 if self.reward == "binary" else paid

    def schedule(self, participants: int, trials: int, rng: np.random.Generator) -> dict[str, Any]:
        """Draw walks, sides, first states, load and stakes.

        Returns
        -------
        dict of str to array, shape (trials, participants)
        """
        shape = (trials, participants)
        columns: dict[str, Any] = {}
        if self.load == "intermixed":
            order = np.arange(trials)[:, None] + rng.integers(2, size=participants)
            columns["load"] = rng.permuted(order % 2, axis=0).astype(np.int8)
        elif self.load == "blocked":
            block = np.arange(trials)[:, None] // self.load_block
            columns["load"] = ((block + rng.integers(2, size=participants)) % 2).astype(np.int8)
        if self.stakes:
            columns["stake"] = rng.choice(self.stakes, size=shape)
            columns["stake"][:5] = min(self.stakes)
        if self.first_states > 1:
            columns["first_state"] = rng.integers(self.first_states, size=shape, dtype=np.int8)
        columns["first_left_option"] = rng.integers(2, size=shape, dtype=np.int8)
        walk = self.walk.draw(participants, trials, self.second_options, rng)
        walk = walk.reshape(*shape, -1)
        return columns | {name: walk[:, :, i] for i, name in enumerate(self.walk_columns)}


_DAW_WALK = Walk(low=0.25, high=0.75, sd=0.025)
_KOOL_2016 = "Kool, Cushman & Gershman (2016), doi:10.1371/journal.pcbi.1005090"

DAW_2011 = TwoStep(
    name="daw-2011",
    source="Daw et al. (2011), doi:10.1016/j.neuron.2011.02.027",
    trials=201,
    walk=_DAW_WALK,
    instructed=False,
)

KOOL_2016_STOCHASTIC = TwoStep(
    name="kool-2016-stochastic",
    source=_KOOL_2016,
    trials=125,
    walk=Walk(0.25, 0.75, 0.025, start=(((0.6, 0.6), (0.4, 0.4)), ((0.25, 0.25), (0.75, 0.75)))),
)

KOOL_2016_DETERMINISTIC = TwoStep(
    name="kool-2016-deterministic",
    source=_KOOL_2016,
    trials=125,
    common=1.0,
    first_states=2,
    second_options=1,
    reward="points",
    walk=Walk(-4, 5, 2, start=(((1, 5),), ((-4, -1),)), whole=True),
)

_KOOL_2017 = "Kool, Gershman & Cushman (2017), doi:10.1177/0956797617708288"

KOOL_2017_DETERMINISTIC = TwoStep(
    name="kool-2017-deterministic",
    source=_KOOL_2017,
    common=1.0,
    first_states=2,
    second_options=1,
    reward="points",
    walk=Walk(0, 9, 2, start=(((5, 9),), ((0, 4),)), whole=True),
    start_value=4.5,
    stakes=(1.0, 5.0),
)

KOOL_2017_STOCHASTIC = TwoStep(
    name="kool-2017-stochastic",
    source=_KOOL_2017,
    walk=_DAW_WALK,
    start_value=0.5,
    stakes=(1.0, 5.0),
)

_AKAM_2015 = "Akam, Costa & Dayan (2015), doi:10.1371/journal.pcbi.1004648"

AKAM_2015 = TwoStep(
    name="akam-2015",
    source=_AKAM_2015,
    trials=300,
    walk=Walk(low=0.25, high=0.75, sd=0.0125),
)

AKAM_2015_REDUCED = TwoStep(
    name="akam-2015-reduced",
    source=_AKAM_2015,
    trials=300,
    common=0.8,
    second_options=1,
    walk=Reversals(high=0.8, low=0.2, block=50),
)

MILLER_2017 = TwoStep(
    name="miller-2017",
    source="Miller, Botvinick & Brody (2017), doi:10.1038/nn.4613",
    trials=300,  # of our choice
    common=0.8,
    second_options=1,
    # Rats cannot foresee reversals; the authors' training settings wait for 50 trials or more.
    walk=Reversals(high=0.8, low=0.2, block=50),
    start_value=0.5,
)
