"""Models and their fixed parameters."""

import numpy as np
import pytest

from metacontrol.models import HYBRID, HYBRID_KOOL, MODELS, Model


def test_names_are_distinct() -> None:
    assert len({model.name for model in MODELS}) == len(MODELS)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_parameters_are_declared_once(model: Model) -> None:
    names = [parameter.name for parameter in model.parameters]
    assert len(set(names)) == len(names)
    assert {name for name, _ in model.fixed} <= set(names)
    assert [p.name for p in model.free] == [n for n in names if n not in dict(model.fixed)]
    for parameter in model.parameters:
        low, high = parameter.link.bounds
        assert low <= parameter.search[0] < parameter.search[1] <= high


def test_fix_names_the_model_after_what_is_fixed() -> None:
    assert HYBRID.fix(w=0.5).name == "hybrid(w=0.5)"
    assert HYBRID.fix(name="half", w=0.5).name == "half"


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        ({"omega": 1.0}, "hybrid has no parameter 'omega'; it has: alpha1, .*, w"),
        ({"w": 1.5}, "w must be from 0 to 1, got 1.5"),
        ({"w": np.nan}, "w must be from 0 to 1, got nan"),
        ({"beta1": np.inf}, "beta1 must be from 0 to inf, got inf"),
        ({"beta1": "beta3"}, "hybrid has no parameter 'beta3'"),
        ({"beta1": "beta1"}, "beta1 cannot equal beta1, which is fixed itself"),
        ({"beta1": "beta2", "beta2": "beta1"}, "beta1 cannot equal beta2, which is fixed itself"),
    ],
)
def test_fix_refuses(fixed: dict[str, float | str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HYBRID.fix(**fixed)  # type: ignore[arg-type]


def test_a_parameter_cannot_stay_equal_to_one_that_is_fixed_later() -> None:
    tied = HYBRID.fix(alpha2="alpha1")
    with pytest.raises(ValueError, match="alpha2 cannot equal alpha1, which is fixed itself"):
        tied.fix(alpha1=0.3)
    both = tied.fix(alpha1=0.3, alpha2=0.3)
    assert both.complete({"w": 0.5}) == {"w": 0.5, "alpha1": 0.3, "alpha2": 0.3}


def test_complete_gives_every_parameter_a_value() -> None:
    model = HYBRID_KOOL.fix(lam=0.0, response_stickiness="stimulus_stickiness")
    free = {p.name: float(i) for i, p in enumerate(model.free)}
    theta = model.complete(free)
    assert theta == {**free, "lam": 0.0, "response_stickiness": free["stimulus_stickiness"]}
