"""Choices laid out for the engine: participants as lanes, in blocks, without missed trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import jax
import numpy as np

LANES = 128  # participants side by side: enough to fill a processor, few enough to stay in cache


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Records:
    """Recorded trials of many participants.

    A trial that was missed, wholly or in part, teaches nothing and is scored nowhere, so it is not
    here at all: what a model was last told is the last complete trial. Participants with about as
    many trials share a block.

    Parameters
    ----------
    columns : dict of str to array, shape (blocks, trials, lanes)
        Events, cues and regressors; int8 where that holds the values, else float64.
    scored : int8 array, shape (blocks, trials, lanes)
        1 where the trial's choices count, 0 where they are only learned from, or padding.
    lengths : int array, shape (blocks,)
        Trials of the longest participant of each block.
    slots : int array, shape (participants,)
        Where each participant stands in the flattened (blocks, lanes).
    seats : int array, shape (blocks * lanes,)
        Which participant each lane holds; an empty lane repeats the first.
    rows : int array, shape (blocks, trials, lanes)
        Row of the data frame that each trial comes from; -1 for padding.
    """

    columns: dict[str, np.ndarray]
    scored: np.ndarray
    lengths: np.ndarray
    slots: np.ndarray
    seats: np.ndarray
    rows: np.ndarray

    def repeat(self, people: np.ndarray, times: int) -> Records:
        """Return some participants as one block, each in as many lanes, one beside the other.

        Parameters
        ----------
        people : int array
            Numbers of participants.
        times : int
            Lanes of each.
        """
        _, trials, lanes = self.scored.shape
        seats = np.repeat(self.slots[people], times)
        order = np.arange(len(seats))

        def lanes_of(grid: np.ndarray) -> np.ndarray:
            return np.asarray(grid).swapaxes(0, 1).reshape(trials, -1)[:, seats][None]

        return replace(
            self,
            columns={name: lanes_of(grid) for name, grid in self.columns.items()},
            scored=lanes_of(self.scored),
            lengths=np.asarray(self.lengths)[self.slots[people] // lanes].max(keepdims=True),
            slots=order,
            seats=order,
            rows=lanes_of(self.rows),
        )


def lay_out(
    participant: np.ndarray,
    participants: int,
    used: np.ndarray,
    scored: np.ndarray,
    columns: Mapping[str, np.ndarray],
) -> Records:
    """Arrange rows of a data frame as lanes.

    Parameters
    ----------
    participant : int array, shape (rows,)
        Number of the participant of each row, from 0; rows of one participant in the order played.
    participants : int
        How many participants there are.
    used, scored : bool array, shape (rows,)
        Whether a trial is learned from, and whether its choices count besides.
    columns : mapping of str to array, shape (rows,)
        Values by column; not missing where used.
    """
    rows = np.flatnonzero(used)
    rows = rows[np.argsort(participant[rows], kind="stable")]
    owner = participant[rows]
    counts = np.bincount(owner, minlength=participants)
    blocks = max(1, ceil(participants / LANES))
    lanes = 8 * ceil(participants / blocks / 8)
    slots = np.empty(participants, dtype=np.int64)
    slots[np.argsort(-counts, kind="stable")] = np.arange(participants)
    trials = int(counts.max(initial=0))
    position = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    place = slots[owner] // lanes, position, slots[owner] % lanes

    def spread(values: Any, empty: Any) -> np.ndarray:
        values = np.asarray(values)
        grid = np.full((blocks, trials, lanes), empty, dtype=values.dtype)
        grid[place] = values
        return grid

    lengths = np.zeros(blocks * lanes, dtype=np.int32)
    lengths[slots] = counts
    seats = np.zeros(blocks * lanes, dtype=np.int64)
    seats[slots] = np.arange(participants)
    return Records(
        columns={name: spread(_smallest(np.asarray(v)[rows]), 0) for name, v in columns.items()},
        scored=spread(scored[rows].astype(np.int8), 0),
        lengths=lengths.reshape(blocks, lanes).max(axis=1),
        slots=slots,
        seats=seats,
        rows=spread(rows, -1),
    )


def _smallest(values: np.ndarray) -> np.ndarray:
    """Return whole numbers from -128 to 127 as int8, anything else as float64."""
    values = np.asarray(values, dtype=np.float64)
    small = np.clip(values, -128, 127).astype(np.int8)
    return small if np.array_equal(small, values) else values
