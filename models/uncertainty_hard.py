"""Arbitration by uncertainty as it was published: the surer rules, and any state may follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax import lax

from metacontrol.models.betas import Betas, planned, possible
from metacontrol.models.engine.table import Index, Lane, Table
from metacontrol.models.uncertainty import UNCERTAINTY, Open, Uncertainty, as_options, best

SWEEPS = 10  # through all states, after which a tree's values stand still


@dataclass(frozen=True)
class UncertaintyHard(Uncertainty):
    """Daw, Niv & Dayan (2005), Nat Neurosci 8:1704, doi:10.1038/nn1560, and its supplement.

    The model of the paper, of which `Uncertainty` says the equations. In the tree an option may
    lead to any state, those of earlier choices too, so that its values are worked out again and
    again until they stand still (ten times). An option's value is the mean of whoever's variance
    is the smaller, so that the likelihood jumps where control changes hands: fit `Uncertainty`
    instead. p is ours, fix it at 0 for the paper's; a state without a choice is the end it leads
    to.
    """

    def misfit(self, task: Any) -> str:
        """Return why not, if rewards are other than 0 and 1, or states too many to go through."""
        if super().misfit(task):
            return super().misfit(task)
        return "" if self.places(task) <= 9 else "takes any of 9 states at most for the next"

    def weight(self, plan: Betas, habit: Betas) -> Table:
        """Return 1 for each option of which the tree is surer, else 0."""
        pairs = zip(plan.var.cells, habit.var.cells, strict=True)
        return Table.of(*(jnp.where(p <= h, 1.0, 0.0) for p, h in pairs))

    def places(self, task: Any) -> int:
        """Return the number of states, ends included."""
        return len(_states(task)) + task.ends

    def place(self, task: Any, i: int, state: Index, option: Index, reached: Index) -> Index:
        """Return which state was reached: those with choices come first, then ends."""
        states = _states(task)
        if i + 1 == len(task.stages):
            return len(states) + reached
        following = enumerate(task.stages[i + 1].leads_to)
        numbers = [
            states.index((i + 1, s)) if (i + 1, s) in states else len(states) + moves[0][0]
            for s, moves in following
        ]
        return Table(tuple(jnp.asarray(n) for n in numbers), (len(numbers),))[reached]

    def tree(self, theta: Any, task: Any, open_: Open, counts: Any, ends: Betas) -> list[Betas]:
        """Return what the tree makes of each option, for each choice."""
        states = _states(task)
        known = [None if s.next_state else as_options(s, ends) for s in task.stages]

        def sweep(worth: tuple[Lane, ...]) -> tuple[tuple[Lane, ...], list[Any]]:
            """Go through all states once, the last choice first; return them and options."""
            mean, var, found = list(worth[::2]), list(worth[1::2]), list(known)
            for i in reversed(range(len(task.stages))):
                if known[i] is None:
                    ahead = Betas(
                        Table.of(*mean, *ends.mean.cells), Table.of(*var, *ends.var.cells)
                    )
                    found[i] = _one_step(theta, task.stages[i], counts[i], ahead, ends)
                values = best(task, open_, i, found, ends)
                for n, (stage, state) in enumerate(states):
                    if stage == i:
                        mean[n], var[n] = values.mean[state], values.var[state]
            return tuple(x for pair in zip(mean, var, strict=True) for x in pair), found

        start = (jnp.asarray(0.5), jnp.asarray(0.05)) * len(states)
        worth = lax.fori_loop(1, SWEEPS, lambda _, worth: sweep(worth)[0], start)
        return sweep(worth)[1]


def _states(task: Any) -> list[tuple[int, int]]:
    """Return stage and number of the states in which there is a choice."""
    return [
        (i, state)
        for i, stage in enumerate(task.stages)
        for state, moves in enumerate(stage.leads_to)
        if len(moves) > 1
    ]


def _one_step(theta: Any, stage: Any, counts: Table, ahead: Betas, ends: Betas) -> Betas:
    """Return what options are worth, given what all states are."""
    states = len(ahead.mean.cells) - len(ends.mean.cells)
    pairs = []
    for state, moves in enumerate(stage.leads_to):
        for option in range(stage.options):
            if len(moves) == 1:
                end = moves[0][0]
                pairs.append((ends.mean[end], ends.var[end]))
                continue
            led = counts[state, min(option, len(moves) - 1)]
            mean, var = planned(led, ahead.mean, ahead.var)
            goes_on = sum(led.cells[:states]) / sum(led.cells)
            pairs.append((mean, possible(mean, var + theta.step_noise * goes_on)))
    means, variances = zip(*pairs, strict=True)
    shape = stage.states, stage.options
    return Betas(Table(means, shape), Table(variances, shape))


UNCERTAINTY_HARD = UncertaintyHard(
    name="uncertainty-hard",
    source=UNCERTAINTY.source,
    parameters=UNCERTAINTY.parameters,
    fixed=UNCERTAINTY.fixed,
)
