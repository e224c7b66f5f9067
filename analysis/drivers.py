"""What drives control: the weight of planning as a function of each thing that it follows from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from scipy.optimize import minimize
from scipy.special import expit

from metacontrol.analysis.course import over_people
from metacontrol.analysis.style import BLUE, ORANGE
from metacontrol.fitting.result import Fit
from metacontrol.models.engine.sources import note_sources
from metacontrol.models.formulas import Formulas, formulas_from_names, predictors
from metacontrol.models.model import Model
from metacontrol.models.notes import CHOICES, weight_name, without_choice
from metacontrol.models.scoring import Scoring, latents
from metacontrol.tasks.choices import Choices, event_columns

FEW, GRID = 6, 9  # a column of more values than a few is set to a grid of values
PARTS = 8  # of each person's trials, sorted by a driver
RIDGE = 0.01  # one over the prior variance of a slope: finite where the weight is a step

_NOT_BEHIND = ("weight", "prediction_error", "deliberation_time")  # noted beside the weight
_WORDS = {
    "advantage": "Advantage of planning\n(reward)",
    "choice_evidence": "Evidence for planning in the\nlast choice (log-odds)",
    "contingency": "Contingency of reward\non choice (reward)",
    "cost_of_planning": "Cost of planning\n(ranges of reward)",
    "habit_reliability": "Reliability of habit",
    "habit_variance": "Variance of habit's value\n(squared reward)",
    "habitisation": "Spread of habit strengths",
    "past_load": "Load on the last trial",
    "plan_reliability": "Reliability of planning",
    "plan_variance": "Variance of planned value\n(squared reward)",
    "practice": "Practice, log(1 + trials)",
    "stake": "Stake (times the reward)",
    "value_of_information": "Value of information\n(ranges of reward)",
}


def drivers(
    model: Model,
    data: Choices,
    parameters: pd.DataFrame | Fit,
    formulas: Formulas | None = None,
    *,
    name: str | None = None,
    noted: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return the weight of planning as a function of each driver, the others held.

    There are two kinds of drivers. A column of the trial that the model looks at or a formula uses
    (load, stake) is set to one value after the other on all trials, and the model goes through the
    same choices and outcomes again: what its weight would be, had load been x throughout. Where
    only the load of a trial itself acts on its weight, that is also what x does on a single trial.

    What a model notes (reliabilities, variances) cannot be set. Each person's trials are sorted
    into eight parts of equal size by one driver, and in each the mean weight is adjusted for all
    others: the regression w ~ sigma(b x), made for each person alone, x all drivers in standard
    scores, gives w - sigma(b x) + sigma(b x'), where in x' the others stand at their mean. What
    follows from the choice or outcome of a trial can only move later weights: it is taken from the
    trial before, and the weight of that trial is held too.

    Parameters
    ----------
    model : Model
        Any model that notes a weight.
    data : Choices
        The choices.
    parameters : DataFrame or Fit
        As for `latents`; of a posterior the participants' means are used.
    formulas : mapping of str to str, optional
        As for `latents`.
    name : str, optional
        Which weight; by default `weight`, or else `first_weight`. The `long_run_weight` of
        `Reliability` is where its reliabilities draw it.
    noted : sequence of str, optional
        Which notes are drivers; by default those on the same choice or none in particular, but no
        prediction errors or times.

    Returns
    -------
    DataFrame
        Columns driver, `kind` ("set" or "noted"), `value` (of the driver), `mean` (weight, 0 to 1),
        `lower`, `upper` (95 % interval over people, normal), `participants`. Drivers that never
        vary are not there, nor columns that change nothing.

    Raises
    ------
    ValueError
        If no weight is noted, it is fixed, or nothing noted could drive it.
    """
    if isinstance(parameters, Fit):
        parameters, formulas = parameters.parameters, parameters.formulas
    formulas = formulas_from_names(model, parameters.columns) if formulas is None else formulas
    settings = _settings(model, data, formulas)
    seen, *replays = _replays(model, data, parameters, formulas, settings)
    notes = [c for c in seen.columns[2:] if not c.startswith("log_probability_")]
    name = name or weight_name(notes)
    absent = [n for n in (name, *(noted or ())) if n not in notes]
    if absent:
        raise ValueError(f"{model} notes no {', '.join(absent)}; it notes: {', '.join(notes)}")

    found = _as_set(settings, replays, name)
    own = seen.groupby("participant")[name]
    if not found and np.allclose((own.max() - own.min()).dropna(), 0):
        raise ValueError(f"the weight of planning of {model} is fixed: nothing drives it")
    names = _candidates(notes, name) if noted is None else list(noted)
    late = _later(Scoring.of(model, data, formulas), name, names)
    before = seen[data.complete].groupby("participant", sort=False)[[name, *late]].shift()
    held = data.frame[[c for c in found if pd.api.types.is_numeric_dtype(data.frame[c])]]
    if late:
        held = held.assign(weight_before=before[name])
    seen[late] = before[late]
    together = seen[["participant", name, *names]].join(held)
    found |= _as_noted(together, name, names, list(held))
    if not found:
        raise ValueError(
            f"{model} notes nothing that its weight of planning follows from; it notes: "
            f"{', '.join(notes)}"
        )
    table = pd.concat([part.assign(driver=driver) for driver, part in found.items()])
    order = ["driver", "kind", "value", "mean", "lower", "upper", "participants"]
    return table[order].reset_index(drop=True)


