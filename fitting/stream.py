"""Groups of any size: participants go by in blocks, and what their draws say waits on disk."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from metacontrol.fitting.alike import Meanings, Newcomers
from metacontrol.fitting.ascent import ascend, errors, look_around, maximum
from metacontrol.fitting.checkpoint import Parts, opened
from metacontrol.fitting.diagnostics import (
    EFFECTIVE,
    MORE_DRAWS,
    TAIL,
    diagnostics_table,
    noise_row,
    verdict,
    weighing_rows,
)
from metacontrol.fitting.hierarchy import Hierarchy, Sums
from metacontrol.fitting.individuals import Individuals, natural
from metacontrol.fitting.priors import check_regressors, group_priors
from metacontrol.fitting.recycling import Recycled
from metacontrol.fitting.result import describe_model, describe_task
from metacontrol.fitting.run import describe_code, digest_of_choices
from metacontrol.fitting.sampling import bar
from metacontrol.models.engine.story import Story
from metacontrol.models.formulas import Formulas
from metacontrol.models.model import Model
from metacontrol.models.parameter import Prior
from metacontrol.models.scoring import Scoring
from metacontrol.tasks.choices import Choices

FEWEST = 50  # draws
BIASED = 1.0  # standard errors
FAR = 3.0  # of the pilot's standard errors: draws made there no longer know about here
# What a formula finds out from the data themselves would differ from block to block.
_STATEFUL = re.compile(r"\b(center|scale|standardize|poly|bs|cr|cs|cc|C)\s*\(")


@dataclass(frozen=True, eq=False)
class StreamFit:
    """A group of any size. Made by `fit_stream`.

    Attributes
    ----------
    group : DataFrame
        As `Fit.group` of a group: parameter, and posterior mean, sd and 95 % interval
        (lower, upper) of each mean and standard deviation of the group, and of each median
        participant (natural scale, `scale` says which).
    diagnostics : DataFrame
        As `Fit.diagnostics`.
    participants : int
        How many there are.
    """

    group: pd.DataFrame
    diagnostics: pd.DataFrame
    participants: int
    _blocks: _Blocks
    _vector: np.ndarray

    @property
    def ok(self) -> bool:
        """Whether all diagnostics are as wanted."""
        return bool(self.diagnostics["ok"].all())

    def parameters(self) -> Iterator[pd.DataFrame]:
        """Yield participants' coefficients (posterior means under the most probable group).

        A table for each block, as `Fit.parameters`.
        """
        for people, recycled in self._blocks:
            weights = recycled.weights(self._vector)
            shifts = recycled.hierarchy.shifts(self._vector)
            values = recycled.values - shifts[:, :, None]
            own = natural(self._blocks.story, recycled.hierarchy.own, values.swapaxes(1, 2))
            table = {name: (weights * v).sum(axis=1) for name, v in own.items()}
            for name in set(recycled.hierarchy.names) - set(table):
                table[name] = self._vector[recycled.hierarchy.names.index(name)]
            index = pd.Index(people, name="participant")
            yield pd.DataFrame(table, index)[list(recycled.hierarchy.names)]

    def __repr__(self) -> str:
        model = self._blocks.story.model
        return verdict(f"Fit of {model.name}: {self.participants:,} participants", self.diagnostics)


def fit_stream(
    model: Model,
    blocks: Iterable[Choices],
    folder: str | Path,
    *,
    formulas: Formulas | None = None,
    priors: Mapping[str, Prior] | None = None,
    seed: int,
    importance: int = 500,
    draws: int = 4000,
    progress: bool = True,
) -> StreamFit:
    """Fit a group of any size in two stages, with no more than a block of it in memory.

    The first block says about where the group is (EM, as by ``fit(method="em")``). Draws of
    everybody are made there and kept on disk, some 20 kB a participant. Then the group is found by
    reading them again and again: its most probable numbers, by EM, and the normal distribution
    around them that its posterior is, of so many people. What few draws do to it does not average
    out over participants: most of that is corrected, and diagnostics say how much it was.

    Parameters
    ----------
    model : Model
        The model.
    blocks : iterable of Choices
        Some hundred or thousand participants each, the first a random sample of all. Each person is
        in one block, by a name that nobody else has. For example
        ``(read_choices(path, task) for path in paths)``.
    folder : path
        Where draws are kept. Called again after a break, blocks that are there are not drawn again.
        Delete it when the result is no longer needed.
    formulas, priors
        As for `fit`; nothing in a formula may depend on the data as a whole, such as `center`, and
        a column of categories has all of its levels in every block.
    seed : int
        Seed of all draws.
    importance : int
        Draws of each participant.
    draws : int
        Draws of the group's posterior, for its table.
    progress : bool
        Whether to show a progress bar on a terminal.

    Raises
    ------
    ValueError
        If there is no block, blocks do not have the same coefficients, somebody is in two of them,
        a formula means something else in one of them, or the folder holds something else.
    """
    for name, formula in (formulas or {}).items():
        if found := _STATEFUL.search(formula):
            raise ValueError(
                f"the formula of {name} has {found.group(1)}(...), which would mean something else "
                "in each block: make a column of it in all of them first"
            )
    for name, count in (("importance", importance), ("draws", draws)):
        if count < FEWEST:
            raise ValueError(f"{name} must be {FEWEST} or more, got {count}")
    run = {
        "about": {
            "method": "stream",
            "model": describe_model(model),
            "formulas": dict(formulas or {}),
            "settings": {"seed": seed, "importance": importance},
        },
        **describe_code(model, priors),
        "versions": {name: version(name) for name in ("metacontrol", "numpy", "jax")},
    }
    with opened(folder, run) as parts, bar("blocks of participants", progress) as tell:
        kept, newcomers, meanings = None, Newcomers(), Meanings(model, formulas or {})
        for number, data in enumerate(blocks):
            scoring = Scoring.of(model, data, formulas)
            check_regressors(scoring, group=True)
            newcomers.add(number, scoring.participants)
            meanings.compare(number, data)
            if kept is None:
                start = _pilot(scoring, priors, parts, count=importance, seed=seed)
                kept = _Blocks(parts, scoring.story, start, priors)
            kept.add(number, scoring, count=importance, seed=seed)
            tell(0.0, f"{number + 1:,} drawn")
        if kept is None:
            raise ValueError("there are no blocks of participants")
        return _group(kept, draws, seed, tell)


class _Blocks:
    """Draws of all participants, block by block, from disk."""

    def __init__(self, parts: Parts, story: Story, pilot: xr.DataTree, priors: Any) -> None:
        self.parts, self.story, self.count = parts, story, 0
        self.start = pilot["pilot"]["vector"].to_numpy()
        self.error = pilot["pilot"]["error"].to_numpy()
        own = tuple(str(name) for name in pilot["pilot"]["own"].to_numpy())
        self.priors = group_priors(story, priors)
        self.hierarchy = Hierarchy(
            story.coefficients,
            own,
            np.empty((0, len(story.coefficients))),
            pilot["pilot"]["moves"].to_numpy(),
        ).under(self.priors)

    @property
    def nobody(self) -> Sums:
        """Sums over no participant."""
        none = np.empty((0, len(self.hierarchy.own)))
        return self.hierarchy.sums(none, none)

    def add(self, number: int, scoring: Scoring, *, count: int, seed: int) -> None:
        """Draw of a block and keep it, unless that was done."""
        individuals = Individuals(scoring)
        here = self.hierarchy
        if scoring.story.coefficients != here.names or individuals.names != here.own:
            raise ValueError(
                f"block {number} has coefficients {', '.join(individuals.names)}, the first has "
                f"{', '.join(here.own)}: a column varies within participants of one of them only, "
                "or has other categories there"
            )
        if scoring.story.task != self.story.task:
            raise ValueError(f"block {number} is of another task than the first")
        self.count += 1
        if (found := self.parts.load(f"block-{number}")) is not None:
            _let_go(found)
            _must_be_of(found, scoring, number)
            return
        hierarchy = Hierarchy.of(individuals, self.priors)
        own = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
        drawn = look_around(individuals, self.start, hierarchy, count=count, seed=own)
        recycled = Recycled.of(hierarchy, drawn)
        arrays = {
            "values": (("participant", "own", "draw"), recycled.values.astype(np.float32)),
            "base": (("participant", "draw"), recycled.base.astype(np.float32)),
            "regressors": (("participant", "coefficient"), hierarchy.regressors),
        }
        coords = {"participant": scoring.participants}
        tree = xr.DataTree.from_dict({"draws": xr.Dataset(arrays, coords)})
        tree.attrs["choices"] = _choices(scoring)
        self.parts.keep(f"block-{number}", tree)
        _let_go(tree)

    def __iter__(self) -> Iterator[tuple[list[str], Recycled]]:
        for number in range(self.count):
            tree = self.parts.load(f"block-{number}")
            if tree is None:
                raise ValueError(f"block {number} is gone from {self.parts.folder}")
            kept = tree["draws"].to_dataset()
            _let_go(tree)
            hierarchy = replace(self.hierarchy, regressors=kept["regressors"].to_numpy())
            values, base = (kept[n].to_numpy().astype(float) for n in ("values", "base"))
            people = [str(name) for name in kept["participant"].to_numpy()]
            yield people, Recycled(hierarchy, values, base, np.empty_like(base))


def _choices(scoring: Scoring) -> str:
    """Return what tells the choices of a block, and their task, from any others."""
    return f"{digest_of_choices(scoring)} in {describe_task(scoring.story.task)}"


def _must_be_of(tree: xr.DataTree, scoring: Scoring, number: int) -> None:
    """Raise ValueError if what was kept is not of a block's choices."""
    if tree.attrs.get("choices") != _choices(scoring):
        raise ValueError(f"block {number} has other choices than when it was drawn")


