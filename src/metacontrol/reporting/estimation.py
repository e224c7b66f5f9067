"""How parameters were found, in the words of a methods section: priors, search or sampling, checks.

Keys such as `@daw2011` are those of references.bib, as Pandoc reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from metacontrol.fitting.point import search_bounds
from metacontrol.fitting.result import Fit
from metacontrol.reporting.blocks import listed, number
from metacontrol.reporting.priors import in_words, likely, link_scale, priors, story

_SMALL = "no one two three four five six seven eight nine ten eleven twelve".split()
_POINT = {"mle": "maximum likelihood", "map": "maximum a posteriori"}
METHODS = {
    **_POINT,
    "laplace": "Laplace's approximation",
    "em": "EM",
    "em-laplace": "EM with Laplace's approximation",
    "two-stage": "two stages",
    "nuts": "NUTS",
}
_WEIGHED = "{importance} draws of each participant, weighted by importance (seed {seed})"
_AROUND = (
    " The group's standard errors come from the curvature there. Draws from the normal "
    "distribution that they describe stand for what is not known of the group: {chains} times "
    "{draws}."
)
_CHAINS = (
    "with {chains} chains of {draws} draws after {tune} tuning draws each, a target acceptance "
    "rate of {target_accept} and seed {seed}."
)
_SAYS = {
    "laplace": "Each participant was fitted alone by Laplace's approximation: the mode of the "
    "posterior on the scale of links, and its curvature there.",
    "em": "The most probable group was found by EM [@dempster1977], whose E-step took "
    + _WEIGHED
    + "."
    + _AROUND,
    "em-laplace": "The most likely group was found by EM [@dempster1977], whose E-step took the "
    "mode and curvature of each participant's posterior for its mean and variance [@huys2011]. "
    "Participants were then looked at with " + _WEIGHED + "." + _AROUND,
    "two-stage": "The posterior of the group was sampled in two stages [@lunn2013]: {importance} "
    "draws of each participant, made where EM [@dempster1977] puts the group, were weighted by "
    "importance anew under each group that NUTS [@hoffman2014] visited, " + _CHAINS,
    "nuts": "The posterior of all participants together was sampled by NUTS [@hoffman2014], "
    + _CHAINS,
}
_INFORMED = (
    "Beforehand EM with importance-weighted draws [@dempster1977] found about where the group is, "
    "and how far and on which scale each participant's choices tell parameters apart. Where it was "
    "sure how much people differ in a parameter, theirs were written as departures from what that "
    "lets one expect, which generalizes partial centring [@papaspiliopoulos2007]; else they were "
    "non-centred."
)
_ENDS = "95 % intervals, from the 2.5 % to the 97.5 % quantile of the draws."
_SHOWN = {
    "laplace": "Reported are modes with 95 % intervals of the normal approximation on the scale of "
    "links.",
    "em": "Reported are means over these draws and " + _ENDS,
    "em-laplace": "Reported are means over these draws and " + _ENDS,
    "two-stage": "Reported are posterior means and " + _ENDS,
    "nuts": "Reported are posterior means and " + _ENDS,
}


def estimation(fit: Fit) -> list[str]:
    """Return sentences on how a fit was made, and how well."""
    return [_group(fit), _priors(fit), _method(fit), _shown(fit), _quality(fit)]


def chains_of(fit: Fit) -> bool:
    """Whether chains sampled the group, so that R-hat and the like say something."""
    return "sample_stats" in fit.tree.children


def shades(fit: Fit) -> str:
    """Return what draws of a group are of."""
    best = {"em": "most probable", "em-laplace": "most likely"}.get(fit.method)
    return f"normal distribution around the {best} group" if best else "posterior"


def checks(fit: Fit) -> pd.DataFrame:
    """Return the diagnostics without names of participants, those only that say something."""
    names = [without_names(check) for check in fit.diagnostics["check"]]
    table = fit.diagnostics.assign(check=pd.Series(names, dtype=str))
    if fit.method == "laplace":  # one search of each: there are no others to agree with
        table = table.loc[~table["check"].str.contains("reached once only")]
        table = table.assign(check=table["check"].str.replace("best search", "search"))
    return table.reset_index(drop=True)


def qualified(said: str, *fits: Fit) -> str:
    """Return what fits say; first, where it is so, that their diagnostics do not bear it out."""
    if all(fit.doubts.empty for fit in fits):
        return said
    return f"Not to be relied on, since diagnostics are not as wanted: {said[0].lower()}{said[1:]}"


def without_names(what: str) -> str:
    """Return what is counted without the participants that are named in brackets."""
    return what.split(" (")[0] if what.startswith("participants") else what


def _group(fit: Fit) -> str:
    """Return where participants' parameters come from, if not from priors of their own."""
    if not fit.sampled:
        return ""
    settings = fit.about["settings"]
    said = (
        "Each participant's parameters came from a normal distribution of the group, on the scale "
        "of their link"
    )
    said += ", whose numbers had no priors." if fit.method == "em-laplace" else "."
    if moving := [f"`{name}`" for name in fit.shared]:
        said += (
            f" {listed(moving)} {'is' if len(moving) == 1 else 'are'} the same for everybody: what "
            "does not change within a person moves the group's means."
        )
    if tied := settings.get("correlated"):
        names = (
            "All of them" if tied is True else f"Of them {listed([f'`{name}`' for name in tied])}"
        )
        said += f" {names} correlated over people, with an LKJ(2) prior [@lewandowski2009]."
    if column := settings.get("sessions"):
        said += (
            f" Each session (`{column}`) was learned anew and had a group of its own; over people "
            "each parameter correlated between sessions, with an LKJ(1) prior, which is uniform "
            "[@lewandowski2009]."
        )
    return said


