"""What comes back from how much: recovery by number of trials and of participants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from metacontrol.analysis.style import COLOURS, GREY, panels
from metacontrol.fitting.checkpoint import part_of
from metacontrol.fitting.individuals import Individuals
from metacontrol.fitting.prior_fits import fit_from_priors, must_take
from metacontrol.fitting.priors import group_priors, variance_of_people
from metacontrol.models.formulas import Formulas
from metacontrol.models.model import Model
from metacontrol.models.parameter import Link, Prior
from metacontrol.models.people import draw_participants
from metacontrol.models.scoring import Scoring
from metacontrol.models.simulation import simulate
from metacontrol.tasks.task import Task

OPTIONS = (
    *("formulas", "priors", "schedule", "draws", "tune", "chains", "cores", "target_accept"),
    *("progress", "shard"),
)
MEASURES = {  # what each is called, and where it is best
    "r": ("r", 1.0),
    "bias": ("Bias", 0.0),
    "rmse": ("RMSE", 0.0),
    "coverage": ("Coverage", 0.95),
    "contraction": ("Contraction", 1.0),
}


def recovery_by_design(
    model: Model,
    task: Task,
    *,
    participants: Sequence[int] = (20, 40),
    trials: Sequence[int] = (100, 200),
    simulations: int = 20,
    seed: int,
    checkpoint: str | Path | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Recover participants' parameters and the group's, by design.

    For each design, groups are drawn from the priors of `fit(method="nuts")`, play, and are fitted
    hierarchically, compiled once for each design. So group effects (slopes of formulas) differ
    between simulated groups, and come back or not. All is measured on the scale of the parameter's
    link: on their natural scale the priors of temperatures have tails so long that a few people
    would make up bias and error.

    Parameters
    ----------
    model, task : Model, Task
        Who plays what.
    participants, trials : sequence of int
        Designs: each number of participants with each number of trials.
    simulations : int
        Groups for each design.
    seed : int
        Seed of all chance.
    checkpoint : path, optional
        Folder that keeps groups that are fitted. The same call goes on from there.
    **options
        `formulas`, `priors`, `schedule`, and `draws`, `tune`, `chains`, `cores`, `target_accept`,
        `progress`, `shard` of `fit`. Groups are fitted wherever joblib is told to work; a shard is
        of the groups of each design, and the table of its own only.

    Returns
    -------
    DataFrame
        One row for each design and parameter: columns `trials`, `participants`, `parameter`,
        `level` ("participant", over all simulated people, or "group", over groups), `scale` (the
        link: logit, log, probit or identity), `r`, `bias`, `rmse`, `coverage` (of 95 % intervals),
        `contraction` (one minus mean posterior variance over the variance of the prior: 1 if
        choices say all, 0 if nothing) and `count` (true values that these are of: for a Monte Carlo
        error of coverage c, sqrt(c (1 - c) / count), where people of a group are not independent).

    Raises
    ------
    TypeError
        If an option is none of these.
    """
    must_take("recovery_by_design", options, OPTIONS)
    rows = []
    known = _beforehand(
        model,
        task,
        participants=min(participants),
        trials=min(trials),
        seed=seed,
        formulas=options.get("formulas"),
        priors=options.get("priors"),
        schedule=options.get("schedule"),
    )
    for count in sorted(trials):
        for size in sorted(participants):
            fits = fit_from_priors(
                model,
                task,
                participants=size,
                trials=count,
                simulations=simulations,
                seed=seed,
                checkpoint=part_of(checkpoint, f"{size}-people-{count}-trials"),
                **options,
            )
            found: dict[str, list[np.ndarray]] = {}
            for true, tree in fits:
                posterior = tree["posterior"].to_dataset()
                for name in true.data_vars:
                    if str(name) != "log_likelihood" and not str(name).endswith("_group"):
                        draws = posterior[name].stack(sample=("chain", "draw")).to_numpy()
                        values = np.atleast_1d(true[name].to_numpy())
                        draws = draws.reshape(len(values), -1)
                        values, draws = (known[str(name)].on_link(v) for v in (values, draws))
                        ends = np.quantile(draws, [0.025, 0.975], axis=1)
                        summary = [values, draws.mean(axis=1), draws.var(axis=1), *ends]
                        found.setdefault(str(name), []).append(np.array(summary))
            for name, parts in found.items():
                design = {"trials": count, "participants": size, "parameter": name}
                design |= {"level": known[name].level, "scale": known[name].link.name}
                measured = _measures(np.concatenate(parts, axis=1), known[name].variance)
                rows.append(design | measured)
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class _Known:
    """What is known of a variable before anything is simulated; its variance is on the link."""

    level: str
    link: Link
    variance: float
    natural: bool = False

    def on_link(self, values: np.ndarray) -> np.ndarray:
        """Return values on the scale of the link."""
        return self.link.forward(values) if self.natural else values


