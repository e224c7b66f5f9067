"""The two-step task with a second task to do at the same time, and trials on which that failed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from metacontrol.tasks.choices import Choices
from metacontrol.tasks.two_step import DAW_2011, TwoStep

SECONDARY_COLUMNS = (
    "larger_size",
    "larger_number",
    "number_asked",
    "secondary_answer",
    "secondary_correct",
)


@dataclass(frozen=True)
class DualTask(TwoStep):
    """Otto, Gershman, Markman & Daw (2013), Psychol Sci 24:751, doi:10.1177/0956797612463080.

    A two-step task with a numerical Stroop task under `load`. Two digits, left and right, that
    differ in number and in size are shown before the first choice, and are to be kept in mind
    until after the outcome. Then SIZE or NUMBER is asked: which side had the larger? Columns,
    missing on trials without load:

    =================== ==========================================================
    `larger_size`       side of the digit written larger: 0 left, 1 right
    `larger_number`     side of the larger number, likewise
    `number_asked`      1 if NUMBER was asked, 0 if SIZE
    `secondary_answer`  side answered
    `secondary_correct` 1 if that was right, 0 if not; see `drop_dual_task_errors`
    =================== ==========================================================

    Load spans the whole trial. It is there when the first choice of its own trial is made, and
    when the outcome is taken in that the choice of the *next* trial builds on. The two come apart
    in what follows load: with formulas, ``{"w": "1 + load"}`` or ``{"beta_mb": "1 + load"}`` is
    load at choice; ``{"alpha1": "1 + load", "alpha2": "1 + load"}`` is load at outcome, because
    the learning of a trial goes by the load of that trial. `stay_regression` tells them apart by
    ``by=["load", "previous_load"]``.

    Parameters
    ----------
    dual_task_accuracy : float
        Probability that simulated people answer rightly, whatever they chose.
    practice_trials : int
        Trials before load is ever there: after much practice it did little harm (Economides et
        al., 2015, doi:10.1371/journal.pcbi.1004463). They are the first of `trials`.

    Notes
    -----
    The other parameters are those of `TwoStep`, as in `DAW_2011`. Ours, not known to be the
    paper's, are the accuracy, load on half of the trials, 300 trials, and that both sides, and both
    questions, are as likely as each other, independently.

    Raises
    ------
    ValueError
        If a setting is not allowed.
    """

    load: Literal["intermixed", "blocked"] | None = "intermixed"
    dual_task_accuracy: float = 0.9
    practice_trials: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.load is None:
            raise ValueError("a dual task needs load: 'intermixed' or 'blocked'")
        if not 0 <= self.dual_task_accuracy <= 1:
            raise ValueError(
                f"dual_task_accuracy must be from 0 to 1, got {self.dual_task_accuracy}"
            )
        if self.practice_trials < 0:
            raise ValueError(f"practice_trials must be 0 or more, got {self.practice_trials}")

    @property
    def about(self) -> str:
        """The settings in words."""
        practised = f" after {self.practice_trials} trials" if self.practice_trials else ""
        return f"{super().about}: two digits to keep in mind{practised}"

    def schedule(self, participants: int, trials: int, rng: np.random.Generator) -> dict[str, Any]:
        """Draw the schedule of the two-step task, then digits, questions and answers.

        Returns
        -------
        dict of str to array, shape (trials, participants)
        """
        columns = super().schedule(participants, trials, rng)
        columns["load"][: self.practice_trials] = 0
        return columns | self.secondary(columns["load"], rng)

    def secondary(self, load: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw digits, questions and answers where there is load.

        Parameters
        ----------
        load : array, shape (trials, participants)
            Load, 0 to 1.
        rng : numpy.random.Generator
            Chance; what it draws afterwards is as if it had not been used here.

        Returns
        -------
        dict of str to array, shape (trials, participants)
            The columns of the secondary task, missing where load is 0.
        """
        own = rng.spawn(1)[0]
        size, number, asked = own.integers(2, size=(3, *load.shape))
        right = own.random(load.shape) < self.dual_task_accuracy
        larger = np.where(asked == 1, number, size)
        drawn = (size, number, asked, np.where(right, larger, 1 - larger), right)
        return {
            name: np.where(load > 0, column, np.nan)
            for name, column in zip(SECONDARY_COLUMNS, drawn, strict=True)
        }


