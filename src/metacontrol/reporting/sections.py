"""What a report says of one fit: whether to trust it, the model.

No participant is named in what is shown; tables that name them are files only.
"""

from __future__ import annotations

from inspect import cleandoc

import pandas as pd

from metacontrol.fitting.point import search_bounds
from metacontrol.fitting.result import Fit
from metacontrol.models.engine.predictor import INTERCEPT, Predictor
from metacontrol.reporting.blocks import (
    Block,
    Code,
    Column,
    Section,
    Table,
    Text,
    number,
)
from metacontrol.reporting.estimation import chains_of, checks
from metacontrol.reporting.priors import in_words, likely, link_scale, priors, story


def trust(fit: Fit, prefix: str) -> Section:
    """Return the diagnostics with what to do."""
    table = checks(fit)
    rows = table.to_dict("records")
    shown = table.assign(
        value=[number(row["value"], 4) for row in rows],
        verdict=["✓ nothing" if row["ok"] else f"✗ {row['advice']}" for row in rows],
    )
    columns = [Column("check", "check"), Column("value", "value"), Column("wanted", "wanted")]
    caption = "Checks of the fit, and what to do where one is not as wanted."
    if chains_of(fit):
        caption += (
            " Where chains agree R-hat is 1; an effective sample size (ESS) says how many "
            "independent draws are worth as much as those there are [@vehtari2021]. Divergent "
            "transitions mark places that the sampler could not follow, and a low E-BFMI energies "
            "that it did not reach [@betancourt2016]."
        )
    columns += [Column("verdict", "what to do")]
    found = Table(f"{prefix}diagnostics", caption, table, columns, shown)
    return Section("Can it be trusted?", [found])


def model(fit: Fit, prefix: str, told: str | None = None) -> Section:
    """Return the model's equations, or where they are told; its parameters and their priors."""
    above = Text(f"Its equations are those of {told}, above; some parameters may be fixed.")
    blocks: list[Block] = [above] if told else list(_equations(fit))
    found, rows, fitted = priors(fit), [], story(fit)
    spreads = set(fit.group["parameter"])
    searched = dict(zip(fitted.coefficients, search_bounds(fitted, None), strict=True))
    for predictor in fitted.predictors:
        parameter = predictor.parameter
        for name in predictor.coefficients:
            row = {"parameter": name, "meaning": _meaning(predictor, name)}
            if f"{name}_mean" in found:
                mean = found[f"{name}_mean"]
                own = f"{name}_sd" in spreads
                row["mean"] = in_words(mean)
                row["sd"] = in_words(found[f"{name}_sd"]) if own else "–"
                row["likely"] = likely(mean, None if predictor.terms else parameter.link)
            elif name in found:
                linked = fit.method == "laplace" and predictor.terms is None
                row["prior"] = in_words(found[name])
                row["likely"] = likely(found[name], parameter.link if linked else None)
            elif fit.method != "mle":
                row["likely"] = row["prior"] = "–"
            else:
                row["likely"] = " and ".join(number(edge) for edge in searched[name])
            rows.append(row)
    heads = {
        "parameter": "parameter",
        "meaning": "meaning",
        "prior": "prior",
        "mean": "group mean",
        "sd": "group sd",
        "likely": "95 % between" if found else "searched between",
    }
    table = pd.DataFrame(rows)
    columns = [Column(name, heading, whole=name != "meaning") for name, heading in heads.items()]
    columns = [column for column in columns if column.name in table]
    caption = "The parameters" + (" and their priors." if found else ".")
    if fit.method == "laplace":
        caption += (
            " Priors are on the scale of the link; the last column is on the natural scale "
            "(coefficients of formulas: on the link's)."
        )
    if f"{fit.about['coefficients'][0]}_mean" in found:
        caption += (
            " Those of group means and standard deviations are on the scale of the link. The last "
            "column says where a median participant lies beforehand, with 95 % probability, on the "
            "natural scale (coefficients of formulas: on the link's)."
        )
    blocks.append(Table(f"{prefix}parameters", caption, table, columns))
    return Section("The model", blocks)


def _equations(fit: Fit) -> list[Text | Code]:
    """Return what the model's class says of itself."""
    kind = type(fit.model)
    text = cleandoc(kind.__doc__ or "")
    if text.startswith(f"{kind.__name__}("):  # what Python makes up where nothing is written
        return []
    found: list[Text | Code] = []
    for part in text.split("\n\n"):
        if not part.startswith(" "):
            words = " ".join(part.split()).replace("``", "`")
            found.append(Text(words.replace("::", ":")))
        elif found and isinstance(found[-1], Code):
            found[-1] = Code(f"{found[-1].text}\n\n{_flush(part)}")
        else:
            found.append(Code(_flush(part)))
    return found


def _meaning(predictor: Predictor, name: str) -> str:
    """Return what a coefficient means."""
    parameter = predictor.parameter
    if predictor.terms is None:
        return parameter.meaning
    term = name.removeprefix(f"{parameter.name}_")
    scale = f"on the {link_scale(parameter.link)} scale"
    if term == INTERCEPT:
        return f"{parameter.meaning.removesuffix('.')}; where all columns are 0, {scale}."
    return f"Change of {parameter.name} with {term}, {scale}."


def _flush(part: str) -> str:
    return "\n".join(line.removeprefix("    ") for line in part.splitlines())
