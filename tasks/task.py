"""What every task says: its events in order, its rules, its schedule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Rule = Callable[[Mapping[str, Any]], Any]
"""From what is known of a trial (its schedule, luck and events so far) to what happens."""


@dataclass(frozen=True)
class Choice:
    """An event that the participant decides.

    Parameters
    ----------
    name : str
        The event's name and data column.
    options : int
        Number of options; a choice with one option has no data column.
    """

    name: str
    options: int


@dataclass(frozen=True)
class Outcome:
    """An event that the task decides.

    Parameters
    ----------
    name : str
        The event's name and data column.
    states : int, optional
        Number of states, counted from 0; None for an amount such as a reward.
    low, high : float
        Smallest and largest amount.
    """

    name: str
    states: int | None = None
    low: float = -np.inf
    high: float = np.inf


@dataclass(frozen=True)
class Cue:
    """Something shown from the start of a trial.

    Parameters
    ----------
    states : int, optional
        Number of states, counted from 0; None for an amount such as a load or a value.
    low, high : float
        Smallest and largest amount.
    """

    states: int | None = None
    low: float = -np.inf
    high: float = np.inf


class Task(Protocol):
    """A world that a model can act in: what the engine asks of a task."""

    @property
    def name(self) -> str:
        """The name in `metacontrol tasks`."""

    @property
    def about(self) -> str:
        """The settings in words."""

    @property
    def trials(self) -> int:
        """Number of trials of each participant when none is asked for."""

    @property
    def events(self) -> tuple[Choice | Outcome, ...]:
        """What happens in a trial, in order; these are the data columns."""

    @property
    def cues(self) -> Mapping[str, Cue]:
        """Columns that the participant may see from the start of a trial."""

    @property
    def constant_cues(self) -> Mapping[str, int]:
        """Cues that are the same on every trial of this task, and so have no column."""

    @property
    def rules(self) -> Mapping[str, Rule]:
        """How each outcome follows from what was chosen."""

    def open(self, choice: str, see: Callable[[str], Any]) -> Sequence[Any] | None:
        """Return which options are open, for each state in turn; None if all are."""

    def schedule(self, participants: int, trials: int, rng: np.random.Generator) -> dict[str, Any]:
        """Draw what is decided before the participants act.

        Returns
        -------
        dict of str to array, shape (trials, participants)
            Cues and reward walks by column.
        """
