"""How much of an estimate is the prior's: known where all is normal, and where nothing is told."""

import numpy as np
import pytest

from metacontrol.fitting.shrinkage import shrinkage
from metacontrol.models.parameter import Prior

FAMILIES = [
    Prior("normal", 1.0, 2.0),
    Prior("half_normal", 0.5),
    Prior("beta", 1.1, 1.1),
    Prior("gamma", 1.2, 5.0),
    Prior("uniform", -1.0, 3.0),
]
ANYWHERE = np.array([[-np.inf, np.inf]])


@pytest.mark.parametrize("sd", [1.0, 2.0, 4.0])
def test_normal_shrinkage_is_the_priors_precision_in_that_of_the_posterior(sd: float) -> None:
    """With a prior Normal(1, 2): (1 / 4) / (1 / 4 + 1 / sd**2)."""

    def normal(points: np.ndarray) -> np.ndarray:
        return -0.5 * ((points[..., 0] - 1) / sd) ** 2

    found = shrinkage(normal, np.array([[1.0]]), FAMILIES[:1], ANYWHERE)
    assert found[0, 0] == pytest.approx(0.25 / (0.25 + 1 / sd**2), abs=0.01)


def test_choices_that_say_nothing_leave_everything() -> None:
    values = np.full((3, len(FAMILIES)), 0.3)
    bounds = np.repeat(ANYWHERE, len(FAMILIES), axis=0)
    found = shrinkage(lambda points: np.zeros(points.shape[:2]), values, FAMILIES, bounds)
    np.testing.assert_allclose(found, 1)


def test_choices_that_say_all_leave_nothing_even_at_the_end_of_a_scale() -> None:
    """The second participant's choices speak for 1, where Beta(1.1, 1.1) has no density."""

    def steep(points: np.ndarray) -> np.ndarray:
        return -9000 * np.abs(points[..., 0] - np.array([[0.4], [1.0]]))

    values = np.array([[0.4], [1.0]])
    found = shrinkage(steep, values, [Prior("beta", 1.1, 1.1)], np.array([[0.0, 1.0]]))
    np.testing.assert_allclose(found, 0, atol=1e-6)


def test_a_coefficient_is_told_with_the_others_held() -> None:
    """Choices tell the first of two only if the second is not 0, as of the second person."""

    def product(points: np.ndarray) -> np.ndarray:
        return -20 * (points[..., 0] * points[..., 1] - 1) ** 2

    priors, bounds = [Prior("normal", 0.0, 1.0)] * 2, np.repeat(ANYWHERE, 2, axis=0)
    found = shrinkage(product, np.array([[1.0, 0.0], [1.0, 1.0]]), priors, bounds)
    assert found[0, 0] == pytest.approx(1)
    assert found[1, 0] < 0.1


def test_where_likelihoods_are_no_numbers_nothing_was_chosen() -> None:
    def half(elsewhere: float) -> np.ndarray:
        def told(points: np.ndarray) -> np.ndarray:
            return np.where(points[..., 0] > 0, 0.0, elsewhere)

        return shrinkage(told, np.array([[1.0]]), [Prior("uniform", -1.0, 1.0)], ANYWHERE)

    assert half(np.nan) == half(-1e6)
    assert half(np.nan) < 0.5
