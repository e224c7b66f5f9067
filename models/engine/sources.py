"""Which columns of a trial each note is worked out from, read off the story as JAX traces it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp

from metacontrol.models.engine.listeners import Narrate
from metacontrol.models.engine.story import Story


def note_sources(story: Story, columns: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the columns of a trial that each note is worked out from, as notes are made.

    What comes from trials before, by way of the mind, is called `mind`.

    Parameters
    ----------
    story : Story
        Model, task and predictors.
    columns : iterable of str
        Events, cues and regressors of a trial; what they hold does not matter.

    Returns
    -------
    dict of str to frozenset of str
        Some of the columns, and `mind`, by note.
    """
    record = dict.fromkeys(sorted(columns), jnp.asarray(0))
    theta = [jnp.asarray(0.5)] * len(story.coefficients)
    mind = story.start_one(theta, record)
    names: list[str] = []

    def notes(record: Any, theta: Any, mind: Any) -> Any:
        noted = story.tell_one(Narrate, theta, mind, record)[1][0]
        names.extend(noted)
        return list(noted.values())

    told = jax.make_jaxpr(notes)(record, theta, mind).jaxpr
    given = [*({name} for name in record), *(() for _ in theta)]
    given += [{"mind"}] * (len(told.invars) - len(given))
    behind = {id(var): frozenset(own) for var, own in zip(told.invars, given, strict=True)}

    def sources(variables: Any) -> frozenset[str]:
        return frozenset().union(*(behind.get(id(var), frozenset()) for var in variables))

    for step in told.eqns:
        behind |= dict.fromkeys(map(id, step.outvars), sources(step.invars))
    return {name: sources([var]) for name, var in zip(names, told.outvars, strict=True)}
