"""A sampled fit: tables, diagnostics, files that are whole or not there."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit

import metacontrol as mc
from metacontrol.fitting.trees import write_tree


@pytest.fixture(scope="module")
def data() -> mc.Choices:
    rng = np.random.default_rng(2)
    n = 8
    true = pd.DataFrame(
        {
            "alpha": rng.uniform(0.3, 0.7, n),
            "beta": rng.uniform(2, 5, n),
            "lam": 0.6,
            "w_Intercept": rng.normal(1, 0.3, n),
            "w_load": -2.0,
            "stimulus_stickiness": 0.1,
            "response_stickiness": 0.0,
        }
    )
    return mc.simulate(mc.models.HYBRID_KOOL, mc.tasks.OTTO_2013, true, trials=80, seed=1)


MODEL = mc.models.HYBRID_KOOL.fix(response_stickiness=0.0)


@pytest.fixture(scope="module")
def fit(data: mc.Choices) -> mc.Fit:
    return mc.fit(MODEL, data, formulas={"w": "1 + load"}, seed=1, chains=2, draws=150, tune=150)


def test_tables_hold_what_the_posterior_holds(fit: mc.Fit) -> None:
    draws = fit.tree["posterior"]["beta_mean"].to_numpy()
    row = fit.group.set_index("parameter").loc["beta_mean"]
    assert row["mean"] == pytest.approx(draws.mean())
    assert row["sd"] == pytest.approx(draws.std(ddof=1))
    assert [row["lower"], row["upper"]] == pytest.approx(list(np.quantile(draws, [0.025, 0.975])))
    assert row["scale"] == "link"
    natural = fit.group.set_index("parameter").loc["beta_group"]
    assert natural["scale"] == "natural"
    assert natural["mean"] == pytest.approx(np.exp(draws).mean())
    assert fit.participants.groupby("parameter").size().eq(8).all()
    assert set(fit.participants["parameter"]) == set(fit.parameters)
    means = fit.participants.set_index(["parameter", "participant"])["mean"]
    assert fit.parameters.loc["s3", "w_load"] == pytest.approx(means["w_load", "s3"])
    assert "z" not in fit.tree["posterior"].data_vars


def test_stored_likelihood_is_that_of_the_draw(fit: mc.Fit, data: mc.Choices) -> None:
    posterior = fit.tree["posterior"].to_dataset().isel(chain=1, draw=40)
    names = list(fit.parameters)
    table = posterior[names].to_dataframe()[names].reset_index()
    total = mc.log_likelihood(MODEL, data, table)["total"]
    np.testing.assert_allclose(posterior["log_likelihood"], total, atol=1e-9)


def test_diagnostics_say_what_to_do(fit: mc.Fit) -> None:
    table = fit.diagnostics.set_index(fit.diagnostics["check"].str.split(" (", regex=False).str[0])
    assert table.loc["divergent transitions", "value"] == fit.diverging
    # 2 x 150 draws cannot have 400 effective ones
    ess = table.loc["smallest bulk ESS"]
    assert not ess["ok"]
    assert "sample longer" in ess["advice"]
    assert not fit.ok
    first, *rest = repr(fit).splitlines()
    assert first.startswith(f"Fit of {MODEL.name} by nuts: ")
    assert f"  {ess['check']}: {ess['value']} ({ess['advice']})" in rest
    assert len(rest) == int((~fit.diagnostics["ok"]).sum())
    assert isinstance(ess["value"], int)  # 92, not 92.0


@pytest.mark.parametrize("draws", [2, 20])
def test_too_few_draws_are_said_without_warnings(fit: mc.Fit, draws: int) -> None:
    few = mc.Fit(fit.tree.isel(chain=[0], draw=slice(0, draws)))
    table = few.diagnostics.set_index(few.diagnostics["check"].str.split(" (", regex=False).str[0])
    assert np.isnan(table.loc["largest R-hat", "value"])
    assert not table.loc["largest R-hat", "ok"]
    assert not few.diagnostics["ok"].all()
    assert np.isfinite(few.group["mean"]).all()


def test_the_same_seed_gives_the_same_draws(data: mc.Choices) -> None:
    first, again, other = (
        mc.fit(MODEL, data, seed=seed, chains=1, draws=20, tune=20, centring=0.5)
        .tree["posterior"]["w_mean"]
        .to_numpy()
        for seed in (7, 7, 8)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_fit_comes_back_from_its_file(fit: mc.Fit, data: mc.Choices, tmp_path: Path) -> None:
    back = mc.load_fit(fit.save(tmp_path / "fit.nc"))
    assert back.model == MODEL
    assert back.task == data.task
    assert back.about == fit.about
    pd.testing.assert_frame_equal(back.group, fit.group)
    pd.testing.assert_frame_equal(back.participants, fit.participants)
    pd.testing.assert_frame_equal(back.diagnostics, fit.diagnostics)
    assert [path.name for path in tmp_path.iterdir()] == ["fit.nc"]


def test_a_failed_save_leaves_the_older_file(
    fit: mc.Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = fit.save(tmp_path / "fit.nc")
    before = target.read_bytes()

    def interrupted(path: Path, content: bytes) -> None:
        with path.open("wb") as part:
            part.write(content[:99])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit.save(target)
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["fit.nc"]


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_what_is_not_a_whole_fit_is_refused(fit: mc.Fit, tmp_path: Path) -> None:
    """By one sentence: nothing is left open that complains later."""
    with pytest.raises(FileNotFoundError, match="there is no file"):
        mc.load_fit(tmp_path / "nowhere.nc")
    whole = fit.save(tmp_path / "fit.nc").read_bytes()
    (tmp_path / "cut.nc").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"cut\.nc is not a fit, or not whole"):
        mc.load_fit(tmp_path / "cut.nc")
    gc.collect()
    xr.Dataset({"x": 1}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match="not a fit that metacontrol saved"):
        mc.load_fit(tmp_path / "other.nc")
    with pytest.raises(OSError, match="there is no folder"):
        fit.save(tmp_path / "no" / "fit.nc")


def test_a_number_that_was_damaged_on_disk_is_noticed(fit: mc.Fit, tmp_path: Path) -> None:
    path = fit.save(tmp_path / "fit.nc")
    whole = path.read_bytes()
    number = fit.tree["posterior"]["beta_mean"].to_numpy()[0, 3].tobytes()
    assert whole.count(number) == 1
    path.write_bytes(whole.replace(number, bytes(8)))
    with pytest.raises(
        ValueError, match=r"fit\.nc is not a fit, or not whole: it is not as it was"
    ):
        mc.load_fit(path)
    fit.tree.to_netcdf(path, engine="h5netcdf")  # as before there was a sum, and as others write
    xr.testing.assert_equal(mc.load_fit(path).tree["posterior"], fit.tree["posterior"])


def _without(about: dict[str, Any], name: str, part: str | None = None) -> str:
    about = {**about, name: {**about[name]}} if part else {**about}
    del (about[name] if part else about)[part or name]
    return json.dumps(about)


def test_what_is_missing_in_a_damaged_fit_is_said(fit: mc.Fit, tmp_path: Path) -> None:
    about = fit.about
    damages = {
        "{}": "does not say coefficients, columns, data",
        "[half": "'about' cannot be read",
        "3": "'about' says nothing",
        json.dumps(
            about | {"format": 99}
        ): r"a newer metacontrol, in format 99 \(this one reads .*1",
        json.dumps(about | {"data": 3}): "does not say data.participants, data.trials$",
        _without(about, "method"): "does not say method$",
        _without(about, "model", "base"): "does not say model.base$",
        json.dumps(about | {"method": "two-stage"}): "there is no group maximum, importance$",
        json.dumps(about | {"method": "map"}): "there is no group estimates$",
    }
    for text, message in damages.items():
        tree = fit.tree.copy()
        tree.attrs["about"] = text
        write_tree(tree, tmp_path / "damaged.nc")
        with pytest.raises(
            ValueError, match=r"damaged\.nc (is a damaged fit: |was wr).*" + message
        ):
            mc.load_fit(tmp_path / "damaged.nc")


def test_a_task_of_another_kind_is_named(fit: mc.Fit) -> None:
    about = {**fit.about, "task": {"kind": "Chess", "name": "chess"}}
    tree = fit.tree.copy()
    tree.attrs["about"] = json.dumps(about)
    with pytest.raises(LookupError, match="a task of the kind 'Chess', which is not ours"):
        _ = mc.Fit(tree).task


def test_a_model_of_ones_own_is_given_at_loading(data: mc.Choices, tmp_path: Path) -> None:
    from dataclasses import replace

    own = replace(MODEL, name="mine", parameters=MODEL.parameters[::-1])
    path = mc.fit(own, data, method="map", starts=1, seed=1).save(tmp_path / "own.nc")
    with pytest.raises(LookupError, match="'mine', which is not one of metacontrol's"):
        _ = mc.load_fit(path).model
    assert mc.load_fit(path, model=own).model == own


@pytest.mark.slow
def test_load_effect_is_recovered() -> None:
    """20 data sets of 60 participants: at least 17 intervals of 95 % hold the truth.

    Of 20 intervals that hold with probability .95, 16 or fewer would with probability .003.
    """
    held, nonzero = 0, 0
    for seed in range(20):
        rng = np.random.default_rng(100 + seed)
        n = 60
        true = pd.DataFrame(
            {
                "alpha1": expit(rng.normal(0, 0.5, n)),
                "alpha2": expit(rng.normal(0, 0.5, n)),
                "beta1": np.exp(rng.normal(1.5, 0.3, n)),
                "beta2": np.exp(rng.normal(1.2, 0.3, n)),
                "lam": expit(rng.normal(0.5, 0.5, n)),
                "p": rng.normal(0.1, 0.1, n),
                "w_Intercept": rng.normal(0.8, 0.6, n),
                "w_load": rng.normal(-1.5, 0.3, n),
            }
        )
        data = mc.simulate(mc.models.HYBRID, mc.tasks.OTTO_2013, true, trials=200, seed=seed)
        found = (
            mc.fit(
                mc.models.HYBRID,
                data,
                formulas={"w": "1 + load"},
                seed=seed,
                chains=2,
                draws=250,
                tune=250,
            )
            .group.set_index("parameter")
            .loc["w_load_mean"]
        )
        held += found["lower"] <= -1.5 <= found["upper"]
        nonzero += found["upper"] < 0
    assert held >= 17
    assert nonzero == 20
