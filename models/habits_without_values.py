"""Habit as what was done before, whatever it brought, and an arbiter that watches it grow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Index, Lane, Table
from metacontrol.models.model import Model
from metacontrol.models.parameter import Link, Parameter, Prior, effect, probability, temperature
from metacontrol.models.plan import planned_values, seen_transition, transition_belief


@dataclass(frozen=True)
class HabitsWithoutValues(Model):
    """Miller, Shenhav & Ludvig (2019), Psychol Rev 126:292, doi:10.1037/rev0000120.

    In mind are values Q2(s, a2) and, for each state of either stage, habit strengths H(s, a).
    With Q = Q_MB as in `Hybrid` at the first choice and Q = Q2(s, .) at the second, and H that of
    the state::

        P(a) ~ exp( w beta_mb Q(a) + (1 - w) beta_habit H(a) )
        w    = sigma( w0 + contingency_effect g - habitisation_effect h )
        g    = mean_a |Q(a) - mean Q|,    h = mean_a |H(a) - mean H|

    After the choice of a, for all options x of that state, and after the reward::

        H(s, x)   += alpha_habit (1[x = a] - H(s, x))
        Q2(s, a2) += alpha2 (r - Q2(s, a2))

    So habits grow with doing alone; the more there is of them the more they rule (h), and the
    less the more outcomes depend on what is done (g). H starts at 0. In the paper's symbols
    beta_mb is theta_G, beta_habit theta_H, the effects w_G and w_H, and w0 is minus w_0. With
    both effects at 0 the weight is sigma(w0); if also alpha_habit = 1, habit at the first choice is
    the perseveration of `SeparateWeights`.

    Differences from the paper: the task, for the paper's have one choice, and so the plan of the
    first choice. One kind of outcome, of known worth. The spreads g and h count all options
    alike. Were options weighted by the current policy, w would depend on itself, and spreads
    would vanish as the policy becomes sure of an option, just when a habit is complete.
    """

    def start(self, task: Any, theta: Any) -> Mind:
        """Return values at the task's start value, no habits, no transitions seen."""
        return Mind(
            second=Table.full((2, task.second_options), task.start_value),
            first_habits=Table.full((task.first_states, 2)),
            second_habits=Table.full((2, task.second_options)),
            evidence=Table.counts((task.first_states,)),
        )

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial."""
        start = t.see("first_state")
        belief = transition_belief(t.task, mind.evidence[start], counted=not t.task.instructed)
        plan = planned_values(belief, mind.second.best())
        habits = mind.first_habits[start]
        first = t.choose("first_choice", self._drive(theta, plan, habits))
        place = t.see("second_state")
        drive = self._drive(theta, mind.second[place], mind.second_habits[place])
        second = t.choose("second_choice", drive)
        reward = t.see("reward")

        t.note("weight", self._weight(theta, plan, habits))
        t.note("contingency", _spread(plan))
        t.note("habitisation", _spread(habits))
        t.note("second_prediction_error", reward - mind.second[place, second])
        return mind.replace(
            second=mind.second.toward((place, second), reward, theta.alpha2),
            first_habits=_practise(mind.first_habits, start, first, theta.alpha_habit),
            second_habits=_practise(mind.second_habits, place, second, theta.alpha_habit),
            evidence=mind.evidence.add(start, seen_transition(first, place)),
        )

    def _weight(self, theta: Any, values: Table, habits: Table) -> Lane:
        """Return the weight of planning in a state."""
        log_odds = (
            theta.w0
            + theta.contingency_effect * _spread(values)
            - theta.habitisation_effect * _spread(habits)
        )
        return Link("logit").inverse(log_odds, jnp)

    def _drive(self, theta: Any, values: Table, habits: Table) -> Table:
        weight = self._weight(theta, values, habits)
        return weight * theta.beta_mb * values + (1 - weight) * theta.beta_habit * habits


def _spread(values: Table) -> Lane:
    """Return the mean distance of values from their mean."""
    count = len(values.cells)
    mean = sum(values.cells) / count
    return sum(jnp.abs(value - mean) for value in values.cells) / count


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
        probability("alpha2", "Learning rate of second-stage values."),
        probability("alpha_habit", "Rate at which what is done becomes habit."),
        temperature("beta_mb", "Inverse temperature of planned values, at both choices."),
        temperature("beta_habit", "Inverse temperature of habit strengths, at both choices."),
        effect("w0", "Log-odds of planning without habits, if nothing depends on the choice.", 1.5),
        _effect("contingency_effect", "Log-odds of planning that each unit of contingency adds."),
        _effect("habitisation_effect", "Log-odds of planning that each unit of habit takes away."),
    ),
)
