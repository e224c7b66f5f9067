"""A task as a graph: states in stages, options in each, and where each option leads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax.numpy as jnp

from metacontrol.tasks.task import Choice, Outcome, Rule

Move = tuple[int, int]
"""Where an option leads: the common and the rare next state, equal if there is but one."""


@dataclass(frozen=True)
class Stage:
    """One choice of a trial.

    Parameters
    ----------
    state : str
        The cue or event that says where the choice is made.
    choice : str
        The choice.
    leads_to : tuple of tuple of (int, int)
        For each state and each of its options, the common and the rare next state. A state with
        one option where others have more is a place that one only passes through.
    next_state : str, optional
        The event that says where one has come. Without it each option of each state is an end of
        its own, numbered options * state + option.
    """

    state: str
    choice: str
    leads_to: tuple[tuple[Move, ...], ...]
    next_state: str | None = None

    @property
    def states(self) -> int:
        """Number of states in which the choice is made."""
        return len(self.leads_to)

    @property
    def options(self) -> int:
        """Number of options, in the state that has most."""
        return max(len(state) for state in self.leads_to)

    @property
    def moves(self) -> tuple[Move, ...]:
        """Where options lead, all states one after the other; options not there as the last is."""
        return tuple(
            state[min(option, len(state) - 1)]
            for state in self.leads_to
            for option in range(self.options)
        )

    @property
    def exists(self) -> tuple[bool, ...]:
        """Which options there are, all states one after the other."""
        return tuple(o < len(state) for state in self.leads_to for o in range(self.options))

    @property
    def next_states(self) -> int:
        """Number of states that the choice may lead to."""
        return 1 + max(max(move) for move in self.moves)


def ends_at_once(options: int, states: int = 2) -> tuple[tuple[Move, ...], ...]:
    """Return where the options of states lead if each is an end of its own."""
    ends = [(end, end) for end in range(states * options)]
    return tuple(tuple(ends[i * options : (i + 1) * options]) for i in range(states))


class Graph:
    """What tasks have in common whose choices lead through states to a reward.

    A task says its `stages`, what it `pays` at least and at most, and its rule `_reward`; and
    `common`, the probability of a common transition, unless a column `p_common` says it anew for
    each trial.
    """

    name: str
    common: float

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The choices of a trial, in order."""
        raise NotImplementedError

    @property
    def pays(self) -> tuple[float, float]:
        """Smallest and largest reward."""
        raise NotImplementedError

    def _reward(self, trial: Mapping[str, Any]) -> Any:
        raise NotImplementedError

    @property
    def ends(self) -> int:
        """Number of ends that a trial may come to."""
        return self.stages[-1].next_states

    def stage(self, choice: str) -> Stage:
        """Return the stage of a choice."""
        return next(stage for stage in self.stages if stage.choice == choice)

    def shown(self, see: Callable[[str], Any]) -> Sequence[Any] | None:
        """Return what each end would pay, if that is shown beforehand.

        Parameters
        ----------
        see : function
            From a cue's name to its value on this trial.
        """

    def open(self, choice: str, see: Callable[[str], Any]) -> Sequence[Any] | None:
        """Return which options are open, for each state in turn; None if all are."""
        exists = self.stage(choice).exists
        return None if all(exists) else exists

    def devalued(self, see: Callable[[str], Any]) -> Sequence[Any] | None:
        """Return 1 for each end that is known to be worth nothing any more; None if none ever is.

        Parameters
        ----------
        see : function
            From a cue's name to its value on this trial.
        """

    def teaches(self, see: Callable[[str], Any]) -> Any:
        """Return whether a trial shows its outcomes: nothing is learned else; None if all do.

        Parameters
        ----------
        see : function
            From a cue's name to its value on this trial.
        """

    @property
    def events(self) -> tuple[Choice | Outcome, ...]:
        """Choices, the states they lead to, and the reward."""
        told: list[Choice | Outcome] = []
        for stage in self.stages:
            told.append(Choice(stage.choice, stage.options))
            if stage.next_state is not None:
                told.append(Outcome(stage.next_state, states=stage.next_states))
        low, high = self.pays
        return (*told, Outcome("reward", low=low, high=high))

    @property
    def constant_cues(self) -> Mapping[str, int]:
        """With one first state, that state."""
        first = self.stages[0]
        return {first.state: 0} if first.states == 1 else {}

    @property
    def rules(self) -> Mapping[str, Rule]:
        """How states and reward follow from choices."""
        moves = {s.next_state: partial(self._move, s) for s in self.stages if s.next_state}
        return {**moves, "reward": self._reward}

    def _move(self, stage: Stage, trial: Mapping[str, Any]) -> Any:
        option = stage.options * trial.get(stage.state, 0) + trial.get(stage.choice, 0)
        common, rare = (pick(option, ends) for ends in zip(*stage.moves, strict=True))
        lucky = trial[f"luck_{stage.next_state}"] < trial.get("p_common", self.common)
        return jnp.where(lucky, common, rare)


def pick(index: Any, values: Sequence[Any]) -> Any:
    """Return the value of that number, by blending.

    Examples
    --------
    >>> int(pick(2, (5, 6, 7)))
    7
    """
    picked = values[0]
    for i, value in enumerate(values[1:], start=1):
        picked = jnp.where(index == i, value, picked)
    return picked
