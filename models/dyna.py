"""Deliberation that trains habit: replay of a learned model between choices (Dyna)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax import lax

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Lane, Table
from metacontrol.models.forward_hybrid import CONTROLLERS, ForwardHybrid
from metacontrol.models.parameter import number, probability
from metacontrol.models.stages import Tables, end_values, one_step, opened, reward_range

SMALLEST = -700.0  # log-probability of what is never drawn


@dataclass(frozen=True)
class Dyna(ForwardHybrid):
    """Sutton (1990), doi:10.1016/B978-1-55860-141-3.50030-4; Gershman, Markman & Otto (2014).

    The cooperative architecture of Gershman et al., J Exp Psychol Gen 143:182,
    doi:10.1037/a0030844: habit alone chooses, and what deliberation knows reaches it by replay. Q,
    T and R are Q_MF, T and R of `ForwardHybrid`, learned from each trial as there; choices are
    those of w = 0. After the trial options are replayed: each of the N options of all states
    Poisson(k / N) times, k in all on average, each time with::

        Q(s, a) += alpha_habit (G(s, a) - Q(s, a))
        G(s, a)  = sum_s' T(s' | s, a) max_a' Q(s', a'),   at the last choice R in place of max Q

    The last choice is replayed first. Then nothing that a choice's replays aim at changes while
    they last, n of them move Q by 1 - (1 - alpha_habit)^n of its distance from G, and the mean of
    that over n is the share that this model moves each Q by::

        1 - exp( -alpha_habit k / N )
        k = k_replay (1 - load_effect L) + k_rest rest

    L is load on the trial and `rest` what rest follows it; a task without these cues has none of
    either, and then nothing determines their parameters: fix them at 0. Without replay this is
    `ForwardHybrid` with w = 0; with very many replays its habits are what w = 1 plans.

    Because replay runs backwards, what an end has come to be worth reaches the first choice after
    the trial in which that is learned, by the product of the shares of all choices between. Where
    replays are few, in random order they would carry half as much back over two choices.

    `DynaSampled` draws how often each option is replayed. Given the same choices and outcomes its
    mean Q is this model's where only one option is open in the states that choices lead to. Else
    it need not be: the mean of a maximum is more than the maximum of means. Nor are choices quite
    as frequent, because softmax is not linear in Q.

    Differences from the papers: replay in backward order, of the model's expectations rather than
    of single remembered samples; on trials habit learns from what it would choose next on average,
    and only replay takes the maximum; p is ours.
    """

    cues: ClassVar[Mapping[str, tuple[str, ...]]] = {"load": ("load_effect",), "rest": ("k_rest",)}

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial, and the replays after it."""
        mind = super().trial(theta, mind, t)
        between = theta.k_replay * (1 - theta.load_effect * self._shown(t, "load"))
        replays = between + theta.k_rest * self._shown(t, "rest")
        t.note("replays", replays)
        options = sum(sum(stage.exists) for stage in t.task.stages)
        shares = self.shares(theta, mind.habits, t, replays / options)
        worth = end_values(t, mind.worth, reward_range(t.task))
        habits: list[Table] = []
        for i, stage in reversed(list(enumerate(t.task.stages))):
            goal = one_step(stage, mind.believed[i], worth)
            habits.insert(0, mind.habits[i] + shares[i] * (goal - mind.habits[i]))
            worth = opened(t, stage, habits[0]).best()
        return mind.replace(habits=tuple(habits))

    def weight(self, theta: Any, mind: Any, t: Listener) -> Lane:
        """Return 0: planning has no say when choosing."""
        return 0.0

    def shares(self, theta: Any, habits: Tables, t: Listener, mean: Lane) -> Sequence[Table]:
        """Return by what share replay moves each option, if replayed so often on average."""
        share = 1 - jnp.exp(-theta.alpha_habit * mean)
        return [Table.full(table.shape, share) for table in habits]

    def _shown(self, t: Listener, cue: str) -> Lane:
        there = self.looks_at(cue) and cue in t.task.cues
        return 1.0 * t.see(cue) if there else 0.0


@dataclass(frozen=True)
class DynaSampled(Dyna):
    """`Dyna` with replays drawn by chance, for simulation only.

    How often each option is replayed after a trial is drawn from Poisson(k / N), by itself for
    each: the same as drawing a Poisson(k) number of replays, each of an option drawn evenly.
    """

    simulate_only: ClassVar[str] = (
        "what it replays is chance, and a likelihood would be an average over all that it might "
        "have replayed. Fit dyna instead, which moves habit by the mean."
    )

    def luck(self, task: Any) -> tuple[str, ...]:
        """Return a name for each option of each state."""
        return tuple(
            f"replay_of_{stage.choice}_{state}_{option}"
            for stage in task.stages
            for state in range(stage.states)
            for option in range(stage.options)
        )

    def shares(self, theta: Any, habits: Tables, t: Listener, mean: Lane) -> Sequence[Table]:
        """Return by what share replay moves each option, if replayed as often as luck has it."""
        luck = jnp.stack([t.luck(name) for name in self.luck(t.task)])
        moved = iter(1 - (1 - theta.alpha_habit) ** jax.vmap(poisson, (0, None))(luck, mean))
        return [Table(tuple(next(moved) for _ in h.cells), h.shape) for h in habits]


def poisson(luck: Lane, mean: Lane) -> Lane:
    """Return the number that a uniform number draws from a Poisson distribution.

    It is the smallest whose cumulative probability is above `luck`.

    Examples
    --------
    With a mean of 1 the first probabilities are .368, .368 and .184.

    >>> [float(poisson(luck, 1.0)) for luck in (0.3, 0.4, 0.8, 0.95)]
    [0.0, 1.0, 2.0, 3.0]
    """

    def more(state: tuple[Lane, Lane, Lane]) -> Lane:
        n, log_chance, below = state
        return (luck >= below) & ((n < mean) | (log_chance > SMALLEST))

    def step(state: tuple[Lane, Lane, Lane]) -> tuple[Lane, Lane, Lane]:
        n, log_chance, below = state
        log_chance = log_chance + jnp.log(mean / (n + 1))
        return n + 1, log_chance, below + jnp.exp(log_chance)

    start = 0.0, -jnp.asarray(mean), jnp.exp(-jnp.asarray(mean))
    return lax.while_loop(more, step, start)[0]


_PARAMETERS = (
    *CONTROLLERS,
    number("k_replay", "Mean number of replays after a trial."),
    probability("load_effect", "Share of these that full load takes away."),
    number("k_rest", "Mean number of replays in each unit of rest."),
)
_SOURCE = "Gershman, Markman & Otto (2014), doi:10.1037/a0030844"

DYNA = Dyna(name="dyna", source=_SOURCE, parameters=_PARAMETERS)

DYNA_SAMPLED = DynaSampled(name="dyna-sampled", source=_SOURCE, parameters=_PARAMETERS)
