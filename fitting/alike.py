"""Blocks of one group: each of other people, and a formula means the same in all of them."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
import pandas as pd

from metacontrol.models.formulas import Formulas, columns_read, predictors
from metacontrol.models.model import Model
from metacontrol.tasks.choices import Choices


class Newcomers:
    """Who was in a block so far, in 8 bytes each: of a million people no two have the same."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def add(self, number: int, participants: Iterable[str]) -> None:
        """Note the people of a block; raise ValueError if somebody was in a block before."""
        for name in participants:
            mark = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")
            if mark in self._seen:
                raise ValueError(
                    f"participant {name!r} of block {number} was in a block before: each must be "
                    "in one block with all of their trials, and others must have other names"
                )
            self._seen.add(mark)


class Meanings:
    """What the terms of formulas mean in the first block, to which others are compared.

    A trial must have the same regressors in its block as in both blocks together. So those terms
    are found that depend on other trials, such as a mean, and those of columns with other levels.

    Parameters
    ----------
    model : Model
        The model.
    formulas : mapping of str to str
        As for `predictors`.
    """

    def __init__(self, model: Model, formulas: Formulas) -> None:
        self._model, self._formulas = model, dict(formulas)
        self._first: tuple[pd.DataFrame, np.ndarray] | None = None

    def compare(self, number: int, data: Choices) -> None:
        """Raise ValueError if a formula means something else in a block than in the first."""
        if not self._formulas:
            return
        frame = data.frame[columns_read(data.frame, self._formulas)]
        here = (frame, data.complete)
        if self._first is None:
            self._first = here
            return
        frames, complete = zip(self._first, here, strict=True)
        used = np.concatenate(complete)
        both = pd.concat(frames, ignore_index=True)
        for parameter, formula in self._formulas.items():
            apart = [self._regressors(frame, parameter) for frame in frames]
            together = self._regressors(both, parameter)
            if not all(list(part) == list(together) for part in apart):
                why = (
                    "a column has other levels there, and every block must have every level: "
                    "make columns of 0 and 1 of it beforehand, or mix participants"
                )
            elif not np.allclose(pd.concat(apart)[used], together[used], equal_nan=True):
                why = (
                    "what it says of a trial depends on the others of the block, as where there is "
                    "a mean: make a column of that in all blocks beforehand"
                )
            else:
                continue
            raise ValueError(
                f"the formula of {parameter}, {formula!r}, means something else in block {number} "
                f"than in the first: {why}"
            )

    def _regressors(self, frame: pd.DataFrame, parameter: str) -> pd.DataFrame:
        formula = {parameter: self._formulas[parameter]}
        return pd.DataFrame(predictors(self._model, frame, formula)[1], frame.index)
