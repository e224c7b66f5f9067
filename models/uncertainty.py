"""Arbitration by uncertainty: who is surer of an option's worth has the say on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from metacontrol.models.betas import (
    Betas,
    cached,
    from_parameters,
    planned,
    possible,
    to_parameters,
)
from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import SHUT, Index, Lane, Table
from metacontrol.models.model import Model
from metacontrol.models.notes import note_at
from metacontrol.models.parameter import probability, stickiness, temperature
from metacontrol.models.stages import TIE, arrival, no_choice, was_common, with_table

REWARD_PRIOR = 0.1  # both parameters of the Beta of an end that was never seen
DEVALUED = (1.0, 15.0)  # the Beta of an end that is known to be worth nothing any more

Open = Callable[[str], Table | None]
"""From a choice to which of its options are open, as `Listener.open` says."""


@dataclass(frozen=True)
class Uncertainty(Model):
    """Daw, Niv & Dayan (2005), Nat Neurosci 8:1704, doi:10.1038/nn1560, and its supplement.

    What an option is worth is a belief, a Beta, in two places. The cache (habit) changes that of
    the option taken by that of the best option of the state reached, with moments m1 and m2::

        mean = (a + m1) / (n + 1),   n = a + b
        E[q^2] = (a (a + 1) + (2 a + 1) m1 + m2) / ((n + 1)(n + 2))

    The tree (planning) counts where options lead, Dirichlet from 1 each, what ends pay, and
    works values out from the ends backwards, for t_i the chance of successor i and q_i its value::

        mean = sum_i E[t_i] E[q_i],   E[q^2] = sum_ij E[t_i t_j] E[q_i q_j]
        var  = E[q^2] - mean^2 + step_noise P(successor is no end)

    Both are matched by a Beta again. Ends start at Beta(.1, .1), the cache at what the tree makes
    of that; an end known to be devalued is Beta(1, 15) for both, but the cache of options before
    it stays. After each move all counts keep the share `retention` of what lies above
    where they started. An option's value weighs both means by precision::

        value(a) = w m_tree + (1 - w) m_cache,   w = var_cache / (var_tree + var_cache)
        P(a)     ~ exp( beta (value(a) + p rep(a)) )

    Differences from the paper, whose own model is `UncertaintyHard`: there the surer of the two has
    all the say, and an option may lead to any state. Here it leads to the one or two places that
    the task allows, so that where there is but one the tree is sure of it, the cache starts from
    and forgets towards a belief that is easily moved (Beta(.1, .1) with one lever as with two), and
    it ends up surer than it should be: at the paper's retention of .98 habit takes over one lever
    and two, at .95 only the one. p is ours.
    """

    def misfit(self, task: Any) -> str:
        """Return why not, if rewards are other than from 0 to 1, or ends all there is to know."""
        if not _moving(task):
            return "needs a choice that leads to a state"
        return "" if task.pays == (0.0, 1.0) else "needs rewards of 0 and 1"

    def start(self, task: Any, theta: Any) -> Mind:
        """Return nothing seen."""
        ends, places = Table.full((task.ends,), REWARD_PRIOR), self.places(task)
        counts = tuple(Table.full((s.states, s.options, places), 1.0) for s in _moving(task))
        tree = self.tree(theta, task, lambda choice: None, counts, from_parameters(ends, ends))
        cache = [to_parameters(values) for values, _ in zip(tree, counts, strict=False)]
        return Mind(
            cache_a=tuple(a for a, _ in cache),
            cache_b=tuple(b for _, b in cache),
            counts=counts,
            end_a=ends,
            end_b=ends,
            last=no_choice(task),
        )

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial."""
        fresh = self.start(t.task, theta)
        start = state = t.see(t.task.stages[0].state)
        first = 0
        for i, stage in enumerate(t.task.stages):
            ends = _known_ends(t, mind)
            tree = self.tree(theta, t.task, t.open, mind.counts, ends)
            cache = _cache(t.task, mind, ends)
            plan, habit = tree[i][state], cache[i][state]
            weight = self.weight(plan, habit)
            net = weight * plan.mean + (1 - weight) * habit.mean
            if i == 0:
                net = net + theta.p * Table.one_hot(mind.last[start], stage.options)
            option = t.choose(stage.choice, theta.beta * net)
            reached = arrival(t, stage, state, option)
            note_at(
                t,
                i,
                weight=weight[option],
                plan_variance=plan.var[option],
                habit_variance=habit.var[option],
            )
            if stage.next_state is not None:
                last = i + 1 == len(t.task.stages)
                values = ends if last else best(t.task, t.open, i + 1, cache, ends)
                place = self.place(t.task, i, state, option, reached)
                counts = mind.counts[i][state, option]
                note_at(
                    t,
                    i,
                    state_prediction_error=1 - counts[place] / sum(counts.cells),
                    reward_prediction_error=values[reached].mean - habit.mean[option],
                )
                mind = _move(mind, i, (state, option), place, values[reached])
                kept = jnp.where(_passes(stage)[state], 1.0, theta.retention)
                mind = _forget(mind, fresh, kept)
            first, state = (option if i == 0 else first), reached
        reward = t.see("reward")
        worth = from_parameters(mind.end_a, mind.end_b).mean[state]
        t.note("outcome_prediction_error", reward - worth)
        return mind.replace(
            end_a=mind.end_a.add(state, reward),
            end_b=mind.end_b.add(state, 1 - reward),
            last=mind.last.add(start, first - mind.last[start]),
        )

    def weight(self, plan: Betas, habit: Betas) -> Table:
        """Return the weight of planning for each option."""
        pairs = zip(plan.var.cells, habit.var.cells, strict=True)
        return Table.of(*(h / (p + h) for p, h in pairs))

    def places(self, task: Any) -> int:
        """Return how many places an option may lead to, as far as the tree knows."""
        return 2

    def place(self, task: Any, i: int, state: Index, option: Index, reached: Index) -> Index:
        """Return which of them was reached: 0 by the common move, 1 by the rare one."""
        return 1 - was_common(task.stages[i], state, option, reached)

    def tree(self, theta: Any, task: Any, open_: Open, counts: Any, ends: Betas) -> list[Betas]:
        """Return what the tree makes of each option, for each choice."""
        found: list[Betas] = []
        for i in reversed(range(len(task.stages))):
            stage, last = task.stages[i], i + 1 == len(task.stages)
            if stage.next_state is None:
                found.insert(0, as_options(stage, ends))
                continue
            ahead = ends if last else best(task, open_, i + 1, [None] * (i + 1) + found, ends)
            next_places = [()] * task.ends if last else task.stages[i + 1].leads_to
            goes_on = [1.0 * (len(options) > 1) for options in next_places]
            pairs = []
            for (common, rare), (n, m) in zip(stage.moves, _in_pairs(counts[i]), strict=True):
                if common == rare:
                    mean, var = ahead.mean[common], ahead.var[common]
                    chance = goes_on[common]
                else:
                    both = (Table.of(x[common], x[rare]) for x in (ahead.mean, ahead.var))
                    mean, var = planned(Table.of(n, m), *both)
                    chance = (n * goes_on[common] + m * goes_on[rare]) / (n + m)
                var = var + theta.step_noise * chance
                pairs.append((mean, possible(mean, var)))
            means, variances = zip(*pairs, strict=True)
            shape = stage.states, stage.options
            found.insert(0, Betas(Table(means, shape), Table(variances, shape)))
        return found


