"""What a report says of several models of the same choices."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from metacontrol.analysis.comparison import compare
from metacontrol.analysis.criteria import log_evidence
from metacontrol.fitting.random_effects import random_effects
from metacontrol.fitting.result import Fit
from metacontrol.reporting.blocks import Column, Section, Table, number

POINT = ("mle", "map")


def compared(named: Mapping[str, Fit]) -> dict[str, Fit]:
    """Return the fits that can be compared: two or more by mle, or by map."""
    for method in POINT:
        alike = {name: fit for name, fit in named.items() if fit.method == method}
        if len(alike) > 1:
            return alike
    return {}


def comparison(fits: Mapping[str, Fit]) -> tuple[Section, str]:
    """Return the comparison of models, and a sentence about it."""
    table = compare(fits)
    frequent = random_effects(log_evidence(fits))
    criteria = Table(
        "comparison",
        "Criteria, summed over participants; smaller is better. Δ: difference from the smallest; "
        "free: parameters of each participant; best for: participants for whom the model has the "
        "smallest BIC.",
        table,
        [
            Column("model", "model", whole=True),
            Column("parameters", "free", 0),
            Column("log_likelihood", "log-lik.", 0),
            Column("aic", "AIC", 0),
            Column("aic_difference", "ΔAIC", 1),
            Column("bic", "BIC", 0),
            Column("bic_difference", "ΔBIC", 1),
            Column("best_by_bic", "best for", 0),
        ],
    )
    frequencies = Table(
        "random_effects",
        "How frequent the models are among people, if each person has one of them: posterior mean "
        "and 95 % interval of the frequency, and the protected probability of being the most "
        f"frequent one. The probability that all are equally frequent is {_chance(frequent)} "
        "[@stephan2009; @rigoux2014].",
        frequent,
        [
            Column("model", "model"),
            Column("frequency", "frequency", 2),
            Column("lower", "95 % interval", 2),
            Column("upper", "", 2),
            Column("protected", "most frequent", 3),
        ],
    )
    best, first = table.iloc[0], frequent.iloc[0]
    sure = first["protected"]
    sentence = (
        f"By BIC the best model is `{best['model']}`, ahead of `{table['model'].iloc[1]}` by "
        f"{number(round(table['bic_difference'].iloc[1], 1), 6)}; the most frequent one among "
        f"people is `{first['model']}` (frequency {first['frequency']:.2f}, protected exceedance "
        f"probability {'above 0.99' if sure > 0.99 else f'{sure:.2f}'})."
    )
    return Section("Which model?", [criteria, frequencies]), sentence


def _chance(frequent: pd.DataFrame) -> str:
    value = float(frequent["bor"].iloc[0])
    return "below 0.001" if value < 0.001 else number(value)
