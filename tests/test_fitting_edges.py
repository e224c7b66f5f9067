"""Tables with next to nothing in them: what can be read can be fitted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.tasks import DAW_2011

MODEL = mc.models.MODEL_BASED
COLUMNS = 100_000

CASES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "one participant": lambda f: f[f["participant"] == "s1"],
    "one trial": lambda f: f[f["trial"] == 1],
    "one trial of one participant": lambda f: f.iloc[:1],
    "never rewarded": lambda f: f.assign(reward=0),
    "always rewarded": lambda f: f.assign(reward=1),
    "one participant missed everything": lambda f: f.assign(
        first_choice=f["first_choice"].where(f["participant"] != "s2")
    ),
}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    people = mc.draw_participants(MODEL, 3, seed=1)
    return mc.simulate(MODEL, DAW_2011, people, trials=20, seed=1).frame


@pytest.mark.parametrize("case", CASES)
def test_what_can_be_read_can_be_fitted(case: str, table: pd.DataFrame) -> None:
    data = mc.read_choices(CASES[case](table), DAW_2011)
    alone = mc.fit(MODEL, data, method="map", starts=2, seed=1, progress=False)
    group = mc.fit(MODEL, data, method="em", importance=60, draws=50, seed=1, progress=False)
    for fit in (alone, group):
        assert list(fit.parameters.index) == list(data.participants)
        assert np.isfinite(fit.parameters.to_numpy()).all()
        seen = mc.latents(MODEL, data, fit)
        assert len(seen) == len(data.frame)
    assert np.isfinite(group.group["mean"]).all()


def test_nothing_but_missed_trials_is_refused(table: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="no participant has a usable trial"):
        mc.read_choices(table.assign(first_choice=pd.NA), DAW_2011)


def test_columns_in_which_nothing_stands_are_left_out(table: pd.DataFrame) -> None:
    names = [f"c{number}" for number in range(COLUMNS)]
    nothing = pd.DataFrame(np.nan, index=table.index, columns=names)
    nothing["c1"] = "NA"
    own = table.assign(age=30)
    data = mc.read_choices(pd.concat([own, nothing], axis=1), DAW_2011)
    assert set(data.frame) == set(mc.read_choices(own, DAW_2011).frame)
    assert "age" in data.frame
