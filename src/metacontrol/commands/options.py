"""What commands have in common: options, and what their values stand for."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

import metacontrol as mc

File = Annotated[Path, typer.Argument(metavar="CHOICES", help="Table of choices, one row a trial.")]
TaskName = Annotated[str, typer.Option("--task", help="The task; see `metacontrol tasks`.")]
ModelName = Annotated[str, typer.Option("--model", help="The model; see `metacontrol models`.")]


def _seed(value: int) -> int:
    if value < 0:
        raise ValueError(f"--seed must be 0 or more, got {value}")
    return value


Seed = Annotated[int, typer.Option("--seed", callback=_seed, help="Seed of all chance.")]
Folder = Annotated[Path, typer.Option("--out", help="Folder to write to; made if not there.")]
ChoicesFrom = Annotated[int, typer.Option(help="Number of the first option in the file, 0 or 1.")]
Missed = Annotated[list[float], typer.Option(help="A number that means missed; may be repeated.")]
Columns = Annotated[
    list[str], typer.Option("--column", help="OURS=THEIRS, where a column has another name.")
]
ExcludeFirst = Annotated[int, typer.Option(help="Leave out each participant's first trials.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")]
By = Annotated[list[str], typer.Option("--by", help="A column to split by, or previous_COLUMN.")]


def _named(things: Sequence[Any], name: str, kind: str) -> Any:
    for thing in things:
        if thing.name == name:
            return thing
    known = ", ".join(thing.name for thing in things)
    raise ValueError(f"there is no {kind} {name!r}; known: {known}")


def find_model(name: str) -> Any:
    """Return one of our models by its name; raise ValueError with the known names."""
    return _named(mc.models.MODELS, name, "model")


def find_task(name: str) -> Any:
    """Return one of our tasks by its name; raise ValueError with the known names."""
    return _named(mc.tasks.TASKS, name, "task")


def pair(text: str, option: str, sign: str = "=") -> tuple[str, str]:
    """Return what stands left and right of a sign; raise ValueError naming the option."""
    left, found, right = text.partition(sign)
    if not found or not left.strip() or not right.strip():
        raise ValueError(f"{option} takes NAME {sign} VALUE, got {text!r}")
    return left.strip(), right.strip()


def find_formulas(texts: Sequence[str]) -> dict[str, str]:
    """Return formulas by parameter, from the option --formula."""
    return dict(pair(text, "--formula", "~") for text in texts)


def find_shard(text: str | None) -> tuple[int, int]:
    """Return which of how many shards, from I/N, or auto/N by SLURM_ARRAY_TASK_ID.

    Examples
    --------
    >>> find_shard("2/8")
    (2, 8)
    """
    if text is None:
        return 1, 1
    number, _, count = text.partition("/")
    if number == "auto":
        number = os.environ.get("SLURM_ARRAY_TASK_ID", "")
        if not number:
            raise ValueError(f"--shard {text} needs SLURM_ARRAY_TASK_ID: there is none")
    digits = re.fullmatch("[0-9]+/[0-9]+", f"{number}/{count}")
    if not digits or not 1 <= int(number) <= int(count):
        raise ValueError(f"--shard takes I/N with I from 1 to N, or auto/N, got {number}/{count}")
    return int(number), int(count)


@contextmanager
def jobs_at_once(jobs: int | None) -> Iterator[None]:
    """Have joblib work in so many processes."""
    from joblib import parallel_config

    if jobs is not None and jobs < 1 and jobs != -1:
        raise ValueError(f"--jobs must be 1 or more, or -1 for one a processor, got {jobs}")
    with parallel_config(n_jobs=jobs or 1), warnings.catch_warnings():
        # It replaces processes that have grown by 300 MB, as those that compile much do.
        warnings.filterwarnings("ignore", "A worker stopped", UserWarning)
        yield


def must_be_used(context: typer.Context, method: str) -> None:
    """Raise ValueError if an option was given that a method of `fit` takes no notice of."""
    from metacontrol.fitting.fit import USES

    known = {name for uses in USES.values() for name in uses}
    for name in sorted(known & context.params.keys() if method in USES else ()):
        source = context.get_parameter_source(name)
        if source and source.name == "COMMANDLINE" and name not in USES[method]:
            who = ", ".join(other for other, uses in USES.items() if name in uses)
            option = name.replace("_", "-")
            raise ValueError(f"--{option} is for {who}: {method} takes no notice of it")


def column_names(pairs: Sequence[str]) -> dict[str, str]:
    """Return others' names of columns by ours, from the option --column."""
    return dict(pair(text, "--column") for text in pairs)


def number_or_name(text: str) -> float | str:
    """Return a number if the text is one, else the text."""
    try:
        return float(text)
    except ValueError:
        return text


def find_prior(text: str) -> mc.Prior:
    """Return a prior from its family and numbers.

    Examples
    --------
    >>> find_prior("normal(0, 1.5)")
    Prior('normal', mean=0, sd=1.5)
    """
    found = re.fullmatch(r"(\w+)\((.*)\)", text)
    arguments = [number_or_name(part) for part in found.group(2).split(",")] if found else []
    if not found or not all(isinstance(argument, float) for argument in arguments):
        raise ValueError(f"--prior takes NAME=FAMILY(NUMBERS), such as normal(0,1.5), got {text!r}")
    return mc.Prior(found.group(1), *arguments)  # type: ignore[arg-type]


def numbers(text: str, option: str) -> list[int]:
    """Return whole numbers written with commas between them; raise ValueError naming the option."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"{option} takes numbers such as 20,40,80, got {text!r}") from None


def read_choices(
    path: Path,
    task: str | mc.tasks.Task,
    choices_from: int,
    missed: Sequence[float],
    column: Sequence[str],
    exclude_first: int = 0,
) -> mc.Choices:
    """Read choices as the options say; a task may be given by its name."""
    return mc.read_choices(
        path,
        find_task(task) if isinstance(task, str) else task,
        columns=column_names(column),
        choices_from=choices_from,
        missed=missed,
        exclude_first=exclude_first,
    )