def _priors(fit: Fit) -> str:
    found = priors(fit)
    if not found:
        return ""
    own: dict[str, list[str]] = {}
    means: dict[str, list[str]] = {}
    spreads: dict[str, list[str]] = {}
    varying = set(fit.group["parameter"])
    for predictor in story(fit).predictors:
        link = predictor.parameter.link
        scale = f" on the {link_scale(link)} scale"
        for name in predictor.coefficients:
            if name in found:
                linked = fit.method == "laplace" or predictor.terms is not None
                natural = None if predictor.terms or fit.method != "laplace" else link
                words = in_words(found[name]) + scale * linked
                words += f" (95 % between {likely(found[name], natural)})"
                own.setdefault(words, []).append(f"`{name}`")
            if f"{name}_mean" in found:
                mean = found[f"{name}_mean"]
                words = in_words(mean) + scale
                if predictor.terms is None:
                    words += f" (95 % of median participants between {likely(mean, link)})"
                means.setdefault(words, []).append(f"`{name}`")
            if f"{name}_sd" in varying and f"{name}_sd" in found:
                spreads.setdefault(in_words(found[f"{name}_sd"]), []).append(f"`{name}`")
    said = (
        f"Priors of each participant's parameters were {_each(own)}."
        if own
        else f"Priors of the group's means were {_each(means)}; those of its standard deviations "
        f"were {_each(spreads)}."
    )
    if fit.method == "laplace":
        said += " They have the means and variances that the priors of a group imply."
    families = {prior.family for prior in found.values()}
    if "normal" in families:
        said += " The second number of a Normal is its standard deviation."
    if "half_normal" in families:
        said += " That of a HalfNormal is the standard deviation of the Normal that it is half of."
    return said


def _each(alike: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{words} for {listed(names)}" for words, names in alike.items())


def _method(fit: Fit) -> str:
    settings = dict(fit.about["settings"])
    if fit.method in _POINT:
        return (
            f"Each participant was fitted alone, by {_POINT[fit.method]}, with L-BFGS-B "
            "[@byrd1995], a quasi-Newton search within bounds, with exact gradients, from "
            f"{count_word(settings['starts'])} starting points (seed {settings['seed']}), of whose "
            f"ends the best was kept. {_bounds(fit)}"
        )
    words = {name: number(v) for name, v in settings.items() if isinstance(v, int | float)}
    words |= {"seed": str(settings["seed"])}
    words |= {"chains": count_word(settings["chains"])} if "chains" in settings else {}
    said = _SAYS[fit.method].format(**words)
    if fit.method != "nuts":
        return said
    centring = settings["centring"]
    if centring == "auto":
        return f"{said} {_INFORMED}"
    return (
        f"{said} Participants' parameters were written partly centred [@papaspiliopoulos2007], "
        f"with a share of centring of {number(centring)}, where 0 is non-centred."
    )


def _bounds(fit: Fit) -> str:
    """Return between which values was searched."""
    fitted, alike = story(fit), dict[str, list[str]]()
    ends = np.round(search_bounds(fitted, None), 6)
    for name, (low, high) in zip(fitted.coefficients, ends, strict=True):
        alike.setdefault(f"between {number(low)} and {number(high)}", []).append(f"`{name}`")
    return f"Bounds of the search: {'; '.join(f'{listed(n)} {w}' for w, n in alike.items())}."


def _shown(fit: Fit) -> str:
    if fit.method in _SHOWN:
        return _SHOWN[fit.method]
    left_open = int(np.sum(~fit.participants["determined"].to_numpy()))
    said = "Reported are the best estimates, and their mean, standard deviation and quartiles over "
    said += "participants."
    if left_open:
        said += (
            " An estimate that nothing determines stands in the middle of its range, and is left "
            "out of these."
        )
    return said


def _quality(fit: Fit) -> str:
    rows = checks(fit).to_dict("records")
    if fit.method == "nuts":
        by_start = {row["check"].split(" (")[0]: row["value"] for row in rows}
        divergent = int(by_start["divergent transitions"])
        return (
            f"Over the group's parameters, the largest R-hat was "
            f"{by_start['largest R-hat']:.3f} and the smallest effective sample sizes were "
            f"{number(by_start['smallest bulk ESS'])} (bulk) and "
            f"{number(by_start['smallest tail ESS'])} (tail) [@vehtari2021]; the smallest E-BFMI "
            f"was {by_start['smallest E-BFMI']:.2f} [@betancourt2016], and there "
            f"{'was' if divergent == 1 else 'were'} {count_word(divergent)} divergent "
            f"transition{'s' * (divergent != 1)}."
        )
    said = [f"{row['check']}: {number(row['value'])}" for row in rows]
    return f"Checks of the fit gave: {'; '.join(said)}."


def count_word(count: int) -> str:
    """Return a number as it stands in a text: up to twelve in words."""
    return _SMALL[count] if 0 <= count < len(_SMALL) else number(count)