def _in_pairs(counts: Table) -> list[tuple[Lane, Lane]]:
    """Return how often each option's common and rare move were made."""
    return list(zip(counts.cells[::2], counts.cells[1::2], strict=True))


def _moving(task: Any) -> list[Any]:
    """Return the stages whose options lead to states, not to ends of their own."""
    return [stage for stage in task.stages if stage.next_state is not None]


def _passes(stage: Any) -> Table:
    """Return which states one only passes through: that is no move."""
    passes = tuple(jnp.asarray(len(m) == 1 < stage.options) for m in stage.leads_to)
    return Table(passes, (stage.states,))


def _known_ends(t: Listener, mind: Any) -> Betas:
    a, b, flags = mind.end_a, mind.end_b, t.devalued()
    if flags is not None:
        kept = Table.of(*(flag != 1 for flag in flags.cells))
        a, b = a.where(kept, DEVALUED[0]), b.where(kept, DEVALUED[1])
    return from_parameters(a, b)


def as_options(stage: Any, ends: Betas) -> Betas:
    """Return ends as values of the options that each of them is."""
    shape = stage.states, stage.options
    return Betas(Table(ends.mean.cells, shape), Table(ends.var.cells, shape))


def _cache(task: Any, mind: Any, ends: Betas) -> list[Betas]:
    """Return what the cache holds of each option, for each choice."""
    found = [from_parameters(a, b) for a, b in zip(mind.cache_a, mind.cache_b, strict=True)]
    return found + [as_options(s, ends) for s in task.stages[len(found) :]]