def _beforehand(
    model: Model,
    task: Task,
    *,
    participants: int,
    trials: int,
    seed: int,
    formulas: Formulas | None,
    priors: Mapping[str, Prior] | None,
    schedule: pd.DataFrame | None,
) -> dict[str, _Known]:
    """Return what the priors say of each variable of the group and of its people."""
    people = draw_participants(model, participants, seed=seed)
    data = simulate(model, task, people, trials=trials, schedule=schedule, seed=seed)
    individuals = Individuals(Scoring.of(model, data, formulas))
    story = individuals.scoring.story
    prior = group_priors(story, priors)
    known = {}
    for predictor in story.predictors:
        link = predictor.parameter.link
        for name in predictor.coefficients:
            mean, sd = prior[f"{name}_mean"], prior[f"{name}_sd"]
            known[f"{name}_mean"] = _Known("group", link, mean.variance)
            own = name in individuals.names
            if own:
                known[f"{name}_sd"] = _Known("group", link, sd.variance)
            variance = variance_of_people(mean, sd) if own else mean.variance
            known[name] = _Known("participant", link, variance, predictor.terms is None)
    return known


def must_be_recovered(
    parameters: Sequence[str],
    model: Model,
    task: Task,
    *,
    participants: Sequence[int],
    trials: Sequence[int],
    formulas: Formulas | None = None,
) -> None:
    """Raise ValueError if `recovery_by_design` of these would not have rows of all parameters."""
    fewest = {"participants": min(participants), "trials": min(trials)}
    known = _beforehand(
        model, task, **fewest, seed=1, formulas=formulas, priors=None, schedule=None
    )
    _must_be_among(parameters, list(known))


def _must_be_among(parameters: Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in parameters if name not in known]
    if unknown:
        raise ValueError(f"no parameter {', '.join(unknown)}; there are: {', '.join(known)}")


def _measures(summary: np.ndarray, known: float) -> dict[str, float]:
    """Return how well values come back, whose prior has a known variance.

    Rows of the summary are true, mean, variance, lower, upper.
    """
    true, mean, variance, lower, upper = summary
    error = mean - true
    varies = len(true) > 1 and true.std() > 0
    return {
        "r": np.corrcoef(true, mean)[0, 1] if varies else np.nan,
        "bias": error.mean(),
        "rmse": np.sqrt((error**2).mean()),
        "coverage": ((lower <= true) & (true <= upper)).mean(),
        "contraction": 1 - variance.mean() / known,
        "count": len(true),
    }


def plot_recovery_by_design(table: pd.DataFrame, parameters: Sequence[str]) -> Figure:
    """Return a figure: a row for each parameter, a column for each measure, by trials.

    Measures are r, bias, RMSE, coverage of 95 % intervals and contraction; dotted lines are where
    they are best. Bias and RMSE are on the scale named beside the parameter; bias is drawn over the
    range of RMSE, of which it is a part.

    Parameters
    ----------
    table : DataFrame
        From `recovery_by_design`.
    parameters : sequence of str
        Which of its parameters, such as `w` and `w_mean`.

    Raises
    ------
    ValueError
        If a parameter is not there.
    """
    _must_be_among(parameters, list(dict.fromkeys(table["parameter"])))
    figure, axes = panels(len(parameters), len(MEASURES), height=4.2)
    for i, (name, measure) in enumerate((p, m) for p in parameters for m in MEASURES):
        ax, part = axes[i], table[table["parameter"] == name]
        label, best = MEASURES[measure]
        for colour, (size, rows) in zip(COLOURS * 9, part.groupby("participants"), strict=False):
            ax.plot(
                rows["trials"], rows[measure], "o-", color=colour, markersize=3.5,
                label=f"{size} participants",
            )  # fmt: skip
        ax.axhline(best, color=GREY, linewidth=0.8, linestyle=":")
        largest = 1.1 * part[["bias", "rmse"]].abs().max(axis=None)
        ends = {"bias": (-largest, largest), "rmse": (0, largest)}
        ax.set_ylim(ends.get(measure, (min(0.0, ax.get_ylim()[0]), 1.04)))
        ax.set_xticks(sorted(set(part["trials"])))
        ax.set_title("", loc="left")  # rows and columns have names, not letters
        if i < len(MEASURES):
            ax.set_title(label)
        if i >= len(axes) - len(MEASURES):
            ax.set_xlabel("Trials each")
        if measure == "r":
            scale = part["scale"].iloc[0]
            ax.set_ylabel(name if scale == "identity" else f"{name}\n({scale})")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower right", ncols=4)
    return figure
