"""Planning in a tree with losses on the way (Huys et al., 2012): all moves are entered at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from metacontrol.tasks.graph import Graph, Stage, ends_at_once, pick
from metacontrol.tasks.task import Cue

MOST_MOVES = 7  # options are held in 8 bits


@dataclass(frozen=True)
class PlanningTree(Graph):
    """Huys et al. (2012), PLoS Comput Biol 8:e1002410, doi:10.1371/journal.pcbi.1002410.

    There are six states with two certain moves each, known well before (`moves`, from 0), and each
    move pays or costs (`amounts`). A trial names a state to start from (column `first_state`) and a
    number of moves (column `depth`), which people plan and then enter all at once; the reward is
    what these sum to. Often the best way leads through a large loss.

    A sequence of moves is one option of `first_choice`: its moves, 0 or 1, are the binary digits of
    its number, the first move the most significant. So 2**depth options are open on a trial, the
    first of all that there are. `sequence_number` and `moves_of` go from one form to the other.

    Parameters
    ----------
    name, source : str
        Name in `metacontrol tasks`, and where the settings are published.
    trials : int
        Number of trials for each participant when none is asked for.
    depths : tuple of int
        Numbers of moves, from 1 to 7. All first states and depths are drawn together equally
        often, in random order.
    large_loss : float
        What the worst moves pay: -70, -100 or -140, by group, in the paper.

    Raises
    ------
    ValueError
        If a setting is not allowed.

    Notes
    -----
    Ours are the number of trials and the depths: the paper's go further.
    """

    name: str
    source: str
    trials: int = 108
    depths: tuple[int, ...] = (3, 4, 5)
    large_loss: float = -70.0

    common: float = 1.0
    moves: ClassVar[tuple[tuple[int, int], ...]] = ((1, 3), (2, 4), (5, 3), (1, 4), (0, 5), (2, 0))

    def __post_init__(self) -> None:
        if not self.depths or any(depth not in range(1, MOST_MOVES + 1) for depth in self.depths):
            raise ValueError(f"depths must be from 1 to {MOST_MOVES}, got {self.depths}")
        if not self.large_loss < -20:
            raise ValueError(f"large_loss must be below -20, got {self.large_loss}")
        if self.trials < 1:
            raise ValueError(f"trials must be 1 or more, got {self.trials}")

    @property
    def amounts(self) -> tuple[tuple[float, float], ...]:
        """What the two moves of each state pay."""
        large = self.large_loss
        return ((140, 20), (-20, large), (large, -20), (20, -20), (large, -20), (20, -20))

    @property
    def about(self) -> str:
        """The settings in words."""
        *fewer, most = map(str, self.depths)
        depths = f"{', '.join(fewer)} or {most}" if fewer else most
        return f"{depths} moves among 6 states, planned at once; large loss {self.large_loss:g}"

    @property
    def stages(self) -> tuple[Stage, ...]:
        """All moves as one choice: each sequence is an end of its own."""
        ends = ends_at_once(2 ** max(self.depths), len(self.moves))
        return (Stage("first_state", "first_choice", ends),)

    @property
    def cues(self) -> Mapping[str, Cue]:
        """First state and number of moves."""
        return {
            "first_state": Cue(states=len(self.moves)),
            "depth": Cue(low=min(self.depths), high=max(self.depths)),
        }

    @property
    def pays(self) -> tuple[float, float]:
        """Smallest and largest total."""
        worst, best = zip(*(self._reached(depth) for depth in self.depths), strict=True)
        return min(map(min, worst)), max(map(max, best))

    def best_totals(self, depth: int) -> tuple[float, ...]:
        """Return the largest total of that many moves, from each first state.

        Examples
        --------
        >>> HUYS_2012.best_totals(2)
        (120.0, -40.0, 0.0, 0.0, 70.0, 120.0)
        """
        return self._reached(depth)[1]

    def _reached(self, depth: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the smallest and the largest total of that many moves, from each first state."""
        worst = best = (0.0,) * len(self.moves)
        for _ in range(depth):
            paid = list(zip(self.amounts, self.moves, strict=True))
            worst = tuple(min(r[i] + worst[s[i]] for i in (0, 1)) for r, s in paid)
            best = tuple(max(r[i] + best[s[i]] for i in (0, 1)) for r, s in paid)
        return worst, best

    def total(self, first_state: Any, depth: Any, first_choice: Any) -> Any:
        """Return what sequences of moves sum to.

        Parameters
        ----------
        first_state, depth, first_choice : array, shape (trials,)
            Where a sequence starts, its number of moves, and its number.

        Returns
        -------
        array, shape (trials,)
            In points; NaN where `first_choice` is NaN.

        Examples
        --------
        >>> float(HUYS_2012.total(0, 3, 0b011))  # 140 - 70 - 20
        50.0
        """
        place, depth = jnp.asarray(first_state), jnp.asarray(depth)
        sequence = jnp.asarray(first_choice, float)
        total = 0.0 * sequence
        for later in reversed(range(max(self.depths))):
            move = 2 * place + sequence // 2**later % 2
            is_made = depth > later
            total = total + jnp.where(is_made, pick(move, _flat(self.amounts)), 0.0)
            place = jnp.where(is_made, pick(move, _flat(self.moves)), place)
        return total

    def open(self, choice: str, see: Callable[[str], Any]) -> Sequence[Any]:
        """Return that the first 2**depth sequences are open, wherever they start."""
        deep = [see("depth") >= moves for moves in range(max(self.depths) + 1)]
        options = range(self.stage(choice).options)
        return [deep[option.bit_length()] for option in options] * len(self.moves)

    def _reward(self, trial: Mapping[str, Any]) -> Any:
        return self.total(trial["first_state"], trial["depth"], trial["first_choice"])

    def schedule(self, participants: int, trials: int, rng: np.random.Generator) -> dict[str, Any]:
        """Draw first states and depths.

        Returns
        -------
        dict of str to array, shape (trials, participants)
        """
        pairs = np.array(list(product(range(len(self.moves)), self.depths)), dtype=np.int8)
        number = np.repeat(np.arange(trials)[:, None] % len(pairs), participants, axis=1)
        first_state, depth = pairs[rng.permuted(number, axis=0)].transpose(2, 0, 1)
        return {"first_state": first_state, "depth": depth}


