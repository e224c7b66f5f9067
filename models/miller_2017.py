"""Several agents in one head: planning, habit, and simple rules about the last trial."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Index, Lane, Table
from metacontrol.models.model import Model
from metacontrol.models.notes import note_two_steps
from metacontrol.models.parameter import Parameter, Prior, probability, stickiness, temperature
from metacontrol.models.plan import (
    expected_probability,
    planned_values,
    seen_transition,
    transition_belief,
)


@dataclass(frozen=True)
class MultipleAgents(Model):
    """Miller, Botvinick & Brody (2017), Nat Neurosci 20:1269, doi:10.1038/nn.4613, their code.

    First choice::

        P(a) ~ exp( beta_mb Q_MB(a) + beta_mf Q_MF(a) + beta_bonus B(a)
                    + beta_ws_mb WM(a) + beta_ws_mf WF(a) + p rep(a) + bias [a = 1] )

    Q_MB(a) = sum_s T(s | a) V_MB(s). The others are 1 for one option and 0 for the other, after a
    last trial with option a' that ended in state s'::

        rep  a'
        WF   a' if it was won, else the other: win-stay, lose-shift
        B    the option that commonly leads to s': a' if the transition was common, else the other
        WM   that of B if the last trial was won, else the other: win-stay, lose-shift of a planner

    Learning, with m the least plus the most that a trial pays, so that what one state paid speaks
    as much against the other (for both V, with rates alpha_mb and alpha_mf)::

        V(s)    += alpha (r - V(s)),   V(other) += alpha (m - r - V(other))
        Q_MF(a) += alpha_mf (V_MF(s) - Q_MF(a)) + alpha_mf lam (r - V_MF(s))

    with V_MF as just updated, and Q_MF before. All of these start at m / 2, and a trial is won
    that pays more than that. In their task the second choice is forced. In others V stays a value
    of states, and options have values of their own, learned as V_MB is but without the other:
    P(a2) ~ exp( beta2 Q2(s, a2) ), Q2(s, a2) += alpha_mb (r - Q2(s, a2)).

    Differences from the paper: T is known or inferred by counting, not learned by a delta rule.
    bias is over options, not sides, and is twice theirs, which is added here and subtracted
    there. Q_MF is updated for the option chosen, as in their fits to one rat; the hierarchical
    code has the option of the number of the state reached. They put priors on each weight times
    the standard deviation of its term; here that is taken to be .5 for terms of 0 and 1 and .2
    for Q.
    """

    def start(self, task: Any, theta: Any) -> Mind:
        """Return values in the middle of what is paid, and no last trial."""
        middle = _span(task) / 2
        return Mind(
            plan=Table.full((2,), middle),
            habit=Table.full((2,), middle),
            first=Table.full((task.first_states, 2), middle),
            second=Table.full((2, task.second_options), middle),
            evidence=Table.counts((task.first_states,)),
            last_option=-1,
            last_place=-1,
            last_won=0,
        )

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial."""
        start = t.see("first_state")
        belief = transition_belief(t.task, mind.evidence[start], counted=not t.task.instructed)
        own = jnp.sign(belief - 0.5) / 2 + 0.5  # does an option lead to the state of its number?
        stay = mind.last_option - 2 * start
        drive = (
            theta.beta_mb * planned_values(belief, mind.plan)
            + theta.beta_mf * mind.first[start]
            + theta.beta_bonus * planned_values(own, Table.one_hot(mind.last_place, 2))
            + theta.beta_ws_mb * planned_values(own, _or_other(mind.last_place, mind.last_won))
            + theta.beta_ws_mf * _or_other(stay, mind.last_won)
            + theta.p * Table.one_hot(stay, 2)
            + Table.of(0.0, theta.bias)
        )
        first = t.choose("first_choice", drive)
        place = t.see("second_state")
        second = t.choose("second_choice", theta.beta2 * mind.second[place])
        reward = t.see("reward")

        total = _span(t.task)
        habit = _learn(mind.habit, place, reward, total, theta.alpha_mf)
        worth = habit[place] + theta.lam * (reward - habit[place])
        t.note("outcome_prediction_error", reward - mind.plan[place])
        expected = expected_probability(belief, first, place)
        note_two_steps(t, expected, worth - mind.first[start, first], reward - mind.habit[place])
        return mind.replace(
            plan=_learn(mind.plan, place, reward, total, theta.alpha_mb),
            habit=habit,
            first=mind.first.toward((start, first), worth, theta.alpha_mf),
            second=mind.second.toward((place, second), reward, theta.alpha_mb),
            evidence=mind.evidence.add(start, seen_transition(first, place)),
            last_option=2 * start + first,
            last_place=place,
            last_won=jnp.where(reward > total / 2, 1, 0),
        )


def _span(task: Any) -> float:
    """Return the least plus the most that a trial pays."""
    return float(sum(task.pays))


def _or_other(index: Index, won: Index) -> Table:
    """Return 1 for an option or state after a win, for the other one after a loss."""
    return Table.one_hot(jnp.where(won == 1, index, 1 - index), 2)


def _learn(values: Table, place: Index, reward: Lane, total: float, alpha: Lane) -> Table:
    """Return values of both states after one of them paid."""
    return values.toward(place, reward, alpha).toward(1 - place, total - reward, alpha)


def _rate(name: str, meaning: str) -> Parameter:
    """Return a parameter between 0 and 1, with the paper's prior."""
    return replace(probability(name, meaning), prior=Prior("beta", 3.0, 3.0))


def _weight(name: str, meaning: str) -> Parameter:
    """Return a weight of values, of either sign."""
    prior = Prior("normal", 0.0, 2.5)
    sd = Prior("half_normal", 1.25)
    return replace(stickiness(name, meaning), prior=prior, group_mean=prior, group_sd=sd)


MULTIPLE_AGENTS = MultipleAgents(
    name="multiple-agents",
    source="Miller, Botvinick & Brody (2017), doi:10.1038/nn.4613",
    parameters=(
        _rate("alpha_mb", "Learning rate of what the plan believes states to pay."),
        _rate("alpha_mf", "Learning rate of habit."),
        _rate("lam", "Eligibility: share of the second-stage surprise that habit learns."),
        _weight("beta_mb", "Weight of planned values, per unit of reward."),
        _weight("beta_mf", "Weight of cached values, per unit of reward."),
        stickiness("beta_bonus", "Log-odds of the option that leads where one was last."),
        stickiness("beta_ws_mb", "Log-odds of that option after a win, of the other after a loss."),
        stickiness("beta_ws_mf", "Log-odds of repeating the first choice after a win, or not."),
        stickiness("p", "Log-odds of repeating the first choice."),
        stickiness("bias", "Log-odds of first option 1 over 0 if all else is equal."),
        temperature("beta2", "Inverse temperature of the second choice, per unit of reward."),
    ),
)
