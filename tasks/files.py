"""Files and folders that are whole or not there."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

DAY = 24 * 60 * 60  # seconds


def must_be_file(path: str | Path) -> None:
    """Raise OSError unless a path is a plain file, which can be read twice."""
    path = Path(path)
    if path.is_file():
        return
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give a file")
    if path.exists():
        raise OSError(f"{path} is a pipe or a device: save what it gives as a file first")
    raise FileNotFoundError(f"there is no file {path}")


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Give a temporary name beside `path`, and rename it to `path` once all is written.

    If writing fails or is interrupted, the temporary file goes and an older `path` stays.

    Raises
    ------
    OSError
        If the folder is not there or cannot be written to, or the disk is full; it says which file.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with whole_file(Path(folder) / "a.txt") as part:
    ...         _ = part.write_text("all of it")
    ...     (Path(folder) / "a.txt").read_text()
    'all of it'
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: there is no folder {path.parent}")
    part = None
    try:
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix
        )
        os.close(handle)
        part = Path(name)
        yield part
        with part.open("rb+") as written:
            os.fsync(written)  # some file systems tell only now that the disk is full
        mask = os.umask(0)
        os.umask(mask)
        part.chmod(0o666 & ~mask)
        part.replace(path)
    except BaseException as error:
        if part is not None:
            part.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.strerror:
            raise type(error)(f"cannot write {path}: {error.strerror}") from error
        raise


@contextmanager
def whole_folder(path: str | Path, holds: Collection[str]) -> Iterator[Path]:
    """Give a temporary folder beside `path`, and rename it to `path` once all is written.

    If writing fails or is interrupted, the temporary folder goes and an older `path` stays.

    Parameters
    ----------
    path : path
        The folder; one that is there is replaced.
    holds : collection of str
        Names that such a folder holds: one that has others in it is not replaced.

    Raises
    ------
    OSError
        If the folder above is not there or cannot be written to, the disk is full, or `path` is a
        file or holds something else.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with whole_folder(Path(folder) / "a", holds=["b.txt"]) as part:
    ...         _ = (part / "b.txt").write_text("all of it")
    ...     (Path(folder) / "a/b.txt").read_text()
    'all of it'
    """
    path = Path(path).absolute()
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: there is no folder {path.parent}")
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"cannot write the folder {path}: there is a file of that name")
    other = sorted({p.name for p in path.iterdir()} - set(holds)) if path.exists() else []
    if other:
        raise FileExistsError(
            f"the folder {path} is not replaced: it holds {', '.join(other[:3])}"
            f"{', ...' if len(other) > 3 else ''}, not only {', '.join(holds)}. Name another one"
        )
    _sweep(path)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as scratch:
        part, old = Path(scratch) / "new", Path(scratch) / "old"
        part.mkdir()
        try:
            yield part
        except OSError as error:
            if str(part) not in str(error):
                raise
            raise type(error)(str(error).replace(str(part), str(path))) from error
        if path.exists():
            path.replace(old)
        try:
            part.replace(path)
        except BaseException:
            if old.exists():
                old.replace(path)
            raise


def _sweep(path: Path) -> None:
    """Delete temporary folders that processes that were killed left beside `path` a day ago."""
    for left in path.parent.glob(".*"):
        if re.fullmatch(rf"\.{re.escape(path.name)}\.\w{{8}}", left.name):
            holds = {inside.name for inside in left.iterdir()} if left.is_dir() else {"a file"}
            if holds <= {"new"} and time.time() - left.stat().st_mtime > DAY:
                shutil.rmtree(left, ignore_errors=True)