def sequence_number(moves: ArrayLike, depth: ArrayLike) -> np.ndarray:
    """Return the options of `first_choice` that moves make.

    Parameters
    ----------
    moves : array, shape (trials, moves)
        0 or 1, or missing; such as the columns move_1, move_2, ... of a table. What stands after
        the last move of a trial is not looked at.
    depth : int array, shape (trials,)
        Numbers of moves.

    Returns
    -------
    float array, shape (trials,)
        NaN where a move is missing.

    Raises
    ------
    ValueError
        If a move is neither 0 nor 1, or there are too few columns.

    Examples
    --------
    >>> sequence_number([[1, 0, 1, np.nan], [0, 1, 1, 0], [1, np.nan, 1, 1]], [3, 4, 4])
    array([ 5.,  6., nan])
    """
    moves, depth = np.asarray(moves, dtype=float), np.asarray(depth, dtype=int)
    columns = moves.shape[1]
    if depth.max() > columns:
        raise ValueError(f"{depth.max()} moves need as many columns, got {columns}")
    later = depth[:, None] - 1 - np.arange(columns)
    made = np.where(later >= 0, moves, 0.0)
    wrong = made[~np.isin(made, (0, 1)) & ~np.isnan(made)]
    if len(wrong):
        raise ValueError(f"moves must be 0 or 1, got {wrong[0]:g}")
    return (made * 2.0 ** np.maximum(later, 0)).sum(axis=1)


def moves_of(first_choice: ArrayLike, depth: ArrayLike) -> np.ndarray:
    """Return the moves of sequences.

    Parameters
    ----------
    first_choice : array, shape (trials,)
        Numbers of the sequences, or missing.
    depth : int array, shape (trials,)
        Numbers of moves.

    Returns
    -------
    float array, shape (trials, largest depth)
        0 or 1; NaN after the last move of a trial.

    Examples
    --------
    >>> moves_of([5, 6], [3, 4])
    array([[ 1.,  0.,  1., nan],
           [ 0.,  1.,  1.,  0.]])
    """
    depth = np.asarray(depth, dtype=int)
    later = depth[:, None] - 1 - np.arange(depth.max())
    number = np.asarray(first_choice, dtype=float)[:, None]
    return np.where(later >= 0, number // 2.0 ** np.maximum(later, 0) % 2, np.nan)


def _flat(pairs: Sequence[tuple[Any, Any]]) -> list[Any]:
    return [value for pair in pairs for value in pair]


def _group(name: str, large_loss: float) -> PlanningTree:
    source = "Huys et al. (2012), doi:10.1371/journal.pcbi.1002410"
    return PlanningTree(name=name, source=source, large_loss=large_loss)


HUYS_2012 = _group("huys-2012", -70.0)

HUYS_2012_100 = _group("huys-2012-100", -100.0)

HUYS_2012_140 = _group("huys-2012-140", -140.0)
