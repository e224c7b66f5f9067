"""The hierarchical model: every participant's coefficients come from a group's distribution."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import jax
import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pytensor import wrap_jax

from metacontrol.fitting.hierarchy import Hierarchy
from metacontrol.fitting.individuals import Individuals
from metacontrol.fitting.information import Information
from metacontrol.fitting.priors import check_regressors, group_priors
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
    spread of its own: the intercept has it. Likewise that of age:load, beside load.

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
    individuals = Individuals(Scoring.of(model, data, formulas))
    check_regressors(individuals.scoring, group=True, given=priors)
    unknown = set(centring) - set(individuals.scoring.story.coefficients)
    if unknown:
        known = ", ".join(individuals.scoring.story.coefficients)
        raise ValueError(f"no coefficient is called {', '.join(unknown)}; known: {known}")
    return assemble(individuals, group_priors(individuals.scoring.story, priors), centring)


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
    individuals: Individuals,
    priors: Mapping[str, Prior],
    written: Mapping[str, Any] | Information = NON_CENTRED,
    *,
    correlated: Sequence[str] = (),
    sessions: Sequence[str] = (),
) -> pm.Model:
    """Return the hierarchical model of choices already laid out; see `build_model`.

    Parameters
    ----------
    individuals : Individuals
        Likelihoods; if there are sessions, of one person's sessions after another's.
    priors : mapping of str to Prior
        From `group_priors`.
    written : mapping of str to float or array, or Information
        Shares of centring as for `build_model`, or coordinates that know what choices tell.
    correlated : sequence of str
        Coefficients that correlate over people.
    sessions : sequence of str
        Each person's sessions. Each has a group of its own; coefficients correlate over them.
    """
    scoring, names, hierarchy = individuals.scoring, individuals.names, Hierarchy.of(individuals)
    unknown = [name for name in correlated if name not in names]
    if unknown or len(correlated) == 1:
        raise ValueError(
            f"correlated must name two or more of {', '.join(names)}; got {', '.join(correlated)}"
        )
    lanes, times = len(scoring.participants), max(1, len(sessions))
    coords: dict[str, Any] = {"participant": scoring.participants, "coefficient": names}
    coords |= dict.fromkeys(("session", "session_a", "session_b") if sessions else (), sessions)
    coords |= dict.fromkeys(("parameter_a", "parameter_b") if correlated else (), correlated)

    def each(variable: Any) -> Any:
        """Return what holds for all, or for all of a session, for each of the lanes."""
        return pt.tile(variable, lanes // times) if sessions else pt.repeat(variable[None], lanes)

    with pm.Model(coords=coords) as model:
        group = {
            name: each(_variable(name, priors[name], "session" if sessions else None))
            for name in _group_names(individuals)
        }
        mean = {name: group[f"{name}_mean"] for name in scoring.story.coefficients}
        means = pt.stack([mean[name] for name in hierarchy.names], axis=1)
        expected = (means * hierarchy.regressors) @ hierarchy.moves
        sd = pt.stack([group[f"{name}_sd"] for name in names], axis=1)
        factors = _correlations(names, correlated, sessions)
        if isinstance(written, Information):
            z = pm.Flat("z", dims=("participant", "coefficient"))
            apart, volume = written.departures(z, expected, sd)
            pm.Potential("people", volume + _log_density(apart, factors, times))
            apart = sd * apart
        else:
            shares = [np.broadcast_to(written.get(n, np.array(0.0)), lanes) for n in names]
            share = np.stack(shares, axis=1)
            z = pm.Normal("z", share * expected, sd**share, dims=("participant", "coefficient"))
            apart = sd ** (1 - share) * _correlate(z - share * expected, factors, times)
        columns = []
        for predictor in scoring.story.predictors:
            link = predictor.parameter.link
            for name in predictor.coefficients:
                value = mean[name]
                if name in names:
                    value = value + apart[:, names.index(name)]
                if predictor.terms is None:
                    pm.Deterministic(
                        f"{name}_group",
                        link.inverse(model[f"{name}_mean"], pt),
                        dims="session" if sessions else None,
                    )
                    value = link.inverse(value, pt)
                columns.append(pm.Deterministic(name, value, dims="participant"))
        score = _op(scoring)(pt.stack(columns, axis=1))
        score = pm.Deterministic("log_likelihood", score, dims="participant")
        pm.Potential("choices", score.sum())
    return model


def _group_names(individuals: Individuals) -> list[str]:
    """Return the names of the group's means, and of the standard deviations of what differs."""
    return [
        f"{name}_{what}"
        for name in individuals.scoring.story.coefficients
        for what in (("mean", "sd") if name in individuals.names else ("mean",))
    ]


Factors = list[tuple[list[int], Any]]  # which columns correlate, and the triangular factor


def _correlations(
    names: Sequence[str], correlated: Sequence[str], sessions: Sequence[str]
) -> Factors:
    """Return which coefficients correlate, among a person's sessions one after another."""
    if sessions:
        times, size = len(sessions), len(names)
        return [
            (
                [time * size + k for time in range(times)],
                _correlation(f"{name}_correlation", times, 1.0, ("session_a", "session_b")),
            )
            for k, name in enumerate(names)
        ]
    if correlated:
        dims = ("parameter_a", "parameter_b")
        factor = _correlation("correlation", len(correlated), 2.0, dims)
        return [([names.index(name) for name in correlated], factor)]
    return []


def _correlation(name: str, size: int, shape: float, dims: tuple[str, str]) -> Any:
    factor = pm.LKJCorr(f"{name}_factor", n=size, eta=shape)
    pm.Deterministic(name, (factor[:, None, :] * factor).sum(axis=2), dims=dims)
    return factor


def _correlate(apart: Any, factors: Factors, times: int) -> Any:
    """Return independent departures, shape (lanes, coefficients), made to correlate."""
    people = apart.reshape((apart.shape[0] // times, -1))
    for where, factor in factors:
        mixed = (people[:, where][:, None, :] * factor).sum(axis=2)
        people = people[:, where].set(mixed)
    return people.reshape(apart.shape)


def _log_density(apart: Any, factors: Factors, times: int) -> Any:
    """Return the log-density of correlating departures, but for a constant."""
    people = apart.reshape((apart.shape[0] // times, -1))
    volume = 0.0
    for where, factor in factors:
        independent = pt.linalg.solve_triangular(factor, people[:, where].T, lower=True).T
        people = people[:, where].set(independent)
        volume = volume + people.shape[0] * pt.log(pt.diagonal(factor)).sum()
    return -(people**2).sum() / 2 - volume


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


def _variable(name: str, prior: Prior, dims: str | None) -> Any:
    """Return a PyMC variable with a prior of ours."""
    match prior.family, prior.arguments:
        case "normal", (mean, sd):
            return pm.Normal(name, mean, sd, dims=dims)
        case "half_normal", (sd,):
            return pm.HalfNormal(name, sd, dims=dims)
        case "beta", (a, b):
            return pm.Beta(name, a, b, dims=dims)
        case "gamma", (shape, scale):
            return pm.Gamma(name, shape, 1 / scale, dims=dims)
        case _, (low, high):
            return pm.Uniform(name, low, high, dims=dims)
        case _:
            raise AssertionError(prior)
