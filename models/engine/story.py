"""A model in a task, told one trial at a time for a block of participants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener, Replay
from metacontrol.models.engine.mind import split
from metacontrol.models.engine.predictor import Predictor
from metacontrol.models.model import Model

Array = Any


class Passes(NamedTuple):
    """How one participant's likelihood goes through a trial.

    Attributes
    ----------
    values, facts : list of Array
        What is in mind before the first trial, in the two parts that `split` makes.
    ahead : function
        Of coefficients, values, facts and record: values and facts after the trial.
    through : function
        Of the same: these, and x and s of the trial's log-probability, x - log(s).
    back : function
        Of the same, the slope of what comes later in the values after the trial, and whether the
        trial counts (1.0 or 0.0): the slopes in coefficients and in values before the trial, and x
        and s.
    """

    values: list[Array]
    facts: list[Array]
    ahead: Callable[..., Any]
    through: Callable[..., Any]
    back: Callable[..., Any]


@dataclass(frozen=True)
class Story:
    """What a model tells of one trial, to any listener.

    Stories that are equal share what JAX compiled for them.

    Parameters
    ----------
    model : Model
        Who tells.
    task : Task
        The world.
    predictors : tuple of Predictor
        How the free parameters of a trial follow from a participant's coefficients.
    """

    model: Model
    task: Any
    predictors: tuple[Predictor, ...]

    @property
    def coefficients(self) -> tuple[str, ...]:
        """Names of a participant's coefficients, in the order of a matrix's columns."""
        return tuple(name for p in self.predictors for name in p.coefficients)

    def start(self, coefficients: Sequence[Array], record: Mapping[str, Array]) -> Any:
        """Return the minds before the first trial.

        Parameters
        ----------
        coefficients : sequence of array, shape (lanes,)
            One array for each coefficient.
        record : mapping of str to array, shape (lanes,)
            The first trial.

        Returns
        -------
        Mind of arrays, shape (lanes,)
        """
        return jax.vmap(self.start_one)(tuple(coefficients), dict(record))

    def start_one(self, coefficients: Sequence[Array], record: Mapping[str, Array]) -> Any:
        """Return one participant's mind before the first trial."""
        mind = self.model.start(self.task, self._theta(coefficients, record))
        return jax.tree.map(_leaf, mind)

    def tell(
        self,
        listener: type[Listener],
        coefficients: Sequence[Array],
        mind: Any,
        record: Mapping[str, Array],
    ) -> tuple[Any, Any]:
        """Tell one trial.

        Returns
        -------
        Mind of arrays, shape (lanes,)
            What is in mind afterwards.
        Any
            What the listener heard.
        """
        one = partial(self.tell_one, listener)
        return jax.vmap(one)(tuple(coefficients), mind, dict(record))

    def tell_one(
        self,
        listener: type[Listener],
        coefficients: Sequence[Array],
        mind: Any,
        record: Mapping[str, Array],
    ) -> tuple[Any, Any]:
        """Tell one trial of one participant."""
        t = listener(self.task, record)
        after = self.model.trial(self._theta(coefficients, record), mind, t)
        t.finish()
        after = jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), after, mind)
        teaches = t.teaches()
        if teaches is not None:
            after = jax.tree.map(lambda new, old: jnp.where(teaches, new, old), after, mind)
        return after, t.heard()

    def passes(self, coefficients: Sequence[Array], record: Mapping[str, Array]) -> Passes:
        """Return how one participant's likelihood goes through a trial, ahead and back.

        Parameters
        ----------
        coefficients : sequence of Array
            One number each; only how many there are matters.
        record : mapping of str to Array
            The first trial; only its columns matter.
        """
        values, facts, join = split(self.start_one(coefficients, record))

        def step(theta: Any, values: Any, facts: Any, record: Any) -> Any:
            after, heard = self.tell_one(Replay, theta, join(values, facts), record)
            values, facts, _ = split(after)
            return (values, heard), facts

        def ahead(theta: Any, values: Any, facts: Any, record: Any) -> Any:
            (values, _), facts = step(theta, values, facts, record)
            return values, facts

        def through(theta: Any, values: Any, facts: Any, record: Any) -> Any:
            (values, (x, s)), facts = step(theta, values, facts, record)
            return values, facts, x, s

        def back(theta: Any, values: Any, facts: Any, record: Any, slope: Any, counts: Any) -> Any:
            (_, (x, s)), pull, _ = jax.vjp(
                lambda c, v: step(c, v, facts, record), theta, values, has_aux=True
            )
            return *pull((slope, (counts, -counts / s))), x, s

        return Passes(values, facts, ahead, through, back)

    def _theta(self, coefficients: Sequence[Array], record: Mapping[str, Array]) -> Any:
        """Return the parameters of one trial by attribute, on their natural scale."""
        by_name = dict(zip(self.coefficients, coefficients, strict=True))
        free = {p.parameter.name: p(by_name, record) for p in self.predictors}
        return SimpleNamespace(**self.model.complete(free))


def _leaf(value: Any) -> Array:
    """Return a number as the engine carries it: 64-bit, or a 32-bit count."""
    value = jnp.asarray(value)
    return value.astype(float if jnp.issubdtype(value.dtype, jnp.floating) else jnp.int32)
