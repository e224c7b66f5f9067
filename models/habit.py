"""What habit learns in a two-step task: cached values, by SARSA(lambda)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Index, Lane, Table
from metacontrol.models.plan import seen_transition


def two_step_mind(task: Any, value: float) -> Mind:
    """Return a mind with all values at `value`, no transitions seen and no last choice.

    `last_option` numbers the last first choice over all first states, 2 * state + option.
    """
    return Mind(
        first=Table.full((task.first_states, 2), value),
        second=Table.full((2, task.second_options), value),
        evidence=Table.counts((task.first_states,)),
        last_option=-1,
    )


@dataclass(frozen=True)
class Lesson:
    """Cached values after a trial, and the prediction errors that changed them."""

    first: Table
    second: Table
    delta1: Lane
    delta2: Lane


def sarsa(
    first: Table,
    second: Table,
    taken: tuple[Index, Index],
    reached: tuple[Index, Index],
    reward: Lane,
    *,
    alpha1: Lane,
    alpha2: Lane,
    lam: Lane,
) -> Lesson:
    """Learn from one trial; both prediction errors are formed before any value moves.

    Parameters
    ----------
    first : Table, shape (first states, 2)
        Values of first-stage options.
    second : Table, shape (2, second options)
        Values of second-stage options.
    taken, reached : tuple of Index
        State and option of the first and of the second stage.
    reward : Lane
        Reward received.
    alpha1, alpha2, lam : Lane
        Learning rates and eligibility, 0 to 1.

    Examples
    --------
    delta1 = .6 - .2 = .4 and delta2 = 1 - .6 = .4, so the first value moves to
    .2 + .5 * (.4 + .6 * .4) = .52 and the second to .6 + .4 * .4 = .76:

    >>> first, second = Table.full((1, 2), 0.2), Table.full((2, 2), 0.6)
    >>> lesson = sarsa(first, second, (0, 1), (1, 0), 1.0, alpha1=0.5, alpha2=0.4, lam=0.6)
    >>> round(float(lesson.first[0, 1]), 3), round(float(lesson.second[1, 0]), 3)
    (0.52, 0.76)
    """
    delta1 = second[reached] - first[taken]
    delta2 = reward - second[reached]
    return Lesson(
        first=first.add(taken, alpha1 * (delta1 + lam * delta2)),
        second=second.add(reached, alpha2 * delta2),
        delta1=delta1,
        delta2=delta2,
    )


def after(mind: Any, lesson: Lesson, start: Index, first: Index, place: Index) -> Mind:
    """Return a two-step mind after a trial: values, transitions seen, and the last option."""
    return mind.replace(
        first=lesson.first,
        second=lesson.second,
        evidence=mind.evidence.add(start, seen_transition(first, place)),
        last_option=2 * start + first,
    )
