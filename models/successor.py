"""The successor representation: where options have led in the end, and what that is worth now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Index, Lane, Table
from metacontrol.models.notes import note_at
from metacontrol.models.parameter import probability, stickiness, temperature
from metacontrol.models.stages import (
    GraphModel,
    Tables,
    arrival,
    beliefs,
    end_values,
    learned_move,
    learned_worth,
    no_choice,
    plan,
    reward_range,
    start_worth,
    with_table,
)

Taken = tuple[Index, Index]
"""A state, and the option taken there."""


@dataclass(frozen=True)
class Successor(GraphModel):
    """Russek et al. (2017), doi:10.1371/journal.pcbi.1005768; Momennejad et al. (2017).

    A cache of where options lead instead of what they are worth, mixed with planning as in
    Momennejad et al., Nat Hum Behav 1:680, doi:10.1038/s41562-017-0180-8::

        Q_SR(s, a) = sum_e M(s, a, e) R(e)
        P(a)       ~ exp( beta ( w Q_MB(s, a) + (1 - w) Q_SR(s, a) + p rep(a) ) )

    M(s, a, e) is how often the end e followed, R(e) what it is worth: shown, else learned. After a
    trial, backwards, with the next choice as it was made::

        M(s, a, .) += alpha_sr (M(s', a', .) - M(s, a, .)),   at the last choice 1[e reached]
        R(e)       += alpha_plan (r - R(e))

    Q_MB, T and R are those of `ForwardHybrid`. What ends are worth is used at once, so that the
    cache passes reward revaluation as planning does; where they are reached from is not, and it
    fails when transitions or the later policy change. M starts with all ends alike. Without
    discounting, and with ends as the only places that pay, M of states passed through is not
    needed.

    Differences from the papers: values are mixed, not ratings or choice probabilities; M is learned
    from trials at rate alpha_sr, where Momennejad et al. set it to where it would end up.
    """

    def start(self, task: Any, theta: Any) -> Mind:
        """Return a cache of all ends alike, no last choice, and what is known of transitions."""
        cached = [stage for stage in task.stages if stage.next_state is not None]
        return Mind(
            leads_to=tuple(
                Table.full((s.states, s.options, task.ends), 1 / task.ends) for s in cached
            ),
            believed=beliefs(task),
            worth=start_worth(task),
            last=no_choice(task),
        )

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial."""
        state = t.see(t.task.stages[0].state)
        worth = end_values(t, mind.worth, reward_range(t.task))
        planned, cached = plan(t, mind.believed, worth), self.cached(mind, t, worth)
        taken: list[Taken] = []
        believed = mind.believed
        for i, stage in enumerate(t.task.stages):
            if stage.next_state is None:
                net = planned[i][state]  # each option is an end: both know as much
            else:
                net = theta.w * planned[i][state] + (1 - theta.w) * cached[i][state]
                note_at(t, i, weight=theta.w)
            if i == 0:
                net = net + theta.p * Table.one_hot(mind.last[state], stage.options)
            option = t.choose(stage.choice, theta.beta * net)
            reached = arrival(t, stage, state, option)
            taken.append((state, option))
            believed, _ = learned_move(t, i, believed, taken[i], reached, theta.alpha_plan)
            state = reached
        start, first = taken[0]
        mind = mind.replace(
            believed=believed,
            worth=learned_worth(t, mind.worth, state, theta.alpha_plan),
            last=mind.last.add(start, first - mind.last[start]),
        )
        return self.after_trial(theta, mind, t, taken, state)

    def cached(self, mind: Any, t: Listener, worth: Table) -> Tables:
        """Return what each option's ends are worth, for each choice."""
        return tuple(worths(leads_to, worth) for leads_to in mind.leads_to)

    def after_trial(
        self, theta: Any, mind: Any, t: Listener, taken: Sequence[Taken], end: Index
    ) -> Mind:
        """Return the mind with the cache of options taken changed by the end reached."""
        leads_to, target = mind.leads_to, Table.one_hot(end, t.task.ends)
        for i in reversed(range(len(leads_to))):
            old = leads_to[i][taken[i]]
            error = sum(jnp.abs(cell) for cell in (target - old).cells) / 2
            note_at(t, i, successor_prediction_error=error)
            leads_to = with_table(
                leads_to, i, _toward(leads_to[i], taken[i], target, theta.alpha_sr)
            )
            target = old  # what was held before the trial, as temporal differences do
        return mind.replace(leads_to=leads_to)


def worths(leads_to: Table, worth: Table) -> Table:
    """Return what the ends of options are worth, shape (states, options)."""
    states, options, ends = leads_to.shape
    rows = [leads_to.cells[i : i + ends] for i in range(0, len(leads_to.cells), ends)]
    cells = tuple(sum((Table.of(*row) * worth).cells) for row in rows)
    return Table(cells, (states, options))


def _toward(leads_to: Table, taken: Taken, target: Table, rate: Lane) -> Table:
    """Return the cache with the ends of the option taken moved towards a target."""
    for end, cell in enumerate(target.cells):
        leads_to = leads_to.toward((*taken, end), cell, rate)
    return leads_to


SOURCE = "Russek et al. (2017), doi:10.1371/journal.pcbi.1005768"
RATE = probability("alpha_sr", "Learning rate of where options lead in the end.")
PLANNER = (
    probability("alpha_plan", "Learning rate of transitions, and of what an end pays."),
    temperature("beta", "Inverse temperature, per range of the task's reward."),
    stickiness("p", "Bonus for repeating the first choice, in ranges of reward (inside beta)."),
    probability("w", "Weight of planning; 1 - w is the weight of the successor cache."),
)

SUCCESSOR = Successor(name="successor", source=SOURCE, parameters=(RATE, *PLANNER))
