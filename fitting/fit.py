"""From choices to parameters."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr

from metacontrol.fitting.priors import check_regressors, coefficient_priors, group_priors
from metacontrol.fitting.result import Fit, describe_model, describe_task
from metacontrol.fitting.sessions import session_names, split_sessions
from metacontrol.models.formulas import Formulas, formula_columns
from metacontrol.models.model import Model
from metacontrol.models.parameter import Prior
from metacontrol.models.scoring import Scoring
from metacontrol.tasks.choices import Choices

Method = Literal["mle", "map", "nuts"]
METHODS = get_args(Method)


def fit(
    model: Model,
    data: Choices,
    *,
    method: Method = "nuts",
    formulas: Formulas | None = None,
    priors: Mapping[str, Prior] | None = None,
    seed: int,
    starts: int = 16,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    target_accept: float = 0.9,
    centring: Literal["auto"] | float = "auto",
    correlated: bool | Sequence[str] = False,
    sessions: str | None = None,
    progress: bool = True,
) -> Fit:
    """Fit a model to choices.

    Parameters
    ----------
    model : Model
        The model.
    data : Choices
        The choices.
    method : {"mle", "map", "nuts"}
        Maximum likelihood or maximum a posteriori for each participant by itself; or all together
        as a group, hierarchically, sampled by NUTS.
    formulas : mapping of str to str, optional
        Parameters that depend on columns, such as ``{"w": "1 + load"}``. Coefficients are on the
        scale of the parameter's link and are called `w_Intercept`, `w_load`.
    priors : mapping of str to Prior, optional
        Priors that replace the defaults: by coefficient (`w`) for map; by `w_mean`, `w_sd` for
        nuts, on the scale of the link.
    seed : int
        Seed of starting points and sampling.
    starts : int
        Searches for each participant, for mle and map.
    draws, tune, chains : int
        Kept and tuning draws of each chain, and number of chains, for nuts.
    cores : int, optional
        Chains at once; by default as many as there are processors.
    target_accept : float
        Acceptance rate that NUTS aims at, between 0 and 1.
    centring : "auto" or float
        How nuts writes participants' coefficients, see `build_model`: 0 is non-centred, 1 centred;
        "auto" writes each participant's as departures from what a quick pass over the choices
        expects of them, which needs far fewer gradients.
    correlated : bool or sequence of str
        Whether coefficients correlate over people (or which do), for nuts, with an LKJ(2) prior:
        see `Fit.correlations`.
    sessions : str, optional
        For nuts, the column that says which session a trial belongs to. Each session is learned
        anew and has its own group; each coefficient correlates over sessions, with a uniform prior
        (LKJ(1)): see `Fit.correlations`. Participants of the fit are those of `split_sessions`.
    progress : bool
        Whether to show a progress bar on a terminal.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If an argument is not allowed, or a formula or prior names what is not there.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    counts = {"starts": starts, "draws": draws, "tune": tune, "chains": chains}
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} must be 1 or more, got {count}")
    if not 0 < target_accept < 1:
        raise ValueError(f"target_accept must be between 0 and 1, got {target_accept}")
    if centring != "auto" and not 0 <= centring <= 1:
        raise ValueError(f"centring must be 'auto' or from 0 to 1, got {centring}")
    if method == "mle" and priors:
        raise ValueError("maximum likelihood has no priors: use method='map'")
    if method != "nuts" and (correlated or sessions):
        raise ValueError(f"correlations and sessions need method='nuts', got {method!r}")
    if correlated and sessions:
        raise ValueError("give correlated or sessions, not both")
    if (correlated or sessions) and centring not in ("auto", 0):
        raise ValueError(f"with correlations centring must be 'auto' or 0, got {centring}")
    times = session_names(data, sessions) if sessions else []
    data = split_sessions(data, sessions) if sessions else data
    scoring = Scoring.of(model, data, formulas)
    if method != "mle":
        check_regressors(scoring, group=method == "nuts")
    if method == "nuts":
        cores = min(chains, cores or os.cpu_count() or 1)
        settings = {"cores": cores, "target_accept": target_accept, "progress": progress}
        ties = {"correlated": correlated, "sessions": times}
        tree = _sampled_tree(scoring, priors, centring, ties, draws, tune, chains, seed, settings)
    else:
        tree = _point_tree(scoring, method, priors, starts, seed, progress)
    used: dict[str, Any]
    if method == "nuts":
        used = {k: counts[k] for k in ("draws", "tune", "chains")}
        used |= {"target_accept": target_accept, "centring": centring}
        tied = correlated if isinstance(correlated, bool) else list(correlated)
        used |= {"correlated": tied, "sessions": sessions}
    else:
        used = {"starts": starts}
    tree.attrs["about"] = json.dumps(
        {
            "format": 1,
            "model": describe_model(model),
            "task": describe_task(data.task),
            "formulas": dict(formulas or {}),
            "columns": formula_columns(data.frame[data.complete], formulas),
            "priors": {name: repr(prior) for name, prior in (priors or {}).items()},
            "coefficients": list(scoring.story.coefficients),
            "method": method,
            "settings": {**used, "seed": seed},
            "data": {"participants": len(scoring.participants), "trials": int(data.counted.sum())},
            "versions": {name: version(name) for name in ("metacontrol", "pymc", "nutpie", "jax")},
        }
    )
    return Fit(tree, model)


