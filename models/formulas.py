"""Parameters that depend on columns: from formulas, or names of coefficients, to regressors."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import formulaic
import numpy as np
import pandas as pd
from formulaic.errors import DataMismatchWarning
from formulaic.parser.types import Factor

from metacontrol.models.engine.predictor import INTERCEPT, Predictor
from metacontrol.models.model import Model
from metacontrol.tasks.choices import Choices
from metacontrol.tasks.task import Task

Formulas = Mapping[str, str]
MOST_CONDITIONS = 10_000
MOST_LEVELS = 100  # of a category
PLAIN = ("string", "integer", "floating", "boolean", "mixed-integer-float", "empty")
WITHOUT_BAR = "people of a group differ in all coefficients as it is, without a |"
WITHOUT_TILDE = "write only what comes after the ~"


def predictors(
    model: Model,
    frame: pd.DataFrame,
    formulas: Formulas | None,
    like: pd.DataFrame | None = None,
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
    like : DataFrame, optional
        The trials from which terms find out what they need, such as the mean in ``scale(age)`` and
        the levels in ``C(group)``; by default the frame.

    Returns
    -------
    list of Predictor
        One for each free parameter.
    dict of str to array, shape (rows,)
        Regressors by the name of their coefficient, such as `w_load`; missing where a category is.

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
        design = _design(parameter.name, formulas[parameter.name], frame, like)
        blank = _blank(design, frame)
        predictor = Predictor(parameter, tuple(design))
        found.append(predictor)
        for k, (name, term) in enumerate(zip(predictor.coefficients, design, strict=True)):
            if term != INTERCEPT:
                columns[name] = np.where(blank[:, k], np.nan, design[term].to_numpy(dtype=float))
    return found, columns


def columns_read(frame: pd.DataFrame, formulas: Formulas) -> list[str]:
    """Return the columns that formulas read."""
    read = (_used(_design(name, text, frame), frame) for name, text in formulas.items())
    return sorted({column for columns in read for column in columns})


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
        if told := sorted(n for n in _names(formula) if n in events or n.startswith("secondary_")):
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


def conditions(data: Choices, formulas: Formulas | None) -> dict[str, Any]:
    """Return the values that the formulas' columns have, and regressors for each combination.

    Parameters
    ----------
    data : Choices
        The choices. What a term finds out from a column, such as its mean in ``scale(age)``, is
        found out from all of it.
    formulas : mapping of str to str, optional
        As for `predictors`.

    Returns
    -------
    dict
        Plain values, to be kept with a fit:

        - `columns`: for each column its values on complete trials; quantiles .1, .5, .9 of more
          than six numbers, unless they are categories.
        - `regressors`: for each parameter with a formula its terms, in order, with a number for
          each row of `combinations` of these columns; None where a term is not a matter of a
          trial's own columns, as ``lag(load)`` is, and where there are more than 10,000
          combinations.
        - `own`: where columns say something of people, such as their age, the same of each person:
          `participants`, `columns` (a value for each) and `regressors` (for each participant a list
          with a number for each combination of the other columns).
    """
    designs = {
        parameter: _design(parameter, formula, data.frame)
        for parameter, formula in (formulas or {}).items()
    }
    complete = data.frame[data.complete]
    columns: dict[str, list[Any]] = {}
    for design in designs.values():
        named = _categories(design, data.frame)
        for name in _used(design, data.frame):
            if name not in columns or name in named:
                columns[name] = _values(complete[name].dropna(), whole=name in named)
    few = prod(map(len, columns.values())) <= MOST_CONDITIONS
    kinds = {c: d for c, d in data.frame.dtypes.items() if isinstance(d, pd.CategoricalDtype)}

    def coded(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
        return combinations(columns).astype({c: kinds[c] for c in kinds if c in columns})

    frame = coded(columns) if few else complete.head(0)
    regressors = {}
    for name, design in designs.items():
        used = _used(design, data.frame)
        rows = np.flatnonzero(data.complete & ~data.frame[used].duplicated())[:200][::-2]
        again = design.model_spec.get_model_matrix(data.frame.iloc[rows])
        there = design.model_spec.get_model_matrix(frame)
        own = np.isclose(again, design.iloc[rows], equal_nan=True).all(axis=0) & few
        regressors[name] = {
            term: there[term].tolist() if known else None
            for term, known in zip(design, own, strict=True)
        }
    found = {"columns": columns, "regressors": regressors, "own": {}}
    varies = complete.groupby("participant", sort=False)[list(columns)].nunique().max() > 1
    if few and not varies.all():
        within = coded({c: values for c, values in columns.items() if varies[c]})
        people = data.frame.groupby("participant", sort=False)[list(varies.index[~varies])].first()
        each = people.reset_index().merge(within, how="cross")
        found["own"] = {
            "participants": people.index.astype(str).tolist(),
            "columns": {str(c): values.tolist() for c, values in people.items()},
            "regressors": {
                name: {
                    term: values.to_numpy(float).reshape(len(people), -1).tolist()
                    for term, values in design.model_spec.get_model_matrix(each).items()
                }
                for name, design in designs.items()
            },
        }
    return found


def combinations(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Return all combinations of values of columns, one a row; a row of nothing without any."""
    if not columns:
        return pd.DataFrame(index=[0])
    return pd.DataFrame(list(product(*columns.values())), columns=list(columns)).infer_objects()


