"""What can be wrong with a table of choices: every problem, with participant, trial and line."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from metacontrol.tasks.choices import event_columns
from metacontrol.tasks.task import Choice, Outcome, Task

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
        rows = frame[np.asarray(bad, dtype=bool)]
        if len(rows):
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
    for cue in task.cues:
        if cue in frame and cue not in task.constant_cues:
            values = pd.to_numeric(frame[cue], errors="coerce").to_numpy(dtype=float)
            _check_cue(cue, values, complete, choices_from, report)
    _check_two_step(frame, task, choices_from, report)
    if not found:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.concat(found, ignore_index=True)
    return table.sort_values("line", kind="stable", ignore_index=True)


def _check_amount(event: Outcome, values: np.ndarray, task: Task, report: Callable) -> None:
    low, high = event.low, event.high
    binary = (low, high) == (0.0, 1.0)
    outside = (values < low) | (values > high) | (binary & ~np.isin(values, (0, 1)))
    allowed = "0 or 1" if binary else f"from {low:g} to {high:g}"
    report(
        ~np.isnan(values) & outside,
        event.name,
        lambda row: f"{event.name} must be {allowed} in {task.name}, got {row[event.name]:g}",
    )


def _check_cue(
    cue: str, values: np.ndarray, complete: np.ndarray, origin: int, report: Callable
) -> None:
    missing = np.isnan(values)
    report(complete & missing, cue, lambda row: f"{cue} is missing on a complete trial")
    if cue == "load":
        outside, allowed, origin = (values < 0) | (values > 1), "from 0 to 1", 0
    elif cue == "stake":
        outside, allowed, origin = ~((values > 0) & (values < np.inf)), "a positive number", 0
    else:
        outside, allowed = ~np.isin(values, (0, 1)), f"{origin} or {origin + 1}"
    report(
        outside & ~missing,
        cue,
        lambda row: f"{cue} must be {allowed}, got {row[cue] + origin:g}",
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
    report(
        (trial <= before) & ~repeated,
        "trial",
        lambda row: f"trial {row['trial']:g} comes after a later trial: sort the trials",
    )


def _check_counted(
    name: str, values: np.ndarray, states: int, origin: int, report: Callable
) -> None:
    seen = ~np.isnan(values)
    allowed = " or ".join(str(i + origin) for i in range(states))
    outside = seen & ~np.isin(values, range(states))
    hint = ""
    if origin == 0 and outside.any() and set(values[seen]) <= set(range(1, states + 1)):
        hint = ". Choices count from 0; pass choices_from=1 if yours count from 1"
    elif (values[outside] < 0).any():
        hint = f". Pass missed=[{values[outside].min() + origin:g}] if that is how a miss is coded"
    report(outside, name, lambda row: f"{name} must be {allowed}, got {row[name] + origin:g}{hint}")


def _check_two_step(frame: pd.DataFrame, task: Task, origin: int, report: Callable) -> None:
    """Report what only a two-step trial can have wrong."""
    if not {"first_choice", "second_state"} <= set(frame):
        return
    first, place = (frame[c].to_numpy(dtype=float) for c in ("first_choice", "second_state"))
    both = np.isin(first, (0, 1)) & np.isin(place, (0, 1))
    if getattr(task, "common", 0.5) == 1.0:
        report(
            both & (first != place),
            "second_state",
            lambda row: (
                f"impossible transition in {task.name}: option "
                f"{row['first_choice'] + origin:g} cannot lead to state "
                f"{row['second_state'] + origin:g}"
            ),
        )
    elif "transition" in frame:
        said = frame["transition"].map({"common": 1.0, "rare": 0.0}).to_numpy(dtype=float)
        report(
            both & ~np.isnan(said) & ((first == place) != (said == 1)),
            "transition",
            lambda row: (
                f"transition is called {row['transition']}, but option "
                f"{row['first_choice'] + origin:g} led to state {row['second_state'] + origin:g}; "
                f"common is the state of the option's own number"
            ),
        )
    if {"third_state", "second_choice"} <= set(frame):
        end, second = (frame[c].to_numpy(dtype=float) for c in ("third_state", "second_choice"))
        report(
            np.isin(end, range(4)) & np.isin(second, (0, 1)) & (end % 2 != second),
            "third_state",
            lambda row: (
                f"impossible transition in {task.name}: second option "
                f"{row['second_choice'] + origin:g} cannot lead to third state "
                f"{row['third_state'] + origin:g}"
            ),
        )
    if event_columns(task)[-2:] == ["second_choice", "reward"] and "reward" in frame:
        choices = ["first_choice", "second_state", "second_choice"]
        answered = frame[choices].notna().all(axis=1).to_numpy()
        report(
            answered & frame["reward"].isna().to_numpy(),
            "reward",
            lambda row: "reward is missing on a trial whose choices are both there",
        )
