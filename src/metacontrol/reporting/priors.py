"""The priors of a fit, in words and numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import stats

from metacontrol.fitting.fit import WITHOUT_PRIORS
from metacontrol.fitting.priors import coefficient_priors, group_priors, variance_of_people
from metacontrol.fitting.result import Fit
from metacontrol.models.engine.predictor import Predictor
from metacontrol.models.engine.story import Story
from metacontrol.models.parameter import Link, Prior
from metacontrol.reporting.blocks import number


def story(fit: Fit) -> Story:
    """Return what was fitted, as the priors need it: model, task and predictors."""
    coefficients = fit.about["coefficients"]
    own = {parameter.name for parameter in fit.model.free}
    found = []
    for parameter in fit.model.free:
        start = f"{parameter.name}_"
        terms = [c.removeprefix(start) for c in coefficients if c.startswith(start)]
        terms = [term for term in terms if start + term not in own]
        follows = parameter.name in fit.formulas
        found.append(Predictor(parameter, tuple(terms) if follows else None))
    return Story(fit.model, fit.task, tuple(found))


def priors(fit: Fit) -> dict[str, Prior]:
    """Return the priors of a fit: of coefficients where each is alone, of means and sds else.

    Those of laplace are on the scale of links. By mle and em-laplace there are none.
    """
    if fit.method in WITHOUT_PRIORS:
        return {}
    if fit.method == "map":
        return coefficient_priors(story(fit), fit.priors)
    group = group_priors(story(fit), fit.priors)
    return _alone(fit, group) if fit.method == "laplace" else group


def _alone(fit: Fit, group: Mapping[str, Prior]) -> dict[str, Prior]:
    """Return what a group's priors imply for one participant, as `Individuals.prior` does.

    Coefficients of what does not vary within people have none: alone, they are 0.
    """
    table = fit.participants
    own = table.loc[table["determined"], "parameter"].unique()
    found = {}
    for name in (c for c in fit.about["coefficients"] if c in own):
        mean, sd = group[f"{name}_mean"], group[f"{name}_sd"]
        variance = variance_of_people(mean, sd)
        found[name] = Prior("normal", mean.mean, float(np.sqrt(variance)))
    return found


def in_words(prior: Prior) -> str:
    """Return a prior as papers write it.

    Examples
    --------
    >>> in_words(Prior("gamma", 1.2, 5.0)), in_words(Prior("half_normal", 1.0))
    ('Gamma(shape 1.2, scale 5)', 'HalfNormal(1)')
    """
    values = [number(value) for value in prior.arguments]
    if prior.family == "gamma":
        values = [f"shape {values[0]}", f"scale {values[1]}"]
    return f"{prior.family.title().replace('_', '')}({', '.join(values)})"


def likely(prior: Prior, link: Link | None = None) -> str:
    """Return the central 95 % of a prior, on the natural scale if its link is given.

    Examples
    --------
    >>> likely(Prior("normal", 0.0, 1.5), Link("logit"))
    '0.05 and 0.95'
    """
    match prior.family, prior.arguments:
        case "normal", (mean, sd):
            found = stats.norm(mean, sd)
        case "half_normal", (sd,):
            found = stats.halfnorm(scale=sd)
        case "beta", (a, b):
            found = stats.beta(a, b)
        case "gamma", (shape, scale):
            found = stats.gamma(shape, scale=scale)
        case _, (low, high):
            found = stats.uniform(low, high - low)
        case _:
            raise AssertionError(prior)
    ends = found.ppf([0.025, 0.975])
    ends = ends if link is None else link.inverse(ends)
    return " and ".join(number(float(end), 2) for end in ends)


def link_scale(link: Link) -> str:
    """Return what a link's scale is called."""
    return {"identity": "natural"}.get(link.name, link.name)
