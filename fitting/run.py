"""What the numbers of a fit depend on: a run, as plain values, and what tells it from others."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from importlib.metadata import version
from typing import Any

import jax
import numpy as np

from metacontrol.models.model import Model
from metacontrol.models.parameter import Prior
from metacontrol.models.scoring import Scoring


def describe_run(
    about: Mapping[str, Any],
    model: Model,
    scoring: Scoring,
    priors: Mapping[str, Prior] | None,
    shards: int,
) -> dict[str, Any]:
    """Return all that the parts of a run depend on, as plain values.

    Parameters
    ----------
    about : mapping
        What is saved with the fit: method, settings, seed, formulas, versions.
    model, scoring, priors
        What is fitted to what.
    shards : int
        How many machines share the work.
    """
    return {
        "about": about,
        **describe_code(model, priors),
        "choices": digest_of_choices(scoring),
        "shards": shards,
        "versions": {name: version(name) for name in ("numpy", "scipy")},
    }


def describe_code(model: Model, priors: Mapping[str, Prior] | None) -> dict[str, Any]:
    """Return what a model is beyond its name, and priors, as plain values."""
    try:
        code = inspect.getsource(type(model))
    except (OSError, TypeError):  # typed in at a prompt
        code = ""
    return {
        "parameters": [asdict(parameter) for parameter in model.parameters],
        "code of the model": sha256(code.encode()).hexdigest(),
        "priors": {name: asdict(prior) for name, prior in (priors or {}).items()},
    }


def digest_of_choices(scoring: Scoring) -> str:
    """Return what tells choices, and whose they are, from any others."""
    data = sha256(json.dumps([scoring.participants, sorted(scoring.records.columns)]).encode())
    for array in jax.tree.leaves(scoring.records):
        data.update(np.ascontiguousarray(array))
    return data.hexdigest()


def digest_of_run(run: Mapping[str, Any]) -> str:
    """Return what tells a run from any other; see `describe_run`."""
    return sha256(json.dumps(run).encode()).hexdigest()


def differences(there: Any, here: Any, name: str = "") -> list[str]:
    """Return what differs between two runs, in words."""
    if isinstance(there, dict) and isinstance(here, dict) and list(there) == list(here):
        return [
            told
            for key in there
            for told in differences(there[key], here[key], f"{name}.{key}" if name else key)
        ]
    if there == here:
        return []
    return [f"{name} is {_short(there)} there and {_short(here)} here"]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:36]} ..."
