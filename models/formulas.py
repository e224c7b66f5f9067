"""Parameters that depend on columns: from formulas, or names of coefficients, to regressors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import formulaic
import numpy as np
import pandas as pd

from metacontrol.models.engine.predictor import INTERCEPT, Predictor
from metacontrol.models.model import Model
from metacontrol.tasks.task import Task

Formulas = Mapping[str, str]


def predictors(
    model: Model, frame: pd.DataFrame, formulas: Formulas | None
) -> tuple[list[Predictor], dict[str, np.ndarray]]:
    """Return how each free parameter is predicted, and the regressors.

    Parameters
    ----------
    model : Model
        The model.
    frame : DataFrame
        One row a trial.
    formulas : mapping of str to str, optional
        For a parameter its formula, such as ``{"w": "1 + load"}``; without an intercept write
        ``"0 + load"``. Wilkinson notation, read by the library formulaic.

    Returns
    -------
    list of Predictor
        One for each free parameter.
    dict of str to array, shape (rows,)
        Regressors by the name of their coefficient, such as `w_load`.

    Raises
    ------
    ValueError
        If a formula names an unknown or fixed parameter or column, or cannot be read.
    """
    formulas = dict(formulas or {})
    free = {parameter.name for parameter in model.free}
    for name in formulas:
        model.parameter(name)
        if name not in free:
            raise ValueError(f"{name} is fixed in {model.name}, so it cannot follow a formula")
    found, columns = [], {}
    for parameter in model.free:
        if parameter.name not in formulas:
            found.append(Predictor(parameter))
            continue
        design = _design(parameter.name, formulas[parameter.name], frame)
        predictor = Predictor(parameter, tuple(design))
        found.append(predictor)
        for name, term in zip(predictor.coefficients, design, strict=True):
            if term != INTERCEPT:
                columns[name] = design[term].to_numpy(dtype=float)
    return found, columns


def must_be_known_before(task: Task, formulas: Formulas | None) -> None:
    """Raise ValueError if a formula uses what a trial itself brings: its choices, or what follows.

    A model that is told the choice which it predicts would predict it well.
    """
    events = {event.name for event in task.events} | {"transition"}
    for parameter, formula in (formulas or {}).items():
        if re.search(r"(?<![\w`)\]])\.(?!\w)", formula):
            raise ValueError(
                f"the formula for {parameter}, {formula!r}, uses all columns, the choices that it "
                "predicts among them: name those that it should use"
            )
        names = {quoted or word for quoted, word in re.findall(r"`([^`]*)`|(\w+)", formula)}
        if told := sorted(n for n in names if n in events or n.startswith("secondary_")):
            raise ValueError(
                f"the formula for {parameter}, {formula!r}, uses {', '.join(told)} of the very "
                "trial whose choices it predicts: make a column of the trial before, such as "
                f"previous_{told[0]}, and use that"
            )


def formulas_from_names(model: Model, names: Iterable[str]) -> dict[str, str]:
    """Return the formulas that coefficients' names such as `w_Intercept`, `w_load` tell of."""
    names = list(map(str, names))
    free = [parameter.name for parameter in model.free]
    found = {}
    for name in free:
        terms = [n.removeprefix(f"{name}_") for n in names if n.startswith(f"{name}_")]
        if name not in names and terms:
            intercept = "1" if INTERCEPT in terms else "0"
            found[name] = " + ".join([intercept, *(t for t in terms if t != INTERCEPT)])
    return found


def formula_columns(frame: pd.DataFrame, formulas: Formulas | None) -> dict[str, list[Any]]:
    """Return the values that the formulas' columns have; quantiles of many numbers."""
    names = dict.fromkeys(
        str(name)
        for formula in (formulas or {}).values()
        for name in sorted(formulaic.Formula(formula).required_variables)
    )
    values = {}
    for name in names:
        seen = frame[name].dropna()
        unique = sorted(seen.unique().tolist())
        few = len(unique) <= 6 or not pd.api.types.is_numeric_dtype(seen)
        values[name] = unique if few else seen.quantile([0.1, 0.5, 0.9]).tolist()
    return values


