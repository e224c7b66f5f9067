"""Models side by side by what their fits hold: AIC and BIC, evidence, integrated BIC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from metacontrol.fitting.fit import ALONE, EM, SEARCHED
from metacontrol.fitting.importance import draw
from metacontrol.fitting.individuals import Individuals
from metacontrol.fitting.result import Fit
from metacontrol.fitting.same_choices import must_be_of, must_be_same
from metacontrol.models.scoring import Scoring
from metacontrol.tasks.choices import Choices

CRITERIA = ("aic", "bic")


def fits_table(fits: Mapping[str, Fit]) -> pd.DataFrame:
    """Return what fits by one method say for their models; see `compare`."""
    method = method_of(fits)
    if method not in (*ALONE, *EM):
        raise ValueError(
            f"fits by {method} are compared by predictions: give data=... and seed=..."
        )
    must_be_alike(fits)
    if method in EM:
        return _ibic_table(fits)
    return _evidence_table(fits) if method == "laplace" else _criteria_table(fits)


def _criteria_table(fits: Mapping[str, Fit]) -> pd.DataFrame:
    sums = pd.DataFrame({name: fit.scores.sum() for name, fit in fits.items()}).T
    table = sums[["log_likelihood", *CRITERIA]].rename_axis("model").reset_index()
    sizes = [len(fit.about["coefficients"]) for fit in fits.values()]
    table.insert(1, "parameters", sizes)
    for criterion in CRITERIA:
        table[f"{criterion}_difference"] = table[criterion] - table[criterion].min()
    for criterion in CRITERIA:
        best = each(fits, criterion).idxmin(axis=1).value_counts()
        table[f"best_by_{criterion}"] = best.reindex(table["model"], fill_value=0).to_numpy()
    return table.sort_values("bic", ignore_index=True)


def _evidence_table(fits: Mapping[str, Fit]) -> pd.DataFrame:
    evidence = each(fits, "log_evidence")
    sums, best = evidence.sum(), evidence.idxmax(axis=1).value_counts()
    table = pd.DataFrame(
        {
            "model": list(fits),
            "parameters": [len(fit.about["coefficients"]) for fit in fits.values()],
            "log_evidence": sums.to_numpy(),
            "difference": (sums - sums.max()).to_numpy(),
            "best_for": best.reindex(list(fits), fill_value=0).to_numpy(),
        }
    )
    return table.sort_values("log_evidence", ascending=False, ignore_index=True)


def _ibic_table(fits: Mapping[str, Fit]) -> pd.DataFrame:
    ibic = np.array([fit.ibic for fit in fits.values()])
    table = pd.DataFrame(
        {
            "model": list(fits),
            "parameters": [fit.tree["maximum"].sizes["variable"] for fit in fits.values()],
            "log_evidence": [fit.scores["log_evidence"].sum() for fit in fits.values()],
            "ibic": ibic,
            "ibic_difference": ibic - ibic.min(),
        }
    )
    return table.sort_values("ibic", ignore_index=True)


def log_evidence(
    fits: Sequence[Fit] | Mapping[str, Fit],
    criterion: str = "bic",
    *,
    data: Choices | None = None,
    draws: int = 1000,
    seed: int | None = None,
) -> pd.DataFrame:
    """Return each participant's log-evidence of each model, for `random_effects`.

    Parameters
    ----------
    fits : sequence of Fit, or mapping of str to Fit
        As for `compare`.
    criterion : {"aic", "bic", "laplace", "importance"}
        Minus half of a criterion, of fits by mle or map: BIC approximates the evidence; AIC is not
        one, but is used so. Or the evidence itself, the likelihood's integral over what the group's
        priors expect of a person: as fits by laplace approximate it, or by importance sampling
        under default priors (`fit` by any method; only its model counts).
    data : Choices, optional
        What was fitted, for "importance".
    draws : int
        Of each participant, for "importance".
    seed : int, optional
        Of these draws.

    Returns
    -------
    DataFrame
        Index participant, a column for each model, in nats.

    Raises
    ------
    ValueError
        As `compare`, or if the criterion is another, or data or seed are needed and not there.
    """
    if criterion == "importance":
        if data is None or seed is None:
            raise ValueError("evidence by importance sampling needs data=... and seed=...")
        for fit in named(fits).values():
            must_be_of(fit, data)
        return pd.DataFrame(
            {name: _evidence(fit, data, draws, seed) for name, fit in named(fits).items()}
        )
    if criterion not in (*CRITERIA, "laplace"):
        known = ", ".join([*CRITERIA, "laplace", "importance"])
        raise ValueError(f"criterion must be one of {known}, got {criterion!r}")
    chosen = named(fits)
    method, needed = method_of(chosen), ("laplace",) if criterion == "laplace" else SEARCHED
    if method not in needed:
        raise ValueError(
            f"evidence by {criterion} needs fits by {' or '.join(needed)}, these are by {method}"
        )
    must_be_alike(chosen)
    if criterion == "laplace":
        return each(chosen, "log_evidence")
    return -each(chosen, criterion) / 2


def _evidence(fit: Fit, data: Choices, draws: int, seed: int) -> pd.Series:
    individuals = Individuals(Scoring.of(fit.model, data, fit.formulas))
    prior = individuals.prior()
    made = draw(individuals, prior, draws, seed=seed)
    index = pd.Index(individuals.scoring.participants, name="participant")
    return pd.Series(made.log_evidence(prior), index=index)


def named(fits: Sequence[Any] | Mapping[str, Any]) -> dict[str, Any]:
    """Return what is compared by name; raise ValueError if it is one, or two have the same name."""
    pairs = list(fits.items()) if isinstance(fits, Mapping) else [(str(_name(f)), f) for f in fits]
    if len(pairs) < 2:
        raise ValueError(f"two fits or more are compared, got {len(pairs)}")
    if len(dict(pairs)) < len(pairs):
        raise ValueError("two fits have the same name: give a mapping of names to fits")
    return dict(pairs)


def _name(fit: Any) -> str:
    return fit.model.name if isinstance(fit, Fit) else fit.model


def method_of(fits: Mapping[str, Any]) -> str:
    """Return the method that all are fitted by; raise ValueError if there are several."""
    methods = dict.fromkeys(fit.method for fit in fits.values())
    if len(methods) > 1:
        raise ValueError(
            f"fits are compared that are by the same method, these are by {' and '.join(methods)}: "
            "what one finds likely is not comparable with what another does"
        )
    return next(iter(methods))


def must_be_alike(fits: Mapping[str, Fit]) -> None:
    """Raise ValueError unless all are fits of the same choices."""
    must_be_same({name: fit.digest for name, fit in fits.items()})
    first = next(iter(fits))
    counts = {name: fit.scores["choices"].sort_index() for name, fit in fits.items()}
    for name, count in counts.items():
        if not count.equals(counts[first]):
            raise ValueError(f"{name} and {first} are not of the same choices")


def each(fits: Mapping[str, Fit], criterion: str) -> pd.DataFrame:
    """Return a criterion for each participant (rows) and model (columns)."""
    return pd.DataFrame({name: fit.scores[criterion] for name, fit in fits.items()})
