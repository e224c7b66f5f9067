"""What people look at in choices, as functions from choices to a table: for predictive checks.

A statistic returns a column `value`, and columns that say of what. Any function that does so can
be given to `predictive` and `prior_predictive`.
"""

from __future__ import annotations

import pandas as pd

from metacontrol.analysis.stay import (
    stay_by_participant,
    stay_probabilities,
    tells_payments,
    went_better,
)
from metacontrol.tasks.choices import Choices

PARTS = 8


def staying(data: Choices) -> pd.DataFrame:
    """Return the probability of staying, by `reward` and `transition` (or `start`)."""
    table = stay_probabilities(data).drop(columns=["lower", "upper", "participants"])
    return table.rename(columns={"stay": "value"})


def learning_curve(data: Choices) -> pd.DataFrame:
    """Return how often first choices go for the second state that then pays better.

    Columns `part` (eighths of each participant's trials, from 1) and `value` (0 to 1, mean over
    participants); where the data do not say what would have been paid, the mean reward instead.
    """
    frame = data.frame[data.counted]
    if tells_payments(data):
        sign = pd.Series(went_better(data.task, frame), index=frame.index)
        value = (sign.where(sign != 0) + 1) / 2
    else:
        value = frame["reward"].astype(float)
    people = frame.groupby("participant", sort=False)["trial"]
    part = 1 + people.cumcount() * PARTS // people.transform("size")
    own = value.groupby([part.rename("part"), frame["participant"]]).mean()
    return own.groupby("part").mean().rename("value").reset_index()


def indices(data: Choices) -> pd.DataFrame:
    """Return signs of planning and of habit: their mean, and how much people differ in them.

    Of each participant's probabilities of staying: habit is how much more they stay after reward,
    planning how much more that is so after common transitions than after rare ones. On a
    deterministic task planning is the former, and habit how much more it is so from the same first
    state.

    Columns `index` ("planning", "habit"), `of` ("mean", "sd" over participants) and `value`,
    missing where rewards or transitions were all alike.
    """
    shares = stay_by_participant(data)
    other = "start" if "start" in shares else "transition"
    near, far = ("same", "different") if other == "start" else ("common", "rare")
    cells = pd.MultiIndex.from_product([["rewarded", "unrewarded"], [near, far]])
    wide = shares.pivot(index="participant", columns=["reward", other], values="stay")
    wide = wide.reindex(columns=cells)  # nobody may ever have been rewarded
    effect = wide["rewarded"] - wide["unrewarded"]
    main, interaction = (effect[near] + effect[far]) / 2, (effect[near] - effect[far]) / 2
    found = pd.DataFrame(
        {"planning": main, "habit": interaction}
        if other == "start"
        else {"planning": interaction, "habit": main}
    )
    table = found.agg(["mean", "std"]).rename(index={"std": "sd"}).T.stack()
    return table.rename_axis(["index", "of"]).rename("value").reset_index()
