"""What a weight of planning can be mistaken for: agents without a plan that look like planners."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.models import FIXED_REWARD_AS_CUE, HYBRID, LATENT_STATE, REWARD_AS_CUE, Model
from metacontrol.tasks import AKAM_2015_REDUCED

DAW = dict(alpha1=0.5, alpha2=0.5, beta1=5.0, beta2=5.0, p=0.0)
CUED = dict(alpha1=0.05, alpha2=0.5, beta1=6.0, beta2=5.0)
SURE = 1e4  # the paper's agents take the better option whenever they do not lapse
LATENT = dict(p_good=0.8, p_reversal=0.1, lapse=0.1, beta1=SURE, alpha2=0.5, beta2=5.0)
# theory.md, D3: stay after rewarded common, rewarded rare, unrewarded common, unrewarded rare.
AGENTS: dict[str, tuple[Model, dict[str, Any], tuple[float, ...]]] = {
    "Q(1)": (HYBRID, {**DAW, "w": 0.0, "lam": 1.0}, (0.940, 0.885, 0.556, 0.675)),
    "Q(0)": (HYBRID, {**DAW, "w": 0.0, "lam": 0.0}, (0.837, 0.682, 0.653, 0.691)),
    "planner": (HYBRID, {**DAW, "w": 1.0, "lam": 0.0}, (0.861, 0.442, 0.471, 0.845)),
    "latent state": (LATENT_STATE, LATENT, (0.885, 0.403, 0.406, 0.885)),
    "fixed cue": (FIXED_REWARD_AS_CUE, {**CUED, "beta1": 1e3}, (1.0, 0.0, 0.0, 1.0)),
}


@pytest.mark.parametrize("agent", AGENTS)
def test_stay_on_the_reduced_task(agent: str) -> None:
    """Trials are enough for .001; the figures' own error is about .003."""
    model, theta, expected = AGENTS[agent]
    crowd = pd.DataFrame([theta] * 200)
    data = mc.simulate(model, AKAM_2015_REDUCED, crowd, trials=3000, seed=1)
    stay = mc.stay_probabilities(data)["stay"].to_numpy()
    np.testing.assert_allclose(stay, expected, atol=0.012)


def test_a_learned_cue_comes_to_look_like_a_planner() -> None:
    crowd = pd.DataFrame([CUED] * 100)
    data = mc.simulate(REWARD_AS_CUE, AKAM_2015_REDUCED, crowd, trials=5000, seed=1)
    frame = data.frame[data.frame["trial"] > 2500]
    late = mc.Choices(frame.reset_index(drop=True), data.task)
    common, rare, lost, lost_rare = mc.stay_probabilities(late)["stay"]
    assert common - rare > 0.5
    assert lost_rare - lost > 0.4
