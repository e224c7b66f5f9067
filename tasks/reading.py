"""Reading choices from files and frames, of our own form or another's."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from metacontrol.tasks.checks import COLUMNS, ChoicesError, check, problem
from metacontrol.tasks.choices import Choices, event_columns
from metacontrol.tasks.files import must_be_file
from metacontrol.tasks.graph import Graph
from metacontrol.tasks.task import Outcome, Task

MISSING = ("", "NA", "N/A", "n/a", "na", "NaN", "nan", "<NA>")
HBAYESDM = {"subjid": "participant", "level1choice": "first_choice", "reward": "reward"}


def read_choices(
    source: str | Path | pd.DataFrame,
    task: Task,
    *,
    columns: Mapping[str, str] | None = None,
    choices_from: int = 0,
    missed: float | Sequence[float] = (),
    exclude_first: int = 0,
    learn_only_first: int = 0,
) -> Choices:
    """Read choices and check them.

    Parameters
    ----------
    source : path or DataFrame
        A table with a header, separated by commas, tabs or semicolons (`.gz` too), one row a
        trial. Columns as in the README, or as hBayesDM has them (`subjID, level1_choice,
        level2_choice, reward`), or any others with `columns`. Columns of your own are kept, but
        for those in which nothing stands.
    task : Task
        The task that was played.
    columns : mapping of str to str, optional
        From our names to the names in the file, such as ``{"participant": "subj"}``.
    choices_from : {0, 1}
        The number of the first option, state and side in the file.
    missed : float or sequence of float
        Numbers that mean "missed" in a choice, state or reward, besides a blank, NA or NaN. Zero
        is allowed where choices count from 1; rewards of 0 are kept.
    exclude_first : int
        Leave out each participant's first trials (practice), as if never played.
    learn_only_first : int
        Learn from each participant's first trials, after any excluded, without scoring them.

    Returns
    -------
    Choices

    Raises
    ------
    ChoicesError
        With every problem found, each with participant, trial and line.
    """
    frame, problems, name = _load(source, task, columns, choices_from, missed)
    if len(problems):
        raise ChoicesError(name, problems)
    amounts = {e.name for e in task.events if isinstance(e, Outcome) and e.states is None}
    counted = [column for column in event_columns(task) if column not in amounts]
    frame = frame.astype({"trial": "Int64", **dict.fromkeys(counted, "Int8")})
    if exclude_first < 0 or learn_only_first < 0:
        raise ValueError("exclude_first and learn_only_first must be 0 or more")
    left_out = {}
    rank = frame.groupby("participant", sort=False).cumcount().to_numpy()
    if exclude_first:
        left_out[f"trials (the first {exclude_first} of each participant)"] = int(
            (rank < exclude_first).sum()
        )
        keep = rank >= exclude_first
        frame, rank = frame[keep], rank[keep] - exclude_first
    scored = rank >= learn_only_first
    counts = frame[event_columns(task)].notna().all(axis=1) & scored
    usable = counts.groupby(frame["participant"], sort=False).transform("any").to_numpy()
    empty = frame.loc[~usable, "participant"].unique()
    if len(empty):
        left_out[
            f"participants without a usable trial ({', '.join(map(str, empty[:5]))}"
            f"{', ...' if len(empty) > 5 else ''})"
        ] = len(empty)
        frame, scored = frame[usable], scored[usable]
    if not len(frame):
        raise ChoicesError(name, problem("no participant has a usable trial"))
    frame = frame.drop(columns="line").reset_index(drop=True)
    return Choices(frame, task, left_out, scored if learn_only_first else None)


def validate(
    source: str | Path | pd.DataFrame,
    task: Task,
    *,
    columns: Mapping[str, str] | None = None,
    choices_from: int = 0,
    missed: float | Sequence[float] = (),
) -> pd.DataFrame:
    """Return every problem of a table of choices; nothing is raised for what is in the table.

    Parameters are those of `read_choices`.

    Returns
    -------
    DataFrame
        Columns participant, trial, line (in the file, its header being line 1), column, problem;
        empty if all is well. Participants without a usable trial are listed here, though
        `read_choices` leaves them out instead of failing.
    """
    frame, problems, _ = _load(source, task, columns, choices_from, missed)
    if not {"participant", *event_columns(task)} <= set(frame):
        return problems
    complete = frame[event_columns(task)].notna().all(axis=1)
    usable = complete.groupby(frame["participant"], sort=False).any()
    unusable = [
        problem("participant has no usable trial", participant=name)
        for name in usable.index[~usable]
    ]
    tables = [table for table in [problems, *unusable] if len(table)]
    return pd.concat(tables, ignore_index=True) if tables else problems


def _load(
    source: str | Path | pd.DataFrame,
    task: Task,
    columns: Mapping[str, str] | None,
    choices_from: int,
    missed: float | Sequence[float],
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Return the frame in our form, its problems, and what to call the source."""
    missed = [missed] if isinstance(missed, int | float) else list(missed)
    if choices_from not in (0, 1):
        raise ValueError(f"choices_from must be 0 or 1, got {choices_from!r}")
    if isinstance(source, pd.DataFrame):
        name, raw = "the data frame", _as_text(source)
        fault = _twice(raw)
    elif not isinstance(source, str | Path):
        raise TypeError(f"choices are read from a path or a DataFrame, got {type(source).__name__}")
    else:
        name = str(source)
        raw, fault = _read_text(Path(source))
    if fault is None and raw.empty:
        fault = "there are no trials: only a header" if len(raw.columns) > 1 else "it is empty"
    if fault is not None:
        return pd.DataFrame(columns=COLUMNS), problem(fault), name
    frame, choices_from = _in_our_names(raw, task, columns, choices_from)
    if twice := _twice(frame):
        return pd.DataFrame(columns=COLUMNS), problem(twice), name
    needed = ["participant", *event_columns(task)]
    if isinstance(task, Graph) and not task.constant_cues:
        needed.append(task.stages[0].state)
    absent = [column for column in needed if column not in frame]
    if absent:
        has = ", ".join(str(c) for c in raw.columns if c != "line")
        tables = [
            problem(
                f"there is no column {column!r}; the table has: {has}. If yours has another "
                f"name, pass columns={{{column!r}: 'yours'}}, on the command line "
                f"--column {column}=yours",
                column=column,
            )
            for column in absent
        ]
        return frame, pd.concat(tables, ignore_index=True), name
    ours = frame.columns.isin(["line", *_our_names(task)])
    frame = frame.loc[:, ours | ~_blank(frame).all(axis=0)]
    frame, unread = _as_numbers(frame, task, choices_from, missed)
    found = check(frame, task, choices_from)
    if len(unread):  # what is no number is not missing besides
        said = set(zip(unread["line"], unread["column"], strict=True))
        places = zip(found["line"], found["column"], strict=True)
        found = found[np.array([place not in said for place in places], dtype=bool)]
    tables = [table for table in (unread, found) if len(table)]
    return frame, pd.concat(tables, ignore_index=True) if tables else found, name


