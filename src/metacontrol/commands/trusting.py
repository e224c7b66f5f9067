"""Can it be trusted: recovery, confusion, calibration, and what should worry you."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

import metacontrol as mc
from metacontrol.alone import resumable
from metacontrol.commands.options import (
    ChoicesFrom,
    Columns,
    ExcludeFirst,
    Folder,
    Missed,
    ModelName,
    Resume,
    Seed,
    TaskName,
    find_formulas,
    find_model,
    find_shard,
    find_task,
    jobs_at_once,
    must_be_used,
    number_or_name,
    numbers,
    pair,
    read_choices,
)
from metacontrol.output import draw, draw_figure, must_be_writable, show, write_table

Formula = Annotated[list[str], typer.Option(help='Such as "w ~ 1 + load"; may be repeated.')]
Draws = Annotated[int, typer.Option(help="Kept draws of each chain.")]
Tune = Annotated[int, typer.Option(help="Tuning draws of each chain.")]
Chains = Annotated[int, typer.Option(help="Number of chains.")]
Simulations = Annotated[int, typer.Option(help="Simulated groups (of each design).")]
Designs = Annotated[str, typer.Option(help="Numbers, with commas between them.")]
Shard = Annotated[
    str | None, typer.Option(help="I/N: only this share of the groups; auto/N in a SLURM array.")
]
Jobs = Annotated[
    int | None, typer.Option(help="Processes, a group or a participant each; -1: one a processor.")
]


def recover(
    model: ModelName = "hybrid",
    task: TaskName = "daw-2011",
    participants: Designs = "20,40",
    trials: Designs = "100,200",
    simulations: Simulations = 20,
    formula: Formula = [],  # noqa: B006 - typer reads it
    parameter: Annotated[
        list[str],
        typer.Option(help="What to draw, such as w or w_mean; default: the group's means."),
    ] = [],  # noqa: B006
    draws: Draws = 500,
    tune: Tune = 500,
    chains: Chains = 2,
    seed: Seed = 1,
    out: Folder = Path("recovery"),
    resume: Resume = False,
    shard: Shard = None,
    jobs: Jobs = None,
) -> None:
    """Recover parameters, people's and the group's, by numbers of participants and trials.

    Example: `metacontrol recover --model hybrid --participants 20,40 --trials 200 --parameter w`
    """
    from metacontrol.analysis.recovery_by_design import must_be_recovered

    share = find_shard(shard)
    what: dict[str, Any] = {
        "model": find_model(model),
        "task": find_task(task),
        "participants": numbers(participants, "--participants"),
        "trials": numbers(trials, "--trials"),
        "formulas": find_formulas(formula),
    }
    if parameter:
        must_be_recovered(parameter, **what)
    with resumable(out, resume=resume, shard=shard) as parts, jobs_at_once(jobs):
        table = mc.recovery_by_design(
            **what,
            simulations=simulations,
            seed=seed,
            draws=draws,
            tune=tune,
            chains=chains,
            checkpoint=parts,
            shard=share,
        )
        if _is_shard(shard, parts):
            return
        show(table, "Recovery by design")
        write_table(table, out / "recovery.csv")
        means = [name for name in table["parameter"].unique() if name.endswith("_mean")]
        plot = partial(mc.plot_recovery_by_design, table, parameter or means)
        draw_figure(out / "recovery", plot)


def confuse(
    context: typer.Context,
    models: Annotated[list[str], typer.Argument(help="Two or more; see `metacontrol models`.")],
    task: TaskName = "daw-2011",
    participants: Annotated[int, typer.Option(help="How many play each model.")] = 50,
    trials: Annotated[int | None, typer.Option(help="Trials of each; default: the task's.")] = None,
    method: Annotated[
        str,
        typer.Option(
            help="Counting people: mle, map (AIC, BIC), laplace (evidence). Counting groups: em, "
            "em-laplace (iBIC), two-stage, nuts (elpd of new people)."
        ),
    ] = "mle",
    groups: Annotated[
        int | None, typer.Option(help="Simulated groups for each model; methods of groups need it.")
    ] = None,
    starts: Annotated[int, typer.Option(help="Searches for each participant (mle, map).")] = 8,
    draws: Draws = 500,
    tune: Tune = 500,
    chains: Chains = 2,
    seed: Seed = 1,
    out: Folder = Path("confusion"),
    resume: Resume = False,
    jobs: Jobs = None,
) -> None:
    """Simulate each model, fit all to it, and count for whom which is best.

    Of people fitted alone by AIC and BIC, or evidence; of whole groups by integrated BIC, or by how
    well new people are predicted. With --groups people fitted alone are compared as groups too, by
    random effects.

    Examples: `metacontrol confuse model-free model-based hybrid --task daw-2011`;
    `metacontrol confuse model-free hybrid --method em --groups 20 --participants 40`
    """
    must_be_used(context, method)
    with resumable(out, resume=resume) as parts, jobs_at_once(jobs):
        table = mc.confuse(
            [find_model(name) for name in models],
            find_task(task),
            participants=participants,
            trials=trials,
            method=method,  # type: ignore[arg-type]
            groups=groups,
            starts=starts,
            draws=draws,
            tune=tune,
            chains=chains,
            seed=seed,
            checkpoint=parts,
        )
        show(table, "Best (confusion: of the simulated; inversion: simulated, of the best)")
        write_table(table, out / "confusion.csv")
        for criterion in table["criterion"].unique():
            plot = partial(mc.plot_confusion, table, criterion=criterion)
            draw(out / f"confusion_{criterion}", plot, partial(plot, which="inversion"), height=8)


def sbc(
    model: ModelName = "hybrid",
    task: TaskName = "daw-2011",
    participants: Annotated[int, typer.Option(help="People in each group.")] = 20,
    trials: Annotated[int | None, typer.Option(help="Trials of each; default: the task's.")] = None,
    simulations: Simulations = 100,
    formula: Formula = [],  # noqa: B006
    correlated: Annotated[
        bool, typer.Option(help="Let parameters correlate over people, by LKJ(2).")
    ] = False,
    draws: Draws = 500,
    tune: Tune = 500,
    chains: Chains = 2,
    seed: Seed = 1,
    out: Folder = Path("calibration"),
    resume: Resume = False,
    shard: Shard = None,
    jobs: Jobs = None,
) -> None:
    """Calibrate the whole hierarchical fit on groups simulated from its priors.

    Example: `metacontrol sbc --model hybrid --task daw-2011 --participants 20 --trials 100`
    """
    share = find_shard(shard)
    with resumable(out, resume=resume, shard=shard) as parts, jobs_at_once(jobs):
        table = mc.sbc(
            find_model(model),
            find_task(task),
            participants=participants,
            trials=trials,
            simulations=simulations,
            formulas=find_formulas(formula),
            correlated=correlated,
            seed=seed,
            draws=draws,
            tune=tune,
            chains=chains,
            checkpoint=parts,
            shard=share,
        )
        if _is_shard(shard, parts):
            return
        verdict = mc.sbc_verdict(table)
        show(verdict, "Calibration")
        print(mc.sbc_sentence(table))
        write_table(table, out / "ranks.csv")
        write_table(verdict, out / "verdict.csv")
        draw(out / "sbc", partial(mc.plot_sbc, table))


def doctor(
    fitted: Annotated[Path | None, typer.Argument(metavar="FIT", help="A fit.nc.")] = None,
    choices: Annotated[Path | None, typer.Option(help="The choices that were fitted.")] = None,
    model: ModelName = "hybrid",
    task: TaskName = "otto-2013",
    effect: Annotated[
        str | None,
        typer.Option(
            help='Such as "w ~ load = -0.8": what log-odds of w gain from the lowest load that the '
            "task has to the highest."
        ),
    ] = None,
    scale: Annotated[
        str, typer.Option(help="Of the effect: link, or natural for w ~ load = -0.2.")
    ] = "link",
    median: Annotated[
        list[str],
        typer.Option(
            help="What you expect of the median person, at the column's lowest value: w=0.7. "
            "Repeatable."
        ),
    ] = [],  # noqa: B006
    participants: Designs = "20,40,80",
    trials: Designs = "100,200",
    pool: Annotated[int, typer.Option(help="People simulated for each number of trials.")] = 1000,
    simulations: Annotated[
        int, typer.Option(help="Groups of each design that NUTS fits, some ten seconds each.")
    ] = 0,
    choices_from: ChoicesFrom = 0,
    missed: Missed = [],  # noqa: B006
    column: Columns = [],  # noqa: B006
    exclude_first: ExcludeFirst = 0,
    seed: Seed = 1,
    out: Folder = Path("doctor"),
    resume: Resume = False,
    shard: Shard = None,
    jobs: Jobs = None,
) -> None:
    """Before data: how many participants and trials. After a fit: what should worry you.

    Examples: `metacontrol doctor --effect "w ~ load = -0.2" --scale natural --median w=0.7`;
    `metacontrol doctor fit/fit.nc --choices choices.csv`
    """
    if (effect is None) == (fitted is None):
        raise ValueError("doctor takes a FIT with --choices, or an --effect to look for")
    if fitted is None:
        _before(
            str(effect),
            out,
            resume,
            shard,
            jobs,
            model=find_model(model),
            task=find_task(task),
            participants=numbers(participants, "--participants"),
            trials=numbers(trials, "--trials"),
            scale=scale,
            medians=dict(_numbered(text, "--median") for text in median),
            pool=pool,
            simulations=simulations,
            seed=seed,
        )
        return
    from metacontrol.analysis.stay import tells_payments
    from metacontrol.fitting.same_choices import as_fitted

    must_be_writable(out)
    if shard is not None or resume:
        raise ValueError("--shard and --resume are for an --effect with --simulations")
    if choices is None:
        raise ValueError("doctor FIT needs the choices that were fitted: add --choices")
    found = mc.load_fit(fitted)
    read = read_choices(choices, found.task, choices_from, missed, column, exclude_first)
    data = as_fitted(found, read)
    table = mc.doctor(found, data, seed=seed)
    for number, row in enumerate(table.to_dict("records"), start=1):
        print(f"{number}. {row['worry']}: {row['found']}\n   {row['advice']}")
    if not len(table):
        print("nothing found that should worry you")
    write_table(table, out / "worries.csv")
    checks = {
        "P(first choice again)": mc.analysis.staying,
        "P(better option)" if tells_payments(data) else "Mean reward": mc.analysis.learning_curve,
    }
    if "second_state" in data.frame:
        draws = min(40, found.draws or 40)
        plots = [
            partial(
                mc.plot_predictive,
                mc.predictive(found, data, statistic, draws=draws, seed=seed),
                label=label,
            )
            for label, statistic in checks.items()
        ]
        draw(out / "predictive", *plots)


def _numbered(text: str, option: str) -> tuple[str, float]:
    name, value = pair(text, option)
    number = number_or_name(value)
    if isinstance(number, str):
        raise ValueError(f"{option} takes a number behind =, got {value!r}")
    return name, number


def _is_shard(shard: str | None, parts: Path) -> bool:
    """Whether this was a share of a run only; if so, say where it is."""
    if shard is not None:
        print(f"shard {shard} is done in {parts}: when all are, run it once more with --resume")
    return shard is not None


def _before(
    effect: str, out: Path, resume: bool, shard: str | None, jobs: int | None, **options: Any
) -> None:
    formula, size = _numbered(effect, "--effect")
    parameter, column = pair(formula, "--effect", "~")
    about: Any = {"parameter": parameter, "column": column, "effect": size}
    if shard is not None and not options["simulations"]:
        raise ValueError("--shard shares out the groups that NUTS fits: add --simulations")
    share = find_shard(shard)
    with resumable(out, resume=resume, shard=shard) as parts, jobs_at_once(jobs):
        table = mc.design(**about, checkpoint=parts, shard=share, **options)
        if _is_shard(shard, parts):
            return
        show(table, f"Power for {effect}")
        print(mc.design_sentence(table))
        write_table(table, out / "design.csv")
        draw(
            out / "design",
            partial(mc.plot_power, table),
            partial(mc.plot_design_recovery, table),
        )
