"""Whether fits are of the same choices: by a digest that each carries along."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd

from metacontrol.fitting.result import Fit
from metacontrol.fitting.sessions import split_sessions
from metacontrol.tasks.choices import Choices, event_columns


def describe_choices(data: Choices) -> dict[str, Any]:
    """Return what a fit says of its choices: how many they are, and their digest."""
    return {
        "participants": len(data.participants),
        "trials": int(data.counted.sum()),
        "digest": digest(data),
    }


def digest(data: Choices) -> str:
    """Return what tells choices from any others.

    It is of participants, trial numbers, events and which trials count. The order of participants
    and the types of columns do not matter, nor does what was missed; amounts are taken to seven
    digits, as a file may have rounded the last.

    Examples
    --------
    >>> import pandas as pd
    >>> from metacontrol.tasks import KOOL_2016_DETERMINISTIC, read_choices
    >>> trials = pd.DataFrame({"participant": ["anna", "bert"], "trial": 1,
    ...     "first_state": 0, "first_choice": 1, "second_state": 1, "reward": 5})
    >>> one, other = (read_choices(t, KOOL_2016_DETERMINISTIC) for t in (trials, trials[::-1]))
    >>> digest(one) == digest(other)
    True
    """
    events = event_columns(data.task)
    number, unique = pd.factorize(data.frame["participant"])
    names = np.array([str(name) for name in unique], dtype=object)
    place = np.argsort(np.argsort(names))[number]
    rows = np.flatnonzero(data.complete)
    rows = rows[np.argsort(place[rows], kind="stable")]
    counts = np.bincount(place[rows], minlength=len(names))
    used = data.frame.iloc[rows]
    found = sha256(json.dumps([sorted(names), counts.tolist(), events]).encode())
    found.update(used["trial"].to_numpy("<f8").tobytes())
    found.update(data.counted[rows].tobytes())
    for event in events:
        found.update((used[event].to_numpy("<f4") + np.float32(0)).tobytes())  # -0 is 0
    return found.hexdigest()


def must_be_same(digests: Mapping[str, str]) -> None:
    """Raise ValueError unless all are of the same choices.

    Parameters
    ----------
    digests : mapping of str to str
        By what they are of, in words. What has none, being saved before there were any, passes.
    """
    known = [name for name, found in digests.items() if found]
    for name in known[1:]:
        if digests[name] != digests[known[0]]:
            raise ValueError(
                f"{name} and {known[0]} are not of the same choices: participants, trials, what "
                "happened in them, or which of them count, differ"
            )


def must_be_of(fit: Fit, data: Choices) -> None:
    """Raise ValueError unless a fit is of these choices."""
    if not fit.digest:
        return
    name = f"the fit of {fit.about['model']['name']}"
    if column := fit.about["settings"].get("sessions"):
        name += f" to the sessions that split_sessions(data, {column!r}) tells apart"
    told = {"the data given": describe_choices(data), name: fit.about["data"]}
    must_be_same({f"{of} ({_size(about)})": about["digest"] for of, about in told.items()})


def _size(about: Mapping[str, Any]) -> str:
    return f"{about['participants']:,} participants, {about['trials']:,} trials that count"


def as_fitted(fit: Fit, data: Choices) -> Choices:
    """Return choices as they were fitted: each session apart, if the fit tells sessions apart.

    Raises ValueError unless the fit is of these choices.
    """
    column, people = fit.about["settings"].get("sessions"), set(fit.parameters.index.astype(str))
    if column and not people & set(data.participants):
        data = split_sessions(data, column)
    if absent := people - set(data.participants):
        raise ValueError(f"the choices lack participants of the fit: {', '.join(sorted(absent))}")
    must_be_of(fit, data)
    return data


def in_order_of(fit: Fit, data: Choices) -> Choices:
    """Return the choices of a fit, with people in the order of its own."""
    people = pd.Index(fit.parameters.index.astype(str))
    place = people.get_indexer(pd.Index(data.frame["participant"].astype(str)))
    return data.only(np.argsort(place, kind="stable"))
