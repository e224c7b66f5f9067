"""Fits of other choices are not compared, checked or predicted from: each carries a digest."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.analysis import staying
from metacontrol.fitting.same_choices import digest
from metacontrol.models import HYBRID, MODEL_BASED, MODEL_FREE
from metacontrol.tasks import DAW_2011, Choices

OTHER = "not of the same choices: participants, trials, what happened in them"


def simulated(seed: int) -> Choices:
    """Return 4 people who are called s1 to s4, as ever."""
    people = mc.draw_participants(MODEL_BASED, 4, seed=seed)
    return mc.simulate(MODEL_BASED, DAW_2011, people, trials=30, seed=seed)


@pytest.fixture(scope="module")
def data() -> Choices:
    return simulated(1)


@pytest.fixture(scope="module")
def other() -> Choices:
    return simulated(2)


def test_what_a_digest_is_of(data: Choices, tmp_path: Path) -> None:
    frame, known = data.frame, digest(data)
    backwards = pd.concat([part for _, part in list(frame.groupby("participant"))[::-1]])
    wider = frame.astype({"first_choice": "float64", "reward": "float32"}).assign(age=30)
    for alike in (backwards, wider, frame.astype({"participant": "category"})):
        assert digest(Choices(alike, DAW_2011)) == known
    frame.to_csv(tmp_path / "choices.csv", index=False)
    assert digest(mc.read_choices(tmp_path / "choices.csv", DAW_2011)) == known
    changed = frame.copy()
    changed.loc[7, "reward"] = 1 - changed.loc[7, "reward"]
    late = frame.assign(trial=frame["trial"] + 1)
    named = frame.replace({"participant": {"s2": "anna"}})
    counted = Choices(frame, DAW_2011, scored=np.arange(len(frame)) != 7)
    others = [*(Choices(f, DAW_2011) for f in (changed, late, named, frame[1:])), counted]
    assert len({known, *map(digest, others)}) == 6


def test_digests_do_not_depend_on_model_or_method(data: Choices) -> None:
    load = Choices(data.frame.assign(load=data.frame["trial"] % 2), DAW_2011)
    fits = [
        mc.fit(MODEL_FREE, data, method="mle", seed=1, starts=1),
        mc.fit(MODEL_BASED, load, method="laplace", formulas={"p": "1 + load"}, seed=2),
    ]
    assert {fit.digest for fit in fits} == {digest(data)}


def test_fits_of_other_choices_are_refused(data: Choices, other: Choices) -> None:
    here, there = (mc.fit(m, d, method="mle", seed=1, starts=1)
                   for m, d in ((MODEL_FREE, data), (MODEL_BASED, other)))  # fmt: skip
    calls: tuple[Callable[[], Any], ...] = (
        lambda: mc.compare([here, there]),
        lambda: mc.log_evidence([here, there]),
        lambda: mc.log_evidence([here, there], "importance", data=data, draws=10, seed=1),
        lambda: mc.doctor(here, other, seed=1),
        lambda: mc.predictive(here, other, staying, draws=2, seed=1),
    )
    for call in calls:
        with pytest.raises(ValueError, match=OTHER):
            call()
    there.tree.attrs["about"] = json.dumps({**there.about, "data": {}})  # saved before digests
    assert len(mc.compare([here, there])) == 2
    assert len(mc.predictive(there, data, staying, draws=2, seed=1))


def test_people_may_stand_in_another_order(data: Choices) -> None:
    people = list(data.frame.groupby("participant"))
    turned = Choices(pd.concat([part for _, part in people[::-1]], ignore_index=True), DAW_2011)
    for method in ("mle", "em"):
        one, same, other = (
            mc.fit(m, d, method=method, seed=1, starts=1, draws=200, progress=False)
            for m, d in ((MODEL_FREE, data), (MODEL_BASED, data), (MODEL_BASED, turned))
        )
        assert list(other.scores.index) == list(one.scores.index)[::-1]
        expected = mc.compare({"one": one, "other": same})
        pd.testing.assert_frame_equal(mc.compare({"one": one, "other": other}), expected, rtol=0.02)
    found = {str(i): mc.loo(f, turned, draws=50, seed=1) for i, f in enumerate((one, other))}
    assert list(found["0"].points["participant"].unique()) == data.participants
    sums = mc.compare(found).set_index("model")["elpd"]
    assert sums.to_dict() == pytest.approx({name: elpd.elpd for name, elpd in found.items()})


def test_predictions_of_other_choices_are_refused(data: Choices, other: Choices) -> None:
    model = HYBRID.fix(alpha1=0.5, alpha2=0.5, beta2=3.0, lam=0.6, p=0.1)
    fits = [mc.fit(model, d, method="em", seed=1, draws=200, progress=False) for d in (data, other)]
    with pytest.raises(ValueError, match=f"the fit of hybrid.* and the data given.* are {OTHER}"):
        mc.loo(fits[0], other, seed=1)
    found = [mc.loo(f, d, draws=50, seed=1) for f, d in zip(fits, (data, other), strict=True)]
    assert "digest" not in found[0].points
    with pytest.raises(ValueError, match=f"other and one are {OTHER}"):
        mc.compare({"one": found[0], "other": found[1]})