def _settings(model: Model, data: Choices, formulas: Formulas) -> list[tuple[str, Any]]:
    """Return the columns that may act on the weight, each with the values to set it to."""
    looked_at = [c for c in model.cues if model.looks_at(c) and c not in data.task.constant_cues]
    text = "\n".join(formulas.values())
    used = [c for c in data.frame if re.search(rf"(?<!\w){re.escape(c)}(?!\w)", text)]
    columns = dict.fromkeys([*looked_at, *used])
    settings = []
    for column in columns:
        if column not in data.frame or column in event_columns(data.task):
            continue
        values = sorted(data.frame.loc[data.complete, column].dropna().unique())
        if len(values) > FEW and pd.api.types.is_numeric_dtype(data.frame[column]):
            low, high = np.quantile(np.asarray(values, dtype=float), [0.025, 0.975])
            values = list(np.linspace(low, high, GRID))
        settings += [(column, value) for value in values if len(values) > 1]
    return settings


def _replays(
    model: Model,
    data: Choices,
    parameters: pd.DataFrame,
    formulas: Formulas,
    settings: Sequence[tuple[str, Any]],
) -> list[pd.DataFrame]:
    """Return latents as things were, and under each setting of a column."""
    one_for_all = len(parameters) == 1 and "participant" not in parameters
    own = parameters.set_index("participant") if "participant" in parameters else parameters
    frames, tables = [], []
    for i, changed in enumerate([{}, *({column: value} for column, value in settings)]):
        people = data.frame["participant"] + f"/{i}"
        frames.append(set_to(data.frame, changed).assign(participant=people))
        tables.append(own.set_axis(own.index.astype(str) + f"/{i}"))
    together = Choices(pd.concat(frames, ignore_index=True), data.task)
    again = predictors(model, together.frame, formulas, data.frame)[1]
    for name, regressor in predictors(model, data.frame, formulas)[1].items():
        if not np.allclose(again[name][: len(data)], regressor, equal_nan=True):
            raise ValueError(
                f"the regressor of {name} depends on other trials' values: make it a column of "
                "the data first"
            )
    tabled = own if one_for_all else pd.concat(tables)
    seen = latents(model, together, tabled, formulas, like=data)
    parts = [seen[i * len(data) : (i + 1) * len(data)] for i in range(len(frames))]
    return [
        part.set_axis(data.frame.index).assign(participant=data.frame["participant"])
        for part in parts
    ]


def set_to(frame: pd.DataFrame, changed: Mapping[str, Any]) -> pd.DataFrame:
    """Return trials with columns that have one value throughout; categories stay categories."""
    kinds = {c: frame[c].dtype for c in changed}
    named = {c: kind for c, kind in kinds.items() if isinstance(kind, pd.CategoricalDtype)}
    return frame.assign(**changed).astype(named)


def _as_set(
    settings: Sequence[tuple[str, Any]], replays: Sequence[pd.DataFrame], name: str
) -> dict[str, pd.DataFrame]:
    """Return the mean weight under each setting, for each column that makes a difference."""
    weights: dict[str, dict[Any, pd.Series]] = {}
    for (column, value), seen in zip(settings, replays, strict=True):
        own = seen.groupby("participant", sort=False)[name].mean().dropna()
        weights.setdefault(column, {})[value] = own
    found = {}
    for column, by_value in weights.items():
        if np.allclose(np.ptp(np.stack(list(by_value.values())), axis=0), 0):
            continue
        own = pd.concat(by_value, names=["value"]).rename("weight").reset_index()
        found[column] = over_people(own, "weight", ["value"]).assign(kind="set")
    return found


def _candidates(notes: Sequence[str], name: str) -> list[str]:
    """Return the notes that could be behind a weight, but not those on other choices."""
    stage = name.removesuffix("weight")
    others = tuple(f"{other}_" for other in CHOICES if stage not in ("", f"{other}_"))
    return [n for n in notes if not n.endswith(_NOT_BEHIND) and not n.startswith(others)]


