"""Fit models, draw fits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import metacontrol as mc
from metacontrol.alone import resumable
from metacontrol.arbitration import draw_arbitration
from metacontrol.commands.options import (
    ChoicesFrom,
    Columns,
    ExcludeFirst,
    File,
    Folder,
    Missed,
    ModelName,
    Resume,
    Seed,
    TaskName,
    find_formulas,
    find_model,
    find_prior,
    find_shard,
    jobs_at_once,
    must_be_used,
    number_or_name,
    pair,
    read_choices,
)
from metacontrol.output import draw, must_be_writable, show, write_table

Strict = Annotated[bool, typer.Option(help="Exit with status 3 if a diagnostic is not as wanted.")]


def fit(
    context: typer.Context,
    choices: File,
    model: ModelName = "hybrid",
    task: TaskName = "daw-2011",
    method: Annotated[
        str,
        typer.Option(
            help="Each alone: mle, map, laplace. As a group: nuts, two-stage, em, em-laplace."
        ),
    ] = "nuts",
    formula: Annotated[
        list[str], typer.Option(help='Such as "w ~ 1 + load"; may be repeated.')
    ] = [],  # noqa: B006
    fix: Annotated[
        list[str], typer.Option(help="PARAMETER=VALUE, or =PARAMETER to tie; may be repeated.")
    ] = [],  # noqa: B006
    prior: Annotated[
        list[str], typer.Option(help='Such as "w_mean=normal(0,1)"; may be repeated.')
    ] = [],  # noqa: B006
    draws: Annotated[int, typer.Option(help="Kept draws of each chain.")] = 1000,
    tune: Annotated[int, typer.Option(help="Tuning draws of each chain.")] = 1000,
    chains: Annotated[int, typer.Option(help="Number of chains.")] = 4,
    starts: Annotated[int, typer.Option(help="Searches for each participant (mle, map).")] = 16,
    importance: Annotated[
        int, typer.Option(help="Weighed draws of each participant (em, two-stage).")
    ] = 500,
    target_accept: Annotated[
        float, typer.Option(help="Acceptance rate that NUTS aims at, between 0 and 1.")
    ] = 0.9,
    centring: Annotated[
        str, typer.Option(help="auto, or from 0 (non-centred) to 1 (centred) (nuts).")
    ] = "auto",
    correlated: Annotated[
        bool, typer.Option(help="Let parameters correlate over people (nuts).")
    ] = False,
    sessions: Annotated[
        str | None, typer.Option(help="Column that says which session it was (nuts).")
    ] = None,
    choices_from: ChoicesFrom = 0,
    missed: Missed = [],  # noqa: B006
    column: Columns = [],  # noqa: B006
    exclude_first: ExcludeFirst = 0,
    seed: Seed = 1,
    out: Folder = Path("fit"),
    strict: Strict = False,
    resume: Resume = False,
    shard: Annotated[
        str | None,
        typer.Option(help="I/N: only this share (mle, map); auto/N in a SLURM array."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            help="Processes (mle, map; default 1) or chains at once (nuts, two-stage; default as "
            "many as processors); -1: one a processor."
        ),
    ] = None,
) -> None:
    """Fit a model; write fit.nc and its tables.

    What is finished is kept in the folder parts until all is. A run that was stopped goes on with
    --resume, a shard by itself.

    Example: `metacontrol fit choices.csv --task otto-2013 --formula "w ~ 1 + load" --out fit`
    """
    must_be_used(context, method)
    must_be_writable(out)
    share = find_shard(shard)
    data = read_choices(choices, task, choices_from, missed, column, exclude_first)
    chosen = find_model(model)
    fixed = {name: number_or_name(value) for name, value in (pair(text, "--fix") for text in fix)}
    formulas = find_formulas(formula)
    priors = {name: find_prior(value) for name, value in (pair(t, "--prior") for t in prior)}
    print(data)
    if (out / "fit.nc").exists() and not (resume or shard):
        print(f"replaces {out / 'fit.nc'}: to keep it, give another --out", file=sys.stderr)
    with resumable(out, resume=resume, shard=shard) as parts, jobs_at_once(jobs):
        found = mc.fit(
            chosen.fix(**fixed) if fixed else chosen,
            data,
            method=method,  # type: ignore[arg-type]
            formulas=formulas,
            priors=priors,
            seed=seed,
            draws=draws,
            tune=tune,
            chains=chains,
            starts=starts,
            importance=importance,
            target_accept=target_accept,
            centring=number_or_name(centring),  # type: ignore[arg-type]
            correlated=correlated,
            sessions=sessions,
            cores=None if jobs in (None, -1) else jobs,
            checkpoint=parts,
            shard=share,
            saved=out / "fit.nc" if resume else None,
        )
        if shard is not None:
            print(f"{len(found.parameters):,} participants are done in {parts}")
            return
        write_fit(found, out)
    tell_fit(found, strict)


def write_fit(found: mc.Fit, out: Path) -> None:
    """Write fit.nc and its tables, once all of them are there, and say where."""
    tables = {name: getattr(found, name) for name in ("group", "participants", "diagnostics")}
    print(f"wrote {found.save(out / 'fit.nc')}")
    for name, table in tables.items():
        write_table(table, out / f"{name}.csv")


def tell_fit(found: mc.Fit, strict: bool) -> None:
    """Show a fit's tables; raise Exit if it must be good and is not."""
    show(found.group, "Group")
    show(found.diagnostics, "Diagnostics")
    if strict and not found.ok:
        print("a diagnostic is not as wanted (--strict)", file=sys.stderr)
        raise typer.Exit(3)


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
    what drives the weight, and where it follows from trials before its course, and what it does
    around changes of the world.

    Example: `metacontrol figures fit/fit.nc --choices choices.csv --out figures`
    """
    from metacontrol.analysis.weight import undivided
    from metacontrol.analysis.weight_figures import height_of
    from metacontrol.fitting.same_choices import as_fitted
    from metacontrol.reporting.predictions import NO_PAIRS

    must_be_writable(out)
    found = mc.load_fit(fitted)
    data = None
    if choices is not None:
        data = read_choices(choices, found.task, choices_from, missed, column, exclude_first)
        data = as_fitted(found, data)
    constant = mc.has_weight(found.model)
    if not constant and data is None:
        raise ValueError(f"{found.model} works its weight out anew on each trial: add --choices")
    if constant and (why := undivided(found)):
        if data is None:
            raise ValueError(why)
        print(why, file=sys.stderr)
    elif constant:
        people = mc.participant_weights(found)
        draw(
            out / "participant_weights",
            lambda ax: mc.plot_participant_weights(people, ax),
            height=height_of(people),
        )
        if found.sampled:
            posterior = mc.weight_draws(found)
            draw(
                out / "weight_by_condition",
                lambda ax: mc.plot_weight_by_condition(posterior, ax, people),
                height=height_of(posterior),
            )
    if data is not None:
        draw_arbitration(found, data, draws, out)
        stay = mc.predictive_stay(found, data, draws=draws, seed=seed)
        if stay.empty:
            print(NO_PAIRS, file=sys.stderr)
            return
        draw(out / "predictive_stay", lambda ax: mc.plot_predictive_stay(stay, ax))
