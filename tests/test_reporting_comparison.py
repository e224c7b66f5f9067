"""A report of several fits: which is better, and which are not compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from reported import MODEL, Reported

import metacontrol as mc
from metacontrol.reporting.blocks import Text
from metacontrol.reporting.comparing import comparison


def test_several_fits_are_compared(reported: Reported) -> None:
    page, expected = reported.several, mc.compare(reported.alone)
    written = pd.read_csv(page.parent / "tables/comparison.csv")
    pd.testing.assert_frame_equal(written, expected, check_dtype=False)
    best = expected["model"].iloc[0]
    assert f"y BIC the best model is <code>{best}</code>" in page.read_text(encoding="utf-8")
    assert (page.parent / "tables/habit_group.csv").is_file()
    assert not (page.parent / "tables/habit_participant_weights.csv").exists()  # w is 0


def test_one_fit_is_not_compared_with_itself(reported: Reported, tmp_path: Path) -> None:
    fit = reported.alone["habit"]
    with pytest.raises(ValueError, match="one and other are the same fit"):
        mc.report({"one": fit, "other": fit}, out=tmp_path / "report")
    with pytest.raises(ValueError, match="draws must be 1 or more, got 0"):
        mc.report(fit, reported.data, out=tmp_path / "report", draws=0)
    assert not (tmp_path / "report").exists()


def test_groups_are_compared_by_prediction(reported: Reported, tmp_path: Path) -> None:
    fits = {"loaded": reported.sampled, "tied": reported.every["correlated"]}
    page = mc.report(fits, reported.data, out=tmp_path / "report", draws=2, seed=3)
    written = pd.read_csv(page.parent / "tables/comparison.csv")
    expected = mc.compare(fits, reported.data, leave="participant", seed=3)
    pd.testing.assert_frame_equal(written, expected, check_dtype=False)
    text = page.read_text(encoding="utf-8")
    best = expected["model"].iloc[0]
    assert f"ll choices of a new person are predicted best by <code>{best}</code>" in text
    assert text.count("Not to be relied on, since diagnostics are not as wanted: all choices") == 2
    assert "Diagnostics of <code>loaded</code> and <code>tied</code> are not as wanted" in text
    assert "How well does it predict all choices of a new person" in text
    assert (page.parent / "figures/comparison.png").is_file()
    assert "leaving out one participant after another [@vehtari2017]" in (
        page.parent / "methods.md"
    ).read_text(encoding="utf-8")
    found = comparison(fits, None, 3)
    assert found is not None
    assert found.sentence.endswith("need the choices that were fitted.")


def test_fits_alone_with_priors_are_compared_by_evidence(reported: Reported) -> None:
    tree = reported.every["laplace"].tree.copy(deep=True)
    tree["estimates"]["log_evidence"] = tree["estimates"]["log_evidence"] - 2.0
    found = comparison({"worse": mc.Fit(tree), "better": reported.every["laplace"]}, None, 1)
    assert found is not None
    assert "`better`, ahead of `worse` by 16 nats" in found.sentence
    assert "Laplace's approximation of the marginal likelihood" in found.methods


def test_groups_by_em_are_compared_by_integrated_bic_if_there_is_one(
    reported: Reported, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pd.DataFrame(
        {
            "model": ["one", "two"],
            "parameters": 6,
            "log_evidence": [-500.0, -510.0],
            "ibic": [1037.0, 1057.0],
            "ibic_difference": [0.0, 20.0],
        }
    )
    monkeypatch.setattr("metacontrol.reporting.comparing.compare", lambda fits: table)
    found = comparison({"two": reported.every["em"], "one": reported.every["em"]}, None, 1)
    assert found is not None
    assert found.sentence == "By integrated BIC the best model is `one`, ahead of `two` by 20."
    assert found.methods.endswith("compared by the integrated BIC [@huys2011].")


def test_different_methods_are_not_compared(reported: Reported, tmp_path: Path) -> None:
    mixed = {"one": reported.every["em"], "two": reported.every["map"]}
    page = mc.report(mixed, out=tmp_path / "report")
    why = "not compared: they were fitted by different methods (one by EM and two by maximum a"
    assert page.read_text(encoding="utf-8").count(why) == 2  # on top, and under its heading
    found = comparison(mixed | {"three": reported.every["map"]}, reported.data, 1)
    assert found is not None
    first = found.section.blocks[0]
    assert isinstance(first, Text)
    assert first.text == "Not compared, since fitted by another method: `one`."


def test_other_choices_are_refused(reported: Reported, tmp_path: Path) -> None:
    """As few differences as there can be: one reward, in choices that are as many."""
    frame = reported.data.frame.copy()
    frame.loc[7, "reward"] = 1 - frame.loc[7, "reward"]
    other = mc.read_choices(frame, reported.data.task)
    size = r"\(8 participants, 480 trials that count\)"
    said = f"the fit of hybrid-kool {size} and the data given {size} are not of the same choices"
    with pytest.raises(ValueError, match=said):
        mc.report(reported.alone, other, out=tmp_path / "report")
    fit = mc.fit(MODEL, other, method="map", starts=1, seed=1)
    with pytest.raises(ValueError, match="changed and hybrid-kool are not of the same choices"):
        mc.report({**reported.alone, "changed": fit}, out=tmp_path / "report")
    told = mc.read_choices(reported.data.frame, replace(mc.tasks.OTTO_2013, name="told"))
    fit = mc.fit(MODEL, told, method="map", starts=1, seed=1)
    with pytest.raises(ValueError, match="a report is of one task: told's is another than"):
        mc.report({**reported.alone, "told": fit}, out=tmp_path / "report")
    with pytest.raises(ValueError, match="needs a fit, got none"):
        mc.report([], out=tmp_path / "report")
