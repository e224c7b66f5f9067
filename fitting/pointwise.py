"""How likely each trial of a participant is, under many draws of that participant's coefficients.

One participant at a time: what is in memory is trials x draws, however many people there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from metacontrol.models.engine.records import Records
from metacontrol.models.engine.replay import narrate
from metacontrol.models.engine.story import Story
from metacontrol.models.scoring import Scoring


def trial_rows(scoring: Scoring, person: int) -> np.ndarray:
    """Return the rows of the data frame that hold a participant's counted trials, in order."""
    rows, scored = _seat(scoring.records.rows, person, scoring), _counted(scoring, person)
    return rows[scored]


def trial_scores(scoring: Scoring, person: int, matrix: np.ndarray) -> np.ndarray:
    """Return the log-probability of each counted trial's choices, given what came before it.

    Parameters
    ----------
    scoring : Scoring
        Model and choices.
    person : int
        Number of the participant.
    matrix : array, shape (draws, coefficients)
        Coefficients as a coefficient matrix has them.

    Returns
    -------
    array, shape (counted trials, draws)
        In nats; the sum over a trial's choices.
    """
    records = scoring.records.repeat(np.array([person]), len(matrix))
    return np.asarray(_scores(scoring.story, records, matrix))[_counted(scoring, person)]


def counting_only(scoring: Scoring, kept: Sequence[np.ndarray]) -> Scoring:
    """Return the same choices with fewer that count: the others are learned from, but not scored.

    Parameters
    ----------
    scoring : Scoring
        Model and choices.
    kept : sequence of bool array, shape (counted trials,)
        For each participant, which of the counted trials still count.
    """
    scored = np.array(scoring.records.scored)
    for person, keep in enumerate(kept):
        column = _seat(scored, person, scoring)
        column[np.flatnonzero(column)[~keep]] = 0
    return replace(scoring, records=replace(scoring.records, scored=scored))


def _seat(grid: Any, person: int, scoring: Scoring) -> np.ndarray:
    """Return a participant's column of a grid, shape (trials,): a view."""
    block, lane = divmod(int(scoring.records.slots[person]), grid.shape[-1])
    return np.asarray(grid)[block, :, lane]


def _counted(scoring: Scoring, person: int) -> np.ndarray:
    return _seat(scoring.records.scored, person, scoring) > 0


@jax.jit(static_argnums=0)
def _scores(story: Story, records: Records, matrix: Any) -> Any:
    return sum(narrate(story, records)(matrix)[1].values())[0]
