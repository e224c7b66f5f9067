"""What can be wrong with a table of choices: every problem, with participant, trial and line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from metacontrol.tasks.choices import event_columns
from metacontrol.tasks.graph import Graph, Stage
from metacontrol.tasks.task import Choice, Cue, Outcome, Task

COLUMNS = ["participant", "trial", "line", "column", "problem"]


class ChoicesError(ValueError):
    """Choices that cannot be used.

    Attributes
    ----------
    problems : DataFrame
        Columns participant, trial, line, column, problem.
    """

    def __init__(self, source: str, problems: pd.DataFrame) -> None:
        self.problems = problems
        shown = [f"  {describe(row)}" for row in problems.head(10).to_dict("records")]
        more = f"\n  and {len(problems) - 10:,} more" if len(problems) > 10 else ""
        plural = "problem" if len(problems) == 1 else "problems"
        super().__init__(f"{source}: {len(problems):,} {plural}\n" + "\n".join(shown) + more)


def describe(problem: dict) -> str:
    """Return one problem as a sentence."""
    where = [
        f"{word} {problem[key]!r}" if key == "participant" else f"{word} {problem[key]}"
        for key, word in (("participant", "participant"), ("trial", "trial"), ("line", "line"))
        if not pd.isna(problem[key])
    ]
    return problem["problem"] + (f" ({', '.join(where)})" if where else "")


def problem(text: str, column: str | None = None, **where: object) -> pd.DataFrame:
    """Return a table that holds one problem."""
    row = {**dict.fromkeys(COLUMNS), "column": column, "problem": text, **where}
    return pd.DataFrame([row], columns=COLUMNS)


def check(frame: pd.DataFrame, task: Task, choices_from: int = 0) -> pd.DataFrame:
    """Return every problem of a frame whose event columns are numbers.

    Parameters
    ----------
    frame : DataFrame
        With columns participant, trial, line and the task's events, counted from 0.
    task : Task
        What is allowed.
    choices_from : int
        How the source counts, for the messages.
    """
    found: list[pd.DataFrame] = []

    def report(bad: np.ndarray | pd.Series, column: str, say: Callable[[pd.Series], str]) -> None:
        bad = np.asarray(bad, dtype=bool)
        if bad.any():
            rows = frame[bad]
            table = rows.reindex(columns=["participant", "trial", "line"])
            texts = [say(row) for _, row in rows.iterrows()]
            found.append(table.assign(column=column, problem=texts)[COLUMNS])

    report(frame["participant"].isna(), "participant", lambda row: "participant is missing")
    _check_order(frame, report)
    for event in task.events:
        if event.name not in frame or event.name not in event_columns(task):
            continue
        values = frame[event.name].to_numpy(dtype=float)
        if isinstance(event, Outcome) and event.states is None:
            _check_amount(event, values, task, report)
            continue
        states = event.options if isinstance(event, Choice) else event.states
        if states is not None:
            _check_counted(event.name, values, states, choices_from, report)
    complete = frame.reindex(columns=event_columns(task)).notna().all(axis=1).to_numpy()
    for name, cue in task.cues.items():
        if name in frame and name not in task.constant_cues:
            values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float)
            _check_cue(name, cue, values, complete, choices_from, report)
    if isinstance(task, Graph):
        for stage in task.stages:
            _check_stage(frame, task, stage, choices_from, report)
        _check_transition(frame, task, choices_from, report)
    _check_reward_is_there(frame, task, report)
    if not found:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.concat(found, ignore_index=True)
    return table.sort_values("line", kind="stable", ignore_index=True)


def _check_amount(event: Outcome, values: np.ndarray, task: Task, report: Callable) -> None:
    low, high = event.low, event.high
    binary = (low, high) == (0.0, 1.0)
    outside = (values < low) | (values > high) | (binary & ~np.isin(values, (0, 1)))
    allowed = "0 or 1" if binary else f"from {low:g} to {high:g}"

    def say(row: pd.Series) -> str:
        said = f"{event.name} must be {allowed} in {task.name}, got {row[event.name]:g}"
        return f"{said}. {_maybe_missed(row[event.name])}" if row[event.name] < 0 <= low else said

    report(~np.isnan(values) & outside, event.name, say)


def _check_cue(
    name: str, cue: Cue, values: np.ndarray, complete: np.ndarray, origin: int, report: Callable
) -> None:
    missing = np.isnan(values)
    report(complete & missing, name, lambda row: f"{name} is missing on a complete trial")
    if cue.states is None:
        origin, outside = 0, (values < cue.low) | (values > cue.high)
        allowed = f"from {cue.low:g} to {cue.high:g}"
    else:
        outside = ~np.isin(values, range(cue.states))
        allowed = " or ".join(str(i + origin) for i in range(cue.states))
    report(
        outside & ~missing,
        name,
        lambda row: f"{name} must be {allowed}, got {row[name] + origin:g}",
    )


def _check_order(frame: pd.DataFrame, report: Callable) -> None:
    trial = frame["trial"].to_numpy(dtype=float)
    report(np.isnan(trial), "trial", lambda row: "trial is missing or not a number")
    before = frame.groupby("participant", sort=False)["trial"].shift().to_numpy(dtype=float)
    report(
        ~np.isnan(trial) & ~((np.abs(trial) < 2**53) & (np.floor(trial) == trial)),
        "trial",
        lambda row: f"trial must be a whole number, got {row['trial']:g}",
    )
    named = frame["participant"].notna()
    repeated = frame.duplicated(["participant", "trial"]) & ~np.isnan(trial) & named
    report(repeated, "trial", lambda row: f"trial {row['trial']:g} is there more than once")
    late = pd.Series((trial <= before) & ~repeated, frame.index)
    report(
        late & (late.groupby(frame["participant"], sort=False).cumsum() == 1),  # once for each
        "trial",
        lambda row: f"trial {row['trial']:g} comes after a later trial: sort the rows by trial",
    )


def _check_counted(
    name: str, values: np.ndarray, states: int, origin: int, report: Callable
) -> None:
    seen = ~np.isnan(values)
    allowed = " or ".join(str(i + origin) for i in range(states))
    outside = seen & ~np.isin(values, range(states))
    zeros, most = (values == 0).sum(), (values == states).sum()
    from_one = origin == 0 and zeros < most and set(values[values >= 0]) <= set(range(states + 1))

    def say(row: pd.Series) -> str:
        said = f"{name} must be {allowed}, got {row[name] + origin:g}"
        if row[name] < 0:
            return f"{said}. {_maybe_missed(row[name] + origin)}"
        if from_one:
            said += (
                ". Choices count from 0; if yours count from 1, pass choices_from=1, on the "
                "command line --choices-from 1"
            )
        if from_one and zeros:
            said += "; and if 0 is how a miss is coded, missed=[0] too, or --missed 0"
        return said

    report(outside, name, say)


def _maybe_missed(code: float) -> str:
    return (
        f"If that is how a miss is coded, pass missed=[{code:g}], on the command line "
        f"--missed {code:g}"
    )


def _check_stage(
    frame: pd.DataFrame, task: Any, stage: Stage, origin: int, report: Callable
) -> None:
    """Report options that were not open, and moves that the task does not have."""
    there, row = _taken(frame, task, stage)
    cues = {name: _numbers(frame, name, task.constant_cues) for name in task.cues}
    if not any(np.isnan(values).all() for values in cues.values()):
        masks = task.open(stage.choice, cues.__getitem__)
        if masks is not None:
            masks = np.stack(np.broadcast_arrays(*masks, row)[:-1])
            report(
                there & (masks[row, range(len(row))] == 0),
                stage.choice,
                lambda row: f"{stage.choice} {row[stage.choice] + origin:g} was not open",
            )
    if stage.next_state is None or stage.next_state not in frame:
        return
    reached = frame[stage.next_state].to_numpy(dtype=float)
    common, rare = np.array(stage.moves)[row].T
    chance = _numbers(frame, "p_common", {"p_common": task.common})
    legal = ((reached == common) & ~(chance == 0)) | ((reached == rare) & ~(chance == 1))
    report(
        there & np.isin(reached, range(stage.next_states)) & ~legal,
        stage.next_state,
        lambda row: (
            f"impossible transition in {task.name}: {stage.choice} "
            f"{row[stage.choice] + origin:g} cannot lead to {stage.next_state} "
            f"{row[stage.next_state] + origin:g}"
        ),
    )


def _check_transition(frame: pd.DataFrame, task: Graph, origin: int, report: Callable) -> None:
    """Report first transitions that are called common but are not, or the other way round."""
    next_state = task.stages[0].next_state
    if next_state is None or not {"transition", "first_choice", next_state} <= set(frame):
        return
    said = frame["transition"].map({"common": 1.0, "rare": 0.0}).to_numpy(dtype=float)
    is_common = first_is_common(task, frame)
    report(
        ~np.isnan(said) & ~np.isnan(is_common) & (is_common != said) & (task.common < 1),
        "transition",
        lambda row: (
            f"transition is called {row['transition']}, but first_choice "
            f"{row['first_choice'] + origin:g} leads to {next_state} "
            f"{row[next_state] + origin:g} "
            f"{'rarely' if row['transition'] == 'common' else 'commonly'}"
        ),
    )


def first_is_common(task: Graph, frame: pd.DataFrame) -> np.ndarray:
    """Return 1 where the first transition was the common one, 0 where not, NaN where missed."""
    stage = task.stages[0]
    there, row = _taken(frame, task, stage)
    reached = frame[stage.next_state].to_numpy(dtype=float)
    known = there & np.isin(reached, range(stage.next_states))
    return np.where(known, 1.0 * (reached == np.array(stage.moves)[row, 0]), np.nan)


def _taken(frame: pd.DataFrame, task: Graph, stage: Stage) -> tuple[np.ndarray, np.ndarray]:
    """Return whether an option of a stage was taken, and its place among all of its states."""
    constant = {**task.constant_cues, **({stage.choice: 0} if stage.options == 1 else {})}
    state, option = (_numbers(frame, name, constant) for name in (stage.state, stage.choice))
    there = np.isin(state, range(stage.states)) & np.isin(option, range(stage.options))
    return there, np.where(there, stage.options * state + option, 0).astype(int)


def _check_reward_is_there(frame: pd.DataFrame, task: Task, report: Callable) -> None:
    """Report trials that are all there but for the reward, where the last choice is made."""
    *before, last = event_columns(task)
    answered = frame.reindex(columns=before).notna().all(axis=1).to_numpy()
    choices = [event.name for event in task.events if isinstance(event, Choice)]
    if before[-1] in choices and last in frame:
        report(
            answered & frame[last].isna().to_numpy(),
            last,
            lambda row: f"{last} is missing on a trial whose choices are all there",
        )


def _numbers(frame: pd.DataFrame, name: str, constant: Mapping[str, int]) -> np.ndarray:
    """Return a column as numbers, or what is the same on every trial; NaN if there is neither."""
    if name in frame:
        return pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float)
    return np.full(len(frame), float(constant.get(name, np.nan)))
