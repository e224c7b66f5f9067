"""The command line: simulate, validate, describe, fit, compare, figures, and lists of what there is."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from math import inf
from pathlib import Path
from typing import Annotated, Any, NoReturn

import pandas as pd
import typer
from rich.console import Console
from rich.table import Column, Table

import metacontrol as mc
from metacontrol.arbitration import draw_arbitration
from metacontrol.output import draw, make_folder, read_table, show, write_table

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="How people share control between habit and deliberation: simulate it, fit it, draw it.",
)
data_app = typer.Typer(no_args_is_help=True, help="Published human data sets.")
app.add_typer(data_app, name="data")
tasks_app = typer.Typer(invoke_without_command=True)
app.add_typer(tasks_app, name="tasks")

File = Annotated[Path, typer.Argument(metavar="CHOICES", help="Table of choices, one row a trial.")]
TaskName = Annotated[str, typer.Option("--task", help="The task; see `metacontrol tasks`.")]
ModelName = Annotated[str, typer.Option("--model", help="The model; see `metacontrol models`.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of all chance.")]
Folder = Annotated[Path, typer.Option("--out", help="Folder to write to; made if not there.")]
ChoicesFrom = Annotated[int, typer.Option(help="Number of the first option in the file, 0 or 1.")]
Missed = Annotated[list[float], typer.Option(help="A number that means missed; may be repeated.")]
Columns = Annotated[
    list[str], typer.Option("--column", help="OURS=THEIRS, where a column has another name.")
]
ExcludeFirst = Annotated[int, typer.Option(help="Leave out each participant's first trials.")]
By = Annotated[list[str], typer.Option("--by", help="A column to split by, or previous_COLUMN.")]


@app.command()
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
    chosen = _model(model)
    if parameters is None:
        if participants < 1:
            raise ValueError(f"--participants must be 1 or more, got {participants}")
        table = mc.draw_participants(chosen, participants, seed=seed)
    else:
        table = read_table(parameters)
    played = mc.simulate(chosen, _task(task), table, trials=trials, seed=seed)
    print(played)
    write_table(played.frame, out / "choices.csv")
    write_table(table, out / "parameters.csv")


@app.command()
def validate(
    choices: File,
    task: TaskName = "daw-2011",
    choices_from: ChoicesFrom = 0,
    missed: Missed = [],  # noqa: B006 - typer reads it
    column: Columns = [],  # noqa: B006
) -> None:
    """Report every problem of a table of choices, with participant, trial and line.

    Example: `metacontrol validate choices.csv --task daw-2011 --choices-from 1 --missed -1`
    """
    from metacontrol.tasks.checks import describe as say

    problems = mc.validate(
        choices, _task(task), columns=_columns(column), choices_from=choices_from, missed=missed
    )
    for row in problems.to_dict("records"):
        print(say(row))
    if len(problems):
        print(f"{len(problems):,} problem(s) in {choices}", file=sys.stderr)
        raise typer.Exit(1)
    print(_read(choices, task, choices_from, missed, column))
    print("no problems")


@app.command()
def describe(
    choices: File,
    task: TaskName = "daw-2011",
    by: By = [],  # noqa: B006
    choices_from: ChoicesFrom = 0,
    missed: Missed = [],  # noqa: B006
    column: Columns = [],  # noqa: B006
    exclude_first: ExcludeFirst = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for tables and figure.")] = None,
) -> None:
    """Describe choices without a model: stay probabilities and their regression.

    Example: `metacontrol describe choices.csv --task otto-2013 --by load --out description`
    """
    data = _read(choices, task, choices_from, missed, column, exclude_first)
    print(data)
    table = mc.stay_probabilities(data, by=by)
    show(table, "Probability of staying (mean over participants, 95 % within-participant)")
    regression = None
    if len(data.participants) > 1:
        numeric = [name for name in by if pd.api.types.is_numeric_dtype(table[name])]
        regression = mc.stay_regression(data, by=numeric)
        show(regression.reset_index(), "Logistic regression of staying (predictors +1 and -1)")
    if out is not None:
        write_table(table, out / "stay_probabilities.csv")
        if regression is not None:
            write_table(regression.reset_index(), out / "stay_regression.csv")
        if len(by) < 2:
            draw(out / "stay_probabilities", partial(mc.plot_stay_probabilities, table))
        else:  # a panel holds one split
            for one in by:
                part = mc.stay_probabilities(data, by=[one])
                plot = partial(mc.plot_stay_probabilities, part)
                draw(out / f"stay_probabilities_by_{one}", plot)


@app.command()
def fit(
    choices: File,
    model: ModelName = "hybrid",
    task: TaskName = "daw-2011",
    method: Annotated[str, typer.Option(help="mle, map or nuts.")] = "nuts",
    formula: Annotated[
        list[str], typer.Option(help='Such as "w ~ 1 + load"; may be repeated.')
    ] = [],  # noqa: B006
    fix: Annotated[
        list[str], typer.Option(help="PARAMETER=VALUE, or =PARAMETER to tie; may be repeated.")
    ] = [],  # noqa: B006
    draws: Annotated[int, typer.Option(help="Kept draws of each chain.")] = 1000,
    tune: Annotated[int, typer.Option(help="Tuning draws of each chain.")] = 1000,
    chains: Annotated[int, typer.Option(help="Number of chains.")] = 4,
    starts: Annotated[int, typer.Option(help="Searches for each participant (mle, map).")] = 16,
    choices_from: ChoicesFrom = 0,
    missed: Missed = [],  # noqa: B006
    column: Columns = [],  # noqa: B006
    exclude_first: ExcludeFirst = 0,
    seed: Seed = 1,
    out: Folder = Path("fit"),
    strict: Annotated[
        bool, typer.Option(help="Exit with status 3 if a diagnostic is not as wanted.")
    ] = False,
) -> None:
    """Fit a model; write fit.nc and its tables.

    Example: `metacontrol fit choices.csv --task otto-2013 --formula "w ~ 1 + load" --out fit`
    """
    data = _read(choices, task, choices_from, missed, column, exclude_first)
    chosen = _model(model)
    fixed = {name: _value(value) for name, value in (_pair(text, "--fix") for text in fix)}
    formulas = dict(_pair(text, "--formula", "~") for text in formula)
    print(data)
    make_folder(out)
    found = mc.fit(
        chosen.fix(**fixed) if fixed else chosen,
        data,
        method=method,  # type: ignore[arg-type]
        formulas=formulas,
        seed=seed,
        draws=draws,
        tune=tune,
        chains=chains,
        starts=starts,
    )
    found.save(out / "fit.nc")
    print(f"wrote {out / 'fit.nc'}")
    for name in ("group", "participants", "diagnostics"):
        write_table(getattr(found, name), out / f"{name}.csv")
    show(found.group, "Group")
    show(found.diagnostics, "Diagnostics")
    if strict and not found.ok:
        print("a diagnostic is not as wanted (--strict)", file=sys.stderr)
        raise typer.Exit(3)


@app.command()
def compare(
    fitted: Annotated[list[Path], typer.Argument(metavar="FIT", help="A fit.nc, two or more.")],
    criterion: Annotated[str, typer.Option(help="aic or bic: what stands for evidence.")] = "bic",
    out: Annotated[Path | None, typer.Option("--out", help="Folder for tables.")] = None,
) -> None:
    """Compare models fitted to the same choices by mle or map.

    AIC and BIC, and how frequent models are among people (random effects).

    Example: `metacontrol compare hybrid/fit.nc model-free/fit.nc --out comparison`
    """
    found = [mc.load_fit(path) for path in fitted]
    names = [fit.model.name for fit in found]
    if len(set(names)) < len(names):
        names = [str(path) for path in fitted]
    fits = dict(zip(names, found, strict=True))
    table = mc.compare(fits)
    show(table, "AIC and BIC")
    frequent = mc.random_effects(mc.log_evidence(fits, criterion))
    show(frequent, f"Random effects, evidence by {criterion.upper()}")
    if out is not None:
        write_table(table, out / "comparison.csv")
        write_table(frequent, out / "random_effects.csv")


@app.command()
def figures(
    fitted: Annotated[Path, typer.Argument(metavar="FIT", help="A fit.nc.")],
    choices: Annotated[
        Path | None, typer.Option(help="The choices that were fitted, for the predictive check.")
    ] = None,
    draws: Annotated[int, typer.Option(help="Simulated data sets.")] = 100,
    choices_from: ChoicesFrom = 0,
    missed: Missed = [],  # noqa: B006
    column: Columns = [],  # noqa: B006
    exclude_first: ExcludeFirst = 0,
    seed: Seed = 1,
    out: Folder = Path("figures"),
) -> None:
    """Draw the figures of a fit as PDF, SVG and PNG.

    Weights of planning by participant and condition; given the choices, the predictive check too,
    and where the weight changes from trial to trial its course, what it does around changes of the
    world, and what drives it.

    Example: `metacontrol figures fit/fit.nc --choices choices.csv --out figures`
    """
    found = mc.load_fit(fitted)
    constant = mc.has_weight(found.model)
    if not constant and choices is None:
        raise ValueError(f"{found.model} works its weight out anew on each trial: add --choices")
    if constant:
        people = mc.participant_weights(found)
        draw(out / "participant_weights", lambda ax: mc.plot_participant_weights(people, ax))
        if found.method == "nuts":
            posterior = mc.weight_draws(found)
            draw(
                out / "weight_by_condition",
                lambda ax: mc.plot_weight_by_condition(posterior, ax, people),
            )
    if choices is not None:
        data = mc.read_choices(
            choices,
            found.task,
            columns=_columns(column),
            choices_from=choices_from,
            missed=missed,
            exclude_first=exclude_first,
        )
        draw_arbitration(found, data, draws, out)
        stay = mc.predictive_stay(found, data, draws=draws, seed=seed)
        draw(out / "predictive_stay", lambda ax: mc.plot_predictive_stay(stay, ax))


@app.command()
def models() -> None:
    """List the models with their parameters, ranges and sources.

    Example: `metacontrol models`
    """
    for model in mc.models.MODELS:
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


@tasks_app.callback()
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


@tasks_app.command("show")
def tasks_show(
    name: Annotated[str, typer.Argument(help="A name from `metacontrol tasks`.")],
    seed: Seed = 1,
    out: Folder = Path("figures"),
) -> None:
    """Print a task's settings; draw its states and the trials of one participant.

    Example: `metacontrol tasks show daw-2011 --out figures`
    """
    task = _task(name)
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


@data_app.command("list")
def data_list() -> None:
    """List the published data sets.

    Example: `metacontrol data list`
    """
    from metacontrol.tasks.published import PUBLISHED

    for entry in PUBLISHED:
        print(entry.about(), end="\n\n")


@data_app.command("get")
def data_get(
    name: Annotated[str, typer.Argument(help="A name from `metacontrol data list`.")],
    out: Folder = Path("data"),
) -> None:
    """Download a published data set from its authors and write NAME/choices.csv.

    Example: `metacontrol data get kool2016-daw`
    """
    from metacontrol.tasks.fetching import fetch
    from metacontrol.tasks.published import published

    print(published(name).about())
    print(f"wrote {fetch(name, out)}")


@app.command()
def demo(seed: Seed = 1, out: Folder = Path("demo")) -> None:
    """Simulate a load experiment, recover the weight of planning, draw what came out.

    Example: `metacontrol demo --seed 1 --out demo`
    """
    from metacontrol.demo import run

    make_folder(out)
    run(out, seed)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line; what a user can mend is said in a sentence, without a traceback."""
    from metacontrol.models.engine.listeners import StoryError

    try:
        app(args=None if arguments is None else list(arguments), standalone_mode=True)
    except (ValueError, OSError, StoryError, FloatingPointError, LookupError) as error:
        print(f"metacontrol: {error}", file=sys.stderr)
        sys.exit(2)
    sys.exit(0)


