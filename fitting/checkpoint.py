"""Finished parts of a long run, kept on disk: a run that was killed goes on where it was."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np
import xarray as xr

from metacontrol.fitting.point import lot_name, lots
from metacontrol.fitting.result import Fit, read_tree, write_tree
from metacontrol.models.model import Model
from metacontrol.models.parameter import Prior
from metacontrol.models.scoring import Scoring
from metacontrol.tasks.files import whole_file

RUN = "run.json"


class Parts:
    """Finished parts of one run; without a folder, none is kept.

    Parameters
    ----------
    folder : Path or None
        Where parts are kept.
    run : mapping
        What parts depend on, as plain values: see `describe_run`. It stands in the folder's
        run.json, and each part has its digest, so that parts of another run are never used.
    """

    def __init__(self, folder: Path | None, run: Mapping[str, Any]) -> None:
        self.folder = folder
        self.text = json.dumps(run, indent=1)
        self.digest = sha256(self.text.encode()).hexdigest()

    def part(self, name: str, make: Callable[[], xr.DataTree]) -> xr.DataTree:
        """Return a part that was kept; else make it and keep it."""
        found = self.load(name)
        return self.keep(name, make()) if found is None else found

    def load(self, name: str) -> xr.DataTree | None:
        """Return a part that was kept; None if it is not there, or not whole.

        Raises
        ------
        ValueError
            If it is a part of another run.
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
        return tree

    def keep(self, name: str, tree: xr.DataTree) -> xr.DataTree:
        """Keep a part, whole or not at all, and return it."""
        path = self._path(name)
        if path is not None:
            self.introduce()
            tree.attrs["run"] = self.digest
            write_tree(tree, path)
        return tree

    def introduce(self) -> None:
        """Make the folder and its run.json, if they are not there."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / RUN).is_file():
            with whole_file(self.folder / RUN) as part:
                part.write_text(self.text, encoding="utf-8")

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
        If the folder holds parts of another run (it says what differs), or anything else.
    """
    folder = None if folder is None else Path(folder)
    parts = Parts(folder, run)
    if folder is not None and finished(folder):
        if differences := _differences(_read_run(folder), json.loads(parts.text)):
            raise ValueError(
                f"{folder} holds parts of another run ({'; '.join(differences)}): delete it, or "
                "keep the parts of this run elsewhere"
            )
    try:
        if folder is not None and not finished(folder):
            forget(folder)  # a run.json that no part goes with
        parts.introduce()
        yield parts
    except BaseException:
        if folder is not None and not finished(folder):
            forget(folder)
        raise


def finished(folder: Path) -> int:
    """Return how many finished parts a folder holds."""
    return len(list(folder.glob("[!.]*.nc")))


def forget(folder: Path) -> None:
    """Delete the parts in a folder, and the folder if nothing else is in it."""
    with suppress(NotADirectoryError):
        for path in (folder / RUN, *folder.glob("*.nc")):
            path.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def describe_run(
    about: Mapping[str, Any],
    model: Model,
    scoring: Scoring,
    priors: Mapping[str, Prior] | None,
    shards: int,
) -> dict[str, Any]:
    """Return all that the parts of a run depend on, as plain values.

    Parameters
    ----------
    about : mapping
        What is saved with the fit: method, settings, seed, formulas, versions.
    model, scoring, priors
        What is fitted to what.
    shards : int
        How many machines share the work.
    """
    return {
        "about": about,
        **describe_code(model, priors),
        "choices": digest_of_choices(scoring),
        "shards": shards,
        "versions": {name: version(name) for name in ("numpy", "scipy")},
    }


def describe_code(model: Model, priors: Mapping[str, Prior] | None) -> dict[str, Any]:
    """Return what a model is beyond its name, and priors, as plain values."""
    try:
        code = inspect.getsource(type(model))
    except (OSError, TypeError):  # typed in at a prompt
        code = ""
    return {
        "parameters": [asdict(parameter) for parameter in model.parameters],
        "code of the model": sha256(code.encode()).hexdigest(),
        "priors": {name: asdict(prior) for name, prior in (priors or {}).items()},
    }


def digest_of_choices(scoring: Scoring) -> str:
    """Return what tells choices, and whose they are, from any others."""
    data = sha256(json.dumps([scoring.participants, sorted(scoring.records.columns)]).encode())
    for array in jax.tree.leaves(scoring.records):
        data.update(np.ascontiguousarray(array))
    return data.hexdigest()


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


def gather(folder: str | Path, model: Model | None = None) -> Fit:
    """Join the parts that shards left in a folder into one fit.

    Parameters
    ----------
    folder : path
        The checkpoint of all shards.
    model : Model, optional
        The model, where it is your own.

    Returns
    -------
    Fit
        What a fit without shards would have found.

    Raises
    ------
    ValueError
        If the folder has no parts of a fit by mle or map, or parts are missing: it names their
        shards.
    """
    folder = Path(folder)
    run = _read_run(folder)
    about, shards = run["about"], run["shards"]
    if about["method"] not in ("mle", "map"):
        raise ValueError(
            f"{folder} holds a fit by {about['method']}: only fit itself goes on with it"
        )
    count = len(lots(about["data"]["participants"], about["settings"]["starts"]))
    parts = Parts(folder, run)
    found = [parts.load(lot_name(k)) for k in range(count)]
    missing = [k for k, part in enumerate(found) if part is None]
    if missing:
        late = sorted({k % shards + 1 for k in missing})
        raise ValueError(
            f"{len(missing)} of {count} parts are missing in {folder}, those of shard "
            + ", ".join(f"{i}/{shards}" for i in late)
        )
    tree = joined([part for part in found if part is not None], "participant")
    tree.attrs["about"] = json.dumps(about)
    return Fit(tree, model)


def _read_run(folder: Path) -> Any:
    """Return what a folder's run.json says."""
    path = folder / RUN
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder} holds no parts of a fit: {path} cannot be read") from error


def _differences(there: Any, here: Any, name: str = "") -> list[str]:
    """Return what differs between two runs, in words."""
    if isinstance(there, dict) and isinstance(here, dict) and list(there) == list(here):
        return [
            told
            for key in there
            for told in _differences(there[key], here[key], f"{name}.{key}" if name else key)
        ]
    if there == here:
        return []
    return [f"{name} is {_short(there)} there and {_short(here)} here"]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:36]} ..."