def coefficient_matrix(
    found: Sequence[Predictor], table: pd.DataFrame, participants: Sequence[str] | None = None
) -> np.ndarray:
    """Return coefficients as a matrix, one row a participant.

    Parameters
    ----------
    found : sequence of Predictor
        What is needed.
    table : DataFrame
        One row a participant, coefficients by name; participants as the column `participant` or
        the index. A single row without participants serves for all.
    participants : sequence of str, optional
        Which participants, in which order; by default the table's rows.

    Raises
    ------
    ValueError
        If a coefficient or a participant is not there, or a value is missing or out of range.
    """
    needed = [name for predictor in found for name in predictor.coefficients]
    absent = [name for name in needed if name not in table]
    if absent:
        raise ValueError(
            f"the parameter table lacks {', '.join(absent)}; it has: {', '.join(map(str, table))}"
        )
    if participants is not None:
        table = _rows_of(table, participants)
    for predictor in found:
        if predictor.terms is None:
            _check_range(predictor, table)
    matrix = table[needed].to_numpy(dtype=float)
    if np.isnan(matrix).any():
        row, column = np.argwhere(np.isnan(matrix))[0]
        raise ValueError(f"{needed[column]} is missing for participant {_name(table, row)!r}")
    return matrix


def _design(parameter: str, formula: str, frame: pd.DataFrame) -> pd.DataFrame:
    matrix: Any = formulaic.model_matrix
    try:
        design = pd.DataFrame(matrix(formula, frame, na_action="ignore", output="pandas"))
    except Exception as error:
        colours = r"\x1b\[[0-9;]*m"  # of formulaic, whose sentences may go over several lines
        said = " ".join(re.sub(colours, "", str(error)).split()).removesuffix(".")
        if "|" in formula:
            said += " (people of a group differ in all coefficients as it is, without a |)"
        has = ", ".join(map(str, frame.columns))
        raise ValueError(
            f"the formula for {parameter}, {formula!r}, cannot be used: {said}. Columns are: {has}"
        ) from error
    if not len(design.columns):
        raise ValueError(
            f"the formula for {parameter}, {formula!r}, predicts nothing: write 1 for an intercept"
        )
    return design


def _rows_of(table: pd.DataFrame, participants: Sequence[str]) -> pd.DataFrame:
    if "participant" in table:
        table = table.set_index("participant")
    elif len(table) == 1:
        return table.iloc[[0] * len(participants)].set_axis(list(participants))
    table = table.set_axis(table.index.astype(str))
    if table.index.duplicated().any():
        twice = table.index[table.index.duplicated()][0]
        raise ValueError(f"the parameter table has participant {twice!r} more than once")
    absent = [name for name in participants if name not in table.index]
    if absent:
        raise ValueError(
            f"the parameter table lacks {len(absent)} participant(s) of the data: "
            f"{', '.join(absent[:5])}{', ...' if len(absent) > 5 else ''}. "
            "Names stand in its column 'participant', or in its index"
        )
    return table.loc[list(participants)]


def _check_range(predictor: Predictor, table: pd.DataFrame) -> None:
    name = predictor.parameter.name
    low, high = predictor.parameter.link.bounds
    values = table[name].to_numpy(dtype=float)
    bad = np.flatnonzero((values < low) | (values > high) | np.isinf(values))
    if len(bad):
        raise ValueError(
            f"{name} must be from {low:g} to {high:g}, got {values[bad[0]]:g} for participant "
            f"{_name(table, bad[0])!r}"
        )


def _name(table: pd.DataFrame, row: int) -> str:
    names = table["participant"] if "participant" in table else table.index
    return str(names[row] if not isinstance(names, pd.Series) else names.iloc[row])
