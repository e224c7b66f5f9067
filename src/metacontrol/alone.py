"""A folder that one process at a time writes to."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from metacontrol.fitting.checkpoint import RUN, finished, forget
from metacontrol.interrupts import Stopped
from metacontrol.output import make_folder, must_be_writable

if sys.platform != "win32":  # which has none: there nobody is kept out
    import fcntl

LOCK, PARTS = ".running", "parts"


@contextmanager
def working_in(folder: Path, *, alone: bool) -> Iterator[None]:
    """Make a folder to work in; if nothing is in it when work fails, it goes again.

    Parameters
    ----------
    folder : Path
        It is made with those above it.
    alone : bool
        Whether no other process may work in it alone at the same time.

    Raises
    ------
    BlockingIOError
        If another process does; it says which.
    """
    there = folder.is_dir()
    make_folder(folder)
    try:
        with _locked(folder / LOCK) if alone and sys.platform != "win32" else nullcontext():
            yield
    except BaseException:
        if not there:
            with suppress(OSError):
                folder.rmdir()
        raise


@contextmanager
def resumable(folder: Path, *, resume: bool, shard: str | None = None) -> Iterator[Path]:
    """Work in a folder; return where finished parts are kept, until all is done.

    Shards of a run work in it at the same time and leave their parts; all else works alone.

    Raises
    ------
    FileExistsError
        If there are parts of a run that was stopped, and it is not to be resumed.
    """
    must_be_writable(folder)
    with working_in(folder, alone=shard is None):
        parts = folder / PARTS
        if shard is None and not resume:
            must_be_empty(parts)
        try:
            yield parts
        except (KeyboardInterrupt, Stopped):
            if count := _finished_in(parts):
                again = "the same command with --resume" if shard is None else "the same command"
                said = f"{again} goes on from {count} finished part(s) in {parts}"
                print(f"metacontrol: {said}", file=sys.stderr)
            raise
        if shard is None:
            forget(parts)


def must_be_empty(parts: Path) -> None:
    """Raise FileExistsError if there are finished parts of a run, or of the runs it is made of."""
    if count := _finished_in(parts):
        raise FileExistsError(
            f"{parts} holds {count} finished part(s) of a run: add --resume to go on with it, "
            "or delete the folder to start anew"
        )


def _finished_in(parts: Path) -> int:
    return sum(finished(path.parent) for path in (parts / RUN, *parts.glob(f"*/{RUN}")))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that the system takes away from a process that dies; the file goes with it."""
    handle = _lock(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _lock(path: Path) -> int:
    """Return the handle of a locked file that names this process."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 999).decode(errors="replace") or "another process"
            os.close(handle)
            raise BlockingIOError(
                f"{holder} is at work in {path.parent}: wait for it, or give another --out"
            ) from None
        except OSError:  # a file system without locks: there nobody is kept out
            pass
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), path.stat()):
                break
        os.close(handle)  # the process before this one has just deleted it
    with suppress(OSError):  # a full disk is said where it matters
        os.ftruncate(handle, 0)
        os.write(handle, f"process {os.getpid()} on {socket.gethostname()}".encode())
    return handle
