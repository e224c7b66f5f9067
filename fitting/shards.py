"""Shares of a long run's work, for as many machines as there are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def must_be_shard(shard: tuple[int, int], checkpoint: str | Path | None) -> None:
    """Raise ValueError unless a shard is one of (1, n) to (n, n) and has where to be kept."""
    if not 1 <= shard[0] <= shard[1]:
        raise ValueError(f"shard must be from (1, n) to (n, n), got {shard}")
    if shard != (1, 1) and checkpoint is None:
        raise ValueError("a shard needs a checkpoint to be kept in")


def share[T](work: Sequence[T], shard: tuple[int, int]) -> Sequence[T]:
    """Return what falls to a shard; raise ValueError if there is nothing left for it.

    Examples
    --------
    >>> list(share(range(5), (2, 2)))
    [1, 3]
    """
    mine = work[shard[0] - 1 :: shard[1]]
    if not mine:
        raise ValueError(f"nothing is left for shard {shard[0]}: {len(work)} shards are enough")
    return mine
