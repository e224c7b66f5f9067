"""The hybrid of Kool et al. (2016): one learning rate and temperature, two kinds of stickiness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Table
from metacontrol.models.habit import after, sarsa, two_step_mind
from metacontrol.models.model import Model
from metacontrol.models.notes import note_two_steps
from metacontrol.models.parameter import Prior, probability, stickiness, temperature
from metacontrol.models.plan import expected_probability, planned_values, transition_belief


@dataclass(frozen=True)
class HybridKool(Model):
    """Kool, Cushman & Gershman (2016), PLoS Comput Biol, doi:10.1371/journal.pcbi.1005090.

    First choice in first state s1, with V(s) = max_a Q2(s, a)::

        Q_MB(a) = sum_s T(s | s1, a) V(s)
        Q(a)    = w Q_MB(a) + (1 - w) Q_MF(s1, a)
                  + stimulus_stickiness M(s1, a) + response_stickiness R(a)
        P(a)    ~ exp( beta Q(a) )

    M(s1, a) = 1 if this option of this state was the last one chosen; R(a) = 1 if the option is on
    the side that was last pressed. Second choice, if there is one: P(a2) ~ exp(beta Q2(s, a2)).
    Learning is SARSA(lambda) with one learning rate alpha (`sarsa`).

    T is counted for each first state: one half until a direction has been seen more often, then
    the task's probabilities in that direction (on a deterministic task: exact after one visit).
    The 12 models of the paper are this one with parameters fixed: w at 0 (model-free) or 1 (with
    lam at 0: model-based), either stickiness at 0.
    """

    cues: ClassVar[Mapping[str, tuple[str, ...]]] = {"first_left_option": ("response_stickiness",)}

    def start(self, task: Any, theta: Any) -> Mind:
        """Return values at the task's start value, no last choice or side, no transitions seen."""
        mind = two_step_mind(task, task.start_value)
        return Mind(**vars(mind), last_side=-1)

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial."""
        start = t.see("first_state")
        belief = transition_belief(t.task, mind.evidence[start], counted=True)
        plan = planned_values(belief, mind.second.best())
        same_option = Table.one_hot(mind.last_option - 2 * start, 2)
        net = theta.w * plan + (1 - theta.w) * mind.first[start]
        net = net + theta.stimulus_stickiness * same_option
        sides_matter = self.looks_at("first_left_option")
        left = t.see("first_left_option") if sides_matter else 0
        if sides_matter:
            same_side = jnp.where(mind.last_side == 0, left, 1 - left)
            pressed = jnp.where(mind.last_side < 0, -1, same_side)
            net = net + theta.response_stickiness * Table.one_hot(pressed, 2)
        first = t.choose("first_choice", theta.beta * net)
        place = t.see("second_state")
        second = t.choose("second_choice", theta.beta * mind.second[place])
        reward = t.see("reward")

        lesson = sarsa(
            mind.first,
            mind.second,
            (start, first),
            (place, second),
            reward,
            alpha1=theta.alpha,
            alpha2=theta.alpha,
            lam=theta.lam,
        )
        t.note("weight", theta.w)
        expected = expected_probability(belief, first, place)
        note_two_steps(t, expected, lesson.delta1, lesson.delta2)
        side = jnp.where(first == left, 0, 1)
        return after(mind, lesson, start, first, place).replace(last_side=side)


_UNIFORM = Prior("uniform", 0.0, 1.0)
_STICKINESS = Prior("normal", 0.15, 1.42)


HYBRID_KOOL = HybridKool(
    name="hybrid-kool",
    source="Kool et al. (2016), doi:10.1371/journal.pcbi.1005090",
    parameters=(
        replace(probability("alpha", "Learning rate of all cached values."), prior=_UNIFORM),
        replace(
            temperature("beta", "Inverse temperature of both choices, per unit of reward."),
            prior=Prior("gamma", 4.82, 0.88),
            search=(0.0, 20.0),
        ),
        replace(
            probability("lam", "Eligibility: share of the second-stage surprise habit learns."),
            prior=_UNIFORM,
        ),
        replace(
            probability("w", "Weight of planning; 1 - w is the weight of habit."), prior=_UNIFORM
        ),
        replace(
            stickiness("stimulus_stickiness", "Bonus for the option last chosen, inside beta."),
            prior=_STICKINESS,
            search=(-20.0, 20.0),
        ),
        replace(
            stickiness("response_stickiness", "Bonus for the side last pressed, inside beta."),
            prior=_STICKINESS,
            search=(-20.0, 20.0),
        ),
    ),
)
