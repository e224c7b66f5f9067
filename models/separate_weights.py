"""Planning and habit with an inverse temperature each, instead of one that they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.table import Table
from metacontrol.models.hybrid import Hybrid
from metacontrol.models.parameter import probability, stickiness, temperature


@dataclass(frozen=True)
class SeparateWeights(Hybrid):
    """Otto, Raio et al. (2013), PNAS, doi:10.1073/pnas.1312011110, and Decker et al. (2016).

    First choice::

        P(a)  ~ exp( beta_mb Q_MB(a) + beta_mf Q_MF(a) + p rep(a) )

    and otherwise as the hybrid of Daw et al. (2011), `Hybrid`, which is the same model with
    beta_mb = beta1 w, beta_mf = beta1 (1 - w) and p (here outside) = beta1 p (there inside). Load
    may change one system only, and the trade-off between beta1 and w is gone.
    """

    def drive(
        self, theta: Any, mind: Any, t: Listener, plan: Table, cached: Table, repeated: Table
    ) -> tuple[Table, Any]:
        """Return the log-odds of the first options."""
        t.note("weight", theta.beta_mb / (theta.beta_mb + theta.beta_mf))
        return theta.beta_mb * plan + theta.beta_mf * cached + repeated, None


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
