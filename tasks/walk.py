"""Reward walks: slow drift between two reflecting bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Range = tuple[float, float]


@dataclass(frozen=True)
class Walk:
    """A Gaussian random walk that is reflected at its bounds.

    Parameters
    ----------
    low, high : float
        Bounds, in probability of reward or in points.
    sd : float
        Standard deviation of a step, in the same unit, each trial.
    start : tuple of tuple of (low, high), optional
        Where the walks begin: for each of two second states a range for each of its options, drawn
        uniformly; which state gets which is drawn too. A fixed start is a range of no width. If
        not given, uniform between the bounds.
    whole : bool
        Whether steps and starts are rounded to whole points.

    Raises
    ------
    ValueError
        If `low` is not below `high`, `sd` is negative, or `start` does not fit.
    """

    low: float
    high: float
    sd: float
    start: tuple[tuple[Range, ...], ...] | None = None
    whole: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"a walk needs low < high, got low={self.low}, high={self.high}")
        if not self.sd >= 0:
            raise ValueError(f"sd must be 0 or more, got {self.sd}")
        if self.whole and (self.low % 1 or self.high % 1):
            raise ValueError(f"whole points need whole bounds, got [{self.low}, {self.high}]")
        if self.start is not None:
            ranges = np.asarray(self.start, dtype=float)
            if ranges.ndim != 3 or ranges.shape[::2] != (2, 2):
                raise ValueError("start needs a (low, high) for each option of two second states")
            if (np.diff(ranges) < 0).any() or ranges.min() < self.low or ranges.max() > self.high:
                raise ValueError(
                    f"start must lie between {self.low} and {self.high}, low before high, "
                    f"got {self.start}"
                )

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g} (sd {self.sd:g})"

    def draw(
        self, participants: int, trials: int, options: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw one walk for each option of two second states.

        Returns
        -------
        array, shape (trials, participants, 2, options)
        """
        walk = np.empty((trials, participants, 2, options))
        walk[0] = self._starts(participants, options, rng)
        for trial in range(1, trials):
            step = rng.normal(0.0, self.sd, walk.shape[1:])
            walk[trial] = self.reflect(walk[trial - 1] + (np.round(step) if self.whole else step))
        return walk

    def reflect(self, x: np.ndarray) -> np.ndarray:
        """Fold values back between the bounds, however far outside they are.

        Examples
        --------
        >>> [float(x) for x in Walk(0.25, 0.75, 0.025).reflect(np.array([0.2, 0.8, 1.3]))]
        [0.3, 0.7, 0.3]
        """
        width = self.high - self.low
        y = np.mod(x - self.low, 2 * width)
        return np.asarray(np.round(self.low + np.where(y > width, 2 * width - y, y), 12))

    def _starts(self, participants: int, options: int, rng: np.random.Generator) -> np.ndarray:
        shape = (participants, 2, options)
        if self.start is None:
            low, high = np.full(shape, self.low), np.full(shape, self.high)
        else:
            first = rng.integers(2, size=participants)
            order = np.stack([first, 1 - first], axis=1)
            low, high = (np.asarray(self.start)[:, :options, i][order] for i in (0, 1))
        if self.whole:
            return rng.integers(low.astype(int), high.astype(int) + 1).astype(float)
        return rng.uniform(low, high)


@dataclass(frozen=True)
class Reversals:
    """Blocks of trials: one second state is good, the other bad, and then they change places.

    Parameters
    ----------
    high, low : float
        Probability of reward in the good and in the bad state, whatever is chosen there.
    block : int
        Trials between reversals; which state is good first is drawn.

    Raises
    ------
    ValueError
        If `low` is not below `high`, or `block` below 1.
    """

    high: float
    low: float
    block: int

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"reversals need low < high, got low={self.low}, high={self.high}")
        if self.block < 1:
            raise ValueError(f"block must be 1 or more, got {self.block}")

    def __str__(self) -> str:
        return f"{self.high:g} and {self.low:g}, reversed every {self.block} trials"

    def draw(
        self, participants: int, trials: int, options: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw probabilities for each option of two second states.

        Returns
        -------
        array, shape (trials, participants, 2, options)
        """
        block = np.arange(trials)[:, None] // self.block
        good = (block + rng.integers(2, size=participants)) % 2
        paid = np.where(good[:, :, None] == np.arange(2), self.high, self.low)
        return np.repeat(paid[..., None], options, axis=3)
