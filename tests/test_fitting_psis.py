"""Smoothed importance weights: against ArviZ, and where that gives up."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from metacontrol.fitting.psis import smooth

array_stats = import_module("arviz_stats.base").array_stats


@pytest.mark.parametrize("draws", [100, 1000, 4000])
def test_weights_and_shapes_are_those_of_arviz(draws: int) -> None:
    rng = np.random.default_rng(draws)
    ratios = np.concatenate([rng.normal(0, sd, (3, draws)) for sd in (0.1, 1.0, 3.0)])
    weights, k = smooth(ratios)
    expected, shapes = array_stats.psislw(-ratios)  # which takes log-likelihoods, not ratios
    np.testing.assert_allclose(weights, expected, rtol=1e-10)
    np.testing.assert_allclose(k, shapes, rtol=1e-10)
    fewer, _ = smooth(ratios, efficiency=0.3)
    np.testing.assert_allclose(fewer, array_stats.psislw(-ratios, r_eff=0.3)[0], rtol=1e-10)


def test_shape_of_a_tail_that_is_known() -> None:
    """Ratios of a Pareto distribution with tail index a have k = 1 / a."""
    uniform = np.random.default_rng(1).random((20, 20_000))
    for shape in (0.3, 0.6, 0.9):
        _, k = smooth(-shape * np.log(uniform))
        assert k.mean() == pytest.approx(shape, abs=0.05)


def test_equal_and_impossible_ratios() -> None:
    ratios = np.zeros((2, 200))
    ratios[1, :150] = -np.inf
    weights, k = smooth(ratios)
    np.testing.assert_allclose(np.exp(weights[0]), 1 / 200)
    np.testing.assert_allclose(np.exp(weights[1]), [0] * 150 + [1 / 50] * 50)
    np.testing.assert_array_equal(k, 0)
    with pytest.raises(ValueError, match="25 draws or more, got 24"):
        smooth(np.zeros((1, 24)))
