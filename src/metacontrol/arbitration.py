"""Figures of arbitration: the weight over trials, around changes of the world, and its drivers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes

import metacontrol as mc
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

    Changes are those of the task's own columns that stay the same for a while; they are split by
    what the column became, but for rewards that change places.
    """
    scoring = Scoring.of(fit.model, data, fit.formulas)
    sources = note_sources(scoring.story, scoring.records)
    weights = [name for name in sources if name.split("_")[-1] == "weight" and sources[name]]
    if not weights:
        return
    changing = mc.changing_columns(data)
    seen = mc.latents(fit.model, data, fit, draws=draws).join(data.frame[changing])
    for name in weights:
        label = "Long-run weight of planning" if "long" in name else "Weight of planning, w"
        what = name.replace("_", " ")
        course = partial(mc.plot_course, mc.course(seen, name), label=label)
        yield Drawing(
            f"course_of_{name}",
            1,
            partial(_alone, course),
            f"The {what} on each trial: mean over participants, with its 95 % interval.",
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
        try:
            drivers = mc.drivers(fit.model, data, fit, name=name)
        except ValueError as error:
            print(f"no drivers of {name}: {error}", file=sys.stderr)
            continue
        yield Drawing(
            f"drivers_of_{name}",
            len(drivers["driver"].unique()),
            partial(mc.plot_drivers, drivers, label=label),
            f"What the {what} follows from, one thing at a time, all else held: mean over "
            "participants, with its 95 % interval.",
        )


def _alone(plot: Callable[[Axes], object], axes: Sequence[Axes]) -> None:
    plot(axes[0])
