"""From choices to parameters."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, get_args

import xarray as xr
from joblib import cpu_count

from metacontrol.fitting.checkpoint import opened
from metacontrol.fitting.duration import say_how_long
from metacontrol.fitting.individuals import must_vary
from metacontrol.fitting.priors import check_regressors
from metacontrol.fitting.result import Fit, describe_model, describe_task, load_fit
from metacontrol.fitting.run import describe_run, digest_of_run
from metacontrol.fitting.same_choices import describe_choices
from metacontrol.fitting.sessions import fill_sessions, session_names, split_sessions
from metacontrol.fitting.shards import must_be_shard
from metacontrol.fitting.trees import FORMAT
from metacontrol.models.formulas import Formulas, conditions
from metacontrol.models.model import Model
from metacontrol.models.parameter import Prior
from metacontrol.models.scoring import Scoring
from metacontrol.tasks.choices import Choices

Method = Literal["mle", "map", "laplace", "em", "em-laplace", "two-stage", "nuts"]
METHODS = get_args(Method)
SEARCHED = ("mle", "map")
ALONE = (*SEARCHED, "laplace")
EM = ("em", "em-laplace")  # whose draws are of a normal distribution around a group
WITHOUT_PRIORS = {"mle": "map", "em-laplace": "em"}  # and where they can be had
ANY_SIZE = ("map", "nuts")  # which find slopes of any size, if their priors allow it
# The arguments that each method takes notice of.
_SEARCH, _SAMPLE = ("starts",), ("draws", "tune", "chains", "target_accept")
USES: Mapping[str, tuple[str, ...]] = {
    "mle": _SEARCH,
    "map": _SEARCH,
    "laplace": (),
    "em": ("importance", "draws", "chains"),
    "em-laplace": ("importance", "draws", "chains"),
    "two-stage": ("importance", *_SAMPLE),
    "nuts": (*_SAMPLE, "centring", "correlated", "sessions"),
}


def fit(
    model: Model,
    data: Choices,
    *,
    method: Method = "nuts",
    formulas: Formulas | None = None,
    priors: Mapping[str, Prior] | None = None,
    seed: int,
    starts: int = 16,
    importance: int = 500,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    target_accept: float = 0.9,
    centring: Literal["auto"] | float = "auto",
    correlated: bool | Sequence[str] = False,
    sessions: str | None = None,
    progress: bool = True,
    checkpoint: str | Path | None = None,
    shard: tuple[int, int] = (1, 1),
    saved: str | Path | None = None,
) -> Fit:
    """Fit a model to choices.

    By mle and map, participants are searched for by `joblib`: in processes of this machine within
    ``joblib.parallel_config(n_jobs=4)``, on your Dask cluster within
    ``joblib.parallel_config("dask")``. Estimates are the same to the bit, however work is split.

    Parameters
    ----------
    model : Model
        The model.
    data : Choices
        The choices.
    method : {"mle", "map", "laplace", "em", "em-laplace", "two-stage", "nuts"}
        Each participant alone: maximum likelihood, maximum a posteriori, or mode and spread on the
        scale of links under a wide prior (laplace). All together as a group, hierarchically: the
        most probable group and its standard errors (em); its posterior from draws of each
        participant, for many hundreds and thousands, not for few (two-stage); or sampled by NUTS,
        the standard. The EM of the
        literature (em-laplace) is for comparison: see its diagnostics.
    formulas : mapping of str to str, optional
        Parameters that depend on columns, such as ``{"w": "1 + load"}``. Coefficients are on the
        scale of the parameter's link and are called `w_Intercept`, `w_load`.
    priors : mapping of str to Prior, optional
        Priors that replace the defaults: by coefficient (`w`) for map; by `w_mean`, `w_sd` for
        laplace, two-stage and nuts, on the scale of the link.
    seed : int
        Seed of starting points and sampling.
    starts : int
        Searches for each participant, for mle and map.
    importance : int
        Draws of each participant that em, em-laplace and two-stage weigh, picked from ten times as
        many; of few participants with few trials more are needed, as diagnostics say.
    draws, tune, chains : int
        Kept and tuning draws of each chain, and number of chains, of a group's posterior. Of
        thousands of people, for two-stage and em, 500 draws are enough and save memory.
    cores : int, optional
        Chains at once; by default as many as there are processors for this process.
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
        (LKJ(1)): see `Fit.correlations`. Who missed a session is there with the others.
        Participants of the fit are those of `split_sessions`.
    progress : bool
        Whether to show a progress bar on a terminal, and to say on standard error about how long it
        will take, where it may be long.
    checkpoint : path, optional
        Folder that keeps what is finished: chains of nuts and two-stage, rounds of em, participants
        by mle and map. The same call goes on from there, and finds what it would have found without
        a break. Delete it when the fit is saved.
    shard : tuple of int
        For mle and map, with a checkpoint: which of how many shares of the participants, from
        (1, n) to (n, n), to fit; `gather` joins them.
    saved : path, optional
        File that may hold this fit already, from `Fit.save`: if it is of the very same run, it is
        returned instead.

    Returns
    -------
    Fit
        Of the participants of the shard, if there is one.

    Raises
    ------
    ValueError
        If an argument is not allowed, a formula or prior names what is not there, a column does not
        vary within participants who are fitted alone, or the checkpoint is of another run.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    counts = {"starts": starts, "importance": importance}
    counts |= {"draws": draws, "tune": tune, "chains": chains}
    cores = cpu_count() if cores is None else cores
    for name, count in {**counts, "cores": cores}.items():
        if count < 1:
            raise ValueError(f"{name} must be 1 or more, got {count}")
    if not 0 < target_accept < 1:
        raise ValueError(f"target_accept must be between 0 and 1, got {target_accept}")
    if centring != "auto" and not (isinstance(centring, int | float) and 0 <= centring <= 1):
        raise ValueError(f"centring must be 'auto' or from 0 to 1, got {centring}")
    if method in WITHOUT_PRIORS and priors:
        instead = WITHOUT_PRIORS[method]
        raise ValueError(f"{method} is maximum likelihood, without priors: use {instead!r}")
    if method != "nuts" and (correlated or sessions):
        raise ValueError(f"correlations and sessions need method='nuts', got {method!r}")
    if correlated and sessions:
        raise ValueError("give correlated or sessions, not both")
    if (correlated or sessions) and centring not in ("auto", 0):
        raise ValueError(f"with correlations centring must be 'auto' or 0, got {centring}")
    must_be_shard(shard, checkpoint)
    if shard != (1, 1) and method not in SEARCHED:
        raise ValueError(f"a shard needs method='mle' or 'map', got {method!r}")
    times, given_data = [], data
    if sessions:
        times, given_data = session_names(data, sessions), split_sessions(data, sessions)
        data = split_sessions(fill_sessions(data, sessions), sessions)
    scoring = Scoring.of(model, data, formulas)
    if method in ALONE:
        must_vary(scoring)
    if method != "mle":
        own = priors if method in ANY_SIZE else None
        check_regressors(scoring, group=method not in ALONE, given=own, sessions=times)
    cores = min(chains, cores)
    given: dict[str, Any] = {**counts, "target_accept": target_accept, "centring": centring}
    tied = correlated if isinstance(correlated, bool) else list(correlated)
    given |= {"correlated": tied, "sessions": sessions}
    used = {name: given[name] for name in USES[method]}
    about = {
        "format": FORMAT,
        "model": describe_model(model),
        "task": describe_task(data.task),
        "formulas": dict(formulas or {}),
        **conditions(data, formulas),
        "priors": {name: repr(prior) for name, prior in (priors or {}).items()},
        "coefficients": list(scoring.story.coefficients),
        "method": method,
        "settings": {**used, "seed": seed},
        "data": describe_choices(given_data),
        "versions": {name: version(name) for name in ("metacontrol", "pymc", "nutpie", "jax")},
    }
    run = describe_run(about, model, scoring, priors, shards=shard[1])
    there = _finished(saved, run, model) if shard == (1, 1) else None  # a run has all shards
    if there is not None:
        return there
    if progress:
        say_how_long(scoring, method, cores, used)
    how = used | {"seed": seed, "progress": progress}
    with opened(checkpoint, run) as parts:
        if method == "nuts":
            how |= {"sessions": times, "parts": parts}
        elif method in SEARCHED:
            how |= {"shard": shard, "parts": parts}
        elif method != "laplace":
            how |= {"parts": parts}
        tree = _tree(scoring, method, priors, cores, **how)
    if sessions:
        came = given_data.participants
        tree["posterior"] = tree["posterior"].to_dataset().sel(participant=came)
    if shard != (1, 1):
        people = tree["estimates"]["participant"].to_numpy().astype(str)
        about["data"] = describe_choices(data.only(data.frame["participant"].isin(people)))
    tree.attrs |= {"about": json.dumps(about), "run": digest_of_run(run)}
    return Fit(tree, model)


