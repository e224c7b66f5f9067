"""Arbitration by reliability: who predicts better has the say (Lee et al., 2014)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Lane, Table
from metacontrol.models.forward_hybrid import CONTROLLERS, ForwardHybrid
from metacontrol.models.parameter import Link, Parameter, Prior, probability

WINDOW = 10  # moves that the reliability of planning looks back on
KINDS = 3  # state prediction errors below, around and above zero


@dataclass(frozen=True)
class Reliability(ForwardHybrid):
    """Lee, Shimojo & O'Doherty (2014), Neuron 81:687, doi:10.1016/j.neuron.2013.11.028.

    The hybrid of Gläscher et al. (2010) with a weight P of planning that moves after each move of
    the task. Among the last N <= 10 state prediction errors n0 are zero, that is, at most
    `tolerance`; n+ are above and none is below. Their reliability is a ratio of inverse Fano
    factors F, that of habit falls with the recent size of reward prediction errors::

        F_k    = (3 + N) (4 + N) / (2 + N - n_k)
        chi_MB = F_0 / (F_- + F_0 + F_+)
        Omega += alpha_surprise (|RPE| - Omega),   chi_MF = 1 - Omega

    P follows a two-state process whose rates fall with the reliability of whom they lead away
    from, from A / 2 at none to `floor` at 1::

        to_habit = A_h / (1 + exp( B_h chi_MB )),  B_h = log( A_h / habit_floor - 1 )
        to_plan  = A_p / (1 + exp( B_p chi_MF )),  B_p = log( A_p / plan_floor - 1 )
        P_inf    = to_plan / (to_plan + to_habit)
        P       <- P_inf + (P - P_inf) exp( -step (to_plan + to_habit) )

    A = 2 floor + rate, so that every rate > 0 makes reliability count. Published code gives the
    floors .1 and .01 (to habit, to plan), .12 and .02, or the first two in the other order; they
    are parameters here, fixed at .1 and .01. alpha_habit is alpha_plan in the paper.

    Differences from the paper, besides those of the hybrid: an error counts as zero with
    probability sigma( (tolerance - SPE) / softness ), without which no gradient would tell where
    `tolerance` lies; softness 0 is the paper's step, for simulation. Planning sweeps the whole
    tree anew at each choice. P is not reset where goals change, for which there is
    `ResettingReliability`. Rewards are counted in ranges of the task's reward, as the authors'
    Omega is.
    """

    softness: float = 0.05

    def start(self, task: Any, theta: Any) -> Mind:
        """Return the hybrid's mind, with no move made, no surprise, and P at its start."""
        mind = super().start(task, theta)
        return Mind(
            **vars(mind),
            recent=Table.full((WINDOW,)),
            moves=0,
            surprise=0.0,
            plan_weight=theta.p_start,
        )

    def weight(self, theta: Any, mind: Any, t: Listener) -> Lane:
        """Return P."""
        return mind.plan_weight

    def after_move(self, theta: Any, mind: Any, t: Listener, spe: Lane, rpe: Lane) -> Mind:
        """Return the mind with both reliabilities and P brought up to date."""
        recent = Table.of(self._is_zero(theta, spe), *mind.recent.cells[:-1])
        moves = jnp.where(mind.moves < WINDOW, mind.moves + 1, WINDOW)
        surprise = mind.surprise + theta.alpha_surprise * (jnp.abs(rpe) - mind.surprise)
        plan, habit = plan_reliability(sum(recent.cells), moves), 1 - surprise
        to_habit = self.rate(theta, t, "habit", plan)
        to_plan = self.rate(theta, t, "plan", habit)
        goal = to_plan / (to_plan + to_habit)
        kept = jnp.exp(-theta.step * (to_plan + to_habit))
        t.note("plan_reliability", plan)
        t.note("habit_reliability", habit)
        t.note("long_run_weight", goal)
        return mind.replace(
            recent=recent,
            moves=moves,
            surprise=surprise,
            plan_weight=goal + kept * (mind.plan_weight - goal),
        )

    def rate(self, theta: Any, t: Listener, to: str, reliability: Lane) -> Lane:
        """Return the rate of handing control over, given the reliability of who has it."""
        floor = getattr(theta, f"{to}_floor")
        top = 2 * floor + getattr(theta, f"{to}_rate")
        rise, slope = self.changed_by_load(theta, t, to)
        return rise * top / (1 + jnp.exp(slope * jnp.log(top / floor - 1) * reliability))

    def changed_by_load(self, theta: Any, t: Listener, to: str) -> tuple[Lane, Lane]:
        """Return the factors that load puts on A and on B: none."""
        return 1.0, 1.0

    def _is_zero(self, theta: Any, spe: Lane) -> Lane:
        if self.softness == 0.0:
            return jnp.where(spe <= theta.tolerance, 1.0, 0.0)
        return Link("logit").inverse((theta.tolerance - spe) / self.softness, jnp)


