"""What a report says of the weight of planning: by condition, of participants, over trials.

No participant is named in what is shown; tables that name them are files only.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from metacontrol.analysis.weight import (
    determined_weights,
    participant_weights,
    people_by_condition,
    weight_by_condition,
    weight_draws,
)
from metacontrol.analysis.weight_figures import (
    height_of,
    plot_participant_weights,
    plot_weight_by_condition,
)
from metacontrol.arbitration import arbitration
from metacontrol.fitting.fit import EM
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
)
from metacontrol.reporting.estimation import count_word, qualified, shades
from metacontrol.tasks.choices import Choices


def weight(fit: Fit, prefix: str) -> tuple[Section, str]:
    """Return the weight of planning by condition and of participants, and a sentence about it."""
    people = participant_weights(fit)
    conditions = [c for c in people if c not in ("participant", "weight", "lower", "upper")]
    table = people_by_condition(fit)
    split = [c for c in conditions if c in table]  # what is measured of people does not
    middle = _middle(table, split)
    if table.empty:
        said = "Nothing determines the weight of planning of any participant."
        return Section("Weight of planning", [Text(said, warning=True)]), said
    best = "the estimate. "
    if fit.sampled:
        mean = "mean over draws" if fit.method in EM else "posterior mean"
        best = f"{mean} and 95 % interval. "
    own = Figure(
        f"{prefix}participant_weights",
        lambda axes: plot_participant_weights(people, axes[0]),
        "Weight of planning of each participant, in order of size: " + best + middle,
        f"One dot a participant, from habit (0) to planning (1). {middle}",
        height=max(8.0, height_of(people)),
    )
    files = Table(f"{prefix}participant_weights", "Participants' weights.", people)
    blocks: list[Block] = []
    if fit.sampled:
        draws, median = weight_draws(fit), weight_by_condition(fit)
        said = qualified(_said(median, conditions), fit)
        blocks += [
            *_difference(fit, draws, conditions),
            Figure(
                f"{prefix}weight_by_condition",
                lambda axes: plot_weight_by_condition(draws, axes[0], people),
                f"Weight of planning. Shades: the median participant, by the {shades(fit)}, with "
                "mean and 95 % interval; grey dots: participants' means over draws, in order of "
                "size, which lie closer together than participants do.",
                f"Weight of planning: {shades(fit)}. {said}",
                height=height_of(draws),
            ),
            Table(
                f"{prefix}weight_by_condition",
                "Weight of planning of the median participant, 0 for habit alone and 1 for "
                f"planning alone: mean, standard deviation and 95 % interval of the {shades(fit)}.",
                *_shown(median, conditions, [Column("sd", "sd", 2), *INTERVAL]),
            ),
            Table(
                f"{prefix}weights_of_people",
                "Weights of planning of these participants: their mean with 95 % interval, their "
                f"standard deviation and quartiles, worked out in each draw of the {shades(fit)}.",
                *_shown(table, split, [*INTERVAL, Column("sd", "sd", 2), *QUARTILES]),
            ),
        ]
    else:
        said = qualified(_said_of_estimates(fit, table, split), fit)
        caption = f"Participants' weights of planning{_of_whom(fit)}: mean, standard deviation and "
        shown = _shown(table, split, [Column("sd", "sd", 2), *QUARTILES])
        kept = Table(f"{prefix}weight_by_condition", f"{caption}quartiles.", *shown)
        blocks += [*_open_weights(fit), kept]
    return Section("Weight of planning", [*blocks, own, files]), said


def _shown(
    table: pd.DataFrame, conditions: list[str], columns: list[Column]
) -> tuple[pd.DataFrame, list[Column]]:
    """Return a table by condition, with a name for the only one there may be, and its columns."""
    if not conditions:
        table, conditions = table.assign(condition="all trials"), ["condition"]
    heads = [Column(c, c.replace("_", " ")) for c in conditions]
    return table, [*heads, Column("mean", "mean", 2), *columns]


def _middle(table: pd.DataFrame, conditions: list[str]) -> str:
    """Return between which weights the middle half of participants lies."""
    ends = [f"from {row['q25']:.2f} to {row['q75']:.2f}" for row in table.to_dict("records")]
    return f"The middle half of participants lies {_by(ends, table, conditions)}." if ends else ""


def _said_of_estimates(fit: Fit, table: pd.DataFrame, conditions: list[str]) -> str:
    """Return the median of participants' estimates in words."""
    values = [
        f"{row['q50']:.2f} (quartiles {row['q25']:.2f} and {row['q75']:.2f})"
        for row in table.to_dict("records")
    ]
    said = _by(values, table, conditions)
    return f"The median of participants' weights of planning{_of_whom(fit)} is {said}."


def _of_whom(fit: Fit) -> str:
    """Return which participants' weights are spoken of, if not all."""
    sure = determined_weights(fit)
    left = int((~sure).sum())
    return f" (of {int(sure.sum())}; nothing determines that of {left} others)" if left else ""


def changing_weight(fit: Fit, data: Choices, draws: int, prefix: str) -> Section | None:
    """Return how a weight changes from trial to trial, and what it follows from, if anything."""
    drawings = list(arbitration(fit, data, draws))
    figures = [Figure(prefix + d.name, d.plot, d.caption, d.caption, d.panels) for d in drawings]
    changes = any(d.name.startswith("course") for d in drawings)
    title = "How the weight changes" if changes else "What the weight follows from"
    return Section(title, list(figures)) if figures else None


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


def _difference(fit: Fit, draws: pd.DataFrame, conditions: list[str]) -> list[Text]:
    """Return the difference between two conditions in words; nothing if there are not two."""
    cells = pd.DataFrame(draws[conditions].drop_duplicates())
    if len(cells) != 2:
        return []
    low, high = (part["weight"].to_numpy() for _, part in draws.groupby(conditions, sort=False))
    change = high - low
    one, other = _labels(cells, conditions)
    lower, upper = np.quantile(change, [0.025, 0.975])
    if lower <= 0 <= upper:
        said = f"Whether the median participant plans more or less with {other} than with {one} is"
        said += " open"
    else:
        more = "more" if lower > 0 else "less"
        said = f"With {other} the median participant plans {more} than with {one}"
    said += (
        f": the weight differs by {Column('', '', 2).cell(change.mean())} "
        f"({interval(lower, upper)})."
    )
    return [Text(qualified(said, fit), warning=not fit.doubts.empty)]


def _open_weights(fit: Fit) -> list[Text]:
    """Return how many weights nothing determines, if there are any."""
    count = int((~determined_weights(fit)).sum())
    said = (
        f"Nothing determines the weight of {count_word(count)} "
        f"participant{'s' * (count != 1)}: the table leaves them out. In the figure, and the file "
        "of participants' weights, their estimates stand in the middle of their range."
    )
    return [Text(said, warning=True)] if count else []