def best(task: Any, open_: Open, i: int, betas: list[Any], ends: Betas) -> Betas:
    """Return the belief about each state of a stage: that of the option with the largest mean.

    Of equal means the surer one is taken. A state that one only passes through is the end that it
    leads to.
    """
    stage = task.stages[i]
    masks = open_(stage.choice)
    exists = Table(stage.exists, (stage.states, stage.options)) if masks is None else masks
    means, variances = [], []
    for state, moves in enumerate(stage.leads_to):
        if len(moves) == 1 and stage.options > 1:
            mean, var = ends.mean[moves[0][0]], ends.var[moves[0][0]]
        else:
            mean, var = jnp.asarray(SHUT), jnp.asarray(0.0)
            for option in range(stage.options):
                other = betas[i][state, option]
                ahead = other.mean - mean
                surer = (ahead > -TIE) & (other.var < var)
                better = exists[state, option] & ((ahead > TIE) | surer)
                mean = jnp.where(better, other.mean, mean)
                var = jnp.where(better, other.var, var)
        means.append(mean)
        variances.append(var)
    return Betas(Table.of(*means), Table.of(*variances))


def _move(mind: Any, i: int, taken: tuple[Index, Index], place: Index, value: Any) -> Mind:
    """Return the mind after a move: the cache of what was taken, and the count of where it led."""
    a, b = mind.cache_a[i], mind.cache_b[i]
    new_a, new_b = cached(a[taken], b[taken], value.mean, value.var)
    return mind.replace(
        cache_a=with_table(mind.cache_a, i, a.add(taken, new_a - a[taken])),
        cache_b=with_table(mind.cache_b, i, b.add(taken, new_b - b[taken])),
        counts=with_table(mind.counts, i, mind.counts[i].add((*taken, place), 1.0)),
    )


def _forget(mind: Any, fresh: Any, kept: Lane) -> Mind:
    """Return the mind with all counts nearer to where they started."""
    tables = {
        name: tuple(
            start + kept * (now - start)
            for now, start in zip(getattr(mind, name), getattr(fresh, name), strict=True)
        )
        for name in ("cache_a", "cache_b", "counts")
    }
    ends = {
        name: getattr(fresh, name) + kept * (getattr(mind, name) - getattr(fresh, name))
        for name in ("end_a", "end_b")
    }
    return mind.replace(**tables, **ends)


UNCERTAINTY = Uncertainty(
    name="uncertainty",
    source="Daw, Niv & Dayan (2005), doi:10.1038/nn1560",
    parameters=(
        temperature("beta", "Inverse temperature, per unit of reward."),
        stickiness("p", "Bonus for repeating the first choice, in units of reward (inside beta)."),
        probability("retention", "Share of what was learned that a move leaves."),
        probability("step_noise", "Variance that planning adds for each step ahead."),
    ),
    fixed=(("step_noise", 0.005),),
)
