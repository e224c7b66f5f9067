"""Whether models can be told apart: by people, by groups, and by a run that was killed."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config

import metacontrol as mc
from metacontrol.fitting import ascent
from metacontrol.fitting.checkpoint import forget
from metacontrol.models import LATENT_STATE, MODEL_BASED, MODEL_FREE
from metacontrol.tasks import DAW_2011

PAIR = (MODEL_FREE, MODEL_BASED)
confuse = partial(mc.confuse, PAIR, DAW_2011, seed=1)


def own(table: pd.DataFrame, criterion: str) -> np.ndarray:
    """Return how often the simulated model is best."""
    part = table[table["criterion"] == criterion]
    return part.loc[part["simulated"] == part["best"], "confusion"].to_numpy()


def test_confusion_and_inversion() -> None:
    people = {m.name: mc.draw_participants(m, 12, seed=1).assign(beta1=6.0) for m in PAIR}
    found = mc.confuse(PAIR, DAW_2011, people=people, trials=200, seed=1, starts=4)
    sums = found.groupby(["criterion", "simulated"])["confusion"].sum()
    np.testing.assert_allclose(sums, 1)
    assert (own(found, "aic") > 0.5).all()
    assert (own(found, "bic") > 0.5).all()
    columns = found.groupby(["criterion", "best"])["inversion"].sum(min_count=1).dropna()
    np.testing.assert_allclose(columns, 1)
    with mc.style():
        figure, (ax, other) = mc.panels(1, 2)
        mc.plot_confusion(found, ax)
        mc.plot_confusion(found, other, which="inversion")
    assert ax.get_title(loc="right") == "Confusion: P(best | simulated)"
    assert other.get_title(loc="right") == "Inversion: P(simulated | best)"
    shown = np.array([float(text.get_text()) for text in ax.texts]).reshape(2, 2)
    bic = found[found["criterion"] == "bic"].pivot(index="simulated", columns="best")["confusion"]
    names = [model.name for model in PAIR]
    np.testing.assert_allclose(shown, bic.loc[names, names], atol=0.0051)
    plt.close(figure)


def test_people_of_ones_own() -> None:
    """A weak belief is taken for chance by the smaller model."""
    people = {"latent-state": pd.DataFrame([{p.name: 0.5 for p in LATENT_STATE.free}] * 5)}
    found = mc.confuse(
        (LATENT_STATE, MODEL_BASED), DAW_2011, people=people, trials=60, seed=1, starts=2
    )
    mistaken = found[(found["criterion"] == "bic") & (found["simulated"] == "latent-state")]
    assert mistaken.set_index("best")["confusion"]["model-based"] == 1


def test_people_by_evidence_and_their_groups_by_exceedance() -> None:
    """As `compare` and `random_effects` say of the first group, and of both."""
    few: Any = {"participants": 12, "trials": 150, "method": "laplace"}
    found = confuse(**few, groups=2)
    assert list(found["criterion"].unique()) == ["evidence", "exceedance"]
    assert (own(found, "evidence") > 0.6).all()
    assert (own(found, "exceedance") == 1).all()
    people = mc.draw_participants(MODEL_FREE, 12, seed=1)
    data = mc.simulate(MODEL_FREE, DAW_2011, people, trials=150, seed=1)
    compared = mc.compare([mc.fit(model, data, method="laplace", seed=1) for model in PAIR])
    first = confuse(**few)
    assert list(first["criterion"].unique()) == ["evidence"]
    shares = first[first["simulated"] == "model-free"].set_index("best")["confusion"]
    expected = compared.set_index("model")["best_for"] / 12
    assert shares.to_dict() == expected.to_dict()
    assert (np.round(24 * found["confusion"]) == 24 * found["confusion"]).all()


def test_people_are_counted_over_groups() -> None:
    few: Any = {"participants": 4, "trials": 20, "starts": 1}
    one, two = confuse(**few), confuse(**few, groups=2)
    assert list(two["criterion"].unique()) == ["aic", "bic", "exceedance"]
    pd.testing.assert_frame_equal(confuse(**few, groups=1).iloc[: len(one)], one)
    later = 2 * two["confusion"].iloc[: len(one)] - one["confusion"]
    assert ((later >= 0) & (later <= 1)).all()
    assert (later != one["confusion"]).any()


def test_a_killed_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after three fits of eight, which are not made again; more groups go on from there."""
    few: Any = {"participants": 3, "trials": 20, "method": "em", "draws": 50, "progress": False}
    whole = confuse(**few, groups=2)
    maximum = ascent.maximum
    made: list[int] = []

    def counted(*given: Any, **how: Any) -> Any:
        if len(made) == limit:
            raise KeyboardInterrupt
        made.append(1)
        return maximum(*given, **how)

    monkeypatch.setattr(ascent, "maximum", counted)
    limit = 3
    with pytest.raises(KeyboardInterrupt):
        confuse(**few, groups=2, checkpoint=tmp_path)
    limit = 8
    pd.testing.assert_frame_equal(confuse(**few, groups=2, checkpoint=tmp_path), whole)
    limit = 12
    confuse(**few, groups=3, checkpoint=tmp_path)
    assert len(made) == 12
    forget(tmp_path)
    assert not tmp_path.exists()


