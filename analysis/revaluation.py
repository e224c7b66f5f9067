"""Does a change seen downstream reach an earlier choice? The score of revaluation."""

from __future__ import annotations

from typing import Any

import pandas as pd

from metacontrol.tasks.choices import Choices

LAST = 3  # choices before the change that say what was preferred


def revaluation_score(data: Choices) -> pd.DataFrame:
    """Return how far each participant came to prefer what a change has made better.

    For tasks of revaluation, `MOMENNEJAD_2017`, `MOMENNEJAD_2017_PASSIVE` and `GERSHMAN_2014`: the
    share of choices of the newly better option in the test, less that in the last three free
    choices between the same options before the change. In a control, where nothing gets better, it
    is the same of the option that otherwise would have.

    Returns
    -------
    DataFrame
        One row a participant, columns participant, `before` and `after` (shares, 0 to 1) and
        `revaluation` (-1 to 1); missing where there was no such choice.

    Raises
    ------
    ValueError
        If the task has no revaluation.
    """
    task: Any = data.task
    if not hasattr(task, "newly_better"):
        raise ValueError(
            f"{task.name} has no revaluation: use a task of MOMENNEJAD_2017, "
            "MOMENNEJAD_2017_PASSIVE or GERSHMAN_2014"
        )
    frame = data.frame[data.counted]
    free = frame["first_state"] == 0
    if "told_first" in frame:
        free &= frame["told_first"] < 0
    better = 1.0 * (frame["first_choice"] == task.newly_better)
    chosen = pd.DataFrame(frame[free]).assign(better=better)
    early = chosen["trial"] <= task.learning
    late = chosen["trial"] > task.learning + task.relearning
    before = chosen[early].groupby("participant").tail(LAST)
    table = pd.DataFrame(
        {
            name: part.groupby("participant")["better"].mean()
            for name, part in (("before", before), ("after", chosen[late]))
        }
    ).reindex(pd.Index(data.participants, name="participant"))
    return table.assign(revaluation=table["after"] - table["before"]).reset_index()
