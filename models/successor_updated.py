"""Successor representations that are brought up to date: worked out anew, or by replay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Index, Table
from metacontrol.models.parameter import number, probability
from metacontrol.models.stages import (
    TIE,
    Tables,
    end_values,
    one_step,
    opened,
    reward_range,
    with_table,
)
from metacontrol.models.successor import PLANNER, RATE, SOURCE, Successor, Taken, worths


@dataclass(frozen=True)
class SuccessorOfPolicy(Successor):
    """Russek et al. (2017), doi:10.1371/journal.pcbi.1005768: SR-MB.

    Where options lead is worked out when choosing, from what is known of transitions and from what
    was mostly done: the policy pi. It takes the place of the cache of `Successor`::

        Q_SR(s, a) = sum_s' T(s' | s, a) sum_a' pi(a' | s') Q_SR(s', a'),   at the last choice R
        pi(. | s) += alpha_policy (1[a] - pi(. | s))        after each choice

    So it passes changes of transitions too, but not those of what is best done later. pi starts
    with all options alike. Without discounting the sum over ends of the paper's
    M = (I - gamma T_pi)^-1 times R is this recursion.
    """

    def start(self, task: Any, theta: Any) -> Mind:
        """Return the mind of `Successor` with a policy instead of a cache."""
        parts = vars(super().start(task, theta))
        del parts["leads_to"]
        return Mind(**parts, policy=tuple(map(_even, task.stages)))

    def cached(self, mind: Any, t: Listener, worth: Table) -> Tables:
        """Return what each option is worth if one goes on as before, for each choice."""
        found: list[Table] = []
        for i, stage in reversed(list(enumerate(t.task.stages))):
            found.insert(0, one_step(stage, mind.believed[i], worth))
            cells, policy = found[0].cells, mind.policy[i].cells
            terms = [p * value for p, value in zip(policy, cells, strict=True)]
            n = stage.options
            worth = Table.of(*(sum(terms[j : j + n]) for j in range(0, len(terms), n)))
        return tuple(found)

    def after_trial(
        self, theta: Any, mind: Any, t: Listener, taken: Sequence[Taken], end: Index
    ) -> Mind:
        """Return the mind with the policy moved towards what was done."""
        policy = mind.policy
        for i, (state, option) in enumerate(taken):
            moved = policy[i]
            for other in range(t.task.stages[i].options):
                done = jnp.where(option == other, 1.0, 0.0)
                moved = moved.toward((state, other), done, theta.alpha_policy)
            policy = with_table(policy, i, moved)
        return mind.replace(policy=policy)


@dataclass(frozen=True)
class SuccessorReplayed(Successor):
    """Russek et al. (2017), doi:10.1371/journal.pcbi.1005768: SR-Dyna.

    `Successor` whose cache is replayed after each trial, the last choice first. Each of the N
    options of all states is replayed Poisson(k_replay / N) times; as in `Dyna` all move by the mean
    share of that::

        M(s, a, .) += (1 - exp( -alpha_sr k_replay / N )) (G - M(s, a, .))
        G           = sum_s' T(s' | s, a) M(s', a*, .),   a* the best option there by Q_SR

    With many replays it passes all changes that planning passes, with few those of rewards only.
    Of options that are best alike each has its share of a*. Differences from the paper: replay of
    the model's expectations, in backward order, instead of single remembered samples.
    """

    def after_trial(
        self, theta: Any, mind: Any, t: Listener, taken: Sequence[Taken], end: Index
    ) -> Mind:
        """Return the mind after what the trial taught, and replays."""
        mind = super().after_trial(theta, mind, t, taken, end)
        options = sum(sum(stage.exists) for stage in t.task.stages)
        share = 1 - jnp.exp(-theta.alpha_sr * theta.k_replay / options)
        worth = end_values(t, mind.worth, reward_range(t.task))
        ends = range(t.task.ends)
        ahead = [Table.one_hot(end, len(ends)) for end in ends]  # where places lead, to each end
        leads_to = mind.leads_to
        for i, stage in reversed(list(enumerate(t.task.stages))):
            if stage.next_state is None:  # each option is an end of its own
                table = Table(
                    tuple(cell for place in ahead for cell in place.cells),
                    (stage.states, stage.options, len(ends)),
                )
            else:
                columns = [Table.of(*(place.cells[end] for place in ahead)) for end in ends]
                goals = [one_step(stage, mind.believed[i], column).cells for column in columns]
                goal = tuple(cell for row in zip(*goals, strict=True) for cell in row)
                old = leads_to[i]
                table = old + share * (Table(goal, old.shape) - old)
                leads_to = with_table(leads_to, i, table)
            best = opened(t, stage, worths(table, worth))
            ahead = [_shared(best[state], table[state]) for state in range(stage.states)]
        return mind.replace(leads_to=leads_to)


def _even(stage: Any) -> Table:
    """Return a policy by which all options that there are in a state are as likely."""
    cells = tuple(1.0 / len(moves) for moves in stage.leads_to for _ in range(stage.options))
    there = zip(cells, stage.exists, strict=True)
    return Table(
        tuple(jnp.asarray(p * exists) for p, exists in there), (stage.states, stage.options)
    )


def _shared(values: Table, leads_to: Table) -> Table:
    """Return where the best option leads, or options that are best alike, shape (ends,)."""
    top = values.best().cells[0]
    best = [jnp.where(top - value < TIE, 1.0, 0.0) for value in values.cells]
    rows = [(one / sum(best)) * leads_to[option] for option, one in enumerate(best)]
    return reduce(lambda a, b: a + b, rows)


SUCCESSOR_OF_POLICY = SuccessorOfPolicy(
    name="successor-of-policy",
    source=SOURCE,
    parameters=(probability("alpha_policy", "Learning rate of what is mostly done."), *PLANNER),
)

SUCCESSOR_REPLAYED = SuccessorReplayed(
    name="successor-replayed",
    source=SOURCE,
    parameters=(RATE, number("k_replay", "Mean number of replays after a trial."), *PLANNER),
)
