"""What should worry you: each worry is found where it was put, and not where it was not."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import metacontrol as mc
from metacontrol.analysis.doctor import _parameters
from metacontrol.models import MODEL_BASED, MODEL_FREE
from metacontrol.tasks import DAW_2011, Choices

PLANNERS = mc.draw_participants(MODEL_BASED, 20, seed=4).assign(beta1=5.0, beta2=4.0, p=0.1)


def played(people: pd.DataFrame, trials: int = 200) -> Choices:
    return mc.simulate(MODEL_BASED, DAW_2011, people, trials=trials, seed=4)


def worries(model: mc.Model, data: Choices) -> pd.DataFrame:
    fit = mc.fit(model, data, method="map", seed=1, starts=4)
    return mc.doctor(fit, data, seed=1)


def test_nothing_about_good_data() -> None:
    assert worries(MODEL_BASED, played(PLANNERS)).empty


def test_a_right_model_is_not_faulted() -> None:
    """Of these people staying and an index lie outside 95 % by chance, as in many data sets."""
    people = mc.draw_participants(MODEL_BASED, 20, seed=7)
    data = mc.simulate(MODEL_BASED, DAW_2011, people, trials=150, seed=7)
    fit = mc.fit(MODEL_BASED, data, method="em", seed=7, progress=False)
    found = mc.doctor(fit, data, seed=1)
    assert not found["worry"].str.startswith("the model misses").any(), found


def test_people_who_should_worry_you() -> None:
    people = PLANNERS.copy()
    people.loc[0, ["beta1", "beta2"]] = 0.01
    people.loc[1, "p"] = 4.0
    data = played(people)
    frame = data.frame.astype({"first_choice": "Int64"})
    frame.loc[(frame["participant"] == "s3") & (frame["trial"] % 3 == 0), "first_choice"] = None
    frame = frame[(frame["participant"] != "s4") | (frame["trial"] <= 50)]
    left = (frame["participant"] == "s5").to_numpy()
    frame["first_left_option"] = frame["first_left_option"].where(~left, frame["first_choice"])
    found = worries(MODEL_BASED, Choices(frame.reset_index(drop=True), DAW_2011))
    said = found.set_index("worry")["found"]
    for start, person in (
        ("people whom the model predicts no better", "s1"),
        ("people who choose the same first option", "s2"),
        ("people who missed", "s3"),
        ("people with fewer", "s4"),
        ("people who press the same first key", "s5"),
    ):
        (row,) = said[said.index.str.startswith(start)]
        assert person in row, (start, row)
    assert found["weight"].is_monotonic_decreasing


@pytest.mark.parametrize(("model", "other"), [(MODEL_BASED, MODEL_FREE), (MODEL_FREE, MODEL_BASED)])
def test_a_statistic_that_the_model_misses(model: mc.Model, other: mc.Model) -> None:
    data = mc.simulate(model, DAW_2011, PLANNERS.assign(lam=0.6, alpha1=0.5, alpha2=0.5), seed=4)
    found = worries(other, data)
    missed = found[found["worry"].str.startswith("the model misses")]
    assert missed["worry"].str.contains("staying|indices").any(), found


def test_what_only_a_prior_of_ones_own_says() -> None:
    """A mean that is certain beforehand is as its prior has it; by default it is not."""
    data = played(PLANNERS, trials=100)
    sure = {"p_mean": mc.Prior("normal", 0.1, 0.001)}
    for priors, said in ((None, False), (sure, True)):
        fit = mc.fit(
            MODEL_BASED, data, seed=1, priors=priors, draws=800, tune=200, chains=1, progress=False
        )
        found = [worry for _, worry, _, _ in _parameters(fit, data)]
        assert ("p_mean is about as its prior has it" in found) == said, found


def test_parameters_of_a_session_are_of_no_other() -> None:
    """In the second, 10 apart, the mean is as its prior has it, and nobody told from another."""
    rng = np.random.default_rng(1)
    apart, unsure = np.array([0.0, 10.0]), np.array([0.1, 1.0])
    true = apart + rng.normal(size=(50, 2)) * [1.0, 0.0]  # of 50 people in each session
    people = (true + rng.normal(size=(1, 400, 50, 2)) * unsure).reshape(1, 400, 100)
    of_group = ("chain", "draw", "session")
    posterior = xr.Dataset(
        {
            "p_mean": (of_group, apart + rng.normal(size=(1, 400, 2)) * unsure),
            "p_sd": (of_group, rng.normal(1.0, 0.1, (1, 400, 2))),
            "p": (("chain", "draw", "participant"), people),
        },
        {
            "participant": [f"s{i}/{day}" for i in range(50) for day in (1, 2)],
            "session": ["1", "2"],
        },
    )
    tree = xr.DataTree.from_dict({"posterior": posterior})
    about = {"coefficients": ["p"], "formulas": {}, "method": "nuts", "priors": {}}
    tree.attrs["about"] = json.dumps(about)
    found = _parameters(mc.Fit(tree, MODEL_BASED), played(PLANNERS, trials=2))
    assert [worry for _, worry, _, _ in found] == [
        "p_mean in session 2 is about as its prior has it",
        "p of single people in session 2 is not determined",
    ]


def test_a_posterior_of_few_draws() -> None:
    """Its checks are of as many data sets as it has draws."""
    data = played(PLANNERS, trials=60)
    fit = mc.fit(MODEL_BASED, data, method="em", draws=15, chains=2, seed=1, progress=False)
    assert fit.draws == 30
    pd.testing.assert_frame_equal(
        mc.doctor(fit, data, seed=1), mc.doctor(fit, data, draws=30, seed=1)
    )


def test_choices_of_others() -> None:
    data = played(PLANNERS, trials=20)
    fit = mc.fit(MODEL_BASED, data, method="map", seed=1, starts=1)
    other = Choices(data.frame[data.frame["participant"] != "s3"], DAW_2011)
    with pytest.raises(ValueError, match="lack participants of the fit: s3"):
        mc.doctor(fit, other, seed=1)
