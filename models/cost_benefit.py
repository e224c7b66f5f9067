"""Planning as far as it pays: what it earns, times the stake, against what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Lane, Table, larger
from metacontrol.models.hybrid import HYBRID, Hybrid
from metacontrol.models.mixture import lead
from metacontrol.models.parameter import Link, effect, probability, temperature


@dataclass(frozen=True)
class StakesWeight(Hybrid):
    """Kool, Gershman & Cushman (2017), Psychol Sci, doi:10.1177/0956797617708288.

    The hybrid of Daw et al. (2011) with a weight for either stake: w_low where the stake is the
    task's lowest, else w_high. Where w_high is fixed at 0 stakes are not looked at, and the weight
    is w_low throughout.

    Difference from the authors' program: it has one learning rate and one temperature for both
    stages, and two kinds of stickiness.
    """

    cues: ClassVar[Mapping[str, tuple[str, ...]]] = {"stake": ("w_high",)}

    def weight(self, theta: Any, mind: Any, t: Listener) -> Lane:
        """Return w_low or w_high."""
        if not self.looks_at("stake"):
            return theta.w_low
        lowest = min(t.task.stakes, default=1.0)
        return jnp.where(t.see("stake") > lowest, theta.w_high, theta.w_low)


@dataclass(frozen=True)
class CostBenefit(Hybrid):
    """The account that Kool, Gershman & Cushman (2017) give in words, as a model.

    A form of our own; doi:10.1177/0956797617708288. R_MB and R_MF are what the controllers are
    held to earn by themselves, S is the stake and L the load::

        m   = 1 + stake_sensitivity (S - 1)
        w   = sigma( gain * (m (R_MB - R_MF) - cost - load_cost L) )
        R_c += min(1, alpha_rate P_c(a) / P(a)) * (r - R_c)        for c = MB, MF

    P_c(a) is the probability with which controller c alone, at w = 1 or 0, would have made the
    first choice that was made, and P(a) that with which both together did. With so much credit,
    rewards count for a controller as often as it would have earned them: importance weighting,
    by which R_c comes to be right although c was never alone. Both start at the task's start
    value. All else is as in `Hybrid`. A reward is counted before it is multiplied by the stake.
    """

    cues: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "load": ("load_cost",),
        "stake": ("stake_sensitivity",),
    }

    def start(self, task: Any, theta: Any) -> Mind:
        """Return the hybrid's mind, with nothing known of what pays better."""
        mind = super().start(task, theta)
        return Mind(**vars(mind), earned=Table.full((2,), task.start_value))

    def drive(
        self, theta: Any, mind: Any, t: Listener, plan: Table, cached: Table, repeated: Table
    ) -> tuple[Table, Any]:
        """Return the log-odds of the first options: of both controllers, and of each alone."""
        values, _ = super().drive(theta, mind, t, plan, cached, repeated)
        t.note("advantage", self._advantage(mind))
        return values, (values, *(theta.beta1 * (alone + repeated) for alone in (plan, cached)))

    def settle(self, theta: Any, mind: Any, t: Listener, known: Any) -> dict[str, Any]:
        """Return what each controller is held to earn after the trial's reward."""
        first = t.see("first_choice")
        together, *alone = (_log_chance(values, first) for values in known)
        credit = [theta.alpha_rate * jnp.exp(chance - together) for chance in alone]
        rate = Table.of(*(-larger(-share, -1.0) for share in credit))
        return {"earned": mind.earned + rate * (t.see("reward") - mind.earned)}

    def weight(self, theta: Any, mind: Any, t: Listener) -> Lane:
        """Return w."""
        stake = t.see("stake") - 1 if self.looks_at("stake") else 0.0
        load = 1.0 * t.see("load") if self.looks_at("load") else 0.0
        benefit = (1 + theta.stake_sensitivity * stake) * self._advantage(mind)
        gain = theta.gain * (benefit - theta.cost - theta.load_cost * load)
        return Link("logit").inverse(gain, jnp)

    def _advantage(self, mind: Any) -> Lane:
        """Return by how much planning is held to earn more than habit."""
        planning, habit = mind.earned.cells
        return planning - habit


def _log_chance(values: Table, option: Lane) -> Lane:
    """Return the log-probability of one of two options."""
    ahead = jnp.where(option == 1, lead(values), -lead(values))
    return -larger(-ahead, 0.0) - jnp.log1p(jnp.exp(-jnp.abs(ahead)))


_REST = tuple(parameter for parameter in HYBRID.parameters if parameter.name != "w")

STAKES_WEIGHT = StakesWeight(
    name="stakes-weight",
    source="Kool, Gershman & Cushman (2017), doi:10.1177/0956797617708288",
    parameters=(
        *_REST,
        probability("w_low", "Weight of planning at the lowest stake."),
        probability("w_high", "Weight of planning at any higher stake."),
    ),
)

COST_BENEFIT = CostBenefit(
    name="cost-benefit",
    source="ours, after Kool, Gershman & Cushman (2017), doi:10.1177/0956797617708288",
    parameters=(
        *_REST,
        temperature("gain", "Log-odds of planning for each unit of reward that it is worth."),
        effect("cost", "What planning costs more than habit on a trial, in units of reward."),
        effect("load_cost", "What full load adds to that."),
        probability("stake_sensitivity", "Share of the stake above 1 that counts."),
        probability("alpha_rate", "Learning rate of what each controller earns."),
    ),
)
