"""Choices: a checked table of trials that knows its task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from metacontrol.tasks.task import Choice, Task


@dataclass(frozen=True, repr=False)
class Choices:
    """What people (or simulated people) did in a task.

    Use `read_choices` or `simulate` to make one.

    Attributes
    ----------
    frame : DataFrame
        One row a trial: `participant` (text), `trial` (from 1), the task's events, cues, and any
        other columns. Choices and states count from 0. What was missed is missing.
    task : Task
        The task.
    left_out : dict of str to int
        What was left out, in words, and how often.
    scored : bool array, shape (trials,), optional
        False where a complete trial is learned from but its choices do not count.
    dropped : bool array, shape (trials,), optional
        True where, besides, staying after the trial does not count.
    """

    frame: pd.DataFrame
    task: Task
    left_out: Mapping[str, int] = field(default_factory=dict)
    scored: np.ndarray | None = None
    dropped: np.ndarray | None = None

    @property
    def participants(self) -> list[str]:
        """Participants in order of appearance."""
        return [str(name) for name in self.frame["participant"].unique()]

    @property
    def complete(self) -> np.ndarray:
        """Whether each trial has all its events, shape (trials,): others are never learned from."""
        return self.frame[event_columns(self.task)].notna().all(axis=1).to_numpy()

    @property
    def counted(self) -> np.ndarray:
        """Whether each trial's choices enter a likelihood, shape (trials,)."""
        counted = self.complete if self.scored is None else self.complete & self.scored
        return counted if self.dropped is None else counted & ~self.dropped

    def only(self, rows: Any) -> Choices:
        """Return some of the trials, with what is known of whether they count.

        Parameters
        ----------
        rows : bool array, shape (trials,), or int array
            Which, or their numbers in another order.
        """
        rows = np.asarray(rows)
        return replace(
            self,
            frame=self.frame.iloc[rows].reset_index(drop=True),
            scored=None if self.scored is None else self.scored[rows],
            dropped=None if self.dropped is None else self.dropped[rows],
        )

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        complete = int(self.complete.sum())
        lines = [
            f"Choices: {len(self.participants):,} participants, {complete:,} complete trials, "
            f"{self.task.name}"
        ]
        missed = len(self) - complete
        counts = {"missed trials": missed, **self.left_out}
        if self.scored is not None:
            counts["trials learned from but not scored"] = int((self.complete & ~self.scored).sum())
        said = [f"{count:,} {what}" for what, count in counts.items() if count]
        if said:
            lines.append("  not counted: " + "; ".join(said))
        return "\n".join(lines)


def event_columns(task: Task) -> list[str]:
    """Return the columns that a complete trial has: events, but for choices with one option."""
    return [e.name for e in task.events if not (isinstance(e, Choice) and e.options == 1)]
