"""Shares of a long run's work, for as many machines as there are, and what they come to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from metacontrol.fitting.checkpoint import Parts, joined, read_run
from metacontrol.fitting.point import lot_name, lots
from metacontrol.fitting.result import Fit
from metacontrol.fitting.run import digest_of_run
from metacontrol.models.model import Model


def must_be_shard(shard: tuple[int, int], checkpoint: str | Path | None) -> None:
    """Raise ValueError unless a shard is one of (1, n) to (n, n) and has where to be kept."""
    if not 1 <= shard[0] <= shard[1]:
        raise ValueError(f"shard must be from (1, n) to (n, n), got {shard}")
    if shard != (1, 1) and checkpoint is None:
        raise ValueError("a shard needs a checkpoint to be kept in")


def share[T](work: Sequence[T], shard: tuple[int, int]) -> Sequence[T]:
    """Return what falls to a shard; raise ValueError if there is nothing left for it.

    Examples
    --------
    >>> list(share(range(5), (2, 2)))
    [1, 3]
    """
    mine = work[shard[0] - 1 :: shard[1]]
    if not mine:
        raise ValueError(f"nothing is left for shard {shard[0]}: {len(work)} shards are enough")
    return mine


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
    run = read_run(folder)
    about = run["about"]
    if about["method"] not in ("mle", "map"):
        raise ValueError(
            f"{folder} holds a fit by {about['method']}: only fit itself goes on with it"
        )
    shards = run["shards"]
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
    whole = digest_of_run(run | {"shards": 1})  # by which fit knows it again
    tree.attrs |= {"about": json.dumps(about), "run": whole}
    return Fit(tree, model)
