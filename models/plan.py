"""What deliberation knows of a two-step task: which first option leads where, and its worth."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from metacontrol.models.engine.table import Index, Lane, Table


def transition_belief(task: Any, evidence: Lane, counted: bool) -> Lane:
    """Return the believed probability that first option 0 leads to second state 0.

    Parameters
    ----------
    task : TwoStep
        The task, whose `common` probability is known in either case.
    evidence : Lane
        Transitions so far to the state of the option's own number, minus the others.
    counted : bool
        Whether the direction is inferred by counting (Daw et al., 2011, supplement): the common
        probability in the direction seen more often, and one half while they are tied (Kool et
        al., 2016). Otherwise the true one is known.

    Examples
    --------
    >>> from metacontrol.tasks import DAW_2011
    >>> [round(float(transition_belief(DAW_2011, n, counted=True)), 2) for n in (2, 0, -1)]
    [0.7, 0.5, 0.3]
    """
    if not counted:
        return task.common
    known = jnp.where(evidence > 0, task.common, 1 - task.common)
    return jnp.where(evidence == 0, 0.5, known)


def planned_values(belief: Lane, place_values: Table) -> Table:
    """Return what each first option is worth if the best is done afterwards.

    Parameters
    ----------
    belief : Lane
        Probability that option 0 leads to state 0, and option 1 to state 1.
    place_values : Table, shape (2,)
        Value of the best second option in each second state.

    Examples
    --------
    >>> [float(round(v, 2)) for v in planned_values(0.7, Table.of(1.0, 0.5)).cells]
    [0.85, 0.65]
    """
    zero, one = place_values.cells
    return Table.of(belief * zero + (1 - belief) * one, (1 - belief) * zero + belief * one)


def expected_probability(belief: Lane, first: Index, place: Index) -> Lane:
    """Return what was believed to be the probability of the second state reached."""
    return jnp.where(first == place, belief, 1 - belief)


def seen_transition(first: Index, place: Index) -> Lane:
    """Return +1 if the option led to the state of its own number, else -1."""
    return jnp.where(first == place, 1, -1)
