"""The two-step models of hBayesDM as they are, their order of updates included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Table
from metacontrol.models.habit import two_step_mind
from metacontrol.models.model import Model
from metacontrol.models.notes import note_two_steps
from metacontrol.models.parameter import Link, Parameter, Prior
from metacontrol.models.plan import expected_probability, planned_values


@dataclass(frozen=True)
class HBayesDM(Model):
    """Ahn, Haines & Zhang (2017), Comput Psychiatry, doi:10.1162/CPSY_a_00002: ts_par4/6/7.

    As the hybrid of Daw et al. (2011), `Hybrid`, with known transitions, but:

    - perseveration is outside beta1: the log-odds of option 1 over option 0 have + p if 1 was
      chosen last and - p if 0 was;
    - the second-stage value moves before the eligibility term is formed, so that the trace is
      lam (1 - alpha2) in the terms of the paper::

        Q_MF(a)    += alpha1 (Q2(s, a2) - Q_MF(a))
        Q2(s, a2)  += alpha2 (r - Q2(s, a2))
        Q_MF(a)    += lam alpha1 (r - Q2(s, a2))      # Q2 already updated

    All values start at 0. This is the model that hBayesDM samples; the one whose choices it
    predicts for ts_par4 differs (the first update is made twice there), and is not reproduced.
    """

    def start(self, task: Any, theta: Any) -> Mind:
        """Return all values at 0 and no last choice."""
        return two_step_mind(task, 0.0)

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial."""
        start = t.see("first_state")
        plan = planned_values(t.task.common, mind.second.best())
        repeated = Table.one_hot(mind.last_option - 2 * start, 2)
        net = theta.w * plan + (1 - theta.w) * mind.first[start]
        first = t.choose("first_choice", theta.beta1 * net + theta.p * repeated)
        place = t.see("second_state")
        second = t.choose("second_choice", theta.beta2 * mind.second[place])
        reward = t.see("reward")

        delta1 = mind.second[place, second] - mind.first[start, first]
        delta2 = reward - mind.second[place, second]
        late = (1 - theta.alpha2) * delta2
        t.note("weight", theta.w)
        expected = expected_probability(t.task.common, first, place)
        note_two_steps(t, expected, delta1, delta2)
        return mind.replace(
            first=mind.first.add((start, first), theta.alpha1 * (delta1 + theta.lam * late)),
            second=mind.second.add((place, second), theta.alpha2 * delta2),
            last_option=2 * start + first,
        )


def _declare(name: str, meaning: str, link: Link, prior: Prior) -> Parameter:
    """Return a parameter with hBayesDM's group priors: N(0, 1) and half-N(0, 0.2)."""
    upper = link.bounds[1] if link.name == "probit" else 30.0
    return Parameter(
        name=name,
        meaning=meaning,
        link=link,
        prior=prior,
        group_mean=Prior("normal", 0.0, 1.0),
        group_sd=Prior("half_normal", 0.2),
        search=(0.0, upper),
    )


def _rate(name: str, meaning: str) -> Parameter:
    return _declare(name, meaning, Link("probit"), Prior("uniform", 0.0, 1.0))


def _temperature(name: str, meaning: str) -> Parameter:
    return _declare(name, meaning, Link("log"), Prior("gamma", 1.2, 5.0))


_SOURCE = "Ahn et al. (2017), doi:10.1162/CPSY_a_00002"
_P = _declare(
    "p",
    "Log-odds of repeating the first choice, 0 to 5 (their pi; outside beta1).",
    Link("probit", upper=5.0),
    Prior("uniform", 0.0, 5.0),
)
_W = _rate("w", "Weight of planning; 1 - w is the weight of habit.")
_ALPHA1 = _rate("alpha1", "Learning rate of first-stage cached values (their a1).")
_ALPHA2 = _rate("alpha2", "Learning rate of second-stage values (their a2).")
_BETA1 = _temperature("beta1", "Inverse temperature of the first choice, per unit of reward.")
_BETA2 = _temperature("beta2", "Inverse temperature of the second choice, per unit of reward.")
_LAM = _rate("lam", "Eligibility (their lambda), applied after the second-stage value moved.")

HBAYESDM_TS_PAR7 = HBayesDM(
    name="hbayesdm-ts-par7",
    source=_SOURCE,
    parameters=(_ALPHA1, _BETA1, _ALPHA2, _BETA2, _P, _W, _LAM),
)

HBAYESDM_TS_PAR6 = HBAYESDM_TS_PAR7.fix(name="hbayesdm-ts-par6", lam=1.0)

HBAYESDM_TS_PAR4 = HBayesDM(
    name="hbayesdm-ts-par4",
    source=_SOURCE,
    parameters=(
        _rate("alpha", "Learning rate of all cached values (their a)."),
        _temperature("beta", "Inverse temperature of both choices, per unit of reward."),
        _P,
        _W,
        _ALPHA1,
        _ALPHA2,
        _BETA1,
        _BETA2,
        _LAM,
    ),
).fix(
    name="hbayesdm-ts-par4",
    alpha1="alpha",
    alpha2="alpha",
    beta1="beta",
    beta2="beta",
    lam=1.0,
)
