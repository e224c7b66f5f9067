"""Ctrl-C and SIGTERM, after which half-written files go.

Neither is lost: Python ignores what is raised in callbacks of its garbage collector.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

CALLBACK = "_xla_gc_callback"  # JAX's, which is often under way while models are compiled
AGAIN = 0.05  # seconds


class Stopped(SystemExit):
    """SIGTERM came: what SLURM sends when the time is over."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Have Ctrl-C raise KeyboardInterrupt and SIGTERM Stopped, after such a callback, not in it."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, _interrupt) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    while frame is not None:
        if frame.f_code.co_name == CALLBACK:
            threading.Timer(AGAIN, os.kill, (os.getpid(), number)).start()
            return
        frame = frame.f_back
    raise Stopped(128 + number) if number == signal.SIGTERM else KeyboardInterrupt
