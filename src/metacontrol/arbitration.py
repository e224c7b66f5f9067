"""Figures of arbitration: the weight over trials, around changes of the world, and its drivers."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import metacontrol as mc
from metacontrol.models.engine.sources import note_sources
from metacontrol.models.scoring import Scoring
from metacontrol.output import draw, draw_panels


def draw_arbitration(fit: mc.Fit, data: mc.Choices, draws: int, out: Path) -> None:
    """Draw what can be drawn of each weight that changes from trial to trial; say what cannot.

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
        course = mc.course(seen, name)
        draw(out / f"course_of_{name}", partial(mc.plot_course, course, label=label))
        for column in changing:
            by = [] if column in getattr(data.task, "walk_columns", ()) else [column]
            table = mc.around(seen, column, name, by=by)
            draw(out / f"{name}_around_{column}", partial(mc.plot_around, table, label=label))
        try:
            drivers = mc.drivers(fit.model, data, fit, name=name)
        except ValueError as error:
            print(f"no drivers of {name}: {error}", file=sys.stderr)
            continue
        count = len(drivers["driver"].unique())
        plot = partial(mc.plot_drivers, drivers, label=label)
        draw_panels(out / f"drivers_of_{name}", count, plot)
