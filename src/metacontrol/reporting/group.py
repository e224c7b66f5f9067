"""What a report says of the group: its medians, means, standard deviations and correlations."""

from __future__ import annotations

from metacontrol.fitting.result import Fit
from metacontrol.reporting.blocks import INTERVAL, QUARTILES, Block, Column, Section, Table
from metacontrol.reporting.estimation import chains_of, shades

MEAN, SD = Column("mean", "mean", 2), Column("sd", "sd", 2)
SURE: tuple[Column, ...] = (
    MEAN,
    SD,
    *INTERVAL,
    Column("rhat", "R-hat", 3),
    Column("ess_bulk", "ESS", 0),
)


def group(fit: Fit, prefix: str) -> Section:
    """Return the group's tables."""
    parameter = Column("parameter", "parameter")
    if not fit.sampled:
        caption = "Participants' estimates: mean, standard deviation and quartiles"
        caption += "" if _determined(fit) else " of those people whose estimate anything determines"
        columns = [parameter, Column("participants", "people", 0), MEAN, SD, *QUARTILES]
        return Section("The group", [Table(f"{prefix}group", f"{caption}.", fit.group, columns)])
    table = fit.group
    order = {name: i for i, name in enumerate(fit.about["coefficients"])}
    bare = table["parameter"].str.replace(r"_(mean|sd|group)$", "", regex=True)
    table = table.iloc[bare.map(order).argsort(kind="stable")]
    heads = [parameter, *([Column("session", "session")] if "session" in table else [])]
    natural = table["scale"] == "natural"
    median = table[natural].assign(parameter=table["parameter"].str.removesuffix("_group"))
    words = table["parameter"].str.replace(r"_(mean|sd)$", r", \1", regex=True)
    linked = table[~natural].assign(parameter=words)
    who = "The median participant, on the natural scale: "
    what = "The distribution that participants come from: its means and standard deviations, on "
    what += "the scale of each parameter's link"
    if chains_of(fit):
        who += "posterior mean, standard deviation and 95 % interval."
        of_median = of_group = SURE
        what += "."
    else:
        drawn = f"mean, standard deviation and 95 % interval over draws of the {shades(fit)}."
        who += drawn
        what += f": {drawn}"
        of_median = of_group = (MEAN, SD, *INTERVAL)
    blocks: list[Block] = []
    if natural.any():
        columns = [*heads, *of_median]
        blocks.append(Table(f"{prefix}median", who, table[natural], columns, median))
    columns = [*heads, *of_group]
    blocks.append(Table(f"{prefix}group", what, table[~natural], columns, linked))
    return Section("The group", [*blocks, *_correlations(fit, prefix)])


def _determined(fit: Fit) -> bool:
    """Return whether choices, or a prior, determine all estimates."""
    return bool((fit.group["participants"] == len(fit.parameters)).all())


def _correlations(fit: Fit, prefix: str) -> list[Block]:
    """Return the correlations over people, if the fit has some."""
    settings = fit.about["settings"]
    if not (settings.get("correlated") or settings.get("sessions")):
        return []
    table = fit.correlations
    caption = "Correlations over people, on the scale of links"
    caption += ", between sessions" if settings.get("sessions") else ""
    caption += ": posterior mean, standard deviation and 95 % interval."
    known = {"parameter", "parameter_a", "parameter_b", "session_a", "session_b"}
    heads = [Column(str(c), str(c).partition("_")[0]) for c in table if c in known]
    return [Table(f"{prefix}correlations", caption, table, [*heads, *SURE])]
