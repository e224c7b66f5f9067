"""The likelihood of recorded choices, with its exact gradient in one pass.

Going forward through the trials only the mind is carried, and kept. Going back, the one-trial
function is differentiated at each kept mind, and its score and slope are summed there. That is
reverse-mode differentiation of the whole story, without a tape and without anyone deriving it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from metacontrol.models.engine.listeners import Narrate, Replay
from metacontrol.models.engine.records import Records
from metacontrol.models.engine.story import Array, Story

STRETCH = 64  # trials whose normalisers are multiplied before their logarithm is taken


def log_likelihood(story: Story, records: Records) -> Callable[[Array], Array]:
    """Return the log-likelihood as a differentiable function of the coefficients.

    Returns
    -------
    function
        From coefficients, shape (participants, coefficients), to the log-likelihood of the scored
        choices of each participant, shape (participants,), in nats. Reverse-mode differentiable
        once by JAX.
    """

    @jax.custom_vjp
    def total(coefficients: Array) -> Array:
        return scores(coefficients)

    def scores(coefficients: Array) -> Array:
        return _by_block(lambda *block: _score(story, *block), records, coefficients)

    def forward(coefficients: Array) -> tuple[Array, Array]:
        return _by_block(lambda *block: _score_and_slope(story, *block), records, coefficients)

    def backward(slope: Array, cotangent: Array) -> tuple[Array]:
        return (slope * cotangent[:, None],)

    total.defvjp(forward, backward)
    return total


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

        return dict(_by_block(block, records, coefficients))

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


def _score(story: Story, coefficients: Any, columns: Any, scored: Array, length: Array) -> Array:
    """Return the log-likelihood of a block, shape (lanes,)."""

    def step(i: Array, carry: tuple[Any, Array]) -> tuple[Any, Array]:
        mind, score = carry
        mind, (linear, product) = story.tell(Replay, coefficients, mind, _trial(columns, i))
        return mind, score + scored[i] * (linear - jnp.log(product))

    start = story.start(coefficients, _trial(columns, 0))
    return lax.fori_loop(0, length, step, (start, jnp.zeros(scored.shape[1:])))[1]


def _score_and_slope(
    story: Story, coefficients: Any, columns: Any, scored: Array, length: Array
) -> tuple[Array, Array]:
    """Return log-likelihood, shape (lanes,), and gradient, shape (lanes, coefficients)."""
    first = _trial(columns, 0)
    start, pull_start = jax.vjp(lambda c: _split(story.start(c, first))[0], coefficients)
    facts, join = _split(story.start(coefficients, first))[1:]
    kept = jax.tree.map(
        lambda leaf: jnp.zeros((len(scored), *leaf.shape), leaf.dtype), (start, facts)
    )

    def step(coefficients: Any, values: Any, facts: Any, i: Array) -> tuple[Any, Any]:
        after, heard = story.tell(Replay, coefficients, join(values, facts), _trial(columns, i))
        values, facts, _ = _split(after)
        return (values, heard), facts

    def ahead(i: Array, carry: tuple[Any, Any]) -> tuple[Any, Any]:
        now, kept = carry
        kept = jax.tree.map(lambda all, leaf: all.at[i].set(leaf), kept, now)
        values, facts = now
        (values, _), facts = step(coefficients, values, facts, i)
        return (values, facts), kept

    _, kept = lax.fori_loop(0, length, ahead, ((start, facts), kept))

    def back(j: Array, carry: Any) -> Any:
        slope, slope_of_mind, linear, product = carry
        i = length - 1 - j
        values, facts = jax.tree.map(lambda all: all[i], kept)
        (_, (x, s)), pull, _ = jax.vjp(
            lambda c, v: step(c, v, facts, i), tuple(coefficients), values, has_aux=True
        )
        counts = scored[i].astype(float)
        more, slope_of_mind = pull((slope_of_mind, (counts, -counts / s)))
        slope = jax.tree.map(jnp.add, slope, more)
        return slope, slope_of_mind, linear + counts * x, product * jnp.where(counts > 0, s, 1.0)

    def stretch(k: Array, carry: Any) -> Any:
        slope, slope_of_mind, score = carry
        begin = k * STRETCH
        end = jnp.minimum(begin + STRETCH, length)
        neutral = jnp.zeros(scored.shape[1:]), jnp.ones(scored.shape[1:])
        slope, slope_of_mind, linear, product = lax.fori_loop(
            begin, end, back, (slope, slope_of_mind, *neutral)
        )
        return slope, slope_of_mind, score + linear - jnp.log(product)

    zero = jax.tree.map(jnp.zeros_like, (tuple(coefficients), start))
    slope, slope_of_start, score = lax.fori_loop(
        0, (length + STRETCH - 1) // STRETCH, stretch, (*zero, jnp.zeros(scored.shape[1:]))
    )
    slope = jax.tree.map(jnp.add, slope, pull_start(slope_of_start)[0])
    return score, jnp.stack(slope, axis=1)


def _split(mind: Any) -> tuple[list[Array], list[Array], Callable[[Any, Any], Any]]:
    """Part a mind into what is learned gradually and bare facts; and how to join them again."""
    leaves, shape = jax.tree.flatten(mind)
    gradual = [jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves]

    def join(values: Any, facts: Any) -> Any:
        values, facts = iter(values), iter(facts)
        return jax.tree.unflatten(shape, [next(values if g else facts) for g in gradual])

    values = [leaf for leaf, g in zip(leaves, gradual, strict=True) if g]
    facts = [leaf for leaf, g in zip(leaves, gradual, strict=True) if not g]
    return values, facts, join


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


def _by_block(rule: Callable[..., Any], records: Records, coefficients: Array) -> Any:
    """Apply a rule to each block and return its results by participant."""
    results = lax.map(lambda block: rule(*block), _blocks(records, coefficients))
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:])[records.slots], results)
