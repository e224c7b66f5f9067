"""What a report says of several models of the same choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from metacontrol.analysis.comparison import compare, plot_comparison
from metacontrol.analysis.criteria import log_evidence
from metacontrol.analysis.loo import PARTICIPANT
from metacontrol.fitting.fit import EM
from metacontrol.fitting.random_effects import random_effects
from metacontrol.fitting.result import Fit
from metacontrol.reporting.blocks import Block, Column, Figure, Section, Table, Text, number
from metacontrol.reporting.blocks import listed as joined
from metacontrol.reporting.estimation import METHODS, qualified
from metacontrol.tasks.choices import Choices

MODEL = Column("model", "model", whole=True)
SELECTED = (
    "by random-effects Bayesian model selection with protected exceedance probabilities "
    "[@stephan2009; @rigoux2014], taking {} as each participant's log-evidence."
)


class Comparison(NamedTuple):
    """A section, a sentence for the top of the page, and one for the methods."""

    section: Section
    sentence: str
    methods: str = ""


def comparison(named: Mapping[str, Fit], data: Choices | None, seed: int) -> Comparison | None:
    """Return the comparison of two fits or more, or why there is none."""
    if len(named) < 2:
        return None
    fits = _alike(named)
    if not fits:
        how = joined([f"{name} by {METHODS.get(f.method, f.method)}" for name, f in named.items()])
        return _none(f"they were fitted by different methods ({how})")
    found = _compared(fits, data, seed)
    doubtful = [f"`{name}`" for name, fit in fits.items() if not fit.doubts.empty]
    if doubtful and found.methods:
        found = found._replace(sentence=qualified(found.sentence, *fits.values()))
        said = f"Diagnostics of {joined(doubtful)} are not as wanted: do not use this comparison "
        found.section.blocks.insert(0, Text(f"{said}before they are.", warning=True))
    if len(fits) < len(named):
        others = joined([f"`{name}`" for name in named if name not in fits])
        said = f"Not compared, since fitted by another method: {others}."
        found.section.blocks.insert(0, Text(said))
    return found


def _alike(named: Mapping[str, Fit]) -> dict[str, Fit]:
    """Return the first fits by the same method, if there are two or more."""
    for method in dict.fromkeys(fit.method for fit in named.values()):
        alike = {name: fit for name, fit in named.items() if fit.method == method}
        if len(alike) > 1:
            return alike
    return {}


def _none(why: str) -> Comparison:
    said = f"The models are not compared: {why}."
    return Comparison(Section("Which model?", [Text(said, warning=True)]), said)


def _compared(fits: Mapping[str, Fit], data: Choices | None, seed: int) -> Comparison:
    """Return the comparison of fits by one method."""
    method = next(iter(fits.values())).method
    if method == "laplace":
        return _by_evidence(fits)
    if method in ("mle", "map"):
        return _by_criteria(fits)
    if method in EM:
        return _by_ibic(compare(fits))
    if data is None:
        return _none("predictions of a new person's choices need the choices that were fitted")
    return _by_prediction(compare(fits, data, leave="participant", seed=seed), fits)


def _by_criteria(fits: Mapping[str, Fit]) -> Comparison:
    """Return AIC, BIC and how frequent models are."""
    table = compare(fits)
    frequencies, frequent = _frequencies(log_evidence(fits))
    criteria = Table(
        "comparison",
        "Criteria, summed over participants; smaller is better. Δ: difference from the smallest; "
        "free: parameters of each participant; best for: participants for whom the model has the "
        "smallest BIC.",
        table,
        [
            MODEL,
            Column("parameters", "free", 0),
            Column("log_likelihood", "log-lik.", 0),
            Column("aic", "AIC", 0),
            Column("aic_difference", "ΔAIC", 1),
            Column("bic", "BIC", 0),
            Column("bic_difference", "ΔBIC", 1),
            Column("best_by_bic", "best for", 0),
        ],
    )
    ahead = number(round(table["bic_difference"].iloc[1], 1), 6)
    sentence = f"By BIC the best model is {_first_two(table)} by {ahead}; {frequent}"
    done = (
        f"{_listed(table)} were compared by the Akaike [@akaike1974] and the Bayesian information "
        f"criterion [@schwarz1978], and {SELECTED.format('minus half of the BIC')}"
    )
    return Comparison(_section(criteria, frequencies), sentence, done)


def _by_evidence(fits: Mapping[str, Fit]) -> Comparison:
    """Return evidence, and how frequent models are."""
    table = pd.DataFrame(compare(fits)[["model", "log_evidence", "difference"]])
    frequencies, frequent = _frequencies(log_evidence(fits, "laplace"))
    summed = Table(
        "comparison",
        "Log-evidence in nats, summed over participants; larger is better.",
        table,
        [MODEL, Column("log_evidence", "log-evidence", 1), Column("difference", "difference", 1)],
    )
    ahead = number(round(abs(table["difference"].iloc[1]), 1), 6)
    sentence = f"By evidence the best model is {_first_two(table)} by {ahead} nats; {frequent}"
    taken = SELECTED.format("Laplace's approximation of the marginal likelihood")
    return Comparison(
        _section(summed, frequencies), sentence, f"{_listed(table)} were compared " + taken
    )


def _by_ibic(table: pd.DataFrame) -> Comparison:
    """Return the integrated BIC of groups."""
    caption = (
        "Integrated BIC of the group [@huys2011]; smaller is better. Δ: difference from the "
        "smallest; numbers: of the group."
    )
    columns = [
        MODEL,
        Column("parameters", "numbers", 0),
        Column("log_evidence", "log-evidence", 1),
        Column("ibic", "iBIC", 1),
        Column("ibic_difference", "ΔiBIC", 1),
    ]
    ahead = number(round(table["ibic_difference"].iloc[1], 1), 6)
    return Comparison(
        _section(Table("comparison", caption, table, columns)),
        f"By integrated BIC the best model is {_first_two(table)} by {ahead}.",
        f"{_listed(table)} were compared by the integrated BIC [@huys2011].",
    )


def _by_prediction(table: pd.DataFrame, fits: Mapping[str, Fit]) -> Comparison:
    """Return how well models predict new people."""
    columns = [
        MODEL,
        Column("elpd", "elpd", 1),
        Column("se", "s.e.", 1),
        Column("difference", "difference", 1),
        Column("difference_se", "its s.e.", 1),
        Column("weight", "weight", 2),
        Column("best_for", "best for", 0),
        Column("large_k", "large k", 0),
    ]
    caption = (
        f"{PARTICIPANT} Expected log predictive density (elpd) of a person left out, in nats, "
        "summed over participants; larger is better. Difference: from the best; weight: of "
        "the mixture of models that predicts best [@yao2018]; best for: participants whom the "
        "model predicts best; large k: participants for whom Pareto k is above 0.7, where the "
        "number is not to be trusted [@vehtari2017]."
    )
    second = table.iloc[1]
    apart = f"{number(round(abs(second['difference']), 1), 6)} nats"
    apart += f" (standard error {number(round(second['difference_se'], 1), 6)})"
    sentence = f"All choices of a new person are predicted best by {_first_two(table)} by {apart}"
    by_chance = -second["difference"] < 1.96 * second["difference_se"]
    sentence += ", which chance may have made." if by_chance else "."
    figure = Figure(
        "comparison",
        lambda axes: plot_comparison(table, axes[0]),
        "By how much models predict all choices of a new person worse than the best does: "
        "difference in elpd with 95 % interval.",
        qualified(sentence, *fits.values()).replace("`", ""),
    )
    done = (
        f"{_listed(table)} were compared by how well they predict all choices of a new person from "
        "the same population: expected log predictive densities by Pareto smoothed importance "
        "sampling, leaving out one participant after another [@vehtari2017], from marginal "
        "likelihoods [@merkle2019]. Standard errors are of paired differences, with participants "
        "as the sample; weights are those of stacking [@yao2018]."
    )
    return Comparison(
        _section(Table("comparison", caption, table, columns), figure), sentence, done
    )


def _frequencies(evidence: pd.DataFrame) -> tuple[Table, str]:
    """Return how frequent models are among people: a table, and the end of a sentence."""
    frequent = random_effects(evidence)
    first, sure = frequent.iloc[0], frequent["protected"].iloc[0]
    table = Table(
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
    return table, (
        f"the most frequent one among people is `{first['model']}` (frequency "
        f"{first['frequency']:.2f}, protected exceedance probability "
        f"{'above 0.99' if sure > 0.99 else f'{sure:.2f}'})."
    )


def _section(*blocks: Block) -> Section:
    return Section("Which model?", list(blocks))


def _first_two(table: pd.DataFrame) -> str:
    return f"`{table['model'].iloc[0]}`, ahead of `{table['model'].iloc[1]}`"


def _listed(table: pd.DataFrame) -> str:
    names: Sequence[str] = sorted(table["model"])
    return f"The models {joined(names)}"


def _chance(frequent: pd.DataFrame) -> str:
    value = float(frequent["bor"].iloc[0])
    return "below 0.001" if value < 0.001 else number(value)
