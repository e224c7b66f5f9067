"""People who came more than once: each session is learned from anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from metacontrol.tasks.choices import Choices


def split_sessions(data: Choices, column: str) -> Choices:
    """Return choices in which each session of each person is a participant of its own.

    Parameters
    ----------
    data : Choices
        The choices.
    column : str
        The column that says which session a trial belongs to.

    Returns
    -------
    Choices
        Participants are called `<participant>/<session>`, one person's sessions after another's.

    Raises
    ------
    ValueError
        If there is no such column, it has one value only, a gap or a "/", or nobody came to two
        sessions.

    Examples
    --------
    >>> import pandas as pd
    >>> from metacontrol.tasks import KOOL_2016_DETERMINISTIC, read_choices
    >>> trials = pd.DataFrame({"participant": "anna", "trial": [1, 2], "session": [1, 2],
    ...     "first_state": 0, "first_choice": 1, "second_state": 1, "reward": 5})
    >>> split_sessions(read_choices(trials, KOOL_2016_DETERMINISTIC), "session").participants
    ['anna/1', 'anna/2']
    """
    names = session_names(data, column)
    people = data.frame["participant"].astype(str)
    session = data.frame[column].map(_name)
    places = pd.DataFrame({"person": pd.factorize(people)[0], "session": session.map(names.index)})
    order = places.sort_values(["person", "session"], kind="stable").index.to_numpy()
    frame = data.frame.assign(participant=people + "/" + session).iloc[order]
    return replace(
        data,
        frame=frame.reset_index(drop=True),
        scored=None if data.scored is None else data.scored[order],
        dropped=None if data.dropped is None else data.dropped[order],
    )


def fill_sessions(data: Choices, column: str) -> Choices:
    """Return choices in which everybody came to every session, for `split_sessions`.

    To one that they missed, with a trial that does not count: its parameters are then what the
    person's others and the group tell of it, and it tells nothing of the group.
    """
    values = np.sort(data.frame[column].unique())
    people = data.frame["participant"].astype(str)
    there = pd.MultiIndex.from_arrays([people, data.frame[column]])
    missed = pd.MultiIndex.from_product([people.unique(), values]).difference(there, sort=False)
    example = data.frame.set_index(people).groupby(level=0).head(1)
    who, what = (missed.get_level_values(level) for level in (0, 1))
    rows, none = example.loc[who].assign(**{column: what}), np.zeros(len(missed), bool)
    return replace(
        data,
        frame=pd.concat([data.frame, rows], ignore_index=True),
        scored=np.append(data.counted, none),
        dropped=None if data.dropped is None else np.append(data.dropped, none),
    )


def session_names(data: Choices, column: str) -> list[str]:
    """Return the names of the sessions, in order."""
    if column not in data.frame:
        raise ValueError(f"there is no column {column!r}; columns: {', '.join(data.frame)}")
    gap = data.frame[column].isna()
    if gap.any():
        row = data.frame[gap].iloc[0]
        raise ValueError(
            f"{column} is missing for participant {row['participant']!r}, trial {row['trial']}"
        )
    names = [_name(value) for value in sorted(data.frame[column].unique())]
    if slashed := [name for name in names if "/" in name]:
        raise ValueError(
            f"{column} has {slashed[0]!r}, but a session's name cannot have a '/', which parts it "
            "from the participant's: write a date, for example, as 2026-03-11"
        )
    if len(names) < 2:
        raise ValueError(f"two sessions or more are needed, {column} has {len(names)}")
    if data.frame.groupby("participant", observed=True)[column].nunique().max() < 2:
        raise ValueError(f"nobody came to two sessions: {column} differs between people only")
    return names


def people_by_session(posterior: xr.Dataset) -> dict[str, np.ndarray]:
    """Return the places of the people who came to each session; of all, where there are none."""
    people = posterior.sizes["participant"]
    if "session" not in posterior:
        return {"": np.arange(people)}
    sessions = posterior["session"].to_numpy().astype(str)
    names = posterior["participant"].to_numpy().astype(str)
    came = [max((s for s in sessions if n.endswith(f"/{s}")), key=len) for n in names]
    return {s: np.flatnonzero(np.array(came) == s) for s in sessions}


def _name(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)
