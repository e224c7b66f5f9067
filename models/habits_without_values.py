"""Habit as what was done before, whatever it brought, and an arbiter that watches it grow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Index, Lane, Table
from metacontrol.models.notes import note_at
from metacontrol.models.parameter import Link, Parameter, Prior, effect, probability, temperature
from metacontrol.models.plan import transition_belief
from metacontrol.models.stages import (
    GraphModel,
    Tables,
    arrival,
    beliefs,
    end_values,
    learned_move,
    learned_worth,
    plan,
    reward_range,
    start_worth,
    tables,
    was_common,
    with_table,
)


@dataclass(frozen=True)
class HabitsWithoutValues(GraphModel):
    """Miller, Shenhav & Ludvig (2019), Psychol Rev 126:292, doi:10.1037/rev0000120.

    In mind are the worth R of each end of a trial, in ranges of the task's reward, and, for each
    state of every choice, habit strengths H(s, a). At each choice, with Q the plan of
    `ForwardHybrid` and H the habits of that state::

        P(a) ~ exp( w beta_mb Q(a) + (1 - w) beta_habit H(a) )
        w    = sigma( w0 + contingency_effect g - habitisation_effect h )
        g    = mean_a |Q(a) - mean Q|,    h = mean_a |H(a) - mean H|

    After the choice of a, for all options x of that state, and after the reward::

        H(s, x) += alpha_habit (1[x = a] - H(s, x))
        R(end)  += alpha2 (r - R(end))

    So habits grow with doing alone; the more there is of them the more they rule (h), and the
    less the more outcomes depend on what is done (g). That an end is devalued the plan knows at
    once, and habits never. H starts at 0. In the paper's symbols beta_mb is theta_G, beta_habit
    theta_H, the effects w_G and w_H, and w0 is minus w_0. With both effects at 0 the weight is
    sigma(w0); if also alpha_habit = 1, habit at the first choice is the perseveration of
    `SeparateWeights`.

    Differences from the paper: the task, for the paper's have one choice, and so the plan.
    Transitions are known or counted as in `Hybrid` where the task says how common they are, else
    learned as in `ForwardHybrid`, at rate alpha2. One kind of outcome. The spreads g and h count
    all open options alike. Were options weighted by the current policy, w would depend on itself,
    and spreads would vanish as the policy becomes sure of an option, just when a habit is complete.
    """

    def start(self, task: Any, theta: Any) -> Mind:
        """Return ends of the task's start value, no habits, no transitions seen."""
        return Mind(
            worth=start_worth(task),
            habits=tables(task),
            transitions=Table.counts((task.first_states,)) if _is_told(task) else beliefs(task),
        )

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial."""
        span, state = reward_range(t.task), t.see(t.task.stages[0].state)
        planned = plan(t, _believed(t.task, mind), end_values(t, mind.worth, span))
        for i, stage in enumerate(t.task.stages):
            masks = t.open(stage.choice)
            values, habits = planned[i][state], mind.habits[i][state]
            contingency, habitisation = (
                _spread(x, None if masks is None else masks[state]) for x in (values, habits)
            )
            log_odds = (
                theta.w0
                + theta.contingency_effect * contingency
                - theta.habitisation_effect * habitisation
            )
            weight = Link("logit").inverse(log_odds, jnp)
            drive = weight * theta.beta_mb * values + (1 - weight) * theta.beta_habit * habits
            option = t.choose(stage.choice, drive)
            reached = arrival(t, stage, state, option)
            note_at(t, i, weight=weight, contingency=contingency, habitisation=habitisation)
            practised = _practise(mind.habits[i], state, option, theta.alpha_habit)
            mind = mind.replace(
                habits=with_table(mind.habits, i, practised),
                transitions=_seen(theta, mind, t, i, (state, option), reached),
            )
            state = reached
        return mind.replace(worth=learned_worth(t, mind.worth, state, theta.alpha2))


def _is_told(task: Any) -> bool:
    """Whether participants know how probable a common transition is, if not from where to where."""
    return hasattr(task, "instructed")


def _believed(task: Any, mind: Any) -> Tables:
    """Return the believed probability of each option's common move, for each choice."""
    if not _is_told(task):
        return mind.transitions
    counted = [
        transition_belief(task, evidence, counted=not task.instructed)
        for evidence in mind.transitions.cells
    ]
    first = Table(tuple(belief for belief in counted for _ in range(2)), (task.first_states, 2))
    return with_table(beliefs(task), 0, first)


def _seen(
    theta: Any, mind: Any, t: Listener, i: int, taken: tuple[Index, Index], reached: Index
) -> Any:
    """Return what is known of transitions after a move."""
    moved, _ = learned_move(t, i, _believed(t.task, mind), taken, reached, theta.alpha2)
    if not _is_told(t.task):
        return moved
    if i > 0:
        return mind.transitions
    common = was_common(t.task.stages[i], *taken, reached)
    return mind.transitions.add(taken[0], jnp.where(common == 1, 1, -1))


def _spread(values: Table, masks: Table | None) -> Lane:
    """Return the mean distance of the values of open options from their mean."""
    counts: list[Lane] = [1.0] * len(values.cells)
    if masks is not None:
        counts = [jnp.where(mask, 1.0, 0.0) for mask in masks.cells]
    pairs = list(zip(counts, values.cells, strict=True))
    mean = sum(count * value for count, value in pairs) / sum(counts)
    return sum(count * jnp.abs(value - mean) for count, value in pairs) / sum(counts)


def _practise(habits: Table, state: Index, chosen: Index, alpha: Lane) -> Table:
    """Return habits after a choice: the one chosen is strengthened, the others fade."""
    for option, done in enumerate(Table.one_hot(chosen, habits.shape[1]).cells):
        habits = habits.toward((state, option), done, alpha)
    return habits


def _effect(name: str, meaning: str) -> Parameter:
    """Return a parameter in log-odds, above 0, about 5 as in the paper's simulations."""
    return replace(
        temperature(name, meaning),
        prior=Prior("gamma", 2.0, 2.5),
        group_mean=Prior("normal", 1.5, 1.0),
        group_sd=Prior("half_normal", 0.5),
    )


HABITS_WITHOUT_VALUES = HabitsWithoutValues(
    name="habits-without-values",
    source="Miller, Shenhav & Ludvig (2019), doi:10.1037/rev0000120",
    parameters=(
        probability("alpha2", "Learning rate of what ends pay, and of transitions if not told."),
        probability("alpha_habit", "Rate at which what is done becomes habit."),
        temperature("beta_mb", "Inverse temperature of planned values, at both choices."),
        temperature("beta_habit", "Inverse temperature of habit strengths, at both choices."),
        effect("w0", "Log-odds of planning without habits, if nothing depends on the choice.", 1.5),
        _effect("contingency_effect", "Log-odds of planning that each unit of contingency adds."),
        _effect("habitisation_effect", "Log-odds of planning that each unit of habit takes away."),
    ),
)
