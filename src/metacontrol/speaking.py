"""Standard output that may be closed, full, or unable to write a letter, while work goes on."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any, TextIO


@contextmanager
def speaking() -> Iterator[None]:
    """Let nothing that is printed stop the work: files count for more than words.

    Letters that the terminal does not have become question marks. Once nobody reads (`| head`) the
    rest is not said.

    Raises
    ------
    OSError
        In place of a good SystemExit, if something could not be printed for another reason (a full
        disk).
    """
    before = sys.stdout
    if before is None:  # it was closed from the beginning
        yield
        return
    if isinstance(before, TextIOWrapper):
        before.reconfigure(errors="replace")
    stream = _Lasting(before)
    sys.stdout = stream
    try:
        yield
    except SystemExit as end:
        stream.flush()
        fault = stream.fault
        if end.code or fault is None or isinstance(fault, BrokenPipeError):
            raise
        raise type(fault)(f"cannot write to standard output: {fault.strerror}") from None
    finally:
        stream.flush()
        sys.stdout = before


class _Lasting:
    """A stream that falls silent where it cannot be written to."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.fault: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, do: Callable[[], object]) -> None:
        try:
            do()
        except OSError as error:
            self.fault = self.fault or error
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())  # takes what waits in the buffer, too
            os.close(nowhere)
