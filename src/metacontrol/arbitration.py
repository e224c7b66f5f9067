"""Figures of arbitration: the weight over trials, around changes of the world, and its drivers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes

import metacontrol as mc
from metacontrol.analysis.drivers import FEW
from metacontrol.models.engine.sources import note_sources
from metacontrol.models.scoring import Scoring
from metacontrol.output import draw_panels


class Drawing(NamedTuple):
    """A figure to be drawn: its name, its number of panels, what draws them, what is seen."""

    name: str
    panels: int
    plot: Callable[[Sequence[Axes]], object]
    caption: str


def draw_arbitration(fit: mc.Fit, data: mc.Choices, draws: int, out: Path) -> None:
    """Draw what can be drawn of each weight that changes from trial to trial; say what cannot."""
    for drawing in arbitration(fit, data, draws):
        draw_panels(out / drawing.name, drawing.panels, drawing.plot)


def arbitration(fit: mc.Fit, data: mc.Choices, draws: int) -> Iterator[Drawing]:
    """Yield what can be drawn of each weight that changes from trial to trial; say what cannot.

    Courses are split by what is set (load, stake), if it has few levels. Changes are those of the
    task's own columns that stay the same for a while; they are split by what the column became, but
    for rewards that change places.
    """
    scoring = Scoring.of(fit.model, data, fit.formulas)
    sources = note_sources(scoring.story, scoring.records)
    forced = tuple(e.name for e in data.task.events if getattr(e, "options", 2) == 1)
    weights = [
        name
        for name in sources
        if name.endswith("weight") and sources[name] and not _belongs(name, forced)
    ]
    if not weights:
        return
    changing = mc.changing_columns(data)
    seen = mc.latents(fit.model, data, fit, draws=draws)
    seen = seen.join(data.frame[data.frame.columns.difference(seen.columns)])
    for name in weights:
        label = "Long-run weight of planning" if "long" in name else "Weight of planning, w"
        what = name.replace("_", " ")
        drivers = _drivers(fit, data, name)
        for condition in (None, *_conditions(drivers)):
            table = mc.course(seen, name, [condition] if condition else [])
            split = f" by {condition.replace('_', ' ')}" if condition else ""
            yield Drawing(
                f"course_of_{name}{split.replace(' ', '_')}",
                1,
                partial(_alone, partial(mc.plot_course, table, label=label)),
                f"The {what} on each trial{split}: mean over participants, with its 95 % interval.",
            )
        for column in changing:
            by = [] if column in getattr(data.task, "walk_columns", ()) else [column]
            table = mc.around(seen, column, name, by=by)
            yield Drawing(
                f"{name}_around_{column}",
                1,
                partial(_alone, partial(mc.plot_around, table, label=label)),
                f"The {what} around changes of {column.replace('_', ' ')} (dashed line): mean over "
                "participants, with its 95 % within-participant interval.",
            )
        if drivers.empty:
            continue
        yield Drawing(
            f"drivers_of_{name}",
            len(drivers["driver"].unique()),
            partial(mc.plot_drivers, drivers, label=label),
            f"What the {what} follows from, one thing at a time, all else held: mean over "
            "participants, with its 95 % interval.",
        )


def _belongs(note: str, choices: Sequence[str]) -> bool:
    """Whether a note belongs to one of these choices."""
    return f"{note.partition('_')[0]}_choice" in choices


def _drivers(fit: mc.Fit, data: mc.Choices, name: str) -> pd.DataFrame:
    """Return what drives a weight; if nothing does say why, and return an empty table."""
    try:
        return mc.drivers(fit.model, data, fit, name=name)
    except ValueError as error:
        print(f"no drivers of {name}: {error}", file=sys.stderr)
        return pd.DataFrame()


def _conditions(drivers: pd.DataFrame) -> list[str]:
    """Return the columns that were set to all of their few levels."""
    if drivers.empty:
        return []
    is_set = drivers["kind"] == "set"
    columns = drivers.loc[is_set, "driver"].unique()
    return [c for c in columns if drivers.loc[is_set & (drivers["driver"] == c)].shape[0] <= FEW]


def _alone(plot: Callable[[Axes], object], axes: Sequence[Axes]) -> None:
    plot(axes[0])
