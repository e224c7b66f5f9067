"""Share a long fit among the machines of a cluster."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

import metacontrol as mc
from metacontrol.alone import PARTS
from metacontrol.commands.fitting import Strict, fit, tell_fit, write_fit
from metacontrol.commands.options import read_choices
from metacontrol.commands.trusting import doctor, recover, sbc
from metacontrol.output import must_be_writable
from metacontrol.tasks.files import whole_file

SCRIPT = """\
#!/bin/bash
# {what} in {shards} shards, then joins them: run it where sbatch is, by
#   bash {script}
# A shard that failed is run again by running all of this again: what is done stays done.
set -euo pipefail

shards=$(sbatch --parsable <<'END'
#!/bin/bash
#SBATCH --job-name=metacontrol-{name}
#SBATCH --array=1-{shards}
#SBATCH --time={time}
{resources}
exec {run} --shard auto/{shards}
END
)

sbatch --dependency="afterok:${{shards%%;*}}" <<'END'
#!/bin/bash
#SBATCH --job-name=metacontrol-gather
#SBATCH --time=01:00:00
#SBATCH --kill-on-invalid-dep=yes
{resources}
exec {gather}
END
"""
RESOURCES = """\
#SBATCH --cpus-per-task=1
#SBATCH --mem={memory}
#SBATCH --requeue
export PYTHONSAFEPATH=1  # a csv.py in the folder of the job is not Python's
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 JAX_PLATFORMS=cpu
export XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
export PYTENSOR_FLAGS="base_compiledir=${TMPDIR:-/tmp}/pytensor"
"""
SHARED: Mapping[str, Callable[..., None]] = {
    "fit": fit,
    "sbc": sbc,
    "recover": recover,
    "doctor": doctor,
}
# As SLURM writes them, see man sbatch.
TIME = r"[0-9]+(:[0-9]+){0,2}|[0-9]+-[0-9]+(:[0-9]+){0,2}|UNLIMITED|INFINITE"
MEMORY = "[0-9]+[KMGT]?B?"


def plan(
    command: Annotated[
        list[str],
        typer.Argument(metavar="-- COMMAND ...", help="fit, sbc, recover or doctor, as it is run."),
    ],
    slurm: Annotated[int, typer.Option(help="Number of shards: tasks of a SLURM array.")],
    time: Annotated[str, typer.Option(help="Time limit of a shard; see man sbatch.")] = "04:00:00",
    memory: Annotated[str, typer.Option(help="Memory of a shard, as SLURM writes it.")] = "4G",
    script: Annotated[Path, typer.Option(help="The script to write.")] = Path("submit.sh"),
) -> None:
    """Write the script that runs a command as a SLURM array and joins its shards.

    A fit by mle or map is shared by participants; sbc, recover, and a doctor with --effect and
    --simulations by simulated groups.

    Examples: `metacontrol plan --slurm 20 -- fit choices.csv --method map --out fit`;
    `metacontrol plan --slurm 50 -- sbc --model hybrid --simulations 200 --out calibration`
    """
    if not re.fullmatch(TIME, time, re.IGNORECASE):
        raise ValueError(f"--time takes minutes, HH:MM:SS or D-HH:MM:SS, got {time!r}")
    if not re.fullmatch(MEMORY, memory, re.IGNORECASE):
        raise ValueError(f"--memory takes a number with K, M, G or T, such as 4G, got {memory!r}")
    options = _options(command)
    if options["shard"] is not None:
        raise ValueError("plan gives --shard itself: leave it out")
    run = [sys.executable, "-m", "metacontrol.cli"]
    if command[0] == "fit":
        what, most, of = _shares_of_fit(options)
        gather = [*run, "gather", str(options["out"]), *["--strict"] * options["strict"]]
    else:
        most = options["simulations"]
        what, of = f"Fits {most:,} simulated groups", f"{most:,} simulated groups"
        gather = [*run, *command, "--resume"]
    if not 1 <= slurm <= most:
        raise ValueError(f"--slurm must be from 1 to {most} for {of}, got {slurm}")
    with whole_file(script) as part:
        part.write_text(
            SCRIPT.format(
                what=what,
                name=command[0],
                shards=slurm,
                script=script,
                time=time,
                resources=RESOURCES.replace("{memory}", memory),
                run=shlex.join([*run, *command]),
                gather=shlex.join(gather),
            )
        )
    print(f"wrote {script}: run it by bash {shlex.quote(str(script))}")


def _options(command: list[str]) -> dict[str, Any]:
    """Return a command's options as its command line gives them, after the usual checks."""
    if command[0] not in SHARED:
        raise ValueError(
            f"plan takes {', '.join(SHARED)} after two dashes: -- fit CHOICES ..., got {command[0]}"
        )
    app = typer.Typer()
    app.command()(SHARED[command[0]])
    return typer.main.get_command(app).make_context(command[0], command[1:]).params


def _shares_of_fit(options: Mapping[str, Any]) -> tuple[str, int, str]:
    """Return what a fit does, into how many shards it can be divided, and of what."""
    from metacontrol.fitting.point import lots

    if options["method"] not in ("mle", "map"):
        raise ValueError("plan takes a fit by --method mle or map")
    reading = ("choices", "task", "choices_from", "missed", "column", "exclude_first")
    participants = len(read_choices(*(options[name] for name in reading)).participants)
    of = f"{participants:,} participants and {options['starts']} starts"
    return f"Fits {participants:,} participants", len(lots(participants, options["starts"])), of


def gather(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="What --out was for the shards.")
    ],
    strict: Strict = False,
) -> None:
    """Join the shards of a fit; write fit.nc and its tables.

    Example: `metacontrol gather fit`
    """
    must_be_writable(folder)
    found = mc.gather(folder / PARTS)
    write_fit(found, folder)
    tell_fit(found, strict)
