"""Arbitration by uncertainty: who is surer of an option's worth has the say on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import SHUT, Index, Lane, Table, larger
from metacontrol.models.model import Model
from metacontrol.models.parameter import probability, stickiness, temperature
from metacontrol.models.stages import NAMES, TIE, arrival, no_choice, was_common, with_table

REWARD_PRIOR = 0.1  # both parameters of the Beta of an end that was never seen
DEVALUED = (1.0, 15.0)  # the Beta of an end that is known to be worth nothing any more
FLOOR = 1e-6  # smallest parameter of a Beta
TINY = 1e-300

Open = Callable[[str], Table | None]
"""From a choice to which of its options are open, as `Listener.open` says."""


@dataclass(frozen=True)
class Betas:
    """Beliefs about values from 0 to 1, each a Beta given by its mean and variance."""

    mean: Table
    var: Table

    def __getitem__(self, index: Index | tuple[Index, ...]) -> Betas:
        """Return the beliefs of a state, or of an option of it."""
        return Betas(self.mean[index], self.var[index])


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
    where they started. With competition "hard" an option's value is the mean of whoever's variance
    is smaller; "soft" weighs the means by precision (ours), so that there is a slope to fit by::

        P(a) ~ exp( beta (value(a) + p rep(a)) )

    Differences from the paper: successors are the one or two places an option can lead to, so that
    where there is but one, the tree is sure of it. In the paper any state may be one. What the
    cache starts from and forgets towards is then a belief that is harder to move, Beta(1.8, 1.8) in
    a task with one lever and Beta(2.8, 2.8) with two, where it is about Beta(.1, .1) here, and
    after much training the cache is less sure than here. So at the paper's retention of .98 habit
    takes over both one lever and two here, but only the one if all states are successors, as was
    published; at .95 it is only the one here too. p is ours, fix it at 0 for the paper's.
    """

    competition: Literal["hard", "soft"] = "soft"

    def misfit(self, task: Any) -> str:
        """Return why not, if rewards are other than from 0 to 1, or ends all there is to know."""
        if not _moving(task):
            return "needs a choice that leads to a state"
        return "" if task.pays == (0.0, 1.0) else "needs rewards of 0 and 1"

    def start(self, task: Any, theta: Any) -> Mind:
        """Return nothing seen."""
        moving = _moving(task)
        ends = Table.full((task.ends,), REWARD_PRIOR)
        counts = tuple(Table.full((s.states, s.options, 2), 1.0) for s in moving)
        cache = _tree(theta, task, lambda choice: None, counts, _betas(ends, ends))
        return Mind(
            cache_a=tuple(_parameters(cache[i])[0] for i in range(len(moving))),
            cache_b=tuple(_parameters(cache[i])[1] for i in range(len(moving))),
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
            tree = _tree(theta, t.task, t.open, mind.counts, ends)
            cache = _cache(t.task, mind, ends)
            plan, habit = tree[i][state], cache[i][state]
            weight = self._weight(plan, habit)
            net = weight * plan.mean + (1 - weight) * habit.mean
            if i == 0:
                net = net + theta.p * Table.one_hot(mind.last[start], stage.options)
            option = t.choose(stage.choice, theta.beta * net)
            reached = arrival(t, stage, state, option)
            t.note(f"{NAMES[i]}_weight", weight[option])
            t.note(f"{NAMES[i]}_plan_variance", plan.var[option])
            t.note(f"{NAMES[i]}_habit_variance", habit.var[option])
            if stage.next_state is not None:
                last = i + 1 == len(t.task.stages)
                values = ends if last else _best(t.task, t.open, i + 1, cache, ends)
                mind = _move(mind, stage, i, (state, option), reached, values[reached])
                mind = _forget(mind, fresh, theta.retention)
            first, state = (option if i == 0 else first), reached
        reward = t.see("reward")
        return mind.replace(
            end_a=mind.end_a.add(state, reward),
            end_b=mind.end_b.add(state, 1 - reward),
            last=mind.last.add(start, first - mind.last[start]),
        )

    def _weight(self, plan: Betas, habit: Betas) -> Table:
        """Return the weight of planning for each option."""
        pairs = zip(plan.var.cells, habit.var.cells, strict=True)
        if self.competition == "hard":
            return Table.of(*(jnp.where(p <= h, 1.0, 0.0) for p, h in pairs))
        return Table.of(*(h / (p + h) for p, h in pairs))


def cached(a: Lane, b: Lane, mean: Lane, var: Lane) -> tuple[Lane, Lane]:
    """Return a cached Beta after its option led to a value of that mean and variance.

    Examples
    --------
    >>> [round(float(x), 5) for x in cached(0.1, 0.1, 0.5, 0.05)]
    [0.44286, 0.44286]
    >>> [round(float(x), 5) for x in cached(0.1, 0.1, 1.0, 0.0)]
    [1.1, 0.1]
    """
    n = a + b
    new_mean = (a + mean) / (n + 1)
    square = a * (a + 1) + (2 * a + 1) * mean + var + mean * mean
    return matched(new_mean, square / ((n + 1) * (n + 2)) - new_mean * new_mean)


def planned(counts: Table, means: Table, variances: Table) -> tuple[Lane, Lane]:
    """Return mean and variance of a value whose successors were counted.

    Examples
    --------
    >>> q = Table.of(0.5, 0.2, 0.8), Table.of(0.05, 0.02, 0.01)
    >>> found = planned(Table.of(3.0, 1.0, 1.0), *q)
    >>> [round(float(x), 4) for x in found]
    [0.5, 0.028]
    """
    n = sum(counts.cells)
    mean = sum(c * m for c, m in zip(counts.cells, means.cells, strict=True)) / n
    # E[t_i t_j] = (n_i n_j + n_i 1[i = j]) / (n (n + 1))
    square = n * n * mean * mean
    for count, m, var in zip(counts.cells, means.cells, variances.cells, strict=True):
        square = square + count * (m * m + (count + 1) * var)
    return mean, square / (n * (n + 1)) - mean * mean


def matched(mean: Lane, var: Lane) -> tuple[Lane, Lane]:
    """Return the Beta of that mean and variance."""
    n = mean * (1 - mean) / larger(possible(mean, var), TINY) - 1
    return larger(n * mean, FLOOR), larger(n * (1 - mean), FLOOR)


def possible(mean: Lane, var: Lane) -> Lane:
    """Return a variance, or the largest that a Beta of that mean can have."""
    most = (1 - 1e-9) * mean * (1 - mean)
    return jnp.where(var < most, var, most)


def _in_pairs(counts: Table) -> list[tuple[Lane, Lane]]:
    """Return how often each option's common and rare move were made."""
    return list(zip(counts.cells[::2], counts.cells[1::2], strict=True))


def _parameters(betas: Betas) -> tuple[Table, Table]:
    pairs = [matched(m, v) for m, v in zip(betas.mean.cells, betas.var.cells, strict=True)]
    a, b = zip(*pairs, strict=True)
    return Table(a, betas.mean.shape), Table(b, betas.mean.shape)


def _betas(a: Table, b: Table) -> Betas:
    both = list(zip(a.cells, b.cells, strict=True))
    mean = Table(tuple(x / (x + y) for x, y in both), a.shape)
    var = Table(tuple(x * y / ((x + y) * (x + y) * (x + y + 1)) for x, y in both), a.shape)
    return Betas(mean, var)


def _moving(task: Any) -> list[Any]:
    """Return the stages whose options lead to states, not to ends of their own."""
    return [stage for stage in task.stages if stage.next_state is not None]


def _known_ends(t: Listener, mind: Any) -> Betas:
    a, b, flags = mind.end_a, mind.end_b, t.devalued()
    if flags is not None:
        kept = Table.of(*(flag != 1 for flag in flags.cells))
        a, b = a.where(kept, DEVALUED[0]), b.where(kept, DEVALUED[1])
    return _betas(a, b)


def _as_options(stage: Any, ends: Betas) -> Betas:
    """Return ends as values of the options that each of them is."""
    shape = stage.states, stage.options
    return Betas(Table(ends.mean.cells, shape), Table(ends.var.cells, shape))


def _tree(theta: Any, task: Any, open_: Open, counts: Any, ends: Betas) -> list[Betas]:
    """Return what the tree makes of each option, for each choice."""
    found: list[Betas] = []
    for i in reversed(range(len(task.stages))):
        stage, last = task.stages[i], i + 1 == len(task.stages)
        if stage.next_state is None:
            found.insert(0, _as_options(stage, ends))
            continue
        ahead = ends if last else _best(task, open_, i + 1, [None] * (i + 1) + found, ends)
        places = [()] * task.ends if last else task.stages[i + 1].leads_to
        goes_on = [1.0 * (len(options) > 1) for options in places]
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


def _cache(task: Any, mind: Any, ends: Betas) -> list[Betas]:
    """Return what the cache holds of each option, for each choice."""
    found = [_betas(a, b) for a, b in zip(mind.cache_a, mind.cache_b, strict=True)]
    return found + [_as_options(s, ends) for s in task.stages[len(found) :]]


def _best(task: Any, open_: Open, i: int, betas: list[Any], ends: Betas) -> Betas:
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


def _move(
    mind: Any, stage: Any, i: int, taken: tuple[Index, Index], reached: Index, value: Any
) -> Mind:
    """Return the mind after a move: the cache of what was taken, and the count of where it led."""
    a, b = mind.cache_a[i], mind.cache_b[i]
    new_a, new_b = cached(a[taken], b[taken], value.mean, value.var)
    rare = 1 - was_common(stage, *taken, reached)
    counts = mind.counts[i].add((*taken, 0), 1 - rare).add((*taken, 1), rare)
    return mind.replace(
        cache_a=with_table(mind.cache_a, i, a.add(taken, new_a - a[taken])),
        cache_b=with_table(mind.cache_b, i, b.add(taken, new_b - b[taken])),
        counts=with_table(mind.counts, i, counts),
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

UNCERTAINTY_HARD = Uncertainty(
    name="uncertainty-hard",
    source=UNCERTAINTY.source,
    parameters=UNCERTAINTY.parameters,
    fixed=UNCERTAINTY.fixed,
    competition="hard",
)
