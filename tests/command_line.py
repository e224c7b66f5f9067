"""The command line, called from Python."""

from __future__ import annotations

import pytest

from metacontrol.cli import main


def run(*arguments: object) -> int:
    """Run a command and return its exit code."""
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    return int(stop.value.code or 0)
