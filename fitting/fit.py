"""From choices to parameters."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import xarray as xr

from metacontrol.fitting.checkpoint import Parts, describe_run, joined, opened
from metacontrol.fitting.priors import coefficient_priors
from metacontrol.fitting.result import Fit, describe_model, describe_task
from metacontrol.models.formulas import Formulas, formula_columns
from metacontrol.models.model import Model
from metacontrol.models.parameter import Prior
from metacontrol.models.scoring import Scoring
from metacontrol.tasks.choices import Choices

if TYPE_CHECKING:
    from metacontrol.fitting.point import Estimates

Method = Literal["mle", "map", "nuts"]
METHODS = get_args(Method)
PILOT = (60, 200)  # kept and tuning draws of the run that chooses the centring


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
    progress: bool = True,
    checkpoint: str | Path | None = None,
    shard: tuple[int, int] = (1, 1),
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
        "auto" finds a share for each participant and coefficient from a short pilot run.
    progress : bool
        Whether to show a progress bar on a terminal.
    checkpoint : path, optional
        Folder that keeps what is finished: chains, or participants. The same call goes on from
        there, and finds what it would have found without a break. Delete it when the fit is saved.
    shard : tuple of int
        For mle and map, with a checkpoint: which of how many shares of the participants, from
        (1, n) to (n, n), to fit; `gather` joins them.

    Returns
    -------
    Fit
        Of the participants of the shard, if there is one.

    Raises
    ------
    ValueError
        If an argument is not allowed, a formula or prior names what is not there, or the
        checkpoint is of another run.
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
    if not 1 <= shard[0] <= shard[1]:
        raise ValueError(f"shard must be from (1, n) to (n, n), got {shard}")
    if shard != (1, 1) and (method == "nuts" or checkpoint is None):
        raise ValueError("a shard needs method='mle' or 'map', and a checkpoint to be kept in")
    scoring = Scoring.of(model, data, formulas)
    used: dict[str, Any]
    if method == "nuts":
        used = {k: counts[k] for k in ("draws", "tune", "chains")}
        used |= {"target_accept": target_accept, "centring": centring}
    else:
        used = {"starts": starts}
    about = {
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
    run = describe_run(about, model, scoring, priors, shards=shard[1])
    with opened(checkpoint, run) as parts:
        if method == "nuts":
            cores = min(chains, cores or os.cpu_count() or 1)
            settings = {"cores": cores, "target_accept": target_accept, "progress": progress}
            tree = _sampled_tree(
                scoring, priors, centring, draws, tune, chains, seed, settings, parts
            )
        else:
            tree = _point_tree(scoring, method, priors, starts, seed, progress, parts, shard)
    if shard != (1, 1):
        people = tree["estimates"]["participant"].to_numpy().astype(str)
        trials = data.counted[data.frame["participant"].isin(people)].sum()
        about["data"] = {"participants": len(people), "trials": int(trials)}
    tree.attrs["about"] = json.dumps(about)
    return Fit(tree, model)


def _sampled_tree(
    scoring: Scoring,
    priors: Mapping[str, Prior] | None,
    centring: Literal["auto"] | float,
    draws: int,
    tune: int,
    chains: int,
    seed: int,
    settings: Mapping[str, Any],
    parts: Parts,
) -> xr.DataTree:
    from metacontrol.fitting.group import assemble
    from metacontrol.fitting.sampling import sample

    if centring == "auto":
        kept = parts.part("centring", partial(_piloted, scoring, priors, seed, settings))
        shares = {str(name): share.to_numpy() for name, share in kept["shares"].data_vars.items()}
    else:
        shares = dict.fromkeys(scoring.story.coefficients, np.asarray(float(centring)))
    tree = sample(
        assemble(scoring, priors, shares),
        draws=draws,
        tune=tune,
        chains=chains,
        seed=seed,
        label=f"{chains} chains",
        parts=parts,
        **settings,
    )
    posterior = tree["posterior"].to_dataset()
    auxiliary = [name for name in posterior if str(name).endswith("_z")]
    tree["posterior"] = xr.DataTree(dataset=posterior.drop_vars(auxiliary))
    return tree


def _piloted(
    scoring: Scoring, priors: Mapping[str, Prior] | None, seed: int, settings: Mapping[str, Any]
) -> xr.DataTree:
    """Return each participant's share of centring, from a short run."""
    from metacontrol.fitting.group import assemble, informed_centring
    from metacontrol.fitting.sampling import sample

    pilot = sample(
        assemble(scoring, priors),
        draws=PILOT[0],
        tune=PILOT[1],
        chains=2,
        seed=seed,
        label="pilot run",
        **settings,
    )
    shares = informed_centring(scoring, pilot["posterior"].to_dataset())
    by_person = {name: ("participant", share) for name, share in shares.items()}
    return xr.DataTree.from_dict({"shares": xr.Dataset(by_person)})


def _point_tree(
    scoring: Scoring,
    method: str,
    priors: Mapping[str, Prior] | None,
    starts: int,
    seed: int,
    progress: bool,
    parts: Parts,
    shard: tuple[int, int],
) -> xr.DataTree:
    from metacontrol.fitting.point import lot_name, lots, search
    from metacontrol.fitting.sampling import bar

    used = None if method == "mle" else coefficient_priors(scoring.story, priors)
    dealt = dict(enumerate(lots(len(scoring.participants), starts)))
    mine = list(dealt)[shard[0] - 1 :: shard[1]]
    if not mine:
        raise ValueError(f"nothing is left for shard {shard[0]}: {len(dealt)} shards are enough")
    done = {k: tree for k in mine if (tree := parts.load(lot_name(k))) is not None}
    missing = {k: dealt[k] for k in mine if k not in done}
    people = sum(len(dealt[k]) for k in mine)
    with bar(f"{people:,} participants", progress) as tell:
        for k, found in search(scoring, missing, used, starts=starts, seed=seed):
            done[k] = parts.keep(lot_name(k), _tabled(scoring, dealt[k], found))
            tell(len(done) / len(mine))
    return joined([done[k] for k in mine], "participant")


def _tabled(scoring: Scoring, people: np.ndarray, found: Estimates) -> xr.DataTree:
    """Return estimates of some participants as a fit has them."""
    choices = np.asarray(scoring.records.scored).sum(axis=1).ravel()[scoring.records.slots[people]]
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
            "participant": [scoring.participants[person] for person in people],
            "coefficient": list(scoring.story.coefficients),
        },
    )
    return xr.DataTree.from_dict({"estimates": estimates})
