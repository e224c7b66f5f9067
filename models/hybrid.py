"""The hybrid of Daw et al. (2011): planned and cached values, mixed by a fixed weight w."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Lane, Table
from metacontrol.models.habit import after, sarsa, two_step_mind
from metacontrol.models.model import Model
from metacontrol.models.notes import note_two_steps
from metacontrol.models.parameter import probability, stickiness, temperature
from metacontrol.models.plan import expected_probability, planned_values, transition_belief


@dataclass(frozen=True)
class Hybrid(Model):
    """Daw, Gershman, Seymour, Dayan & Dolan (2011), Neuron 69, doi:10.1016/j.neuron.2011.02.027.

    First choice, with V(s) = max_a Q2(s, a) and rep(a) = 1 for the previous first choice::

        Q_MB(a) = sum_s T(s | a) V(s)
        P(a)    ~ exp( beta1 * (w Q_MB(a) + (1 - w) Q_MF(a) + p rep(a)) )

    Second choice::

        P(a2)   ~ exp( beta2 * Q2(s, a2) )

    Learning (SARSA(lambda)), both prediction errors from values before the trial::

        delta1 = Q2(s, a2) - Q_MF(a)
        delta2 = r - Q2(s, a2)
        Q_MF(a)    += alpha1 * (delta1 + lam * delta2)
        Q2(s, a2)  += alpha2 * delta2

    T is known if the task instructs it, else its direction is inferred by counting. With two first
    states, Q_MF and rep belong to each.

    Differences from the paper: while transitions seen are tied, T is one half each.
    """

    def start(self, task: Any, theta: Any) -> Mind:
        """Return values at the task's start value, no last choice, no transitions seen."""
        return two_step_mind(task, task.start_value)

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial."""
        start = t.see("first_state")
        belief = transition_belief(t.task, mind.evidence[start], counted=not t.task.instructed)
        plan = planned_values(belief, mind.second.best())
        repeated = theta.p * Table.one_hot(mind.last_option - 2 * start, 2)
        values, known = self.drive(theta, mind, t, plan, mind.first[start], repeated)
        first = t.choose("first_choice", values)
        place = t.see("second_state")
        second = t.choose("second_choice", theta.beta2 * mind.second[place])
        reward = t.see("reward")

        lesson = sarsa(
            mind.first,
            mind.second,
            (start, first),
            (place, second),
            reward,
            alpha1=theta.alpha1,
            alpha2=theta.alpha2,
            lam=theta.lam,
        )
        expected = expected_probability(belief, first, place)
        note_two_steps(t, expected, lesson.delta1, lesson.delta2)
        done = after(mind, lesson, start, first, place)
        return done.replace(**self.settle(theta, mind, t, known))

    def drive(
        self, theta: Any, mind: Any, t: Listener, plan: Table, cached: Table, repeated: Table
    ) -> tuple[Table, Any]:
        """Return the log-odds of the first options.

        Parameters
        ----------
        plan, cached, repeated : Table, shape (2,)
            Planned and cached values, and the bonus for repeating.

        Returns
        -------
        Table, shape (2,)
            For `choose`.
        Any
            What `settle` is to know.
        """
        weight = self.weight(theta, mind, t)
        t.note("weight", weight)
        return theta.beta1 * (weight * plan + (1 - weight) * cached + repeated), weight

    def settle(self, theta: Any, mind: Any, t: Listener, known: Any) -> dict[str, Any]:
        """Return what a model that adds to this mind has in it after the trial, by name."""
        return {}

    def weight(self, theta: Any, mind: Any, t: Listener) -> Lane:
        """Return the weight of planning on this trial; models of arbitration have their own."""
        return theta.w


HYBRID = Hybrid(
    name="hybrid",
    source="Daw et al. (2011), doi:10.1016/j.neuron.2011.02.027",
    parameters=(
        probability("alpha1", "Learning rate of first-stage cached values."),
        probability("alpha2", "Learning rate of second-stage values."),
        temperature("beta1", "Inverse temperature of the first choice, per unit of reward."),
        temperature("beta2", "Inverse temperature of the second choice, per unit of reward."),
        probability("lam", "Eligibility: share of the second-stage surprise that habit learns."),
        stickiness("p", "Bonus for repeating the first choice, in units of reward (inside beta1)."),
        probability("w", "Weight of planning; 1 - w is the weight of habit."),
    ),
)

MODEL_FREE = HYBRID.fix(name="model-free", w=0.0)

MODEL_BASED = HYBRID.fix(name="model-based", w=1.0, alpha1=0.0, lam=0.0)
