"""The command line: every command on real files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from command_line import run

import metacontrol as mc
from metacontrol.fitting import load_fit


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    code = run(
        "simulate",
        "--task",
        "otto-2013",
        "--participants",
        6,
        "--trials",
        60,
        "--seed",
        3,
        "--out",
        folder,
    )
    assert code == 0
    return folder / "choices.csv"


def test_simulate_writes_what_python_simulates(simulated: Path, tmp_path: Path) -> None:
    parameters = simulated.parent / "parameters.csv"
    assert (
        run(
            "simulate",
            "--task",
            "otto-2013",
            "--parameters",
            parameters,
            "--trials",
            60,
            "--seed",
            3,
            "--out",
            tmp_path,
        )
        == 0
    )
    assert (tmp_path / "choices.csv").read_bytes() == simulated.read_bytes()
    assert len(pd.read_csv(simulated)) == 360


def test_validate_says_what_is_wrong_and_where(
    simulated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("validate", simulated, "--task", "otto-2013") == 0
    assert "6 participants, 360 complete trials" in capsys.readouterr().out
    frame = pd.read_csv(simulated)
    frame.loc[30, "first_choice"] = 2
    frame.to_csv(tmp_path / "bad.csv", index=False)
    assert run("validate", tmp_path / "bad.csv", "--task", "otto-2013") == 1
    said = capsys.readouterr().out
    assert "first_choice must be 0 or 1, got 2" in said
    assert "participant 's1', trial 31, line 32" in said


def test_describe_writes_tables_and_figure(
    simulated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run("describe", simulated, "--task", "otto-2013", "--by", "load", "--out", tmp_path / "new")
        == 0
    )
    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        "stay_probabilities.csv",
        "stay_regression.csv",
        "stay_probabilities.pdf",
        "stay_probabilities.svg",
        "stay_probabilities.png",
    }
    assert len(pd.read_csv(tmp_path / "new/stay_probabilities.csv")) == 8


def test_describe_says_why_there_is_no_regression(
    simulated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pd.read_csv(simulated).assign(reward=1).to_csv(tmp_path / "same.csv", index=False)
    assert run("describe", tmp_path / "same.csv", "--task", "otto-2013") == 0
    said = capsys.readouterr().err
    assert said.startswith("no regression: predictors cannot be told apart: rewards, transitions")
    assert len(said.splitlines()) == 1


def test_describe_by_groups_of_people(
    simulated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They have intervals, and it is said that the regression is not by group."""
    frame = pd.read_csv(simulated)
    group = frame["participant"].isin(["s1", "s2", "s3"]).map({True: "patient", False: "control"})
    frame.assign(group=group).to_csv(tmp_path / "groups.csv", index=False)
    files = [tmp_path / "groups.csv", "--task", "otto-2013", "--out", tmp_path / "out"]
    assert run("describe", *files, "--by", "group", "--by", "load") == 0
    said = capsys.readouterr().err
    assert said.startswith("the regression leaves out group, not being numbers: make a column")
    assert len(said.splitlines()) == 1
    terms = pd.read_csv(tmp_path / "out/stay_regression.csv")["term"]
    assert "reward : load" in terms.tolist()
    assert not terms.str.contains("group").any()
    table = pd.read_csv(tmp_path / "out/stay_probabilities.csv")
    assert len(table) == 16
    assert (table["lower"] < table["upper"]).all()
    assert (tmp_path / "out/stay_probabilities_by_group.png").is_file()


def test_describe_by_two_columns_draws_two_figures(simulated: Path, tmp_path: Path) -> None:
    out = tmp_path / "by two"
    split = ["--by", "load", "--by", "previous_load"]
    assert run("describe", simulated, "--task", "otto-2013", *split, "--out", out) == 0
    assert {path.name for path in out.glob("*.png")} == {
        "stay_probabilities_by_load.png",
        "stay_probabilities_by_previous_load.png",
    }


