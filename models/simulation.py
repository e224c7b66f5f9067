"""Simulated participants: parameters in, choices out."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pandas as pd

from metacontrol.models.engine.play import play
from metacontrol.models.engine.predictor import Predictor
from metacontrol.models.engine.story import Story
from metacontrol.models.formulas import (
    Formulas,
    coefficient_matrix,
    columns_read,
    formulas_from_names,
    must_be_known_before,
    predictors,
)
from metacontrol.models.model import Model
from metacontrol.tasks.checks import first_is_common
from metacontrol.tasks.choices import Choices
from metacontrol.tasks.graph import Graph
from metacontrol.tasks.otto_2013 import DualTask
from metacontrol.tasks.task import Choice, Outcome, Task

BATCH = 2048  # participants simulated at once: keeps memory flat


def simulate(
    model: Model,
    task: Task,
    parameters: pd.DataFrame,
    *,
    trials: int | None = None,
    seed: int,
    formulas: Formulas | None = None,
    schedule: pd.DataFrame | None = None,
) -> Choices:
    """Let simulated participants play a task.

    Parameters
    ----------
    model : Model
        How they decide and learn.
    task : Task
        What they play.
    parameters : DataFrame
        One row a participant, natural values under the parameters' names; participants are named
        by a column `participant`, else `s1`, `s2`, ... A parameter that depends on columns is given
        by its coefficients on the scale of its link, such as `w_Intercept` and `w_load`.
    trials : int, optional
        Trials of each participant; by default the task's number.
    seed : int
        Seed of schedule and luck. The same seed gives the same data, whatever else is simulated.
    formulas : mapping of str to str, optional
        Needed only where coefficients' names do not say it, as with categories.
    schedule : DataFrame, optional
        Columns decided beforehand (`load`, `p_0_0`, any regressor), one row a trial: either with a
        column `participant`, the same number of trials for each, or one schedule for all. Columns
        of the task that it lacks are drawn; events in it are not used.

    Returns
    -------
    Choices

    Raises
    ------
    ValueError
        If a parameter is not there or out of range, a formula uses what the trial itself brings,
        the schedule does not fit, or the model cannot play the task.
    """
    if not len(parameters):
        raise ValueError("the parameter table has no rows: one row makes one participant")
    model.must_play(task)
    names = _names(parameters)
    if trials is None:
        trials = task.trials if schedule is None else _trials(schedule, names)
    if trials < 1:
        raise ValueError(f"trials must be 1 or more, got {trials}")
    given = {}
    if schedule is not None:
        played = [*(event.name for event in task.events), "transition"]
        given = _given(schedule.drop(columns=played, errors="ignore"), names, trials)
    formulas = formulas_from_names(model, parameters.columns) if formulas is None else formulas

    must_be_known_before(task, formulas)

    def scheduled(batch: slice, rng: np.random.Generator) -> dict[str, np.ndarray]:
        columns = task.schedule(len(names[batch]), trials, rng)
        own = {name: column[:, batch] for name, column in given.items()}
        columns |= own
        if "load" in own and isinstance(task, DualTask):
            columns |= task.secondary(own["load"], rng) | own
        return columns

    seeds = np.random.SeedSequence(seed).spawn(-(-len(names) // BATCH))
    batches = [(slice(i * BATCH, (i + 1) * BATCH), own) for i, own in enumerate(seeds)]
    everybody = pd.DataFrame()
    if formulas:  # terms find out means and levels from all schedules, drawn here and once more
        again = [(batch, np.random.default_rng(deepcopy(own))) for batch, own in batches]
        flats = (_flat(scheduled(batch, rng)) for batch, rng in again)  # own is spawned from later
        read = (flat[columns_read(flat, formulas)] for flat in flats)
        everybody = pd.concat(read, ignore_index=True)
    found, regressors = predictors(model, everybody, formulas)
    matrix, story = coefficient_matrix(found, parameters), Story(model, task, tuple(found))
    grids = {name: column.reshape(-1, trials) for name, column in regressors.items()}
    parts = []
    for batch, batch_seed in batches:
        rng = np.random.default_rng(batch_seed)
        columns = scheduled(batch, rng)
        numeric = {n: c for n, c in columns.items() if c.dtype.kind in "biuf"}
        own = {name: grid[batch].T for name, grid in grids.items()}
        happened, _ = play(story, matrix[batch], {**numeric, **own}, rng)
        parts.append(_frame(task, happened, columns))
    frame = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    codes = np.repeat(np.arange(len(names), dtype=np.int32), trials)
    frame.insert(0, "participant", pd.array(np.asarray(names, dtype=object)[codes], dtype="str"))
    frame.insert(1, "trial", np.tile(np.arange(1, trials + 1, dtype=np.int32), len(names)))
    return Choices(frame, task)


def foreseen(
    model: Model,
    task: Task,
    formulas: Formulas | None,
    *,
    participants: int,
    trials: int | None = None,
    seed: int,
) -> tuple[list[Predictor], dict[str, np.ndarray]]:
    """Return `predictors` over trials as the task schedules them, before anybody plays.

    Parameters are those of `simulate`; regressors have shape (participants * trials,).
    """
    model.must_play(task)
    must_be_known_before(task, formulas)
    rng = np.random.default_rng(seed)
    columns = task.schedule(participants, task.trials if trials is None else trials, rng)
    return predictors(model, _flat(columns), formulas)


def _flat(columns: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return a schedule as a table, participants one after the other."""
    return pd.DataFrame({name: column.T.ravel() for name, column in columns.items()})


