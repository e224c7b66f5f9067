"""Long fits from the command line: killed, shared among machines, and with nowhere to write."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pytest
import xarray as xr

import metacontrol as mc
from metacontrol.alone import working_in
from metacontrol.cli import main
from metacontrol.fitting.checkpoint import finished

COMMAND = [sys.executable, "-m", "metacontrol.cli"]
MAP = ["--method", "map", "--starts", 64, "--fix", "lam=1"]  # two participants a lot


def _run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def choices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    few = ["--participants", 6, "--trials", 30, "--seed", 3]
    assert _run("simulate", *few, "--out", folder) == 0
    return folder / "choices.csv"


def _same(one: Path, other: Path) -> bool:
    """Whether two saved fits are equal, to the last bit of each number."""
    first, second = mc.load_fit(one), mc.load_fit(other)
    for group in first.tree.children:
        xr.testing.assert_equal(*(fit.tree[group].to_dataset() for fit in (first, second)))
    return first.about == second.about


@pytest.fixture(scope="module")
def whole(choices: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    assert _run("fit", choices, *MAP, "--out", out) == 0
    assert not (out / "parts").exists()
    return out / "fit.nc"


def test_shards_and_gather(
    choices: Path,
    whole: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fit = ["fit", choices, *MAP, "--out", tmp_path]
    assert _run(*fit, "--shard", "1/2") == 0
    assert "4 participants are done" in capsys.readouterr().out
    assert _run("gather", tmp_path) == 2
    assert "those of shard 2/2" in capsys.readouterr().err
    assert _run(*fit, "--shard", "auto/2") == 2
    assert "needs SLURM_ARRAY_TASK_ID" in capsys.readouterr().err
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    assert _run(*fit, "--shard", "auto/2") == _run(*fit, "--shard", "auto/2") == 0
    assert _run("gather", tmp_path) == _run("gather", tmp_path) == 0
    assert _same(tmp_path / "fit.nc", whole)
    table = (tmp_path / "participants.csv").read_bytes()
    assert table == (whole.parent / "participants.csv").read_bytes()


def test_what_was_begun_is_not_thrown_away(
    choices: Path, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit = ["fit", choices, *MAP, "--out", tmp_path]
    assert _run(*fit, "--shard", "1/1") == 0
    assert _run(*fit) == 2
    assert "parts holds 3 finished part(s) of a run: add --resume" in capsys.readouterr().err
    assert _run(*fit, "--resume", "--seed", 2) == 2
    assert "about.settings.seed is 1 there and 2 here" in capsys.readouterr().err
    assert _run(*fit, "--resume") == 0
    assert _same(tmp_path / "fit.nc", whole)
    assert not (tmp_path / "parts").exists()


def test_a_finished_run_is_not_fitted_again(
    choices: Path,
    whole: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fit = ["fit", choices, *MAP, "--out", tmp_path]

    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("metacontrol.commands.fitting.write_table", killed)
        assert _run(*fit) == 130
    assert finished(tmp_path / "parts") == 3  # until the tables are there too
    monkeypatch.setattr("metacontrol.fitting.point.Lot.search", killed)
    assert _run(*fit, "--resume") == 0
    assert _same(tmp_path / "fit.nc", whole)
    assert not (tmp_path / "parts").exists()
    (tmp_path / "group.csv").unlink()
    capsys.readouterr()
    assert _run(*fit, "--resume") == 0
    assert "fit.nc is this very fit, finished" in capsys.readouterr().err
    for table in ("group.csv", "participants.csv", "diagnostics.csv"):
        assert (tmp_path / table).read_bytes() == (whole.parent / table).read_bytes()
    assert _run(*fit, "--resume", "--seed", 2) == 130  # another run: it is fitted
    assert _run(*fit) == 130
    assert f"replaces {tmp_path / 'fit.nc'}: to keep it, give" in capsys.readouterr().err


def test_two_fits_do_not_write_to_one_folder(
    choices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit = ["fit", choices, *MAP, "--out", tmp_path]
    with working_in(tmp_path, alone=True):
        assert _run(*fit) == 2
        assert f"process {os.getpid()} on" in (said := capsys.readouterr().err)
        assert f"is at work in {tmp_path}: wait for it, or give another --out" in said
        assert _run(*fit, "--shard", "1/2") == 0
    assert {path.name for path in tmp_path.iterdir()} == {"parts"}
    (tmp_path / ".running").write_text("process 1 on a computer that was switched off")
    assert _run(*fit, "--resume") == 2
    assert "shards is 2 there and 1 here" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"parts"}


@pytest.mark.parametrize(
    ("jobs", "cores"), [([], None), (["--jobs", "2"], 2), (["--jobs", "-1"], None)]
)
def test_jobs_limit_how_many_chains_run_at_once(
    jobs: list[str],
    cores: int | None,
    choices: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = {}

    def told(*arguments: object, **options: object) -> None:
        asked.update(options)
        raise ValueError

    monkeypatch.setattr(mc, "fit", told)
    assert _run("fit", choices, *jobs, "--out", tmp_path / "out") == 2
    assert asked["cores"] == cores
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "CHOICES", "--jobs", "0"], "--jobs must be 1 or more, or -1 for one a proc.* 0"),
        (["fit", "CHOICES", "--shard", "\uff11/\uff12"], "--shard takes I/N with I from 1 to N"),
        (["fit", "CHOICES", "--shard", "3/2"], "--shard takes I/N with I from 1 to N"),
        (["fit", "CHOICES", "--shard", "1/2"], "a shard needs method='mle' or 'map'"),
        (["fit", "CHOICES", "--out", "CHOICES/fit"], "cannot make the folder .*: Not a directory"),
        (["fit", "CHOICES", "--out", "/proc/fit"], "cannot make the folder /proc/fit: No such"),
        (["gather", "nowhere"], "holds no parts of a fit"),
        (["plan", "--slurm", "2", "fit", "CHOICES"], "plan takes a fit by --method mle or map"),
        (
            ["plan", "--slurm", "2", "--time", "banana", "--", "fit", "CHOICES"],
            "--time takes minutes, HH:MM:SS or D-HH:MM:SS, got 'banana'",
        ),
        (
            ["plan", "--slurm", "2", "--memory", "4G; rm -rf x", "--", "fit", "CHOICES"],
            "--memory takes a number with K, M, G or T, such as 4G, got '4G; rm -rf x'",
        ),
        (
            ["plan", "--slurm", "2", "--time", "1:0\n", "--", "fit", "CHOICES"],
            r"--time takes .*, got '1:0\\n'",
        ),
        (["plan", "--slurm", "2", "demo"], "plan takes fit, sbc, recover, doctor after two dashes"),
        (
            ["plan", "--slurm", "9", "--", "sbc", "--simulations", "8"],
            "for 8 simulated groups, got 9",
        ),
        (["sbc", "--simulations", "2", "--shard", "3/3"], "nothing is left for shard 3: 2 shards"),
        (["doctor", "--effect", "w ~ load = 1", "--shard", "1/2"], "add --simulations"),
        (
            ["plan", "--slurm", "4", "--", "fit", "CHOICES", "--method", "mle", "--starts", "64"],
            "--slurm must be from 1 to 3 for 6 participants and 64 starts, got 4",
        ),
    ],
)
def test_errors_are_one_sentence_and_leave_nothing(
    arguments: list[str],
    message: str,
    choices: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run(*(a.replace("CHOICES", str(choices)) for a in arguments)) == 2
    said = capsys.readouterr().err
    assert re.search(message, said)
    assert len(said.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def _process(*arguments: object, before: str = "") -> subprocess.Popen:
    """Start the command line in a process of its own, from a shell that was told something."""
    words = ["bash", "-c", f'{before} exec "$@"', "bash", *COMMAND, *map(str, arguments)]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_full_disk_is_said_and_leaves_the_older_file(choices: Path, tmp_path: Path) -> None:
    (tmp_path / "fit.nc").write_bytes(b"older")
    arguments = ["fit", choices, *MAP, "--out", tmp_path]
    process = _process(*arguments, before="ulimit -f 6;")  # no file beyond 6 kB
    said = process.communicate(timeout=900)[1]
    assert process.returncode == 2
    assert said.endswith("participants-000000.nc: File too large\n")
    assert f"metacontrol: cannot write {tmp_path}/parts/" in said
    assert [path.name for path in tmp_path.iterdir()] == ["fit.nc"]
    assert (tmp_path / "fit.nc").read_bytes() == b"older"


def _kill_when_some_is_done(arguments: Sequence[object], parts: Path, least: int) -> None:
    process = _process(*arguments)
    until = time.monotonic() + 900
    while finished(parts) < least and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert finished(parts) >= least


@pytest.mark.slow
def test_a_killed_point_fit_goes_on(tmp_path: Path) -> None:
    assert _run("simulate", "--participants", 24, "--trials", 60, "--out", tmp_path) == 0
    fit = ["fit", tmp_path / "choices.csv", *MAP, "--out"]
    _kill_when_some_is_done([*fit, tmp_path / "killed"], tmp_path / "killed/parts", 3)
    assert finished(tmp_path / "killed/parts") < 12
    assert not (tmp_path / "killed/fit.nc").exists()
    assert _run(*fit, tmp_path / "killed", "--resume", "--jobs", 2) == 0
    assert _run(*fit, tmp_path / "whole") == 0
    assert _same(tmp_path / "killed/fit.nc", tmp_path / "whole/fit.nc")


@pytest.mark.slow
def test_a_killed_sampler_goes_on(choices: Path, tmp_path: Path) -> None:
    fit = ["fit", choices, "--chains", 4, "--draws", 50, "--tune", 50, "--fix", "lam=1", "--out"]
    _kill_when_some_is_done([*fit, tmp_path / "killed"], tmp_path / "killed/parts", 2)
    assert 2 <= finished(tmp_path / "killed/parts") < 5  # centring and some of four chains
    assert not (tmp_path / "killed/fit.nc").exists()
    assert _run(*fit, tmp_path / "killed", "--resume") == 0
    assert _run(*fit, tmp_path / "whole") == 0
    assert _same(tmp_path / "killed/fit.nc", tmp_path / "whole/fit.nc")


def _same_tables(one: Path, other: Path) -> None:
    """Assert that two folders have the same files, and tables that are equal to the byte."""
    names = {path.name for path in one.iterdir()}
    assert {path.name for path in other.iterdir()} == names
    tables = [name for name in names if name.endswith(".csv")]
    assert tables
    for name in tables:
        assert (one / name).read_bytes() == (other / name).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("command", ["sbc", "recover"])
def test_groups_in_shards_and_processes(command: str, tmp_path: Path) -> None:
    few = ["--simulations", 4, "--draws", 60, "--tune", 60]
    run = [command, "--model", "model-based", "--participants", 3, "--trials", 20, *few, "--out"]
    shards = tmp_path / "shards"
    assert _run(*run, shards, "--shard", "2/2") == _run(*run, shards, "--shard", "1/2") == 0
    parts = shards / "parts" / ("" if command == "sbc" else "3-people-20-trials")
    assert finished(parts) == 4
    assert [path.name for path in shards.iterdir()] == ["parts"]
    assert _run(*run, shards, "--resume") == 0
    assert _run(*run, tmp_path / "jobs", "--jobs", 2) == 0
    assert _run(*run, tmp_path / "whole") == 0
    for other in ("shards", "jobs"):
        _same_tables(tmp_path / "whole", tmp_path / other)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["sbc", "recover"])
def test_a_killed_calibration_goes_on(command: str, tmp_path: Path) -> None:
    """SIGKILL after two of five groups: what is written is the same to the byte."""
    few = ["--simulations", 5, "--draws", 60, "--tune", 60]
    one = ["--participants", 3, "--trials", 20]
    run = [command, "--model", "model-based", *one, *few, "--out"]
    parts = tmp_path / "killed/parts" / ("" if command == "sbc" else "3-people-20-trials")
    _kill_when_some_is_done([*run, tmp_path / "killed"], parts, 2)
    assert 2 <= finished(parts) < 5
    assert [p.name for p in (tmp_path / "killed").iterdir() if p.name != ".running"] == ["parts"]
    assert _run(*run, tmp_path / "killed") == 2  # without --resume
    assert _run(*run, tmp_path / "killed", "--resume") == 0
    assert _run(*run, tmp_path / "whole") == 0
    _same_tables(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.parametrize(
    "time", ["90", "90:30", "1:30:00", "1-0", "1-0:30", "2-03:04:05", "infinite"]
)
@pytest.mark.parametrize("memory", ["4G", "512M", "4096", "2tb"])
def test_what_slurm_takes_is_taken(time: str, memory: str, choices: Path, tmp_path: Path) -> None:
    script = ["--time", time, "--memory", memory, "--script", tmp_path / "submit.sh"]
    assert _run("plan", "--slurm", 2, *script, "--", "fit", choices, *MAP) == 0
    written = (tmp_path / "submit.sh").read_text()
    assert f"#SBATCH --time={time}\n" in written
    assert written.count(f"#SBATCH --mem={memory}\n") == 2


def test_what_joins_the_shards_is_as_strict_as_they_are(choices: Path, tmp_path: Path) -> None:
    plan = ["plan", "--slurm", 2, "--script", tmp_path / "submit.sh", "--"]
    fit = ["fit", choices, *MAP, "--out", "out"]
    assert _run(*plan, *fit) == 0
    assert " gather out\n" in (tmp_path / "submit.sh").read_text()
    assert _run(*plan, *fit, "--strict") == 0
    assert " gather out --strict\n" in (tmp_path / "submit.sh").read_text()


@pytest.mark.slow
def test_the_script_for_slurm_runs(
    choices: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands for sbatch runs each task of the array at once, one after the other."""
    sbatch = tmp_path / "bin/sbatch"
    sbatch.parent.mkdir()
    sbatch.write_text(
        "#!/bin/bash\n"
        'echo "sbatch $*" >>log; job=$(mktemp); cat >"$job"; grep "^#SBATCH" "$job" >>log\n'
        "last=$(sed -n 's/^#SBATCH --array=1-//p' \"$job\")\n"
        'for SLURM_ARRAY_TASK_ID in $(seq "${last:-1}"); do\n'
        '    export SLURM_ARRAY_TASK_ID; bash "$job" >/dev/null || exit 1\n'
        "done; echo '12;cluster'\n"
    )
    sbatch.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for name in ("csv", "random"):  # nor are they Python's own
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not the library')")
    assert _run("plan", "--slurm", 2, "--", "fit", choices, *MAP, "--out", "the fit") == 0
    path = f"{sbatch.parent}:{os.environ['PATH']}"
    subprocess.run(["bash", "submit.sh"], check=True, env=os.environ | {"PATH": path}, timeout=600)
    assert _same(tmp_path / "the fit/fit.nc", whole)
    log = (tmp_path / "log").read_text()
    assert "--array=1-2" in log
    assert "sbatch --dependency=afterok:12\n" in log


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # those of a cluster whose worker was killed
def test_a_dask_cluster_that_loses_a_worker_finds_the_same(choices: Path, whole: Path) -> None:
    from dask.distributed import Client, LocalCluster

    data = mc.read_choices(choices, mc.tasks.DAW_2011)
    people = [data.frame.assign(participant=data.frame["participant"] + x) for x in "abcd"]
    more = mc.Choices(pd.concat(people, ignore_index=True), data.task)
    model = mc.models.HYBRID.fix(lam=1.0)
    alone = mc.fit(model, more, method="map", starts=64, seed=1)
    few: Any = {"participants": 2, "trials": 10, "simulations": 3, "ranks": 20, "seed": 1}
    few |= {"draws": 60, "tune": 60}
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        victim = min(client.run(os.getpid).values())
        killed: list[float] = []

        def kill(share: float, note: str = "") -> None:
            if share > 0.2 and not killed:
                os.kill(victim, signal.SIGKILL)
                killed.append(share)

        with pytest.MonkeyPatch.context() as patch, joblib.parallel_config("dask"):
            patch.setattr("metacontrol.fitting.sampling.bar._tell", lambda self, share: kill(share))
            found = mc.fit(model, more, method="map", starts=64, seed=1)
            simulated = mc.sbc(mc.models.MODEL_BASED, data.task, **few)
        assert killed
        assert victim not in client.run(os.getpid).values()
    pd.testing.assert_frame_equal(simulated, mc.sbc(mc.models.MODEL_BASED, data.task, **few))
    tables = (fit.tree["estimates"].to_dataset() for fit in (found, alone))
    xr.testing.assert_equal(*tables)