@pytest.mark.slow
@pytest.mark.parametrize("method", ["em", "em-laplace"])
def test_groups_by_integrated_bic(method: Any) -> None:
    few: Any = {"participants": 12, "trials": 100, "groups": 3, "method": method}
    found = confuse(**few, progress=False)
    assert (own(found, "ibic") == 1).all()
    with parallel_config(n_jobs=2):
        pd.testing.assert_frame_equal(confuse(**few), found)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["two-stage", "nuts"])
def test_groups_by_predicting_new_people(method: Any, tmp_path: Path) -> None:
    few: Any = {"participants": 12, "trials": 100, "groups": 1, "method": method}
    few |= {"draws": 300, "tune": 300, "chains": 1, "progress": False, "checkpoint": tmp_path}
    found = confuse(**few)
    assert (own(found, "elpd") == 1).all()
    pd.testing.assert_frame_equal(confuse(**few), found)


@pytest.mark.parametrize("criterion", ["evidence", "exceedance", "ibic", "elpd"])
def test_every_criterion_is_drawn(criterion: str) -> None:
    names = [model.name for model in PAIR]
    cells = pd.MultiIndex.from_product([["bic", criterion], names, names])
    table = cells.to_frame(index=False, name=["criterion", "simulated", "best"])
    table = table.assign(confusion=[1, 0, 0, 1, 0.7, 0.3, 0.2, 0.8], inversion=0.5)
    with mc.style():
        figure, (ax,) = mc.panels()
        mc.plot_confusion(table, ax)
    assert [text.get_text() for text in ax.texts] == ["0.70", "0.30", "0.20", "0.80"]
    words = {"exceedance": "exceedance probability", "ibic": "integrated BIC"}
    words |= {"elpd": "elpd of new people", "evidence": "evidence"}
    assert ax.get_xlabel() == f"Best by {words[criterion]}"
    plt.close(figure)
    with pytest.raises(ValueError, match=f"no confusion by aic: .*, by bic or {criterion}"):
        mc.plot_confusion(table, ax, "aic")


def test_what_cannot_be_told_apart_is_said_before_a_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("it was simulated")

    monkeypatch.setattr(import_module("metacontrol.analysis.confusion"), "simulate", never)
    for method in ("em", "em-laplace", "two-stage", "nuts"):
        with pytest.raises(ValueError, match=f"by {method} groups are counted: say how many"):
            confuse(method=method)
    with pytest.raises(ValueError, match="groups must be 1 or more, got 0"):
        confuse(groups=0)
    with pytest.raises(ValueError, match="two models or more are told apart by name, got model-f"):
        mc.confuse([MODEL_FREE, MODEL_FREE], DAW_2011, seed=1)
