"""A weight of planning that depends on circumstances, seen or in mind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Lane, Table
from metacontrol.models.hybrid import HYBRID, Hybrid
from metacontrol.models.parameter import Link, effect, probability


@dataclass(frozen=True)
class LogisticWeight(Hybrid):
    """The hybrid of Daw et al. (2011) with a weight worked out anew on each trial.

    A form of our own for what the literature says in words. With sigma the logistic function, n
    trials played, v visits of this first state, L load now, L' load on the last trial, S the
    stake and F fatigue::

        w = sigma( w0 - load_effect L - past_load_effect L' - practice_effect log(1 + n)
                   + protection L log(1 + n) + novelty_effect / (1 + v)
                   + stake_effect (S - 1) - fatigue_effect F )
        F += tiring w - recovery (1 - w) F,  kept from 0 to 1

    Load now is load when choosing; load on the last trial is load when its outcome was taken in:
    the two that Otto, Gershman et al. (2013), doi:10.1177/0956797612463080, set apart. Practice
    makes habits; with `protection` it also takes the sting from load, as in Economides et al.
    (2015), doi:10.1371/journal.pcbi.1004463. Stakes: Kool, Gershman & Cushman (2017),
    doi:10.1177/0956797617708288. With all effects at 0 this is the hybrid with w = sigma(w0). An
    effect whose column the data lack must be fixed at 0.
    """

    cues: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "load": ("load_effect", "past_load_effect", "protection"),
        "stake": ("stake_effect",),
    }

    def start(self, task: Any, theta: Any) -> Mind:
        """Return the hybrid's mind, rested, with nothing played and no load before."""
        visits = Table.counts((task.first_states,))
        mind = super().start(task, theta)
        return Mind(**vars(mind), visits=visits, past_load=0.0, fatigue=0.0)

    def settle(self, theta: Any, mind: Any, t: Listener, known: Lane) -> dict[str, Any]:
        """Return visits, load and fatigue after a trial with that weight of planning."""
        tired = mind.fatigue + theta.tiring * known - theta.recovery * (1 - known) * mind.fatigue
        if self.uses("fatigue_effect"):
            t.note("fatigue", mind.fatigue)
        return {
            "visits": mind.visits.add(t.see("first_state"), 1),
            "past_load": self._load(t),
            "fatigue": jnp.clip(tired, 0.0, 1.0),
        }

    def weight(self, theta: Any, mind: Any, t: Listener) -> Lane:
        """Return w."""
        practice = jnp.log1p(1.0 * sum(mind.visits.cells))
        novelty = 1.0 / (1 + mind.visits[t.see("first_state")])
        load = self._load(t)
        stake = t.see("stake") - 1 if self.looks_at("stake") else 0.0
        if self.uses("practice_effect", "protection"):
            t.note("practice", practice)
        if self.uses("novelty_effect"):
            t.note("novelty", novelty)
        if self.uses("past_load_effect"):
            t.note("past_load", mind.past_load)
        log_odds = (
            theta.w0
            - theta.load_effect * load
            - theta.past_load_effect * mind.past_load
            - theta.practice_effect * practice
            + theta.protection * load * practice
            + theta.novelty_effect * novelty
            + theta.stake_effect * stake
            - theta.fatigue_effect * mind.fatigue
        )
        return Link("logit").inverse(log_odds, jnp)

    def _load(self, t: Listener) -> Lane:
        return 1.0 * t.see("load") if self.looks_at("load") else 0.0


LOGISTIC_WEIGHT = LogisticWeight(
    name="logistic-weight",
    source="ours, after Otto, Gershman et al. (2013), doi:10.1177/0956797612463080",
    parameters=(
        *(parameter for parameter in HYBRID.parameters if parameter.name != "w"),
        effect("w0", "Log-odds of planning when nothing speaks for or against it.", 1.5),
        effect("load_effect", "Log-odds that load takes from planning while choosing."),
        effect("past_load_effect", "Log-odds that load on the last trial takes from planning."),
        effect("practice_effect", "Log-odds that practice takes, for each log(1 + trials).", 0.5),
        effect("protection", "Share of load's effect that practice undoes, likewise.", 0.5),
        effect("novelty_effect", "Log-odds that a first state never seen adds."),
        effect("stake_effect", "Log-odds that each unit of stake above 1 adds.", 0.5),
        effect("fatigue_effect", "Log-odds that full fatigue takes from planning."),
        probability("tiring", "What a trial of pure planning adds to fatigue."),
        probability("recovery", "Share of fatigue that a trial of pure habit takes away."),
    ),
)
