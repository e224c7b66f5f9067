"""Planning and habit with an inverse temperature each, instead of one that they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Table
from metacontrol.models.habit import after, note_errors, sarsa, two_step_mind
from metacontrol.models.model import Model
from metacontrol.models.parameter import probability, stickiness, temperature
from metacontrol.models.plan import planned_values, transition_belief


@dataclass(frozen=True)
class SeparateWeights(Model):
    """Otto, Raio et al. (2013), PNAS, doi:10.1073/pnas.1312011110, and Decker et al. (2016).

    First choice::

        P(a)  ~ exp( beta_mb Q_MB(a) + beta_mf Q_MF(a) + p rep(a) )

    and otherwise as the hybrid of Daw et al. (2011), `Hybrid`, which is the same model with
    beta_mb = beta1 w, beta_mf = beta1 (1 - w) and p (here outside) = beta1 p (there inside). Load
    may change one system only, and the trade-off between beta1 and w is gone.
    """

    def start(self, task: Any, theta: Any) -> Mind:
        """Return values at the task's start value, no last choice, no transitions seen."""
        return two_step_mind(task, task.start_value)

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial."""
        start = t.see("first_state")
        belief = transition_belief(t.task, mind.evidence[start], counted=not t.task.instructed)
        plan = planned_values(belief, mind.second.best())
        repeated = Table.one_hot(mind.last_option - 2 * start, 2)
        drive = theta.beta_mb * plan + theta.beta_mf * mind.first[start] + theta.p * repeated
        first = t.choose("first_choice", drive)
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
        t.note("weight", theta.beta_mb / (theta.beta_mb + theta.beta_mf))
        note_errors(t, lesson.delta1, lesson.delta2)
        return after(mind, lesson, start, first, place)


SEPARATE_WEIGHTS = SeparateWeights(
    name="separate-weights",
    source="Otto, Raio et al. (2013), doi:10.1073/pnas.1312011110",
    parameters=(
        probability("alpha1", "Learning rate of first-stage cached values."),
        probability("alpha2", "Learning rate of second-stage values."),
        temperature("beta_mb", "Inverse temperature of planned values at the first choice."),
        temperature("beta_mf", "Inverse temperature of cached values at the first choice."),
        temperature("beta2", "Inverse temperature of the second choice, per unit of reward."),
        probability("lam", "Eligibility: share of the second-stage surprise that habit learns."),
        stickiness("p", "Log-odds of repeating the first choice (outside the temperatures)."),
    ),
)
