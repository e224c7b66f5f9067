"""What should worry you: each worry is found where it was put, and not where it was not."""

from __future__ import annotations

import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.models import MODEL_BASED, MODEL_FREE
from metacontrol.tasks import DAW_2011, Choices

PLANNERS = mc.draw_participants(MODEL_BASED, 20, seed=4).assign(beta1=5.0, beta2=4.0, p=0.1)


def played(people: pd.DataFrame, trials: int = 200) -> Choices:
    return mc.simulate(MODEL_BASED, DAW_2011, people, trials=trials, seed=4)


def worries(model: mc.Model, data: Choices) -> pd.DataFrame:
    fit = mc.fit(model, data, method="map", seed=1, starts=4)
    return mc.doctor(fit, data, draws=20, seed=1)


def test_nothing_about_good_data() -> None:
    found = worries(MODEL_BASED, played(PLANNERS))
    assert not found["worry"].str.startswith("people").any(), found


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


def test_a_statistic_that_the_model_misses() -> None:
    data = played(PLANNERS)
    found = worries(MODEL_FREE, data)
    missed = found[found["worry"].str.startswith("the model misses")]
    assert missed["worry"].str.contains("staying|indices").any(), found


def test_choices_of_others() -> None:
    data = played(PLANNERS, trials=20)
    fit = mc.fit(MODEL_BASED, data, method="map", seed=1, starts=1)
    other = Choices(data.frame[data.frame["participant"] != "s3"], DAW_2011)
    with pytest.raises(ValueError, match="lack participants of the fit: s3"):
        mc.doctor(fit, other, seed=1)