def _named(things: Sequence[Any], name: str, kind: str) -> Any:
    for thing in things:
        if thing.name == name:
            return thing
    known = ", ".join(thing.name for thing in things)
    raise ValueError(f"there is no {kind} {name!r}; known: {known}")


def _model(name: str) -> Any:
    return _named(mc.models.MODELS, name, "model")


def _task(name: str) -> Any:
    return _named(mc.tasks.TASKS, name, "task")


def _event(name: str, event: Any) -> str:
    """Return an event's or a cue's name with what it may be."""
    count, kind = getattr(event, "options", None), "option"
    if count is None:
        count, kind = event.states, "state"
    if count is not None:
        return f"{name} ({count} {kind}{'s' * (count != 1)})"
    return f"{name} ({event.low:g} " + ("or more)" if event.high == inf else f"to {event.high:g})")


def _pair(text: str, option: str, sign: str = "=") -> tuple[str, str]:
    left, found, right = text.partition(sign)
    if not found or not left.strip() or not right.strip():
        raise ValueError(f"{option} takes NAME {sign} VALUE, got {text!r}")
    return left.strip(), right.strip()


def _columns(pairs: Sequence[str]) -> dict[str, str]:
    return dict(_pair(text, "--column") for text in pairs)


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _read(
    path: Path,
    task: str,
    choices_from: int,
    missed: Sequence[float],
    column: Sequence[str],
    exclude_first: int = 0,
) -> Any:
    return mc.read_choices(
        path,
        _task(task),
        columns=_columns(column),
        choices_from=choices_from,
        missed=missed,
        exclude_first=exclude_first,
    )


if __name__ == "__main__":
    main()
