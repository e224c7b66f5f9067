"""Foils: planners with a wrong model of the task, who look as if habit had a share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Table
from metacontrol.models.model import Model
from metacontrol.models.notes import note_at
from metacontrol.models.parameter import (
    Link,
    Parameter,
    Prior,
    probability,
    stickiness,
    temperature,
)
from metacontrol.models.plan import (
    expected_probability,
    planned_values,
    seen_transition,
    transition_belief,
)


@dataclass(frozen=True)
class WrongModel(Model):
    """Feher da Silva & Hare (2020), Nat Hum Behav, doi:10.1038/s41562-020-0905-y, their code.

    A planner who caches nothing, with two superstitions. One first option, 0, brings bad luck: it
    scales all that may follow by eta, the other by 1. And what is seen after a rare transition is
    learned from at another rate than after a common one. With Q_MB(a) as in `Hybrid`,
    luck = (eta, 1), rep(a) = 1 for the previous first choice and first option a chosen::

        P(a)       ~ exp( beta1 (luck(a) Q_MB(a) + p rep(a)) )
        P(a2)      ~ exp( beta2 luck(a) Q2(s, a2) )
        Q2(s, a2) += alpha (r - Q2(s, a2)),   alpha = alpha_rare if s was less likely than not,
                                                      alpha_common otherwise

    With eta = 1 and one learning rate this is `MODEL_BASED`. Above 1 option 1 is the unlucky one:
    the same is said with options renamed, 1 / eta, both temperatures times eta, and p / eta.

    Differences from the paper: one superstition each is what its agents have; they share beta
    over both choices, and do not perseverate (p = 0). T is inferred where the task does not
    instruct it, and with it what is rare.
    """

    def start(self, task: Any, theta: Any) -> Mind:
        """Return values at the task's start value, no last choice, no transitions seen."""
        return Mind(
            second=Table.full((2, task.second_options), task.start_value),
            evidence=Table.counts((task.first_states,)),
            last_option=-1,
        )

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial."""
        start = t.see("first_state")
        belief = transition_belief(t.task, mind.evidence[start], counted=not t.task.instructed)
        luck = Table.of(theta.eta, 1.0)
        plan = luck * planned_values(belief, mind.second.best())
        repeated = Table.one_hot(mind.last_option - 2 * start, 2)
        first = t.choose("first_choice", theta.beta1 * (plan + theta.p * repeated))
        place = t.see("second_state")
        second = t.choose("second_choice", theta.beta2 * luck[first] * mind.second[place])
        reward = t.see("reward")

        expected = expected_probability(belief, first, place)
        alpha = jnp.where(expected < 0.5, theta.alpha_rare, theta.alpha_common)
        t.note("weight", 1.0)
        note_at(t, 0, state_prediction_error=1 - expected)
        note_at(t, 1, reward_prediction_error=reward - mind.second[place, second])
        return mind.replace(
            second=mind.second.toward((place, second), reward, alpha),
            evidence=mind.evidence.add(start, seen_transition(first, place)),
            last_option=2 * start + first,
        )


WRONG_MODEL = WrongModel(
    name="wrong-model",
    source="Feher da Silva & Hare (2020), doi:10.1038/s41562-020-0905-y",
    parameters=(
        probability("alpha_common", "Learning rate of second-stage values, if come to as usual."),
        probability("alpha_rare", "Learning rate of second-stage values after a rare transition."),
        Parameter(
            name="eta",
            meaning="What first option 0 is believed to make of the values that follow it.",
            link=Link("log"),
            prior=Prior("gamma", 2.0, 0.5),
            group_mean=Prior("normal", 0.0, 1.0),
            group_sd=Prior("half_normal", 0.5),
            search=(0.0, 10.0),
        ),
        temperature("beta1", "Inverse temperature of the first choice, per unit of reward."),
        temperature("beta2", "Inverse temperature of the second choice, per unit of reward."),
        stickiness("p", "Bonus for repeating the first choice, in units of reward (inside beta1)."),
    ),
)

UNLUCKY_SYMBOL = WRONG_MODEL.fix(name="unlucky-symbol", alpha_rare="alpha_common")

TRANSITION_DEPENDENT_LEARNING = WRONG_MODEL.fix(name="transition-dependent-learning", eta=1.0)