def _finished(path: str | Path | None, run: Mapping[str, Any], model: Model) -> Fit | None:
    """Return the fit in a file if it is of this very run, and say so."""
    if path is None:
        return None
    try:
        there = load_fit(path, model)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        print(f"{error}: it is fitted anew", file=sys.stderr)
        return None
    if there.tree.attrs.get("run") != digest_of_run(run):
        print(f"{path} is another fit: this one is fitted anew", file=sys.stderr)
        return None
    print(f"{path} is this very fit, finished", file=sys.stderr)
    return there


def _tree(scoring: Scoring, method: Method, priors: Any, cores: int, **used: Any) -> xr.DataTree:
    """Fit by one of the methods; each is imported when it is asked for."""
    match method:
        case "nuts":
            from metacontrol.fitting.nuts import nuts_tree

            return nuts_tree(scoring, priors, cores=cores, **used)
        case "two-stage":
            from metacontrol.fitting.two_stage import two_stage_tree

            return two_stage_tree(scoring, priors, cores=cores, **used)
        case "em" | "em-laplace":
            from metacontrol.fitting.em import em_tree

            return em_tree(scoring, method, priors, **used)
        case "laplace":
            from metacontrol.fitting.laplace import laplace_tree

            return laplace_tree(scoring, priors)
        case _:
            from metacontrol.fitting.alone import point_tree

            return point_tree(scoring, method, priors, **used)
