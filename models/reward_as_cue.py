"""A foil: what the last trial brought, used as a cue, looks like planning and is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Table
from metacontrol.models.model import Model
from metacontrol.models.notes import note_at
from metacontrol.models.parameter import probability, temperature


@dataclass(frozen=True)
class RewardAsCue(Model):
    """Akam, Costa & Dayan (2015), PLoS Comput Biol, doi:10.1371/journal.pcbi.1004648.

    Where the last trial ended (state s') and whether it was rewarded (r') are a cue, and options
    have values given the cue::

        P(a)  ~ exp( beta1 Qc(s1, s', r', a) )
        Qc(s1, s', r', a)  += alpha1 (r - Qc(s1, s', r', a))     only the entry used
        Q2(s, a2)          += alpha2 (r - Q2(s, a2))             P(a2) ~ exp( beta2 Q2(s, a2) )

    All values start at 0. With plan "fixed" Qc starts as the rule "go where it was good, avoid
    where it was not": 1 for the option that leads to s' after a reward and to the other state
    after none, and alpha1 = 0. That never learns anything about the first choice, and yet shows
    the stay probabilities of a perfect planner. Points count as a reward if above 0.
    """

    plan: Literal["learned", "fixed"] = "learned"

    def start(self, task: Any, theta: Any) -> Mind:
        """Return values of 0, or the fixed plan, and no cue yet."""
        rule = (0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0)  # by s', r' and option
        cells = tuple(jnp.asarray(x if self.plan == "fixed" else 0.0) for x in rule)
        return Mind(
            cued=Table(cells * task.first_states, (task.first_states, 2, 2, 2)),
            second=Table.full((2, task.second_options)),
            last_place=-1,
            last_won=0,
        )

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial."""
        start = t.see("first_state")
        seen = jnp.where(mind.last_place >= 0, 1.0, 0.0)
        values = seen * mind.cued[start, mind.last_place, mind.last_won]
        first = t.choose("first_choice", theta.beta1 * values)
        place = t.see("second_state")
        second = t.choose("second_choice", theta.beta2 * mind.second[place])
        reward = t.see("reward")
        note_at(t, 0, reward_prediction_error=reward - values[first])
        note_at(t, 1, reward_prediction_error=reward - mind.second[place, second])
        cue = (start, mind.last_place, mind.last_won, first)
        return mind.replace(
            cued=mind.cued.add(cue, theta.alpha1 * (reward - values[first])),
            second=mind.second.toward((place, second), reward, theta.alpha2),
            last_place=place,
            last_won=jnp.where(reward > 0, 1, 0),
        )


REWARD_AS_CUE = RewardAsCue(
    name="reward-as-cue",
    source="Akam et al. (2015), doi:10.1371/journal.pcbi.1004648",
    parameters=(
        probability("alpha1", "Learning rate of first options given the cue."),
        probability("alpha2", "Learning rate of second-stage values."),
        temperature("beta1", "Inverse temperature of the first choice, per unit of reward."),
        temperature("beta2", "Inverse temperature of the second choice, per unit of reward."),
    ),
)

FIXED_REWARD_AS_CUE = RewardAsCue(
    name="fixed-reward-as-cue",
    source=REWARD_AS_CUE.source,
    parameters=REWARD_AS_CUE.parameters,
    fixed=(("alpha1", 0.0),),
    plan="fixed",
)