def _frame(task: Task, happened: dict[str, Any], columns: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return events and schedule as columns, participants one after the other."""
    flat = {}
    for event in task.events:
        if event.name in happened:
            values = np.asarray(happened[event.name]).T.ravel()
            counted = isinstance(event, Choice) or (
                isinstance(event, Outcome) and event.states is not None
            )
            flat[event.name] = pd.array(values.astype(np.int8), "Int8") if counted else values
    frame = pd.DataFrame(flat | {name: column.T.ravel() for name, column in columns.items()})
    if isinstance(task, Graph) and task.common < 1:
        common = first_is_common(task, frame).astype(np.int8)
        place = len(flat)
        frame.insert(place, "transition", pd.Categorical.from_codes(common, ["rare", "common"]))
    return frame


def _names(parameters: pd.DataFrame) -> list[str]:
    if "participant" not in parameters:
        return [f"s{i + 1}" for i in range(len(parameters))]
    names = parameters["participant"].astype(str)
    if names.duplicated().any():
        twice = names[names.duplicated()].iloc[0]
        raise ValueError(f"the parameter table has participant {twice!r} more than once")
    return names.to_list()


def _trials(schedule: pd.DataFrame, names: list[str]) -> int:
    return len(schedule) // len(names) if "participant" in schedule else len(schedule)


def _given(schedule: pd.DataFrame, names: list[str], trials: int) -> dict[str, np.ndarray]:
    """Return a schedule's columns as arrays, shape (trials, participants)."""
    if "participant" in schedule:
        counts = schedule["participant"].astype(str).value_counts()
        wrong = [name for name in names if counts.get(name, 0) != trials]
        if wrong:
            raise ValueError(
                f"the schedule must have {trials} trials for each participant, but has "
                f"{counts.get(wrong[0], 0)} for {wrong[0]!r}"
            )
        order = pd.Categorical(schedule["participant"].astype(str), categories=names).codes
        keep = np.argsort(order, kind="stable")[(order < 0).sum() :]
        rows = schedule.iloc[keep]
        shape = len(names), trials
        return {
            str(c): rows[c].to_numpy().reshape(shape).T
            for c in rows.columns.drop(["participant", "trial"], errors="ignore")
        }
    if len(schedule) != trials:
        raise ValueError(f"the schedule has {len(schedule)} rows, but trials is {trials}")
    return {
        str(c): np.repeat(schedule[c].to_numpy()[:, None], len(names), axis=1)
        for c in schedule.columns.drop("trial", errors="ignore")
    }