def _sampled_tree(
    scoring: Scoring,
    priors: Mapping[str, Prior] | None,
    centring: Literal["auto"] | float,
    ties: Mapping[str, Any],
    draws: int,
    tune: int,
    chains: int,
    seed: int,
    settings: Mapping[str, Any],
) -> xr.DataTree:
    from metacontrol.fitting.group import assemble
    from metacontrol.fitting.individuals import Individuals
    from metacontrol.fitting.information import quick_pass
    from metacontrol.fitting.sampling import sample

    individuals = Individuals(scoring)
    full = group_priors(scoring.story, priors)
    if isinstance(ties["correlated"], bool):
        ties = {**ties, "correlated": individuals.names if ties["correlated"] else ()}
    if centring == "auto":
        informed = quick_pass(individuals, full, seed=seed)
        model = assemble(individuals, full, informed, **ties)
        start = informed.start(ties["sessions"])
    else:
        shares = dict.fromkeys(scoring.story.coefficients, float(centring))
        model, start = assemble(individuals, full, shares, **ties), {}
    tree = sample(
        model,
        start=start,
        draws=draws,
        tune=tune,
        chains=chains,
        seed=seed,
        label=f"{chains} chains",
        **settings,
    )
    posterior = tree["posterior"].to_dataset()
    kept = [n for n in posterior if n != "z" and not str(n).endswith("correlation_factor")]
    tree["posterior"] = xr.DataTree(dataset=posterior[kept])
    return tree


def _point_tree(
    scoring: Scoring,
    method: str,
    priors: Mapping[str, Prior] | None,
    starts: int,
    seed: int,
    progress: bool,
) -> xr.DataTree:
    from metacontrol.fitting.point import search
    from metacontrol.fitting.sampling import bar

    used = None if method == "mle" else coefficient_priors(scoring.story, priors)
    with bar(f"{len(scoring.participants):,} participants", progress) as tell:
        found = search(scoring, used, starts=starts, seed=seed, progress=tell)
    choices = np.asarray(scoring.records.scored).sum(axis=1).ravel()[scoring.records.slots]
    real = sum(getattr(e, "options", 1) > 1 for e in scoring.story.task.events)
    by_person: dict[str, Any] = {
        "log_likelihood": found.log_likelihood,
        "log_prior": found.log_prior,
        "converged": found.converged,
        "agreeing": found.agreeing,
        "choices": real * choices.astype(np.int64),
    }
    estimates = xr.Dataset(
        {
            "values": (("participant", "coefficient"), found.values),
            "determined": (("participant", "coefficient"), found.determined),
        }
        | {name: ("participant", values) for name, values in by_person.items()},
        coords={
            "participant": scoring.participants,
            "coefficient": list(scoring.story.coefficients),
        },
    )
    return xr.DataTree.from_dict({"estimates": estimates})
