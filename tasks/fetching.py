"""Getting published data from their authors, in our form."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import pooch

from metacontrol.tasks import parsers
from metacontrol.tasks.files import whole_file
from metacontrol.tasks.published import PublishedData, published

OFFLINE = "METACONTROL_DATA"
"""Environment variable: a folder with the original files, read instead of downloading."""


def fetch(name: str, folder: str | Path | None = None) -> Path:
    """Download published data and write them in our form; what is there already is not fetched.

    Parameters
    ----------
    name : str
        A name in `PUBLISHED`.
    folder : path, optional
        Where to write `<name>/choices.csv`; by default in the user's cache.

    Returns
    -------
    Path
        Of `choices.csv`, the same bytes for everyone.

    Raises
    ------
    ValueError
        If the name is unknown, metacontrol does not fetch these data, or a file or the result is
        not what was published.
    OSError
        If a file cannot be downloaded or is not in the offline folder, or another `choices.csv` is
        in the way.

    Notes
    -----
    With the environment variable METACONTROL_DATA set to a folder, nothing is downloaded and
    original files are read from `<folder>/<owner>+<repository>/<path>`.
    """
    data = published(name)
    if data.parse is None:
        raise ValueError(f"{name} is not fetched by metacontrol: {data.elsewhere}")
    cache = Path(pooch.os_cache("metacontrol")) / data.commit
    target = (cache if folder is None else Path(folder)) / name / "choices.csv"
    if target.exists():
        if _sha256(target.read_bytes()) == data.sha256:
            return target
        if folder is not None:
            raise FileExistsError(f"{target} holds something else; move it or name another folder")
    offline = os.environ.get(OFFLINE)
    originals = _read_offline(data, Path(offline)) if offline else _download(data, cache)
    content = parsers.csv(data.parse(originals))
    if _sha256(content) != data.sha256:
        raise ValueError(
            f"{name}: the parsed file is not what it should be (sha256 {_sha256(content)}, not "
            f"{data.sha256}); please report this with the versions of numpy, pandas and scipy"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(target) as part:
        part.write_bytes(content)
    return target


def _download(data: PublishedData, cache: Path) -> parsers.Originals:
    originals = {}
    with tempfile.TemporaryDirectory() as thrown_away:
        for path in data.files:
            source = pooch.create(
                path=thrown_away if path in data.personal else cache / "originals",
                base_url="",
                registry=dict(data.files),
                urls={path: data.url(path)},
                retry_if_failed=2,
            )
            try:
                originals[path] = Path(source.fetch(path)).read_bytes()
            except OSError as error:
                raise OSError(
                    f"{data.name}: {path} could not be downloaded: {error}. Without a network, set "
                    f"{OFFLINE} to a folder that holds {_local(data, path)}"
                ) from error
    return originals


def _read_offline(data: PublishedData, folder: Path) -> parsers.Originals:
    originals = {}
    for path, sha256 in data.files.items():
        place = folder / _local(data, path)
        stand_in = folder / "redacted_samples" / data.name / Path(path).name
        if path in data.personal and not place.exists() and stand_in.exists():
            place = stand_in
        if not place.exists():
            raise FileNotFoundError(
                f"{data.name}: {_local(data, path)} is not in {folder}, the folder that {OFFLINE} "
                "names; put it there, or unset the variable to download it"
            )
        originals[path] = place.read_bytes()
        found, allowed = _sha256(originals[path]), (sha256, data.personal.get(path))
        if found not in allowed:
            raise ValueError(
                f"{data.name}: {place} is not the published file: its sha256 is {found}, not "
                f"{sha256}. Replace it, or unset {OFFLINE} to download it"
            )
    return originals


def _local(data: PublishedData, path: str) -> str:
    return f"{data.repository.replace('/', '+')}/{path}"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
