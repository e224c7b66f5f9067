"""Check and describe choices, without a model."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

import metacontrol as mc
from metacontrol.commands.options import (
    By,
    ChoicesFrom,
    Columns,
    ExcludeFirst,
    File,
    Missed,
    TaskName,
    column_names,
    find_task,
    read_choices,
)
from metacontrol.output import draw, must_be_writable, show, write_table


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
        choices,
        find_task(task),
        columns=column_names(column),
        choices_from=choices_from,
        missed=missed,
    )
    for row in problems.to_dict("records"):
        print(say(row))
    if len(problems):
        print(f"{len(problems):,} problem(s) in {choices}", file=sys.stderr)
        raise typer.Exit(1)
    print(read_choices(choices, task, choices_from, missed, column))
    print("no problems")


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
    if out is not None:
        must_be_writable(out)
    data = read_choices(choices, task, choices_from, missed, column, exclude_first)
    print(data)
    table = mc.stay_probabilities(data, by=by)
    show(table, "Probability of staying (mean over participants, 95 % within-participant)")
    regression = None
    if len(data.participants) > 1:
        numeric = [name for name in by if pd.api.types.is_numeric_dtype(table[name])]
        if words := [name for name in by if name not in numeric]:
            print(
                f"the regression leaves out {', '.join(words)}, not being numbers: make a column "
                "that is 1 for one of its values and 0 for others",
                file=sys.stderr,
            )
        try:
            regression = mc.stay_regression(data, by=numeric)
        except ValueError as error:
            print(f"no regression: {error}", file=sys.stderr)
        else:
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
