"""Which model? Criteria side by side, how frequent each is, and whether they can be told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from metacontrol.analysis.style import BLUE
from metacontrol.fitting.fit import Method
from metacontrol.fitting.fit import fit as fit_choices
from metacontrol.fitting.result import Fit
from metacontrol.models.model import Model
from metacontrol.models.people import draw_participants
from metacontrol.models.simulation import simulate
from metacontrol.tasks.task import Task

CRITERIA = ("aic", "bic")


def compare(fits: Sequence[Fit] | Mapping[str, Fit]) -> pd.DataFrame:
    """Compare models that were fitted to each participant alone, by AIC and BIC.

    AIC (Akaike 1974) asks which model will predict best, BIC (Schwarz 1978) which is most probable,
    each as an approximation for many trials. Sums treat everybody as having the same model; for
    models that differ between people see `random_effects`.

    Parameters
    ----------
    fits : sequence of Fit, or mapping of str to Fit
        By mle or map, of the same choices; by their models' names, or the names given.

    Returns
    -------
    DataFrame
        One row a model, smallest BIC first. Columns model, `parameters`, `log_likelihood`, `aic`,
        `bic` (sums over participants, in nats, AIC and BIC as -2 log-likelihood and penalty),
        `aic_difference`, `bic_difference` (from the smallest), `best_by_aic`, `best_by_bic`
        (numbers of participants).

    Raises
    ------
    ValueError
        If there are fewer than two fits, one is by nuts, two have the same name, or they are of
        different participants or numbers of choices.
    """
    named = _named(fits)
    sums = pd.DataFrame({name: fit.scores.sum() for name, fit in named.items()}).T
    table = sums[["log_likelihood", *CRITERIA]].rename_axis("model").reset_index()
    sizes = [len(fit.about["coefficients"]) for fit in named.values()]
    table.insert(1, "parameters", sizes)
    for criterion in CRITERIA:
        table[f"{criterion}_difference"] = table[criterion] - table[criterion].min()
    for criterion in CRITERIA:
        best = _each(named, criterion).idxmin(axis=1).value_counts()
        table[f"best_by_{criterion}"] = best.reindex(table["model"], fill_value=0).to_numpy()
    return table.sort_values("bic", ignore_index=True)


def log_evidence(fits: Sequence[Fit] | Mapping[str, Fit], criterion: str = "bic") -> pd.DataFrame:
    """Return each participant's log-evidence of each model, as minus half of a criterion.

    Parameters
    ----------
    fits : sequence of Fit, or mapping of str to Fit
        As for `compare`.
    criterion : {"aic", "bic"}
        BIC approximates the evidence; AIC is not one, but is used so.

    Returns
    -------
    DataFrame
        Index participant, a column for each model, in nats; for `random_effects`.

    Raises
    ------
    ValueError
        As `compare`, or if the criterion is another.
    """
    if criterion not in CRITERIA:
        raise ValueError(f"criterion must be one of {', '.join(CRITERIA)}, got {criterion!r}")
    return -_each(_named(fits), criterion) / 2


def confuse(
    models: Sequence[Model],
    task: Task,
    *,
    participants: int = 50,
    trials: int | None = None,
    seed: int,
    people: Mapping[str, pd.DataFrame] | None = None,
    method: Method = "mle",
    **options: Any,
) -> pd.DataFrame:
    """Simulate each model, fit all, and count for whom which is best.

    Wilson & Collins (2019, doi:10.7554/eLife.49547): `confusion` is P(best | simulated), and
    `inversion` P(simulated | best) if all models are equally probable beforehand.

    Parameters
    ----------
    models : sequence of Model
        Who play, and who are fitted.
    task : Task
        What is played.
    participants : int
        How many play each model; drawn by `draw_participants`.
    trials : int, optional
        Trials of each; by default the task's number.
    seed : int
        Seed of participants, choices and fits.
    people : mapping of str to DataFrame, optional
        By name of the model, who plays it instead, as for `simulate`.
    method : {"mle", "map"}
        Of `fit`.
    **options
        Further arguments of `fit`.

    Returns
    -------
    DataFrame
        One row for each criterion and pair of models: columns criterion, `simulated`, `best`,
        `confusion` and `inversion` (0 to 1; the latter missing for a model that is never best).
    """
    tables = []
    for truth in models:
        drawn = draw_participants(truth, participants, seed=seed)
        players = (people or {}).get(truth.name, drawn)
        data = simulate(truth, task, players, trials=trials, seed=seed)
        fits = [fit_choices(model, data, method=method, seed=seed, **options) for model in models]
        for criterion in CRITERIA:
            best = _each(_named(fits), criterion).idxmin(axis=1)
            shares = best.value_counts(normalize=True).reindex([m.name for m in models])
            table = shares.fillna(0.0).rename("confusion").rename_axis("best").reset_index()
            tables.append(table.assign(criterion=criterion, simulated=truth.name))
    joined = pd.concat(tables, ignore_index=True)
    sums = joined.groupby(["criterion", "best"])["confusion"].transform("sum")
    joined["inversion"] = joined["confusion"] / sums.where(sums > 0)
    order = ["criterion", "simulated", "best", "confusion", "inversion"]
    return joined[order].sort_values("criterion", kind="stable", ignore_index=True)


def plot_confusion(
    table: pd.DataFrame, ax: Axes, criterion: str = "bic", which: str = "confusion"
) -> Axes:
    """Draw a confusion or inversion matrix: who played down, who was best across.

    Parameters
    ----------
    table : DataFrame
        From `confuse`.
    ax : Axes
        Where to draw.
    criterion : {"aic", "bic"}
        By which.
    which : {"confusion", "inversion"}
        Shares of each row, or of each column.
    """
    if criterion not in CRITERIA or which not in ("confusion", "inversion"):
        raise ValueError(f"there is no {which} by {criterion}: confusion or inversion, aic or bic")
    part = table[table["criterion"] == criterion]
    names = list(dict.fromkeys(part["simulated"]))
    matrix = part.pivot(index="simulated", columns="best", values=which).loc[names, names]
    shades = sns.light_palette(BLUE, as_cmap=True)
    sns.heatmap(matrix, vmin=0, vmax=1, cmap=shades, annot=True, fmt=".2f", cbar=False, ax=ax)
    ax.set(xlabel=f"Best by {criterion.upper()}", ylabel="Simulated")
    ax.tick_params(length=0)
    ax.tick_params(axis="x", rotation=30)
    ax.tick_params(axis="y", rotation=0)
    return ax


def _named(fits: Sequence[Fit] | Mapping[str, Fit]) -> dict[str, Fit]:
    """Return fits by name, if they can be compared."""
    pairs = list(fits.items()) if isinstance(fits, Mapping) else [(f.model.name, f) for f in fits]
    named = dict(pairs)
    if len(pairs) < 2:
        raise ValueError(f"two fits or more are compared, got {len(pairs)}")
    if len(named) < len(pairs):
        raise ValueError("two fits have the same name: give a mapping of names to fits")
    first = next(iter(named))
    for name, fit in named.items():
        if "aic" not in fit.scores:
            raise ValueError(f"AIC and BIC need fits by mle or map, {name} is by {fit.method}")
        if not fit.scores["choices"].equals(named[first].scores["choices"]):
            raise ValueError(f"{name} and {first} are not fits of the same choices")
    return named


def _each(named: Mapping[str, Fit], criterion: str) -> pd.DataFrame:
    """Return a criterion for each participant (rows) and model (columns)."""
    return pd.DataFrame({name: fit.scores[criterion] for name, fit in named.items()})
