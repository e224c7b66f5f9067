"""Habit and deliberation in any task whose choices lead through states to a reward."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.table import SHUT, Index, Lane, Table
from metacontrol.models.model import Model
from metacontrol.models.notes import note_at

Tables = tuple[Table, ...]
"""One table, by state and option, for each choice of a trial."""

TIE = 1e-9  # values this close are equal, whatever rounding says

MOST_ENDS = 32  # as many worths can be learned apart, one by one


@dataclass(frozen=True)
class GraphModel(Model):
    """A model that plays every task that is a graph, unless its ends are too many."""

    def misfit(self, task: Any) -> str:
        """Return why not, if there are too many ends to learn what each is worth."""
        if task.ends > MOST_ENDS:
            return f"learns what each end is worth: {task.ends} ends are more than {MOST_ENDS}"
        return ""


def no_choice(task: Any) -> Table:
    """Return the last first choice of each first state, before any: -1."""
    return Table.counts((task.stages[0].states,)) - 1


def start_worth(task: Any) -> Table:
    """Return what ends are believed to pay before any did, in ranges of reward."""
    return Table.full((task.ends,), task.start_value / reward_range(task))


def tables(task: Any, value: float = 0.0) -> Tables:
    """Return a table of values for each choice of a task."""
    return tuple(Table.full((stage.states, stage.options), value) for stage in task.stages)


def beliefs(task: Any) -> Tables:
    """Return the believed probability of each option's common move, before any is seen.

    A move that can only lead to one place is certain. Where the task instructs its transitions
    the others are believed as they are; else both places are equally likely.
    """
    unsure = task.common if getattr(task, "instructed", False) else 0.5
    return tuple(
        Table(
            tuple(jnp.asarray(1.0 if common == rare else unsure) for common, rare in stage.moves),
            (stage.states, stage.options),
        )
        for stage in task.stages
    )


def plan(t: Listener, believed: Tables, worth: Table) -> Tables:
    """Return what each option is worth if the best is done afterwards, for each choice.

    Parameters
    ----------
    t : Listener
        The trial: its task's graph, and which options are open.
    believed : Tables
        Probability of each option's common move.
    worth : Table, shape (ends,)
        What each end is worth.
    """
    planned: list[Table] = []
    for stage, chances in reversed(list(zip(t.task.stages, believed, strict=True))):
        planned.insert(0, one_step(stage, chances, worth))
        worth = opened(t, stage, planned[0]).best()
    return tuple(planned)


def one_step(stage: Any, chances: Table, worth: Table) -> Table:
    """Return what each option is worth, given what the places are that it may lead to.

    Parameters
    ----------
    stage : Stage
        The choice.
    chances : Table, shape (states, options)
        Probability of each option's common move.
    worth : Table, shape (next states,)
        What each place is worth.
    """
    ahead = worth.cells
    cells = [
        ahead[c] if c == r else p * ahead[c] + (1 - p) * ahead[r]
        for (c, r), p in zip(stage.moves, chances.cells, strict=True)
    ]
    return Table(tuple(cells), chances.shape)


def opened(t: Listener, stage: Any, values: Table) -> Table:
    """Return values by state and option in which options that are not open are never best."""
    masks = t.open(stage.choice)
    return values if masks is None else values.where(masks, SHUT)


def expected(t: Listener, stage: Any, values: Table, slope: Lane, state: Index) -> Lane:
    """Return the mean value of a state's open options, if chosen by softmax of that slope."""
    odds = opened(t, stage, slope * values)[state]
    top = odds.best().cells[0]
    chances = [jnp.exp(cell - top) for cell in odds.cells]
    return sum(p * v for p, v in zip(chances, values[state].cells, strict=True)) / sum(chances)


def is_free(t: Listener, state: Index) -> Lane:
    """Return 1 if all options of the first choice are open in a state, else 0."""
    masks = t.open(t.task.stages[0].choice)
    if masks is None:
        return 1
    return jnp.where(reduce(jnp.logical_and, masks[state].cells), 1, 0)


def with_table(old: Tables, i: int, table: Table) -> Tables:
    """Return tables of which one is replaced."""
    return (*old[:i], table, *old[i + 1 :])


def arrival(t: Listener, stage: Any, state: Index, option: Index) -> Index:
    """Return where an option has led: the next state, or the trial's end."""
    return stage.options * state + option if stage.next_state is None else t.see(stage.next_state)


def was_common(stage: Any, state: Index, option: Index, reached: Index) -> Lane:
    """Return 1 if an option's common move was made, else 0."""
    common = Table(tuple(jnp.asarray(c) for c, _ in stage.moves), (stage.states, stage.options))
    return jnp.where(reached == common[state, option], 1.0, 0.0)


def learned_move(
    t: Listener,
    i: int,
    believed: Tables,
    taken: tuple[Index, Index],
    reached: Index,
    alpha: Lane,
) -> tuple[Tables, Lane]:
    """Return beliefs about moves after one was made, and its state prediction error (noted).

    Parameters
    ----------
    i : int
        Which choice of the trial it was.
    believed : Tables
        Probability of each option's common move, for each choice.
    taken : tuple of Index
        State, and the option taken there.
    reached : Index
        Where that led.
    alpha : Lane
        Learning rate.
    """
    common, held = was_common(t.task.stages[i], *taken, reached), believed[i][taken]
    error = common * (1 - held) + (1 - common) * held
    note_at(t, i, state_prediction_error=error)
    return with_table(believed, i, believed[i].toward(taken, common, alpha)), error


def learned_worth(t: Listener, worth: Table, end: Index, alpha: Lane) -> Table:
    """Return what ends are worth, in ranges of reward, after one paid; its error is noted."""
    reward = t.see("reward") / reward_range(t.task)
    t.note("outcome_prediction_error", reward - worth[end])
    return worth.toward(end, reward, alpha)


def end_values(t: Listener, learned: Table, span: float) -> Table:
    """Return what each end is worth, in ranges of reward: as shown, or as learned."""
    values = t.shown()
    worth = learned if values is None else (1 / span) * values
    devalued = t.devalued()
    return worth if devalued is None else worth * (1 - devalued)


def reward_range(task: Any) -> float:
    """Return the range of a task's rewards: models of many tasks count in it."""
    low, high = task.pays
    return high - low
