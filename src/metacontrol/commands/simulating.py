"""Simulate participants."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import metacontrol as mc
from metacontrol.commands.options import Folder, ModelName, Seed, TaskName, find_model, find_task
from metacontrol.output import make_folder, must_be_writable, read_table, write_table


def simulate(
    model: ModelName = "hybrid",
    task: TaskName = "daw-2011",
    parameters: Annotated[
        Path | None, typer.Option(help="Table of parameters, one row a participant.")
    ] = None,
    participants: Annotated[
        int, typer.Option(help="Without a table: how many, with parameters drawn from the priors.")
    ] = 40,
    trials: Annotated[int | None, typer.Option(help="Trials of each; default: the task's.")] = None,
    seed: Seed = 1,
    out: Folder = Path("simulated"),
) -> None:
    """Simulate participants; write choices.csv and parameters.csv.

    Example: `metacontrol simulate --model hybrid --task otto-2013 --participants 60 --seed 1`
    """
    must_be_writable(out)
    chosen = find_model(model)
    if parameters is None:
        if participants < 1:
            raise ValueError(f"--participants must be 1 or more, got {participants}")
        table = mc.draw_participants(chosen, participants, seed=seed)
    else:
        table = read_table(parameters)
    played = mc.simulate(chosen, find_task(task), table, trials=trials, seed=seed)
    print(played)
    write_table(played.frame, out / "choices.csv")
    write_table(table, out / "parameters.csv")


def demo(seed: Seed = 1, out: Folder = Path("demo")) -> None:
    """Simulate a load experiment, recover the weight of planning, draw what came out.

    Example: `metacontrol demo --seed 1 --out demo`
    """
    from metacontrol.demo import run

    must_be_writable(out)
    make_folder(out)
    run(out, seed)
