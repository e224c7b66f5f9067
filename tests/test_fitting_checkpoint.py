"""Runs that are stopped and go on, or shared among machines: the fit is the same to the bit."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from full_disk import full_disk

import metacontrol as mc
from metacontrol.fitting import ascent
from metacontrol.fitting.checkpoint import finished, forget
from metacontrol.fitting.point import Lot
from metacontrol.fitting.run import describe_code
from metacontrol.fitting.same_choices import digest
from metacontrol.fitting.sampling import sample

MODEL = mc.models.HYBRID_KOOL.fix(response_stickiness=0.0)
POINT: dict[str, Any] = {"method": "map", "starts": 32, "seed": 3}  # four participants a lot
NUTS: dict[str, Any] = {"chains": 3, "draws": 20, "tune": 30, "seed": 3, "cores": 2}


def _same(one: mc.Fit, other: mc.Fit) -> bool:
    """Whether two fits are equal, to the last bit of each number."""
    groups = {"estimates", "posterior", "sample_stats"} & set(one.tree.children)
    for group in groups:
        xr.testing.assert_equal(*(fit.tree[group].to_dataset() for fit in (one, other)))
    return bool(groups) and one.about == other.about


@pytest.fixture(scope="module")
def data() -> mc.Choices:
    people = mc.draw_participants(MODEL, 14, seed=1)
    return mc.simulate(MODEL, mc.tasks.OTTO_2013, people, trials=30, seed=1)


@pytest.fixture(scope="module")
def whole(data: mc.Choices) -> mc.Fit:
    return mc.fit(MODEL, data, **POINT)


def test_what_is_finished_is_not_searched_again(
    data: mc.Choices, whole: mc.Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[Lot] = []
    search = Lot.search
    allowed = 2

    def stopped(self: Lot) -> Any:
        if len(searched) == allowed:
            raise KeyboardInterrupt
        searched.append(self)
        return search(self)

    monkeypatch.setattr(Lot, "search", stopped)
    with pytest.raises(KeyboardInterrupt):
        mc.fit(MODEL, data, **POINT, checkpoint=tmp_path / "parts")
    assert finished(tmp_path / "parts") == 2
    (tmp_path / "parts/participants-000001.nc").write_bytes(b"half")  # is made anew
    first = tmp_path / "parts/participants-000000.nc"  # and so is this
    number = whole.tree["estimates"]["log_likelihood"].to_numpy()[0].tobytes()
    assert number in first.read_bytes()
    first.write_bytes(first.read_bytes().replace(number, bytes(8)))
    searched.clear()
    allowed = 4
    for _ in range(2):
        assert _same(mc.fit(MODEL, data, **POINT, checkpoint=tmp_path / "parts"), whole)
        assert len(searched) == 4
    first.write_bytes(first.read_bytes().replace(number, bytes(8)))
    with pytest.raises(ValueError, match=r"1 of 4 parts are missing in .*, those of shard 1/1"):
        mc.gather(tmp_path / "parts")


@pytest.mark.parametrize("method", ["em", "two-stage"])
def test_a_group_that_was_found_is_not_sought_again(
    method: Any, data: mc.Choices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few: dict[str, Any] = {"chains": 2, "draws": 20, "tune": 20, "importance": 100, "seed": 3}
    without = mc.fit(MODEL, data, method=method, **few)
    assert _same(mc.fit(MODEL, data, method=method, **few, checkpoint=tmp_path), without)
    (tmp_path / "chain-1.nc").unlink(missing_ok=True)

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("it was kept")

    monkeypatch.setattr("metacontrol.fitting.ascent.maximum", never)
    assert _same(mc.fit(MODEL, data, method=method, **few, checkpoint=tmp_path), without)


def test_a_search_for_the_group_goes_on_from_its_last_round(
    data: mc.Choices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few: dict[str, Any] = {"method": "em", "draws": 20, "importance": 100, "seed": 3}
    look_around = ascent.look_around
    rounds: list[int] = []

    def counted(*given: Any, seed: Any, **how: Any) -> Any:
        if seed[1] == killed_in:
            raise KeyboardInterrupt
        rounds.append(seed[1])
        return look_around(*given, seed=seed, **how)

    monkeypatch.setattr(ascent, "look_around", counted)
    killed_in = -1
    without = mc.fit(MODEL, data, **few)
    last = rounds[-1]
    assert last >= 2
    for number in (2, last):
        killed_in = number
        with pytest.raises(KeyboardInterrupt):
            mc.fit(MODEL, data, **few, checkpoint=tmp_path)
    killed_in = -1
    rounds.clear()
    assert _same(mc.fit(MODEL, data, **few, checkpoint=tmp_path), without)
    assert rounds == [last]


def test_groups_that_were_fitted_are_not_fitted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after two of three simulated groups; what differs is refused."""
    few: Any = {"simulations": 3, "draws": 60, "tune": 60, "seed": 1, "ranks": 20}
    few |= {"participants": 2, "trials": 10, "progress": False}
    calibrate = partial(mc.sbc, mc.models.MODEL_BASED, mc.tasks.DAW_2011)
    whole = calibrate(**few)
    done: list[int] = []

    def stopped(*given: Any, **how: Any) -> Any:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(how["seed"])
        return sample(*given, **how)

    monkeypatch.setattr("metacontrol.fitting.prior_fits.sample", stopped)
    with pytest.raises(KeyboardInterrupt):
        calibrate(**few, checkpoint=tmp_path)
    assert finished(tmp_path) == 2
    monkeypatch.setattr("metacontrol.fitting.prior_fits.sample", sample)
    with pytest.raises(ValueError, match="parts of another run .about.settings.draws is 60 there"):
        calibrate(**few | {"draws": 61}, checkpoint=tmp_path)
    told: Any = few | {"simulations": 1, "checkpoint": tmp_path / "told"}
    told |= {"priors": {"beta1_mean": mc.Prior("normal", 1.0, 0.1)}}
    first = calibrate(**told)
    with pytest.raises(ValueError, match=r"parts of another run .fitted.priors is {'beta1_mean'"):
        calibrate(**told, fitted_priors={})
    same = calibrate(**told, fitted_priors=told["priors"])
    pd.testing.assert_frame_equal(same, first)
    pd.testing.assert_frame_equal(calibrate(**few, checkpoint=tmp_path), whole)


