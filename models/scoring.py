"""How likely recorded choices are under a model, and what the model had in mind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import numpy as np
import pandas as pd

from metacontrol.models.engine import replay
from metacontrol.models.engine.predictor import Predictor
from metacontrol.models.engine.records import Records, lay_out
from metacontrol.models.engine.sources import note_sources
from metacontrol.models.engine.story import Story
from metacontrol.models.formulas import (
    Formulas,
    coefficient_matrix,
    formulas_from_names,
    must_be_known_before,
    predictors,
)
from metacontrol.models.model import Model
from metacontrol.tasks.choices import Choices, event_columns
from metacontrol.tasks.task import Task


@dataclass(frozen=True)
class Scoring:
    """A model laid out over choices: what every way of fitting starts from.

    Attributes
    ----------
    story : Story
        Model, task and predictors; `story.coefficients` names the columns of a coefficient matrix.
    records : Records
        Choices laid out for the engine.
    participants : list of str
        Rows of a coefficient matrix.
    varies : dict of str to bool
        Whether a regressor varies within any participant, by its coefficient.
    """

    story: Story
    records: Records
    participants: list[str]
    varies: dict[str, bool]

    @classmethod
    def of(
        cls,
        model: Model,
        data: Choices,
        formulas: Formulas | None = None,
        like: pd.DataFrame | None = None,
    ) -> Scoring:
        """Lay a model out over choices; `like` is as for `predictors`.

        Raises ValueError if the model has no likelihood or cannot play the task, a formula uses
        what the trial itself brings, or a regressor is missing somewhere.
        """
        model.must_have_likelihood()
        model.must_play(data.task)
        must_be_known_before(data.task, formulas)
        found, regressors = predictors(model, data.frame, formulas, like)
        number, names = pd.factorize(data.frame["participant"])
        used = data.complete
        for name, values in regressors.items():
            gap = np.flatnonzero(used & ~np.isfinite(values))
            if len(gap):
                row = data.frame.iloc[gap[0]]
                raise ValueError(
                    f"the regressor of {name} is missing or infinite "
                    f"(participant {row['participant']!r}, trial {row['trial']})"
                )
        shown = [*event_columns(data.task), *data.task.cues]
        columns = {
            name: np.nan_to_num(data.frame[name].to_numpy(dtype=float, na_value=np.nan))
            for name in shown
            if name in data.frame
        }
        records = lay_out(number, len(names), used, data.counted, {**columns, **regressors})
        varies = {
            name: bool(pd.Series(v[used]).groupby(number[used]).nunique().gt(1).any())
            for name, v in regressors.items()
        }
        return cls(Story(model, data.task, tuple(found)), records, [str(n) for n in names], varies)

    @property
    def choices(self) -> np.ndarray:
        """Scored choices between options of each participant, shape (participants,)."""
        trials = np.asarray(self.records.scored).sum(axis=1, dtype=np.int64).ravel()
        real = sum(getattr(event, "options", 1) > 1 for event in self.story.task.events)
        return real * trials[self.records.slots]

    def matrix(self, parameters: pd.DataFrame) -> np.ndarray:
        """Return a parameter table as a matrix, shape (participants, coefficients)."""
        return coefficient_matrix(self.story.predictors, parameters, self.participants)


def log_likelihood(
    model: Model, data: Choices, parameters: pd.DataFrame, formulas: Formulas | None = None
) -> pd.DataFrame:
    """Return how likely each participant's choices are.

    Parameters
    ----------
    model : Model
        The model.
    data : Choices
        The choices.
    parameters : DataFrame
        One row a participant (column `participant` or the index), natural values under the
        parameters' names. A single row without participants serves for all. A parameter that
        follows a formula is given by its coefficients, on the scale of its link: `w_Intercept`,
        `w_load`.
    formulas : mapping of str to str, optional
        Needed only where coefficients' names do not say it, as with categories.

    Returns
    -------
    DataFrame
        Index participant; a column for each of the task's choices, and `total`; in nats.

    Raises
    ------
    ValueError
        If a parameter is not there or out of range.
    FloatingPointError
        If a likelihood is not a number, naming participant and trial.
    """
    scoring = _scoring(model, data, parameters, formulas)
    matrix = scoring.matrix(parameters)
    by_choice = jax.jit(replay.log_likelihood_by_choice(scoring.story, scoring.records))(matrix)
    index = pd.Index(scoring.participants, name="participant")
    table = pd.DataFrame({k: np.asarray(v) for k, v in by_choice.items()}, index=index)
    table["total"] = table.sum(axis=1, skipna=False)
    if table["total"].isna().any():
        _raise_not_a_number(model, data, parameters, formulas)
    return table


class Draws(Protocol):
    """What `latents` needs of a fit."""

    @property
    def formulas(self) -> Formulas:
        """Formulas by parameter."""

    def parameter_draws(self, count: int) -> list[pd.DataFrame]:
        """Return parameter tables; more than one if there is a posterior."""


def latents(
    model: Model,
    data: Choices,
    parameters: pd.DataFrame | Draws,
    formulas: Formulas | None = None,
    *,
    draws: int = 200,
    like: Choices | None = None,
) -> pd.DataFrame:
    """Return what a model noted on each trial: weights, prediction errors and the like.

    Parameters
    ----------
    model : Model
        The model.
    data : Choices
        The choices.
    parameters : DataFrame or Fit
        As for `log_likelihood`; or a fit of this model to people who are in the data.
    formulas : mapping of str to str, optional
        As for `log_likelihood`; a fit has its own.
    draws : int
        How many draws of a posterior to use, evenly apart.
    like : Choices, optional
        The choices from which a formula's terms find out what they need, such as the mean in
        ``scale(age)``: what was fitted, where `data` are others. By default `data`.

    Returns
    -------
    DataFrame
        One row a trial of `data`, in its order: participant, trial, a column for each note, and
        `log_probability_<choice>` for each choice. Given a posterior these are means over draws,
        and each has its 95 % interval in `<name>_lower` and `<name>_upper`. Missing on missed
        trials.
    """
    tables = [parameters]
    if not isinstance(parameters, pd.DataFrame):
        tables, formulas = parameters.parameter_draws(draws), parameters.formulas
    told: dict[str, list[np.ndarray]] = {}
    for notes in narrations(model, data, tables, formulas, like):
        for name, values in notes.items():
            told.setdefault(name, []).append(values)
    seen = data.frame[["participant", "trial"]].copy()
    for name, drawn in told.items():
        seen[name] = np.mean(drawn, axis=0)
        if len(drawn) > 1:
            lower, upper = np.quantile(drawn, [0.025, 0.975], axis=0)
            seen[f"{name}_lower"], seen[f"{name}_upper"] = lower, upper
    return seen


def noted_by(model: Model, task: Task) -> list[str]:
    """Return the names of what a model notes on a trial of a task, in its order."""
    model.must_play(task)
    story = Story(model, task, tuple(Predictor(parameter) for parameter in model.free))
    return list(note_sources(story, [*event_columns(task), *task.cues, *model.cues]))


def narrations(
    model: Model,
    data: Choices,
    tables: Sequence[pd.DataFrame],
    formulas: Formulas | None = None,
    like: Choices | None = None,
) -> Iterator[dict[str, np.ndarray]]:
    """Yield what a model noted, for one parameter table after another.

    Parameters
    ----------
    model, data, formulas, like
        As for `latents`.
    tables : sequence of DataFrame
        Parameters as for `latents`, with the same columns in each.

    Yields
    ------
    dict of str to array, shape (trials,)
        The columns of `latents`: notes, then `log_probability_<choice>`; in the order of `data`.
    """
    scoring = _scoring(model, data, tables[0], formulas, like)
    narrate = jax.jit(replay.narrate(scoring.story, scoring.records))
    used = scoring.records.rows >= 0
    rows = scoring.records.rows[used]
    for table in tables:
        notes, logs = narrate(scoring.matrix(table))
        told = {}
        for name, grid in {**notes, **{f"log_probability_{k}": v for k, v in logs.items()}}.items():
            told[name] = np.full(len(data), np.nan)
            told[name][rows] = np.asarray(grid)[used]
        yield told


def _scoring(
    model: Model,
    data: Choices,
    parameters: pd.DataFrame,
    formulas: Formulas | None,
    like: Choices | None = None,
) -> Scoring:
    formulas = formulas_from_names(model, parameters.columns) if formulas is None else formulas
    return Scoring.of(model, data, formulas, None if like is None else like.frame)


def _raise_not_a_number(model: Model, data: Choices, parameters: Any, formulas: Any) -> None:
    seen = latents(model, data, parameters, formulas)
    logs = seen[[c for c in seen if c.startswith("log_probability_")]]
    row = seen[logs.isna().any(axis=1) & data.complete].iloc[0]
    raise FloatingPointError(
        f"the likelihood of {model.name} is not a number for participant "
        f"{row['participant']!r} from trial {row['trial']} on"
    )
