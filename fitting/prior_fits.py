"""Data sets whose truth is known: drawn from a fit's own priors, played, and fitted again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import jax
import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from joblib import Parallel, cpu_count, delayed, effective_n_jobs
from nutpie.sample import CompiledModel

from metacontrol.fitting.checkpoint import opened
from metacontrol.fitting.duration import say_how_long_groups
from metacontrol.fitting.group import assemble, named_records
from metacontrol.fitting.individuals import Individuals
from metacontrol.fitting.priors import group_priors
from metacontrol.fitting.result import describe_model, describe_task
from metacontrol.fitting.run import describe_code
from metacontrol.fitting.sampling import bar, compiled, sample, unheeded_blas
from metacontrol.fitting.shards import must_be_shard, share
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
        `<c>_group`, `<c>` by participant, and `correlation` by parameter_a and parameter_b, if any.
    data : Choices
        What was played.
    seed : int
        For whoever fits it.
    """

    true: xr.Dataset
    data: Choices
    seed: int


@dataclass(frozen=True)
class Groups:
    """Groups drawn from priors; each plays when it is asked for, the same whenever it is.

    Attributes
    ----------
    truths : Dataset
        As `Played.true`, with a dimension `simulation`.
    play : callable
        `simulate` of people and a seed, as all groups do.
    coefficients : tuple of str
        What people have.
    seeds : list of int
        Two for each group: to play with, and for whoever fits it.
    """

    truths: xr.Dataset
    play: Callable[..., Choices]
    coefficients: tuple[str, ...]
    seeds: list[int]

    def __len__(self) -> int:
        return len(self.seeds) // 2

    def __iter__(self) -> Iterator[Played]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, number: int) -> Played:
        true = self.truths.isel(simulation=number)
        own = true[list(self.coefficients)].to_dataframe().reset_index()
        to_play, to_fit = self.seeds[2 * number : 2 * number + 2]
        return Played(true, self.play(own, seed=to_play), to_fit)


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
    correlated: bool | Sequence[str] = False,
    seed: int,
) -> Groups:
    """Return groups of simulated people, drawn from the very PyMC model that `fit` samples.

    Parameters
    ----------
    model, task, trials, formulas, schedule
        As for `simulate`.
    participants, simulations : int
        People in a group, and number of groups.
    priors : mapping of str to Prior, optional
        As for `fit(method="nuts")`.
    correlated : bool or sequence of str
        As for `fit`: correlations of people's coefficients are drawn from LKJ(2) too.
    seed : int
        Seed of all chance.
    """
    for name, count in (("participants", participants), ("simulations", simulations)):
        if count < 1:
            raise ValueError(f"{name} must be 1 or more, got {count}")
    model.must_have_likelihood()
    play: Any = partial(simulate, model, task, trials=trials, schedule=schedule)
    *seeds, last = np.random.SeedSequence(seed).generate_state(2 * simulations + 1).tolist()
    people = draw_participants(model, participants, seed=seed)
    layout = Scoring.of(model, play(people, seed=seed), formulas)
    individuals = Individuals(layout)
    tied = _tied(correlated, individuals.names)
    group = assemble(individuals, group_priors(layout.story, priors), correlated=tied)
    names = [
        v.name
        for v in [*group.free_RVs, *group.deterministics]
        if v.name not in ("z", "correlation_factor", "log_likelihood")
    ]
    with unheeded_blas():
        drawn = pm.draw(
            [group[name] for name in names],
            draws=max(simulations, 2),  # of one, PyMC gives no row
            random_seed=last,
            mode="FAST_COMPILE",  # machine code takes far longer to compile than this to run
        )
    dims = {name: ("simulation", *group.named_vars_to_dims.get(name, ())) for name in names}
    truths = xr.Dataset(
        {name: (dims[name], values) for name, values in zip(names, drawn, strict=True)},
        coords={
            "participant": layout.participants,
            **({"parameter_a": tied, "parameter_b": tied} if tied else {}),
        },
    )
    return Groups(truths, partial(play, formulas=formulas), layout.story.coefficients, seeds)


