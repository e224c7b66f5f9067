"""What the numbers of a fit depend on: a run, as plain values, and what tells it from others."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from importlib.metadata import version
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

import jax
import numpy as np

from metacontrol.models.model import Model
from metacontrol.models.parameter import Prior
from metacontrol.models.scoring import Scoring

_KNOWN = {"metacontrol", *sys.stdlib_module_names}  # by their versions
_UNREADABLE: WeakKeyDictionary[type, str] = WeakKeyDictionary()


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
    return {
        "parameters": [asdict(parameter) for parameter in model.parameters],
        "code of the model": _digest_of_code(type(model)),
        "priors": {name: asdict(prior) for name, prior in (priors or {}).items()},
    }


def _digest_of_code(kind: type) -> str:
    """Return what tells a class of models from others, and from itself before it was edited.

    Of your own it is the whole modules in which it and its bases stand: what they call may be
    there too. One that cannot be read, such as one typed at a prompt, is like no other, nor like
    itself in another process.
    """
    own = [c for c in kind.__mro__ if c.__module__.partition(".")[0] not in _KNOWN]
    try:
        code = [inspect.getsource(one) for one in own or [kind]]
        if own:
            names = dict.fromkeys(one.__module__ for one in own)
            code = [inspect.getsource(sys.modules[name]) for name in names]
    except (OSError, TypeError, KeyError):
        return f"unreadable {_UNREADABLE.setdefault(kind, uuid4().hex)}"
    return sha256("".join(code).encode()).hexdigest()


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
