"""Staying: repeating the first choice, or not, after what the last trial brought.

Habit repeats what was rewarded. Deliberation repeats it after a common transition only: after a
rare one, reward speaks for the other option.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy.stats
import statsmodels.api as sm
from matplotlib.axes import Axes
from scipy.sparse.csgraph import connected_components
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

from metacontrol.analysis.style import BLUE, ORANGE, in_words
from metacontrol.tasks.checks import first_is_common
from metacontrol.tasks.choices import Choices

LABELS = {
    "common": "after common",
    "rare": "after rare",
    "same": "same first state",
    "different": "other first state",
}


def stay_trials(data: Choices, by: Sequence[str] = ()) -> pd.DataFrame:
    """Return the pairs of neighbouring complete trials, the later one scored, neither dropped.

    Parameters
    ----------
    data : Choices
        The choices.
    by : sequence of str
        Columns that must be there. ``"previous_<column>"`` adds the earlier trial's value: `load`
        is load when the choice is made, `previous_load` when the outcome before was taken in.

    Returns
    -------
    DataFrame
        One row a pair. Columns participant, trial (the later one), `stay`, `reward`
        ("rewarded", "unrewarded": points above 0 or not) and `transition` ("common", "rare") of
        the earlier trial; on a deterministic task with two first states instead `start` ("same",
        "different" first state), and `stay` means choosing the same second state again. In a task
        of three steps also `second_transition` of the earlier trial. Further columns are those of
        the later trial.

    Raises
    ------
    ValueError
        If a column of `by` is not there, or the task has no second states.
    """
    if "second_state" not in data.frame:
        raise ValueError(f"{data.task.name} has no second states, by which staying is sorted")
    task: Any = data.task
    usual = pd.Series(first_is_common(task, data.frame) == 1, index=data.frame.index)
    frame = data.frame.assign(_common=usual)[data.complete]
    before = frame.groupby("participant", sort=False).shift()
    pair = (frame["trial"] - before["trial"]).eq(1).fillna(False).to_numpy(dtype=bool)
    pair = pair & data.counted[data.complete]
    if data.dropped is not None:
        dropped = pd.Series(data.dropped[data.complete], index=frame.index)
        people = frame["participant"]
        pair = pair & ~dropped.groupby(people, sort=False).shift(fill_value=False).to_numpy()
    now, last = frame[pair], before[pair]
    two_starts = getattr(data.task, "first_states", 1) == 2
    goal = "second_state" if two_starts else "first_choice"
    table = now.drop(columns=["reward", "transition", "_common"], errors="ignore").assign(
        stay=(now[goal] == last[goal]).to_numpy(dtype=float),
        reward=np.where(last["reward"] > 0, "rewarded", "unrewarded"),
    )
    if two_starts:
        same = now["first_state"].to_numpy(dtype=float) == last["first_state"].to_numpy(dtype=float)
        table["start"] = np.where(same, "same", "different")
    else:
        table["transition"] = _transition(last["_common"])
        if "third_state" in last:
            second = last["third_state"] // 2 == last["second_state"]
            table["second_transition"] = _transition(second)
    for column in by:
        name = column.removeprefix("previous_")
        if column not in table and name != column and name in last:
            table[column] = last[name].astype(frame[name].dtype)
    absent = [column for column in by if column not in table]
    if absent:
        raise ValueError(f"no column {', '.join(absent)}; there are: {', '.join(table.columns)}")
    return table


def _transition(common: pd.Series) -> np.ndarray:
    return np.where(common.to_numpy(dtype=bool), "common", "rare")


def stay_by_participant(data: Choices, by: Sequence[str] = ()) -> pd.DataFrame:
    """Return each participant's share of repeated choices.

    Parameters
    ----------
    data : Choices
        The choices.
    by : sequence of str
        Further columns to split by, such as ``["load"]`` or ``["previous_load"]``, see
        `stay_trials`.

    Returns
    -------
    DataFrame
        Columns participant, those of `by`, `reward`, `transition` or `start`, `stay` (0 to 1) and
        `trials` (pairs of trials). A cell without trials is not there.
    """
    trials = stay_trials(data, by)
    cell = [*by, "reward", "start" if "start" in trials else "transition"]
    shares = trials.groupby(["participant", *cell], sort=False, observed=True)["stay"]
    return shares.agg(stay="mean", trials="size").reset_index()


def stay_probabilities(data: Choices, by: Sequence[str] = ()) -> pd.DataFrame:
    """Return the probability of staying, by reward and transition of the trial before.

    Parameters
    ----------
    data : Choices
        The choices.
    by : sequence of str
        Further columns to split by: ``["load"]`` is the later trial's value, load when the choice
        is made; ``["previous_load"]`` the earlier one's, load when its outcome was taken in.

    Returns
    -------
    DataFrame
        Columns of `by`, `reward`, `transition` (or `start`, see `stay_trials`), `stay` (mean over
        participants), `lower` and `upper` (95 % within-participant interval: Cousineau, 2005, with
        Morey's correction, 2008, doi:10.20982/tqmp.04.2.p061), `participants`. Where a column
        splits people, such as patients and controls, each group has intervals of its own: they
        speak of differences within a group, not between groups.
    """
    shares = stay_by_participant(data, by)
    cell = [column for column in shares if column not in ("participant", "stay", "trials")]
    wide = shares.pivot(index="participant", columns=cell, values="stay")
    there = wide.notna().to_numpy()
    half = np.full(wide.shape[1], np.nan)
    _, group = connected_components(there.T.astype(int) @ there.astype(int))
    for cells in (group == number for number in np.unique(group)):  # no person is in two of them
        whole = wide.loc[:, cells].dropna()
        if len(whole) > 1 and cells.sum() > 1:
            half[cells] = _within_half_width(whole.to_numpy())
    table = pd.DataFrame(
        {
            "stay": wide.mean(),
            "lower": wide.mean() - half,
            "upper": wide.mean() + half,
            "participants": wide.notna().sum(),
        }
    )
    order = {"rewarded": 0, "unrewarded": 1, "common": 0, "rare": 1, "same": 0, "different": 1}
    return table.reset_index().sort_values(
        cell,
        key=lambda column: column.map(lambda value: order.get(value, value)),
        ignore_index=True,
    )


def _within_half_width(values: np.ndarray) -> np.ndarray:
    """Return half the width of the 95 % interval of each column, participants being rows."""
    people, cells = values.shape
    centred = values - values.mean(axis=1, keepdims=True) + values.mean()
    error = centred.std(axis=0, ddof=1) * np.sqrt(cells / (cells - 1) / people)
    return np.asarray(scipy.stats.t.ppf(0.975, people - 1) * error)


def stay_regression(
    data: Choices, by: Sequence[str] = (), *, correct: bool = False
) -> pd.DataFrame:
    """Regress staying on reward and transition of the trial before.

    Logistic regression by generalised estimating equations, trials within participants
    exchangeable, robust errors: effects on the average participant's log-odds. Predictors are
    coded +1 (rewarded, common, same) and -1; reward is the habitual and reward x transition the
    planning effect. On a deterministic task the planning effect is that of reward, and
    reward x start the habitual one.

    Parameters
    ----------
    data : Choices
        The choices.
    by : sequence of str
        Numeric columns whose interactions with each predictor are added, as they are (0 and 1, not
        +1 and -1), such as ``["load"]`` or ``["load", "previous_load"]``, see
        `stay_probabilities`. Terms without them are then effects where they are 0.
    correct : bool
        Whether to add a predictor `correct`: +1 if the earlier choice was the one that (commonly)
        leads to the second state that then paid better, -1 if not, 0 if both paid the same. Such
        choices are repeated and rewarded often, which reward x transition else takes for planning
        (Akam et al., 2015, doi:10.1371/journal.pcbi.1004648).

    Returns
    -------
    DataFrame
        Index term; columns estimate (log-odds), se, z, p, lower, upper (95 %).

    Raises
    ------
    ValueError
        With fewer than two participants, if staying never varies or is foretold perfectly, if
        predictors cannot be told apart, a column of `by` is not numeric or has gaps, or if
        `correct` is asked for where no column says what each second state would have paid.
    """
    trials = stay_trials(data, by)
    if trials["participant"].nunique() < 2:
        raise ValueError("a regression over participants needs two or more")
    if trials["stay"].nunique() < 2:
        raise ValueError("staying never varies, so there is nothing to regress")
    other = "start" if "start" in trials else "transition"
    reward = trials["reward"].map({"rewarded": 1.0, "unrewarded": -1.0})
    second = trials[other].map({"common": 1.0, "rare": -1.0, "same": 1.0, "different": -1.0})
    design = pd.DataFrame(
        {"intercept": 1.0, "reward": reward, other: second, f"reward x {other}": reward * second}
    )
    if correct:
        design["correct"] = _correct(data)
    plain = design
    for column in by:
        values = pd.to_numeric(trials[column], errors="coerce").astype(float)
        words = trials.loc[values.isna() & trials[column].notna(), column]
        if len(words):
            raise ValueError(
                f"{column} must be numbers, got {words.iloc[0]!r}: make a column that is 1 for one "
                "of its values and 0 for others"
            )
        if not np.isfinite(values).all():
            row = trials[~np.isfinite(values)].iloc[0]
            raise ValueError(
                f"{column} is missing or infinite (participant {row['participant']!r}, "
                f"trial {row['trial']})"
            )
        moderated = plain.mul(values, axis=0)
        moderated.columns = [
            column if name == "intercept" else f"{name} : {column}" for name in moderated
        ]
        design = pd.concat([design, moderated], axis=1)
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise ValueError(
            "predictors cannot be told apart: rewards, transitions or a column are the same "
            "throughout, or go together"
        )
    groups = pd.factorize(trials["participant"])[0]
    model = sm.GEE(
        trials["stay"],
        design,
        groups=groups,
        family=sm.families.Binomial(),
        cov_struct=sm.cov_struct.Exchangeable(),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", PerfectSeparationWarning)
        warnings.filterwarnings("error", "overflow encountered in exp", RuntimeWarning)
        try:
            fitted = model.fit()
        except (PerfectSeparationWarning, RuntimeWarning, np.linalg.LinAlgError):
            raise ValueError(
                f"the regression of staying has no finite answer in {len(trials):,} pairs of "
                "trials: somewhere all stay, or none. It needs more trials, or fewer columns"
            ) from None
    interval = fitted.conf_int()
    return pd.DataFrame(
        {
            "estimate": fitted.params,
            "se": fitted.bse,
            "z": fitted.tvalues,
            "p": fitted.pvalues,
            "lower": interval[0],
            "upper": interval[1],
        }
    ).rename_axis("term")


def _correct(data: Choices) -> np.ndarray:
    """Return `went_better` of the earlier choice of each pair of trials."""
    before = [f"previous_{column}" for column in went_for(data.task)]
    trials = stay_trials(data, before)
    return went_better(data.task, trials[before].set_axis(went_for(data.task), axis=1))


def went_for(task: Any) -> list[str]:
    """Return the columns that say for which second state a choice went, and what each would pay.

    Raises ValueError if no second state could pay better.
    """
    walks = getattr(task, "walk_columns", ())
    if not walks:
        raise ValueError(f"{task.name} has no second state of which one could pay better")
    return ["second_state" if getattr(task, "first_states", 1) == 2 else "first_choice", *walks]


def tells_payments(data: Choices) -> bool:
    """Return whether the data say what each second state would have paid."""
    walks = getattr(data.task, "walk_columns", ())
    return bool(walks) and set(walks) <= set(data.frame)


def went_better(task: Any, frame: pd.DataFrame) -> np.ndarray:
    """Return 1 where a choice went for the second state that then paid better, -1 for the other."""
    values = frame[went_for(task)].to_numpy(dtype=float, na_value=np.nan)
    paid = values[:, 1:].reshape(len(values), 2, -1).max(axis=2)
    return np.asarray(np.sign(paid[:, 1] - paid[:, 0]) * (2 * values[:, 0] - 1))


def plot_stay_probabilities(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw stay probabilities with their intervals.

    Parameters
    ----------
    table : DataFrame
        From `stay_probabilities`, at most split by one further column.
    ax : Axes
        Where to draw.
    """
    other = "start" if "start" in table else "transition"
    extra = [
        c for c in table if c not in ("reward", other, "stay", "lower", "upper", "participants")
    ]
    if len(extra) > 1:
        raise ValueError(f"one panel holds at most one further split, got {', '.join(extra)}")
    levels = table[extra[0]].unique() if extra else [None]
    colours = dict(zip(("common", "rare", "same", "different"), (BLUE, ORANGE) * 2, strict=True))
    for i, level in enumerate(levels):
        part = table if level is None else table[table[extra[0]] == level]
        for j, (kind, rows) in enumerate(part.groupby(other, sort=False)):
            x = np.array([{"rewarded": 0, "unrewarded": 1}[r] for r in rows["reward"]]) + 2.4 * i
            errors = [rows["stay"] - rows["lower"], rows["upper"] - rows["stay"]]
            ax.errorbar(
                x + 0.06 * (2 * j - 1),
                rows["stay"],
                yerr=errors,
                color=colours[str(kind)],
                marker="os"[j],
                markersize=4,
                linestyle="-",
                capsize=0,
                label=LABELS[str(kind)] if i == 0 else None,
            )
    ticks = [2.4 * i + j for i in range(len(levels)) for j in (0, 1)]
    ax.set_xticks(ticks, ["win", "no win"] * len(levels))
    ax.set_xlim(-0.5, ticks[-1] + 0.5)
    if extra:
        centres = [2.4 * i + 0.5 for i in range(len(levels))]
        ax.set_xticks(ticks, ["win", "no win"] * len(levels))
        below = ax.secondary_xaxis("bottom")
        below.set_xticks(
            centres, [f"{extra[0].replace('_', ' ')} {in_words(level)}" for level in levels]
        )
        below.tick_params(length=0, pad=16)
    ax.set_xlabel("Last trial", labelpad=16 if extra else None)
    again = "same second state again" if other == "start" else "same first choice again"
    ax.set_ylabel(f"P({again})")
    if len(table):
        spacing = {"handlelength": 1, "handletextpad": 0.4, "columnspacing": 0.8}
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, **spacing)
    return ax
