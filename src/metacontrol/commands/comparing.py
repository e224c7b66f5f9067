"""Compare models."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast

import typer

import metacontrol as mc
from metacontrol.analysis.criteria import method_of
from metacontrol.commands.options import (
    ChoicesFrom,
    Columns,
    ExcludeFirst,
    Missed,
    Seed,
    read_choices,
)
from metacontrol.fitting.fit import EM
from metacontrol.output import draw, must_be_writable, show, write_table


def compare(
    fitted: Annotated[list[Path], typer.Argument(metavar="FIT", help="A fit.nc, two or more.")],
    criterion: Annotated[
        str | None,
        typer.Option(
            help="What stands for evidence: aic, bic, laplace or importance; default: bic, of fits "
            "by laplace their own."
        ),
    ] = None,
    choices: Annotated[
        Path | None, typer.Option(help="What was fitted, for fits of groups and for importance.")
    ] = None,
    leave: Annotated[
        str | None,
        typer.Option(
            help="What is left out, of groups: trial (the default), participant or future."
        ),
    ] = None,
    choices_from: ChoicesFrom = 0,
    missed: Missed = [],  # noqa: B006
    column: Columns = [],  # noqa: B006
    exclude_first: ExcludeFirst = 0,
    seed: Seed = 1,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for tables.")] = None,
) -> None:
    """Compare models fitted to the same choices.

    Fits by mle, map or laplace: AIC and BIC or evidence, and how frequent models are among people
    (random effects). Fits of groups: how well they predict what is left out; without --choices
    those by em by integrated BIC.

    Example: `metacontrol compare hybrid/fit.nc model-free/fit.nc --choices choices.csv
    --leave participant`
    """
    if out is not None:
        must_be_writable(out)
    found = [mc.load_fit(path) for path in fitted]
    fits = dict(zip(_names(fitted, found), found, strict=True))
    _tell_doubts(fits)
    data = None
    if choices is not None:
        data = read_choices(choices, found[0].task, choices_from, missed, column, exclude_first)
    groups = any(fit.sampled for fit in found)
    if groups and criterion is not None:
        raise ValueError("--criterion is for fits of each participant alone, these are of groups")
    if not groups and (leave is not None or (data is not None and criterion != "importance")):
        raise ValueError(
            "--leave is for fits of groups, and so is --choices but for --criterion importance; "
            "these are of each participant alone"
        )
    if groups and data is not None:
        _by_prediction(fits, data, leave or "trial", seed, out)
        return
    if leave is not None:
        raise ValueError("--leave needs the choices: give --choices")
    if groups and not all(fit.method in EM for fit in found):
        raise ValueError("fits of groups are compared by what they predict: give --choices")
    table = mc.compare(fits)
    laplace = "log_evidence" in table
    show(table, "Integrated BIC" if groups else "Evidence" if laplace else "AIC and BIC")
    if groups:
        if out is not None:
            write_table(table, out / "comparison.csv")
        return
    criterion = criterion or ("laplace" if laplace else "bic")
    frequent = mc.random_effects(mc.log_evidence(fits, criterion, data=data, seed=seed))
    show(frequent, f"Random effects, evidence by {criterion.upper()}")
    if out is not None:
        write_table(table, out / "comparison.csv")
        write_table(frequent, out / "random_effects.csv")


def _names(paths: list[Path], fits: list[mc.Fit]) -> list[str]:
    """Return short names that tell fits apart: their models', their files', or their folders'."""
    ways = [
        [fit.model.name for fit in fits],
        [path.stem for path in paths],
        [path.resolve().parent.name for path in paths],
    ]
    apart = [names for names in ways if len(set(names)) == len(names)]
    return apart[0] if apart else [str(path) for path in paths]


def _tell_doubts(fits: dict[str, mc.Fit]) -> None:
    """Say of which fits diagnostics are not as wanted, so that comparing them says nothing."""
    doubts = {name: fit.doubts for name, fit in fits.items() if not fit.doubts.empty}
    for name, rows in doubts.items():
        what = "; ".join(f"{row['check']}: {row['value']}" for row in rows.to_dict("records"))
        print(f"metacontrol: diagnostics of {name} are not as wanted: {what}", file=sys.stderr)
    if doubts:
        print("metacontrol: do not rely on the comparison before they are", file=sys.stderr)


def _by_prediction(
    fits: dict[str, mc.Fit], data: mc.Choices, leave: str, seed: int, out: Path | None
) -> None:
    """Compare fits of groups; say of each what it answers and whether it is to be trusted."""
    found = {}
    method_of(fits)
    for name, fit in fits.items():
        found[name] = mc.loo(fit, data, leave=cast(Any, leave), seed=seed)
        print(found[name])
    table = mc.compare(found)
    show(table, f"Predicting what is left out: {leave}")
    if out is not None:
        write_table(table, out / "comparison.csv")
        for name, elpd in found.items():
            write_table(elpd.points, out / f"{name.replace('/', '-')}_{leave}.csv")
        draw(out / "comparison", partial(mc.plot_comparison, table), height=1.5 + 0.8 * len(table))
