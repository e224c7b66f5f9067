"""Data sets whose truth is known: drawn from a fit's own priors, played, and fitted again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr

from metacontrol.fitting.checkpoint import opened
from metacontrol.fitting.group import assemble, named_records
from metacontrol.fitting.individuals import Individuals
from metacontrol.fitting.priors import group_priors
from metacontrol.fitting.result import describe_model, describe_task
from metacontrol.fitting.run import describe_code
from metacontrol.fitting.sampling import bar, compiled, sample
from metacontrol.models.engine import replay
from metacontrol.models.formulas import Formulas
from metacontrol.models.model import Model
from metacontrol.models.parameter import Prior
from metacontrol.models.people import draw_participants
from metacontrol.models.scoring import Scoring
from metacontrol.models.simulation import simulate
from metacontrol.tasks.choices import Choices
from metacontrol.tasks.task import Task


@dataclass(frozen=True)
class Played:
    """A group drawn from the priors of `fit(method="nuts")`, and what it did.

    Attributes
    ----------
    true : Dataset
        Everything that a posterior holds, with its one true value: `<c>_mean`, `<c>_sd`,
        `<c>_group`, and `<c>` by participant.
    data : Choices
        What was played.
    seed : int
        For whoever fits it.
    """

    true: xr.Dataset
    data: Choices
    seed: int


def play_from_priors(
    model: Model,
    task: Task,
    *,
    participants: int,
    simulations: int,
    trials: int | None = None,
    formulas: Formulas | None = None,
    priors: Mapping[str, Prior] | None = None,
    schedule: pd.DataFrame | None = None,
    seed: int,
) -> Iterator[Played]:
    """Yield groups of simulated people, drawn from the very PyMC model that `fit` samples.

    Parameters
    ----------
    model, task, trials, formulas, schedule
        As for `simulate`.
    participants, simulations : int
        People in a group, and number of groups.
    priors : mapping of str to Prior, optional
        As for `fit(method="nuts")`.
    seed : int
        Seed of all chance.
    """
    for name, count in (("participants", participants), ("simulations", simulations)):
        if count < 1:
            raise ValueError(f"{name} must be 1 or more, got {count}")
    model.must_have_likelihood()
    setting: dict[str, Any] = {"trials": trials, "schedule": schedule}
    seeds = np.random.SeedSequence(seed).generate_state(2 * simulations + 1).tolist()
    people = draw_participants(model, participants, seed=seed)
    layout = Scoring.of(model, simulate(model, task, people, seed=seed, **setting), formulas)
    group = assemble(Individuals(layout), group_priors(layout.story, priors))
    names = [
        v.name
        for v in [*group.free_RVs, *group.deterministics]
        if v.name not in ("z", "log_likelihood")
    ]
    drawn = pm.draw(
        [group[name] for name in names],
        draws=max(simulations, 2),  # of one, PyMC gives no row
        random_seed=seeds[-1],
        mode="FAST_COMPILE",  # machine code takes far longer to compile than this to run
    )
    dims = "simulation", "participant"
    truths = xr.Dataset(
        {name: (dims[: values.ndim], values) for name, values in zip(names, drawn, strict=True)},
        coords={"participant": layout.participants},
    )
    for i in range(simulations):
        true = truths.isel(simulation=i)
        own = true[list(layout.story.coefficients)].to_dataframe().reset_index()
        played = simulate(model, task, own, seed=seeds[2 * i], formulas=formulas, **setting)
        yield Played(true, played, seeds[2 * i + 1])


def fit_from_priors(
    model: Model,
    task: Task,
    *,
    fitted: Model | None = None,
    fitted_priors: Mapping[str, Prior] | None = None,
    simulations: int,
    formulas: Formulas | None = None,
    priors: Mapping[str, Prior] | None = None,
    seed: int,
    draws: int = 500,
    tune: int = 500,
    chains: int = 2,
    cores: int | None = None,
    target_accept: float = 0.9,
    progress: bool = True,
    checkpoint: str | Path | None = None,
    **setting: Any,
) -> Iterator[tuple[xr.Dataset, xr.DataTree]]:
    """Yield the truth of a group drawn from the priors, and what NUTS says of it.

    The model is compiled once: for each data set only the records are exchanged.

    Parameters
    ----------
    model, task, simulations, formulas, priors, seed, **setting
        As for `play_from_priors`.
    fitted, fitted_priors : optional
        A model with the same parameters, or priors, to fit in place of the true ones.
    draws, tune, chains, cores, target_accept, progress
        As for `fit`; participants' coefficients are not centred.
    checkpoint : path, optional
        Folder that keeps what is finished, a part for each group. The same call goes on from there.

    Yields
    ------
    Dataset
        The truth, as in `Played`, and its `log_likelihood` by participant.
    DataTree
        Posterior, with the same variables, and sample_stats.
    """
    played: dict[str, Any] = {"simulations": simulations, "formulas": formulas, "priors": priors}
    groups = play_from_priors(model, task, seed=seed, **played, **setting)
    how: dict[str, Any] = {
        "draws": draws,
        "tune": tune,
        "chains": chains,
        "target_accept": target_accept,
    }
    run = {
        "about": {
            "method": "groups from priors",
            "model": describe_model(model),
            "task": describe_task(task),
            "formulas": dict(formulas or {}),
            "settings": {**how, "seed": seed, "simulations": simulations, **_plainly(setting)},
            "fitted": describe_model(fitted or model),
        },
        **describe_code(model, priors),
        "fitted": describe_code(fitted or model, fitted_priors),
        "versions": {name: version(name) for name in ("metacontrol", "pymc", "nutpie", "jax")},
    }
    sampler = score = None
    with (
        opened(checkpoint, run) as parts,
        bar(f"{simulations} simulated groups", progress) as tell,
    ):
        for i, group in enumerate(groups):
            scoring = Scoring.of(fitted or model, group.data, formulas)
            if score is None:
                score = jax.jit(
                    lambda records, matrix, story=scoring.story: replay.log_likelihood(
                        story, records
                    )(matrix)
                )
            own = group.true[list(scoring.story.coefficients)].to_dataframe()
            known = np.asarray(score(scoring.records, scoring.matrix(own)))
            if (tree := parts.load(f"group-{i + 1}")) is None:
                if sampler is None:
                    used = priors if fitted_priors is None else fitted_priors
                    used = group_priors(scoring.story, used)
                    sampler = compiled(assemble(Individuals(scoring), used))
                tree = sample(
                    sampler.with_data(**named_records(scoring.records)),
                    **how,
                    cores=cores or chains,
                    seed=group.seed,
                    label="",
                    progress=False,
                )
                parts.keep(f"group-{i + 1}", tree)
            yield group.true.assign(log_likelihood=("participant", known)), tree
            tell((i + 1) / simulations)


def _plainly(setting: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is simulated as plain values, tables by what tells them from others."""
    return {
        name: sha256(value.to_csv().encode()).hexdigest()
        if isinstance(value, pd.DataFrame)
        else value
        for name, value in setting.items()
    }
