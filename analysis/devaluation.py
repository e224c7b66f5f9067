"""Outcome devaluation: how much less people respond for what has lost its worth."""

from __future__ import annotations

from typing import Any

import pandas as pd

from metacontrol.tasks.choices import Choices


def devaluation_index(data: Choices) -> pd.DataFrame:
    """Return how often each participant responds for a valued and for a devalued outcome.

    The index is P(response | valued) - P(response | devalued), after Gillan et al. (2015,
    doi:10.3758/s13415-015-0347-6). Goal-directed control makes it large, pure habit leaves it at 0.
    Both shares are of the test, from the first states whose outcome is still worth something and
    from the others. Where there is but one first state, as in `DAW_2005`, the valued outcome is
    that of the last trials before the test, as many as the test has; as its test shows that no
    food comes, habit may learn from it, and what differs at once is only in its first trials.

    Parameters
    ----------
    data : Choices
        Of a task in which an outcome is devalued, with its column `devalued`. Trials count that
        have a first choice; where not responding was to press nothing, that is the last option.

    Returns
    -------
    DataFrame
        Columns participant, `valued` and `devalued` (shares of trials with a response, 0 to 1;
        missing without trials) and `index` (-1 to 1).

    Raises
    ------
    ValueError
        If nothing is devalued in the task, or the column is not there.
    """
    task: Any = data.task
    if not hasattr(task, "responses"):
        raise ValueError(f"nothing is devalued in {task.name}")
    if "devalued" not in data.frame:
        raise ValueError(f"no column devalued; there are: {', '.join(data.frame.columns)}")
    frame = data.frame[data.frame["first_choice"].notna()]
    in_test = frame["devalued"] > 0
    devalued = in_test & (frame["devalued"] == frame.get("first_state", 0) + 1)
    if task.stages[0].states > 1:
        valued = in_test & ~devalued
    else:
        tests = in_test.groupby(frame["participant"]).transform("sum")
        to_come = (~in_test).groupby(frame["participant"]).transform("sum")
        valued = ~in_test & (frame.groupby("participant").cumcount() >= to_come - tests)
    responded = (frame["first_choice"] < task.responses).astype(float)
    shares = {
        name: responded[there].groupby(frame["participant"]).mean().reindex(data.participants)
        for name, there in {"valued": valued, "devalued": devalued}.items()
    }
    table = pd.DataFrame(shares).rename_axis("participant").reset_index()
    return table.assign(index=table["valued"] - table["devalued"])
