"""The likelihood of recorded choices, with its exact gradient in one pass.

Going forward through the trials only the mind is carried, and kept. Going back, the one-trial
function is differentiated at each kept mind, and its score and slope are summed there. That is
reverse-mode differentiation of the whole story, without a tape and without anyone deriving it.
The two loops run as machine code of ours (`kernel`), or as XLA's where that cannot be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from metacontrol.models.engine.kernel import kernel
from metacontrol.models.engine.listeners import Narrate
from metacontrol.models.engine.mind import split
from metacontrol.models.engine.records import Records
from metacontrol.models.engine.story import Array, Story


def log_likelihood(
    story: Story, records: Records, *, compiled: bool = True
) -> Callable[[Array], Array]:
    """Return the log-likelihood as a differentiable function of the coefficients.

    Parameters
    ----------
    story : Story
        Model, task and predictors.
    records : Records
        Choices.
    compiled : bool
        Whether to run machine code of ours where that can be; otherwise XLA's.

    Returns
    -------
    function
        From coefficients, shape (participants, coefficients), to the log-likelihood of the scored
        choices of each participant, shape (participants,), in nats. Reverse-mode differentiable
        once by JAX, which may trace the records too.
    """

    @jax.custom_vjp
    def total(coefficients: Array, records: Records) -> Array:
        loops = kernel(story, records, slopes=False) if compiled else None
        loops = loops or partial(_loops, story, records)
        seated, start = _start(story, coefficients, records)
        return loops(*_seat(records, seated, *start(seated)))[0].ravel()[records.slots]

    def forward(coefficients: Array, records: Records) -> tuple[Array, Array]:
        loops = kernel(story, records) if compiled else None
        loops = loops or partial(_loops, story, records)
        seated, start = _start(story, coefficients, records)
        values, pull, facts = jax.vjp(start, seated, has_aux=True)
        score, slope, slope_of_start = loops(*_seat(records, seated, values, facts))
        slope = _lanes(slope) + pull(list(_lanes(slope_of_start).T))[0]
        return score.ravel()[records.slots], slope[records.slots]

    def backward(slope: Array, cotangent: Array) -> tuple[Array, None]:
        return slope * cotangent[:, None], None

    total.defvjp(forward, backward)
    return lambda coefficients: total(coefficients, records)


def _start(
    story: Story, coefficients: Array, records: Records
) -> tuple[Array, Callable[[Array], tuple[list[Array], list[Array]]]]:
    """Return coefficients by lane, and the function of them that is in mind at the start."""
    first = {name: column[:, 0].ravel() for name, column in records.columns.items()}
    seated = jnp.asarray(coefficients)[records.seats]
    return seated, lambda seated: split(story.start(tuple(seated.T), first))[:2]


def _seat(records: Records, seated: Array, values: Any, facts: Any) -> Iterator[Array]:
    """Yield what is known of each lane before the first trial, shapes (blocks, number, lanes)."""
    blocks, _, lanes = records.scored.shape
    for rows, dtype in ((seated.T, float), (values, float), (facts, jnp.int32)):
        yield jnp.array(rows, dtype).reshape(-1, blocks, lanes).swapaxes(0, 1)


def log_likelihood_by_choice(story: Story, records: Records) -> Callable[[Array], dict[str, Array]]:
    """Return a function from coefficients to the log-likelihood of each choice, by its name."""

    def by_choice(coefficients: Array) -> dict[str, Array]:
        def block(coefficients: Array, columns: Any, scored: Array, length: Array) -> Any:
            def step(i: Array, carry: tuple[Any, Any]) -> tuple[Any, Any]:
                mind, sums = carry
                mind, (_, logs) = story.tell(Narrate, coefficients, mind, _trial(columns, i))
                return mind, {name: sums[name] + scored[i] * logs[name] for name in sums}

            start = story.start(coefficients, _trial(columns, 0))
            zeros = {e.name: jnp.zeros(scored.shape[1:]) for e in _choices(story)}
            return lax.fori_loop(0, length, step, (start, zeros))[1]

        found = lax.map(lambda b: block(*b), _blocks(records, coefficients))
        return {name: sums.ravel()[records.slots] for name, sums in found.items()}

    return by_choice


def narrate(story: Story, records: Records) -> Callable[[Array], tuple[dict, dict]]:
    """Return a function from coefficients to what the model noted and how likely each choice was.

    Returns
    -------
    function
        From coefficients, shape (participants, coefficients), to notes by name and
        log-probabilities by choice, each of shape (blocks, trials, lanes) as `Records.rows`.
    """

    def all_notes(coefficients: Array) -> tuple[dict, dict]:
        def block(coefficients: Array, columns: Any, scored: Array, length: Array) -> Any:
            start = story.start(coefficients, _trial(columns, 0))
            tell = lambda mind, record: story.tell(Narrate, coefficients, mind, record)  # noqa: E731
            return lax.scan(tell, start, columns)[1]

        return lax.map(lambda b: block(*b), _blocks(records, coefficients))

    return all_notes


def _loops(
    story: Story, records: Records, coefficients: Array, values: Array, facts: Array
) -> tuple[Array, Array, Array]:
    """Do in XLA what `kernel` does in machine code."""
    one = {name: column[0, 0, 0] for name, column in records.columns.items()}
    passes = story.passes(coefficients[0, :, 0], one)
    ahead, back = jax.vmap(passes.ahead), jax.vmap(passes.back)

    def block(
        coefficients: Array, values: Array, facts: Array, columns: Any, scored: Array, length: Array
    ) -> tuple[Array, Array, Array]:
        theta, now = tuple(coefficients), (list(values), list(facts))

        def go(i: Array, carry: tuple[Any, Any]) -> tuple[Any, Any]:
            now, kept = carry
            kept = jax.tree.map(lambda all, leaf: all.at[i].set(leaf), kept, now)
            return ahead(theta, *now, _trial(columns, i)), kept

        room = jax.tree.map(lambda leaf: jnp.zeros((len(scored), *leaf.shape), leaf.dtype), now)
        kept = lax.fori_loop(0, length, go, (now, room))[1]

        def come_back(j: Array, carry: Any) -> Any:
            score, slope, slope_of_mind = carry
            i = length - 1 - j
            before = jax.tree.map(lambda all: all[i], kept)
            counts = scored[i].astype(float)
            more, slope_of_mind, x, s = back(
                theta, *before, _trial(columns, i), slope_of_mind, counts
            )
            slope = jax.tree.map(jnp.add, slope, more)
            return score + counts * (x - jnp.log(s)), slope, slope_of_mind

        nothing = jax.tree.map(jnp.zeros_like, (jnp.zeros(scored.shape[1:]), theta, now[0]))
        score, slope, slope_of_start = lax.fori_loop(0, length, come_back, nothing)
        return (
            score,
            jnp.array(slope).reshape(coefficients.shape),
            jnp.array(slope_of_start).reshape(values.shape),
        )

    arrays = jax.tree.map(jnp.asarray, (records.columns, records.scored, records.lengths))
    return lax.map(lambda b: block(*b), (coefficients, values, facts, *arrays))


def _lanes(rows: Array) -> Array:
    """Return (blocks, number, lanes) as (blocks * lanes, number)."""
    blocks, number, lanes = rows.shape
    return rows.swapaxes(1, 2).reshape(blocks * lanes, number)


def _trial(columns: Mapping[str, Array], i: Any) -> dict[str, Array]:
    return {name: column[i] for name, column in columns.items()}


def _choices(story: Story) -> list[Any]:
    return [e for e in story.task.events if getattr(e, "options", 1) > 1]


def _blocks(records: Records, coefficients: Array) -> tuple[Any, ...]:
    """Lay coefficients out as the records are: a tuple of (blocks, lanes) arrays."""
    shape = len(records.lengths), records.scored.shape[-1]
    seated = jnp.asarray(coefficients)[records.seats]
    lanes = tuple(seated[:, k].reshape(shape) for k in range(seated.shape[1]))
    arrays = jax.tree.map(jnp.asarray, (records.columns, records.scored, records.lengths))
    return lanes, *arrays