def test_models_that_were_fitted_are_not_fitted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = (mc.models.MODEL_BASED, mc.models.MODEL_FREE)
    few: dict[str, Any] = {"participants": 3, "trials": 20, "starts": 1, "seed": 1}
    table = mc.confuse(models, mc.tasks.DAW_2011, **few, checkpoint=tmp_path)

    def never(self: Lot) -> Any:
        raise AssertionError("it was kept")

    monkeypatch.setattr(Lot, "search", never)
    again = mc.confuse(models, mc.tasks.DAW_2011, **few, checkpoint=tmp_path)
    pd.testing.assert_frame_equal(again, table)
    forget(tmp_path)
    assert not tmp_path.exists()


def test_chains_that_are_missing_are_sampled_as_they_would_have_been(
    data: mc.Choices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = data.frame["participant"].isin(["s1", "s2", "s3"])
    few = mc.Choices(data.frame[some], data.task)
    without = mc.fit(MODEL, few, **NUTS | {"cores": 1})
    assert _same(mc.fit(MODEL, few, **NUTS, checkpoint=tmp_path), without)
    assert {p.name for p in tmp_path.iterdir()} == {
        "run.json",
        "information.nc",
        *(f"chain-{k}.nc" for k in range(3)),
    }
    (tmp_path / "chain-1.nc").unlink()
    before = (tmp_path / "chain-2.nc").stat().st_mtime_ns
    assert _same(mc.fit(MODEL, few, **NUTS, checkpoint=tmp_path), without)
    assert (tmp_path / "chain-2.nc").stat().st_mtime_ns == before
    draws = without.tree["posterior"]["w_mean"].to_numpy()
    assert len(np.unique(draws[:, 0])) == 3
    with pytest.raises(ValueError, match="holds a fit by nuts: only fit itself goes on with it"):
        mc.gather(tmp_path)


def test_parts_of_another_run_are_refused(data: mc.Choices, tmp_path: Path) -> None:
    mc.fit(MODEL, data, **POINT, checkpoint=tmp_path)

    def refused(model: mc.Model = MODEL, choices: mc.Choices = data, **changed: Any) -> str:
        with pytest.raises(ValueError, match="holds parts of another run") as error:
            mc.fit(model, choices, **{**POINT, **changed}, checkpoint=tmp_path)
        return str(error.value)

    assert "about.settings.seed is 3 there and 4 here" in refused(seed=4)
    assert "about.method is 'map' there and 'mle' here" in refused(method="mle")
    assert "formulas is {} there and {'w': '1 + load'} here" in refused(formulas={"w": "1 + load"})
    assert "priors is {} there and {'w': " in refused(priors={"w": mc.Prior("beta", 2.0, 2.0)})
    frame = data.frame.copy()
    frame.loc[3, "reward"] = 1 - frame.loc[3, "reward"]
    assert "; choices is '" in refused(choices=replace(data, frame=frame))
    own = replace(
        MODEL, parameters=(replace(MODEL.parameters[0], search=(0.1, 1.0)), *MODEL.parameters[1:])
    )
    assert "parameters is [" in refused(model=own)
    assert "shards is 1 there and 2 here" in refused(shard=(1, 2))

    other = tmp_path / "other"
    mc.fit(MODEL, data, **POINT | {"seed": 4}, checkpoint=other, shard=(1, 2))
    mine = tmp_path / "participants-000000.nc"
    mine.write_bytes((other / mine.name).read_bytes())
    with pytest.raises(ValueError, match=r"000000.nc is not a part of the run that run.json"):
        mc.fit(MODEL, data, **POINT, checkpoint=tmp_path)


BASE = """
from metacontrol.models.hybrid import HYBRID, Hybrid

def share(w):
    return w

class Base(Hybrid):
    def weight(self, theta, mind, t):
        return share(theta.w)
"""
MINE = """
from my_base import HYBRID, Base

HALF = 0.5

class Mine(Base):
    pass

MINE = Mine(name="mine", source="me", parameters=HYBRID.parameters)
"""


def test_a_model_that_was_edited_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it calls is a part of it, and so are its bases; what cannot be read is like no other."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def code(mine: str = MINE, base: str = BASE) -> str:
        (tmp_path / "my_mine.py").write_text(mine)
        (tmp_path / "my_base.py").write_text(base)
        for name in ("my_mine", "my_base"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        return str(describe_code(import_module("my_mine").MINE, None)["code of the model"])

    assert code() == code()
    others = [code(), code(mine=MINE.replace("0.5", "0.4"))]
    others.append(code(base=BASE.replace("return w", "return 1 - w")))
    assert len(set(others)) == 3

    def typed() -> Any:
        prompt = ModuleType("my_prompt")
        monkeypatch.setitem(sys.modules, "my_prompt", prompt)
        words = MINE.replace("my_base", "metacontrol.models.hybrid").replace("Base", "Hybrid")
        exec(words, vars(prompt))
        return prompt.MINE

    one, other = typed(), typed()
    assert describe_code(one, None) == describe_code(replace(one), None)
    assert describe_code(one, None) != describe_code(other, None)


def test_shards_are_gathered_into_the_fit_without_shards(
    data: mc.Choices, whole: mc.Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = mc.fit(MODEL, data, **POINT, checkpoint=tmp_path, shard=(1, 3))
    people = [f"s{i}" for i in (1, 2, 3, 4, 13, 14)]  # lots of 4, 4, 4, 2 people
    assert list(first.parameters.index) == people
    mine = data.only(data.frame["participant"].isin(people))
    assert first.about["data"] == {"participants": 6, "trials": 180, "digest": digest(mine)}
    mc.fit(MODEL, data, **POINT, checkpoint=tmp_path, shard=(3, 3))
    with pytest.raises(ValueError, match=r"1 of 4 parts are missing in .*, those of shard 2/3"):
        mc.gather(tmp_path)
    for _ in range(2):
        mc.fit(MODEL, data, **POINT, checkpoint=tmp_path, shard=(2, 3))
    assert _same(mc.gather(tmp_path), whole)
    saved = mc.gather(tmp_path).save(tmp_path / "fit.nc")
    assert _same(mc.load_fit(saved), whole)
    monkeypatch.setattr(Lot, "search", lambda self: pytest.fail("searched again"))
    assert _same(mc.fit(MODEL, data, **POINT, saved=saved), whole)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shard": (0, 3)}, r"shard must be from \(1, n\) to \(n, n\), got \(0, 3\)"),
        ({"shard": (1, 3), "checkpoint": None}, "a shard needs a checkpoint to be kept in"),
        ({"shard": (1, 3), "method": "nuts"}, "a shard needs method='mle' or 'map'"),
        ({"shard": (5, 5)}, "nothing is left for shard 5: 4 shards are enough"),
    ],
)
def test_a_bad_shard_is_named(
    arguments: dict[str, Any], message: str, data: mc.Choices, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        mc.fit(MODEL, data, **{**POINT, "checkpoint": tmp_path / "parts", **arguments})
    assert not list(tmp_path.iterdir())


def test_a_saved_fit_of_the_same_run_is_returned(
    data: mc.Choices,
    whole: mc.Fit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    saved = tmp_path / "fit.nc"
    part = mc.fit(MODEL, data, **POINT, checkpoint=tmp_path / "parts", shard=(1, 3))
    other = mc.fit(
        MODEL, data, **POINT, checkpoint=tmp_path / "parts", shard=(3, 3), saved=part.save(saved)
    )
    assert not set(other.parameters.index) & set(part.parameters.index)
    assert len(mc.fit(MODEL, data, **POINT, saved=saved).parameters) == 14
    assert capsys.readouterr().err == f"{saved} is another fit: this one is fitted anew\n"
    whole.save(saved)
    monkeypatch.setattr(Lot, "search", lambda self: pytest.fail("searched again"))
    assert _same(mc.fit(MODEL, data, **POINT, saved=saved), whole)
    assert capsys.readouterr().err == f"{saved} is this very fit, finished\n"


def test_a_part_under_another_name_is_refused(data: mc.Choices, tmp_path: Path) -> None:
    mc.fit(MODEL, data, **POINT, checkpoint=tmp_path)
    second = tmp_path / "participants-000001.nc"
    second.write_bytes((tmp_path / "participants-000000.nc").read_bytes())
    message = r"000001.nc is not what its name says: it is participants-000000.nc"
    with pytest.raises(ValueError, match=message):
        mc.gather(tmp_path)
    with pytest.raises(ValueError, match=message):
        mc.fit(MODEL, data, **POINT, checkpoint=tmp_path)


def test_what_is_not_ours_is_left_alone(data: mc.Choices, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"my": "precious config"}')
    (tmp_path / "recording.nc").write_bytes(b"mine")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=r"run.json is not as metacontrol writes it"):
        mc.fit(MODEL, data, **POINT, checkpoint=tmp_path)
    forget(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before

    (tmp_path / "run.json").unlink()
    (tmp_path / "pilot.nc").write_bytes(b"mine, under a name of ours")
    with pytest.raises(ValueError, match=r"holds no parts of a fit: .*run.json cannot be read"):
        mc.fit(MODEL, data, **POINT, checkpoint=tmp_path)
    (tmp_path / "pilot.nc").rename(tmp_path / "other.nc")
    mc.fit(MODEL, data, **POINT, checkpoint=tmp_path)
    assert finished(tmp_path) == 4
    (tmp_path / "block-7.nc").write_bytes(b"mine, under a name of ours")
    forget(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"recording.nc", "other.nc", "block-7.nc"}


def test_a_shard_that_begins_or_ends_early_leaves_what_others_write(
    data: mc.Choices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another shard's run.json, half-written part and part are there by the time this one fails."""
    half = tmp_path / ".participants-000001.abcd1234.nc"

    def interrupted(self: Lot) -> Any:
        half.write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Lot, "search", interrupted)
        with pytest.raises(KeyboardInterrupt):
            mc.fit(MODEL, data, **POINT, checkpoint=tmp_path, shard=(1, 2))
    assert [path.name for path in tmp_path.iterdir()] == [half.name]
    mc.fit(MODEL, data, **POINT, checkpoint=tmp_path, shard=(2, 2))
    assert half.exists()
    forget(tmp_path)
    assert not tmp_path.exists()


def test_an_older_run_without_parts_gives_way(data: mc.Choices, tmp_path: Path) -> None:
    mc.fit(MODEL, data, **POINT, checkpoint=tmp_path / "older")
    (tmp_path / "parts").mkdir()
    (tmp_path / "older/run.json").rename(tmp_path / "parts/run.json")
    mc.fit(MODEL, data, **POINT | {"seed": 4}, checkpoint=tmp_path / "parts")
    assert mc.gather(tmp_path / "parts").about["settings"]["seed"] == 4


def test_a_run_whose_account_cannot_be_written_leaves_no_folder(
    data: mc.Choices, tmp_path: Path
) -> None:
    parts = tmp_path / "parts"
    with full_disk(), pytest.raises(OSError, match=rf"cannot write {parts}/run.json: File too"):
        mc.fit(MODEL, data, **POINT, checkpoint=parts)
    assert not parts.exists()


def test_a_checkpoint_that_is_a_file_is_said(data: mc.Choices, tmp_path: Path) -> None:
    (tmp_path / "parts").touch()
    with pytest.raises(OSError, match=r"cannot make the folder .*parts: File exists"):
        mc.fit(MODEL, data, **POINT, checkpoint=tmp_path / "parts")


@pytest.mark.parametrize("text", ["[]", "{}", "3", '{"about": {"method": "map"}}', "{half"])
def test_a_damaged_account_of_a_run_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ValueError, match=r"holds no parts of a fit: .*run.json (is not|cannot)"):
        mc.gather(tmp_path)


def test_nothing_but_parts_is_gathered(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no parts of a fit: .*run.json cannot be read"):
        mc.gather(tmp_path)
    (tmp_path / "run.json").write_text("[half")
    with pytest.raises(ValueError, match="holds no parts of a fit"):
        mc.gather(tmp_path)
