"""A foil: a belief about which second state is the good one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Lane, Table
from metacontrol.models.model import Model
from metacontrol.models.notes import note_at
from metacontrol.models.parameter import Link, Prior, probability, temperature

LARGEST = 500.0  # log-odds; e to the power of more is not a number a computer has


@dataclass(frozen=True)
class LatentState(Model):
    """Akam, Costa & Dayan (2015), PLoS Comput Biol, doi:10.1371/journal.pcbi.1004648.

    In mind is b, the probability that second state 1 is the good one, where rewards come with
    probability p_good and else with 1 - p_good. A trial that ended in state s with reward r::

        L  = p_good if (s = 1) = (r = 1), else 1 - p_good
        b <- L b / (L b + (1 - L) (1 - b)),   then   b <- (1 - p_reversal) b + p_reversal (1 - b)

    The option that commonly leads to state 1 is chosen with probability
    (1 - lapse) q + lapse (1 - q), q = sigma( beta1 (2 b - 1) ). Second options are learned by
    Q2(s, a2) += alpha2 (r - Q2(s, a2)), P(a2) ~ exp( beta2 Q2(s, a2) ).

    Difference from the paper: there q is 1 or 0, which is beta1 without bound; a softmax has a
    slope to be fitted by. Points count as a reward if above 0.
    """

    def start(self, task: Any, theta: Any) -> Mind:
        """Return an open mind."""
        return Mind(belief=0.5, second=Table.full((2, task.second_options)))

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial."""
        t.note("belief", mind.belief)
        log_odds = _lapsing(theta.beta1 * (2 * mind.belief - 1), theta.lapse)
        t.choose("first_choice", Table.of(0.0, log_odds))
        place = t.see("second_state")
        second = t.choose("second_choice", theta.beta2 * mind.second[place])
        reward = t.see("reward")
        note_at(t, 1, reward_prediction_error=reward - mind.second[place, second])

        speaks_for_1 = jnp.where(reward > 0, 1, 0) == place
        likely = jnp.where(speaks_for_1, theta.p_good, 1 - theta.p_good)
        both = likely * mind.belief + (1 - likely) * (1 - mind.belief)
        belief = likely * mind.belief / jnp.where(both > 0, both, 1.0)  # 0 / 0: sure, and wrong
        return mind.replace(
            belief=(1 - theta.p_reversal) * belief + theta.p_reversal * (1 - belief),
            second=mind.second.toward((place, second), reward, theta.alpha2),
        )


def _lapsing(log_odds: Lane, lapse: Lane) -> Lane:
    """Return log-odds if with some probability the other option is taken than they speak for."""
    size = jnp.abs(log_odds)
    less = jnp.exp(-jnp.where(size < LARGEST, size, LARGEST))
    kept = jnp.log(1 - lapse + lapse * less) - jnp.log(lapse + (1 - lapse) * less)
    return jnp.where(log_odds < 0, -kept, kept)


LATENT_STATE = LatentState(
    name="latent-state",
    source="Akam et al. (2015), doi:10.1371/journal.pcbi.1004648",
    parameters=(
        probability("p_good", "Believed probability of reward in the good state."),
        probability("p_reversal", "Believed probability that good and bad change places."),
        replace(
            probability("lapse", "Probability of the other option than the belief speaks for."),
            link=Link("logit", upper=0.5),
            prior=Prior("beta", 1.1, 5.0),
            group_mean=Prior("normal", -1.0, 1.0),
            search=(0.0, 0.5),
        ),
        probability("alpha2", "Learning rate of second-stage values."),
        temperature("beta1", "Inverse temperature of the belief."),
        temperature("beta2", "Inverse temperature of the second choice, per unit of reward."),
    ),
)