def _read_text(path: Path) -> tuple[pd.DataFrame, str | None]:
    """Return a file's table as text with line numbers, or what is the matter with the file."""
    must_be_file(path)
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig") as file:
            header = file.readline()
            told = re.fullmatch(r"sep=(.)\s*", header)  # as Excel writes, before the header
            header = file.readline() if told else header
            file.read()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        return pd.DataFrame(), f"it is called .gz, but is not whole, or not packed by gzip: {error}"
    except UnicodeDecodeError:
        return pd.DataFrame(), "it is not a text table in UTF-8: save it as CSV (UTF-8)"
    if not header.strip():
        return pd.DataFrame(), "the file is empty, or its first line is"
    delimiter = max(",\t;", key=header.count)
    if header.count(delimiter) == 0:
        return pd.DataFrame(), (
            f"its header is a single column, {header.strip()[:60]!r}: "
            "separate columns by commas, tabs or semicolons"
        )
    try:
        frame = pd.read_csv(
            path,
            sep=delimiter,
            header=None,  # read as a row: pandas would rename columns that are there twice
            dtype=object,  # one block of memory, where text columns would be one each
            keep_default_na=False,
            encoding="utf-8-sig",
            skip_blank_lines=False,
            skiprows=1 if told else 0,
            index_col=False,
        )
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        return pd.DataFrame(), f"it cannot be read as a table: {str(error).strip()}"
    frame.columns = [str(name).strip() for name in frame.iloc[0]]
    frame = frame.iloc[1:]
    if twice := _twice(frame):
        return pd.DataFrame(), twice
    frame = _as_text(frame, first=3 if told else 2)
    if twice := _twice(frame):
        return pd.DataFrame(), twice
    values = frame.drop(columns="line").to_numpy(dtype=object)
    blank = (pd.isna(values) | (values == "")).all(axis=1)
    return frame[~blank].reset_index(drop=True), None


def _our_names(task: Task) -> list[str]:
    return ["participant", "trial", *(e.name for e in task.events), *task.cues]


def _blank(frame: pd.DataFrame) -> np.ndarray:
    """Return where nothing stands, shape (rows, columns)."""
    values = frame.to_numpy(dtype=object)
    return pd.isna(values) | pd.Series(values.ravel()).isin(MISSING).to_numpy().reshape(frame.shape)


