"""What blocks of one group must be to each other: of other people."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b


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