def _tied(correlated: bool | Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the coefficients that correlate, in the order of all; unknown ones come first."""
    if isinstance(correlated, bool):
        return list(names) if correlated else []
    return sorted(correlated, key=lambda name: names.index(name) if name in names else -1)


def must_take(who: str, options: Iterable[str], allowed: Sequence[str]) -> None:
    """Raise TypeError if a function is given options that it does not take."""
    unknown = [name for name in options if name not in allowed]
    if unknown:
        raise TypeError(
            f"{who} does not take {', '.join(unknown)}; its options are: {', '.join(allowed)}"
        )


def fit_from_priors(
    model: Model,
    task: Task,
    *,
    fitted: Model | None = None,
    fitted_priors: Mapping[str, Prior] | None = None,
    simulations: int,
    formulas: Formulas | None = None,
    priors: Mapping[str, Prior] | None = None,
    correlated: bool | Sequence[str] = False,
    seed: int,
    draws: int = 500,
    tune: int = 500,
    chains: int = 2,
    cores: int | None = None,
    target_accept: float = 0.9,
    progress: bool = True,
    checkpoint: str | Path | None = None,
    shard: tuple[int, int] = (1, 1),
    **setting: Any,
) -> Iterator[tuple[xr.Dataset, xr.DataTree]]:
    """Yield the truth of a group drawn from the priors, and what NUTS says of it.

    Groups are fitted wherever joblib is told to work. Each process compiles the model once: for
    each group only the records are exchanged. Numbers are the same whoever fits which.

    Parameters
    ----------
    model, task, simulations, formulas, priors, correlated, seed, **setting
        As for `play_from_priors`; what correlates there is fitted so.
    fitted, fitted_priors : optional
        A model with the same parameters, or priors, to fit in place of the true ones.
    draws, tune, chains, target_accept, progress
        As for `fit`; participants' coefficients are not centred.
    cores : int, optional
        Chains of a group at once; by default all if one group is fitted at a time, else one.
    checkpoint : path, optional
        Folder that keeps what is finished, a part for each group. The same call goes on from there.
    shard : tuple of int
        With a checkpoint: which of how many shares of the groups, from (1, n) to (n, n).

    Yields
    ------
    Dataset
        The truth, as in `Played`, and its `log_likelihood` by participant.
    DataTree
        Posterior, with the same variables, and sample_stats.
    """
    must_be_shard(shard, checkpoint)
    played: dict[str, Any] = {"simulations": simulations, "formulas": formulas, "priors": priors}
    played |= {"correlated": correlated}
    how: dict[str, Any] = {
        "draws": draws,
        "tune": tune,
        "chains": chains,
        "target_accept": target_accept,
    }
    used = priors if fitted_priors is None else fitted_priors
    run = {
        "about": {
            "method": "groups from priors",
            "model": describe_model(model),
            "task": describe_task(task),
            "formulas": dict(formulas or {}),
            "settings": {
                **how,
                "seed": seed,
                "simulations": simulations,
                "correlated": correlated if isinstance(correlated, bool) else list(correlated),
                **_plainly(setting),
            },
            "fitted": describe_model(fitted or model),
        },
        **describe_code(model, priors),
        "fitted": describe_code(fitted or model, used),
        "versions": {name: version(name) for name in ("metacontrol", "pymc", "nutpie", "jax")},
    }
    at_once = min(chains, cpu_count()) if effective_n_jobs(None) == 1 else 1
    how |= {"cores": cores or at_once}
    fitter = _Fitter(fitted or model, formulas, used, correlated, how)
    groups = play_from_priors(model, task, seed=seed, **played, **setting)
    mine = share(range(simulations), shard)
    with opened(checkpoint, run) as parts, bar(f"{len(mine)} simulated groups", progress) as tell:
        done = {i for i in mine if parts.load(_name(i)) is not None}
        arriving = Parallel(return_as="generator_unordered")(
            delayed(_numbered)(i, fitter, groups[i]) for i in mine if i not in done
        )
        early: dict[int, xr.DataTree] = {}  # fitted before one whose turn is first
        left, began = len(mine) - len(done), time.perf_counter()
        for i in mine:
            while i not in done:
                number, tree = next(arriving)
                early[number] = parts.keep(_name(number), tree)
                done.add(number)
                if progress and len(done) == len(mine) - left + 1:
                    took, beside = time.perf_counter() - began, min(effective_n_jobs(None), left)
                    say_how_long_groups(took, left - 1, beside)
                tell(len(done) / len(mine))
            tree = early.pop(i) if i in early else parts.load(_name(i))
            if tree is None:  # somebody has just deleted it
                tree = fitter.fit(groups[i])
            yield tree["truth"].to_dataset(), tree


def _numbered(number: int, fitter: _Fitter, group: Played) -> tuple[int, xr.DataTree]:
    return number, fitter.fit(group)


def _name(number: int) -> str:
    """Return the name under which a group's fit is kept."""
    return f"group-{number + 1}"


@dataclass(frozen=True)
class _Fitter:
    """Fits group after group, in any process, which compiles the model when it is given the first.

    Attributes
    ----------
    model, formulas, priors, correlated
        What is fitted.
    how : dict
        Settings of `sample`.
    name : str
        No other has it: what a process has compiled for one is of no use to another.
    """

    model: Model
    formulas: Formulas | None
    priors: Mapping[str, Prior] | None
    correlated: bool | Sequence[str]
    how: Mapping[str, Any]
    name: str = field(default_factory=lambda: uuid4().hex)

    def fit(self, group: Played) -> xr.DataTree:
        """Return a group's `truth`, posterior and sample_stats."""
        scoring = Scoring.of(self.model, group.data, self.formulas)
        if self.name not in _READY:
            _READY.clear()
            _READY[self.name] = self._compiled(scoring)
        sampler, score = _READY[self.name]
        own = group.true[list(scoring.story.coefficients)].to_dataframe()
        known = np.asarray(score(scoring.records, scoring.matrix(own)))
        records = named_records(scoring.records)
        how: Any = {"seed": group.seed, "label": "", "progress": False}
        tree = sample(sampler.with_data(**records), **self.how, **how)
        truth = group.true.assign(log_likelihood=("participant", known))
        return tree.assign({"truth": xr.DataTree(truth)})

    def _compiled(self, scoring: Scoring) -> tuple[CompiledModel, Callable[..., Any]]:
        """Return the sampler, and the log-likelihood of records and coefficients."""
        priors, story = group_priors(scoring.story, self.priors), scoring.story
        score = jax.jit(lambda records, matrix: replay.log_likelihood(story, records)(matrix))
        individuals = Individuals(scoring)
        tied = _tied(self.correlated, individuals.names)
        return compiled(assemble(individuals, priors, correlated=tied)), score


_READY: dict[str, tuple[CompiledModel, Callable[..., Any]]] = {}  # of the fitter that works here


def _plainly(setting: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is simulated as plain values, tables by what tells them from others."""
    return {
        name: sha256(value.to_csv().encode()).hexdigest()
        if isinstance(value, pd.DataFrame)
        else value
        for name, value in setting.items()
    }
