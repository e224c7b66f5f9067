"""How deep people plan: the human figures, and what agents of a known depth do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.analysis.depth import PATHS
from metacontrol.models import PLANNING_TO_A_DEPTH
from metacontrol.tasks import DAW_2011, KERAMATI_2016

# data/keramati2016/README.md, plain rule: planning and plan until habit, by outcome and group.
HUMAN = {
    ("long", "rewarded"): (1.178, 0.117),
    ("long", "unrewarded"): (-0.426, -0.179),
    ("short", "rewarded"): (0.576, 0.419),
    ("short", "unrewarded"): (-0.213, -0.205),
}
# theory.md, D9: stay after CC, CR, RC, RR if rewarded, of 1,500 agents x 350 trials.
AGENTS = {
    "planner": ({"w0": 1.0, "w1": 1.0}, (0.742, 0.267, 0.260, 0.739)),
    "plan until habit": ({"w0": 1.0, "w1": 0.0}, (0.890, 0.867, 0.176, 0.197)),
    "habit": ({"w0": 0.0, "w1": 0.0}, (0.960, 0.953, 0.956, 0.953)),
    "half": ({"w0": 1.0, "w1": 0.5}, (0.826, 0.602, 0.205, 0.442)),
}


def test_human_effects_are_the_published_ones(shared: Path) -> None:
    data = mc.read_choices(shared / "data/keramati2016/choices.csv", KERAMATI_2016)
    group = data.frame.groupby("participant")["condition"].first()
    effects = mc.depth_effects(data)
    cells = effects.groupby([effects["participant"].map(group), "reward"])
    means = cells[["planning", "plan_until_habit"]].mean()
    for cell, expected in HUMAN.items():
        np.testing.assert_allclose(means.loc[cell], expected, atol=5.01e-4)


@pytest.mark.parametrize("agent", AGENTS)
def test_agents_of_a_known_depth(agent: str) -> None:
    """Both figures are from simulation; the rarest cell has some 20 trials an agent."""
    weights, expected = AGENTS[agent]
    fixed = dict(beta1=8.2, beta2=4.2, alpha_plan=0.8, alpha_habit=0.55, decay=0.55, p=0.0, w2=0.59)
    model = replace(PLANNING_TO_A_DEPTH, beliefs="separate")
    agents = pd.DataFrame([{**fixed, **weights}] * 600)
    shares = mc.stay_by_path(mc.simulate(model, KERAMATI_2016, agents, trials=350, seed=3))
    rewarded = shares.loc[shares["reward"] == "rewarded", list(PATHS)]
    error = rewarded.std() * np.sqrt(1 / 600 + 1 / 1500)
    assert (np.abs(rewarded.mean() - np.array(expected)) < 4 * error + 5e-4).all()


def test_a_task_of_two_steps_has_no_such_paths() -> None:
    one = pd.DataFrame([dict(alpha1=0.5, alpha2=0.5, beta1=3.0, beta2=3.0, lam=0.5, p=0.0, w=0.5)])
    data = mc.simulate(mc.models.HYBRID, DAW_2011, one, trials=20, seed=1)
    with pytest.raises(ValueError, match="daw-2011 has no third step"):
        mc.stay_by_path(data)
