"""The hybrid of Gläscher et al. (2010): FORWARD learns transitions, SARSA learns values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Lane, Table
from metacontrol.models.notes import note_at
from metacontrol.models.parameter import (
    Link,
    Parameter,
    Prior,
    probability,
    stickiness,
    temperature,
)
from metacontrol.models.stages import (
    GraphModel,
    arrival,
    beliefs,
    end_values,
    expected,
    is_free,
    learned_move,
    learned_worth,
    no_choice,
    plan,
    reward_range,
    start_worth,
    tables,
    with_table,
)


@dataclass(frozen=True)
class ForwardHybrid(GraphModel):
    """Gläscher, Daw, Dayan & O'Doherty (2010), Neuron 66:585, doi:10.1016/j.neuron.2010.04.016.

    For a task of any number of choices; T is the believed probability of an option's two moves, R
    the worth of an end, in ranges of the task's reward: as shown, else as learned. At each choice::

        Q_MB(s, a) = sum_s' T(s' | s, a) max_a' Q_MB(s', a'),   at the last choice R in its place
        P(a)       ~ exp( beta ( w_n Q_MB(s, a) + (1 - w_n) Q_MF(s, a) + p rep(a) ) )
        w_n        = w exp( -decay n / 100 )      after n trials whose first choice was free

    After each move to s', with state and reward prediction errors::

        SPE = 1 - T(s' | s, a),     T(s' | s, a) += alpha_plan SPE,  the other move loses it
        RPE = sum_a' pi(a' | s') Q_MF(s', a') - Q_MF(s, a),  at the end r - Q_MF(s, a)
        Q_MF(s, a) += alpha_habit RPE,     R(end) += alpha_plan (r - R(end))

    pi is a softmax of Q_MF, and rep(a) = 1 for the option of the last first choice in this state.

    Differences from the paper: T is over the two places an option can lead to, not all; it starts
    at one half, or as instructed. SARSA learns from what habit would choose next on average (the
    authors draw it, which would be chance in the mind). p is ours: fix it at 0 for the paper's.
    """

    def start(self, task: Any, theta: Any) -> Mind:
        """Return values of 0, no last choice, and what is known of the transitions."""
        return Mind(
            habits=tables(task),
            believed=beliefs(task),
            worth=start_worth(task),
            last=no_choice(task),
            free_trials=0,
        )

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial."""
        span, start = reward_range(t.task), t.see(t.task.stages[0].state)
        state, first, free = start, 0, is_free(t, start)
        planned = plan(t, mind.believed, end_values(t, mind.worth, span))
        for i, stage in enumerate(t.task.stages):
            weight = self.weight(theta, mind, t)
            net = weight * planned[i][state] + (1 - weight) * mind.habits[i][state]
            if i == 0:
                net = net + theta.p * Table.one_hot(mind.last[start], stage.options)
            option = t.choose(stage.choice, theta.beta * net)
            reached = arrival(t, stage, state, option)
            if i + 1 < len(t.task.stages):
                following = t.task.stages[i + 1]
                gained = expected(t, following, mind.habits[i + 1], theta.beta, reached)
            else:
                gained = t.see("reward") / span
            taken = state, option
            believed, spe = learned_move(t, i, mind.believed, taken, reached, theta.alpha_plan)
            rpe = gained - mind.habits[i][taken]
            note_at(t, i, weight=weight, reward_prediction_error=rpe)
            habits = mind.habits[i].add(taken, theta.alpha_habit * rpe)
            mind = mind.replace(habits=with_table(mind.habits, i, habits), believed=believed)
            mind = self.after_move(theta, mind, t, spe, rpe)
            first, state = (option if i == 0 else first), reached
        return mind.replace(
            worth=learned_worth(t, mind.worth, state, theta.alpha_plan),
            last=mind.last.add(start, first - mind.last[start]),
            free_trials=mind.free_trials + free,
        )

    def weight(self, theta: Any, mind: Any, t: Listener) -> Lane:
        """Return the weight of planning at a choice; models of arbitration have their own."""
        t.note("free_trials", mind.free_trials)
        return theta.w * jnp.exp(-theta.decay * mind.free_trials / 100)

    def after_move(self, theta: Any, mind: Any, t: Listener, spe: Lane, rpe: Lane) -> Mind:
        """Return the mind after the prediction errors of a move; arbitration learns from them."""
        return mind


CONTROLLERS = (
    probability("alpha_habit", "Learning rate of cached values."),
    probability("alpha_plan", "Learning rate of transitions, and of what an end pays."),
    temperature("beta", "Inverse temperature, per range of the task's reward."),
    stickiness("p", "Bonus for repeating the first choice, in ranges of reward (inside beta)."),
)

FORWARD_HYBRID_DECAYING = ForwardHybrid(
    name="forward-hybrid-decaying",
    source="Gläscher et al. (2010), doi:10.1016/j.neuron.2010.04.016",
    parameters=(
        *CONTROLLERS,
        probability("w", "Weight of planning at the first free choice."),
        Parameter(
            name="decay",
            meaning="Rate at which the weight of planning decays, per hundred free trials.",
            link=Link("log"),
            prior=Prior("gamma", 1.2, 5.0),
            group_mean=Prior("normal", 0.0, 1.5),
            group_sd=Prior("half_normal", 1.0),
            search=(0.0, 100.0),
        ),
    ),
)

FORWARD_HYBRID = FORWARD_HYBRID_DECAYING.fix(name="forward-hybrid", decay=0.0)
