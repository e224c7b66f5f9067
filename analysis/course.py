"""The course of what a model noted: its mean over people, trial by trial."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from metacontrol.analysis.style import BLUE, COLOURS, in_words
from metacontrol.models.notes import weight_name


def course(seen: pd.DataFrame, name: str | None = None, by: Sequence[str] = ()) -> pd.DataFrame:
    """Return the mean over people of something noted, on each trial.

    Parameters
    ----------
    seen : DataFrame
        From `latents`, with the columns of `by` added.
    name : str, optional
        What was noted; by default the weight of planning, `weight` or else `first_weight`.
    by : sequence of str
        Columns to split by, such as ``["condition"]``.

    Returns
    -------
    DataFrame
        Columns of `by`, trial, `mean`, `lower` and `upper` (95 % interval over people, normal),
        `participants`. A trial that everybody missed is not there.

    Raises
    ------
    ValueError
        If a column is not there.
    """
    name = name or weight_name(seen)
    absent = [column for column in (name, *by) if column not in seen]
    if absent:
        raise ValueError(f"no column {', '.join(absent)}; there are: {', '.join(seen.columns)}")
    return over_people(seen.dropna(subset=name), name, [*by, "trial"])


def over_people(table: pd.DataFrame, name: str, by: Sequence[str]) -> pd.DataFrame:
    """Return the mean of a column that has one row a person in each cell of `by`; see `course`."""
    groups = table.groupby(list(by), sort=True, observed=True)[name]
    means = groups.agg(mean="mean", error="sem", participants="size").reset_index()
    half = 1.96 * means.pop("error")
    return means.assign(lower=means["mean"] - half, upper=means["mean"] + half)


def plot_course(table: pd.DataFrame, ax: Axes, label: str = "Weight of planning, w") -> Axes:
    """Draw a course with its band; a colour for each level of what it is split by.

    Parameters
    ----------
    table : DataFrame
        From `course`, split by one column at most.
    ax : Axes
        Where to draw.
    label : str
        Of the vertical axis.
    """
    split = [c for c in table if c not in ("trial", "mean", "lower", "upper", "participants")]
    if len(split) > 1:
        raise ValueError(f"one panel holds at most one split, got {', '.join(map(str, split))}")
    parts = list(table.groupby(split[0], sort=False)) if split else [("", table)]
    for i, (level, part) in enumerate(parts):
        colour = COLOURS[i % len(COLOURS)] if split else BLUE
        ax.fill_between(part["trial"], part["lower"], part["upper"], color=colour, alpha=0.2, lw=0)
        ax.plot(part["trial"], part["mean"], color=colour, label=in_words(level))
    ax.set(xlabel="Trial", ylabel=label)
    if split:
        ax.legend(
            title=split[0],
            loc="lower right",
            bbox_to_anchor=(1, 1),
            ncols=min(len(parts), 4),
            handlelength=1,
            columnspacing=1,
        )
    return ax
