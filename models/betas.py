"""Beliefs about values from 0 to 1, as Beta distributions (Daw, Niv & Dayan, 2005, supplement)."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp

from metacontrol.models.engine.table import Index, Lane, Table, larger

FLOOR = 1e-6  # smallest parameter of a Beta
TINY = 1e-300


@dataclass(frozen=True)
class Betas:
    """Beliefs about values from 0 to 1, each a Beta given by its mean and variance."""

    mean: Table
    var: Table

    def __getitem__(self, index: Index | tuple[Index, ...]) -> Betas:
        """Return the beliefs of a state, or of an option of it."""
        return Betas(self.mean[index], self.var[index])


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


def to_parameters(beliefs: Betas) -> tuple[Table, Table]:
    """Return both parameters of each Beta."""
    pairs = [matched(m, v) for m, v in zip(beliefs.mean.cells, beliefs.var.cells, strict=True)]
    a, b = zip(*pairs, strict=True)
    return Table(a, beliefs.mean.shape), Table(b, beliefs.mean.shape)


def from_parameters(a: Table, b: Table) -> Betas:
    """Return the beliefs that have these parameters."""
    both = list(zip(a.cells, b.cells, strict=True))
    mean = Table(tuple(x / (x + y) for x, y in both), a.shape)
    var = Table(tuple(x * y / ((x + y) * (x + y) * (x + y + 1)) for x, y in both), a.shape)
    return Betas(mean, var)
