"""What a model noted, by condition, with its posterior."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from metacontrol.analysis.weight import summary_by_condition
from metacontrol.fitting.result import Fit
from metacontrol.models.notes import weight_name
from metacontrol.models.scoring import narrations
from metacontrol.tasks.choices import Choices


def noted_draws(
    fit: Fit, data: Choices, by: Sequence[str] = (), name: str | None = None, *, draws: int = 200
) -> pd.DataFrame:
    """Return posterior draws of the mean over people of something noted, by condition.

    Parameters
    ----------
    fit : Fit
        By nuts, of the data or of people who are in them.
    data : Choices
        The choices.
    by : sequence of str
        Columns that make the conditions, such as ``["load"]``.
    name : str, optional
        What was noted; by default the weight of planning, `weight` or else `first_weight`.
    draws : int
        How many draws of the posterior to use, evenly apart.

    Returns
    -------
    DataFrame
        One row a draw and condition: columns of `by`, `draw`, and that of the name. The mean is
        over trials for each participant, and then over those participants who had the condition.

    Raises
    ------
    ValueError
        If the fit has no posterior or too few draws, or something is not there.
    """
    if not fit.sampled:
        raise ValueError(
            f"posterior draws need a fit by nuts, two-stage or em, this one is by {fit.method}"
        )
    absent = [column for column in by if column not in data.frame]
    if absent:
        raise ValueError(f"no column {', '.join(absent)}; there are: {', '.join(data.frame)}")
    tables = []
    told = narrations(fit.model, data, fit.parameter_draws(draws), fit.formulas)
    for draw, notes in enumerate(told):
        name = name or weight_name(notes)
        if name not in notes:
            raise ValueError(f"{fit.model} notes no {name!r}; it notes: {', '.join(notes)}")
        seen = data.frame[["participant", *by]].assign(**{name: notes[name]}).dropna(subset=name)
        own = seen.groupby(["participant", *by], observed=True)[name].mean()
        tables.append(own.reset_index().assign(draw=draw))
    means = pd.concat(tables).groupby([*by, "draw"], observed=True)[str(name)].mean()
    return means.reset_index()


def noted_by_condition(
    fit: Fit, data: Choices, by: Sequence[str] = (), name: str | None = None, *, draws: int = 200
) -> pd.DataFrame:
    """Return the posterior of the mean over people of something noted, by condition.

    Parameters are those of `noted_draws`.

    Returns
    -------
    DataFrame
        Columns of `by`; `mean`, `sd`, `lower` and `upper` (95 %) of the posterior.
    """
    drawn = noted_draws(fit, data, by, name, draws=draws).drop(columns="draw")
    return summary_by_condition(drawn, drawn.columns[-1])
