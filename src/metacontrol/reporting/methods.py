"""The methods of a paper, in Markdown with citations: what was fitted to what, how, and how well.

Keys such as `@daw2011` are those of references.bib, as Pandoc reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import pandas as pd

from metacontrol.fitting.result import Fit
from metacontrol.reporting.blocks import listed, number
from metacontrol.reporting.priors import in_words, likely, link_scale, priors, story
from metacontrol.reporting.references import references_of

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
_OTHERS = {
    "laplace": "Each participant was fitted alone by Laplace's approximation: mode and curvature "
    "of the posterior on the scale of links.",
    "em": "The most probable group was found by EM, whose E-step took "
    + _WEIGHED
    + "; its standard "
    "errors come from the curvature there.",
    "em-laplace": "The most likely group was found by EM, whose E-step took the mode and curvature "
    "of each participant's posterior for its mean and variance [@huys2011].",
    "two-stage": "The posterior of the group was sampled in two stages [@lunn2013]: "
    + _WEIGHED
    + ", were recycled under each group that NUTS [@hoffman2014] visited, with {chains} chains of "
    "{draws} draws after {tune} tuning draws each.",
}


def methods(
    fits: Mapping[str, Fit], *, simulated: int = 0, compared: Sequence[str] = (), within: bool
) -> list[str]:
    """Return the paragraphs of the methods.

    Parameters
    ----------
    fits : mapping of str to Fit
        What is reported.
    simulated : int
        Data sets simulated for the predictive check; 0 if there is none.
    compared : sequence of str
        Names of the fits that were compared.
    within : bool
        Whether a figure has within-participant intervals.
    """
    first = next(iter(fits.values()))
    paragraphs = [_data(first)]
    for name, fit in fits.items():
        who = f"**{name}.** " if len(fits) > 1 else ""
        sentences = [_model(fit), _formulas(fit), _priors(fit), _method(fit), _quality(fit)]
        paragraphs.append(who + " ".join(filter(None, sentences)))
    checks = []
    if compared:
        checks.append(
            f"The models {listed(compared)} were compared by the Akaike [@akaike1974] and the "
            "Bayesian information criterion [@schwarz1978], and by random-effects Bayesian model "
            "selection with protected exceedance probabilities [@stephan2009; @rigoux2014], taking "
            "minus half of the BIC as each participant's log-evidence."
        )
    if simulated:
        checks.append(
            f"For the predictive check {number(simulated)} data sets as large as the original "
            f"were simulated from {'each' if len(fits) > 1 else 'the'} fit."
        )
    if within:
        checks.append("Intervals around changes are within participants [@morey2008].")
    if checks:
        paragraphs.append(" ".join(checks))
    paragraphs.append(_software(fits))
    return paragraphs


def of(source: str) -> str:
    """Return what a source says as part of a sentence, such as `of @daw2011`.

    Examples
    --------
    >>> of("ours, after Daw et al. (2011), doi:10.1016/j.neuron.2011.02.027")
    'of metacontrol, after @daw2011'
    """
    keys = [f"@{reference.key}" for reference in references_of(source)]
    if not keys:
        return f"({source})" if source else ""
    if source.startswith("ours"):
        return f"of metacontrol, after {listed(keys)}"
    return f"{'after' if source.startswith('after') else 'of'} {listed(keys)}"


def _data(fit: Fit) -> str:
    data = fit.about["data"]
    return (
        f"The data were the choices of {number(data['participants'])} participants on "
        f"{number(data['trials'])} trials, not counting missed ones, of the task "
        f"`{fit.task.name}` {of(getattr(fit.task, 'source', ''))}: {fit.task.about}."
    )


def _model(fit: Fit) -> str:
    model = fit.model
    fixed = [
        f"`{name}` = {f'`{value}`' if isinstance(value, str) else number(value)}"
        for name, value in model.fixed
    ]
    count = len(fit.about["coefficients"])
    return (
        f"Choices were fitted with the model `{model.name}` {of(model.source)}"
        + (f", with {listed(fixed)} fixed" if fixed else "")
        + f"; each participant has {count_word(count)} free parameter{'s' * (count != 1)}."
    )


def _formulas(fit: Fit) -> str:
    return " ".join(
        f"On the {link_scale(fit.model.parameter(name).link)} scale `{name}` followed the formula "
        f"`{name} ~ {formula}`."
        for name, formula in fit.formulas.items()
    )


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
        for name in predictor.coefficients:
            if f"{name}_mean" not in found:
                words = f"{in_words(found[name])} (95 % between {likely(found[name])})"
                own.setdefault(words, []).append(f"`{name}`")
                continue
            mean = found[f"{name}_mean"]
            words = f"{in_words(mean)} on the {link_scale(link)} scale"
            if predictor.terms is None:
                words += f" (95 % of median participants between {likely(mean, link)})"
            means.setdefault(words, []).append(f"`{name}`")
            if f"{name}_sd" in varying:
                spreads.setdefault(in_words(found[f"{name}_sd"]), []).append(f"`{name}`")
    if own:
        return f"Priors of each participant's parameters were {_each(own)}."
    return (
        "Each participant's parameters came from a normal distribution of the group, on the scale "
        f"of their link. Priors of its means were {_each(means)}; those of its standard deviations "
        f"were {_each(spreads)}."
    )


def _each(alike: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{words} for {listed(names)}" for words, names in alike.items())


def _method(fit: Fit) -> str:
    settings = dict(fit.about["settings"])
    if fit.method == "nuts":
        return _sampling(settings)
    if fit.method in _POINT:
        return (
            f"Each participant was fitted alone, by {_POINT[fit.method]}, with L-BFGS-B "
            "[@byrd1995], a quasi-Newton search within bounds, with exact gradients, from "
            f"{count_word(settings['starts'])} starting points (seed {settings['seed']}), of whose "
            "ends the best was kept."
        )
    return _OTHERS[fit.method].format(**{name: number(v) for name, v in settings.items()})


def _sampling(settings: Mapping[str, Any]) -> str:
    centring = settings["centring"]
    written = (
        "as departures from what a quick pass over the choices expects of them"
        if centring == "auto"
        else "partly centred [@papaspiliopoulos2007], with a share of centring of "
        f"{number(centring)}, where 0 is non-centred"
    )
    return (
        "The posterior of all participants together was sampled by NUTS [@hoffman2014], with "
        f"{count_word(settings['chains'])} chains of {number(settings['draws'])} draws after "
        f"{number(settings['tune'])} tuning draws each, a target acceptance rate of "
        f"{number(settings['target_accept'])} and seed {settings['seed']}. Participants' "
        f"parameters were written {written}."
    )


def _quality(fit: Fit) -> str:
    checks = fit.diagnostics.to_dict("records")
    if fit.method == "nuts":
        by_start = {row["check"].split(" (")[0]: row["value"] for row in checks}
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
    said = [f"{without_names(row['check'])}: {number(row['value'])}" for row in checks]
    return f"Checks of the fit gave: {'; '.join(said)}."


def without_names(check: str) -> str:
    """Return a check without the participants that it names."""
    return check.split(" (")[0] if check.startswith("participants") else check


def _software(fits: Mapping[str, Fit]) -> str:
    versions = pd.DataFrame([fit.about["versions"] for fit in fits.values()])
    said = {name: listed(versions[name].dropna().unique().tolist()) for name in versions}
    sampled = any("sample_stats" in fit.tree for fit in fits.values())
    point = any(fit.method in _POINT for fit in fits.values())
    parts = [
        f"metacontrol {said['metacontrol']} [@metacontrol2026]",
        f"JAX {said['jax']} [@jax2018], which works out likelihoods and their gradients",
    ]
    if sampled:
        parts.append(f"PyMC {said['pymc']} [@pymc2023]")
        parts.append(f"nutpie {said['nutpie']} [@nutpie2022]")
        parts.append(f"ArviZ {version('arviz')} [@arviz2026]")
    if point:
        parts.append(f"SciPy {version('scipy')} [@scipy2020]")
    return f"Software: {', '.join(parts)}."


def count_word(count: int) -> str:
    """Return a number as it stands in a text: up to twelve in words."""
    return _SMALL[count] if 0 <= count < len(_SMALL) else number(count)
