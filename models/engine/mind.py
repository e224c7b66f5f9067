"""What a model remembers from one trial to the next, and the parameters it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import jax
import jax.numpy as jnp


@jax.tree_util.register_pytree_with_keys_class
class Mind:
    """Named values, read as attributes and changed only by `replace`.

    Values are numbers or `Table`s. What is learned by gradual change is a float; a bare fact (the
    last choice, a count) is an integer, and then no gradient flows through it.

    Examples
    --------
    >>> mind = Mind(value=0.5, last_choice=-1)
    >>> mind.replace(last_choice=1)
    Mind(value=0.5, last_choice=1)
    """

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the mind has no {name!r}; it has: {', '.join(self.__dict__)}")

    def replace(self, **values: Any) -> Self:
        """Return a copy with some values changed; a name that is not there raises TypeError."""
        if unknown := values.keys() - self.__dict__.keys():
            raise TypeError(
                f"replace cannot add {', '.join(sorted(unknown))}: what a mind holds is fixed by "
                f"the model's start, which has: {', '.join(self.__dict__)}"
            )
        return type(self)(**{**self.__dict__, **values})

    def __repr__(self) -> str:
        return f"Mind({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"

    def tree_flatten_with_keys(self) -> tuple[list[Any], tuple[str, ...]]:
        """Take the mind apart for JAX."""
        names = tuple(self.__dict__)
        return [(jax.tree_util.GetAttrKey(n), self.__dict__[n]) for n in names], names

    @classmethod
    def tree_unflatten(cls, names: tuple[str, ...], values: Any) -> Self:
        """Put the mind together again for JAX."""
        return cls(**dict(zip(names, values, strict=True)))


def split(mind: Any) -> tuple[list[Any], list[Any], Callable[[Any, Any], Any]]:
    """Part a mind into what is learned gradually and bare facts; and how to join them again."""
    leaves, shape = jax.tree.flatten(mind)
    gradual = [jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves]

    def join(values: Any, facts: Any) -> Any:
        values, facts = iter(values), iter(facts)
        return jax.tree.unflatten(shape, [next(values if g else facts) for g in gradual])

    values = [leaf for leaf, g in zip(leaves, gradual, strict=True) if g]
    facts = [leaf for leaf, g in zip(leaves, gradual, strict=True) if not g]
    return values, facts, join