def _twice(frame: pd.DataFrame) -> str | None:
    """Return what to say if a column is there twice (`line` is ours, for reports)."""
    twice = frame.columns[frame.columns.duplicated()]
    if "line" in twice:
        return "it has a column 'line', a name that reports of problems use: rename yours"
    return f"its header names a column twice: {', '.join(twice)}" if len(twice) else None


def _as_text(frame: pd.DataFrame, first: int = 2) -> pd.DataFrame:
    """Return a copy of a user's frame with line numbers, as if it stood in a file."""
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    line = pd.Series(np.arange(first, len(frame) + first), name="line")
    return pd.concat([frame.reset_index(drop=True), line], axis=1)


def _in_our_names(
    raw: pd.DataFrame, task: Task, columns: Mapping[str, str] | None, choices_from: int
) -> tuple[pd.DataFrame, int]:
    """Rename columns; recognise hBayesDM's form."""
    if columns:
        ours = _our_names(task)
        unknown = [name for name in columns if name not in ours]
        if unknown:
            raise ValueError(
                f"columns names {', '.join(unknown)}, which is none of ours: {', '.join(ours)}"
            )
        absent = [theirs for theirs in columns.values() if theirs not in raw]
        if absent:
            has = ", ".join(c for c in raw.columns if c != "line")
            raise ValueError(f"columns names {', '.join(absent)}, but the table has: {has}")
        frame = raw.drop(columns=[c for c in columns if c in raw and c not in columns.values()])
        return frame.rename(
            columns={theirs: ours for ours, theirs in columns.items()}
        ), choices_from
    plain = {c.lower().replace("_", ""): c for c in raw.columns}
    if not {*HBAYESDM, "level2choice"} <= plain.keys():
        return raw, choices_from
    frame = raw.rename(columns={plain[theirs]: ours for theirs, ours in HBAYESDM.items()})
    given = frame.pop(plain["level2choice"])
    option = pd.to_numeric(given, errors="coerce")
    option = option.where(option.isin([1, 2, 3, 4]))
    second = ((option - 1) % 2 + 1).astype(object).where(option.notna(), given)
    return frame.assign(second_state=(option - 1) // 2 + 1, second_choice=second), 1


def _as_numbers(
    frame: pd.DataFrame, task: Task, choices_from: int, missed: Sequence[float]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn text into numbers counted from 0, and report what is not a number."""
    frame = frame.copy()
    unread = []
    states = {e.name for e in task.events if getattr(e, "states", 2) is not None}
    counted = {name for name, cue in task.cues.items() if cue.states is not None}
    events = event_columns(task)
    for column in [c for c in (*events, *task.cues, "trial") if c in frame]:
        text = frame[column]
        blank = text.isna() | text.astype(str).str.strip().isin(MISSING)
        value = pd.to_numeric(text.where(~blank), errors="coerce").astype(float)
        bad = value.isna() & ~blank
        if bad.any():
            where = frame.loc[bad].reindex(columns=["participant", "trial", "line"])
            says = [f"{column} must be a number, got {v!r}" for v in text[bad]]
            unread.append(where.assign(column=column, problem=says)[COLUMNS])
        if column in events:
            codes = [m for m in missed if column in states or m != 0]
            value = value.where(~value.isin(codes))
        if column in states or column in counted:
            value = value - choices_from
        frame[column] = value
    if "trial" not in frame:
        frame["trial"] = frame.groupby("participant", sort=False).cumcount() + 1.0
    trial = frame["trial"]
    if (trial.isna() | (trial.abs().lt(2**53) & (trial % 1 == 0))).all():
        frame["trial"] = trial.astype("Int64")
    participant = frame["participant"]
    if pd.api.types.is_float_dtype(participant) and (participant.dropna() % 1 == 0).all():
        participant = participant.astype("Int64")  # 7.0 is participant 7
    blank = participant.isna() | participant.astype(str).str.strip().isin(MISSING)
    frame["participant"] = participant.astype(str).str.strip().where(~blank)
    others = frame.columns.difference(["participant", "line", "trial", *events])
    plain = pd.DataFrame({column: _plainest(frame[column]) for column in others}, frame.index)
    frame = pd.concat([frame.drop(columns=others), plain], axis=1)[list(frame.columns)]
    table = pd.concat(unread, ignore_index=True) if unread else pd.DataFrame(columns=COLUMNS)
    return frame, table


def _plainest(values: pd.Series) -> pd.Series:
    """Return text as numbers if all of it is numbers, with blanks missing."""
    if not (pd.api.types.is_string_dtype(values) or values.dtype == object):
        return values
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.notna().all():
        return numbers
    blank = values.isna() | values.astype(str).str.strip().isin(MISSING)
    numbers = pd.to_numeric(values.where(~blank), errors="coerce")
    if numbers.notna().eq(~blank).all():
        return numbers
    return values.where(~blank).infer_objects()
