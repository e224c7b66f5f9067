"""What a report says of one fit: whether to trust it, the group, what it predicts, the model.

No participant is named in what is shown; tables that name them are files only.
"""

from __future__ import annotations

from inspect import cleandoc

import pandas as pd

from metacontrol.analysis.predictive import plot_predictive_stay, predictive_stay
from metacontrol.fitting.point import search_bounds
from metacontrol.fitting.result import Fit
from metacontrol.models.engine.predictor import INTERCEPT, Predictor
from metacontrol.reporting.blocks import (
    INTERVAL,
    QUARTILES,
    Block,
    Code,
    Column,
    Figure,
    Section,
    Table,
    Text,
    number,
)
from metacontrol.reporting.methods import without_names
from metacontrol.reporting.priors import in_words, likely, link_scale, priors, story
from metacontrol.tasks.choices import Choices


def trust(fit: Fit, prefix: str) -> Section:
    """Return the diagnostics with what to do."""
    checks = fit.diagnostics.assign(check=[without_names(c) for c in fit.diagnostics["check"]])
    rows = checks.to_dict("records")
    shown = checks.assign(
        value=[number(row["value"], 4) for row in rows],
        verdict=["✓ nothing" if row["ok"] else f"✗ {row['advice']}" for row in rows],
    )
    columns = [Column("check", "check"), Column("value", "value"), Column("wanted", "wanted")]
    caption = "Checks of the fit, and what to do where one is not as wanted."
    if "sample_stats" in fit.tree:
        caption += (
            " Where chains agree R-hat is 1; an effective sample size (ESS) says how many "
            "independent draws are worth as much as those there are [@vehtari2021]. Divergent "
            "transitions mark places that the sampler could not follow, and a low E-BFMI energies "
            "that it did not reach [@betancourt2016]."
        )
    table = Table(
        f"{prefix}diagnostics",
        caption,
        checks,
        [*columns, Column("verdict", "what to do")],
        shown,
    )
    return Section("Can it be trusted?", [table])


def group(fit: Fit, prefix: str) -> Section:
    """Return the group's table."""
    table = fit.group
    if not fit.sampled:
        caption = "Participants' estimates: mean, standard deviation and quartiles."
        columns = [Column("parameter", "parameter"), Column("mean", "mean", 2)]
        columns += [Column("sd", "sd", 2), *QUARTILES]
        return Section("The group", [Table(f"{prefix}group", caption, table, columns)])
    columns = [Column("parameter", "parameter"), Column("mean", "mean", 2), Column("sd", "sd", 2)]
    columns += [*INTERVAL, Column("rhat", "R-hat", 3), Column("ess_bulk", "ESS", 0)]
    order = {name: i for i, name in enumerate(fit.about["coefficients"])}
    bare = table["parameter"].str.replace(r"_(mean|sd|group)$", "", regex=True)
    table = table.iloc[bare.map(order).argsort(kind="stable")]
    natural = table["scale"] == "natural"
    median = table[natural].assign(parameter=table["parameter"].str.removesuffix("_group"))
    words = table["parameter"].str.replace(r"_(mean|sd)$", r", \1", regex=True)
    blocks: list[Block] = []
    if natural.any():
        caption = "The median participant, on the natural scale: posterior mean, standard "
        caption += "deviation and 95 % interval."
        blocks.append(Table(f"{prefix}median", caption, table[natural], columns, median))
    caption = "The distribution that participants come from: its means and standard deviations, on "
    caption += "the scale of each parameter's link."
    linked = table[~natural].assign(parameter=words)
    blocks.append(Table(f"{prefix}group", caption, table[~natural], columns, linked))
    return Section("The group", blocks)


def predicted(fit: Fit, data: Choices, draws: int, seed: int, prefix: str) -> Section:
    """Return the predictive check, if the task has what is needed for it."""
    heading = "Does it predict what they did?"
    if "second_state" not in data.frame:
        why = "There is no check of this: it sorts by second states, and the task has none."
        return Section(heading, [Text(why)])
    table = predictive_stay(fit, data, draws=draws, seed=seed)
    inside = table["observed"].between(table["lower"], table["upper"])
    said = f"The model's 95 % intervals hold {inside.sum()} of the {len(table)} observed values."
    where = [c for c in table if c not in ("observed", "predicted", "lower", "upper")]
    heads = [Column(c, c) for c in where]
    numbers = [Column("observed", "observed", 2), Column("predicted", "predicted", 2)]
    figure = Figure(
        f"{prefix}predictive_stay",
        lambda axes: plot_predictive_stay(table, axes[0]),
        "Choosing the same again, by what came of it. Dots: the participants. Lines and bands: "
        f"mean and 95 % interval of {number(draws)} data sets simulated from the fit. {said}",
        f"Observed and simulated probabilities of staying. {said}",
    )
    caption = "The numbers of the figure: probability of staying."
    checked = Table(f"{prefix}predictive_stay", caption, table, [*heads, *numbers, *INTERVAL])
    return Section(heading, [figure, checked])


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
                row |= {"prior": in_words(found[name]), "likely": likely(found[name])}
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
