"""Tables with next to nothing in them: what can be read can be fitted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import run

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
        mc.doctor(fit, data, draws=3, seed=1)
    assert np.isfinite(group.group["mean"]).all()
    lone = group.diagnostics.query("check == 'people of the group'")
    assert lone[["value", "ok"]].to_numpy().tolist() == [[1, False]] * (len(data.participants) == 1)


def test_one_trial_of_each_is_reported(table: pd.DataFrame, tmp_path: Path) -> None:
    """Nobody can have stayed: figures of that are left out, with a word."""
    data = mc.read_choices(CASES["one trial"](table), DAW_2011)
    data.frame.to_csv(tmp_path / "choices.csv", index=False)
    fit = mc.fit(MODEL, data, method="map", starts=2, seed=1, progress=False)
    page = mc.report(fit, data, out=tmp_path / "report", draws=3)
    assert "There is no check of staying: nobody has a trial right after another" in (
        page.read_text(encoding="utf-8")
    )
    path = fit.save(tmp_path / "fit.nc")
    given = ["--choices", tmp_path / "choices.csv", "--draws", 3, "--out", tmp_path / "figures"]
    assert run("figures", path, *given) == 0


def test_draws_of_which_one_half_has_no_weight(table: pd.DataFrame) -> None:
    """Of one trial so little is known that a group may be where few draws are, by seven."""
    data = mc.read_choices(CASES["one trial of one participant"](table), DAW_2011)
    fit = mc.fit(mc.models.HYBRID, data, method="em", draws=20, chains=1, seed=7, progress=False)
    assert np.isfinite(fit.group["mean"]).all()


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
