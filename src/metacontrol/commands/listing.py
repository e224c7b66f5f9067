"""What there is: models, tasks, published data."""

from __future__ import annotations

from functools import partial
from inspect import cleandoc
from math import inf
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

import metacontrol as mc
from metacontrol.commands.options import Folder, Seed, find_model, find_task
from metacontrol.models.notes import meaning
from metacontrol.models.scoring import noted_by
from metacontrol.output import draw, must_be_writable


def models(context: typer.Context) -> None:
    """List the models with their parameters, ranges and sources, or show one.

    Example: `metacontrol models`
    """
    if context.invoked_subcommand is None:
        for model in mc.models.MODELS:
            _print_model(model)


def models_show(
    name: Annotated[str, typer.Argument(help="A name from `metacontrol models`.")],
) -> None:
    """Print a model's equations, its parameters, the tasks it can play and what it notes.

    Example: `metacontrol models show hybrid`
    """
    model = find_model(name)
    playable = [task for task in mc.tasks.TASKS if not model.misfit(task)]
    print(cleandoc(type(model).__doc__ or ""), end="\n\n")
    _print_model(model)
    print("  plays: " + ", ".join(task.name for task in playable))
    if model.simulate_only:
        return
    table = Table("noted on each trial", "meaning", title=f"in {playable[0].name}")
    for note in noted_by(model, playable[0]):
        table.add_row(note, meaning(note))
    Console().print(table)


def _print_model(model: mc.Model) -> None:
    table = Table(
        "parameter",
        "range",
        "meaning",
        title=f"{model.name}  -  {model.source}",
        title_justify="left",
        title_style="bold",
    )
    for p in model.free:
        low, high = p.link.bounds
        table.add_row(p.name, f"{low:g} to {high:g}", p.meaning)
    Console().print(table)
    if model.fixed:
        print("  fixed: " + ", ".join(f"{k} = {v}" for k, v in model.fixed))
    if model.simulate_only:
        print(f"  for simulation only: {model.simulate_only}")


def tasks(context: typer.Context) -> None:
    """List the tasks with their settings and sources, or show one.

    Example: `metacontrol tasks`
    """
    if context.invoked_subcommand is not None:
        return
    source = Column("source", overflow="fold")  # so that a DOI is never cut short
    table = Table(Column("task", no_wrap=True), "trials", "settings", source)
    for task in mc.tasks.TASKS:
        table.add_row(task.name, str(task.trials), task.about, task.source)
    Console().print(table)


def tasks_show(
    name: Annotated[str, typer.Argument(help="A name from `metacontrol tasks`.")],
    seed: Seed = 1,
    out: Folder = Path("figures"),
) -> None:
    """Print a task's settings; draw its states and the trials of one participant.

    Example: `metacontrol tasks show daw-2011 --out figures`
    """
    must_be_writable(out)
    task = find_task(name)
    for setting in ("name", "source", "trials", "about"):
        print(f"{setting}: {getattr(task, setting)}")
    print("events: " + ", ".join(_event(event.name, event) for event in task.events))
    print("cues: " + ", ".join(_event(cue, shown) for cue, shown in task.cues.items()))
    draw(
        out / task.name,
        partial(mc.plot_graph, task),
        partial(mc.plot_schedule, task, seed=seed),
        height=6.5,
    )


def data_list() -> None:
    """List the published data sets.

    Example: `metacontrol data list`
    """
    from metacontrol.tasks.published import PUBLISHED

    for entry in PUBLISHED:
        print(entry.about(), end="\n\n")


def data_get(
    name: Annotated[str, typer.Argument(help="A name from `metacontrol data list`.")],
    out: Folder = Path("data"),
) -> None:
    """Download a published data set from its authors and write NAME/choices.csv.

    Example: `metacontrol data get kool2016-daw`
    """
    from metacontrol.tasks.fetching import fetch
    from metacontrol.tasks.published import published

    must_be_writable(out)
    print(published(name).about())
    print(f"wrote {fetch(name, out)}")


def _event(name: str, event: Any) -> str:
    """Return an event's or a cue's name with what it may be."""
    count, kind = getattr(event, "options", None), "option"
    if count is None:
        count, kind = event.states, "state"
    if count is not None:
        return f"{name} ({count} {kind}{'s' * (count != 1)})"
    return f"{name} ({event.low:g} " + ("or more)" if event.high == inf else f"to {event.high:g})")