def test_fit_and_figures(
    simulated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit = tmp_path / "fit"
    arguments = [
        "fit",
        simulated,
        "--task",
        "otto-2013",
        "--formula",
        "w ~ 1 + load",
        "--fix",
        "lam=1",
        "--fix",
        "alpha2=alpha1",
        "--prior",
        "w_load_mean=normal(-1, 0.5)",
        "--out",
        fit,
        "--strict",
    ]
    code = run(*arguments, "--draws", 30, "--tune", 60, "--chains", 2)
    assert code == 3  # 60 draws are too few, and --strict says so
    assert "a diagnostic is not as wanted" in capsys.readouterr().err
    group = pd.read_csv(fit / "group.csv").set_index("parameter")
    assert "w_load_mean" in group.index
    assert "lam_mean" not in group.index
    priors = load_fit(fit / "fit.nc").about["priors"]
    assert priors == {"w_load_mean": "Prior('normal', mean=-1, sd=0.5)"}
    assert (
        run(
            "figures",
            fit / "fit.nc",
            "--choices",
            simulated,
            "--draws",
            5,
            "--out",
            tmp_path / "figures",
        )
        == 0
    )
    frame = pd.read_csv(simulated)
    frame[frame["trial"] <= 50].to_csv(tmp_path / "fewer.csv", index=False)
    fewer = ["--choices", tmp_path / "fewer.csv", "--out", tmp_path / "fewer"]
    assert run("figures", fit / "fit.nc", *fewer) == 2
    said = capsys.readouterr().err
    assert "6 participants, 360 trials that count) and the data given (6 participants, 300" in said
    assert "are not of the same choices" in said
    assert not (tmp_path / "fewer").exists()
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == {
        "participant_weights",
        "weight_by_condition",
        "drivers_of_weight",
        "predictive_stay",
    }


def test_compare(simulated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fits = []
    for model in ("model-free", "model-based"):
        out = tmp_path / model
        common = ["--task", "otto-2013", "--method", "mle", "--starts", 2, "--out", out]
        assert run("fit", simulated, "--model", model, *common) == 0
        fits.append(out / "fit.nc")
    tree = load_fit(fits[1]).tree
    tree["estimates"].to_dataset()["converged"].loc["s1"] = False
    mc.Fit(tree).save(fits[1])
    capsys.readouterr()
    assert run("compare", *fits, "--criterion", "aic", "--out", tmp_path / "comparison") == 0
    said = capsys.readouterr()
    assert "evidence by AIC" in said.out
    assert "diagnostics of model-based are not as wanted: participants whose best" in said.err
    assert said.err.endswith("metacontrol: do not rely on the comparison before they are\n")
    table = pd.read_csv(tmp_path / "comparison/comparison.csv")
    assert set(table["model"]) == {"model-free", "model-based"}
    assert pd.read_csv(tmp_path / "comparison/random_effects.csv")["frequency"].sum() == 1
    for option in (("--leave", "future"), ("--choices", simulated)):
        assert run("compare", *fits, *option) == 2
        assert "--leave is for fits of groups, and so is --choices" in capsys.readouterr().err
    assert run("compare", fits[0]) == 2
    assert "two fits or more are compared, got 1" in capsys.readouterr().err


def test_demo_says_first_what_it_cannot_say(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two chains of so few draws bear no conclusion out."""
    whole = mc.fit
    short = {"draws": 50, "tune": 20, "chains": 2, "centring": 0.0}
    monkeypatch.setattr(mc, "fit", lambda *a, **options: whole(*a, **{**options, **short}))
    monkeypatch.setattr("metacontrol.demo.TRIALS", 20)
    assert run("demo", "--out", tmp_path) == 0
    said = capsys.readouterr().out
    assert said.index("what follows is not to be relied on") < said.index("Weight of planning of")


def test_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("models") == run("tasks") == run("data", "list") == 0
    said = capsys.readouterr().out
    for word in ("hybrid-kool", "hbayesdm-ts-par4", "otto-2013", "kool2016-daw", "license"):
        assert word in said


def test_data_get_offline(
    shared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("METACONTROL_DATA", str(shared / "raw"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert run("data", "get", "kool2016-daw", "--out", tmp_path) == 0
    said = capsys.readouterr().out
    assert "doi:10.1371/journal.pcbi.1005090" in said
    assert "license" in said
    original = shared / "data/kool2016-daw/choices.csv"
    assert (tmp_path / "kool2016-daw/choices.csv").read_bytes() == original.read_bytes()


@pytest.mark.parametrize(
    "command",
    [
        "simulate",
        "validate",
        "describe",
        "fit",
        "figures",
        "models",
        "tasks",
        "data list",
        "data get",
        "demo",
    ],
)
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*command.split(), "--help") == 0
    assert f"metacontrol {command}" in capsys.readouterr().out.replace("\n", " ")
