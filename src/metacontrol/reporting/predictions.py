"""What a report says of predictive checks: staying, the next choice, and learning."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from metacontrol.analysis.predictive import (
    ADDED,
    plot_predictive,
    plot_predictive_stay,
    predictive,
    predictive_stay,
)
from metacontrol.analysis.statistics import learning_curve, staying
from metacontrol.analysis.stay import tells_payments
from metacontrol.fitting.result import Fit
from metacontrol.reporting.blocks import (
    INTERVAL,
    Block,
    Column,
    Figure,
    Section,
    Table,
    Text,
    number,
)
from metacontrol.tasks.choices import Choices
from metacontrol.tasks.two_step import TwoStep

HEADING = "Does it predict what they did?"
NO_PAIRS = "There is no check of staying: nobody has a trial right after another that counts."
BEHIND = "Dots: the participants. Bands and lines: 95 % interval and mean of "


def predicted(fit: Fit, data: Choices, draws: int, seed: int, prefix: str) -> Section:
    """Return the predictive checks, if the task has what is needed for them."""
    if "second_state" not in data.frame:
        why = "There is no check of this: it sorts by second states, and the task has none."
        return Section(HEADING, [Text(why)])
    stay = predictive_stay(fit, data, draws=draws, seed=seed)
    if stay.empty:
        return Section(HEADING, [Text(NO_PAIRS)])
    sets = f"{BEHIND}{number(draws)} data sets simulated from the fit"
    blocks = _stay(
        f"{prefix}predictive_stay",
        stay,
        f"Choosing the same again, by what came of it. {sets}, in which each simulated person "
        "lives through a history of their own.",
    )
    if not isinstance(data.task, TwoStep):
        return Section(HEADING, blocks)
    blocks += _next(fit, data, draws, seed, prefix)
    curve = predictive(fit, data, learning_curve, draws=draws, seed=seed)
    told = tells_payments(data)
    label = "P(to what then pays better)" if told else "Mean reward"
    what = "first choices for the second state that then pays better" if told else "mean reward"
    said = _held(curve)
    blocks += [
        Figure(
            f"{prefix}predictive_learning",
            lambda axes: plot_predictive(curve, axes[0], label),
            f"Learning: {what}, in eighths of each participant's trials. {sets}. {said}",
            f"Observed and simulated course of learning. {said}",
        ),
        Table(
            f"{prefix}predictive_learning",
            "The numbers of the figure of learning.",
            curve,
            _columns(curve),
        ),
    ]
    return Section(HEADING, blocks)


def _next(fit: Fit, data: Choices, draws: int, seed: int, prefix: str) -> list[Block]:
    """Return the check of staying one choice ahead."""
    return _stay(
        f"{prefix}predictive_next_stay",
        predictive(fit, data, staying, draws=draws, seed=seed, given_history=1),
        "Choosing the same again, each choice drawn after all that the participant really did and "
        "saw before: a model may predict the next choice well and yet not get itself into what "
        f"people get into [@palminteri2017]. {BEHIND}{number(draws)} such draws from the fit.",
    )


def _stay(name: str, table: pd.DataFrame, caption: str) -> list[Block]:
    def plot(axes: Sequence[Axes]) -> None:
        plot_predictive_stay(table, axes[0])

    said = _held(table)
    return [
        Figure(
            name,
            plot,
            f"{caption} {said}",
            f"Observed and simulated probabilities of staying. {said}",
        ),
        Table(name, "The numbers of the figure: probability of staying.", table, _columns(table)),
    ]


def _held(table: pd.DataFrame) -> str:
    """Return how many observed values intervals hold."""
    inside = table["observed"].between(table["lower"], table["upper"])
    return f"The model's 95 % intervals hold {inside.sum()} of the {len(table)} observed values."


def _columns(table: pd.DataFrame) -> list[Column]:
    heads = [Column(c, c) for c in table if c not in ADDED]
    numbers = [Column("observed", "observed", 2), Column("predicted", "predicted", 2)]
    return [*heads, *numbers, *INTERVAL]