@dataclass(frozen=True)
class ResettingReliability(Reliability):
    """Lee et al. (2014), doi:10.1016/j.neuron.2013.11.028, as one published program has it.

    Where the goal changes P starts anew: from `p_new_goal`, for a new plan, but from `p_flexible`
    where any end is as good as its reward again (goal 0). Else it is `Reliability`.
    """

    def misfit(self, task: Any) -> str:
        """Return why not, if there are no goals."""
        return super().misfit(task) or ("" if "goal" in task.cues else "needs goals that change")

    def start(self, task: Any, theta: Any) -> Mind:
        """Return the mind without a goal."""
        return Mind(**vars(super().start(task, theta)), goal=-1)

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial."""
        goal = t.see("goal")
        anew = jnp.where(goal == 0, theta.p_flexible, theta.p_new_goal)
        same = (goal == mind.goal) | (mind.goal < 0)
        weight = jnp.where(same, mind.plan_weight, anew)
        return super().trial(theta, mind.replace(plan_weight=weight, goal=goal), t)


@dataclass(frozen=True)
class LoadedReliability(Reliability):
    """Kim, Park, O'Doherty & Lee (2019), Nat Commun 10:5738, doi:10.1038/s41467-019-13632-1.

    Arbitration by reliability in which load L, from 0 to 1 (in the paper the complexity of the
    task, c = 1 + L), acts on the rates of handing over, by C of its own for each::

        "rate"       A <- A (1 + C (1 + L) / 2)
        "share"      A <- A (1 - C + C (1 + L) / 2),   C fixed at 1 or 0
        "steepness"  B <- B (1 + C L)

    B is worked out from A as it is without load. The paper's ten variants are these three on both
    rates or on one of them, and none of them. (Where "rate" acts on one rate only the authors have
    1 + C (1 + L): the same, with half of this C.)
    """

    acts_on: Literal["rate", "share", "steepness"] = "rate"
    cues: ClassVar[Mapping[str, tuple[str, ...]]] = {"load": ("habit_load", "plan_load")}

    def changed_by_load(self, theta: Any, t: Listener, to: str) -> tuple[Lane, Lane]:
        """Return the factors that load puts on A and on B."""
        if not self.looks_at("load"):
            return 1.0, 1.0
        effect, load = getattr(theta, f"{to}_load"), t.see("load")
        if self.acts_on == "steepness":
            return 1.0, 1 + effect * load
        return (1.0 if self.acts_on == "rate" else 1 - effect) + effect * (1 + load) / 2, 1.0


def plan_reliability(zeros: Lane, moves: Lane) -> Lane:
    """Return chi_MB, given how many of the last moves brought no state prediction error.

    Examples
    --------
    With none of ten, all of ten, eight of ten, and nothing seen (theory of Lee et al., 2014):

    >>> [round(float(plan_reliability(n, m)), 4) for n, m in ((0, 10), (10, 10), (8, 10), (0, 0))]
    [0.125, 0.75, 0.5769, 0.3333]
    """
    below, around, above = (
        1 / (KINDS + moves - 1 - count) for count in (0.0, zeros, moves - zeros)
    )
    return around / (below + around + above)


def _rate(name: str, meaning: str) -> Parameter:
    """Return a positive parameter of which 1 to 10 are common."""
    return Parameter(
        name=name,
        meaning=meaning,
        link=Link("log"),
        prior=Prior("gamma", 1.5, 3.0),
        group_mean=Prior("normal", 1.0, 1.0),
        group_sd=Prior("half_normal", 1.0),
        search=(0.0, 30.0),
    )


_CONSTANTS = (
    probability("p_start", "Weight of planning at the first choice."),
    probability("habit_floor", "Rate of handing over to habit if planning is reliable."),
    probability("plan_floor", "Rate of handing over to planning if habit is reliable."),
    probability("step", "Time that a move takes, in units of the rates."),
)
_FIXED = (("p_start", 0.7), ("habit_floor", 0.1), ("plan_floor", 0.01), ("step", 0.1))
_PARAMETERS = (
    *CONTROLLERS,
    probability("tolerance", "Largest state prediction error that counts as none."),
    probability("alpha_surprise", "Learning rate of the size of reward prediction errors."),
    _rate("habit_rate", "How much faster control goes to habit if planning is unreliable."),
    _rate("plan_rate", "How much faster control goes to planning if habit is unreliable."),
    *_CONSTANTS,
)

RELIABILITY = Reliability(
    name="reliability",
    source="Lee et al. (2014), doi:10.1016/j.neuron.2013.11.028",
    parameters=_PARAMETERS,
    fixed=_FIXED,
)

RELIABILITY_WITH_RESETS = ResettingReliability(
    name="reliability-with-resets",
    source=RELIABILITY.source,
    parameters=(
        *_PARAMETERS,
        probability("p_new_goal", "Weight of planning when a new goal was set."),
        probability("p_flexible", "Weight of planning when the goal was given up."),
    ),
    fixed=(*_FIXED, ("p_new_goal", 0.8), ("p_flexible", 0.2)),
)


def _loaded(acts_on: Literal["rate", "share", "steepness"], on: str) -> LoadedReliability:
    """Return one of the variants of Kim et al. (2019)."""
    to = {"both": ("habit", "plan"), "habit": ("habit",), "plan": ("plan",)}[on]
    loads = {f"{one}_load": one in to for one in ("habit", "plan")}
    fixed = {name: 1.0 * used for name, used in loads.items() if acts_on == "share" or not used}
    return LoadedReliability(
        name=f"reliability-load-{acts_on}" + ("" if on == "both" else f"-{on}"),
        source="Kim et al. (2019), doi:10.1038/s41467-019-13632-1",
        parameters=(
            *_PARAMETERS,
            _rate("habit_load", "What load does to handing over to habit."),
            _rate("plan_load", "What load does to handing over to planning."),
        ),
        fixed=(*_FIXED, *fixed.items()),
        acts_on=acts_on,
    )


RELIABILITY_UNDER_LOAD = tuple(
    _loaded(acts_on, on)
    for acts_on in ("rate", "steepness", "share")
    for on in ("both", "habit", "plan")
)
