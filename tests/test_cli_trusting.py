"""Commands that say whether to trust: on small designs, and errors in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.cli import main
from metacontrol.models import MODEL_BASED
from metacontrol.tasks import DAW_2011


def _run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    return int(stop.value.code or 0)


def test_doctor_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    design = ["--participants", "10,20", "--trials", "30", "--pool", 30]
    effect = ["--task", "otto-2013", "--effect", "w ~ load = -2"]
    assert _run("doctor", *effect, *design, "--out", tmp_path) == 0
    assert "For 80 % power at best: with 30 trials" in capsys.readouterr().out.replace("\n", " ")
    natural = ["--effect", "w ~ load = -0.2", "--scale", "natural", "--median", "w=0.8"]
    assert _run("doctor", "--task", "otto-2013", *natural, *design, "--out", tmp_path) == 0
    assert "from 0.80 where load is 0 to 0.60 where" in capsys.readouterr().out.replace("\n", " ")
    assert pd.read_csv(tmp_path / "design.csv")["participants"].tolist() == [10, 20]
    assert (tmp_path / "design.pdf").is_file()


@pytest.mark.parametrize(
    ("untold", "label", "how"),
    [
        ([], "P(better option)", {"method": "map", "starts": 1}),
        (
            ["p_0_0", "p_0_1", "p_1_0", "p_1_1"],
            "Mean reward",
            {"method": "em", "draws": 15, "chains": 2, "progress": False},
        ),
    ],
)
def test_doctor_after(
    untold: list[str],
    label: str,
    how: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    people = mc.draw_participants(MODEL_BASED, 4, seed=1)
    played = mc.simulate(MODEL_BASED, DAW_2011, people, trials=50, seed=1)
    data = mc.read_choices(played.frame.drop(columns=untold), DAW_2011)
    data.frame.to_csv(tmp_path / "choices.csv", index=False)
    mc.fit(MODEL_BASED, data, seed=1, **how).save(tmp_path / "fit.nc")
    files = [tmp_path / "fit.nc", "--choices", tmp_path / "choices.csv"]
    assert _run("doctor", *files, "--out", tmp_path) == 0
    assert "fewer than 100 trials" in capsys.readouterr().out
    assert "advice" in pd.read_csv(tmp_path / "worries.csv")
    assert f">{label}<" in (tmp_path / "predictive.svg").read_text(encoding="utf-8")


def test_confuse(tmp_path: Path) -> None:
    setting = ["--participants", 3, "--trials", 30, "--out", tmp_path]
    assert _run("confuse", "model-free", "model-based", *setting, "--starts", 1) == 0
    assert len(pd.read_csv(tmp_path / "confusion.csv")) == 8
    assert (tmp_path / "confusion_bic.svg").is_file()
    assert _run("confuse", "model-free", "model-based", *setting, "--method", "laplace") == 0
    assert (tmp_path / "confusion_evidence.svg").is_file()
    setting += ["--method", "em", "--groups", 2]
    assert _run("confuse", "model-free", "model-based", *setting) == 0
    assert set(pd.read_csv(tmp_path / "confusion.csv")["confusion"]) <= {0.0, 0.5, 1.0}
    assert (tmp_path / "confusion_ibic.pdf").is_file()


@pytest.mark.slow
def test_sbc_and_recover(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    setting = ["--model", "model-based", "--simulations", 2, "--draws", 100, "--tune", 100]
    one = ["--participants", 3, "--trials", 20]
    assert _run("sbc", *setting, *one, "--correlated", "--out", tmp_path) == 0
    assert "in 2 simulated groups" in capsys.readouterr().out.replace("\n", " ")
    ranks = pd.read_csv(tmp_path / "ranks.csv")
    assert set(ranks["quantity"]) >= {
        "beta1_mean",
        "log-likelihood",
        "average p",
        "correlation beta1, p",
    }
    assert _run("recover", *setting, *one, "--parameter", "p", "--out", tmp_path) == 0
    assert {"contraction", "coverage", "rmse"} <= set(pd.read_csv(tmp_path / "recovery.csv"))
    assert (tmp_path / "recovery.pdf").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["doctor"], "doctor takes a FIT with --choices, or an --effect to look for"),
        (["doctor", "fit.nc"], "doctor FIT needs the choices that were fitted: add --choices"),
        (["doctor", "--effect", "w ~ load = -1", "--median", "w=x"], "--median takes a number"),
        (["doctor", "--effect", "load"], "--effect takes NAME = VALUE, got 'load'"),
        (["doctor", "--effect", "w ~ load = x"], "--effect takes a number"),
        (["recover", "--trials", "many"], "--trials takes numbers such as 20,40,80, got 'many'"),
        (
            ["recover", "--model", "model-based", "--parameter", "beta1", "--parameter", "foo"],
            "no parameter foo; there are: alpha2_mean, alpha2_sd, alpha2, ",
        ),
        (
            ["recover", "--task", "otto-2013", "--formula", "w ~ 1 + load", "--parameter", "w"],
            "no parameter w; there are: ",
        ),
        (["sbc", "--model", "dyna-sampled"], "is for simulation only"),
        (["confuse", "model-free", "nobody"], "there is no model 'nobody'"),
        (["confuse", "model-free", "hybrid", "--method", "em"], "by em groups are counted"),
    ],
)
def test_errors_say_what_to_do(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run(*arguments) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