def _let_go(tree: xr.DataTree) -> None:
    """Part a tree, so that its arrays go when nobody uses them.

    Parent and children hold each other: as a whole it waits for the garbage collector, which counts
    objects and not bytes, and blocks would pile up.
    """
    for child in tuple(tree.children.values()):
        child.orphan()


def _pilot(scoring: Scoring, priors: Any, parts: Parts, *, count: int, seed: int) -> xr.DataTree:
    """Return the most probable group of a block, made once."""

    def make() -> xr.DataTree:
        individuals = Individuals(scoring)
        hierarchy = Hierarchy.of(individuals, group_priors(scoring.story, priors))
        start = hierarchy.near(individuals.prior(priors))
        found = maximum(
            individuals, start, hierarchy, tell=lambda share: None, count=count, seed=seed
        )
        vector, error = found.vector, np.sqrt(np.diag(found.covariance))
        arrays = {
            "vector": ("number", vector),
            "error": ("number", error),
            "moves": (("coefficient", "own"), hierarchy.moves),
        }
        coords = {"own": list(individuals.names)}
        tree = xr.DataTree.from_dict({"pilot": xr.Dataset(arrays, coords)})
        tree.attrs["choices"] = _choices(scoring)
        return tree

    pilot = parts.part("pilot", make)
    _must_be_of(pilot, scoring, 0)
    return pilot


