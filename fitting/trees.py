"""Trees of arrays on disk, and whether one is a fit."""

from __future__ import annotations

import json
import re
import sys
import zlib
from collections.abc import Collection, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import h5py
import xarray as xr

from metacontrol.tasks.files import must_be_file, whole_file

_LENGTH = 15  # bytes
_SUM = re.compile(rb"crc32 ([0-9a-f]{8})\n\Z")  # after the end of NetCDF, of all before it
FORMAT = 1  # of what a fit's file says about it
# What is said about every fit, and in it.
ABOUT: Mapping[str, Collection[str]] = {
    "model": ("name", "base", "fixed"),
    "task": ("name",),
    "formulas": (),
    "columns": (),
    "priors": (),
    "coefficients": (),
    "method": (),
    "settings": ("seed",),
    "data": ("participants", "trials"),
    "versions": ("metacontrol",),
}
# The groups of a fit; by other methods it has estimates.
GROUPS: Mapping[str, Collection[str]] = {
    "nuts": ("posterior", "sample_stats"),
    "two-stage": ("posterior", "sample_stats", "maximum", "importance"),
    "em": ("posterior", "maximum", "importance"),
    "em-laplace": ("posterior", "maximum", "importance"),
}


def read_tree(path: str | Path) -> xr.DataTree:
    """Read a NetCDF file; raise FileNotFoundError or ValueError as `load_fit` does.

    What `write_tree` wrote must be as it was written, to the bit.
    """
    must_be_file(path)
    try:
        _must_be_as_written(Path(path).read_bytes())
        h5py.File(path).close()  # what h5netcdf cannot open has a word to say when it is forgotten
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            return tree.load()
    except Exception as error:
        raise ValueError(f"{path} is not a fit, or not whole: {error}") from error


def write_tree(tree: xr.DataTree, path: str | Path) -> Path:
    """Write a NetCDF file, whole or not at all, and return its path."""
    dask = sys.modules.get("dask")  # where a client is connected, xarray asks it for a lock
    with dask.config.set(scheduler="synchronous") if dask else nullcontext():
        content = bytes(tree.to_netcdf(engine="h5netcdf"))  # HDF5 crashes where a disk is full
    with whole_file(path) as part:
        part.write_bytes(content + b"crc32 %08x\n" % zlib.crc32(content))
    return Path(path)


def _must_be_as_written(content: bytes) -> None:
    """Raise ValueError if a file is not what its sum is of; those of before have none."""
    told = _SUM.match(content, max(len(content) - _LENGTH, 0))
    if told and int(told[1], 16) != zlib.crc32(memoryview(content)[:-_LENGTH]):
        raise ValueError("it is not as it was written")


def fault(tree: xr.DataTree) -> str:
    """Return what is the matter with a fit that was read, in words; nothing if all is there."""
    if "about" not in tree.attrs:
        return "is a NetCDF file, but not a fit that metacontrol saved"
    try:
        about = json.loads(tree.attrs["about"])
    except ValueError as error:
        return f"is a damaged fit: its attribute 'about' cannot be read ({error})"
    if not isinstance(about, dict):
        return "is a damaged fit: its attribute 'about' says nothing"
    if (number := about.get("format", FORMAT)) != FORMAT:
        return (
            f"was written by a newer metacontrol, in format {number} (this one reads format "
            f"{FORMAT}): install that one"
        )
    missing = [name for name in ABOUT if name not in about]
    missing += [f"{n}.{k}" for n in about.keys() & ABOUT for k in ABOUT[n] if not _has(about[n], k)]
    if missing:
        return f"is a damaged fit: its attribute 'about' does not say {', '.join(sorted(missing))}"
    groups = [g for g in GROUPS.get(str(about["method"]), ("estimates",)) if g not in tree.children]
    return f"is a damaged fit: there is no group {', '.join(groups)}" if groups else ""


def _has(there: Any, name: str) -> bool:
    return isinstance(there, dict) and name in there
