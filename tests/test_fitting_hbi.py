"""Several models at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc

PLANNING = mc.models.MODEL_BASED.fix(beta2="beta1")
HABIT = mc.models.MODEL_FREE.fix(beta2="beta1", alpha2="alpha1", lam=1.0)


@pytest.fixture(scope="module")
def data() -> mc.Choices:
    """16 planners and 8 people of habit."""
    rng = np.random.default_rng(6)
    frames = []
    for model, count, letter in ((PLANNING, 16, "m"), (HABIT, 8, "h")):
        people = {"participant": [f"{letter}{i}" for i in range(count)]}
        for parameter in model.free:
            centre = {"logit": 0.3, "log": 1.3, "identity": 0.2}[parameter.link.name]
            people[parameter.name] = parameter.link.inverse(rng.normal(centre, 0.3, count))
        played = mc.simulate(model, mc.tasks.DAW_2011, pd.DataFrame(people), trials=150, seed=count)
        frames.append(played.frame)
    return mc.read_choices(pd.concat(frames, ignore_index=True), mc.tasks.DAW_2011)


@pytest.fixture(scope="module")
def found(data: mc.Choices) -> mc.HBI:
    return mc.hbi([PLANNING, HABIT], data)


def test_people_are_given_the_model_they_played(found: mc.HBI) -> None:
    shares = found.responsibilities[PLANNING.name]
    planner = shares.index.str.startswith("m")
    assert ((shares > 0.5) == planner).sum() >= 22
    np.testing.assert_allclose(found.responsibilities.sum(axis=1), 1.0)
    first = found.frequencies.iloc[0]
    assert first["model"] == PLANNING.name
    assert first["lower"] < 16 / 24 < first["upper"]
    pd.testing.assert_frame_equal(found.frequencies, mc.random_effects(found.evidence))


def test_groups_are_of_those_who_have_the_model(found: mc.HBI) -> None:
    group = found.group.set_index(["model", "parameter"])
    assert set(group.index.get_level_values("model")) == {PLANNING.name, HABIT.name}
    beta = group.loc[PLANNING.name, "beta1"]
    assert beta["mean"] == pytest.approx(1.3, abs=4 * beta["error"])
    # sd of a mean of 16 people whose sd is .3, and a little more as each is known inexactly
    assert 0.3 / 4 / 2 < beta["error"] < 0.3 / 4 * 2
    assert list(found.parameters[HABIT.name]) == [p.name for p in HABIT.free]


def test_what_hbi_cannot_do_is_said(data: mc.Choices) -> None:
    with pytest.raises(ValueError, match="two models or more of different names"):
        mc.hbi([PLANNING, PLANNING], data)
    aged = data.frame.assign(age=data.frame["participant"].str.startswith("m") * 1.0)
    with pytest.raises(ValueError, match=r"vary within participants, not \['p_age'\]"):
        mc.hbi([PLANNING, HABIT], mc.read_choices(aged, data.task), formulas={"p": "1 + age"})
