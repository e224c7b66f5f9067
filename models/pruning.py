"""Planning in a tree whose branches are not all followed to the end, least behind a large loss."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Index, Lane, Table
from metacontrol.models.model import Model
from metacontrol.models.parameter import Link, Parameter, Prior, probability, temperature
from metacontrol.tasks.huys_2012 import PlanningTree

UNIT = 100.0  # points


@dataclass(frozen=True)
class Pruning(Model):
    """Huys et al. (2012), PLoS Comput Biol 8:e1002410, doi:10.1371/journal.pcbi.1002410.

    Planning a sequence of moves, one goes on past each move with a probability: gamma_S past a
    large loss, gamma_G past all else. With r_1, ..., r_d what the moves of a sequence pay, rho(r)
    what that is felt as, and large_t and other_t how many of the moves before move t did and did
    not cost the large loss::

        Q(sequence) = sum_t gamma_G^other_t gamma_S^large_t rho(r_t)
        P(sequence) ~ exp( beta Q(sequence) )            over the 2^d sequences of the trial's depth

    which is the same as Q(move, rest) = rho(r) + gamma(r) Q(rest), as it is worked out here. rho
    is in units of 100 points: r / 100, times a sensitivity for each of the four amounts but the
    large gain, for beta already says how much that counts. Nothing is learned.

    `LOOKAHEAD` always goes on, `DISCOUNT` as far past one move as past another, `PRUNING` less far
    or farther past a large loss; in these all sensitivities are 1. gamma_S below gamma_G is the
    sign of pruning, and differs from loss aversion, a sensitivity to the large loss above 1.

    Differences from the paper: sequences are chosen whole, as in the authors' later program
    (emfit), where the paper has a choice for each move, by the best that may follow it; gammas are
    probabilities of going on, the paper's of stopping; sensitivities are relative to that of the
    large gain. What the paper adds to this, a learned attraction of states, is left out.
    """

    def misfit(self, task: Any) -> str:
        """Return why not, if the task is no planning tree."""
        return "" if isinstance(task, PlanningTree) else "is a model of planning trees"

    def start(self, task: Any, theta: Any) -> Mind:
        """Return nothing: all is known before."""
        return Mind()

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial."""
        start, depth = t.see("first_state"), t.see("depth")
        felt, goes_on = _of_moves(theta, t.task)
        ahead = Table.full((len(t.task.moves), 2, 1))  # behind each move: nothing
        values: list[Lane] = []
        for moves in range(1, max(t.task.depths) + 1):
            if moves > 1:
                ahead = _behind_moves(t.task, _with_first_move(felt, goes_on, ahead))
            if moves in t.task.depths:
                now = _with_first_move(felt[start], goes_on[start], ahead[start])
                values = [
                    jnp.where(depth >= moves, new, old)
                    for new, old in zip_longest(now.cells, values, fillvalue=0.0)
                ]
        value = Table.of(*values)
        sequence = t.choose("first_choice", theta.beta * value)
        t.note("value", UNIT * value[sequence])
        t.note("planning_depth", _planned_moves(t.task, goes_on, start, depth, sequence))
        return mind


def _of_moves(theta: Any, task: PlanningTree) -> tuple[Table, Table]:
    """Return what each state's moves are felt as, and how likely one goes on past them."""
    amounts = [amount for pair in task.amounts for amount in pair]
    large_loss, small_loss, small_gain, large_gain = sorted(set(amounts))
    rho = {
        large_loss: theta.rho_large_loss * large_loss / UNIT,
        small_loss: theta.rho_small_loss * small_loss / UNIT,
        small_gain: theta.rho_small_gain * small_gain / UNIT,
        large_gain: large_gain / UNIT,
    }
    past = [theta.gamma_S if amount == large_loss else theta.gamma_G for amount in amounts]
    shape = len(task.amounts), 2
    return Table(tuple(rho[amount] for amount in amounts), shape), Table(tuple(past), shape)


def _planned_moves(
    task: PlanningTree, goes_on: Table, state: Index, depth: Lane, sequence: Index
) -> Lane:
    """Return how many moves of a sequence are planned, on average."""
    shape = len(task.moves), 2
    leads_to = Table(tuple(jnp.asarray(place) for pair in task.moves for place in pair), shape)
    reached, planned = jnp.asarray(1.0), jnp.asarray(0.0)
    for done in range(max(task.depths)):
        planned = planned + jnp.where(done < depth, reached, 0.0)
        left = jnp.where(done < depth, depth - 1 - done, 0)
        move = (jnp.asarray(sequence, int) >> jnp.asarray(left, int)) & 1
        reached, state = reached * goes_on[state, move], leads_to[state, move]
    return planned


def _behind_moves(task: PlanningTree, plans: Table) -> Table:
    """Return the values of sequences that start where moves lead, shape (states, 2, sequences).

    Parameters
    ----------
    plans : Table, shape (states, sequences)
        Values of sequences, from each state.
    """
    led = [plans[place] for pair in task.moves for place in pair]
    cells = tuple(cell for row in led for cell in row.cells)
    return Table(cells, (len(task.moves), 2, plans.shape[-1]))


def _with_first_move(felt: Table, goes_on: Table, ahead: Table) -> Table:
    """Return the values of sequences that are longer by a first move.

    Parameters
    ----------
    felt, goes_on : Table, shape (..., 2)
        What the first move is felt as, and how likely one goes on past it.
    ahead : Table, shape (..., 2, sequences)
        Values of what may follow each.

    Returns
    -------
    Table, shape (..., 2 * sequences)
    """
    count = ahead.shape[-1]
    cells = [
        felt.cells[i // count] + goes_on.cells[i // count] * cell
        for i, cell in enumerate(ahead.cells)
    ]
    return Table(tuple(cells), (*ahead.shape[:-2], 2 * count))


def _sensitivity(name: str, amount: str) -> Parameter:
    """Return how much an amount counts, relative to the large gain; its prior is Normal(1, 1)."""
    return Parameter(
        name=name,
        meaning=f"Sensitivity to the {amount}, where that to the large gain is 1.",
        link=Link("identity"),
        prior=Prior("normal", 1.0, 1.0),
        group_mean=Prior("normal", 1.0, 1.0),
        group_sd=Prior("half_normal", 0.5),
        search=(-20.0, 20.0),
    )


PRUNING_WITH_SENSITIVITIES = Pruning(
    name="pruning-with-sensitivities",
    source="Huys et al. (2012), doi:10.1371/journal.pcbi.1002410",
    parameters=(
        temperature("beta", "Inverse temperature, per 100 points."),
        probability("gamma_G", "Probability of planning on past any move but a large loss."),
        probability("gamma_S", "Probability of planning on past a large loss."),
        _sensitivity("rho_large_loss", "large loss"),
        _sensitivity("rho_small_loss", "small loss"),
        _sensitivity("rho_small_gain", "small gain"),
    ),
)

PRUNING = PRUNING_WITH_SENSITIVITIES.fix(
    name="pruning", rho_large_loss=1.0, rho_small_loss=1.0, rho_small_gain=1.0
)

DISCOUNT = PRUNING.fix(name="discount", gamma_S="gamma_G")

LOOKAHEAD = PRUNING.fix(name="lookahead", gamma_G=1.0, gamma_S=1.0)
