"""Finished parts of a long run, kept on disk: a run that was killed goes on where it was."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import h5py
import xarray as xr

from metacontrol.fitting.run import differences, digest_of_run
from metacontrol.fitting.trees import read_tree, write_tree
from metacontrol.tasks.files import whole_file

RUN = "run.json"
_NAME = r"(?:(?:participants|chain|block|group)-\d+|information|round|maximum|pilot)"
_PART = re.compile(_NAME + r"\.nc")
_HALF = re.compile(rf"\.(?:{_NAME}\.\w+\.nc|run\.\w+\.json)")  # of a process that was killed


class Parts:
    """Finished parts of one run; without a folder, none is kept.

    Parameters
    ----------
    folder : Path or None
        Where parts are kept.
    run : mapping
        What parts depend on, as plain values: see `describe_run`. It stands in the folder's
        run.json with its digest. Each part has the digest and its own name, so that parts of
        another run, or under another's name, are never used.
    """

    def __init__(self, folder: Path | None, run: Mapping[str, Any]) -> None:
        self.folder = folder
        self.digest = digest_of_run(run)
        self.text = json.dumps({"digest": self.digest, **run}, indent=1)

    def part(self, name: str, make: Callable[[], xr.DataTree]) -> xr.DataTree:
        """Return a part that was kept; else make it and keep it."""
        found = self.load(name)
        return self.keep(name, make()) if found is None else found

    def load(self, name: str) -> xr.DataTree | None:
        """Return a part that was kept; None if it is not there, or not whole.

        Raises
        ------
        ValueError
            If it is a part of another run, or another part of this one.
        """
        path = self._path(name)
        if path is None or not path.is_file():
            return None
        try:
            tree = read_tree(path)
        except ValueError:
            return None
        if tree.attrs.get("run") != self.digest:
            raise ValueError(f"{path} is not a part of the run that {RUN} beside it tells of")
        if tree.attrs.get("part") != name:
            raise ValueError(f"{path} is not what its name says: it is {tree.attrs.get('part')}.nc")
        return tree

    def keep(self, name: str, tree: xr.DataTree) -> xr.DataTree:
        """Keep a part, whole or not at all, and return it."""
        path = self._path(name)
        if path is not None:
            self.introduce()
            tree.attrs |= {"run": self.digest, "part": name}
            write_tree(tree, path)
        return tree

    def introduce(self, *, anew: bool = False) -> None:
        """Make the folder and its run.json, if they are not there; or run.json anew."""
        if self.folder is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise type(error)(f"cannot make the folder {self.folder}: {error.strerror}") from error
        if anew or not (self.folder / RUN).is_file():
            with whole_file(self.folder / RUN) as part:
                part.write_text(self.text, encoding="utf-8")

    def withdraw(self) -> None:
        """Delete what `introduce` made, unless there is more by now."""
        if self.folder is None or finished(self.folder):
            return
        path = self.folder / RUN
        with suppress(OSError, ValueError):
            if path.read_text(encoding="utf-8") == self.text:
                path.unlink()
        with suppress(OSError):  # run.json may never have been written
            self.folder.rmdir()

    def _path(self, name: str) -> Path | None:
        return None if self.folder is None else self.folder / f"{name}.nc"


@contextmanager
def opened(folder: str | Path | None, run: Mapping[str, Any]) -> Iterator[Parts]:
    """Open the finished parts of a run; if it ends early without any, the folder goes again.

    Raises
    ------
    OSError
        If the folder cannot be written to.
    ValueError
        If the folder holds parts of another run (it says what differs), or something that is not
        ours under the name of run.json or of a part.
    """
    folder = None if folder is None else Path(folder)
    parts = Parts(folder, run)
    others: list[str] = []
    if folder is not None and ((folder / RUN).exists() or finished(folder)):
        others = differences(read_run(folder), json.loads(json.dumps(run)))
        if others and finished(folder):
            raise ValueError(
                f"{folder} holds parts of another run ({'; '.join(others)}): delete it, or "
                "keep the parts of this run elsewhere"
            )
    try:
        parts.introduce(anew=bool(others))
        yield parts
    except BaseException:
        parts.withdraw()
        raise


def finished(folder: Path) -> int:
    """Return how many finished parts a folder holds."""
    return sum(_PART.fullmatch(path.name) is not None for path in folder.glob("*.nc"))


def part_of(checkpoint: str | Path | None, name: str) -> Path | None:
    """Return the checkpoint of one of several runs that something is made of."""
    return None if checkpoint is None else Path(checkpoint) / name


def forget(folder: Path) -> None:
    """Delete the parts of a run that is over, and the folder if nothing else is in it.

    So are those of the runs that it was made of, in folders of their own (see `part_of`). What is
    not ours stays: files without our mark, and a run.json that we did not write.
    """
    for path in folder.glob("*"):
        if path.is_dir() and (path / RUN).is_file():
            forget(path)
        part = _PART.fullmatch(path.name) and _is_marked(path)
        if part or _HALF.fullmatch(path.name):
            path.unlink(missing_ok=True)
    with suppress(ValueError):
        read_run(folder)
        (folder / RUN).unlink()
    with suppress(OSError):
        folder.rmdir()


def _is_marked(path: Path) -> bool:
    """Whether a file is a part that `Parts.keep` wrote, of whichever run."""
    try:
        with h5py.File(path) as file:
            return {"run", "part"} <= set(file.attrs)
    except OSError:
        return False


def joined(parts: Sequence[xr.DataTree], dimension: str) -> xr.DataTree:
    """Join parts along a dimension, group by group.

    How a part was written is forgotten: the length of its names would cut the others' short.
    """
    return xr.DataTree.from_dict(
        {
            group: xr.concat(
                [part[group].to_dataset().drop_encoding() for part in parts],
                dimension,
                data_vars="minimal",
                coords="minimal",
                compat="override",
                join="override",
                combine_attrs="override",
            )
            for group in parts[0].children
        }
    )


def read_run(folder: Path) -> Any:
    """Return what a folder's run.json says; raise ValueError if we did not write it."""
    path = folder / RUN
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder} holds no parts of a fit: {path} cannot be read") from error
    if not isinstance(run, dict) or run.pop("digest", None) != digest_of_run(run):
        raise ValueError(
            f"{folder} holds no parts of a fit: {path} is not as metacontrol writes it"
        )
    return run
