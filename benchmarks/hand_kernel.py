"""The hybrid of Daw et al. (2011) by hand: no story, no JAX, the gradient derived on paper.

Participants are lanes. All that a trial needs stands in the rows of one small array, `lanes`, so
that LLVM sees every address as one base plus a constant, knows that no two rows overlap, and turns
the loops over lanes into vector instructions. Loops that also touch other arrays only copy.

The derivation. With x the log-odds of the option chosen over the other, a choice scores
min(x, 0) - log(1 + e), e = exp(-|x|), and its slope in x is (1 if x < 0 else e) / (1 + e).
Going back through a trial, the slopes of the values after it (`d_*`) become those before it.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

LANES = 104  # 13 vectors of 8; what is kept of 200 trials fills 1 MB, the second-level cache

PARAMETERS = ALPHA1, ALPHA2, BETA1, BETA2, LAM, P, W = tuple(range(7))
SLOPES = 7  # the gradient: seven rows, as the parameters
MIND = 14  # two first-stage values, four second-stage values; going back, their slopes
KEPT = 20  # going back: the mind as it was before the trial
FIRST, PLACE, SECOND, REWARD, LAST = 26, 27, 28, 29, 30  # the trial; LAST is -1, 0 or 1
SCORE, PRODUCT = 31, 32  # log-likelihood, but for the log of a product not yet taken
ROWS = 33

# numba takes max and `a if c else b` for branches, which stop a loop from becoming vectors, and
# calls exp in a library, one number at a time. Two instructions of the processor mend it.


@intrinsic
def where(context, condition, yes, no):
    """Choose without a branch."""

    def select(context, builder, signature, arguments):
        return builder.select(*arguments)

    return types.float64(types.boolean, types.float64, types.float64), select


@intrinsic
def two_to_the(context, power):
    """Write a whole number into the exponent of a float."""

    def shift(context, builder, signature, arguments):
        whole = ir.IntType(64)
        bits = builder.shl(builder.add(arguments[0], whole(1023)), whole(52))
        return builder.bitcast(bits, ir.DoubleType())

    return types.float64(types.int64), shift


fast = njit(fastmath=True, error_model="numpy")  # Python's division would look for zeros

_C = [1.0]
for _k in range(1, 13):
    _C.append(_C[-1] / _k)
C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12 = _C[2:]


@fast
def exp(x):
    """Return exp(x) for x <= 0, to 15 digits; below -700, that of -700."""
    x = where(x > -700.0, x, -700.0)
    power = np.floor(x * 1.4426950408889634 + 0.5)
    r = x - power * 0.6931471805599453
    series = C8 + r * (C9 + r * (C10 + r * (C11 + r * C12)))
    series = C3 + r * (C4 + r * (C5 + r * (C6 + r * (C7 + r * series))))
    return (1 + r * (1 + r * (C2 + r * series))) * two_to_the(np.int64(power))


@fast
def kernel(theta, trials, common, value, gradient):
    """Fill `value` (participants,) and `gradient` (participants, 7) given `theta`, shaped alike.

    `trials` is int8, shape (blocks, trials, 5, LANES): the rows FIRST to LAST, participants padded.
    """
    participants = len(theta)
    length = trials.shape[1]
    known = 2 * common - 1
    kept = np.empty((length, 6, LANES))
    lanes = np.empty((ROWS, LANES))
    for block in range(len(trials)):
        begin = block * LANES
        for i in range(LANES):
            for j in range(7):
                lanes[j, i] = theta[min(begin + i, participants - 1), j]
        for j in range(SLOPES, ROWS):
            for i in range(LANES):
                lanes[j, i] = 0.0
        for t in range(length):  # forward: only the mind is carried, and kept
            for j in range(6):
                for i in range(LANES):
                    kept[t, j, i] = lanes[MIND + j, i]
            for j in range(5):
                for i in range(LANES):
                    lanes[FIRST + j, i] = trials[block, t, j, i]
            for i in range(LANES):
                first, place, second = (
                    lanes[FIRST, i] > 0,
                    lanes[PLACE, i] > 0,
                    lanes[SECOND, i] > 0,
                )
                q0, q1 = lanes[MIND, i], lanes[MIND + 1, i]
                q00, q01 = lanes[MIND + 2, i], lanes[MIND + 3, i]
                q10, q11 = lanes[MIND + 4, i], lanes[MIND + 5, i]
                q_second = where(second, where(place, q11, q01), where(place, q10, q00))
                delta2 = lanes[REWARD, i] - q_second
                surprise = q_second - where(first, q1, q0) + lanes[LAM, i] * delta2
                step1, step2 = lanes[ALPHA1, i] * surprise, lanes[ALPHA2, i] * delta2
                lanes[MIND, i] = q0 + where(first, 0.0, step1)
                lanes[MIND + 1, i] = q1 + where(first, step1, 0.0)
                to0, to1 = where(second, 0.0, step2), where(second, step2, 0.0)
                lanes[MIND + 2, i] = q00 + where(place, 0.0, to0)
                lanes[MIND + 3, i] = q01 + where(place, 0.0, to1)
                lanes[MIND + 4, i] = q10 + where(place, to0, 0.0)
                lanes[MIND + 5, i] = q11 + where(place, to1, 0.0)

        for j in range(6):
            for i in range(LANES):
                lanes[MIND + j, i] = 0.0
        for i in range(LANES):
            lanes[PRODUCT, i] = 1.0
        for t in range(length - 1, -1, -1):  # back: score and slope of each trial at the kept mind
            for j in range(6):
                for i in range(LANES):
                    lanes[KEPT + j, i] = kept[t, j, i]
            for j in range(5):
                for i in range(LANES):
                    lanes[FIRST + j, i] = trials[block, t, j, i]
            for i in range(LANES):
                first, place, second = (
                    lanes[FIRST, i] > 0,
                    lanes[PLACE, i] > 0,
                    lanes[SECOND, i] > 0,
                )
                q0, q1 = lanes[KEPT, i], lanes[KEPT + 1, i]
                q00, q01 = lanes[KEPT + 2, i], lanes[KEPT + 3, i]
                q10, q11 = lanes[KEPT + 4, i], lanes[KEPT + 5, i]
                better0, better1 = q01 > q00, q11 > q10
                plan = known * (where(better1, q11, q10) - where(better0, q01, q00))
                habit = q1 - q0
                net = habit + lanes[W, i] * (plan - habit) + lanes[P, i] * lanes[LAST, i]
                here0, here1 = where(place, q10, q00), where(place, q11, q01)
                q_second = where(second, here1, here0)
                delta2 = lanes[REWARD, i] - q_second
                surprise = q_second - where(first, q1, q0) + lanes[LAM, i] * delta2

                x1, x2 = lanes[BETA1, i] * net, lanes[BETA2, i] * (here1 - here0)
                x1, x2 = where(first, x1, -x1), where(second, x2, -x2)
                e1, e2 = exp(-abs(x1)), exp(-abs(x2))
                product = (1 + e1) * (1 + e2)
                lanes[SCORE, i] += where(x1 < 0, x1, 0.0) + where(x2 < 0, x2, 0.0)
                lanes[PRODUCT, i] *= product
                d_x1 = where(x1 < 0, 1.0, e1) * (1 + e2) / product  # one division for both
                d_x2 = where(x2 < 0, 1.0, e2) * (1 + e1) / product
                d_x1, d_x2 = where(first, d_x1, -d_x1), where(second, d_x2, -d_x2)

                d0, d1 = lanes[MIND, i], lanes[MIND + 1, i]
                d00, d01 = lanes[MIND + 2, i], lanes[MIND + 3, i]
                d10, d11 = lanes[MIND + 4, i], lanes[MIND + 5, i]
                d_first = where(first, d1, d0)
                d_second = where(second, where(place, d11, d01), where(place, d10, d00))
                d_surprise = d_first * lanes[ALPHA1, i]
                d_net = d_x1 * lanes[BETA1, i]
                lanes[SLOPES + ALPHA1, i] += d_first * surprise
                lanes[SLOPES + ALPHA2, i] += d_second * delta2
                lanes[SLOPES + BETA1, i] += d_x1 * net
                lanes[SLOPES + BETA2, i] += d_x2 * (here1 - here0)
                lanes[SLOPES + LAM, i] += d_surprise * delta2
                lanes[SLOPES + P, i] += d_net * lanes[LAST, i]
                lanes[SLOPES + W, i] += d_net * (plan - habit)

                d_habit = d_net * (1 - lanes[W, i])
                lanes[MIND, i] = d0 - d_habit - where(first, 0.0, d_surprise)
                lanes[MIND + 1, i] = d1 + d_habit - where(first, d_surprise, 0.0)
                d_plan = d_net * lanes[W, i] * known
                d_learned = d_surprise * (1 - lanes[LAM, i]) - d_second * lanes[ALPHA2, i]
                d_pull = d_x2 * lanes[BETA2, i]
                d_here0 = where(second, 0.0, d_learned) - d_pull
                d_here1 = where(second, d_learned, 0.0) + d_pull
                lanes[MIND + 2, i] = d00 + where(place, 0.0, d_here0) - where(better0, 0.0, d_plan)
                lanes[MIND + 3, i] = d01 + where(place, 0.0, d_here1) - where(better0, d_plan, 0.0)
                lanes[MIND + 4, i] = d10 + where(place, d_here0, 0.0) + where(better1, 0.0, d_plan)
                lanes[MIND + 5, i] = d11 + where(place, d_here1, 0.0) + where(better1, d_plan, 0.0)
            if t % 256 == 0:  # 4 ** 256 still fits a float
                for i in range(LANES):
                    lanes[SCORE, i] -= log(lanes[PRODUCT, i])
                    lanes[PRODUCT, i] = 1.0

        for i in range(min(LANES, participants - begin)):
            value[begin + i] = lanes[SCORE, i]
            for j in range(7):
                gradient[begin + i, j] = lanes[SLOPES + j, i]


def hand_written(columns: np.ndarray, common: float) -> Callable:
    """Return theta (participants, 7) -> value, gradient; `columns` (4, trials, participants)."""
    last = np.roll(2 * columns[0] - 1, 1, axis=0)
    last[0] = 0
    trials = np.stack([*columns, last], axis=1, dtype=np.int8, casting="unsafe")
    trials = np.pad(trials, ((0, 0), (0, 0), (0, -columns.shape[2] % LANES)))
    trials = trials.reshape(*trials.shape[:2], -1, LANES).transpose(2, 0, 1, 3).copy()

    def value_and_gradient(theta):
        value, gradient = np.empty(len(theta)), np.empty_like(theta)
        kernel(theta, trials, common, value, gradient)
        return value.sum(), gradient

    return value_and_gradient