OTTO_2013 = DualTask(
    name="otto-2013",
    source="Otto, Gershman, Markman & Daw (2013), doi:10.1177/0956797612463080",
    trials=300,
    walk=DAW_2011.walk,
    instructed=DAW_2011.instructed,
)


def drop_dual_task_errors(
    data: Choices, *, column: str = "secondary_correct", criterion: float = 0.75
) -> Choices:
    """Leave out trials on which the secondary task went wrong, and people who mostly fail at it.

    Such trials were played, so they are learned from; but load may have been dropped on them, so
    their choices are not scored, and a stay analysis uses neither their choice nor their outcome.

    Parameters
    ----------
    data : Choices
        Read or simulated.
    column : str
        Column that is 1 (or true) where the secondary answer was right, 0 (or false) where it was
        wrong, and missing where none was asked for. Code as 0 an answer that never came.
    criterion : float
        Participants are left out whole whose share of right answers, among all that they gave, is
        below this. The default is ours, not known to be the paper's.

    Returns
    -------
    Choices
        `left_out` counts both.

    Raises
    ------
    ValueError
        If there is no such column, a value is neither 0, 1 nor missing, or nobody is left.

    Examples
    --------
    >>> from metacontrol.tasks import read_choices
    >>> trials = {"first_choice": [0, 1, 1], "second_state": [0, 1, 0], "second_choice": 0}
    >>> people = {"participant": "a", "reward": [1, 0, 1], "load": [0, 1, 1]}
    >>> table = pd.DataFrame({**trials, **people, "right": [None, 1, 0]})
    >>> drop_dual_task_errors(read_choices(table, OTTO_2013), column="right", criterion=0.5)
    Choices: 1 participants, 3 complete trials, otto-2013
      not counted: 1 trials with a wrong secondary answer
    """
    frame = data.frame
    if column not in frame:
        raise ValueError(f"there is no column {column!r}; there are: {', '.join(frame)}")
    if not 0 <= criterion <= 1:
        raise ValueError(f"criterion must be from 0 to 1, got {criterion}")
    right = _as_right(frame, column)
    accuracy = right.groupby(frame["participant"], sort=False).mean()
    failed = [str(name) for name in accuracy.index[accuracy < criterion]]
    kept = ~frame["participant"].isin(failed).to_numpy()
    if not kept.any():
        raise ValueError(
            f"nobody has {criterion:.0%} of secondary answers right: the best has "
            f"{accuracy.max():.0%}"
        )
    wrong = right.eq(0).to_numpy()
    left_out = dict(data.left_out)
    if failed:
        names = f"{', '.join(failed[:5])}{', ...' if len(failed) > 5 else ''}"
        what = f"participants below {criterion:.0%} of secondary answers right ({names})"
        left_out[what] = len(failed)
    if newly := int((kept & wrong & data.counted).sum()):
        what = "trials with a wrong secondary answer"
        left_out[what] = left_out.get(what, 0) + newly
    return replace(
        data,
        frame=frame[kept].reset_index(drop=True),
        left_out=left_out,
        scored=None if data.scored is None else data.scored[kept],
        dropped=(wrong if data.dropped is None else data.dropped | wrong)[kept],
    )


def _as_right(frame: pd.DataFrame, column: str) -> pd.Series:
    """Return 1 where the answer was right, 0 where it was wrong, NaN where there was none."""
    text = frame[column].astype(str).str.lower()
    right = text.map({"true": 1.0, "false": 0.0}).fillna(pd.to_numeric(text, errors="coerce"))
    unreadable = np.flatnonzero(frame[column].notna() & ~right.isin([0, 1]))
    if len(unreadable):
        row = frame.iloc[unreadable[0]]
        raise ValueError(
            f"{column} must be 1, 0 or missing, got {row[column]} "
            f"(participant {row['participant']!r}, trial {row['trial']})"
        )
    return right