def _values(seen: pd.Series, *, whole: bool) -> list[Any]:
    unique = sorted(seen.unique().tolist())
    few = whole or len(unique) <= 6 or not pd.api.types.is_numeric_dtype(seen)
    return unique if few else seen.quantile([0.1, 0.5, 0.9]).tolist()


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


@np.errstate(all="ignore")  # what is no number is told later, with where it is
def _design(
    parameter: str, formula: str, frame: pd.DataFrame, like: pd.DataFrame | None = None
) -> formulaic.ModelMatrix:
    _must_be_plain(parameter, formula, frame)
    matrix: Any = formulaic.model_matrix
    read = re.sub(r"""\bQ\((["'])([^`]+?)\1\)""", r"`\2`", formula)  # Q fails in other functions
    try:
        seen = frame if like is None else like
        design = matrix(read, seen, context={}, na_action="ignore", output="pandas")
        if not isinstance(design, pd.DataFrame):  # but several of them
            raise ValueError(WITHOUT_BAR if "|" in formula else WITHOUT_TILDE)
        known = seen.dropna(subset=_used(design, seen))
        if 0 < len(known) < len(seen):  # a mean of what is missing would be none
            design = matrix(read, known, context={}, na_action="ignore", output="pandas")
        if len(design) < len(seen) or like is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("error", DataMismatchWarning)  # of other levels
                warnings.filterwarnings("ignore", r".*: \{nan\}\.", DataMismatchWarning)
                design = design.model_spec.get_model_matrix(frame)
    except Exception as error:
        colours = r"\x1b\[[0-9;]*m"  # of formulaic, whose sentences may go over several lines
        said = " ".join(re.sub(colours, "", str(error)).split()).removesuffix(".")
        if "|" in formula and WITHOUT_BAR not in said:
            said += f" ({WITHOUT_BAR})"
        has = ", ".join(map(str, frame.columns))
        raise ValueError(
            f"the formula for {parameter}, {formula!r}, cannot be used: {said}. Columns are: {has}"
        ) from error
    if not len(design.columns):
        raise ValueError(
            f"the formula for {parameter}, {formula!r}, predicts nothing: write 1 for an intercept"
        )
    return design


def _names(formula: str) -> set[str]:
    """Return the words of a formula, and what stands in backticks as one."""
    return {quoted or word for quoted, word in re.findall(r"`([^`]*)`|(\w+)", formula)}


def _must_be_plain(parameter: str, formula: str, frame: pd.DataFrame) -> None:
    """Raise ValueError if a column is neither numbers nor categories, or numbers but for some."""
    start = f"the formula for {parameter}, {formula!r}, "
    for column in sorted(_names(formula) & {*frame}):
        values = frame[column].dropna()
        named = isinstance(values.dtype, pd.CategoricalDtype)
        kind = pd.api.types.infer_dtype(values.cat.categories if named else values)
        if column == "participant" and "|" not in formula:  # that has words of its own
            raise ValueError(f"{start}uses participant: people of a group differ as it is")
        if kind not in PLAIN:
            raise ValueError(
                f"{start}uses {column}, whose values are {kind.replace('64', '')}: make them "
                "numbers, or text for categories"
            )
        if kind != "string":
            continue
        if (count := values.nunique()) > MOST_LEVELS:
            raise ValueError(
                f"{start}uses {column}, text with {count:,} different values, such as "
                f"{values.iloc[0]!r}: at most {MOST_LEVELS} may be categories; numbers are written "
                "with a point"
            )
        numbers = pd.to_numeric(values.astype(str).str.replace(",", "."), errors="coerce")
        if not named and 2 * numbers.notna().sum() > len(values) and f"C({column}" not in formula:
            odd = values[numbers.isna()] if numbers.isna().any() else values
            raise ValueError(
                f"{start}uses {column}, which is numbers but for {odd.iloc[0]!r}: write numbers "
                f"with a point and leave cells blank that have none, or write C({column}) for "
                "categories"
            )


def _used(design: formulaic.ModelMatrix, frame: pd.DataFrame) -> list[str]:
    """Return the columns that a design's terms read."""
    by_source = design.model_spec.variables_by_source
    read = (v for source in ("data", None) for v in by_source.get(source, ()))  # z.age has none
    return _columns(read, frame)


def _categories(design: formulaic.ModelMatrix, frame: pd.DataFrame) -> list[str]:
    """Return the columns that a design's terms read as categories."""
    spec = design.model_spec
    kinds = {factor: kind for factor, (kind, _) in spec.encoder_state.items()}
    read = (
        variable
        for factor, variables in spec.factor_variables.items()
        if kinds.get(str(factor)) is Factor.Kind.CATEGORICAL
        for variable in variables
    )
    return _columns(read, frame)


def _blank(design: formulaic.ModelMatrix, frame: pd.DataFrame) -> np.ndarray:
    """Return where a category that a term reads is missing, shape (rows, columns of the design)."""
    spec, categories = design.model_spec, _categories(design, frame)
    blank = np.zeros(design.shape, dtype=bool)
    for term, variables in spec.term_variables.items():
        read = [c for c in _columns(variables, frame) if c in categories]
        blank[:, spec.term_slices[term]] = frame[read].isna().any(axis=1).to_numpy()[:, None]
    return blank


def _columns(variables: Iterable[Any], frame: pd.DataFrame) -> list[str]:
    """Return which columns variables are, or are of: ``age.mean`` is of age."""
    names = {str(v if v in frame else v.root) for v in variables}
    return sorted(names.intersection(map(str, frame.columns)))


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
