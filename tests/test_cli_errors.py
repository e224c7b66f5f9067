"""How commands end early: errors in one sentence, signals, and output that nobody takes."""

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
from command_line import run

import metacontrol as mc
from metacontrol.interrupts import interruptible
from metacontrol.output import must_be_writable


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "nowhere.csv"], "there is no file nowhere.csv"),
        (["describe", "nowhere.csv", "--task", "daw"], "there is no task 'daw'; known: daw-2011"),
        (["simulate", "--model", "hybird"], "there is no model 'hybird'; known: hybrid"),
        (["simulate", "--participants", "0"], "--participants must be 1 or more"),
        (["simulate", "--trials", "0"], "trials must be 1 or more"),
        (["simulate", "--seed", "-1"], "--seed must be 0 or more, got -1"),
        (["figures", "nowhere.nc"], "there is no file nowhere.nc"),
        (
            ["fit", "nowhere.csv", "--method", "mle", "--draws", "9"],
            "--draws is for em, em-laplace, two-stage, nuts: mle takes no notice of it",
        ),
        (
            ["confuse", "hybrid", "model-free", "--starts", "9", "--method", "em"],
            "--starts is for mle, map: em takes no notice of it",
        ),
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
    assert run(*arguments) == 2
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
    assert run(*command.split(), "--out", "file/below/out") == 2
    told = capsys.readouterr()
    assert re.match("metacontrol: cannot make the folder .*file/below.*: Not a dir", told.err)
    assert not told.out
    assert run(*command.split(), "--out", "/proc/out") == 2
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
    assert run("simulate", "--participants", 40, "--out", tmp_path) == 0
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


def test_who_stops_a_run_hears_how_it_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*arguments: object, checkpoint: Path, **options: object) -> None:
        checkpoint.mkdir()
        (checkpoint / "participants-000000.nc").touch()
        raise KeyboardInterrupt

    assert run("simulate", "--participants", 2, "--trials", 8, "--out", tmp_path) == 0
    monkeypatch.setattr(mc, "fit", stopped)
    assert run("fit", tmp_path / "choices.csv", "--out", tmp_path / "fit") == 130
    said = "metacontrol: the same command with --resume goes on from 1 finished part(s) in "
    assert f"{said}{tmp_path / 'fit' / 'parts'}\n" in capsys.readouterr().err


def test_python_runs_the_package() -> None:
    command = [sys.executable, "-m", "metacontrol", "models"]
    assert "hybrid-kool" in subprocess.run(command, capture_output=True, text=True).stdout


def test_sigterm_stops_a_command_and_its_half_file_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(self: pd.DataFrame, path: Path, **options: object) -> None:
        path.write_text("half")
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(pd.DataFrame, "to_csv", stopped)
    before = signal.getsignal(signal.SIGTERM)
    assert run("simulate", "--participants", 2, "--trials", 8, "--out", tmp_path) == 143
    assert capsys.readouterr().err == "metacontrol: stopped\n"
    assert not list(tmp_path.iterdir())
    assert signal.getsignal(signal.SIGTERM) == before


def _simulate_saying_it_to(
    stream: TextIO, out: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, set[str]]:
    """Return the exit code of a command that says something to a stream, and what it wrote."""
    with stream:
        monkeypatch.setattr(sys, "stdout", stream)
        code = run("simulate", "--participants", 2, "--trials", 8, "--out", out)
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
    assert run("models") == 2
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
        assert run("models") == 0
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
