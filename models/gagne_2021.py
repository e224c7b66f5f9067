"""The plain hybrid of Gagne & Dayan (2021): no eligibility, forgetting towards one half."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Table
from metacontrol.models.model import Model
from metacontrol.models.notes import note_two_steps
from metacontrol.models.parameter import probability, stickiness, temperature
from metacontrol.models.plan import expected_probability, planned_values

START = 0.5


@dataclass(frozen=True)
class Gagne2021(Model):
    """Gagne & Dayan (2021), Two steps to risk sensitivity, NeurIPS: `mean_mb_mf_sticky`.

    Values start at one half, transition probabilities are known. First choice::

        P(a)  ~ exp( beta_mb Q_MB(a) + beta_mf Q_MF(a) + p rep(a) )

    second choice P(a2) ~ exp(beta2 Q2(s, a2)). Then the chosen Q_MF and the chosen Q2 move towards
    the reward by alpha, and every other value moves towards one half by alpha.
    """

    def start(self, task: Any, theta: Any) -> Mind:
        """Return all values at one half and no last choice."""
        return Mind(
            first=Table.full((task.first_states, 2), START),
            second=Table.full((2, task.second_options), START),
            last_option=-1,
        )

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial."""
        start = t.see("first_state")
        plan = planned_values(t.task.common, mind.second.best())
        repeated = Table.one_hot(mind.last_option - 2 * start, 2)
        drive = theta.beta_mb * plan + theta.beta_mf * mind.first[start] + theta.p * repeated
        first = t.choose("first_choice", drive)
        place = t.see("second_state")
        second = t.choose("second_choice", theta.beta2 * mind.second[place])
        reward = t.see("reward")

        t.note("weight", theta.beta_mb / (theta.beta_mb + theta.beta_mf))
        note_two_steps(
            t,
            expected_probability(t.task.common, first, place),
            reward - mind.first[start, first],
            reward - mind.second[place, second],
        )
        return mind.replace(
            first=_learn(mind.first, (start, first), reward, theta.alpha),
            second=_learn(mind.second, (place, second), reward, theta.alpha),
            last_option=2 * start + first,
        )


def _learn(values: Table, chosen: tuple[Any, Any], reward: Any, alpha: Any) -> Table:
    """Move the chosen value towards the reward and all others towards the start."""
    faded = values + alpha * (START - values)
    return faded.add(chosen, alpha * (reward - START))


GAGNE_2021 = Gagne2021(
    name="gagne-2021",
    source="Gagne & Dayan (2021), Advances in Neural Information Processing Systems 34",
    parameters=(
        probability("alpha", "Learning rate of all values, and rate of forgetting."),
        temperature("beta_mb", "Inverse temperature of planned values at the first choice."),
        temperature("beta_mf", "Inverse temperature of cached values at the first choice."),
        temperature("beta2", "Inverse temperature of the second choice, per unit of reward."),
        stickiness("p", "Log-odds of repeating the first choice (outside the temperatures)."),
    ),
)
