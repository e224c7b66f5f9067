"""Simulation: the same story, with choices drawn and the task answering."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from metacontrol.models.engine.listeners import Play
from metacontrol.models.engine.story import Array, Story


def play(
    story: Story,
    coefficients: np.ndarray,
    columns: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Let participants act.

    Parameters
    ----------
    story : Story
        Model and task.
    coefficients : array, shape (participants, coefficients)
        One row a participant.
    columns : dict of str to array, shape (trials, participants)
        Schedule and regressors.
    rng : numpy.random.Generator
        Source of luck: one uniform number for each event of each trial, then one for each name in
        the model's `luck`.

    Returns
    -------
    dict of str to array, shape (trials, participants)
        Events by name.
    dict of str to array, shape (trials, participants)
        Log-probability of each choice, by its name.
    """
    shape = next(iter(columns.values())).shape
    names = [*(event.name for event in story.task.events), *story.model.luck(story.task)]
    luck = {f"luck_{name}": rng.random(shape) for name in names}
    return _played(story, tuple(jnp.asarray(coefficients).T), {**columns, **luck})


@jax.jit(static_argnums=0)
def _played(story: Story, coefficients: Any, columns: Any) -> Any:
    start = story.start(coefficients, {name: column[0] for name, column in columns.items()})

    def tell(mind: Any, record: Any) -> tuple[Any, Any]:
        return story.tell(Play, coefficients, mind, record)

    return lax.scan(tell, start, columns)[1]
