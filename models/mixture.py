"""Mixtures of ways to choose between two options, and what a choice tells about them."""

from __future__ import annotations

import jax.numpy as jnp

from metacontrol.models.engine.table import Lane, Table, larger


def lead(values: Table) -> Lane:
    """Return by how much option 1 is ahead of option 0."""
    zero, one = values.cells
    return one - zero


def mixture(shares: Table, log_odds: Lane, factors: Table) -> tuple[Table, Table]:
    """Mix parts that would each choose between two options with odds of their own.

    Parameters
    ----------
    shares : Table, shape (parts,)
        Probability of each part; together 1.
    log_odds : Lane
        Log-odds of option 1 of a part whose factor is 1.
    factors : Table, shape (parts,)
        What multiplies the odds in each part.

    Returns
    -------
    Table, shape (2,)
        Log-odds of the options in the mixture, for `choose`.
    Table, shape (2, parts)
        How likely each part makes each option, up to a number that the option's parts share: no
        probability is too small to be told from 0.

    Examples
    --------
    Odds of 3 and of 1/3 are probabilities of .75 and .25; 1/4 * 3/4 + 3/4 * 1/4 = .375, and
    .375 / .625 = .6. After option 1 both parts are as likely as each other:

    >>> shares = Table.of(0.25, 0.75)
    >>> values, likely = mixture(shares, 0.0, Table.of(3.0, 1 / 3))
    >>> round(float(jnp.exp(lead(values))), 3)
    0.6
    >>> [round(float(share), 3) for share in posterior(shares, likely[1]).cells]
    [0.5, 0.5]
    """
    zero, one = jnp.exp(-larger(log_odds, 0.0)), jnp.exp(-larger(-log_odds, 0.0))
    of_zero = [1 / (one * factor + zero) for factor in factors.cells]
    of_one = [factor * chance for factor, chance in zip(factors.cells, of_zero, strict=True)]
    likely = Table((*of_zero, *of_one), (2, len(of_zero)))
    in_all = [sum((shares * likely[option]).cells) for option in (0, 1)]
    return Table.of(0.0, log_odds + jnp.log(in_all[1] / in_all[0])), likely


def posterior(shares: Table, likelihood: Table) -> Table:
    """Return the shares by Bayes' rule, both tables of shape (parts,)."""
    joint = shares * likelihood
    return joint * (1 / sum(joint.cells))
