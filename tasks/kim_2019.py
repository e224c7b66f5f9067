"""The task of Kim, Park, O'Doherty & Lee (2019): shown values, complexity and uncertainty."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from metacontrol.tasks.graph import Graph, Stage, pick
from metacontrol.tasks.lee_2014 import in_blocks
from metacontrol.tasks.task import Cue

VALUES = tuple(f"token_value_{token}" for token in (1, 2, 3))


@dataclass(frozen=True)
class ComplexityTask(Graph):
    """Kim, Park, O'Doherty & Lee (2019), Nat Commun 10:5738, doi:10.1038/s41467-019-13632-1.

    Two choices lead to one of eight places, six of which hold a token of one of three colours. What
    a token is worth is drawn for each trial and shown before it (`token_value_1` to
    `token_value_3`); the token is handed out with probability `paid`. The second choice is between
    two options, or four where complexity is high (`load` 1, for complexity loads planning as a
    second task would); and the place that an option commonly leads to is likely or only one of two
    equals (column `p_common`, not shown).

    Parameters
    ----------
    name, source : str
        Name in `metacontrol tasks`, and where the settings are published.
    trials : int
        Number of trials for each participant when none is asked for.
    common, uncertain : float
        Probability of the common place in blocks of low and of high uncertainty.
    blocks : tuple of int
        Shortest and longest block, in trials.
    paid : float
        Probability that the token is handed out.
    """

    name: str
    source: str
    trials: int = 300
    common: float = 0.9
    uncertain: float = 0.5
    blocks: tuple[int, int] = (14, 16)
    paid: float = 0.8

    tokens: ClassVar[tuple[int, ...]] = (0, 1, 1, 2, 3, 2, 0, 3)  # of each third state; 0 for none
    start_value: ClassVar[float] = 0.0
    stages: ClassVar[tuple[Stage, ...]] = (
        Stage("first_state", "first_choice", (((0, 1), (1, 0)),), "second_state"),
        Stage(
            "second_state",
            "second_choice",
            (((0, 4), (1, 5), (4, 0), (5, 1)), ((2, 6), (3, 7), (6, 2), (7, 3))),
            "third_state",
        ),
    )
    pays: ClassVar[tuple[float, float]] = (0.0, 10.0)
    cues: ClassVar[Mapping[str, Cue]] = {
        "first_state": Cue(states=1),
        "load": Cue(states=2),
        **dict.fromkeys(VALUES, Cue(low=0.0, high=10.0)),
    }

    @property
    def about(self) -> str:
        """The settings in words."""
        return (
            f"two choices to one of 8 places; values shown, 2 or 4 second options, "
            f"common {self.common:g} or {self.uncertain:g}, in blocks"
        )

    def shown(self, see: Callable[[str], Any]) -> Sequence[Any]:
        """Return what each place's token is worth on the trial."""
        worth = [0.0, *(see(column) for column in VALUES)]
        return [worth[token] for token in self.tokens]

    def open(self, choice: str, see: Callable[[str], Any]) -> Sequence[Any] | None:
        """Return that the third and fourth second option are open where complexity is high."""
        if choice == "first_choice":
            return None
        complex_ = see("load") == 1
        always = complex_ | True
        return [always, always, complex_, complex_] * 2

    def _reward(self, trial: Mapping[str, Any]) -> Any:
        worth = pick(trial["third_state"], self.shown(trial.__getitem__))
        return jnp.where(trial["luck_reward"] < self.paid, worth, 0.0)

    def schedule(self, participants: int, trials: int, rng: np.random.Generator) -> dict[str, Any]:
        """Draw complexity and uncertainty in blocks, and the tokens' values trial by trial.

        Returns
        -------
        dict of str to array, shape (trials, participants)
        """
        kinds = in_blocks([self.blocks] * 4, participants, trials, rng)
        values = rng.integers(0, 11, size=(3, *kinds.shape)).astype(float)
        return {
            "load": (kinds % 2).astype(np.int8),
            "p_common": np.where(kinds < 2, self.common, self.uncertain),
            **dict(zip(VALUES, values, strict=True)),
        }


KIM_2019 = ComplexityTask(
    name="kim-2019",
    source="Kim, Park, O'Doherty & Lee (2019), doi:10.1038/s41467-019-13632-1",
)
