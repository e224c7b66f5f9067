"""Which columns of a trial each note is worked out from, read off the story as JAX traces it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from metacontrol.models.engine.listeners import Narrate
from metacontrol.models.engine.records import Records
from metacontrol.models.engine.story import Story


def note_sources(story: Story, records: Records) -> dict[str, frozenset[str]]:
    """Return the columns of a trial that each note is worked out from.

    What comes from trials before, by way of the mind, is called `mind`.

    Parameters
    ----------
    story : Story
        Model, task and predictors.
    records : Records
        Choices; only their columns matter.

    Returns
    -------
    dict of str to frozenset of str
        Events, cues, regressors and `mind`, by note.
    """
    record = {name: jnp.asarray(column[0, 0, 0]) for name, column in records.columns.items()}
    theta = [jnp.asarray(0.5)] * len(story.coefficients)
    mind = story.start_one(theta, record)

    def notes(record: Any, theta: Any, mind: Any) -> Any:
        return story.tell_one(Narrate, theta, mind, record)[1][0]

    told, shape = jax.make_jaxpr(notes, return_shape=True)(record, theta, mind)
    given = [*({name} for name in sorted(record)), *(() for _ in theta)]
    given += [{"mind"}] * (len(told.jaxpr.invars) - len(given))
    behind = {id(var): frozenset(own) for var, own in zip(told.jaxpr.invars, given, strict=True)}

    def sources(variables: Any) -> frozenset[str]:
        return frozenset().union(*(behind.get(id(var), frozenset()) for var in variables))

    for step in told.jaxpr.eqns:
        behind |= dict.fromkeys(map(id, step.outvars), sources(step.invars))
    return {
        name: sources([var]) for name, var in zip(sorted(shape), told.jaxpr.outvars, strict=True)
    }
