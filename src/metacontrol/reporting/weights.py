"""What a report says of the weight of planning: by condition, of participants, over trials.

No participant is named in what is shown; tables that name them are files only.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from metacontrol.analysis.weight import (
    participant_weights,
    plot_participant_weights,
    plot_weight_by_condition,
    weight_by_condition,
    weight_draws,
)
from metacontrol.arbitration import arbitration
from metacontrol.fitting.result import Fit
from metacontrol.reporting.blocks import (
    INTERVAL,
    QUARTILES,
    Block,
    Column,
    Figure,
    Section,
    Table,
    Text,
    interval,
    listed,
    number,
)
from metacontrol.tasks.choices import Choices


def weight(fit: Fit, prefix: str) -> tuple[Section, str]:
    """Return the weight of planning by condition and of participants, and a sentence about it."""
    people = participant_weights(fit)
    conditions = [c for c in people if c not in ("participant", "weight", "lower", "upper")]
    heads = [Column(c, c.replace("_", " ")) for c in conditions]
    means = pd.Series(people.groupby("participant")["weight"].mean())
    low, high = means.quantile(0.25), means.quantile(0.75)
    middle = f"The middle half of participants lies from {low:.2f} to {high:.2f}"
    middle += ", averaged over conditions." if conditions else "."
    own = Figure(
        f"{prefix}participant_weights",
        lambda axes: plot_participant_weights(people, axes[0]),
        "Weight of planning of each participant, in order of size: "
        + ("posterior mean and 95 % interval. " if fit.sampled else "the estimate. ")
        + middle,
        f"One dot a participant, from habit (0) to planning (1). {middle}",
        height=8.0,
    )
    files = Table(f"{prefix}participant_weights", "Participants' weights.", people)
    blocks: list[Block] = []
    if fit.sampled:
        draws, table = weight_draws(fit), weight_by_condition(fit)
        columns = [*heads, Column("mean", "mean", 2), Column("sd", "sd", 2), *INTERVAL]
        said = _said(table, conditions)
        caption = "Weight of planning of the median participant, 0 for habit alone and 1 for "
        blocks += [
            *_difference(draws, conditions),
            Figure(
                f"{prefix}weight_by_condition",
                lambda axes: plot_weight_by_condition(draws, axes[0], people),
                "Weight of planning. Shades: posterior of the median participant, with mean and "
                "95 % interval; grey dots: participants' posterior means, in order of size.",
                f"Posterior of the weight of planning. {said}",
            ),
        ]
        caption += "planning alone: posterior mean, standard deviation and 95 % interval."
    else:
        groups = people.groupby(conditions, sort=False) if conditions else [("", people)]
        cuts = {"q25": 0.25, "q50": 0.5, "q75": 0.75}
        rows = [
            {c: part[c].iloc[0] for c in conditions}
            | {"mean": part["weight"].mean(), "sd": part["weight"].std()}
            | {name: part["weight"].quantile(q) for name, q in cuts.items()}
            for _, part in groups
        ]
        table = pd.DataFrame(rows)
        columns = [*heads, Column("mean", "mean", 2), Column("sd", "sd", 2), *QUARTILES]
        values = [
            f"{row['q50']:.2f} (quartiles {row['q25']:.2f} and {row['q75']:.2f})" for row in rows
        ]
        said = (
            f"The median of participants' weights of planning is {_by(values, table, conditions)}."
        )
        caption = "Participants' weights of planning: mean, standard deviation and quartiles."
        blocks += _open_weights(fit)
    if not conditions:
        table.insert(0, "condition", "all trials")
        columns = [Column("condition", "condition"), *columns]
    blocks += [Table(f"{prefix}weight_by_condition", caption, table, columns), own, files]
    return Section("Weight of planning", blocks), said


def changing_weight(fit: Fit, data: Choices, draws: int, prefix: str) -> Section | None:
    """Return the course of a weight that changes from trial to trial, if there is one."""
    figures = [
        Figure(prefix + d.name, d.plot, d.caption, d.caption, d.panels)
        for d in arbitration(fit, data, draws)
    ]
    return Section("How the weight changes", list(figures)) if figures else None


def _said(table: pd.DataFrame, conditions: list[str]) -> str:
    """Return the median participant's weight in words."""
    values = [
        f"{row['mean']:.2f} ({interval(row['lower'], row['upper'])})"
        for row in table.to_dict("records")
    ]
    return f"The median participant's weight of planning is {_by(values, table, conditions)}."


def _by(values: list[str], table: pd.DataFrame, conditions: list[str]) -> str:
    """Return a value for each condition in words."""
    if not conditions:
        return values[0]
    pairs = zip(values, _labels(table, conditions), strict=True)
    return listed([f"{value} with {label}" for value, label in pairs])


def _labels(table: pd.DataFrame, conditions: list[str]) -> list[str]:
    return [
        listed([f"{c.replace('_', ' ')} {Column(c, '').cell(row[c])}" for c in conditions])
        for row in table.to_dict("records")
    ]


def _difference(draws: pd.DataFrame, conditions: list[str]) -> list[Text]:
    """Return the difference between two conditions in words; nothing if there are not two."""
    cells = pd.DataFrame(draws[conditions].drop_duplicates())
    if len(cells) != 2:
        return []
    low, high = (part["weight"].to_numpy() for _, part in draws.groupby(conditions, sort=False))
    change = high - low
    one, other = _labels(cells, conditions)
    more = "more" if change.mean() > 0 else "less"
    lower, upper = np.quantile(change, [0.025, 0.975])
    return [
        Text(
            f"With {other} the median participant plans {more} than with {one}: the weight differs "
            f"by {Column('', '', 2).cell(change.mean())} ({interval(lower, upper)})."
        )
    ]


def _open_weights(fit: Fit) -> list[Text]:
    """Return how many weights nothing determines, if there are any."""
    estimates = fit.participants
    if "determined" not in estimates:
        return []
    count = int(np.sum((estimates["parameter"] == "w") & ~estimates["determined"]))
    said = (
        f"Nothing determines the weight of {number(count)} participants: their estimates stand in "
        "the middle of their range, in the table and the figure too."
    )
    return [Text(said, warning=True)] if count else []
