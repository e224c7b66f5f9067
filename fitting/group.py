"""The hierarchical model: every participant's coefficients come from a group's distribution."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import jax
import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import xarray as xr
from pytensor import wrap_jax

from metacontrol.fitting.priors import group_priors
from metacontrol.models.engine import replay
from metacontrol.models.engine.records import Records
from metacontrol.models.formulas import Formulas
from metacontrol.models.model import Model
from metacontrol.models.parameter import Prior
from metacontrol.models.scoring import Scoring
from metacontrol.tasks.choices import Choices

NON_CENTRED: Mapping[str, Any] = MappingProxyType({})


def build_model(
    model: Model,
    data: Choices,
    *,
    formulas: Formulas | None = None,
    priors: Mapping[str, Prior] | None = None,
    centring: Mapping[str, Any] = NON_CENTRED,
) -> pm.Model:
    """Return the hierarchical PyMC model that `fit(method="nuts")` samples.

    For each coefficient c of participant i, on the scale of its link::

        c_i ~ Normal(c_mean, c_sd)

    written with a share s of centring, 0 (non-centred) by default and 1 for centred, as

        c_z[i] ~ Normal(s * c_mean, c_sd ** s)
        c_i    = c_mean + c_sd ** (1 - s) * (c_z[i] - s * c_mean)

    which is the same distribution for every s (Papaspiliopoulos, Roberts & Skold, 2007,
    doi:10.1214/088342307000000014).

    A coefficient whose regressor does not vary within any participant (a group, an age) has no
    spread of its own: the intercept has it.

    Parameters
    ----------
    model : Model
        The model.
    data : Choices
        The choices.
    formulas : mapping of str to str, optional
        Such as ``{"w": "1 + load"}``.
    priors : mapping of str to Prior, optional
        Priors that replace the defaults, by name: `w_mean`, `w_sd`, `w_load_mean` and so on.
    centring : mapping of str to float or array, shape (participants,), optional
        For a coefficient its share of centring: near 1 mixes well where a participant's data say
        much about it, near 0 where they say little.

    Returns
    -------
    pymc.Model
        Variables `<c>_mean`, `<c>_sd`, `<c>_z`; deterministic `<c>` for each participant (natural
        scale; coefficients of a formula on the link's), `<c>_group` (the median participant,
        natural scale) and `log_likelihood`, in nats, for each participant. Compile it for JAX:
        ``pm.sample(backend="jax", compile_kwargs={"gradient_backend": "jax"})``.
    """
    return assemble(Scoring.of(model, data, formulas), priors, centring)


def log_likelihood_op(
    model: Model, data: Choices, formulas: Formulas | None = None
) -> tuple[Callable[[Any], Any], tuple[str, ...]]:
    """Return the likelihood as a PyTensor function, for a `pm.Model` of your own.

    Returns
    -------
    function
        From a tensor of coefficients, shape (participants, coefficients), participants in the
        order of `data.participants`, to log-likelihoods in nats, shape (participants,).
    tuple of str
        The coefficients, in the order of the columns.
    """
    scoring = Scoring.of(model, data, formulas)
    return _op(scoring), scoring.story.coefficients


def assemble(
    scoring: Scoring,
    given: Mapping[str, Prior] | None = None,
    centring: Mapping[str, Any] = NON_CENTRED,
) -> pm.Model:
    """Return the hierarchical model of choices already laid out; see `build_model`."""
    priors = group_priors(scoring.story, given)
    unknown = set(centring) - set(scoring.story.coefficients)
    if unknown:
        known = ", ".join(scoring.story.coefficients)
        raise ValueError(f"no coefficient is called {', '.join(unknown)}; known: {known}")
    columns = []
    with pm.Model(coords={"participant": scoring.participants}) as model:
        for predictor in scoring.story.predictors:
            link = predictor.parameter.link
            for name in predictor.coefficients:
                mean = _variable(f"{name}_mean", priors[f"{name}_mean"])
                if scoring.varies.get(name, True):
                    spread = _variable(f"{name}_sd", priors[f"{name}_sd"])
                    share = centring.get(name, 0.0)
                    z = pm.Normal(f"{name}_z", share * mean, spread**share, dims="participant")
                    value = mean + spread ** (1 - share) * (z - share * mean)
                else:
                    value = mean + pt.zeros(len(scoring.participants), dtype="float64")
                if predictor.terms is None:
                    pm.Deterministic(f"{name}_group", link.inverse(mean, pt))
                    value = link.inverse(value, pt)
                columns.append(pm.Deterministic(name, value, dims="participant"))
        score = _op(scoring)(pt.stack(columns, axis=1))
        score = pm.Deterministic("log_likelihood", score, dims="participant")
        pm.Potential("choices", score.sum())
    return model


def informed_centring(scoring: Scoring, pilot: xr.Dataset) -> dict[str, np.ndarray]:
    """Return each participant's share of centring, from a short non-centred run.

    It is the share by which the data narrow a participant's coefficient: one minus its posterior
    variance over the group's variance. The latter is taken at the low end (5 %) of what the pilot
    finds likely, because where a spread may be small only non-centred draws move freely.

    Parameters
    ----------
    scoring : Scoring
        Model and choices.
    pilot : Dataset
        Draws of a model from `assemble` without centring.
    """
    shares = {}
    for name in scoring.story.coefficients:
        if f"{name}_z" in pilot:
            value = pilot[f"{name}_mean"] + pilot[f"{name}_sd"] * pilot[f"{name}_z"]
            own = value.var("draw", ddof=1).mean("chain").to_numpy()
            group = float(pilot[f"{name}_sd"].quantile(0.05)) ** 2
            shares[name] = np.clip(1 - own / group, 0.0, 1.0)
    return shares


def named_records(records: Records) -> dict[str, np.ndarray]:
    """Return the arrays of records, by the names under which a compiled model holds them.

    ``compiled.with_data(**named_records(others))`` has it sample other choices of as many people,
    without compiling again.
    """
    leaves = jax.tree_util.tree_leaves_with_path(records)
    return {f"records{jax.tree_util.keystr(path)}": np.asarray(leaf) for path, leaf in leaves}


def _op(scoring: Scoring) -> Callable[[Any], Any]:
    shape = len(scoring.participants), len(scoring.story.coefficients)
    held = [
        pytensor.shared(values, name=name, shape=values.shape)
        for name, values in named_records(scoring.records).items()
    ]
    records = jax.tree.unflatten(jax.tree.structure(scoring.records), held)

    def score(coefficients: Any, records: Records) -> Any:
        return replay.log_likelihood(scoring.story, records)(coefficients)

    op = wrap_jax(score)
    return lambda coefficients: op(pt.specify_shape(coefficients, shape), records)


def _variable(name: str, prior: Prior) -> Any:
    """Return a PyMC variable with a prior of ours."""
    match prior.family, prior.arguments:
        case "normal", (mean, sd):
            return pm.Normal(name, mean, sd)
        case "half_normal", (sd,):
            return pm.HalfNormal(name, sd)
        case "beta", (a, b):
            return pm.Beta(name, a, b)
        case "gamma", (shape, scale):
            return pm.Gamma(name, shape, 1 / scale)
        case _, (low, high):
            return pm.Uniform(name, low, high)
        case _:
            raise AssertionError(prior)
