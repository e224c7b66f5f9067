"""The weight of planning that models of arbitration work out, worked out again by hand."""

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.models import LOGISTIC_WEIGHT
from metacontrol.tasks import KOOL_2017_DETERMINISTIC, read_choices

HABIT = dict(alpha1=0.5, alpha2=0.5, beta1=1.0, beta2=1.0, lam=0.5, p=0.0)
NONE = dict.fromkeys([p.name for p in LOGISTIC_WEIGHT.parameters if p.name not in HABIT], 0.0)


def weights(load: list[float], stake: list[float], start: list[int], **effects: float) -> tuple:
    """Return the noted weight as log-odds, and fatigue, of a person who always does the same."""
    frame = pd.DataFrame({"load": load, "stake": stake, "first_state": start})
    frame = frame.assign(participant="a", first_choice=0, second_state=0, reward=4)
    data = read_choices(frame, KOOL_2017_DETERMINISTIC)
    seen = mc.latents(LOGISTIC_WEIGHT, data, pd.DataFrame([{**HABIT, **NONE, **effects}]))
    return np.log(seen["weight"] / (1 - seen["weight"])).to_list(), seen["fatigue"].to_list()


FOUR = [0.0, 1.0, 1.0, 0.0], [1.0, 5.0, 1.0, 2.0], [0, 0, 1, 0]
PRACTICE = np.log([1, 2, 3, 4])  # log(1 + trials before)


@pytest.mark.parametrize(
    ("effects", "expected"),
    [
        ({"w0": 0.3}, [0.3] * 4),
        ({"w0": 0.3, "load_effect": 1.5}, [0.3, -1.2, -1.2, 0.3]),
        ({"past_load_effect": 0.5}, [0, 0, -0.5, -0.5]),  # load when the last outcome came
        ({"practice_effect": 0.2}, -0.2 * PRACTICE),
        ({"load_effect": 1, "protection": 0.5}, [0, -1 + 0.5 * np.log(2), -1 + 0.5 * np.log(3), 0]),
        ({"novelty_effect": 0.6}, [0.6, 0.3, 0.6, 0.2]),  # visits before: 0, 1, 0 of state 1, 2
        ({"stake_effect": 0.25}, [0, 1, 0, 0.25]),
        # F: .4 * .5 = .2; w = sigma(-2 * .2) = .401, F = .2 + .1605 - .1 * .599 * .2 = .34855
        ({"fatigue_effect": 2.0, "tiring": 0.4, "recovery": 0.1}, [0, -0.4, -0.69710, None]),
    ],
)
def test_terms_of_the_logistic_weight(effects: dict, expected: list) -> None:
    found, _ = weights(*FOUR, **effects)
    for one, other in zip(found, expected, strict=True):
        if other is not None:
            assert one == pytest.approx(other, abs=2e-5)


def test_fatigue_stays_between_none_and_full() -> None:
    _, tired = weights([0.0] * 6, [1.0] * 6, [0] * 6, w0=3.0, tiring=0.9)
    assert tired == pytest.approx([0, 0.9 / (1 + np.exp(-3)), 1, 1, 1, 1])


def test_a_column_that_is_not_there_must_be_fixed_away() -> None:
    one = pd.DataFrame([{**HABIT, **NONE}])
    data = mc.simulate(mc.models.HYBRID, mc.tasks.DAW_2011, one.assign(w=0.5), trials=9, seed=1)
    with pytest.raises(Exception, match="needs the column 'load'.*fix to 0"):
        mc.log_likelihood(LOGISTIC_WEIGHT, data, one)
    rest = LOGISTIC_WEIGHT.fix(
        load_effect=0.0, past_load_effect=0.0, protection=0.0, stake_effect=0.0
    )
    hybrid = mc.log_likelihood(mc.models.HYBRID, data, one.assign(w=0.5))
    pd.testing.assert_frame_equal(mc.log_likelihood(rest, data, one), hybrid)
