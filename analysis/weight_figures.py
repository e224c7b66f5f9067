"""Figures of the weight of planning: by condition, and participant by participant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from metacontrol.analysis.style import BLUE, COLOURS, GREY

FEW = 6  # numbers that are conditions; more are summarised
BESIDE = 3  # conditions that have room side by side; more are rows
LABEL = "Weight of planning, w"


def plot_weight_by_condition(
    draws: pd.DataFrame, ax: Axes, participants: pd.DataFrame | None = None
) -> Axes:
    """Draw the posterior of the median participant's weight in each condition.

    Up to three conditions stand side by side; more are rows, from top to bottom.

    Parameters
    ----------
    draws : DataFrame
        From `weight_draws`.
    ax : Axes
        Where to draw.
    participants : DataFrame, optional
        From `participant_weights`: a dot for each participant, beside the posterior; at the
        closest of the numbers drawn, of an age for example.
    """
    conditions = [column for column in draws if column != "weight"]
    labels = _labels(draws, conditions)
    if participants is not None:
        near = {c: _closest(participants[c], draws[c]) for c in conditions}
        participants = participants.assign(**near)
    levels = list(dict.fromkeys(labels))
    rows = len(levels) > BESIDE

    def across(place: Any, weight: Any) -> tuple[Any, Any]:
        return (weight, place) if rows else (place, weight)

    for i, level in enumerate(levels):
        colour = BLUE if rows else COLOURS[i]
        weight = draws.loc[labels == level, "weight"].to_numpy()
        body = ax.violinplot(
            weight,
            [i],
            orientation="horizontal" if rows else "vertical",
            widths=0.7,
            side="low",
            showextrema=False,
        )
        for part in body["bodies"]:  # type: ignore[attr-defined]
            part.set(facecolor=colour, alpha=0.35, edgecolor="none")
        ends = np.quantile(weight, [0.025, 0.975])
        ax.plot(*across([i, i], ends), color=colour)
        ax.plot(*across(i, weight.mean()), marker="o", markersize=4, color=colour)
        if participants is not None:
            own = participants.loc[_labels(participants, conditions) == level, "weight"]
            place = i + 0.12 + 0.2 * np.linspace(0, 1, len(own))
            ax.scatter(*across(place, np.sort(own)), s=4, color=GREY, linewidths=0)
    if rows:
        return _in_rows(ax, levels)
    ax.set_xticks(range(len(levels)), levels)
    ax.set_ylim(0, 1)
    ax.set_ylabel(LABEL)
    return ax


def plot_participant_weights(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw each participant's weight with its interval, in order of size.

    Up to three conditions are colours; more are rows, from top to bottom, with participants in the
    same order in each. What is measured of people, such as their age, is none.

    Parameters
    ----------
    table : DataFrame
        From `participant_weights`.
    ax : Axes
        Where to draw.
    """
    conditions = _conditions(table)
    table = table.sort_values(conditions, kind="stable") if conditions else table
    labels = _labels(table, conditions)
    levels = list(dict.fromkeys(labels))
    rows = len(levels) > BESIDE
    order = table.groupby("participant")["weight"].mean().sort_values().index
    rank = pd.Series(np.arange(len(order)), index=order)
    for i, level in enumerate(levels):
        own = table[labels == level]
        y = rank.loc[own["participant"]].to_numpy()
        if rows:  # upwards within 0.8 of a row, of which the first is at the top
            y = i + 0.4 - 0.8 * (y + 0.5) / len(order)
        colour = BLUE if rows else COLOURS[i]
        if "lower" in own:
            width = 0.4 if rows else 0.8
            ax.hlines(y, own["lower"], own["upper"], color=colour, alpha=0.35, linewidth=width)
        ax.scatter(own["weight"], y, s=3 if rows else 5, color=colour, linewidths=0, label=level)
    if rows:
        return _in_rows(ax, levels)
    ax.set_xlim(0, 1)
    ax.set_xlabel(LABEL)
    ax.set_ylabel("Participants, in order")
    ax.set_yticks([])
    if conditions:
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, handlelength=1)
    return ax


def height_of(table: pd.DataFrame) -> float:
    """Return how high a figure of weights, or of draws of them, should be, in cm."""
    return float(np.clip(0.6 * len(table[_conditions(table)].drop_duplicates()), 6, 22))


def _conditions(table: pd.DataFrame) -> list[str]:
    """Return the conditions of a table of participants' weights, or of draws of a weight."""
    others = ("participant", "weight", "lower", "upper")
    return [c for c in table if c not in others and not _is_measure(table[c])]


def _is_measure(values: pd.Series) -> bool:
    """Return whether there are more numbers than conditions would be made of."""
    return bool(pd.api.types.is_numeric_dtype(values) and values.nunique() > FEW)


def _closest(values: pd.Series, levels: pd.Series) -> pd.Series:
    """Return the closest level to each number; what is no number as it is."""
    if not pd.api.types.is_numeric_dtype(values):
        return values
    known = levels.unique()
    apart = np.abs(np.subtract.outer(values.to_numpy(float), known.astype(float)))
    return pd.Series(known[apart.argmin(axis=1)], values.index)


def _in_rows(ax: Axes, levels: Sequence[str]) -> Axes:
    """Let conditions be rows, the first at the top, and weights go from left to right."""
    ax.set_yticks(range(len(levels)), levels)
    ax.set_ylim(len(levels) - 0.5, -0.5)
    ax.set_xlim(0, 1)
    ax.set_xlabel(LABEL)
    return ax


def _labels(table: pd.DataFrame, conditions: list[Any]) -> np.ndarray:
    """Return a label for each row, such as "load 1"."""
    if not conditions:
        return np.full(len(table), "all trials", dtype=object)
    texts = []
    for c in conditions:
        values = table[c].unique().tolist()
        digits = _digits([v for v in values if isinstance(v, int | float)])
        said = {v: f"{c} {v:.{digits}g}" if isinstance(v, int | float) else f"{v}" for v in values}
        texts.append(table[c].map(said))
    return pd.concat(texts, axis=1).agg(", ".join, axis=1).to_numpy()


def _digits(numbers: Sequence[float]) -> int:
    """Return how many digits tell numbers apart, without exponents: three, or more if need be.

    Examples
    --------
    >>> _digits([19.7333, 24.0]), _digits([1.001, 1.002]), _digits([2023, 2024])
    (3, 4, 4)
    """

    def enough(digits: int) -> bool:
        texts = {f"{number:.{digits}g}" for number in numbers}
        return len(texts) == len(set(numbers)) and not any("e+" in text for text in texts)

    return next((digits for digits in range(3, 17) if enough(digits)), 17)