def _later(scoring: Scoring, name: str, noted: Sequence[str]) -> list[str]:
    """Return which notes follow from what happens after the weight."""
    sources = note_sources(scoring.story, scoring.records.columns)
    events = {event.name for event in scoring.story.task.events}
    return [n for n in noted if (sources[n] - sources[name]) & events]


def _as_noted(
    seen: pd.DataFrame, name: str, noted: Sequence[str], held: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """Return the mean adjusted weight in each part of the trials, for each note that varies."""
    rows: dict[str, list[pd.DataFrame]] = {}
    for person, own in seen.groupby("participant", sort=False):
        own = own[[name, *noted, *held]].astype(float).dropna()
        x = own[[*noted, *held]]
        x = x.loc[:, x.std() > 1e-12 * x.abs().max()]
        adjusted = _adjusted(own[name].to_numpy(), ((x - x.mean()) / x.std()).to_numpy())
        for driver, weight in zip(x, adjusted.T, strict=True):
            part = x[driver]
            if seen[driver].nunique() > FEW:
                part = (part.rank(method="first") - 1) * PARTS // len(part)
            pairs = pd.DataFrame({"value": x[driver], "weight": weight, "part": part})
            means = pairs.groupby("part").mean().reset_index()
            rows.setdefault(driver, []).append(means.assign(participant=person))
    found = {}
    for driver in [n for n in noted if n in rows]:
        parts = pd.concat(rows[driver])
        values = parts.groupby("part")["value"].mean()
        found[driver] = over_people(parts, "weight", ["part"]).assign(
            value=values.to_numpy(), kind="noted"
        )
    return found


def _adjusted(weight: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return weights as if all drivers but one stood at 0, for each in turn.

    Parameters
    ----------
    weight : array, shape (trials,)
        From 0 to 1.
    x : array, shape (trials, drivers)
        Standard scores.

    Returns
    -------
    array, shape (trials, drivers)
    """
    design = np.column_stack([np.ones(len(x)), x])

    def loss(b: np.ndarray) -> tuple[float, np.ndarray]:
        odds = design @ b
        value = np.logaddexp(0, odds).sum() - weight @ odds + RIDGE * b @ b / 2
        return value, design.T @ (expit(odds) - weight) + RIDGE * b

    b = minimize(loss, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B").x
    alone = expit(b[0] + x * b[1:])
    return (weight - expit(design @ b))[:, None] + alone


def plot_drivers(
    table: pd.DataFrame, axes: Sequence[Axes], label: str = "Weight of planning, w"
) -> Sequence[Axes]:
    """Draw a panel for each driver; columns that were set are blue, what was noted is orange.

    Parameters
    ----------
    table : DataFrame
        From `drivers`.
    axes : sequence of Axes
        Where to draw; panels that are left over are removed.
    label : str
        Of the vertical axes.

    Raises
    ------
    ValueError
        If there are fewer panels than drivers.
    """
    parts = list(table.groupby("driver", sort=False))
    if len(axes) < len(parts):
        raise ValueError(f"{len(parts)} drivers need as many panels, got {len(axes)}")
    for (driver, part), ax in zip(parts, axes, strict=False):
        _plot_driver(str(driver), part, ax)
        place = ax.get_subplotspec()
        if place is None or place.is_first_col():
            ax.set_ylabel(label)
        else:
            ax.tick_params(labelleft=False)
    for ax in axes[len(parts) :]:
        ax.remove()
    return axes[: len(parts)]


def _plot_driver(driver: str, part: pd.DataFrame, ax: Axes) -> None:
    is_set = part["kind"].iloc[0] == "set"
    colour = BLUE if is_set else ORANGE
    numbers = pd.to_numeric(part["value"], errors="coerce")
    x = np.arange(len(part)) if numbers.isna().any() else numbers.to_numpy(float)
    y = part["mean"].to_numpy()
    if is_set and len(part) > FEW:
        ax.fill_between(x, part["lower"], part["upper"], color=colour, alpha=0.2, linewidth=0)
        ax.plot(x, y, color=colour)
    else:
        errors = [y - part["lower"], part["upper"] - y]
        ax.errorbar(x, y, yerr=errors, color=colour, marker="o", markersize=3.5, clip_on=False)
    if len(part) <= FEW:
        ax.set_xticks(x, [v if isinstance(v, str) else f"{v:g}" for v in part["value"]])
        ax.margins(x=0.25)
    else:
        ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    words = without_choice(driver)
    ax.set(xlabel=_WORDS.get(words, words.replace("_", " ").capitalize()), ylim=(0, 1))
    title = "if every trial had this value" if is_set else "as trials came, all else held"
    ax.set_title(title, loc="right", color=colour, size=7)
