"""The weight over trials, around changes, and by what it follows from, with its posterior.

Posterior means of participants lie closer together than participants do, and their spread does not
say how well their mean is known. So where there are draws, the mean over participants is taken in
each of them, and intervals are over draws; figures of fits without are those of `arbitration`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.text import Text

import metacontrol as mc
from metacontrol.analysis.course import plot_course
from metacontrol.analysis.drivers import FEW
from metacontrol.arbitration import Drawing, arbitration
from metacontrol.models.engine.sources import note_sources
from metacontrol.models.scoring import Scoring, narrations

MEAN = "mean over participants, with mean and 95 % interval over draws"
TITLES = {
    "set on all trials": "if every trial had this value",
    "noted, others held": "as trials came, all else held",
}


def courses(fit: mc.Fit, data: mc.Choices, draws: int) -> Iterator[Drawing]:
    """Yield what can be drawn of each weight that changes from trial to trial."""
    for drawing in _of_draws(fit, data, draws) if fit.sampled else arbitration(fit, data, draws):
        yield drawing._replace(plot=partial(_plainly, drawing.plot))


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


def _of_draws(fit: mc.Fit, data: mc.Choices, draws: int) -> Iterator[Drawing]:
    """Yield the drawings of a fit that has draws, as `arbitration` names them."""
    names = _changing_weights(fit, data)
    if not names:
        return
    tables = fit.parameter_draws(draws)
    noted = [
        {name: told[name] for name in names}
        for told in narrations(fit.model, data, tables, fit.formulas)
    ]

    def each(what: Callable[[pd.DataFrame], pd.DataFrame], name: str) -> list[pd.DataFrame]:
        """Return a table of each draw's weights."""
        return [what(data.frame.assign(**{name: told[name]})) for told in noted]

    for name in names:
        label = "Long-run weight of planning" if "long" in name else "Weight of planning, w"
        what = name.replace("_", " ")
        drivers = _drivers(fit, data, name, tables)
        for by in ([], *([column] for column in _set_to_few(drivers))):
            found = each(partial(mc.course, name=name, by=by), name)
            split = f" by {by[0].replace('_', ' ')}" if by else ""
            yield Drawing(
                f"course_of_{name}{split.replace(' ', '_')}",
                1,
                partial(_alone, plot_course, over_draws(found, [*by, "trial"]), label),
                f"The {what} on each trial{split}: {MEAN}.",
            )
        for column in mc.changing_columns(data):
            by = [] if column in getattr(data.task, "walk_columns", ()) else [column]
            found = each(partial(mc.around, changes=column, name=name, by=by), name)
            yield Drawing(
                f"{name}_around_{column}",
                1,
                partial(_alone, mc.plot_around, over_draws(found, [*by, "trial"]), label),
                f"The {what} around changes of {column.replace('_', ' ')} (dashed line): {MEAN}.",
            )
        if not drivers.empty:
            yield Drawing(
                f"drivers_of_{name}",
                len(drivers["driver"].unique()),
                partial(mc.plot_drivers, drivers, label=label),
                _what_drives(what, drivers),
            )


def _changing_weights(fit: mc.Fit, data: mc.Choices) -> list[str]:
    """Return the weights that something moves, but not those of choices with one option."""
    scoring = Scoring.of(fit.model, data, fit.formulas)
    forced = [e.name for e in data.task.events if getattr(e, "options", 2) == 1]
    return [
        name
        for name, sources in note_sources(scoring.story, scoring.records).items()
        if name.endswith("weight") and sources and f"{name.partition('_')[0]}_choice" not in forced
    ]


def _drivers(
    fit: mc.Fit, data: mc.Choices, name: str, tables: Sequence[pd.DataFrame]
) -> pd.DataFrame:
    """Return what drives a weight, with intervals over draws where a column is set.

    What a model notes is another thing in each draw: it is shown at participants' means, without
    an interval. The table is empty if nothing drives the weight.
    """
    try:
        found = mc.drivers(fit.model, data, fit, name=name)
    except ValueError:
        return pd.DataFrame()
    for row in found.index:
        driver, value = found.loc[row, ["driver", "value"]]
        means = [found.loc[row, "mean"]]
        if found.loc[row, "kind"] == "set":
            moved = mc.Choices(data.frame.assign(**{driver: value}), data.task)
            people = moved.frame["participant"]
            told = narrations(fit.model, moved, tables, fit.formulas)
            means = [pd.Series(notes[name]).groupby(people).mean().mean() for notes in told]
        found.loc[row, ["mean", "lower", "upper"]] = (
            np.mean(means),
            *np.quantile(means, [0.025, 0.975]),
        )
    return found


def _set_to_few(drivers: pd.DataFrame) -> list[str]:
    """Return the columns that were set to all of their few levels."""
    if drivers.empty:
        return []
    levels = drivers.loc[drivers["kind"] == "set", "driver"].value_counts(sort=False)
    return [str(driver) for driver, count in levels.items() if count <= FEW]


def _what_drives(what: str, drivers: pd.DataFrame) -> str:
    """Return the caption of drivers."""
    kinds = set(drivers["kind"])
    said = f"What the {what} follows from, one thing at a time."
    if "set" in kinds:
        said += f" Blue: what it would be if every trial had the value below: {MEAN}."
    if "noted" in kinds:
        said += (
            " Orange: trials sorted by what the model noted, as if all else had stood still: mean "
            "over participants, each at the mean over draws, without an interval."
        )
    return said


def _alone(
    plot: Callable[..., object], table: pd.DataFrame, label: str, axes: Sequence[Axes]
) -> None:
    plot(table, axes[0], label=label)


def _plainly(plot: Callable[[Sequence[Axes]], object], axes: Sequence[Axes]) -> None:
    """Draw, with titles in words for readers who do not know the analysis."""
    plot(axes)
    for ax in axes:
        for text in ax.findobj(Text):
            assert isinstance(text, Text)
            text.set_text(TITLES.get(text.get_text(), text.get_text()))