def _group(blocks: _Blocks, draws: int, seed: int, tell: Any) -> StreamFit:
    """Read the group off the draws."""
    passes = 0

    def step(vector: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal passes
        height, total = 0.0, blocks.nobody
        for _, recycled in blocks:
            evidence, first, second = recycled.corrected_moments(vector)
            height += float(evidence.sum())
            total += recycled.hierarchy.sums(first, second)
        passes += 1
        tell(0.0, f"{passes} times read")
        height += float(blocks.hierarchy.log_prior(vector))
        return height, blocks.hierarchy.likeliest(total, vector)

    vector = ascend(step, blocks.start)
    information = np.diag(blocks.hierarchy.prior_information(vector))
    noise = np.zeros_like(information)
    total = blocks.nobody
    few = heavy = 0
    for _, recycled in blocks:
        more = recycled.information(vector)
        information, noise = information + more[0], noise + more[1]
        total += recycled.hierarchy.sums(*recycled.moments(vector)[1:])
        few += int((recycled.effective(vector) < EFFECTIVE).sum())
        heavy += int((recycled.pareto_k(vector) > TAIL).sum())
    covariance, spread = errors(information, noise)
    error = np.sqrt(np.diag(covariance))
    bias = covariance @ blocks.hierarchy.score(total, vector)

    def worst(values: np.ndarray) -> tuple[float, str]:
        place = int(np.argmax(np.abs(values)))
        return round(float(np.abs(values[place])), 3), blocks.hierarchy.variables[place]

    rows = weighing_rows(total.people, (few, ""), (heavy, ""))
    rows.append(noise_row(*worst(spread / error)))
    corrected, name = worst(bias / error)
    rows.append(
        (
            f"bias of few draws, before it was corrected, in standard errors ({name})",
            corrected,
            f"below {BIASED}",
            corrected < BIASED,
            f"some is left, which does not average out over participants: {MORE_DRAWS}",
        )
    )
    moved, name = worst((vector - blocks.start) / blocks.error)
    rows.append(
        (
            f"standard errors from the first block to all ({name})",
            moved,
            f"below {FAR}",
            moved < FAR,
            "the first block is unlike the others: shuffle participants",
        )
    )
    diagnostics = diagnostics_table(rows)
    vectors = np.random.default_rng([seed, 1]).multivariate_normal(vector, covariance, draws)
    table = _table(blocks.story, blocks.hierarchy, vectors)
    return StreamFit(table, diagnostics, total.people, blocks, vector)


def _table(story: Story, hierarchy: Hierarchy, vectors: np.ndarray) -> pd.DataFrame:
    """Return the group's table from draws of its numbers."""
    links = {p.parameter.name: p.parameter.link for p in story.predictors if p.terms is None}
    numbers = dict(zip(hierarchy.variables, vectors.T, strict=True))
    rows = []
    for name in hierarchy.names:
        rows.append((f"{name}_mean", "link", numbers[f"{name}_mean"]))
        if name in hierarchy.own:
            rows.append((f"{name}_sd", "link", np.exp(numbers[f"{name}_sd"])))
        if name in links:
            median = links[name].inverse(numbers[f"{name}_mean"])
            rows.append((f"{name}_group", "natural", median))
    table = [
        (name, v.mean(), v.std(ddof=1), *np.quantile(v, [0.025, 0.975]), scale)
        for name, scale, v in rows
    ]
    return pd.DataFrame(table, columns=["parameter", "mean", "sd", "lower", "upper", "scale"])
