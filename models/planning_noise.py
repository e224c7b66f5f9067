"""Planned values that are noisy, and noisier under load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import exp, sqrt
from operator import mul
from typing import Any, ClassVar

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.table import Lane, Table
from metacontrol.models.hybrid import HYBRID, Hybrid
from metacontrol.models.mixture import lead, mixture
from metacontrol.models.parameter import Link, Parameter, Prior

REACH = 4.0  # of the noise that is summed over, in standard deviations
STEPS = 20  # from none to there, evenly
_DENSITY = [exp(-((REACH * j / STEPS) ** 2) / 2) for j in range(-STEPS, STEPS + 1)]
SHARES = Table.of(*(density / sum(_DENSITY) for density in _DENSITY))


@dataclass(frozen=True)
class PlanningNoise(Hybrid):
    """The hybrid of Daw et al. (2011) whose planner errs.

    A form of our own: load does not change the weight of planning, it blurs the plan. With L the
    load, each option's planned value gets an error of its own on each trial::

        sd    = noise + noise_under_load L
        P(a) ~ E[ exp( beta1 * (w (Q_MB(a) + e_a) + (1 - w) Q_MF(a) + p rep(a)) ) / sum over a ],
                e_a ~ N(0, sd^2)

    All else is as in `Hybrid`, and both are the same without noise. The log-odds of the choice
    have a normal error with s = beta1 w sd sqrt(2). Its expectation is summed over 41 evenly
    spaced points, which for a normal density comes closer than as many points of Gauss and
    Hermite, and takes two exponentials: P(a) is right to 4e-5 up to s = 10 and to 4e-4 up to
    s = 14, that is beta1 = 10, w = 1 and sd = 1.

    Noise that never changes is hardly to be told from a lower beta1: fix `noise` at 0 unless
    there is more to go by than choices.
    """

    cues: ClassVar[Mapping[str, tuple[str, ...]]] = {"load": ("noise_under_load",)}

    def drive(
        self, theta: Any, mind: Any, t: Listener, plan: Table, cached: Table, repeated: Table
    ) -> tuple[Table, Any]:
        """Return the log-odds of the first options."""
        noise = theta.noise
        if self.looks_at("load"):
            noise = noise + theta.noise_under_load * t.see("load")
        t.note("weight", theta.w)
        t.note("planning_noise", noise)
        net = theta.w * plan + (1 - theta.w) * cached + repeated
        return blurred(theta.beta1 * net, theta.beta1 * theta.w * noise * sqrt(2)), None


def blurred(values: Table, sd: Lane) -> Table:
    """Return log-odds of two options, given their values and a normal error of the difference.

    Parameters
    ----------
    values : Table, shape (2,)
        Log-odds of the options up to a constant, without error.
    sd : Lane
        Standard deviation of the error.

    Examples
    --------
    >>> sure, blurry = (lead(blurred(Table.of(0.0, 2.0), sd)) for sd in (0.0, 3.0))
    >>> round(float(sure), 3), round(float(blurry), 3)
    (2.0, 0.932)
    """
    step = sd * REACH / STEPS
    up, down = (list(accumulate([jnp.exp(by)] * STEPS, mul)) for by in (step, -step))
    factors = Table.of(*reversed(down), 1.0, *up)
    return mixture(SHARES, lead(values), factors)[0]


def _noise(name: str, meaning: str) -> Parameter:
    """Return a standard deviation in units of reward."""
    return Parameter(
        name=name,
        meaning=meaning,
        link=Link("log"),
        prior=Prior("gamma", 1.2, 0.5),
        group_mean=Prior("normal", -1.0, 1.0),
        group_sd=Prior("half_normal", 1.0),
        search=(0.0, 3.0),
    )


PLANNING_NOISE = PlanningNoise(
    name="planning-noise",
    source="ours, after Otto, Gershman et al. (2013), doi:10.1177/0956797612463080",
    parameters=(
        *HYBRID.parameters,
        _noise("noise", "Standard deviation of the error of a planned value, in units of reward."),
        _noise("noise_under_load", "What full load adds to it."),
    ),
)
