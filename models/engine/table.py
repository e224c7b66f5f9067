"""Small tables of numbers whose every cell is one lane of arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import product
from math import prod
from typing import Any, Self

import jax
import jax.numpy as jnp

Lane = Any  # a float, an int, or a JAX scalar (under the engine: one scalar for each participant)
Index = Any  # an int that is known when the model is traced, or a Lane that holds one

SHUT = -1e9  # the value of an option that is not open: its probability is exactly 0


@jax.tree_util.register_pytree_node_class
@dataclass(frozen=True)
class Table:
    """Values by (state, option, ...): read and written by masks, never gathered.

    Each cell is a leaf of its own, so that under the engine a cell is an array over participants,
    and reading ``table[state, option]`` is a blend of whole arrays, as processors do fast.

    Parameters
    ----------
    cells : tuple of Lane
        One number for each cell, in row-major order.
    shape : tuple of int
        Length of each axis; at least one axis.

    Examples
    --------
    >>> values = Table.full((2, 2)).add((1, 0), 0.4)
    >>> float(values[1, 0]), float(values[0, 0])
    (0.4, 0.0)
    >>> [float(v) for v in values.best().cells]
    [0.0, 0.4]
    """

    cells: tuple[Lane, ...]
    shape: tuple[int, ...]

    @classmethod
    def full(cls, shape: tuple[int, ...], value: Lane = 0.0) -> Self:
        """Return a table of the given shape with `value` in every cell."""
        return cls((jnp.asarray(value, dtype=float),) * prod(shape), tuple(shape))

    @classmethod
    def counts(cls, shape: tuple[int, ...]) -> Self:
        """Return a table of whole numbers, all 0; no gradient flows through them."""
        return cls((jnp.asarray(0, dtype=jnp.int32),) * prod(shape), tuple(shape))

    @classmethod
    def of(cls, *cells: Lane) -> Self:
        """Return a table with one axis that holds `cells`."""
        return cls(cells, (len(cells),))

    @classmethod
    def one_hot(cls, index: Index, length: int) -> Self:
        """Return a table with one axis: 1 at `index`, else 0; all 0 if `index` is outside."""
        return cls.of(*(jnp.where(_is(index, i), 1.0, 0.0) for i in range(length)))

    def __getitem__(self, index: Index | tuple[Index, ...]) -> Any:
        """Read a cell, or a smaller table if `index` names fewer axes than there are."""
        table = self
        for i in index if isinstance(index, tuple) else (index,):
            table = table._pick(i)
        return table if table.shape else table.cells[0]

    def _pick(self, index: Index) -> Table:
        size = prod(self.shape[1:])
        rows = [self.cells[i : i + size] for i in range(0, len(self.cells), size)]
        if isinstance(index, int):
            return Table(rows[index], self.shape[1:])
        picked = rows[0]
        for i, row in enumerate(rows[1:], start=1):
            here = index == i
            picked = tuple(
                old if new is old else jnp.where(here, new, old)
                for new, old in zip(row, picked, strict=True)
            )
        return Table(picked, self.shape[1:])

    def add(self, index: Index | tuple[Index, ...], amount: Lane) -> Table:
        """Return the table with `amount` added to the cell at `index` (an index for every axis)."""
        index = index if isinstance(index, tuple) else (index,)
        cells = []
        for cell, place in zip(self.cells, self._places(), strict=True):
            here = [_is(i, j) for i, j in zip(index, place, strict=True)]
            unsure = [mask for mask in here if not isinstance(mask, bool)]
            if any(mask is False for mask in here):
                cells.append(cell)
            elif unsure:
                cells.append(cell + jnp.where(reduce(jnp.logical_and, unsure), amount, 0))
            else:
                cells.append(cell + amount)
        return Table(tuple(cells), self.shape)

    def toward(self, index: Index | tuple[Index, ...], target: Lane, rate: Lane) -> Table:
        """Return the table with the cell at `index` moved towards `target` by a share `rate`."""
        return self.add(index, rate * (target - self[index]))

    def where(self, masks: Table, other: Lane) -> Table:
        """Return the table with `other` in every cell whose mask, of the same shape, is false."""
        return self._each(masks, lambda cell, mask: jnp.where(mask, cell, other))

    def _places(self) -> Iterator[tuple[int, ...]]:
        return product(*(range(n) for n in self.shape))

    def best(self) -> Table:
        """Return the largest value along the last axis, as a table without that axis."""
        n = self.shape[-1]
        tops = (reduce(larger, self.cells[i : i + n]) for i in range(0, len(self.cells), n))
        return Table(tuple(tops), self.shape[:-1])

    def _each(self, other: Table | Lane, rule: Callable[[Lane, Lane], Lane]) -> Table:
        others = other.cells if isinstance(other, Table) else (other,) * len(self.cells)
        cells = tuple(rule(a, b) for a, b in zip(self.cells, others, strict=True))
        return Table(cells, self.shape)

    def __add__(self, other: Table | Lane) -> Table:
        """Add a table of the same shape, or a number to every cell."""
        return self._each(other, lambda a, b: a + b)

    def __sub__(self, other: Table | Lane) -> Table:
        """Subtract a table of the same shape, or a number from every cell."""
        return self._each(other, lambda a, b: a - b)

    def __rsub__(self, other: Lane) -> Table:
        """Subtract every cell from a number."""
        return self._each(other, lambda a, b: b - a)

    def __mul__(self, other: Table | Lane) -> Table:
        """Multiply by a table of the same shape, or every cell by a number."""
        return self._each(other, lambda a, b: a * b)

    __radd__ = __add__
    __rmul__ = __mul__

    def tree_flatten(self) -> tuple[tuple[Lane, ...], tuple[int, ...]]:
        """Take the table apart for JAX."""
        return self.cells, self.shape

    @classmethod
    def tree_unflatten(cls, shape: tuple[int, ...], cells: tuple[Lane, ...]) -> Self:
        """Put the table together again for JAX."""
        return cls(tuple(cells), shape)


def larger(a: Lane, b: Lane) -> Lane:
    """Return the larger of two numbers.

    The slope is that of one of them, also at a tie. JAX's own maximum asks which of the two its
    result equals; where a compiler works a number out twice, rounded otherwise, none does.
    """
    return jnp.where(a >= b, a, b)


def _is(index: Index, place: int) -> Any:
    """Whether `index` is `place`: a bool if that is known while tracing, else a mask."""
    return index == place
