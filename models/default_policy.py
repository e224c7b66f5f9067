"""Planning that pays for leaving the beaten track: linear reinforcement learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Index, Lane, Table
from metacontrol.models.notes import note_at
from metacontrol.models.parameter import Link, Parameter, Prior, probability, temperature
from metacontrol.models.stages import (
    GraphModel,
    Tables,
    arrival,
    beliefs,
    end_values,
    learned_move,
    learned_worth,
    one_step,
    opened,
    reward_range,
    start_worth,
    tables,
    with_table,
)


@dataclass(frozen=True)
class DefaultPolicy(GraphModel):
    """Piray & Daw (2021), Nat Commun 12:4942, doi:10.1038/s41467-021-25123-3.

    Habit is a default policy pi_d(a | s), and deviating from it has a cost: what is maximised is
    reward less lambda times the divergence of the policy from the default. With R the worth of an
    end, in ranges of the task's reward, and beta = 1 / lambda, that has a solution that needs no
    search::

        exp( beta V(s) ) = sum_a pi_d(a | s) exp( beta Q(s, a) )
        Q(s, a)          = sum_s' T(s' | s, a) V(s'),   at the last choice R in place of V
        P(a)             = pi_d(a | s) exp( beta Q(s, a) ) / exp( beta V(s) )

    A large lambda leaves the default, a small one plans as if there were none. The default is
    learned by doing alone, T and R as in `ForwardHybrid`::

        pi_d(x | s) += alpha_habit (1[x = a] - pi_d(x | s))

    Differences from the paper: control is over options, not over the places they lead to, which is
    the same where options are certain; no cost for each step.
    """

    def start(self, task: Any, theta: Any) -> Mind:
        """Return a default of all options alike, and what is known of the transitions."""
        alike = tuple(table - jnp.log(float(table.shape[1])) for table in tables(task))
        return Mind(
            log_defaults=alike,
            believed=beliefs(task),
            worth=start_worth(task),
        )

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial."""
        span, state = reward_range(t.task), t.see(t.task.stages[0].state)
        worth = theta.beta * end_values(t, mind.worth, span)
        gains = soft_plan(t, mind.believed, worth, mind.log_defaults)
        for i, stage in enumerate(t.task.stages):
            gain, default = gains[i][state], mind.log_defaults[i][state]
            option = t.choose(stage.choice, gain + default)
            reached = arrival(t, stage, state, option)
            usual = opened(t, stage, mind.log_defaults[i])[state]
            note_at(t, i, **against_default(gain, usual, option))
            taken = state, option
            believed, _ = learned_move(t, i, mind.believed, taken, reached, theta.alpha_plan)
            defaults = mind.log_defaults[i]
            for other in range(stage.options):
                done = jnp.where(option == other, theta.alpha_habit, 0.0)
                old = defaults[state, other]
                new = jnp.log((1 - theta.alpha_habit) * jnp.exp(old) + done)
                new = jnp.where(option == other, new, old + jnp.log1p(-theta.alpha_habit))
                defaults = defaults.add((state, other), new - old)
            mind = mind.replace(
                believed=believed,
                log_defaults=with_table(mind.log_defaults, i, defaults),
            )
            state = reached
        return mind.replace(worth=learned_worth(t, mind.worth, state, theta.alpha_plan))


def soft_plan(t: Listener, believed: Tables, worth: Table, log_defaults: Tables) -> Tables:
    """Return beta Q of each option, for each choice, given beta times the worth of each end."""
    planned: list[Table] = []
    together = list(zip(t.task.stages, believed, log_defaults, strict=True))
    for stage, chances, defaults in reversed(together):
        gains = one_step(stage, chances, worth)
        planned.insert(0, gains)
        rewarded, usual = (opened(t, stage, x) for x in (gains + defaults, defaults))
        worth = log_sums(rewarded) - log_sums(usual)
    return tuple(planned)


def against_default(gains: Table, log_defaults: Table, taken: Index) -> dict[str, Lane]:
    """Return how usual the option taken is in a state, and the KL of its policy from the default.

    Parameters
    ----------
    gains, log_defaults : Table, shape (options,)
        beta Q of each option, and its log-probability by default; hardly any if it is not open.
    """
    usual = log_sums(log_defaults).cells[0]
    total = log_sums(gains + log_defaults).cells[0]
    pairs = zip(gains.cells, log_defaults.cells, strict=True)
    mean_gain = sum(jnp.exp(gain + default - total) * gain for gain, default in pairs)
    return {
        "default": jnp.exp(log_defaults[taken] - usual),
        "divergence_from_default": mean_gain - (total - usual),
    }


def log_sums(table: Table) -> Table:
    """Return the logarithm of the sum of exponentials along the last axis.

    Examples
    --------
    >>> [round(float(x), 4) for x in log_sums(Table((0.0, 0.0, 1.0, 3.0), (2, 2))).cells]
    [0.6931, 3.1269]
    """
    size, found = table.shape[-1], []
    tops = table.best().cells
    for row, top in enumerate(tops):
        cells = table.cells[size * row : size * (row + 1)]
        found.append(top + jnp.log(sum(jnp.exp(cell - top) for cell in cells)))
    return Table(tuple(found), table.shape[:-1])


DEFAULT_POLICY = DefaultPolicy(
    name="default-policy",
    source="Piray & Daw (2021), doi:10.1038/s41467-021-25123-3",
    parameters=(
        temperature("beta", "One over the cost of control lambda, per range of reward."),
        probability("alpha_plan", "Learning rate of transitions, and of what an end pays."),
        Parameter(
            name="alpha_habit",
            meaning="Rate at which what is done becomes the default.",
            link=Link("logit", upper=0.9),
            prior=Prior("beta", 1.1, 5.0),
            group_mean=Prior("normal", -2.0, 1.5),
            group_sd=Prior("half_normal", 1.0),
            search=(0.0, 0.9),
        ),
    ),
)
