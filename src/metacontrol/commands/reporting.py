"""Write a report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

import metacontrol as mc
from metacontrol.commands.options import (
    ChoicesFrom,
    Columns,
    ExcludeFirst,
    Folder,
    Missed,
    Seed,
    read_choices,
)
from metacontrol.output import must_be_writable


def report(
    fitted: Annotated[
        list[Path], typer.Argument(metavar="FIT", help="A fit.nc, or several of the same choices.")
    ],
    choices: Annotated[
        Path | None,
        typer.Option(
            help="The choices that were fitted: for the predictive check, and for weights that "
            "change from trial to trial."
        ),
    ] = None,
    draws: Annotated[int, typer.Option(help="Simulated data sets.")] = 100,
    choices_from: ChoicesFrom = 0,
    missed: Missed = [],  # noqa: B006 - typer reads it
    column: Columns = [],  # noqa: B006
    exclude_first: ExcludeFirst = 0,
    seed: Seed = 1,
    out: Folder = Path("report"),
) -> None:
    """Write a report: a page with figures and tables, methods, references.

    The folder has report.html, which needs no other file, and the figures (PDF, SVG, PNG), tables
    (CSV), methods.md and references.bib for a paper. Models fitted by mle or map are compared.

    Example: `metacontrol report fit/fit.nc --choices choices.csv --out report`
    """
    os.environ.setdefault("MPLBACKEND", "Agg")
    must_be_writable(out.absolute().parent)  # it is written beside an older one, then put there
    fits = [mc.load_fit(path) for path in fitted]
    data = None
    if choices is not None:
        data = read_choices(choices, fits[0].task, choices_from, missed, column, exclude_first)
    print(f"wrote {mc.report(fits, data, out=out, draws=draws, seed=seed)}")
