"""Figures of arbitration: the weight over trials, around changes of the world, and its drivers.

Posterior means of participants lie closer together than participants do, and their spread does not
say how well their mean is known. So where there are draws, the mean over participants is taken in
each of them, and intervals are over draws; else they are over participants.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

import metacontrol as mc
from metacontrol.analysis.drivers import FEW, set_to
from metacontrol.models.engine.sources import note_sources
from metacontrol.models.scoring import Scoring, narrations
from metacontrol.output import draw_panels

OVER_PEOPLE = "mean over participants, with its 95 % interval"
OVER_DRAWS = "mean over participants, with mean and 95 % interval over draws"


class Drawing(NamedTuple):
    """A figure to be drawn: its name, its number of panels, what draws them, what is seen."""

    name: str
    panels: int
    plot: Callable[[Sequence[Axes]], object]
    caption: str


def draw_arbitration(fit: mc.Fit, data: mc.Choices, draws: int, out: Path) -> None:
    """Draw what can be drawn of each weight that something moves; say what cannot."""
    for drawing in arbitration(fit, data, draws):
        draw_panels(out / drawing.name, drawing.panels, drawing.plot)


def arbitration(fit: mc.Fit, data: mc.Choices, draws: int) -> Iterator[Drawing]:
    """Yield what can be drawn of each weight that something moves; say what cannot.

    A course is that of a weight which follows from trials before. One that only the columns of its
    trial move, as by w ~ 1 + load, has drivers alone: over trials its mean would go up and down
    with how many people had load on each, not with anybody's control.

    Courses are split by what is set (load, stake), if it has few levels. Changes are those of the
    task's own columns that stay the same for a while; they are split by what the column became, but
    for rewards that change places.
    """
    names = _changing_weights(fit, data)
    if not names:
        return
    tables = fit.parameter_draws(draws)
    from_before = [name for name, sources in names.items() if "mind" in sources]
    noted = []
    if from_before:
        told = narrations(fit.model, data, tables, fit.formulas)
        noted = [{name: notes[name] for name in from_before} for notes in told]
    mean = OVER_DRAWS if fit.sampled else OVER_PEOPLE
    mean_around = (
        OVER_DRAWS if fit.sampled else OVER_PEOPLE.replace("95 %", "95 % within-participant")
    )
    changing = mc.changing_columns(data)

    def seen(
        name: str, what: Callable[[pd.DataFrame], pd.DataFrame], by: list[str]
    ) -> pd.DataFrame:
        """Return a table of what is seen of a weight, in each draw and then over draws."""
        found = [what(data.frame.assign(**{name: told[name]})) for told in noted]
        return over_draws(found, [*by, "trial"]) if fit.sampled else found[0]

    for name in names:
        label = "Long-run weight of planning" if "long" in name else "Weight of planning, w"
        what = name.replace("_", " ")
        drivers = _drivers(fit, data, name, tables)
        courses = [[], *([column] for column in _set_to_few(drivers))]
        for by in courses if name in from_before else []:
            table = seen(name, partial(mc.course, name=name, by=by), by)
            split = f" by {by[0].replace('_', ' ')}" if by else ""
            yield Drawing(
                f"course_of_{name}{split.replace(' ', '_')}",
                1,
                partial(_alone, mc.plot_course, table, label),
                f"The {what} on each trial{split}: {mean}.",
            )
        for column in changing if name in from_before else []:
            by = [] if column in getattr(data.task, "walk_columns", ()) else [column]
            table = seen(name, partial(mc.around, changes=column, name=name, by=by), by)
            yield Drawing(
                f"{name}_around_{column}",
                1,
                partial(_alone, mc.plot_around, table, label),
                f"The {what} around changes of {column.replace('_', ' ')} (dashed line): "
                f"{mean_around}.",
            )
        if not drivers.empty:
            yield Drawing(
                f"drivers_of_{name}",
                len(drivers["driver"].unique()),
                partial(mc.plot_drivers, drivers, label=label),
                _what_drives(what, drivers, mean),
            )


def over_draws(tables: Sequence[pd.DataFrame], by: Sequence[str]) -> pd.DataFrame:
    """Return mean and 95 % interval, over draws, of the column `mean` in each cell of `by`.

    Examples
    --------
    >>> draws = [pd.DataFrame({"trial": [1, 2], "mean": [w, 0.5]}) for w in (0.0, 1.0)]
    >>> over_draws(draws, ["trial"])
       trial  mean  lower  upper
    0      1   0.5  0.025  0.975
    1      2   0.5  0.500  0.500
    """
    means = pd.concat(tables).groupby(list(by), sort=False, observed=True)["mean"]
    ends = {name: means.quantile(q) for name, q in (("lower", 0.025), ("upper", 0.975))}
    return pd.DataFrame({"mean": means.mean(), **ends}).reset_index()


def _changing_weights(fit: mc.Fit, data: mc.Choices) -> dict[str, frozenset[str]]:
    """Return the weights that something moves, and what; not those of choices with one option."""
    scoring = Scoring.of(fit.model, data, fit.formulas)
    forced = [e.name for e in data.task.events if getattr(e, "options", 2) == 1]
    return {
        name: sources
        for name, sources in note_sources(scoring.story, scoring.records.columns).items()
        if name.endswith("weight") and sources and f"{name.partition('_')[0]}_choice" not in forced
    }


def _drivers(
    fit: mc.Fit, data: mc.Choices, name: str, tables: Sequence[pd.DataFrame]
) -> pd.DataFrame:
    """Return what drives a weight; if nothing does say why, and return an empty table.

    Where there are draws intervals are over them, if a column is set. What a model notes is another
    thing in each draw: it is shown at participants' means, without an interval.
    """
    try:
        found = mc.drivers(fit.model, data, fit, name=name)
    except ValueError as error:
        print(f"no drivers of {name}: {error}", file=sys.stderr)
        return pd.DataFrame()
    if not fit.sampled:
        return found
    means = [
        [noted] if kind != "set" else _if_set(fit, data, name, tables, driver, value)
        for driver, value, kind, noted in found[["driver", "value", "kind", "mean"]].to_numpy()
    ]
    ends = [np.quantile(m, [0.025, 0.975]) for m in means]
    return found.assign(
        mean=[np.mean(m) for m in means],
        lower=[low for low, _ in ends],
        upper=[high for _, high in ends],
    )


def _if_set(
    fit: mc.Fit,
    data: mc.Choices,
    name: str,
    tables: Sequence[pd.DataFrame],
    column: str,
    value: object,
) -> list[float]:
    """Return the mean weight over participants in each draw, had a column this value throughout."""
    moved = mc.Choices(set_to(data.frame, {column: value}), data.task)
    people = pd.factorize(moved.frame["participant"])[0]

    def mean(weight: np.ndarray) -> float:
        seen = ~np.isnan(weight)
        each = np.bincount(people[seen], weight[seen]) / np.bincount(people[seen])
        return float(each.mean())

    told = narrations(fit.model, moved, tables, fit.formulas, like=data)
    return [mean(notes[name]) for notes in told]


def _set_to_few(drivers: pd.DataFrame) -> list[str]:
    """Return the columns that were set to all of their few levels."""
    if drivers.empty:
        return []
    levels = drivers.loc[drivers["kind"] == "set", "driver"].value_counts(sort=False)
    return [str(driver) for driver, count in levels.items() if count <= FEW]


def _what_drives(what: str, drivers: pd.DataFrame, mean: str) -> str:
    """Return the caption of drivers."""
    kinds = set(drivers["kind"])
    said = f"What the {what} follows from, one thing at a time."
    if "set" in kinds:
        said += f" Blue: what it would be if every trial had the value below: {mean}."
    if "noted" in kinds:
        at = ", each at the mean over draws, without an interval" if mean == OVER_DRAWS else ""
        said += (
            " Orange: trials sorted by what the model noted, as if all else had stood still: "
            f"mean over participants{at or ', with its 95 % interval'}."
        )
    return said


def _alone(
    plot: Callable[..., object], table: pd.DataFrame, label: str, axes: Sequence[Axes]
) -> None:
    plot(table, axes[0], label=label)
