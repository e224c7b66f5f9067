"""Around changes of the world: what a model noted before and after, aligned on the change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from metacontrol.analysis.course import over_people, plot_course
from metacontrol.analysis.style import GREY
from metacontrol.models.notes import weight_name
from metacontrol.tasks.choices import Choices

LONG = 5.0  # trials between changes, on average, of a column that changes in blocks


def around(
    seen: pd.DataFrame,
    changes: str,
    name: str | None = None,
    before: int = 5,
    after: int = 15,
    by: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the mean over people of something noted, on the trials around changes.

    A trial counts for the changes next to it only: where the next change is near, fewer trials
    after this one do. Each person's changes are averaged first.

    Parameters
    ----------
    seen : DataFrame
        From `latents`, with the columns of `changes` and `by` added.
    changes : str
        A column: each trial on which its value is another than on the row before is a change; if
        it is boolean, each trial on which it is true.
    name : str, optional
        What was noted; by default the weight of planning, `weight` or else `first_weight`.
    before, after : int
        How many trials to show before a change, and from the change on.
    by : sequence of str
        Columns to split changes by, as they are on the trial of the change. ``by=[changes]``
        splits by what the column became.

    Returns
    -------
    DataFrame
        Columns of `by`, `trial` (0 is the first after the change, -1 the last before), `mean`,
        `lower` and `upper` (95 % within-participant interval, normal: Cousineau, 2005, with Morey's
        correction, 2008, doi:10.20982/tqmp.04.2.p061), `participants`.

    Raises
    ------
    ValueError
        If a column is not there, nothing ever changes, or there is nothing to show.

    Examples
    --------
    >>> seen = pd.DataFrame({"participant": "a", "trial": range(1, 7)})
    >>> seen = seen.assign(p=[0.9] * 3 + [0.5] * 3, weight=[0.4, 0.4, 0.4, 0.6, 0.7, 0.8])
    >>> around(seen, "p", before=1, after=2)[["trial", "mean", "participants"]]
       trial  mean  participants
    0     -1   0.4             1
    1      0   0.6             1
    2      1   0.7             1
    """
    name = name or weight_name(seen)
    absent = [column for column in (changes, name, *by) if column not in seen]
    if absent:
        raise ValueError(f"no column {', '.join(absent)}; there are: {', '.join(seen.columns)}")
    if before < 0 or after < 0 or before + after == 0:
        raise ValueError(f"before and after must be 0 or more, not both 0, got {before}, {after}")
    at = change_points(seen, changes)
    if not at.any():
        raise ValueError(f"{changes} never changes")
    people = seen["participant"]
    number = at.groupby(people).cumsum()  # of the change that a trial comes after; 0 if none
    trials = seen.groupby("participant", sort=False).cumcount()
    first = trials.groupby([people, number]).transform("min")
    following = trials.groupby([people, number]).transform("max") + 1
    kinds = seen.loc[at, ["participant", *by]].assign(change=number[at])
    row = seen[["participant", name]].rename(columns={name: "noted"})
    parts = [
        row.assign(change=number, offset=trials - first)[(number > 0) & (trials - first < after)],
        row.assign(change=number + 1, offset=trials - following)[following - trials <= before],
    ]
    aligned = pd.concat(parts).dropna(subset="noted").merge(kinds, on=["participant", "change"])
    aligned = aligned.drop(columns="change").rename(columns={"offset": "trial"})
    own = aligned.groupby(["participant", *by, "trial"], observed=True)["noted"].mean()
    own = own.reset_index()
    table = over_people(own, "noted", [*by, "trial"])
    own["within"] = own["noted"] - own.groupby("participant")["noted"].transform("mean")
    cells = len(table)
    within = over_people(own, "within", [*by, "trial"])
    half = (within["upper"] - within["mean"]) * np.sqrt(cells / max(cells - 1, 1))
    return table.assign(lower=table["mean"] - half, upper=table["mean"] + half)


def change_points(table: pd.DataFrame, column: str) -> pd.Series:
    """Return whether a change comes with each trial, see `around`."""
    if pd.api.types.is_bool_dtype(table[column]):
        return table[column].astype(bool)
    people = table.groupby("participant", sort=False)[column]
    same = (table[column] == people.shift()) | (table[column].isna() & people.shift().isna())
    return ~same.fillna(False).astype(bool) & (people.cumcount() > 0)


def changing_columns(data: Choices) -> list[str]:
    """Return the columns that the task changes every now and then, but not every few trials.

    Of columns that always change together there is the first.
    """
    found: dict[str, pd.Series] = {}
    for column in data.task.schedule(1, data.task.trials, np.random.default_rng(0)):
        if column not in data.frame:
            continue
        at = change_points(data.frame, column)
        rare = at.any() and len(at) / (at.sum() + len(data.participants)) >= LONG
        if rare and not any(at.equals(other) for other in found.values()):
            found[column] = at
    return list(found)


def plot_around(table: pd.DataFrame, ax: Axes, label: str = "Weight of planning, w") -> Axes:
    """Draw what was noted around changes; the change is the dashed line.

    Parameters
    ----------
    table : DataFrame
        From `around`, split by one column at most.
    ax : Axes
        Where to draw.
    label : str
        Of the vertical axis.
    """
    plot_course(table, ax, label)
    ax.axvline(-0.5, color=GREY, linestyle="--", linewidth=0.8)
    ax.set_xlabel("Trials from the change")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    legend = ax.get_legend()
    if legend is not None:
        column = legend.get_title().get_text().replace("_", " ")
        lines, levels = ax.get_legend_handles_labels()
        ax.legend(
            lines,
            [f"{column} \N{RIGHTWARDS ARROW} {level}" for level in levels],
            loc="lower right",
            bbox_to_anchor=(1, 1),
            ncols=len(levels),
            handlelength=1,
            columnspacing=1,
        )
    return ax
