"""The same likelihood as people would write it with JAX alone and with PyTensor."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytensor
import pytensor.tensor as pt
from jax import lax


def plain_jax(columns: np.ndarray, common: float) -> Callable:
    """Return theta (participants, 7) -> value, gradient: a scan, `vmap` and `jax.grad`."""
    transition = jnp.array([[common, 1 - common], [1 - common, common]])
    first, place, second = jnp.asarray(columns[:3], dtype=int)
    reward = jnp.asarray(columns[3], dtype=float)

    def one(theta, *trials):
        alpha1, alpha2, beta1, beta2, lam, p, w = theta

        def trial(mind, seen):
            q1, q2, last = mind
            first, place, second, reward = seen
            net = w * transition @ q2.max(axis=1) + (1 - w) * q1 + p * last
            score = jax.nn.log_softmax(beta1 * net)[first]
            score += jax.nn.log_softmax(beta2 * q2[place])[second]
            delta1 = q2[place, second] - q1[first]
            delta2 = reward - q2[place, second]
            q1 = q1.at[first].add(alpha1 * (delta1 + lam * delta2))
            q2 = q2.at[place, second].add(alpha2 * delta2)
            return (q1, q2, jax.nn.one_hot(first, 2)), score

        start = jnp.zeros(2), jnp.zeros((2, 2)), jnp.zeros(2)
        return lax.scan(trial, start, trials)[1].sum()

    def total(theta):
        return jax.vmap(one, in_axes=(0, 1, 1, 1, 1))(theta, first, place, second, reward).sum()

    return jax.jit(jax.value_and_grad(total))


def pytensor_scan(columns: np.ndarray, common: float) -> Callable:
    """Return theta (participants, 7) -> value, gradient: a PyTensor scan, all participants at once.

    Values are vectors over participants, chosen by `pt.switch`, which PyTensor fuses best.
    """
    theta = pt.matrix("theta", dtype="float64")
    alpha1, alpha2, beta1, beta2, lam, p, w = (theta[:, k] for k in range(7))

    def trial(first, place, second, reward, q0, q1, q00, q01, q10, q11, last, score):
        plan = (2 * common - 1) * (pt.maximum(q10, q11) - pt.maximum(q00, q01))
        net = w * plan + (1 - w) * (q1 - q0) + p * last
        here0, here1 = pt.switch(place, q10, q00), pt.switch(place, q11, q01)
        sign1, sign2 = 2.0 * first - 1, 2.0 * second - 1
        score -= pt.softplus(-sign1 * beta1 * net)
        score -= pt.softplus(-sign2 * beta2 * (here1 - here0))
        q_second = pt.switch(second, here1, here0)
        delta1 = q_second - pt.switch(first, q1, q0)
        delta2 = reward - q_second
        step1, step2 = alpha1 * (delta1 + lam * delta2), alpha2 * delta2
        return (
            q0 + (1 - first) * step1,
            q1 + first * step1,
            q00 + (1 - place) * (1 - second) * step2,
            q01 + (1 - place) * second * step2,
            q10 + place * (1 - second) * step2,
            q11 + place * second * step2,
            sign1,
            score,
        )

    zeros = pt.zeros(columns.shape[2], dtype="float64")
    sequences = [pt.constant(column.astype(float)) for column in columns]
    steps = pytensor.scan(trial, sequences, outputs_info=[zeros] * 8, return_updates=False)
    value = steps[-1][-1].sum()
    compiled = pytensor.function([theta], [value, pytensor.grad(value, theta)], mode="NUMBA")
    return compiled
