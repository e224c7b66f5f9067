"""One controller at a time: a hidden switch between planning and habit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Table
from metacontrol.models.hybrid import HYBRID, Hybrid
from metacontrol.models.mixture import lead, mixture, posterior
from metacontrol.models.parameter import Parameter, Prior, probability


@dataclass(frozen=True)
class Switching(Hybrid):
    """A hidden Markov switch between the two controllers of Daw et al. (2011).

    A form of our own. The first choice of a trial is wholly the planner's or wholly habit's, and
    b is the probability, given all choices so far, that it is the planner's::

        P_MB(a) ~ exp( beta1 * (Q_MB(a) + p rep(a)) )
        P_MF(a) ~ exp( beta1 * (Q_MF(a) + p rep(a)) )
        P(a)    = b P_MB(a) + (1 - b) P_MF(a)
        b      <- b P_MB(a) / P(a),    then    b <- stay_plan b + (1 - stay_habit) (1 - b)

    That is the forward algorithm: the likelihood is summed over all courses of control, exactly.
    At first b is the share of trials that the planner has in the long run,
    (1 - stay_habit) / (2 - stay_plan - stay_habit), and one half if neither is ever left. Both
    controllers learn on every trial, and all else is as in `Hybrid`, which weighs values on each
    choice where this model weighs choices over many.
    """

    def start(self, task: Any, theta: Any) -> Mind:
        """Return the hybrid's mind, and who is in control in the long run."""
        left = 2 - theta.stay_plan - theta.stay_habit
        planning = (1 - theta.stay_habit) / jnp.where(left > 0, left, 1.0)
        mind = super().start(task, theta)
        return Mind(**vars(mind), planning=jnp.where(left > 0, planning, 0.5))

    def drive(
        self, theta: Any, mind: Any, t: Listener, plan: Table, cached: Table, repeated: Table
    ) -> tuple[Table, Any]:
        """Return the log-odds of the first options, and how likely each controller makes them."""
        by_plan = lead(theta.beta1 * (plan + repeated))
        by_habit = lead(theta.beta1 * (cached + repeated))
        half = (by_plan - by_habit) / 2
        factors = Table.of(jnp.exp(half), jnp.exp(-half))
        shares = Table.of(mind.planning, 1 - mind.planning)
        t.note("weight", mind.planning)
        values, likely = mixture(shares, (by_plan + by_habit) / 2, factors)
        return values, (shares, likely)

    def settle(self, theta: Any, mind: Any, t: Listener, known: Any) -> dict[str, Any]:
        """Return who is in control of the next trial, given the choice of this one."""
        shares, likely = known
        by_plan, by_habit = likely[t.see("first_choice")].cells
        t.note("choice_evidence", jnp.log(by_plan) - jnp.log(by_habit))
        was_plan, was_habit = posterior(shares, Table.of(by_plan, by_habit)).cells
        return {"planning": theta.stay_plan * was_plan + (1 - theta.stay_habit) * was_habit}


def _stay(name: str, meaning: str) -> Parameter:
    """Return a probability that is expected to be large."""
    return replace(
        probability(name, meaning),
        prior=Prior("beta", 4.0, 1.5),
        group_mean=Prior("normal", 1.5, 1.0),
    )


SWITCHING = Switching(
    name="switching",
    source="ours, after Daw et al. (2011), doi:10.1016/j.neuron.2011.02.027",
    parameters=(
        *(parameter for parameter in HYBRID.parameters if parameter.name != "w"),
        _stay("stay_plan", "Probability that the planner, in control, is so on the next trial."),
        _stay("stay_habit", "Probability that habit, in control, is so on the next trial."),
    ),
)
