"""Compare models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import metacontrol as mc
from metacontrol.output import show, write_table


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
