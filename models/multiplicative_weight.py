"""A weight of planning of which load takes a share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.table import Lane
from metacontrol.models.hybrid import HYBRID, Hybrid
from metacontrol.models.parameter import probability


@dataclass(frozen=True)
class MultiplicativeWeight(Hybrid):
    """The hybrid of Daw et al. (2011) with a weight that load shrinks: w_t = w (1 - kappa L_t).

    A form of our own. Load takes the share kappa of whatever weight there is, so that it costs
    most in those who plan most; in the logistic form it costs all the same in log-odds.
    """

    cues: ClassVar[Mapping[str, tuple[str, ...]]] = {"load": ("kappa",)}

    def weight(self, theta: Any, mind: Any, t: Listener) -> Lane:
        """Return w (1 - kappa L)."""
        return theta.w * (1 - theta.kappa * t.see("load")) if self.looks_at("load") else theta.w


MULTIPLICATIVE_WEIGHT = MultiplicativeWeight(
    name="multiplicative-weight",
    source="ours, after Otto, Gershman et al. (2013), doi:10.1177/0956797612463080",
    parameters=(
        *HYBRID.parameters,
        probability("kappa", "Share of the weight of planning that full load takes."),
    ),
)
