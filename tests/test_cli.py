"""The command line: every command on real files, and errors in one sentence."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO

import pandas as pd
import pytest

from metacontrol.cli import main
from metacontrol.fitting import load_fit
from metacontrol.interrupts import interruptible
from metacontrol.output import must_be_writable


def _run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    code = _run(
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
        _run(
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
    assert _run("validate", simulated, "--task", "otto-2013") == 0
    assert "6 participants, 360 complete trials" in capsys.readouterr().out
    frame = pd.read_csv(simulated)
    frame.loc[30, "first_choice"] = 2
    frame.to_csv(tmp_path / "bad.csv", index=False)
    assert _run("validate", tmp_path / "bad.csv", "--task", "otto-2013") == 1
    said = capsys.readouterr().out
    assert "first_choice must be 0 or 1, got 2" in said
    assert "participant 's1', trial 31, line 32" in said


def test_describe_writes_tables_and_figure(
    simulated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        _run(
            "describe", simulated, "--task", "otto-2013", "--by", "load", "--out", tmp_path / "new"
        )
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
    assert _run("describe", tmp_path / "same.csv", "--task", "otto-2013") == 0
    said = capsys.readouterr().err
    assert said.startswith("no regression: predictors cannot be told apart: rewards, transitions")
    assert len(said.splitlines()) == 1


def test_describe_by_two_columns_draws_two_figures(simulated: Path, tmp_path: Path) -> None:
    out = tmp_path / "by two"
    split = ["--by", "load", "--by", "previous_load"]
    assert _run("describe", simulated, "--task", "otto-2013", *split, "--out", out) == 0
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
    code = _run(*arguments, "--draws", 30, "--tune", 60, "--chains", 2)
    assert code == 3  # 60 draws are too few, and --strict says so
    assert "a diagnostic is not as wanted" in capsys.readouterr().err
    group = pd.read_csv(fit / "group.csv").set_index("parameter")
    assert "w_load_mean" in group.index
    assert "lam_mean" not in group.index
    priors = load_fit(fit / "fit.nc").about["priors"]
    assert priors == {"w_load_mean": "Prior('normal', mean=-1, sd=0.5)"}
    assert (
        _run(
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
    assert _run("figures", fit / "fit.nc", *fewer) == 2
    said = capsys.readouterr().err
    assert "6 participants, 360 trials that count) and the data given (6 participants, 300" in said
    assert "are not of the same choices" in said
    assert not (tmp_path / "fewer").exists()
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == {
        "participant_weights",
        "weight_by_condition",
        "course_of_weight",
        "course_of_weight_by_load",
        "drivers_of_weight",
        "predictive_stay",
    }


def test_compare(simulated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fits = []
    for model in ("model-free", "model-based"):
        out = tmp_path / model
        common = ["--task", "otto-2013", "--method", "mle", "--starts", 2, "--out", out]
        assert _run("fit", simulated, "--model", model, *common) == 0
        fits.append(out / "fit.nc")
    capsys.readouterr()
    assert _run("compare", *fits, "--criterion", "aic", "--out", tmp_path / "comparison") == 0
    assert "evidence by AIC" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "comparison/comparison.csv")
    assert set(table["model"]) == {"model-free", "model-based"}
    assert pd.read_csv(tmp_path / "comparison/random_effects.csv")["frequency"].sum() == 1
    assert _run("compare", fits[0]) == 2
    assert "two fits or more are compared, got 1" in capsys.readouterr().err


def test_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("models") == _run("tasks") == _run("data", "list") == 0
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
    assert _run("data", "get", "kool2016-daw", "--out", tmp_path) == 0
    said = capsys.readouterr().out
    assert "doi:10.1371/journal.pcbi.1005090" in said
    assert "license" in said
    original = shared / "data/kool2016-daw/choices.csv"
    assert (tmp_path / "kool2016-daw/choices.csv").read_bytes() == original.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "nowhere.csv"], "there is no file nowhere.csv"),
        (["describe", "nowhere.csv", "--task", "daw"], "there is no task 'daw'; known: daw-2011"),
        (["simulate", "--model", "hybird"], "there is no model 'hybird'; known: hybrid"),
        (["simulate", "--participants", "0"], "--participants must be 1 or more"),
        (["simulate", "--trials", "0"], "trials must be 1 or more"),
        (["figures", "nowhere.nc"], "there is no file nowhere.nc"),
        (["data", "get", "gilan"], "no published data are called 'gilan'"),
    ],
)
def test_errors_are_one_sentence(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run(*arguments) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "command",
    [
        "simulate --model nobody",
        "describe nowhere.csv",
        "compare nowhere.nc",
        "fit nowhere.csv",
        "figures nowhere.nc",
        "report nowhere.nc",
        "tasks show nothing",
        "data get nothing",
        "demo",
    ],
)
def test_where_to_write_is_looked_at_first(
    command: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert _run(*command.split(), "--out", "file/below/out") == 2
    told = capsys.readouterr()
    assert re.match("metacontrol: cannot make the folder .*file/below.*: Not a dir", told.err)
    assert not told.out
    assert _run(*command.split(), "--out", "/proc/out") == 2
    assert "/proc" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_can_be_written_to_is_left_as_it_is(tmp_path: Path) -> None:
    must_be_writable(tmp_path)
    must_be_writable(tmp_path / "new/below")
    (tmp_path / "gone").symlink_to("nowhere")
    with pytest.raises(OSError, match="cannot make the folder .*gone: No such file"):
        must_be_writable(tmp_path / "gone")
    assert [path.name for path in tmp_path.iterdir()] == ["gone"]


@pytest.mark.slow
def test_ctrl_c_ends_a_fit_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    assert _run("simulate", "--participants", 40, "--out", tmp_path) == 0
    command = [sys.executable, "-u", "-m", "metacontrol.cli", "fit", str(tmp_path / "choices.csv")]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path / "fit")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert "40 participants" in process.stdout.readline()
    time.sleep(20)  # the quick pass, or a chain, is under way
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    left = {path.name for path in (tmp_path / "fit").rglob("*")}
    assert left <= {"parts", "run.json", "information.nc"}


def test_sigterm_stops_a_command_and_its_half_file_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(self: pd.DataFrame, path: Path, **options: object) -> None:
        path.write_text("half")
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(pd.DataFrame, "to_csv", stopped)
    before = signal.getsignal(signal.SIGTERM)
    assert _run("simulate", "--participants", 2, "--trials", 8, "--out", tmp_path) == 143
    assert capsys.readouterr().err == "metacontrol: stopped\n"
    assert not list(tmp_path.iterdir())
    assert signal.getsignal(signal.SIGTERM) == before


def _simulate_saying_it_to(
    stream: TextIO, out: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, set[str]]:
    """Return the exit code of a command that says something to a stream, and what it wrote."""
    with stream:
        monkeypatch.setattr(sys, "stdout", stream)
        code = _run("simulate", "--participants", 2, "--trials", 8, "--out", out)
    return code, {path.name for path in out.iterdir()}


BOTH = {"choices.csv", "parameters.csv"}


def test_files_are_written_though_nobody_listens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = os.pipe()
    os.close(read)
    closed = os.fdopen(write, "w", buffering=1)
    assert _simulate_saying_it_to(closed, tmp_path / "closed", monkeypatch) == (0, BOTH)
    assert not capsys.readouterr().err
    full = Path("/dev/full").open("w", buffering=1)
    assert _simulate_saying_it_to(full, tmp_path / "full", monkeypatch) == (2, BOTH)
    told = capsys.readouterr().err
    assert told == "metacontrol: cannot write to standard output: No space left on device\n"


def test_a_library_that_does_not_load_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise ImportError("jax.so: failed to map segment from shared object")

    monkeypatch.setattr("metacontrol.commands.listing._print_model", full)
    assert _run("models") == 2
    assert capsys.readouterr().err == (
        "metacontrol: a library is not loaded (too little memory?): "
        "jax.so: failed to map segment from shared object\n"
    )


def test_letters_that_a_terminal_does_not_have_are_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = tmp_path / "said"
    with said.open("w", encoding="ascii") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert _run("models") == 0
    assert "hybrid-kool" in said.read_text()


def test_ctrl_c_in_a_callback_of_the_garbage_collector_is_not_lost() -> None:
    def _xla_gc_callback() -> None:
        signal.raise_signal(signal.SIGINT)

    after = []

    def compile_models() -> None:
        _xla_gc_callback()
        after.append("the callback")
        time.sleep(10)

    with interruptible(), pytest.raises(KeyboardInterrupt):
        compile_models()
    assert after


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
    assert _run(*command.split(), "--help") == 0
    assert f"metacontrol {command}" in capsys.readouterr().out.replace("\n", " ")
